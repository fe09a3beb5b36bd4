"""Outcomes come back only for what was done: a challenger judged on the decisions of another policy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mllayers._check import Floats, as_groups, as_number, as_numbers, as_probabilities, as_propensities, same_cases
from mllayers._results import Result
from mllayers._stats import effective_size, guard_weights, mean_interval, what_is_sure
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
    groups : DataFrame
        Where `by` was given, a row for each group: ``n``, ``n_eff``, ``events``, ``logged``, ``value`` (the best
        estimate, ``DR`` or else ``SNIPS``), ``low``, ``high``, ``gain``, ``gain_low``, ``gain_high``, ``gain_low_all``
        and ``gain_high_all`` (they hold all groups at once), ``sure`` by these (*more*, *less*, *alike* or *open*) and
        a ``reason`` where something is NaN.
    least : float
        Dollars per case that matter.
    """

    n: int
    n_eff: float
    largest_weight: float
    events: int
    level: float
    table: pd.DataFrame = field(hash=False)
    groups: pd.DataFrame = field(default_factory=pd.DataFrame, hash=False)
    least: float = 0.0

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
        told += f", the largest weight is {self.largest_weight:,.0f}"
        return told + (f"; {self._groups_told()}" if len(self.groups) else "")

    def _groups_told(self) -> str:
        """In which groups the challenger is surely better or worse."""
        names = {verdict: [str(name) for name in rows.index] for verdict, rows in self.groups.groupby("sure")}
        words = {"more": "surely better in", "less": "surely worse in", "alike": "surely no matter in"}
        told = [f"{words[verdict]} {', '.join(names[verdict][:4])}" for verdict in words if verdict in names]
        left = len(names.get("open", []))
        told += [f"open in {left} of {count(len(self.groups), 'group')}"] if left else []
        return f"{', '.join(told)} (all groups at once)"

    def frame(self) -> pd.DataFrame:
        """One row per estimate; where `by` was given, one per group."""
        return (self.groups if len(self.groups) else self.table).copy()


def policy_value(
    reward: ArrayLike,
    propensity: ArrayLike,
    target: ArrayLike,
    *,
    q: ArrayLike | None = None,
    q_target: ArrayLike | None = None,
    by: ArrayLike | None = None,
    least: float = 0.0,
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
    by : array of shape (n,), optional
        A group of each decision, such as a segment or a band of the score, known before the decision: what the
        challenger gains in each. A gain on average can hide groups in which it loses.
    least : float, default 0
        Dollars per case below which a gain does not matter.
    min_n_eff : float, default 100
        Below this effective sample size the comparison is refused, and in a group there is none.
    level : float in (0, 1), default 0.95
        Probability with which each interval is to hold the true value.

    Returns
    -------
    OffPolicyValue
        ``n_eff``, ``events`` and, by ``frame()``, the estimates ``IPS``, ``SNIPS`` and, with `q`, ``DR`` beside what
        the logged policy earned, each with its interval and its gain; with `by` a row per group (``table`` keeps the
        estimates of all).

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

    Groups: each is estimated from its own decisions alone, with the last estimate of the table; ``gain_low_all`` and
    ``gain_high_all`` are at the level 1 − (1 − level) / groups (Bonferroni), so that
    with the probability `level` nothing is called sure wrongly, in whatever group.

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
    n = same_cases(reward=reward, propensity=propensity, target=target, q=q, q_target=q_target, by=by)
    r, wanted = as_numbers(reward, "reward"), as_probabilities(target, "target")
    chance, level = as_propensities(propensity, n), as_number(level, "level", gt=0, lt=1)
    if n < 2:
        raise ValueError("reward must hold at least two cases; got 1")
    if (q is None) != (q_target is None):
        raise ValueError(
            "q and q_target belong together: what the model expects of the logged action, and under target"
        )
    w = wanted / chance
    model = None if q is None or q_target is None else (as_numbers(q, "q"), as_numbers(q_target, "q_target"))
    fewest, least = as_number(min_n_eff, "min_n_eff", ge=1), as_number(least, "least", ge=0)
    n_eff = guard_weights(w, min_n_eff=fewest)
    table, events = _estimates(r, w, model, n_eff, level)
    rows = {}
    groups = {} if by is None else as_groups(by, n, "by")
    together = 1 - (1 - level) / max(len(groups), 1)
    for name, here in groups.items():
        mine = None if model is None else (model[0][here], model[1][here])
        rows[str(name)] = _group_row(r[here], w[here], mine, fewest, (level, together), least)
    return OffPolicyValue(
        n=n, n_eff=n_eff, largest_weight=float(w.max()), events=events, level=level, table=table,
        groups=pd.DataFrame.from_dict(rows, orient="index"), least=least,
    )  # fmt: skip


def _estimates(
    r: Floats, w: Floats, model: tuple[Floats, Floats] | None, n_eff: float, level: float
) -> tuple[pd.DataFrame, int]:
    """What the logged policy earned and the estimates for the challenger, and the events that these rest on."""
    snips, low, high, events = _weighted_money(r, w, level)
    each = {"logged": r, "IPS": w * r, "SNIPS": snips + w * (r - snips) / w.mean()}
    if model is not None:
        each["DR"] = model[1] + w * (r - model[0])
    rows = {}
    for name, x in each.items():
        mine = name == "logged"
        some = _unusual(r) if mine else events
        ends = (low, high) if name == "SNIPS" else mean_interval(x, level=level, events=some)[:2]
        gain = mean_interval(x - r, level=level, events=some)
        rows[name] = {"value": float(x.mean()), "se": float(x.std(ddof=1)) / math.sqrt(x.size)}
        rows[name] |= {"low": ends[0], "high": ends[1]}
        rows[name] |= {"gain": float((x - r).mean())}
        rows[name] |= {"gain_low": 0.0 if mine else gain.low, "gain_high": 0.0 if mine else gain.high}
        rows[name] |= {"n_eff": float(x.size) if mine else n_eff, "largest_weight": 1.0 if mine else float(w.max())}
        rows[name] |= {"events": some}
    return pd.DataFrame.from_dict(rows, orient="index"), events


def _group_row(
    r: Floats,
    w: Floats,
    model: tuple[Floats, Floats] | None,
    fewest: float,
    levels: tuple[float, float],
    least: float,
) -> dict[str, Any]:
    """What the challenger gains in one group, at the level of a row and at that of all groups; or why not."""
    row: dict[str, Any] = {"n": r.size, "n_eff": effective_size(w), "events": 0, "logged": float(r.mean())}
    numbers = ("value", "low", "high", "gain", "gain_low", "gain_high", "gain_low_all", "gain_high_all")
    row |= dict.fromkeys(numbers, math.nan) | {"sure": "open", "reason": ""}
    if r.size < 2:
        return row | {"reason": f"only {count(r.size, 'decision')}"}
    try:
        n_eff = guard_weights(w, min_n_eff=fewest)
    except ValueError as error:
        return row | {"reason": str(error)}
    narrow, wide = (_estimates(r, w, model, n_eff, level)[0].iloc[-1] for level in levels)
    row |= {name: float(narrow[name]) for name in numbers[:6]} | {"events": int(narrow["events"])}
    row |= {"gain_low_all": float(wide["gain_low"]), "gain_high_all": float(wide["gain_high"])}
    row["sure"] = what_is_sure(row["gain_low_all"], row["gain_high_all"], least)
    if math.isnan(row["gain_low"]):
        row["reason"] = f"too few events ({row['events']:,}) for an interval"
    return row


def _unusual(x: Floats) -> int:
    """How many entries differ from the most frequent one."""
    return int(x.size - np.unique(x, return_counts=True)[1].max())
