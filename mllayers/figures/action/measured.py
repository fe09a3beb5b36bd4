"""What a hold-out measures, beside what a dashboard claims."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd

from mllayers._check import as_frame, as_numbers, describe
from mllayers._words import count, dollars, money, percent
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look
from mllayers.figures.standing import intervals, waterfall


@mpl.rc_context(RC)
def net_by_action(effects: pd.DataFrame) -> Finding:
    """What does each action bring beyond its cost, measured by its hold-out?

    Parameters
    ----------
    effects : DataFrame
        The table of `action.ledger_effect`: a row per planned action with ``net``, ``net_low`` and ``net_high``, in
        dollars per case.

    Returns
    -------
    Finding

    Examples
    --------
    >>> table = pd.DataFrame({"net": [3.1, -2.0], "net_low": [1.2, -4.0], "net_high": [5.0, -0.5]}, ["call", "gift"])
    >>> net_by_action(table)
    1 of 2 actions surely earns more than it costs; the best is call with $3.10 a case ($1.20 to $5).
    """
    table = as_frame(effects, "effects", ["net", "net_low", "net_high"])
    drawn = table[["net", "net_low", "net_high"]].set_axis(["value", "low", "high"], axis=1)
    drawn = drawn.set_axis([" & ".join(map(str, x)) if isinstance(x, tuple) else str(x) for x in drawn.index])
    known = drawn[drawn["value"].notna()].sort_values("value", ascending=False, kind="stable")
    if known.empty:
        raise ValueError("effects must hold at least one net effect in dollars; got none")
    sure, best = int((known["low"] > 0).sum()), known.iloc[0]
    earns = "earns more than it costs" if sure == 1 else "earn more than they cost"
    told = f"{sure} of {count(len(drawn), 'action')} surely {earns}"
    figure, [ax] = canvas(told, size=(WIDTH, 1.1 + 0.45 * len(known)))
    kinds = {str(name): "policy" if low > 0 else "sees" for name, low in known["low"].items()}
    intervals(ax, known, truth=0.0, kinds=kinds, words=dollars, line="break-even")
    return Finding(
        figure,
        f"Dots with intervals, one per action, of dollars a case beyond the cost, and a line at zero; {known.index[0]} "
        "stands highest.",
        f"{told}; the best is {known.index[0]} with {dollars(best['value'])} a case ({dollars(best['low'])} to "
        f"{dollars(best['high'])}).",
        table,
    )


@mpl.rc_context(RC)
def claimed_and_kept(steps: pd.Series[float], *, total: str = "earned in truth") -> Finding:
    """What does a dashboard claim, and what is left of it?

    Parameters
    ----------
    steps : Series
        Dollars: first what the dashboard claims, then what has to be added or taken away, in order.
    total : str
        What is left in the end.

    Returns
    -------
    Finding

    Examples
    --------
    >>> parts = pd.Series({"claimed": 7_000_000.0, "would have stayed anyway": -6_800_000.0, "vouchers": -900_000.0})
    >>> claimed_and_kept(parts)
    Of $7.0M claimed, −$700k is left; the largest correction is would have stayed anyway: −$6.8M, 97 % of the claim.
    """
    given = pd.Series(as_numbers(steps, "steps"), index=[str(name) for name in _step_names(steps)])
    if len(given) < 2:
        raise ValueError(f"steps must hold a claim and at least one correction; got {len(given)} numbers")
    claim, left, corrections = given.iloc[0], given.sum(), given.iloc[1:]
    largest = str(corrections.abs().idxmax())
    told = f"Of {money(claim)} claimed, {money(left)} is left; the largest correction is {largest}: "
    told += money(corrections[largest])
    if claim > 0:
        told += f", {percent(abs(corrections[largest]) / claim, 0)} of the claim"
    kept = "the truth is a loss of" if left < 0 else "in truth it is"
    figure, [ax] = canvas(f"{money(claim)} claimed, {kept} {money(abs(left))}", size=(WIDTH, 1.0 + 0.36 * len(given)))
    waterfall(ax, given, total=total)
    for bar, kind in ((ax.patches[0], "sees"), (ax.patches[-1], "truth")):
        bar.set(facecolor=look(kind).colour, hatch=look(kind).hatch)
    ax.set_yticks(range(len(given) + 1), [*given.index, total])
    alt = f"A waterfall from a claim of {money(claim)}: " + ", ".join(f"{n} {money(x)}" for n, x in corrections.items())
    return Finding(figure, f"{alt}; {money(left)} is left.", f"{told}.", given.to_frame("dollars"))


def _step_names(steps: pd.Series[float]) -> list[object]:
    """The names of the steps."""
    if not isinstance(steps, pd.Series):
        raise TypeError(f"steps must be a Series with a name for each number; got {describe(steps)}")
    return list(steps.index)
