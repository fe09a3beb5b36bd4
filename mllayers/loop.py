"""The whole system: the five layers wired together on the simulated fraud desk, month by month.

Each month is five small steps, and each is a function that stands on its own: what is known (`shop.observe`), what may
be learned from it (`learnable`), a model (`fit`), what to do with every order (`decide`), and what came of it.
`run_loop` repeats them. What is done decides what gets known: a blocked order never shows an outcome,
a chargeback takes weeks, and silence is not innocence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mllayers._check import as_frame, as_integer, as_number, as_numbers, as_probabilities, describe, one_of, same_length
from mllayers.data import audit_sample
from mllayers.decision import cost_threshold, expected_value, within_capacity
from mllayers.feedback import promise_kept
from mllayers.ledger import Ledger
from mllayers.shop import (
    EVENTS,
    ORDER_FEATURES,
    ORDER_TYPES,
    PRICES,
    Prices,
    legacy_rule,
    make_orders,
    observe,
    order_money,
)

__all__ = ["ARMS", "Arm", "LoopResult", "decide", "features", "fit", "learnable", "reacting_orders", "run_loop"]

Source = Callable[[int, pd.DataFrame], pd.DataFrame]

DAYS = 30  # in a month

_AUDIT, _THIN = 51, 52  # streams of chance
_FLAGS = ["addr_mismatch", "device_new", "digital", "stored_balance", "night", "promo", "express"]
_NEEDS = ["order_id", "month", "day", *ORDER_FEATURES, "_kind", "_is_fraud", "_report_day", "_reviewer_draw"]
_DAY_ZERO = pd.Timestamp("2026-01-01")  # in the ledger


@dataclass(frozen=True)
class Arm:
    """What a team learns from: one answer to each of the questions that a feedback loop asks.

    Parameters
    ----------
    blocks : {'drop', 'fraud', 'review'}
        A blocked order never shows an outcome. Leave it out, call it fraud, or let somebody look at a random share of
        them before they are blocked.
    silence : {'legit', 'ignore'}
        A shipped order that nobody complained about: legitimate, or no label wherever an audit could have looked.
    silence_days : float
        How many days without a complaint make silence.
    audit_share : float in [0, 1)
        Share of the orders that would ship and are looked at instead, drawn at random.
    review_blocked_share : float in (0, 1)
        Share of the orders that would be blocked and are looked at instead; used where `blocks` is 'review'.
    chargebacks : bool
        Learn from chargebacks too where silence is ignored: see the notes of `learnable`.
    retrain : bool
        False: the model of the first month stays for ever.
    truth : bool
        True: learn from the hidden truth about all orders, without delay. No team can; it is the bar.

    Raises
    ------
    TypeError, ValueError
        For another word, or a number out of range.

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
    chargebacks: bool = True
    retrain: bool = True
    truth: bool = False

    def __post_init__(self) -> None:
        one_of(self.blocks, "blocks", ("drop", "fraud", "review"))
        one_of(self.silence, "silence", ("legit", "ignore"))
        for name, limits in {
            "silence_days": {"ge": 0.0},
            "audit_share": {"ge": 0.0, "lt": 1.0},
            "review_blocked_share": {"gt": 0.0, "lt": 1.0},
        }.items():
            object.__setattr__(self, name, as_number(getattr(self, name), name, **limits))
        for name in ("chargebacks", "retrain", "truth"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False; got {describe(getattr(self, name))}")


ARMS = {
    "open": Arm(retrain=False),
    "self": Arm(blocks="fraud"),
    "closed": Arm(),
    "explore": Arm(blocks="review", silence="ignore", audit_share=0.01),
    "oracle": Arm(truth=True),
}


def features(orders: pd.DataFrame) -> NDArray[np.float64]:
    """The visible columns of orders as 33 numbers: amount and age as logarithms, the flags, and every pair of flags.

    Parameters
    ----------
    orders : DataFrame
        With the columns of ``shop.ORDER_FEATURES``.

    Returns
    -------
    array of shape (n, 33)
        Four numbers, the seven flags, one more that says that the e-mail look-up failed, and 21 products of two flags.

    Raises
    ------
    TypeError, ValueError
        If it is no frame, or a column is missing.

    Notes
    -----
    Nothing is learned from the data here, so the columns mean the same in every month. Taught in notebook 05.

    Examples
    --------
    >>> features(make_orders(0, per_month=5)).shape
    (5, 33)
    """
    as_frame(orders, "orders", ORDER_FEATURES)
    flags = orders[_FLAGS].assign(no_email=orders["email_risk"].isna()).to_numpy(float)
    pairs = [flags[:, i] * flags[:, j] for i, j in combinations(range(len(_FLAGS)), 2)]
    numbers = [np.log1p(orders["amount_usd"]), np.log1p(orders["account_age_days"]), orders["velocity_24h"]]
    return np.column_stack([*numbers, orders["email_risk"].fillna(0.0), flags, *pairs])


def learnable(
    seen: pd.DataFrame, actions: ArrayLike, propensity: ArrayLike, arm: Arm
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the team may learn from each order: a label, and how many orders it stands for.

    Parameters
    ----------
    seen : DataFrame
        What is known on the day, as `shop.observe` returns it.
    actions : array of str, shape (n,)
        What was done with each order.
    propensity : array of shape (n,)
        The chance, in (0, 1], that just this was done; 1 where nothing was left to chance.
    arm : Arm
        What the team does with blocks and with silence.

    Returns
    -------
    label : array of shape (n,)
        1 fraud, 0 legitimate, NaN unknown.
    weight : array of shape (n,)
        0 where nothing is learned.

    Raises
    ------
    TypeError, ValueError
        If a column is missing, the lengths differ, or a propensity lies outside (0, 1].

    Notes
    -----
    Where silence is taken for legitimate, every label counts once. Where it is ignored, a label that somebody looked
    for counts 1 / propensity (Horvitz–Thompson), and the silent orders of the same months count nothing: the audited
    ones speak for them. Months in which nobody could have looked have only their silence, and keep it.

    Chargebacks then count once each. That is not unbiased: a fraud that is reported counts for itself and, through the
    audited frauds that stand for it, a second time, so patterns that come back get too high a probability. It helps to
    see new ones early. ``Arm(…, chargebacks=False)`` learns from the design alone. Taught in notebook 05.

    References
    ----------
    Lakkaraju et al. (2017), "The Selective Labels Problem", KDD. Horvitz and Thompson (1952), JASA 47(260).

    Examples
    --------
    Three orders that shipped: audited, reported, silent.

    >>> seen = pd.DataFrame({"label": [0.0, 1.0, 0.0]})
    >>> for name in ("closed", "explore"):
    ...     print(name, learnable(seen, ["audit", "ship", "ship"], [0.01, 0.99, 0.99], ARMS[name]))
    closed (array([0., 1., 0.]), array([1., 1., 1.]))
    explore (array([0., 1., 0.]), array([100.,   1.,   0.]))
    """
    label = as_frame(seen, "seen", ["label"])["label"].to_numpy(float, copy=True)
    acts, chance = np.asarray(actions), as_probabilities(propensity, "propensity")
    same_length(seen=label, actions=acts, propensity=chance)
    if (chance == 0).any():
        raise ValueError(f"propensity must be > 0; got 0 at row {int(np.argmin(chance))}")
    if _known_arm(arm).blocks == "fraud":
        label[acts == "block"] = 1.0
    weight = (~np.isnan(label)).astype(float)
    if arm.silence == "ignore":
        looked = np.isin(acts, ["review", "audit"])
        weight[looked] /= chance[looked]
        told = ~looked & (chance < 1)  # nobody looked, but somebody could have
        weight[told] = (label[told] == 1) & arm.chargebacks
    return label, weight


def fit(orders: pd.DataFrame, y: ArrayLike, weight: ArrayLike, *, negatives: int = 15_000, seed: Any = 0) -> Pipeline:
    """A logistic regression on the visible columns, from all positives and a sample of the negatives.

    Parameters
    ----------
    orders : DataFrame
        With the columns of ``shop.ORDER_FEATURES``; no other column is looked at.
    y : array of shape (n,)
        1 fraud, 0 legitimate; NaN only where `weight` is 0.
    weight : array of shape (n,)
        How many orders each one stands for; those with 0 are left out.
    negatives : int, default 15,000
        At most so many of the negatives with weight 1 are used; together they weigh as much as all of them, so the
        probabilities stay calibrated.
    seed : int, list of int or numpy Generator
        Which negatives.

    Returns
    -------
    Pipeline
        A fitted scikit-learn model; ``model.predict_proba(orders)[:, 1]`` is the probability of fraud.

    Raises
    ------
    TypeError, ValueError
        If the lengths differ, a weight is negative, or there are not both frauds and legitimate orders to learn from.

    Notes
    -----
    Taught in notebook 05.

    Examples
    --------
    >>> orders = make_orders(range(2), per_month=5_000)
    >>> looked = legacy_rule(orders)
    >>> model = fit(orders, np.where(looked, orders["_is_fraud"], np.nan), looked)
    >>> model.predict_proba(orders)[:, 1].shape
    (10000,)
    """
    as_frame(orders, "orders", ORDER_FEATURES)
    label, w = as_numbers(y, "y", missing=True), as_numbers(weight, "weight").copy()
    same_length(orders=orders.index.to_numpy(), y=label, weight=w)
    if (w < 0).any() or np.isnan(label[w > 0]).any():
        raise ValueError("weight must be ≥ 0, and 0 where y is unknown")
    if not {0.0, 1.0} == set(np.unique(label[w > 0])):
        raise ValueError(
            "y must hold both frauds (1) and legitimate orders (0) with a weight above 0, and nothing else; got "
            f"{(label[w > 0] == 1).sum():,} and {(label[w > 0] == 0).sum():,} among {(w > 0).sum():,}"
        )
    plain = np.flatnonzero((label == 0) & (w == 1))
    if len(plain) > as_integer(negatives, "negatives", ge=1):
        kept = np.random.default_rng(seed).choice(plain, negatives, replace=False)
        w[plain] = 0.0
        w[kept] = len(plain) / negatives
    used = w > 0
    model = make_pipeline(FunctionTransformer(features), LogisticRegression(C=0.3, solver="newton-cholesky"))
    return model.fit(orders.loc[used, ORDER_FEATURES], label[used], logisticregression__sample_weight=w[used])


def decide(
    orders: pd.DataFrame, p: ArrayLike, arm: Arm, *, capacity: float = 0.04, prices: Prices = PRICES, seed: Any = 0
) -> pd.DataFrame:
    """What to do with each order: ship it, block it, look at it because that pays, or look at it by chance.

    Parameters
    ----------
    orders : DataFrame
        With ``amount_usd``.
    p : array of shape (n,)
        Probability of fraud.
    arm : Arm
        Which shares are looked at by chance.
    capacity : float in [0, 1], default 0.04
        Share of the orders that can be looked at. Those drawn by chance come first, as many as they are, and the orders
        where a look saves most get what is left.
    prices : Prices
        The price list.
    seed : int, list of int or numpy Generator
        The draw.

    Returns
    -------
    DataFrame with the index of `orders`
        ``p``, ``action`` (ship, review, audit or block) and ``propensity``: the chance, known beforehand, that just
        this was done.

    Raises
    ------
    TypeError, ValueError
        If the lengths differ, or a probability or the capacity lies outside [0, 1].

    Notes
    -----
    Block beats ship from p ≥ t, each order's own threshold. A look is worth what the better of the two would lose
    without it: p · (goods + fee) where the order would ship, (1 − p) · (margin + goodwill) where it would be blocked;
    less the review. Taught in notebook 05; the thresholds in notebook 03, *The thresholds follow from the costs*.

    References
    ----------
    Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI.

    Examples
    --------
    >>> orders = pd.DataFrame({"amount_usd": [80.0, 80.0, 80.0, 80.0]})
    >>> decide(orders, [0.01, 0.30, 0.40, 0.95], ARMS["closed"], capacity=0.25)["action"].to_list()
    ['ship', 'review', 'block', 'block']
    """
    as_frame(orders, "orders", ["amount_usd"])
    p = as_probabilities(p, "p")
    n = same_length(orders=orders.index.to_numpy(), p=p)
    good, bad = _stakes(orders, prices)
    block = _blocks(orders, p, prices)
    spared = np.where(block, expected_value(1 - p, good + prices.goodwill), expected_value(p, bad))
    share = np.where(block, _known_arm(arm).review_blocked_share * (arm.blocks == "review"), arm.audit_share)
    room = max(0.0, as_number(capacity, "capacity", ge=0, le=1) * n - share.sum())
    review = within_capacity(spared - prices.review, room).chosen
    may = ~review & (share > 0)
    drawn, chance = audit_sample(n, np.where(may, share, 1.0), eligible=may, seed=np.random.default_rng(seed))
    action = np.select([review, drawn, block], ["review", "audit", "block"], "ship")
    return pd.DataFrame({"p": p, "action": action, "propensity": np.where(drawn, chance, 1 - chance)}, orders.index)


@dataclass(frozen=True, eq=False, repr=False)
class LoopResult:
    """What came of a run: what `run_loop` returns.

    Attributes
    ----------
    labels : str
        The name of the arm.
    arm : Arm
        What the team learned from.
    months : DataFrame, one row per month
        ``orders``, ``frauds``; ``money`` made, ``perfect`` (money of whoever knows the truth) and ``gap`` between the
        two, all in USD; ``fakes_shipped``, ``good_blocked``, ``blocks``, ``reviews`` and ``audits``;
        ``precision_true`` of the blocks and ``precision_seen``, what the team believes it to be; ``promised`` (frauds
        that the probabilities promise among the shipped orders), ``reported`` (those that have come back once the
        month is old enough for silence), ``calibration_seen`` = promised / reported and ``calibration_true`` =
        promised / fakes_shipped; ``inf`` where there was none.
    kinds : DataFrame, one row per month and order type
        How many ``orders``, and how many of them were ``ship``, ``review``, ``audit`` and ``block``.
    decisions : DataFrame, one row per order
        ``order_id``, ``month``, ``day``, ``p``, ``action``, ``propensity``; with the index of the orders.
    model : Pipeline
        The last model.
    """

    labels: str
    arm: Arm
    months: pd.DataFrame
    kinds: pd.DataFrame
    decisions: pd.DataFrame
    model: Pipeline

    @property
    def money(self) -> float:
        """Dollars made over all months."""
        return float(self.months["money"].sum())

    @property
    def gap(self) -> float:
        """Dollars made less those that perfect decisions would have made: 0 at best."""
        return float(self.months["gap"].sum())

    def __repr__(self) -> str:
        total = self.months.sum()
        believed = total["promised"] / total["fakes_shipped"] if total["fakes_shipped"] else np.nan
        return (
            f"{self.labels}: ${-self.gap:,.0f} short of perfect decisions in {len(self.months)} months; "
            f"{total['fakes_shipped']:,.0f} of {total['frauds']:,.0f} fakes shipped ({believed:.0%} of them promised), "
            f"{total['good_blocked']:,.0f} good orders blocked, {total['reviews'] + total['audits']:,.0f} looked at"
        )


def run_loop(
    orders: pd.DataFrame | Source,
    *,
    labels: str | Arm = "closed",
    blocks: str | None = None,
    silence: str | None = None,
    silence_days: float | None = None,
    audit_share: float | None = None,
    review_blocked_share: float | None = None,
    chargebacks: bool | None = None,
    capacity: float = 0.04,
    window: int = 6,
    months: Iterable[int] = range(6, 18),
    prices: Prices = PRICES,
    seed: int = 2026,
    ledger: Ledger | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> LoopResult:
    """The whole system, month by month: learn from what is known that day, decide, act, wait for what comes back.

    Parameters
    ----------
    orders : DataFrame or callable
        Orders with their truth, of the months before the first (decided by the old rules) and of all `months`, as
        `shop.make_orders` returns them. Give the same frame to all arms and they meet the same orders. Or a function
        ``orders(month, so_far)`` for a world that reacts: it gets all orders so far with ``p``, ``action`` and
        ``propensity``, and returns those of the month; see `reacting_orders`.
    labels : {'open', 'self', 'closed', 'explore', 'oracle'} or Arm
        What the team learns from. open: the model of the first month for ever. self: its own blocks count as fraud.
        closed: blocks are left out, silence is legitimate. explore: 1 % random audit, 10 % of the blocks are looked
        at, silence is ignored. oracle: the truth about every order, at once.
    blocks, silence, silence_days, audit_share, review_blocked_share, chargebacks : optional
        Another answer to one of the arm's questions, see `Arm`.
    capacity : float in [0, 1], default 0.04
        Share of the orders that can be looked at, audits included.
    window : int, default 6
        Months that the model learns from.
    months : iterable of int, default 6 to 17
        The months to run, one after the other.
    prices : Prices
        The price list.
    seed : int
        Seed of the audits' draw and of the sample of negatives: same seed, same bits.
    ledger : Ledger, optional
        Where decisions (with their propensities) and outcomes are written, month by month. A run that was interrupted
        goes on after the last complete month, with the same result. One ledger for one run.
    progress : callable, optional
        Called as ``progress(months_done, months)``.

    Returns
    -------
    LoopResult

    Raises
    ------
    TypeError, ValueError
        For an unknown word, a number out of range, a month without orders, and a ledger that holds another run or
        other orders.
    LedgerError
        If the ledger cannot be read or written.

    Notes
    -----
    On the first day of a month a model is fitted to what `shop.observe` tells that day about the `window` months
    before (`learnable`, `fit`), and decides the orders of the month (`decide`). The last complete month of a ledger
    is decided again, and the ledger refuses it should anything differ. Run it with one thread per numerical library
    (``OMP_NUM_THREADS=1``): the fits are small, and with more threads the last bits may differ. Taught in notebook 05.

    References
    ----------
    Dal Pozzolo et al. (2018), "Credit Card Fraud Detection: A Realistic Modeling", IEEE TNNLS 29(8): delayed and
    selective labels. Perdomo et al. (2020), "Performative Prediction", ICML.

    Examples
    --------
    >>> orders = make_orders(range(8), per_month=4_000)
    >>> result = run_loop(orders, labels="explore", months=range(6, 8))
    >>> result.months[["orders", "reviews", "audits"]]  # doctest: +NORMALIZE_WHITESPACE
           orders  reviews  audits
    month
    6        4000      103      55
    7        4000      106      52
    """
    name, arm = _as_arm(labels, {"blocks": blocks, "silence": silence, "silence_days": silence_days,
                                 "audit_share": audit_share, "review_blocked_share": review_blocked_share,
                                 "chargebacks": chargebacks})  # fmt: skip
    wanted, window = _as_months(months), as_integer(window, "window", ge=1)
    first, seed = wanted[0], as_integer(seed, "seed", ge=0)
    capacity = as_number(capacity, "capacity", ge=0, le=1)
    if not isinstance(prices, Prices):
        raise TypeError(f"prices must be shop.Prices; got {describe(prices)}")
    ask = _reacting(orders) if callable(orders) else _monthly(orders)
    book = None if ledger is None else _Book(ledger, name, (arm, capacity, window, first, prices, seed), wanted)
    past: list[pd.DataFrame] = []
    for month in range(max(0, first - window), first):
        today = ask(month, past)
        old_rules = np.where(legacy_rule(today), "review", "ship")
        past.append(today.assign(p=np.nan, action=old_rules, propensity=1.0))
    born, model = -1, None
    for done, month in enumerate(wanted, start=1):
        today = ask(month, past)
        decisions = None if book is None else book.read(month, today)
        if decisions is None:
            if model is None or arm.retrain:
                born = month if arm.retrain else first
                known = pd.concat(past[: len(past) - (month - born)][-window:])
                model = fit(known, *_labels_on(born * DAYS, known, arm), seed=[seed, _THIN, born])
            p = model.predict_proba(today[ORDER_FEATURES])[:, 1]
            decisions = decide(today, p, arm, capacity=capacity, prices=prices, seed=[seed, _AUDIT, month])
        past.append(today.join(decisions))
        if book is not None and model is not None:
            book.write(past[-done:], born, prices.review)
        if progress is not None:
            progress(done, len(wanted))
    ran = past[-len(wanted) :]
    table = pd.DataFrame(
        [_month_row(*each, arm, prices) for each in zip(wanted, ran, strict=True)], index=pd.Index(wanted, name="month")
    )
    kinds = pd.concat([_by_kind(each) for each in ran], keys=wanted, names=["month"])
    decided = pd.concat(ran)[["order_id", "month", "day", "p", "action", "propensity"]]
    return LoopResult(name, arm, table, kinds, decided, model)


def reacting_orders(
    *, seed: int = 2026, per_month: int = 40_000, learning: float = 0.15, events: Mapping[str, Any] | None = None
) -> Source:
    """A world in which the loud fraudster reacts: the more of his orders are stopped, the more of them change form.

    Parameters
    ----------
    seed, per_month
        As in `shop.make_orders`.
    learning : float in [0, 1]
        Share of the stopped attempts that come in the other form next month: stopped A as A', stopped A' as A. With 0
        nobody reacts.
    events : mapping, optional
        The other drifts; by default all but ``mutateA``, which this replaces.

    Returns
    -------
    callable
        ``orders(month, so_far)`` for `run_loop`. Other arms meet other orders then, so compare them over seeds.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range, or the events hold ``mutateA``.

    Notes
    -----
    A and A' together are as many as ever. He reacts to the new system alone, not to the old rules, and only to what he
    saw last month. Real fraudsters also change what they buy, and leave. Taught in notebook 05.

    References
    ----------
    Perdomo et al. (2020), "Performative Prediction", ICML.

    Examples
    --------
    >>> world = reacting_orders(per_month=4_000)
    >>> kinds = run_loop(world, labels="closed", months=range(6, 9)).kinds
    >>> kinds["orders"].unstack()["A'"].to_list()
    [0, 7, 13]
    """
    learning = as_number(learning, "learning", ge=0, le=1)
    others = {event: when for event, when in EVENTS.items() if event != "mutateA"} if events is None else dict(events)
    if "mutateA" in others:
        raise ValueError("events must not hold mutateA: here A changes because it is stopped")

    def orders(month: int, so_far: pd.DataFrame) -> pd.DataFrame:
        types: Any = ORDER_TYPES.copy()
        changed = 0.0
        last = so_far[so_far["month"] == month - 1] if len(so_far) else so_far
        if len(last) and last["p"].notna().all():
            form = last["_kind"].isin(["A", "A'"])
            changed = (last.loc[form, "_kind"] == "A'").mean() if form.any() else 0.0
            stopped = (last["action"] != "ship").groupby(last["_kind"], observed=False).mean().fillna(0.0)
            changed += learning * ((1 - changed) * stopped["A"] - changed * stopped["A'"])
        types.loc["share", "A'"] = changed * types.loc["share", "A"]
        types.loc["share", "A"] -= types.loc["share", "A'"]
        return make_orders(month, seed=seed, per_month=per_month, events=others, types=types)

    return orders


def _as_arm(labels: str | Arm, answers: dict[str, Any]) -> tuple[str, Arm]:
    """The arm with its other answers, and its name, which is a known one where the arm is."""
    arm = labels if isinstance(labels, Arm) else ARMS[one_of(labels, "labels", ARMS)]
    given = {question: answer for question, answer in answers.items() if answer is not None}
    changed = replace(arm, **given)
    for name, known in ARMS.items():
        if changed == known:
            return name, changed
    told = [f"{question}={answer}" for question, answer in given.items() if answer != getattr(arm, question)]
    return ", ".join(["own arm" if arm is labels else str(labels), *told]), changed


def _known_arm(arm: Any) -> Arm:
    if not isinstance(arm, Arm):
        raise TypeError(f"arm must be an Arm, such as ARMS['closed']; got {describe(arm)}")
    return arm


def _as_months(months: Iterable[int]) -> list[int]:
    """Months that follow each other, the first at least 1."""
    if isinstance(months, (str, bytes)) or not isinstance(months, Iterable):
        raise TypeError(f"months must be whole numbers that follow each other; got {describe(months)}")
    wanted = [as_integer(month, "months", ge=1) for month in months]
    if not wanted or wanted != list(range(wanted[0], wanted[0] + len(wanted))):
        raise ValueError(f"months must name at least one month, each the one after the last; got {wanted}")
    return wanted


def _monthly(orders: pd.DataFrame) -> Callable[[int, list[pd.DataFrame]], pd.DataFrame]:
    """The orders of a month out of a frame of many."""
    frame = as_frame(orders, "orders", _NEEDS)
    months: dict[int, pd.DataFrame] = {
        month: frame.loc[frame["month"] == month, _NEEDS] for month in frame["month"].unique().tolist()
    }

    def ask(month: int, past: list[pd.DataFrame]) -> pd.DataFrame:
        if month not in months:
            has = ", ".join(map(str, months))
            raise ValueError(
                f"orders must hold the months to run and the window before them; got {has}, without {month}"
            )
        return months[month]

    return ask


def _reacting(orders: Source) -> Callable[[int, list[pd.DataFrame]], pd.DataFrame]:
    """The orders of a month from a function that is told what was done so far."""

    def ask(month: int, past: list[pd.DataFrame]) -> pd.DataFrame:
        so_far = pd.concat(past) if past else pd.DataFrame(columns=[*_NEEDS, "p", "action", "propensity"])
        today = as_frame(orders(month, so_far), f"orders({month}, so_far)", _NEEDS)[_NEEDS]
        if (today["month"] != month).any():
            raise ValueError(f"orders({month}, so_far) must return orders of month {month} alone")
        return today

    return ask


def _labels_on(day: float, known: pd.DataFrame, arm: Arm) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Labels and weights of past orders, as they are known on a day; the oracle's are the truth."""
    if arm.truth:
        return known["_is_fraud"].to_numpy(float), np.ones(len(known))
    seen = observe(known, known["action"], day, silence_days=arm.silence_days)
    return learnable(seen, known["action"], known["propensity"], arm)


def _month_row(month: int, orders: pd.DataFrame, arm: Arm, prices: Prices) -> dict[str, float]:
    """What became of a month, in truth and as the team sees it."""
    fraud, acts, p = orders["_is_fraud"].to_numpy(bool), orders["action"].to_numpy(str), orders["p"].to_numpy(float)
    shipped, blocked = acts == "ship", acts == "block"
    money = order_money(orders, acts, prices=prices).sum()
    perfect = order_money(orders, np.where(fraud, "block", "ship"), prices=prices).sum()
    day = (month + 1) * DAYS + arm.silence_days
    label = observe(orders, acts, day, silence_days=arm.silence_days)["label"].to_numpy(float)
    calibration = [
        promise_kept(p[shipped], y[shipped]).ratio if shipped.any() else np.nan for y in (label, fraud)
    ]
    true = _ratio(fraud[blocked].sum(), blocked.sum())
    if arm.truth or arm.blocks == "drop":
        seen = true if arm.truth else np.nan
    elif arm.blocks == "fraud":
        seen = _ratio(blocked.sum(), blocked.sum())
    else:
        looked = (acts == "audit") & _blocks(orders, p, prices)
        seen = _ratio(label[looked].sum(), looked.sum())
    return {
        "orders": len(orders),
        "frauds": fraud.sum(),
        "money": money,
        "perfect": perfect,
        "gap": money - perfect,
        "fakes_shipped": (fraud & shipped).sum(),
        "good_blocked": (~fraud & blocked).sum(),
        "blocks": blocked.sum(),
        "reviews": (acts == "review").sum(),
        "audits": (acts == "audit").sum(),
        "precision_seen": seen,
        "precision_true": true,
        "promised": p[shipped].sum(),
        "reported": (label[shipped] == 1).sum(),
        "calibration_seen": calibration[0],
        "calibration_true": calibration[1],
    }


def _ratio(a: float, b: float) -> float:
    return float(a / b) if b else np.nan


def _blocks(orders: pd.DataFrame, p: NDArray[np.float64], prices: Prices) -> NDArray[np.bool_]:
    """Where blocking beats shipping."""
    good, bad = _stakes(orders, prices)
    return p >= cost_threshold(gain_tn=good, cost_fp=prices.goodwill, cost_fn=bad)


def _stakes(orders: pd.DataFrame, prices: Prices) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a shipped order earns when it is good, and loses when it is a fake."""
    amount = orders["amount_usd"].to_numpy(float)
    return prices.margin * amount, prices.cost_of_goods * amount + prices.chargeback_fee


def _by_kind(orders: pd.DataFrame) -> pd.DataFrame:
    """How many orders of each type, and what was done with them."""
    counts = pd.crosstab(orders["_kind"].astype(str), orders["action"])
    counts = counts.reindex(index=list(ORDER_TYPES.columns), columns=["ship", "review", "audit", "block"], fill_value=0)
    counts.insert(0, "orders", counts.sum(axis=1))
    return counts.rename_axis(index="kind", columns=None)


class _Book:
    """One run in a ledger: which months are written already, and what is still to be written."""

    def __init__(self, ledger: Ledger, name: str, settings: tuple[Any, ...], months: list[int]) -> None:
        if not isinstance(ledger, Ledger):
            raise TypeError(f"ledger must be a Ledger; got {describe(ledger)}")
        self.ledger = ledger
        self.policy = f"loop {name} {hashlib.sha256(repr(settings).encode()).hexdigest()[:12]}"
        written = ledger.decisions()
        others = sorted(set(written["policy"]) - {self.policy})
        if others:
            raise ValueError(
                f"ledger must hold nothing but this run, {self.policy!r}, with the same arm, capacity, window, first "
                f"month, prices and seed; it holds {others[0]!r}"
            )
        month = (written["time"] - _DAY_ZERO) // pd.Timedelta(days=DAYS)
        self.months = {int(key): part.set_index("case") for key, part in written.groupby(month)}
        self.again = min(max(self.months, default=-1), months[-1])

    def read(self, month: int, orders: pd.DataFrame) -> pd.DataFrame | None:
        """The decisions of a month, if it is written; not of the last one, which is decided again and compared."""
        if month >= self.again:
            return None
        cases = orders["order_id"].astype(str)
        if month not in self.months or set(cases) != set(self.months[month].index):
            raise ValueError(f"ledger holds decisions about other orders than those of month {month}")
        there = self.months[month].loc[cases.to_list()]
        columns = {"p": "score", "action": "action", "propensity": "propensity"}
        return pd.DataFrame({ours: there[theirs].to_numpy() for ours, theirs in columns.items()}, orders.index)

    def write(self, past: list[pd.DataFrame], born: int, review: float) -> None:
        """A month's decisions, and what came back while it lasted; both are whole or not there at all."""
        orders = past[-1]
        month, looked = int(orders["month"].iloc[0]), orders["action"].isin(["review", "audit"])
        self.ledger.record_decisions(
            pd.DataFrame(
                {
                    "case": orders["order_id"],
                    "time": _time(orders["day"]),
                    "model": f"fitted for month {born}",
                    "policy": self.policy,
                    "score": orders["p"],
                    "action": orders["action"],
                    "propensity": orders["propensity"],
                    "cost": np.where(looked, review, 0.0),
                }
            )
        )
        came = _came_back(pd.concat(past), month)
        if len(came):
            self.ledger.record_outcomes(came)


def _came_back(orders: pd.DataFrame, month: int) -> pd.DataFrame:
    """What became known about orders during a month: what somebody saw, and the chargebacks."""
    begin, end = month * DAYS, (month + 1) * DAYS
    due = orders[(orders["month"] == month) | orders["_report_day"].between(begin, end, inclusive="right")]
    seen = observe(due, due["action"], end)
    new = ((due["month"] == month) & seen["source"].isin(["review", "audit"])) | (seen["source"] == "chargeback")
    told, source = due[new], seen.loc[new, "source"].astype(str)
    arrival = np.where(source == "chargeback", told["_report_day"], told["day"])
    return pd.DataFrame(
        {
            "case": told["order_id"],
            "time": _time(told["day"]),
            "kind": source,
            "value": seen.loc[new, "label"],
            "arrival": _time(arrival),
        }
    )


def _time(day: ArrayLike) -> pd.DatetimeIndex:
    return _DAY_ZERO + pd.to_timedelta(np.asarray(day, float), unit="D")
