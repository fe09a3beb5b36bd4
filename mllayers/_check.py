"""Input checks: one function per kind of input, each naming the argument, what was expected and what came.

Every check returns its input ready to use (an array, an int, …) and raises ``TypeError`` when the kind is wrong,
``ValueError`` when the value is. Nothing is clipped, dropped or guessed, and nothing is matched by position alone.
"""

from __future__ import annotations

import datetime
import operator
import os
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mllayers._words import exact

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

_UNORDERED = (bytes, complex, list, dict, tuple, set)
_REAL = (bool, int, float, np.bool_, np.integer, np.floating, Decimal, Fraction)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)"  # a date
    r"(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)"  # a time of day
    r"(Z|[+-]\d\d:?\d\d)?)?"  # its distance from UTC
)
_YEARS = (np.datetime64("0001-01-01", "us"), np.datetime64("10000-01-01", "us"))
_TIMES = "dates or times: ISO text such as 2026-03-01 or 2026-03-01 12:00, a date, a datetime or a timestamp"


# columns of numbers -------------------------------------------------------------------------------------------------


def as_numbers(x: Any, name: str, *, missing: bool = False) -> Floats:
    """A one-dimensional array of finite numbers; ``missing=True`` lets NaN (None, NA, NULL) through.

    Whole numbers, floats, booleans, decimals and fractions are numbers, in NumPy, pandas (nullable and Arrow too),
    Polars or plain lists. Text, dates, durations, complex numbers and hidden entries of masked arrays are not.
    """
    values = _values(x, name)
    if values.ndim != 1:
        raise ValueError(f"{name} must have one dimension, one entry per case; got shape {values.shape}")
    if values.dtype.kind == "O":
        out = np.array([_real(value, name, row) for row, value in enumerate(values)], dtype=np.float64)
    else:
        with np.errstate(over="ignore"):
            out = values.astype(np.float64)
    bad = np.isinf(out) if missing else ~np.isfinite(out)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{name} must hold finite numbers; got {out[row]} at row {row}")
    return out


def _values(x: Any, name: str) -> NDArray[Any]:
    """The entries of a column as an array of booleans, whole numbers or floats, or of objects still to be looked at."""
    wanted = f"{name} must be a column of numbers"
    if isinstance(x, np.ma.MaskedArray):
        if np.ma.is_masked(x):
            raise TypeError(f"{wanted}; got a masked array that hides entries: fill them first, x.filled(np.nan)")
        x = x.data
    if isinstance(x, (bytearray, memoryview)):
        raise TypeError(f"{wanted}; got {describe(x)}")
    home = type(x).__module__.partition(".")[0]
    try:
        if home == "pandas" and hasattr(x, "to_numpy") and hasattr(x, "dtype"):
            kind = x.dtype.kind
            if kind in "biuf" and not isinstance(x.dtype, np.dtype):
                return np.asarray(x.to_numpy(dtype=np.float64, na_value=np.nan))
            values = np.asarray(x.to_numpy(dtype=object) if kind == "O" else x.to_numpy())
        elif home in ("polars", "pyarrow") and hasattr(x, "dtype" if home == "polars" else "type"):
            values = _from_arrow_or_polars(x)
        else:
            if isinstance(x, (list, tuple)) and any(value is np.ma.masked for value in x):
                raise TypeError(f"{wanted}; got a masked entry")
            values = np.asarray(x)
            if isinstance(x, (list, tuple)) and values.ndim == 1 and values.dtype.kind not in "biuf":
                values = np.empty(len(x), dtype=object)  # entry by entry: NumPy would have turned numbers into text
                values[:] = x
    except TypeError as error:
        if str(error).startswith(wanted):
            raise
        raise TypeError(f"{wanted}; got {describe(x)}") from None
    except (ValueError, OverflowError, RecursionError):
        raise TypeError(f"{wanted}, one entry per case; got {describe(x)} of lists of different lengths") from None
    if values.dtype.kind not in "biufO" or values.ndim == 0:
        first = f"{describe(values.ravel()[0])} at row 0" if values.ndim and values.size else describe(x)
        raise TypeError(f"{wanted}; got {first} ({values.dtype})" if values.ndim else f"{wanted}; got {first}")
    return values


def _from_arrow_or_polars(x: Any) -> NDArray[Any]:
    """A Polars or Arrow column; entries that are not plain numbers come out as objects."""
    arrow = type(x).__module__.partition(".")[0] == "pyarrow"
    values = np.asarray(x.to_numpy(zero_copy_only=False) if arrow else x.to_numpy() if hasattr(x, "to_numpy") else x)
    if values.dtype.kind in "biuf":
        return values
    entries = x.to_list() if hasattr(x, "to_list") else x.to_pylist()
    values = np.empty(len(entries), dtype=object)
    values[:] = entries
    return values


def _real(value: Any, name: str, row: int) -> float:
    """One entry of a column of objects: a number, or NaN where there is none."""
    if value is None or type(value).__name__ == "NAType":
        return np.nan
    if _is_real(value):
        try:
            return float(value)
        except (OverflowError, ValueError):
            raise ValueError(f"{name} must hold finite numbers; got one that is too large at row {row}") from None
    raise TypeError(f"{name} must be a column of numbers; got {describe(value)} at row {row}")


def _is_real(x: Any) -> bool:
    """Whether it is a number; NumPy's durations call themselves whole numbers."""
    return isinstance(x, _REAL) and not isinstance(x, np.timedelta64)


def as_probabilities(x: Any, name: str, *, missing: bool = False) -> Floats:
    """A one-dimensional array of numbers in [0, 1]."""
    out = as_numbers(x, name, missing=missing)
    percent = 2 * (out > 1).sum() > out.size and not ((out < 0) | (out > 100)).any()
    hint = ": if these are percent, divide by 100" if percent else ""
    return _refuse((out < 0) | (out > 1), out, f"{name} must lie in [0, 1]", hint)


def as_propensities(x: Any, n: int, name: str = "propensity") -> Floats:
    """One probability in (0, 1] for each of n cases, from a number or a column."""
    out = np.broadcast_to(per_case(x, n, name), n)
    return _refuse(~((out > 0) & (out <= 1)), out, f"{name} must lie in (0, 1]")


def as_binary(x: Any, name: str, *, missing: bool = False) -> Floats:
    """A one-dimensional array of 0 and 1 (booleans welcome), as floats; ``missing=True`` lets NaN through."""
    out = as_numbers(x, name, missing=missing)
    return _refuse((out != 0) & (out != 1) & ~np.isnan(out), out, f"{name} must hold only 0 and 1")


def _refuse(bad: NDArray[np.bool_], values: Floats, rule: str, hint: str = "") -> Floats:
    """The values, unless one breaks the rule."""
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{rule}; got {exact(values[row])} at row {row}{hint}")
    return values


def per_case(x: Any, n: int, name: str) -> Floats:
    """A number, or one number per case: returned as an array that broadcasts to ``(n,)``."""
    if _is_single(x):
        return np.asarray(as_number(x, name))
    out = as_numbers(x, name)
    if out.size != n:
        raise ValueError(f"{name} must be one number or {n} numbers, one per case; got {out.size}")
    return out


def as_thresholds(x: Any, n: int, name: str) -> Floats:
    """A threshold, or one per case: any number but NaN, and ``inf`` means that nobody acts."""
    if _is_single(x):
        endless = isinstance(x, (float, np.floating)) and np.isinf(x)
        out = np.atleast_1d(np.float64(x) if endless else as_number(x, name))
    else:
        values = _values(x, name)
        rows = values.dtype.kind == "O"
        out = np.array([_real(one, name, row) for row, one in enumerate(values)]) if rows else values.astype(np.float64)
    if out.shape not in {(1,), (n,)}:
        raise ValueError(f"{name} must be one number or {n} numbers, one per case; got shape {out.shape}")
    if np.isnan(out).any():
        raise ValueError(f"{name} must not be missing; got nan at row {int(np.argmax(np.isnan(out)))}")
    return out


def _is_single(x: Any) -> bool:
    """Whether it stands for all cases: a number (or what was given for one), not a column."""
    return isinstance(x, (str, bytes, *_REAL)) or x is None or (np.ndim(x) == 0 if not isinstance(x, list) else False)


def same_cases(**columns: Any) -> int:
    """The common number of cases of the named columns; single numbers and ``None`` belong to all cases.

    Columns are matched by position. So where two of them are pandas Series, their labels must be the same and in the
    same order: labels in another order belong to other cases.
    """
    given = {name: x for name, x in columns.items() if not _is_single(x)}
    sizes = {name: len(x) for name, x in given.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        raise ValueError(f"{' and '.join(sizes)} must have the same length; {told}")
    n = next(iter(sizes.values()), 1)
    if n == 0:
        raise ValueError(f"{' and '.join(sizes)} must hold at least one case; got none")
    labelled = [
        (name, x.index) for name, x in given.items() if type(x).__module__.startswith("pandas") and hasattr(x, "index")
    ]
    for name, index in labelled[1:]:
        first, expected = labelled[0]
        if not index.equals(expected):
            row = int(np.argmax(np.asarray(index != expected)))
            raise ValueError(
                f"{first} and {name} must be Series with the same labels in the same order, since cases are matched by "
                f"position; got {describe(expected[row])} and {describe(index[row])} at row {row}: align them, "
                f"{name}.loc[{first}.index], or say that the order is right with .to_numpy()"
            )
    return n


# single values ------------------------------------------------------------------------------------------------------


def as_number(
    x: Any, name: str, *, ge: float = -np.inf, gt: float = -np.inf, le: float = np.inf, lt: float = np.inf
) -> float:
    """One finite number within the stated limits."""
    if isinstance(x, np.ndarray) and x.ndim == 0 and not isinstance(x, np.ma.MaskedArray):
        x = x.item() if x.dtype.kind in "iuf" else x
    if isinstance(x, (bool, np.bool_)) or not _is_real(x):
        raise TypeError(f"{name} must be a number; got {describe(x)}")
    limits = [f"≥ {ge:g}"] * (ge > -np.inf) + [f"> {gt:g}"] * (gt > -np.inf)
    limits += [f"≤ {le:g}"] * (le < np.inf) + [f"< {lt:g}"] * (lt < np.inf)
    rule = f"{name} must be {' and '.join(limits) or 'finite'}"
    try:
        out = float(x)
    except (OverflowError, ValueError):
        raise ValueError(f"{rule}; got one that is too large or no number") from None
    if not (np.isfinite(out) and out >= ge and out > gt and out <= le and out < lt):
        raise ValueError(f"{rule}; got {exact(out) if np.isfinite(out) else out}")
    return out


def as_integer(x: Any, name: str, *, ge: int | None = None, le: int | None = None) -> int:
    """One whole number within the stated limits (3.0 is a float and refused)."""
    if isinstance(x, (bool, np.bool_, np.ndarray)):
        raise TypeError(f"{name} must be a whole number; got {describe(x)}")
    try:
        out = operator.index(x)
    except TypeError:
        raise TypeError(f"{name} must be a whole number; got {describe(x)}") from None
    if (ge is not None and out < ge) or (le is not None and out > le):
        limits = " and ".join([f"≥ {ge}"] * (ge is not None) + [f"≤ {le}"] * (le is not None))
        raise ValueError(f"{name} must be {limits}; got {out if abs(out) < 10**20 else 'one with many digits'}")
    return out


def as_flag(x: Any, name: str) -> bool:
    """True or False, and nothing that merely counts as one of them."""
    if not isinstance(x, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False; got {describe(x)}")
    return bool(x)


def one_of(x: Any, name: str, allowed: Iterable[str]) -> str:
    """One of the allowed words."""
    allowed = list(allowed)
    if not isinstance(x, str) or x not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {describe(x)}")
    return x


def as_text(x: Any, name: str, what: str = "text") -> str:
    """Text that holds something and can be stored."""
    if not isinstance(x, str) or not x.strip():
        raise TypeError(f"{name} must be {what}; got {describe(x)}")
    return _storable(x, name)


def is_said(x: Any) -> bool:
    """Whether it holds words; ``None``, a blank of an exercise, ``''`` and ``'____'`` do not."""
    return isinstance(x, str) and any(letter.isalnum() for letter in x)


def as_path(x: Any, name: str) -> Path:
    """A path, from text or another path."""
    if not isinstance(x, (str, os.PathLike)):
        raise TypeError(f"{name} must be a path; got {describe(x)}")
    return Path(x)


# points in time -----------------------------------------------------------------------------------------------------


def as_times(x: Any, name: str, *, missing: bool = False) -> NDArray[np.datetime64]:
    """Points in time to the microsecond, in UTC and without a zone; ``missing=True`` lets NaT (None, NA) through.

    Those with a zone become UTC, those without are taken as they are; a date is its first moment. What is only an order
    (a month's number) is no time and refused, and so is text that one country reads as April and another as October.
    """
    dtype = getattr(x, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind == "M":
        out = _microseconds(np.asarray(x), name)
    elif getattr(dtype, "kind", "") == "M" and getattr(dtype, "tz", None) is not None:
        out = np.asarray(x.dt.tz_convert("UTC").dt.tz_localize(None) if hasattr(x, "dt") else x.tz_convert(None))
        out = out.astype("datetime64[us]")
    else:
        entries = x.to_list() if hasattr(x, "to_list") else x.to_pylist() if hasattr(x, "to_pylist") else x
        if (
            isinstance(entries, (str, bytes))
            or not isinstance(entries, (Sequence, np.ndarray))
            or np.ndim(entries) != 1
        ):
            raise TypeError(f"{name} must be a column of {_TIMES}; got {describe(x)}")
        known: dict[Any, np.datetime64] = {}
        out = np.empty(len(entries), dtype="datetime64[us]")
        for row, entry in enumerate(entries):
            # not datetimes: with a zone they are equal in the hour that comes twice in autumn
            if isinstance(entry, str) or type(entry) is datetime.date:
                if entry not in known:
                    known[entry] = _moment(entry, name, row)
                out[row] = known[entry]
            else:
                out[row] = _moment(entry, name, row)
    if not missing and np.isnat(out).any():
        raise ValueError(f"{name} is missing at row {int(np.argmax(np.isnat(out)))}")
    far = (out < _YEARS[0]) | (out >= _YEARS[1])
    if far.any():
        row = int(np.argmax(far))
        raise ValueError(f"{name} must lie in the years 1 to 9999; got {out[row]} at row {row}")
    return out


def _microseconds(x: NDArray[np.datetime64], name: str) -> NDArray[np.datetime64]:
    """Times of any unit to the microsecond; those that do not fit are refused, since NumPy would turn them around."""
    years = x.astype("datetime64[Y]").astype(np.int64)
    far = (np.abs(years) > 100_000) & ~np.isnat(x)
    if far.any():
        raise ValueError(f"{name} must lie in the years 1 to 9999; got another at row {int(np.argmax(far))}")
    return x.astype("datetime64[us]")


def as_moment(x: Any, name: str) -> np.datetime64:
    """One point in time, UTC, to look back from: a date means its end, so that the whole day counts."""
    moment = _moment(x, name, None)
    if np.isnat(moment):
        raise ValueError(f"{name} must be a date or a time; got none")
    if not _YEARS[0] <= moment < _YEARS[1]:
        raise ValueError(f"{name} must lie in the years 1 to 9999; got {moment}")
    if isinstance(x, np.datetime64) and np.datetime_data(x.dtype)[0] in ("Y", "M", "W"):
        moment = (x + 1).astype("datetime64[us]") - np.timedelta64(86_400_000_000, "us")  # its last day
    day_alone = (
        (isinstance(x, datetime.date) and not isinstance(x, datetime.datetime))
        or (isinstance(x, str) and len(x.strip()) == 10)
        or (isinstance(x, np.datetime64) and np.datetime_data(x.dtype)[0] in ("D", "M", "Y", "W"))
    )
    return moment + np.timedelta64(86_400_000_000 - 1, "us") if day_alone else moment


def _moment(x: Any, name: str, row: int | None) -> np.datetime64:
    """One entry as a point in time, NaT where there is none."""
    where = "" if row is None else f" at row {row}"
    refused = TypeError(f"{name} must hold {_TIMES}; got {describe(x)}{where}")
    if x is None or type(x).__name__ in ("NaTType", "NAType") or (isinstance(x, float) and np.isnan(x)):
        return np.datetime64("NaT", "us")
    if isinstance(x, np.datetime64):
        return np.datetime64(_microseconds(np.array([x]), name)[0], "us")
    if isinstance(x, str):
        found = _ISO.fullmatch(x.strip())
        if found is None:
            raise refused
        try:
            day, clock, zone = found.groups()
            out = np.datetime64(datetime.date.fromisoformat(day), "us")
            if clock is not None:
                whole, _, fraction = clock.partition(".")
                at = datetime.time.fromisoformat(whole)
                microseconds = int(fraction[:6].ljust(6, "0")) if fraction else 0
                seconds = at.hour * 3600 + at.minute * 60 + at.second
                out = out + np.timedelta64(seconds * 1_000_000 + microseconds, "us")
            if zone is not None and zone != "Z":
                hours, minutes = int(zone[1:3]), int(zone[-2:])
                if hours > 23 or minutes > 59:
                    raise refused
                ahead = np.timedelta64((hours * 60 + minutes) * 60_000_000, "us")
                out = out - ahead if zone[0] == "+" else out + ahead
        except ValueError:
            raise refused from None
        return out
    if isinstance(x, datetime.datetime):  # pandas' timestamps are datetimes, too
        if x.tzinfo is not None:
            try:
                x = x.astimezone(datetime.UTC).replace(tzinfo=None)
            except OverflowError:
                raise ValueError(f"{name} must lie in the years 1 to 9999 in UTC; got {describe(x)}{where}") from None
        return (
            np.datetime64(x.replace(microsecond=x.microsecond), "us")
            if not hasattr(x, "nanosecond")
            else np.datetime64(x.to_pydatetime(warn=False), "us")
        )
    if isinstance(x, datetime.date):
        return np.datetime64(x, "us")
    raise refused


# keys, labels and words ---------------------------------------------------------------------------------------------


def as_keys(x: Any, name: str) -> list[str]:
    """Ids as the ledger keeps them: text; whole numbers become text, whatever their size. None may be missing.

    Two sides of any join are compared in this form, so that 1 and "1" are the same case. Floats are refused: an id
    that went through one may be its neighbour's.
    """
    entries = _entries(x, name, "text or whole numbers")
    kinds = set(map(type, entries))
    if kinds == {int}:
        return list(map(str, entries))
    if kinds == {str} and (joined := "".join(entries)).isascii() and "\x00" not in joined:
        return entries
    out: list[str] = []
    for row, entry in enumerate(entries):
        if isinstance(entry, str):
            out.append(_storable(str.__str__(entry), name, row))  # not what a subclass says of itself (an Enum)
        elif isinstance(entry, (int, np.integer)) and not isinstance(entry, (bool, np.bool_)):
            out.append(str(int(entry)))
        elif _is_missing(entry):
            raise ValueError(f"{name} is missing at row {row}")
        else:
            raise TypeError(f"{name} must be text or whole numbers; got {describe(entry)} at row {row}")
    return out


def as_periods(x: Any, n: int, name: str) -> NDArray[Any]:
    """What orders the cases in time (a month's number, a date, text), one entry for each of n cases, none missing."""
    out = _as_objects(x, n, name)
    for row, entry in enumerate(out.tolist()):
        if _is_missing(entry):
            raise ValueError(f"{name} must be known for each case; got none at row {row}")
        if isinstance(entry, _UNORDERED):
            raise TypeError(f"{name} must hold periods that can be put in order; got {describe(entry)} at row {row}")
    return out


def _as_objects(x: Any, n: int, name: str) -> NDArray[Any]:
    """The entries of a column of n cases, as they are."""
    entries = _entries(x, name, "periods, such as the number of a month or its first day")
    if len(entries) != n:
        raise ValueError(f"{name} must hold {n} entries, one per case; got {len(entries)}")
    out = np.empty(n, dtype=object)
    out[:] = entries
    return out


def as_groups(x: Any, n: int, name: str) -> dict[Any, NDArray[np.intp]]:
    """The rows of each group (a period, a band, a segment), the groups in their order; ``None``: all are one.

    The order is that of the values; where a column of categories is ordered, theirs. None may be missing.
    """
    import pandas as pd

    if x is None:
        return {"all": np.arange(n)}
    if isinstance(getattr(x, "dtype", None), pd.CategoricalDtype) and len(x) == n:
        return _rows_of_categories(x, name)
    plain = isinstance(x, np.ndarray) and x.ndim == 1 and x.dtype.kind in "biu"
    entries = x if plain and len(x) == n else _as_objects(x, n, name)
    try:
        codes, found = pd.factorize(entries)
    except TypeError:  # lists and the like
        codes, found = np.array([-1]), np.empty(0)
    if (codes < 0).any() or any(isinstance(label, _UNORDERED) for label in found):
        as_periods(x, n, name)  # says what is wrong, and where
    names = found.tolist() if plain else list(found)
    return _rows_in_order(codes, names, name)


def _rows_of_categories(x: Any, name: str) -> dict[Any, NDArray[np.intp]]:
    """The rows of each category that occurs, from the codes that pandas keeps."""
    codes = np.asarray(x.cat.codes if hasattr(x, "cat") else x.codes)
    names = x.dtype.categories.tolist()
    missing = codes < 0
    if missing.any() or any(isinstance(label, _UNORDERED) for label in names):
        as_periods(x, len(x), name)  # says what is wrong, and where
    return {label: rows for label, rows in _rows_in_order(codes, names, name, x.dtype.ordered).items() if len(rows)}


def _rows_in_order(codes: Any, names: list[Any], name: str, ordered: bool = False) -> dict[Any, NDArray[np.intp]]:
    """The rows of each name by its code, the names sorted unless they are in order."""
    try:
        order = range(len(names)) if ordered else sorted(range(len(names)), key=names.__getitem__)
    except TypeError:
        kinds = " and ".join(sorted({type(label).__name__ for label in names}))
        raise TypeError(f"{name} must hold values of one kind, to be put in order; got {kinds}") from None
    rows = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes, minlength=len(names)))[:-1])
    return {names[i]: rows[i] for i in order}


def as_ordered_periods(x: Any, n: int, name: str) -> dict[Any, NDArray[np.intp]]:
    """The rows of each period, in the order of time; text that does not sort by time as it stands is refused."""
    groups = as_groups(x, n, name)
    told = "" if getattr(getattr(x, "dtype", None), "ordered", False) else out_of_order(list(groups))
    if told:
        raise ValueError(f"{name} {told}: {SORTS_BY_TIME}")
    return groups


SORTS_BY_TIME = "write each so that text sorts by time, such as 2026-03"


def out_of_order(values: Sequence[Any]) -> str:
    """Why sorting these periods would not put them in the order of time; "" where it does, as far as one can tell."""
    if not all(isinstance(value, str) for value in values):
        try:
            sorted(values)
        except TypeError:
            return "holds values of several kinds, which have no order"
        return ""
    words = sorted(values)
    told = f"{', '.join(map(repr, words[:3]))}{', …' * (len(words) > 3)}"
    if len({re.sub(r"\d+", "0", word) for word in words}) > 1 or (len(words) > 1 and not re.search(r"\d", words[0])):
        return f"holds words, which only the alphabet would order ({told})"
    numbers = [[int(part) for part in re.findall(r"\d+", word)] for word in words]
    widths = [len(part) for part in re.findall(r"\d+", words[0])] if words else []
    if len(words) > 1 and (numbers != sorted(numbers) or (widths and max(widths) >= 4 > widths[0])):
        return f"holds text that does not sort by time ({told})"
    return ""


def as_weights(x: Any, n: int, name: str = "weights") -> Floats:
    """How many cases of the population each of n rows stands for, each > 0."""
    out = as_numbers(x, name)
    if out.size != n:
        raise ValueError(f"{name} must hold {n} numbers, one per case; got {out.size}")
    if (out <= 0).any():
        row = int(np.argmax(out <= 0))
        raise ValueError(f"{name} must be > 0, how many cases each row stands for; got {exact(out[row])} at row {row}")
    return out


def _entries(x: Any, name: str, what: str) -> list[Any]:
    """The entries of a one-dimensional column as Python sees them."""
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise TypeError(f"{name} must be a column of {what}; got a masked array that hides entries")
    if isinstance(x, (str, bytes, Mapping)) or x is None or np.ndim(x) != 1 if not isinstance(x, list) else False:
        raise TypeError(f"{name} must be a column of {what}; got {describe(x)}")
    if hasattr(x, "to_pylist"):
        return list(x.to_pylist())
    if isinstance(x, np.ndarray) and x.dtype.kind in "Mm":
        return list(x)
    return list(x.tolist() if hasattr(x, "tolist") else x.to_list() if hasattr(x, "to_list") else x)


def _is_missing(x: Any) -> bool:
    return (
        x is None or type(x).__name__ in ("NAType", "NaTType") or (isinstance(x, (float, np.floating)) and np.isnan(x))
    )


def _storable(text: str, name: str, row: int | None = None) -> str:
    """The text, unless no file or database can hold it."""
    if not text.isascii() or "\x00" in text:
        where = "" if row is None else f" at row {row}"
        if "\x00" in text:
            raise ValueError(f"{name} must be text that can be stored; got one with the character NUL{where}")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"{name} must be text that can be stored; got half a character (a surrogate){where}"
            ) from None
    return text


# frames -------------------------------------------------------------------------------------------------------------


def as_frame(x: Any, name: str, columns: Iterable[Hashable] = (), *, empty: bool = False) -> pd.DataFrame:
    """A pandas frame with at least one row and the named columns, each there once.

    Polars and Arrow tables are taken too. ``empty=True`` lets a frame without rows through.
    """
    import pandas as pd

    if not isinstance(x, pd.DataFrame):
        home = type(x).__module__.partition(".")[0]
        lazy = type(x).__name__ in ("LazyFrame", "DuckDBPyRelation") or home in ("pyspark", "dask", "duckdb")
        if lazy:
            raise TypeError(f"{name} must be a frame in memory; got {home}'s {type(x).__name__}: collect it first")
        if not hasattr(x, "to_pandas"):
            raise TypeError(f"{name} must be a DataFrame (pandas, Polars or Arrow); got {describe(x)}")
        try:
            x = _to_pandas(x, name)
        except ModuleNotFoundError as error:  # Polars needs pyarrow for it
            raise TypeError(
                f"{name} is a {home} frame, and to read it {error.name} is needed: python -m pip install {error.name}"
            ) from error
    wanted = list(columns)
    absent = [column for column in wanted if column not in x.columns]
    if absent:
        has = ", ".join(map(str, x.columns)) or "none"
        raise ValueError(f"{name} must have the columns {', '.join(map(str, absent))}; it has {has}")
    twice = [] if x.columns.is_unique else [column for column in wanted if (x.columns == column).sum() > 1]
    if twice:
        raise ValueError(f"{name} must have each column once; got {twice[0]!r} twice")
    if len(x) == 0 and not empty:
        raise ValueError(f"{name} must hold at least one row; got none")
    frame: pd.DataFrame = x
    return frame


def refuse_doubles(frame: pd.DataFrame, name: str) -> None:
    """Raise where a case and time come twice (if the frame says them): a decision that counts twice is too sure."""
    import pandas as pd

    if not {"case", "time"} <= set(frame.columns):
        return
    case, time = as_keys(frame["case"], f"case of {name}"), as_times(frame["time"], f"time of {name}")
    again = pd.DataFrame({"case": case, "time": time}).duplicated().to_numpy()
    if again.any():
        row = int(np.argmax(again))
        raise ValueError(f"{name} must have each case and time once; got {case[row]!r} at {time[row]} twice, row {row}")


def _to_pandas(x: Any, name: str) -> pd.DataFrame:
    """A Polars or Arrow table in pandas; whole numbers with gaps stay whole (ids would lose digits as floats)."""
    import pandas as pd

    frame = x.to_pandas()
    if not isinstance(frame, pd.DataFrame):  # one column of Polars or Arrow
        raise TypeError(f"{name} must be a DataFrame (pandas, Polars or Arrow); got {describe(x)}")
    arrow = type(x).__module__.partition(".")[0] == "pyarrow"
    for place, dtype in enumerate(frame.dtypes):
        if dtype == np.float64:
            source = x.column(place) if arrow else x[:, place]
            words = str(source.type if arrow else source.dtype).lower()
            if words.startswith(("int", "uint")):
                entries = source.to_pylist() if arrow else source.to_list()
                whole = pd.array(entries, dtype="UInt64" if words.startswith("u") else "Int64")
                frame.isetitem(place, whole)
    return frame


def as_columns(x: Any, name: str) -> list[Hashable]:
    """A list of column names, each once."""
    if isinstance(x, (str, bytes)) or not isinstance(x, Iterable):
        raise TypeError(f"{name} must be a list of column names; got {describe(x)}")
    out, seen = list(x), set()
    for column in out:
        try:
            again = column in seen
        except TypeError:
            raise TypeError(f"{name} must be a list of column names; got {describe(column)} in it") from None
        if again:
            raise ValueError(f"{name} must name each column only once; got {column!r} twice")
        seen.add(column)
    if not out:
        raise ValueError(f"{name} must name at least one column; got none")
    return out


def describe(x: Any) -> str:
    """What came, in a few words: a value for small things, a type for large ones."""
    if isinstance(x, (bool, int, float, complex, str, bytes, Decimal, Fraction, datetime.date, type(None), np.generic)):
        plain = x.item() if isinstance(x, np.generic) and not isinstance(x, (np.datetime64, np.timedelta64)) else x
        try:
            text = str(plain) if isinstance(plain, (datetime.date, Decimal, Fraction, np.generic)) else repr(plain)
        except ValueError:  # a whole number with more digits than Python prints
            return "a whole number with very many digits"
        text = text.encode(errors="backslashreplace").decode()
        return text if len(text) <= 40 else f"{type(x).__name__} {text[:36]}…"
    kind = type(x).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
