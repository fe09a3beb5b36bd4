"""Layer 4, Action: a hold-out that somebody looks at every month."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

from mllayers.action import AlwaysValid, hold_out_always_valid, uplift_effect
from mllayers.action.looks import _mixture_z


def year(seed, lift=0.0, per_month=600, share=0.8, rate=0.1):
    """Twelve months of a hold-out: outcome, group, month, dollars."""
    rng = np.random.default_rng([seed, 23])
    n = 12 * per_month
    treated = rng.random(n) < share
    y = rng.random(n) < rate + lift * treated
    return y, treated, np.repeat(np.arange(1, 13), per_month), rng.lognormal(2, 0.8, n)


def test_at_each_look_it_is_uplift_effect_of_all_cases_so_far():
    y, treated, month, worth = year(1)
    rate, money = hold_out_always_valid(y, treated, month), hold_out_always_valid(y, treated, month, value=worth)
    for look in (1, 5, 12):
        here = month <= look
        one = uplift_effect(y[here], treated[here], value=worth[here])
        row, other = rate.table.loc[look], money.table.loc[look]
        assert (row["effect"], row["fixed_low"], row["fixed_high"]) == (one.rate, one.low, one.high)
        assert (other["effect"], other["fixed_low"], other["fixed_high"]) == (one.money, one.money_low, one.money_high)
        assert (row["events"], other["events"]) == (one.events, one.money_events)
        z = row["wider"] * stats.norm.isf(0.025)
        (a, low_a, high_a), (b, low_b, high_b) = (
            (side.mean(), *proportion_confint(side.sum(), side.size, 2 * stats.norm.sf(z), method="beta"))
            for side in (y[here & treated], y[here & ~treated])
        )
        assert row["low"] == pytest.approx(a - b - math.hypot(a - low_a, high_b - b), rel=1e-6)
        assert row["high"] == pytest.approx(a - b + math.hypot(high_a - a, b - low_b), rel=1e-6)
        wide = uplift_effect(y[here], treated[here], value=worth[here], level=1 - 2 * stats.norm.sf(z))
        assert (other["low"], other["high"]) == pytest.approx((wide.money_low, wide.money_high), rel=1e-6)
    assert (rate.effect, rate.low, rate.treated) == tuple(rate.table.loc[12, ["effect", "low", "treated"]])


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("share", [0.05, 0.5, 1.0, 3.0])
def test_the_boundary_is_the_published_one(level, share):
    """Waudby-Smith and others, theorem 2.2, with ρ for the planned time; narrowest there."""
    alpha, t, planned = 1 - level, 1_000 * share, 1_000
    rho = math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / planned)
    half = math.sqrt(2 * (t * rho**2 + 1) / (t**2 * rho**2) * math.log(math.sqrt(t * rho**2 + 1) / alpha))
    assert _mixture_z(share, level) == pytest.approx(half * math.sqrt(t))
    # where the boundary is narrowest in the paper's approximation, the exact optimum is near
    best = optimize.minimize_scalar(lambda log_share: _mixture_z(math.exp(log_share), level))
    assert _mixture_z(1.0, level) == pytest.approx(best.fun, rel=0.01)


def test_no_random_walk_crosses_the_boundary_too_often():
    """Noise alone, looked at 60 times, far beyond the plan."""
    looks = np.unique(np.geomspace(20, 3_000, 60).astype(int))
    crossed = fixed = 0
    for seed in range(400):
        walk = np.random.default_rng([seed, 24]).standard_normal(3_000).cumsum()[looks - 1] / np.sqrt(looks)
        crossed += any(abs(x) > _mixture_z(t / 500, 0.9) for x, t in zip(walk, looks, strict=True))
        fixed += any(abs(x) > 1.645 for x in walk)
    assert crossed / 400 <= 0.1
    assert fixed / 400 > 0.4


def test_a_handful_held_out_and_rare_outcomes_raise_no_false_alarm_either():
    """Ten held out a month, an outcome among them every fourth year: Wilson's limits erred in 7 % of the years."""
    alarms = 0
    group, month = np.tile(np.arange(2_000) >= 10, 12), np.repeat(np.arange(12), 2_000)
    for seed in range(100):
        y = np.random.default_rng([seed, 25]).random(24_000) < 0.002
        alarms += hold_out_always_valid(y, group, month).first is not None
    assert alarms <= 5


@pytest.mark.parametrize("money", [False, True])
def test_twelve_looks_raise_few_false_alarms_where_the_fixed_interval_raises_many(money):
    fixed = always = 0
    for seed in range(100):
        y, treated, month, worth = year(seed, per_month=250)
        found = hold_out_always_valid(y, treated, month, value=worth if money else None)
        fixed += found.first_fixed is not None
        always += found.first is not None
    assert always <= 5
    assert fixed >= 10


def test_an_effect_that_is_there_is_found():
    y, treated, month, _ = year(2, lift=-0.05, per_month=2_000)
    found = hold_out_always_valid(y, treated, month)
    assert found.high < 0
    assert int(found.first_fixed) <= int(found.first)
    assert found.frame().index.tolist() == list(range(1, 13))
    assert found.table.loc[int(found.first), "high"] < 0
    assert str(found).startswith("after 12 looks −")
    assert f"0 first left out: always valid at {found.first}, fixed at {found.first_fixed}" in str(found)


def test_the_plan_is_where_it_is_narrowest_and_no_later_case_changes_an_earlier_look():
    y, treated, month, _ = year(3)
    found = hold_out_always_valid(y, treated, month)
    assert found.planned == 12 * 600
    early = hold_out_always_valid(y[month <= 4], treated[month <= 4], month[month <= 4])
    pd.testing.assert_frame_equal(early.table, found.table.loc[:4])
    soon = hold_out_always_valid(y, treated, month, planned=1_200).table["wider"]
    assert soon.idxmin() <= 3
    assert soon.min() == pytest.approx(found.table["wider"].min(), rel=0.01)
    assert soon.loc[12] > found.table.loc[12, "wider"]
    assert found.table.loc[1, "wider"] > soon.loc[1]


def test_weights_and_the_order_of_rows():
    rng = np.random.default_rng(5)
    y, _, month, _ = year(4)
    chance = np.where(rng.random(len(y)) < 0.5, 0.9, 0.6)
    treated = rng.random(len(y)) < chance
    took = np.where(treated, chance, 1 - chance)
    found = hold_out_always_valid(y, treated, month, propensity=took)
    one = uplift_effect(y, treated, propensity=took)
    assert (found.effect, found.fixed_low, found.fixed_high) == pytest.approx((one.rate, one.low, one.high))
    order = rng.permutation(len(y))
    again = hold_out_always_valid(y[order], treated[order], month[order], propensity=took[order])
    assert (again.low, again.high) == pytest.approx((found.low, found.high))


def test_too_few_or_too_early_is_said_and_never_an_interval():
    month = np.repeat([1, 2, 3], [3, 40, 4_000])
    treated = np.arange(4_043) % 2 == 0
    treated[:3] = True
    spend = np.where(np.arange(4_043) % 10 < 2, 30.0, 0.0)
    found = hold_out_always_valid(spend, treated, month, planned=10**7)
    assert found.table["reason"].tolist() == [
        "only 0 cases held out",
        "too few events (4) for an interval",
        "too early for an always-valid interval: far fewer cases than planned",
    ]
    assert "always valid no interval, fixed " in str(found)
    assert found.first is None
    assert found.of == "dollars"
    assert isinstance(found, AlwaysValid)
    assert found.to_dict()["table"][0]["low"] != found.to_dict()["table"][0]["low"]  # nan


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"treated": [1, 1, 1, 1]}, "treated must hold at least two cases of 0 and of 1; got 0 and 4"),
        ({"treated": [0, 1, 2, 0]}, "treated must hold only 0 and 1"),
        ({"when": [1, None, 2, 2]}, "when must be known for each case; got none at row 1"),
        ({"when": [1, 2]}, "must have the same length"),
        ({"y": [0, 1, 3, 0], "value": 5}, "value belongs to outcomes of 0 and 1"),
        ({"planned": 0}, "planned must be > 0"),
        ({"propensity": 0}, r"propensity must lie in \(0, 1\]"),
        ({"level": 1}, "level must be > 0 and < 1"),
    ],
)
def test_looks_are_refused_in_words(wrong, says):
    given = {"y": [0, 1, 0, 1], "treated": [0, 0, 1, 1], "when": [1, 1, 2, 2]} | wrong
    with pytest.raises(ValueError, match=says):
        hold_out_always_valid(**given)
