"""What a loop learns from, and what it stays blind to."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd

from mllayers._check import as_frame
from mllayers._words import money, percent
from mllayers.figures.base import INK, RC, WIDTH, Finding, canvas, look
from mllayers.figures.feedback.ends import TEAMS, WITHOUT_A_MODEL, _named_lines


@mpl.rc_context(RC)
def labels_ripen(rates: pd.DataFrame) -> Finding:
    """How much of the final rate has each month shown so far, and what does the correction make of it?

    Parameters
    ----------
    rates : DataFrame
        A row per month (index), in order, with the columns ``rate so far``, ``corrected`` and ``in the end``: shares of
        the orders. A month that cannot be corrected yet is missing in ``corrected``.

    Returns
    -------
    Finding

    Examples
    --------
    >>> rates = pd.DataFrame({"rate so far": [0.010, 0.002], "corrected": [0.010, 0.012], "in the end": [0.01, 0.01]})
    >>> labels_ripen(rates.rename_axis("month"))
    Month 1: 0.20 % reported so far, corrected 1.20 %, in the end 1.00 %; the oldest month, 0, stands at 1.00 % already.
    """
    kinds = {"rate so far": "sees", "corrected": "policy", "in the end": "truth"}
    table = as_frame(rates, "rates", list(kinds))[list(kinds)].astype(float)
    old, young = table.iloc[0], table.iloc[-1]
    title = "Nobody has reported anything of the youngest month, and nobody will"
    if young["in the end"] > 0:
        title = f"Of the youngest month's reports, {percent(young['rate so far'] / young['in the end'], 0)} are in"
    figure, [ax] = canvas(title, size=(WIDTH, 2.8))
    _named_lines(ax, table.replace([np.inf, -np.inf], np.nan), kinds=kinds, words=lambda x: percent(x, 2), room=0.5)
    ax.set_ylabel("share reported")
    ax.yaxis.set_major_formatter(lambda x, _: percent(x, 2))
    mended = percent(young["corrected"], 2) if np.isfinite(young["corrected"]) else "not yet possible"
    return Finding(
        figure,
        "Three lines over the months: the share reported so far, the corrected share and the share in the end.",
        f"Month {table.index[-1]}: {percent(young['rate so far'], 2)} reported so far, corrected {mended}, in the end "
        f"{percent(young['in the end'], 2)}; the oldest month, {table.index[0]}, stands at "
        f"{percent(old['rate so far'], 2)} already.",
        table,
    )


@mpl.rc_context(RC)
def what_a_team_learns_from(gaps: pd.DataFrame) -> Finding:
    """What does each team lose, compared with a clairvoyant, month by month?

    Parameters
    ----------
    gaps : DataFrame
        A row per month (index), a column per team: the gap to perfect decisions so far, in dollars, at most 0. Known
        names get their look; ``every label``, ``ship everything`` and ``old rules`` are no teams to choose from.

    Returns
    -------
    Finding

    Examples
    --------
    >>> gaps = pd.DataFrame({"open": [-9e4, -2e5], "closed": [-5e4, -9e4], "explore": [-6e4, -8e4]}, [6, 7])
    >>> what_a_team_learns_from(gaps.rename_axis("month"))
    Lost by month 7: open $200k, closed $90.0k, explore $80.0k. To learn again each month (closed, not open) saves \
$110k; explore saves another $10.0k, its reviews paid.
    """
    table = as_frame(gaps, "gaps").astype(float)
    lost = -table.iloc[-1].sort_values()
    teams = lost.drop(["every label", *WITHOUT_A_MODEL], errors="ignore")
    teams = teams if len(teams) else lost
    title = f"Every team loses {money(lost.iloc[0])}"
    if teams.max() > teams.min():
        title = f"In this world {teams.idxmin()} loses {money(teams.min())}, {teams.idxmax()} {money(teams.max())}"
    figure, [ax] = canvas(title, size=(WIDTH, 3.4))
    _named_lines(ax, table, kinds=TEAMS, room=0.4)
    ax.set_ylabel("dollars behind a clairvoyant")
    ax.yaxis.set_major_formatter(lambda x, _: money(x))
    ax.axhline(0, color=look("truth").colour, linewidth=1)
    told = f"Lost by month {table.index[-1]}: " + ", ".join(f"{name} {money(x)}" for name, x in lost.items()) + "."
    if {"open", "closed", "explore"} <= set(lost.index):
        closing, audit = lost["open"] - lost["closed"], lost["closed"] - lost["explore"]
        told += f" To learn again each month (closed, not open) {_saves(closing)}; "
        told += f"explore {_saves(audit, 'another ')}, its reviews paid."
    return Finding(
        figure,
        f"A falling line for each team over the months, all starting near zero; {teams.idxmax()} ends lowest.",
        told,
        table.round(0),
    )


@mpl.rc_context(RC)
def what_still_ships(shares: pd.DataFrame, kinds: Sequence[str]) -> Finding:
    """How much of each fraud pattern does each team still ship, month by month?

    Parameters
    ----------
    shares : DataFrame
        Indexed by ``month`` and ``kind``, a column per team with the share of such orders that ships; ``closed`` and
        ``explore`` must be there. Missing where the month has no such order.
    kinds : sequence of str
        The patterns to draw, a panel for each that there is, at most three; the title tells of the last.

    Returns
    -------
    Finding

    Examples
    --------
    >>> rows = pd.MultiIndex.from_product([[6, 7], ["C", "B"]], names=["month", "kind"])
    >>> shares = pd.DataFrame({"closed": [0.9, 1.0, 0.3, 0.9], "explore": [0.9, 0.9, 0.4, 0.2]}, rows)
    >>> what_still_ships(shares, ["C", "B"])
    In month 7 closed still ships 30 % of C and 90 % of B; explore ships 40 % of C and 20 % of B.
    """
    table = as_frame(shares, "shares", ["closed", "explore"]).astype(float)
    if list(table.index.names) != ["month", "kind"]:
        raise ValueError(f"shares must be indexed by month and kind; got {list(table.index.names)}")
    if not 1 <= len(kinds) <= 3:
        raise ValueError(f"kinds must name one to three patterns; got {len(kinds)}")
    where = table.index.get_level_values("kind")
    panels = {kind: table[where == kind].droplevel("kind").dropna(how="all") for kind in kinds}
    absent = [kind for kind in kinds if panels[kind].empty]
    panels = {kind: panel for kind, panel in panels.items() if not panel.empty}
    if not panels:
        raise ValueError(f"shares must hold a number for one of kinds at least; got none for {', '.join(absent)}")
    now = {kind: panel.iloc[-1] for kind, panel in panels.items()}
    last = list(panels)[-1]
    title = f"Of {last}, closed still ships {percent(now[last]['closed'], 0)}, "
    title += f"explore {percent(now[last]['explore'], 0)}"
    figure, axes = canvas(title, columns=len(panels), size=(WIDTH, 3.4))
    for ax, (kind, panel) in zip(axes, panels.items(), strict=True):
        _named_lines(ax, panel, kinds=TEAMS, words=lambda x: percent(x, 0), limits=(-0.04, 1.1), room=0.85)
        ax.set_title(f"share of {kind} that ships")
        ax.yaxis.set_major_formatter(lambda x, _: percent(x, 0))
    told = {
        team: " and ".join(f"{percent(row[team], 0)} of {kind}" for kind, row in now.items())
        for team in ("closed", "explore")
    }
    return Finding(
        figure,
        f"A panel for each pattern ({', '.join(panels)}), a line for each team over the months: the share that ships.",
        f"In month {table.index[-1][0]} closed still ships {told['closed']}; explore ships {told['explore']}."
        + (f" There is no order of {' and '.join(absent)}." if absent else ""),
        pd.concat(panels, axis=1).sort_index().round(3),
    )


@mpl.rc_context(RC)
def confidently_wrong(ratios: pd.DataFrame) -> Finding:
    """Fraud promised for each fraud that came: by the team's own labels, and in truth.

    Parameters
    ----------
    ratios : DataFrame
        A row per month (index), with the columns ``closed, by its labels``, ``closed, in truth`` and
        ``explore, in truth``: fraud promised over fraud reported, or shipped. 1 is a promise kept; infinite or missing
        where nothing came.

    Returns
    -------
    Finding

    Examples
    --------
    >>> columns = ["closed, by its labels", "closed, in truth", "explore, in truth"]
    >>> confidently_wrong(pd.DataFrame([[40, 0.4, 0.6], [1.1, 0.3, 0.8]], [6, 17], columns).rename_axis("month"))
    In month 17 the closed loop promises 0.30 frauds for each that ships, explore 0.80. By the closed loop's own \
labels this number lies anywhere from 1.1 to 40 over the year, and at 1.10 in month 17.
    """
    kinds = {"closed, by its labels": "sees", "closed, in truth": "truth", "explore, in truth": "policy"}
    table = as_frame(ratios, "ratios", list(kinds))[list(kinds)].astype(float)
    own, true, explore = (table[name] for name in kinds)
    shown = pd.DataFrame(np.log10(table.where((table > 0) & np.isfinite(table))))
    title = f"The closed loop promises {_times(true.iloc[-1])} the fraud that it ships"
    figure, [ax] = canvas(title, size=(WIDTH, 3.2))
    limits = (min(-1.0, shown.min().min()) - 0.1, max(1.0, shown.max().max()) + 0.1)
    _named_lines(ax, shown, kinds=kinds, words=lambda x: f"{10.0**x:.2f}", limits=limits, room=0.55)
    ax.set_ylabel("promised for each that came")
    ax.set_yticks([tick for tick in (-2, -1, 0, 1, 2) if limits[0] <= tick <= limits[1]])
    ax.yaxis.set_major_formatter(lambda x, _: f"{10.0**x:g}" if x else "1 = kept")
    ax.plot(table.index[[0, -1]].to_numpy(float), [0, 0], color=INK, linewidth=1)
    heard = own[np.isfinite(own)]
    said = "can never be counted"
    if len(heard):
        said = f"lies anywhere from {_two(heard.min())} to {_two(heard.max())} over the year"
        said += f", and at {own.iloc[-1]:.2f} in month {table.index[-1]}" if np.isfinite(own.iloc[-1]) else ""
    return Finding(
        figure,
        "Three lines over the months on a logarithmic scale: the closed loop by its own labels swings widely, in truth "
        "it and explore move slowly; a line at one marks a promise kept.",
        f"In month {table.index[-1]} the closed loop promises {true.iloc[-1]:.2f} frauds for each that ships, explore "
        f"{explore.iloc[-1]:.2f}. By the closed loop's own labels this number {said}.",
        table.round(2),
    )


def _saves(dollars: float, more: str = "") -> str:
    if dollars == 0:
        return "changes nothing"
    return f"saves {more}{money(dollars)}" if dollars > 0 else f"costs {money(-dollars)}"


def _two(x: float) -> str:
    return f"{x:.2g}"


def _times(ratio: float) -> str:
    """A ratio as it is said: 35 % of, 1.8 times."""
    if not np.isfinite(ratio):
        return "more than"
    return f"{percent(ratio, 0)} of" if ratio < 1 else f"{ratio:.1f} times"
