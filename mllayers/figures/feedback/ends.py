"""Lines that are named where they end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mllayers._words import money
from mllayers.figures.base import look
from mllayers.figures.strokes import _apart

WITHOUT_A_MODEL = ("ship everything", "old rules")
TEAMS = {
    **dict.fromkeys((*WITHOUT_A_MODEL, "open"), "nothing"),
    **{"self": "sees", "closed": "neutral", "explore": "policy", "every label": "bound"},
}


def _named_lines(
    ax: Axes,
    table: pd.DataFrame,
    *,
    kinds: Mapping[str, str],
    words: Callable[[float], str] = money,
    limits: tuple[float, float] | None = None,
    room: float = 0.45,
    apart: float = 0.085,
) -> None:
    """A line a column, named at its end; names that would touch move apart, up and down alike.

    The index is numeric. Room is the share of the width that the names get, apart the least distance of two names as a
    share of the height. A line stops where its column has no number.
    """
    x, values = table.index.to_numpy(float), table.to_numpy(float)
    low, high = limits or _ends_of(values)
    wide = (x[-1] - x[0]) or 1.0
    ax.set(xlabel=str(table.index.name or ""), xlim=(x[0], x[-1] + room * wide), ylim=(low, high))
    ax.set_xticks(x[:: -(-len(x) // 6)], [f"{tick:g}" for tick in x[:: -(-len(x) // 6)]])
    known = [np.flatnonzero(np.isfinite(column)) for column in values.T]
    last = [column[rows[-1]] if len(rows) else low for column, rows in zip(values.T, known, strict=True)]
    places = _apart(np.array(last, float), apart * (high - low))
    for name, column, end, place in zip(table.columns, values.T, last, places, strict=True):
        style = look(kinds.get(str(name), "neutral"))
        ax.plot(x, column, style.line, color=style.colour)
        ax.plot([x[-1], x[-1] + 0.05 * wide], [end, place], color=style.colour, linewidth=0.8)
        told = words(float(column[-1])) if np.isfinite(column[-1]) else "–"
        ax.text(x[-1] + 0.06 * wide, place, f"{name} {told}", va="center")


def _ends_of(values: np.ndarray) -> tuple[float, float]:
    """The ends of an axis that holds zero and every number, with a little room."""
    finite = values[np.isfinite(values)]
    low, high = min(0.0, float(finite.min(initial=0.0))), max(0.0, float(finite.max(initial=0.0)))
    wide = (high - low) or 1.0
    return low - 0.06 * wide * (low < 0), high + 0.06 * wide * (high > 0 or low == 0)
