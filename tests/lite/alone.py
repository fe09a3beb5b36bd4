"""A notebook in the browser alone: opened, run from top to bottom, one answer filled in, one control moved."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from browser.lab import PROMPTS, READY, Notebook

ROOT = Path(__file__).resolve().parents[2]
LITE = ROOT / "build" / "lite"
START = 300  # seconds until a kernel may be there, on a machine that is busy
ALL = 900  # seconds for all cells
# Once, in the cell that asks for patience.
PATIENCE = "Matplotlib is building the font cache; this may take a moment.\n"
# What `start` says once versions, kernel and data have been looked at.
FINE = "Versions, kernel and data are fine"


@dataclass(frozen=True)
class Run:
    """What one notebook did: how many cells ran, what went wrong, and the seconds and milliseconds it took."""

    notebook: str
    cells: int
    errors: list[str]
    first: float
    everything: float
    text: str
    answered: str = ""
    moved: bool | None = None
    redraw: float = float("nan")
    worker: bool = False
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        control = "none" if self.moved is None else f"{self.redraw:.0f} ms" if self.moved else "did not answer"
        told = f"{self.notebook:<22} {self.cells:5} {len(self.errors):6} {self.first:13.0f} {self.everything:11.0f}"
        told += f"  {control}{'' if self.worker else '  (no service worker)'}"
        return "\n    the page: ".join([told, *self.faults])


HEAD = f"{'in the browser alone':<22} cells errors  first output s  all cells s  slider"


def an_answer(lite: Path, name: str) -> tuple[int, str] | None:
    """Where the learner writes an answer on one line, and what the solved copy has there."""
    solved = ROOT / "notebooks" / "solved" / Path(name).name
    if not solved.exists():
        return None
    cells = {cell.id: cell for cell in nbformat.read(solved, as_version=4).cells}
    for place, cell in enumerate(nbformat.read(lite / "files" / name, as_version=4).cells):
        first = cells[cell.id].source.partition("\n")[0] if cell.id in cells else ""
        if cell.source.startswith("answer = ____\n") and first.startswith("answer = "):
            return place, first.removeprefix("answer = ")
    return None


@contextlib.contextmanager
def page_for(browser: Any, address: str) -> Iterator[Any]:
    """A page without a past that reaches this one address; ``page.abroad`` lists what else it asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(START * 1000)
    page.abroad, page.faults = [], []

    def stop(route: Any) -> None:
        page.abroad.append(route.request.url)
        route.abort()

    context.route(lambda url: url.startswith(("http", "ws")) and not url.startswith(address), stop)
    page.on("pageerror", lambda error: page.faults.append(f"{error}: {error.stack or ''}"))
    yield page
    context.close()


def run_all(notebook: Notebook) -> int:
    """Clear what is stored and run every cell, until the last one or an error; how many ran.

    The kernel in the browser writes an error to the error stream, where the JupyterLab of a server has a kind of output
    for it; and it may stay busy after one.
    """
    page, end = notebook.page, time.monotonic() + ALL
    notebook.choose("Edit", "editmenu:clear-all")
    page.wait_for_timeout(500)
    notebook.choose("Run", "runmenu:run-all")
    while True:
        page.wait_for_timeout(1000)
        ran = [text.strip("[]: *").isdigit() for text in page.evaluate(PROMPTS)]
        if all(ran) or errors_of(notebook):
            return sum(ran)
        assert time.monotonic() < end, f"{sum(ran)} of {len(ran)} cells after {ALL} s"


def errors_of(notebook: Notebook) -> list[str]:
    """What cells said when they failed; what the page itself stumbled over is told apart, in ``page.faults``."""
    return [error for error in notebook.errors() if error != PATIENCE and error not in notebook.page.faults]


def run(page: Any, address: str, name: str, lite: Path = LITE) -> Run:
    """Open a notebook (its path below the site's files), run it, and use it."""
    begun = time.monotonic()
    page.goto(f"{address}/lab/index.html?path={name}")
    page.wait_for_function(READY, polling=250, timeout=START * 1000)
    notebook = Notebook(page)
    notebook.run(0)
    first = time.monotonic() - begun
    cells = run_all(notebook)
    everything = time.monotonic() - begun
    text = page.inner_text(".jp-Notebook")
    answered, moved, redraw = "", None, float("nan")
    if not errors_of(notebook):
        if (answer := an_answer(lite, name)) is not None:
            notebook.fill_in(*answer)
            answered = notebook.run(answer[0])
        if "/teach/" not in name and (explorers := notebook.explorers()):  # a desk has its own test
            dragged = explorers[0].drag()
            moved = dragged.moved()
            redraw = statistics.median(dragged.redraws) if dragged.redraws else redraw
    errors, faults = errors_of(notebook), list(page.faults)
    worker = bool(page.evaluate("() => !!(navigator.serviceWorker && navigator.serviceWorker.controller)"))
    return Run(Path(name).stem, cells, errors, first, everything, text, answered, moved, redraw, worker, faults)
