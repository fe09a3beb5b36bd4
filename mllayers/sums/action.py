"""Layer 4 by sums: what did the action change, and what would a rule have earned?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from mllayers._check import as_number
from mllayers._stats import (
    MoneySums,
    OverlapCollapsed,
    WeightSums,
    difference,
    guard_weight_sums,
    score_interval,
)
from mllayers._words import count
from mllayers.action.effect import (
    UpliftEffect,
    _effect_of,
    _rate_and_size_of,
    _usual_and_rest_of,
    _with_interval,
)
from mllayers.action.randomised import _EXACT_LAW, RandomisationCheck, _balance_table, _ratio_p_of
from mllayers.action.table import UpliftTable, _ArmKnown, _uplift_table_of
from mllayers.action.value import (
    UpliftPolicyValue,
    _refuse_untried,
    _rule_value_of,
    _Side,
)
from mllayers.sums._labels import counts_of, in_order
from mllayers.sums._money import power_terms, powers_of
from mllayers.sums._order import most_common
from mllayers.sums._query import (
    Rule,
    as_data,
    chance_as_told,
    finite,
    finite_as_told,
    in_bounds,
    label_key,
    label_of,
    numbers_of,
    probability,
    there,
    totals,
    where,
)
from mllayers.sums._table import Sums

__all__ = [
    "EffectSums",
    "RandomisedSums",
    "RuleSums",
    "TableSums",
    "effect_sums",
    "randomised_sums",
    "rule_sums",
    "table_sums",
]

_SIDES = ("agree", "target", "instead", "neither")  # whose action was done, where two rules differ


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


class TableSums(Sums):
    """What `table_sums` returns; ``result()`` says what `action.uplift_table` says."""

    kind: ClassVar[str] = "table"
    keys: ClassVar[tuple[str, ...]] = ("part", "action", "y")

    def result(self, *, least: float | None = None, level: float = 0.95) -> UpliftTable:
        """What each action changed: what `uplift_table` answers for the rows that were summed up.

        Parameters
        ----------
        least : float, optional
            The smallest difference that matters, above 0: a rate, or dollars per case.
        level : float in (0, 1), default 0.95
            Probability with which each interval is to hold the true effect.
        """
        level = as_number(level, "level", gt=0, lt=1)
        least = None if least is None else as_number(least, "least", gt=0)
        by, base, table = self.settings["by"], str(self.settings["control"]), self.table
        arms, base = self._arms(base)
        parts = {"all": table}
        if by is not None:
            groups = dict(iter(table.groupby("part", sort=False)))
            if "all" in groups:
                raise ValueError(
                    "by must not hold a segment named 'all': that is what the rows of all cases are called"
                )
            parts |= {label: groups[label] for label in in_order(list(groups), "by")}
        rows, ends = [], []
        for segment, here in parts.items():
            for name, label in arms.items():
                if name != base:
                    sides = [here[here["action"] == one] for one in (label, arms[base])]
                    row, both = self._row(sides, here, [name, base])
                    rows.append({"segment": str(segment), "action": name} | row)
                    ends.append(both)
        return _uplift_table_of(
            rows, ends, {"segment": by is None, "spared": True}, of="rate" if self._rates else "dollars",
            control=base, events=self._events(), n=self.n, level=level, least=least,
        )  # fmt: skip

    @property
    def _rates(self) -> bool:
        return self.settings["value"] is None and self.settings["reward"] is None

    def _arms(self, control: str) -> tuple[dict[str, Any], str]:
        """The actions by name, and which of them is the control."""
        labels = in_order(list(dict.fromkeys(self.table["action"].tolist())), "action")
        if set(labels) <= {0, 1}:
            if len(labels) < 2:
                raise ValueError(f"action must hold both 0 and 1; got only {', '.join(map(str, labels)) or 'none'}")
            return {"held out": 0, "treated": 1}, "held out"
        named = {str(label): label for label in labels}
        if control not in named:
            told = ", ".join(named)
            raise ValueError(
                f"control must be one of the actions ({told}); got {control!r}: say which one, control='…'"
            )
        if len(named) < 2:
            raise ValueError(f"action must hold at least one action beside the control {control!r}; got none")
        return named, control

    def _row(
        self, sides: list[pd.DataFrame], here: pd.DataFrame, names: list[str]
    ) -> tuple[dict[str, Any], Callable[[float], tuple[float, float]] | None]:
        """An action against the control in one segment: its numbers, and its interval at any level."""
        total = "n_ones" if self._rates else "total"
        sizes = [int(side["rows"].sum()) for side in sides]
        row: dict[str, Any] = {"treated": sizes[0], "held_out": sizes[1], "claimed": float(sides[0][total].sum())}
        row |= {"mean": math.nan, "control_mean": math.nan, "effect": math.nan, "spared": math.nan}
        row |= {"events": 0, "reason": ""}
        weighted = bool((self.table["max_weight"] != 1).any())
        for side, size, name in zip(sides, sizes, ("treated", "held out"), strict=True):
            if size < 2:
                return row | {"reason": f"only {count(size, 'case')} {name}"}, None
            w = WeightSums(int(here["rows"].sum()), *_weights_of(side))
            try:
                if weighted:
                    guard_weight_sums(w, min_n_eff=2, what=f"1 / propensity of the {name}", who="one of the arms")
            except (OverlapCollapsed, ValueError) as error:
                return row | {"reason": str(error)}, None
        first, second = (self._known(side, name) for side, name in zip(sides, names, strict=True))
        row |= {"mean": first.mean, "control_mean": second.mean, "effect": first.mean - second.mean}
        events = [first.events, second.events]
        row["events"] = sum(events) if self._rates else min(events)

        def ends(level: float) -> tuple[float, float]:
            return difference(*((arm.mean, *arm.ends(level)) for arm in (first, second)))[1:]

        if any(map(math.isnan, ends(0.5))):
            return row | {"reason": f"too few events ({min(events):,}) for an interval"}, None
        return row, ends

    def _known(self, rows: pd.DataFrame, name: str) -> _ArmKnown:
        """The mean of one arm and its interval at any level."""
        if self._rates:
            arm = counts_of(rows)
            rate, size = _rate_and_size_of(arm)
            return _ArmKnown(rate, lambda level: score_interval(rate * size, size, size, level=level), arm.ones)
        money = self._money(rows, name)
        usual, moments, events = _usual_and_rest_of(money)

        def ends(level: float) -> tuple[float, float]:
            low, high, _ = moments.interval(level)
            return usual + low, usual + high

        return _ArmKnown(usual + moments.mean, ends, events)

    def _money(self, rows: pd.DataFrame, name: str) -> MoneySums:
        weighted = self.settings["propensity"] is not None
        if self.settings["value"] is not None:
            return _dollars(rows, weighted)
        usual = dict(self.settings["usual"])[name]
        return MoneySums(powers_of(rows, weighted=weighted), float(usual), int(rows["n_usual"].sum()))

    def _events(self) -> int:
        """Outcomes of 1, or the cases whose dollars are not those that most have."""
        if self._rates:
            return int(self.table["n_ones"].sum())
        if self.settings["value"] is not None:
            return self.n - _dollars(self.table, False).at_usual
        shared = int(self.table["n_shared"].sum())
        return self.n - shared if 2 * shared > self.n else int(self.table["n_paid"].sum())


def _weights_of(rows: pd.DataFrame) -> tuple[float, float, float]:
    """Σ w, Σ w² and the largest w."""
    return float(rows["weight"].sum()), float(rows["weight2"].sum()), float(rows["max_weight"].max())


def table_sums(
    frame: Any,
    *,
    action: str,
    y: str | None = None,
    value: str | float | None = None,
    reward: str | None = None,
    propensity: str | float | None = None,
    by: str | None = None,
    control: Any = "none",
    usual: float | None = None,
) -> TableSums:
    """What is left of the rows for the question what each of several actions changed, as a whole and by segment.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query sums up where the rows are (with `reward` some more find what is usual); none is
        fetched.
    action : str
        The column with what chance gave each case: names of actions, or 0 and 1 (then 0 is the control).
    y : str, optional
        The column with the outcome, 0 or 1.
    value : str or float, optional
        Dollars that hang on an outcome of 1; then the effect is in dollars.
    reward : str, optional
        Instead of `y`: the column with the dollars of each case.
    propensity : str or float, optional
        The probability with which chance gave the case the action it got.
    by : str, optional
        The column with the segment of each case, known before chance decided.
    control : an action, default "none"
        The action that the others are compared with.
    usual : float, optional
        With `reward`: the amount that most cases have under each action. Left out, it is looked for under each; say it
        where sums are to be added up.

    Returns
    -------
    TableSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``.

    Raises
    ------
    TypeError, ValueError
        As `action.uplift_table`; rows that break a rule are counted.

    Notes
    -----
    What `effect_sums` keeps, for each action and segment. `uplift_table` looks in each segment for the amount that most
    cases have; here it is that of the action in all segments. A number known from before (``before=``) cannot be taken
    out: its slope is not known until all rows have been read.

    Examples
    --------
    >>> rows = {"sold": [1, 0, 0, 0, 1, 1, 0, 0] * 50, "did": (["none"] * 4 + ["call"] * 4) * 50}
    >>> found = table_sums(rows, y="sold", action="did").result().frame()
    >>> found[["action", "effect", "claimed", "incremental", "sure"]]
      action  effect  claimed  incremental  sure
    0   call    0.25    100.0         50.0  True
    """
    if (y is None) == (reward is None):
        raise ValueError("give y, the outcome of 0 and 1, or reward, the dollars of each case; and one of them alone")
    if value is not None and y is None:
        raise ValueError("value belongs to outcomes of 0 and 1: leave it out, reward is in dollars")
    asked = {"y": y, "value": value, "reward": reward, "propensity": propensity}
    given: dict[str, Any] = {name: column for name, column in asked.items() if column is not None}
    data, x = numbers_of(as_data(frame), **given)
    took = action_of(data, action)
    part: Any = "all" if by is None else label_of(data, by)
    must = {f"action ({action}) must be known for each case": there(took, key="action")}
    if by is not None:
        must[f"{by} must be known for each case"] = there(part, key="part")
    came: Any = 0
    if y is not None:
        came, must[f"y ({y}) must hold only 0 and 1"] = label_key(data, y, x["y"], "y")
    w = None
    if propensity is not None:
        must[f"propensity ({propensity}) must lie in (0, 1]"] = probability(x["propensity"], above=True)
        data = data.with_columns(w__=1 / x["propensity"])
        w = nw.col("w__")
    sums: dict[str, nw.Expr] = {} if y is None else {"n_ones": x["y"] == 1}
    ends: dict[str, nw.Expr] = {}
    common: list[Any] = []
    if y is None or value is not None:
        if value is not None:
            must[f"value ({value}) must be a finite number"] = finite(x["value"])
        amount = x["reward"] if y is None else where(x["y"] == 1, x["value"])
        data = data.with_columns(money__=amount)
        money = nw.col("money__")
        sums |= power_terms(money, w) | {"n_paid": money != 0, "total": money}
        ends = {"x": money}
    if y is None:
        must[f"reward ({reward}) must be a finite number"] = finite(x["reward"])
        common, at, shared = _usual_of(data, took, nw.col("money__"), usual)
        sums |= {"n_usual": nw.col("money__") == at, "n_shared": nw.col("money__") == shared}
    if w is not None:
        sums |= {"weight": w, "weight2": w * w}
    keys = {"part": part, "action": took, "y": came}
    most = {**ends, **({} if w is None else {"weight": w})}
    table = totals(data, keys, sums, least=ends, most=most, must=must, labels=("y",))
    if w is None:
        table = table.assign(weight=table["rows"] * 1.0, weight2=table["rows"] * 1.0, max_weight=1.0)
    settings = {"by": by, "control": str(control), "value": value, "reward": reward, "propensity": propensity}
    return TableSums(table, settings | {"usual": common})


def _usual_of(data: Any, took: nw.Expr, money: nw.Expr, usual: float | None) -> tuple[list[Any], Any, float]:
    """The amount that most cases have under each action, the same as an expression, and that of all cases."""
    labels = totals(data, {"action": took}, {}, must={})["action"].dropna().tolist()
    if usual is not None:
        common = dict.fromkeys(labels, as_number(usual, "usual"))
        shared = as_number(usual, "usual")
    else:
        common = {label: most_common(data.filter(took == nw.lit(label)), money) for label in labels}
        shared = most_common(data, money)
    at: Any = nw.lit(shared)
    for label, amount in common.items():
        at = nw.when(took == nw.lit(label)).then(nw.lit(amount)).otherwise(at)
    names = {0: "held out", 1: "treated"} if set(labels) <= {0, 1} else {}
    return [[names.get(label, str(label)), amount] for label, amount in common.items()], at, shared


class RandomisedSums(Sums):
    """What `randomised_sums` returns; ``result()`` says what `action.check_randomised` says of the shares."""

    kind: ClassVar[str] = "randomised"
    keys: ClassVar[tuple[str, ...]] = ("treated",)

    def result(self, *, alpha: float = 0.01) -> RandomisationCheck:
        """Did chance make the groups, by their sizes: what `check_randomised` answers without covariates.

        Parameters
        ----------
        alpha : float in (0, 1), default 0.01
            Probability of a false alarm where chance did make the groups.
        """
        alpha, n = as_number(alpha, "alpha", gt=0, lt=1), self.n
        treated = int(self.table.loc[self.table["treated"] == 1, "rows"].sum())
        if not 2 <= treated <= n - 2:
            raise ValueError(f"there must be at least two cases in each group; got {treated} treated of {n}")
        low, high = float(self.table["min_share"].min()), float(self.table["max_share"].max())
        if low < high and n <= _EXACT_LAW:
            raise ValueError(
                f"share must be the same for all where there are no more than {_EXACT_LAW:,} cases; got {low:g} to "
                f"{high:g} in {n:,}: ask check_randomised of the rows"
            )
        expected = float(self.table["share"].sum())
        ratio_p = _ratio_p_of(treated, n, low if low == high else None, expected, float(self.table["spread"].sum()))
        return RandomisationCheck(
            passed=ratio_p >= alpha, alpha=alpha, treated=treated, n=n, expected=expected, ratio_p=ratio_p,
            balance_p=math.nan, columns=0, table=_balance_table([], np.empty(0)),
        )  # fmt: skip


def randomised_sums(frame: Any, *, treated: str, share: str | float) -> RandomisedSums:
    """What is left of the rows for the question whether chance made the groups as large as was stated.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query sums up where the rows are; none of them is fetched.
    treated : str
        The column with whether the case got the action, 0 or 1.
    share : str or float
        The probability with which each case was to be treated, in (0, 1): a column, or one number for all.

    Returns
    -------
    RandomisedSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``.

    Raises
    ------
    TypeError, ValueError
        As `action.check_randomised`; rows that break a rule are counted.

    Notes
    -----
    Whether the groups were alike before, column by column, is a question to the rows: ask `check_randomised` of a
    sample of them.

    Examples
    --------
    >>> randomised_sums({"got": [1] * 520 + [0] * 480}, treated="got", share=0.5).result()
    520 of 1,000 cases treated (52.0 %; 50.0 % stated, p = 0.22); nothing speaks against chance (at 1 % false alarms)
    """
    data, x = numbers_of(as_data(frame), treated=treated, share=share)
    side, rule = label_key(data, treated, x["treated"], "treated")
    chance = x["share"]
    inside = Rule((chance > 0) & (chance < 1), (chance,))
    must = {
        f"treated ({treated}) must hold only 0 and 1": rule,
        f"share ({share}) must lie in (0, 1)": in_bounds(inside, "share", math.nextafter(0, 1), math.nextafter(1, 0)),
    }
    data = data.with_columns(share__=chance)
    chance = nw.col("share__")
    sums = {"share": chance, "spread": chance * (1 - chance)}
    ends = {"share": chance}
    table = totals(data, {"treated": side}, sums, least=ends, most=ends, must=must, labels=("treated",))
    return RandomisedSums(table, {"share": share})


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
    constant: Any = instead if isinstance(instead, str) else int(instead)
    other = action_of(data, str(instead)) if column else nw.lit(constant)
    data = data.with_columns(took__=took, wants__=wants, other__=other, w__=1 / x["propensity"], x__=x["reward"])
    took, wants, w, money = (nw.col(f"{name}__") for name in ("took", "wants", "w", "x"))
    other = nw.col("other__") if column else other
    by_target = _SIDES.index("target")
    side = (
        nw.when(wants == other).then(nw.lit(_SIDES.index("agree"))).when(took == wants).then(nw.lit(by_target))
        .when(took == other).then(nw.lit(_SIDES.index("instead"))).otherwise(nw.lit(_SIDES.index("neither")))
    )  # fmt: skip
    must = {
        f"reward ({reward}) must be a finite number": finite_as_told(money, "x_44"),
        f"propensity ({propensity}) must lie in (0, 1]": chance_as_told(x["propensity"], "x_10"),
        f"{action}, {target} and instead must be known for each case": there(took, wants, *([other] if column else [])),
    }
    data = data.with_columns(side__=side)
    side = nw.col("side__")
    if usual is None:
        common = {name: most_common(data.filter(side == _SIDES.index(name)), money) for name in ("target", "instead")}
    else:
        common = dict.fromkeys(("target", "instead"), as_number(usual, "usual"))
    at = nw.when(side == by_target).then(nw.lit(common["target"])).otherwise(nw.lit(common["instead"]))
    sums, ends = power_terms(money, w) | {"n_usual": money == at}, {"weight": w}
    keys = {"side": side, "given": wants, "other": other if column else constant}
    table = totals(data, keys, sums, least=ends, most=ends, must=must).drop(columns="min_weight")
    table["side"] = pd.Series([_SIDES[int(place)] for place in table["side"]], dtype=object)
    return RuleSums(table, {"usual": common})


def action_of(data: Any, column: str) -> nw.Expr:
    """A column of actions: names, or 0 and 1."""
    kind = data.collect_schema().get(column)
    if kind == nw.Boolean:
        return nw.col(column).cast(nw.Int64)
    label = label_of(data, column)
    return label.cast(nw.Int64) if kind.is_numeric() else label
