"""What every exercise of every notebook must survive.

A module ``exercise_cases_0N`` gives a tuple ``CASES``: for each exercise the tables a learner would hand over, and at
least one other honest answer. `tests/test_exercises.py` tries them all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mllayers.course import ____
from mllayers.course.exercises import Exercise, Judged, Result, _call, check


@dataclass(frozen=True)
class Case:
    """One exercise on one learner's data: ``given()`` makes the data, each of ``also`` another honest answer."""

    id: str
    given: Callable[[], dict[str, Any]]
    also: tuple[Callable[..., Any], ...]
    given_more: Callable[[], dict[str, Any]] = dict  # optional data that an honest route needs
    called: Callable[[dict[str, Any]], dict[str, Any]] = dict  # given -> what the notebook calls it, for the solution


NONSENSE = {
    "None": None,
    "text": "a lot",
    "NaN": float("nan"),
    "a frame": pd.DataFrame({"a": [1, 2]}),
    "a function": lambda x: x,
    "an array": np.arange(3),
    "a list": [1, "b", None],
    "a dict": {"a": 1},
    "an exception": ValueError("x"),
    "a yes": True,
    "a complex number": 1j,
    "a huge number": 10**400,
    "infinity": -float("inf"),
}


def solved(exercise: Exercise, given: dict[str, Any], called: dict[str, Any]) -> Any:
    """The answer that the shown solution arrives at, with the names that the notebook has."""
    namespace = {"np": np, "pd": pd, **given, **called}
    exec(exercise.solution, namespace)
    return namespace["answer"]


def outcome(result: Any) -> str:
    """The outcome of a check, after making sure that it reads the same in every form."""
    assert isinstance(result, Result)
    assert repr(result).startswith(f"{result.word}. ")
    assert f"<strong>{result.word}.</strong>" in result._repr_html_()
    assert result.correct == (result.word == "Correct")
    assert result.attempted == (result.word != "Not attempted yet")
    assert all(line.strip() for line in result.lines)
    assert "Traceback" not in repr(result)
    return result.word


def accepts_right_answers(exercise: Exercise, case: Case) -> int:
    """The reference, the solution and every other honest answer pass; returns how many were tried."""
    given = case.given()
    more = {**given, **case.given_more()}
    answers = [_call(exercise.reference, given), solved(exercise, given, case.called(given))]
    if not isinstance(exercise.kind, Judged) and isinstance(answers[0], set):
        answers = answers[1:]  # a reference that accepts several sets is no answer itself
    for answer in answers:
        assert outcome(check(case.id, answer, **given)) == "Correct", (case.id, answer)
    for route in case.also:
        answer = _call(route, more)
        assert outcome(check(case.id, answer, **more)) == "Correct", (case.id, answer)
    return len(answers) + len(case.also)


def recognises_wrong_answers(exercise: Exercise, case: Case) -> int:
    """Each named wrong answer is refused with its own message; returns how many were tried."""
    given = case.given()
    for wrong in exercise.wrong:
        result = check(case.id, _call(wrong.value, given), **given)
        assert outcome(result) == "Not yet", (case.id, wrong.name)
        assert result.lines[0] == wrong.message, (case.id, wrong.name, result)
    return len(exercise.wrong)


def answers_nonsense_in_words(case: Case) -> int:
    """Nonsense is refused in words, as the answer and as the data; returns how many were tried."""
    given = case.given()
    for name, nonsense in NONSENSE.items():
        assert outcome(check(case.id, nonsense, **given)) == "Not yet", (case.id, name)
    for name, nonsense in NONSENSE.items():
        for key in given:
            assert outcome(check(case.id, 0.5, **{**given, key: nonsense})) == "Not yet", (case.id, key, name)
    for key in given:
        rest = {k: v for k, v in given.items() if k != key}
        result = check(case.id, 0.5, **rest)
        assert outcome(result) == "Not yet"
        assert f"{key}={key}" in result.lines[0]
    return len(NONSENSE) * (1 + len(given)) + len(given)


def knows_untouched(case: Case) -> int:
    """A blank, wherever it stands, is not attempted; returns how many were tried."""
    given = case.given()
    blanks = [____, ____ + 1, [____], {"a", ____}, {"a": ____}, (1, (____,)), np.float64(2) * ____]
    for blank in blanks:
        assert outcome(check(case.id, blank, **given)) == "Not attempted yet"
    assert outcome(check(case.id, 1.0, **dict.fromkeys(given, ____))) == "Not attempted yet"
    assert outcome(check(case.id, ____)) == "Not attempted yet"
    return len(blanks) + 2
