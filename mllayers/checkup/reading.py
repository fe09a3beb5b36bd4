"""Any frame, or a file by its path, opened once; its columns are read as they are needed, as pandas."""

from __future__ import annotations

import csv
import gzip
import itertools
import os
import re
import textwrap
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mllayers._check import as_path, describe
from mllayers._extras import install_line
from mllayers._frames import opened
from mllayers._words import count

__all__ = ["Source", "by_engine", "checked", "engine_of", "kind_of", "open_frame", "open_source"]

_KINDS = "a pandas, Polars, PyArrow or DuckDB frame, or the path of a .csv or .parquet file"
_ROWS_AT_ONCE = 250_000  # of a CSV file
_AT_ONCE = 4  # columns that are read together when only some rows of them are wanted
_WHO = {"polars": "Polars", "pyarrow": "PyArrow", "duckdb": "DuckDB", "pyspark": "PySpark"}
# How an Arrow table becomes pandas; columns that are kept as a dictionary and codes become what the codes stand for.
_TO_PANDAS = "to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)"
_DECODED = (
    "import pyarrow as pa",
    "kinds = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in table.schema]",
    f"frame = table.cast(pa.schema(kinds)).{_TO_PANDAS}",
)
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class Source:
    """A table whose columns are read when they are asked for.

    ``name`` says what it is; ``opening`` are the lines that bring it into pandas as ``frame``; ``read`` takes the names
    of columns and returns them as a pandas frame with all rows, in the order of the table.
    """

    name: str
    columns: tuple[str, ...]
    rows: int
    opening: tuple[str, ...]
    read: Callable[[list[str]], pd.DataFrame]

    def take(self, columns: Sequence[str], rows: NDArray[np.intp] | None = None) -> pd.DataFrame:
        """These columns; only the rows at these places, if they are given, read a few columns at a time."""
        names = list(columns)
        if rows is None:
            return self.read(names)
        parts = [self.read(names[i : i + _AT_ONCE]).iloc[rows] for i in range(0, len(names), _AT_ONCE)]
        return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=pd.RangeIndex(self.rows)[rows])


def open_source(data: Any, *, separator: str | None = None, encoding: str = "utf-8", decimal: str = ".") -> Source:
    """The table behind a frame of any engine or a path.

    Raises
    ------
    TypeError, ValueError, OSError
        In one sentence: what is wrong with the frame or the file, and what to do.
    """
    if isinstance(data, (str, os.PathLike)):
        path = as_path(data, "data")
        if not path.exists():
            raise FileNotFoundError(f"there is no file {str(path)!r}: data must be {_KINDS}")
        if path.is_dir():
            raise ValueError(f"{str(path)!r} is a folder: data must be {_KINDS}")
        if path.suffix == ".parquet":
            return _parquet(path)
        if path.suffix not in (".csv", ".tsv", ".txt", ".gz"):
            raise ValueError(f"{path.name!r} ends in {path.suffix or 'nothing'!r}: data must be {_KINDS}")
        said = {"sep": separator, "encoding": encoding, "decimal": decimal}
        usual = {"sep": None, "encoding": "utf-8", "decimal": "."}
        options = {name: value for name, value in said.items() if value is not None and value != usual[name]}
        return _pandas(_read_csv(path, options), path.name, _csv_lines(path, options))
    if isinstance(data, pd.DataFrame):
        return _pandas(data, "a pandas frame", ("import pandas as pd", "frame = data"))
    return _engine(open_frame(data), data)


def open_frame(data: Any) -> Any:
    """A frame of any engine for narwhals, or one sentence about what keeps it from being one."""
    try:
        return opened(data)
    except TypeError as error:
        if "must be a" not in str(error):
            raise
        raise TypeError(f"data must be {_KINDS}; got {describe(data)}") from None
    except Exception as error:  # each engine has errors of its own
        raise ValueError(_engine_told(engine_of(data)[0], error)) from error


def engine_of(data: Any) -> tuple[str, str]:
    """The engine behind a frame, as it is called in a sentence, and the package it comes from."""
    home = type(data).__module__.partition(".")[0].lstrip("_")
    return _WHO.get(home, "The engine"), home


def kind_of(data: Any, *, lazy: bool) -> str:
    """What a frame is called on the page."""
    home = engine_of(data)[1]
    return f"a {_WHO.get(home, home)} {'query' if lazy else 'frame'}"


# files --------------------------------------------------------------------------------------------------------------


def _csv_lines(path: Path, options: dict[str, str]) -> tuple[str, ...]:
    told = "".join(f", {name}={value!r}" for name, value in options.items())
    return ("import pandas as pd", f"frame = pd.read_csv({str(path)!r}{told})")


def _read_csv(path: Path, options: dict[str, str]) -> pd.DataFrame:
    """A CSV file, or one sentence about what keeps it from being read."""
    if path.stat().st_size == 0:
        raise ValueError(f"{path.name} is empty: there is not even a line with the names of the columns")
    encoding = options.get("encoding", "utf-8")
    try:
        head = pd.read_csv(path, header=None, nrows=1, dtype=str, **options)  # type: ignore[call-overload]
        frame = _in_parts(path, options)
    except UnicodeError:
        with path.open("rb") as raw:
            marked = raw.read(2) in (b"\xff\xfe", b"\xfe\xff")
        likely = "utf-16" if marked and encoding != "utf-16" else "latin-1"
        raise ValueError(
            f"{path.name} is not text in {encoding}: if it is text at all, say how it was saved, encoding={likely!r}"
        ) from None
    except LookupError:
        raise ValueError(f"encoding must be the name of one, such as 'utf-8' or 'latin-1'; got {encoding!r}") from None
    except pd.errors.EmptyDataError:
        raise ValueError(f"{path.name} holds no columns: the first line must name them") from None
    except (zlib.error, EOFError, OSError) as error:
        told = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{path.name} cannot be read, it may be damaged or cut off: {told}") from None
    except (pd.errors.ParserError, csv.Error) as error:
        told = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise ValueError(
            f"{path.name} cannot be read as a table: {told.rstrip('.')}; is the separator right, separator=';'?"
        ) from None
    names = [str(name) for name in head.iloc[0].dropna()]
    found = [sign for sign in _SEPARATORS if len(names) == 1 and sign in names[0]]
    if found and "sep" not in options:
        comma = ", decimal=','" if re.search(rf"\d,\d+({re.escape(found[0])}|$)", _second_line(path, encoding)) else ""
        raise ValueError(
            f"{path.name} has a single column, {names[0][:60]!r}: its values are separated by "
            f"{_SEPARATORS[found[0]]}, so say separator={found[0]!r}{comma}"
        )
    if "\x00" in "".join(names):
        raise ValueError(f"{path.name} holds bytes that are no text: data must be {_KINDS}")
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(f"{path.name} has the column {twice[0]!r} more than once: give each a name of its own")
    if not isinstance(frame.index, pd.RangeIndex):
        raise ValueError(
            f"{path.name} has more values in its lines than names in its first line ({len(names)}): name every column, "
            "end no line with a separator, and leave no title above the names"
        )
    return frame


def _second_line(path: Path, encoding: str) -> str:
    """The first line with values."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        return b"".join(itertools.islice(lines, 1, 2)).decode(encoding, errors="replace").strip()


def _in_parts(path: Path, options: dict[str, str]) -> pd.DataFrame:
    """What ``pd.read_csv`` returns, read some rows at a time: a large file never lies in memory twice."""
    parts: dict[str, list[pd.Series[Any]]] = {}
    with pd.read_csv(path, chunksize=_ROWS_AT_ONCE, low_memory=False, **options) as reader:  # type: ignore[call-overload]
        frame: pd.DataFrame = next(reader)
        for part in reader:
            if not parts:
                parts = {str(name): [frame[name]] for name in frame}
            for name in parts:
                parts[name].append(part[name])
            del part
    if not parts:
        return frame
    del frame
    whole = {}
    for name in list(parts):
        columns = parts.pop(name)
        kinds = {"f" if column.dtype.kind in "if" else str(column.dtype) for column in columns}
        if len(kinds) > 1:  # numbers here and text there: to be read at once, to be all text
            columns = [pd.read_csv(path, usecols=[name], low_memory=False, **options)[name]]  # type: ignore[call-overload]
        whole[name] = pd.concat(columns, ignore_index=True)
        del columns
    return pd.DataFrame(whole, copy=False)


def _parquet(path: Path) -> Source:
    """A Parquet file, of which only the columns asked for are read."""
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        import pyarrow.parquet as pq  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise ValueError(f"{path.name} is a Parquet file; pyarrow reads it: run `{install_line('engines')}`") from None
    try:
        schema, rows = pq.read_schema(path), pq.read_metadata(path).num_rows
    except (pa.ArrowException, OSError):
        raise ValueError(f"{path.name} is no Parquet file, or is damaged: write it again") from None

    def read(columns: list[str]) -> pd.DataFrame:
        return _as_pandas(pq.read_table(path, columns=columns, use_threads=False))[columns]

    lines: tuple[str, ...] = ("import pandas as pd", f"frame = pd.read_parquet({str(path)!r}, dtype_backend='pyarrow')")
    if _coded(schema):
        opened_as = f"table = pq.read_table({str(path)!r})"
        lines = ("import pandas as pd", "import pyarrow.parquet as pq", opened_as, *_DECODED)
    return checked(path.name, schema.names, rows, lines, read)


# frames -------------------------------------------------------------------------------------------------------------


def _pandas(frame: pd.DataFrame, name: str, lines: tuple[str, ...]) -> Source:
    plain = frame if isinstance(frame.index, pd.RangeIndex) and frame.index.step == 1 else frame.reset_index(drop=True)

    def read(columns: list[str]) -> pd.DataFrame:
        return plain[columns]

    if plain is not frame:
        lines = (*lines[:-1], f"{lines[-1]}.reset_index(drop=True)")
    return checked(name, list(frame.columns), len(frame), lines, read)


def _engine(frame: Any, data: Any) -> Source:
    """A frame of another engine; a lazy one is run for each group of columns that is asked for."""
    who, home = engine_of(data)
    lazy = isinstance(frame, nw.LazyFrame)
    schema = by_engine(who, frame.collect_schema)
    names = list(schema)

    def arrow(part: Any) -> Any:
        return by_engine(who, lambda: part.collect(backend="pyarrow").to_arrow() if lazy else part.to_arrow())

    def read(columns: list[str]) -> pd.DataFrame:
        return _as_pandas(arrow(frame.select(columns)))

    rows = len(frame) if not lazy else int(arrow(frame.select(n=nw.len()))["n"][0].as_py()) if names else 0
    told = {"polars": "data.collect().to_arrow()" if lazy else "data.to_arrow()", "pyarrow": "data",
            "duckdb": "data.to_arrow_table()"}  # fmt: skip
    start = told.get(home, "nw.from_native(data).lazy().collect(backend='pyarrow').to_arrow()")
    lines = ["import pandas as pd", f"frame = {start}.{_TO_PANDAS}"]
    if any(isinstance(kind, (nw.Categorical, nw.Enum)) for kind in schema.values()):
        lines = ["import pandas as pd", f"table = {start}", *_DECODED]
    if home not in told:
        lines.insert(1, "import narwhals as nw")
    return checked(kind_of(data, lazy=lazy), names, rows, tuple(lines), read)


def _coded(schema: Any) -> bool:
    """Whether an Arrow table keeps a column as a dictionary and codes."""
    import pyarrow as pa

    return any(pa.types.is_dictionary(kind) for kind in schema.types)


def _as_pandas(table: Any) -> pd.DataFrame:
    """An Arrow table in pandas, its types kept; what codes stand for instead of the codes."""
    import pyarrow as pa

    kinds = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    frame: pd.DataFrame = table.cast(pa.schema(kinds)).to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    return frame


def by_engine(who: str, work: Callable[[], Any]) -> Any:
    """What an engine returns, or what it says is wrong with the query, in one sentence."""
    try:
        return work()
    except Exception as error:  # each engine has errors of its own
        raise ValueError(_engine_told(who, error)) from error


def _engine_told(who: str, error: Exception) -> str:
    told = textwrap.shorten(str(error) or type(error).__name__, 240, placeholder=" …").rstrip(".")
    return f"{who} cannot run the query behind the frame: {told}"


def checked(
    name: str, columns: Iterable[Any], rows: int, lines: tuple[str, ...], read: Callable[[list[str]], pd.DataFrame]
) -> Source:
    """A table that can be asked: named columns, each once, and rows."""
    names = list(columns)
    if any(isinstance(column, tuple) for column in names):
        raise ValueError(
            f"{name} has names of several levels: make them one, frame.columns = ['_'.join(map(str, c)) for c in "
            "frame.columns]"
        )
    numbers = [column for column in names if not isinstance(column, str)]
    if numbers:
        raise ValueError(f"{name} has columns without a name, such as {numbers[0]!r}: frame.rename(columns=str)")
    twice = [column for column in dict.fromkeys(names) if names.count(column) > 1]
    if twice:
        raise ValueError(f"{name} has the column {twice[0]!r} more than once: give each a name of its own")
    if not names:
        raise ValueError(f"{name} has no columns")
    if rows == 0:
        raise ValueError(f"{name} has {count(len(names), 'column')} and no rows")
    return Source(name, tuple(names), rows, lines, read)
