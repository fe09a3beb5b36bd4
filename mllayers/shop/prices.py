"""The price list of the simulated retailer, in US dollars: what every outcome and every action costs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_frame, as_number, describe


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

    Raises
    ------
    TypeError, ValueError
        If a price is not a number, is negative, or the margin lies outside [0, 1].

    Examples
    --------
    >>> PRICES.review, PRICES.cost_of_goods
    (4.0, 0.7)
    """

    margin: float = 0.30
    chargeback_fee: float = 20.0
    review: float = 4.0
    goodwill: float = 12.0
    email: float = 0.10
    voucher: float = 5.0
    call: float = 15.0

    def __post_init__(self) -> None:
        for field in fields(self):
            upper = 1.0 if field.name == "margin" else np.inf
            as_number(getattr(self, field.name), field.name, ge=0, le=upper)

    @property
    def cost_of_goods(self) -> float:
        """Share of the order value that the goods cost the retailer."""
        return 1 - self.margin


PRICES = Prices()

ORDER_ACTIONS = ("ship", "review", "audit", "block")


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
    as_frame(orders, "orders", ["amount_usd", "_is_fraud", "_reviewer_draw"])
    if not isinstance(prices, Prices):
        raise TypeError(f"prices must be a Prices; got {describe(prices)}")
    acts = as_actions(actions, len(orders))
    amount = orders["amount_usd"].to_numpy(float)
    fraud = orders["_is_fraud"].to_numpy(bool)
    shipped = np.where(fraud, -(prices.cost_of_goods * amount + prices.chargeback_fee), prices.margin * amount)
    caught = fraud & (orders["_reviewer_draw"].to_numpy(float) < as_number(sensitivity, "sensitivity", ge=0, le=1))
    reviewed = np.where(caught, 0.0, shipped) - prices.review
    blocked = np.where(fraud, 0.0, -prices.goodwill)
    return np.select([acts == "ship", acts == "block"], [shipped, blocked], default=reviewed)


def as_actions(actions: str | ArrayLike, n: int) -> NDArray[Any]:
    """One known action per order."""
    acts = np.asarray(actions)
    if acts.ndim == 0:
        acts = np.full(n, acts.item())
    if acts.shape != (n,):
        raise ValueError(f"actions must be one action or {n} of them, one per order; got shape {acts.shape}")
    known = np.isin(acts, ORDER_ACTIONS)
    if not known.all():
        row = int(np.argmin(known))
        raise ValueError(f"actions must be among {', '.join(ORDER_ACTIONS)}; got {describe(acts[row])} at row {row}")
    return acts
