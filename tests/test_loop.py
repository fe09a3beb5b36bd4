"""The loop: same seed, same bits; team on their day; what nobody knows changes nothing; going on after a stop."""

import dataclasses
import signal
import subprocess
import sys
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from mllayers import shop
from mllayers.decision import Action, Menu, Policy, cost_threshold
from mllayers.feedback import matured
from mllayers.ledger import Ledger, LedgerError
from mllayers.loop import (
    ARMS,
    Arm,
    Team,
    decide,
    desk_policy,
    features,
    fit,
    known_on,
    learnable,
    reacting_orders,
    run_loop,
    with_stakes,
)
from mllayers.loop import team as teams
from mllayers.shop import ORDER_FEATURES, PRICES

MONTHS = range(6, 10)
TEAMS = ["open", "self", "closed", "explore"]  # all but the one that sees the truth


@pytest.fixture(scope="module")
def orders():
    return shop.make_orders(range(10), seed=1, per_month=2_000)


@pytest.fixture(scope="module")
def results(orders):
    return {name: run_loop(orders, team=name, months=MONTHS, seed=1) for name in ARMS}


def run(orders, team="explore", **options):
    return run_loop(orders, **{"team": team, "months": MONTHS, "seed": 1} | options)


def assert_same(one, two):
    """Two runs agree to the last bit."""
    for name in ("months", "kinds", "decisions"):
        assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)


# the same orders, the same bits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("team", ARMS)
def test_same_seed_same_bits(orders, results, team):
    assert_same(run(orders, team), results[team])


def test_another_seed_draws_another_audit(orders, results):
    one, two = (result.decisions["action"] == "audit" for result in (results["explore"], run(orders, seed=2)))
    assert one.any()
    assert two.any()
    assert not one.equals(two)


@pytest.mark.parametrize("team", ["closed", "explore"])
def test_a_month_does_not_know_the_later_ones(orders, results, team):
    shorter = run(orders[orders["month"] <= 7], team, months=range(6, 8))
    assert_frame_equal(shorter.months, results[team].months.loc[6:7], check_exact=True)
    assert_frame_equal(shorter.decisions, results[team].decisions.query("month <= 7"), check_exact=True)


def test_all_arms_meet_the_same_orders(orders, results):
    world = ["orders", "frauds", "perfect"]
    for result in results.values():
        assert_frame_equal(result.months[world], results["closed"].months[world])
        assert result.decisions["order_id"].equals(orders.loc[orders["month"] >= 6, "order_id"])


def test_the_arms_part_after_the_first_month(results):
    """On the first day nobody has blocked or audited anything, so all teams have the same model."""
    for month, same in ((6, True), (9, False)):
        p = [results[name].decisions.query(f"month == {month}")["score"] for name in TEAMS]
        assert all(other.equals(p[0]) for other in p[1:]) is same


def test_the_open_arm_keeps_its_first_model(orders, results, monkeypatch):
    fitted = []
    monkeypatch.setattr(teams, "fit", lambda *args, **options: fitted.append(1) or fit(*args, **options))
    assert_same(run(orders, "open"), results["open"])
    assert len(fitted) == 1
    run(orders, "closed")
    assert len(fitted) == 1 + len(MONTHS)


def test_the_index_of_the_orders_does_not_matter(orders, results):
    moved = run(orders.set_index(orders.index + 7), "explore").decisions
    assert_frame_equal(moved.set_index(moved.index - 7), results["explore"].decisions)


# what the numbers say -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("team", ARMS)
def test_the_months_add_up(orders, results, team):
    result = results[team]
    both = orders.join(result.decisions[["score", "action"]], how="inner")
    both["money"] = shop.order_money(both, both["action"])
    for month, row in result.months.iterrows():
        these = both[both["month"] == month]
        shipped, blocked, fraud = these["action"] == "ship", these["action"] == "block", these["_is_fraud"]
        assert row["money"] == pytest.approx(these["money"].sum())
        assert row["perfect"] == pytest.approx(PRICES.margin * these.loc[~fraud, "amount_usd"].sum())
        assert row["gap"] == pytest.approx(row["money"] - row["perfect"])
        assert row["gap"] < 0
        assert row["fakes_shipped"] == (shipped & fraud).sum()
        assert row["good_blocked"] == (blocked & ~fraud).sum()
        assert row["blocks"] == blocked.sum()
        assert row["precision_true"] == pytest.approx(fraud[blocked].mean(), nan_ok=True)
        assert row["promised"] == pytest.approx(these.loc[shipped, "score"].sum())
        assert row["calibration_true"] == pytest.approx(row["promised"] / row["fakes_shipped"])
        returned = these["_report_day"] <= 30 * (month + 1) + 60
        assert row["reported"] == (shipped & fraud & returned).sum()
    assert result.gap == pytest.approx(result.months["gap"].sum())
    assert result.money == pytest.approx(both["money"].sum())


def test_the_kinds_add_up(orders, results):
    for result in results.values():
        assert (result.kinds.drop(columns="orders").sum(axis=1) == result.kinds["orders"]).all()
        frauds = result.kinds.drop(index=["L", "G"], level="kind").groupby("month")["ship"].sum()
        assert frauds.tolist() == result.months["fakes_shipped"].tolist()
        assert result.kinds.groupby("month")["review"].sum().tolist() == result.months["reviews"].tolist()
        counted = orders.query("month >= 6").groupby(["month", "_kind"], observed=False).size()
        assert result.kinds["orders"].tolist() == counted.tolist()


def test_what_the_team_believes_about_its_blocks(results):
    precision = {name: result.months["precision_seen"] for name, result in results.items()}
    assert (precision["self"] == 1).all()
    assert precision["open"].isna().all()
    assert precision["closed"].isna().all()
    assert precision["every label"].equals(results["every label"].months["precision_true"])
    assert precision["explore"].notna().any()


def test_it_prints_as_one_line(results):
    told = repr(results["closed"])
    assert "\n" not in told
    for part in ("closed: $", "short of perfect decisions in 4 months", "fakes shipped", "good orders blocked"):
        assert part in told


# nothing is known before its day, and the truth never -----------------------------------------------------------------


@pytest.mark.parametrize("team", TEAMS)
def test_no_label_is_used_before_its_day(orders, monkeypatch, team):
    """A spy looks at what every fit learns from."""
    days = []

    def spy(known, y, weight, **options):
        day = 30 * options["seed"][2]
        truth = orders.loc[known.index]
        used = weight > 0
        looked = known["action"].isin(["review", "audit"]).to_numpy()
        waited = used & ~looked & (known["action"] == "ship").to_numpy()
        frauds, good = truth[waited & (y == 1)], truth[waited & (y == 0)]
        assert not [name for name in known if name.startswith("_")]
        assert known["day"].max() < day
        assert known["month"].min() == max(0, options["seed"][2] - 6)
        assert (frauds["_report_day"] <= day).all()
        assert len(frauds) > 0
        assert (good["day"] <= day - 60).all()
        assert (y[used & looked] == truth["_is_fraud"][used & looked]).all()
        blocked = (known["action"] == "block").to_numpy()
        assert (used & blocked).any() == (team == "self" and day > 180)
        days.append(day)
        return fit(known, y, weight, **options)

    monkeypatch.setattr(teams, "fit", spy)
    run(orders, team)
    assert days == ([180] if team == "open" else [180, 210, 240, 270])


@pytest.mark.parametrize("team", TEAMS)
def test_what_nobody_saw_changes_nothing(orders, results, team):
    """Turn good and bad around where nobody looked and nobody complained: the same decisions, only other money."""
    both = orders.join(results[team].decisions["action"])
    both["action"] = both["action"].fillna(pd.Series(np.where(shop.legacy_rule(orders), "review", "ship")))
    unseen = ~both["action"].isin(["review", "audit"]) & both["_report_day"].isna()
    blocked = (both["action"] == "block").to_numpy()
    assert blocked.any()
    other = orders.assign(_is_fraud=orders["_is_fraud"] ^ (unseen | blocked))
    again = run(other, team)
    assert_frame_equal(again.decisions, results[team].decisions, check_exact=True)
    assert again.money != results[team].money


def test_only_the_one_that_sees_the_truth_learns_from_the_truth(orders, results):
    unreported = orders["_is_fraud"] & orders["_report_day"].isna() & (orders["month"] < 6) & ~shop.legacy_rule(orders)
    other = orders.assign(_is_fraud=orders["_is_fraud"] & ~unreported)
    for team in ARMS:
        same = run(other, team).decisions.equals(results[team].decisions)
        assert same == (team != "every label")


@pytest.mark.parametrize("team", ARMS)
def test_models_see_visible_columns_alone(orders, monkeypatch, team):
    seen, plain = [], Pipeline.fit

    def spy(self, x, *args, **options):
        seen.append(list(x.columns))
        return plain(self, x, *args, **options)

    monkeypatch.setattr(Pipeline, "fit", spy)
    run(orders, team, months=range(6, 8))
    assert seen
    assert all(columns == ORDER_FEATURES for columns in seen)


# the steps ------------------------------------------------------------------------------------------------------------


def test_features_are_the_columns_and_pairs_of_flags(orders):
    some = orders.head(300)
    x = features(some)
    assert x.shape == (300, 33)
    assert np.isfinite(x).all()
    flags = some.select_dtypes(bool).drop(columns="_is_fraud").to_numpy(float)
    assert np.array_equal(x[:, 4:11], flags)
    assert np.array_equal(x[:, 11], some["email_risk"].isna())
    assert np.array_equal(x[:, 12:], np.column_stack([a * b for a, b in combinations(flags.T, 2)]))
    assert np.allclose(np.expm1(x[:, 0]), some["amount_usd"])


def past_of(label, planned, action, propensity, source, day=0.0):
    """A desk's view of orders that are alike but for what was done with them."""
    n = len(label)
    drawn = ["explore" if done != plan else "" for done, plan in zip(action, planned, strict=True)]
    done = {"planned": planned, "action": action, "drawn": drawn, "propensity": propensity}
    orders = shop.make_orders(0, seed=7, per_month=n).assign(**done)
    return orders[ORDER_FEATURES + list(done)].assign(label=label, source=source, day=day)


LABELS = [1.0, 0.0, 1.0, 0.0, np.nan, np.nan, 0.0, 1.0]
PLANNED = ["review", "ship", "ship", "ship", "ship", "block", "ship", "block"]
DONE = ["review", "audit", "ship", "ship", "ship", "block", "ship", "audit"]
CHANCE = [1.0, 0.01, 0.99, 0.99, 0.99, 0.9, 1.0, 0.1]
SOURCES = ["review", "audit", "chargeback", "silence", "pending", "blocked", "silence", "audit"]
SEEN = past_of(LABELS, PLANNED, DONE, CHANCE, SOURCES)


@pytest.mark.parametrize(
    ("arm", "weights"),
    [
        (ARMS["open"], [1, 1, 1, 1, 0, 0, 1, 1]),
        (ARMS["closed"], [1, 1, 1, 1, 0, 0, 1, 1]),
        (ARMS["self"], [1, 1, 1, 1, 0, 1, 1, 1]),
        (ARMS["explore"], [1, 100, 1 / 0.99, 0, 0, 0, 1, 10]),
    ],
)
def test_what_each_arm_learns(arm, weights):
    y, w = learnable(SEEN, arm, day=90)
    assert w == pytest.approx(weights)
    expected = np.array(LABELS)
    if arm.blocks == "fraud":
        expected[5] = 1.0
    assert np.array_equal(y, expected, equal_nan=True)


@pytest.mark.parametrize(("day", "known"), [(59.9, False), (60.0, True)])
def test_silence_must_be_old_enough(day, known):
    y, w = learnable(SEEN, ARMS["closed"], day=day)
    assert (not np.isnan(y[3])) is known
    assert w[3] == known
    assert y[2] == 1  # a chargeback is known whatever its age


def twice_seen(seed, audit_share=0.05):
    """Orders that would ship: some audited, some reported, by kind; r differs between the kinds."""
    world = shop.make_orders(range(8, 11), seed=seed, per_month=20_000)
    arm = dataclasses.replace(ARMS["explore"], audit_share=audit_share, review_blocked_share=0.2)
    p = np.where(world["velocity_24h"] >= 3, 0.9, 0.001)
    done = decide(world, p, arm, capacity=0.04 + audit_share, seed=seed)
    past = world.join(done[["score", "planned", "action", "drawn", "propensity"]])
    return past, known_on(past, 400.0), arm


def test_each_fraud_counts_once_whether_reported_or_audited():
    """Over many draws the weighted frauds are as many as there are, of each kind; counted twice they would not be."""
    frauds, orders_stood_for, once = [], [], []
    for seed in range(40):
        past, known, arm = twice_seen(seed)
        y, w = learnable(known, arm, day=400.0)
        truth = past["_is_fraud"].to_numpy()
        frauds.append((y * w)[w > 0].sum() / truth.sum())
        orders_stood_for.append(w.sum() / len(w))
        audited = (known["action"] == "audit").to_numpy() & (y == 1)
        twice = np.where(audited, 1 / known["propensity"], w)
        once.append((y * twice)[w > 0].sum() / truth.sum())
    error = np.std(frauds) / len(frauds) ** 0.5
    assert np.mean(frauds) == pytest.approx(1, abs=max(4 * error, 0.08))
    assert np.mean(once) > 1.15
    assert np.mean(orders_stood_for) == pytest.approx(1, abs=0.03)


def test_what_never_comes_back_keeps_the_whole_weight_of_its_audits():
    past, known, arm = twice_seen(1)
    _, w = learnable(known, arm, day=400.0)
    audited = ((known["action"] == "audit") & (known["planned"] == "ship") & past["_is_fraud"]).to_numpy()
    full = 1 / known["propensity"].to_numpy()
    kept = pd.Series(w[audited] / full[audited]).groupby(past.loc[audited, "_kind"].astype(str).to_numpy()).mean()
    assert kept["B"] > 0.9  # never reported
    assert kept["A"] < 0.6  # reported in 85 of 100


def test_fit_is_the_plain_regression(orders):
    looked = shop.legacy_rule(orders)
    y = np.where(looked, orders["_is_fraud"], np.nan)
    weight = np.where(looked, np.where(orders["express"], 2.0, 1.0), 0.0)
    model = fit(orders, y, weight)
    plain = LogisticRegression(C=0.3, solver="newton-cholesky")
    plain.fit(features(orders[looked]), y[looked], sample_weight=weight[looked])
    assert np.allclose(model.predict_proba(orders), plain.predict_proba(features(orders)))


def test_fewer_negatives_weigh_as_much(orders, monkeypatch):
    weights = []
    plain = LogisticRegression.fit

    def spy(self, x, y, sample_weight):
        weights.append((y, sample_weight))
        return plain(self, x, y, sample_weight)

    monkeypatch.setattr(LogisticRegression, "fit", spy)
    y = orders["_is_fraud"].to_numpy(float)
    weight = np.where(orders["day"] < 30, 50.0, 1.0)  # those that stand for many are all kept
    thin, full = (fit(orders, y, weight, negatives=n, seed=1).predict_proba(orders)[:, 1] for n in (3_000, 10**6))
    (few, few_weights), (every, every_weights) = weights
    assert (few == 0).sum() == 3_000 + ((y == 0) & (weight == 50)).sum()
    assert (few == 1).sum() == (every == 1).sum() == y.sum()
    assert few_weights.sum() == pytest.approx(every_weights.sum())
    assert thin.sum() == pytest.approx(full.sum(), rel=0.1)


def outcomes(orders, p):
    """Expected dollars of shipping, looking and blocking."""
    a = orders["amount_usd"].to_numpy()
    good, bad = PRICES.margin * a, PRICES.cost_of_goods * a + PRICES.chargeback_fee
    return np.column_stack([(1 - p) * good - p * bad, (1 - p) * good - PRICES.review, -(1 - p) * PRICES.goodwill])


def test_decide_takes_the_best_of_three_where_there_is_room(orders):
    some = orders.head(2_000)
    p = np.random.default_rng(1).random(2_000) ** 3
    value = outcomes(some, p)
    done = decide(some, p, ARMS["closed"], capacity=1)
    assert (done["propensity"] == 1).all()
    names = np.array(["ship", "review", "block"])
    taken = np.take_along_axis(value, (names == done["action"].to_numpy(object)[:, None]).argmax(1)[:, None], 1)[:, 0]
    assert taken == pytest.approx(value.max(axis=1))
    assert done["expected_value"].to_numpy() == pytest.approx(value.max(axis=1) - value[:, 0])
    none = decide(some, p, ARMS["closed"], capacity=0)["action"]
    assert set(none) == {"ship", "block"}
    assert np.array_equal(none == "block", value[:, 2] >= value[:, 0])


def test_decide_looks_where_a_look_changes_most(orders):
    some = orders.head(2_000)
    p = np.random.default_rng(2).random(2_000) ** 3
    value = outcomes(some, p)
    gain = value[:, 1] - value[:, [0, 2]].max(axis=1)
    done = (decide(some, p, ARMS["closed"], capacity=0.04)["action"] == "review").to_numpy()
    assert done.sum() == 80
    assert gain[done].min() >= gain[~done].max()


def test_decide_draws_with_the_propensities_it_states(orders):
    some = orders.head(2_000)
    p = np.random.default_rng(3).random(2_000) ** 3
    arm = dataclasses.replace(ARMS["explore"], audit_share=0.02)
    block = p >= cost_threshold(**shop.order_stakes(some))
    draws = [decide(some, p, arm, capacity=0.1, seed=seed) for seed in range(200)]
    reviewed = (draws[0]["action"] == "review").to_numpy()
    assert reviewed.sum() == pytest.approx(200 - 0.02 * (~block).sum() - 0.1 * block.sum(), abs=1)
    for done in draws:
        assert done["planned"].equals(draws[0]["planned"])
        assert ((done["action"] == "review") == reviewed).all()
        assert done["action"].isin(["ship", "audit", "review"])[~block].all()
        assert done["action"].isin(["block", "audit", "review"])[block].all()
        assert ((done["drawn"] == "explore") == (done["action"] == "audit")).all()
    audited = np.mean([done["action"] == "audit" for done in draws], axis=0)
    stated = np.where(block, 0.1, 0.02) * ~reviewed
    last = draws[-1]
    drawn = (last["action"] == "audit").to_numpy()
    assert last["propensity"].to_numpy() == pytest.approx(np.where(drawn, stated, 1 - stated))
    for group in (block & ~reviewed, ~block & ~reviewed):
        assert audited[group].mean() == pytest.approx(stated[group].mean(), rel=0.06)


def test_the_same_order_meets_the_same_draw_in_whatever_order_it_comes(orders):
    some = orders.head(1_000)
    p = np.full(1_000, 0.001)
    one = decide(some, p, ARMS["explore"], seed=5)
    two = decide(some.iloc[::-1], p, ARMS["explore"], seed=5)
    assert one["action"].tolist() == two["action"].tolist()[::-1]


def test_one_month_by_hand(orders, results):
    arm, past, today = ARMS["explore"], orders[orders["month"] < 6], orders[orders["month"] == 6]
    done = np.where(shop.legacy_rule(past), "review", "ship")
    past = past.assign(score=np.nan, planned=done, action=done, drawn="", propensity=1.0)
    model = arm.learn(known_on(past, 180.0), 180.0, seed=[1, 52, 6])
    p = model.predict_proba(today[ORDER_FEATURES])[:, 1]
    decided = decide(today, p, arm, seed=1, model="fitted for month 6")
    there = results["explore"].decisions.query("month == 6")
    assert_frame_equal(decided.drop(columns="policy"), there.drop(columns="policy"))


def test_the_answers_make_the_arms(orders, results):
    closed = ARMS["closed"]
    assert_same(run(orders, dataclasses.replace(closed, blocks="fraud")), results["self"])
    built = run(orders, dataclasses.replace(closed, blocks="review", silence="ignore", audit_share=0.01))
    assert_same(built, results["explore"])
    assert built.team == "explore"
    assert run(orders, Arm(audit_share=0.1), months=range(6, 7)).team == "own team"


# a team of one's own --------------------------------------------------------------------------------------------------


class Cautious:
    """Learns as closed does, blocks what is likelier than not, tries nothing."""

    name = "cautious"

    def __init__(self):
        self.seen = []

    def learn(self, past, day, *, seed):
        self.seen.append((day, past))
        return ARMS["closed"].learn(past, day, seed=seed)

    def decide(self, orders, reviews, *, prices):
        self.seen.append((None, orders))
        return desk_policy(reviews / 2, prices=prices)

    def try_at_random(self, orders, *, prices):
        return {}


def test_any_object_with_three_methods_is_a_team(orders, results):
    mine = Cautious()
    assert isinstance(mine, Team)
    result = run(orders, mine)
    assert result.team == "cautious"
    assert (result.months["reviews"] <= results["closed"].months["reviews"]).all()
    assert result.months["orders"].tolist() == results["closed"].months["orders"].tolist()


def test_a_team_sees_what_a_desk_would_see(orders):
    mine = Cautious()
    run(orders, mine)
    for day, frame in mine.seen:
        assert not [name for name in frame.columns if name.startswith("_")]
        assert not set(frame.attrs)
        if day is not None:
            assert frame["day"].max() < day
            assert (frame["label"].isna() | frame["known"]).all()


@pytest.mark.parametrize(
    ("team", "says"),
    [
        (object(), "team must be one of open, self, closed, explore, every label, or an object with the methods"),
        (Cautious, "team must be one of open, .*; got a type|got a"),
        (None, "team must be one of"),
    ],
)
def test_what_is_no_team_is_told(orders, team, says):
    with pytest.raises(TypeError, match=says):
        run(orders, team)


def test_a_team_that_returns_no_policy_is_told(orders):
    class Careless(Cautious):
        def decide(self, orders, reviews, *, prices):
            return "ship"

    with pytest.raises(TypeError, match=r"team\.decide must return a Policy; got 'ship'"):
        run(orders, Careless())


def test_a_world_with_an_order_type_of_its_own_loses_no_order():
    types = shop.ORDER_TYPES.assign(D=shop.ORDER_TYPES["C"])
    types.loc["share", "D"] = 0.01
    orders = shop.make_orders(range(8), seed=2, per_month=2_000, types=types)
    result = run_loop(orders, months=range(6, 8))
    assert result.kinds["orders"].groupby("month").sum().tolist() == [2_000, 2_000]
    assert result.kinds["orders"].xs("D", level="kind").gt(5).all()
    assert (result.kinds.drop(columns="orders").sum(axis=1) == result.kinds["orders"]).all()


def test_what_came_back_is_what_matured_counts(orders, results):
    """The rows of the run go through layer 5 as any ledger's would."""
    result = results["closed"]
    shipped = result.decisions[(result.decisions["action"] == "ship") & (result.decisions["month"] == 6)]
    found = matured(
        shipped,
        result.outcomes,
        as_of="2026-10-28",
        delay=lambda age: age >= 0,
        kind="chargeback",
        among=result.decisions,
    )  # day 300 is the end of 27 October
    assert (
        found.arrived
        == (orders.loc[shipped.index, "_report_day"].notna() & (orders.loc[shipped.index, "_report_day"] <= 300)).sum()
    )


def test_impatient_silence_takes_young_frauds_for_legitimate(orders, monkeypatch):
    mislabelled = {}

    def spy(known, y, weight, **options):
        truth = orders.loc[known.index]
        wrong = (weight > 0) & (y == 0) & truth["_is_fraud"] & truth["_report_day"].notna()
        mislabelled[days] = mislabelled.get(days, 0) + wrong.sum()
        return fit(known, y, weight, **options)

    monkeypatch.setattr(teams, "fit", spy)
    for days in (10, 60, 120):
        run(orders, dataclasses.replace(ARMS["closed"], silence_days=days), months=range(6, 8))
    assert mislabelled[10] > mislabelled[60] > mislabelled[120]


def test_progress_is_told_month_by_month(orders):
    told = []
    run(orders, "open", progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


# a ledger, and going on after a stop ----------------------------------------------------------------------------------


class Stop(Exception):
    """Stands for whatever ends a run."""


def stop_after(months):
    def progress(done, total):
        if done == months:
            raise Stop

    return progress


def contents(ledger):
    return ledger.decisions(), ledger.outcomes()


@pytest.fixture(scope="module")
def written(orders, results):
    """What a run that nobody interrupted writes."""
    with Ledger() as ledger:
        assert_same(run(orders, ledger=ledger), results["explore"])
        return contents(ledger)


def assert_as_written(ledger, written):
    for there, expected in zip(contents(ledger), written, strict=True):
        assert_frame_equal(there, expected, check_exact=True)


def test_the_ledger_holds_every_decision_and_what_came_back(orders, results, written):
    decisions, outcomes = written
    mine = results["explore"].decisions
    assert len(decisions) == len(mine)
    by_case = decisions.set_index("case").loc[mine["order_id"].astype(str).tolist()]
    assert by_case["score"].tolist() == mine["score"].tolist()
    assert by_case["action"].tolist() == mine["action"].tolist()
    assert by_case["propensity"].tolist() == mine["propensity"].tolist()
    looked = by_case["action"].isin(["review", "audit"])
    assert (by_case["cost"] == np.where(looked, PRICES.review, 0)).all()
    assert by_case["model"].unique().tolist() == [f"fitted for month {month}" for month in MONTHS]
    assert outcomes["kind"].isin(["review", "audit"]).sum() == looked.sum()
    truth = orders.set_index(orders["order_id"].astype(str))
    back = outcomes[outcomes["kind"] == "chargeback"].set_index("case")
    shipped = truth.loc[by_case.index[by_case["action"] == "ship"]]
    assert set(back.index) == set(shipped.index[shipped["_report_day"] <= 300])
    assert (outcomes["value"] == truth.loc[outcomes["case"], "_is_fraud"].to_numpy()).all()
    day = (outcomes["arrival"] - pd.Timestamp("2026-01-01")) / pd.Timedelta(days=1)
    assert day.max() <= 300
    assert day[outcomes["kind"] == "chargeback"].to_numpy() == pytest.approx(
        truth.loc[back.index, "_report_day"].to_numpy(), abs=1e-6
    )


@pytest.mark.parametrize("months", [1, 2, 4])
@pytest.mark.parametrize("team", ["open", "explore"])
def test_a_stopped_run_goes_on_with_the_same_bits(orders, results, written, team, months):
    with Ledger() as ledger:
        with pytest.raises(Stop):
            run(orders, team, ledger=ledger, progress=stop_after(months))
        assert len(ledger.decisions()) == 2_000 * months
        again = run(orders, team, ledger=ledger)
        assert_same(again, results[team])
        assert again.model is not None
        if team == "explore":
            assert_as_written(ledger, written)


@pytest.mark.parametrize("where", ["record_decisions", "record_outcomes"])
def test_a_run_stopped_in_the_middle_of_a_month_goes_on(orders, results, written, monkeypatch, where):
    calls = []
    plain = getattr(Ledger, where)

    def stops(self, frame):
        calls.append(1)
        if len(calls) == 3:
            raise Stop
        return plain(self, frame)

    with Ledger() as ledger:
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, where, stops)
            with pytest.raises(Stop):
                run(orders, ledger=ledger)
        assert len(ledger.decisions()) == 2_000 * (2 if where == "record_decisions" else 3)
        assert_same(run(orders, ledger=ledger), results["explore"])
        assert_as_written(ledger, written)


RUNS_UNTIL_KILLED = """
import sys
from mllayers import shop
from mllayers.ledger import Ledger
from mllayers.loop import run_loop
orders = shop.make_orders(range(10), seed=1, per_month=2_000)
with Ledger(sys.argv[1]) as ledger:
    run_loop(orders, team="explore", months=range(6, 10), seed=1, ledger=ledger,
             progress=lambda done, total: print(done, flush=True))
"""


@pytest.mark.parametrize("months", [1, 3])
def test_a_killed_run_goes_on_with_the_same_bits(orders, results, written, tmp_path, months):
    """Killed while it is busy with the month after."""
    file = tmp_path / "ledger.db"
    with subprocess.Popen([sys.executable, "-c", RUNS_UNTIL_KILLED, str(file)], stdout=subprocess.PIPE) as program:
        for _ in range(months):
            program.stdout.readline()
        program.send_signal(signal.SIGKILL)
    with Ledger(file) as ledger:
        assert len(ledger.decisions()) in (2_000 * months, 2_000 * (months + 1))
        assert_same(run(orders, ledger=ledger), results["explore"])
        assert_as_written(ledger, written)


def test_a_finished_run_may_be_made_longer(orders, results):
    with Ledger() as ledger:
        run(orders, ledger=ledger, months=range(6, 8))
        assert_same(run(orders, ledger=ledger), results["explore"])
        shorter = run(orders, ledger=ledger, months=range(6, 8))
        assert_frame_equal(shorter.months, results["explore"].months.loc[6:7])


@pytest.mark.parametrize(
    "other", [{"team": "closed"}, {"seed": 2}, {"capacity": 0.05}, {"team": Arm(audit_share=0.02)}]
)
def test_a_ledger_of_another_run_is_refused(orders, other):
    with Ledger() as ledger:
        run(orders, ledger=ledger, months=range(6, 7))
        with pytest.raises(ValueError, match="ledger must hold nothing but this run"):
            run(orders, ledger=ledger, **other)


def test_a_ledger_about_other_orders_is_refused(orders):
    with Ledger() as ledger:
        run(orders, ledger=ledger, months=range(6, 8))
        fewer = orders.drop(orders.index[(orders["month"] == 6).argmax()])
        with pytest.raises(ValueError, match="ledger holds decisions about other orders than those of month 6"):
            run(fewer, ledger=ledger)
        dearer = orders.assign(amount_usd=orders["amount_usd"] * 2)
        with pytest.raises(ValueError, match="is written already with another score"):
            run(dearer, ledger=ledger)


def test_a_ledger_that_cannot_be_written_is_told(orders, tmp_path):
    with Ledger(tmp_path / "ledger.db", timeout=0) as ledger, Ledger(tmp_path / "ledger.db") as other:
        with other._work(writing=True), pytest.raises(LedgerError, match="another program is writing"):
            run(orders, ledger=ledger)
        assert len(ledger.decisions()) == 0


# a world that reacts --------------------------------------------------------------------------------------------------


def test_nobody_reacts_to_nothing_learned():
    calm = {event: when for event, when in shop.EVENTS.items() if event != "mutateA"}
    orders = shop.make_orders(range(8), seed=4, per_month=1_000, events=calm)
    still = run_loop(reacting_orders(seed=4, per_month=1_000, learning=0), months=range(6, 8))
    assert_frame_equal(still.months, run_loop(orders, months=range(6, 8)).months)


def test_the_more_is_stopped_the_more_change():
    world = reacting_orders(seed=4, per_month=4_000, learning=0.3)
    strict, lax = (run_loop(world, team="closed", months=range(6, 12), capacity=c).kinds for c in (0.04, 0))
    for kinds in (strict, lax):
        a, changed = (kinds["orders"].xs(kind, level="kind") for kind in ("A", "A'"))
        assert changed[6] == 0 < changed[11]
        assert (a + changed).between(40, 170).all()
    history = world(6, pd.DataFrame(columns=["month", "score"]))
    assert (history["_kind"] != "A'").all()
    last = history.assign(score=0.1, propensity=1.0)
    shares = [
        (world(7, last.assign(action=np.where(last["_kind"] == "A", stopped, "ship")))["_kind"] == "A'").sum()
        for stopped in ("ship", "block")
    ]
    assert shares[0] == 0 < shares[1]


def test_a_reacting_world_goes_on_after_a_stop():
    world = reacting_orders(seed=4, per_month=1_000, learning=0.5)
    whole = run_loop(world, months=range(6, 10))
    with Ledger() as ledger:
        with pytest.raises(Stop):
            run_loop(world, months=range(6, 10), ledger=ledger, progress=stop_after(2))
        assert_same(run_loop(world, months=range(6, 10), ledger=ledger), whole)


# bad input, in words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (
            {"team": "opened"},
            ValueError,
            "team must be one of open, self, closed, explore, every label, or a team of your own; got 'opened'",
        ),
        ({"capacity": 4}, ValueError, "capacity must be ≥ 0 and ≤ 1; got 4"),
        ({"window": 0}, ValueError, "window must be ≥ 1; got 0"),
        ({"window": 2.0}, TypeError, "window must be a whole number; got 2.0"),
        ({"months": 6}, TypeError, "months must be whole numbers that follow each other; got 6"),
        ({"months": [6, 8]}, ValueError, r"each the one after the last; got \[6, 8\]"),
        ({"months": []}, ValueError, "months must name at least one month"),
        ({"months": range(0, 3)}, ValueError, "months must be ≥ 1; got 0"),
        (
            {"months": range(6, 12)},
            ValueError,
            "orders must hold the months to run and the window before them; got 0, 1",
        ),
        ({"prices": {"review": 4}}, TypeError, "prices must be shop.Prices; got a dict"),
        ({"seed": -1}, ValueError, "seed must be ≥ 0; got -1"),
        ({"ledger": "file.db"}, TypeError, "ledger must be a Ledger; got 'file.db'"),
        ({"orders": [1, 2]}, TypeError, r"orders must be a DataFrame \(.*\); got a list"),
        ({"orders": pd.DataFrame({"month": [6]})}, ValueError, "orders must have the columns order_id"),
        (
            {"orders": lambda month, so_far: shop.make_orders(3, per_month=50)},
            ValueError,
            "must return orders of month 0",
        ),
        (
            {"orders": lambda month, so_far: None},
            TypeError,
            r"orders\(0, so_far\) must be a DataFrame .*; got None",
        ),
    ],
)
def test_run_loop_refuses_in_words(orders, wrong, error, says):
    with pytest.raises(error, match=says):
        run(**{"orders": orders} | wrong)


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ({"blocks": "keep"}, ValueError, "blocks must be one of drop, fraud, review; got 'keep'"),
        ({"silence": "golden"}, ValueError, "silence must be one of legit, ignore; got 'golden'"),
        ({"silence_days": -1}, ValueError, "silence_days must be ≥ 0; got -1"),
        ({"audit_share": 1}, ValueError, "audit_share must be ≥ 0 and < 1; got 1"),
        ({"review_blocked_share": 0}, ValueError, "review_blocked_share must be > 0 and < 1; got 0"),
        ({"retrain": 1}, TypeError, "retrain must be True or False; got 1"),
    ],
)
def test_an_arm_refuses_in_words(answer, error, says):
    with pytest.raises(error, match=says):
        Arm(**answer)


def test_the_steps_refuse_in_words(orders):
    some = orders.head(5)
    with pytest.raises(TypeError, match=r"team must be a team, such as ARMS\['closed'\]; got 'closed'"):
        decide(some, [0.1] * 5, "closed")
    with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]; got 2"):
        decide(some, [0.1, 2, 0, 0, 0], ARMS["closed"])
    with pytest.raises(ValueError, match="orders has 5, p has 4"):
        decide(some, [0.1] * 4, ARMS["closed"])
    with pytest.raises(TypeError, match=r"arm must be an Arm, such as ARMS\['closed'\]; got 'closed'"):
        learnable(SEEN, "closed", day=90)
    with pytest.raises(ValueError, match="past must have the columns planned; it has"):
        learnable(SEEN.drop(columns="planned"), ARMS["closed"], day=90)
    with pytest.raises(ValueError, match="weight must be ≥ 0, and 0 where y is unknown"):
        fit(some, [np.nan, 1, 0, 0, 0], np.ones(5))
    with pytest.raises(ValueError, match=r"y must hold both frauds .* got 0 and 5 among 5"):
        fit(some, np.zeros(5), np.ones(5))
    with pytest.raises(ValueError, match="must have the same length"):
        fit(some, np.zeros(4), np.ones(5))
    with pytest.raises(ValueError, match="reviews must be ≥ 0; got -1"):
        desk_policy(-1)
    with pytest.raises(ValueError, match="orders must have the columns amount_usd"):
        with_stakes(pd.DataFrame({"amount": [1]}))
    with pytest.raises(ValueError, match="events must not hold mutateA"):
        reacting_orders(events=shop.EVENTS)
    with pytest.raises(ValueError, match="learning must be ≥ 0 and ≤ 1; got 2"):
        reacting_orders(learning=2)


class Stratified(Cautious):
    """Audits a tenth of the small orders and none of the others."""

    def try_at_random(self, orders, *, prices):
        share = np.where(orders["amount_usd"] < 50, 0.1, 0.0)
        return {"ship": {Action("audit", gain="gain_review", cost=prices.review, owner="the fraud desk"): share}}


def test_a_share_for_each_order_is_a_stratified_audit(orders):
    result = run(orders, Stratified(), capacity=0.2, months=range(6, 8))
    rows = result.decisions.assign(small=orders.loc[result.decisions.index, "amount_usd"] < 50)
    ship = rows[rows["planned"] == "ship"]
    chance = ship["propensity"].where(ship["action"] == "audit", 1 - ship["propensity"])
    assert np.allclose(chance, np.where(ship["small"], 0.1, 0.0))
    assert set(ship.loc[ship["action"] == "audit", "small"]) == {True}
    audited = (ship.loc[ship["small"], "action"] == "audit").mean()
    assert abs(audited - 0.1) < 4 * np.sqrt(0.09 / ship["small"].sum())


def test_a_share_for_other_orders_is_told(orders):
    class Wrong(Stratified):
        def try_at_random(self, orders, *, prices):
            return {"ship": {"block": np.zeros(3)}}

    with pytest.raises(ValueError, match=r"a share must be a number, or one for each of .* orders; got 3"):
        run(orders, Wrong(), months=range(6, 7))


def test_actions_that_the_desk_does_not_have_are_told(orders):
    class Strange(Cautious):
        def decide(self, orders, reviews, *, prices):
            return Policy(Menu(Action("refund", gain=0, cost=0, owner="desk")), missing="refund", holdout=0)

    with pytest.raises(ValueError, match="may only use the actions ship, review, audit, block; got 'refund'"):
        run(orders, Strange(), months=range(6, 7))
