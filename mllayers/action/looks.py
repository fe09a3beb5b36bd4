"""May I look every month? An interval for a hold-out that stays valid however often one looks, beside the fixed one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from mllayers._check import (
    Floats,
    as_binary,
    as_number,
    as_ordered_periods,
    as_propensities,
    same_cases,
)
from mllayers._results import Result
from mllayers._stats import difference, effective_size, guard_weights, rate_interval
from mllayers._words import count, dollars, points
from mllayers.action.effect import _rate_and_size
from mllayers.action.table import _ArmKnown, _mean_known, _outcome_told, _rate_known

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AlwaysValid", "hold_out_always_valid"]

_YEAR = 12  # looks like the first one after which the interval is narrowest, where nothing else is planned
_FURTHEST = 8.0  # standard errors beyond which no interval is given: its level would be 1 in floating point


@dataclass(frozen=True, eq=False, repr=False)
class AlwaysValid(Result):
    """A hold-out at each look, with a fixed and an always-valid interval: what `hold_out_always_valid` returns.

    Attributes
    ----------
    effect, low, high : float
        Treated minus held out over all cases so far, with the always-valid interval: it holds the true effect at this
        look and at all others. Ends are NaN where it is too early.
    fixed_low, fixed_high : float
        The interval for whoever looks only once, now.
    of : {"rate", "dollars"}
        What the effect is: a difference of rates, or of dollars per case.
    looks : int
        How often the hold-out was looked at.
    first_fixed, first : str or None
        The first look at which the fixed and the always-valid interval left out 0; none where it never did.
    planned : float
        Cases at which the always-valid interval is narrowest beside the fixed one.
    treated, held_out : int
        Cases in the two groups.
    events : int
        Outcomes in both groups; for dollars, cases that differ from what most have, in the group with fewer.
    level : float
        Probability with which the always-valid intervals hold the true effect at all looks, and the fixed one at one.
    table : DataFrame
        A row per look: ``treated``, ``held_out`` and ``events`` so far, ``effect``, ``fixed_low``, ``fixed_high``,
        ``low``, ``high``, ``wider`` (standard errors of the always-valid interval over those of the fixed one) and a
        ``reason`` where something is NaN.
    """

    effect: float
    low: float
    high: float
    fixed_low: float
    fixed_high: float
    of: str
    looks: int
    first_fixed: str | None
    first: str | None
    planned: float
    treated: int
    held_out: int
    events: int
    level: float
    table: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """A row per look, the cases of earlier ones included."""
        return self.table.copy()

    def _line(self) -> str:
        def told(x: float) -> str:
            return points(x) if self.of == "rate" else dollars(x, 2)

        def ends(low: float, high: float) -> str:
            return "no interval" if math.isnan(low) or math.isnan(high) else f"{told(low)} to {told(high)}"

        unit = "points" if self.of == "rate" else "per case"
        said = f"after {count(self.looks, 'look')} {told(self.effect)} {unit}, always valid "
        said += f"{ends(self.low, self.high)}, fixed {ends(self.fixed_low, self.fixed_high)}; 0 first left out: always "
        said += f"valid {f'at {self.first}' if self.first is not None else 'never'}, "
        return said + f"fixed {f'at {self.first_fixed}' if self.first_fixed is not None else 'never'}"


def hold_out_always_valid(
    y: ArrayLike,
    treated: ArrayLike,
    when: ArrayLike,
    *,
    value: ArrayLike | None = None,
    propensity: ArrayLike | None = None,
    planned: float | None = None,
    level: float = 0.95,
) -> AlwaysValid:
    """What an action changed, looked at period by period, with intervals that may be looked at as often as one likes.

    Parameters
    ----------
    y : array of shape (n,)
        The outcome of each case: 0 or 1, or dollars.
    treated : array of shape (n,), 0 or 1
        Whether the case got the action; chance decided it.
    when : array of shape (n,)
        The period of each case (a month): after each of them somebody looks at all cases so far.
    value : number or array of shape (n,), optional
        Dollars that hang on an outcome of 0 or 1; then the effect is in dollars.
    propensity : number or array of shape (n,), in (0, 1], optional
        The probability with which chance put the case into the group it is in; needed where it differs by case.
    planned : float, optional
        Cases after which a decision is planned: there the interval is narrowest beside the fixed one (1.55 times as
        wide at 95 %). Must not depend on outcomes. By default twelve times the cases of the first look.
    level : float in (0, 1), default 0.95
        Probability with which the always-valid intervals are to hold the true effect **at all looks**.

    Returns
    -------
    AlwaysValid
        By ``frame()`` a row per look; ``first_fixed`` and ``first``, the looks at which the two intervals first left
        out 0.

    Raises
    ------
    TypeError, ValueError
        For columns of different length or order, missing periods, `treated` that is not 0 or 1 or holds only one of
        them, `value` with outcomes that are not 0 or 1, propensities that do not fit.

    Notes
    -----
    The fixed interval errs in 5 % of hold-outs that are looked at once. Looked at after each of twelve months, it
    leaves out the true effect at some look in about 20 % of them, and whoever stops there has found it. An always-valid
    interval (confidence sequence) errs at *any* look in at most 5 %. It is made at the level of z standard errors,
    where z² = (1 + 1/r) log((1 + r) / α²), r = ρ² · information so far, is Robbins' normal mixture boundary,
    α = 1 − level, and ρ² makes it narrowest at `planned`. Information is 1 / (1/n_treated + 1/n_held), effective
    sizes. That is the asymptotic confidence sequence of Waudby-Smith and others, right where there are many cases. So
    that it holds for few, rare and long-tailed outcomes, too, it takes at that level not normal limits but those of
    money that `uplift_effect` uses, and for rates exact ones (Clopper and Pearson), joined as there. Measured over
    twelve looks at 95 %: it errs in 0 to 1 %, the fixed interval in 12 to 22 % (docs/coverage.md). Each look is about
    the mean effect so far: it says nothing of an effect that fades.
    Taught in notebook 04, *Optional: how large must a pilot be?*.

    References
    ----------
    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), "Time-uniform central limit theory and asymptotic confidence
    sequences", Annals of Statistics 52(6), section 2. Robbins (1970), "Statistical Methods Related to the Law of the
    Iterated Logarithm", Annals of Mathematical Statistics 41(5).

    Examples
    --------
    Twelve months, a tenth held out, and nothing works:

    >>> rng = np.random.default_rng(31)
    >>> month = np.repeat(np.arange(1, 13), 1_000)
    >>> found = hold_out_always_valid(rng.random(12_000) < 0.1, rng.random(12_000) < 0.9, month)
    >>> found.looks, found.low < 0 < found.high
    (12, True)
    >>> found.frame()["wider"].round(2).tolist()
    [2.06, 1.78, 1.68, 1.63, 1.6, 1.58, 1.57, 1.56, 1.55, 1.55, 1.55, 1.55]
    """
    import pandas as pd

    n = same_cases(y=y, treated=treated, when=when, value=value, propensity=propensity)
    group = as_binary(treated, "treated") == 1
    outcome, as_rate = _outcome_told(y, value, n)
    weight = np.ones(n) if propensity is None else 1 / as_propensities(propensity, n)
    level = as_number(level, "level", gt=0, lt=1)
    planned = None if planned is None else as_number(planned, "planned", gt=0)
    if min(group.sum(), (~group).sum()) < 2:
        raise ValueError(
            f"treated must hold at least two cases of 0 and of 1; got {(~group).sum():,} and {group.sum():,}"
        )
    if propensity is not None:
        for side, name in ((group, "treated"), (~group, "held-out")):
            guard_weights(side * weight, min_n_eff=2, what=f"1 / propensity of the {name}", who="one of the groups")
    rows: dict[Any, dict[str, Any]] = {}
    seen, per_planned = np.zeros(n, dtype=bool), math.nan
    for period, here in as_ordered_periods(when, n, "when").items():
        seen[here] = True
        sides = [seen & group, seen & ~group]
        information = _information(*(weight[side] for side in sides))
        cases = int(seen.sum())
        if information > 0 and math.isnan(per_planned):  # the first look at which both groups are there
            planned = _YEAR * cases if planned is None else planned
            per_planned = information / cases * planned
        z = _mixture_z(information / per_planned, level) if information > 0 else math.inf
        rows[period] = _look(outcome, weight, sides, as_rate, z, level)
    table = pd.DataFrame.from_dict(rows, orient="index")
    last = next(reversed(rows.values()))
    firsts = [
        next((str(name) for name, row in rows.items() if row[low] > 0 or row[high] < 0), None)
        for low, high in (("fixed_low", "fixed_high"), ("low", "high"))
    ]
    return AlwaysValid(
        effect=last["effect"], low=last["low"], high=last["high"], fixed_low=last["fixed_low"],
        fixed_high=last["fixed_high"], of="rate" if as_rate else "dollars", looks=len(rows), first_fixed=firsts[0],
        first=firsts[1], planned=float(planned or math.nan), treated=last["treated"], held_out=last["held_out"],
        events=last["events"], level=level, table=table,
    )  # fmt: skip


def _information(treated: Floats, held: Floats) -> float:
    """What the two groups are worth for their difference; 0 where one of them has less than two cases."""
    if min(treated.size, held.size) < 2:
        return 0.0
    return 1 / (1 / effective_size(treated) + 1 / effective_size(held))


def _mixture_z(share: float, level: float) -> float:
    """Standard errors to either side at this share of the planned information: Robbins' normal mixture boundary."""
    alpha = 1 - level
    r = share * (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1))
    return math.sqrt((1 + 1 / r) * math.log((1 + r) / alpha**2))


def _look(y: Floats, weight: Floats, sides: list[Any], as_rate: bool, z: float, level: float) -> dict[str, Any]:
    """The two groups so far, with an interval for this look alone and one for all looks."""
    treated, held = (int(side.sum()) for side in sides)
    fixed_z = NormalDist().inv_cdf(0.5 + level / 2)
    row: dict[str, Any] = {"treated": treated, "held_out": held, "events": 0, "effect": math.nan}
    row |= dict.fromkeys(("fixed_low", "fixed_high", "low", "high"), math.nan)
    row |= {"wider": z / fixed_z, "reason": ""}
    if min(treated, held) < 2:
        return row | {"reason": f"only {count(min(treated, held), 'case')} {'treated' if treated < 2 else 'held out'}"}
    arms = [(_rate_known if as_rate else _mean_known)(y[side], weight[side]) for side in sides]
    sure = [_rate_exactly(y[side], weight[side]) for side in sides] if as_rate else arms
    row["effect"] = arms[0].mean - arms[1].mean
    row["events"] = sum(arm.events for arm in arms) if as_rate else min(arm.events for arm in arms)

    def ends(of: list[_ArmKnown], at: float) -> tuple[float, float]:
        return difference(*((arm.mean, *arm.ends(at)) for arm in of))[1:]

    row["fixed_low"], row["fixed_high"] = ends(arms, level)
    if math.isnan(row["fixed_low"]):
        return row | {"reason": f"too few events ({row['events']:,}) for an interval"}
    if z > _FURTHEST:
        return row | {"reason": "too early for an always-valid interval: far fewer cases than planned"}
    row["low"], row["high"] = ends(sure, math.erf(z / math.sqrt(2)))
    return row


def _rate_exactly(y: Floats, w: Floats) -> _ArmKnown:
    """A rate with exact limits: at levels near 1, Wilson's are too narrow for few events."""
    rate, size = _rate_and_size(y, w)
    return _ArmKnown(rate, lambda level: rate_interval(rate * size, size, level=level), int(y.sum()))
