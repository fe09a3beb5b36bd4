"""Intervals, weights and keyed draws that several rooms need: one home for each.

Intervals cover what they say or do not exist: with too few events a bound is NaN, never close.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mllayers._check import as_number

Floats = NDArray[np.float64]


class OverlapCollapsed(ValueError):
    """The log says too little about the challenger: it acts where the logged policy hardly ever, or never, did.

    Notes
    -----
    Taught in notebook 05, *Optional: comparing policies honestly*.
    """


class Interval(NamedTuple):
    """Two ends, and the number of events (entries that are not zero) that they rest on."""

    low: float
    high: float
    events: int


def normal_quantile(level: float) -> float:
    """How many standard errors a two-sided normal interval reaches to either side."""
    return NormalDist().inv_cdf(0.5 + as_number(level, "level", gt=0, lt=1) / 2)


def rate_interval(events: float, size: float, *, level: float) -> tuple[float, float]:
    """Clopper–Pearson limits for a rate, for counts that need not be whole (effective sample sizes)."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = float(betaincinv(events, size - events + 1, tail)) if events > 0 else 0.0
    high = float(betaincinv(events + 1, size - events, 1 - tail)) if events < size else 1.0
    return low, high


def score_interval(total: float, worth: float, squares: float, *, level: float) -> tuple[float, float]:
    """The rates p with (total − p · worth)² ≤ z² (p · worth − p² · squares): Wilson's where all count once."""
    z = normal_quantile(level)
    a, b = worth**2 + z**2 * squares, 2 * total * worth + z**2 * worth
    root = math.sqrt(max(b**2 - 4 * a * total**2, 0.0))
    return max((b - root) / (2 * a), 0.0), min((b + root) / (2 * a), 1.0)


def difference(first: tuple[float, float, float], second: tuple[float, float, float]) -> tuple[float, float, float]:
    """First minus second, each as (estimate, low, high): Newcombe's and Zou and Donner's square-and-add limits.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17(8), method 10; Zou and Donner (2008), Statistics in Medicine 27(10).
    """
    (a, low_a, high_a), (b, low_b, high_b) = first, second
    value = a - b
    return value, value - math.hypot(a - low_a, high_b - b), value + math.hypot(high_a - a, b - low_b)


def mean_interval(x: Floats, *, level: float) -> Interval:
    """An interval for the mean of money: many zeros, a long tail. NaN ends where there are too few events."""
    z, n, events = normal_quantile(level), x.size, int(np.count_nonzero(x))
    if n < 2 or events < 2:
        return Interval(math.nan, math.nan, events)
    half = z * float(x.std(ddof=1)) / math.sqrt(n)
    return Interval(float(x.mean()) - half, float(x.mean()) + half, events)


def effective_size(w: Floats) -> float:
    """How many equal weights these are worth: (Σ w)² / Σ w²."""
    return float(w.sum() ** 2 / (w**2).sum()) if w.any() else 0.0


def keyed_uniform(keys: Sequence[str], *, seed: int, lot: str) -> Floats:
    """A number in [0, 1) for each key: the same for the same key, seed and lot, in whatever order or part they come.

    References
    ----------
    BLAKE2b (RFC 7693), keyed with seed and lot; the first 53 bits of each digest.
    """
    key = hashlib.blake2b(f"{seed}/{lot}".encode(), digest_size=32).digest()
    digests = b"".join([hashlib.blake2b(one.encode(), digest_size=8, key=key).digest() for one in keys])
    return (np.frombuffer(digests, dtype=">u8") >> np.uint64(11)).astype(np.float64) * 2.0**-53
