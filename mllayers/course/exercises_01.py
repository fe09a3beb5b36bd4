"""The exercises of notebook 1, Data.

What the checks take: ``orders`` as `mllayers.shop.make_orders` returns them (with their truth), ``seen`` as
`mllayers.shop.observe` returns it, ``audit`` the same after a random audit of the orders that nobody inspected, with a
column ``propensity`` (1 where the rule inspects, the audit share elsewhere), and ``importance``, a table with
``column`` and ``importance``.
"""

from __future__ import annotations

import math

import pandas as pd

from mllayers._check import as_frame, as_number
from mllayers.course.exercises import Exercise, Names, Number, Wrong

HALF_WIDTH = 0.003  # N1-3 asks for the rate within 0.3 percentage points …
Z = 1.96  # … with 95 % confidence
AUDITED_MONTHS = 5
DAYS_PER_MONTH = 30
CLOCKS = {"order_id", "month", "day"}  # they tell old from new by definition


def _frauds(orders: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    """The true frauds: their pattern, and whether they have a label, and whether it says fraud."""
    as_frame(orders, "orders", ["_kind", "_is_fraud"])
    as_frame(seen, "seen", ["label", "known"])
    if not orders.index.equals(seen.index):
        raise ValueError("orders and seen must hold the same orders in the same row order")
    known = seen["known"].to_numpy(bool)
    table = pd.DataFrame({"kind": orders["_kind"].astype(str), "known": known})
    table["labelled"] = known & (seen["label"].to_numpy(float) == 1)
    frauds = table[orders["_is_fraud"].to_numpy(bool)]
    if frauds.empty:
        raise ValueError("there is no fraud among these orders")
    return frauds


def _coverage(orders: pd.DataFrame, seen: pd.DataFrame) -> float:
    return float(_frauds(orders, seen)["labelled"].mean())


def _coverage_by_kind(orders: pd.DataFrame, seen: pd.DataFrame) -> pd.Series[float]:
    return _frauds(orders, seen).groupby("kind")["labelled"].mean()


def _coverage_by_audit(seen: pd.DataFrame, audit: pd.DataFrame) -> float:
    labelled = seen["known"].to_numpy(bool) & (seen["label"].to_numpy(float) == 1)
    return float(labelled.mean()) / _audited_rate(audit)


def _reviewed(audit: pd.DataFrame) -> pd.DataFrame:
    """The orders that a person reviewed, because of the rule or at random."""
    as_frame(audit, "audit", ["label", "known", "source", "propensity"])
    rows = audit[audit["source"].isin(["review", "audit"]) & audit["known"].to_numpy(bool)]
    if not (rows["source"] == "audit").any():
        raise ValueError("audit holds no audited order (source 'audit')")
    if not rows["propensity"].between(0, 1, inclusive="right").all():
        raise ValueError("audit must give every order that was reviewed a propensity above 0 and at most 1")
    return rows


def _audited_rate(audit: pd.DataFrame) -> float:
    """Horvitz and Thompson's estimate: every order that was reviewed stands for 1 / propensity orders."""
    rows = _reviewed(audit)
    return float((rows["label"] / rows["propensity"]).sum() / len(audit))


def _three_standard_errors(audit: pd.DataFrame) -> float:
    """Who hands in the true rate is right, whatever the audit's luck: it lies within two only 19 times in 20."""
    rows = _reviewed(audit)
    squares = (1 - rows["propensity"]) * (rows["label"] / rows["propensity"]) ** 2
    return 3 * math.sqrt(float(squares.sum())) / len(audit)


def _true_rate(audit: pd.DataFrame, orders: pd.DataFrame) -> float:
    as_frame(orders, "orders", ["_is_fraud"])
    return float(orders["_is_fraud"].mean())


def _rate_among_audited(audit: pd.DataFrame) -> float:
    rows = _reviewed(audit)
    return float(rows.loc[rows["source"] == "audit", "label"].mean())


def _highest_rate_among_audited(audit: pd.DataFrame) -> float:
    """The upper 95 % limit: who plans with it is prudent, not wrong."""
    p, n = _rate_among_audited(audit), int((_reviewed(audit)["source"] == "audit").sum())
    return p + Z * math.sqrt(p * (1 - p) / n)


def _rate_by_silence(audit: pd.DataFrame) -> float:
    """What the team would count without the audit: silence means legitimate."""
    known = audit[audit["known"].to_numpy(bool) & (audit["source"] != "audit")]
    return float((known["label"] == 1).sum() / len(audit))


def _audits_for(rate: float) -> float:
    return Z**2 * rate * (1 - rate) / HALF_WIDTH**2


def _payback_days(cost: float, gain_per_month: float) -> float:
    cost = as_number(cost, "cost", ge=0)
    gain = as_number(gain_per_month, "gain_per_month")
    return DAYS_PER_MONTH * cost / gain if gain > 0 else math.inf


def _ranked(importance: pd.DataFrame | pd.Series[float]) -> list[str]:
    """The columns from the most to the least telling, clocks left out."""
    if isinstance(importance, pd.Series):
        importance = importance.rename_axis("column").rename("importance").reset_index()
    table = as_frame(importance, "importance", ["column", "importance"]).sort_values("importance", ascending=False)
    columns = [str(name) for name in table["column"] if name not in CLOCKS]
    if len(columns) < 5:
        raise ValueError("importance must hold at least five columns beside order_id, month and day")
    return columns


def _least_telling(importance: pd.DataFrame | pd.Series[float]) -> set[str]:
    return {name for name in _ranked(importance)[3:] if name != "amount_usd"} & set(_ranked(importance)[-3:])


EXERCISES = (
    Exercise(
        id="N1-1",
        ask="Which share of the true frauds of months 0 to 4 has a label that says fraud at the end of month 4?",
        kind=Number("share", absolute=0.05),
        reference=_coverage,
        also=(_coverage_by_audit,),
        wrong=(
            Wrong(
                "recall on the labelled frauds",
                lambda orders, seen: 1.0,
                "Of which frauds is that the share? Among the labelled ones nearly all are found, because being found "
                "is how they got their label. Divide by all true frauds.",
                near=0.02,
            ),
            Wrong(
                "the pattern the rules know, alone",
                lambda orders, seen: float(_coverage_by_kind(orders, seen).max()),
                "That is the share for the pattern the rules know. There is another one: weight by how many there are "
                "of each.",
            ),
            Wrong(
                "plain mean over the patterns",
                lambda orders, seen: float(_coverage_by_kind(orders, seen).mean()),
                "That is the plain mean over the patterns. They are not equally frequent: weight by how many there "
                "are of each.",
            ),
            Wrong(
                "any label counts",
                lambda orders, seen: float(_frauds(orders, seen)["known"].mean()),
                "That counts every fraud with any label. Silence labels many of them legitimate: count only labels "
                "that say fraud.",
            ),
            Wrong(
                "only frauds whose label is known",
                lambda orders, seen: float(_frauds(orders, seen).query("known")["labelled"].mean()),
                "That leaves out the frauds nobody knows anything about yet. They are true frauds too: they belong to "
                "the whole.",
            ),
            Wrong(
                "the share without a label",
                lambda orders, seen: 1 - _coverage(orders, seen),
                "That is the share that has no fraud label: the other side of the answer.",
            ),
        ),
        hints=(
            "A share has a whole. Here it is all true frauds, whether anybody noticed them or not.",
            "A fraud carries its label when `known` is true and `label` is 1. A 0 that came from silence is no fraud "
            "label.",
            "Count the rows where `_is_fraud` and the fraud label are both true; divide by the rows where `_is_fraud` "
            "is true.",
        ),
        solution=(
            'labelled_fraud = seen["known"] & (seen["label"] == 1)\n'
            'true_fraud = past["_is_fraud"]\n'
            "answer = (labelled_fraud & true_fraud).sum() / true_fraud.sum()"
        ),
        reasoning=(
            "Divide by all true frauds, not only by those that somebody noticed. Nearly all frauds without a label are "
            "of one pattern. Without the truth, a random audit can estimate how many frauds there are in all."
        ),
    ),
    Exercise(
        id="N1-2",
        ask="Estimate the fraud rate of all orders from the inspected and the audited ones (Horvitz and Thompson).",
        kind=Number(
            "share",
            within=_three_standard_errors,
            within_says="three standard errors of the estimate",
            fields=("hajek", "ht", "rate"),
        ),
        reference=_audited_rate,
        also=(_true_rate,),
        wrong=(
            Wrong(
                "silence is legitimate",
                _rate_by_silence,
                "That is the rate without the audit, which takes silence for legitimate. Let every audited order "
                "stand for 1 / propensity orders.",
            ),
            Wrong(
                "mean of the reviewed rows",
                lambda audit: float(_reviewed(audit)["label"].mean()),
                "That is the plain mean of the reviewed orders. The rule picks suspicious ones: each audited row "
                "stands for many others, an inspected row only for itself.",
            ),
            Wrong(
                "audited rows alone",
                _rate_among_audited,
                "That is the rate among audited orders, so among those that the rule let through. The inspected ones "
                "belong to the whole too.",
            ),
            Wrong(
                "divided by the reviewed rows",
                lambda audit: _audited_rate(audit) * len(audit) / len(_reviewed(audit)),
                "The weighted count is right; the whole it belongs to is all orders, not only the reviewed ones.",
            ),
        ),
        hints=(
            "Use only rows that a person reviewed, whose `source` is `review` or `audit`. How many orders does each "
            "stand for?",
            "A row that was drawn with probability 0.02 stands for 1 / 0.02 = 50 orders. Weight its label by "
            "1 / `propensity`.",
            "Sum `label / propensity` over the reviewed rows, then divide by the number of all orders.",
        ),
        solution=(
            'rows = audit[audit["source"].isin(["review", "audit"])]\n'
            'answer = (rows["label"] / rows["propensity"]).sum() / len(audit)'
        ),
        reasoning=(
            "Weighted by one over its chance to be reviewed, each row stands for all orders like it, also for those "
            "that nobody suspected. Dividing by the sum of the weights (Hájek) passes, too."
        ),
    ),
    Exercise(
        id="N1-3",
        ask="How many random audits tell the fraud rate of the orders nobody inspects within ±0.3 percentage points "
        "(95 %)?",
        kind=Number("audits", relative=0.05),
        reference=lambda audit: _audits_for(_rate_among_audited(audit)),
        also=(lambda audit: _audits_for(_highest_rate_among_audited(audit)),),
        wrong=(
            Wrong(
                "forgot the 1.96",
                lambda audit: _audits_for(_rate_among_audited(audit)) / Z**2,
                "That makes ±0.3 points one standard error, which holds two times in three. For 95 % the half-width "
                "is 1.96 standard errors, and the 1.96 is squared.",
            ),
            Wrong(
                "the rate of all orders",
                lambda audit: _audits_for(_audited_rate(audit)),
                "That uses the fraud rate of all orders. The audit draws only from the orders that the rule let "
                "through, where fraud is rarer.",
            ),
            Wrong(
                "worst case",
                lambda audit: _audits_for(0.5),
                "That plans for a rate of one half, the worst case. The audit you have says the rate is far smaller, "
                "and so is the number.",
            ),
            Wrong(
                "a share instead of a number",
                lambda audit: float((audit["source"] == "audit").mean()),
                "That is a share. How many audits is asked for: a count of orders.",
            ),
            Wrong(
                "1.96 not squared",
                lambda audit: _audits_for(_rate_among_audited(audit)) / Z,
                "Solve the half-width for n: the 1.96 gets squared together with everything else.",
            ),
            Wrong(
                "half-width not squared",
                lambda audit: _audits_for(_rate_among_audited(audit)) * HALF_WIDTH,
                "Solve the half-width for n: the 0.003 below the line gets squared too.",
            ),
        ),
        hints=(
            "Which orders does the audit draw from? Its rate is the one that counts: the mean label among audited "
            "rows.",
            "The half-width of a 95 % interval of a rate p is 1.96 · √(p (1 − p) / n). Here it must be 0.003.",
            "Solve for n: n = 1.96² · p (1 − p) / 0.003².",
        ),
        solution=(
            'p = audit.loc[audit["source"] == "audit", "label"].mean()\nanswer = 1.96**2 * p * (1 - p) / 0.003**2'
        ),
        reasoning=(
            "The half-width 1.96 · √(p (1 − p) / n), solved for n: a shop ten times as large needs the same audit. "
            "But p is an estimate; planning with the upper end of its interval is prudent, and passes too."
        ),
    ),
    Exercise(
        id="N1-4",
        ask="The audit costs `audit_cost` dollars once and the better model earns `more` dollars more a month. "
        "After how many days is it paid back?",
        kind=Number("days", relative=0.25),
        reference=_payback_days,
        wrong=(
            Wrong(
                "in months",
                lambda cost, gain_per_month: _payback_days(cost, gain_per_month) / DAYS_PER_MONTH,
                "That is the payback in months; a month here has 30 days.",
            ),
            Wrong(
                "charged the audit every month",
                lambda cost, gain_per_month: AUDITED_MONTHS * _payback_days(cost, gain_per_month),
                "That charges the audit once for each of the five months it covers. The cost is that of all five "
                "together.",
            ),
            Wrong(
                "gain in a day times cost",
                lambda cost, gain_per_month: DAYS_PER_MONTH * gain_per_month / cost,
                "Cost and gain changed places: how often does a day's gain fit into the cost?",
            ),
        ),
        hints=(
            "It is paid back when the gains so far equal the cost.",
            "How many dollars does one day bring, if a month has 30?",
            "Divide the cost by the gain of one day: audit_cost / (more / 30).",
        ),
        solution="answer = audit_cost / (more / 30)",
        reasoning=(
            "The cost is paid once, the gain comes in day by day. With a gain of nothing or less it is never paid back."
        ),
    ),
    Exercise(
        id="N1-5",
        ask="Which two columns give away that the later orders are not like the earlier ones?",
        kind=Names("column names", count=2),
        reference=lambda importance: set(_ranked(importance)[:3]),
        wrong=(
            Wrong(
                "the amount",
                lambda importance: {"amount_usd", _ranked(importance)[0]},
                "The amount? Plot it for both periods: did it move? Read the table again.",
            ),
            Wrong(
                "a clock",
                lambda importance: {"day", _ranked(importance)[0]},
                "`order_id`, `month` and `day` tell old from new by definition. What changed about the orders "
                "themselves?",
            ),
            Wrong(
                "the table upside down",
                _least_telling,
                "Among your two is one of the least telling columns: is the table sorted the way you read it?",
            ),
        ),
        hints=(
            "The report compares each column before and after. The columns that give the later orders away are those "
            "that moved.",
            "PSI adds up how far the shares of a column's bins have moved: sort it from large to small.",
            "Any two of the first three pass. Plot them for both periods to see how they moved.",
        ),
        solution='answer = set(report["psi"].sort_values(ascending=False).index[:2])',
        reasoning=(
            "Any two of the three columns that moved most tell the same story: a new market came in, with new accounts "
            "on new devices that send to other addresses. Nothing about fraud has changed, and the model will not "
            "know that."
        ),
    ),
)
