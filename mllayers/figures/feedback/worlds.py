"""The same question asked in several worlds: does it hold, and who pays for it?"""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure
from scipy import stats

from mllayers._check import as_frame, as_number
from mllayers._words import count, money, percent
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look
from mllayers.figures.feedback.ends import TEAMS
from mllayers.figures.moving import Move, Moving, curves_at
from mllayers.figures.standing import spread
from mllayers.figures.strokes import _beside, _rows, _span


def audit_share(gains: pd.DataFrame) -> Moving:
    """What does a random audit of each share bring, beyond no audit?

    Parameters
    ----------
    gains : DataFrame
        A row per share audited (index, increasing, at least two), a column per world: dollars beyond what the same team
        earns without an audit, reviews paid.

    Returns
    -------
    Moving
        Takes ``share``. The line is the mean of the worlds, the band reaches from the lowest to the highest.

    Examples
    --------
    >>> shares = pd.Index([0.0, 0.01, 0.04], name="share")
    >>> audit_share(pd.DataFrame({2027: [0, 900, -500], 2028: [0, 700, -100]}, shares)).says(share=0.01)
    '1.00 % audited: $800 beyond no audit in the mean of 2 worlds ($700 to $900).'
    """
    table = as_frame(gains, "gains").astype(float)
    x = table.index.to_numpy(float)
    if len(x) < 2 or (np.diff(x) <= 0).any():
        raise ValueError(f"gains must have an increasing index of at least two shares; got {x.tolist()}")
    worlds = count(table.shape[1], "world")
    ends = pd.DataFrame({"mean": table.mean(axis=1), "low": table.min(axis=1), "high": table.max(axis=1)})

    def draw(place: Figure | SubFigure) -> Move:
        ax = place.subplots()
        style = look("policy")
        name = f"mean of {worlds}"
        labels: Any = {
            "xlabel": "share audited at random",
            "ylabel": "dollars beyond no audit",
            "kinds": {name: "policy"},
        }
        curve = ends[["mean"]].set_axis([name], axis=1).rename_axis("share")
        move = curves_at(ax, curve, **labels, words=(percent, money), level=("no audit", 0.0))
        ax.fill_between(x, ends["low"], ends["high"], color=style.colour, alpha=0.2, linewidth=0)
        ax.plot(x, ends["mean"], ".", color=style.colour)
        far = np.append(True, np.diff(x) > 0.1 * (x[-1] - x[0]))
        ax.set_xticks(x[far])
        low, high = min(0.0, ends["low"].min()), max(0.0, ends["high"].max())
        ax.set_ylim(low - 0.06 * ((high - low) or 1.0), high + 0.06 * ((high - low) or 1.0))
        return move

    def says(share: float) -> str:
        at = as_number(share, "share", ge=float(x[0]), le=float(x[-1]))
        mean, low, high = (float(np.interp(at, x, ends[name])) for name in ends)
        told = f"{percent(at, 2)} audited: {money(mean)} beyond no audit in the mean of {worlds}"
        return f"{told} ({money(low)} to {money(high)})."

    return Moving(
        draw,
        title=f"What a random audit brings, share by share, in {worlds}",
        alt="A line with a band over the share audited, beside a level for no audit: what the audit brings in dollars.",
        says=says,
        size=(WIDTH, 3.4),
    )


@mpl.rc_context(RC)
def when_an_audit_pays(gains: pd.DataFrame) -> Finding:
    """What does a random audit bring beyond the closed loop, in each of several settings and worlds?

    Parameters
    ----------
    gains : DataFrame
        A row per world (at least two), a column per setting: dollars that the team with an audit earns beyond the
        closed loop on the same orders, reviews paid. Missing where a world was not run.

    Returns
    -------
    Finding
        With a 95 % interval of the mean over worlds (Student's t).

    Examples
    --------
    >>> when_an_audit_pays(pd.DataFrame({"large desk": [9e4, 8e4, 9e4], "all is reported": [-9e3, -1e4, -8e3]}))
    Mean of the worlds, with its 95 % interval: large desk $86.7k ($72.3k to $101k), all is reported −$9,000 (−$11.5k \
to −$6,516).
    """
    table = as_frame(gains, "gains").astype(float)
    n = table.notna().sum()
    if n.min() < 2:
        raise ValueError(f"gains must hold at least two worlds for each setting; got {n.min()} for {n.idxmin()}")
    half = stats.t.ppf(0.975, n - 1) * table.std() / np.sqrt(n)
    ends = pd.DataFrame({"mean": table.mean(), "low": table.mean() - half, "high": table.mean() + half, "worlds": n})
    pays, loses = ends.index[ends["low"] > 0], ends.index[ends["high"] < 0]
    title = f"The audit surely pays in {len(pays)} of {count(len(ends), 'setting')}, surely loses in {len(loses)}"
    figure, [ax] = canvas(title, size=(WIDTH, 1.0 + 0.52 * len(ends)))
    y = _rows(ax, list(ends.index))
    _span(ax, [*table.to_numpy().ravel(), *ends["low"], *ends["high"], 0.0], before=0.06, after=0.5, zero=False)
    nothing = look("nothing")
    ax.axvline(0, linestyle=nothing.line, color=nothing.colour)
    ax.text(0, -0.62, "closed loop: $0", ha="center", va="bottom")
    for at, (name, row) in zip(y, ends.iterrows(), strict=True):
        style = look("policy" if name in pays else "sees" if name in loses else "neutral")
        dots = table[name].to_numpy()
        ax.plot(dots, np.full(len(dots), at - 0.2), ".", color=style.colour, alpha=0.75)
        ax.plot([row["low"], row["high"]], [at + 0.08] * 2, color=style.colour, linewidth=2.5)
        ax.plot(row["mean"], at + 0.08, style.marker, color=style.colour, markersize=9)
        _beside(ax, float(np.nanmax([*dots, row["high"], 0.0])), at, f"mean {money(row['mean'])}")
    told = [f"{name} {money(r['mean'])} ({money(r['low'])} to {money(r['high'])})" for name, r in ends.iterrows()]
    return Finding(
        figure,
        "A row for each setting: small dots for the worlds, a larger one with its interval for their mean, beside a "
        "line at zero for the closed loop.",
        f"Mean of the worlds, with its 95 % interval: {', '.join(told)}.",
        ends.round(0),
    )


@mpl.rc_context(RC)
def who_pays(blocked: pd.DataFrame, known: pd.DataFrame) -> Finding:
    """Which share of the honest orders of a new market does each team block, in each world?

    Parameters
    ----------
    blocked : DataFrame
        A row per world, a column per team: the share of the new market's honest orders that were blocked.
    known : DataFrame
        The same for the honest orders of the customers that the shop knew before.

    Returns
    -------
    Finding

    Examples
    --------
    >>> who_pays(pd.DataFrame({"open": [0.26, 0.25], "closed": [0.01, 0.02]}),
    ...          pd.DataFrame({"open": [0.001, 0.001], "closed": [0.001, 0.001]}))
    Honest orders of the new market that are blocked, mean of 2 worlds: open 25.5 % (25.0 % to 26.0 %), closed 1.5 % \
(1.0 % to 2.0 %). Of other honest orders: open 0.10 %, closed 0.10 %.
    """
    table = as_frame(blocked, "blocked").astype(float)
    others = as_frame(known, "known", list(table.columns))[list(table.columns)].astype(float)
    mean = table.mean()
    title = f"{mean.idxmax()} blocks {percent(mean.max())} of the new market's honest orders".capitalize()
    if mean.max() > mean.min():
        title += f", {mean.idxmin()} {percent(mean.min())}"
    figure, [ax] = canvas(title, size=(WIDTH, 1.0 + 0.55 * len(mean)))
    kinds = {str(name): TEAMS.get(str(name), "neutral") for name in table}
    spread(ax, table, kinds=kinds, words=percent, level=("nobody blocked", 0.0))
    told = [f"{k} {percent(x.mean())} ({percent(x.min())} to {percent(x.max())})" for k, x in table.items()]
    beside = [f"{name} {percent(x.mean(), 2)}" for name, x in others.items()]
    return Finding(
        figure,
        "Dots for the worlds, a row for each team: the share of the new market's honest orders that were blocked; "
        f"{mean.idxmax()} lies far to the right.",
        f"Honest orders of the new market that are blocked, mean of {count(len(table), 'world')}: {', '.join(told)}. "
        f"Of other honest orders: {', '.join(beside)}.",
        table.round(4),
    )


@mpl.rc_context(RC)
def frozen_plan(halves: pd.DataFrame) -> Finding:
    """What did a plan that nobody touched bring before and after the change, in each world?

    Parameters
    ----------
    halves : DataFrame
        A row per world, the columns ``six months before`` and ``six months after``, in dollars.

    Returns
    -------
    Finding

    Examples
    --------
    >>> frozen_plan(pd.DataFrame({"six months before": [4e5, 5e5], "six months after": [-6e5, 1e5]}))
    After the change the frozen plan loses in 1 of 2 worlds: $450k before, −$250k after, in the mean.
    """
    names = {"six months before": "policy", "six months after": "sees"}
    table = as_frame(halves, "halves", list(names))[list(names)].astype(float)
    bad, mean = int((table["six months after"] < 0).sum()), table.mean()
    told = f"After the change the frozen plan loses in {bad} of {count(len(table), 'world')}"
    figure, [ax] = canvas(told, size=(WIDTH, 2.4))
    spread(ax, table, kinds=names)
    return Finding(
        figure,
        "Dots for the worlds in two rows, six months before and after the change, beside a line for doing nothing.",
        f"{told}: {money(mean.iloc[0])} before, {money(mean.iloc[1])} after, in the mean.",
        table.round(0),
    )
