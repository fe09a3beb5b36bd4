"""The built site on an address of this machine, and one Chromium for the whole run."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser.lab import chromium, new_page

SITE = Path(__file__).resolve().parent.parent.parent / "build" / "site"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format, *args):
        """Not a word."""


@pytest.fixture(scope="session")
def address():
    """Where the site is served."""
    assert (SITE / "index.html").exists(), "the site is not built: make site"
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    """The one Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser):
    """A page without a past; afterwards: it asked nothing of other machines, and no script failed."""
    with new_page(browser) as blank:
        yield blank
        assert blank.abroad == []
        assert blank.faults == []


@pytest.fixture(scope="session")
def axe():
    """The accessibility checker, where the extra `browser` is installed."""
    from axe_playwright_python.sync_playwright import Axe

    return Axe()
