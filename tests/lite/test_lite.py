"""Every notebook where nothing is installed: JupyterLite in Chromium, with a Pyodide that this machine serves."""

from __future__ import annotations

import pytest
from alone import FINE, LITE, page_for, run
from browser.lab import chromium, served

pytestmark = pytest.mark.browser

NAMES = sorted(path.relative_to(LITE / "files").as_posix() for path in (LITE / "files").rglob("*.ipynb"))


def test_the_site_brings_its_own_pyodide():
    assert NAMES, "make lite builds the site"
    assert (LITE / "static" / "pyodide").is_dir(), "make lite PYODIDE=folder serves Pyodide from this machine"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_in_the_browser_alone(name, runs):
    with served(LITE) as address, chromium() as browser, page_for(browser, address) as page:
        found = run(page, address, name)
        runs.append(found)
        assert found.errors == []
        assert page.abroad == []
    if "teach" not in name:
        assert FINE in found.text
        assert found.answered.startswith("Correct.")
        assert found.moved
