"""Layer 4, Action: what the action changes, beside statsmodels, SciPy and the simulated truth."""

import inspect
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap
from sklearn.linear_model import LinearRegression
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from mllayers import shop
from mllayers._stats import rate_counts
from mllayers.action import OverlapCollapsed, UpliftEffect, uplift_effect, uplift_policy_value
from mllayers.action.effect import _arm_rate

SEEDED = {"rng" if "rng" in inspect.signature(bootstrap).parameters else "random_state": 0}  # SciPy before 1.15


def pilot(seed, n=2_000):
    """A randomised pilot with a true effect that is largest where the value is small."""
    rng = np.random.default_rng([seed, 1])
    value = rng.lognormal(5, 0.4, n)
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
    assert (found.events, found.treated, found.held_out) == (a + b, n1, n0)


def test_another_level_is_statsmodels_too():
    y, treated, _ = pilot(3)
    found = uplift_effect(y, treated, level=0.8)
    counts = [y[treated].sum(), treated.sum(), y[~treated].sum(), (~treated).sum()]
    expected = confint_proportions_2indep(*counts, method="newcomb", compare="diff", alpha=0.2)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
    assert found.level == 0.8


def test_with_many_events_the_interval_of_the_dollars_is_welchs():
    y, treated, value = pilot(1, n=200_000)
    found = uplift_effect(y, treated, value=value)
    low, high = CompareMeans(*[DescrStatsW((y * value)[g]) for g in (treated, ~treated)]).zconfint_diff(
        usevar="unequal"
    )
    assert found.money == pytest.approx((low + high) / 2)
    assert (found.money_low, found.money_high) == pytest.approx((low, high), rel=0.02)


def test_with_a_tail_the_interval_of_the_dollars_is_about_the_bootstraps():
    """SciPy's bias-corrected bootstrap of the difference of means, which knows about skewness too."""
    y, treated, value = pilot(4, n=8_000)
    found = uplift_effect(y, treated, value=value)
    sides = [(y * value)[treated], (y * value)[~treated]]
    other = bootstrap(sides, lambda a, b, axis: a.mean(axis) - b.mean(axis), n_resamples=2_000, **SEEDED)
    width = found.money_high - found.money_low
    assert abs(found.money_low - other.confidence_interval.low) < 0.1 * width
    assert abs(found.money_high - other.confidence_interval.high) < 0.1 * width


def test_weights_agree_with_weighted_regression_and_with_statsmodels():
    rng = np.random.default_rng([8, 1])
    y, _, value = pilot(5, n=6_000)
    chance = rng.uniform(0.2, 0.8, y.size)
    treated = rng.random(y.size) < chance
    propensity = np.where(treated, chance, 1 - chance)
    found = uplift_effect(y, treated, value=value, propensity=propensity)
    for outcome, here in ((y * 1.0, found.rate), (y * value, found.money)):
        line = LinearRegression().fit(treated[:, None], outcome, sample_weight=1 / propensity)
        sides = [DescrStatsW(outcome[g], weights=1 / propensity[g]).mean for g in (treated, ~treated)]
        assert here == pytest.approx(line.coef_[0])
        assert here == pytest.approx(sides[0] - sides[1])


def test_equal_weights_change_nothing():
    y, treated, value = pilot(6)
    treated = np.arange(y.size) % 2 == 0
    plain, weighted = uplift_effect(y, treated, value=value), uplift_effect(y, treated, value=value, propensity=0.5)
    for name, x in plain.to_dict().items():
        assert weighted.to_dict()[name] == pytest.approx(x), name


def test_unequal_chances_would_mislead_without_their_weights():
    """Whoever is likely to leave is treated more often: the plain difference has the wrong sign."""
    rng = np.random.default_rng([9, 1])
    frail = rng.random(40_000) < 0.3
    chance = np.where(frail, 0.8, 0.2)
    treated = rng.random(frail.size) < chance
    y = rng.random(frail.size) < np.where(frail, 0.4, 0.05) - 0.03 * treated
    assert uplift_effect(y, treated).low > 0
    weighted = uplift_effect(y, treated, propensity=np.where(treated, chance, 1 - chance))
    assert weighted.low <= -0.03 <= weighted.high < 0


@settings(max_examples=100)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(-300, 300)), min_size=4, max_size=60), st.data())
def test_the_estimates_are_brute_force_and_inside_their_intervals(rows, data):
    y, treated, value = (np.array(column) for column in zip(*rows, strict=True))
    if not 2 <= treated.sum() <= len(rows) - 2:
        return
    found = uplift_effect(y, treated, value=value)
    rate, money = (
        sum(x for x, t in zip(each, treated, strict=True) if t) / treated.sum()
        - sum(x for x, t in zip(each, treated, strict=True) if not t) / (~treated).sum()
        for each in (y.tolist(), (y * value).tolist())
    )
    assert (found.rate, found.money) == (pytest.approx(rate), pytest.approx(money))
    assert -1 <= found.low <= found.rate <= found.high <= 1
    assert math.isnan(found.money_low) or found.money_low <= found.money <= found.money_high
    order = data.draw(st.permutations(range(len(rows))))
    again = uplift_effect(y[order], treated[order], value=value[order])
    assert (again.rate, again.low, again.high) == (found.rate, found.low, found.high)


@pytest.mark.parametrize("events", [0, 1, 3])
def test_few_events_give_a_wide_or_no_interval_and_never_one_without_width(events):
    y = np.zeros(1_000)
    y[:events] = 1
    found = uplift_effect(y, np.arange(1_000) % 2, value=100)
    assert found.high - found.low > 0.01
    assert math.isnan(found.money_low)
    assert f"too few events ({events // 2}) for an interval" in str(found)


def test_dollars_that_are_the_same_for_all_say_what_is_missing():
    """Every case has the outcome: many events of the rate, none of the dollars."""
    found = uplift_effect(np.ones(200), np.arange(200) % 2, value=20)
    assert (found.events, found.money_events, found.money) == (200, 0, 0)
    assert "$0.00 per case (too few events (0) for an interval)" in str(found)


@pytest.mark.parametrize(("expected", "spread"), [(10, 0.4), (20, 1.1), (50, 1.1)])
def test_money_with_few_events_and_a_tail_is_covered_at_its_rate(expected, spread):
    """The normal interval covered .39 to .60 of 95 % here."""
    held = counted = 0
    for seed in range(600):
        rng = np.random.default_rng([seed, expected, 3])
        treated = np.arange(2_400) < 2_000
        y = rng.random(2_400) < np.where(treated, 0.6, 1) * expected / 400
        found = uplift_effect(y, treated, value=rng.lognormal(0, spread, 2_400))
        truth = -0.4 * expected / 400 * np.exp(spread**2 / 2)
        counted += not math.isnan(found.money_low)
        held += found.money_low <= truth <= found.money_high
    assert counted > 500
    assert held / counted >= 0.93


@pytest.mark.parametrize(("n", "share"), [(1_000, 0.2), (4_000, 0.5), (4_000, None)])
def test_intervals_hold_the_truth_of_the_shop_at_their_rate(n, share):
    """500 pilots of the retailer's customers, whose true chances are known: rate, dollars and a list's worth."""
    customers = shop.make_customers(100_000, seed=7)
    without, voucher, clv = (customers[name].to_numpy() for name in ("_p_none", "_p_voucher", "clv_usd"))
    wanted = ((customers["clv_usd"] > 100) & (customers["ignored_contacts"] <= 1)).to_numpy()
    truth = np.array([voucher - without, clv * (voucher - without), wanted * (clv * (without - voucher) - 5)]).mean(1)
    rng, held, counted = np.random.default_rng([12, n]), np.zeros(3), np.zeros(3)
    for _ in range(500):
        who = rng.integers(len(clv), size=n)
        chance = np.full(n, share) if share else np.clip(clv[who] / (clv[who] + 100), 0.1, 0.9)
        treated = rng.random(n) < chance
        gone = rng.random(n) < np.where(treated, voucher[who], without[who])
        took = np.where(treated, chance, 1 - chance)
        effect = uplift_effect(gone, treated, value=clv[who], propensity=None if share else took)
        worth = uplift_policy_value(-clv[who] * gone - 5 * treated, treated, took, target=wanted[who])
        low = np.array([effect.low, effect.money_low, worth.low])
        held += (low <= truth) & (truth <= [effect.high, effect.money_high, worth.high])
        counted += ~np.isnan(low)
    assert (counted >= 300).all()
    assert (held / counted >= 0.93).all()


def test_labels_in_another_order_are_refused():
    """The same Series, sorted: 33 points would become −33."""
    y = pd.Series([1, 1, 1, 0, 0, 0], index=[*"abcdef"])
    treated = pd.Series([0, 0, 0, 1, 1, 1], index=[*"defabc"])
    assert uplift_effect(y, treated.loc[y.index]).rate == 1
    for wrong in ({"treated": treated}, {"value": treated}, {"propensity": treated * 0 + 0.5}):
        with pytest.raises(ValueError, match="same labels in the same order"):
            uplift_effect(y, **({"treated": treated.loc[y.index]} | wrong))


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"y": [0, 1, 2, 0]}, ValueError, "y must hold only 0 and 1; got 2 at row 2"),
        ({"y": ["0", "1", "0", "0"]}, TypeError, "y must be a column of numbers; got '0' at row 0"),
        ({"treated": [1, 1, 1, 0]}, ValueError, "at least two held-out cases; got 1"),
        ({"treated": [0, 0, 0, 1]}, ValueError, "at least two treated cases; got 1"),
        ({"treated": [1, 0]}, ValueError, "y and treated must have the same length"),
        ({"value": [1, 2]}, ValueError, "must have the same length; .*value has 2"),
        ({"value": 1e308}, ValueError, "value must be small enough to be added up"),
        ({"value": np.ma.masked_array([1, 2, 3, 4], [0, 0, 0, 1])}, TypeError, "value must be .* masked"),
        ({"value": pd.to_datetime(["2026-01-01"] * 4)}, TypeError, "value must be a column of numbers"),
        ({"value": "20"}, TypeError, "value must be a number; got '20'"),
        ({"propensity": 0}, ValueError, r"propensity must lie in \(0, 1\]; got 0"),
        ({"propensity": [0.5, 0.5, 0.5, 1.2]}, ValueError, r"propensity must lie in \(0, 1\]; got 1.2 at row 3"),
        ({"level": 0}, ValueError, "level must be > 0 and < 1"),
        ({"level": 95}, ValueError, "level must be > 0 and < 1; got 95"),
    ],
)
def test_uplift_effect_refuses_in_words(wrong, error, says):
    given = {"y": [0, 1, 0, 1], "treated": [0, 1, 0, 1]} | wrong
    with pytest.raises(error, match=says):
        uplift_effect(given.pop("y"), given.pop("treated"), **given)


def test_a_propensity_of_the_wrong_group_is_noticed():
    """The chance to be treated, for the held-out too: the weights of one group average far from 1."""
    rng = np.random.default_rng(1)
    treated = rng.random(2_000) < 0.2
    with pytest.raises(ValueError, match="1 / propensity of the held-out must average 1; got 4"):
        uplift_effect(treated, treated, propensity=0.2)
    with pytest.raises(OverlapCollapsed, match=r"average 0\.5"):
        uplift_effect(treated, np.arange(2_000) % 2, propensity=1.0)


def test_a_result_reads_as_one_line_with_the_minus_before_the_dollar():
    effect = uplift_effect([1, 0, 0, 0, 1, 1, 0, 0] * 50, [1, 1, 1, 1, 0, 0, 0, 0] * 50, value=1_000)
    assert str(effect) == repr(effect)
    assert str(effect).startswith("−25.00 points (−33.79 to −15.59); −$250.00 per case (−$")
    assert str(effect).endswith("), 200 treated and 200 held out")
    assert "$" not in str(uplift_effect([0, 1, 0, 1], [0, 1, 0, 1]))
    assert effect == uplift_effect([1, 0, 0, 0, 1, 1, 0, 0] * 50, [1, 1, 1, 1, 0, 0, 0, 0] * 50, value=1_000)
    assert isinstance(effect, UpliftEffect)
    assert effect.frame().loc[0, "events"] == 150


def test_the_events_of_the_dollars_are_those_of_the_poorer_arm():
    """Of 50 and 50 cases, 9 and 7 bring money; the interval rests on the 7, whichever arm they are in."""
    treated, value = np.arange(100) < 50, np.full(100, 10.0)
    y = np.isin(np.arange(100), [*range(9), *range(50, 57)])
    for group in (treated, ~treated):
        found = uplift_effect(y, group, value=value)
        assert (found.events, found.money_events) == (16, 7)


def test_the_rate_of_an_arm_rests_on_the_cases_its_weights_are_worth():
    """Equal weights: all of them. Heavy ones: as many as Kish says, and fewer where the events are the heavy ones."""
    y, flat = np.array([1.0, 0, 0, 0, 1, 0, 0, 0]), np.ones(8)
    assert _arm_rate(rate_counts(y, flat), 0.9) == pytest.approx((0.25, *proportion_confint(2, 8, 0.1, "wilson")))
    for w in (np.array([9.0, 1, 1, 1, 9, 1, 1, 1]), np.array([1.0, 9, 1, 9, 1, 1, 9, 1])):
        rate, kish = (w * y).sum() / w.sum(), w.sum() ** 2 / (w**2).sum()
        noise = (w**2 * (y - rate) ** 2).sum() / w.sum() ** 2
        size = min(kish, rate * (1 - rate) / noise)
        found = _arm_rate(rate_counts(y, w), 0.9)
        assert found == pytest.approx((rate, *proportion_confint(rate * size, size, 0.1, "wilson")))
    w, y = np.where(np.arange(100) == 7, 10.0, 1.0), (np.arange(100) == 7) * 1.0  # one event, and it is the heavy case
    rate = 10 / 109
    size = rate * (1 - rate) * 109**2 / (100 * (1 - rate) ** 2 + 99 * rate**2)
    assert size < 109**2 / 199
    found = _arm_rate(rate_counts(y, w), 0.9)
    assert found == pytest.approx((rate, *proportion_confint(rate * size, size, 0.1, "wilson")))
