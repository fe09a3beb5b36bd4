"""The price list of the simulated retailer, in US dollars: what every outcome and every action costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_binary, as_flag, as_frame, as_number, as_numbers, describe, same_cases


@dataclass(frozen=True)
class Prices:
    """What things cost and earn; change one with ``dataclasses.replace(PRICES, review=10)``.

    Parameters
    ----------
    margin : float
        Share of the order value that is left after paying for the goods (0.30: of $80, $24 stay).
    chargeback_fee : float
        Fee and handling of one reported fraud, USD.
    review : float
        Five to ten minutes of a reviewer, USD per order (an audit costs the same).
    goodwill : float
        What a good customer takes elsewhere after being blocked by mistake, USD.
    email, voucher, call : float
        One retention e-mail, one voucher (paid when sent), one call, USD.
    more : mapping of str to float
        What actions of your own cost, USD: the columns that you add to `RESPONSE`.

    Raises
    ------
    TypeError, ValueError
        If a price is not a number, is negative, or the margin lies outside [0, 1].

    Examples
    --------
    >>> PRICES.review, PRICES.cost_of_goods
    (4.0, 0.7)
    >>> Prices(more={"gift": 12}).contact("gift")
    12.0
    """

    margin: float = 0.30
    chargeback_fee: float = 20.0
    review: float = 4.0
    goodwill: float = 12.0
    email: float = 0.10
    voucher: float = 5.0
    call: float = 15.0
    more: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part in fields(self):
            if part.name != "more":
                upper = 1.0 if part.name == "margin" else np.inf
                object.__setattr__(self, part.name, as_number(getattr(self, part.name), part.name, ge=0, le=upper))
        if not isinstance(self.more, Mapping):
            raise TypeError(f"more must give the price of each action of your own; got {describe(self.more)}")
        own = {str(action): as_number(price, f"more[{action!r}]", ge=0) for action, price in self.more.items()}
        object.__setattr__(self, "more", own)

    @property
    def cost_of_goods(self) -> float:
        """Share of the order value that the goods cost the retailer."""
        return 1 - self.margin

    def contact(self, action: str) -> float:
        """What one retention action costs when it is taken, USD; ``none`` costs nothing."""
        known = {"none": 0.0, "email": self.email, "voucher": self.voucher, "call": self.call, **self.more}
        if action not in known:
            raise ValueError(f"action must be one of {', '.join(known)}; got {describe(action)}")
        return known[action]


PRICES = Prices()

ORDER_ACTIONS = ("ship", "review", "audit", "block")
SHIP, REVIEW, AUDIT, BLOCK = range(4)


def order_money(
    orders: pd.DataFrame, actions: str | ArrayLike, *, prices: Prices = PRICES, sensitivity: float = 1.0
) -> NDArray[np.float64]:
    """What each order really brings in under the action taken, in USD.

    Parameters
    ----------
    orders : DataFrame
        Orders with their hidden truth (``_is_fraud``, ``_reviewer_draw``), as `make_orders` returns them.
    actions : str or array of str, one per order
        ``ship``, ``review``, ``audit`` (a review that was drawn at random) or ``block``.
    prices : Prices
        The price list.
    sensitivity : float in [0, 1]
        Share of the frauds that a reviewer recognises; a missed one ships.

    Returns
    -------
    array of float, one per order, USD
        Shipped: the margin, or minus the goods and the chargeback fee. Reviewed: the same less the review, and
        nothing is lost on a fraud that is caught. Blocked: minus the goodwill of a good customer.

    Raises
    ------
    TypeError, ValueError
        If an action is unknown, their number differs from the orders', or the truth columns are missing.

    Examples
    --------
    >>> import pandas as pd
    >>> orders = pd.DataFrame({"amount_usd": [80.0, 80.0], "_is_fraud": [False, True], "_reviewer_draw": [0.5, 0.5]})
    >>> for action in ["ship", "review", "block"]:
    ...     print(action, order_money(orders, action).round(2))
    ship [ 24. -76.]
    review [20. -4.]
    block [-12.   0.]
    """
    orders = as_frame(orders, "orders", ["amount_usd", "_is_fraud", "_reviewer_draw"])
    if isinstance(actions, pd.Series):  # matched by position, so its labels must be those of the orders
        same_cases(orders=orders, actions=actions)
    acts = action_codes(actions, len(orders))
    stakes, fraud = order_stakes(orders, prices=prices), is_fraud(orders)
    shipped = np.where(fraud, -stakes["cost_fn"], stakes["gain_tn"])
    caught = fraud & (orders["_reviewer_draw"].to_numpy(float) < as_number(sensitivity, "sensitivity", ge=0, le=1))
    reviewed = np.where(caught, 0.0, shipped) - prices.review
    blocked = np.where(fraud, 0.0, -prices.goodwill)
    return np.select([acts == SHIP, acts == BLOCK], [shipped, blocked], default=reviewed)


def order_stakes(orders: Any, *, prices: Prices = PRICES) -> dict[str, Any]:
    """What the four outcomes of "block it?" are worth for each order: the one place where prices become stakes.

    Parameters
    ----------
    orders : DataFrame, array of shape (n,) or float
        Orders with ``amount_usd``, or order values in USD.
    prices : Prices
        The price list.

    Returns
    -------
    dict
        USD per order, as `decision.cost_threshold`, `prediction.value_of_model` and `decision.Action.from_outcomes`
        take them: ``gain_tn`` (a good order ships: its margin), ``cost_fp`` (a good order is blocked: the goodwill),
        ``cost_fn`` (a fake ships: goods and fee) and ``gain_tp`` (a fake is blocked: 0).

    Raises
    ------
    TypeError, ValueError
        If an amount is missing or negative, or `prices` is no price list.

    Examples
    --------
    >>> order_stakes(80.0)
    {'gain_tp': 0.0, 'cost_fp': 12.0, 'cost_fn': 76.0, 'gain_tn': 24.0}
    """
    if not isinstance(prices, Prices):
        raise TypeError(f"prices must be a Prices; got {describe(prices)}")
    amount: Any
    if hasattr(orders, "columns"):
        amount = as_numbers(as_frame(orders, "orders", ["amount_usd"], empty=True)["amount_usd"], "amount_usd")
    elif np.ndim(orders) == 0:
        amount = as_number(orders, "orders")
    else:
        amount = as_numbers(orders, "orders")
    if np.any(amount < 0):
        raise ValueError(f"orders must have amounts ≥ 0; got {np.min(amount):g}")
    lost = prices.cost_of_goods * amount + prices.chargeback_fee
    return {"gain_tp": 0.0, "cost_fp": prices.goodwill, "cost_fn": lost, "gain_tn": prices.margin * amount}


def customer_money(
    customers: pd.DataFrame,
    actions: str | ArrayLike,
    *,
    prices: Prices = PRICES,
    expected: bool = False,
    when_used: bool = False,
) -> NDArray[np.float64]:
    """What each customer really brings in because of the action taken, beyond leaving them alone, in USD.

    Parameters
    ----------
    customers : DataFrame
        Customers with their hidden truth, as `make_customers` returns them.
    actions : str or array of str, one per customer
        ``none``, ``email``, ``voucher``, ``call``, or an action of your own.
    prices : Prices
        The price list.
    expected : bool, default False
        The expectation over luck, from the true probabilities, in the place of what happens.
    when_used : bool, default False
        A voucher is paid for when it is used (by somebody who stays), not when it is sent.

    Returns
    -------
    array of float, one per customer, USD
        The value of a customer whom the action keeps, minus that of one whom it drives away, minus what it costs.
        Somebody who would stay, or leave, in any case brings nothing and costs the price.

    Raises
    ------
    TypeError, ValueError
        If an action is unknown, their number differs from the customers', a truth column is missing, or `expected`
        and `when_used` are both asked for (who will use a voucher is drawn, not known as a probability).

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"clv_usd": [100.0, 100.0]})
    >>> people["_churn_none"], people["_churn_voucher"] = [True, False], [False, False]
    >>> customer_money(people, "voucher")
    array([95., -5.])
    """
    if not isinstance(prices, Prices):
        raise TypeError(f"prices must be a Prices; got {describe(prices)}")
    people = as_frame(customers, "customers", ["clv_usd"])
    if as_flag(expected, "expected") and as_flag(when_used, "when_used"):
        raise ValueError("expected=True has no when_used=True: who will use a voucher is drawn, not known beforehand")
    if isinstance(actions, pd.Series):
        same_cases(customers=people, actions=actions)
    lives = "_p_" if expected else "_churn_"
    known = [str(name).removeprefix(lives) for name in people.columns if str(name).startswith(lives)]
    codes = action_codes(actions, len(people), known, each="customer")
    people = as_frame(people, "customers", [f"{lives}none"] + (["_redeem"] if when_used else []))
    lost = [people[f"{lives}{name}"].to_numpy(float) for name in known]
    value, alone = as_numbers(people["clv_usd"], "clv_usd"), people[f"{lives}none"].to_numpy(float)
    money = np.zeros(len(people))
    for code, name in enumerate(known):
        if name == "none":
            continue
        paid = people["_redeem"].to_numpy(float) if when_used and name == "voucher" else 1.0
        gain = value * (alone - lost[code]) - prices.contact(name) * paid
        money = np.where(codes == code, gain, money)
    return money


def is_fraud(orders: pd.DataFrame) -> NDArray[np.bool_]:
    """The truth about each order, which must be known: neither text nor a gap counts as a fraud."""
    return np.asarray(as_binary(orders["_is_fraud"], "_is_fraud") == 1)


def action_codes(
    actions: str | ArrayLike, n: int, known: Sequence[str] = ORDER_ACTIONS, *, each: str = "order"
) -> NDArray[np.intp]:
    """One known action per case, as its place among the known ones."""
    if isinstance(actions, pd.Series) and isinstance(actions.dtype, pd.CategoricalDtype):
        names, codes = actions.cat.categories, actions.cat.codes.to_numpy()
    else:
        given = np.asarray(actions, dtype=object)
        if given.ndim == 0:
            given = np.full(n, given.item(), dtype=object)
        if given.shape != (n,):
            raise ValueError(f"actions must be one action or {n} of them, one per {each}; got shape {given.shape}")
        names, codes = pd.Index(known), pd.Index(known).get_indexer(pd.Index(given, dtype=object))
    places = np.array([known.index(name) if name in known else -1 for name in names] + [-1])[codes]
    if places.shape != (n,):
        raise ValueError(f"actions must be one action or {n} of them, one per {each}; got shape {places.shape}")
    if (places < 0).any():
        row = int(np.argmax(places < 0))
        came = (
            actions.iloc[row]
            if isinstance(actions, pd.Series)
            else np.asarray(actions, dtype=object).ravel()[row % np.size(actions)]
        )
        raise ValueError(f"actions must be among {', '.join(known)}; got {describe(came)} at row {row}")
    return places
