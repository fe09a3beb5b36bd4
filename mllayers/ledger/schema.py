"""The tables of a ledger, what guards them, and how a file or database is told to be one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

__all__ = ["VERSION", "LedgerError"]

VERSION = 2
_APPLICATION = 0x4D4C4C47  # "MLLG", in the head of the file
_MARK = "mllayers_ledger"  # the table that says so on PostgreSQL
_SCHEMA = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"  # also where its name has capitals
_APPEND_ONLY = "the ledger is append-only"


class LedgerError(RuntimeError):
    """The ledger could not be read or written; the message says why, what became of the call, and what to do.

    It never shows an address, since an address may hold a password.

    Notes
    -----
    Taught in notebook 04, *Optional: the ledger*.
    """


# the tables ---------------------------------------------------------------------------------------------------------

# Text in an index is ordered by its bytes: other orders change with the server's system, and the index is wrong then.
_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _table(home: sa.MetaData, name: str, *columns: Any, of: str = "") -> sa.Table:
    """A table whose rows belong to a case and a time, and to a row of another table where one is named."""
    key = (sa.Column("case", _KEY, primary_key=True), sa.Column("time", sa.DateTime, primary_key=True))
    belongs = [sa.ForeignKeyConstraint(["case", "time"], [f"{of}.case", f"{of}.time"])] if of else []
    return sa.Table(name, home, *key, *columns, *belongs, sqlite_with_rowid=False)


def _needed(name: str, kind: Any, *more: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *more, nullable=False)


def _propensity() -> sa.Column[Any]:
    return _needed("propensity", sa.Double, sa.CheckConstraint("propensity > 0 AND propensity <= 1"))


def _cost() -> sa.Column[Any]:
    return _needed("cost", sa.Double, sa.CheckConstraint("cost >= 0"))


TABLES = sa.MetaData()
DECISIONS = _table(
    TABLES,
    "decisions",
    sa.Column("segment", sa.Text),
    sa.Column("score", sa.Double),
    _needed("planned", sa.Text),
    _needed("action", sa.Text),
    sa.Column("idle", sa.Text),
    _needed("drawn", sa.Text),
    _propensity(),
    _cost(),
    sa.Column("expected_value", sa.Double),
    _needed("model", sa.Text),
    _needed("policy", _KEY),
    sa.Index("decisions_policy", "policy"),
)
# `number` counts the attempts: what is new since somebody last looked (the sums of a budget) is found without reading
# all; `batch` names the attempts that were claimed together, and are in doubt together.
ATTEMPTS = _table(
    TABLES,
    "attempts",
    _needed("cost", sa.Double),
    _needed("day", sa.Date),
    sa.Column("started", sa.DateTime),
    _needed("number", sa.BigInteger),
    sa.Column("batch", sa.Text),
    sa.Index("attempts_number", "number", unique=True),
    of="decisions",
)
ENDINGS = _table(
    TABLES,
    "endings",
    _needed("state", sa.Text),
    _needed("note", sa.Text),
    sa.Column("ended", sa.DateTime),
    of="attempts",
)
OUTCOMES = _table(
    TABLES,
    "outcomes",
    sa.Column("kind", _KEY, primary_key=True),
    sa.Column("value", sa.Double),
    _needed("arrival", sa.DateTime),
    sa.Index("outcomes_arrival", "arrival"),
    of="decisions",
)
OVERRIDES = _table(
    TABLES,
    "overrides",
    _needed("action", sa.Text),
    _needed("by", sa.Text),
    _needed("reason", sa.Text),
    sa.Column("at", sa.DateTime, primary_key=True),
    of="decisions",
)

# The first build's, without a version.
_FIRST = sa.MetaData()
_table(
    _FIRST,
    "decisions",
    _needed("model", sa.Text),
    _needed("policy", sa.Text),
    sa.Column("score", sa.Double),
    _needed("action", sa.Text),
    _propensity(),
    sa.Column("expected_value", sa.Double),
    _cost(),
)
_table(_FIRST, "attempts", _needed("cost", sa.Double), _needed("day", sa.Date), of="decisions")
_table(_FIRST, "endings", _needed("state", sa.Text), _needed("note", sa.Text), of="attempts")
_table(
    _FIRST,
    "outcomes",
    sa.Column("kind", sa.Text, primary_key=True),
    _needed("value", sa.Double),
    _needed("arrival", sa.DateTime),
    of="decisions",
)


# what stands there --------------------------------------------------------------------------------------------------


def standing(connection: sa.Connection) -> str:
    """'empty', 'ours', 'mend' (ours, but for guards or version) or 'first' (the first build's); only reads.

    Raises
    ------
    LedgerError
        For another program's tables, for tables without their keys, for a version that is not known yet, and for a
        database that does not keep every text, or no key.
    """
    if _server(connection):
        _refuse_settings(connection)
    names, version = _names(connection), _version(connection)
    if version is not None and version > VERSION:
        raise LedgerError(
            f"it was written by a newer mllayers (its version is {version}, this one knows {VERSION}); update mllayers"
        )
    if version is None and not (names & (set(TABLES.tables) | {_MARK} if _server(connection) else names)):
        return "empty"
    inspector = sa.inspect(connection)
    wrong = _misfit(inspector, TABLES, names)
    if not wrong:
        return "ours" if version == VERSION and _guards_stand(connection) else "mend"
    if version is None and not _misfit(inspector, _FIRST, names):
        others = names - set(_FIRST.tables)
        if others and not _server(connection):
            raise LedgerError(f"it is a ledger of the first build that also holds {min(others)}: take that out first")
        return "first"
    first = _alike(inspector, _FIRST, names)
    if version is not None or first or _alike(inspector, TABLES, names):
        wrong = _misfit(inspector, _FIRST, names) if first else wrong
        raise LedgerError(
            f"its tables lack something: {wrong}. A copy made without keys cannot refuse a second act; restore the "
            "file itself or a dump that keeps keys, or write its rows into a new ledger. Nothing was written"
        )
    where = "give it a schema of its own: …?options=-csearch_path=NAME" if _server(connection) else "name another file"
    raise LedgerError(f"it holds another program's tables, so nothing was written there; {where}")


def _server(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _refuse_settings(connection: sa.Connection) -> None:
    """Raise for what a database cannot hold, and what no connection of ours may set otherwise."""
    query = "SELECT current_setting('server_encoding'), current_setting('session_replication_role')"
    encoding, role = connection.exec_driver_sql(query).one()
    if encoding != "UTF8":
        raise LedgerError(
            f"its encoding is {encoding}, in which not every text can be kept, so nothing was written there; make one "
            "with CREATE DATABASE name ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0, and name it in the address"
        )
    if role == "replica":
        raise LedgerError(
            "its session_replication_role is replica, which switches keys and guards off, so nothing was written "
            "there; ALTER DATABASE name RESET session_replication_role (or ALTER ROLE) sets it back"
        )


def _names(connection: sa.Connection) -> set[str]:
    """The names that are taken, by tables and views."""
    if _server(connection):
        query = f"SELECT relname FROM pg_class WHERE relnamespace = {_SCHEMA} AND relkind <> 'i'"
    else:
        query = (
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite@_%' ESCAPE '@'"
        )
    return {str(name) for (name,) in connection.exec_driver_sql(query)}


def _version(connection: sa.Connection) -> int | None:
    """The version that is written there; none in a place that nobody has marked."""
    if _server(connection):
        if _MARK not in _names(connection):
            return None
        return int(connection.exec_driver_sql(f"SELECT coalesce(max(version), 0) FROM {_MARK}").scalar_one())
    application = int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if application not in (0, _APPLICATION) or (application == 0 and version):
        raise LedgerError("it is another program's file, so nothing was written there; name another file")
    return version if application else None


def _misfit(inspector: sa.Inspector, wanted: sa.MetaData, names: set[str]) -> str:
    """The first difference between the tables that are wanted and those that are there; '' where there is none."""
    for table in wanted.sorted_tables:
        if table.name not in names:
            return f"there is no table {table.name}"
        there = {column["name"]: bool(column["nullable"]) for column in inspector.get_columns(table.name)}
        if set(there) != set(table.columns.keys()):
            return f"{table.name} has the columns {', '.join(there)}"
        key = [column.name for column in table.primary_key]
        if inspector.get_pk_constraint(table.name)["constrained_columns"] != key:
            return f"{table.name} has no key ({', '.join(key)})"
        missing = [column.name for column in table.columns if there[column.name] and not column.nullable]
        if missing:
            return f"{table.name}.{missing[0]} may be empty"
        belongs = {key["referred_table"] for key in inspector.get_foreign_keys(table.name)}
        if belongs != {key.referred_table.name for key in table.foreign_key_constraints}:
            return f"the rows of {table.name} belong to nothing"
    return ""


def _alike(inspector: sa.Inspector, wanted: sa.MetaData, names: set[str]) -> bool:
    """Whether all tables are there with their columns, whatever else they lack."""
    return all(
        name in names and {column["name"] for column in inspector.get_columns(name)} == set(table.columns.keys())
        for name, table in wanted.tables.items()
    )


# making and mending -------------------------------------------------------------------------------------------------


def make(connection: sa.Connection, state: str, old_zeros: str | None) -> None:
    """Make, mend or bring up to date what stands there, inside the transaction that is open."""
    if state == "first":
        _from_first(connection, old_zeros)
    else:
        TABLES.create_all(connection)
        for index in (index for table in TABLES.sorted_tables for index in table.indexes):
            index.create(connection, checkfirst=True)
    if state == "mend" and not _server(connection):
        astray = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchone()
        if astray is not None:
            raise LedgerError(f"its table {astray[0]} has rows that belong to no decision; restore the last copy")
    for guard in _guards(connection):
        connection.exec_driver_sql(guard)
    if _server(connection):
        connection.exec_driver_sql(f"INSERT INTO {_MARK} VALUES ({VERSION}) ON CONFLICT DO NOTHING")
    else:
        connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION}")
        connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


def _from_first(connection: sa.Connection, old_zeros: str | None) -> None:
    """Write the rows of the first build into tables of today; all or nothing."""
    zeros = connection.exec_driver_sql("SELECT count(*) FROM outcomes WHERE value = 0").scalar_one()
    if zeros and old_zeros is None:
        raise LedgerError(
            f"it was written by the first build, which wrote 0 for an outcome without a value as well as for one that "
            f"did not happen, and holds {zeros:,} of them. Say which they are: Ledger(…, old_zeros='happened') or "
            "Ledger(…, old_zeros='did not happen'). Nothing was changed"
        )
    for table in _FIRST.sorted_tables:
        if not _server(connection):
            for verb in ("UPDATE", "DELETE", "once"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_{verb}")
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO first_{table}")
    TABLES.create_all(connection)
    value = "nullif(value, 0)" if old_zeros == "happened" else "value"
    by_code = ' COLLATE "C"' if _server(connection) else ""
    same = {
        "decisions": {"planned": "action", "drawn": "''"},
        "attempts": {"number": f'row_number() OVER (ORDER BY time, "case"{by_code})'},
        "endings": {},
        "outcomes": {"value": value},
    }
    for name, changed in same.items():
        old = {column.name: f'"{column.name}"' for column in _FIRST.tables[name].columns} | changed
        columns = ", ".join(f'"{column}"' for column in old)
        connection.exec_driver_sql(f"INSERT INTO {name} ({columns}) SELECT {', '.join(old.values())} FROM first_{name}")
    for table in reversed(_FIRST.sorted_tables):
        connection.exec_driver_sql(f"DROP TABLE first_{table}")


def _guards(connection: sa.Connection) -> Iterator[str]:
    """What forbids to change the tables."""
    if _server(connection):
        yield f"CREATE TABLE IF NOT EXISTS {_MARK} (version integer PRIMARY KEY)"
        yield f"""CREATE OR REPLACE FUNCTION mllayers_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '{_APPEND_ONLY}'; END $$"""
        for name in (*TABLES.tables, _MARK):
            yield f"""CREATE OR REPLACE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {name}
                FOR EACH STATEMENT EXECUTE FUNCTION mllayers_append_only()"""
        return
    for name, text in _triggers().items():
        yield f"DROP TRIGGER IF EXISTS {name}"
        yield text


def _triggers() -> dict[str, str]:
    """SQLite's guards by name."""
    out = {}
    for table in TABLES.sorted_tables:
        for verb in ("UPDATE", "DELETE"):
            out[f"{table}_{verb}"] = (
                f"CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{_APPEND_ONLY}'); END"
            )
        # SQLite's INSERT OR REPLACE fires no trigger of UPDATE or DELETE
        same = " AND ".join(f'"{column.name}" = NEW."{column.name}"' for column in table.primary_key)
        taken = [f"EXISTS (SELECT 1 FROM {table} WHERE {same})"]
        taken += [f"EXISTS (SELECT 1 FROM {table} WHERE number = NEW.number)"] * ("number" in table.columns)
        out[f"{table}_once"] = (
            f"CREATE TRIGGER {table}_once BEFORE INSERT ON {table} WHEN {' OR '.join(taken)} "
            "BEGIN SELECT RAISE(IGNORE); END"
        )
    return out


def _guards_stand(connection: sa.Connection) -> bool:
    if _server(connection):
        query = f"""SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = {_SCHEMA} AND t.tgname = c.relname || '_append_only'
            AND t.tgenabled = 'O'"""
        return {*TABLES.tables, _MARK} <= {str(name) for (name,) in connection.exec_driver_sql(query)}
    there: dict[str, str] = {}
    for name, text in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master"):
        there[name] = text
    indices = {str(index.name) for table in TABLES.sorted_tables for index in table.indexes}
    return indices <= set(there) and all(there.get(name) == text for name, text in _triggers().items())
