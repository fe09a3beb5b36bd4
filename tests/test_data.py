"""Layer 1: each function beside brute force, SciPy or the survey formula, and its error rates by simulation."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn.metrics import roc_auc_score

from mllayers.data import adversarial_validation, audit_sample, drift_report, label_coverage, weighted_rate
from mllayers.data.adversarial import _auc
from mllayers.data.drift import _psi, _psi_p

quick = settings(max_examples=50, deadline=None)


def drift(*frames, **options):
    return drift_report(*frames, **options).frame()


def coverage(*frames, **options):
    return label_coverage(*frames, **options).frame()


def sample(rng, n):
    """Columns of every awkward kind: heavy tails, zeros, ties, small counts, rare flags, many categories, gaps."""
    return pd.DataFrame(
        {
            "cauchy": rng.standard_cauchy(n),
            "lognormal": rng.lognormal(4, 1, n).astype("f4"),
            "zeros": np.where(rng.random(n) < 0.7, 0, rng.exponential(1, n)),
            "count": rng.poisson(0.3, n),
            "whole": rng.integers(0, 25, n),
            "tied": np.round(rng.normal(size=n), 1),
            "rare": rng.random(n) < 0.02,
            "text": rng.choice([f"c{i}" for i in range(40)], n, p=np.arange(1, 41) / 820),
            "gaps": np.where(rng.random(n) < 0.05, np.nan, rng.normal(size=n)),
        }
    )


def test_the_report_is_worst_first_and_says_why():
    rng = np.random.default_rng(0)
    old, new = sample(rng, 3_000), sample(rng, 2_000)
    new["lognormal"] *= 2
    new.loc[:400, "gaps"] = np.nan
    new["text"] = new["text"].where(rng.random(2_000) < 0.9, "new")
    found = drift_report(old, new)
    report = found.frame()
    assert list(report.index[:3]) == found.flagged == ["lognormal", "gaps", "text"]
    assert list(report["because"][:3]) == ["psi", "missing", "psi, unseen"]
    assert report["flagged"].sum() == 3
    assert report.index.name == "column"
    assert (found.alpha, found.tests, found.n_reference, found.n_current) == (0.05, 11, 3_000, 2_000)
    assert found.alpha_per_test == 0.05 / 11
    assert str(found) == (
        "3 of 9 columns moved, at a level of 0.05 for all of them together: "
        "lognormal (psi), gaps (missing), text (psi, unseen)"
    )
    assert found == drift_report(old, new)
    assert found != drift_report(old, new, alpha=0.1)
    assert (report["flagged"] == (report["p_family"] <= 0.05)).all()
    np.testing.assert_array_equal(report["because"].str.contains("psi"), report["psi"] >= report["psi_limit"])
    assert report.loc["gaps", "missing_reference"] == old["gaps"].isna().mean()
    assert report.loc["gaps", "missing_current"] == new["gaps"].isna().mean()


def brute_psi(old, new, bins):
    """A loop over cells between the reference's quantiles, taken from the definition."""
    edges = [sorted(old)[int(np.ceil(len(old) * k / bins)) - 1] for k in range(1, bins)]
    total, moved = 0.0, 0.0
    for low, high in zip([-np.inf, *edges], [*edges, np.inf], strict=True):
        inside = [sum(low < value <= high for value in side) for side in (old, new)]
        p, q = ((count + 0.5) / (len(side) + bins / 2) for count, side in zip(inside, (old, new), strict=True))
        total += (q - p) * np.log(q / p)
        moved += abs(inside[0] / len(old) - inside[1] / len(new)) / 2
    return total, moved


@pytest.mark.parametrize("dtype", ["f4", "f8", "Float64"])
@pytest.mark.parametrize("bins", [2, 5, 10])
def test_psi_and_total_variation_agree_with_a_loop(bins, dtype):
    rng = np.random.default_rng(bins)
    old, new = rng.normal(size=700).astype("f4"), rng.normal(0.3, 1.2, size=900).astype("f4")
    frames = [pd.DataFrame({"x": side.astype("f8")}).astype(dtype) for side in (old, new)]
    row = drift(*frames, bins=bins).loc["x"]
    psi, moved = brute_psi(old, new, bins)
    assert row["psi"] == pytest.approx(psi)
    assert row["tv"] == pytest.approx(moved)
    assert row["cells"] == bins
    limit = stats.chi2.isf(0.05, bins - 1) * (1 / 700 + 1 / 900)
    assert row["psi_limit"] == pytest.approx(limit)


def test_categories_agree_with_a_loop_and_rare_ones_join():
    old = pd.DataFrame({"c": ["a"] * 500 + ["b"] * 480 + ["x"] * 12 + ["y"] * 8})
    new = pd.DataFrame({"c": ["a"] * 400 + ["b"] * 570 + ["z"] * 30})
    counts = np.array([[500, 480, 20], [400, 570, 30]])
    row = drift(old, new).loc["c"]
    p, q = (counts + 0.5) / 1001.5
    assert row["psi"] == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert row["tv"] == pytest.approx(np.abs(counts[0] - counts[1]).sum() / 2000)
    assert row[["kind", "cells"]].tolist() == ["category", 3]
    as_category = drift(old.astype("category"), new).loc["c"]
    assert as_category["psi"] == row["psi"]


@pytest.mark.parametrize("share", [0.03, 0.2, 0.5, 0.8, 0.97])
def test_a_flag_has_its_two_values_as_cells_whatever_its_share(share):
    flags = np.arange(1_000) < 1_000 * share
    for bins in (2, 10):
        row = drift(pd.DataFrame({"x": flags}), pd.DataFrame({"x": ~flags}), bins=bins).loc["x"]
        assert row["cells"] == 2
        assert row["tv"] == pytest.approx(abs(2 * share - 1))


def test_a_value_never_seen_before_is_seen():
    old = pd.DataFrame({"x": np.tile([0, 1], 500), "y": np.where(np.arange(1_000) < 950, 0.0, np.arange(1_000))})
    new = pd.DataFrame({"x": np.tile([0, 1, -1, 9], 250), "y": np.where(np.arange(1_000) < 950, 0.0, -5.0)})
    report = drift(old, new)
    assert report.loc["x", ["cells", "tv"]].tolist() == [4, 0.5]
    assert report["flagged"].all()
    assert np.isfinite(report["psi"]).all()


def test_an_empty_cell_gives_a_finite_index():
    old, new = pd.DataFrame({"x": np.arange(1_000.0)}), pd.DataFrame({"x": np.full(1_000, 1e9)})
    row = drift(old, new).loc["x"]
    p, q = np.array([100.5] * 10) / 1005, np.array([0.5] * 9 + [1000.5]) / 1005
    assert row["psi"] == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert row["tv"] == pytest.approx(0.9)


def test_half_a_column_missing_or_all_of_it():
    old = pd.DataFrame({"x": np.arange(200.0), "y": np.nan, "z": 1.0})
    new = pd.DataFrame({"x": np.full(200, np.nan), "y": np.nan, "z": 1.0})
    report = drift(old, new, ks=True)
    assert report.loc["x", "because"] == "missing"
    assert np.isnan(report.loc["x", "psi_limit"])
    assert not report.loc[["y", "z"], "flagged"].any()


def test_objects_with_gaps_are_read_as_what_they_hold():
    flags = pd.DataFrame({"x": [True, False, None, True] * 50}, dtype=object)
    report = drift(flags, pd.DataFrame({"x": [True, False, True, False] * 50}))
    assert report.loc["x", "kind"] == "number"
    assert report.loc["x", "missing_reference"] == 0.25


def test_a_change_of_precision_is_no_drift():
    tenths = np.round(np.random.default_rng(0).random(5_000), 1)
    row = drift(pd.DataFrame({"x": tenths.astype("f4")}), pd.DataFrame({"x": tenths})).loc["x"]
    assert row["tv"] == 0


@quick
@given(
    hnp.arrays(np.float64, st.integers(2, 60), elements=st.integers(-5, 5)),
    hnp.arrays(np.float64, st.integers(2, 60), elements=st.integers(-5, 5) | st.floats(-9, 9)),
)
def test_ks_is_scipys(a, b):
    row = drift(pd.DataFrame({"x": a}), pd.DataFrame({"x": b}), ks=True).loc["x"]
    assert row["ks"] == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic)
    assert row["ks_limit"] == pytest.approx(stats.kstwobign.isf(0.025) * np.sqrt(1 / len(a) + 1 / len(b)))
    assert row["wasserstein"] == pytest.approx(stats.wasserstein_distance(a, b))


def test_how_far_infinite_values_moved_cannot_be_said():
    old, new = pd.DataFrame({"x": [1, 2, np.inf] * 20}), pd.DataFrame({"x": [1, np.inf, 3] * 20})
    row = drift(old, new, ks=True).loc["x"]
    assert row["ks"] == pytest.approx(1 / 3)
    assert np.isnan(row["wasserstein"])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 300), st.integers(20, 300))
def test_the_order_of_rows_is_nothing(seed, n, m):
    rng = np.random.default_rng(seed)
    old, new = sample(rng, n), sample(rng, m)
    shuffled = drift(old.sample(frac=1, random_state=1), new.sample(frac=1, random_state=2), ks=True)
    pd.testing.assert_frame_equal(drift(old, new, ks=True), shuffled)


@quick
@given(hnp.arrays(np.int64, st.tuples(st.just(2), st.integers(2, 12)), elements=st.integers(0, 1_000)))
def test_psi_is_symmetric_positive_and_blind_to_the_order_of_cells(counts):
    assert _psi(counts) == pytest.approx(_psi(counts[::-1]))
    assert _psi(counts) == pytest.approx(_psi(counts[:, ::-1]))
    assert _psi(counts) >= 0
    assert 0 <= _psi_p(counts) <= 1
    same = np.array([counts[0], counts[0]])
    assert _psi(same) == 0


def test_the_null_distribution_has_the_stated_mean_and_quantile():
    rng = np.random.default_rng(5)
    frames = [pd.DataFrame(rng.normal(size=(n, 1_000))) for n in (1_000, 3_000)]
    report = drift(*frames, alpha=0.5)
    size = 1 / 1_000 + 1 / 3_000
    assert report["psi"].mean() == pytest.approx(9 * size, rel=0.05)
    assert report["psi"].quantile(0.95) == pytest.approx(stats.chi2.isf(0.05, 9) * size, rel=0.08)


def test_two_samples_of_a_hundred_exceed_folklore_without_drift():
    rng = np.random.default_rng(6)
    old, new = (rng.multinomial(100, np.full(10, 0.1), size=20_000) for _ in range(2))
    psi = _psi(np.stack([old, new], axis=1))
    assert 0.7 < (psi > 0.1).mean() < 0.95


@pytest.mark.parametrize(("n", "m", "ks"), [(60, 60, True), (100, 100, False), (80, 600, False)])
def test_false_alarms_of_the_whole_report_stay_at_their_level(n, m, ks):
    """Reports on two samples from one source, alpha 0.3: at most 0.3 of them flag anything (+ 3 standard errors)."""
    rng = np.random.default_rng(n + m)
    alarms = [drift(sample(rng, n), sample(rng, m), alpha=0.3, ks=ks)["flagged"].any() for _ in range(60)]
    assert np.mean(alarms) <= 0.3 + 3 * np.sqrt(0.3 * 0.7 / 60)


@pytest.mark.parametrize("share", [0.005, 0.05])
@pytest.mark.parametrize(("n", "m"), [(100, 100), (400, 50)])
def test_the_exact_limit_of_rare_flags_keeps_its_level_far_out(n, m, share):
    level = 0.0025
    a, b = np.arange(n + 1), np.arange(m + 1)
    likely = [side[stats.binom.pmf(side, size, share) > 1e-7] for side, size in ((a, n), (b, m))]
    alarm = sum(
        stats.binom.pmf(i, n, share) * stats.binom.pmf(j, m, share)
        for i, j in product(*likely)
        if i + j and _psi_p(np.array([[n - i, i], [m - j, j]])) <= level
    )
    assert alarm <= level * 1.02


# --- adversarial validation ---


def test_auc_and_its_variance_agree_with_references():
    rng = np.random.default_rng(0)
    y = (rng.random(60) < 0.4).astype(int)
    score = np.round(rng.normal(size=60) + y, 1)
    auc, variance = _auc(score, y)
    assert auc == pytest.approx(roc_auc_score(y, score))
    won = (score[y == 1][:, None] > score[y == 0]) + 0.5 * (score[y == 1][:, None] == score[y == 0])
    assert variance == pytest.approx(sum(won.mean(axis=k).var(ddof=1) / won.shape[1 - k] for k in (0, 1)))


def test_the_columns_that_moved_give_it_away():
    rng = np.random.default_rng(1)
    old, new = sample(rng, 1_500), sample(rng, 1_500)
    new["text"] = new["text"].where(rng.random(1_500) < 0.7, "c0")
    new.loc[:500, "gaps"] = np.nan
    result = adversarial_validation(old, new)
    assert result.low > 0.5
    assert set(result.frame().index[:2]) == {"text", "gaps"}
    assert (result.frame()["auc_drop"].iloc[:2] > 0.02).all()
    assert "can be told apart; first columns: " in str(result)
    assert result.n_reference == result.n_current == 1_500
    again = adversarial_validation(old, new)
    assert (again.auc, again.se) == (result.auc, result.se)
    assert adversarial_validation(old, new, columns=["count", "tied"]).low < 0.5


def test_the_interval_covers_a_half_when_nothing_moved():
    rng = np.random.default_rng(2)
    results = [
        adversarial_validation(*(pd.DataFrame(rng.normal(size=(100, 2))) for _ in range(2)), cv=4, seed=seed)
        for seed in range(20)
    ]
    covered = [result.low <= 0.5 <= result.high for result in results]
    assert sum(covered) >= 17
    assert "cannot be told apart" in str(results[covered.index(True)])


def test_two_samples_that_share_nothing_are_told_apart_for_certain():
    result = adversarial_validation(pd.DataFrame({"x": np.zeros(100)}), pd.DataFrame({"x": np.ones(100)}))
    assert (result.auc, result.high) == (1.0, 1.0)


# --- label coverage ---


def test_a_blind_spot_shows_its_size():
    rng = np.random.default_rng(3)
    orders = sample(rng, 20_000)
    orders["digital"] = rng.random(20_000) < 0.09
    orders["balance"] = rng.random(20_000) < 0.1
    hidden = orders["digital"] & orders["balance"] | orders["gaps"].isna() | (orders["text"] == "c30")
    labelled = orders[~hidden & (rng.random(20_000) < 0.15)]
    found = label_coverage(labelled, orders, columns=["digital", "balance", "gaps", "text", "count"], pairs=True)
    table = found.frame()
    blind = table[table["blind"]].set_index(["column", "cell"])
    assert blind.loc[("gaps", "missing"), ["population", "labels"]].tolist() == [orders["gaps"].isna().sum(), 0]
    assert ("text", "c30") in blind.index
    assert ("digital & balance", "True & True") in blind.index
    assert "count" not in blind.index
    assert "digital" not in blind.index
    assert table["blind"].is_monotonic_decreasing
    row = blind.loc[("digital & balance", "True & True")]
    n = (orders["digital"] & orders["balance"]).sum()
    assert row["expected"] == pytest.approx(n / 20_000 * len(labelled))
    assert row["p_family"] == pytest.approx(stats.binom.cdf(0, len(labelled), n / 20_000) * found.tests)


def test_cells_of_each_column_add_up_to_everyone():
    rng = np.random.default_rng(4)
    orders = sample(rng, 2_000)
    table = coverage(orders[::7], orders, columns=list(orders), pairs=True)
    sums = table.groupby("column")[["population", "labels", "share_population", "share_labels", "expected"]].sum()
    assert len(sums) == 9 + 9 * 8 / 2
    np.testing.assert_allclose(sums, np.tile([2_000, 286, 1, 1, 286], (len(sums), 1)))


def test_numeric_cells_agree_with_a_loop():
    orders = pd.DataFrame({"amount": np.arange(1, 101) / 4})
    table = coverage(orders[50:], orders, columns=["amount"], bins=4).set_index("cell")
    assert list(table.index) == ["0.25 to 6.25", "6.5 to 12.5", "12.75 to 18.75", "19 to 25"]
    assert table["labels"].tolist() == [0, 0, 25, 25]
    assert table["blind"].tolist() == [True, True, False, False]


def test_blind_labelling_shows_no_blind_spot():
    rng = np.random.default_rng(5)
    orders = sample(rng, 3_000)
    found = [coverage(orders.sample(200), orders, columns=list(orders))["blind"].any() for _ in range(30)]
    assert np.mean(found) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 30)


def test_too_small_a_cell_is_listed_but_not_called_blind():
    orders = pd.DataFrame({"x": ["a"] * 99_900 + ["b"] * 100})
    table = coverage(orders[:50_000], orders, columns=["x"]).set_index("cell")
    assert not table["blind"].any()
    assert np.isnan(table.loc["b", "p_family"])
    assert coverage(orders[:50_000], orders, columns=["x"], min_share=0.0005)["blind"].tolist() == [True, False]


# --- audit and weighted rate ---


def test_an_audit_draws_each_eligible_case_with_its_propensity():
    eligible = np.arange(100_000) % 2 == 0
    mask, propensity = audit_sample(100_000, 0.02, eligible=eligible, seed=1)
    assert mask.dtype == bool
    assert not mask[~eligible].any()
    assert set(propensity) == {0.0, 0.02}
    assert abs(mask.sum() - 1_000) < 4 * np.sqrt(1_000)
    np.testing.assert_array_equal(mask, audit_sample(100_000, 0.02, eligible=eligible, seed=1)[0])
    everyone = audit_sample(100_000, 0.02, seed=np.random.default_rng(1))[0]
    np.testing.assert_array_equal(mask, everyone & eligible)
    assert audit_sample(3, [1, 1, 1], seed=0)[0].all()


def test_the_estimates_are_the_survey_formulas_by_hand():
    y = [1, 0, np.nan, 1, np.nan, np.nan, 0]
    propensity = [1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]
    result = weighted_rate(y, propensity)
    assert result.ht == pytest.approx((1 + 2) / 7)
    assert result.hajek == pytest.approx((1 + 5 * 2 / (2 + 4)) / 7)
    assert result.se_ht == pytest.approx(np.sqrt(0.5 * 2**2) / 7)
    assert result.se == pytest.approx(5 / 7 * np.sqrt(0.5 * (2 * 4 / 6) ** 2 + 0.75 * (4 * 2 / 6) ** 2) / 6)
    assert result.n_eff == pytest.approx(8**2 / (1 + 1 + 4 + 16))
    assert (result.n, result.n_labels, result.n_never, result.events) == (7, 4, 0, 1)
    assert result.low <= result.hajek <= result.high
    labelled_only = weighted_rate([1, 0, 1, 0], [1, 1, 0.5, 0.25], population=7)
    assert labelled_only == result


def test_cases_that_could_not_be_labelled_are_counted_and_left_out():
    result = weighted_rate([1, 0, np.nan, np.nan], [0.5, 0.5, 0.5, 0])
    assert (result.n, result.n_never) == (3, 1)
    assert str(result).endswith("; 1 case without a chance of a label left out")


def test_labels_of_everyone_leave_no_doubt():
    result = weighted_rate([1, 0, 0, 1], 1)
    assert (result.hajek, result.ht, result.se, result.low, result.high) == (0.5, 0.5, 0, 0.5, 0.5)


def test_no_event_in_n_audits_gives_the_rule_of_three():
    result = weighted_rate(np.zeros(300), 0.01, population=30_000)
    assert (result.hajek, result.se, result.low) == (0, 0, 0)
    assert result.high == pytest.approx(1 - 0.025 ** (1 / 300))
    assert weighted_rate(np.ones(300), 0.01, population=30_000).low == pytest.approx(0.025 ** (1 / 300))


@quick
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.3, 0.5, 0.9, 1.0])), min_size=1, max_size=7),
)
def test_horvitz_thompson_is_unbiased_over_all_samples(cases):
    y, pi = (np.array(column, dtype=float) for column in zip(*cases, strict=True))
    mean, variance, square = 0.0, 0.0, 0.0
    for drawn in product([False, True], repeat=len(y)):
        chance = np.where(drawn, pi, 1 - pi).prod()
        if chance == 0 or not any(drawn):
            continue
        result = weighted_rate(np.where(drawn, y, np.nan), pi)
        mean += chance * result.ht
        square += chance * result.ht**2
        variance += chance * result.se_ht**2
    assert mean == pytest.approx(y.mean())
    assert variance == pytest.approx(square - mean**2, abs=1e-12)


@quick
@given(st.integers(0, 10_000))
def test_the_rate_does_not_depend_on_the_order_and_flips_with_the_label(seed):
    rng = np.random.default_rng(seed)
    pi = rng.choice([0.05, 0.2, 1], 200)
    y = np.where(rng.random(200) < pi, rng.random(200) < 0.1, np.nan)
    if np.isnan(y).all():
        return
    result, order = weighted_rate(y, pi), rng.permutation(200)
    again = weighted_rate(y[order], pi[order])
    np.testing.assert_allclose([again.hajek, again.low, again.high], [result.hajek, result.low, result.high])
    flipped = weighted_rate(1 - y, pi)
    np.testing.assert_allclose([flipped.hajek, flipped.se], [1 - result.hajek, result.se], atol=1e-9)
    assert result.low <= result.hajek <= result.high


@pytest.mark.parametrize(("n", "share", "events"), [(20_000, 0.2, 46), (20_000, 0.1, 23), (10_000, 0.02, 2)])
def test_the_interval_covers_where_the_normal_one_falls_short(n, share, events):
    """A rule inspects 2.2 % of the cases for certain and finds most events; few are left for the audit to find."""
    y, pi = np.zeros(n), np.full(n, share)
    pi[: int(0.022 * n)] = 1
    y[: int(0.017 * n)] = 1
    rest = int(0.022 * n)
    y[rest : rest + round(events / share)] = 1
    rng = np.random.default_rng(events)
    hits, normal = 0, 0
    for _ in range(600):
        result = weighted_rate(np.where(rng.random(n) < pi, y, np.nan), pi)
        hits += result.low <= y.mean() <= result.high
        normal += abs(result.hajek - y.mean()) <= 1.96 * result.se
    assert hits / 600 >= 0.935
    assert hits >= normal


# --- what is refused, and how it says so ---

FRAME = pd.DataFrame({"x": np.arange(100.0), "c": ["a", "b"] * 50})


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: drift_report([1], FRAME), TypeError, "reference must be a DataFrame .* got a list"),
        (lambda: drift_report(FRAME, FRAME[["x"]]), ValueError, "current must have the columns c; it has x"),
        (lambda: drift_report(FRAME, FRAME[:0]), ValueError, "current must hold at least one row"),
        (lambda: drift_report(FRAME, FRAME, columns="x"), TypeError, "columns must be a list of column names; got 'x'"),
        (lambda: drift_report(FRAME, FRAME, columns=["x", "x"]), ValueError, "each column only once; got 'x' twice"),
        (lambda: drift_report(FRAME, FRAME, columns=[]), ValueError, "at least one column"),
        (
            lambda: drift_report(FRAME, FRAME[["x", "c", "x"]]),
            ValueError,
            "current must have each column once; got 'x' twice",
        ),
        (lambda: drift_report(FRAME, FRAME, bins=1), ValueError, "bins must be ≥ 2; got 1"),
        (lambda: drift_report(FRAME, FRAME, bins=2.5), TypeError, "bins must be a whole number"),
        (lambda: drift_report(FRAME, FRAME, alpha=0), ValueError, "alpha must be > 0 and < 1; got 0"),
        (lambda: drift_report(FRAME, FRAME.assign(x="a")), TypeError, "column 'x' must hold one kind in both frames"),
        (
            lambda: drift_report(FRAME, FRAME.assign(x=pd.Timestamp("2024-01-01"))),
            TypeError,
            "column 'x' must hold numbers, booleans or text; got datetime64",
        ),
        (lambda: drift_report(FRAME, FRAME.assign(x=1j)), TypeError, "got complex128"),
        (lambda: adversarial_validation(FRAME, FRAME[:49]), ValueError, "current must hold at least 10 rows for each"),
        (lambda: adversarial_validation(FRAME, FRAME, cv=1), ValueError, "cv must be ≥ 2"),
        (lambda: adversarial_validation(FRAME, FRAME, seed=-1), ValueError, "seed must be ≥ 0"),
        (lambda: adversarial_validation(FRAME, FRAME, seed=2**32), ValueError, "seed must be ≥ 0 and ≤ 4294967295"),
        (lambda: adversarial_validation(FRAME, FRAME.assign(x=np.inf)), ValueError, "column 'x' must hold finite"),
        (lambda: label_coverage(FRAME, 3, columns=["x"]), TypeError, "population must be a DataFrame .* got 3"),
        (lambda: label_coverage(FRAME, FRAME, columns=["z"]), ValueError, "labelled must have the columns z"),
        (lambda: label_coverage(FRAME, FRAME, columns=["x"], min_share=1), ValueError, "min_share must be"),
        (lambda: label_coverage(FRAME, FRAME, columns=["x"], max_ratio=0), ValueError, "max_ratio must be"),
        (lambda: audit_sample(0, 0.1, seed=0), ValueError, "n must be ≥ 1; got 0"),
        (lambda: audit_sample(2, 0, seed=0), ValueError, r"share must lie in \(0, 1\]; got 0 at row 0"),
        (lambda: audit_sample(2, [0.5, 1.5], seed=0), ValueError, "got 1.5 at row 1"),
        (lambda: audit_sample(2, [0.5], seed=0), ValueError, "share must be one number or 2 numbers"),
        (lambda: audit_sample(2, 0.5, eligible=[True], seed=0), ValueError, "eligible must hold 2 booleans"),
        (lambda: audit_sample(2, 0.5, eligible=[1, 2], seed=0), ValueError, "eligible must hold only 0 and 1"),
        (lambda: audit_sample(2, 0.5, seed=-1), ValueError, "seed must be ≥ 0; got -1"),
        (lambda: weighted_rate([0, 1], 0.5, level=1), ValueError, "level must be > 0 and < 1; got 1"),
        (lambda: weighted_rate([0, 1], 0.5, level=0), ValueError, "level must be > 0 and < 1; got 0"),
        (lambda: adversarial_validation(FRAME, FRAME, level=1), ValueError, "level must be > 0 and < 1; got 1"),
        (lambda: audit_sample(2, 0.5, seed="x"), TypeError, "seed must be a whole number"),
        (lambda: weighted_rate([0, 2], 0.5), ValueError, "y must hold only 0 and 1; got 2 at row 1"),
        (lambda: weighted_rate(["a"], 0.5), TypeError, "y must be a column of numbers"),
        (lambda: weighted_rate([0, 1], [0.5, 0]), ValueError, "propensity must be above 0 where y has a label"),
        (lambda: weighted_rate([0, np.nan], [0.5, 1]), ValueError, "propensity must be below 1 where y has no label"),
        (lambda: weighted_rate([0, 1], [0.5, 1.5]), ValueError, r"propensity must lie in \[0, 1\]; got 1.5 at row 1"),
        (lambda: weighted_rate([0, 1], [0.5] * 3), ValueError, "y and propensity must have the same length"),
        (lambda: weighted_rate([np.nan], 0.5), ValueError, "y must hold at least one label"),
        (lambda: weighted_rate([], 0.5), ValueError, "y must hold at least one case"),
        (lambda: weighted_rate([0, 1], 0.5, population=1), ValueError, "population must be ≥ 2; got 1"),
        (lambda: weighted_rate([0, np.nan], 0.5, population=9), ValueError, "y must hold finite numbers; got nan"),
    ],
)
def test_bad_input_is_told_what_is_wrong(call, error, match):
    with pytest.raises(error, match=match):
        call()
