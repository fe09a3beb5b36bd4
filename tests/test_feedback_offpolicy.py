"""Layer 5, Feedback: a challenger judged on the decisions that another policy logged."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from mllayers.action import uplift_policy_value
from mllayers.feedback import OffPolicyValue, OverlapCollapsed, policy_value


def logged_world(seed, n=4_000):
    """Two actions; the logged policy takes the second with a known chance; rewards under both are there to compare."""
    rng = np.random.default_rng([seed, 2])
    x = rng.random(n)
    chance = np.clip(0.2 + 0.6 * x, 0.1, 0.9)
    took = rng.random(n) < chance
    under = np.stack([2 + x + rng.normal(0, 2, n), 1 + 3 * x + rng.normal(0, 2, n)])
    reward = np.where(took, under[1], under[0])
    wants = np.where(x > 0.5, 0.95, 0.05)
    model = np.stack([2 + 0.8 * x, 1.2 + 2.5 * x])
    return {
        "reward": reward,
        "propensity": np.where(took, chance, 1 - chance),
        "target": np.where(took, wants, 1 - wants),
        "q": np.where(took, model[1], model[0]),
        "q_target": wants * model[1] + (1 - wants) * model[0],
    }


def true_value(n=2_000_000):
    x = (np.arange(n) + 0.5) / n
    wants = np.where(x > 0.5, 0.95, 0.05)
    return float(np.mean(wants * (1 + 3 * x) + (1 - wants) * (2 + x)))


def test_estimates_are_their_formulas_case_by_case():
    world = logged_world(1, n=500)
    found = policy_value(**world).frame()
    w = [t / b for t, b in zip(world["target"], world["propensity"], strict=True)]
    r, q, under = world["reward"], world["q"], world["q_target"]
    n = len(w)
    ips = sum(w[i] * r[i] for i in range(n)) / n
    dr = sum(under[i] + w[i] * (r[i] - q[i]) for i in range(n)) / n
    assert found.loc["IPS", "value"] == pytest.approx(ips)
    assert found.loc["SNIPS", "value"] == pytest.approx(n * ips / sum(w))
    assert found.loc["DR", "value"] == pytest.approx(dr)
    assert found.loc["IPS", "n_eff"] == pytest.approx(sum(w) ** 2 / sum(x * x for x in w))
    assert found.loc["IPS", "largest_weight"] == max(w)


def test_standard_errors_are_those_of_statsmodels():
    world = logged_world(2, n=800)
    found, w = policy_value(**world).frame(), world["target"] / world["propensity"]
    peer = DescrStatsW(w * world["reward"])
    assert found.loc["IPS", "se"] == pytest.approx(peer.std_mean)
    low, high = peer.tconfint_mean()
    assert (found.loc["IPS", "low"], found.loc["IPS", "high"]) == pytest.approx((low, high), rel=0.01)
    parts = np.stack([w * world["reward"], w])
    a, b = parts.mean(axis=1)
    gradient = np.array([1 / b, -a / b**2])
    delta = math.sqrt(gradient @ np.cov(parts) @ gradient / len(w))
    assert found.loc["SNIPS", "se"] == pytest.approx(delta)


def test_intervals_cover_and_the_model_narrows_them():
    truth = true_value()
    hits, widths = [], []
    for seed in range(400):
        found = policy_value(**logged_world(seed, n=1_000)).frame()
        hits.append((found["low"] <= truth) & (truth <= found["high"]))
        widths.append(found["se"])
    rates = pd.DataFrame(hits).drop(columns="logged").mean()
    assert rates.between(0.92, 0.98).all(), rates
    se = pd.DataFrame(widths).mean()
    assert se["DR"] < se["SNIPS"] < se["IPS"]


def test_gain_is_the_difference_on_the_same_cases():
    found = policy_value(**logged_world(3)).frame()
    np.testing.assert_allclose(found["gain"], found["value"] - found.loc["logged", "value"])
    assert found.loc["logged", ["gain", "gain_low", "gain_high"]].eq(0).all()


@given(st.floats(-50, 50), st.integers(0, 20))
def test_a_constant_added_to_all_rewards_moves_snips_by_as_much(constant, seed):
    world = logged_world(seed, n=300)
    before = policy_value(**world, min_n_eff=1).frame()
    after = policy_value(**world | {"reward": world["reward"] + constant}, min_n_eff=1).frame()
    assert after.loc["SNIPS", "value"] - before.loc["SNIPS", "value"] == pytest.approx(constant, abs=1e-9)
    assert after.loc["SNIPS", "se"] == pytest.approx(before.loc["SNIPS", "se"])


def test_the_logged_policy_itself_is_its_mean():
    reward = np.random.default_rng([4, 2]).normal(3, 1, 500)
    found = policy_value(reward, 0.3, np.full(500, 0.3)).frame()
    assert found["value"].to_numpy() == pytest.approx(np.full(3, reward.mean()))
    assert found.loc["SNIPS", "se"] == pytest.approx(reward.std(ddof=1) / math.sqrt(500))
    assert found.loc["IPS", "n_eff"] == pytest.approx(500)


def test_on_a_fair_pilot_it_agrees_with_layer_4():
    """Two fixed rules on cases with equal propensities and equal counts: the same difference of means."""
    rng = np.random.default_rng([5, 2])
    took = np.tile([0, 1], 500)
    reward = rng.normal(took * 2.0, 1)
    everyone = policy_value(reward, 0.5, took).table.loc["SNIPS", "value"]
    nobody = policy_value(reward, 0.5, 1 - took).table.loc["SNIPS", "value"]
    narrow = uplift_policy_value(reward, took, 0.5, target=np.ones(1_000))
    assert everyone - nobody == pytest.approx(narrow.value)


def collapsed(seed, n=5_000, never=0.4):
    """A challenger that, in a part of the cases, does what the logged policy never did."""
    rng = np.random.default_rng([seed, 3])
    fixed = rng.random(n) < never
    took = np.where(fixed, 0, rng.random(n) < 0.5)
    return rng.normal(0, 1, n), np.where(fixed, 1.0, 0.5), took


def test_overlap_that_has_collapsed_is_refused():
    with pytest.raises(OverlapCollapsed, match=r"average 0\.\d+ where 1 is expected: in about (3[6-9]|4[0-4])%"):
        policy_value(*collapsed(1))
    with pytest.raises(OverlapCollapsed, match="never does what was done"):
        policy_value([1.0, 2.0], 1.0, [0, 0])
    n = 20_000
    rare = np.arange(n) < 40
    with pytest.raises(OverlapCollapsed, match="worth 40 for the challenger, below min_n_eff = 100"):
        policy_value(np.ones(n), np.where(rare, 0.002, 0.998), rare)
    assert policy_value(np.ones(n), np.where(rare, 0.002, 0.998), rare, min_n_eff=30).table.loc["SNIPS", "value"] == 1
    assert issubclass(OverlapCollapsed, ValueError)


def test_overlap_that_is_there_is_hardly_ever_refused():
    """Of 300 honest logs none, and of 300 in which 40 % are out of reach all."""
    for seed in range(300):
        policy_value(**logged_world(seed, n=1_000))
        with pytest.raises(OverlapCollapsed):
            policy_value(*collapsed(seed, n=1_000))


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"propensity": 0}, ValueError, r"propensity must lie in \(0, 1\]; got 0 at row 0"),
        ({"propensity": [0.5, 1.5] * 200}, ValueError, r"propensity must lie in \(0, 1\]; got 1.5 at row 1"),
        ({"propensity": 0.1}, ValueError, "must average 1; got 5.00"),
        ({"target": 3}, TypeError, "target must be a column of numbers; got 3"),
        ({"target": [2.0] * 400}, ValueError, r"target must lie in \[0, 1\]; got 2"),
        ({"target": [1.0]}, ValueError, "reward and target must have the same length; reward has 400, target has 1"),
        ({"q": [0.0] * 400}, ValueError, "q and q_target belong together"),
        ({"q": [0.0] * 400, "q_target": [0.0]}, ValueError, "must have the same length"),
        ({"reward": ["$5"] * 400}, TypeError, "reward must be a column of numbers"),
        ({"min_n_eff": 0}, ValueError, "min_n_eff must be ≥ 1; got 0"),
        ({"level": 1}, ValueError, "level must be > 0 and < 1; got 1"),
        ({"reward": [1.0], "target": [1.0], "min_n_eff": 1}, ValueError, "at least two cases"),
    ],
)
def test_policy_value_refuses_in_words(wrong, error, says):
    with pytest.raises(error, match=says):
        policy_value(**{"reward": np.ones(400), "propensity": 0.5, "target": np.full(400, 0.5)} | wrong)


# too few events -----------------------------------------------------------------------------------------------------


def sales(seed, n, rate, share, tail=0.0):
    """The log calls a share of the customers, the challenger calls all; a call sells at a rate, nothing else does."""
    rng = np.random.default_rng([seed, 6])
    called = rng.random(n) < share
    amount = np.exp(rng.normal(0, tail, n)) if tail else np.ones(n)
    reward = called * (rng.random(n) < rate) * amount
    return (reward, np.where(called, share, 1 - share), called), rate * math.exp(tail**2 / 2)


@pytest.mark.parametrize(
    ("n", "rate", "share", "tail"), [(2_000, 0.05, 0.1, 0.0), (4_000, 0.02, 0.2, 0.0), (1_000, 1.0, 0.3, 1.0)]
)
def test_rare_and_long_tailed_rewards_are_covered_or_refused(n, rate, share, tail):
    within = []
    for seed in range(300):
        log, truth = sales(seed, n, rate, share, tail)
        table = policy_value(*log, min_n_eff=50).table.loc[["IPS", "SNIPS"]]
        if table["low"].notna().all():
            within.append((table["low"] <= truth) & (truth <= table["high"]))
    assert len(within) > 150
    assert (pd.DataFrame(within).mean() >= 0.92).all()


def test_no_event_gives_no_interval_and_no_sure_loss():
    """Nothing was sold under the challenger, much was elsewhere: that it sells less is not known."""
    called = np.arange(2_000) < 400
    reward = np.where(called, 0.0, np.arange(2_000) % 20 == 0)
    found = policy_value(reward, np.where(called, 0.2, 0.8), called)
    assert found.events == 0
    challenger = found.table.loc[["IPS", "SNIPS"]]
    assert challenger[["low", "high", "gain_low", "gain_high"]].isna().all(axis=None)
    assert "too few events (0) for an interval" in str(found)
    assert found.table.loc["logged", "low"] > 0


@given(st.integers(0, 2_000), st.integers(0, 12), st.floats(0.1, 50))
def test_an_interval_is_never_of_zero_width(seed, events, worth):
    rng = np.random.default_rng([seed, 7])
    reward = np.zeros(500)
    reward[rng.permutation(500)[:events]] = worth
    table = policy_value(reward, 0.5, rng.random(500) < 0.5, min_n_eff=1).table
    width = table["high"] - table["low"]
    assert (width.isna() | (width > 0)).all()
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"]) | width.isna()).all()


def test_the_same_cost_in_every_case_is_no_event():
    called = np.tile([1, 0], 500)
    found = policy_value(np.where(called, -4.0, 0.0), 0.5, called)
    assert found.events == 0
    assert math.isnan(found.table.loc["SNIPS", "low"])


def test_series_in_another_order_are_refused():
    took = pd.Series(np.tile([0, 1], 200))
    with pytest.raises(ValueError, match="same labels in the same order"):
        policy_value(took * 2.0, 0.5, took.iloc[::-1])


def test_the_result():
    found = policy_value(**logged_world(3))
    assert isinstance(found, OffPolicyValue)
    assert found == policy_value(**logged_world(3))
    assert (found.n, found.level, found.events) == (4_000, 0.95, 4_000 - 1)
    assert found.n_eff == found.table.loc["IPS", "n_eff"]
    assert str(found).startswith("DR $")
    assert "4,000 decisions worth" in str(found)
    assert [row["index"] for row in found.to_dict()["table"]] == ["logged", "IPS", "SNIPS", "DR"]


def test_no_estimate_has_an_interval_on_fewer_events_than_any():
    """Three rewards in 400 cases: the differences from a model are of 400 sizes, and yet no more is known."""
    rng = np.random.default_rng(0)
    reward = np.where(np.arange(400) % 150 == 0, 10.0, 0.0)
    q = rng.random(400)
    found = policy_value(reward, 0.5, np.tile([0.25, 0.75], 200), q=q, q_target=q).frame()
    assert set(found["events"]) == {3}
    assert found[["low", "high"]].isna().all(axis=None)
    assert found.loc[["IPS", "SNIPS", "DR"], ["gain_low", "gain_high"]].isna().all(axis=None)


# group by group -----------------------------------------------------------------------------------------------------


def halves(seed, n=6_000):
    """The challenger always does the second action, which pays where x is large and costs where it is small."""
    rng = np.random.default_rng([seed, 21])
    x = rng.random(n)
    took = rng.random(n) < 0.5
    reward = np.where(took, 6 * x - 3, 0) + rng.normal(0, 2, n)
    return reward, took * 1.0, np.where(x > 0.5, "large", "small")


def test_a_gain_of_nothing_does_not_hide_the_groups():
    reward, target, group = halves(1)
    found = policy_value(reward, 0.5, target, by=group)
    assert found.table.loc["SNIPS", "gain_low"] < 0 < found.table.loc["SNIPS", "gain_high"]
    assert found.frame()["sure"].to_dict() == {"large": "more", "small": "less"}
    assert str(found).endswith("; surely better in large, surely worse in small (all groups at once)")
    assert policy_value(reward, 0.5, target, by=group, least=2).frame()["sure"].tolist() == ["alike", "alike"]
    assert policy_value(reward, 0.5, target).frame().index.tolist() == ["logged", "IPS", "SNIPS"]


def test_a_group_of_decisions_is_as_if_it_stood_alone():
    world = logged_world(4)
    group = np.arange(4_000) % 3
    rows = policy_value(**world, by=group).frame()
    here = group == 1
    mine = {name: x[here] for name, x in world.items()}
    alone = policy_value(**mine).frame()
    names = ["value", "low", "high", "gain", "gain_low", "gain_high", "events"]
    assert rows.loc["1", names].tolist() == alone.loc["DR", names].tolist()
    assert rows.loc["1", "logged"] == alone.loc["logged", "value"]
    wide = policy_value(**mine, level=1 - 0.05 / 3).frame().loc["DR"]
    ends = rows.loc["1", ["gain_low_all", "gain_high_all"]].to_numpy(float)
    assert ends == pytest.approx(wide[["gain_low", "gain_high"]].to_numpy(float))


def test_a_group_that_cannot_answer_says_why():
    reward, target, group = halves(2)
    group = group.astype(object)
    group[:40] = "few"
    group[40] = "one"
    group[41:80] = "silent"
    target[41:80] = 0
    found = policy_value(np.round(reward), 0.5, target, by=group, min_n_eff=30)
    reasons = found.frame()["reason"]
    assert "below min_n_eff = 30" in reasons["few"]
    assert reasons["one"] == "only 1 decision"
    rare = np.where(np.arange(6_000) % 400 == 0, 50.0, 0.0)
    few_sales = policy_value(rare, 0.5, target, by=np.arange(6_000) % 3).frame()
    assert few_sales["reason"].str.startswith("too few events (").any()
    assert "never does what was done" in reasons["silent"]
    assert found.frame().loc["silent", ["value", "gain_low"]].isna().all()
    assert str(found).endswith("open in 3 of 5 groups (all groups at once)")


def test_where_the_challenger_gains_nothing_hardly_any_group_is_called_sure():
    alarms = []
    for seed in range(150):
        rng = np.random.default_rng([seed, 22])
        same = rng.random(3_000) < 0.5
        reward = rng.lognormal(2, 1, 3_000) * (rng.random(3_000) < 0.3)
        rows = policy_value(reward, 0.5, same * 1.0, by=rng.integers(0, 5, 3_000)).frame()
        alarms.append((bool((rows["sure"] != "open").any()), bool((rows["gain_low"] * rows["gain_high"] > 0).any())))
    together, single = np.mean(alarms, axis=0)
    assert together <= 0.1
    assert single > together


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"by": ["a", None] * 100}, "by must be known for each case; got none at row 1"),
        ({"by": ["a", "b"]}, "must have the same length"),
        ({"least": -1}, "least must be ≥ 0"),
    ],
)
def test_groups_of_decisions_are_refused_in_words(wrong, says):
    with pytest.raises(ValueError, match=says):
        policy_value(np.arange(200.0), 0.5, np.tile([0.0, 1.0], 100), min_n_eff=10, **wrong)
