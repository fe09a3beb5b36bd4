"""Intervals, weights and keyed draws that several rooms need: one home for each.

Intervals cover what they say or do not exist: with too few events a bound is NaN, never close.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_number

Floats = NDArray[np.float64]

# Money gets no interval with fewer events than this, nor with fewer cases where no value is common (measured by
# benchmarks/coverage.py: docs/coverage.md).
FEWEST_EVENTS, FEWEST_CASES = 5, 20


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
    """Clopper–Pearson limits for a rate, for counts that need not be whole (effective sample sizes).

    They cover at least what they say from no event on; Wilson's cover 91 % instead of 95 % where one is expected.

    References
    ----------
    Clopper and Pearson (1934), Biometrika 26(4).
    """
    from scipy.special import betaincinv

    tail = (1 - as_number(level, "level", gt=0, lt=1)) / 2
    low = float(betaincinv(events, max(size - events, 0.0) + 1, tail)) if events > 0 else 0.0
    high = float(betaincinv(events + 1, size - events, 1 - tail)) if events < size else 1.0
    return low, high


def score_interval(total: float, worth: float, squares: float, *, level: float) -> tuple[float, float]:
    """The rates p with (total − p · worth)² ≤ z² (p · worth − p² · squares): Wilson's where all count once.

    Made for the two sides of `difference`, where it covers 94 % and more of 95 % from half an event on. One rate by
    itself is better served by `rate_interval`.

    References
    ----------
    Wilson (1927), JASA 22(158).
    """
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


def mean_interval(x: Floats, *, level: float, events: int | None = None) -> Interval:
    """An interval for the mean of money: many zeros, a long tail, gains and losses, weighted or not.

    Parameters
    ----------
    x : array of shape (n,)
        Dollars of each case, zeros included.
    level : float in (0, 1)
        Probability with which the interval is to hold the true mean.
    events : int, optional
        How many events the entries rest on, where the caller counts fewer than the entries show: where a known cost
        was taken off, entries differ from zero although nothing ever came back.

    Returns
    -------
    Interval
        Both ends NaN with fewer than five events. Events are the entries away from the value that at least half of the
        entries share (mostly zero); where no value is that common all entries are, and twenty are needed. A column of
        one value has no events: how far its mean may be from the truth is unknown, and never zero.

    Notes
    -----
    Hall's transformed t: with skewness g = m₃ / s³ the limits are x̄ − s/√n · T(±t), where
    T(y) = ((1 + g/√n · (y − g/(6√n)))^(1/3) − 1) · 3√n / g takes the skewness out of the t statistic. t is Student's
    quantile with min(events, 2 (Σ d²)² / Σ d⁴) − 1 degrees of freedom, d = x − x̄. (Σ d²)² / Σ d⁴ says how many entries
    of equal size would carry the same spread, and twice that is Satterthwaite's number for a long tail: where one entry
    outweighs all others, s is hardly known and the interval is wide. No draw of chance is in it, the order of rows does
    not matter, and a million rows take a tenth of a second. Measured at the level 0.95 it covers 93 to 99 %.

    A tail of which the sample holds nothing is beyond every method: where a cost falls on each case and the rare gain
    has not come yet, give the number of gains as `events`.

    References
    ----------
    Hall (1992), "On the Removal of Skewness by Transformation", JRSS B 54(1), 221–228; tried on skewed positive data
    by Zhou and Gao (2000), The American Statistician 54(2), 100–104. Satterthwaite (1946), Biometrics Bulletin 2(6).
    """
    return moments_of(x, events=events).interval(level)


class Moments(NamedTuple):
    """What `mean_interval` needs to know of an array, for as many levels as are asked for."""

    n: int
    mean: float
    unit: float
    m2: float
    m3: float
    m4: float
    events: int
    enough: bool

    def interval(self, level: float) -> Interval:
        """The interval of `mean_interval` at this level."""
        from scipy.special import stdtrit

        tail = 0.5 + as_number(level, "level", gt=0, lt=1) / 2
        if not self.enough:
            return Interval(math.nan, math.nan, self.events)
        t = float(stdtrit(max(min(self.events, 2 * self.n * self.m2**2 / self.m4) - 1, 1.0), tail))
        skew = self.m3 / self.m2**1.5 / math.sqrt(self.n)
        low, high = (_unskewed(y, skew) for y in (t, -t))
        se = self.unit * math.sqrt(self.m2 / (self.n - 1))
        return Interval(self.mean - se * low, self.mean - se * high, self.events)


def moments_of(x: Floats, *, events: int | None = None) -> Moments:
    """The moments of an array and its events, as `mean_interval` counts them."""
    n, entries = x.size, np.sort(x)
    if n < 2:
        return Moments(n, float(x.sum()), 0.0, 0.0, 0.0, 0.0, 0, enough=False)
    rounding = 1e-11 * float(max(abs(entries[0]), abs(entries[-1])))
    shared = max(int((np.abs(entries - base) <= rounding).sum()) for base in (entries[(n - 1) // 2], entries[n // 2]))
    found, enough = _events_among(n, shared, events)
    mean, unit = float(entries.mean()), float(entries[-1] - entries[0])
    if not enough:
        return Moments(n, mean, unit, 0.0, 0.0, 0.0, found, enough=False)
    d = (entries - mean) / unit
    squares = d * d
    m2, m3, m4 = float(squares.mean()), float((squares * d).mean()), float((squares * squares).mean())
    return Moments(n, mean, unit, m2, m3, m4, found, enough=True)


def moments_of_powers(n: int, powers: Sequence[float], shared: int, *, events: int | None = None) -> Moments:
    """What `moments_of` says, from sums alone.

    Parameters
    ----------
    n : int
        How many entries.
    powers : sequence of four numbers
        The sums of x, x², x³ and x⁴.
    shared : int
        How many entries have the one value that most of them have.
    events : int, optional
        As in `moments_of`.

    Raises
    ------
    ValueError
        Where the entries are so alike, beside their size, that sums of powers have lost their spread.
    """
    if n < 2:
        return Moments(n, float(powers[0]), 0.0, 0.0, 0.0, 0.0, 0, enough=False)
    found, enough = _events_among(n, shared, events)
    mean, second, third, fourth = (x / n for x in powers)
    if not enough or second == 0:
        return Moments(n, mean, 1.0, 0.0, 0.0, 0.0, found, enough=False)
    m2 = second - mean**2
    if m2 <= 1e-8 * second:
        raise ValueError(
            f"the amounts are so alike ({mean:g} ± {math.sqrt(max(m2, 0.0)):.2g}) that their sums have lost the "
            "spread: take off what they have in common first"
        )
    m3 = third - 3 * mean * second + 2 * mean**3
    m4 = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4
    return Moments(n, mean, 1.0, m2, m3, m4, found, enough=True)


class MoneySums(NamedTuple):
    """Money with weights, summed up.

    Attributes
    ----------
    powers : array of shape (5, 5)
        The sum of wⁱ xʲ in row i and column j; the first is the number of cases.
    usual : float
        The amount that more cases have than any other (any amount, where none is common).
    at_usual : int
        How many have it.
    """

    powers: Floats
    usual: float
    at_usual: int

    @property
    def n(self) -> int:
        """How many cases."""
        return int(self.powers[0, 0])

    def beyond(self, amount: float) -> Floats:
        """The same sums of x − amount instead of x."""
        out = np.zeros_like(self.powers)
        for j in range(5):
            for k in range(j + 1):
                out[:, j] += math.comb(j, k) * (-amount) ** (j - k) * self.powers[:, k]
        return out


def _events_among(n: int, shared: int, events: int | None) -> tuple[int, bool]:
    """The events among n entries of which so many have one value, and whether they are enough for an interval."""
    found, least = (n - shared, FEWEST_EVENTS) if 2 * shared >= n else (n, FEWEST_CASES)
    enough = found >= least
    found = found if events is None else min(found, events)
    return found, enough and found >= FEWEST_EVENTS


def _unskewed(y: float, skew: float) -> float:
    """Hall's transformation of a quantile; `skew` is the skewness of the mean."""
    return y if abs(skew) < 1e-6 else 3 / skew * (math.cbrt(1 + skew * (y - skew / 6)) - 1)


def chance_if_none(value: float, ends: Callable[[float], tuple[float, float]]) -> float:
    """The p-value of *no difference*: 1 − the level at which the interval begins to hold 0 (never below 1e-12).

    Parameters
    ----------
    value : float
        The estimate.
    ends : callable
        Takes a level and returns both ends of the interval.
    """
    from scipy.optimize import brentq

    if math.isnan(value) or math.isnan(ends(0.5)[0]):
        return math.nan

    def beyond(log_p: float) -> float:
        low, high = ends(-math.expm1(log_p))
        return low if value > 0 else -high

    surest, least_sure = math.log(1e-12), math.log(1 - 1e-9)
    if value == 0 or beyond(least_sure) <= 0:
        return 1.0
    return math.exp(brentq(beyond, surest, least_sure, xtol=1e-10)) if beyond(surest) < 0 else 1e-12


def holm(p: ArrayLike) -> Floats:
    """Holm's adjusted p-values: below α wherever all of them together may be called sure with an error of α.

    A missing one (NaN) was not asked, does not count and stays missing.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6(2), 65–70.
    """
    each = np.asarray(p, dtype=np.float64)
    out = np.full(each.shape, np.nan)
    asked = np.flatnonzero(~np.isnan(each))
    order = asked[np.argsort(each[asked], kind="stable")]
    steps = each[order] * np.arange(len(order), 0, -1)
    out[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return out


def what_is_sure(low: float, high: float, least: float) -> str:
    """What an interval says of a difference of which only `least` matters: more, less, alike, or open."""
    if low > least:
        return "more"
    if high < -least:
        return "less"
    return "alike" if least > 0 and -least <= low and high <= least else "open"


def weighted_rate_limits(
    n: int, certain: int, known: float, drawn: RateCounts, unseen: tuple[int, float], *, level: float
) -> tuple[float, float, float, int]:
    """The rate among n cases of which each had a known chance of a label: estimate, low, high, events left to chance.

    Parameters
    ----------
    n, certain : int
        Cases that could have been labelled, and those that were for certain.
    known : float
        Events among the latter.
    drawn : RateCounts
        The labels left to chance.
    unseen : pair of int and float
        How many cases without a label weigh more than any of these labels, and the largest of their weights.
    level : float in (0, 1)
        Probability with which the interval is to hold the rate of these n cases.

    Notes
    -----
    Of cases that weigh more than any label (they were less likely, and none of them was drawn) the labels say nothing:
    the upper limit allows for one event of their weight, or for an event in each of them, whichever is less.

    Cases labelled for certain (π = 1) are known, and so is the number of the others; only their rate is estimated
    (Hájek: weights 1/π) and has limits, those of `plain_counts`. Events and non-events that were seen are known,
    too: neither the estimate nor a limit contradicts them.
    """
    rest, events, seen = n - certain, drawn.ones, drawn.zeros + drawn.ones
    if seen == 0:
        return (math.nan if rest else known / n), known / n, (known + rest) / n, 0
    rate, below, above = drawn.plain_counts(finite=True)
    low, high = rate_interval(*below, level=level)[0], rate_interval(*above, level=level)[1]
    heavier, heaviest = unseen
    if heavier:
        _, _, above = drawn.plain_counts(finite=True, heaviest=heaviest)
        share = heavier / rest
        high = min(rate_interval(*above, level=level)[1], share + (1 - share) * high)
    least, most = events, rest - (seen - events)
    there, low, high = (min(max(rest * share, least), most) for share in (rate, low, high))
    return (known + there) / n, (known + low) / n, (known + high) / n, events


class RateCounts(NamedTuple):
    """Labels of 0 and 1 with weights, summed up: how many of each, Σ w and Σ w² of each, and the largest w."""

    zeros: int
    ones: int
    weight_zeros: float
    weight_ones: float
    squares_zeros: float
    squares_ones: float
    heaviest: float

    @property
    def weight(self) -> float:
        """Σ w."""
        return self.weight_zeros + self.weight_ones

    @property
    def rate(self) -> float:
        """Σ w y / Σ w."""
        return self.weight_ones / self.weight

    @property
    def n_eff(self) -> float:
        """(Σ w)² / Σ w²."""
        return self.weight**2 / (self.squares_zeros + self.squares_ones) if self.heaviest else 0.0

    def spread(self, *, finite: bool = False) -> float:
        """Σ w² (y − rate)²; `finite`: Σ w² (1 − 1/w) (y − rate)²."""
        ones, zeros = self.squares_ones, self.squares_zeros
        if finite:
            ones, zeros = ones - self.weight_ones, zeros - self.weight_zeros
        return ones * (1 - self.rate) ** 2 + zeros * self.rate**2

    def plain_counts(
        self, *, finite: bool = False, heaviest: float = 0.0
    ) -> tuple[float, tuple[float, float], tuple[float, float]]:
        """The rate, and the plain counts (events, size) whose exact limits are its lower and its upper limit.

        Parameters
        ----------
        finite : bool, default False
            Whether the rate asked for is that of the cases that the weights stand for, so that only the draw is left to
            chance and not the outcomes.
        heaviest : float, default 0
            The largest weight that could have been drawn, where it is larger than those there are.

        Notes
        -----
        Lower limit: Korn and Graubard's, r n* events in n* = r (1 − r) / se² cases. Upper limit: that of one more event
        of the largest weight (Fay and Feuer), for binomial instead of Poisson counts. With equal weights both are
        Clopper and Pearson's (the lower one a little above it where `finite`). With unequal ones the upper limit allows
        for the heavy event that was not drawn; Korn and Graubard's upper limit does not, and covered 54 % instead of
        95 % where 2 % of the safe cases were labelled and 50 % of the risky ones.

        References
        ----------
        Korn and Graubard (1998), Survey Methodology 24(2), 193–201. Fay and Feuer (1997), Statistics in Medicine 16(7),
        791–801. Clopper and Pearson (1934), Biometrika 26(4).
        """
        rate, size = self.rate, self.n_eff
        if 0 < rate < 1:
            size = rate * (1 - rate) * self.weight**2 / self.spread(finite=finite)
        more = max(self.heaviest, heaviest)
        total, squares = self.weight_ones + more, self.squares_ones + more**2
        worth = self.weight + (more if heaviest else 0.0)
        return rate, (rate * size, size), (total**2 / squares - 1, worth * total / squares)


def all_counts(parts: Iterable[RateCounts]) -> RateCounts:
    """The sums of all parts together."""
    zeros, ones, weight0, weight1, squares0, squares1, heaviest = zip(*parts, strict=True)
    sums = [math.fsum(each) for each in (weight0, weight1, squares0, squares1)]
    return RateCounts(sum(zeros), sum(ones), sums[0], sums[1], sums[2], sums[3], max(heaviest))


def rate_counts(y: Floats, w: Floats) -> RateCounts:
    """The sums of labels and weights, the same in whatever order the labels come."""
    ones, zeros = np.sort(w[y == 1]), np.sort(w[y != 1])
    return RateCounts(
        zeros.size, ones.size, float(zeros.sum()), float(ones.sum()), float(zeros @ zeros), float(ones @ ones),
        float(w.max(initial=0.0)),
    )  # fmt: skip


def delivered_rate(seen: Floats, w: Floats, said: float, level: float) -> dict[str, Any]:
    """What labels with these weights deliver, beside the promise; everything but the promise is NaN without labels.

    A row of a table: ``events``, ``n_eff``, ``promised``, ``delivered``, ``low``, ``high``, ``ratio``, ``by_chance``,
    ``kept``. Limits: Clopper and Pearson's, for as many labels as have this variance (Korn and Graubard 1998).
    """
    return rate_delivered(rate_counts(seen, w), said, level)


def rate_delivered(seen: RateCounts, said: float, level: float) -> dict[str, Any]:
    """What `delivered_rate` says, from sums alone."""
    if not seen.zeros + seen.ones:
        nothing = dict.fromkeys(("delivered", "low", "high", "ratio", "by_chance"), math.nan)
        return {"events": 0, "n_eff": 0.0, "promised": said, **nothing, "kept": None}
    rate, n_eff = seen.rate, seen.n_eff
    size = min(rate * (1 - rate) * seen.weight**2 / seen.spread(), n_eff) if 0 < rate < 1 else n_eff
    low, high = rate_interval(rate * size, size, level=level)
    by_chance = _binomial_chance(rate * size, size, said)
    ratio = said / rate if rate else math.inf if said else math.nan
    return {
        "events": seen.ones, "n_eff": n_eff, "promised": said, "delivered": rate, "low": low, "high": high,
        "ratio": ratio, "by_chance": by_chance, "kept": by_chance >= 1 - level,
    }  # fmt: skip


def _binomial_chance(events: float, size: float, p: float) -> float:
    """Twice the smaller tail of a binomial count (sizes need not be whole): Clopper and Pearson's test."""
    from scipy.special import betainc

    more = float(betainc(events, size - events + 1, p)) if events > 0 else 1.0
    less = float(betainc(size - events, events + 1, 1 - p)) if events < size else 1.0
    return min(2 * more, 2 * less, 1.0)


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
    sums = WeightSums(w.size, float(w.sum()), float((w**2).sum()), float(w.max(initial=0.0)))
    return guard_weight_sums(sums, min_n_eff=min_n_eff, what=what, who=who)


class WeightSums(NamedTuple):
    """Weights, summed up: how many, Σ w, Σ w² and the largest."""

    n: int
    total: float
    squares: float
    largest: float


def guard_weight_sums(
    w: WeightSums, *, min_n_eff: float, what: str = "target / propensity", who: str = "the challenger"
) -> float:
    """What `guard_weights` says, from sums alone."""
    if not w.largest:
        raise OverlapCollapsed(f"{who} never does what was done: the log says nothing about it")
    mean, size = w.total / w.n, w.total**2 / w.squares
    variance = max(w.squares - w.total * mean, 0.0) / max(w.n - 1, 1)
    # By chance few large weights make their spread look small: what lacks counts as large ones that did not come.
    supposed = (w.squares + max(w.n - w.total, 0.0) * w.largest) / w.n - 1
    se = math.sqrt(max(variance, w.squares / w.total - 1, supposed) / w.n) if w.n > 1 else math.inf
    if mean < 1 - max(4 * se, 1e-9):
        raise OverlapCollapsed(
            f"the weights {what} average {mean:.2f} where 1 is expected: in about {1 - mean:.0%} of the cases {who} "
            "does what was (nearly) never done, and the log is silent about that; try it on a few first"
        )
    if size < min_n_eff:
        raise OverlapCollapsed(
            f"the {w.n:,} logged decisions are worth {size:.0f} for {who}, below min_n_eff = {min_n_eff:g} "
            f"(largest weight {w.largest:,.0f}): it mostly does what was hardly ever done; try it on a few first"
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
