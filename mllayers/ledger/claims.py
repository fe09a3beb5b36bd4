"""Attempts that are claimed and ended together: one commit for a batch instead of one for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from mllayers.ledger import rows
from mllayers.ledger.schema import ATTEMPTS, ENDINGS, OVERRIDES

__all__ = ["Room", "claim", "end"]


class Room:
    """What the limits leave, as attempts are claimed one after the other.

    Attributes
    ----------
    spent : float
        Dollars of all attempts so far.
    today : int
        Attempts so far on the day in question.
    """

    def __init__(self, spent: float, today: int, budget: float | None, per_day: int | None) -> None:
        self.spent, self.today, self.budget, self.per_day = spent, today, budget, per_day

    def refuses(self, cost: float, more: int = 1) -> str:
        """'day' or 'budget' where so many more attempts, of this cost together, would go over; else ''."""
        if self.per_day is not None and self.today + more > self.per_day:
            return "day"
        if self.budget is not None and round(self.spent + cost, 6) > self.budget:
            return "budget"
        return ""

    def take(self, cost: float) -> None:
        """Count one attempt."""
        self.spent, self.today = self.spent + cost, self.today + 1


def claim(
    connection: sa.Connection,
    keys: list[rows.Row],
    costs: Sequence[float],
    *,
    day: Any,
    begun: Any,
    last: int,
    room: Room,
    skip: bool,
) -> list[str]:
    """Claim what may be claimed, in the order given, as one batch.

    Parameters
    ----------
    keys
        Cases and times as the driver takes them, each once.
    last
        The number of the last attempt so far.

    Returns
    -------
    list of str
        What became of each, in the words of `Ledger.start`.
    """

    def begin(these: Sequence[int]) -> int:
        batch = f"{last + 1}-{last + len(these)}" if len(these) > 1 else None
        attempts = [
            (*keys[row], costs[row], day, begun, number, batch) for number, row in enumerate(these, start=last + 1)
        ]
        return rows.write(connection, ATTEMPTS, attempts)

    nobody = not connection.exec_driver_sql(f"SELECT EXISTS (SELECT 1 FROM {OVERRIDES})").scalar_one()
    if nobody and not room.refuses(sum(costs), len(costs)):  # then, nearly always, all of them can be claimed unseen
        with connection.begin_nested() as attempt:
            if begin(range(len(keys))) == len(keys):
                return ["started"] * len(keys)
            attempt.rollback()
    known = rows.present(connection, ATTEMPTS, keys)
    overridden = set() if nobody else rows.present(connection, OVERRIDES, keys)
    out, over = [], ""
    for key, cost in zip(keys, costs, strict=True):
        if key in known or key in overridden:
            out.append("known" if key in known else "overridden")
            continue
        refused = over or room.refuses(cost)
        if refused:
            over = "" if skip and refused == "budget" else refused
        else:
            room.take(cost)
        out.append(refused or "started")
    begin([row for row, came in enumerate(out) if came == "started"])
    return out


def end(
    connection: sa.Connection, keys: list[rows.Row], states: Sequence[str], notes: Sequence[str], ended: Any
) -> None:
    """Write down how attempts ended: all of them, or none.

    Raises
    ------
    ValueError
        For one that was never started, or has ended already.
    """
    endings = [(*key, state, note, ended) for key, state, note in zip(keys, states, notes, strict=True)]
    try:
        with connection.begin_nested() as attempt:
            if rows.write(connection, ENDINGS, endings) == len(keys):
                return
            attempt.rollback()
    except IntegrityError:  # one of them belongs to no attempt; which one is said below
        pass
    begun, over = (rows.present(connection, table, keys) for table in (ATTEMPTS, ENDINGS))
    for row, key in enumerate(keys):
        if key not in begun or key in over:
            what = "has ended already" if key in begun else "was never started"
            raise ValueError(f"case {key[0]} at {key[1]} {what} (row {row}; nothing was written)")
    rows.write(connection, ENDINGS, endings)  # so the first error was another, and comes again
