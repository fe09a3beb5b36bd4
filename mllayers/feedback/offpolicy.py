"""Outcomes come back only for what was done: a challenger judged on the decisions of another policy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mllayers._check import Floats, as_groups, as_number, as_numbers, as_probabilities, as_propensities, same_cases
from mllayers._results import Result
from mllayers._stats import (
    Moments,
    MoneySums,
    WeightSums,
    guard_weight_sums,
    moments_of,
    moments_of_powers,
    what_is_sure,
)
from mllayers._words import count, dollars

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
    groups = {}
    for name, here in ({} if by is None else as_groups(by, n, "by")).items():
        groups[name] = _LogRows(r[here], w[here], None if model is None else (model[0][here], model[1][here]))
    return _policy_value_of(_LogRows(r, w, model), groups, fewest=fewest, least=least, level=level)


class _Estimate(NamedTuple):
    """One estimate of dollars per case: its value and standard error, and the moments that its interval needs."""

    value: float
    se: float
    known: Moments


class _Log(Protocol):
    """Logged decisions, as rows or as sums."""

    @property
    def weights(self) -> WeightSums:
        """The weights of the challenger."""

    @property
    def logged(self) -> float:
        """What the logged policy earned per case."""

    def estimates(self) -> tuple[dict[str, tuple[_Estimate, _Estimate]], dict[str, int]]:
        """What each policy earned by each estimate, and what it gained; the events that each rests on."""


class _LogRows(NamedTuple):
    """Rewards, weights and, where there is one, what a model expects of the logged action and under the challenger."""

    r: Floats
    w: Floats
    model: tuple[Floats, Floats] | None

    @property
    def weights(self) -> WeightSums:
        """The weights, summed up."""
        w = self.w
        return WeightSums(w.size, float(w.sum()), float((w**2).sum()), float(w.max(initial=0.0)))

    @property
    def logged(self) -> float:
        """The mean reward."""
        return float(self.r.mean())

    def estimates(self) -> tuple[dict[str, tuple[_Estimate, _Estimate]], dict[str, int]]:
        """The estimates from the terms that each is the mean of."""
        r, w = self.r, self.w
        snips, events = float(w @ r / w.sum()), _weighted_events(r, w)
        each = {"logged": r, "IPS": w * r, "SNIPS": snips + w * (r - snips) / w.mean()}
        if self.model is not None:
            each["DR"] = self.model[1] + w * (r - self.model[0])
        some = {name: _unusual(r) if name == "logged" else events for name in each}
        found = {name: (_estimate(x, some[name]), _estimate(x - r, some[name])) for name, x in each.items()}
        return found, some


def _estimate(x: Floats, events: int) -> _Estimate:
    return _Estimate(float(x.mean()), float(x.std(ddof=1)) / math.sqrt(x.size), moments_of(x, events=events))


class _LogSums(NamedTuple):
    """The same from sums: powers of weights and rewards, how many rewards are not the usual one (of all, and of those
    that count for the challenger), how often w r and (w − 1) r are 0, the largest weight, and the powers of the doubly
    robust terms and of what they gain.
    """

    money: MoneySums
    unusual: int
    events: int
    no_term: int
    no_gain: int
    largest: float
    robust: tuple[Sequence[float], Sequence[float]] | None

    @property
    def weights(self) -> WeightSums:
        """The weights, summed up."""
        powers = self.money.powers
        return WeightSums(self.money.n, float(powers[1, 0]), float(powers[2, 0]), self.largest)

    @property
    def logged(self) -> float:
        """The mean reward."""
        return float(self.money.powers[0, 1]) / self.money.n

    def estimates(self) -> tuple[dict[str, tuple[_Estimate, _Estimate]], dict[str, int]]:
        """The estimates from powers of the terms that each is the mean of."""
        powers, n = self.money.powers, self.money.n
        snips, mean = float(powers[1, 1] / powers[1, 0]), float(powers[1, 0]) / n
        around, ks = self.money.beyond(snips), range(1, 5)

        def less(sums: Floats, k: int, unit: float) -> float:  # Σ (w / unit − 1)ᵏ xᵏ
            return math.fsum(math.comb(k, i) * (-1) ** (k - i) * float(sums[i, k]) / unit**i for i in range(k + 1))

        def beside(k: int) -> float:  # Σ (snips + w (r − snips) / mean)ᵏ
            each = (math.comb(k, i) * snips ** (k - i) * float(around[i, i]) / mean**i for i in range(k + 1))
            return math.fsum(each)

        terms = {
            "logged": ([float(powers[0, k]) for k in ks], [0.0] * 4, n - self.unusual, n),
            "IPS": ([float(powers[k, k]) for k in ks], [less(powers, k, 1.0) for k in ks], self.no_term, self.no_gain),
            "SNIPS": ([beside(k) for k in ks], [less(around, k, mean) for k in ks], 0, 0),
        }
        if self.robust is not None:
            terms["DR"] = (list(self.robust[0]), list(self.robust[1]), 0, 0)
        some = {name: self.unusual if name == "logged" else self.events for name in terms}
        found = {
            name: (_estimate_of(n, x, shared, some[name]), _estimate_of(n, gain, alike, some[name]))
            for name, (x, gain, shared, alike) in terms.items()
        }
        return found, some


def _estimate_of(n: int, powers: Sequence[float], shared: int, events: int) -> _Estimate:
    mean, second = powers[0] / n, powers[1] / n
    se = math.sqrt(max(second - mean**2, 0.0) / (n - 1))
    return _Estimate(mean, se, moments_of_powers(n, powers, shared, events=events))


def _policy_value_of(
    whole: _Log, groups: Mapping[Any, _Log], *, fewest: float, least: float, level: float
) -> OffPolicyValue:
    """What `policy_value` says, from rows or sums."""
    weights = whole.weights
    n_eff = guard_weight_sums(weights, min_n_eff=fewest)
    table = _estimates(whole, n_eff, level)
    levels = (level, 1 - (1 - level) / max(len(groups), 1))
    rows = {str(name): _group_row(log, fewest, levels, least) for name, log in groups.items()}
    return OffPolicyValue(
        n=weights.n, n_eff=n_eff, largest_weight=weights.largest, events=int(table["events"].iloc[-1]), level=level,
        table=table, groups=pd.DataFrame.from_dict(rows, orient="index"), least=least,
    )  # fmt: skip


def _estimates(log: _Log, n_eff: float, level: float) -> pd.DataFrame:
    """What the logged policy earned and the estimates for the challenger, with the events that these rest on."""
    rows, weights = {}, log.weights
    found, events = log.estimates()
    for name, (x, gain) in found.items():
        mine = name == "logged"
        low, high, _ = x.known.interval(level)
        less, more, _ = gain.known.interval(level)
        rows[name] = {"value": x.value, "se": x.se, "low": low, "high": high, "gain": gain.value}
        rows[name] |= {"gain_low": 0.0 if mine else less, "gain_high": 0.0 if mine else more}
        rows[name] |= {"n_eff": float(weights.n) if mine else n_eff, "largest_weight": 1.0 if mine else weights.largest}
        rows[name] |= {"events": events[name]}
    return pd.DataFrame.from_dict(rows, orient="index")


def _group_row(log: _Log, fewest: float, levels: tuple[float, float], least: float) -> dict[str, Any]:
    """What the challenger gains in one group, at the level of a row and at that of all groups; or why not."""
    weights = log.weights
    worth = weights.total**2 / weights.squares if weights.largest else 0.0
    row: dict[str, Any] = {"n": weights.n, "n_eff": worth, "events": 0, "logged": log.logged}
    numbers = ("value", "low", "high", "gain", "gain_low", "gain_high", "gain_low_all", "gain_high_all")
    row |= dict.fromkeys(numbers, math.nan) | {"sure": "open", "reason": ""}
    if weights.n < 2:
        return row | {"reason": f"only {count(weights.n, 'decision')}"}
    try:
        n_eff = guard_weight_sums(weights, min_n_eff=fewest)
    except ValueError as error:
        return row | {"reason": str(error)}
    narrow, wide = (_estimates(log, n_eff, level).iloc[-1] for level in levels)
    row |= {name: float(narrow[name]) for name in numbers[:6]} | {"events": int(narrow["events"])}
    row |= {"gain_low_all": float(wide["gain_low"]), "gain_high_all": float(wide["gain_high"])}
    row["sure"] = what_is_sure(row["gain_low_all"], row["gain_high_all"], least)
    if math.isnan(row["gain_low"]):
        row["reason"] = f"too few events ({row['events']:,}) for an interval"
    return row


def _weighted_events(x: Floats, w: Floats) -> int:
    """How many entries that count differ from the amount that weighs most."""
    amounts, which = np.unique(x, return_inverse=True)
    usual = amounts[np.bincount(which, w).argmax()]
    return int(np.count_nonzero((x != usual) & (w > 0)))


def _unusual(x: Floats) -> int:
    """How many entries differ from the most frequent one."""
    return int(x.size - np.unique(x, return_counts=True)[1].max())
