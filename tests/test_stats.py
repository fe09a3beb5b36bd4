"""Intervals against SciPy, statsmodels and brute force, their coverage, and the guards of weights and keyed draws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from mllayers._stats import (
    FEWEST_CASES,
    FEWEST_EVENTS,
    OverlapCollapsed,
    WeightSums,
    chance_if_none,
    difference,
    effective_size,
    guard_weight_sums,
    guard_weights,
    holm,
    keyed_uniform,
    mean_interval,
    moments_of,
    normal_quantile,
    rate_counts,
    rate_interval,
    score_interval,
    weighted_rate_limits,
    what_is_sure,
)

LEVELS = (0.8, 0.95, 0.99)
MONEY = st.floats(-1e6, 1e6).map(lambda x: round(x, 2))


def nothing(interval):
    """No interval: both ends are missing."""
    return math.isnan(interval[0]) and math.isnan(interval[1])


# rates --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("events", "size"), [(0, 40), (1, 40), (7, 40), (39, 40), (40, 40), (3, 100_000)])
def test_limits_of_a_rate_are_those_of_scipy_and_statsmodels(events, size, level):
    found = rate_interval(events, size, level=level)
    assert found == pytest.approx(tuple(stats.binomtest(events, size).proportion_ci(level)), abs=1e-12)
    assert found == pytest.approx(proportion_confint(events, size, 1 - level, "beta"), abs=1e-12)
    wilson = proportion_confint(events, size, 1 - level, "wilson")
    assert score_interval(events, size, size, level=level) == pytest.approx(wilson, abs=1e-12)


def test_normal_quantile():
    assert normal_quantile(0.95) == pytest.approx(stats.norm.ppf(0.975))
    for level in (0, 1, 95):
        with pytest.raises(ValueError, match="level must be > 0 and < 1"):
            normal_quantile(level)


@pytest.mark.parametrize("expected", [0.5, 1, 2, 5, 20, 50])
def test_limits_of_a_rate_cover_from_half_an_event_on(expected):
    n, rate = 2_000, expected / 2_000
    chances = stats.binom.pmf(np.arange(n + 1), n, rate)
    counts = np.flatnonzero(chances > 1e-12)
    ends = np.array([rate_interval(k, n, level=0.95) for k in counts])
    covered = chances[counts][(ends[:, 0] <= rate) & (rate <= ends[:, 1])].sum()
    assert covered > 0.95
    assert expected < 5 or covered < 0.985  # and no wider than the whole numbers make it


@given(st.just(0.0) | st.floats(0.01, 50), st.floats(0.1, 50), st.sampled_from(LEVELS))
def test_limits_of_a_rate_lie_in_order(events, size, level):
    events = min(events, size)
    low, high = rate_interval(events, size, level=level)
    assert 0 <= low <= events / size <= high <= 1
    assert low < high


# differences --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k1", "n1", "k0", "n0"), [(56, 70, 48, 80), (9, 10, 3, 10), (0, 100, 3, 50), (0, 20, 0, 10)])
def test_difference_of_rates_is_newcombe_s(k1, n1, k0, n0):
    sides = [(k / n, *score_interval(k, n, n, level=0.95)) for k, n in ((k1, n1), (k0, n0))]
    value, low, high = difference(*sides)
    assert value == pytest.approx(k1 / n1 - k0 / n0)
    assert (low, high) == pytest.approx(confint_proportions_2indep(k1, n1, k0, n0, method="newcomb"), abs=1e-12)


@pytest.mark.parametrize("expected", [0.5, 1, 2, 5, 20, 50])
@pytest.mark.parametrize(("treated", "held"), [(9_000, 1_000), (1_000, 200)])
def test_difference_of_rates_covers_from_half_an_event_on(treated, held, expected):
    rates = (0.7 * expected / held, expected / held)
    ends, chances = [], []
    for n, rate in zip((treated, held), rates, strict=True):
        counts = np.arange(stats.binom.ppf(1 - 1e-9, n, rate) + 1)
        limits = np.array([score_interval(k, n, n, level=0.95) for k in counts])
        ends.append(np.column_stack([counts / n, limits]))
        chances.append(stats.binom.pmf(counts, n, rate))
    (a, low_a, high_a), (b, low_b, high_b) = ends[0].T[:, :, None], ends[1].T[:, None, :]
    low, high = a - b - np.hypot(a - low_a, high_b - b), a - b + np.hypot(high_a - a, b - low_b)
    i, j = 3, 1
    here = difference(tuple(ends[0][i]), tuple(ends[1][j]))
    assert here == pytest.approx((a[i, 0] - b[0, j], low[i, j], high[i, j]))
    effect = rates[0] - rates[1]
    covered = np.outer(*chances)[(low <= effect) & (effect <= high)].sum()
    assert 0.94 < covered < 0.98


def test_difference_passes_missing_limits_on():
    value, low, high = difference((3.0, 2.0, 5.0), (1.0, math.nan, math.nan))
    assert value == 2.0
    assert nothing((low, high))


# means of money -----------------------------------------------------------------------------------------------------


def few_events(rng, n=2_000, expected=20.0):
    """Mostly nothing, and now and then dollars with a long tail (the logarithm has a standard deviation of 1.05)."""
    x, hit = np.zeros(n), rng.random(n) < expected / n
    x[hit] = 100 * rng.lognormal(0, 1.05, hit.sum())
    return x, 100 * math.exp(1.05**2 / 2) * expected / n


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(3))
def test_mean_interval_is_hall_s_found_by_brute_force(seed, level):
    x, _ = few_events(np.random.default_rng(seed))
    n, mean, sd = x.size, x.mean(), x.std(ddof=1)
    skew, kurtosis = stats.skew(x), stats.kurtosis(x, fisher=False)
    t = stats.t.ppf(0.5 + level / 2, min(np.count_nonzero(x), 2 * n / kurtosis) - 1)

    def transformed(mu, y):
        studentised = (mean - mu) / sd  # T / √n
        cubic = studentised + skew * studentised**2 / 3 + skew**2 * studentised**3 / 27 + skew / (6 * n)
        return math.sqrt(n) * cubic - y

    found = mean_interval(x, level=level)
    ends = [optimize.brentq(transformed, -1e4, 1e4, args=(y,), xtol=1e-13) for y in (t, -t)]
    assert (found.low, found.high) == pytest.approx(ends, rel=1e-8)
    assert found.events == np.count_nonzero(x)


def test_mean_interval_of_many_cases_is_the_normal_one():
    x = np.random.default_rng(1).normal(10, 5, 200_000)
    half = stats.norm.ppf(0.975) * x.std() / math.sqrt(x.size)
    assert mean_interval(x, level=0.95)[:2] == pytest.approx((x.mean() - half, x.mean() + half), abs=1e-4)


@pytest.mark.parametrize("expected", [2, 5, 10, 20, 50, 200])
def test_mean_interval_is_right_nearly_as_often_as_it_says(expected):
    rng, draws = np.random.default_rng([7, expected]), 1_500
    wrong = halved = refused = 0
    for _ in range(draws):
        x, truth = few_events(rng, expected=expected)
        low, high, events = mean_interval(x, level=0.95)
        if events < FEWEST_EVENTS:
            refused += nothing((low, high))
            continue
        wrong += not low <= truth <= high
        mean = x.mean()
        halved += not mean - (mean - low) / 2 <= truth <= mean + (high - mean) / 2
    few = stats.binom.cdf(FEWEST_EVENTS - 1, 2_000, expected / 2_000)
    assert refused / draws == pytest.approx(few, abs=4 * math.sqrt(0.25 / draws))
    allowed = 0.07 * draws + 3 * math.sqrt(0.07 * 0.93 * draws)
    assert wrong < allowed
    assert expected < 20 or halved > allowed  # half the width would be noticed here


@pytest.mark.parametrize("size", [20, 60])
def test_mean_interval_without_zeros_is_right_nearly_as_often_as_it_says(size):
    rng, draws, wrong = np.random.default_rng(size), 1_500, 0
    for _ in range(draws):
        low, high, _ = mean_interval(rng.lognormal(0, 1, size), level=0.95)
        wrong += not low <= math.exp(0.5) <= high
    assert wrong < 0.07 * draws + 3 * math.sqrt(0.07 * 0.93 * draws)


@pytest.mark.parametrize(
    ("x", "events"),
    [
        ([], 0),
        ([5.0], 0),
        (np.zeros(10_000), 0),
        (np.full(10_000, 5.0), 0),
        (np.full(300, 0.1) * 3 + np.tile([0, 1e-17], 150), 0),  # equal but for rounding
        (np.r_[np.zeros(1_000), [40.0] * 4], 4),
        (np.r_[np.full(1_000, -5.0), [35.0] * 4], 4),
        (np.arange(FEWEST_CASES - 1.0), FEWEST_CASES - 1),
    ],
)
def test_too_few_events_have_no_interval(x, events):
    found = mean_interval(np.asarray(x, dtype=float), level=0.95)
    assert nothing(found)
    assert found.events == events


def test_just_enough_events_have_one():
    few = mean_interval(np.r_[np.zeros(1_000), [40.0] * FEWEST_EVENTS], level=0.95)
    assert few.low < 0.2 < few.high
    assert few.events == FEWEST_EVENTS
    assert not nothing(mean_interval(np.arange(float(FEWEST_CASES)), level=0.95))


def test_the_caller_may_know_of_fewer_events():
    cost = np.r_[np.zeros(1_000), np.full(999, -4.0), [36.0]]  # half cost $4, one brought $40
    assert not nothing(mean_interval(cost, level=0.95))
    found = mean_interval(cost, level=0.95, events=1)
    assert nothing(found)
    assert found.events == 1
    assert mean_interval(cost, level=0.95, events=10**6).events == 1_000


def test_one_entry_that_outweighs_all_makes_the_interval_wide():
    x = np.r_[np.zeros(900), np.full(99, 1.0), [10_000.0]]
    low, high, events = mean_interval(x, level=0.95)
    assert events == 100
    assert low < x.mean() / 2
    assert high > 10 * x.mean()


@given(st.lists(MONEY, min_size=2, max_size=60), st.integers(0, 60), st.floats(0.01, 100), st.randoms())
def test_mean_interval_goes_with_the_money(values, zeros, unit, chance):
    x = np.array([*values, *[0.0] * zeros])
    low, high, events = mean_interval(x, level=0.95)
    shuffled = x.copy()
    chance.shuffle(shuffled)
    again = mean_interval(shuffled, level=0.95)
    assert (events, nothing((low, high))) == (again.events, nothing(again))
    mirrored, scaled = mean_interval(-x, level=0.95), mean_interval(unit * x, level=0.95)
    assert mirrored.events == events
    if nothing((low, high)):
        assert nothing(mirrored)
        return
    assert again == (low, high, events)
    size = np.abs(x).max()
    assert low < x.mean() < high or math.isclose(low, high, rel_tol=1e-9)
    assert (-mirrored.high, -mirrored.low) == pytest.approx((low, high), rel=1e-6, abs=1e-6 * size)
    assert (scaled.low, scaled.high) == pytest.approx((unit * low, unit * high), rel=1e-6, abs=1e-6 * unit * size)


@given(st.floats(1e-150, 1e100), st.integers(0, 1_000))
def test_mean_interval_of_tiny_and_huge_money(unit, seed):
    x, _ = few_events(np.random.default_rng(seed), n=200, expected=40)
    low, high, _ = mean_interval(unit * x, level=0.95)
    assert low < unit * x.mean() < high
    assert math.isfinite(high - low)


# rates from designs -------------------------------------------------------------------------------------------------


def weighted_rate_interval(y, pi, n, *, level):
    """The interval of labels that came with these chances."""
    certain = pi == 1
    drawn = rate_counts(y[~certain], 1 / pi[~certain])
    return weighted_rate_limits(n, int(certain.sum()), float(y[certain].sum()), drawn, (0, 0.0), level=level)


def test_what_was_labelled_for_certain_is_known():
    y, pi = np.r_[np.ones(7), np.zeros(3), 1, np.zeros(8)], np.r_[np.ones(10), np.full(9, 0.1)]
    rate, low, high, events = weighted_rate_interval(y, pi, 100, level=0.95)
    assert (rate, low, events) == pytest.approx((0.17, 0.08, 1))  # seven known and one seen
    assert high == pytest.approx((7 + 90 * stats.beta.ppf(0.975, 2, 8)) / 100)
    assert weighted_rate_interval(y[:10], pi[:10], 10, level=0.95) == (0.7, 0.7, 0.7, 0)


def test_no_event_outside_the_certain_part():
    y, pi = np.r_[np.ones(30), np.zeros(70), np.zeros(50)], np.r_[np.ones(100), np.full(50, 0.05)]
    rate, low, high, events = weighted_rate_interval(y, pi, 1_100, level=0.95)
    assert (rate, low, events) == (30 / 1_100, 30 / 1_100, 0)
    assert high == pytest.approx((30 + 1_000 * (1 - 0.025 ** (1 / 50))) / 1_100)


def test_a_draw_that_labelled_nobody_says_nothing_but_the_bounds():
    rate, low, high, events = weighted_rate_interval(np.ones(10), np.ones(10), 100, level=0.95)
    assert math.isnan(rate)
    assert (low, high, events) == (0.1, 1.0, 0)


@pytest.mark.parametrize("events", [0, 1, 5, 30])
def test_equal_shares_give_clopper_and_pearson_s_upper_limit(events):
    y = np.r_[np.ones(events), np.zeros(200 - events)]
    _, low, high, _ = weighted_rate_interval(y, np.full(200, 0.02), 10_000, level=0.95)
    exact = stats.binomtest(events, 200).proportion_ci()
    assert high == pytest.approx(exact.high)
    assert exact.low <= low <= exact.low + 0.004  # the cases are finite: a little more is known
    rate, below, above = rate_counts(y, np.full(200, 50.0)).plain_counts()
    assert (rate, *below) == pytest.approx((events / 200, events, 200))
    assert above == pytest.approx((events, 200))


@pytest.mark.parametrize(("share", "risk"), [((0.5, 0.02), (1, 1)), ((0.5, 0.02), (9, 1)), ((0.2, 0.02), (1, 9))])
@pytest.mark.parametrize("expected", [0.5, 2, 5, 20])
def test_weighted_rate_covers_with_different_shares(share, risk, expected):
    n, draws = 3_000, 500
    first = np.arange(n) < n // 10
    pi, odds = np.where(first, *share), np.where(first, *risk).astype(float)
    chance = expected * odds / (pi @ odds)
    rng, wrong = np.random.default_rng(3), 0
    for _ in range(draws):
        happened, labelled = rng.random(n) < chance, rng.random(n) < pi
        rate, low, high, events = weighted_rate_interval(happened[labelled] * 1.0, pi[labelled], n, level=0.95)
        assert 0 <= low <= rate <= high <= 1
        assert events == (happened & labelled).sum()
        wrong += not low - 1e-12 <= happened.mean() <= high + 1e-12
    assert wrong < 0.05 * draws + 3 * math.sqrt(0.05 * 0.95 * draws)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 1.0)), min_size=1, max_size=40), st.integers(0, 50))
def test_weighted_rate_never_contradicts_what_was_seen(labels, unseen):
    y, pi = np.array([float(label) for label, _ in labels]), np.array([share for _, share in labels])
    n = y.size + unseen * bool((pi < 1).any())
    rate, low, high, events = weighted_rate_interval(y, pi, n, level=0.95)
    assert y.sum() / n <= low + 1e-12
    assert high <= 1 - (y == 0).sum() / n + 1e-12
    assert low - 1e-12 <= rate <= high + 1e-12
    assert events == y[pi < 1].sum()
    order = np.random.default_rng(0).permutation(y.size)
    assert weighted_rate_interval(y[order], pi[order], n, level=0.95) == pytest.approx((rate, low, high, events))


# weights ------------------------------------------------------------------------------------------------------------


def test_effective_size():
    assert effective_size(np.full(7, 3.0)) == pytest.approx(7)
    assert effective_size(np.r_[np.ones(3), np.zeros(100)]) == pytest.approx(3)
    assert effective_size(np.zeros(4)) == 0


def test_weights_that_average_one_pass():
    w = np.tile([2.0, 0.0], 500)
    assert guard_weights(w, min_n_eff=100) == pytest.approx(500)
    assert guard_weights(np.ones(100), min_n_eff=100) == 100


@pytest.mark.parametrize(
    ("w", "says"),
    [
        (np.zeros(50), "never does what was done"),
        (np.tile([0.5, 0.0], 500), "average 0.25 where 1 is expected: in about 75%"),
        (np.r_[np.zeros(3_990), np.full(10, 400.0)], "worth 10 for the challenger, below min_n_eff = 100"),
        (np.full(6, 1e6), "worth 6"),
        (np.ones(1), "worth 1"),
    ],
)
def test_weights_without_overlap_are_refused(w, says):
    with pytest.raises(OverlapCollapsed, match=says):
        guard_weights(w, min_n_eff=100)


def test_few_large_weights_by_chance_are_no_hole_in_the_log():
    """In 714 of 20,000 cases the challenger differs; 28 of them were logged, where 48 were expected."""
    drawn = WeightSums(20_000, 28 * 15 + 16_636 * 15 / 13, 28 * 15**2 + 16_636 * (15 / 13) ** 2, 15)
    assert guard_weight_sums(drawn, min_n_eff=100) == pytest.approx(13_524, abs=1)
    rng = np.random.default_rng([7, 4])
    for _ in range(2_000):
        rare, common = rng.binomial(rng.binomial(20_000, 0.2), 0.02), rng.binomial(16_000, 0.96)
        sums = rare / 0.02 + common / 0.96, rare / 0.02**2 + common / 0.96**2
        guard_weight_sums(WeightSums(20_000, *sums, 50), min_n_eff=100)


def test_weights_that_are_no_ratios_of_probabilities_are_refused():
    with pytest.raises(ValueError, match=r"1 / propensity must average 1; got 2\.00") as raised:
        guard_weights(np.full(1_000, 2.0), min_n_eff=100, what="1 / propensity", who="the rule")
    assert not isinstance(raised.value, OverlapCollapsed)


# keyed draws --------------------------------------------------------------------------------------------------------


def test_keyed_draws_depend_on_key_seed_and_lot_alone():
    keys = [f"case {i}" for i in range(5_000)]
    u = keyed_uniform(keys, seed=1, lot="holdout")
    assert (keyed_uniform(keys[::-1], seed=1, lot="holdout")[::-1] == u).all()
    assert (keyed_uniform(keys[17:18], seed=1, lot="holdout") == u[17:18]).all()
    for other in (keyed_uniform(keys, seed=2, lot="holdout"), keyed_uniform(keys, seed=1, lot="explore")):
        assert abs(np.corrcoef(u, other)[0, 1]) < 0.06
    assert ((u >= 0) & (u < 1)).all()
    assert stats.kstest(u, "uniform").pvalue > 0.001


def test_keyed_draws_stay_what_they_are():
    assert keyed_uniform(["a", "é"], seed=2026, lot="x").tolist() == [0.8913316086854904, 0.30856059874820674]


def test_keyed_draws_of_nobody():
    assert keyed_uniform([], seed=1, lot="x").size == 0


# several questions at once ------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.lists(st.booleans(), min_size=20, max_size=20))
def test_holms_p_values_are_those_of_statsmodels_over_what_was_asked(p, gone):
    each = np.where(gone[: len(p)], np.nan, p)
    asked = ~np.isnan(each)
    found = holm(each)
    assert np.isnan(found).tolist() == (~asked).tolist()
    if asked.any():
        np.testing.assert_allclose(found[asked], multipletests(each[asked], method="holm")[1])


@pytest.mark.parametrize("shift", [-0.4, -0.05, 0.0, 0.1, 0.3, 2.0])
def test_the_chance_of_none_is_where_the_interval_begins_to_hold_zero(shift):
    x = np.random.default_rng(3).normal(shift, 1, 4_000)
    known = moments_of(x)
    p = chance_if_none(known.mean, lambda level: known.interval(level)[:2])
    assert p == pytest.approx(max(stats.ttest_1samp(x, 0).pvalue, 1e-12), rel=0.15)
    if p > 1e-11:
        for more, holds in ((1e-3, True), (-1e-3, False)):
            low, high = mean_interval(x, level=1 - p * (1 - more))[:2]
            assert (low <= 0 <= high) == holds


def test_the_chance_of_none_where_there_is_nothing_or_no_interval():
    assert chance_if_none(0.0, lambda level: (-level, level)) == 1
    assert math.isnan(chance_if_none(2.0, lambda level: (math.nan, math.nan)))
    assert math.isnan(chance_if_none(math.nan, lambda level: (0.0, 1.0)))
    assert chance_if_none(2.0, lambda level: (1.0, 3.0)) == 1e-12


@given(st.lists(MONEY, min_size=0, max_size=60), st.sampled_from(LEVELS), st.one_of(st.none(), st.integers(0, 80)))
def test_moments_give_the_interval_of_the_array(x, level, events):
    entries = np.array(x)
    once, again = mean_interval(entries, level=level, events=events), moments_of(entries, events=events).interval(level)
    np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(3, 5, "more"), (-9, -3, "less"), (-1, 1, "alike"), (-2, 2, "alike"), (-3, 1, "open"), (1, 3, "open"),
     (2, 3, "open"), (math.nan, math.nan, "open")],
)  # fmt: skip
def test_size_is_told_apart_from_significance(low, high, told):
    assert what_is_sure(low, high, 2) == told


def test_where_any_difference_matters_nothing_is_alike():
    assert [what_is_sure(*ends, 0) for ends in ((1, 2), (-2, -1), (0, 0), (-1, 1))] == ["more", "less", "open", "open"]
