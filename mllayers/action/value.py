"""What would a targeting rule have earned on randomised cases?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_binary, as_number, as_numbers, as_propensities, describe, same_cases
from mllayers._results import Result
from mllayers._stats import OverlapCollapsed, WeightSums, difference, guard_weight_sums, normal_quantile
from mllayers._words import percent
from mllayers.action.effect import _arm_mean, _per_case, _reckonable

__all__ = ["UpliftPolicyValue", "uplift_policy_value"]


@dataclass(frozen=True, eq=False, repr=False)
class UpliftPolicyValue(Result):
    """What a targeting rule earns per case, beside another: what `uplift_policy_value` returns.

    Attributes
    ----------
    value, low, high, se : float
        Dollars per case (of all cases), with interval and standard error. Ends are NaN where too few events were seen.
    level : float
        Probability with which the interval is to hold the true value.
    events : int
        Cases whose reward differs from the usual one, under the rule that saw fewer of them.
    changed : float
        Share of cases that the two rules treat differently; only these carry information.
    n, n_eff : float
        Cases that speak for one of the two rules there, and what they are worth after weighting.
    largest_weight : float
        The most that one case stands for.
    """

    value: float
    low: float
    high: float
    se: float
    level: float
    events: int
    changed: float
    n: int
    n_eff: float
    largest_weight: float

    def _line(self) -> str:
        told = _per_case(self.value, self.low, self.high, self.events)
        return (
            f"{told}; the rules differ for {percent(self.changed)}, where {self.n:,} cases count like {self.n_eff:,.0f}"
        )


def uplift_policy_value(
    reward: ArrayLike,
    action: ArrayLike,
    propensity: ArrayLike,
    *,
    target: ArrayLike,
    instead: Any = None,
    min_n_eff: float = 10.0,
    level: float = 0.95,
) -> UpliftPolicyValue:
    """What a rule would have earned on randomised cases, compared with another rule (by default: leave all alone).

    Parameters
    ----------
    reward : array of shape (n,)
        Dollars that each case brought under the action it got, the cost of the action taken off.
    action : array of shape (n,)
        What chance gave each case: true or false, or names of actions.
    propensity : number or array of shape (n,), in (0, 1]
        The probability with which chance gave it **that** action.
    target : array of shape (n,)
        What the rule would give each case, in the same terms as `action`.
    instead : one action or array of shape (n,), optional
        What the other rule would give; false (nobody) where `action` is true or false.
    min_n_eff : float, default 10
        Refuse when the cases that speak for one of the rules are worth fewer than this after weighting.
    level : float in (0, 1), default 0.95
        Probability with which the interval is to hold the true value.

    Returns
    -------
    UpliftPolicyValue
        Dollars per case that the rule earns beyond the other one.

    Raises
    ------
    TypeError, ValueError
        For a propensity outside (0, 1], missing actions, columns of different length, Series whose labels differ, names
        without `instead`, and propensities that do not fit what chance gave (their weights average more than 1).
    OverlapCollapsed
        Where the rules differ but next to nobody got what one of them gives (fewer than two cases, or worth fewer than
        `min_n_eff`), or chance hardly ever gave it: then the data say nothing about it.

    Notes
    -----
    Where the rules agree they earn the same, whatever chance did there: those cases are left out, which takes their
    noise out too. Where they differ, the mean reward under each of the two actions is estimated with weights
    1 / propensity that are scaled to one (Hájek), and the difference is multiplied by the share of such cases. The
    interval combines one for each of the two means, made for rewards that are mostly the same with a rare, long tail
    (such as the cost of a voucher, and now and then a lost customer), by square-and-add (Zou and Donner 2008), and adds
    the spread of the share; `se` is the standard error of the linearised estimate.
    Measured on the course's retailer (nominal 95 %): 96 to 98 % at 4,000 customers and more, 99 to 100 % below.
    Taught in notebook 04, *Optional: a pilot tells*.

    References
    ----------
    Horvitz and Thompson (1952), JASA 47(260); Swaminathan and Joachims (2015), "The Self-Normalized Estimator for
    Counterfactual Learning", NeurIPS; Zou and Donner (2008), Statistics in Medicine 27(10).

    Examples
    --------
    >>> reward = [10.0, 4.0, 9.0, 3.0, 0.0, 5.0] * 50
    >>> found = uplift_policy_value(reward, [1, 0] * 150, 0.5, target=[1, 1, 1, 1, 0, 0] * 50)
    >>> round(found.value, 3), round(found.changed, 3)
    (4.0, 0.667)
    """
    money = _reckonable(as_numbers(reward, "reward"), "reward")
    same = {"reward": reward, "action": action, "target": target, "instead": instead}
    n = same_cases(**{name: x for name, x in same.items() if not _for_all(x)}, propensity=propensity)
    level, least = as_number(level, "level", gt=0, lt=1), as_number(min_n_eff, "min_n_eff", ge=2)
    took, wants = _given_actions(action, "action", n), _given_actions(target, "target", n)
    weight = 1 / as_propensities(propensity, n)
    if instead is None:
        for name, column in (("action", took), ("target", wants)):
            if column.dtype.kind not in "biuf" and any(isinstance(x, str) for x in column):
                raise ValueError(f"{name} holds names of actions: say which one the other rule takes, instead='…'")
        took, wants, instead = as_binary(took, "action") == 1, as_binary(wants, "target") == 1, False
    other = _given_actions(instead, "instead", n)
    differ = wants != other
    if not differ.any():
        return UpliftPolicyValue(0.0, 0.0, 0.0, 0.0, level, 0, 0.0, 0, 0.0, 0.0)
    sides, where = [], int(differ.sum())
    for rule, name in ((wants, "target"), (other, "instead")):
        says = differ & (took == rule)
        for given in sorted(set(rule[differ].tolist()), key=str):
            _refuse_untried(int((says & (rule == given)).sum()), given, name)
        w = weight[says]
        sums = WeightSums(where, float(w.sum()), float((w**2).sum()), float(w.max(initial=0.0)))
        guard_weight_sums(sums, min_n_eff=least, what=f"1 / propensity under {name}", who=name)
        *mean, seen = _arm_mean(money[says], w, level)
        around = float(((w * (money[says] - mean[0])) ** 2).sum())
        sides.append(_Side(int(says.sum()), sums, (mean[0], mean[1], mean[2]), seen, around))
    return _rule_value_of(n, where, sides, level)


def _refuse_untried(cases: int, given: Any, name: str) -> None:
    if cases < 2:
        raise OverlapCollapsed(f"fewer than two cases got {given!r} where {name} gives it: nothing is known about it")


class _Side(NamedTuple):
    """The cases that speak for one of two rules where they differ: how many, their weights, the mean reward with its
    interval, the events it rests on, and Σ w² (reward − mean)².
    """

    n: int
    weights: WeightSums
    mean: tuple[float, float, float]
    events: int
    around: float


def _rule_value_of(n: int, differ: int, sides: Sequence[_Side], level: float) -> UpliftPolicyValue:
    """What `uplift_policy_value` says, from the sums of both sides among n cases, some of them treated differently."""
    z, changed = normal_quantile(level), differ / n
    each, low, high = difference(*(side.mean for side in sides))
    # the share of cases on which the rules differ is known from these cases only
    spread = z * abs(each) * math.sqrt(changed * (1 - changed) / n)
    value = each * changed
    squares = differ * each**2 + sum((differ / side.weights.total) ** 2 * side.around for side in sides)
    weight, weight2 = (sum(side.weights[k] for side in sides) for k in (1, 2))
    return UpliftPolicyValue(
        value=value,
        low=value - math.hypot(changed * (each - low), spread),
        high=value + math.hypot(changed * (high - each), spread),
        se=math.sqrt(max(squares / n - value**2, 0.0) / (n - 1)),
        level=level,
        events=min(side.events for side in sides),
        changed=changed,
        n=sum(side.n for side in sides),
        n_eff=weight**2 / weight2,
        largest_weight=max(side.weights.largest for side in sides),
    )


def _given_actions(x: Any, name: str, n: int) -> NDArray[Any]:
    """An action for each of n cases, none of them missing; one alone is everybody's."""
    import pandas as pd

    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise TypeError(f"{name} must be a column of actions; got a masked array that hides entries")
    try:
        out = np.full(n, x) if _for_all(x) else np.asarray(x)
    except ValueError:
        raise TypeError(
            f"{name} must be a column of actions; got {describe(x)} of lists of different lengths"
        ) from None
    if out.shape != (n,):
        raise ValueError(f"{name} must have one entry for each of the {n} cases; got shape {out.shape}")
    if pd.isna(out).any():
        raise ValueError(f"{name} is missing at row {int(np.argmax(pd.isna(out)))}")
    return out


def _for_all(x: Any) -> bool:
    """Whether it is one action, everybody's, and not a column of them."""
    return isinstance(x, (str, bytes)) or not hasattr(x, "__len__") or getattr(x, "ndim", 1) == 0
