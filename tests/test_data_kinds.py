"""Layer 1 on columns of every kind: how exactly they are compared, what is named, counted or refused, and how."""

import datetime
import decimal
import fractions
import math
import tracemalloc
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from mllayers._stats import rate_counts
from mllayers.data import adversarial_validation, audit_sample, drift_report, label_coverage, weighted_rate
from mllayers.data.adversarial import _share_of_new
from mllayers.data.audit import _AuditSums, _refuse_other_design
from mllayers.data.drift import _merge_rare, _psi, _psi_limit, _psi_p, _tv, _unseen, _unseen_p

quick = settings(max_examples=50, deadline=None)
D = decimal.Decimal


def three(old, new):
    """The three comparisons of two frames with one column x."""
    return (
        lambda: drift_report(old, new, ks=True),
        lambda: adversarial_validation(old, new, cv=2),
        lambda: label_coverage(old, new, columns=["x"]),
    )


# --- the coarser type decides ---

FLOATS = [
    "float16",
    "float32",
    "float64",
    "Float32",
    "Float64",
    "halffloat[pyarrow]",
    "float[pyarrow]",
    "double[pyarrow]",
]


@pytest.mark.parametrize("dtype", [*FLOATS, "longdouble"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_change_of_the_float_type_moves_nothing(dtype, turned):
    x = pd.DataFrame({"x": np.random.default_rng(0).lognormal(4, 1, 2_000)})
    old, new = (x.astype(dtype), x) if turned else (x, x.astype(dtype))
    row = drift_report(old, new, ks=True).frame().loc["x"]
    assert (row["psi"], row["tv"], row["ks"], row["wasserstein"]) == (0, 0, 0, 0)
    covered = label_coverage(old, new, columns=["x"])
    assert covered.unmet == {"x": 0}
    assert (covered.frame()["ratio"] == 1).all()
    assert adversarial_validation(old, new, cv=2).low < 0.5


@pytest.mark.parametrize("dtype", ["float32", "float64", "Float32", "Int64", "int64[pyarrow]"])
def test_whole_numbers_meet_their_own_rounding(dtype):
    ids = pd.DataFrame({"x": np.random.default_rng(1).integers(2**24, 2**60, 2_000)})
    for old, new in ((ids, ids.astype(dtype)), (ids.astype(dtype), ids)):
        assert drift_report(old, new).frame().loc["x", "tv"] == 0
        assert label_coverage(old, new, columns=["x"]).unmet == {"x": 0}
        assert adversarial_validation(old, new, cv=2).low < 0.5


def test_polars_and_arrow_frames_keep_the_types_of_their_columns():
    x = np.random.default_rng(2).lognormal(4, 1, 1_000)
    single, double = pl.DataFrame({"x": x.astype("f4")}), pl.DataFrame({"x": x})
    assert drift_report(single, double).frame().loc["x", "psi"] == 0
    assert drift_report(double.to_arrow(), single.to_pandas()).frame().loc["x", "psi"] == 0
    ids = pl.DataFrame({"x": [2**53, None, 2**53 + 1] * 100})
    cells = label_coverage(ids, ids, columns=["x"]).frame()
    assert sorted(cells["cell"]) == ["9007199254740992", "9007199254740993", "missing"]
    assert cells["population"].tolist() == [100, 100, 100]


@pytest.mark.parametrize("engine", ["pandas", "polars", "arrow", "arrow-backed"])
def test_every_kind_of_frame_gives_the_same_table(engine):
    rng = np.random.default_rng(3)
    plain = pd.DataFrame(
        {
            "number": rng.normal(size=900),
            "text": rng.choice([*"abcd", None], 900),
            "flag": rng.random(900) < 0.2,
            "whole": rng.integers(0, 30, 900),
        }
    )
    kinds = {
        "pandas": lambda x: x,
        "polars": pl.from_pandas,
        "arrow": lambda x: pa.Table.from_pandas(x, preserve_index=False),
        "arrow-backed": lambda x: x.convert_dtypes(dtype_backend="pyarrow"),
    }
    old, new = plain[:400], plain[400:].reset_index(drop=True)
    given_old, given_new = kinds[engine](old.reset_index(drop=True)), kinds[engine](new)
    assert drift_report(given_old, given_new) == drift_report(old, new)
    found, expected = (label_coverage(a, b, columns=list(plain)) for a, b in ((given_old, given_new), (old, new)))
    assert found == expected
    assert adversarial_validation(given_old, given_new, cv=2) == adversarial_validation(old, new, cv=2)


def test_ids_beyond_the_floats_are_no_neighbours():
    old, new = (pd.DataFrame({"x": np.repeat(np.array([0, 1]) + 2**53 + k, 50)}) for k in (0, 2))
    assert drift_report(old, new).frame().loc["x", "tv"] == 1
    assert adversarial_validation(old, new, cv=2).auc == 1
    beyond = pd.DataFrame({"x": np.repeat(np.array([5, 2**64 - 1], dtype=np.uint64), 50)})
    below = pd.DataFrame({"x": np.repeat([-1, 2**63 - 1], 50)})
    assert drift_report(below, beyond).frame().loc["x", ["cells", "tv"]].tolist() == [4, 1]
    huge = pd.DataFrame({"x": pd.Series([2**70, 10**400] * 50, dtype=object)})
    assert drift_report(huge, huge, ks=True).frame().loc["x", "tv"] == 0


@pytest.mark.parametrize("dtype", ["int64", "float64", "float32", "Float32", "float[pyarrow]", "category"])
def test_cells_have_exact_and_different_names(dtype):
    months = pd.DataFrame({"x": pd.Series([202401, 202402, 202403, 202404, 202405, 202406] * 20).astype(dtype)})
    assert sorted(label_coverage(months, months, columns=["x"]).frame()["cell"]) == [f"20240{i}" for i in range(1, 7)]
    shares = pd.DataFrame({"x": pd.Series([0.1, 0.7], dtype="float32").repeat(20)})
    assert sorted(label_coverage(shares, shares, columns=["x"]).frame()["cell"]) == ["0.1", "0.7"]
    wide = pd.DataFrame({"x": np.random.default_rng(4).normal(size=3_000) * 1e-9 + 1})
    assert label_coverage(wide, wide, columns=["x"]).frame()["cell"].is_unique


def test_text_that_could_be_misread_as_a_cell_is_quoted():
    x = pd.DataFrame({"x": ["missing", None, "", "a & b", "'missing'", "a"] * 10, "y": ["c", "b & c"] * 30})
    cells = label_coverage(x, x, columns=["x", "y"], pairs=True).frame()
    assert not cells.duplicated(["column", "cell"]).any()
    assert {"missing", "'missing'", "''", "'a & b'", "a"} < set(cells["cell"])
    half = pd.DataFrame({"x": pd.Series(["\ud800", "a"] * 20, dtype=object)})
    assert sorted(label_coverage(half, half, columns=["x"]).frame()["cell"]) == ["\\ud800", "a"]


# --- what is no number, and what is one ---

REFUSED = {
    "complex": (np.arange(60) * 1j, "complex128"),
    "complex objects": (pd.Series([1j, 1] * 30, dtype=object), "1j"),
    "datetimes": (pd.date_range("2026-01-01", periods=60), "datetime64"),
    "zoned": (pd.date_range("2026-01-01", periods=60, tz="UTC"), "datetime64"),
    "dates": ([datetime.date(2026, 1, 1)] * 60, "2026-01-01"),
    "durations": (pd.to_timedelta(np.arange(60), "D"), "timedelta64"),
    "duration objects": (pd.Series([np.timedelta64(1, "D")] * 60, dtype=object), "1 days"),
    "periods": (pd.period_range("2020-01", periods=60, freq="M"), r"period\[M\]"),
    "no time among numbers": (pd.Series([1.0, pd.NaT] * 30, dtype=object), "NaT"),
    "dates as categories": (pd.Categorical(pd.date_range("2026-01-01", periods=60)), "datetime64"),
    "arrow dates": (pd.Series([datetime.date(2026, 1, 1)] * 60, dtype=pd.ArrowDtype(pa.date32())), "date32"),
    "bytes": ([b"1_0"] * 60, "b'1_0'"),
    "lists": ([[1]] * 60, "a list"),
    "masked entry": (pd.Series([np.ma.masked, 1.0] * 30, dtype=object), "a MaskedConstant"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_number_is_refused_by_the_name_of_its_column(kind):
    values, told = REFUSED[kind]
    frame = pd.DataFrame({"x": values})
    for call in three(frame, frame):
        with pytest.raises(TypeError, match=f"column 'x' must hold numbers, booleans or text; got {told}"):
            call()


def test_a_mixture_of_kinds_is_refused():
    mixed, numbers = pd.DataFrame({"x": [1, "a"] * 30}), pd.DataFrame({"x": [1, 2] * 30})
    for call in three(mixed, mixed):
        with pytest.raises(TypeError, match="column 'x' must hold one kind of value; got 'a' and 1: make them one"):
            call()
    for text in (["1", "2"], pd.Categorical(["1", "2"]), pd.array(["1", "2"], dtype="string[pyarrow]")):
        for call in three(numbers, pd.DataFrame({"x": text}).loc[np.tile([0, 1], 30)]):
            with pytest.raises(TypeError, match="one kind in both frames; got numbers in one and text in the other"):
                call()
    labels = pd.DataFrame({"x": pd.Categorical([1, 2] * 30)})
    with pytest.raises(TypeError, match="one kind in both frames"):
        label_coverage(labels, pd.DataFrame({"x": ["1", "2"]}), columns=["x"])


NUMBERS = {
    "decimal": [D("0.1"), D("0.7"), None],
    "decimal nan": [D("0.1"), D("0.7"), D("NaN")],
    "fraction": [fractions.Fraction(1, 10), fractions.Fraction(7, 10), None],
    "arrow decimal": pd.Series([D("0.1"), D("0.7"), None], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
    "objects": pd.Series([0.1, 0.7, pd.NA], dtype=object),
    "nullable": pd.Series([0.1, 0.7, None], dtype="Float64"),
    "sparse": pd.arrays.SparseArray([0.1, 0.7, np.nan]),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_of_every_make_are_numbers(kind):
    given = pd.DataFrame({"x": NUMBERS[kind]}).loc[np.tile([0, 1, 2], 40)]
    plain = pd.DataFrame({"x": np.tile([0.1, 0.7, np.nan], 40)})
    for a, b in ((given, plain), (plain, given)):
        row = drift_report(a, b).frame().loc["x"]
        assert (row["kind"], row["tv"], row["missing_reference"]) == ("number", 0, pytest.approx(1 / 3))
        assert label_coverage(a, b, columns=["x"]).unmet == {"x": 0}
    assert adversarial_validation(given, plain, cv=2).low < 0.5


def test_categories_are_compared_by_their_values():
    flags = np.array([True, False, True] * 30)
    text = pd.Categorical(["a", "b", "a"] * 30, categories=list("zyab"))
    numbers = pd.Categorical(np.array([0.1, 0.7, 0.1] * 30, dtype="f4"))
    for one, two in (
        (pd.Categorical(flags), flags),
        (pd.Series(flags, dtype="boolean"), pd.Series(flags, dtype=object)),
        (text, np.asarray(text, dtype=object)),
        (text, pd.Series(text.astype(str), dtype="string[pyarrow]")),
        (numbers, np.array([0.1, 0.7, 0.1] * 30)),
        (pd.Series(pd.arrays.ArrowExtensionArray(pa.array(list(text)).dictionary_encode())), text),
        (pd.cut(np.arange(90), 3), pd.cut(np.arange(90), 3)),
    ):
        old, new = pd.DataFrame({"x": one}), pd.DataFrame({"x": two})
        assert drift_report(old, new).frame().loc["x", "tv"] == 0
        found = label_coverage(old, new, columns=["x"])
        assert found.unmet == {"x": 0}
        assert "z" not in set(found.frame()["cell"])
    assert set(label_coverage(old.iloc[:0:-1], new, columns=["x"]).frame()["population"]) == {30}


def test_columns_without_a_value_are_compared_for_what_is_missing():
    for nothing in ([None] * 60, pd.Series([None] * 60, dtype=pd.ArrowDtype(pa.null())), [np.nan] * 60):
        empty, text = pd.DataFrame({"x": nothing}), pd.DataFrame({"x": ["a", "b"] * 30})
        assert drift_report(empty, text).frame().loc["x", "because"] == "missing"
        assert adversarial_validation(empty, text, cv=2).low > 0.5
        assert adversarial_validation(empty, empty, cv=2).auc == 0.5
        assert label_coverage(empty, text, columns=["x"]).unmet == {"x": 60}


def test_a_name_that_stands_for_several_columns_is_refused():
    frame = pd.DataFrame(np.ones((50, 2)), columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    assert drift_report(frame, frame).flagged == []
    with pytest.raises(ValueError, match="columns must name single columns; 'a' stands for several in reference"):
        drift_report(frame, frame, columns=["a"])


# --- values that the reference lacks ---


def merchants(first, rows, seed, last=3_000):
    names = [f"m{i}" for i in range(first, first + last)]
    return pd.DataFrame({"x": np.random.default_rng(seed).choice(names, rows)})


def test_entirely_new_merchants_are_unseen_and_told_apart():
    old, new = merchants(0, 12_000, 0), merchants(3_000, 12_000, 1)
    report = drift_report(old, new)
    row = report.frame().loc["x"]
    assert report.flagged == ["x"]
    assert (row["because"], row["unseen"]) == ("unseen", 1)
    assert row["unseen_by_chance"] < 0.15
    assert adversarial_validation(old, new, cv=2).low > 0.95
    with pytest.raises(ValueError, match="column 'x' must hold values that labelled and population share"):
        label_coverage(old, new, columns=["x"])


@pytest.mark.parametrize("rows", [400, 3_000, 12_000])
def test_a_long_tail_of_rare_values_is_no_drift(rows):
    reports = [drift_report(merchants(0, rows, s), merchants(0, rows, 100 + s), alpha=0.3) for s in range(25)]
    assert np.mean([bool(report.flagged) for report in reports]) <= 0.3
    rows = [report.frame().loc["x"] for report in reports]
    gap = np.mean([row["unseen"] - row["unseen_by_chance"] for row in rows])
    assert abs(gap) < 0.01


def test_a_long_tail_of_rare_values_does_not_give_rows_away():
    found = [adversarial_validation(merchants(0, 1_000, s), merchants(0, 1_000, 50 + s), cv=2) for s in range(20)]
    assert sum(one.low <= 0.5 <= one.high for one in found) >= 17


def brute_unseen(table):
    """Chance of at least so many unseen rows, and their mean, over all ways to deal the rows to the two samples."""
    values = np.repeat(np.arange(table.shape[1]), table.sum(axis=0))
    n, m = table.sum(axis=1)
    found = []
    for chosen in combinations(range(n + m), m):
        new = values[list(chosen)]
        old = np.delete(values, list(chosen))
        found.append((~np.isin(new, old)).sum())
    return np.mean(np.array(found) >= table[1, table[0] == 0].sum()), np.mean(found)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=4))
def test_the_bound_on_unseen_rows_holds_over_all_ways_to_deal_them(pairs):
    table = np.array(pairs).T
    if not table.sum(axis=1).all() or table.sum() > 13:
        return
    _, by_chance, bound = _unseen(table)
    tail, mean = brute_unseen(table)
    assert bound >= tail - 1e-12
    assert by_chance * table[1].sum() == pytest.approx(mean)


@pytest.mark.parametrize(
    ("singles", "rows", "share"), [(10, 10, 0.5), (40, 30, 0.5), (500, 90, 0.1), (5_000, 900, 0.15)]
)
def test_the_bound_is_above_the_exact_tail_and_not_far(singles, rows, share):
    bound = _unseen_p(rows, np.array([1, 10_000]), np.array([singles, 1]), share)
    exact = stats.binom.sf(rows - 1, singles, share)
    assert exact * (1 - 1e-9) <= bound <= 15 * exact
    total = 2_000 * singles
    without_replacement = stats.hypergeom.sf(rows - 1, total, singles, round(share * total))
    assert without_replacement <= bound * (1 + 1e-9)


def test_a_new_value_is_unseen_from_a_few_rows_on():
    old = pd.DataFrame({"x": ["a", "b"] * 200})
    for rows, flagged in ((2, False), (12, True)):
        new = pd.DataFrame({"x": ["a", "b"] * 194 + ["crypto"] * rows})
        row = drift_report(old, new).frame().loc["x"]
        assert (row["flagged"], "unseen" in row["because"]) == (flagged, flagged)
        assert row["unseen"] == pytest.approx(rows / len(new))


# --- ids and times ---


def test_ids_and_times_in_text_are_named_and_not_compared():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "order": [f"order-{i}" for i in range(400)],
            "at": pd.date_range("2026-01-01", periods=400, freq="h").strftime("%Y-%m-%dT%H:%M:%SZ"),
            "day": ["2026-03-01", "2026-03-02"] * 200,
            "x": rng.normal(size=400),
        }
    )
    new = frame.assign(order=[f"order-{i}" for i in range(400, 800)], day="2026-04-01", x=rng.normal(size=400))
    report = drift_report(frame, new)
    assert report.flagged == []
    assert report.frame()["kind"].to_dict() == {"order": "id", "at": "time", "day": "time", "x": "number"}
    assert report.frame().loc["order", "unseen"] == 1
    assert list(report.left_out) == ["order", "at", "day"]
    assert str(report).endswith("; values not compared: order, at, day")
    assert "join what it stands for" in report.left_out["order"]
    assert "days since a date" in report.left_out["at"]
    told = adversarial_validation(frame, new, cv=2)
    assert list(told.frame().index) == ["x"]
    assert str(told).endswith("; not looked at: order, at, day")
    found = label_coverage(frame, new, columns=list(frame))
    assert set(found.frame()["column"]) == {"x"}
    assert list(found.left_out) == ["order", "at", "day"]
    assert str(found).endswith("; not cut into cells: order, at, day")
    for call in (
        lambda: adversarial_validation(frame, new, columns=["order", "at"]),
        lambda: label_coverage(frame, new, columns=["order", "at"]),
    ):
        with pytest.raises(ValueError, match=r"columns must hold one that .*; order: nearly every value occurs once"):
            call()
    gaps = drift_report(frame[["order"]], new[["order"]].mask(new["x"] > 0))
    assert gaps.frame().loc["order", "because"] == "missing"


def test_ids_in_place_of_a_category_are_drift():
    old, new = pd.DataFrame({"x": ["a", "b"] * 100}), pd.DataFrame({"x": [f"id {i}" for i in range(200)]})
    assert drift_report(old, new).frame().loc["x", "because"] == "psi, unseen"
    few = pd.DataFrame({"x": [f"state {i}" for i in range(20)]})
    assert drift_report(few, few).frame().loc["x", "kind"] == "category"


# --- labels that meet no cell ---


def test_labels_that_meet_no_cell_are_counted():
    population = pd.DataFrame({"x": ["a", "b"] * 50, "n": [1, 2] * 50, "amount": np.arange(100.0)})
    labelled = pd.DataFrame({"x": ["a", "z", None, "b"], "n": [1, 3, 2, 2], "amount": [5.0, 5.5, 200.0, -1.0]})
    found = label_coverage(labelled, population, columns=["x", "n", "amount"], pairs=True)
    assert found.unmet == {"x": 2, "n": 1, "amount": 2, "x & n": 2, "x & amount": 3, "n & amount": 3}
    sums = found.frame().groupby("column")["labels"].sum()
    assert (sums + pd.Series(found.unmet) == 4).all()
    assert "labels that meet no cell of the population: 2 of x, 1 of n, 2 of amount" in str(found)
    assert label_coverage(population[:10], population, columns=["x", "n"], pairs=True).unmet == {
        "x": 0,
        "n": 0,
        "x & n": 0,
    }


@pytest.mark.parametrize(
    ("labels", "cases"), [(["A", "B"], ["a", "b"]), ([1050.0, 99.5], [10.5, 0.995]), ([True], [False])]
)
def test_labels_of_which_none_meets_a_cell_are_refused(labels, cases):
    labelled, population = (pd.DataFrame({"x": side * 20}) for side in (labels, cases))
    with pytest.raises(ValueError, match=r"no label has a value of the population, the first is \w+.*another unit"):
        label_coverage(labelled, population, columns=["x"])


def test_pairs_need_memory_by_the_cells_that_exist():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({name: rng.permutation(np.repeat([f"{name}{i}" for i in range(4_000)], 2)) for name in "xy"})
    tracemalloc.start()
    found = label_coverage(frame[::3], frame, columns=["x", "y"], pairs=True, min_share=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6
    crossed = found.frame().query("column == 'x & y'").set_index("cell")
    brute = (frame["x"] + " & " + frame["y"]).value_counts()
    assert crossed["population"].sort_index().to_dict() == brute.sort_index().to_dict()
    labels = (frame["x"] + " & " + frame["y"])[::3].value_counts()
    assert crossed["labels"][crossed["labels"] > 0].to_dict() == labels.to_dict()


def test_the_chance_of_a_blind_spot_is_the_exact_binomial_one():
    orders = pd.DataFrame({"x": ["a"] * 900 + ["b"] * 100})
    row = label_coverage(orders[::2].query("x == 'a'"), orders, columns=["x"]).frame().set_index("cell").loc["b"]
    assert row["p_family"] == pytest.approx(2 * stats.binomtest(0, 450, 0.1, alternative="less").pvalue)
    assert row["p_family"] == pytest.approx(2 * 0.9**450)


# --- references for the index and the encoder ---


def test_psi_is_the_sum_of_both_divergences_and_tv_half_the_city_block():
    counts = np.random.default_rng(7).integers(1, 200, (2, 9))
    p, q = (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)
    assert _psi(counts) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p))
    p, q = counts / counts.sum(axis=1, keepdims=True)
    assert _tv(counts) == pytest.approx(np.maximum(p - q, 0).sum())


def test_our_cells_exceed_the_folklore_limit_in_the_stated_share_of_draws():
    rng = np.random.default_rng(6)
    old, new = (pd.DataFrame(rng.normal(size=(100, 1_000))) for _ in range(2))
    assert 0.08 < (drift_report(old, new).frame()["psi"] > 0.1).mean() < 0.16


def test_no_training_row_tells_of_itself():
    code, y = np.array([0.0] * 6 + [1.0]), np.array([1, 1, 1, 0, 0, 0, 1])
    inside, outside = _share_of_new(code, y, np.array([0.0, 1.0, 2.0]), np.random.default_rng(0))
    mean = y.mean()
    np.testing.assert_allclose(outside, [(3 + 2 * mean) / 8, (1 + 2 * mean) / 3, mean])
    assert inside[-1] == pytest.approx(mean)
    assert not np.isclose(inside[:6], outside[0]).any()


def test_the_interval_of_the_auc_has_its_level_and_is_never_a_point():
    rng = np.random.default_rng(8)
    old, new = pd.DataFrame({"x": rng.normal(size=200)}), pd.DataFrame({"x": rng.normal(1, 1, size=200)})
    wide, narrow = (adversarial_validation(old, new, cv=2, level=level) for level in (0.99, 0.8))
    assert wide.auc == narrow.auc
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(
        stats.norm.isf(0.005) / stats.norm.isf(0.1)
    )
    assert str(wide).startswith(f"AUC {wide.auc:.3f} (99 % interval ")
    assert abs(wide.auc - roc_auc_score(np.repeat([0, 1], 200), np.r_[old["x"], new["x"]])) < 0.06
    apart = adversarial_validation(old * 0, old * 0 + 1, cv=2)
    assert (apart.auc, apart.high) == (1, 1)
    assert apart.low == pytest.approx(0.025 ** (1 / 200))
    alike = adversarial_validation(pd.DataFrame({"x": np.ones(50)}), pd.DataFrame({"x": np.ones(50)}), cv=2)
    assert alike.low < 0.5 < alike.high


def test_results_are_tables_plain_numbers_and_copies():
    frame = pd.DataFrame({"x": np.arange(60.0), "c": ["a", "b", "c"] * 20})
    for result in (
        drift_report(frame, frame),
        adversarial_validation(frame, frame),
        label_coverage(frame, frame, columns=["c"]),
    ):
        assert result.frame().equals(result.table)
        assert result.frame() is not result.table
        assert isinstance(result.to_dict()["table"], list)
        assert "<table" in result._repr_html_()
        assert "\n" not in str(result)
    rate = weighted_rate([1, 0, 0], 0.5, population=6)
    assert rate.frame().loc[0, "level"] == 0.95
    assert rate.to_dict()["events"] == 1


# --- the audit ---


def test_labels_that_were_not_drawn_are_refused():
    rng = np.random.default_rng(9)
    n = 24_000
    inspected = np.arange(n) < 500
    propensity = np.where(inspected, 1.0, 0.02)
    fraud = rng.random(n) < 0.03
    reported = np.where(inspected | (rng.random(n) < 0.6), fraud, np.nan)  # what came by complaint, drawn or not
    with pytest.raises(ValueError, match="labels that came in another way must not be weighted") as told:
        weighted_rate(reported, propensity)
    assert "the cases that could be drawn are 23,500" in str(told.value)
    drawn = rng.random(n) < propensity
    honest = weighted_rate(np.where(drawn, fraud, np.nan), propensity)
    assert honest.low <= fraud.mean() <= honest.high
    with pytest.raises(ValueError, match="say how many there are with population="):
        weighted_rate(fraud[drawn], propensity[drawn])
    alone = weighted_rate(fraud[drawn], propensity[drawn], population=n)
    assert alone == honest
    with pytest.raises(ValueError, match="the weights 1 / propensity of the drawn labels add up to"):
        weighted_rate(fraud[drawn], propensity[drawn], population=n // 3)
    with pytest.raises(ValueError, match="labels of drawn cases are missing, or the cases are fewer"):
        weighted_rate(fraud[drawn & ~inspected], 0.02, population=5 * n)
    lost = np.where(drawn & (rng.random(n) < 0.4), fraud, np.nan)
    with pytest.raises(ValueError, match="labels of drawn cases are missing"):
        weighted_rate(np.where(inspected, fraud, lost), propensity)


@pytest.mark.parametrize("shares", [[0.01], [0.02, 0.4], [0.005, 0.05, 0.9], [0.5]])
@pytest.mark.parametrize("n", [60, 2_000])
def test_an_honest_audit_is_not_refused(shares, n):
    rng = np.random.default_rng(n)
    pi = rng.choice(shares, n)
    for _ in range(300):
        drawn = rng.random(n) < pi
        if not drawn.any():
            continue
        everyone = weighted_rate(np.where(drawn, 0.0, np.nan), pi)
        assert everyone.hajek == 0
        assert everyone.high > 0
        assert weighted_rate(np.zeros(drawn.sum()), pi[drawn], population=n).n_labels == drawn.sum()


def test_the_tolerance_comes_from_the_design():
    """Bernstein's bound with Var Σ 1/π = Σ (1 − π)/π: just inside passes, just outside does not."""
    n, pi, log = 10_000, 0.05, math.log(2e6)
    variance, largest = n * (1 - pi) / pi, 1 / pi
    allowed = log * largest / 3 + math.sqrt((log * largest / 3) ** 2 + 2 * log * variance)
    most = math.floor((n + allowed) * pi)
    assert weighted_rate(np.zeros(most), pi, population=n).n_labels == most
    with pytest.raises(ValueError, match=rf"\(± {allowed:,.0f} at most\)"):
        weighted_rate(np.zeros(most + 1), pi, population=n)
    labelled = np.r_[np.zeros(most), np.full(n - most, np.nan)]
    assert weighted_rate(labelled, pi).n_labels == most
    with pytest.raises(ValueError, match="must not be weighted"):
        weighted_rate(np.r_[0, labelled[:-1]], pi)


def test_one_share_is_the_textbook_interval_and_the_weighted_mean():
    y = np.r_[np.ones(7), np.zeros(193)]
    result = weighted_rate(y, 0.02, population=10_000)
    low, high = proportion_confint(7, 200, alpha=0.05, method="beta")
    exact = stats.binomtest(7, 200).proportion_ci(method="exact")
    assert (exact.low, exact.high) == pytest.approx((low, high))
    assert (result.low, result.high) == pytest.approx((low, high), rel=0.03)
    pi = np.r_[np.full(100, 0.4), np.full(100, 0.6)]
    y = np.r_[np.ones(20), np.zeros(80), np.ones(5), np.zeros(95)]
    weighted = weighted_rate(y, pi, population=417)
    reference = DescrStatsW(y, weights=1 / pi)
    assert weighted.hajek == pytest.approx(reference.mean)
    assert weighted.n_eff == pytest.approx((1 / pi).sum() ** 2 / (1 / pi**2).sum())


def test_the_certain_part_is_known():
    y, pi = np.full(10_000, np.nan), np.full(10_000, 0.02)
    pi[:300], y[:300] = 1, 1
    y[300:500] = 0
    result = weighted_rate(y, pi)
    assert result.hajek == result.low == 0.03
    assert result.events == 0
    assert result.high == pytest.approx(0.03 + 0.97 * (1 - 0.025 ** (1 / 200)), rel=0.03)
    wide, narrow = (weighted_rate(y, pi, level=level).high for level in (0.999, 0.5))
    assert narrow < result.high < wide
    assert "(99.9 % interval" in str(weighted_rate(y, pi, level=0.999))


def test_without_a_drawn_label_the_interval_holds_all_that_is_possible():
    result = weighted_rate([1, 0, np.nan, np.nan], [1, 1, 0.1, 0.1])
    assert math.isnan(result.hajek)
    assert math.isnan(result.se)
    assert (result.low, result.high) == (0.25, 0.75)
    assert str(result).startswith("rate unknown (95 % interval 0.2500 to 0.7500, 0 events)")
    assert weighted_rate([1, 0], [1, 1], population=4).high == 0.75
    with pytest.raises(ValueError, match="population must be 2, the number of labels, since propensity 1 labels all"):
        weighted_rate([1, 0], 1, population=4)


@quick
@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_a_sample_without_an_event_never_gives_a_width_of_zero(seed, level):
    rng = np.random.default_rng(seed)
    pi = rng.choice([0.1, 0.5, 1], 300)
    drawn = rng.random(300) < pi
    for value in (0.0, 1.0):
        result = weighted_rate(np.where(drawn, value, np.nan), pi, level=level)
        assert 0 <= result.low <= result.hajek <= result.high <= 1
        assert result.high > result.low


def test_series_with_other_labels_are_refused():
    y = pd.Series([1, 0, np.nan], index=[1, 2, 3])
    assert weighted_rate(y, pd.Series([0.5] * 3, index=[1, 2, 3])).n == 3
    with pytest.raises(ValueError, match="y and propensity must be Series with the same labels in the same order"):
        weighted_rate(y, pd.Series([0.5] * 3, index=[3, 2, 1]))
    with pytest.raises(ValueError, match="share and eligible must be Series with the same labels"):
        audit_sample(3, y.fillna(1) / 2 + 0.1, eligible=pd.Series([True] * 3, index=[3, 2, 1]), seed=0)


@pytest.mark.parametrize(
    "eligible",
    [
        [True, False, True],
        np.array([True, False, True]),
        pd.Series([True, False, True], dtype="boolean"),
        pd.Series([True, False, True], dtype=object),
        pd.Series([True, False, True], dtype="bool[pyarrow]"),
        pl.Series([True, False, True]),
        pa.array([True, False, True]),
    ],
)
def test_eligible_takes_booleans_of_every_make(eligible):
    mask, propensity = audit_sample(3, 1, eligible=eligible, seed=0)
    assert mask.tolist() == [True, False, True]
    assert propensity.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("eligible", "told"),
    [
        ([1, 0, 1], "got 1"),
        ([True, 0, True], "got 0"),
        (np.array([1, 0, 1]), "got a ndarray"),
        (np.array([1.0, 0, 1]), "got a ndarray"),
        (pd.Series([1, 0, 1]), "got a Series"),
        (pl.Series([1, 0, 1]), "got a Series"),
    ],
)
def test_numbers_are_not_taken_for_eligible(eligible, told):
    with pytest.raises(TypeError, match=f"eligible must hold True and False; {told}"):
        audit_sample(3, 0.5, eligible=eligible, seed=0)


def test_nobody_eligible_or_nothing_known_of_it_is_told():
    assert not audit_sample(3, 0.5, eligible=[False] * 3, seed=0)[0].any()
    with pytest.raises(ValueError, match="eligible must hold finite numbers"):
        audit_sample(2, 0.5, eligible=pd.Series([True, None], dtype="boolean"), seed=0)
    with pytest.raises(TypeError, match="seed must be a whole number"):
        audit_sample(2, 0.5, seed=True)
    with pytest.raises(ValueError, match=r"share must lie in \(0, 1\]; got 1.0000001 at row 0"):
        audit_sample(2, [1.0000001, 0.5], seed=0)


def test_each_share_is_drawn_as_often_as_it_says():
    share = np.tile([0.001, 0.02, 0.3, 1.0], 50_000)
    mask, propensity = audit_sample(200_000, share, seed=3)
    np.testing.assert_array_equal(propensity, share)
    for one in np.unique(share):
        assert stats.binomtest(int(mask[share == one].sum()), 50_000, one).pvalue > 1e-4


# --- small tables by hand -------------------------------------------------------------------------------------------


def test_cells_are_joined_below_twenty_expected_rows_and_not_at_twenty():
    stays, joins = np.full((2, 3), 20), np.array([[20, 20, 20], [19, 20, 20]])
    assert _merge_rare(stays).tolist() == stays.tolist()
    assert _merge_rare(joins).tolist() == [[40, 20], [39, 20]]


@pytest.mark.parametrize("seed", range(20))
def test_the_smallest_cell_joins_its_smaller_neighbour_until_none_is_rare(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 60, (2, rng.integers(2, 9)))
    cells = [tuple(cell) for cell in counts.T.tolist() if sum(cell)]
    while len(cells) > 2:
        sizes = [sum(cell) for cell in cells]
        sides = [sum(side) for side in zip(*cells, strict=True)]
        if min(sizes) * min(sides) / sum(sizes) >= 20:
            break
        i = sizes.index(min(sizes))
        beside = [j for j in (i - 1, i + 1) if 0 <= j < len(cells)]
        j = min(i, min(beside, key=lambda k: sizes[k]))
        cells[j : j + 2] = [tuple(map(sum, zip(cells[j], cells[j + 1], strict=True)))]
    assert _merge_rare(counts).T.tolist() == [list(cell) for cell in cells]


def test_the_tolerance_of_labels_alone_is_bernsteins_with_their_own_weights():
    pi = np.repeat([0.5, 0.1], 100)
    total, log = 1200.0, math.log(2e6)

    def tolerance(rest):
        variance = rest * (100 * 0.5 / 0.25 + 100 * 0.9 / 0.01) / total
        return log * 10 / 3 + math.sqrt((log * 10 / 3) ** 2 + 2 * log * variance)

    low, high = 1, 1200
    while high - low > 1:  # the fewest cases that these labels can stand for
        rest = (low + high) // 2
        low, high = (rest, high) if total - rest > tolerance(rest) else (low, rest)
    nothing = {"never": 0, "certain": 0, "known": 0, "heavier": (0, 0.0)}
    whole = {"left": 0, "left_weight": 0.0, "left_heaviest": 0.0}  # not known: only those with a label are
    sums = _AuditSums(drawn=rate_counts(np.zeros(200), 1 / pi), **nothing, **whole)
    _refuse_other_design(sums, high, of_all=False)
    with pytest.raises(ValueError, match="labels that came in another way must not be weighted"):
        _refuse_other_design(sums, low, of_all=False)


def test_a_label_between_the_values_of_the_population_meets_no_cell():
    cases = pd.DataFrame({"x": [1, 5] * 50})
    assert label_coverage(pd.DataFrame({"x": [3, 5, 5]}), cases, columns=["x"]).unmet == {"x": 1}
    with pytest.raises(ValueError, match="no label has a value of the population, the first is 3"):
        label_coverage(pd.DataFrame({"x": [3, 7]}), cases, columns=["x"])


def test_one_row_is_a_sample_and_none_is_not():
    """One row in the rarer of two cells: 1 of 10 ways to deal the rows. Two of three in it: 3 of 66 ways."""
    assert _psi_p(np.array([[1, 0], [0, 9]])) == pytest.approx(0.1)
    two = np.array([[2, 0], [1, 9]])
    assert _psi_p(two) == pytest.approx(3 / 66)
    assert _psi_limit(two, _psi_p(two)) == pytest.approx(_psi(two))
    assert _psi_limit(two, 0.045) == math.inf
    for empty in ([[0, 0, 0], [3, 4, 5]], [[3, 4, 5], [0, 0, 0]]):
        assert _psi_p(np.array(empty)) == 1.0
        assert math.isnan(_psi_limit(np.array(empty), 0.05))
        assert np.isnan(_unseen(np.array(empty))[:2]).all()
        assert _unseen(np.array(empty))[2] == 1.0


def test_a_frame_of_ids_alone_has_no_test_and_moved_nowhere():
    old, new = (pd.DataFrame({"id": [f"{kind}-{i}" for i in range(100)]}) for kind in "ab")
    report = drift_report(old, new)
    assert (report.tests, report.alpha_per_test, report.flagged) == (0, 0.05, [])
    assert math.isnan(report.table.loc["id", "p_family"])


def test_the_chance_and_the_limit_of_the_largest_gap_are_kolmogorovs():
    rng = np.random.default_rng(3)
    old, new = rng.normal(size=300), rng.normal(0.3, 1, size=500)
    report = drift_report(pd.DataFrame({"x": old}), pd.DataFrame({"x": new}), ks=True, alpha=0.01)
    row, gap = report.table.loc["x"], stats.ks_2samp(old, new).statistic
    chances = [stats.kstwobign.sf(gap * math.sqrt(300 * 500 / 800)), stats.chi2.sf(row["psi"] / (1 / 300 + 1 / 500), 9)]
    assert row["p_family"] == pytest.approx(2 * min(chances))
    assert chances[0] < chances[1]
    assert row["ks_limit"] == pytest.approx(stats.kstwobign.isf(0.005) * math.sqrt(1 / 300 + 1 / 500))


@pytest.mark.parametrize("end", [math.inf, -math.inf])
def test_an_infinite_end_on_either_side_has_no_distance(end):
    plain, one = pd.DataFrame({"x": [0.0, 1, 2, 3]}), pd.DataFrame({"x": [0.0, 1, 2, end]})
    for old, new in ((plain, one), (one, plain)):
        assert math.isnan(drift_report(old, new, ks=True).table.loc["x", "wasserstein"])


def test_text_that_is_a_time_in_part_only_is_a_category():
    frame = pd.DataFrame({"due": ["2026-01-01", "2026-02-01", "none"] * 20})
    assert drift_report(frame, frame).table.loc["due", "kind"] == "category"


def test_what_is_unseen_by_chance_moves_a_column_nowhere_in_the_table():
    """Most rows of the long tail are unseen, as chance has it: the column of numbers moved further."""
    rng = np.random.default_rng(0)
    old, new = (
        pd.DataFrame({"shop": [f"s{i}" for i in rng.integers(0, 700, 400)], "x": rng.normal(size=400)}) for _ in "ab"
    )
    table = drift_report(old, new).table
    assert list(table.index) == ["x", "shop"]
    assert not table["flagged"].any()
    assert table.loc["shop", "unseen"] > 0.4


def test_one_column_that_tells_all_drops_the_auc_to_a_half():
    rng = np.random.default_rng(0)
    old, new = pd.DataFrame({"x": rng.normal(size=600)}), pd.DataFrame({"x": rng.normal(1.5, 1, size=600)})
    found = adversarial_validation(old, new)
    assert found.table.loc["x", "auc_drop"] == pytest.approx(found.auc - 0.5, abs=0.04)
    assert found.auc > 0.8


def test_the_error_of_the_auc_is_that_of_folds_that_share_their_training_rows(monkeypatch):
    monkeypatch.setattr("mllayers.data.adversarial._auc", lambda score, y: (0.7, 0.0016))
    frame = pd.DataFrame({"x": np.arange(100.0)})
    found = adversarial_validation(frame, frame, cv=5, level=0.9)
    assert found.se == pytest.approx(0.04 * math.sqrt(1 / 5 + 1 / 4))
    assert found.auc - found.low == found.high - found.auc == pytest.approx(stats.norm.ppf(0.95) * found.se)


def test_gaps_among_many_categories_are_one_more_of_them():
    """More than 60 categories are told by their share of new rows; so is the gap, which tells here all there is."""
    rng = np.random.default_rng(0)
    names = [f"m{i}" for i in range(90)]
    old, new = (pd.DataFrame({"shop": rng.choice(names, 600)}) for _ in "ab")
    assert adversarial_validation(old.mask(rng.random((600, 1)) < 0.1), new.mask(rng.random((600, 1)) < 0.1)).low < 0.5
    assert adversarial_validation(old, new.mask(rng.random((600, 1)) < 0.6)).low > 0.6


def test_the_defaults_are_the_documented_ones():
    rng = np.random.default_rng(0)
    old, new = (pd.DataFrame({"x": rng.normal(size=100), "y": rng.normal(size=100)}) for _ in "ab")
    assert drift_report(old, new) == drift_report(old, new, columns=["x", "y"], bins=10, alpha=0.05, ks=False)
    given_all = label_coverage(
        old, new, columns=["x", "y"], bins=10, pairs=False, min_share=0.005, max_ratio=0.5, alpha=0.05
    )
    assert label_coverage(old, new, columns=["x", "y"]) == given_all
    assert adversarial_validation(old, new) == adversarial_validation(old, new, cv=5, seed=0, level=0.95)


@pytest.mark.parametrize(("size", "share"), [(200, 0.005), (400, 0.0025)])
def test_a_part_of_which_nobody_was_drawn_is_allowed_for(size, share):
    rng, missed = np.random.default_rng(3), 0
    chance = np.r_[np.full(size, share), np.full(1_000, 0.5)]
    for _ in range(300):
        y = (rng.random(chance.size) < np.where(chance < 0.5, 0.4, 0.01)).astype(float)
        found = weighted_rate(np.where(rng.random(chance.size) < chance, y, np.nan), chance)
        missed += not found.low <= y.mean() <= found.high
    assert missed / 300 < 0.05  # about a third, where only the weights of labels count


def test_the_column_that_tells_most_comes_first():
    rng = np.random.default_rng(0)
    old, new = (pd.DataFrame({"same": rng.normal(size=200), "moved": rng.normal(m, 1, 200)}) for m in (0, 2))
    assert list(adversarial_validation(old, new).table.index) == ["moved", "same"]


def test_certain_labels_do_not_count_among_the_drawn_ones():
    """10,000 sure labels beside 100 of 1,000 drawn: the weights of the drawn add up to 1,000, as they must."""
    y, pi = np.full(11_000, np.nan), np.full(11_000, 0.1)
    pi[:10_000], y[:10_100] = 1, 0
    assert weighted_rate(y, pi).n_labels == 10_100
