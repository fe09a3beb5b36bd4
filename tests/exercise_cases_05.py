"""What a learner of notebook 5 would hand to the checks, and other honest answers."""

import numpy as np
import pandas as pd
from exercise_harness import Case


def chargebacks(seed=2026):
    return {"delays": np.minimum(180, 5 + np.random.default_rng([seed, 1]).gamma(2, 22, 400))}


def month():
    return {"blocks": 900, "good_blocked": 252, "orders": 20_000}


def loops():
    return {"closed": -406_000.0, "explore": -310_000.0, "spent": 11_700.0}


def shares():
    gaps = [-202_000.0, -160_000.0, -155_000.0, -158_000.0, -169_000.0, -231_000.0]
    return {"curve": pd.Series(gaps, index=[0, 0.0025, 0.005, 0.01, 0.02, 0.04])}


def segment():
    sizes = [0.170, 0.168, 0.171, 0.169, 0.172, 0.170, 0.350, 0.480, 0.481, 0.479, 0.480, 0.482]
    return {"sizes": sizes, "on_card": 0.17, "event": 6}


CASES = (
    Case("N5-1", chargebacks, (lambda delays: sorted(delays)[int(0.9 * len(delays))],)),
    Case(
        "N5-2",
        month,
        (lambda blocks, good_blocked, orders: (blocks - good_blocked) / blocks,),
        called=lambda given: {"month8": pd.Series(given)},
    ),
    Case(
        "N5-3",
        segment,
        (
            lambda sizes, on_card, event: lambda now, card: now / card > 1.3,
            lambda sizes, on_card, event: lambda now, card: np.float64(now) >= 1.9 * card,
        ),
    ),
    Case("N5-4", loops, (lambda closed, explore, spent: -closed - -explore,)),
    Case("N5-5", shares, (lambda curve: 0.005,)),
)
