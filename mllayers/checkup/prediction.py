"""Section 2, prediction: is the score a probability, and what is it worth beside deciding without it?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mllayers._words import count, percent, plain
from mllayers.checkup.answers import Answer
from mllayers.checkup.decision import NO_PRICES, missing_prices
from mllayers.checkup.desk import PRICES, Desk

__all__ = ["ask_prediction"]

_BANDS = 10
_ALTERNATIVES = {
    "nobody": "acting on nobody",
    "everyone": "acting on everyone",
    "the base rate": "acting where the prices of the case pay at the base rate",
}


def ask_prediction(desk: Desk) -> None:
    """Ask layer 2."""
    if desk.has("score", "outcome") and not desk.one_class:
        question = "Does it happen as often as the score says?"
        desk.ask(question, lambda: _by_band(desk, question))
        if desk.has_prices():
            worth = "What is the score worth, beside the best decision without it?"
            desk.ask(worth, lambda: _worth(desk, worth))
            best = "What would the best threshold earn?"
            desk.ask(best, lambda: _best(desk, best, ""), rows="value_of_model")
            if desk.in_engine:
                curve = "What does each threshold earn in these cases?"
                desk.ask(curve, lambda: _curve(desk, curve))
            if desk.roles.capacity is not None and not desk.price_columns():
                fits = "What would the best threshold within the capacity earn?"
                parts = ("known", "frame")
                if desk.roles.weights is None:
                    part, whole = (f"len({rows})" for rows in parts)
                else:
                    part, whole = (f"{desk.at('weights', rows)}.sum()" for rows in parts)
                room = f"capacity={desk.roles.capacity!r} * {part} / {whole}, "
                desk.ask(fits, lambda: _best(desk, fits, room), rows="value_of_model")
        else:
            desk.gap("What is the score worth, beside the best decision without it?", missing_prices(desk), NO_PRICES)
        _prices_open(desk)
        _rival(desk)
    else:
        question = "What does the score say, and what is it worth?"
        needs = "Name the column with the probability, score='p', and the one with what happened, outcome='churned'"
        if desk.has("score", "outcome"):
            desk.gap(question, desk.one_class, "Wait for labels of the other kind, or draw some cases at random")
        else:
            desk.open(question, needs, "score", "outcome")
    _before_labels(desk)


def _by_band(desk: Desk, question: str) -> Answer:
    code: tuple[str, ...] = (
        "from mllayers.prediction import calibration_by_band",
        desk.known("score", "outcome"),
        f"found = calibration_by_band({desk.at('outcome')}, {desk.at('score')}, bands={_BANDS}, {desk.weights()}"
        f"{desk.least()}level={desk.level})",
    )
    if desk.in_engine:
        weights = desk.weights()
        code = (
            "from mllayers.sums import calibration_sums, score_sums",
            code[1],
            f"spread = score_sums(known, {weights}p={desk.at('score')}{desk.grid()})",
            f"bands = spread.result({_BANDS})",
            f"sums = calibration_sums(known, {weights}y={desk.at('outcome')}, p={desk.at('score')}, bands=bands)",
            f"found = sums.result({desk.least()}level={desk.level})",
        )
    found = desk.run(code)
    table = found.frame()
    ends = zip(table["score_from"], table["score_to"], strict=True)
    table.index = pd.Index([f"{low:.2g} to {high:.2g}" for low, high in ends], name="score")
    table = table.rename(columns={"happened": "delivered"})
    said = (
        f"{percent(found.promised, 2)} was promised and {percent(found.happened, 2)} happened ({percent(found.low, 2)} "
        f"to {percent(found.high, 2)})"
    )
    if found.broken:
        desk.miscalibrated = f"in {found.broken} of {count(len(table), 'band')}"
        row = table.iloc[int(np.argmin(table["by_chance"]))]
        said = (
            f"The promise is broken {desk.miscalibrated}, most clearly at {row.name}: {percent(row['promised'])} "
            f"promised, {percent(row['delivered'])} happened; in all, {said}"
        )
    else:
        said += f"; broken in none of {count(len(table), 'band')}, as far as chance lets one see"
    said += desk.matters_rate(found)
    trust = (
        f"{desk.sure} interval from {count(found.events, 'event')} in {count(found.n, 'label')}; a band is called "
        "broken only where all bands together allow it. It speaks for cases that have a label, and "
        "only if the model was not fitted on them"
    )
    if desk.grid():
        notes = [desk.grid_told("bands begin"), desk.merged_told(_BANDS, len(table))]
        trust += "".join(f". {note}" for note in notes if note)
    return Answer("calibration", question, found.happened, found.low, found.high, "share", found.level, f"{said}.",
                  trust, code, "found.happened", table, "promise")  # fmt: skip


def _worth(desk: Desk, question: str) -> Answer:
    by_segment = ["segment"] if desk.has("segment") else []
    by = f"by={desk.at('segment')}, " if by_segment else ""
    matters = desk.least("least_money") * bool(by)
    code: tuple[str, ...] = (
        "from mllayers import decision, prediction",
        desk.known("score", "outcome", *by_segment, *desk.price_columns()),
        desk.prices(),
        "t = decision.cost_threshold(**prices)",
        f"found = prediction.value_of_model({desk.at('outcome')}, {desk.at('score')}, threshold=t, {by}"
        f"{desk.weights()}{matters}level={desk.level}, **prices)",
    )
    if desk.in_engine:
        brought, *priced = desk.threshold_lines()
        code = (
            "from mllayers.sums import value_sums",
            brought,
            code[1],
            *priced,
            f"sums = value_sums(known, y={desk.at('outcome')}, p={desk.at('score')}, threshold=t, {by}{desk.weights()}"
            "**prices)",
            f"found = sums.result({matters}level={desk.level})",
        )
    found = desk.run(code)
    table = pd.DataFrame(
        {"value": [found.value], "low": [found.low], "high": [found.high]}, index=["with the score, beyond without it"]
    )
    ends = desk.ends(found.low, found.high)
    said = (
        f"At the threshold that follows from the prices the score is worth {desk.cash(found.value)} ({ends}) over "
        f"{desk.cases(found.n, found.stands_for)}: {desk.cash(found.with_model)} with it, "
        f"{desk.cash(found.without_model)} without ({_ALTERNATIVES.get(found.without, found.without)})"
        f"{desk.matters(found.low / found.stands_for, found.high / found.stands_for)}"
    )
    if found.table is not None:
        table = pd.concat([table, found.table])
        sure = int((found.table["sure"] == "more").sum())
        least = desk.roles.least_money
        above = "above nothing" if least is None else f"more than {desk.cash(least)} a case"
        said += f"; surely {above} in {sure} of {count(len(found.table), 'segment')}, all asked together"
    trust = (
        f"{desk.sure} interval from {count(found.events, 'event')} among the cases decided differently; it covers "
        "which cases came, not whether the prices are true, and holds only on cases the model was not fitted on"
    )
    return Answer("value_of_score", question, found.value, found.low, found.high, "money", found.level, f"{said}.",
                  trust, code, "found.value", table, "interval")  # fmt: skip


def _best(desk: Desk, question: str, room: str) -> Answer:
    """The best threshold; with a capacity, the share of it that falls on the cases with a label."""
    code = (
        "from mllayers.prediction import money_by_threshold, value_of_model",
        desk.known("score", "outcome", *desk.price_columns()),
        desk.prices(),
        f"found = value_of_model({desk.at('outcome')}, {desk.at('score')}, {room}{desk.weights()}level={desk.level}, "
        "**prices)",
        f"sweep = money_by_threshold({desk.at('outcome')}, {desk.at('score')}, {room}{desk.weights()}**prices)",
    )
    found = desk.run(code)
    said, table = _top_told(desk, desk.made("sweep"), everyone=not room)
    drawn = " at random, as many as fit" if room and found.without == "everyone" else ""
    said += (
        f"; on other cases the search is worth {desk.cash(found.value)} beyond deciding without the score "
        f"({_ALTERNATIVES.get(found.without, found.without)}{drawn})"
    )
    bound = "too few events for a bound" if math.isnan(found.low) else f"at least {desk.cash(found.low)}"
    trust = (
        "The highest point flatters, since the same cases chose it; what it is worth on other cases is told by parts "
        f"that did not choose it ({desk.sure} bound: {bound})"
    )
    key = "best_within_capacity" if room else "best_threshold"
    return Answer(key, question, found.value, found.low, found.high, "money", found.level, f"{said}.",
                  trust, code, "found.value", table, "sweep")  # fmt: skip


def _top_told(desk: Desk, sweep: Any, *, everyone: bool) -> tuple[str, pd.DataFrame]:
    """The highest point of the curve in words, and the curve as it is drawn."""
    evenly = np.searchsorted(sweep.acted, np.linspace(0, sweep.acted[-1], 200))
    kept = np.unique([0, sweep.best, *np.minimum(evenly, len(sweep.acted) - 1), len(sweep.acted) - 1])
    table = sweep.frame().iloc[kept].reset_index(drop=True)
    top = sweep.threshold[sweep.best]
    rule = (
        "Acting on nobody"
        if np.isinf(top)
        else f"Acting from {plain(float(top))} on ({sweep.acted[sweep.best]:,.0f} cases)"
    )
    said = f"{rule} earns most in these cases: {desk.cash(float(sweep.profit[sweep.best]))}"
    said += f", on everyone {desk.cash(float(sweep.profit[-1]))}" * everyone
    return f"{said}, on nobody {desk.cash(float(sweep.profit[0]))}", table


def _curve(desk: Desk, question: str) -> Answer:
    """Money by threshold, in the engine: the curve alone, since no part of the rows is kept to grade its top."""
    asked = f"(known, y={desk.at('outcome')}, p={desk.at('score')}{desk.grid()}, {desk.weights()}**prices)"
    code = (
        f"from mllayers.sums import {'best_threshold' if desk.grid() else 'threshold_sums'}",
        desk.known("score", "outcome", *desk.price_columns()),
        desk.prices(),
        f"found = best_threshold{asked}" if desk.grid() else f"found = threshold_sums{asked}.result()",
    )
    found = desk.run(code)
    said, table = _top_told(desk, found, everyone=True)
    trust = (
        "No interval: counted. The highest point flatters, since the same cases chose it: take the threshold of an "
        "earlier period, or the one that follows from the prices"
    )
    value = float(found.profit[found.best])
    return Answer("money_curve", question, value, math.nan, math.nan, "money", desk.level, f"{said}.", trust, code,
                  "float(found.profit[found.best])", table, "sweep")  # fmt: skip


def _prices_open(desk: Desk) -> None:
    """Over which prices the score beats both acting on nobody and on everyone."""
    question = "Over which prices does that hold?"
    if not desk.has_prices():
        question = "Over which prices is the score worth anything?"

    def curve() -> Answer:
        code = (
            "from mllayers.decision import decision_curve",
            desk.known("score", "outcome"),
            f"found = decision_curve({desk.at('outcome')}, {desk.at('score')}, {desk.weights()}level={desk.level})",
        )
        found = desk.run(code)
        table = found.frame().set_index("cost").rename_axis("cost of a wrong action / gain of a right one")
        best = int(np.argmax(table["value"].to_numpy(float)))
        row = table.iloc[best]
        if found.better:
            said = (
                "The score earns more than acting on nobody and on everyone where a wrong action costs "
                f"{_widest(found.better)} times what a right one brings"
            )
            at = _widest(found.sure) if found.sure else "no price"
            said += f" (the interval lies above nothing at {at})"
        else:
            said = "At no price of a wrong action does the score earn more than acting on nobody and on everyone"
        said += _own_price(desk, found)
        trust = (
            f"{desk.sure} at each price by itself, from {count(found.events, 'event')} in {count(found.n, 'row')}; "
            f"the number is what the score is worth at the price that suits it best, {plain(float(row.name))}, in "
            "right actions; chosen as the largest, it flatters a little. One price for all cases, and each is acted on "
            "from its own threshold, as if the score were a probability"
        )
        return Answer("prices", question, float(row["value"]), float(row["low"]), float(row["high"]), "right actions",
                      found.level, f"{said}.", trust, code, 'float(found.frame()["value"].max())', table,
                      "prices")  # fmt: skip

    desk.ask(question, curve, rows="decision_curve")


def _widest(ranges: list[tuple[float, float]]) -> str:
    """The widest of some ranges of prices, in words."""
    low, high = max(ranges, key=lambda ends: ends[1] / ends[0])
    return plain(low) if low == high else f"{plain(low)} to {plain(high)}"


def _own_price(desk: Desk, found: Any) -> str:
    """Where the caller's own prices lie, if they are the same for all cases."""
    if not desk.has_prices() or desk.price_columns():
        return ""
    gain_tp, cost_fp, cost_fn, gain_tn = (float(getattr(desk.roles, name) or 0.0) for name in PRICES)
    right, wrong = gain_tp + cost_fn, cost_fp + gain_tn
    if right <= 0 or wrong <= 0:
        return ""
    inside = any(low <= wrong / right <= high for low, high in found.better)
    return f"; your prices say {plain(wrong / right)}, {'inside' if inside else 'outside'}"


def _rival(desk: Desk) -> None:
    """The second score beside the first, on the same cases."""
    question = "Which of the two scores earns more on the same cases?"
    if desk.roles.rival is None:
        return
    if not desk.has("rival") or not desk.has_prices():
        desk.gap(question, desk.why_not("rival") or missing_prices(desk), "" if desk.has_prices() else NO_PRICES)
        return

    def compared() -> Answer:
        code: tuple[str, ...] = (
            "from mllayers.prediction import compare_models",
            desk.known("score", "rival", "outcome", *desk.price_columns()),
            desk.prices(),
            f"found = compare_models({desk.at('outcome')}, {desk.at('score')}, {desk.at('rival')}, {desk.weights()}"
            f"{desk.least('least_money')}level={desk.level}, **prices)",
        )
        if desk.in_engine:
            brought, *priced = desk.threshold_lines()
            code = (
                "from mllayers.sums import value_sums",
                brought,
                code[1],
                *priced,
                f"sums = value_sums(known, y={desk.at('outcome')}, p={desk.at('score')}, without={desk.at('rival')}, "
                f"threshold=t, {desk.weights()}**prices)",
                f"found = sums.result(level={desk.level})",
            )
            found = desk.run(code)
            parts = desk.made("sums").table
            differ = int(parts.loc[parts["acts"] != parts["above"], "rows"].sum())
            return told(found, found.with_model, found.without_model, found.value, differ, code, "found.value")
        found = desk.run(code)
        return told(found, found.first, found.second, found.total, found.differ, code, "found.total")

    def told(
        found: Any, earns: float, other: float, total: float, differ: int, code: tuple[str, ...], number: str
    ) -> Answer:
        first, second = desk.column("score"), desk.column("rival")
        table = pd.DataFrame({"value": [total], "low": [found.low], "high": [found.high]},
                             index=[f"{first} beyond {second}"])  # fmt: skip
        said = (
            f"{first} earns {desk.cash(earns)} and {second} {desk.cash(other)} on the same "
            f"{desk.cases(found.n, found.stands_for)}: a difference of {desk.cash(total)} "
            f"({desk.ends(found.low, found.high)})"
            f"{desk.matters(found.low / found.stands_for, found.high / found.stands_for)}"
        )
        trust = (
            f"{desk.sure} interval of the paired difference, from {count(found.events, 'event')} among the "
            f"{count(differ, 'case')} that the two decide differently"
        )
        return Answer("rival", question, total, found.low, found.high, "money", found.level, f"{said}.", trust,
                      code, number, table, "intervals")  # fmt: skip

    desk.ask(question, compared)


def _before_labels(desk: Desk) -> None:
    """What the scores of the cases without a label promise."""
    if not desk.has("score", "outcome") or not desk.has_prices():
        return
    question = "What do the cases without a label promise?"
    name = desk.column("outcome")
    if not desk.missing("outcome"):
        return

    def expected() -> Answer:
        weighed = [] if desk.roles.weights is None else ["weights"]
        names = [desk.column(role) for role in ("score", *desk.price_columns(), *weighed)]
        code = (
            "from mllayers.prediction import expected_performance",
            f"known = frame.loc[frame[{name!r}].isna(), {list(dict.fromkeys(names))!r}].dropna()",
            desk.prices(),
            f"found = expected_performance({desk.at('score')}, {desk.weights()}level={desk.level}, **prices)",
        )
        found = desk.run(code)
        table = pd.DataFrame({"value": [found.money, found.nobody, found.everyone], "low": [found.low, np.nan, np.nan],
                              "high": [found.high, np.nan, np.nan]},
                             index=["acting where it pays", "acting on nobody", "acting on everyone"])  # fmt: skip
        said = (
            f"{desk.cases(found.n, found.stands_for)} without a label promise {desk.cash(found.money)} "
            f"({desk.ends(found.low, found.high)}) if acted on where it pays ({count(found.acted, 'row')}), "
            f"{desk.cash(found.nobody)} if nobody is"
        )
        said += "" if math.isnan(found.auc) else f"; the AUC they should show is {found.auc:.3f}"
        trust = (
            f"{desk.sure} interval for what their labels will show, if the score is a probability there: it cannot see "
            "that the world has moved, nor cases that will never have a label"
        )
        return Answer("before_labels", question, found.money, found.low, found.high, "money", found.level, f"{said}.",
                      trust, code, "found.money", table, "intervals")  # fmt: skip

    desk.ask(question, expected, rows="expected_performance")
