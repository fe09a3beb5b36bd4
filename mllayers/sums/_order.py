"""What is no sum, found by sums: the values at given places of the sorted column, and the most common value.

Both would otherwise make an engine hold every distinct value at once. Here it counts cells, which are cut finer where
the answer lies.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mllayers._stats import Floats
from mllayers.sums._query import _collected, known, where

__all__ = ["most_common", "values_at"]

_CELLS = 4096  # of the values, in one count
_BUCKETS = 65_536  # of the amounts
_HEAVIEST = 32  # buckets whose amounts are counted one by one
_ALL_AT_ONCE = 1_000_000  # rows of which all distinct amounts may be counted
_GOLDEN = 0.6180339887498949  # its multiples spread over the buckets whatever the amounts have in common


class _Between(NamedTuple):
    """Values from low to high; how many rows are smaller."""

    low: float
    high: float
    before: int


def values_at(data: Any, x: nw.Expr, places: Sequence[int] | NDArray[np.int64]) -> Floats:
    """The values at these places, from 0, of the sorted column; what is missing is not counted. Exact.

    Notes
    -----
    Each round counts the rows in cells between the smallest and the largest value that may still be meant, and goes on
    in the cells where the places are, until such a cell holds a single value. A cell of two values or more is always
    cut between its smallest and its largest.
    """
    rows = data.select(x__=x).filter(known(nw.col("x__")))
    ends = _collected(rows.select(low=nw.col("x__").min(), high=nw.col("x__").max(), n=nw.len()))
    low, high, n = (ends[name].to_list()[0] for name in ("low", "high", "n"))
    out, wanted = np.full(len(places), np.nan), np.asarray(places, dtype=np.int64)
    if not n or not (wanted.min() >= 0 and wanted.max() < n):
        raise ValueError(f"places must lie in 0 to {n - 1:,}; got {wanted.min()} to {wanted.max()}")
    open_cells = [_Between(float(low), float(high), 0)]
    if low == high:
        return np.full(len(places), float(low))
    per_cell = int(np.clip(n // 100, 16, _CELLS))
    while open_cells:
        cells = _counted(rows, open_cells, per_cell)
        after, still = [], np.isnan(out)
        for place, known_before in enumerate(open_cells):
            cell, before = cells[cells["of"] == place], known_before.before
            upto = before + np.cumsum(cell["rows"].to_numpy())
            inside = np.flatnonzero(still & (wanted >= before) & (wanted < upto[-1]))
            for at in np.unique(np.searchsorted(upto, wanted[inside], side="right")):
                one = cell.iloc[at]
                start = int(upto[at] - one["rows"])
                if one["low"] == one["high"]:
                    meant = inside[(wanted[inside] >= start) & (wanted[inside] < upto[at])]
                    out[meant] = one["low"]
                else:
                    after.append(_Between(float(one["low"]), float(one["high"]), start))
        open_cells = after
    return out


def _counted(rows: Any, cells: list[_Between], per_cell: int) -> pd.DataFrame:
    """How many rows are in each part of each of some cells, which rise, and the smallest and largest value there."""
    x = nw.col("x__")
    inside = (x >= cells[0].low) & (x <= cells[0].high)
    chain = _part_of(x, cells[-1], per_cell) + (len(cells) - 1) * (per_cell + 1.0)
    for place in range(len(cells) - 2, -1, -1):
        part = _part_of(x, cells[place], per_cell) + place * (per_cell + 1.0)
        chain = where(x <= cells[place].high, part, chain)
    for cell in cells[1:]:
        inside = inside | ((x >= cell.low) & (x <= cell.high))
    grouped = rows.filter(inside).with_columns(part__=chain).group_by("part__")
    found = _collected(grouped.agg(nw.len().alias("rows"), low=x.min(), high=x.max()))
    table = pd.DataFrame({name: np.asarray(found[name].to_list(), dtype=float) for name in found.columns})
    table["of"] = table["part__"] // (per_cell + 1.0)
    return table.sort_values("low", ignore_index=True)


def _part_of(x: nw.Expr, cell: _Between, per_cell: int) -> nw.Expr:
    """Which part of a cell a value lies in, 0 to `per_cell`; halved first, so that no difference is too large.

    Multiplied, not divided: Polars divides by a number in two ways, and equal values would land in different parts.
    """
    half, width = cell.low / 2, cell.high / 2 - cell.low / 2
    if width * sys.float_info.max <= per_cell:  # neighbours among the smallest numbers there are
        return where(x > cell.low, float(per_cell), 0.0)
    return ((x * 0.5 - half) * (per_cell / width)).floor()


def most_common(data: Any, x: nw.Expr, w: nw.Expr | None = None) -> float:
    """The amount that most rows have, or that weighs most; the smallest of several such.

    Notes
    -----
    Up to a million rows by counting every amount. Beyond, amounts are first counted in 65,536 buckets, and then one by
    one in the 32 heaviest. That may miss the most common one only if no amount is more common than the 33rd bucket is
    full: then hardly two rows share one.
    """
    part = data.lazy() if data.implementation.is_polars() and not isinstance(data, nw.LazyFrame) else data
    rows = part.with_columns(x__=x, w__=nw.lit(1.0) if w is None else w).select("x__", "w__")
    if int(_collected(rows.select(n=nw.len()))["n"].to_list()[0]) > _ALL_AT_ONCE:
        spread = nw.col("x__") * _GOLDEN
        rows = rows.with_columns(bucket__=((spread - spread.floor()) * float(_BUCKETS)).floor())
        weighed = rows.filter(known(nw.col("x__"))).group_by("bucket__").agg(nw.col("w__").sum())
        heavy = _collected(weighed.sort("w__", "bucket__", descending=[True, False], nulls_last=True).head(_HEAVIEST))
        rows = rows.filter(nw.col("bucket__").is_in([float(bucket) for bucket in heavy["bucket__"].to_list()]))
    counted = rows.group_by("x__").agg(nw.col("w__").sum())
    first = _collected(counted.sort("w__", "x__", descending=[True, False], nulls_last=True).head(1))
    found = first["x__"].to_list()
    return float(found[0]) if found and found[0] is not None else 0.0
