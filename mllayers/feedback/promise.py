"""Was the promise kept? What a model or a policy promised, beside what a random audit or a hold-out delivered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllayers._check import (
    Floats,
    as_binary,
    as_columns,
    as_frame,
    as_groups,
    as_number,
    as_numbers,
    as_ordered_periods,
    as_probabilities,
    as_propensities,
    describe,
    refuse_doubles,
    same_cases,
)
from mllayers._results import Result
from mllayers._stats import (
    RateCounts,
    all_counts,
    delivered_rate,
    difference,
    mean_interval,
    rate_counts,
    rate_delivered,
    what_is_sure,
)
from mllayers._words import count, dollars, percent, points_told, promise_verdict

__all__ = ["LedgerPromise", "PromiseKept", "ledger_promise", "promise_kept"]

_BROUGHT = ("planned", "action", "drawn", "propensity", "cost", "mature", "y", "value")


# the promise of a model ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class PromiseKept(Result):
    """What was promised, and what was delivered: what `promise_kept` returns.

    Attributes
    ----------
    promised, delivered, low, high : float
        Mean promised probability of all cases; the rate that the labels show (Hájek), with its interval.
    level : float
        Probability with which an interval is to hold the true rate.
    events : int
        Labels that are 1.
    n, labels : int
        Cases, and those of them with a label.
    ratio : float
        Promised / delivered: infinite where nothing was delivered.
    by_chance : float
        The probability of a difference as large as this, or larger, if the promise is true.
    kept : bool
        Whether the promise can be true, in each period (or group) and as a whole: no ``by_chance`` is below
        (1 − level) / the number of times it was asked.
    table : DataFrame
        A row per period (or group) in its order: ``n``, ``labels``, ``events``, ``n_eff``, ``promised``, ``delivered``,
        ``low``, ``high``, ``ratio``, ``by_chance`` and ``kept`` (the promise lies within this row's interval; missing
        where it has no label). With `by` or `least` also ``low_all``, ``high_all`` (they hold all rows at once) and
        ``broken`` (the promise lies outside these); with `least` also ``size``: delivered is *more* or *less* than
        promised by more than that, *alike* within it, or it is *open*, by ``low_all`` and ``high_all``.
    size : str
        With `least`, the same of all cases, at the level at which all rows and the whole are asked at once.
    broken : int
        Periods (or groups) whose promise is broken, all of them asked at once.
    of : {"period", "group"}
        What a row of the table is.
    least : float or None
        The difference in the rate that matters.
    """

    promised: float
    delivered: float
    low: float
    high: float
    level: float
    events: int
    n: int
    labels: int
    ratio: float
    by_chance: float
    kept: bool
    table: pd.DataFrame = field(hash=False)
    broken: int = 0
    of: str = "period"
    least: float | None = None
    size: str = ""

    def _line(self) -> str:
        told = f"promised {percent(self.promised, 2)}, delivered {percent(self.delivered, 2)} "
        told += f"({percent(self.low, 2)} to {percent(self.high, 2)}) by {count(self.events, 'event')} in "
        told += f"{count(self.labels, 'label')}: {self._verdict()}"
        if self.least is not None:
            sizes = self.table["size"]
            off, near = int(sizes.isin(["more", "less"]).sum()), int((sizes == "alike").sum())
            told += f"; off by more than {points_told(self.least)} in {off}, within it in {near}, open in "
            told += f"{len(sizes) - off - near}"
        silent = int((self.table["labels"] == 0).sum())
        return told + (f"; no label in {silent} of {count(len(self.table), self.of)}" if silent else "")

    def _verdict(self) -> str:
        """What the intervals say; a mean that is not refuted does not hide the rows in which the promise is broken."""
        rows, least = int((self.table["labels"] > 0).sum()), points_told(self.least or 0.0)
        if len(self.table) == 1:
            return promise_verdict(self.kept, self.size, least)
        possible = self.by_chance >= (1 - self.level) / (rows + 1)
        whole = f"{promise_verdict(possible, self.size, least)} as a whole, "
        if not self.broken:
            return whole + f"{'and' if possible else 'although'} broken in none of {count(rows, self.of)}"
        place = int(np.nanargmin(self.table["by_chance"].to_numpy(np.float64)))
        worst, row = self.table.index[place], self.table.iloc[place]
        return (
            f"{whole}{'but' if possible else 'and'} broken in {self.broken} of {count(rows, self.of)}, most clearly "
            f"{worst} (promised {percent(row['promised'], 2)}, delivered {percent(row['delivered'], 2)})"
        )

    def frame(self) -> pd.DataFrame:
        """One row per period, or per group."""
        return self.table.copy()


def promise_kept(
    p: ArrayLike,
    y: ArrayLike,
    *,
    propensity: ArrayLike | None = None,
    when: ArrayLike | None = None,
    by: ArrayLike | None = None,
    least: float | None = None,
    level: float = 0.95,
) -> PromiseKept:
    """What the model promised against what a random audit delivered, period by period, or group by group.

    Parameters
    ----------
    p : array of shape (n,), in [0, 1]
        The promised probability of each case.
    y : array of shape (n,), 0 or 1
        What was delivered; NaN where nobody looked.
    propensity : number or array of shape (n,), in (0, 1], optional
        The chance that the case was looked at; 1 for all by default. A case that could not be looked at has no place
        here: a promise about it cannot be checked.
    when : array of shape (n,), optional
        The period of each case, such as the number or the first day of its month; by default all are one. Text must
        sort by time as it stands, as ``2026-03`` does and ``March`` does not.
    by : array of shape (n,), optional
        The group of each case instead: a segment, or a band of the score (``pd.qcut(p, 10)``). A mean that is kept can
        hide groups in which it is not.
    least : float, optional
        The smallest difference between promised and delivered that matters, above 0 (0.01 is one point).
    level : float in (0, 1), default 0.95
        Probability with which each row's interval is to hold the true rate. Twelve looks at 95 % raise a false
        alarm in 46 % of the years (1 − 0.95¹²), so ``kept`` of the result asks for more than ``kept`` of a period.

    Returns
    -------
    PromiseKept
        ``promised``, ``delivered`` with ``low`` and ``high``, ``kept``, and a row per period (or group) by ``frame()``.
        In words a promise is *broken* where the interval lies beyond it; else it is *not refuted*, which a wide
        interval always allows; and *kept* only within a stated `least`, where the whole interval lies within that.

    Raises
    ------
    TypeError, ValueError
        For probabilities outside [0, 1], outcomes that are not 0, 1 or NaN, a propensity outside (0, 1], a case with
        propensity 1 and no label, no label at all, periods that cannot be put in order, `when` and `by` together,
        columns that do not belong to the same cases.

    Notes
    -----
    With w = 1 / propensity over the labelled cases, delivered = Σ w y / Σ w, with variance Σ w² (y − delivered)² /
    (Σ w)². The interval is Clopper and Pearson's, for as many labels as would give this variance and never more than
    n_eff = (Σ w)² / Σ w² (Korn and Graubard): exact for a plain audit, and wide where there are few events.
    ``by_chance`` is the same test, so that a period's promise lies within its interval unless ``by_chance`` is below
    1 − level. Unlike `weighted_rate` of layer 1, which describes the cases that were there, this compares
    with a *promise*, so the chance in the outcomes themselves counts too.
    Labels that come only from where the model looked can agree with it for years; a random audit cannot.
    Taught in notebook 05, *What happened*.

    References
    ----------
    Hájek (1971), comment in "Foundations of Statistical Inference". Clopper and Pearson (1934), Biometrika 26(4). Korn
    and Graubard (1998), Survey Methodology 24(2), 193–201.

    Examples
    --------
    One shipped order in ten was audited; the model promised 1 % fraud, and 5 of 100 audited were:

    >>> y = np.full(1_000, np.nan)
    >>> y[::10] = np.arange(100) < 5
    >>> found = promise_kept(np.full(1_000, 0.01), y, propensity=0.1)
    >>> print(found)
    promised 1.00 %, delivered 5.00 % (1.64 % to 11.28 %) by 5 events in 100 labels: broken
    >>> print(found.frame()[["n", "labels", "promised", "delivered", "low", "high", "by_chance"]].round(3).to_string())
            n  labels  promised  delivered    low   high  by_chance
    all  1000     100      0.01       0.05  0.016  0.113      0.007

    A promise that is kept on average and in neither half:

    >>> print(promise_kept([0.1] * 1_000, np.arange(1_000) % 500 < 50 + 40 * np.repeat([1, -1], 500),
    ...                    by=["new"] * 500 + ["old"] * 500))
    promised 10.00 %, delivered 10.00 % (8.21 % to 12.03 %) by 100 events in 1,000 labels: not refuted as a whole, but \
broken in 2 of 2 groups, most clearly old (promised 10.00 %, delivered 2.00 %)
    """
    n = same_cases(p=p, y=y, propensity=propensity, when=when, by=by)
    promised, label = as_probabilities(p, "p"), as_binary(y, "y", missing=True)
    level = as_number(level, "level", gt=0, lt=1)
    chance = as_propensities(1.0 if propensity is None else propensity, n)
    unseen = np.isnan(label) & (chance == 1)
    if unseen.any():
        raise ValueError(
            "y must be known where propensity is 1 (pass the audit's propensity); "
            f"got nan at row {int(np.argmax(unseen))}"
        )
    if np.isnan(label).all():
        raise ValueError("y must hold at least one label; got none")
    if when is not None and by is not None:
        raise ValueError("when and by are two ways to part the cases: give one of them, and ask once for each")
    least = None if least is None else as_number(least, "least", gt=0)
    parts = as_ordered_periods(when, n, "when") if by is None else _named_groups(by, n)
    sums = {}
    for name, where in parts.items():
        seen = where[~np.isnan(label[where])]
        sums[name] = _Promised(len(where), float(promised[where].sum()), rate_counts(label[seen], 1 / chance[seen]))
    return _promise_of(sums, of="period" if by is None else "group", least=least, level=level)


class _Promised(NamedTuple):
    """A period or group, summed up: its cases, the sum of what was promised, and the labels."""

    n: int
    total: float
    seen: RateCounts


def _promise_of(parts: Mapping[Any, _Promised], *, of: str, least: float | None, level: float) -> PromiseKept:
    """What `promise_kept` says, from the sums of each period or group."""
    asked = sum(part.seen.zeros + part.seen.ones > 0 for part in parts.values())
    asked = asked + 1 if len(parts) > 1 else 1
    together = 1 - (1 - level) / asked
    rows = {}
    for name, (n, total, seen) in parts.items():
        said = total / n
        rows[name] = {"n": n, "labels": seen.zeros + seen.ones} | rate_delivered(seen, said, level)
        if of == "group" or least is not None:
            wide = rate_delivered(seen, said, together)
            rows[name] |= {"low_all": wide["low"], "high_all": wide["high"]}
            rows[name] |= {"broken": None if wide["kept"] is None else not wide["kept"]}
        if least is not None:
            rows[name]["size"] = what_is_sure(wide["low"] - said, wide["high"] - said, least)
    cases, labels = sum(part.n for part in parts.values()), all_counts(part.seen for part in parts.values())
    said = math.fsum(part.total for part in parts.values()) / cases
    whole, wide = (rate_delivered(labels, said, at) for at in (level, together))
    table = pd.DataFrame.from_dict(rows, orient="index")
    table = table.astype({name: "boolean" for name in ("kept", "broken") if name in table})
    chances = table["by_chance"].to_numpy(np.float64)
    broken = int((chances < (1 - level) / asked).sum())
    return PromiseKept(
        promised=whole["promised"], delivered=whole["delivered"], low=whole["low"], high=whole["high"], level=level,
        events=whole["events"], n=cases, labels=labels.zeros + labels.ones, ratio=whole["ratio"],
        by_chance=whole["by_chance"], kept=broken == 0 and whole["by_chance"] >= (1 - level) / asked, table=table,
        broken=broken, of=of, least=least,
        size="" if least is None else what_is_sure(wide["low"] - said, wide["high"] - said, least),
    )  # fmt: skip


def _named_groups(by: Any, n: int) -> dict[Any, NDArray[np.intp]]:
    """The rows of each group; bands (pandas' intervals) by what they print as."""
    groups = as_groups(by, n, "by")
    return {str(name) if isinstance(name, pd.Interval) else name: rows for name, rows in groups.items()}


# the promises of a policy -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class LedgerPromise(Result):
    """A policy's promises, beside what came back: what `ledger_promise` returns.

    Attributes
    ----------
    kept : bool or None
        Whether no promise is broken (each lies in its interval); None where none could be checked.
    level : float
        Probability with which each interval is to hold the true value.
    events : int
        Outcomes among all rows that were used.
    immature : int
        Rows that are too young to be used.
    explored : int
        Rows left out because a lot gave them an action that was not planned (`drawn` is ``explore``).
    without_score, without_expected : int
        Rows left alone without a score, and rows acted on without an expected value: nothing was promised about them.
    table : DataFrame
        Rows ``(promise, of)``: the ``probability`` of the cases left alone (as a whole or by period) and the
        ``dollars`` of each planned action. Columns ``n``, ``held_out`` (for dollars), ``events``, ``promised``,
        ``delivered``, ``low``, ``high``, ``kept`` (the promise lies in the interval; missing where it cannot be said),
        ``size`` (delivered is *more* or *less* than promised by more than the least difference that matters, *alike*
        within it, or it is *open*; empty where no such difference was stated) and ``why`` it cannot be said.
    least_rate, least_dollars : float or None
        The differences that matter.
    """

    kept: bool | None
    level: float
    events: int
    immature: int
    explored: int
    without_score: int
    without_expected: int
    table: pd.DataFrame = field(hash=False)
    least_rate: float | None = None
    least_dollars: float | None = None

    def _line(self) -> str:
        told = []
        for row in self.table.reset_index().to_dict("records"):
            money = row["promise"] == "dollars"
            words = dollars if money else percent
            what = f"{row['of']}: promised " if money else f"left alone ({row['of']}): promised "
            what += words(row["promised"]) + " a case" * money
            if row["why"]:
                told.append(f"{what}, {row['why']}")
                continue
            ends = f"{words(row['low'])} to {words(row['high'])}"
            least = dollars(self.least_dollars or 0.0) if money else points_told(self.least_rate or 0.0)
            verdict = promise_verdict(bool(row["kept"]), row["size"], least)
            told.append(f"{what}, delivered {words(row['delivered'])} ({ends}), {verdict}")
        if self.immature:
            told.append(f"{count(self.immature, 'row')} too young")
        return "; ".join(told)

    def frame(self) -> pd.DataFrame:
        """One row per promise."""
        return self.table.copy()


def ledger_promise(
    found: Any,
    *,
    when: str | None = None,
    least_rate: float | None = None,
    least_dollars: float | None = None,
    level: float = 0.95,
) -> LedgerPromise:
    """What a policy promised about its cases, against what came back: from the ledger alone.

    Two promises stand in a ledger. The **score** promises how many of the cases that are left alone end in the outcome.
    The **expected value** promises how many dollars an action brings beyond leaving the case alone, its cost taken off.

    Parameters
    ----------
    found : Matured or DataFrame
        What `matured` returns, or its labels: the decisions of a ledger with ``mature``, ``y`` and ``value``. The
        dollars of the outcomes must be there for the second promise: positive where they come in, negative where they
        go out.
    when : str, optional
        A column of the labels with the period of each row; by default all are one. Text must sort by time as it stands.
    least_rate, least_dollars : float, optional
        The smallest difference between promised and delivered that matters, above 0: of the score (0.01 is one point),
        and of the expected value (dollars per case).
    level : float in (0, 1), default 0.95
        Probability with which each interval is to hold the true value.

    Returns
    -------
    LedgerPromise
        A row per promise by ``frame()``: promised, delivered with its interval, and what the interval says. In words:
        *broken* where the promise lies outside it, else *not refuted*, which a wide interval always allows; *kept* only
        within a stated least difference, where the whole interval lies within that.

    Raises
    ------
    TypeError, ValueError
        For labels without their columns, no mature row, propensities outside (0, 1], scores outside [0, 1].

    Notes
    -----
    *Left alone* are mature rows whose ``action`` is the idle one, each with weight 1 / propensity: promised is the
    weighted mean of their scores, delivered the weighted rate of outcomes, with the interval of `promise_kept`. They
    stand for the cases that a lot could leave alone; without a hold-out, those are only the cases planned for it.

    For each planned action, *acted* are the rows that no lot touched (``drawn`` is empty), *held out* those that a lot
    left alone (``holdout``); delivered is the difference of their weighted mean dollars less the mean cost, with the
    interval of the two joined by square-and-add. Too few outcomes worth something, or outcomes without a value, give no
    interval and say so. A mature row may lack an outcome that is still to come: ask `matured` for ``enough=0.99`` where
    a tenth matters. Taught in notebook 05, *What happened*.

    References
    ----------
    Hájek (1971), comment in "Foundations of Statistical Inference". Zou and Donner (2008), Statistics in Medicine
    27(10).

    Examples
    --------
    A call was promised to bring $12; 4,000 customers were called, 1,000 held out:

    >>> called = np.arange(5_000) < 4_000
    >>> bought = np.arange(5_000) % 10 < np.where(called, 5, 3)
    >>> labels = pd.DataFrame({"score": 0.3, "planned": "call", "idle": "none"}, index=range(5_000))
    >>> labels["propensity"] = np.where(called, 0.8, 0.2)
    >>> labels["action"], labels["drawn"] = np.where(called, "call", "none"), np.where(called, "", "holdout")
    >>> labels["cost"], labels["expected_value"] = np.where(called, 8.0, 0.0), np.where(called, 12.0, 0.0)
    >>> labels = labels.assign(mature=True, y=bought.astype(float), value=100.0 * bought)
    >>> found = ledger_promise(labels)
    >>> asked = ["n", "events", "promised", "delivered", "kept"]
    >>> print(found.frame()[asked].reset_index().round(2).to_string(index=False))
        promise   of    n  events  promised  delivered  kept
    probability  all 1000     300       0.3        0.3  True
        dollars call 4000    2300      12.0       12.0  True
    """
    labels = as_frame(getattr(found, "labels", found), "found", [*_BROUGHT, "score", "idle", "expected_value"])
    refuse_doubles(labels, "found")
    level = as_number(level, "level", gt=0, lt=1)
    leasts = {"probability": least_rate, "dollars": least_dollars}
    named = {"probability": "least_rate", "dollars": "least_dollars"}
    leasts = {kind: None if x is None else as_number(x, named[kind], gt=0) for kind, x in leasts.items()}
    ready = as_binary(labels["mature"], "mature") == 1
    if not ready.any():
        raise ValueError("found must hold at least one mature row; all are too young to be believed")
    rows = labels[ready]
    n = len(rows)
    y, value = as_binary(rows["y"], "y"), as_numbers(rows["value"], "value", missing=True)
    w = 1 / as_propensities(rows["propensity"], n)
    planned, action, idle, drawn = (_names_or_none(rows[c], c) for c in ("planned", "action", "idle", "drawn"))
    alone = np.array([a is not None and a == i for a, i in zip(action, idle, strict=True)])
    score = as_probabilities(rows["score"], "score", missing=True)
    expected = as_numbers(rows["expected_value"], "expected_value", missing=True)
    cost = as_numbers(rows["cost"], "cost")
    said = alone & ~np.isnan(score)
    period = None if when is None else rows[as_columns([when], "when")[0]].tolist()
    table: dict[tuple[str, Any], dict[str, Any]] = {}
    for name, where in as_ordered_periods(period, n, "when").items():
        use = where[said[where]]
        if len(use):
            row = delivered_rate(y[use], w[use], float(np.average(score[use], weights=w[use])), level)
            table["probability", name] = {"n": len(use), "held_out": None, "why": "", **row}
        elif len(where):
            table["probability", name] = _unchecked("no case with a score was left alone")
    untouched, held = np.array([lot in (None, "") for lot in drawn]), drawn == "holdout"
    for name in sorted({str(a) for a, i in zip(planned, idle, strict=True) if a is not None and a != i}):
        mine = planned == name
        acted, left = mine & untouched & (action == planned), mine & held & alone
        table["dollars", name] = _delivered_dollars(acted, left, value, w, cost, expected, level)
    whole = pd.DataFrame.from_dict(table, orient="index")
    whole.index = pd.MultiIndex.from_tuples(list(table), names=["promise", "of"])
    whole["size"] = [
        what_is_sure(row["low"] - row["promised"], row["high"] - row["promised"], least)
        if (least := leasts[kind]) is not None and not row["why"]
        else ""
        for (kind, _), row in table.items()
    ]
    whole = whole[["n", "held_out", "events", "promised", "delivered", "low", "high", "kept", "size", "why"]]
    whole = whole.astype({"held_out": "Int64", "kept": "boolean"})
    verdicts = whole["kept"].dropna()
    acted_on = ~alone & (drawn != "explore")
    return LedgerPromise(
        kept=bool(verdicts.all()) if len(verdicts) else None, level=level,
        events=int(y[said | (drawn != "explore")].sum()), immature=int((~ready).sum()),
        explored=int((drawn == "explore").sum()), without_score=int((alone & np.isnan(score)).sum()),
        without_expected=int((acted_on & np.isnan(expected)).sum()), table=whole,
        least_rate=leasts["probability"], least_dollars=leasts["dollars"],
    )  # fmt: skip


def _names_or_none(column: pd.Series[Any], name: str) -> NDArray[np.object_]:
    """A column of names, None where there is none."""
    out = np.empty(len(column), dtype=object)
    for row, entry in enumerate(column.tolist()):
        if isinstance(entry, str):
            out[row] = entry
        elif not (entry is None or entry is pd.NA or (isinstance(entry, float) and math.isnan(entry))):
            raise TypeError(f"{name} must hold text; got {describe(entry)} at row {row}")
    return out


def _unchecked(why: str) -> dict[str, Any]:
    """A promise that cannot be checked, and why."""
    nothing = dict.fromkeys(("promised", "delivered", "low", "high"), math.nan)
    return {"n": 0, "held_out": None, "events": 0, **nothing, "kept": None, "why": why}


def _delivered_dollars(
    acted: NDArray[np.bool_],
    left: NDArray[np.bool_],
    value: Floats,
    w: Floats,
    cost: Floats,
    expected: Floats,
    level: float,
) -> dict[str, Any]:
    """The dollars of an action beyond leaving the case alone, beside the promise, both per case and less its cost."""
    row = _unchecked("") | {"n": int(acted.sum()), "held_out": int(left.sum())}
    told = acted & ~np.isnan(expected)
    if told.any():
        row["promised"] = float(np.average(expected[told], weights=w[told]))
    if not acted.any() or not left.any():
        return row | {"why": "nobody was held out" if acted.any() else "nobody was acted on"}
    if np.isnan(value[acted | left]).any():
        return row | {"why": f"{count(int(np.isnan(value[acted | left]).sum()), 'outcome')} without a value"}
    with_action, without = (_weighted_money(value[use], w[use], level) for use in (acted, left))
    net = float(np.average(cost[acted], weights=w[acted]))
    events = with_action[3] + without[3]
    effect, low, high = difference(with_action[:3], without[:3])
    row |= {"events": events, "delivered": effect - net, "low": low - net, "high": high - net}
    if math.isnan(low) or math.isnan(high):
        return row | {"why": f"too few events ({events}) for an interval"}
    if math.isnan(row["promised"]):
        return row | {"why": "no expected value was written down"}
    return row | {"kept": low - net <= row["promised"] <= high - net}


def _weighted_money(x: Floats, w: Floats, level: float) -> tuple[float, float, float, int]:
    """The weighted mean Σ w x / Σ w of money, its interval, and how many of the amounts differ from the usual one.

    The interval is that of the linearised mean, resting on the amounts beyond the usual one: that most cases brought
    the same is no event, whatever it is. Adding a constant to all amounts moves everything by as much.
    """
    mean = float(w @ x / w.sum())
    amounts, which = np.unique(x, return_inverse=True)
    usual = amounts[np.bincount(which, w).argmax()]
    events = int(np.count_nonzero((x != usual) & (w > 0)))
    inner = mean_interval(w / w.mean() * (x - mean), level=level, events=events)
    return mean, mean + inner.low, mean + inner.high, events
