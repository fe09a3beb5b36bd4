"""The worlds in which teams are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from mllayers._check import as_integer, one_of
from mllayers.loop import reacting_orders
from mllayers.shop import make_orders

MONTHS = range(18)  # six to begin with, then twelve at the desk
World = Callable[[int, int], Any]


def _standing(seed: int, per_month: int) -> pd.DataFrame:
    return make_orders(MONTHS, seed=seed, per_month=per_month, events={})


def _drifting(seed: int, per_month: int) -> pd.DataFrame:
    return make_orders(MONTHS, seed=seed, per_month=per_month)


def _reacting(seed: int, per_month: int) -> Any:
    return reacting_orders(seed=seed, per_month=per_month)


WORLDS: Mapping[str, World] = MappingProxyType({"standing": _standing, "drifting": _drifting, "reacting": _reacting})
"""standing: nothing changes. drifting: a new market, a new ring, a peak, a fraudster who changes his form, each in its
month. reacting: as drifting, but the loud fraudster changes his form where he is stopped; so other teams meet other
orders."""


def orders_of(world: str, *, seed: int, per_month: int = 10_000) -> Any:
    """The orders of a world, as `run_loop` takes them.

    Parameters
    ----------
    world : {'standing', 'drifting', 'reacting'}
        What changes in the year.
    seed : int
        Which world of its kind.
    per_month : int
        Orders a month.

    Returns
    -------
    DataFrame or callable
        All orders, or a function that gives those of a month once it is known what was done before.

    Raises
    ------
    TypeError, ValueError
        For another word, or a number out of range.

    Examples
    --------
    >>> len(orders_of("standing", seed=1, per_month=100))
    1800
    """
    make = WORLDS[one_of(world, "world", WORLDS)]
    return make(as_integer(seed, "seed", ge=0), as_integer(per_month, "per_month", ge=1))
