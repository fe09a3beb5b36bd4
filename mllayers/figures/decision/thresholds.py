"""From where on an action pays, drawn from what the outcomes are worth."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mllayers._check import as_frame, as_number
from mllayers._words import money, percent
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look
from mllayers.figures.moving import Move, Moving, small_multiples

Borders = Callable[..., pd.DataFrame]


@mpl.rc_context(RC)
def best_of_lines(outcomes: pd.DataFrame) -> Finding:
    """Which action is best at each probability, when each is worth a straight line?

    Parameters
    ----------
    outcomes : DataFrame
        A row per action, at least two, the first leaves the case alone; ``good`` and ``fake``: dollars if the case is
        good and if it is a fake.

    Returns
    -------
    Finding
        The table says from which probability to which each action is best.

    Raises
    ------
    TypeError, ValueError
        When a column is missing or there are fewer than two actions.

    Examples
    --------
    >>> outcomes = pd.DataFrame({"good": [24, 20, -12], "fake": [-76, -4, 0]}, index=["ship", "review", "block"])
    >>> best_of_lines(outcomes)
    Ship below 5.3 %, review from 5.3 % on, block from 88.9 % on.
    """
    table = as_frame(outcomes, "outcomes", ["good", "fake"])[["good", "fake"]].astype(float)
    if len(table) < 2:
        raise ValueError(f"outcomes must hold at least two actions; got {len(table)}")
    best = _upper_edge(table)
    rest = [f"{name} from {percent(x)} on" for name, x in best["from"].iloc[1:].items()]
    first = str(best.index[0])
    says = ", ".join([f"{first.capitalize()} below {percent(best['to'].iloc[0])}", *rest]) + "."
    title = "The best action changes where two lines cross"
    if not rest:
        title, says = f"One line is on top everywhere: {first}", f"{first.capitalize()} at every probability."
    figure, [ax] = canvas(title, size=(WIDTH, 3.2))
    peaks: list[float] = []
    for name, good, fake in table.itertuples(name=None):
        ax.plot([0, 1], [good, fake], color=look("neutral").colour, linewidth=1.4)
        if name in best.index:
            at = best.loc[[name]].to_numpy(float)[0]
            worth = good + at * (fake - good)
            peaks += worth.tolist()
            ax.plot(at, worth, color=look("policy").colour, linewidth=5, solid_capstyle="butt")
            ax.annotate(str(name), (at.mean(), worth.mean()), (12, 9), textcoords="offset points")
    style, edge = look("nothing"), np.array(peaks)
    ax.axhline(0, linestyle=style.line, color=style.colour)
    room = float(np.ptp(edge)) or 1.0
    ax.set(xlim=(0, 1.03), ylim=(edge.min() - 1.4 * room, edge.max() + 0.35 * room))
    ax.set(xlabel="probability that the case is a fake", ylabel="expected dollars")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: percent(x, 0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: money(x)))
    return Finding(
        figure,
        f"Straight lines over the probability, one per action ({', '.join(map(str, table.index))}); whichever is "
        "highest is drawn thick.",
        says,
        best,
    )


def _upper_edge(table: pd.DataFrame) -> pd.DataFrame:
    """From where to where each line is the highest one, in the order of the probability."""
    good, slope = table["good"].to_numpy(), (table["fake"] - table["good"]).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = (good[:, None] - good) / (slope - slope[:, None])
    cuts = np.unique(np.r_[0.0, crossings[(crossings > 0) & (crossings < 1)], 1.0])
    middle = (cuts[:-1] + cuts[1:]) / 2
    on_top = (good[:, None] + slope[:, None] * middle).argmax(axis=0)
    rows = pd.DataFrame({"action": table.index[on_top], "from": cuts[:-1], "to": cuts[1:]})
    return rows.groupby("action", sort=False).agg({"from": "min", "to": "max"})


def cost_map(borders: Borders, *, usual: dict[str, float]) -> Moving:
    """What to do at every amount and every probability of fraud, for other prices.

    Parameters
    ----------
    borders : callable
        ``borders(review, goodwill, fee)``: a frame with the amount of an order as its index, increasing, and ``review
        from`` and ``block from``, probabilities; equal where no review pays.
    usual : dict
        The prices as they are: ``review``, ``goodwill``, ``fee``.

    Returns
    -------
    Moving
        Takes ``review``, ``goodwill`` and ``fee``, dollars.

    Examples
    --------
    >>> def borders(review, goodwill, fee):
    ...     return pd.DataFrame({"review from": [0.2, review / 76], "block from": [0.6, 0.9]}, index=[10.0, 80.0])
    >>> cost_map(borders, usual={"review": 4, "goodwill": 12, "fee": 20}).says(review=4, goodwill=12, fee=20)
    'An order of $80: review from 5.3 %, block from 90.0 %.'
    """
    amounts = borders(**usual).index.to_numpy(float)

    def draw(place: Figure | SubFigure) -> Move:
        ax = place.subplots()
        ax.set(
            xscale="log",
            xlim=(amounts[0], amounts[-1]),
            ylim=(0, 1),
            xlabel="amount of the order",
            ylabel="probability of fraud",
        )
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: money(x)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: percent(x, 0)))
        styles = look("policy"), look("neutral")
        lines = [ax.plot([1, 1], [0, 0], style.line, color=style.colour)[0] for style in styles]
        words = [ax.text(1, 0.5, word, ha="center", va="center") for word in ("ship", "review", "block")]
        for artist in (*lines, *words):
            artist.set_in_layout(False)

        def move(review: float, goodwill: float, fee: float) -> list[Artist]:
            table = borders(review=review, goodwill=goodwill, fee=fee)
            low, high = table["review from"].to_numpy(float), table["block from"].to_numpy(float)
            none, all_of_it = np.zeros(len(amounts)), np.ones(len(amounts))
            for word, bottom, top in zip(words, (none, low, high), (low, high, all_of_it), strict=True):
                at, middle, room = _widest(bottom, top)
                word.set(x=amounts[at], y=middle, visible=room > 0.07)
            for line, heights in zip(lines, (low, high), strict=True):
                line.set_data(amounts, heights)
            return [*lines, *words]

        return move

    return Moving(
        draw=draw,
        title="Ship, review or block?",
        alt="Two curves over the amount of an order: the probability from which it is reviewed, and blocked.",
        says=lambda **prices: _at_eighty(borders(**prices)),
    )


def _widest(bottom: NDArray[np.float64], top: NDArray[np.float64]) -> tuple[int, float, float]:
    """Where a word has most room between two curves: the place, the height of its middle, and how much room."""
    wide = max(len(bottom) // 5, 1)
    floor = sliding_window_view(bottom, wide).max(axis=1)
    ceiling = sliding_window_view(top, wide).min(axis=1)
    first = int(np.argmax(np.round(ceiling - floor, 3)))
    return first + wide // 2, float(ceiling[first] + floor[first]) / 2, float(ceiling[first] - floor[first])


def _at_eighty(table: pd.DataFrame, amount: float = 80.0) -> str:
    x = np.log(table.index.to_numpy(float))
    low, high = (float(np.interp(np.log(amount), x, table[name])) for name in ("review from", "block from"))
    if np.isclose(low, high):
        return f"An order of {money(amount)}: no review pays, block from {percent(high)}."
    return f"An order of {money(amount)}: review from {percent(low)}, block from {percent(high)}."


@mpl.rc_context(RC)
def expensive_reviews(borders: Borders, *, usual: dict[str, float], never_from: float) -> Finding:
    """How does the map change when a review becomes too expensive for an ordinary order?

    Parameters
    ----------
    borders : callable
        As in `cost_map`.
    usual : dict
        The prices as they are: ``review``, ``goodwill``, ``fee``.
    never_from : float
        The price above which no review of an order of $80 pays.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When `never_from` is no number.

    Examples
    --------
    >>> def borders(review, goodwill, fee):
    ...     low = min(review / 76, 0.32)
    ...     return pd.DataFrame({"review from": [low, low], "block from": [0.6, 0.32]}, index=[10.0, 80.0])
    >>> expensive_reviews(borders, usual={"review": 4, "goodwill": 12, "fee": 20}, never_from=24.43)
    No review of an order of $80 pays above $24.43. At $25: an order of $80: no review pays, block from 32.0 %.
    """
    price = as_number(never_from, "never_from", ge=0)
    above = float(np.ceil(price)) if np.ceil(price) > price else price + 1
    settings = {f"a review for {money(x)}": {**usual, "review": x} for x in (usual["review"], above)}
    title = f"Above {money(price)} a review of an order of $80 never pays"
    figure = small_multiples(cost_map(borders, usual=usual).draw, settings, title=title)
    told = _at_eighty(borders(**{**usual, "review": above}))
    return Finding(
        figure,
        "Two copies of the map of amount and probability: reviews at their price, and expensive reviews.",
        f"No review of an order of {money(80)} pays above {money(price)}. At {money(above)}: "
        f"{told[:1].lower()}{told[1:]}",
        borders(**usual),
    )
