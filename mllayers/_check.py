"""Input checks: one function per kind of input, each naming the argument, what was expected and what came.

Every check returns its input ready to use (an array, an int, …) and raises ``TypeError`` when the kind is wrong,
``ValueError`` when the value is. Nothing is clipped, dropped or guessed.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray


def as_numbers(x: ArrayLike, name: str, *, missing: bool = False) -> NDArray[np.float64]:
    """A one-dimensional array of finite numbers; ``missing=True`` lets NaN through."""
    try:
        out = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a column of numbers; got {describe(x)}") from None
    if out.ndim != 1:
        raise ValueError(f"{name} must have one dimension, one entry per case; got shape {out.shape}")
    bad = np.isinf(out) if missing else ~np.isfinite(out)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{name} must hold finite numbers; got {out[row]} at row {row}")
    return out


def as_probabilities(x: ArrayLike, name: str) -> NDArray[np.float64]:
    """A one-dimensional array of numbers in [0, 1]."""
    out = as_numbers(x, name)
    bad = (out < 0) | (out > 1)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{name} must lie in [0, 1]; got {out[row]:g} at row {row}")
    return out


def as_binary(x: ArrayLike, name: str, *, missing: bool = False) -> NDArray[np.float64]:
    """A one-dimensional array of 0 and 1 (booleans welcome), as floats; ``missing=True`` lets NaN through."""
    out = as_numbers(x, name, missing=missing)
    bad = (out != 0) & (out != 1) & ~np.isnan(out)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{name} must hold only 0 and 1; got {out[row]:g} at row {row}")
    return out


def per_case(x: ArrayLike, n: int, name: str) -> NDArray[np.float64]:
    """A number, or one number per case: returned as an array that broadcasts to ``(n,)``."""
    if np.ndim(x) == 0:
        return as_numbers(np.reshape(np.asarray(x), 1), name).reshape(())
    out = as_numbers(x, name)
    if out.size != n:
        raise ValueError(f"{name} must be one number or {n} numbers, one per case; got {out.size}")
    return out


def as_thresholds(x: ArrayLike, n: int, name: str) -> NDArray[np.float64]:
    """A threshold, or one per case: any number but NaN, and ``inf`` means that nobody acts."""
    if np.ndim(x) == 0:
        x = np.reshape(np.asarray(x), 1)
    try:
        out = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be one number or one per case; got {describe(x)}") from None
    if out.shape not in {(1,), (n,)}:
        raise ValueError(f"{name} must be one number or {n} numbers, one per case; got shape {out.shape}")
    if np.isnan(out).any():
        raise ValueError(f"{name} must not be missing; got nan at row {int(np.argmax(np.isnan(out)))}")
    return out


def same_length(**columns: NDArray[Any]) -> int:
    """The common length of the named columns."""
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        raise ValueError(f"{' and '.join(sizes)} must have the same length; {told}")
    n = next(iter(sizes.values()))
    if n == 0:
        raise ValueError(f"{' and '.join(sizes)} must hold at least one case; got none")
    return n


def as_number(
    x: Any, name: str, *, ge: float = -np.inf, gt: float = -np.inf, le: float = np.inf, lt: float = np.inf
) -> float:
    """One finite number within the stated limits."""
    if isinstance(x, (bool, np.bool_, str, bytes)) or np.ndim(x) != 0:
        raise TypeError(f"{name} must be a number; got {describe(x)}")
    try:
        out = float(x)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number; got {describe(x)}") from None
    limits = [f"≥ {ge:g}"] * (ge > -np.inf) + [f"> {gt:g}"] * (gt > -np.inf)
    limits += [f"≤ {le:g}"] * (le < np.inf) + [f"< {lt:g}"] * (lt < np.inf)
    if not (np.isfinite(out) and out >= ge and out > gt and out <= le and out < lt):
        raise ValueError(f"{name} must be {' and '.join(limits) or 'finite'}; got {out:g}")
    return out


def as_integer(x: Any, name: str, *, ge: int | None = None, le: int | None = None) -> int:
    """One whole number within the stated limits (3.0 is a float and refused)."""
    if isinstance(x, (bool, np.bool_)):
        raise TypeError(f"{name} must be a whole number; got {describe(x)}")
    try:
        out = operator.index(x)
    except TypeError:
        raise TypeError(f"{name} must be a whole number; got {describe(x)}") from None
    if (ge is not None and out < ge) or (le is not None and out > le):
        limits = " and ".join([f"≥ {ge}"] * (ge is not None) + [f"≤ {le}"] * (le is not None))
        raise ValueError(f"{name} must be {limits}; got {out}")
    return out


def one_of(x: Any, name: str, allowed: Iterable[str]) -> str:
    """One of the allowed words."""
    allowed = list(allowed)
    if not isinstance(x, str) or x not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {describe(x)}")
    return x


def as_frame(x: Any, name: str, columns: Iterable[Hashable] = ()) -> pd.DataFrame:
    """A pandas frame with at least one row and the named columns."""
    if not isinstance(x, pd.DataFrame):
        raise TypeError(f"{name} must be a pandas DataFrame; got {describe(x)}")
    absent = [column for column in columns if column not in x.columns]
    if absent:
        has = ", ".join(map(str, x.columns))
        raise ValueError(f"{name} must have the columns {', '.join(map(str, absent))}; it has {has}")
    if len(x) == 0:
        raise ValueError(f"{name} must hold at least one row; got none")
    return x


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


def as_path(x: Any, name: str) -> Path:
    """A path, from text or another path."""
    if not isinstance(x, (str, os.PathLike)):
        raise TypeError(f"{name} must be a path; got {describe(x)}")
    return Path(x)


def as_columns(x: Any, name: str) -> list[Hashable]:
    """A list of column names, each once."""
    if isinstance(x, (str, bytes)) or not isinstance(x, Iterable):
        raise TypeError(f"{name} must be a list of column names; got {describe(x)}")
    out = list(x)
    twice = [column for i, column in enumerate(out) if column in out[:i]]
    if twice or not out:
        came = f"{twice[0]!r} twice" if twice else "none"
        raise ValueError(f"{name} must name at least one column, and each only once; got {came}")
    return out


def describe(x: Any) -> str:
    """What came, in a few words: a value for small things, a type for large ones."""
    if isinstance(x, (bool, int, float, complex, str, bytes, type(None))):
        text = repr(str(x) if isinstance(x, np.str_) else x)
        return text if len(text) <= 40 else f"{type(x).__name__} {text[:36]}…"
    return f"a {type(x).__name__}"
