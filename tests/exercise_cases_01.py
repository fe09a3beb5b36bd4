"""What a learner of notebook 1 would hand to the checks, and other honest answers."""

from functools import cache

import numpy as np
import pandas as pd
from exercise_harness import Case

from mllayers import shop

DAY = 150
SHARE = 0.02


@cache
def world(seed=2026):
    """Orders of months 0 to 4, what the team knows, and what it knows after an audit."""
    orders = shop.make_orders(range(5), seed=seed)
    inspected = shop.legacy_rule(orders)
    drawn = ~inspected & (np.random.default_rng([seed, 99]).random(len(orders)) < SHARE)
    actions = np.where(inspected, "review", "ship")
    seen = shop.observe(orders, actions, DAY)
    audit = shop.observe(orders, np.where(drawn, "audit", actions), DAY)
    audit["propensity"] = np.where(inspected, 1.0, SHARE)
    return orders, seen, audit


def orders_and_seen():
    orders, seen, _ = world()
    return {"orders": orders, "seen": seen}


def audited():
    return {"audit": world()[2]}


def importance():
    columns = ["device_new", "addr_mismatch", "account_age_days", "email_risk", "express", "night", "amount_usd"]
    return {"importance": pd.DataFrame({"column": columns, "importance": [0.06, 0.05, 0.03, 0.01, 0.002, 0.001, 0.0]})}


def coverage_by_audit(seen, audit):
    """Who may not look at the truth divides the fraud labels by the frauds that the audit estimates."""
    looked = audit[audit["source"].isin(["review", "audit"])]
    return float((seen["label"] == 1).sum() / (looked["label"] / looked["propensity"]).sum())


def coverage_in_a_loop(orders, seen):
    pairs = [
        (known and label == 1)
        for fraud, known, label in zip(orders["_is_fraud"], seen["known"], seen["label"], strict=True)
        if fraud
    ]
    return sum(pairs) / len(pairs)


def hajek(audit):
    looked = audit[audit["source"].isin(["review", "audit"])]
    return np.average(looked["label"], weights=1 / looked["propensity"])


def stratified(audit):
    """Inspected and other orders apart, put together by their numbers."""
    inspected = audit["propensity"] == 1
    audited_rate = audit[audit["source"] == "audit"]["label"].mean()
    return inspected.mean() * audit[inspected]["label"].mean() + (1 - inspected.mean()) * audited_rate


def audits_by_rule_of_thumb(audit):
    """Two standard errors instead of 1.96, rounded up."""
    p = audit[audit["source"] == "audit"]["label"].mean()
    return int(np.ceil(4 * p * (1 - p) / 0.003**2))


def audits_from_a_finite_shop(audit):
    p = audit[audit["source"] == "audit"]["label"].mean()
    n = 1.96**2 * p * (1 - p) / 0.003**2
    return n / (1 + n / (audit["propensity"] < 1).sum())


def audits_for_the_upper_limit(audit):
    audited_rate = audit[audit["source"] == "audit"]["label"]
    p = audited_rate.mean() + 1.96 * (audited_rate.mean() * (1 - audited_rate.mean()) / len(audited_rate)) ** 0.5
    return np.ceil(1.96**2 * p * (1 - p) / 0.003**2)


CASES = (
    Case(
        "N1-1",
        orders_and_seen,
        (coverage_by_audit, coverage_in_a_loop),
        given_more=audited,
        called=lambda given: {"past": given["orders"]},
    ),
    Case("N1-2", audited, (hajek, stratified)),
    Case("N1-3", audited, (audits_by_rule_of_thumb, audits_from_a_finite_shop, audits_for_the_upper_limit)),
    Case(
        "N1-4",
        lambda: {"cost": 15_600.0, "gain_per_month": 27_700.0},
        (
            lambda cost, gain_per_month: np.ceil(cost / gain_per_month * 30.4),
            lambda cost, gain_per_month: next(d for d in range(999) if d * gain_per_month / 30 >= cost),
        ),
        called=lambda given: {"audit_cost": given["cost"], "more": given["gain_per_month"]},
    ),
    Case(
        "N1-5",
        importance,
        (
            lambda importance: {"device_new", "addr_mismatch"},
            lambda importance: ["addr_mismatch", "account_age_days"],
            lambda importance: importance["column"].iloc[[0, 2]],
            lambda importance: "device_new, account_age_days",
        ),
        called=lambda given: {"report": given["importance"].set_index("column").rename(columns={"importance": "psi"})},
    ),
)
