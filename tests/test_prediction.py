"""Layer 2: the sweep beside brute force and scikit-learn, the value of a model and its interval."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

import mllayers as ml
from mllayers._stats import mean_interval
from mllayers.prediction import money_by_threshold, value_of_model

MONEY = {"gain_tp": 45.0, "cost_fp": 5.0}
AMOUNTS = ("gain_tp", "cost_fp", "cost_fn", "gain_tn")


def money_of(y, acts, *, gain_tp, cost_fp, cost_fn=0.0, gain_tn=0.0):
    """One case after the other, by the table in the module's docstring."""
    columns = [np.broadcast_to(x, len(y)) for x in (gain_tp, cost_fp, cost_fn, gain_tn)]
    total = 0.0
    for truth, act, tp, fp, fn, tn in zip(y, acts, *columns, strict=True):
        total += (tp if act else -fn) if truth else (-fp if act else tn)
    return total


def sample(n, seed=0, distort=1.0):
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 9, n)
    return (rng.random(n) < p).astype(float), p**distort


@st.composite
def worlds(draw, per_case=None):
    """Labels, scores with many ties, and amounts in quarters of a dollar (exact in floating point)."""
    n = draw(st.integers(1, 25))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    grid = draw(st.sampled_from([1, 2, 5, 1000]))
    p = np.array(draw(st.lists(st.integers(0, grid), min_size=n, max_size=n))) / grid
    each = draw(st.booleans()) if per_case is None else per_case
    quarter = st.integers(-400, 400).map(lambda k: k / 4) if each else st.integers(1, 400).map(lambda k: k / 4)
    amounts = {k: np.array(draw(st.lists(quarter, min_size=n, max_size=n))) if each else draw(quarter) for k in AMOUNTS}
    if_one, if_zero = amounts["gain_tp"] + amounts["cost_fn"], -(amounts["cost_fp"] + amounts["gain_tn"])
    both = np.concatenate([np.ravel(if_one), np.ravel(if_zero)])
    assume((both > 0).any() and (both < 0).any())
    return y, p, amounts


# --- money_by_threshold ---------------------------------------------------------------------------------------------


@given(worlds())
@settings(max_examples=300, deadline=None)
def test_every_threshold_agrees_with_brute_force(world):
    y, p, amounts = world
    money = money_by_threshold(y, p, **amounts)
    assert money.threshold.tolist() == [np.inf, *sorted(set(p.tolist()), reverse=True)]
    assert money.acted.tolist() == [int((p >= t).sum()) for t in money.threshold]
    assert money.profit.tolist() == [money_of(y, p >= t, **amounts) for t in money.threshold]
    assert money.best == int(np.argmax(money.profit))


@given(worlds(), st.integers(-1000, 1000), st.integers(-1000, 1000))
@settings(deadline=None)
def test_a_constant_in_a_column_of_the_cost_matrix_changes_no_decision(world, if_one, if_zero):
    y, p, amounts = world
    moved = amounts | {"gain_tp": amounts["gain_tp"] + if_one, "cost_fn": amounts["cost_fn"] - if_one}
    moved |= {"cost_fp": amounts["cost_fp"] - if_zero, "gain_tn": amounts["gain_tn"] + if_zero}
    before, after = money_by_threshold(y, p, **amounts), money_by_threshold(y, p, **moved)
    assert before.best == after.best
    shift = if_one * y.sum() + if_zero * (1 - y).sum()
    np.testing.assert_array_equal(after.profit, before.profit + shift)


@given(worlds(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_the_cases_does_not_matter(world, random):
    y, p, amounts = world
    order = list(range(len(y)))
    random.shuffle(order)
    shuffled = {k: v[order] if np.ndim(v) else v for k, v in amounts.items()}
    here, there = money_by_threshold(y, p, **amounts), money_by_threshold(y[order], p[order], **shuffled)
    np.testing.assert_array_equal(here.profit, there.profit)


@given(worlds(per_case=False))
@settings(deadline=None)
def test_one_number_is_the_same_number_for_every_case(world):
    y, p, amounts = world
    each = {name: np.full(len(y), amount) for name, amount in amounts.items()}
    np.testing.assert_array_equal(money_by_threshold(y, p, **amounts).profit, money_by_threshold(y, p, **each).profit)


def test_another_currency_changes_the_figures_and_no_decision():
    y, p = sample(500)
    dollars, cents = money_by_threshold(y, p, **MONEY), money_by_threshold(y, p, gain_tp=4500, cost_fp=500)
    assert dollars.best == cents.best
    np.testing.assert_allclose(cents.profit, 100 * dollars.profit)


def test_all_scores_equal_is_one_threshold():
    money = money_by_threshold([0, 1, 1], [0.4, 0.4, 0.4], gain_tp=10, cost_fp=4)
    assert money.threshold.tolist() == [np.inf, 0.4]
    assert money.profit.tolist() == [0, 16]


def test_a_case_exactly_at_the_threshold_is_acted_on():
    money = money_by_threshold([1, 0], [0.5, 0.2], gain_tp=10, cost_fp=4)
    assert money.threshold[money.best] == 0.5
    assert money.acted[money.best] == 1


def test_cents_add_up_exactly_for_scalar_amounts():
    y = np.ones(100_000)
    y[-1] = 0
    money = money_by_threshold(y, np.linspace(1, 0, y.size), gain_tp=0.1, cost_fp=0.3)
    assert money.profit[-2] == 0.1 * 99_999
    nobody = money_by_threshold(y, np.linspace(1, 0, y.size), gain_tp=0.1, cost_fp=0.3, cost_fn=0.1).profit[0]
    assert nobody == -0.1 * 99_999


def test_the_calibrated_optimum_is_near_the_threshold_from_the_costs():
    y, p = sample(400_000)
    money = money_by_threshold(y, p, gain_tp=20, cost_fp=5)
    from_costs = money_of(y, p >= 5 / 25, gain_tp=20, cost_fp=5)
    assert 0 <= money.profit[money.best] - from_costs < 0.01 * money.profit[money.best]


class Given(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose score is its input."""

    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, x):
        return np.column_stack([1 - x[:, 0], x[:, 0]])

    def predict(self, x):
        return (x[:, 0] >= 0.5).astype(int)


def test_scikit_learn_finds_the_same_threshold_when_it_is_given_all_of_them():
    y, p = sample(300)
    p = p.round(2)
    score = make_scorer(lambda truth, acts: money_of(truth, acts, **MONEY))
    tuner = TunedThresholdClassifierCV(
        Given().fit(None, None),
        scoring=score,
        thresholds=np.unique(p),
        cv="prefit",
        refit=False,
        store_cv_results=True,
    ).fit(p[:, None], y)
    money = money_by_threshold(y, p, **MONEY)
    assert tuner.best_threshold_ == money.threshold[money.best]
    assert tuner.best_score_ == pytest.approx(money.profit[money.best])
    np.testing.assert_allclose(tuner.cv_results_["scores"][::-1], money.profit[1:])


def test_what_comes_back_reads_well():
    money = ml.prediction.money_by_threshold([0, 1], [0.2, 0.7], gain_tp=10_000, cost_fp=5)
    assert repr(money) == (
        "best of 3 thresholds: p ≥ 0.7 (1 of 2 cases) earns $10,000; acting on nobody $0, on everyone $9,995"
    )
    assert list(money.frame()) == ["threshold", "profit", "acted"]
    assert "nobody (0 of 2 cases)" in repr(money_by_threshold([0, 0], [0.2, 0.7], gain_tp=1, cost_fp=0.5))


def test_columns_of_a_frame_are_welcome():
    y, p = sample(50)
    frame = pd.DataFrame({"y": y.astype(bool), "p": p}, index=range(100, 150))
    np.testing.assert_array_equal(
        money_by_threshold(frame["y"], frame["p"], **MONEY).profit, money_by_threshold(y, p, **MONEY).profit
    )


# --- bad input, the same for both -----------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [money_by_threshold, value_of_model])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"p": [0.1, np.nan, 0.3, 0.2, 0.1]}, ValueError, "p must hold finite numbers; got nan at row 1"),
        ({"p": [0.1, 0.2, 0.3, 1.7, 0.1]}, ValueError, r"p must lie in \[0, 1\]; got 1.7 at row 3"),
        ({"p": [0.1, 0.2]}, ValueError, "y and p must have the same length; y has 5, p has 2"),
        ({"y": [0, 1, 2, 0, 1]}, ValueError, "y must hold only 0 and 1; got 2 at row 2"),
        ({"y": [], "p": []}, ValueError, "at least one case"),
        ({"gain_tp": [1, 2]}, ValueError, "must have the same length; y has 5, p has 5, gain_tp has 2"),
        ({"cost_fn": np.nan}, ValueError, "cost_fn must be finite; got nan"),
        ({"cost_fp": "five"}, TypeError, "cost_fp must be a number; got 'five'"),
        ({"cost_fp": ["5"] * 5}, TypeError, "cost_fp must be a column of numbers; got '5' at row 0"),
        ({"p": ["0.1"] * 5}, TypeError, "p must be a column of numbers; got '0.1' at row 0"),
        ({"y": np.array([0, 1, 0, 0, 1]) * 1j}, TypeError, "y must be a column of numbers"),
        ({"p": np.ma.masked_array([0.1] * 5, [1, 0, 0, 0, 0])}, TypeError, "p must be .* masked array"),
        ({"gain_tp": pd.to_timedelta([1] * 5)}, TypeError, "gain_tp must be a column of numbers"),
        ({"gain_tp": 1e308}, ValueError, "cost_fn and gain_tn must be small enough to be added up"),
        ({"gain_tp": [1e150, 1, 1, 1, 1]}, ValueError, "small enough to be added up"),
        ({"gain_tp": np.full(5, 1e308), "cost_fn": 1e308}, ValueError, "gain_tn must be small enough"),
        ({"cost_fp": -5}, ValueError, "nothing to decide: acting is never worse"),
        ({"cost_fp": 0}, ValueError, "nothing to decide: acting is never worse"),
        ({"gain_tp": -45}, ValueError, "nothing to decide: not acting is never worse"),
        ({"gain_tp": 0}, ValueError, "nothing to decide: not acting is never worse"),
        ({"gain_tp": np.full(5, -45.0)}, ValueError, "got gain_tp \\+ cost_fn from -45 to -45"),
        ({"cost_fps": 5}, TypeError, "unexpected keyword argument 'cost_fps'"),
    ],
)
def test_bad_input_is_refused_by_name(function, change, error, message):
    good = {"y": [0, 1, 0, 0, 1], "p": [0.1, 0.5, 0.3, 0.2, 0.1], **MONEY} | change
    with pytest.raises(error, match=message):
        function(good.pop("y"), good.pop("p"), **good)


@pytest.mark.parametrize("function", [money_by_threshold, value_of_model])
def test_amounts_go_by_name_and_the_two_that_matter_are_required(function):
    with pytest.raises(TypeError, match="positional"):
        function([0, 1], [0.1, 0.5], 45, 5)
    with pytest.raises(TypeError, match="cost_fp"):
        function([0, 1], [0.1, 0.5], gain_tp=45)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"threshold": np.nan}, ValueError, "threshold must be finite; got nan"),
        ({"threshold": [0.1, np.nan, 0.2, 0.3, 0.4]}, ValueError, "threshold must not be missing; got nan at row 1"),
        ({"threshold": [0.1, 0.2]}, ValueError, "must have the same length; .*threshold has 2"),
        ({"threshold": "high"}, TypeError, "threshold must be a number; got 'high'"),
        ({"threshold": np.ma.masked_array([0.1] * 5, [0, 1, 0, 0, 0])}, TypeError, "threshold must be .* masked array"),
        ({"threshold": [10**400] * 5}, ValueError, "threshold must hold finite numbers; got one that is too large"),
        ({"threshold": ["0.1"] * 5}, TypeError, "threshold must be a column of numbers; got '0.1' at row 0"),
        ({"without": "everybody"}, ValueError, "without must be one of nobody, everyone, the base rate, decisions or"),
        ({"without": [0, 1]}, ValueError, "must have the same length; .*without has 2"),
        ({"without": [0, 1, 0, 0, 7]}, ValueError, r"without must lie in \[0, 1\]; got 7 at row 4"),
        ({"level": 95}, ValueError, "level must be > 0 and < 1; got 95"),
        ({"cv": 1}, ValueError, "cv must be ≥ 2"),
        ({"cv": 6}, ValueError, "at least 6 cases"),
        ({"seed": 0.5}, TypeError, "seed must be a whole number"),
        ({"seed": -1}, ValueError, "seed must be ≥ 0; got -1"),
    ],
)
def test_value_of_model_refuses_bad_options(change, error, message):
    with pytest.raises(error, match=message):
        value_of_model([0, 1, 0, 0, 1], [0.1, 0.5, 0.3, 0.2, 0.1], **(MONEY | change))


# --- value_of_model -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain_tp", [45, 10, 400])
def test_when_nobody_acts_every_model_is_worth_exactly_nothing_the_oracle_too(gain_tp):
    y, p = sample(2_000)
    for score in (p, y, 1 - p, np.zeros_like(p)):
        for threshold in (np.inf, 1.01, np.full(p.size, 2.0)):
            worth = value_of_model(y, score, gain_tp=gain_tp, cost_fp=5, threshold=threshold)
            assert (worth.value, worth.low, worth.high, worth.in_sample, worth.acted) == (0.0, 0.0, 0.0, 0.0, 0)
            assert worth.kind == "exact"
            assert worth.with_model == worth.without_model


@given(worlds(), st.floats(0, 1), st.sampled_from([None, 0.0, 0.3, 0.7, np.inf]), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_a_constant_score_is_never_worth_anything(world, score, threshold, seed):
    y, _, amounts = world
    assume(len(y) >= 5)
    worth = value_of_model(y, np.full(len(y), score), threshold=threshold, seed=seed, **amounts)
    assert worth.value <= 0
    assert worth.in_sample <= 0
    if threshold is None:
        assert (worth.value, worth.low, worth.high, worth.in_sample) == (0, 0, 0, 0)


def own_thresholds(amounts, n):
    """The probability from which acting pays, case by case; −inf and inf where it always or never does."""
    each = {name: np.broadcast_to(amounts.get(name, 0.0), n) for name in AMOUNTS}
    out = np.empty(n)
    for i in range(n):
        gain, cost = each["gain_tp"][i] + each["cost_fn"][i], each["cost_fp"][i] + each["gain_tn"][i]
        out[i] = cost / (gain + cost) if gain > 0 and cost > 0 else np.inf if gain <= 0 else -np.inf
    return out


@given(worlds(per_case=True))
@settings(max_examples=200, deadline=None)
def test_the_base_rate_with_each_case_s_own_threshold_is_one_of_the_decisions_without_the_model(world):
    y, p, amounts = world
    assume(len(y) >= 2)
    amounts = {name: np.abs(x) + 0.25 for name, x in amounts.items()}
    limit = own_thresholds(amounts, len(y))
    assume((np.abs(limit - y.mean()) > 1e-9).all())
    rules = {"nobody": np.zeros(len(y)), "everyone": np.ones(len(y)), "the base rate": y.mean() >= limit}
    earned = {name: money_of(y, acts, **amounts) for name, acts in rules.items()}
    worth = value_of_model(y, p, threshold=0.5, **amounts)
    assert worth.without_model == pytest.approx(max(earned.values()))
    assert earned[worth.without] == pytest.approx(max(earned.values())) or not (p >= 0.5).any()
    if (p >= 0.5).any():
        assert worth.value == pytest.approx(money_of(y, p >= 0.5, **amounts) - max(earned.values()))
    for name, money in earned.items():
        alone = value_of_model(y, p, threshold=0.5, without=name, **amounts)
        assert (alone.without, alone.without_model) == (name, pytest.approx(money))


def test_amounts_alone_earn_the_model_nothing():
    """Scores without knowledge, amounts with a long tail: beside nobody and everyone they seemed worth thousands."""
    rng = np.random.default_rng(11)
    y = rng.random(20_000) < 0.1
    gain = rng.lognormal(3, 1.5, y.size)
    same = {"gain_tp": gain, "cost_fp": 5, "threshold": 5 / (5 + gain)}
    constant = np.full(y.size, y.mean())
    assert value_of_model(y, constant, without="nobody", **same).low > 10_000
    assert value_of_model(y, constant, without="everyone", **same).low > 10_000
    worth = value_of_model(y, constant, **same)
    assert (worth.value, worth.without) == (0.0, "the base rate")
    assert abs(value_of_model(y, np.full(y.size, 0.105), **same).value) < 0.02 * worth.without_model


@given(worlds(per_case=False))
@settings(deadline=None)
def test_with_one_price_for_all_the_base_rate_is_nobody_or_everyone(world):
    y, p, amounts = world
    assume(len(y) >= 2)
    worth = value_of_model(y, p, threshold=0.5, **amounts)
    assert worth.without_model == max(money_of(y, np.full(len(y), act), **amounts) for act in (False, True))


def test_the_model_of_today_is_what_one_would_do_without():
    """Another score and its decisions say the same; its own value is the difference of two values."""
    y, p = sample(5_000)
    today = np.random.default_rng(1).permutation(p) * 0.3 + p * 0.7
    same = {"threshold": 0.1, **MONEY}
    by_score, by_acts = (value_of_model(y, p, without=x, **same) for x in (today, today >= 0.1))
    assert (by_score.value, by_score.low, by_score.high) == (by_acts.value, by_acts.low, by_acts.high)
    assert (by_score.without, by_acts.without) == ("the other score", "the decisions given")
    assert by_score.value == pytest.approx(money_of(y, p >= 0.1, **MONEY) - money_of(y, today >= 0.1, **MONEY))
    assert by_score.without_model == pytest.approx(money_of(y, today >= 0.1, **MONEY))
    itself = value_of_model(y, p, without=p, **same)
    assert (itself.value, itself.low, itself.high) == (0, 0, 0)
    searched = value_of_model(y, p, without=today, **MONEY)
    assert searched.kind == "lower bound"
    assert 0 < searched.value < value_of_model(y, p, **MONEY).value + searched.without_model


@given(worlds(), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_with_a_given_threshold_the_value_is_brute_force(world, threshold):
    y, p, amounts = world
    assume(len(y) >= 2 and (p >= threshold).any())
    worth = value_of_model(y, p, threshold=threshold, without="nobody", **amounts)
    assert worth.without_model == money_of(y, np.zeros(len(y)), **amounts)
    assert worth.with_model == money_of(y, p >= threshold, **amounts)
    assert worth.value == worth.in_sample == worth.with_model - worth.without_model
    assert np.isnan(worth.low) or worth.low <= worth.value <= worth.high


@given(worlds(per_case=False))
@settings(deadline=None)
def test_in_sample_is_the_best_of_the_sweep_over_nobody_and_everyone(world):
    y, p, amounts = world
    assume(len(y) >= 5)
    worth, money = value_of_model(y, p, **amounts), money_by_threshold(y, p, **amounts)
    assert worth.in_sample == money.profit.max() - max(money.profit[0], money.profit[-1])
    assert np.isnan(worth.low) or worth.low <= worth.value <= worth.high


def test_threshold_per_case_follows_each_case_s_own_money():
    """One threshold for all amounts does worse than the base rate with each case's own: then nothing is claimed."""
    rng = np.random.default_rng(3)
    y, p = sample(20_000)
    gain = rng.lognormal(3, 1.5, p.size)
    own = value_of_model(y, p, gain_tp=gain, cost_fp=5, threshold=5 / (5 + gain))
    one = value_of_model(y, p, gain_tp=gain, cost_fp=5)
    assert own.threshold is None
    assert own.low > 0
    assert own.acted == (p >= 5 / (5 + gain)).sum()
    assert (one.value, one.low, one.high, one.in_sample, one.kind) == (0, 0, np.inf, 0, "lower bound")
    assert str(one) == "value of the model: $0 over 20,000 cases; no threshold earned more than deciding without it"


def test_labels_in_another_order_are_refused_in_both():
    y, p = sample(50)
    labels = [f"c{i}" for i in range(50)]
    y, p = pd.Series(y, index=labels), pd.Series(p, index=labels)
    for function in (money_by_threshold, value_of_model):
        assert function(y, p, **MONEY) == function(y.to_numpy(), p.to_numpy(), **MONEY)
        with pytest.raises(ValueError, match="y and p must be Series with the same labels in the same order"):
            function(y, p.sort_values(), **MONEY)
        with pytest.raises(ValueError, match="y and gain_tp must be Series with the same labels"):
            function(y, p, gain_tp=(p * 50).sort_values(), cost_fp=5)
        for name in AMOUNTS:
            with pytest.raises(ValueError, match=f"y and {name} must be Series with the same labels"):
                function(y, p, **(MONEY | {name: p.sort_values()}))
    for name in ("threshold", "without"):
        with pytest.raises(ValueError, match=f"y and {name} must be Series"):
            value_of_model(y, p, **MONEY, **{name: p.sort_values()})


def test_deciding_as_without_the_model_is_worth_exactly_nothing_and_says_so():
    """Everyone is acted on with the model and without it: no interval without width is claimed."""
    y = np.arange(400) % 2
    worth = value_of_model(y, np.full(400, 0.6), gain_tp=20, cost_fp=5, threshold=0.5)
    assert (worth.value, worth.low, worth.high, worth.kind, worth.acted) == (0, 0, 0, "exact", 400)
    assert str(worth) == "value of the model: $0 over 400 cases, every case is decided as without it (everyone)"
    near = value_of_model(y[:40], np.full(40, 0.6), gain_tp=6, cost_fp=5, threshold=0.5)
    assert (near.value, near.high, near.kind) == (0, 0, "interval")
    assert near.low < -20  # that everyone is better than nobody is not sure


@pytest.mark.parametrize("column", [np.array, pd.Series, pl.Series, lambda x: pd.array(x, dtype="Float64")])
def test_numbers_of_any_kind_give_the_same(column):
    y, p = sample(200)
    limit = np.full(200, 0.1)
    plain = value_of_model(y, p, gain_tp=45, cost_fp=5, threshold=limit)
    other = value_of_model(
        column(y), column(p), gain_tp=Decimal(45), cost_fp=[Decimal(5)] * 200, threshold=column(limit)
    )
    assert plain == other
    whole = value_of_model(y, p, gain_tp=45, cost_fp=5, threshold=[0, 1] * 100)
    assert whole.acted == 100
    never = value_of_model(y, p, gain_tp=45, cost_fp=5, threshold=[np.inf] * 200)
    assert never.kind == "exact"


def test_few_events_give_no_interval_and_never_one_without_width():
    """Twenty acted on in vain where one hit would pay for all: the sample holds nothing of the gain."""
    y = np.zeros(1_000)
    y[100] = 1
    p = np.where(np.arange(1_000) < 20, 0.9, 0.1)
    worth = value_of_model(y, p, gain_tp=500, cost_fp=5, threshold=0.5)
    assert (worth.value, worth.events) == (-100, 0)
    assert np.isnan([worth.low, worth.high]).all()
    assert "−$100 over 1,000 cases (too few events (0) for an interval); −$100 with it" in str(worth)


@pytest.mark.parametrize(
    ("hits", "level"),
    [(30, 0.95), (30, 0.8), (200, 0.95), (330, 0.95), (370, 0.9)],
    ids=["hits rare", "another level", "a tie: hits are the rarer", "misses rare", "misses rarer still"],
)
def test_the_interval_of_a_given_threshold_is_square_and_add(hits, level):
    """400 of 1,000 cases are acted on; the formula of the Notes written out, beside the one in the code."""
    rng = np.random.default_rng(hits)
    acted, y = np.arange(1_000) < 400, np.zeros(1_000)
    y[rng.permutation(400)[:hits]] = 1
    y[400:450] = 1  # not acted on: nothing of theirs changes
    gain, cost = rng.uniform(20, 80, 1_000), rng.uniform(2, 9, 1_000)
    worth = value_of_model(
        y, np.where(acted, 0.9, 0.1), gain_tp=gain, cost_fp=cost, threshold=0.5, without="nobody", level=level
    )
    if hits <= 200:
        sure, extra = np.where(acted, -cost, 0), np.where(acted & (y == 1), gain + cost, 0)
    else:
        sure, extra = np.where(acted, gain, 0), np.where(acted & (y == 0), -cost - gain, 0)
    low, high, _ = mean_interval(extra, level=level)
    a, r = stats.norm.ppf((1 + level) / 2) * sure.std(ddof=1) / np.sqrt(1_000), np.corrcoef(sure, extra)[0, 1]
    down, up = extra.mean() - low, high - extra.mean()
    value = float((sure + extra).sum())
    assert worth.value == pytest.approx(value, rel=1e-12)
    assert worth.low == pytest.approx(value - 1_000 * np.sqrt(down**2 + a**2 + 2 * r * a * down), rel=1e-9)
    assert worth.high == pytest.approx(value + 1_000 * np.sqrt(up**2 + a**2 + 2 * r * a * up), rel=1e-9)
    assert worth.events == min(hits, 400 - hits)


def test_the_flattering_number_is_corrected():
    """Scores that know nothing look valuable on the cases that chose their threshold; the value does not."""
    flattering, honest = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        worth = value_of_model(rng.random(400) < 0.1, rng.random(400), gain_tp=60, cost_fp=5, seed=seed)
        flattering.append(worth.in_sample)
        honest.append(worth.value)
    assert min(flattering) >= 0
    assert np.mean(flattering) > 50
    assert np.mean(honest) < 0


@pytest.mark.parametrize(
    ("money", "tail", "n"),
    [((45, 5), False, 500), ((20, 5), False, 4_000), ((20, 5), True, 2_000), ((500, 5), True, 4_000)],
)
def test_the_interval_of_a_given_threshold_covers_the_truth_at_its_rate(money, tail, n):
    """The truth from a million cases whose chances are known: no outcome is drawn for it."""
    gain, cost = money

    def draw(rng, size):
        p = rng.beta(1, 9, size)
        amount = gain * rng.lognormal(-0.605, 1.1, size) if tail else np.full(size, float(gain))
        return p, amount, cost / (cost + amount)

    p, amount, limit = draw(np.random.default_rng(99), 1_000_000)
    expected = p * amount - (1 - p) * cost
    rules = [np.zeros(p.size), np.ones(p.size), 1.0 * (0.1 * amount >= 0.9 * cost)]
    truth = min((((p >= limit) - rule) * expected).mean() for rule in rules) * n
    held = counted = 0
    for seed in range(300):
        rng = np.random.default_rng([seed, n])
        p, amount, limit = draw(rng, n)
        worth = value_of_model(rng.random(n) < p, p, gain_tp=amount, cost_fp=cost, threshold=limit)
        counted += not np.isnan(worth.low)
        held += worth.low <= truth <= worth.high
    assert counted >= 270
    assert held / counted >= 0.93


@pytest.mark.parametrize(("gain", "useful"), [(20, True), (45, True), (60, False)])
def test_a_threshold_looked_for_gives_a_lower_bound_only(gain, useful):
    """What the model earns at its best threshold lies above it; as an interval it held the truth in 80 to 91 %."""
    big, cut = np.random.default_rng(9).beta(1, 9, 500_000), 5 / (5 + gain)
    expected, acts = big * gain - (1 - big) * 5, big >= cut
    truth = min((expected * acts).mean(), (expected * (acts - 1.0)).mean()) if useful else 0.0
    above = 0
    for seed in range(300):
        rng = np.random.default_rng([seed, gain])
        p = rng.beta(1, 9, 2_000)
        worth = value_of_model(rng.random(2_000) < (p if useful else 0.1), p, gain_tp=gain, cost_fp=5, seed=seed)
        assert (worth.kind, worth.high) == ("lower bound", np.inf)
        above += worth.low > 2_000 * truth
    assert above / 300 <= 0.05
    assert "only a lower bound, since the threshold was looked for in these cases" in str(worth) or worth.value == 0


def test_the_downward_bias_is_what_the_docstring_says():
    """Nobody and everyone earn the same in truth: the better of the two is flattered."""
    big = np.random.default_rng(9).beta(1, 9, 500_000)
    expected = big * 45 - (1 - big) * 5
    truth = (expected * (big >= 0.1)).mean()
    for n, low, high in ((100, -0.45, -0.25), (500, -0.2, -0.1), (2_000, -0.12, -0.04)):
        found = [value_of_model(*sample(n, seed), threshold=0.1, **MONEY).value for seed in range(400)]
        assert low < np.mean(found) / (n * truth) - 1 < high


def test_the_same_seed_gives_the_same_value():
    y, p = sample(1_000)
    assert value_of_model(y, p, **MONEY) == value_of_model(y, p, **MONEY)
    assert value_of_model(y, p, **MONEY).value != value_of_model(y, p, seed=1, **MONEY).value
    assert value_of_model(y, p, **MONEY) == value_of_model(y, p, cv=5, seed=0, level=0.95, **MONEY)


def test_nothing_gained_is_written_without_a_minus():
    """Leaving the first case alone gains nothing, the second is decided as everyone is: the sum is of -0.0 alone."""
    worth = value_of_model([1, 0], [0.1, 0.9], gain_tp=[0, 45], cost_fp=5, threshold=0.5, without="everyone")
    assert str(worth.value) == "0.0"


def test_the_value_reads_as_one_line():
    y, p = np.tile([1, 0, 1, 0, 0, 0, 0, 0], 50), np.tile([0.9, 0.6, 0.3, 0.1, 0.1, 0.2, 0.2, 0.2], 50)
    worth = value_of_model(y, p, gain_tp=16, cost_fp=5, threshold=0.5)
    assert repr(worth).startswith("value of the model: $450 over 400 cases (95 % interval $")
    assert repr(worth).endswith("; $550 with it (p ≥ 0.5, 100 acted on), $100 without (everyone)")
    assert "90 % interval" in repr(value_of_model(y, p, gain_tp=40, cost_fp=5, threshold=0.5, level=0.9))
    assert "nobody is acted on" in repr(value_of_model(y, p, gain_tp=40, cost_fp=5, threshold=np.inf))
    assert "thresholds per case" in repr(value_of_model(y, p, gain_tp=40, cost_fp=5, threshold=np.full(400, 0.5)))
    assert worth.frame()[["value", "level", "events", "kind"]].to_dict("records") == [
        {"value": 450.0, "level": 0.95, "events": 50, "kind": "interval"}
    ]
