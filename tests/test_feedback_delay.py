"""Layer 5, Feedback: how long outcomes take, from data that are still running."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.proportion import proportion_confint

from mllayers._stats import FEWEST_CASES
from mllayers.feedback import DelayLaw, delay_law, matured

DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2026-01-01")
LAW = stats.gamma(2, scale=22)


def running(seed, n=2_000, last=200, law=LAW, whole=False):
    """Cases of `last` days, the delays of all of them, and what has arrived by the last day."""
    rng = np.random.default_rng([seed, 5])
    began = pd.Series(START + rng.uniform(0, last, n) * DAY)
    takes = law.rvs(n, random_state=rng)
    takes = np.floor(takes) if whole else takes
    came = began + pd.to_timedelta(takes, "D")
    as_of = START + last * DAY
    return came.where(came <= as_of), began, as_of


def pairs(came, began, as_of):
    """Delay and age in days of what has arrived."""
    here = came.notna()
    return ((came - began)[here] / DAY).to_numpy(), ((as_of - began)[here] / DAY).to_numpy()


@pytest.mark.parametrize("whole", [False, True])
def test_the_law_is_kaplan_meiers_with_time_turned_round(whole):
    """statsmodels with delayed entry: a delay of x is a life of oldest − x, watched from oldest − age on."""
    came, began, as_of = running(1, n=800, whole=whole)
    law = delay_law(came, began, as_of=as_of, oldest=120)
    delay, age = pairs(came, began, as_of)
    use = delay <= 120
    entry = np.maximum(120 - age[use], 0) - 1e-9  # whoever enters at the moment of an arrival is at risk
    peer = SurvfuncRight(120 - delay[use], np.ones(use.sum()), entry=entry)
    below = law(120 - peer.surv_times - 1e-6)
    np.testing.assert_allclose(below, peer.surv_prob, atol=1e-10)
    assert law.events == use.sum()
    assert law.later == (~use).sum()
    assert law.unreported == came.isna().sum()


def test_the_law_is_the_likeliest_one():
    """Found again by what maximises the likelihood Π f(x) / F(age), step by step (the self-consistent law)."""
    came, began, as_of = running(2, n=150, whole=True)
    law = delay_law(came, began, as_of=as_of, oldest=90)
    delay, age = pairs(came, began, as_of)
    delay, age = delay[delay <= 90], np.minimum(age[delay <= 90], 90)
    steps = np.unique(delay)
    mass = np.full(len(steps), 1 / len(steps))
    within = steps[None, :] <= age[:, None]
    for _ in range(6_000):
        missed = 1 / (within @ mass)  # how many cases stand behind each that was seen
        new = np.array([(delay == u).sum() for u in steps]) + (~within * (mass * missed[:, None])).sum(0)
        mass = new / new.sum()
    np.testing.assert_allclose(law(steps), np.cumsum(mass), atol=1e-6)


@given(st.lists(st.integers(0, 30), min_size=20, max_size=60), st.sampled_from([0.8, 0.95]))
def test_where_nothing_is_truncated_shares_and_limits_are_exact(delays, level):
    """All cases are older than any delay: the plain share, Clopper and Pearson's limits."""
    x = np.array(delays)
    began = pd.Series(START, index=range(len(x)))
    law = delay_law(began + pd.to_timedelta(x, "D"), began, as_of=START + 100 * DAY, oldest=50, level=level)
    ages = np.array([0, 5, 15, 29])
    found = law.at(ages)
    for age, share, low, high in found.itertuples(index=False):
        hits = (x <= age).sum()
        assert share == pytest.approx(hits / len(x))
        # the lower limit allows for a late arrival, the upper one is exact
        assert (low, high) == pytest.approx(proportion_confint(hits, len(x), 1 - level, method="beta"), abs=1e-9)


def test_the_plain_shares_are_too_fast_and_the_law_is_not():
    came, began, as_of = running(3, n=20_000)
    law = delay_law(came, began, as_of=as_of)
    delay, _ = pairs(came, began, as_of)
    truth = LAW.cdf(40) / LAW.cdf(law.oldest)
    (row,) = law.at(40).itertuples(index=False)
    assert (delay <= 40).mean() > truth + 0.05
    assert row.low <= truth <= row.high
    assert row.high - row.low < 0.05
    assert law.half_low <= LAW.ppf(0.5 * LAW.cdf(law.oldest)) <= law.half_high


@pytest.mark.parametrize(("n", "law"), [(150, LAW), (300, stats.lognorm(1.2, scale=20)), (150, stats.expon(scale=60))])
def test_intervals_hold_the_truth_at_their_rate(n, law):
    within = []
    for seed in range(300):
        came, began, as_of = running(seed, n=n, law=law)
        found = delay_law(came, began, as_of=as_of, oldest=80)
        rows = found.at([7, 30, 60])
        truth = law.cdf(rows["age"]) / law.cdf(80)
        within.append(((rows["low"] <= truth) & (truth <= rows["high"])).to_numpy())
        assert (rows["low"] <= rows["share"]).all()
        assert (rows["share"] <= rows["high"]).all()
    assert (np.mean(within, axis=0) >= 0.93).all()


def test_it_is_the_delay_of_matured():
    """A rate of outcomes within `oldest` days, from arrivals alone, beside the truth."""
    rng = np.random.default_rng([6, 6])
    came, began, as_of = running(4, n=30_000)
    ends_in_it = rng.random(len(began)) < 0.05
    came = came.where(ends_in_it)
    law = delay_law(came, began, as_of=as_of)
    young = (as_of - began) / DAY <= law.oldest
    decisions = pd.DataFrame({"case": np.arange(len(began)), "time": began})[young]
    outcomes = decisions.assign(kind="fraud", arrival=came)[came[young].notna()]
    found = matured(decisions, outcomes, as_of=as_of, delay=law)
    assert found.low <= 0.05 * LAW.cdf(law.oldest) <= found.high
    assert found.naive < found.low
    with pytest.raises(ValueError, match=r"age must not be beyond the oldest .* name the law that holds there"):
        matured(decisions.assign(time=began[young] - 100 * DAY), outcomes.iloc[:0], as_of=as_of, delay=law)


def test_beyond_the_oldest_age_a_named_law_takes_over():
    came, began, as_of = running(5)
    law = delay_law(came, began, as_of=as_of, oldest=60)
    longer = law.beyond(LAW.cdf)
    ages = np.array([0, 10, 60, 61, 500])
    np.testing.assert_allclose(longer(ages[:3]), law(ages[:3]) * LAW.cdf(60))
    np.testing.assert_allclose(longer(ages[3:]), LAW.cdf(ages[3:]))
    assert (np.diff(longer(np.linspace(0, 300, 3_001))) >= 0).all()
    nothing_more = law.beyond(lambda age: age >= 0)
    assert nothing_more(np.array([60.0, 5_000.0])).tolist() == [1, 1]
    with pytest.raises(TypeError, match="named must be a function of ages in days; got 3"):
        law.beyond(3)
    with pytest.raises(ValueError, match=r"named\(age\) must lie in \[0, 1\]"):
        law.beyond(lambda age: age / 100)(np.array([200.0]))


def test_delays_in_whole_days_do_not_look_wrong():
    """The fit of `matured` compares with a law that jumps: few values, many of each."""
    for seed in range(5):
        came, began, as_of = running(seed, n=3_000, whole=True)
        began = began.dt.floor("D")
        came = (began + (came - began).dt.floor("D")).where(came.notna())
        law = delay_law(came, began, as_of=as_of)
        young = (as_of - began) / DAY <= law.oldest
        decisions = pd.DataFrame({"case": np.arange(len(began)), "time": began})[young]
        outcomes = decisions.assign(kind="fraud", arrival=came)[came[young].notna()]
        asked = {"as_of": as_of, "kind": "fraud"}
        assert matured(decisions, outcomes, delay=law, **asked).fit > 0.05
        fast = matured(decisions, outcomes, delay=lambda age: np.minimum(age / 20, 1), **asked)
        assert fast.fit < 0.001


def test_a_law_for_each_segment_and_those_that_have_none():
    rng = np.random.default_rng(7)
    came, began, as_of = running(7, n=3_000)
    north = rng.random(3_000) < 0.5
    slow = began + 2 * (came - began)
    came = came.where(north, slow.where(slow <= as_of))
    segment = np.where(north, "north", "south")
    segment[:30] = "west"
    law = delay_law(came, began, as_of=as_of, by=segment, oldest=100)
    assert list(law.groups) == ["north", "south"]
    assert law.too_few == ["west"]
    alone = delay_law(came[segment == "north"], began[segment == "north"], as_of=as_of, oldest=100)
    assert law.groups["north"] == alone
    assert law.groups["north"].half_high < law.groups["south"].half_low
    frame = law.frame()
    assert frame.columns.tolist() == ["group", "age", "share", "low", "high", "arrived", "at_risk"]
    assert frame["group"].unique().tolist() == ["all", "north", "south"]
    assert "half by group: north day " in str(law)
    assert str(law).endswith("too few arrivals: west")
    assert law.to_dict()["groups"]["north"]["oldest"] == 100


def test_later_arrivals_and_later_cases_are_not_looked_at():
    _, began, _ = running(8)
    full = began + pd.to_timedelta(LAW.rvs(len(began), random_state=1), "D")
    early = START + 120 * DAY
    known = full.where(full <= early)
    then = delay_law(known[began <= early], began[began <= early], as_of=early)
    assert delay_law(full, began, as_of=early) == then
    by_date = delay_law(full, began, as_of="2026-04-30")
    assert by_date == delay_law(full, began, as_of=pd.Timestamp("2026-04-30 23:59:59.999999"))


def test_what_it_says():
    began = pd.Series(START, index=range(100))
    law = delay_law(began + pd.to_timedelta(np.arange(100) % 10, "D"), began, as_of=START + 50 * DAY)
    assert isinstance(law, DelayLaw)
    assert str(law).startswith("of what arrives within 50 days, half has by day 4 (3 to 6) and 90 % by day 8 (8 to 9)")
    assert "100 arrivals, 100 of them old enough to show the longest delay; beyond, nothing is known" in str(law)
    assert law.age_at(1)[0] == 9
    assert law(3) == pytest.approx(0.4)
    assert law([-1.0, 0.0]).tolist() == [0, pytest.approx(0.1)]
    assert law.frame().loc[0].tolist()[:2] == [0, pytest.approx(0.1)]
    assert delay_law(began + 5 * DAY, began, as_of=START + 50 * DAY).frame()["age"].tolist() == [0, 5]


def test_the_default_age_is_one_that_a_tenth_have():
    came, began, as_of = running(9)
    law = delay_law(came, began, as_of=as_of)
    assert law.at_oldest >= max(FEWEST_CASES, 0.1 * came.notna().sum())
    assert law.oldest < 200
    assert not math.isnan(law.half_low)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"event_time": [START] * 3}, ValueError, "event_time and case_time must have the same length"),
        ({"event_time": [3] * 40}, TypeError, "event_time must hold dates or times"),
        ({"case_time": [None] + [START] * 39}, ValueError, "case_time is missing at row 0"),
        (
            {"event_time": [START - 3 * DAY] * 40},
            ValueError,
            "event_time must not lie before case_time; got 2025-12-29",
        ),
        ({"event_time": [START] * 19 + [None] * 21}, ValueError, "at least 20 arrivals by as_of; got 19"),
        ({"oldest": 80}, ValueError, "oldest must be an age that at least 20 cases .* 80.0 days is none"),
        ({"oldest": 0}, ValueError, "oldest must be > 0"),
        ({"as_of": "yesterday"}, TypeError, "as_of must hold dates or times"),
        ({"level": 1}, ValueError, "level must be > 0 and < 1"),
        ({"by": [1, 2]}, ValueError, "must have the same length"),
        ({"by": [None] * 40}, ValueError, "by must be known for each case"),
    ],
)
def test_delay_law_refuses_in_words(wrong, error, says):
    sound = {"event_time": [START + DAY] * 40, "case_time": [START] * 40, "as_of": START + 30 * DAY}
    with pytest.raises(error, match=says):
        delay_law(**(sound | wrong))
