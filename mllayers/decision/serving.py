"""One case at a time: what `Policy.decide` says of a row, for a service that has no frame."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mllayers._check import as_number, describe
from mllayers._frames import EXACT_FLOATS
from mllayers._words import exact
from mllayers.decision.rules import Segments
from mllayers.decision.tiers import Action, Tiers


@dataclass(frozen=True)
class OneTier:
    """The rule by score, ready for single scores."""

    tiers: tuple[tuple[float, bool, float, bool, str], ...]
    missing: str

    def __call__(self, score: Any, columns: Mapping[str, Any]) -> str:
        """The action of the tier that takes the score."""
        p = _single(score, "score")
        for low, takes_low, high, takes_high, action in self.tiers:
            if (low < p or (takes_low and low == p)) and (p < high or (takes_high and p == high)):
                return action
        return _missing_or_refused(p, self.missing)


@dataclass(frozen=True)
class OneMenu:
    """The rule by money, ready for single cases; a gain or cost is a number, or the name of a column."""

    menu: tuple[tuple[str, float | str, float | str], ...]
    missing: str

    def __call__(self, score: Any, columns: Mapping[str, Any], value: Any = ...) -> str:
        """The action of the highest expected value; of equal ones the later."""
        p = _single(score, "score")
        stake = 1.0 if value is ... else _single(value, "value")
        known = 0.0 <= p <= 1.0
        best, chosen, finite = -math.inf, "", abs(stake) <= sys.float_info.max
        for action, gain, cost in self.menu:
            if gain.__class__ is str:
                gain = _of_column(columns, gain)
                finite = finite and abs(gain) <= sys.float_info.max
            if cost.__class__ is str:
                cost = _of_column(columns, cost)
                finite = finite and abs(cost) <= sys.float_info.max
            worth = p * (gain if value is ... else stake * gain) - cost  # type: ignore[operator]
            if worth >= best:
                best, chosen = worth, action
        if known and finite:
            return chosen
        amounts = {"value": stake} | {
            name: _of_column(columns, name) for row in self.menu for name in row[1:] if isinstance(name, str)
        }
        if math.isnan(p) or any(math.isnan(x) for x in amounts.values()):
            return self.missing
        for name, x in amounts.items():
            if math.isinf(x):
                raise ValueError(f"{name} must be finite; got {x}")
        return _missing_or_refused(p, self.missing)


@dataclass(frozen=True)
class OneSegment:
    """The rule by segment, ready for single cases."""

    actions: dict[int | str, str]
    missing: str
    whole: bool

    def __call__(self, segment: Any) -> str:
        """The action of the segment."""
        found = self.actions.get(segment) if segment.__class__ in (int, str) else None
        return found if found is not None else self._other(segment)

    def _other(self, segment: Any) -> str:
        """Of a segment that is missing, of another type, or that has no action."""
        if segment is None or type(segment).__name__ == "NAType":
            return self.missing
        if isinstance(segment, (float, np.floating)) and math.isnan(segment):
            return self.missing
        kinds = (int, float, np.integer, np.floating) if self.whole else (str,)
        if not isinstance(segment, kinds) or isinstance(segment, bool):
            raise TypeError(f"segment must be {'a whole number' if self.whole else 'text'}; got {describe(segment)}")
        if isinstance(segment, (float, np.floating)):
            wide = next((x for x in self.actions if abs(int(x)) > EXACT_FLOATS), None)
            if wide is not None:
                raise TypeError(
                    f"segment must be a whole number, since segment {wide} has neighbours that floats do not tell "
                    f"apart; got {describe(segment)}"
                )
            segment = int(segment) if float(segment).is_integer() else segment
        label = str(segment) if isinstance(segment, str) else int(segment) if segment == segment // 1 else segment
        if label in self.actions:
            return self.actions[label]
        told = ", ".join(map(str, self.actions))
        raise ValueError(f"segment must be a segment with an action ({told}); got {describe(segment)}")


def ready_to_serve(rule: Any, menu: Sequence[Action], missing: Action) -> OneTier | OneMenu | OneSegment:
    """A rule without gaps in the form in which single cases are decided."""
    if isinstance(rule, Segments):
        whole = isinstance(rule.pairs[0][0], int)
        return OneSegment({label: action.name for label, action in rule.pairs}, missing.name, whole)
    if isinstance(rule, Tiers):
        tiers = [(tier.low, tier.takes_low, tier.high, tier.takes_high, tier.action.name) for tier in rule]
        return OneTier(tuple(tiers), missing.name)
    amounts = []
    for action in menu:
        assert action.gain is not None
        assert action.cost is not None
        amounts.append((action.name, action.gain, action.cost))
    return OneMenu(tuple(amounts), missing.name)


def _single(x: Any, name: str) -> float:
    """A number as a 64-bit float, NaN where there is none."""
    if x.__class__ is float or (x.__class__ is int and abs(x) <= EXACT_FLOATS):
        return float(x)
    if x is None or type(x).__name__ == "NAType":
        return math.nan
    return float(x) if isinstance(x, (float, np.floating)) else as_number(x, name)


def _of_column(columns: Mapping[str, Any], name: str | float) -> float:
    """The case's own gain or cost."""
    if name not in columns:
        raise TypeError(f"columns must hold {name!r}, which the policy reads: columns={{{name!r}: …}}")
    return _single(columns[str(name)], str(name))


def _missing_or_refused(p: float, missing: str) -> str:
    """The action for a missing score; a score outside [0, 1] is refused."""
    if math.isnan(p):
        return missing
    raise ValueError(f"score must lie in [0, 1]; got {exact(p) if math.isfinite(p) else p}")
