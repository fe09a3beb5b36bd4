"""One question to the engine: rows in groups, summed up where they are. Only the sums leave it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from mllayers._check import as_number, as_numbers, as_times, same_cases
from mllayers._frames import check_columns, column_name, number, opened
from mllayers._words import count
from mllayers.sums._table import added, as_key, as_table

_SLICE = 1_000_000  # rows of a frame in memory whose terms are written out at a time
_ALL = "all__"


def as_data(frame: Any) -> Any:
    """The frame for narwhals, from any engine's or from a dictionary of columns."""
    if isinstance(frame, Mapping):
        same_cases(**{str(name): x for name, x in frame.items()})
        frame = pd.DataFrame(dict(frame))
    if type(frame).__module__.split(".")[0] in ("dask", "dask_expr"):
        raise TypeError(
            "a Dask frame is summed up partition by partition: sum(dask.compute(*map(dask.delayed(…_sums), "
            "frame.to_delayed())))"
        )
    return opened(frame)


def numbers_of(data: Any, **columns: Any) -> tuple[Any, dict[str, nw.Expr]]:
    """Arguments that are columns or numbers, as 64-bit floats, NULL where there is none; and the frame to ask.

    Truth values and decimals are numbers; objects of pandas are read entry by entry.
    """
    out: dict[str, nw.Expr] = {}
    staged: dict[str, nw.Expr] = {}
    for name, x in columns.items():
        if not isinstance(x, str):
            out[name] = nw.lit(as_number(x, name))
            continue
        data = _readable(data, x)
        kind = data.collect_schema()[x]
        column = number(x)
        if kind.is_float() or kind == nw.Unknown:
            column = nw.when(~column.is_nan()).then(column)
        staged[f"{name}_in__"] = column
        out[name] = nw.col(f"{name}_in__")
    return data.with_columns(**staged), out


def _readable(data: Any, column: str) -> Any:
    """The frame, whose column holds numbers or truth values."""
    schema = data.collect_schema()
    kind = schema.get(column)
    if kind == nw.Boolean:
        return data
    if kind == nw.Object and not isinstance(data, nw.LazyFrame):
        native = data.to_native()
        return nw.from_native(native.assign(**{column: as_numbers(native[column], column, missing=True)}))
    check_columns(data, [column_name(column, "a column")], [])
    return data


def label_of(data: Any, column: str) -> nw.Expr:
    """A column that groups the rows: categories as text, the rest as it is."""
    check_columns(data, [column_name(column, "a column")], [], numbers=None)
    kind = data.collect_schema()[column]
    label = nw.col(column)
    if kind in (nw.Categorical, nw.Enum, nw.Unknown):
        return label.cast(nw.String)
    if kind.is_float():
        return nw.when(label.is_nan()).then(nw.lit(None, kind)).otherwise(label + 0.0)
    return label.cast(nw.Float64) + 0.0 if kind == nw.Decimal else label


def known(*columns: nw.Expr) -> nw.Expr:
    """Whether none of them is NULL."""
    out = ~columns[0].is_null()
    for column in columns[1:]:
        out = out & ~column.is_null()
    return out


def where(condition: nw.Expr, then: Any, otherwise: Any = 0.0) -> nw.Expr:
    """One of two values; where the condition is unknown, the second."""
    one, two = (x if isinstance(x, nw.Expr) else nw.lit(x) for x in (then, otherwise))
    return nw.when(condition).then(one).otherwise(two)


def is_finite(column: nw.Expr) -> nw.Expr:
    """Whether it is a finite number; a missing one is."""
    return column.is_null() | (column.abs() <= sys.float_info.max)


def is_label(column: nw.Expr) -> nw.Expr:
    """Whether it is 0, 1 or missing."""
    return column.is_null() | (column == 0) | (column == 1)


def is_probability(column: nw.Expr) -> nw.Expr:
    """Whether it lies in [0, 1] or is missing."""
    return column.is_null() | ((column >= 0) & (column <= 1))


def totals(
    data: Any,
    keys: Mapping[str, nw.Expr],
    sums: Mapping[str, nw.Expr],
    *,
    least: Mapping[str, nw.Expr] | None = None,
    most: Mapping[str, nw.Expr] | None = None,
    must: Mapping[str, nw.Expr],
    limit: int | None = None,
) -> pd.DataFrame:
    """The sums of each group of rows, by one query; rows that break a rule are counted in it and refused after it.

    Parameters
    ----------
    data : narwhals frame
        Lazy ones stay lazy to the end.
    keys, sums, least, most : mappings from name to expression
        What groups the rows; what is added up (names that begin with ``n_`` are whole numbers); of what the smallest
        and the largest are kept, as ``min_…`` and ``max_…``.
    must : mapping from a rule in words to an expression
        True in every row, or the rule is quoted.
    limit : int, optional
        Fetch one group more than this at most.
    """
    least, most = dict(least or {}), dict(most or {})
    rules = {
        f"rule_{place}__": nw.when(holds).then(nw.lit(0)).otherwise(nw.lit(1))
        for place, holds in enumerate(must.values())
    }
    added_up = {name: column.cast(nw.Int64) if name.startswith("n_") else column for name, column in sums.items()}
    ends = {f"min_{name}": column for name, column in least.items()} | {f"max_{name}": x for name, x in most.items()}
    by = dict(keys) or {_ALL: nw.lit(1)}
    asked = {**by, **added_up, **rules, **ends}
    wanted = [nw.len().alias("rows"), *(nw.col(name).sum() for name in (*added_up, *rules))]
    wanted += [nw.col(name).min() if name.startswith("min_") else nw.col(name).max() for name in ends]
    found = []
    for part in _parts(data):
        shaped = part.with_columns(**{f"{name}": x for name, x in asked.items()}).select(*asked)
        grouped = shaped.group_by(*by).agg(*wanted)
        found.append(_collected(grouped if limit is None else grouped.head(limit + 1)))
    names = ["rows", *added_up, *rules, *ends]
    tables = [_as_sums(table, tuple(keys), names) for table in found]
    out = added(tables, tuple(keys)) if tables else as_table({name: [] for name in (*keys, *names)}, tuple(keys))
    for place, rule in enumerate(must):
        broken = int(out[f"rule_{place}__"].sum())
        if broken:
            raise ValueError(f"{rule}; {count(broken, 'row')} of {int(out['rows'].sum()):,} do not")
    return out.drop(columns=list(rules))


def most_common(data: Any, x: nw.Expr, w: nw.Expr | None = None) -> float:
    """The amount that most rows have, or that weighs most; the smallest of several such."""
    part = data.lazy() if data.implementation.is_polars() and not isinstance(data, nw.LazyFrame) else data
    shaped = part.with_columns(x__=x, w__=nw.lit(1.0) if w is None else w).select("x__", "w__")
    counted = shaped.group_by("x__").agg(nw.col("w__").sum())
    first = _collected(counted.sort("w__", "x__", descending=[True, False], nulls_last=True).head(1))
    found = first["x__"].to_list()
    return float(found[0]) if found and found[0] is not None else 0.0


def _parts(data: Any) -> list[Any]:
    """A lazy frame as it is; one in memory lazily where its engine can, else slice by slice."""
    if isinstance(data, nw.LazyFrame):
        return [data]
    if data.implementation.is_polars():
        return [data.lazy()]
    return [data[start : start + _SLICE] for start in range(0, len(data), _SLICE)]


def _collected(data: Any) -> Any:
    """The few rows of an answer."""
    if not isinstance(data, nw.LazyFrame):
        return data
    if data.implementation.is_polars():
        return data.collect(engine="streaming")
    return data.collect()


def _as_sums(table: Any, keys: tuple[str, ...], names: list[str]) -> pd.DataFrame:
    """An answer of any engine as a table of sums."""
    columns: dict[str, Any] = {}
    for name in (*keys, *names):
        column = table[name]
        if name in keys and not column.dtype.is_numeric():
            columns[name] = pd.Series([as_key(x) for x in column.to_list()], dtype=object)
        elif name in keys:
            entries = column.to_numpy() if not column.is_null().any() else None
            if entries is not None and entries.dtype.kind in "iuf" and not np.isnan(entries.astype(float)).any():
                columns[name] = pd.Series(entries)
            else:
                columns[name] = pd.Series([as_key(x) for x in column.to_list()], dtype=object)
        elif name == "rows" or name.startswith(("n_", "rule_")):
            columns[name] = pd.Series(np.asarray(column.cast(nw.Int64).to_numpy(), dtype=np.int64))
        else:
            columns[name] = pd.Series(np.asarray(column.cast(nw.Float64).to_numpy(), dtype=np.float64))
    return pd.DataFrame(columns)


def day_of(data: Any, column: str, name: str) -> tuple[Any, nw.Expr]:
    """A column of days or times as the days they fall on in UTC; and the frame to ask."""
    check_columns(data, [column_name(column, name)], [], numbers=None)
    if data.implementation.is_pandas():
        native = data.to_native()
        days = as_times(native[column], column, missing=True).astype("datetime64[D]").astype("datetime64[us]")
        return nw.from_native(native.assign(**{f"{name}_day__": days})), nw.col(f"{name}_day__")
    kind = data.collect_schema()[column]
    if kind == nw.Unknown:  # nothing but NULL
        return data, nw.col(column).cast(nw.Date)
    if kind == nw.Date:
        return data, nw.col(column)
    if kind != nw.Datetime:
        raise TypeError(f"column {column!r} must hold days or times; it holds {kind}")
    moment, zone = nw.col(column), kind.time_zone
    if zone is not None and data.implementation.is_duckdb():
        if zone not in ("UTC", "Etc/UTC"):
            raise ValueError(f"column {column!r} has times in the zone of the connection, {zone}: SET TimeZone = 'UTC'")
    elif zone is not None:
        moment = moment.dt.convert_time_zone("UTC")
    return data, moment.dt.truncate("1d")
