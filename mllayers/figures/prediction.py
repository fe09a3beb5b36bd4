"""Findings of layer 2, prediction."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns

from mllayers._check import as_frame
from mllayers._words import money, plain
from mllayers.figures.base import INK, RC, WIDTH, Finding, canvas, look


@mpl.rc_context(RC)
def money_at_each_threshold(sweep: pd.DataFrame, *, points: int = 200) -> Finding:
    """What does each threshold earn, beside acting on nobody and on everyone?

    Parameters
    ----------
    sweep : DataFrame
        The table of `prediction.money_by_threshold`: ``threshold`` (falling, the first is infinite), ``profit`` and
        ``acted``.
    points : int, default 200
        So many thresholds are drawn, evenly spread over the cases acted on; the best is always one of them.

    Returns
    -------
    Finding

    Examples
    --------
    >>> table = pd.DataFrame({"threshold": [np.inf, 0.9, 0.2], "profit": [0.0, 80.0, -20.0], "acted": [0, 2, 5]})
    >>> money_at_each_threshold(table)
    Acting on the 2 cases with p ≥ 0.9 earns $80; acting on nobody $0, on everyone −$20.
    """
    table = as_frame(sweep, "sweep", ["threshold", "profit", "acted"]).reset_index(drop=True)
    best = int(np.argmax(table["profit"].to_numpy(float)))
    kept = np.unique([0, best, len(table) - 1, *np.linspace(0, len(table) - 1, points).astype(int)])
    drawn, top = table.iloc[kept], table.iloc[best]
    figure, [ax] = canvas(f"The best threshold earns {money(top['profit'])}", size=(WIDTH, 2.8))
    style, idle = look("policy"), look("nothing")
    sns.lineplot(x=drawn["acted"], y=drawn["profit"], color=style.colour, ax=ax, errorbar=None)
    level = float(table["profit"].iloc[0])
    ax.axhline(level, color=idle.colour, linestyle=idle.line)
    ax.text(1.0, level, "nobody", transform=ax.get_yaxis_transform(), ha="right", va="bottom")
    ax.plot(top["acted"], top["profit"], style.marker, color=INK)
    ax.yaxis.set_major_formatter(lambda value, _: money(value))
    ax.set(xlabel="cases acted on, highest score first", ylabel="earned")
    everyone = float(table["profit"].iloc[-1])
    rule = f"with p ≥ {plain(top['threshold'])}" if np.isfinite(top["threshold"]) else "(nobody)"
    return Finding(
        figure,
        f"A curve of money earned by number of cases acted on; its highest point lies at {top['acted']:,.0f} cases, "
        "a dashed line marks acting on nobody.",
        f"Acting on the {top['acted']:,.0f} cases {rule} earns {money(top['profit'])}; acting on nobody "
        f"{money(level)}, on everyone {money(everyone)}.",
        drawn,
    )
