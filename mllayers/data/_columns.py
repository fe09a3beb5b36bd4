"""Two samples of one column, brought into a form in which their values can be compared: one home for what counts as
a number, a category, an id or a time, and for how exactly numbers of different types are compared.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mllayers._check import _ISO, as_columns, as_frame, describe

AnyArray = NDArray[Any]

# from the finest to the coarsest: where two of them meet, the later one decides
_PRECISION = ("bool", "whole", "float64", "float32", "float16")
_SAY = {"text": "text", "interval": "intervals"} | dict.fromkeys(_PRECISION, "numbers")
# text is an id where at least this share of the values is distinct in both samples, of at least so many rows
_ID_SHARE, _ID_ROWS = 0.95, 30
_LEFT_OUT = {
    "id": "nearly every value occurs once, so it names cases and is no category: join what it stands for, or group it",
    "time": "text that is a time and no category: turn it into a number, such as days since a date, or into months",
}


@dataclass(frozen=True)
class ColumnPair:
    """One column of two samples: its kind, the values that are there, and where none is.

    ``kind`` is number, category, id or time. ``values`` are numbers of one type, or codes into ``names``.
    """

    kind: str
    values: tuple[AnyArray, AnyArray]
    gaps: tuple[AnyArray | None, AnyArray | None]
    names: list[Any]
    flags: bool

    def whole_side(self, side: int, missing: Any, dtype: Any) -> AnyArray:
        """The values of one side with ``missing`` in the gaps, one entry for every row."""
        values, gap = self.values[side], self.gaps[side]
        if gap is None:
            return values.astype(dtype)
        out = np.full(len(gap), missing, dtype=dtype)
        out[~gap] = values
        return out


def open_pair(
    first: Any, second: Any, columns: Any, sides: tuple[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, list[Hashable]]:
    """Both samples as pandas frames (Polars and Arrow keep their types), and the columns to compare."""
    one = as_frame(_as_arrow(first), sides[0])
    names = as_columns(one.columns if columns is None else columns, "columns")
    one, two = as_frame(one, sides[0], names), as_frame(_as_arrow(second), sides[1], names)
    for name in names:
        for frame, side in ((one, sides[0]), (two, sides[1])):
            if not isinstance(frame[name], pd.Series):
                raise ValueError(f"columns must name single columns; {name!r} stands for several in {side}")
    return one, two, names


def compare_column(old: Any, new: Any, name: Hashable) -> ColumnPair:
    """What the column holds in both samples, ready to be compared; dates, complex numbers and mixtures are refused."""
    sides = tuple(
        column.sparse.to_dense() if isinstance(column.dtype, pd.SparseDtype) else column for column in (old, new)
    )
    families = [_family(side, name) for side in sides]
    found = {family for family in families if family}
    said = {_SAY[family] for family in found}
    if len(said) > 1:
        one, two = (_SAY[family] for family in families)
        raise TypeError(f"column {name!r} must hold one kind in both frames; got {one} in one and {two} in the other")
    target = max(found & set(_PRECISION), key=_PRECISION.index, default="float64")
    labels = any(isinstance(side.dtype, pd.CategoricalDtype) for side in sides) and bool(found)
    if found <= set(_PRECISION) and not labels:
        (a, gap_a), (b, gap_b) = (_present_numbers(side, target, name) for side in sides)
        if target == "whole":
            a, b = _one_whole_type(a, b)
        return ColumnPair("number", (a, b), (gap_a, gap_b), [], target == "bool")
    return _categories(sides, target if found <= set(_PRECISION) else "", name)


def edges_of(ordered: AnyArray, bins: int) -> AnyArray:
    """Upper ends of all cells but the last, (e, e'], from sorted values; frequent values get a cell of their own."""
    if len(ordered) == 0:
        return ordered
    first = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    if len(first) < bins:
        cuts = alone = ordered[np.concatenate([[0], first])]
        return _with_cells_alone(cuts, alone)
    return _edges_at(ordered[_places(len(ordered), bins)])


def edges_of_unsorted(values: AnyArray, bins: int) -> AnyArray:
    """What `edges_of` gives for the same values sorted, without sorting them where there are many different ones."""
    some = values[:1_000]
    if values.dtype.kind in "fiu" and len(values) > 10_000 and len(np.unique(some)) > bins:
        places = _places(len(values), bins)
        return _edges_at(np.partition(values, places)[places])
    return edges_of(np.sort(values), bins)


def _places(n: int, bins: int) -> AnyArray:
    """Where the quantiles stand among n sorted values."""
    places: AnyArray = -(-np.arange(1, bins) * n // bins) - 1
    return places


def _edges_at(cuts: AnyArray) -> AnyArray:
    """The quantiles as edges; one that comes twice has a cell of its own."""
    return _with_cells_alone(cuts, cuts[1:][cuts[1:] == cuts[:-1]])


def _with_cells_alone(cuts: AnyArray, alone: AnyArray) -> AnyArray:
    """The edges, and one more just below each value that has a cell of its own."""
    if alone.dtype.kind == "f":
        below = np.nextafter(alone, np.array(-np.inf, dtype=alone.dtype))
    elif alone.dtype.kind == "O":
        below = alone - 1
    else:
        below = alone[alone > np.iinfo(alone.dtype).min] - 1
    return np.unique(np.concatenate([cuts, below]))


def _as_arrow(frame: Any) -> Any:
    """Polars and Arrow frames as pandas frames whose columns keep the types (whole numbers with gaps stay whole)."""
    home = type(frame).__module__.partition(".")[0]
    if home == "polars" and hasattr(frame, "to_arrow") and hasattr(frame, "columns"):
        frame, home = frame.to_arrow(), "pyarrow"
    if home == "pyarrow" and hasattr(frame, "to_pandas") and hasattr(frame, "schema"):
        return frame.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _family(column: pd.Series[Any], name: Hashable) -> str:
    """What a column holds: text, interval or a kind of number; "" where all is missing. Anything else is refused."""
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        used = np.bincount(codes[codes >= 0], minlength=len(dtype.categories)) > 0
        return _family(pd.Series(dtype.categories[used]), name)
    if isinstance(dtype, pd.StringDtype) or (isinstance(dtype, pd.ArrowDtype) and dtype.type is str):
        return "" if column.isna().all() else "text"
    if isinstance(dtype, pd.IntervalDtype):
        return "" if column.isna().all() else "interval"
    if dtype.kind in "biuf":
        if column.isna().all():
            return ""
        size = np.dtype(getattr(dtype, "numpy_dtype", dtype)).itemsize
        return "bool" if dtype.kind == "b" else "whole" if dtype.kind in "iu" else f"float{min(8 * size, 64)}"
    if dtype.kind != "O" or isinstance(dtype, pd.PeriodDtype):
        raise TypeError(_not_comparable(name, str(dtype)))
    values = column.to_numpy(dtype=object)
    missing = pd.isna(values)
    there = values[~missing] if not isinstance(dtype, pd.ArrowDtype) else column.dropna().to_numpy(dtype=object)
    families: dict[str, Any] = {}
    for kind in {*map(type, there), *(type(value) for value in values[missing] if value is pd.NaT)}:
        family = _family_of_entry(kind)
        example = pd.NaT if kind is type(pd.NaT) else next(value for value in there if type(value) is kind)
        if not family:
            raise TypeError(_not_comparable(name, describe(example)))
        families[family] = example
    if len({_SAY[family] for family in families}) > 1:
        told = " and ".join(sorted(describe(example) for example in families.values()))
        raise TypeError(f"column {name!r} must hold one kind of value; got {told}: make them one, .astype(str)")
    return max(families, key=(*_PRECISION, "text", "interval").index, default="")


def _family_of_entry(kind: type) -> str:
    """The family of one entry of a column of objects; "" where it cannot be compared."""
    if issubclass(kind, (bool, np.bool_)):
        return "bool"
    if issubclass(kind, (int, np.integer)) and not issubclass(kind, np.timedelta64):
        return "whole"
    if issubclass(kind, (np.float32, np.float16)):
        return "float32" if issubclass(kind, np.float32) else "float16"
    if issubclass(kind, (float, np.floating, Decimal, Fraction)):
        return "float64"
    return "text" if issubclass(kind, str) else "interval" if issubclass(kind, pd.Interval) else ""


def _not_comparable(name: Hashable, got: str) -> str:
    return f"column {name!r} must hold numbers, booleans or text; got {got} (for dates: days since …)"


def _present_numbers(column: pd.Series[Any], target: str, name: Hashable) -> tuple[AnyArray, AnyArray | None]:
    """The numbers that are there, in the target's type, and where there is none (None: nowhere)."""
    dtype: Any = column.dtype
    simple = isinstance(dtype, np.dtype)
    if target.startswith("float"):
        with np.errstate(over="ignore"):
            if simple and dtype.kind in "biuf":
                values = np.ascontiguousarray(column.to_numpy(), dtype=target)
            elif dtype.kind in "biuf":
                values = column.to_numpy(dtype=target, na_value=np.nan)
            else:
                values = np.array([_float(value, name) for value in column.array], dtype=np.float64).astype(target)
        gap = np.isnan(values)
        return (values[~gap], gap) if gap.any() else (values, None)
    if simple and dtype.kind in "biu":
        values = column.to_numpy()
        return (values.view(np.int8) if dtype.kind == "b" else values), None
    gap = column.isna().to_numpy(dtype=bool)
    there = column[~gap] if gap.any() else column
    if dtype.kind in "biu":
        values = there.to_numpy(dtype=np.dtype(getattr(dtype, "numpy_dtype", dtype)))
        values = values.view(np.int8) if values.dtype.kind == "b" else values
    else:
        entries = [int(value) for value in there.array]
        try:
            values = np.array(entries, dtype=np.int64)
        except OverflowError:
            values = np.empty(len(entries), dtype=object)
            values[:] = entries
    return values, gap if gap.any() else None


def _float(value: Any, name: Hashable) -> float:
    if pd.isna(value):
        return np.nan
    try:
        return float(value)
    except (OverflowError, ValueError):
        raise ValueError(f"column {name!r} must hold finite numbers; got one that is too large") from None


def _one_whole_type(a: AnyArray, b: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Whole numbers of two types as those of one that holds them all exactly."""
    common: Any = np.result_type(a, b)
    if common.kind == "f":
        tops = [int(side.max()) for side in (a, b) if side.size]
        common = np.int64 if max(tops, default=0) < 2**63 else object
    return a.astype(common, copy=False), b.astype(common, copy=False)


def _categories(sides: tuple[Any, ...], target: str, name: Hashable) -> ColumnPair:
    """The codes of both sides into one list of values; text that is an id or a time is called so."""
    codes, uniques = zip(*(pd.factorize(side) for side in sides), strict=True)
    if target:
        parts = [_present_numbers(pd.Series(one).reset_index(drop=True), target, name)[0] for one in uniques]
        if target == "whole":
            parts = list(_one_whole_type(*parts))
        joined = np.empty(sum(map(len, parts)), dtype=object)
        joined[:] = [value for part in parts for value in part]  # each keeps its type, and so its shortest name
    else:
        joined = np.concatenate([np.asarray(one, dtype=object) for one in uniques])
    where, names = pd.factorize(joined)
    split = len(uniques[0])
    values, gaps = [], []
    for code, at in zip(codes, (where[:split], where[split:]), strict=True):
        gap = code < 0
        values.append(at[code[~gap]] if gap.any() else at[code])
        gaps.append(gap if gap.any() else None)
    flags = target == "bool"
    names_out = [bool(value) for value in names] if flags else list(names)
    kind = _kind_of_text(names_out, values, [len(one) for one in uniques]) if not target else "category"
    return ColumnPair(kind, (values[0], values[1]), (gaps[0], gaps[1]), names_out, flags)


def _kind_of_text(names: list[Any], values: list[AnyArray], distinct: list[int]) -> str:
    """Whether text is a category, or rather a time or an id."""
    if names and all(isinstance(text, str) and _ISO.fullmatch(text.strip()) for text in names):
        return "time"
    there = [(len(side), k) for side, k in zip(values, distinct, strict=True) if len(side)]
    ids = there and all(n >= _ID_ROWS and k >= _ID_SHARE * n for n, k in there)
    return "id" if ids and isinstance(names[0], str) else "category"


def left_out_why(kind: str) -> str:
    """What to do with a column that cannot be compared as it is; "" where it can."""
    return _LEFT_OUT.get(kind, "")
