"""Where another measure and the money part: loss and fakes, loss and decision, AUC, and accuracy beside a base rate."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MultipleLocator

from mllayers._check import as_frame, as_number
from mllayers._words import money, percent, plain
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look
from mllayers.figures.moving import Move, Moving, curves_at, lines_by_setting, together
from mllayers.figures.prediction.worlds import dollars_from_nothing, model_look
from mllayers.figures.standing import grouped_bars, slopes


@mpl.rc_context(RC)
def better_loss_more_fakes(
    models: pd.DataFrame, *, gap: tuple[float, float, float], beside: Mapping[str, float]
) -> Finding:
    """Does the model with the better loss let fewer fakes through?

    Parameters
    ----------
    models : DataFrame
        Two rows, one per model: ``log loss``, ``fakes shipped`` and ``earned``, the dollars of its queue.
    gap : (float, float, float)
        How many dollars more the second model's queue earns than the first's, and the ends of its interval.
    beside : mapping of str to float
        What other queues earn, such as reviewing everything.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When a column is missing or there are not two models.

    Examples
    --------
    >>> columns = ["log loss", "fakes shipped", "earned"]
    >>> models = pd.DataFrame([[0.03, 212, 124.0], [0.06, 101, 136.0]], ["regression", "forest"], columns)
    >>> better_loss_more_fakes(models, gap=(12, 9, 15), beside={"reviewing everything": -9.0})
    The regression has the better loss and ships 111 fakes more. The queue of the forest earns $12 more than that of \
the regression ($9 to $15). Reviewing nothing earns $0, reviewing everything −$9.
    """
    table = as_frame(models, "models", ["log loss", "fakes shipped", "earned"])
    if len(table) != 2:
        raise ValueError(f"models must hold two models, one per row; got {len(table)}")
    more, low, high = (as_number(x, "gap") for x in gap)
    first = int(np.argmin(table["log loss"].to_numpy(float)))
    better = table.index[first]
    fakes = float(table["fakes shipped"].iloc[first] - table["fakes shipped"].iloc[1 - first])
    side = "more" if fakes > 0 else "fewer"
    figure, [ax] = canvas(f"The better loss ships {'as many' if fakes == 0 else side} fakes", size=(WIDTH, 2.6))
    kinds = {str(name): model_look(str(name)) for name in table.index}
    slopes(ax, table[["log loss", "fakes shipped"]], kinds=kinds, words=("{:.4f}".format, "{:.0f}".format))
    others = "".join(f", {name} {money(x)}" for name, x in beside.items())
    return Finding(
        figure,
        f"Two rankings, by log loss and by fakes shipped, joined by a line for each of {', '.join(kinds)}; "
        f"the lines {'cross' if fakes > 0 else 'do not cross'}.",
        f"The {better} has the better loss and ships {abs(fakes):,.0f} fakes {side}. The queue of the {table.index[1]} "
        f"earns {money(more)} more than that of the {table.index[0]} ({money(low)} to {money(high)}). Reviewing "
        f"nothing earns {money(0)}{others}.",
        table,
    )


@mpl.rc_context(RC)
def dollars_in_the_decision(earned: pd.DataFrame, *, beside: Mapping[str, float]) -> Finding:
    """Where do dollars belong: in the training, or in the decision?

    Parameters
    ----------
    earned : DataFrame
        Dollars of the queue: a row for each way to put dollars in, a column for each model.
    beside : mapping of str to float
        What other queues earn, such as a perfect one.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When there is no row or a number is missing.

    Examples
    --------
    >>> earned = pd.DataFrame({"regression": [57.0, 79.0], "boosting": [53.0, 84.0]}, ["sort by p", "sort by p × loss"])
    >>> dollars_in_the_decision(earned, beside={"a perfect queue": 88.0})
    Regression earns $57 (sort by p), $79 (sort by p × loss); boosting $53 (sort by p), $84 (sort by p × loss). \
Reviewing nothing earns $0, a perfect queue $88.
    """
    table = as_frame(earned, "earned").astype(float)
    if table.isna().any(axis=None):
        raise ValueError("earned must hold the dollars of each way and model; some are missing")
    winners = {str(model): str(table[model].idxmax()) for model in table.columns}
    ways = set(winners.values())
    title = (
        f"Most money with every model: {ways.pop()}" if len(ways) == 1 else "Which way earns most depends on the model"
    )
    figure, [ax] = canvas(title, size=(WIDTH, 0.7 + 0.34 * table.size))
    grouped_bars(ax, table, kinds={model: model_look(model) for model in winners}, words=money)
    told = "; ".join(
        f"{model} {'earns ' if n == 0 else ''}" + ", ".join(f"{money(x)} ({way})" for way, x in table[model].items())
        for n, model in enumerate(winners)
    )
    others = "".join(f", {name} {money(x)}" for name, x in beside.items())
    return Finding(
        figure,
        f"Bars of dollars, a group for each way to put dollars in ({', '.join(map(str, table.index))}), a bar for each "
        f"model; the longest are {', '.join(f'{model}: {way}' for model, way in winners.items())}.",
        f"{told[:1].upper()}{told[1:]}. Reviewing nothing earns {money(0)}{others}.",
        table,
    )


@mpl.rc_context(RC)
def same_order_other_dollars(by_power: pd.DataFrame, *, beside: Mapping[str, float]) -> Finding:
    """What happens to AUC, and what to the dollars, when scores are raised to a power?

    Parameters
    ----------
    by_power : DataFrame
        A row per power (the increasing index): ``AUC``, and ``earned``, the dollars by expected value. A power of 1
        must be among them.
    beside : mapping of str to float
        What other decisions earn, such as a voucher for everyone.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When a column or the power of 1 is missing.

    Examples
    --------
    >>> by_power = pd.DataFrame({"AUC": [0.8, 0.8, 0.8], "earned": [-84.0, 154.0, 63.0]}, index=[0.5, 1.0, 2.0])
    >>> same_order_other_dollars(by_power, beside={"a voucher for everyone": -260.0})
    AUC stays at 0.800; the dollars go from −$84 (power 0.5) to $154 (power 1), and are $154 with the scores as they \
are. Doing nothing earns $0, a voucher for everyone −$260.
    """
    table = as_frame(by_power, "by_power", ["AUC", "earned"]).astype(float)
    if 1 not in table.index:
        raise ValueError("by_power must hold the power 1: the scores as they are")
    blind = bool(np.ptp(table["AUC"]) < 5e-4)
    title = "The same order and the same AUC, other dollars" if blind else "AUC and dollars by the power of the scores"
    figure, [left, right] = canvas(title, columns=2, size=(WIDTH, 2.8))
    style, idle = look("boosting"), look("nothing")
    for ax, column, heading in ((left, "AUC", "AUC"), (right, "earned", "earned a year, by expected value")):
        ax.plot(table.index, table[column], style.line, marker=style.marker, color=style.colour)
        ax.set(xlabel="power of the scores", title=heading)
    left.set_ylim(0.5, 1)
    right.axhline(0, linestyle=idle.line, color=idle.colour)
    right.annotate("do nothing", (1, 0), (-3, -3), ("axes fraction", "data"), "offset points", ha="right", va="top")
    right.yaxis.set_major_formatter(lambda x, _: money(x))
    powers, earned = table.index.to_numpy(float), table["earned"].to_numpy()
    worst, best = float(powers[earned.argmin()]), float(powers[earned.argmax()])
    auc = f"AUC stays at {table['AUC'].loc[1]:.3f}" if blind else "AUC moves"
    others = "".join(f", {name} {money(x)}" for name, x in beside.items())
    return Finding(
        figure,
        f"Two panels over the power of the scores: AUC {'is a flat line' if blind else 'moves'}; the dollars are "
        f"highest at {plain(best)}.",
        f"{auc}; the dollars go from {money(earned.min())} (power {plain(worst)}) to "
        f"{money(earned.max())} (power {plain(best)}), and are {money(float(table['earned'][1]))} with the "
        f"scores as they are. Doing nothing earns {money(0)}{others}.",
        table,
    )


def base_rate_and_stakes(accuracy: pd.DataFrame, dollars: pd.Series[float]) -> Moving:
    """What is the same model worth where more cases are positive, or more is at stake for each?

    Parameters
    ----------
    accuracy : DataFrame
        A row per base rate in per cent (the increasing index, named ``base_rate``); the columns ``nobody leaves`` and
        ``the model``.
    dollars : Series
        What the model earns, for each ``base_rate`` and ``stake`` (in dollars): the two levels of the index.

    Returns
    -------
    Moving
        Its controls are called ``base_rate`` and ``stake``.

    Raises
    ------
    TypeError, ValueError
        When a column or a level is missing, or the base rates differ.

    Examples
    --------
    >>> rates = pd.Index([9, 26], name="base_rate")
    >>> accuracy = pd.DataFrame({"nobody leaves": [0.91, 0.74], "the model": [0.744, 0.739]}, index=rates)
    >>> both = pd.MultiIndex.from_product([rates, [100, 200]], names=["base_rate", "stake"])
    >>> dollars = pd.Series([-1e6, 2e6, 3e6, 9e6], both)
    >>> base_rate_and_stakes(accuracy, dollars).says(base_rate=26, stake=100)
    '26 % leave, $100 at stake: "nobody leaves" is 74.0 % right and earns $0; the model is 73.9 % right and earns \
$3.0M a year.'
    """
    right = as_frame(accuracy, "accuracy", ["nobody leaves", "the model"])
    if list(dollars.index.names) != ["base_rate", "stake"]:
        raise ValueError("dollars must have an index of two levels, base_rate and stake")
    if right.index.name != "base_rate" or set(right.index) != set(dollars.index.get_level_values("base_rate")):
        raise ValueError("accuracy and dollars must have the same base rates, in a level named base_rate")

    def draw(place: Figure | SubFigure) -> Move:
        left, beside = place.subplots(1, 2)
        whole = ("{:.0f}".format, lambda x: percent(x, 0))
        kinds = {"nobody leaves": "nothing", "the model": "neutral"}
        first = curves_at(left, right, xlabel="leave (%)", ylabel="accuracy", kinds=kinds, words=whole)
        second = lines_by_setting(
            beside,
            dollars,
            x="base_rate",
            ylabel="the model earns a year",
            kind="neutral",
            words=money,
            level=("", 0.0),
        )
        idle = look("nothing")
        beside.axhline(0, linestyle=idle.line, color=idle.colour)
        dollars_from_nothing(beside)
        for ax in (left, beside):
            ax.xaxis.set_major_locator(MultipleLocator(10))
        beside.set_xlabel("leave (%)")
        return together(first, second)

    def says(base_rate: float, stake: float) -> str:
        nobody, model = (percent(float(right[name][base_rate])) for name in ("nobody leaves", "the model"))
        return (
            f'{plain(base_rate)} % leave, {money(stake)} at stake: "nobody leaves" is {nobody} right and earns '
            f"{money(0)}; the model is {model} right and earns {money(dollars[base_rate, stake])} a year."
        )

    return Moving(
        draw,
        "What the same model is worth depends on the world around it",
        "Two panels over the share who leave: accuracy of nobody leaves and of the model, and dollars of the model.",
        says,
    )
