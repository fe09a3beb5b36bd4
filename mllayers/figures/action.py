"""Findings of layer 4, action."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd

from mllayers._check import as_frame
from mllayers._words import count, dollars
from mllayers.figures.base import RC, WIDTH, Finding, canvas
from mllayers.figures.standing import intervals


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
