"""Where a ledger lives: other people's files, older ledgers, damaged ones, odd folders, addresses with passwords."""

import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import traceback
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from test_ledger import DAY, NOON, administer, decisions, outcomes, overrides, server  # noqa: F401  a fixture

from mllayers.ledger import Ledger, LedgerError, LedgerWarning, place, schema
from mllayers.ledger.wal import wal_damage

FLIPS = int(os.environ.get("LEDGER_KILLS", "4")) * 10


def contents(folder):
    """Every file's bytes, but for the empty log and the index that SQLite makes beside a file that it reads."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    return {name: data for name, data in files.items() if data or not name.endswith("-wal")}


# whose file is it ---------------------------------------------------------------------------------------------------

FOREIGN = {
    "a table called decisions": "CREATE TABLE decisions (id INTEGER PRIMARY KEY, text TEXT)",
    "a view called outcomes": "CREATE TABLE x (a); CREATE VIEW outcomes AS SELECT a FROM x",
    "tables of other names": "CREATE TABLE orders (id INTEGER PRIMARY KEY)",
    "another program's mark": "PRAGMA application_id = 252006674",
    "a version of its own": "PRAGMA user_version = 7; CREATE TABLE x (a)",
}


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_another_programs_file_is_refused_without_changing_a_byte(tmp_path, what, journal):
    file = tmp_path / "theirs.db"
    theirs = sqlite3.connect(file, isolation_level=None)
    theirs.execute(f"PRAGMA journal_mode = {journal}")
    theirs.executescript(FOREIGN[what])
    before = contents(tmp_path)
    for _ in range(2):
        with pytest.raises(LedgerError, match=r"another program's (tables|file), so nothing was written there"):
            Ledger(file)
        assert contents(tmp_path) == before
    theirs.close()
    shutil.rmtree(tmp_path / "again", ignore_errors=True)


def test_their_program_goes_on_as_before(tmp_path):
    theirs = sqlite3.connect(tmp_path / "theirs.db", isolation_level=None)
    theirs.execute("CREATE TABLE decisions (id INTEGER PRIMARY KEY, text TEXT)")
    with pytest.raises(LedgerError, match="another program's tables"):
        Ledger(tmp_path / "theirs.db")
    for statement in (
        "INSERT INTO decisions VALUES (1, 'x')",
        "UPDATE decisions SET text = 'y'",
        "DELETE FROM decisions",
    ):
        theirs.execute(statement)
    theirs.close()


def copied_without_keys(file, tables):
    """The tables as pandas writes them: all columns, no keys."""
    with Ledger() as ledger, sqlite3.connect(file) as connection:
        for name, table in tables.items():
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            connection.execute(f"CREATE TABLE {name} ({columns})")
        ledger.close()


@pytest.mark.parametrize("tables", [schema.TABLES.tables, schema._FIRST.tables])
def test_a_copy_without_keys_is_refused(tmp_path, tables):
    copied_without_keys(tmp_path / "copy.db", tables)
    before = contents(tmp_path)
    with pytest.raises(LedgerError, match=r"decisions has no key \(case, time\).*cannot refuse a second act"):
        Ledger(tmp_path / "copy.db")
    assert contents(tmp_path) == before


def test_a_marked_file_without_keys_is_refused(tmp_path):
    file = tmp_path / "copy.db"
    copied_without_keys(file, schema.TABLES.tables)
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA application_id = {schema._APPLICATION}")
        connection.execute(f"PRAGMA user_version = {schema.VERSION}")
    with pytest.raises(LedgerError, match="has no key"):
        Ledger(file)


def test_a_newer_ledger_is_refused_in_words(tmp_path):
    file = tmp_path / "ledger.db"
    Ledger(file).close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    before = contents(tmp_path)
    with pytest.raises(LedgerError, match=r"newer mllayers \(its version is 3, this one knows 2\); update mllayers"):
        Ledger(file)
    assert contents(tmp_path) == before


def filled(file):
    with Ledger(file) as ledger:
        ledger.record_decisions(decisions())
        ledger.record_outcomes(outcomes(3))
        ledger.start(0, NOON, cost=5, day=DAY)
        ledger.finish(0, NOON, state="done")
        return [ledger.decisions(), ledger.outcomes(), ledger.attempts()]


def test_a_restored_dump_gets_its_guards_and_mark_again(tmp_path):
    """A dump keeps tables, keys and triggers, and forgets the mark; here it has lost triggers and an index, too."""
    before = filled(tmp_path / "ledger.db")
    with sqlite3.connect(tmp_path / "ledger.db") as old, sqlite3.connect(tmp_path / "copy.db") as new:
        new.executescript("\n".join(old.iterdump()))
        new.execute("DROP TRIGGER decisions_DELETE")
        new.execute("DROP INDEX outcomes_arrival")
        new.execute("DROP TRIGGER decisions_UPDATE")
        new.execute("CREATE TRIGGER decisions_UPDATE BEFORE UPDATE ON attempts BEGIN SELECT 1; END")  # looks like one
    with Ledger(tmp_path / "copy.db") as ledger:
        for frame, now in zip(before, [ledger.decisions(), ledger.outcomes(), ledger.attempts()], strict=True):
            pd.testing.assert_frame_equal(frame, now)
    with sqlite3.connect(tmp_path / "copy.db") as new:
        assert new.execute("PRAGMA user_version").fetchone() == (2,)
        for statement in ("DELETE FROM decisions", "UPDATE decisions SET cost = 0"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                new.execute(statement)
        assert "outcomes_arrival" in {name for (name,) in new.execute("SELECT name FROM sqlite_master")}


def test_a_restored_copy_with_rows_astray_is_refused(tmp_path):
    filled(tmp_path / "ledger.db")
    with sqlite3.connect(tmp_path / "ledger.db") as old, sqlite3.connect(tmp_path / "copy.db") as new:
        new.executescript("\n".join(old.iterdump()))
        new.execute("DROP TRIGGER decisions_DELETE")
        new.execute("DELETE FROM decisions WHERE \"case\" = '1'")
    with pytest.raises(LedgerError, match="has rows that belong to no decision"):
        Ledger(tmp_path / "copy.db")


# the first build's --------------------------------------------------------------------------------------------------


def first_build(address, values, *, guards=True, cases=()):
    """A ledger as the first build wrote it: no version, no segment, planned, idle, drawn, start."""
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        schema._FIRST.create_all(connection)
        one = {
            "model": "m",
            "policy": "v7",
            "score": 0.5,
            "action": "voucher",
            "propensity": 0.9,
            "expected_value": 1.0,
        }
        keys = [{"case": str(k), "time": NOON.to_pydatetime()} for k in cases or range(4)]
        tables = schema._FIRST.tables
        connection.execute(tables["decisions"].insert(), [key | one | {"cost": 5.0} for key in keys])
        connection.execute(
            tables["attempts"].insert(), [key | {"cost": 5.0, "day": DAY} for key in (keys if cases else keys[:2])]
        )
        connection.execute(tables["endings"].insert(), [keys[0] | {"state": "done", "note": "sent"}])
        came = {"kind": "churned", "arrival": NOON.to_pydatetime()}
        if values:
            came_back = [key | came | {"value": x} for key, x in zip(keys, values, strict=False)]
            connection.execute(tables["outcomes"].insert(), came_back)
        if guards and engine.dialect.name == "sqlite":
            for table in schema._FIRST.tables:
                for verb in ("UPDATE", "DELETE"):
                    connection.exec_driver_sql(
                        f"CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"
                    )
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def old_address(request, tmp_path):
    """For SQLAlchemy, and for us."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.db'}", str(tmp_path / "old.db")
    pattern = request.getfixturevalue("server")
    name = f"old{os.getpid()}x{random.randrange(10**9)}"
    administer(pattern, f"CREATE DATABASE {name}")
    return pattern.format(name).replace("postgresql:", "postgresql+psycopg:"), pattern.format(name)


@pytest.mark.parametrize("guards", [True, False])
def test_a_ledger_of_the_first_build_is_brought_up_to_date(old_address, guards):
    theirs, ours = old_address
    first_build(theirs, [1.0, 2.0], guards=guards)
    for _ in range(2):
        with Ledger(ours) as ledger:
            kept = ledger.decisions()
            assert kept["planned"].tolist() == kept["action"].tolist() == ["voucher"] * 4
            assert kept["idle"].isna().all()
            assert kept["drawn"].tolist() == [""] * 4
            assert ledger.outcomes()["value"].tolist() == [1.0, 2.0]
            attempts = ledger.attempts()
            assert attempts["state"].tolist() == ["done", "in doubt"]
            assert attempts["number"].tolist() == [1, 2]
            assert ledger.start(0, NOON, cost=5, day=DAY) == "known"
    with Ledger(ours) as ledger:
        assert ledger.start(2, NOON, cost=5, day=DAY, per_day=3) == "started"
        assert ledger.start(3, NOON, cost=5, day=DAY, per_day=3) == "day"
        verbs = ("DELETE FROM decisions", "UPDATE attempts SET cost = 0")
        for statement in verbs:
            with pytest.raises(Exception, match="append-only"), ledger.engine.begin() as connection:
                connection.exec_driver_sql(statement)


@pytest.mark.parametrize(("zeros", "wanted"), [("happened", None), ("did not happen", 0.0)])
def test_the_first_builds_zeros_are_asked_about(old_address, zeros, wanted):
    theirs, ours = old_address
    first_build(theirs, [1.0, 0.0])
    with pytest.raises(LedgerError, match=r"first build.*holds 1 of them.*old_zeros='happened'.*Nothing was changed"):
        Ledger(ours)
    with Ledger(ours, old_zeros=zeros) as ledger:
        values = ledger.outcomes()["value"]
    assert (values.iloc[0], None if np.isnan(values.iloc[1]) else values.iloc[1]) == (1.0, wanted)
    with pytest.raises(ValueError, match="old_zeros must be one of happened, did not happen"):
        Ledger(old_zeros="yes")


def test_a_first_build_that_may_only_be_read_or_holds_more_is_told(tmp_path):
    first_build(f"sqlite:///{tmp_path / 'old.db'}", [1.0])
    with pytest.raises(LedgerError, match="has to be brought up to date, and may only be read here"):
        Ledger(f"sqlite:///{tmp_path / 'old.db'}?mode=ro")
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.execute("CREATE VIEW mine AS SELECT * FROM decisions")
    before = contents(tmp_path)
    with pytest.raises(LedgerError, match="first build that also holds mine"):
        Ledger(tmp_path / "old.db")
    assert contents(tmp_path) == before


def test_several_may_bring_it_up_to_date_at_once(tmp_path):
    first_build(f"sqlite:///{tmp_path / 'old.db'}", [1.0])

    def one(_):
        with Ledger(tmp_path / "old.db") as ledger:
            return len(ledger.decisions())

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, range(6))) == [4] * 6


@pytest.mark.postgres
def test_tables_of_another_program_on_a_server(server):  # noqa: F811
    administer(server, "CREATE DATABASE shared")
    import psycopg

    with psycopg.connect(server.format("shared"), autocommit=True) as theirs:
        theirs.execute("CREATE TABLE decisions (id int PRIMARY KEY, words text)")
        with pytest.raises(LedgerError, match=r"another program's tables.*a schema of its own"):
            Ledger(server.format("shared"))
        tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        assert theirs.execute(tables).fetchone() == (1,)
        theirs.execute("DROP TABLE decisions; CREATE TABLE words (a int)")
        with Ledger(server.format("shared")) as ledger:  # names that do not meet
            assert ledger.record_decisions(decisions()) == 5
        theirs.execute("INSERT INTO mllayers_ledger VALUES (3)")
        with pytest.raises(LedgerError, match="newer mllayers"):
            Ledger(server.format("shared"))


def read(file):
    with Ledger(file) as ledger:
        return [ledger.decisions(), ledger.outcomes(), ledger.attempts()]


def trouble(call):
    """What a ledger says is wrong; '' where nothing is."""
    try:
        call()
    except LedgerError as error:
        return str(error)
    return ""


# a server's own settings ----------------------------------------------------------------------------------------------


def fresh(pattern, *settings, more=""):
    """A database of its own, set as somebody may have set it; its address."""
    name = f"set{random.randrange(10**12)}"
    administer(pattern, f"CREATE DATABASE {name} TEMPLATE template0 {more}")
    for setting in settings:
        administer(pattern, f"ALTER DATABASE {name} SET {setting}")
    return pattern.format(name)


def ask(address, question):
    """What a database answers to somebody else."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(question)
        return cursor.fetchall() if cursor.description else []


ODD = {
    "score": [1 / 3, 5e-324, 1.7976931348623157e308, None, -0.1],
    "segment": None,
    "action": ["\U0001f600", "é", "e\u0301", "NULL", "\\x"],
    "time": pd.Timestamp("0999-02-03 04:05:06.123457"),
}


@pytest.mark.postgres
@pytest.mark.parametrize(
    "setting",
    [
        "extra_float_digits = 0",
        "client_encoding = 'LATIN1'",
        "array_nulls = off",
        "datestyle = 'SQL, MDY'",
        "timezone = 'Asia/Kolkata'",
        "standard_conforming_strings = off",
        "quote_all_identifiers = on",
        "default_transaction_isolation = serializable",
    ],
)
def test_what_a_server_is_set_to_changes_nothing(server, setting, monkeypatch):  # noqa: F811
    """Written again it is the same, and it is read as it was written."""
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with Ledger(fresh(server, setting) + "&client_encoding=latin1") as ledger, Ledger() as memory:
        assert [ledger.record_decisions(decisions(**ODD)) for _ in range(3)] == [5, 0, 0]
        memory.record_decisions(decisions(**ODD))
        pd.testing.assert_frame_equal(ledger.decisions(), memory.decisions(), check_exact=True)


@pytest.mark.postgres
@pytest.mark.parametrize(("theirs", "ours"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")])
def test_what_is_written_is_on_the_servers_disk(server, theirs, ours):  # noqa: F811
    """An attempt that a server may still lose could be carried out twice."""
    with Ledger(fresh(server, f"synchronous_commit = {theirs}")) as ledger, ledger.engine.begin() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == ours


@pytest.mark.postgres
@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_does_not_keep_every_text_is_refused(server, encoding):  # noqa: F811
    """And what the message says to do helps."""
    address = fresh(server, more=f"ENCODING '{encoding}' LOCALE 'C'")
    with pytest.raises(LedgerError, match=f"its encoding is {encoding}.*nothing was written there; make one") as told:
        Ledger(address)
    assert ask(address, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]
    (statement,) = re.findall(r"CREATE DATABASE .* template0", str(told.value))
    administer(server, statement.replace("name", f"utf{encoding}"))
    with Ledger(server.format(f"utf{encoding}".lower())) as ledger:
        assert ledger.record_decisions(decisions(**ODD)) == 5


@pytest.mark.postgres
def test_a_database_without_keys_and_guards_is_refused(server):  # noqa: F811
    address = fresh(server, "session_replication_role = replica")
    with pytest.raises(LedgerError, match="session_replication_role is replica, which switches keys and guards off"):
        Ledger(address)
    assert ask(address, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["Ledger", "two words", "o'dd"])
def test_a_schema_may_have_any_name_and_come_from_the_surroundings(server, name, monkeypatch):  # noqa: F811
    """Other programs of PostgreSQL look into PGOPTIONS, too."""
    address = fresh(server)
    ask(address, f'CREATE SCHEMA "{name}"')
    monkeypatch.setenv("PGOPTIONS", '-csearch_path="{}"'.format(name.replace(" ", "\\ ")))
    for new in (5, 0):
        with Ledger(address) as ledger:
            assert ledger.record_decisions(decisions()) == new
    monkeypatch.delenv("PGOPTIONS")
    assert ask(address, f'SELECT count(*) FROM "{name}".decisions') == [(5,)]


# order ----------------------------------------------------------------------------------------------------------------

MIXED = ["a", "B", "b", "A", "_x", "é", "z", "Z", "\U0001f600", "\uffee", "10", "9"]
INDEXED = {"decisions": ["case", "policy"], "attempts": ["case"], "endings": ["case"], "overrides": ["case"]}
INDEXED |= {"outcomes": ["case", "kind"]}


def collate(address, tables):
    """Let text be in the order of a language, as in a ledger made before keys were in the order of bytes."""
    for table, columns in tables.items():
        changes = ", ".join(f'ALTER "{column}" TYPE text COLLATE "en-x-icu"' for column in columns)
        ask(address, f"ALTER TABLE {table} {changes}")


def mixed(ledger):
    """Rows whose order is told by text alone."""
    later, cases = NOON + pd.Timedelta("1D"), {"case": MIXED}
    both = pd.concat([decisions(12, **cases, policy=MIXED), decisions(12, **cases, policy=MIXED, time=later)])
    ledger.record_decisions(both)
    for time in (later, NOON):
        for kind in MIXED:
            ledger.record_outcomes(outcomes(12, **cases, kind=kind, time=time))
        ledger.record_overrides(overrides(case=MIXED[:5], time=time, at=later))
    ledger.start_many(both, day=DAY)
    return both


def orders(ledger, both):
    """All that can be read, by the way it is asked for."""
    return {
        "decisions": ledger.decisions(),
        "outcomes": ledger.outcomes(),
        "overrides": ledger.overrides(),
        "overrides of": ledger.overrides(of=both),
        "attempts": ledger.attempts().drop(columns="started"),
        "attempts of": ledger.attempts(of=both).drop(columns="started"),
    }


@pytest.mark.postgres
@pytest.mark.parametrize("older", [False, True])
def test_one_ledger_has_one_order_on_every_database(server, older):  # noqa: F811
    """That of the code points, as Python and pandas sort text."""
    address = fresh(server)
    with Ledger(address) as ledger, Ledger() as memory:
        if older:
            collate(address, INDEXED)
        both = mixed(ledger)
        mixed(memory)
        here, there = orders(memory, both), orders(ledger, both)
    for name, frame in here.items():
        pd.testing.assert_frame_equal(there[name], frame, obj=name)
    assert here["decisions"]["case"].tolist() == sorted(MIXED) * 2
    pd.testing.assert_frame_equal(here["overrides"], here["overrides of"])
    pd.testing.assert_frame_equal(here["attempts"], here["attempts of"])


@pytest.mark.postgres
def test_a_first_build_gets_its_numbers_in_the_same_order(server):  # noqa: F811
    address = fresh(server)
    theirs = address.replace("postgresql:", "postgresql+psycopg:")
    first_build(theirs, [], cases=MIXED)
    collate(address, {"decisions": ["case"], "attempts": ["case"]})
    with Ledger(address) as ledger:
        attempts = ledger.attempts()
    assert attempts["case"].tolist() == sorted(MIXED)
    assert attempts["number"].tolist() == list(range(1, 13))


@pytest.mark.postgres
def test_keys_are_in_the_order_of_bytes_whatever_the_database_is_made_with(server):  # noqa: F811
    """The order of a language changes when the server's system is renewed, and what was unique is not found then."""
    address = fresh(server)
    Ledger(address).close()
    found = ask(
        address,
        """SELECT c.relname, a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid
        JOIN pg_class c ON c.oid = i.indrelid JOIN pg_collation l ON l.oid = a.attcollation
        WHERE c.relnamespace = 'public'::regnamespace AND l.collname = 'C'""",
    )
    assert set(found) == {(table, column) for table, columns in INDEXED.items() for column in columns}


@pytest.mark.postgres
@pytest.mark.parametrize("older", [False, True])
def test_questions_about_a_part_are_looked_up_on_a_server(server, older):  # noqa: F811
    """Where scanning costs nearly everything, only what cannot be looked up is scanned."""
    address, told = fresh(server, "enable_seqscan = off"), []

    def explain(connection, cursor, statement, parameters, context, many):
        if " AS t " in statement or " WHERE " in statement:
            told.extend(line for (line,) in cursor.execute(f"EXPLAIN {statement}", parameters or None).fetchall())

    with Ledger(address) as ledger:
        if older:
            collate(address, INDEXED)
        both = mixed(ledger)
        sa.event.listen(ledger.engine, "before_cursor_execute", explain)
        ledger.attempts(case="a")
        ledger.attempts(of=both[:3])
        ledger.attempts(batch="1-24")
        ledger.overrides(of=both[:3])
        ledger.outcomes(since=NOON)
        ledger.decisions(policy="a")
        ledger.record_decisions(both)
    looked_up = [k for k, line in enumerate(told) if re.search(r"Index (Only )?Scan", line)]
    assert len(looked_up) > 9
    assert all("Index Cond" in told[k + 1] for k in looked_up)  # without one the whole index is read
    assert [line for line in told if "Seq Scan" in line] == []


# damage -------------------------------------------------------------------------------------------------------------


class IndexDamaged(Exception):
    """As a server says it."""

    sqlstate = "XX002"


def test_a_damaged_server_is_not_told_what_to_do_with_a_file():
    told = place.in_words(IndexDamaged("could not read block 7"), "Nothing of this call was written")
    assert "the database is damaged. Write nothing to it" in told
    assert "sqlite3" not in told
    assert "sqlite3 FILE .recover" in place.in_words(sqlite3.DatabaseError("Could not decode to UTF-8"), "")


def test_flipped_bytes_are_told_truly_or_not_seen(tmp_path):
    """A damaged file is never told as one where nothing is lost, never as one to run again, never in another voice."""
    with Ledger(tmp_path / "whole.db") as ledger:
        ledger.record_decisions(decisions(2_000, case=[f"c{i}" for i in range(2_000)]))
    raw, rng, seen = (tmp_path / "whole.db").read_bytes(), random.Random(3), Counter()
    for _ in range(FLIPS):
        data = bytearray(raw)
        for _ in range(3):
            data[rng.randrange(4096, len(data))] = 255
        (tmp_path / "damaged.db").write_bytes(data)
        told = trouble(lambda: read(tmp_path / "damaged.db"))
        seen["told" if told else "not seen"] += 1
        assert not told or "the file is damaged" in told or "lack something" in told
        assert "nothing written before is lost" not in told
        assert "run again" not in told.lower()
    assert seen["told"] > FLIPS / 10
    print(f"{FLIPS} files with three bytes flipped: {dict(seen)}")


def test_a_file_cut_short_or_overwritten_at_its_head_is_told(tmp_path):
    filled(tmp_path / "ledger.db")
    raw = (tmp_path / "ledger.db").read_bytes()
    for data in (raw[: len(raw) // 2], b"x" * 200 + raw[200:], raw[:100]):
        (tmp_path / "cut.db").write_bytes(data)
        with pytest.raises(LedgerError, match=r"is damaged|damaged at its beginning") as told:
            read(tmp_path / "cut.db")
        assert "nothing written before is lost" not in str(told.value)


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from test_ledger import decisions
from mllayers.ledger import Ledger
ledger = Ledger({file!r})
for k in range(6):
    ledger.record_decisions(decisions(40, case=[f"{{k}}-{{i}}" for i in range(40)]))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory):
    """What a killed writer left: six batches of forty are in the log alone."""
    file = tmp_path_factory.mktemp("killed") / "ledger.db"
    code = KILLED.format(tests=str(Path(__file__).parent), file=str(file))
    subprocess.run([sys.executable, "-c", code], check=False)
    assert place.beside(file, "-wal").stat().st_size > 10_000
    return file.parent


@pytest.fixture
def killed(left_behind, tmp_path):
    """A ledger of one's own whose writer was killed."""
    shutil.copytree(left_behind, tmp_path / "killed")
    return tmp_path / "killed" / "ledger.db"


def test_a_killed_writers_log_is_whole(killed):
    assert wal_damage(killed) == ("", False)
    with Ledger(killed) as ledger:
        assert len(ledger.decisions()) == 240


@pytest.mark.parametrize("index", ["kept", "gone"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "missing", "head"])
def test_a_damaged_log_is_refused_before_anything_is_opened(killed, index, damage):
    """What SQLite would leave out in silence is told, as far as anything on the disk can tell it."""
    log = place.beside(killed, "-wal")
    raw = bytearray(log.read_bytes())
    if index == "gone":
        place.beside(killed, "-shm").unlink()
    if damage == "flipped":
        raw[len(raw) // 2] ^= 255
    elif damage == "cut":
        raw = raw[: len(raw) // 2]
    elif damage == "head":
        raw[20] ^= 255
    log.write_bytes(raw)
    if damage == "missing":
        log.unlink()
    before = contents(killed.parent)
    if index == "gone" and damage in ("cut", "missing"):  # nothing on the disk tells it
        assert wal_damage(killed) == ("", False)
        return
    with pytest.raises(LedgerError, match=r"write-ahead log is (damaged|missing)|in its write-ahead log") as told:
        Ledger(killed)
    assert "gone" in str(told.value)
    assert "before anything is done again" in str(told.value)
    assert contents(killed.parent) == before
    sqlite3.connect(killed).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()  # what the message says
    if damage != "missing" and not place.beside(killed, "-wal").exists():
        with Ledger(killed) as ledger, pytest.MonkeyPatch.context():
            assert len(ledger.decisions()) < 240


def test_one_transaction_that_may_never_have_been_confirmed_is_a_warning(killed):
    """A power cut in the middle of one write looks like damage of the last one."""
    log = place.beside(killed, "-wal")
    place.beside(killed, "-shm").unlink()
    raw = bytearray(log.read_bytes())
    raw[-10] ^= 255
    log.write_bytes(raw)
    with (
        pytest.warns(LedgerWarning, match="unless it was being written when the machine stopped"),
        Ledger(killed) as ledger,
    ):
        assert len(ledger.decisions()) == 200


def test_a_log_that_is_being_written_is_no_damaged_one(tmp_path):
    """While another process writes, opening never says that something is lost."""
    file = tmp_path / "ledger.db"
    Ledger(file).close()
    code = KILLED.format(tests=str(Path(__file__).parent), file=str(file)).replace("range(6)", "range(60)")
    writer = subprocess.Popen([sys.executable, "-c", code])
    looks = 0
    while writer.poll() is None:
        assert wal_damage(file) == ("", False)
        looks += 1
    assert looks > 5
    with Ledger(file) as ledger:
        assert len(ledger.decisions()) == 2_400


# folders ------------------------------------------------------------------------------------------------------------

READS = """
import os, sys
sys.path.insert(0, {tests!r})
from test_ledger import decisions
from mllayers.ledger import Ledger, LedgerError
with Ledger({file!r}) as ledger:  # loads all that it takes
    ledger.record_decisions(decisions())
    ledger.decisions()
os.chmod({folder!r}, 0o555)
os.chmod({file!r}, 0o444)
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
with Ledger({file!r}) as ledger:
    print(len(ledger.decisions()))
    try:
        ledger.record_decisions(decisions(7))
    except LedgerError as error:
        print(error)
"""


def test_a_folder_that_may_only_be_read_can_be_read():
    folder = Path("/tmp") / f"mllayers-ro-{os.getpid()}"
    folder.mkdir()
    try:
        code = READS.format(tests=str(Path(__file__).parent), file=str(folder / "ledger.db"), folder=str(folder))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.stdout.startswith("5\n"), done.stderr
        assert "it may only be read" in done.stdout
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_where_the_log_does_not_work_another_journal_is_used_and_told(tmp_path, monkeypatch):
    """A folder of another machine, by its file system; and one where SQLite finds out by itself."""
    mounts = [("/", "ext4"), (str(tmp_path.resolve()), "nfs4")]
    monkeypatch.setattr(place, "_mounts", lambda: mounts)
    with pytest.warns(LedgerWarning, match=r"write-ahead log does not work.*rollback journal"):
        ledger = Ledger(tmp_path / "ledger.db")
    with ledger, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert ledger.record_decisions(decisions()) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.db"]
    monkeypatch.setattr(place, "_mounts", lambda: [("/", "ext4")])
    plain = place.Place._connect
    monkeypatch.setattr(place.Place, "_connect", lambda self, how: plain(self, f"{how}&vfs=unix-dotfile"))
    with pytest.warns(LedgerWarning, match="write-ahead log does not work"):
        Ledger(tmp_path / "other.db").close()


def test_the_kind_of_a_folder_is_that_of_the_deepest_mount(monkeypatch):
    monkeypatch.setattr(place, "_mounts", lambda: [("/", "ext4"), ("/net", "fuse.sshfs"), ("/net/disk", "xfs")])
    kinds = {
        path: place._network(Path(path)) for path in ("/home/x.db", "/net/x.db", "/net/disk/x.db", "/network/x.db")
    }
    assert kinds == {"/home/x.db": False, "/net/x.db": True, "/net/disk/x.db": False, "/network/x.db": False}


# addresses ----------------------------------------------------------------------------------------------------------

SECRET = "sEcReT"
ADDRESSES = [
    f" postgresql://u:{SECRET}@h/db",
    f"jdbc:postgresql://u:{SECRET}@h/db",
    f"sqlite://u:{SECRET}@h/db",
    f"sqlite:///x.db?password={SECRET}",
    f"postgresql://u@127.0.0.1:1/db?password={SECRET}",
    f"postgresql://u:{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:a@{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:a/{SECRET}@127.0.0.1:1/db",
    f"postgresql://u:x@127.0.0.1:{SECRET}/db",
    f"postgresql:/u:{SECRET}@h/db",
    f"u:{SECRET}@h/db",
    f"host=h password={SECRET} dbname=x",
    f"mysql://u:{SECRET}@h/db",
    f"{SECRET}://h/db",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_message_and_no_traceback_shows_a_password(address):
    """Nor what lies behind the error."""
    with pytest.raises(LedgerError) as told:
        Ledger(address, timeout=0)
    assert SECRET not in str(told.value)
    error, seen = told.value, []
    while error is not None:
        seen.append(f"{error} {error.args}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = "".join(traceback.format_exception(told.value))
    assert SECRET not in "".join(seen) + lines


def test_a_file_whose_name_may_hide_one_is_not_shown(tmp_path):
    with Ledger(tmp_path / "u:sEcReT@h.db") as ledger:
        assert SECRET not in repr(ledger)
        ledger.record_decisions(decisions(1))
        with pytest.raises(LedgerError) as told:
            ledger.start(7, NOON, cost=1, day=DAY)
    assert SECRET not in str(told.value)
    with Ledger(str(tmp_path / "plain.db")) as ledger:
        assert repr(ledger) == f"Ledger({str(tmp_path / 'plain.db')!r})"


@pytest.mark.postgres
def test_a_server_is_never_named(server):  # noqa: F811
    address = server.format("postgres").replace("tester@", f"tester:{SECRET}@")
    administer(server, "CREATE SCHEMA unnamed")
    with Ledger(f"{address}&password={SECRET}&options=-csearch_path%3Dunnamed") as ledger:
        assert repr(ledger) == "Ledger('a ledger in PostgreSQL')"
        assert SECRET not in repr(ledger.engine)


# threads ------------------------------------------------------------------------------------------------------------


def test_threads_share_a_ledger_in_memory():
    """Eight write, read, claim: what was acknowledged is there, and each claim is given once."""
    with Ledger() as ledger:
        ledger.record_decisions(decisions(200))

        def one(k):
            new = [ledger.record_decisions(decisions(20, case=[f"{k}-{b}-{i}" for i in range(20)])) for b in range(15)]
            claimed = [ledger.start(case, NOON, cost=1, day=DAY) for case in range(200)]
            return sum(new), claimed.count("started"), len(ledger.decisions()) > 0

        with ThreadPoolExecutor(8) as pool:
            came = list(pool.map(one, range(8)))
        assert sum(new for new, _, _ in came) == 8 * 15 * 20 == len(ledger.decisions()) - 200
        assert sum(claims for _, claims, _ in came) == 200 == len(ledger.attempts())


def test_a_thread_that_holds_it_too_long_is_told():
    with Ledger(timeout=0.1) as ledger:
        with (
            ledger._work(),
            ThreadPoolExecutor(1) as pool,
            pytest.raises(LedgerError, match="other threads are using it"),
        ):
            pool.submit(ledger.decisions).result()
        assert len(ledger.decisions()) == 0


def test_a_file_stays_the_same_when_the_program_changes_its_folder(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    with Ledger("ledger.db") as ledger:
        monkeypatch.chdir("other")
        assert ledger.record_decisions(decisions(2)) == 2
        ledger.close()  # the next connection is a new one
        assert len(ledger.decisions()) == 2
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("where", "error", "says"),
    [
        (".", LedgerError, "it is a folder"),
        ("x" * 300, LedgerError, "too long"),
        ("a\0b", ValueError, "the character NUL"),
    ],
)
def test_what_cannot_be_a_file_is_told(where, error, says):
    with pytest.raises(error, match=f"where must be the name of a file; .*{says}"):
        Ledger(where)
