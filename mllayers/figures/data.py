"""Findings of layer 1, data."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import seaborn as sns

from mllayers._check import as_frame
from mllayers._words import count, percent
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look
from mllayers.figures.strokes import _beside, _rows


@mpl.rc_context(RC)
def drift(report: pd.DataFrame, *, most: int = 8) -> Finding:
    """Which columns have moved, and by how many rows?

    Parameters
    ----------
    report : DataFrame
        The table of `data.drift_report`: a row per column with ``tv`` (share of rows that would have to change cell)
        and ``flagged``.
    most : int, default 8
        At most so many columns are drawn, those that moved most first.

    Returns
    -------
    Finding

    Examples
    --------
    >>> table = pd.DataFrame({"tv": [0.21, 0.01], "flagged": [True, False]}, index=["device_new", "amount_usd"])
    >>> drift(table)
    1 of 2 columns moved by more than chance explains; device_new most: 21.0 % of the rows would have to change cell.
    """
    table = as_frame(report, "report", ["tv", "flagged"]).sort_values("tv", ascending=False, kind="stable")
    moved, first = table["flagged"].astype(bool), table.iloc[0]
    title = f"{count(moved.sum(), 'column')} of {len(table)} moved by more than chance explains"
    drawn = table.head(most)
    figure, [ax] = canvas(title, size=(WIDTH, 0.9 + 0.34 * len(drawn)))
    names = [str(name) for name in drawn.index]
    colours = [look("policy" if flag else "neutral").colour for flag in moved.head(most)]
    sns.barplot(
        x=drawn["tv"].to_numpy(float),
        y=names,
        hue=names,
        palette=colours,
        orient="h",
        saturation=1,
        legend=False,
        ax=ax,
    )
    _rows(ax, names)
    ax.set_xlim(0, max(float(drawn["tv"].max()), 1e-9) * 1.45)
    for y, (share, flag) in enumerate(zip(drawn["tv"], moved, strict=False)):
        _beside(ax, float(share), y, f"{percent(share)}{'' if flag else '  (chance can do this)'}")
    ax.set(xlabel="", ylabel="")
    return Finding(
        figure,
        f"Bars, one per column, of the share of rows that would have to change cell; {names[0]} has the longest.",
        f"{moved.sum()} of {count(len(table), 'column')} moved by more than chance explains; {names[0]} most: "
        f"{percent(first['tv'])} of the rows would have to change cell.",
        table,
    )
