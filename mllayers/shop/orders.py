"""The fraud desk's orders: a mixture of six order types, and what the retailer gets to know about them, and when.

The whole world is one table, `ORDER_TYPES`. An order's type is drawn from the month's shares, then every feature
independently from the type's column. Columns that begin with ``_`` are the truth the retailer never sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_frame, as_integer, as_number, describe
from mllayers.shop.parameters import as_parameters
from mllayers.shop.prices import AUDIT, BLOCK, REVIEW, SHIP, action_codes, is_fraud

MONTHS = 18
DAYS_PER_MONTH = 30

# One row per parameter, one column per order type. L: honest. G: an honest new market that orders gifts.
# A: stolen cards in bursts, loud. B: hijacked store-credit accounts, quiet. C: a reshipping ring. A': A, once it has
# learnt the velocity rule.
ORDER_TYPES = pd.read_csv(
    StringIO("""
parameter           ,    L,    G,    A,    B,    C,   A'
amount_median_usd   ,   58,   62,  125,  105,   85,  125
amount_log_sd       ,  .85,  .70,  .80,  .65,  .50,  .80
account_age_mean    ,  500,   15,    8,  700,   60,   45
velocity_mean       ,  .15,  .30,  3.0,  .20,  .45,  .70
velocity_max        ,   99,   99,   99,    2,   99,   99
addr_mismatch       ,  .06,  .80,  .80,  .00,  .20,  .50
device_new          ,  .07,  .75,  .90,  .07,  .55,  .90
digital             ,  .08,  .05,  .06,  .92,  .04,  .06
stored_balance      ,  .06,  .02,  .01,  .90,  .02,  .01
email_risk_logit    , -1.6, -0.5,  1.2, -1.5, -0.9,  0.2
email_risk_missing  ,  .02,  .04,  .30,  .02,  .05,  .15
night               ,  .10,  .10,  .20,  .40,  .35,  .20
promo               ,  .15,  .25,  .15,  .15,  .92,  .15
express             ,  .12,  .20,  .60,  .20,  .88,  .60
fraud               ,    0,    0,    1,    1,    1,    1
reported            ,    0,    0,  .85,    0,  .75,  .85
share               ,  NaN,    0, .020, .009,    0,    0
"""),
    index_col=0,
    skipinitialspace=True,
).rename(index=str.strip, columns=str.strip)

# The month in which each drift begins; leave one out to switch it off.
EVENTS: dict[str, Any] = {"gift": 6, "ringC": 9, "peak": (10, 11), "mutateA": 14}

FLAGS = ["addr_mismatch", "device_new", "digital", "stored_balance", "night", "promo", "express"]
ORDER_FEATURES = ["amount_usd", "account_age_days", "velocity_24h", *FLAGS, "email_risk"]

# What the parameters may be, where that is not any number from 0 up.
_LIMITS = dict.fromkeys([*FLAGS, "email_risk_missing", "fraud", "reported", "share"], (0.0, 1.0))
_LIMITS |= {"email_risk_logit": (-np.inf, np.inf), "amount_median_usd": (0.01, np.inf)}

SOURCES = ("review", "audit", "chargeback", "silence", "pending", "blocked")  # the last two: nothing is known

_STREAM = 1
_PRECISION = {"amount_usd": 2, "account_age_days": 2, "day": 4, "email_risk": 4, "report_day": 4}


def order_shares(*, events: Mapping[str, Any] = EVENTS, types: pd.DataFrame = ORDER_TYPES) -> pd.DataFrame:
    """The share of each order type in each of the 18 months.

    Parameters
    ----------
    events : mapping
        Which drifts happen, and from which month on: ``gift`` (honest market G ramps up to 15 %), ``ringC`` (pattern C
        ramps up to 1 %), ``peak`` (months in which fraud and gifts swell), ``mutateA`` (A turns into A').
    types : DataFrame
        The parameter table; its row ``share`` holds the shares before any event.

    Returns
    -------
    DataFrame, 18 rows (months) × 6 columns (types), each row sums to 1.

    Raises
    ------
    ValueError, TypeError
        If an event is unknown or its month is not a whole number from 0 to 17, or `types` is no such table.

    Examples
    --------
    >>> order_shares().loc[12].round(3).to_dict()
    {'L': 0.811, 'G': 0.15, 'A': 0.02, 'B': 0.009, 'C': 0.01, "A'": 0.0}
    """
    starts = _as_events(events)
    types = as_parameters(types, "types", ORDER_TYPES, _LIMITS)
    month = np.arange(MONTHS)
    out = pd.DataFrame({k: np.full(MONTHS, types.loc["share", k]) for k in types.columns}, index=month)
    out.index.name = "month"
    if "gift" in starts:
        out["G"] += 0.075 * (month >= starts["gift"]) + 0.075 * (month > starts["gift"])
    if "ringC" in starts:
        out["C"] += 0.005 * (month >= starts["ringC"]) + 0.005 * (month > starts["ringC"])
    if "peak" in starts:
        out.loc[list(starts["peak"]), ["A", "B", "C", "G"]] *= [1.4, 1.2, 1.4, 1.3]
    if "mutateA" in starts:
        out.loc[starts["mutateA"] :, "A'"] = 0.65 * out["A"]
        out.loc[starts["mutateA"] :, "A"] *= 0.35
    out["L"] = 1 - out.drop(columns="L").sum(axis=1)
    if (out < 0).any(axis=None):
        raise ValueError("types: the shares of the types other than L must sum to at most 1 in every month")
    return out


def make_orders(
    months: int | Iterable[int],
    *,
    seed: int = 2026,
    per_month: int = 40_000,
    events: Mapping[str, Any] = EVENTS,
    types: pd.DataFrame = ORDER_TYPES,
    progress: Callable[[int, int], object] | None = None,
) -> pd.DataFrame:
    """Orders of the given months, with the truth about each in columns that begin with ``_``.

    Parameters
    ----------
    months : int or iterable of int, each 0 to 17
        A month has 30 days. Month ``t`` is the same whichever other months are asked for.
    seed : int
        Same seed, same orders.
    per_month : int
        Number of orders in each month.
    events, types
        The drifts and the parameter table, see `order_shares`; change them to build another world.
    progress : callable, optional
        Called as ``progress(months_done, months_total)`` after each month.

    Returns
    -------
    DataFrame, one row per order, in order of time
        ``order_id``, ``month``, ``day`` (days since the start), ``amount_usd``, ``account_age_days``,
        ``velocity_24h`` (orders of this account in the last 24 hours), seven yes/no columns, ``email_risk`` (0 to 1;
        NaN where the look-up failed), and the truth: ``_kind``, ``_is_fraud``, ``_report_day`` (day on which a
        chargeback would arrive if the order ships; NaN: never), ``_reviewer_draw`` (a review recognises a fraud if
        this lies below the reviewer's sensitivity). Amounts are rounded to cents, ages to 0.01 day, ``day`` and
        ``email_risk`` to four decimals.

    Raises
    ------
    TypeError, ValueError
        If a month, a count or the seed is not a whole number in its range, an event is unknown, or `types` lacks a
        parameter or holds one out of range.

    Examples
    --------
    >>> orders = make_orders(range(3), per_month=1_000)
    >>> orders.shape
    (3000, 18)
    >>> alone = make_orders(2, per_month=1_000)
    >>> alone.equals(orders[orders["month"] == 2].reset_index(drop=True))
    True
    """
    wanted = _as_months(months)
    seed = as_integer(seed, "seed", ge=0)
    per_month = as_integer(per_month, "per_month", ge=1, le=10**8)
    shares = order_shares(events=events, types=types)
    parts = []
    for done, month in enumerate(wanted, start=1):
        rng = np.random.default_rng([seed, _STREAM, month])
        parts.append(_one_month(rng, month, per_month, shares.loc[month].to_numpy(), types))
        if progress is not None:
            progress(done, len(wanted))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    kinds = pd.Categorical.from_codes(columns.pop("_kind"), dtype=pd.CategoricalDtype(list(types.columns)))
    frame = pd.DataFrame(columns, copy=False)
    frame.insert(frame.columns.get_loc("_is_fraud"), "_kind", kinds)  # type: ignore[arg-type]
    return frame


def _one_month(
    rng: np.random.Generator, month: int, n: int, shares: NDArray[np.float64], types: pd.DataFrame
) -> dict[str, NDArray[Any]]:
    """One month of orders as columns; every parameter is looked up in the table by the order's type."""
    kind = np.searchsorted(np.cumsum(shares)[:-1], rng.random(n), side="right").astype(np.int8)
    table = {name: row.to_numpy(float) for name, row in types.iterrows()}

    def rounded(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.round(values, _PRECISION[name], out=values)

    def happens(probability: str) -> NDArray[np.bool_]:
        return rng.random(n, dtype=np.float32) < table[probability].astype(np.float32)[kind]

    day = DAYS_PER_MONTH * (month + np.sort(rng.random(n)))
    day = np.floor(day * 10 ** _PRECISION["day"]) / 10 ** _PRECISION["day"]
    log_amount = np.log(table["amount_median_usd"])[kind] + table["amount_log_sd"][kind] * rng.standard_normal(n)
    out: dict[str, NDArray[Any]] = {
        "order_id": month * 10**8 + np.arange(n),
        "month": np.full(n, month, np.int8),
        "day": day,
        "amount_usd": rounded("amount_usd", np.clip(np.exp(log_amount), 3, 5000)),
        "account_age_days": rounded("account_age_days", table["account_age_mean"][kind] * rng.standard_exponential(n)),
        "velocity_24h": np.minimum(rng.poisson(table["velocity_mean"][kind]), table["velocity_max"][kind]).astype(
            np.int8
        ),
    }
    out |= {flag: happens(flag) for flag in FLAGS}
    email_risk = 1 / (1 + np.exp(-(table["email_risk_logit"][kind] + rng.standard_normal(n))))
    out["email_risk"] = rounded("email_risk", email_risk)
    out["email_risk"][happens("email_risk_missing")] = np.nan
    # Gamma(shape 2, scale 22) is the sum of two exponentials with mean 22.
    delay = np.minimum(180, 5 + 22 * (rng.standard_exponential(n) + rng.standard_exponential(n)))
    out["_kind"] = kind
    out["_is_fraud"] = table["fraud"][kind] == 1
    out["_report_day"] = np.where(happens("reported"), rounded("report_day", day + delay), np.nan)
    out["_reviewer_draw"] = np.floor(rng.random(n) * 10**4) / 10**4
    return out


def legacy_rule(orders: pd.DataFrame) -> NDArray[np.bool_]:
    """Which orders the retailer's old rule sends to a reviewer.

    Parameters
    ----------
    orders : DataFrame
        With ``velocity_24h``, ``addr_mismatch`` and ``email_risk``.

    Returns
    -------
    array of bool, one per order
        True for three or more orders in 24 hours, or another delivery address together with a risky (> 0.5) or
        unknown e-mail address.

    Raises
    ------
    TypeError, ValueError
        If a column is missing.

    Examples
    --------
    >>> float(legacy_rule(make_orders(0, per_month=10_000)).mean())
    0.0233
    """
    as_frame(orders, "orders", ["velocity_24h", "addr_mismatch", "email_risk"])
    risky = (orders["email_risk"] > 0.5) | orders["email_risk"].isna()
    return ((orders["velocity_24h"] >= 3) | (orders["addr_mismatch"] & risky)).to_numpy(bool)


def observe(
    orders: pd.DataFrame, actions: str | ArrayLike, day: float, *, sensitivity: float = 1.0, silence_days: float = 60
) -> pd.DataFrame:
    """What the retailer knows about each order on a given day.

    Parameters
    ----------
    orders : DataFrame
        Orders with their truth, as `make_orders` returns them.
    actions : str or array of str, one per order
        ``ship``, ``review``, ``audit`` or ``block``: what was done with the order on the day it came in.
    day : float
        Days since the start; an order placed later is not known at all yet.
    sensitivity : float in [0, 1]
        Share of the frauds that a reviewer recognises; a missed one ships and may come back as a chargeback.
    silence_days : float
        After this many days without a chargeback a shipped order is called legitimate. The usual assumption, and
        wrong for every fraud that is never reported.

    Returns
    -------
    DataFrame with the index of `orders`
        ``label`` (1.0 fraud, 0.0 legitimate, NaN unknown), ``known`` (bool) and ``source``: ``review`` or ``audit``
        (somebody looked), ``chargeback`` (the bank told), ``silence`` (nobody complained for long enough),
        ``pending`` (shipped, too young to tell) or ``blocked`` (nobody will ever know).

    Raises
    ------
    TypeError, ValueError
        If an action is unknown, a number is out of range, or a truth column is missing.

    Examples
    --------
    >>> orders = make_orders(0, per_month=10_000)
    >>> seen = observe(orders, np.where(legacy_rule(orders), "review", "ship"), day=60)
    >>> seen["source"].value_counts(sort=False)[["pending", "review", "chargeback", "silence"]].to_dict()
    {'pending': 9753, 'review': 233, 'chargeback': 14, 'silence': 0}
    """
    as_frame(orders, "orders", ["day", "_is_fraud", "_report_day", "_reviewer_draw"])
    acts = action_codes(actions, len(orders))
    today = as_number(day, "day", ge=0)
    sensitivity = as_number(sensitivity, "sensitivity", ge=0, le=1)
    silence_days = as_number(silence_days, "silence_days", ge=0)
    fraud = is_fraud(orders)
    looked = (acts == REVIEW) | (acts == AUDIT)
    found = looked & fraud & (orders["_reviewer_draw"].to_numpy(float) < sensitivity)
    shipped = ~found & (acts != BLOCK)
    placed = orders["day"].to_numpy(float)
    reported = shipped & fraud & (orders["_report_day"].to_numpy(float) <= today)
    silent = (acts == SHIP) & (today - placed >= silence_days)
    source = np.full(len(orders), SOURCES.index("pending"), np.int8)
    source[acts == BLOCK] = SOURCES.index("blocked")
    source[silent] = SOURCES.index("silence")
    source[acts == REVIEW] = SOURCES.index("review")
    source[acts == AUDIT] = SOURCES.index("audit")
    source[reported] = SOURCES.index("chargeback")
    source[placed > today] = SOURCES.index("pending")
    known = source < SOURCES.index("pending")
    return pd.DataFrame(
        {
            "label": np.where(known, found | reported, np.nan),
            "known": known,
            "source": pd.Categorical.from_codes(source, dtype=pd.CategoricalDtype(list(SOURCES))),
        },
        index=orders.index,
    )


def _as_months(months: int | Iterable[int]) -> list[int]:
    """A list of different months, each 0 to 17."""
    if isinstance(months, (str, bytes)) or not np.iterable(months):
        months = [months]  # type: ignore[list-item]
    wanted = [as_integer(month, "months", ge=0, le=MONTHS - 1) for month in months]
    if not wanted or len(set(wanted)) < len(wanted):
        raise ValueError(f"months must name at least one month, and each only once; got {wanted}")
    return wanted


def _as_events(events: Mapping[str, Any]) -> dict[str, Any]:
    """Known events with their months."""
    if not isinstance(events, Mapping):
        raise TypeError(f"events must be a mapping of event to month, such as {EVENTS}; got {describe(events)}")
    unknown = [event for event in events if event not in EVENTS]
    if unknown:
        raise ValueError(f"events must be among {', '.join(EVENTS)}; got {unknown[0]!r}")
    return {
        event: _as_months(when) if event == "peak" else as_integer(when, event, ge=0, le=MONTHS - 1)
        for event, when in events.items()
    }
