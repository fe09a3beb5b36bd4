"""Layer 5, Feedback: what came back, can it be believed, and has anything moved?

Labels come late (:func:`matured`), only for what was done (:func:`policy_value`), and never for what nobody looks at
(:func:`promise_kept`). :func:`size_guard` and :class:`Monitor` say when to stop and look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_banded
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import binom

from mllayers._check import (
    as_binary,
    as_frame,
    as_number,
    as_numbers,
    as_probabilities,
    describe,
    per_case,
    same_length,
)

__all__ = ["Monitor", "OverlapCollapsed", "matured", "policy_value", "promise_kept", "size_guard"]

Floats = NDArray[np.float64]


def _z(level: Any) -> float:
    """The normal quantile of a two-sided interval."""
    return NormalDist().inv_cdf(0.5 + as_number(level, "level", gt=0, lt=1) / 2)


# --- labels come late -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Matured:
    """What may be believed on one day: what `matured` returns.

    Attributes
    ----------
    rate, low, high : float
        Share of the decisions that end in the outcome, corrected for what has not arrived, with its interval.
    naive : float
        Outcomes that have arrived by decisions: it takes what is pending for *no*.
    n, arrived : int
        Decisions by that day, and outcomes that had arrived.
    worth : float
        The sum of F(age): how many fully observed decisions these are worth.
    labels : DataFrame
        The decisions with ``age`` in days, ``share`` (F(age)) and ``y``: 1 where the outcome has arrived, 0 where
        nearly all would have, NaN where it is too early to say.
    """

    rate: float
    low: float
    high: float
    naive: float
    n: int
    arrived: int
    worth: float
    labels: pd.DataFrame

    def __repr__(self) -> str:
        told = f"rate {self.rate:.4f} ({self.low:.4f} to {self.high:.4f}), naive {self.naive:.4f}"
        return f"{told}: {self.arrived:,} of {self.n:,} so far, worth {self.worth:,.0f} with all outcomes in"


def matured(
    decisions: pd.DataFrame,
    outcomes: pd.DataFrame,
    *,
    as_of: Any,
    delay: Callable[[Floats], ArrayLike],
    kind: str | None = None,
    enough: float = 0.9,
    level: float = 0.95,
) -> Matured:
    """What may be believed on a day when part of the outcomes has not arrived: the labels, and the corrected rate.

    Parameters
    ----------
    decisions : DataFrame
        One row per decision, with ``case`` and ``time`` as the ledger returns them. Select those whose outcome can
        come back at all (for chargebacks: the orders that were shipped).
    outcomes : DataFrame
        One row per outcome: ``case`` and ``time`` of the decision, ``kind``, ``arrival``. Those of other decisions are
        not looked at.
    as_of : date or text
        The day from which to look back. Later decisions and later arrivals are not looked at.
    delay : callable
        Takes ages in days and returns the share of outcomes that arrive within each, between 0 and 1, never falling:
        ``scipy.stats.ecdf(days).cdf.evaluate`` from observed delays, ``scipy.stats.gamma(2, scale=22).cdf`` from a
        law, or ``lambda age: age >= 120`` for "all or nothing after 120 days". Observe the delays of decisions that are
        old enough: the young have shown only their short ones.
    kind : str, optional
        Which outcome; needed where there are several kinds.
    enough : float, default 0.9
        Share of outcomes that must have arrived before silence counts as *no*.
    level : float in (0, 1), default 0.95
        Probability with which the interval is to hold the true rate.

    Returns
    -------
    Matured
        ``rate`` with ``low`` and ``high``, ``naive``, ``n``, ``arrived``, ``worth`` and the frame ``labels``.

    Raises
    ------
    TypeError, ValueError
        For a frame without its columns, several kinds and none asked for, decisions that appear twice, no decision by
        that day or none old enough for any outcome, and a `delay` that is not such a function.

    Notes
    -----
    Of the outcomes of a decision that is a days old the share F(a) has arrived, so the expected count is p Σ F(a) and
    the rate is Σ y / Σ F(a). The interval inverts the score test, (Σ y − p Σ F)² = z² Σ p F (1 − p F): Wilson's
    interval where everything has arrived. F is taken as known, and as the same for all decisions; a new kind of case
    whose outcomes come slower looks rarer than it is. Taught in notebook 05, *Worked example*.

    References
    ----------
    Chapelle (2014), "Modeling Delayed Feedback in Display Advertising", KDD. Wilson (1927), JASA 22(158).

    Examples
    --------
    >>> days = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-03-31", "2026-03-31"])
    >>> decisions = pd.DataFrame({"case": ["a", "b", "c", "d"], "time": days})
    >>> outcomes = pd.DataFrame({"case": ["a"], "time": days[:1], "kind": "chargeback", "arrival": days[2:3]})
    >>> found = matured(decisions, outcomes, as_of="2026-04-10", delay=lambda age: np.minimum(age / 100, 1))
    >>> print(found)
    rate 0.4587 (0.0856 to 0.9447), naive 0.2500: 1 of 4 so far, worth 2 with all outcomes in
    >>> found.labels["y"].tolist()
    [1.0, 0.0, nan, nan]
    """
    asked = as_frame(decisions, "decisions", ["case", "time"])
    if not isinstance(outcomes, pd.DataFrame):
        raise TypeError(f"outcomes must be a pandas DataFrame; got {describe(outcomes)}")
    came = as_frame(outcomes, "outcomes", ["case", "time", "kind", "arrival"]) if len(outcomes) else None
    enough, z, day = as_number(enough, "enough", gt=0, le=1), _z(level), _day(as_of)
    labels = asked.assign(time=_moments(asked["time"], "time of decisions"))
    if labels.duplicated(["case", "time"]).any():
        raise ValueError("decisions must have each case and time once; got one twice")
    labels = labels[labels["time"] <= day]
    if labels.empty:
        raise ValueError(f"decisions must hold at least one taken by {day}; got none")
    age = (day - labels["time"]).dt.total_seconds().to_numpy(float) / 86_400
    share = _shares(delay, age)
    y = np.zeros(len(labels))
    if came is not None:
        kinds = sorted(map(str, came["kind"].unique()))
        if kind is None and len(kinds) > 1:
            raise ValueError(f"outcomes are of several kinds; say which, kind='…': {', '.join(kinds)}")
        asked_for = came["kind"].astype(str) == (kinds[0] if kind is None else kind)
        here = (asked_for & (_moments(came["arrival"], "arrival") <= day)).to_numpy()
        arrived = pd.MultiIndex.from_arrays([came["case"], _moments(came["time"], "time of outcomes")])[here]
        y = pd.MultiIndex.from_frame(labels[["case", "time"]]).isin(arrived).astype(float)
    total, worth = float(y.sum()), float(share.sum())
    if worth == 0:
        raise ValueError("decisions must be old enough that some outcome can have arrived; by delay, none is")
    low, high = _wilson_interval(total, worth, float((share**2).sum()), z)
    known = np.where(y == 1, 1.0, np.where(share >= enough, 0.0, np.nan))
    return Matured(
        rate=total / worth, low=low, high=high, naive=total / len(y), n=len(y), arrived=int(total), worth=worth,
        labels=labels.assign(age=age, share=share, y=known),
    )  # fmt: skip


def _wilson_interval(total: float, worth: float, squares: float, z: float) -> tuple[float, float]:
    """The rates p with (total − p worth)² ≤ z² (p worth − p² squares)."""
    a, b = worth**2 + z**2 * squares, 2 * total * worth + z**2 * worth
    root = math.sqrt(max(b**2 - 4 * a * total**2, 0.0))
    return max((b - root) / (2 * a), 0.0), min((b + root) / (2 * a), 1.0)


def _shares(delay: Any, age: Floats) -> Floats:
    """F(age), and that it is one."""
    if not callable(delay):
        raise TypeError(f"delay must be a function of ages in days; got {describe(delay)}")
    share = as_numbers(delay(age), "delay(age)")
    same_length(**{"delay(age)": share, "age": age})
    share = as_probabilities(share, "delay(age)")
    if (np.diff(share[np.argsort(age, kind="stable")]) < 0).any():
        raise ValueError("delay must never fall with age: it is the share that has arrived by then; got one that falls")
    return share


def _day(x: Any) -> pd.Timestamp:
    return pd.Timestamp(_moments(pd.Series([x]), "as_of").iloc[0])


def _moments(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    """Points in time, none missing; those with a zone become UTC, as in the ledger."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        raise TypeError(f"{name} must hold dates; got {describe(column.tolist()[0])}")
    try:
        times = pd.to_datetime(column)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must hold dates; got {describe(column.tolist()[0])}") from None
    if times.isna().any():
        raise ValueError(f"{name} is missing at row {int(np.argmax(times.isna().to_numpy()))}")
    return times.dt.tz_convert("UTC").dt.tz_localize(None) if times.dt.tz is not None else times


# --- outcomes come back only for what was done ----------------------------------------------------------------------


class OverlapCollapsed(ValueError):
    """The log says too little about the challenger: it acts where the logged policy hardly ever, or never, did.

    Notes
    -----
    Taught in notebook 05, *Optional: comparing policies honestly*.
    """


def policy_value(
    reward: ArrayLike,
    propensity: ArrayLike,
    target: ArrayLike,
    *,
    q: ArrayLike | None = None,
    q_target: ArrayLike | None = None,
    min_n_eff: float = 100.0,
    level: float = 0.95,
) -> pd.DataFrame:
    """What a challenger would have earned, judged on the decisions that another policy took and logged.

    Parameters
    ----------
    reward : array of shape (n,)
        Dollars that came back from each logged decision, the cost of its action taken off.
    propensity : number or array of shape (n,), in (0, 1]
        The probability with which the logged policy took **the action it took**.
    target : array of shape (n,), in [0, 1]
        The probability with which the challenger takes **that same action**: 1 or 0 for one that leaves nothing to
        chance.
    q : array of shape (n,), optional
        Dollars that a model expects of the logged action; needs `q_target`. Fit it on other cases.
    q_target : array of shape (n,), optional
        Dollars that the model expects under the challenger: Σ over actions of the challenger's probability × q.
    min_n_eff : float, default 100
        Below this effective sample size the comparison is refused.
    level : float in (0, 1), default 0.95
        Probability with which each interval is to hold the true value.

    Returns
    -------
    DataFrame
        Rows ``logged`` (what the logged policy earned), ``IPS``, ``SNIPS`` and, with `q`, ``DR``. Columns, in dollars
        per case: ``value``, ``se``, ``low``, ``high``; ``gain``, ``gain_low``, ``gain_high`` against the logged policy
        on the same cases; ``n_eff`` and ``largest_weight``.

    Raises
    ------
    OverlapCollapsed
        When the challenger never does what was done, when its weights average clearly less than 1 (it acts where the
        logged policy never does), or when they leave an effective sample below `min_n_eff`.
    TypeError, ValueError
        For propensities outside (0, 1], weights that average clearly more than 1 (then they are not the probabilities
        they are said to be), one of `q` and `q_target` without the other, columns of different length.

    Notes
    -----
    With w = target / propensity: IPS = mean(w r); SNIPS = Σ w r / Σ w, which does not change when a constant is added
    to all rewards; DR = mean(q_target + w (r − q)), right when either the propensities or the model are. Their standard
    errors are those of the linearised estimates; n_eff = (Σ w)² / Σ w². No weight is clipped. Where the logged policy
    can do all that the challenger does, E w = 1: an average more than four standard errors away is refused. That sees
    gaps that are large for the sample; only whoever built the logged policy can rule out small ones.

    `uplift_policy_value` of layer 4 asks a narrower question, two fixed rules on a randomised pilot, and leaves out the
    cases on which they agree, which narrows its interval. Here both policies may leave part to chance.
    Taught in notebook 05, *Optional: comparing policies honestly*.

    References
    ----------
    Swaminathan and Joachims (2015), "The Self-Normalized Estimator for Counterfactual Learning", NeurIPS. Dudík,
    Langford and Li (2011), "Doubly Robust Policy Evaluation and Learning", ICML.

    Examples
    --------
    A review costs $4 and saves $40 in one of four; the log reviewed half of the orders, the challenger reviews all:

    >>> reviewed, fraud = np.tile([1, 0], 400), np.repeat([1, 0, 0, 0], 200)
    >>> reward = np.where(reviewed, 40 * fraud - 4, 0)
    >>> policy_value(reward, 0.5, reviewed)[["value", "se", "gain", "n_eff"]].round(2)
            value    se  gain  n_eff
    logged    3.0  0.45   0.0  800.0
    IPS       6.0  0.89   3.0  400.0
    SNIPS     6.0  0.87   3.0  400.0
    """
    r, wanted = as_numbers(reward, "reward"), as_probabilities(target, "target")
    n, z = same_length(reward=r, target=wanted), _z(level)
    chance = np.broadcast_to(per_case(propensity, n, "propensity"), n)
    if not ((chance > 0) & (chance <= 1)).all():
        row = int(np.argmin((chance > 0) & (chance <= 1)))
        raise ValueError(f"propensity must lie in (0, 1]; got {chance[row]:g} at row {row}")
    if n < 2:
        raise ValueError("reward must hold at least two cases; got 1")
    if (q is None) != (q_target is None):
        raise ValueError(
            "q and q_target belong together: what the model expects of the logged action, and under target"
        )
    w = wanted / chance
    n_eff = _overlap(w, as_number(min_n_eff, "min_n_eff", ge=1))
    snips = float(w @ r / w.sum())
    each = {"logged": r, "IPS": w * r, "SNIPS": snips + w * (r - snips) / w.mean()}
    if q is not None and q_target is not None:
        model, under = as_numbers(q, "q"), as_numbers(q_target, "q_target")
        same_length(reward=r, q=model, q_target=under)
        each["DR"] = under + w * (r - model)
    rows = {}
    for name, x in each.items():
        value, se, gain = float(x.mean()), float(x.std(ddof=1)) / math.sqrt(n), float((x - r).mean())
        half = z * float((x - r).std(ddof=1)) / math.sqrt(n)
        rows[name] = {"value": value, "se": se, "low": value - z * se, "high": value + z * se}
        rows[name] |= {"gain": gain, "gain_low": gain - half, "gain_high": gain + half}
        rows[name] |= {"n_eff": float(n) if name == "logged" else n_eff}
        rows[name] |= {"largest_weight": 1.0 if name == "logged" else float(w.max())}
    return pd.DataFrame.from_dict(rows, orient="index")


def _overlap(w: Floats, least: float) -> float:
    """The effective sample size; refused where the weights say that the log cannot answer."""
    if not w.any():
        raise OverlapCollapsed("the challenger never does what the logged policy did: the log says nothing about it")
    mean, se = float(w.mean()), float(w.std(ddof=1)) / math.sqrt(len(w))
    n_eff = float(w.sum() ** 2 / (w**2).sum())
    if mean < 1 - max(4 * se, 1e-9):
        raise OverlapCollapsed(
            f"the weights average {mean:.2f} where 1 is expected: in about {1 - mean:.0%} of the cases the challenger "
            "does what the logged policy (nearly) never does, and the log is silent about that; try it on a few first"
        )
    if n_eff < least:
        raise OverlapCollapsed(
            f"the {len(w):,} logged decisions are worth {n_eff:.0f} for the challenger, below min_n_eff = {least:g} "
            f"(largest weight {w.max():.0f}): it mostly does what was hardly ever done; try it on a few first"
        )
    if mean > 1 + max(4 * se, 1e-9):
        raise ValueError(
            f"target / propensity must average 1; got {mean:.2f}: target and propensity must be the probabilities of "
            "the action that was taken"
        )
    return n_eff


# --- was the promise kept? ------------------------------------------------------------------------------------------


def promise_kept(
    p: ArrayLike,
    y: ArrayLike,
    *,
    propensity: ArrayLike | None = None,
    when: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """What the model promised against what a random audit delivered, period by period.

    Parameters
    ----------
    p : array of shape (n,), in [0, 1]
        The promised probability of each case.
    y : array of shape (n,), 0 or 1
        What was delivered; NaN where nobody looked.
    propensity : number or array of shape (n,), in (0, 1], optional
        The chance that the case was looked at; 1 for all by default. A case that could not be looked at has no place
        here: a promise about it cannot be checked.
    when : array of shape (n,), optional
        The period of each case, such as its month; by default all are one.
    level : float in (0, 1), default 0.95
        Probability with which each period's interval is to hold the true rate. Twelve looks at 95 % raise one false
        alarm in two years' worth of months or so: 1 − 0.95¹² is 46 % a year.

    Returns
    -------
    DataFrame
        A row per period in its order: ``n`` cases, ``labels``, ``n_eff``, ``promised`` (mean p of all cases),
        ``delivered`` (Hájek) with ``low`` and ``high``, ``ratio`` (promised / delivered), and ``kept``: the promise
        lies within the interval.

    Raises
    ------
    TypeError, ValueError
        For probabilities outside [0, 1], outcomes that are not 0, 1 or NaN, a propensity outside (0, 1], a case with
        propensity 1 and no label, a period without any label, columns of different length.

    Notes
    -----
    With w = 1 / propensity over the labelled cases, delivered = Σ w y / Σ w, with variance Σ w² (y − delivered)² /
    (Σ w)². The interval is Wilson's, for as many labels as would give this variance and never more than
    n_eff = (Σ w)² / Σ w². Unlike `weighted_rate` of layer 1, which describes the cases that were there, this compares
    with a *promise*, so the chance in the outcomes themselves counts too.
    Labels that come only from where the model looked can agree with it for years; a random audit cannot.
    Taught in notebook 05, *What happened*.

    References
    ----------
    Hájek (1971), comment in "Foundations of Statistical Inference". Wilson (1927), JASA 22(158). Korn and Graubard
    (1998), Survey Methodology 24(2), 193–201.

    Examples
    --------
    One shipped order in ten was audited; the model promised 1 % fraud, and 5 of 100 audited were:

    >>> y = np.full(1_000, np.nan)
    >>> y[::10] = np.arange(100) < 5
    >>> print(promise_kept(np.full(1_000, 0.01), y, propensity=0.1).round(3).to_string())
            n  labels  n_eff  promised  delivered    low   high  ratio   kept
    all  1000     100  100.0      0.01       0.05  0.022  0.112    0.2  False
    """
    promised, label = as_probabilities(p, "p"), as_binary(y, "y", missing=True)
    n, z = same_length(p=promised, y=label), _z(level)
    chance = np.broadcast_to(per_case(1.0 if propensity is None else propensity, n, "propensity"), n)
    chance = as_probabilities(chance, "propensity")
    if (chance == 0).any():
        raise ValueError(
            "propensity must be above 0: what can never be looked at cannot be checked, so leave those cases out and "
            f"say so; got 0 at row {int(np.argmax(chance == 0))}"
        )
    unseen = np.isnan(label) & (chance == 1)
    if unseen.any():
        raise ValueError(
            "y must be known where propensity is 1 (pass the audit's propensity); "
            f"got nan at row {int(np.argmax(unseen))}"
        )
    period = pd.Series("all", index=range(n)) if when is None else pd.Series(np.asarray(when))
    same_length(p=promised, when=period.to_numpy())
    if period.isna().any():
        raise ValueError(f"when must be known for each case; got nan at row {int(np.argmax(period.isna()))}")
    rows = {}
    for name in sorted(period.unique()):
        where = np.flatnonzero(period == name)
        known = where[~np.isnan(label[where])]
        if not len(known):
            raise ValueError(f"y must hold a label in each period; got none in {name}")
        w, seen = 1 / chance[known], label[known]
        rate, n_eff = float(w @ seen / w.sum()), float(w.sum() ** 2 / (w**2).sum())
        noise = float((w**2 @ (seen - rate) ** 2) / w.sum() ** 2)
        size = min(rate * (1 - rate) / noise, n_eff) if 0 < rate < 1 else n_eff
        low, high = _wilson_interval(rate * size, size, size, z)
        said = float(promised[where].mean())
        rows[name] = {"n": len(where), "labels": len(known), "n_eff": n_eff, "promised": said, "delivered": rate}
        rows[name] |= {"low": low, "high": high, "ratio": said / rate if rate else math.inf}
        rows[name] |= {"kept": low <= said <= high}
    return pd.DataFrame.from_dict(rows, orient="index")


# --- has a segment outgrown its card? -------------------------------------------------------------------------------


def size_guard(segments: ArrayLike, card: Mapping[Any, float], *, ratio: float = 1.5) -> pd.DataFrame:
    """Which paid segments have outgrown the size that their policy card was written for?

    Parameters
    ----------
    segments : array of shape (n,)
        The segment of each case now.
    card : mapping from segment to float in (0, 1]
        The share of cases that each paid segment had when its action was chosen. Segments that cost nothing stay out.
    ratio : float, default 1.5
        A segment has outgrown its card when its share is above `ratio` times the share on the card.

    Returns
    -------
    DataFrame
        A row per segment of the card, in its order: ``on_card`` and ``now`` (shares), ``growth`` (now / on_card),
        ``outgrown``, and ``by_chance``: the probability that a sample of this size shows such a share, or a larger one,
        when nothing has changed.

    Raises
    ------
    TypeError, ValueError
        For no case, a missing segment, an empty card, shares outside (0, 1], a ratio that is not above 1.

    Notes
    -----
    An action was chosen for the customers that were in a segment then. When a column changes its meaning, others move
    in: the segment keeps its name and its action, its size gives it away, and no label is needed to see it.
    A change that leaves the sizes as they are stays unseen. Taught in notebook 05, *Six months of wrong segments*.

    Examples
    --------
    >>> print(size_guard(["call"] * 40 + ["voucher"] * 11 + ["none"] * 49, {"call": 0.15, "voucher": 0.1}).round(3))
             on_card   now  growth  outgrown  by_chance
    call        0.15  0.40   2.667      True      0.000
    voucher     0.10  0.11   1.100     False      0.417
    """
    now = pd.Series(np.asarray(segments))
    same_length(segments=now.to_numpy())
    if now.isna().any():
        raise ValueError(f"segments must be known for each case; got a missing one at row {int(np.argmax(now.isna()))}")
    if not isinstance(card, Mapping) or not card:
        raise TypeError(f"card must give the share of each paid segment, {{segment: share}}; got {describe(card)}")
    limit = as_number(ratio, "ratio", gt=1)
    rows = {}
    for segment, share in card.items():
        on_card = as_number(share, f"card[{segment!r}]", gt=0, le=1)
        cases = int((now == segment).sum())
        growth = cases / len(now) / on_card
        rows[segment] = {"on_card": on_card, "now": cases / len(now), "growth": growth, "outgrown": growth > limit}
        rows[segment] |= {"by_chance": float(binom.sf(cases - 1, len(now), on_card))}
    return pd.DataFrame.from_dict(rows, orient="index")


# --- has a rate or a mean moved? ------------------------------------------------------------------------------------


class Monitor:
    """An alarm for a rate or a mean that has moved, designed from the false alarms one can bear (CUSUM).

    Parameters
    ----------
    usual : float
        The rate, in (0, 1), or with `sd` the mean, while all is well.
    moved : float
        The rate or mean that it should find fastest, above or below `usual`; it watches that side alone.
    run_length : float
        How many cases, on average, may pass between two false alarms: cases a day × days. At least 2.
    sd : float, optional
        Standard deviation of one case, for means of normal numbers; without it, cases are 0 or 1.

    Attributes
    ----------
    limit : float
        Alarm when the statistic reaches it.
    run_length : float
        Average number of cases to a false alarm, computed for this limit. For rates at least what was asked for (there
        the statistic moves in steps).
    delay : float
        Average number of cases to the alarm when the rate or mean is `moved` from the first case on.
    statistic : float
        Where it stands now.

    Raises
    ------
    TypeError, ValueError
        For a rate outside (0, 1), `moved` equal to `usual`, a run length so short that every case would have to raise
        an alarm.

    Notes
    -----
    S = max(0, S + increment), with the increments of the log-likelihood ratio of `moved` against `usual`: for means
    ``|x − usual| / sd`` less half the shift (S in standard deviations), for rates the steps are rounded to multiples
    of one unit, within 2 %. Run lengths are exact, not simulated: a Markov chain for rates, Brook and Evans' integral
    equation for means; Siegmund's approximation is 1 % off for the usual chart. They hold for independent cases with
    the `usual` that was given: estimate it from many more cases than `run_length` would need to notice an error in it.
    For both sides take two monitors, each with twice the run length. After an alarm the statistic goes on; `reset`
    it when somebody has looked. Taught in notebook 05, *Optional: which alarm sees what*.

    References
    ----------
    Page (1954), Biometrika 41; Brook and Evans (1972), Biometrika 59(3); Siegmund (1985), "Sequential Analysis";
    Reynolds and Stoumbos (1999), Journal of Quality Technology 31(1).

    Examples
    --------
    Reviews find fraud in 5 % of the orders; a rise to 8 % matters; one false alarm in 10,000 orders is bearable:

    >>> monitor = Monitor(0.05, 0.08, run_length=10_000)
    >>> print(monitor)
    alarm at 4.08: by chance once in 10,169 cases, after 415 on average when 0.05 has become 0.08
    >>> path = monitor.update([0, 1, 1, 0])
    >>> path.round(2).tolist(), bool((path >= monitor.limit).any())
    ([0.0, 0.47, 0.94, 0.91], False)
    """

    usual: float
    moved: float
    sd: float | None
    limit: float
    run_length: float
    delay: float

    def __init__(self, usual: float, moved: float, *, run_length: float, sd: float | None = None) -> None:
        asked = as_number(run_length, "run_length", ge=2)
        within = {} if sd is not None else {"gt": 0.0, "lt": 1.0}
        self.usual, self.moved = as_number(usual, "usual", **within), as_number(moved, "moved", **within)
        if self.usual == self.moved:
            raise ValueError(f"moved must differ from usual; both are {self.usual:g}")
        self.sd = None if sd is None else as_number(sd, "sd", gt=0)
        self._side = 1 if self.moved > self.usual else -1
        if self.sd is None:
            self._design_rate(asked)
        else:
            self._design_mean(asked, abs(self.moved - self.usual) / self.sd)
        self._total = self._least = 0.0

    def _design_rate(self, asked: float) -> None:
        """Whole steps up and down, and the lowest limit that bears the run length."""
        p0, p1 = (self.usual, self.moved) if self._side > 0 else (1 - self.usual, 1 - self.moved)
        gain, loss = math.log(p1 / p0), math.log((1 - p0) / (1 - p1))
        down = next(k for k in count(1) if abs(max(round(k * gain / loss), 1) / (k * gain / loss) - 1) < 0.02)
        up = round(down * gain / loss)
        self._unit, self._up, self._down = gain / up, float(up), float(down)
        low = high = math.ceil(1 / self._unit)
        while _run_length_of_rate(p0, up, down, high) < asked:
            low, high = high, 2 * high
        low = 0 if low == high else low
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _run_length_of_rate(p0, up, down, middle) < asked else (low, middle)
        self.limit = high * self._unit
        self.run_length, self.delay = (_run_length_of_rate(p, up, down, high) for p in (p0, p1))

    def _design_mean(self, asked: float, shift: float) -> None:
        """The limit, in standard deviations, at which the integral equation gives the run length."""
        half, shortest = shift / 2, _run_length_of_mean(shift / 2, 1e-9)
        if asked <= shortest:
            raise ValueError(f"run_length must be above {shortest:.1f} for a shift of {shift:g} sd; got {asked:g}")
        high = 1.0
        while _run_length_of_mean(half, high) < asked:
            high *= 2
        self.limit = brentq(lambda h: math.log(_run_length_of_mean(half, h) / asked), 1e-9, high, xtol=1e-10)
        self.run_length, self.delay = (_run_length_of_mean(k, self.limit) for k in (half, -half))
        self._unit = 1.0

    def update(self, x: ArrayLike) -> Floats:
        """Take one case, or a series in its order; the same however it is cut into pieces.

        Parameters
        ----------
        x : number or array of shape (n,)
            0 or 1 for rates, numbers for means.

        Returns
        -------
        array of shape (n,)
            The statistic after each case; an alarm where it is at or above ``limit``.
        """
        column = np.atleast_1d(np.asarray(x))
        if self.sd is None:
            hit = as_binary(column, "x") == (self._side > 0)
            step = np.where(hit, self._up, -self._down)
        else:
            half = abs(self.moved - self.usual) / self.sd / 2
            step = self._side * (as_numbers(column, "x") - self.usual) / self.sd - half
        total = np.cumsum(np.r_[self._total, step])
        least = np.minimum.accumulate(np.r_[self._least, total[1:]])
        self._total, self._least = float(total[-1]), float(least[-1])
        return (total - least)[1:] * self._unit

    def reset(self) -> None:
        """Start again at zero."""
        self._total = self._least = 0.0

    @property
    def statistic(self) -> float:
        """Where it stands now."""
        return (self._total - self._least) * self._unit

    def __repr__(self) -> str:
        told = f"alarm at {self.limit:.2f}: by chance once in {self.run_length:,.0f} cases"
        return f"{told}, after {self.delay:,.0f} on average when {self.usual:g} has become {self.moved:g}"


def _run_length_of_mean(half: float, limit: float) -> float:
    """Average cases to S ≥ limit from 0, S = max(0, S + z − half) with standard normal z (Gauss–Legendre)."""
    x, w = np.polynomial.legendre.leggauss(max(48, math.ceil(3 * limit)))
    x, w = np.r_[0.0, limit * (x + 1) / 2], limit * w / 2
    to = np.exp(-((x[None, 1:] - x[:, None] + half) ** 2) / 2) / math.sqrt(2 * math.pi) * w
    moves = np.column_stack([ndtr(half - x), to])
    return float(np.linalg.solve(np.eye(len(x)) - moves, np.ones(len(x)))[0])


def _run_length_of_rate(p: float, up: int, down: int, limit: int) -> float:
    """Average cases to S ≥ limit from 0, S = max(0, S + up) with probability p, else max(0, S − down).

    L(s) = 1 + p L(s + up) + (1 − p) L(max(0, s − down)), one equation for each state below the limit. With steps of one
    downwards (rare cases, many states) they are solved one after the other from the top state, whose own run length
    remains as the unknown until the last.
    """
    if up >= limit:
        return 1 / p  # the first step up reaches it from anywhere
    if down == 1:
        known, slope = [0.0] * up + [0.0], [0.0] * up + [1.0]  # L = known + slope · L(top); above the limit it is 0
        for _ in range(limit - 1):
            known.append((known[-1] - 1 - p * known[-1 - up]) / (1 - p))
            slope.append((slope[-1] - p * slope[-1 - up]) / (1 - p))
        top = (1 / p + known[-1 - up] - known[-1]) / (slope[-1] - slope[-1 - up])
        return known[-1] + slope[-1] * top
    band = np.zeros((down + up + 1, limit))  # row up + i - j, column j holds the entry of row i, column j
    band[up] = 1.0
    band[0, up:] = -p
    band[up + down, : max(limit - down, 0)] = -(1 - p)
    below = np.arange(min(down + 1, limit))
    band[up + below, 0] -= 1 - p
    if down < limit:
        band[up + down, 0] = -(1 - p)
    return float(solve_banded((down, up), band, np.ones(limit), overwrite_ab=True)[0])
