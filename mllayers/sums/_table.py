"""What all sums have in common: they add up, they are kept as JSON, and they answer by `result`."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from mllayers._check import describe
from mllayers._results import Result
from mllayers._words import count

_VERSION = 1


@dataclass(frozen=True, eq=False, repr=False)
class Sums(Result):
    """What is left of the rows: sums that add up over months, files and machines, and can be kept as JSON.

    Each question has its own kind, made by its own function from any engine's frame; ``result()`` answers it with the
    formula and the result of the array function.

    Attributes
    ----------
    table : DataFrame
        A row for each group of rows: what they have in common, ``rows``, and their sums (``min_…`` and ``max_…``: the
        smallest and largest).
    settings : dict
        With what the sums were made. Only those made alike add up.

    Examples
    --------
    >>> from mllayers.sums import promise_sums
    >>> jan = promise_sums({"p": [0.2, 0.4, 0.1], "y": [0, 1, 0]}, p="p", y="y")
    >>> feb = promise_sums({"p": [0.3], "y": [1]}, p="p", y="y")
    >>> both = Sums.from_dict((jan + feb).to_dict())
    >>> both == jan + feb, both
    (True, promise sums of 4 rows)
    """

    table: pd.DataFrame
    settings: dict[str, Any]

    kind: ClassVar[str] = ""
    keys: ClassVar[tuple[str, ...]] = ()
    _kinds: ClassVar[dict[str, type[Sums]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        Sums._kinds[cls.kind] = cls

    @property
    def n(self) -> int:
        """How many rows were summed up."""
        return int(self.table["rows"].sum())

    def _line(self) -> str:
        return f"{self.kind} sums of {count(self.n, 'row')}"

    def frame(self) -> pd.DataFrame:
        """The table of sums."""
        return self.table.copy()

    def __add__(self, other: Any) -> Self:
        if type(other) is not type(self):
            raise TypeError(f"{self.kind} sums can be added to their like alone; got {describe(other)}")
        for name, mine in self.settings.items():
            if not _alike(mine, other.settings[name]):
                raise ValueError(
                    f"only sums that were made alike add up; {name} is {mine!r} here and {other.settings[name]!r} there"
                )
        return type(self)(added([self.table, other.table], self.keys), self.settings)

    def __radd__(self, other: Any) -> Self:
        """So that ``sum([jan, feb, …])``, which begins at 0, works."""
        if isinstance(other, int) and other == 0:
            return self
        return NotImplemented

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        if not all(_alike(mine, other.settings[name]) for name, mine in self.settings.items()):
            return False
        one, two = (x.table.set_index(list(self.keys)) if self.keys else x.table for x in (self, other))
        return len(one) == len(two) and bool(one.equals(two.reindex(one.index) if self.keys else two))

    __hash__ = None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, text, lists and dictionaries: what ``json.dumps`` takes and `from_dict` reads."""
        table = {str(name): [_plain(value) for value in self.table[name].tolist()] for name in self.table}
        return {"sums": self.kind, "version": _VERSION, "settings": _plain(self.settings), "table": table}

    @classmethod
    def from_dict(cls, saved: Any) -> Self:
        """The sums that `to_dict` wrote down.

        Raises
        ------
        TypeError, ValueError
            For anything that `to_dict` of this kind did not write.
        """
        if not isinstance(saved, dict) or not {"sums", "version", "settings", "table"} <= set(saved):
            raise TypeError(f"saved must be what to_dict() wrote; got {describe(saved)}")
        if saved["version"] != _VERSION:
            raise ValueError(f"saved must have the version {_VERSION}; got {saved['version']!r}")
        if saved["sums"] not in Sums._kinds:
            raise ValueError(f"saved must be sums of a kind there is; got {saved['sums']!r}")
        kind = Sums._kinds[saved["sums"]]
        if not issubclass(kind, cls):
            raise TypeError(f"saved must be {cls.kind} sums; got {kind.kind} sums")
        columns = {name: [_back(value) for value in values] for name, values in saved["table"].items()}
        return kind(as_table(columns, kind.keys), _back(saved["settings"]))


def as_table(columns: dict[str, list[Any]], keys: tuple[str, ...]) -> pd.DataFrame:
    """A table of sums: keys as they are (Python's own values), whole numbers as such, the rest as floats."""
    out = {}
    for name, values in columns.items():
        if name in keys:
            if values and all(type(value) is float for value in values):
                out[name] = pd.Series(values, dtype="float64")
            elif values and all(type(value) is int and -(2**63) <= value < 2**63 for value in values):
                out[name] = pd.Series(values, dtype="int64")
            else:
                out[name] = pd.Series(values, dtype=object)
        elif _is_whole(name):
            out[name] = pd.Series(values, dtype="int64")
        else:
            out[name] = pd.Series([np.nan if value is None else value for value in values], dtype="float64")
    return pd.DataFrame(out)


def _is_whole(name: str) -> bool:
    """Whether a column of sums counts something."""
    return name == "rows" or name.startswith(("n_", "need_"))


def added(tables: list[pd.DataFrame], keys: tuple[str, ...]) -> pd.DataFrame:
    """Tables of sums, group by group: sums are added, the smallest and largest are kept."""
    filled = [table for table in tables if len(table)]
    if len(filled) < 2:
        return (filled or tables)[0]
    kinds = [{str(table[key].dtype) for table in filled} for key in keys]
    parts = [
        table.astype({key: object for key, found in zip(keys, kinds, strict=True) if len(found) > 1})
        for table in filled
    ]
    both = pd.concat(parts, ignore_index=True)
    names = [str(name) for name in both if name not in keys]
    how = {name: name[:3] if name.startswith(("min_", "max_")) else "sum" for name in names}
    if not keys:
        return pd.DataFrame({name: [getattr(both[name], what)()] for name, what in how.items()})
    out = both.groupby(list(keys), sort=False, dropna=False).agg(how).reset_index()
    for key in keys:
        if out[key].dtype == object:  # what is missing comes back as NaN
            out[key] = pd.Series([as_key(value) for value in out[key].tolist()], dtype=object)
    return out


def as_key(value: Any) -> Any:
    """A value that rows have in common, as plain Python: times with a zone in UTC and without it."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime(warn=False)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    if isinstance(value, float) and np.isnan(value):
        return None
    return value


def _plain(value: Any) -> Any:
    """A value as JSON knows it; days and times say what they are."""
    if isinstance(value, dict):
        return {str(name): _plain(x) for name, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(x) for x in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, datetime.datetime):
        return {"time": value.isoformat()}
    if isinstance(value, datetime.date):
        return {"day": value.isoformat()}
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else {"number": str(value)}
    return value


def _back(value: Any) -> Any:
    """What `_plain` made plain."""
    if isinstance(value, dict):
        if set(value) == {"time"}:
            return datetime.datetime.fromisoformat(value["time"])
        if set(value) == {"day"}:
            return datetime.date.fromisoformat(value["day"])
        if set(value) == {"number"}:
            return float(value["number"])
        return {name: _back(x) for name, x in value.items()}
    return [_back(x) for x in value] if isinstance(value, list) else value


def _alike(one: Any, two: Any) -> bool:
    return bool(_plain(one) == _plain(two))
