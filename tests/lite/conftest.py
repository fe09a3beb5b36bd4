"""The table at the end of a run in the browser alone."""

from __future__ import annotations

import pytest
from alone import HEAD, Run

RUNS = pytest.StashKey[list[Run | str]]()


def pytest_configure(config):
    """Nothing ran yet."""
    config.stash[RUNS] = []


def pytest_terminal_summary(terminalreporter, config):
    """One line for each notebook."""
    if config.stash[RUNS]:
        terminalreporter.section("JupyterLite")
        terminalreporter.line(HEAD)
    for found in config.stash[RUNS]:
        terminalreporter.line(str(found))


@pytest.fixture
def runs(request) -> list[Run | str]:
    """The lines of that table."""
    return request.config.stash[RUNS]
