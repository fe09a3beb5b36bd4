"""What a policy must say before it is used: the checks behind `Policy.gaps`, one readable problem a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from mllayers._check import as_number, describe, is_said
from mllayers._words import dollars, exact
from mllayers.decision.brief import Brief
from mllayers.decision.rules import Menu, Segments
from mllayers.decision.tiers import Action, Tier, Tiers, interval_told

Rule = Tiers | Menu | Segments


def rule_gaps(rule: Rule, idle: Action | None, missing: Action | None) -> list[str]:
    """What the rule leaves open: scores without a tier, actions without a gain, cases without a score or segment."""
    problems = []
    if isinstance(rule, Tiers):
        problems = coverage_gaps(list(rule))
    elif isinstance(rule, Menu):
        bare = [] if idle is not None else [x for x in rule if x == Action(x.name)]
        problems = [f"action {x.name!r} has no gain" for x in rule if x.gain is None and x != idle and x not in bare]
        problems += [] if len(rule) else ["the menu lists no action"]
    if missing is None:
        what = "segment" if isinstance(rule, Segments) else "score"
        problems.append(f"no rule for a missing {what}: say which action follows, missing='…'")
    return problems


def coverage_gaps(tiers: list[Tier]) -> list[str]:
    """Scores that no tier takes or that several take: checked at each boundary and in each interval between two."""
    cuts = sorted({0.0, 1.0, *(tier.low for tier in tiers), *(tier.high for tier in tiers)})
    pieces = []  # (low, high, the tiers that take it), a boundary as an interval of no width
    for low, high in zip(cuts, [*cuts[1:], 1.0], strict=True):
        pieces.append((low, low, [t for t in tiers if t.takes(low)]))
        if low < high:
            pieces.append((low, high, [t for t in tiers if t.low <= low and high <= t.high]))
    problems = [f"tier {tier} takes no score at all" for tier in tiers if not any(tier in p[2] for p in pieces)]
    for takers, run in groupby(pieces, key=lambda piece: piece[2]):
        if len(takers) == 1:
            continue
        parts = list(run)
        (first_low, first_high, _), (last_low, last_high, _) = parts[0], parts[-1]
        alone = first_low == last_high
        scores = interval_told(first_low, first_low == first_high, last_high, last_low == last_high)
        scores = f"a score of exactly {exact(first_low)}" if alone else f"scores in {scores}"
        names = " and ".join(repr(tier.action.name) for tier in takers)
        problems.append(
            f"{scores} {'belongs' if alone else 'belong'} to {names}" if takers else f"no tier takes {scores}"
        )
    return problems


def signed_gaps(actions: list[Action], idle: Action | None, holdout: float | None, brief: Brief | None) -> list[str]:
    """What every policy must say about its actions, its idle action, its hold-out and its brief."""
    names = [action.name for action in actions]
    problems = [f"action {name!r} is described in two ways" for name in dict.fromkeys(names) if names.count(name) > 1]
    bare = [] if idle is not None else [action for action in actions if action == Action(action.name)]
    problems += [
        f"action {action.name!r} is only a name: if it leaves a case alone, say idle={action.name!r}; else describe it "
        f"with Action({action.name!r}, …)"
        for action in bare
    ]
    working = [action for action in actions if action != idle and action not in bare]
    problems += [f"action {action.name!r} has no owner" for action in working if not is_said(action.owner)]
    problems += [f"action {action.name!r} has no cost" for action in working if action.cost is None]
    if idle is not None and idle.cost not in (None, 0.0):
        problems.append(f"the idle action {idle.name!r} has a cost: leaving a case alone costs nothing")
    if idle is not None and idle.capacity is not None:
        problems.append(f"the idle action {idle.name!r} has a capacity: leaving a case alone needs no room")
    if idle is None and holdout is None:
        problems.append(
            "no hold-out: name the action that leaves a case alone, idle='…', and the share of cases that get it at "
            "random, such as holdout=0.05; or say that there is none, holdout=0"
        )
    elif idle is None and holdout:
        problems.append("a hold-out needs an action that leaves a case alone: say which, idle='…'")
    elif idle is not None and not holdout:
        problems.append("no hold-out: say which share of cases stays without action, such as holdout=0.05")
    if brief is not None and brief.missing():
        problems.append(f"the brief is incomplete: {', '.join(brief.missing())}")
    return problems


def volume_gaps(rule: Rule, actions: list[Action], volumes: Any) -> list[str]:
    """Actions that are expected more often than they have room, and segments without an action."""
    expected = {key: as_number(x, f"volumes[{key!r}]", ge=0) for key, x in _as_mapping(volumes, "volumes").items()}
    problems = []
    if isinstance(rule, Segments):
        cards, by_segment, expected = dict(rule.pairs), expected, {}
        for segment, size in by_segment.items():
            if segment in cards:
                expected[cards[segment].name] = expected.get(cards[segment].name, 0.0) + size
            else:
                problems.append(f"segment {segment!r} has {size:,.0f} cases and no action")
    _only_known(expected, [action.name for action in actions], "volumes")
    return problems + [
        f"action {action.name!r} is expected {expected[action.name]:,.0f} times and has room for {action.capacity:,.0f}"
        for action in actions
        if action.capacity is not None and expected.get(action.name, 0.0) > action.capacity
    ]


def effect_gaps(rule: Rule, effects: Any) -> list[str]:
    """Tiers, actions or segments whose effect does not pay for the action."""
    if isinstance(rule, Segments):
        rows: list[tuple[Any, str, Action]] = [(x, f"segment {x!r}, {action.name}", action) for x, action in rule.pairs]
    elif isinstance(rule, Tiers):
        rows = [(tier.action.name, str(tier), tier.action) for tier in rule]
    else:
        rows = [(action.name, action.name, action) for action in rule]
    if isinstance(effects, Sequence) and not isinstance(effects, str) and not isinstance(rule, Segments):
        if len(effects) != len(rows):
            raise ValueError(f"effects must hold one number per tier, {len(rows)}; got {len(effects)}")
        rows = [(place, told, action) for place, (_, told, action) in enumerate(rows)]
        effects = dict(enumerate(effects))
    known = {key: as_number(x, f"effects[{key!r}]") for key, x in _as_mapping(effects, "effects").items()}
    _only_known(known, [key for key, _, _ in rows], "effects")
    problems = []
    for key, told, action in rows:
        if key not in known:
            continue
        if isinstance(action.cost, str):
            raise ValueError(
                f"effects need a cost in dollars; action {action.name!r} takes it from column {action.cost!r}"
            )
        if action.cost is not None and known[key] < action.cost:
            loss, brought, cost = (dollars(x, 2) for x in (action.cost - known[key], known[key], action.cost))
            problems.append(f"{told} loses {loss} a case: it brings {brought} and costs {cost}")
    return problems


def never_paying(working: list[Action], alone: Action) -> str:
    """Which actions cannot pay at any score, in words; '' where each can, or where nobody says what it brings."""
    told = []
    for action in working:
        gain, cost, other = action.gain, action.cost, alone.gain or 0.0
        if not (isinstance(gain, float) and isinstance(cost, float) and isinstance(other, float)):
            continue  # a column, or nobody says
        if 0 < gain - other <= cost:
            told.append(f"{action.name!r} brings at most {dollars(gain - other, 2)} and costs {dollars(cost, 2)}")
    return f"pays at no score: {'; '.join(told)}; say value='…' if gains are per dollar at stake" if told else ""


def refuse_gaps(problems: list[str]) -> None:
    """Stop while there is a problem."""
    if problems:
        raise ValueError("the policy is not ready:" + "".join(f"\n  - {problem}" for problem in problems))


def _as_mapping(x: Any, name: str) -> dict[Any, Any]:
    """What is given by name: a mapping, or a Series with its labels."""
    if isinstance(x, Mapping):
        return dict(x)
    if hasattr(x, "index") and hasattr(x, "items"):
        return dict(x.items())
    raise TypeError(f"{name} must be given by name, such as {{'call': 300}}; got {describe(x)}")


def _only_known(given: Mapping[Any, float], known: list[Any], name: str) -> None:
    strange = [repr(key) for key in given if key not in known]
    if strange:
        raise ValueError(f"{name} must be given for {', '.join(map(repr, known))}; got {', '.join(strange)}")
