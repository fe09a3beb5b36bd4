"""The best cases within a capacity, and what more of it can bring."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_columns, as_number, as_numbers, describe, per_case, same_cases
from mllayers._frames import FrameT, check_columns, column_name, fails, number, opened, refuse_rows
from mllayers._results import Result
from mllayers._words import dollars, exact

__all__ = ["Selection", "fits_capacity", "within_capacity"]


@dataclass(frozen=True, eq=False, repr=False)
class Selection(Result):
    """The cases that fit a capacity: what `within_capacity` returns.

    Parameters
    ----------
    chosen : boolean array of shape (n,)
        Which cases to take.
    gain, used : float
        Dollars they bring together, and units of capacity they take.
    shadow_price : float
        The gain per unit of the best case that no longer fits whole; 0 when there is room for all that pays.
    bound : float
        No choice that fits can bring more than this.

    Notes
    -----
    Taught in notebook 03, *Optional: capacity has a price*.

    Examples
    --------
    >>> fit = within_capacity([5.0, 30.0, 12.0], 2)
    >>> fit.gain, round(fit.one_more, 2)
    (42.0, 5.0)
    """

    chosen: NDArray[np.bool_]
    gain: float
    used: float
    shadow_price: float
    bound: float

    @property
    def one_more(self) -> float:
        """Dollars that one more unit of capacity can bring at most: exact where every case takes one unit."""
        return self.bound + self.shadow_price - self.gain

    def _line(self) -> str:
        return (
            f"{int(self.chosen.sum()):,} of {self.chosen.size:,} cases bring {dollars(self.gain, 2)} "
            f"with {self.used:g} units; one more unit is worth at most {dollars(self.one_more, 2)}"
        )


def within_capacity(gain: ArrayLike, capacity: float, *, units: ArrayLike = 1.0) -> Selection:
    """The cases that bring the most within a capacity, and what one more unit of it can bring.

    Parameters
    ----------
    gain : array of shape (n,)
        Dollars each case is expected to bring. Cases that bring nothing (gain ≤ 0) are never taken.
    capacity : float
        How many units there are: slots, or hours.
    units : number or array of shape (n,), default 1
        Units each case takes, > 0.

    Returns
    -------
    Selection
        The mask, gain, units used, shadow price and upper bound.

    Raises
    ------
    TypeError, ValueError
        For a negative capacity, missing or infinite gains, units that are not > 0, Series whose labels differ.

    Notes
    -----
    Cases are ranked by gain per unit; equal ones keep their order. With one size of unit that is optimal. With units of
    different size the ranking is completed to the best choice by a search over the cases near the margin
    (Nemhauser–Ullmann lists); should it have to look at more than two million partial choices, the ranking's own choice
    is returned, and `bound` says how far it can be from the best. The shadow price is that of linear programming, where
    a case may be taken in part: with whole cases, N more units bring at most ``bound − gain + N · shadow_price``, and
    perhaps nothing. A relative 1e-9 of the capacity is allowed for rounding. `fits_capacity` does it in an engine.
    Taught in notebook 03, *Optional: capacity has a price*.

    References
    ----------
    Dantzig (1957), "Discrete-Variable Extremum Problems", Operations Research 5(2), the bound; Nemhauser and Ullmann
    (1969), "Discrete Dynamic Programming and Capital Allocation", Management Science 15(9), the search.

    Examples
    --------
    >>> within_capacity([5.0, 30.0, -2.0, 12.0], 2)
    2 of 4 cases bring $42.00 with 2 units; one more unit is worth at most $5.00
    >>> within_capacity([60.0, 100.0, 120.0], 50, units=[10, 20, 30]).chosen
    array([False,  True,  True])
    """
    room = as_number(capacity, "capacity", ge=0) * (1 + 1e-9)
    if isinstance(gain, str):
        raise TypeError("gain must be a column of numbers; for a frame: fits_capacity(frame, gain, capacity, ties=…)")
    worth = as_numbers(gain, "gain")
    n = worth.size
    if n or (np.ndim(units) and len(units)):  # type: ignore[arg-type]
        same_cases(gain=gain, units=units)
    size = np.broadcast_to(per_case(units, n, "units"), n)
    if (size <= 0).any():
        row = int(np.argmax(size <= 0))
        raise ValueError(f"units must be > 0; got {exact(size[row])} at row {row}")
    order = np.argsort(-worth / size, kind="stable")
    order = order[worth[order] > 0]
    ranked_worth, ranked_size = worth[order], size[order]
    spent = np.cumsum(ranked_size)
    k = int(np.searchsorted(spent, room, side="right"))
    price = float(ranked_worth[k] / ranked_size[k]) if k < order.size else 0.0
    bound = float(ranked_worth[:k].sum() + (room - (spent[k - 1] if k else 0.0)) * price)
    taken = np.arange(order.size) < k
    if k < order.size and np.ptp(size) > 0:
        taken = _best_fill(ranked_worth, ranked_size, room)
    chosen = np.zeros(n, dtype=bool)
    chosen[order[taken]] = True
    return Selection(chosen, float(worth[chosen].sum()), float(size[chosen].sum()), price, bound)


def _best_fill(gain: NDArray[np.float64], units: NDArray[np.float64], room: float) -> NDArray[np.bool_]:
    """The best choice that fits, from cases in falling order of gain per unit, all with gain > 0."""
    spent = np.cumsum(units)
    k = int(np.searchsorted(spent, room, side="right"))
    taken: NDArray[np.bool_] = np.arange(gain.size) < k
    left = room - (spent[k - 1] if k else 0.0)
    price, slack = gain[k] / units[k], left * gain[k] / units[k]
    for i in np.flatnonzero(units[k:] <= left) + k:  # the ranking goes on with whatever still fits
        if units[i] <= left:
            taken[i], left, slack = True, left - units[i], slack - gain[i]
    # Changing a case whose gain is further from its price than the bound is from this choice can only lose.
    near = np.abs(gain - price * units) <= slack * (1 + 1e-9) + 1e-12 * gain.max()
    core, settled = np.flatnonzero(near), (np.arange(gain.size) < k) & ~near
    space, goal = room - units[settled].sum(), float(gain[taken].sum() - gain[settled].sum())
    used, worth, steps, looked = np.zeros(1), np.zeros(1), [], 0
    for j, i in enumerate(core):
        rate = gain[core[j + 1]] / units[core[j + 1]] if j + 1 < core.size else 0.0
        all_used, all_worth = np.concatenate([used, used + units[i]]), np.concatenate([worth, worth + gain[i]])
        rank = np.lexsort((-all_worth, all_used))
        ahead = np.concatenate([[-1.0], np.maximum.accumulate(all_worth[rank])[:-1]])
        hopeful = all_worth[rank] + (space - all_used[rank]) * rate > goal
        keep = rank[(all_used[rank] <= space) & (all_worth[rank] > ahead) & hopeful]
        steps.append((keep % used.size, keep >= used.size))
        used, worth = all_used[keep], all_worth[keep]
        looked += keep.size
        if keep.size == 0 or looked > 2_000_000:
            return taken
    best = int(np.argmax(worth))
    better: NDArray[np.bool_] = settled.copy()
    for i, (parent, took) in zip(core[::-1], steps[::-1], strict=True):
        better[i], best = took[best], parent[best]
    return better


def fits_capacity(
    frame: FrameT,
    gain: str,
    capacity: float,
    *,
    units: str | float = 1.0,
    ties: str | Sequence[str],
    into: str = "fits",
) -> FrameT:
    """Add a column that is true for the cases that bring the most within a capacity, in any engine.

    Parameters
    ----------
    frame : any frame that `Policy.decide` takes
        One row per case; a lazy frame stays lazy.
    gain : str
        The column with the dollars each case is expected to bring. Cases that bring nothing (gain ≤ 0) never fit.
    capacity : float
        How many units there are: slots, or hours.
    units : str or float, default 1
        Units each case takes, > 0: a column, or one number.
    ties : str or list of str
        The columns that settle equal gains per unit, such as the case's id.
    into : str, default 'fits'
        Name of the new column.

    Returns
    -------
    frame
        Of the caller's own type, with the same rows.

    Raises
    ------
    TypeError, ValueError
        For a negative capacity, a column that is absent or already there, missing or infinite gains, units that are not
        > 0 (on a lazy frame when it runs).

    Notes
    -----
    The choice is a running sum of units over the ranking by gain per unit, and stops at the first case that does not
    fit: at most that one case's gain below the best. `within_capacity` finds the best itself.
    Taught in notebook 03, *Optional: capacity has a price*.

    References
    ----------
    Dantzig (1957), "Discrete-Variable Extremum Problems", Operations Research 5(2).

    Examples
    --------
    >>> import pandas as pd
    >>> cases = pd.DataFrame({"id": [7, 8, 9], "gain": [5.0, 30.0, 12.0]})
    >>> fits_capacity(cases, "gain", 2, ties="id")["fits"].to_list()
    [False, True, True]
    """
    room = as_number(capacity, "capacity", ge=0) * (1 + 1e-9)
    column_name(gain, "gain")
    column_name(into, "into")
    if ties is None:
        raise TypeError(
            f"ties must name the columns that settle equal gains, such as the case's id; got {describe(ties)}"
        )
    settled = [column_name(x, "ties") for x in ([ties] if isinstance(ties, str) else as_columns(ties, "ties"))]
    data = opened(frame)
    order, spent, place = (f"{into}__{part}" for part in ("order", "spent", "place"))
    columns = [gain, units] if isinstance(units, str) else [gain]
    check_columns(data, columns, [into, order, spent, place])
    check_columns(data, settled, [], numbers=None)
    worth = number(gain)
    size = number(units) if isinstance(units, str) else nw.lit(as_number(units, "units", gt=0))
    usable = (worth.abs() <= sys.float_info.max) & (size > 0) & (size <= sys.float_info.max)
    rule = f"{gain} must be a finite number" + (f" and {units} be > 0 and finite" if isinstance(units, str) else "")
    refuse_rows(data, usable, nw.lit(value=False), rule, columns)
    rank: nw.Expr = nw.when(worth > 0).then((0.0 - worth) / size).otherwise(nw.lit(0.0))
    if isinstance(data, nw.LazyFrame):  # outside the branches: an engine may fill the rows a branch skips with NULL
        rank = nw.coalesce(fails(~usable | usable.is_null(), rule), rank)
    data = data.with_columns(**{order: rank, spent: nw.when(worth > 0).then(size).otherwise(nw.lit(0.0))})
    running = nw.col(spent).cum_sum()
    if isinstance(data, nw.LazyFrame):
        data = data.with_columns(**{spent: running.over(order_by=[order, *settled])})
    else:  # there and back by two sorts: over(order_by=…) is wrong on pandas before 3
        data = data.with_row_index(place).sort(order, *settled).with_columns(**{spent: running})
        data = data.sort(place).drop(place)
    data = data.with_columns(**{into: (nw.col(order) < 0) & (nw.col(spent) <= room)})
    fitted: FrameT = data.drop(order, spent).to_native()
    return fitted
