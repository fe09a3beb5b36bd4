"""Section 3, decision: what follows from each score, what is not signed yet, and what fits."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mllayers._words import count, percent, plain
from mllayers.checkup.answers import Answer
from mllayers.checkup.desk import PRICES, Desk

__all__ = ["NO_PRICES", "ask_decision", "missing_prices"]

_MARKS = [0.05, 0.25, 0.5, 0.75, 0.95]  # shares of the thresholds of single cases
NO_PRICES = (
    "Say what the four outcomes are worth, each a number or a column: gain_tp (acted rightly), cost_fp (acted in "
    "vain), cost_fn (missed), gain_tn (left alone rightly)"
)


def ask_decision(desk: Desk) -> None:
    """Ask layer 3."""
    question = "From which score does acting pay?"
    if not desk.has("score"):
        desk.open(question, "Name the column with the probability: score='p'", "score")
    elif not desk.has_prices():
        desk.gap(question, missing_prices(desk), NO_PRICES)
    else:
        desk.ask(question, lambda: _threshold(desk, question))
        gaps = "What does the policy still leave open?"
        desk.ask(gaps, lambda: _policy_gaps(desk, gaps), weights="")
        _fits(desk)


def missing_prices(desk: Desk) -> str:
    """Which of the four numbers nobody gave."""
    told = [desk.problems[name] for name in PRICES if name in desk.problems]
    absent = [name for name in PRICES if getattr(desk.roles, name) is None]
    return "; ".join(told or [f"nobody said {', '.join(absent)}"])


def _threshold(desk: Desk, question: str) -> Answer:
    if desk.in_engine:
        return _threshold_in_engine(desk, question)
    by_case = bool(desk.price_columns())
    code = (
        "from mllayers.decision import cost_threshold",
        desk.known("score", *desk.price_columns()),
        desk.prices(),
        "found = cost_threshold(**prices)",
    )
    number = f"float(({desk.at('score')} >= found).mean())"
    if desk.roles.weights is not None:
        number = f"float(({desk.at('weights')} * ({desk.at('score')} >= found)).sum() / {desk.at('weights')}.sum())"
    thresholds = np.asarray(desk.run(code), dtype=float)
    share, n = desk.number(number), int(desk.number("len(known)"))
    stands_for = n if desk.roles.weights is None else desk.number(f"{desk.at('weights')}.sum()")
    finite = thresholds[np.isfinite(thresholds)]
    at = np.quantile(finite, _MARKS) if by_case else thresholds.reshape(1)
    return _threshold_told(desk, question, at.tolist(), share, desk.cases(n, stands_for), code, number)


def _threshold_in_engine(desk: Desk, question: str) -> Answer:
    """The same, counted where the rows are."""
    reach = desk.free("reach")
    t = f"nw.col({desk.free('threshold')!r})" if desk.price_columns() else "t"
    brought, *priced = desk.threshold_lines()
    code = (
        "from mllayers.sums import score_sums",
        brought,
        desk.known("score", *desk.price_columns()),
        *priced,
        f"acts = nw.when(nw.col({desk.at('score')}) >= {t}).then(1.0).otherwise(0.0)",
        f"found = score_sums(known.with_columns(acts.alias({reach!r})), {desk.weights()}p={reach!r}).table",
    )
    by_case, more = bool(desk.price_columns()), ""
    if by_case:
        more = f"spread = score_sums(known.filter({t}.is_between(0, 1)), p={desk.free('threshold')!r}{desk.grid()})"
        code = (*code, more)
    found = desk.run(code)
    number = "float((found['cell'] * found['weight']).sum() / found['weight'].sum())"
    at = [desk.made("spread").quantile(mark) for mark in _MARKS] if by_case else [float(desk.made("t"))]
    cases = desk.cases(int(found["rows"].sum()), float(found["weight"].sum()))
    return _threshold_told(desk, question, at, desk.number(number), cases, code, number)


def _threshold_told(
    desk: Desk, question: str, at: list[float], share: float, cases: str, code: tuple[str, ...], number: str
) -> Answer:
    """From which score acting pays, and how many cases reach it."""
    if desk.price_columns():
        table = pd.DataFrame({"threshold": at}, index=[percent(q, 0) for q in _MARKS])
        said = (
            f"Each case has its own threshold, half of them between {plain(at[1])} and {plain(at[3])}; "
            f"{percent(share)} of the {cases} reach theirs"
        )
    else:
        table = pd.DataFrame({"threshold": at}, index=["all cases"])
        said = f"Acting pays from a score of {plain(at[0])}; {percent(share)} of the {cases} reach it"
    trust = (
        "No interval: the threshold follows from the prices alone, and the share is counted. It is right if the prices "
        f"are true and {desk.if_probability()}"
    )
    trust += f". {desk.grid_told('shares of the thresholds are told')}" * bool(desk.price_columns() and desk.grid())
    return Answer("threshold", question, share, math.nan, math.nan, "share", desk.level, f"{said}.", trust, code,
                  number, table, "thresholds")  # fmt: skip


def _policy_gaps(desk: Desk, question: str) -> Answer:
    room = "" if desk.roles.capacity is None else f", capacity={desk.roles.capacity!r}"
    columns = bool(desk.price_columns())
    amounts = 'gain="gain", cost="cost"' if columns else "gain=gain, cost=cost"
    made = [
        desk.prices(),
        "cost = prices['cost_fp'] + prices.get('gain_tn', 0.0)  # acting in vain",
        "gain = prices['gain_tp'] + prices.get('cost_fn', 0.0) + cost  # acting rightly, before its cost",
    ]
    if columns and desk.in_engine:
        made = ["# gain and cost: columns, as they are made from the prices of a case"]
    elif columns:
        made = [
            desk.known("score", *desk.price_columns()),
            *made,
            "known = known.assign(gain=gain, cost=cost)  # what the rule reads of each case",
        ]
    code = (
        "from mllayers.decision import Action, Menu, Policy",
        *made,
        f'rule = Menu("leave", Action("act", {amounts}{room}))',
        'found = Policy(rule, idle="leave").gaps()',
    )
    found = desk.run(code)
    missing = desk.missing("score")
    table = pd.DataFrame({"gap": found, "open": 1}).set_index("gap")
    said = f"{count(len(found), 'thing')} to say before this rule can be signed: {'; '.join(found)}"
    trust = (
        f"Counted, for the rule that the prices make. {count(missing, 'row')} of the file "
        f"{'has' if missing == 1 else 'have'} no score{'' if missing else ', but one that comes may have none'}"
    )
    return Answer("policy_gaps", question, float(len(found)), math.nan, math.nan, "gaps", desk.level, f"{said}.", trust,
                  code, "len(found)", table, "listed")  # fmt: skip


def _fits(desk: Desk) -> None:
    question = "What fits, and what would one more be worth?"
    if desk.roles.capacity is None:
        desk.gap(question, "nobody said how many cases can be handled", "Say it: capacity=300 (cases of this file)")
        return

    def fitted() -> Answer:
        code = (
            "from mllayers.decision import expected_value, within_capacity",
            desk.known("score", *desk.price_columns()),
            desk.prices(),
            "if_one = prices['gain_tp'] + prices.get('cost_fn', 0.0)",
            "if_zero = prices['cost_fp'] + prices.get('gain_tn', 0.0)",
            f"gain = expected_value({desk.at('score')}, if_one) - expected_value(1 - {desk.at('score')}, if_zero)",
            f"found = within_capacity(gain, {int(desk.roles.capacity or 0.0)})",
        )
        found = desk.run(code)
        more = worth(found.gain, found.shadow_price)
        return told(int(found.chosen.sum()), found.chosen.size, found.gain, more, code)

    def fitted_in_engine() -> Answer:
        room = int(desk.roles.capacity or 0.0)
        code: tuple[str, ...] = (
            "from mllayers.sums import capacity_sums",
            desk.known("score", *desk.price_columns()),
            desk.prices(),
            "price = {name: nw.col(x) if isinstance(x, str) else x for name, x in prices.items()}",
            "if_one = price['gain_tp'] + price.get('cost_fn', 0.0)",
            "if_zero = price['cost_fp'] + price.get('gain_tn', 0.0)",
            f"expected = nw.col({desk.at('score')}) * if_one - (1 - nw.col({desk.at('score')})) * if_zero",
            f"known = known.with_columns(expected.alias({desk.free('expected')!r}))",
            f"sums = capacity_sums(known, gain={desk.free('expected')!r}{desk.money_grid()})",
            f"found = sums.result({room})",
        )
        found = desk.run(code)
        n = desk.made("sums").n
        free = found.shadow_price > 0 and found.used < room
        if free:  # the cases that come next share a cell, which is not taken in part
            bound = f"{count(room, 'case')} cannot bring more than {desk.cash(found.bound)}"
            return told(found.cases, n, found.gain, bound, code, on_grid=True, least="at least ")
        more = worth(found.gain, found.shadow_price)
        return told(found.cases, n, found.gain, more, code, on_grid=bool(desk.money_grid()))

    def worth(gain: float, one_more: float) -> str:
        if one_more > 0:
            return f"one more place is worth at most {desk.cash(one_more)}"
        return "all that pay fit, so one more place is worth nothing" if gain > 0 else "no case is expected to pay"

    def told(
        fit: int, n: int, gain: float, more: str, code: tuple[str, ...], *, on_grid: bool = False, least: str = ""
    ) -> Answer:
        table = pd.DataFrame({"cases": [fit, n - fit]}, index=[f"{least}fit", f"{'at most ' * bool(least)}left"])
        said = f"{least}{fit:,} of {count(n, 'case')} fit and are expected to bring {least}{desk.cash(gain)}; {more}"
        trust = f"No interval: it is what the scores promise, not what came; right if {desk.if_probability()}"
        if on_grid:
            trust += f". {desk.grid_told('counted')} of gains"
            trust += ", and cases that share a cell are taken together or not at all" * bool(least)
        return Answer("capacity", question, gain, math.nan, math.nan, "money", desk.level,
                      f"{said[0].upper()}{said[1:]}.", trust, code, "found.gain", table, "fits")  # fmt: skip

    desk.ask(question, fitted_in_engine if desk.in_engine else fitted, weights="within_capacity")
