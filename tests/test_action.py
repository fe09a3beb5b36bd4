"""Layer 4, Action: the gate, the change, the list's worth, and doing things once."""

import dataclasses
import datetime
import math

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from mllayers import shop
from mllayers.action import Limits, act, break_even, uplift_effect, uplift_policy_value, worth_acting
from mllayers.ledger import Ledger, LedgerError

chances = st.floats(0, 1)
dollars = st.floats(-1e4, 1e4)


# the gate -----------------------------------------------------------------------------------------------------------


@given(chances, chances, dollars, dollars, dollars)
def test_worth_acting_is_the_difference_of_two_expected_values(p, without, value, sent, used):
    """With: p (value − used) − sent. Without: p_without · value."""
    ev = worth_acting(p, value, contact_cost=sent, redeemed_cost=used, p_without=without)
    assert ev == pytest.approx(p * (value - used) - sent - without * value, abs=1e-6)


def test_the_worked_figures():
    assert 10_000 * worth_acting(0.2, 20, contact_cost=5) == -10_000
    assert 10_000 * worth_acting(0.2, 20, contact_cost=5, p_without=0.2) == -50_000
    assert worth_acting(0.2, 20, contact_cost=0, redeemed_cost=5) == pytest.approx(3)


def test_worth_acting_takes_columns_of_any_kind():
    frame = pd.DataFrame({"p": [0.2, 0.5], "v": [20.0, 10.0]})
    assert worth_acting(frame["p"], frame["v"], contact_cost=[5, 1]).tolist() == [-1.0, 4.0]
    assert isinstance(worth_acting(0.2, 20, contact_cost=5), float)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"p": 1.2}, ValueError, r"p must lie in \[0, 1\]; got 1.2"),
        ({"p": [0.1, np.nan]}, ValueError, "p must hold finite numbers"),
        ({"p_without": -0.1}, ValueError, r"p_without must lie in \[0, 1\]"),
        ({"value": [1, 2, 3], "p": [0.1, 0.2]}, ValueError, "value must be one number or 2 numbers"),
        ({"contact_cost": "free"}, TypeError, "contact_cost must be a column of numbers"),
    ],
)
def test_worth_acting_refuses_in_words(wrong, error, says):
    with pytest.raises(error, match=says):
        worth_acting(**({"p": 0.2, "value": 20, "contact_cost": 5} | wrong))


def test_a_misspelt_cost_is_an_error():
    with pytest.raises(TypeError, match="contact_costs"):
        worth_acting(0.2, 20, contact_cost=5, contact_costs=6)


@given(st.floats(0, 0.5), st.floats(0.01, 0.4), st.floats(1, 1e4), st.floats(0, 0.5), st.floats(0.01, 100))
def test_at_the_break_even_nothing_is_earned(without, lift, value, used_share, sent):
    used = used_share * value
    rest = {"redeemed_cost": used, "p_without": without}
    p = break_even(value=value, contact_cost=sent, **rest)
    if p <= 1:
        assert worth_acting(p, value, contact_cost=sent, **rest) == pytest.approx(0, abs=1e-6 * (1 + value))
    worth = break_even(p=without + lift, contact_cost=sent, **rest)
    assert worth_acting(without + lift, worth, contact_cost=sent, **rest) == pytest.approx(0, abs=1e-6 * (1 + worth))
    cost = break_even(p=without + lift, value=value, **rest)
    assert worth_acting(without + lift, value, contact_cost=cost, **rest) == pytest.approx(0, abs=1e-6 * (1 + value))


def test_break_even_that_is_never_reached_is_infinite():
    assert break_even(value=4, contact_cost=5) == math.inf
    assert break_even(value=4, contact_cost=0, redeemed_cost=4) == math.inf
    assert break_even(p=0.2, p_without=0.2, contact_cost=5) == math.inf


@given(st.floats(0, 1), st.floats(0, 1e3), st.floats(0, 1e3), st.floats(0, 1e3))
def test_the_action_pays_above_the_break_even_probability_and_never_below(without, value, used, sent):
    needed = break_even(value=value, contact_cost=sent, redeemed_cost=used, p_without=without)
    p = np.linspace(0, 1, 41)
    ev = worth_acting(p, value, contact_cost=sent, redeemed_cost=used, p_without=without)
    assert (ev[p < needed] < 1e-6).all()
    assert (ev[p > needed] > -1e-6).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"value": -4, "contact_cost": 5}, "value must be ≥ 0; got -4"),
        ({"value": 4, "contact_cost": -5}, "contact_cost must be ≥ 0"),
        ({"p": 0.2, "value": 20, "redeemed_cost": -1}, "redeemed_cost must be ≥ 0"),
        ({"p": 1.2, "value": 20}, "p must be ≥ 0 and ≤ 1; got 1.2"),
    ],
)
def test_break_even_refuses_what_would_turn_it_around(wrong, says):
    with pytest.raises(ValueError, match=says):
        break_even(**wrong)


@pytest.mark.parametrize("given", [{}, {"p": 0.2}, {"p": 0.2, "value": 20, "contact_cost": 5}])
def test_break_even_wants_exactly_one_unknown(given):
    with pytest.raises(ValueError, match="leave out exactly one of p, value and contact_cost"):
        break_even(**given)


# the change ---------------------------------------------------------------------------------------------------------


def pilot(seed, n=2_000, heavy=False):
    """A randomised pilot with a true effect that is largest where the value is small."""
    rng = np.random.default_rng([seed, 1])
    value = rng.lognormal(5, 1.1 if heavy else 0.4, n)
    treated = rng.random(n) < 0.5
    y = rng.random(n) < 0.10 - 0.05 * (value < np.exp(5)) * treated
    return y, treated, value


@given(st.integers(0, 30), st.integers(0, 30), st.integers(2, 40), st.integers(2, 40))
def test_rate_and_its_interval_are_those_of_statsmodels(a, b, more_a, more_b):
    n1, n0 = a + more_a, b + more_b
    y = np.r_[np.arange(n1) < a, np.arange(n0) < b]
    found = uplift_effect(y, np.r_[np.ones(n1), np.zeros(n0)])
    low, high = confint_proportions_2indep(a, n1, b, n0, method="newcomb", compare="diff")
    assert found.rate == pytest.approx(a / n1 - b / n0)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_dollars_and_their_interval_are_welchs():
    y, treated, value = pilot(1)
    found = uplift_effect(y, treated, value=value)
    sides = [DescrStatsW((y * value)[group]) for group in (treated, ~treated)]
    low, high = CompareMeans(*sides).zconfint_diff(usevar="unequal")
    assert (found.money_low, found.money_high) == pytest.approx((low, high))
    assert found.money == pytest.approx((low + high) / 2)


def test_a_result_reads_as_one_line_with_the_minus_before_the_dollar():
    effect = uplift_effect([1, 0, 0, 0, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0], value=1_000)
    assert str(effect).startswith("−25.00 points (−")
    assert f"; −$250.00 per case (−${-effect.money_low:,.2f} to ${effect.money_high:,.2f}), 4 treated" in str(effect)
    assert str(dataclasses.replace(effect, rate=0.25, money=math.nan)).startswith("+25.00 points (−")
    found = uplift_policy_value([0.0, 4.0, 0.0, 5.0], [1, 0, 1, 0], 0.5, target=[1, 1, 1, 1])
    assert str(found).startswith(f"−$4.50 per case (−${-found.low:,.2f} to −${-found.high:,.2f}); the rules differ")
    assert str(dataclasses.replace(found, value=-0.001)).startswith("$0.00 per case")


@pytest.mark.parametrize(
    ("y", "treated", "says"),
    [
        ([0, 1, 2], [0, 1, 0], "y must hold only 0 and 1"),
        ([0, 1, 0], [1, 1, 1], "at least two held-out cases; got 0"),
        ([0, 1, 0], [1, 0], "same length|one entry"),
    ],
)
def test_uplift_effect_refuses_in_words(y, treated, says):
    with pytest.raises(ValueError, match=says):
        uplift_effect(y, treated)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_probability(level):
    with pytest.raises(ValueError, match="level must be > 0 and < 1"):
        uplift_effect([0, 1, 0, 1], [0, 0, 1, 1], level=level)


# what a list is worth -----------------------------------------------------------------------------------------------


def test_policy_value_by_hand():
    """Mean reward of the chosen action minus that of the other, where the rules differ, times how often they do."""
    reward = np.array([10.0, 4.0, 9.0, 3.0, 50.0, 70.0])
    found = uplift_policy_value(reward, [1, 0, 1, 0, 1, 0], 0.5, target=[1, 1, 1, 1, 0, 0])
    assert found.value == pytest.approx(4 / 6 * (9.5 - 3.5))
    assert (found.n, found.n_eff, found.largest_weight) == (4, pytest.approx(4), 2)


def test_a_rule_beside_itself_is_worth_exactly_nothing():
    y, treated, value = pilot(2)
    found = uplift_policy_value(-(y * value), treated, 0.5, target=np.zeros(len(y), bool))
    assert (found.value, found.se, found.changed) == (0, 0, 0)


def test_names_of_actions_and_unequal_propensities():
    """Three actions drawn with chances of their own; the truth from a very large sample of outcomes."""
    rng = np.random.default_rng([3, 1])
    n, names, chance = 200_000, np.array(["none", "email", "call"]), np.array([0.5, 0.3, 0.2])
    x, k = rng.random(n), rng.choice(3, n, p=chance)
    means = np.column_stack([np.zeros(n), 2 * x, 6 * x - 2])
    reward = means[np.arange(n), k] + rng.normal(size=n)
    target = np.where(x > 0.5, "call", "email")
    truth = np.where(x > 0.5, means[:, 2], means[:, 1]).mean()
    found = uplift_policy_value(reward, names[k], chance[k], target=target, instead="none")
    assert abs(found.value - truth) < 4 * found.se
    beside = uplift_policy_value(reward, names[k], chance[k], target=target, instead=np.full(n, "email"))
    assert abs(beside.value - (truth - means[:, 1].mean())) < 4 * beside.se
    assert beside.changed == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("n", "share"), [(4_000, 0.5), (4_000, 0.2), (10_000, 0.5)])
def test_intervals_hold_the_truth_of_the_shop_at_their_rate(n, share):
    """1,000 pilots of the retailer's customers, whose true chances are known: rate, dollars and a list's worth."""
    customers = shop.make_customers(100_000, seed=7)
    without, voucher, clv = (customers[name].to_numpy() for name in ("_p_none", "_p_voucher", "clv_usd"))
    wanted = ((customers["clv_usd"] > 100) & (customers["ignored_contacts"] <= 1)).to_numpy()
    truth = np.array([voucher - without, clv * (voucher - without), wanted * (clv * (without - voucher) - 5)]).mean(1)
    rng, held = np.random.default_rng([12, n]), np.zeros(3)
    for _ in range(1_000):
        who, treated = rng.integers(len(clv), size=n), rng.random(n) < share
        gone = rng.random(n) < np.where(treated, voucher[who], without[who])
        effect = uplift_effect(gone, treated, value=clv[who])
        earned, chance = -clv[who] * gone - 5 * treated, np.where(treated, share, 1 - share)
        worth = uplift_policy_value(earned, treated, chance, target=wanted[who])
        held += np.array([effect.low, effect.money_low, worth.low]) <= truth
        held -= np.array([effect.high, effect.money_high, worth.high]) < truth
    assert (held / 1_000 >= 0.93).all()
    assert (held / 1_000 <= 0.97).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"propensity": 0.0}, r"propensity must lie in \(0, 1\]; got 0"),
        ({"propensity": [0.5, 0.5, np.nan, 0.5]}, "propensity must hold finite numbers"),
        ({"action": [0, 0, 0, 0]}, "fewer than two cases got True where target gives it"),
        ({"action": [1, 1, 1, 0]}, "fewer than two cases got False where instead gives it"),
        ({"action": ["a", "b", "a", "b"]}, "action holds names of actions: .*instead="),
        ({"action": [*"abab"], "target": [*"acac"], "instead": "b"}, "fewer than two cases got 'c' where target"),
        (
            {"action": pd.Series(["a", None, "a", "b"]), "target": ["a"] * 4, "instead": "b"},
            "action is missing at row 1",
        ),
        ({"action": [1, 0, 2, 0]}, "action must hold only 0 and 1; got 2 at row 2"),
        ({"instead": [False, False]}, "instead must have one entry for each of the 4 cases"),
        ({"level": 1}, "level must be > 0 and < 1"),
        ({"reward": [1, 2, 3]}, "action must have one entry for each of the 3 cases"),
    ],
)
def test_policy_value_refuses_in_words(wrong, says):
    good = {"reward": [1.0, 2.0, 3.0, 4.0], "action": [1, 0, 1, 0], "propensity": 0.5, "target": [1, 1, 1, 1]}
    given = good | wrong
    with pytest.raises(ValueError, match=says):
        uplift_policy_value(given.pop("reward"), given.pop("action"), given.pop("propensity"), **given)


# doing it once ------------------------------------------------------------------------------------------------------

DAY = datetime.date(2026, 3, 2)


def decisions(n=6, cost=5.0):
    return pd.DataFrame(
        {
            "case": np.arange(n),
            "time": pd.Timestamp("2026-03-01"),
            "action": ["voucher"] * (n - 1) + ["none"],
            "propensity": 0.9,
            "cost": cost,
        }
    )


@pytest.fixture
def ledger():
    with Ledger() as ledger:
        yield ledger


def test_a_dry_run_does_and_writes_nothing(ledger):
    sent = []
    report = act(decisions(), ledger, do=sent.append, limits=Limits(budget=12))
    assert (report.done, report.over_budget, sent) == (2, 3, [])
    assert len(ledger.decisions()) == len(ledger.attempts()) == 0
    assert "nothing was done" in str(report)


def test_each_is_done_once_and_not_again(ledger):
    sent, seen = [], []
    report = act(
        decisions(), ledger, do=sent.append, dry_run=False, today=DAY, progress=lambda *done: seen.append(done)
    )
    assert [row["case"] for row in sent] == [0, 1, 2, 3, 4]
    assert (report.done, seen[-1]) == (5, (5, 5))
    again = act(decisions(), ledger, do=sent.append, dry_run=False, today=DAY)
    assert (again.done, again.before, len(sent)) == (0, 5, 5)
    assert len(ledger.decisions()) == 6


def test_limits_count_everything_the_ledger_knows(ledger):
    sent = []
    first = act(decisions(), ledger, do=sent.append, dry_run=False, today=DAY, limits=Limits(per_day=2))
    assert (first.done, first.over_day) == (2, 3)
    dry = act(decisions(), ledger, do=sent.append, today=DAY, limits=Limits(per_day=3))
    assert (dry.done, dry.over_day, dry.before) == (1, 2, 2)
    next_day = DAY + datetime.timedelta(days=1)
    second = act(
        decisions(), ledger, do=sent.append, dry_run=False, today=next_day, limits=Limits(per_day=2, budget=15)
    )
    assert (second.done, second.over_budget, second.before) == (1, 2, 2)
    assert ledger.attempts()["cost"].sum() == 15


def test_one_that_fails_is_written_down_and_not_repeated(ledger):
    def do(row):
        if row["case"] == 1:
            raise OSError("printer on fire")

    report = act(decisions(), ledger, do=do, dry_run=False, today=DAY)
    assert (report.done, report.failed) == (4, 1)
    note = ledger.attempts().set_index("case").loc["1"]
    assert (note["state"], note["note"]) == ("failed", "OSError: printer on fire")
    assert act(decisions(), ledger, do=do, dry_run=False).before == 5


def test_one_that_was_interrupted_is_in_doubt(ledger):
    sent = []

    def do(row):
        sent.append(row["case"])
        if row["case"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        act(decisions(), ledger, do=do, dry_run=False, today=DAY)
    report = act(decisions(), ledger, do=lambda row: sent.append(row["case"]), dry_run=False, today=DAY)
    assert (report.done, report.before, report.in_doubt) == (2, 2, 1)
    assert sent == [0, 1, 2, 3, 4]
    ledger.finish(2, pd.Timestamp("2026-03-01"), state="done", note="the customer has it")
    assert act(decisions(), ledger, do=do, dry_run=False).in_doubt == 0


def test_a_dry_run_says_what_the_run_then_does(ledger):
    """Whatever was done before, whatever the limits, whatever comes twice."""
    rng, day = np.random.default_rng([5, 1]), DAY
    for _ in range(30):
        case = rng.integers(60, size=12)
        frame = decisions(12).assign(case=case, cost=case % 3 / 10, action=np.where(case % 5, "voucher", "none"))
        budget, per_day = (x if rng.random() < 0.7 else None for x in (rng.random() * 5, int(rng.integers(9))))
        run = {"do": lambda row: None, "limits": Limits(budget, per_day), "today": day}
        said, came = act(frame, ledger, **run), act(frame, ledger, dry_run=False, **run)
        assert came == dataclasses.replace(said, dry_run=False)
        day += datetime.timedelta(int(rng.integers(2)))
    assert len(ledger.attempts()) > 20


def test_it_stops_at_the_first_that_goes_over(ledger):
    """A cheaper one further down is not slipped in, and sums of cents are no trap."""
    sent, frame = [], decisions(5, cost=[0.1, 0.1, 0.1, 5.0, 0.0])
    frame["action"] = "voucher"
    report = act(frame, ledger, do=sent.append, dry_run=False, today=DAY, limits=Limits(budget=0.3))
    assert (report.done, report.over_budget, [row["case"] for row in sent]) == (3, 2, [0, 1, 2])


def test_times_with_a_zone_and_days_as_times_are_recognised(ledger):
    frame = decisions().assign(time=pd.Timestamp("2026-03-01 01:00", tz="Europe/Madrid"))
    assert act(frame, ledger, do=lambda row: None, dry_run=False, today=pd.Timestamp(DAY)).done == 5
    again = act(frame, ledger, do=lambda row: None, today=DAY, limits=Limits(per_day=5))
    assert (again.before, again.done) == (5, 0)
    assert (ledger.attempts()["day"] == pd.Timestamp(DAY)).all()


def test_what_do_needs_reaches_it_unchanged(ledger):
    sent, frame = [], decisions().assign(email="a@example.org", time="2026-03-01", action=pd.Categorical(["call"] * 6))
    act(frame, ledger, do=sent.append, dry_run=False)
    assert sent == frame.to_dict("records")


def test_a_ledger_that_fails_after_the_deed_leaves_it_in_doubt(ledger):
    def do(row):
        if row["case"] == 2:
            sa.event.listen(ledger.engine, "begin", full, once=True)

    def full(connection):
        connection.exec_driver_sql("PRAGMA query_only = ON")

    with pytest.raises(LedgerError, match="it may only be read"):
        act(decisions(), ledger, do=do, dry_run=False, today=DAY)
    with ledger.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = OFF")
    assert ledger.attempts()["state"].tolist() == ["done", "done", "in doubt"]
    report = act(decisions(), ledger, do=do, dry_run=False, today=DAY)
    assert (report.done, report.before, report.in_doubt) == (2, 2, 1)


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_the_ledger_refuses_is_not_done(ledger, dry_run):
    sent = []
    for wrong, error, says in (
        ({"propensity": np.nan}, ValueError, "propensity must be known"),
        ({"cost": np.nan}, ValueError, "cost must hold finite numbers"),
        ({"cost": -1.0}, ValueError, "cost must be ≥ 0; got -1 at row 0"),
        ({"time": "soon"}, TypeError, "time must be a column of dates or times"),
    ):
        with pytest.raises(error, match=says):
            act(decisions().assign(**wrong), ledger, do=sent.append, dry_run=dry_run)
    assert sent == []
    assert len(ledger.decisions()) == 0
    ledger.record_decisions(decisions())
    with pytest.raises(ValueError, match="written already with another cost"):
        act(decisions(cost=6.0), ledger, do=sent.append, dry_run=dry_run)


def test_act_refuses_in_words(ledger):
    with pytest.raises(TypeError, match="do must be a function"):
        act(decisions(), ledger, do="send")
    with pytest.raises(TypeError, match=r"ledger must be a Ledger; got 'ledger\.db'"):
        act(decisions(), "ledger.db", do=print)
    with pytest.raises(TypeError, match="today must be a date; got '2026-03-02'"):
        act(decisions(), ledger, do=print, today="2026-03-02")
    with pytest.raises(ValueError, match="budget must be ≥ 0"):
        Limits(budget=-1)
    with pytest.raises(TypeError, match="per_day must be a whole number"):
        Limits(per_day=2.5)
