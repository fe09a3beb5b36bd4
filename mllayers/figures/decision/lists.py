"""Who goes first when there is not room for all."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from mllayers._check import as_frame, one_of
from mllayers._words import count, money, percent
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look
from mllayers.figures.moving import Move, Moving, curves_at
from mllayers.figures.standing import spread

_LISTS = {"by probability": "sees", "by expected value": "policy"}


@mpl.rc_context(RC)
def two_lists(leads: pd.DataFrame) -> Finding:
    """Which leads are called by probability, and which by expected value?

    Parameters
    ----------
    leads : DataFrame
        A row per lead; ``probability`` (of a reply, says the model), ``value`` (dollars, above 0) and ``worth`` (true
        expected dollars of a call); ``by probability`` and ``by expected value``: whether that list calls it.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When a column is missing, or a value is not above 0.

    Examples
    --------
    >>> leads = {"probability": [0.9, 0.3], "value": [500.0, 48_000.0], "worth": [450.0, 14_400.0]}
    >>> lists = {"by probability": [True, False], "by expected value": [False, True]}
    >>> two_lists(pd.DataFrame({**leads, **lists}))
    Expected: by probability $450; by expected value $14.4k; without the model, by value alone, $14.4k. All 2 called: \
$14.8k; nobody: $0; the best 1 in truth: $14.4k.
    """
    table = as_frame(leads, "leads", ["probability", "value", "worth", *_LISTS])
    if not (table["value"] > 0).all():
        raise ValueError(f"leads must have values above 0; got {table['value'].min():g}")
    on = {name: table[name].to_numpy(bool) for name in _LISTS}
    brings = {name: float(table["worth"][who].sum()) for name, who in on.items()}
    calls = count(int(on["by probability"].sum()), "call")
    more = "more" if brings["by expected value"] >= brings["by probability"] else "less"
    gap = abs(brings["by expected value"] - brings["by probability"])
    figure, [ax] = canvas(f"{calls}: by expected value {money(gap)} {more} than by probability", size=(WIDTH, 3.6))
    ax.scatter(table["probability"], table["value"], 8, color=look("neutral").colour)
    for name, kind in _LISTS.items():
        style, who = look(kind), table[on[name]]
        label = f"{name}: {money(brings[name])}"
        ax.plot(
            who["probability"],
            who["value"],
            style.marker,
            color=style.colour,
            fillstyle="none",
            markersize=9,
            label=label,
        )
    ax.set(yscale="log", xlabel="probability of a reply, as the model says", ylabel="value of the lead")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: percent(x, 0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: money(x)))
    ax.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2)
    n = int(on["by expected value"].sum())
    alone, bound = float(table.nlargest(n, "value")["worth"].sum()), float(table["worth"].nlargest(n).sum())
    return Finding(
        figure,
        "Leads by probability of a reply and value, on a logarithmic scale; the called ones of both lists are ringed.",
        f"Expected: by probability {money(brings['by probability'])}; by expected value "
        f"{money(brings['by expected value'])}; without the model, by value alone, {money(alone)}. All {len(table)} "
        f"called: {money(table['worth'].sum())}; nobody: {money(0)}; the best {n} in truth: {money(bound)}.",
        table.loc[on["by probability"] | on["by expected value"]],
    )


@mpl.rc_context(RC)
def chosen_disappoint(teams: pd.DataFrame) -> Finding:
    """Does the list with the highest expected value deliver what it promises?

    Parameters
    ----------
    teams : DataFrame
        A row per team; ``promised`` and ``delivered``: expected dollars of the chosen calls by the team's own scores
        and by the true probabilities; ``by probability``: true expected dollars of the likeliest calls.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When a column is missing or there is no team.

    Examples
    --------
    >>> teams = {"promised": [300.0, 350.0], "delivered": [240.0, 260.0], "by probability": [20.0, 30.0]}
    >>> chosen_disappoint(pd.DataFrame(teams))
    In the mean of 2 teams $325 is promised and $250 delivered; 2 promise too much. By probability: $25.
    """
    columns = ["promised", "delivered", "by probability"]
    table = as_frame(teams, "teams", columns)[columns].astype(float)
    mean, over = table.mean(), int((table["promised"] > table["delivered"]).sum())
    title = f"The chosen leads deliver {percent(mean['delivered'] / mean['promised'], 0)} of what they promise"
    figure, [ax] = canvas(title, size=(WIDTH, 2.8))
    spread(ax, table, kinds={"promised": "sees", "delivered": "policy", "by probability": "neutral"})
    return Finding(
        figure,
        "A dot per team: dollars promised by the chosen calls, delivered by them, and delivered by the likeliest ones.",
        f"In the mean of {count(len(table), 'team')} {money(mean['promised'])} is promised and "
        f"{money(mean['delivered'])} delivered; {over} promise too much. By probability: "
        f"{money(mean['by probability'])}.",
        table.describe(),
    )


def reviews(gained: pd.DataFrame, one_more: pd.Series[float], *, ours: str, bound: float) -> Moving:
    """What do so many reviews bring, by each order in which they are made?

    Parameters
    ----------
    gained : DataFrame
        A row per number of reviews (index, increasing, named ``reviews``), a column per ranking: dollars beyond doing
        nothing.
    one_more : Series
        For the same numbers: dollars that one more review is expected to bring beyond its price.
    ours : str
        The ranking that is told.
    bound : float
        Dollars of who knows which cases are bad.

    Returns
    -------
    Moving
        Takes ``reviews``.

    Raises
    ------
    TypeError, ValueError
        When `gained` and `one_more` do not have the same index, or `ours` is no column.

    Examples
    --------
    >>> index = pd.Index([0, 400], name="reviews")
    >>> gained = pd.DataFrame({"by p": [100.0, 110.0], "by gain": [100.0, 300.0]}, index)
    >>> reviews(gained, pd.Series([9.0, 2.0], index), ours="by gain", bound=500).says(reviews=200)
    'With 200 reviews, ranked by gain, the month earns $200; one more review brings $5.50 beyond its price. Doing \
nothing: $0; a clairvoyant: $500.'
    """
    table, kinds = _by_number(gained, one_more, ours)

    def draw(place: Figure | SubFigure) -> Move:
        words: Any = (lambda x: f"{x:,.0f}", money)
        ax = place.subplots()
        move = curves_at(ax, table, xlabel="reviews a month", ylabel="earned", kinds=kinds, words=words)
        ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))  # no tick that its words would round
        return move

    def says(reviews: float) -> str:
        earned = np.interp(reviews, table.index, table[ours])
        more = np.interp(reviews, table.index, one_more)
        return (
            f"With {count(int(reviews), 'review')}, ranked {ours}, the month earns {money(earned)}; one more review "
            f"brings {money(more)} beyond its price. "
            f"Doing nothing: {money(0)}; a clairvoyant: {money(bound)}."
        )

    return Moving(
        draw=draw,
        title="What a number of reviews earns, by who is reviewed first",
        alt="Curves of dollars over the number of reviews a month, one per ranking of the orders.",
        says=says,
    )


def _by_number(gained: pd.DataFrame, one_more: Any, ours: str) -> tuple[pd.DataFrame, dict[str, str]]:
    table = as_frame(gained, "gained").astype(float)
    one_of(ours, "ours", list(table.columns))
    if not isinstance(one_more, pd.Series) or not one_more.index.equals(table.index):
        raise ValueError("one_more must be a Series for the same numbers of reviews as gained")
    kinds = {str(name): "policy" if name == ours else "neutral" for name in table.columns}
    kinds[str(table.columns[0])] = "policy" if table.columns[0] == ours else "sees"
    return table, kinds
