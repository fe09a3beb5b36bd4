"""Powers of weights and amounts: what intervals for money need of the rows."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from mllayers._check import Floats


def power_terms(x: nw.Expr, w: nw.Expr | None, *, name: str = "x", square: bool = False) -> dict[str, nw.Expr]:
    """The terms wⁱ xʲ for j ≤ i ≤ 4 (`square`: all up to 4), as ``x_ij``; those of x alone where there is no weight."""
    xs = _powers(x)
    if w is None:
        return {f"{name}_0{j}": xs[j] for j in range(1, 5)}
    ws = _powers(w)
    out = {f"{name}_{i}0": ws[i] for i in range(1, 5)}
    for i in range(1, 5):
        out |= {f"{name}_{i}{j}": ws[i] * xs[j] for j in range(1, (4 if square else i) + 1)}
    return out | ({f"{name}_0{j}": xs[j] for j in range(1, 5)} if square else {})


def _powers(x: nw.Expr) -> list[Any]:
    square = x * x
    return [1.0, x, square, square * x, square * square]


def powers_of(rows: pd.DataFrame, *, weighted: bool, name: str = "x") -> Floats:
    """The matrix of sums of wⁱ xʲ over some groups of rows; those that were not asked for are 0."""
    out = np.zeros((5, 5))
    for i in range(5):
        for j in range(5):
            column = f"{name}_{i}{j}" if weighted else f"{name}_0{j}"
            if column in rows and (i or j):
                out[i, j] = rows[column].sum()
    if not weighted:
        out[:, 0] = rows["rows"].sum()
    out[0, 0] = rows["rows"].sum()
    return out
