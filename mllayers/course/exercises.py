"""Exercises that know their wrong answers: `check`, `hint`, `solution`.

An exercise is data (`Exercise`): what is asked, of which kind the answer is, how the right answer follows from the
learner's own tables, and which wrong answers people give, each with the sentence that helps. Nothing is stored as a
number: right and wrong are computed from what the learner hands over, so they hold for every seed.

Each notebook registers its exercises in a module ``exercises_0N`` (``exercises_capstone``) with a tuple ``EXERCISES``.
How often one was tried, and whether it was right, is kept in the learner's folder once `start` has been called.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import itertools
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from mllayers.course import learner
from mllayers.course.answers import Unreadable, in_words, is_blank, one_number, said_by, what_came
from mllayers.course.notes import Code, Note, Page
from mllayers.course.words import tr


class Kind(Protocol):
    """What the kinds of answer below have in common."""

    @property
    def expects(self) -> str:
        """The kind in words, with its tolerance."""

    def read(self, answer: Any) -> Any:
        """The answer as the kind needs it; `Unreadable` if it is of another kind."""

    def matches(self, answer: Any, target: Any, tolerance: float) -> bool:
        """Whether a read answer is the target."""

    def mistaken(self, answer: Any, wrong: Any, near: float) -> float:
        """How far a read answer is from a wrong one: infinite where it is none of it."""

    def miss(self, answer: Any, target: Any, tolerance: float) -> str:
        """What can be said about an answer without giving the right one away."""


@dataclass(frozen=True)
class Number:
    """One number, right within an absolute, a relative, or a computed tolerance.

    ``within(**given)`` computes an absolute tolerance from the learner's data; ``within_says`` puts it in words. Of an
    answer that is a result, the first of ``fields`` that it has is read.
    """

    unit: str
    absolute: float = 0.0
    relative: float = 0.0
    within: Callable[..., float] | None = None
    within_says: str = ""
    fields: tuple[str, ...] = ()

    @property
    def expects(self) -> str:
        """The unit and the tolerance in words."""
        if self.within is not None:
            width = tr(self.within_says)
        elif self.relative:
            width = in_words(100 * self.relative, "%")
        else:
            width = in_words(self.absolute)
        if self.unit == "share":
            return tr("a share between 0 and 1, right within {width}", width=width)
        return tr("a number of {unit}, right within {width}", unit=tr(self.unit), width=width)

    def read(self, answer: Any) -> float:
        """The number that was meant."""
        kind = type(answer)
        if not hasattr(kind, "__float__"):
            answer = next((getattr(answer, name) for name in self.fields if hasattr(answer, name)), answer)
        return one_number(answer, {"dollars": "$"}.get(self.unit, self.unit))

    def matches(self, answer: float, target: float, tolerance: float) -> bool:
        """Whether a number lies within the widest stated tolerance."""
        if math.isinf(answer) or math.isinf(target):
            return answer == target
        return abs(answer - target) <= self._width(target, tolerance)

    def mistaken(self, answer: float, wrong: float, near: float) -> float:
        """The distance from a wrong number, where it is that number, or that number rounded as one would write it.

        Being near is no evidence: 0.31 is another answer than 0.3. Only a wrong answer that says so has room (`near`).
        """
        apart = abs(answer - wrong)
        return apart if apart <= max(near, _rounding(answer)) < math.inf else math.inf

    def miss(self, answer: float, target: float, tolerance: float) -> str:
        """The direction, and roughly the distance."""
        if math.isinf(target):
            return tr(
                "On your data the answer is not a finite number: think what that means, and write `float('inf')`."
            )
        if self.unit == "share" and self.matches(answer / 100, target, tolerance):
            return tr("That is the right number in percent; as a share it is a hundred times smaller.")
        if answer * target < 0:
            return tr("The sign is the other way round.")
        high = answer > target
        small, large = sorted((abs(answer), abs(target)))
        if large <= 1.1 * small:
            return tr("Close, but a little too high.") if high else tr("Close, but a little too low.")
        if large <= 2 * small:
            return tr("Too high, by less than a factor of 2.") if high else tr("Too low, by less than a factor of 2.")
        if large <= 10 * small:
            more = tr("Too low, by a factor between 2 and 10.")
            return tr("Too high, by a factor between 2 and 10.") if high else more
        more = tr("Too low, by more than a factor of 10: check the units and what you divide by.")
        return tr("Too high, by more than a factor of 10: check the units and what you divide by.") if high else more

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
        if self.count == 1:
            return tr("one {what}, such as {example}", what=tr(self.what), example="`'a'`")
        return tr("a set of {n} {what}, such as {example}", n=self.count, what=tr(self.what), example="`{'a', 'b'}`")

    def read(self, answer: Any) -> frozenset[str]:
        """The names as a set, also from a list, a column or a text with commas."""
        if isinstance(answer, str):
            answer = answer.split(",")
        if answer is None or callable(answer) or isinstance(answer, dict) or hasattr(answer, "columns"):
            raise Unreadable(what_came(answer))
        try:
            names = list(itertools.islice(answer, 1_000))
        except TypeError:
            raise Unreadable(what_came(answer)) from None
        if not all(isinstance(name, str) for name in names):
            raise Unreadable(tr("a {kind} that holds other things than names", kind=type(answer).__name__))
        return frozenset(name.strip() for name in names)

    def matches(self, answer: frozenset[str], target: Iterable[str], tolerance: float) -> bool:
        """Whether there are as many names as asked, all accepted."""
        return len(answer) == self.count and answer <= frozenset(target)

    def mistaken(self, answer: frozenset[str], wrong: Iterable[str], near: float) -> float:
        """Zero where, of as many names as asked, one is among the wrong ones."""
        return 0.0 if len(answer) == self.count and answer & frozenset(wrong) else math.inf

    def miss(self, answer: frozenset[str], target: Iterable[str], tolerance: float) -> str:
        """How many of the names are right; of a single one that is not, only that."""
        named, right = len(answer), len(answer & frozenset(target))
        if named == self.count == 1:
            return tr("It is another one.")
        told = tr("{n} are right", n=right) if right > 1 else tr("one is right") if right else tr("none is right")
        if named == self.count:
            return tr("Of your {n} {what} {told}.", n=named, what=tr(self.what), told=told)
        if self.count == 1:
            asked = tr("One {what} is asked for", what=tr(self.what))
        else:
            asked = tr("{n} {what} are asked for", n=self.count, what=tr(self.what))
        if named > 1:
            return tr("{asked}; of the {n} that you named {told}.", asked=asked, n=named, told=told)
        if not named:
            return tr("{asked}; you named none.", asked=asked)
        if right:
            return tr("{asked}; you named one, and it is right.", asked=asked)
        return tr("{asked}; you named one, and it is not right.", asked=asked)


@dataclass(frozen=True)
class Choice:
    """One of a few words; ``True`` and ``False`` stand for yes and no."""

    options: tuple[str, ...]

    @property
    def expects(self) -> str:
        """The words to choose from."""
        return tr("one of {options}", options=", ".join(f"`{option!r}`" for option in self.options))

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

    def mistaken(self, answer: str, wrong: str, near: float) -> float:
        """Zero where it is the wrong word."""
        return 0.0 if answer == wrong else math.inf

    def miss(self, answer: str, target: str, tolerance: float) -> str:
        """That it is another word."""
        return tr("It is another one.")


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
    """A wrong answer that people give: its name, its value on the learner's data, the sentence that helps.

    A number is taken for it where it is this number, rounded at most; ``near`` is the distance from which on it no
    longer is, for a value that stands for many (such as 1 for "nearly all").
    """

    name: str
    value: Callable[..., Any]
    message: str
    near: float = 0.0


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
        return self.tone == "good"

    @property
    def attempted(self) -> bool:
        """Whether there was an answer at all."""
        return self.tone != "wait"


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
        *Correct*, *Not yet* with the likely mistake or the direction, or *Not attempted yet*; it shows itself. Nothing
        a learner hands over raises an error.
    """
    return _kept(id, _check(id, answer, given)).show()  # type: ignore[no-any-return]


def _kept(id: Any, result: Result) -> Result:
    """The result, noted in the learner's folder; with one more line where that cannot be written."""
    exercise = find(id)
    if exercise is None or not result.attempted or not learner.lesson():
        return result

    def note(records: dict[str, dict[str, Any]]) -> None:
        before = records.get(exercise.id, {})
        tries = before.get("tries")
        if before.get("correct") is not True:  # how many it took until it was right
            tries = tries if isinstance(tries, int) else 0
            records[exercise.id] = {"tries": tries + 1, "correct": result.correct}

    notice = learner.update_records(learner.CHECKS, note)
    return replace(result, lines=(*result.lines, notice)) if notice else result


def _check(id: Any, answer: Any, given: dict[str, Any]) -> Result:
    exercise = find(id)
    if exercise is None:
        return _not_yet(_no_such(id))
    if is_blank(answer) or is_blank(given):
        more = tr("Expected: {expects}. Stuck? {hint}", expects=_expects(exercise), hint=f'`hint("{exercise.id}")`')
        return Result(tr("Not attempted yet"), (tr(exercise.ask), more), "wait")
    absent = [name for name in _parameters(exercise.reference) if name not in given]
    if absent:
        call = ", ".join(f"{name}={name}" for name in _parameters(exercise.reference))
        names = f" {tr('and your')} ".join(absent)
        return _not_yet(
            tr("The check needs your {names}: {call}", names=names, call=f'`check("{exercise.id}", answer, {call})`')
        )
    try:
        trouble = _trouble(exercise, answer, given)
    except Unreadable as came:
        return _not_yet(tr("Expected {expects}; got {came}.", expects=_expects(exercise), came=came))
    except (Exception, SystemExit) as error:  # a learner's object may do anything; they get a sentence, no traceback
        said = tr(
            "Expected {expects}; reading yours ended in {error}", expects=_expects(exercise), error=said_by(error)
        )
        return _not_yet(said)
    if trouble:
        return _not_yet(trouble, tr("Another look? {hint}", hint=f'`hint("{exercise.id}")`'))
    return Result(tr("Correct"), (tr(exercise.reasoning),), "good")


def hint(id: str, /) -> Note:
    """Give the hints of an exercise, one more at each call.

    Parameters
    ----------
    id : str
        The exercise, for example ``"N1-2"``.

    Returns
    -------
    Note
        The hints so far; it shows itself.
    """
    exercise = find(id)
    if exercise is None:
        return Note(tr("Hint"), (_no_such(id),), "problem").show()  # type: ignore[no-any-return]
    number = _hints_given[exercise.id] = min(_hints_given.get(exercise.id, 0) + 1, len(exercise.hints))
    left = len(exercise.hints) - number
    if left:
        more = tr("{n} more: run the cell again.", n=left)
    else:
        more = tr("That was the last one; {solution} has it all.", solution=f'`solution("{exercise.id}")`')
    lines = (*(tr(line) for line in exercise.hints[:number]), more)
    word = tr("Hint {n} of {all}", n=number, all=len(exercise.hints))
    return Note(word, lines, "wait").show()  # type: ignore[no-any-return]


def solution(id: str, /) -> Page | Note:
    """Show how an exercise is solved, and why so.

    Parameters
    ----------
    id : str
        The exercise, for example ``"N1-2"``.

    Returns
    -------
    Page
        Code and reasoning; it shows itself.
    """
    exercise = find(id)
    if exercise is None:
        return Note(tr("Solution"), (_no_such(id),), "problem").show()  # type: ignore[no-any-return]
    head = tr("Solution of {id}", id=exercise.id)
    return Page((f"**{head}**", Code(exercise.solution), tr(exercise.reasoning))).show()  # type: ignore[no-any-return]


def find(id: Any) -> Exercise | None:
    """The exercise of this id, or nothing."""
    wanted = id.strip().upper() if isinstance(id, str) and len(id) < 40 else ""
    number = re.match(r"N([1-9])-", wanted)
    exercises = of_notebook(f"0{number[1]}") if number else of_notebook(learner.CAPSTONE) if wanted[:2] == "C-" else ()
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
        return tr(str(_call(kind.judge, given, answer)))
    read = kind.read(answer)
    try:
        target = _call(exercise.reference, given)
        others = [_call(route, given) for route in exercise.also if set(_parameters(route)) <= set(given)]
        within = getattr(kind, "within", None)
        tolerance = 0.0 if within is None else float(_call(within, given))
    except Exception as error:  # the tables are the learner's own, and may be anything by now
        return tr("What you handed over could not be used: {error}", error=said_by(error))
    matcher: Kind = kind
    if any(matcher.matches(read, right, tolerance) for right in (target, *others)):
        return ""
    distances = [matcher.mistaken(read, _wrong(wrong, given, target), wrong.near) for wrong in exercise.wrong]
    nearest = min(distances, default=math.inf)
    if nearest < math.inf:
        return tr(exercise.wrong[distances.index(nearest)].message)
    return f"{matcher.miss(read, target, tolerance)} {tr('Expected: {expects}.', expects=_expects(exercise))}"


def _wrong(wrong: Wrong, given: dict[str, Any], target: Any) -> Any:
    """A wrong answer on the learner's data; of names, those that are not also right."""
    value = _call(wrong.value, given)
    return frozenset(value) - frozenset(target) if isinstance(value, (set, frozenset)) else value


def _rounding(x: float) -> float:
    """Half a unit of the last digit that was written, for a number of two digits or more; else as good as nothing."""
    exact = 1e-9 * abs(x)
    digits = Decimal(repr(float(x))).normalize() if math.isfinite(x) else Decimal(0)
    exponent = digits.as_tuple().exponent
    if len(digits.as_tuple().digits) < 2 or not isinstance(exponent, int) or exponent >= 0:
        return exact if abs(x) < 10 else max(exact, 0.5)
    return max(exact, 0.5 * 10.0**exponent)


def _expects(exercise: Exercise) -> str:
    kind = exercise.kind
    return tr(kind.expects) if isinstance(kind, Judged) else kind.expects


def _parameters(function: Callable[..., Any]) -> list[str]:
    """The names a function cannot do without."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind is not p.POSITIONAL_ONLY]


def _call(function: Callable[..., Any], given: dict[str, Any], *answer: Any) -> Any:
    """Call a function with those of the learner's data that it names (after the answer, for a judge)."""
    accepted = inspect.signature(function).parameters
    return function(*answer, **{name: value for name, value in given.items() if name in accepted})


def _not_yet(*lines: str) -> Result:
    return Result(tr("Not yet"), lines, "problem")


def _no_such(id: Any) -> str:
    known = [exercise.id for notebook in (*learner.NOTEBOOKS, learner.CAPSTONE) for exercise in of_notebook(notebook)]
    name = id[:40] if isinstance(id, str) else what_came(id)
    return tr("There is no exercise {name}; there are {known}.", name=name, known=", ".join(known))
