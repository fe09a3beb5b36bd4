"""The ledger: decisions, attempts and outcomes on disk, in SQLite or PostgreSQL. Nothing in it is changed or deleted.

Four tables. ``decisions``: what was decided, by which model and policy, and with which probability that action was
chosen. ``attempts`` and ``endings``: what was begun and how it ended; an attempt without an ending is in doubt.
``outcomes``: what came back, and when it arrived.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError

from mllayers._check import as_frame, as_number, describe, one_of

_TABLES = sa.MetaData()
_KEY = (sa.Column("case", sa.Text, primary_key=True), sa.Column("time", sa.DateTime, primary_key=True))


def _key() -> list[sa.Column[Any]]:
    return [column._copy() for column in _KEY]


_DECISIONS = sa.Table(
    "decisions",
    _TABLES,
    *_key(),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("score", sa.Double),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("propensity", sa.Double, sa.CheckConstraint("propensity > 0 AND propensity <= 1"), nullable=False),
    sa.Column("expected_value", sa.Double),
    sa.Column("cost", sa.Double, nullable=False),
)
_ATTEMPTS = sa.Table(
    "attempts",
    _TABLES,
    *_key(),
    sa.Column("cost", sa.Double, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
)
_ENDINGS = sa.Table(
    "endings",
    _TABLES,
    *_key(),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)
_OUTCOMES = sa.Table(
    "outcomes",
    _TABLES,
    *_key(),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("arrival", sa.DateTime, nullable=False),
)
_DEFAULTS = {"model": "", "policy": "", "score": None, "expected_value": None, "cost": 0.0, "value": 0.0}
_GUARDS = {
    "sqlite": """CREATE TRIGGER IF NOT EXISTS {table}_{verb} BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    "postgresql": """CREATE OR REPLACE TRIGGER {table}_{verb} BEFORE {verb} ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION mllayers_append_only()""",
}
_REFUSE = """CREATE OR REPLACE FUNCTION mllayers_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"""
_LOCK = 6_172_055  # one number that all ledgers lock while they are made, and while limits are counted
_MOST_KEYS = 400


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
        A file (made if it is not there), a database address such as ``postgresql+psycopg://user@host/name``, or
        nothing for a ledger in memory.
    timeout : float, default 30
        Seconds to wait while another program writes.

    Raises
    ------
    LedgerError
        If it cannot be opened.

    Notes
    -----
    Cases are text; whole numbers are written as text. Times without a zone are taken as they are, others become UTC.
    Each call writes all its rows or none. A ledger may be written by several programs at once, and one that is killed
    leaves whole batches. Taught in notebook 04, *The ledger*.

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
        wait = as_number(timeout, "timeout", ge=0)
        address = str(where) if where is not None and "://" in str(where) else None
        if address is None:
            file = ":memory:" if where is None else str(Path(where))
            options: dict[str, Any] = {"connect_args": {"timeout": wait, "check_same_thread": False}}
            if where is None:
                options["poolclass"] = sa.pool.StaticPool
            self.engine = sa.create_engine(sa.URL.create("sqlite", database=file), **options)
            sa.event.listen(self.engine, "connect", _as_sqlite_likes_it)
            sa.event.listen(self.engine, "begin", _begin)
        else:
            self.engine = sa.create_engine(address)
        self.name = address or (file if where is not None else "a ledger in memory")
        with self._work() as connection:
            self._make(connection)

    def _make(self, connection: sa.Connection) -> None:
        """The tables, and what forbids to change them."""
        dialect = connection.dialect.name
        if dialect not in _GUARDS:
            raise LedgerError(f"a ledger lives in SQLite or PostgreSQL; got {dialect}")
        if dialect == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        there = set(sa.inspect(connection).get_table_names())
        if set(_TABLES.tables) <= there:
            return
        _TABLES.create_all(connection)
        if dialect == "postgresql":
            connection.exec_driver_sql(_REFUSE)
        for table in _TABLES.tables:
            for verb in ("UPDATE", "DELETE"):
                connection.exec_driver_sql(_GUARDS[dialect].format(table=table, verb=verb))

    @contextmanager
    def _work(self, *, reading: bool = False) -> Iterator[sa.Connection]:
        """One transaction; what goes wrong is told in words, and nothing of it is kept."""
        try:
            with self.engine.execution_options(mllayers_reading=reading).begin() as connection:
                yield connection
        except DBAPIError as error:
            raise LedgerError(_in_words(str(error.orig), self.name)) from error

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
        frame = as_frame(decisions, "decisions", ["case", "time", "action", "propensity"])
        chance = pd.to_numeric(frame["propensity"], errors="coerce").to_numpy(float)
        bad = ~((chance > 0) & (chance <= 1))
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                "propensity must be known and lie in (0, 1]: without it nobody can learn from the decision; "
                f"got {describe(frame['propensity'].iloc[row])} at row {row}"
            )
        return self._append(_DECISIONS, frame)

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
            As in `record_decisions`; an outcome cannot arrive before its decision.
        """
        frame = as_frame(outcomes, "outcomes", ["case", "time", "kind", "arrival"])
        early = (_times(frame["arrival"], "arrival") < _times(frame["time"], "time")).to_numpy()
        if early.any():
            raise ValueError(f"an outcome arrives before its decision, at row {int(np.argmax(early))}")
        return self._append(_OUTCOMES, frame)

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
        per_day: float | None = None,
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
        budget, per_day : float, optional
            Dollars of all attempts, and attempts on this day, including this one.

        Returns
        -------
        str
            'started': now carry it out, then call `finish`. 'known': it was started before. 'budget' or 'day': a limit
            stands against it, and nothing was written.
        """
        dollars = as_number(cost, "cost")
        with self._work() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            spent = connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(_ATTEMPTS.c.cost), 0.0)))
            if budget is not None and float(spent or 0.0) + dollars > budget:
                return "budget"
            count = connection.scalar(sa.select(sa.func.count()).where(_ATTEMPTS.c.day == day))
            if per_day is not None and int(count or 0) + 1 > per_day:
                return "day"
            row = {"case": _text(case, "case"), "time": _time(time), "cost": dollars, "day": day}
            new = connection.execute(_once(connection, _ATTEMPTS), row)
            return "started" if new.rowcount == 1 else "known"

    def finish(self, case: Any, time: Any, *, state: str, note: str = "") -> None:
        """Write down how an attempt ended: 'done' or 'failed'. Also for one in doubt, after somebody has looked.

        Raises
        ------
        ValueError
            For an attempt that was never started, or has ended already.
        """
        row = {"case": _text(case, "case"), "time": _time(time), "state": one_of(state, "state", ("done", "failed"))}
        begun = sa.select(sa.func.count()).where(_ATTEMPTS.c.case == row["case"], _ATTEMPTS.c.time == row["time"])
        with self._work() as connection:
            if not connection.scalar(begun):
                raise ValueError(f"case {row['case']} at {row['time']} was never started")
            try:
                connection.execute(sa.insert(_ENDINGS), {**row, "note": str(note)})
            except IntegrityError:
                raise ValueError(f"case {row['case']} at {row['time']} has ended already") from None

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
        with self._work(reading=True) as connection:
            found = connection.execute(query)
            return pd.DataFrame(found.fetchall(), columns=list(found.keys()))

    def _append(self, table: sa.Table, frame: pd.DataFrame) -> int:
        """Write the rows that are new; refuse all if one differs from what is written."""
        rows = _rows(table, frame)
        with self._work() as connection:
            before = connection.scalar(sa.select(sa.func.count()).select_from(table))
            if connection.dialect.name == "sqlite":
                compiled = _once(connection, table).compile(dialect=connection.dialect)
                connection.exec_driver_sql(str(compiled), _for_sqlite(table, rows))
            else:
                connection.execute(_once(connection, table), [_named(table, row) for row in rows])
            after = connection.scalar(sa.select(sa.func.count()).select_from(table))
            new = int(after or 0) - int(before or 0)
            if new < len(rows) or connection.dialect.name != "sqlite":
                _compare(connection, table, rows)
        return new


def _rows(table: sa.Table, frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """The frame's rows in the order of the table's columns, each value of the right kind."""
    columns: list[Sequence[Any]] = []
    for column in table.columns:
        name, n = column.name, len(frame)
        if name not in frame:
            columns.append([_DEFAULTS[name]] * n)
        elif isinstance(column.type, sa.DateTime):
            columns.append(_times(frame[name], name).dt.to_pydatetime().tolist())
        elif isinstance(column.type, sa.Double):
            columns.append(_doubles(frame[name], name, missing=bool(column.nullable)))
        else:
            columns.append(_texts(frame[name], name))
    return list(zip(*columns, strict=True))


def _times(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    try:
        times = pd.to_datetime(column)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a column of dates or times; got {describe(column.iloc[0])}") from None
    if times.isna().any():
        raise ValueError(f"{name} is missing at row {int(np.argmax(times.isna().to_numpy()))}")
    if times.dt.tz is not None:
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return times.dt.floor("us")


def _time(time: Any) -> datetime.datetime:
    return pd.Timestamp(_times(pd.Series([time]), "time").iloc[0]).to_pydatetime()


def _doubles(column: pd.Series[Any], name: str, *, missing: bool) -> list[float | None]:
    try:
        numbers = pd.to_numeric(column).to_numpy(float, na_value=np.nan)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a column of numbers; got {describe(column.iloc[0])}") from None
    bad = np.isinf(numbers) | (np.isnan(numbers) & (not missing))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{name} must hold finite numbers; got {numbers[row]} at row {row}")
    return [None if math.isnan(x) else x for x in numbers.tolist()]


def _texts(column: pd.Series[Any], name: str) -> list[str]:
    if column.isna().any():
        raise ValueError(f"{name} is missing at row {int(np.argmax(column.isna().to_numpy()))}")
    if pd.api.types.is_float_dtype(column.dtype):
        raise TypeError(f"{name} must be text or whole numbers; got {describe(column.iloc[0])}")
    return list(map(str, column.tolist()))


def _text(x: Any, name: str) -> str:
    return _texts(pd.Series([x]), name)[0]


def _named(table: sa.Table, row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip((column.name for column in table.columns), row, strict=True))


def _for_sqlite(table: sa.Table, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows as the driver takes them, with times as SQLAlchemy writes them: much faster than binding each."""
    times = [i for i, column in enumerate(table.columns) if isinstance(column.type, sa.DateTime)]
    columns = list(zip(*rows, strict=True))
    for i in times:
        columns[i] = tuple(x.isoformat(" ", "microseconds") for x in columns[i])
    return list(zip(*columns, strict=True))


def _once(connection: sa.Connection, table: sa.Table) -> Any:
    """Insert what is not there yet."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing(index_elements=list(table.primary_key.columns))


def _compare(connection: sa.Connection, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
    """Raise at the first row that differs from what is written under its key."""
    names = [column.name for column in table.columns]
    keys = [names.index(column.name) for column in table.primary_key.columns]
    for begin in range(0, len(rows), _MOST_KEYS):
        part = rows[begin : begin + _MOST_KEYS]
        cases = sorted({row[0] for row in part})
        there = connection.execute(sa.select(table).where(table.c.case.in_(cases)))
        written = {tuple(row[i] for i in keys): tuple(row) for row in there}
        for number, row in enumerate(part, begin):
            old = written.get(tuple(row[i] for i in keys))
            if old != row:
                differs = next((n for n, a, b in zip(names, old or row, row, strict=True) if a != b), "it")
                raise ValueError(
                    f"case {row[0]} at {row[1]} is written already with another {differs}; the ledger is append-only, "
                    f"so decide again with a new time (row {number}; nothing was written)"
                )


def _as_sqlite_likes_it(connection: Any, record: Any) -> None:
    """Transactions that we begin ourselves, and readers beside a writer."""
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")


def _begin(connection: sa.Connection) -> None:
    """Who is going to write takes the lock at once, so that two writers wait for each other instead of failing."""
    reading = connection.get_execution_options().get("mllayers_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _in_words(told: str, name: str) -> str:
    """What the database said, for the person who is stuck."""
    causes = {
        "locked": "another program is writing to it; wait, or give a longer timeout",
        "disk is full": "the disk is full; make room and run again",
        "disk full": "the disk is full; make room and run again",
        "No space left": "the disk is full; make room and run again",
        "readonly": "it may only be read; check who owns the file and its folder",
        "unable to open": "the file cannot be opened; check that the folder exists and may be written",
        "not a database": "the file is something else than a ledger",
        "append-only": "the ledger is append-only",
        "connection": "the database server does not answer",
    }
    why = next((words for said, words in causes.items() if said in told), told.splitlines()[0])
    return f"{name}: {why}. Nothing of this call was written, and nothing written before is lost."
