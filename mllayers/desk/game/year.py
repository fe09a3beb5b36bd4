"""A year at a desk, month by month: what every desk has in common."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

import pandas as pd

from mllayers._check import as_integer, describe
from mllayers.desk.game.choices import Choices

MONTHS = 12


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

    Raises
    ------
    TypeError, ValueError
        If a number is none, or out of range.
    """

    desk: ClassVar[str]
    kind: ClassVar[type[Choices]]
    smallest: ClassVar[int] = 500

    def __init__(self, *, seed: int, size: int) -> None:
        self.seed = as_integer(seed, "seed", ge=0)
        self.size = as_integer(size, "size", ge=self.smallest, le=100_000)
        self.choices: list[Any] = []

    @property
    def done(self) -> int:
        """How many months are decided."""
        return len(self.choices)

    @property
    def left(self) -> int:
        """How many months are left."""
        return MONTHS - self.done

    @property
    @abstractmethod
    def seen(self) -> pd.DataFrame:
        """What a team would see: one row per month so far."""

    @abstractmethod
    def sounded(self, month: int) -> list[str]:
        """Which of the alarms that were watched sounded in a month (1 to 12)."""

    @abstractmethod
    def opening(self) -> str:
        """What a team is told on its first day."""

    @abstractmethod
    def told(self, month: int) -> list[str]:
        """What a team would see of a month (1 to 12), in sentences."""

    @abstractmethod
    def _act(self, choices: Any) -> None:
        """One month; it is as if nothing had been asked where this raises an error."""

    @abstractmethod
    def _look(self) -> None:
        """Note what a team would see of the last month."""

    @abstractmethod
    def _branch(self, months: int) -> Self:
        """The same year after so many months."""

    @abstractmethod
    def booked(self) -> list[float]:
        """Dollars booked in each month, as a team would see them."""

    # --- for the debrief: what nobody at the desk can see

    @abstractmethod
    def happened(self) -> pd.Series:
        """What happened, by the month (1 to 12) in which it began."""

    @abstractmethod
    def lost(self) -> pd.DataFrame:
        """Dollars by month: column ``clairvoyant``, what whoever knows the truth makes, and what each cause lost."""

    @abstractmethod
    def truth(self) -> pd.DataFrame:
        """What was true, month by month, with ``booked``, ``true`` and ``clairvoyant`` in dollars."""

    @abstractmethod
    def alarms(self) -> pd.DataFrame:
        """Whether each alarm (a column) sounds in each month, switched on or not."""

    @abstractmethod
    def watched(self) -> pd.DataFrame:
        """Whether each alarm (a column) was switched on in each month."""

    @abstractmethod
    def others(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """The same year as other teams play it: names, and what each lost (as `lost`)."""

    @abstractmethod
    def changes(self) -> list[tuple[str, dict[str, Any]]]:
        """Single changes that are worth trying: in words, and as choices."""

    @abstractmethod
    def _elsewhere(self, number: int) -> Self:
        """A year in which the same happens in the same months to other orders or customers."""

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
        self._act(choices)
        self.choices.append(choices)
        self._look()
        return self.seen.iloc[-1]

    def unseen(self, choices: Iterable[Any]) -> Self:
        """Decide months without looking at them, which is faster; such a year is only good for its truth."""
        for each in choices:
            self._act(each)
            self.choices.append(each)
        return self

    def replay(self, month: int) -> Self:
        """The same year again from a month: the months before it are as they were played.

        Parameters
        ----------
        month : int, 1 to 12
            The month that is to be decided again.

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
        again = self._branch(month - 1)
        again.choices = self.choices[: month - 1]
        return again

    def to_dict(self) -> dict[str, Any]:
        """All that is needed to have this year again, for a file."""
        return {
            "desk": self.desk,
            "seed": self.seed,
            "size": self.size,
            "choices": [choices.to_dict() for choices in self.choices],
            "booked": [round(x, 2) for x in self.booked()],
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
        for each in played:
            again.next_month(cls.kind.from_dict(each))
        if [round(x, 2) for x in again.booked()] != kept:
            raise ValueError("the months come out otherwise than they were kept: by another version of the packages?")
        return again


def hidden(*key: Any) -> int:
    """A seed that nobody can tell from the year's."""
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:4], "big")
