"""One policy, every engine: the same actions and the same cents on a table of nasty rows, lazily where it can be."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from mllayers.decision import Action, Menu, Policy, Segments, Tier, Tiers, best_tiers, fits_capacity, within_capacity

NAN, THIRD = float("nan"), 0.1 + 0.2  # 0.30000000000000004: a boundary that no short decimal names

# One table of nasty rows. Each column is plain Python, None is NULL; every engine is given exactly these.
ROWS = {
    "id": list(range(14)),
    "score": [None, NAN, 0.0, -0.0, 0.05, math.nextafter(0.05, 0), 0.3, THIRD, math.nextafter(THIRD, 1), 0.8,
              math.nextafter(0.8, 0), 1.0, 5e-324, 0.9999999999999999],
    "amount": [80.0, 80.0, 0.0, -0.0, 1_000.0, 1e-9, 80.0, 80.0, None, NAN, 80.0, 0.1, 5_000.0, 1e6],
    "cluster": [0, 1, 2, None, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0],
    "segment": ["new", "old", None, "new", "old", "new", "old", "new", "old", "new", "old", "new", "old", "new"],
}  # fmt: skip
N = len(ROWS["id"])


def pandas_numpy(rows):
    return pd.DataFrame({name: _numpy_column(column) for name, column in rows.items()})


def _numpy_column(column):
    return column if isinstance(next(x for x in column if x is not None), str) else pd.Series(column, dtype="float64")


def pandas_nullable(rows):
    kinds = {float: "Float64", int: "Int64", str: "string"}
    return pd.DataFrame({k: pd.array(v, kinds[type(next(x for x in v if x is not None))]) for k, v in rows.items()})


def pandas_pyarrow(rows):
    pa = pytest.importorskip("pyarrow")
    return pd.DataFrame({k: pd.Series(pd.arrays.ArrowExtensionArray(pa.array(v))) for k, v in rows.items()})


def polars_eager(rows):
    return pytest.importorskip("polars").DataFrame(rows, strict=True)


def polars_lazy(rows):
    return polars_eager(rows).lazy()


def arrow(rows):
    return pytest.importorskip("pyarrow").table(rows)


def duck(rows):
    return pytest.importorskip("duckdb").from_arrow(arrow(rows))


_SPARK = []


def spark(rows):
    sql = pytest.importorskip("pyspark.sql", reason="PySpark is not installed")
    if not _SPARK:
        try:
            made = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
            made = made.config("spark.sql.shuffle.partitions", "1").config("spark.driver.host", "127.0.0.1")
            _SPARK.append(made.getOrCreate())
        except Exception as error:  # no Java, no Spark
            pytest.skip(f"Spark does not start: {error}")
    kinds = {float: "double", int: "long", str: "string"}
    schema = ", ".join(f"{k} {kinds[type(next(x for x in v if x is not None))]}" for k, v in rows.items())
    return _SPARK[0].createDataFrame(list(zip(*rows.values(), strict=True)), schema)


EAGER = [pandas_numpy, pandas_nullable, pandas_pyarrow, polars_eager, arrow]
LAZY = [polars_lazy, duck, pytest.param(spark, marks=pytest.mark.cluster)]
engines = pytest.mark.parametrize("engine", EAGER + LAZY, ids=lambda engine: engine.__name__)
eager_engines = pytest.mark.parametrize("engine", EAGER, ids=lambda engine: engine.__name__)
lazy_engines = pytest.mark.parametrize("engine", LAZY, ids=lambda engine: engine.__name__)


def columns(frame, order="id"):
    """The frame as plain columns in the order of the ids; NaN and NULL both as None."""
    if hasattr(frame, "toArrow"):
        frame = frame.toArrow()
    elif hasattr(frame, "collect"):
        frame = frame.collect()
    elif hasattr(frame, "to_arrow_table"):
        frame = frame.to_arrow_table()
    if isinstance(frame, pd.DataFrame):
        plain = {name: frame[name].astype(object).to_list() for name in frame}
    else:
        plain = frame.to_pydict() if hasattr(frame, "to_pydict") else frame.to_dict(as_series=False)
    ranked = sorted(range(len(plain[order])), key=plain[order].__getitem__)
    return {name: [None if pd.isna(x[i]) else x[i] for i in ranked] for name, x in plain.items()}


SHIP = Action("ship", gain="ship_loss", cost="ship_cost", owner="checkout")
SHIP0, REVIEW, BLOCK = (
    Action(name, cost=cost, owner="desk") for name, cost in [("ship", 0), ("review", 4), ("block", 12)]
)
TIERS = Policy(Tiers(Tier(0, 0.05, SHIP0), Tier(0.05, THIRD, REVIEW, closed="both"),
                     Tier(THIRD, 0.8, BLOCK, closed="neither"), Tier(0.8, 1, REVIEW)),
               missing="review", idle="ship", holdout=0.01)  # fmt: skip
MENU = Policy(Menu(Action("nothing", 0, 0), Action("email", 0.02, 0.1, "CRM"), Action("call", 0.3, 15, "sales")),
              missing="nothing", idle="nothing", holdout=0.1)  # fmt: skip


def cards(actions, missing):
    return Policy(Segments(actions), missing=missing, holdout=0)


def by_hand(score):
    if score is None or math.isnan(score):
        return "review"
    if score < 0.05:
        return "ship"
    return "review" if score <= THIRD or score >= 0.8 else "block"


def worth_by_hand(score, amount):
    if any(x is None or math.isnan(x) for x in (score, amount)):
        return "nothing", None
    worth = {a.name: score * (a.gain * amount) - a.cost for a in MENU.rule}
    best = max(worth.values())
    return [name for name, x in worth.items() if x == best][-1], best


@engines
def test_tiers_agree_on_every_nasty_row(engine):
    frame = engine(ROWS)
    decided = TIERS.decide(frame, score="score")
    assert type(decided) is type(frame)
    assert columns(decided)["action"] == [by_hand(score) for score in ROWS["score"]]
    assert list(columns(decided)) == [*ROWS, "action"]


@engines
def test_expected_values_agree_to_the_bit(engine):
    frame = engine(ROWS)
    decided = MENU.decide(frame, score="score", value="amount", into="do")
    assert type(decided) is type(frame)
    actions, worth = zip(*map(worth_by_hand, ROWS["score"], ROWS["amount"]), strict=True)
    assert columns(decided)["do"] == list(actions)
    assert columns(decided)["do_value"] == list(worth)


@engines
def test_gains_and_costs_from_columns(engine):
    money = {"id": [0, 1, 2, 3], "p": [0.02, 0.3, 0.95, 0.5], "ship_loss": [-100.0, -100.0, -100.0, None],
             "ship_cost": [-24.0, -24.0, -24.0, -24.0], "margin": [-24.0, -24.0, -24.0, -24.0]}  # fmt: skip
    money["review_cost"] = [4 + x for x in money["margin"]]
    review = Action("review", gain="margin", cost="review_cost", owner="desk")
    policy = Policy(Menu(SHIP, review, Action("block", 12, 12, "desk")), missing="review", holdout=0)
    decided = columns(policy.decide(engine(money), score="p"))
    assert decided["action"] == ["ship", "review", "block", "review"]
    assert decided["action_value"][:3] == pytest.approx([22.0, 12.8, -0.6])
    assert decided["action_value"][3] is None


@engines
def test_segments_agree(engine):
    plain, call = Action("nothing", cost=0, owner="CRM"), Action("call", cost=15, owner="sales")
    frame = engine(ROWS)
    clusters = cards({0: plain, 1: call, 2: "nothing"}, "call")
    decided = clusters.decide(frame, segment="cluster")
    assert type(decided) is type(frame)
    assert columns(decided)["action"] == ["call" if x in (1, None) else "nothing" for x in ROWS["cluster"]]
    words = cards({"new": call, "old": plain}, "nothing")
    assert columns(words.decide(frame, segment="segment"))["action"] == [
        "call" if x == "new" else "nothing" for x in ROWS["segment"]
    ]


@engines
def test_capacity_in_the_engine_is_the_ranking(engine):
    rows = {
        "id": [5, 4, 3, 2, 1, 0],
        "gain": [10.0, 30.0, -2.0, 10.0, 0.0, 9.0],
        "hours": [1.0, 2.0, 0.1, 1.0, 1.0, 3.0],
    }
    frame = engine(rows)
    slots = fits_capacity(frame, "gain", 2, ties="id")
    assert type(slots) is type(frame)
    assert list(columns(slots)) == [*rows, "fits"]
    assert columns(slots)["fits"] == [False, False, True, False, True, False]  # id 2 before id 5, both 10
    hours = columns(fits_capacity(frame, "gain", 3, units="hours", ties=["id"], into="take"))
    assert hours["take"] == [False, False, True, False, True, False]
    everything = columns(fits_capacity(frame, "gain", 7.0, units="hours", ties="id"))
    assert everything["fits"] == [True, False, True, False, True, True]
    tenths = engine({"id": [0, 1, 2], "gain": [1.0, 1.0, 1.0], "hours": [0.1, 0.1, 0.1]})
    assert all(columns(fits_capacity(tenths, "gain", 0.3, units="hours", ties="id"))["fits"])


BAD_SCORES = [1.0000000000000002, -5e-324, 1.7, math.inf, -math.inf]


@eager_engines
@pytest.mark.parametrize("bad", BAD_SCORES)
def test_scores_outside_are_refused_at_once(engine, bad):
    frame = engine({"id": [0, 1, 2], "score": [0.5, None, bad]})
    with pytest.raises(ValueError, match=r"score must lie in \[0, 1\]; got score = .* at row 2"):
        TIERS.decide(frame, score="score")


@lazy_engines
@pytest.mark.parametrize("bad", BAD_SCORES)
def test_scores_outside_stop_a_lazy_engine_when_it_runs(engine, bad):
    frame = engine({"id": [0, 1, 2], "score": [0.5, None, bad]})
    decided = TIERS.decide(frame, score="score")
    with pytest.raises(Exception, match=r"score must lie in \[0, 1\]"):
        columns(decided)


@eager_engines
def test_other_bad_rows_are_refused_at_once(engine):
    frame = engine({"id": [0, 1], "p": [0.5, 0.5], "v": [1.0, math.inf], "h": [1.0, 0.0], "k": [0, 7], "s": ["a", "x"]})
    with pytest.raises(ValueError, match=r"p must lie in \[0, 1\] and v be finite; got p = 0.5, v = inf at row 1"):
        MENU.decide(frame, score="p", value="v")
    with pytest.raises(ValueError, match=r"v must be a finite number; got v = inf at row 1"):
        fits_capacity(frame, "v", 1, ties="id")
    with pytest.raises(ValueError, match=r"and h be > 0 and finite; got p = 0.5, h = 0.0 at row 1"):
        fits_capacity(frame, "p", 1, units="h", ties="id")
    call = Action("call", cost=15, owner="sales")
    for column, segments in {"k": {0: call, 1: call}, "s": {"a": call}}.items():
        with pytest.raises(
            ValueError, match=rf"{column} must be a segment with an action \(.*\); got {column} = .* at row 1"
        ):
            cards(segments, call).decide(frame, segment=column)
    with pytest.raises(ValueError, match=r"g must be a finite number; got g = .* at row 0"):
        fits_capacity(engine({"id": [0, 1], "g": [None, 1.0]}), "g", 1, ties="id")


@lazy_engines
def test_other_bad_rows_stop_a_lazy_engine_when_it_runs(engine):
    frame = engine({"id": [0, 1], "p": [0.5, 0.5], "v": [1.0, math.inf], "h": [1.0, 0.0], "k": [0, 7], "s": ["a", "x"],
                    "g": [None, 1.0]})  # fmt: skip
    call = Action("call", cost=15, owner="sales")
    one, word = (cards({x: call}, call) for x in (0, "a"))
    for make, told in {
        lambda: MENU.decide(frame, score="p", value="v"): "v be finite",
        lambda: fits_capacity(frame, "v", 1, ties="id"): "v must be a finite number",
        lambda: fits_capacity(frame, "p", 1, units="h", ties="id"): "h be > 0 and finite",
        lambda: fits_capacity(frame, "g", 1, ties="id"): "g must be a finite number",
        lambda: one.decide(frame, segment="k"): "k must be a segment with an action",
        lambda: word.decide(frame, segment="s"): "s must be a segment with an action",
    }.items():
        decided = make()
        with pytest.raises(Exception, match=told):
            columns(decided)


@engines
def test_columns_are_checked_before_anything_runs(engine):
    frame = engine(ROWS)
    with pytest.raises(ValueError, match="frame must have the column 'p'; it has id, score"):
        TIERS.decide(frame, score="p")
    with pytest.raises(TypeError, match="column 'segment' must hold numbers; it holds"):
        TIERS.decide(frame, score="segment")
    with pytest.raises(TypeError, match="column 'cluster' must hold text; it holds"):
        cards({"a": REVIEW}, REVIEW).decide(frame, segment="cluster")
    with pytest.raises(ValueError, match=r"frame already has the column 'amount'; .* into=…"):
        TIERS.decide(frame, score="score", into="amount")
    with pytest.raises(ValueError, match="frame must have the column 'who'"):
        fits_capacity(frame, "amount", 3, ties="who")


def float32_frames():
    scores = np.array([0.05, 0.7, 0.8, 0.3, 1.0], dtype=np.float32)
    yield pd.DataFrame({"id": range(5), "score": scores})
    pa = pytest.importorskip("pyarrow")
    yield pa.table({"id": range(5), "score": pa.array(scores)})
    pl = pytest.importorskip("polars")
    yield pl.DataFrame({"id": range(5), "score": scores})
    yield pl.DataFrame({"id": range(5), "score": scores}).lazy()
    duckdb = pytest.importorskip("duckdb")
    yield duckdb.sql("select i::int as id, s::float as score from "
                     "(values (0, 0.05), (1, 0.7), (2, 0.8), (3, 0.3), (4, 1.0)) as t(i, s)")  # fmt: skip


def test_float32_scores_are_compared_in_64_bits_everywhere():
    policy = Policy(Tiers(Tier(0, 0.7, SHIP0), Tier(0.7, 1, BLOCK)), missing="block", holdout=0)
    for frame in float32_frames():
        assert columns(policy.decide(frame, score="score"))["action"] == ["ship", "ship", "block", "ship", "block"]


def test_whole_and_decimal_scores_are_numbers_too():
    pa = pytest.importorskip("pyarrow")
    duckdb = pytest.importorskip("duckdb")
    whole = pd.DataFrame({"id": [0, 1], "score": [0, 1]})
    assert columns(TIERS.decide(whole, score="score"))["action"] == ["ship", "review"]
    exact = pa.table({"id": [0, 1], "score": pa.array([Decimal("0.05"), Decimal("0.79")], pa.decimal128(20, 2))})
    for frame in (exact, duckdb.from_arrow(exact)):
        assert columns(TIERS.decide(frame, score="score"))["action"] == ["review", "block"]


def test_lazy_frames_are_not_run():
    pl = pytest.importorskip("polars")
    asked = []

    def spy(frame):
        asked.append(len(frame))
        return frame

    lazy = polars_lazy(ROWS).map_batches(spy, schema=polars_eager(ROWS).schema)
    decided = TIERS.decide(lazy, score="score")
    chosen = fits_capacity(decided.with_columns(gain=pl.lit(1.0)), "gain", 3, ties="id")
    assert asked == []
    assert chosen.collect().height == N == asked[0]


def test_pandas_index_and_the_callers_frame_stay_as_they_are():
    frame = pandas_numpy(ROWS).set_axis([7] * N)
    before = frame.copy()
    decided = fits_capacity(TIERS.decide(frame, score="score"), "id", 3, ties="id")
    assert decided.index.equals(frame.index)
    pd.testing.assert_frame_equal(frame, before)
    assert decided["fits"].sum() == 3


@pytest.mark.cluster
def test_dask_goes_partition_by_partition():
    dd = pytest.importorskip("dask.dataframe", reason="Dask is not installed")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"score": rng.random(1_000), "id": range(1_000)})
    parts = dd.from_pandas(frame, npartitions=4).map_partitions(lambda part: part.reset_index(drop=True))
    meta = frame.head(0).assign(action="")
    decided = parts.map_partitions(TIERS.decide, score="score", meta=meta).compute()
    assert decided["action"].to_list() == TIERS.decide(frame, score="score")["action"].to_list()
    with pytest.raises(TypeError, match=r"partition by partition: frame\.map_partitions"):
        TIERS.decide(parts, score="score")
    with pytest.raises(TypeError, match="partition by partition"):
        fits_capacity(parts, "score", 3, ties="id")


@engines
def test_the_money_agrees_to_the_cent(engine):
    rng = np.random.default_rng(1)
    rows = {"id": list(range(500)), "p": rng.random(500).tolist(), "v": rng.lognormal(5, 1.5, 500).tolist()}
    decided = columns(MENU.decide(engine(rows), score="p", value="v"))
    actions, worth = zip(*map(worth_by_hand, rows["p"], rows["v"]), strict=True)
    assert decided["action"] == list(actions)
    assert math.fsum(decided["action_value"]) == math.fsum(worth)
    fits = columns(fits_capacity(MENU.decide(engine(rows), score="p", value="v"), "action_value", 40, ties="id"))
    assert fits["fits"] == within_capacity(worth, 40).chosen.tolist()


def test_tiers_and_menu_agree_where_every_case_is_worth_the_same():
    rows = pd.DataFrame({"p": np.random.default_rng(2).random(2_000), "v": 700.0})
    tiers = Policy(best_tiers(MENU.rule, value=700.0), missing="nothing", idle="nothing", holdout=0.1)
    assert (
        tiers.decide(rows, score="p")["action"].to_list() == MENU.decide(rows, score="p", value="v")["action"].to_list()
    )


def test_what_is_no_frame_is_refused():
    for thing in ([0.1, 0.2], np.zeros(3), pd.Series([0.1])):
        with pytest.raises(TypeError, match="frame must be a pandas, Polars, PyArrow, DuckDB or PySpark frame; got a"):
            TIERS.decide(thing, score="score")


@engines
def test_whole_numbers_beyond_2_53_are_told_from_their_neighbours(engine):
    big = 2**53
    frame = engine({"id": [0, 1, 2], "k": [big + 1, None, big + 3]} if engine is not pandas_numpy else {"id": [0]})
    if engine is pandas_numpy:  # NumPy's whole numbers have no NULL
        frame = pd.DataFrame({"id": [0, 1, 2], "k": np.array([big + 1, big + 1, big + 3])})
    policy = cards({big + 1: REVIEW, big + 3: BLOCK, 2**70: SHIP0}, REVIEW)
    assert columns(policy.decide(frame, segment="k"))["action"] == ["review", "review", "block"]
    neighbour = cards({big + 2: REVIEW, big: BLOCK}, REVIEW)
    with pytest.raises(Exception, match="k must be a segment with an action"):
        columns(neighbour.decide(frame, segment="k"))


def test_floats_cannot_stand_for_whole_numbers_that_they_do_not_tell_apart():
    frame = pd.DataFrame({"k": [2.0**53]})
    with pytest.raises(TypeError, match="whole numbers, since segment 9007199254740993 has neighbours that floats"):
        cards({2**53 + 1: REVIEW}, REVIEW).decide(frame, segment="k")
    assert cards({2**53: REVIEW}, REVIEW).decide(frame, segment="k")["action"].to_list() == ["review"]


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "uint64", "Int64", "UInt16", "int64[pyarrow]"])
def test_every_kind_of_whole_number_is_a_segment(kind):
    policy = cards({0: SHIP0, 7: BLOCK, 300: REVIEW, -5: REVIEW, 2**64: REVIEW}, REVIEW)
    decided = policy.decide(pd.DataFrame({"k": pd.Series([0, 7], dtype=kind)}), segment="k")
    assert decided["action"].to_list() == ["ship", "block"]


def empties():
    pa, pl, duckdb = (pytest.importorskip(name) for name in ("pyarrow", "polars", "duckdb"))
    yield pd.DataFrame({"id": [0, 1], "x": pd.Series([None, None], dtype=object)})
    yield pd.DataFrame({"id": [0, 1], "x": pd.Series([None, None], dtype="float64")})
    yield pl.DataFrame({"id": [0, 1], "x": [None, None]})
    yield pl.LazyFrame({"id": [0, 1], "x": [None, None]})
    yield pa.table({"id": [0, 1], "x": pa.nulls(2)})
    yield duckdb.sql("select id, null as x from (values (0), (1)) as t(id)")


def test_a_column_of_nothing_but_null_is_a_column_of_missing_scores_and_segments():
    for frame in empties():
        assert columns(TIERS.decide(frame, score="x"))["action"] == ["review", "review"]
        assert columns(cards({0: SHIP0}, REVIEW).decide(frame, segment="x"))["action"] == ["review", "review"]
        assert columns(MENU.decide(frame, score="x"))["action"] == ["nothing", "nothing"]
        planned = TIERS.plan(frame, case="id", time="2026-03-01", score="x", segment="x", seed=1)
        assert planned["planned"].to_list() == ["review", "review"]
    for frame in list(empties())[2:]:
        kinds = getattr(frame, "types", [])  # of DuckDB alone; to an older one a bare NULL is a whole number
        for label in [2**60, *(["a"] if "INTEGER" not in map(str, kinds[1:]) else [])]:
            assert columns(cards({label: SHIP0}, REVIEW).decide(frame, segment="x"))["action"] == ["review", "review"]


@pytest.mark.parametrize(
    "kind", ["str", "object", "string[python]", "string[pyarrow]", "large_string[pyarrow]", "category"]
)
def test_text_is_text_however_it_is_kept(kind):
    frame = pd.DataFrame({"id": [0, 1, 2], "s": pd.Series(["a", "b", None], dtype=kind)})
    policy = cards({"a": SHIP0, "b": BLOCK}, REVIEW)
    assert policy.decide(frame, segment="s")["action"].to_list() == ["ship", "block", "review"]
    rows = policy.plan(frame, case="id", time="2026-03-01", segment="s", seed=1)
    assert rows["planned"].to_list() == ["ship", "block", "review"]
    assert rows["segment"].fillna("–").to_list() == ["a", "b", "–"]


def test_names_of_columns_that_no_engine_takes_are_told_in_words():
    with pytest.raises(TypeError, match=r"score must be the name of a column, as text; got 0: name the columns first"):
        TIERS.decide(pd.DataFrame({0: [0.1]}), score=0)
    beside = TIERS.decide(pd.DataFrame({0: [1], "p": [0.1]}), score="p")
    assert beside["action"].to_list() == ["review"]
    with pytest.raises(TypeError, match="one name per column; got a MultiIndex, whose names are tuples"):
        TIERS.decide(pd.DataFrame({("a", "p"): [0.1], ("a", "q"): [0.2]}), score="p")
    with pytest.raises(ValueError, match="frame must have each column once; got 'p' more than once"):
        TIERS.decide(pd.DataFrame([[0.1, 0.2]], columns=["p", "p"]), score="p")
    rows = pd.DataFrame({"p": [0.1, 0.9]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]))
    assert TIERS.decide(rows, score="p").index.equals(rows.index)
    for odd, told in {"dates": "Datetime", "yes": "String, such as 'yes'", "flag": "Boolean, such as True"}.items():
        frame = pd.DataFrame({"dates": [pd.Timestamp("2026-03-01")], "yes": ["yes"], "flag": [True]})
        with pytest.raises(TypeError, match=f"column '{odd}' must hold numbers; it holds {told}"):
            TIERS.decide(frame, score=odd)


@engines
def test_plans_agree_on_every_engine(engine):
    frame = engine(ROWS)
    if engine is pandas_numpy:  # ids are no floats
        frame = frame.astype({"id": int})
    expected = TIERS.plan(pandas_nullable(ROWS), case="id", time="2026-03-01", score="score", segment="segment", seed=3)
    rows = TIERS.plan(frame, case="id", time="2026-03-01", score="score", segment="segment", seed=3, keep=["amount"])
    rows = rows.drop(columns="amount").sort_values("case", key=lambda x: x.astype(int)).reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, expected)
    rows = MENU.plan(frame, case="id", time="2026-03-01", score="score", value="amount", segment="cluster", seed=3)
    rows = rows.set_index("case")
    by_hand = [worth_by_hand(*pair) for pair in zip(ROWS["score"], ROWS["amount"], strict=True)]
    assert [rows["planned"][str(i)] for i in ROWS["id"]] == [name for name, _ in by_hand]
    assert [None if pd.isna(x := rows["segment"][str(i)]) else x for i in ROWS["id"]] == [
        None if x is None else str(x) for x in ROWS["cluster"]
    ]


def test_times_from_every_engine():
    pa, pl, duckdb = (pytest.importorskip(name) for name in ("pyarrow", "polars", "duckdb"))
    table = pa.table(
        {"id": [0], "p": [0.5], "t": pa.array([1_772_323_200_000_000], pa.timestamp("us", "Europe/Berlin"))}
    )
    for frame in (table, pl.from_arrow(table), table.to_pandas(), duckdb.from_arrow(table)):
        rows = TIERS.plan(frame, case="id", time="t", score="p", seed=1)
        assert rows["time"].to_list() == [pd.Timestamp("2026-03-01")]
