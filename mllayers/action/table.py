"""What did each action change, for whom, and which of that is sure? One table for several arms and segments."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import (
    Floats,
    as_groups,
    as_number,
    as_numbers,
    as_propensities,
    describe,
    per_case,
    same_cases,
)
from mllayers._results import Result
from mllayers._stats import chance_if_none, difference, guard_weights, holm, moments_of, score_interval, what_is_sure
from mllayers._words import count, dollars, plain, points
from mllayers.action.effect import _rate_and_size, _reckonable, _usual_and_rest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["UpliftTable", "uplift_table"]

_MATTERS = " and it matters"
_SIZES = {"more": _MATTERS, "less": _MATTERS, "alike": ", too small to matter", "open": ", its size open"}


@dataclass(frozen=True, eq=False, repr=False)
class UpliftTable(Result):
    """What each action changed, in each segment, and what of it is sure: what `uplift_table` returns.

    Attributes
    ----------
    of : {"rate", "dollars"}
        What an effect is: a difference of rates, or of dollars per case.
    control : str
        The arm that all others are compared with.
    asked : int
        Rows that have an interval: so many questions were asked at once.
    level : float
        Probability with which each interval ``low`` to ``high`` is to hold the true effect, and with which all
        intervals ``low_all`` to ``high_all`` do at once.
    least : float or None
        The difference that matters.
    events : int
        Cases whose outcome differs from what most cases have: what the table rests on.
    n : int
        All cases.
    table : DataFrame
        A row per arm, and per segment and arm, as `frame()` gives it.
    """

    of: str
    control: str
    asked: int
    level: float
    least: float | None
    events: int
    n: int
    table: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """A row per arm (as a whole, segment ``all``, and in each segment)."""
        return self.table.copy()

    def _line(self) -> str:
        segments = "segment" in self.table
        first = self.table[self.table["segment"] == "all"] if segments else self.table
        told = [self._row_told(row) for row in first.head(3).to_dict("records")]
        if len(first) > 3:
            told.append(f"{count(len(first) - 3, 'more action')}")
        sure = int(self.table["sure"].fillna(False).sum())
        rows = count(self.asked, "effect")
        told.append(f"{sure:,} of {rows}{' (segments included)' if segments else ''} sure, all together (Holm)")
        return "; ".join(told)

    def _row_told(self, row: dict[Hashable, Any]) -> str:
        told = f"{row['action']}: "
        if math.isnan(row["effect"]):
            return told + str(row["reason"])
        if self.of == "rate":
            told += f"{points(row['effect'])} points ({points(row['low'])} to {points(row['high'])})"
        else:
            digits = 2 if max(abs(row["effect"]), abs(row["low"]), abs(row["high"])) >= 0.1 else 4
            told += f"{dollars(row['effect'], digits)} per case"
            if math.isnan(row["p"]):
                return f"{told} ({row['reason']})"
            told += f" ({dollars(row['low'], digits)} to {dollars(row['high'], digits)})"
        told += ", sure" if row["sure"] else ", not sure"
        if self.least is not None:
            told += _SIZES[row["size"]]
        words = plain if self.of == "rate" else dollars
        ends = " to ".join(words(row[f"incremental_{end}"]) for end in ("low", "high"))
        return f"{told}; claimed {words(row['claimed'])}, incremental {words(row['incremental'])} ({ends})"


class _ArmKnown(NamedTuple):
    """The mean of one arm, its interval at any level, its variance, and the cases that differ from what is usual."""

    mean: float
    ends: Callable[[float], tuple[float, float]]
    events: int


def uplift_table(
    y: ArrayLike,
    action: ArrayLike,
    *,
    value: ArrayLike | None = None,
    by: ArrayLike | None = None,
    before: ArrayLike | None = None,
    propensity: ArrayLike | None = None,
    control: Any = "none",
    least: float | None = None,
    level: float = 0.95,
) -> UpliftTable:
    """What each of several actions changed against one control, as a whole and by segment, and what of it is sure.

    Parameters
    ----------
    y : array of shape (n,)
        The outcome of each case: 0 or 1, or dollars (spend, earnings, margin; losses are negative).
    action : array of shape (n,)
        What chance gave each case: names of actions, or 0 and 1 (then 0 is the control).
    value : number or array of shape (n,), optional
        Dollars that hang on an outcome of 0 or 1; then the effect is in dollars.
    by : array of shape (n,), optional
        A segment of each case, known before chance decided.
    before : array of shape (n,), optional
        A number known of each case before chance decided that goes with the outcome, such as the spend of the months
        before: what it explains of the outcome is taken out, which narrows the interval (CUPED).
    propensity : number or array of shape (n,), in (0, 1], optional
        The probability with which chance gave the case **the action it got**; needed where it differs by case.
    control : an action, default "none"
        The action that the others are compared with.
    least : float, optional
        The smallest difference that matters, above 0: a rate (0.01 is one point), or dollars per case.
    level : float in (0, 1), default 0.95
        Probability with which each interval is to hold the true effect.

    Returns
    -------
    UpliftTable
        By ``frame()`` a row per arm, and per segment and arm, with these columns:

        - ``segment`` (only with `by`; ``all`` for the whole), ``action``.
        - ``treated``, ``held_out``: cases.
        - ``mean``, ``control_mean``: the outcome as seen.
        - ``effect`` with ``low`` and ``high``: the interval of this row alone.
        - ``p``, ``p_holm``: the p-value, and the same adjusted for all rows.
        - ``sure``: whether ``p_holm`` is below 1 − level.
        - ``low_all``, ``high_all``: intervals that hold all rows at once.
        - ``size`` (only with `least`), by these: *more* or *less* than nothing by more than `least`, *alike* (within
          it), or *open*.
        - ``claimed``: what a dashboard adds up, the outcomes of all who got the action.
        - ``incremental`` with ``incremental_low`` and ``incremental_high``: what the action changed in them.
        - ``spared`` (only with `before`): the share of the variance that it took out.
        - ``events``: for a rate the outcomes of both arms; else the cases that differ from what most have, in the arm
          with fewer.
        - ``reason``: why something is NaN.

    Raises
    ------
    TypeError, ValueError
        For columns of different length or order, missing actions or segments, an absent control, no other action,
        `value` with outcomes that are not 0 or 1, a segment named ``all``, a `least` that is not above 0.

    Notes
    -----
    Rates: Newcombe's interval; dollars: as in `uplift_effect`, made for many zeros and a long tail, so that with fewer
    than five events in an arm there is none. ``p`` is 1 − the level at which the interval begins to hold 0, so that
    interval and p-value never contradict each other. Ten rows at 95 % call something sure by chance in up to 40 % of
    the experiments in which nothing works, so ``sure`` asks for Holm's adjusted p-value over all rows, which errs in
    5 % of them; ``low_all`` and ``high_all`` are at the level 1 − (1 − level) / rows (Bonferroni).

    With `before`, y is replaced by y − θ (x − x̄), where θ is the slope within the two arms: the estimate is that of a
    regression on arm and x, and the interval that of the mean of what is left. x must not be touched by the action.
    An effect in a segment is not why the segment differs from another: compare the intervals. What the action itself
    costs is not in it: take it off `y`, or hold it beside the effect in dollars.
    Measured at the level 0.95: 94 to 100 %, rare outcomes and long tails included (docs/coverage.md).
    Taught in notebook 04, *What the action changes*.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17(8), method 10; Zou and Donner (2008), Statistics in Medicine 27(10).
    Holm (1979), Scandinavian Journal of Statistics 6(2). Deng, Xu, Kohavi and Walker (2013), "Improving the Sensitivity
    of Online Controlled Experiments by Utilizing Pre-Experiment Data", WSDM.

    Examples
    --------
    Both letters sell to whoever would have bought anyway; only one sells to others as well:

    >>> action = np.repeat(["none", "plain letter", "voucher"], 400)
    >>> bought = np.r_[np.arange(400) < 40, np.arange(400) < 44, np.arange(400) < 90]
    >>> found = uplift_table(bought, action, least=0.02)
    >>> asked = ["action", "effect", "low", "high", "p_holm", "sure", "size", "claimed", "incremental"]
    >>> print(found.frame()[asked].round(3).to_string(index=False))
          action  effect    low  high  p_holm  sure size  claimed  incremental
    plain letter   0.010 -0.033 0.053   0.645 False open     44.0          4.0
         voucher   0.125  0.074 0.175   0.000  True more     90.0         50.0
    """
    n = same_cases(y=y, action=action, value=value, by=by, before=before, propensity=propensity)
    outcome, as_rate = _outcome_told(y, value, n)
    covariate = None if before is None else _reckonable(as_numbers(before, "before"), "before")
    weight = np.ones(n) if propensity is None else 1 / as_propensities(propensity, n)
    level = as_number(level, "level", gt=0, lt=1)
    least = None if least is None else as_number(least, "least", gt=0)
    arms, base = _arms_of(action, n, str(control))
    segments = {} if by is None else as_groups(by, n, "by")
    if "all" in segments:
        raise ValueError("by must not hold a segment named 'all': that is what the rows of all cases are called")
    rows, ends = [], []
    for segment, here in ({"all": np.arange(n)} | segments).items():
        inside = np.zeros(n, dtype=bool)
        inside[here] = True
        for name, taken in arms.items():
            if name == base:
                continue
            sides = [rows_of[inside[rows_of]] for rows_of in (taken, arms[base])]
            row, both = _row_of_arm(outcome, weight, covariate, sides, here, as_rate)
            rows.append({"segment": str(segment), "action": name} | row)
            ends.append(both)
    each, times = np.unique(outcome, return_counts=True)
    usual = 0.0 if as_rate or 2 * times.max() <= n else float(each[np.argmax(times)])
    left_out = {"segment": by is None, "spared": before is None}
    return _uplift_table_of(
        rows, ends, left_out, of="rate" if as_rate else "dollars", control=base,
        events=int((outcome != usual).sum()), n=n, level=level, least=least,
    )  # fmt: skip


def _uplift_table_of(
    rows: list[dict[str, Any]],
    ends: list[Callable[[float], tuple[float, float]] | None],
    left_out: dict[str, bool],
    *,
    of: str,
    control: str,
    events: int,
    n: int,
    level: float,
    least: float | None,
) -> UpliftTable:
    """The table, from the numbers of each arm in each segment and its interval at any level."""
    import pandas as pd

    table = pd.DataFrame(rows)
    table["p"] = [
        chance_if_none(effect, both) if both else math.nan for effect, both in zip(table["effect"], ends, strict=True)
    ]
    asked = int(table["p"].notna().sum())
    table["p_holm"] = holm(table["p"])
    table["sure"] = (table["p_holm"] < 1 - level).astype("boolean").where(table["p"].notna())
    for suffix, here_level in (("", level), ("_all", 1 - (1 - level) / max(asked, 1))):
        pair = [both(here_level) if both else (math.nan, math.nan) for both in ends]
        table[f"low{suffix}"], table[f"high{suffix}"] = (
            np.array(side, dtype=float) for side in zip(*pair, strict=True)
        )
    table["size"] = [
        what_is_sure(low, high, least or math.inf)
        for low, high in zip(table["low_all"], table["high_all"], strict=True)
    ]
    for name in ("effect", "low", "high"):
        suffix = "" if name == "effect" else f"_{name}"
        table[f"incremental{suffix}"] = table[name] * table["treated"]
    columns = ["segment", "action", "treated", "held_out", "mean", "control_mean", "effect", "low", "high", "p"]
    columns += ["p_holm", "sure", "low_all", "high_all", "size", "claimed", "incremental", "incremental_low"]
    columns += ["incremental_high", "spared", "events", "reason"]
    left_out = {**left_out, "size": least is None}
    table = table[[name for name in columns if not left_out.get(name, False)]]
    return UpliftTable(of=of, control=control, asked=asked, level=level, least=least, events=events, n=n, table=table)


def _outcome_told(y: Any, value: Any, n: int) -> tuple[Floats, bool]:
    """The outcome of each case, in dollars where it is or has a value, and whether it is a rate that is asked for."""
    outcome = _reckonable(as_numbers(y, "y"), "y")
    zero_one = bool(np.isin(outcome, (0.0, 1.0)).all())
    if value is None:
        return outcome, zero_one
    if not zero_one:
        raise ValueError("value belongs to outcomes of 0 and 1; y holds others: leave value out, y is in dollars")
    return outcome * _reckonable(np.broadcast_to(per_case(value, n, "value"), n), "value"), False


def _arms_of(action: Any, n: int, control: str) -> tuple[dict[str, NDArray[np.intp]], str]:
    """The rows of each arm, and which of them is the control."""
    arms = as_groups(action, n, "action")
    if set(arms) <= {0, 1}:  # True and False, too
        if len(arms) < 2:
            raise ValueError(f"action must hold both 0 and 1; got only {describe(next(iter(arms)))}")
        return {"held out": arms[0], "treated": arms[1]}, "held out"
    named = {str(name): rows for name, rows in arms.items()}
    told = ", ".join(named)
    if control not in named:
        raise ValueError(f"control must be one of the actions ({told}); got {control!r}: say which one, control='…'")
    if len(named) < 2:
        raise ValueError(f"action must hold at least one action beside the control {control!r}; got none")
    return named, control


def _row_of_arm(
    y: Floats,
    weight: Floats,
    covariate: Floats | None,
    sides: list[NDArray[np.intp]],
    here: NDArray[np.intp],
    as_rate: bool,
) -> tuple[dict[str, Any], Callable[[float], tuple[float, float]] | None]:
    """An arm against the control in one segment: its numbers, and its interval at any level (none: see the reason)."""
    acted, held = sides
    row: dict[str, Any] = {"treated": len(acted), "held_out": len(held), "claimed": float(y[acted].sum())}
    row |= {"mean": math.nan, "control_mean": math.nan, "effect": math.nan, "spared": math.nan}
    row |= {"events": 0, "reason": ""}
    for side, name in ((acted, "treated"), (held, "held out")):
        if len(side) < 2:
            return row | {"reason": f"only {count(len(side), 'case')} {name}"}, None
        try:
            if (weight != 1).any():
                mine = np.zeros(len(y))
                mine[side] = weight[side]
                guard_weights(mine[here], min_n_eff=2, what=f"1 / propensity of the {name}", who="one of the arms")
        except ValueError as error:
            return row | {"reason": str(error)}, None
    row["mean"], row["control_mean"] = (float(np.average(y[side], weights=weight[side])) for side in sides)
    slope = 0.0 if covariate is None else _slope_within(y, covariate, weight, sides)
    known = []
    for side in sides:
        w, seen = weight[side], y[side]
        if as_rate and covariate is None:
            known.append(_rate_known(seen, w))
        elif covariate is None:
            known.append(_mean_known(seen, w))
        else:
            known.append(_adjusted_known(seen, covariate[side], slope, w))
    first, second = known
    row["effect"] = first.mean - second.mean
    row["events"] = int(y[acted].sum() + y[held].sum()) if as_rate else min(first.events, second.events)
    if covariate is not None:
        raw = _noise(y, weight, sides)
        row["spared"] = 1 - _noise(y - slope * covariate, weight, sides) / raw if raw > 0 else 0.0

    def ends(level: float) -> tuple[float, float]:
        return difference(*((arm.mean, *arm.ends(level)) for arm in known))[1:]

    if math.isnan(ends(0.5)[0]) or math.isnan(ends(0.5)[1]):
        return row | {"reason": f"too few events ({min(first.events, second.events):,}) for an interval"}, None
    return row, ends


def _rate_known(y: Floats, w: Floats) -> _ArmKnown:
    """A rate with Wilson's interval."""
    rate, size = _rate_and_size(y, w)
    return _ArmKnown(rate, lambda level: score_interval(rate * size, size, size, level=level), int(y.sum()))


def _mean_known(x: Floats, w: Floats) -> _ArmKnown:
    """A mean of dollars with an interval that allows for zeros and a tail."""
    usual, moments, events = _usual_and_rest(x, w)

    def ends(level: float) -> tuple[float, float]:
        low, high, _ = moments.interval(level)
        return usual + low, usual + high

    return _ArmKnown(usual + moments.mean, ends, events)


def _adjusted_known(y: Floats, x: Floats, slope: float, w: Floats) -> _ArmKnown:
    """A mean of what is left when the part that x explains has been taken out; events are those of the outcome."""
    left = y - slope * x
    events = int(len(y) - np.unique(y, return_counts=True)[1].max()) if len(y) else 0
    mean = float(np.average(left, weights=w))
    moments = moments_of(mean + w * (len(w) / w.sum()) * (left - mean), events=events)
    return _ArmKnown(mean, lambda level: moments.interval(level)[:2], events)


def _slope_within(y: Floats, x: Floats, w: Floats, sides: list[NDArray[np.intp]]) -> float:
    """The slope of y on x within the arms, all arms together: what CUPED calls θ."""
    shared = spread = 0.0
    for side in sides:
        off = x[side] - np.average(x[side], weights=w[side])
        shared += float(w[side] @ (off * y[side]))
        spread += float(w[side] @ off**2)
    return shared / spread if spread > 0 else 0.0


def _noise(x: Floats, w: Floats, sides: list[NDArray[np.intp]]) -> float:
    """The variance of the difference of the arms' means."""
    return sum(
        float(((w[side] * (x[side] - np.average(x[side], weights=w[side]))) ** 2).sum()) / float(w[side].sum()) ** 2
        for side in sides
    )
