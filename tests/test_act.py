"""Layer 4, Action: decisions carried out once each, within limits."""

import dataclasses
import datetime

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from mllayers.action import Limits, act
from mllayers.ledger import Ledger, LedgerError

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
