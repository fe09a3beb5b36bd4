"""Layer 2, prediction: what a score says, and what it is worth.

A score earns money only through the decisions that follow from it. Two questions, two functions: what would each
threshold earn (:func:`money_by_threshold`), and what is the model worth beside what one would do without it
(:func:`value_of_model`)? Metrics and calibration are scikit-learn's.

The rule is the same everywhere: **act when p ≥ threshold**, so a case exactly at the threshold is acted on. Money is
stated by outcome, each a plain number for all cases or one number per case, and positive in its usual sense:

========================  ==========================  ============================
                          y = 1                       y = 0
========================  ==========================  ============================
acted on (p ≥ threshold)  ``gain_tp`` is earned       ``cost_fp`` is paid
left alone                ``cost_fn`` is paid         ``gain_tn`` is earned
========================  ==========================  ============================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_binary, as_integer, as_probabilities, as_thresholds, per_case, same_length

__all__ = ["money_by_threshold", "value_of_model"]

_Z95 = 1.959963984540054  # the normal quantile of a two-sided 95 % interval


@dataclass(frozen=True, eq=False, repr=False)
class ThresholdMoney:
    """What every threshold earns, from "act on nobody" (threshold ``inf``) down to "act on everyone".

    Arrays of one length: ``threshold``, ``profit`` (dollars over all cases), ``acted`` (cases with p ≥ threshold).
    """

    threshold: NDArray[np.float64]
    profit: NDArray[np.float64]
    acted: NDArray[np.int64]

    @property
    def best(self) -> int:
        """Position of the most profitable threshold; among equals the one that acts on the fewest."""
        return int(np.argmax(self.profit))

    def frame(self) -> pd.DataFrame:
        """The same as a frame with the columns threshold, profit and acted."""
        return pd.DataFrame({"threshold": self.threshold, "profit": self.profit, "acted": self.acted})

    def __repr__(self) -> str:
        best = self.best
        return (
            f"best of {len(self.profit):,} thresholds: {_rule(self.threshold[best])} "
            f"({self.acted[best]:,} of {self.acted[-1]:,} cases) earns {_dollars(self.profit[best])}; "
            f"acting on nobody {_dollars(self.profit[0])}, on everyone {_dollars(self.profit[-1])}"
        )


@dataclass(frozen=True, repr=False)
class ModelValue:
    """What a model is worth over ``n`` cases, in dollars, with a 95 % interval; ``value = with_model - without_model``.

    ``in_sample`` is the flattering number: the value when the cases that chose the threshold also grade it. It equals
    ``value`` when the threshold came from elsewhere. ``threshold`` is ``None`` when every case has its own.
    """

    value: float
    low: float
    high: float
    with_model: float
    without_model: float
    in_sample: float
    threshold: float | None
    acted: int
    n: int

    def __repr__(self) -> str:
        if self.acted == 0 and self.value == 0:
            return f"value of the model: $0 over {self.n:,} cases, nobody is acted on because of it"
        rule = "thresholds per case" if self.threshold is None else _rule(self.threshold)
        return (
            f"value of the model: {_dollars(self.value)} over {self.n:,} cases "
            f"(95 % interval {_dollars(self.low)} to {_dollars(self.high)}); "
            f"{_dollars(self.with_model)} with it ({rule}, {self.acted:,} acted on), "
            f"{_dollars(self.without_model)} without"
        )


def money_by_threshold(
    y: ArrayLike,
    p: ArrayLike,
    *,
    gain_tp: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike = 0.0,
    gain_tn: ArrayLike = 0.0,
) -> ThresholdMoney:
    """What would acting on ``p >= t`` earn, at every threshold t that makes a difference?

    Parameters
    ----------
    y : array of shape (n,)
        What happened: 0 or 1.
    p : array of shape (n,)
        The scores, in [0, 1]. Equal scores are one threshold: they are acted on together.
    gain_tp : float or array of shape (n,)
        Dollars earned by acting where y = 1.
    cost_fp : float or array of shape (n,)
        Dollars paid for acting where y = 0 (a positive number is a cost).
    cost_fn : float or array of shape (n,), default 0
        Dollars lost by not acting where y = 1 (a positive number is a cost).
    gain_tn : float or array of shape (n,), default 0
        Dollars earned by not acting where y = 0.

    Returns
    -------
    ThresholdMoney
        Arrays ``threshold`` (``inf`` first: nobody; then every distinct score, falling), ``profit`` in dollars over all
        cases and ``acted``; the position ``best``; ``frame()``.

    Raises
    ------
    ValueError
        If y is not 0/1, p not in [0, 1], something is missing, lengths differ, or the amounts leave nothing to decide:
        one action is at least as good as the other in every case, whatever y is. Often that is a cost with a minus.
    TypeError
        If an amount is misspelt or not a number.

    Notes
    -----
    Acting changes the money of a case by ``gain_tp + cost_fn`` where y = 1 and by ``-(cost_fp + gain_tn)`` where y = 0;
    profit is the money of "nobody acts" plus the running sum of these changes from the highest score down. One sort,
    no grid. Only the two sums decide: moving a constant from ``gain_tp`` to ``cost_fn`` shifts no decision.
    The best threshold is found on the cases that grade it; :func:`value_of_model` corrects for that.
    Taught in notebook 02, *Worked example*.

    References
    ----------
    Elkan, C. (2001). The foundations of cost-sensitive learning. IJCAI, section 1.

    Examples
    --------
    Four customers, two of whom leave. A saved one is worth $100, a call costs $15:

    >>> money = money_by_threshold([0, 1, 0, 1], [0.1, 0.3, 0.4, 0.9], gain_tp=85, cost_fp=15)
    >>> money.frame()
       threshold  profit  acted
    0        inf     0.0      0
    1        0.9    85.0      1
    2        0.4    70.0      2
    3        0.3   155.0      3
    4        0.1   140.0      4
    >>> money
    best of 5 thresholds: p ≥ 0.3 (3 of 4 cases) earns $155; acting on nobody $0, on everyone $140
    """
    one, p = as_binary(y, "y") == 1, as_probabilities(p, "p")
    if_one, if_zero, nobody = _stakes(one, same_length(y=one, p=p), gain_tp, cost_fp, cost_fn, gain_tn)
    order, acted, threshold = _cuts(p)
    if if_one.ndim == if_zero.ndim == 0:  # counts are exact where a long sum of dollars and cents is not
        hits = _running(one.astype(np.int64), order, acted)
        profit = if_one * hits + if_zero * (acted - hits)
    else:
        profit = _running(np.where(one, if_one, if_zero), order, acted)
    profit += nobody
    return ThresholdMoney(threshold, profit, acted)


def value_of_model(
    y: ArrayLike,
    p: ArrayLike,
    *,
    gain_tp: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike = 0.0,
    gain_tn: ArrayLike = 0.0,
    threshold: ArrayLike | None = None,
    cv: int = 5,
    seed: int = 0,
) -> ModelValue:
    """What is the model worth: the best decision with its scores minus the best decision without them?

    Without scores one can act on nobody or on everyone. A model that changes no decision is worth exactly 0.0.

    Parameters
    ----------
    y : array of shape (n,)
        What happened: 0 or 1, on cases the model was not fitted on.
    p : array of shape (n,)
        The scores, in [0, 1].
    gain_tp, cost_fp, cost_fn, gain_tn : float or array of shape (n,)
        Dollars of the four outcomes, as in :func:`money_by_threshold`.
    threshold : float or array of shape (n,), optional
        Act where ``p >= threshold``: a threshold from elsewhere, one from the costs of each case, or ``np.inf`` when
        no decision is connected to the scores. Left out, the best threshold is looked for in these very cases.
    cv : int, default 5
        Without ``threshold``: parts into which the cases are divided, at least 2.
    seed : int, default 0
        Without ``threshold``: seed of that division.

    Returns
    -------
    ModelValue
        ``value``, its 95 % interval ``low`` and ``high``, ``with_model``, ``without_model``, ``in_sample``,
        ``threshold`` and ``acted``. All money is dollars over the ``n`` cases given.

    Raises
    ------
    ValueError
        As :func:`money_by_threshold`; if ``threshold`` is missing somewhere; with fewer cases than 2 or than ``cv``.
    TypeError
        If an amount or option is misspelt or of the wrong kind.

    Notes
    -----
    *Threshold given.* The value is ``min(with - nobody, with - everyone)``. Each difference is a sum over cases with a
    normal interval; the interval of the value runs from the smaller lower end to the smaller upper end.

    *Threshold looked for here.* Cases that choose a threshold flatter it. So each part of the cases is decided with the
    threshold that was best on the other parts, or as without a model where that threshold earned nothing extra there;
    then as above (Bayle et al. 2020 justify a normal interval over such parts). The value is that of a threshold found
    in about this many cases: a useless model can come out below 0, a constant score is worth exactly 0. ``threshold``
    is the best one on all cases (``-inf``: everyone), ``in_sample`` what it would seem to be worth.

    *Nobody acts.* When no case reaches its threshold, nothing follows from the scores. What would be done without them
    is still done, even if that is acting on everyone, and the value is exactly 0.0.

    The interval covers which cases happened to be drawn; not how the model was trained, nor whether the amounts are
    right. In simulations with 500 to 5,000 cases it held the truth in 93 to 97 % of draws for a given threshold, and in
    91 % in the worst setting tried. For one looked for here it is too short: 82 % or more (69 to 85 % for a useless
    model where nobody and everyone earn the same), and its lower end was above the truth in up to 9 % of draws, not
    2.5 %. Give a threshold from elsewhere where the interval matters. Taught in notebook 02, *What happened*.

    References
    ----------
    Bayle, P., Bayle, A., Janson, L. and Mackey, L. (2020). Cross-validation confidence intervals for test error.
    NeurIPS 33.
    Vickers, A. J. and Elkin, E. B. (2006). Decision curve analysis. Medical Decision Making 26(6): the same comparison
    with acting on nobody and on everyone.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(1, 9, 10_000)
    >>> y = rng.random(10_000) < p
    >>> value_of_model(y, p, gain_tp=45, cost_fp=5, threshold=0.1).value > 0
    True

    The same scores, and nobody acts on them:

    >>> value_of_model(y, p, gain_tp=45, cost_fp=5, threshold=np.inf)
    value of the model: $0 over 10,000 cases, nobody is acted on because of it
    """
    one, p = as_binary(y, "y") == 1, as_probabilities(p, "p")
    n, cv, seed = same_length(y=one, p=p), as_integer(cv, "cv", ge=2), as_integer(seed, "seed", ge=0)
    if_one, if_zero, nobody = _stakes(one, n, gain_tp, cost_fp, cost_fn, gain_tn)
    if n < (needed := cv if threshold is None else 2):
        raise ValueError(f"y and p must hold at least {needed} cases to tell a value with its interval; got {n}")
    change = np.where(one, if_one, if_zero)
    cut: float | None = None
    if threshold is None:
        acts, used = _cross_fitted(p, change, cv, seed)
        cut, best, everyone = _best_cut(p, change)
        in_sample = best - max(0.0, everyone)
    else:
        limit = as_thresholds(threshold, n, "threshold")
        cut = float(limit[0]) if limit.size == 1 else None
        acts = (p >= limit).astype(np.float64)
        used = np.full(n, float(acts.any()))
    value, low, high = _smallest_sum([used * acts * change, used * (acts - 1) * change])
    if threshold is not None:
        in_sample = value
    without = nobody + max(0.0, float(change.sum()))
    return ModelValue(
        value=value,
        low=low,
        high=high,
        with_model=without + value,
        without_model=without,
        in_sample=in_sample,
        threshold=cut,
        acted=int((used * acts).sum()),
        n=n,
    )


def _stakes(
    one: NDArray[np.bool_], n: int, gain_tp: ArrayLike, cost_fp: ArrayLike, cost_fn: ArrayLike, gain_tn: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """What acting changes where y = 1 and where y = 0, and the money when nobody acts; nothing to decide is refused."""
    lost, earned = per_case(cost_fn, n, "cost_fn"), per_case(gain_tn, n, "gain_tn")
    if_one = per_case(gain_tp, n, "gain_tp") + lost
    if_zero = -(per_case(cost_fp, n, "cost_fp") + earned)
    can_lose, can_gain = min(if_one.min(), if_zero.min()) < 0, max(if_one.max(), if_zero.max()) > 0
    for wins, open_question in (("acting", can_lose), ("not acting", can_gain)):
        if not open_question:
            raise ValueError(
                f"the amounts leave nothing to decide: {wins} is never worse, whatever y is. Acting must gain "
                f"somewhere (gain_tp + cost_fn > 0) and cost somewhere (cost_fp + gain_tn > 0), with costs written "
                f"as positive numbers; got gain_tp + cost_fn from {if_one.min():g} to {if_one.max():g} and "
                f"cost_fp + gain_tn from {-if_zero.max():g} to {-if_zero.min():g}"
            )
    if lost.ndim == earned.ndim == 0:
        ones = np.count_nonzero(one)
        return if_one, if_zero, float(earned) * (n - ones) - float(lost) * ones
    return if_one, if_zero, float(np.sum(np.where(one, -lost, earned)))


def _cuts(p: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Cases from the highest score down; how many are acted on at every distinct cut, from 0 to all; its threshold."""
    order = np.argsort(-p)
    falling = np.empty(p.size + 1)  # falling[k] is the score of the k-th case acted on
    falling[0] = np.inf
    p.take(order, out=falling[1:], mode="clip")  # the default mode would copy
    last = np.append(falling[1:] != falling[:-1], True)
    return order, np.flatnonzero(last), falling if last.all() else falling[last]


def _running(x: NDArray[Any], order: NDArray[np.int64], acted: NDArray[np.int64]) -> NDArray[Any]:
    """The sum of x over the cases acted on, at every cut."""
    total = np.empty(x.size + 1, x.dtype)
    total[0] = 0
    np.cumsum(x.take(order, out=total[1:], mode="clip"), out=total[1:])
    return total if acted.size == total.size else total.take(acted)


def _best_cut(p: NDArray[np.float64], change: NDArray[np.float64]) -> tuple[float, float, float]:
    """The most profitable threshold (-inf for everyone), what it changes, and what acting on everyone changes."""
    order, acted, threshold = _cuts(p)
    earned = _running(change, order, acted)
    best = int(np.argmax(earned))
    return (-np.inf if acted[best] == p.size else float(threshold[best])), float(earned[best]), float(earned[-1])


def _cross_fitted(
    p: NDArray[np.float64], change: NDArray[np.float64], cv: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Who is acted on, each part by the best threshold of the others; and where that beats using no scores."""
    part = np.random.default_rng(seed).permutation(p.size) % cv
    acts, used = np.zeros(p.size), np.zeros(p.size)
    for k in range(cv):
        here, others = part == k, part != k
        threshold, best, everyone = _best_cut(p[others], change[others])
        acts[here] = p[here] >= threshold
        used[here] = best > max(0.0, everyone)
    return acts, used


def _smallest_sum(terms: list[NDArray[np.float64]]) -> tuple[float, float, float]:
    """The smallest of the sums over cases, and the smallest lower and upper end of their 95 % intervals."""
    sums = [float(term.sum()) for term in terms]
    spread = [_Z95 * float(np.sqrt(term.size) * term.std(ddof=1)) for term in terms]
    low = min(total - half for total, half in zip(sums, spread, strict=True))
    high = min(total + half for total, half in zip(sums, spread, strict=True))
    return min(sums) + 0.0, low + 0.0, high + 0.0


def _rule(threshold: float) -> str:
    """A threshold in words."""
    if np.isinf(threshold):
        return "nobody" if threshold > 0 else "everyone"
    return f"p ≥ {threshold:.4g}"


def _dollars(amount: float) -> str:
    """An amount of money, to be read."""
    digits = 0 if abs(amount) >= 100 or amount == round(amount) else 2
    text = f"{abs(amount):,.{digits}f}"
    return f"-${text}" if amount < 0 and text.strip("0.,") else f"${text}"
