"""Five polls: a question, the usual wrong answer, what it reveals, and the cells that settle it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mllayers.teach import paper, text
from mllayers.teach.places import Place, place

__all__ = ["Poll", "polls", "write"]

_STYLE = """section { break-inside: avoid; border-top: 1px solid #8888; padding: .5em 0; }
section p:first-of-type { font-size: 1.05em; } ul { margin: .2em 0; }
.usual::after { content: " ← usual"; opacity: .8; }
.right::after { content: " ← right"; font-weight: bold; }
@media print { @page { size: A4; margin: 12mm; } body { font-size: 9pt; line-height: 1.22;
  margin: 0; max-width: none; padding: 0; } }"""


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


def write(folder: Path) -> list[Path]:
    """Write all polls on one page."""
    body = [text.html_of(text.parts(text.written("polls"))[""].partition("\n")[2])]
    for poll in polls().values():
        marks = {poll.usual: "usual", poll.right: "right"}
        options = "".join(
            f'<li class="{marks.get(letter, "")}">{letter}: {text.inline(option)}</li>'
            for letter, option in poll.options.items()
        )
        then = f"Settled in {poll.at.notebook}, {text.inline(poll.at.told.rstrip('?.'))}."
        body.append(
            f"<section><h2>{text.inline(poll.name)}</h2><p><strong>{text.inline(poll.question)}</strong></p>"
            f"<ul>{options}</ul><p><strong>What {poll.usual} reveals.</strong> {text.inline(poll.reveals)}</p>"
            f"<p><strong>{then}</strong> {text.inline(poll.settles)}</p></section>"
        )
    return [paper.write(folder, "polls", paper.page("Five polls", "\n".join(body), _STYLE))]
