"""A world that answers: the loud fraudster changes his form where he is stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from mllayers._check import as_number
from mllayers.shop import EVENTS, ORDER_TYPES, make_orders

Source = Callable[[int, pd.DataFrame], pd.DataFrame]


def reacting_orders(
    *, seed: int = 2026, per_month: int = 40_000, learning: float = 0.15, events: Mapping[str, Any] | None = None
) -> Source:
    """A world in which the loud fraudster reacts: the more of his orders are stopped, the more of them change form.

    Parameters
    ----------
    seed, per_month
        As in `shop.make_orders`.
    learning : float in [0, 1]
        Share of the stopped attempts that come in the other form next month: stopped A as A', stopped A' as A. With 0
        nobody reacts.
    events : mapping, optional
        The other drifts; by default all but ``mutateA``, which this replaces.

    Returns
    -------
    callable
        ``orders(month, so_far)`` for `run_loop`. Other teams meet other orders then, so compare them over seeds.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range, or the events hold ``mutateA``.

    Notes
    -----
    A and A' together are as many as ever. He reacts to the new system alone, not to the old rules, and only to what he
    saw last month. Real fraudsters also change what they buy, and leave. Named in notebook 05,
    *Optional: the loop from the inside*.

    References
    ----------
    Perdomo et al. (2020), "Performative Prediction", ICML.

    Examples
    --------
    >>> from mllayers.loop import run_loop
    >>> world = reacting_orders(per_month=4_000)
    >>> kinds = run_loop(world, team="closed", months=range(6, 9)).kinds
    >>> kinds["orders"].unstack()["A'"].to_list()
    [0, 7, 13]
    """
    learning = as_number(learning, "learning", ge=0, le=1)
    others = {event: when for event, when in EVENTS.items() if event != "mutateA"} if events is None else dict(events)
    if "mutateA" in others:
        raise ValueError("events must not hold mutateA: here A changes because it is stopped")

    def orders(month: int, so_far: pd.DataFrame) -> pd.DataFrame:
        types: Any = ORDER_TYPES.copy()
        changed = 0.0
        last = so_far[so_far["month"] == month - 1] if len(so_far) else so_far
        if len(last) and last["score"].notna().all():
            form = last["_kind"].isin(["A", "A'"])
            changed = (last.loc[form, "_kind"] == "A'").mean() if form.any() else 0.0
            stopped = (last["action"] != "ship").groupby(last["_kind"], observed=False).mean().fillna(0.0)
            changed += learning * ((1 - changed) * stopped["A"] - changed * stopped["A'"])
        types.loc["share", "A'"] = changed * types.loc["share", "A"]
        types.loc["share", "A"] -= types.loc["share", "A'"]
        return make_orders(month, seed=seed, per_month=per_month, events=others, types=types)

    return orders
