"""Layer 5, Feedback: labels that come late."""

import datetime
import enum
import json
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from mllayers._stats import rate_interval
from mllayers.feedback import Matured, matured
from mllayers.feedback.matured import _corrected_rate_interval
from mllayers.ledger import Ledger

DELAY = stats.gamma(2, loc=5, scale=22)
DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2026-01-01")
ALL_IN = {"as_of": START + 9 * DAY, "delay": lambda age: age >= 1}


def cohorts(seed, rate=0.05, n=3_000, last=150):
    """Decisions of `last` days, and the outcomes that come with the delay law above."""
    rng = np.random.default_rng([seed, 1])
    day = rng.uniform(0, last, n)
    decisions = pd.DataFrame({"case": np.arange(n).astype(str), "time": START + day * DAY})
    hit = rng.random(n) < rate
    arrival = decisions["time"] + DELAY.rvs(n, random_state=rng) * DAY
    outcomes = decisions[hit].assign(kind="chargeback", value=1.0, arrival=arrival[hit])
    return decisions, outcomes


def some(n=4, hits=2, **columns):
    """A few decisions of one moment; the first have an outcome a day later."""
    decisions = pd.DataFrame({"case": [f"c{i}" for i in range(n)], "time": START})
    return decisions, decisions[:hits].assign(kind="fraud", arrival=START + DAY, **columns)


# the rate -----------------------------------------------------------------------------------------------------------


def test_rate_is_outcomes_over_the_share_that_can_have_arrived():
    """A loop over the cases, one by one."""
    decisions, outcomes = cohorts(1)
    day = START + 150 * DAY
    found = matured(decisions, outcomes, as_of=day, delay=DELAY.cdf)
    arrival = dict(zip(outcomes["case"], outcomes["arrival"], strict=True))
    total = worth = 0.0
    for case, time in zip(decisions["case"], decisions["time"], strict=True):
        total += case in arrival and arrival[case] <= day
        worth += DELAY.cdf((day - time) / DAY)
    assert found.rate == pytest.approx(total / worth, rel=1e-8)
    assert (found.arrived, found.n, found.events, found.early) == (total, len(decisions), total, 0)
    assert found.naive == pytest.approx(total / len(decisions))


def test_all_or_nothing_counts_the_same_decisions_above_and_below():
    """Outcomes of decisions that are too young by the law must not be divided by those that are old enough."""
    decisions, outcomes = cohorts(2, rate=0.02, n=40_000, last=180)
    found = matured(decisions, outcomes, as_of=START + 180 * DAY, delay=lambda age: age >= 120)
    assert found.low < 0.02 < found.high
    assert found.rate == pytest.approx(0.02, abs=0.003)
    old = decisions["time"] <= START + 60 * DAY
    came = outcomes["arrival"] <= START + 180 * DAY
    assert found.events == (came & old[outcomes.index]).sum()
    assert found.early == (came & ~old[outcomes.index]).sum() > 100
    assert f"{found.early:,} arrived before the law allows it" in str(found)
    assert np.isnan(found.fit)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.integers(0, 60)), min_size=1, max_size=40),
    st.sampled_from([lambda age: age >= 30, lambda age: np.minimum(age / 50, 1), DELAY.cdf, lambda age: age * 0 + 0.5]),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_the_rate_lies_in_its_interval_and_both_between_0_and_1(cases, law, level):
    """Or the sentence that the law does not fit, or that nothing is old enough."""
    decisions = pd.DataFrame({"case": range(len(cases)), "time": [START + day * DAY for day, _, _ in cases]})
    outcomes = decisions[[hit for _, hit, _ in cases]].assign(kind="x")
    outcomes["arrival"] = outcomes["time"] + pd.to_timedelta([late for _, hit, late in cases if hit], unit="D")
    found, said = None, ""
    try:
        found = matured(decisions, outcomes, as_of=START + 60 * DAY, delay=law, level=level)
    except ValueError as refused:
        said = str(refused)
    assert found is not None or "delay does not fit the arrivals" in said or "old enough" in said
    if found is not None:
        assert 0 <= found.low <= found.rate <= found.high <= 1
        assert found.low < found.high


def test_arrivals_that_contradict_the_law_are_refused():
    decisions = pd.DataFrame({"case": range(120), "time": START + np.arange(120) * pd.Timedelta(hours=1)})
    outcomes = decisions.assign(kind="x", arrival=decisions["time"] + 30 * DAY)
    with pytest.raises(ValueError, match=r"delay does not fit the arrivals: 120 of 120 .* at most 10\d\.\d are"):
        matured(decisions, outcomes, as_of=START + 92 * DAY, delay=lambda age: np.minimum(age / 100, 1))
    few = matured(decisions, outcomes[:60], as_of=START + 92 * DAY, delay=lambda age: age * 0 + 0.5)
    assert (few.rate, few.high) == (1, 1)
    assert few.low < 1


def test_a_law_that_the_delays_do_not_follow_is_told():
    decisions, outcomes = cohorts(3, rate=0.2, n=3_000)
    day = START + 150 * DAY
    assert matured(decisions, outcomes, as_of=day, delay=DELAY.cdf).fit > 0.001
    slow = matured(decisions, outcomes, as_of=day, delay=stats.gamma(2, loc=5, scale=40).cdf)
    assert slow.fit < 1e-6
    assert "the delays do not look like this law" in str(slow)


def test_a_true_law_is_hardly_ever_told_to_be_wrong():
    fits = [matured(*cohorts(seed, n=800), as_of=START + 150 * DAY, delay=DELAY.cdf).fit for seed in range(150)]
    assert stats.kstest(fits, "uniform").pvalue > 0.001


@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from([0.8, 0.95, 0.99]))
def test_with_all_outcomes_in_the_interval_is_clopper_and_pearsons(hits, others, level):
    found = matured(*some(hits + others, hits), **ALL_IN, level=level)
    peer = proportion_confint(hits, hits + others, 1 - level, method="beta")
    other = stats.binomtest(hits, hits + others).proportion_ci(level)
    assert (found.low, found.high) == pytest.approx(peer)
    assert (found.low, found.high) == pytest.approx((other.low, other.high))
    assert found.rate == found.naive == hits / (hits + others)


@pytest.mark.parametrize(("rate", "n"), [(0.05, 800), (0.002, 800), (0.0008, 800), (0.5, 100)])
def test_interval_covers(rate, n):
    """From about half an expected event to many."""
    within, naive = [], []
    for seed in range(200):
        found = matured(*cohorts(seed, rate=rate, n=n), as_of=START + 150 * DAY, delay=DELAY.cdf)
        within.append(found.low <= rate <= found.high)
        naive.append(found.naive)
    assert np.mean(within) >= 0.93
    assert np.mean(naive) < 0.85 * rate


# the labels ---------------------------------------------------------------------------------------------------------


def test_labels_are_yes_no_or_too_early():
    decisions, outcomes = cohorts(2)
    day = START + 120 * DAY
    labels = matured(decisions.assign(score=0.1), outcomes, as_of=day, delay=DELAY.cdf, enough=0.9).labels
    assert labels.columns.tolist() == ["case", "time", "score", "age", "share", "mature", "y", "value"]
    assert (labels["time"] <= day).all()
    came = labels["case"].isin(outcomes.loc[outcomes["arrival"] <= day, "case"])
    old = DELAY.cdf(labels["age"]) >= 0.9
    assert labels["mature"].tolist() == old.tolist()
    assert labels["y"].equals(pd.Series(np.where(came, 1.0, np.where(old, 0.0, np.nan)), labels.index, name="y"))
    assert labels["value"].equals(labels["y"].rename("value")), "each outcome is worth a dollar"
    assert labels["y"].isna().any()
    assert ((labels["y"] == 0) & labels["case"].isin(outcomes["case"])).any(), "silence is wrong for the last tenth"


def test_a_value_of_0_is_a_no_and_no_value_a_yes():
    found = matured(*some(6, 5, value=[0.0, -30.0, np.nan, 12.5, None]), **ALL_IN)
    assert found.labels["y"].tolist() == [0, 1, 1, 1, 1, 0]
    assert found.labels["value"].tolist() == pytest.approx([0, -30, np.nan, 12.5, np.nan, 0], nan_ok=True)
    assert (found.events, found.rate) == (4, 4 / 6)
    young = matured(*some(2, 1, value=0.0), as_of=START + DAY, delay=lambda age: age / 9)
    assert young.labels["y"].tolist() == pytest.approx([0, np.nan], nan_ok=True), "a no that came is known at once"
    without = matured(*some(3, 2), **ALL_IN)
    assert without.labels["y"].tolist() == [1, 1, 0]
    assert without.labels["value"].tolist() == pytest.approx([np.nan, np.nan, 0], nan_ok=True)


def test_columns_that_the_labels_need_are_not_overwritten():
    decisions, outcomes = some()
    with pytest.raises(ValueError, match="decisions already has the column 'value'"):
        matured(decisions.assign(value=3.0), outcomes, **ALL_IN)


# keys ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [2**53 + 1, 17])
def test_whole_numbers_meet_the_text_of_the_ledger(whole):
    decisions = pd.DataFrame({"case": [whole, whole + 1], "time": START, "action": "ship", "propensity": 1.0})
    outcomes = pd.DataFrame({"case": [str(whole)], "time": [START], "kind": "fraud", "arrival": START + DAY})
    found = matured(decisions, outcomes, **ALL_IN)
    assert found.labels["y"].tolist() == [1, 0]
    assert found.labels["case"].tolist() == [whole, whole + 1], "the caller's own ids stay"
    back = matured(decisions.astype({"case": str}), outcomes.astype({"case": "int64"}), **ALL_IN)
    assert back.rate == found.rate == 0.5


def test_keys_that_do_not_meet_are_no_noes():
    decisions, outcomes = some()
    for wrong in (outcomes.assign(case="other"), outcomes.assign(time=START + DAY)):
        with pytest.raises(ValueError, match=r"no outcome belongs to any decision.*among=…"):
            matured(decisions, wrong, **ALL_IN)
    with pytest.raises(ValueError, match=r"no outcome belongs to any decision: .* decisions or among has"):
        matured(decisions, outcomes.assign(case="other"), **ALL_IN, among=decisions)


def test_a_selection_may_rightly_have_no_outcome():
    decisions, outcomes = some(6, 2)
    quiet = matured(decisions[3:], outcomes, **ALL_IN, among=decisions)
    assert (quiet.rate, quiet.unmatched) == (0, 0)
    foreign = pd.concat([outcomes, outcomes.assign(case=["x", "y"])])
    told = matured(decisions, foreign, **ALL_IN)
    assert (told.events, told.unmatched) == (2, 2)
    assert "2 outcomes met no decision" in str(told)
    assert matured(decisions[:1], foreign, **ALL_IN, among=decisions).unmatched == 2


@given(st.permutations(range(8)), st.permutations(range(5)))
def test_the_order_of_rows_does_not_matter(mine, theirs):
    decisions, outcomes = some(8, 5, value=[0.0, 1.0, 2.0, 3.0, 4.0])
    first = matured(decisions, outcomes, **ALL_IN)
    again = matured(decisions.iloc[mine], outcomes.iloc[theirs], **ALL_IN)
    assert first.rate == again.rate
    assert first.labels.equals(again.labels.sort_index())


def test_decisions_and_outcomes_twice_are_refused():
    decisions, outcomes = some()
    with pytest.raises(ValueError, match=r"decisions must have each case and time once; got 'c0' at"):
        matured(decisions.assign(case="c0"), outcomes, **ALL_IN)
    with pytest.raises(ValueError, match=r"decisions must have each case and time once; got '1' at"):
        matured(pd.DataFrame({"case": [1, "1"], "time": START}), outcomes[:0], **ALL_IN)
    with pytest.raises(ValueError, match="outcomes must have each case, time and kind once; got 'c0' at"):
        matured(decisions, pd.concat([outcomes, outcomes]), **ALL_IN)


# times --------------------------------------------------------------------------------------------------------------


def test_a_date_means_its_end():
    decisions, outcomes = some()
    outcomes = outcomes.assign(arrival=pd.Timestamp("2026-04-10 18:30"))
    law = {"delay": lambda age: age >= 100}
    day = matured(decisions, outcomes, as_of="2026-04-10", **law)
    assert (day.events, day.labels["age"].tolist()) == (2, [100.0] * 4)
    assert matured(decisions, outcomes, as_of=datetime.date(2026, 4, 10), **law) == day
    at_noon = {"as_of": "2026-04-10 12:00", "delay": lambda age: age >= 99}
    assert matured(decisions, outcomes, **at_noon).events == 0
    evening = matured(decisions, outcomes, as_of="2026-04-10T20:00+01:00", delay=lambda age: age >= 99)
    assert evening.events == 2, "a time with a zone is one in UTC"


@pytest.mark.parametrize(
    "times", [["03/04/2026", "05/04/2026"], [20260301, 20260302], ["12:00", "13:00"], ["now", "today"], [1.5, 2.5]]
)
def test_what_only_looks_like_a_time_is_refused(times):
    with pytest.raises(TypeError, match=r"time of decisions must hold dates or times: ISO text.* at row 0"):
        matured(pd.DataFrame({"case": ["a", "b"], "time": pd.Series(times, dtype=object)}), pd.DataFrame(), **ALL_IN)


def test_sound_iso_text_is_read():
    times = ["2026-01-01 12:00:00", "2026-01-01 12:00:00.5", "2026-01-01T14:00+02:00"]
    decisions = pd.DataFrame({"case": ["a", "b", "c"], "time": times})
    labels = matured(decisions, pd.DataFrame(), **ALL_IN).labels
    noon = pd.Timestamp("2026-01-01 12:00")
    assert labels["time"].tolist() == [noon, noon + pd.Timedelta("500ms"), noon]


def test_an_arrival_before_its_decision_is_refused_unless_it_is_that_days_date():
    decisions, outcomes = some()
    decisions, outcomes = (frame.assign(time=START + pd.Timedelta(hours=14)) for frame in (decisions, outcomes))
    assert matured(decisions, outcomes.assign(arrival=START), **ALL_IN).events == 2
    with pytest.raises(ValueError, match=r"arrival must not lie before the decision; got 2025-12-30.* at row 0"):
        matured(decisions, outcomes.assign(arrival=START - 2 * DAY), **ALL_IN)


# frames -------------------------------------------------------------------------------------------------------------


def test_polars_and_arrow_are_taken():
    decisions, outcomes = some()
    first = matured(decisions, outcomes, **ALL_IN)
    for kind in (pl.from_pandas, pa.Table.from_pandas):
        again = matured(kind(decisions), kind(outcomes), **ALL_IN)
        assert (again.rate, again.low, again.events) == (first.rate, first.low, 2)


def test_no_outcomes_at_all():
    decisions, outcomes = some()
    for empty in (pd.DataFrame(), outcomes[:0], pl.DataFrame()):
        found = matured(decisions, empty, **ALL_IN)
        assert (found.rate, found.low) == (0, 0)
        assert found.high == pytest.approx(1 - 0.025**0.25), "exact: (1 − p)ⁿ = 2.5 %"


def test_frames_of_the_ledger_and_a_zone():
    decisions = pd.DataFrame({"case": [1, 2], "time": START, "action": "ship", "propensity": 1.0, "cost": 0.0})
    outcomes = pd.DataFrame({"case": [1], "time": START, "kind": "chargeback", "arrival": START + 40 * DAY})
    with Ledger() as ledger:
        ledger.record_decisions(decisions)
        empty = matured(ledger.decisions(), ledger.outcomes(), as_of="2026-02-01", delay=DELAY.cdf)
        ledger.record_outcomes(outcomes.assign(value=30.0))
        later = matured(ledger.decisions(), ledger.outcomes(), as_of="2026-03-01T00:00+00:00", delay=DELAY.cdf)
    assert (empty.arrived, later.arrived) == (0, 1)
    assert empty.low == 0 < empty.high


def test_one_kind_of_several():
    decisions = pd.DataFrame({"case": ["a", "b"], "time": START})
    outcomes = pd.DataFrame({"case": ["a", "b", "a"], "time": START, "kind": ["x", "y", "y"], "arrival": START})
    options = {"as_of": START + DAY, "delay": lambda age: age >= 0}
    assert matured(decisions, outcomes, kind="x", **options).arrived == 1
    assert matured(decisions, outcomes, kind="y", **options).arrived == 2
    with pytest.raises(ValueError, match=r"several kinds; say which, kind='…': x, y"):
        matured(decisions, outcomes, **options)


def test_the_result():
    found = matured(*some(), **ALL_IN)
    assert found == matured(*some(), **ALL_IN)
    assert found != matured(*some(hits=1), **ALL_IN)
    assert isinstance(found, Matured)
    assert found.frame().equals(found.labels)
    assert found.to_dict()["rate"] == 0.5
    assert len(found.to_dict()["labels"]) == 4
    assert "rate 0.5000 (0.0676 to 0.9324), naive 0.5000: 2 of 4 so far" in str(found)
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"decisions": [1]}, TypeError, "decisions must be a DataFrame .* got a list"),
        ({"decisions": pd.DataFrame({"case": ["a"]})}, ValueError, "decisions must have the columns time"),
        ({"decisions": pd.DataFrame({"case": [1.5], "time": START})}, TypeError, "case of decisions must be text or"),
        ({"outcomes": None}, TypeError, "outcomes must be a DataFrame .* got None"),
        ({"outcomes": pd.DataFrame({"case": ["a"]})}, ValueError, "outcomes must have the columns time, kind, arrival"),
        ({"delay": 60}, TypeError, "delay must be a function of ages in days; got 60"),
        ({"delay": lambda age: age}, ValueError, r"delay\(age\) must lie in \[0, 1\]; got 30"),
        ({"delay": lambda age: 1 / (1 + age)}, ValueError, "delay must never fall with age"),
        ({"delay": lambda age: age > 99}, ValueError, "old enough that some outcome can have arrived"),
        ({"delay": lambda age: 0.5}, TypeError, r"delay\(age\) must be a column of numbers"),
        ({"delay": lambda age: age[:1] * 0}, ValueError, "must have the same length"),
        ({"as_of": 17}, TypeError, "as_of must hold dates or times.*got 17"),
        ({"as_of": "soon"}, TypeError, "as_of must hold dates or times"),
        ({"as_of": "10/04/2026"}, TypeError, "as_of must hold dates or times"),
        ({"as_of": "2025-01-01"}, ValueError, "at least one taken by 2025-01-01; got none"),
        ({"enough": 0}, ValueError, "enough must be > 0 and ≤ 1; got 0"),
        ({"level": 95}, ValueError, "level must be > 0 and < 1; got 95"),
        ({"kind": 3}, TypeError, "kind must be text; got 3"),
        ({"among": 3}, TypeError, "among must be a DataFrame"),
    ],
)
def test_matured_refuses_in_words(wrong, error, says):
    decisions = pd.DataFrame({"case": ["a", "b"], "time": [START, START + 10 * DAY]})
    outcomes = pd.DataFrame({"case": ["a"], "time": START, "kind": "fraud", "arrival": START + DAY})
    given = {"decisions": decisions, "outcomes": outcomes, "as_of": START + 30 * DAY, "delay": DELAY.cdf} | wrong
    with pytest.raises(error, match=says):
        matured(given.pop("decisions"), given.pop("outcomes"), **given)


def test_missing_times_and_values_that_are_no_numbers_are_refused():
    decisions, outcomes = some(2, 1)
    with pytest.raises(ValueError, match=r"time of decisions is missing at row 1"):
        matured(decisions.assign(time=[START, pd.NaT]), outcomes, **ALL_IN)
    with pytest.raises(TypeError, match=r"value of outcomes must be a column of numbers; got '30'"):
        matured(decisions, outcomes.assign(value="30"), **ALL_IN)


def test_near_a_rate_of_one_the_lower_end_is_what_chance_still_allows():
    """96 of 100 have come where the law expects at most 90: the interval of 95 % lies above it, that of 99.8 % not."""
    low, high = _corrected_rate_interval(96, 100, 90.0, 0.95)
    assert proportion_confint(96, 100, 0.05, "wilson")[0] > 0.9
    assert low == pytest.approx(rate_interval(96, 100, level=0.998)[0] / 0.9)
    assert (low < 1, high) == (True, 1.0)


def test_an_outcome_before_the_law_allows_it_says_nothing_of_the_fit():
    """Twenty decisions of 1 January and one of the 10th, seen at the end of the 10th; nothing comes in three days."""

    def law(age):
        return np.clip((np.asarray(age) - 3) / 20, 0, 1)

    days = np.array(["2026-01-01"] * 20 + ["2026-01-10"], dtype="datetime64[us]")
    decisions = pd.DataFrame({"case": range(21), "time": days})
    lag = np.array([3.5, 4.5, 6, 7.25, 9])
    came = pd.DataFrame({"case": [0, 1, 2, 3, 4, 20], "time": days[[0, 1, 2, 3, 4, 20]], "kind": "sale", "value": 1.0})
    came["arrival"] = came["time"] + pd.to_timedelta([*lag, 0.5], unit="D")
    found = matured(decisions, came, as_of=datetime.date(2026, 1, 10), delay=law)
    assert (found.early, found.events) == (1, 5)
    assert found.fit == pytest.approx(stats.kstest(law(lag) / law(10), "uniform").pvalue)


# times and words that look alike --------------------------------------------------------------------------------------


def test_the_hour_that_comes_twice_in_autumn_is_two_hours():
    first = datetime.datetime(2026, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Madrid"))
    second = first.replace(fold=1)  # equal to the first for Python, an hour later in truth
    column = pd.Series([first, second], dtype=object)
    labels = matured(
        pd.DataFrame({"case": "a", "time": column}), pd.DataFrame(), as_of="2026-11-30", delay=whole
    ).labels
    assert labels["time"].astype(str).tolist() == ["2026-10-25 00:30:00", "2026-10-25 01:30:00"]


@pytest.mark.parametrize(
    ("as_of", "age"),
    [(np.datetime64("2026-01"), 31), (np.datetime64("2026"), 365), (np.datetime64("2026-01-01", "W"), 7)],
)
def test_a_month_means_its_end_as_a_date_does(as_of, age):
    decisions = pd.DataFrame({"case": ["a"], "time": [np.datetime64(as_of, "s")]})
    assert matured(decisions, pd.DataFrame(), as_of=as_of, delay=whole).labels["age"].tolist() == [age]


@pytest.mark.parametrize(
    "time",
    [
        np.array([2**62], "datetime64[s]"),  # in microseconds: 1970
        np.array(["12000-01-01"], "datetime64[s]"),
        ["0001-01-01 00:00+10:00"],
        [datetime.datetime(9999, 12, 31, 23, tzinfo=datetime.timezone(datetime.timedelta(hours=-5)))],
    ],
)
def test_times_that_no_calendar_here_holds_are_refused(time):
    decisions = pd.DataFrame({"case": ["a"]})
    decisions["time"] = pd.Series(time)
    with pytest.raises(ValueError, match="time of decisions must lie in the years 1 to 9999"):
        matured(decisions, pd.DataFrame(), as_of="2026-11-30", delay=whole)


def test_a_kind_that_no_outcome_has_is_not_a_no():
    decisions, outcomes = some(4, 2)
    with pytest.raises(ValueError, match=r"kind must be one of the outcomes' \('fraud'\); got 'Fraud'"):
        matured(decisions, outcomes, kind="Fraud", **ALL_IN)
    assert matured(decisions, outcomes.iloc[:0], kind="Fraud", **ALL_IN).rate == 0


def test_a_law_that_works_in_place_does_not_change_the_ages():
    def law(age):
        age /= 60
        return np.minimum(age, 1)

    decisions, outcomes = some(4, 2)
    found = matured(decisions, outcomes, as_of=START + 30 * DAY, delay=law)
    plain = matured(decisions, outcomes, as_of=START + 30 * DAY, delay=lambda age: np.minimum(age / 60, 1))
    assert found == plain


def test_the_labels_are_ready_for_json():
    decisions, outcomes = some(2, 1)
    rows = json.loads(json.dumps(matured(decisions, outcomes, **ALL_IN).to_dict()))["labels"]
    assert [row["time"] for row in rows] == [START.isoformat()] * 2
    gaps = decisions.assign(day=pd.Series([START, pd.NaT]), many=pd.array([1, None], dtype="Int64"))
    rows = json.loads(json.dumps(matured(gaps, outcomes, **ALL_IN).to_dict()))["labels"]
    assert [(row["day"], row["many"]) for row in rows] == [(START.isoformat(), 1), (None, None)]


def test_whole_numbers_with_gaps_stay_whole():
    decisions = pl.DataFrame({"case": [2**53 + 1, 2**53], "time": [START] * 2, "shop": [2**53 + 1, None]})
    for frame in (decisions, decisions.to_arrow()):
        labels = matured(frame, pd.DataFrame(), **ALL_IN).labels
        assert labels["shop"].tolist() == [2**53 + 1, pd.NA]


def test_an_id_that_is_a_member_of_an_enum_is_its_text():
    shop = enum.Enum("shop", {"A": "a"}, type=str)
    decisions, outcomes = some(1, 1)
    decisions, outcomes = decisions.assign(case=["a"]), outcomes.assign(case=pd.Series([shop.A], dtype=object))
    assert matured(decisions, outcomes, **ALL_IN).arrived == 1


def test_one_column_is_no_frame():
    for column in (pl.Series([1.0]), pa.array([1.0])):
        with pytest.raises(TypeError, match="decisions must be a DataFrame"):
            matured(column, pd.DataFrame(), **ALL_IN)


def test_columns_of_one_name_are_refused():
    decisions, outcomes = some(2, 1)
    double = pd.concat([outcomes, pd.DataFrame([[1.0, 0.0]], columns=["value", "value"])], axis=1)
    with pytest.raises(ValueError, match="outcomes must have each column once; got 'value' twice"):
        matured(decisions, double, **ALL_IN)


def whole(age):
    """All outcomes arrive at once."""
    return np.ones_like(age)


def test_a_share_of_exactly_enough_is_mature():
    found = matured(*some(), as_of=START + 9 * DAY, delay=lambda age: np.full(len(age), 0.75), enough=0.75)
    assert found.labels["mature"].all()
    assert found.labels["y"].to_list() == [1, 1, 0, 0]


def test_outcomes_that_all_come_too_soon_do_not_fit_the_law():
    decisions, outcomes = some(n=20, hits=8)
    found = matured(decisions, outcomes, as_of=START + 11 * DAY, delay=lambda age: np.clip((age - 3) / 20, 0, 1))
    assert found.fit == 0.0
