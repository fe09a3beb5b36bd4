"""Pure drawing functions: one idea, one figure.

A function here takes axes and plain numbers and draws them; it fits nothing, reads nothing and changes no setting of
Matplotlib. Titles, alt text and reading sentences come from the caller, because the numbers in them do.

Interactive figures follow one pattern. The drawing function draws what never changes and returns ``move``; calling
``move(**values)`` with the value of each control sets what does change and returns those artists. The same function
serves the slider (`Stage`, which redraws only the moving artists) and the page without a kernel (`small_multiples`)::

    def draw(place):
        return band_curve(place.subplots(), curve, label="Quiet fraud found")

    Stage(draw, title="…").png(share=0.01)
    small_multiples(draw, {"no audit": {"share": 0.0}, "1 % audited": {"share": 0.01}}, title="…")

Colours are those of Okabe and Ito and mean the same in the whole course (`LOOKS`). Each comes with a line style, a
marker and a hatch, so that colour is never the only carrier of a meaning.
"""

from __future__ import annotations

import base64
import html
import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation, Transform
from numpy.typing import NDArray
from PIL import Image

from mllayers._check import as_frame, as_number, describe, one_of

Move = Callable[..., list[Artist]]
Draw = Callable[[Figure | SubFigure], Move]
Words = Callable[[float], str]

FACE = "#FEFDFB"
INK = "#1F1F1F"
GREYS = ("#4D4D4D", "#8C8C8C", "#CFCFCF", "#FFFFFF")
HATCHES = ("", "//", "..", "")
WIDTH = 7.2
# Notebooks read $…$ as a formula, in Markdown before it is parsed and in HTML after; this is a dollar sign in both.
DOLLAR = "<span>&#36;</span>"
RC: Any = {
    "figure.facecolor": FACE,
    "figure.dpi": 120,
    "axes.facecolor": FACE,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.titlesize": 11,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titleweight": "normal",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "legend.fontsize": 10.5,
    "legend.frameon": False,
    "hatch.linewidth": 1.0,
    "lines.linewidth": 2.0,
    "lines.markersize": 7,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10.5,
    "text.parse_math": False,
    "text.usetex": False,
}


@dataclass(frozen=True)
class Look:
    """How one meaning looks everywhere: colour, line style, marker and hatch."""

    colour: str
    line: str
    marker: str
    hatch: str


LOOKS: dict[str, Look] = {
    "truth": Look("#000000", "-", "D", ""),
    "sees": Look("#D55E00", "--", "o", "//"),
    "nothing": Look("#CC79A7", ":", "s", ".."),
    "policy": Look("#0072B2", "-", "^", ""),
    "oracle": Look("#009E73", "-.", "P", "xx"),
    "neutral": Look("#767676", "-", "v", ""),
}


def look(kind: str) -> Look:
    """The look of a meaning: truth, sees (the team sees it), nothing (do nothing), policy, oracle or neutral."""
    return LOOKS[one_of(kind, "kind", LOOKS)]


# Numbers as words ---------------------------------------------------------------------------------------------------


def money(x: float, unit: str = "auto") -> str:
    """Dollars as a reader says them.

    Parameters
    ----------
    x : float
        US dollars.
    unit : {"auto", "", "k", "M"}
        Thousands, millions or plain dollars; by default plain below 10,000, then thousands, then millions.

    Returns
    -------
    str

    Examples
    --------
    >>> money(1234.5), money(-9_900, "k"), money(2_260_000), money(0.1)
    ('$1,234', '−$9.9k', '$2.3M', '$0.10')
    """
    x = as_number(x, "x")
    one_of(unit, "unit", ("auto", "", "k", "M"))
    size = abs(x)
    if unit == "auto":
        unit = "" if size < 9_999.5 else "k" if size < 999_500 else "M"
    scaled = size / {"": 1.0, "k": 1e3, "M": 1e6}[unit]
    cents = unit == "" and size < 100 and not float(f"{size:.2f}").is_integer()
    digits = 2 if cents else 0 if unit == "" or scaled >= 99.95 else 1
    told = f"{scaled:,.{digits}f}"
    return f"{'−' if x < 0 and float(told.replace(',', '')) else ''}${told}{unit}"


def percent(x: float, digits: int = 1) -> str:
    """A share as a percentage.

    Examples
    --------
    >>> percent(0.0123), percent(0.69, 0), percent(-0.017)
    ('1.2 %', '69 %', '−1.7 %')
    """
    told = f"{abs(as_number(x, 'x')) * 100:,.{digits}f}"
    return f"{'−' if x < 0 and float(told.replace(',', '')) else ''}{told} %"


def plain(x: float) -> str:
    """A number with three significant digits, thousands separated.

    Examples
    --------
    >>> plain(0.0028999), plain(360.0), plain(12_345.0), plain(-2.5)
    ('0.0029', '360', '12,345', '−2.5')
    """
    size = abs(as_number(x, "x"))
    return f"{'−' if x < 0 else ''}{f'{size:,.0f}' if size >= 100 else f'{size:.3g}'}"


# The sheet, and the picture it becomes ------------------------------------------------------------------------------


@mpl.rc_context(RC)
def canvas(title: str, *, columns: int = 1, size: tuple[float, float] = (WIDTH, 3.6)) -> tuple[Figure, list[Axes]]:
    """An empty sheet in the house style, titled by the finding, with axes side by side.

    Parameters
    ----------
    title : str
        The finding, as a sentence; its numbers come from code.
    columns : int
        How many axes stand side by side.
    size : (float, float)
        Width and height in inches.

    Returns
    -------
    (Figure, list of Axes)

    Examples
    --------
    >>> figure, [ax] = canvas("Every second case has no label")
    """
    figure = _sheet(title, size)
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def _sheet(title: str, size: tuple[float, float]) -> Figure:
    if not isinstance(title, str) or not title.strip():
        raise ValueError("title must state the finding in words; got nothing")
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)  # type: ignore[union-attr, call-arg]
    wrapped = textwrap.fill(title, int(size[0] * 9.2))
    figure.suptitle(wrapped, x=0.012, ha="left", fontsize=12.5, fontweight="bold", color=INK)
    return figure


@mpl.rc_context(RC)
def png(figure: Figure) -> bytes:
    """The figure as a PNG picture, the same bytes for the same figure."""
    agg = _agg(figure)
    agg.draw()
    return _encode(agg, 9)


def picture(png: bytes, alt: str, *, compact: bool = True) -> tuple[dict[str, str], dict[str, Any]]:
    """What a notebook stores for a picture: data and metadata of one output.

    A compact picture has a palette of 64 colours and a third of the size; a moving one is not worth the time.

    The PNG with its alt text as metadata is what the format asks for. JupyterLab 4 and nbconvert's default template
    show that picture without its alt text, so the same picture stands beside it as HTML, where they read it.
    """
    image = Image.open(io.BytesIO(png))
    width, height = image.size
    if compact:
        small = io.BytesIO()
        image.quantize(64, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
        png = small.getvalue()
    code = base64.b64encode(png).decode("ascii")
    shown = f'<img alt="{html.escape(alt)}" width="{width}" height="{height}" src="data:image/png;base64,{code}">'
    return (
        {"image/png": code, "text/html": shown, "text/plain": alt},
        {"image/png": {"alt": alt, "width": width, "height": height}},
    )


def alt_text(alt: str) -> str:
    """The alt text, or an error when it says nothing about the picture."""
    words = alt.split() if isinstance(alt, str) else []
    if len(words) < 5:
        raise ValueError(
            "alt must say in words what the figure shows, for who cannot see it (at least five words, such as "
            f"'Bars of recall by pattern: A near 100 %, B near 0 %'); got {describe(alt)}"
        )
    return " ".join(words)


def sentence(text: str) -> str:
    """A sentence as HTML, in which a dollar sign is a dollar sign and not the start of a formula."""
    return html.escape(text, quote=False).replace("$", DOLLAR)


def _agg(figure: Figure) -> FigureCanvasAgg:
    if not isinstance(figure.canvas, FigureCanvasAgg):
        FigureCanvasAgg(figure)
    agg = figure.canvas
    assert isinstance(agg, FigureCanvasAgg)
    return agg


def _encode(agg: FigureCanvasAgg, compress_level: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.asarray(agg.buffer_rgba())[:, :, :3]).save(out, "PNG", compress_level=compress_level)
    return out.getvalue()


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


# Shared strokes -----------------------------------------------------------------------------------------------------


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


# Standing figures ---------------------------------------------------------------------------------------------------


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
    ax: Axes, estimates: pd.DataFrame, *, truth: float, kinds: Mapping[str, str], words: Words = percent
) -> None:
    """Estimates with their intervals beside the truth.

    Parameters
    ----------
    ax : Axes
    estimates : DataFrame
        A row for each estimate with the columns value, low and high; low and high may be missing.
    truth : float
        Drawn as a line from top to bottom.
    kinds : mapping of row to meaning
        Every row's meaning (`LOOKS`).
    words : callable
        How a value is written.
    """
    as_frame(estimates, "estimates", ("value", "low", "high"))
    y = _rows(ax, list(estimates.index))
    _span(ax, [*estimates[["value", "low", "high"]].to_numpy(float).ravel(), truth], before=0.04, zero=False)
    ax.axvline(truth, color=look("truth").colour, linewidth=1.5)
    ax.text(truth, -0.62, f"truth {words(truth)}", ha="center", va="bottom")
    for at, (name, row) in zip(y, estimates.iterrows(), strict=True):
        style = look(kinds[str(name)])
        ax.plot([row["low"], row["high"]], [at, at], color=style.colour, linewidth=2.5)
        ax.plot(row["value"], at, style.marker, color=style.colour, markersize=9)
        _beside(ax, float(np.nanmax([row["value"], row["high"], truth])), at, words(row["value"]))


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


# Figures that move --------------------------------------------------------------------------------------------------


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
        xlabel=xlabel, ylabel=ylabel, xlim=(x[0], x[-1]), ylim=(min(0.0, curve["low"].min()), curve["high"].max() * 1.1)
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
