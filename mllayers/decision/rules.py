"""Two more kinds of rule: the action with the highest expected value, and one action per segment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mllayers._check import as_text, describe
from mllayers.decision.tiers import Action, as_action

__all__ = ["Menu", "Segments"]


@dataclass(frozen=True, init=False, repr=False)
class Menu:
    """The rule by money: case by case, whichever action has the highest expected value.

    For gains and costs that differ between cases; where they do not, `best_tiers` says the same with thresholds.

    Parameters
    ----------
    *actions : Action or str
        The mildest first: equal expected values go to the later one.

    Raises
    ------
    TypeError, ValueError
        For anything but actions, and for an action that is listed twice.

    Notes
    -----
    Read like a tuple of actions. Taught in notebook 03, *A policy is data*.

    Examples
    --------
    >>> menu = Menu(Action("nothing", 0, 0), Action("voucher", gain=0.05, cost=5), Action("call", gain=0.3, cost=15))
    >>> menu
    highest expected value of nothing; voucher; call
    >>> len(menu), menu[2].cost
    (3, 15.0)
    """

    menu: tuple[Action, ...]

    def __init__(self, *actions: Action | str) -> None:
        for action in actions:
            if isinstance(action, Iterable) and not isinstance(action, str):
                raise TypeError(f"action must be an Action or its name; got {describe(action)}: write Menu(*…)")
        menu = tuple(as_action(action, "action") for action in actions)
        names = [action.name for action in menu]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"a menu must list each action once; got {twice[0]!r} twice")
        object.__setattr__(self, "menu", menu)

    def __iter__(self) -> Iterator[Action]:
        return iter(self.menu)

    def __len__(self) -> int:
        return len(self.menu)

    def __getitem__(self, place: int) -> Action:
        return self.menu[place]

    @property
    def actions(self) -> list[Action]:
        """Every action of the rule, each once."""
        return list(self.menu)

    def __repr__(self) -> str:
        return f"highest expected value of {'; '.join(action.name for action in self.menu) or 'no actions'}"


@dataclass(frozen=True, init=False, repr=False)
class Segments:
    """The rule by segment: clusters without this are a picture.

    Parameters
    ----------
    actions : mapping from segment to Action or str
        Segments are whole numbers (cluster labels) or text; a segment that is not listed is an error when it turns up.
        A name finds its action among the others.

    Raises
    ------
    TypeError, ValueError
        For no segment at all, or labels that are neither whole numbers nor text.

    Notes
    -----
    Read like a mapping from segment to action. Taught in notebook 03, *Optional: segments need a policy*.

    Examples
    --------
    >>> rule = Segments({0: "nothing", 1: Action("call", cost=15, owner="sales"), 2: "call"})
    >>> rule
    0: nothing; 1: call; 2: call
    >>> rule[2].cost
    15.0
    """

    pairs: tuple[tuple[int | str, Action], ...]

    def __init__(self, actions: Mapping[Any, Action | str]) -> None:
        if not isinstance(actions, Mapping):
            raise TypeError(f"actions must be given by segment, {{0: 'mail', 1: 'call'}}; got {describe(actions)}")
        whole = all(isinstance(x, (int, np.integer)) and not isinstance(x, bool) for x in actions)
        if not actions or not (whole or all(isinstance(x, str) for x in actions)):
            came = ", ".join(map(describe, actions)) or "none"
            raise TypeError(f"actions must be given by segment, all whole numbers or all text; got {came}")
        known = {x.name: x for x in actions.values() if isinstance(x, Action)}
        pairs = []
        for label, action in actions.items():
            found = known.get(action, action) if isinstance(action, str) else action
            key = int(label) if whole else as_text(label, "segment")
            pairs.append((key, as_action(found, f"the action of segment {key!r}")))
        object.__setattr__(self, "pairs", tuple(pairs))

    def __iter__(self) -> Iterator[int | str]:
        return (label for label, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, label: int | str) -> Action:
        return dict(self.pairs)[label]

    @property
    def actions(self) -> list[Action]:
        """Every action of the rule, each once."""
        return list(dict.fromkeys(action for _, action in self.pairs))

    def __repr__(self) -> str:
        return "; ".join(f"{label}: {action.name}" for label, action in self.pairs)
