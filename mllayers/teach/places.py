"""Places in the notebooks, as the teacher's pages name them: what stands there, how long it takes, what it shows.

A place is written ``04 happened`` (a section), ``01 setup…happened`` (the sections from one to another) or
``04 happened: four meanings`` (below a heading of a section that holds these words, and only it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat

from mllayers.course.minutes import estimated, minutes_of

__all__ = ["Place", "numbers_in", "place", "shown"]

SOLVED = Path("notebooks/solved")
_PLACE = re.compile(r"(\d\d) ([\w-]+)(?:…([\w-]+))?(?:: (.+))?")
_NUMBER = re.compile(r"[−-]?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Place:
    """Some cells of a solved notebook, one after the other.

    Attributes
    ----------
    notebook : str
        ``"04"``.
    told : str
        The headings, as a reader finds them.
    cells : tuple
    minutes : int
        Estimated, as the notebook's own are.
    """

    notebook: str
    told: str
    cells: tuple[Any, ...]

    @property
    def minutes(self) -> int:
        """Estimated, with the rule of the notebooks."""
        return minutes_of(self.cells)


@cache
def _notebook(number: str, folder: Path) -> Any:
    path = next(folder.glob(f"{number}_*.ipynb"), None)
    if path is None:
        raise ValueError(f"there is no notebook {number} in {folder}: run this from the project's folder")
    return nbformat.read(path, as_version=4)


def place(words: str, folder: Path = SOLVED) -> Place:
    """The place that the words name.

    Raises
    ------
    ValueError
        If the words are none, or the notebook has no such section or heading.
    """
    found = _PLACE.fullmatch(words.strip())
    if found is None:
        raise ValueError(f"a place must read like '04 happened' or '04 happened: Four meanings'; got {words!r}")
    number, first, last, below = found.groups()
    notebook = _notebook(number, folder)
    sections = estimated(notebook)
    names = [section.name for section in sections]
    for name in filter(None, (first, last)):
        if name not in names:
            raise ValueError(f"notebook {number} has no section {name!r}; it has {', '.join(names)}")
    begins, ends = names.index(first), names.index(last or first)
    if ends < begins:
        raise ValueError(f"section {last!r} of notebook {number} stands before {first!r}")
    starts = [section.first for section in sections] + [len(notebook.cells)]
    cells = notebook.cells[starts[begins] : starts[ends + 1]]
    headings = [_heading(notebook.cells[starts[at]], 2) for at in sorted({begins, ends})]
    told = " to ".join(headings)
    if below is not None:
        cells, heading = _below(cells, below, words)
        told = f"{told}: {heading}"
    return Place(number, told, tuple(cells))


def _heading(cell: Any, level: int) -> str:
    """The first heading of a cell, without its number signs; the title says its layer."""
    found = re.search(rf"(?m)^#{{1,{level}}} (.+)$", cell.source)
    return re.sub(r"^Layer \d — (\w+):.*", r"\1", found[1].strip()) if found else ""


def _below(cells: list[Any], words: str, place: str) -> tuple[list[Any], str]:
    """The cells from the one that holds a heading to the next heading of its kind."""
    levels = [[line[4:].strip() for line in cell.source.splitlines() if line.startswith("### ")] for cell in cells]
    levels = [found if cell.cell_type == "markdown" else [] for cell, found in zip(cells, levels, strict=True)]
    at = [n for n, found in enumerate(levels) if any(words.lower() in heading.lower() for heading in found)]
    if len(at) != 1:
        known = "; ".join(heading for found in levels for heading in found)
        raise ValueError(f"{place!r} names {'no' if not at else 'more than one'} heading; there are: {known}")
    heading = next(heading for heading in levels[at[0]] if words.lower() in heading.lower())
    end = next((n for n in range(at[0] + 1, len(cells)) if levels[n]), len(cells))
    return cells[at[0] : end], heading


def shown(cells: Iterable[Any]) -> str:
    """All that a reader sees in some cells: text, code, and what stored outputs say (pictures by their words)."""
    said: list[str] = []
    for cell in cells:
        said.append(cell.source)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            said += [output.get("text", ""), data.get("text/plain", ""), data.get("text/markdown", "")]
            said.append(re.sub(r"<[^>]+>", " ", data.get("text/html", "")))
    return re.sub(r"<span>&#36;</span>|&#36;", "$", "\n".join(said))


def numbers_in(text: str) -> set[str]:
    """The numbers that stand in a text, as they are written, with one kind of minus."""
    return {number.replace("-", "−").rstrip(",") for number in _NUMBER.findall(text)}
