"""What a learner of notebook 4 would hand to the checks, and other honest answers."""

from functools import cache

import numpy as np
import pandas as pd
from exercise_harness import Case
from statsmodels.stats.power import NormalIndPower

from mllayers import shop


@cache
def pilot(seed=2026, n=40_000):
    """A randomised pilot: values with a long tail, and calls that work least on those worth most."""
    rng = np.random.default_rng([seed, 1])
    clv = np.round(rng.lognormal(5.3, 1.0, n), 2)
    action = np.where(rng.random(n) < 0.5, "call", "none")
    effect = 0.06 * (clv < 200)
    churned = rng.random(n) < 0.09 + 0.04 * (clv < 200) - effect * (action == "call")
    return {"action": pd.Series(action), "churned": churned, "clv": clv, "cost": 15}


def terms():
    return {"customers": 8_000, "p": 0.1, "value": 25, "cost": 3}


def by_regression(action, churned, clv, cost):
    """The slope of dollars lost on treatment."""
    treated = np.asarray(action) == "call"
    return -np.polyfit(treated.astype(float), churned * clv, 1)[0] - cost


def value_of_those_who_stay(action, churned, clv, cost):
    kept = pd.Series(clv * ~churned).groupby(np.asarray(action)).mean()
    return kept["call"] - kept["none"] - cost


def by_power(rate, effect, ratio):
    """Statsmodels, in standard deviations."""
    size = effect / np.sqrt(rate * (1 - rate))
    return NormalIndPower().solve_power(size, power=0.8, alpha=0.05, ratio=ratio)


CASES = (
    Case(
        "N4-1",
        terms,
        (
            lambda customers, p, value, cost: sum([p * value - p * cost] * customers),
            lambda customers, p, value, cost: round(customers * p) * (value - cost),
        ),
    ),
    Case("N4-2", lambda: {"expected": 20, "p": 0.2, "cost": 5}, (lambda expected, p, cost: (expected / p) * p - cost,)),
    Case(
        "N4-3",
        pilot,
        (by_regression, value_of_those_who_stay),
        called=lambda given: {
            "calls": pd.DataFrame({name: given[name] for name in ("action", "churned")} | {"clv_usd": given["clv"]}),
            "PRICES": shop.PRICES,
        },
    ),
    Case("N4-4", lambda: {"clv": 150, "cost": 5, "rate": 0.09}, (lambda clv, cost, rate: 1 / (clv / cost),)),
    Case("N4-5", lambda: {"rate": 0.09, "effect": 0.02, "ratio": 9}, (by_power, lambda rate, effect, ratio: 1_745)),
)
