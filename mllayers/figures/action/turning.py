"""What turns the advice round: who would have come anyway, other worlds and assumptions, a small pilot, the price."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike

from mllayers._check import as_frame, as_numbers, one_of, same_cases
from mllayers._words import count, money, percent
from mllayers.figures.action.lists import meanings_of
from mllayers.figures.base import FACE, INK, RC, WIDTH, Finding, canvas, look
from mllayers.figures.moving import Move, Moving
from mllayers.figures.standing import spread
from mllayers.figures.strokes import _rows, _span

Total = Callable[[float, float, bool], float]


def would_come_anyway(total: Total) -> Moving:
    """What does a campaign earn, by the share who would have come anyway, the price, and when it is paid?

    Parameters
    ----------
    total : callable
        ``total(share, voucher, when_used)`` gives the dollars of the campaign; on a straight line in ``share``.

    Returns
    -------
    Moving
        With the controls ``share`` (0 to 1), ``voucher`` (dollars) and ``when_used``.

    Examples
    --------
    >>> campaign = would_come_anyway(lambda share, voucher, used: 40_000 * (1 - share) - voucher * 10_000)
    >>> campaign.says(share=0.5, voucher=1, when_used=False)
    '$1, paid when sent, 50 % would have come anyway: $10.0k. It loses above 75 %.'
    """
    if not callable(total):
        raise TypeError(f"total must be a function of share, voucher and when_used; got {total!r}")

    def says(share: float, voucher: float, when_used: bool) -> str:
        none, everybody = total(0.0, voucher, when_used), total(1.0, voucher, when_used)
        told = f"{money(voucher)}, paid when {'used' if when_used else 'sent'}, {percent(share, 0)} would have come "
        told += f"anyway: {money(total(share, voucher, when_used))}. "
        if none > 0 > everybody:
            return told + f"It loses above {percent(none / (none - everybody), 0)}."
        if none <= 0:
            return told + "It never earns, whatever the share."
        return told + "It never loses, whatever the share."

    def draw(place: Figure | SubFigure) -> Move:
        ax = place.subplots()
        ax.set(xlim=(0, 1), xlabel="share who would have come anyway", ylim=(-110_000, 50_000), ylabel="earned")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: percent(x, 0)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: money(y)))
        style, nothing = look("policy"), look("nothing")
        ax.axhline(0, linestyle=nothing.line, color=nothing.colour)
        ax.text(0.99, 2_000, "send none", ha="right", va="bottom")
        (line,) = ax.plot([], [], style.line, color=style.colour)
        (dot,) = ax.plot([], [], style.marker, color=style.colour, markersize=11, clip_on=False)

        def move(share: float, voucher: float, when_used: bool) -> list[Artist]:
            line.set_data([0, 1], [total(end, voucher, when_used) for end in (0.0, 1.0)])
            dot.set_data([share], [total(share, voucher, when_used)])
            return [line, dot]

        return move

    alt = (
        "A falling line of dollars over the share who would have come anyway, a dotted line at zero, and a movable dot."
    )
    return Moving(draw, "Who would have come anyway?", alt, says, (WIDTH, 3.2))


@mpl.rc_context(RC)
def other_worlds(worlds: pd.DataFrame, *, ours: str, kinds: Mapping[str, str] | None = None) -> Finding:
    """What does each list earn in other worlds, and does the order hold?

    Parameters
    ----------
    worlds : DataFrame
        A row per world, a column per list: dollars beyond sending none.
    ours : str
        The list that is compared with all that are no bound.
    kinds : mapping of column to meaning, optional
        Every list's meaning (`LOOKS`); by default read from its name, as in `four_meanings`.

    Returns
    -------
    Finding

    Examples
    --------
    >>> table = pd.DataFrame({"everyone": [-3.0e5, -2.9e5], "P = uplift": [5.2e5, 5.4e5]})
    >>> other_worlds(table, ours="P = uplift")
    P = uplift earns $530k on average ($520k to $540k) and is ahead of every other list that a team can have in 2 of \
2 worlds. Worlds in which a list loses: everyone in 2. Sending none: $0.
    """
    kinds = kinds or meanings_of(as_frame(worlds, "worlds").columns)
    table = as_frame(worlds, "worlds", list(kinds))
    mine = table[one_of(ours, "ours", list(kinds))]
    rivals = [name for name in kinds if kinds[name] != "bound" and name != ours]
    ahead = int((mine > table[rivals].max(axis=1)).sum()) if rivals else len(table)
    told = f"{ours} earns {money(mine.mean())} on average ({money(mine.min())} to {money(mine.max())}) and is ahead of "
    told += f"every other list that a team can have in {ahead} of {len(table)} worlds. "
    losing = [f"{name} in {(table[name] < 0).sum()}" for name in rivals if (table[name] < 0).any()]
    told += f"Worlds in which a list loses: {', '.join(losing)}. " if losing else "No list loses in any of them. "
    figure, [ax] = canvas(
        f"{ours} is ahead in {ahead} of {count(len(table), 'world')}", size=(WIDTH, 0.9 + 0.47 * len(kinds))
    )
    spread(ax, table[list(kinds)], kinds=kinds, level=("send none", 0.0))
    for marks in ax.lines:
        marks.set_alpha(1)  # clear colours survive the small palette of a stored picture
    ax.set_yticks(range(len(kinds)), list(kinds))
    alt = "Dots of dollars, one per world, in a row for each list, and a line at zero. Means: "
    alt += ", ".join(f"{name} {money(table[name].mean())}" for name in kinds) + "."
    return Finding(figure, alt, f"{told}Sending none: {money(0)}.", table)


@mpl.rc_context(RC)
def what_turns_it(assumptions: pd.DataFrame, *, ours: str, kinds: Mapping[str, str] | None = None) -> Finding:
    """Which assumption turns a loss into a gain, or the order of the lists?

    Parameters
    ----------
    assumptions : DataFrame
        Dollars of each list (a column) under each assumption (a row), the first row as things are: means over worlds.
    ours : str
        The list that is advised; where another earns more, the sentence says so.
    kinds : mapping of column to meaning, optional
        Every list's meaning (`LOOKS`); by default read from its name, as in `four_meanings`.

    Returns
    -------
    Finding

    Examples
    --------
    >>> table = pd.DataFrame({"everyone": [-3.0e5, 5.6e5], "P = uplift": [5.3e5, 1.04e6]})
    >>> table.index = ["as it is", "paid when used"]
    >>> what_turns_it(table, ours="P = uplift")
    What changes its sign: paid when used (everyone −$300k → $560k). P = uplift is best in 2 of 2 rows.
    """
    kinds = kinds or meanings_of(as_frame(assumptions, "assumptions").columns)
    table = as_frame(assumptions, "assumptions", list(kinds))[list(kinds)]
    one_of(ours, "ours", list(kinds))
    table = table.set_axis([str(name) for name in table.index])
    first, told, largest, title = table.iloc[0], [], -1.0, "No assumption turns a gain into a loss, or back"
    for what, row in table.iloc[1:].iterrows():
        turned = [name for name in table.columns if (row[name] > 0) != (first[name] > 0)]
        changes = [f"{name} {money(first[name])} → {money(row[name])}" for name in turned]
        told += [f"{what} ({', '.join(changes)})"] if turned else []
        for name in turned:
            if abs(row[name] - first[name]) > largest:
                largest = abs(row[name] - first[name])
                title = f"{str(what).capitalize()}: {name} turns from {money(first[name])} to {money(row[name])}"
    best = [str(table.columns[place]) for place in table.to_numpy(float).argmax(axis=1)]
    beaten = [f"{name} ({row})" for row, name in zip(table.index, best, strict=True) if name != ours]
    says = f"What changes its sign: {'; '.join(told)}. " if told else "No sign changes. "
    says += f"{ours} is best in {len(table) - len(beaten)} of {len(table)} rows"
    says += f"; elsewhere {', '.join(beaten)}." if beaten else "."
    figure, [ax] = canvas(title, size=(WIDTH, 1.5 + 0.3 * len(table)))
    y = _rows(ax, list(table.index))
    ax.set_yticks(y, list(table.index))
    _span(ax, table.to_numpy(float), before=0.05, after=0.05)
    style = look("nothing")
    ax.axvline(0, linestyle=style.line, color=style.colour)
    ax.hlines(y, table.min(axis=1), table.max(axis=1), color=look("neutral").colour, linewidth=0.8)
    drawn: list[str] = []
    for name in table.columns:
        style, fill = look(kinds[name]), "none" if kinds[name] in drawn else "full"  # a second one of a kind is hollow
        drawn.append(kinds[name])
        ax.plot(table[name], y, style.marker, color=style.colour, fillstyle=fill, markersize=9, label=name)
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: money(x)))
    ax.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1.0), handlelength=1.0, columnspacing=1)
    alt = (
        f"A row of marks for each of {len(table)} assumptions, one mark per list, on a scale of dollars with a line at "
    )
    return Finding(figure, f"{alt}zero.", says, table)


@mpl.rc_context(RC)
def pilot_size(runs: pd.DataFrame, *, beside: float, beside_name: str, price: Mapping[int, float]) -> Finding:
    """How large must a pilot be, and when does it cost more than it adds?

    Parameters
    ----------
    runs : DataFrame
        Dollars of the list that each pilot taught: a row per pilot, a column per size, increasing.
    beside : float
        What the list earns that is to be beaten.
    beside_name : str
        What that list is called.
    price : mapping of size to float
        Dollars that a pilot of this size costs.

    Returns
    -------
    Finding

    Examples
    --------
    >>> table = pd.DataFrame({1_000: [-80.0, 300.0, 400.0], 5_000: [350.0, 480.0, 500.0]})
    >>> pilot_size(table, beside=150, beside_name="one average effect", price={1_000: 1.0, 5_000: 4.0})
    Of 3 pilots of 1,000, 1 does not beat one average effect ($150) and 1 loses money; from 5,000 on all do. Paid for \
itself, a pilot of 5,000 leaves most: $439 on average.
    """
    table = as_frame(runs, "runs")
    sizes = [int(str(size)) for size in table.columns]
    if sizes != sorted(set(sizes)):
        raise ValueError(f"runs must have a column for each size, increasing; got {sizes}")
    behind, loses = table.le(beside).sum(), table.lt(0).sum()
    left = table.mean() - pd.Series([price[size] for size in sizes], index=table.columns)
    short = [size for size in sizes if behind[size]]
    held = [size for size in sizes if size > max(short, default=0)]
    told = ""
    if short:
        told = f"Of {len(table)} pilots of {short[-1]:,}, {behind[short[-1]]} "
        told += f"{'does' if behind[short[-1]] == 1 else 'do'} not beat {beside_name} ({money(beside)}) and "
        told += f"{loses[short[-1]]} {'loses' if loses[short[-1]] == 1 else 'lose'} money; "
    told += f"from {held[0]:,} on all do. " if held else "no size is enough. "
    most = sizes[int(left.to_numpy().argmax())]
    told += f"Paid for itself, a pilot of {most:,} leaves most: {money(left.max())} on average."
    title = (
        f"From {held[0]:,} customers on, all {len(table)} pilots teach enough" if held else "No pilot is large enough"
    )
    figure, [ax] = canvas(title, size=(WIDTH, 3.4))
    style, sees, nothing = look("policy"), look("sees"), look("nothing")
    for size in sizes:
        ax.plot([size] * len(table), table[size], "o", color=style.colour, markersize=3.5, alpha=0.45)
    ax.plot(sizes, left, style.line, color=style.colour, marker=style.marker)
    ax.axhline(beside, linestyle=sees.line, color=sees.colour)
    ax.axhline(0, linestyle=nothing.line, color=nothing.colour)
    ax.set(xscale="log", xlabel="customers in the pilot", ylabel="earned, a dot for each pilot")
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: money(y)))
    ends = {"mean, the pilot paid for": left.iloc[-1], beside_name: beside, "send none": 0.0}
    for name, height in ends.items():
        spot, on = (1.02, float(height)), ("axes fraction", "data")
        ax.annotate(textwrap.fill(name, 16), spot, xycoords=on, va="center", annotation_clip=False)
    alt = "Dots of dollars, one per pilot, above each size; they draw together and rise above a dashed line of "
    table = pd.DataFrame({"mean": table.mean(), "worst": table.min(), "behind": behind, "lose": loses, "net": left})
    return Finding(figure, f"{alt}{beside_name}.", told, table.rename_axis("customers in the pilot"))


def value_and_uplift(values: ArrayLike, uplift: ArrayLike, brings: ArrayLike) -> Moving:
    """Whom is a voucher worth, at each price: customers by value and uplift, and the curve that parts them.

    Parameters
    ----------
    values : array of shape (n,)
        Dollars that leave with each customer.
    uplift : array of shape (n,)
        By how much a voucher is estimated to lower each one's probability of leaving.
    brings : array of shape (n,)
        Dollars that a voucher brings in truth, before its price.

    Returns
    -------
    Moving
        With the control ``voucher``, the price in dollars.

    Examples
    --------
    >>> plane = value_and_uplift([100.0, 100.0], [0.06, 0.02], [7.0, 1.0])
    >>> plane.says(voucher=5)
    'At $5, 1 of 2 customers lie above the curve and earn $2 in truth; who is worth $100 needs 5.0 points.'
    """
    same_cases(values=values, uplift=uplift, brings=brings)
    worth, change, gain = (
        as_numbers(x, name) for x, name in ((values, "values"), (uplift, "uplift"), (brings, "brings"))
    )
    x, y = np.geomspace(10, 3_000, 60), np.linspace(-0.10, 0.30, 50)
    crowd = np.histogram2d(worth, change, bins=[x, y])[0]

    def says(voucher: float) -> str:
        above = worth * change > voucher
        told = f"At {money(voucher)}, {above.sum():,} of {len(worth):,} customers lie above the curve and earn "
        told += f"{money((gain[above] - voucher).sum())} in truth; "
        return f"{told}who is worth {money(100)} needs {voucher:.1f} points."

    def draw(place: Figure | SubFigure) -> Move:
        ax = place.subplots()
        ax.pcolormesh(x, y, np.log1p(crowd.T), cmap="Greys")
        colour = look("policy").colour
        (curve,) = ax.plot([], [], color=colour, linewidth=3)
        named = ax.text(0, 0, "", color=colour, weight="bold", bbox={"facecolor": FACE, "linewidth": 0})
        ax.axhline(0, color=INK, linewidth=1)
        ax.set(xscale="log", xlim=(10, 3_000), ylim=(-0.10, 0.30), xlabel="value of the customer", ylabel="uplift")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: money(v)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: percent(v, 0)))

        def move(voucher: float) -> list[Any]:
            curve.set_data(x, voucher / x)
            named.set_position((max(5 * voucher, 11), 0.25))
            named.set_text(f"{money(voucher)} = uplift × value")
            return [curve, named]

        return move

    alt = "A grey cloud of customers by value and uplift, and a falling curve: above it a voucher pays."
    return Moving(draw, "Above the curve a voucher pays", alt, says, (WIDTH, 3.6))
