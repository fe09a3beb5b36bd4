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

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_binary, as_integer, as_number, as_probabilities, as_thresholds, per_case, same_cases
from mllayers._results import Result
from mllayers._stats import mean_interval, normal_quantile
from mllayers._words import count, dollars

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ModelValue", "ThresholdMoney", "money_by_threshold", "value_of_model"]

_WITHOUT = ("nobody", "everyone", "the base rate")


@dataclass(frozen=True, eq=False, repr=False)
class ThresholdMoney(Result):
    """What every threshold earns, from "act on nobody" (threshold ``inf``) down to "act on everyone".

    Attributes
    ----------
    threshold : array
        Infinity, then every distinct score, falling.
    profit : array
        Dollars over all cases when p ≥ threshold is acted on.
    acted : array
        Cases with p ≥ threshold.
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
        import pandas as pd

        return pd.DataFrame({"threshold": self.threshold, "profit": self.profit, "acted": self.acted})

    def _line(self) -> str:
        best = self.best
        return (
            f"best of {count(len(self.profit), 'threshold')}: {_threshold_words(self.threshold[best])} "
            f"({self.acted[best]:,} of {count(self.acted[-1], 'case')}) earns {dollars(self.profit[best])}; "
            f"acting on nobody {dollars(self.profit[0])}, on everyone {dollars(self.profit[-1])}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class ModelValue(Result):
    """What a model is worth over ``n`` cases, in dollars; ``value = with_model - without_model``.

    Attributes
    ----------
    value, low, high : float
        Dollars over all cases, with interval. NaN ends: too few events. ``high`` is infinite where the interval is a
        lower bound only.
    level : float
        Probability with which the interval is to hold the true value.
    events : int
        What the interval rests on: among the cases that are decided differently with and without the model, those with
        the rarer of the two outcomes.
    kind : {"interval", "lower bound", "exact"}
        "exact" where nobody is acted on because of the scores, all scores are equal, or every case is decided as
        without them: then the value is 0.
    with_model, without_model : float
        Dollars over all cases.
    without : str
        The decision without the model that came closest: "nobody", "everyone", "the base rate", or what was given.
    in_sample : float
        The flattering number: the value when the cases that chose the threshold also grade it. It equals ``value``
        when the threshold came from elsewhere.
    threshold : float or None
        ``None`` when every case has its own.
    acted, n : int
        Cases acted on because of the model, and all cases.
    """

    value: float
    low: float
    high: float
    level: float
    events: int
    kind: str
    with_model: float
    without_model: float
    without: str
    in_sample: float
    threshold: float | None
    acted: int
    n: int

    def _line(self) -> str:
        cases = count(self.n, "case")
        if self.kind == "exact":
            same = f"every case is decided as without it ({self.without})"
            return f"value of the model: $0 over {cases}, {same if self.acted else 'nobody is acted on because of it'}"
        if self.kind == "lower bound" and self.events == self.acted == 0:
            return f"value of the model: $0 over {cases}; no threshold earned more than deciding without it"
        told, level = f"value of the model: {dollars(self.value)} over {cases}", f"{100 * self.level:g} %"
        if math.isnan(self.low):
            told += f" (too few events ({self.events:,}) for an interval)"
        elif self.kind == "lower bound":
            told += f" ({level} interval: {dollars(self.low)} or more; only a lower bound, since the threshold was "
            told += "looked for in these cases)"
        else:
            told += f" ({level} interval {dollars(self.low)} to {dollars(self.high)})"
        rule = "thresholds per case" if self.threshold is None else _threshold_words(self.threshold)
        return (
            f"{told}; {dollars(self.with_model)} with it ({rule}, {self.acted:,} acted on), "
            f"{dollars(self.without_model)} without ({self.without})"
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
        The scores, in [0, 1]. Equal scores are one threshold: they are acted on together. Columns are matched by
        position, so Series must have the same labels in the same order.
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
        If the amounts are too large to be added up.
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
    one, score = as_binary(y, "y") == 1, as_probabilities(p, "p")
    n = same_cases(y=y, p=p, gain_tp=gain_tp, cost_fp=cost_fp, cost_fn=cost_fn, gain_tn=gain_tn)
    if_one, if_zero, nobody = _stakes(one, n, gain_tp, cost_fp, cost_fn, gain_tn)
    order, acted, threshold = _cuts(score)
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
    without: ArrayLike | str | None = None,
    cv: int = 5,
    seed: int = 0,
    level: float = 0.95,
) -> ModelValue:
    """What is the model worth: the best decision with its scores minus the best decision without them?

    Without scores one can act on nobody, on everyone, or, where every case has its own amounts, on those whose amounts
    are worth it at the base rate. A model that changes no decision is worth exactly 0.0.

    Parameters
    ----------
    y : array of shape (n,)
        What happened: 0 or 1, on cases the model was not fitted on.
    p : array of shape (n,)
        The scores, in [0, 1].
    gain_tp, cost_fp, cost_fn, gain_tn : float or array of shape (n,)
        Dollars of the four outcomes, as in :func:`money_by_threshold`.
    threshold : float or array of shape (n,), optional
        Act where ``p >= threshold``: a threshold from elsewhere, one from the costs of each case
        (`decision.cost_threshold`), or ``np.inf`` when no decision is connected to the scores. Left out, the best
        single threshold is looked for in these very cases; where amounts differ, give one per case instead.
    without : {"nobody", "everyone", "the base rate"} or array of shape (n,), optional
        What would be done without the model; left out, the best of the three. A column of 0 and 1 says on whom one
        would act. Any other column in [0, 1] is another score, which gets its threshold in the same way as `p`: the
        value is then that of the one model over the other.
    cv : int, default 5
        Without ``threshold``: parts into which the cases are divided, at least 2.
    seed : int, default 0
        Without ``threshold``: seed of that division.
    level : float in (0, 1), default 0.95
        Probability with which the interval is to hold the true value.

    Returns
    -------
    ModelValue
        ``value``, its interval ``low`` and ``high`` with ``events`` and ``kind``, ``with_model``, ``without_model``,
        ``without``, ``in_sample``, ``threshold`` and ``acted``. All money is dollars over the ``n`` cases given.

    Raises
    ------
    ValueError
        As :func:`money_by_threshold`; if ``threshold`` is missing somewhere; with fewer cases than 2 or than ``cv``.
    TypeError
        If an amount or option is misspelt or of the wrong kind.

    Notes
    -----
    *Without the model.* Acting changes the money of a case by a where y = 1 and by -b where y = 0. At the base rate r,
    one acts where r a ≥ (1 - r) b, that is, where r reaches the case's own threshold. With the same amounts for all
    this is nobody or everyone; with amounts per case it is what a constant score would do, so that a model is not
    credited with what the amounts alone bring.

    *Threshold given.* The value is the smallest of ``with - alternative`` over the decisions without the model; r is
    the rate of these cases. The interval runs from the smallest lower end to the smallest upper end. The best
    alternative is picked with the outcomes in hand, which flatters it, so the value is too low where two of them earn
    about the same: by 35 % at 100 cases, 15 % at 500, 8 % at 2,000 and 4 % at 8,000 (10 % positives, nobody and
    everyone alike). Where one is clearly better, by less than 2 % from 500 cases on with one price for all; with
    long-tailed prices per case by up to 14 % at 500 cases and less than 2 % from 2,000.

    *Threshold looked for here.* Cases that choose a threshold flatter it. So each part of the cases is decided with the
    threshold that was best on the other parts (which also give r), or as without a model where that threshold earned
    nothing extra there. The value is that of a threshold found in about this many cases: a useless model can come out
    below 0, a constant score is worth exactly 0. The interval over such parts (Bayle et al. 2020) is only a **lower
    bound** (``kind``) of what the model earns at the best threshold, and ``high`` is infinite: what the search adds to
    the spread is not in it (two-sided, it held the truth in 80 to 91 % of draws).
    ``threshold`` is the best one on all cases (``-inf``: everyone), ``in_sample`` what it would seem to be worth.

    *Nobody acts.* When no case reaches its threshold, nothing follows from the scores. What would be done without them
    is still done, even if that is acting on everyone, and the value is exactly 0.0 (``kind`` is "exact").

    *Interval.* Over the cases decided differently, each difference is what would be earned if the rarer outcome never
    came (a normal interval) plus what the rarer outcome adds (an interval for rare, skewed money); the two are combined
    by square-and-add with their correlation (Zou and Donner 2008). It covers which cases happened to be drawn; not how
    the model was trained, nor whether the amounts are right. Measured with a threshold given, 100 to 8,000 cases, 1 or
    10 % positives, amounts equal or with a long tail: 91 to 99 % of 95 %, with 5 events and more; below, the ends are
    NaN. The lower bound of a threshold looked for here was above the truth in at most 4 % of draws.
    Taught in notebook 02, *What happened*.

    References
    ----------
    Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures. Statistics in Medicine
    27(10).
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

    Amounts per case: a constant score that knows the base rate is worth nothing, whatever the amounts bring.

    >>> gain = rng.lognormal(3, 1, 10_000)
    >>> value_of_model(y, np.full(10_000, y.mean()), gain_tp=gain, cost_fp=5, threshold=5 / (5 + gain)).value
    0.0
    """
    one, score = as_binary(y, "y") == 1, as_probabilities(p, "p")
    instead = without if without is None or isinstance(without, str) else as_probabilities(without, "without")
    amounts = {"gain_tp": gain_tp, "cost_fp": cost_fp, "cost_fn": cost_fn, "gain_tn": gain_tn}
    n = same_cases(y=y, p=p, **amounts, threshold=threshold, without=without)
    if isinstance(instead, str) and instead not in _WITHOUT:
        raise ValueError(f"without must be one of {', '.join(_WITHOUT)}, decisions or scores; got {instead!r}")
    cv, seed = as_integer(cv, "cv", ge=2), as_integer(seed, "seed", ge=0)
    level = as_number(level, "level", gt=0, lt=1)
    if_one, if_zero, nobody = _stakes(one, n, **amounts)
    if n < (needed := cv if threshold is None else 2):
        raise ValueError(f"y and p must hold at least {needed} cases to tell a value with its interval; got {n}")
    book = _Book(one, np.broadcast_to(if_one, n), np.broadcast_to(if_zero, n), instead)
    everybody, cut = np.ones(n, dtype=bool), None
    if threshold is None:
        acts, used, others = _cross_fitted(score, book, cv, seed)
        cut, best = _best_cut(score, book.change)
        in_sample = max(0.0, best - max(book.earned(rule) for rule in book.alternatives(everybody, None).values()))
        kind = "lower bound" if score.min() < score.max() else "exact"
    else:
        limit = as_thresholds(threshold, n, "threshold")
        cut = float(limit[0]) if limit.size == 1 else None
        acts = score >= limit
        used, others = np.full(n, acts.any()), book.alternatives(everybody, limit)
        in_sample, kind = 0.0, "interval" if acts.any() else "exact"
    sums = {name: _difference(used * (acts * 1.0 - rule), book, level) for name, rule in others.items()}
    closest = min(sums, key=lambda name: sums[name][0])
    value, low, high = (float(np.min([sums[name][k] for name in sums])) for k in range(3))
    if kind == "interval" and value == low == high == 0.0:
        kind = "exact"  # the same decision in each case, and no other comes close
    without_model = nobody + max(book.earned(rule) for rule in others.values())
    return ModelValue(
        value=value,
        low=low,
        high=math.inf if kind == "lower bound" else high,
        level=level,
        events=int(sums[closest][3]),
        kind=kind,
        with_model=without_model + value,
        without_model=without_model,
        without=closest,
        in_sample=in_sample if threshold is None else value,
        threshold=cut,
        acted=int((used & acts).sum()),
        n=n,
    )


@dataclass(frozen=True)
class _Book:
    """The cases of `value_of_model`: what acting changes where y = 1 and where y = 0, and what is done without it."""

    one: NDArray[np.bool_]
    if_one: NDArray[np.float64]
    if_zero: NDArray[np.float64]
    without: NDArray[np.float64] | str | None

    @property
    def change(self) -> NDArray[np.float64]:
        """What acting changes, as things came."""
        return np.where(self.one, self.if_one, self.if_zero)

    def earned(self, acts: NDArray[np.bool_]) -> float:
        """What acting on these changes in all."""
        return float(np.where(acts, self.change, 0.0).sum())

    def alternatives(self, known: NDArray[np.bool_], limit: NDArray[np.float64] | None) -> dict[str, NDArray[np.bool_]]:
        """Whom one would act on without the model, by the cases whose outcome is known; another score by its limit."""
        n, given = self.one.size, self.without
        if given is not None and not isinstance(given, str):
            if np.isin(given, (0, 1)).all():
                return {"the decisions given": given == 1}
            cut = limit if limit is not None else _best_cut(given[known], self.change[known])[0]
            return {"the other score": given >= cut}
        rate = float(self.one[known].mean())
        rules = {
            "nobody": np.zeros(n, dtype=bool),
            "everyone": np.ones(n, dtype=bool),
            "the base rate": rate * self.if_one + (1 - rate) * self.if_zero >= 0,
        }
        return rules if given is None else {given: rules[given]}


def _stakes(
    one: NDArray[np.bool_], n: int, gain_tp: ArrayLike, cost_fp: ArrayLike, cost_fn: ArrayLike, gain_tn: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """What acting changes where y = 1 and where y = 0, and the money when nobody acts; nothing to decide is refused."""
    lost, earned = per_case(cost_fn, n, "cost_fn"), per_case(gain_tn, n, "gain_tn")
    with np.errstate(over="ignore"):
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
    ones = np.count_nonzero(one)
    with np.errstate(over="ignore"):
        most = max(float(np.abs(x).max()) for x in (if_one, if_zero, lost, earned))
    if not most * n < 1e150:  # squares must be numbers, too
        raise ValueError("gain_tp, cost_fp, cost_fn and gain_tn must be small enough to be added up")
    if lost.ndim == earned.ndim == 0:
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


def _best_cut(p: NDArray[np.float64], change: NDArray[np.float64]) -> tuple[float, float]:
    """The most profitable threshold (-inf for everyone), and what it changes."""
    order, acted, threshold = _cuts(p)
    earned = _running(change, order, acted)
    best = int(np.argmax(earned))
    return (-np.inf if acted[best] == p.size else float(threshold[best])), float(earned[best])


def _cross_fitted(
    p: NDArray[np.float64], book: _Book, cv: int, seed: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], dict[str, NDArray[np.bool_]]]:
    """Each part of the cases by the others: who is acted on, where that beats using no scores, and what they do."""
    n, change = p.size, book.change
    part = np.random.default_rng(seed).permutation(n) % cv
    acts, used = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    rules: dict[str, NDArray[np.bool_]] = {}
    for k in range(cv):
        here, known = part == k, part != k
        threshold, best = _best_cut(p[known], change[known])
        acts[here] = p[here] >= threshold
        there = book.alternatives(known, None)
        used[here] = best > max(float(change[known & rule].sum()) for rule in there.values())
        for name, rule in there.items():
            rules.setdefault(name, np.zeros(n, dtype=bool))[here] = rule[here]
    return acts, used, rules


def _difference(turn: NDArray[np.float64], book: _Book, level: float) -> tuple[float, float, float, int]:
    """What deciding differently earns over all cases, with interval and events; turn is 1 to act, -1 not to, or 0.

    Square-and-add over what is earned if the rarer outcome never comes and what it adds, with their correlation.
    """
    n, differs = turn.size, turn != 0
    total = float((turn * book.change).sum()) + 0.0
    if not differs.any():
        return 0.0, 0.0, 0.0, 0
    rare_is_one = 2 * np.count_nonzero(differs & book.one) <= np.count_nonzero(differs)
    rare = book.one if rare_is_one else ~book.one
    usual, other = (book.if_zero, book.if_one) if rare_is_one else (book.if_one, book.if_zero)
    sure, extra = turn * usual, turn * rare * (other - usual)
    low, high, _ = mean_interval(extra, level=level)
    mean, half = float(extra.mean()), normal_quantile(level) * float(sure.std(ddof=1)) / math.sqrt(n)
    spread = float(sure.std() * extra.std())
    together = 2 * half * (float(((sure - sure.mean()) * (extra - mean)).mean()) / spread if spread > 0 else 0.0)
    down, up = mean - low, high - mean
    down = math.sqrt(max(down**2 + half**2 + together * down, 0.0))
    up = math.sqrt(max(up**2 + half**2 + together * up, 0.0))
    return total, total - n * down, total + n * up, int(np.count_nonzero(differs & rare))


def _threshold_words(threshold: float) -> str:
    """A threshold in words."""
    if np.isinf(threshold):
        return "nobody" if threshold > 0 else "everyone"
    return f"p ≥ {threshold:.4g}"
