"""Layer 4, Action: several actions and segments in one table, beside statsmodels and brute force."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.api import OLS, WLS, add_constant
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from mllayers.action import UpliftTable, uplift_effect, uplift_table


def experiment(seed, n=4_000, lift=0.0, arms=("none", "mail", "call")):
    """Spend after, spend before, arm and segment of customers; `lift` is what a call adds."""
    rng = np.random.default_rng([seed, 11])
    z = rng.standard_normal(n)
    before = np.exp(0.8 * z)
    action = rng.choice(arms, n)
    spend = np.exp(0.7 * z + 0.5 * rng.standard_normal(n)) + lift * (action == "call")
    return spend, before, action, rng.choice(["north", "south"], n)


def row_of(found, action, segment=None):
    rows = found.frame()
    rows = rows[rows["action"] == action]
    return (rows if segment is None else rows[rows["segment"] == segment]).iloc[0]


@given(st.integers(0, 30), st.integers(0, 30), st.integers(2, 40), st.integers(2, 40))
def test_a_rate_is_newcombes(a, b, more_a, more_b):
    n1, n0 = a + more_a, b + more_b
    y, action = np.r_[np.arange(n1) < a, np.arange(n0) < b], np.repeat(["call", "none"], [n1, n0])
    row = row_of(uplift_table(y, action), "call")
    low, high = confint_proportions_2indep(a, n1, b, n0, method="newcomb", compare="diff")
    assert (row["effect"], row["low"], row["high"]) == pytest.approx((a / n1 - b / n0, low, high), abs=1e-9)
    assert (row["claimed"], row["incremental"]) == pytest.approx((a, a - b * n1 / n0))
    assert (row["low"] <= 0 <= row["high"]) == (row["p"] >= 0.05)


def test_one_arm_is_uplift_effect():
    """Rates, dollars and weights: the same numbers as the function for one action."""
    rng = np.random.default_rng(3)
    treated, worth = rng.random(3_000) < 0.7, rng.lognormal(3, 1, 3_000)
    y, took = rng.random(3_000) < 0.1, np.where(treated, 0.7, 0.3)
    for propensity in (None, took):
        one = uplift_effect(y, treated, value=worth, propensity=propensity)
        rate = row_of(uplift_table(y, treated, propensity=propensity), "treated")
        money = row_of(uplift_table(y, treated, value=worth, propensity=propensity), "treated")
        assert (rate["effect"], rate["low"], rate["high"]) == (one.rate, one.low, one.high)
        assert (money["effect"], money["low"], money["high"]) == (one.money, one.money_low, one.money_high)
        assert (rate["events"], money["events"]) == (one.events, one.money_events)


def test_dollars_are_welchs_where_there_are_many():
    spend, _, action, _ = experiment(1, n=60_000)
    row = row_of(uplift_table(spend, action), "mail")
    both = CompareMeans(*[DescrStatsW(spend[action == name]) for name in ("mail", "none")])
    assert (row["low"], row["high"]) == pytest.approx(both.zconfint_diff(usevar="unequal"), abs=0.003)
    assert row["p"] == pytest.approx(both.ztest_ind(usevar="unequal")[1], abs=0.02)


def test_with_a_covariate_the_estimate_is_that_of_a_regression():
    spend, before, action, _ = experiment(2, n=5_000, lift=0.1)
    found, without = (row_of(uplift_table(spend, action, before=x), "call") for x in (before, None))
    use = action != "mail"
    x = add_constant(np.column_stack([action == "call", before]).astype(float)[use])
    line = OLS(spend[use], x).fit(cov_type="HC1")
    assert found["effect"] == pytest.approx(line.params[1])
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * line.bse[1], rel=0.03)
    width = (found["high"] - found["low"]) / (without["high"] - without["low"])
    assert width == pytest.approx(math.sqrt(1 - found["spared"]), rel=0.05)
    assert found["spared"] > 0.3


def test_with_a_covariate_and_weights_it_is_that_of_a_weighted_regression():
    spend, before, _, _ = experiment(2, n=5_000)
    rng = np.random.default_rng(2)
    chance = np.where(before > 1, 0.7, 0.4)
    called = rng.random(5_000) < chance
    took = np.where(called, chance, 1 - chance)
    found = row_of(uplift_table(spend + 0.1 * called, called, before=before, propensity=took), "treated")
    x = add_constant(np.column_stack([called, before]).astype(float))
    line = WLS(spend + 0.1 * called, x, weights=1 / took).fit()
    assert found["effect"] == pytest.approx(line.params[1])
    assert found["low"] <= 0.1 <= found["high"]


def test_a_covariate_that_says_nothing_changes_next_to_nothing():
    spend, _, action, _ = experiment(4)
    for before in (np.full(len(spend), 7.0), np.random.default_rng(1).random(len(spend))):
        with_it, without = (row_of(uplift_table(spend, action, before=x), "call") for x in (before, None))
        assert with_it["effect"] == pytest.approx(without["effect"], abs=0.01)
        assert abs(with_it["spared"]) < 0.01


def test_the_p_values_are_adjusted_for_all_rows():
    spend, _, action, segment = experiment(5, lift=0.2)
    found = uplift_table(spend, action, by=segment)
    rows = found.frame()
    assert list(zip(rows["segment"], rows["action"], strict=True)) == [
        (s, a) for s in ("all", "north", "south") for a in ("call", "mail")
    ]
    np.testing.assert_allclose(rows["p_holm"], multipletests(rows["p"], method="holm")[1])
    assert rows["sure"].tolist() == multipletests(rows["p"], 0.05, method="holm")[0].tolist()
    assert found.asked == 6
    wide = uplift_table(spend, action, by=segment, level=1 - 0.05 / 6).frame()
    np.testing.assert_allclose(rows[["low_all", "high_all"]], wide[["low", "high"]])


def test_a_segment_is_as_if_it_stood_alone():
    spend, before, action, segment = experiment(6)
    found = uplift_table(spend, action, by=segment, before=before)
    here = segment == "south"
    alone = row_of(uplift_table(spend[here], action[here], before=before[here]), "mail")
    for name in ("treated", "held_out", "effect", "low", "high", "p", "claimed", "incremental", "spared", "events"):
        assert row_of(found, "mail", "south")[name] == alone[name]


def test_nothing_works_and_hardly_anything_is_called_sure():
    """Ten effects at once, 120 experiments: by single intervals a third would find something."""
    any_single = any_sure = 0
    for seed in range(120):
        rng = np.random.default_rng([seed, 13])
        action = rng.choice(["none", "a", "b"], 1_500)
        segment = rng.choice(list("uvwx"), 1_500)
        rows = uplift_table(rng.random(1_500) < 0.2, action, by=segment).frame()
        any_single += bool((rows["p"] < 0.05).any())
        any_sure += bool(rows["sure"].any())
    assert any_single > 24
    assert any_sure <= 12  # at most 6 expected


def test_size_is_judged_apart_from_significance():
    """A million cases: surely something, and surely less than what matters."""
    n = 400_000
    y = np.r_[np.arange(n) < 0.105 * n, np.arange(n) < 0.1 * n]
    action = np.repeat(["mail", "none"], n)
    told = {least: row_of(uplift_table(y, action, least=least), "mail") for least in (0.001, 0.005, 0.01)}
    assert all(row["sure"] for row in told.values())
    assert [row["size"] for row in told.values()] == ["more", "open", "alike"]
    assert ", sure, too small to matter; claimed 42,000, incremental 2,000" in str(uplift_table(y, action, least=0.01))


def test_claimed_is_what_the_treated_brought_and_incremental_what_the_action_did():
    spend, _, action, _ = experiment(7, lift=0.3)
    row = row_of(uplift_table(spend, action), "call")
    called = action == "call"
    assert row["claimed"] == pytest.approx(spend[called].sum())
    assert row["incremental"] == pytest.approx(
        spend[called].sum() - called.sum() * spend[action == "none"].mean(), rel=1e-6
    )
    assert row["incremental_high"] == pytest.approx(row["high"] * called.sum())
    assert row["mean"] - row["control_mean"] == pytest.approx(row["effect"])


@settings(max_examples=40)
@given(st.data())
def test_the_order_of_rows_changes_nothing_and_the_estimate_is_brute_force(data):
    n = data.draw(st.integers(6, 50))
    y = np.array(data.draw(st.lists(st.integers(-30, 30), min_size=n, max_size=n)), dtype=float)
    action = np.array(data.draw(st.lists(st.sampled_from(["none", "a", "b"]), min_size=n, max_size=n)))
    if len(set(action)) < 2 or "none" not in action:
        return
    order = data.draw(st.permutations(range(n)))
    found, again = uplift_table(y, action), uplift_table(y[order], action[order])
    for name in set(action) - {"none"}:
        one, other = row_of(found, name), row_of(again, name)
        assert other["low"] == pytest.approx(one["low"], rel=1e-9, nan_ok=True)
        if min((action == name).sum(), (action == "none").sum()) < 2:
            assert one["reason"].startswith("only 1 case")
        else:
            assert one["effect"] == pytest.approx(y[action == name].mean() - y[action == "none"].mean(), abs=1e-9)
            assert math.isnan(one["low"]) or one["low"] <= one["effect"] <= one["high"]


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("kind", ["rare money", "rare outcome", "spend"])
def test_intervals_hold_the_truth_at_their_rate(kind, before):
    held = counted = 0
    for seed in range(150):
        rng = np.random.default_rng([seed, 17])
        z, group = rng.standard_normal(2_200), np.arange(2_200) < 2_000
        worth = np.exp(1.1 * (0.8 * z + 0.6 * rng.standard_normal(2_200)))
        if kind == "rare outcome":
            y, truth = (rng.random(2_200) < 0.05 * (1 - 0.3 * group)) * 1.0, -0.015
        elif kind == "rare money":
            y, truth = (rng.random(2_200) < 0.05 * (1 + 0.3 * group)) * worth, 0.015 * np.exp(1.1**2 / 2)
        else:
            y, truth = worth * (1 + 0.2 * group), 0.2 * np.exp(1.1**2 / 2)
        row = uplift_table(y, group, before=np.exp(z) if before else None).table.iloc[0]
        counted += not math.isnan(row["low"])
        held += row["low"] <= truth <= row["high"]
    assert counted > 130
    assert held / counted >= 0.91


def test_zero_and_one_need_no_name_and_any_frame_will_do():
    y, action = [0, 1, 1, 0, 1, 0, 0, 1] * 20, [1, 1, 0, 0, 1, 1, 0, 0] * 20
    first = uplift_table(y, action)
    assert first.control == "held out"
    assert first.table["action"].tolist() == ["treated"]
    for dress in (np.array, pd.Series, pl.Series, lambda x: np.array(x) == 1, lambda x: np.array(x, float)):
        assert uplift_table(dress(y), dress(action)) == first
    coded = uplift_table(y, np.array(action) + 5, control=5)
    assert (coded.control, coded.table["effect"].iloc[0]) == ("5", first.table["effect"].iloc[0])


def test_what_it_says():
    action = np.repeat(["call", "mail", "none"], 400)
    bought = np.r_[np.arange(400) < 90, np.arange(400) < 44, np.arange(400) < 40]
    found = uplift_table(bought, action)
    assert isinstance(found, UpliftTable)
    assert str(found).startswith(
        "call: +12.50 points (+7.43 to +17.55), sure; claimed 90, incremental 50 (29.7 to 70.2)"
    )
    assert str(found).endswith(
        "not sure; claimed 44, incremental 4 (−13.2 to 21.2); 1 of 2 effects sure, all together (Holm)"
    )
    money = uplift_table(bought, action, value=20)
    assert str(money).startswith("call: $2.50 per case ($1.46 to $3.54), sure; claimed $1,800, incremental $1,000 ($5")
    assert (found.of, money.of, found.events, found.n) == ("rate", "dollars", 174, 1_200)
    few = uplift_table(np.r_[np.arange(400) < 90, np.arange(400) < 3, np.arange(400) < 40], action, value=20)
    assert row_of(few, "mail")["reason"] == "too few events (3) for an interval"
    assert "mail: −$1.85 per case (too few events (3) for an interval)" in str(few)
    assert few.asked == 1
    assert few.to_dict()["table"][1]["sure"] is None


def test_of_many_actions_three_are_told():
    action = np.repeat(["none", "a", "b", "c", "d", "e"], 50)
    told = str(uplift_table(np.arange(300) % 5 == 0, action))
    assert "c: " in told
    assert "d: " not in told
    assert "; 2 more actions; 0 of 5 effects sure" in told


def test_an_arm_without_cases_in_a_segment_says_so():
    action = np.repeat(["call", "mail", "none"], 40)
    segment = np.where((np.arange(120) < 79) & (np.arange(120) >= 40), "a", "b")
    segment[[0, 1, 2, 100, 101]] = "a"
    found = uplift_table(np.arange(120) % 3 == 0, action, by=segment)
    assert row_of(found, "mail", "b")["reason"] == "only 1 case treated"
    assert pd.isna(row_of(found, "mail", "b")["sure"])
    assert found.asked == 5


def test_propensities_that_do_not_fit_are_a_reason():
    rng = np.random.default_rng(1)
    action = rng.choice(["none", "call"], 4_000, p=[0.8, 0.2])
    found = uplift_table(rng.random(4_000) < 0.1, action, propensity=0.5)
    assert "1 / propensity of the treated" in row_of(found, "call")["reason"]
    assert str(found).startswith("call: ")
    sound = uplift_table(rng.random(4_000) < 0.1, action, propensity=np.where(action == "none", 0.8, 0.2))
    assert row_of(sound, "call")["reason"] == ""


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"y": ["a"] * 4}, TypeError, "y must be a column of numbers"),
        ({"y": [0.0, np.nan, 1, 1]}, ValueError, "y must hold finite numbers; got nan at row 1"),
        ({"action": ["none", None, "a", "a"]}, ValueError, "action must be known for each case; got none at row 1"),
        ({"action": ["b", "b", "a", "a"]}, ValueError, r"control must be one of the actions \(a, b\); got 'none'"),
        ({"action": ["none"] * 4}, ValueError, "action must hold at least one action beside the control 'none'"),
        ({"action": [1, 1, 1, 1]}, ValueError, "action must hold both 0 and 1; got only 1"),
        ({"action": ["none", "a"]}, ValueError, "y and action must have the same length"),
        ({"value": [1, 2, 3, 4], "y": [0, 2, 1, 1]}, ValueError, "value belongs to outcomes of 0 and 1"),
        ({"by": ["all", "all", "b", "b"]}, ValueError, "by must not hold a segment named 'all'"),
        ({"by": [1, None, 2, 2]}, ValueError, "by must be known for each case"),
        ({"before": ["x"] * 4}, TypeError, "before must be a column of numbers"),
        ({"propensity": 0}, ValueError, r"propensity must lie in \(0, 1\]"),
        ({"least": 0}, ValueError, "least must be > 0"),
        ({"level": 95}, ValueError, "level must be > 0 and < 1"),
    ],
)
def test_uplift_table_refuses_in_words(wrong, error, says):
    given = {"y": [0, 1, 0, 1], "action": ["none", "none", "a", "a"]} | wrong
    with pytest.raises(error, match=says):
        uplift_table(given.pop("y"), given.pop("action"), **given)
