"""The words of the course, and the one place where another language puts its own.

English is written where it is said, inside ``tr("…")``; the exercises, beliefs, card questions and section headings are
English data. A language is one module ``mllayers/course/words_<code>.py`` (``words_de.py``) with a dictionary::

    WORDS = {"Not yet": "Noch nicht", "{n} more: run the cell again.": "Noch {n}: die Zelle noch einmal ausführen."}

from the English text to its own, with the same names in braces. What is not in it stays English, so that a translation
can grow; `missing` lists what is left. Its notebooks lie in ``notebooks/solved/<code>`` and begin with
``start("01", lang="<code>")``; the learner copies are made in ``notebooks/<code>``.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["SECTIONS", "TITLE", "every_text", "exists", "missing", "sections", "speak", "spoken", "title", "told", "tr"]

SECTIONS = {
    "question": "Layer",
    "setup": "Set up",
    "warm-up": "Warm-up",
    "case": "The case",
    "prediction": "Your prediction",
    "worked": "Worked example",
    "happened": "What happened",
    "play": "Play with it",
    "turn": "Your turn",
    "flip": "When does it flip?",
    "take": "Take it with you",
    "system": "Your own system",
    "take-aways": "Take-aways",
}
"""Sections of the core path, in order, and the words their headings begin with."""

TITLE = "Layer N — Name: the one question?"
"""How a notebook's title is written: a word for *layer*, the number, the layer's name, a question."""

_speaking = "en"


def tr(text: str, /, **values: object) -> str:
    """An English text in the language that is spoken now, its names in braces filled in.

    Examples
    --------
    >>> tr("Hint {n} of {all}", n=1, all=3)
    'Hint 1 of 3'
    """
    said = told(text, _speaking)
    return said.format(**values) if values else said


def speak(code: str) -> None:
    """From now on, answer in this language (``"en"``, ``"de"``, …).

    Raises
    ------
    ValueError
        When there is no such language.
    """
    global _speaking
    if not exists(code):
        raise ValueError(f"lang must be a language that the course has; got {code!r}")
    _speaking = code


def spoken() -> str:
    """The language that is spoken now."""
    return _speaking


def exists(code: object) -> bool:
    """Whether the course has a language."""
    if not isinstance(code, str) or not re.fullmatch("[a-z]{2,3}", code):
        return False
    return code == "en" or importlib.util.find_spec(_module(code)) is not None


def told(text: str, code: str) -> str:
    """An English text in a language, whichever is spoken now."""
    return _table(code).get(text, text)


def sections(code: str = "en") -> dict[str, str]:
    """The sections of the core path in a language: name and the words the heading begins with."""
    return {name: told(words, code) for name, words in SECTIONS.items()}


def title(code: str = "en") -> re.Pattern[str]:
    """What a notebook's title looks like in a language."""
    return re.compile(rf"{re.escape(sections(code)['question'])} [1-5] [—–] \w+: .+\?")


def every_text() -> list[str]:
    """All English texts of the course, in order: what a translator has to write, notebooks apart."""
    return list(dict.fromkeys(_every_text()))


def missing(code: str) -> list[str]:
    """The English texts that a language does not have yet, or has with other names in braces."""
    table = _table(code)
    return [text for text in every_text() if text not in table or _names(text) != _names(table[text])]


def _names(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


def _every_text() -> Iterator[str]:
    from mllayers.course.beliefs import BELIEFS, MARKS
    from mllayers.course.card import LAYERS, QUESTIONS
    from mllayers.course.exercises import Judged, of_notebook

    yield from SECTIONS.values()
    yield from LAYERS.values()
    for questions in QUESTIONS.values():
        yield from questions.values()
    yield from MARKS
    for belief in BELIEFS:
        yield from (belief.statement, belief.finding)
    for notebook in (*LAYERS, "capstone"):
        for exercise in of_notebook(notebook):
            yield from (exercise.ask, *exercise.hints, exercise.reasoning)
            yield from (wrong.message for wrong in exercise.wrong)
            yield from (x for name in ("unit", "what", "within_says") if (x := getattr(exercise.kind, name, "")))
            yield from (exercise.kind.expects,) if isinstance(exercise.kind, Judged) else ()
        constants = vars(importlib.import_module(f"mllayers.course.exercises_{notebook}"))
        yield from (x for name, x in constants.items() if name.isupper() and isinstance(x, str))  # what a judge says
    for path in sorted(Path(__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="tr"), args=[ast.Constant(value=str(text)), *_]):
                    yield text


def _module(code: str) -> str:
    return f"mllayers.course.words_{code}"


def _table(code: str) -> dict[str, str]:
    if code == "en":
        return {}
    table: dict[str, str] = importlib.import_module(_module(code)).WORDS
    return table
