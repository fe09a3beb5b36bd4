"""Several ways to decide about the same cases, in dollars: here, in other worlds, and under other assumptions."""

from __future__ import annotations

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mllayers._check import as_frame, one_of
from mllayers._words import count, money
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look
from mllayers.figures.standing import spread
from mllayers.figures.strokes import _bars, _beside, _rows, _span

NOTHING = "do nothing: $0"


@mpl.rc_context(RC)
def earned_by(gained: pd.DataFrame, *, ours: str, against: str, bound: str) -> Finding:
    """What does each way to decide earn, beyond doing nothing?

    Parameters
    ----------
    gained : DataFrame
        A row per case, at least two; a column per way to decide: dollars that each case brings beyond doing nothing.
    ours, against : str
        The column that is told, and the one that it is held against, case by case.
    bound : str
        The column of who knows more than a team can.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When there are fewer than two cases, or a column is missing.

    Notes
    -----
    The intervals (95 %, normal) hold the luck of these cases: 1.96 · s · √n around a sum of n. The luck of whatever the
    rules were learned from is not in them.

    Examples
    --------
    >>> ways = {"the slide": [-5.0, 1.0], "thresholds": [4.0, 3.0], "clairvoyant": [6.0, 5.0]}
    >>> earned_by(pd.DataFrame(ways), ours="thresholds", against="the slide", bound="clairvoyant")
    In this world doing nothing earns $0, thresholds $7 (± $1.96: the luck of these cases); that is $11 more than the \
slide (± $13.72, case by case).
    """
    table = as_frame(gained, "gained", [ours, against, bound]).astype(float)
    n = len(table)
    if n < 2:
        raise ValueError(f"gained must hold at least two cases, for an interval; got {n}")
    sums = table.sum()
    luck = 1.96 * table.std(ddof=1) * n**0.5
    ahead = table[ours] - table[against]
    gap, gap_luck = float(ahead.sum()), 1.96 * float(ahead.std(ddof=1)) * n**0.5
    more = "more" if gap >= 0 else "less"
    figure, [ax] = canvas(
        f"{_first(ours)}: {money(abs(gap))} {more} than {against}, in this world",
        size=(WIDTH, 1.1 + 0.36 * table.shape[1]),
    )
    y = _rows(ax, list(table.columns))
    _span(ax, sums.to_numpy())
    do_nothing(ax)
    for at, (name, x) in zip(y, sums.items(), strict=True):
        _bars(ax, at, x, 0.62, _kind(str(name), ours, bound))
        _beside(ax, float(x), at, money(x), left=x < 0)
    others = sums.drop([ours, bound])
    says = (
        f"In this world doing nothing earns {money(0)}, {ours} {money(sums[ours])} (± {money(luck[ours])}: the luck of "
        f"these cases); that is {money(abs(gap))} {more} than {against} (± {money(gap_luck)}, case by case)."
    )
    if others.max() > sums[ours] and others.idxmax() != against:
        says += f" {_first(str(others.idxmax()))} earns most: {money(others.max())}."
    told = ", ".join(f"{name} {money(x)}" for name, x in sums.items())
    return Finding(
        figure,
        f"Bars of dollars, one per way to decide, and a line at doing nothing: {told}.",
        says,
        pd.DataFrame({"earned": sums, "± (95 %)": luck}),
    )


@mpl.rc_context(RC)
def in_other_worlds(worlds: pd.DataFrame, *, ours: str, against: str, bound: str) -> Finding:
    """Is one way to decide ahead in other worlds, too?

    Parameters
    ----------
    worlds : DataFrame
        A row per world, a column per way to decide: dollars beyond doing nothing.
    ours, against, bound : str
        As in `earned_by`.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When a column is missing or there is no world.

    Examples
    --------
    >>> worlds = {"the slide": [-9.0, -2.0], "expected value": [90.0, 40.0], "true probabilities": [200.0, 210.0]}
    >>> names = {"ours": "expected value", "against": "the slide", "bound": "true probabilities"}
    >>> in_other_worlds(pd.DataFrame(worlds), **names)
    Expected value earns $65 in the mean of 2 worlds (lowest $40, highest $90); the slide loses money in 2 of them.
    """
    table = as_frame(worlds, "worlds", [ours, against, bound]).astype(float)
    ahead, lossy = int((table[ours] > table[against]).sum()), int((table[against] < 0).sum())
    title = f"{_first(ours)} is ahead of {against} in {ahead} of {count(len(table), 'world')}"
    figure, [ax] = canvas(title, size=(WIDTH, 1.1 + 0.5 * table.shape[1]))
    spread(ax, table, kinds={str(name): _kind(str(name), ours, bound) for name in table.columns})
    told = ", ".join(f"{name} {money(x)}" for name, x in table.mean().items())
    if len(table) == 1:
        where, loses = "in this one world", f"{against} {'loses money' if lossy else 'does not lose money'} there"
    else:
        low, high = money(table[ours].min()), money(table[ours].max())
        where = f"in the mean of {count(len(table), 'world')} (lowest {low}, highest {high})"
        loses = f"{against} loses money in {lossy or 'none'} of them"
    return Finding(
        figure,
        f"A dot per world and way to decide, and a line at doing nothing. Means: {told}.",
        f"{_first(ours)} earns {money(table[ours].mean())} {where}; {loses}.",
        table.describe(),
    )


@mpl.rc_context(RC)
def what_turns(worlds: pd.DataFrame, *, ours: str, against: str) -> Finding:
    """Which assumption turns which advice round?

    Parameters
    ----------
    worlds : DataFrame
        A row per world; columns on two levels, the assumption and the way to decide, the same ways under each
        assumption: dollars beyond doing nothing. The first assumption is the world as it is.
    ours, against : str
        As in `earned_by`: two of the ways.

    Returns
    -------
    Finding
        Bars are means over the worlds. A way turns where its mean changes its sign.

    Raises
    ------
    TypeError, ValueError
        When the columns have no two levels, a way is missing, or there are fewer than two assumptions.

    Examples
    --------
    >>> found = {"as it is": {"the slide": -9.0, "expected value": 90.0}}
    >>> found["nobody gone"] = {"the slide": 5.0, "expected value": 95.0}
    >>> worlds = pd.DataFrame([pd.DataFrame(found).unstack()])
    >>> what_turns(worlds, ours="expected value", against="the slide")
    Nobody gone: the slide −$9 → $5 (above zero in 1 of 1 world); expected value earns $95, most of all.
    """
    table = as_frame(worlds, "worlds").astype(float)
    if table.columns.nlevels != 2:
        raise ValueError("worlds must have columns on two levels, the assumption and the way to decide")
    mean = table.mean().unstack(sort=False)  # noqa: PD010
    if len(mean) < 2 or mean.isna().any(axis=None):
        raise ValueError("worlds must hold the same ways to decide under at least two assumptions")
    one_of(ours, "ours", list(mean.columns))
    one_of(against, "against", list(mean.columns))
    usual, told, titles = mean.iloc[0], [], []
    for name, row in mean.iloc[1:].iterrows():
        turned = [way for way in mean.columns if np.sign(row[way]) != np.sign(usual[way])]
        parts = []
        for way in turned:
            above = int((table[name][way] > 0).sum())
            parts.append(
                f"{way} {money(usual[way])} → {money(row[way])} (above zero in {above} of {count(len(table), 'world')})"
            )
        most = f", {row.idxmax()} most, {money(row.max())}" if row.idxmax() != ours else ", most of all"
        told.append(
            f"{_first(str(name))}: {', '.join(parts) or 'nothing turns'}; {ours} earns {money(row[ours])}{most}."
        )
        titles += [str(name)] if turned else []
    title = f"What turns a loss or a gain round: {'; '.join(titles)}" if titles else "No assumption turns a loss round"
    figure, axes = canvas(title, columns=len(mean), size=(WIDTH, 1.3 + 0.36 * mean.shape[1]))
    for place, (ax, (name, row)) in enumerate(zip(axes, mean.iterrows(), strict=True)):
        y = _rows(ax, list(mean.columns) if place == 0 else [""] * mean.shape[1])
        low, high = min(0.0, float(mean.to_numpy().min())), max(0.0, float(mean.to_numpy().max()))
        ax.set_xlim(low - 0.05 * (high - low or 1), high + 0.6 * (high - low or 1))
        style = look("nothing")
        ax.axvline(0, linestyle=style.line, color=style.colour)
        ax.set_title(textwrap.fill(str(name), 16), fontsize=10.5)
        for at, (bar, x) in zip(y, row.items(), strict=True):
            _bars(ax, at, x, 0.62, _kind(str(bar), ours, ""))
            _beside(ax, max(float(x), 0.0), at, money(x))
    return Finding(
        figure,
        f"Bars side by side, a panel per assumption ({', '.join(map(str, mean.index))}): mean dollars of each way to "
        "decide, and a line at doing nothing.",
        " ".join(told),
        pd.DataFrame({"mean": table.mean(), "lowest": table.min(), "highest": table.max()}),
    )


def _kind(name: str, ours: str, bound: str) -> str:
    return {ours: "policy", bound: "bound"}.get(name, "neutral")


def _first(text: str) -> str:
    """With a capital letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def do_nothing(ax: Axes) -> None:
    """The level of doing nothing, and its name."""
    style = look("nothing")
    ax.axvline(0, linestyle=style.line, color=style.colour)
    ax.annotate(NOTHING, (0, 1), (0, 2), ("data", "axes fraction"), "offset points", ha="center", va="bottom")
