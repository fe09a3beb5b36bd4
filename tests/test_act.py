"""Layer 4, Action: decisions carried out once each, within limits."""

import dataclasses
import datetime
import functools
import os
import sqlite3
import subprocess
import sys
import threading
import zoneinfo
from collections import Counter
from concurrent.futures import Future

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from mllayers.action import Limits, act
from mllayers.ledger import Ledger, LedgerError

DAY = datetime.date(2026, 3, 2)


class Clock:
    """A clock that stands until somebody moves it."""

    def __init__(self, moment):
        self.moment = datetime.datetime.fromisoformat(moment)

    def __call__(self):
        return self.moment


NOON, EVENING = Clock("2026-03-02 12:00"), Clock("2026-03-02 18:00")


def decisions(n=6, cost=5.0):
    return pd.DataFrame(
        {
            "case": np.arange(n),
            "time": pd.Timestamp("2026-03-01"),
            "action": ["voucher"] * (n - 1) + ["none"],
            "propensity": 0.9,
            "cost": cost,
            "idle": "none",
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
    report = act(decisions(), ledger, do=sent.append, dry_run=False, now=NOON, progress=lambda *done: seen.append(done))
    assert [row["case"] for row in sent] == [0, 1, 2, 3, 4]
    assert (report.done, seen[-1]) == (5, (5, 5))
    again = act(decisions(), ledger, do=sent.append, dry_run=False, now=NOON)
    assert (again.done, again.before, len(sent)) == (0, 5, 5)
    assert len(ledger.decisions()) == 6


def test_limits_count_everything_the_ledger_knows(ledger):
    sent = []
    first = act(decisions(), ledger, do=sent.append, dry_run=False, now=NOON, limits=Limits(per_day=2))
    assert (first.done, first.over_day) == (2, 3)
    dry = act(decisions(), ledger, do=sent.append, now=NOON, limits=Limits(per_day=3))
    assert (dry.done, dry.over_day, dry.before) == (1, 2, 2)
    next_day = Clock("2026-03-03 12:00")
    second = act(decisions(), ledger, do=sent.append, dry_run=False, now=next_day, limits=Limits(per_day=2, budget=15))
    assert (second.done, second.over_budget, second.before) == (1, 2, 2)
    assert ledger.attempts()["cost"].sum() == 15


def test_one_that_fails_is_written_down_and_not_repeated(ledger):
    def do(row):
        if row["case"] == 1:
            raise OSError("printer on fire")

    report = act(decisions(), ledger, do=do, dry_run=False, now=NOON)
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
        act(decisions(), ledger, do=do, dry_run=False, now=NOON)
    report = act(decisions(), ledger, do=lambda row: sent.append(row["case"]), dry_run=False, now=EVENING)
    assert (report.done, report.before, report.in_doubt) == (2, 2, 1)
    assert sent == [0, 1, 2, 3, 4]
    ledger.finish(2, pd.Timestamp("2026-03-01"), state="done", note="the customer has it")
    assert act(decisions(), ledger, do=do, dry_run=False).in_doubt == 0


def test_a_dry_run_says_what_the_run_then_does(ledger):
    """Whatever was done before, whatever the limits, whatever comes twice."""
    rng, day = np.random.default_rng([5, 1]), NOON()
    for _ in range(30):
        case = rng.integers(60, size=12)
        frame = decisions(12).assign(case=case, cost=case % 3 / 10, action=np.where(case % 5, "voucher", "none"))
        budget, per_day = (x if rng.random() < 0.7 else None for x in (rng.random() * 5, int(rng.integers(9))))
        run = {
            "do": lambda row: None,
            "limits": Limits(budget, per_day),
            "now": lambda day=day: day,
            "skip": bool(rng.integers(2)),
        }
        said, came = act(frame, ledger, **run), act(frame, ledger, dry_run=False, **run)
        assert came == dataclasses.replace(said, dry_run=False)
        day += datetime.timedelta(int(rng.integers(2)))
    assert len(ledger.attempts()) > 20


def test_it_stops_at_the_first_that_goes_over(ledger):
    """A cheaper one further down is not slipped in, and sums of cents are no trap."""
    sent, frame = [], decisions(5, cost=[0.1, 0.1, 0.1, 5.0, 0.0])
    frame["action"] = "voucher"
    report = act(frame, ledger, do=sent.append, dry_run=False, now=NOON, limits=Limits(budget=0.3))
    assert (report.done, report.over_budget, [row["case"] for row in sent]) == (3, 2, [0, 1, 2])


def test_times_with_a_zone_and_days_as_times_are_recognised(ledger):
    frame = decisions().assign(time=pd.Timestamp("2026-03-01 01:00", tz="Europe/Madrid"))
    assert act(frame, ledger, do=lambda row: None, dry_run=False, now=lambda: pd.Timestamp(DAY)).done == 5
    again = act(frame, ledger, do=lambda row: None, now=NOON, limits=Limits(per_day=5))
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
        act(decisions(), ledger, do=do, dry_run=False, now=NOON)
    with ledger.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = OFF")
    assert ledger.attempts()["state"].tolist() == ["done", "done", "in doubt"]
    report = act(decisions(), ledger, do=do, dry_run=False, now=EVENING)
    assert (report.done, report.before, report.in_doubt) == (2, 2, 1)


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_the_ledger_refuses_is_not_done(ledger, dry_run):
    sent = []
    for wrong, error, says in (
        ({"propensity": np.nan}, ValueError, "propensity must be known"),
        ({"cost": np.nan}, ValueError, "cost must hold finite numbers"),
        ({"cost": -1.0}, ValueError, "cost must be ≥ 0; got -1 at row 0"),
        ({"time": "soon"}, TypeError, "time must hold dates or times"),
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
    with pytest.raises(TypeError, match="now must be a function; got 2026-03-02"):
        act(decisions(), ledger, do=print, now=DAY)
    with pytest.raises(TypeError, match="now must return a datetime; got 2026-03-02"):
        act(decisions(), ledger, do=print, now=lambda: DAY)
    with pytest.raises(TypeError, match="progress must be a function"):
        act(decisions(), ledger, do=print, progress=7)
    with pytest.raises(ValueError, match="budget must be ≥ 0"):
        Limits(budget=-1)
    with pytest.raises(TypeError, match="per_day must be a whole number"):
        Limits(per_day=2.5)


# what is idle ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nothing", "none", "leave alone"])
@pytest.mark.parametrize("said", ["column", "argument"])
def test_idle_rows_are_written_down_and_use_up_no_limit(ledger, name, said):
    frame = decisions(6).assign(action=["voucher", name, "voucher", name, name, "call"])
    run = {"idle": name} if said == "argument" else {}
    frame = frame.drop(columns="idle") if run else frame.assign(idle=name)
    sent = []
    report = act(frame, ledger, do=sent.append, dry_run=False, limits=Limits(budget=15, per_day=3), **run)
    assert (report.done, report.idle, len(sent)) == (3, 3, 3)
    assert len(ledger.decisions()) == 6
    assert ledger.decisions()["idle"].tolist() == [name] * 6
    assert len(ledger.attempts()) == 3


def test_without_an_idle_action_every_row_is_carried_out(ledger):
    sent = []
    assert (
        act(decisions().drop(columns="idle"), ledger, do=sent.append, dry_run=False, idle=None).done == len(sent) == 6
    )
    assert ledger.decisions()["idle"].isna().all()


def test_an_idle_action_that_is_not_named_is_asked_for(ledger):
    with pytest.raises(ValueError, match=r"which action leaves a case alone: a column idle.*or idle='the name"):
        act(decisions().drop(columns="idle"), ledger, do=print)
    for idle in ("nothing", None):
        with pytest.raises(ValueError, match="a column idle already, and it says something else"):
            act(decisions(), ledger, do=print, idle=idle)
    for wrong in (7, " ", ["none"]):
        with pytest.raises(TypeError, match="idle must be the name of an action, or None"):
            act(decisions().drop(columns="idle"), ledger, do=print, idle=wrong)
    assert len(ledger.decisions()) == 0


# what is not done ---------------------------------------------------------------------------------------------------


async def later(row):
    raise AssertionError("nobody waits for it")


def piecemeal(row):
    yield row


async def streamed(row):
    yield row


class Sender:
    async def __call__(self, row):
        raise AssertionError("nobody waits for it")


@pytest.mark.parametrize(
    "do",
    [later, piecemeal, streamed, Sender(), Sender().__call__, functools.partial(later), functools.partial(piecemeal)],
)
def test_a_function_that_would_not_have_done_it_is_refused(ledger, do):
    for dry_run in (True, False):
        with pytest.raises(TypeError, match=r"do must have done its work when it returns; got (an async|a generator)"):
            act(decisions(), ledger, do=do, dry_run=dry_run)
    assert len(ledger.decisions()) == 0


class Promise:
    def __await__(self):
        yield


@pytest.mark.parametrize(
    ("do", "says"),
    [
        (lambda row: later(row), "do returned a coroutine that nobody ran"),
        (lambda row: piecemeal(row), "do returned a generator that nobody ran"),
        (lambda row: streamed(row), "do returned an async generator that nobody ran"),
        (lambda row: Promise(), "do returned a Promise instead of waiting for it"),
        (lambda row: Future(), "do returned a Future instead of waiting for it"),
    ],
)
def test_a_promise_is_a_failure_in_words_and_never_done(ledger, do, says):
    report = act(decisions(3), ledger, do=do, dry_run=False)
    assert (report.done, report.failed) == (0, 2)
    assert ledger.attempts()["note"].str.contains(says).all()
    assert act(decisions(3), ledger, do=do, dry_run=False).before == 2


def test_an_error_that_cannot_be_stored_is_escaped_and_failed(ledger):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    errors = {1: ValueError("caf\udce9.pdf"), 2: ValueError("a\x00b"), 3: Mute(), 4: ValueError("x" * 10_000)}

    def do(row):
        if row["case"] in errors:
            raise errors[row["case"]]

    report = act(decisions(), ledger, do=do, dry_run=False)
    assert (report.done, report.failed, report.in_doubt) == (1, 4, 0)
    notes = ledger.attempts().set_index("case")["note"]
    assert notes["1"] == "ValueError: caf\\udce9.pdf"
    assert notes["2"] == "ValueError: a\\x00b"
    assert notes["3"] == "Mute: (its message cannot be read)"
    assert len(notes["4"]) < 2_100


@pytest.mark.parametrize("wrong", [None, 0, "", 1, "yes", np.nan])
def test_only_true_and_false_say_whether_it_is_a_dry_run(ledger, wrong):
    for name in ("dry_run", "skip"):
        with pytest.raises(TypeError, match=f"{name} must be True or False"):
            act(decisions(), ledger, do=print, **{name: wrong})
    assert len(ledger.decisions()) == 0


@pytest.mark.parametrize("wrong", [{}, 0, "", False, [], 5.0, Limits])
def test_only_limits_are_limits(ledger, wrong):
    with pytest.raises(TypeError, match=r"limits must be Limits\(budget=…, per_day=…\) or None"):
        act(decisions(), ledger, do=print, limits=wrong, dry_run=False)
    assert len(ledger.decisions()) == 0


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"budget": np.nan}, ValueError),
        ({"budget": np.inf}, ValueError),
        ({"budget": True}, TypeError),
        ({"budget": "5"}, TypeError),
        ({"budget": -1}, ValueError),
        ({"per_day": 2.5}, TypeError),
        ({"per_day": True}, TypeError),
        ({"per_day": -1}, ValueError),
    ],
)
def test_limits_that_limit_nothing_are_refused(wrong, error):
    with pytest.raises(error, match=next(iter(wrong))):
        Limits(**wrong)


# days and clocks ----------------------------------------------------------------------------------------------------


def test_a_run_across_midnight_keeps_to_each_days_limit(ledger):
    clock, real = Clock("2026-03-02 23:59"), []

    def do(row):
        real.append(clock().date())
        clock.moment += datetime.timedelta(minutes=2) if len(real) == 1 else datetime.timedelta(0)

    frame = decisions(12).assign(action="voucher", cost=0.0)
    for _ in range(3):
        act(frame, ledger, do=do, dry_run=False, limits=Limits(per_day=4), now=clock)
    assert Counter(map(str, real)) == {"2026-03-02": 1, "2026-03-03": 4}


def test_whose_day_it_is_is_said(ledger):
    """23:30 UTC is the next day in Madrid, and still the day in New York."""
    frame, clock = decisions(4).assign(action="voucher"), Clock("2026-03-02 23:30")
    for zone, day in (("UTC", "2026-03-02"), ("Europe/Madrid", "2026-03-03"), ("America/New_York", "2026-03-02")):
        case = ["UTC", "Europe/Madrid", "America/New_York"].index(zone)
        act(frame.iloc[[case]], ledger, do=lambda one: None, dry_run=False, zone=zone, now=clock)
        assert ledger.attempts(case=case)["day"].tolist() == [pd.Timestamp(day)]
        assert ledger.attempts(case=case)["started"].tolist() == [pd.Timestamp("2026-03-02 23:30")]
    aware = lambda: datetime.datetime(2026, 3, 3, 0, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Madrid"))  # noqa: E731
    act(frame.iloc[[3]], ledger, do=lambda one: None, dry_run=False, now=aware)
    assert ledger.attempts(case=3)["day"].tolist() == [pd.Timestamp(DAY)]
    for wrong, error in (
        ("Mars", ValueError),
        ("../etc", ValueError),
        ("", ValueError),
        (7, TypeError),
        (None, TypeError),
    ):
        with pytest.raises(error, match="zone must be the name of a time zone"):
            act(frame, ledger, do=print, zone=wrong)


def test_what_another_program_is_doing_is_not_in_doubt(ledger):
    """Under way while it is young; in doubt after the patience."""
    clock = Clock("2026-03-02 12:00")
    ledger.record_decisions(decisions())
    ledger.start(0, "2026-03-01", cost=5, day=DAY, at=clock())
    run = {"do": lambda one: None, "now": clock}
    assert act(decisions(), ledger, **run).under_way == 1
    assert "1 under way elsewhere" in str(act(decisions(), ledger, **run))
    clock.moment += datetime.timedelta(minutes=11)
    report = act(decisions(), ledger, **run)
    assert (report.under_way, report.in_doubt) == (0, 1)
    assert act(decisions(), ledger, patience=datetime.timedelta(hours=1), **run).under_way == 1
    with pytest.raises(TypeError, match="patience must be a timedelta"):
        act(decisions(), ledger, patience=60, **run)


def test_what_a_person_decided_otherwise_is_left_to_the_person(ledger):
    ledger.record_decisions(decisions())
    row = {"case": [2], "time": "2026-03-01", "action": "call", "by": "agent 7", "reason": "asked", "at": "2026-03-02"}
    ledger.record_overrides(pd.DataFrame(row))
    sent = []
    for dry_run in (True, False):
        report = act(decisions(), ledger, do=sent.append, dry_run=dry_run)
        assert (report.done, report.overridden) == (4, 1)
    assert [one["case"] for one in sent] == [0, 1, 3, 4]


# limits -------------------------------------------------------------------------------------------------------------


def test_smaller_ones_may_pass_after_the_first_over_the_budget(ledger):
    frame = decisions(6, cost=[4.0, 9.0, 3.0, 8.0, 2.0, 1.0])
    for dry_run in (True, False):
        sent = []
        report = act(frame, ledger, do=sent.append, dry_run=dry_run, skip=True, limits=Limits(budget=10))
        assert (report.done, report.over_budget, report.left) == (3, 2, 17.0)
    assert [one["case"] for one in sent] == [0, 2, 4]
    assert "2 over the budget ($17 left for later)" in str(report)


def test_what_is_left_is_said(ledger):
    report = act(decisions(), ledger, do=lambda one: None, dry_run=False, limits=Limits(per_day=2))
    assert (report.over_day, report.left) == (3, 15.0)
    assert str(report) == "2 done, 1 idle, 3 over the day's limit ($15 left for later)"
    assert report.frame()["left"].tolist() == [15.0]
    assert report.to_dict() | {"done": 2, "over_day": 3, "left": 15.0} == report.to_dict()


# stopped half-way ---------------------------------------------------------------------------------------------------


def test_a_run_that_a_ledger_stops_says_how_far_it_came(tmp_path):
    sent = []
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)

    def do(row):
        sent.append(row["case"])
        if len(sent) == 3:
            other.execute("BEGIN IMMEDIATE")

    with Ledger(tmp_path / "ledger.db", timeout=0.2) as ledger:
        with pytest.raises(LedgerError) as told:
            act(decisions(), ledger, do=do, dry_run=False)
        assert "How this attempt ended was not written, so it stays in doubt" in str(told.value)
        assert "2 done before, 1 in doubt, case 2 at 2026-03-01" in str(told.value)
        assert "Nothing of this call was written" not in str(told.value)
        other.execute("ROLLBACK")
        assert ledger.attempts()["state"].tolist() == ["done", "done", "started"]
    other.close()


def test_one_that_cannot_be_claimed_is_not_carried_out(tmp_path):
    other, sent = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None), []

    def say(number, of):
        if number == 2:
            other.execute("BEGIN IMMEDIATE")

    with Ledger(tmp_path / "ledger.db", timeout=0.2) as ledger:
        with pytest.raises(LedgerError, match=r"2 done before, case 2 at .* was not carried out") as told:
            act(decisions(), ledger, do=sent.append, dry_run=False, progress=say)
        assert "Nothing was claimed by this call" in str(told.value)
        other.execute("ROLLBACK")
        assert len(ledger.attempts()) == len(sent) == 2
    other.close()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_who_stops_it_is_told_what_is_in_doubt(ledger, kind):
    def do(row):
        if row["case"] == 2:
            raise kind

    with pytest.raises(kind) as told:
        act(decisions(), ledger, do=do, dry_run=False)
    assert "2 done before, 1 in doubt, case 2" in told.value.__notes__[0]
    assert ledger.attempts()["state"].tolist() == ["done", "done", "started"]


def test_a_progress_that_fails_leaves_nothing_in_doubt(ledger):
    def say(number, of):
        raise RuntimeError("no screen")

    with pytest.raises(RuntimeError, match="1 done before, none in doubt"):
        act(decisions(), ledger, do=lambda one: None, dry_run=False, progress=say)
    assert ledger.attempts()["state"].tolist() == ["done"]


def test_frames_of_other_kinds_are_taken(ledger):
    import polars as pl

    sent = []
    assert act(pl.DataFrame(decisions()), ledger, do=sent.append, dry_run=False).done == 5
    assert act(pl.DataFrame(decisions()).to_arrow(), ledger, do=sent.append, dry_run=False).before == 5


async def send(row):
    """A deed that waits to be run."""


@pytest.mark.parametrize(
    ("do", "says"),
    [
        (lambda row: map(str, [row]), "do returned a map that nobody ran"),
        (lambda row: filter(None, [row]), "do returned a filter that nobody ran"),
        (lambda row: send, "do returned a function that nobody ran"),
        (lambda row: [None, send(row)], "do returned a coroutine that nobody ran"),
        (lambda row: threading.Thread(target=str), "do returned a Thread instead of waiting for it"),
        (lambda row: subprocess.Popen([sys.executable, "-c", ""]), "do returned a Popen instead of waiting for it"),
    ],
)
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_what_somebody_else_would_have_to_run_is_failed(ledger, do, says):
    assert act(decisions(2), ledger, do=do, dry_run=False).failed == 1
    assert says in ledger.attempts()["note"][0]


def test_columns_of_one_name_are_refused(ledger):
    for name in ("idle", "mail"):
        double = pd.concat([decisions(), pd.DataFrame([["x", "y"]] * 6, columns=[name, name])], axis=1)
        with pytest.raises(ValueError, match=f"decisions must have each column once; got '{name}' twice"):
            act(double, ledger, do=print)


@pytest.mark.skipif(os.name == "nt", reason="an open file can be neither deleted nor moved there")
@pytest.mark.parametrize("away", [os.remove, lambda path: os.rename(path, f"{path} old")])
def test_a_ledger_that_is_deleted_or_moved_meanwhile_is_told(tmp_path, away):
    path, deeds = tmp_path / "ledger.db", []

    def do(row):
        deeds.append(row["case"])
        if len(deeds) == 2:
            away(path)

    with Ledger(path) as ledger, pytest.raises(LedgerError, match=r"deleted, moved or replaced.* 1 done before, 1 in"):
        act(decisions(), ledger, do=do, dry_run=False)
    assert len(deeds) == 2


def test_odd_clocks_are_refused_and_endless_patience_is_taken(ledger):
    early = {"now": lambda: datetime.datetime(1, 1, 1), "zone": "America/New_York"}
    with pytest.raises(ValueError, match="now must lie in the years 1 to 9999 in America/New_York"):
        act(decisions(), ledger, do=print, **early)
    assert act(decisions(), ledger, do=str, dry_run=False, patience=datetime.timedelta.max).done == 5


# in batches ---------------------------------------------------------------------------------------------------------


def hand_over(sent, fails=()):
    """A `do` that takes a list, and knows which of them failed."""

    def do(frame):
        sent.append(frame["case"].tolist())
        return ["bounced" if case in fails else None for case in frame["case"]]

    return do


def test_a_batch_is_claimed_done_and_ended_together(ledger):
    sent, seen = [], []
    run = {"dry_run": False, "batch": 2, "now": NOON}
    report = act(decisions(), ledger, do=hand_over(sent, {3}), progress=lambda *x: seen.append(x), **run)
    assert (report.done, report.failed, report.idle) == (4, 1, 1)
    assert (sent, seen) == ([[0, 1], [2, 3], [4]], [(2, 5), (4, 5), (5, 5)])
    attempts = ledger.attempts()
    assert attempts["batch"].tolist()[:4] == ["1-2", "1-2", "3-4", "3-4"]
    assert attempts["batch"].isna().tolist() == [False] * 4 + [True]
    assert attempts["note"].tolist() == ["", "", "", "bounced", ""]
    assert attempts["number"].tolist() == [1, 2, 3, 4, 5]
    assert act(decisions(), ledger, do=hand_over(sent), **run).before == 5
    assert len(sent) == 3


def test_batches_of_any_size_and_single_decisions_come_to_the_same():
    """Whatever was done or overridden before, whatever the limits, whatever comes twice."""
    rng = np.random.default_rng([5, 2])
    for _ in range(8):
        many = [act_many(seed, batch) for seed in [int(rng.integers(1 << 30))] for batch in (None, 1, 3, 100)]
        for one in many[1:]:
            assert one[0] == many[0][0]
            pd.testing.assert_frame_equal(one[1], many[0][1])


def act_many(seed, batch):
    """Some runs of the same decisions; their reports and what the ledger then holds, but for the batches' names."""
    rng, day, reports = np.random.default_rng(seed), NOON(), []

    def one_or_more(given):
        return None if isinstance(given, dict) else [None] * len(given)

    with Ledger() as ledger:
        for _ in range(4):
            case = rng.integers(20, size=9)
            frame = decisions(9).assign(case=case, cost=case % 3 / 10, action=np.where(case % 5, "voucher", "none"))
            if rng.random() < 0.4:
                ledger.record_decisions(frame[:2])
                over = {"action": "call", "by": "x", "reason": "asked", "at": day}
                ledger.record_overrides(frame.iloc[:1][["case", "time"]].assign(**over))
            budget, per_day = (x if rng.random() < 0.7 else None for x in (rng.random() * 3, int(rng.integers(9))))
            run = {"limits": Limits(budget, per_day), "skip": bool(rng.integers(2)), "now": lambda day=day: day}
            said = act(frame, ledger, do=one_or_more, batch=batch, **run)
            reports.append(act(frame, ledger, do=one_or_more, batch=batch, dry_run=False, **run))
            assert reports[-1] == dataclasses.replace(said, dry_run=False)
            day += datetime.timedelta(int(rng.integers(2)))
        return reports, ledger.attempts(now=day).drop(columns="batch")


def test_a_batch_that_raises_is_in_doubt_and_ends_the_run(ledger):
    sent = []

    def do(frame):
        sent.extend(frame["case"])
        if 2 in sent:
            raise OSError("line cut")

    with pytest.raises(OSError, match="line cut") as told:
        act(decisions(7), ledger, do=do, batch=2, dry_run=False, now=NOON)
    assert "2 done before, 2 in doubt, from case 2 at 2026-03-01 00:00:00 to case 3" in str(told.value)
    report = act(decisions(7), ledger, do=do, batch=2, now=EVENING)
    assert (report.before, report.in_doubt, report.done) == (2, 2, 2)
    doubt = ledger.attempts(batch="3-4", now=EVENING())
    assert doubt["state"].tolist() == ["in doubt"] * 2
    ledger.finish_many(doubt, states=["done", "failed"], notes=["", "looked: not sent"])
    assert ledger.attempts(batch="3-4")["state"].tolist() == ["done", "failed"]


@pytest.mark.parametrize(
    ("returns", "says"),
    [
        (["only one"], "one entry for each of 5 decisions; got 1"),
        ([None, 1, None, None, None], "nothing or words for a decision; got 1"),
        (497, "nothing, or for each decision nothing or why it failed; got 497"),
    ],
)
def test_an_answer_that_says_nothing_of_each_leaves_the_batch_in_doubt(ledger, returns, says):
    with pytest.raises(TypeError, match=says):
        act(decisions(), ledger, do=lambda frame: returns, batch=10, dry_run=False)
    assert ledger.attempts()["state"].tolist() == ["started"] * 5


def test_a_batch_that_was_only_promised_is_failed(ledger):
    async def later():
        """Nobody runs it."""

    report = act(decisions(), ledger, do=lambda frame: later(), batch=3, dry_run=False)
    assert (report.done, report.failed) == (0, 5)
    assert ledger.attempts()["note"].str.contains("that nobody ran, so nothing was done").all()


def test_words_of_a_batch_that_no_ledger_keeps_are_made_ones_that_it_does(ledger):
    act(decisions(), ledger, do=lambda frame: ["\x00\ud800", "x" * 9_999, *[""] * 3], batch=5, dry_run=False)
    assert ledger.attempts()["note"].str.len().tolist() == [10, 2_001, 0, 0, 0]


@pytest.mark.parametrize("batch", [0, -1, 2.5, True, "all"])
def test_a_batch_is_a_number_of_decisions(ledger, batch):
    with pytest.raises((TypeError, ValueError), match="batch"):
        act(decisions(), ledger, do=lambda frame: None, batch=batch)


def test_of_two_programs_with_the_same_decisions_each_gets_its_own(tmp_path):
    """The second begins while the first is at work: what the first has claimed is under way."""
    sent, first, second = [], Ledger(tmp_path / "l.db"), Ledger(tmp_path / "l.db")

    def do(frame):
        sent.extend(frame["case"])
        if len(sent) == 2:
            report = act(decisions(), second, do=hand_over(sent_by_second), batch=3, dry_run=False, now=NOON)
            assert (report.done, report.under_way) == (3, 2)

    sent_by_second = []
    with first, second:
        report = act(decisions(), first, do=do, batch=2, dry_run=False, now=NOON)
    assert (report.done, report.under_way) == (2, 3)
    assert (sent, sent_by_second) == ([0, 1], [[2], [3, 4]])
