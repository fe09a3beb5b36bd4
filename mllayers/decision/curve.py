"""Over which prices does a model earn more than acting on nobody and on everyone?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mllayers._check import Floats, as_binary, as_number, as_numbers, as_probabilities, as_weights, same_cases
from mllayers._results import Result
from mllayers._stats import score_interval
from mllayers._words import count, dollars, exact, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DecisionCurve", "decision_curve"]

_MANY = 60  # prices tried where none are named
_Sums = tuple[float, float]  # the weights of some cases, and the squares of the weights, summed


@dataclass(frozen=True, eq=False, repr=False)
class DecisionCurve(Result):
    """What a model earns over a range of prices: what `decision_curve` returns.

    Attributes
    ----------
    gain : float
        Dollars that acting changes where y = 1.
    better, sure : list of (float, float)
        From which to which cost the model earns more than acting on nobody and on everyone: by the estimate, and so
        that the interval of each cost lies above 0.
    level : float
        Probability with which the interval of each cost is to hold the true value.
    events, n : int
        Cases with y = 1, and all cases.
    stands_for : float
        Cases of the population: n, or the sum of the weights.
    table : DataFrame
        A row for each cost, rising: ``cost`` of acting where y = 0, ``threshold`` = cost / (cost + gain), ``acted``
        (cases of the population), dollars over all of them beyond acting on nobody for ``model`` and ``everyone``,
        ``value`` = model less the better of everyone and nobody, ``low`` and ``high``.
    """

    gain: float
    better: list[tuple[float, float]]
    sure: list[tuple[float, float]]
    level: float
    events: int
    n: int
    stands_for: float
    table: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """A row for each cost."""
        return self.table.copy()

    def _line(self) -> str:
        first, last = self.table["cost"].iloc[0], self.table["cost"].iloc[-1]
        told = (
            f"where acting brings {dollars(self.gain)} if right and costs {_dollars_of(first)} to {_dollars_of(last)}"
        )
        told += f" if wrong ({count(len(self.table), 'price')} tried), the model earns more than acting on nobody and "
        told += f"on everyone {_ranges_told(self.better)}"
        if self.better:
            told += f", surely {_ranges_told(self.sure)} ({100 * self.level:g} % at each price)"
        return told


def decision_curve(
    y: ArrayLike,
    p: ArrayLike,
    *,
    gain: float = 1.0,
    cost: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> DecisionCurve:
    """Over which prices is the model worth more than acting on nobody and on everyone?

    Nobody knows the price of a wrong call to the dollar. The curve says for which prices the conclusion holds.

    Parameters
    ----------
    y : array of shape (n,)
        What happened: 0 or 1, on cases the model was not fitted on.
    p : array of shape (n,)
        The probabilities, in [0, 1].
    gain : float, default 1
        Dollars that acting changes where y = 1 (``gain_tp + cost_fn``), > 0. With 1, costs are in units of it.
    cost : array of float, optional
        The prices to try for acting where y = 0 (``cost_fp + gain_tn``), each > 0. Left out, 60 of them, so that the
        thresholds run through the scores that occur.
    weights : array of shape (n,), optional
        How many cases of the population each row stands for, > 0, where the sample is not the population (a sample of
        the negatives, say). The scores must be those of the population, too: `prediction.prior_corrected`.
    level : float in (0, 1), default 0.95
        Probability with which the interval of each price is to hold the true value.

    Returns
    -------
    DecisionCurve
        ``better`` and ``sure``, the ranges of prices; a row for each price by ``frame()``.

    Raises
    ------
    TypeError, ValueError
        If y is not 0/1, p not in [0, 1], a price or a weight not > 0, lengths differ, or no price is named and no score
        lies between 0 and 1.

    Notes
    -----
    At the price c a case is acted on where p ≥ c / (c + gain), its own threshold. The *net benefit* is
    gain · (true positives) − c · (false positives); that of everyone is gain · (positives) − c · (negatives), and
    that of nobody is 0. With gain = 1 and c the odds of a threshold this is the decision curve of Vickers and Elkin,
    times n. A score that is not calibrated acts at the wrong places and falls below both lines.

    Each interval is square-and-add over the two shares in the difference (Wilson's limits, their multinomial
    correlation; with weights w each share a = Σ w x / Σ w counts as the a (1 − a) / s² cases that would give it its
    variance s² = Σ w² (x − a)² / (Σ w)², the rows taken for independent draws); ``value`` takes the closer of the two
    alternatives, with the smaller of the lower and of the upper ends. It stands at each price by itself: over many
    prices some interval misses more often than that. Measured with negatives of which 2 to 20 % were kept and weighted
    back: 95 to 98 % of 95 %; where no row reaches a threshold, the value is called 0 without an interval's width.
    Taught in notebook 03, *Your own system*.

    References
    ----------
    Vickers, A. J. and Elkin, E. B. (2006), "Decision Curve Analysis", Medical Decision Making 26(6). Zou, G. Y. (2007),
    "Toward Using Confidence Intervals to Compare Correlations", Psychological Methods 12(4): limits of dependent
    estimates.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(1, 9, 10_000)
    >>> y = rng.random(10_000) < p
    >>> curve = decision_curve(y, p, gain=45, cost=[1, 2, 5, 10, 20, 50])
    >>> print(curve.frame()[["cost", "threshold", "model", "everyone", "value"]].round(2).to_string(index=False))
     cost  threshold   model  everyone   value
      1.0       0.02 36651.0   35678.0   973.0
      2.0       0.04 30304.0   26671.0  3633.0
      5.0       0.10 17250.0    -350.0 17250.0
     10.0       0.18  6705.0  -45385.0  6705.0
     20.0       0.31  1990.0 -135455.0  1990.0
     50.0       0.53   245.0 -405665.0   245.0
    """
    import pandas as pd

    one, score = as_binary(y, "y") == 1, as_probabilities(p, "p")
    n = same_cases(y=y, p=p, weights=weights)
    weight = np.ones(n) if weights is None else as_weights(weights, n)
    gain, level = as_number(gain, "gain", gt=0), as_number(level, "level", gt=0, lt=1)
    prices = _prices(score, gain) if cost is None else np.unique(as_numbers(cost, "cost"))
    if prices.size == 0 or (prices <= 0).any():
        raise ValueError(f"cost must hold prices > 0; got {exact(prices.min()) if prices.size else 'none'}")
    cases = float(weight.sum())
    if not max(gain, float(prices[-1])) * cases < 1e150:
        raise ValueError("gain and cost must be small enough to be added up")
    threshold = prices / (prices + gain)
    parted = [_acted_on(score[side], weight[side], threshold) for side in (one, ~one)]
    positives, negatives = (float(weight[side].sum()) for side in (one, ~one))
    sums = (cases, float((weight**2).sum()), float(weight.max()))
    rows = []
    for price, limit, (tp, fn), (fp, tn) in zip(prices, threshold, *parted, strict=True):
        nobody = _net_benefit(gain, tp, price, fp, sums, level)
        everyone = _net_benefit(price, tn, gain, fn, sums, level)
        value, low, high = (min(nobody[k], everyone[k]) for k in range(3))
        rows.append(
            {
                "cost": price,
                "threshold": limit,
                "acted": tp[0] + fp[0],
                "model": gain * tp[0] - price * fp[0],
                "everyone": gain * positives - price * negatives,
                "value": value,
                "low": low,
                "high": high,
            }
        )
    table = pd.DataFrame(rows)
    if weights is None:
        table["acted"] = table["acted"].astype(int)
    return DecisionCurve(
        gain=gain,
        better=_ranges_above_zero(prices, table["value"].to_numpy()),
        sure=_ranges_above_zero(prices, table["low"].to_numpy()),
        level=level,
        events=int(one.sum()),
        n=n,
        stands_for=cases,
        table=table,
    )


def _prices(score: Floats, gain: float) -> Floats:
    """Prices whose thresholds run through the scores that occur, evenly by the logarithm of their odds."""
    inside = score[(score > 0) & (score < 1)]
    if not inside.size:
        raise ValueError("cost must name the prices to try, since no score lies between 0 and 1; got none")
    low, high = np.quantile(inside, [0.01, 0.99])
    low = min(max(low, inside.mean() / 20), high)
    return np.unique(gain * np.geomspace(low / (1 - low), high / (1 - high), _MANY))


def _acted_on(score: Floats, weight: Floats, threshold: Floats) -> list[tuple[_Sums, _Sums]]:
    """Of those whose scores reach each threshold, and of the others: the weights and their squares, summed."""
    order = np.argsort(score)
    first = np.searchsorted(score[order], threshold, side="left")
    each = [w[order] for w in (weight, weight**2)]
    reach = [np.append(np.cumsum(w[::-1])[::-1], 0.0)[first].tolist() for w in each]
    below = [np.append(0.0, np.cumsum(w))[first].tolist() for w in each]
    return list(zip(zip(*reach, strict=True), zip(*below, strict=True), strict=True))


def _net_benefit(
    gain: float,
    hits: _Sums,
    cost: float,
    slips: _Sums,
    sums: tuple[float, float, float],
    level: float,
) -> tuple[float, float, float]:
    """The money gain · hits − cost · slips with its interval, hits and slips being two kinds of the same cases.

    Of each kind the weights and their squares, summed; ``sums`` are the same of all cases, and the largest weight.
    """
    cases, squares, _ = sums
    if hits[0] <= 0 and slips[0] <= 0:
        return 0.0, 0.0, 0.0
    (a, a_low, a_high, a_noise), (b, b_low, b_high, b_noise) = (_share_of(x, sums, level) for x in (hits, slips))
    shared = -b * hits[1] - a * slips[1] + a * b * squares
    together = max(shared / math.sqrt(a_noise * b_noise), -1.0) if a_noise > 0 and b_noise > 0 else 0.0
    down, up = gain * (a - a_low), cost * (b_high - b)
    low = math.sqrt(max(down**2 + up**2 - 2 * together * down * up, 0.0))
    rise, fall = gain * (a_high - a), cost * (b - b_low)
    high = math.sqrt(max(rise**2 + fall**2 - 2 * together * rise * fall, 0.0))
    value = gain * hits[0] - cost * slips[0]
    return value, value - cases * low, value + cases * high


def _share_of(kind: _Sums, sums: tuple[float, float, float], level: float) -> tuple[float, float, float, float]:
    """The weighted share of a kind of cases with Wilson's limits, for as many cases as have its variance; its noise.

    A kind that was not seen may be one of the heaviest cases: it counts as that many of them.
    """
    cases, squares, most = sums
    share = min(kind[0] / cases, 1.0)
    noise = kind[1] * (1 - 2 * share) + share**2 * squares
    size = share * (1 - share) * cases**2 / noise if 0 < share < 1 and noise > 0 else cases / most
    return share, *score_interval(share * size, size, size, level=level), noise


def _ranges_above_zero(prices: Floats, value: Floats) -> list[tuple[float, float]]:
    """The stretches of neighbouring prices at which a value is above 0."""
    above = np.concatenate([[False], value > 0, [False]])
    turns = np.flatnonzero(above[1:] != above[:-1])
    return [(float(prices[i]), float(prices[j - 1])) for i, j in zip(turns[::2], turns[1::2], strict=True)]


def _ranges_told(ranges: list[tuple[float, float]]) -> str:
    """Ranges of prices in words."""
    told = [_dollars_of(low) if low == high else f"{_dollars_of(low)} to {_dollars_of(high)}" for low, high in ranges]
    return f"from {' and '.join(told)}" if told else "at no price"


def _dollars_of(x: float) -> str:
    """A price: to the cent, or with three digits where it is less than a dollar."""
    return dollars(x) if x >= 1 else f"${plain(x)}"
