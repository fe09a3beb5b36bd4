"""The parameter tables of a world: checked before anything is drawn from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mllayers._check import as_frame, as_number


def as_parameters(x: Any, name: str, like: pd.DataFrame, limits: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """A table of numbers with the rows and at least the columns of another; a row without limits holds numbers ≥ 0."""
    frame = as_frame(x, name, like.columns)
    if sorted(map(str, frame.index)) != sorted(map(str, like.index)):
        rows, has = (", ".join(map(str, index)) for index in (like.index, frame.index))
        raise ValueError(f"{name} must have the rows {rows}; it has {has}")
    for row in like.index:
        low, high = limits.get(row, (0, np.inf))
        for column, value in frame.loc[row].items():
            if not (column in like.columns and pd.isna(like.loc[row, column])):
                as_number(value, f"{name}.loc[{row!r}, {column!r}]", ge=low, le=high)
    return frame
