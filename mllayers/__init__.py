"""What happens after the prediction: the companion package of a course in five notebooks.

A system that makes money with a model has five layers: data, prediction, decision, action, feedback.
Each layer is a module of small functions that also work outside this package. From scores to money that was measured::

    policy = Policy(Menu("nothing", Action("call", gain=0.3, cost=12, owner="sales")),
                    missing="nothing", idle="nothing", holdout=0.1)               # gain: dollars per dollar at stake
    plan = policy.plan(customers, case="id", time="2026-03-01", score="p", value="margin", seed=7)
    act(plan, ledger, do=send, dry_run=False)                                     # ledger = Ledger("calls.sqlite")
    ledger.record_outcomes(outcomes)                                              # case, time, kind, value, arrival
    found = matured(ledger.decisions(), ledger.outcomes(), as_of="2026-06-01", delay=lambda age: age >= 90)
    print(ledger_effect(found), ledger_promise(found))

``Policy``, ``Menu`` and ``Action`` are in ``mllayers.decision``, ``act`` and ``ledger_effect`` in ``mllayers.action``,
``matured`` and ``ledger_promise`` in ``mllayers.feedback``, ``Ledger`` in ``mllayers.ledger`` (``mllayers[ledger]``).

Modules load on first use, so importing the package itself costs next to nothing.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

_MODULES = (
    "action", "course", "data", "datasets", "decision", "feedback", "ledger", "loop", "prediction", "shop", "sums",
)  # fmt: skip

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> ModuleType:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"mllayers has no module {name!r}; it has {', '.join(_MODULES)}")


def __dir__() -> list[str]:
    return sorted(__all__)
