"""What the frames of all engines need, written once with narwhals: opened, checked, computed lazily."""

from __future__ import annotations

from typing import Any, TypeVar

import narwhals.stable.v2 as nw
from narwhals.exceptions import DuplicateError

from mllayers._check import describe

FrameT = TypeVar("FrameT")  # a frame of any engine, the same that came in
EXACT_FLOATS = 2**53  # whole numbers beyond it have neighbours that no 64-bit float tells apart


def opened(frame: Any) -> Any:
    """The frame for narwhals; Dask is refused, because its expressions are joined again on an index that may repeat."""
    if type(frame).__module__.split(".")[0] in ("dask", "dask_expr"):
        raise TypeError("a Dask frame is decided partition by partition: frame.map_partitions(policy.decide, score=…)")
    try:
        data = nw.from_native(frame)
        names = list(data.collect_schema())
    except TypeError:
        kinds = "pandas, Polars, PyArrow, DuckDB or PySpark"
        raise TypeError(f"frame must be a {kinds} frame; got {describe(frame)}") from None
    except DuplicateError:
        names = [str(name) for name in frame.columns]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"frame must have each column once; got {twice!r} more than once") from None
    if any(isinstance(name, tuple) for name in names):
        raise TypeError(
            "frame must have one name per column; got a MultiIndex, whose names are tuples: "
            "frame.columns = ['_'.join(map(str, name)) for name in frame.columns]"
        )
    return data


def column_name(x: Any, name: str) -> str:
    """The name of a column: text, on every engine."""
    if not isinstance(x, str):
        raise TypeError(
            f"{name} must be the name of a column, as text; got {describe(x)}"
            + (": name the columns first, frame.rename(columns=str)" if isinstance(x, int) else "")
        )
    return x


def check_columns(data: Any, columns: list[str], new: list[str], *, numbers: bool | None = True) -> None:
    """Refuse a frame without the columns, with columns of another kind, or that has the new ones already.

    A column that holds nothing at all is of either kind.
    """
    schema = data.collect_schema()
    for column in columns:
        if column not in schema:
            index = nw.maybe_get_index(data)
            is_index = index is not None and index.name == column
            hint = ": it is the index, and frame.reset_index() makes it a column" if is_index else ""
            raise ValueError(
                f"frame must have the column {column!r}; it has {', '.join(map(str, schema)) or 'none'}{hint}"
            )
        kind = schema[column]
        right = numbers is None or (kind.is_numeric() if numbers else kind in (nw.String, nw.Categorical, nw.Enum))
        if not right and not _is_empty(data, column, kind):
            what = "numbers" if numbers else "text"
            raise TypeError(f"column {column!r} must hold {what}; it holds {_told_kind(data, column, kind)}")
    taken = [column for column in new if column in schema]
    if taken:
        raise ValueError(f"frame already has the column {taken[0]!r}; choose another name with into=…")


def _is_empty(data: Any, column: str, kind: Any) -> bool:
    """Whether nothing but NULL can be in a column (of an untyped kind, where the frame does not hold its rows)."""
    if isinstance(data, nw.LazyFrame):
        return bool(kind == nw.Unknown)
    return bool(kind in (nw.Unknown, nw.Object, nw.String) and data[column].is_null().all())


def _told_kind(data: Any, column: str, kind: Any) -> str:
    """The kind of a column and, where the rows are at hand, its first value."""
    if isinstance(data, nw.LazyFrame):
        return str(kind)
    known = data[column].drop_nulls()
    return f"{kind}" + (f", such as {describe(known[0])}" if len(known) else "")


def number(column: str) -> nw.Expr:
    """A column as 64-bit floats."""
    return nw.col(column).cast(nw.Float64)


def fails(bad: nw.Expr, rule: str) -> nw.Expr:
    """A number that does not exist: where `bad` holds, the engine stops with a conversion error quoting the rule."""
    return nw.when(bad).then(nw.lit(rule)).cast(nw.Float64)


def refuse_rows(data: Any, usable: nw.Expr, missing: nw.Expr, rule: str, columns: list[str]) -> None:
    """On frames that hold their rows, raise at the first one that is neither usable nor missing."""
    if isinstance(data, nw.LazyFrame):
        return
    bad = data.select(bad=nw.when(usable | missing).then(nw.lit(value=False)).otherwise(nw.lit(value=True)))["bad"]
    if bad.any():
        row = int(bad.arg_true()[0])
        came = ", ".join(f"{column} = {data[column][row]}" for column in dict.fromkeys(columns))
        raise ValueError(f"{rule}; got {came} at row {row}")
