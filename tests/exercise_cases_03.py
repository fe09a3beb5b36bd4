"""What a learner of notebook 3 would hand to the checks, and other honest answers."""

from functools import cache

import numpy as np
import pandas as pd
from exercise_harness import Case

from mllayers import shop
from mllayers.decision import Action, Menu, Policy, cost_threshold

SHARES = {"none": 0.0, "voucher": 0.25, "call": 0.3}
PRICES = {"none": 0.0, "voucher": 5.0, "call": 15.0}


@cache
def reviews(seed=2026, n=20_000):
    """The expected gain of reviewing each order: most bring nothing."""
    rng = np.random.default_rng([seed, 1])
    return rng.lognormal(2.5, 1.3, n) * (rng.random(n) < 0.06) - 4


@cache
def in_one_month(seed=2026):
    """What so many reviews, the best first, brought in one month."""
    luck = np.random.default_rng([seed, 3]).normal(0, 20, reviews().size)
    brought = (np.sort(reviews())[::-1] + luck).cumsum()
    number = np.arange(0, 1001, 50)
    return pd.Series(np.append(0, brought)[number], number)


@cache
def desk(seed=2026, n=6_000):
    """Customers, a few without a score; what each action truly brings; and a draft with gaps."""
    rng = np.random.default_rng([seed, 2])
    p, value = rng.beta(0.6, 5, n), rng.lognormal(5.2, 1, n)
    gain = pd.DataFrame({name: p * share * value - PRICES[name] for name, share in SHARES.items()})
    scores = np.where(rng.random(n) < 0.1, np.nan, p)
    gain.loc[np.isnan(scores), "call"] -= 10
    customers = pd.DataFrame({"customer_id": np.arange(n), "p": scores, "clv_usd": value})
    broken = [Action("none", 0, 0, "CRM"), Action("voucher", SHARES["voucher"], 5), Action("call", 0.3, None, "sales")]
    return {"customers": customers, "gain": gain, "broken": Policy(Menu(*broken), idle="none")}


def order():
    return {"margin": 24.0, "loss": 76.0, "goodwill": 12.0, "fee": 20.0}


def large_order():
    return {"amount": 1_000, "review": 4, "margin": 0.3, "fee": 20, "goodwill": 12}


def written_out(customers, gain, broken):
    """The whole policy written down again, with another owner and hold-out."""
    actions = [Action(name, share, PRICES[name], "the desk") for name, share in SHARES.items()]
    return Policy(Menu(*actions), missing="none", idle="none", holdout=0.05)


CASES = (
    Case("N3-1", lambda: {"p": 0.9, "value": 500, "other": 48_000}, (lambda p, value, other: 450 / other,)),
    Case(
        "N3-2",
        order,
        (lambda margin, loss, goodwill, fee: cost_threshold(gain_tn=margin, cost_fp=goodwill, cost_fn=loss),),
        called=lambda given: {"PRICES": shop.PRICES},
    ),
    Case("N3-3", desk, (written_out,)),
    Case(
        "N3-4",
        lambda: {"gain": reviews(), "now": 400, "more": 200, "came": in_one_month()},
        (lambda gain, now, more, came: sum(sorted(x for x in gain if x > 0)[::-1][now : now + more]),),
        called=lambda given: {"review_gain": given["gain"]},
    ),
    Case("N3-5", large_order, (lambda amount, review, margin, fee, goodwill: 4 / (amount - 300 + fee),)),
)
