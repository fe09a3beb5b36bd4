"""Section 3, decision: what follows from each score, what is not signed yet, and what fits."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mllayers._words import count, percent, plain
from mllayers.checkup.answers import Answer
from mllayers.checkup.desk import PRICES, Desk

__all__ = ["NO_PRICES", "ask_decision", "missing_prices"]

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
    if by_case:
        marks = [0.05, 0.25, 0.5, 0.75, 0.95]
        table = pd.DataFrame({"threshold": np.quantile(finite, marks)}, index=[percent(q, 0) for q in marks])
        said = (
            f"Each case has its own threshold, half of them between {plain(table['threshold'].iloc[1])} and "
            f"{plain(table['threshold'].iloc[3])}; {percent(share)} of the {desk.cases(n, stands_for)} reach theirs"
        )
    else:
        table = pd.DataFrame({"threshold": [float(thresholds)]}, index=["all cases"])
        said = f"Acting pays from a score of {plain(float(thresholds))}; {percent(share)} of the "
        said += f"{desk.cases(n, stands_for)} reach it"
    trust = (
        "No interval: the threshold follows from the prices alone, and the share is counted. It is right if the prices "
        f"are true and {desk.if_probability()}"
    )
    return Answer("threshold", question, share, math.nan, math.nan, "share", desk.level, f"{said}.", trust, code,
                  number, table, "thresholds")  # fmt: skip


def _policy_gaps(desk: Desk, question: str) -> Answer:
    room = "" if desk.roles.capacity is None else f", capacity={desk.roles.capacity!r}"
    columns = bool(desk.price_columns())
    amounts = 'gain="gain", cost="cost"' if columns else "gain=gain, cost=cost"
    code = (
        "from mllayers.decision import Action, Menu, Policy",
        *([desk.known("score", *desk.price_columns())] if columns else []),
        desk.prices(),
        "cost = prices['cost_fp'] + prices.get('gain_tn', 0.0)  # acting in vain",
        "gain = prices['gain_tp'] + prices.get('cost_fn', 0.0) + cost  # acting rightly, before its cost",
        *(["known = known.assign(gain=gain, cost=cost)  # what the rule reads of each case"] if columns else []),
        f'rule = Menu("leave", Action("act", {amounts}{room}))',
        'found = Policy(rule, idle="leave").gaps()',
    )
    found = desk.run(code)
    missing = int(desk.frame[desk.column("score")].isna().sum())
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
            f"found = within_capacity(gain, {desk.roles.capacity!r})",
        )
        found = desk.run(code)
        table = pd.DataFrame({"cases": [int(found.chosen.sum()), int((~found.chosen).sum())]}, index=["fit", "left"])
        said = (
            f"{found.chosen.sum():,} of {count(found.chosen.size, 'case')} fit and are expected to bring "
            f"{desk.cash(found.gain)}; one more place is worth at most {desk.cash(found.one_more)}"
        )
        trust = f"No interval: it is what the scores promise, not what came; right if {desk.if_probability()}"
        return Answer("capacity", question, found.gain, math.nan, math.nan, "money", desk.level, f"{said}.", trust,
                      code, "found.gain", table, "fits")  # fmt: skip

    desk.ask(question, fitted, weights="within_capacity")
