"""Exercises that know their wrong answers: `check`, `hint`, `solution`.

An exercise is data (`Exercise`): what is asked, of which kind the answer is, how the right answer follows from the
learner's own tables, and which wrong answers people give, each with the sentence that helps. Nothing is stored as a
number: right and wrong are computed from what the learner hands over, so they hold for every seed.

Each notebook registers its exercises in a module ``exercises_0N`` with a tuple ``EXERCISES``.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from mllayers.course.answers import Unreadable, in_words, is_blank, one_number, what_came
from mllayers.course.notes import Note, Page


class Kind(Protocol):
    """What the kinds of answer below have in common."""

    @property
    def expects(self) -> str:
        """The kind in words, with its tolerance."""

    def read(self, answer: Any) -> Any:
        """The answer as the kind needs it; `Unreadable` if it is of another kind."""

    def matches(self, answer: Any, target: Any, tolerance: float) -> bool:
        """Whether a read answer is the target."""

    def mistaken(self, answer: Any, wrong: Any, target: Any, tolerance: float) -> float:
        """How far a read answer is from a wrong one: infinite where it is none of it."""

    def miss(self, answer: Any, target: Any, tolerance: float) -> str:
        """What can be said about an answer without giving the right one away."""


@dataclass(frozen=True)
class Number:
    """One number, right within an absolute, a relative, or a computed tolerance.

    ``within(**given)`` computes an absolute tolerance from the learner's data; ``within_says`` puts it in words.
    """

    unit: str
    absolute: float = 0.0
    relative: float = 0.0
    within: Callable[..., float] | None = None
    within_says: str = ""

    @property
    def expects(self) -> str:
        """The unit and the tolerance in words."""
        if self.within is not None:
            width = self.within_says
        elif self.relative:
            width = in_words(100 * self.relative, "%")
        else:
            width = in_words(self.absolute)
        what = "a share between 0 and 1" if self.unit == "share" else f"a number of {self.unit}"
        return f"{what}, right within {width}"

    def read(self, answer: Any) -> float:
        """The number that was meant."""
        return one_number(answer)

    def matches(self, answer: float, target: float, tolerance: float) -> bool:
        """Whether a number lies within the widest stated tolerance."""
        if math.isinf(answer) or math.isinf(target):
            return answer == target
        return abs(answer - target) <= self._width(target, tolerance)

    def mistaken(self, answer: float, wrong: float, target: float, tolerance: float) -> float:
        """The distance from a wrong number, where it is that number as one would round it."""
        apart, size = abs(answer - wrong), abs(wrong)
        near = max(0.02 * size, min(self._width(target, tolerance) / 4, 0.1 * size))
        return apart if apart <= near < math.inf else math.inf

    def miss(self, answer: float, target: float, tolerance: float) -> str:
        """The direction, and roughly the distance."""
        if math.isinf(target):
            return "On your data the answer is not a finite number: think what that means, and write `float('inf')`."
        if self.unit == "share" and self.matches(answer / 100, target, tolerance):
            return "That is the right number in percent; as a share it is a hundred times smaller."
        if answer * target < 0:
            return "The sign is the other way round."
        way = "high" if answer > target else "low"
        small, large = sorted((abs(answer), abs(target)))
        if large <= 1.1 * small:
            return f"Close, but a little too {way}."
        if large <= 2 * small:
            return f"Too {way}, by less than a factor of 2."
        if large <= 10 * small:
            return f"Too {way}, by a factor between 2 and 10."
        return f"Too {way}, by more than a factor of 10: check the units and what you divide by."

    def _width(self, target: float, tolerance: float) -> float:
        return max(tolerance, self.absolute, self.relative * abs(target))


@dataclass(frozen=True)
class Names:
    """A given count of names, all of them among those the reference accepts."""

    what: str
    count: int

    @property
    def expects(self) -> str:
        """How many names of what."""
        return f"a set of {self.count} {self.what}, such as `{{'a', 'b'}}`"

    def read(self, answer: Any) -> frozenset[str]:
        """The names as a set, also from a list, a column or a text with commas."""
        if isinstance(answer, str):
            answer = answer.split(",")
        if answer is None or callable(answer) or isinstance(answer, dict) or hasattr(answer, "columns"):
            raise Unreadable(what_came(answer))
        try:
            names = list(answer)
        except TypeError:
            raise Unreadable(what_came(answer)) from None
        if not all(isinstance(name, str) for name in names):
            raise Unreadable(f"a {type(answer).__name__} that holds other things than names")
        return frozenset(name.strip() for name in names)

    def matches(self, answer: frozenset[str], target: Iterable[str], tolerance: float) -> bool:
        """Whether there are as many names as asked, all accepted."""
        return len(answer) == self.count and answer <= frozenset(target)

    def mistaken(self, answer: frozenset[str], wrong: Iterable[str], target: Iterable[str], tolerance: float) -> float:
        """Zero where, of as many names as asked, one is among the wrong and not among the accepted ones."""
        if len(answer) != self.count:
            return math.inf
        return 0.0 if answer & (frozenset(wrong) - frozenset(target)) else math.inf

    def miss(self, answer: frozenset[str], target: Iterable[str], tolerance: float) -> str:
        """How many of the names count."""
        right = len(answer & frozenset(target))
        if len(answer) != self.count:
            return f"{self.count} {self.what} are asked for; you named {len(answer)}, of which {right} count."
        return f"{right} of your {self.count} {self.what} count{'s' if right == 1 else ''}."


@dataclass(frozen=True)
class Choice:
    """One of a few words; ``True`` and ``False`` stand for yes and no."""

    options: tuple[str, ...]

    @property
    def expects(self) -> str:
        """The words to choose from."""
        return "one of " + ", ".join(f"`{option!r}`" for option in self.options)

    def read(self, answer: Any) -> str:
        """The chosen word."""
        if type(answer).__name__ in ("bool", "bool_") and set(self.options) == {"yes", "no"}:
            return "yes" if answer else "no"
        if not isinstance(answer, str):
            raise Unreadable(what_came(answer))
        by_name = {option.lower(): option for option in self.options}
        if answer.strip().lower() not in by_name:
            raise Unreadable(what_came(answer))
        return by_name[answer.strip().lower()]

    def matches(self, answer: str, target: str, tolerance: float) -> bool:
        """Whether it is the right word."""
        return answer == target

    def mistaken(self, answer: str, wrong: str, target: str, tolerance: float) -> float:
        """Zero where it is the wrong word."""
        return 0.0 if answer == wrong else math.inf

    def miss(self, answer: str, target: str, tolerance: float) -> str:
        """That it is another word."""
        return "It is another one."


@dataclass(frozen=True)
class Judged:
    """Anything that a function of the exercise judges: a policy, a table, a function the learner wrote.

    ``judge(answer, **given)`` returns nothing (``""``) where the answer is right, else the sentence that helps: for a
    named wrong answer, its message. It raises `Unreadable` where the answer is of another kind.
    """

    expects: str
    judge: Callable[..., str]


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that people give: its name, its value on the learner's data, the sentence that helps."""

    name: str
    value: Callable[..., Any]
    message: str


@dataclass(frozen=True)
class Exercise:
    """One exercise as data.

    ``reference`` and every other function take the learner's data by keyword, under the names that `check` is given;
    a parameter with a default is optional, and a function in ``also`` (another honest route to the answer, accepted as
    well) is left out while one of its parameters is not given. An exercise whose kind is `Judged` needs its
    ``reference`` only as the answer that the tests try.
    """

    id: str
    ask: str
    kind: Number | Names | Choice | Judged
    reference: Callable[..., Any]
    wrong: tuple[Wrong, ...]
    hints: tuple[str, ...]
    solution: str
    reasoning: str
    also: tuple[Callable[..., Any], ...] = ()


@dataclass(frozen=True, repr=False)
class Result(Note):
    """The outcome of a check: *Correct*, *Not yet* or *Not attempted yet*, and why."""

    @property
    def correct(self) -> bool:
        """Whether the answer was right."""
        return self.word == "Correct"

    @property
    def attempted(self) -> bool:
        """Whether there was an answer at all."""
        return self.word != "Not attempted yet"


_hints_given: dict[str, int] = {}


def check(id: str, answer: Any, /, **given: Any) -> Result:
    """Say whether an answer is right, and if not, what probably happened.

    Parameters
    ----------
    id : str
        The exercise, for example ``"N1-2"``.
    answer : Any
        The learner's answer. Blank (``____``) means not attempted.
    **given : Any
        The learner's own tables and numbers that the exercise names.

    Returns
    -------
    Result
        *Correct*, *Not yet* with the likely mistake or the direction, or *Not attempted yet*. Nothing a learner hands
        over raises an error.
    """
    exercise = find(id)
    if exercise is None:
        return Result("Not yet", (_no_such(id),), "problem")
    if is_blank(answer) or is_blank(given):
        lines = (exercise.ask, f"Expected: {exercise.kind.expects}. Stuck? `hint({exercise.id!r})`")
        return Result("Not attempted yet", lines, "wait")
    absent = [name for name in _parameters(exercise.reference) if name not in given]
    if absent:
        call = ", ".join(f"{name}={name}" for name in _parameters(exercise.reference))
        return _not_yet(f"The check needs your {' and your '.join(absent)}: `check({exercise.id!r}, answer, {call})`")
    try:
        trouble = _trouble(exercise, answer, given)
    except Unreadable as came:
        return _not_yet(f"Expected {exercise.kind.expects}; got {came}.")
    except Exception as error:  # a learner's object may do anything; they get a sentence, never a traceback
        return _not_yet(f"Expected {exercise.kind.expects}; reading yours ended in {type(error).__name__}: {error}")
    if trouble:
        return _not_yet(trouble, f"Another look? `hint({exercise.id!r})`")
    return Result("Correct", (exercise.reasoning,), "good")


def hint(id: str, /) -> Note:
    """Give the hints of an exercise, one more at each call.

    Parameters
    ----------
    id : str
        The exercise, for example ``"N1-2"``.

    Returns
    -------
    Note
        The hints so far.
    """
    exercise = find(id)
    if exercise is None:
        return Note("Hint", (_no_such(id),), "problem")
    number = _hints_given[exercise.id] = min(_hints_given.get(exercise.id, 0) + 1, len(exercise.hints))
    left = len(exercise.hints) - number
    more = (
        f"{left} more: run the cell again."
        if left
        else f"That was the last one; `solution({exercise.id!r})` has it all."
    )
    return Note(f"Hint {number} of {len(exercise.hints)}", (*exercise.hints[:number], more), "wait")


def solution(id: str, /) -> Page | Note:
    """Show how an exercise is solved, and why so.

    Parameters
    ----------
    id : str
        The exercise, for example ``"N1-2"``.

    Returns
    -------
    Page
        Code and reasoning.
    """
    exercise = find(id)
    if exercise is None:
        return Note("Solution", (_no_such(id),), "problem")
    return Page(f"**Solution of {exercise.id}**\n\n```python\n{exercise.solution}\n```\n\n{exercise.reasoning}")


def find(id: Any) -> Exercise | None:
    """The exercise of this id, or nothing."""
    wanted = id.strip().upper() if isinstance(id, str) else ""
    number = re.match(r"N([1-9])-", wanted)
    exercises = of_notebook(f"0{number[1]}") if number else ()
    return next((exercise for exercise in exercises if exercise.id == wanted), None)


def of_notebook(notebook: str) -> tuple[Exercise, ...]:
    """The exercises of a notebook (``"01"``), in order; none if it has none."""
    module = f"mllayers.course.exercises_{notebook}"
    if importlib.util.find_spec(module) is None:
        return ()
    exercises: tuple[Exercise, ...] = importlib.import_module(module).EXERCISES
    return exercises


def _trouble(exercise: Exercise, answer: Any, given: dict[str, Any]) -> str:
    """What is not right about an answer; nothing if it is right."""
    kind = exercise.kind
    if isinstance(kind, Judged):
        return str(_call(kind.judge, given, answer))
    read = kind.read(answer)
    try:
        target = _call(exercise.reference, given)
        others = [_call(route, given) for route in exercise.also if set(_parameters(route)) <= set(given)]
        within = getattr(kind, "within", None)
        tolerance = 0.0 if within is None else float(_call(within, given))
    except Exception as error:  # the tables are the learner's own, and may be anything by now
        return f"What you handed over could not be used: {error}"
    matcher: Kind = kind
    if any(matcher.matches(read, right, tolerance) for right in (target, *others)):
        return ""
    distances = [matcher.mistaken(read, _call(wrong.value, given), target, tolerance) for wrong in exercise.wrong]
    nearest = min(distances, default=math.inf)
    if nearest < math.inf:
        return exercise.wrong[distances.index(nearest)].message
    return f"{matcher.miss(read, target, tolerance)} Expected: {matcher.expects}."


def _parameters(function: Callable[..., Any]) -> list[str]:
    """The names a function cannot do without."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind is not p.POSITIONAL_ONLY]


def _call(function: Callable[..., Any], given: dict[str, Any], *answer: Any) -> Any:
    """Call a function with those of the learner's data that it names (after the answer, for a judge)."""
    accepted = inspect.signature(function).parameters
    return function(*answer, **{name: value for name, value in given.items() if name in accepted})


def _not_yet(*lines: str) -> Result:
    return Result("Not yet", lines, "problem")


def _no_such(id: Any) -> str:
    known = [exercise.id for n in range(1, 6) for exercise in of_notebook(f"0{n}")]
    name = id if isinstance(id, str) else what_came(id)
    return f"There is no exercise {name}; there are {', '.join(known)}."
