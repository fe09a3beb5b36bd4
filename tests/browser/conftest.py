"""One Chromium for the whole run, a new page for each test, and what was measured at its end."""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import pytest
from lab import WATCH, Notebook, Row, chromium, drag, jupyterlab, new_page, write

TESTS = Path(__file__).parent.parent
PLAIN = [
    f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
    "from figure_cases import MOVING\nimport matplotlib.pyplot as plt\nimport ipywidgets",
    "def draw(threshold):\n    MOVING['threshold'][0](plt.figure(figsize=(7.2, 3.6)))(threshold=threshold)\n"
    "    plt.show()\n\n_ = ipywidgets.interact(draw, threshold=(0.02, 0.98, 0.02))",
]
ROWS = pytest.StashKey[list[Row]]()
NOTES = pytest.StashKey[list[str]]()


def pytest_configure(config):
    """Nothing measured yet."""
    config.stash[ROWS], config.stash[NOTES] = [], []


def pytest_terminal_summary(terminalreporter, config):
    """The table of the run."""
    if config.stash[ROWS] or config.stash[NOTES]:
        terminalreporter.section("in the browser")
    if config.stash[ROWS]:
        head = f"{'notebook':<30} cells run  figures  sliders dragged  other controls  errors  redraw, median (slowest)"
        terminalreporter.line(head)
    for row in sorted(config.stash[ROWS], key=lambda row: row.notebook):
        times = list(row.redraws.values())
        told = f"{statistics.median(times):.0f} ms ({max(times):.0f} ms)" if times else "–"
        terminalreporter.line(
            f"{row.notebook:<30} {row.cells:9} {row.figures:8} {row.sliders:16} {row.others:15} {row.errors:7}  {told}"
        )
    for note in config.stash[NOTES]:
        terminalreporter.line(note)


@pytest.fixture
def rows(request) -> list[Row]:
    """The rows of the table at the end of the run."""
    return request.config.stash[ROWS]


@pytest.fixture
def note(request):
    """Say something at the end of the run."""
    return request.config.stash[NOTES].append


@pytest.fixture(scope="session")
def browser():
    """The one Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser):
    """A page without a past."""
    with new_page(browser) as blank:
        yield blank


@pytest.fixture(scope="session")
def interact_ms(browser, request, tmp_path_factory) -> float:
    """What the usual way takes from slider to picture in this run: `interact` draws two panels of curves anew."""
    folder = tmp_path_factory.mktemp("plain")
    write(folder / "plain.ipynb", PLAIN)
    with jupyterlab(folder) as lab, new_page(browser) as page:
        notebook = Notebook.open(page, lab, "plain.ipynb")
        notebook.run_all()
        page.evaluate(WATCH)
        redraws = drag(page, page.locator(".widget-slider"), lambda: "").redraws
    median = statistics.median(redraws)
    request.config.stash[NOTES].append(
        f"two panels with plain interact and pyplot: {median:.0f} ms, median of {len(redraws)} moves"
    )
    return median


@pytest.fixture
def screenshots(tmp_path) -> Path:
    """Where screenshots go: MLLAYERS_SCREENSHOTS, or a folder of this test."""
    return Path(os.environ.get("MLLAYERS_SCREENSHOTS") or tmp_path / "screenshots")
