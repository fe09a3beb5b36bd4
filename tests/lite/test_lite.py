"""A notebook where nothing is installed: JupyterLite in Chromium, with a Pyodide that this machine serves."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import nbformat
import pytest
from browser.lab import READY, Notebook, chromium, new_page, served

ROOT = Path(__file__).resolve().parents[2]
LITE = ROOT / "build" / "lite"
NAME = "03_decision.ipynb"
PATIENCE = (
    "Matplotlib is building the font cache; this may take a moment.\n"  # once, in the cell that asks for patience
)


def an_answer():
    """Where the learner writes an answer on one line, and what the solved copy has there."""
    learner = nbformat.read(LITE / "files" / "notebooks" / NAME, as_version=4).cells
    solved = {cell.id: cell for cell in nbformat.read(ROOT / "notebooks" / "solved" / NAME, as_version=4).cells}
    for place, cell in enumerate(learner):
        if "exercise" in cell.metadata.get("tags", []) and cell.source.startswith("answer = ____\n"):
            return place, solved[cell.id].source.splitlines()[0].removeprefix("answer = ")
    raise AssertionError(f"{NAME} has no exercise with its answer on one line")


@pytest.mark.browser
def test_a_notebook_runs_in_the_browser_alone(capsys):
    assert (LITE / "static" / "pyodide").is_dir(), "make lite PYODIDE=folder serves Pyodide from this machine"
    place, answer = an_answer()
    with served(LITE) as address, chromium() as browser, new_page(browser) as page:
        begun = time.monotonic()
        page.goto(f"{address}/lab/index.html?path=notebooks/{NAME}")
        page.wait_for_function(READY, polling=250, timeout=180_000)
        notebook = Notebook(page)
        notebook.run(0)
        first = time.monotonic() - begun
        ran = notebook.run_all(600)
        everything = time.monotonic() - begun
        assert notebook.errors() in ([], [PATIENCE])
        assert "Versions, kernel and data are fine" in page.inner_text(".jp-Notebook")
        notebook.fill_in(place, answer)
        assert notebook.run(place).startswith("Correct.")
        dragged = notebook.explorers()[0].drag()
        assert dragged.moved()
        assert notebook.errors() in ([], [PATIENCE])
        assert page.abroad == []
    redraw = statistics.median(dragged.redraws)
    told = (
        f"first output after {first:.0f} s, all {ran} cells after {everything:.0f} s, slider to picture {redraw:.0f} ms"
    )
    with capsys.disabled():
        print(f"\n{NAME} in the browser alone: {told}")
