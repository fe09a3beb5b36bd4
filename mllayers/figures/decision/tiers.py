"""Tiers of a probability: what an action brings in each, and where each fires."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter

from mllayers._check import as_frame
from mllayers._words import count, dollars, money, percent
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look
from mllayers.figures.decision.ways import do_nothing
from mllayers.figures.moving import Move, Moving, small_multiples
from mllayers.figures.standing import grouped_bars

Gaps = Callable[..., Sequence[str]]
_LOOKS = {"voucher": "policy", "call": "neutral"}


@mpl.rc_context(RC)
def surest_tier(brings: pd.DataFrame, tier: Any) -> Finding:
    """What does an action bring per head, from the least sure tier to the surest?

    Parameters
    ----------
    brings : DataFrame
        A row per customer; ``voucher`` and ``call``: dollars that it brings beyond leaving the customer alone.
    tier : Series or Categorical, one per customer
        The tier of the probability of leaving, as an ordered category. A tier without customers is left out.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When a column is missing, `tier` is no category, or has another length.

    Examples
    --------
    >>> brings = pd.DataFrame({"voucher": [-2.0, 5.0, -3.0, -4.0], "call": [-9.0, 6.0, -12.0, -14.0]})
    >>> tier = pd.Categorical(["low", "middle", "sure", "sure"], ["low", "middle", "sure"], ordered=True)
    >>> surest_tier(brings, tier)
    In the tier sure (2 customers) a voucher brings −$3.50 a head (± $0.98), a call −$13 (± $1.96).
    """
    table = as_frame(brings, "brings", list(_LOOKS))[list(_LOOKS)].astype(float)
    which = pd.Series(tier)
    if not isinstance(which.dtype, pd.CategoricalDtype):
        raise TypeError("tier must be a category, as pandas.cut gives it: its order is that of the tiers")
    if len(which) != len(table):
        raise ValueError(f"tier must hold one tier per customer, {len(table)}; got {len(which)}")
    groups = table.groupby(pd.CategoricalIndex(which), observed=True)
    mean, n = groups.mean(), groups.size()
    luck = 1.96 * groups.std(ddof=1).div(n**0.5, axis=0)
    last = str(mean.index[-1])
    loses = (mean.iloc[-1] < 0).all()
    best_action = str(mean.iloc[-1].idxmax())
    title = (
        f"In the surest tier ({last}) voucher and call lose"
        if loses
        else f"In the surest tier ({last}) a {best_action} brings {dollars(mean.iloc[-1].max())} a head"
    )
    figure, [ax] = canvas(title, size=(WIDTH, 1.0 + 0.6 * len(mean)))
    grouped_bars(ax, mean, kinds=_LOOKS, words=dollars)
    do_nothing(ax)
    return Finding(
        figure,
        "Pairs of bars per tier of the probability of leaving: dollars per head of a voucher and of a call.",
        f"In the tier {last} ({count(n.iloc[-1], 'customer')}) a voucher brings {dollars(mean['voucher'].iloc[-1])} a "
        f"head (± {dollars(luck['voucher'].iloc[-1])}), a call {dollars(mean['call'].iloc[-1])} "
        f"(± {dollars(luck['call'].iloc[-1])}).",
        pd.concat([mean, luck.add_suffix(" ± (95 %)"), n.rename("customers")], axis=1),
    )


def tiers(steps: pd.DataFrame, *, gaps: Gaps) -> Moving:
    """What a policy of three thresholds earns: vouchers from one probability to another, calls from a third on.

    Parameters
    ----------
    steps : DataFrame
        A row per step of the probability of leaving, its lower end as the index, from 0 up and equally wide;
        ``voucher`` and ``call``: dollars that each brings from all customers in the step; ``customers``: how many.
    gaps : callable
        ``gaps(low, high, call_from)``: what such a policy leaves open, a sentence each; empty when nothing is.

    Returns
    -------
    Moving
        Takes ``low``, ``high`` and ``call_from``, probabilities.

    Raises
    ------
    TypeError, ValueError
        When a column is missing, or the index does not begin at 0 or is not increasing.

    Examples
    --------
    >>> steps = {"voucher": [-90.0, 40.0], "call": [-400.0, 10.0], "customers": [80, 20]}
    >>> figure = tiers(pd.DataFrame(steps, index=[0.0, 0.5]), gaps=lambda low, high, call_from: [])
    >>> figure.says(low=0.5, high=1.0, call_from=1.0)
    'No gap. It earns $40; doing nothing $0.'
    """
    table = _steps(steps)
    heads = table[list(_LOOKS)].div(table["customers"].where(table["customers"] >= 20), axis=0)

    def draw(place: Figure | SubFigure) -> Move:
        above, ax = place.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        middle = table.index.to_numpy(float) + table.index[1] / 2
        for (name, kind), line in zip(_LOOKS.items(), ("-", "--"), strict=True):
            above.plot(middle, heads[name], line, color=look(kind).colour, label=name)
        above.axhline(0, linestyle=look("nothing").line, color=look("nothing").colour, label="do nothing")
        above.set(ylim=(-18, 18), ylabel="$ a head")
        above.legend(
            loc="lower right",
            bbox_to_anchor=(1.01, 0.98),
            ncols=3,
            handlelength=1.4,
            columnspacing=0.9,
            handletextpad=0.4,
        )
        ax.set(xlim=(0, 1), xlabel="probability of leaving", yticks=[0, 1, 2], yticklabels=["nothing", *_LOOKS])
        ax.set_ylim(2.6, -0.6)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: percent(x, 0)))
        kinds = ["nothing", *_LOOKS.values()]
        bars = [ax.barh(row, 1, color=look(kind).colour, hatch=look(kind).hatch)[0] for row, kind in enumerate(kinds)]
        for bar in bars:
            bar.set_in_layout(False)

        def move(low: float, high: float, call_from: float) -> list[Artist]:
            for bar, start, end in zip(bars, (0.0, low, call_from), (low, high, 1.0), strict=True):
                bar.set(x=start, width=max(end - start, 0.0))
            return list(bars)

        return move

    def says(low: float, high: float, call_from: float) -> str:
        open_points = list(gaps(low=low, high=high, call_from=call_from))
        if open_points:
            return f"Refused: {'; '.join(open_points)}."
        return f"No gap. It earns {money(_earns(table, low, high, call_from))}; doing nothing {money(0)}."

    return Moving(
        draw=draw,
        title="What an action brings, and where it fires",
        alt="Over the probability of leaving: dollars a head of a voucher and of a call, and below where each fires.",
        says=says,
    )


@mpl.rc_context(RC)
def best_two_thresholds(
    steps: pd.DataFrame, *, slide: tuple[float, float], best: tuple[float, float], gaps: Gaps
) -> Finding:
    """Where do the best tiers begin, beside those of the slide?

    Parameters
    ----------
    steps, gaps
        As in `tiers`.
    slide, best : (float, float)
        Vouchers from the first probability to the second, calls from the second on.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        As `tiers`.

    Examples
    --------
    >>> steps = {"voucher": [-90.0, 40.0, -9.0], "call": [-400.0, 10.0, -20.0], "customers": [80, 20, 20]}
    >>> steps = pd.DataFrame(steps, index=[0.0, 0.4, 0.8])
    >>> best_two_thresholds(steps, slide=(0.8, 1), best=(0.4, 0.8), gaps=lambda low, high, call_from: [])
    The slide earns −$9; the best two thresholds, 40 % and 80 %, $20. Within 5 % of it: vouchers from 40 % to 40 %.
    """
    table = _steps(steps)
    settings = {
        name: {"low": low, "high": high, "call_from": high}
        for name, (low, high) in {"the slide": slide, "the best two thresholds": best}.items()
    }
    earns = {name: _earns(table, **values) for name, values in settings.items()}
    most = earns["the best two thresholds"]
    starts = [low for low in table.index if low <= best[1]]
    near = [low for low in starts if _earns(table, low, best[1], best[1]) >= most - 0.05 * abs(most)] or [best[0]]
    earlier = "earlier" if best[0] < slide[0] else "later"
    title = f"The best vouchers begin {earlier}: at {percent(best[0], 0)}, not {percent(slide[0], 0)}"
    if best[0] == slide[0]:
        title = f"The best vouchers begin where the slide's do: at {percent(best[0], 0)}"
    figure = small_multiples(tiers(table, gaps=gaps).draw, settings, title=title)
    return Finding(
        figure,
        "Two copies of the same picture: where voucher and call fire on the slide, and with the best two thresholds.",
        f"The slide earns {money(earns['the slide'])}; the best two thresholds, {percent(best[0], 0)} and "
        f"{percent(best[1], 0)}, {money(most)}. Within 5 % of it: vouchers from {percent(min(near), 0)} to "
        f"{percent(max(near), 0)}.",
        table.assign(**{f"{name} per head": table[name] / table["customers"] for name in _LOOKS}),
    )


def _steps(steps: pd.DataFrame) -> pd.DataFrame:
    table = as_frame(steps, "steps", [*_LOOKS, "customers"])[[*_LOOKS, "customers"]].astype(float)
    table.index = pd.Index(np.asarray(table.index, float))
    if len(table) < 2 or table.index[0] != 0 or not table.index.is_monotonic_increasing:
        raise ValueError(f"steps must have at least two rows, from 0 up; got {table.index[:3].tolist()}")
    return table


def _earns(table: pd.DataFrame, low: float, high: float, call_from: float) -> float:
    """Dollars of vouchers from one threshold to the other and calls from the third on."""
    start = table.index.to_numpy() + 1e-9
    vouchers = table["voucher"][(start >= low) & (start < high)].sum()
    return float(vouchers + table["call"][start >= call_from].sum())
