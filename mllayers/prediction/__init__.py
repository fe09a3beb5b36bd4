"""Layer 2, prediction: what a score says, and what it is worth.

A score earns money only through the decisions that follow from it. What would each threshold earn
(:func:`money_by_threshold`), what is the model worth beside what one would do without it (:func:`value_of_model`), and
which of two models or policies earns more on the same cases (:func:`compare_models`, :func:`compare_money`)? Does what
the score promises happen (:func:`calibration_by_band`), what does it promise where the sample is not the population
(:func:`prior_corrected`), and what can be said before any label has come (:func:`expected_performance`)?

The rule is the same everywhere: **act when p ≥ threshold**, so a case exactly at the threshold is acted on. Money is
stated by outcome, each a plain number for all cases or one number per case, and positive in its usual sense:

========================  ==========================  ============================
                          y = 1                       y = 0
========================  ==========================  ============================
acted on (p ≥ threshold)  ``gain_tp`` is earned       ``cost_fp`` is paid
left alone                ``cost_fn`` is paid         ``gain_tn`` is earned
========================  ==========================  ============================
"""

from mllayers.prediction.calibration import CalibrationBands, calibration_by_band, prior_corrected
from mllayers.prediction.compare import MoneyDifference, compare_models, compare_money
from mllayers.prediction.expected import Expected, expected_performance
from mllayers.prediction.money import ThresholdMoney, money_by_threshold
from mllayers.prediction.value import ModelValue, value_of_model

__all__ = [
    "CalibrationBands",
    "Expected",
    "ModelValue",
    "MoneyDifference",
    "ThresholdMoney",
    "calibration_by_band",
    "compare_models",
    "compare_money",
    "expected_performance",
    "money_by_threshold",
    "prior_corrected",
    "value_of_model",
]
