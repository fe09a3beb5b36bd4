"""The ledger itself: what can be written into it, claimed in it and read from it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as NobodyFree

from mllayers._check import as_integer, as_keys, as_number, as_times, describe, one_of
from mllayers.ledger import rows
from mllayers.ledger.place import BROKEN, NO_DECISION, Place, in_words
from mllayers.ledger.schema import ATTEMPTS, DECISIONS, ENDINGS, OUTCOMES, OVERRIDES, LedgerError, make, standing

__all__ = ["Ledger"]

_NOTHING = "Nothing of this call was written"
_STATES = ("done", "failed")
_PATIENCE = datetime.timedelta(minutes=10)
_OLD_ZEROS = ("happened", "did not happen")


class Ledger:
    """Decisions, attempts and outcomes in one file or database.

    Parameters
    ----------
    where : str or Path, optional
        A file (made if it is not there), a database address such as ``postgresql://user@host/name``, or nothing for a
        ledger in memory. An address is never shown again, since it may hold a password.
    timeout : float, default 30
        Seconds to wait while another program writes.
    old_zeros : {'happened', 'did not happen'}, optional
        What an outcome of value 0 means in a ledger of the first build, which wrote 0 also where no value was given.
        Needed once, when such a ledger is brought up to date.

    Raises
    ------
    TypeError, ValueError
        For a place that is none, and a negative timeout.
    LedgerError
        If it cannot be opened, belongs to another program, lacks its keys, was written by a newer version, or has lost
        its last pages. Nothing is written to it then.

    Notes
    -----
    Cases are text; whole numbers are written as text. Times are kept to the microsecond; those without a zone are
    taken as they are, others become UTC. Each call writes all its rows or none. A ledger may be written by several
    programs and threads at once, and one that is killed leaves whole batches. It says in itself that it is a ledger,
    and of which version; one of the first build is brought up to date when it is opened.

    **People.** A ledger forgets nothing, so let cases be pseudonyms: random numbers, with the list of who is who kept
    elsewhere, and no names in notes and reasons. Who asks to be erased is struck from that list: the row stays, and
    nobody can say whose it is.

    **What it does not protect from.** Guards in the database stop programs that change or delete rows by mistake.
    Whoever owns the file can take the guards away, change a row and put them back; that is not detected, and neither
    is a byte that the disk turned inside a number or a text. Keep copies elsewhere where that matters.

    Taught in notebook 04, *Optional: the ledger*.

    Examples
    --------
    >>> decisions = pd.DataFrame({"case": [7, 8], "time": pd.Timestamp("2026-03-01"), "action": ["voucher", "none"],
    ...                           "propensity": [0.9, 1.0], "cost": [5.0, 0.0], "idle": "none", "policy": "v3"})
    >>> with Ledger() as ledger:
    ...     print(ledger.record_decisions(decisions), ledger.record_decisions(decisions))
    ...     print(ledger.decisions()[["case", "action", "propensity"]].to_string(index=False))
    2 0
    case  action  propensity
       7 voucher         0.9
       8    none         1.0
    """

    def __init__(self, where: str | Path | None = None, *, timeout: float = 30.0, old_zeros: str | None = None) -> None:
        if old_zeros is not None:
            one_of(old_zeros, "old_zeros", _OLD_ZEROS)
        place = Place(where, as_number(timeout, "timeout", ge=0))
        self.name, self._place = place.name, place
        self._stamp: tuple[int, int] | None = None  # which file it is, once it is open
        place.refuse_damage()
        self.engine = place.engine(look=place.file is not None)
        try:
            self._open(place, old_zeros)
        except BaseException:
            self.engine.dispose()
            raise
        self._stamp = place.stamp()
        self._counted = (0, 0.0, dict[str, int]())  # attempts seen so far: the last number, dollars, how many a day

    def _open(self, place: Place, old_zeros: str | None) -> None:
        """Look what stands there before anything is written, then make it what it should be."""
        there = place.kind != "file" or place.readonly or (place.file is not None and place.file.exists())
        state = self._standing() if there else "empty"
        if state != "ours" and place.readonly:
            what = "is no ledger yet" if state == "empty" else "has to be brought up to date"
            raise LedgerError(
                f"{self.name}: it {what}, and may only be read here; open it once where it may be written"
            )
        if place.file is not None and not place.readonly:
            self.engine = place.engine()
        if state != "ours":
            with self._work(writing=True) as connection:
                state = standing(connection)
                if state != "ours":
                    make(connection, state, old_zeros)

    def _standing(self) -> str:
        with self._work() as connection:
            try:
                return standing(connection)
            except (ValueError, TypeError, LookupError, InvalidRequestError):  # a catalogue that cannot be read
                broken = LedgerError(BROKEN)
            raise broken

    @contextmanager
    def _work(self, *, writing: bool = False, nothing: str = _NOTHING) -> Iterator[sa.Connection]:
        """One transaction; what goes wrong is told in words, and nothing of it is kept."""
        if writing and self._stamp is not None and self._place.stamp() != self._stamp:
            raise LedgerError(
                f"{self.name}: the file was deleted, moved or replaced while it was open, and what is written would go "
                f"with it. {nothing}. Put it back, and open the ledger anew"
            )
        try:
            with self.engine.execution_options(mllayers_writing=writing).begin() as connection:
                yield connection
        except DBAPIError as error:
            raise LedgerError(f"{self.name}: {in_words(error.orig, nothing)}") from None
        except UnicodeDecodeError:  # what the database says of a damaged file
            raise LedgerError(f"{self.name}: {BROKEN}") from None
        except NobodyFree:
            raise LedgerError(f"{self.name}: other threads are using it; give a longer timeout. {nothing}.") from None
        except LedgerError as error:
            if str(error).startswith(f"{self.name}: "):
                raise
            raise LedgerError(f"{self.name}: {error}") from None

    # writing --------------------------------------------------------------------------------------------------------

    def record_decisions(self, decisions: Any) -> int:
        """Write decisions down, each once.

        Parameters
        ----------
        decisions : DataFrame (pandas, Polars or Arrow)
            One row per decision, as `Policy.plan` returns them: ``case``, ``time``, ``action`` (what is done),
            ``propensity`` (the probability with which this action was chosen, in (0, 1]), ``cost`` (dollars, 0 where
            there is none); where known ``segment``, ``score``, ``planned`` (the action before lots; else the action),
            ``drawn`` (the lot that changed it: 'holdout', 'explore'), ``idle`` (the name of the action that leaves a
            case alone), ``expected_value``, ``model``, ``policy``. Other columns are not written.

        Returns
        -------
        int
            How many were new. Writing the same decision again changes nothing.

        Raises
        ------
        TypeError, ValueError
            For a decision without case, time, action, cost or known propensity, for text that cannot be stored, and
            for a decision that differs from what is written under its case and time. None of the rows is written then.
        LedgerError
            If the ledger is locked, full, damaged or not there.
        """
        return self._append(DECISIONS, rows.decision_columns(decisions))

    def check_decisions(self, decisions: Any) -> pd.DataFrame:
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
        columns = rows.decision_columns(decisions)
        with self._work() as connection:
            given = rows.ready(columns, connection.dialect.name)
            rows.refuse_changed(connection, DECISIONS, given)
        return rows.as_table(given, rows.kinds_of(DECISIONS))

    def record_outcomes(self, outcomes: Any) -> int:
        """Write down what came back, each once.

        Parameters
        ----------
        outcomes : DataFrame
            One row per outcome: ``case`` and ``time`` of the decision, ``kind`` ('churned', 'chargeback'),
            ``arrival`` (when it became known), and where it has one ``value``: absent means that it happened, 0 that
            it did not, any other number that it happened and was worth that many dollars: negative where they are lost
            (a customer who left), positive where they come in (a sale). A decision may have several kinds.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        TypeError, ValueError, LedgerError
            As in `record_decisions`; an outcome belongs to a decision of the ledger and cannot arrive before it.

        Examples
        --------
        An export that knows the customer and the day, but no decision: each row gets the last decision before it.

        >>> decisions = pd.DataFrame({"case": ["a", "b", "a"], "action": "call", "propensity": 0.9, "cost": 12,
        ...                           "time": pd.to_datetime(["2026-03-01", "2026-03-01", "2026-06-01"])})
        >>> export = pd.DataFrame({"customer": ["a"], "left_on": ["2026-05-15"], "margin": [310.0]})
        >>> with Ledger() as ledger:
        ...     new = ledger.record_decisions(decisions)
        ...     days = pd.to_datetime(export["left_on"]).astype("datetime64[us]")
        ...     left = export.assign(arrival=days).sort_values("arrival")
        ...     outcomes = pd.merge_asof(left, ledger.decisions()[["case", "time"]], left_on="arrival", right_on="time",
        ...                              left_by="customer", right_by="case").dropna(subset="case")
        ...     new = ledger.record_outcomes(outcomes.assign(kind="left", value=-outcomes["margin"]))
        ...     print(ledger.outcomes()[["case", "time", "kind", "value"]].to_string(index=False))
        case       time kind  value
           a 2026-03-01 left -310.0
        """
        return self._append(OUTCOMES, rows.outcome_columns(outcomes))

    def record_overrides(self, overrides: Any) -> int:
        """Write down that a person decided otherwise, each once.

        Parameters
        ----------
        overrides : DataFrame
            One row per override: ``case`` and ``time`` of the decision, ``action`` (what the person does instead),
            ``by`` (who, as a pseudonym), ``reason``, ``at`` (when). Somebody may override again later; the last counts.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        TypeError, ValueError, LedgerError
            As in `record_decisions`; an override belongs to a decision of the ledger and cannot be made before it.

        Notes
        -----
        `act` leaves a decision alone from then on: the person carries out what the person decided. The decision keeps
        its propensity, which is the probability of what was *drawn*. What was *done* has no known one, since a person
        chose it for reasons that the ledger does not know. So analyse these cases as drawn (intention to treat: the
        effect of the policy with its people), or leave them out and say how many; never as done.
        """
        return self._append(OVERRIDES, rows.override_columns(overrides))

    def _append(self, table: sa.Table, columns: rows.Columns) -> int:
        """Write the rows that are new; refuse all if one differs from what is written, or belongs to no decision."""
        given = rows.ready(columns, self.engine.dialect.name)
        try:
            with self._work(writing=True) as connection:
                new = int(connection.exec_driver_sql(rows.insert(connection.dialect.name, table), given).rowcount)
                if new < len(given):
                    rows.refuse_changed(connection, table, given)
        except LedgerError as error:
            if NO_DECISION not in str(error):
                raise
            with self._work() as connection:
                raise LedgerError(f"{error}{rows.without_decision(connection, given)}") from None
        return new

    # reading --------------------------------------------------------------------------------------------------------

    def decisions(self, *, policy: str | None = None) -> pd.DataFrame:
        """All decisions, or those of one policy, in the order of time and case.

        The column ``override`` holds what a person did instead, and is missing where nobody did; `record_overrides`
        says how such cases are analysed.
        """
        which, given = ("policy = ?", as_keys([policy], "policy")) if policy is not None else ("", [])
        table = self._read(DECISIONS, 'ORDER BY "time", "case"', which, given)
        last = self.overrides().drop_duplicates(["case", "time"], keep="last")[["case", "time", "action"]]
        return table.merge(last.rename(columns={"action": "override"}), on=["case", "time"], how="left")

    def outcomes(self, *, since: Any = None) -> pd.DataFrame:
        """All outcomes, or those that arrived at a time or later (a date: from its first moment), in that order."""
        which, given = ("arrival >= ?", [_time(since, "since")]) if since is not None else ("", [])
        return self._read(OUTCOMES, 'ORDER BY arrival, "case", kind', which, given)

    def overrides(self) -> pd.DataFrame:
        """All overrides, in the order in which they were made."""
        return self._read(OVERRIDES, 'ORDER BY "at", "case"')

    def attempts(self, *, case: Any = None, patience: datetime.timedelta = _PATIENCE, now: Any = None) -> pd.DataFrame:
        """All attempts, or those of one case: when and how they began and ended.

        Parameters
        ----------
        case : str or int, optional
            Only this case's.
        patience : timedelta, default 10 minutes
            How long an attempt may be under way. One that began earlier and has no end is in doubt: the program may
            have been stopped before or after the deed.
        now : datetime, optional
            The moment to look from; by default this one.

        Returns
        -------
        DataFrame
            case, time, cost, day, started, number, batch, state ('done', 'failed', 'started', 'in doubt'), note, ended.
            The first build kept no start: its attempts without an end are in doubt.
        """
        if not isinstance(patience, datetime.timedelta):
            raise TypeError(f"patience must be a timedelta; got {describe(patience)}")
        patience = min(patience, datetime.timedelta(days=100_000))  # more than pandas can compare
        moment = pd.Timestamp(_time(now, "now") if now is not None else _utc())
        which, given = ('a."case" = ?', as_keys([case], "case")) if case is not None else ("", [])
        kinds = {f"a.{name}": kind for name, kind in rows.kinds_of(ATTEMPTS).items()}
        kinds |= {"e.state": "text?", "e.note": "text?", "e.ended": "time?"}
        source = 'attempts a LEFT JOIN endings e ON e."case" = a."case" AND e."time" = a."time"'
        table = self._select(kinds, source, 'ORDER BY a."time", a."case"', which, given)
        age = moment - table["started"]
        under_way = table["state"].isna() & (age.abs() <= patience)
        state = table["state"].astype(object).where(table["state"].notna(), "in doubt").where(~under_way, "started")
        note = table["note"].astype(object).where(table["note"].notna(), "")
        text = table["case"].dtype
        return table.assign(state=state.astype(text), note=note.astype(text))

    def _read(self, table: sa.Table, order: str, which: str = "", given: Any = ()) -> pd.DataFrame:
        return self._select(rows.kinds_of(table), table.name, order, which, given)

    def _select(self, kinds: dict[str, str], source: str, order: str, which: str, given: Any) -> pd.DataFrame:
        names = ", ".join(".".join([*name.split(".")[:-1], f'"{name.split(".")[-1]}"']) for name in kinds)
        query = f"SELECT {names} FROM {source} {f'WHERE {which}' if which else ''} {order}"
        with self._work() as connection:
            try:
                found = connection.exec_driver_sql(*self._ask(query, given)).fetchall()
                return rows.as_table(found, {name.split(".")[-1]: kind for name, kind in kinds.items()})
            except (ValueError, TypeError, OverflowError):  # a kind that no call of ours ever wrote
                broken = LedgerError(BROKEN)
            raise broken

    def _ask(self, query: str, given: Any) -> tuple[str, tuple[Any, ...]]:
        """A query and what it is given, as the driver takes them."""
        dialect = self.engine.dialect.name
        ready = tuple(rows.moment(x, dialect) if isinstance(x, datetime.datetime) else x for x in given)
        return (query if dialect == "sqlite" else query.replace("?", "%s")), ready

    # acting ---------------------------------------------------------------------------------------------------------

    def start(
        self,
        case: Any,
        time: Any,
        *,
        cost: float,
        day: datetime.date,
        budget: float | None = None,
        per_day: int | None = None,
        at: Any = None,
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
        at : datetime, optional
            When it begins; by default now.

        Returns
        -------
        str
            'started': now carry it out, then call `finish`. 'known': it was started before. 'overridden': a person
            decided otherwise. 'budget' or 'day': a limit stands against it. Only 'started' writes something.
        """
        key, cost = _key(case, time), as_number(cost, "cost", ge=0)
        if not isinstance(day, datetime.date):
            raise TypeError(f"day must be a date; got {describe(day)}")
        day = day.date() if isinstance(day, datetime.datetime) else day
        budget = None if budget is None else as_number(budget, "budget", ge=0)
        per_day = None if per_day is None else as_integer(per_day, "per_day", ge=0)
        begun = _utc() if at is None else _time(at, "at")
        with self._work(writing=True, nothing="Nothing was claimed by this call") as connection:
            known, other = self._one(connection, _STANDS, (*key, *key))
            if known or other:
                return "known" if known else "overridden"
            if budget is not None or per_day is not None:
                _, spent, days = self._count(connection)
                if per_day is not None and days.get(str(day), 0) + 1 > per_day:
                    return "day"
                if budget is not None and round(spent + cost, 6) > budget:
                    return "budget"
            number = '(SELECT coalesce(max("number"), 0) + 1 FROM attempts)'
            names = '("case", "time", cost, "day", started, "number")'
            insert = f"INSERT INTO attempts {names} VALUES (?, ?, ?, ?, ?, {number})"
            when: Any = str(day) if self.engine.dialect.name == "sqlite" else day
            connection.exec_driver_sql(*self._ask(insert, (*key, cost, when, begun)))
            return "started"

    def finish(self, case: Any, time: Any, *, state: str, note: str = "", at: Any = None) -> None:
        """Write down how an attempt ended: 'done' or 'failed'. Also for one in doubt, after somebody has looked.

        Raises
        ------
        TypeError, ValueError
            For an attempt that was never started, or has ended already, and a note that cannot be stored.
        """
        key, state = _key(case, time), one_of(state, "state", _STATES)
        if not isinstance(note, str):
            raise TypeError(f"note must be text; got {describe(note)}")
        (note,) = as_keys([note], "note")
        ended = _utc() if at is None else _time(at, "at")
        nothing = "How this attempt ended was not written, so it stays in doubt"
        with self._work(writing=True, nothing=nothing) as connection:
            begun, over = self._one(connection, _ENDED, (*key, *key))
            if not begun:
                raise ValueError(f"case {key[0]} at {key[1]} was never started")
            if over:
                raise ValueError(f"case {key[0]} at {key[1]} has ended already")
            insert = 'INSERT INTO endings ("case", "time", state, note, ended) VALUES (?, ?, ?, ?, ?)'
            connection.exec_driver_sql(*self._ask(insert, (*key, state, note, ended)))

    def _one(self, connection: sa.Connection, query: str, given: Any) -> Any:
        return connection.exec_driver_sql(*self._ask(query, given)).one()

    def _count(self, connection: sa.Connection) -> tuple[int, float, dict[str, int]]:
        """Attempts so far: the last number, their dollars, how many a day. Reads what is new since the last look."""
        last, spent, days = self._counted
        query = 'SELECT "day", count(*), sum(cost), max("number") FROM attempts WHERE "number" > ? GROUP BY "day"'
        for day, many, dollars, number in connection.exec_driver_sql(*self._ask(query, (last,))).fetchall():
            days = days | {str(day): days.get(str(day), 0) + int(many)}
            spent, last = spent + float(dollars), max(last, int(number))
        self._counted = (last, spent, days)
        return self._counted

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


_HERE = 'EXISTS (SELECT 1 FROM {} WHERE "case" = ? AND "time" = ?)'
_STANDS = f"SELECT {_HERE.format(ATTEMPTS.name)}, {_HERE.format(OVERRIDES.name)}"
_ENDED = f"SELECT {_HERE.format(ATTEMPTS.name)}, {_HERE.format(ENDINGS.name)}"


def _utc() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _time(when: Any, name: str) -> datetime.datetime:
    """A point in time as the ledger keeps it; a date is its first moment."""
    return as_times([when], name)[0].item()  # type: ignore[no-any-return]


def _key(case: Any, time: Any) -> tuple[str, datetime.datetime]:
    return as_keys([case], "case")[0], _time(time, "time")
