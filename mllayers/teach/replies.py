"""What learners get wrong, and what to say: made from the checkers themselves, exercise by exercise."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import nbformat

from mllayers.course.answers import in_words
from mllayers.course.exercises import Exercise, Names, Number, of_notebook
from mllayers.course.learner import CAPSTONE
from mllayers.teach import paper, text
from mllayers.teach.capstone import BOX, ROOM, larder
from mllayers.teach.places import SOLVED

__all__ = ["NOTEBOOKS", "Expected", "expected", "literals", "write"]

NOTEBOOKS = ("01", "02", "03", "04", "05")
_NONE: Mapping[str, Any] = MappingProxyType({})
_STYLE = """section { break-inside: avoid; border-top: 1px solid #8888; padding: .35em 0; }
table { border-collapse: collapse; width: 100%; margin: .2em 0; }
th, td { border: 1px solid #8888; padding: .15em .4em; text-align: left; vertical-align: top; }
td:first-child { width: 34%; } td:first-child strong { white-space: nowrap; }
@media print { @page { size: A4; margin: 10mm; } body { font-size: 8.4pt; margin: 0; max-width: none; padding: 0; } }"""

_LARGE = """body { max-width: 46rem; } li { margin: .7em 0; }
@media print { @page { size: A4; margin: 18mm; } body { font-size: 13pt; margin: 0; max-width: none; padding: 0; } }"""


@dataclass(frozen=True)
class Expected:
    """One exercise as a teacher meets it.

    Attributes
    ----------
    exercise : Exercise
    given : dict or None
        What the notebook's check is given, where that is written there as numbers, or is the capstone's own world; then
        the answers can be told.
    wrong : tuple of (str, str, str)
        What went wrong, the answer that the learner then has (empty where it depends on tables), the reply.
    right : str
        The right answer, where it can be told.
    """

    exercise: Exercise
    given: dict[str, Any] | None
    wrong: tuple[tuple[str, str, str], ...]
    right: str


def expected(notebook: str, folder: Path = SOLVED) -> Iterator[Expected]:
    """The exercises of a notebook (``"01"``, ``"capstone"``) with the wrong answers that their checks know."""
    cells = _cells(notebook, folder)
    names = _of_the_larder(_seed(cells)) if notebook == CAPSTONE else _NONE
    for exercise in of_notebook(notebook):
        given = literals(cells, exercise.id, names) if isinstance(exercise.kind, Number | Names) else None
        wrong = [
            (wrong.name, "" if given is None else _told(exercise, wrong.value(**given)), wrong.message)
            for wrong in exercise.wrong
        ]
        yield Expected(
            exercise, given, tuple(wrong), "" if given is None else _told(exercise, exercise.reference(**given))
        )


def literals(cells: Any, id: str, names: Mapping[str, Any] = _NONE) -> dict[str, Any] | None:
    """What ``check(id, answer, …)`` is given in the notebook, if all of it is written as numbers or text, or named."""
    for cell in cells:
        if cell.cell_type != "code" or f'check("{id}"' not in cell.source:
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check":
                try:
                    if ast.literal_eval(node.args[0]) == id:
                        return {str(word.arg): _value(word.value, names) for word in node.keywords}
                except ValueError:
                    return None
    return None


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """What is written there; `ValueError` where it is a name that is not known."""
    return names[node.id] if isinstance(node, ast.Name) and node.id in names else ast.literal_eval(node)


def _cells(notebook: str, folder: Path) -> Any:
    [path] = (folder / "teach").glob("capstone.ipynb") if notebook == CAPSTONE else folder.glob(f"{notebook}_*.ipynb")
    return nbformat.read(path, as_version=4).cells


def _seed(cells: Any) -> int:
    """The seed of a notebook, as it is written there."""
    found = re.search(r"(?m)^SEED = (\d+)$", "\n".join(cell.source for cell in cells if cell.cell_type == "code"))
    if found is None:
        raise ValueError("the notebook must have a line such as SEED = 2026; got none")
    return int(found[1])


def _of_the_larder(seed: int) -> dict[str, Any]:
    """What the capstone's notebook calls its tables and its numbers."""
    world = larder(seed)
    pilot, renewals = (table.filter(regex="^[^_]") for table in (world.pilot, world.renewals))
    return {"pilot": pilot, "renewals": renewals, "BOX": BOX, "ROOM": ROOM}


def _told(exercise: Exercise, answer: Any) -> str:
    if isinstance(exercise.kind, Names):
        return ", ".join(sorted(answer))
    unit = exercise.kind.unit if isinstance(exercise.kind, Number) else ""
    return in_words(float(answer), {"dollars": "$", "share": ""}.get(unit, unit))


def write(folder: Path) -> list[Path]:
    """Write a page with the replies of each notebook and of the capstone, and one with ten things to say."""
    made = []
    for notebook in (*NOTEBOOKS, CAPSTONE):
        if notebook == CAPSTONE:
            title = "Capstone"
            seed = _seed(_cells(notebook, SOLVED))
            numbers = f"The answers are those of the notebook as it is handed out, with SEED = {seed}."
        else:
            title = f"Notebook {int(notebook)}"
            numbers = "A number stands where the exercise itself is made of numbers."
        body = [f"<p>What the check says, and so can you. {numbers}</p>"]
        for one in expected(notebook):
            exercise = one.exercise
            rows = "".join(
                f"<tr><td>{text.inline(name)}{f': <strong>{html.escape(value)}</strong>' if value else ''}</td>"
                f"<td>{text.inline(reply)}</td></tr>"
                for name, value, reply in one.wrong
            )
            right = f" <strong>Right: {html.escape(one.right)}.</strong>" if one.right else ""
            body.append(
                f"<section><h2>{exercise.id}</h2><p>{text.inline(exercise.ask)}{right}</p>"
                '<table><thead><tr><th scope="col">What went wrong</th><th scope="col">Reply</th></tr></thead>'
                f"<tbody>{rows}</tbody></table><p><em>Once it is right:</em> {text.inline(exercise.reasoning)}</p>"
                "</section>"
            )
        whole = paper.page(f"{title}: expected wrong answers, with replies", "\n".join(body), _STYLE)
        made.append(paper.write(folder, f"replies-{notebook}", whole))
    stuck = text.written("stuck")
    title, _, rest = stuck.partition("\n")
    return [*made, paper.write(folder, "stuck", paper.page(title.lstrip("# "), text.html_of(rest), _LARGE))]
