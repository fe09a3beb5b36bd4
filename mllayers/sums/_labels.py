"""Labels of 0 and 1, summed up: what several kinds of sums read in the same way."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mllayers._stats import RateCounts


def counts_of(rows: pd.DataFrame) -> RateCounts:
    """The labels of some groups of rows, by their column ``y`` (0, 1 or −1: none)."""
    zeros, ones = (rows[rows["y"] == label] for label in (0, 1))
    seen = rows.loc[rows["y"] >= 0, "max_weight"]
    return RateCounts(
        int(zeros["rows"].sum()), int(ones["rows"].sum()), float(zeros["weight"].sum()), float(ones["weight"].sum()),
        float(zeros["weight2"].sum()), float(ones["weight2"].sum()), float(seen.max()) if len(seen) else 0.0,
    )  # fmt: skip


def in_order(labels: list[Any], name: str) -> list[Any]:
    """Labels that can be put in order, in it."""
    try:
        return sorted(labels)
    except TypeError:
        kinds = " and ".join(sorted({type(label).__name__ for label in labels}))
        raise TypeError(f"{name} must hold values of one kind, to be put in order; got {kinds}") from None
