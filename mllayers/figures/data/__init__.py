"""Findings of layer 1, data."""

from mllayers.figures.data.audits import audit_pays, audit_size, audits_hold, what_turns
from mllayers.figures.data.labels import blind_spot, cleaned_away, lowest_loss
from mllayers.figures.data.moved import drift, split_lies, three_months_later

__all__ = [
    "audit_pays",
    "audit_size",
    "audits_hold",
    "blind_spot",
    "cleaned_away",
    "drift",
    "lowest_loss",
    "split_lies",
    "three_months_later",
    "what_turns",
]
