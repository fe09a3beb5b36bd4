"""What every threshold earns: of one model, and of several at the threshold that a reader sets."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure, SubFigure

from mllayers._check import as_binary, as_frame, as_numbers, as_probabilities
from mllayers._words import money, percent, plain
from mllayers.figures.base import INK, RC, WIDTH, Finding, canvas, look
from mllayers.figures.moving import Move, Moving, curves_at, together
from mllayers.figures.prediction.worlds import dollars_from_nothing, model_look


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


def one_threshold(cases: pd.DataFrame) -> Moving:
    """What do several models earn at one threshold, and how accurate are they there?

    Parameters
    ----------
    cases : DataFrame
        A row per case: ``y``, what happened (0 or 1), ``dollars``, what acting on the case brings in a year, per case
        of the year; all other columns are scores in [0, 1], one column per model.

    Returns
    -------
    Moving
        Its control is called ``threshold`` and goes from 0.02 to 0.98 in steps of 0.02.

    Raises
    ------
    TypeError, ValueError
        When a column is missing, there is no model, or a number is not what its column asks for.

    Examples
    --------
    >>> cases = pd.DataFrame({"y": [1, 0, 0, 0], "dollars": [195.0, -5, -5, -5], "boosting": [0.6, 0.7, 0.1, 0.2]})
    >>> one_threshold(cases).says(threshold=0.5)
    'A threshold of 0.5: boosting acts on 50 % and earns $47.50, 75 % right.'
    """
    table = as_frame(cases, "cases", ["y", "dollars"])
    y, brings = as_binary(table["y"], "y") == 1, as_numbers(table["dollars"], "dollars")
    names = [str(name) for name in table.columns if name not in ("y", "dollars")]
    if not names:
        raise ValueError("cases must hold a column of scores for at least one model; got none")
    grid = pd.Index(np.arange(2, 99, 2) / 100, name="threshold")
    acts = {name: as_probabilities(table[name], name)[:, None] >= grid.to_numpy() for name in names}
    dollars = pd.DataFrame({name: (brings @ act) / len(table) for name, act in acts.items()}, grid)
    accuracy = pd.DataFrame({name: (act == y[:, None]).mean(axis=0) for name, act in acts.items()}, grid)
    acted = pd.DataFrame({name: act.mean(axis=0) for name, act in acts.items()}, grid)
    kinds = {name: model_look(name) for name in names}

    def draw(place: Figure | SubFigure) -> Move:
        left, right = place.subplots(1, 2)
        shares = ("{:.1f}".format, lambda x: percent(x, 0))
        earned = curves_at(
            left,
            dollars,
            xlabel="threshold",
            ylabel="earned a year",
            kinds=kinds,
            words=("{:.1f}".format, money),
            level=("", 0.0),
        )
        dollars_from_nothing(left)
        return together(
            earned, curves_at(right, accuracy, xlabel="threshold", ylabel="accuracy", kinds=kinds, words=shares)
        )

    def says(threshold: float) -> str:
        at = int(np.abs(dollars.index.to_numpy(float) - threshold).argmin())
        told = [
            f"{name} acts on {percent(acted[name].iloc[at], 0)} and earns {money(dollars[name].iloc[at])}, "
            f"{percent(accuracy[name].iloc[at], 0)} right"
            for name in names
        ]
        return f"A threshold of {plain(float(dollars.index[at]))}: {'; '.join(told)}."

    return Moving(
        draw,
        "Money and accuracy at every threshold",
        f"Two panels over the threshold, dollars a year and accuracy, with a curve for each of {', '.join(names)}.",
        says,
    )
