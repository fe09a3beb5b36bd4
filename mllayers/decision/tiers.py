"""Actions, and the intervals of a score that lead to them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mllayers._check import as_number, as_text, describe, is_said, one_of
from mllayers._words import dollars, exact

__all__ = ["Action", "Tier", "Tiers", "best_tiers"]


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
        column that holds one number per case. Where a policy is given ``value='…'``, a column with the dollars at
        stake, it counts per dollar: 0.3 for a call that keeps 30 % of what is lost without it.
    cost : float or str, optional
        Dollars it costs whether the case is positive or not, or the name of a column. ``None`` means nobody knows yet.
    owner : str, optional
        Who carries it out.
    capacity : float, optional
        How many cases it can take in the period of the policy; ``None`` means no limit.

    Raises
    ------
    TypeError, ValueError
        For a name that is no text, money that is neither a finite number nor a column name, an owner that is no text, a
        negative capacity.

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
        if not is_said(self.name) or self.name != self.name.strip():
            raise TypeError(f"name must be the action in a word, such as 'call'; got {describe(self.name)}")
        as_text(self.name, "name")
        for part in ("gain", "cost"):
            amount = getattr(self, part)
            if isinstance(amount, str):
                as_text(amount, part, "dollars, or the name of a column that holds them")
            elif amount is not None:
                object.__setattr__(self, part, as_number(amount, part) + 0.0)
        if self.owner is not None and not isinstance(self.owner, str):
            raise TypeError(f"owner must be who carries the action out, as text; got {describe(self.owner)}")
        if self.owner and self.owner.strip():
            as_text(self.owner, "owner")
        if self.capacity is not None:
            object.__setattr__(self, "capacity", as_number(self.capacity, "capacity", ge=0) + 0.0)

    @classmethod
    def from_outcomes(
        cls,
        name: str,
        *,
        cost_fp: float,
        cost_fn: float = 0.0,
        gain_tp: float = 0.0,
        gain_tn: float = 0.0,
        owner: str | None = None,
        capacity: float | None = None,
    ) -> Action:
        """The action whose four outcomes have these prices, compared with leaving the case alone.

        Parameters
        ----------
        name, owner, capacity
            As for `Action`.
        cost_fp, cost_fn, gain_tp, gain_tn : float
            Dollars, as in `cost_threshold`; ``**shop.order_stakes(80.0)`` fits.

        Returns
        -------
        Action
            Worth gain · p − cost, with gain = gain_tp + cost_fn + gain_tn + cost_fp and cost = gain_tn + cost_fp: it
            pays from p = cost / gain on, the threshold of `cost_threshold`.

        Raises
        ------
        TypeError, ValueError
            For prices that are no single numbers.

        Examples
        --------
        >>> block = Action.from_outcomes("block", cost_fp=12, cost_fn=76, gain_tn=24)
        >>> block.gain, block.cost, round(block.cost / block.gain, 4)
        (112.0, 36.0, 0.3214)
        """
        given = {"cost_fp": cost_fp, "cost_fn": cost_fn, "gain_tp": gain_tp, "gain_tn": gain_tn}
        money = {part: as_number(amount, part) for part, amount in given.items()}
        wrong = money["gain_tn"] + money["cost_fp"]
        return cls(name, money["gain_tp"] + money["cost_fn"] + wrong, wrong, owner, capacity)


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
        chosen = one_of(chosen, "closed", ("left", "right", "both", "neither"))
        for name, x in zip(
            ("low", "high", "action", "closed"), (low, high, as_action(action, "action"), chosen), strict=True
        ):
            object.__setattr__(self, name, x)

    def __str__(self) -> str:
        return f"{interval_told(self.low, self.takes_low, self.high, self.takes_high)} {self.action.name}"

    @property
    def takes_low(self) -> bool:
        """Whether the lower end belongs to it."""
        return self.closed in ("left", "both")

    @property
    def takes_high(self) -> bool:
        """Whether the upper end belongs to it."""
        return self.closed in ("right", "both")

    def takes(self, score: float) -> bool:
        """Whether a score belongs to it."""
        above = score > self.low or (score == self.low and self.takes_low)
        return above and (score < self.high or (score == self.high and self.takes_high))


@dataclass(frozen=True, init=False, repr=False)
class Tiers:
    """The rule by score: which action follows each interval of it.

    Parameters
    ----------
    *tiers : Tier
        In any order. Holes and overlaps are allowed in a draft; `Policy.gaps` lists them.

    Raises
    ------
    TypeError
        For anything but tiers.

    Notes
    -----
    Read like a tuple of tiers. Taught in notebook 03, *A policy is data*.

    Examples
    --------
    >>> rule = Tiers(Tier(0, 0.5, "ship"), Tier(0.5, 1, "review"))
    >>> rule
    [0, 0.5) ship; [0.5, 1] review
    >>> len(rule), rule[1].low, [tier.action.name for tier in rule]
    (2, 0.5, ['ship', 'review'])
    """

    tiers: tuple[Tier, ...]

    def __init__(self, *tiers: Tier) -> None:
        for tier in tiers:
            if not isinstance(tier, Tier):
                star = ": write Tiers(*…)" if isinstance(tier, Iterable) and not isinstance(tier, str) else ""
                raise TypeError(f"tiers must each be a Tier, such as Tier(0.5, 1, 'call'); got {describe(tier)}{star}")
        object.__setattr__(self, "tiers", tiers)

    def __iter__(self) -> Iterator[Tier]:
        return iter(self.tiers)

    def __len__(self) -> int:
        return len(self.tiers)

    def __getitem__(self, place: int) -> Tier:
        return self.tiers[place]

    @property
    def actions(self) -> list[Action]:
        """Every action of the rule, each once, in the order of the tiers."""
        return list(dict.fromkeys(tier.action for tier in self.tiers))

    def __repr__(self) -> str:
        return "; ".join(map(str, self.tiers)) or "no tiers"


def best_tiers(actions: Iterable[Action], *, value: float = 1.0) -> Tiers:
    """Where each action starts to pay: the tiers that follow from the actions' gains and costs.

    Parameters
    ----------
    actions : iterable of Action
        With gains and costs in dollars (not columns). Doing nothing is one of them only if it is listed.
    value : float, default 1
        What the gains are multiplied with, for actions whose gain is per dollar at stake. The actions stay as they
        are: a plan of such tiers needs ``value='…'``, the column, to promise the right dollars.

    Returns
    -------
    Tiers
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
    Where gains are `value` times larger and costs are not, every threshold is a case's own: that is what a `Menu` with
    ``decide(…, value=…)`` does row by row. Taught in notebook 03, *The thresholds follow from the costs*.

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
    for i, action in enumerate(as_actions(actions, "actions")):
        if not isinstance(action.gain, float) or not isinstance(action.cost, float):
            raise TypeError(
                f"action {action.name!r} needs a gain and a cost in dollars; "
                f"its gain is {amount_told(action.gain)} and its cost {amount_told(action.cost)}"
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
    return Tiers(
        *(
            Tier(cuts[i], cuts[i + 1], line[3], closed="both" if i == last else "left")
            for i, (_, line) in enumerate(envelope)
            if cuts[i] < cuts[i + 1] or i == last
        )
    )


def as_action(x: Any, name: str) -> Action:
    """An action, from itself or its name."""
    if isinstance(x, str):
        return Action(x)
    if not isinstance(x, Action):
        raise TypeError(f"{name} must be an Action or its name; got {describe(x)}")
    return x


def as_actions(x: Any, name: str) -> list[Action]:
    """Several actions, from anything that holds them (a list, a `Menu`)."""
    if isinstance(x, (str, Action)) or not isinstance(x, Iterable):
        raise TypeError(f"{name} must hold actions; got {describe(x)}")
    out = list(x)
    for action in out:
        if not isinstance(action, Action):
            raise TypeError(f"{name} must hold only Action; got {describe(action)}")
    return out


def interval_told(low: float, takes_low: bool, high: float, takes_high: bool) -> str:
    """An interval as it is written: [0.2, 0.5)."""
    return f"{'[' if takes_low else '('}{exact(low)}, {exact(high)}{']' if takes_high else ')'}"


def amount_told(x: float | str | None) -> str:
    """Dollars, the column that holds them, or that nobody knows."""
    return "not known" if x is None else f"column {x!r}" if isinstance(x, str) else dollars(x, 2)


def _first_float_from(x: Fraction) -> float:
    """The smallest float that is not below a fraction, so that p ≥ it says exactly what p ≥ x says."""
    nearest = float(x)
    return nearest if Fraction(nearest) >= x else math.nextafter(nearest, math.inf)
