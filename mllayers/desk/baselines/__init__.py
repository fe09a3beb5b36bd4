"""Teams worth beating, each a page of code with its source.

`BASELINES` makes a fresh one at each call, since some remember what they saw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from mllayers.desk.baselines.learning import Boosting, Delayed, OnDrift, Thompson, Weighted, Window
from mllayers.desk.baselines.trying import Epsilon, Neyman, Uncertain
from mllayers.loop import ARMS, Team

__all__ = [
    "BASELINES",
    "Boosting",
    "Delayed",
    "Epsilon",
    "Neyman",
    "OnDrift",
    "Thompson",
    "Uncertain",
    "Weighted",
    "Window",
]


def _arm(name: str) -> Team:
    return ARMS[name]


BASELINES: Mapping[str, Callable[[], Team]] = MappingProxyType(
    {
        "greedy": partial(_arm, "closed"),
        "ε-random": Epsilon,
        "inverse propensity": Weighted,
        "Thompson": Thompson,
        "uncertainty audit": Uncertain,
        "Neyman audit": Neyman,
        "delayed feedback": Delayed,
        "two frames": partial(_arm, "explore"),
        "on drift": OnDrift,
        "three months": Window,
        "boosting": Boosting,
        "every label": partial(_arm, "every label"),
    }
)
"""The name of each baseline and how to make one; *greedy*, *two frames* and *every label* are arms of the loop."""
