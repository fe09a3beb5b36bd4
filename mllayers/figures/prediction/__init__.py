"""Findings of layer 2, prediction."""

from mllayers.figures.prediction.other_measures import (
    base_rate_and_stakes,
    better_loss_more_fakes,
    dollars_in_the_decision,
    same_order_other_dollars,
)
from mllayers.figures.prediction.thresholds import money_at_each_threshold, one_threshold
from mllayers.figures.prediction.worlds import better_loss_less_money, with_and_without_model

__all__ = [
    "base_rate_and_stakes",
    "better_loss_less_money",
    "better_loss_more_fakes",
    "dollars_in_the_decision",
    "money_at_each_threshold",
    "one_threshold",
    "same_order_other_dollars",
    "with_and_without_model",
]
