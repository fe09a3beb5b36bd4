"""How good is a team? The same year for all of them, many times, in dollars."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from mllayers._check import as_integer, as_number, as_text, describe, one_of
from mllayers._results import Result
from mllayers._words import count, dollars
from mllayers.desk.baselines import BASELINES
from mllayers.desk.guarded import Guarded
from mllayers.desk.isolated import Isolated
from mllayers.desk.worlds import WORLDS, orders_of
from mllayers.loop import ARMS, LoopResult, Team, run_loop
from mllayers.shop import PRICES, Prices, order_money

STANDARD = ("open", "self", "closed", "explore", "every label")
_PACKAGES = ("numpy", "pandas", "scikit-learn", "scipy")
_PUBLIC = 1_000  # the first of the seeds that everybody may use
_SPENT = ("fraud shipped", "honest blocked", "reviews", "audits")


@dataclass(frozen=True, eq=False, repr=False)
class Scoreboard(Result):
    """What teams made of the same years: what `score` returns.

    Attributes
    ----------
    table : DataFrame, one row per team, best first
        ``lost``: dollars a year short of the clairvoyant (mean over seeds), which is the sum of ``fraud shipped``,
        ``honest blocked``, ``reviews`` and ``audits``; ``regret``: dollars short of *every label*, with ``regret_low``
        and ``regret_high`` (paired over seeds); ``seconds`` of CPU a year; ``months lost`` by mistakes, in all years.
    runs : DataFrame, one row per seed and team
        The same for each year, in dollars.
    kinds : DataFrame, one row per team and order type
        Mean dollars a year lost to ``fraud shipped`` and ``honest blocked``, and the share of the type's orders that
        was blocked.
    told : DataFrame
        ``seed``, ``team``, ``month`` and what went wrong.
    world : str
    per_month : int
        Orders a month.
    level : float
        Of the intervals.
    seeds : tuple of int
        Empty where they come from a passphrase.
    versions : dict of str to str
    digest : str
        SHA-256 of the runs, seconds apart: same seeds and versions, same digest.
    """

    table: pd.DataFrame
    runs: pd.DataFrame
    kinds: pd.DataFrame
    told: pd.DataFrame
    world: str
    per_month: int
    level: float
    seeds: tuple[int, ...]
    versions: dict[str, str]
    digest: str

    def frame(self) -> pd.DataFrame:
        """The table."""
        return self.table.copy()

    def difference(self, one: str, other: str) -> pd.Series:
        """Dollars a year by which one team is better than another, paired over seeds.

        Parameters
        ----------
        one, other : str
            Names of teams.

        Returns
        -------
        Series
            ``better``, ``low``, ``high`` and ``seeds`` (how many years).

        Raises
        ------
        ValueError
            For a team that is not there.
        """
        wide = self.runs.pivot_table("lost", "seed", "team")
        for name in (one, other):
            one_of(name, "team", wide.columns)
        better = (wide[other] - wide[one]).to_numpy()
        mean, low, high = student_interval(better, self.level)
        return pd.Series({"better": mean, "low": low, "high": high, "seeds": len(better)}, name=f"{one} − {other}")

    def to_dict(self) -> dict[str, Any]:
        """Everything but the table's index, for JSON."""
        return {
            "world": self.world,
            "per_month": self.per_month,
            "level": self.level,
            "seeds": list(self.seeds),
            "versions": self.versions,
            "digest": self.digest,
            "table": self.table.reset_index().to_dict("records"),
            "runs": self.runs.to_dict("records"),
            "kinds": self.kinds.reset_index().to_dict("records"),
            "told": self.told.to_dict("records"),
        }

    def _line(self) -> str:
        first = self.table.iloc[0]
        lost = int(self.table["months lost"].sum())
        return (
            f"{count(len(self.table), 'team')} over {count(self.runs['seed'].nunique(), 'year')} ({self.world}): "
            f"{self.table.index[0]} loses least, {dollars(first['lost'], 0)} a year short of the clairvoyant"
            + (f"; {count(lost, 'month')} lost by mistakes" if lost else "")
        )


def score(
    team: Team | str | os.PathLike[str] | Callable[[], Team] | None = None,
    *,
    against: Iterable[str] = STANDARD,
    seeds: int | Iterable[int] = 20,
    passphrase: str | None = None,
    world: str = "drifting",
    per_month: int = 10_000,
    capacity: float = 0.04,
    prices: Prices = PRICES,
    seconds: float = 60.0,
    level: float = 0.95,
    progress: Callable[[int, int], object] | None = None,
) -> Scoreboard:
    """Let a team run the desk for a year, many times, beside the standard ones.

    Parameters
    ----------
    team : path, Team or callable, optional
        A Python file that defines ``team`` (it runs in a process of its own and sees what a desk would see), an object
        with the three methods of `loop.Team`, or what makes one. An object is copied for each year, so that no year
        remembers another. Without one, the others are compared.
    against : names
        Arms of the loop (`loop.ARMS`) and baselines (`BASELINES`). *every label* is always run: regret is measured
        against it.
    seeds : int or iterable of int, default 20
        How many years, or which. A number takes the public seeds 1000, 1001, …
    passphrase : str, optional
        The seeds come from it: nobody without it can have tried them. With `seeds` a number.
    world : {'standing', 'drifting', 'reacting'}
        See `WORLDS`.
    per_month : int, default 10,000
        Orders a month.
    capacity : float, default 0.04
        Share of the orders that can be reviewed, those drawn at random included. A team that plans more loses the
        month.
    prices : Prices
        The price list.
    seconds : float, default 60
        How long a team from a file may take over one question.
    level : float, default 0.95
        Of the intervals.
    progress : callable, optional
        Called as ``progress(runs_done, runs)``.

    Returns
    -------
    Scoreboard

    Raises
    ------
    TypeError, ValueError
        For what is no team, a name that is not known, and numbers out of range. What goes wrong *in* a team raises
        nothing: it costs the month (every order ships) and stands in ``told``.

    Notes
    -----
    A year is twelve months after six that the old rules decided. Dollars lost are those short of the clairvoyant, who
    ships every honest order and blocks every fraud. In a standing or drifting world all teams meet the same orders, so
    differences are paired; where fraudsters react, each team meets its own, paired by seed. The interval is Student's,
    over seeds. A team that asks for the truth (``sees_truth``) is refused: *every label* is that bound.

    References
    ----------
    Lakkaraju et al. (2017), "The Selective Labels Problem", KDD, for the setting; Nadeau and Bengio (2003) on why
    models are compared on the same data.

    Examples
    --------
    >>> found = score(against=["closed", "explore"], seeds=2, per_month=2_000)
    >>> found.table[["lost"]].round(-4).index.to_list()
    ['every label', 'explore', 'closed']
    """
    world = one_of(world, "world", WORLDS)
    years, public = _years(seeds, passphrase)
    names = list(dict.fromkeys([*against, "every label"]))
    for name in names:
        one_of(name, "against", [*ARMS, *BASELINES])
    makers: dict[str, Callable[[], Any]] = {name: _maker(name) for name in names}
    mine = None
    if team is not None:
        mine, make, isolated = _challenger(team, seconds)
        if mine in makers:
            raise ValueError(f"the team must not be called like one it is compared with; got {mine!r}")
        makers = {mine: make, **makers}
    else:
        isolated = None
    settings: dict[str, Any] = {"capacity": as_number(capacity, "capacity", ge=0, le=1), "prices": prices}
    rows, kinds, told, done = [], [], [], 0
    try:
        for seed in years:
            orders = orders_of(world, seed=seed, per_month=per_month)
            for name, make in makers.items():
                guarded, started = Guarded(make()), time.process_time()
                there = isolated.spent if isolated is not None else 0.0
                if guarded.sees_truth and name == mine:
                    raise ValueError("team must not see the truth (sees_truth): compare with 'every label'")
                kept = _Kept(orders)
                result = run_loop(kept.source, team=guarded, seed=_hidden(world, seed), **settings)
                row, by_kind = _year(result, kept.all(result.decisions.index), prices)
                spent = time.process_time() - started + (isolated.spent - there if isolated is not None else 0.0)
                rows.append({"seed": seed, "team": name, **row, "seconds": spent, "months lost": len(guarded.told)})
                kinds.append(by_kind.assign(team=name))
                told += [{"seed": seed, "team": name, "month": month, "what": what} for month, what in guarded.told]
                done += 1
                if progress is not None:
                    progress(done, len(years) * len(makers))
    finally:
        if isolated is not None:
            isolated.__exit__()
    runs = pd.DataFrame(rows)
    if not public:  # a seed from a passphrase is nobody's to see
        runs["seed"] = pd.factorize(runs["seed"])[0]
    found = pd.DataFrame(told, columns=["seed", "team", "month", "what"])
    return Scoreboard(
        _table(runs, level),
        runs,
        _by_kind(pd.concat(kinds), len(years)),
        found,
        world,
        per_month,
        level,
        tuple(years) if public else (),
        {"python": platform.python_version(), **{name: version(name) for name in ("mllayers", *_PACKAGES)}},
        _digest(runs),
    )


def _years(seeds: int | Iterable[int], passphrase: str | None) -> tuple[list[int], bool]:
    """The seeds of the years, and whether everybody may know them."""
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        n = as_integer(seeds, "seeds", ge=2)
        if passphrase is None:
            return list(range(_PUBLIC, _PUBLIC + n)), True
        return drawn_seeds(as_text(passphrase, "passphrase"), n), False
    if passphrase is not None:
        raise ValueError(f"seeds must be a number where they come from a passphrase; got {describe(seeds)}")
    if isinstance(seeds, (str, bytes)) or not isinstance(seeds, Iterable):
        raise TypeError(f"seeds must be a number of years, or whole numbers; got {describe(seeds)}")
    years = [as_integer(x, "seeds", ge=0) for x in seeds]
    if len(years) < 2 or len(set(years)) < len(years):
        raise ValueError(f"seeds must be at least two different ones; got {years}")
    return years, True


def drawn_seeds(passphrase: str, n: int) -> list[int]:
    """The seeds that a passphrase stands for; more of them begin with the same."""
    drawn = [hashlib.sha256(f"{passphrase} {i}".encode()).digest() for i in range(n)]
    return [int.from_bytes(x[:6], "big") for x in drawn]


def _hidden(world: str, seed: int) -> int:
    """What a team is told in the place of the world's seed."""
    return int.from_bytes(hashlib.sha256(f"{world} {seed} draws".encode()).digest()[:4], "big")


def _maker(name: str) -> Callable[[], Any]:
    if name in ARMS:
        return lambda: ARMS[name]
    return BASELINES[name]


def _challenger(team: Any, seconds: float) -> tuple[str, Callable[[], Any], Isolated | None]:
    """The name of a team, how to have it afresh, and the process it sits in."""
    if isinstance(team, (str, os.PathLike)):
        isolated = Isolated(team, seconds=seconds)

        def again() -> Isolated:
            isolated.close()  # a year begins without what another one left behind
            return isolated

        return isolated.name, again, isolated
    if isinstance(team, Team) and not isinstance(team, type):
        return str(getattr(team, "name", "own team")), lambda: copy.deepcopy(team), None
    if callable(team):
        first = team()
        if isinstance(first, Team):
            return str(getattr(first, "name", "own team")), team, None
    raise TypeError(
        f"team must be a Python file, an object with learn, decide and try_at_random, or what makes one; got "
        f"{describe(team)}"
    )


class _Kept:
    """The orders of a world, kept as they come, with their truth: a team's decisions are graded on them."""

    def __init__(self, orders: Any) -> None:
        self.orders, self.months = orders, list[pd.DataFrame]()

    @property
    def source(self) -> Any:
        """What `run_loop` takes."""
        return self._ask if callable(self.orders) else self.orders

    def _ask(self, month: int, so_far: pd.DataFrame) -> pd.DataFrame:
        self.months.append(self.orders(month, so_far))
        return self.months[-1]

    def all(self, index: pd.Index) -> pd.DataFrame:
        """The orders that were decided, in their order."""
        if not callable(self.orders):
            found: pd.DataFrame = self.orders.loc[index]
            return found
        return pd.concat(self.months).tail(len(index))


def _year(result: LoopResult, orders: pd.DataFrame, prices: Prices) -> tuple[dict[str, float], pd.DataFrame]:
    """What a year lost against the clairvoyant, by what it was lost to, and by order type."""
    action, fraud = result.decisions["action"].to_numpy(str), orders["_is_fraud"].to_numpy(bool)
    best = order_money(orders, np.where(fraud, "block", "ship"), prices=prices)
    lost = best - order_money(orders, action, prices=prices)
    spent = {
        "fraud shipped": lost[(action == "ship") & fraud].sum(),
        "honest blocked": lost[(action == "block") & ~fraud].sum(),
        "reviews": lost[action == "review"].sum(),
        "audits": lost[action == "audit"].sum(),
    }
    kinds = pd.DataFrame(
        {
            "kind": orders["_kind"].astype(str).to_numpy(),
            "orders": 1,
            "blocked": action == "block",
            "fraud shipped": np.where((action == "ship") & fraud, lost, 0.0),
            "honest blocked": np.where((action == "block") & ~fraud, lost, 0.0),
        }
    )
    return {"lost": float(lost.sum()), **{name: float(x) for name, x in spent.items()}}, kinds.groupby("kind").sum()


def _table(runs: pd.DataFrame, level: float) -> pd.DataFrame:
    """One row a team, the one that loses least first."""
    means = runs.groupby("team", sort=False)[["lost", *_SPENT, "seconds"]].mean()
    wide = runs.pivot_table("lost", "seed", "team")
    regret = {name: student_interval((wide[name] - wide["every label"]).to_numpy(), level) for name in means.index}
    for place, column in enumerate(("regret", "regret_low", "regret_high")):
        means.insert(1 + place, column, [regret[name][place] for name in means.index])
    means["months lost"] = runs.groupby("team")["months lost"].sum()
    return means.sort_values("lost", kind="stable")


def _by_kind(kinds: pd.DataFrame, years: int) -> pd.DataFrame:
    total = kinds.reset_index().groupby(["team", "kind"], sort=False).sum()
    return pd.DataFrame(
        {
            "fraud shipped": total["fraud shipped"] / years,
            "honest blocked": total["honest blocked"] / years,
            "blocked": total["blocked"] / total["orders"],
        }
    )


def student_interval(x: Any, level: float) -> tuple[float, float, float]:
    """The mean and Student's interval; no width where nothing differs."""
    mean, spread = float(np.mean(x)), float(np.std(x, ddof=1) / np.sqrt(len(x)))
    half = float(student.ppf((1 + level) / 2, len(x) - 1)) * spread
    return mean, mean - half, mean + half


def _digest(runs: pd.DataFrame) -> str:
    told = runs.drop(columns="seconds").to_dict("records")
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def shown(table: pd.DataFrame) -> str:
    """The scoreboard as text, in whole dollars."""
    money: Mapping[str, Callable[[float], str]] = {
        str(name): (lambda x: dollars(x, 0)) for name in table if name not in ("seconds", "months lost")
    }
    return str(table.to_string(formatters={**money, "seconds": "{:.1f}".format}))
