"""One Chromium for the whole run, a new page for each test, and what was measured at its end."""

from __future__ import annotations

import math
import os
import statistics
from pathlib import Path

import pytest
from lab import Row, chromium, new_page
from lessons import Played

ROWS = pytest.StashKey[list[Row]]()
NOTES = pytest.StashKey[list[str]]()
PLAYED = pytest.StashKey[list[Played]]()


def pytest_configure(config):
    """Nothing measured yet."""
    config.stash[ROWS], config.stash[NOTES], config.stash[PLAYED] = [], [], []


def pytest_terminal_summary(terminalreporter, config):
    """The table of the run."""
    if config.stash[ROWS] or config.stash[NOTES] or config.stash[PLAYED]:
        terminalreporter.section("in the browser")
    if config.stash[ROWS]:
        terminalreporter.line(f"{'':<36}  cells           sliders    other          ms from move to picture: plain")
        head = "    run  figures  dragged  moved  errors  median  slowest  interact"
        terminalreporter.line(f"{'notebook':<36}{head}")
    for row in sorted(config.stash[ROWS], key=lambda row: row.notebook):
        times = list(row.redraws.values()) or [math.nan]
        counts = f"{row.cells:7} {row.figures:8} {row.sliders:8} {row.others:6} {row.errors:7}"
        told = f"{statistics.median(times):7.0f} {max(times):8.0f} {row.interact:9.0f}"
        terminalreporter.line(f"{row.notebook:<36}{counts} {told}")
    if config.stash[PLAYED]:
        head = "steps  seconds  set-up s  texts  errors  formulas  reveals  exercises  controls"
        terminalreporter.line(f"{'played lesson':<16} {head}")
    for played in config.stash[PLAYED]:
        told = f"{played.steps:5} {played.seconds:8.0f} {played.setup:9.1f} {played.texts:6} {played.errors:7}"
        told += f" {played.formulas:9} {played.reveals:8} {played.exercises:10} {played.controls:9}"
        terminalreporter.line(f"{played.notebook:<16} {told}")
        for missing in played.asked:
            terminalreporter.line(f"    not read: {missing}")
    for note in config.stash[NOTES]:
        terminalreporter.line(note)


@pytest.fixture
def rows(request) -> list[Row]:
    """The rows of the table at the end of the run."""
    return request.config.stash[ROWS]


@pytest.fixture
def lessons(request) -> list[Played]:
    """The rows of the table of played lessons."""
    return request.config.stash[PLAYED]


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


@pytest.fixture
def screenshots(tmp_path_factory) -> Path:
    """Where screenshots go: MLLAYERS_SCREENSHOTS, or a folder of this test."""
    return Path(os.environ.get("MLLAYERS_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
