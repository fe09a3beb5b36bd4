"""The capstone's world: a desk that sends free boxes to subscribers, with one fault in each of its five layers.

The Larder delivers boxes of food. Its subscribers are the shop's customers with other habits, other prices and one
action, a free box. Everything flows from a seed, so that a rule that was written for one world can be graded on others.
What a desk would not know stands in columns that begin with ``_``.

Where the faults are
--------------------
Data: who pays through an app store leaves without a word; only those who are asked by telephone have a label, and a box
drives some of them away. Prediction: ``visits_30d`` of the pilot was counted when the table was exported, half a year
later. Decision: the desk's rule takes the list price for the value of a subscriber and the goods for the cost of a box,
and knows no limit. Action: it takes the probability of leaving for what a box changes. Feedback: silence counts as
staying, though cancellations take up to 90 days, and longer after a box.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mllayers import shop
from mllayers._check import as_frame, as_integer, as_numbers, describe, one_of
from mllayers.teach.grade import Task, World

__all__ = ["BOX", "FAULTS", "FEATURES", "ROOM", "Larder", "Rule", "brings", "desk_today", "larder", "mended", "task"]

GOODS, POSTAGE = 5.0, 3.0
BOX = GOODS + POSTAGE
"""What one free box costs in all, USD."""
ROOM = 2_000
"""Free boxes that can be packed in a month."""
EXPORTED, LONGEST, ASKED = 180, 90, 0.8
_STORE_SHARE = 0.3

_NAMES = {
    "tenure_months": "months",
    "recency_days": "days_since_order",
    "orders_12m": "boxes_12m",
    "aov_usd": "box_usd",
    "voucher_share": "discount_share",
    "open_rate": "open_rate",
    "tickets_90d": "complaints_90d",
    "ignored_contacts": "mails_ignored",
}
FEATURES = [*_NAMES.values(), "visits_30d"]
"""What is known of each subscriber, as numbers."""

_PRICES = shop.Prices(more={"box": BOX})
_STREAM = 31

Rule = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
"""From the pilot and the subscribers to decide about to a row for each of these: ``score`` and ``value``."""


@dataclass(frozen=True)
class Larder:
    """One world of the Larder.

    Attributes
    ----------
    pilot : DataFrame
        Half a year in which chance gave every second subscriber a free box, as it was exported on day 180:
        ``subscriber``, ``day`` of the decision, ``paid_by`` (card, bank, store), the columns of `FEATURES`,
        ``list_usd``, ``margin_usd``, ``action`` (none, box), ``propensity``, ``asked`` (by telephone, 90 days after the
        decision), ``left`` (1: left; 0: not, as far as the desk knows; missing: nobody knows), ``news_after`` (days
        from the decision to the news). Truth: ``_p_none``, ``_p_box``, ``_leaves``.
    renewals : DataFrame
        The subscribers about whom is to be decided now: the same without what comes after a decision.
    """

    pilot: pd.DataFrame
    renewals: pd.DataFrame


def _subscribers(n: int, *, seed: int, month: int, store: bool, randomised: bool) -> pd.DataFrame:
    """Subscribers of one way to pay: the shop's customers with other shares and habits."""
    segments = shop.SEGMENTS.copy()
    segments.loc["share"] = [0.05, 0.20, 0.35, 0.15, 0.25] if store else [0.05, 0.25, 0.35, 0.15, 0.20]
    segments.loc["tickets_mean"] = [0.6, 0.8, 0.9, 1.2, 1.1] if store else [0.3, 0.45, 0.5, 0.8, 0.7]
    segments.loc["recency_mean_days"] = [15, 28, 32, 55, 30]
    segments.loc["orders_12m_mean"] = [8, 4, 3.2, 2.5, 1.5]
    # base, open_rate, voucher_share, has_ticket, ignored_contacts
    # (the store tells its payers of every delivery, and how to cancel)
    response = shop.RESPONSE.assign(box=[-0.25, 0, 0, 0, 0] if store else [0.1, 0.0, 2.8, -0.6, -0.35])
    told: dict[str, Any] = {"seed": seed, "month": month + 6 * store, "segments": segments, "response": response}
    if randomised:
        return shop.make_pilot(n, actions=("none", "box"), **told)
    return shop.make_customers(n, **told)


def _dressed(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The shop's columns under the Larder's names, and what it charges over two years."""
    frame = people.rename(columns={**_NAMES, "clv_usd": "margin_usd", "customer_id": "subscriber"})
    paid = frame["box_usd"] * frame["boxes_12m"] * 2 * np.exp(0.25 * rng.standard_normal(len(frame)))
    return frame.assign(list_usd=paid.round(2))


def larder(seed: int, *, pilot: int = 30_000, renewals: int = 10_000) -> Larder:
    """Draw one world.

    Parameters
    ----------
    seed : int
        Same seed, same world.
    pilot, renewals : int
        How many subscribers each table has.

    Returns
    -------
    Larder

    Examples
    --------
    >>> world = larder(1, pilot=1_000, renewals=500)
    >>> world.pilot["left"].isna().groupby(world.pilot["paid_by"], observed=True).mean().round(2).to_dict()
    {'bank': 0.0, 'card': 0.0, 'store': 0.59}
    """
    seed = as_integer(seed, "seed", ge=0)
    rng = np.random.default_rng([seed, _STREAM])
    past = _together(as_integer(pilot, "pilot", ge=10), rng, seed=seed, month=1, randomised=True)
    now = _together(as_integer(renewals, "renewals", ge=10), rng, seed=seed, month=2, randomised=False)
    now["box_usd"] = (1.08 * now["box_usd"]).round(2)  # prices have risen
    visits = 5 * (0.2 + now["open_rate"])
    now["visits_30d"] = rng.poisson(visits)

    n = len(past)
    past["day"] = np.floor(EXPORTED * rng.random(n))
    box = past["action"].eq("box").to_numpy()
    lag = np.floor(10 + 40 * rng.random(n)) + 40 * box  # a free box is eaten before anybody cancels
    leaves = past["churned"].to_numpy(bool)
    gone = leaves & (past["day"] + lag <= EXPORTED)
    store = past["paid_by"].eq("store").to_numpy()
    asked = store & (past["day"] <= EXPORTED - LONGEST) & (rng.random(n) < ASKED)
    left = np.where(store, np.where(asked, leaves, np.nan), gone)
    past["asked"], past["left"] = asked, left
    past["news_after"] = np.where(left == 1, np.where(asked, LONGEST, lag), np.nan)
    past["visits_30d"] = np.where(gone, 0, rng.poisson(5 * (0.2 + past["open_rate"])))
    past["_leaves"] = leaves
    told = ["subscriber", "paid_by", *FEATURES, "list_usd", "margin_usd"]
    truth = ["_p_none", "_p_box"]
    after = ["action", "propensity", "asked", "left", "news_after"]
    return Larder(past[["day", *told, *after, *truth, "_leaves"]], now[[*told, *truth]])


def _together(n: int, rng: np.random.Generator, *, seed: int, month: int, randomised: bool) -> pd.DataFrame:
    """All ways to pay in one table, in no order."""
    others = n - round(_STORE_SHARE * n)
    parts = [
        _subscribers(size, seed=seed, month=month, store=store, randomised=randomised)
        for size, store in ((others, False), (n - others, True))
    ]
    frame = _dressed(pd.concat(parts, ignore_index=True), rng)
    store = np.arange(n) >= others
    card = rng.random(n) < 0.6
    frame["paid_by"] = pd.Categorical(np.where(store, "store", np.where(card, "card", "bank")))
    frame = frame.iloc[rng.permutation(n)].reset_index(drop=True)
    return frame.assign(subscriber=np.arange(n))


def brings(people: pd.DataFrame, action: Any = "box") -> NDArray[np.float64]:
    """Dollars that the action brings each of the people beyond leaving them alone, after its cost: means over luck."""
    return shop.customer_money(people.rename(columns={"margin_usd": "clv_usd"}), action, prices=_PRICES, expected=True)


def _model() -> Any:
    """A logistic regression on logarithms, not fitted yet."""
    return make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression())


def desk_today(past: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The desk's rule as it is, with all its faults: ``score`` and ``value`` of each of the people."""
    known = past.fillna({"left": 0})
    leaves = _model().fit(known[FEATURES], known["left"]).predict_proba(people[FEATURES])[:, 1]
    return pd.DataFrame({"score": leaves, "value": people["list_usd"]})


def _in_order(wanted: Any) -> NDArray[np.object_]:
    """Boxes for those who are wanted, in the order of the rows, as long as there is room."""
    acts = np.full(len(wanted), "none", dtype=object)
    acts[np.flatnonzero(wanted)[:ROOM]] = "box"
    return acts


def _best_first(worth: NDArray[np.float64]) -> NDArray[np.object_]:
    """Boxes for those who are worth most, where they are worth more than a box costs."""
    acts = np.full(len(worth), "none", dtype=object)
    first = np.argsort(-worth, kind="stable")[:ROOM]
    acts[first[worth[first] > BOX]] = "box"
    return acts


def _cells(past: pd.DataFrame, people: pd.DataFrame) -> NDArray[np.float64]:
    """What a box changes in each of ten cells, times what a subscriber is worth: the best that needs no model."""
    old = past[(past["day"] <= EXPORTED - LONGEST) & past["left"].notna()]

    def cell(frame: pd.DataFrame) -> pd.Series[Any]:
        likes = pd.cut(frame["discount_share"], [-1, 0.2, 0.4, 0.6, 0.8, 1], labels=False)
        return likes + 5 * frame["paid_by"].eq("store")

    left = [old["left"].where(old["action"] == action).groupby(cell(old)).mean() for action in ("none", "box")]
    changes = cell(people).map(left[0] - left[1]).fillna(0)
    found: NDArray[np.float64] = (changes * people["margin_usd"]).to_numpy(float)
    return found


FAULTS = {
    "silence of a part": "takes store payers for people like the others, because only those have labels",
    "late labels": "counts every silence as staying, also that of yesterday",
    "a leak": "learns from visits that were counted half a year after the decision",
    "risk": "sends to those who leave most often, whatever a box changes",
    "list price": "takes what a subscriber pays for what is earned",
}
"""What each fault does when it alone is left in."""


def mended(past: pd.DataFrame, people: pd.DataFrame, *, but: str = "") -> pd.DataFrame:
    """A rule without the faults, or with one of them left in.

    Parameters
    ----------
    past, people : DataFrame
        The pilot, and the subscribers to decide about.
    but : str, optional
        The fault that is left in, of `FAULTS`.

    Returns
    -------
    DataFrame, one row for each of the people
        ``score``: what a box takes off the probability of leaving; ``value``: the margin.
    """
    if but:
        one_of(but, "but", FAULTS)
    columns = [name for name in FEATURES if name != "visits_30d" or but == "a leak"]
    store = people["paid_by"].eq("store").to_numpy()
    known = past[past["paid_by"] != "store"]
    if but != "late labels":
        known = known[known["day"] <= EXPORTED - LONGEST]
    leaves = {}
    for action in ("none", "box"):
        rows = known[known["action"] == action]
        leaves[action] = _model().fit(rows[columns], rows["left"]).predict_proba(people[columns])[:, 1]
    score = leaves["none"] if but == "risk" else np.maximum(leaves["none"] - leaves["box"], 0)
    if but != "silence of a part":
        score = np.where(store, 0.0, score)
    value = people["list_usd" if but == "list price" else "margin_usd"]
    return pd.DataFrame({"score": score, "value": value})


def task(rule: Rule) -> Task:
    """What a rule and the policy that reads it are graded on: `teach.grade.grade` asks for it.

    Parameters
    ----------
    rule : callable
        ``rule(pilot, renewals)`` returns a row for each of the renewals, with ``score`` (a probability, or a change of
        one) and ``value`` (dollars).

    Returns
    -------
    Task
        New worlds of the Larder, with the desk's rule as it is, boxes for everyone, the best decision without a model,
        and *true probabilities* beside. Nobody packs more than `ROOM` boxes a month.

    Raises
    ------
    TypeError, ValueError
        While it is graded: for a rule that is none, or that returns anything but such a table.
    """
    if not callable(rule):
        raise TypeError(f"rule must be a function of the pilot and the renewals; got {describe(rule)}")

    def world(seed: int) -> World:
        drawn = larder(seed)
        past, people = (table.filter(regex="^[^_]") for table in (drawn.pilot, drawn.renewals))
        found = as_frame(rule(past.copy(), people.copy()), "what the rule returns", ["score", "value"])
        if len(found) != len(people):
            raise ValueError(f"the rule must return a row for each of {len(people):,} subscribers; got {len(found):,}")
        seen = people.assign(
            score=as_numbers(found["score"], "score of the rule"), value=as_numbers(found["value"], "value of the rule")
        )
        gained, today = brings(drawn.renewals), desk_today(past, people)
        beside = {
            "the desk today": _in_order(today["score"] * today["value"] > GOODS),
            "boxes for everyone": _in_order(np.ones(len(people))),
            "cells, no model": _best_first(_cells(past, people)),
            "true probabilities": _best_first(gained + BOX),
        }
        return World(seen, {"Dollars a month, beyond no box": pd.DataFrame({"none": 0.0, "box": gained})}, beside)

    return Task(
        "the Larder",
        world,
        "none",
        "true probabilities",
        {"box": ROOM},
        case="subscriber",
        score="score",
        value="value",
    )
