"""Layer 4, Action: what a targeting rule would have earned, by hand, by weights, and refused where nobody knows."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from mllayers.action import OverlapCollapsed, UpliftPolicyValue, uplift_policy_value


def randomised(seed, n=4_000, share=0.5):
    """Rewards that a voucher changes where x is large."""
    rng = np.random.default_rng([seed, 7])
    x, took = rng.random(n), rng.random(n) < share
    return 4 * x * took - 1.5 * took + rng.normal(size=n), took, x


def test_policy_value_by_hand():
    """Mean reward of the chosen action minus that of the other, where the rules differ, times how often they do."""
    reward = np.tile([10.0, 4.0, 9.0, 3.0, 50.0, 70.0], 10)
    found = uplift_policy_value(reward, [1, 0] * 30, 0.5, target=[1, 1, 1, 1, 0, 0] * 10)
    assert found.value == pytest.approx(4 / 6 * (9.5 - 3.5))
    assert (found.n, found.n_eff, found.largest_weight) == (40, pytest.approx(40), 2)
    assert found.low < found.value < found.high


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.5, None]))
def test_policy_value_is_brute_force_with_weights(seed, share):
    rng = np.random.default_rng(seed)
    n = 300
    chance = np.full(n, share) if share else rng.uniform(0.3, 0.7, n)
    took, target = rng.random(n) < chance, rng.random(n) < 0.5
    reward, propensity = rng.normal(size=n), np.where(took, chance, 1 - chance)
    sums = {True: [0.0, 0.0], False: [0.0, 0.0]}
    for r, t, e, wanted in zip(reward, took, propensity, target, strict=True):
        if wanted:  # elsewhere both rules leave the case alone
            sums[bool(t)][0] += r / e
            sums[bool(t)][1] += 1 / e
    by_hand = (sums[True][0] / sums[True][1] - sums[False][0] / sums[False][1]) * target.mean()
    assert uplift_policy_value(reward, took, propensity, target=target).value == pytest.approx(by_hand)


def test_everybody_beside_nobody_is_weighted_regression_and_welch():
    reward, took, _ = randomised(1, n=20_000)
    found = uplift_policy_value(reward, took, np.where(took, 0.5, 0.5), target=np.ones(20_000))
    assert found.value == pytest.approx(LinearRegression().fit(took[:, None], reward).coef_[0])
    sides = [DescrStatsW(reward[g]) for g in (took, ~took)]
    low, high = CompareMeans(*sides).zconfint_diff(usevar="unequal")
    assert (found.low, found.high) == (pytest.approx(low, rel=0.02), pytest.approx(high, rel=0.02))
    assert found.se == pytest.approx((high - low) / 2 / 1.959964, rel=0.02)


def test_a_rule_beside_itself_is_worth_exactly_nothing():
    reward, took, _ = randomised(2)
    found = uplift_policy_value(reward, took, 0.5, target=np.zeros(4_000, bool))
    assert (found.value, found.low, found.high, found.se, found.changed) == (0, 0, 0, 0, 0)
    assert "the rules differ for 0.0 %" in str(found)


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


def test_collapsed_overlap_is_refused():
    """Six cases, of which one stands for a million: that was −$3.33 ± 1.5."""
    reward, took = [1.0, 4.0, 2.0, 8.0, 3.0, 5.0], [1, 0, 1, 0, 1, 0]
    with pytest.raises(OverlapCollapsed, match="worth 1 for target, below min_n_eff = 2"):
        uplift_policy_value(reward, took, [1e-6, 0.5, 0.5, 0.5, 0.5, 0.5], target=[1] * 6, min_n_eff=2)
    with pytest.raises(OverlapCollapsed, match="below min_n_eff = 10"):
        uplift_policy_value(reward, took, 0.5, target=[1] * 6)
    assert uplift_policy_value(reward, took, 0.5, target=[1] * 6, min_n_eff=3).n == 6


def test_propensities_that_are_not_those_of_the_action_taken_are_refused():
    """The chance of a voucher, for those who got none too."""
    reward, took, _ = randomised(4, share=0.2)
    with pytest.raises(ValueError, match=r"1 / propensity under instead must average 1; got [34]"):
        uplift_policy_value(reward, took, 0.2, target=np.ones(4_000))
    with pytest.raises(OverlapCollapsed, match=r"average 0\.2"):
        uplift_policy_value(reward, took, 1.0, target=np.ones(4_000))


def test_a_small_pilot_is_no_collapsed_overlap():
    """Chance alone: too few large weights would make their own spread look small."""
    for seed in range(2_000):
        rng = np.random.default_rng([seed, 2])
        took = rng.random(600) < 0.2
        uplift_policy_value(rng.normal(size=600), took, np.where(took, 0.2, 0.8), target=np.ones(600))


def test_rare_losses_with_a_cost_are_covered():
    """Nearly all rewards are the voucher's cost; now and then a customer is lost: covered .57 of 95 %."""
    held = counted = 0
    for seed in range(500):
        rng = np.random.default_rng([seed, 5])
        took = rng.random(1_500) < 0.5
        lost = rng.random(1_500) < np.where(took, 0.02, 0.04)
        reward = -5.0 * took - 100 * lost * rng.lognormal(0, 1.1, 1_500)
        target = np.arange(1_500) % 2 == 0
        found = uplift_policy_value(reward, took, 0.5, target=target)
        truth = 0.5 * (0.02 * 100 * np.exp(1.1**2 / 2) - 5)
        counted += not math.isnan(found.low)
        held += found.low <= truth <= found.high
        assert found.events < 40
    assert counted >= 400
    assert held / counted >= 0.93


def test_without_an_event_there_is_no_interval_and_the_line_says_so():
    took = np.arange(400) % 2
    found = uplift_policy_value(-5.0 * took, took, 0.5, target=np.ones(400))
    assert found.value == -5
    assert math.isnan(found.low)
    assert str(found).startswith("−$5.00 per case (too few events (0) for an interval); the rules differ for 100.0 %")


def test_labels_in_another_order_are_refused():
    reward, took = pd.Series([1.0, 2.0, 3.0, 4.0]), pd.Series([1, 0, 1, 0])
    for wrong in (
        {"action": took.iloc[::-1]},
        {"target": took.iloc[::-1]},
        {"propensity": (took * 0 + 0.5).iloc[::-1]},
    ):
        given = {"action": took, "target": took * 0 + 1, "propensity": 0.5} | wrong
        with pytest.raises(ValueError, match="same labels in the same order"):
            uplift_policy_value(reward, given["action"], given["propensity"], target=given["target"])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"propensity": 0.0}, r"propensity must lie in \(0, 1\]; got 0"),
        ({"propensity": [0.5, 0.5, np.nan, 0.5]}, "propensity must hold finite numbers"),
        ({"action": [0, 0, 0, 0]}, "fewer than two cases got True where target gives it"),
        ({"action": [1, 1, 1, 1]}, "fewer than two cases got False where instead gives it"),
        ({"action": ["a", "b", "a", "b"]}, "action holds names of actions: .*instead="),
        ({"action": [*"abab"], "target": [*"acac"], "instead": "b"}, "fewer than two cases got 'c' where target"),
        (
            {"action": pd.Series(["a", None, "a", "b"]), "target": ["a"] * 4, "instead": "b"},
            "action is missing at row 1",
        ),
        ({"action": [1, 0, 2, 0]}, "action must hold only 0 and 1; got 2 at row 2"),
        ({"instead": [False, False]}, "must have the same length; .*instead has 2"),
        ({"level": 1}, "level must be > 0 and < 1"),
        ({"min_n_eff": 1}, "min_n_eff must be ≥ 2; got 1"),
        ({"reward": [1e300, 2, 3, 4]}, "reward must be small enough to be added up"),
        ({"reward": [1, 2, 3]}, "reward and action and target must have the same length"),
        ({"reward": [1, 2, 3, np.inf]}, "reward must hold finite numbers; got inf at row 3"),
    ],
)
def test_policy_value_refuses_in_words(wrong, says):
    good = {"reward": [1.0, 2.0, 3.0, 4.0], "action": [1, 0, 1, 0], "propensity": 0.5, "target": [1, 1, 1, 1]}
    given = good | {"min_n_eff": 2} | wrong
    with pytest.raises(ValueError, match=says):
        uplift_policy_value(given.pop("reward"), given.pop("action"), given.pop("propensity"), **given)


@pytest.mark.parametrize("wrong", [np.ma.masked_array([1, 0, 1, 0], [1, 0, 0, 0]), [[1], [1, 0], [1], [0]]])
def test_hidden_and_ragged_actions_are_refused(wrong):
    with pytest.raises(TypeError, match="action must be a column of actions; got a"):
        uplift_policy_value([1.0, 2.0, 3.0, 4.0], wrong, 0.5, target=[1] * 4)
    with pytest.raises(TypeError, match="target must be a column of actions; got a"):
        uplift_policy_value([1.0, 2.0, 3.0, 4.0], [1, 0, 1, 0], 0.5, target=wrong)


def test_the_result_is_one_line_a_row_and_comparable():
    reward, took, x = randomised(6)
    found = uplift_policy_value(reward, took, 0.5, target=x > 0.4)
    assert isinstance(found, UpliftPolicyValue)
    assert str(found).startswith(
        f"${found.value:.2f} per case (${found.low:.2f} to ${found.high:.2f}); the rules differ"
    )
    assert found.frame().loc[0, "level"] == 0.95
    assert found == uplift_policy_value(reward, took, 0.5, target=x > 0.4)
    assert found != uplift_policy_value(reward, took, 0.5, target=x > 0.5)


def test_rules_that_never_differ_are_worth_exactly_nothing():
    found = uplift_policy_value([1.0, 2.0, 3.0], [1, 0, 1], 0.5, target=[0, 0, 0], instead=0, level=0.8)
    assert found == UpliftPolicyValue(0.0, 0.0, 0.0, 0.0, 0.8, 0, 0.0, 0, 0.0, 0.0)


def test_an_array_without_a_dimension_is_one_action_for_all():
    given = {"reward": np.arange(40.0), "action": ["mail", "none"] * 20, "propensity": 0.5, "min_n_eff": 2}
    one = uplift_policy_value(**given, target=np.array("mail"), instead=np.array("none"))
    assert one == uplift_policy_value(**given, target="mail", instead="none")


def test_weights_are_those_of_the_cases_that_tell():
    """Cases on which the rules agree, or that got a third action, weigh nothing, however small their propensity."""
    action = np.array(["mail", "none"] * 20 + ["call", "mail"])
    chance = np.array([0.5, 0.25] * 20 + [0.01, 0.01])
    target = np.array(["mail"] * 41 + ["none"])
    found = uplift_policy_value(np.arange(42.0), action, chance, target=target, instead="none", min_n_eff=2)
    assert (found.n, found.largest_weight) == (40, 4.0)
    assert found.n_eff == pytest.approx((20 * 2 + 20 * 4) ** 2 / (20 * 4 + 20 * 16))
