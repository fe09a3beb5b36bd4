"""Has it been done once: decisions carried out, within limits, and written down."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from mllayers._check import as_frame, as_integer, as_number, describe

__all__ = ["ActReport", "Book", "Limits", "act"]


@runtime_checkable
class Book(Protocol):
    """What `act` needs of a ledger; `mllayers.ledger.Ledger` has it."""

    def check_decisions(self, decisions: pd.DataFrame) -> pd.DataFrame:
        """Raise what `record_decisions` would raise; the decisions as they are kept."""

    def record_decisions(self, decisions: pd.DataFrame) -> int:
        """Write decisions down, each once."""

    def attempts(self) -> pd.DataFrame:
        """The attempts so far: case, time, cost, day, state ('done', 'failed' or 'in doubt'), note."""

    def start(
        self, case: Any, time: Any, *, cost: float, day: datetime.date, budget: float | None, per_day: int | None
    ) -> str:
        """Claim one decision: 'started', 'known', 'budget' or 'day'."""

    def finish(self, case: Any, time: Any, *, state: str, note: str) -> None:
        """Write down how the attempt ended."""


@dataclass(frozen=True)
class Limits:
    """How much may be spent and how often, over everything the ledger knows.

    Attributes
    ----------
    budget : float, optional
        Dollars that all attempts together may cost.
    per_day : int, optional
        Attempts on one day.
    """

    budget: float | None = None
    per_day: int | None = None

    def __post_init__(self) -> None:
        if self.budget is not None:
            as_number(self.budget, "budget", ge=0)
        if self.per_day is not None:
            as_integer(self.per_day, "per_day", ge=0)


@dataclass(frozen=True)
class ActReport:
    """What `act` did: counts of decisions by how they ended.

    Attributes
    ----------
    done, failed : int
        Carried out now, and tried now without success.
    before : int
        Carried out or failed earlier, or taken up by another program now; not tried again.
    in_doubt : int
        Started earlier and never finished: nobody knows whether it happened, so it is left for somebody to look.
    over_budget, over_day : int
        Left for later: the first that would go over a limit, and all new ones after it.
    dry_run : bool
        Whether nothing was done: then `done` is what would be tried.
    """

    done: int = 0
    failed: int = 0
    before: int = 0
    in_doubt: int = 0
    over_budget: int = 0
    over_day: int = 0
    dry_run: bool = False

    def __str__(self) -> str:
        head = f"dry run, nothing was done: {self.done:,} would be tried" if self.dry_run else f"{self.done:,} done"
        rest = [
            (self.failed, "failed"),
            (self.before, "dealt with before"),
            (self.in_doubt, "in doubt: look at them before anything else"),
            (self.over_budget, "over the budget"),
            (self.over_day, "over the day's limit"),
        ]
        return ", ".join([head, *(f"{count:,} {what}" for count, what in rest if count)])


def act(
    decisions: pd.DataFrame,
    ledger: Book,
    *,
    do: Callable[[dict[str, Any]], object],
    limits: Limits | None = None,
    dry_run: bool = True,
    today: datetime.date | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> ActReport:
    """Carry decisions out, each once, within limits, and write down what happened.

    Parameters
    ----------
    decisions : DataFrame
        One row per decision, with the columns of the ledger (case, time, action, propensity, cost, …) and whatever
        `do` needs. Rows whose action is 'none' are written down and need no doing.
    ledger : Ledger
        Where decisions and attempts are written; it also knows what was done before.
    do : callable
        Takes one decision as a dictionary and does it: sends an e-mail, prints a voucher. An exception counts as
        failed.
    limits : Limits, optional
        Budget in dollars and attempts a day, over all the ledger knows. Decisions are taken in the order given, and
        the first that would go over a limit ends it.
    dry_run : bool, default True
        Say what would be done, or why it would be refused, and do and write nothing.
    today : date, optional
        The day that the limit per day counts; by default the computer's.
    progress : callable, optional
        Called as ``progress(decisions_dealt_with, decisions)``.

    Returns
    -------
    ActReport
        How many were done, failed, were dealt with before, are in doubt, or were left because of a limit.

    Raises
    ------
    TypeError, ValueError
        For a frame without the columns, a `do` that cannot be called, and whatever the ledger refuses (such as a
        decision without a known propensity): then nothing was done.
    LedgerError
        If the ledger cannot be written. What was being done at that moment is in doubt; run again for the rest.

    Notes
    -----
    Each decision is claimed in the ledger before it is done, and its end is written after. A program that is stopped
    between the two leaves it **in doubt**: it may have happened, so it is counted and never repeated blindly. One that
    failed is not repeated either; decide again, with a new time. Taught in notebook 04, *Acting once*.

    References
    ----------
    Helland (2012), "Idempotence Is Not a Medical Condition", ACM Queue 10(4).

    Examples
    --------
    >>> from mllayers.ledger import Ledger
    >>> decisions = pd.DataFrame({"case": ["a", "b"], "time": pd.Timestamp("2026-03-01"), "action": "voucher",
    ...                           "propensity": 0.9, "cost": 5.0})
    >>> with Ledger() as ledger:
    ...     print(act(decisions, ledger, do=print))
    ...     print(act(decisions, ledger, do=lambda one: None, dry_run=False, limits=Limits(budget=5)))
    dry run, nothing was done: 2 would be tried
    1 done, 1 over the budget
    """
    frame = as_frame(decisions, "decisions", ["case", "time", "action", "propensity", "cost"])
    if not callable(do):
        raise TypeError(f"do must be a function that takes one decision; got {describe(do)}")
    if not isinstance(ledger, Book):
        raise TypeError(f"ledger must be a Ledger; got {describe(ledger)}")
    limits, day = limits or Limits(), _day(today)
    kept = ledger.check_decisions(frame)
    if not dry_run:
        ledger.record_decisions(frame)
    before = ledger.attempts()
    known = dict(zip(zip(before["case"], before["time"], strict=True), before["state"], strict=True))
    spent, that_day = float(before["cost"].sum()), int((before["day"] == pd.Timestamp(day)).sum())
    needs_doing = ((kept["action"] != "none") & ~kept.duplicated(["case", "time"])).to_numpy()
    rows, kept = frame[needs_doing].to_dict("records"), kept[needs_doing]
    counts, stopped = dict.fromkeys(("done", "failed", "before", "in_doubt", "over_budget", "over_day"), 0), ""
    for number, (row, case, time, cost) in enumerate(zip(rows, kept["case"], kept["time"], kept["cost"], strict=True)):
        if (case, time) in known:
            came = "in_doubt" if known[case, time] == "in doubt" else "before"
        elif stopped:
            came = stopped
        elif dry_run:
            spent, that_day = spent + cost, that_day + 1
            came = _would_be(spent, that_day, limits)
        else:
            came = _do_one(row, (case, time), cost, ledger, do, limits, day)
        stopped = came if came in ("over_budget", "over_day") else stopped
        counts[came] += 1
        if progress is not None:
            progress(number + 1, len(rows))
    return ActReport(**counts, dry_run=dry_run)


def _day(today: Any) -> datetime.date:
    if today is None:
        return datetime.date.today()
    if not isinstance(today, datetime.date):
        raise TypeError(f"today must be a date; got {describe(today)}")
    return today.date() if isinstance(today, datetime.datetime) else today


def _would_be(spent: float, that_day: int, limits: Limits) -> str:
    """Whether one more attempt, counted in, stays within the limits; as the ledger says it."""
    if limits.per_day is not None and that_day > limits.per_day:
        return "over_day"
    return "over_budget" if limits.budget is not None and round(spent, 6) > limits.budget else "done"


def _do_one(
    row: dict[Any, Any],
    key: tuple[str, datetime.datetime],
    cost: float,
    ledger: Book,
    do: Callable[[dict[str, Any]], object],
    limits: Limits,
    day: datetime.date,
) -> str:
    """Claim one decision, do it, write down how it ended; that, as a field of the report."""
    came = ledger.start(*key, cost=cost, day=day, budget=limits.budget, per_day=limits.per_day)
    if came != "started":
        return {"known": "before", "budget": "over_budget", "day": "over_day"}[came]
    try:
        do(row)
    except Exception as error:  # whatever it was, it is written down and the others still get their turn
        ledger.finish(*key, state="failed", note=f"{type(error).__name__}: {error}")
        return "failed"
    ledger.finish(*key, state="done", note="")
    return "done"
