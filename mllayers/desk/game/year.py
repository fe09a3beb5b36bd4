"""A year at a desk, month by month: what every desk has in common."""

from __future__ import annotations

import copy
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from scipy import stats
from threadpoolctl import threadpool_limits

from mllayers._check import as_integer, describe
from mllayers.desk.game.choices import Choices

MONTHS = 12
BEFORE = 6  # months that old rules decided before the year
DAYS = 30  # in a month
FREE = "Alarms cost nothing; where nothing happens, each sounds in about one month of a hundred."
ALPHA = 0.01  # how often an alarm sounds in a month in which nothing happens


class Year(ABC):
    """Twelve months at a desk, played: what a team would see of each month, and nothing else, until the year is over.

    Parameters
    ----------
    seed : int
        Which year: same seed and choices, same year.
    size : int
        Orders or customers a month.

    Attributes
    ----------
    choices : list of Choices
        Those of each month so far.
    name : str
        Of a replay; the first play has none.

    Raises
    ------
    TypeError, ValueError
        If a number is none, or out of range.
    """

    desk: ClassVar[str]
    kind: ClassVar[type[Choices]]
    smallest: ClassVar[int] = 500
    alarm_words: ClassVar[Mapping[str, str]]  # what each alarm looks at
    event_words: ClassVar[Mapping[str, str]]  # what may happen
    rule_alarms: ClassVar[frozenset[str]]  # those that a team's own change of choices may set off
    words: ClassVar[Mapping[str, str]]  # what the words of the debrief mean
    books: ClassVar[str] = "booked"  # what a team's own dollars are called
    in_dollars: ClassVar[tuple[str, ...]] = ("booked",)  # columns of `seen`

    def __init__(self, *, seed: int, size: int) -> None:
        self.seed = as_integer(seed, "seed", ge=0)
        self.size = as_integer(size, "size", ge=self.smallest, le=100_000)
        self.name = ""
        self._begin(self._events_of(self.seed), self.seed)

    def _begin(self, events: Mapping[str, Any], seed: int) -> None:
        self.choices: list[Any] = []
        self._events = dict(events)
        self._runs = [self._start(seed)]
        self._seen: list[dict[str, Any]] = []
        self._rang: list[Mapping[str, str]] = []  # which alarms sounded, and what each saw

    @property
    def done(self) -> int:
        """How many months are decided."""
        return len(self.choices)

    @property
    def left(self) -> int:
        """How many months are left."""
        return MONTHS - self.done

    @property
    def seen(self) -> pd.DataFrame:
        """What a team would see: one row per month so far; ``booked`` is what its books say, in dollars."""
        return pd.DataFrame(self._seen, index=self._months(len(self._seen)))

    def booked(self) -> list[float]:
        """Dollars booked in each month, as a team would see them."""
        return [float(row["booked"]) for row in self._seen]

    def sounded(self, month: int) -> list[str]:
        """Which of the alarms that were watched sounded in a month (1 to 12)."""
        return [self.alarm_words[name] for name in self.choices[month - 1].watch if name in self._rang[month - 1]]

    def alarms_told(self, month: int) -> str:
        """The alarms of a month (1 to 12) in a sentence: what each that was heard saw."""
        choices, rang = self.choices[month - 1], self._rang[month - 1]
        changed = month > 1 and replace(self.choices[month - 2], watch=choices.watch) != choices
        heard = []
        for name in choices.watch:
            if name in rang:
                own = "; you had changed your choices" if changed and name in self.rule_alarms else ""
                heard.append(f"{self.alarm_words[name]} ({rang[name]}{own})")
        if heard:
            return f"ALARM: {'; '.join(heard)}."
        return f"No alarm sounded ({len(choices.watch)} on)." if choices.watch else "No alarm was switched on."

    @abstractmethod
    def opening(self) -> str:
        """What a team is told on its first day."""

    @abstractmethod
    def told(self, month: int) -> list[str]:
        """What a team would see of a month (1 to 12), in sentences."""

    @abstractmethod
    def rows(self) -> pd.DataFrame:
        """What was decided about each case so far: rows of a ledger, without outcomes."""

    @abstractmethod
    def _events_of(self, seed: int) -> dict[str, Any]:
        """What happens in a year, and from which month on, counted from the first of the months before it."""

    @abstractmethod
    def _start(self, seed: int) -> Any:
        """The desk on the first day: what `_act` takes."""

    @abstractmethod
    def _act(self, run: Any, choices: Any) -> Any:
        """The desk after one month more; the one that is given stays as it is."""

    @abstractmethod
    def _look(self) -> tuple[dict[str, Any], Mapping[str, str]]:
        """What a team would see of the last month; which alarms sound, switched on or not, and what each saw."""

    # --- for the debrief: what nobody at the desk can see

    def happened(self) -> pd.Series:
        """What happened, by the month (1 to 12) in which it began."""
        began: dict[int, list[str]] = {}
        for name, when in self._events.items():
            month = (min(when) if isinstance(when, tuple) else when) - BEFORE + 1
            began.setdefault(month, []).append(self.event_words[name])
        by_month = pd.Series({month: "; ".join(what) for month, what in began.items()}, dtype=object)
        return by_month.sort_index().rename_axis("month")

    def alarms(self) -> pd.DataFrame:
        """Whether each alarm (a column) sounds in each month, switched on or not."""
        return self._by_alarm(self._rang)

    def watched(self) -> pd.DataFrame:
        """Whether each alarm (a column) was switched on in each month."""
        return self._by_alarm([choices.watch for choices in self.choices])

    def _by_alarm(self, months: Sequence[Collection[str]]) -> pd.DataFrame:
        rows = [[name in those for name in self.alarm_words] for those in months]
        return pd.DataFrame(rows, index=self._months(self.done), columns=list(self.alarm_words.values()))

    @abstractmethod
    def lost(self) -> pd.DataFrame:
        """Dollars by month: column ``clairvoyant``, what whoever knows the truth makes, and what each cause lost."""

    @abstractmethod
    def truth(self) -> pd.DataFrame:
        """What was true, month by month, with ``booked``, ``true`` and ``clairvoyant`` in dollars."""

    def _with_money(self, truth: pd.DataFrame) -> pd.DataFrame:
        """What was true, and the dollars booked, made, and made by the clairvoyant."""
        lost = self.lost()
        made = 2 * lost["clairvoyant"] - lost.sum(axis=1)
        return truth.assign(booked=self.seen["booked"], true=made, clairvoyant=lost["clairvoyant"])

    @abstractmethod
    def others(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """The same year as other teams play it: names, and what each lost (as `lost`)."""

    @abstractmethod
    def changes(self) -> list[tuple[str, dict[str, Any]]]:
        """Single changes that are worth trying: in words, and as choices."""

    def elsewhere(self, number: int) -> Self:
        """A year in which the same happens in the same months to other orders or customers."""
        other = copy.copy(self)
        other._begin(self._events, hidden("elsewhere", self.seed, number))
        return other

    @staticmethod
    def _months(n: int) -> pd.RangeIndex:
        return pd.RangeIndex(1, n + 1, name="month")

    # --- playing

    def next_month(self, choices: Any) -> pd.Series:
        """Decide a month, and see what a team would see at its end.

        Parameters
        ----------
        choices : Choices
            Of this desk.

        Returns
        -------
        Series
            The new row of `seen`.

        Raises
        ------
        TypeError, ValueError
            If the year is over, or the choices are none of this desk's or cannot be carried out; the year is as it was.
        """
        if not isinstance(choices, self.kind):
            raise TypeError(f"choices must be {self.kind.__name__}(…); got {describe(choices)}")
        if not self.left:
            raise ValueError(f"the year is over after {MONTHS} months; replay it from a month: replay(1)")
        with threadpool_limits(1):  # the same bits whatever the machine, and no slower: the fits are small
            self._runs.append(self._act(self._runs[-1], choices))
            self.choices.append(choices)
            seen, rang = self._look()
        self._seen.append(seen)
        self._rang.append(rang)
        return self.seen.iloc[-1]

    def unseen(self, choices: Iterable[Any]) -> Self:
        """Decide months without looking at them, which is faster; such a year is only good for its truth."""
        with threadpool_limits(1):
            for each in choices:
                self._runs.append(self._act(self._runs[-1], each))
                self.choices.append(each)
        return self

    def replay(self, month: int, *, name: str = "") -> Self:
        """The same year again from a month: the months before it are as they were played.

        Parameters
        ----------
        month : int, 1 to 12
            The month that is to be decided again.
        name : str
            What the replay is called.

        Returns
        -------
        Year
            Another one; this one stays as it is.

        Raises
        ------
        TypeError, ValueError
            If that month has not been reached.
        """
        last = min(self.done + 1, MONTHS)
        month = as_integer(month, "month", ge=1, le=last)
        again, before = copy.copy(self), month - 1
        again.name = name
        again._runs, again.choices = self._runs[:month], self.choices[:before]
        again._seen, again._rang = self._seen[:before], self._rang[:before]
        return again

    @property
    def label(self) -> str:
        """Its number, and which replay it is."""
        return label_of({"seed": self.seed, "name": self.name})

    def short(self) -> float:
        """Dollars short of the clairvoyant so far."""
        return float(self.lost().drop(columns="clairvoyant").to_numpy().sum())

    def to_dict(self) -> dict[str, Any]:
        """All that is needed to have this year again, for a file; of a year that is over, how it ended as well."""
        ended = {} if self.left else {"short": round(self.short(), 2)}
        return {
            "desk": self.desk,
            "seed": self.seed,
            "size": self.size,
            "name": self.name,
            "choices": [choices.to_dict() for choices in self.choices],
            "booked": [round(x, 2) for x in self.booked()],
            **ended,
        }

    @classmethod
    def from_dict(cls, told: Any) -> Self:
        """A year out of a file: its months are played again.

        Raises
        ------
        TypeError, ValueError
            If it is no year of this desk, or comes out otherwise than it was kept (other versions of the packages).
        """
        if not isinstance(told, Mapping) or told.get("desk") != cls.desk:
            raise ValueError(f"the file must hold a year at the {cls.desk} desk; got {describe(told)}")
        played, kept = told.get("choices"), told.get("booked")
        if not isinstance(played, list) or len(played) > MONTHS:
            raise ValueError(f"choices must be those of at most {MONTHS} months; got {describe(played)}")
        again = cls(seed=told.get("seed"), size=told.get("size"))  # type: ignore[arg-type]
        again.name = str(told.get("name") or "")
        for each in played:
            again.next_month(cls.kind.from_dict(each))
        if [round(x, 2) for x in again.booked()] != kept:
            raise ValueError("the months come out otherwise than they were kept: by another version of the packages?")
        return again


def label_of(kept: Mapping[str, Any]) -> str:
    """What a year out of a file is called: its number, and which replay it is."""
    return f"year {kept.get('seed')}{', ' if kept.get('name') else ''}{kept.get('name') or ''}"


def drawn_events(key: str, seed: int, spans: Mapping[str, tuple[int, int]], twice: Collection[str]) -> dict[str, Any]:
    """What happens in a year: each event comes in four years of five, in a month of its span.

    Those of ``twice`` last two months and are a pair of them.
    """
    rng = np.random.default_rng([hidden(key, seed)])
    drawn = {name: (int(rng.integers(*span)), rng.random() < 0.8) for name, span in spans.items()}
    return {name: (at, at + 1) if name in twice else at for name, (at, comes) in drawn.items() if comes}


def unusual(hits: int, before: int, n: int, n_before: int, side: str) -> bool:
    """Whether there are more hits, or fewer, than those of before let expect: the exact test of two Poisson counts."""
    if hits + before == 0:
        return False
    return bool(stats.binomtest(hits, hits + before, n / (n + n_before), side).pvalue < ALPHA)


def hidden(*key: Any) -> int:
    """A seed that nobody can tell from the year's."""
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:4], "big")
