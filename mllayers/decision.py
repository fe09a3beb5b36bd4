"""Layer 3, Decision: what follows each output?

A score decides nothing. This module turns scores into decisions that can be written down, checked and signed.
"""

from __future__ import annotations

import html
import json
import math
import operator
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import groupby
from typing import Any, TypeVar, overload

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_number, as_numbers, as_probabilities, describe, one_of, per_case

__all__ = [
    "Action",
    "Brief",
    "NotReadyToModel",
    "Policy",
    "SegmentPolicy",
    "Tier",
    "best_tiers",
    "cost_threshold",
    "expected_value",
    "within_capacity",
]

FrameT = TypeVar("FrameT")


class NotReadyToModel(ValueError):
    """Raised by `Brief.require` while nobody has said who decides what, and so that which outcome happens.

    Notes
    -----
    Taught in notebook 03, *Your own system*.
    """


_QUESTIONS = {
    "who": "who takes the decision, a person or a team: 'the fraud desk'",
    "decision": "what they decide, and for what: 'which orders to open before they ship'",
    "outcome": "the result for the business that should follow: 'fewer fake orders leave the warehouse'",
}


@dataclass(frozen=True)
class Brief:
    """The one sentence before any model: who decides what, so that which outcome happens.

    A brief may be built while parts are still open; `require` is the one line to put before a ``fit``.

    Parameters
    ----------
    who : str
        Who takes the decision. Anything but text with a letter or a digit in it counts as still open.
    decision : str
        What they decide; it is read after the word *decides*.
    outcome : str
        What should happen because of it; it is read after the words *so that*.

    Notes
    -----
    Taught in notebook 03, *Your own system*.

    Examples
    --------
    >>> brief = Brief("The fraud desk", "which orders to open before they ship", "fewer fakes leave the warehouse")
    >>> print(brief.require())
    The fraud desk decides which orders to open before they ship, so that fewer fakes leave the warehouse.
    >>> Brief("The fraud desk").missing()
    ['decision', 'outcome']
    """

    who: Any = None
    decision: Any = None
    outcome: Any = None

    def missing(self) -> list[str]:
        """List the parts that nobody has filled in yet, in the order of the sentence."""
        return [part for part in _QUESTIONS if not _is_said(getattr(self, part))]

    def require(self) -> Brief:
        """Return the brief when it is complete, and stop everything else.

        Raises
        ------
        NotReadyToModel
            While a part is missing; the message names each one and says how to fill it.
        """
        missing = self.missing()
        if missing:
            told = "".join(f"\n  {part}: {_QUESTIONS[part]}" for part in missing)
            verb = "is" if len(missing) == 1 else "are"
            raise NotReadyToModel(
                f"not ready to model: {' and '.join(missing)} {verb} missing. Before any model, say in one sentence "
                f"who decides what, so that which outcome happens; fill in{told}"
            )
        return self

    def policy_draft(self, actions: Sequence[Action | str], *, default: Action | str | None = None) -> Policy:
        """Start the policy that the sentence asks for: its actions, owned by `who`, and what is done without a score.

        Parameters
        ----------
        actions : sequence of Action or str
            What can be done; the mildest first. Actions without an owner get `who`.
        default : Action or str, optional
            What follows a case without a score.

        Returns
        -------
        Policy
            A draft of actions; its `gaps` are the questions to answer next.

        Raises
        ------
        NotReadyToModel
            While the brief is incomplete.
        """
        self.require()
        named = [_as_action(action) for action in [*actions, *([] if default is None else [default])]]
        owned = [action if action.owner else replace(action, owner=self.who) for action in named]
        fallback = owned.pop() if default is not None else None
        known = {action.name: action for action in owned}
        return Policy(owned, missing=known.get(fallback.name, fallback) if fallback else None, brief=self)

    def __str__(self) -> str:
        who, decision, outcome = (
            getattr(self, part).strip().rstrip(".") if _is_said(getattr(self, part)) else f"[{part}?]"
            for part in _QUESTIONS
        )
        return f"{who} decides {decision}, so that {outcome}."

    def _repr_markdown_(self) -> str:
        missing = self.missing()
        state = f"*still open: {', '.join(missing)}*" if missing else "*complete*"
        return f"> **Brief** – {self} ({state})"

    def _repr_html_(self) -> str:
        missing = self.missing()
        state = f"Still open: {', '.join(missing)}" if missing else "Complete"
        return (
            '<div style="border:1px solid currentColor; border-radius:6px; padding:0.6em 1em; max-width:44em">'
            f"<strong>Brief</strong><p>{html.escape(str(self))}</p><small>{state}</small></div>"
        )


@overload
def expected_value(p: float, value: float, cost: float = 0.0) -> float: ...
@overload
def expected_value(p: ArrayLike, value: ArrayLike, cost: ArrayLike = 0.0) -> NDArray[np.float64]: ...
def expected_value(p: ArrayLike, value: ArrayLike, cost: ArrayLike = 0.0) -> Any:
    """What a bet brings on average: the probability of success times its value, minus what it costs to try.

    Parameters
    ----------
    p : number or array of shape (n,)
        Probability that the action creates the value, in [0, 1].
    value : number or array of shape (n,)
        Dollars gained when it does.
    cost : number or array of shape (n,), default 0
        Dollars spent whether it does or not.

    Returns
    -------
    float or array of shape (n,)
        Dollars per case; a float when all three inputs are single numbers.

    Raises
    ------
    ValueError
        For a probability outside [0, 1], a number that is missing or infinite, and columns of different lengths.

    Notes
    -----
    EV = p · value − cost. The formula counts what the action creates only if `p` is the probability that the action
    *changes* the outcome: for a customer who would have come anyway, the value is not created. And a value that is
    already an expectation (a "$4 expected lifetime value") has its probability inside; multiplying again discounts
    it twice. Taught in notebook 03, *Worked example*.

    Examples
    --------
    Lead C answers nine times in ten and is worth $500; lead B three times in ten and $48,000.

    >>> expected_value(0.90, 500), expected_value(0.30, 48_000)
    (450.0, 14400.0)
    >>> expected_value([0.9, 0.3], [500, 48_000], cost=25)
    array([  425., 14375.])
    """
    columns = [np.size(x) for x in (p, value, cost) if np.ndim(x) > 0]
    n = columns[0] if columns else 1
    chance = as_probabilities(np.atleast_1d(np.asarray(p)), "p")
    out = per_case(chance if np.ndim(p) else chance[0], n, "p") * per_case(value, n, "value") - per_case(
        cost, n, "cost"
    )
    return out if columns else float(out)


@overload
def cost_threshold(
    *, cost_fp: float, cost_fn: float = 0.0, gain_tp: float = 0.0, gain_tn: float = 0.0, cost_review: None = None
) -> float: ...
@overload
def cost_threshold(
    *,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike = 0.0,
    gain_tp: ArrayLike = 0.0,
    gain_tn: ArrayLike = 0.0,
    cost_review: None = None,
) -> NDArray[np.float64]: ...
@overload
def cost_threshold(
    *, cost_fp: float, cost_fn: float = 0.0, gain_tp: float = 0.0, gain_tn: float = 0.0, cost_review: float
) -> tuple[float, float]: ...
@overload
def cost_threshold(
    *,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike = 0.0,
    gain_tp: ArrayLike = 0.0,
    gain_tn: ArrayLike = 0.0,
    cost_review: ArrayLike,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
def cost_threshold(
    *,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike = 0.0,
    gain_tp: ArrayLike = 0.0,
    gain_tn: ArrayLike = 0.0,
    cost_review: ArrayLike | None = None,
) -> Any:
    """The probability from which acting pays, computed from what the four outcomes are worth.

    Parameters
    ----------
    cost_fp : number or array of shape (n,)
        Dollars lost by acting on a negative case (a good order is blocked).
    cost_fn : number or array of shape (n,), default 0
        Dollars lost by not acting on a positive case (a fake is shipped).
    gain_tp, gain_tn : number or array of shape (n,), default 0
        Dollars earned by acting on a positive case, and by leaving a negative case alone (the margin of a good order).
    cost_review : number or array of shape (n,), optional
        Dollars for a look that reveals the truth before deciding. With it, the band where looking pays is returned.

    Returns
    -------
    float or array of shape (n,), or a pair of them
        The threshold t: act if and only if p ≥ t. With `cost_review`, the pair ``(review_from, act_from)``: leave alone
        below the first, look from the first, act from the second; both are t where looking never pays.

    Raises
    ------
    ValueError
        When, for some case, one of the two actions wins at every probability (Elkan's "reasonableness"): there is no
        threshold then, and the costs are more likely wrong than right.

    Notes
    -----
    With a = gain_tn + cost_fp, what a wrong action costs, and b = gain_tp + cost_fn, what a wrong inaction costs:
    t = a / (a + b). A review at price r pays from p > r / b and until p < 1 − r / a. Only the sums a and b matter, so
    adding a constant to both outcomes of a truth changes nothing. `p` must be calibrated; no rebalancing is needed.
    Taught in notebook 03, *The thresholds follow from the costs*.

    References
    ----------
    Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI, sections 1.1 and 2.

    Examples
    --------
    An $80 order at 30 % margin: a blocked good order costs its margin and $12 of goodwill, a shipped fake its goods and
    a $20 fee.

    >>> money = dict(gain_tn=24.0, cost_fp=12.0, cost_fn=76.0)
    >>> round(cost_threshold(**money), 4)
    0.3214
    >>> [round(t, 4) for t in cost_threshold(**money, cost_review=4.0)]
    [0.0526, 0.8889]
    """
    given = {"cost_fp": cost_fp, "cost_fn": cost_fn, "gain_tp": gain_tp, "gain_tn": gain_tn}
    given |= {} if cost_review is None else {"cost_review": cost_review}
    columns = [np.size(x) for x in given.values() if np.ndim(x) > 0]
    money = {name: per_case(x, columns[0] if columns else 1, name) for name, x in given.items()}
    wrong_action, wrong_inaction = money["gain_tn"] + money["cost_fp"], money["gain_tp"] + money["cost_fn"]
    for wrong, names, winner in (
        (wrong_action, "gain_tn + cost_fp", "acting"),
        (wrong_inaction, "gain_tp + cost_fn", "never acting"),
    ):
        if (wrong <= 0).any():
            row = int(np.argmax(wrong <= 0))
            where = f" at row {row}" if wrong.ndim else ""
            raise ValueError(
                f"{names} must be > 0, or {winner} is best at every probability and there is no threshold; "
                f"got {wrong[row] if wrong.ndim else float(wrong):g}{where}"
            )
    t = wrong_action / (wrong_action + wrong_inaction)
    if cost_review is None:
        return t if columns else float(t)
    if (money["cost_review"] < 0).any():
        raise ValueError(f"cost_review must be ≥ 0; got {money['cost_review'].min():g}")
    review_from = np.minimum(money["cost_review"] / wrong_inaction, t)
    act_from = np.maximum(1 - money["cost_review"] / wrong_action, t)
    return (review_from, act_from) if columns else (float(review_from), float(act_from))


@dataclass(frozen=True)
class Action:
    """One thing that can be done with a case: what it brings, what it costs, who does it, and how often.

    Its expected value at probability p is ``gain · p − cost``. Doing nothing is an action too: ``gain=0, cost=0``.

    Parameters
    ----------
    name : str
        What is done, in a word: 'call'.
    gain : float or str, optional
        Dollars it brings when the case is positive, compared with doing nothing; may be negative. Or the name of a
        column that holds one number per case.
    cost : float or str, optional
        Dollars it costs whether the case is positive or not, or the name of a column. ``None`` means nobody knows yet.
    owner : str, optional
        Who carries it out.
    capacity : float, optional
        How many cases it can take in the period of the policy; ``None`` means no limit.

    Raises
    ------
    TypeError, ValueError
        For a name that is no text, money that is neither a finite number nor a column name, a negative capacity.

    Notes
    -----
    Taught in notebook 03, *The thresholds follow from the costs*.

    Examples
    --------
    >>> Action("call", gain=40, cost=15, owner="sales", capacity=2_000)
    Action(name='call', gain=40.0, cost=15.0, owner='sales', capacity=2000.0)
    """

    name: str
    gain: float | str | None = None
    cost: float | str | None = None
    owner: str | None = None
    capacity: float | None = None

    def __post_init__(self) -> None:
        if not _is_said(self.name):
            raise TypeError(f"name must be the action in a word, such as 'call'; got {describe(self.name)}")
        for part in ("gain", "cost"):
            amount = getattr(self, part)
            if amount is not None and not isinstance(amount, str):
                object.__setattr__(self, part, as_number(amount, part))
        if self.capacity is not None:
            object.__setattr__(self, "capacity", as_number(self.capacity, "capacity", ge=0))


@dataclass(frozen=True)
class Tier:
    """An interval of scores and the action that follows them.

    Parameters
    ----------
    low, high : float
        The interval, within [0, 1].
    action : Action or str
        What follows a score in it; a bare name is an action without owner and cost yet.
    closed : {'left', 'right', 'both', 'neither'}, optional
        Which ends belong to it. By default the left one (p ≥ low acts), and the right one too where `high` is 1.

    Raises
    ------
    TypeError, ValueError
        For ends outside [0, 1] or in the wrong order, or another word for `closed`.

    Notes
    -----
    Taught in notebook 03, *A policy is data*.

    Examples
    --------
    >>> print(Tier(0.5, 0.8, "voucher"), Tier(0.8, 1, "call"))
    [0.5, 0.8) voucher [0.8, 1] call
    """

    low: float
    high: float
    action: Action
    closed: str = ""

    def __init__(self, low: float, high: float, action: Action | str, *, closed: str | None = None) -> None:
        low, high = as_number(low, "low", ge=0, le=1) + 0.0, as_number(high, "high", ge=0, le=1) + 0.0
        if low > high:
            raise ValueError(f"low must not be above high; got {low:g} and {high:g}")
        chosen = ("both" if high == 1 else "left") if closed is None else closed
        ends = (low, high, _as_action(action), one_of(chosen, "closed", ("left", "right", "both", "neither")))
        for name, x in zip(("low", "high", "action", "closed"), ends, strict=True):
            object.__setattr__(self, name, x)

    def __str__(self) -> str:
        takes_low, takes_high = _ends(self)
        return f"{_interval(self.low, takes_low, self.high, takes_high)} {self.action.name}"


def best_tiers(actions: Sequence[Action], *, value: float = 1.0) -> list[Tier]:
    """Where each action starts to pay: the tiers that follow from the actions' gains and costs.

    Parameters
    ----------
    actions : sequence of Action
        With gains and costs in dollars (not columns). Doing nothing is one of them only if it is listed.
    value : float, default 1
        What the gains are multiplied with, for actions whose gain is per dollar at stake.

    Returns
    -------
    list of Tier
        From score 0 to score 1 without gap or overlap. An action that is nowhere the best has no tier.

    Raises
    ------
    TypeError, ValueError
        For an action without gain or cost, no action at all, or a negative `value`.

    Notes
    -----
    Action a is worth ``gain_a · p − cost_a``, a line in p; the best action at each p is the upper envelope of the
    lines, found in one sort, O(k log k), in exact arithmetic. Neighbours meet at
    ``(cost_b − cost_a) / (gain_b − gain_a)``; the action with the larger gain takes a score exactly there (p ≥ t acts),
    and of two equal lines the later listed wins.
    Where gains are `value` times larger and costs are not, every threshold is a case's own: that is what a `Policy` of
    actions with ``decide(…, value=…)`` does row by row. Taught in notebook 03, *The thresholds follow from the costs*.

    Examples
    --------
    >>> menu = [Action("nothing", 0, 0), Action("email", 4, 0.1), Action("call", 40, 15), Action("gift", 41, 30)]
    >>> for tier in best_tiers(menu):
    ...     print(tier)
    [0, 0.025) nothing
    [0.025, 0.4138888888888889) email
    [0.4138888888888889, 1] call
    """
    stake = Fraction(as_number(value, "value", ge=0))
    lines = []
    for i, action in enumerate(actions):
        if not isinstance(action.gain, float) or not isinstance(action.cost, float):
            raise TypeError(
                f"action {action.name!r} needs a gain and a cost in dollars; "
                f"its gain is {_dollars(action.gain)} and its cost {_dollars(action.cost)}"
            )
        lines.append((Fraction(action.gain) * stake, -Fraction(action.cost), i, action))
    if not lines:
        raise ValueError("actions must hold at least one action; got none")
    envelope: list[tuple[Fraction, tuple[Fraction, Fraction, int, Action]]] = []  # (the score where it starts, line)
    for line in sorted(lines, key=lambda line: line[:3]):
        start = Fraction(0)
        while envelope:
            begins, (gain, minus_cost, _, _) = envelope[-1]
            if line[0] == gain:  # parallel: the cheaper one comes later in the order
                envelope.pop()
                continue
            start = (minus_cost - line[1]) / (line[0] - gain)
            if start > begins:
                break
            envelope.pop()
        if start <= 1:
            envelope.append((max(start, Fraction(0)) if envelope else Fraction(0), line))
    cuts = [_first_float_from(start) for start, _ in envelope] + [1.0]
    last = len(envelope) - 1
    return [
        Tier(cuts[i], cuts[i + 1], line[3], closed="both" if i == last else "left")
        for i, (_, line) in enumerate(envelope)
        if cuts[i] < cuts[i + 1] or i == last
    ]


@dataclass(frozen=True, repr=False)
class Policy:
    """What follows every score, and a missing one: the part of a system that a manager can read and sign.

    A draft with holes can be built, so that `gaps` can list them; `decide` and `to_json` refuse while there are any.

    Parameters
    ----------
    tiers : sequence of Tier, or sequence of Action
        Tiers give each score its action. A list of actions stands for "whichever has the highest expected value, case
        by case", for gains and costs that differ between cases; list the mildest first, ties go to the later one.
    missing : Action or str, optional
        What follows a case without a score (NULL or NaN); a name finds its action among `tiers`.
    holdout : float, optional
        Share of cases that stay without action, drawn at random by whoever acts, so that the effect can be measured.
        It is part of the page that is signed; `decide` draws nothing.
    brief : Brief, optional
        The sentence the policy answers.

    Raises
    ------
    TypeError, ValueError
        For anything that is not even a draft: tiers and actions mixed, a hold-out outside [0, 1).

    Notes
    -----
    Taught in notebook 03, *A policy is data*.

    Examples
    --------
    >>> import pandas as pd
    >>> ship, review = Action("ship", cost=0, owner="checkout"), Action("review", cost=4, owner="fraud desk")
    >>> draft = Policy([Tier(0, 0.5, ship), Tier(0.6, 1, review)], holdout=0.01)
    >>> for problem in draft.gaps():
    ...     print(problem)
    no tier takes scores in [0.5, 0.6)
    no rule for a missing score: say which action follows, missing='…'
    >>> policy = Policy([Tier(0, 0.5, ship), Tier(0.5, 1, review)], missing="review", holdout=0.01)
    >>> print(policy)
    [0, 0.5) ship; [0.5, 1] review; no score: review
    >>> policy.decide(pd.DataFrame({"p": [0.2, 0.5, None]}), score="p")["action"].to_list()
    ['ship', 'review', 'review']
    """

    tiers: tuple[Tier, ...] | tuple[Action, ...]
    missing: Action | None = None
    holdout: float | None = None
    brief: Brief | None = None

    def __init__(
        self,
        tiers: Sequence[Tier] | Sequence[Action],
        missing: Action | str | None = None,
        *,
        holdout: float | None = None,
        brief: Brief | None = None,
    ) -> None:
        rules = tuple(tiers)
        if not (all(isinstance(x, Tier) for x in rules) or all(isinstance(x, Action) for x in rules)):
            raise TypeError(f"tiers must hold only Tier or only Action; got {', '.join(map(describe, rules))}")
        object.__setattr__(self, "tiers", rules)
        tiers_only, menu = self._rules()
        _set_plan(self, missing, [*(tier.action for tier in tiers_only), *menu], holdout, brief)

    def _rules(self) -> tuple[list[Tier], list[Action]]:
        """The tiers, and the actions of a policy of actions: one of the two lists is empty."""
        tiers = [x for x in self.tiers if isinstance(x, Tier)]
        return tiers, [x for x in self.tiers if isinstance(x, Action)]

    @property
    def actions(self) -> list[Action]:
        """Every action the policy may take, each once, in the order of the tiers."""
        tiers, menu = self._rules()
        used: list[Action] = [*(tier.action for tier in tiers), *menu]
        return _each_once(used + ([self.missing] if self.missing else []))

    def gaps(
        self, volumes: Mapping[str, float] | None = None, effects: Mapping[str, float] | Sequence[float] | None = None
    ) -> list[str]:
        """List what still keeps the policy from being used, one readable problem a line; empty means ready.

        Parameters
        ----------
        volumes : mapping, optional
            Expected number of cases by action name, to hold against the capacities.
        effects : mapping by action name, or sequence with one number per tier, optional
            Dollars per case that the action brings compared with doing nothing, before its cost.

        Returns
        -------
        list of str
            Holes, overlaps, boundaries that belong to nobody or to two, no rule for a missing score, actions without
            owner, cost or (in a policy of actions) gain, no hold-out, an incomplete brief; and with `volumes` and
            `effects`, actions above their capacity and tiers that lose money.

        Raises
        ------
        TypeError, ValueError
            For volumes or effects of something the policy does not have, or that are no numbers.
        """
        tiers, menu = self._rules()
        problems = [f"action {action.name!r} has no gain" for action in menu if action.gain is None]
        problems += [] if menu else _coverage_gaps(tiers)
        if self.missing is None:
            problems.append("no rule for a missing score: say which action follows, missing='…'")
        problems += _plan_gaps(self.actions, self.holdout, self.brief)
        if volumes is not None:
            problems += _capacity_gaps(self.actions, volumes)
        if effects is not None:
            rules = [(str(x), x.action if isinstance(x, Tier) else x) for x in self.tiers]
            if isinstance(effects, Mapping):
                problems += _effect_gaps([(action.name, told, action) for told, action in rules], effects)
            elif len(effects) != len(rules):
                raise ValueError(f"effects must hold one number per tier, {len(rules)}; got {len(effects)}")
            else:
                by_place = dict(enumerate(effects))
                problems += _effect_gaps([(i, told, action) for i, (told, action) in enumerate(rules)], by_place)
        return problems

    def decide(self, frame: FrameT, *, score: str, value: str | None = None, into: str = "action") -> FrameT:
        """Add a column with the action that follows each case.

        Parameters
        ----------
        frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame
            One row per case; a lazy frame stays lazy. Dask: ``frame.map_partitions(policy.decide, score=…)``.
        score : str
            The column with the probabilities.
        value : str, optional
            A column that every gain is multiplied with, for a policy of actions whose gains are per dollar at stake.
        into : str, default 'action'
            Name of the new column. A policy of actions also adds ``into + '_value'``, the expected dollars.

        Returns
        -------
        frame
            Of the caller's own type, with the same rows.

        Raises
        ------
        ValueError
            While the policy has gaps; for a column that is absent or already there; for a score outside [0, 1] or an
            infinite value. A lazy frame meets its numbers only when it runs: then the engine raises its own conversion
            error, with the sentence in it (Spark with ``spark.sql.ansi.enabled`` off gives NULL instead of an action).
        TypeError
            For a column that does not hold numbers, and for a Dask frame.

        Notes
        -----
        Scores are compared as 64-bit floats, p ≥ low acts: 0.7 stored in 32 bits is 0.699999988 and falls below a tier
        that starts at 0.7, on every engine. NULL and NaN are both missing; in a policy of actions, so is a case without
        a value, gain or cost. Equal expected values go to the later listed action.
        """
        _refuse_gaps(self.gaps())
        data = _opened(frame)
        tiers, menu = self._rules()
        if tiers and value is not None:
            raise ValueError("value is for a policy of actions; in tiers the action follows from the score alone")
        columns = [
            x for x in (value, *(x for action in menu for x in (action.gain, action.cost))) if isinstance(x, str)
        ]
        columns = list(dict.fromkeys(columns))
        _check_columns(data, [score, *columns], [into, f"{into}_value"] if menu else [into])

        p, *others = numbers = [_number(column) for column in (score, *columns)]
        usable = (p >= 0) & (p <= 1)
        for x in others:
            usable = usable & (x.abs() <= sys.float_info.max)
        missing = reduce(operator.or_, (x.is_null() | x.is_nan() for x in numbers))
        rule = f"{score} must lie in [0, 1]" + (f" and {', '.join(columns)} be finite" if columns else "")
        _refuse_rows(data, usable, missing, rule, [score, *columns])
        if tiers:
            rules = [(_within(tier, p), tier.action) for tier in tiers]
            decided = data.with_columns(**{into: _choose(data, rules, self.missing, usable, missing, rule)})
        else:  # the value first, so that an engine without common subexpressions computes it once
            worth = _worth(p, menu, None if value is None else _number(value))
            best, known = f"{into}_value", list(data.collect_schema())
            rules = [(x >= nw.col(best), action) for x, action in zip(worth[1:], menu[1:], strict=True)]
            rules = [*rules[::-1], (~nw.col(best).is_null(), menu[0])]
            chosen = _choose(data, rules, self.missing, usable, missing, rule)
            decided = data.with_columns(**{best: nw.when(usable).then(nw.max_horizontal(*worth))})
            decided = decided.with_columns(**{into: chosen}).select(*known, into, best)
        native: FrameT = decided.to_native()
        return native

    def describe(self) -> str:
        """Give the page a manager signs: what follows each output, who does it, what it costs, what is still open."""
        tiers, menu = self._rules()
        rows = [*((_tier_told(x), x.action) for x in tiers), *(("highest value", x) for x in menu)]
        no_score = ("no score", self.missing)
        return _page(rows, no_score, self.holdout, self.brief, self.gaps(), by_value=bool(menu))

    def __str__(self) -> str:
        rules = "; ".join(str(x) if isinstance(x, Tier) else x.name for x in self.tiers) or "no tiers"
        head = "highest expected value of " if self._rules()[1] else ""
        return f"{head}{rules}; no score: {self.missing.name if self.missing else '?'}"

    def __repr__(self) -> str:
        return f"Policy({self})"

    def to_json(self) -> str:
        """Write the policy as plain JSON, for version control and review; a policy with gaps is refused."""
        _refuse_gaps(self.gaps())
        tiers = [
            {"low": x.low, "high": x.high, "closed": x.closed, "action": x.action.name}
            if isinstance(x, Tier)
            else {"action": x.name}
            for x in self.tiers
        ]
        return _to_json("policy", {"tiers": tiers}, self)

    @classmethod
    def from_json(cls, text: str) -> Policy:
        """Read a policy written by `to_json`.

        Raises
        ------
        ValueError
            For text that is no such policy.
        """
        saved, actions, plan = _from_json("policy", text, "tiers")
        try:
            tiers = [
                Tier(x["low"], x["high"], actions[x["action"]], closed=x["closed"])
                if "low" in x
                else actions[x["action"]]
                for x in saved
            ]
        except KeyError as error:
            raise ValueError(f"text is not a policy: {error.args[0]!r} is absent") from None
        return cls(tiers, **plan)  # type: ignore[arg-type]


@dataclass(frozen=True, repr=False)
class SegmentPolicy:
    """What follows each segment: clusters without this are a picture.

    Parameters
    ----------
    actions : mapping from segment to Action or str
        Segments are whole numbers (cluster labels) or text; a cluster that is not listed is an error when it turns up.
    missing : Action or str, optional
        What follows a case without a segment.
    holdout, brief : optional
        As in `Policy`.

    Raises
    ------
    TypeError, ValueError
        For no segment at all, or labels that are neither whole numbers nor text.

    Notes
    -----
    Taught in notebook 03, *Segments need a policy*.

    Examples
    --------
    >>> import pandas as pd
    >>> nothing, call = Action("nothing", cost=0, owner="CRM"), Action("call", cost=15, owner="sales")
    >>> policy = SegmentPolicy({0: nothing, 1: call}, missing="nothing", holdout=0.1)
    >>> policy.decide(pd.DataFrame({"cluster": [1, 0]}), segment="cluster")["action"].to_list()
    ['call', 'nothing']
    >>> policy.gaps(volumes={0: 900, 1: 80, 2: 20})
    ['segment 2 has 20 cases and no action']
    """

    segments: dict[int | str, Action]
    missing: Action | None = None
    holdout: float | None = None
    brief: Brief | None = None

    def __init__(
        self,
        actions: Mapping[Any, Action | str],
        missing: Action | str | None = None,
        *,
        holdout: float | None = None,
        brief: Brief | None = None,
    ) -> None:
        whole = all(isinstance(x, (int, np.integer)) and not isinstance(x, bool) for x in actions)
        if not actions or not (whole or all(isinstance(x, str) for x in actions)):
            came = ", ".join(map(describe, actions)) or "none"
            raise TypeError(f"actions must be given by segment, all whole numbers or all text; got {came}")
        known = {x.name: x for x in actions.values() if isinstance(x, Action)}
        segments = {
            int(x) if whole else x: known.get(action, Action(action)) if isinstance(action, str) else _as_action(action)
            for x, action in actions.items()
        }
        object.__setattr__(self, "segments", segments)
        _set_plan(self, missing, list(segments.values()), holdout, brief)

    @property
    def actions(self) -> list[Action]:
        """Every action the policy may take, each once."""
        return _each_once([*self.segments.values(), *([self.missing] if self.missing else [])])

    def gaps(self, volumes: Mapping[Any, float] | None = None, effects: Mapping[Any, float] | None = None) -> list[str]:
        """List what still keeps the policy from being used; empty means ready.

        Parameters
        ----------
        volumes : mapping, optional
            Expected number of cases by segment, to hold against the capacities; a segment without an action is a gap.
        effects : mapping, optional
            Dollars per case by segment that its action brings compared with doing nothing, before the cost.

        Returns
        -------
        list of str
            As in `Policy.gaps`.
        """
        problems = []
        if self.missing is None:
            problems.append("no rule for a missing segment: say which action follows, missing='…'")
        problems += _plan_gaps(self.actions, self.holdout, self.brief)
        if volumes is not None:
            by_action: dict[str, float] = {}
            for segment, count in dict(volumes).items():
                if segment not in self.segments:
                    problems.append(f"segment {segment!r} has {count:,.0f} cases and no action")
                else:
                    name = self.segments[segment].name
                    by_action[name] = by_action.get(name, 0.0) + as_number(count, f"volumes[{segment!r}]", ge=0)
            problems += _capacity_gaps(self.actions, by_action)
        if effects is not None:
            rules = [(x, f"segment {x!r}, {action.name}", action) for x, action in self.segments.items()]
            problems += _effect_gaps(rules, effects)
        return problems

    def decide(self, frame: FrameT, *, segment: str, into: str = "action") -> FrameT:
        """Add a column with the action that follows each case's segment.

        Parameters
        ----------
        frame : any frame that `Policy.decide` takes
            One row per case; a lazy frame stays lazy.
        segment : str
            The column with the segments.
        into : str, default 'action'
            Name of the new column.

        Returns
        -------
        frame
            Of the caller's own type, with the same rows.

        Raises
        ------
        ValueError
            While the policy has gaps, and for a segment without an action (on a lazy frame, the engine raises when it
            runs, as in `Policy.decide`).
        TypeError
            For a column of another kind than the segments, and for a Dask frame.
        """
        _refuse_gaps(self.gaps())
        data = _opened(frame)
        numbers = all(isinstance(x, int) for x in self.segments)
        _check_columns(data, [segment], [into], numbers=numbers)
        label = _number(segment) if numbers else nw.col(segment)
        missing = label.is_null() | label.is_nan() if numbers else label.is_null()
        usable = label.is_in([float(x) for x in self.segments] if numbers else list(self.segments))
        rule = f"{segment} must be a segment with an action ({', '.join(map(str, self.segments))})"
        _refuse_rows(data, usable, missing, rule, [segment])
        rules = [(label == x, action) for x, action in self.segments.items()]
        chosen = _choose(data, rules, self.missing, usable, missing, rule)
        decided: FrameT = data.with_columns(**{into: chosen}).to_native()
        return decided

    def describe(self) -> str:
        """Give the page a manager signs: what follows each segment, who does it, what it costs, what is still open."""
        rows = [(f"segment {x}", action) for x, action in self.segments.items()]
        return _page(rows, ("no segment", self.missing), self.holdout, self.brief, self.gaps())

    def __str__(self) -> str:
        rules = "; ".join(f"{x}: {action.name}" for x, action in self.segments.items())
        return f"{rules}; no segment: {self.missing.name if self.missing else '?'}"

    def __repr__(self) -> str:
        return f"SegmentPolicy({self})"

    def to_json(self) -> str:
        """Write the policy as plain JSON, for version control and review; a policy with gaps is refused."""
        _refuse_gaps(self.gaps())
        rules = [{"segment": x, "action": action.name} for x, action in self.segments.items()]
        return _to_json("segment policy", {"segments": rules}, self)

    @classmethod
    def from_json(cls, text: str) -> SegmentPolicy:
        """Read a policy written by `to_json`.

        Raises
        ------
        ValueError
            For text that is no such policy.
        """
        saved, actions, plan = _from_json("segment policy", text, "segments")
        try:
            return cls({x["segment"]: actions[x["action"]] for x in saved}, **plan)
        except KeyError as error:
            raise ValueError(f"text is not a segment policy: {error.args[0]!r} is absent") from None


@dataclass(frozen=True, eq=False)
class Selection:
    """The cases that fit a capacity: what `within_capacity` returns for columns.

    Attributes
    ----------
    chosen : boolean array of shape (n,)
        Which cases to take.
    gain, used : float
        Dollars they bring together, and units of capacity they take.
    shadow_price : float
        Dollars that one more unit of capacity would bring; 0 when there is room for all that pays.
    bound : float
        No choice that fits can bring more than this.
    """

    chosen: NDArray[np.bool_]
    gain: float
    used: float
    shadow_price: float
    bound: float

    def __str__(self) -> str:
        return (
            f"{int(self.chosen.sum()):,} of {self.chosen.size:,} cases bring ${self.gain:,.2f} "
            f"with {self.used:,g} units; one more unit is worth ${self.shadow_price:,.2f}"
        )


@overload
def within_capacity(gain: ArrayLike, capacity: float, *, units: ArrayLike = 1.0) -> Selection: ...
@overload
def within_capacity(
    gain: str,
    capacity: float,
    *,
    units: str | float = 1.0,
    frame: FrameT,
    ties: str | Sequence[str],
    into: str = "fits",
) -> FrameT: ...
def within_capacity(
    gain: Any, capacity: float, *, units: Any = 1.0, frame: Any = None, ties: Any = None, into: str = "fits"
) -> Any:
    """The cases that bring the most within a capacity, and what one more unit of it would bring.

    Parameters
    ----------
    gain : array of shape (n,)
        Dollars each case is expected to bring. Cases that bring nothing (gain ≤ 0) are never taken.
    capacity : float
        How many units there are: slots, or hours.
    units : number or array of shape (n,), default 1
        Units each case takes, > 0.
    frame : any frame that `Policy.decide` takes, optional
        To choose in the engine, lazily where it is lazy: `gain` and `units` are column names then.
    ties : str or list of str
        With `frame`: the columns that settle equal gains per unit, such as the case's id.
    into : str, default 'fits'
        With `frame`: name of the new column, true for the cases to take.

    Returns
    -------
    Selection or frame
        For columns, the mask, gain, units used, shadow price and upper bound. For a frame, the caller's own frame type
        with a column more.

    Raises
    ------
    ValueError
        For a negative capacity, missing or infinite gains, units that are not > 0 (on a lazy frame when it runs).

    Notes
    -----
    Cases are ranked by gain per unit; equal ones keep their order (on frames: that of `ties`). With one size of unit
    that is optimal. With units of different size the ranking is completed to the best choice by a search over the cases
    near the margin (Nemhauser–Ullmann lists); should it have to look at more than two million partial choices, the
    ranking's own choice is returned, and `bound` says how far it can be from the best. On frames, the choice stops at
    the first case in the ranking that does not fit: at most that one case's gain below the bound. The shadow price is
    the gain per unit of that first case. A relative 1e-9 of the capacity is allowed for rounding.
    Taught in notebook 03, *Optional: capacity has a price*.

    References
    ----------
    Dantzig (1957), "Discrete-Variable Extremum Problems", Operations Research 5(2), the bound; Nemhauser and Ullmann
    (1969), "Discrete Dynamic Programming and Capital Allocation", Management Science 15(9), the search.

    Examples
    --------
    >>> print(within_capacity([5.0, 30.0, -2.0, 12.0], 2))
    2 of 4 cases bring $42.00 with 2 units; one more unit is worth $5.00
    >>> within_capacity([60.0, 100.0, 120.0], 50, units=[10, 20, 30]).chosen
    array([False,  True,  True])
    >>> import pandas as pd
    >>> cases = pd.DataFrame({"id": [7, 8, 9], "gain": [5.0, 30.0, 12.0]})
    >>> within_capacity("gain", 2, frame=cases, ties="id")["fits"].to_list()
    [False, True, True]
    """
    room = as_number(capacity, "capacity", ge=0) * (1 + 1e-9)
    if frame is not None:
        if ties is None:
            raise TypeError("ties must name the column that settles equal gains, such as the case's id; got None")
        return _frame_within(frame, gain, room, units, [ties] if isinstance(ties, str) else list(ties), into)
    if isinstance(gain, str) or ties is not None:
        raise TypeError("a gain that is a column name, and ties, belong to a frame: say frame=…")
    worth = as_numbers(gain, "gain")
    n = worth.size
    size = np.broadcast_to(per_case(units, n, "units"), n)
    if (size <= 0).any():
        row = int(np.argmax(size <= 0))
        raise ValueError(f"units must be > 0; got {size[row]:g} at row {row}")
    order = np.argsort(-worth / size, kind="stable")
    order = order[worth[order] > 0]
    ranked_worth, ranked_size = worth[order], size[order]
    spent = np.cumsum(ranked_size)
    k = int(np.searchsorted(spent, room, side="right"))
    price = float(ranked_worth[k] / ranked_size[k]) if k < order.size else 0.0
    bound = float(ranked_worth[:k].sum() + (room - (spent[k - 1] if k else 0.0)) * price)
    taken = np.arange(order.size) < k
    if k < order.size and np.ptp(size) > 0:
        taken = _best_fill(ranked_worth, ranked_size, room)
    chosen = np.zeros(n, dtype=bool)
    chosen[order[taken]] = True
    return Selection(chosen, float(worth[chosen].sum()), float(size[chosen].sum()), price, bound)


def _best_fill(gain: NDArray[np.float64], units: NDArray[np.float64], room: float) -> NDArray[np.bool_]:
    """The best choice that fits, from cases in falling order of gain per unit, all with gain > 0."""
    spent = np.cumsum(units)
    k = int(np.searchsorted(spent, room, side="right"))
    taken: NDArray[np.bool_] = np.arange(gain.size) < k
    left = room - (spent[k - 1] if k else 0.0)
    price, slack = gain[k] / units[k], left * gain[k] / units[k]
    for i in np.flatnonzero(units[k:] <= left) + k:  # the ranking goes on with whatever still fits
        if units[i] <= left:
            taken[i], left, slack = True, left - units[i], slack - gain[i]
    # Changing a case whose gain is further from its price than the bound is from this choice can only lose.
    near = np.abs(gain - price * units) <= slack * (1 + 1e-9) + 1e-12 * gain.max()
    core, settled = np.flatnonzero(near), (np.arange(gain.size) < k) & ~near
    space, goal = room - units[settled].sum(), float(gain[taken].sum() - gain[settled].sum())
    used, worth, steps, looked = np.zeros(1), np.zeros(1), [], 0
    for j, i in enumerate(core):
        rate = gain[core[j + 1]] / units[core[j + 1]] if j + 1 < core.size else 0.0
        all_used, all_worth = np.concatenate([used, used + units[i]]), np.concatenate([worth, worth + gain[i]])
        rank = np.lexsort((-all_worth, all_used))
        ahead = np.concatenate([[-1.0], np.maximum.accumulate(all_worth[rank])[:-1]])
        hopeful = all_worth[rank] + (space - all_used[rank]) * rate > goal
        keep = rank[(all_used[rank] <= space) & (all_worth[rank] > ahead) & hopeful]
        steps.append((keep % used.size, keep >= used.size))
        used, worth = all_used[keep], all_worth[keep]
        looked += keep.size
        if keep.size == 0 or looked > 2_000_000:
            return taken
    best = int(np.argmax(worth))
    better: NDArray[np.bool_] = settled.copy()
    for i, (parent, took) in zip(core[::-1], steps[::-1], strict=True):
        better[i], best = took[best], parent[best]
    return better


def _frame_within(frame: FrameT, gain: str, room: float, units: str | float, ties: list[str], into: str) -> FrameT:
    """`within_capacity` in the engine: a running sum of units over the ranking."""
    data = _opened(frame)
    order, spent, place = (f"{into}__{part}" for part in ("order", "spent", "place"))
    columns = [gain, units] if isinstance(units, str) else [gain]
    _check_columns(data, columns, [into, order, spent, place])
    _check_columns(data, ties, [], numbers=None)
    worth = _number(gain)
    size = _number(units) if isinstance(units, str) else nw.lit(as_number(units, "units", gt=0))
    usable = (worth.abs() <= sys.float_info.max) & (size > 0) & (size <= sys.float_info.max)
    rule = f"{gain} must be a finite number" + (f" and {units} be > 0 and finite" if isinstance(units, str) else "")
    never = nw.lit(value=False)
    _refuse_rows(data, usable, never, rule, columns)
    rank: nw.Expr = nw.when(worth > 0).then((0.0 - worth) / size).otherwise(nw.lit(0.0))
    if isinstance(data, nw.LazyFrame):  # outside the branches: an engine may fill the rows a branch skips with NULL
        rank = nw.coalesce(_fails(~usable | usable.is_null(), rule), rank)
    data = data.with_columns(**{order: rank, spent: nw.when(worth > 0).then(size).otherwise(nw.lit(0.0))})
    running = nw.col(spent).cum_sum()
    if isinstance(data, nw.LazyFrame):
        data = data.with_columns(**{spent: running.over(order_by=[order, *ties])})
    else:  # there and back by two sorts: over(order_by=…) is wrong on pandas before 3
        data = data.with_row_index(place).sort(order, *ties).with_columns(**{spent: running}).sort(place).drop(place)
    data = data.with_columns(**{into: (nw.col(order) < 0) & (nw.col(spent) <= room)})
    fitted: FrameT = data.drop(order, spent).to_native()
    return fitted


def _set_plan(policy: Any, missing: Any, actions: list[Action], holdout: Any, brief: Any) -> None:
    """The parts that policies of scores and of segments share: missing rule, hold-out, brief."""
    known = {action.name: action for action in actions}
    found = known.get(missing, missing) if isinstance(missing, str) else missing
    object.__setattr__(policy, "missing", None if found is None else _as_action(found))
    object.__setattr__(policy, "holdout", None if holdout is None else as_number(holdout, "holdout", ge=0, lt=1))
    if not (brief is None or isinstance(brief, Brief)):
        raise TypeError(f"brief must be a Brief; got {describe(brief)}")
    object.__setattr__(policy, "brief", brief)


def _as_action(x: Any) -> Action:
    if isinstance(x, str):
        return Action(x)
    if not isinstance(x, Action):
        raise TypeError(f"action must be an Action or its name; got {describe(x)}")
    return x


def _each_once(actions: list[Action]) -> list[Action]:
    return list(dict.fromkeys(actions))


def _coverage_gaps(tiers: list[Tier]) -> list[str]:
    """Scores that no tier takes or that several take: checked at each boundary and in each interval between two."""
    cuts = sorted({0.0, 1.0, *(tier.low for tier in tiers), *(tier.high for tier in tiers)})
    pieces = []  # (low, high, the tiers that take it), a boundary as an interval of no width
    for low, high in zip(cuts, [*cuts[1:], 1.0], strict=True):
        pieces.append((low, low, [t for t in tiers if _takes(t, low)]))
        if low < high:
            pieces.append((low, high, [t for t in tiers if t.low <= low and high <= t.high]))
    problems = [f"tier {tier} takes no score at all" for tier in tiers if not any(tier in p[2] for p in pieces)]
    for takers, run in groupby(pieces, key=lambda piece: piece[2]):
        if len(takers) == 1:
            continue
        parts = list(run)
        (first_low, first_high, _), (last_low, last_high, _) = parts[0], parts[-1]
        alone = first_low == last_high
        scores = _interval(first_low, first_low == first_high, last_high, last_low == last_high)
        scores = f"a score of exactly {_exact(first_low)}" if alone else f"scores in {scores}"
        names = " and ".join(repr(tier.action.name) for tier in takers)
        problems.append(
            f"{scores} {'belongs' if alone else 'belong'} to {names}" if takers else f"no tier takes {scores}"
        )
    return problems


def _takes(tier: Tier, score: float) -> bool:
    takes_low, takes_high = _ends(tier)
    above = score > tier.low or (score == tier.low and takes_low)
    return above and (score < tier.high or (score == tier.high and takes_high))


def _plan_gaps(actions: list[Action], holdout: float | None, brief: Brief | None) -> list[str]:
    """What every policy must say about its actions, its hold-out and its brief."""
    names = [action.name for action in actions]
    problems = [f"action {name!r} is described in two ways" for name in dict.fromkeys(names) if names.count(name) > 1]
    problems += [f"action {action.name!r} has no owner" for action in actions if not _is_said(action.owner)]
    problems += [f"action {action.name!r} has no cost" for action in actions if action.cost is None]
    if not holdout:
        problems.append("no hold-out: say which share of cases stays without action, such as holdout=0.05")
    if brief is not None and brief.missing():
        problems.append(f"the brief is incomplete: {', '.join(brief.missing())}")
    return problems


def _capacity_gaps(actions: list[Action], volumes: Mapping[Any, float]) -> list[str]:
    expected = {name: as_number(x, f"volumes[{name!r}]", ge=0) for name, x in dict(volumes).items()}
    _only_known(expected, [action.name for action in actions], "volumes")
    return [
        f"action {action.name!r} is expected {expected[action.name]:,.0f} times and has room for {action.capacity:,.0f}"
        for action in actions
        if action.capacity is not None and expected.get(action.name, 0.0) > action.capacity
    ]


def _effect_gaps(rules: list[tuple[Any, str, Action]], effects: Mapping[Any, float]) -> list[str]:
    """Rules (key, its name, its action) whose effect does not pay for the action."""
    known = {key: as_number(x, f"effects[{key!r}]") for key, x in dict(effects).items()}
    _only_known(known, [key for key, _, _ in rules], "effects")
    problems = []
    for key, told, action in rules:
        if isinstance(action.cost, str):
            raise ValueError(
                f"effects need a cost in dollars; action {action.name!r} takes it from column {action.cost!r}"
            )
        if key in known and action.cost is not None and known[key] < action.cost:
            loss, brought, cost = (f"${x:,.2f}" for x in (action.cost - known[key], known[key], action.cost))
            problems.append(f"{told} loses {loss} a case: it brings {brought} and costs {cost}".replace("$-", "-$"))
    return problems


def _only_known(given: Mapping[Any, float], known: list[Any], name: str) -> None:
    strange = [repr(key) for key in given if key not in known]
    if strange:
        raise ValueError(f"{name} must be given for {', '.join(map(repr, known))}; got {', '.join(strange)}")


def _refuse_gaps(problems: list[str]) -> None:
    if problems:
        raise ValueError("the policy is not ready:" + "".join(f"\n  - {problem}" for problem in problems))


def _opened(frame: Any) -> Any:
    """The frame for narwhals; Dask is refused, because its expressions are joined again on an index that may repeat."""
    if type(frame).__module__.split(".")[0] in ("dask", "dask_expr"):
        raise TypeError("a Dask frame is decided partition by partition: frame.map_partitions(policy.decide, score=…)")
    try:
        return nw.from_native(frame)
    except TypeError:
        kinds = "pandas, Polars, PyArrow, DuckDB or PySpark"
        raise TypeError(f"frame must be a {kinds} frame; got {describe(frame)}") from None


def _check_columns(data: Any, columns: list[str], new: list[str], *, numbers: bool | None = True) -> None:
    """Refuse a frame without the columns, with columns of another kind, or that has the new ones already."""
    schema = data.collect_schema()
    for column in columns:
        if column not in schema:
            raise ValueError(f"frame must have the column {column!r}; it has {', '.join(schema)}")
        if numbers is not None and schema[column].is_numeric() is not numbers:
            raise TypeError(
                f"column {column!r} must hold {'numbers' if numbers else 'text'}; it holds {schema[column]}"
            )
    taken = [column for column in new if column in schema]
    if taken:
        raise ValueError(f"frame already has the column {taken[0]!r}; choose another name with into=…")


def _number(column: str) -> nw.Expr:
    return nw.col(column).cast(nw.Float64)


def _within(tier: Tier, p: nw.Expr) -> nw.Expr:
    takes_low, takes_high = _ends(tier)
    above = p >= tier.low if takes_low else p > tier.low
    return above & (p <= tier.high if takes_high else p < tier.high)


def _worth(p: nw.Expr, actions: Sequence[Action], stake: nw.Expr | None) -> list[nw.Expr]:
    """The expected value of each action."""
    worth = []
    for i, action in enumerate(actions):
        gain, cost = (_number(x) if isinstance(x, str) else x for x in (action.gain, action.cost))
        worth.append((p * (gain if stake is None else stake * gain) - cost).alias(f"worth_{i}"))
    return worth


def _fails(bad: nw.Expr, rule: str) -> nw.Expr:
    """A number that does not exist: where `bad` holds, the engine stops with a conversion error quoting the rule."""
    return nw.when(bad).then(nw.lit(rule)).cast(nw.Float64)


def _choose(
    data: Any,
    rules: list[tuple[nw.Expr, Action]],
    fallback: Action | None,
    usable: nw.Expr,
    missing: nw.Expr,
    rule: str,
) -> nw.Expr:
    """The action of the first rule that holds, the fallback for missing cases and, on lazy frames, else an error.

    One flat chain, whose parts are cheap: nesting and the error cost the engines more than the comparisons do.
    """
    assert fallback is not None
    (condition, action), *others = rules
    chain: Any = nw.when(condition).then(nw.lit(action.name))
    for condition, action in others:
        chain = chain.when(condition).then(nw.lit(action.name))
    otherwise = nw.lit(fallback.name)
    if isinstance(data, nw.LazyFrame):
        chosen: nw.Expr = chain.when(_fails(~usable & ~missing, rule).is_null()).then(otherwise)
    else:  # what is neither usable nor missing was refused already
        chosen = chain.otherwise(otherwise)
    return chosen


def _refuse_rows(data: Any, usable: nw.Expr, missing: nw.Expr, rule: str, columns: list[str]) -> None:
    """On frames that hold their rows, raise at the first one that is neither usable nor missing."""
    if isinstance(data, nw.LazyFrame):
        return
    bad = data.select(bad=nw.when(usable | missing).then(nw.lit(value=False)).otherwise(nw.lit(value=True)))["bad"]
    if bad.any():
        row = int(bad.arg_true()[0])
        came = ", ".join(f"{column} = {data[column][row]}" for column in dict.fromkeys(columns))
        raise ValueError(f"{rule}; got {came} at row {row}")


def _interval(low: float, takes_low: bool, high: float, takes_high: bool) -> str:
    return f"{'[' if takes_low else '('}{_exact(low)}, {_exact(high)}{']' if takes_high else ')'}"


def _exact(x: float) -> str:
    """A number as short as it can be without rounding."""
    return f"{x:g}" if float(f"{x:g}") == x else repr(x)


def _is_said(part: Any) -> bool:
    """Whether a part of a brief holds words; ``None``, a blank of an exercise, ``''`` and ``'____'`` do not."""
    return isinstance(part, str) and any(letter.isalnum() for letter in part)


def _dollars(x: float | str | None) -> str:
    if x is None:
        return "not known"
    return f"column {x!r}" if isinstance(x, str) else f"${x:,.2f}".replace("$-", "-$")


def _tier_told(tier: Tier) -> str:
    """The interval of a tier in the notation of a form, rounded to four digits."""
    left, right = (sign if closed else "<" for sign, closed in zip("≤≤", _ends(tier), strict=True))
    return f"score {tier.low:.4g}" if tier.low == tier.high else f"{tier.low:.4g} {left} score {right} {tier.high:.4g}"


def _ends(tier: Tier) -> tuple[bool, bool]:
    return tier.closed in ("left", "both"), tier.closed in ("right", "both")


_BY_VALUE = """\
Each case gets the action with the highest expected value: its score times the gain, less the cost.
A gain counts per dollar where the cases come with a value. Equal ones: the action further down."""


def _page(
    rules: list[tuple[str, Action]],
    missing: tuple[str, Action | None],
    holdout: float | None,
    brief: Brief | None,
    problems: list[str],
    *,
    by_value: bool = False,
) -> str:
    """The page a manager signs, as plain text in columns."""
    cells: list[tuple[str, ...]] = [("When", "Action", "Owner", "Cost a case", "Room", "Gain")]
    for when, action in [*rules, missing]:
        if action is None:
            cells.append((when, "?", "?", "?", "?", "?"))
        else:
            room = "no limit" if action.capacity is None else f"{action.capacity:,.0f}"
            gain = _exact(action.gain) if isinstance(action.gain, float) else _dollars(action.gain)
            cells.append((when, action.name, action.owner or "?", _dollars(action.cost), room, gain))
    if not by_value:  # the action follows from the interval or the segment, whatever it gains
        cells = [row[:-1] for row in cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [str(brief), ""] if brief else []
    lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    lines += ["", _BY_VALUE] if by_value else []
    kept = f"{100 * holdout:.3g} % of the cases, drawn at random, stay without action" if holdout else "?"
    lines += ["", f"Hold-out: {kept}"]
    lines += ["Still open:", *(f"- {problem}" for problem in problems)] if problems else ["Still open: nothing"]
    return "\n".join([*lines, "", "Signed: ____________  Date: ____________"])


def _to_json(kind: str, rules: dict[str, Any], policy: Policy | SegmentPolicy) -> str:
    saved = {
        "kind": kind,
        "version": 1,
        "brief": asdict(policy.brief) if policy.brief else None,
        **rules,
        "missing": policy.missing.name if policy.missing else None,
        "holdout": policy.holdout,
        "actions": [asdict(action) for action in policy.actions],
    }
    return json.dumps(saved, indent=2, ensure_ascii=False)


def _from_json(kind: str, text: str, rules: str) -> tuple[list[Any], dict[str, Action], dict[str, Any]]:
    """The rules, the actions by name and what else the policy's constructor takes."""
    try:
        saved = json.loads(text)
    except ValueError as error:
        raise ValueError(f"text is not a {kind}: {error}") from None
    if not isinstance(saved, dict) or (saved.get("kind"), saved.get("version")) != (kind, 1):
        raise ValueError(f"text is not a {kind} of version 1, as to_json writes it")
    try:
        actions = {x["name"]: Action(**x) for x in saved["actions"]}
        brief = Brief(**saved["brief"]) if saved["brief"] else None
        missing = None if saved["missing"] is None else actions[saved["missing"]]
        return saved[rules], actions, {"missing": missing, "holdout": saved["holdout"], "brief": brief}
    except (KeyError, TypeError) as error:
        raise ValueError(f"text is not a {kind}: {error.args[0]!r} is absent or of the wrong kind") from None


def _first_float_from(x: Fraction) -> float:
    """The smallest float that is not below a fraction, so that p ≥ it says exactly what p ≥ x says."""
    nearest = float(x)
    return nearest if Fraction(nearest) >= x else math.nextafter(nearest, math.inf)
