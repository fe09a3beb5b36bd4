"""Policies as text: exact fields, nothing twice, and every malformed text a `ValueError` that names the place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import partial
from typing import Any, NoReturn

from mllayers._check import describe, is_said
from mllayers.decision.brief import Brief
from mllayers.decision.rules import Menu, Segments
from mllayers.decision.tiers import Action, Tier, Tiers

VERSION = 2
_FIELDS = ("kind", "version", "name", "brief", "rule", "missing", "idle", "holdout", "actions")
_ACTION = tuple(field.name for field in fields(Action))
_BRIEF = tuple(field.name for field in fields(Brief))


def policy_text(policy: Any, *, indent: int | None = 2) -> str:
    """The policy as JSON."""
    rule, brief = policy.rule, policy.brief
    if isinstance(rule, Tiers):
        told: dict[str, Any] = {
            "tiers": [{"low": x.low, "high": x.high, "closed": x.closed, "action": x.action.name} for x in rule]
        }
    elif isinstance(rule, Menu):
        told = {"menu": [x.name for x in rule]}
    else:
        told = {"segments": [{"segment": x, "action": action.name} for x, action in rule.pairs]}
    saved = {
        "kind": "policy",
        "version": VERSION,
        "name": policy.name,
        "brief": brief and {part: x if is_said(x := getattr(brief, part)) else None for part in _BRIEF},
        "rule": told,
        "missing": policy.missing and policy.missing.name,
        "idle": policy.idle and policy.idle.name,
        "holdout": policy.holdout,
        "actions": [{part: getattr(action, part) for part in _ACTION} for action in policy.actions],
    }
    return json.dumps(saved, indent=indent, ensure_ascii=indent is None)


def read_policy(text: Any, build: Callable[..., Any]) -> Any:
    """The policy that a text stands for; `build` is its class."""
    if not isinstance(text, str):
        raise TypeError(f"text must be what to_json wrote, as text; got {describe(text)}")
    try:
        saved = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        _refused("it is nested too deeply")
    except ValueError as error:
        if text.strip() and "{" not in text:
            _refused(f"give what to_json wrote, not the name of a file: Path(…).read_text(); got {describe(text)}")
        if isinstance(error, json.JSONDecodeError):
            place = f"line {error.lineno}, column {error.colno}"
            _refused(f"{error.msg} at {place}; look there and one line above, for a comma or a quotation mark")
        _refused(str(error).removeprefix("text is not a policy: "))
    if not isinstance(saved, dict) or saved.get("kind") not in ("policy", "segment policy"):
        _refused("it has no kind 'policy'")
    if saved.get("version") == 1 and type(saved["version"]) is int:
        raise ValueError(
            "text is a policy of version 1, which did not say which action leaves a case alone: write it as "
            "Policy(Tiers(…), missing=…, idle=…, holdout=…) and save it again"
        )
    if type(saved.get("version")) is not int or saved["version"] != VERSION:
        _refused(f"its version must be {VERSION}; got {describe(saved.get('version'))}")
    _exactly(saved, _FIELDS, "it")
    if saved["kind"] != "policy":
        _refused("its kind must be 'policy'; got 'segment policy'")
    actions = _actions(saved["actions"])
    used: set[str] = set()

    def named(name: Any, place: str) -> Action:
        if not isinstance(name, str) or name not in actions:
            _refused(f"{place} must be one of its actions ({', '.join(actions)}); got {describe(name)}")
        used.add(name)
        return actions[name]

    rule = _rule(saved["rule"], named)
    missing, idle = (None if saved[x] is None else named(saved[x], x) for x in ("missing", "idle"))
    brief = None
    if saved["brief"] is not None:
        _exactly(saved["brief"], _BRIEF, "brief")
        for part, said in saved["brief"].items():
            if not (said is None or isinstance(said, str)):
                _refused(f"brief.{part} must be text or null; got {describe(said)}")
        brief = Brief(**saved["brief"])
    unused = [name for name in actions if name not in used]
    if unused:
        _refused(f"action {unused[0]!r} is used nowhere")
    options = {"missing": missing, "idle": idle, "holdout": saved["holdout"], "brief": brief, "name": saved["name"]}
    return _made(lambda: build(rule, **options), "it")


def _actions(saved: Any) -> dict[str, Action]:
    """The actions by name, each once."""
    actions: dict[str, Action] = {}
    for place, entry in _entries_of(saved, "actions"):
        _exactly(entry, _ACTION, place)
        action: Action = _made(partial(Action, **entry), place)
        if action.name in actions:
            _refused(f"{place} describes {action.name!r} a second time")
        actions[action.name] = action
    return actions


def _rule(saved: Any, named: Callable[[Any, str], Action]) -> Tiers | Menu | Segments:
    """The rule, of whichever kind its one field says."""
    if not isinstance(saved, dict) or len(saved) != 1 or not set(saved) <= {"tiers", "menu", "segments"}:
        came = ", ".join(map(repr, saved)) if isinstance(saved, dict) and saved else describe(saved)
        _refused(f"rule must have one field, tiers, menu or segments; got {came}")
    [(kind, entries)] = saved.items()
    numbered = list(_entries_of(entries, f"rule.{kind}"))
    if kind == "menu":
        actions = [named(entry, place) for place, entry in numbered]
        return _made_rule(lambda: Menu(*actions), "rule.menu")
    if kind == "tiers":
        tiers = []
        for place, entry in numbered:
            _exactly(entry, ("low", "high", "closed", "action"), place)
            action, closed = named(entry["action"], f"{place}.action"), entry["closed"]
            if not isinstance(closed, str):
                _refused(f"{place}.closed must be a word; got {describe(closed)}")
            tiers.append(_made(partial(Tier, entry["low"], entry["high"], action, closed=closed), place))
        return Tiers(*tiers)
    cards: dict[Any, Action] = {}
    for place, entry in numbered:
        _exactly(entry, ("segment", "action"), place)
        label = entry["segment"]
        if not isinstance(label, (int, str)) or isinstance(label, bool):
            _refused(f"{place}.segment must be a whole number or text; got {describe(label)}")
        if label in cards:
            _refused(f"{place} gives segment {label!r} an action a second time")
        cards[label] = named(entry["action"], f"{place}.action")
    return _made_rule(lambda: Segments(cards), "rule.segments")


def _entries_of(saved: Any, place: str) -> Iterable[tuple[str, Any]]:
    """The entries of a list, each with its place."""
    if not isinstance(saved, list):
        _refused(f"{place} must be a list; got {describe(saved)}")
    return [(f"{place}[{i}]", entry) for i, entry in enumerate(saved)]


def _exactly(saved: Any, names: tuple[str, ...], place: str) -> None:
    """Refuse an object that lacks one of the fields or has another one."""
    if not isinstance(saved, dict):
        _refused(f"{place} must have the fields {', '.join(names)}; got {describe(saved)}")
    absent, strange = ([x for x in a if x not in b] for a, b in ((names, saved), (saved, names)))
    if absent:
        _refused(f"{place} lacks the field {absent[0]!r}" + (f" and has {strange[0]!r}" if strange else ""))
    if strange:
        _refused(f"{place} has a field {strange[0]!r} that is unknown; its fields are {', '.join(names)}")


def _made(make: Callable[[], Any], place: str) -> Any:
    """What a constructor makes; what it refuses is told with its place in the text."""
    try:
        return make()
    except (TypeError, ValueError) as error:
        where = "" if place == "it" else f"{place}: "
        raise ValueError(f"text is not a policy: {where}{error}") from None


def _made_rule(make: Callable[[], Tiers | Menu | Segments], place: str) -> Tiers | Menu | Segments:
    rule: Tiers | Menu | Segments = _made(make, place)
    return rule


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different."""
    out: dict[str, Any] = {}
    for name, x in pairs:
        if name in out:
            raise ValueError(f"the field {name!r} comes twice in one place")
        out[name] = x
    return out


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _refused(why: str) -> NoReturn:
    raise ValueError(f"text is not a policy: {why}")
