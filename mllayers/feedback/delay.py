"""How long do outcomes take? The law of delays, from data that are still running."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from mllayers._check import (
    Floats,
    as_groups,
    as_moment,
    as_number,
    as_numbers,
    as_probabilities,
    as_times,
    describe,
    same_cases,
)
from mllayers._results import Result
from mllayers._stats import FEWEST_CASES
from mllayers._words import count, plain, span_told
from mllayers.feedback.matured import _DAY, _ages

__all__ = ["DelayLaw", "delay_law"]

_OLD_ENOUGH = 0.1  # share of the reported cases that must have an age before the law is asked for at it


@dataclass(frozen=True, eq=False, repr=False)
class DelayLaw(Result):
    """The share of outcomes that arrive within an age, of those that arrive by `oldest`: what `delay_law` returns.

    It is a function of ages in days, so that it can be the ``delay`` of `matured`. Up to `oldest` it is known; beyond,
    calling it is an error, unless a law with a name takes over: `beyond`.

    Attributes
    ----------
    oldest : float
        Days up to which the law is known: its share is 1 there by definition.
    half, half_low, half_high : float
        Days by which half of the outcomes have arrived, with its interval (the low end 0, the high end `oldest`, where
        the data do not bound it).
    level : float
        Probability with which each interval is to hold the true share (or the true age).
    events : int
        Arrivals that the law rests on: those within `oldest` days.
    at_oldest : int
        How many of them are old enough to have been seen arriving as late as `oldest`.
    later : int
        Arrivals after more than `oldest` days: they are left out.
    unreported : int
        Cases without an arrival by that moment: nothing is known of them, and the law says nothing about them.
    table : DataFrame
        A row for age 0 and one per delay that was seen, in their order: ``age`` in days, ``share`` with ``low`` and
        ``high``, ``arrived`` (how many came after exactly so long) and ``at_risk`` (how many arrivals could have shown
        that delay).
    groups : dict
        The law of each group, known up to the same age, where `by` was given.
    too_few : list of str
        Groups that have too few arrivals for a law of their own.
    """

    oldest: float
    half: float
    half_low: float
    half_high: float
    level: float
    events: int
    at_oldest: int
    later: int
    unreported: int
    table: pd.DataFrame = field(hash=False)
    groups: dict[str, DelayLaw] = field(default_factory=dict, hash=False)
    too_few: list[str] = field(default_factory=list, hash=False)

    def __call__(self, age: ArrayLike) -> Floats:
        """The share that arrives within each age, in days, of what arrives by `oldest`.

        Raises
        ------
        ValueError
            For an age beyond `oldest`: nothing is known there.
        """
        days = as_numbers(np.atleast_1d(age) if np.ndim(age) == 0 else age, "age")
        if (days > self.oldest).any():
            raise ValueError(
                f"age must not be beyond the oldest of which the law is known, {self.oldest:,.1f} days; got "
                f"{days.max():,.1f}: leave older cases out, or name the law that holds there, law.beyond(…)"
            )
        return self._step("share", days).reshape(np.shape(age))

    def at(self, age: ArrayLike) -> pd.DataFrame:
        """A row per age, in days: the ``share`` that arrives within it, with ``low`` and ``high``."""
        days = as_numbers(np.atleast_1d(age) if np.ndim(age) == 0 else age, "age")
        share = self(days)
        return pd.DataFrame(
            {"age": days, "share": share, "low": self._step("low", days), "high": self._step("high", days)}
        )

    def age_at(self, share: float) -> tuple[float, float, float]:
        """Days by which this share has arrived (of what arrives by `oldest`), and the ends of its interval."""
        wanted = as_number(share, "share", gt=0, le=1)
        steps = self.table

        def first(column: str) -> float:
            reached = steps[column].to_numpy() >= wanted - 1e-12
            return float(steps["age"].to_numpy()[np.argmax(reached)]) if reached.any() else self.oldest

        return first("share"), first("high"), first("low")

    def beyond(self, named: Callable[[Floats], ArrayLike]) -> Callable[[ArrayLike], Floats]:
        """A law for all ages: this one up to `oldest`, and one with a name from there on.

        Parameters
        ----------
        named : callable
            Takes ages in days and returns the share of **all** outcomes that arrive within each, such as
            ``scipy.stats.gamma(2, scale=22).cdf``; ``lambda age: age >= 0`` says that nothing comes after `oldest`.

        Returns
        -------
        callable
            Up to `oldest` the share of this law times what `named` says of `oldest`, beyond it `named` itself.
        """
        if not callable(named):
            raise TypeError(f"named must be a function of ages in days; got {describe(named)}")
        by_then = float(as_probabilities(named(np.array([self.oldest])), "named(oldest)")[0])

        def law(age: ArrayLike) -> Floats:
            days = as_numbers(np.atleast_1d(age) if np.ndim(age) == 0 else age, "age")
            out = by_then * self._step("share", np.minimum(days, self.oldest))
            later = days > self.oldest
            out[later] = as_probabilities(named(days[later]), "named(age)")
            return out.reshape(np.shape(age))

        return law

    def _step(self, column: str, days: Floats) -> Floats:
        """The value of a step function that has its steps in the table."""
        place = np.searchsorted(self.table["age"].to_numpy(), days, side="right")
        out: Floats = np.r_[0.0, self.table[column].to_numpy(np.float64)][place]
        return out

    def frame(self) -> pd.DataFrame:
        """A row per delay that was seen; with groups, those of ``all`` and then those of each group."""
        if not self.groups and not self.too_few:
            return self.table.copy()
        parts = {"all": self.table, **{name: law.table for name, law in self.groups.items()}}
        return pd.concat(parts, names=["group"]).reset_index("group").reset_index(drop=True)

    def _line(self) -> str:
        most, low, high = self.age_at(0.9)
        told = f"of what arrives within {plain(self.oldest)} days, half has by day {plain(self.half)} "
        told += f"({span_told(self.half_low, self.half_high, plain)}) and 90 % by day {plain(most)} "
        told += f"({span_told(low, high, plain)}): {count(self.events, 'arrival')}, {self.at_oldest:,} of them "
        told += "old enough to show the longest delay; beyond, nothing is known"
        if self.later:
            told += f" ({count(self.later, 'later arrival')} left out)"
        if self.groups:
            halves = ", ".join(f"{name} day {plain(law.half)}" for name, law in list(self.groups.items())[:5])
            told += f"; half by group: {halves}" + (f" and {len(self.groups) - 5} more" if len(self.groups) > 5 else "")
        return told + (f"; too few arrivals: {', '.join(self.too_few)}" if self.too_few else "")


def delay_law(
    event_time: ArrayLike,
    case_time: ArrayLike,
    *,
    as_of: Any,
    oldest: float | None = None,
    by: ArrayLike | None = None,
    level: float = 0.95,
) -> DelayLaw:
    """How long outcomes take to arrive, from cases that are still running: the young have shown only short delays.

    Parameters
    ----------
    event_time : array of shape (n,)
        When the outcome of each case arrived; none (NaT, None) where it has not.
    case_time : array of shape (n,)
        When each case began (the order, the decision).
    as_of : date or text
        The moment from which to look back; a date means its end (UTC). Later cases and arrivals are not looked at.
    oldest : float, optional
        Days up to which to ask for the law; at least 20 arrivals must be of cases that old or older. By default the age
        that a tenth of the cases with an arrival (and at least 20 of them) have reached.
    by : array of shape (n,), optional
        A segment or band of each case: a law for each, too, where it has enough arrivals.
    level : float in (0, 1), default 0.95
        Probability with which each interval is to hold the true share.

    Returns
    -------
    DelayLaw
        A function of ages in days, ready to be the ``delay`` of `matured`; ``at(ages)`` gives shares with intervals,
        ``age_at(share)`` ages, ``frame()`` all steps.

    Raises
    ------
    TypeError, ValueError
        For times that are none, columns of different length, an arrival more than a day before its case, fewer than 20
        arrivals, an `oldest` that fewer than 20 of them have.

    Notes
    -----
    An arrival is seen only if its delay X is at most the case's age T: the data are right-truncated, and a histogram of
    what has arrived shows delays that are too short. Turned round in time they are left-truncated, and the
    product-limit estimator is F(x) = Π (1 − d(u) / R(u)) over the delays u > x, with d(u) arrivals after exactly u days
    and R(u) arrivals with X ≤ u ≤ T, which could have shown that delay. Cases without an arrival carry no information
    on it: nothing here says whether they are late or will never come. So F is that of what arrives within `oldest`
    days, the only law that such data know. In `matured` it makes the rate that of outcomes within `oldest` days, for
    cases no older than that; for others, name a law (`DelayLaw.beyond`) and answer for it. The delays of old and new
    cases are taken to be alike.

    The limits are those of the beta product confidence procedure, exact (Clopper and Pearson) where nothing is
    truncated. The lower one allows for one more arrival where the fewest could have shown it, since old cases are few.
    Measured at the level 0.95: 93 to 100 % from 20 arrivals on, whatever the law (docs/coverage.md).
    Taught in notebook 05, *Worked example*.

    References
    ----------
    Lagakos, Barraj and De Gruttola (1988), "Nonparametric analysis of truncated survival data, with application to
    AIDS", Biometrika 75(3), 515–523. Kalbfleisch and Lawless (1989), JASA 84(406), 360–372. Fay, Brittain and Proschan
    (2013), "Pointwise confidence intervals for a survival distribution with small samples or heavy censoring",
    Biostatistics 14(4), 723–736.

    Examples
    --------
    A case a day for 200 days; the outcome of each takes 10, 30 or 50 days. The young have shown only the short delays:

    >>> began = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(200), "D")
    >>> takes = np.tile([10, 30, 50], 67)[:200]
    >>> came = pd.Series(began + pd.to_timedelta(takes, "D"))
    >>> law = delay_law(came.where(came < "2026-07-20"), began, as_of="2026-07-19", oldest=100)
    >>> law.at([10, 30, 50]).round(3)
        age  share    low   high
    0  10.0  0.334  0.263  0.412
    1  30.0  0.669  0.588  0.743
    2  50.0  1.000  0.964  1.000
    """
    n = same_cases(event_time=event_time, case_time=case_time, by=by)
    level, day = as_number(level, "level", gt=0, lt=1), as_moment(as_of, "as_of")
    came, began = as_times(event_time, "event_time", missing=True), as_times(case_time, "case_time")
    groups = {} if by is None else as_groups(by, n, "by")
    here = np.flatnonzero(began <= day)
    days = (came - began).astype("timedelta64[us]").astype(np.float64) / _DAY
    days[np.isnat(came) | (came > day)] = np.nan
    if (days[here] <= -1).any():
        row = int(here[np.nanargmin(days[here])])
        raise ValueError(f"event_time must not lie before case_time; got {came[row]} for {began[row]} at row {row}")
    arrived = here[~np.isnan(days[here])]
    delay, age = np.full((2, n), np.nan)
    delay[arrived], age[arrived] = np.maximum(days[arrived], 0.0), _ages(began[arrived], day)
    whole = _whole_law(oldest, delay[arrived], age[arrived], np.ones(arrived.size), here.size, level)
    if by is None:
        return whole
    laws, too_few = {}, []
    for name, rows in groups.items():
        mine, asked = np.intersect1d(rows, arrived), int((began[rows] <= day).sum())
        law = _law_up_to(whole.oldest, delay[mine], age[mine], np.ones(mine.size), asked, level)
        if law is None:
            too_few.append(str(name))
        else:
            laws[str(name)] = law
    return DelayLaw(**{**_fields_of(whole), "groups": laws, "too_few": too_few})


def _fields_of(law: DelayLaw) -> dict[str, Any]:
    """The fields of a law, to make another from."""
    return dict(vars(law))


def _whole_law(oldest: float | None, delay: Floats, age: Floats, times: Floats, n: int, level: float) -> DelayLaw:
    """The law of all arrivals, each of which came so many times, of n cases."""
    arrivals = int(times.sum())
    if arrivals < FEWEST_CASES:
        raise ValueError(
            f"event_time must hold at least {FEWEST_CASES} arrivals by as_of; got {arrivals}: too few for a law"
        )
    oldest = _oldest_known(delay, age, times) if oldest is None else as_number(oldest, "oldest", gt=0)
    whole = _law_up_to(oldest, delay, age, times, n, level)
    if whole is None:
        raise ValueError(
            f"oldest must be an age that at least {FEWEST_CASES} cases with an arrival by then have; {oldest:,.1f} "
            "days is none: take a younger one, or wait"
        )
    return whole


def _counted(x: Floats, times: Floats) -> tuple[Floats, Floats]:
    """The different values in their order, and how many are at most as large; one more such number before them: 0."""
    values, place = np.unique(x, return_inverse=True)
    return values, np.r_[0.0, np.cumsum(np.bincount(place, times, minlength=len(values)))]


def _oldest_known(delay: Floats, age: Floats, times: Floats) -> float:
    """The oldest age that a tenth of the arrived cases (and at least 20), arrived by then, have; else the youngest."""
    ages, younger = _counted(age, times)
    delays, sooner = _counted(delay, times)
    seen = sooner[np.searchsorted(delays, ages, side="right")] - younger[:-1]
    enough = np.flatnonzero(seen >= max(FEWEST_CASES, math.ceil(_OLD_ENOUGH * times.sum())))
    return float(ages[enough[-1] if enough.size else 0])


def _law_up_to(oldest: float, delay: Floats, age: Floats, times: Floats, n: int, level: float) -> DelayLaw | None:
    """The law of these arrivals (of n cases) up to an age; none where too few of them are that old."""
    use = delay <= oldest
    at_oldest = int(times[use & (age >= oldest)].sum())
    if at_oldest < FEWEST_CASES:
        return None
    steps, sooner = _counted(delay[use], times[use])
    ages, younger = _counted(age[use], times[use])
    arrived = np.diff(sooner).astype(np.intp)
    at_risk = (sooner[1:] - younger[np.searchsorted(ages, steps, side="left")]).astype(np.intp)
    share, low, high = _shares_from_above(arrived, at_risk, at_oldest, level)
    table = pd.DataFrame({"age": np.r_[0.0, steps], "share": share, "low": low, "high": high})
    table = table.assign(arrived=np.r_[0, arrived], at_risk=np.r_[0, at_risk])[int(steps[0] == 0) :]
    table = table.reset_index(drop=True)
    law = DelayLaw(
        oldest=oldest, half=math.nan, half_low=math.nan, half_high=math.nan, level=level, events=int(times[use].sum()),
        at_oldest=at_oldest, later=int(times[~use].sum()), unreported=n - int(times.sum()), table=table,
    )  # fmt: skip
    half, half_low, half_high = law.age_at(0.5)
    return DelayLaw(**{**_fields_of(law), "half": half, "half_low": half_low, "half_high": half_high})


def _shares_from_above(
    arrived: NDArray[np.intp], at_risk: NDArray[np.intp], at_oldest: int, level: float
) -> tuple[Floats, Floats, Floats]:
    """F and its limits below the first delay and from each delay on: the reverse-time product-limit estimator.

    Each factor 1 − d/R has the beta law with R − d + 1 and d; the product is taken for a beta law with the same mean
    and second moment (Fay, Brittain and Proschan 2013). For the lower limit one more arrival is counted where the
    fewest cases could have shown it.
    """
    tail = (1 - level) / 2
    d, r = arrived[::-1].astype(np.float64), at_risk[::-1].astype(np.float64)

    def running(terms: Floats) -> Floats:
        out: Floats = np.r_[0.0, np.cumsum(terms)]
        return out

    with np.errstate(divide="ignore"):  # where all at risk arrive, nothing is left below
        share = np.exp(running(np.log1p(-d / r)))
    first, second = running(np.log1p(-d / (r + 1))), running(np.log1p(-d / (r + 2)))
    fewest = np.minimum.accumulate(np.r_[float(at_oldest), r - d])
    high = np.r_[1.0, _beta_end(first[1:], second[1:], 1 - tail)]
    left = np.maximum(fewest, 1.0)
    low = _beta_end(first + np.log1p(-1 / (left + 1)), second + np.log1p(-1 / (left + 2)), tail)
    low[fewest == 0] = 0.0
    low, high = np.minimum.accumulate(low), np.minimum.accumulate(high)
    return share[::-1], np.minimum(low, share)[::-1], np.maximum(high, share)[::-1]


def _beta_end(first: Floats, second: Floats, q: float) -> Floats:
    """A quantile of the beta law with mean m = exp(first) and second moment m · exp(second)."""
    spread = np.expm1(second - first)  # variance / mean²
    a = -np.expm1(second) / spread
    out: Floats = betaincinv(a, a * np.expm1(-first), q)
    return out
