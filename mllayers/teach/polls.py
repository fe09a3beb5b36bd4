"""Five polls: a question, the usual wrong answer, what it reveals, and the cells that settle it.

Two pages: one for the teacher, with the answers, and one for the wall, where a question and its options fill a screen
and nothing tells which of them is right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mllayers.teach import paper, text
from mllayers.teach.places import Place, place

__all__ = ["Poll", "polls", "questions", "write"]

_STYLE = """section { break-inside: avoid; border-top: 1px solid #8888; padding: .5em 0; }
section p:first-of-type { font-size: 1.05em; } ul { margin: .2em 0; }
.usual::after { content: " ← usual"; opacity: .8; }
.right::after { content: " ← right"; font-weight: bold; }
@media print { .wall { display: none; } @page { size: A4; margin: 12mm; } body { font-size: 9pt; line-height: 1.22;
  margin: 0; max-width: none; padding: 0; } }"""

_WALL = """html { scroll-snap-type: y mandatory; }
body { font-size: max(20px, min(2.6vw, 4.7vh)); line-height: 1.3; margin: 0; max-width: none; padding: 0; }
h1, section { scroll-snap-align: start; }
h1 { font-size: 1.5em; margin: 0; padding: 8vh 5vw 0; min-height: 25vh; box-sizing: border-box; }
nav { display: flow-root; min-height: 75vh; padding: 0 5vw; box-sizing: border-box; }
nav ol { margin: 0; }
nav li { margin: .35em 0; }
section { min-height: 100vh; padding: 3vh 5vw; box-sizing: border-box; display: flex; flex-direction: column;
  justify-content: center; gap: .7em; border-top: 1px solid #8888; }
h2, .how { font-size: max(.72em, min(24px, 4vw)); font-weight: normal; margin: 0; opacity: .85; }
.how { display: flex; flex-wrap: wrap; justify-content: space-between; column-gap: 1em; }
.asked { font-weight: bold; font-size: 1.08em; margin: 0; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .45em .7em; margin: 0; } dd { margin: 0; }
dt { font-weight: bold; }
@media print { @page { size: A4 landscape; margin: 14mm; } body { font-size: 22pt; } h1, nav, .how a { display: none; }
  section { min-height: 0; height: 170mm; padding: 0; border: 0; break-inside: avoid; break-after: page; }
  section:last-of-type { break-after: auto; } }"""

# A presenter's remote and the keys of the slides: to the right is the next screen.
_KEYS = """<script>
const screens = [...document.querySelectorAll('h1, section')];
addEventListener('keydown', event => {
  const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  const now = screens.findLastIndex(screen => screen.getBoundingClientRect().top < 9);
  screens[Math.max(0, Math.min(screens.length - 1, now + step))].scrollIntoView();
  event.preventDefault();
});
</script>"""
_HOW = "Alone first, on your fingers: A is one, D is four. Then with a neighbour. Then again."


@dataclass(frozen=True)
class Poll:
    """One poll.

    Attributes
    ----------
    name : str
    at : Place
        The cells that settle it.
    usual, right : str
        Letters.
    question : str
    options : dict of str to str
        By letter.
    reveals, settles : str
    """

    name: str
    at: Place
    usual: str
    right: str
    question: str
    options: dict[str, str]
    reveals: str
    settles: str


def polls(folder: Path = text.FOLDER) -> dict[str, Poll]:
    """The polls by name, as they are written.

    Raises
    ------
    ValueError
        For a poll without one of its parts, or a place that does not exist.
    """
    found = text.parts(text.written("polls", folder))
    return {name: _poll(name, told) for name, told in found.items() if name}


def _poll(name: str, told: str) -> Poll:
    lines = dict(re.findall(r"(?m)^(Place|Usual|Right): (.+)$", told))
    options = dict(re.findall(r"(?m)^- ([A-D]): (.+)$", told))
    question = re.search(r"(?m)^\*\*(.+)\*\*$", told)
    reveals = re.search(r"(?m)^\*\*What [A-D] reveals\.\*\* (.+)$", told)
    settles = re.search(r"(?m)^\*\*Settles it\.\*\* (.+)$", told)
    if len(lines) < 3 or not {lines["Usual"], lines["Right"]} <= set(options) or not (question and reveals and settles):
        raise ValueError(
            f"poll {name!r} lacks its place, letters, question, options, what it reveals or what settles it"
        )
    at = place(lines["Place"])
    return Poll(name, at, lines["Usual"], lines["Right"], question[1], options, reveals[1], settles[1])


def questions() -> str:
    """The page for the wall: each question with its options on a screen of its own, or on a sheet; no answers."""
    found = polls()
    names = "".join(f'<li><a href="#poll-{n}">{text.inline(name)}</a></li>' for n, name in enumerate(found, start=1))
    body = [f"<nav><ol>{names}</ol></nav>"]
    for n, poll in enumerate(found.values(), start=1):
        options = "".join(f"<dt>{letter}</dt><dd>{text.inline(told)}</dd>" for letter, told in poll.options.items())
        body.append(
            f'<section id="poll-{n}"><h2>Poll {n}: {text.inline(poll.name)}</h2>'
            f'<p class="asked">{text.inline(poll.question)}</p><dl>{options}</dl>'
            f'<p class="how"><span>{_HOW}</span> <a href="#">All polls</a></p></section>'
        )
    return paper.page("Five questions for the room", "\n".join([*body, _KEYS]), _WALL)


def write(folder: Path) -> list[Path]:
    """Write all polls on one page for the teacher, and the page for the wall."""
    body = [text.html_of(text.parts(text.written("polls"))[""].partition("\n")[2])]
    for n, poll in enumerate(polls().values(), start=1):
        marks = {poll.usual: "usual", poll.right: "right"}
        options = "".join(
            f'<li class="{marks.get(letter, "")}">{letter}: {text.inline(option)}</li>'
            for letter, option in poll.options.items()
        )
        then = f"Settled in {poll.at.notebook}, {text.inline(poll.at.told.rstrip('?.'))}."
        body.append(
            f"<section><h2>{text.inline(poll.name)}</h2><p><strong>{text.inline(poll.question)}</strong></p>"
            f"<ul>{options}</ul><p><strong>What {poll.usual} reveals.</strong> {text.inline(poll.reveals)}</p>"
            f"<p><strong>{then}</strong> {text.inline(poll.settles)}</p>"
            f'<p class="wall"><a href="questions.html#poll-{n}">To project, without the answer</a></p></section>'
        )
    whole = paper.page("Five polls, with the answers: for you alone", "\n".join(body), _STYLE)
    return [paper.write(folder, "polls", whole), paper.write(folder, "questions", questions())]
