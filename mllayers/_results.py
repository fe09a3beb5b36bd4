"""What every result can do: one readable line, a table, plain numbers, and be compared."""

from __future__ import annotations

import datetime
import html
import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

# Notebooks read $…$ as a formula; this is a dollar sign and nothing else.
DOLLAR = "<span>&#36;</span>"


class Result:
    """The base of all results: frozen dataclasses that add fields and say themselves in one line (`_line`).

    Declare a result with ``@dataclass(frozen=True, eq=False, repr=False)``.
    """

    def _line(self) -> str:
        raise TypeError(f"{type(self).__name__} must say itself in one line")

    def __repr__(self) -> str:
        return self._line()

    def frame(self) -> pd.DataFrame:
        """The result as a table: one row, a column for each number (results that hold a table return that)."""
        import pandas as pd

        numbers = {name: x for name, x in self.to_dict().items() if np.ndim(x) == 0 and not isinstance(x, dict)}
        return pd.DataFrame([numbers])

    def to_dict(self) -> dict[str, Any]:
        """The result as plain numbers, text, lists and dictionaries, ready for JSON (times as ISO text)."""
        return {field.name: _as_plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]

    def _repr_html_(self) -> str:
        table = self.frame().head(30).to_html(border=0, na_rep="–")
        return f"<p>{html.escape(self._line(), quote=False)}</p>\n{table}".replace("$", DOLLAR)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            _same(getattr(self, field.name), getattr(other, field.name))
            for field in fields(self)  # type: ignore[arg-type]
        )

    __hash__ = None  # type: ignore[assignment]


def _as_plain(x: Any) -> Any:
    """Numbers, text, lists and dictionaries."""
    if isinstance(x, Result):
        return x.to_dict()
    if hasattr(x, "to_dict") and hasattr(x, "columns"):
        table = x if list(x.index) == list(range(len(x))) else x.reset_index()
        return [{str(name): _as_plain(value) for name, value in row.items()} for row in table.to_dict("records")]
    if isinstance(x, np.ndarray):
        return [_as_plain(value) for value in x.tolist()]
    if isinstance(x, dict):
        return {str(key): _as_plain(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [_as_plain(value) for value in x]
    if type(x).__name__ in ("NAType", "NaTType") or (isinstance(x, np.datetime64) and np.isnat(x)):
        return None
    if isinstance(x, (datetime.date, datetime.time)):  # pandas' timestamps are datetimes, too
        return x.isoformat()
    if isinstance(x, np.datetime64):
        return str(x)
    return x.item() if isinstance(x, np.generic) else x


def _same(a: Any, b: Any) -> bool:
    """Equal, where NaN equals NaN and tables and arrays are compared entry by entry."""
    if hasattr(a, "equals"):
        return bool(a.equals(b))
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f" and b.dtype.kind == "f"))
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return bool(a == b)
