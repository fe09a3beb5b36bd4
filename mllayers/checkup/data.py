"""Section 1, data: what has moved, where labels are missing, and what silence may hide."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pandas as pd

from mllayers._words import count, percent, plain
from mllayers.checkup.answers import Answer
from mllayers.checkup.desk import Desk

__all__ = ["ask_data", "covered_lines"]

_NO_PERIOD = "Name a column that orders the rows in time: period='month', or time='signed_at'"


def ask_data(desk: Desk) -> None:
    """Ask layer 1."""
    _moved(desk)
    _labels(desk)
    _worst(desk)
    _audit(desk)
    _doubled(desk)


# what has moved -----------------------------------------------------------------------------------------------------


def _moved(desk: Desk) -> None:
    question = "What moved between the first and the last period?"
    if not desk.has("period"):
        desk.open(question, _NO_PERIOD, "period")
        return
    if len(desk.periods) < 2:
        desk.gap(question, f"period {desk.column('period')!r} holds a single value", _NO_PERIOD)
        return
    columns = desk.comparable()
    if not columns:
        told = (
            "; ".join(f"{name} ({why})" for name, why in list(desk.left_out.items())[:5]) or "every column has a role"
        )
        desk.gap(
            question, f"no column is left to compare: {told}", "Name columns that were known of a case: columns=[…]"
        )
        return
    first, last = (_literal(x) for x in (desk.periods[0], desk.periods[-1]))
    period = desk.column("period")
    split = [
        f"columns = {columns!r}",
        f"old, new = (frame.loc[frame[{period!r}] == when, columns] for when in ({first}, {last}))",
    ]
    part = None
    if not desk.in_engine:
        ends = desk.frame[period].isin([desk.periods[0], desk.periods[-1]]).fillna(False).to_numpy(dtype=bool)
        when = desk.frame.loc[ends, [period]].reset_index(drop=True)
        part = pd.concat([when, desk.source.take(columns, np.flatnonzero(ends)).reset_index(drop=True)], axis=1)
    shared: dict[str, Any] = {}
    between = f"between {desk.periods[0]} and {desk.periods[-1]}"

    def drifted() -> Answer:
        code: tuple[str, ...] = ("from mllayers.data import drift_report", *split, "found = drift_report(old, new)")
        if desk.in_engine:
            code = (
                "from mllayers.sums import profile_sums",
                split[0],
                f"old, new = (frame.filter(nw.col({period!r}) == when) for when in ({first}, {last}))",
                f"then = profile_sums(old, columns=columns{desk.edges('old')})",
                "found = profile_sums(new, columns=columns, like=then).result(then)",
            )
        found = shared["found"] = desk.run(code, part)
        shared["code"] = code
        table, n = found.frame(), len(found.flagged)
        names = ", ".join(map(str, found.flagged[:3]))
        said = f"{n} of {count(len(table), 'column')} moved {between}"
        said += f", {names} most of all" if n else " by more than chance moves them"
        desk.left_out |= found.left_out
        trust = (
            f"5 % is the chance that anything at all is flagged where nothing moved ({count(found.tests, 'test')} "
            f"together, {found.n_reference:,} rows then and {found.n_current:,} now). A count has no interval: each "
            "column stands beside the limit that chance sets. A column that moved need not hurt"
        )
        trust += f". {desk.edges_told(f'the rows of {desk.periods[0]}')}" * desk.in_engine
        trust += f". {desk.periodless}" if desk.periodless else ""
        return Answer("moved", question, float(n), math.nan, math.nan, "columns", 1 - found.alpha, f"{said}.", trust,
                      code, "len(found.flagged)", table, "drift")  # fmt: skip

    desk.ask(question, drifted, weights="drift_report")

    def unseen() -> Answer | None:
        found = shared.get("found")
        if found is None or found.frame()["unseen"].isna().all():
            return None
        table = found.frame()[["unseen", "unseen_by_chance"]].dropna()
        table = table.sort_values("unseen", ascending=False, kind="stable")
        worst, share = table.index[0], float(table["unseen"].iloc[0])
        more = f", where chance explains {percent(float(table['unseen_by_chance'].iloc[0]))}"
        said = f"{percent(share)} of the rows of {desk.periods[-1]} have a value of {worst} that "
        said += f"{desk.periods[0]} never had"
        none = f"No value in {count(len(table), 'column')} of categories is new in {desk.periods[-1]}"
        return Answer(
            "unseen", "Which values were never seen before?", share, math.nan, math.nan, "share", 1 - found.alpha,
            f"{said}{more}." if share else f"{none}.",
            "Counted in these rows. What chance explains is the share of new values that two draws from one source "
            "would show",
            shared["code"], 'found.frame()["unseen"].max()', table, "unseen",
        )  # fmt: skip

    desk.ask("Which values were never seen before?", unseen, weights="drift_report")

    def told_apart() -> Answer:
        most = desk.max_rows // 10
        code = (
            "from mllayers.data import adversarial_validation",
            *split,
            f"found = adversarial_validation(old, new, max_rows={most}, seed={desk.seed})",
        )
        found = desk.run(code, part)
        table = found.frame()
        sure = "tells" if found.low > 0.5 else "could not tell"
        said = (
            f"A small model {sure} the rows of {desk.periods[0]} from those of {desk.periods[-1]}: AUC {found.auc:.3f} "
            f"({found.low:.3f} to {found.high:.3f}; 0.5 is a guess)"
        )
        said += f"; {table.index[0]} gives them away first" if found.low > 0.5 else ""
        trust = f"{desk.sure} interval, on at most {most:,} rows of each period, drawn with seed {desk.seed}"
        return Answer("old_or_new", "Can old rows be told from new ones?", found.auc, found.low, found.high, "AUC",
                      found.level, f"{said}.", trust, code, "found.auc", table, "importance")  # fmt: skip

    apart = "adversarial_validation"
    desk.ask("Can old rows be told from new ones?", told_apart, weights=apart, rows=apart)


def _literal(x: Any) -> str:
    """A value as it stands in code."""
    if isinstance(x, datetime.datetime):  # pd.Timestamp is one
        return f"pd.Timestamp({str(x)!r})"
    if hasattr(x, "isoformat"):
        return f"pd.Timestamp({x.isoformat()!r}).date()"
    if isinstance(x, (pd.Period, pd.Interval)):
        return f"pd.{x!r}"
    return repr(x.item() if isinstance(x, np.generic) else x)


# where the labels are -----------------------------------------------------------------------------------------------


def _labels(desk: Desk) -> None:
    question = "Where are there cases and next to no labels?"
    needs = "Name the column with the outcome, outcome=…, and leave it empty where nobody looked"
    if desk.roles.outcome is None:
        desk.gap(question, "no column was named for outcome", needs)
        return
    if "outcome" in desk.problems and "missing in every row" in desk.problems["outcome"]:
        desk.gap(question, desk.problems["outcome"], needs)
        return
    name = desk.column("outcome")
    if not desk.missing("outcome"):
        if desk.has("inspected"):
            return
        desk.gap(
            "What was silence called?",
            f"every row has a label in {name!r}: whether somebody looked, or nobody complained and no was written, "
            "the file does not say",
            "Record who looked at each case, inspected='…', or leave the outcome empty where nobody did",
        )
        return
    roles = [desk.column(role) for role in ("action", "segment") if desk.has(role)]
    columns = [*desk.comparable(), *roles]
    if not columns:
        desk.gap(question, "no column is left to compare labelled with unlabelled rows by", "Name columns=[…]")
        return
    places, drawn = desk.sample()

    def covered() -> Answer:
        if desk.in_engine:
            code, drawn_by = covered_lines(desk, columns), ""
            found = desk.run(code)
        else:
            drawn_by, code = drawn, (
                "from mllayers.data import label_coverage",
                "population = frame",
                f"labelled = population[population[{name!r}].notna()]",
                f"found = label_coverage(labelled, population, columns={columns!r})",
            )  # fmt: skip
            labels = desk.frame[name] if places is None else desk.frame[name].iloc[places]
            rows = pd.concat([labels, desk.source.take(columns, places).set_axis(labels.index)], axis=1)
            found = desk.run(code, rows)
            code = (code[0], f"population = frame{drawn}", *code[2:])
        table = found.frame()
        blind, share = int(table["blind"].sum()), found.n_labelled / found.n_population
        said = f"{percent(share)} of the cases have a label; "
        if blind:
            worst = table.iloc[0]
            said += (
                f"{count(blind, 'blind spot')}, first {worst['column']} = {worst['cell']}: {worst['labels']:,} labels "
                f"where {worst['expected']:,.0f} would be expected"
            )
        else:
            said += f"no cell of {count(table['column'].nunique(), 'column')} is without its share of them"
        trust = (
            f"{percent(found.alpha, 0)} is the chance of any blind spot where labels were drawn blindly; "
            + (f"looked for in {desk.max_rows:,} rows drawn with seed {desk.seed}; " if drawn_by else "")
            + "what the columns do not show, this does not see"
            + f". {desk.edges_told('the rows')}" * desk.in_engine
        )
        return Answer("blind_spots", question, float(blind), math.nan, math.nan, "cells", 1 - found.alpha, f"{said}.",
                      trust, code, 'int(found.frame()["blind"].sum())', table.head(200), "coverage")  # fmt: skip

    desk.ask(question, covered, weights="label_coverage")


def covered_lines(desk: Desk, columns: list[str]) -> tuple[str, ...]:
    """Labels by the cells of these columns, in the engine."""
    return (
        "from mllayers.sums import coverage_sums" + ", profile_sums" * bool(desk.edges("frame")),
        f"columns = {columns!r}",
        f"rows = frame.with_columns((~nw.col({desk.label!r}).is_null()).alias({desk.free('labelled')!r}))",
        f"sums = coverage_sums(rows, labelled={desk.free('labelled')!r}, columns=columns{desk.edges('frame')})",
        "found = sums.result()",
    )


def _worst(desk: Desk) -> None:
    """The rate of all cases, whatever those hide of which nothing was heard (Manski), and with a report rate."""
    question = "What could the cases without a label hide at worst?"
    reports = "How many are there, if the stated share of them is reported?"
    if desk.roles.report_rate is not None and not desk.has("outcome", "inspected"):
        needs = "Name the column that says of each case whether somebody looked: inspected='…'"
        desk.open(reports, needs, "outcome", "inspected")
    if not desk.has("outcome"):
        return
    name = desk.column("outcome")
    if desk.roles.inspected is not None:
        if not desk.has("inspected"):
            desk.gap(question, desk.why_not("inspected"))
            return
        question = "What could the cases that nobody inspected hide at worst?"
        looked = f"looked = (frame[{desk.column('inspected')!r}] == 1).astype(bool)"
    elif not desk.missing("outcome"):
        return
    else:
        looked = f"looked = frame[{name!r}].notna()"
    rate = "" if desk.roles.report_rate is None or not desk.has("inspected") else f"{desk.roles.report_rate!r}"
    code = (
        "from mllayers.data import bounds_without_audit",
        looked,
        f"y = ({desk.at('outcome', 'frame')}).astype('Float64').where(frame[{name!r}].notna())",
        f"found = bounds_without_audit(y, looked, {f'report_rate={rate}, ' * bool(rate)}level={desk.level})",
    )
    if desk.in_engine:
        seen = desk.column("inspected") if desk.has("inspected") else desk.free("looked")
        there = f"rows = frame.with_columns((~nw.col({desk.label!r}).is_null()).alias({seen!r}))"
        code = (
            "from mllayers.sums import bounds_sums",
            "rows = frame" if desk.has("inspected") else there,
            f"sums = bounds_sums(rows, y={desk.label!r}, inspected={seen!r})",
            f"found = sums.result({f'report_rate={rate}, ' * bool(rate)}level={desk.level})",
        )

    def bounded() -> Answer:
        found = desk.run(code)
        by_hand = desk.has("inspected")
        value = found.low if by_hand else found.found / found.inspected
        table = pd.DataFrame({"value": [value], "low": [found.low], "high": [found.high]}, index=["all cases"])
        said = f"{percent(value, 2)} of the cases with a label"
        if by_hand:
            said = f"{found.found:,} were found in {count(found.inspected, 'inspected case')}, "
            said += f"{found.reported:,} reported of the others"
        said += (
            f"; of all cases between {percent(found.low, 2)} and {percent(found.high, 2)}, whatever the "
            f"{count(found.silent, 'case')} {'of which nothing was heard' if by_hand else 'without one'} hold"
        )
        trust = (
            "No chance and no assumption: every rate between these ends agrees with the file. Only a random audit, or "
            "somebody who signs for a share that is reported (inspected='…', report_rate=…), narrows it"
        )
        number = "found.low" if by_hand else "found.found / found.inspected"
        return Answer("worst_case", question, value, found.low, found.high, "share", 1.0, f"{said}.", trust, code,
                      number, table, "interval")  # fmt: skip

    def reported() -> Answer:
        found = desk.run(code)
        ends = [found.reported_low, found.reported_high]
        middle = sum(ends) / 2
        told = " to ".join(dict.fromkeys(percent(end, 2) for end in ends))
        shares = " to ".join(dict.fromkeys(percent(share, 0) for share in found.report_rate))
        table = pd.DataFrame({"value": [middle, (found.low + found.high) / 2], "low": [found.chance_low, found.low],
                              "high": [found.chance_high, found.high]},
                             index=[f"if {shares} is reported", "without an assumption"])  # fmt: skip
        said = (
            f"If {shares} of what happens in cases that nobody inspected is reported, the {found.reported:,} reports "
            f"stand for {told} of all cases ({percent(found.chance_low, 2)} to {percent(found.chance_high, 2)} with "
            "the chance of who reports)"
        )
        trust = (
            f"{desk.sure} interval for the chance in what is reported, and right only if the stated share is: nothing "
            "in the file says so, somebody has to sign for it. Reports of what did not happen are not allowed for"
        )
        return Answer("reported_rate", reports, middle, found.chance_low, found.chance_high, "share", found.level,
                      f"{said}.", trust, code, "(found.reported_low + found.reported_high) / 2", table,
                      "interval")  # fmt: skip

    desk.ask(question, bounded, weights="bounds_without_audit")
    if rate:
        desk.ask(reports, reported, weights="bounds_without_audit")


def _audit(desk: Desk) -> None:
    """The rate of all cases, from a random audit with known chances."""
    question = "How often does it happen, by a random audit?"
    if desk.roles.outcome is None:
        return
    if desk.roles.audit is None:
        if desk.has("outcome") and desk.missing("outcome"):
            desk.gap(
                question,
                "no label is known to have been drawn at random, so the labels speak for the cases that somebody chose",
                "Draw 1 % of the cases at random, label them all, and write the chance of each case down: audit='…'",
            )
        return
    if not desk.has("outcome", "audit"):
        desk.gap(question, desk.why_not("outcome", "audit"))
        return
    name = desk.column("outcome")

    def rate() -> Answer:
        code: tuple[str, ...] = (
            "from mllayers.data import weighted_rate",
            f"y = ({desk.y.format(f'frame[{name!r}]')}).astype('Float64').where(frame[{name!r}].notna())",
            f"found = weighted_rate(y, frame[{desk.column('audit')!r}], level={desk.level})",
        )
        if desk.in_engine:
            code = (
                "from mllayers.sums import rate_sums",
                f"sums = rate_sums(frame, y={desk.label!r}, propensity={desk.column('audit')!r})",
                f"found = sums.result(level={desk.level})",
            )
        found = desk.run(code)
        table = pd.DataFrame({"value": [found.hajek], "low": [found.low], "high": [found.high]}, index=["by the audit"])
        said = (
            f"By the audit {percent(found.hajek, 2)} of all cases ({percent(found.low, 2)} to "
            f"{percent(found.high, 2)}), from {count(found.events, 'event')} in {count(found.n_labels, 'label')} "
            f"worth {plain(found.n_eff)}"
        )
        trust = f"{desk.sure} interval; holds if the chances written down are those with which cases were drawn"
        if found.n_never:
            trust += f"; {count(found.n_never, 'case')} could not be drawn: nothing is known of them"
        return Answer("audited_rate", question, found.hajek, found.low, found.high, "share", found.level, f"{said}.",
                      trust, code, "found.hajek", table, "interval")  # fmt: skip

    desk.ask(question, rate, weights="weighted_rate")


def _doubled(desk: Desk) -> None:
    if desk.in_engine and desk.has("case"):
        name = desk.column("case")
        why = f"to count the different ids of {name!r} all of them would have to be kept in memory"
        desk.gap("Is a row one case?", why, f"Count them where they are: select count(distinct {name}), count(*) …")
    elif "case" in desk.problems:
        desk.gap("Is a row one case?", desk.problems["case"], "Keep one row a case, or say what tells the rows apart")
