"""After the year: the lights are turned on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import pandas as pd

from mllayers._check import describe
from mllayers._words import count, dollars
from mllayers.desk.game.year import MONTHS, Year

Progress = Callable[[str, int, int], object]
OTHER_YEARS = 6  # hidden seeds with which the choices are played again


class Debrief:
    """What was true in a year that is over, what it cost not to know it, and how it might have gone.

    Parameters
    ----------
    year : Year
        Played to its end.
    beside : mapping of str to float, optional
        Dollars short of other plays of the same year, by their names: they stand among the other teams.
    progress : callable, optional
        Called as ``progress(what, done, of)`` while other years are played: `others`, `helped` and `luck` take seconds,
        each once.

    Raises
    ------
    TypeError, ValueError
        If it is no year, or months are left.

    Examples
    --------
    >>> from mllayers.desk.game import FraudChoices, FraudYear
    >>> year = FraudYear(seed=7, size=500)
    >>> for _ in range(12):
    ...     _ = year.next_month(FraudChoices())
    >>> found = Debrief(year)
    >>> bool(abs(found.waterfall.sum() - found.truth["true"].sum()) < 0.01)
    True
    """

    def __init__(
        self, year: Year, *, beside: Mapping[str, float] | None = None, progress: Progress | None = None
    ) -> None:
        if not isinstance(year, Year):
            raise TypeError(f"year must be a year at a desk, such as FraudYear(…); got {describe(year)}")
        if year.left:
            raise ValueError(f"the lights stay off until the year is over: {count(year.left, 'month')} left")
        self.year, self._progress, self._beside = year, progress, dict(beside or {})
        self._causes: dict[str, pd.Series] = {}  # what each cause lost after a single change

    @cached_property
    def truth(self) -> pd.DataFrame:
        """What was true, month by month, and what happened."""
        return self.year.truth().assign(happened=self.year.happened()).fillna({"happened": ""})

    @cached_property
    def waterfall(self) -> pd.Series:
        """Dollars of the year: what the clairvoyant makes, less what each cause lost; the sum is what was made."""
        lost = self.year.lost().sum()
        return lost.where(lost.index == "clairvoyant", -lost)

    @property
    def short(self) -> float:
        """Dollars short of the clairvoyant."""
        return self.year.short()

    @cached_property
    def others(self) -> pd.DataFrame:
        """The same year by other teams and in other plays: dollars short, and by cause; the best first."""
        rows = {"you": self.year.lost()}
        for name, lost in self.year.others():
            rows[name] = lost
            self._say("other teams", len(rows) - 1, 0)
        table = pd.DataFrame({name: lost.drop(columns="clairvoyant").sum() for name, lost in rows.items()}).T
        table.insert(0, "short", table.sum(axis=1))
        table.loc["clairvoyant"] = 0.0
        for name, short in self._beside.items():
            table.loc[name, "short"] = short
        return table.sort_values("short", kind="stable").rename_axis("team")

    @cached_property
    def helped(self) -> pd.DataFrame:
        """Single changes, made in every month with all else as it was played: dollars by which the year is better.

        Where a change leaves months as they were, its name says which months it touches.
        """
        tried = {}
        changes = self.year.changes()
        for done, (words, change) in enumerate(changes, start=1):
            again = self._changed(change)
            better = 0.0 if again is None else self.short - again.short()
            if again is not None and abs(better) >= 0.01:  # else it is other words for what was done
                pairs = zip(self.year.choices, again.choices, strict=True)
                touched = [month for month, (old, new) in enumerate(pairs, start=1) if old != new]
                words += "" if len(touched) == MONTHS else f" ({_months_told(touched)})"
                tried[words], self._causes[words] = better, again.lost().sum()
            self._say("single changes", done, len(changes))
        table = pd.DataFrame({"better": pd.Series(tried, dtype=float)}).rename_axis("change")
        return table.sort_values("better", ascending=False, kind="stable")

    @cached_property
    def luck(self) -> pd.Series:
        """The same choices, and the same that happens, with other orders or customers: dollars short in each."""
        found = []
        for number in range(OTHER_YEARS):
            other = self.year.elsewhere(number)
            found.append(other.unseen(self.year.choices).short())
            self._say("the same choices elsewhere", number + 1, OTHER_YEARS)
        return pd.Series(found, pd.RangeIndex(1, OTHER_YEARS + 1, name="other year"), name="short")

    def advice(self) -> str:
        """One sentence: what would have helped most."""
        table = self.helped
        if table.empty:
            return "There was no single change to try: your choices were all of them."
        best, better = str(table.index[0]), float(table["better"].iloc[0])
        of = f"Of {count(len(table), 'single change')}, made in every month"
        if better <= 0:
            return f"{of}, none would have made this year better; the nearest, to {best}, costs {dollars(-better, 0)}."
        causes = -self.waterfall.drop("clairvoyant")
        largest = str(causes.idxmax())
        return (
            f"{of}, one would have helped most in this year: to {best}. It is worth {dollars(better, 0)}. Your largest "
            f"loss, {largest}, would have been {dollars(self._causes[best][largest], 0)} in place of "
            f"{dollars(causes[largest], 0)}."
        )

    def worst_month(self) -> str:
        """One sentence: the month that lost most, and what had been changed in it."""
        lost = self.year.lost().drop(columns="clairvoyant").sum(axis=1)
        month = int(lost.to_numpy().argmax()) + 1
        now = self.year.choices[month - 1]
        before = self.year.choices[month - 2] if month > 1 else now
        names = [name for name in now.controls() if name != "watch" and getattr(now, name) != getattr(before, name)]
        changed = f" In it you had changed: {now.told(*names)}." if names else ""
        return f"Most was lost in month {month}: {dollars(lost.max(), 0)} of {dollars(self.short, 0)}.{changed}"

    def luck_told(self) -> str:
        """One sentence: how far the same choices spread, the year that was played among them."""
        years = [*self.luck, self.short]
        spread = dollars(max(years) - min(years), 0)
        return (
            f"A difference between teams that is smaller than {spread} may be luck: so far do the same choices spread "
            f"over {len(years)} years in which the same happens."
        )

    def _changed(self, change: dict[str, Any]) -> Year | None:
        """The year with one change in every month; None where nothing changes, or the change cannot be made."""
        try:
            wanted = [replace(choices, **change) for choices in self.year.choices]
            first = next((k for k, new in enumerate(wanted) if new != self.year.choices[k]), None)
            if first is None:
                return None
            return self.year.replay(first + 1).unseen(wanted[first:])
        except ValueError:  # such as an audit without reviewers
            return None

    def _say(self, what: str, done: int, of: int) -> None:
        if self._progress is not None:
            self._progress(what, done, of)


def _months_told(months: list[int]) -> str:
    """Months in words, such as 'months 1 to 4, 7'."""
    runs: list[list[int]] = []
    for month in months:
        if runs and month == runs[-1][-1] + 1:
            runs[-1].append(month)
        else:
            runs.append([month])
    told = ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"{'month' if len(months) == 1 else 'months'} {told}"
