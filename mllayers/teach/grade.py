"""A policy in dollars, on worlds that nobody has tried: ``python -m mllayers grade policy.json --passphrase WORDS``.

A task says which worlds there are and what stands beside the policy (`TASKS`). The seeds of the worlds come from a
passphrase that only the teacher knows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mllayers._check import as_integer, as_number, as_text, describe
from mllayers._results import Result
from mllayers._stats import difference, mean_interval
from mllayers._words import count, dollars, money
from mllayers.decision import Menu, Policy, Segments
from mllayers.desk.scoring import drawn_seeds, student_interval

__all__ = ["Grade", "Task", "World", "grade", "read", "seeds", "try_on"]

Names = NDArray[np.object_]


@dataclass(frozen=True)
class World:
    """One world in which a policy is graded.

    Parameters
    ----------
    seen : DataFrame, one row per case
        What the policy may read.
    dollars : mapping of str to DataFrame
        By price list, the first of which counts: a column for each action, with what it truly brings in each case.
    beside : mapping of str to array of str, one per case
        Other decisions, by name: which action each case gets.
    """

    seen: pd.DataFrame
    dollars: Mapping[str, pd.DataFrame]
    beside: Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """What a policy is asked to do.

    Parameters
    ----------
    name : str
    world : callable
        Seed → `World`.
    idle : str
        The action that leaves a case alone; also what happens where there is no room.
    bound : str
        Which of the decisions beside the policy is the upper bound.
    room : mapping of str to int, optional
        How many cases an action can take, whatever the policy says.
    case, score : str
        The columns of the id and of the probability.
    time : str
        A column, or one date for all.
    value : str, optional
        The column that gains are multiplied with, for a menu whose gains are numbers (dollars per dollar at stake).
    """

    name: str
    world: Callable[[int], World]
    idle: str
    bound: str
    room: Mapping[str, int] = field(default_factory=dict)
    case: str = "case"
    score: str = "score"
    time: str = "2026-07-01"
    value: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Grade(Result):
    """What a policy earned: what `grade` returns.

    Attributes
    ----------
    table : DataFrame, one row per price list and decision, best first
        ``prices``, ``decision``, ``dollars`` a world (mean) beyond leaving every case alone, ``low`` and ``high``.
    runs : DataFrame, one row per world, price list and decision
    facts : DataFrame, one row per world
        ``cases``; ``planned`` for an action; ``held_out`` of these, and ``holdout_cost``, the dollars that this cost;
        ``effect_half``, half the width of the interval for what acting brings a case, from the hold-out alone (NaN
        where it is too small to tell);
        ``no_room``, planned where there was none; ``no_score``.
    policy : str
        The policy in a line.
    bound : str
    worlds : int
    level : float
    """

    table: pd.DataFrame
    runs: pd.DataFrame
    facts: pd.DataFrame
    policy: str
    bound: str
    worlds: int
    level: float

    def frame(self) -> pd.DataFrame:
        """The table."""
        return self.table.copy()

    @property
    def earned(self) -> float:
        """Dollars a world that the policy earned, at the prices that count."""
        return float(self.table.loc[self.table["decision"] == YOURS, "dollars"].iloc[0])

    def _line(self) -> str:
        row = self.table[self.table["decision"] == YOURS].iloc[0]
        best = self.table[(self.table["prices"] == row["prices"]) & (self.table["decision"] == self.bound)].iloc[0]
        return (
            f"{money(row['dollars'])} a world beyond leaving every case alone ({money(row['low'])} to "
            f"{money(row['high'])}, {self.level:.0%} over {count(self.worlds, 'world')}); "
            f"bound ({self.bound}): {money(best['dollars'])}"
        ).replace("%", " %")

    def told(self) -> Iterator[str]:
        """The debrief, line by line."""
        for prices, rows in self.table.groupby("prices", sort=False):
            yield f"{prices}:"
            width = rows["decision"].str.len().max()
            for row in rows.to_dict("records"):
                spread = f"({money(row['low'])} to {money(row['high'])})" if row["low"] < row["high"] else ""
                yield f"  {row['decision']:<{width}}  {money(row['dollars']):>9}  {spread}".rstrip()
        mean = self.facts.mean()
        yield ""
        yield (
            f"Of {count(mean['cases'], 'case')} a world, {mean['planned']:,.0f} were planned for an action and "
            f"{mean['held_out']:,.1f} of these left alone at random."
        )
        small = int(self.facts["effect_half"].isna().sum())
        cost = mean["holdout_cost"]
        yield f"The hold-out {'cost' if cost >= 0 else 'saved'} {dollars(abs(cost), 0)} a world. " + (
            f"From it the desk learns what acting brings, give or take {dollars(mean['effect_half'], 0)} a case."
            if not small
            else f"In {small} of {count(self.worlds, 'world')} it is too small to learn from it what acting brings."
        )
        if mean["no_room"]:
            yield f"{count(mean['no_room'], 'action')} a world had no room, and these cases were left alone."
        if mean["no_score"]:
            yield f"{count(mean['no_score'], 'case')} a world came without a score."
        yield f"Signed was: {self.policy}"


YOURS = "your policy"


def seeds(passphrase: str, n: int) -> list[int]:
    """The seeds of the worlds that a passphrase stands for.

    Parameters
    ----------
    passphrase : str
        Words; the same words, the same worlds.
    n : int
        How many; more of them begin with the same.

    Returns
    -------
    list of int

    Raises
    ------
    TypeError, ValueError
        For anything but text, and for a number below 1.

    Examples
    --------
    >>> seeds("blue kettle", 2) == seeds("blue kettle", 3)[:2] != seeds("Blue kettle", 2)
    True
    """
    return drawn_seeds(as_text(passphrase, "passphrase"), as_integer(n, "n", ge=1))


def read(path: str | os.PathLike[str]) -> Policy:
    """A policy from a file that `Policy.to_json` wrote.

    Raises
    ------
    ValueError
        For a file that is not there, no text, no policy, or a policy with gaps: in one sentence.
    """
    place = Path(path)
    try:
        text = place.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"{place} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{place} is no text in UTF-8: save what to_json wrote") from None
    try:
        policy = Policy.from_json(text)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    if policy.gaps():
        raise ValueError(f"{place}: {_gaps(policy)}")
    return policy


def try_on(policy: Policy, task: Task) -> None:
    """See whether a policy fits a task, on a world that everybody may know.

    Raises
    ------
    TypeError, ValueError
        What `grade` would raise.
    """
    world = task.world(0)
    _plan(policy, task, world, list(next(iter(world.dollars.values())).columns), seed=0)


def grade(policy: Policy, task: Task, *, passphrase: str, worlds: int = 12, level: float = 0.95) -> Grade:
    """What a policy earns in worlds that it has not seen.

    Parameters
    ----------
    policy : Policy
        Without gaps; tiers of the score, or a menu.
    task : Task
        What it is asked to do, such as `teach.role.DESK`.
    passphrase : str
        The seeds come from it.
    worlds : int, default 12
        How many, at least 2.
    level : float, default 0.95
        Of the intervals over worlds.

    Returns
    -------
    Grade

    Raises
    ------
    TypeError, ValueError
        For a policy with gaps, another kind of rule, an action that the task does not have, a column that is not there:
        in one sentence.

    Notes
    -----
    Every decision meets the same worlds. The hold-out is drawn, and costs what it costs. Where the plan asks for more
    than there is room for, the first cases get the action and the others are left alone.
    """
    if not isinstance(policy, Policy):
        raise TypeError(f"policy must be a Policy; got {describe(policy)}")
    if policy.gaps():
        raise ValueError(f"policy must have no gap; {_gaps(policy)}")
    level = as_number(level, "level", gt=0, lt=1)
    runs: list[dict[str, Any]] = []
    facts: list[dict[str, Any]] = []
    for n, seed in enumerate(seeds(passphrase, as_integer(worlds, "worlds", ge=2))):
        world = task.world(seed)
        first = next(iter(world.dollars.values()))
        plan = _plan(policy, task, world, list(first.columns), seed)
        planned, action = (_within(plan[part].to_numpy(dtype=object), task) for part in ("planned", "action"))
        for prices, table in world.dollars.items():
            alone = _sum(table, task.idle)
            for name, acts in {YOURS: action, **world.beside}.items():
                runs.append({"world": n, "prices": prices, "decision": name, "dollars": _sum(table, acts) - alone})
        facts.append(_facts(plan, planned, action, first, task, level))
    found = pd.DataFrame(runs)
    rows = [
        (prices, decision, *student_interval(one["dollars"].to_numpy(), level))
        for (prices, decision), one in found.groupby(["prices", "decision"], sort=False)
    ]
    table = pd.DataFrame(rows, columns=["prices", "decision", "dollars", "low", "high"])
    order = {prices: place for place, prices in enumerate(dict.fromkeys(found["prices"]))}
    table = table.sort_values(["prices", "dollars"], ascending=[True, False], key=_by(order)).reset_index(drop=True)
    return Grade(table, found, pd.DataFrame(facts), str(policy), task.bound, len(facts), level)


def _gaps(policy: Policy) -> str:
    problems = policy.gaps()
    return f"it has {count(len(problems), 'gap')}: {'; '.join(problems)}"


def _by(order: Mapping[str, int]) -> Callable[[Any], Any]:
    return lambda column: column.map(order) if column.name == "prices" else column


def _plan(policy: Policy, task: Task, world: World, known: list[str], seed: int) -> pd.DataFrame:
    """The rows of the plan; what does not fit the task is told in one sentence."""
    if isinstance(policy.rule, Segments):
        raise ValueError("the policy's rule must be one of scores (tiers or a menu); it is one of segments")
    strange = [action.name for action in policy.actions if action.name not in known]
    if strange:
        raise ValueError(f"the policy's actions must be among {', '.join(known)}; got {strange[0]!r}")
    columns = [x for action in policy.actions for x in (action.gain, action.cost) if isinstance(x, str)]
    absent = [x for x in columns if x not in world.seen.columns]
    if absent:
        there = ", ".join(map(str, world.seen.columns))
        raise ValueError(f"the policy's gains and costs must be dollars or columns ({there}); got {absent[0]!r}")
    value = task.value if isinstance(policy.rule, Menu) and not columns else None
    return policy.plan(world.seen, case=task.case, time=task.time, score=task.score, value=value, seed=seed)


def _within(acts: Names, task: Task) -> Names:
    """The actions that there is room for: the first cases get them, the others are left alone."""
    done = acts.copy()
    for name, room in task.room.items():
        done[np.flatnonzero(acts == name)[room:]] = task.idle
    return done


def _each(table: pd.DataFrame, acts: Any) -> NDArray[np.float64]:
    """Dollars of each case under its action."""
    names = np.broadcast_to(np.asarray(acts, dtype=object), len(table))
    out: NDArray[np.float64] = table.to_numpy()[np.arange(len(table)), table.columns.get_indexer(pd.Index(names))]
    return out


def _sum(table: pd.DataFrame, acts: Any) -> float:
    return float(_each(table, acts).sum())


def _facts(
    plan: pd.DataFrame, planned: Names, action: Names, table: pd.DataFrame, task: Task, level: float
) -> dict[str, float]:
    """What one world shows of the plan beside its dollars."""
    acting = plan["planned"].to_numpy(dtype=object) != task.idle
    held = (plan["drawn"] == "holdout").to_numpy() & acting
    fits = planned != task.idle
    came, sides = _each(table, action), (fits & ~held, fits & held)
    known = [(float(came[side].mean()), *mean_interval(came[side], level=level)[:2]) for side in sides if side.any()]
    half = np.nan if len(known) < 2 else np.diff(difference(*known)[1:]).item() / 2
    return {
        "cases": len(plan),
        "planned": int(acting.sum()),
        "held_out": int(held.sum()),
        "holdout_cost": _sum(table, planned) - _sum(table, action),
        "effect_half": half,
        "no_room": int((acting & ~fits).sum()),
        "no_score": int(plan["score"].isna().sum()),
    }
