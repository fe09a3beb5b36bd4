"""What a random audit buys, what it costs, and how far its rate may be off."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure

from mllayers._check import as_frame, as_number
from mllayers._words import count, money, percent
from mllayers.figures.base import RC, WIDTH, Finding, canvas
from mllayers.figures.moving import Move, Moving, band_curve
from mllayers.figures.standing import intervals, spread

ARMS = {
    "review everything": "neutral",
    "old rule": "neutral",
    "naive model": "sees",
    "rule learned from the audit": "policy",
    "audited model": "policy",
    "clairvoyant": "bound",
}
"""The meaning of each way to choose what is reviewed; any other is neutral."""


def audit_size(runs: pd.DataFrame) -> Moving:
    """How much of the quiet fraud does an audit of this size make visible, and is it paid back?

    Parameters
    ----------
    runs : DataFrame
        A row for each audit: ``share`` (audited, at least two different ones), ``B stopped`` (share stopped by the
        model trained on it), ``B found`` (examples in the audit), ``brings`` and ``costs`` (USD: what the better model
        brings in a month, what the audit costs once).

    Returns
    -------
    Moving
        For a slider ``share``; the curve is the mean of the audits of a share, the band their range.

    Raises
    ------
    ValueError
        When a column is missing, or all audits have the same share.

    Examples
    --------
    >>> table = pd.DataFrame({"share": [0.01, 0.04], "B stopped": [0.6, 0.7], "B found": [16, 70]})
    >>> figure = audit_size(table.assign(brings=[27_700, 31_400], costs=[7_800, 31_400]))
    >>> figure.says(share=0.01).split(". ")[0]
    'The audit finds 16 orders of pattern B and costs $7,800'
    """
    columns = ["share", "B stopped", "B found", "brings", "costs"]
    by_share = as_frame(runs, "runs", columns)[columns].groupby("share")
    mean, curve = by_share.mean(), by_share["B stopped"].agg(["mean", "min", "max"])
    if len(mean) < 2:
        raise ValueError(f"runs must hold audits of at least two shares; got {len(mean)}")
    curve = curve.set_axis(["mean", "low", "high"], axis=1).fillna(0.0)  # no pattern B, nothing stopped
    per_share = float(mean["costs"].iloc[-1] / mean.index[-1])

    def draw(place: Figure | SubFigure) -> Move:
        words = (lambda share: percent(share, 2), lambda share: percent(share, 0))
        cost = ("what the audit costs", per_share, money)
        return band_curve(
            place.subplots(), curve, xlabel="share audited", ylabel="pattern B stopped", words=words, top=cost
        )

    def says(share: float) -> str:
        found, brings, costs = (float(np.interp(share, mean.index, mean[name])) for name in columns[2:])
        left = "are left of" if brings >= costs else "are missing after"
        return (
            f"The audit finds {count(round(found), 'order')} of pattern B and costs {money(costs)}. The better queue "
            f"brings {money(brings)} a month: after the audit is paid, {money(abs(brings - costs))} {left} the first "
            "month."
        )

    most = mean.iloc[-1]
    title = "No audit of these sizes makes pattern B visible"
    if most["B stopped"] > 0:
        enough = mean[mean["B stopped"] >= 0.75 * most["B stopped"]].iloc[0]
        title = (
            f"{count(round(enough['B found']), 'example')} of pattern B buy "
            f"{percent(enough['B stopped'] / most['B stopped'], 0)} of what {round(most['B found'])} examples buy"
        )
    alt = "A curve with a band: the share of pattern B that is stopped, against the share of orders that is audited."
    return Moving(draw, title, alt, says, size=(WIDTH, 3.3))


@mpl.rc_context(RC)
def audit_pays(worlds: pd.DataFrame) -> Finding:
    """Is a random audit paid back within a month, and is it the model that earns it?

    Parameters
    ----------
    worlds : DataFrame
        A row for each world, a column for each way to choose what is reviewed: dollars of a month beyond doing nothing,
        the audit paid by whoever uses it. ``old rule``, ``naive model``, ``rule learned from the audit`` and ``audited
        model`` are compared; the ways in `ARMS` have looks of their own.

    Returns
    -------
    Finding

    Raises
    ------
    ValueError
        When one of the four columns is missing.

    Examples
    --------
    >>> ways = ["old rule", "naive model", "rule learned from the audit", "audited model"]
    >>> audit_pays(pd.DataFrame([[94, 105, 110, 118], [90, 99, 106, 112]], columns=ways)).says.partition(". ")[0]
    'Paid in full, the audit brings $13 in its first month (mean of 2 worlds; $13 to $13)'
    """
    ways = ["old rule", "naive model", "rule learned from the audit", "audited model"]
    table = as_frame(worlds, "worlds", ways).astype(float)
    old, naive, learned, audited = (table[way] for way in ways)
    more, adds = audited - naive, (audited - learned).mean()
    title = f"The audit is paid, and {_earns(more.mean())} in its first month"
    figure, [ax] = canvas(title, size=_size(table.shape[1]))
    spread(ax, table, kinds={str(name): ARMS.get(str(name), "neutral") for name in table})
    means = "; ".join(f"{name} {money(mean)}" for name, mean in table.mean().items())
    gain = (learned - old).mean()
    said = (
        f"Paid in full, the audit {_earns(more.mean())} in its first month (mean of {count(len(more), 'world')}; "
        f"{money(more.min())} to {money(more.max())}). A plain rule that uses the audit earns {money(abs(gain))} "
        f"{'more' if gain >= 0 else 'less'} than the old rule; the model {'adds' if adds >= 0 else 'takes'} "
        f"{money(abs(adds))}."
    )
    return Finding(figure, f"Dots, one for each world, and their means: {means}. A line at zero.", said, table)


@mpl.rc_context(RC)
def what_turns(changes: pd.DataFrame) -> Finding:
    """Under which assumption is the audit not paid back within a month?

    Parameters
    ----------
    changes : DataFrame
        A row for each world and assumption: ``assumption`` (the first is the world as it is), ``naive model`` and
        ``audited model`` (USD of the first month, the audit paid by the latter) and ``audit costs`` (USD, once).

    Returns
    -------
    Finding

    Raises
    ------
    ValueError
        When a column is missing, or the assumptions have different numbers of worlds.

    Examples
    --------
    >>> table = pd.DataFrame({"assumption": ["as it is", "all is reported"], "audited model": [118, 85]})
    >>> what_turns(table.assign(**{"naive model": [104, 99], "audit costs": 15}))
    Paid back (mean of 1 world): as it is, after 0.5 months; all is reported, after 15.0 months.
    """
    columns = ["assumption", "naive model", "audited model", "audit costs"]
    table = as_frame(changes, "changes", columns)[columns]
    names = [str(name) for name in table["assumption"].unique()]
    worlds = table.groupby("assumption").size()
    if worlds.min() < worlds.max():
        raise ValueError(f"changes must have the same number of worlds for each assumption; got {worlds.to_dict()}")
    table = table.assign(left=table["audited model"] - table["naive model"])
    groups = {str(name): rows for name, rows in table.groupby("assumption")}
    net = pd.DataFrame({name: groups[name]["left"].to_numpy(float) for name in names})
    left, costs = net.mean(), table.groupby("assumption")["audit costs"].mean()
    turned = int(((net > 0) != (left.iloc[0] > 0)).all().sum())
    back = "Paid back" if left.iloc[0] > 0 else "Not paid back"
    turn = f"{turned} of {count(len(names) - 1, 'change')} {'turns' if turned == 1 else 'turn'} that round"
    turn += " in each world" if len(net) > 1 else ""
    title = f"{back} within a month {names[0]}; {turn}"
    figure, [ax] = canvas(title, size=_size(len(names)))
    spread(ax, net, kinds=dict.fromkeys(names, "policy"), level=("no audit", 0.0))
    told = "; ".join(f"{name} {money(mean)}" for name, mean in left.items())
    after = [f"{name}, {_payback(left[name] + costs[name], costs[name])}" for name in names]
    return Finding(
        figure,
        f"Dots of what is left of the first month after the audit is paid, and their means: {told}. A line at zero.",
        f"Paid back (mean of {count(len(net), 'world')}): {'; '.join(after)}.",
        pd.DataFrame({"audit costs": costs.loc[names], "left of the first month": left}),
    )


@mpl.rc_context(RC)
def audits_hold(
    audits: pd.DataFrame, *, truth: float, others: pd.Series[float] | None = None, most: int = 5
) -> Finding:
    """How far off is the rate that an audit estimates, and what do other ways to estimate it say?

    Parameters
    ----------
    audits : DataFrame
        A row for each repeated audit with ``value``, ``low`` and ``high``, its 95 % interval.
    truth : float
        The rate that is to be estimated.
    others : Series, optional
        Rates estimated in other ways, with their names; they stand above the audits.
    most : int, default 5
        At most so many audits are drawn, the first ones; all are counted.

    Returns
    -------
    Finding

    Raises
    ------
    TypeError, ValueError
        When a column is missing or `truth` is no share.

    Examples
    --------
    >>> audits_hold(pd.DataFrame({"value": [0.026, 0.03], "low": [0.022, 0.026], "high": [0.028, 0.035]}), truth=0.029)
    1 of 2 intervals holds the truth, 2.9 %; with intervals of 95 % one in twenty may miss it.
    """
    table = as_frame(audits, "audits", ["value", "low", "high"])[["value", "low", "high"]].astype(float)
    truth = as_number(truth, "truth", ge=0, le=1)
    held = int(((table["low"] <= truth) & (truth <= table["high"])).sum())
    first = table.head(most)
    first = first.set_axis([f"audit {n}" for n in range(1, len(first) + 1)])
    rows, kinds = first, dict.fromkeys(first.index, "policy")
    said = f"{held} of {count(len(table), 'interval')} {'holds' if held == 1 else 'hold'} the truth, {percent(truth)}"
    if others is not None:
        beside = pd.DataFrame({"value": others.astype(float), "low": np.nan, "high": np.nan})
        rows, kinds = pd.concat([beside, first]), dict.fromkeys(map(str, beside.index), "sees") | kinds
    figure, [ax] = canvas(
        f"{held} of {count(len(table), 'audit')} hold the truth", size=(WIDTH, 1.0 + 0.32 * len(rows))
    )
    intervals(ax, rows, truth=truth, kinds=kinds)
    said += "; with intervals of 95 % one in twenty may miss it."
    if others is not None:
        said += " Other ways: " + "; ".join(f"{name} {percent(rate)}" for name, rate in others.items()) + "."
    alt = f"Dots with intervals, one for each of {len(first)} audits, around a line at the true rate, {percent(truth)}."
    return Finding(figure, alt, said, rows)


def _payback(brings: float, costs: float) -> str:
    return "never" if brings <= 0 else f"after {costs / brings:.1f} months"


def _earns(dollars: float) -> str:
    return f"{'brings' if dollars >= 0 else 'loses'} {money(abs(dollars))}"


def _size(rows: int) -> tuple[float, float]:
    """Room for the title, the name of the line, and two lines of words beside each row."""
    return WIDTH, 0.8 + 0.4 * rows
