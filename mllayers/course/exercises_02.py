"""The exercises of notebook 2, Prediction.

What the checks take: ``left``, whether each customer of the quarter to come leaves; ``churned``, the labels that the
models were trained on; ``y`` and ``p``, the fakes among a month's orders and a model's scores; ``loss``, what each
order costs if it is a fake and ships; ``rate``, the fraud rate of the training month; ``regression`` and ``forest``,
the scores of two models for the same orders.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import log_loss, roc_auc_score

from mllayers._check import as_binary, as_number, as_probabilities, same_cases
from mllayers.course.answers import Unreadable, what_came
from mllayers.course.exercises import Choice, Exercise, Judged, Number, Wrong

CAPACITY = 0.01  # N2-4: the reviewers open one order in a hundred
TWO_IN_A_HUNDRED = 0.02  # N2-5
RECOVERED = 0.95  # N2-4: the share of the dollars that a repair must earn
REPAIRED = "one probability for each order, earning within 5 % of what the true prior correction earns"


def _rate(outcomes: ArrayLike, name: str) -> float:
    rate = float(as_binary(outcomes, name).mean())
    if not 0 < rate < 1:
        raise ValueError(f"{name} must hold both outcomes, 0 and 1; got only one of them")
    return rate


def _skill(y: ArrayLike, p: ArrayLike) -> float:
    return 1 - _loss(y, p) / _constant_loss(y)


def _loss(y: ArrayLike, p: ArrayLike) -> float:
    p = as_probabilities(p, "p")
    same_cases(y=as_binary(y, "y"), p=p)
    return float(log_loss(np.asarray(y), p))


def _constant_loss(y: ArrayLike) -> float:
    rate = _rate(y, "y")
    return float(-(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)))


def _accuracy_skill(y: ArrayLike, p: ArrayLike) -> float:
    """The same from errors at one half: the share of the know-nothing errors that is removed."""
    wrong = float(((as_probabilities(p, "p") >= 0.5) != (as_binary(y, "y") == 1)).mean())
    return 1 - wrong / min(_rate(y, "y"), 1 - _rate(y, "y"))


def _queue(score: NDArray[np.float64], capacity: float) -> NDArray[np.intp]:
    return np.argsort(-score, kind="stable")[: int(capacity * score.size)]


def _corrected(p: ArrayLike, rate: float) -> NDArray[np.float64]:
    """Scores of a model trained at 1:1, as probabilities where a share ``rate`` is positive."""
    p, rate = as_probabilities(p, "p"), as_number(rate, "rate", ge=0, le=1)
    return np.asarray(p * rate / (p * rate + (1 - p) * (1 - rate)))


def _stops(score: NDArray[np.float64], y: ArrayLike, loss: ArrayLike) -> float:
    """Dollars of fraud stopped by opening the first orders in the ranking by score × loss."""
    y, loss = as_binary(y, "y"), np.asarray(loss, float)
    same_cases(score=score, y=y, loss=loss)
    if int(CAPACITY * score.size) == 0:
        raise ValueError("there are too few orders to open one in a hundred")
    return float((y * loss)[_queue(score * loss, CAPACITY)].sum())


UNCHANGED = (
    "These are the scores as they were. Ranking by p alone was fine with them; what changed when you multiplied by the "
    "loss? The size of p counts now, and training at 1:1 made it too large, most of all in the middle."
)
SCALED = (
    "Every score was multiplied by the same number: p × loss is multiplied by it too, and no order changes place. "
    "Correct the odds p / (1 − p), not p itself."
)
CUT = (
    "These are only zeros and ones. A new threshold is no repair: ranking by p alone was fine; what changed when you "
    "multiplied? The size of p. Change the scores, keep their order."
)
WRONG_WAY = "This makes the scores larger still. Balanced training raised the odds; the repair must lower them again."


def _judge(answer: Any, p: ArrayLike, y: ArrayLike, loss: ArrayLike, rate: float) -> str:
    """What is not right about repaired scores; nothing if they earn what the corrected ones earn."""
    try:
        target = _stops(_corrected(p, rate), y, loss)
        before = as_probabilities(p, "p")
    except (TypeError, ValueError) as error:
        return f"What you handed over could not be used: {error}"
    try:
        scores = as_probabilities(answer, "repaired")
    except (TypeError, ValueError) as error:
        raise Unreadable(what_came(answer)) from error
    if scores.shape != before.shape:
        return f"Expected {REPAIRED}: {before.size:,} of them; got {scores.size:,}."
    if np.isin(scores, (0, 1)).all():
        return CUT
    if np.allclose(scores, before):
        return UNCHANGED
    if np.allclose(scores * before.max(), before * scores.max()):
        return SCALED
    if scores.mean() > before.mean():
        return WRONG_WAY
    earned = _stops(scores, y, loss)
    if earned < RECOVERED * target:
        return f"This earns {earned / target:.0%} of what a full repair earns. Correct the odds by the rate."
    return ""


def _found(y: ArrayLike, **scores: ArrayLike) -> dict[str, float]:
    """Fakes among the first two in a hundred orders of each model."""
    fakes = as_binary(y, "y")
    read = {name: as_probabilities(score, name) for name, score in scores.items()}
    same_cases(y=fakes, **read)
    return {name: float(fakes[_queue(score, TWO_IN_A_HUNDRED)].sum()) for name, score in read.items()}


def _more_fakes(y: ArrayLike, regression: ArrayLike, forest: ArrayLike) -> str:
    found = _found(y, regression=regression, forest=forest)
    return "both" if found["regression"] == found["forest"] else max(found, key=lambda name: found[name])


def _higher_auc(y: ArrayLike, regression: ArrayLike, forest: ArrayLike) -> str:
    scores = {"regression": regression, "forest": forest}
    return max(scores, key=lambda name: float(roc_auc_score(as_binary(y, "y"), as_probabilities(scores[name], name))))


EXERCISES = (
    Exercise(
        id="N2-1",
        ask="How accurate is it to say that nobody leaves?",
        kind=Number("share", absolute=0.001),
        reference=lambda left: 1 - _rate(left, "left"),
        wrong=(
            Wrong(
                "the share who leave",
                lambda left: _rate(left, "left"),
                "That is the share who leave: the customers about whom 'nobody leaves' is wrong.",
            ),
            Wrong(
                "a coin",
                lambda left: 0.5,
                "A half is what a coin gets. 'Nobody leaves' is right about everybody who stays.",
            ),
            Wrong(
                "a random guess at the base rate",
                lambda left: 1 - 2 * _rate(left, "left") * (1 - _rate(left, "left")),
                "That is the accuracy of naming leavers at random at the right rate. 'Nobody leaves' names none.",
            ),
        ),
        hints=(
            "About which customers is 'nobody leaves' right?",
            "About those who stay: `~leaves` is true for them.",
            "The mean of a column of true and false is the share that is true.",
        ),
        solution="answer = (~leaves).mean()",
        reasoning=(
            "It is right about everybody who stays. Read any accuracy on this task beside this number: a model can "
            "know nothing and reach it."
        ),
    ),
    Exercise(
        id="N2-2",
        ask="Which probability of leaving hides behind a score of one half of the balanced model?",
        kind=Number("share", relative=0.05),
        reference=lambda churned: _rate(churned, "churned"),
        wrong=(
            Wrong(
                "taken at its word",
                lambda churned: 0.5,
                "That takes the score at its word. Balanced training pretends that half of the customers leave: undo "
                "that.",
            ),
            Wrong(
                "half the rate",
                lambda churned: _rate(churned, "churned") / 2,
                "That is half of the base rate: the odds were multiplied, not the probability. Work with p / (1 − p).",
            ),
            Wrong(
                "the wrong way round",
                lambda churned: 1 - _rate(churned, "churned"),
                "The correction went the wrong way: training raised the odds by (1 − r) / r, so divide by that.",
            ),
            Wrong(
                "odds for a probability",
                lambda churned: (lambda r: r / (1 - r))(_rate(churned, "churned")),
                "Those are odds. Turn them back into a probability: odds / (1 + odds).",
            ),
        ),
        hints=(
            "What are the odds of a probability of one half?",
            "They are 1. Training multiplied the odds by (1 − r) / r; divide by it.",
            "That leaves odds of r / (1 − r). Which probability has these odds?",
        ),
        solution=('r = past["churned"].mean()\nodds = 0.5 / (1 - 0.5) * r / (1 - r)\nanswer = odds / (1 + odds)'),
        reasoning=(
            "Odds of 1, times r / (1 − r), are the odds of the base rate itself. So the balanced model's one half says "
            "'as likely to leave as the average customer'. That is why it calls so many, and why its dollars are good: "
            "the average customer's risk happens to lie near the threshold that pays."
        ),
    ),
    Exercise(
        id="N2-3",
        ask="Which share of the know-nothing log loss does the model remove?",
        kind=Number("share", absolute=0.01),
        reference=_skill,
        wrong=(
            Wrong(
                "the loss that is left",
                lambda y, p: 1 - _skill(y, p),
                "That is the share of the loss that is left over. Skill is the share removed: one minus it.",
            ),
            Wrong(
                "the know-nothing loss",
                lambda y, p: _constant_loss(y),
                "That is the loss of the constant prediction: the whole. Which share of it does the model remove?",
            ),
            Wrong(
                "one minus the loss",
                lambda y, p: 1 - _loss(y, p),
                "That is one minus the log loss. A loss needs something to be compared with: divide by the loss of "
                "predicting the base rate for every order.",
            ),
            Wrong(
                "from accuracy",
                _accuracy_skill,
                "That is the share of *errors* removed, from accuracy at one half. Use the log loss on both sides.",
            ),
            Wrong(
                "against a coin",
                lambda y, p: 1 - _loss(y, p) / np.log(2),
                "That compares with predicting one half for every order. Who knows the base rate loses far less.",
            ),
            Wrong(
                "two bases of the logarithm",
                lambda y, p: 1 - _loss(y, p) * np.log(2) / _constant_loss(y),
                "One of your two losses uses the logarithm to base 2. scikit-learn's uses the natural one.",
            ),
        ),
        hints=(
            "Predict the same number, the base rate, for every order: what log loss does that have?",
            "`log_loss(fraud, np.full(len(fraud), fraud.mean()))`.",
            "Skill is 1 − the model's loss / that loss.",
        ),
        solution=(
            "from sklearn.metrics import log_loss\n"
            "constant = np.full(len(fraud), fraud.mean())\n"
            'answer = 1 - log_loss(fraud, fraud_scores["regression"]) / log_loss(fraud, constant)'
        ),
        reasoning=(
            "Who knows no more than the base rate has the loss of that constant. A skill of 0 means: no better than "
            "the base rate; 1 is perfect; below 0, the base rate alone would predict better. The base of the logarithm "
            "cancels."
        ),
    ),
    Exercise(
        id="N2-4",
        ask="Repair the balanced model's scores, so that ranking by p × loss earns what it should.",
        kind=Judged(REPAIRED, _judge),
        reference=lambda p, y, loss, rate: _corrected(p, rate),
        wrong=(
            Wrong("as it was", lambda p, y, loss, rate: as_probabilities(p, "p"), UNCHANGED),
            Wrong("scaled", lambda p, y, loss, rate: 2 * rate * as_probabilities(p, "p"), SCALED),
            Wrong("a new threshold", lambda p, y, loss, rate: (as_probabilities(p, "p") >= 1 - rate) * 1.0, CUT),
            Wrong("corrected the wrong way", lambda p, y, loss, rate: _corrected(p, 1 - rate), WRONG_WAY),
        ),
        hints=(
            "Ranking by p alone was fine. What changed when you multiplied by the loss?",
            "The size of p counts. Training at 1:1 multiplied the odds p / (1 − p) by (1 − r) / r: see N2-2.",
            "Divide the odds of every score by (1 − r) / r, then turn them back: odds / (1 + odds).",
        ),
        solution=('p = fraud_scores["balanced"]\nodds = p / (1 - p) * r / (1 - r)\nanswer = odds / (1 + odds)'),
        reasoning=(
            "Dividing all odds by the same number keeps the order by p, so AUC stays the same, and makes the scores "
            "probabilities again. Only then is p × loss the expected loss in dollars. Isotonic regression on other "
            "labelled orders is as good, and passes."
        ),
    ),
    Exercise(
        id="N2-5",
        ask="Which model finds more fakes when two orders in a hundred can be opened?",
        kind=Choice(("regression", "forest", "both")),
        reference=_more_fakes,
        wrong=(
            Wrong(
                "the higher AUC",
                _higher_auc,
                "That one has the higher AUC. AUC averages over queues of every length, most of which nobody has: "
                "count the fakes among the first two in a hundred.",
            ),
            Wrong(
                "no difference",
                lambda y, regression, forest: "both",
                "They do not find the same number. Count the fakes in the queue of each model.",
            ),
        ),
        hints=(
            "AUC is an average over queues of every length. Yours is one of them.",
            "`queue(fraud_scores['forest'], 0.02) & fraud` marks the fakes that the forest's queue finds.",
            "Count them for both models and compare.",
        ),
        solution=(
            "found = {}\n"
            'for name in ("regression", "forest"):\n'
            '    first = np.argsort(-fraud_scores[name], kind="stable")[: int(0.02 * len(fraud))]\n'
            "    found[name] = fraud[first].sum()\n"
            "answer = max(found, key=found.get)"
        ),
        reasoning=(
            "Only the top of the ranking is opened. A model can be worse on average over queues of every length, and "
            "better at the length that you have."
        ),
    ),
)
