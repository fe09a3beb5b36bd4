"""Layer 3, Decision: what follows each output?

A score decides nothing. This room turns scores into decisions that can be written down, checked and signed, and then
into the rows of a ledger.

``thresholds``: what a bet is worth, and from which score acting pays; ``curve``: over which prices a model pays.
``tiers`` and ``rules``: actions, and what leads to them. ``brief``: the one sentence before any model. ``policy``: what
follows every output; ``gaps``, ``deciding``, ``serving``, ``plan`` and ``saved`` are its parts. ``capacity``: the best
cases that fit.
"""

from mllayers.decision.brief import Brief, NotReadyToModel
from mllayers.decision.capacity import Selection, fits_capacity, within_capacity
from mllayers.decision.curve import DecisionCurve, decision_curve
from mllayers.decision.policy import Policy
from mllayers.decision.rules import Menu, Segments
from mllayers.decision.thresholds import CostWarning, ReviewBand, cost_threshold, expected_value, review_band
from mllayers.decision.tiers import Action, Tier, Tiers, best_tiers

__all__ = [
    "Action",
    "Brief",
    "CostWarning",
    "DecisionCurve",
    "Menu",
    "NotReadyToModel",
    "Policy",
    "ReviewBand",
    "Segments",
    "Selection",
    "Tier",
    "Tiers",
    "best_tiers",
    "cost_threshold",
    "decision_curve",
    "expected_value",
    "fits_capacity",
    "review_band",
    "within_capacity",
]
