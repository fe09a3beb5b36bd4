import dataclasses
import datetime
import math

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from mllayers import shop
from mllayers.action import Limits, act, break_even, uplift_effect, uplift_policy_value, worth_acting
from mllayers.ledger import Ledger, LedgerError

# the change ---------------------------------------------------------------------------------------------------------


def pilot(seed, n=2_000, heavy=False):
    """A randomised pilot with a true effect that is largest where the value is small."""
    rng = np.random.default_rng([seed, 1])
    value = rng.lognormal(5, 1.1 if heavy else 0.4, n)
    treated = rng.random(n) < 0.5
    y = rng.random(n) < 0.10 - 0.05 * (value < np.exp(5)) * treated
    return y, treated, value


@given(st.integers(0, 30), st.integers(0, 30), st.integers(2, 40), st.integers(2, 40))
def test_rate_and_its_interval_are_those_of_statsmodels(a, b, more_a, more_b):
    n1, n0 = a + more_a, b + more_b
    y = np.r_[np.arange(n1) < a, np.arange(n0) < b]
    found = uplift_effect(y, np.r_[np.ones(n1), np.zeros(n0)])
    low, high = confint_proportions_2indep(a, n1, b, n0, method="newcomb", compare="diff")
    assert found.rate == pytest.approx(a / n1 - b / n0)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_dollars_and_their_interval_are_welchs():
    y, treated, value = pilot(1)
    found = uplift_effect(y, treated, value=value)
    sides = [DescrStatsW((y * value)[group]) for group in (treated, ~treated)]
    low, high = CompareMeans(*sides).zconfint_diff(usevar="unequal")
    assert (found.money_low, found.money_high) == pytest.approx((low, high))
    assert found.money == pytest.approx((low + high) / 2)


def test_a_result_reads_as_one_line_with_the_minus_before_the_dollar():
    effect = uplift_effect([1, 0, 0, 0, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0], value=1_000)
    assert str(effect).startswith("−25.00 points (−")
    assert f"; −$250.00 per case (−${-effect.money_low:,.2f} to ${effect.money_high:,.2f}), 4 treated" in str(effect)
    assert str(dataclasses.replace(effect, rate=0.25, money=math.nan)).startswith("+25.00 points (−")
    found = uplift_policy_value([0.0, 4.0, 0.0, 5.0], [1, 0, 1, 0], 0.5, target=[1, 1, 1, 1])
    assert str(found).startswith(f"−$4.50 per case (−${-found.low:,.2f} to −${-found.high:,.2f}); the rules differ")
    assert str(dataclasses.replace(found, value=-0.001)).startswith("$0.00 per case")


@pytest.mark.parametrize(
    ("y", "treated", "says"),
    [
        ([0, 1, 2], [0, 1, 0], "y must hold only 0 and 1"),
        ([0, 1, 0], [1, 1, 1], "at least two held-out cases; got 0"),
        ([0, 1, 0], [1, 0], "same length|one entry"),
    ],
)
def test_uplift_effect_refuses_in_words(y, treated, says):
    with pytest.raises(ValueError, match=says):
        uplift_effect(y, treated)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_probability(level):
    with pytest.raises(ValueError, match="level must be > 0 and < 1"):
        uplift_effect([0, 1, 0, 1], [0, 0, 1, 1], level=level)


# what a list is worth -----------------------------------------------------------------------------------------------


def test_policy_value_by_hand():
    """Mean reward of the chosen action minus that of the other, where the rules differ, times how often they do."""
    reward = np.array([10.0, 4.0, 9.0, 3.0, 50.0, 70.0])
    found = uplift_policy_value(reward, [1, 0, 1, 0, 1, 0], 0.5, target=[1, 1, 1, 1, 0, 0])
    assert found.value == pytest.approx(4 / 6 * (9.5 - 3.5))
    assert (found.n, found.n_eff, found.largest_weight) == (4, pytest.approx(4), 2)


def test_a_rule_beside_itself_is_worth_exactly_nothing():
    y, treated, value = pilot(2)
    found = uplift_policy_value(-(y * value), treated, 0.5, target=np.zeros(len(y), bool))
    assert (found.value, found.se, found.changed) == (0, 0, 0)


def test_names_of_actions_and_unequal_propensities():
    """Three actions drawn with chances of their own; the truth from a very large sample of outcomes."""
    rng = np.random.default_rng([3, 1])
    n, names, chance = 200_000, np.array(["none", "email", "call"]), np.array([0.5, 0.3, 0.2])
    x, k = rng.random(n), rng.choice(3, n, p=chance)
    means = np.column_stack([np.zeros(n), 2 * x, 6 * x - 2])
    reward = means[np.arange(n), k] + rng.normal(size=n)
    target = np.where(x > 0.5, "call", "email")
    truth = np.where(x > 0.5, means[:, 2], means[:, 1]).mean()
    found = uplift_policy_value(reward, names[k], chance[k], target=target, instead="none")
    assert abs(found.value - truth) < 4 * found.se
    beside = uplift_policy_value(reward, names[k], chance[k], target=target, instead=np.full(n, "email"))
    assert abs(beside.value - (truth - means[:, 1].mean())) < 4 * beside.se
    assert beside.changed == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("n", "share"), [(4_000, 0.5), (4_000, 0.2), (10_000, 0.5)])
def test_intervals_hold_the_truth_of_the_shop_at_their_rate(n, share):
    """1,000 pilots of the retailer's customers, whose true chances are known: rate, dollars and a list's worth."""
    customers = shop.make_customers(100_000, seed=7)
    without, voucher, clv = (customers[name].to_numpy() for name in ("_p_none", "_p_voucher", "clv_usd"))
    wanted = ((customers["clv_usd"] > 100) & (customers["ignored_contacts"] <= 1)).to_numpy()
    truth = np.array([voucher - without, clv * (voucher - without), wanted * (clv * (without - voucher) - 5)]).mean(1)
    rng, held = np.random.default_rng([12, n]), np.zeros(3)
    for _ in range(1_000):
        who, treated = rng.integers(len(clv), size=n), rng.random(n) < share
        gone = rng.random(n) < np.where(treated, voucher[who], without[who])
        effect = uplift_effect(gone, treated, value=clv[who])
        earned, chance = -clv[who] * gone - 5 * treated, np.where(treated, share, 1 - share)
        worth = uplift_policy_value(earned, treated, chance, target=wanted[who])
        held += np.array([effect.low, effect.money_low, worth.low]) <= truth
        held -= np.array([effect.high, effect.money_high, worth.high]) < truth
    assert (held / 1_000 >= 0.93).all()
    assert (held / 1_000 <= 0.97).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"propensity": 0.0}, r"propensity must lie in \(0, 1\]; got 0"),
        ({"propensity": [0.5, 0.5, np.nan, 0.5]}, "propensity must hold finite numbers"),
        ({"action": [0, 0, 0, 0]}, "fewer than two cases got True where target gives it"),
        ({"action": [1, 1, 1, 0]}, "fewer than two cases got False where instead gives it"),
        ({"action": ["a", "b", "a", "b"]}, "action holds names of actions: .*instead="),
        ({"action": [*"abab"], "target": [*"acac"], "instead": "b"}, "fewer than two cases got 'c' where target"),
        (
            {"action": pd.Series(["a", None, "a", "b"]), "target": ["a"] * 4, "instead": "b"},
            "action is missing at row 1",
        ),
        ({"action": [1, 0, 2, 0]}, "action must hold only 0 and 1; got 2 at row 2"),
        ({"instead": [False, False]}, "instead must have one entry for each of the 4 cases"),
        ({"level": 1}, "level must be > 0 and < 1"),
        ({"reward": [1, 2, 3]}, "action must have one entry for each of the 3 cases"),
    ],
)
def test_policy_value_refuses_in_words(wrong, says):
    good = {"reward": [1.0, 2.0, 3.0, 4.0], "action": [1, 0, 1, 0], "propensity": 0.5, "target": [1, 1, 1, 1]}
    given = good | wrong
    with pytest.raises(ValueError, match=says):
        uplift_policy_value(given.pop("reward"), given.pop("action"), given.pop("propensity"), **given)


