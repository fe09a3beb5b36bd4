"""What moves after the training, and who notices."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import seaborn as sns

from mllayers._check import as_frame
from mllayers._words import count, percent
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look
from mllayers.figures.standing import grouped_bars
from mllayers.figures.strokes import _bars, _beside, _rows, _span


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


@mpl.rc_context(RC)
def three_months_later(months: pd.DataFrame) -> Finding:
    """What does a model that is left as it is still stop, months after its training?

    Parameters
    ----------
    months : DataFrame
        A row for each month after the training, at least two, the index named or not; ``pattern B stopped``,
        ``pattern C stopped`` and ``honest G in the queue`` (shares; NaN where there is none), ``AUC`` and ``predicted /
        actual`` (fraud predicted over the fraud there is).

    Returns
    -------
    Finding

    Raises
    ------
    ValueError
        When a column is missing or there are fewer than two months.

    Examples
    --------
    >>> columns = ["pattern B stopped", "pattern C stopped", "honest G in the queue", "AUC", "predicted / actual"]
    >>> shares = [[0.78, float("nan"), 0.0, 0.998, 1.0], [0.01, 0.02, 0.37, 0.98, 2.6]]
    >>> three_months_later(pd.DataFrame(shares, index=[5, 12], columns=columns))
    From month 5 to 12 the AUC goes from 0.998 to 0.980; at worst 2.6 times the fraud that there is was predicted.
    """
    drawn = ["pattern B stopped", "pattern C stopped", "honest G in the queue"]
    table = as_frame(months, "months", [*drawn, "AUC", "predicted / actual"]).astype(float)
    if len(table) < 2:
        raise ValueError(f"months must have at least two rows; got {len(table)}")
    first, last = table.iloc[0], table.iloc[-1]
    title = f"Of pattern B {percent(last[drawn[0]], 0)} is still stopped, not {percent(first[drawn[0]], 0)}"
    if last[drawn[0]] >= 0.9 * first[drawn[0]]:
        title = f"Of pattern B {percent(last[drawn[0]], 0)} is still stopped"
    if last[drawn[1]] < 0.5:
        title += f"; of the new ring {percent(last[drawn[1]], 0)}"
    bars = {f"{name}, month {month}": table.loc[month, name] for name in drawn for month in table.index}
    shares = pd.Series(bars).dropna()
    shares = shares[[share > 0 or not str(name).startswith(drawn[2]) for name, share in shares.items()]]
    figure, [ax] = canvas(title, size=(WIDTH, 0.8 + 0.36 * len(shares)))
    y = _rows(ax, list(shares.index))
    _span(ax, shares.to_numpy(float))
    for at, (name, share) in zip(y, shares.items(), strict=True):
        _bars(ax, at, share, 0.62, "neutral" if str(name).startswith(drawn[2]) else "truth")
        _beside(ax, float(share), at, percent(share))
    worst = table["predicted / actual"].max()
    told = "; ".join(f"{name}: {percent(share)}" for name, share in shares.items())
    return Finding(
        figure,
        f"Bars, months after the training. {told}.",
        f"From month {table.index[0]} to {table.index[-1]} the AUC goes from {first['AUC']:.3f} to {last['AUC']:.3f}; "
        f"at worst {worst:.1f} times the fraud that there is was predicted.",
        table,
    )


@mpl.rc_context(RC)
def split_lies(loss: pd.DataFrame) -> Finding:
    """How far is the loss on a random part of the past from the loss on the future?

    Parameters
    ----------
    loss : DataFrame
        A row for each history, the first one the world as it is; ``random`` and ``in time``: the loss of a model by a
        random split and by a split in time, above 0.

    Returns
    -------
    Finding

    Raises
    ------
    ValueError
        When a column is missing or a loss is not above 0.

    Examples
    --------
    >>> split_lies(pd.DataFrame({"random": [0.028, 0.022], "in time": [0.159, 0.02]}, ["a market opens", "calm"]))
    Loss in time over loss by a random split: a market opens 5.7; calm 0.9.
    """
    table = as_frame(loss, "loss", ["random", "in time"])[["random", "in time"]].astype(float)
    if not (table > 0).all(axis=None):
        raise ValueError("loss must be above 0 everywhere: a ratio is asked for")
    ratio = table["in time"] / table["random"]
    title = (
        f"Tested on the future, the loss is {ratio.iloc[0]:.1f} times as high"
        if ratio.iloc[0] > 1.2
        else "Tested on the future, the loss is about the same"
        if ratio.iloc[0] > 0.8
        else "Tested on the future, the loss is lower"
    )
    figure, [ax] = canvas(title, size=(WIDTH, 0.8 + 0.75 * len(table)))
    grouped_bars(ax, table, kinds={"random": "sees", "in time": "truth"}, words="{:.3f}".format)
    told = "; ".join(f"{name} {value:.1f}" for name, value in ratio.items())
    return Finding(
        figure,
        "Pairs of bars, the loss by a random split and by a split in time, for each history.",
        f"Loss in time over loss by a random split: {told}.",
        table,
    )
