"""Findings of layer 3, decision."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd

from mllayers._check import as_frame
from mllayers._words import count, percent
from mllayers.figures.base import RC, WIDTH, Finding, canvas
from mllayers.figures.standing import stacked_bars

_DRAWN = {"": "as planned", "holdout": "held out", "explore": "tried at random"}


@mpl.rc_context(RC)
def planned(plan: pd.DataFrame) -> Finding:
    """How many cases get each action, and which of them chance decides otherwise?

    Parameters
    ----------
    plan : DataFrame
        The rows of `Policy.plan`: ``planned``, ``action`` and ``drawn``.

    Returns
    -------
    Finding

    Examples
    --------
    >>> rows = {"planned": ["call"] * 9 + ["none"], "action": ["call"] * 8 + ["none"] * 2, "drawn": [""] * 10}
    >>> rows["drawn"][8] = "holdout"
    >>> planned(pd.DataFrame(rows))
    10 cases: call is planned for 9; chance decides 10.0 % otherwise (1 held out, 0 tried at random).
    """
    table = as_frame(plan, "plan", ["planned", "action", "drawn"])
    counts = pd.crosstab(table["planned"], table["drawn"].map(_DRAWN))
    counts = counts.reindex(columns=list(_DRAWN.values()), fill_value=0)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    counts = counts.rename_axis(index="planned", columns=None)
    most, n, changed = str(counts.index[0]), len(table), counts.drop(columns="as planned").sum()
    figure, [ax] = canvas(f"{most[:1].upper()}{most[1:]} is planned for {counts.iloc[0].sum():,} of {count(n, 'case')}",
                          size=(WIDTH, 1.1 + 0.45 * len(counts)))  # fmt: skip
    kinds = {"as planned": "policy", "held out": "nothing", "tried at random": "sees"}
    drawn = counts.loc[:, counts.any()]
    stacked_bars(
        ax, drawn.astype(float), kinds={str(name): kinds[str(name)] for name in drawn}, words=lambda x: f"{x:,.0f}"
    )
    return Finding(
        figure,
        "Bars, one per planned action, divided into cases done as planned, held out, and tried at random.",
        f"{count(n, 'case')}: {most} is planned for {counts.iloc[0].sum():,}; chance decides "
        f"{percent(changed.sum() / n)} otherwise ({changed['held out']:,} held out, "
        f"{changed['tried at random']:,} tried at random).",
        counts,
    )
