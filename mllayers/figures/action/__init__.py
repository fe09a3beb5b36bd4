"""Findings of layer 4, action."""

from mllayers.figures.action.lists import four_kinds, four_meanings, judged_lists
from mllayers.figures.action.measured import claimed_and_kept, net_by_action
from mllayers.figures.action.turning import other_worlds, pilot_size, value_and_uplift, what_turns_it, would_come_anyway

__all__ = [
    "claimed_and_kept",
    "four_kinds",
    "four_meanings",
    "judged_lists",
    "net_by_action",
    "other_worlds",
    "pilot_size",
    "value_and_uplift",
    "what_turns_it",
    "would_come_anyway",
]
