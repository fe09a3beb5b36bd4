"""What acting changes, summed over the cases from the highest score down: what the functions of this layer share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import Floats, per_case
from mllayers._stats import Moments, moments_of, normal_quantile, what_is_sure

if TYPE_CHECKING:
    import pandas as pd

RowsT = TypeVar("RowsT")  # the rows of a group: their places, or their sums


def stakes(
    one: NDArray[np.bool_],
    n: int,
    gain_tp: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike,
    gain_tn: ArrayLike,
    weight: Floats | None = None,
) -> tuple[Floats, Floats, float]:
    """What acting changes where y = 1 and where y = 0, and the money when nobody acts; nothing to decide is refused."""
    lost, earned = per_case(cost_fn, n, "cost_fn"), per_case(gain_tn, n, "gain_tn")
    with np.errstate(over="ignore"):
        if_one = per_case(gain_tp, n, "gain_tp") + lost
        if_zero = -(per_case(cost_fp, n, "cost_fp") + earned)
    ends = [(float(x.min()), float(x.max())) for x in (if_one, if_zero, lost, earned)]
    refuse_settled(ends[0], ends[1])
    ones = np.count_nonzero(one)
    heaviest = 1.0 if weight is None else float(weight.max())
    refuse_too_large(heaviest * max(abs(end) for pair in ends for end in pair) * n)
    if weight is not None:
        return if_one, if_zero, float(np.sum(weight * np.where(one, -lost, earned)))
    if lost.ndim == earned.ndim == 0:
        return if_one, if_zero, float(earned) * (n - ones) - float(lost) * ones
    return if_one, if_zero, float(np.sum(np.where(one, -lost, earned)))


def refuse_too_large(total: float) -> None:
    """Refuse amounts whose sum may be so large that its square is no number."""
    if not total < 1e150:
        raise ValueError("gain_tp, cost_fp, cost_fn and gain_tn must be small enough to be added up")


def refuse_settled(if_one: tuple[float, float], if_zero: tuple[float, float]) -> None:
    """Refuse amounts that leave nothing to decide; from the least and the most that acting changes."""
    (one_low, one_high), (zero_low, zero_high) = if_one, if_zero
    for wins, open_question in (
        ("acting", min(one_low, zero_low) < 0),
        ("not acting", max(one_high, zero_high) > 0),
    ):
        if not open_question:
            raise ValueError(
                f"the amounts leave nothing to decide: {wins} is never worse, whatever y is. Acting must gain "
                f"somewhere (gain_tp + cost_fn > 0) and cost somewhere (cost_fp + gain_tn > 0), with costs written "
                f"as positive numbers; got gain_tp + cost_fn from {one_low:g} to {one_high:g} and "
                f"cost_fp + gain_tn from {-zero_high:g} to {-zero_low:g}"
            )


def cuts(p: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Cases from the highest score down; how many are acted on at every distinct cut, from 0 to all; its threshold."""
    order = np.argsort(-p)
    falling = np.empty(p.size + 1)  # falling[k] is the score of the k-th case acted on
    falling[0] = np.inf
    p.take(order, out=falling[1:], mode="clip")  # the default mode would copy
    last = np.append(falling[1:] != falling[:-1], True)
    if last.all():
        return order, np.arange(p.size + 1), falling
    return order, np.flatnonzero(last), falling[last]


def running(x: NDArray[Any], order: NDArray[np.int64], acted: NDArray[np.int64]) -> NDArray[Any]:
    """The sum of x over the cases acted on, at every cut."""
    total = np.empty(x.size + 1, x.dtype)
    total[0] = 0
    np.cumsum(x.take(order, out=total[1:], mode="clip"), out=total[1:])
    return total if acted.size == total.size else total.take(acted)


def best_cut(
    p: Floats, change: Floats, weight: Floats | None = None, room: float | None = None
) -> tuple[float, float, bool]:
    """The most profitable threshold (-inf for everyone), what it changes, and whether the room stops it.

    Where the most profitable one would act on more cases than there is room for (of the population, where there are
    weights), it is the score of the last case that fits.
    """
    order, acted, threshold = cuts(p)
    earned = running(change, order, acted)
    best, full = int(np.argmax(earned)), False
    if room is not None:
        taken = acted if weight is None else running(weight, order, acted)
        last = int(np.searchsorted(taken, room * (1 + 1e-9), side="right")) - 1
        full = best > last
        best = min(best, last)
    cut = -np.inf if acted[best] == p.size else float(threshold[best])
    return cut, float(earned[best]), full


def paired_difference(
    turn: Floats, one: NDArray[np.bool_], if_one: Floats, if_zero: Floats, level: float
) -> tuple[float, float, float, int]:
    """What deciding differently earns over all cases, with interval and events; turn is 1 to act, -1 not to, or 0.

    Square-and-add over what is earned if the rarer outcome never comes and what it adds, with their correlation.
    """
    n, differs = turn.size, turn != 0
    total = float((turn * np.where(one, if_one, if_zero)).sum()) + 0.0
    if not differs.any():
        return 0.0, 0.0, 0.0, 0
    if n < 2:
        return total, math.nan, math.nan, 0
    rare_is_one = 2 * np.count_nonzero(differs & one) <= np.count_nonzero(differs)
    rare = one if rare_is_one else ~one
    usual, other = (if_zero, if_one) if rare_is_one else (if_one, if_zero)
    sure, extra = turn * usual, turn * rare * (other - usual)
    cross = float(((sure - sure.mean()) * (extra - extra.mean())).mean())
    spread = float(sure.std()), float(extra.std())
    events = int(np.count_nonzero(differs & rare))
    return total, *square_and_add(total, n, moments_of(extra), spread, cross, level), events


def square_and_add(
    total: float, n: int, extra: Moments, spread: tuple[float, float], cross: float, level: float
) -> tuple[float, float]:
    """The ends of `paired_difference`: moments of what the rarer outcome adds, the standard deviations of what is
    earned if it never comes and of what it adds, and their covariance.
    """
    low, high, _ = extra.interval(level)
    half = normal_quantile(level) * spread[0] / math.sqrt(n - 1)
    both = spread[0] * spread[1]
    together = 2 * half * (cross / both if both > 0 else 0.0)
    down, up = extra.mean - low, high - extra.mean
    down = math.sqrt(max(down**2 + half**2 + together * down, 0.0))
    up = math.sqrt(max(up**2 + half**2 + together * up, 0.0))
    return total - n * down, total + n * up


def threshold_words(threshold: float) -> str:
    """A threshold in words."""
    if np.isinf(threshold):
        return "nobody" if threshold > 0 else "everyone"
    return f"p ≥ {threshold:.4g}"


def money_by_group(
    groups: Mapping[Any, RowsT],
    size: Callable[[RowsT], float],
    value: Callable[[RowsT, float], tuple[float, float, float, int]],
    *,
    level: float,
    least: float,
    rows_in: Callable[[RowsT], int] = len,  # type: ignore[assignment]
) -> pd.DataFrame:
    """A row for each group: dollars with an interval, one that holds for all groups together, and what is sure.

    `size` says how many cases some rows stand for, `value` what they are worth: dollars, low, high, events at a level.
    """
    import pandas as pd

    rows = {}
    for name, where in groups.items():
        cases, (total, low, high, events) = size(where), value(where, level)
        _, low_all, high_all, _ = value(where, 1 - (1 - level) / len(groups))
        rows[name] = {
            "n": rows_in(where), "value": total, "low": low, "high": high, "events": events, "per_case": total / cases,
            "low_all": low_all, "high_all": high_all, "sure": what_is_sure(low_all / cases, high_all / cases, least),
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def sure_words(table: pd.DataFrame, level: float) -> str:
    """Which groups are sure, in a clause."""
    told = []
    for verdict, words in (("more", "surely above"), ("less", "surely below"), ("alike", "surely no matter")):
        names = [str(name) for name in table.index[table["sure"] == verdict]]
        if names:
            told.append(f"{words} in {', '.join(names[:4])}" + f" and {len(names) - 4} more" * (len(names) > 4))
    left = int((table["sure"] == "open").sum())
    told += [f"open in {left}"] if left else []
    return f"of {len(table)} groups, at {100 * level:g} % for all together, {', '.join(told)}"
