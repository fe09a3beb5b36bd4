"""The retention desk's customers: hidden segments, and what each customer would do under each action.

Whether a customer leaves in the next quarter is decided by one uniform draw per customer, compared with the churn
probability under each action. So every "what if" exists, and no comparison is blurred by luck.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mllayers._check import as_frame, as_integer, as_numbers, describe
from mllayers.shop.parameters import as_parameters

# One row per parameter, one column per hidden segment.
SEGMENTS = pd.read_csv(
    StringIO("""
parameter           , champion, regular, bargain, drifting, newcomer
share               ,      .12,     .33,     .20,      .20,      .15
tenure_mean_months  ,       40,      28,      24,       26,        3
recency_mean_days   ,       12,      25,      30,       75,       28
orders_12m_mean     ,       13,       6,       5,        3,      1.6
aov_median_usd      ,      115,      80,      52,       76,       66
voucher_share_logit ,     -1.6,    -1.4,     1.2,      -.8,      -.4
open_rate_logit     ,      1.0,      .2,      .3,     -1.0,       .3
tickets_mean        ,      .15,     .20,     .20,      .50,      .35
ignored_mean        ,       .9,      .8,      .4,       .9,       .2
"""),
    index_col=0,
    skipinitialspace=True,
).rename(index=str.strip, columns=str.strip)

# What an action takes off the logit of churning: a base and what each feature adds to it. An action of your own is one
# more column here (and its price in `Prices.more`): customers then carry ``_p_<action>`` and ``_churn_<action>``.
RESPONSE = pd.read_csv(
    StringIO("""
feature          , email, voucher, call
base             ,   .10,     .45,  .40
open_rate        ,   .30,       0,    0
voucher_share    ,     0,     2.2,    0
has_ticket       ,     0,       0,  1.7
ignored_contacts ,  -.25,    -.75, -.45
"""),
    index_col=0,
    skipinitialspace=True,
).rename(index=str.strip, columns=str.strip)

# What the parameters may be, where that is not any number from 0 up.
_LIMITS = dict.fromkeys(["voucher_share_logit", "open_rate_logit", *RESPONSE.index], (-np.inf, np.inf))
_LIMITS |= {"share": (0.0, 1.0), "aov_median_usd": (0.01, np.inf)}

CUSTOMER_ACTIONS = ("none", *RESPONSE.columns)
CUSTOMER_FEATURES = [
    "tenure_months",
    "recency_days",
    "orders_12m",
    "aov_usd",
    "voucher_share",
    "open_rate",
    "tickets_90d",
    "ignored_contacts",
]

_CUSTOMERS, _PILOT, _CHAT, _ASSIGNMENT = 2, 3, 5, 6
_BLOCK = 1_000_000


def make_customers(
    n: int,
    *,
    seed: int = 2026,
    month: int = 0,
    chat: int | None = None,
    segments: pd.DataFrame = SEGMENTS,
    response: pd.DataFrame = RESPONSE,
    progress: Callable[[int, int], object] | None = None,
) -> pd.DataFrame:
    """Customers with what each would do under every action, in columns that begin with ``_``.

    Parameters
    ----------
    n : int
        Number of customers.
    seed : int
        Same seed, same customers.
    month : int, 0 to 17
        Each month is another draw of customers.
    chat : int, optional
        The month in which a chat widget ships and every chat is counted as a ticket: ``tickets_90d`` rises, half in
        that month and fully later, and nothing else about the customers changes.
    segments, response : DataFrame
        The parameter tables; change them to build another world. A column added to `response` is one more action.
    progress : callable, optional
        Called as ``progress(customers_done, n)`` after every million.

    Returns
    -------
    DataFrame, one row per customer
        ``customer_id``, the eight columns of `CUSTOMER_FEATURES`, ``clv_usd`` (what is lost if the customer leaves, as
        the finance team estimates it), and the truth: ``_segment``, ``_gone`` (has already left, nothing helps),
        ``_p_none``, ``_p_email``, ``_p_voucher``, ``_p_call`` (probability of leaving in the next quarter under each
        action), ``_churn_none`` … ``_churn_call`` (whether they do) and ``_redeem`` (stays and uses the voucher if
        sent one). Money is rounded to cents, months and days to 0.01, shares to four decimals, probabilities to six.

    Raises
    ------
    TypeError, ValueError
        If a count, a month or the seed is not a whole number in its range, or a parameter table lacks a parameter or
        holds one out of range.

    Examples
    --------
    >>> customers = make_customers(50_000)
    >>> round(float(customers["_churn_none"].mean()), 3)
    0.089
    >>> kept_by_a_voucher = customers["_churn_none"] & ~customers["_churn_voucher"]
    >>> round(float(kept_by_a_voucher.mean()), 3)
    0.029
    """
    return _make(_CUSTOMERS, n, seed, month, chat, segments, response, progress)


def make_pilot(
    n: int,
    *,
    seed: int = 2026,
    month: int = 0,
    actions: Sequence[str] = CUSTOMER_ACTIONS,
    segments: pd.DataFrame = SEGMENTS,
    response: pd.DataFrame = RESPONSE,
    progress: Callable[[int, int], object] | None = None,
) -> pd.DataFrame:
    """A randomised pilot: other customers of the same kind, each given one of the actions at random.

    Parameters
    ----------
    n : int
        Number of customers in the pilot.
    seed, month, segments, response, progress
        As for `make_customers`; the pilot's customers are never the same people.
    actions : sequence of str
        The actions that are drawn with equal probability, for example ``("none", "voucher")``.

    Returns
    -------
    DataFrame, one row per customer
        The columns of `make_customers` and ``action``, ``propensity`` (probability with which this action was drawn),
        ``churned`` and ``redeemed`` as observed under that action.

    Raises
    ------
    TypeError, ValueError
        If a count or the seed is not a whole number in its range, or an action is unknown or named twice.

    Examples
    --------
    >>> pilot = make_pilot(100_000, actions=("none", "voucher"))
    >>> pilot.groupby("action", observed=True)["churned"].mean().round(4).to_dict()
    {'none': 0.0888, 'voucher': 0.0664}
    """
    if isinstance(actions, str) or not isinstance(actions, Iterable):
        raise TypeError(f"actions must be a list of actions; got {describe(actions)}")
    chosen, known = list(actions), ["none", *as_parameters(response, "response", RESPONSE, _LIMITS).columns]
    if not chosen or any(action not in known or chosen.count(action) > 1 for action in chosen):
        raise ValueError(f"actions must be different ones of {', '.join(map(str, known))}; got {chosen}")
    pilot = _make(_PILOT, n, seed, month, None, segments, response, progress)
    draw = np.random.default_rng([seed, _ASSIGNMENT, month]).integers(len(chosen), size=n)
    outcomes = np.column_stack([pilot[f"_churn_{action}"] for action in chosen])
    given = pd.Categorical.from_codes(draw, dtype=pd.CategoricalDtype(chosen))
    pilot = pilot.assign(
        action=given,
        propensity=1 / len(chosen),
        churned=outcomes[np.arange(n), draw],
        redeemed=pilot["_redeem"].to_numpy() & (given == "voucher"),
    )
    truth = [name for name in pilot.columns if name.startswith("_")]
    return pilot[[*pilot.columns.drop(truth), *truth]]


def group_of(
    customers: pd.DataFrame, *, shares: Sequence[float] = (0.2, 0.4, 0.6, 0.8), values: Sequence[float] = (120, 320)
) -> pd.Series:
    """The group of each customer by three plain columns: what a desk can do without any model.

    A customer has a ticket or none, falls into a step of the voucher share and into a step of the value: 2 × 5 × 3 = 30
    groups. The best action of a pilot in each group is the comparison that a model has to beat.

    Parameters
    ----------
    customers : DataFrame
        With the columns ``tickets_90d``, ``voucher_share`` and ``clv_usd``.
    shares, values : sequences of float
        Where one step ends and the next begins, rising; a customer exactly on a limit belongs to the lower step.

    Returns
    -------
    Series of int, labelled as `customers`
        The number of the group, from 0. Those with a ticket are the second half; within a half the value rises first.

    Raises
    ------
    TypeError, ValueError
        If a column is missing or holds anything but finite numbers, or limits do not rise.

    Examples
    --------
    >>> people = pd.DataFrame({"tickets_90d": [0, 2], "voucher_share": [0.1, 0.9], "clv_usd": [90.0, 500.0]})
    >>> group_of(people).tolist()
    [0, 29]
    """
    people = as_frame(customers, "customers", ["tickets_90d", "voucher_share", "clv_usd"])
    has_ticket = as_numbers(people["tickets_90d"], "tickets_90d") > 0
    share_ends, value_ends = _rising(shares, "shares"), _rising(values, "values")
    share = np.searchsorted(share_ends, as_numbers(people["voucher_share"], "voucher_share"))
    value = np.searchsorted(value_ends, as_numbers(people["clv_usd"], "clv_usd"))
    steps = len(value_ends) + 1
    return pd.Series((has_ticket * (len(share_ends) + 1) + share) * steps + value, index=people.index, name="group")


def _rising(limits: Sequence[float], name: str) -> NDArray[np.float64]:
    """Limits of steps, each above the one before."""
    ends = as_numbers(limits, name)
    if (np.diff(ends) <= 0).any():
        raise ValueError(f"{name} must rise, each limit above the one before; got {list(limits)}")
    return ends


def _make(
    stream: int,
    n: int,
    seed: int,
    month: int,
    chat: int | None,
    segments: pd.DataFrame,
    response: pd.DataFrame,
    progress: Callable[[int, int], object] | None,
) -> pd.DataFrame:
    """Check the arguments, draw block by block, and put the blocks together."""
    n = as_integer(n, "n", ge=1, le=10**8)
    seed = as_integer(seed, "seed", ge=0)
    month = as_integer(month, "month", ge=0, le=17)
    if chat is not None:
        chat = as_integer(chat, "chat", ge=0, le=17)
    segments = as_parameters(segments, "segments", SEGMENTS, _LIMITS)
    response = as_parameters(response, "response", RESPONSE, _LIMITS)
    if not np.isclose(segments.loc["share"].sum(), 1):
        raise ValueError(f"segments: the shares must sum to 1; got {segments.loc['share'].sum():g}")
    chat_share = 0.0 if chat is None or month < chat else 0.5 if month == chat else 1.0
    parts = []
    for block, start in enumerate(range(0, n, _BLOCK)):
        size = min(_BLOCK, n - start)
        part = _one_block(np.random.default_rng([seed, stream, month, block]), size, segments, response)
        if chat_share:
            chats = np.random.default_rng([seed, _CHAT, month, block]).poisson(0.8 * chat_share, size)
            part["tickets_90d"] = (part["tickets_90d"] + chats).astype(np.int8)
        parts.append(part)
        if progress is not None:
            progress(start + size, n)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    codes = columns.pop("_segment")
    frame = pd.DataFrame({"customer_id": month * 10**8 + np.arange(n), **columns}, copy=False)
    kinds = pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(list(segments.columns)))
    frame.insert(frame.columns.get_loc("_gone"), "_segment", kinds)  # type: ignore[arg-type]
    return frame


def _one_block(
    rng: np.random.Generator, n: int, segments: pd.DataFrame, response: pd.DataFrame
) -> dict[str, NDArray[Any]]:
    """One block of customers as columns; the churn probabilities follow from the columns and one hidden normal."""
    table = {name: row.to_numpy(float) for name, row in segments.iterrows()}
    segment = np.searchsorted(np.cumsum(table["share"])[:-1], rng.random(n), side="right").astype(np.int8)

    def mean(name: str) -> NDArray[np.float64]:
        return table[name][segment]

    # Gamma(2, mean / 2) and Gamma(3, mean / 3) are sums of two and three exponentials.
    tenure = mean("tenure_mean_months") / 2 * (rng.standard_exponential(n) + rng.standard_exponential(n)) + 0.2
    rate = mean("orders_12m_mean") / 3 * sum(rng.standard_exponential(n) for _ in range(3))
    columns: dict[str, NDArray[Any]] = {
        "tenure_months": np.round(tenure, 2),
        "recency_days": np.round(np.minimum(180, mean("recency_mean_days") * rng.standard_exponential(n)), 2),
        "orders_12m": (1 + rng.poisson(rate)).astype(np.int16),
        "aov_usd": np.round(mean("aov_median_usd") * np.exp(0.45 * rng.standard_normal(n)), 2),
        "voucher_share": np.round(_sigmoid(mean("voucher_share_logit") + 0.9 * rng.standard_normal(n)), 4),
        "open_rate": np.round(_sigmoid(mean("open_rate_logit") + rng.standard_normal(n)), 4),
        "tickets_90d": rng.poisson(mean("tickets_mean")).astype(np.int8),
        "ignored_contacts": rng.poisson(mean("ignored_mean")).astype(np.int8),
    }
    tenure, recency, orders, aov, voucher_share, open_rate, tickets, ignored = columns.values()
    yearly = 0.30 * aov * orders
    columns["clv_usd"] = np.round(yearly * 2.5 * 0.8 * np.exp(0.35 * rng.standard_normal(n) - 0.06), 2)
    columns["_segment"] = segment
    away = np.log1p(recency / 30)
    columns["_gone"] = rng.random(n) < _sigmoid(-10.8 + 5.6 * away - 10 * (open_rate - 0.30))
    eta = (
        -4.39
        + 0.85 * away
        - 0.35 * np.log(orders / 5)
        - 0.40 * np.log((tenure + 1) / 20)
        + 1.15 * np.minimum(tickets, 3)
        - 1.8 * (open_rate - 0.5)
        + 1.05 * rng.standard_normal(n)
    )
    drivers: dict[str, Any] = {
        "base": 1.0,
        "open_rate": open_rate,
        "voucher_share": voucher_share,
        "has_ticket": tickets > 0,
        "ignored_contacts": ignored,
    }
    luck = rng.random(n)
    known_actions = ["none", *map(str, response.columns)]
    for action in known_actions:
        shift = 0.0
        if action != "none":
            shift = sum(weight * drivers[str(name)] for name, weight in response[action].items())
        columns[f"_p_{action}"] = np.round(np.where(columns["_gone"], 0.97, _sigmoid(eta - shift)), 6)
    for action in known_actions:
        columns[f"_churn_{action}"] = luck < columns[f"_p_{action}"]
    uses = rng.random(n) < _sigmoid(-3.2 + 3.2 * voucher_share)
    columns["_redeem"] = uses & ~columns["_churn_voucher"]
    return columns


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-x)))
