"""The year at the desk, played: money adds up, replays agree, wrong input is asked back, nothing shows too early."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from figure_rules import problems

from mllayers.course import learner
from mllayers.course.year import play
from mllayers.desk.game import Debrief, FraudChoices, FraudYear, TeamTable
from mllayers.desk.game.fraud import ALARMS, LOST, events_of
from mllayers.figures import desk as fg
from mllayers.shop import PRICES, make_orders, order_money

SIZE = 2_000
WAYS = [
    FraudChoices(),
    FraudChoices(decide_by="money", reviewers=6, audit_share=0.02, silence="unknown", review_blocked_share=0.2),
    FraudChoices(blocked="fraud", retrain=False, reviewers=1, block_from=0.3, review_from=0.1, watch=list(ALARMS)),
]


def played(seed=11, months=12, size=SIZE):
    year = FraudYear(seed=seed, size=size)
    for _, choices in zip(range(months), itertools.cycle(WAYS)):
        year.next_month(choices)
    return year


@pytest.fixture(scope="module")
def year():
    return played()


@pytest.fixture(scope="module")
def found(year):
    return Debrief(year)


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


# What is drawn


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


@pytest.mark.parametrize("month", [1, 5, 12])
def test_a_replay_equals_the_first_play_up_to_its_month(year, month):
    again = year.replay(month)
    assert again.done == month - 1
    again.next_month(FraudChoices(reviewers=8, block_from=0.9))
    assert again.seen.iloc[: month - 1].equals(year.seen.iloc[: month - 1])
    assert year.done == 12
    before = year.rows()
    assert again.rows().iloc[: SIZE * (month - 1)].equals(before.iloc[: SIZE * (month - 1)])
    assert not again.seen.iloc[month - 1].equals(year.seen.iloc[month - 1])


def test_a_replay_with_the_same_choices_is_the_same_year(year):
    again = year.replay(4)
    for choices in year.choices[3:]:
        again.next_month(choices)
    assert again.seen.equals(year.seen)
    assert again.lost().equals(year.lost())
    assert [again.sounded(month) for month in range(1, 13)] == [year.sounded(month) for month in range(1, 13)]


def test_a_year_comes_back_from_its_file():
    year = played(months=5)
    again = FraudYear.from_dict(json.loads(json.dumps(year.to_dict())))
    assert again.seen.equals(year.seen)
    assert again.choices == year.choices
    assert again.next_month(WAYS[1]).equals(year.next_month(WAYS[1]))


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


# Nothing shows too early


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


def test_what_helped_is_a_replay_with_one_change(year, found):
    best = found.helped.index[0]
    change = dict(year.changes())[best]
    again = FraudYear(seed=year.seed, size=SIZE)
    for choices in year.choices:
        again.next_month(replace(choices, **change))
    assert found.helped["better"].iloc[0] == pytest.approx(found.short - Debrief(again).short)
    assert best in found.advice()


def test_luck_is_the_same_choices_with_other_orders(year, found):
    luck = found.luck
    assert luck.nunique() == len(luck)
    assert f"{luck.max():,.0f}" in found.luck_told()
    other = year.elsewhere(0)
    assert other.happened().equals(year.happened())
    assert not other._runs[0].today()["amount_usd"].equals(year._runs[0].today()["amount_usd"])


def test_progress_is_told():
    heard = []
    Debrief(played(size=500), progress=lambda *told: heard.append(told)).luck.sum()
    assert heard[-1] == ("the same choices elsewhere", 6, 6)


def test_the_table_of_teams_keeps_the_best_on_top(found):
    table = TeamTable({"broken": {"team": "x"}, "also": 3})
    table.enter("  the   blue team ", found)
    other = {"desk": "fraud", "year": 1, "team": "red", "short": 1.0, "low": 0.0, "high": 2.0}
    table = TeamTable(json.loads(json.dumps({**table.records, "red": other})))
    assert table.frame("fraud")["team"].to_list() == ["red", "the blue team"]
    assert table.frame("retention").empty
    for wrong in ("", "x" * 41, None, "  "):
        with pytest.raises((TypeError, ValueError), match="team's name"):
            table.enter(wrong, found)


# The board


@pytest.fixture
def board(tmp_path, monkeypatch):
    monkeypatch.setenv("MLLAYERS_HOME", str(tmp_path))
    monkeypatch.setattr(learner, "_memory", None)
    return lambda **told: play("fraud", size=500, **told)


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
    with pytest.raises(ValueError, match="desk must be one of fraud"):
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
    one = board(seed=3)
    for _ in range(12):
        one.press("Next month")
    one.press("Turn the lights on")
    shown = "".join(getattr(part, "value", "") for part in one._lit.children)
    assert shown.count("<img alt=") == 6
    assert one.found.advice().replace("$", "<span>&#36;</span>") in shown
    one._name.value = "The <b>Blues</b>"
    one.press("Enter the table of teams")
    assert "The &lt;b&gt;Blues&lt;/b&gt; (year 3)" in one._lit.children[-1].value
    one._from.value = "4"
    one.press("Replay")
    assert one.year.done == 3
    one.press("Play another year")
    assert one.year.done == 0


# The figures


def test_the_figures_keep_the_rules(year, found):
    for one in (
        fg.where_the_money_went(found.waterfall),
        fg.booked_and_true(found.truth),
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
