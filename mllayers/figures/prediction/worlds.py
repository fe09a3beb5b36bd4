"""What models earn in many worlds: beside each other under two rules, and beside decisions without a model."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mllayers._check import as_frame, one_of
from mllayers._words import count, money
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look
from mllayers.figures.standing import spread

RULES = ["one half", "expected value"]
NOTHING = "doing nothing"


def model_look(name: str) -> str:
    """The look of a compared model: its own, where the palette has one."""
    return name if name in ("regression", "boosting") else "neutral"


def dollars_from_nothing(ax: Axes) -> None:
    """Dollars along the axis; zero bears the name of what earns it, where no moving line can cross the words."""
    ax.yaxis.set_major_formatter(lambda x, _: f"do nothing\n{money(0)}" if abs(x) < 0.005 else money(x))


@mpl.rc_context(RC)
def better_loss_less_money(contest: pd.DataFrame, *, beside: Mapping[str, float] | None = None) -> Finding:
    """Does the model with the better loss earn more, at one half and by expected value?

    Parameters
    ----------
    contest : DataFrame
        A row per world and model: ``world``, ``model``, ``log loss``, and the dollars a year that the model earns
        under two rules, ``one half`` and ``expected value``. At least two models, the same in every world.
    beside : mapping of str to float, optional
        Other decisions to compare with, in dollars, such as a voucher for everyone.

    Returns
    -------
    Finding
        A dot per world; the numbers are means over the worlds.

    Raises
    ------
    TypeError, ValueError
        When a column is missing, there is one model only, or a model is missing in a world or stands there twice.

    Examples
    --------
    >>> columns = ["world", "model", "log loss", "one half", "expected value"]
    >>> rows = [(1, "boosting", 0.23, 0.0, 140.0), (1, "balanced", 0.52, 120.0, 125.0)]
    >>> better_loss_less_money(pd.DataFrame(rows, columns=columns), beside={"a voucher for everyone": -300.0})
    From the best loss to the worst (boosting, balanced): at one half $0, $120; by expected value $140, $125. At one \
half the model with the best loss earns least in 1 of 1 world, by expected value most in 1. Doing nothing earns $0, a \
voucher for everyone −$300.
    """
    columns = ["world", "model", "log loss", *RULES]
    table = as_frame(contest, "contest", columns)
    rows = pd.crosstab(table["world"], table["model"])
    if rows.shape[1] < 2 or not (rows == 1).all(axis=None):
        raise ValueError("contest must hold one row for each of at least two models in every world")
    means = table.groupby("model", sort=False)[columns[2:]].mean().sort_values("log loss", kind="stable")
    order = [str(name) for name in means.index]
    runs = {rule: table.pivot_table(index="world", columns="model", values=rule)[order] for rule in RULES}
    least = int((runs["one half"].idxmin(axis=1) == order[0]).sum())
    most = int((runs["expected value"].idxmax(axis=1) == order[0]).sum())
    figure, [ax] = canvas(
        f"At one half the best loss earns {money(means['one half'].iloc[0])} a year, the worst "
        f"{money(means['one half'].iloc[-1])}",
        size=(WIDTH, 0.9 + 0.45 * len(RULES) * len(order)),
    )
    drawn = pd.concat([runs[rule].add_prefix(f"{rule}: ") for rule in RULES], axis=1)
    spread(ax, drawn, kinds={f"{rule}: {name}": model_look(name) for rule in RULES for name in order})
    ax.set_yticks(range(drawn.shape[1]), list(drawn.columns))
    told = {rule: ", ".join(money(x) for x in means[rule]) for rule in RULES}
    others = "".join(f", {name} {money(x)}" for name, x in (beside or {}).items())
    return Finding(
        figure,
        "Dots of dollars a year, one per world, in a row for each rule and model, and a line at doing nothing. Mean "
        f"log loss: {', '.join(f'{name} {x:.3f}' for name, x in means['log loss'].items())}.",
        f"From the best loss to the worst ({', '.join(order)}): at one half {told['one half']}; by expected value "
        f"{told['expected value']}. At one half the model with the best loss earns least in {least} of "
        f"{count(len(drawn), 'world')}, by expected value most in {most}. Doing nothing earns {money(0)}{others}.",
        _with_ends(means, runs),
    )


def _with_ends(means: pd.DataFrame, runs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The means of each model, with the lowest and the highest of its worlds."""
    table = means.copy()
    for rule in RULES:
        table[f"{rule}, lowest"], table[f"{rule}, highest"] = runs[rule].min(), runs[rule].max()
    return table


@mpl.rc_context(RC)
def with_and_without_model(worlds: pd.DataFrame, *, model: str, beside: Mapping[str, float] | None = None) -> Finding:
    """What does the model earn once a decision follows from it, and what do decisions without it earn?

    Parameters
    ----------
    worlds : DataFrame
        A row per world, a column per decision: dollars a year beyond doing nothing.
    model : str
        The column of the decision with the model. All others need no model.
    beside : mapping of str to float, optional
        Other decisions to compare with, in dollars a year: one for everyone, an upper bound.

    Returns
    -------
    Finding
        A dot per world; the numbers are means over the worlds.

    Raises
    ------
    TypeError, ValueError
        When the column is missing, or no decision without the model is left.

    Examples
    --------
    >>> worlds = {"tenths of value": [-9.0, -5.0], "the model": [20.0, 24.0], "30 cells": [50.0, 40.0]}
    >>> with_and_without_model(pd.DataFrame(worlds), model="the model", beside={"who knows all chances": 94.0})
    Connected, the model is ahead of doing nothing in 2 of 2 worlds; 30 cells, the best decision without it, is ahead \
of the model in 2. The model minus 30 cells: −$23 a year on average (−$30 to −$16). Doing nothing earns $0, who knows \
all chances $94.
    """
    table = as_frame(worlds, "worlds").astype(float)
    one_of(model, "model", list(table.columns))
    without = [str(name) for name in table.columns if name != model]
    if not without:
        raise ValueError("worlds must hold a decision without the model; got none")
    means = table.mean()
    rivals = table[without].assign(**{NOTHING: 0.0})
    best = str(rivals.mean().idxmax())
    gap = table[model] - rivals[best]
    ahead, behind = int((table[model] > 0).sum()), int((gap < 0).sum())
    figure, [ax] = canvas(
        f"Connected, {model} earns {money(means[model])} a year; {best}, without a model, {money(rivals[best].mean())}",
        size=(WIDTH, 1.4 + 0.45 * table.shape[1]),
    )
    spread(ax, table, kinds={str(name): "neutral" if name == model else "policy" for name in table.columns})
    marks = [(look("policy"), "without a model, a dot per world"), (look("neutral"), "with the model")]
    handles = [Line2D([], [], ls="", marker=x.marker, color=x.colour, label=label) for x, label in marks]
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
    others = "".join(f", {name} {money(x)}" for name, x in (beside or {}).items())
    return Finding(
        figure,
        "Dots of dollars a year, one per world, in a row for each decision, and a line at doing nothing. Means: "
        f"{', '.join(f'{name} {money(x)}' for name, x in means.items())}.",
        f"Connected, {model} is ahead of doing nothing in {ahead} of {count(len(table), 'world')}; {best}, the best "
        f"decision without it, is ahead of the model in {behind}. The model minus {best}: {money(gap.mean())} a "
        f"year on average ({money(gap.min())} to {money(gap.max())}). Doing nothing earns {money(0)}{others}.",
        pd.DataFrame({"mean": means, "lowest": table.min(), "highest": table.max()}),
    )
