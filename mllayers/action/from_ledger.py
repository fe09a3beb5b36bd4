"""What did each planned action change, and did it pay: read from the ledger alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mllayers._check import (
    Floats,
    as_binary,
    as_frame,
    as_number,
    as_numbers,
    as_propensities,
    describe,
    refuse_doubles,
)
from mllayers._results import Result
from mllayers._stats import guard_weights, normal_quantile
from mllayers._words import count, dollars, points
from mllayers.action.effect import _effect, _reckonable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LedgerEffect", "ledger_effect"]


@dataclass(frozen=True, eq=False, repr=False)
class LedgerEffect(Result):
    """What each planned action changed, from the ledger alone: what `ledger_effect` returns.

    Attributes
    ----------
    table : DataFrame
        A row per planned action (and segment), as `frame()` gives it.
    explored : int
        Mature rows left out because exploration gave the case another action.
    overridden : int
        Mature rows that a human changed; they count as the lot drew them.
    waiting : int
        Rows left out because their outcome has not matured.
    level : float
        Probability with which each interval is to hold the true effect.
    events : int
        Outcomes (y = 1) that the table rests on.
    """

    table: pd.DataFrame
    explored: int
    overridden: int
    waiting: int
    level: float
    events: int

    def frame(self) -> pd.DataFrame:
        """A row per planned action (and segment); money in dollars per case that was planned for it."""
        return self.table.copy()

    def _line(self) -> str:
        told = []
        for row in self.table.head(3).to_dict("records"):
            name = str(row["planned"]) + (f" in {row['segment'] or 'no segment'}" if "segment" in row else "")
            if row["reason"] and math.isnan(row["rate"]):
                told.append(f"{name}: {row['reason']}")
                continue
            change = f"{points(row['rate'])} points ({points(row['low'])} to {points(row['high'])})"
            span = row["reason"] or f"{dollars(row['net_low'], 2)} to {dollars(row['net_high'], 2)}"
            told.append(f"{name}: {change}, net {dollars(row['net'], 2)} per case ({span})")
        if not told:
            told.append("no mature row is planned for an action")
        if len(self.table) > 3:
            told.append(f"{len(self.table) - 3:,} more")
        left = [(self.waiting, "not mature"), (self.explored, "explored"), (self.overridden, "overridden by a human")]
        told += [f"{number:,} {what}" for number, what in left if number]
        return "; ".join(told)


def ledger_effect(found: Any, *, by: str | Sequence[str] = ("planned",), level: float = 0.95) -> LedgerEffect:
    """What each planned action changed and whether that paid: acted against held out, from the ledger alone.

    Parameters
    ----------
    found : Matured or DataFrame
        What `feedback.matured` returns, or its ``labels``: planned, action, idle, drawn ('', 'holdout' or 'explore'),
        propensity (of the action done), cost, y (0 or 1), value (dollars that came of the outcome, with their sign;
        none where y = 1 and nobody stated it) and mature (true or false), one row per decision; segment and override if
        there are any.
    by : {("planned",), ("planned", "segment")}, default ("planned",)
        What a row of the result stands for.
    level : float in (0, 1), default 0.95
        Probability with which each interval is to hold the true effect.

    Returns
    -------
    LedgerEffect
        A row per planned action (and segment), in the order of their names: ``treated`` and ``held_out`` cases; what
        the action changed in the ``rate`` of the outcome (``low``, ``high``) and in ``dollars`` per planned case
        (``dollars_low``, ``dollars_high``); its mean ``cost`` beyond the idle action's; ``net`` (dollars less cost,
        ``net_low``, ``net_high``); ``events`` (outcomes in both groups); and a ``reason`` where something is NaN.

    Raises
    ------
    TypeError, ValueError
        For absent columns, propensities outside (0, 1], outcomes that are not 0 or 1, dollars without an outcome.

    Notes
    -----
    The cases compared are those planned for the same action, idle ones excluded, whose outcome has matured. *Acted*:
    the planned action was done. *Held out*: left alone at random, by the hold-out or by an exploration that drew the
    idle action; the propensity written down covers both. Both groups are weighted by 1 / propensity, each within itself
    (Hájek). Cases that exploration gave a third action are left out and counted: the weights stand for them. What a
    human changed afterwards counts as the lot drew it (intention to treat): a choice by hand is no lot. Intervals as
    in `uplift_effect`; the interval of the net adds the spread of the costs. Where most of the rows cannot be compared
    (nobody held out, propensities that do not fit the lots) there is a reason, and no number.
    Taught in notebook 04, *Optional: the ledger*.

    References
    ----------
    Hájek (1971); Newcombe (1998), Statistics in Medicine 17(8); Zou and Donner (2008), Statistics in Medicine 27(10).

    Examples
    --------
    >>> import pandas as pd
    >>> kept, held = [1, 0, 1, 1] * 50, [0, 0, 1, 0] * 50
    >>> rows = pd.DataFrame({"planned": "voucher", "action": ["voucher"] * 200 + ["none"] * 200, "idle": "none",
    ...                      "drawn": [""] * 200 + ["holdout"] * 200, "propensity": 0.5, "y": kept + held,
    ...                      "cost": [5.0] * 200 + [0.0] * 200, "mature": True})
    >>> effect = ledger_effect(rows.assign(value=40.0 * rows["y"]))
    >>> effect.frame()[["planned", "treated", "held_out", "rate", "dollars", "cost", "net"]]
       planned  treated  held_out  rate  dollars  cost   net
    0  voucher      200       200   0.5     20.0   5.0  15.0
    """
    import pandas as pd

    keys = (by,) if isinstance(by, str) else tuple(by)
    if keys not in (("planned",), ("planned", "segment")):
        raise ValueError(f"by must be ('planned',) or ('planned', 'segment'); got {describe(by)} {keys}")
    level = as_number(level, "level", gt=0, lt=1)
    needed = ["planned", "action", "idle", "drawn", "propensity", "cost", "y", "value", "mature", *keys[1:]]
    rows = as_frame(getattr(found, "labels", found), "found", needed).reset_index(drop=True)
    refuse_doubles(rows, "found")
    ripe = as_binary(rows["mature"], "mature") == 1
    planned, action = (_names_of(rows[name], name) for name in ("planned", "action"))
    idle, drawn = (_names_of(rows[name], name, optional=True) for name in ("idle", "drawn"))
    weight, cost = 1 / as_propensities(rows["propensity"], len(rows)), as_numbers(rows["cost"], "cost")
    y, value = as_binary(rows["y"], "y", missing=True), as_numbers(rows["value"], "value", missing=True)
    for x, name in ((value, "value"), (cost, "cost")):
        _reckonable(x, name)
    active = ripe & (planned != idle)
    acted = active & (action == planned) & (drawn == "")
    held = active & (action == idle) & (drawn != "")
    explored = active & ~acted & ~held & (drawn == "explore")
    for odd, rule in (
        (~np.isin(drawn, ["", "holdout", "explore"]), "drawn must be '', 'holdout' or 'explore'"),
        (active & ~acted & ~held & ~explored, "each row must be acted on as planned, held out or explored"),
        (ripe & np.isnan(y), "y must be known where mature is true"),
        (ripe & (y == 0) & (np.nan_to_num(value) != 0), "value must be 0 or absent where y is 0"),
    ):
        if odd.any():
            row = int(np.argmax(odd))
            told = f"planned {planned[row]!r}, action {action[row]!r}, idle {idle[row]!r}, drawn {drawn[row]!r}"
            raise ValueError(f"{rule}; got {told}, y {y[row]:g} and value {value[row]:g} at row {row}")
    worth = np.where(y == 0, 0.0, value)
    overridden = int((ripe & rows["override"].notna().to_numpy()).sum()) if "override" in rows else 0
    labels = pd.DataFrame({"planned": planned})
    if "segment" in keys:
        labels["segment"] = _names_of(rows["segment"], "segment", optional=True)
    table = []
    for label, places in labels[active].groupby(list(keys)):
        here = np.zeros(len(rows), dtype=bool)
        here[places.index] = True
        named = dict(zip(keys, label, strict=True))
        table.append(named | _row_of(y, worth, cost, weight, here, acted & here, held & here, level))
    columns = [*keys, "treated", "held_out", "rate", "low", "high", "dollars", "dollars_low", "dollars_high", "cost"]
    frame = pd.DataFrame(table, columns=[*columns, "net", "net_low", "net_high", "events", "reason"])
    events = int(y[acted | held].sum())
    return LedgerEffect(frame, int(explored.sum()), overridden, int((~ripe).sum()), level, events)


def _row_of(
    y: Floats,
    worth: Floats,
    cost: Floats,
    weight: Floats,
    here: NDArray[np.bool_],
    acted: NDArray[np.bool_],
    held: NDArray[np.bool_],
    level: float,
) -> dict[str, Any]:
    """The effect among the cases planned for one action (`here`), or the reason why there is none."""
    sides = [int(acted.sum()), int(held.sum())]
    row: dict[str, Any] = dict(zip(("treated", "held_out"), sides, strict=True))
    row |= {"events": int(y[acted | held].sum()), "reason": ""}
    if min(sides) < 2:
        many = sides[1] >= 2
        row["reason"] = f"only {count(sides[0] if many else sides[1], 'case')} {'acted on' if many else 'held out'}"
        return row
    try:
        for side, name in ((acted, "acted on"), (held, "held out")):
            guard_weights((side * weight)[here], min_n_eff=2, what=f"1 / propensity of those {name}", who="the lot")
    except ValueError as error:
        row["reason"] = str(error)
        return row
    known = not np.isnan(worth[acted | held]).any()
    effect = _effect(y, worth if known else None, acted, held, weight, level)
    row |= {"rate": effect.rate, "low": effect.low, "high": effect.high}
    row |= {"dollars": effect.money, "dollars_low": effect.money_low, "dollars_high": effect.money_high}
    means, spread = [], 0.0
    for side in (acted, held):
        w, first = weight[side] / weight[side].sum(), cost[side][0]
        means.append(float(first + w @ (cost[side] - first)))  # a cost that all have comes out to the cent
        spread += float(((w * (cost[side] - means[-1])) ** 2).sum())
    spent, half = means[0] - means[1], normal_quantile(level) * math.sqrt(spread)
    row |= {"cost": spent, "net": effect.money - spent}
    row["net_low"] = row["net"] - math.hypot(effect.money - effect.money_low, half)
    row["net_high"] = row["net"] + math.hypot(effect.money_high - effect.money, half)
    if not known:
        row["reason"] = f"the value of {count(int(np.isnan(worth[acted | held]).sum()), 'outcome')} was not stated"
    elif math.isnan(effect.money_low) or math.isnan(effect.money_high):
        row["reason"] = f"too few events ({effect.money_events:,}) for an interval in dollars"
    return row


def _names_of(column: pd.Series[Any], name: str, *, optional: bool = False) -> NDArray[Any]:
    """Names as text in an array of objects; an absent one is '' where that is allowed."""
    gone = column.isna().to_numpy(bool)
    if gone.any() and not optional:
        raise ValueError(f"{name} is missing at row {int(np.argmax(gone))}")
    out = np.empty(len(column), dtype=object)
    out[:] = ["" if lost else str(one) for one, lost in zip(column.tolist(), gone, strict=True)]
    return out
