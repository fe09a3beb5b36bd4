"""Findings of layer 5, feedback."""

from mllayers.figures.feedback.desk import no_layer_earns_alone, promise, which_alarm_sees_what, wrong_segments
from mllayers.figures.feedback.loop import confidently_wrong, labels_ripen, what_a_team_learns_from, what_still_ships
from mllayers.figures.feedback.worlds import audit_share, frozen_plan, when_an_audit_pays, who_pays

__all__ = [
    "audit_share",
    "confidently_wrong",
    "frozen_plan",
    "labels_ripen",
    "no_layer_earns_alone",
    "promise",
    "what_a_team_learns_from",
    "what_still_ships",
    "when_an_audit_pays",
    "which_alarm_sees_what",
    "who_pays",
    "wrong_segments",
]
