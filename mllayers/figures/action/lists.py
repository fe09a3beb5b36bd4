"""Lists of customers: what each earns, who is on it, and what a pilot says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mllayers._check import as_frame, as_numbers, one_of
from mllayers._words import dollars, money, percent
from mllayers.figures.base import FACE, RC, WIDTH, Finding, canvas, look
from mllayers.figures.standing import stacked_bars
from mllayers.figures.strokes import _bars, _beside, _rows, _span

PERSUADABLE, SURE, DOG = "persuadable", "sure thing", "sleeping dog"


@mpl.rc_context(RC)
def four_meanings(earned: pd.DataFrame, *, kinds: Mapping[str, str] | None = None) -> Finding:
    """What does each list of customers earn, beside sending none?

    Parameters
    ----------
    earned : DataFrame
        A row per list, with ``vouchers`` (how many) and ``earned`` (dollars beyond sending none).
    kinds : mapping of row to meaning, optional
        Every list's meaning (`LOOKS`). By default read from its name: "everyone" is ``neutral``, "clairvoyant" and what
        begins with "true" a ``bound`` (no team can have it), what begins with "P = uplift" the ``policy``, and all
        others what a team ``sees``.

    Returns
    -------
    Finding

    Examples
    --------
    >>> table = pd.DataFrame({"vouchers": [100, 40, 30], "earned": [-150.0, 90.0, 120.0]},
    ...                      index=["everyone", "P = uplift", "clairvoyant"])
    >>> four_meanings(table)
    Sending none earns $0. Of the lists that a team can have, P = uplift is best: $90 from 40 vouchers, 75 % of what \
clairvoyant earns. One list loses: everyone −$150.
    """
    table = as_frame(earned, "earned", ["vouchers", "earned"])
    worth = pd.Series(as_numbers(table["earned"], "earned"), index=[str(name) for name in table.index])
    kinds = kinds or meanings_of(worth.index)
    meaning = {name: one_of(kinds[name], "kinds", ["neutral", "sees", "policy", "bound"]) for name in worth.index}
    own = worth[[name for name in worth.index if meaning[name] != "bound"]]
    if own.empty:
        raise ValueError("kinds must leave at least one list that a team can have; got bounds only")
    best, loses = str(own.idxmax()), own[own < 0]
    bounds = worth.drop(own.index)
    sent = int(table["vouchers"].to_numpy()[list(worth.index).index(best)])
    told = f"Sending none earns {money(0)}. "
    if own[best] > 0:
        told += f"Of the lists that a team can have, {best} is best: {money(own[best])} from {sent:,} vouchers"
        if len(bounds) and bounds.max() > 0:
            told += f", {percent(own[best] / bounds.max(), 0)} of what {bounds.idxmax()} earns"
        told += ". "
    else:
        told += "No list that a team can have earns more. "
    told += _losers(loses)
    title = "The same formula earns or loses, by what P means"
    if own[best] <= 0:
        title = "No list that a team can have earns anything"
    elif loses.empty:
        title = "Every list earns"
    figure, [ax] = canvas(title, size=(WIDTH, 1.0 + 0.36 * len(worth)))
    _bar_each(ax, worth, meaning)
    alt = "Bars of dollars, one per list, and a line at zero: " + ", ".join(f"{n} {money(x)}" for n, x in worth.items())
    return Finding(figure, f"{alt}.", told, table)


def meanings_of(names: Iterable[object]) -> dict[str, str]:
    """The meaning of each list, read from its name."""
    found = {}
    for name in map(str, names):
        bound = name == "clairvoyant" or name.startswith("true ")
        own = "policy" if name.startswith("P = uplift") else "neutral" if name == "everyone" else "sees"
        found[name] = "bound" if bound else own
    return found


def _losers(loses: pd.Series[float]) -> str:
    if loses.empty:
        return "None loses."
    named = ", ".join(f"{name} {money(x)}" for name, x in loses.items())
    return f"{'One list loses' if len(loses) == 1 else f'{len(loses)} lists lose'}: {named}."


def _bar_each(ax: Axes, worth: pd.Series[float], meaning: Mapping[str, str]) -> None:
    """One bar of dollars for each name, in the look of its meaning."""
    y = _rows(ax, list(worth.index))
    ax.set_yticks(y, list(worth.index))
    _span(ax, worth.to_numpy(float), after=0.3)
    for at, (name, x) in zip(y, worth.items(), strict=True):
        _bars(ax, at, x, 0.62, meaning[str(name)])
        _beside(ax, float(x), float(at), money(float(x)), left=x < 0)
    style = look("nothing")
    ax.axvline(0, linestyle=style.line, color=style.colour)
    ax.text(0, -0.62, "send none", ha="center", va="bottom")


@mpl.rc_context(RC)
def judged_lists(judged: pd.DataFrame) -> Finding:
    """What does a randomised pilot say that each list earns, and was it right?

    Parameters
    ----------
    judged : DataFrame
        A row per list, in dollars per customer: ``value``, ``low`` and ``high`` from the pilot (the ends may be
        missing), and ``truth``.

    Returns
    -------
    Finding

    Examples
    --------
    >>> table = pd.DataFrame({"value": [-1.2, 2.0], "low": [-3.0, 0.6], "high": [0.4, 3.4], "truth": [-1.5, 2.8]},
    ...                      index=["everyone", "P = uplift"])
    >>> judged_lists(table)
    By the pilot alone, 1 of 2 lists surely earns more than sending none: P = uplift ($0.60 to $3.40 a customer). \
The truth lies inside 2 of 2 intervals.
    """
    table = as_frame(judged, "judged", ["value", "low", "high", "truth"])
    drawn = table.set_axis([str(name) for name in table.index])
    sure = drawn[drawn["low"] > 0]
    held = ((drawn["low"] <= drawn["truth"]) & (drawn["truth"] <= drawn["high"])).sum()
    told = f"By the pilot alone, {len(sure)} of {len(drawn)} lists surely {'earns' if len(sure) == 1 else 'earn'} "
    told += "more than sending none"
    if len(sure):
        best = sure.sort_values("value").iloc[-1]
        told += f"{':' if len(sure) == 1 else '; the best is'} {best.name} "
        told += f"({dollars(best['low'], 2)} to {dollars(best['high'], 2)} a customer)"
    told += f". The truth lies inside {held} of {len(drawn)} intervals."
    title = f"The pilot alone knows that {len(sure)} of {len(drawn)} lists surely earn"
    figure, [ax] = canvas(title, size=(WIDTH, 1.1 + 0.46 * len(drawn)))
    y, marks = _rows(ax, list(drawn.index)), drawn[["value", "low", "high", "truth"]].to_numpy(float)
    ax.set_yticks(y, list(drawn.index))
    _span(ax, [*marks[~np.isnan(marks)], 0.0], before=0.05, after=0.05, zero=False)
    none, truth = look("nothing"), look("truth")
    ax.axvline(0, linestyle=none.line, color=none.colour)
    ax.text(0, -0.75, "send none", ha="center", va="bottom")
    for at, (value, low, high, true) in zip(y, marks, strict=True):
        style = look("policy" if low > 0 else "sees")
        ax.plot([low, high], [at, at], color=style.colour, linewidth=2.5)
        ax.plot(value, at, style.marker, color=style.colour, markersize=9)
        box = {"facecolor": FACE, "lw": 0, "pad": 0.5}  # it may stand on the line at zero
        ax.annotate(dollars(value, 2), (value, at), (0, 7), textcoords="offset points", ha="center", va="bottom",
                    bbox=box)  # fmt: skip
        ax.plot(true, at, truth.marker, color=truth.colour, markersize=5, label="truth" if at == 0 else None)
    ax.legend(loc="upper right", bbox_to_anchor=(1.0, 0.02), handlelength=1.0)
    alt = "Dots with intervals of dollars a customer, one per list, a small mark for the truth, and a line at zero."
    return Finding(figure, alt, told, table)


@mpl.rc_context(RC)
def four_kinds(shares: pd.DataFrame, *, bound: str) -> Finding:
    """Who is on each list: those whom a voucher keeps, those who stay or leave anyway, those whom it drives away?

    Parameters
    ----------
    shares : DataFrame
        A row per list, the columns persuadable, sure thing, lost cause and sleeping dog; a row adds up to 1.
    bound : str
        The list that nobody can improve on.

    Returns
    -------
    Finding

    Examples
    --------
    >>> parts = {"persuadable": [0.03, 0.08], "sure thing": [0.9, 0.86], "lost cause": [0.06, 0.06],
    ...          "sleeping dog": [0.01, 0.0]}
    >>> four_kinds(pd.DataFrame(parts, index=["everyone", "clairvoyant"]), bound="clairvoyant")
    Even the list of clairvoyant holds 86 % sure things and 8.0 % persuadables. Sleeping dogs: everyone 1.00 %, \
clairvoyant 0.00 %.
    """
    table = as_frame(shares, "shares", [PERSUADABLE, SURE, "lost cause", DOG])
    best = one_of(bound, "bound", [str(name) for name in table.index])
    sure, kept = (float(table[kind].to_dict()[best]) for kind in (SURE, PERSUADABLE))
    figure, [ax] = canvas(
        f"Even the best list is {percent(sure, 0)} sure things", size=(WIDTH, 1.0 + 0.42 * len(table))
    )
    stacked_bars(ax, table, kinds={PERSUADABLE: "policy"}, words=lambda x: percent(x, 0))
    ax.set_yticks(range(len(table)), list(table.index))
    ax.legend(ncols=4, loc="lower right", bbox_to_anchor=(1.02, 1), handlelength=1.4)
    dogs = ", ".join(f"{name} {percent(x, 2)}" for name, x in table[DOG].items())
    return Finding(
        figure,
        f"Stacked bars of four kinds of customers, one per list; sure things are {percent(sure, 0)} of the best.",
        f"Even the list of {bound} holds {percent(sure, 0)} sure things and {percent(kept)} persuadables. "
        f"Sleeping dogs: {dogs}.",
        table,
    )
