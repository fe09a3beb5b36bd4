"""The loop itself: month by month from what is known that day to what came of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_frame, as_integer, as_number, as_numbers, as_probabilities, describe, same_cases
from mllayers._results import Result
from mllayers._words import count, dollars, percent
from mllayers.decision import Policy
from mllayers.feedback import promise_kept
from mllayers.ledger import Ledger
from mllayers.loop.book import Book, came_back, day_of_ledger, run_name
from mllayers.loop.desk import with_stakes
from mllayers.loop.team import ARMS, Team
from mllayers.loop.world import Source
from mllayers.shop import (
    ORDER_FEATURES,
    ORDER_TYPES,
    PRICES,
    Prices,
    legacy_rule,
    observe,
    order_money,
)

DAYS = 30  # in a month

_THIN = 52  # stream of chance: which negatives a model is fitted to
_VISIBLE = ["order_id", "month", "day", *ORDER_FEATURES]
_NEEDS = [*_VISIBLE, "_kind", "_is_fraud", "_report_day", "_reviewer_draw"]
_DECIDED = ["score", "planned", "action", "drawn", "propensity", "cost", "expected_value"]
_ACTIONS = ["ship", "review", "audit", "block"]
_DONE = pd.CategoricalDtype(_ACTIONS)  # inside a run: text is slow to compare
_LOTS = pd.CategoricalDtype(["", "holdout", "explore"])


def known_on(past: pd.DataFrame, day: float) -> pd.DataFrame:
    """What a desk knows on a day of orders and of what it did with them: the visible columns alone.

    Parameters
    ----------
    past : DataFrame
        Orders with their truth, and ``score``, ``planned``, ``action``, ``drawn`` and ``propensity``.
    day : float
        Days since the start.

    Returns
    -------
    DataFrame
        The visible columns and the decisions, with ``label``, ``known`` and ``source`` of `shop.observe`; silence of
        any age is 0 there, and whoever learns from it says how old it must be.

    Raises
    ------
    TypeError, ValueError
        If a column is missing.

    Examples
    --------
    >>> from mllayers.shop import make_orders
    >>> orders = make_orders(0, per_month=100)
    >>> done = orders.assign(score=0.1, planned="ship", action="ship", drawn="", propensity=1.0)
    >>> known_on(done, 60)[["score", "action", "label", "source"]].head(2).to_dict("list")
    {'score': [0.1, 0.1], 'action': ['ship', 'ship'], 'label': [0.0, 0.0], 'source': ['silence', 'silence']}
    """
    columns = [*_VISIBLE, *_DECIDED[:5]]
    past = as_frame(past, "past", [*columns, "_is_fraud", "_report_day", "_reviewer_draw"])
    seen = observe(past, past["action"], day, silence_days=0)
    return past[columns].assign(**{str(name): seen[name].array for name in seen})


def decide(
    orders: pd.DataFrame,
    p: ArrayLike,
    team: Team,
    *,
    capacity: float = 0.04,
    prices: Prices = PRICES,
    seed: int = 0,
    model: str = "",
) -> pd.DataFrame:
    """What to do with each order of a month: the team's policy, planned and drawn.

    Parameters
    ----------
    orders : DataFrame
        With ``order_id``, ``day`` and ``amount_usd``.
    p : array of shape (n,)
        Probability of fraud.
    team : Team
        Such as ``ARMS["explore"]``.
    capacity : float in [0, 1], default 0.04
        Share of the orders that can be reviewed. What the team tries at random comes first; the orders where a review
        changes most get what is left.
    prices : Prices
        The price list.
    seed : int
        Key of the draws: the same order and seed, the same draw.
    model : str
        Name of the model, for the ledger.

    Returns
    -------
    DataFrame with the index of `orders`
        Rows of a ledger, as `Policy.plan` returns them, with ``order_id``, ``month`` (where the orders have it) and
        ``day``. ``cost`` is what is paid: the reviews.

    Raises
    ------
    TypeError, ValueError
        If the lengths differ, or a probability or the capacity lies outside [0, 1].

    Notes
    -----
    Compared with shipping, a review is worth p · (goods + fee) less its price, a block p · (goods + fee) less
    (1 − p) · (margin + goodwill). Taught in notebook 05; the thresholds in notebook 03, *The thresholds follow from the
    costs*.

    References
    ----------
    Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI.

    Examples
    --------
    >>> orders = pd.DataFrame({"order_id": range(4), "day": 0.5, "amount_usd": 80.0})
    >>> decide(orders, [0.01, 0.30, 0.40, 0.95], ARMS["closed"], capacity=0.25)["action"].to_list()
    ['ship', 'review', 'block', 'block']
    """
    frame = as_frame(orders, "orders", ["order_id", "day", "amount_usd"])
    same_cases(orders=orders, p=p)
    if not isinstance(team, Team):
        raise TypeError(f"team must be a team, such as ARMS['closed']; got {describe(team)}")
    kept = [name for name in ("order_id", "month", "day") if name in frame]
    seen = frame[[name for name in _VISIBLE if name in frame]].assign(
        score=as_probabilities(p, "p"), time=day_of_ledger(frame["day"])
    )
    seen = with_stakes(seen, prices=prices)
    reviews = as_number(capacity, "capacity", ge=0, le=1) * len(frame)
    policy = team.decide(seen, reviews, prices=prices)
    if not isinstance(policy, Policy):
        raise TypeError(f"team.decide must return a Policy; got {describe(policy)}")
    shares, columns = _shares(team.try_at_random(seen, prices=prices), len(seen))
    plan = policy.plan(
        seen.assign(**columns),
        case="order_id",
        time="time",
        score="score",
        explore=shares,
        seed=as_integer(seed, "seed", ge=0),
        model=model,
        keep=kept,
    ).set_axis(frame.index)
    _refuse_strange(plan)
    looked = plan["action"].isin(["review", "audit"])
    return plan.assign(cost=np.where(looked, prices.review, 0.0))


def _shares(tried: Any, n: int) -> tuple[Any, dict[str, NDArray[np.float64]]]:
    """What is tried, as `Policy.plan` takes it: shares by order become columns."""
    if not isinstance(tried, Mapping):
        return tried or 0.0, {}
    columns: dict[str, NDArray[np.float64]] = {}
    told: dict[Any, dict[Any, Any]] = {}
    for planned, targets in tried.items():
        told[planned] = {}
        for action, share in targets.items():
            if np.ndim(share) == 0:
                told[planned][action] = share
                continue
            name = f"share {len(columns)}"
            columns[name] = as_numbers(share, f"the share of {planned!r} that is tried")
            if len(columns[name]) != n:
                got = f"{len(columns[name]):,}"
                raise ValueError(f"a share must be a number, or one for each of {n:,} orders; got {got}")
            told[planned][action] = name
    return told, columns


def _refuse_strange(plan: pd.DataFrame) -> None:
    """A desk ships, reviews, audits or blocks."""
    strange = sorted({*plan["planned"].unique(), *plan["action"].unique()} - set(_ACTIONS))
    if strange:
        raise ValueError(f"team.decide may only use the actions {', '.join(_ACTIONS)}; got {strange[0]!r}")


@dataclass(frozen=True, eq=False, repr=False)
class LoopResult(Result):
    """What came of a run: what `run_loop` returns.

    Attributes
    ----------
    team : str
        The name of the team.
    months : DataFrame, one row per month
        ``orders``, ``frauds``; ``money`` made, ``perfect`` (money of whoever knows the truth) and ``gap`` between the
        two, all in USD; ``fakes_shipped``, ``good_blocked``, ``blocks``, ``reviews`` and ``audits``;
        ``precision_true`` of the blocks and ``precision_seen``, what the team believes it to be; ``promised`` (frauds
        that the probabilities promise among the shipped orders), ``reported`` (those that have come back once the
        month is old enough for silence), ``calibration_seen`` = promised / reported and ``calibration_true`` =
        promised / fakes_shipped; ``inf`` where there was none.
    kinds : DataFrame, one row per month and order type
        How many ``orders``, and how many of them were ``ship``, ``review``, ``audit`` and ``block``.
    decisions : DataFrame, one row per order
        Rows of a ledger (case, time, score, planned, action, drawn, propensity, cost, …) with ``order_id``, ``month``
        and ``day``; with the index of the orders.
    outcomes : DataFrame, one row per outcome
        What came back by the end of the last month, as a ledger keeps it.
    model : object
        The last model.
    """

    team: str
    months: pd.DataFrame
    kinds: pd.DataFrame
    decisions: pd.DataFrame
    outcomes: pd.DataFrame
    model: Any

    @property
    def money(self) -> float:
        """Dollars made over all months."""
        return float(self.months["money"].sum())

    @property
    def gap(self) -> float:
        """Dollars made less those that perfect decisions would have made: 0 at best."""
        return float(self.months["gap"].sum())

    def frame(self) -> pd.DataFrame:
        """The months."""
        return self.months.copy()

    def to_dict(self) -> dict[str, Any]:
        """The team, its money and gap, and the months."""
        months = self.months.reset_index().to_dict("records")
        return {"team": self.team, "money": self.money, "gap": self.gap, "months": months}

    def _line(self) -> str:
        total = self.months.sum()
        believed = total["promised"] / total["fakes_shipped"] if total["fakes_shipped"] else np.nan
        return (
            f"{self.team}: {dollars(-self.gap, 0)} short of perfect decisions in {count(len(self.months), 'month')}; "
            f"{total['fakes_shipped']:,.0f} of {total['frauds']:,.0f} fakes shipped ({percent(believed, 0)} of them "
            f"promised), {total['good_blocked']:,.0f} good orders blocked, "
            f"{total['reviews'] + total['audits']:,.0f} reviewed"
        )


def run_loop(
    orders: pd.DataFrame | Source,
    *,
    team: str | Team = "closed",
    capacity: float = 0.04,
    window: int = 6,
    months: Iterable[int] = range(6, 18),
    prices: Prices = PRICES,
    seed: int = 2026,
    ledger: Ledger | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> LoopResult:
    """The whole system, month by month: learn from what is known that day, decide, act, wait for what comes back.

    Parameters
    ----------
    orders : DataFrame or callable
        Orders with their truth, of the months before the first (decided by the old rules) and of all `months`, as
        `shop.make_orders` returns them. Give the same frame to all teams and they meet the same orders. Or a function
        ``orders(month, so_far)`` for a world that reacts: it gets all orders so far with what was done, and returns
        those of the month; see `reacting_orders`.
    team : {'open', 'self', 'closed', 'explore', 'every label'} or Team
        What the team learns from, what it does with each order, what it tries at random. open: the model of the first
        month for ever. self: its own blocks count as fraud. closed: blocks are left out, silence is legitimate.
        explore: a random audit of 1 %, a review of 10 % of the blocks, silence is ignored. every label: the truth about
        every order, at once. Change an answer with ``dataclasses.replace(ARMS["explore"], audit_share=0.02)``.
    capacity : float in [0, 1], default 0.04
        Share of the orders that can be reviewed, audits included.
    window : int, default 6
        Months that the model learns from.
    months : iterable of int, default 6 to 17
        The months to run, one after the other.
    prices : Prices
        The price list.
    seed : int
        Key of the random audits and seed of the sample of negatives: same seed, same bits.
    ledger : Ledger, optional
        Where decisions (with their propensities) and outcomes are written, month by month. A run that was interrupted
        goes on after the last complete month, with the same result. One ledger for one run.
    progress : callable, optional
        Called as ``progress(months_done, months)``.

    Returns
    -------
    LoopResult

    Raises
    ------
    TypeError, ValueError
        For an unknown team, a number out of range, a month without orders, and a ledger that holds another run or
        other orders.
    LedgerError
        If the ledger cannot be read or written.

    Notes
    -----
    On the first day of a month the team learns a model from what `known_on` tells that day about the `window` months
    before, and its policy plans the orders of the month (`decide`). What is done decides what gets known. The last
    complete month of a ledger is decided again, and the ledger refuses it should anything differ. Run it with one
    thread per numerical library (``OMP_NUM_THREADS=1``): the fits are small, and with more threads the last bits may
    differ. Taught in notebook 05.

    References
    ----------
    Dal Pozzolo et al. (2018), "Credit Card Fraud Detection: A Realistic Modeling", IEEE TNNLS 29(8): delayed and
    selective labels. Perdomo et al. (2020), "Performative Prediction", ICML.

    Examples
    --------
    >>> from mllayers.shop import make_orders
    >>> orders = make_orders(range(8), per_month=4_000)
    >>> result = run_loop(orders, team="explore", months=range(6, 8))
    >>> result.months[["orders", "reviews", "audits"]].sum().to_dict()
    {'orders': 8000, 'reviews': 208, 'audits': 100}
    """
    name, crew = as_team(team)
    run = Run(orders, capacity=capacity, window=window, months=months, prices=prices, seed=seed)
    told = run_name(name, (crew, run.capacity, run.window, run.months[0], prices, run.seed))
    book = None if ledger is None else Book(ledger, told, run.months)
    while run.left:
        written = None if book is None else book.read(run.month, run.today())
        if written is not None:
            run.skip(written)
        else:
            run.step(crew)
            decisions = run.named(told)
            if book is not None:
                book.write(decisions, run.past[-run.done :])
        if progress is not None:
            progress(run.done, len(run.months))
    return run.result(name, crew)


class Run:
    """A run that is taken month by month, each by a team that may have changed its mind: what `run_loop` is made of.

    Parameters
    ----------
    orders, capacity, window, months, prices, seed
        As in `run_loop`.

    Attributes
    ----------
    months : list of int
        The months to run.
    done : int
        How many are decided.
    past : list of DataFrame
        The orders of each month so far, with their truth and what was decided.
    decided : list of DataFrame
        Rows of a ledger, month by month.
    model : object
        The model of the last month.

    Raises
    ------
    TypeError, ValueError
        As `run_loop`.

    Examples
    --------
    >>> from mllayers.shop import make_orders
    >>> run = Run(make_orders(range(8), per_month=2_000), months=range(6, 8))
    >>> closed = run.step("closed")
    >>> other = run.copy()  # the same past, another second month
    >>> [len(run.step("closed")), len(other.step("explore"))], run.left
    ([2000, 2000], 0)
    """

    def __init__(
        self,
        orders: pd.DataFrame | Source,
        *,
        capacity: float = 0.04,
        window: int = 6,
        months: Iterable[int] = range(6, 18),
        prices: Prices = PRICES,
        seed: int = 2026,
    ) -> None:
        self.months, self.window = _as_months(months), as_integer(window, "window", ge=1)
        self.seed = as_integer(seed, "seed", ge=0)
        self.capacity = as_number(capacity, "capacity", ge=0, le=1)
        if not isinstance(prices, Prices):
            raise TypeError(f"prices must be shop.Prices; got {describe(prices)}")
        self.prices = prices
        self._ask = _reacting(orders) if callable(orders) else _monthly(orders)
        self._today: pd.DataFrame | None = None
        self._born = -1
        self.done = 0
        self.model: Any = None
        self.past: list[pd.DataFrame] = []
        self.decided: list[pd.DataFrame] = []
        for month in range(max(0, self.months[0] - self.window), self.months[0]):
            today = self._ask(month, self.past)
            rules = np.where(legacy_rule(today), "review", "ship")
            decided = {"score": np.nan, "planned": rules, "action": rules, "drawn": "", "propensity": 1.0}
            self.past.append(_with_decisions(today, **decided))

    @property
    def left(self) -> int:
        """How many months are left."""
        return len(self.months) - self.done

    @property
    def month(self) -> int:
        """The month that is next."""
        if not self.left:
            raise ValueError("the run is over: there is no month left")
        return self.months[self.done]

    def today(self) -> pd.DataFrame:
        """The orders of the month that is next, with their truth."""
        if self._today is None:
            self._today = self._ask(self.month, self.past)
        return self._today

    def step(self, team: str | Team) -> pd.DataFrame:
        """Learn, decide, act: one month.

        Parameters
        ----------
        team : str or Team
            As in `run_loop`; another one each month, if you like.

        Returns
        -------
        DataFrame
            Rows of a ledger, as `decide` returns them.
        """
        crew, month, today = as_team(team)[1], self.month, self.today()
        if self.model is None or getattr(crew, "retrain", True):
            self._born = month if getattr(crew, "retrain", True) else self.months[0]
            known = pd.concat(self.past[: len(self.past) - (month - self._born)][-self.window :])
            day = self._born * DAYS
            self.model = crew.learn(_view(known, day, crew), day, seed=[self.seed, _THIN, self._born])
        p = np.asarray(self.model.predict_proba(today[ORDER_FEATURES]))[:, 1]
        fitted = f"fitted for month {self._born}"
        decisions = decide(today, p, crew, capacity=self.capacity, prices=self.prices, seed=self.seed, model=fitted)
        self.skip(decisions)
        return decisions

    def skip(self, decisions: pd.DataFrame) -> None:
        """Take a month's decisions as they are, such as those of a ledger."""
        self.past.append(_with_decisions(self.today(), **{name: decisions[name] for name in _DECIDED[:5]}))
        self.decided.append(decisions)
        self.done, self._today = self.done + 1, None

    def named(self, policy: str) -> pd.DataFrame:
        """The last month's decisions, under a policy's name."""
        self.decided[-1] = self.decided[-1].assign(policy=policy)
        return self.decided[-1]

    def copy(self) -> Run:
        """The same run so far; what happens next in one leaves the other alone."""
        other = copy.copy(self)
        other.past, other.decided = list(self.past), list(self.decided)
        return other

    def result(self, name: str, team: Any = None) -> LoopResult:
        """What came of the months so far.

        Parameters
        ----------
        name : str
            Of the team.
        team : Team, optional
            Whose beliefs about its blocks count for ``precision_seen``.

        Returns
        -------
        LoopResult
        """
        if not self.done:
            raise ValueError("no month has been decided yet")
        wanted, ran = self.months[: self.done], self.past[-self.done :]
        table = pd.DataFrame(
            [_month_row(*each, team, self.prices) for each in zip(wanted, ran, strict=True)],
            index=pd.Index(wanted, name="month"),
        )
        kinds = pd.concat([_by_kind(each) for each in ran], keys=wanted, names=["month"])
        back = came_back(pd.concat(ran), 0.0, (wanted[-1] + 1) * float(DAYS))
        return LoopResult(name, table, kinds, pd.concat(self.decided), back, self.model)


def as_team(team: Any) -> tuple[str, Team]:
    """The team and its name, which is a known one where the team is."""
    if isinstance(team, str):
        if team not in ARMS:
            raise ValueError(f"team must be one of {', '.join(ARMS)}, or a team of your own; got {describe(team)}")
        return team, ARMS[team]
    if isinstance(team, type) or not isinstance(team, Team):
        raise TypeError(
            f"team must be one of {', '.join(ARMS)}, or an object with the methods learn, decide and try_at_random; "
            f"got {describe(team)}"
        )
    known = [name for name, arm in ARMS.items() if arm == team]
    return (known[0] if known else str(getattr(team, "name", "own team"))), team


def _as_months(months: Iterable[int]) -> list[int]:
    """Months that follow each other, the first at least 1."""
    if isinstance(months, (str, bytes)) or not isinstance(months, Iterable):
        raise TypeError(f"months must be whole numbers that follow each other; got {describe(months)}")
    wanted = [as_integer(month, "months", ge=1) for month in months]
    if not wanted or wanted != list(range(wanted[0], wanted[0] + len(wanted))):
        raise ValueError(f"months must name at least one month, each the one after the last; got {wanted}")
    return wanted


def _monthly(orders: pd.DataFrame) -> Callable[[int, list[pd.DataFrame]], pd.DataFrame]:
    """The orders of a month out of a frame of many."""
    frame = as_frame(orders, "orders", _NEEDS)
    months: dict[int, pd.DataFrame] = {
        month: frame.loc[frame["month"] == month, _NEEDS] for month in frame["month"].unique().tolist()
    }

    def ask(month: int, past: list[pd.DataFrame]) -> pd.DataFrame:
        if month not in months:
            has = ", ".join(map(str, months))
            raise ValueError(
                f"orders must hold the months to run and the window before them; got {has}, without {month}"
            )
        return months[month]

    return ask


def _reacting(orders: Source) -> Callable[[int, list[pd.DataFrame]], pd.DataFrame]:
    """The orders of a month from a function that is told what was done so far."""

    def ask(month: int, past: list[pd.DataFrame]) -> pd.DataFrame:
        so_far = pd.concat(past) if past else pd.DataFrame(columns=[*_NEEDS, *_DECIDED])
        today = as_frame(orders(month, so_far), f"orders({month}, so_far)", _NEEDS)[_NEEDS]
        if (today["month"] != month).any():
            raise ValueError(f"orders({month}, so_far) must return orders of month {month} alone")
        return today

    return ask


def _with_decisions(orders: pd.DataFrame, **decided: Any) -> pd.DataFrame:
    """The orders and what was decided about each, its words as categories."""
    full = orders.assign(**decided)
    return full.astype({"planned": _DONE, "action": _DONE, "drawn": _LOTS})


def _view(past: pd.DataFrame, day: float, team: Team) -> pd.DataFrame:
    """What the team may look at: a desk's view, and the truth only for a bound that asks for it."""
    known = known_on(past, day)
    return known.assign(_is_fraud=past["_is_fraud"].to_numpy(float)) if getattr(team, "sees_truth", False) else known


def _month_row(month: int, orders: pd.DataFrame, team: Team, prices: Prices) -> dict[str, float]:
    """What became of a month, in truth and as the team sees it."""
    fraud, p, acts = orders["_is_fraud"].to_numpy(bool), orders["score"].to_numpy(float), orders["action"]
    shipped, blocked, audited = ((acts == name).to_numpy() for name in ("ship", "block", "audit"))
    money = order_money(orders, acts, prices=prices).sum()
    perfect = order_money(orders, np.where(fraud, "block", "ship"), prices=prices).sum()
    old_enough = float(getattr(team, "silence_days", 60.0))
    seen = observe(orders, acts, (month + 1) * DAYS + old_enough, silence_days=old_enough)
    label = seen["label"].to_numpy(float)
    calibration = [_ratio_kept(p[shipped], y[shipped]) for y in (label, fraud)]
    true = _ratio(fraud[blocked].sum(), blocked.sum())
    return {
        "orders": len(orders),
        "frauds": fraud.sum(),
        "money": money,
        "perfect": perfect,
        "gap": money - perfect,
        "fakes_shipped": (fraud & shipped).sum(),
        "good_blocked": (~fraud & blocked).sum(),
        "blocks": blocked.sum(),
        "reviews": (acts == "review").sum(),
        "audits": audited.sum(),
        "precision_seen": _precision_seen(orders, label, audited, true, team),
        "precision_true": true,
        "promised": p[shipped].sum(),
        "reported": (label[shipped] == 1).sum(),
        "calibration_seen": calibration[0],
        "calibration_true": calibration[1],
    }


def _precision_seen(
    orders: pd.DataFrame, label: NDArray[Any], audited: NDArray[np.bool_], true: float, team: Team
) -> float:
    """What the team takes the precision of its blocks to be: its own word, what it reviewed of them, or nothing."""
    blocked = (orders["planned"] == "block").to_numpy()
    if getattr(team, "sees_truth", False):
        return true
    if getattr(team, "blocks", "") == "fraud":
        return 1.0 if (blocked & ~audited).any() else np.nan
    return _ratio(label[audited & blocked].sum(), (audited & blocked).sum())


def _ratio_kept(p: NDArray[np.float64], y: NDArray[Any]) -> float:
    """Promised frauds for each that was delivered."""
    return float(promise_kept(p, y).frame()["ratio"].item()) if p.size else np.nan


def _ratio(a: float, b: float) -> float:
    return float(a / b) if b else np.nan


def _by_kind(orders: pd.DataFrame) -> pd.DataFrame:
    """How many orders of each type, and what was done with them; a world's own types stand behind the known ones."""
    kind = orders["_kind"].astype("category")
    counts = np.zeros((len(kind.cat.categories), len(_ACTIONS)), dtype=np.int64)
    np.add.at(counts, (kind.cat.codes.to_numpy(), orders["action"].cat.codes.to_numpy()), 1)
    table = pd.DataFrame(counts, index=kind.cat.categories.astype(str), columns=_ACTIONS)
    table = table.reindex(list(dict.fromkeys([*ORDER_TYPES.columns, *table.index])), fill_value=0)
    table.insert(0, "orders", table.sum(axis=1))
    return table.rename_axis(index="kind")
