"""One formula, two doors: sums of any engine and of any parts of the rows answer like the functions on arrays."""

import datetime
import json
import math
from decimal import Decimal

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_engines import EAGER, LAZY, arrow, duck, pandas_nullable, pandas_numpy, polars_eager, polars_lazy

from mllayers import sums as ml
from mllayers.action import uplift_effect, uplift_policy_value
from mllayers.data import drift_report, label_coverage, weighted_rate
from mllayers.decision import within_capacity
from mllayers.feedback import matured, policy_value, size_guard
from mllayers.prediction import calibration_by_band, money_by_threshold, value_of_model
from mllayers.sums import prediction
from mllayers.sums._order import most_common, values_at
from mllayers.sums._query import totals

NAN, N = float("nan"), 400
engines = pytest.mark.parametrize("engine", EAGER + LAZY, ids=lambda engine: engine.__name__)


def made(n, seed):
    """One table with nasty rows, plain Python; None is NULL."""
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(0.6, 3, n), 2)  # ties
    p[:6] = [0.0, -0.0, 1.0, 5e-324, 0.5, math.nextafter(0.5, 0)]
    pi = rng.choice([0.25, 0.5, 1.0, 0.0], n, p=[0.5, 0.38, 0.1, 0.02])
    happened = rng.random(n) < 0.1 + 0.8 * p
    seen = rng.random(n) < pi
    treated = rng.random(n) < 0.7
    money = np.where(rng.random(n) < 0.6, np.round(rng.lognormal(3, 1, n), 2), 0.0)
    got = rng.choice(["call", "mail", "none"], n)
    rule = np.where(p > 0.2, "call", "none")
    num = rng.normal(0, 1, n).tolist()
    num[3], num[4], num[5], num[6] = None, NAN, -0.0, 0.0
    text = rng.choice(["a", "b", "rare", "c"], n, p=[0.5, 0.3, 0.02, 0.18]).tolist()
    text[7] = None
    label = [
        float(y) if known else (None if i % 2 else NAN) for i, (y, known) in enumerate(zip(happened, seen, strict=True))
    ]
    return {
        "id": (2**53 + rng.integers(0, 5, n)).tolist(), "p": p.tolist(), "y": happened.astype(float).tolist(),
        "label": label, "pi": pi.tolist(), "audit": np.where(pi > 0, pi, 0.5).tolist(),
        "w": rng.choice([1.0, 2.5, 7.0], n).tolist(),
        "money": money.tolist(), "cost": rng.choice([4.0, 9.0], n).tolist(), "treated": treated.astype(int).tolist(),
        "lot": np.where(treated, 0.7, 0.3).tolist(), "month": rng.integers(1, 4, n).tolist(), "got": got.tolist(),
        "rule": rule.tolist(), "reward": (money - 4 * (got == "call")).round(2).tolist(), "num": num, "text": text,
        "known": seen.astype(int).tolist(), "target": rng.choice([0.0, 0.5, 1.0], n).tolist(),
        "hours": rng.choice([0.5, 1.0, 2.0], n).tolist(), "cut": rng.choice([0.1, 0.3], n).tolist(),
    }  # fmt: skip


ROWS = made(N, 0)


def col(rows, name):
    """A column as the array functions take it."""
    entries = rows[name]
    return (
        np.array([NAN if x is None else x for x in entries])
        if not isinstance(entries[0], str)
        else np.array(entries, dtype=object)
    )


def priced(columns):
    """Amounts per case."""
    return {"gain_tp": columns["money"], "cost_fp": columns["cost"]}


def pair_of(rows):
    """The two columns of a profile."""
    return pd.DataFrame({"num": col(rows, "num"), "text": rows["text"]})


REFERENCE = made(N, 1) | {"text": (["a", "b", "gone", None] * N)[:N]}  # values that one side lacks
PROFILE = ml.profile_sums({"num": col(REFERENCE, "num"), "text": REFERENCE["text"]}, columns=["num", "text"])
AMOUNTS = {"gain_tp": 45.0, "cost_fp": 5.0, "cost_fn": 1.0}
PRICES = {"gain_tp": "money", "cost_fp": "cost"}
RATE, BANDS = float(np.mean(ROWS["y"])), [0, 0.1, 0.3, 0.5]
EDGES = {"num": [-1.0, -0.0, 0.5]}

# what is asked of a frame, how it is answered from sums, and what the function on arrays says
ASKED = {
    "rate": lambda f: ml.rate_sums(f, y="label", propensity="pi"),
    "calibration": lambda f: ml.calibration_sums(f, y="y", p="p", bands=BANDS),
    "calibration weighted": lambda f: ml.calibration_sums(f, y="y", p="p", bands=BANDS[1:], weights="w"),
    "threshold": lambda f: ml.threshold_sums(f, y="y", p="p", **AMOUNTS),
    "threshold priced": lambda f: ml.threshold_sums(f, y="y", p="p", **PRICES, weights="w"),
    "value": lambda f: ml.value_sums(f, y="y", p="p", **AMOUNTS, threshold=0.3, by="month"),
    "value priced": lambda f: ml.value_sums(f, y="y", p="p", **PRICES, threshold="cut", rate=RATE),
    "value beside": lambda f: ml.value_sums(f, y="y", p="p", **AMOUNTS, threshold=0.3, without="target", weights="w"),
    "effect": lambda f: ml.effect_sums(f, y="y", treated="treated", value="money"),
    "effect weighted": lambda f: ml.effect_sums(f, y="y", treated="treated", value=45, propensity="lot"),
    "rule": lambda f, usual=None: ml.rule_sums(
        f, reward="reward", action="got", propensity=1 / 3, target="rule", instead="none", usual=usual
    ),
    "policy": lambda f, usual=None: ml.policy_sums(
        f, reward="reward", propensity="lot", target="target", q="cost", q_target="w", usual=usual
    ),
    "policy by": lambda f: ml.policy_sums(f, reward="money", propensity="lot", target="target", by="month", usual=0),
    "segment": lambda f: ml.segment_sums(f, segment="got"),
    "profile": lambda f: ml.profile_sums(f, columns=["num", "text"], like=PROFILE),
    "capacity": lambda f: ml.capacity_sums(f, gain="reward", units="hours"),
    "coverage": lambda f: ml.coverage_sums(f, labelled="known", columns=["num", "text"], edges=EDGES),
    "promise": lambda f: ml.promise_sums(f, p="p", y="label", propensity="audit", when="month"),
}
ANSWER = {
    "calibration": {"least": 0.02}, "value": {"least": 0.1}, "promise": {"least": 0.05}, "policy": {"min_n_eff": 20},
    "policy by": {"min_n_eff": 20}, "threshold": {"capacity": 50}, "segment": {"card": {"call": 0.2, "mail": 0.3}},
    "profile": {"reference": PROFILE}, "capacity": {"capacity": 40},
}  # fmt: skip
BY_ARRAY = {
    "rate": lambda c, a: weighted_rate(c["label"], c["pi"]),
    "calibration": lambda c, a: calibration_by_band(c["y"], c["p"], bands=BANDS, **a),
    "calibration weighted": lambda c, a: calibration_by_band(c["y"], c["p"], bands=BANDS[1:], weights=c["w"]),
    "threshold": lambda c, a: money_by_threshold(c["y"], c["p"], **AMOUNTS, **a),
    "threshold priced": lambda c, a: money_by_threshold(c["y"], c["p"], **priced(c), weights=c["w"]),
    "value": lambda c, a: value_of_model(c["y"], c["p"], **AMOUNTS, threshold=0.3, by=c["month"], **a),
    "value priced": lambda c, a: value_of_model(c["y"], c["p"], **priced(c), threshold=c["cut"]),
    "value beside": lambda c, a: value_of_model(
        c["y"], c["p"], **AMOUNTS, threshold=0.3, without=c["target"], weights=c["w"]
    ),
    "effect": lambda c, a: uplift_effect(c["y"], c["treated"], value=c["money"]),
    "effect weighted": lambda c, a: uplift_effect(c["y"], c["treated"], value=45, propensity=c["lot"]),
    "rule": lambda c, a: uplift_policy_value(c["reward"], c["got"], 1 / 3, target=c["rule"], instead="none"),
    "policy": lambda c, a: policy_value(c["reward"], c["lot"], c["target"], q=c["cost"], q_target=c["w"], **a),
    "policy by": lambda c, a: policy_value(c["money"], c["lot"], c["target"], by=c["month"], **a),
    "segment": lambda c, a: size_guard(c["got"], **a),
    "profile": lambda c, a: drift_report(pair_of(REFERENCE), pair_of(ROWS)),
}
questions = pytest.mark.parametrize("name", ASKED)


def answer(name, sums):
    """What the sums say, as plain numbers."""
    return sums.result(**ANSWER.get(name, {})).to_dict()


def close(one, two, path=""):
    """Nothing but rounding between two results."""
    if isinstance(one, dict):
        assert list(one) == list(two), path
        for name in one:
            close(one[name], two[name], f"{path}.{name}")
    elif isinstance(one, list):
        assert len(one) == len(two), path
        for place, (a, b) in enumerate(zip(one, two, strict=True)):
            close(a, b, f"{path}[{place}]")
    elif isinstance(one, float) and isinstance(two, (int, float)):
        assert one == pytest.approx(two, rel=1e-9, abs=1e-9, nan_ok=True), path
    else:
        assert one == two, path


@pytest.fixture(scope="module")
def expected():
    """What each question is answered on one frame of pandas."""
    frame = pandas_nullable(ROWS)
    return {name: answer(name, ask(frame)) for name, ask in ASKED.items()}


@pytest.mark.parametrize("name", BY_ARRAY)
def test_sums_answer_like_arrays(name, expected):
    columns = {column: col(ROWS, column) for column in ROWS}
    close(expected[name], BY_ARRAY[name](columns, ANSWER.get(name, {})).to_dict())


@engines
@questions
def test_the_same_on_every_engine(engine, name, expected):
    frame = engine(ROWS)
    if engine is pandas_numpy:  # a month is no float
        frame = frame.astype({"month": int})
    close(answer(name, ASKED[name](frame)), expected[name])


# any parts of the rows ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def usual():
    """What is usual is looked for in all rows, and said to the parts."""
    frame = pandas_nullable(ROWS)
    return {
        "rule": ASKED["rule"](frame).settings["usual"]["instead"],
        "policy": ASKED["policy"](frame).settings["usual"][0],
    }


@questions
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ends=st.lists(st.integers(0, N), max_size=3), seed=st.integers(0, 9))
def test_any_parts_of_the_rows_add_up(name, expected, usual, ends, seed):
    order, ends = np.random.default_rng(seed).permutation(N), sorted(ends)
    frame = polars_eager(ROWS)[order.tolist()]
    said = {"usual": usual[name]} if name in usual else {}
    parts = [ASKED[name](frame[start:end], **said) for start, end in zip([0, *ends], [*ends, N], strict=True)]
    together = sum(parts)
    assert together.n == N
    close(answer(name, together), expected[name])
    kept = json.loads(json.dumps(together.to_dict(), allow_nan=False))
    assert ml.Sums.from_dict(kept) == together
    assert type(together).from_dict(kept).to_dict() == kept


@pytest.mark.parametrize("engine", [polars_lazy, duck])
def test_engines_can_share_the_work(engine, expected):
    half = {name: entries[: N // 2] for name, entries in ROWS.items()}
    rest = {name: entries[N // 2 :] for name, entries in ROWS.items()}
    for name in ("promise", "effect", "threshold", "rate"):
        close(answer(name, ASKED[name](engine(half)) + ASKED[name](pandas_nullable(rest))), expected[name])


def test_sums_that_were_not_made_alike_do_not_add_up():
    one = ml.promise_sums({"p": [0.1], "y": [0]}, p="p", y="y")
    with pytest.raises(TypeError, match="promise sums can be added to their like alone; got 3"):
        one + 3
    with pytest.raises(TypeError, match="promise sums can be added to their like alone"):
        one + ml.segment_sums({"s": ["a"]}, segment="s")
    with pytest.raises(ValueError, match="parted is 'when' here and 'by' there"):
        one + ml.promise_sums({"p": [0.1], "y": [0], "g": ["a"]}, p="p", y="y", by="g")
    assert one != ml.promise_sums({"p": [0.2], "y": [0]}, p="p", y="y")
    assert one != 1
    with pytest.raises(TypeError, match="saved must be rule sums; got promise sums"):
        ml.RuleSums.from_dict(one.to_dict())
    for odd, told in [
        (3, "must be what to_dict"),
        (one.to_dict() | {"version": 2}, "version 1; got 2"),
        (one.to_dict() | {"sums": "x"}, "a kind there is; got 'x'"),
    ]:
        with pytest.raises((TypeError, ValueError), match=told):
            ml.Sums.from_dict(odd)


# where the rows are ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [polars_lazy, duck])
@questions
def test_only_sums_leave_the_engine(engine, name, monkeypatch):
    frame, fetched, collect = engine(ROWS), [], nw.LazyFrame.collect

    def watched(self, *args, **kwargs):
        found = collect(self, *args, **kwargs)
        fetched.append(len(found))
        return found

    monkeypatch.setattr(nw.LazyFrame, "collect", watched)
    ASKED[name](frame)
    assert fetched
    groups = {"threshold": 101, "threshold priced": 101, "capacity": N}
    assert max(fetched) <= groups.get(name, 40)


@engines
def test_a_number_for_all_rows_is_added_up_for_each(engine):
    data = nw.from_native(engine({"x": [1.0, 2.0, 4.0]}))
    found = totals(data, {}, {"one": nw.lit(2.0), "x": nw.col("x") * nw.lit(2.0)}, least={"x": nw.lit(3.0)}, must={})
    assert found.to_dict("records") == [{"rows": 3, "one": 6.0, "x": 14.0, "min_x": 3.0}]


def test_a_lazy_frame_that_would_not_fit_is_summed_up():
    pl = pytest.importorskip("polars")
    frame = pl.LazyFrame({"i": [0]}).select(i=pl.int_range(0, 10_000_000))  # 80 MB a column where it is written out
    frame = frame.select(p=(pl.col("i") % 100) / 100, y=(pl.col("i") % 7 == 0).cast(pl.Int8))
    assert ml.calibration_sums(frame, y="y", p="p", bands=[0.5]).n == 10_000_000


@questions
def test_no_query_holds_all_rows_before_it_adds_them_up(name, monkeypatch):
    """Polars does where all rows are one group by a column that is the same for all: 6 GiB for 30 million rows."""
    frame, collect, plans = polars_lazy(ROWS), nw.LazyFrame.collect, []

    def watched(self, *args, **kwargs):
        native = self.to_native()
        plans.append(native.show_graph(engine="streaming", plan_stage="physical", raw_output=True, show=False))
        return collect(self, *args, **kwargs)

    monkeypatch.setattr(nw.LazyFrame, "collect", watched)
    ASKED[name](frame)
    assert plans
    assert all("scan" in plan or "source" in plan for plan in plans)
    assert not any("sorted-group-by" in plan or "in-memory-map" in plan for plan in plans)


# what is no sum -------------------------------------------------------------------------------------------------------

values = st.lists(
    st.one_of(
        st.sampled_from([0.0, -0.0, 1.0, 5e-324, -1e308, 1e308]), st.floats(allow_nan=False, allow_infinity=False)
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(x=values, share=st.floats(0, 1))
@pytest.mark.parametrize("engine", [polars_lazy, duck], ids=lambda engine: engine.__name__)
def test_values_at_are_those_of_the_sorted_column(engine, x, share):
    places = sorted({0, len(x) - 1, int(share * (len(x) - 1))})
    found = values_at(nw.from_native(engine({"x": [*x, None]})), nw.col("x"), places)
    assert np.array_equal(found, np.sort(x)[places])


@pytest.mark.parametrize("engine", [polars_lazy, duck], ids=lambda engine: engine.__name__)
def test_values_at_of_equal_values_that_an_engine_divides_in_two_ways(engine):
    x = [0.0, 1.0, -1e308, 0.0, 5e-324, 1e-310, -1e-310]
    for places in ([0, 3], range(len(x))):
        assert np.array_equal(values_at(nw.from_native(engine({"x": x})), nw.col("x"), places), np.sort(x)[places])


def test_values_at_of_many_rows_with_a_heavy_tail():
    rng = np.random.default_rng(3)
    x = np.r_[np.exp(rng.normal(0, 20, 30_000)), np.full(9_000, 2.5)]
    places = [0, 10, 20_000, 30_000, x.size - 1]
    found = values_at(nw.from_native(polars_lazy({"x": x.tolist()})), nw.col("x"), places)
    assert np.array_equal(found, np.sort(x)[places])
    with pytest.raises(ValueError, match="places must lie in 0 to 38,999; got 0 to 39000"):
        values_at(nw.from_native(polars_lazy({"x": x.tolist()})), nw.col("x"), [0, x.size])


@pytest.mark.parametrize("engine", [polars_lazy, duck, pandas_numpy], ids=lambda engine: engine.__name__)
def test_the_most_common_amount_of_many_rows(engine, monkeypatch):
    monkeypatch.setattr("mllayers.sums._order._ALL_AT_ONCE", 0)
    rng = np.random.default_rng(4)
    x = np.r_[rng.normal(size=2_000), np.full(50, -4.99), np.full(50, 12.0), np.full(9, 0.0)]
    w = np.where(x == 12.0, 2.0, 1.0)
    frame = nw.from_native(engine({"x": rng.permutation(x).tolist()}))
    assert most_common(frame, nw.col("x")) == -4.99
    assert most_common(nw.from_native(engine({"x": x.tolist(), "w": w.tolist()})), nw.col("x"), nw.col("w")) == 12.0


BROKEN = [
    (
        "p",
        1.5,
        lambda f: ml.promise_sums(f, p="p", y="y"),
        r"p \(p\) must lie in \[0, 1\] and be there; 1 row of 3 does not",
    ),
    ("p", NAN, lambda f: ml.threshold_sums(f, p="p", y="y", gain_tp=1, cost_fp=1), r"p \(p\) must lie in \[0, 1\]"),
    ("p", NAN, lambda f: ml.best_threshold(f, p="p", y="y", gain_tp=1, cost_fp=1), r"p \(p\) must lie in \[0, 1\]"),
    ("v", math.inf, lambda f: ml.capacity_sums(f, gain="v", grid=8, most=10.0), r"gain \(v\) must be a finite number"),
    ("p", NAN, lambda f: ml.score_sums(f, p="p", grid=8), r"p \(p\) must lie in \[0, 1\] and be there; 1 row of 3"),
    ("p", -0.1, lambda f: ml.best_threshold(f, p="p", y="y", gain_tp=1, cost_fp=1), r"must lie in \[0, 1\] and be"),
    ("y", 2.0, lambda f: ml.rate_sums(f, y="y", propensity="pi"), r"y \(y\) must hold only 0 and 1, or nothing; 1 row"),
    ("pi", 0.0, lambda f: ml.rate_sums(f, y="y", propensity="pi"), r"propensity must be above 0 where y has a label"),
    ("pi", 1.2, lambda f: ml.effect_sums(f, y="y", treated="y", propensity="pi"), r"propensity \(pi\) must lie in \(0"),
    ("v", math.inf, lambda f: ml.effect_sums(f, y="y", treated="y", value="v"), r"value \(v\) must be a finite number"),
    ("v", None, lambda f: ml.capacity_sums(f, gain="v"), r"gain \(v\) must be a finite number; 1 row of 3 does not"),
    ("s", None, lambda f: ml.segment_sums(f, segment="s"), r"s must be known for each case; 1 row of 3 does not"),
    ("s", "x", lambda f: ml.promise_sums(f, p="s", y="y"), r"column 's' must hold numbers"),
    ("p", 0.1, lambda f: ml.promise_sums(f, p="q", y="y"), r"frame must have the column 'q'"),
]


@engines
@pytest.mark.parametrize("place", range(len(BROKEN)))
def test_the_same_error_on_every_engine(engine, place):
    column, value, ask, told = BROKEN[place]
    rows = {
        "p": [0.1, 0.2, 0.3],
        "y": [0.0, 1.0, 0.0],
        "pi": [0.5, 0.5, 0.5],
        "v": [1.0, 2.0, 3.0],
        "s": ["a", "b", "c"],
    }
    rows[column] = [*rows[column][:2], value]
    if engine is not pandas_numpy and value is NAN:
        rows[column][-1] = None
    with pytest.raises((ValueError, TypeError), match=told):
        ask(engine(rows))


def test_dask_is_told_how():
    class Frame:
        pass

    Frame.__module__ = "dask.dataframe"
    with pytest.raises(TypeError, match="a Dask frame is summed up partition by partition"):
        ml.promise_sums(Frame(), p="p", y="y")


# kinds of columns -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [pandas_nullable, polars_eager, polars_lazy, arrow, duck])
def test_ids_beyond_the_reach_of_floats(engine):
    ids = [2**53, 2**53 + 1, 2**53 + 1, 2**62 + 1]
    sums = ml.segment_sums(engine({"id": ids}), segment="id")
    assert sorted(zip(sums.table["segment"], sums.table["rows"], strict=True)) == [
        (2**53, 1),
        (2**53 + 1, 2),
        (2**62 + 1, 1),
    ]
    assert ml.Sums.from_dict(json.loads(json.dumps(sums.to_dict()))) == sums
    assert sums.result({2**53 + 1: 0.25}).outgrown == [2**53 + 1]


def test_decimals_truth_values_and_categories():
    pl, pa, duckdb = (pytest.importorskip(name) for name in ("polars", "pyarrow", "duckdb"))
    plain = {"p": [0.1, 0.2, 0.3, 0.4], "y": [0, 1, 1, 0], "g": ["a", "b", "a", "b"]}
    table = pa.table({
        "p": pa.array([Decimal("0.1"), Decimal("0.2"), Decimal("0.3"), Decimal("0.4")], pa.decimal128(3, 1)),
        "y": [False, True, True, False], "g": pa.array(plain["g"]).dictionary_encode(),
    })  # fmt: skip
    known = ml.promise_sums(plain, p="p", y="y", by="g").result().to_dict()
    objects = pd.DataFrame({"p": table["p"].to_pylist(), "y": table["y"].to_pylist(), "g": pd.Categorical(plain["g"])})
    frames = [table, pl.from_arrow(table), pl.from_arrow(table).lazy(), duckdb.from_arrow(table), objects]
    frames += [
        table.to_pandas(types_mapper=pd.ArrowDtype),
        pl.DataFrame(plain, schema_overrides={"g": pl.Enum(["b", "a"])}),
    ]
    for frame in frames:
        close(ml.promise_sums(frame, p="p", y="y", by="g").result().to_dict(), known)


def test_days_and_times_with_and_without_a_zone():
    pl, pa, duckdb = (pytest.importorskip(name) for name in ("polars", "pyarrow", "duckdb"))
    east = datetime.timezone(datetime.timedelta(hours=-5))
    late = [
        datetime.datetime(2026, 1, 1, 23, 30, tzinfo=east),
        datetime.datetime(2026, 1, 2, 1, tzinfo=datetime.UTC),
    ] * 40
    came = [datetime.datetime(2026, 2, 1, tzinfo=datetime.UTC), None, None, None] * 20
    table = pa.table(
        {"t": pa.array(late, pa.timestamp("us", "America/New_York")), "a": pa.array(came, pa.timestamp("us", "UTC"))}
    )
    days = pd.DataFrame(
        {"t": [datetime.date(2026, 1, 2)] * 80, "a": [datetime.date(2026, 2, 1), None, None, None] * 20}
    )
    known = ml.matured_sums(days, time="t", arrival="a")
    link = duckdb.connect()
    link.execute("set TimeZone = 'UTC'")
    for frame in (table, pl.from_arrow(table), pl.from_arrow(table).lazy(), table.to_pandas(), link.from_arrow(table)):
        assert ml.matured_sums(frame, time="t", arrival="a") == known
    link.execute("set TimeZone = 'America/New_York'")
    with pytest.raises(ValueError, match="SET TimeZone = 'UTC'"):
        ml.matured_sums(link.from_arrow(table), time="t", arrival="a")


def test_matured_on_any_day_from_the_same_sums():
    rng = np.random.default_rng(5)
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 120, 2_000), unit="D")
    lag = pd.to_timedelta(rng.gamma(2, 15, 2_000).astype(int), unit="D")
    arrival = pd.Series(days + lag).where(rng.random(2_000) < 0.2)
    value = np.where(arrival.isna(), NAN, rng.choice([0.0, 30.0], 2_000, p=[0.2, 0.8]))
    decisions = pd.DataFrame({"case": range(2_000), "time": days})
    outcomes = decisions.assign(kind="x", arrival=arrival, value=value).dropna(subset=["arrival"])
    sums = ml.matured_sums(pd.DataFrame({"t": days, "a": arrival, "v": value}), time="t", arrival="a", value="v")
    for as_of in ("2026-04-01", "2026-05-15"):
        law = {"as_of": as_of, "delay": lambda age: np.minimum(age / 90, 1)}
        found, known = sums.result(**law), matured(decisions, outcomes, **law)
        close(
            {k: v for k, v in found.to_dict().items() if k != "labels"},
            {k: v for k, v in known.to_dict().items() if k != "labels"},
        )
        assert found.labels["cases"].sum() == known.n
        assert found.labels.loc[found.labels["y"] == 1, "cases"].sum() == (known.labels["y"] == 1).sum()
    with pytest.raises(ValueError, match="at least one taken by 2025-01-01"):
        sums.result(as_of="2025-01-01", delay=lambda age: age >= 1)


# what a kind keeps ----------------------------------------------------------------------------------------------------


def test_a_grid_says_what_it_may_miss():
    rng = np.random.default_rng(2)
    p = rng.random(5_000)
    rows = {"p": p, "y": (rng.random(5_000) < p).astype(int), "gain": rng.lognormal(2, 1, 5_000)}
    asked = {"y": "y", "p": "p", "gain_tp": "gain", "cost_fp": 6.0}
    exact = ml.threshold_sums(rows, **asked).result()
    assert ml.threshold_sums(rows, **asked).missed() == 0
    for grid in (8, 64, 4096):
        sums = ml.threshold_sums(rows, **asked, grid=grid)
        found = sums.result()
        assert len(found.profit) <= grid + 2
        places = np.searchsorted(-exact.threshold, -found.threshold)
        assert found.profit == pytest.approx(exact.profit[places])  # what it has, it has exactly
        gap = exact.profit.max() - found.profit.max()
        assert -1e-9 <= gap <= sums.missed() + 1e-9
    for grid in (0, 3, 100):
        with pytest.raises(ValueError, match="grid must be"):
            ml.threshold_sums(rows, **asked, grid=grid)


def best(money):
    """Where the best threshold lies, what it earns and whom it acts on."""
    return pytest.approx((money.threshold[money.best], money.profit[money.best], money.acted[money.best]), rel=1e-9)


@engines
def test_the_best_threshold_of_all_scores_on_every_engine(engine, monkeypatch):
    monkeypatch.setattr(prediction, "_ALL_AT_ONCE", 20)
    columns = {name: col(ROWS, name) for name in ("y", "p", "money", "cost", "w")}
    for room in (None, 60.0):
        asked = {"gain_tp": columns["money"], "cost_fp": columns["cost"], "weights": columns["w"], "capacity": room}
        wanted = money_by_threshold(columns["y"], columns["p"], **asked)
        asked = {"gain_tp": "money", "cost_fp": "cost", "weights": "w", "capacity": room, "grid": 8}
        found = ml.best_threshold(engine(ROWS), y="y", p="p", **asked)
        assert (found.threshold[found.best], found.profit[found.best], found.acted[found.best]) == best(wanted)
        assert found.profit[[0, -1]] == pytest.approx(wanted.profit[[0, -1]], rel=1e-9)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), few=st.integers(0, 9), finest=st.integers(4, 14), grid=st.integers(0, 3))
def test_the_best_threshold_is_that_of_brute_force(monkeypatch, seed, few, finest, grid):
    """Cells are opened again and again, until nothing can be better; ties and capacities included."""
    rng = np.random.default_rng([11, seed])
    n = int(rng.integers(2, 60))
    p = rng.choice([0, -0.0, 0.1, 0.25, 0.5, 0.5000001, 1], n) if seed % 3 == 0 else rng.random(n)
    rows = {"p": p, "y": rng.integers(0, 2, n), "gain": rng.normal(5, 20, n), "w": rng.integers(1, 4, n) * 1.0}
    rows["gain"][0] = 50  # so that there is something to decide
    prices = {"gain_tp": "gain" if seed % 2 else 7.0, "cost_fp": 3.0, "cost_fn": 1.0, "gain_tn": 0.5}
    prices |= {"weights": "w" if seed % 5 == 0 else None}
    room = float(rng.integers(0, n)) if seed % 7 < 3 else None
    in_memory = {name: rows[x] if isinstance(x, str) else x for name, x in prices.items()}
    wanted = money_by_threshold(rows["y"], p, **in_memory, capacity=room)
    for name, x in {"_ALL_AT_ONCE": few, "_FINER": 4, "_FINEST": 2**finest}.items():
        monkeypatch.setattr(prediction, name, x)
    found = ml.best_threshold(rows, y="y", p="p", **prices, capacity=room, grid=2**grid)
    assert (found.threshold[found.best], found.profit[found.best], found.acted[found.best]) == best(wanted)


@pytest.mark.parametrize("engine", [polars_lazy, duck], ids=lambda engine: engine.__name__)
def test_the_best_threshold_of_many_scores_fetches_few(engine, monkeypatch):
    rng = np.random.default_rng(4)
    p = rng.beta(0.5, 3, 200_000)
    rows = {"p": p.tolist(), "y": (rng.random(p.size) < p).astype(int).tolist()}
    fetched, collect = [], nw.LazyFrame.collect

    def watched(self, *args, **kwargs):
        found = collect(self, *args, **kwargs)
        fetched.append(len(found))
        return found

    monkeypatch.setattr(nw.LazyFrame, "collect", watched)
    monkeypatch.setattr(prediction, "_ALL_AT_ONCE", 1_000)
    found = ml.best_threshold(engine(rows), y="y", p="p", gain_tp=45, cost_fp=5)
    assert (found.threshold[found.best], found.profit[found.best], found.acted[found.best]) == best(
        money_by_threshold(rows["y"], p, gain_tp=45, cost_fp=5)
    )
    assert sum(fetched) < 20_000


def test_what_a_grid_misses_within_a_capacity():
    rng = np.random.default_rng(6)
    p = rng.random(10_000)
    rows = {"p": p, "y": (rng.random(p.size) < p).astype(int)}
    asked = {"y": "y", "p": "p", "gain_tp": 10, "cost_fp": 3}
    for room in (0, 300, 5_000):
        sums, exact = ml.threshold_sums(rows, **asked, grid=16), ml.best_threshold(rows, **asked, capacity=room)
        found = sums.result(capacity=room)
        gap = exact.profit[exact.best] - found.profit[found.best]
        assert 0 <= gap <= sums.missed(capacity=room) + 1e-9


def test_a_useless_score_is_searched_in_groups_that_fit(monkeypatch):
    rng = np.random.default_rng(7)
    p, y = rng.random(30_000), rng.integers(0, 2, 30_000)
    asked, groups = [], prediction.threshold_sums
    monkeypatch.setattr(prediction, "_ALL_AT_ONCE", 1_000)
    monkeypatch.setattr(prediction, "threshold_sums", lambda *a, **k: asked.append(groups(*a, **k)) or asked[-1])
    found = ml.best_threshold({"p": p, "y": y}, y="y", p="p", gain_tp=1, cost_fp=1, grid=16)
    assert (found.threshold[found.best], found.profit[found.best], found.acted[found.best]) == best(
        money_by_threshold(y, p, gain_tp=1, cost_fp=1)
    )
    assert len(asked) > 2
    assert max(len(one.table) for one in asked) <= 1_000


def test_a_frame_that_gives_other_rows_each_time_is_no_frame():
    import duckdb

    rng = np.random.default_rng(8)
    p = rng.random(20_000)
    rows = pd.DataFrame({"p": p, "y": (rng.random(p.size) < p).astype(int)})
    sample = duckdb.from_df(rows).filter("random() < 0.5")
    with pytest.raises(ValueError, match="same rows each time it is read"):
        ml.best_threshold(sample, y="y", p="p", gain_tp=10, cost_fp=3, grid=16)


@pytest.mark.parametrize("large", [{"gain_tp": "g", "cost_fp": 3}, {"gain_tp": 5, "cost_fp": 3, "weights": "g"}])
def test_amounts_too_large_to_be_added_up(large):
    rows = {"p": [0.1, 0.4, 0.9] * 9, "y": [0, 1, 1] * 9, "g": [1e308] * 27}
    for ask in (
        lambda: ml.best_threshold(rows, y="y", p="p", **large),
        lambda: ml.threshold_sums(rows, y="y", p="p", **large, grid=4).missed(),
        lambda: ml.value_sums(rows, y="y", p="p", **large, threshold=0.3, rate=0.5).result(),
    ):
        with pytest.raises(ValueError, match="small enough to be added up"):
            ask()


@pytest.mark.parametrize("engine", [polars_lazy, duck, pandas_numpy], ids=lambda engine: engine.__name__)
def test_names_of_columns_mean_themselves(engine):
    """Columns called like a part of another, and names that the query itself would use."""
    rng = np.random.default_rng(9)
    rows = {name: rng.normal(shift, 1, 500).tolist() for name, shift in (("a", 0), ("a_1", 0.5), ("1_2", 0.2))}
    rows["a_1"][::3] = [None] * len(rows["a_1"][::3])
    cut = {name: [-1.0, 0.0, 1.0] for name in rows}
    table = ml.profile_sums(engine(rows), columns=list(rows), edges=cut).table
    for name, values in rows.items():
        there = [x for x in values if x is not None]
        cells = table[table["column"] == name].set_index("cell")["rows"].to_dict()
        wanted = dict(enumerate(np.bincount(np.searchsorted(cut[name], there), minlength=4).tolist()))
        assert cells == wanted | ({None: 500 - len(there)} if len(there) < 500 else {})
    odd = {"p_in__": [0.1, 0.2], "y": [0, 1], "^p.*$": [0.3, 0.4], "p": [0.1, 0.5]}
    for name, why in (("p_in__", "must not end in '__'"), ("^p.*$", "like a pattern")):
        for ask in (
            lambda name=name: ml.threshold_sums(engine(odd), y="y", p="p", gain_tp=name, cost_fp=1),
            lambda name=name: ml.segment_sums(engine(odd), segment=name),
        ):
            with pytest.raises(ValueError, match=why):
                ask()


@pytest.mark.parametrize("engine", [polars_lazy, polars_eager, duck, pandas_numpy, arrow], ids=lambda e: e.__name__)
def test_a_profile_of_text_alone(engine):
    table = ml.profile_sums(engine({"t": ["a", "b", "b"]}), columns=["t"]).table
    assert dict(zip(table["cell"], table["rows"], strict=True)) == {None: 3, "a": 1, "b": 2}


def test_columns_that_are_asked_for_as_numbers():
    rows = {"p": [0.1, 0.4], "y": [0, 1]}
    for wrong in ({"y": 3, "p": "p"}, {"y": "y", "p": 3}, {"y": None, "p": "p"}, {"y": "y", "p": "p", "weights": 2.0}):
        name = next(name for name in ("y", "p", "weights") if not isinstance(wrong.get(name, ""), str))
        with pytest.raises(TypeError, match=f"^{name} must be the name of a column"):
            ml.best_threshold(rows, **wrong, gain_tp=5, cost_fp=1)
    with pytest.raises(ValueError, match="edges must be those of the columns p; got some of 'q'"):
        ml.profile_sums(rows, columns=["p"], edges={"q": [1.0]})
    for grid in (0, 2**31, 10**400):
        with pytest.raises(ValueError, match="grid must be ≥ 1 and ≤ 1073741824"):
            ml.capacity_sums(rows, gain="p", grid=grid, most=1.0)


def test_equal_gains_fill_what_is_left_of_a_capacity():
    rows = {"gain": [9.0] + [8.5] * 50 + [1.0] * 5}
    for asked in ({}, {"grid": 64, "most": 9.0}):
        found = ml.capacity_sums(rows, gain="gain", **asked).result(20)
        assert (found.cases, found.used, found.left_over, found.at_least) == (20, 20, 31, 8.5)
        assert found.gain == pytest.approx(9 + 19 * 8.5)
        assert found.bound == pytest.approx(found.gain)
    whole = ml.capacity_sums(rows, gain="gain", units=2.0).result(21)
    assert (whole.cases, whole.used, whole.left_over) == (10, 20, 41)
    assert ml.capacity_sums(rows, gain="gain").result(51).left_over == 0


def test_a_capacity_as_a_threshold_has_the_same_price():
    rng = np.random.default_rng(3)
    gain, hours = np.round(rng.normal(5, 10, 800), 3), rng.choice([0.5, 1.0, 3.0], 800)
    for room in (0.0, 7.0, 200.0, 1e6):
        best = within_capacity(gain, room, units=hours)
        cut = ml.capacity_sums({"g": gain, "h": hours}, gain="g", units="h").result(room)
        assert (cut.shadow_price, cut.bound) == pytest.approx((best.shadow_price, best.bound), rel=1e-6)
        assert cut.gain <= best.gain + 1e-9 <= cut.bound * (1 + 1e-6) + 1e-6
        chosen = (gain > 0) & (gain / hours >= cut.at_least)
        assert (cut.cases, cut.gain, cut.used) == pytest.approx((chosen.sum(), gain[chosen].sum(), hours[chosen].sum()))
        rough = ml.capacity_sums({"g": gain, "h": hours}, gain="g", units="h", grid=64, most=40.0).result(room)
        assert rough.gain <= best.gain + 1e-9 <= rough.bound * (1 + 1e-6) + 1e-6
    with pytest.raises(ValueError, match="grid and most belong together"):
        ml.capacity_sums({"g": gain}, gain="g", grid=8)


def test_coverage_is_that_of_the_labelled_rows_beside_all():
    frame = pd.DataFrame(
        {"num": col(ROWS, "num"), "text": ROWS["text"], "known": ROWS["known"], "flag": np.arange(N) % 3 == 0}
    )
    sums = ml.coverage_sums(frame, labelled="known", columns=["num", "text", "flag"])
    known = label_coverage(frame[frame["known"] == 1], frame, columns=["num", "text", "flag"])
    found = sums.result()
    order = ["column", "cell"]
    one, two = (x.frame().sort_values(order, ignore_index=True) for x in (found, known))
    pd.testing.assert_frame_equal(one, two, check_dtype=False, rtol=1e-12)
    assert (found.n_labelled, found.n_population, found.tests) == (known.n_labelled, known.n_population, known.tests)
    with pytest.raises(ValueError, match="true in at least one row"):
        ml.coverage_sums(frame.assign(known=0), labelled="known", columns=["num"]).result()


def test_a_profile_on_the_edges_of_the_rows_is_the_drift_report():
    one, two = (
        pd.DataFrame({"num": col(rows, "num"), "text": rows["text"], "flag": np.array(rows["y"]) == 1})
        for rows in (REFERENCE, ROWS)
    )
    kept = ml.profile_sums(one, columns=["num", "text", "flag"])
    found = ml.profile_sums(two, columns=["num", "text", "flag"], like=kept).result(kept)
    close(found.to_dict(), drift_report(one, two).to_dict())
    assert kept.edges["text"] is None


@pytest.mark.parametrize("engine", [polars_lazy, duck])
def test_a_profile_of_rows_elsewhere_is_cut_by_the_engine(engine):
    rows = {
        "x": np.random.default_rng(0).normal(size=1_000).tolist(),
        "zero": [0.0] * 700 + list(map(float, range(300))),
    }
    kept = ml.profile_sums(engine(rows), columns=["x", "zero"])
    cells = [kept.table.loc[kept.table["column"] == "x", "rows"].to_numpy()]
    assert cells[0].size == 10
    assert abs(cells[0] - 100).max() <= 1
    assert kept.result(kept).flagged == []
    assert 701 in set(kept.table.loc[kept.table["column"] == "zero", "rows"])  # what is frequent has a cell of its own


def test_a_column_of_ids_is_no_profile(monkeypatch):
    frame = {"id": [f"order {i}" for i in range(200)]}
    one = ml.profile_sums(frame, columns=["id"])
    assert one.result(one).left_out
    monkeypatch.setattr("mllayers.sums.data._MOST_VALUES", 100)
    with pytest.raises(ValueError, match="column 'id' has more than 100 values"):
        ml.profile_sums(frame, columns=["id"])


def test_labels_that_are_lighter_than_what_was_not_drawn():
    y, pi = [1.0] * 5 + [0.0] * 45 + [None] * 60, [0.5] * 100 + [0.01] * 10
    one = ml.rate_sums({"y": y[:70], "pi": pi[:70]}, y="y", propensity="pi")
    two = ml.rate_sums({"y": y[70:], "pi": pi[70:]}, y="y", propensity="pi")
    known = weighted_rate([NAN if x is None else x for x in y], pi)
    close((one + two).result().to_dict(), known.to_dict())
    assert two.table.loc[two.table["state"] == "heavier", "n_cases"].sum() == 40  # there was no label among these rows
    labels = {"y": [1] * 3 + [0] * 17}
    alone = ml.rate_sums(labels, y="y", propensity=0.1).result(population=200)
    close(alone.to_dict(), weighted_rate(labels["y"], 0.1, population=200).to_dict())


def test_amounts_all_alike_have_lost_their_spread():
    rows = {"y": [1, 1] * 200, "t": [0, 1] * 200, "v": (1e9 + np.arange(400) / 400).tolist()}
    with pytest.raises(ValueError, match=r"so alike .* take off what they have in common first"):
        ml.effect_sums(rows, y="y", treated="t", value="v").result()


def test_what_a_sum_says_of_itself():
    sums = ASKED["promise"](pandas_nullable(ROWS))
    assert repr(sums) == f"promise sums of {N} rows"
    assert sums.frame() is not sums.table
    for name in ("calibration", "threshold", "promise", "segment", "value", "effect", "capacity", "policy"):
        with pytest.raises(ValueError, match=r"at least"):
            answer(name, ASKED[name](pandas_nullable(ROWS).iloc[:0]))


@pytest.mark.cluster
@pytest.mark.parametrize("name", ["promise", "effect", "threshold", "value"])
def test_dask_sums_up_its_partitions(name, expected):
    dask, dd = pytest.importorskip("dask"), pytest.importorskip("dask.dataframe")
    frame = dd.from_pandas(pandas_nullable(ROWS), npartitions=3)
    parts = dask.compute(*[dask.delayed(ASKED[name])(part) for part in frame.to_delayed()])
    assert len(parts) == 3
    close(answer(name, sum(parts)), expected[name])
