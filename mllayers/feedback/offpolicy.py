"""Outcomes come back only for what was done: a challenger judged on the decisions of another policy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mllayers._check import Floats, as_number, as_numbers, as_probabilities, as_propensities, same_cases
from mllayers._results import Result
from mllayers._stats import guard_weights, mean_interval
from mllayers._words import count, dollars
from mllayers.feedback.promise import _weighted_money

__all__ = ["OffPolicyValue", "policy_value"]


@dataclass(frozen=True, eq=False, repr=False)
class OffPolicyValue(Result):
    """A challenger beside the logged policy, in dollars per case: what `policy_value` returns.

    Attributes
    ----------
    n : int
        Logged decisions.
    n_eff, largest_weight : float
        What they are worth for the challenger, and how much the heaviest of them counts.
    events : int
        Cases that count for the challenger and whose reward is not the usual one: too few of them, no interval.
    level : float
        Probability with which each interval is to hold the true value.
    table : DataFrame
        Rows ``logged`` (what the logged policy earned), ``IPS``, ``SNIPS`` and, with `q`, ``DR``. Columns, in dollars
        per case: ``value``, ``se``, ``low``, ``high``; ``gain``, ``gain_low``, ``gain_high`` against the logged policy
        on the same cases; ``n_eff``, ``largest_weight`` and ``events``.
    """

    n: int
    n_eff: float
    largest_weight: float
    events: int
    level: float
    table: pd.DataFrame = field(hash=False)

    def _line(self) -> str:
        best = "DR" if "DR" in self.table.index else "SNIPS"
        row = dict(zip(self.table.columns, self.table.loc[best].to_numpy(float).tolist(), strict=True))
        told = f"{best} {dollars(row['value'])} a case"
        if math.isnan(row["low"]):
            told += f", too few events ({self.events:,}) for an interval"
        else:
            told += f" ({dollars(row['low'])} to {dollars(row['high'])})"
        told += f"; logged {dollars(float(self.table['value'].iloc[0]))}, gain {dollars(row['gain'])}"
        if not math.isnan(row["gain_low"]):
            told += f" ({dollars(row['gain_low'])} to {dollars(row['gain_high'])})"
        told += f"; {count(self.n, 'decision')} worth {self.n_eff:,.0f}"
        return f"{told}, the largest weight is {self.largest_weight:,.0f}"

    def frame(self) -> pd.DataFrame:
        """One row per estimate."""
        return self.table.copy()


def policy_value(
    reward: ArrayLike,
    propensity: ArrayLike,
    target: ArrayLike,
    *,
    q: ArrayLike | None = None,
    q_target: ArrayLike | None = None,
    min_n_eff: float = 100.0,
    level: float = 0.95,
) -> OffPolicyValue:
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
    OffPolicyValue
        ``n_eff``, ``events`` and, by ``frame()``, the estimates ``IPS``, ``SNIPS`` and, with `q`, ``DR`` beside what
        the logged policy earned, each with its interval and its gain.

    Raises
    ------
    OverlapCollapsed
        When the challenger never does what was done, when its weights average clearly less than 1 (it acts where the
        logged policy never does), or when they leave an effective sample below `min_n_eff`.
    TypeError, ValueError
        For propensities outside (0, 1], weights that average clearly more than 1 (then they are not the probabilities
        they are said to be), one of `q` and `q_target` without the other, columns of different length or order.

    Notes
    -----
    With w = target / propensity: IPS = mean(w r); SNIPS = Σ w r / Σ w, which does not change when a constant is added
    to all rewards; DR = mean(q_target + w (r − q)), right when either the propensities or the model are. Their standard
    errors are those of the linearised estimates; n_eff = (Σ w)² / Σ w². No weight is clipped. Where the logged policy
    can do all that the challenger does, E w = 1: an average more than four standard errors away is refused. That sees
    gaps that are large for the sample; only whoever built the logged policy can rule out small ones.

    The intervals are made for money with many zeros and a long tail, so they are not ± z standard errors. Where too few
    cases that count for the challenger have an unusual reward, there is none (NaN), and its gain has none either: a log
    without a single sale under the challenger cannot say that it sells less.

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
    >>> policy_value(reward, 0.5, reviewed).frame()[["value", "se", "gain", "n_eff", "events"]].round(2)
            value    se  gain  n_eff  events
    logged    3.0  0.45   0.0  800.0     400
    IPS       6.0  0.89   3.0  400.0     100
    SNIPS     6.0  0.87   3.0  400.0     100
    """
    n = same_cases(reward=reward, propensity=propensity, target=target, q=q, q_target=q_target)
    r, wanted = as_numbers(reward, "reward"), as_probabilities(target, "target")
    chance, level = as_propensities(propensity, n), as_number(level, "level", gt=0, lt=1)
    if n < 2:
        raise ValueError("reward must hold at least two cases; got 1")
    if (q is None) != (q_target is None):
        raise ValueError(
            "q and q_target belong together: what the model expects of the logged action, and under target"
        )
    w = wanted / chance
    n_eff = guard_weights(w, min_n_eff=as_number(min_n_eff, "min_n_eff", ge=1))
    snips, low, high, events = _weighted_money(r, w, level)
    each = {"logged": r, "IPS": w * r, "SNIPS": snips + w * (r - snips) / w.mean()}
    if q is not None and q_target is not None:
        each["DR"] = as_numbers(q_target, "q_target") + w * (r - as_numbers(q, "q"))
    rows = {}
    for name, x in each.items():
        mine = name == "logged"
        some = _unusual(r) if mine else events
        ends = (low, high) if name == "SNIPS" else mean_interval(x, level=level, events=some)[:2]
        gain = mean_interval(x - r, level=level, events=some)
        rows[name] = {"value": float(x.mean()), "se": float(x.std(ddof=1)) / math.sqrt(n)}
        rows[name] |= {"low": ends[0], "high": ends[1]}
        rows[name] |= {"gain": float((x - r).mean())}
        rows[name] |= {"gain_low": 0.0 if mine else gain.low, "gain_high": 0.0 if mine else gain.high}
        rows[name] |= {"n_eff": float(n) if mine else n_eff, "largest_weight": 1.0 if mine else float(w.max())}
        rows[name] |= {"events": some}
    return OffPolicyValue(
        n=n, n_eff=n_eff, largest_weight=float(w.max()), events=events, level=level,
        table=pd.DataFrame.from_dict(rows, orient="index"),
    )  # fmt: skip


def _unusual(x: Floats) -> int:
    """How many entries differ from the most frequent one."""
    return int(x.size - np.unique(x, return_counts=True)[1].max())
