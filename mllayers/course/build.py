"""The two copies of a notebook: executes the solved one and makes the learner's from it.

``notebooks/solved/*.ipynb`` is the source of truth, with outputs. ``notebooks/*.ipynb`` is made from it by
``python -m mllayers build`` and never edited by hand. A translation lies in ``notebooks/solved/<code>`` and is made in
``notebooks/<code>`` (see `mllayers.course.words`); so do the notebooks beside the five, in ``notebooks/solved/teach``.
What lies in ``notebooks`` without a solved copy (a game that was played) is not made here.
A learner works in a copy of their own (`mllayers.course.learner`);
should one have worked in ``notebooks`` all the same, ``build`` keeps that notebook in the learner's folder before it
puts a new one in its place.

How a solved notebook is written
--------------------------------
Everything a tool needs to know stands in cell tags and in the cell metadata ``mllayers``.

**Sections.** The title is the only H1 and opens the section ``question``; every other section opens with an H2.
The cell that opens a section starts with that heading, says
``"mllayers": {"section": "setup"}`` and is tagged ``core`` or ``optional``; all cells up to the
next such cell belong to it. Sections and headings of the core path, in this order, are in `mllayers.course.words`
(a heading may go on after the stated words); optional sections have names and headings of their own and stand behind
it.

**Tags.** ``exercise``: the learner works here. ``lift-out``: pastes into any project. ``ground-truth``: may fit a
model on what the retailer never sees (columns that begin with ``_``). ``experiment`` and ``setup-experiment``: tests
run these cells, in order and alone, under other values of ``SEED``, which one of them assigns; they are plain Python.
``nbval-ignore-output``: the output is shown, but not compared.

**Metadata** under ``mllayers``:

========  ======================================================================================================
section   name of the section that this cell opens; ``minutes`` is estimated and written by ``build --execute``
work      minutes that this cell asks for beyond reading it: an exercise, a prediction, playing with a widget
claims    ``["C1.2"]``: the claims that this cell shows
blanks    ``["answer"]``: in the learner copy the whole right-hand side of each assignment to these names is ``____``,
          and so is what a call is given under such a keyword: ``["B1"]`` for ``believe("after", B1="agree")``
learner   the whole text of the cell in the learner copy, for "put in order" and "mend this" (any kind of cell)
try       on a lift-out cell: code that makes another table, calls what the cell defines and ends with an ``assert``
typed     ``["$5"]``: the numbers typed by hand into this text; a cell with an ``assert`` must hold each of them
========  ======================================================================================================

A code line that ends in ``# solution`` is left out of the learner copy. The set-up cell of both copies imports
``____``; it calls ``start("01", solved=True)`` in the solved one, which keeps nothing, and ``start("01")`` in the
learner's. Links are written as seen from ``notebooks/solved``: those to a notebook in the same folder stay, all others
are rewritten for the learner's folder.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import zip_longest
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from mllayers._files import write_text
from mllayers.course import learner, minutes, words
from mllayers.course.links import moved

_KEPT = ("tags", "mllayers", "slideshow")
_SOLVED_ONLY = ("blanks", "learner", "try", "typed", "work")
_NOTEBOOK = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_WIDGET = "application/vnd.jupyter.widget-view+json"
_SOLVED = re.compile(r"""(\bstart\([^)\n]*?), *solved=True""")


class BuildError(Exception):
    """A notebook that cannot be built, with the cell and the reason."""


def build(
    paths: Iterable[str | os.PathLike[str]] = (),
    *,
    check: bool = False,
    execute: bool = False,
    say: Callable[[str], object] = print,
) -> int:
    """Make the learner copies of solved notebooks, and execute the solved ones first if asked to.

    Parameters
    ----------
    paths : paths of solved notebooks
        Each lies in a folder named ``solved``, or in one below it (of a language, or ``teach``); its learner copy goes
        to the folder above. None: every notebook in ``notebooks/solved`` below the current folder.
    check : bool
        Write nothing; report learner copies that differ from what their solved copy makes.
    execute : bool
        Run each solved notebook first and store its outputs. A notebook that stops with an error stays as it was.
    say : callable
        Takes the lines of the report.

    Returns
    -------
    int
        Exit code: 0 when all is well, 1 when a notebook failed or a copy has drifted, 2 when there is nothing to build.
    """
    if check and execute:
        raise ValueError("check writes nothing and execute does; ask for one of them")
    solved = [Path(path) for path in paths] or sorted(Path("notebooks/solved").glob("**/[!.]*.ipynb"))
    if not solved:
        say("no notebooks in notebooks/solved: run this from the project's folder")
        return 2
    failed = False
    for path in solved:
        try:
            if check:
                found = drift(path)
                failed |= bool(found)
                say(found or f"{learner_path(path)} agrees with its solved copy")
                continue
            if execute:
                say(_written(path, executed(path)))
            target, made = learner_path(path), text(learner_copy(_read(path), path.parent))
            if worked_on(target) and target.read_text(encoding="utf-8") != made:
                say(f"{target} was worked on; it is kept as {_kept_aside(target)}")
            say(_written(target, made))
        except BuildError as error:
            failed = True
            say(str(error))
    return int(failed)


def learner_path(solved: Path) -> Path:
    """Where the learner copy of a solved notebook lives."""
    folder = solved.parent
    if solved.suffix == ".ipynb" and folder.name == "solved":
        return folder.parent / solved.name
    if solved.suffix == ".ipynb" and folder.parent.name == "solved":
        return folder.parent.parent / folder.name / solved.name
    raise BuildError(f"{solved}: give a notebook in a folder named solved, such as notebooks/solved/01_data.ipynb")


def worked_on(path: Path) -> bool:
    """Whether somebody has worked in a learner copy since it was made: it is not what its stamp says."""
    try:
        notebook = json.loads(path.read_bytes())
        stamp = notebook["metadata"]["mllayers"]["made"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return bool(stamp != _stamp(notebook["cells"]))


def drift(solved: Path, copy: str | None = None) -> str:
    """Where the learner copy first differs from what its solved copy makes; empty when they agree.

    ``copy`` is its text, where that is not in the file: what the last commit holds, for one that was worked on.
    """
    path = learner_path(solved)
    wanted = learner_copy(_read(solved), solved.parent)
    mend = f"run: python -m mllayers build {solved.as_posix()}"
    if copy is None and not path.exists():
        return f"{path} is missing; {mend}"
    if (path.read_text(encoding="utf-8") if copy is None else copy) == text(wanted):
        return ""
    there = _read(path) if copy is None else nbformat.reads(copy, as_version=4)
    return f"{path} differs from its solved copy at {_first_difference(there, wanted)}; {mend}"


def learner_copy(solved: Any, folder: Path = Path("notebooks/solved")) -> Any:
    """The notebook a learner opens: no outputs, blanks instead of solutions, everything else as in the solved one.

    Parameters
    ----------
    solved : notebook node
        Left as it is.
    folder : path
        Where it lies, for its links.

    Returns
    -------
    notebook node
    """
    target = learner_path(folder / "x.ipynb").parent
    cells = [
        _learner_cell(cell, f"cell {n} (id {cell.get('id')})", folder, target) for n, cell in enumerate(solved.cells)
    ]
    metadata = {**_NOTEBOOK, "mllayers": {"made": _stamp(cells)}}
    return nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def with_blanks(source: str, names: Iterable[str]) -> str:
    """The code with ``____`` for the whole right-hand side of each assignment to the names, and for such keywords.

    Examples
    --------
    >>> print(with_blanks("price = 5\\nanswer = (price\\n          * 2)  # dollars", ["answer"]))
    price = 5
    answer = ____  # dollars
    """
    names = set(names)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:  # ast counts columns in bytes
        start = starts[line - 1]
        return start + len(source[start : starts[line]].encode()[:column].decode())

    spans, seen = [], set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg in names:
            seen.add(node.arg)
            start = offset(node.value.lineno, node.value.col_offset)
            spans.append((start, offset(node.value.end_lineno or 0, node.value.end_col_offset or 0), "____"))
            continue
        if isinstance(node, ast.Assign):
            targets, before = node.targets, node.targets[-1]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, before = [node.target], node.annotation
        else:
            continue
        found = names & {target.id for target in targets if isinstance(target, ast.Name)}
        if found:
            seen |= found
            equals = source.index("=", offset(before.end_lineno or 0, before.end_col_offset or 0))
            spans.append((equals + 1, offset(node.end_lineno or 0, node.end_col_offset or 0), " ____"))
    if names - seen:
        raise ValueError(f"blanks names {', '.join(sorted(names - seen))}, but nothing is assigned to it here")
    for start, end, blank in sorted(spans, reverse=True):
        source = f"{source[:start]}{blank}{source[end:]}"
    return source


def executed(path: Path) -> str:
    """The text of a solved notebook with fresh outputs, run in its folder with a learner's folder of nobody."""
    notebook = _read(path)
    with tempfile.TemporaryDirectory(prefix="mllayers-home-") as home:
        one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        client = NotebookClient(
            notebook,
            timeout=300,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(path.parent)}},
        )
        try:
            client.execute(env={**os.environ, **one, "MLLAYERS_HOME": home})
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise BuildError(f"{path}: {_what_stopped(notebook, error)}; the file was left as it was") from None
    notebook.metadata = nbformat.from_dict(_NOTEBOOK)
    minutes.write(notebook, language=path.parent.name if words.exists(path.parent.name) else "en")
    for cell in notebook.cells:
        cell.metadata = _kept(cell)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(_WIDGET, None)
    return text(notebook)


def text(notebook: Any) -> str:
    """The notebook as it is stored."""
    return str(nbformat.writes(notebook)) + "\n"


def _learner_cell(cell: Any, where: str, folder: Path, target: Path) -> dict[str, Any]:
    told = cell.metadata.get("mllayers", {})
    source = cell.source
    if "learner" in told:
        source = told["learner"]
    elif cell.cell_type == "code":
        try:
            source = with_blanks(source, told["blanks"]) if "blanks" in told else source
        except (SyntaxError, ValueError) as error:
            raise BuildError(f"{where}: {error}") from None
        kept = [line for line in source.split("\n") if not line.rstrip().endswith("# solution")]
        source = _SOLVED.sub(r"\1", "\n".join(kept).strip("\n"))
        if cell.source.strip() and not source:
            raise BuildError(f"{where}: all lines are solutions; give the learner a start as mllayers.learner")
        if any(not re.search(rf"\b{name}\b.*= ?____", source) for name in told.get("blanks", ())):
            raise BuildError(f"{where}: a line is both a blank and a # solution; take the comment away")
    elif cell.cell_type == "markdown":
        source = moved(source, folder, target)
    made = {"cell_type": cell.cell_type, "id": cell.id, "metadata": _kept(cell, without=_SOLVED_ONLY), "source": source}
    return {**made, "execution_count": None, "outputs": []} if cell.cell_type == "code" else made


def _kept(cell: Any, without: Iterable[str] = ()) -> Any:
    """The metadata worth keeping."""
    kept = {key: deepcopy(cell.metadata[key]) for key in _KEPT if key in cell.metadata}
    told = {key: value for key, value in kept.pop("mllayers", {}).items() if key not in without}
    return nbformat.from_dict({**kept, "mllayers": told} if told else kept)


def _stamp(cells: Any) -> str:
    """What a learner copy is known by: its cells, in whatever way a program stores them."""
    told = [
        [
            cell["cell_type"],
            "".join(cell["source"]),
            cell.get("outputs", []),
            cell.get("execution_count"),
        ]
        for cell in cells
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _kept_aside(path: Path) -> Path:
    try:
        return learner.set_aside(path, near=path.parent.absolute())
    except (OSError, ValueError) as error:
        raise BuildError(f"{path} was worked on and cannot be kept elsewhere ({error}); it stays as it is") from None


def _read(path: Path) -> Any:
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise BuildError(f"{path} cannot be read as a notebook: {reason}") from None
    if notebook.nbformat_minor < 5:
        raise BuildError(f"{path}: its cells have no ids (nbformat 4.{notebook.nbformat_minor}); save it as 4.5")
    return notebook


def _written(path: Path, new: str) -> str:
    """Put the text in place in one step, unless it is there already."""
    if path.exists() and path.read_text(encoding="utf-8") == new:
        return f"{path} is up to date"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, new)
    except OSError as error:
        raise BuildError(f"{path} cannot be written: {error.strerror or error}") from None
    return f"wrote {path}"


def _what_stopped(notebook: Any, error: Exception) -> str:
    for n, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return f"cell {n} (id {cell.id}) stopped with {output.ename}: {output.evalue}"
    return f"stopped with {type(error).__name__}: {error}"


def _first_difference(old: Any, new: Any) -> str:
    for n, (before, after) in enumerate(zip(old.cells, new.cells, strict=False)):
        if before == after:
            continue
        where = f"cell {n} (id {after.id})"
        if before.id != after.id:
            return f"{where}: there it has the id {before.id}"
        lines = zip_longest(before.source.split("\n"), after.source.split("\n"), fillvalue="")
        for number, (there, here) in enumerate(lines, 1):
            if there != here:
                return f"{where}, line {number}: {there!r} should be {here!r}"
        return f"{where}: not its text, but its tags, metadata or outputs"
    if len(old.cells) != len(new.cells):
        return f"cell {min(len(old.cells), len(new.cells))}: it has {len(old.cells)} cells instead of {len(new.cells)}"
    return "the notebook's own metadata or layout"
