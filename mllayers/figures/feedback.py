"""Findings of layer 5, feedback."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns

from mllayers._check import as_frame
from mllayers._words import count, percent
from mllayers.figures.base import RC, WIDTH, Finding, canvas, look


@mpl.rc_context(RC)
def promise(kept: pd.DataFrame) -> Finding:
    """What was promised, and what was delivered, period by period?

    Parameters
    ----------
    kept : DataFrame
        The table of `feedback.promise_kept`: a row per period with ``promised``, ``delivered``, ``low``, ``high`` and
        ``kept``.

    Returns
    -------
    Finding

    Examples
    --------
    >>> table = {"promised": [0.02, 0.01], "delivered": [0.02, 0.05], "low": [0.01, 0.03], "high": [0.03, 0.08]}
    >>> promise(pd.DataFrame(table | {"kept": [True, False]}, index=["May", "June"]))
    The promise was kept in 1 of 2 periods; in June 1.0 % was promised and 5.0 % (3.0 % to 8.0 %) delivered.
    """
    table = as_frame(kept, "kept", ["promised", "delivered", "low", "high", "kept"])
    held, x = table["kept"].astype(bool), np.arange(len(table))
    apart = (table["promised"] - table["delivered"]).abs().to_numpy(float)
    worst = int(np.nanargmax(apart)) if np.isfinite(apart).any() else 0
    row, names = table.iloc[worst], [str(name) for name in table.index]
    figure, [ax] = canvas(f"The promise was kept in {held.sum()} of {count(len(table), 'period')}", size=(WIDTH, 2.8))
    said, truth = look("sees"), look("truth")
    sns.lineplot(x=x, y=table["promised"].to_numpy(float), color=said.colour, linestyle=said.line, marker=said.marker,
                 label="promised", ax=ax)  # fmt: skip
    middle = table["delivered"].to_numpy(float)
    reach = np.clip([middle - table["low"].to_numpy(float), table["high"].to_numpy(float) - middle], 0, None)
    ax.errorbar(x, middle, reach, fmt=truth.marker, color=truth.colour, capsize=3, label="delivered, with its interval")
    ax.set_xticks(x, names)
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(lambda value, _: percent(value))
    ax.legend(loc="upper left", bbox_to_anchor=(0, 1.2), ncols=2)
    return Finding(
        figure,
        "Two series by period: what was promised, and dots with intervals of what was delivered; they are furthest "
        f"apart in {names[worst]}.",
        f"The promise was kept in {held.sum()} of {count(len(table), 'period')}; in {names[worst]} "
        f"{percent(row['promised'])} was promised and {percent(row['delivered'])} ({percent(row['low'])} to "
        f"{percent(row['high'])}) delivered.",
        table,
    )
