"""Layer 4, Action: is it worth doing, what does it change, and has it been done once?"""

from mllayers.action.acting import ActReport, Book, Limits, act
from mllayers.action.effect import UpliftEffect, uplift_effect
from mllayers.action.value import PolicyValue, uplift_policy_value
from mllayers.action.worth import break_even, worth_acting

__all__ = [
    "ActReport",
    "Book",
    "Limits",
    "PolicyValue",
    "UpliftEffect",
    "act",
    "break_even",
    "uplift_effect",
    "uplift_policy_value",
    "worth_acting",
]
