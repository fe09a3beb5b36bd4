"""Layer 5 by sums: was the promise kept, what would a challenger earn, what may be believed, what has outgrown?"""

from __future__ import annotations

import datetime
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mllayers._check import Floats, as_keys, as_moment, as_number
from mllayers._stats import MoneySums
from mllayers.feedback.delay import DelayLaw, _whole_law
from mllayers.feedback.guard import SizeGuard, _guard_of
from mllayers.feedback.matured import _DAY, Matured, _ages, _matured_of, _told_day
from mllayers.feedback.offpolicy import OffPolicyValue, _LogSums, _policy_value_of
from mllayers.feedback.promise import PromiseKept, _promise_of, _Promised
from mllayers.sums._labels import counts_of, in_order
from mllayers.sums._money import power_terms, powers_of
from mllayers.sums._order import most_common
from mllayers.sums._query import (
    Rule,
    as_data,
    day_of,
    finite,
    finite_as_told,
    known,
    label_key,
    label_of,
    no_weights,
    numbers_of,
    probability,
    there,
    totals,
    where,
)
from mllayers.sums._table import Sums

__all__ = [
    "MaturedSums",
    "PolicySums",
    "PromiseSums",
    "SegmentSums",
    "matured_sums",
    "policy_sums",
    "promise_sums",
    "segment_sums",
]


class PromiseSums(Sums):
    """What `promise_sums` returns; ``result()`` says what `feedback.promise_kept` says."""

    kind: ClassVar[str] = "promise"
    keys: ClassVar[tuple[str, ...]] = ("part", "y")

    def result(self, *, least: float | None = None, level: float = 0.95) -> PromiseKept:
        """Was the promise kept? What `promise_kept` answers for the rows that were summed up.

        Parameters
        ----------
        least : float, optional
            The smallest difference between promised and delivered that matters, above 0.
        level : float in (0, 1), default 0.95
            Probability with which each interval is to hold the true rate.
        """
        level = as_number(level, "level", gt=0, lt=1)
        least = None if least is None else as_number(least, "least", gt=0)
        if not (self.table["y"] >= 0).any():
            raise ValueError("y must hold at least one label; got none")
        parts = {}
        groups = dict(iter(self.table.groupby("part", sort=False)))
        for part in in_order(list(groups), self.settings["parted"]):
            rows = groups[part]
            parts[part] = _Promised(int(rows["rows"].sum()), float(rows["promised"].sum()), counts_of(rows))
        return _promise_of(parts, of="group" if self.settings["parted"] == "by" else "period", least=least, level=level)


def promise_sums(
    frame: Any,
    *,
    p: str,
    y: str,
    propensity: str | float = 1.0,
    when: str | None = None,
    by: str | None = None,
) -> PromiseSums:
    """What is left of the rows for the question whether a promise was kept: sums for each period, or group.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query sums up where the rows are; none of them is fetched.
    p, y : str
        The columns with the promised probability, and with what was delivered: 0, 1, or missing where nobody looked.
    propensity : str or float, default 1
        The chance that the case was looked at, in (0, 1]: a column, or one number for all.
    when, by : str, optional
        The column with the period of each case, or with its group.

    Returns
    -------
    PromiseSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``.

    Raises
    ------
    TypeError, ValueError
        As `feedback.promise_kept`; rows that break a rule are counted.

    Notes
    -----
    Kept for each period and label: the rows, Σ p, Σ w, Σ w² and the largest w = 1 / propensity. That is all the
    interval needs, because y is 0 or 1.

    Examples
    --------
    >>> jan = promise_sums({"p": [0.01] * 500, "y": [0, 0, 0, 0, 1] * 20 + [None] * 400}, p="p", y="y", propensity=0.2)
    >>> feb = promise_sums({"p": [0.01] * 500, "y": [0] * 100 + [None] * 400}, p="p", y="y", propensity=0.2)
    >>> print((jan + feb).result())
    promised 1.00 %, delivered 10.00 % (6.22 % to 15.02 %) by 20 events in 200 labels: broken
    """
    if when is not None and by is not None:
        raise ValueError("when and by are two ways to part the cases: give one of them, and ask once for each")
    data, x = numbers_of(as_data(frame), gaps=("y",), p=p, y=y, propensity=propensity)
    part = when if by is None else by
    data = data.with_columns(w__=1 / x["propensity"])
    label, w = x["y"], nw.col("w__")
    seen, rule = label_key(data, y, label, "y", missing=True)
    keys: dict[str, Any] = {"part": "all" if part is None else label_of(data, part), "y": seen}
    must = {
        f"p ({p}) must lie in [0, 1] and be there": probability(x["p"]),
        f"y ({y}) must hold only 0 and 1, or nothing": rule,
        f"propensity ({propensity}) must be there": Rule(known(w)),
        f"propensity ({propensity}) must lie in (0, 1]": Rule(
            (w >= 1) & (w <= sys.float_info.max), (), lambda rows: no_weights(rows, "weight2")
        ),
        "y must be known where propensity is 1 (pass the audit's propensity)": Rule(
            known(label) | (w > 1), (), lambda rows: ((rows["y"] < 0) & (rows["min_weight"] <= 1)).any()
        ),
    }
    if part is not None:
        must[f"{part} must be known for each case"] = there(keys["part"], key="part")
    sums = {"promised": x["p"], "weight": w, "weight2": w * w}
    table = totals(data, keys, sums, least={"weight": w}, most={"weight": w}, must=must, labels=("y",))
    return PromiseSums(table, {"parted": "by" if by is not None else "when"})


class PolicySums(Sums):
    """What `policy_sums` returns; ``result()`` says what `feedback.policy_value` says."""

    kind: ClassVar[str] = "policy"
    keys: ClassVar[tuple[str, ...]] = ("part",)

    def result(self, *, least: float = 0.0, min_n_eff: float = 100.0, level: float = 0.95) -> OffPolicyValue:
        """What a challenger would have earned: what `policy_value` answers for the rows that were summed up.

        Parameters
        ----------
        least : float, default 0
            Dollars per case below which a gain does not matter.
        min_n_eff : float, default 100
            Below this effective sample size the comparison is refused, and in a group there is none.
        level : float in (0, 1), default 0.95
            Probability with which each interval is to hold the true value.
        """
        level, least = as_number(level, "level", gt=0, lt=1), as_number(least, "least", ge=0)
        fewest = as_number(min_n_eff, "min_n_eff", ge=1)
        if self.n < 2:
            raise ValueError(f"reward must hold at least two cases; got {self.n}")
        groups = {}
        if self.settings["by"] is not None:
            parts = dict(iter(self.table.groupby("part", sort=False)))
            groups = {part: self._log(parts[part]) for part in in_order(list(parts), "by")}
        return _policy_value_of(self._log(self.table), groups, fewest=fewest, least=least, level=level)

    def _log(self, rows: pd.DataFrame) -> _LogSums:
        robust = None
        if "q_01" in rows:
            one, two = ([float(rows[f"{name}_0{k}"].sum()) for k in range(1, 5)] for name in ("q", "g"))
            robust = one, two
        counts = {name: int(rows[f"n_{name}"].sum()) for name in ("usual", "events", "no_term", "no_gain")}
        n = int(rows["rows"].sum())
        money = MoneySums(powers_of(rows, weighted=True), float(self.settings["usual"][0]), counts["usual"])
        largest = float(rows["max_weight"].max())
        return _LogSums(
            money, n - counts["usual"], counts["events"], counts["no_term"], counts["no_gain"], largest, robust
        )


def policy_sums(
    frame: Any,
    *,
    reward: str,
    propensity: str | float,
    target: str | float,
    q: str | None = None,
    q_target: str | None = None,
    by: str | None = None,
    usual: float | None = None,
) -> PolicySums:
    """What is left of a log for the question what a challenger would have earned.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per logged decision. One query sums up where the rows are (two more find what is usual); none is
        fetched.
    reward : str
        The column with the dollars that came back, the cost of the action taken off.
    propensity, target : str or float
        The probability with which the logged policy took the action it took, and with which the challenger does.
    q, q_target : str, optional
        Dollars that a model expects of the logged action, and under the challenger.
    by : str, optional
        The column with the group of each decision.
    usual : float, optional
        The reward that most decisions have, such as 0 or what a review costs. Left out, it is looked for among all
        rows; say it where sums are to be added up.

    Returns
    -------
    PolicySums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``.

    Raises
    ------
    TypeError, ValueError
        As `feedback.policy_value`; rows that break a rule are counted.

    Notes
    -----
    Kept for each group: Σ wⁱ rʲ for all i, j up to 4, which hold every estimate's first four moments and those of its
    gain; how many rewards are unusual; the largest weight. Where `policy_value` looks for the usual reward in each
    group, the sums take that of all rows.

    Examples
    --------
    >>> rows = {"reward": [36, 0, -4, 0] * 200, "reviewed": [1, 0, 1, 0] * 200}
    >>> sums = policy_sums(rows, reward="reward", propensity=0.5, target="reviewed")
    >>> sums.result().frame()["value"].round(2).to_dict()
    {'logged': 8.0, 'IPS': 16.0, 'SNIPS': 16.0}
    """
    if (q is None) != (q_target is None):
        raise ValueError(
            "q and q_target belong together: what the model expects of the logged action, and under target"
        )
    model: dict[str, Any] = {} if q is None else {"q": q, "q_target": q_target}
    data, x = numbers_of(as_data(frame), reward=reward, propensity=propensity, target=target, **model)
    must = {
        f"reward ({reward}) must be a finite number": finite_as_told(x["reward"], "x_04"),
        f"propensity ({propensity}) must lie in (0, 1]": probability(x["propensity"], above=True),
        f"target ({target}) must lie in [0, 1] and be there": probability(x["target"]),
    }
    must |= {f"{name} must be a finite number": finite(x[name]) for name in model}
    part: Any = "all" if by is None else label_of(data, by)
    if by is not None:
        must[f"{by} must be known for each case"] = there(part, key="part")
    data = data.with_columns(r__=x["reward"], w__=x["target"] / x["propensity"])
    r, w = nw.col("r__"), nw.col("w__")
    common = (most_common(data, r), most_common(data, r, w)) if usual is None else (as_number(usual, "usual"),) * 2
    sums = power_terms(r, w, square=True)
    sums |= {"n_usual": r == common[0], "n_events": (r != common[1]) & (w > 0)}
    sums |= {"n_no_term": (r == 0) | (w == 0), "n_no_gain": (r == 0) | (w == 1)}
    if model:
        data = data.with_columns(q__=x["q_target"] + w * (r - x["q"]))
        sums |= power_terms(nw.col("q__"), None, name="q") | power_terms(nw.col("q__") - r, None, name="g")
    table = totals(data, {"part": part}, sums, most={"weight": w}, must=must)
    return PolicySums(table, {"by": by, "usual": [float(amount) for amount in common]})


class SegmentSums(Sums):
    """What `segment_sums` returns; ``result(card)`` says what `feedback.size_guard` says."""

    kind: ClassVar[str] = "segment"
    keys: ClassVar[tuple[str, ...]] = ("segment",)

    def result(self, card: Mapping[Any, float], *, ratio: float = 1.5) -> SizeGuard:
        """Which segments have outgrown their card: what `size_guard` answers for the rows that were summed up.

        Parameters
        ----------
        card : mapping from segment to float in (0, 1]
            The share of cases that each paid segment had when its action was chosen.
        ratio : float, default 1.5
            A segment has outgrown its card when its share is above `ratio` times the share on the card.
        """
        if not len(self.table):
            raise ValueError("segments must hold at least one case; got none")
        names = as_keys(self.table["segment"].tolist(), "segments")
        cases: Counter[str] = Counter()
        for name, rows in zip(names, self.table["rows"].tolist(), strict=True):
            cases[name] += rows
        return _guard_of(cases, card, ratio)


def segment_sums(frame: Any, *, segment: str) -> SegmentSums:
    """What is left of the rows for the question whether a segment has outgrown its card: the cases in each.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query counts where the rows are; none of them is fetched.
    segment : str
        The column with the segment of each case, text or whole numbers.

    Returns
    -------
    SegmentSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result(card)``.

    Raises
    ------
    TypeError, ValueError
        For a column that is absent or holds other things, and missing segments.

    Examples
    --------
    >>> now = segment_sums({"segment": ["call"] * 40 + ["voucher"] * 11 + ["none"] * 49}, segment="segment")
    >>> print(now.result({"call": 0.15, "voucher": 0.1}))
    outgrown: call (2.67 times its card); 49.0 % of 100 cases are in segments that are not on the card
    """
    data = as_data(frame)
    label = label_of(data, segment)
    kind = data.collect_schema()[segment]
    if kind.is_numeric() and not kind.is_integer():
        raise TypeError(f"column {segment!r} must hold text or whole numbers; it holds {kind}")
    table = totals(
        data, {"segment": label}, {}, must={f"{segment} must be known for each case": there(label, key="segment")}
    )
    return SegmentSums(table, {})


class MaturedSums(Sums):
    """What `matured_sums` returns; ``result()`` says what `feedback.matured` says, ``law()`` what `delay_law` says."""

    kind: ClassVar[str] = "matured"
    keys: ClassVar[tuple[str, ...]] = ("day", "arrival", "y")

    def result(
        self, *, as_of: Any, delay: Callable[[Floats], ArrayLike], enough: float = 0.9, level: float = 0.95
    ) -> Matured:
        """What may be believed on a day: what `matured` answers for the rows that were summed up.

        Parameters
        ----------
        as_of : date or text
            The moment from which to look back; a date means its end (UTC). The same sums answer for every day.
        delay : callable
            Takes ages in days and returns the share of outcomes that arrive within each.
        enough : float, default 0.9
            Share of outcomes that must have arrived before silence counts as *no*.
        level : float in (0, 1), default 0.95
            Probability with which the interval is to hold the true rate.

        Returns
        -------
        Matured
            Its ``labels`` have a row for each day, arrival and outcome, with the number of ``cases``.
        """
        enough, level = as_number(enough, "enough", gt=0, le=1), as_number(level, "level", gt=0, lt=1)
        until = as_moment(as_of, "as_of")
        days, came = (self.table[name].to_numpy().astype("datetime64[us]") for name in ("day", "arrival"))
        here = days <= until
        if not here.any():
            raise ValueError(f"decisions must hold at least one taken by {_told_day(until)}; got none")
        rows, days, came = self.table[here], days[here], came[here]
        there = came <= until  # not where nothing came
        y = np.where(there, rows["y"].to_numpy(np.float64), np.nan)
        lag = np.where(there, np.maximum((came - days).astype(np.float64) / _DAY, 0.0), np.nan)
        times = rows["rows"].to_numpy(np.float64)
        numbers, labels = _matured_of(_ages(days, until), y, lag, times, delay=delay, enough=enough, level=level)
        table = pd.DataFrame({"time": days, "cases": rows["rows"].to_numpy(), **labels})
        return Matured(**numbers, level=level, unmatched=0, labels=table)

    def law(self, *, as_of: Any, oldest: float | None = None, level: float = 0.95) -> DelayLaw:
        """How long outcomes take to arrive: what `delay_law` answers for the rows that were summed up, in whole days.

        Parameters
        ----------
        as_of : date or text
            The moment from which to look back; a date means its end (UTC).
        oldest : float, optional
            Days up to which to ask for the law, as in `feedback.delay_law`.
        level : float in (0, 1), default 0.95
            Probability with which each interval is to hold the true share.
        """
        level, until = as_number(level, "level", gt=0, lt=1), as_moment(as_of, "as_of")
        days, came = (self.table[name].to_numpy().astype("datetime64[us]") for name in ("day", "arrival"))
        times = self.table["rows"].to_numpy(np.float64)
        arrived = (days <= until) & (came <= until)
        lag = (came[arrived] - days[arrived]).astype(np.float64) / _DAY
        return _whole_law(
            oldest, lag, _ages(days[arrived], until), times[arrived], int(times[days <= until].sum()), level
        )


def matured_sums(frame: Any, *, time: str, arrival: str, value: str | None = None) -> MaturedSums:
    """What is left of decisions and their outcomes for the question what may be believed on a day.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per decision, joined with its outcome. One query counts where the rows are; none of them is fetched.
    time, arrival : str
        The columns with the day of the decision, and with that on which its outcome arrived; missing where none has.
        Of times the day in UTC is taken.
    value : str, optional
        The column with the value of the outcome: 0 says that it did not happen, and any other number, or none, that it
        did.

    Returns
    -------
    MaturedSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``, for any day.

    Raises
    ------
    TypeError, ValueError
        For columns that hold no days, a missing time, an arrival before its decision.

    Notes
    -----
    Kept are the decisions of each day by the day on which their outcome arrived. `matured` knows ages to the
    microsecond; here they are whole days, so that where decisions carry a time of day an age is up to a day too high.

    Examples
    --------
    >>> days = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-04-01", "2026-04-01"])
    >>> sums = matured_sums({"day": days, "came": [days[2], None, None, None]}, time="day", arrival="came")
    >>> print(sums.result(as_of="2026-04-10", delay=lambda age: np.minimum(age / 100, 1)))
    rate 0.4545 (0.0115 to 1.0000), naive 0.2500: 1 of 4 so far, worth 2 with all outcomes in
    """
    data, day = day_of(as_data(frame), time, "time")
    data, came = day_of(data, arrival, "arrival")
    y: Any = 1
    if value is not None:
        data, x = numbers_of(data, gaps=("value",), value=value)
        y = where(x["value"] == 0, 0, 1).cast(nw.Int64)
    must = {
        f"time ({time}) must be known for each decision": there(day, key="day"),
        f"arrival ({arrival}) must not lie before the decision ({time})": Rule(
            came.is_null() | (came >= day), doubt=_early, told=True
        ),
    }
    table = totals(data, {"day": day, "arrival": came, "y": y}, {}, must=must)
    table["y"] = table["y"].where(table["arrival"].notna(), -1)
    for name in ("day", "arrival"):
        table[name] = pd.Series([_as_day(x) for x in table[name]], dtype=object)
    return MaturedSums(table, {})


def _early(table: pd.DataFrame) -> bool:
    """Whether an outcome arrives before its decision."""
    return any(
        came < day for day, came in zip(table["day"], table["arrival"], strict=True) if pd.notna(came) and pd.notna(day)
    )


def _as_day(x: Any) -> datetime.date | None:
    return x.date() if isinstance(x, datetime.datetime) else x
