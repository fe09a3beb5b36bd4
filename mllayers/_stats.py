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


def weighted_rate_interval(y: Floats, pi: Floats, n: int, *, level: float) -> tuple[float, float, float, int]:
    """The rate among n cases of which each had a known chance of a label: estimate, low, high, events left to chance.

    Parameters
    ----------
    y, pi : arrays of shape (labels,)
        The labelled cases: 0 or 1, and the chance in (0, 1] with which each was labelled.
    n : int
        How many cases could have been labelled.
    """
    certain = pi == 1
    known, rest = float(y[certain].sum()), n - int(certain.sum())
    label, w = y[~certain], 1 / pi[~certain]
    events, seen = int(label.sum()), label.size
    if rest == 0:
        return known / n, known / n, known / n, events
    if seen == 0:
        return math.nan, known / n, (known + rest) / n, 0
    rate = float(w @ label / w.sum())
    size = effective_size(w)
    if 0 < rate < 1:
        size = rate * (1 - rate) / (float(((1 - 1 / w) * (w * (label - rate)) ** 2).sum()) / float(w.sum()) ** 2)
    low, high = rate_interval(rate * size, size, level=level)
    low, high = max(rest * low, events), min(rest * high, rest - (seen - events))
    return (known + rest * rate) / n, (known + low) / n, (known + high) / n, events


def effective_size(w: Floats) -> float:
    """How many equal weights these are worth: (Σ w)² / Σ w²."""
    return float(w.sum() ** 2 / (w**2).sum()) if w.any() else 0.0


def guard_weights(
    w: Floats, *, min_n_eff: float, what: str = "target / propensity", who: str = "the challenger"
) -> float:
    """The effective sample size of importance weights, refused where they say that the log cannot answer.

    Raises
    ------
    OverlapCollapsed
        Where all weights are 0, average clearly less than 1, or leave an effective sample below `min_n_eff`.
    ValueError
        Where they average clearly more than 1: then they are not the ratios of probabilities they are said to be.

    Notes
    -----
    Where the logged policy can do all that is asked about, E w = 1. Clearly means by more than four standard errors.
    """
    if not w.any():
        raise OverlapCollapsed(f"{who} never does what was done: the log says nothing about it")
    mean, size = float(w.mean()), effective_size(w)
    se = float(w.std(ddof=1)) / math.sqrt(w.size) if w.size > 1 else math.inf
    if mean < 1 - max(4 * se, 1e-9):
        raise OverlapCollapsed(
            f"the weights {what} average {mean:.2f} where 1 is expected: in about {1 - mean:.0%} of the cases {who} "
            "does what was (nearly) never done, and the log is silent about that; try it on a few first"
        )
    if size < min_n_eff:
        raise OverlapCollapsed(
            f"the {w.size:,} logged decisions are worth {size:.0f} for {who}, below min_n_eff = {min_n_eff:g} "
            f"(largest weight {w.max():,.0f}): it mostly does what was hardly ever done; try it on a few first"
        )
    if mean > 1 + max(4 * se, 1e-9):
        raise ValueError(
            f"{what} must average 1; got {mean:.2f}: both must be the probabilities of the action that was taken"
        )
    return size


def keyed_uniform(keys: Sequence[str], *, seed: int, lot: str) -> Floats:
    """A number in [0, 1) for each key: the same for the same key, seed and lot, in whatever order or part they come.

    References
    ----------
    BLAKE2b (RFC 7693), keyed with seed and lot; the first 53 bits of each digest.
    """
    key = hashlib.blake2b(f"{seed}/{lot}".encode(), digest_size=32).digest()
    digests = b"".join([hashlib.blake2b(one.encode(), digest_size=8, key=key).digest() for one in keys])
    return (np.frombuffer(digests, dtype=">u8") >> np.uint64(11)).astype(np.float64) * 2.0**-53
