"""Layer 4, Action: is it worth doing, what does it change, and has it been done once?"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Protocol, overload, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllayers._check import (
    as_binary,
    as_frame,
    as_integer,
    as_number,
    as_numbers,
    as_probabilities,
    describe,
    per_case,
    same_length,
)

__all__ = ["act", "break_even", "uplift_effect", "uplift_policy_value", "worth_acting"]


@overload
def worth_acting(
    p: float, value: float, *, contact_cost: float, redeemed_cost: float = 0.0, p_without: float = 0.0
) -> float: ...
@overload
def worth_acting(
    p: ArrayLike,
    value: ArrayLike,
    *,
    contact_cost: ArrayLike,
    redeemed_cost: ArrayLike = 0.0,
    p_without: ArrayLike = 0.0,
) -> NDArray[np.float64]: ...
def worth_acting(
    p: ArrayLike,
    value: ArrayLike,
    *,
    contact_cost: ArrayLike,
    redeemed_cost: ArrayLike = 0.0,
    p_without: ArrayLike = 0.0,
) -> Any:
    """What an action is expected to earn for each case, beyond leaving the case alone; act where it is above zero.

    Parameters
    ----------
    p : number or array of shape (n,), in [0, 1]
        Probability of the good outcome (a customer comes, or stays) **with** the action.
    value : number or array of shape (n,)
        Dollars the good outcome is worth.
    contact_cost : number or array of shape (n,)
        Dollars the action costs whenever it is taken, such as a voucher that is paid when it is sent.
    redeemed_cost : number or array of shape (n,), default 0
        Dollars it costs only with the good outcome, such as a voucher that is paid when it is used.
    p_without : number or array of shape (n,), in [0, 1], default 0
        Probability of the good outcome **without** the action. Zero says that nobody would have come by themselves.

    Returns
    -------
    float or array of shape (n,)
        Expected dollars per case; a float when all inputs are single numbers.

    Raises
    ------
    TypeError, ValueError
        For probabilities outside [0, 1], missing numbers, or columns of different length.

    Notes
    -----
    EV = (p − p_without) · value − p · redeemed_cost − contact_cost. With ``p_without=0`` and ``redeemed_cost=0`` this
    is the familiar P × Value − Cost, which is right only if the action brings about the whole outcome. At exactly zero
    both choices earn the same; thresholds and policies act there (p ≥ t). Taught in notebook 04, *Worked example*.

    References
    ----------
    Radcliffe and Surry (2011), "Real-World Uplift Modelling with Significance-Based Uplift Trees"; Gutierrez and
    Gérardy (2017), "Causal Inference and Uplift Modelling: A Review of the Literature", PMLR 67.

    Examples
    --------
    A $5 voucher that brings one customer in five, each worth $20; and the same if they would have come anyway:

    >>> worth_acting(0.2, 20, contact_cost=5)
    -1.0
    >>> worth_acting(0.2, 20, contact_cost=5, p_without=0.2)
    -5.0
    >>> worth_acting([0.2, 0.2], [20, 60], contact_cost=0, redeemed_cost=5, p_without=[0, 0.1]).round(2)
    array([3., 5.])
    """
    given = {"p": p, "p_without": p_without, "value": value, "redeemed_cost": redeemed_cost}
    given["contact_cost"] = contact_cost
    sizes = [np.size(x) for x in given.values() if np.ndim(x) > 0]
    n = sizes[0] if sizes else 1
    chance, without, worth, redeemed, contact = (per_case(x, n, name) for name, x in given.items())
    for name, x in (("p", chance), ("p_without", without)):
        as_probabilities(np.atleast_1d(x), name)
    ev = (chance - without) * worth - chance * redeemed - contact
    return ev if sizes else float(ev)


def break_even(
    *,
    p: float | None = None,
    value: float | None = None,
    contact_cost: float | None = None,
    redeemed_cost: float = 0.0,
    p_without: float = 0.0,
) -> float:
    """The probability, the value or the cost at which an action neither earns nor loses: leave out the one you ask for.

    Parameters
    ----------
    p, value, contact_cost : float, two of the three
        As in `worth_acting`; no money may be negative.
    redeemed_cost, p_without : float, default 0
        As in `worth_acting`.

    Returns
    -------
    float
        The missing one. Asked for `p` or `value`, the action pays above it, and infinity means that it never pays;
        asked for `contact_cost`, it pays below it, and a negative cost means that it does not pay even for nothing.

    Raises
    ------
    TypeError, ValueError
        Unless exactly one of the three is left out; for probabilities outside [0, 1] and for negative money, with which
        the action could pay *below* the break-even.

    Notes
    -----
    Solves (p − p_without) · value − p · redeemed_cost − contact_cost = 0. With ``p_without=0`` and costs per contact,
    the break-even probability is the break-even *uplift*, cost / value. Taught in notebook 04, *When does it flip?*.

    Examples
    --------
    >>> round(break_even(value=150, contact_cost=5), 4)
    0.0333
    >>> break_even(p=0.2, contact_cost=5), break_even(p=0.2, value=20)
    (25.0, 4.0)
    >>> break_even(value=4, contact_cost=5)
    inf
    """
    asked = [name for name, x in (("p", p), ("value", value), ("contact_cost", contact_cost)) if x is None]
    if len(asked) != 1:
        raise ValueError(
            "leave out exactly one of p, value and contact_cost, the one you ask for; "
            f"left out: {', '.join(asked) or 'none'}"
        )
    redeemed, without = as_number(redeemed_cost, "redeemed_cost", ge=0), as_number(p_without, "p_without", ge=0, le=1)
    if contact_cost is None:
        chance = as_number(p, "p", ge=0, le=1)
        return (chance - without) * as_number(value, "value", ge=0) - chance * redeemed
    cost = as_number(contact_cost, "contact_cost", ge=0)
    if value is None:
        chance = as_number(p, "p", ge=0, le=1)
        return (chance * redeemed + cost) / (chance - without) if chance > without else math.inf
    worth = as_number(value, "value", ge=0)
    needed = (without * worth + cost) / (worth - redeemed) if worth > redeemed else math.inf
    return needed if needed <= 1 else math.inf


def _points(rate: float) -> str:
    """A change of a rate in percentage points, always with its sign."""
    return f"{100 * rate:+.2f}".replace("-", "−")


def _dollars(x: float) -> str:
    """Dollars and cents, the minus sign before the dollar sign."""
    told = f"${abs(x):,.2f}"
    return f"−{told}" if x < 0 and told != "$0.00" else told


@dataclass(frozen=True)
class UpliftEffect:
    """What an action changed, by its hold-out: what `uplift_effect` returns.

    Attributes
    ----------
    rate, low, high : float
        Rate among the treated minus rate among those held out, with its interval.
    treated, held_out : int
        Cases in the two groups.
    money, money_low, money_high : float
        The same in dollars per case, if values were given (else NaN).
    """

    rate: float
    low: float
    high: float
    treated: int
    held_out: int
    money: float = math.nan
    money_low: float = math.nan
    money_high: float = math.nan

    def __str__(self) -> str:
        points = f"{_points(self.rate)} points ({_points(self.low)} to {_points(self.high)})"
        dollars = f"; {_dollars(self.money)} per case ({_dollars(self.money_low)} to {_dollars(self.money_high)})"
        groups = f", {self.treated:,} treated and {self.held_out:,} held out"
        return points + ("" if math.isnan(self.money) else dollars) + groups


def uplift_effect(
    y: ArrayLike, treated: ArrayLike, *, value: ArrayLike | None = None, level: float = 0.95
) -> UpliftEffect:
    """What the action changed, from a group that was held out by lot.

    Parameters
    ----------
    y : array of shape (n,), 0 or 1
        The outcome of each case.
    treated : array of shape (n,), 0 or 1
        Whether the case got the action. Chance must have decided it.
    value : array of shape (n,), optional
        Dollars that hang on the outcome of each case.
    level : float in (0, 1), default 0.95
        Probability with which the intervals are to hold the true effect.

    Returns
    -------
    UpliftEffect
        Rate among the treated minus rate among the held-out, its interval, and the same in dollars per case.

    Raises
    ------
    TypeError, ValueError
        For outcomes that are not 0 or 1, fewer than two cases in a group, columns of different length.

    Notes
    -----
    The interval of the rate is Newcombe's hybrid of two Wilson intervals (his method 10), which holds for small counts
    too; that of the dollars is Welch's normal one, wide where a few large values decide. Costs of the action are not
    in it. Taught in notebook 04, *What the action changes*.

    References
    ----------
    Newcombe (1998), "Interval Estimation for the Difference Between Independent Proportions", Statistics in Medicine
    17(8), method 10.

    Examples
    --------
    >>> gone, voucher = [1, 0, 0, 0, 1, 1, 0, 0] * 50, [1, 1, 1, 1, 0, 0, 0, 0] * 50
    >>> print(uplift_effect(gone, voucher))
    −25.00 points (−33.79 to −15.59), 200 treated and 200 held out
    """
    outcome, group = as_binary(y, "y"), as_binary(treated, "treated") == 1
    n, z = same_length(y=outcome, treated=group), _z(level)
    sides = [outcome[group], outcome[~group]]
    for side, name in zip(sides, ("treated", "held-out"), strict=True):
        if side.size < 2:
            raise ValueError(f"there must be at least two {name} cases; got {side.size}")
    (p1, low1, high1), (p0, low0, high0) = (_wilson(side, z) for side in sides)
    rate = p1 - p0
    low = rate - math.hypot(p1 - low1, high0 - p0)
    high = rate + math.hypot(high1 - p1, p0 - low0)
    dollars = [math.nan] * 3
    if value is not None:
        worth = outcome * np.broadcast_to(per_case(value, n, "value"), n)
        difference = float(worth[group].mean() - worth[~group].mean())
        se = math.sqrt(sum(worth[side].var(ddof=1) / side.sum() for side in (group, ~group)))
        dollars = [difference, difference - z * se, difference + z * se]
    return UpliftEffect(rate, low, high, int(group.sum()), int((~group).sum()), *dollars)


def _z(level: float) -> float:
    """How many standard errors an interval reaches to either side."""
    return NormalDist().inv_cdf(0.5 + as_number(level, "level", gt=0, lt=1) / 2)


def _wilson(y: NDArray[np.float64], z: float) -> tuple[float, float, float]:
    """A rate with Wilson's interval."""
    n, p = y.size, float(y.mean())
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return p, centre - half, centre + half


@dataclass(frozen=True)
class PolicyValue:
    """What a targeting rule earns per case, beside another: what `uplift_policy_value` returns.

    Attributes
    ----------
    value, low, high, se : float
        Dollars per case (of all cases), with interval and standard error.
    changed : float
        Share of cases that the two rules treat differently; only these carry information.
    n, n_eff : float
        Cases that speak for one of the two rules there, and what they are worth after weighting.
    largest_weight : float
        The most that one case stands for.
    """

    value: float
    low: float
    high: float
    se: float
    changed: float
    n: int
    n_eff: float
    largest_weight: float

    def __str__(self) -> str:
        told = f"{_dollars(self.value)} per case ({_dollars(self.low)} to {_dollars(self.high)})"
        return f"{told}; the rules differ for {self.changed:.1%}, where {self.n:,} cases count like {self.n_eff:,.0f}"


def uplift_policy_value(
    reward: ArrayLike,
    action: ArrayLike,
    propensity: ArrayLike,
    *,
    target: ArrayLike,
    instead: Any = None,
    level: float = 0.95,
) -> PolicyValue:
    """What a rule would have earned on randomised cases, compared with another rule (by default: leave all alone).

    Parameters
    ----------
    reward : array of shape (n,)
        Dollars that each case brought under the action it got, the cost of the action taken off.
    action : array of shape (n,)
        What chance gave each case: true or false, or names of actions.
    propensity : number or array of shape (n,), in (0, 1]
        The probability with which chance gave it **that** action.
    target : array of shape (n,)
        What the rule would give each case, in the same terms as `action`.
    instead : one action or array of shape (n,), optional
        What the other rule would give; false (nobody) where `action` is true or false.
    level : float in (0, 1), default 0.95
        Probability with which the interval is to hold the true value.

    Returns
    -------
    PolicyValue
        Dollars per case that the rule earns beyond the other one.

    Raises
    ------
    TypeError, ValueError
        For a propensity outside (0, 1], missing actions, columns of different length, names without `instead`, and
        where the rules differ but fewer than two cases got what one of them gives: then the data say nothing about it.

    Notes
    -----
    Where the rules agree they earn the same, whatever chance did there: those cases are left out, which takes their
    noise out too. Where they differ, the mean reward under each of the two actions is estimated with weights
    1 / propensity that are scaled to one (Hájek), and the difference is multiplied by the share of such cases. The
    standard error is that of the linearised estimate. Taught in notebook 04, *A pilot tells*.

    References
    ----------
    Horvitz and Thompson (1952), JASA 47(260); Swaminathan and Joachims (2015), "The Self-Normalized Estimator for
    Counterfactual Learning", NeurIPS.

    Examples
    --------
    >>> reward = [10.0, 4.0, 9.0, 3.0, 0.0, 5.0]
    >>> found = uplift_policy_value(reward, [1, 0, 1, 0, 1, 0], 0.5, target=[1, 1, 1, 1, 0, 0])
    >>> round(found.value, 3), round(found.changed, 3)
    (4.0, 0.667)
    """
    money = as_numbers(reward, "reward")
    n, z = same_length(reward=money), _z(level)
    took, wants = _actions(action, "action", n), _actions(target, "target", n)
    chance = np.broadcast_to(per_case(propensity, n, "propensity"), n)
    if not ((chance > 0) & (chance <= 1)).all():
        row = int(np.argmin((chance > 0) & (chance <= 1)))
        raise ValueError(f"propensity must lie in (0, 1]; got {chance[row]:g} at row {row}")
    if instead is None:
        for name, column in (("action", took), ("target", wants)):
            if column.dtype.kind not in "biuf":
                raise ValueError(f"{name} holds names of actions: say which one the other rule takes, instead='…'")
        took, wants, instead = as_binary(took, "action") == 1, as_binary(wants, "target") == 1, False
    other = _actions(instead, "instead", n)
    differ, weight, influence, value = wants != other, 1 / chance, np.zeros(n), 0.0
    used = differ & ((took == wants) | (took == other))
    for sign, rule, name in ((1.0, wants, "target"), (-1.0, other, "instead")):
        says = differ & (took == rule)
        for given in sorted(set(rule[differ].tolist()), key=str):
            if (says & (rule == given)).sum() < 2:
                raise ValueError(f"fewer than two cases got {given!r} where {name} gives it: nothing is known about it")
        if differ.any():
            mean = float(np.average(money[says], weights=weight[says]))
            value += sign * mean * float(differ.mean())
            influence += sign * (differ * mean + says * weight * (money - mean) * differ.sum() / weight[says].sum())
    se = float(np.std(influence, ddof=1) / math.sqrt(n))
    w = weight[used]
    n_eff = float(w.sum() ** 2 / (w**2).sum()) if used.any() else 0.0
    largest, changed = float(w.max(initial=0.0)), float(differ.mean())
    return PolicyValue(value, value - z * se, value + z * se, se, changed, int(used.sum()), n_eff, largest)


def _actions(x: Any, name: str, n: int) -> NDArray[Any]:
    """An action for each of n cases, none of them missing; one alone is everybody's."""
    out = np.full(n, x) if np.ndim(x) == 0 else np.asarray(x)
    if out.shape != (n,):
        raise ValueError(f"{name} must have one entry for each of the {n} cases; got shape {out.shape}")
    if pd.isna(out).any():
        raise ValueError(f"{name} is missing at row {int(np.argmax(pd.isna(out)))}")
    return out


@runtime_checkable
class Book(Protocol):
    """What `act` needs of a ledger; `mllayers.ledger.Ledger` has it."""

    def check_decisions(self, decisions: pd.DataFrame) -> pd.DataFrame:
        """Raise what `record_decisions` would raise; the decisions as they are kept."""

    def record_decisions(self, decisions: pd.DataFrame) -> int:
        """Write decisions down, each once."""

    def attempts(self) -> pd.DataFrame:
        """The attempts so far: case, time, cost, day, state ('done', 'failed' or 'in doubt'), note."""

    def start(
        self, case: Any, time: Any, *, cost: float, day: datetime.date, budget: float | None, per_day: int | None
    ) -> str:
        """Claim one decision: 'started', 'known', 'budget' or 'day'."""

    def finish(self, case: Any, time: Any, *, state: str, note: str) -> None:
        """Write down how the attempt ended."""


@dataclass(frozen=True)
class Limits:
    """How much may be spent and how often, over everything the ledger knows.

    Attributes
    ----------
    budget : float, optional
        Dollars that all attempts together may cost.
    per_day : int, optional
        Attempts on one day.
    """

    budget: float | None = None
    per_day: int | None = None

    def __post_init__(self) -> None:
        if self.budget is not None:
            as_number(self.budget, "budget", ge=0)
        if self.per_day is not None:
            as_integer(self.per_day, "per_day", ge=0)


@dataclass(frozen=True)
class ActReport:
    """What `act` did: counts of decisions by how they ended.

    Attributes
    ----------
    done, failed : int
        Carried out now, and tried now without success.
    before : int
        Carried out or failed earlier, or taken up by another program now; not tried again.
    in_doubt : int
        Started earlier and never finished: nobody knows whether it happened, so it is left for somebody to look.
    over_budget, over_day : int
        Left for later: the first that would go over a limit, and all new ones after it.
    dry_run : bool
        Whether nothing was done: then `done` is what would be tried.
    """

    done: int = 0
    failed: int = 0
    before: int = 0
    in_doubt: int = 0
    over_budget: int = 0
    over_day: int = 0
    dry_run: bool = False

    def __str__(self) -> str:
        head = f"dry run, nothing was done: {self.done:,} would be tried" if self.dry_run else f"{self.done:,} done"
        rest = [
            (self.failed, "failed"),
            (self.before, "dealt with before"),
            (self.in_doubt, "in doubt: look at them before anything else"),
            (self.over_budget, "over the budget"),
            (self.over_day, "over the day's limit"),
        ]
        return ", ".join([head, *(f"{count:,} {what}" for count, what in rest if count)])


def act(
    decisions: pd.DataFrame,
    ledger: Book,
    *,
    do: Callable[[dict[str, Any]], object],
    limits: Limits | None = None,
    dry_run: bool = True,
    today: datetime.date | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> ActReport:
    """Carry decisions out, each once, within limits, and write down what happened.

    Parameters
    ----------
    decisions : DataFrame
        One row per decision, with the columns of the ledger (case, time, action, propensity, cost, …) and whatever
        `do` needs. Rows whose action is 'none' are written down and need no doing.
    ledger : Ledger
        Where decisions and attempts are written; it also knows what was done before.
    do : callable
        Takes one decision as a dictionary and does it: sends an e-mail, prints a voucher. An exception counts as
        failed.
    limits : Limits, optional
        Budget in dollars and attempts a day, over all the ledger knows. Decisions are taken in the order given, and
        the first that would go over a limit ends it.
    dry_run : bool, default True
        Say what would be done, or why it would be refused, and do and write nothing.
    today : date, optional
        The day that the limit per day counts; by default the computer's.
    progress : callable, optional
        Called as ``progress(decisions_dealt_with, decisions)``.

    Returns
    -------
    ActReport
        How many were done, failed, were dealt with before, are in doubt, or were left because of a limit.

    Raises
    ------
    TypeError, ValueError
        For a frame without the columns, a `do` that cannot be called, and whatever the ledger refuses (such as a
        decision without a known propensity): then nothing was done.
    LedgerError
        If the ledger cannot be written. What was being done at that moment is in doubt; run again for the rest.

    Notes
    -----
    Each decision is claimed in the ledger before it is done, and its end is written after. A program that is stopped
    between the two leaves it **in doubt**: it may have happened, so it is counted and never repeated blindly. One that
    failed is not repeated either; decide again, with a new time. Taught in notebook 04, *Acting once*.

    References
    ----------
    Helland (2012), "Idempotence Is Not a Medical Condition", ACM Queue 10(4).

    Examples
    --------
    >>> from mllayers.ledger import Ledger
    >>> decisions = pd.DataFrame({"case": ["a", "b"], "time": pd.Timestamp("2026-03-01"), "action": "voucher",
    ...                           "propensity": 0.9, "cost": 5.0})
    >>> with Ledger() as ledger:
    ...     print(act(decisions, ledger, do=print))
    ...     print(act(decisions, ledger, do=lambda one: None, dry_run=False, limits=Limits(budget=5)))
    dry run, nothing was done: 2 would be tried
    1 done, 1 over the budget
    """
    frame = as_frame(decisions, "decisions", ["case", "time", "action", "propensity", "cost"])
    if not callable(do):
        raise TypeError(f"do must be a function that takes one decision; got {describe(do)}")
    if not isinstance(ledger, Book):
        raise TypeError(f"ledger must be a Ledger; got {describe(ledger)}")
    limits, day = limits or Limits(), _day(today)
    kept = ledger.check_decisions(frame)
    if not dry_run:
        ledger.record_decisions(frame)
    before = ledger.attempts()
    known = dict(zip(zip(before["case"], before["time"], strict=True), before["state"], strict=True))
    spent, that_day = float(before["cost"].sum()), int((before["day"] == pd.Timestamp(day)).sum())
    needs_doing = ((kept["action"] != "none") & ~kept.duplicated(["case", "time"])).to_numpy()
    rows, kept = frame[needs_doing].to_dict("records"), kept[needs_doing]
    counts, stopped = dict.fromkeys(("done", "failed", "before", "in_doubt", "over_budget", "over_day"), 0), ""
    for number, (row, case, time, cost) in enumerate(zip(rows, kept["case"], kept["time"], kept["cost"], strict=True)):
        if (case, time) in known:
            came = "in_doubt" if known[case, time] == "in doubt" else "before"
        elif stopped:
            came = stopped
        elif dry_run:
            spent, that_day = spent + cost, that_day + 1
            came = _would_be(spent, that_day, limits)
        else:
            came = _do_one(row, (case, time), cost, ledger, do, limits, day)
        stopped = came if came in ("over_budget", "over_day") else stopped
        counts[came] += 1
        if progress is not None:
            progress(number + 1, len(rows))
    return ActReport(**counts, dry_run=dry_run)


def _day(today: Any) -> datetime.date:
    if today is None:
        return datetime.date.today()
    if not isinstance(today, datetime.date):
        raise TypeError(f"today must be a date; got {describe(today)}")
    return today.date() if isinstance(today, datetime.datetime) else today


def _would_be(spent: float, that_day: int, limits: Limits) -> str:
    """Whether one more attempt, counted in, stays within the limits; as the ledger says it."""
    if limits.per_day is not None and that_day > limits.per_day:
        return "over_day"
    return "over_budget" if limits.budget is not None and round(spent, 6) > limits.budget else "done"


def _do_one(
    row: dict[Any, Any],
    key: tuple[str, datetime.datetime],
    cost: float,
    ledger: Book,
    do: Callable[[dict[str, Any]], object],
    limits: Limits,
    day: datetime.date,
) -> str:
    """Claim one decision, do it, write down how it ended; that, as a field of the report."""
    came = ledger.start(*key, cost=cost, day=day, budget=limits.budget, per_day=limits.per_day)
    if came != "started":
        return {"known": "before", "budget": "over_budget", "day": "over_day"}[came]
    try:
        do(row)
    except Exception as error:  # whatever it was, it is written down and the others still get their turn
        ledger.finish(*key, state="failed", note=f"{type(error).__name__}: {error}")
        return "failed"
    ledger.finish(*key, state="done", note="")
    return "done"
