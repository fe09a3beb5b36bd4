"""What the labels show of the truth, and what they leave out."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import pandas as pd

from mllayers._check import as_frame, describe
from mllayers._words import count, percent, plain
from mllayers.figures.base import RC, WIDTH, Finding, canvas
from mllayers.figures.standing import grouped_bars, slopes
from mllayers.figures.strokes import _bars, _beside, _rows, _span

MODELS = {"naive": "sees", "audited": "policy", "every label": "bound"}
"""The meaning of each model of this layer; any other is neutral."""


@mpl.rc_context(RC)
def blind_spot(stopped: pd.Series[float], parts: pd.Series[float]) -> Finding:
    """How much of the fraud is stopped: by the labels of the team, in truth, and for each part of the fraud?

    Parameters
    ----------
    stopped : Series
        Shares in [0, 1] of all fakes: ``team`` (by the labels that the team has) and ``truth``.
    parts : Series
        The true share of each part of the fraud, with its name; a part that does not exist (NaN) is left out.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When an argument is no Series, or `stopped` lacks one of its two numbers.

    Examples
    --------
    >>> blind_spot(pd.Series({"team": 1.0, "truth": 0.69}), pd.Series({"A": 0.99, "B": 0.01}))
    By its labels the team stops 100.0 % of all fakes; in truth it is 69.0 %, and of pattern B 1.0 %.
    """
    both, patterns = _numbers(stopped, "stopped").reindex(["team", "truth"]), _numbers(parts, "parts").dropna()
    if both.isna().any():
        raise ValueError(f"stopped must have a number for team and for truth; got {both.to_dict()}")
    team, truth = percent(both["team"], 0), percent(both["truth"], 0)
    title = f"The team counts {team} of the fakes as stopped; in truth it is {truth}"
    if team == truth:
        title = f"The team counts {team} of the fakes as stopped, and so does the truth"
    drawn = pd.concat([both, patterns])
    drawn.index = pd.Index(
        ["all fakes, by the team's labels", "all fakes, in truth", *(f"pattern {k}" for k in patterns.index)]
    )
    figure, [ax] = canvas(title, size=(WIDTH, 0.9 + 0.42 * len(drawn)))
    y = _rows(ax, list(drawn.index))
    _span(ax, drawn.to_numpy(float))
    for place, (at, share) in enumerate(zip(y, drawn, strict=True)):
        _bars(ax, at, share, 0.62, "truth" if place else "sees")
        _beside(ax, share, at, percent(share))
    said = f"By its labels the team stops {percent(both['team'])} of all fakes; in truth it is {percent(both['truth'])}"
    if len(patterns):
        said += f", and of pattern {patterns.idxmin()} {percent(patterns.min())}"
    told = "; ".join(f"{name}: {percent(share)}" for name, share in drawn.items())
    return Finding(
        figure, f"Bars of the share of fakes that is stopped. {told}.", f"{said}.", drawn.to_frame("stopped")
    )


@mpl.rc_context(RC)
def lowest_loss(contest: pd.DataFrame) -> Finding:
    """Does the model with the lowest loss let the fewest fakes through?

    Parameters
    ----------
    contest : DataFrame
        A row for each model, at least two, with ``log loss`` (on the labels the team has) and ``fakes shipped`` (in
        truth). The models ``naive``, ``audited`` and ``every label`` have looks of their own (`MODELS`).

    Returns
    -------
    Finding

    Raises
    ------
    ValueError
        When a column is missing or there are fewer than two models.

    Examples
    --------
    >>> table = pd.DataFrame({"log loss": [0.0027, 0.0157], "fakes shipped": [370, 128]}, index=["naive", "audited"])
    >>> lowest_loss(table)
    By the team's labels "naive" has the lowest loss, 0.0027; it ships 370 fakes. "audited" ships fewest, 128.
    """
    table = as_frame(contest, "contest", ["log loss", "fakes shipped"])[["log loss", "fakes shipped"]].astype(float)
    if len(table) < 2 or table.isna().any(axis=None):
        raise ValueError("contest must have at least two models, each with its loss and its fakes")
    loss, fakes = table["log loss"], table["fakes shipped"]
    first, best = str(loss.idxmin()), str(fakes.idxmin())
    if fakes[first] == fakes.max() > fakes.min():
        title = "The model with the lowest loss ships the most fakes"
    elif fakes[first] == fakes.min():
        title = "The model with the lowest loss also ships the fewest fakes"
        best = first
    else:
        title = "The model with the lowest loss is not the one that ships the fewest fakes"
    figure, [ax] = canvas(title, size=(WIDTH, 2.6))
    kinds = {str(name): MODELS.get(str(name), "neutral") for name in table.index}
    slopes(ax, table.set_axis(["log loss, team's labels", "fakes shipped"], axis=1), kinds=kinds, words=(_loss, plain))
    said = f'By the team\'s labels "{first}" has the lowest loss, {_loss(loss[first])}; it ships {_fakes(fakes[first])}'
    said += ", and no other model ships fewer." if best == first else f'. "{best}" ships fewest, {plain(fakes[best])}.'
    crossing = "the lines cross" if best != first else "the lines do not change the winner"
    alt = f"Two rankings of {len(table)} models, by loss and by fakes shipped, joined by lines; {crossing}."
    return Finding(figure, alt, said, table)


@mpl.rc_context(RC)
def cleaned_away(dropped: pd.Series[float]) -> Finding:
    """What leaves a table when suspicious rows are dropped?

    Parameters
    ----------
    dropped : Series
        Shares in [0, 1] that the cleaning drops, with their names: first of all rows, then of what the table is for.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When `dropped` is no Series, or has fewer than two numbers.

    Examples
    --------
    >>> cleaned_away(pd.Series({"orders": 0.044, "frauds": 0.27, "dollars of fraud": 0.42}))
    Cleaning drops 4.4 % of the orders, and 42.0 % of the dollars of fraud.
    """
    shares = _numbers(dropped, "dropped").dropna()
    if len(shares) < 2:
        raise ValueError("dropped must hold at least two shares, of all rows and of what the table is for")
    rows, most = str(shares.index[0]), str(shares.iloc[1:].idxmax())
    more = shares[most] > 2 * shares.iloc[0]
    title = (
        f"Cleaning drops {percent(shares.iloc[0], 0)} of the {rows}, and {percent(shares[most], 0)} of the {most}"
        if more
        else "Cleaning drops about as much of everything"
    )
    figure, [ax] = canvas(title, size=(WIDTH, 0.9 + 0.42 * len(shares)))
    grouped_bars(ax, shares.to_frame("dropped"), kinds={"dropped": "truth"})
    alt = "; ".join(f"{percent(share)} of the {name}" for name, share in shares.items())
    said = f"Cleaning drops {percent(shares.iloc[0])} of the {rows}, and {percent(shares[most])} of the {most}."
    return Finding(figure, f"Bars of what the cleaning drops: {alt}.", said, shares.to_frame("dropped"))


def _numbers(x: Any, name: str) -> pd.Series[float]:
    """A Series of numbers with names."""
    if not isinstance(x, pd.Series):
        raise TypeError(f"{name} must be a Series of numbers with their names; got {describe(x)}")
    return x.rename(index=str).astype(float)


def _loss(x: float) -> str:
    return f"{x:.4f}"


def _fakes(n: float) -> str:
    return count(n, "fake")
