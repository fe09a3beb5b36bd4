"""What was promised, what a segment became, what each layer earns, and which alarm sounds."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns

from mllayers._check import as_frame
from mllayers._words import count, money, percent
from mllayers.figures.base import FACE, INK, RC, WIDTH, Finding, canvas, look
from mllayers.figures.feedback.ends import _named_lines
from mllayers.figures.strokes import _bars, _beside, _rows, _span


@mpl.rc_context(RC)
def promise(kept: pd.DataFrame) -> Finding:
    """What was promised, and what was delivered, period by period?

    Parameters
    ----------
    kept : DataFrame
        The table of `feedback.promise_kept`: a row per period with ``promised``, ``delivered``, ``low``, ``high`` and
        ``kept``: whether the promise lies inside the interval. Inside a wide one it may be broken all the same.

    Returns
    -------
    Finding

    Examples
    --------
    >>> table = {"promised": [0.02, 0.01], "delivered": [0.02, 0.05], "low": [0.01, 0.03], "high": [0.03, 0.08]}
    >>> promise(pd.DataFrame(table | {"kept": [True, False]}, index=["May", "June"]))
    The promise was broken in 1 of 2 periods; in June 1.0 % was promised and 5.0 % (3.0 % to 8.0 %) delivered.
    """
    table = as_frame(kept, "kept", ["promised", "delivered", "low", "high", "kept"])
    broken, x = int((~table["kept"].astype(bool)).sum()), np.arange(len(table))
    apart = (table["promised"] - table["delivered"]).abs().to_numpy(float)
    worst = int(np.nanargmax(apart)) if np.isfinite(apart).any() else 0
    row, names = table.iloc[worst], [str(name) for name in table.index]
    verdict = f"The promise was broken in {broken} of {count(len(table), 'period')}"
    if not broken:
        verdict = f"Nothing shows a broken promise in {count(len(table), 'period')}"
    figure, [ax] = canvas(verdict, size=(WIDTH, 2.8))
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
        f"{verdict}; in {names[worst]} {percent(row['promised'])} was promised and {percent(row['delivered'])} "
        f"({percent(row['low'])} to {percent(row['high'])}) delivered.",
        table,
    )


@mpl.rc_context(RC)
def wrong_segments(year: pd.DataFrame, *, event: int, limit: float = 1.5) -> Finding:
    """What does a plan by segments promise and deliver, and how far has a paid segment grown beyond its card?

    Parameters
    ----------
    year : DataFrame
        A row per month (index), with the columns ``promised`` and ``true`` (dollars a month) and ``growth`` (the size
        of the paid segment that has grown most, over its size on the policy card).
    event : int
        The month in which something changed; there must be months before and after it.
    limit : float, default 1.5
        The growth at which the size guard sounds.

    Returns
    -------
    Finding

    Examples
    --------
    >>> year = {"promised": [9e4, 9e4, 2e5, 2e5], "true": [5e4, 6e4, -8e4, -9e4], "growth": [1.0, 1.1, 2.2, 3.0]}
    >>> wrong_segments(pd.DataFrame(year).rename_axis("month"), event=2)
    Before month 2: $110k of the $180k promised came. From then on: −$170k of $400k. The size guard first sounds in \
month 2.
    """
    table = as_frame(year, "year", ["promised", "true", "growth"])[["promised", "true", "growth"]].astype(float)
    after = table.index >= event
    if after.all() or not after.any():
        raise ValueError(f"year must hold months before and after event={event}; got {list(table.index)}")
    early, late = table[~after].sum(), table[after].sum()
    title = f"Promised {money(late['promised'])}, delivered {money(late['true'])}"
    figure, [left, right] = canvas(f"{title}, from month {event} on", columns=2, size=(WIDTH, 3.4))
    kinds = {"promised": "sees", "true": "truth"}
    _named_lines(left, table[["promised", "true"]], kinds=kinds, room=0.75)
    left.set_title("dollars a month")
    left.yaxis.set_major_formatter(lambda x, _: money(x))
    _named_lines(right, table[["growth"]], kinds={"growth": "policy"}, words=lambda x: f"{x:.1f}", room=0.6)
    right.set_title("size now / size on the card")
    nothing = look("nothing")
    for ax, level, name in ((left, 0.0, "do nothing"), (right, limit, "the guard's limit")):
        ax.axhline(level, linestyle=nothing.line, color=nothing.colour)
        ax.annotate(name, (1, level), (-3, -3), ("axes fraction", "data"), "offset points", ha="right", va="top")
    loud = table.index[table["growth"] > limit]
    guard = f"first sounds in month {loud[0]}" if len(loud) else "never sounds"
    return Finding(
        figure,
        f"Two panels over the months: dollars promised and true, which part from month {event} on, and the size of the "
        "paid segment beside the guard's limit.",
        f"Before month {event}: {money(early['true'])} of the {money(early['promised'])} promised came. From then on: "
        f"{money(late['true'])} of {money(late['promised'])}. The size guard {guard}.",
        table.round(1),
    )


@mpl.rc_context(RC)
def no_layer_earns_alone(earned: pd.DataFrame, *, alone: Sequence[str], bound: str = "") -> Finding:
    """What does each layer earn by itself, and what do they earn together?

    Parameters
    ----------
    earned : DataFrame
        A row per world, a column per list of customers: dollars beyond leaving everybody alone, on the same customers.
    alone : sequence of str
        The columns in which a layer stands by itself.
    bound : str, optional
        The column of who knows more than a team can.

    Returns
    -------
    Finding

    Examples
    --------
    >>> earned = pd.DataFrame({"a score": [0, 0], "a decision": [-9e4, -8e4], "both": [1e5, 2e5], "clairvoyant": 1e6})
    >>> no_layer_earns_alone(earned, alone=["a score", "a decision"], bound="clairvoyant")
    Mean of 2 worlds: a score $0, a decision −$85.0k, both $150k, clairvoyant $1.0M. No layer earns by itself.
    """
    table = as_frame(earned, "earned", [*alone, *([bound] if bound else [])]).astype(float)
    mean = table.mean()
    rich = [name for name in alone if mean[name] > 0]
    verdict = "No layer earns by itself"
    if rich:
        verdict = f"{' and '.join(rich)} {'earns by itself' if len(rich) == 1 else 'earn by themselves'}"
    title = verdict if rich else "No layer earns alone"
    best = mean.drop([*alone, *([bound] if bound else [])])
    if len(best):
        title += f"; together the best earns {money(best.max())}"
    figure, [ax] = canvas(title, size=(WIDTH, 0.8 + 0.36 * len(mean)))
    y = _rows(ax, list(mean.index))
    _span(ax, table.to_numpy(), after=0.3)
    for at, (name, value) in zip(y, mean.items(), strict=True):
        kind = "bound" if name == bound else "sees" if name in alone else "policy"
        _bars(ax, at, value, 0.62, kind)
        low, high = table[name].min(), table[name].max()
        ax.plot([low, high], [at, at], color=INK, linewidth=1.5)
        _beside(ax, min(low, 0.0) if value < 0 else max(high, 0.0), at, money(value), left=value < 0)
    told = ", ".join(f"{name} {money(x)}" for name, x in mean.items())
    return Finding(
        figure,
        "Bars of dollars beyond leaving everybody alone, one for each list of customers, each with a thin line from "
        "the lowest to the highest world; zero is drawn.",
        f"Mean of {count(len(table), 'world')}: {told}. {verdict}.",
        pd.DataFrame({"mean": mean, "lowest": table.min(), "highest": table.max()}).round(0),
    )


@mpl.rc_context(RC)
def which_alarm_sees_what(first: pd.DataFrame, *, calm: str = "calm") -> Finding:
    """How many months after each event does each monitor first sound?

    Parameters
    ----------
    first : DataFrame
        A row per monitor, a column per world: months from the event to the first alarm, missing where there is none.
    calm : str, default 'calm'
        The column of the world in which nothing happens.

    Returns
    -------
    Finding

    Examples
    --------
    >>> first = pd.DataFrame({"calm": [np.nan, 0.0], "ring C": [2.0, 0.0]}, ["chargebacks", "audit against promise"])
    >>> which_alarm_sees_what(first)
    Where nothing happens: audit against promise. ring C: chargebacks (+2 months), audit against promise (at once).
    """
    table = as_frame(first, "first", [calm]).astype(float)
    sound = [str(name) for name in table.index[table[calm].notna()]]
    title = f"Where nothing happens, {'these sound' if len(sound) > 1 else 'one sounds'}: {', '.join(sound)}"
    figure, [ax] = canvas(title if sound else "Where nothing happens, no monitor sounds", size=(WIDTH, 3.6))
    ax.set(xlim=(-0.5, table.shape[1] - 0.5), ylim=(len(table) - 0.5, -0.5))
    ax.set_yticks(range(len(table)), [str(name) for name in table.index])
    ax.set_xticks(range(table.shape[1]), [str(name) for name in table.columns])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    for (row, column), after in np.ndenumerate(table.to_numpy(float)):
        if np.isnan(after):
            ax.text(column, row, "–", ha="center", va="center")
            continue
        box = {"facecolor": look("policy").colour, "lw": 0, "boxstyle": "round,pad=0.35"}
        ax.text(column, row, _after(after), ha="center", va="center", color=FACE, bbox=box)
    heard = {
        str(name): [f"{who} ({_after(x)})" for who, x in column.dropna().items()] for name, column in table.items()
    }
    others = [f"{name}: {', '.join(who) or 'no monitor'}" for name, who in heard.items() if name != calm]
    return Finding(
        figure,
        "A table of monitors by worlds; a filled field says how many months after the event the monitor first sounds, "
        "a dash that it does not.",
        f"Where nothing happens: {', '.join(sound) or 'no monitor'}. {'. '.join(others)}.",
        table,
    )


def _after(months: float) -> str:
    return "at once" if months == 0 else f"+{count(months, 'month')}"
