"""The system card: the questions that each layer asks of the learner's own project, and the answers so far.

The card is one Markdown file, ``system_card.md`` in the learner's folder, that may also be edited by hand. The capstone
asks a few of the questions of its own desk and keeps them apart, in ``capstone_card.md``. An answer that is overwritten
stays below the new one as an earlier answer; text that belongs to no question is kept at the end.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mllayers.course import learner
from mllayers.course.answers import is_blank, what_came
from mllayers.course.notes import Note, Page, Quote
from mllayers.course.words import tr

LONGEST = 20_000  # characters of an answer: what is longer belongs in a file of its own
FILE, CAPSTONE_FILE = "system_card.md", "capstone_card.md"

LAYERS = {"01": "Data", "02": "Prediction", "03": "Decision", "04": "Action", "05": "Feedback"}

# Notebook -> name of the question -> question. The names are the keyword arguments of `card`.
QUESTIONS: dict[str, dict[str, str]] = {
    "01": {
        "sentence": "Before any code, in one sentence: who decides what, so that which business outcome happens?",
        "sample": "Which cases will the system meet that are rare or absent in its training data, and what decided "
        "that they are absent?",
        "unlabelled": "Which cases never get a label, because of which rule, review or block, and what could hide "
        "among them?",
        "audit": "How many cases, drawn at random, could be checked by hand each month, at what price each, and who "
        "would agree to that?",
        "shift": "What will be different in three months (markets, prices, seasons, opponents, a changed field), and "
        "which column would show it first?",
    },
    "02": {
        "baseline": "What does the simplest alternative (do nothing, treat everyone, one rule) earn today, in money a "
        "month?",
        "unused": "If the scores stopped tomorrow, who would do what differently? If nobody, what is the model for?",
        "probability": "Does anybody use the score as a probability, or only its order? When was its calibration last "
        "checked, on which cases?",
        "alignment": "Does the model with the best loss also make the most money? On which data, with whose labels, "
        "was that counted?",
    },
    "03": {
        "tiers": "What happens at every score from 0 to 1, and when the score is missing? Who owns each of these "
        "actions?",
        "prices": "What does each outcome (acted rightly, acted in vain, missed, left alone) earn or cost in money, "
        "and who said so?",
        "capacity": "How many cases can be handled a day, which ones are dropped beyond that, and what would one more "
        "be worth?",
        "segments": "For every segment or cluster that is reported: which action is different because of it?",
    },
    "04": {
        "change": "What does the action change, compared with leaving the same case alone, and which experiment says "
        "so?",
        "break_even": "What does one action cost in all (contact, redemption, discount for those who would have come "
        "anyway), and at which effect does it stop paying?",
        "fires": "What exactly happens in the world when the decision fires? What keeps it from firing twice, and who "
        "can stop it?",
        "hold_out": "Which share is left alone on purpose, for how long, and is that enough to see the effect?",
    },
    "05": {
        "outcomes": "Which outcomes come back, after how long, and for which decisions will none ever come back?",
        "exploration": "Which share of the decisions is left to chance with a recorded probability, and what does "
        "that cost?",
        "alarm": "Which number would show that the system is confidently wrong, who is told, and how many false "
        "alarms a year are bearable?",
        "stop": "Who may switch the system off or back, how, and how long does that take?",
    },
}

CAPSTONE = ("sentence", "unlabelled", "probability", "prices", "change", "outcomes")
"""What the capstone asks: at least one question of each layer."""

_TITLE = "# System card"
_ABOUT = "Edit the answers here or in the notebooks; nothing you write is thrown away."
_UNANSWERED = "*Not answered yet.*"
_EARLIER = "> *Earlier:* "
_NOTES = "## Notes"
_HEADING = re.compile(r"### `(\w+)`")
_OURS = {_TITLE, _ABOUT, _NOTES, *(f"## Layer {int(n)}: {name}" for n, name in LAYERS.items())}


@dataclass(frozen=True)
class Answer:
    """The answer to one question, and the answers it replaced, oldest first."""

    text: str = ""
    earlier: tuple[str, ...] = ()

    def revised(self, text: str) -> Answer:
        """The same with a new answer; nothing is lost, nothing is kept twice."""
        if not text or text == self.text:
            return self
        earlier = [old for old in (*self.earlier, self.text) if old and old != text]
        return Answer(text, tuple(dict.fromkeys(earlier)))


@dataclass(frozen=True)
class Card:
    """Everything a card holds: an answer for each question, and the learner's own notes."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    notes: str = ""


def card(notebook: str | None = None, answers: Mapping[str, Any] | None = None, /, **more: Any) -> Page | Note:
    """Ask a notebook's questions of the learner's own project, and keep the answers.

    Parameters
    ----------
    notebook : str, optional
        ``"01"`` to ``"05"`` or ``"capstone"``; without it the whole card is shown.
    answers : mapping, optional
        Question name to answer. Blank (``____``) and empty answers stay open.
    **more : Any
        The same as keywords: ``card("01", sentence="The fraud desk …", audit=____)``.

    Returns
    -------
    Page
        The questions with their answers as they stand now, how many are still open, and where they are kept. It shows
        itself.
    """
    return _card(notebook, answers, more).show()  # type: ignore[no-any-return]


def _card(notebook: Any, answers: Any, more: dict[str, Any]) -> Page | Note:
    if notebook is None:
        return Page((*_shown(parse(learner.read(FILE)), list(LAYERS)), learner.where(FILE)))
    key = learner.as_key(notebook)
    if not key:
        said = tr("There is no notebook {came}; the card has 01 to 05.", came=_name(notebook))
        return Note(tr("Not yet"), (said,), "problem")
    if is_blank(answers) and not isinstance(answers, Mapping):
        answers = {}
    if answers is not None and not isinstance(answers, Mapping):
        call = '`card("01", sentence="…")`'
        came = what_came(answers)
        said = tr("The card takes {call} or a dict of question names and answers; got {came}.", call=call, came=came)
        return Note(tr("Not yet"), (said,), "problem")
    file, asked = (CAPSTONE_FILE if key == learner.CAPSTONE else FILE), _asked(key)
    known: dict[str, str] = {}
    strangers, odd = [], []
    for name, value in {**(answers or {}), **more}.items():
        if not isinstance(name, str) or name not in asked:
            strangers.append(_name(name))
            continue
        text, trouble = _as_text(value)
        if trouble:
            odd.append(f"`{name}` ({trouble})")
        elif text:
            known[name] = text
    notice = ""
    if known:
        only = asked if file == CAPSTONE_FILE else None
        notice = learner.update(file, lambda text: write(_revise(parse(text), known), only), sound=lambda text: True)
    parts: list[str | Quote] = _shown(parse(learner.read(file)), [key])
    if odd:
        parts.append(tr("Not kept: {odd}. An answer is a text in quotes.", odd=", ".join(odd)))
    if strangers:
        said = tr("Not kept, because no question has that name: {names}. The names are {asked}.",
                  names=", ".join(strangers), asked=", ".join(f"`{name}`" for name in asked))  # fmt: skip
        parts.append(said)
    return Page((*parts, notice or learner.where(file)))


def _asked(notebook: str) -> dict[str, str]:
    """The questions of a notebook, by name."""
    if notebook != learner.CAPSTONE:
        return QUESTIONS[notebook]
    every = {name: question for questions in QUESTIONS.values() for name, question in questions.items()}
    return {name: every[name] for name in CAPSTONE}


def _name(x: Any) -> str:
    """What was given as a name, in a few characters."""
    return x[:40] if isinstance(x, str) else str(x) if type(x) is int and abs(x) < 10**9 else what_came(x)


def parse(text: str) -> Card:
    """Read a card, also one that was edited by hand: what stands under a question is its answer."""
    bodies: dict[str, list[str]] = {}
    notes: list[str] = []
    names = {name for questions in QUESTIONS.values() for name in questions}
    current = notes
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        heading = _HEADING.match(line)
        if heading and heading[1] in names:
            current = bodies.setdefault(heading[1], [])
        elif line.rstrip() in _OURS:
            current = notes
        else:
            current.append(line)
    return Card({name: _answer(body) for name, body in bodies.items()}, "\n".join(notes).strip())


def write(card: Card, only: Collection[str] | None = None) -> str:
    """The card as Markdown, with all questions or only these and the answered ones; `parse` reads it back."""
    parts = [_TITLE, _ABOUT]
    for number, name in LAYERS.items():
        parts.append(f"## Layer {int(number)}: {name}")
        for key, question in QUESTIONS[number].items():
            if only is not None and key not in only and key not in card.answers:
                continue
            answer = card.answers.get(key, Answer())
            parts.append(f"### `{key}` {question}")
            parts.append(_escape(answer.text) if answer.text else _UNANSWERED)
            parts += ["\n".join(_EARLIER + line if not i else f"> {line}" for i, line in enumerate(old.split("\n")))
                      for old in answer.earlier]  # fmt: skip
    if card.notes:
        parts += [_NOTES, card.notes]
    return "\n\n".join(parts) + "\n"


def _revise(card: Card, given: Mapping[str, str]) -> Card:
    answers = {**card.answers, **{name: card.answers.get(name, Answer()).revised(given[name]) for name in given}}
    return replace(card, answers=answers)


def _as_text(value: Any) -> tuple[str, str]:
    """An answer as text with plain line ends, and why it is none; blank, nothing and only blanks are no answer."""
    if value is None or is_blank(value):
        return "", ""
    if not isinstance(value, (str, int, float)):
        return "", what_came(value)
    try:
        text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    except Exception:  # an endless number, a text of a class of its own
        return "", what_came(value)
    if len(text) > LONGEST:
        told = tr("{n} characters; keep what is longer than {most} in a file and name it here", n=f"{len(text):,}",
                  most=f"{LONGEST:,}")  # fmt: skip
        return "", told
    return text.encode(errors="replace").decode().strip(), ""


def _answer(body: list[str]) -> Answer:
    lines: list[str] = []
    earlier: list[str] = []
    inside = False
    for line in body:
        if line.startswith(_EARLIER):
            earlier.append(line.removeprefix(_EARLIER))
            inside = True
        elif line.startswith(">") and inside:
            earlier[-1] += "\n" + line[1:].removeprefix(" ")
        else:
            inside = False
            lines.append("" if line.strip() == _UNANSWERED else line)
    return Answer(_unescape("\n".join(lines).strip()), tuple(earlier))


def _shown(card: Card, notebooks: list[str]) -> list[str | Quote]:
    parts: list[str | Quote] = []
    for number in notebooks:
        questions = _asked(number)
        texts = {name: card.answers.get(name, Answer()).text for name in questions}
        done = sum(bool(text) for text in texts.values())
        layer = tr("System card of the capstone.")
        if number in LAYERS:
            layer = tr("System card, layer {n}: {name}.", n=int(number), name=tr(LAYERS[number]))
        told = tr("{done} of {all} questions answered, {left} open.", done=done, all=len(questions),
                  left=len(questions) - done)  # fmt: skip
        parts.append(f"**{layer}** {told}")
        for name, question in questions.items():
            parts += [f"**{tr(question)}** (`{name}`)", Quote(texts[name] or tr("Not answered yet."))]
    if card.notes and len(notebooks) > 1:
        parts.append(Quote(card.notes))
    return parts


# Lines of an answer that would read as a part of the card get a backslash, which Markdown does not show.
_SPECIAL = re.compile(r"^(\\*)(?=#|> \*Earlier:|\*Not answered yet\.\*)", re.MULTILINE)


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\1\\", text)


def _unescape(text: str) -> str:
    return re.sub(r"^\\(\\*)(?=#|> \*Earlier:|\*Not answered yet\.\*)", r"\1", text, flags=re.MULTILINE)
