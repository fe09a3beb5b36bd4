"""What only the notebooks need: set up, predict, check, keep a system card.

::

    from mllayers.course import ____, believe, card, check, hint, predict, reveal, say, show, solution, start

Everything a learner does here is answered in words. Nothing is written outside the learner's own folder
(`mllayers.course.learner`), and importing this loads neither scikit-learn nor matplotlib.
"""

from typing import Any

from mllayers.course.answers import ____
from mllayers.course.beliefs import believe
from mllayers.course.card import card
from mllayers.course.exercises import check, hint, solution
from mllayers.course.predictions import predict, predictions, reveal
from mllayers.course.start import start

__all__ = [
    "____",
    "believe",
    "card",
    "check",
    "hint",
    "predict",
    "predictions",
    "reveal",
    "say",
    "show",
    "solution",
    "start",
]


def __getattr__(name: str) -> Any:
    if name in ("say", "show"):
        from mllayers.course import showing

        return getattr(showing, name)
    raise AttributeError(f"mllayers.course has no {name!r}; it has {', '.join(__all__)}")
