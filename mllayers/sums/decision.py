"""Layer 3 by sums: which cases fit a capacity, and what is one more unit of it worth?"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np

from mllayers._check import as_integer, as_number
from mllayers._results import Result
from mllayers._words import dollars
from mllayers.decision.thresholds import CostWarning
from mllayers.sums._query import as_data, finite, numbers_of, positive, totals, where
from mllayers.sums._table import Sums

__all__ = ["CapacityCut", "CapacitySums", "capacity_sums", "with_cost_threshold"]


@dataclass(frozen=True, eq=False, repr=False)
class CapacityCut(Result):
    """Who fits a capacity, as a rule instead of a list: what `CapacitySums.result` returns.

    Attributes
    ----------
    at_least : float
        Take the cases whose gain per unit is at least this; infinite where nobody fits.
    cases : int
        How many these are, without those left over.
    left_over : int
        How many of the cases of exactly this gain per unit do not fit any more: take any of them.
    gain, used : float
        Dollars they bring together, and units of capacity they take.
    shadow_price : float
        The gain per unit of the best case that does not fit; 0 where there is room for all that pays.
    bound : float
        No choice that fits can bring more than this.
    """

    at_least: float
    cases: int
    gain: float
    used: float
    shadow_price: float
    bound: float
    left_over: int = 0

    def _line(self) -> str:
        without = f" (without {self.left_over:,} of those at exactly that)" if self.left_over else ""
        return (
            f"at least {dollars(self.at_least, 2)} a unit{without}: {self.cases:,} cases bring "
            f"{dollars(self.gain, 2)} with {self.used:g} units; no choice brings more than {dollars(self.bound, 2)}"
        )


class CapacitySums(Sums):
    """What `capacity_sums` returns; ``result(capacity)`` says which cases fit, by a threshold on the gain per unit."""

    kind: ClassVar[str] = "capacity"
    keys: ClassVar[tuple[str, ...]] = ("cell",)

    def result(self, capacity: float) -> CapacityCut:
        """The threshold on the gain per unit that fills a capacity, with its shadow price.

        Parameters
        ----------
        capacity : float
            How many units there are: slots, or hours.

        Returns
        -------
        CapacityCut
            Cases of different ratios in one cell, and cases of one ratio that take different units, are taken together
            or not at all; `bound` − `gain` says what that can cost. `decision.within_capacity` takes them one by one
            and gives the same shadow price and bound where each ratio has its own cell.
        """
        room = as_number(capacity, "capacity", ge=0) * (1 + 1e-9)
        if not len(self.table):
            raise ValueError("gain must hold at least one case; got none")
        table = self.table[self.table["n_pays"] > 0].sort_values("max_ratio", ascending=False)
        gain, units = table["gain"].to_numpy(), table["units"].to_numpy()
        spent = np.cumsum(units)
        k = int(np.searchsorted(spent, room, side="right"))
        best, least = table["max_ratio"].to_numpy(), table["min_ratio"].to_numpy()
        price = float(best[k]) if k < len(table) else 0.0
        left = room - (float(spent[k - 1]) if k else 0.0)
        more = min(left * price, float(gain[k])) if k < len(table) else 0.0
        pays = table["n_pays"].to_numpy()
        cut = CapacityCut(
            at_least=float(least[k - 1]) if k else float("inf"), cases=int(pays[:k].sum()), gain=float(gain[:k].sum()),
            used=float(units[:k].sum()), shadow_price=price, bound=float(gain[:k].sum()) + more,
        )  # fmt: skip
        each = self.settings["units"]
        if k == len(table) or isinstance(each, str) or least[k] != best[k] or left < each:
            return cut
        fit = int(left // each)  # of cases that are all alike
        return replace(
            cut, at_least=price, cases=cut.cases + fit, gain=cut.gain + fit * float(gain[k]) / int(pays[k]),
            used=cut.used + fit * float(each), left_over=int(pays[k]) - fit,
        )  # fmt: skip


def capacity_sums(
    frame: Any, *, gain: str, units: str | float = 1.0, grid: int | None = None, most: float | None = None
) -> CapacitySums:
    """What is left of the rows for the question which cases fit a capacity: sums for each gain per unit.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query sums up where the rows are; none of them is fetched.
    gain : str
        The column with the dollars each case is expected to bring. Cases that bring nothing (gain ≤ 0) never fit.
    units : str or float, default 1
        Units each case takes, > 0: a column, or one number for all.
    grid : int, optional
        Cells between 0 and `most` dollars a unit. Left out, every distinct ratio is kept.
    most : float, optional
        With `grid`: where the last cell begins; all above belong to it.

    Returns
    -------
    CapacitySums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result(capacity)``, for any capacity.

    Raises
    ------
    TypeError, ValueError
        As `decision.within_capacity`; rows that break a rule are counted.

    Examples
    --------
    >>> capacity_sums({"gain": [5.0, 30.0, -2.0, 12.0]}, gain="gain").result(2)
    at least $12.00 a unit: 2 cases bring $42.00 with 2 units; no choice brings more than $42.00
    """
    if (grid is None) != (most is None):
        raise ValueError("grid and most belong together: how many cells, and where the last one begins")
    data, x = numbers_of(as_data(frame), gain=gain, units=units)
    must = {
        f"gain ({gain}) must be a finite number": finite(x["gain"]),
        f"units ({units}) must be > 0": positive(x["units"]),
    }
    pays = x["gain"] > 0
    # one number is multiplied with: Polars divides by a number in two ways, and equal gains would differ
    per_unit = x["gain"] / x["units"] if isinstance(units, str) else x["gain"] * (1 / as_number(units, "units", gt=0))
    data = data.with_columns(ratio__=where(pays, per_unit, -1.0))
    ratio = nw.col("ratio__")
    cell = ratio
    if grid is not None:
        cells, end = as_integer(grid, "grid", ge=1, le=2**30), as_number(most, "most", gt=0)
        place = (ratio * (cells / end)).floor()
        cell = where(ratio < 0, -1.0, where(place >= cells, float(cells), place))
    sums = {"gain": where(pays, x["gain"])} | ({"units": where(pays, x["units"])} if isinstance(units, str) else {})
    table = totals(data, {"cell": cell}, sums, least={"ratio": ratio}, most={"ratio": ratio}, must=must)
    table["n_pays"] = table["rows"].where(table["cell"] >= 0, 0)
    if not isinstance(units, str):
        table["units"] = table["n_pays"] * float(units)
    return CapacitySums(table, {"grid": grid, "most": most, "units": units})


def with_cost_threshold(
    frame: Any,
    *,
    cost_fp: str | float,
    cost_fn: str | float = 0.0,
    gain_tp: str | float = 0.0,
    gain_tn: str | float = 0.0,
    into: str = "threshold",
) -> Any:
    """The frame with one more column, the score from which acting pays in each case: `cost_threshold` in the engine.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame
        One row per case, every amount known. One query counts the cases without a threshold.
    cost_fp, cost_fn, gain_tp, gain_tn : str or float
        Dollars of the four outcomes, as in `decision.cost_threshold`: columns, or numbers for all.
    into : str, default "threshold"
        Name of the new column.

    Returns
    -------
    frame of the kind that came in
        Infinite where no score is high enough, minus infinite where every score is.

    Raises
    ------
    TypeError, ValueError
        As `decision.cost_threshold`; rows that break a rule are counted.

    Warns
    -----
    CostWarning
        With the number of cases that have no threshold.

    Examples
    --------
    >>> import pandas as pd
    >>> with_cost_threshold(pd.DataFrame({"value": [15.0, 45.0]}), gain_tp="value", cost_fp=5)
       value  threshold
    0   15.0       0.25
    1   45.0       0.10
    """
    amounts: dict[str, Any] = {"gain_tp": gain_tp, "cost_fp": cost_fp, "cost_fn": cost_fn, "gain_tn": gain_tn}
    native = not isinstance(frame, (nw.DataFrame, nw.LazyFrame))
    data = as_data(frame)
    names = list(data.collect_schema())
    if into in names:
        raise ValueError(f"frame already has the column {into!r}; choose another name with into=…")
    data, x = numbers_of(data, **amounts)
    must = {
        f"{name} ({column}) must be a finite number": finite(x[name])
        for name, column in amounts.items()
        if isinstance(column, str)
    }
    data = data.with_columns(wrong__=x["gain_tn"] + x["cost_fp"], right__=x["gain_tp"] + x["cost_fn"])
    wrong, right = nw.col("wrong__"), nw.col("right__")
    always = ((wrong <= 0) & (right > 0)) | ((wrong < 0) & (right == 0))
    never = (right <= 0) & ~always
    found = totals(data, {}, {"n_always": always, "n_never": never, "n_swap": (wrong < 0) & (right < 0)}, must=must)
    rows, n_always, n_never, swapped = (int(found[name].sum()) for name in ("rows", "n_always", "n_never", "n_swap"))
    if swapped:
        raise ValueError(
            "gain_tn + cost_fp and gain_tp + cost_fn are both below 0: acting pays on negatives and not on positives, "
            f"as if the two were swapped, in {swapped:,} of {rows:,} rows"
        )
    if rows and n_always + n_never == rows:
        name, winner = ("gain_tn + cost_fp", "acting") if n_always else ("gain_tp + cost_fn", "never acting")
        raise ValueError(f"{name} must be > 0, or {winner} is best at every probability: no case has a threshold")
    if n_always + n_never:
        told = [f"acting is best at every probability for {n_always:,} (threshold −inf)" * bool(n_always)]
        told += [f"leaving alone for {n_never:,} (threshold inf)" * bool(n_never)]
        warnings.warn(
            f"{n_always + n_never:,} of {rows:,} cases have no threshold: {', '.join(filter(None, told))}",
            CostWarning,
            stacklevel=2,
        )
    both = where(wrong + right > 0, wrong + right, 1.0)
    t = where(always, -math.inf, where(never, math.inf, wrong / both))
    out = data.with_columns(**{into: t}).select(*names, into)
    return out.to_native() if native else out
