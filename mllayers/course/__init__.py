"""What only the notebooks need: set up, predict, check, keep a system card.

::

    from mllayers.course import ____, believe, card, check, hint, predict, reveal, solution, start

Everything a learner does here is answered in words. Nothing is written outside the learner's own folder
(`mllayers.course.learner`), and nothing here loads scikit-learn or matplotlib.
"""

from mllayers.course.answers import ____
from mllayers.course.beliefs import believe
from mllayers.course.card import card
from mllayers.course.exercises import check, hint, solution
from mllayers.course.predictions import predict, predictions, reveal
from mllayers.course.start import start

__all__ = ["____", "believe", "card", "check", "hint", "predict", "predictions", "reveal", "solution", "start"]
