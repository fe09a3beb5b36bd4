"""Drawings that stand still: they take axes and a plain frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mllayers._check import as_frame
from mllayers._words import money, percent, plain
from mllayers.figures.base import FACE, GREYS, HATCHES, INK, RC, Look, look
from mllayers.figures.strokes import _apart, _bars, _beside, _rows, _span

Words = Callable[[float], str]


@mpl.rc_context(RC)
def stacked_bars(
    ax: Axes, parts: pd.DataFrame, *, kinds: Mapping[str, str] | None = None, words: Words = percent
) -> None:
    """What each row is made of: one bar a row, one part a column.

    Parameters
    ----------
    ax : Axes
    parts : DataFrame
        A row for each bar, a column for each part, not negative; a row adds up to the bar's length.
    kinds : mapping of column to meaning, optional
        Parts that carry a meaning of the course (`LOOKS`); the others are grey.
    words : callable
        How a part's length is written.
    """
    as_frame(parts, "parts")
    y = _rows(ax, list(parts.index))
    total = float(parts.sum(axis=1).max())
    left = np.zeros(len(parts))
    for i, name in enumerate(parts.columns):
        width = parts[name].to_numpy(float)
        style = look((kinds or {})[name]) if name in (kinds or {}) else Look(GREYS[i % 4], "", "", HATCHES[i % 4])
        ax.barh(y, width, 0.62, left=left, color=style.colour, hatch=style.hatch, edgecolor=INK, label=str(name))
        for row in np.flatnonzero(width >= 0.08 * total):
            spot = (float(left[row] + width[row] / 2), float(y[row]))
            ax.text(*spot, words(width[row]), ha="center", va="center", bbox={"facecolor": FACE, "lw": 0, "pad": 1.5})
        left = left + width
    ax.set_xlim(0, total * 1.01)
    ax.legend(ncols=min(4, parts.shape[1]), loc="lower left", bbox_to_anchor=(-0.01, 1.0), handlelength=1.4)


@mpl.rc_context(RC)
def grouped_bars(ax: Axes, table: pd.DataFrame, *, kinds: Mapping[str, str], words: Words = percent) -> None:
    """The same quantity seen several ways: a group a row, a bar a column, numbers at the bars' ends.

    Parameters
    ----------
    ax : Axes
    table : DataFrame
        A row for each group, a column for each bar in it.
    kinds : mapping of column to meaning
        Every column's meaning (`LOOKS`).
    words : callable
        How a bar's length is written.
    """
    as_frame(table, "table", list(kinds))
    y = _rows(ax, list(table.index))
    _span(ax, table.to_numpy(float), after=0.6 if table.shape[1] > 1 else 0.35)
    thick = 0.76 / table.shape[1]
    for i, name in enumerate(table.columns):
        values = table[name].to_numpy(float)
        at = y - 0.38 + thick * (i + 0.5)
        _bars(ax, at, values, 0.92 * thick, kinds[name])
        for row, (x, height) in enumerate(zip(values, at, strict=True)):
            said = f"{words(x)}  {name}" if row == 0 and table.shape[1] > 1 else words(x)
            _beside(ax, x, height, said, left=x < 0)


@mpl.rc_context(RC)
def slopes(
    ax: Axes, table: pd.DataFrame, *, kinds: Mapping[str, str], words: tuple[Words, Words] = (plain, plain)
) -> None:
    """Two rankings of the same things: lines that cross are rankings that disagree.

    Parameters
    ----------
    ax : Axes
    table : DataFrame
        A row for each thing, two columns of numbers; in both, smaller is better and stands higher.
    kinds : mapping of row to meaning
        Every row's meaning (`LOOKS`).
    words : pair of callables
        How the numbers of the left and of the right column are written.

    Notes
    -----
    Each column has its own scale, from its smallest number to its largest.
    """
    as_frame(table, "table")
    if table.shape[1] != 2:
        raise ValueError(f"table must have two columns, one for each ranking; got {table.shape[1]}")
    values = table.to_numpy(float)
    wide = np.ptp(values, axis=0)
    heights = 1 - (values - values.min(axis=0)) / np.where(wide > 0, wide, 1)
    labels = np.column_stack([_apart(heights[:, side], 0.13) for side in (0, 1)])
    for i, name in enumerate(table.index):
        style = look(kinds[name])
        ax.plot([0, 1], heights[i], style.line, color=style.colour, marker=style.marker)
        for side in (0, 1):
            said = f"{name}  {words[0](values[i, 0])}" if side == 0 else f"{words[1](values[i, 1])}  {name}"
            ax.text(side * 1.16 - 0.08, labels[i, side], said, ha="left" if side else "right", va="center")
    for side, heading in enumerate(table.columns):
        ax.text(side, 1.2, heading, ha="center", va="bottom", fontsize=11)
    ax.set(xlim=(-0.95, 1.95), ylim=(-0.2, 1.38))
    ax.axis("off")


@mpl.rc_context(RC)
def intervals(
    ax: Axes,
    estimates: pd.DataFrame,
    *,
    truth: float,
    kinds: Mapping[str, str],
    words: Words = percent,
    line: str = "truth",
) -> None:
    """Estimates with their intervals beside the truth, or another line that decides.

    Parameters
    ----------
    ax : Axes
    estimates : DataFrame
        A row for each estimate with the columns value, low and high; low and high may be missing. The numbers stand in
        a column of their own at the right, so that none is read as the end of an interval.
    truth : float
        Drawn as a line from top to bottom.
    kinds : mapping of row to meaning
        Every row's meaning (`LOOKS`).
    words : callable
        How a value is written.
    line : str, default 'truth'
        What the line is called.
    """
    as_frame(estimates, "estimates", ("value", "low", "high"))
    y = _rows(ax, list(estimates.index))
    ends = [*estimates[["value", "low", "high"]].to_numpy(float).ravel(), truth]
    _span(ax, ends, before=0.04, after=0.75, zero=False)
    ax.axvline(truth, color=look("truth").colour, linewidth=1.5)
    ax.text(truth, -0.62, f"{line} {words(truth)}", ha="center", va="bottom")
    for at, (name, row) in zip(y, estimates.iterrows(), strict=True):
        style = look(kinds[str(name)])
        ax.plot([row["low"], row["high"]], [at, at], color=style.colour, linewidth=2.5)
        ax.plot(row["value"], at, style.marker, color=style.colour, markersize=9)
        said = words(row["value"])
        if np.isfinite(row["low"]) and np.isfinite(row["high"]):
            said += f"  ({words(row['low'])} to {words(row['high'])})"
        _beside(ax, float(np.nanmax(ends)), at, said)


@mpl.rc_context(RC)
def paired_dots(ax: Axes, table: pd.DataFrame, *, kinds: Mapping[str, str], words: Words = plain) -> None:
    """Two readings of the same thing, joined by a line as long as they differ.

    Parameters
    ----------
    ax : Axes
    table : DataFrame
        A row for each thing, two columns of readings.
    kinds : mapping of column to meaning
        Both columns' meaning (`LOOKS`).
    words : callable
        How a reading is written.
    """
    as_frame(table, "table", list(kinds))
    if table.shape[1] != 2:
        raise ValueError(f"table must have two columns, one for each reading; got {table.shape[1]}")
    y = _rows(ax, list(table.index))
    _span(ax, table.to_numpy(float), before=0.35, after=0.35, zero=False)
    ax.hlines(y, table.min(axis=1), table.max(axis=1), color=look("neutral").colour)
    for name in table.columns:
        style = look(kinds[name])
        ax.plot(table[name], y, style.marker, color=style.colour, markersize=9)
        for row, x in enumerate(table[name]):
            said = f"{name}\n{words(x)}" if row == 0 else words(x)
            ax.annotate(said, (x, y[row]), (0, 8), textcoords="offset points", ha="center", va="bottom")


@mpl.rc_context(RC)
def waterfall(ax: Axes, steps: pd.Series[float], *, total: str, kind: str = "policy", words: Words = money) -> None:
    """Where a sum comes from: a first level, what each step adds or takes, and what is left.

    Parameters
    ----------
    ax : Axes
    steps : Series
        The first level, then the changes, in order.
    total : str
        The name of the last bar, the sum of all steps.
    kind : str
        The meaning (`LOOKS`) of the bars that add; those that take are "neutral", and ▲ or ▼ says which is which.
    words : callable
        How a level or a change is written.
    """
    if len(steps) == 0:
        raise ValueError("steps must hold at least one step; got none")
    change = steps.to_numpy(float)
    ends = np.cumsum(change)
    starts = np.append(ends - change, 0.0)
    y = _rows(ax, [*steps.index, total])
    _span(ax, [*ends, *starts], after=0.3)
    for i, (start, width) in enumerate(zip(starts, [*change, ends[-1]], strict=True)):
        level = i in (0, len(change))
        _bars(ax, y[i], width, 0.6, kind if level or width >= 0 else "neutral", left=start)
        sign = "" if level else "▲ " if width > 0 else "▼ " if width < 0 else ""
        said = words(width) if level else f"{sign}{words(abs(width))}"
        below = level and width < 0
        _beside(ax, start + width if below else max(start, start + width), y[i], said, left=below)
        if not level or i == 0:
            ax.plot([start + width] * 2, [y[i] + 0.3, y[i + 1] - 0.3], color=INK, linewidth=0.8)


@mpl.rc_context(RC)
def spread(
    ax: Axes,
    runs: pd.DataFrame,
    *,
    kinds: Mapping[str, str],
    words: Words = money,
    level: tuple[str, float] | None = None,
) -> None:
    """The same result in many worlds: a dot for each seed, the mean, and the line that decides.

    Parameters
    ----------
    ax : Axes
    runs : DataFrame
        A row for each seed, a column for each arm.
    kinds : mapping of column to meaning
        Every arm's meaning (`LOOKS`).
    words : callable
        How a result is written.
    level : (str, float), optional
        The name and height of the deciding line; by default do nothing at zero.
    """
    as_frame(runs, "runs", list(kinds))
    name, line = level or ("do nothing", 0.0)
    y = _rows(ax, list(runs.columns))
    _span(ax, [*runs.to_numpy(float).ravel(), line], before=0.06, after=0.42, zero=False)
    style = look("nothing")
    ax.axvline(line, linestyle=style.line, color=style.colour)
    ax.text(line, -0.62, f"{name}: {words(line)}", ha="center", va="bottom")
    height = (np.arange(len(runs)) % 5 - 2) * 0.09
    for at, arm in zip(y, runs.columns, strict=True):
        values, style = runs[arm].to_numpy(float), look(kinds[arm])
        ax.plot(values, at + height, style.marker, color=style.colour, markersize=5, alpha=0.75)
        ax.plot([values.mean()] * 2, [at - 0.34, at + 0.34], color=INK, linewidth=2.5)
        told = f"mean {words(values.mean())}\n{words(values.min())} to {words(values.max())}"
        _beside(ax, max(float(values.max()), line), at, told)
