"""How long a notebook takes: words, code lines, and the stated minutes of exercises and play.

An estimate, and marked so, until people have been timed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mllayers.course.words import told

__all__ = ["SECONDS_A_LINE", "WORDS_A_MINUTE", "Section", "estimated", "minutes_of", "said", "write"]

WORDS_A_MINUTE = 180
SECONDS_A_LINE = 8
ABOUT = "*About {n} min (estimated).*"
SUM = "**{core} minutes** for the core path, {optional} more for the optional sections (estimated)"
ALONE = "**{core} minutes** (estimated)"
"""The sum of a notebook without optional sections."""


@dataclass(frozen=True)
class Section:
    """A section and its estimated minutes.

    Attributes
    ----------
    name : str
    optional : bool
    first : int
        The cell that opens it.
    minutes : int
        Rounded up.
    words, lines : int
        Words of the text and of what code says to the reader; code lines.
    """

    name: str
    optional: bool
    first: int
    minutes: int
    words: int
    lines: int


def estimated(notebook: Any) -> list[Section]:
    """The sections of a solved notebook with their estimated minutes.

    Words at 180 a minute, 8 seconds a code line, and the minutes that cells state as ``work`` (an exercise, a
    prediction, playing with a widget).
    """
    found: list[Section] = []
    opened = [n for n, cell in enumerate(notebook.cells) if "section" in cell.metadata.get("mllayers", {})]
    for first, end in zip(opened, [*opened[1:], len(notebook.cells)], strict=False):
        cells = notebook.cells[first:end]
        words, lines, minutes = sum(map(_words, cells)), sum(map(_lines, cells)), minutes_of(cells)
        opening = cells[0].metadata
        found.append(
            Section(opening["mllayers"]["section"], "optional" in opening.get("tags", ()), first, minutes, words, lines)
        )
    return found


def minutes_of(cells: Iterable[Any]) -> int:
    """The estimated minutes of some cells of a solved notebook, rounded up."""
    taken = list(cells)
    words, lines = sum(map(_words, taken)), sum(map(_lines, taken))
    work: float = sum(cell.metadata.get("mllayers", {}).get("work", 0) for cell in taken)
    return max(1, math.ceil(words / WORDS_A_MINUTE + lines * SECONDS_A_LINE / 60 + work))


def write(notebook: Any, language: str = "en") -> None:
    """Put the estimated minutes where they are read: each section's second line, its metadata, the sum in the first."""
    found = estimated(notebook)
    about = told(ABOUT, language)
    pattern = re.compile(re.escape(about).replace(re.escape("{n}"), r"\d+"))
    for section in found:
        cell = notebook.cells[section.first]
        cell.metadata["mllayers"]["minutes"] = section.minutes
        if section.name == "question":
            continue
        line = about.format(n=section.minutes)
        heading, _, rest = cell.source.partition("\n")
        if pattern.search(rest):
            cell.source = f"{heading}\n{pattern.sub(line, rest, count=1)}"
        else:
            cell.source = f"{heading}\n\n{line}\n\n{rest.lstrip()}".rstrip()
    if found:
        either = "|".join(re.escape(told(text, language)) for text in (SUM, ALONE))
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", r"\\d+", either))
        first = notebook.cells[found[0].first]
        first.source = pattern.sub(said(notebook, language), first.source, count=1)


def said(notebook: Any, language: str = "en") -> str:
    """The words of the sum, which stand in the first cell."""
    found = estimated(notebook)
    core, optional = (sum(s.minutes for s in found if s.optional is kind) for kind in (False, True))
    return told(SUM if optional else ALONE, language).format(core=core, optional=optional)


def _words(cell: Any) -> int:
    """The words of a text cell, or those that a code cell says: sentences, not tables or folded numbers."""
    if cell.cell_type == "markdown":
        return _to_read(cell.source)
    said = 0
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" not in data:
            page = re.sub(r"<details>.*?</details>|<table.*?</table>", " ", data.get("text/html", ""), flags=re.DOTALL)
            said += _to_read(data.get("text/markdown") or page)
    return said


def _to_read(text: str) -> int:
    """The words of Markdown; a table is scanned, not read, so its words count half, and its lines are none."""
    plain = re.sub(r"<[^>]+>|^\*About \d+ min.*$", " ", text, flags=re.MULTILINE)
    prose, scanned = 0, 0
    for line in plain.splitlines():
        if line.lstrip().startswith("|"):
            scanned += len(re.findall(r"[^\s|]*\w[^\s|]*", line))
        else:
            prose += len(line.split())
    return prose + math.ceil(scanned / 2)


def _lines(cell: Any) -> int:
    """The lines that a learner reads: code without blank ones and imports."""
    if cell.cell_type != "code":
        return 0
    return sum(bool(line.strip()) and not line.startswith(("import ", "from ")) for line in cell.source.splitlines())
