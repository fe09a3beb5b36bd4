"""What can be said of a model before any label has come?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mllayers._check import Floats, as_number, as_probabilities, as_thresholds, as_weights, per_case, same_cases
from mllayers._results import Result
from mllayers._stats import normal_quantile
from mllayers._words import count, dollars
from mllayers.prediction._sums import stakes

# fewer expected events than this give no range for the AUC: measured, with five it held 91 % of 95 %
_FEWEST = 10
_BLIND = (
    "if the scores are still right: it cannot see that they have stopped being so (concept drift), nor any case that "
    "will never have a label"
)


@dataclass(frozen=True, eq=False, repr=False)
class Expected(Result):
    """What some cases will bring if their scores are probabilities: what `expected_performance` returns.

    Attributes
    ----------
    money, low, high : float
        Dollars expected over these cases, and between which they are to come out.
    nobody, everyone : float
        Dollars expected if nobody, and if everyone, were acted on.
    auc, auc_low, auc_high : float
        The area under the ROC curve that the labels are expected to show, and between which they are to show it; NaN
        where fewer than ten of either outcome are expected.
    level : float
        Probability with which each interval is to hold what these very cases will show.
    events : float
        Expected number of cases with y = 1.
    acted, n : int
        Rows that are acted on, and all rows.
    stands_for : float
        Cases of the population: n, or the sum of the weights.
    """

    money: float
    low: float
    high: float
    nobody: float
    everyone: float
    auc: float
    auc_low: float
    auc_high: float
    level: float
    events: float
    acted: int
    n: int
    stands_for: float

    def _line(self) -> str:
        told = f"expected: {dollars(self.money)} over {count(self.stands_for, 'case')}"
        told += f" that {count(self.n, 'row')} stand for" if self.stands_for != self.n else ""
        told += f" ({100 * self.level:g} %: "
        told += f"{dollars(self.low)} to {dollars(self.high)}), {self.acted:,} acted on; on nobody "
        told += f"{dollars(self.nobody)}, on everyone {dollars(self.everyone)}"
        if not math.isnan(self.auc):
            told += f"; AUC {self.auc:.3f} ({self.auc_low:.3f} to {self.auc_high:.3f})"
        return f"{told}; {_BLIND}"


def expected_performance(
    p: ArrayLike,
    *,
    gain_tp: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike = 0.0,
    gain_tn: ArrayLike = 0.0,
    threshold: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> Expected:
    """What will these cases earn and which AUC will they show, before a single label has come?

    Parameters
    ----------
    p : array of shape (n,)
        Scores in [0, 1] that are calibrated: of the cases at 0.2, one in five happens.
    gain_tp, cost_fp, cost_fn, gain_tn : float or array of shape (n,)
        Dollars of the four outcomes, as in :func:`money_by_threshold`.
    threshold : float or array of shape (n,), optional
        Act where p ≥ threshold. Left out, each case is acted on where that is worth it at its score.
    weights : array of shape (n,), optional
        How many cases of the population each row stands for, > 0, where the sample is not the population. The scores
        must be those of the population, too: :func:`prior_corrected`.
    level : float in (0, 1), default 0.95
        Probability with which each interval is to hold what these very cases will show, if the scores are right.

    Returns
    -------
    Expected
        ``money`` and ``auc`` with their intervals, ``nobody`` and ``everyone`` beside them.

    Raises
    ------
    TypeError, ValueError
        As :func:`money_by_threshold`.

    Notes
    -----
    Each case counts as y = 1 with probability p: money = Σ (p m₁ + (1 − p) m₀), with m₁ and m₀ what the decision brings
    where y is 1 and 0, and AUC = Σ pᵢ (1 − pⱼ) [pᵢ > pⱼ, ½ where equal] / Σ pᵢ (1 − pⱼ) over pairs of different cases.
    This is the confidence-based estimator (CBPE) of model monitoring.

    With weights w the money of a row counts w times, and a pair wᵢ wⱼ times.

    *Intervals* are for what the labels of these cases will show, not for a larger population. Mean, variance and
    skewness of the money are those of a sum of independent draws, exactly; its ends are the quantiles of the gamma law
    with these three (Pearson's type III), within what is possible; where it is likelier than the tail that nothing
    happens at all, that is the end. The AUC's is a normal one on the logit, its variance by linearisation, times
    1 + 1/k + 2/k² for the k of the rarer outcome that are expected (about E[1/K] · k: how many there will be is itself
    left to chance).

    Measured with weights of 1 and 10 in 100 to 1,000 rows: the money 94 to 98 % of 95 %, the AUC 91 to 95 %.

    **What it cannot see.** The scores are the only witness. Where the world has moved so that a score of 0.2 now means
    0.4 (concept drift), the expectation stays as it was and so does the interval; only labels tell. New kinds of cases
    are as invisible as they are to the model. And of cases that never get a label, nothing here ever comes to light:
    for those, draw some at random (`data.audit_sample`) and ask `feedback.promise_kept`.
    Taught in notebook 02, *Your own system*.

    References
    ----------
    Garg, Balakrishnan, Lipton, Neyshabur and Sedghi (2022), "Leveraging Unlabeled Data to Predict Out-of-Distribution
    Performance", ICLR: what is possible from scores alone, and what is not (section 3). Kivimäki, Białek, Kuberski and
    Nurminen (2025), "Performance Estimation in Binary Classification Using Calibrated Confidence", arXiv:2505.05295.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(1, 9, 10_000)
    >>> found = expected_performance(p, gain_tp=45, cost_fp=5)
    >>> came = np.where(p >= 0.1, np.where(rng.random(p.size) < p, 45, -5), 0).sum()
    >>> bool(found.low <= came <= found.high)
    True
    >>> round(found.auc, 2)
    0.77
    """
    score = as_probabilities(p, "p")
    amounts = {"gain_tp": gain_tp, "cost_fp": cost_fp, "cost_fn": cost_fn, "gain_tn": gain_tn}
    n = same_cases(p=p, **amounts, threshold=threshold, weights=weights)
    weight = np.ones(n) if weights is None else as_weights(weights, n)
    level = as_number(level, "level", gt=0, lt=1)
    if_one, if_zero, _ = stakes(np.zeros(n, dtype=bool), n, **amounts, weight=None)
    if threshold is None:
        acts = score * if_one + (1 - score) * if_zero >= 0
    else:
        acts = score >= as_thresholds(threshold, n, "threshold")
    alone_one, alone_zero = (np.broadcast_to(x, n) for x in _left_alone(n, cost_fn, gain_tn))
    alone_one, alone_zero, if_one, if_zero = (weight * x for x in (alone_one, alone_zero, if_one, if_zero))
    money_one, money_zero = alone_one + acts * if_one, alone_zero + acts * if_zero
    moves = money_one - money_zero
    low, high = _range_of_sum(score, moves, level)
    fixed = float(money_zero.sum())
    nobody = float((score * alone_one + (1 - score) * alone_zero).sum())
    auc, auc_low, auc_high = _expected_auc(score, weight, level)
    return Expected(
        money=fixed + float(score @ moves),
        low=fixed + low,
        high=fixed + high,
        nobody=nobody,
        everyone=nobody + float((score * if_one + (1 - score) * if_zero).sum()),
        auc=auc,
        auc_low=auc_low,
        auc_high=auc_high,
        level=level,
        events=float(weight @ score),
        acted=int(np.count_nonzero(acts)),
        n=n,
        stands_for=float(weight.sum()),
    )


def _left_alone(n: int, cost_fn: ArrayLike, gain_tn: ArrayLike) -> tuple[Floats, Floats]:
    """What a case brings that is left alone, where y = 1 and where y = 0."""
    return 0.0 - per_case(cost_fn, n, "cost_fn"), per_case(gain_tn, n, "gain_tn")


def _range_of_sum(p: Floats, moves: Floats, level: float) -> tuple[float, float]:
    """Between which values Σ y · moves lies, y drawn with probabilities p: a gamma law with its first three moments."""
    from scipy.special import gammaincinv

    mean, spread = float(p @ moves), p * (1 - p) * moves**2
    sd = math.sqrt(float(spread.sum()))
    if sd == 0:
        return mean, mean
    skew = float((spread * (1 - 2 * p) * moves).sum()) / sd**3
    z, tail = normal_quantile(level), (1 - level) / 2
    if abs(skew) < 1e-3:
        ends = [side + (side**2 - 1) * skew / 6 for side in (-z, z)]
    else:
        shape = 4 / skew**2
        chances = (tail, 1 - tail) if skew > 0 else (1 - tail, tail)
        ends = [skew / 2 * (float(gammaincinv(shape, chance)) - shape) for chance in chances]
    certain, loose = float(moves[p == 1].sum()), (p > 0) & (p < 1) & (moves != 0)
    p, moves = p[loose], moves[loose]
    least, most = (certain + float(limit(moves, 0.0).sum()) for limit in (np.minimum, np.maximum))
    low, high = max(mean + sd * ends[0], least), min(mean + sd * ends[1], most)
    # where hardly anything is expected to happen, that nothing does is itself likelier than the tail
    up, down = float(np.log1p(-p[moves > 0]).sum()), float(np.log(p[moves < 0]).sum())
    if up + down > math.log(tail):
        low = least
    up, down = float(np.log(p[moves > 0]).sum()), float(np.log1p(-p[moves < 0]).sum())
    if up + down > math.log(tail):
        high = most
    return low, high


def _expected_auc(p: Floats, w: Floats, level: float) -> tuple[float, float, float]:
    """The area under the ROC curve that labels drawn with probabilities p show on average, and its range."""
    ones, zeros = float(w @ p), float(w @ (1 - p))
    squares = float(w**2 @ p), float(w**2 @ (1 - p))
    few = min(side**2 / max(square, 1e-300) for side, square in zip((ones, zeros), squares, strict=True))
    if few < _FEWEST:
        return math.nan, math.nan, math.nan
    order = np.argsort(p, kind="stable")
    p, w = p[order], w[order]
    one, zero = w * p, w * (1 - p)
    first = np.flatnonzero(np.concatenate([[True], p[1:] != p[:-1]]))
    size = np.diff(np.append(first, p.size))
    ties = [np.add.reduceat(x, first) for x in (one, zero)]
    ones_tied, zeros_tied = (np.repeat(x, size) for x in ties)
    ones_under, zeros_under = (np.repeat(np.cumsum(x) - x, size) for x in ties)
    below = zeros_under + (zeros_tied - zero) / 2  # of a positive row: the negatives it stands above
    above = ones - ones_under - ones_tied + (ones_tied - one) / 2  # of a negative one: the positives above it
    pairs = ones * zeros - float(one @ zero)
    auc = float(one @ below) / pairs
    pull = w * (below - above - auc * ((zeros - zero) - (ones - one))) / pairs
    se = math.sqrt(float((p * (1 - p) * pull**2).sum()) * (1 + 1 / few + 2 / few**2))
    if not 0 < auc < 1:
        return auc, math.nan, math.nan
    at, half = math.log(auc / (1 - auc)), normal_quantile(level) * se / (auc * (1 - auc))
    low, high = (1 / (1 + math.exp(-x)) for x in (at - half, at + half))
    return auc, low, high
