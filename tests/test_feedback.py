"""Layer 5, Feedback: labels that come late, policies judged on logs, promises, sizes, alarms."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from mllayers.action import uplift_policy_value
from mllayers.data import weighted_rate
from mllayers.feedback import Monitor, OverlapCollapsed, matured, policy_value, promise_kept, size_guard
from mllayers.ledger import Ledger

DELAY = stats.gamma(2, loc=5, scale=22)
DAY = pd.Timedelta(days=1)
START = pd.Timestamp("2026-01-01")


# labels come late ---------------------------------------------------------------------------------------------------


def cohorts(seed, rate=0.05, n=3_000, last=150):
    """Decisions of `last` days, and the outcomes that come with the delay law above."""
    rng = np.random.default_rng([seed, 1])
    day = rng.uniform(0, last, n)
    decisions = pd.DataFrame({"case": np.arange(n).astype(str), "time": START + day * DAY})
    hit = rng.random(n) < rate
    arrival = decisions["time"] + DELAY.rvs(n, random_state=rng) * DAY
    outcomes = decisions[hit].assign(kind="chargeback", value=1.0, arrival=arrival[hit])
    return decisions, outcomes


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
    assert found.rate == pytest.approx(total / worth)
    assert (found.arrived, found.n) == (total, len(decisions))
    assert found.naive == pytest.approx(total / len(decisions))


@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from([0.8, 0.95, 0.99]))
def test_with_all_outcomes_in_the_interval_is_wilsons(hits, others, level):
    decisions = pd.DataFrame({"case": range(hits + others), "time": START})
    outcomes = decisions[:hits].assign(kind="fraud", arrival=START + DAY)
    found = matured(decisions, outcomes, as_of=START + 9 * DAY, delay=lambda age: age >= 1, level=level)
    wilson = proportion_confint(hits, hits + others, 1 - level, method="wilson")
    assert (found.low, found.high) == pytest.approx(wilson)
    assert found.rate == found.naive == hits / (hits + others)


def test_interval_covers_and_the_naive_rate_is_too_low():
    within, naive = [], []
    for seed in range(300):
        found = matured(*cohorts(seed, n=800), as_of=START + 150 * DAY, delay=DELAY.cdf)
        within.append(found.low <= 0.05 <= found.high)
        naive.append(found.naive)
    assert 0.92 <= np.mean(within) <= 0.98
    assert np.mean(naive) < 0.042


def test_labels_are_yes_no_or_too_early():
    decisions, outcomes = cohorts(2)
    day = START + 120 * DAY
    labels = matured(decisions, outcomes, as_of=day, delay=DELAY.cdf, enough=0.9).labels
    assert (labels["time"] <= day).all()
    came = labels["case"].isin(outcomes.loc[outcomes["arrival"] <= day, "case"])
    old = DELAY.cdf(labels["age"]) >= 0.9
    assert labels["y"].equals(pd.Series(np.where(came, 1.0, np.where(old, 0.0, np.nan)), labels.index, name="y"))
    assert labels["y"].isna().any()
    assert ((labels["y"] == 0) & labels["case"].isin(outcomes["case"])).any(), "silence is wrong for the last tenth"


def test_frames_of_the_ledger_and_a_zone():
    decisions = pd.DataFrame({"case": [1, 2], "time": START, "action": "ship", "propensity": 1.0})
    outcomes = pd.DataFrame({"case": [1], "time": START, "kind": "chargeback", "arrival": START + 40 * DAY})
    with Ledger() as ledger:
        ledger.record_decisions(decisions)
        empty = matured(ledger.decisions(), ledger.outcomes(), as_of="2026-02-01", delay=DELAY.cdf)
        ledger.record_outcomes(outcomes)
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


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"decisions": [1]}, TypeError, "decisions must be a pandas DataFrame; got a list"),
        ({"outcomes": None}, TypeError, "outcomes must be a pandas DataFrame; got None"),
        ({"delay": 60}, TypeError, "delay must be a function of ages in days; got 60"),
        ({"delay": lambda age: age}, ValueError, r"delay\(age\) must lie in \[0, 1\]; got 30"),
        ({"delay": lambda age: 1 / (1 + age)}, ValueError, "delay must never fall with age"),
        ({"delay": lambda age: age > 99}, ValueError, "old enough that some outcome can have arrived"),
        ({"delay": lambda age: 0.5}, ValueError, r"delay\(age\) must have one dimension"),
        ({"as_of": 17}, TypeError, "as_of must hold dates; got 17"),
        ({"as_of": "soon"}, TypeError, "as_of must hold dates"),
        ({"as_of": "2025-01-01"}, ValueError, "at least one taken by 2025-01-01"),
        ({"enough": 0}, ValueError, "enough must be > 0 and ≤ 1; got 0"),
        ({"level": 95}, ValueError, "level must be > 0 and < 1; got 95"),
    ],
)
def test_matured_refuses_in_words(wrong, error, says):
    decisions = pd.DataFrame({"case": ["a", "b"], "time": [START, START + 10 * DAY]})
    outcomes = pd.DataFrame({"case": ["a"], "time": START, "kind": "fraud", "arrival": START + DAY})
    given = {"decisions": decisions, "outcomes": outcomes, "as_of": START + 30 * DAY, "delay": DELAY.cdf} | wrong
    with pytest.raises(error, match=says):
        matured(given.pop("decisions"), given.pop("outcomes"), **given)


def test_decisions_twice_and_missing_times_are_refused():
    decisions = pd.DataFrame({"case": ["a", "a"], "time": START})
    outcomes = pd.DataFrame({"case": [], "time": [], "kind": [], "arrival": []})
    with pytest.raises(ValueError, match="each case and time once"):
        matured(decisions, outcomes, as_of=START, delay=DELAY.cdf)
    with pytest.raises(ValueError, match="time of decisions is missing at row 1"):
        matured(decisions.assign(time=[START, pd.NaT]), outcomes, as_of=START, delay=DELAY.cdf)


# outcomes come back only for what was done --------------------------------------------------------------------------


def logged_world(seed, n=4_000):
    """Two actions; the logged policy takes the second with a known chance; rewards under both are there to compare."""
    rng = np.random.default_rng([seed, 2])
    x = rng.random(n)
    chance = np.clip(0.2 + 0.6 * x, 0.1, 0.9)
    took = rng.random(n) < chance
    under = np.stack([2 + x + rng.normal(0, 2, n), 1 + 3 * x + rng.normal(0, 2, n)])
    reward = np.where(took, under[1], under[0])
    wants = np.where(x > 0.5, 0.95, 0.05)
    model = np.stack([2 + 0.8 * x, 1.2 + 2.5 * x])
    return {
        "reward": reward,
        "propensity": np.where(took, chance, 1 - chance),
        "target": np.where(took, wants, 1 - wants),
        "q": np.where(took, model[1], model[0]),
        "q_target": wants * model[1] + (1 - wants) * model[0],
    }


def true_value(n=2_000_000):
    x = (np.arange(n) + 0.5) / n
    wants = np.where(x > 0.5, 0.95, 0.05)
    return float(np.mean(wants * (1 + 3 * x) + (1 - wants) * (2 + x)))


def test_estimates_are_their_formulas_case_by_case():
    world = logged_world(1, n=500)
    found = policy_value(**world)
    w = [t / b for t, b in zip(world["target"], world["propensity"], strict=True)]
    r, q, under = world["reward"], world["q"], world["q_target"]
    n = len(w)
    ips = sum(w[i] * r[i] for i in range(n)) / n
    dr = sum(under[i] + w[i] * (r[i] - q[i]) for i in range(n)) / n
    assert found.loc["IPS", "value"] == pytest.approx(ips)
    assert found.loc["SNIPS", "value"] == pytest.approx(n * ips / sum(w))
    assert found.loc["DR", "value"] == pytest.approx(dr)
    assert found.loc["IPS", "n_eff"] == pytest.approx(sum(w) ** 2 / sum(x * x for x in w))
    assert found.loc["IPS", "largest_weight"] == max(w)


def test_standard_errors_are_those_of_statsmodels():
    world = logged_world(2, n=800)
    found, w = policy_value(**world), world["target"] / world["propensity"]
    low, high = DescrStatsW(w * world["reward"]).zconfint_mean()
    assert (found.loc["IPS", "low"], found.loc["IPS", "high"]) == pytest.approx((low, high))
    parts = np.stack([w * world["reward"], w])
    a, b = parts.mean(axis=1)
    gradient = np.array([1 / b, -a / b**2])
    delta = math.sqrt(gradient @ np.cov(parts) @ gradient / len(w))
    assert found.loc["SNIPS", "se"] == pytest.approx(delta)


def test_intervals_cover_and_the_model_narrows_them():
    truth = true_value()
    hits, widths = [], []
    for seed in range(400):
        found = policy_value(**logged_world(seed, n=1_000))
        hits.append((found["low"] <= truth) & (truth <= found["high"]))
        widths.append(found["se"])
    rates = pd.DataFrame(hits).drop(columns="logged").mean()
    assert rates.between(0.92, 0.98).all(), rates
    se = pd.DataFrame(widths).mean()
    assert se["DR"] < se["SNIPS"] < se["IPS"]


def test_gain_is_the_difference_on_the_same_cases():
    found = policy_value(**logged_world(3))
    np.testing.assert_allclose(found["gain"], found["value"] - found.loc["logged", "value"])
    assert found.loc["logged", ["gain", "gain_low", "gain_high"]].eq(0).all()


@given(st.floats(-50, 50), st.integers(0, 20))
def test_a_constant_added_to_all_rewards_moves_snips_by_as_much(constant, seed):
    world = logged_world(seed, n=300)
    before = policy_value(**world, min_n_eff=1)
    after = policy_value(**world | {"reward": world["reward"] + constant}, min_n_eff=1)
    assert after.loc["SNIPS", "value"] - before.loc["SNIPS", "value"] == pytest.approx(constant, abs=1e-9)
    assert after.loc["SNIPS", "se"] == pytest.approx(before.loc["SNIPS", "se"])


def test_the_logged_policy_itself_is_its_mean():
    reward = np.random.default_rng([4, 2]).normal(3, 1, 500)
    found = policy_value(reward, 0.3, np.full(500, 0.3))
    assert found["value"].to_numpy() == pytest.approx(np.full(3, reward.mean()))
    assert found.loc["SNIPS", "se"] == pytest.approx(reward.std(ddof=1) / math.sqrt(500))
    assert found.loc["IPS", "n_eff"] == pytest.approx(500)


def test_on_a_fair_pilot_it_agrees_with_layer_4():
    """Two fixed rules on cases with equal propensities and equal counts: the same difference of means."""
    rng = np.random.default_rng([5, 2])
    took = np.tile([0, 1], 500)
    reward = rng.normal(took * 2.0, 1)
    everyone = policy_value(reward, 0.5, took).loc["SNIPS", "value"]
    nobody = policy_value(reward, 0.5, 1 - took).loc["SNIPS", "value"]
    narrow = uplift_policy_value(reward, took, 0.5, target=np.ones(1_000))
    assert everyone - nobody == pytest.approx(narrow.value)


def collapsed(seed, n=5_000, never=0.4):
    """A challenger that, in a part of the cases, does what the logged policy never did."""
    rng = np.random.default_rng([seed, 3])
    fixed = rng.random(n) < never
    took = np.where(fixed, 0, rng.random(n) < 0.5)
    return rng.normal(0, 1, n), np.where(fixed, 1.0, 0.5), took


def test_overlap_that_has_collapsed_is_refused():
    with pytest.raises(OverlapCollapsed, match=r"average 0\.\d+ where 1 is expected: in about (3[6-9]|4[0-4])%"):
        policy_value(*collapsed(1))
    with pytest.raises(OverlapCollapsed, match="never does what the logged policy did"):
        policy_value([1.0, 2.0], 1.0, [0, 0])
    n = 20_000
    rare = np.arange(n) < 40
    with pytest.raises(OverlapCollapsed, match="worth 40 for the challenger, below min_n_eff = 100"):
        policy_value(np.ones(n), np.where(rare, 0.002, 0.998), rare)
    assert policy_value(np.ones(n), np.where(rare, 0.002, 0.998), rare, min_n_eff=30).loc["SNIPS", "value"] == 1
    assert issubclass(OverlapCollapsed, ValueError)


def test_overlap_that_is_there_is_hardly_ever_refused():
    """Of 300 honest logs none, and of 300 in which 40 % are out of reach all."""
    for seed in range(300):
        policy_value(**logged_world(seed, n=1_000))
        with pytest.raises(OverlapCollapsed):
            policy_value(*collapsed(seed, n=1_000))


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"propensity": 0}, ValueError, r"propensity must lie in \(0, 1\]; got 0 at row 0"),
        ({"propensity": [0.5, 1.5] * 200}, ValueError, r"propensity must lie in \(0, 1\]; got 1.5 at row 1"),
        ({"propensity": 0.1}, ValueError, "must average 1; got 5.00"),
        ({"target": 3}, ValueError, "target must have one dimension"),
        ({"target": [2.0] * 400}, ValueError, r"target must lie in \[0, 1\]; got 2"),
        ({"target": [1.0]}, ValueError, "reward and target must have the same length; reward has 400, target has 1"),
        ({"q": [0.0] * 400}, ValueError, "q and q_target belong together"),
        ({"q": [0.0] * 400, "q_target": [0.0]}, ValueError, "must have the same length"),
        ({"reward": ["$5"] * 400}, TypeError, "reward must be a column of numbers"),
        ({"min_n_eff": 0}, ValueError, "min_n_eff must be ≥ 1; got 0"),
        ({"level": 1}, ValueError, "level must be > 0 and < 1; got 1"),
        ({"reward": [1.0], "target": [1.0], "min_n_eff": 1}, ValueError, "at least two cases"),
    ],
)
def test_policy_value_refuses_in_words(wrong, error, says):
    with pytest.raises(error, match=says):
        policy_value(**{"reward": np.ones(400), "propensity": 0.5, "target": np.full(400, 0.5)} | wrong)


# was the promise kept? ----------------------------------------------------------------------------------------------


@given(st.integers(0, 40), st.integers(1, 60), st.sampled_from([0.9, 0.95]))
def test_a_plain_audit_has_wilsons_interval(hits, others, level):
    y = np.arange(hits + others) < hits
    found = promise_kept(np.full(len(y), 0.2), y, level=level).loc["all"]
    assert (found["low"], found["high"]) == pytest.approx(
        proportion_confint(hits, hits + others, 1 - level, method="wilson")
    )
    assert found["kept"] == (found["low"] <= 0.2 <= found["high"])


def audited(seed, rate=0.01, n=20_000, share=0.03):
    """Orders, some of them reviewed with certainty, the rest with the audit's chance."""
    rng = np.random.default_rng([seed, 4])
    risky = rng.random(n) < 0.02
    fraud = rng.random(n) < np.where(risky, 0.3, rate)
    chance = np.where(risky, 0.5, share)
    y = np.where(rng.random(n) < chance, fraud, np.nan)
    return np.where(risky, 0.3, rate), y, chance, 0.02 * 0.3 + 0.98 * rate


def test_delivered_is_the_weighted_rate_of_layer_1():
    p, y, chance, _ = audited(1)
    found = promise_kept(p, y, propensity=chance).loc["all"]
    peer = weighted_rate(y, chance)
    assert found["delivered"] == pytest.approx(peer.hajek)
    assert found["n_eff"] == pytest.approx(peer.n_eff)
    assert (found["n"], found["labels"]) == (len(y), np.isfinite(y).sum())
    assert found["promised"] == pytest.approx(p.mean())


@pytest.mark.parametrize(("rate", "share"), [(0.01, 0.03), (0.002, 0.03), (0.01, 0.3)])
def test_intervals_of_an_audit_cover(rate, share):
    within = []
    for seed in range(400):
        p, y, chance, truth = audited(seed, rate=rate, share=share, n=10_000)
        found = promise_kept(p, y, propensity=chance).loc["all"]
        within.append(found["low"] <= truth <= found["high"])
    assert np.mean(within) >= 0.93


def test_periods_stand_in_their_order_and_each_for_itself():
    p, y, chance, _ = audited(2)
    month = np.repeat([11, 2, 7, 3], len(y) // 4)
    found = promise_kept(p, y, propensity=chance, when=month)
    assert found.index.tolist() == [2, 3, 7, 11]
    one = promise_kept(p[month == 7], y[month == 7], propensity=chance[month == 7]).loc["all"]
    pd.testing.assert_series_equal(found.loc[7], one, check_names=False)


def test_a_promise_of_a_tenth_is_found_out_and_a_true_one_is_not():
    broken = [promise_kept(p / 10, y, propensity=c).loc["all", "kept"] for p, y, c, _ in map(audited, range(50))]
    kept = [promise_kept(p, y, propensity=c).loc["all", "kept"] for p, y, c, _ in map(audited, range(200))]
    assert not any(broken)
    assert np.mean(kept) >= 0.92


def test_no_event_has_an_upper_limit_and_an_infinite_ratio():
    found = promise_kept([0.01] * 100, [0] * 100).loc["all"]
    assert (found["delivered"], found["low"]) == (0, 0)
    assert 0.03 < found["high"] < 0.04
    assert found["ratio"] == math.inf
    assert found["kept"]


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"p": [0.1, 1.1]}, ValueError, r"p must lie in \[0, 1\]; got 1.1 at row 1"),
        ({"y": [0, 2]}, ValueError, "y must hold only 0 and 1; got 2"),
        ({"y": [0]}, ValueError, "must have the same length"),
        ({"propensity": [0.5, 0.0]}, ValueError, "propensity must be above 0: .* got 0 at row 1"),
        ({"propensity": 1.2}, ValueError, r"propensity must lie in \[0, 1\]"),
        ({"y": [0, np.nan]}, ValueError, "y must be known where propensity is 1"),
        ({"y": [0, np.nan], "propensity": 0.5, "when": [1, 2]}, ValueError, "a label in each period; got none in 2"),
        ({"when": [1]}, ValueError, "p and when must have the same length"),
        ({"when": [1, np.nan]}, ValueError, "when must be known for each case; got nan at row 1"),
        ({"level": 0}, ValueError, "level must be > 0 and < 1; got 0"),
    ],
)
def test_promise_kept_refuses_in_words(wrong, error, says):
    with pytest.raises(error, match=says):
        promise_kept(**{"p": [0.1, 0.2], "y": [0, 1]} | wrong)


# has a segment outgrown its card? -----------------------------------------------------------------------------------


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=80), st.floats(1.01, 4))
def test_guard_counts_as_a_loop_would(segments, ratio):
    card = {"a": 0.2, "c": 0.05, "z": 0.5}
    found = size_guard(segments, card, ratio=ratio)
    assert found.index.tolist() == list(card)
    for name, share in card.items():
        now = sum(segment == name for segment in segments) / len(segments)
        assert found.loc[name, "now"] == now
        assert found.loc[name, "outgrown"] == (now / share > ratio)


def test_by_chance_is_the_binomial_tail():
    found = size_guard(np.repeat(["a", "b"], [12, 88]), {"a": 0.07})
    assert found.loc["a", "by_chance"] == pytest.approx(stats.binomtest(12, 100, 0.07, "greater").pvalue)
    assert size_guard([1, 2, 2], {1: 0.3}).loc[1, "now"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"segments": []}, ValueError, "segments must hold at least one case"),
        ({"segments": ["a", None]}, ValueError, "segments must be known for each case; got a missing one at row 1"),
        ({"card": {}}, TypeError, "card must give the share of each paid segment"),
        ({"card": ["a"]}, TypeError, "card must give the share of each paid segment.*got a list"),
        ({"card": {"a": 0}}, ValueError, r"card\['a'\] must be > 0 and ≤ 1; got 0"),
        ({"card": {"a": 15}}, ValueError, r"card\['a'\] must be > 0 and ≤ 1; got 15"),
        ({"ratio": 1}, ValueError, "ratio must be > 1; got 1"),
    ],
)
def test_size_guard_refuses_in_words(wrong, error, says):
    given = {"segments": ["a"], "card": {"a": 0.5}} | wrong
    with pytest.raises(error, match=says):
        size_guard(given.pop("segments"), given.pop("card"), **given)


# has a rate or a mean moved? ----------------------------------------------------------------------------------------


def recursion(monitor, x):
    """The textbook's line, one case after the other."""
    s, path = 0.0, []
    for one in x:
        if monitor.sd is None:
            hit = bool(one) == (monitor.moved > monitor.usual)
            step = monitor._unit * (monitor._up if hit else -monitor._down)
        else:
            z = (one - monitor.usual) / monitor.sd * (1 if monitor.moved > monitor.usual else -1)
            step = z - abs(monitor.moved - monitor.usual) / monitor.sd / 2
        s = max(0.0, s + step)
        path.append(s)
    return path


MONITORS = [
    {"usual": 0.05, "moved": 0.08, "run_length": 500},
    {"usual": 0.79, "moved": 0.65, "run_length": 300},
    {"usual": 0.8, "moved": 0.9, "run_length": 400},
    {"usual": 0.0, "moved": 0.5, "run_length": 300, "sd": 1.0},
    {"usual": 20.0, "moved": 17.0, "run_length": 200, "sd": 4.0},
]


def draws(monitor, rng, shape, at):
    return rng.random(shape) < at if monitor.sd is None else rng.normal(at, monitor.sd, shape)


@pytest.mark.parametrize("design", MONITORS)
@pytest.mark.parametrize("name", ["run_length", "delay"])
def test_run_lengths_are_what_simulation_finds(design, name):
    """4,000 runs side by side: the standard error of the mean run length is about 1.6 %."""
    monitor = Monitor(**design)
    at = monitor.usual if name == "run_length" else monitor.moved
    rng = np.random.default_rng([11, 5, int(100 * abs(monitor.moved)), int(name == "delay")])
    s, runs, step = np.zeros(4_000), np.zeros(4_000), 0
    alive = np.ones(4_000, bool)
    while alive.any():
        step += 1
        x = draws(monitor, rng, 4_000, at)
        side = 1 if monitor.moved > monitor.usual else -1
        if monitor.sd is None:
            move = monitor._unit * np.where(x == (side > 0), monitor._up, -monitor._down)
        else:
            move = side * (x - monitor.usual) / monitor.sd - abs(monitor.moved - monitor.usual) / monitor.sd / 2
        s = np.maximum(0, s + move)
        runs[alive] = step
        alive &= s < monitor.limit - 1e-9
    assert getattr(monitor, name) == pytest.approx(runs.mean(), rel=4.5 * runs.std() / math.sqrt(4_000) / runs.mean())


def test_published_run_lengths():
    """k = ½: limits 4 and 5 have run lengths 168 and 465 on both sides together (Montgomery, table 9.3); 8.38, 10.4."""
    monitor = Monitor(0, 1, sd=1, run_length=2 * 465)
    assert monitor.limit == pytest.approx(5, abs=0.01)
    assert monitor.delay == pytest.approx(10.4, abs=0.05)
    four = Monitor(0, 1, sd=1, run_length=2 * 168)
    assert four.limit == pytest.approx(4, abs=0.01)
    assert four.delay == pytest.approx(8.38, abs=0.03)


def test_siegmunds_approximation_is_near():
    b = 5 + 1.166
    assert Monitor(0, 1, sd=1, run_length=930).run_length == pytest.approx(2 * (math.exp(b) - 1 - b), rel=0.02)


@given(st.floats(0.003, 0.9), st.floats(0.2, 0.9), st.booleans(), st.floats(20, 1_000))
def test_run_length_of_a_rate_solves_the_chain(usual, further, up, asked):
    moved = usual + (1 - usual) * further * 0.8 if up else usual * (1 - further)
    monitor = Monitor(usual, moved, run_length=asked)
    p, n = (usual if up else 1 - usual), round(monitor.limit / monitor._unit)
    chain = np.eye(n)
    for s in range(n):
        if s + monitor._up < n:
            chain[s, s + int(monitor._up)] -= p
        chain[s, max(s - int(monitor._down), 0)] -= 1 - p
    assert monitor.run_length == pytest.approx(np.linalg.solve(chain, np.ones(n))[0], rel=1e-6)
    assert monitor.run_length >= asked
    exact = math.log(monitor.moved / usual) / math.log((1 - moved) / (1 - usual))
    assert -monitor._up / monitor._down / exact == pytest.approx(1, abs=0.02) or not up


@pytest.mark.parametrize("design", MONITORS)
def test_statistic_is_the_textbooks_line_however_the_series_is_cut(design):
    rng = np.random.default_rng([12, 5])
    monitor = Monitor(**design)
    x = draws(monitor, rng, 700, (monitor.usual + monitor.moved) / 2)
    path = Monitor(**design).update(x)
    np.testing.assert_allclose(path, recursion(monitor, x), atol=1e-9)
    pieces = [monitor.update(piece) for piece in np.split(x, [1, 2, 300, 300, 650])]
    np.testing.assert_array_equal(np.concatenate(pieces), path)
    assert monitor.statistic == path[-1]
    monitor.reset()
    assert monitor.statistic == 0
    np.testing.assert_array_equal([monitor.update(one)[0] for one in x], path)


def test_run_length_of_a_rare_rate_is_what_simulation_finds():
    """Simulated from event to event, since hardly any case is one."""
    monitor = Monitor(1e-4, 3e-4, run_length=300_000)
    p, up, n = 1e-4, int(monitor._up), round(monitor.limit / monitor._unit)
    rng = np.random.default_rng([13, 5])
    runs = []
    for _ in range(1_500):
        cases = s = 0
        while s < n:
            gap = int(rng.geometric(p))
            cases, s = cases + gap, max(0, s - gap + 1) + up
        runs.append(cases)
    assert monitor.run_length == pytest.approx(np.mean(runs), rel=4.5 / math.sqrt(1_500))


def test_longer_run_lengths_have_higher_limits_and_longer_delays():
    for sd in (None, 0.2):
        designs = [Monitor(0.05, 0.1, run_length=n, sd=sd) for n in (100, 1_000, 10_000, 100_000)]
        assert np.all(np.diff([one.limit for one in designs]) > 0)
        assert np.all(np.diff([one.delay for one in designs]) > 0)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"usual": 0}, ValueError, "usual must be > 0 and < 1; got 0"),
        ({"moved": 1.0}, ValueError, "moved must be > 0 and < 1; got 1"),
        ({"moved": 0.05}, ValueError, "moved must differ from usual; both are 0.05"),
        ({"run_length": 1}, ValueError, "run_length must be ≥ 2; got 1"),
        ({"sd": 0}, ValueError, "sd must be > 0; got 0"),
        ({"sd": 0.01, "run_length": 5}, ValueError, "run_length must be above .* for a shift of 3 sd; got 5"),
        ({"usual": "5 %"}, TypeError, "usual must be a number"),
    ],
)
def test_monitor_refuses_in_words(wrong, error, says):
    with pytest.raises(error, match=says):
        Monitor(**{"usual": 0.05, "moved": 0.08, "run_length": 1_000} | wrong)


def test_update_refuses_in_words_and_keeps_its_place():
    monitor = Monitor(0.05, 0.08, run_length=1_000)
    monitor.update([1, 1, 0])
    before = monitor.statistic
    for wrong, error in (([0, 2], ValueError), (["yes"], TypeError), ([0, np.nan], ValueError)):
        with pytest.raises(error, match="x must"):
            monitor.update(wrong)
    assert monitor.statistic == before
