"""What could the part that nobody inspected hold at worst?"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import Floats, as_binary, as_groups, as_number, as_numbers, describe, per_case, same_cases
from mllayers._results import Result
from mllayers._words import count, dollars, percent
from mllayers.data.audit import as_mask

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Bounds(Result):
    """Between which values a rate lies, known from inspections and reports alone: what `bounds_without_audit` returns.

    Attributes
    ----------
    low, high : float
        The rate if no case that nobody spoke of were one, and if each were. No assumption, no chance: it lies between.
    n, inspected, found, reported, silent : int
        Cases; those inspected, and the events among them; events reported of the others; cases of which nothing was
        heard.
    report_rate : (float, float) or None
        Between which shares of the events are reported, as assumed.
    reported_low, reported_high : float
        The rate that the reports stand for at these shares; NaN without an assumption.
    chance_low, chance_high : float
        The same, with an interval at ``level`` for the chance in which events were reported.
    level : float
        Probability with which that interval is to hold the rate of these cases, if the assumption does.
    events : int
        Events that are known.
    money_low, money_high : float
        Dollars of all events in the two worst cases; NaN without ``value``.
    table : DataFrame or None
        With ``by``, the same numbers for each group.
    """

    low: float
    high: float
    n: int
    inspected: int
    found: int
    reported: int
    silent: int
    report_rate: tuple[float, float] | None
    reported_low: float
    reported_high: float
    chance_low: float
    chance_high: float
    level: float
    events: int
    money_low: float
    money_high: float
    table: pd.DataFrame | None

    def frame(self) -> pd.DataFrame:
        """A row for each group, where there are groups; else one row with the numbers."""
        return Result.frame(self) if self.table is None else self.table.copy()

    def _line(self) -> str:
        told = f"between {percent(self.low, 2)} and {percent(self.high, 2)} of {count(self.n, 'case')}: "
        told += f"{self.found:,} found in {self.inspected:,} inspected, {self.reported:,} reported of the others, "
        told += f"nothing heard of {self.silent:,}"
        if not np.isnan(self.money_low):
            told += f"; in dollars {dollars(self.money_low)} to {dollars(self.money_high)}"
        if self.report_rate is None:
            return f"{told}; no statistics can narrow this, only an audit or an assumption can"
        shares = " to ".join(dict.fromkeys(percent(share, 0) for share in self.report_rate))
        told += f"; if {shares} of the events are reported, {percent(self.reported_low, 2)} to "
        told += f"{percent(self.reported_high, 2)} ({100 * self.level:g} % interval {percent(self.chance_low, 2)} to "
        return told + f"{percent(self.chance_high, 2)})"


def bounds_without_audit(
    y: ArrayLike,
    inspected: ArrayLike,
    *,
    report_rate: float | tuple[float, float] | None = None,
    value: ArrayLike | None = None,
    by: ArrayLike | None = None,
    level: float = 0.95,
) -> Bounds:
    """How many events could there be, where some cases were inspected and of the others one hears only by reports?

    Silence is not a no. Without an audit drawn at random, the data alone leave a range, and this is it.

    Parameters
    ----------
    y : array of shape (n,)
        1 where an event is known: found by inspection or reported. 0 where an inspection found none. In cases that were
        not inspected, 0 and NaN both mean that nothing was heard.
    inspected : array of bool, shape (n,)
        Where somebody looked and the truth is known. True and False only.
    report_rate : float or (float, float), optional
        Which share of the events in cases that were not inspected is reported, in (0, 1]; or from which to which. Not
        from these data: a claim that somebody signs.
    value : float or array of shape (n,), optional
        Dollars that an event in the case stands for, ≥ 0.
    by : array of shape (n,), optional
        The segment of each case: a row for each of them.
    level : float in (0, 1), default 0.95
        Probability with which the interval is to hold the rate of these cases, if the assumed rates hold.

    Returns
    -------
    Bounds
        ``low`` and ``high`` without any assumption; ``reported_low`` to ``reported_high`` under `report_rate`, and
        ``chance_low`` to ``chance_high`` with the chance of reporting; ``money_low`` and ``money_high``; ``frame()``.

    Raises
    ------
    TypeError, ValueError
        For outcomes that are not 0, 1 or NaN, an inspected case without an outcome, rates outside (0, 1] or in the
        wrong order, negative dollars, columns that do not belong to the same cases.

    Notes
    -----
    *Worst cases* (Manski): with k events known and s cases of which nothing was heard, the rate lies between k / n and
    (k + s) / n. Any number in between agrees with all that is on file.

    *Under a report rate* r, the m reports among the cases that were not inspected stand for m / r events, at most for
    all of those cases. With r between a and b: m / b to m / a. The interval allows for the chance of reporting, by the
    binomial law: its lower end is the least number T of events with P(Bin(T, b) ≥ m) > (1 − level) / 2, its upper end
    the largest with P(Bin(T, a) ≤ m) > (1 − level) / 2. It holds the number with probability `level` or more for
    whatever rates between a and b the events have, if each is reported or not by itself. Reports of things that did not
    happen are not allowed for.

    An audit narrows this without any assumption: :func:`audit_sample`, :func:`weighted_rate`.
    Taught in notebook 01, *Your own system*.

    References
    ----------
    Manski (1990), "Nonparametric Bounds on Treatment Effects", American Economic Review 80(2). Manski (2003), Partial
    Identification of Probability Distributions, chapter 1. Clopper and Pearson (1934), Biometrika 26(4).

    Examples
    --------
    Of 1,000 orders 100 were inspected and 20 found fake; the customers of three others complained.

    >>> y = np.full(1_000, np.nan)
    >>> y[:100] = np.arange(100) < 20
    >>> y[100:103] = 1
    >>> bounds_without_audit(y, np.arange(1_000) < 100, report_rate=(0.1, 0.5)).frame()[
    ...     ["low", "high", "reported_low", "reported_high", "chance_low", "chance_high"]
    ... ]
         low  high  reported_low  reported_high  chance_low  chance_high
    0  0.023  0.92         0.026           0.05       0.023        0.104
    """
    import pandas as pd

    outcome = as_binary(y, "y", missing=True)
    n = same_cases(y=y, inspected=inspected, value=value, by=by)
    looked = as_mask(inspected, "inspected")
    unknown = looked & np.isnan(outcome)
    if unknown.any():
        raise ValueError(f"y must be known where inspected is True; got nan at row {int(np.argmax(unknown))}")
    rates = None if report_rate is None else _as_rates(report_rate)
    level = as_number(level, "level", gt=0, lt=1)
    worth = None if value is None else np.broadcast_to(per_case(value, n, "value"), n)
    if worth is not None and (worth < 0).any():
        raise ValueError(f"value must be ≥ 0; got {worth.min():g} at row {int(np.argmax(worth < 0))}")
    whole = _bounds_of(np.arange(n), outcome, looked, rates, worth, level)
    table = None
    if by is not None:
        groups = as_groups(by, n, "by")
        rows = {name: _bounds_of(rows, outcome, looked, rates, worth, level) for name, rows in groups.items()}
        table = pd.DataFrame.from_dict(rows, orient="index")
    return Bounds(**whole, report_rate=rates, level=level, events=whole["found"] + whole["reported"], table=table)


def _as_rates(x: Any) -> tuple[float, float]:
    """The least and the largest share that is reported."""
    if isinstance(x, (list, tuple, np.ndarray)) and np.ndim(x) == 1:
        ends = as_numbers(x, "report_rate")
        if ends.size != 2:
            raise ValueError(f"report_rate must be one share or two, from and to; got {ends.size}")
        low, high = (as_number(float(end), "report_rate", gt=0, le=1) for end in ends)
    else:
        low = high = as_number(x, "report_rate", gt=0, le=1)
    if low > high:
        raise ValueError(f"report_rate must go from the smaller to the larger share; got {describe(x)}")
    return low, high


def _bounds_of(
    rows: NDArray[np.intp],
    outcome: Floats,
    looked: NDArray[np.bool_],
    rates: tuple[float, float] | None,
    worth: Floats | None,
    level: float,
) -> dict[str, Any]:
    """The bounds of some cases."""
    here, seen = outcome[rows], looked[rows]
    event, n = here == 1, rows.size
    silent = ~seen & ~event
    inspected, found, reported = (int(np.count_nonzero(x)) for x in (seen, event & seen, event & ~seen))
    known = float("nan") if worth is None else float(worth[rows][event].sum())
    most = float("nan") if worth is None else known + float(worth[rows][silent].sum())
    whole = _bounds_from(n, inspected, found, reported, rates, level)
    return whole | {"money_low": known, "money_high": most}


def _bounds_from(
    n: int, inspected: int, found: int, reported: int, rates: tuple[float, float] | None, level: float
) -> dict[str, Any]:
    """The same from counts, without dollars."""
    quiet, nan = n - inspected - reported, float("nan")
    out: dict[str, Any] = {"low": (found + reported) / n, "high": (found + reported + quiet) / n, "n": n}
    out |= {"inspected": inspected, "found": found, "reported": reported, "silent": quiet}
    out |= dict.fromkeys(("reported_low", "reported_high", "chance_low", "chance_high"), nan)
    if rates is not None:
        most = reported + quiet
        ends = [min(reported / rates[1], most), min(reported / rates[0], most)]
        ends += _events_behind(reported, most, rates, level)
        names = ("reported_low", "reported_high", "chance_low", "chance_high")
        out |= {name: (found + end) / n for name, end in zip(names, ends, strict=True)}
    return out | {"money_low": nan, "money_high": nan}


def _events_behind(reports: int, most: int, rates: tuple[float, float], level: float) -> list[int]:
    """How few and how many events, up to `most`, so many reports may come from."""
    from scipy.special import bdtr, bdtrc

    tail, tries = (1 - level) / 2, range(reports, most + 1)
    fewest = 0
    if reports:
        fewest = reports + bisect_left(tries, True, key=lambda t: bdtrc(reports - 1, t, rates[1]) > tail)
    beyond = bisect_left(tries, True, key=lambda t: bdtr(reports, t, rates[0]) <= tail)
    return [min(fewest, most), max(reports, reports + beyond - 1)]
