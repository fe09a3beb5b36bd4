"""Layer 5, Feedback: what came back, can it be believed, and has anything moved?

Labels come late (:func:`matured`; how late, :func:`delay_law`), only for what was done (:func:`policy_value`), and
never for what nobody looks at (:func:`promise_kept`). :func:`ledger_promise` holds a policy to what it wrote down;
:func:`size_guard` and :class:`Monitor` say when to stop and look.
"""

from mllayers._stats import OverlapCollapsed
from mllayers.feedback.delay import DelayLaw, delay_law
from mllayers.feedback.guard import SizeGuard, size_guard
from mllayers.feedback.matured import Matured, matured
from mllayers.feedback.monitor import Monitor
from mllayers.feedback.offpolicy import OffPolicyValue, policy_value
from mllayers.feedback.promise import LedgerPromise, PromiseKept, ledger_promise, promise_kept

__all__ = [
    "DelayLaw",
    "LedgerPromise",
    "Matured",
    "Monitor",
    "OffPolicyValue",
    "OverlapCollapsed",
    "PromiseKept",
    "SizeGuard",
    "delay_law",
    "ledger_promise",
    "matured",
    "policy_value",
    "promise_kept",
    "size_guard",
]
