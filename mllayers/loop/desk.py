"""The fraud desk's own steps: the columns a model sees, a regression, and the menu of what can be done."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mllayers._check import as_frame, as_integer, as_number, as_numbers, same_cases
from mllayers.decision import Action, Menu, Policy, cost_threshold
from mllayers.shop import ORDER_FEATURES, PRICES, Prices, order_stakes

_FLAGS = ["addr_mismatch", "device_new", "digital", "stored_balance", "night", "promo", "express"]


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
    >>> from mllayers.shop import make_orders
    >>> features(make_orders(0, per_month=5)).shape
    (5, 33)
    """
    as_frame(orders, "orders", ORDER_FEATURES)
    flags = orders[_FLAGS].assign(no_email=orders["email_risk"].isna()).to_numpy(float)
    pairs = [flags[:, i] * flags[:, j] for i, j in combinations(range(len(_FLAGS)), 2)]
    numbers = [np.log1p(orders["amount_usd"]), np.log1p(orders["account_age_days"]), orders["velocity_24h"]]
    return np.column_stack([*numbers, orders["email_risk"].fillna(0.0), flags, *pairs])


def fit(
    orders: pd.DataFrame,
    y: ArrayLike,
    weight: ArrayLike,
    *,
    negatives: int = 15_000,
    seed: Any = 0,
    model: Any = None,
) -> Any:
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
    model : scikit-learn classifier, optional
        Another one, not fitted yet, that takes the visible columns as they are and ``sample_weight``.

    Returns
    -------
    scikit-learn classifier
        Fitted; ``model.predict_proba(orders)[:, 1]`` is the probability of fraud.

    Raises
    ------
    TypeError, ValueError
        If the lengths differ, a weight is negative, or there are not both frauds and legitimate orders to learn from.

    Notes
    -----
    Taught in notebook 05.

    Examples
    --------
    >>> from mllayers.shop import legacy_rule, make_orders
    >>> orders = make_orders(range(2), per_month=5_000)
    >>> looked = legacy_rule(orders)
    >>> model = fit(orders, np.where(looked, orders["_is_fraud"], np.nan), looked)
    >>> model.predict_proba(orders)[:, 1].shape
    (10000,)
    """
    as_frame(orders, "orders", ORDER_FEATURES)
    label, w = as_numbers(y, "y", missing=True), as_numbers(weight, "weight").copy()
    same_cases(orders=orders, y=y, weight=weight)
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
    if model is not None:
        return model.fit(orders.loc[used, ORDER_FEATURES], label[used], sample_weight=w[used])
    regression = make_pipeline(FunctionTransformer(features), LogisticRegression(C=0.3, solver="newton-cholesky"))
    return regression.fit(orders.loc[used, ORDER_FEATURES], label[used], logisticregression__sample_weight=w[used])


def with_stakes(orders: pd.DataFrame, *, prices: Prices = PRICES) -> pd.DataFrame:
    """The orders with what each action gains and costs compared with shipping, in USD, for the menu of `desk_policy`.

    Parameters
    ----------
    orders : DataFrame
        With ``amount_usd``.
    prices : Prices
        The price list.

    Returns
    -------
    DataFrame
        With ``gain_review`` (a fake that a review stops), ``gain_block`` and ``cost_block`` (the lines of blocking:
        its expected value is gain · p − cost), from `shop.order_stakes`.

    Raises
    ------
    TypeError, ValueError
        If the amounts are missing or `prices` is no price list.

    Examples
    --------
    >>> with_stakes(pd.DataFrame({"amount_usd": [80.0]})).loc[0].to_dict()
    {'amount_usd': 80.0, 'gain_review': 76.0, 'gain_block': 112.0, 'cost_block': 36.0}
    """
    stakes = order_stakes(as_frame(orders, "orders", ["amount_usd"]), prices=prices)
    wrong_block = stakes["gain_tn"] + stakes["cost_fp"]
    gains = {"gain_review": stakes["cost_fn"], "gain_block": stakes["cost_fn"] + wrong_block}
    return orders.assign(**gains, cost_block=wrong_block)


def desk_policy(reviews: float, *, prices: Prices = PRICES) -> Policy:
    """What the desk may do with an order: ship it, review it while there is room, or block it, by expected value.

    Parameters
    ----------
    reviews : float
        How many reviews there are.
    prices : Prices
        The price list.

    Returns
    -------
    Policy
        For orders with the columns of `with_stakes`. No order can be left alone, so there is no idle action.

    Raises
    ------
    TypeError, ValueError
        If the number of reviews is negative.

    Examples
    --------
    >>> orders = with_stakes(pd.DataFrame({"amount_usd": [80.0] * 4, "p": [0.01, 0.30, 0.40, 0.95]}))
    >>> desk_policy(1).decide(orders, score="p")["action"].to_list()
    ['ship', 'review', 'review', 'block']
    """
    room = as_number(reviews, "reviews", ge=0)
    return Policy(
        Menu(
            Action("ship", gain=0, cost=0, owner="the shop"),
            Action("review", gain="gain_review", cost=prices.review, owner="the fraud desk", capacity=room),
            Action("block", gain="gain_block", cost="cost_block", owner="the fraud desk"),
        ),
        missing="review",
        holdout=0,
    )


def blocks(orders: pd.DataFrame, p: ArrayLike, *, prices: Prices = PRICES) -> NDArray[np.bool_]:
    """Which orders would be blocked if nobody could review: p reaches each order's own threshold."""
    return np.asarray(as_numbers(p, "p") >= cost_threshold(**order_stakes(orders, prices=prices)))


def review_action(prices: Prices = PRICES) -> Action:
    """A review that was drawn at random: it gains and costs what any review does."""
    return Action("audit", gain="gain_review", cost=prices.review, owner="the fraud desk")
