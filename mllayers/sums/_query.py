"""One question to the engine: rows in groups, summed up where they are. Only the sums leave it."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mllayers._check import as_number, as_numbers, as_times, same_cases
from mllayers._frames import check_columns, column_name, number, opened
from mllayers._words import count
from mllayers.sums._table import added, as_key, as_table

_SLICE = 1_000_000  # rows of a frame in memory whose terms are written out at a time
_POLARS_STREAMS = (1, 25)  # from here on `collect` takes the streaming engine; before, the one in memory is used
_KEPT = "n_kept__"
_MISSING, _ODD = -1, 2  # labels that are neither 0 nor 1
_NAMED = {"y", "p", "weights", "reward", "treated", "inspected", "gain", "other"}  # never numbers for all
_GAP = 0.5  # stands for NULL where whole numbers are


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


class Rule(NamedTuple):
    """What must hold in each row, and the columns that must be there for that.

    ``doubt`` says from the sums whether it may be broken: then it need not be asked of each row. With ``told`` it says
    so of missing entries, too; else they are counted.
    """

    holds: nw.Expr
    needs: tuple[nw.Expr, ...] = ()
    doubt: Callable[[pd.DataFrame], Any] | None = None
    told: bool = False


def numbers_of(data: Any, *, gaps: tuple[str, ...] = (), **columns: Any) -> tuple[Any, dict[str, nw.Expr]]:
    """Arguments that are columns or numbers, as 64-bit floats; and the frame to ask.

    Truth values and decimals are numbers; objects of pandas are read entry by entry. In `gaps` are the arguments that
    may be missing: there NaN becomes NULL. Elsewhere a rule refuses both.
    """
    out: dict[str, nw.Expr] = {}
    staged: dict[str, nw.Expr] = {}
    for name, x in columns.items():
        if not isinstance(x, str):
            if name in _NAMED:
                column_name(x, name)
            out[name] = nw.lit(as_number(x, name))
            continue
        data = _readable(data, x)
        kind = data.collect_schema()[x]
        column = number(x)
        if name in gaps and (kind.is_float() or kind == nw.Unknown):
            column = nw.when(~column.is_nan()).then(column)
        staged[f"{name}_in__"] = column
        out[name] = nw.col(f"{name}_in__")
    return (data.with_columns(**staged) if staged else data), out


def label_key(data: Any, column: str, x: nw.Expr, key: str, *, missing: bool = False) -> tuple[nw.Expr, Rule]:
    """A column of 0 and 1 that groups the rows, and the rule that it keeps.

    Whole numbers and truth values are taken as they are: engines group by them fastest, and the groups themselves show
    what else there is. Where x has any other type, it is asked.
    """
    kind = data.collect_schema()[column]
    rule = binary(x, missing=missing)
    if kind == nw.Boolean or kind.is_integer():
        odd = (lambda table: (table[key] > 1).any()) if missing else (lambda table: (~table[key].isin((0, 1))).any())
        plain = nw.col(column)
        if missing and data.implementation.is_polars():  # which groups by NULL more slowly than by a number
            plain = x.fill_null(_GAP)
        return plain, Rule(rule.holds, rule.needs, odd, told=True)
    return nw.when(x == 1).then(nw.lit(1)).when(x == 0).then(nw.lit(0)), rule


def _readable(data: Any, column: str) -> Any:
    """The frame, whose column holds numbers or truth values."""
    _plainly_named(column)
    schema = data.collect_schema()
    kind = schema.get(column)
    if kind == nw.Boolean:
        return data
    if kind == nw.Object and not isinstance(data, nw.LazyFrame):
        native = data.to_native()
        return nw.from_native(native.assign(**{column: as_numbers(native[column], column, missing=True)}))
    check_columns(data, [column_name(column, "a column")], [])
    return data


def _plainly_named(column: str) -> None:
    """Refuse names that would mean something else inside a query."""
    if column.endswith("__"):
        raise ValueError(f"column {column!r} must not end in '__': such names are used in the query; rename it")
    if column == "*" or (column.startswith("^") and column.endswith("$")):
        raise ValueError(f"column {column!r} must not be named like a pattern, as engines read it; rename it")


def label_of(data: Any, column: str) -> nw.Expr:
    """A column that groups the rows: categories as text, the rest as it is."""
    check_columns(data, [column_name(column, "a column")], [], numbers=None)
    _plainly_named(column)
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


def in_bounds(rule: Rule, name: str, low: float, high: float) -> Rule:
    """The same rule, doubted where the smallest and the largest of the column, which are kept anyway, say so."""

    def odd(table: pd.DataFrame) -> Any:
        least, most = table[f"min_{name}"], table[f"max_{name}"]
        return not ((least >= low) & (most <= high)).all()

    return Rule(rule.holds, rule.needs, odd)


def finite(x: nw.Expr) -> Rule:
    """A finite number, in each row."""
    return Rule(x.abs() <= sys.float_info.max, (x,))


def finite_as_told(x: nw.Expr, total: str) -> Rule:
    """A finite number, in each row; doubted where a sum of its powers, which is kept anyway, is none."""
    return Rule(finite(x).holds, (x,), lambda table: not np.isfinite(table[total]).all())


def chance_as_told(chance: nw.Expr, total: str, *, never: Callable[[pd.DataFrame], Any] | None = None) -> Rule:
    """A probability above 0, in each row; doubted by the smallest, the largest and the sum of ``weight``, 1 / chance.

    With `never` the chance may be 0 in the groups that it says; `total` is the column with the sum.
    """

    def odd(table: pd.DataFrame) -> Any:
        return no_weights(table if never is None else table[~never(table)], total)

    return Rule(probability(chance, above=never is None).holds, (chance,), odd)


def no_weights(table: pd.DataFrame, total: str) -> Any:
    """Whether 1 / propensity is below 1, infinite or no number somewhere; told from its ends and a sum."""
    return not ((table["min_weight"] >= 1) & np.isfinite(table[total]) & np.isfinite(table["max_weight"])).all()


def positive(x: nw.Expr) -> Rule:
    """A finite number above 0, in each row."""
    return Rule((x > 0) & (x <= sys.float_info.max), (x,))


def probability(x: nw.Expr, *, above: bool = False) -> Rule:
    """A number in [0, 1], or in (0, 1], in each row."""
    return Rule(((x > 0) if above else (x >= 0)) & (x <= 1), (x,))


def binary(x: nw.Expr, *, missing: bool = False) -> Rule:
    """0 or 1, in each row, or where there is something."""
    holds = (x * x == x) & (x <= 1)
    return Rule(x.is_null() | holds) if missing else Rule(holds, (x,))


def there(x: nw.Expr, *more: nw.Expr, key: str = "") -> Rule:
    """Something, in each row; `key` is what x groups the rows by."""
    holds = nw.lit(value=True)
    if key:
        return Rule(holds, (x,), lambda table: table[key].isna().any(), told=True)
    return Rule(holds, (x, *more), lambda _: False)


def totals(
    data: Any,
    keys: Mapping[str, nw.Expr | str | int],
    sums: Mapping[str, nw.Expr],
    *,
    least: Mapping[str, nw.Expr] | None = None,
    most: Mapping[str, nw.Expr] | None = None,
    must: Mapping[str, Rule],
    labels: tuple[str, ...] = (),
    limit: int | None = None,
) -> pd.DataFrame:
    """The sums of each group of rows, by one query, which also says whether a row breaks a rule; one more says which.

    Parameters
    ----------
    data : narwhals frame
        Lazy ones stay lazy to the end.
    keys, sums, least, most : mappings from name to expression
        What groups the rows, or a value that is the same for all (by which no engine groups: Polars would hold all
        rows); what is added up (under names that begin with ``n_`` the rows for which it is true are
        counted); of what the smallest and the largest are kept, as ``min_…`` and ``max_…``.
    must : mapping from a rule in words to a rule
        It holds in every row, or is quoted.
    labels : tuple of str
        Keys that are 0, 1, or missing, which becomes −1.
    limit : int, optional
        Fetch one group more than this at most.
    """
    least, most = dict(least or {}), dict(most or {})
    counted = {name: _countable(data, x) if name.startswith("n_") else x for name, x in sums.items()}
    ends = {f"min_{name}": x for name, x in least.items()} | {f"max_{name}": x for name, x in most.items()}
    in_rows = [rule.holds for rule in must.values() if rule.doubt is None]
    kept = {_KEPT: _countable(data, reduce(operator.and_, in_rows))} if in_rows else {}
    needed = _different(x for rule in must.values() if rule.doubt and not rule.told for x in rule.needs)
    needs = {f"need_{place}__": x for place, x in enumerate(needed)}
    alike = {name: nw.lit(key) for name, key in keys.items() if not isinstance(key, nw.Expr)}
    parted = {name: key for name, key in keys.items() if isinstance(key, nw.Expr)}
    asked = {**parted, **counted, **ends, **kept, **needs}
    wanted = dict.fromkeys(ends, "max") | {name: "min" for name in ends if name.startswith("min_")}
    wanted |= dict.fromkeys((*counted, *kept), "sum") | dict.fromkeys(needs, "count")
    names = ["rows", *counted, *ends, *kept, *needs]
    tables = [as_table({name: [] for name in (*keys, *names)}, tuple(keys))]
    for part in _parts(data):
        try:
            grouped = _grouped(part, parted, asked, wanted)
            old = grouped.implementation.is_polars() and not _streams(grouped)  # whose head() of groups fails
            found = _collected(grouped if limit is None or old else grouped.head(limit + 1))
        except Exception:
            _refuse(data, must)  # some engines stop at a row that breaks a rule, before the sums are there
            raise
        table = _as_sums(found.with_columns(**alike) if alike else found, tuple(keys), names, labels)
        tables.append(table[table["rows"] > 0])
    out = added(tables, tuple(keys))
    rows = int(out["rows"].sum())
    doubts = [rule.doubt(out) for rule in must.values() if rule.doubt is not None]
    if rows and (any(doubts) or any(int(out[name].sum()) < rows for name in (*kept, *needs))):
        _refuse(data, must)
    return out.drop(columns=[*kept, *needs]).reset_index(drop=True)


def _grouped(part: Any, keys: Mapping[str, nw.Expr], asked: Mapping[str, nw.Expr], wanted: Mapping[str, str]) -> Any:
    """The sums of each group, or of all rows; asked for, not fetched."""
    if part.implementation.is_polars() and not keys and all("col(" in repr(x) for x in asked.values()):
        # Polars would hold the terms of all sums side by side; one number for all rows has to become a column first
        return part.select(
            nw.len().alias("rows"), *(getattr(x, wanted[name])().alias(name) for name, x in asked.items())
        )
    shaped = part.with_columns(**asked).select(*asked) if asked else part.select(part.columns[0])
    terms = [nw.len().alias("rows"), *(getattr(nw.col(name), how)() for name, how in wanted.items())]
    return shaped.group_by(*keys).agg(*terms) if keys else shaped.select(*terms)


def _different(columns: Iterable[nw.Expr]) -> list[nw.Expr]:
    """Each expression once, by what it prints as."""
    return list({repr(x): x for x in columns}.values())


def _countable(data: Any, x: nw.Expr) -> nw.Expr:
    """A condition that can be added up: Spark adds up no truth values."""
    return where(x, 1, 0) if data.implementation.is_spark_like() or data.implementation.is_pyarrow() else x


def _refuse(data: Any, must: Mapping[str, Rule]) -> None:
    """Say which rule is broken, and by how many rows."""
    broken = {"row__": nw.lit(1)}
    for place, (holds, needs, _, _) in enumerate(must.values()):
        chain: Any = nw
        for x in needs:
            chain = chain.when(x.is_null()).then(nw.lit(1))
        broken[f"broken_{place}__"] = chain.when(~holds).then(nw.lit(1)).otherwise(nw.lit(0))
    found = [0] * len(broken)
    for part in _parts(data):
        table = _collected(part.with_columns(**broken).select(*(nw.col(name).sum() for name in broken)))
        found = [known + int(table[name].to_list()[0] or 0) for known, name in zip(found, broken, strict=True)]
    for rule, times in zip(must, found[1:], strict=True):
        if times:
            raise ValueError(f"{rule}; {count(times, 'row')} of {found[0]:,} {'does' if times == 1 else 'do'} not")


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
    return data.collect(engine="streaming") if _streams(data) else data.collect()


def _streams(data: Any) -> bool:
    """Whether it is a lazy frame of a Polars that is new enough to stream."""
    if not (isinstance(data, nw.LazyFrame) and data.implementation.is_polars()):
        return False
    version = data.implementation.to_native_namespace().__version__
    return tuple(int(part) for part in version.split(".")[:2]) >= _POLARS_STREAMS


def _as_sums(table: Any, keys: tuple[str, ...], names: list[str], labels: tuple[str, ...]) -> pd.DataFrame:
    """An answer of any engine as a table of sums."""
    columns: dict[str, Any] = {}
    for name in (*keys, *names):
        column = table[name]
        if name in labels:
            entries = [as_key(x) for x in column.to_list()]
            known = {None: _MISSING, _GAP: _MISSING, 0: 0, 1: 1}
            columns[name] = pd.Series([known.get(x, _ODD) for x in entries], dtype="int64")
        elif name in keys and column.dtype.is_numeric() and not column.is_null().any():
            columns[name] = _numeric_key(np.asarray(column.to_numpy()))
        elif name in keys:
            columns[name] = pd.Series([as_key(x) for x in column.to_list()], dtype=object)
        else:
            whole = name == "rows" or name.startswith(("n_", "need_"))
            kind = nw.Int64 if whole else nw.Float64
            values = np.asarray(column.fill_null(0).cast(kind).to_numpy() if whole else column.cast(kind).to_numpy())
            columns[name] = pd.Series(values.astype(np.int64 if whole else np.float64))
    return pd.DataFrame(columns)


def _numeric_key(values: NDArray[Any]) -> pd.Series[Any]:
    """Whole numbers and floats of 64 bits, so that parts from different engines meet."""
    if values.dtype.kind == "f":
        return pd.Series(values.astype(np.float64))
    if values.dtype.kind == "u" and values.size and int(values.max()) >= 2**63:
        return pd.Series([int(x) for x in values], dtype=object)
    return pd.Series(values.astype(np.int64))


def day_of(data: Any, column: str, name: str) -> tuple[Any, nw.Expr]:
    """A column of days or times as the days they fall on in UTC; and the frame to ask."""
    check_columns(data, [column_name(column, name)], [], numbers=None)
    _plainly_named(column)
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
