"""The simulated retailer: where every number of the course comes from.

Two desks that share no key: the fraud desk (`make_orders`, `legacy_rule`, `observe`, `order_money`) and the
retention desk (`make_customers`, `make_pilot`, `group_of`), and the sales team's `make_leads`. Everything flows from a
seed; columns that begin with ``_`` hold what the retailer never sees.
"""

from mllayers.shop.customers import (
    CUSTOMER_ACTIONS,
    CUSTOMER_FEATURES,
    RESPONSE,
    SEGMENTS,
    group_of,
    make_customers,
    make_pilot,
)
from mllayers.shop.leads import make_leads
from mllayers.shop.orders import (
    EVENTS,
    ORDER_FEATURES,
    ORDER_TYPES,
    legacy_rule,
    make_orders,
    observe,
    order_shares,
)
from mllayers.shop.prices import PRICES, Prices, customer_money, order_money, order_stakes

__all__ = [
    "CUSTOMER_ACTIONS",
    "CUSTOMER_FEATURES",
    "EVENTS",
    "ORDER_FEATURES",
    "ORDER_TYPES",
    "PRICES",
    "RESPONSE",
    "SEGMENTS",
    "Prices",
    "customer_money",
    "group_of",
    "legacy_rule",
    "make_customers",
    "make_leads",
    "make_orders",
    "make_pilot",
    "observe",
    "order_money",
    "order_shares",
    "order_stakes",
]
