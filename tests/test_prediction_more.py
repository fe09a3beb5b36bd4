"""Layer 2: two models or policies on the same cases, groups, weights, capacity, calibration, and before labels come."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from mllayers._stats import mean_interval
from mllayers.feedback import promise_kept
from mllayers.prediction import (
    calibration_by_band,
    compare_models,
    compare_money,
    expected_performance,
    money_by_threshold,
    prior_corrected,
    value_of_model,
)

MONEY = {"gain_tp": 45.0, "cost_fp": 5.0}


def sample(n, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 9, n)
    return (rng.random(n) < p).astype(float), p, rng


def repeated(times, *columns):
    return [np.repeat(column, times) for column in columns]


# --- weights


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(1, 5)), min_size=2, max_size=20))
@settings(max_examples=100, deadline=None)
def test_a_weight_is_so_many_equal_cases(rows):
    y, p, w = (np.array(column) for column in zip(*rows, strict=True))
    p = p / 8
    one, many = money_by_threshold(y, p, **MONEY, weights=w), money_by_threshold(*repeated(w, y, p), **MONEY)
    np.testing.assert_array_equal(one.threshold, many.threshold)
    np.testing.assert_array_equal(one.acted, many.acted)
    np.testing.assert_allclose(one.profit, many.profit)
    value = value_of_model(y, p, **MONEY, threshold=0.3, weights=w)
    whole = value_of_model(*repeated(w, y, p), **MONEY, threshold=0.3)
    assert (value.stands_for, value.n, value.without) == (w.sum(), len(w), whole.without)
    np.testing.assert_allclose(
        [value.value, value.with_model, value.without_model], [whole.value, whole.with_model, whole.without_model]
    )
    bands, every = calibration_by_band(y, p, bands=2, weights=w), calibration_by_band(*repeated(w, y, p), bands=2)
    np.testing.assert_allclose([bands.promised, bands.happened], [every.promised, every.happened])


def test_weights_bring_back_the_population_that_a_sample_of_the_negatives_left():
    y, p, rng = sample(200_000)
    kept = (y == 1) | (rng.random(y.size) < 0.1)
    weights = np.where(y[kept] == 1, 1.0, 10.0)
    truth = value_of_model(y, p, **MONEY, threshold=0.1)
    found = value_of_model(y[kept], p[kept], **MONEY, threshold=0.1, weights=weights)
    assert found.low < truth.value < found.high
    wrong = value_of_model(y[kept], p[kept], **MONEY, threshold=0.1)
    assert abs(wrong.value / wrong.n - truth.value / truth.n) > 0.3
    assert calibration_by_band(y[kept], p[kept], weights=weights).kept
    assert not calibration_by_band(y[kept], p[kept]).kept
    assert "that" in repr(found)
    assert "rows stand for" in repr(found)


@pytest.mark.parametrize("bad", [[1.0, 0.0], [1.0, -1.0], [1.0, np.nan], [1.0]])
def test_weights_are_above_zero_and_one_for_each_case(bad):
    with pytest.raises(ValueError, match="weights"):
        money_by_threshold([0, 1], [0.1, 0.9], **MONEY, weights=bad)


# --- capacity


@given(st.integers(1, 30), st.integers(0, 40), st.integers(0, 10_000))
@settings(max_examples=150, deadline=None)
def test_the_best_threshold_within_a_capacity_is_that_of_brute_force(n, capacity, seed):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 2, n), rng.integers(0, 6, n) / 6
    money = money_by_threshold(y, p, **MONEY, capacity=capacity)
    fits = [(profit, -acted) for profit, acted in zip(money.profit, money.acted, strict=True) if acted <= capacity]
    assert (money.profit[money.best], -money.acted[money.best]) == max(fits)


def test_a_capacity_that_binds_takes_the_highest_scores_and_has_two_ends():
    y, p, _ = sample(5_000)
    found = value_of_model(y, p, **MONEY, capacity=300)
    top = np.argsort(-p)[:300]
    assert (found.kind, found.acted, found.without) == ("interval", 300, "nobody")
    assert found.value == pytest.approx(float(np.where(y[top] == 1, 45, -5).sum()))
    assert found.threshold == p[top[-1]]
    assert "room for 300" in repr(found)
    wide = value_of_model(y, p, **MONEY, capacity=1e6)
    assert (wide.kind, wide.value) == ("lower bound", value_of_model(y, p, **MONEY).value)
    assert value_of_model(y, p, **MONEY, capacity=0).value == 0


def test_without_the_model_a_capacity_is_drawn_or_goes_by_the_amounts():
    y, _, rng = sample(4_000)
    p = rng.random(y.size)  # knows nothing
    found = value_of_model(y, p, gain_tp=200.0, cost_fp=5.0, capacity=400, without="everyone")
    drawn = 0.1 * np.where(y == 1, 200, -5).sum()
    assert found.without_model == pytest.approx(drawn)
    assert found.low < 0 < found.high
    gain = rng.lognormal(5, 1, y.size)
    by_amount = value_of_model(y, p, gain_tp=gain, cost_fp=5.0, capacity=400, without="the base rate")
    best = np.argsort(-gain)[:400]
    assert by_amount.without_model == pytest.approx(float(np.where(y == 1, gain, -5.0)[best].sum()))


def test_a_capacity_beside_a_threshold_is_refused():
    with pytest.raises(ValueError, match="capacity"):
        value_of_model([0, 1], [0.1, 0.9], **MONEY, threshold=0.5, capacity=1)


# --- by group


@pytest.mark.parametrize("threshold", [0.1, None])
def test_groups_add_up_and_each_has_the_interval_of_its_own_cases(threshold):
    y, p, rng = sample(6_000)
    group = rng.choice(["a", "b", "c"], y.size)
    found = value_of_model(y, p, **MONEY, threshold=threshold, by=group)
    table = found.frame()
    assert table.index.tolist() == ["a", "b", "c"]
    assert table["n"].sum() == y.size
    assert table["value"].sum() == pytest.approx(found.value)
    assert (table["low_all"] <= table["low"]).all()
    if threshold is not None:
        alone = value_of_model(y[group == "b"], p[group == "b"], **MONEY, threshold=0.1, without="nobody")
        row = table.loc["b"]
        assert (row["value"], row["low"], row["high"]) == pytest.approx((alone.value, alone.low, alone.high))
        together = value_of_model(y[group == "b"], p[group == "b"], **MONEY, threshold=0.1, level=1 - 0.05 / 3,
                                  without="nobody")  # fmt: skip
        assert (row["low_all"], row["high_all"]) == pytest.approx((together.low, together.high))


def test_size_and_significance_are_told_apart():
    y, p, _ = sample(40_000)
    group = np.where(p < 0.1, "low", "high")
    swapped = np.where(p < 0.1, 1 - p, p)  # acts on the wrong ones where the score is low
    found = value_of_model(y, swapped, **MONEY, threshold=0.1, by=group, least=0.05, without="nobody")
    assert found.frame()["sure"].to_dict() == {"high": "more", "low": "less"}
    assert "surely above in high" in repr(found)
    assert "surely below in low" in repr(found)
    assert value_of_model(y, p, **MONEY, threshold=0.1, by=group, least=5.0).frame()["sure"].tolist() == ["alike"] * 2
    assert value_of_model(y, p, **MONEY, threshold=0.1, by=np.arange(y.size) < 10).frame()["sure"][True] == "open"


def test_ordered_categories_keep_their_order():
    y, p, _ = sample(300)
    band = pd.cut(p, [0, 0.05, 0.2, 1], labels=["small", "middle", "large"])
    assert value_of_model(y, p, **MONEY, threshold=0.1, by=pd.Series(band)).frame().index.tolist() == [
        "small", "middle", "large",
    ]  # fmt: skip


# --- two policies, two models


def test_a_paired_difference_is_the_one_of_statsmodels_but_for_the_skewness():
    rng = np.random.default_rng(1)
    a, b = rng.normal(10, 3, 4_000), rng.normal(9.8, 3, 4_000)
    found = compare_money(a, b)
    low, high = DescrStatsW(a - b).tconfint_mean()
    assert found.mean == pytest.approx((a - b).mean())
    assert (found.mean_low, found.mean_high) == pytest.approx((low, high), abs=0.01)
    assert found.total == pytest.approx(a.sum() - b.sum())
    assert (found.first, found.second) == pytest.approx((a.sum(), b.sum()))
    assert found.low == pytest.approx(4_000 * mean_interval(a - b, level=0.95).low)
    assert (found.differ, found.better + found.worse) == (4_000, 4_000)


def test_a_difference_from_an_audit_speaks_for_all_cases():
    rng = np.random.default_rng(2)
    base = rng.lognormal(2, 1, 100_000)
    a, b = base + (rng.random(base.size) < 0.1) * base, base
    chance = np.clip(base / 40, 0.02, 1.0)  # large cases are drawn more often
    drawn = rng.random(base.size) < chance
    found = compare_money(a[drawn], b[drawn], propensity=chance[drawn])
    assert found.mean_low < (a - b).mean() < found.mean_high
    assert found.stands_for == pytest.approx(100_000, rel=0.05)
    naive = compare_money(a[drawn], b[drawn])
    assert naive.mean_low > (a - b).mean()


def test_the_same_policy_twice_is_no_difference():
    money = np.arange(50.0)
    found = compare_money(money, money)
    assert (found.mean, found.differ, found.sure) == (0, 0, "open")
    assert np.isnan([found.low, found.high, found.mean_low]).all()
    assert repr(found) == "the same money on each of 50 cases"
    few = money.copy()
    few[:3] += 1
    assert np.isnan(compare_money(few, money).low)
    assert "too few events (3)" in repr(compare_money(few, money))


def test_two_models_are_the_two_policies_that_follow_from_them():
    y, p, rng = sample(5_000)
    other = np.clip(p + rng.normal(0, 0.05, p.size), 0, 1)
    gain = rng.lognormal(3.5, 1, p.size)
    found = compare_models(y, p, other, gain_tp=gain, cost_fp=5, cost_fn=3, gain_tn=1)
    limit = 6 / (6 + gain + 3)

    def money(score):
        return np.where(score >= limit, np.where(y == 1, gain, -5), np.where(y == 1, -3, 1))

    by_hand = compare_money(money(p), money(other))
    for name in ("total", "first", "second"):
        assert getattr(found, name) == pytest.approx(getattr(by_hand, name))
    assert found.differ == int(((p >= limit) != (other >= limit)).sum())
    assert (found.better, found.worse) == (by_hand.better, by_hand.worse)
    given_one = compare_models(y, p, other, gain_tp=gain, cost_fp=5, cost_fn=3, gain_tn=1, threshold=limit)
    assert given_one.to_dict() == found.to_dict()
    swapped = compare_models(y, other, p, gain_tp=gain, cost_fp=5, cost_fn=3, gain_tn=1)
    assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low))


def test_two_models_are_what_the_value_of_one_over_the_other_says():
    y, p, rng = sample(5_000)
    other = np.clip(p + rng.normal(0, 0.05, p.size), 0, 1)
    pair = compare_models(y, p, other, **MONEY, threshold=0.1)
    value = value_of_model(y, p, **MONEY, threshold=0.1, without=other)
    assert (pair.total, pair.low, pair.high, pair.events) == pytest.approx(
        (value.value, value.low, value.high, value.events)
    )


def test_compared_groups_add_up():
    y, p, rng = sample(5_000)
    group = rng.integers(0, 4, y.size)
    found = compare_models(y, p, p[::-1], **MONEY, by=group, weights=np.full(y.size, 2.0))
    assert found.frame()["value"].sum() == pytest.approx(found.total)
    assert found.stands_for == 10_000


# --- calibration


@given(st.integers(5, 400), st.integers(1, 6), st.integers(0, 1_000))
@settings(max_examples=60, deadline=None)
def test_bands_are_those_of_clopper_and_pearson(n, bands, seed):
    rng = np.random.default_rng(seed)
    p = rng.integers(0, 11, n) / 10
    y = rng.random(n) < p
    found = calibration_by_band(y, p, bands=bands)
    table = found.frame()
    assert table["n"].sum() == n
    assert len(table) <= bands
    for row in table.itertuples():
        here = (p >= row.score_from) & (p <= row.score_to)
        assert here.sum() == row.n
        assert row.happened == pytest.approx(y[here].mean())
        assert row.promised == pytest.approx(p[here].mean())
        low, high = proportion_confint(int(y[here].sum()), row.n, method="beta")
        assert (row.low, row.high) == pytest.approx((low if row.events else 0, high if row.events < row.n else 1))
    assert found.off == pytest.approx(np.average((table["promised"] - table["happened"]).abs(), weights=table["n"]))


def test_calibration_as_a_whole_is_a_promise_kept():
    y, p, rng = sample(3_000)
    one, other = calibration_by_band(y, p), promise_kept(p, y)
    assert (one.happened, one.low, one.high) == pytest.approx((other.delivered, other.low, other.high))
    row = one.frame().iloc[3]
    tails = (
        stats.binom.sf(row["events"] - 1, row["n"], row["promised"]),
        stats.binom.cdf(*row[["events", "n", "promised"]]),
    )
    assert row["by_chance"] == pytest.approx(min(1.0, 2 * min(tails)))
    weights = rng.uniform(1, 20, y.size)
    weighted, kept = calibration_by_band(y, p, weights=weights), promise_kept(p, y, propensity=1 / weights)
    assert weighted.happened == pytest.approx(kept.delivered)
    assert weighted.high - weighted.low < 1.3 * (kept.high - kept.low)


def test_bands_may_begin_at_given_scores():
    y, p, _ = sample(2_000)
    table = calibration_by_band(y, p, bands=[0.0, 0.1, 0.3]).frame()
    assert table["n"].tolist() == [(p < 0.1).sum(), ((p >= 0.1) & (p < 0.3)).sum(), (p >= 0.3).sum()]
    for bad in ([0.3, 0.1], [], 0, "ten", True):
        with pytest.raises((ValueError, TypeError), match="bands"):
            calibration_by_band(y, p, bands=bad)


def test_a_mean_that_is_kept_can_hide_broken_bands():
    rng = np.random.default_rng(3)
    p = np.tile([0.1, 0.3], 5_000)
    y = rng.random(p.size) < np.tile([0.2, 0.2], 5_000)
    found = calibration_by_band(y, p, bands=2)
    assert found.low < found.promised < found.high
    assert (found.kept, found.broken) == (False, 2)
    assert "broken in 2 of 2 bands" in repr(found)


def test_a_score_is_called_kept_only_within_a_stated_difference():
    y, p = np.arange(40_000) % 10 == 0, np.full(40_000, 0.1)
    found = [calibration_by_band(y, p, least=least) for least in (None, 0.001, 0.02)]
    assert [(x.kept, x.size) for x in found] == [(True, ""), (True, "open"), (True, "alike")]
    assert ["not refuted" in repr(found[0]), "not refuted" in repr(found[1])] == [True, True]
    assert "kept within 2 points as a whole" in repr(found[2])
    two = calibration_by_band(y, np.where(np.arange(y.size) < 20_000, 0.095, 0.2), bands=2, least=0.02).frame()
    assert two["size"].tolist() == ["alike", "less"]
    assert (two["low_all"] < two["low"]).all()
    assert (two["high"] < two["high_all"]).all()


def test_a_right_score_is_seldom_called_broken():
    rng = np.random.default_rng(4)
    p = rng.beta(1, 30, 3_000)
    broken = sum(not calibration_by_band(rng.random(p.size) < p, p).kept for _ in range(400))
    assert broken <= 400 * 0.05 + 2 * np.sqrt(400 * 0.05 * 0.95)


@pytest.mark.parametrize(("train", "true"), [(0.5, 0.01), (0.1, 0.3)])
def test_the_prior_is_corrected_as_elkan_has_it(train, true):
    p = np.linspace(0, 1, 11)
    elkan = true * (p - p * train) / (train - p * train + true * p - train * true)
    np.testing.assert_allclose(prior_corrected(p, train_rate=train, true_rate=true), elkan)
    np.testing.assert_allclose(prior_corrected(elkan, train_rate=true, true_rate=train), p)


def test_under_sampling_is_corrected_as_dal_pozzolo_has_it():
    p, beta = np.linspace(0, 1, 11), 0.2
    np.testing.assert_allclose(prior_corrected(p, beta=beta), beta * p / (beta * p - p + 1))
    y, score, rng = sample(300_000)
    kept = (y == 1) | (rng.random(y.size) < beta)
    shifted = score / (score + beta * (1 - score))  # what a model learns from the kept ones
    assert calibration_by_band(y[kept], shifted[kept]).kept
    mended = prior_corrected(shifted, beta=beta)
    np.testing.assert_allclose(mended, score)
    assert isinstance(prior_corrected(0.5, beta=0.5), float)


def test_the_prior_is_said_in_one_way():
    for bad in ({}, {"train_rate": 0.5}, {"train_rate": 0.5, "true_rate": 0.1, "beta": 0.1}):
        with pytest.raises(TypeError, match=r"beta|train_rate"):
            prior_corrected([0.5], **bad)
    for bad in ({"train_rate": 1.0, "true_rate": 0.1}, {"beta": 0.0}, {"beta": 1.5}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            prior_corrected([0.5], **bad)


# --- before labels come


@given(st.integers(15, 50), st.integers(0, 1_000))
@settings(max_examples=50, deadline=None)
def test_the_expected_auc_is_the_sum_over_pairs(n, seed):
    p = np.random.default_rng(seed).integers(4, 7, n) / 8  # whose sums are exact
    found = expected_performance(p, **MONEY)
    above = sum(
        p[i] * (1 - p[j]) * ((p[i] > p[j]) + 0.5 * (p[i] == p[j])) for i in range(n) for j in range(n) if i != j
    )
    pairs = sum(p[i] * (1 - p[j]) for i in range(n) for j in range(n) if i != j)
    if min(p.sum(), n - p.sum()) >= 10:
        assert found.auc == pytest.approx(above / pairs)
    else:
        assert np.isnan(found.auc)


def test_an_expected_weight_is_so_many_cases():
    _, p, rng = sample(300)
    p, w = p.round(2), rng.choice([1.0, 2.0, 5.0], 300)
    found, many = expected_performance(p, **MONEY, weights=w), np.repeat(p, w.astype(int))
    every = expected_performance(many, **MONEY)
    for name in ("money", "nobody", "everyone", "events", "stands_for"):
        assert getattr(found, name) == pytest.approx(getattr(every, name)), name
    assert (found.n, found.stands_for) == (300, w.sum())
    i, j = np.nonzero(~np.eye(300, dtype=bool))
    pair = w[i] * w[j] * p[i] * (1 - p[j])
    assert found.auc == pytest.approx((pair * ((p[i] > p[j]) + 0.5 * (p[i] == p[j]))).sum() / pair.sum())
    shown = np.array([roc_auc_score(rng.random(300) < p, p, sample_weight=w) for _ in range(150)])
    assert np.mean((shown >= found.auc_low) & (shown <= found.auc_high)) >= 0.9
    assert expected_performance(p, **MONEY, weights=np.full(300, 4.0)).auc_low == pytest.approx(
        expected_performance(p, **MONEY).auc_low
    )
    with pytest.raises(ValueError, match="p and weights must have the same length"):
        expected_performance(p, **MONEY, weights=[1.0])


def test_expected_money_is_the_mean_of_what_comes():
    _, p, rng = sample(400)
    amounts = {"gain_tp": rng.lognormal(3, 1, 400), "cost_fp": 5.0, "cost_fn": 2.0, "gain_tn": 1.0}
    found = expected_performance(p, **amounts, threshold=0.15)
    money = {name: np.broadcast_to(x, 400) for name, x in amounts.items()}
    acts = p >= 0.15
    if_one, if_zero = (
        np.where(acts, money["gain_tp"], -money["cost_fn"]), np.where(acts, -money["cost_fp"], money["gain_tn"])
    )  # fmt: skip
    assert found.money == pytest.approx(float(p @ if_one + (1 - p) @ if_zero))
    assert found.nobody == pytest.approx(float(-2 * p.sum() + (1 - p).sum()))
    assert found.everyone == pytest.approx(float(p @ money["gain_tp"] - 5 * (1 - p).sum()))
    came = np.array([np.where(rng.random(400) < p, if_one, if_zero).sum() for _ in range(4_000)])
    assert found.money == pytest.approx(came.mean(), abs=4 * came.std() / np.sqrt(4_000))
    assert np.mean((came >= found.low) & (came <= found.high)) == pytest.approx(0.95, abs=0.012)


def test_the_expected_auc_is_the_mean_of_what_labels_show():
    _, p, rng = sample(600)
    found = expected_performance(p, **MONEY)
    shown = np.array([roc_auc_score(rng.random(600) < p, p) for _ in range(1_500)])
    assert found.auc == pytest.approx(shown.mean(), abs=0.005)
    assert np.mean((shown >= found.auc_low) & (shown <= found.auc_high)) == pytest.approx(0.95, abs=0.02)


def test_what_is_certain_has_no_range():
    found = expected_performance([1.0, 0.0, 1.0], gain_tp=10, cost_fp=4)
    assert (found.low, found.money, found.high) == (20, 20, 20)
    assert "concept drift" in repr(found)
    one = expected_performance([0.01], gain_tp=1_000.0, cost_fp=1.0, threshold=0.0)
    assert -1 <= one.low <= one.high <= 1_000


def test_the_range_of_the_money_is_that_of_the_gamma_law():
    _, p, _ = sample(500)
    found = expected_performance(p, gain_tp=45, cost_fp=5, threshold=0.1)
    acts = p >= 0.1
    var, third = (p * (1 - p) * acts * 50**2).sum(), (p * (1 - p) * (1 - 2 * p) * acts * 50**3).sum()
    law = stats.pearson3(third / var**1.5, loc=found.money, scale=np.sqrt(var))
    assert (found.low, found.high) == pytest.approx((law.ppf(0.025), law.ppf(0.975)))
