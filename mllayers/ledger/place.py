"""Where a ledger lives: in memory, in a file, on a server; and how to connect so that nothing is lost there."""

from __future__ import annotations

import os
import re
import sqlite3
import time as clock
import warnings
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError

from mllayers._check import describe
from mllayers._extras import install_line
from mllayers.ledger.schema import LedgerError
from mllayers.ledger.wal import beside, wal_damage

__all__ = ["LedgerWarning", "Place"]

_ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]+:(?!\\)")  # two letters at least: C:\ is a drive
_MAYBE_SECRET = re.compile(r"@|://|passw|pwd|secret|token", re.IGNORECASE)
_HOST = re.compile(r"[\w.:%-]*")
_KINDS = (
    "mysql",
    "mariadb",
    "oracle",
    "mssql",
    "duckdb",
    "redshift",
    "snowflake",
    "cockroachdb",
    "http",
    "https",
    "file",
)
_NETWORKS = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "gpfs", "glusterfs", "sshfs", "davfs", "beegfs")
_UNREADABLE = (
    "where must be a file, postgresql://user@host/name or sqlite:///file; the address given is not understood, and "
    "not shown, since it may hold a password (a file whose name looks like an address is given as a pathlib.Path)"
)
_LOCK = 6_172_055  # the number that writers of one PostgreSQL database take in turn


class LedgerWarning(UserWarning):
    """Something about the place of a ledger that its owner should know; it works all the same.

    Notes
    -----
    Taught in notebook 04, *Optional: the ledger*.
    """


class Place:
    """A memory, a file or a server: its kind, the name that may be shown, and engines for it.

    Attributes
    ----------
    kind : {'memory', 'file', 'server'}
    name : str
        What messages call it; never an address.
    file : Path or None
    readonly : bool
        Whether it may only be read: the file, its folder, or the address says so.
    """

    def __init__(self, where: str | Path | None, wait: float) -> None:
        if where is not None and not (isinstance(where, (str, Path)) and str(where).strip()):
            raise TypeError(f"where must be a file or a database address; got {describe(where)}")
        if "\x00" in str(where):
            raise ValueError("where must be the name of a file; got one with the character NUL")
        self.wait, self.readonly, self.kind = wait, False, "memory"
        self.file: Path | None = None
        self.url: sa.URL | None = None
        if isinstance(where, str) and where != ":memory:" and _looks_like_an_address(where):
            self._from_address(where)
        elif where is not None and str(where) != ":memory:":
            self.file = Path(where)
        if self.file is not None:
            self.kind = "file"
            self._refuse_no_file(self.file)
            self.readonly = self.readonly or not _may_be_written(self.file)
        shown = "the file" if self.file is not None and _MAYBE_SECRET.search(str(self.file)) else str(self.file)
        if self.file is not None:  # so that it stays the same file when the program changes its folder
            self.file = Path(os.path.abspath(self.file))
        self.name = {"memory": "a ledger in memory", "server": "a ledger in PostgreSQL", "file": shown}[self.kind]

    def _refuse_no_file(self, file: Path) -> None:
        """Raise for a folder, and for a name that no file can have."""
        try:
            folder = file.is_dir()
        except OSError:
            raise LedgerError("where must be the name of a file; it is too long, or cannot be looked at") from None
        if folder:
            raise LedgerError("where must be the name of a file; it is a folder: name a file in it")

    def stamp(self) -> tuple[int, int] | None:
        """Which file it is, whatever its name; None where it is gone, or no file."""
        try:
            found = None if self.file is None else os.stat(self.file)
        except OSError:
            return None
        return None if found is None else (found.st_dev, found.st_ino)

    def _from_address(self, where: str) -> None:
        try:
            url = sa.make_url(where)
        except (ArgumentError, ValueError):
            url = None
        if url is None:
            raise LedgerError(_UNREADABLE)
        kind = url.get_backend_name()
        if kind == "sqlite":
            self._from_sqlite(url)
        elif kind == "postgresql":
            if not _HOST.fullmatch(url.host or ""):  # a password with an unquoted @ or / reads as a host
                raise LedgerError(f"{_UNREADABLE}. In a password @ is written %40, : %3A and / %2F")
            secret = url.query.get("password")
            if isinstance(secret, str):  # among the other settings it would be shown with them
                url = url.set(password=secret).difference_update_query(["password"])
            self.kind, self.url = "server", url.set(drivername="postgresql+psycopg")
        else:
            raise LedgerError(
                f"a ledger lives in SQLite or PostgreSQL; got {kind if kind in _KINDS else 'another kind'}"
            )

    def _from_sqlite(self, url: sa.URL) -> None:
        if url.host or url.username or url.password:
            raise LedgerError("a SQLite address has neither user nor host, and three slashes: sqlite:///folder/file.db")
        settings = {key: value for key, value in url.query.items() if key != "uri"}
        if settings not in ({}, {"mode": "ro"}, {"mode": "rw"}, {"mode": "rwc"}):
            raise LedgerError("a SQLite address takes no setting but mode=ro")
        self.readonly = settings.get("mode") == "ro"
        name = (url.database or "").removeprefix("file:" if "uri" in url.query else "")
        self.file = Path(name) if name not in ("", ":memory:") else None

    def engine(self, *, look: bool = False) -> sa.Engine:
        """Connections that a transaction is begun on; `look` changes nothing, not even beside the file."""
        if self.kind == "server":
            engine = self._server()
        elif self.file is None:
            # one connection, which threads get in turn
            one = {"poolclass": sa.QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": self.wait}
            engine = sa.create_engine("sqlite://", creator=self._memory, **one)
        else:
            reading = look or self.readonly
            pool = {"poolclass": sa.NullPool} if reading else {"poolclass": sa.QueuePool, "pool_timeout": self.wait}
            open_it: Callable[[], sqlite3.Connection] = self._reader if reading else self._writer
            engine = sa.create_engine("sqlite://", creator=open_it, hide_parameters=True, **pool)
        sa.event.listen(engine, "begin", _begin)
        return engine

    def _server(self) -> sa.Engine:
        assert self.url is not None
        missing = False
        try:
            engine = sa.create_engine(
                self.url,
                connect_args={"client_encoding": "UTF8", "connect_timeout": 2 + round(self.wait)},
                pool_pre_ping=True,
                isolation_level="READ COMMITTED",
                hide_parameters=True,
            )
            sa.event.listen(engine, "connect", self._set_up)
            return engine
        except ModuleNotFoundError:
            missing = True
        except (ArgumentError, ValueError, TypeError):
            pass
        raise LedgerError(
            f"a ledger in PostgreSQL needs the package psycopg: {install_line('postgres')}" if missing else _UNREADABLE
        )

    def _set_up(self, connection: DBAPIConnection, _: object) -> None:
        """What is written comes back exactly, and stays, whatever the server, the database or the role is set to."""
        settings = {
            "extra_float_digits": "'3'",  # numbers with all their digits; 0 is usual before version 12
            "array_nulls": "'on'",  # or a column of nothing arrives as the text NULL
            "lock_timeout": f"'{max(1, round(1000 * self.wait))}'",
            # every commit on the disk; a stricter setting is kept
            "synchronous_commit": "coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on')",
        }
        calls = ", ".join(f"set_config('{name}', {value}, false)" for name, value in settings.items())
        cursor = connection.cursor()
        cursor.execute(f"SELECT {calls}")
        cursor.close()
        connection.commit()

    def _memory(self) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _reader(self) -> sqlite3.Connection:
        """Reads a file; where nothing may be made beside it and nobody writes, without the log's index."""
        assert self.file is not None
        log = beside(self.file, "-wal")
        quiet = not log.exists() or (log.stat().st_size == 0 and not beside(self.file, "-shm").exists())
        still = quiet and not _may_be_written(self.file)
        return self._connect("mode=ro" + "&immutable=1" * still)

    def _writer(self) -> sqlite3.Connection:
        """Transactions that we begin ourselves, readers beside a writer, and every commit on the disk."""
        assert self.file is not None
        connection = self._connect("mode=rwc")
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cache_size = -65536")  # 64 MiB: the inner pages of tables of millions of rows
            self._set_journal(connection, "DELETE" if _network(self.file) else "WAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _connect(self, how: str) -> sqlite3.Connection:
        assert self.file is not None
        uri = f"{self.file.absolute().as_uri()}?{how}"
        return sqlite3.connect(uri, uri=True, timeout=self.wait, isolation_level=None, check_same_thread=False)

    def _set_journal(self, connection: sqlite3.Connection, wanted: str) -> None:
        """Ask for a journal; without the memory that a write-ahead log needs, fall back to the older kind."""
        until = clock.monotonic() + self.wait
        while True:  # turning a new file into one with a write-ahead log fails at once while others open it
            try:
                (got,) = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
                break
            except sqlite3.OperationalError as error:
                why = error.sqlite_errorname
                if wanted == "WAL" and why.startswith(("SQLITE_IOERR_SHM", "SQLITE_PROTOCOL", "SQLITE_IOERR_LOCK")):
                    wanted = "DELETE"
                elif not why.startswith("SQLITE_BUSY") or clock.monotonic() > until:
                    raise
                else:
                    clock.sleep(0.005)
        if got.upper() != "WAL":
            warnings.warn(
                f"{self.name} lies where SQLite's write-ahead log does not work (a network folder?): it is kept with a "
                "rollback journal, so that readers wait for writers. Let programs of one machine alone write to it, or "
                "use PostgreSQL",
                LedgerWarning,
                stacklevel=2,
            )

    def refuse_damage(self) -> None:
        """Raise where the write-ahead log has lost what was written; nothing is opened before that."""
        if self.file is None or not self.file.exists():
            return
        told, sure = wal_damage(self.file)
        if sure:
            raise LedgerError(
                f"{told}. Attempts may be among them: compare with what was really done before anything is done again. "
                f"Copy {self.name} and the files -wal and -shm beside it away; what is left is kept with "
                f"sqlite3 FILE 'PRAGMA wal_checkpoint(TRUNCATE)', and opens then"
            )
        if told:
            warnings.warn(
                f"{self.name}: {told}, unless it was being written when the machine stopped (then nobody was told that "
                "it was written)",
                LedgerWarning,
                stacklevel=3,
            )


def _looks_like_an_address(where: str) -> bool:
    return bool(
        _ADDRESS.match(where) or "://" in where or (":" in where and "@" in where) or re.search(r"passw\w*\s*=", where)
    )


def _may_be_written(file: Path) -> bool:
    """Whether the file, if it is there, and its folder may be written."""
    if not file.exists():
        return True  # it will be made, or opening it says why not
    return os.access(file, os.W_OK) and os.access(file.absolute().parent, os.W_OK)


def _mounts() -> list[tuple[str, str]]:
    """Folders where a file system begins, and its kind; none where the system does not say."""
    try:
        lines = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [(parts[1].replace("\\040", " "), parts[2]) for line in lines if len(parts := line.split()) > 2]


def _network(file: Path) -> bool:
    """Whether the file lies in a folder of another machine."""
    path = os.path.realpath(file)
    over = [(len(root), kind) for root, kind in _mounts() if os.path.commonpath([path, root]) == root]
    return bool(over) and max(over)[1].removeprefix("fuse.").startswith(_NETWORKS)


def _begin(connection: sa.Connection) -> None:
    """Who is going to write takes the lock at once, so that two writers wait for each other instead of failing."""
    writing = connection.get_execution_options().get("mllayers_writing", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
    elif writing:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


# what went wrong ----------------------------------------------------------------------------------------------------

NO_DECISION = "it has no such decision; record the decisions first"
_BUSY = "another program is writing to it; wait, or give a longer timeout"
_FULL = "the disk is full; make room and run again"
_READ = "it may only be read; check who owns it, and the folder of a file"
_AWAY = "the database cannot be reached"
_BROKEN = "damaged"
_NEVER = "a value is none that it can hold, and never will be"
_DISK = "the disk cannot be read or written; it may be full or failing"
_LONG = (
    "a text that rows are found by (case, kind or policy) is too long: PostgreSQL takes about 2,700 bytes of it, and a "
    "letter is one to four; shorten it"
)
_WORDS = {  # how the codes of SQLite and PostgreSQL begin, for the person who is stuck
    **dict.fromkeys(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL", "55P03"), _BUSY),
    **dict.fromkeys(("SQLITE_FULL", "53100"), _FULL),
    **dict.fromkeys(("SQLITE_READONLY", "SQLITE_PERM", "25006", "42501"), _READ),
    **dict.fromkeys(("08", "57P"), _AWAY),
    **dict.fromkeys(("SQLITE_CONSTRAINT_FOREIGNKEY", "23503"), NO_DECISION),
    **dict.fromkeys(("SQLITE_CONSTRAINT_TRIGGER", "P0001"), "the ledger is append-only"),
    **dict.fromkeys(("SQLITE_CORRUPT", "XX001", "XX002"), _BROKEN),
    **dict.fromkeys(("SQLITE_TOOBIG", "SQLITE_MISMATCH", "22"), _NEVER),
    **dict.fromkeys(("SQLITE_IOERR", "58"), _DISK),
    "54000": _LONG,
    "SQLITE_CANTOPEN": "the file cannot be opened; check that the folder exists and may be written",
    "SQLITE_NOTADB": "the file is something else than a ledger, or damaged at its beginning",
}


def broken(kind: str) -> str:
    """What is said of a damaged place of this kind, and what to do."""
    if kind == "server":
        return (
            "the database is damaged. Write nothing to it, and ask who runs the server to restore the last backup "
            "beside it; what is gone cannot be told from here: compare the two"
        )
    return (
        "the file is damaged. Write nothing to it, and copy it away; sqlite3 FILE .recover saves what can be read, and "
        "what is gone cannot be told from here: compare with the last copy"
    )


def in_words(error: BaseException | None, nothing: str) -> str:
    """What the database said, what became of the call, and what is known about the rest."""
    code = str(getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or "")
    told = re.sub(r"\"[^\"]*\"|'[^']*'", "…", str(error).partition("\n")[0]).encode(errors="backslashreplace").decode()
    why = next((words for begins, words in _WORDS.items() if code.startswith(begins)), "")
    file = isinstance(error, sqlite3.Error)
    if why == _BROKEN or (file and "decode" in told.lower()):
        return broken("file" if file else "server")
    if file:
        why = why or f"SQLite says: {told}"
    elif not code:
        why = _AWAY
    if why == _AWAY:
        return f"{why} ({told}). Run again when it can: what is written is never written twice."
    if why in (_NEVER, ""):
        return f"{why or 'the database says'}: {told}. {nothing}."
    certain = why != _DISK and not why.startswith(("SQLite says", "the file is something else"))
    return f"{why}. {nothing}{', and nothing written before is lost' if certain else ''}."
