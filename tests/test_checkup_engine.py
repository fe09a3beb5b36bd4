"""The checkup where the rows stay in their engine: the same page as from the rows, and no row fetched."""

import datetime
import json
import math
import re

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
from test_checkup import ROLES, SENTENCE, carried_out, small
from test_engines import spark

from mllayers import datasets
from mllayers import sums as ml
from mllayers.__main__ import main
from mllayers.action import check_randomised, uplift_table
from mllayers.checkup import PRACTICE_ROLES, checkup, engine
from mllayers.data import bounds_without_audit
from mllayers.decision import CostWarning, cost_threshold
from mllayers.feedback import delay_law
from mllayers.sums import prediction

# what takes rows one by one; the page names the function
ROWS_ONLY = {"old_or_new", "best_threshold", "best_within_capacity", "prices", "before_labels", "looks"}
ROWS_ONLY |= {"alike_call", "alike_voucher"}


def arrow_of(frame):
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


def lazy(frame):
    import polars as pl

    return pl.from_arrow(arrow_of(frame)).lazy()


def duck(frame):
    import duckdb

    return duckdb.from_arrow(arrow_of(frame))


def eager(frame):
    import polars as pl

    return pl.from_arrow(arrow_of(frame))


ENGINES = {"pandas": lambda frame: frame, "pyarrow": arrow_of, "polars": eager, "lazy": lazy, "duckdb": duck}


def wider():
    """A file with a second score, an audit, weights and inspections beside the columns for each role."""
    frame, rng = small(1_600, seed=3), np.random.default_rng(4)
    frame["alt"] = (frame["p"] * 0.7).round(3)
    frame["chance_of_label"] = 0.8
    frame["stands"] = rng.choice([1.0, 2.0, 5.0], len(frame))
    frame["seen"] = frame["y"].notna().astype(int)
    frame["word"] = frame["y"].map({1.0: "yes", 0.0: "no"})
    frame["did3"] = rng.choice(["none", "call", "mail"], len(frame), p=[0.2, 0.4, 0.4])
    frame["chance3"] = frame["did3"].map({"none": 0.2, "call": 0.4, "mail": 0.4})
    return frame


CASES = {
    "practice": (datasets.load_practice, PRACTICE_ROLES),
    "small": (small, ROLES),
    "wider": (wider, {**ROLES, "audit": "chance_of_label", "rival": "alt", "least": 0.02, "least_money": 0.5,
                      "gain_tp": 40.0, "period": None, "as_of": None}),
    "words": (wider, {**ROLES, "outcome": "word", "positive": "yes", "inspected": "seen", "report_rate": (0.2, 0.5),
                      "gain_tp": 40.0, "cost_fn": "value", "only": ["data", "prediction", "decision"]}),
    "weighted": (wider, {**ROLES, "weights": "stands", "rival": "alt", "only": ["prediction", "decision"]}),
    "three": (wider, {**ROLES, "action": "did3", "propensity": {"none": 0.2, "call": 0.4, "mail": 0.4},
                      "only": ["action"]}),
}  # fmt: skip


ASKED_OF_SMALL = ["prediction", "action", "feedback"]


@pytest.fixture(scope="module")
def pages():
    """The page from the rows, made once for each case."""
    made = {}

    def page(name):
        if name not in made:
            data, roles = CASES[name]
            made[name] = checkup(data(), **{"only": ASKED_OF_SMALL if name == "small" else None, **roles})
        return made[name]

    return page


# each engine has one page of nearly all questions, and Polars the rest
ASKED = [("practice", "pandas"), ("practice", "duckdb"), ("practice", "pyarrow"), *((name, "lazy") for name in CASES)]
ASKED.remove(("small", "lazy"))


@pytest.mark.parametrize(("name", "kind"), ASKED)
def test_every_answer_is_that_of_the_rows(kind, name, pages):
    data, roles = CASES[name]
    page, frame = pages(name), ENGINES[kind](data())
    report = checkup(frame, **roles, in_engine=True)
    assert [str(gap) for gap in report.gaps if re.search(r"half-way|[A-Z]\w+Error", str(gap))] == []
    mine = {answer.key for answer in report.answers}
    assert {answer.key for answer in page.answers} - mine <= ROWS_ONLY
    assert mine - {answer.key for answer in page.answers} <= {"money_curve"}
    for ours in report.answers:
        if ours.key != "money_curve":
            theirs = page[ours.key]
            assert ours.value == pytest.approx(theirs.value, rel=1e-9, abs=1e-9), ours.key
            ends = (theirs.low, theirs.high)
            assert (ours.low, ours.high) == pytest.approx(ends, rel=1e-9, abs=1e-9, nan_ok=True), ours.key
            assert ours.question == theirs.question
            assert ours.says == theirs.says or ours.key.startswith("by_chance")  # which does not compare columns here
    if (name, kind) == ("wider", "lazy"):
        found = carried_out(report, frame)
        assert found == {a.key: pytest.approx(a.value, rel=1e-9, abs=1e-9, nan_ok=True) for a in report.answers}


def test_what_the_rows_alone_can_say_is_an_open_question():
    report = checkup(lazy(small()), **ROLES, in_engine=True)
    told = {re.search(r"`(\w+)`", gap.why)[1]: gap for gap in report.gaps if "needs the rows themselves" in gap.why}
    assert set(told) == {
        "adversarial_validation", "value_of_model", "decision_curve", "expected_performance", "check_randomised",
        "hold_out_always_valid",
    }  # fmt: skip
    assert {gap.needs for gap in told.values()} == {"Ask a sample of the rows, without in_engine=True"}
    assert any("ids of 'id'" in gap.why for gap in report.gaps)
    before = checkup(lazy(small()), **ROLES, before="age", in_engine=True, only="action")
    assert sum("what 'age' explains is taken out of each row" in gap.why for gap in before.gaps) == 2
    assert "effect" not in [answer.key for answer in before.answers]


def test_the_curve_of_money_is_the_one_that_the_rows_draw(pages):
    curve = checkup(lazy(small()), **ROLES, in_engine=True, only="prediction")["money_curve"]
    rows = pages("small")["best_threshold"]
    pd.testing.assert_frame_equal(curve.table, rows.table, rtol=1e-9)
    assert curve.says.rstrip(".") in rows.says


@pytest.mark.parametrize("kind", ["lazy", "duckdb"])
def test_no_row_is_fetched(kind, monkeypatch):
    layers = ["decision", "feedback"] if kind == "duckdb" else None
    frame, fetched, collect = ENGINES[kind](wider()), [], nw.LazyFrame.collect
    monkeypatch.setattr(engine, "_EXACT_ROWS", 100)
    monkeypatch.setattr(engine, "_GRID", 64)
    monkeypatch.setattr(prediction, "_ALL_AT_ONCE", 100)

    def watched(self, *args, **kwargs):
        found = collect(self, *args, **kwargs)
        fetched.append(len(found))
        return found

    monkeypatch.setattr(nw.LazyFrame, "collect", watched)
    report = checkup(frame, **CASES["wider"][1], in_engine=True, only=layers)
    assert len(report.answers) >= (9 if layers else 18)
    days = 120 * 41  # of decision and of arrival, for the delays: what 1,600 rows cannot be told from
    assert sorted(fetched)[-2] <= 140  # cells of the grid, or different values of a column
    assert max(fetched) <= days


def test_a_grid_says_what_it_hides(monkeypatch, pages):
    """Large frames: scores on a grid, gains on a grid, edges from the first rows."""
    monkeypatch.setattr(engine, "_EXACT_ROWS", 100)
    monkeypatch.setattr(engine, "_EDGE_ROWS", 500)
    frame, roles = wider(), {**ROLES, "only": ["data", "prediction", "decision"]}
    page, frame = checkup(frame, **roles), lazy(frame)
    report = checkup(frame, **roles, in_engine=True)
    exact = page["best_threshold"].table["profit"].max()
    assert report["money_curve"].value == pytest.approx(exact, rel=1e-9)  # looked for within the cells
    assert "on a grid of 65,536 cells of gains" in report["capacity"].trust
    assert report["capacity"].says == page["capacity"].says
    assert "the first 500 of the rows" in report["blind_spots"].trust
    assert "the first 500 of the rows of 0" in report["moved"].trust
    assert "on a grid of 65,536 cells" in report["calibration"].trust
    for key in ("calibration", "value_of_score", "threshold", "policy_gaps"):
        assert report[key].value == pytest.approx(page[key].value, rel=1e-9)
    at = [r["threshold"].table["threshold"].to_numpy() for r in (report, page)]
    assert np.abs(at[0] - at[1]).max() <= 1 / 65_536
    assert carried_out(report, frame) == {a.key: pytest.approx(a.value, rel=1e-9, abs=1e-9) for a in report.answers}


def test_a_capacity_on_a_grid_claims_no_more_than_it_knows(monkeypatch):
    monkeypatch.setattr(engine, "_EXACT_ROWS", 100)
    roles = {"score": "p", "gain_tp": 40, "cost_fp": 5, "only": "decision"}
    equal = pd.DataFrame({"p": [0.3] * 590 + [0.01] * 9 + [0.9]})  # 591 pay, 590 of them alike
    for room, told in ((100, "one more place is worth at most $8.50"), (591, "all that pay fit"), (0, "at most $35.5")):
        page, report = (checkup(make(equal), capacity=room, **roles, in_engine=inside) for make, inside in
                        ((pd.DataFrame, False), (lazy, True)))  # fmt: skip
        assert report["capacity"].says == page["capacity"].says
        assert told in page["capacity"].says
    nobody = checkup(lazy(equal), **{**roles, "gain_tp": 0.5}, capacity=9, in_engine=True)["capacity"].says
    assert nobody.endswith("0 of 600 cases fit and are expected to bring $0; no case is expected to pay.")
    monkeypatch.setattr(engine, "_GRID", 4)
    spread = equal.assign(p=np.linspace(0.2, 0.3, 600))
    report, page = checkup(lazy(spread), capacity=100, **roles, in_engine=True), checkup(spread, capacity=100, **roles)
    said = report["capacity"].says
    assert said.startswith("At least 0 of 600 cases fit and are expected to bring at least $0; 100 cases cannot bring ")
    assert "one more place" not in said
    assert page["capacity"].value <= float(re.search(r"more than \$([\d,]+)", said)[1])
    assert "cases that share a cell are taken together or not at all" in report["capacity"].trust
    assert list(report["capacity"].table.index) == ["at least fit", "at most left"]


def test_bands_that_a_grid_merges_are_told(monkeypatch):
    monkeypatch.setattr(engine, "_EXACT_ROWS", 100)
    monkeypatch.setattr(engine, "_GRID", 16)
    roles = {**ROLES, "only": ["prediction", "feedback"]}
    tiny = small().assign(p=lambda x: np.where(x["p"] < 0.2, x["p"] / 10, x["p"]))
    report = checkup(lazy(tiny), **roles, in_engine=True)
    cells = np.sort((tiny.loc[tiny["y"].notna(), "p"] * 16).astype(int))
    begins, times = np.unique(cells[[k * len(cells) // 10 for k in range(10)]], return_counts=True)
    share = float(np.isin(cells, begins[times > 1]).mean())
    n = len(report["calibration"].table)
    assert n < 10
    told = f"{n} bands instead of 10: {100 * share:.1f} % of the cases have scores so close together that the grid"
    assert told in report["calibration"].trust
    assert "bands instead of 5" in report["challenger_by_band"].trust
    ties = small().assign(p=lambda x: (x["p"] * 4).round() / 4)  # few scores: nothing is hidden
    report = checkup(lazy(ties), **roles, in_engine=True)
    assert len(report["calibration"].table) < 10
    assert "instead of" not in report["calibration"].trust + report["challenger_by_band"].trust


@pytest.mark.cluster
def test_the_page_from_spark(pages):
    frame = small().assign(**{name: small()[name].dt.strftime("%Y-%m-%d") for name in ("day", "came")})
    rows = {name: [None if pd.isna(x) else x for x in frame[name].tolist()] for name in frame}
    report = checkup(spark(rows), **ROLES, in_engine=True, only=ASKED_OF_SMALL)
    assert {answer.key for answer in report.answers} >= {"calibration", "effect", "delay", "challenger_by_band"}
    for answer in report.answers:
        if answer.key not in ("money_curve", "by_chance_call"):
            assert answer.says == pages("small")[answer.key].says


# --- columns of other types


def test_types_that_engines_have(pages):
    import polars as pl

    frame = small()
    coded = eager(frame).with_columns(pl.col("did", "region").cast(pl.Categorical), y=pl.col("y").fill_null(math.nan))
    texts = eager(frame).with_columns(pl.col("day", "came").dt.strftime("%Y-%m-%d"))
    objects = frame.assign(y=[None if np.isnan(y) else bool(y) for y in frame["y"]])
    for data in (coded.lazy(), texts.lazy(), duck(texts.to_pandas()), objects):
        report = checkup(data, **ROLES, in_engine=True, only="feedback")
        for key in ("delay", "promise_by_segment", "challenger", "never"):
            assert report[key].says == pages("small")[key].says


@pytest.mark.parametrize("kind", ["pandas", "duckdb"])
def test_a_score_of_true_and_false_is_a_number(kind):
    frame = small().assign(p=lambda x: x["p"] > 0.3, value=lambda x: x["value"] > 60)
    roles = {"score": "p", "outcome": "y", "gain_tp": "value", "cost_fp": 0.5, "capacity": 20, "only": "decision"}
    page, report = checkup(frame, **roles), checkup(ENGINES[kind](frame), **roles, in_engine=True)
    for key in ("threshold", "capacity"):
        assert report[key].says == page[key].says


def test_periods_may_be_days_or_times():
    import polars as pl

    frame = eager(small()).with_columns(start=pl.col("day").dt.truncate("1mo"))
    roles = {**ROLES, "period": "start", "only": "feedback"}
    said = checkup(frame, **roles)["promise_by_period"].says
    zoned = frame.with_columns(start=pl.col("start").dt.replace_time_zone("UTC"))
    for data in (frame.lazy(), frame.with_columns(pl.col("start").cast(pl.Date)).lazy(), zoned.lazy()):
        assert checkup(data, **roles, in_engine=True)["promise_by_period"].says == said
    assert checkup(zoned.lazy(), **{**roles, "only": "data"}, in_engine=True)["moved"].code
    told = checkup(duck(zoned.to_pandas()), **roles, in_engine=True).gaps
    assert any("period 'start' has times in a zone" in gap.why for gap in told)


def test_columns_that_cannot_be_compared_are_left_out_by_name():
    frame = small().assign(
        month_name=lambda x: x["month"].map(["may", "jun", "jul", "aug"].__getitem__),
        week=lambda x: x["month"] * 4.0, nothing=np.nan, endless=np.inf, stamp="2026-01-02",
        key=lambda x: "order " + x["id"].astype(str),
        note=lambda x: "a long sentence about the case number " * 2 + x["key"],
        when=lambda x: x["day"],
    )  # fmt: skip
    roles = {**ROLES, "columns": None, "case": None}
    page = checkup(frame, **roles, only="data")
    for data in (lazy(frame), duck(frame)):
        report = checkup(data, **roles, only="data", in_engine=True)
        for name in ("month_name", "week", "nothing", "endless", "stamp", "when", "id"):
            assert report.left_out[name] == page.left_out[name], name
        assert set(report.left_out) == set(page.left_out)
        assert report["moved"].value == page["moved"].value


FEW = {name: ROLES[name] for name in ("score", "outcome", "time", "arrival", "segment")}


@pytest.mark.parametrize("kind", ["pandas", "pyarrow", "lazy", "duckdb"])
def test_an_impossible_date_opens_its_question_alone(kind):
    for odd in ("2026-02-31", "0000-00-00"):
        frame = small().assign(day=lambda x: x["day"].dt.strftime("%Y-%m-%d"))
        frame.loc[3, "day"] = odd
        roles = {**FEW, "gain_tp": 40, "cost_fp": 5, "only": ["decision", "feedback"]}
        report = checkup(ENGINES[kind](frame), **roles, in_engine=True)
        assert {answer.key for answer in report.answers} == {"threshold", "policy_gaps", "promise_by_segment"}
        told = [gap.why for gap in report.gaps if "day" in gap.why]
        assert set(told) == {f"time 'day' must hold dates as 2026-03-01; it holds {odd!r}"}
        assert len(told) == 2  # delays, and the promise by period


def test_text_is_a_day_where_the_calendar_has_it():
    def there(text):
        try:
            return bool(datetime.date.fromisoformat(text))
        except ValueError:
            return False

    days = [f"{year}-{month:02}-{day:02}" for year in (1896, 1900, 2000, 2023, 2024, 9999) for month in range(14)
            for day in range(33)]  # fmt: skip
    assert [bool(re.fullmatch(engine._DAY, text)) for text in days] == [there(text) for text in days]


def test_dates_of_python_are_dates():
    frame = small()
    as_dates = frame.assign(
        **{name: [None if pd.isna(x) else x.date() for x in frame[name]] for name in ("day", "came")}
    )
    roles, before = {**FEW, "only": "feedback"}, as_dates.copy()
    page, report = checkup(as_dates, **roles), checkup(as_dates, **roles, in_engine=True)
    for key in ("delay", "promise_by_period"):
        assert report[key].says == page[key].says
    pd.testing.assert_frame_equal(as_dates, before)
    assert carried_out(report, as_dates)["delay"] == report["delay"].value


@pytest.mark.parametrize("kind", ["pandas", "lazy", "duckdb"])
def test_rows_without_a_time_have_no_month(kind):
    frame = small().assign(day=lambda x: x["day"].where(x.index % 5 > 0), age=lambda x: x["age"] + x["month"])
    roles = {**FEW, "arrival": None, "segment": None, "columns": ["age"], "only": ["data", "feedback"]}
    page, report = checkup(frame, **roles), checkup(ENGINES[kind](frame), **roles, in_engine=True)
    assert "between 202601 and 202604" in report["moved"].says
    for key in ("moved", "promise_by_period"):
        assert report[key].says == page[key].says
        assert "120 rows without a period left out" in report["moved"].trust
    assert carried_out(page, frame)["moved"] == page["moved"].value


def test_periods_in_the_order_that_their_type_says():
    import duckdb
    import polars as pl

    roles = {"score": "p", "outcome": "y", "period": "step", "columns": ["age"], "only": ["data", "feedback"]}
    for order in (["may", "jun", "jul", "aug"], ["2026-04", "2026-03", "2026-02", "2026-01"]):
        words = small().assign(step=lambda x, order=order: x["month"].map(order.__getitem__))
        frame = words.assign(step=pd.Categorical(words["step"], order, ordered=True))
        page = checkup(frame, **roles)
        query = f"select * replace (step::enum{tuple(order)} as step) from words"
        made = (frame, eager(words).with_columns(pl.col("step").cast(pl.Enum(order))).lazy(), duckdb.sql(query))
        for data in made:
            report = checkup(data, **roles, in_engine=True)
            assert f"between {order[0]} and {order[-1]}" in report["moved"].says
            for key in ("moved", "promise_by_period"):
                assert report[key].says == page[key].says
            assert report["promise_by_period"].table.index.tolist() == order
    unordered = checkup(small().assign(step=pd.Categorical(["jan", "feb"] * 300)), **roles, in_engine=True)
    assert any("which only the alphabet would order" in gap.why for gap in unordered.gaps)


# --- files


def test_a_parquet_file_stays_on_the_disk(tmp_path, capsys, monkeypatch):
    path = tmp_path / "cases.parquet"
    small().to_parquet(path, index=False)
    report = checkup(path, **ROLES, in_engine=True, only="decision")
    assert report.source == "cases.parquet"
    assert "data = pl.scan_parquet(" in "\n".join(report.opening)
    known = float(small()["value"].pipe(lambda value: small()["p"] >= 5 / (5 + value)).mean())
    assert carried_out(report, None)["threshold"] == pytest.approx(known)
    words = ["checkup", str(path), "--in-engine", "--score", "p", "--outcome", "y", "--gain-tp", "value"]
    words += ["--cost-fp", "5", "--only", "prediction", "--json", str(tmp_path / "n.json")]
    assert main(words) == 0
    assert "cases.parquet: 600 rows" in capsys.readouterr().out
    told = json.loads((tmp_path / "n.json").read_text(encoding="utf-8"))
    assert told["in_engine"] is True
    assert "the frame of the engine" in report.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    monkeypatch.setattr(engine, "find_spec", lambda name: name if name == "duckdb" else None)
    by_duckdb = checkup(path, **ROLES, in_engine=True, only="decision")
    assert "data = duckdb.read_parquet(" in "\n".join(by_duckdb.opening)
    assert by_duckdb["threshold"].value == pytest.approx(report["threshold"].value)
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="stays on the disk only with Polars or DuckDB: run `"):
        checkup(path, **ROLES, in_engine=True)
    with pytest.raises(SystemExit):
        main(["checkup", str(tmp_path / "cases.csv"), "--in-engine"])
    assert "there is no file" in capsys.readouterr().err
    (tmp_path / "cases.csv").write_text("a\n1\n")
    with pytest.raises(ValueError, match=r"'cases.csv' is no .parquet file: in_engine=True reads files of that kind"):
        checkup(tmp_path / "cases.csv", in_engine=True)


def test_many_files_are_handed_in_as_a_frame(tmp_path):
    (tmp_path / "hive" / "month=1").mkdir(parents=True)
    small().to_parquet(tmp_path / "hive" / "month=1" / "cases.parquet", index=False)
    every = str(tmp_path / "hive" / "**" / "*.parquet")
    for path, hint in ((tmp_path / "hive", every), (every, every), ("s3://shop/cases.parquet",) * 2):
        with pytest.raises(ValueError, match="is not one file on this machine: hand in a frame, pl") as told:
            checkup(path, in_engine=True)
        assert f"pl.scan_parquet({hint!r}) of Polars or duckdb.read_parquet({hint!r})" in str(told.value)


def test_a_file_that_is_no_parquet_gets_a_sentence(tmp_path, monkeypatch):
    path = tmp_path / "cases.parquet"
    path.write_text("p,y\n0.5,1\n")
    with pytest.raises(ValueError, match="Polars cannot run the query behind the frame"):
        checkup(path, in_engine=True)
    monkeypatch.setattr(engine, "find_spec", lambda name: name if name == "duckdb" else None)
    with pytest.raises(ValueError, match="DuckDB cannot run the query behind the frame"):
        checkup(path, in_engine=True)


# --- broken frames


def broken():
    """Frame, roles and layer, and what is to be said."""
    frame = small()
    three = frame["day"] - pd.Timedelta(days=3)
    labels = np.where(frame["y"] == 1, "Yes", "No")
    return {
        "a misspelt column": (frame, {"score": "prob"}, "score must be a column of the file; there is no 'prob'"),
        "no rows": (frame.head(0), {}, "13 columns and no rows"),
        "a score of text": (frame.assign(p=frame["p"].astype(str)), {}, "it is text, make it numbers"),
        "a score in percent": (frame.assign(p=frame["p"] * 100), {}, "divide it by 100"),
        "an endless amount": (frame.assign(value=np.inf), {}, "must hold finite numbers; it holds inf"),
        "words": (frame.assign(y=labels), {"only": "prediction"}, "positive='No' or positive='Yes'"),
        "amounts": (frame.assign(y=frame["value"]), {"only": "prediction"}, "came back, say reward='y'"),
        "no label": (frame.assign(y=np.nan), {}, "outcome 'y' is missing in every row"),
        "one class": (frame.assign(y=1.0), {"only": "prediction"}, "yes is what every one of 600 labels says"),
        "one period": (frame.assign(month=1), {"only": "data"}, "period 'month' holds a single value"),
        "unordered": (frame.assign(month=["feb", "jan"] * 300), {}, "which only the alphabet would order"),
        "a period a row": (frame.assign(month=np.arange(600)), {}, "more than 120 different values"),
        "no prices": (frame, {"gain_tp": None, "cost_fp": None}, "nobody said gain_tp, cost_fp, cost_fn, gain_tn"),
        "no chance": (frame.assign(chance=0.0), {}, "must be the chance of what was done, above 0"),
        "one arm": (frame.assign(did="call"), {}, "nobody was treated differently"),
        "no control": (frame, {"control": "wait"}, "never holds control='wait'"),
        "many groups": (frame.assign(region=[f"s{i}" for i in range(600)]), {}, "more than 50 different values"),
        "weights": (frame.assign(w=1.0), {"weights": "w"}, "`within_capacity` takes no weights"),
        "no weight": (frame.assign(w=0.0), {"weights": "w"}, "must be above 0, how many cases each row stands for"),
        "a date of words": (frame.assign(day="spring"), {"period": None}, "must hold dates as 2026-03-01"),
        "arrivals before": (frame.assign(came=three), {"only": "feedback"}, "must not lie before"),
        "lists": (
            frame.assign(region=[["a"]] * 600),
            {},
            "segment must be a column with one value a row; 'region' holds",
        ),
        "records": (
            frame.assign(did=[{"a": 1}] * 600),
            {},
            "action must be a column with one value a row; 'did' holds",
        ),
        "no moment": (frame, {"as_of": "spring"}, "as_of must hold dates or times"),
        "a copied score": (frame.assign(p=frame["y"].fillna(0)), {}, "was it made from that?"),
        "nothing": (frame, {**dict.fromkeys(ROLES), "only": "prediction"}, "no column was named for score and outcome"),
    }


BROKEN = broken()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_frame_gets_a_sentence(name):
    data, roles, told = BROKEN[name]
    try:
        report = checkup(lazy(data), **{**ROLES, "only": "decision", **roles}, in_engine=True)
        said = str(report)
        assert all(SENTENCE.fullmatch(str(gap)) or len(str(gap)) > 400 for gap in report.gaps)
    except (ValueError, TypeError, OSError) as error:
        said = str(error)
        assert SENTENCE.fullmatch(said)
        assert "cannot run the query" not in said
    said = " ".join(said.split())
    assert not re.search(r"Traceback|half-way|\b(?!Syntax)[A-Z]\w+Error\b", said), said
    assert told.lower() in said.lower()


def test_parts_of_the_wrong_kind():
    import duckdb
    import polars as pl

    with pytest.raises(TypeError, match="in_engine must be True or False; got 1"):
        checkup(small(), in_engine=1)
    with pytest.raises(TypeError, match="data must be a pandas, Polars, PyArrow or DuckDB frame"):
        checkup([1, 2], in_engine=True)
    with pytest.raises(ValueError, match="has the column 'p' more than once"):
        checkup(small().rename(columns={"age": "p"}), in_engine=True)
    with pytest.raises(ValueError, match="Polars cannot run the query behind the frame: "):
        checkup(lazy(small()).with_columns(pl.col("nope")), in_engine=True)
    connection = duckdb.connect()
    query = connection.sql("select 0.5 as p")
    connection.close()
    with pytest.raises(ValueError, match="DuckDB cannot run the query"):
        checkup(query, score="p", in_engine=True)


# --- the sums that the page needed


def close(one, two):
    assert json.dumps(one, default=str) == json.dumps(two, default=str) or _near(one, two)


def _near(one, two):
    if isinstance(one, dict):
        assert set(one) == set(two)
        return all(_near(one[name], two[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(_near, one, two))
    if isinstance(one, float):
        return one == pytest.approx(two, rel=1e-9, abs=1e-9, nan_ok=True)
    return one == two


SUMS = {
    "table": (
        lambda f: ml.table_sums(f, y="y", action="did", by="region", value="value", propensity="chance"),
        lambda f: uplift_table(f["y"], f["did"], by=f["region"], value=f["value"], propensity=f["chance"]),
        {},
    ),
    "table of money": (
        lambda f: ml.table_sums(f, reward="net", action="did", usual=None),
        lambda f: uplift_table(f["net"], f["did"], least=0.5),
        {"least": 0.5},
    ),
    "randomised": (
        lambda f: ml.randomised_sums(f, treated="got", share=0.5),
        lambda f: check_randomised(f["got"], share=0.5),
        {},
    ),
    "bounds": (
        lambda f: ml.bounds_sums(f, y="y", inspected="got"),
        lambda f: bounds_without_audit(f["y"], f["got"] == 1, report_rate=0.4),
        {"report_rate": 0.4},
    ),
}


@pytest.mark.parametrize("name", SUMS)
def test_new_sums_answer_like_arrays_and_add_up(name):
    frame = small().dropna(subset=["y"]).assign(got=lambda x: (x["did"] == "call").astype(int)).reset_index(drop=True)
    ask, by_array, said = SUMS[name]
    known = by_array(frame).to_dict()
    close(ask(lazy(frame)).result(**said).to_dict(), known)
    if name == "table of money":  # what is usual is looked for among all rows, and said where parts are added up
        return
    parts = ask(frame[:100]) + ask(duck(frame[100:]))
    close(parts.result(**said).to_dict(), known)
    kept = json.loads(json.dumps(parts.to_dict(), allow_nan=False))
    assert ml.Sums.from_dict(kept) == parts


def test_delays_from_the_sums_of_days():
    frame = small(2_000)
    for as_of in ("2026-03-01", "2026-06-01"):
        law = delay_law(frame["came"], frame["day"], as_of=as_of)
        found = ml.matured_sums(lazy(frame), time="day", arrival="came").law(as_of=as_of)
        close(found.to_dict(), law.to_dict())
    with pytest.raises(ValueError, match="at least 20 arrivals by as_of"):
        ml.matured_sums(frame, time="day", arrival="came").law(as_of="2026-01-02")


def test_scores_that_many_have_and_a_grid_of_them():
    p = np.round(np.random.default_rng(0).beta(1, 4, 3_000), 2)
    sums = ml.score_sums({"p": p[:1_000]}, p="p") + ml.score_sums({"p": p[1_000:]}, p="p")
    for mark in (0.0, 0.05, 0.37, 0.5, 1.0):
        assert sums.quantile(mark) == np.quantile(p, mark)
    rough = ml.score_sums({"p": p}, p="p", grid=64)
    assert abs(rough.quantile(0.5) - np.median(p)) <= 1 / 64
    assert len(rough.result(4)) == 4
    with pytest.raises(ValueError, match="grid must be a power of two"):
        ml.score_sums({"p": p}, p="p", grid=100)


def test_thresholds_of_single_cases_in_the_engine():
    frame = pd.DataFrame({"gain": [50.0, 5.0, -1.0, 0.0], "cost": [5.0, 0.0, 4.0, 2.0]})
    with pytest.warns(CostWarning, match="3 of 4 cases have no threshold"):
        found = ml.with_cost_threshold(eager(frame), gain_tp="gain", cost_fp="cost")
    with pytest.warns(CostWarning):
        known = cost_threshold(gain_tp=frame["gain"], cost_fp=frame["cost"])
    assert found["threshold"].to_list() == known.tolist()
    with pytest.raises(ValueError, match="as if the two were swapped, in 4 of 4 rows"):
        ml.with_cost_threshold(-frame - 2, gain_tp="gain", cost_fp="cost")
    with pytest.raises(ValueError, match="no case has a threshold"):
        ml.with_cost_threshold(frame, gain_tp=1.0, cost_fp=0.0)
    with pytest.raises(ValueError, match="already has the column 'gain'"):
        ml.with_cost_threshold(frame, gain_tp="gain", cost_fp="cost", into="gain")
