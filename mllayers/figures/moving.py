"""Drawings that follow controls: drawn once, then only their moving parts, and their static twins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from mllayers._check import as_frame, as_number, as_text, one_of
from mllayers._words import money, percent, plain
from mllayers.figures.base import FACE, INK, RC, WIDTH, _agg, _encode, _sheet, alt_text, look
from mllayers.figures.strokes import _bars, _beside, _clear, _rows, _shifted, _span

Move = Callable[..., list[Artist]]
Draw = Callable[[Figure | SubFigure], Move]
Words = Callable[[float], str]


@dataclass(frozen=True, eq=False)
class Moving:
    """A figure that follows controls, with all that belongs to it; `widgets.explore` puts it on the page.

    Parameters
    ----------
    draw : callable
        Takes an empty figure, draws what never changes, returns ``move(**values) -> list of artists``.
    title : str
        What the figure shows, true for every setting.
    alt : str
        The picture in words, true for every setting. At least five words.
    says : callable
        Takes the values of the controls, returns the sentence that reads the figure.
    size : (float, float)
        Width and height in inches.

    Raises
    ------
    TypeError, ValueError
        When `draw` or `says` cannot be called, or the title or the alternative text is missing or says nothing.
    """

    draw: Draw
    title: str
    alt: str
    says: Callable[..., str]
    size: tuple[float, float] = (WIDTH, 3.4)

    def __post_init__(self) -> None:
        for name, returns in (("draw", "move(**values)"), ("says", "the sentence that reads the figure")):
            if not callable(getattr(self, name)):
                raise TypeError(f"{name} must be a function that returns {returns}; got {getattr(self, name)!r}")
        object.__setattr__(self, "title", as_text(self.title, "title"))
        object.__setattr__(self, "alt", alt_text(self.alt))

    def stage(self) -> Stage:
        """A sheet on which it moves."""
        return Stage(self.draw, title=self.title, size=self.size)

    def at(self, **values: Any) -> bytes:
        """The picture (PNG) for these values of the controls."""
        return self.stage().png(**values)


class Stage:
    """A figure whose moving parts are redrawn over a background that is drawn once.

    Parameters
    ----------
    draw : callable
        Takes an empty figure, draws what never changes, returns ``move(**values) -> list of artists``.
    title : str
        The finding, as a sentence.
    size : (float, float)
        Width and height in inches.
    """

    def __init__(self, draw: Draw, *, title: str, size: tuple[float, float] = (WIDTH, 3.6)) -> None:
        with mpl.rc_context(RC):
            self.figure = _sheet(title, size)
            self._move = draw(self.figure)
        self._background: Any = None

    @mpl.rc_context(RC)
    def png(self, **values: Any) -> bytes:
        """The picture for these values of the controls."""
        artists = self._move(**values)
        agg = _agg(self.figure)
        if self._background is None:
            for artist in artists:
                artist.set_animated(True)
            agg.draw()
            self.figure.set_layout_engine("none")
            self._background = agg.copy_from_bbox(self.figure.bbox)
        agg.restore_region(self._background)
        for artist in artists:
            self.figure.draw_artist(artist)
        return _encode(agg, 1)


@mpl.rc_context(RC)
def small_multiples(
    draw: Draw,
    settings: Mapping[str, Mapping[str, Any]],
    *,
    title: str,
    columns: int = 2,
    size: tuple[float, float] = (WIDTH / 2, 2.6),
) -> Figure:
    """The static twin of an interactive figure: the same drawing function, once for each setting.

    Parameters
    ----------
    draw : callable
        As for `Stage`.
    settings : mapping
        The heading of each panel and the values of the controls it shows.
    title : str
        The finding, as a sentence.
    columns : int
        Panels in a row.
    size : (float, float)
        Width and height of one panel in inches.

    Returns
    -------
    Figure
    """
    if not settings:
        raise ValueError("settings must hold at least one panel; got none")
    rows = -(-len(settings) // columns)
    figure = _sheet(title, (size[0] * columns, size[1] * rows + 0.5))
    places = figure.subfigures(rows, columns, squeeze=False).ravel()
    for place, (heading, values) in zip(places, settings.items(), strict=False):
        place.set_facecolor(FACE)
        place.suptitle(heading, x=0.02, ha="left", fontsize=11, color=INK)
        draw(place)(**values)
    return figure


def together(*moves: Move) -> Move:
    """One ``move`` for a figure with several moving panels; each takes the controls it knows."""
    return lambda **values: [artist for move in moves for artist in move(**values)]


def _moving(*artists: Any) -> list[Artist]:
    """Drawn above everything that stands still, and without a say in the layout."""
    for artist in artists:
        artist.set_zorder(10)
        artist.set_in_layout(False)
    return list(artists)


@mpl.rc_context(RC)
def band_curve(
    ax: Axes,
    curve: pd.DataFrame,
    *,
    xlabel: str,
    ylabel: str,
    words: tuple[Words, Words] = (percent, percent),
    top: tuple[str, float, Words] | None = None,
    kind: str = "policy",
) -> Move:
    """A curve with its band, and the point the reader moves along it.

    Parameters
    ----------
    ax : Axes
    curve : DataFrame
        The columns mean, low and high; the index, increasing and named like the control, holds x.
    xlabel, ylabel : str
        What the axes show.
    words : pair of callables
        How x and y are written.
    top : (str, float, callable), optional
        A second scale above for what x costs: its label, the cost of one unit of x, how a cost is written.
    kind : str
        The curve's meaning (`LOOKS`).

    Returns
    -------
    callable
        ``move(**{index name: x})``; between the rows of the curve it interpolates.
    """
    as_frame(curve, "curve", ("mean", "low", "high"))
    x, style = curve.index.to_numpy(float), look(kind)
    ax.fill_between(x, curve["low"], curve["high"], color=style.colour, alpha=0.2, linewidth=0)
    ax.plot(x, curve["mean"], style.line, color=style.colour)
    ax.set(
        xlabel=xlabel,
        ylabel=ylabel,
        xlim=(x[0], x[-1]),
        ylim=(min(0, curve["low"].min()), curve["high"].max() * 1.1 or 1),
    )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words[0](v)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words[1](v)))
    if top is not None:
        cost = top[1]
        there: Any = (lambda v: v * cost, lambda v: v / cost)
        scale = ax.secondary_xaxis("top", functions=there)
        scale.set_xlabel(top[0])
        scale.xaxis.set_major_formatter(FuncFormatter(lambda v, _: top[2](v)))
    (drop,) = ax.plot([], [], ":", color=INK, linewidth=1.2)
    (dot,) = ax.plot([], [], style.marker, color=style.colour, markersize=11, markeredgecolor=INK, clip_on=False)
    low_corner = float(curve["mean"].iloc[-1]) > sum(ax.get_ylim()) / 2
    spot = (0.97, 0.06 if low_corner else 0.94)
    box = {"facecolor": FACE, "edgecolor": INK, "lw": 0.6, "pad": 4}
    said = ax.text(*spot, "", transform=ax.transAxes, ha="right", va="bottom" if low_corner else "top", bbox=box)
    moving = _moving(drop, dot, said)

    def move(**values: Any) -> list[Artist]:
        at = as_number(values[str(curve.index.name)], str(curve.index.name), ge=float(x[0]), le=float(x[-1]))
        mean, low, high = (float(np.interp(at, x, curve[name])) for name in ("mean", "low", "high"))
        drop.set_data([at, at], [ax.get_ylim()[0], mean])
        dot.set_data([at], [mean])
        said.set_text(f"{words[0](at)}: {words[1](mean)}\n({words[1](low)} to {words[1](high)})")
        return moving

    return move


@mpl.rc_context(RC)
def lines_by_setting(
    ax: Axes,
    grid: pd.Series[float],
    *,
    x: str,
    ylabel: str,
    kind: str = "policy",
    words: Words = plain,
    level: tuple[str, float] | None = None,
    ylim: tuple[float, float] | None = None,
) -> Move:
    """A course over time that changes with the switches, and the point in time the reader stands at.

    Parameters
    ----------
    ax : Axes
    grid : Series
        A value for every setting; the levels of the index are named like the controls, one of them is ``x``.
    x : str
        The control that runs along the axis.
    ylabel : str
        What is drawn.
    kind : str
        The line's meaning (`LOOKS`).
    words : callable
        How a value is written.
    level : (str, float), optional
        A line to compare with, such as "as promised" at 1.
    ylim : (float, float), optional
        The ends of the y-axis; by default from the smallest to the largest value, with room for the label.

    Returns
    -------
    callable
        ``move(**values)`` with a value for every level of the index.
    """
    keys, style = [str(name) for name in grid.index.names], look(kind)
    one_of(x, "x", keys)
    ticks = np.unique(grid.index.get_level_values(x).to_numpy(float))
    shown = [*grid.to_numpy(float), *([level[1]] if level else [])]
    low, high = min(shown), max(shown)
    pad = (high - low) or 1.0
    bottom, top = ylim or (low - 0.2 * pad, high + 0.28 * pad)
    ax.set(xlabel=x.replace("_", " "), xlim=(ticks[0], ticks[-1]), ylim=(bottom, top))
    ax.set_title(ylabel)
    ax.set_xticks(ticks[:: -(-len(ticks) // 8)])
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words(v)))
    if level:
        ax.axhline(level[1], linestyle=":", color=INK, linewidth=1.2)
        ax.annotate(level[0], (0, level[1]), (3, -3), ("axes fraction", "data"), "offset points", va="top")
    (line,) = ax.plot([], [], style.line, color=style.colour)
    (dot,) = ax.plot([], [], style.marker, color=style.colour, markersize=11, markeredgecolor=INK, clip_on=False)
    said = ax.text(0, 0, "", va="center", bbox={"facecolor": FACE, "lw": 0, "pad": 1})
    moving = _moving(line, dot, said)

    def move(**values: Any) -> list[Artist]:
        row = grid
        for key in keys:
            row = row if key == x else row.xs(values[key], level=key, drop_level=True)
        row = row.sort_index()
        at, y = float(values[x]), float(row.loc[values[x]])
        line.set_data(row.index.to_numpy(float), row.to_numpy(float))
        dot.set_data([at], [y])
        right = at > (ticks[0] + ticks[-1]) / 2
        said.set(text=words(y), position=(at, _clear(y, bottom, top)), horizontalalignment="right" if right else "left")
        return moving

    return move


@mpl.rc_context(RC)
def curves_at(
    ax: Axes,
    curves: pd.DataFrame,
    *,
    xlabel: str,
    ylabel: str,
    kinds: Mapping[str, str],
    words: tuple[Words, Words] = (plain, money),
    level: tuple[str, float] | None = None,
) -> Move:
    """Several curves over the same control, and what each says at the point where the reader stands.

    Parameters
    ----------
    ax : Axes
    curves : DataFrame
        A column for each curve; the index, increasing and named like the control, holds x.
    xlabel, ylabel : str
        What the axes show.
    kinds : mapping of column to meaning
        Every curve's meaning (`LOOKS`).
    words : pair of callables
        How x and y are written.
    level : (str, float), optional
        A line to compare with, such as "do nothing" at 0.

    Returns
    -------
    callable
        ``move(**{index name: x})``; between the rows of the curves it interpolates.
    """
    as_frame(curves, "curves", list(kinds))
    x, heights = curves.index.to_numpy(float), [*curves.to_numpy(float).ravel(), *([level[1]] if level else [])]
    low, high = min(heights), max(heights)
    pad = (high - low) or 1.0
    ax.set(xlabel=xlabel, xlim=(x[0], x[-1]), ylim=(low - 0.06 * pad, high + 0.06 * pad))
    ax.set_title(ylabel, pad=9 + 16 * curves.shape[1])
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words[0](v)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: words[1](v)))
    if level:
        style = look("nothing")
        ax.axhline(level[1], linestyle=style.line, color=style.colour)
        above = level[1] < (low + high) / 2
        spot, side = (-3, 3 if above else -3), "bottom" if above else "top"
        ax.annotate(level[0], (1, level[1]), spot, ("axes fraction", "data"), "offset points", ha="right", va=side)
    (drop,) = ax.plot([], [], ":", color=INK, linewidth=1.2)
    dots, said = [], []
    for row, name in enumerate(curves.columns):
        style, up = look(kinds[name]), 5 + 16 * (curves.shape[1] - 1 - row)
        ax.plot(x, curves[name], style.line, color=style.colour)
        dots += ax.plot([], [], style.marker, color=style.colour, markersize=9, markeredgecolor=INK, clip_on=False)
        key = ax.annotate(name, (0, 1), (16, up), "axes fraction", "offset points", va="bottom")
        place = _shifted(ax, 6, up + 7)
        ax.plot([0], [1], style.marker, color=style.colour, markersize=8, clip_on=False, transform=place)
        said.append(ax.annotate("", (1, 1), (0, up), "axes fraction", "offset points", ha="right", va="bottom"))
        key.set_in_layout(False)
    moving = _moving(drop, *dots, *said)

    def move(**values: Any) -> list[Artist]:
        at = as_number(values[str(curves.index.name)], str(curves.index.name), ge=float(x[0]), le=float(x[-1]))
        drop.set_data([at, at], ax.get_ylim())
        for name, dot, text in zip(curves.columns, dots, said, strict=True):
            y = float(np.interp(at, x, curves[name]))
            dot.set_data([at], [y])
            text.set_text(words[1](y))
        return moving

    return move


@mpl.rc_context(RC)
def bars_by_setting(
    ax: Axes, grid: pd.DataFrame, *, kinds: Mapping[str, str], heading: str, words: Words = percent
) -> Move:
    """Bars that grow and shrink with the controls, on a scale that stays.

    Parameters
    ----------
    ax : Axes
    grid : DataFrame
        A row for every setting, a column for every bar, no value below zero; the levels of the index are named like
        the controls.
    kinds : mapping of column to meaning
        Every bar's meaning (`LOOKS`).
    heading : str
        What the bars show.
    words : callable
        How a bar's length is written.

    Returns
    -------
    callable
        ``move(**values)`` with a value for every level of the index.
    """
    as_frame(grid, "grid", list(kinds))
    if (grid.to_numpy(float) < 0).any():
        raise ValueError("grid must hold no value below zero; got a negative one")
    y = _rows(ax, list(grid.columns))
    _span(ax, grid.to_numpy(float), after=0.5)
    ax.set_title(heading)
    bars = [_bars(ax, at, 0.0, 0.62, kinds[name])[0] for at, name in zip(y, grid.columns, strict=True)]
    said = [_beside(ax, 0.0, at, "") for at in y]
    moving = _moving(*bars, *said)
    keys = [str(name) for name in grid.index.names]

    def move(**values: Any) -> list[Artist]:
        key = tuple(values[name] for name in keys)
        for bar, text, at, width in zip(bars, said, y, grid.loc[key if len(keys) > 1 else key[0]], strict=True):
            bar.set_width(float(width))
            text.xy = (float(width), float(at))
            text.set_text(words(float(width)))
        return moving

    return move
