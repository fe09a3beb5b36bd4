"""Has it been done once: decisions carried out, within limits, and written down."""

from __future__ import annotations

import datetime
import inspect
import subprocess
import threading
import zoneinfo
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mllayers._check import as_flag, as_frame, as_integer, as_number, as_times, describe
from mllayers._results import Result
from mllayers._words import dollars

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ActReport", "Book", "Limits", "act"]


@runtime_checkable
class Book(Protocol):
    """What `act` needs of a ledger; `mllayers.ledger.Ledger` has it.

    Notes
    -----
    Taught in notebook 04, *Acting once*.
    """

    def check_decisions(self, decisions: pd.DataFrame) -> pd.DataFrame:
        """Raise what `record_decisions` would raise; the decisions as they are kept."""

    def record_decisions(self, decisions: pd.DataFrame) -> int:
        """Write decisions down, each once."""

    def overrides(self, *, of: pd.DataFrame) -> pd.DataFrame:
        """Where a person decided otherwise about these decisions: case, time, action, by, reason, at."""

    def attempts(self, *, of: pd.DataFrame, patience: datetime.timedelta, now: Any) -> pd.DataFrame:
        """The attempts at these decisions: case, time, state ('done', 'failed', 'started' or 'in doubt')."""

    def spending(self) -> pd.DataFrame:
        """All attempts by day: day, attempts, cost."""

    def start(
        self,
        case: Any,
        time: Any,
        *,
        cost: float,
        day: datetime.date,
        budget: float | None,
        per_day: int | None,
        at: Any,
    ) -> str:
        """Claim one decision: 'started', 'known', 'overridden', 'budget' or 'day'."""

    def finish(self, case: Any, time: Any, *, state: str, note: str, at: Any) -> None:
        """Write down how the attempt ended."""

    def start_many(
        self,
        decisions: pd.DataFrame,
        *,
        day: datetime.date,
        budget: float | None,
        per_day: int | None,
        skip: bool,
        at: Any,
    ) -> list[str]:
        """Claim decisions that are carried out together; for each, what `start` says."""

    def finish_many(self, decisions: pd.DataFrame, *, states: list[str], notes: list[str], at: Any) -> None:
        """Write down how attempts ended that were carried out together."""


@dataclass(frozen=True)
class Limits:
    """How much may be spent and how often, over everything the ledger knows.

    Attributes
    ----------
    budget : float, optional
        Dollars that all attempts together may cost.
    per_day : int, optional
        Attempts on one day, in the time zone that `act` is given.

    Raises
    ------
    TypeError, ValueError
        For a budget that is no number ≥ 0, and attempts that are no whole number ≥ 0.

    Notes
    -----
    Taught in notebook 04, *Acting once*.
    """

    budget: float | None = None
    per_day: int | None = None

    def __post_init__(self) -> None:
        if self.budget is not None:
            as_number(self.budget, "budget", ge=0)
        if self.per_day is not None:
            as_integer(self.per_day, "per_day", ge=0)


@dataclass(frozen=True, eq=False, repr=False)
class ActReport(Result):
    """What `act` did: counts of decisions by how they ended.

    Attributes
    ----------
    done, failed : int
        Carried out now, and tried now without success.
    before : int
        Carried out or failed earlier; not tried again.
    under_way : int
        Begun a short while ago by another program, or taken up by one now; that one will say how they end.
    in_doubt : int
        Begun earlier and never finished: nobody knows whether it happened, so it is left for somebody to look.
    overridden : int
        A person decided otherwise; left to that person.
    idle : int
        The action leaves the case alone: written down, nothing to do.
    over_budget, over_day : int
        Left for later because of a limit.
    left : float
        Dollars of what was left for later.
    dry_run : bool
        Whether nothing was done: then `done` is what would be tried.

    Notes
    -----
    Taught in notebook 04, *Acting once*.
    """

    done: int = 0
    failed: int = 0
    before: int = 0
    under_way: int = 0
    in_doubt: int = 0
    overridden: int = 0
    idle: int = 0
    over_budget: int = 0
    over_day: int = 0
    left: float = 0.0
    dry_run: bool = False

    def _line(self) -> str:
        head = f"dry run, nothing was done: {self.done:,} would be tried" if self.dry_run else f"{self.done:,} done"
        rest = [
            (self.failed, "failed"),
            (self.before, "dealt with before"),
            (self.under_way, "under way elsewhere"),
            (self.in_doubt, "in doubt: look at them before anything else"),
            (self.overridden, "left to the people who overrode them"),
            (self.idle, "idle"),
            (self.over_budget, "over the budget"),
            (self.over_day, "over the day's limit"),
        ]
        told = ", ".join([head, *(f"{n:,} {what}" for n, what in rest if n)])
        return told + f" ({dollars(self.left)} left for later)" * bool(self.over_budget or self.over_day)


def act(
    decisions: Any,
    ledger: Book,
    *,
    do: Callable[[Any], object],
    limits: Limits | None = None,
    dry_run: bool = True,
    batch: int | None = None,
    idle: str | EllipsisType | None = ...,
    skip: bool = False,
    zone: str = "UTC",
    patience: datetime.timedelta = datetime.timedelta(minutes=10),
    now: Callable[[], datetime.datetime] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> ActReport:
    """Carry decisions out, each once, within limits, and write down what happened.

    Parameters
    ----------
    decisions : DataFrame (pandas, Polars or Arrow)
        One row per decision, as `Policy.plan` returns them: the columns of the ledger (case, time, action,
        propensity, cost, idle, …) and whatever `do` needs.
    ledger : Ledger
        Where decisions and attempts are written; it also knows what was done before.
    do : callable
        Takes one decision as a dictionary and has done it when it returns: has sent an e-mail, has printed a voucher.
        An exception counts as failed, and its words are kept in the ledger: let no names stand in them. With `batch`
        it takes a DataFrame of several decisions, and returns nothing when all of them are done, or for each of them,
        in their order, nothing where it is done and words where it failed.
    limits : Limits, optional
        Budget in dollars and attempts a day, over all the ledger knows. Decisions are taken in the order given, and
        the first that would go over a limit ends it.
    dry_run : bool, default True
        Say what would be done, or why it would be refused, and do and write nothing.
    batch : int, optional
        How many decisions are claimed, given to `do` and ended together, with one commit before and one after: for
        hundreds of thousands of decisions, and for a `do` that hands over a list. By default each decision is
        claimed and done for itself.
    idle : str or None, optional
        The action that leaves a case alone, where the decisions have no column ``idle``; None where there is none, so
        that every row is carried out. Rows with the idle action are written down, never carried out, and count for no
        limit.
    skip : bool, default False
        Pass over decisions that would go over the budget, and go on with cheaper ones behind them.
    zone : str, default 'UTC'
        The time zone whose days the limit per day counts, such as 'Europe/Madrid'. Programs that share a ledger should
        name the same one. Each decision is asked for its day when it is begun.
    patience : timedelta, default 10 minutes
        How long an attempt of another program may be under way before it is in doubt. Longer than the longest `do`.
    now : callable, optional
        Says what time it is; by default the computer's clock. For rehearsals: ``lambda: datetime(2026, 7, 1, 9)``
        (without a zone: UTC).
    progress : callable, optional
        Called as ``progress(decisions_dealt_with, decisions)``.

    Returns
    -------
    ActReport
        How many were done, failed, were dealt with before, are in doubt, or were left because of a limit.

    Raises
    ------
    TypeError, ValueError
        For a frame without the columns, decisions that do not say which action is idle, a `do` that cannot be called
        or would not have done its work when it returns (async functions, generators), and whatever the ledger refuses
        (such as a decision without a known propensity): then nothing was done or written.
    LedgerError
        If the ledger cannot be written. The message says how many were done before, and which one is in doubt.

    Notes
    -----
    Each decision is claimed in the ledger before it is done, and its end is written after. A program that is stopped
    between the two leaves it **in doubt**: it may have happened, so it is counted and never repeated blindly. One that
    failed is not repeated either; decide again, with a new time. A deed that is only promised (a coroutine, a task, a
    future, a generator that `do` returned) is failed: nobody saw it happen.

    **In batches** the same holds for a whole batch: each decision is begun at most once, and what is in doubt is one
    batch at most. An exception of `do` says nothing of the single decisions, so it leaves its batch in doubt and ends
    the run; a failure that is known is returned, not raised. The attempts of a batch bear its name in the ledger
    (``ledger.attempts(batch='1-500')``), so that ``finish_many`` ends them once somebody has looked. Give very many
    decisions in parts that fit into memory: a run asks the ledger about its own decisions only.

    Taught in notebook 04, *Acting once*.

    References
    ----------
    Helland (2012), "Idempotence Is Not a Medical Condition", ACM Queue 10(4).

    Examples
    --------
    >>> import pandas as pd
    >>> from mllayers.ledger import Ledger
    >>> decisions = pd.DataFrame({"case": ["a", "b", "c"], "time": pd.Timestamp("2026-03-01"), "propensity": 0.9,
    ...                           "action": ["voucher", "voucher", "nothing"], "idle": "nothing", "cost": [5, 5, 0]})
    >>> with Ledger() as ledger:
    ...     print(act(decisions, ledger, do=print))
    ...     print(act(decisions, ledger, do=lambda one: None, dry_run=False, limits=Limits(budget=5)))
    dry run, nothing was done: 2 would be tried, 1 idle
    1 done, 1 idle, 1 over the budget ($5 left for later)

    A list that is handed over whole, of which one address does not exist:

    >>> def hand_over(letters):
    ...     return ["no such address" if case == "b" else None for case in letters["case"]]
    >>> with Ledger() as ledger:
    ...     print(act(decisions, ledger, do=hand_over, batch=500, dry_run=False))
    1 done, 1 failed, 1 idle
    """
    frame = as_frame(decisions, "decisions", ["case", "time", "action", "propensity", "cost"])
    frame = as_frame(frame, "decisions", frame.columns)  # `do` gets a row by the names of its columns
    _refuse_promises(do)
    if not isinstance(ledger, Book):
        raise TypeError(f"ledger must be a Ledger; got {describe(ledger)}")
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"limits must be Limits(budget=…, per_day=…) or None; got {describe(limits)}")
    dry_run, skip = as_flag(dry_run, "dry_run"), as_flag(skip, "skip")
    batch = None if batch is None else as_integer(batch, "batch", ge=1)
    for given, name in ((now, "now"), (progress, "progress")):
        if given is not None and not callable(given):
            raise TypeError(f"{name} must be a function; got {describe(given)}")
    if not isinstance(patience, datetime.timedelta) or patience < datetime.timedelta(0):
        raise TypeError(f"patience must be a timedelta, not below zero; got {describe(patience)}")
    frame = _with_idle(frame, idle)
    run = _Run(ledger, do, limits or Limits(), skip, _Clock(now, zone), dry_run)
    kept = ledger.check_decisions(frame)
    first = ~kept.duplicated(["case", "time"])
    rests = kept["action"] == kept["idle"]
    if not dry_run:
        ledger.record_decisions(frame)
    run.counts["idle"] = int((first & rests).sum())
    needs_doing = (first & ~rests).to_numpy()
    frame, kept = frame[needs_doing], kept.loc[needs_doing, ["case", "time", "cost"]]
    run.look(kept, patience)
    try:
        for number in run.each(frame, kept) if batch is None or dry_run else run.batches(frame, kept, batch):
            if progress is not None:
                progress(number, len(kept))
    except BaseException as error:
        _say_where(error, run)
        raise
    return run.report()


class _Clock:
    """What time it is, and which day in the time zone."""

    def __init__(self, now: Callable[[], datetime.datetime] | None, zone: str) -> None:
        self.now = now
        try:
            self.zone = zoneinfo.ZoneInfo(zone)
        except (TypeError, AttributeError):
            raise TypeError(
                f"zone must be the name of a time zone, such as Europe/Madrid; got {describe(zone)}"
            ) from None
        except (ValueError, KeyError, OSError):
            raise ValueError(
                f"zone must be the name of a time zone, such as Europe/Madrid; got {describe(zone)}"
            ) from None
        self()

    def __call__(self) -> datetime.datetime:
        """Now, in UTC and without a zone, as the ledger keeps times."""
        moment = datetime.datetime.now(datetime.UTC) if self.now is None else self.now()
        if not isinstance(moment, datetime.datetime):
            raise TypeError(f"now must return a datetime; got {describe(moment)}")
        return as_times([moment], "now")[0].item()  # type: ignore[no-any-return]

    def day(self, moment: datetime.datetime) -> datetime.date:
        try:
            return moment.replace(tzinfo=datetime.UTC).astimezone(self.zone).date()
        except OverflowError:
            raise ValueError(f"now must lie in the years 1 to 9999 in {self.zone.key}; got {moment} UTC") from None


_REFUSED = {"known": "under_way", "overridden": "overridden", "budget": "over_budget", "day": "over_day"}


class _Run:
    """One run of `act`: what it knows of earlier ones, and what came of each decision so far."""

    def __init__(
        self,
        ledger: Book,
        do: Callable[[Any], object],
        limits: Limits,
        skip: bool,
        clock: _Clock,
        dry_run: bool,
    ) -> None:
        self.ledger, self.do, self.limits, self.skip = ledger, do, limits, skip
        self.clock, self.dry_run = clock, dry_run
        self.counts = {name: 0 for name in ActReport.__dataclass_fields__ if name not in ("left", "dry_run")}
        self.left, self.stopped = 0.0, ""
        self.hand: pd.DataFrame | None = None  # the decisions in hand: case and time
        self.claimed = False

    def look(self, kept: pd.DataFrame, patience: datetime.timedelta) -> None:
        """What was begun before, by anybody."""
        before = self.ledger.attempts(of=kept, patience=patience, now=self.clock())
        self.known = dict(zip(zip(before["case"], before["time"], strict=True), before["state"], strict=True))
        others = self.ledger.overrides(of=kept)
        self.others = set(zip(others["case"], others["time"], strict=True))
        self.spent, self.days = 0.0, dict[datetime.date, int]()
        if self.dry_run:
            spending = self.ledger.spending()
            self.spent = float(spending["cost"].sum())
            self.days = dict(zip(spending["day"].dt.date, spending["attempts"], strict=True))

    def each(self, frame: pd.DataFrame, kept: pd.DataFrame) -> Iterator[int]:
        """Deal with the decisions one by one; how many have been dealt with."""
        rows = [{}] * len(kept) if self.dry_run else frame.to_dict("records")
        cases = zip(rows, kept["case"].tolist(), kept["time"].tolist(), kept["cost"].tolist(), strict=True)
        for number, (row, case, time, cost) in enumerate(cases, start=1):
            key = (case, time)
            self.hand = kept[number - 1 : number]
            came = self._before(key) or self.stopped
            if not came:
                came = self._would_be(cost) if self.dry_run else self._carry_out(row, key, cost)
            self._count(came, cost)
            self.hand = None
            yield number

    def batches(self, frame: pd.DataFrame, kept: pd.DataFrame, size: int) -> Iterator[int]:
        """Deal with so many decisions at a time; how many have been dealt with."""
        for begin in range(0, len(kept), size):
            self.hand = part = kept[begin : begin + size]
            came = [self.stopped] * len(part)
            if self.known or self.others:
                keys = zip(part["case"].tolist(), part["time"].tolist(), strict=True)
                came = [self._before(key) or self.stopped for key in keys]
            still = [row for row, what in enumerate(came) if not what]
            if still:
                told = self._carry_out_together(frame[begin : begin + size].iloc[still], part.iloc[still])
                for row, what in zip(still, told, strict=True):
                    came[row] = what
            for what, cost in zip(came, part["cost"].tolist(), strict=True):
                self._count(what, cost)
            self.hand = None
            yield begin + len(part)

    def _before(self, key: tuple[str, Any]) -> str:
        """What became of a decision before this run; '' where nothing did."""
        words = {"done": "before", "failed": "before", "started": "under_way", "in doubt": "in_doubt"}
        return words[self.known[key]] if key in self.known else "overridden" if key in self.others else ""

    def _count(self, came: str, cost: float) -> None:
        """Count how one decision was dealt with."""
        self.counts[came] += 1
        if came in ("over_budget", "over_day"):
            self.left += cost
            if came == "over_day" or not self.skip:
                self.stopped = came

    def _would_be(self, cost: float) -> str:
        """Whether one more attempt stays within the limits; as the ledger says it."""
        day, budget, per_day = self.clock.day(self.clock()), self.limits.budget, self.limits.per_day
        if per_day is not None and self.days.get(day, 0) + 1 > per_day:
            return "over_day"
        if budget is not None and round(self.spent + cost, 6) > budget:
            return "over_budget"
        self.spent, self.days[day] = self.spent + cost, self.days.get(day, 0) + 1
        return "done"

    def _carry_out(self, row: dict[Any, Any], key: tuple[str, Any], cost: float) -> str:
        """Claim one decision, do it, write down how it ended; that, as a field of the report."""
        moment = self.clock()
        limits = {"budget": self.limits.budget, "per_day": self.limits.per_day}
        came = self.ledger.start(*key, cost=cost, day=self.clock.day(moment), at=moment, **limits)  # type: ignore[arg-type]
        if came != "started":
            return _REFUSED[came]
        self.claimed = True
        try:
            note = _promise(self.do(row))
        except Exception as error:  # whatever it was, it is written down and the others still get their turn
            note = _words_of(error)
        state = "failed" if note else "done"
        self.ledger.finish(*key, state=state, note=note, at=self.clock())
        self.claimed = False
        return state

    def _carry_out_together(self, frame: pd.DataFrame, kept: pd.DataFrame) -> list[str]:
        """Claim several decisions, do them together, write down how they ended; that, as fields of the report."""
        moment = self.clock()
        limits = {"budget": self.limits.budget, "per_day": self.limits.per_day, "skip": self.skip}
        told = self.ledger.start_many(kept, day=self.clock.day(moment), at=moment, **limits)  # type: ignore[arg-type]
        mine = [row for row, came in enumerate(told) if came == "started"]
        states: list[str] = []
        if mine:
            self.hand = kept = kept.iloc[mine]
            self.claimed = True
            notes = _notes(self.do(frame.iloc[mine]), len(mine))
            states = ["failed" if note else "done" for note in notes]
            self.ledger.finish_many(kept, states=states, notes=notes, at=self.clock())
            self.claimed = False
        ended = iter(states)
        return [next(ended) if came == "started" else _REFUSED[came] for came in told]

    def report(self) -> ActReport:
        return ActReport(**self.counts, left=round(self.left, 6), dry_run=self.dry_run)


def _with_idle(frame: pd.DataFrame, idle: str | EllipsisType | None) -> pd.DataFrame:
    """The decisions with their column of the idle action."""
    if idle is ...:
        if "idle" not in frame.columns:
            raise ValueError(
                "decisions must say which action leaves a case alone: a column idle, as Policy.plan writes it, or "
                "idle='the name of that action'; idle=None carries out every row"
            )
        return frame
    if idle is not None and not (isinstance(idle, str) and idle.strip()):
        raise TypeError(f"idle must be the name of an action, or None where there is none; got {describe(idle)}")
    if "idle" not in frame.columns:
        return frame.assign(idle=idle)
    same = frame["idle"].isna() if idle is None else frame["idle"] == idle
    if not same.fillna(value=False).all():
        raise ValueError(f"decisions have a column idle already, and it says something else than idle={idle!r}")
    return frame


def _refuse_promises(do: Any) -> None:
    """Raise for a function that would return before its work is done."""
    if not callable(do):
        raise TypeError(f"do must be a function that takes one decision; got {describe(do)}")
    kinds: dict[str, Callable[[Any], bool]] = {
        "an async function: wrap it, do=lambda one: asyncio.run(send(one))": inspect.iscoroutinefunction,
        "an async generator": inspect.isasyncgenfunction,
        "a generator: write return instead of yield": inspect.isgeneratorfunction,
    }
    for what, is_one in kinds.items():
        if is_one(do) or is_one(type(do).__call__):  # the second for objects that can be called
            raise TypeError(f"do must have done its work when it returns; got {what}")


def _promise(came: object) -> str:
    """Why what `do` returned means that nothing was done yet; '' if it was."""
    if inspect.iscoroutine(came) or inspect.isgenerator(came):
        came.close()  # otherwise Python warns that it never ran
        return f"do returned a {type(came).__name__} that nobody ran, so nothing was done"
    if inspect.isasyncgen(came):
        return "do returned an async generator that nobody ran, so nothing was done"
    if isinstance(came, (map, filter)) or inspect.iscoroutinefunction(came):
        return f"do returned {describe(came)} that nobody ran, so nothing was done"
    if isinstance(came, (list, tuple)):  # one for each of several deeds
        told = [_promise(one) for one in came]  # all of them, so that none is left running
        return next(filter(None, told), "")
    over = came.poll() is not None if isinstance(came, subprocess.Popen) else False
    if isinstance(came, threading.Thread):
        over = came.ident is not None and not came.is_alive()
    if isinstance(came, (threading.Thread, subprocess.Popen)) and not over:
        return f"do returned {describe(came)} instead of waiting for it: whether it happens, nobody sees"
    if inspect.isawaitable(came) or isinstance(came, Future):
        came.cancel() if hasattr(came, "cancel") else None
        return f"do returned {describe(came)} instead of waiting for it: whether it happens, nobody sees"
    return ""


def _notes(came: object, n: int) -> list[str]:
    """What is to be said of each of several deeds: '' where it was done, else why not."""
    if came is None:
        return [""] * n
    if hasattr(came, "to_list"):  # a column
        came = came.to_list()
    if not isinstance(came, (list, tuple)):
        if promise := _promise(came):
            return [promise] * n
        raise TypeError(f"do must return nothing, or for each decision nothing or why it failed; got {describe(came)}")
    if len(came) != n:
        raise TypeError(f"do must return nothing, or one entry for each of {n:,} decisions; got {len(came):,}")
    for one in came:
        if one is not None and not isinstance(one, str):
            raise TypeError(f"do must return nothing or words for a decision; got {describe(one)}")
    return [_storable_words(one or "") for one in came]


def _words_of(error: Exception) -> str:
    """Kind and message of an error, as text that can be stored."""
    try:
        told = str(error)
    except Exception:  # a message that cannot be made is no reason to stop
        told = "(its message cannot be read)"
    return _storable_words(f"{type(error).__name__}: {told}")


def _storable_words(told: str) -> str:
    """Text that every ledger can keep."""
    text = told.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()
    return text if len(text) <= 2_000 else f"{text[:2_000]}…"


def _say_where(error: BaseException, run: _Run) -> None:
    """Add to an error how far the run had come."""
    done = f"{run.counts['done']:,} done before" + f", {run.counts['failed']:,} failed" * bool(run.counts["failed"])
    if run.dry_run:
        where = "It was a dry run: nothing was done"
    elif run.hand is None:
        where = f"The run was stopped: {done}, none in doubt"
    else:
        n, cases, times = len(run.hand), run.hand["case"], run.hand["time"]
        case = f"case {cases.iloc[0]} at {times.iloc[0]}"
        if n == 1:
            rest = f"1 in doubt, {case}: look whether it happened" if run.claimed else f"{case} was not carried out"
        else:
            these = f"from {case} to case {cases.iloc[-1]}"
            rest = f"{n:,} in doubt, {these}: look whether they happened"
            rest = rest if run.claimed else f"the next {n:,}, {these}, were not carried out"
        where = f"The run was stopped: {done}, {rest}"
    if len(error.args) == 1 and isinstance(error.args[0], str) and isinstance(error, Exception):
        error.args = (f"{error.args[0]} {where}.",)
    else:
        error.add_note(f"{where}.")
