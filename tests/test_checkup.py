"""The checkup: what it says of a good file, of any engine's frame, and of twenty broken ones."""

import dataclasses
import gzip
import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from mllayers import datasets
from mllayers.__main__ import main
from mllayers.checkup import PRACTICE_ROLES, checkup
from mllayers.checkup import run as running
from mllayers.checkup.page import for_notebook
from mllayers.decision import Menu, Policy, cost_threshold

SENTENCE = re.compile(r"[^\n]{15,400}")


def small(n=600, seed=0):
    """A file with a column for each role."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 4, n).round(3)
    frame = pd.DataFrame({"id": np.arange(n) * 7 + 3, "month": np.arange(n) * 4 // n, "p": p})
    frame["y"] = (rng.random(n) < p).astype(float)
    frame.loc[rng.random(n) < 0.2, "y"] = np.nan
    frame["value"] = rng.lognormal(4, 0.5, n).round(2)
    frame["did"] = rng.choice(["none", "call"], n)
    frame["chance"] = 0.5
    frame["net"] = np.where(frame["did"] == "call", -3.0, 0.0) + rng.exponential(9, n).round(2) * (rng.random(n) < 0.3)
    frame["would"] = np.where(frame["value"] > 60, "call", "none")
    frame["day"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(n) * 120 // n, unit="D")
    late = pd.to_timedelta(rng.integers(1, 40, n), unit="D")
    frame["came"] = (frame["day"] + late).where(frame["y"] == 1)
    frame["region"] = rng.choice(["north", "south"], n)
    frame["age"] = rng.integers(18, 80, n)
    return frame


ROLES = {
    "score": "p",
    "outcome": "y",
    "amount": "value",
    "time": "day",
    "arrival": "came",
    "period": "month",
    "segment": "region",
    "case": "id",
    "action": "did",
    "control": "none",
    "propensity": "chance",
    "reward": "net",
    "challenger": "would",
    "gain_tp": "value",
    "cost_fp": 5,
    "columns": ["age"],
    "outcome_is": "loss",
    "capacity": 100,
    "as_of": "2026-06-01",
}


@pytest.fixture(scope="module")
def practice():
    return checkup(datasets.FOLDER / "practice.csv", **PRACTICE_ROLES)


@pytest.fixture(scope="module")
def whole():
    return checkup(small(), **ROLES)


# --- a good file


def carried_out(report, data):
    """Key to number, from the lines that stand on the page and nothing else."""
    numbers = {}
    for answer in report.answers:
        names = {"data": data}
        exec("\n".join([*report.opening, *answer.code]), names)
        numbers[answer.key] = float(eval(answer.number, names))
    return numbers


def test_every_question_of_a_full_file_is_answered(whole):
    assert [str(gap) for gap in whole.gaps if "half-way" in gap.why or "Error:" in gap.why] == []
    assert {answer.key for answer in whole.answers} >= {
        "moved", "old_or_new", "blind_spots", "calibration", "value_of_score", "best_threshold", "prices",
        "before_labels", "threshold", "policy_gaps", "capacity", "by_chance_call", "effect", "earned", "delay",
        "promise_by_period", "challenger", "never",
    }  # fmt: skip
    assert len({answer.key for answer in whole.answers}) == len(whole.answers)


def test_the_lines_of_each_answer_give_its_number(practice, whole):
    for report, data in ((practice, None), (whole, small())):
        found = carried_out(report, data)
        for answer in report.answers:
            assert found[answer.key] == answer.value, answer.key


def test_the_lines_of_a_drawn_sample_give_the_same_number():
    data = small(4_000)
    report = checkup(data, **ROLES, max_rows=1_000)
    assert "drawn with seed 0" in report["blind_spots"].trust
    found = carried_out(report, data)
    assert found == {answer.key: pytest.approx(answer.value, rel=1e-9) for answer in report.answers}


def test_intervals_hold_their_number_and_say_their_level(whole):
    for answer in whole.answers:
        assert answer.trust, answer.key
        assert answer.says.endswith("."), answer.key
        if not math.isnan(answer.low):
            assert answer.low <= answer.value <= answer.high, answer.key
        else:
            assert re.search(r"No interval|no interval|Counted|false alarm|chance", answer.trust), answer.key


def test_it_prints_as_a_page_and_shows_itself(practice):
    text = str(practice)
    assert max(map(len, text.splitlines())) <= 120
    for section in practice.sections:
        assert section.title in text
    assert "$" in text
    shown = practice._repr_html_()
    assert shown.count("<img ") == len(practice.answers)
    seen = BeautifulSoup(shown.replace("&#36;", "¤"), "html.parser").get_text()
    assert "¤" in seen
    assert "$" not in seen  # two of them would be read as a formula
    displayed = for_notebook(practice)
    pictures = [(shown, metadata) for shown, metadata in displayed if "image/png" in shown]
    assert [metadata["image/png"]["alt"] for _, metadata in pictures] == [a.figure().alt for a in practice.answers]
    assert all(shown["text/plain"] for shown, _ in displayed)
    assert practice["data"] is practice.sections[0]
    assert practice["moved"].unit == "columns"
    with pytest.raises(KeyError, match="'nothing'; there is data, "):
        practice["nothing"]


def test_one_layer_alone_is_asked(practice):
    action = checkup(datasets.load_practice(), only="action", **PRACTICE_ROLES)
    assert [section.name for section in action.sections] == ["action"]
    assert action["effect"].value == practice["effect"].value


def test_html_is_one_file_that_asks_nothing_of_others(whole, tmp_path):
    path = whole.to_html(tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?:https?:)?//\w+", re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)) == []
    page = BeautifulSoup(text, "html.parser")
    assert [tag.name for tag in page(["script", "link", "iframe"])] == []
    articles = page.find_all("article")
    assert [it["id"] for it in articles] == [answer.key for answer in whole.answers]
    for it, answer in zip(articles, whole.answers, strict=True):
        image = it.find("img")
        assert it.find("source")["media"] == "(max-width: 38rem)"
        assert len(image["alt"].split()) >= 5
        assert len(it.select("table tbody tr")) == min(len(answer.table), 40)
        assert it.find("pre").get_text() == "\n".join(answer.code)
        assert answer.says in it.get_text()
    for gap in whole.gaps:
        assert gap.question in page.get_text()


def test_json_holds_every_number(whole, tmp_path):
    told = json.loads(whole.to_json(tmp_path / "numbers.json"))
    assert json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8")) == told
    answers = [answer for section in told["sections"] for answer in section["answers"]]
    assert [answer["value"] for answer in answers] == [answer.value for answer in whole.answers]
    assert told["rows"] == 600


def test_money_is_told_in_the_callers_currency():
    report = checkup(small(), **ROLES, currency="€")
    assert "$" not in str(report)
    assert "€" in report["value_of_score"].says
    assert "&#36;" not in report._repr_html_()


# --- any frame


def engines(folder):
    import duckdb
    import polars as pl
    import pyarrow as pa

    frame = small()
    frame.to_csv(folder / "file.csv", index=False)
    frame.to_parquet(folder / "file.parquet", index=False)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return {
        "nullable": frame.convert_dtypes(dtype_backend="numpy_nullable"),
        "arrow-backed": frame.convert_dtypes(dtype_backend="pyarrow"),
        "index": frame.set_index(frame.index[::-1]),
        "pyarrow": table,
        "polars": pl.from_arrow(table),
        "lazy": pl.from_arrow(table).lazy(),
        "duckdb": duckdb.from_arrow(table),
        "csv": folder / "file.csv",
        "parquet": str(folder / "file.parquet"),
    }


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    return engines(tmp_path_factory.mktemp("frames"))


@pytest.mark.parametrize(
    "kind", ["nullable", "arrow-backed", "index", "pyarrow", "polars", "lazy", "duckdb", "csv", "parquet"]
)
def test_every_kind_of_frame_gives_the_same_numbers(kind, frames, whole):
    report = checkup(frames[kind], **ROLES)
    assert [str(gap) for gap in report.gaps] == [str(gap) for gap in whole.gaps]
    for ours, theirs in zip(report.answers, whole.answers, strict=True):
        assert ours.key == theirs.key
        assert ours.value == pytest.approx(theirs.value, rel=1e-9), ours.key
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9, nan_ok=True), ours.key
    found = carried_out(report, frames[kind])
    assert found == {answer.key: pytest.approx(answer.value, rel=1e-9) for answer in report.answers}


def test_a_query_that_fails_is_told_and_columns_that_fail_are_left_out():
    import duckdb
    import polars as pl

    data = pl.from_pandas(small()).lazy()
    cast = pl.col("region").cast(pl.Int64)
    for broken in (data.with_columns(pl.col("nope")), data.with_columns(cast.alias("p"))):
        with pytest.raises(ValueError, match="Polars cannot run the query behind the frame: "):
            checkup(broken, **ROLES)
    report = checkup(data.with_columns(cast.alias("age")), **ROLES, only="data")
    assert "Polars cannot run the query" in report.left_out["age"]
    connection = duckdb.connect()
    query = connection.sql("select 0.5 as p")
    connection.close()
    with pytest.raises(ValueError, match="DuckDB cannot run the query"):
        checkup(query, score="p")


def test_codes_with_a_dictionary_are_what_they_stand_for(whole, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = small().assign(y=lambda x: x["y"].map({1: "yes", 0: "no"}))
    table = pa.Table.from_pandas(words, preserve_index=False)
    for name in ("region", "did", "y"):
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].dictionary_encode())
    pq.write_table(table, tmp_path / "coded.parquet")
    for data in (table, tmp_path / "coded.parquet"):
        report = checkup(data, **ROLES, positive="yes", only=["prediction", "action"])
        found = carried_out(report, data)
        for key in ("calibration", "value_of_score", "effect", "earned"):
            assert found[key] == report[key].value == pytest.approx(whole[key].value)


def test_the_callers_frame_stays_as_it_is():
    frame = small()
    before = frame.copy()
    checkup(frame, **{**ROLES, "period": None})
    pd.testing.assert_frame_equal(frame, before)


# --- nothing is guessed


def test_without_prices_it_says_which_are_missing_and_over_which_prices_it_holds():
    roles = {name: x for name, x in ROLES.items() if name not in ("gain_tp", "cost_fp")}
    report = checkup(small(3_000), **roles)
    told = " ".join(str(gap) for gap in report.gaps)
    for name in ("gain_tp", "cost_fp", "cost_fn", "gain_tn"):
        assert name in told
    assert re.search(r"where a wrong action costs [\d.]+ to [\d.]+ times", report["prices"].says)
    assert not any(answer.key in ("value_of_score", "threshold", "capacity") for answer in report.answers)


def test_without_a_propensity_no_effect_is_told():
    report = checkup(small(), **{**ROLES, "propensity": None})
    assert report["action"].answers == ()
    (gap,) = report["action"].gaps
    assert "nobody recorded a propensity" in gap.why
    assert "Leave a share of the cases alone at random" in gap.needs


def test_nothing_named_means_nothing_answered_but_what_is_missing():
    report = checkup(small())
    assert report.answers == ()
    assert len(report.gaps) >= 5
    assert all(SENTENCE.fullmatch(str(gap)) for gap in report.gaps)


def test_periods_are_made_from_times_and_the_page_says_how():
    report = checkup(small(), **{**ROLES, "period": None})
    assert any("day_month" in line for line in report.opening)
    assert "202604" in report["moved"].says
    assert carried_out(report, small())["moved"] == report["moved"].value


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("feb", "jan", "may", "oct"), "holds words, which only the alphabet would order ('feb', 'jan', 'may', …)"),
        (("after", "before"), "holds words, which only the alphabet would order ('after', 'before')"),
        (("2026-9", "2026-10"), "holds text that does not sort by time ('2026-10', '2026-9')"),
        (("01/2026", "02/2025"), "holds text that does not sort by time"),
        (("Q1 2026", "Q2 2025"), "holds text that does not sort by time"),
        (("start", "week 1"), "holds words, which only the alphabet would order"),
        ((202601, "202602"), "holds values of several kinds"),
    ],
)
def test_periods_that_do_not_sort_by_time_are_not_compared(names, told):
    frame = small().assign(month=[names[i % len(names)] for i in range(600)])
    report = checkup(frame, **ROLES)
    said = [str(gap) for gap in report.gaps]
    assert sum(told in gap for gap in said) >= 2
    assert not {"moved", "promise_by_period"} & {answer.key for answer in report.answers}


@pytest.mark.parametrize("names", [("2025-12", "2026-01"), ("W09", "W10"), ("2025Q4", "2026Q1"), ("day 8", "day 9")])
def test_periods_that_sort_by_time_are_compared(names):
    frame = small().assign(month=[names[i % 2] for i in range(600)])
    assert f"between {names[0]} and {names[1]}" in checkup(frame, **ROLES)["moved"].says


def test_categories_with_an_order_are_periods_in_that_order():
    words = pd.Categorical(np.repeat(["may", "jun", "jul"], 200), categories=["may", "jun", "jul", "aug"], ordered=True)
    report = checkup(small().assign(month=words), **ROLES)
    assert "between may and jul" in report["moved"].says
    assert list(report["promise_by_period"].table.index) == ["may", "jun", "jul"]


def test_a_column_that_only_tells_the_period_is_left_out_unless_it_is_named():
    frame = small().assign(month_name=lambda x: x["month"].map(["may", "jun", "jul", "aug"].__getitem__))
    report = checkup(frame, **{**ROLES, "columns": None}, only="data")
    assert report.left_out["month_name"] == "one value in all rows of each period: it tells the time, not the case"
    assert "month_name" not in report["moved"].table.index
    named = checkup(frame, **{**ROLES, "columns": ["age", "month_name"]}, only="data")
    assert "month_name" in named["moved"].table.index


def test_what_needs_a_probability_says_that_the_score_is_none():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"p": rng.random(4_000)}).assign(y=lambda x: rng.random(4_000) < x["p"])
    roles = {"score": "p", "outcome": "y", "gain_tp": 10, "cost_fp": 4, "capacity": 300}
    for kept, told in ((frame, "the score is a probability (section 2)"), (frame.assign(p=frame["p"] ** 3), "is not")):
        report = checkup(kept, **roles)
        assert all(told in report[key].trust for key in ("threshold", "capacity"))
    assert re.search(r"which it is not in \d+ of 10 bands \(section 2\)", report["capacity"].trust)


def test_a_broken_promise_comes_first_in_the_sentence():
    frame = small(4_000).assign(p=lambda x: 0.5 * x["p"], region=["south", "etc."] * 2_000)
    report = checkup(frame, **ROLES)
    assert re.match(r"The promise is broken in \d+ of 10 bands, .*; in all, [\d.]+ % was", report["calibration"].says)
    told = report["promise_by_segment"].says
    clearly = r"most clearly in \w+\.?: [\d.]+ % promised, [\d.]+ % happened; in all, [\d.]+ % was"
    assert re.match(rf"The promise is broken in 2 of 2 segments, {clearly}", told)


def test_a_figure_that_shows_some_rows_says_so():
    frame = small(3_000).assign(region=[f"r{i % 20}" for i in range(3_000)])
    answers = [checkup(frame, **ROLES)["value_of_score"], checkup(small(3_000), **ROLES)["value_of_score"]]
    told = ["The first 12 of 21 rows are drawn" in answer.figure().alt for answer in answers]
    assert told == [True, False]


def test_periods_may_be_of_the_kinds_that_pandas_alone_has():
    frame = small().assign(m=lambda x: x["day"].dt.to_period("M"), cut=lambda x: pd.cut(x["month"], 4))
    for period in ("m", "cut"):
        report = checkup(frame, **{**ROLES, "period": period, "only": "data"})
        ends = f"between {frame[period].min()} and {frame[period].max()}"
        assert ends in report["moved"].says
        assert carried_out(report, frame)["moved"] == report["moved"].value


def test_within_a_capacity_nobody_is_told_of_everyone():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"p": rng.random(4_000)}).assign(y=lambda x: rng.random(4_000) < x["p"])
    report = checkup(frame, score="p", outcome="y", gain_tp=10, cost_fp=4, capacity=300)
    assert "on everyone" in report["best_threshold"].says
    told = report["best_within_capacity"].says
    assert ", on everyone $" not in told
    assert "(acting on everyone at random, as many as fit)" in told


def test_the_lines_of_the_open_policy_are_a_policy_once_its_gaps_are_filled():
    report = checkup(small(), **{**ROLES, "gain_tp": 80, "cost_fn": 20})
    found = report["policy_gaps"]
    assert found.value == 3  # a missing score, an owner, a hold-out: the prices are told
    assert not any("cost" in gap or "gain" in gap for gap in found.table.index)
    names = {}
    exec("\n".join(found.code), names)
    act = names["rule"].actions[1]
    assert (act.gain, act.cost, act.capacity) == (105, 5, 100)
    signed = Policy(Menu("leave", dataclasses.replace(act, owner="desk")), missing="leave", idle="leave", holdout=0.05)
    assert signed.gaps() == []
    limit = cost_threshold(gain_tp=80, cost_fp=5, cost_fn=20)
    assert [signed.action(p) for p in (limit - 1e-6, limit + 1e-6)] == ["leave", "act"]


def test_chances_may_be_said_for_each_action():
    report = checkup(small(), **{**ROLES, "propensity": {"none": 0.5, "call": 0.5}})
    assert report["effect"].value == pytest.approx(checkup(small(), **ROLES)["effect"].value)
    assert carried_out(report, small())["effect"] == report["effect"].value


def test_a_section_that_breaks_leaves_the_others(monkeypatch):
    def broken(desk):
        raise ZeroDivisionError("a fault in the section")

    sections = {**running.SECTIONS, "prediction": (broken, running.SECTIONS["prediction"][1])}
    monkeypatch.setattr(running, "SECTIONS", sections)
    report = checkup(small(), **ROLES)
    assert report["prediction"].answers == ()
    assert "ZeroDivisionError: a fault in the section" in str(report["prediction"].gaps[0])
    assert all(report[name].answers for name in ("data", "decision", "action", "feedback"))


def test_a_question_that_breaks_leaves_the_others(monkeypatch):
    import mllayers.data

    def broken(*args, **options):
        raise RuntimeError("no\nluck")

    monkeypatch.setattr(mllayers.data, "drift_report", broken)
    report = checkup(small(), **ROLES)
    assert "RuntimeError: no luck" in str(report["data"].gaps[0])
    assert report["blind_spots"]


def test_columns_are_left_out_by_name():
    frame = small()
    frame["note"] = [f"a long free text about the case number {i}, as somebody typed it" for i in range(len(frame))]
    frame["when"] = pd.Timestamp("2026-01-01")
    frame["as_text"] = "2026-01-01"
    frame["code"] = [f"k{i}" for i in range(len(frame))]
    frame["mixed"] = [1, "a"] * (len(frame) // 2)
    frame["number"] = np.arange(len(frame)) + 10_000
    frame["nothing"] = np.nan
    report = checkup(frame, **{**ROLES, "columns": None, "case": None}, only="data")
    assert set(report.left_out) == {"note", "when", "as_text", "code", "mixed", "number", "nothing", "id"}
    assert "free text" in report.left_out["note"]
    assert "values of several kinds: number and str" in report.left_out["mixed"]
    assert list(report["moved"].table.index) == ["age"]


# --- weights, what matters, inspections


def weighed(n=1_500):
    """A file in which every second row without the outcome was dropped, and what each row stands for."""
    frame = small(n, seed=3)
    frame = frame[(frame["y"] == 1) | (np.arange(n) % 2 == 0)].reset_index(drop=True)
    return frame.assign(w=np.where(frame["y"] == 1, 1.0, 2.0))


def test_weights_are_used_or_the_number_is_refused_by_the_name_of_its_function():
    frame = weighed()
    report = checkup(frame, **ROLES, weights="w")
    assert {a.key for a in report.answers} == {
        "calibration", "value_of_score", "best_threshold", "prices", "before_labels", "threshold", "policy_gaps",
    }  # fmt: skip
    assert carried_out(report, frame) == {a.key: a.value for a in report.answers}
    for answer in report.answers:
        assert answer.key == "policy_gaps" or "weights=known['w']" in str(answer.code) or "known['w']" in answer.number
    known = frame.dropna(subset=["y"])
    assert report["calibration"].value == pytest.approx(np.average(known["y"], weights=known["w"]))
    plain = checkup(frame, **ROLES)
    assert report["prices"].value != plain["prices"].value
    refused = {
        "drift_report", "adversarial_validation", "label_coverage", "bounds_without_audit", "within_capacity",
        "check_randomised", "uplift_table", "hold_out_always_valid", "delay_law", "promise_kept", "policy_value",
    }  # fmt: skip
    told = " ".join(gap.why for gap in report.gaps)
    assert set(re.findall(r"`(\w+)` takes no weights", told)) == refused
    assert {gap.question for gap in report.gaps} >= {a.question for a in plain.answers} - {
        a.question for a in report.answers
    }


def test_a_capacity_with_weights_is_one_of_the_population():
    frame = weighed()
    report = checkup(frame, score="p", outcome="y", gain_tp=10, cost_fp=3, capacity=80, weights="w", only="prediction")
    known = frame.dropna(subset=["y"])
    room = 80 * known["w"].sum() / frame["w"].sum()
    told = report["best_within_capacity"].says
    assert 0.9 * room < int(re.search(r"on \((\d+) cases\)", told)[1]) <= room


@pytest.mark.parametrize(("w", "told"), [(0.0, "must be above 0"), (math.nan, "is missing in"), ("x", "hold numbers")])
def test_weights_that_are_none_leave_the_numbers_open(w, told):
    frame = weighed(300)
    frame["w"] = frame["w"].astype(object)
    frame.loc[3, "w"] = w
    frame["w"] = frame["w"].infer_objects()
    report = checkup(frame, **ROLES, weights="w")
    assert [answer.key for answer in report.answers] == ["policy_gaps"]
    assert sum(told in gap.why for gap in report.gaps) >= 5


def test_the_least_difference_that_matters_is_asked_of_every_difference():
    frame = small(3_000)
    wide, narrow = (
        checkup(frame, **ROLES, least=least, least_money=money) for least, money in ((0.3, 90), (1e-4, 0.01))
    )
    assert "as a whole within 30 points of the promise, surely" in wide["calibration"].says
    assert "whether the whole is off by more than 0.01 points is open" in narrow["calibration"].says
    assert "as a whole within 30 points" in wide["promise_by_period"].says
    assert "surely too small to matter, within 30 points" in wide["effect"].says
    assert "surely too small to matter, within $90 a case" in wide["earned"].says
    assert "surely a loss of more than $0.01 a case" in narrow["earned"].says
    assert "too small to matter, surely within $90 a case" in wide["value_of_score"].says
    assert "surely more than $0.01 a case in" in narrow["value_of_score"].says
    assert "surely alike in 2" in wide["challenger_by_segment"].says
    assert carried_out(narrow, frame) == {a.key: a.value for a in narrow.answers}
    assert "kept" not in checkup(frame, **ROLES)["calibration"].says


def test_the_challenger_is_told_by_segment_and_by_band():
    frame = small(4_000)
    report = checkup(frame, **ROLES, only="feedback")
    for key, groups in (("challenger_by_segment", 2), ("challenger_by_band", 5)):
        table = report[key].table
        assert (len(table), table["n"].sum()) == (groups, 4_000)
        assert report[key].value == (table["low"] > 0).sum()
    south = frame[frame["region"] == "south"]
    w = (south["would"] == south["did"]) / 0.5
    gain = (w * south["net"]).sum() / w.sum() - south["net"].mean()
    assert report["challenger_by_segment"].table.loc["south", "value"] == pytest.approx(gain)


def test_inspections_and_a_report_rate_bound_what_silence_hides():
    frame = small(1_000)
    frame["looked"] = np.arange(1_000) < 300
    frame["y"] = np.where(frame["looked"], frame["y"].fillna(0), frame["y"].where(frame["y"] == 1, 0))
    report = checkup(frame, **ROLES, inspected="looked", report_rate=(0.5, 1.0))
    found, reported = frame["y"][:300].sum(), frame["y"][300:].sum()
    worst = report["worst_case"]
    assert (worst.low, worst.high) == ((found + reported) / 1_000, (found + 700) / 1_000)
    assert "700 rows that nobody inspected count here" not in worst.trust
    assert "700 rows that nobody inspected count here" in report["calibration"].trust
    rate = report["reported_rate"]
    assert rate.value == pytest.approx((found + reported * 1.5) / 1_000)
    assert carried_out(report, frame)["reported_rate"] == rate.value
    without = checkup(frame, **ROLES, report_rate=0.5)
    assert any("no column was named for inspected" in gap.why for gap in without.gaps)
    words = checkup(frame.assign(looked="x"), **ROLES, inspected="looked")
    assert any("must say True or False" in gap.why for gap in words.gaps)


def test_what_rows_an_answer_could_not_use_is_told():
    frame = small()
    frame.loc[:9, "p"] = np.nan
    frame.loc[590:, "chance"] = np.nan
    report = checkup(frame, **ROLES)
    labelled = int(frame["y"][:10].notna().sum())
    assert f"{labelled} labelled rows without 'p' left out" in report["calibration"].trust
    assert "10 rows without 'p' left out" in report["threshold"].trust
    assert "10 rows without 'chance' left out" in report["earned"].trust
    assert "left out" not in report["effect"].trust or "'p'" not in report["effect"].trust


def test_one_sided_bounds_and_worst_cases_are_said_as_such(whole):
    from mllayers.checkup.page import number_told

    told = {answer.key: number_told(answer) for answer in whole.answers}
    assert re.search(r"\(at least −?\$[\d,.]+, 95 %\)", told["best_threshold"])
    assert told["worst_case"].endswith(" at worst)")
    assert not any("∞" in words or "inf" in words for words in told.values())


def test_a_narrow_figure_holds_all_that_is_written_beside_its_marks(whole):
    from mllayers.checkup.drawing import draw_narrow

    for key in ("moved", "blind_spots", "value_of_score", "effect", "challenger_by_band"):
        answer = whole[key]
        figure = draw_narrow(answer).figure
        figure.draw_without_rendering()
        assert figure.get_size_inches()[0] == pytest.approx(3.6)
        for ax in figure.axes:
            for text in ax.texts:
                ends = text.get_window_extent()
                assert ends.x0 >= -1, (answer.key, text.get_text())
                assert ends.x1 <= figure.bbox.x1 + 1, (answer.key, text.get_text())


def test_letters_that_no_figure_can_draw_stand_in_its_words():
    frame = small().assign(region=lambda x: np.where(x["region"] == "north", "北", "south"))
    found = checkup(frame, **ROLES, only="feedback")["promise_by_segment"].figure()
    found.png()  # warns of a letter that the font lacks
    assert "stand as ▯" in found.alt
    assert "北" in found.table.index


def test_a_csv_file_in_parts_is_the_file_as_a_whole(tmp_path, monkeypatch):
    from mllayers.checkup import reading

    frame = small()
    frame["mixed"] = [i if i < 300 else f"a{i}" for i in range(600)]
    frame["late"] = frame["age"].where(frame.index > 400).astype("Int64")
    frame["never"] = np.nan
    frame.to_csv(tmp_path / "a.csv", index=False)
    monkeypatch.setattr(reading, "_ROWS_AT_ONCE", 100)
    whole = pd.read_csv(tmp_path / "a.csv", low_memory=False)
    pd.testing.assert_frame_equal(reading._in_parts(tmp_path / "a.csv", {}), whole)


# --- twenty broken files


def csv_of(frame):
    return frame.to_csv(index=False)


def changed(**columns):
    """The small file with other columns, as text."""
    return csv_of(small().assign(**columns))


def broken_files():
    n, frame = 600, small()
    rng = np.random.default_rng(1)
    wide = pd.concat([frame, pd.DataFrame(rng.normal(size=(n, 200)), columns=[f"x{i}" for i in range(200)])], axis=1)
    naive = frame["day"].astype(str)
    zones = [f"{day} 12:00:00{zone}" for day, zone in zip(naive, ["+02:00", "Z", "-05:00"] * 200, strict=True)]
    return {
        "wrong separator": (frame.to_csv(index=False, sep=";"), {}, "values are separated by semicolons"),
        "empty": ("", {}, "is empty"),
        "header alone": ("id,p,y\n", {}, "3 columns and no rows"),
        "ragged": ("a,b\n1,2\n1,2,3,4\n", {}, "cannot be read as a table"),
        "not text": (b"\xff\xfe\x00\x01\x02\x89PNG" * 50, {}, "is not text in utf-8"),
        "a name twice": (frame.rename(columns={"age": "p"}), {}, "has the column 'p' more than once"),
        "a misspelt column": (changed(), {"score": "prob"}, "score must be a column of the file; there is no 'prob'"),
        "lists": (frame.assign(region=[["a"]] * n), {}, "region' holds a list: take one value"),
        "no moment": (frame, {"as_of": "spring"}, "as_of must hold dates or times"),
        "one class": (changed(y=1.0), {}, "yes is what every one of 600 labels says"),
        "no label": (changed(y=np.nan), {}, "missing in every row"),
        "yes and no": (changed(y=np.where(frame["y"] == 1, "Yes", "No")), {}, "positive='No' or positive='Yes'"),
        "amounts as outcome": (changed(y=frame["value"]), {}, "if these are amounts that came back, say reward='y'"),
        "doubled ids": (changed(id=1), {}, "599 rows repeat a case of 'id'"),
        "dates as text": (changed(day="04/05/2026"), {}, "must hold dates as 2026-03-01"),
        "constant score": (changed(p=0.2), {}, "the score is 0.2 for everyone"),
        "score in percent": (changed(p=frame["p"] * 100), {}, "divide it by 100"),
        "score as text": (changed(p=frame["p"].astype(str).str.replace(".", ",")), {}, "with a decimal comma"),
        "propensity 0": (changed(chance=0.0), {}, "must be the chance of what was done, above 0"),
        "200 columns": (csv_of(wide), {"columns": None}, "of 201 columns moved"),
        "10,000 categories": (
            csv_of(pd.concat([frame] * 20).assign(age=[f"v{i % 10_000}" for i in range(12_000)])),
            {},
            "age (text that names cases",
        ),
        "mixed types": (frame.assign(age=[1, "one"] * 300), {"columns": None}, "age (values of several kinds"),
        "time zones": (changed(day=zones), {"period": None}, "between 202601 and 202604"),
        "endless amounts": (changed(value=np.inf), {}, "must hold finite numbers"),
        "one arm": (changed(did="call"), {}, "nobody was treated differently"),
        "no control": (changed(did=np.where(frame["did"] == "none", "wait", "call")), {}, "never holds control='none'"),
        "one row": (csv_of(frame.head(1)), {}, "holds a single value"),
        "a period a day": (changed(month=np.arange(n)), {}, "600 different values"),
        "swapped prices": (changed(), {"gain_tp": -5, "cost_fp": -9}, "below 0"),
        "semicolons and decimal commas": (frame.to_csv(index=False, sep=";", decimal=","), {}, "';', decimal=','"),
        "decimal commas alone": (
            frame.to_csv(index=False, sep=";", decimal=","),
            {"separator": ";"},
            "say decimal=','",
        ),
        "utf-16": (csv_of(frame).encode("utf-16"), {}, "encoding='utf-16'"),
        "a row of totals": (
            csv_of(frame) + f"Total,,{frame['p'].sum()},{frame['y'].sum()}" + "," * 9,
            {},
            "only the last row, 600, is beyond: is it a row of totals?",
        ),
        "a name twice in a file": ("p,p,y\n0.1,0.2,1\n", {}, "has the column 'p' more than once"),
        "a separator at the end": ("p,y\n0.1,1,\n0.2,0,\n", {}, "more values in its lines than names"),
        "a title above": ("Report of March\n\np,y\n0.1,1\n", {}, "no title above the names"),
        "currency signs": (changed(value="$" + frame["value"].astype(str)), {}, "take the signs off"),
        "blanks for numbers": (changed(p=frame["p"].astype(str).where(frame.index > 5, " ")), {}, "leave it empty"),
        "a probability as text": (frame.assign(p=frame["p"].astype(str)), {}, "it is text, make it numbers"),
        "propensity in percent": (changed(chance=50), {}, "divide it by 100"),
        "labels 1 and 2": (changed(y=frame["y"] + 1), {}, "positive=1.0 or positive=2.0"),
        "zones here and there": (
            changed(day=np.where(frame.index % 2, zones, naive + " 12:00")),
            {"period": None},
            "times with a zone and times without one",
        ),
        "decided in the future": (
            frame.assign(day=frame["day"] + pd.Timedelta(days=4_000)),
            {},
            "600 rows decided after 2026-06-01",
        ),
        "arrivals before": (frame.assign(came=frame["day"] - pd.Timedelta(days=3)), {}, "arrival 'came' must not lie"),
        "one column twice": (changed(), {"rival": "p"}, "score and rival are said to be one column"),
        "the outcome as score": (changed(), {"score": "y"}, "outcome and score are said to be one column"),
        "a score from the outcome": (changed(p=frame["y"].fillna(0)), {}, "was it made from that?"),
        "the outcome as known before": (changed(), {"columns": ["age", "y"]}, "known before the decision; 'y' plays"),
        "5,000 segments": (
            pd.concat([frame] * 9).assign(region=[f"s{i}" for i in range(5_400)]),
            {},
            "5,400 different values; a table of segments",
        ),
    }


BROKEN = broken_files()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_gets_a_sentence(name, tmp_path):
    content, roles, told = BROKEN[name]
    if isinstance(content, pd.DataFrame):
        data = content
    else:
        data = tmp_path / "broken.csv"
        data.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        said = str(checkup(data, **{**ROLES, **roles}))
    except (ValueError, TypeError, OSError) as error:
        said = str(error)
        assert SENTENCE.fullmatch(said)
    said = " ".join(said.split())
    assert "Traceback" not in said
    assert not re.search(r"\b(?!Syntax)[A-Z]\w+Error\b", said), said
    assert told.lower() in said.lower()


def test_files_that_are_none(tmp_path):
    for data, told in (
        (tmp_path / "nothing.csv", "there is no file"),
        (tmp_path, "is a folder"),
        (3, "data must be a pandas, Polars, PyArrow or DuckDB frame"),
        (pd.DataFrame(), "has no columns"),
        (pd.DataFrame({0: [1]}), "columns without a name"),
        (pd.DataFrame({("a", "b"): [1]}), "several levels"),
    ):
        with pytest.raises((ValueError, TypeError, OSError), match=told):
            checkup(data)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(csv_of(small()).encode())[:500])
    with pytest.raises(ValueError, match=r"a.csv.gz cannot be read, it may be damaged or cut off"):
        checkup(tmp_path / "a.csv.gz")
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"ends in '.xlsx'"):
        checkup(tmp_path / "a.xlsx")
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="is no Parquet file, or is damaged"):
        checkup(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"only": "deciding"}, "only must be one of data, prediction, decision, action, feedback; got 'deciding'"),
        ({"level": 95}, "level must be > 0 and < 1; got 95"),
        ({"score": 3}, "score must be the name of a column; got 3"),
        ({"outcome_is": "bad"}, "outcome_is must be one of gain, loss; got 'bad'"),
        ({"columns": "age"}, "columns must be a list of column names; got 'age'"),
        ({"gain_tp": math.nan}, "gain_tp must be finite; got nan"),
        ({"progress": 1}, "progress must be a function"),
        ({"score": "pp"}, "did you mean 'p'"),
    ],
)
def test_wrong_options_are_named(options, told):
    with pytest.raises((ValueError, TypeError), match=re.escape(told)):
        checkup(small(), **options)


# --- the command


def test_the_command_prints_and_writes(tmp_path, capsys):
    small().to_csv(tmp_path / "cases.csv", index=False)
    html, numbers = tmp_path / "page.html", tmp_path / "numbers.json"
    words = ["checkup", str(tmp_path / "cases.csv"), "--score", "p", "--outcome", "y", "--gain-tp", "value"]
    words += ["--cost-fp", "5", "--action", "did", "--control", "none", "--propensity", "none=0.5,call=0.5"]
    words += ["--least", "0.02", "--least-money", "1.5", "--report-rate", "0.1,0.5"]
    words += ["--only", "prediction,action", "--html", str(html), "--json", str(numbers)]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "2 Prediction" in said.out
    assert "… What did acting change?" in said.err
    assert html.exists()
    answers = [a for s in json.loads(numbers.read_text(encoding="utf-8"))["sections"] for a in s["answers"]]
    same = checkup(small(), score="p", outcome="y", gain_tp="value", cost_fp=5, action="did", control="none",
                   propensity={"none": 0.5, "call": 0.5}, only=["prediction", "action"], least=0.02)  # fmt: skip
    assert [a["value"] for a in answers] == pytest.approx([a.value for a in same.answers])


def test_the_command_takes_the_practice_file(capsys):
    assert main(["checkup", "--practice", "--only", "decision"]) == 0
    assert "practice.csv: 6,000 rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing.csv"], "there is no file 'nothing.csv'"),
        ([], "say which file, or --practice"),
        (["a.csv", "--propensity", "call=x"], "chances are written call=0.5,none=0.5"),
        (["semicolons.csv"], "so say --separator ';', --decimal ','"),
    ],
)
def test_the_command_says_what_is_wrong_in_a_sentence(words, told, capsys, tmp_path, monkeypatch):
    (tmp_path / "semicolons.csv").write_text("p;y\n0,5;1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["checkup", *words])
    assert stopped.value.code in (1, 2)
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said
