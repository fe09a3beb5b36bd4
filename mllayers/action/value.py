"""What would a targeting rule have earned on randomised cases?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_binary, as_numbers, per_case, same_length
from mllayers.action.effect import _dollars, _z

__all__ = ["PolicyValue", "uplift_policy_value"]


@dataclass(frozen=True)
class PolicyValue:
    """What a targeting rule earns per case, beside another: what `uplift_policy_value` returns.

    Attributes
    ----------
    value, low, high, se : float
        Dollars per case (of all cases), with interval and standard error.
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
    changed: float
    n: int
    n_eff: float
    largest_weight: float

    def __str__(self) -> str:
        told = f"{_dollars(self.value)} per case ({_dollars(self.low)} to {_dollars(self.high)})"
        return f"{told}; the rules differ for {self.changed:.1%}, where {self.n:,} cases count like {self.n_eff:,.0f}"


def uplift_policy_value(
    reward: ArrayLike,
    action: ArrayLike,
    propensity: ArrayLike,
    *,
    target: ArrayLike,
    instead: Any = None,
    level: float = 0.95,
) -> PolicyValue:
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
    level : float in (0, 1), default 0.95
        Probability with which the interval is to hold the true value.

    Returns
    -------
    PolicyValue
        Dollars per case that the rule earns beyond the other one.

    Raises
    ------
    TypeError, ValueError
        For a propensity outside (0, 1], missing actions, columns of different length, names without `instead`, and
        where the rules differ but fewer than two cases got what one of them gives: then the data say nothing about it.

    Notes
    -----
    Where the rules agree they earn the same, whatever chance did there: those cases are left out, which takes their
    noise out too. Where they differ, the mean reward under each of the two actions is estimated with weights
    1 / propensity that are scaled to one (Hájek), and the difference is multiplied by the share of such cases. The
    standard error is that of the linearised estimate. Taught in notebook 04, *A pilot tells*.

    References
    ----------
    Horvitz and Thompson (1952), JASA 47(260); Swaminathan and Joachims (2015), "The Self-Normalized Estimator for
    Counterfactual Learning", NeurIPS.

    Examples
    --------
    >>> reward = [10.0, 4.0, 9.0, 3.0, 0.0, 5.0]
    >>> found = uplift_policy_value(reward, [1, 0, 1, 0, 1, 0], 0.5, target=[1, 1, 1, 1, 0, 0])
    >>> round(found.value, 3), round(found.changed, 3)
    (4.0, 0.667)
    """
    money = as_numbers(reward, "reward")
    n, z = same_length(reward=money), _z(level)
    took, wants = _actions(action, "action", n), _actions(target, "target", n)
    chance = np.broadcast_to(per_case(propensity, n, "propensity"), n)
    if not ((chance > 0) & (chance <= 1)).all():
        row = int(np.argmin((chance > 0) & (chance <= 1)))
        raise ValueError(f"propensity must lie in (0, 1]; got {chance[row]:g} at row {row}")
    if instead is None:
        for name, column in (("action", took), ("target", wants)):
            if column.dtype.kind not in "biuf":
                raise ValueError(f"{name} holds names of actions: say which one the other rule takes, instead='…'")
        took, wants, instead = as_binary(took, "action") == 1, as_binary(wants, "target") == 1, False
    other = _actions(instead, "instead", n)
    differ, weight, influence, value = wants != other, 1 / chance, np.zeros(n), 0.0
    used = differ & ((took == wants) | (took == other))
    for sign, rule, name in ((1.0, wants, "target"), (-1.0, other, "instead")):
        says = differ & (took == rule)
        for given in sorted(set(rule[differ].tolist()), key=str):
            if (says & (rule == given)).sum() < 2:
                raise ValueError(f"fewer than two cases got {given!r} where {name} gives it: nothing is known about it")
        if differ.any():
            mean = float(np.average(money[says], weights=weight[says]))
            value += sign * mean * float(differ.mean())
            influence += sign * (differ * mean + says * weight * (money - mean) * differ.sum() / weight[says].sum())
    se = float(np.std(influence, ddof=1) / math.sqrt(n))
    w = weight[used]
    n_eff = float(w.sum() ** 2 / (w**2).sum()) if used.any() else 0.0
    largest, changed = float(w.max(initial=0.0)), float(differ.mean())
    return PolicyValue(value, value - z * se, value + z * se, se, changed, int(used.sum()), n_eff, largest)


def _actions(x: Any, name: str, n: int) -> NDArray[Any]:
    """An action for each of n cases, none of them missing; one alone is everybody's."""
    out = np.full(n, x) if np.ndim(x) == 0 else np.asarray(x)
    if out.shape != (n,):
        raise ValueError(f"{name} must have one entry for each of the {n} cases; got shape {out.shape}")
    if pd.isna(out).any():
        raise ValueError(f"{name} is missing at row {int(np.argmax(pd.isna(out)))}")
    return out
