"""Which of two models, or of two policies, earns more on the same cases?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import (
    Floats,
    as_binary,
    as_groups,
    as_number,
    as_numbers,
    as_probabilities,
    as_propensities,
    as_thresholds,
    as_weights,
    same_cases,
)
from mllayers._results import Result
from mllayers._stats import mean_interval, what_is_sure
from mllayers._words import count, dollars, percent
from mllayers.prediction._sums import (
    money_by_group,
    paired_difference,
    stakes,
    sure_words,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class MoneyDifference(Result):
    """What the first earns beyond the second on the same cases: what `compare_money` and `compare_models` return.

    Attributes
    ----------
    mean, mean_low, mean_high : float
        Dollars a case, first minus second, with interval; NaN ends: too few events, or none.
    total, low, high : float
        The same over all cases.
    level : float
        Probability with which an interval is to hold the true value.
    events : int
        What the interval rests on: the cases that differ or, where the outcome is known, those of them with the rarer
        outcome.
    n : int
        Cases compared.
    stands_for : float
        Cases of the population: n, or the sum of the weights.
    differ, better, worse : int
        Cases on which the two do not earn the same; on which the first earns more; on which it earns less.
    first, second : float
        Dollars that each earns over all cases.
    least : float
        The difference that matters, in dollars a case.
    sure : str
        What the interval of the mean says: *more* or *less* (by more than ``least``), *alike* (within it), or *open*.
    table : DataFrame or None
        With ``by``, a row for each group in its order: ``n``, ``value`` (dollars) with ``low``, ``high`` and
        ``events``, ``per_case``, ``low_all`` and ``high_all`` (an interval that holds for all groups together, by
        Bonferroni) and ``sure``, by that interval.
    """

    mean: float
    mean_low: float
    mean_high: float
    total: float
    low: float
    high: float
    level: float
    events: int
    n: int
    stands_for: float
    differ: int
    better: int
    worse: int
    first: float
    second: float
    least: float
    sure: str
    table: pd.DataFrame | None

    def frame(self) -> pd.DataFrame:
        """A row for each group, where there are groups; else one row with the numbers."""
        return Result.frame(self) if self.table is None else self.table.copy()

    def _line(self) -> str:
        cases = count(self.n, "case")
        if not self.differ:
            return f"the same money on each of {cases}"
        at = f"{100 * self.level:g} % interval"
        told = f"first − second: {dollars(self.mean)} a case, {dollars(self.total)} over {cases}"
        told += f" that stand for {count(self.stands_for, 'case')}" if self.stands_for != self.n else ""
        if math.isnan(self.low):
            told += f" (too few events ({self.events:,}) for an interval)"
        else:
            told += f" ({at} {dollars(self.low)} to {dollars(self.high)})"
        told += f"; they differ on {self.differ:,} ({percent(self.differ / self.n)}): "
        told += f"the first earns more on {self.better:,}, less on {self.worse:,}"
        return told if self.table is None else f"{told}; {sure_words(self.table, self.level)}"


def compare_money(
    a: ArrayLike,
    b: ArrayLike,
    *,
    propensity: ArrayLike | None = None,
    by: ArrayLike | None = None,
    least: float = 0.0,
    level: float = 0.95,
) -> MoneyDifference:
    """Which of two policies earns more, and by how much, where both are reckoned on the same cases?

    Two separate intervals overlap long before the difference is in doubt: the cases are the same, and most of them are
    decided alike. Only those that differ count.

    Parameters
    ----------
    a, b : array of shape (n,)
        Dollars of each case under the first and under the second policy.
    propensity : float or array of shape (n,), optional
        The chance with which the case came into this sample (an audit share), in (0, 1]: each row then stands for
        1 / propensity cases. Left out, the cases are all there is to speak of.
    by : array of shape (n,), optional
        The segment or band of each case: a row for each of them.
    least : float, default 0
        The difference that matters, in dollars a case. Size and significance are two questions.
    level : float in (0, 1), default 0.95
        Probability with which an interval is to hold the true difference.

    Returns
    -------
    MoneyDifference
        ``mean`` and ``total`` with their intervals, how many cases ``differ``, what is ``sure`` (*more*,
        *less*, *alike* or *open*); ``frame()``.

    Raises
    ------
    TypeError, ValueError
        For money that is missing or no number, a propensity outside (0, 1], columns that do not belong to the same
        cases.

    Notes
    -----
    With d = a − b and w = 1 / propensity, the mean is Σ w d / Σ w (Hájek) and the total Σ w d. The interval is Hall's
    transformed t for skewed money over d, or over mean + w (d − mean) / w̄ where the weights differ; the total's is
    that of the mean times Σ w, the number of cases they stand for, taken as known. Events are the cases that differ;
    below five there is no interval, and none where the two earn the same on every case: on others they may not.

    Both columns must be reckoned from the same outcomes. What would have come back under an action that was not taken
    is not among them: that takes a random choice (`feedback.policy_value`).
    Taught in notebook 02, *Your own system*.

    References
    ----------
    Hall (1992), "On the Removal of Skewness by Transformation", JRSS B 54(1). Hájek (1971), comment in "Foundations of
    Statistical Inference". Student (1908), "The Probable Error of a Mean", Biometrika 6(1): the paired comparison.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> money = rng.lognormal(3, 1, 5_000)
    >>> better = money + np.where(rng.random(5_000) < 0.02, 12.0, 0.0)
    >>> found = compare_money(better, money)
    >>> found.differ, round(found.mean, 2), found.sure
    (82, 0.2, 'more')
    """
    first, second = as_numbers(a, "a"), as_numbers(b, "b")
    n = same_cases(a=a, b=b, propensity=propensity, by=by)
    level, least = as_number(level, "level", gt=0, lt=1), as_number(least, "least", ge=0)
    weight = np.ones(n) if propensity is None else 1 / as_propensities(propensity, n)
    groups = None if by is None else as_groups(by, n, "by")
    difference = first - second

    def value(rows: NDArray[np.intp], at: float) -> tuple[float, float, float, int]:
        return _mean_of_part(difference[rows], weight[rows], at)

    return _compared(difference, first, second, weight, groups, value, level, least)


def compare_models(
    y: ArrayLike,
    p_a: ArrayLike,
    p_b: ArrayLike,
    *,
    gain_tp: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike = 0.0,
    gain_tn: ArrayLike = 0.0,
    threshold: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    by: ArrayLike | None = None,
    least: float = 0.0,
    level: float = 0.95,
) -> MoneyDifference:
    """Which of two scores earns more on the same cases, each acted on where the amounts of the case say so?

    Parameters
    ----------
    y : array of shape (n,)
        What happened: 0 or 1, on cases that neither model was fitted on.
    p_a, p_b : array of shape (n,)
        The two scores, in [0, 1].
    gain_tp, cost_fp, cost_fn, gain_tn : float or array of shape (n,)
        Dollars of the four outcomes, as in :func:`money_by_threshold`.
    threshold : float or array of shape (n,), optional
        Act where a score is ≥ threshold. Left out, each case is acted on where that is worth it at its score: from
        (cost_fp + gain_tn) / (gain_tp + cost_fn + cost_fp + gain_tn) on.
    weights : array of shape (n,), optional
        How many cases of the population each row stands for, > 0.
    by : array of shape (n,), optional
        The segment or band of each case: a row for each of them.
    least : float, default 0
        The difference that matters, in dollars a case.
    level : float in (0, 1), default 0.95
        Probability with which an interval is to hold the true difference.

    Returns
    -------
    MoneyDifference
        As :func:`compare_money`; ``differ`` counts the cases that the two scores decide differently.

    Raises
    ------
    TypeError, ValueError
        As :func:`money_by_threshold`; if ``threshold`` is missing somewhere.

    Notes
    -----
    A score that is not calibrated acts at the wrong places and is paid for it. Where the best single threshold of each
    score is to be looked for, give the other score to :func:`value_of_model` as ``without``.

    The interval is that of :func:`value_of_model`: square-and-add over what is earned if the rarer outcome never comes
    and what it adds, over the cases that are decided differently.
    Taught in notebook 02, *Your own system*.

    References
    ----------
    Elkan, C. (2001). The foundations of cost-sensitive learning. IJCAI, section 1: the threshold. Zou, G. Y. and
    Donner, A. (2008). Construction of confidence limits about effect measures. Statistics in Medicine 27(10).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(1, 9, 20_000)
    >>> y = rng.random(20_000) < p
    >>> blurred = np.clip(p + rng.normal(0, 0.05, p.size), 0, 1)
    >>> compare_models(y, p, blurred, gain_tp=45, cost_fp=5).sure
    'more'
    """
    one, first, second = as_binary(y, "y") == 1, as_probabilities(p_a, "p_a"), as_probabilities(p_b, "p_b")
    amounts = {"gain_tp": gain_tp, "cost_fp": cost_fp, "cost_fn": cost_fn, "gain_tn": gain_tn}
    n = same_cases(y=y, p_a=p_a, p_b=p_b, **amounts, threshold=threshold, weights=weights, by=by)
    level, least = as_number(level, "level", gt=0, lt=1), as_number(least, "least", ge=0)
    weight = np.ones(n) if weights is None else as_weights(weights, n)
    groups = None if by is None else as_groups(by, n, "by")
    if_one, if_zero, nobody = stakes(one, n, **amounts, weight=weight)
    if threshold is None:
        acts_a, acts_b = (p * if_one + (1 - p) * if_zero >= 0 for p in (first, second))
    else:
        limit = as_thresholds(threshold, n, "threshold")
        acts_a, acts_b = first >= limit, second >= limit
    turn = acts_a.astype(np.float64) - acts_b
    if_one, if_zero = weight * if_one, weight * if_zero
    change = np.where(one, if_one, if_zero)

    def value(rows: NDArray[np.intp], at: float) -> tuple[float, float, float, int]:
        return paired_difference(turn[rows], one[rows], if_one[rows], if_zero[rows], at)

    found = _compared(turn * change / weight, acts_a * change / weight, acts_b * change / weight, weight, groups, value,
                      level, least, nobody)  # fmt: skip
    return found


def _compared(
    difference: Floats,
    first: Floats,
    second: Floats,
    weight: Floats,
    groups: dict[Any, NDArray[np.intp]] | None,
    value: Any,
    level: float,
    least: float,
    nobody: float = 0.0,
) -> MoneyDifference:
    """The difference as a whole and by group; `value` gives dollars with interval and events of some rows."""
    n, cases, differ = difference.size, float(weight.sum()), int(np.count_nonzero(difference))
    total, low, high, events = value(np.arange(n), level)
    if not differ:  # alike on these cases; how often they would differ on others is unknown, and not zero
        low = high = math.nan
    table = None
    if groups is not None:
        table = money_by_group(groups, lambda rows: float(weight[rows].sum()), value, level=level, least=least)
    return MoneyDifference(
        mean=total / cases,
        mean_low=low / cases,
        mean_high=high / cases,
        total=total,
        low=low,
        high=high,
        level=level,
        events=events,
        n=n,
        stands_for=cases,
        differ=differ,
        better=int(np.count_nonzero(difference > 0)),
        worse=int(np.count_nonzero(difference < 0)),
        first=float(weight @ first) + nobody,
        second=float(weight @ second) + nobody,
        least=least,
        sure=what_is_sure(low / cases, high / cases, least),
        table=table,
    )


def _mean_of_part(difference: Floats, weight: Floats, level: float) -> tuple[float, float, float, int]:
    """The total of some differences with the interval of their weighted mean, and how many are not zero."""
    cases, events = float(weight.sum()), int(np.count_nonzero(difference))
    mean = float(weight @ difference) / cases
    around = difference if (weight == weight[0]).all() else mean + weight * (difference - mean) / weight.mean()
    low, high, _ = mean_interval(around, level=level, events=events)
    return mean * cases, low * cases, high * cases, events
