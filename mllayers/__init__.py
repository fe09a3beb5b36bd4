"""What happens after the prediction: the companion package of a course in five notebooks.

A system that makes money with a model has five layers: data, prediction, decision, action, feedback.
Each layer is a module of small functions that also work outside this package::

    import mllayers as ml

    ml.shop.make_orders(months=range(6))     # the simulated retailer
    ml.data.drift_report(before, after)      # layer 1, and so on

Modules load on first use, so importing the package itself costs next to nothing.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

_MODULES = ("action", "course", "data", "datasets", "decision", "feedback", "ledger", "loop", "prediction", "shop")

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> ModuleType:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"mllayers has no module {name!r}; it has {', '.join(_MODULES)}")


def __dir__() -> list[str]:
    return sorted(__all__)
