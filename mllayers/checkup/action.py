"""Section 4, action: did chance decide, what did acting change, and at which cost does it stop paying?"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from mllayers._words import count, percent, plain, points, points_told
from mllayers.checkup.answers import Answer
from mllayers.checkup.desk import Desk

__all__ = ["ask_action"]

_NO_CHANCE = (
    "Leave a share of the cases alone at random, 5 % say, and write down the chance of what was done: "
    "propensity='prob', or propensity={'call': 0.5, 'none': 0.5} where it was the same for all"
)
_ALPHA = 0.01
_USUAL_ACTION = "What most cases get is looked for under each action, and taken for its segments, too"


def ask_action(desk: Desk) -> None:
    """Ask layer 4."""
    question = "What did acting change?"
    if not desk.has("action"):
        desk.open(question, "Name the column with what was done: action='action', control='none'", "action")
        return
    if not desk.has("propensity"):
        why = desk.problems.get(
            "propensity",
            "nobody recorded a propensity: who was treated and who was not may differ in all else, so no difference "
            "between them is an effect",
        )
        desk.gap(question, why, _NO_CHANCE)
        return
    for arm in desk.arms[1:]:
        _by_chance(desk, arm)
    if desk.has("outcome"):
        desk.ask(question, lambda: _changed(desk, question), weights="uplift_table")
    elif desk.roles.outcome is not None or not desk.has("reward"):
        desk.open(question, "Name the column with what happened: outcome='churned'", "outcome")
    _earned(desk)
    _looked_at_often(desk)


# did chance decide --------------------------------------------------------------------------------------------------


def _by_chance(desk: Desk, arm: Hashable) -> None:
    """The share of treated cases, and whether both groups were alike before."""
    columns = [c for c in desk.comparable() if c in (desk.roles.columns or ())]
    most = desk.max_rows // 10
    whole = not columns  # both tests in one, on all rows
    if columns and not desk.in_engine:
        whole = int(desk.frame[desk.column("action")].isin([desk.arms[0], arm]).sum()) <= most
    question = f"Did chance decide who got {arm}?"
    first, alpha = (columns, _ALPHA) if whole else ([], _ALPHA / 2)
    desk.ask(question, lambda: _check(desk, arm, question, first, alpha), weights="check_randomised")
    if not whole:
        alike = f"Were those who got {arm} like the others before?"
        check = "check_randomised"
        desk.ask(alike, lambda: _check(desk, arm, alike, columns, _ALPHA / 2, most), weights=check, rows=check)


def _check(
    desk: Desk, arm: Hashable, question: str, columns: list[str], alpha: float, most: int | None = None
) -> Answer:
    """One randomisation check; on a stated sample where the columns of all rows would be too many to compare."""
    control, action, chance = desk.arms[0], desk.column("action"), desk.column("propensity")
    kept = [action, chance, *columns]
    drawn = "" if most is None else f".sample({most}, random_state={desk.seed})"
    code = [
        "from mllayers.action import check_randomised",
        f"rows = frame.loc[frame[{action!r}].isin([{control!r}, {arm!r}]), {kept!r}]",
        f"rows = rows.dropna(subset={kept[:2]!r}){drawn}",
        f"treated, chance = rows[{action!r}] == {arm!r}, rows[{chance!r}]",
    ]
    if len(desk.arms) == 2:
        code.append("share = chance.where(treated, 1 - chance)")
    else:
        code.append("share = chance[treated].mean() / (chance[treated].mean() + chance[~treated].mean())")
        _same_for_all(desk, arm)
    code.append(
        f"found = check_randomised(treated, {f'rows[{columns!r}], ' if columns else ''}share=share, alpha={alpha})"
    )
    if desk.in_engine:
        code = _check_lines(desk, arm, alpha)
        found = desk.run(code)
    else:
        rows = desk.frame[[action, chance]]
        if drawn:  # the same rows, of which only those drawn are read
            two = rows[action].isin([control, arm])
            rows = rows.loc[two].dropna().sample(most, random_state=desk.seed)
        if columns:
            places = rows.index.to_numpy() if drawn else None
            rows = pd.concat([rows, desk.source.take(columns, places).set_axis(rows.index)], axis=1)
        found = desk.run([line.removesuffix(drawn) if drawn else line for line in code], rows)
    share, stated = found.treated / found.n, found.expected / found.n
    said = f"{arm}: {percent(share)} of {count(found.n, 'case')} got it where {percent(stated)} was stated "
    said += f"(p = {found.ratio_p:.2g})"
    if columns and not math.isnan(found.balance_p):
        alike = "differ no more than by chance" if found.balance_p >= alpha / 2 else "differ"
        said += (
            f", and both groups {alike} in {count(found.columns, 'column')} known before (p = {found.balance_p:.2g})"
        )
    said += "; chance is not refuted" if found.passed else "; chance hardly made these groups: read no effect"
    trust = f"{plain(100 * found.alpha)} % is the chance of a false alarm. A check that passes is no proof"
    if drawn:
        trust += f"; on {found.n:,} rows drawn with seed {desk.seed}"
    if desk.roles.columns is None:
        trust += "; no column known before the decision was named (columns=[…]), so only the share was compared"
    ends = pd.DataFrame({"stated": [stated], "found": [share]}, index=[str(arm)])
    key = f"{'alike' if drawn else 'by_chance'}_{arm}"
    return Answer(key, question, share, math.nan, math.nan, "share", 1 - found.alpha, f"{said}.", trust, tuple(code),
                  "found.treated / found.n", ends, "stated")  # fmt: skip


def _check_lines(desk: Desk, arm: Hashable, alpha: float) -> list[str]:
    """How many were treated beside the shares stated, in the engine."""
    control, action, chance = desk.arms[0], desk.column("action"), desk.column("propensity")
    treated, share = desk.free("treated"), desk.free("share")
    code = [
        "from mllayers.sums import randomised_sums",
        f"rows = frame.filter(nw.col({action!r}).is_in([{control!r}, {arm!r}])).drop_nulls([{chance!r}])",
        f"rows = rows.with_columns(nw.when(nw.col({action!r}) == {arm!r}).then(1).otherwise(0).alias({treated!r}))",
    ]
    if len(desk.arms) == 2:
        code.append(f"chance, acted = nw.col({chance!r}), nw.col({treated!r}) == 1")
        code.append("stated = nw.when(acted).then(chance).otherwise(1 - chance)")
        code.append(f"rows = rows.with_columns(stated.alias({share!r}))")
        stated = repr(share)
    else:
        (held, _), (acted, _) = _same_for_all(desk, arm)
        stated = f"{acted!r} / ({acted!r} + {held!r})"
    code.append(f"sums = randomised_sums(rows, treated={treated!r}, share={stated})")
    return [*code, f"found = sums.result(alpha={alpha})"]


def _same_for_all(desk: Desk, arm: Hashable) -> list[tuple[float, float]]:
    """With three actions and more, the file holds the chance of the one taken, and not those of the others."""
    chances = desk.chances(arm)
    if any(most > least for least, most in chances):
        raise ValueError(
            "the chances differ from case to case, and the file holds only that of the action taken: with more than "
            "two actions the chance of the others is needed, too"
        )
    return chances


# what it changed ----------------------------------------------------------------------------------------------------


def _table(desk: Desk, role: str, value: bool, least: str) -> tuple[Any, tuple[str, ...]]:
    """The table of effects of an outcome or of money, and its lines."""
    roles = [role, "action", "propensity", *(["segment"] if desk.has("segment") else [])]
    roles += ["before"] * desk.has("before") + ["amount"] * value
    more = f", by={desk.at('segment')}" if desk.has("segment") else ""
    more += f", before={desk.at('before')}" if desk.has("before") else ""
    more += f", value={desk.at('amount')}" if value else ""
    control = "" if set(desk.arms) == {0, 1} else f", control={desk.arms[0]!r}"
    if desk.in_engine:
        if desk.has("before"):
            told = f"what {desk.column('before')!r} explains is taken out of each row, and none is fetched"
            raise ValueError(f"{told}: leave before= out, or ask a sample of the rows without in_engine=True")
        what = f"y={desk.at(role)}" if role == "outcome" else f"reward={desk.at(role)}"
        lines = (
            "from mllayers.sums import table_sums",
            desk.known(*roles),
            f"sums = table_sums(known, {what}, action={desk.at('action')}, propensity={desk.at('propensity')}{more}"
            f"{control})",
            f"found = sums.result({desk.least(least)}level={desk.level})",
        )
        return desk.run(lines), lines
    code = (
        "from mllayers.action import uplift_table",
        desk.known(*roles),
        f"found = uplift_table({desk.at(role)}, {desk.at('action')}, propensity={desk.at('propensity')}{more}"
        f"{control}, {desk.least(least)}level={desk.level})",
    )
    return desk.run(code), code


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    """The effects as they are drawn and read: an arm, or an arm in a segment, in each row."""
    names = table["action"].astype(str)
    if "segment" in table:
        names = names.where(table["segment"] == "all", names + " · " + table["segment"].astype(str))
    kept = table.drop(columns=["action", *(["segment"] if "segment" in table else [])])
    return kept.rename(columns={"effect": "value"}).set_axis(pd.Index(names, name="action"))


def _first(table: pd.DataFrame, best: float = 0.0) -> int:
    """The row of the largest effect as a whole (of the best, by its sign), among those with an interval if any has."""
    whole = table["segment"] == "all" if "segment" in table else pd.Series(True, index=table.index)
    size = (best * table["effect"] if best else table["effect"].abs()).where(whole)
    known = size.where(table["low"].notna())
    return int(np.nanargmax((known if known.notna().any() else size).to_numpy(float)))


def _sure_of(desk: Desk, found: Any) -> str:
    table = found.frame()
    sure = int(table["sure"].fillna(False).sum())
    if found.asked < 2:
        return f"that it changed anything is {'' if sure else 'not '}sure"
    return f"{sure} of {count(found.asked, 'effect')} {'is' if sure == 1 else 'are'} sure, all asked together (Holm)"


def _size_told(desk: Desk, row: pd.Series[Any], name: str, value: float = 0.0) -> str:
    """Whether an effect (of this value, in money) exceeds what matters, by the interval that holds all rows at once."""
    if "size" not in row:
        return ""
    rate = name == "least"
    least = points_told(desk.roles.least or 0.0) if rate else f"{desk.cash(desk.roles.least_money or 0.0)} a case"
    words = {"alike": f"surely too small to matter, within {least}", "open": f"whether it is more than {least} is open"}
    sure = "surely" if rate or value > 0 else "surely a loss of"
    return f"; {words.get(row['size'], f'{sure} more than {least}')}"


def _changed(desk: Desk, question: str) -> Answer:
    """The effect on the outcome of each action, as a whole and by segment."""
    found, code = _table(desk, "outcome", value=False, least="least")
    table = found.frame()
    at = _first(table)
    row = table.iloc[at]
    said = (
        f"{row['action']} changed the rate by an estimated {points(row['effect'])} points ({points(row['low'])} to "
        f"{points(row['high'])}), from {percent(row['control_mean'])} to "
        f"{percent(row['control_mean'] + row['effect'])}; a dashboard counts {plain(row['claimed'])} outcomes after "
        f"it, acting changed an estimated {plain(row['incremental'])} ({plain(row['incremental_low'])} to "
        f"{plain(row['incremental_high'])}); "
        f"{_sure_of(desk, found)}{_size_told(desk, row, 'least')}"
    )
    trust = (
        f"{desk.sure} intervals from {count(found.events, 'event')} in {count(found.n, 'case')}; right if chance "
        "decided as was written down, and if no case was influenced by what was done to another"
    )
    unit = "points" if found.of == "rate" else "number"
    return Answer("effect", question, float(row["effect"]), float(row["low"]), float(row["high"]), unit, found.level,
                  f"{said}.", trust, code, f'float(found.frame()["effect"].iloc[{at}])', _rows(table),
                  "effects")  # fmt: skip


def _earned(desk: Desk) -> None:
    """The effect in money, which is the cost at which acting stops paying."""
    question = "What did acting earn, and up to which cost does it pay?"
    if desk.has("reward"):
        desk.ask(question, lambda: _money(desk, question, "reward"), weights="uplift_table")
    elif desk.has("outcome", "amount"):
        if desk.roles.outcome_is is None:
            desk.gap(question, f"nobody said whether the outcome {desk.column('outcome')!r} is wanted or not",
                     "Say it: outcome_is='gain' or outcome_is='loss'")  # fmt: skip
        else:
            desk.ask(question, lambda: _money(desk, question, "outcome"), weights="uplift_table")
    else:
        desk.open(
            question,
            "Name the money that hangs on the outcome, amount='clv', or the money that came back, reward='net'",
            *(["amount"] if desk.has("outcome") else ["reward"]),
        )


def _money(desk: Desk, question: str, role: str) -> Answer:
    found, code = _table(desk, role, value=role == "outcome", least="least_money")
    table = found.frame()
    loss = role == "outcome" and desk.roles.outcome_is == "loss"
    sign = -1.0 if loss else 1.0
    at = _first(table, sign)
    row = table.iloc[at]
    value = sign * float(row["effect"])
    low, high = (sign * float(row[name]) for name in (("high", "low") if loss else ("low", "high")))
    if loss:  # what is lost less is earned
        ends = {"effect": -table["effect"], "low": -table["high"], "high": -table["low"]}
        table = table.assign(**ends)
    said = f"{row['action']} brought an estimated {desk.cash(value, 2)} a case ({desk.ends(low, high)})"
    if role == "outcome":
        if value <= 0:
            side = "by the estimate it pays at no cost"
            side += f", though up to {desk.cash(high, 2)} is not ruled out" if high > 0 else ""
        elif low > 0:
            side = f"it pays up to a cost of {desk.cash(value, 2)} a case, surely up to {desk.cash(low, 2)}"
        else:
            side = f"it may pay up to a cost of {desk.cash(value, 2)} a case, but nothing is sure"
        said += f", its own cost not taken off: {side}"
    if found.asked > 1 or role == "reward":
        said += f"; {_sure_of(desk, found)}"
    said += _size_told(desk, row, "least_money", value)
    trust = (
        f"{desk.sure} intervals, made for many zeros and a long tail, from {count(found.events, 'event')} in "
        f"{count(found.n, 'case')}; right if chance decided as was written down"
    )
    trust += f". {_USUAL_ACTION}" * (desk.in_engine and role == "reward")
    number = f'{"-" if loss else ""}float(found.frame()["effect"].iloc[{at}])'
    return Answer("earned", question, value, low, high, "money", found.level, f"{said}.", trust, code, number,
                  _rows(table), "effects")  # fmt: skip


def _looked_at_often(desk: Desk) -> None:
    """The effect as somebody sees it who looks after each period."""
    if len(desk.arms) != 2 or not desk.has("outcome", "period") or len(desk.periods) < 2:
        return
    question = "What if somebody looks at the hold-out after each period?"

    def looked() -> Answer:
        code = (
            "from mllayers.action import hold_out_always_valid",
            desk.known("outcome", "action", "propensity", "period"),
            f"treated = {desk.at('action')} == {desk.arms[1]!r}",
            f"found = hold_out_always_valid({desk.at('outcome')}, treated, {desk.at('period')}, "
            f"propensity={desk.at('propensity')}, level={desk.level})",
        )
        found = desk.run(code)
        table = found.frame().rename(columns={"effect": "value"})
        table.index.name = "after"
        said = (
            f"After {count(found.looks, 'look')} {points(found.effect)} points, and an interval that may be looked at "
            f"as often as one likes: {points(found.low)} to {points(found.high)} (one look alone: "
            f"{points(found.fixed_low)} to {points(found.fixed_high)})"
        )
        firsts = {"always-valid": found.first, "fixed": found.first_fixed}
        seen = [f"the {name} one at {when}" for name, when in firsts.items() if when is not None]
        said += f"; no effect was first ruled out by {' and by '.join(seen)}" if seen else "; both allow for no effect"
        trust = f"{desk.sure} at all looks together, from {count(found.events, 'event')}; about the mean effect so far"
        return Answer("looks", question, found.effect, found.low, found.high, "points", found.level, f"{said}.", trust,
                      code, "found.effect", table, "effects")  # fmt: skip

    desk.ask(question, looked, weights="hold_out_always_valid", rows="hold_out_always_valid")
