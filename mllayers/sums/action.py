"""Layer 4 by sums: what did the action change, and what would a rule have earned?"""

from __future__ import annotations

from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import pandas as pd

from mllayers._check import as_number
from mllayers._stats import MoneySums, WeightSums, guard_weight_sums
from mllayers.action.effect import UpliftEffect, _effect_of, _usual_and_rest_of, _with_interval
from mllayers.action.value import (
    UpliftPolicyValue,
    _refuse_untried,
    _rule_value_of,
    _Side,
)
from mllayers.sums._labels import counts_of
from mllayers.sums._money import power_terms, powers_of
from mllayers.sums._query import (
    as_data,
    finite,
    label_key,
    label_of,
    most_common,
    numbers_of,
    probability,
    there,
    totals,
    where,
)
from mllayers.sums._table import Sums

__all__ = ["EffectSums", "RuleSums", "effect_sums", "rule_sums"]


class EffectSums(Sums):
    """What `effect_sums` returns; ``result()`` says what `action.uplift_effect` says."""

    kind: ClassVar[str] = "effect"
    keys: ClassVar[tuple[str, ...]] = ("treated", "y")

    def result(self, *, level: float = 0.95) -> UpliftEffect:
        """What the action changed: what `uplift_effect` answers for the rows that were summed up.

        Parameters
        ----------
        level : float in (0, 1), default 0.95
            Probability with which the intervals are to hold the true effect.
        """
        level, weighted = as_number(level, "level", gt=0, lt=1), self.settings["propensity"] is not None
        arms, money = [], []
        for side, name in ((1, "treated"), (0, "held-out")):
            rows = self.table[self.table["treated"] == side]
            arm = counts_of(rows)
            if arm.zeros + arm.ones < 2:
                raise ValueError(f"there must be at least two {name} cases; got {arm.zeros + arm.ones}")
            if weighted:
                w = WeightSums(self.n, arm.weight, arm.squares_zeros + arm.squares_ones, arm.heaviest)
                guard_weight_sums(w, min_n_eff=2, what=f"1 / propensity of the {name}", who="one of the groups")
            arms.append(arm)
            if self.settings["value"] is not None:
                money.append(_with_interval(*_usual_and_rest_of(_dollars(rows, weighted)), level))
        return _effect_of(arms, money or None, level)


def _dollars(rows: pd.DataFrame, weighted: bool) -> MoneySums:
    """The dollars of one group; those that have none are the usual ones, unless most have one and the same amount."""
    n, paid = int(rows["rows"].sum()), int(rows["n_paid"].sum())
    powers, ones = powers_of(rows, weighted=weighted), rows[rows["y"] == 1]
    if 2 * paid > n and len(ones) and ones["min_x"].min() == ones["max_x"].max():
        return MoneySums(powers, float(ones["min_x"].min()), paid)
    return MoneySums(powers, 0.0, n - paid)


def effect_sums(
    frame: Any,
    *,
    y: str,
    treated: str,
    value: str | float | None = None,
    propensity: str | float | None = None,
) -> EffectSums:
    """What is left of the rows for the question what an action changed: sums for those treated and those held out.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query sums up where the rows are; none of them is fetched.
    y, treated : str
        The columns with the outcome and with whether the case got the action, each 0 or 1.
    value : str or float, optional
        Dollars that hang on the outcome: a column, or one number for all.
    propensity : str or float, optional
        The probability with which chance put the case into the group it is in.

    Returns
    -------
    EffectSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``.

    Raises
    ------
    TypeError, ValueError
        As `action.uplift_effect`; rows that break a rule are counted.

    Notes
    -----
    Kept for each group and outcome: the rows, Σ w and Σ w², and Σ wⁱ xʲ up to the fourth power, which the interval for
    money needs. What is usual among the dollars is 0, or the one amount that all events have where they are the more;
    `uplift_effect` looks for it among all amounts, which is the same unless most cases have one of several amounts.

    Examples
    --------
    >>> rows = {"gone": [1, 0, 0, 0, 1, 1, 0, 0] * 50, "voucher": [1, 1, 1, 1, 0, 0, 0, 0] * 50}
    >>> effect_sums(rows, y="gone", treated="voucher").result()
    −25.00 points (−33.79 to −15.59), 200 treated and 200 held out
    """
    given: dict[str, Any] = {name: x for name, x in (("value", value), ("propensity", propensity)) if x is not None}
    data, x = numbers_of(as_data(frame), y=y, treated=treated, **given)
    label, group = x["y"], x["treated"]
    came, rule = label_key(data, y, label, "y")
    side, other = label_key(data, treated, group, "treated")
    must = {f"y ({y}) must hold only 0 and 1": rule, f"treated ({treated}) must hold only 0 and 1": other}
    w = None
    if propensity is not None:
        must[f"propensity ({propensity}) must lie in (0, 1]"] = probability(x["propensity"], above=True)
        data = data.with_columns(w__=1 / x["propensity"])
        w = nw.col("w__")
    sums: dict[str, nw.Expr] = {}
    ends: dict[str, nw.Expr] = {}
    if value is not None:
        must[f"value ({value}) must be a finite number"] = finite(x["value"])
        data = data.with_columns(money__=where(label == 1, x["value"]))
        money = nw.col("money__")
        sums = power_terms(money, w) | {"n_paid": money != 0}
        ends = {"x": money}
    each: nw.Expr = nw.lit(1.0) if w is None else w
    if w is not None:
        sums |= {"weight": w, "weight2": w * w}
    keys = {"treated": side, "y": came}
    most = {**ends, **({} if w is None else {"weight": each})}
    table = totals(data, keys, sums, least=ends, most=most, must=must, labels=("treated", "y"))
    if w is None:
        table = table.assign(weight=table["rows"] * 1.0, weight2=table["rows"] * 1.0, max_weight=1.0)
    return EffectSums(table, {"value": value, "propensity": propensity})


class RuleSums(Sums):
    """What `rule_sums` returns; ``result()`` says what `action.uplift_policy_value` says."""

    kind: ClassVar[str] = "rule"
    keys: ClassVar[tuple[str, ...]] = ("side", "given", "other")

    def result(self, *, min_n_eff: float = 10.0, level: float = 0.95) -> UpliftPolicyValue:
        """What the rule would have earned: what `uplift_policy_value` answers for the rows that were summed up.

        Parameters
        ----------
        min_n_eff : float, default 10
            Refuse when the cases that speak for one of the rules are worth fewer than this after weighting.
        level : float in (0, 1), default 0.95
            Probability with which the interval is to hold the true value.
        """
        level, least = as_number(level, "level", gt=0, lt=1), as_number(min_n_eff, "min_n_eff", ge=2)
        table = self.table
        differs = table[table["side"] != "agree"]
        differ = int(differs["rows"].sum())
        if not differ:
            return UpliftPolicyValue(0.0, 0.0, 0.0, 0.0, level, 0, 0.0, 0, 0.0, 0.0)
        sides = []
        for name, column in (("target", "given"), ("instead", "other")):
            rows = differs[differs["side"] == name]
            for given in sorted(set(differs[column]), key=str):
                _refuse_untried(int(rows.loc[rows[column] == given, "rows"].sum()), given, name)
            powers, usual = powers_of(rows, weighted=True), float(self.settings["usual"][name])
            largest = float(rows["max_weight"].max())
            weights = WeightSums(differ, float(powers[1, 0]), float(powers[2, 0]), largest)
            guard_weight_sums(weights, min_n_eff=least, what=f"1 / propensity under {name}", who=name)
            money = MoneySums(powers, usual, int(rows["n_usual"].sum()))
            *mean, events = _with_interval(*_usual_and_rest_of(money), level)
            around = float(money.beyond(mean[0])[2, 2])
            sides.append(_Side(int(rows["rows"].sum()), weights, (mean[0], mean[1], mean[2]), events, around))
        return _rule_value_of(self.n, differ, sides, level)


def rule_sums(
    frame: Any,
    *,
    reward: str,
    action: str,
    propensity: str | float,
    target: str,
    instead: str | bool | int = False,
    usual: float | None = None,
) -> RuleSums:
    """What is left of a randomised pilot for the question what a targeting rule would have earned.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query sums up where the rows are (one more finds what is usual); none is fetched.
    reward : str
        The column with the dollars of each case.
    action, target : str
        The columns with what chance gave each case, and with what the rule would give: 0 and 1, or names of actions.
    propensity : str or float
        The probability with which chance gave it that action.
    instead : str, bool or int, default False
        What the other rule would give: a column of the frame, or one action for all.
    usual : float, optional
        The reward that most cases have under either rule. Left out, it is looked for; say it where sums are to be
        added up.

    Returns
    -------
    RuleSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``.

    Raises
    ------
    TypeError, ValueError
        As `action.uplift_policy_value`; rows that break a rule are counted.

    Notes
    -----
    Kept for each side (what was done is what the rule gives, what the other gives, neither, or both give the same) and
    pair of actions: the rows, Σ wⁱ xʲ up to the fourth power, and how many rewards are the usual one.

    Examples
    --------
    >>> rows = {"got": [1, 0] * 150, "reward": [10.0, 4.0, 9.0, 3.0, 0.0, 5.0] * 50, "rule": [1, 1, 1, 1, 0, 0] * 50}
    >>> found = rule_sums(rows, reward="reward", action="got", propensity=0.5, target="rule").result()
    >>> round(found.value, 3), round(found.changed, 3)
    (4.0, 0.667)
    """
    data = as_data(frame)
    data, x = numbers_of(data, reward=reward, propensity=propensity)
    took, wants = (action_of(data, name) for name in (action, target))
    names = data.collect_schema()
    column = isinstance(instead, str) and instead in names
    other = action_of(data, str(instead)) if column else nw.lit(instead if isinstance(instead, str) else int(instead))
    data = data.with_columns(took__=took, wants__=wants, other__=other, w__=1 / x["propensity"], x__=x["reward"])
    took, wants, other, w, money = (nw.col(f"{name}__") for name in ("took", "wants", "other", "w", "x"))
    side = (
        nw.when(wants == other).then(nw.lit("agree")).when(took == wants).then(nw.lit("target"))
        .when(took == other).then(nw.lit("instead")).otherwise(nw.lit("neither"))
    )  # fmt: skip
    must = {
        f"reward ({reward}) must be a finite number": finite(money),
        f"propensity ({propensity}) must lie in (0, 1]": probability(x["propensity"], above=True),
        f"{action}, {target} and instead must be known for each case": there(took, wants, other),
    }
    data = data.with_columns(side__=side)
    if usual is None:
        common = {name: most_common(data.filter(nw.col("side__") == name), money) for name in ("target", "instead")}
    else:
        common = dict.fromkeys(("target", "instead"), as_number(usual, "usual"))
    at = nw.when(nw.col("side__") == "target").then(nw.lit(common["target"])).otherwise(nw.lit(common["instead"]))
    sums = power_terms(money, w) | {"n_usual": money == at}
    keys = {"side": nw.col("side__"), "given": wants, "other": other}
    table = totals(data, keys, sums, most={"weight": w}, must=must)
    return RuleSums(table, {"usual": common})


def action_of(data: Any, column: str) -> nw.Expr:
    """A column of actions: names, or 0 and 1."""
    kind = data.collect_schema().get(column)
    if kind == nw.Boolean:
        return nw.col(column).cast(nw.Int64)
    label = label_of(data, column)
    return label.cast(nw.Int64) if kind.is_numeric() else label
