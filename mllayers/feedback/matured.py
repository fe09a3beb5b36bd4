"""Labels come late: what may be believed on one day."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, kstwo

from mllayers._check import (
    Floats,
    as_frame,
    as_keys,
    as_moment,
    as_number,
    as_numbers,
    as_probabilities,
    as_text,
    as_times,
    describe,
    same_cases,
)
from mllayers._results import Result
from mllayers._stats import rate_interval
from mllayers._words import count

__all__ = ["Matured", "matured"]

_ADDED_LABELS = ("age", "share", "mature", "y", "value")
_DAY = 86_400_000_000  # microseconds
_MISFIT = 0.001  # below this probability the arrivals and the law do not belong together


@dataclass(frozen=True, eq=False, repr=False)
class Matured(Result):
    """What may be believed on one day: what `matured` returns.

    Attributes
    ----------
    rate, low, high : float
        Share of the decisions that end in the outcome, corrected for what has not arrived, with its interval.
    level : float
        Probability with which the interval is to hold the true rate.
    events : int
        The outcomes that `rate` rests on: those of decisions with F(age) > 0.
    naive : float
        Outcomes that have arrived by decisions: it takes what is pending for *no*.
    n, arrived : int
        Decisions by that day, and those of them whose outcome had arrived.
    early : int
        Decisions whose outcome had arrived although F(age) is 0: they count neither above nor below the line.
    worth : float
        The sum of F(age): how many fully observed decisions these are worth.
    unmatched : int
        Outcome rows of this kind that belong to none of the decisions (nor of those in `among`).
    fit : float
        Probability of delays as far from the law as these, if it holds (Kolmogorov and Smirnov); NaN where there is
        nothing to compare: no arrivals, or a law that is all or nothing.
    labels : DataFrame
        The decisions with ``age`` in days, ``share`` (F(age)), ``mature`` (the share is at least `enough`), ``y`` (1
        where the outcome has arrived, 0 where it has arrived as *no* or nearly all would have arrived, NaN where it is
        too early to say) and ``value``: the dollars of the outcome, 0 where ``y`` is 0, NaN where it is too early or
        nobody said what the outcome was worth.
    """

    rate: float
    low: float
    high: float
    level: float
    events: int
    naive: float
    n: int
    arrived: int
    early: int
    worth: float
    unmatched: int
    fit: float
    labels: pd.DataFrame = field(hash=False)

    def _line(self) -> str:
        told = f"rate {self.rate:.4f} ({self.low:.4f} to {self.high:.4f}), naive {self.naive:.4f}"
        told += f": {self.arrived:,} of {self.n:,} so far, worth {self.worth:,.0f} with all outcomes in"
        if self.early:
            told += f"; {self.early:,} arrived before the law allows it and do not count"
        if self.fit < _MISFIT:
            told += "; the delays do not look like this law, so do not trust the rate before it is mended"
        if self.unmatched:
            told += f"; {count(self.unmatched, 'outcome')} met no decision"
        return told

    def frame(self) -> pd.DataFrame:
        """The labels: one row per decision."""
        return self.labels.copy()


def matured(
    decisions: Any,
    outcomes: Any,
    *,
    as_of: Any,
    delay: Callable[[Floats], ArrayLike],
    kind: str | None = None,
    enough: float = 0.9,
    level: float = 0.95,
    among: Any = None,
) -> Matured:
    """What may be believed on a day when part of the outcomes has not arrived: the labels, and the corrected rate.

    Parameters
    ----------
    decisions : DataFrame
        One row per decision, with ``case`` and ``time`` as the ledger returns them; its other columns stay. Select
        those whose outcome can come back at all (for chargebacks: the orders that were shipped).
    outcomes : DataFrame
        One row per outcome: ``case`` and ``time`` of the decision, ``kind``, ``arrival`` and, if known, ``value``: 0
        says that it did **not** happen (an audit that found nothing), any other number that it did and was worth so
        many dollars, and no value (NaN, or no such column) that it happened. Those of other decisions are not looked
        at.
    as_of : date or text
        The moment from which to look back; a date means its end (UTC). Later decisions and later arrivals are not
        looked at.
    delay : callable
        Takes ages in days and returns the share of outcomes that arrive within each, between 0 and 1, never falling:
        ``scipy.stats.ecdf(days).cdf.evaluate`` from observed delays, ``scipy.stats.gamma(2, scale=22).cdf`` from a
        law, or ``lambda age: age >= 120`` for "all or nothing after 120 days". Observe the delays of decisions that are
        old enough: the young have shown only their short ones.
    kind : str, optional
        Which outcome; needed where there are several kinds.
    enough : float, default 0.9
        Share of outcomes that must have arrived before silence counts as *no*.
    level : float in (0, 1), default 0.95
        Probability with which the interval is to hold the true rate.
    among : DataFrame, optional
        All decisions, where `decisions` are a selection that may rightly have no outcome yet.

    Returns
    -------
    Matured
        ``rate`` with ``low`` and ``high``, ``naive``, ``n``, ``arrived``, ``worth``, what did not fit, and the frame
        ``labels``.

    Raises
    ------
    TypeError, ValueError
        For a frame without its columns, or with one that this adds; several kinds and none asked for; decisions or
        outcomes that appear twice; outcomes none of which is of the `kind` asked for, or none of which belongs to any
        decision (the keys do not meet); an arrival more than a day before its decision; no decision by that day or none
        old enough for any outcome; a `delay` that is not such a function, or that more outcomes contradict than chance
        allows (less than one in 1,000).

    Notes
    -----
    Of the outcomes of a decision that is a days old the share F(a) has arrived, so the expected count is p Σ F(a) and
    the rate is Σ y / Σ F(a), at most 1, over the decisions with F(a) > 0. The count is a sum of unlike coins; its tails
    are never heavier than those of a binomial count with the same mean (Hoeffding), whose exact interval (Clopper and
    Pearson) is therefore wide enough. F is taken as known, and as the same for all decisions; a new kind of case
    whose outcomes come slower looks rarer than it is. ``fit`` compares F(delay) / F(age) of what has arrived with
    equal chances. Cases are compared as the ledger keeps them, so 1 and "1" are the same case.
    Taught in notebook 05, *Worked example*.

    References
    ----------
    Chapelle (2014), "Modeling Delayed Feedback in Display Advertising", KDD. Clopper and Pearson (1934), Biometrika
    26(4). Hoeffding (1956), "On the distribution of the number of successes in independent trials", Annals of
    Mathematical Statistics 27(3).

    Examples
    --------
    >>> days = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-04-01", "2026-04-01"])
    >>> decisions = pd.DataFrame({"case": ["a", "b", "c", "d"], "time": days})
    >>> outcomes = pd.DataFrame({"case": ["a"], "time": days[:1], "kind": "chargeback", "arrival": days[2:3]})
    >>> found = matured(decisions, outcomes, as_of="2026-04-10", delay=lambda age: np.minimum(age / 100, 1))
    >>> print(found)
    rate 0.4545 (0.0115 to 1.0000), naive 0.2500: 1 of 4 so far, worth 2 with all outcomes in
    >>> found.labels["y"].tolist()
    [1.0, 0.0, nan, nan]
    """
    asked = as_frame(decisions, "decisions", ["case", "time"])
    taken = [name for name in _ADDED_LABELS if name in asked.columns]
    if taken:
        raise ValueError(f"decisions already has the column {taken[0]!r}, which the labels need; give it another name")
    came = as_frame(outcomes, "outcomes", empty=True)
    if len(came):
        there = ["value"] if "value" in came.columns else []
        came = as_frame(came, "outcomes", ["case", "time", "kind", "arrival", *there])
    enough, level = as_number(enough, "enough", gt=0, le=1), as_number(level, "level", gt=0, lt=1)
    kind, day = None if kind is None else as_text(kind, "kind"), as_moment(as_of, "as_of")
    keys = _decision_keys(asked, "decisions")
    if keys.has_duplicates:
        again = keys[keys.duplicated()][0]
        raise ValueError(f"decisions must have each case and time once; got {again[0]!r} at {again[1]} twice")
    time = keys.get_level_values(1).to_numpy()
    here = time <= day
    if not here.any():
        raise ValueError(f"decisions must hold at least one taken by {_told_day(day)}; got none")
    found = _outcomes_by_decision(came, keys, among, kind, day)
    y, value, lag = found.y[here], found.value[here], found.lag[here]
    age = _ages(time[here], day)
    numbers, more = _matured_of(age, y, lag, np.ones(age.size), delay=delay, enough=enough, level=level)
    labels = asked[here].assign(time=time[here], **more)
    labels["value"] = np.where(labels["y"] == 0, 0.0, value)
    return Matured(**numbers, level=level, unmatched=found.unmatched, labels=labels)


def _matured_of(
    age: Floats, y: Floats, lag: Floats, times: Floats, *, delay: Any, enough: float, level: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `matured` says of decisions so old with these outcomes (1, 0 or NaN) after so many days, each so many times:
    its numbers, and what is added to the decisions.
    """
    share = _arrived_shares(delay, age)
    counts = share > 0
    worth, n, events = float(times @ share), int(times[counts].sum()), int(times[counts & (y == 1)].sum())
    if worth == 0:
        raise ValueError(
            "decisions must be old enough that some outcome can have arrived; by delay, none is: the oldest is "
            f"{age.max():,.1f} days old at as_of"
        )
    low, high = _corrected_rate_interval(events, n, worth, level)
    mature, came, cases = share >= enough, y == 1, int(times.sum())
    arrived = int(times[came].sum())
    numbers = {
        "rate": min(events / worth, 1.0), "low": low, "high": high, "events": events, "naive": arrived / cases,
        "n": cases, "arrived": arrived, "early": arrived - events, "worth": worth,
        "fit": _law_fit(delay, lag[came], age[came], share[came], times[came]),
    }  # fmt: skip
    return numbers, {"age": age, "share": share, "mature": mature, "y": np.where(np.isnan(y) & mature, 0.0, y)}


def _ages(time: NDArray[np.datetime64], day: np.datetime64) -> Floats:
    """Days from each time to a moment. The end of a day is its last microsecond: 9 January is 8 days old then."""
    until = day + np.timedelta64(1, "us") if (day + np.timedelta64(1, "us")).astype("int64") % _DAY == 0 else day
    age: Floats = (until - time).astype("timedelta64[us]").astype(np.float64) / _DAY
    return age


def _told_day(day: np.datetime64) -> str:
    """The day alone where its end is meant."""
    text = str(day)
    return text[:10] if text.endswith("T23:59:59.999999") else text


def _decision_keys(frame: pd.DataFrame, name: str) -> pd.MultiIndex:
    """Case and time of each row, as the ledger keeps them."""
    case = pd.Index(as_keys(frame["case"], f"case of {name}"), dtype=object)
    return pd.MultiIndex.from_arrays([case, as_times(frame["time"], f"time of {name}")])


@dataclass(frozen=True)
class _ByDecision:
    """What had arrived for each decision (1, 0 or NaN), its dollars, the days it took; and what met no decision."""

    y: Floats
    value: Floats
    lag: Floats
    unmatched: int


def _outcomes_by_decision(
    came: pd.DataFrame, keys: pd.MultiIndex, among: Any, kind: str | None, day: np.datetime64
) -> _ByDecision:
    """The outcomes of one kind by that day, put beside the decisions that they belong to."""
    y, value, lag = np.full((3, len(keys)), np.nan)
    everyone = None if among is None else _decision_keys(as_frame(among, "among", ["case", "time"]), "among")
    if len(came) == 0:
        return _ByDecision(y, value, lag, 0)
    theirs = _decision_keys(came, "outcomes")
    arrival = as_times(came["arrival"], "arrival")
    kinds = np.array(as_keys(came["kind"], "kind of outcomes"), dtype=object)
    dollars = (
        as_numbers(came["value"], "value of outcomes", missing=True) if "value" in came else np.full(len(came), np.nan)
    )
    if kind is None and len(set(kinds)) > 1:
        raise ValueError(f"outcomes are of several kinds; say which, kind='…': {', '.join(sorted(set(kinds)))}")
    if kind is not None and kind not in kinds:
        raise ValueError(
            f"kind must be one of the outcomes' ({', '.join(map(repr, sorted(set(kinds))))}); got {kind!r}: where "
            "there is rightly none yet, say so by giving no rows, outcomes.iloc[:0]"
        )
    row = keys.get_indexer(theirs)
    known = row >= 0 if everyone is None else (row >= 0) | theirs.isin(everyone)
    if not known.any():
        mine, other = keys[0], theirs[0]
        wide = "decisions or among" if everyone is not None else "decisions"
        raise ValueError(
            f"no outcome belongs to any decision: outcomes has case {other[0]!r} at {other[1]}, {wide} has {mine[0]!r} "
            f"at {mine[1]}; case and time must be those of the decision"
            + ("; where decisions are a selection, give all of them as among=…" if everyone is None else "")
        )
    asked_for = np.ones(len(came), bool) if kind is None else kinds == kind
    use = asked_for & (row >= 0) & (arrival <= day)
    twice = theirs[use].duplicated()
    if twice.any():
        case, time = theirs[use][twice][0]
        raise ValueError(f"outcomes must have each case, time and kind once; got {case!r} at {time} twice")
    at, times = row[use], keys.get_level_values(1).to_numpy()
    days = (arrival[use] - times[at]).astype(np.float64) / _DAY
    if (days <= -1).any():
        worst = int(np.flatnonzero(use)[np.argmin(days)])
        raise ValueError(
            f"arrival must not lie before the decision; got {arrival[worst]} for {theirs[worst][1]} at row {worst}"
        )
    y[at] = (dollars[use] != 0).astype(float)  # no value: it happened
    value[at], lag[at] = dollars[use], np.maximum(days, 0.0)
    return _ByDecision(y, value, lag, int((asked_for & ~known).sum()))


def _corrected_rate_interval(events: int, n: int, worth: float, level: float) -> tuple[float, float]:
    """Clopper and Pearson's limits for the mean chance of an arrival, over the mean share: 0 ≤ low ≤ high ≤ 1."""
    share = worth / n
    chance = float(binom.sf(events - 1, n, min(share, 1.0)))
    if chance < _MISFIT:
        raise ValueError(
            f"delay does not fit the arrivals: {events:,} of {n:,} decisions have their outcome, where by delay at "
            f"most {worth:,.1f} are to be expected even if every decision ends in it (chance {chance:.1g}); "
            "outcomes come faster than it says"
        )
    low, high = rate_interval(events, n, level=level)
    if low > share:  # rare, and only near a rate of 1: the lower limit that chance still allows
        low, _ = rate_interval(events, n, level=1 - 2 * _MISFIT)
    rate = min(events / worth, 1.0)
    return min(low / share, rate), max(min(high / share, 1.0), rate)


def _arrived_shares(delay: Any, age: Floats) -> Floats:
    """F(age), and that it is one."""
    if not callable(delay):
        raise TypeError(f"delay must be a function of ages in days; got {describe(delay)}")
    try:
        share = as_numbers(delay(age.copy()), "delay(age)")  # a copy: age /= 30 in a law must not change ours
    except ValueError as error:
        if "truth value of an array" not in str(error):
            raise
        raise TypeError(
            "delay must take an array of ages and return as many shares, such as lambda age: age >= 90 (no if)"
        ) from error
    same_cases(**{"delay(age)": share, "age": age})
    share = as_probabilities(share, "delay(age)")
    if (np.diff(share[np.argsort(age, kind="stable")]) < -1e-12).any():
        raise ValueError("delay must never fall with age: it is the share that has arrived by then; got one that falls")
    return share


def _law_fit(delay: Any, lag: Floats, age: Floats, share: Floats, times: Floats) -> float:
    """How likely delays as far from the law as these are: F(delay) / F(age) must be uniform among the arrived.

    Where F jumps, any value of the jump would do; the distances taken are those that all of them share (without a jump,
    Kolmogorov and Smirnov's), so that delays in whole days do not look wrong.
    """
    use = share > 0
    if not use.any():
        return math.nan
    within = _arrived_shares(delay, lag[use])
    if not ((within % 1 > 0).any() or (share[use] % 1 > 0).any()):
        return math.nan  # all or nothing says when to look, not how long it takes
    before = np.where(lag[use] > 0, _arrived_shares(delay, np.nextafter(lag[use], 0)), 0.0)
    least, most = (np.minimum(ends / share[use], 1.0) for ends in (before, within))
    n, first, last = int(times[use].sum()), np.argsort(least), np.argsort(most)
    upto, until = np.cumsum(times[use][last]), np.cumsum(times[use][first]) - times[use][first]
    apart = max(float((upto / n - most[last]).max()), float((least[first] - until / n).max()))
    return float(kstwo.sf(apart, n))
