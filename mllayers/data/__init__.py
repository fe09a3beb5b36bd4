"""Layer 1, data: is the sample like the world, and what was never labelled?

Clean is not representative. Six functions for the questions that come before any model: which columns have moved
(:func:`drift_report`), can a model tell old rows from new ones (:func:`adversarial_validation`), where are there
cases but no labels (:func:`label_coverage`), what could those hold at worst (:func:`bounds_without_audit`), which
cases to label at random (:func:`audit_sample`), and what such an audit says about all of them (:func:`weighted_rate`).
"""

from mllayers.data.adversarial import AdversarialValidation, adversarial_validation
from mllayers.data.audit import WeightedRate, audit_sample, weighted_rate
from mllayers.data.bounds import Bounds, bounds_without_audit
from mllayers.data.coverage import LabelCoverage, label_coverage
from mllayers.data.drift import DriftReport, drift_report

__all__ = [
    "AdversarialValidation",
    "Bounds",
    "DriftReport",
    "LabelCoverage",
    "WeightedRate",
    "adversarial_validation",
    "audit_sample",
    "bounds_without_audit",
    "drift_report",
    "label_coverage",
    "weighted_rate",
]
