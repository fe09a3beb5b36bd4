"""Findings of layer 3, decision."""

from mllayers.figures.decision.lists import chosen_disappoint, reviews, two_lists
from mllayers.figures.decision.planned import planned
from mllayers.figures.decision.thresholds import best_of_lines, cost_map, expensive_reviews
from mllayers.figures.decision.tiers import best_two_thresholds, surest_tier, tiers
from mllayers.figures.decision.ways import earned_by, in_other_worlds, what_turns

__all__ = [
    "best_of_lines",
    "best_two_thresholds",
    "chosen_disappoint",
    "cost_map",
    "earned_by",
    "expensive_reviews",
    "in_other_worlds",
    "planned",
    "reviews",
    "surest_tier",
    "tiers",
    "two_lists",
    "what_turns",
]
