"""The figure of each finding: one drawing for each kind of table, with alternative text and the answer's sentence."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import AutoLocator, FixedLocator, MaxNLocator

from mllayers import figures as fg
from mllayers._words import money, percent, plain, points
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look

if TYPE_CHECKING:
    from mllayers.checkup.answers import Answer

__all__ = ["draw", "draw_narrow"]

_NARROW, _FINE = 3.6, 170  # inches and dots an inch of a figure on a telephone
_MOST = 12  # rows of a table that are drawn; the table itself holds them all


def draw(answer: Answer) -> Finding:
    """The figure of an answer."""
    strange = {sign for sign in _all_text(answer) if ord(sign) > 0x24F} - _letters()
    if not strange:
        return _DRAWINGS[answer.drawing](answer)
    signs = str.maketrans(dict.fromkeys(strange, "▯"))
    table = answer.table.rename(index=lambda name: name.translate(signs) if isinstance(name, str) else name)
    words = [name for name in table if pd.api.types.is_string_dtype(table[name])]
    for name in words:
        table[name] = table[name].str.translate(signs)
    found = _DRAWINGS[answer.drawing](replace(answer, says=answer.says.translate(signs), table=table))
    alt = f"{_DRAWINGS[answer.drawing](answer).alt} Letters that the figure cannot draw stand as ▯; the table has them."
    return Finding(found.figure, alt, answer.says, answer.table)


def _all_text(answer: Answer) -> str:
    """What of an answer may be drawn as text."""
    words = [answer.table[name] for name in answer.table if pd.api.types.is_string_dtype(answer.table[name])]
    return " ".join([answer.says, *map(str, answer.table.index), *(str(x) for column in words for x in column)])


@cache
def _letters() -> set[str]:
    """The letters of the font that figures are drawn with."""
    return {chr(code) for code in get_font(findfont(RC["font.family"])).get_charmap()}


def draw_narrow(answer: Answer) -> Finding:
    """The same figure for a screen as narrow as a telephone's: text of the same size on half the width.

    The finding stands above it in words, so it has no title; names take more lines and scales fewer marks.
    """
    found = draw(answer)
    figure = found.figure
    height = float(figure.get_size_inches()[1])
    if figure._suptitle is not None:  # type: ignore[attr-defined]
        height -= 0.22 * (1 + figure._suptitle.get_text().count("\n"))  # type: ignore[attr-defined]
    figure.suptitle("")
    for ax in figure.axes:
        names = [
            textwrap.wrap(label.get_text(), 14, max_lines=3, placeholder=" …") or [""] for label in ax.get_yticklabels()
        ]
        if isinstance(ax.yaxis.get_major_locator(), FixedLocator):
            ax.set_yticks(ax.get_yticks(), ["\n".join(lines) for lines in names])
            height = max(height, 0.6 + len(names) * (0.1 + 0.18 * max(map(len, names), default=1)))
        marks = ax.xaxis.get_major_locator()
        if isinstance(marks, FixedLocator) and len(ax.get_xticks()) > _FEW:
            shown = list(zip(ax.get_xticks(), ax.get_xticklabels(), strict=True))
            step = -(-len(shown) // _FEW)
            ax.set_xticks([at for at, _ in shown[::step]], [label.get_text() for _, label in shown[::step]])
        elif isinstance(marks, AutoLocator):
            ax.xaxis.set_major_locator(MaxNLocator(_FEW - 1))
        ax.set_xlabel(textwrap.fill(ax.get_xlabel(), 36))
        for text in ax.texts:  # what stands beside a mark
            text.set_text(re.sub(r" +\(", "\n(", text.get_text()))
        legend = ax.get_legend()
        if legend is not None:
            names_of = [text.get_text() for text in legend.get_texts()]
            marks_of = [mark for mark in legend.legend_handles if mark is not None]
            ax.legend(marks_of, names_of, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=1)
            height += 0.2 * len(names_of)
    figure.set_size_inches(_NARROW, height)
    figure.set_dpi(_FINE)
    _make_room(figure)
    return found


def _make_room(figure: Figure) -> None:
    """Move marks to the left until what is written beside them ends within the sheet."""
    for ax in figure.axes:
        for _ in range(6):
            figure.draw_without_rendering()
            ends = [text.get_window_extent().x1 for text in ax.texts]
            over = max(ends, default=0.0) + 6 - figure.bbox.x1
            if over <= 0:
                break
            low, high = ax.get_xlim()
            ax.set_xlim(low, high + (high - low) * max(1.2 * over / ax.bbox.width, 0.02))


_FEW = 5  # marks on the scale of a narrow figure


def _title(answer: Answer, most: int = 130) -> str:
    """The finding as a title: its first part, without what stands in brackets."""
    first = re.sub(r" \([^()]*\)", "", answer.says.rstrip(".")).split("; ")[0]
    return first if len(first) <= most else textwrap.shorten(first, most, placeholder=" …")


def _finding(answer: Answer, figure: Any, alt: str, table: pd.DataFrame | None = None) -> Finding:
    return Finding(figure, alt, answer.says, answer.table if table is None else table)


def _cut(ax: Any, rows: int) -> str:
    """Where a table is longer than its figure, a line below it, and the words for the alternative text."""
    if rows <= _MOST:
        return ""
    ax.set_xlabel(f"the first {_MOST} of {rows:,} rows; the others are among the numbers")
    return f" The first {_MOST} of {rows:,} rows are drawn."


def _words(answer: Answer) -> Callable[[float], str]:
    if answer.unit == "money":
        return lambda x: money(x).replace("$", answer.currency)
    return {"share": percent, "points": points}.get(answer.unit, plain)


def _drift(answer: Answer) -> Finding:
    found: Finding = fg.data.drift(answer.table)
    return found


@mpl.rc_context(RC)
def _bars(answer: Answer, values: pd.Series[Any], kind: str, what: str, words: Callable[[float], str]) -> Finding:
    """One bar a row, the number at its end."""
    drawn = values.head(_MOST).to_frame("x")
    drawn.index = [textwrap.shorten(str(name), 44, placeholder=" …") for name in drawn.index]
    figure, [ax] = canvas(_title(answer), size=(WIDTH, 1.0 + 0.42 * len(drawn)))
    fg.grouped_bars(ax, drawn, kinds={"x": kind}, words=words)
    alt = f"Bars, one a row, of {what}; the first, {drawn.index[0]}, is {words(float(drawn['x'].iloc[0]))}."
    alt += _cut(ax, len(values))
    return _finding(answer, figure, alt)


def _unseen(answer: Answer) -> Finding:
    return _bars(answer, answer.table["unseen"], "sees", "the share of rows with a value that was never seen", percent)


def _importance(answer: Answer) -> Finding:
    drop = answer.table["auc_drop"].clip(lower=0)
    return _bars(answer, drop, "sees", "what the model loses when a column is shuffled", plain)


def _coverage(answer: Answer) -> Finding:
    table = answer.table.head(_MOST)
    bars = pd.Series(table["ratio"].to_numpy(float), (table["column"] + " = " + table["cell"]).tolist())
    return _bars(answer, bars, "sees", "labels found for each label expected in a cell", plain)


def _listed(answer: Answer) -> Finding:
    bars = pd.Series(1.0, index=answer.table.index)
    return _bars(answer, bars, "sees", "what is still open, one bar for each", lambda x: "open")


def _thresholds(answer: Answer) -> Finding:
    return _bars(answer, answer.table["threshold"], "policy", "thresholds, by the share of cases below them", plain)


def _fits(answer: Answer) -> Finding:
    return _bars(answer, answer.table["cases"], "policy", "cases that fit and cases that are left", plain)


@mpl.rc_context(RC)
def _intervals(answer: Answer, line: float | None = None, name: str = "no change") -> Finding:
    """A dot with its interval for each row of a table with value, low and high."""
    table = answer.table[["value", "low", "high"]].astype(float)
    drawn = table[table["value"].notna()].head(_MOST)
    if not np.isfinite(drawn.to_numpy()).any():
        drawn = table.head(_MOST).fillna(0.0)
    drawn.index = [" · ".join(map(str, x)) if isinstance(x, tuple) else str(x) for x in drawn.index]
    drawn = drawn.replace([np.inf, -np.inf], np.nan)
    words = _words(answer)
    figure, [ax] = canvas(_title(answer), size=(WIDTH, 1.2 + 0.45 * len(drawn)))
    truth = 0.0 if line is None else line
    surely = (drawn["low"] > truth) | (drawn["high"] < truth)
    kinds = {str(name): "policy" if sure else "sees" for name, sure in surely.items()}
    fg.intervals(ax, drawn, truth=truth, kinds=kinds, words=words, line=name)
    alt = (
        f"Dots with intervals, {len(drawn)} in all, and a line at {words(truth)}; {drawn.index[0]} stands at "
        f"{words(float(drawn['value'].iloc[0]))}."
    )
    alt += _cut(ax, int(table["value"].notna().sum()))
    return _finding(answer, figure, alt)


def _interval(answer: Answer) -> Finding:
    return _intervals(answer, 0.0, "nothing")


@mpl.rc_context(RC)
def _promise(answer: Answer) -> Finding:
    """What was promised and what happened, side by side, for each period, band or segment."""
    table = answer.table.dropna(subset=["promised"])
    x = np.arange(len(table))
    figure, [ax] = canvas(_title(answer), size=(WIDTH, 3.2))
    said, truth = look("sees"), look("truth")
    ax.plot(x, table["promised"].to_numpy(float), said.line, marker=said.marker, color=said.colour, label="promised")
    middle = table["delivered"].to_numpy(float)
    reach = np.clip([middle - table["low"].to_numpy(float), table["high"].to_numpy(float) - middle], 0, None)
    ax.errorbar(x, middle, reach, fmt=truth.marker, color=truth.colour, capsize=3, markersize=5,
                label="happened, with its interval")  # fmt: skip
    step = max(1, -(-len(table) // 12))
    ax.set_xticks(x[::step], [textwrap.shorten(str(name), 20, placeholder="…") for name in table.index[::step]])
    if max(len(str(name)) for name in table.index[::step]) * len(table.index[::step]) > 60:
        ax.tick_params(axis="x", rotation=45)
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(lambda value, _: percent(value, 0 if value >= 0.1 else 1))
    ax.legend(loc="upper left", bbox_to_anchor=(0, 1.16), ncols=2)
    apart = (table["promised"] - table["delivered"]).abs().to_numpy(float)
    worst = int(np.nanargmax(apart)) if np.isfinite(apart).any() else 0
    alt = (
        f"Two series over {len(table)} groups: what was promised, and dots with intervals of what happened; furthest "
        f"apart in {table.index[worst]}."
    )
    return _finding(answer, figure, alt)


@mpl.rc_context(RC)
def _prices(answer: Answer) -> Finding:
    """What the score and acting on everyone earn beyond acting on nobody, over a range of prices."""
    table = answer.table
    figure, [ax] = canvas(_title(answer), size=(WIDTH, 3.3))
    for name, told, kind in (("model", "with the score", "policy"), ("everyone", "acting on everyone", "sees")):
        style = look(kind)
        ax.plot(table.index, table[name], style.line, color=style.colour, label=told)
    idle, top = look("nothing"), max(float(table["model"].max()), 1e-9)
    ax.axhline(0, color=idle.colour, linestyle=idle.line, label="acting on nobody")
    ax.set(xscale="log", xlabel=str(table.index.name), ylabel="right actions", ylim=(-0.4 * top, 1.1 * top))
    ax.xaxis.set_major_formatter(lambda value, _: plain(value))
    ax.xaxis.set_minor_formatter(lambda value, _: "")
    ax.yaxis.set_major_formatter(lambda value, _: plain(value))
    ax.legend(loc="upper right", ncols=1)
    alt = (
        f"Curves over the {table.index.name}: with the score, acting on everyone, and acting on nobody at zero; the "
        f"first falls from {plain(float(table['model'].iloc[0]))} to {plain(float(table['model'].iloc[-1]))}."
    )
    return _finding(answer, figure, alt)


@mpl.rc_context(RC)
def _sweep(answer: Answer) -> Finding:
    """Money by the number of cases acted on."""
    table = answer.table
    figure, [ax] = canvas(_title(answer), size=(WIDTH, 3.0))
    words, style, idle = _words(answer), look("policy"), look("nothing")
    ax.plot(table["acted"], table["profit"], style.line, color=style.colour)
    ax.axhline(float(table["profit"].iloc[0]), color=idle.colour, linestyle=idle.line)
    ax.text(1.0, float(table["profit"].iloc[0]), "nobody", transform=ax.get_yaxis_transform(), ha="right", va="bottom")
    top = int(np.argmax(table["profit"].to_numpy(float)))
    ax.plot(table["acted"].iloc[top], table["profit"].iloc[top], style.marker, color=look("truth").colour)
    ax.yaxis.set_major_formatter(lambda value, _: words(value))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.set(xlabel="cases acted on, highest score first", ylabel="earned")
    alt = (
        f"A curve of money earned by number of cases acted on; its highest point lies at {table['acted'].iloc[top]:,}."
    )
    return _finding(answer, figure, alt)


def _shares(answer: Answer) -> Finding:
    return _bars(answer, answer.table["share"], "sees", "the share of cases with an outcome", percent)


def _effects(answer: Answer) -> Finding:
    """Effects with their intervals beside no effect; a rate in points."""
    return _intervals(answer, 0.0, "no effect")


def _gains(answer: Answer) -> Finding:
    """What a challenger gains in each group, in money."""
    return _intervals(replace(answer, unit="money"), 0.0, "no gain")


@mpl.rc_context(RC)
def _stated(answer: Answer) -> Finding:
    """The share that was stated and the share that was found."""
    figure, [ax] = canvas(_title(answer), size=(WIDTH, 1.9))
    fg.paired_dots(ax, answer.table, kinds={"stated": "sees", "found": "truth"}, words=percent)
    first = answer.table.iloc[0]
    alt = f"Two dots joined by a line: {percent(first['stated'])} was stated, {percent(first['found'])} was found."
    return _finding(answer, figure, alt)


@mpl.rc_context(RC)
def _law(answer: Answer) -> Finding:
    """The share that has come back by each age, within its interval."""
    table, style = answer.table, look("policy")
    figure, [ax] = canvas(_title(answer), size=(WIDTH, 3.0))
    ax.fill_between(table.index, table["low"], table["high"], color=style.colour, alpha=0.25, step="post", linewidth=0)
    ax.step(table.index, table["share"], where="post", color=style.colour)
    ax.yaxis.set_major_formatter(lambda value, _: percent(value, 0))
    ax.set(xlabel=str(table.index.name), ylabel="of what comes back", ylim=(0, 1.02))
    alt = (
        "A rising curve with its band: the share of outcomes that has come back by each age, half after "
        f"{plain(answer.value)} days."
    )
    return _finding(answer, figure, alt)


_DRAWINGS: dict[str, Callable[[Answer], Finding]] = {
    "drift": _drift,
    "unseen": _unseen,
    "importance": _importance,
    "coverage": _coverage,
    "listed": _listed,
    "thresholds": _thresholds,
    "fits": _fits,
    "interval": _interval,
    "intervals": _intervals,
    "promise": _promise,
    "prices": _prices,
    "sweep": _sweep,
    "shares": _shares,
    "law": _law,
    "stated": _stated,
    "effects": _effects,
    "gains": _gains,
}
