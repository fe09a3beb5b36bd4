"""Ten incidents, reproduced: one function a card, from a seed to the numbers that the card prints.

The words stand in ``notebooks/teach/cards.md``. A card says what the world shows; nothing here is chosen until a claim
looks good.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mllayers.action import act
from mllayers.decision import Action, Menu, Policy, Tier, Tiers, within_capacity
from mllayers.feedback import size_guard
from mllayers.ledger import Ledger
from mllayers.shop import (
    CUSTOMER_FEATURES,
    ORDER_FEATURES,
    PRICES,
    customer_money,
    legacy_rule,
    make_customers,
    make_orders,
    make_pilot,
    observe,
    order_money,
    order_stakes,
)

__all__ = ["CARDS", "SEED", "Incident"]

SEED = 2026
Numbers = dict[str, float]


def _boosting() -> Any:
    return HistGradientBoostingClassifier(
        max_iter=30, learning_rate=0.25, max_leaf_nodes=12, l2_regularization=1, early_stopping=False, random_state=0
    )


def _first(score: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """True for the cases with the highest scores, as many as a share of all."""
    return within_capacity(score, int(share * len(score))).chosen


def _earned(orders: pd.DataFrame, reviewed: NDArray[np.bool_]) -> float:
    """Dollars that reviewing these orders brings beyond shipping all."""
    return float((order_money(orders, np.where(reviewed, "review", "ship")) - order_money(orders, "ship")).sum())


def perfect_score(seed: int = SEED) -> Numbers:
    """Layer 1: a model is trained and tested on the labels that the old rule and the bank left behind."""
    past, month = make_orders(range(5), seed=seed), make_orders(5, seed=seed)
    seen = observe(past, np.where(legacy_rule(past), "review", "ship"), day=150)
    model = _boosting().fit(past.loc[seen["known"], ORDER_FEATURES], seen.loc[seen["known"], "label"])
    score = model.predict_proba(month[ORDER_FEATURES])[:, 1]
    reviewed = _first(score, 0.03)
    label = observe(month, np.where(reviewed, "review", "ship"), day=540)["label"] == 1
    fake, quiet = month["_is_fraud"], (month["_kind"] == "B").to_numpy()
    ruled = legacy_rule(month)
    return {
        "auc_team": roc_auc_score(label, score),
        "auc_true": roc_auc_score(fake, score),
        "found_team": float(reviewed[label].mean()),
        "found_true": float(reviewed[fake].mean()),
        "quiet": int(quiet.sum()),
        "quiet_reviewed_before": int((quiet & ruled).sum()),
        "quiet_reviewed": int((quiet & reviewed).sum()),
        "lost_before": _earned(month, quiet | ruled) - _earned(month, ruled),
        "lost": _earned(month, quiet | reviewed) - _earned(month, reviewed),
    }


def clean_sheet(seed: int = SEED) -> Numbers:
    """Layer 1: rows with a missing value and amounts above three standard deviations are dropped."""
    orders = make_orders(range(5), seed=seed)
    amount, fake = orders["amount_usd"], orders["_is_fraud"]
    dropped = orders["email_risk"].isna() | (amount > amount.mean() + 3 * amount.std())
    return {
        "rate": fake.mean(),
        "rate_clean": fake[~dropped].mean(),
        "dropped": dropped.mean(),
        "dropped_fakes": dropped[fake].mean(),
        "dropped_dollars": amount[fake & dropped].sum() / amount[fake].sum(),
        "rate_dropped": fake[dropped].mean(),
    }


def _churn_tables(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    return make_pilot(60_000, seed=seed, actions=("none",)), make_customers(200_000, seed=seed, month=2)


def _voucher_dollars(people: pd.DataFrame, sent: Any) -> float:
    """Dollars in expectation that vouchers for these customers bring."""
    return float(customer_money(people, np.where(sent, "voucher", "none"), expected=True).sum())


def auc_up(seed: int = SEED) -> Numbers:
    """Layer 2: the new model ranks better; both send a voucher from one half on."""
    past, people = _churn_tables(seed)
    leaves = people["_churn_none"]
    old = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression(class_weight="balanced"))
    new = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, early_stopping=False, random_state=0)
    found: Numbers = {}
    for name, model in {"old": old, "new": new}.items():
        score = model.fit(past[CUSTOMER_FEATURES], past["churned"]).predict_proba(people[CUSTOMER_FEATURES])[:, 1]
        found[f"auc_{name}"] = roc_auc_score(leaves, score)
        found[f"mean_{name}"] = score.mean()
        found[f"sent_{name}"] = int((score >= 0.5).sum())
        found[f"earned_{name}"] = _voucher_dollars(people, score >= 0.5)
    cut = np.sort(score)[::-1][int(found["sent_old"]) - 1]
    return found | {"leave": leaves.mean(), "cut": cut, "earned_cut": _voucher_dollars(people, score >= cut)}


def drawer(seed: int = SEED) -> Numbers:
    """Layer 2: the best model of the house, and nobody does anything because of it."""
    past, people = _churn_tables(seed)
    leaves = people["_churn_none"]
    model = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, early_stopping=False, random_state=0)
    score = model.fit(past[CUSTOMER_FEATURES], past["churned"]).predict_proba(people[CUSTOMER_FEATURES])[:, 1]
    return {
        "right": accuracy_score(leaves, score >= 0.5),
        "right_nobody": 1 - leaves.mean(),
        "unused": float(customer_money(people, "none", expected=True).sum()),
        "at_risk": people["clv_usd"][leaves].sum(),
        "tenth": _voucher_dollars(people, score >= np.quantile(score, 0.9)),
        "everyone": _voucher_dollars(people, np.ones(len(people), bool)),
    }


def exactly_eight(seed: int = SEED) -> Numbers:
    """Layer 3: scores are kept with two decimals; *between* 0.5 and 0.8 a voucher, *above* 0.8 a call (notebook 3)."""
    past, people = _churn_tables(seed)
    model = HistGradientBoostingClassifier(max_iter=25, learning_rate=0.15, max_leaf_nodes=15, early_stopping=False)
    score = model.fit(past[CUSTOMER_FEATURES], past["churned"]).predict_proba(people[CUSTOMER_FEATURES])[:, 1].round(2)
    voucher, call = Action("voucher", cost=PRICES.voucher, owner="CRM"), Action("call", cost=PRICES.call, owner="sales")
    slide = Policy(Tiers(Tier(0.5, 0.8, voucher, closed="neither"), Tier(0.8, 1, call, closed="right")))
    alone = np.isclose(score, 0.8)
    return {
        "exactly_eight": int(alone.sum()),
        "exactly_half": int(np.isclose(score, 0.5).sum()),
        "treated": int(((score > 0.5) & ~alone).sum()),
        "gaps": len(slide.gaps()),
        "value": people["clv_usd"][alone].sum(),
    }


def busy_reviewers(seed: int = SEED) -> Numbers:
    """Layer 3: one order in a hundred can be reviewed; sorted by probability, or by what is at stake."""
    past, month = make_orders(4, seed=seed), make_orders(5, seed=seed)
    p = _boosting().fit(past[ORDER_FEATURES], past["_is_fraud"]).predict_proba(month[ORDER_FEATURES])[:, 1]
    at_stake = order_stakes(month)["cost_fn"]
    fake = month["_is_fraud"].to_numpy()
    by_p, by_dollars = _first(p, 0.01), _first(p * at_stake, 0.01)
    return {
        "reviews": int(by_p.sum()),
        "hits": fake[by_p].mean(),
        "hits_dollars": fake[by_dollars].mean(),
        "saved": _earned(month, by_p),
        "saved_dollars": _earned(month, by_dollars),
        "mean": month["amount_usd"][by_p & fake].mean(),
        "mean_dollars": month["amount_usd"][by_dollars & fake].mean(),
        "lost": _earned(month, fake | by_p) - _earned(month, by_p),
    }


def would_have_stayed(seed: int = SEED) -> Numbers:
    """Layer 4: a voucher for everyone but a hold-out; the dashboard counts who used it and stayed."""
    people = make_customers(200_000, seed=seed, month=2)
    sent = np.random.default_rng([seed, 2]).random(len(people)) < 0.9
    used = sent & people["_redeem"].to_numpy()
    stays_anyway = ~people["_churn_none"]
    saved = people["clv_usd"] * (people["_churn_none"].astype(int) - people["_churn_voucher"].astype(int))
    return {
        "claimed": people["clv_usd"][used].sum(),
        "users": int(used.sum()),
        "anyway": stays_anyway[used].mean(),
        "left_held_out": people["_churn_none"][~sent].mean(),
        "left_sent": people["_churn_voucher"][sent].mean(),
        "kept": saved[sent].sum() - PRICES.voucher * sent.sum(),
        "price": PRICES.voucher * sent.sum(),
    }


def _at(time: datetime.datetime) -> datetime.datetime:
    return time


def twice_in_one_night(seed: int = SEED) -> Numbers:
    """Layer 4: the scheduler starts the job again because the first run did not answer in time."""
    people = make_customers(900, seed=seed, month=2).assign(score=1.0)
    voucher = Action("voucher", gain=10.0, cost=PRICES.voucher, owner="the retention desk")
    policy = Policy(Menu(Action("none"), voucher), missing="none", idle="none", holdout=0.1)
    plan = policy.plan(people, case="customer_id", time="2026-07-01", score="score", seed=seed)
    naive: list[str] = []
    for _ in range(2):
        naive += plan.loc[plan["action"] == "voucher", "case"].tolist()
    printed: list[str] = []
    book = Ledger()
    for hour in (2, 3):
        night = datetime.datetime(2026, 7, 1, hour)
        act(plan, book, do=lambda decision: printed.append(decision["case"]), dry_run=False, now=partial(_at, night))
    return {
        "planned": len(set(naive)),
        "naive": len(naive),
        "twice": len(naive) - len(set(naive)),
        "wasted": PRICES.voucher * (len(naive) - len(set(naive))),
        "with_book": len(printed),
        "held_out": int((plan["action"] == "none").sum()),
    }


def halves(seed: int = SEED) -> Numbers:
    """Layer 5: the fraud rate of each month, as the chargebacks show it on the day the last month ends."""
    months = range(6)
    orders = make_orders(months, seed=seed, events={})
    found: Numbers = {}
    for day, name in ((180, "now"), (540, "later")):
        known = observe(orders, "ship", day=day)
        rate = (known["source"] == "chargeback").groupby(orders["month"]).mean()
        found |= {f"{name}_{month}": rate[month] for month in months}
    truth = orders["_is_fraud"].groupby(orders["month"]).mean()
    found |= {f"fall_{month}": 1 - found[f"now_{month}"] / found[f"now_{month - 1}"] for month in (4, 5)}
    return found | {"true_low": truth.min(), "true_high": truth.max()}


def plan_doubles(seed: int = SEED) -> Numbers:
    """Layer 5: segments and their actions are frozen; in month 6 a chat widget changes what a ticket means."""
    habits = ["recency_days", "voucher_share", "open_rate", "tickets_90d", "ignored_contacts"]
    pilot = make_pilot(160_000, seed=seed)
    clusters = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), KMeans(5, n_init=3, random_state=0))
    group = clusters.fit(pilot[habits][:15_000]).predict(pilot[habits])
    each = pilot.assign(group=group, lost=pilot["churned"] * pilot["clv_usd"])
    lost = each.pivot_table("lost", "group", "action", observed=True)
    gain = (-lost).add(lost["none"], axis=0) - pd.Series(
        [PRICES.contact(str(name)) for name in lost], index=lost.columns
    )
    action, promise = gain.idxmax(axis=1), gain.max(axis=1)
    size = pd.Series(group).value_counts(normalize=True)
    paid = size[action[action.isin(["voucher", "call"])].index].to_dict()
    promised, true, growth, outgrown = [], [], [], []
    for month in range(12):
        people = make_customers(20_000, seed=seed, month=month + 1, chat=7)
        now = clusters.predict(people[habits])
        promised.append(promise[now].sum())
        true.append(customer_money(people, action[now].to_numpy()).sum())
        guard = size_guard(now, paid)
        growth.append(guard.frame()["growth"].max())
        outgrown.append(bool(guard.outgrown))
    return {
        "promised_before": sum(promised[:6]),
        "promised_after": sum(promised[6:]),
        "true_before": sum(true[:6]),
        "true_after": sum(true[6:]),
        "growth": growth[-1],
        "sounds": float(outgrown.index(True)) if True in outgrown else np.nan,
    }


@dataclass(frozen=True)
class Incident:
    """A card's numbers, and whether they show what its words say.

    Attributes
    ----------
    numbers : callable
        Seed → the numbers by name.
    holds : callable
        The numbers → whether they bear out the statement of the card.
    """

    numbers: Callable[..., Numbers]
    holds: Callable[[Numbers], bool]


CARDS: dict[str, Incident] = {
    "Perfect score": Incident(
        perfect_score,
        lambda x: x["auc_team"] > 0.99 > 0.9 > x["auc_true"] and x["found_team"] > 0.99 and x["found_true"] < 0.75
        and x["quiet_reviewed_before"] == 0 and x["lost"] > 0.9 * x["lost_before"],
    ),
    "Clean sheet": Incident(
        clean_sheet,
        lambda x: x["rate_clean"] < 0.85 * x["rate"] and x["dropped_dollars"] > x["dropped_fakes"] > 4 * x["dropped"],
    ),
    "AUC up, profit down": Incident(
        auc_up,
        lambda x: x["auc_new"] > x["auc_old"] and x["earned_new"] < 0.1 * x["earned_old"]
        and x["earned_cut"] > 0.9 * x["earned_old"],
    ),
    "Best model in the drawer": Incident(
        drawer,
        lambda x: x["unused"] == 0 and x["right"] > x["right_nobody"] > 0.9 and x["tenth"] > 0 > x["everyone"],
    ),
    "0.800": Incident(exactly_eight, lambda x: x["exactly_eight"] > 0 and x["gaps"] > 0),
    "Busy reviewers": Incident(
        busy_reviewers,
        lambda x: x["hits"] > x["hits_dollars"] and x["saved_dollars"] > 1.2 * x["saved"]
        and x["mean_dollars"] > x["mean"],
    ),
    "96 % would have stayed": Incident(
        would_have_stayed,
        lambda x: round(100 * x["anyway"]) == 96 and x["claimed"] > 5 * x["price"] and x["kept"] < 0,
    ),
    "Twice in one night": Incident(
        twice_in_one_night,
        lambda x: x["naive"] == 2 * x["planned"] and x["with_book"] == x["planned"] and x["held_out"] > 0,
    ),
    "Fraud halves every month": Incident(
        halves,
        lambda x: x["now_5"] < x["now_4"] / 3 < x["now_3"] / 4 and x["later_5"] > 0.85 * x["later_0"]
        and x["true_low"] > 1.3 * x["later_5"],
    ),
    "The plan doubles": Incident(
        plan_doubles,
        lambda x: x["promised_after"] > 1.5 * x["promised_before"] and x["true_after"] < 0 < x["true_before"]
        and x["sounds"] == 6,
    ),
}  # fmt: skip
"""By the name of the card, which is its heading in ``cards.md``."""
