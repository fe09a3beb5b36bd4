"""Findings of the year at the desk: what the lights show when they are turned on."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd

from mllayers._check import as_frame, as_number, describe
from mllayers._words import count, money
from mllayers.figures.base import FACE, INK, RC, WIDTH, Finding, canvas, look
from mllayers.figures.standing import spread, waterfall
from mllayers.figures.strokes import _bars, _beside, _rows, _span

__all__ = [
    "alarms_of_the_year",
    "booked_and_true",
    "luck_of_the_year",
    "teams_of_the_year",
    "what_would_have_helped",
    "where_the_money_went",
]


@mpl.rc_context(RC)
def where_the_money_went(steps: pd.Series[float]) -> Finding:
    """What did each ignorance cost?

    Parameters
    ----------
    steps : Series
        Dollars: first what the clairvoyant makes, then what each cause takes (not positive). They add up to what was
        made.

    Returns
    -------
    Finding

    Examples
    --------
    >>> where_the_money_went(pd.Series({"clairvoyant": 9e5, "quiet fraud shipped": -5e4, "reviews": -1e4}))
    You made $840k, $60.0k short of the clairvoyant. The largest part went to quiet fraud shipped ($50.0k), then \
reviews ($10.0k).
    """
    if not isinstance(steps, pd.Series) or len(steps) < 2:
        raise TypeError(f"steps must be a Series: a first level and what each cause takes; got {describe(steps)}")
    causes = steps.iloc[1:].astype(float)
    if (causes > 0).any():
        raise ValueError(f"steps must not be positive after the first; got {causes.max():g} ({causes.idxmax()})")
    short = -float(causes.sum())
    shown = causes[causes < 0]
    largest = causes.nsmallest(2)
    row = 0.36 if max(map(len, shown.index.astype(str)), default=0) <= 23 else 0.48  # a long name takes two lines
    title = f"{money(short)} short of the clairvoyant; {largest.index[0]} costs most"
    figure, [ax] = canvas(title, size=(WIDTH, 1.3 + row * len(shown)))
    waterfall(ax, pd.concat([pd.Series({str(steps.index[0]): 0.0}), shown]), total="you")
    told = ", then ".join(f"{name} ({money(-cost)})" for name, cost in largest.items() if cost < 0)
    return Finding(
        figure,
        f"A staircase of dollars, from the clairvoyant at zero down to you at {money(-short)}: one step for each "
        "cause, as long as what it cost.",
        f"You made {money(float(steps.sum()))}, {money(short)} short of the clairvoyant. The largest part went to "
        f"{told or 'nothing'}.",
        pd.DataFrame({"dollars": steps.round(0)}),
    )


@mpl.rc_context(RC)
def booked_and_true(truth: pd.DataFrame, *, books: str = "booked") -> Finding:
    """What was booked, and what was made, beside whoever knows the truth?

    Parameters
    ----------
    truth : DataFrame
        A row per month (index) with the columns ``booked``, ``true`` and ``clairvoyant`` in dollars, and ``happened``
        in words, empty where nothing began. With ``spent``, it is said what contacts kept and what they cost.
    books : str
        What the team's own dollars are called: 'booked', or 'claimed' where a dashboard counts them.

    Returns
    -------
    Finding

    Examples
    --------
    >>> table = {"booked": [9e4, 9e4], "true": [8e4, 7e4], "clairvoyant": [1e5, 1e5], "happened": ["", "a ring"]}
    >>> booked_and_true(pd.DataFrame(table, index=[1, 2]))
    You booked $180k and made $150k: $30.0k that you never saw. Month 2: a ring.
    """
    table = as_frame(truth, "truth", ["booked", "true", "clairvoyant", "happened"])
    total = table[["booked", "true"]].sum()
    unseen = float(total["booked"] - total["true"])
    figure, [ax] = canvas(
        f"{books.capitalize()} {money(total['booked'])}, made {money(total['true'])}", size=(WIDTH, 3.4)
    )
    bound = look("bound")
    ax.axhline(0, linestyle=bound.line, color=bound.colour, label="the clairvoyant")
    for name, kind, label in (("booked", "sees", books), ("true", "truth", "made")):
        style, short = look(kind), (table[name] - table["clairvoyant"]).to_numpy(float)
        ax.plot(table.index, short, style.line, marker=style.marker, color=style.colour, label=label)
    began = {int(str(month)): what for month, what in table["happened"].items() if what}
    for month in began:
        ax.axvline(month, color=INK, linestyle=":", linewidth=1.0)
    ax.set(xlabel="month (dotted: something begins)", xticks=list(table.index))
    ax.set_title("dollars a month, less what the clairvoyant makes", pad=26)
    ax.yaxis.set_major_formatter(lambda x, _: money(x))
    ax.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3)
    told = "".join(f" Month {month}: {what}." for month, what in began.items())
    what = f"{money(unseen)} that you never saw" if unseen >= 0 else f"{money(-unseen)} more than you saw"
    said = f"You {books} {money(total['booked'])} and made {money(total['true'])}: {what}."
    if "spent" in table:
        spent, made = float(table["spent"].sum()), money(total["true"])
        kept = f"Your contacts kept {money(total['true'] + spent)} and cost {money(spent)}: you made {made}."
        said = f"The dashboard {books} {money(total['booked'])}. {kept}"
    return Finding(
        figure,
        f"Two lines over the months, dollars {books} ({money(total['booked'])} in all) and dollars made "
        f"({money(total['true'])}), beside the clairvoyant at zero; dotted lines where something begins.",
        f"{said}{told}",
        table.round(0),
    )


@mpl.rc_context(RC)
def alarms_of_the_year(alarms: pd.DataFrame, watched: pd.DataFrame, happened: pd.Series) -> Finding:
    """Which alarm sounded when, and which would have sounded had it been switched on?

    Parameters
    ----------
    alarms, watched : DataFrame of bool
        A row per month, a column per alarm: whether it sounds, and whether it was switched on.
    happened : Series
        What began, by month.

    Returns
    -------
    Finding

    Examples
    --------
    >>> rang = pd.DataFrame({"chargebacks": [False, True], "audits": [True, False]}, index=[1, 2])
    >>> on = pd.DataFrame({"chargebacks": [True, True], "audits": [False, False]}, index=[1, 2])
    >>> alarms_of_the_year(rang, on, pd.Series({1: "a ring arrives"}))
    Month 1: a ring arrives (first told by audits, month 1, switched off). Heard: chargebacks (2). Switched off, but \
would have sounded: audits (1).
    """
    rang, on = as_frame(alarms, "alarms").astype(bool), as_frame(watched, "watched", alarms.columns).astype(bool)
    heard, missed = rang & on, rang & ~on
    n, lost = int(heard.to_numpy().sum()), int(missed.to_numpy().sum())
    title = f"{count(n, 'alarm')} heard; {lost} would have sounded, but {'was' if lost == 1 else 'were'} switched off"
    figure, [ax] = canvas(title, size=(WIDTH, 1.5 + _row(rang.columns) * rang.shape[1]))
    y = _rows(ax, list(rang.columns))
    months = [int(month) for month in rang.index]
    ax.set(xlim=(months[0] - 0.6, months[-1] + 0.6), xlabel="month (dotted: something begins)")
    ax.set_xticks(months)
    for month in happened.index:
        ax.axvline(month, color=INK, linestyle=":", linewidth=1.0)
    style = look("policy")
    for at, name in zip(y, rang.columns, strict=True):
        ax.plot(months, [at] * len(months), ".", color=look("neutral").colour, markersize=3)
        for table, fill in ((heard, style.colour), (missed, FACE)):
            there = [month for month in months if table.loc[month, name]]
            ax.plot(there, [at] * len(there), "s", color=fill, markeredgecolor=style.colour, markersize=11)
    first = {month: _first_told(rang, on, int(str(month))) for month in happened.index}
    said = "".join(f"Month {month}: {what} ({first[month]}). " for month, what in happened.items())
    return Finding(
        figure,
        "A table of alarms by months: a filled square where an alarm that was switched on sounds, an empty one where "
        "it would have, a dot where all is quiet.",
        f"{said}Heard: {_when(heard)}. Switched off, but would have sounded: {_when(missed)}.",
        pd.DataFrame(np.where(heard, "heard", np.where(missed, "off", "–")), rang.index, rang.columns),
    )


@mpl.rc_context(RC)
def teams_of_the_year(others: pd.DataFrame) -> Finding:
    """How did other teams do in the same year?

    Parameters
    ----------
    others : DataFrame
        A row per team, *you* among them, with ``short``: dollars short of the clairvoyant.

    Returns
    -------
    Finding

    Examples
    --------
    >>> teams_of_the_year(pd.DataFrame({"short": [0, 9e4, 1e5, 2e5]}, ["clairvoyant", "every label", "you", "open"]))
    In the same year you are $100k short of the clairvoyant, every label $90.0k, open $200k.
    """
    table = as_frame(others, "others", ["short"])
    if "you" not in table.index:
        raise ValueError(f"others must have a row 'you'; got {', '.join(map(str, table.index))}")
    short = table["short"].astype(float)
    bounds = {"clairvoyant", "every label"}
    real = short.drop([name for name in bounds if name in short.index])
    place = int((real < real["you"]).sum()) + 1
    title = f"You are number {place} of {len(real)} teams that could exist, {money(short['you'])} short"
    figure, [ax] = canvas(title, size=(WIDTH, 1.0 + 0.36 * len(short)))
    y = _rows(ax, list(short.index))
    _span(ax, short.to_numpy(), after=0.25)
    for at, (name, x) in zip(y, short.items(), strict=True):
        _bars(ax, at, x, 0.62, "policy" if name == "you" else "bound" if name in bounds else "neutral")
        _beside(ax, x, at, money(x))
    told = ", ".join(f"{name} {money(x)}" for name, x in short.items() if name not in ("you", "clairvoyant"))
    return Finding(
        figure,
        "Bars of dollars short of the clairvoyant, one for each team that plays the same year; yours stands out.",
        f"In the same year you are {money(short['you'])} short of the clairvoyant, {told}.",
        table.round(0),
    )


@mpl.rc_context(RC)
def what_would_have_helped(helped: pd.DataFrame) -> Finding:
    """What would a single change in every month have been worth?

    Parameters
    ----------
    helped : DataFrame
        A row per change, with ``better``: dollars by which the year is better; the best first.

    Returns
    -------
    Finding

    Examples
    --------
    >>> what_would_have_helped(pd.DataFrame({"better": [2e4, -1e4]}, index=["audit 1 %", "have 2 reviewers"]))
    With all else as you played it: audit 1 % +$20.0k, have 2 reviewers −$10.0k.
    """
    table = as_frame(helped, "helped", ["better"])
    better = table["better"].astype(float)
    best = float(better.max())
    title = (
        f"Best single change: {better.idxmax()}, {_gain(best)}" if best > 0 else "No single change would have helped"
    )
    figure, [ax] = canvas(title, size=(WIDTH, 1.1 + _row(better.index) * len(better)))
    y = _rows(ax, list(better.index))
    _span(ax, better.to_numpy(), after=0.35)
    for at, x in zip(y, better, strict=True):
        _bars(ax, at, x, 0.55, "policy" if x > 0 else "neutral")
        _beside(ax, x, at, _gain(x), left=x < 0)
    told = ", ".join(f"{name} {_gain(x)}" for name, x in better.items())
    return Finding(
        figure,
        "Bars of dollars by which the year would have been better, one for each change; zero is drawn.",
        f"With all else as you played it: {told}.",
        table.round(0),
    )


@mpl.rc_context(RC)
def luck_of_the_year(luck: pd.Series[float], short: float) -> Finding:
    """What do the same choices bring where only chance differs?

    Parameters
    ----------
    luck : Series
        Dollars short of the clairvoyant, in other years.
    short : float
        Those of the year that was played.

    Returns
    -------
    Finding

    Examples
    --------
    >>> luck_of_the_year(pd.Series([9e4, 1.1e5]), 1e5)
    You are $100k short; the same choices end $90.0k to $110k short, in 3 years with yours.
    """
    if not isinstance(luck, pd.Series) or luck.empty:
        raise TypeError(f"luck must be a Series of dollars, one for each other year; got {describe(luck)}")
    mine = as_number(short, "short")
    low, high = min(float(luck.min()), mine), max(float(luck.max()), mine)
    figure, [ax] = canvas(f"Chance alone makes it {money(low)} to {money(high)}", size=(WIDTH, 1.9))
    told = luck.astype(float).rename("the same choices in other years").to_frame()
    spread(ax, told, kinds={str(told.columns[0]): "policy"}, level=("you", mine))
    return Finding(
        figure,
        "Dots of dollars short of the clairvoyant, one for each other year with the same choices, and a line at yours.",
        f"You are {money(mine)} short; the same choices end {money(low)} to {money(high)} short, in "
        f"{count(len(luck) + 1, 'year')} with yours.",
        luck.to_frame().round(0),
    )


def _row(names: pd.Index) -> float:
    """Inches for a row with one of these names beside it: a long one takes several lines."""
    return max(0.5, 0.17 * -(-max(map(len, names.astype(str))) // 18) + 0.06)


def _first_told(rang: pd.DataFrame, on: pd.DataFrame, month: int) -> str:
    """Which alarm sounded first, in the month in which something began or the two after it."""
    for k in range(month, month + 3):
        for name in rang.columns:
            if k in rang.index and rang.loc[k, name]:
                return f"first told by {name}, month {k}{'' if on.loc[k, name] else ', switched off'}"
    return "no alarm within three months"


def _gain(x: float) -> str:
    return f"+{money(x)}" if np.round(x, 2) > 0 else money(x)


def _when(table: pd.DataFrame) -> str:
    """Alarms with their months."""
    told = [f"{name} ({', '.join(str(m) for m in table.index[table[name]])})" for name in table if table[name].any()]
    return "; ".join(told) or "none"
