"""Does what the score promises happen, and what does it promise where the sample is not the population?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike

from mllayers._check import (
    Floats,
    as_binary,
    as_integer,
    as_number,
    as_numbers,
    as_probabilities,
    as_weights,
    same_cases,
)
from mllayers._results import Result
from mllayers._stats import RateCounts, all_counts, rate_counts, rate_interval, what_is_sure
from mllayers._words import count, percent, points_told, promise_verdict

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class CalibrationBands(Result):
    """What a score promised and what happened, band by band: what `calibration_by_band` returns.

    Attributes
    ----------
    promised, happened, low, high : float
        Over all cases: the mean score, the rate of y = 1 and its interval.
    level : float
        Probability with which an interval is to hold the true rate.
    events, n : int
        Cases with y = 1, and all cases.
    off : float
        The mean distance between promised and happened over the cases, band by band (the expected calibration error):
        above 0 by chance, even where the score is right.
    kept : bool
        Whether the promise can be true in each band and as a whole: no ``by_chance`` is below (1 − level) / the number
        of times it was asked.
    broken : int
        Bands whose promise is broken by that measure.
    table : DataFrame
        A row for each band, lowest scores first: ``score_from``, ``score_to`` (lowest and highest score in it), ``n``,
        ``events``, ``promised``, ``happened``, ``low``, ``high``, ``by_chance`` (the probability of a difference as
        large if the promise is true) and ``kept`` (by the measure for all bands together). With `least` also
        ``low_all`` and ``high_all`` (they hold all bands and the whole at once) and ``size`` by these: more or less
        happened than promised by *more* or *less* than that, *alike*, or it is *open*.
    least : float or None
        The difference that matters.
    size : str
        With `least`, the same of all cases.
    """

    promised: float
    happened: float
    low: float
    high: float
    level: float
    events: int
    n: int
    off: float
    kept: bool
    broken: int
    table: pd.DataFrame
    least: float | None = None
    size: str = ""

    def frame(self) -> pd.DataFrame:
        """One row per band."""
        return self.table.copy()

    def _line(self) -> str:
        told = f"promised {percent(self.promised, 2)}, happened {percent(self.happened, 2)} ({percent(self.low, 2)} to "
        told += f"{percent(self.high, 2)}) by {count(self.events, 'event')} in {count(self.n, 'case')}"
        if self.kept:
            verdict = promise_verdict(True, self.size, points_told(self.least or 0.0))
            return f"{told}: {verdict} as a whole, and broken in none of {count(len(self.table), 'band')}"
        if not self.broken:
            return f"{told}: broken as a whole, although no band alone shows it"
        worst = self.table.iloc[int(np.argmin(self.table["by_chance"]))]
        return (
            f"{told}: broken in {self.broken} of {count(len(self.table), 'band')}, most clearly at scores of "
            f"{worst['score_from']:.3g} to {worst['score_to']:.3g} (promised {percent(worst['promised'])}, happened "
            f"{percent(worst['happened'])})"
        )


def calibration_by_band(
    y: ArrayLike,
    p: ArrayLike,
    *,
    bands: int | Sequence[float] = 10,
    weights: ArrayLike | None = None,
    least: float | None = None,
    level: float = 0.95,
) -> CalibrationBands:
    """Of the cases to which the score gives about 20 %, did about 20 % happen, and could the gap be chance?

    Parameters
    ----------
    y : array of shape (n,)
        What happened: 0 or 1, on cases the model was not fitted on.
    p : array of shape (n,)
        The scores, in [0, 1].
    bands : int or list of float, default 10
        How many bands of about equally many cases (of the population), or the rising scores at which a new band begins.
        Equal scores stay in one band.
    weights : array of shape (n,), optional
        How many cases of the population each row stands for, > 0, where the sample is not the population.
    least : float, optional
        The smallest difference between promised and happened that matters, above 0 (0.01 is one point).
    level : float in (0, 1), default 0.95
        Probability with which each interval is to hold the true rate.

    Returns
    -------
    CalibrationBands
        A row per band by ``frame()``; as a whole ``promised``, ``happened`` with ``low`` and ``high``, ``off`` and
        ``kept``. In words a promise is *broken* where the interval lies beyond it, else *not refuted*; *kept* only
        within a stated `least`.

    Raises
    ------
    TypeError, ValueError
        If y is not 0/1, p not in [0, 1], a weight not > 0, fewer bands than 1 asked for, or lengths differ.

    Notes
    -----
    In each band promised = Σ w p / Σ w and happened = Σ w y / Σ w. The interval is Clopper and Pearson's: exact where
    all weights are one; else its lower end is that of as many cases as would give the weighted rate its variance (Korn
    and Graubard), its upper end allows for one more event of the largest weight (Fay and Feuer). Ten intervals at 95 %
    miss one in 40 % of all samples although the score is right, so ``kept`` asks for (1 − level) / (bands + 1) and says
    so for all of them together. The probabilities within a band differ a little, which makes a binomial interval too
    wide rather than too narrow (Hoeffding 1956).

    Labels that come only from where the model looked can agree with it for years; `feedback.promise_kept` takes the
    chance with which each case was looked at. Taught in notebook 02, *Your own system*.

    References
    ----------
    Murphy and Winkler (1977), "Reliability of Subjective Probability Forecasts", Applied Statistics 26(1). Clopper and
    Pearson (1934), Biometrika 26(4). Korn and Graubard (1998), Survey Methodology 24(2). Fay and Feuer (1997),
    Statistics in Medicine 16(7). Hoeffding (1956), "On the Distribution of the Number of Successes in Independent
    Trials", Annals of Mathematical Statistics 27(3).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(1, 4, 20_000)
    >>> calibration_by_band(rng.random(p.size) < p, p).kept
    True
    >>> found = calibration_by_band(rng.random(p.size) < p**1.3, p, bands=3)
    >>> table = found.frame()[["n", "promised", "happened", "low", "high", "kept"]]
    >>> print(table.round(3).to_string(index_names=False))
          n  promised  happened    low   high   kept
    1  6667     0.045     0.016  0.013  0.020  False
    2  6667     0.160     0.097  0.090  0.104  False
    3  6666     0.396     0.309  0.298  0.320  False
    """
    label, score = as_binary(y, "y"), as_probabilities(p, "p")
    n = same_cases(y=y, p=p, weights=weights)
    weight = np.ones(n) if weights is None else as_weights(weights, n)
    level = as_number(level, "level", gt=0, lt=1)
    least = None if least is None else as_number(least, "least", gt=0)
    order = np.argsort(score, kind="stable")
    label, score, weight = label[order], score[order], weight[order]
    starts = _band_starts(score, weight, bands)
    bands_found = []
    for first, last in zip(starts, [*starts[1:], n], strict=True):
        here = slice(first, last)
        total = float((weight[here] * score[here]).sum())
        labels = rate_counts(label[here], weight[here])
        bands_found.append(_Band(float(score[first]), float(score[last - 1]), total, labels))
    return _calibration_of(bands_found, least=least, level=level)


class _Band(NamedTuple):
    """A band, summed up: its lowest and highest score, Σ w p, and the labels."""

    lowest: float
    highest: float
    total: float
    labels: RateCounts


def _calibration_of(bands: Sequence[_Band], *, least: float | None, level: float) -> CalibrationBands:
    """What `calibration_by_band` says, from the sums of each band, lowest scores first."""
    import pandas as pd

    asked = len(bands) + 1 if len(bands) > 1 else 1
    together = 1 - (1 - level) / asked
    rows = []
    for lowest, highest, total, labels in bands:
        said = min(total / labels.weight, 1.0)
        found = _what_happened(labels, said, level)
        if least is not None:
            found |= _its_size(labels, said, together, least)
        rows.append({"score_from": lowest, "score_to": highest, "n": labels.zeros + labels.ones, **found})
    everyone = all_counts(band.labels for band in bands)
    said = min(math.fsum(band.total for band in bands) / everyone.weight, 1.0)
    whole = _what_happened(everyone, said, level)
    table = pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="band"))
    table["kept"] = table["by_chance"] >= (1 - level) / asked
    off = float(np.average((table["promised"] - table["happened"]).abs(), weights=table["cases"]))
    columns = ["score_from", "score_to", "n", "events", "promised", "happened", "low", "high", "by_chance", "kept"]
    columns += [] if least is None else ["low_all", "high_all", "size"]
    return CalibrationBands(
        promised=whole["promised"],
        happened=whole["happened"],
        low=whole["low"],
        high=whole["high"],
        level=level,
        events=whole["events"],
        n=everyone.zeros + everyone.ones,
        off=off,
        kept=bool(table["kept"].all() and whole["by_chance"] >= (1 - level) / asked),
        broken=int((~table["kept"]).sum()),
        table=table[columns],
        least=least,
        size="" if least is None else _its_size(everyone, said, together, least)["size"],
    )


def _what_happened(labels: RateCounts, said: float, level: float) -> dict[str, Any]:
    """What happened in a band beside what was said of it, with the interval and the test that goes with it."""
    from scipy.special import betainc

    rate, below, above = labels.plain_counts()
    (least, of_least), (most, of_most) = below, above
    more = float(betainc(least, of_least - least + 1, said)) if least > 0 else 1.0
    less = float(betainc(of_most - most, most + 1, 1 - said)) if most < of_most else 1.0
    return {
        "cases": labels.weight,
        "events": labels.ones,
        "promised": said,
        "happened": rate,
        "low": rate_interval(*below, level=level)[0],
        "high": rate_interval(*above, level=level)[1],
        "by_chance": min(2 * more, 2 * less, 1.0),
    }


def _its_size(labels: RateCounts, said: float, level: float, least: float) -> dict[str, Any]:
    """Whether what happened differs from what was said by more than matters, by the interval at this level."""
    wide = _what_happened(labels, said, level)
    return {
        "low_all": wide["low"],
        "high_all": wide["high"],
        "size": what_is_sure(wide["low"] - said, wide["high"] - said, least),
    }


def _band_starts(score: Floats, weight: Floats, bands: Any) -> list[int]:
    """Where each band begins in the rising scores: equally many cases, or at the scores given; none is empty."""
    if isinstance(bands, (int, np.integer)) and not isinstance(bands, (bool, np.bool_)):
        parts = as_integer(bands, "bands", ge=1)
        before = np.cumsum(weight) - weight
        wanted = np.searchsorted(before, weight.sum() * np.arange(parts) / parts * (1 - 1e-12), side="left")
        edges = score[np.minimum(wanted, score.size - 1)]
    else:
        edges = as_numbers(bands, "bands")
        if edges.size == 0 or (np.diff(edges) <= 0).any():
            raise ValueError(f"bands must be how many, or rising scores; got {', '.join(map(str, edges)) or 'none'}")
    starts = np.unique(np.concatenate([[0], np.searchsorted(score, edges, side="left")]))
    return [int(start) for start in starts if start < score.size]


@overload
def prior_corrected(
    p: float, *, train_rate: float | None = None, true_rate: float | None = None, beta: float | None = None
) -> float: ...
@overload
def prior_corrected(
    p: ArrayLike, *, train_rate: float | None = None, true_rate: float | None = None, beta: float | None = None
) -> Floats: ...
def prior_corrected(
    p: ArrayLike, *, train_rate: float | None = None, true_rate: float | None = None, beta: float | None = None
) -> Any:
    """The probability in the population, from the score of a model that was fitted on a sample with another base rate.

    Fraud at 1 in 1,000 is often learned from a sample with 1 in 10: then a score of 0.5 means a probability of 0.9 %.

    Parameters
    ----------
    p : float or array of shape (n,)
        Scores, in [0, 1], calibrated to the sample that the model was fitted on.
    train_rate, true_rate : float in (0, 1)
        The share of y = 1 in that sample, and in the population.
    beta : float in (0, 1]
        Instead of both: the share of the negatives that was kept, where all positives were.

    Returns
    -------
    float or array of shape (n,)
        Probabilities in the population. The order of the cases stays as it is.

    Raises
    ------
    TypeError, ValueError
        For scores outside [0, 1], rates outside (0, 1), or neither or both of the two ways to say it.

    Notes
    -----
    The odds are multiplied by (true odds) / (train odds), or by `beta`. That is right where the sample was drawn by the
    outcome alone: among the positives, and among the negatives, each case had the same chance to be in it. It mends
    the scores; :func:`money_by_threshold`, :func:`value_of_model` and :func:`calibration_by_band` take `weights` for
    the sample. Taught in notebook 02, *Your own system*.

    References
    ----------
    Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI, theorem 2. Saerens, Latinne and Decaestecker
    (2002), Neural Computation 14(1), equation 2.4. Dal Pozzolo, Caelen, Johnson and Bontempi (2015), "Calibrating
    Probability with Undersampling for Unbalanced Classification", IEEE SSCI, section III.

    Examples
    --------
    >>> round(prior_corrected(0.5, train_rate=0.1, true_rate=0.001), 4)
    0.0089
    >>> prior_corrected([0.0, 0.5, 1.0], beta=0.25)
    array([0. , 0.2, 1. ])
    """
    single = not isinstance(p, list) and np.ndim(p) == 0
    same_cases(p=p)
    score = np.asarray([as_number(p, "p", ge=0, le=1)]) if single else as_probabilities(p, "p")
    if beta is None:
        if train_rate is None or true_rate is None:
            raise TypeError("say train_rate and true_rate, the share of y = 1 in sample and population, or beta")
        train = as_number(train_rate, "train_rate", gt=0, lt=1)
        true = as_number(true_rate, "true_rate", gt=0, lt=1)
        factor = true / (1 - true) / (train / (1 - train))
    else:
        if train_rate is not None or true_rate is not None:
            raise TypeError("beta must be None where train_rate and true_rate are given: each says the same alone")
        factor = as_number(beta, "beta", gt=0, le=1)
    out = factor * score / (factor * score + (1 - score))
    return float(out[0]) if single else out
