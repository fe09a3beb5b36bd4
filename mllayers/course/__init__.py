"""What only the notebooks need: set up, predict, check, keep a system card.

::

    from mllayers.course import ____, believe, card, check, hint, predict, record, reveal, say, show, solution, start

Everything a learner does here is answered in words that show themselves wherever the call stands in a cell. Nothing is
written outside the learner's own folder (`mllayers.course.learner`). Importing this loads nothing beyond the standard
library, so that `start` can say which line mends an installation before an import fails.
"""

from mllayers.course.answers import ____
from mllayers.course.beliefs import believe
from mllayers.course.card import card
from mllayers.course.exercises import check, hint, solution
from mllayers.course.predictions import predict, predictions, reveal
from mllayers.course.record import record
from mllayers.course.showing import say, show
from mllayers.course.start import start

__all__ = [
    "____",
    "believe",
    "card",
    "check",
    "hint",
    "predict",
    "predictions",
    "record",
    "reveal",
    "say",
    "show",
    "solution",
    "start",
]
