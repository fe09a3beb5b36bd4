"""A run in a ledger: which months are written already, and what is still to be written."""

from __future__ import annotations

import hashlib
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mllayers._check import describe
from mllayers.decision.plan import PLANNED_COLUMNS
from mllayers.ledger import Ledger
from mllayers.shop import observe

DAYS = 30  # in a month
DAY_ZERO = pd.Timestamp("2026-01-01")  # in the ledger


def run_name(team: str, settings: tuple[Any, ...]) -> str:
    """What a run is called in a ledger: its team, and a mark that another setting changes."""
    told = [x if is_dataclass(x) or not hasattr(x, "learn") else type(x).__qualname__ for x in settings]
    return f"loop {team} {hashlib.sha256(repr(told).encode()).hexdigest()[:12]}"


class Book:
    """One run in a ledger, month by month."""

    def __init__(self, ledger: Ledger, run: str, months: list[int]) -> None:
        if not isinstance(ledger, Ledger):
            raise TypeError(f"ledger must be a Ledger; got {describe(ledger)}")
        self.ledger, self.policy = ledger, run
        written = ledger.decisions()
        others = sorted(set(written["policy"]) - {self.policy})
        if others:
            raise ValueError(
                f"ledger must hold nothing but this run, {self.policy!r}, with the same team, capacity, window, first "
                f"month, prices and seed; it holds {others[0]!r}"
            )
        month = (written["time"] - DAY_ZERO) // pd.Timedelta(days=DAYS)
        self.months = {int(key): part.set_index("case", drop=False) for key, part in written.groupby(month)}
        self.again = min(max(self.months, default=-1), months[-1])

    def read(self, month: int, orders: pd.DataFrame) -> pd.DataFrame | None:
        """The decisions of a month, if it is written; not of the last one, which is decided again and compared."""
        if month >= self.again:
            return None
        cases = orders["order_id"].astype(str)
        if month not in self.months or set(cases) != set(self.months[month].index):
            raise ValueError(f"ledger holds decisions about other orders than those of month {month}")
        there = self.months[month].loc[cases.to_list()].set_axis(orders.index)[list(PLANNED_COLUMNS)]
        return there.assign(order_id=orders["order_id"], month=orders["month"], day=orders["day"])

    def write(self, decisions: pd.DataFrame, past: list[pd.DataFrame]) -> None:
        """A month's decisions, and what came back while it lasted; both are whole or not there at all."""
        month = int(past[-1]["month"].iloc[0])
        self.ledger.record_decisions(decisions)
        came = came_back(pd.concat(past), month * float(DAYS), (month + 1) * float(DAYS))
        if len(came):
            self.ledger.record_outcomes(came)


def came_back(orders: pd.DataFrame, begin: float, end: float) -> pd.DataFrame:
    """What became known about orders after one day and until another: what somebody reviewed, and the chargebacks."""
    placed = orders["day"].between(begin, end, inclusive="left")
    due = orders[placed | orders["_report_day"].between(begin, end, inclusive="right")]
    seen = observe(due, due["action"], end)
    looked = seen["source"].isin(["review", "audit"]) & due["day"].between(begin, end, inclusive="left")
    new = looked | (seen["source"] == "chargeback")
    told, source = due[new], seen.loc[new, "source"].astype(str)
    arrival = np.where(source == "chargeback", told["_report_day"], told["day"])
    return pd.DataFrame(
        {
            "case": told["order_id"],
            "time": day_of_ledger(told["day"]),
            "kind": source,
            "value": seen.loc[new, "label"],
            "arrival": day_of_ledger(arrival),
        }
    )


def day_of_ledger(day: ArrayLike) -> pd.DatetimeIndex:
    """A day of the shop as a point in time."""
    return DAY_ZERO + pd.to_timedelta(np.asarray(day, float), unit="D")
