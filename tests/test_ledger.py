"""The ledger: everything once, nothing lost, nothing changed, on SQLite and PostgreSQL."""

import datetime
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from own_postgres import NoServer, own_server

from mllayers.ledger import Ledger, LedgerError

WRITER = Path(__file__).parent / "ledger_writer.py"
KILLS = int(os.environ.get("LEDGER_KILLS", "4"))
NOON = pd.Timestamp("2026-03-01 12:00")


@pytest.fixture(scope="session")
def server():
    """The address of a PostgreSQL server of our own; without one the run says so, and fails where nothing may skip."""
    try:
        with own_server("fsync=off") as pattern:
            yield pattern
    except NoServer as why:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"the ledger was not tried on PostgreSQL: {why}")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def address(request, tmp_path):
    """An empty place for a ledger."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    pattern = request.getfixturevalue("server")
    name = f"l{time.time_ns()}"
    administer(pattern, f"CREATE SCHEMA {name}")
    return f"{pattern.format('postgres')}&options=-csearch_path%3D{name}"


def administer(pattern, statement):
    import psycopg

    with psycopg.connect(pattern.format("postgres"), autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture
def ledger(address):
    with Ledger(address) as ledger:
        yield ledger


def decisions(n=5, **changes):
    frame = {
        "case": np.arange(n),
        "time": NOON,
        "model": "boosting 3",
        "policy": "v7",
        "score": np.arange(n) / 100,
        "action": "voucher",
        "propensity": 0.9,
        "expected_value": 1.25,
        "cost": 5.0,
    }
    return pd.DataFrame(frame | changes)


def outcomes(n=5, **changes):
    frame = {"case": np.arange(n), "time": NOON, "kind": "churned", "value": 1.0, "arrival": NOON + pd.Timedelta("30D")}
    return pd.DataFrame(frame | changes)


# once, and never changed --------------------------------------------------------------------------------------------


def test_what_was_written_is_read(ledger):
    given = decisions(score=[0.1, None, 0.3, 0.4, np.nan], expected_value=None)
    assert ledger.record_decisions(given) == 5
    wanted = given.astype({"case": "str", "time": "datetime64[us]", "expected_value": float})
    pd.testing.assert_frame_equal(ledger.decisions()[given.columns], wanted)
    pd.testing.assert_frame_equal(ledger.check_decisions(given)[given.columns], wanted)
    assert ledger.record_outcomes(outcomes()) == 5
    assert (ledger.outcomes()["arrival"] == NOON + pd.Timedelta("30D")).all()


def test_what_is_not_said_is_filled_in_as_the_row_type_says(ledger):
    ledger.record_decisions(decisions(2)[["case", "time", "action", "propensity", "cost"]])
    (row, _) = ledger.decisions().to_dict("records")
    assert (row["planned"], row["drawn"], row["model"], row["policy"]) == ("voucher", "", "", "")
    assert all(pd.isna(row[name]) for name in ("segment", "score", "idle", "expected_value", "override"))


def test_the_passage_is_kept(ledger):
    """Planned, drawn, idle and segment as they came; a lot that is not named is refused."""
    given = decisions(
        3,
        segment=["new", None, 7],
        planned="voucher",
        action=["voucher", "nothing", "call"],
        idle="nothing",
        drawn=["", "holdout", "explore"],
    )
    ledger.record_decisions(given)
    kept = ledger.decisions()
    for name in ("planned", "action", "idle", "drawn"):
        assert kept[name].tolist() == given[name].tolist()
    assert kept["segment"].astype(object).where(kept["segment"].notna(), None).tolist() == ["new", None, "7"]
    for wrong, says in (
        ({"drawn": "lottery"}, "drawn must be '', 'holdout' or 'explore'; got 'lottery' at row 0"),
        ({"planned": ["voucher", "call", "voucher"]}, "planned must be the action where no lot was drawn.* at row 1"),
        ({"drawn": "holdout"}, "a case held out gets the idle action; got 'voucher', and idle = None, at row 0"),
    ):
        with pytest.raises(ValueError, match=says):
            ledger.record_decisions(decisions(3, case=["x", "y", "z"], **wrong))


def test_an_outcome_may_have_no_value(ledger):
    """Absent: it happened. 0: it did not. Both come back as they went in."""
    ledger.record_decisions(decisions(3))
    ledger.record_outcomes(outcomes(3, value=[None, 0.0, 7.5]))
    ledger.record_outcomes(outcomes(3, kind="called back").drop(columns="value"))
    values = ledger.outcomes().pivot(index="case", columns="kind", values="value")
    assert values["called back"].isna().all()
    np.testing.assert_array_equal(values["churned"], [np.nan, 0.0, 7.5])


def test_polars_and_arrow_frames_are_taken(ledger):
    import polars as pl

    frame = pl.DataFrame(decisions(segment=["a", None, "b", "b", "a"]).assign(case=2**60 + np.arange(5)))
    assert ledger.record_decisions(frame) == 5
    assert ledger.record_decisions(frame.to_arrow()) == 0
    assert ledger.decisions()["case"].tolist() == [str(2**60 + k) for k in range(5)]
    assert ledger.record_outcomes(pl.DataFrame(outcomes().assign(case=2**60 + np.arange(5)))) == 5


def overrides(**changes):
    row = {"case": [1], "time": NOON, "action": "call", "by": "agent 7", "reason": "asked to be called"}
    return pd.DataFrame(row | {"at": NOON + pd.Timedelta("1h")} | changes)


def test_a_person_decides_otherwise(ledger):
    ledger.record_decisions(decisions(3))
    assert [ledger.record_overrides(overrides()) for _ in range(2)] == [1, 0]
    assert ledger.record_overrides(overrides(action="nothing", at=NOON + pd.Timedelta("2h"))) == 1
    kept = ledger.decisions().set_index("case")
    assert kept["override"].isna().tolist() == [True, False, True]
    assert (kept.loc["1", "override"], kept.loc["1", "action"], kept.loc["1", "propensity"]) == (
        "nothing",
        "voucher",
        0.9,
    )
    assert ledger.overrides()["action"].tolist() == ["call", "nothing"]
    assert ledger.start(1, NOON, cost=5, day=DAY) == "overridden"
    assert len(ledger.attempts()) == 0
    with pytest.raises(ValueError, match="overridden before it is made, at row 0"):
        ledger.record_overrides(overrides(at=NOON - pd.Timedelta("1s")))
    with pytest.raises(ValueError, match="another reason"):
        ledger.record_overrides(overrides(reason="no longer known"))
    with pytest.raises(LedgerError, match="it has no such decision"):
        ledger.record_overrides(overrides(case=[99]))


def test_reading_a_part(ledger):
    ledger.record_decisions(pd.concat([decisions(3), decisions(3, case=list("abc"), policy="v8")]))
    ledger.record_outcomes(outcomes(3, arrival=NOON + pd.to_timedelta([1, 2, 3], unit="D")))
    ledger.start("a", NOON, cost=5, day=DAY)
    ledger.start("b", NOON, cost=5, day=DAY)
    assert ledger.decisions(policy="v8")["case"].tolist() == ["a", "b", "c"]
    assert ledger.outcomes(since="2026-03-03 12:00")["case"].tolist() == ["1", "2"]
    assert ledger.attempts(case="b")["number"].tolist() == [2]
    assert len(ledger.attempts(case="c")) == 0


def test_decisions_are_claimed_and_ended_together(ledger):
    given = decisions(6)
    ledger.record_decisions(given)
    ledger.record_overrides(overrides(case=[4]))
    ledger.start(1, NOON, cost=5, day=DAY)
    limits = {"day": DAY, "budget": 20, "per_day": 4}
    came = ledger.start_many(given.assign(cost=[5.0, 5.0, 20.0, 5.0, 5.0, 5.0]), skip=True, **limits)
    assert came == ["started", "known", "budget", "started", "overridden", "started"]
    assert ledger.start_many(given, **limits) == ["known", "known", "day", "known", "overridden", "known"]
    attempts = ledger.attempts(batch="2-4")
    assert attempts["case"].tolist() == ["0", "3", "5"]
    assert attempts["number"].tolist() == [2, 3, 4]
    spending = ledger.spending()
    assert (spending["day"].tolist(), spending["attempts"].tolist()) == ([pd.Timestamp(DAY)], [4])
    assert spending["cost"].tolist() == [20.0]
    ledger.finish_many(attempts, states=["done", "failed", "done"], notes=["", "bounced", ""])
    told = ledger.attempts(of=given[:4])
    assert told["state"].tolist() == ["done", "started", "failed"]
    assert ledger.overrides(of=given)["case"].tolist() == ["4"]
    assert len(ledger.overrides(of=given[:2])) == len(ledger.attempts(of=given[:0])) == 0


def test_without_limits_a_batch_of_which_one_is_known_leaves_no_gap_in_the_numbers(ledger):
    ledger.record_decisions(decisions(5))
    ledger.start(2, NOON, cost=5, day=DAY)
    came = ledger.start_many(decisions(5), day=DAY)
    assert came == ["started", "started", "known", "started", "started"]
    assert sorted(ledger.attempts()["number"]) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda a, few: a.start_many(decisions(9), day=DAY), "it has no such decision"),
        (lambda a, few: a.start_many(pd.concat([few, few]), day=DAY), "case 0 at .* comes again at row 3"),
        (lambda a, few: a.start_many(few.assign(cost=[5, -1, 5]), day=DAY), "cost must be ≥ 0; got -1 at row 1"),
        (lambda a, few: a.start_many(few, day="2026-03-02"), "day must be a date"),
        (lambda a, few: a.start_many(few, day=DAY, skip="no"), "skip"),
        (lambda a, few: a.finish_many(few[::2], states="done"), "case 2 at .* was never started .row 1; nothing was"),
        (lambda a, few: a.finish_many(few[:2], states="done"), "case 1 at .* has ended already .row 1; nothing was"),
        (lambda a, few: a.finish_many(few[:2], states="gone"), "state must be"),
        (lambda a, few: a.finish_many(few[:2], states=["done"]), "states must be one text .* one for each of 2; got 1"),
        (lambda a, few: a.finish_many(few[:1], states="done", notes=[7]), "note must be text; got 7"),
        (lambda a, few: a.attempts(batch="all"), "batch must be the name of one, such as '1-500'; got 'all'"),
        (lambda a, few: a.attempts(batch="1-2", case=1), "one of case, of and batch"),
        (lambda a, few: a.attempts(of=few[["case"]]), "of .*time"),
    ],
)
def test_what_cannot_be_claimed_or_ended_together_is_refused_whole(ledger, call, says):
    ledger.record_decisions(decisions(4))
    ledger.start_many(decisions(2), day=DAY)
    ledger.finish(1, NOON, state="done")
    before = ledger.attempts()
    with pytest.raises((TypeError, ValueError, LedgerError), match=says):
        call(ledger, decisions(3))
    pd.testing.assert_frame_equal(ledger.attempts(), before)


def test_questions_about_a_part_never_read_the_whole(tmp_path):
    """What the database says it will do: look up, not scan."""
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record_decisions(decisions(5))
        ledger.record_outcomes(outcomes(2))
        ledger.record_overrides(overrides())
        ledger.start_many(decisions(5), day=DAY)
        plans = Plans(ledger)
        with plans:
            ledger.attempts(case=1)
            ledger.attempts(of=decisions(3))
            ledger.attempts(batch="1-5")
            ledger.outcomes(since=NOON)
            ledger.decisions(policy="v7")
            ledger.start_many(decisions(3), day=DAY, budget=1_000)
            ledger.finish_many(ledger.attempts(of=decisions(3)), states="done")
    assert len(plans.told) > 10
    whole = [line for line in plans.told if line.startswith("SCAN") and not re.match(r"SCAN (\d+ |k$|CONSTANT)", line)]
    assert whole == []


class Plans:
    """Collects SQLite's plans of all queries that are asked meanwhile."""

    def __init__(self, ledger):
        self.engine, self.told = ledger.engine, []

    def __enter__(self):
        sa.event.listen(self.engine, "before_cursor_execute", self.explain)

    def __exit__(self, *error):
        sa.event.remove(self.engine, "before_cursor_execute", self.explain)

    def explain(self, connection, cursor, statement, parameters, context, many):
        if statement.startswith("SELECT") and not statement.startswith("SELECT EXISTS"):  # which ends at its first row
            self.told += [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters or ())]


@pytest.mark.parametrize("odd", ["half \udce9 a letter", "a NUL \x00 inside"])
def test_text_that_can_never_be_stored_is_refused_with_its_row(ledger, odd):
    for name in ("case", "action", "model", "policy", "segment"):
        values = pd.Series(["a", "b", odd, "d", "e"], dtype=object)
        with pytest.raises(ValueError, match=rf"{name} must be text that can be stored; got .* at row 2"):
            ledger.record_decisions(decisions(**{name: values}))
    ledger.record_decisions(decisions(1))
    with pytest.raises(ValueError, match="kind must be text that can be stored"):
        ledger.record_outcomes(outcomes(1, kind=pd.Series([odd], dtype=object)))
    ledger.start(0, NOON, cost=5, day=DAY)
    with pytest.raises(ValueError, match="note must be text that can be stored"):
        ledger.finish(0, NOON, state="failed", note=odd)


def test_columns_have_their_kinds_also_without_rows(ledger):
    empty = [ledger.decisions(), ledger.outcomes(), ledger.attempts()]
    assert [len(frame) for frame in empty] == [0, 0, 0]
    ledger.record_decisions(decisions())
    ledger.record_outcomes(outcomes())
    ledger.start(0, NOON, cost=5, day=DAY)
    full = [ledger.decisions(), ledger.outcomes(), ledger.attempts()]
    for before, after in zip(empty, full, strict=True):
        assert before.dtypes.to_dict() == after.dtypes.to_dict()


def test_checking_writes_nothing_and_refuses_the_same(ledger):
    ledger.check_decisions(decisions())
    assert len(ledger.decisions()) == 0
    ledger.record_decisions(decisions(3))
    for wrong in (decisions(cost=6.0), pd.concat([decisions(), decisions(model="boosting 4")]), decisions(cost=-1.0)):
        with pytest.raises(ValueError, match=r"written already with another|cost must be ≥ 0"):
            ledger.check_decisions(wrong)
        with pytest.raises(ValueError, match=r"written already with another|cost must be ≥ 0"):
            ledger.record_decisions(wrong)
    assert len(ledger.decisions()) == 3


def test_pandas_reads_it_in_one_line(ledger):
    ledger.record_decisions(decisions())
    assert len(pd.read_sql("decisions", ledger.engine)) == 5


def test_writing_again_changes_nothing(ledger):
    assert [ledger.record_decisions(decisions()) for _ in range(3)] == [5, 0, 0]
    assert ledger.record_decisions(decisions(900)) == 895
    assert ledger.record_decisions(decisions(1_000).sample(frac=1, random_state=1)) == 100
    assert [ledger.record_outcomes(outcomes()) for _ in range(2)] == [5, 0]
    assert ledger.record_outcomes(outcomes(kind="called back")) == 5
    assert len(ledger.decisions()) == 1_000


def test_one_batch_that_holds_a_decision_twice_writes_it_once(ledger):
    assert ledger.record_decisions(pd.concat([decisions(), decisions()])) == 5


def test_another_decision_under_the_same_key_is_refused_with_the_whole_batch(ledger):
    ledger.record_decisions(decisions(3))
    with pytest.raises(ValueError, match=r"case 2 at .* another action.*nothing was written"):
        ledger.record_decisions(decisions(5, action=["voucher", "voucher", "call", "voucher", "voucher"]))
    assert len(ledger.decisions()) == 3
    with pytest.raises(ValueError, match="another cost"):
        ledger.record_decisions(pd.concat([decisions(4), decisions(4, cost=6.0)]))
    assert len(ledger.decisions()) == 3


CHANGES = [
    "UPDATE decisions SET cost = 0",
    "DELETE FROM decisions",
    "DELETE FROM outcomes",
    "DELETE FROM attempts",
    "UPDATE endings SET state = 'failed'",
    "DELETE FROM overrides",
]
UPSERT = 'INSERT INTO decisions SELECT * FROM decisions WHERE true ON CONFLICT ("case", time) DO UPDATE SET cost = 0'
REPLACE = [
    "REPLACE INTO decisions SELECT \"case\", time, '', 0, 'call', 'call', '', '', 0.5, 0, 0, '', '' FROM decisions",
    "REPLACE INTO attempts SELECT '1', time, 0, day, started, number, batch FROM attempts",
]
TRUNCATE = ["TRUNCATE decisions CASCADE", "TRUNCATE outcomes"]


def test_nothing_is_changed_or_deleted(ledger):
    """SQLite passes over rows that are there already; everything else is refused."""
    ledger.record_decisions(decisions())
    ledger.record_outcomes(outcomes())
    ledger.record_overrides(overrides())
    ledger.start(0, NOON, cost=5, day=DAY)
    ledger.finish(0, NOON, state="done")
    before = [ledger.decisions(), ledger.outcomes(), ledger.attempts()]
    file = ledger.engine.dialect.name == "sqlite"
    for statement in CHANGES + ([] if file else [UPSERT, *TRUNCATE]):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.engine.begin() as connection:
            connection.exec_driver_sql(statement)
    for statement in [UPSERT, *REPLACE] if file else []:
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql(statement)
    for frame, now in zip(before, [ledger.decisions(), ledger.outcomes(), ledger.attempts()], strict=True):
        pd.testing.assert_frame_equal(frame, now)


def test_it_is_there_when_opened_again(address):
    with Ledger(address) as ledger:
        ledger.record_decisions(decisions())
    with Ledger(address) as ledger:
        assert len(ledger.decisions()) == 5
        assert repr(ledger).startswith("Ledger(")


# attempts -----------------------------------------------------------------------------------------------------------

DAY = datetime.date(2026, 3, 2)


def test_an_attempt_is_claimed_once_and_ends_once(ledger):
    ledger.record_decisions(decisions(case=list("abcde")))
    assert ledger.start("a", NOON, cost=5, day=DAY) == "started"
    assert ledger.start("a", NOON, cost=5, day=DAY) == "known"
    assert ledger.attempts()["state"].tolist() == ["started"]
    ledger.finish("a", NOON, state="done")
    assert ledger.attempts()["state"].tolist() == ["done"]
    with pytest.raises(ValueError, match="has ended already"):
        ledger.finish("a", NOON, state="failed")
    with pytest.raises(ValueError, match="was never started"):
        ledger.finish("b", NOON, state="done")
    with pytest.raises(ValueError, match="state must be one of done, failed"):
        ledger.finish("a", NOON, state="maybe")


def test_an_attempt_is_in_doubt_after_a_while(ledger):
    """Under way while it is young, whoever looks; in doubt when older, and when a clock that was wrong began it."""
    ledger.record_decisions(decisions(2))
    begun = datetime.datetime(2026, 3, 2, 12)
    ledger.start(0, NOON, cost=5, day=DAY, at=begun)
    for minutes, state in ((0, "started"), (10, "started"), (11, "in doubt"), (-9, "started"), (-600, "in doubt")):
        now = begun + datetime.timedelta(minutes=minutes)
        assert ledger.attempts(now=now)["state"].tolist() == [state]
    later = begun + datetime.timedelta(hours=1)
    assert ledger.attempts(now=later, patience=datetime.timedelta(hours=2))["state"].tolist() == ["started"]
    ledger.finish(0, NOON, state="failed", note="bounced", at=later)
    (row,) = ledger.attempts(now=later).to_dict("records")
    assert (row["started"], row["ended"], row["state"], row["note"]) == (begun, later, "failed", "bounced")
    with pytest.raises(TypeError, match="patience must be a timedelta; got 5"):
        ledger.attempts(patience=5)


def test_limits_count_what_another_program_does(address):
    with Ledger(address) as one, Ledger(address) as other:
        one.record_decisions(decisions(10))
        assert [one.start(k, NOON, cost=1, day=DAY, budget=5, per_day=4) for k in (0, 1)] == ["started"] * 2
        assert [other.start(k, NOON, cost=1, day=DAY, budget=5, per_day=4) for k in (2, 3)] == ["started"] * 2
        assert one.start(4, NOON, cost=1, day=DAY, budget=5, per_day=4) == "day"
        next_day = DAY + datetime.timedelta(1)
        assert other.start(4, NOON, cost=1, day=next_day, budget=5, per_day=4) == "started"
        assert one.start(5, NOON, cost=1, day=next_day, budget=5, per_day=4) == "budget"
        assert one.attempts().sort_values("number")["number"].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"budget": np.nan}, ValueError),
        ({"budget": "5"}, TypeError),
        ({"per_day": 2.5}, TypeError),
        ({"day": "x"}, TypeError),
    ],
)
def test_limits_that_are_none_are_refused(ledger, wrong, error):
    ledger.record_decisions(decisions(1))
    with pytest.raises(error, match=next(iter(wrong))):
        ledger.start(0, NOON, **({"cost": 5, "day": DAY} | wrong))
    assert len(ledger.attempts()) == 0


def test_limits_hold(ledger):
    ledger.record_decisions(decisions(10))
    came = [ledger.start(k, NOON, cost=5, day=DAY, budget=12) for k in range(3)]
    assert came == ["started", "started", "budget"]
    assert ledger.start(9, NOON, cost=5, day=DAY, per_day=2) == "day"
    assert ledger.start(9, NOON, cost=5, day=DAY + datetime.timedelta(1), per_day=2) == "started"
    assert ledger.start(9, NOON, cost=5, day=DAY, per_day=2, budget=0) == "known"


def test_nothing_hangs_in_the_air(ledger):
    """Outcomes and attempts belong to a decision that is written."""
    ledger.record_decisions(decisions(3))
    with pytest.raises(
        LedgerError, match=r"it has no such decision; record the decisions first\. Nothing of this call"
    ):
        ledger.record_outcomes(outcomes(5))
    with pytest.raises(LedgerError, match="it has no such decision"):
        ledger.start(4, NOON, cost=5, day=DAY)
    assert len(ledger.outcomes()) == len(ledger.attempts()) == 0


# what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("propensity", [None, np.nan, 0.0, 1.1, 1.0000001, -0.5, "often"])
def test_a_decision_without_a_known_propensity_is_refused(ledger, propensity):
    with pytest.raises((ValueError, TypeError), match=r"propensity must be .* at row 3"):
        ledger.record_decisions(decisions(propensity=[0.9, 0.9, 0.9, propensity, 0.9]))
    assert len(ledger.decisions()) == 0


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"case": [1.0, 2.0, 3.5, 4.0, 5.0]}, TypeError, "case must be text or whole numbers"),
        ({"case": ["a", "b", None, "d", "e"]}, ValueError, "case is missing at row 2"),
        ({"case": [True, False, True, True, True]}, TypeError, "case must be text or whole numbers"),
        ({"cost": [True + 1j, 2, 3, 4, 5]}, TypeError, "cost must be a column of numbers"),
        ({"time": "soon"}, TypeError, "time must hold dates or times: .*; got 'soon' at row 0"),
        ({"time": "now"}, TypeError, "time must hold dates or times: .*; got 'now' at row 0"),
        ({"time": "12:00"}, TypeError, "time must hold dates or times: .*; got '12:00' at row 0"),
        ({"time": "10/04/2026"}, TypeError, "time must hold dates or times: .*; got '10/04/2026' at row 0"),
        (
            {"time": ["2026-03-01", "2026-03-02T07:00", "3/1/2026", "2026-03-01", "2026-03-01"]},
            TypeError,
            "'3/1/2026' at row 2",
        ),
        ({"time": 20260301}, TypeError, "time must hold dates or times: .*; got 20260301"),
        ({"time": [NOON, NOON, pd.NaT, NOON, NOON]}, ValueError, "time is missing at row 2"),
        ({"cost": np.inf}, ValueError, "cost must hold finite numbers"),
        ({"cost": [1, 2, 3, 4, "five"]}, TypeError, "cost must be a column of numbers; got 'five' at row 4"),
        ({"cost": [1, 2, -3, 4, 5]}, ValueError, "cost must be ≥ 0; got -3 at row 2"),
    ],
)
def test_a_bad_frame_is_refused_in_words(ledger, wrong, error, says):
    with pytest.raises(error, match=says):
        ledger.record_decisions(decisions(**wrong))
    assert len(ledger.decisions()) == 0


def test_a_frame_without_its_columns(ledger):
    with pytest.raises(ValueError, match="propensity"):
        ledger.record_decisions(decisions().drop(columns="propensity"))
    with pytest.raises(ValueError, match=r"must have the columns .*cost"):
        ledger.record_decisions(decisions().drop(columns="cost"))
    with pytest.raises(ValueError, match="before its decision, at row 0"):
        ledger.record_outcomes(outcomes(arrival=NOON - pd.Timedelta("1D")))


def test_times_with_a_zone_become_utc(ledger):
    ledger.record_decisions(decisions(1, time=pd.Timestamp("2026-03-01 14:00", tz="Europe/Madrid")))
    assert ledger.decisions()["time"].iloc[0] == pd.Timestamp("2026-03-01 13:00")


def test_times_come_in_many_forms(ledger):
    noon = datetime.datetime(2026, 3, 1, 12)
    assert ledger.record_decisions(decisions(time="2026-03-01 12:00")) == 5
    for same in ("2026-03-01T12:00:00", noon, np.datetime64("2026-03-01T12"), NOON.as_unit("ns"), NOON.as_unit("s")):
        assert ledger.record_decisions(decisions(time=same)) == 0
    assert ledger.record_decisions(decisions(time=datetime.date(2026, 3, 1))) == 5
    assert ledger.record_decisions(decisions(case=pd.Categorical(list("abcde")), action=pd.Categorical(["x"] * 5))) == 5


# what one database takes and another does not ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["case", "policy", "kind"])
def test_a_key_that_is_too_long_for_a_server_is_told_in_words(address, name):
    rng = np.random.default_rng(5)
    long = "".join(map(chr, rng.integers(0x4E00, 0x9000, 3_000)))
    for length in (600, 3_000):
        with Ledger(address) as ledger:
            before = sum(map(len, (ledger.decisions(), ledger.outcomes())))
            if name == "kind":
                ledger.record_decisions(decisions(1))

            def write(ledger=ledger, length=length):
                row = {name: [f"{length}{long}"[:length]]}
                if name == "kind":
                    return ledger.record_outcomes(outcomes(1, **row))
                return ledger.record_decisions(decisions(1, **{"case": [length]} | row))

            if ledger.engine.dialect.name == "sqlite" or length == 600:
                assert [write(), write()] == [1, 0]
                continue
            with pytest.raises(
                LedgerError, match=r"\(case, kind or policy\) is too long: PostgreSQL takes.* Nothing of"
            ):
                write()
            assert sum(map(len, (ledger.decisions(), ledger.outcomes()))) == before == 1 + (name == "kind")


def test_minus_zero_is_zero(address):
    """Only PostgreSQL keeps the sign; that is no other number."""
    with Ledger(address) as ledger:
        for zero, new in ((-0.0, 5), (0.0, 0), (-0.0, 0)):
            assert ledger.record_decisions(decisions(score=zero, expected_value=zero, cost=zero)) == new
        assert (ledger.decisions()[["score", "expected_value", "cost"]] == 0).all(axis=None)


# killed, crowded, locked, full --------------------------------------------------------------------------------------


def writers(*commands):
    """Writers in processes of their own; all are loaded, then all begin."""
    run = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, WRITER, *map(str, command)], **run) for command in commands]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    return started


def killed(process, seconds):
    """What a writer had said when it was killed (kill -9), some time after its first words."""
    first = process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    return [first, *process.communicate()[0].splitlines()]


def finished(processes):
    said = [process.communicate()[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return said


def test_a_killed_writer_leaves_whole_batches_and_loses_none(address):
    """kill -9 at a random moment: of every batch all rows or none, and all of those it had been told are written."""
    rng, size, told = np.random.default_rng([1, 1]), 2_000, set()
    for run in range(KILLS):
        (process,) = writers((address, f"run{run}", 10_000, size))
        told |= {line.split()[0] for line in killed(process, rng.uniform(0, 0.1))}
    with Ledger(address) as ledger:
        cases = ledger.decisions()["case"]
        assert ledger.record_decisions(decisions()) == 5
    batches = cases.str.rsplit("-", n=1).str[0].value_counts()
    assert set(batches) <= {size}
    assert cases.is_unique
    assert len(told) >= KILLS
    assert told <= set(batches.index)
    print(f"{KILLS} kills, {len(cases):,} rows in whole batches, {len(told - set(batches.index))} lost")


def test_two_writers_at_once_lose_and_double_nothing(address):
    said = finished(writers((address, "one", 50, 100), (address, "two", 50, 100)))
    with Ledger(address) as ledger:
        cases = ledger.decisions()["case"]
    assert [len(lines) for lines in said] == [50, 50]
    assert len(cases) == cases.nunique() == 10_000


def test_two_that_write_the_same_write_it_once(address):
    said = finished(writers((address, "same", 50, 100), (address, "same", 50, 100)))
    new = [sum(int(line.split()[1]) for line in lines) for lines in said]
    assert sum(new) == 5_000
    with Ledger(address) as ledger:
        assert len(ledger.decisions()) == 5_000


def test_acting_resumes_after_a_kill_and_does_nothing_twice(address, tmp_path):
    done, wanted = tmp_path / "done.txt", 40 * KILLS
    rng = np.random.default_rng([2, 1])
    for _ in range(KILLS):
        (process,) = writers((address, "act", done, wanted))
        killed(process, rng.uniform(0, 0.15))
    finished(writers((address, "act", done, wanted)))
    cases = done.read_text().split()
    with Ledger(address) as ledger:
        states = ledger.attempts(patience=datetime.timedelta(0)).set_index("case")["state"]
    doubt = set(states[states == "in doubt"].index)
    assert len(cases) == len(set(cases))  # none twice
    assert set(states.index) == set(map(str, range(wanted)))  # none forgotten
    assert len(doubt) <= KILLS
    assert set(states.index) - doubt <= set(cases) <= set(states.index)
    assert set(states) <= {"done", "in doubt"}
    print(f"{KILLS} kills, {len(cases)} of {wanted} done, none twice, {len(doubt)} in doubt")


def test_two_that_act_at_once_do_each_once(address, tmp_path):
    done = tmp_path / "done.txt"
    said = finished(writers((address, "act", done, 200), (address, "act", done, 200)))
    shares = [int(lines[-1]) for lines in said]
    assert sum(shares) == 200
    assert min(shares) > 0
    assert sorted(map(int, done.read_text().split())) == list(range(200))


def test_many_may_make_it_at_once(address):
    """Eight open a place where nothing is yet, and write into it."""

    def one(k):
        with Ledger(address) as ledger:
            return ledger.record_decisions(decisions(case=[f"{k}-{i}" for i in range(5)]))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))) == [5] * 8
    with Ledger(address) as ledger:
        assert len(ledger.decisions()) == 40


def test_a_locked_ledger_is_told_in_words(address):
    with Ledger(address, timeout=0.1) as ledger, Ledger(address) as other:
        ledger.record_decisions(decisions(3))
        with other._work(writing=True):
            with pytest.raises(LedgerError, match=r"another program is writing to it.*nothing written before is lost"):
                ledger.record_decisions(decisions(5))
            with pytest.raises(LedgerError, match="another program is writing to it"):
                ledger.start(0, NOON, cost=5, day=DAY)
            assert len(ledger.decisions()) == 3  # reading goes on
            with Ledger(address, timeout=0.1) as reader:
                assert len(reader.decisions()) == 3
        assert ledger.record_decisions(decisions(5)) == 2


def test_a_full_disk_is_told_in_words_and_loses_nothing(tmp_path):
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.record_decisions(decisions(3))
        sa.event.listen(
            ledger.engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 60")
        )
        with pytest.raises(LedgerError, match="the disk is full"):
            ledger.record_decisions(decisions(20_000))
        assert len(ledger.decisions()) == 3


def test_a_ledger_that_may_only_be_read(tmp_path):
    file = tmp_path / "ledger.db"
    with Ledger(file) as ledger:
        ledger.record_decisions(decisions(3))
        with Ledger(f"sqlite:///file:{file}?mode=ro&uri=true") as reader:
            assert len(reader.decisions()) == 3
            with pytest.raises(LedgerError, match="it may only be read"):
                reader.record_decisions(decisions(5))


def test_a_place_that_cannot_hold_a_ledger_is_told_in_words(tmp_path):
    with pytest.raises(LedgerError, match="the file cannot be opened"):
        Ledger(tmp_path / "nowhere" / "ledger.db")
    (tmp_path / "x.db").write_text("this is a letter to my grandmother " * 100)
    with pytest.raises(LedgerError, match="something else than a ledger"):
        Ledger(tmp_path / "x.db")
    with pytest.raises(LedgerError, match="SQLite or PostgreSQL; got mysql"):
        Ledger("mysql://me@host/name")
    with pytest.raises(LedgerError, match="the address given is not understood"):
        Ledger("://")
    for wrong in ("", " ", 7):
        with pytest.raises(TypeError, match="where must be a file or a database address"):
            Ledger(wrong)


@pytest.mark.postgres
def test_a_server_that_is_full_goes_away_or_is_not_there(server):
    administer(server, "CREATE DATABASE troubled")
    address = server.format("troubled")
    with Ledger(address) as ledger:
        ledger.record_decisions(decisions(3))
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql("""
                CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW."case" = '700' THEN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END IF;
                RETURN NEW; END $$""")
            connection.exec_driver_sql(
                "CREATE TRIGGER full_disk BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION full_disk()"
            )
        with pytest.raises(LedgerError, match=r"the disk is full; make room and run again\. Nothing of this call"):
            ledger.record_decisions(decisions(1_000))
        assert len(ledger.decisions()) == 3
        end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'troubled'"
        administer(server, end_all)
        assert len(ledger.decisions()) == 3  # connects again
        sa.event.listen(ledger.engine, "begin", lambda connection: administer(server, end_all))
        with pytest.raises(LedgerError, match=r"the database cannot be reached \(.*\)\. Run again when it can"):
            ledger.record_decisions(decisions(5))
    for nobody in ("postgresql://me:secret@localhost:9/name", server.format("no_such_database")):
        with pytest.raises(LedgerError, match="the database cannot be reached") as told:
            Ledger(nobody, timeout=0)
        assert "secret" not in str(told.value)


def test_what_only_equals_a_key_is_none():
    with Ledger() as ledger:
        many = decisions(9).assign(segment=pd.Series([1, True, 1] * 3, dtype=object))
        with pytest.raises(TypeError, match="segment must be text or whole numbers; got True at row 1"):
            ledger.record_decisions(many)


def test_columns_of_one_name_are_refused():
    double = pd.concat([decisions(2), pd.DataFrame([["a", "b"]] * 2, columns=["model", "model"])], axis=1)
    with Ledger() as ledger, pytest.raises(ValueError, match="decisions must have each column once; got 'model' twice"):
        ledger.record_decisions(double)
