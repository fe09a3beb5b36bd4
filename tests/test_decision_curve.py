"""The decision curve beside brute force, layer 2 and the published formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mllayers._stats import score_interval
from mllayers.decision import cost_threshold, decision_curve
from mllayers.prediction import money_by_threshold, value_of_model


def sample(n, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 9, n)
    return (rng.random(n) < p).astype(float), p


@given(st.integers(1, 60), st.integers(1, 8), st.integers(0, 10_000))
@settings(max_examples=150, deadline=None)
def test_each_price_is_decided_by_its_own_threshold(n, grid, seed):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 2, n), rng.integers(0, grid + 1, n) / grid
    prices = [0.25, 1.0, 3.0, 12.0]
    table = decision_curve(y, p, gain=4.0, cost=prices).frame()
    assert table["cost"].tolist() == prices
    for row, price in zip(table.itertuples(), prices, strict=True):
        limit = cost_threshold(cost_fp=price, gain_tp=4.0)
        acts = p >= limit
        money = np.where(y == 1, 4.0, -price)
        assert row.acted == acts.sum()
        assert row.model == money[acts].sum()
        assert row.everyone == money.sum()
        assert row.value == row.model - max(row.everyone, 0.0)
        assert row.low <= row.value <= row.high
        found = money_by_threshold(y, p, gain_tp=4.0, cost_fp=price)
        assert row.model == found.profit[np.flatnonzero(found.threshold >= limit)[-1]]


def test_with_a_gain_of_one_it_is_the_net_benefit_of_vickers_and_elkin():
    y, p = sample(3_000)
    limits = np.array([0.02, 0.1, 0.3])
    table = decision_curve(y, p, cost=limits / (1 - limits)).frame()
    for row, t in zip(table.itertuples(), limits, strict=True):
        net = ((p >= t) & (y == 1)).mean() - ((p >= t) & (y == 0)).mean() * t / (1 - t)
        assert (row.threshold, row.model / 3_000) == pytest.approx((t, net))
        assert row.everyone / 3_000 == pytest.approx(y.mean() - (1 - y.mean()) * t / (1 - t))


def test_the_interval_is_near_that_of_the_value_of_the_model():
    y, p = sample(20_000)
    row = decision_curve(y, p, gain=45, cost=[5.0]).frame().iloc[0]
    found = value_of_model(y, p, gain_tp=45, cost_fp=5, threshold=0.1)
    assert row["value"] == pytest.approx(found.value)
    assert (row["low"], row["high"]) == pytest.approx((found.low, found.high), rel=0.03)


def test_where_the_model_decides_as_everyone_or_nobody_it_is_worth_exactly_nothing():
    table = decision_curve([0, 1, 1, 0], [0.4, 0.5, 0.6, 0.5], cost=[0.01, 99.0]).frame()
    assert table[["value", "low", "high"]].to_numpy().tolist() == [[0, 0, 0], [0, 0, 0]]
    one = decision_curve([1, 1, 1], [0.1, 0.9, 0.9], cost=[1.0]).frame().iloc[0]
    low, high = (1 / 3 - end for end in score_interval(1, 3, 3, level=0.95)[::-1])
    assert one["value"] == -1
    assert one["low"] == pytest.approx(-1 + 3 * low)
    assert high > 0


def test_ranges_are_stretches_of_neighbouring_prices():
    y, p = sample(10_000)
    curve = decision_curve(y, p, gain=45)
    table = curve.frame()
    assert len(table) == 60
    inside = np.zeros(60, dtype=bool)
    for low, high in curve.better:
        inside |= table["cost"].between(low, high).to_numpy()
    np.testing.assert_array_equal(inside, table["value"] > 0)
    (low, high) = curve.sure[0]
    assert low < 5 < high
    assert "surely from" in repr(curve)
    blind = decision_curve(y, np.random.default_rng(1).random(y.size))
    assert blind.sure == []
    assert "at no price" in repr(blind)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"cost": [0.0, 1.0]}, "cost must hold prices > 0; got 0"),
        ({"cost": []}, "cost must hold prices > 0; got none"),
        ({"gain": 0.0}, "gain"),
        ({"p": [0.0, 1.0]}, "cost must name the prices"),
        ({"gain": 1e200}, "small enough"),
        ({"level": 1.0}, "level"),
    ],
)
def test_what_is_refused(changed, told):
    with pytest.raises(ValueError, match=told):
        decision_curve(**({"y": [0, 1], "p": [0.2, 0.6]} | changed))


def test_a_weight_is_so_many_equal_cases_and_its_spread_is_that_of_the_weighted_sums():
    y, p = sample(2_000, 3)
    w = np.random.default_rng(4).choice([1.0, 2.0, 8.0], y.size)
    found, many = (
        decision_curve(y, p, gain=45, cost=[1.0, 5.0, 20.0], weights=w),
        np.repeat(np.arange(y.size), w.astype(int)),
    )
    every = decision_curve(y[many], p[many], gain=45, cost=[1.0, 5.0, 20.0]).frame()
    assert (found.n, found.events, found.stands_for) == (2_000, y.sum(), w.sum())
    for name in ("acted", "model", "everyone", "value"):
        assert found.table[name].to_numpy() == pytest.approx(every[name].to_numpy()), name
    row = found.table.iloc[2]  # nobody is by far the better of the two: the money of each row, weighted, and its spread
    money = w * (p >= 20 / 65) * np.where(y == 1, 45, -20)
    linear = money - w * money.sum() / w.sum()
    assert row["value"] == row["model"]
    assert (row["high"] - row["low"]) / 3.92 == pytest.approx(np.sqrt((linear**2).sum()), rel=0.05)
    same = decision_curve(y, p, cost=[0.1], weights=np.full(y.size, 3.0)).frame()
    assert same.iloc[0, 2:].to_numpy() == pytest.approx(
        3 * decision_curve(y, p, cost=[0.1]).frame().iloc[0, 2:].to_numpy()
    )


def test_weights_bring_back_the_curve_that_a_sample_of_the_negatives_left():
    y, p = sample(60_000, 5)
    kept = (y == 1) | (np.arange(y.size) % 10 == 0)
    w = np.where(y[kept] == 1, 1.0, 10.0)
    whole = decision_curve(y, p, gain=45, cost=[2.0, 5.0, 10.0]).frame()
    part = decision_curve(y[kept], p[kept], gain=45, cost=[2.0, 5.0, 10.0], weights=w).frame()
    assert ((part["low"] < whole["value"]) & (whole["value"] < part["high"])).all()
    assert (part["high"] - part["low"] > whole["high"] - whole["low"]).all()
    with pytest.raises(ValueError, match="weights must be > 0"):
        decision_curve([0, 1], [0.1, 0.9], weights=[1, 0])
