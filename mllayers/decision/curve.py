"""Over which prices does a model earn more than acting on nobody and on everyone?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import Floats, as_binary, as_number, as_numbers, as_probabilities, same_cases
from mllayers._results import Result
from mllayers._stats import score_interval
from mllayers._words import count, dollars, exact, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DecisionCurve", "decision_curve"]

_MANY = 60  # prices tried where none are named


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
    table : DataFrame
        A row for each cost, rising: ``cost`` of acting where y = 0, ``threshold`` = cost / (cost + gain), ``acted``,
        dollars over all cases beyond acting on nobody for ``model`` and ``everyone``, ``value`` = model less the better
        of everyone and nobody, ``low`` and ``high``.
    """

    gain: float
    better: list[tuple[float, float]]
    sure: list[tuple[float, float]]
    level: float
    events: int
    n: int
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
    level : float in (0, 1), default 0.95
        Probability with which the interval of each price is to hold the true value.

    Returns
    -------
    DecisionCurve
        ``better`` and ``sure``, the ranges of prices; a row for each price by ``frame()``.

    Raises
    ------
    TypeError, ValueError
        If y is not 0/1, p not in [0, 1], a price not > 0, lengths differ, or no price is named and no score lies
        between 0 and 1.

    Notes
    -----
    At the price c a case is acted on where p ≥ c / (c + gain), its own threshold. The *net benefit* is
    gain · (true positives) − c · (false positives); that of everyone is gain · (positives) − c · (negatives), and
    that of nobody is 0. With gain = 1 and c the odds of a threshold this is the decision curve of Vickers and Elkin,
    times n. A score that is not calibrated acts at the wrong places and falls below both lines.

    Each interval is square-and-add over the two shares in the difference (Wilson's limits, their multinomial
    correlation); ``value`` takes the closer of the two alternatives, with the smaller of the lower and of the upper
    ends. It stands at each price by itself: over many prices some interval misses more often than that.
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
    n = same_cases(y=y, p=p)
    gain, level = as_number(gain, "gain", gt=0), as_number(level, "level", gt=0, lt=1)
    prices = _prices(score, gain) if cost is None else np.unique(as_numbers(cost, "cost"))
    if prices.size == 0 or (prices <= 0).any():
        raise ValueError(f"cost must hold prices > 0; got {exact(prices.min()) if prices.size else 'none'}")
    if not max(gain, float(prices[-1])) * n < 1e150:
        raise ValueError("gain and cost must be small enough to be added up")
    threshold = prices / (prices + gain)
    positives = int(one.sum())
    right, wrong = (_acted_on(score[side], threshold) for side in (one, ~one))
    rows = []
    for price, limit, tp, fp in zip(prices, threshold, right.tolist(), wrong.tolist(), strict=True):
        fn, tn = positives - tp, n - positives - fp
        nobody = _net_benefit(gain, tp, price, fp, n, level)
        everyone = _net_benefit(price, tn, gain, fn, n, level)
        value, low, high = (min(nobody[k], everyone[k]) for k in range(3))
        rows.append(
            {
                "cost": price,
                "threshold": limit,
                "acted": tp + fp,
                "model": gain * tp - price * fp,
                "everyone": gain * positives - price * (n - positives),
                "value": value,
                "low": low,
                "high": high,
            }
        )
    table = pd.DataFrame(rows)
    return DecisionCurve(
        gain=gain,
        better=_ranges_above_zero(prices, table["value"].to_numpy()),
        sure=_ranges_above_zero(prices, table["low"].to_numpy()),
        level=level,
        events=positives,
        n=n,
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


def _acted_on(score: Floats, threshold: Floats) -> NDArray[np.intp]:
    """How many scores reach each threshold."""
    return score.size - np.searchsorted(np.sort(score), threshold, side="left")


def _net_benefit(gain: float, hits: int, cost: float, slips: int, n: int, level: float) -> tuple[float, float, float]:
    """The money gain · hits − cost · slips with its interval, hits and slips being two kinds of the same n cases."""
    if not hits and not slips:
        return 0.0, 0.0, 0.0
    (a, a_low, a_high), (b, b_low, b_high) = ((k / n, *score_interval(k, n, n, level=level)) for k in (hits, slips))
    together = -math.sqrt(a * b / ((1 - a) * (1 - b))) if a < 1 and b < 1 else 0.0
    down, up = gain * (a - a_low), cost * (b_high - b)
    low = math.sqrt(max(down**2 + up**2 - 2 * together * down * up, 0.0))
    rise, fall = gain * (a_high - a), cost * (b - b_low)
    high = math.sqrt(max(rise**2 + fall**2 - 2 * together * rise * fall, 0.0))
    value = gain * hits - cost * slips
    return value, value - n * low, value + n * high


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
