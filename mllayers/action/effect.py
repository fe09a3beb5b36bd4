"""What does the action change: treated against held out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import Floats, as_binary, as_number, as_propensities, per_case, same_cases
from mllayers._results import Result
from mllayers._stats import (
    Moments,
    MoneySums,
    RateCounts,
    difference,
    guard_weights,
    moments_of,
    moments_of_powers,
    rate_counts,
    score_interval,
)
from mllayers._words import dollars, points

__all__ = ["UpliftEffect", "uplift_effect"]


@dataclass(frozen=True, eq=False, repr=False)
class UpliftEffect(Result):
    """What an action changed, by its hold-out: what `uplift_effect` returns.

    Attributes
    ----------
    rate, low, high : float
        Rate among the treated minus rate among those held out, with its interval.
    treated, held_out : int
        Cases in the two groups.
    events : int
        Cases with y = 1 in both groups: what the intervals rest on.
    level : float
        Probability with which the intervals are to hold the true effect.
    money, money_low, money_high : float
        The same in dollars per case, if values were given (else NaN). Ends are NaN where too few events were seen.
    money_events : int
        Cases whose dollars differ from what most have, in the group with fewer of them: what the dollars rest on.
    """

    rate: float
    low: float
    high: float
    treated: int
    held_out: int
    events: int
    level: float
    money: float = math.nan
    money_low: float = math.nan
    money_high: float = math.nan
    money_events: int = 0

    def _line(self) -> str:
        told = f"{points(self.rate)} points ({points(self.low)} to {points(self.high)})"
        if not math.isnan(self.money):
            told += f"; {_per_case(self.money, self.money_low, self.money_high, self.money_events)}"
        return f"{told}, {self.treated:,} treated and {self.held_out:,} held out"


def uplift_effect(
    y: ArrayLike,
    treated: ArrayLike,
    *,
    value: ArrayLike | None = None,
    propensity: ArrayLike | None = None,
    level: float = 0.95,
) -> UpliftEffect:
    """What the action changed, from a group that was held out at random.

    Parameters
    ----------
    y : array of shape (n,), 0 or 1
        The outcome of each case.
    treated : array of shape (n,), 0 or 1
        Whether the case got the action. Chance must have decided it: `check_randomised` asks whether it did.
    value : array of shape (n,), optional
        Dollars that hang on the outcome of each case.
    propensity : number or array of shape (n,), in (0, 1], optional
        The probability with which chance put the case into the group it is in. Needed where it differs by case; each
        case then counts 1 / propensity.
    level : float in (0, 1), default 0.95
        Probability with which the intervals are to hold the true effect.

    Returns
    -------
    UpliftEffect
        Rate among the treated minus rate among the held-out, its interval, and the same in dollars per case.

    Raises
    ------
    TypeError, ValueError
        For outcomes that are not 0 or 1, fewer than two cases in a group, columns of different length, Series whose
        labels differ, and propensities that are not those of the group the case is in.
    OverlapCollapsed
        Where the weights leave less than two cases in a group, or never average 1.

    Notes
    -----
    The interval of the rate is Newcombe's hybrid of two Wilson intervals (his method 10), which holds for small counts
    too. Money has many zeros and a long tail, so each group gets an interval made for that and the two are combined in
    the same way (Zou and Donner 2008); with fewer than five paying events in a group its ends are NaN. With weights,
    rates and means are Hájek's, and the intervals are those of the effective sample sizes. Costs of the action are not
    in it. Measured (nominal 95 %, values up to log-normal with σ = 1.1): rate 94 to 97 % from one expected event in the
    hold-out on; money 96 to 100 %, conservative below 50 events; 97 % with unequal propensities from 0.05 to 0.95.
    Taught in notebook 04, *What the action changes*.

    References
    ----------
    Newcombe (1998), "Interval Estimation for the Difference Between Independent Proportions", Statistics in Medicine
    17(8), method 10; Zou and Donner (2008), Statistics in Medicine 27(10); Hájek (1971).

    Examples
    --------
    >>> gone, voucher = [1, 0, 0, 0, 1, 1, 0, 0] * 50, [1, 1, 1, 1, 0, 0, 0, 0] * 50
    >>> uplift_effect(gone, voucher)
    −25.00 points (−33.79 to −15.59), 200 treated and 200 held out
    """
    outcome, group = as_binary(y, "y"), as_binary(treated, "treated") == 1
    n = same_cases(y=y, treated=treated, value=value, propensity=propensity)
    worth = None if value is None else outcome * _reckonable(np.broadcast_to(per_case(value, n, "value"), n), "value")
    weight = None if propensity is None else 1 / as_propensities(propensity, n)
    level = as_number(level, "level", gt=0, lt=1)
    for side, name in ((group, "treated"), (~group, "held-out")):
        if side.sum() < 2:
            raise ValueError(f"there must be at least two {name} cases; got {side.sum()}")
        if weight is not None:
            guard_weights(side * weight, min_n_eff=2, what=f"1 / propensity of the {name}", who="one of the groups")
    return _effect(outcome, worth, group, ~group, np.ones(n) if weight is None else weight, level)


def _reckonable(x: Floats, name: str) -> Floats:
    """Dollars whose sums and squares are numbers, too."""
    if not float(np.abs(x[~np.isnan(x)]).max(initial=0.0)) * x.size < 1e150:
        raise ValueError(f"{name} must be small enough to be added up")
    return x


def _effect(
    y: Floats, worth: Floats | None, acted: NDArray[np.bool_], held: NDArray[np.bool_], weight: Floats, level: float
) -> UpliftEffect:
    """Rate and dollars of one group minus those of the other."""
    arms = [rate_counts(y[side], weight[side]) for side in (acted, held)]
    money = None if worth is None else [_arm_mean(worth[side], weight[side], level) for side in (acted, held)]
    return _effect_of(arms, money, level)


def _effect_of(
    arms: Sequence[RateCounts], money: Sequence[tuple[float, float, float, int]] | None, level: float
) -> UpliftEffect:
    """What the action changed, from the sums of both groups and the mean dollars of each with interval and events."""
    rate = difference(*(_arm_rate(arm, level) for arm in arms))
    worth, events = (math.nan,) * 3, 0
    if money is not None:
        worth, events = difference(money[0][:3], money[1][:3]), min(money[0][3], money[1][3])
    treated, held_out = (arm.zeros + arm.ones for arm in arms)
    return UpliftEffect(*rate, treated, held_out, sum(arm.ones for arm in arms), level, *worth, events)


def _arm_rate(arm: RateCounts, level: float) -> tuple[float, float, float]:
    """A weighted rate with Wilson's interval for as many cases as the weights are worth."""
    rate, size = _rate_and_size_of(arm)
    return rate, *score_interval(rate * size, size, size, level=level)


def _rate_and_size(y: Floats, w: Floats) -> tuple[float, float]:
    """A weighted rate, and how many cases of equal weight would know it as well."""
    return _rate_and_size_of(rate_counts(y, w))


def _rate_and_size_of(arm: RateCounts) -> tuple[float, float]:
    """The same from sums; heavy weights on the events are worth still less than the effective size."""
    rate, size = arm.rate, arm.n_eff
    return rate, min(size, rate * (1 - rate) * arm.weight**2 / arm.spread()) if 0 < rate < 1 else size


def _arm_mean(x: Floats, w: Floats, level: float) -> tuple[float, float, float, int]:
    """A weighted mean of money with interval and events: the cases that differ from what most of them have."""
    return _with_interval(*_usual_and_rest(x, w), level)


def _with_interval(usual: float, known: Moments, events: int, level: float) -> tuple[float, float, float, int]:
    """The mean with its interval and events."""
    low, high, _ = known.interval(level)
    return usual + known.mean, usual + low, usual + high, events


def _usual_and_rest(x: Floats, w: Floats) -> tuple[float, Moments, int]:
    """What most cases have, the moments of the (weighted) rest, and how many cases make it.

    Shifted so that what most cases have (nothing, or the cost of a contact) is zero; the rest is rare and has a tail.
    """
    each, times = np.unique(x, return_counts=True)
    usual = float(each[np.argmax(times)]) if 2 * times.max() > x.size else 0.0
    scale = w * (x.size / w.sum())
    rare = x - usual
    mean = float((scale * rare).mean())
    # zeros stay zeros where there are many; else the terms are those of the linearised estimate
    terms = scale * rare if 2 * np.count_nonzero(rare) <= x.size else mean + scale * (rare - mean)
    return usual, moments_of(terms)._replace(mean=mean), int(np.count_nonzero(rare))


def _usual_and_rest_of(money: MoneySums) -> tuple[float, Moments, int]:
    """The same from sums."""
    n, usual = money.n, money.usual if 2 * money.at_usual > money.n else 0.0
    same = money.at_usual if usual == money.usual else 0
    rare, weight = money.beyond(usual), float(money.powers[1, 0])
    mean, scale = float(rare[1, 1]) / weight, n / weight
    if 2 * (n - same) <= n:
        terms, shared = [scale**k * float(rare[k, k]) for k in range(1, 5)], same
    else:
        around, shared = money.beyond(usual + mean), 0
        terms = [
            sum(math.comb(k, i) * mean ** (k - i) * scale**i * float(around[i, i]) for i in range(k + 1))
            for k in range(1, 5)
        ]
    return usual, moments_of_powers(n, terms, shared)._replace(mean=mean), n - same


def _per_case(x: float, low: float, high: float, events: int) -> str:
    """Dollars per case and their interval, in words."""
    if math.isnan(low) or math.isnan(high):
        return f"{dollars(x, 2)} per case (too few events ({events:,}) for an interval)"
    return f"{dollars(x, 2)} per case ({dollars(low, 2)} to {dollars(high, 2)})"
