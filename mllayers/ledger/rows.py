"""Rows of a frame as the ledger keeps them, and back."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from mllayers._check import as_frame, as_keys, as_numbers, as_times, describe
from mllayers._words import exact
from mllayers.ledger.schema import DECISIONS, OUTCOMES, OVERRIDES

__all__ = ["Columns", "Row"]

Row = tuple[Any, ...]
Columns = list[Sequence[Any]]

DRAWN = ("", "holdout", "explore")
_TEXT = pd.Series(["text"]).dtype  # 'str' from pandas 3 on, 'object' before
_DEFAULTS = {"model": "", "policy": "", "drawn": ""}
_ROWS_A_QUERY = 5_000
_ARRAYS = {sa.Text: "text", sa.Double: "float8", sa.BigInteger: "bigint", sa.DateTime: "timestamp", sa.Date: "date"}


# from a frame -------------------------------------------------------------------------------------------------------


def decision_columns(decisions: Any) -> Columns:
    """The columns of the table of decisions, each value checked."""
    frame = _frame(decisions, "decisions", ["case", "time", "action", "propensity", "cost"], DECISIONS)
    chance = as_numbers(frame["propensity"], "propensity", missing=True)
    _refuse(
        ~((chance > 0) & (chance <= 1)),
        lambda row: (
            f"propensity must be known and lie in (0, 1]: without it nobody can learn from the decision; got "
            f"{exact(chance[row]) if not math.isnan(chance[row]) else 'none'} at row {row}"
        ),
    )
    cost = as_numbers(frame["cost"], "cost")
    _refuse(cost < 0, lambda row: f"cost must be ≥ 0; got {exact(cost[row])} at row {row}")
    columns = _columns(DECISIONS, frame)
    _check_lots(*(columns[DECISIONS.columns.keys().index(name)] for name in ("planned", "action", "idle", "drawn")))
    return columns


def _frame(x: Any, name: str, needed: list[str], table: sa.Table) -> pd.DataFrame:
    """A frame with the columns that are needed, and each that will be written there once."""
    frame = as_frame(x, name, needed)
    return as_frame(frame, name, [one for one in map(str, table.columns.keys()) if one in frame.columns])


def _check_lots(planned: Sequence[Any], action: Sequence[Any], idle: Sequence[Any], drawn: Sequence[Any]) -> None:
    """What was planned is what was done, unless a lot changed it; and a hold-out is idle."""
    for row, (plan, done, rest, lot) in enumerate(zip(planned, action, idle, drawn, strict=True)):
        if lot not in DRAWN:
            raise ValueError(f"drawn must be '', 'holdout' or 'explore'; got {describe(lot)} at row {row}")
        if not lot and plan != done:
            raise ValueError(
                f"planned must be the action where no lot was drawn; got {describe(plan)} for the action "
                f"{describe(done)} at row {row}: say in drawn which lot changed it"
            )
        if lot == "holdout" and done != rest:
            raise ValueError(
                f"a case held out gets the idle action; got {describe(done)}, and idle = {describe(rest)}, at row {row}"
            )


def outcome_columns(outcomes: Any) -> Columns:
    """The columns of the table of outcomes, each value checked."""
    frame = _frame(outcomes, "outcomes", ["case", "time", "kind", "arrival"], OUTCOMES)
    early = as_times(frame["arrival"], "arrival") < as_times(frame["time"], "time")
    _refuse(early, lambda row: f"an outcome arrives before its decision, at row {row}")
    return _columns(OUTCOMES, frame)


def override_columns(overrides: Any) -> Columns:
    """The columns of the table of overrides, each value checked."""
    frame = _frame(overrides, "overrides", ["case", "time", "action", "by", "reason", "at"], OVERRIDES)
    early = as_times(frame["at"], "at") < as_times(frame["time"], "time")
    _refuse(early, lambda row: f"a decision is overridden before it is made, at row {row}")
    return _columns(OVERRIDES, frame)


def _refuse(bad: NDArray[np.bool_], words: Callable[[int], str]) -> None:
    if bad.any():
        raise ValueError(words(int(np.argmax(bad))))


def _columns(table: sa.Table, frame: pd.DataFrame) -> Columns:
    """The frame's columns in the order of the table's, each value of the right kind."""
    columns: Columns = []
    for column in table.columns:
        name = "action" if column.name == "planned" and "planned" not in frame else column.name
        n = len(frame)
        if name not in frame:
            columns.append([_DEFAULTS.get(name)] * n)
        elif isinstance(column.type, sa.DateTime):
            columns.append(as_times(frame[name], name))  # type: ignore[arg-type]
        elif isinstance(column.type, sa.Double):
            numbers = as_numbers(frame[name], name, missing=bool(column.nullable))
            gaps = bool(column.nullable) and bool(np.isnan(numbers).any())
            columns.append([None if math.isnan(x) else x for x in numbers.tolist()] if gaps else numbers.tolist())
        elif name in _DEFAULTS:  # a CSV file does not tell an empty text from none
            columns.append([text or "" for text in _texts(frame[name], name, missing=True)])
        else:
            columns.append(_texts(frame[name], name, missing=bool(column.nullable)))
    return columns


def _texts(column: pd.Series[Any], name: str, *, missing: bool) -> list[str | None]:
    """Text as the ledger keeps it; where few different ones repeat, each is looked at once."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    gaps = column.isna().to_numpy()
    if gaps.any() and not missing:
        raise ValueError(f"{name} is missing at row {int(np.argmax(gaps))}")
    try:
        if column.dtype == object and column.map(lambda x: isinstance(x, bool)).any():
            raise TypeError  # True equals 1
        codes, kinds = pd.factorize(column)
        if 2 * len(kinds) < len(column):
            words = np.array([*as_keys(kinds.astype(object), name), None], dtype=object)
            return list(words[codes].tolist())
    except (TypeError, ValueError):  # said below, with its row
        pass
    entries = column.astype(object)
    if not gaps.any():
        return list(as_keys(entries, name))
    keys = as_keys(entries.where(~gaps, ""), name)
    return [None if gap else key for gap, key in zip(gaps, keys, strict=True)]


# to the database ----------------------------------------------------------------------------------------------------


def ready(columns: Columns, dialect: str) -> list[Row]:
    """Rows as the driver takes them."""
    return list(zip(*(_ready(column, dialect) for column in columns), strict=True))


def key_rows(cases: Any, times: Any, dialect: str) -> list[Row]:
    """Cases and times as the driver takes them."""
    return list(zip(as_keys(cases, "case"), _ready(as_times(times, "time"), dialect), strict=True))  # type: ignore[arg-type]


def _ready(column: Sequence[Any], dialect: str) -> Sequence[Any]:
    if not isinstance(column, np.ndarray):
        return column
    if dialect != "sqlite":
        return list(column.tolist())
    times, at = np.unique(column, return_inverse=True)
    words = np.array([str(moment).replace("T", " ") for moment in times], dtype=object)
    return list(words[at].tolist())


def moment(when: datetime.datetime, dialect: str) -> Any:
    """One time as the driver takes it."""
    return when.isoformat(" ", "microseconds") if dialect == "sqlite" else when


def write(connection: sa.Connection, table: sa.Table, given: list[Row]) -> int:
    """Write the rows that are not there yet; how many those were.

    As the driver takes them: several times faster than through SQLAlchemy's types, and on PostgreSQL a column at a
    time, which is several times faster than a row at a time; in the order of the keys, since ids at random would touch
    the pages of a large table again and again.
    """
    given = sorted(given, key=itemgetter(0, 1))
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        query = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        return int(connection.exec_driver_sql(query, given).rowcount) if given else 0
    arrays = ", ".join(_array(_ARRAYS[type(column.type)]) for column in table.columns)
    query = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"
    new = 0
    for begin in range(0, len(given), _ROWS_A_QUERY):
        columns = tuple(map(list, zip(*given[begin : begin + _ROWS_A_QUERY], strict=True)))
        new += int(connection.exec_driver_sql(query, columns).rowcount)
    return new


def _array(kind: str) -> str:
    """Where a column goes in a query for PostgreSQL: sent as bytes, which is several times faster than as text."""
    return f"%b::{kind}[]"


def present(connection: sa.Connection, table: sa.Table, keys: list[Row]) -> set[Row]:
    """Those of the cases and times, as the driver takes them, that the table has."""
    return {(case, time) for case, time in matching(connection, table.name, 't."case", t."time"', sorted(keys))}


def matching(connection: sa.Connection, source: str, columns: str, keys: list[Row]) -> Iterator[Row]:
    """Columns of a table, called ``t``, where it has the cases and times that the rows begin with.

    The source may go on after its name: ``attempts AS t LEFT JOIN …``.
    """
    table, _, more = source.partition(" AS t ")
    for begin in range(0, len(keys), _ROWS_A_QUERY):
        part = keys[begin : begin + _ROWS_A_QUERY]
        cases, times = [key[0] for key in part], [key[1] for key in part]
        if connection.dialect.name == "sqlite":
            marks = ", ".join(repeat("(?, ?)", len(part)))
            given: Any = tuple(x for pair in zip(cases, times, strict=True) for x in pair)
            asked = f'(VALUES {marks}) AS k CROSS JOIN {table} AS t ON t."case" = k.column1 AND t."time" = k.column2'
        else:
            given = (cases, times)
            asked = (
                f"unnest({_array('text')}, {_array('timestamp')}) AS k(c, t) "
                f'JOIN {table} AS t ON t."case" = k.c AND t."time" = k.t'
            )
        yield from map(tuple, connection.exec_driver_sql(f"SELECT {columns} FROM {asked} {more}", given).fetchall())


def _written(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> Iterator[tuple[int, Row, Row]]:
    """Each row with its number, and what is written under its case and time and the rest of its key."""
    names = [column.name for column in table.columns]
    key = itemgetter(*(names.index(column.name) for column in table.primary_key))
    columns = ", ".join(f't."{name}"' for name in names)
    seen: dict[Any, Row] = {}
    for begin in range(0, len(rows), _ROWS_A_QUERY):
        part = rows[begin : begin + _ROWS_A_QUERY]
        for found in matching(connection, table.name, columns, sorted(part, key=itemgetter(0))):
            seen[key(found)] = found
        for number, row in enumerate(part, begin):
            yield number, row, seen.setdefault(key(row), row)


def refuse_changed(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> list[Row]:
    """Raise at the first row that differs from what is written, or given before; the rows that are new."""
    names, new = table.columns.keys(), []
    for number, row, old in _written(connection, table, rows):
        if old is row:
            new.append(row)
        elif old != row:
            changed = [name for name, a, b in zip(names, old, row, strict=True) if a != b]
            differs = "action" if "action" in changed else changed[0]  # what was planned is the action, unless said
            way_out = "so decide again with a new time" if table is DECISIONS else "so what was written first stays"
            raise ValueError(
                f"case {row[0]} at {row[1]} is written already with another {differs}; the ledger is append-only, "
                f"{way_out} (row {number}; nothing was written)"
            )
    return new


def without_decision(connection: sa.Connection, rows: list[Row]) -> str:
    """The first row whose decision is not written, and when its case was decided last, in words."""
    for number, row, old in _written(connection, DECISIONS, rows):
        if old is row:
            mark = "?" if connection.dialect.name == "sqlite" else "%s"
            query = f'SELECT max("time") FROM {DECISIONS} WHERE "case" = {mark}'
            last = connection.exec_driver_sql(query, (row[0],)).scalar_one()
            when = "was never decided" if last is None else f"was decided last at {last}"
            return f" The first is case {row[0]} at {row[1]} (row {number}), which {when}."
    return ""


# and back -----------------------------------------------------------------------------------------------------------


def as_table(rows: Sequence[Any], kinds: dict[str, str]) -> pd.DataFrame:
    """Rows as they came from the driver as a frame; kinds are 'text', 'number', 'count' and 'time', '?' where none.

    Raises
    ------
    ValueError, TypeError, OverflowError
        For a value of another kind: then the file is damaged.
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(kinds)
    data = {}
    for (name, kind), values in zip(kinds.items(), columns, strict=True):
        plain = kind.rstrip("?")
        if plain == "time":
            # NumPy reads text (SQLite) fastest, pandas Python's own times (PostgreSQL)
            as_text = str in set(map(type, values))
            times = np.array(values, dtype="datetime64[us]") if as_text else list(values)
            data[name] = pd.Series(times, dtype="datetime64[us]")
        elif plain == "text":
            if not set(map(type, values)) <= ({str, type(None)} if kind.endswith("?") else {str}):
                raise TypeError(name)
            data[name] = pd.Series(values, dtype=_TEXT)
        else:
            data[name] = pd.Series(np.array(values, dtype="int64" if plain == "count" else "float64"))
        if not kind.endswith("?") and data[name].isna().any():
            raise ValueError(name)
    return pd.DataFrame(data)


def kinds_of(table: sa.Table) -> dict[str, str]:
    """The kinds of a table's columns, for `as_table`."""
    words = {sa.Text: "text", sa.Double: "number", sa.BigInteger: "count", sa.DateTime: "time", sa.Date: "time"}
    return {column.name: words[type(column.type)] + "?" * bool(column.nullable) for column in table.columns}
