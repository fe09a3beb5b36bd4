"""Layer 4, Action: is it worth doing, what does it change, and has it been done once?"""

from mllayers._stats import OverlapCollapsed
from mllayers.action.acting import ActReport, Book, Limits, act
from mllayers.action.effect import UpliftEffect, uplift_effect
from mllayers.action.from_ledger import LedgerEffect, ledger_effect
from mllayers.action.looks import AlwaysValid, hold_out_always_valid
from mllayers.action.randomised import RandomisationCheck, check_randomised
from mllayers.action.table import UpliftTable, uplift_table
from mllayers.action.value import UpliftPolicyValue, uplift_policy_value
from mllayers.action.worth import break_even, worth_acting

__all__ = [
    "ActReport",
    "AlwaysValid",
    "Book",
    "LedgerEffect",
    "Limits",
    "OverlapCollapsed",
    "RandomisationCheck",
    "UpliftEffect",
    "UpliftPolicyValue",
    "UpliftTable",
    "act",
    "break_even",
    "check_randomised",
    "hold_out_always_valid",
    "ledger_effect",
    "uplift_effect",
    "uplift_policy_value",
    "uplift_table",
    "worth_acting",
]
