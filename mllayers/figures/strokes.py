"""Strokes that several drawings share."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from matplotlib.transforms import ScaledTranslation, Transform
from numpy.typing import NDArray

from mllayers.figures.base import FACE, INK, look


def _bars(ax: Axes, y: Any, width: Any, height: float, kind: str, left: Any = 0.0) -> Any:
    style = look(kind)
    return ax.barh(y, width, height, left=left, color=style.colour, hatch=style.hatch, edgecolor=FACE, linewidth=0)


def _rows(ax: Axes, names: Sequence[Any], *, room: float = 0.6) -> NDArray[np.float64]:
    """One row for each name, from the top down; the numbers stand beside the marks, so no scale is drawn."""
    y = np.arange(len(names), dtype=float)
    ax.set_yticks(y, [textwrap.fill(str(name), 22) for name in names])
    ax.set_ylim(len(names) - 1 + room, -room)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(NullLocator())
    ax.spines[["left", "bottom"]].set_visible(False)
    return y


def _span(ax: Axes, values: Any, *, before: float = 0.0, after: float = 0.35, zero: bool = True) -> None:
    """Limits of the x-axis with room for labels; zero is inside, and drawn, where it means something."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
        ax.axvline(0, color=INK, linewidth=1)
    wide = (high - low) or 1.0
    ax.set_xlim(low - wide * (after if zero and low < 0 else before), high + wide * after)


def _beside(ax: Axes, x: float, y: float, text: str, *, left: bool = False) -> Any:
    return ax.annotate(
        text, (x, y), (-7 if left else 7, 0), textcoords="offset points", va="center", ha="right" if left else "left"
    )


def _apart(y: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Heights of labels: as near to ``y`` as they can be with ``gap`` between neighbours."""
    order = np.argsort(y, kind="stable")
    steps = np.arange(len(y)) * gap
    free = y[order] - steps
    up, down = np.maximum.accumulate(free), np.minimum.accumulate(free[::-1])[::-1]
    out = np.empty_like(y)
    out[order] = (up + down) / 2 + steps
    return out


def _shifted(ax: Axes, right: float, up: float) -> Transform:
    """The coordinates of the axes, moved by this many points."""
    return ax.transAxes + ScaledTranslation(right / 72, up / 72, ax.figure.dpi_scale_trans)


def _clear(y: float, bottom: float, top: float) -> float:
    """A height for a label above its dot, or below it where there is no room."""
    step = 0.12 * (top - bottom)
    return y + step if y + step < top else y - step
