"""Section 5, feedback: how old are the labels, was the promise kept, and what never comes back?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mllayers._words import count, percent, plain, span_told
from mllayers.checkup.answers import Answer
from mllayers.checkup.data import covered_lines
from mllayers.checkup.desk import Desk

__all__ = ["ask_feedback"]

_FIFTHS = 5
_MOST_ASKED = 500_000  # rows whose delays are put in order one by one


def ask_feedback(desk: Desk) -> None:
    """Ask layer 5."""
    _ages(desk)
    _kept(desk, "period")
    _kept(desk, "segment")
    _challenger(desk)
    _never(desk)


def _ages(desk: Desk) -> None:
    question = "How long do outcomes take to come back?"
    if not desk.has("time", "arrival"):
        needs = "Name when each case was decided and when its outcome arrived: time='decided_at', arrival='reported_at'"
        desk.open(question, needs, "time", "arrival")
        return

    def law() -> Answer:
        as_of, drawn = desk.as_of(), ""
        if desk.in_engine:
            code: tuple[str, ...] = (
                "from mllayers.sums import matured_sums",
                f"rows = frame.drop_nulls([{desk.column('time')!r}])",
                f"sums = matured_sums(rows, time={desk.at('time')}, arrival={desk.at('arrival')})",
                f"found = sums.law(as_of={as_of!r}, level={desk.level})",
            )
        else:
            began, came = (desk.moments(role, "rows") for role in ("time", "arrival"))
            drawn = "" if desk.source.rows <= _MOST_ASKED else f".sample({_MOST_ASKED}, random_state={desk.seed})"
            code = (
                "from mllayers.feedback import delay_law",
                f"rows = frame.dropna(subset=[{desk.column('time')!r}]){drawn}",
                f"found = delay_law({came}, {began}, as_of={as_of!r}, level={desk.level})",
            )
        try:
            found = desk.run(code)
        except ValueError as error:  # in the words of the file
            told = str(error).replace("event_time", f"arrival {desk.column('arrival')!r}")
            told = told.replace("case_time", f"time {desk.column('time')!r}")
            raise ValueError("; ".join(filter(None, [told, desk.decided_later()]))) from None
        table = found.at(np.quantile(found.table["age"], np.linspace(0, 1, 60))).drop_duplicates("age")
        table = table.set_index("age")[["share", "low", "high"]].rename_axis("days after the decision")
        most, low, high = found.age_at(0.9)
        said = (
            f"Of what comes back within {plain(found.oldest)} days, half is there after {plain(found.half)} days "
            f"({span_told(found.half_low, found.half_high, plain)}) and 90 % after {plain(most)} "
            f"({span_told(low, high, plain)})"
        )
        trust = (
            f"{desk.sure} interval from {count(found.events, 'arrival')} by {as_of}; corrected for cases too young to "
            f"show a long delay. Nothing is known beyond {plain(found.oldest)} days, nor of the "
            f"{count(found.unreported, 'case')} without an arrival"
        )
        if drawn:
            trust += f"; from {_MOST_ASKED:,} rows drawn with seed {desk.seed}"
        trust += "; delays are whole days" * desk.in_engine
        trust += f". {desk.decided_later()}" if desk.decided_later() else ""
        return Answer("delay", question, found.half, found.half_low, found.half_high, "days", found.level, f"{said}.",
                      trust, code, "found.half", table, "law")  # fmt: skip

    desk.ask(question, law, weights="delay_law")


def _kept(desk: Desk, by: str) -> None:
    """Promise against delivery, period by period or segment by segment."""
    question = f"Was the promise of the score kept, {by} by {by}?"
    if not desk.has("score", "outcome", by):
        if by == "period":
            needs = "Name the score, the outcome and the period: score='p', outcome='churned', period='month'"
            desk.open(question, needs, "score", "outcome", by)
        return
    audit = desk.has("audit")

    def kept() -> Answer:
        roles = ["score", "outcome", by, *(["audit"] if audit else [])]
        chance = f", propensity={desk.at('audit')}" if audit else ""
        groups = "when" if by == "period" else "by"
        code: tuple[str, ...] = (
            "from mllayers.feedback import promise_kept",
            desk.known(*roles),
            f"found = promise_kept({desk.at('score')}, {desk.at('outcome')}, {groups}={desk.at(by)}{chance}, "
            f"{desk.least()}level={desk.level})",
        )
        if desk.in_engine:
            code = (
                "from mllayers.sums import promise_sums",
                code[1],
                f"sums = promise_sums(known, p={desk.at('score')}, y={desk.at('outcome')}, {groups}={desk.at(by)}"
                f"{chance})",
                f"found = sums.result({desk.least()}level={desk.level})",
            )
        found = desk.run(code)
        table = found.frame()
        if by == "period":
            table = table.loc[desk.in_order(table.index)]
        asked = table["kept"].dropna()
        apart = int((~asked.astype(bool)).sum())
        said = (
            f"{percent(found.promised, 2)} was promised and {percent(found.delivered, 2)} happened "
            f"({percent(found.low, 2)} to {percent(found.high, 2)})"
        )
        if found.broken:
            row = table.iloc[int(np.nanargmin(table["by_chance"].to_numpy(float)))]
            said = (
                f"The promise is broken in {found.broken} of {count(len(asked), by)}, most clearly in {row.name}: "
                f"{percent(row['promised'], 2)} promised, {percent(row['delivered'], 2)} happened; in all, {said}"
            )
        else:
            said += f"; broken in none of {count(len(asked), by)}"
        said += desk.matters_rate(found)
        alone = f", which by chance happens in {percent(1 - desk.level, 0)} of them" * bool(apart)
        trust = (
            f"{desk.sure} interval from {count(found.events, 'event')} in {count(found.labels, 'label')}. Broken: by "
            f"intervals that hold all {by}s together; taken alone, the promise lies outside the interval of {apart} of "
            f"{count(len(asked), by)}{alone}. Not broken does not mean kept: intervals may be wide. "
        )
        if by == "period":
            share = desk.labelled_share(by)
            few = [str(name) for name in share.index[(share > 0) & (share < share.max() / 2)]]
            if few:
                trust += f"In {', '.join(few)} far fewer cases have a label: they may be those that came early. "
        trust += (
            "Labels drawn at random with known chances speak for all cases" if audit else
            "Labels that came only from where somebody looked can agree with a score for years"
        )  # fmt: skip
        return Answer(f"promise_by_{by}", question, found.delivered, found.low, found.high, "share", found.level,
                      f"{said}.", trust, code, "found.delivered", table, "promise")  # fmt: skip

    desk.ask(question, kept, weights="promise_kept")


def _challenger(desk: Desk) -> None:
    question = "What would the challenger have earned?"
    needs = (
        "Name the dollars that came back, the chance of what was done, and what the challenger would do: reward=…, "
        "propensity=…, challenger=… (its chance of the logged action, or the name of its action)"
    )
    if not desk.has("challenger", "propensity", "reward"):
        desk.open(question, needs, "challenger", "propensity", "reward")
        return

    def judged() -> Answer:
        target, roles = _challenger_told(desk)
        code: tuple[str, ...] = (
            "from mllayers.feedback import policy_value",
            desk.known(*roles),
            f"found = policy_value({desk.at('reward')}, {desk.at('propensity')}, {target}, {desk.least('least_money')}"
            f"level={desk.level})",
        )
        if desk.in_engine:
            made, target = _target_lines(desk)
            code = (
                "from mllayers.sums import policy_sums",
                code[1],
                *made,
                f"sums = policy_sums(known, reward={desk.at('reward')}, propensity={desk.at('propensity')}, "
                f"target={target})",
                f"found = sums.result({desk.least('least_money')}level={desk.level})",
            )
        found = desk.run(code)
        row = found.frame().loc["SNIPS"]
        gain, low, high = (float(row[name]) for name in ("gain", "gain_low", "gain_high"))
        whole = found.frame()[["gain", "gain_low", "gain_high"]].set_axis(["value", "low", "high"], axis=1).iloc[1:]
        ends = f"{desk.cash(low)} to {desk.cash(high)}" if not math.isnan(low) else "too few events for an interval"
        said = (
            f"The challenger would have brought {desk.cash(gain)} a case beyond what was done ({ends}): "
            f"{desk.cash(float(row['value']))} beside {desk.cash(float(found.frame()['value'].iloc[0]))}"
            f"{desk.matters(low, high)}"
        )
        trust = (
            f"{desk.sure} interval; {count(found.n, 'decision')} are worth {plain(found.n_eff)} for it, the heaviest "
            f"counts {plain(found.largest_weight)} times. Holds if the chances written down are those that were used"
        )
        return Answer("challenger", question, gain, low, high, "money", found.level, f"{said}.", trust, code,
                      'float(found.frame().loc["SNIPS", "gain"])', whole, "intervals")  # fmt: skip

    desk.ask(question, judged, weights="policy_value")
    if desk.has("segment"):
        _by_group(desk, "segment")
    if desk.has("score"):
        _by_group(desk, "band")


def _by_group(desk: Desk, by: str) -> None:
    """What the challenger gains in each segment, or in each fifth of the scores."""
    question = f"In which {'segments' if by == 'segment' else 'bands of the score'} does the challenger gain?"

    def judged() -> Answer:
        target, roles = _challenger_told(desk)
        role = "segment" if by == "segment" else "score"
        groups = desk.at("segment") if by == "segment" else "band"
        fifths = (
            f"band = pd.qcut({desk.at('score')}.astype(float), {_FIFTHS}, labels=False, duplicates='drop').to_numpy()"
        )
        code: tuple[str, ...] = (
            "from mllayers.feedback import policy_value",
            desk.known(*roles, role),
            *([fifths] if by == "band" else []),
            f"found = policy_value({desk.at('reward')}, {desk.at('propensity')}, {target}, by={groups}, "
            f"{desk.least('least_money')}level={desk.level})",
        )
        if desk.in_engine:
            code = _by_group_lines(desk, by, code[1])
        table = desk.run(code).frame()
        if by == "band":
            table.index = pd.Index([f"{low:.2g} to {high:.2g}" for low, high in _reach_of_bands(desk)])
        number = 'int((found.frame()["sure"] == "more").sum())'
        better, worse, alike = (int((table["sure"] == verdict).sum()) for verdict in ("more", "less", "alike"))
        least = "" if desk.roles.least_money is None else f" by more than {desk.cash(desk.roles.least_money)} a case"
        said = f"The challenger is surely better{least} in {better} of {count(len(table), by)}, surely worse in {worse}"
        said += f", surely alike in {alike}" if alike else ""
        gains = table["gain"].dropna()
        if len(gains):
            ends = [(str(at), float(gains[at])) for at in (gains.idxmax(), gains.idxmin())]
            most, fewest = (f"{desk.cash(gain)} a case in {name}" for name, gain in ends)
            said += f"; by the estimate it gains most, {most}" + f", and least, {fewest}" * (len(gains) > 1)
        silent = int((table["reason"] != "").sum())
        said += f"; {count(silent, by)} {'has' if silent == 1 else 'have'} too few decisions to say" if silent else ""
        trust = (
            f"Counted from intervals that hold all {by}s at once, {desk.sure}. Holds if the chances written down are "
            "those that were used. A difference between two groups is not why they differ"
        )
        if desk.in_engine:
            trust += f". What most decisions bring is looked for in all of them, and taken for each {by}"
            on_grid = by == "band" and bool(desk.grid())
            notes = [desk.grid_told("bands begin"), desk.merged_told(_FIFTHS, len(table))] if on_grid else []
            trust += "".join(f". {note}" for note in notes if note)
        drawn = table[["gain", "gain_low_all", "gain_high_all", "n", "n_eff", "events", "sure", "reason"]]
        drawn = drawn.set_axis(["value", "low", "high", "n", "n_eff", "events", "sure", "reason"], axis=1)
        return Answer(f"challenger_by_{by}", question, float(better), math.nan, math.nan, f"{by}s", desk.level,
                      f"{said}.", trust, code, number, drawn.rename_axis(by), "gains")  # fmt: skip

    desk.ask(question, judged, weights="policy_value")


def _by_group_lines(desk: Desk, by: str, known: str) -> tuple[str, ...]:
    """What the challenger gains by segment or band, in the engine."""
    made, target = _target_lines(desk)
    groups, bands, cut = desk.at("segment"), "", []
    if by == "band":
        band, bands, groups = desk.free("band"), ", score_sums", repr(desk.free("band"))
        cut = [
            f"spread = score_sums(known, p={desk.at('score')}{desk.grid()})",
            f"edges = {{spread.quantile(k / {_FIFTHS}) for k in range(1, {_FIFTHS})}} - {{spread.quantile(0)}}",
            f"above = [nw.when(nw.col({desk.at('score')}) > edge).then(1).otherwise(0) for edge in edges]",
            f"known = known.with_columns(sum(above, nw.lit(0)).alias({band!r}))",
        ]
    return (
        f"from mllayers.sums import policy_sums{bands}",
        known,
        *made,
        *cut,
        f"sums = policy_sums(known, reward={desk.at('reward')}, propensity={desk.at('propensity')}, target={target}, "
        f"by={groups})",
        f"found = sums.result({desk.least('least_money')}level={desk.level})",
    )


def _reach_of_bands(desk: Desk) -> list[tuple[float, float]]:
    """From which score to which each band reaches."""
    if desk.in_engine:
        cells, edges = desk.made("spread").table, sorted(desk.made("edges"))
        band = np.searchsorted(edges, cells["min_p"].to_numpy(), side="left")
        return [(float(low), float(high)) for low, high in _ends(cells["min_p"], cells["max_p"], band)]
    score = desk.made("known")[desk.column("score")]
    return _ends(score, score, desk.made("band"))


def _ends(low: pd.Series[Any], high: pd.Series[Any], group: Any) -> list[tuple[float, float]]:
    """The smallest and the largest entry of each group."""
    return list(zip(low.groupby(group).min(), high.groupby(group).max(), strict=True))


def _target_lines(desk: Desk) -> tuple[tuple[str, ...], str]:
    """The line that makes the challenger's chance of the logged action, where it is told by name; and its column."""
    if not desk.named_actions("challenger"):
        return (), desk.at("challenger")
    alike = f"nw.col({desk.at('challenger')}) == nw.col({desk.at('action')})"
    target = desk.free("target")
    return (f"known = known.with_columns(nw.when({alike}).then(1.0).otherwise(0.0).alias({target!r}))",), repr(target)


def _challenger_told(desk: Desk) -> tuple[str, list[str]]:
    """The chance of the challenger for the logged action, in code, and the roles that it takes."""
    names = desk.named_actions("challenger")
    if names and desk.roles.action is None:
        raise ValueError("challenger holds names of actions, and no column was named for action")
    target = f"{desk.at('challenger')} == {desk.at('action')}" if names else desk.at("challenger")
    return target, ["reward", "propensity", "challenger", *(["action"] if names else [])]


def _never(desk: Desk) -> None:
    """Actions after which no outcome is ever seen."""
    question = "What never comes back?"
    if desk.roles.outcome is None or desk.roles.action is None:
        desk.open(question, "Name what was done and what came back: action='action', outcome='fraud'", "outcome",
                  "action")  # fmt: skip
        return
    name, action = desk.column("outcome"), desk.column("action")
    if "missing in every row" in desk.problems.get("outcome", "") + desk.problems.get("action", ""):
        desk.gap(question, desk.why_not("outcome", "action"))
        return

    def gone() -> Answer:
        code: tuple[str, ...] = (
            "from mllayers.data import label_coverage",
            f"rows = frame[[{name!r}, {action!r}]]",
            f"found = label_coverage(rows[rows[{name!r}].notna()], rows, columns=[{action!r}])",
        )
        if desk.in_engine:
            code = covered_lines(desk, [action])
        found = desk.run(code)
        table = found.frame().set_index("cell")[["population", "labels"]]
        share = (table["labels"] / table["population"]).rename("share")
        table = pd.DataFrame({"share": share, **table}).sort_values("share", kind="stable")
        worst, least = table.index[0], float(table["share"].iloc[0])
        overall = found.n_labelled / found.n_population
        said = f"{percent(overall)} of the cases have an outcome, and of those with {action} = {worst} {percent(least)}"
        if least == 0:
            said += ": nothing ever comes back from them"
        trust = (
            "Counted. An outcome that is not there may be late, unreported or impossible: the file does not say which"
        )
        return Answer("never", question, least, math.nan, math.nan, "share", desk.level, f"{said}.", trust, code,
                      '(found.frame()["labels"] / found.frame()["population"]).min()', table, "shares")  # fmt: skip

    desk.ask(question, gone, weights="label_coverage")
