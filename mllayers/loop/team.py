"""What a team is: what it learns from, what it does with each order, what it tries at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from mllayers._check import as_flag, as_frame, as_number, describe, one_of
from mllayers.decision import Action, Policy
from mllayers.loop.desk import blocks, desk_policy, features, fit, review_action
from mllayers.shop import ORDER_FEATURES, PRICES, Prices


@runtime_checkable
class Team(Protocol):
    """What `run_loop` asks of a team: any object with these three methods.

    A team sees what a desk would see. ``past`` holds the visible columns of the orders of the window, what was done
    with each (``score``, ``planned``, ``action``, ``drawn``, ``propensity``) and what is known of it on that day
    (``label``, ``known``, ``source``, as `shop.observe` tells them, silence of any age as 0). Two flags may be set:
    ``retrain = False`` keeps the first model for ever, ``sees_truth = True`` adds ``_is_fraud`` to ``past``: no team
    can have that, it is a bound.

    Notes
    -----
    Taught in notebook 05.
    """

    def learn(self, past: pd.DataFrame, day: float, *, seed: list[int]) -> Any:
        """What to learn from: a model whose ``predict_proba(orders)[:, 1]`` is the probability of fraud."""

    def decide(self, orders: pd.DataFrame, reviews: float, *, prices: Prices) -> Policy:
        """What to do with each order: a policy for orders with ``score`` and the columns of `with_stakes`."""

    def try_at_random(self, orders: pd.DataFrame, *, prices: Prices) -> Mapping[str, Mapping[Action, Any]]:
        """What to try at random: for a planned action, other actions and the share of the orders that get them.

        A share is a number, or an array with one for each order: a stratified audit.
        """


@dataclass(frozen=True)
class Arm:
    """A team by its answers to the questions that a feedback loop asks.

    Parameters
    ----------
    blocks : {'drop', 'fraud', 'review'}
        A blocked order never shows an outcome. Leave it out, call it fraud, or let somebody review a random share of
        them before they are blocked.
    silence : {'legit', 'ignore'}
        A shipped order that nobody complained about: legitimate, or no label wherever an audit could have looked.
    silence_days : float
        How many days without a complaint make silence.
    audit_share : float in [0, 1)
        Share of the orders that would ship and are reviewed instead, drawn at random.
    review_blocked_share : float in (0, 1)
        Share of the orders that would be blocked and are reviewed instead; used where `blocks` is 'review'.
    retrain : bool
        False: the model of the first month stays for ever.
    sees_truth : bool
        True: learn from the hidden truth about all orders, without delay. No team can.

    Raises
    ------
    TypeError, ValueError
        For another word, or a number out of range.

    Notes
    -----
    Taught in notebook 05.

    Examples
    --------
    >>> Arm(blocks="fraud").audit_share
    0.0
    """

    blocks: str = "drop"
    silence: str = "legit"
    silence_days: float = 60.0
    audit_share: float = 0.0
    review_blocked_share: float = 0.10
    retrain: bool = True
    sees_truth: bool = False

    def __post_init__(self) -> None:
        one_of(self.blocks, "blocks", ("drop", "fraud", "review"))
        one_of(self.silence, "silence", ("legit", "ignore"))
        for name, limits in {
            "silence_days": {"ge": 0.0},
            "audit_share": {"ge": 0.0, "lt": 1.0},
            "review_blocked_share": {"gt": 0.0, "lt": 1.0},
        }.items():
            object.__setattr__(self, name, as_number(getattr(self, name), name, **limits))
        for name in ("retrain", "sees_truth"):
            as_flag(getattr(self, name), name)

    def learn(self, past: pd.DataFrame, day: float, *, seed: Any = 0) -> Any:
        """A regression on the labels and weights of `learnable`."""
        if self.sees_truth:
            return fit(past, past["_is_fraud"], np.ones(len(past)), seed=seed)
        return fit(past, *learnable(past, self, day=day), seed=seed)

    def decide(self, orders: pd.DataFrame, reviews: float, *, prices: Prices = PRICES) -> Policy:
        """The desk's menu; the reviews that chance will need are kept free."""
        stopped = blocks(orders, orders["score"], prices=prices)
        drawn = np.where(stopped, self.review_blocked_share * (self.blocks == "review"), self.audit_share).sum()
        return desk_policy(max(0.0, reviews - float(drawn)), prices=prices)

    def try_at_random(self, orders: pd.DataFrame, *, prices: Prices = PRICES) -> dict[str, dict[Action, float]]:
        """A review instead of shipping, and a review instead of blocking, each for its share."""
        shares = {"ship": self.audit_share, "block": self.review_blocked_share * (self.blocks == "review")}
        return {planned: {review_action(prices): share} for planned, share in shares.items() if share > 0}


ARMS = {
    "open": Arm(retrain=False),
    "self": Arm(blocks="fraud"),
    "closed": Arm(),
    "explore": Arm(blocks="review", silence="ignore", audit_share=0.01),
    "every label": Arm(sees_truth=True),
}


def learnable(past: pd.DataFrame, arm: Arm, *, day: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the team may learn from each order: a label, and how many orders it stands for.

    Parameters
    ----------
    past : DataFrame
        What the desk knows on the day: ``day`` of the order, ``planned``, ``action``, ``drawn``, ``propensity``,
        ``label`` and ``source`` as `known_on` returns them, and the columns of ``shop.ORDER_FEATURES``.
    arm : Arm
        What the team does with blocks and with silence.
    day : float
        The day from which it looks back.

    Returns
    -------
    label : array of shape (n,)
        1 fraud, 0 legitimate, NaN unknown.
    weight : array of shape (n,)
        0 where nothing is learned.

    Raises
    ------
    TypeError, ValueError
        If a column is missing.

    Notes
    -----
    Where silence is taken for legitimate, every label counts once. Where it is ignored, the silent orders of months
    with an audit count nothing: the audited ones speak for them, each with weight 1 / π (Horvitz–Thompson), where π is
    the chance of its audit. Months in which nobody could have looked have only their silence, and keep it.

    A fraud that ships has two ways to be seen: the audit (chance π) and, if it was not audited, a chargeback (chance r
    by its age). Counted from both, it would count twice. So a chargeback weighs 1 / (1 − π) and an audited fraud that
    would have shipped (1 − r) / π: together they stand for each fraud once, π · (1 − r) / π + (1 − π) · r / (1 − π) =
    1, whatever r is. What r is for an order of its kind and age is estimated from the two frames themselves, by a
    regression; where it shrinks r towards the mean, the sum is a little off (5 % too many frauds in simulations with 1
    to 5 % audited; counted twice, it was 40 %). Taught in notebook 05.

    References
    ----------
    Hartley (1962), "Multiple Frame Surveys": two frames that overlap. Lakkaraju et al. (2017), "The Selective Labels
    Problem", KDD. Horvitz and Thompson (1952), JASA 47(260).

    Examples
    --------
    Three orders that were to ship: one audited, one reported, one silent.

    >>> from mllayers.shop import make_orders
    >>> orders = make_orders(0, per_month=3).assign(planned="ship", action=["audit", "ship", "ship"])
    >>> past = orders.assign(drawn=["explore", "", ""], propensity=[0.01, 0.99, 0.99], label=[0.0, 1.0, 0.0],
    ...                      source=["audit", "chargeback", "silence"])
    >>> for name in ("closed", "explore"):
    ...     label, weight = learnable(past, ARMS[name], day=90)
    ...     print(name, label, weight.round(2))
    closed [0. 1. 0.] [1. 1. 1.]
    explore [0. 1. 0.] [100.     1.01   0.  ]
    """
    columns = ["day", "planned", "action", "drawn", "propensity", "label", "source"]
    past = as_frame(past, "past", columns)
    known_arm(arm)
    label = past["label"].to_numpy(float, copy=True)
    acts, chance = past["action"], past["propensity"].to_numpy(float)
    age = as_number(day, "day", ge=0) - past["day"].to_numpy(float)
    label[(past["source"] == "silence").to_numpy() & ~(age >= arm.silence_days)] = np.nan
    if arm.blocks == "fraud":
        label[(acts == "block").to_numpy()] = 1.0
    weight = (~np.isnan(label)).astype(float)
    if arm.silence == "ignore":
        looked = acts.isin(["review", "audit"]).to_numpy()
        weight[looked] /= chance[looked]
        told = ~looked & (chance < 1)  # nobody looked, but somebody could have
        weight[told] = (label[told] == 1) / chance[told]
        audited = ((acts == "audit") & (past["planned"] == "ship")).to_numpy() & (label == 1)
        reported = told & (label == 1)
        if audited.any() and reported.any():
            frauds = np.flatnonzero(audited | reported)
            r = _report_chance(past[ORDER_FEATURES].iloc[frauds], age[frauds], reported[frauds], 1 / chance[frauds])
            weight[frauds] *= np.where(audited[frauds], 1 - r, 1.0)
    return label, weight


def _report_chance(
    orders: pd.DataFrame, age: NDArray[np.float64], reported: NDArray[np.bool_], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The chance that a fraud of this kind and age would have been reported by now, had it shipped.

    Among frauds that were to ship, the audited ones, weighted by 1 / π, are as many as there are; the reported ones,
    weighted by 1 / (1 − π), are the share r of them. So the odds of "reported rather than audited" are r itself. A
    regression on the visible columns and the age estimates them; with weights that average 1, since 20 audits are not
    2,000 orders' worth of evidence.
    """
    x = np.column_stack([features(orders), np.log1p(np.maximum(age, 0.0))])
    model = LogisticRegression(C=0.3, solver="newton-cholesky")
    p = model.fit(x, reported, sample_weight=weight / weight.mean()).predict_proba(x)[:, 1]
    return np.asarray(np.minimum(p / (1 - p), 1.0))


def known_arm(arm: Any) -> Arm:
    """An arm, or an error that says what was expected."""
    if not isinstance(arm, Arm):
        raise TypeError(f"arm must be an Arm, such as ARMS['closed']; got {describe(arm)}")
    return arm
