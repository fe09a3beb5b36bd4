"""The ledger: decisions, attempts and outcomes on disk, in SQLite or PostgreSQL. Nothing in it is changed or deleted.

Four tables. ``decisions``: what was decided, by which model and policy, and with which probability that action was
chosen. ``attempts`` and ``endings``: what was begun and how it ended; an attempt without an ending is in doubt.
``outcomes``: what came back, and when it arrived.
"""

from __future__ import annotations

import datetime
import math
import sqlite3
import time as clock
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.exc import ArgumentError, DBAPIError

from mllayers._check import as_frame, as_number, describe, one_of

__all__ = ["Ledger", "LedgerError"]

_TABLES = sa.MetaData()


def _table(name: str, *columns: sa.Column[Any], of: str = "") -> sa.Table:
    """A table whose rows belong to a case and a time, and to a row of another table where one is named."""
    key = (sa.Column("case", sa.Text, primary_key=True), sa.Column("time", sa.DateTime, primary_key=True))
    belongs = [sa.ForeignKeyConstraint(["case", "time"], [f"{of}.case", f"{of}.time"])] if of else []
    return sa.Table(name, _TABLES, *key, *columns, *belongs, sqlite_with_rowid=False)


_DECISIONS = _table(
    "decisions",
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("score", sa.Double),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("propensity", sa.Double, sa.CheckConstraint("propensity > 0 AND propensity <= 1"), nullable=False),
    sa.Column("expected_value", sa.Double),
    sa.Column("cost", sa.Double, sa.CheckConstraint("cost >= 0"), nullable=False),
)
_ATTEMPTS = _table(
    "attempts", sa.Column("cost", sa.Double, nullable=False), sa.Column("day", sa.Date, nullable=False), of="decisions"
)
_ENDINGS = _table(
    "endings", sa.Column("state", sa.Text, nullable=False), sa.Column("note", sa.Text, nullable=False), of="attempts"
)
_OUTCOMES = _table(
    "outcomes",
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("arrival", sa.DateTime, nullable=False),
    of="decisions",
)
_DEFAULTS = {"model": "", "policy": "", "score": None, "expected_value": None, "cost": 0.0, "value": 0.0}
_DTYPES = {sa.Text: "str", sa.Double: "float64", sa.DateTime: "datetime64[us]", sa.Date: "datetime64[us]"}
_APPEND_ONLY = "the ledger is append-only"
_LOCK = 6_172_055  # the number that writers of one PostgreSQL database take in turn
_KEYS_A_QUERY = 400

_BUSY = "another program is writing to it; wait, or give a longer timeout"
_FULL = "the disk is full; make room and run again"
_READ = "it may only be read; check who owns it, and the folder of a file"
_AWAY = "the database cannot be reached"
_WORDS = {  # how the codes of SQLite and PostgreSQL begin, for the person who is stuck
    **dict.fromkeys(("SQLITE_BUSY", "SQLITE_LOCKED", "55P03"), _BUSY),
    **dict.fromkeys(("SQLITE_FULL", "53100"), _FULL),
    **dict.fromkeys(("SQLITE_READONLY", "25006", "42501"), _READ),
    **dict.fromkeys(("08", "57P"), _AWAY),
    **dict.fromkeys(("SQLITE_CONSTRAINT_FOREIGNKEY", "23503"), "it has no such decision; record the decisions first"),
    **dict.fromkeys(("SQLITE_CONSTRAINT_TRIGGER", "P0001"), _APPEND_ONLY),
    "SQLITE_IOERR": "the disk cannot be read or written; it may be full or failing",
    "SQLITE_CANTOPEN": "the file cannot be opened; check that the folder exists and may be written",
    "SQLITE_NOTADB": "the file is something else than a ledger",
}


class LedgerError(RuntimeError):
    """The ledger could not be read or written; the message says why, and that nothing was lost.

    Notes
    -----
    Taught in notebook 04, *The ledger*.
    """


class Ledger:
    """Decisions, attempts and outcomes in one file or database.

    Parameters
    ----------
    where : str or Path, optional
        A file (made if it is not there), a database address such as ``postgresql://user@host/name``, or nothing for a
        ledger in memory.
    timeout : float, default 30
        Seconds to wait while another program writes.

    Raises
    ------
    TypeError, ValueError
        For a place that is none, and a negative timeout.
    LedgerError
        If it cannot be opened.

    Notes
    -----
    Cases are text; whole numbers are written as text. Times are kept to the microsecond; those without a zone are
    taken as they are, others become UTC. Each call writes all its rows or none. A ledger may be written by several
    programs at once, and one that is killed leaves whole batches. Taught in notebook 04, *The ledger*.

    Examples
    --------
    >>> decisions = pd.DataFrame({"case": [7, 8], "time": pd.Timestamp("2026-03-01"), "action": ["voucher", "none"],
    ...                           "propensity": [0.9, 1.0], "cost": [5.0, 0.0], "policy": "v3"})
    >>> with Ledger() as ledger:
    ...     print(ledger.record_decisions(decisions), ledger.record_decisions(decisions))
    ...     print(ledger.decisions()[["case", "action", "propensity"]].to_string(index=False))
    2 0
    case  action  propensity
       7 voucher         0.9
       8    none         1.0
    """

    def __init__(self, where: str | Path | None = None, *, timeout: float = 30.0) -> None:
        if where is not None and not (isinstance(where, (str, Path)) and str(where).strip()):
            raise TypeError(f"where must be a file or a database address; got {describe(where)}")
        self.engine = _engine(where, as_number(timeout, "timeout", ge=0))
        address = self.engine.url.render_as_string(hide_password=True)
        self.name = address if "://" in str(where) else "a ledger in memory" if where is None else str(where)
        with self._work() as connection:
            there = set(sa.inspect(connection).get_table_names())
        if not set(_TABLES.tables) <= there:
            with self._work(writing=True) as connection:
                _TABLES.create_all(connection)
                for guard in _guards(connection.dialect.name):
                    connection.exec_driver_sql(guard)

    @contextmanager
    def _work(self, *, writing: bool = False) -> Iterator[sa.Connection]:
        """One transaction; what goes wrong is told in words, and nothing of it is kept."""
        try:
            with self.engine.execution_options(mllayers_writing=writing).begin() as connection:
                yield connection
        except DBAPIError as error:
            raise LedgerError(f"{self.name}: {_in_words(error.orig)}") from error

    def record_decisions(self, decisions: pd.DataFrame) -> int:
        """Write decisions down, each once.

        Parameters
        ----------
        decisions : DataFrame
            One row per decision: ``case``, ``time``, ``action``, ``propensity`` (the probability with which this
            action was chosen, in (0, 1]), and where known ``cost``, ``score``, ``expected_value``, ``model``,
            ``policy``. Other columns are not written.

        Returns
        -------
        int
            How many were new. Writing the same decision again changes nothing.

        Raises
        ------
        TypeError, ValueError
            For a decision without case, time, action or known propensity, and for one that differs from what is
            written under its case and time. Then none of the rows is written.
        LedgerError
            If the ledger is locked, full, or not there.
        """
        return self._append(_DECISIONS, _decision_rows(decisions))

    def check_decisions(self, decisions: pd.DataFrame) -> pd.DataFrame:
        """Raise what `record_decisions` would raise, and write nothing.

        Parameters
        ----------
        decisions : DataFrame
            As in `record_decisions`.

        Returns
        -------
        DataFrame
            The decisions as the ledger keeps them, in the order given.
        """
        rows = _decision_rows(decisions)
        with self._work() as connection:
            _compare(connection, _DECISIONS, rows)
        return _frame(rows, list(_DECISIONS.columns))

    def record_outcomes(self, outcomes: pd.DataFrame) -> int:
        """Write down what came back, each once.

        Parameters
        ----------
        outcomes : DataFrame
            One row per outcome: ``case`` and ``time`` of the decision, ``kind`` ('churned', 'chargeback'),
            ``arrival`` (when it became known), and where it has one ``value``. A decision may have several kinds.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        TypeError, ValueError, LedgerError
            As in `record_decisions`; an outcome belongs to a decision of the ledger and cannot arrive before it.
        """
        frame = as_frame(outcomes, "outcomes", ["case", "time", "kind", "arrival"])
        early = _times(frame["arrival"], "arrival") < _times(frame["time"], "time")
        if early.any():
            raise ValueError(f"an outcome arrives before its decision, at row {int(np.argmax(early))}")
        return self._append(_OUTCOMES, _rows(_OUTCOMES, frame))

    def decisions(self) -> pd.DataFrame:
        """All decisions, a row each, in the order of time and case."""
        return self._read(sa.select(_DECISIONS).order_by(_DECISIONS.c.time, _DECISIONS.c.case))

    def outcomes(self) -> pd.DataFrame:
        """All outcomes, a row each, in the order of arrival."""
        order = (_OUTCOMES.c.arrival, _OUTCOMES.c.case, _OUTCOMES.c.kind)
        return self._read(sa.select(_OUTCOMES).order_by(*order))

    def attempts(self) -> pd.DataFrame:
        """All attempts: case, time, cost, day, state ('done', 'failed' or 'in doubt') and a note."""
        same = (_ATTEMPTS.c.case == _ENDINGS.c.case) & (_ATTEMPTS.c.time == _ENDINGS.c.time)
        state = sa.func.coalesce(_ENDINGS.c.state, "in doubt").label("state")
        columns = sa.select(_ATTEMPTS, state, sa.func.coalesce(_ENDINGS.c.note, "").label("note"))
        return self._read(
            columns.select_from(_ATTEMPTS.outerjoin(_ENDINGS, same)).order_by(_ATTEMPTS.c.time, _ATTEMPTS.c.case)
        )

    def start(
        self,
        case: Any,
        time: Any,
        *,
        cost: float,
        day: datetime.date,
        budget: float | None = None,
        per_day: int | None = None,
    ) -> str:
        """Claim one decision before it is carried out; of several programs only one gets it.

        Parameters
        ----------
        case, time
            The decision.
        cost : float
            Dollars it costs.
        day : date
            The day it counts for.
        budget, per_day : optional
            Dollars of all attempts, and attempts on this day, including this one.

        Returns
        -------
        str
            'started': now carry it out, then call `finish`. 'known': it was started before. 'budget' or 'day': a limit
            stands against it. Only 'started' writes something.
        """
        row = _key(case, time) | {"cost": as_number(cost, "cost", ge=0), "day": day}
        with self._work(writing=True) as connection:
            if _has(connection, _ATTEMPTS, row):
                return "known"
            if per_day is not None:
                count = connection.scalar(sa.select(sa.func.count()).where(_ATTEMPTS.c.day == day))
                if int(count or 0) + 1 > per_day:
                    return "day"
            if budget is not None:
                spent = connection.scalar(sa.select(sa.func.sum(_ATTEMPTS.c.cost)))
                if round(float(spent or 0.0) + row["cost"], 6) > budget:
                    return "budget"
            connection.execute(sa.insert(_ATTEMPTS), row)
            return "started"

    def finish(self, case: Any, time: Any, *, state: str, note: str = "") -> None:
        """Write down how an attempt ended: 'done' or 'failed'. Also for one in doubt, after somebody has looked.

        Raises
        ------
        ValueError
            For an attempt that was never started, or has ended already.
        """
        row = _key(case, time) | {"state": one_of(state, "state", ("done", "failed")), "note": str(note)}
        with self._work(writing=True) as connection:
            if not _has(connection, _ATTEMPTS, row):
                raise ValueError(f"case {row['case']} at {row['time']} was never started")
            if _has(connection, _ENDINGS, row):
                raise ValueError(f"case {row['case']} at {row['time']} has ended already")
            connection.execute(sa.insert(_ENDINGS), row)

    def close(self) -> None:
        """Close the connections; the file may be moved then."""
        self.engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({self.name!r})"

    def _read(self, query: sa.Select[Any]) -> pd.DataFrame:
        with self._work() as connection:
            return _frame(connection.execute(query).fetchall(), list(query.selected_columns))

    def _append(self, table: sa.Table, rows: list[tuple[Any, ...]]) -> int:
        """Write the rows that are new; refuse all if one differs from what is written."""
        with self._work(writing=True) as connection:
            new = int(connection.exec_driver_sql(*_insert(connection.dialect.name, table, rows)).rowcount)
            if new < len(rows):
                _compare(connection, table, rows)
        return new


# rows and frames ----------------------------------------------------------------------------------------------------


def _decision_rows(decisions: pd.DataFrame) -> list[tuple[Any, ...]]:
    frame = as_frame(decisions, "decisions", ["case", "time", "action", "propensity"])
    chance = pd.to_numeric(frame["propensity"], errors="coerce").to_numpy(float)
    bad = ~((chance > 0) & (chance <= 1))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            "propensity must be known and lie in (0, 1]: without it nobody can learn from the decision; "
            f"got {describe(frame['propensity'].iloc[row])} at row {row}"
        )
    rows = _rows(_DECISIONS, frame)
    cheapest = min(range(len(rows)), key=lambda number: rows[number][-1])
    if rows[cheapest][-1] < 0:
        raise ValueError(f"cost must be ≥ 0; got {rows[cheapest][-1]:g} at row {cheapest}")
    return rows


def _rows(table: sa.Table, frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """The frame's rows in the order of the table's columns, each value of the right kind."""
    columns: list[Sequence[Any]] = []
    for column in table.columns:
        name, n = column.name, len(frame)
        if name not in frame:
            columns.append([_DEFAULTS[name]] * n)
        elif isinstance(column.type, sa.DateTime):
            columns.append(_times(frame[name], name).to_pydatetime().tolist())
        elif isinstance(column.type, sa.Double):
            columns.append(_doubles(frame[name], name, missing=bool(column.nullable)))
        else:
            columns.append(_texts(frame[name], name))
    return list(zip(*columns, strict=True))


def _frame(rows: Sequence[Any], columns: Sequence[sa.ColumnElement[Any]]) -> pd.DataFrame:
    """A frame whose columns have the kinds of the table's, also where there is no row."""
    kinds = {str(column.key): _DTYPES[type(column.type)] for column in columns}
    return pd.DataFrame([tuple(row) for row in rows], columns=list(kinds)).astype(kinds)


def _times(column: pd.Series[Any], name: str) -> pd.DatetimeIndex:
    """Times without a zone, to the microsecond."""
    wanted = "a column of dates or times, as text like 2026-03-01 12:00"
    if pd.api.types.is_numeric_dtype(column.dtype):
        raise TypeError(f"{name} must be {wanted}; got {describe(column.tolist()[0])}")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        times = pd.DatetimeIndex(column)
    else:
        try:
            times = pd.DatetimeIndex(pd.to_datetime(column.astype(object), format="ISO8601", errors="coerce"))
        except ValueError as error:  # times of several zones
            raise ValueError(f"{name} must be {wanted}; {error}") from None
    _all_understood(column, np.asarray(times.isna()), name, wanted)
    if times.hasnans:
        raise ValueError(f"{name} is missing at row {int(np.argmax(times.isna()))}")
    return (times.tz_convert("UTC").tz_localize(None) if times.tz is not None else times).floor("us")


def _doubles(column: pd.Series[Any], name: str, *, missing: bool) -> list[float | None]:
    read = pd.to_numeric(column, errors="coerce")
    _all_understood(column, read.isna().to_numpy(), name, "a column of numbers")
    numbers = read.to_numpy(float, na_value=np.nan)
    bad = np.isinf(numbers) | (np.isnan(numbers) & (not missing))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{name} must hold finite numbers; got {numbers[row]} at row {row}")
    return [None if math.isnan(x) else x for x in numbers.tolist()]


def _all_understood(column: pd.Series[Any], empty: NDArray[np.bool_], name: str, wanted: str) -> None:
    """Raise where something was given and nothing could be read."""
    bad = empty & column.notna().to_numpy()
    if bad.any():
        row = int(np.argmax(bad))
        raise TypeError(f"{name} must be {wanted}; got {describe(column.iloc[row])} at row {row}")


def _texts(column: pd.Series[Any], name: str) -> list[str]:
    if column.isna().any():
        raise ValueError(f"{name} is missing at row {int(np.argmax(column.isna().to_numpy()))}")
    values = column.tolist()
    if pd.api.types.infer_dtype(values) not in ("string", "integer"):
        odd = next((x for x in values if isinstance(x, bool) or not isinstance(x, (str, int))), values[0])
        raise TypeError(f"{name} must be text or whole numbers, not both; got {describe(odd)}")
    return list(map(str, values))


def _key(case: Any, time: Any) -> dict[str, Any]:
    when = _times(pd.Series([time]), "time")[0].to_pydatetime()
    return {"case": _texts(pd.Series([case]), "case")[0], "time": when}


# what the database is asked -----------------------------------------------------------------------------------------


def _engine(where: str | Path | None, wait: float) -> sa.Engine:
    """A file's, a server's or the memory's engine; a writer takes the lock at once, so that writers wait in turn."""
    file = None if where is None else str(where)
    try:
        url = sa.make_url(file) if file and "://" in file else sa.URL.create("sqlite", database=file)
        kind = url.get_backend_name()
        if kind == "sqlite":
            memory = {"poolclass": sa.StaticPool} if url.database in (None, "", ":memory:") else {}
            url = url.set(drivername="sqlite")
            engine = sa.create_engine(url, connect_args={"timeout": wait, "check_same_thread": False}, **memory)
            sa.event.listen(engine, "connect", _as_sqlite_should_be(wait))
        elif kind == "postgresql":
            options = f"{url.query.get('options', '')} -c lock_timeout={max(1, round(1000 * wait))}"
            patience = {"options": options, "connect_timeout": 2 + round(wait)}
            url = url.set(drivername="postgresql+psycopg")
            engine = sa.create_engine(url, connect_args=patience, pool_pre_ping=True, isolation_level="READ COMMITTED")
        else:
            raise LedgerError(f"a ledger lives in SQLite or PostgreSQL; got {kind}")
    except ArgumentError as error:
        raise LedgerError(f"{where} is no database address: {error}") from error
    except ModuleNotFoundError as error:
        raise LedgerError(f"a ledger in PostgreSQL needs the package psycopg (mllayers[postgres]): {error}") from error
    sa.event.listen(engine, "begin", _begin)
    return engine


def _as_sqlite_should_be(wait: float) -> Callable[[sqlite3.Connection, object], None]:
    """Transactions that we begin ourselves, readers beside a writer, and every commit on the disk."""

    def set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        until = clock.monotonic() + wait
        while True:  # turning a new file into one with a write-ahead log fails at once while others open it
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY") or clock.monotonic() > until:
                    raise
                clock.sleep(0.005)

    return set_up


def _begin(connection: sa.Connection) -> None:
    """Who is going to write takes the lock at once, so that two writers wait for each other instead of failing."""
    writing = connection.get_execution_options().get("mllayers_writing", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
    elif writing:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _guards(dialect: str) -> Iterator[str]:
    """What forbids to change the tables."""
    if dialect == "postgresql":
        yield f"""CREATE OR REPLACE FUNCTION mllayers_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '{_APPEND_ONLY}'; END $$"""
    for table in _TABLES.sorted_tables:
        if dialect == "postgresql":
            yield f"""CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION mllayers_append_only()"""
            continue
        for verb in ("UPDATE", "DELETE"):
            yield f"""CREATE TRIGGER IF NOT EXISTS {table}_{verb} BEFORE {verb} ON {table}
                BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END"""
        same = " AND ".join(f'"{column.name}" = NEW."{column.name}"' for column in table.primary_key)
        yield f"""CREATE TRIGGER IF NOT EXISTS {table}_once BEFORE INSERT ON {table}
            WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
            BEGIN SELECT RAISE(IGNORE); END"""  # SQLite's INSERT OR REPLACE fires no trigger of UPDATE or DELETE


def _insert(dialect: str, table: sa.Table, rows: list[tuple[Any, ...]]) -> tuple[str, list[tuple[Any, ...]]]:
    """Insert what is not there yet, as the driver takes it: several times faster than through SQLAlchemy's types."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join(["?" if dialect == "sqlite" else "%s"] * len(table.columns))
    if dialect == "sqlite":
        columns = list(zip(*rows, strict=True))
        for i, column in enumerate(table.columns):
            if isinstance(column.type, sa.DateTime):
                columns[i] = tuple(x.isoformat(" ", "microseconds") for x in columns[i])
        rows = list(zip(*columns, strict=True))
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING", rows


def _has(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> bool:
    """Whether a case and time stand in the table."""
    same = (table.c.case == row["case"]) & (table.c.time == row["time"])
    return connection.scalar(sa.select(table.c.case).where(same)) is not None


def _compare(connection: sa.Connection, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
    """Raise at the first row that differs from what is written, or given before, under its key."""
    names = [column.name for column in table.columns]
    key = itemgetter(*(names.index(column.name) for column in table.primary_key))
    seen: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for begin in range(0, len(rows), _KEYS_A_QUERY):
        part = rows[begin : begin + _KEYS_A_QUERY]
        cases, times = ({row[i] for row in part} for i in (0, 1))
        written = connection.execute(sa.select(table).where(table.c.case.in_(cases), table.c.time.in_(times)))
        seen |= {key(row): tuple(row) for row in written}
        for number, row in enumerate(part, begin):
            old = seen.setdefault(key(row), row)
            if old != row:
                differs = next(name for name, a, b in zip(names, old, row, strict=True) if a != b)
                raise ValueError(
                    f"case {row[0]} at {row[1]} is written already with another {differs}; the ledger is append-only, "
                    f"so decide again with a new time (row {number}; nothing was written)"
                )


def _in_words(error: BaseException | None) -> str:
    """What the database said, for the person who is stuck."""
    code = str(getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or "")
    told = str(error).partition("\n")[0]
    why = next((words for begins, words in _WORDS.items() if code.startswith(begins)), told if code else _AWAY)
    if why == _AWAY:
        return f"{why} ({told}). Run again when it can: what is written is never written twice."
    return f"{why}. Nothing of this call was written, and nothing written before is lost."
