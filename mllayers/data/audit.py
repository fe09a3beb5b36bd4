"""Which cases to label at random, and what such an audit says about all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import (
    as_binary,
    as_integer,
    as_number,
    as_probabilities,
    as_propensities,
    describe,
    per_case,
    same_cases,
)
from mllayers._results import Result
from mllayers._stats import RateCounts, rate_counts, weighted_rate_limits
from mllayers._words import count


def audit_sample(
    n: int,
    share: ArrayLike,
    *,
    eligible: ArrayLike | None = None,
    seed: int | np.random.Generator,
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which cases to label at random, so that what was never caught gets a chance to be seen?

    Every eligible case is drawn by its own toss of a coin, so the propensity is exact and known beforehand.

    Parameters
    ----------
    n : int
        Number of cases.
    share : float or array of shape (n,)
        Chance of each eligible case to be drawn, in (0, 1]; one per case to look harder where a miss is expensive.
    eligible : array of bool, shape (n,), optional
        Cases that may be drawn, for example those that no rule inspects anyway; by default all. True and False only.
    seed : int or numpy Generator
        Source of the draw: keep it with the audit, so that the draw can be repeated.

    Returns
    -------
    mask : array of bool, shape (n,)
        True where the case is drawn.
    propensity : array of float, shape (n,)
        The chance it had: ``share`` where eligible, 0 elsewhere.

    Raises
    ------
    TypeError, ValueError
        When ``n`` is not a whole number ≥ 1, ``share`` lies outside (0, 1], ``eligible`` is not n booleans, or two
        Series have other labels.

    Notes
    -----
    A Bernoulli design (Poisson, with one share per case): the number drawn varies by about √(n · share), in exchange
    for a variance formula without joint propensities, which :func:`weighted_rate` uses. The draw of a case does not
    depend on who else is eligible. Cases that a rule labels for certain enter ``weighted_rate`` with propensity 1.

    Taught in notebook 01, *What happened*.

    References
    ----------
    Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, section 3.5: Poisson sampling.

    Examples
    --------
    >>> mask, propensity = audit_sample(6, 0.5, eligible=[True, True, True, True, False, False], seed=1)
    >>> mask
    array([False, False,  True, False, False, False])
    >>> propensity
    array([0.5, 0.5, 0.5, 0.5, 0. , 0. ])
    """
    n = as_integer(n, "n", ge=1)
    same_cases(share=share, eligible=eligible)
    chance = as_propensities(share, n, "share")
    may = np.ones(n, dtype=bool) if eligible is None else as_mask(eligible, "eligible")
    if len(may) != n:
        raise ValueError(f"eligible must hold {n} booleans, one per case; got {len(may)}")
    propensity = np.where(may, chance, 0.0)
    if not isinstance(seed, np.random.Generator):
        seed = np.random.default_rng(as_integer(seed, "seed", ge=0))
    return seed.random(n) < propensity, propensity


def as_mask(x: Any, name: str) -> NDArray[np.bool_]:
    """A column of True and False: 0 and 1 may be counts or codes, and are refused."""
    values = as_binary(x, name)
    dtype = getattr(x, "dtype", getattr(x, "type", None))
    entries = x if isinstance(x, (list, tuple)) or str(dtype) == "object" else []
    other = [value for value in entries if not isinstance(value, (bool, np.bool_))]
    if other or not (len(entries) or str(dtype).lower().startswith("bool")):
        raise TypeError(f"{name} must hold True and False; got {describe(other[0] if other else x)}")
    return values.astype(bool)


@dataclass(frozen=True, eq=False, repr=False)
class WeightedRate(Result):
    """A rate in a population, estimated from labels with known propensities.

    ``hajek`` is the estimate, ``se`` its standard error, ``low`` and ``high`` the interval at ``level``, which rests on
    ``events`` among the labels that were left to chance. ``ht`` and ``se_ht`` are Horvitz and Thompson's. ``n`` cases
    had a chance of a label, ``n_labels`` have one, worth ``n_eff`` labels of equal weight; ``n_never`` had no chance.
    """

    hajek: float
    se: float
    low: float
    high: float
    level: float
    ht: float
    se_ht: float
    n: int
    n_labels: int
    n_eff: float
    n_never: int
    events: int

    def _line(self) -> str:
        never = f"; {count(self.n_never, 'case')} without a chance of a label left out" if self.n_never else ""
        rate = "unknown" if math.isnan(self.hajek) else f"{self.hajek:.4f}"
        interval = f"{100 * self.level:g} % interval {self.low:.4f} to {self.high:.4f}, {count(self.events, 'event')}"
        return (
            f"rate {rate} ({interval}) of {count(self.n, 'case')} from {count(self.n_labels, 'label')} "
            f"worth {self.n_eff:,.0f}; Horvitz–Thompson {self.ht:.4f}{never}"
        )


def weighted_rate(
    y: ArrayLike, propensity: ArrayLike, *, population: int | None = None, level: float = 0.95
) -> WeightedRate:
    """What is the rate among all cases, when only some have a label and each had a known chance of getting one?

    The plain mean of the labels answers for the labelled. Weighting every label by 1 / propensity answers for everyone
    who could have been labelled.

    Parameters
    ----------
    y : array of shape (n,)
        The outcome, 0 or 1; NaN where there is no label. A label that came in another way than by the design (a
        complaint about a case that was not drawn) does not belong here.
    propensity : float or array of shape (n,)
        Chance in [0, 1] that the case got its label *by design*: the audit share, 1 where a rule inspects for certain,
        0 where a label was impossible.
    population : int, optional
        Number of cases that could have been labelled. By default ``y`` has one entry for every case; with
        ``population`` it holds the labelled ones alone.
    level : float, default 0.95
        Probability with which the interval is to hold the rate.

    Returns
    -------
    WeightedRate
        ``hajek`` estimate with ``se`` and interval ``low``, ``high``; ``ht`` (Horvitz–Thompson) with ``se_ht``; ``n``
        cases with a chance of a label, ``n_labels``, ``n_eff`` (effective sample size), ``events`` left to chance, and
        ``n_never``: cases with propensity 0, of which no sample can say anything and which the rate leaves out. Where
        no case left to chance has a label, the estimate is NaN and the interval holds all that is possible.

    Raises
    ------
    TypeError
        When an input is not numeric.
    ValueError
        When ``y`` is not 0, 1 or NaN or has no label; ``propensity`` is outside [0, 1]; a label has propensity 0, or a
        case with propensity 1 has none; lengths or the labels of two Series differ; ``population`` is below the number
        of labels; or the weights of the drawn labels add up to far more or fewer cases than there are, as they do when
        labels are used that were not drawn.

    Notes
    -----
    Cases with π = 1 are known and so is the number N of the others; only the rate R among those is estimated. With
    weights w = 1/π over their labels: R = Σ w y / Σ w (Hájek) with variance Σ (1 − π) w² (y − R)² / (Σ w)². HT = (1/n)
    Σ w y over all labels with variance (1/n²) Σ (1 − π) w² y²; n_eff = (Σ w)² / Σ w². The variances are those of
    independent draws (:func:`audit_sample`). Hájek is the steadier one when the rate is high or the sample size varies.

    Under the design Σ w is N on average, with variance Σ (1 − π)/π. A sum further away than Bernstein's bound allows
    (passed by one honest audit in a million) is refused. With ``population`` and propensities that differ, the variance
    is estimated from the labels and only a sum that is too large is refused: cases with a smaller propensity than any
    label may all have stayed undrawn.

    The lower limit is Korn and Graubard's, for cases left to chance: Clopper–Pearson for rate r in n* = r (1 − r) / se²
    labels. The upper one is that of one more event of the largest weight seen; without an event it is the rule of
    three. Measured on 4,000 to 6,000 cases, 1,000 to 1,500 draws each, at 95 %: one audit share of 0.02 or 0.1, with or
    without a part inspected for certain, covers 98–100 % with 0.5 to 2 expected events left to chance, 97–98 % with 5,
    96–97 % with 20 and 50; shares of 0.05, 0.2 and 0.5 cover 97–100 %; shares a factor 20 to 160 apart 99–100 %. Where
    none of the cases with the smallest propensity was drawn, the upper limit allows for events in all of them; with
    ``population`` it cannot know them: do not give a part of the cases a far smaller propensity than the rest.

    Taught in notebook 01, *Optional: estimate what you cannot see*.

    References
    ----------
    Horvitz and Thompson (1952), JASA 47(260). Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling,
    sections 3.5 and 5.7. Korn and Graubard (1998), Survey Methodology 24(2), 193–201: intervals for small counts.
    Fay and Feuer (1997), Statistics in Medicine 16(7), 791–801. Bernstein's inequality: Boucheron, Lugosi and Massart
    (2013), Concentration Inequalities, section 2.8.

    Examples
    --------
    Ten orders were inspected for certain, 90 more had a chance of 0.1 each; nine of those were drawn.

    >>> y = np.full(100, np.nan)
    >>> y[:10] = [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]
    >>> y[10:100:10] = [1, 0, 0, 0, 0, 0, 0, 0, 0]
    >>> weighted_rate(y, np.r_[np.ones(10), np.full(90, 0.1)])
    rate 0.1700 (95 % interval 0.0800 to 0.5042, 1 event) of 100 cases from 19 labels worth 11; Horvitz–Thompson 0.1700
    """
    same_cases(y=y, propensity=propensity)
    outcome = as_binary(y, "y", missing=population is None)
    chance = np.broadcast_to(per_case(propensity, len(outcome), "propensity"), len(outcome))
    chance = as_probabilities(chance, "propensity")
    level = as_number(level, "level", gt=0, lt=1)
    known = ~np.isnan(outcome)
    for wrong, says in (
        (known & (chance == 0), "be above 0 where y has a label; got 0"),
        (~known & (chance == 1), "be below 1 where y has no label, since 1 means it is certain; got 1"),
    ):
        if wrong.any():
            raise ValueError(f"propensity must {says} at row {int(np.argmax(wrong))}")
    if not known.any():
        raise ValueError("y must hold at least one label; got only NaN")
    n = int((chance > 0).sum()) if population is None else as_integer(population, "population", ge=len(outcome))
    label, pi, maybe = outcome[known], chance[known], chance[(chance > 0) & (chance < 1)]
    drawn = rate_counts(label[pi < 1], 1 / pi[pi < 1])
    others = 1 / chance[~known & (chance > 0)]
    heavier = others[others > drawn.heaviest * (1 + 1e-12)]
    sums = _AuditSums(
        never=int((chance == 0).sum()),
        certain=int((pi == 1).sum()),
        known=int(label[pi == 1].sum()),
        drawn=drawn,
        heavier=(heavier.size, float(heavier.max(initial=0.0))),
        left=maybe.size,
        left_weight=float((1 / maybe).sum()),
        left_heaviest=float((1 / maybe).max(initial=0.0)),
    )
    return _weighted_rate_of(sums, n, whole=population is None, one_share=np.ndim(propensity) == 0, level=level)


class _AuditSums(NamedTuple):
    """An audit, summed up: cases without a chance of a label; labels that were certain, and the events among them;
    labels left to chance; how many cases without a label weigh more than those, and the largest such weight; and all
    cases left to chance: how many, Σ w and the largest w.
    """

    never: int
    certain: int
    known: int
    drawn: RateCounts
    heavier: tuple[int, float]
    left: int
    left_weight: float
    left_heaviest: float


def _weighted_rate_of(sums: _AuditSums, n: int, *, whole: bool, one_share: bool, level: float) -> WeightedRate:
    """What `weighted_rate` says of n cases, from sums; `whole`: of all of them, else of the labelled ones alone."""
    drawn, certain = sums.drawn, sums.certain
    rest, labels = n - certain, certain + drawn.zeros + drawn.ones
    if rest and one_share and certain and not sums.left:
        raise ValueError(f"population must be {labels}, the number of labels, since propensity 1 labels all; got {n}")
    _refuse_other_design(sums, rest, of_all=whole or one_share)
    unseen = sums.heavier if whole else (0, 0.0)
    hajek, low, high, events = weighted_rate_limits(n, certain, sums.known, drawn, unseen, level=level)
    se = np.nan if rest else 0.0
    if drawn.zeros + drawn.ones:
        se = float(rest / n * np.sqrt(drawn.spread(finite=True)) / drawn.weight)
    weight = certain + drawn.weight
    return WeightedRate(
        hajek=hajek,
        se=se,
        low=low,
        high=high,
        level=level,
        ht=(sums.known + drawn.weight_ones) / n,
        se_ht=float(np.sqrt(max(drawn.squares_ones - drawn.weight_ones, 0.0)) / n),
        n=n,
        n_labels=labels,
        n_eff=weight**2 / (certain + drawn.squares_zeros + drawn.squares_ones),
        n_never=sums.never,
        events=events,
    )


def _refuse_other_design(sums: _AuditSums, rest: int, *, of_all: bool) -> None:
    """Refuse labels that cannot have been drawn with these chances: their weights must add up to the cases there are.

    ``rest`` is the number of cases that could be drawn. Unless the chances of all of them are known, a sum that is too
    small proves nothing: cases with a smaller chance may all have stayed undrawn. The tolerance is Bernstein's.
    """
    drawn = sums.drawn
    if rest == 0 or (not of_all and not drawn.heaviest):
        return
    if of_all:
        variance, largest = (sums.left_weight / sums.left - 1) * rest, sums.left_heaviest
    else:
        variance = rest * ((drawn.squares_zeros + drawn.squares_ones) / drawn.weight - 1)
        largest = drawn.heaviest
    log = math.log(2e6)
    tolerance = log * largest / 3 + math.sqrt((log * largest / 3) ** 2 + 2 * log * variance)
    total = drawn.weight
    if total - rest <= tolerance and (not of_all or rest - total <= tolerance):
        return
    found = (
        f"propensity must be the chance with which each label was drawn; the weights 1 / propensity of the drawn "
        f"labels add up to {total:,.0f}, and the cases that could be drawn are {rest:,} (± {tolerance:,.0f} at most)"
    )
    if total > rest:
        raise ValueError(
            f"{found}: labels that came in another way must not be weighted, so set y to NaN where a case was neither "
            "drawn nor certain; and where y holds the labelled cases alone, say how many there are with population="
        )
    raise ValueError(f"{found}: labels of drawn cases are missing, or the cases are fewer than that")
