"""The role task: three people sign one policy for a fraud desk, and three cards arrive while they argue.

The worlds in which their policy is graded hold all three cards: half of the reviewers are ill, one order in ten has no
score, the bank has raised its fee.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mllayers.data import audit_sample
from mllayers.loop.desk import desk_policy, fit, with_stakes
from mllayers.shop import PRICES, legacy_rule, make_orders, order_money, order_stakes
from mllayers.teach.grade import Task, World

__all__ = ["ACTIONS", "CONTESTED", "DESK", "FEE", "FINANCE", "NO_SCORE", "ORDERS", "REVIEWS", "REVIEWS_LEFT"]

ORDERS = 20_000
REVIEWS, REVIEWS_LEFT = 300, 150
NO_SCORE = 0.10
FEE = 45.0
FINANCE = replace(PRICES, chargeback_fee=FEE)
CONTESTED = replace(FINANCE, review=9.0, goodwill=60.0)
LISTS = {"At finance's prices": FINANCE, "At the contested prices": CONTESTED}

ACTIONS = ("ship", "review", "block")

_PAST, _MONTH = range(5), 5
_AUDIT = 0.02
_CLAIRVOYANT = "clairvoyant: knows every fake"


@lru_cache(maxsize=16)
def _scored(seed: int) -> tuple[pd.DataFrame, float]:
    """The orders of the month with the desk's score, who will lose it, and the share of fakes that audits found."""
    orders = make_orders([*_PAST, _MONTH], seed=seed, per_month=ORDERS, events={})
    past = orders[orders["month"] < _MONTH]
    ruled = legacy_rule(past)
    chance = np.where(ruled, 1.0, _AUDIT)
    looked, _ = audit_sample(len(past), chance, seed=seed)
    label, weight = np.where(looked, past["_is_fraud"], np.nan), np.where(looked, 1 / chance, 0.0)
    month = orders[orders["month"] == _MONTH].reset_index(drop=True)
    score = fit(past, label, weight, seed=seed).predict_proba(month)[:, 1]
    lost = np.random.default_rng([seed, 1]).random(len(month)) < NO_SCORE
    rate = float((label[looked] * weight[looked]).sum() / weight.sum())
    return month.assign(score=score, lost=lost), rate


def bands(seed: int = 2026) -> pd.DataFrame:
    """What is known of the score before the task: orders by their score, the fakes among them, and their amounts."""
    orders, _ = _scored(seed)
    edges = [0.0, 0.01, 0.05, 0.1, 0.3, 0.5, 0.8, 1.0]
    names = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    groups = orders.groupby(pd.cut(orders["score"], edges, labels=names, right=False), observed=False)
    table = groups.agg(orders=("_is_fraud", "size"), fakes=("_is_fraud", "sum"), amount=("amount_usd", "mean"))
    return table.rename_axis("score")


def world(seed: int) -> World:
    """A month at the desk with the three cards, and what others would decide."""
    orders, rate = _scored(seed)
    visible = with_stakes(orders[["order_id", "amount_usd", "account_age_days", "score"]], prices=FINANCE)
    visible["score"] = visible["score"].mask(orders["lost"])
    dollars = {
        name: pd.DataFrame(
            {action: order_money(orders, action, prices=prices) for action in ("ship", "review", "block")}
        )
        for name, prices in LISTS.items()
    }
    at_stake = rate * order_stakes(orders, prices=FINANCE)["cost_fn"]
    best = desk_policy(REVIEWS_LEFT, prices=FINANCE).plan(
        visible.fillna({"score": 0.0}), case="order_id", time="2026-07-01", score="score", seed=seed
    )
    beside = {
        "do nothing: ship every order": np.full(len(orders), "ship", dtype=object),
        "block every order": np.full(len(orders), "block", dtype=object),
        "without the model: review the largest": _largest(at_stake, FINANCE.review),
        "this score at finance's prices, nobody held out": best["planned"].to_numpy(dtype=object),
        _CLAIRVOYANT: np.where(orders["_is_fraud"], "block", "ship").astype(object),
    }
    return World(visible, dollars, beside)


def _largest(at_stake: NDArray[np.float64], review: float) -> NDArray[np.object_]:
    """Reviews where most is expected to be lost, as far as they pay and there is room."""
    acts = np.full(at_stake.size, "ship", dtype=object)
    first = np.argsort(-at_stake, kind="stable")[:REVIEWS_LEFT]
    acts[first[at_stake[first] > review]] = "review"
    return acts


DESK = Task(
    "the role task: one month at the fraud desk",
    world,
    idle="ship",
    bound=_CLAIRVOYANT,
    room={"review": REVIEWS_LEFT},
    case="order_id",
)
