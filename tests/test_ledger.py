"""The ledger: everything once, nothing lost, nothing changed, on SQLite and PostgreSQL."""

import datetime
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from mllayers.ledger import Ledger, LedgerError

WRITER = Path(__file__).parent / "ledger_writer.py"
KILLS = int(os.environ.get("LEDGER_KILLS", "4"))
NOON = pd.Timestamp("2026-03-01 12:00")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of a PostgreSQL server of our own, on a socket in a temporary folder."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [shutil.which("initdb")]
    if not found[-1]:
        pytest.fail("no PostgreSQL here: install Debian's postgresql, or leave these tests out (-m 'not postgres')")
    programs, folder = Path(found[-1]).parent, tmp_path_factory.mktemp("pg")
    user = None
    if os.getuid() == 0:  # a PostgreSQL server refuses to run as root
        user = "postgres"
        for path in (folder, *list(folder.parents)[:2]):
            os.chmod(path, 0o755)
        shutil.chown(folder, user)
    run = {"check": True, "capture_output": True, "user": user, "cwd": "/"}
    subprocess.run([programs / "initdb", "-D", folder / "data", "-A", "trust", "-E", "UTF8", "--locale=C"], **run)
    options = f"-k {folder} -c listen_addresses='' -c max_connections=40"
    subprocess.run(
        [programs / "pg_ctl", "-D", folder / "data", "-o", options, "-l", folder / "log", "-w", "start"], **run
    )
    name = user or pwd.getpwuid(os.getuid()).pw_name
    yield f"postgresql+psycopg://{name}@/{{}}?host={folder}"
    subprocess.run([programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop"], **run)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def address(request, tmp_path):
    """An empty place for a ledger."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    pattern = request.getfixturevalue("server")
    name = f"l{time.time_ns()}"
    engine = sa.create_engine(pattern.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return pattern.format(name)


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
    given = decisions(score=[0.1, None, 0.3, 0.4, np.nan])
    assert ledger.record_decisions(given) == 5
    read = ledger.decisions()
    assert read["case"].tolist() == ["0", "1", "2", "3", "4"]
    pd.testing.assert_frame_equal(
        read.drop(columns=["case", "time"]).astype({"score": float}),
        given.drop(columns=["case", "time"]).astype({"score": float}),
        check_dtype=False,
    )
    assert (pd.to_datetime(read["time"]) == NOON).all()
    assert ledger.record_outcomes(outcomes()) == 5
    assert (pd.to_datetime(ledger.outcomes()["arrival"]) == NOON + pd.Timedelta("30D")).all()


def test_pandas_reads_it_in_one_line(ledger):
    ledger.record_decisions(decisions())
    assert len(pd.read_sql("decisions", ledger.engine)) == 5


def test_writing_again_changes_nothing(ledger):
    assert [ledger.record_decisions(decisions()) for _ in range(3)] == [5, 0, 0]
    assert ledger.record_decisions(decisions(7)) == 2
    assert [ledger.record_outcomes(outcomes()) for _ in range(2)] == [5, 0]
    assert ledger.record_outcomes(outcomes(kind="called back")) == 5


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


@pytest.mark.parametrize(
    "statement", ["UPDATE decisions SET cost = 0", "DELETE FROM decisions", "DELETE FROM outcomes"]
)
def test_nothing_is_changed_or_deleted(ledger, statement):
    ledger.record_decisions(decisions())
    ledger.record_outcomes(outcomes())
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert (ledger.decisions()["cost"] == 5).all()
    assert len(ledger.outcomes()) == 5


def test_it_is_there_when_opened_again(address):
    with Ledger(address) as ledger:
        ledger.record_decisions(decisions())
    with Ledger(address) as ledger:
        assert len(ledger.decisions()) == 5
        assert repr(ledger).startswith("Ledger(")


# attempts -----------------------------------------------------------------------------------------------------------

DAY = datetime.date(2026, 3, 2)


def test_an_attempt_is_claimed_once_and_ends_once(ledger):
    assert ledger.start("a", NOON, cost=5, day=DAY) == "started"
    assert ledger.start("a", NOON, cost=5, day=DAY) == "known"
    assert ledger.attempts()["state"].tolist() == ["in doubt"]
    ledger.finish("a", NOON, state="done")
    assert ledger.attempts()["state"].tolist() == ["done"]
    with pytest.raises(ValueError, match="has ended already"):
        ledger.finish("a", NOON, state="failed")
    with pytest.raises(ValueError, match="was never started"):
        ledger.finish("b", NOON, state="done")
    with pytest.raises(ValueError, match="state must be one of done, failed"):
        ledger.finish("a", NOON, state="maybe")


def test_limits_hold(ledger):
    came = [ledger.start(k, NOON, cost=5, day=DAY, budget=12) for k in range(3)]
    assert came == ["started", "started", "budget"]
    assert ledger.start(9, NOON, cost=5, day=DAY, per_day=2) == "day"
    assert ledger.start(9, NOON, cost=5, day=DAY + datetime.timedelta(1), per_day=2) == "started"


# what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("propensity", [None, np.nan, 0.0, 1.1, -0.5, "often"])
def test_a_decision_without_a_known_propensity_is_refused(ledger, propensity):
    with pytest.raises(ValueError, match=r"propensity must be known and lie in \(0, 1\].* at row 3"):
        ledger.record_decisions(decisions(propensity=[0.9, 0.9, 0.9, propensity, 0.9]))
    assert len(ledger.decisions()) == 0


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"case": [1.0, 2.0, 3.5, 4.0, 5.0]}, TypeError, "case must be text or whole numbers"),
        ({"case": ["a", "b", None, "d", "e"]}, ValueError, "case is missing at row 2"),
        ({"time": "soon"}, TypeError, "time must be a column of dates or times; got 'soon'"),
        ({"time": [NOON, NOON, pd.NaT, NOON, NOON]}, ValueError, "time is missing at row 2"),
        ({"cost": np.inf}, ValueError, "cost must hold finite numbers"),
        ({"cost": "five"}, TypeError, "cost must be a column of numbers"),
    ],
)
def test_a_bad_frame_is_refused_in_words(ledger, wrong, error, says):
    with pytest.raises(error, match=says):
        ledger.record_decisions(decisions(**wrong))
    assert len(ledger.decisions()) == 0


def test_a_frame_without_its_columns(ledger):
    with pytest.raises(ValueError, match="propensity"):
        ledger.record_decisions(decisions().drop(columns="propensity"))
    with pytest.raises(ValueError, match="before its decision, at row 0"):
        ledger.record_outcomes(outcomes(arrival=NOON - pd.Timedelta("1D")))


def test_times_with_a_zone_become_utc(ledger):
    ledger.record_decisions(decisions(1, time=pd.Timestamp("2026-03-01 14:00", tz="Europe/Madrid")))
    assert pd.to_datetime(ledger.decisions()["time"]).iloc[0] == pd.Timestamp("2026-03-01 13:00")


# killed, crowded, locked, full --------------------------------------------------------------------------------------


def writer(*arguments):
    """A writer in a process of its own, ready to write."""
    command = [sys.executable, str(WRITER), *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_killed_writer_leaves_whole_batches(address):
    """kill -9 at a random moment: of every batch all rows or none, and the next writer goes on."""
    rng, size = np.random.default_rng([1, 1]), 2_000
    for run in range(KILLS):
        process = writer(address, f"run{run}", 10_000, size)
        time.sleep(rng.uniform(0.05, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with Ledger(address) as ledger:
        batch = ledger.decisions()["case"].str.rsplit("-", n=1).str[0]
        assert set(batch.value_counts()) == {size}
        assert ledger.record_decisions(decisions()) == 5


def test_two_writers_at_once_lose_and_double_nothing(address):
    writers = [writer(address, name, 25, 100) for name in ("one", "two")]
    assert [process.wait() for process in writers] == [0, 0]
    for process in writers:
        process.stdout.close()
    with Ledger(address) as ledger:
        cases = ledger.decisions()["case"]
    assert len(cases) == cases.nunique() == 5_000


def test_acting_resumes_after_a_kill_and_does_nothing_twice(address, tmp_path):
    done = tmp_path / "done.txt"
    rng = np.random.default_rng([2, 1])
    for _ in range(KILLS):
        process = writer(address, "act", done)
        time.sleep(rng.uniform(0.02, 0.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    process = writer(address, "act", done)
    assert process.wait() == 0
    process.stdout.close()
    cases = done.read_text().split()
    assert len(cases) == len(set(cases))
    with Ledger(address) as ledger:
        states = ledger.attempts().set_index("case")["state"]
    assert len(states) == 200
    assert (states == "in doubt").sum() <= KILLS
    assert set(states[states == "done"].index) <= set(cases)
    assert set(cases) <= set(states.index)


def test_two_that_act_at_once_do_each_once(address, tmp_path):
    done = tmp_path / "done.txt"
    writers = [writer(address, "act", done) for _ in range(2)]
    assert [process.wait() for process in writers] == [0, 0]
    for process in writers:
        process.stdout.close()
    assert sorted(map(int, done.read_text().split())) == list(range(200))


def test_a_locked_file_is_told_in_words(tmp_path):
    file = tmp_path / "ledger.db"
    with Ledger(file, timeout=0.1) as ledger:
        ledger.record_decisions(decisions(3))
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match=r"ledger\.db: another program is writing to it.*nothing written before"):
            ledger.record_decisions(decisions(5))
        assert len(ledger.decisions()) == 3  # reading goes on
        other.execute("ROLLBACK")
        other.close()
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


def test_a_folder_that_is_not_there_and_a_file_that_is_something_else(tmp_path):
    with pytest.raises(LedgerError, match="the file cannot be opened"):
        Ledger(tmp_path / "nowhere" / "ledger.db")
    (tmp_path / "x.db").write_text("this is a letter to my grandmother " * 100)
    with pytest.raises(LedgerError, match="something else than a ledger"):
        Ledger(tmp_path / "x.db")
