"""The ledger itself: what can be written into it, claimed in it and read from it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as NobodyFree

from mllayers._check import (
    as_flag,
    as_frame,
    as_integer,
    as_keys,
    as_number,
    as_numbers,
    as_times,
    describe,
    one_of,
)
from mllayers.ledger import rows
from mllayers.ledger.claims import Room, claim, end
from mllayers.ledger.place import NO_DECISION, Place, broken, in_words
from mllayers.ledger.schema import ATTEMPTS, DECISIONS, OUTCOMES, OVERRIDES, LedgerError, make, standing

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
    Cases are text; whole numbers are written as text. PostgreSQL takes cases, kinds and policies of up to about 2,700
    bytes (a letter is one to four), SQLite of any length. Times are kept to the microsecond; those without a zone are
    taken as they are, others become UTC. Each call writes all its rows or none. A ledger may be written by several
    programs and threads at once, and one that is killed leaves whole batches. It says in itself that it is a ledger,
    and of which version; one of the first build is brought up to date when it is opened. Its tables come in one order
    on every database: text by the numbers of its characters, as Python sorts it.

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
        self._counted = _Counted(0, {})

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
                damaged = LedgerError(broken(self._place.kind))
            raise damaged

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
            raise LedgerError(f"{self.name}: {broken(self._place.kind)}") from None
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
                if rows.present(connection, table, given[:1]):  # then most of them are written already
                    return rows.write(connection, table, rows.refuse_changed(connection, table, given))
                new = rows.write(connection, table, given)
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
        table = self._read(DECISIONS, ["time", "case"], which, given)
        last = self.overrides(of=table if which else None).drop_duplicates(["case", "time"], keep="last")[
            ["case", "time", "action"]
        ]
        return table.merge(last.rename(columns={"action": "override"}), on=["case", "time"], how="left")

    def outcomes(self, *, since: Any = None) -> pd.DataFrame:
        """All outcomes, or those that arrived at a time or later (a date: from its first moment), in that order."""
        which, given = ("arrival >= ?", [_time(since, "since")]) if since is not None else ("", [])
        return self._read(OUTCOMES, ["arrival", "case", "kind", "time"], which, given)

    def overrides(self, *, of: Any = None) -> pd.DataFrame:
        """All overrides in the order in which they were made, or those of a frame of decisions (``case``, ``time``)."""
        order = ["at", "case", "time"]
        if of is None:
            return self._read(OVERRIDES, order)
        found = self._among(rows.kinds_of(OVERRIDES), f"{OVERRIDES} AS t ", of)
        return found.sort_values(order, ignore_index=True)

    def attempts(
        self,
        *,
        case: Any = None,
        of: Any = None,
        batch: str | None = None,
        patience: datetime.timedelta = _PATIENCE,
        now: Any = None,
    ) -> pd.DataFrame:
        """All attempts, or some: when and how they began and ended.

        Parameters
        ----------
        case : str or int, optional
            Only this case's.
        of : DataFrame, optional
            Only those of these decisions: columns ``case`` and ``time``.
        batch : str, optional
            Only those that were claimed together under this name: the numbers of the first and the last, as '1-500'.
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
        if sum(one is not None for one in (case, of, batch)) > 1:
            raise ValueError("attempts takes one of case, of and batch; got several")
        kinds = {f"t.{name}": kind for name, kind in rows.kinds_of(ATTEMPTS).items()}
        kinds |= {"e.state": "text?", "e.note": "text?", "e.ended": "time?"}
        source = 'attempts AS t LEFT JOIN endings e ON e."case" = t."case" AND e."time" = t."time"'
        if of is not None:
            table = self._among(kinds, source, of).sort_values(["time", "case"], kind="stable", ignore_index=True)
        else:
            which, given = ('t."case" = ?', as_keys([case], "case")) if case is not None else ("", [])
            if batch is not None:
                which, given = 't."number" BETWEEN ? AND ? AND t."batch" = ?', _numbers(batch)
            table = self._select(kinds, source, ["t.time", "t.case"], which, given)
        age = moment - table["started"]
        under_way = table["state"].isna() & (age.abs() <= patience)
        state = table["state"].astype(object).where(table["state"].notna(), "in doubt").where(~under_way, "started")
        note = table["note"].astype(object).where(table["note"].notna(), "")
        text = table["case"].dtype
        return table.assign(state=state.astype(text), note=note.astype(text))

    def spending(self) -> pd.DataFrame:
        """Attempts and their dollars by day, the days in order: what limits count.

        Returns
        -------
        DataFrame
            day, attempts, cost.
        """
        with self._work() as connection:
            days = self._count(connection).days
        told = sorted(days.items())
        return pd.DataFrame(
            {
                "day": pd.Series([pd.Timestamp(day) for day, _ in told], dtype="datetime64[us]"),
                "attempts": pd.Series([many for _, (many, _) in told], dtype="int64"),
                "cost": pd.Series([dollars for _, (_, dollars) in told], dtype="float64"),
            }
        )

    def _among(self, kinds: dict[str, str], source: str, of: Any) -> pd.DataFrame:
        """The rows of a source, whose first table is called ``t``, that belong to some decisions; in no order."""
        frame = as_frame(of, "of", ["case", "time"], empty=True)
        table, _, _ = source.partition(" ")
        names = ", ".join(_quoted(name) for name in kinds)
        with self._work() as connection:
            if not connection.exec_driver_sql(f"SELECT EXISTS (SELECT 1 FROM {table})").scalar_one():
                return self._as_table([], kinds)
            keys = sorted(set(rows.key_rows(frame["case"], frame["time"], connection.dialect.name)))
            return self._as_table(rows.matching(connection, source, names, keys), kinds)

    def _read(self, table: sa.Table, order: list[str], which: str = "", given: Any = ()) -> pd.DataFrame:
        return self._select(rows.kinds_of(table), table.name, order, which, given)

    def _select(self, kinds: dict[str, str], source: str, order: list[str], which: str, given: Any) -> pd.DataFrame:
        """The rows of a source in order: text by its code points, on every database and as pandas sorts it."""
        names = ", ".join(_quoted(name) for name in kinds)
        by_code = ' COLLATE "C"' if self.engine.dialect.name == "postgresql" else ""  # what SQLite does anyway
        keys = ", ".join(_quoted(name) + by_code * (kinds[name] == "text") for name in order)
        query = f"SELECT {names} FROM {source} {f'WHERE {which}' if which else ''} ORDER BY {keys}"
        with self._work() as connection:
            return self._as_table(connection.exec_driver_sql(*self._ask(query, given)).fetchall(), kinds)

    def _as_table(self, found: Iterable[Any], kinds: dict[str, str]) -> pd.DataFrame:
        try:
            return rows.as_table(list(found), {name.split(".")[-1]: kind for name, kind in kinds.items()})
        except (ValueError, TypeError, OverflowError):  # a kind that no call of ours ever wrote
            damaged = LedgerError(broken(self._place.kind))
        raise damaged

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
        keys, costs = self._keys([case], [time]), [as_number(cost, "cost", ge=0)]
        return self._claim(keys, costs, day=day, budget=budget, per_day=per_day, skip=False, at=at)[0]

    def start_many(
        self,
        decisions: Any,
        *,
        day: datetime.date,
        budget: float | None = None,
        per_day: int | None = None,
        skip: bool = False,
        at: Any = None,
    ) -> list[str]:
        """Claim decisions that are carried out together: one commit for all of them.

        Parameters
        ----------
        decisions : DataFrame
            ``case``, ``time`` and ``cost``, each decision once, in the order in which limits are used up.
        day : date
            The day they count for.
        budget, per_day : optional
            Dollars of all attempts, and attempts on this day, including these.
        skip : bool, default False
            Pass over what would go over the budget, and claim cheaper ones behind it.
        at : datetime, optional
            When they begin; by default now.

        Returns
        -------
        list of str
            For each decision what `start` says. The attempts that began bear the name of their batch: the numbers of
            its first and its last, such as '1-500'; of one alone there is no name.

        Raises
        ------
        TypeError, ValueError
            For a decision that comes twice or is without case, time or cost.
        LedgerError
            For a decision that is not in the ledger; nothing is claimed then.

        Examples
        --------
        >>> decisions = pd.DataFrame({"case": ["a", "b", "c"], "time": pd.Timestamp("2026-03-01"), "cost": 5.0,
        ...                           "action": "voucher", "propensity": 0.9})
        >>> with Ledger() as ledger:
        ...     new = ledger.record_decisions(decisions)
        ...     print(ledger.start_many(decisions, day=datetime.date(2026, 3, 2), budget=10))
        ...     ledger.finish_many(decisions[:2], states="done")
        ...     print(ledger.attempts(batch="1-2")[["case", "state"]].to_string(index=False))
        ['started', 'started', 'budget']
        case state
           a  done
           b  done
        """
        frame = as_frame(decisions, "decisions", ["case", "time", "cost"], empty=True)
        keys, costs = self._keys(frame["case"], frame["time"]), as_numbers(frame["cost"], "cost")
        if (costs < 0).any():
            raise ValueError(f"cost must be ≥ 0; got {costs.min():g} at row {int(costs.argmin())}")
        skip = as_flag(skip, "skip")
        return self._claim(keys, costs.tolist(), day=day, budget=budget, per_day=per_day, skip=skip, at=at)

    def _keys(self, cases: Any, times: Any) -> list[rows.Row]:
        """Cases and times as the driver takes them, each once."""
        keys = rows.key_rows(cases, times, self.engine.dialect.name)
        first: dict[rows.Row, int] = {}
        for row, key in enumerate(keys):
            if first.setdefault(key, row) != row:
                raise ValueError(f"decisions may stand there once; case {key[0]} at {key[1]} comes again at row {row}")
        return keys

    def _claim(
        self,
        keys: list[rows.Row],
        costs: list[float],
        *,
        day: datetime.date,
        budget: float | None,
        per_day: int | None,
        skip: bool,
        at: Any,
    ) -> list[str]:
        if not isinstance(day, datetime.date):
            raise TypeError(f"day must be a date; got {describe(day)}")
        day = day.date() if isinstance(day, datetime.datetime) else day
        budget = None if budget is None else as_number(budget, "budget", ge=0)
        per_day = None if per_day is None else as_integer(per_day, "per_day", ge=0)
        begun = _utc() if at is None else _time(at, "at")
        dialect = self.engine.dialect.name
        with self._work(writing=True, nothing="Nothing was claimed by this call") as connection:
            counted = self._count(connection) if budget is not None or per_day is not None else _Counted(0, {})
            last = connection.exec_driver_sql('SELECT coalesce(max("number"), 0) FROM attempts').scalar_one()
            return claim(
                connection,
                keys,
                costs,
                day=str(day) if dialect == "sqlite" else day,
                begun=rows.moment(begun, dialect),
                last=int(last),
                room=Room(counted.spent, counted.on(str(day)), budget, per_day),
                skip=skip,
            )

    def finish(self, case: Any, time: Any, *, state: str, note: str = "", at: Any = None) -> None:
        """Write down how an attempt ended: 'done' or 'failed'. Also for one in doubt, after somebody has looked.

        Raises
        ------
        TypeError, ValueError
            For an attempt that was never started, or has ended already, and a note that cannot be stored.
        """
        self._end(self._keys([case], [time]), [state], [note], at)

    def finish_many(self, decisions: Any, *, states: Any, notes: Any = "", at: Any = None) -> None:
        """Write down how attempts ended that were carried out together: all of them, or none.

        Parameters
        ----------
        decisions : DataFrame
            ``case`` and ``time``, each decision once.
        states, notes : str or list of str
            'done' or 'failed' and what is to be said of it: one for all, or one for each.
        at : datetime, optional
            When they ended; by default now.

        Raises
        ------
        TypeError, ValueError
            For an attempt that was never started, or has ended already, and a note that cannot be stored.
        """
        frame = as_frame(decisions, "decisions", ["case", "time"], empty=True)
        words = [_one_each(given, len(frame), name) for given, name in ((states, "states"), (notes, "notes"))]
        self._end(self._keys(frame["case"], frame["time"]), words[0], words[1], at)

    def _end(self, keys: list[rows.Row], states: list[str], notes: list[str], at: Any) -> None:
        for state in dict.fromkeys(states):
            one_of(state, "state", _STATES)
        for note in dict.fromkeys(notes):
            if not isinstance(note, str):
                raise TypeError(f"note must be text; got {describe(note)}")
        notes = as_keys(notes, "note")
        ended = rows.moment(_utc() if at is None else _time(at, "at"), self.engine.dialect.name)
        nothing = "How this attempt ended was not written, so it stays in doubt"
        if len(keys) > 1:
            nothing = "How these attempts ended was not written, so they stay in doubt"
        with self._work(writing=True, nothing=nothing) as connection:
            end(connection, keys, states, notes, ended)

    def _count(self, connection: sa.Connection) -> _Counted:
        """Attempts so far by day, and the last number; reads what is new since the last look."""
        last, days = self._counted
        query = 'SELECT "day", count(*), sum(cost), max("number") FROM attempts WHERE "number" > ? GROUP BY "day"'
        for day, many, dollars, number in connection.exec_driver_sql(*self._ask(query, (last,))).fetchall():
            before = days.get(str(day), (0, 0.0))
            days = days | {str(day): (before[0] + int(many), before[1] + float(dollars))}
            last = max(last, int(number))
        self._counted = _Counted(last, days)
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


class _Counted(NamedTuple):
    """Attempts seen so far: the last number, and by day how many and their dollars."""

    last: int
    days: dict[str, tuple[int, float]]

    @property
    def spent(self) -> float:
        return sum(dollars for _, dollars in self.days.values())

    def on(self, day: str) -> int:
        return self.days.get(day, (0, 0.0))[0]


def _quoted(name: str) -> str:
    """A column's name, with its table's before it, as SQL writes it."""
    *table, column = name.split(".")
    return ".".join([*table, f'"{column}"'])


def _numbers(batch: Any) -> list[Any]:
    """First number, last number and name of a batch."""
    if not isinstance(batch, str) or not re.fullmatch(r"\d{1,18}-\d{1,18}", batch):
        raise ValueError(f"batch must be the name of one, such as '1-500'; got {describe(batch)}")
    return [*map(int, batch.split("-")), batch]


def _one_each(given: Any, n: int, name: str) -> list[Any]:
    """One for all, or one for each."""
    words = [given] * n if isinstance(given, str) else list(given) if isinstance(given, Iterable) else [given]
    if len(words) != n:
        raise ValueError(f"{name} must be one text for all decisions or one for each of {n:,}; got {len(words):,}")
    return words


def _utc() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _time(when: Any, name: str) -> datetime.datetime:
    """A point in time as the ledger keeps it; a date is its first moment."""
    return as_times([when], name)[0].item()  # type: ignore[no-any-return]
