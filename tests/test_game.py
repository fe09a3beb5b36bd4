"""The year at the desk, played: money adds up, replays agree, wrong input is asked back, nothing shows too early."""

import itertools
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_rules import problems
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mllayers._words import money
from mllayers.course import learner
from mllayers.course.year import play
from mllayers.desk.game import YEARS, Debrief, FraudChoices, FraudYear, RetentionChoices, RetentionYear, TeamTable
from mllayers.desk.game import retention as rt
from mllayers.desk.game.cohorts import Learned, cohort, known_on, learn
from mllayers.desk.game.fraud import ALARMS, LOST, events_of
from mllayers.figures import desk as fg
from mllayers.shop import PRICES, customer_money, make_customers, make_orders, order_money

SIZE = 1_000
WAYS = [
    FraudChoices(),
    FraudChoices(decide_by="money", reviewers=6, audit_share=0.02, silence="unknown", review_blocked_share=0.2),
    FraudChoices(blocked="fraud", retrain=False, reviewers=1, block_from=0.3, review_from=0.1, watch=list(ALARMS)),
]

TRIES = {"holdout": 0.2, "tries": 0.1, "treated": "leave out", "young": "unknown"}
CONTACTS = [
    RetentionChoices(watch=list(rt.ALARMS)),
    RetentionChoices(decide_by="effect", **TRIES),
    RetentionChoices(decide_by="average", holdout=0.3, tickets=False, watch=["hold-out", "promised"]),
    RetentionChoices(decide_by="seller", callers=1, retrain=False, tries=0.2),
    RetentionChoices(decide_by="everyone", callers=0, holdout=0.05),
]


def played(seed=11, months=12, size=SIZE, desk="fraud"):
    year = YEARS[desk](seed=seed, size=size)
    for _, choices in zip(range(months), itertools.cycle(WAYS if desk == "fraud" else CONTACTS)):
        year.next_month(choices)
    return year


@pytest.fixture(scope="module")
def year():
    return played()


@pytest.fixture(scope="module")
def found(year):
    return Debrief(year)


@pytest.fixture(scope="module")
def contacts():
    """A year at the retention desk."""
    return played(desk="retention")


@pytest.fixture(scope="module")
def kept(contacts):
    return Debrief(contacts)


@pytest.fixture(params=YEARS)
def either(request, year, contacts):
    """A year at each desk."""
    return year if request.param == "fraud" else contacts


def truth_of(year):
    """All orders of the year with what was done, by another way than the debrief's."""
    return pd.concat(year._runs[-1].past[-12:])


# Money


def test_the_waterfall_adds_up_to_the_money_that_was_made(year, found):
    orders = truth_of(year)
    made = order_money(orders, orders["action"]).sum()
    paid = [choices.reviewers * 0.01 * SIZE for choices in year.choices]
    used = orders.groupby("month")["action"].apply(lambda acts: acts.isin(["review", "audit"]).sum())
    idle = np.maximum(0, np.array(paid) - used.to_numpy()).sum() * PRICES.review
    assert found.waterfall.sum() == pytest.approx(made - idle)
    assert list(found.waterfall.index) == ["clairvoyant", *LOST]
    assert (found.waterfall.drop("clairvoyant") <= 0).all()
    assert found.short == pytest.approx(-found.waterfall.drop("clairvoyant").sum())


def test_each_cause_is_what_its_orders_cost(year, found):
    orders = truth_of(year)
    quiet = orders[(orders["_kind"] == "B") & (orders["action"] == "ship")]
    goods = (quiet["amount_usd"] * PRICES.cost_of_goods + PRICES.chargeback_fee).sum()
    assert -found.waterfall["shipped: quiet fraud"] == pytest.approx(goods)
    usual = orders[(orders["_kind"] == "L") & (orders["action"] == "block")]
    lost = (usual["amount_usd"] * PRICES.margin + PRICES.goodwill).sum()
    assert -found.waterfall["blocked: usual buyers"] == pytest.approx(lost)


def test_booked_money_differs_from_the_truth_by_what_nobody_sees(year, found):
    orders, end = truth_of(year), 18 * 30.0
    shipped = orders["_is_fraud"] & (orders["action"] == "ship")
    silent = shipped & ~(orders["_report_day"] <= end)
    unseen = (orders.loc[silent, "amount_usd"] + PRICES.chargeback_fee).sum()
    goodwill = PRICES.goodwill * (~orders["_is_fraud"] & (orders["action"] == "block")).sum()
    assert found.truth["booked"].sum() - found.truth["true"].sum() == pytest.approx(unseen + goodwill)
    assert found.truth["of them reported"].sum() == (shipped & (orders["_report_day"] <= end)).sum()


def test_a_reviewer_costs_the_same_busy_or_idle():
    few, many = (FraudYear(seed=5, size=SIZE) for _ in range(2))
    nothing = {"review_from": 1.0, "block_from": 1.0}
    one = few.next_month(FraudChoices(reviewers=0, **nothing))
    other = many.next_month(FraudChoices(reviewers=8, **nothing))
    assert one["reviewed"] == other["reviewed"] == 0
    assert one["booked"] - other["booked"] == pytest.approx(0.08 * SIZE * PRICES.review)


def test_the_retention_waterfall_adds_up_to_the_money_that_was_made(contacts, kept):
    people = pd.concat(contacts._runs[-1].year)
    made = customer_money(people, people["action"].astype(str), expected=True).sum()
    paid = np.array([choices.callers * 0.01 * SIZE for choices in contacts.choices])
    idle = np.maximum(0, paid - contacts.seen["calls"].to_numpy()).sum() * PRICES.call
    assert kept.waterfall.sum() == pytest.approx(made - idle)
    assert list(kept.waterfall.index) == ["clairvoyant", *rt.LOST]
    assert (kept.waterfall.drop("clairvoyant") <= 1e-9).all()
    best = np.maximum.reduce([customer_money(people, name, expected=True) for name in ("none", "voucher", "call")])
    assert kept.waterfall["clairvoyant"] == pytest.approx(best.sum())
    held = people[(people["planned"] != "none") & (people["action"] == "none")]
    cost = np.maximum.reduce([customer_money(held, name, expected=True) for name in ("none", "voucher", "call")]).sum()
    assert -kept.waterfall["held out"] == pytest.approx(cost)
    assert kept.truth["true"].sum() == pytest.approx(kept.waterfall.sum())


def test_what_the_dashboard_claims_is_the_value_of_whoever_stays_after_a_contact(contacts):
    """Reckoned again from the customers, month by month."""
    for people, (_, row) in zip(contacts._runs[-1].year, contacts.seen.iterrows(), strict=True):
        by_voucher, by_call = people["action"] == "voucher", people["action"] == "call"
        still = ~(people["_churn_call"] & (people["_day"] <= 30))
        value = people.loc[(by_voucher & people["_redeem"]) | (by_call & still), "clv_usd"].sum()
        assert row["booked"] + row["spent"] == pytest.approx(value)
        gone = people["_churn_none"].where(~by_voucher, people["_churn_voucher"]).where(~by_call, people["_churn_call"])
        assert row["left in 30 days"] == (gone & (people["_day"] <= 30)).sum()


# What is drawn


def test_propensities_of_contacts_average_what_they_say(contacts):
    """Weighted by 1 / propensity, those that chance moved stand for all that it could have moved."""
    rows = contacts.rows()
    for month, choices in enumerate(contacts.choices):
        here = rows[rows["month"] == month + 6]
        planned = here[here["planned"] != "none"]
        held = planned[planned["action"] == "none"]
        assert np.allclose(held["propensity"], choices.holdout)
        assert np.allclose(planned.loc[planned["action"] != "none", "propensity"], 1 - choices.holdout)
        others = here[here["planned"] == "none"]
        tried = others[others["action"] != "none"].groupby("action")["propensity"].first()
        assert tried.sum() <= choices.tries + 1e-9
        for share, drawn, among in ((choices.holdout, len(held), len(planned)), (choices.tries, None, len(others))):
            drawn = len(others[others["action"] != "none"]) if drawn is None else drawn
            assert abs(drawn - share * among) <= 4 * np.sqrt(share * (1 - share) * among) + 1e-9
        assert (here["action"] == "call").sum() <= choices.callers * 0.01 * SIZE


def test_tiers_decide_as_they_say():
    year = RetentionYear(seed=3, size=SIZE)
    year.next_month(RetentionChoices(voucher_from=0.1, call_from=0.3, callers=8))
    rows = year.rows()
    assert (rows.loc[rows["score"] >= 0.3, "action"] == "call").all()
    assert (rows.loc[rows["score"].between(0.1, 0.3, inclusive="left"), "action"] == "voucher").all()
    assert (rows.loc[rows["score"] < 0.1, "action"] == "none").all()
    few = year.replay(1)
    few.next_month(RetentionChoices(voucher_from=0.1, call_from=0.3, callers=1))
    called = few.rows().query("action == 'call'")["score"]
    assert len(called) == 0.01 * SIZE
    assert called.min() == rows["score"].nlargest(len(called)).min()


def test_propensities_average_what_they_say():
    """Weighted by 1 / propensity, each draw stands for all orders that it was drawn among."""
    year = FraudYear(seed=3)
    choices = FraudChoices(decide_by="money", reviewers=8, audit_share=0.03, review_blocked_share=0.3)
    for _ in range(3):
        year.next_month(choices)
    rows = year.rows()
    for planned, share in (("ship", 0.03), ("block", 0.3)):
        among = rows[rows["planned"] == planned]
        drawn = among[among["action"] == "audit"]
        assert np.allclose(drawn["propensity"], share)
        assert np.allclose(among.loc[among["action"] == planned, "propensity"], 1 - share)
        off = (1 / drawn["propensity"]).sum() / len(among) - 1
        assert abs(off) < 4 * np.sqrt((1 - share) / share / len(among))


def test_two_thresholds_decide_as_they_say():
    year = FraudYear(seed=3, size=SIZE)
    year.next_month(FraudChoices(review_from=0.15, block_from=0.5, reviewers=8))
    rows = year.rows()
    assert (rows.loc[rows["score"] >= 0.5, "action"] == "block").all()
    between = rows["score"].between(0.15, 0.5, inclusive="left")
    assert between.any()
    assert (rows.loc[between, "action"] == "review").all()
    assert (rows.loc[rows["score"] < 0.15, "action"] == "ship").all()


def test_without_reviewers_what_lies_between_the_thresholds_ships():
    year = FraudYear(seed=3, size=SIZE)
    year.next_month(FraudChoices(review_from=0.15, block_from=0.5, reviewers=0))
    rows = year.rows()
    assert (rows.loc[rows["score"] < 0.5, "action"] == "ship").all()
    assert (rows["score"] >= 0.15).any()


# Again


OTHERWISE = {"fraud": FraudChoices(reviewers=8, block_from=0.9), "retention": RetentionChoices(decide_by="nobody")}


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(month=st.integers(1, 12))
def test_a_replay_equals_the_first_play_up_to_its_month(either, month):
    again = either.replay(month)
    assert again.done == month - 1
    again.next_month(OTHERWISE[either.desk])
    assert again.seen.iloc[: month - 1].equals(either.seen.iloc[: month - 1])
    assert either.done == 12
    before = either.rows()
    assert again.rows().iloc[: SIZE * (month - 1)].equals(before.iloc[: SIZE * (month - 1)])
    assert not again.seen.iloc[month - 1].equals(either.seen.iloc[month - 1])


def test_a_replay_with_the_same_choices_is_the_same_year(either):
    again = either.replay(4)
    for choices in either.choices[3:]:
        again.next_month(choices)
    assert again.seen.equals(either.seen)
    assert again.lost().equals(either.lost())
    assert again.short() == either.short()
    assert [again.sounded(month) for month in range(1, 13)] == [either.sounded(month) for month in range(1, 13)]


@pytest.mark.parametrize("desk", YEARS)
def test_a_year_comes_back_from_its_file(desk):
    year = played(months=5, size=1_000, desk=desk)
    again = YEARS[desk].from_dict(json.loads(json.dumps(year.to_dict())))
    assert again.seen.equals(year.seen)
    assert again.choices == year.choices
    assert again.next_month(OTHERWISE[desk]).equals(year.next_month(OTHERWISE[desk]))


def test_same_seed_same_bits_in_another_process(either):
    """And with another number of threads."""
    told = json.dumps(either.to_dict())
    code = (
        "import json, sys\nfrom mllayers.desk.game import YEARS\ntold = json.loads(sys.stdin.read())\n"
        "year = YEARS[told['desk']].from_dict(told)\nprint(year.seen.to_json(double_precision=15), year.short())"
    )
    threads = {**os.environ, "OMP_NUM_THREADS": "2"}
    there = subprocess.run([sys.executable, "-c", code], input=told, capture_output=True, text=True, env=threads)
    assert there.stdout.strip() == f"{either.seen.to_json(double_precision=15)} {either.short()}", there.stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"desk": "bakery"}, "a year at the fraud desk"),
        ({"choices": 3}, "choices must be those"),
        ({"choices": [{"reviewers": 99}]}, "reviewers must be"),
        ({"choices": [{"spies": 1}]}, "choices must be among"),
        ({"choices": [7]}, "choices must be names and values"),
        ({"booked": [1.0]}, "come out otherwise"),
        ({"seed": "x"}, "seed must be"),
    ],
)
def test_a_damaged_file_is_told(change, told):
    kept = {**played(months=1, size=500).to_dict(), **change}
    with pytest.raises((TypeError, ValueError), match=told):
        FraudYear.from_dict(kept)


# What is asked back


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"reviewers": 9}, "reviewers must be"),
        ({"reviewers": 1.5}, "reviewers must be"),
        ({"audit_share": 0.2}, "audit_share must be"),
        ({"block_from": float("nan")}, "block_from must be"),
        ({"decide_by": "feeling"}, "decide_by must be one of"),
        ({"retrain": "yes"}, "retrain must be"),
        ({"watch": "audits"}, "watch must be a list"),
        ({"watch": ["ghosts"]}, "watch must be one of"),
        ({"review_from": 0.9}, "review_from must not lie above block_from"),
        ({"reviewers": 1, "audit_share": 0.02}, "must leave reviewers time"),
    ],
)
def test_wrong_choices_are_asked_back(change, told):
    with pytest.raises((TypeError, ValueError), match=told):
        replace(FraudChoices(), **change)


def test_what_cannot_be_carried_out_leaves_the_year_as_it_was():
    year = played(months=2)
    seen = year.seen
    too_many = FraudChoices(reviewers=0, review_blocked_share=0.3, block_from=0.05, review_from=0.05)
    with pytest.raises(ValueError, match="Have more reviewers, or draw fewer"):
        year.next_month(too_many)
    with pytest.raises(TypeError, match="choices must be FraudChoices"):
        year.next_month({"reviewers": 4})
    assert year.seen.equals(seen)
    year.next_month(WAYS[2])
    assert year.seen.equals(played(months=3).seen)


def test_a_year_is_over_after_twelve_months(year):
    with pytest.raises(ValueError, match="the year is over"):
        year.next_month(FraudChoices())
    for wrong in (0, 13, 2.5, "May"):
        with pytest.raises((TypeError, ValueError), match="month must be"):
            year.replay(wrong)


def test_blocking_everything_leaves_the_last_model():
    year = FraudYear(seed=2, size=500)
    for _ in range(10):
        year.next_month(FraudChoices(review_from=0.01, block_from=0.01, reviewers=0, silence="unknown"))
    assert year.seen["blocked"].gt(0).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"callers": 9}, "callers must be"),
        ({"decide_by": "feeling"}, "decide_by must be one of"),
        ({"holdout": 0.5}, "holdout must be"),
        ({"tickets": 1}, "tickets must be"),
        ({"voucher_from": 0.9}, "voucher_from must not lie above call_from"),
    ],
)
def test_wrong_contacts_are_asked_back(change, told):
    with pytest.raises((TypeError, ValueError), match=told):
        replace(RetentionChoices(), **change)


def test_random_tries_that_tell_too_little_are_told_and_the_sellers_word_is_used():
    year = RetentionYear(seed=4, size=500)
    year.next_month(RetentionChoices(decide_by="effect"))
    assert "the seller's word was used" in " ".join(year.told(1))
    assert year.rows().equals(year.replay(1).unseen([RetentionChoices(decide_by="seller")]).rows())


# What is learned from contacts


def decided(people, planned, action, propensity):
    return people.assign(planned=planned, action=action, propensity=propensity, score=0.1).astype(
        {"planned": rt.Cohorts.begin(seed=1, size=10, events={}).past[0]["planned"].dtype}
    )


def test_before_90_days_only_those_who_left_are_known():
    people = decided(cohort(0, seed=1, size=2_000, events={}), "none", "none", 1.0)
    for day in (0, 30, 89, 90, 400):
        label = known_on(people, day)
        gone = people["_churn_none"] & (people["_day"] <= day)
        assert np.array_equal(label == 1, gone)
        assert np.isnan(label[~gone]).all() == (day < 90)


def test_random_tries_find_what_a_contact_keeps():
    """A hundred thousand customers, each contacted by chance: the average effect is the true one."""
    people = cohort(0, seed=5, size=100_000, events={})
    draw = np.random.default_rng(1).random(len(people))
    acts = np.select([draw < 0.25, draw < 0.5], ["voucher", "call"], "none")
    told = learn(
        decided(people, "none", acts, np.where(acts == "none", 0.5, 0.25)),
        90.0,
        RetentionChoices(decide_by="effect", treated="leave out"),
        None,
    )
    assert told.source == "effect"
    for name in ("voucher", "call"):
        true = 1 - people[f"_p_{name}"].mean() / people["_p_none"].mean()
        assert told.keeps[name] == pytest.approx(true, abs=0.04)
    assert told.chance(people).mean() == pytest.approx(people["_churn_none"].mean(), abs=0.004)
    fewer = told.fewer(people, told.chance(people))["call"]
    complained = people["tickets_90d"] > 0
    assert fewer[complained].mean() > 2 * fewer[~complained].mean()


def test_a_desk_without_anybody_left_alone_keeps_its_last_model():
    people = decided(cohort(0, seed=5, size=500, events={}), "voucher", "voucher", 1.0)
    last = Learned("the last one")
    assert learn(people, 90.0, RetentionChoices(treated="leave out"), last) is last
    with pytest.raises(ValueError, match="nothing to learn from"):
        learn(people, 90.0, RetentionChoices(treated="leave out"), None)


def test_events_change_customers_as_they_say():
    plain, size = cohort(9, seed=2, size=20_000, events={}), 20_000
    chat = cohort(9, seed=2, size=size, events={"chat": 8})
    assert chat["tickets_90d"].mean() == pytest.approx(plain["tickets_90d"].mean() + 0.8, abs=0.03)
    assert chat["_p_none"].equals(plain["_p_none"])
    for name, segment in (("newcomers", "newcomer"), ("bargain", "bargain")):
        come = cohort(9, seed=2, size=size, events={name: 9 if name == "newcomers" else (9, 10)})
        assert (come["_segment"] == segment).mean() > 1.8 * (plain["_segment"] == segment).mean()
    worn = cohort(9, seed=2, size=size, events={"worn": 9})
    assert worn["_p_voucher"].mean() > plain["_p_voucher"].mean() + 0.01
    assert worn["_p_call"].equals(plain["_p_call"])
    for when in ({"chat": 10}, {"worn": 10}, {"newcomers": 10}, {"bargain": (10, 11)}):
        assert cohort(9, seed=2, size=size, events=when).equals(plain)


def test_alarms_of_the_retention_desk_are_rare_where_nothing_happens(monkeypatch):
    monkeypatch.setattr(rt, "drawn_events", lambda *args, **more: {})
    rang = []
    for seed in range(2):
        year = RetentionYear(seed=seed, size=2_000)
        for _ in range(8):
            year.next_month(RetentionChoices(treated="leave out", young="unknown"))
        rang.append(year.alarms())
    assert pd.concat(rang).set_axis(list(rt.ALARMS), axis=1)[["columns", "left", "redeemed"]].mean().max() < 0.2


def test_the_hold_out_says_when_contacts_cost_more_than_they_keep(monkeypatch):
    monkeypatch.setattr(rt, "drawn_events", lambda *args, **more: {"worn": 6})
    year = RetentionYear(seed=1, size=4_000)
    for _ in range(8):
        year.next_month(RetentionChoices(decide_by="everyone", callers=0, holdout=0.3, watch=["hold-out"]))
    assert year.sounded(8) == [rt.ALARMS["hold-out"]]
    assert year.seen.loc[8, "high (95 %)"] < 0
    lost = year.lost()
    assert (lost["clairvoyant"] * 2 - lost.sum(axis=1) < 0).all()
    assert f"−${-year.seen.loc[8, 'a contact brings']:,.2f} after its price" in " ".join(year.told(8))


# Nothing shows too early


def test_who_leaves_later_changes_nothing_that_is_seen_now(monkeypatch):
    """The same year but for customers who leave after their first 30 days: here they stay."""
    first = RetentionYear(seed=4, size=SIZE)

    def later(*args, **kwargs):
        people = make_customers(*args, **kwargs)
        if kwargs["month"] < 6:
            return people
        seed = [kwargs["seed"], 61, kwargs["month"]]
        stays = np.random.default_rng(seed).uniform(0, 90, len(people)) > 30
        churn = [name for name in people if name.startswith("_churn")]
        return people.assign(**{name: people[name] & ~stays for name in churn})

    monkeypatch.setattr("mllayers.desk.game.cohorts.make_customers", later)
    other = RetentionYear(seed=4, size=SIZE)
    same = ["vouchers", "calls", "left in 30 days", "spent"]
    for _ in range(2):
        one, two = first.next_month(CONTACTS[0]), other.next_month(CONTACTS[0])
        assert one[same].equals(two[same])
    assert not [name for name in first.rows().columns if name.startswith("_")]


def test_what_nobody_sees_changes_nothing_that_is_seen(monkeypatch):
    """The same year but for quiet frauds that nobody reviews or reports: here they are honest."""
    first = FraudYear(seed=4, size=SIZE)

    def kinder(*args, **kwargs):
        orders = make_orders(*args, **kwargs)
        return orders.assign(_is_fraud=orders["_is_fraud"] & ((orders["_kind"] != "B") | (orders["month"] < 6)))

    monkeypatch.setattr("mllayers.desk.game.fraud.make_orders", kinder)
    other = FraudYear(seed=4, size=SIZE)
    for _ in range(4):
        assert first.next_month(FraudChoices(reviewers=0)).equals(other.next_month(FraudChoices(reviewers=0)))
    assert first.truth()["true"].sum() < other.truth()["true"].sum()


def test_no_truth_before_the_end():
    year = played(months=3)
    assert not [name for name in year.rows().columns if name.startswith("_")]
    with pytest.raises(ValueError, match="the lights stay off until the year is over: 9 months left"):
        Debrief(year)
    with pytest.raises(TypeError, match="year must be a year at a desk"):
        Debrief("fraud")


def test_only_alarms_that_were_switched_on_are_heard(year):
    rang, on = year.alarms(), year.watched()
    for month in range(1, 13):
        heard = set(year.sounded(month))
        assert heard == set(rang.columns[rang.loc[month] & on.loc[month]])
    assert (rang & ~on).any(axis=None)


def test_alarms_are_rare_where_nothing_happens(monkeypatch):
    monkeypatch.setattr("mllayers.desk.game.fraud.events_of", lambda seed: {})
    sounded = []
    for seed in range(4):
        year = FraudYear(seed=seed, size=4_000)
        for _ in range(6):
            year.next_month(FraudChoices(decide_by="money", audit_share=0.01, review_blocked_share=0.1))
        sounded.append(year.alarms()["columns of the orders moved (drift)"])
    assert pd.concat(sounded).mean() <= 0.15


def test_an_alarm_says_what_it_saw_and_whether_the_choices_had_changed():
    year = FraudYear(seed=3, size=SIZE)
    for block_from in (0.5, 0.5, 0.02):
        year.next_month(FraudChoices(review_from=0.02, block_from=block_from, reviewers=0, watch=["blocks"]))
    now, before = year.seen["blocked"].iloc[-1], year.seen["blocked"].iloc[:2].mean()
    saw = f"({now:,}, after {before:,.0f} a month; you had changed your choices)"
    assert f"ALARM: {ALARMS['blocks']} {saw}." in year.told(3)
    assert year.told(2)[-1] == "No alarm sounded (1 on)."


def test_every_word_of_a_debrief_is_explained(year, contacts, found, kept):
    for each, debrief in ((year, found), (contacts, kept)):
        told = " ".join(each.words)
        names = [name for name in debrief.others.index if name != "you"]
        assert [name for name in names if name not in told] == []


@pytest.mark.parametrize("name", ["desk", "desk_retention"])
def test_the_notebooks_do_not_tell_what_happens_in_the_year_of_a_workshop(name):
    path = Path(__file__).parents[1] / "notebooks" / "teach" / f"{name}.ipynb"
    text = path.read_text(encoding="utf-8")
    [workshop], [example] = (set(re.findall(rf"{before}seed=(\d+)", text)) for before in (r"play\(\S+ ", r"Year\("))
    assert workshop != example


def test_events_come_in_months_of_their_own():
    years = [events_of(seed) for seed in range(200)]
    for name in ("gift", "ringC", "peak", "mutateA"):
        comes = [year[name] for year in years if name in year]
        assert 0.7 < len(comes) / len(years) < 0.9
        assert len(set(comes)) > 4
    for year in years[:40]:
        make_orders([17], per_month=10, events=year)


# The debrief


def test_others_play_the_same_year(year, found):
    table = found.others
    assert set(table.index) == {"you", "clairvoyant", "open", "self", "closed", "explore", "every label"}
    assert table.loc["you", "short"] == pytest.approx(found.short)
    assert table["short"].is_monotonic_increasing
    assert table.index[0] == "clairvoyant"
    assert np.allclose(table["short"], table[LOST].sum(axis=1))


def test_others_play_the_same_customers(contacts, kept):
    table = kept.others
    assert set(table.index) == {"you", "clairvoyant", *rt.STANDARD}
    assert np.allclose(table["short"], table[rt.LOST].sum(axis=1))
    assert table.loc["nobody", "short"] == pytest.approx(kept.waterfall["clairvoyant"])
    assert kept.helped["better"].is_monotonic_decreasing
    assert dict(contacts.changes()).keys() >= {words.partition(" (month")[0] for words in kept.helped.index}


def test_another_play_of_the_same_year_stands_among_the_teams(year, monkeypatch):
    monkeypatch.setattr(FraudYear, "others", lambda self: iter(()))
    found = Debrief(year, beside={"your first play": 7_000.0})
    assert found.others["short"].loc["your first play"] == 7_000
    assert "your first play $7,000" in fg.teams_of_the_year(found.others).says


def test_what_helped_is_a_replay_with_one_change(year, found):
    best = found.helped.index[0]
    change = dict(year.changes())[best.partition(" (month")[0]]
    again = FraudYear(seed=year.seed, size=SIZE)
    for choices in year.choices:
        again.next_month(replace(choices, **change))
    assert found.helped["better"].iloc[0] == pytest.approx(found.short - Debrief(again).short)
    assert best in found.advice()
    touched = [k for k, old in enumerate(year.choices, start=1) if replace(old, **change) != old]
    assert ("(month" in best) == (len(touched) < 12)
    worst = year.lost().drop(columns="clairvoyant").sum(axis=1).idxmax()
    assert f"Most was lost in month {worst}" in found.worst_month()


def test_luck_is_the_same_choices_with_other_orders(year, found):
    luck = found.luck
    assert luck.nunique() == len(luck)
    spread = max(luck.max(), found.short) - min(luck.min(), found.short)
    assert f"smaller than ${spread:,.0f}" in found.luck_told()
    assert "over 7 years" in found.luck_told()
    other = year.elsewhere(0)
    assert other.happened().equals(year.happened())
    assert not other._runs[0].today()["amount_usd"].equals(year._runs[0].today()["amount_usd"])


def test_progress_is_told(monkeypatch):
    monkeypatch.setattr("mllayers.desk.game.debrief.OTHER_YEARS", 2)
    heard = []
    Debrief(played(size=500), progress=lambda *told: heard.append(told)).luck.sum()
    assert heard == [("the same choices elsewhere", 1, 2), ("the same choices elsewhere", 2, 2)]


def test_the_table_of_teams_keeps_the_best_on_top(found):
    table = TeamTable({"broken": {"team": "x"}, "also": 3})
    table.enter("  the   blue team ", found)
    [blue] = table.records.values()
    red = {**blue, "team": "red", "short": 1.0}
    again = {**red, "play": "replay 1 from month 2", "short": 0.5}
    small = {**red, "size": 500}
    more = {"red": red, "again": again, "small": small}
    table = TeamTable(json.loads(json.dumps({**table.records, **more})))
    same = {"year": blue["year"], "size": SIZE}
    assert table.frame("fraud", **same)["team"].to_list() == ["red", "the blue team", "red"]  # replays come last
    assert table.frame("fraud", year=blue["year"], size=500)["team"].to_list() == ["red"]
    assert table.frame("retention", **same).empty
    for wrong in ("", "x" * 41, None, "  "):
        with pytest.raises((TypeError, ValueError), match="team's name"):
            table.enter(wrong, found)


# The board


@pytest.fixture
def board(tmp_path, monkeypatch):
    monkeypatch.setenv("MLLAYERS_HOME", str(tmp_path))
    monkeypatch.setattr(learner, "_memory", None)
    return lambda desk="fraud", **told: play(desk, size=500, **told)


def test_a_board_goes_on_where_the_year_was(board, tmp_path, capsys):
    first = board(seed=3)
    first.set(reviewers=6, watch=["audits"], blocked="fraud", audit_share=0.01)
    first.press("Next month")
    first.press("Next month")
    again = board()
    assert again.year.seen.equals(first.year.seen)
    assert again.chosen() == first.chosen()
    assert "2 of 12 months are decided" in again.told
    assert (tmp_path / "desk_years.json").is_file()
    assert board(seed=4).year.done == 0
    assert board(seed=3).year.done == 2


def test_a_board_answers_every_mistake_in_words(board, monkeypatch, capsys):
    one = board(seed=3)
    one.set(review_from=0.9)
    one.press("Next month")
    assert 'role="alert"' in one.told
    assert "“Review from a fraud probability of” must not lie above “Block from a fraud probability of”" in one.told
    one.set(review_from=0.1)
    monkeypatch.setattr(one.year, "next_month", lambda choices: 1 / 0)
    one.press("Next month")
    assert "This went wrong (ZeroDivisionError" in one.told
    one.press("Enter the table of teams")
    assert "Turn the lights on first" in one.told
    one.press("Turn the lights on")
    assert "12 months left" in one.told
    for wrong in (lambda: one.press("Go"), lambda: one.set(spies=1)):
        with pytest.raises(ValueError, match="is called"):
            wrong()


def test_a_year_that_cannot_be_played_again_is_told(board, tmp_path, capsys):
    board(seed=3).press("Next month")
    kept = tmp_path / "desk_years.json"
    kept.write_text(kept.read_text().replace('"reviewers": 4', '"reviewers": 44'))
    assert "could not be played again (reviewers must be" in board().told
    kept.write_text("{broken")
    assert board().year.done == 0
    with pytest.raises(ValueError, match="desk must be one of fraud, retention"):
        play("bakery")


def test_a_double_click_counts_once_and_a_folder_that_cannot_be_written_is_told(board, monkeypatch, capsys):
    one = board(seed=3)
    one._next.click()
    one._next.click()
    assert one.year.done == 1
    monkeypatch.setattr("mllayers.course.learner._write", lambda *told: (_ for _ in ()).throw(OSError(28, "full")))
    one.press("Next month")
    assert one.year.done == 2
    assert "cannot be written (full)" in one.told


def test_a_whole_year_on_the_board(board, monkeypatch, capsys):
    monkeypatch.setattr("mllayers.desk.game.debrief.OTHER_YEARS", 2)
    monkeypatch.setattr(FraudYear, "changes", lambda self: [("have 2 reviewers", {"reviewers": 2})])
    one = board(seed=3)
    for _ in range(12):
        one.press("Next month")
    one.press("Turn the lights on")
    shown = "".join(getattr(part, "value", "") for part in one._lit.children)
    assert shown.count("<img alt=") == 6
    assert one.found.advice().replace("$", "<span>&#36;</span>") in shown
    one._name.value = "The <b>Blues</b>"
    one.press("Enter the table of teams")
    assert "The &lt;b&gt;Blues&lt;/b&gt;" in one._lit.children[-1].value
    assert "Entered" in one._beside.value
    one._name.value = " "  # as the Enter key does
    assert "Type your team's name first" in one._beside.value
    first = one.year
    one._from.value = "4"
    one.press("Replay")
    assert one.year.done == 3
    assert one.year.label == "year 3, replay 1 from month 4"
    one.press("Next month")
    assert "in your first play" in one._table.value
    assert money(first.seen.loc[4, "booked"]).replace("$", "<span>&#36;</span>") in one._table.value
    one._from.value = "2"
    one.press("Replay")
    assert one.year.label == "year 3, replay 2 from month 2"
    again = board()  # as after a restart
    assert again.year.label == "year 3, replay 2 from month 2"
    assert list(again._plays.options) == ["year 3", "year 3, replay 1 from month 4", "year 3, replay 2 from month 2"]
    again._plays.value = "year 3"
    again.press("Go on with it")
    assert again.year.seen.equals(first.seen)
    one._plays.value = "year 3"
    one.press("Go on with it")
    assert one._lit.children  # a debrief is reckoned once
    assert board().year.label == "year 3"
    one.press("Play another year")
    assert one.year.done == 0
    assert one.year.name == ""


def test_a_whole_year_of_contacts_on_the_board(board, monkeypatch, capsys):
    monkeypatch.setattr("mllayers.desk.game.debrief.OTHER_YEARS", 2)
    monkeypatch.setattr(RetentionYear, "changes", lambda self: [("have 2 callers", {"callers": 2})])
    monkeypatch.setattr(rt, "STANDARD", {"nobody": rt.STANDARD["nobody"]})
    one = board("retention", seed=3)
    one.set(decide_by="everyone", holdout=0.1, watch=["hold-out"])
    for _ in range(12):
        one.press("Next month")
        assert "alert" not in one.told
    one.press("Turn the lights on")
    shown = "".join(getattr(part, "value", "") for part in one._lit.children)
    assert shown.count("<img alt=") == 6
    assert "The dashboard claimed" in shown
    assert all(part.disabled for part in one.controls["call_from"].children)
    one.set(decide_by="tiers")
    assert not any(part.disabled for part in one.controls["call_from"].children)
    one.set(decide_by="everyone")
    one._from.value = "7"
    one.press("Replay")
    one.set(decide_by="nobody", callers=0)
    for _ in range(6):
        one.press("Next month")
    given = []
    monkeypatch.setattr("mllayers.desk.board.Debrief", lambda year, beside, progress: given.append(beside) or 1 / 0)
    one.press("Turn the lights on")
    assert [list(each) for each in given] == [["your first play"]]
    assert board("fraud", seed=3).year.desk == "fraud"
    assert board("retention").year.label == one.year.label


# The figures


@pytest.mark.parametrize("desk", YEARS)
def test_the_figures_keep_the_rules(desk, year, found, contacts, kept):
    year, found = {"fraud": (year, found), "retention": (contacts, kept)}[desk]
    for one in (
        fg.where_the_money_went(found.waterfall),
        fg.booked_and_true(found.truth, books=year.books),
        fg.alarms_of_the_year(year.alarms(), year.watched(), year.happened()),
        fg.teams_of_the_year(found.others),
        fg.what_would_have_helped(found.helped),
        fg.luck_of_the_year(found.luck, found.short),
    ):
        assert problems(one.figure) == [], one.says


@pytest.mark.parametrize(
    ("draw", "told"),
    [
        (lambda: fg.where_the_money_went(pd.Series({"a": 1.0, "b": 2.0})), "must not be positive"),
        (lambda: fg.where_the_money_went([1, 2]), "steps must be a Series"),
        (lambda: fg.teams_of_the_year(pd.DataFrame({"short": [1.0]}, ["open"])), "must have a row 'you'"),
        (lambda: fg.luck_of_the_year([1.0], 2.0), "luck must be a Series"),
    ],
)
def test_figures_ask_back(draw, told):
    with pytest.raises((TypeError, ValueError), match=told):
        draw()


def test_nothing_helped_and_nothing_unseen_are_said():
    assert "−$10.0k" in fg.what_would_have_helped(pd.DataFrame({"better": [-1e4]}, index=["have 2 reviewers"])).says
    table = {"booked": [1e4], "true": [2e4], "clairvoyant": [3e4], "happened": [""]}
    assert "$10.0k more than you saw" in fg.booked_and_true(pd.DataFrame(table, index=[1])).says
