"""What does the action change: treated against held out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_binary, as_number, per_case, same_length

__all__ = ["UpliftEffect", "uplift_effect"]


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
