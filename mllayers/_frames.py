"""What the frames of all engines need, written once with narwhals: opened, checked, computed lazily."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw

from mllayers._check import describe


def opened(frame: Any) -> Any:
    """The frame for narwhals; Dask is refused, because its expressions are joined again on an index that may repeat."""
    if type(frame).__module__.split(".")[0] in ("dask", "dask_expr"):
        raise TypeError("a Dask frame is decided partition by partition: frame.map_partitions(policy.decide, score=…)")
    try:
        return nw.from_native(frame)
    except TypeError:
        kinds = "pandas, Polars, PyArrow, DuckDB or PySpark"
        raise TypeError(f"frame must be a {kinds} frame; got {describe(frame)}") from None


def check_columns(data: Any, columns: list[str], new: list[str], *, numbers: bool | None = True) -> None:
    """Refuse a frame without the columns, with columns of another kind, or that has the new ones already."""
    schema = data.collect_schema()
    for column in columns:
        if column not in schema:
            raise ValueError(f"frame must have the column {column!r}; it has {', '.join(map(str, schema))}")
        if numbers is not None and schema[column].is_numeric() is not numbers:
            raise TypeError(
                f"column {column!r} must hold {'numbers' if numbers else 'text'}; it holds {schema[column]}"
            )
    taken = [column for column in new if column in schema]
    if taken:
        raise ValueError(f"frame already has the column {taken[0]!r}; choose another name with into=…")


def number(column: str) -> nw.Expr:
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
