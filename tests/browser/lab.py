"""JupyterLab in a headless Chromium, driven as a learner would: open, run, drag, look."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking",
    "--disable-component-update --disable-sync",
]
TOKEN = "learner"
FIGURE = ".jp-OutputArea-output img"

# Notes when a slider moves (its handle's value changes) and when the next new picture has been decoded and shown.
WATCH = """
() => {
  window.moves = []; let since = null;
  const seen = img => img.decode().catch(() => {}).then(() => requestAnimationFrame(() => {
    if (since !== null) { window.moves.push(performance.now() - since); since = null; }
  }));
  new MutationObserver(records => { for (const r of records) {
    if (r.type === 'attributes') { if (since === null) since = performance.now(); continue; }
    for (const node of r.addedNodes) {
      if (!node.querySelectorAll) continue;
      const img = node.matches('img') ? node : node.querySelector('img');
      if (img) seen(img);
    }
  }}).observe(document.body,
    {subtree: true, childList: true, attributes: true, attributeFilter: ['aria-valuetext']});
}
"""

# A kernel that starts is called idle for a moment before it is: idle means eight looks in a row.
READY = """
() => {
  const sign = document.querySelector('.jp-Notebook-ExecutionIndicator');
  window.idle = sign && sign.dataset.status === 'idle' ? (window.idle || 0) + 1 : 0;
  return window.idle >= 8;
}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextlib.contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """JupyterLab on ``folder`` with settings of its own; gives its address."""
    port = free_port()
    with tempfile.TemporaryDirectory() as own:
        kinds = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        env = {**os.environ, **{kind: os.path.join(own, kind) for kind in kinds}, "OMP_NUM_THREADS": "1"}
        args = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
        args += [f"--IdentityProvider.token={TOKEN}", "--LabApp.news_url=None", f"--ServerApp.root_dir={folder}"]
        quiet = Path(env["JUPYTER_CONFIG_DIR"], "lab/user-settings/@jupyterlab/apputils-extension")
        quiet.mkdir(parents=True)
        (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        with open(os.path.join(own, "log"), "w") as log:
            server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *args], env=env, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/api/status?token={TOKEN}", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def _wait(url: str, server: subprocess.Popen[bytes], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.3)
    raise RuntimeError("JupyterLab did not start")


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A page in a headless Chromium that reaches this machine alone; fails with what to install when there is none."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: apt-get update && apt-get install -y chromium", pytrace=False)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("Playwright is missing: .venv/bin/python -m pip install playwright", pytrace=False)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=" ".join(FLAGS).split())
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(60_000)
        page.abroad = []
        page.on("request", lambda r: page.abroad.append(r.url) if _is_abroad(r.url) else None)
        yield page
        browser.close()


def _is_abroad(url: str) -> bool:
    return url.startswith(("http:", "https:", "ws:", "wss:")) and "//127.0.0.1" not in url


@dataclass
class Notebook:
    """One notebook, open in JupyterLab."""

    page: Any

    @classmethod
    def open(cls, page: Any, lab: str, path: str) -> Notebook:
        """Open it and wait for its kernel."""
        page.goto(f"{lab}/lab/tree/{path}?reset&token={TOKEN}")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_function(READY, polling=250)
        return cls(page)

    def run_all(self, seconds: float = 120) -> None:
        """Run every cell, from the menu, and wait for the last one."""
        self.page.click('.lm-MenuBar-item:has-text("Run")')
        self.page.click('li[data-command="runmenu:run-all"]')
        done = """() => { const p = [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')];
            return p.length && p.every(e => /\\[\\d+\\]/.test(e.textContent)); }"""
        self.page.wait_for_function(done, timeout=seconds * 1000, polling=500)

    def errors(self) -> list[str]:
        """What cells said when they failed."""
        found = self.page.query_selector_all('[data-mime-type="application/vnd.jupyter.stderr"], .jp-RenderedError')
        return [e.inner_text() for e in found]

    def alts(self) -> list[str | None]:
        """The alt text of every picture in the outputs, as the browser has it."""
        return [img.get_attribute("alt") for img in self.page.query_selector_all(FIGURE)]

    def drag(self, steps: int = 25, number: int = 0) -> list[float]:
        """Drag a slider from end to end with the mouse; milliseconds from each move to the picture that follows."""
        handle = self.page.locator(".noUi-handle").nth(number)
        handle.scroll_into_view_if_needed()
        self.page.evaluate(WATCH)
        track = self.page.locator(".noUi-target").nth(number).bounding_box()
        here = handle.bounding_box()
        y = here["y"] + here["height"] / 2
        self.page.mouse.move(here["x"] + here["width"] / 2, y)
        self.page.mouse.down()
        for i in range(steps + 1):
            self.page.mouse.move(track["x"] + track["width"] * i / steps, y)
            self.page.wait_for_timeout(250)
        self.page.mouse.up()
        return list(self.page.evaluate("window.moves"))

    def theme(self, name: str) -> None:
        """Light or Dark."""
        self.page.click('.lm-MenuBar-item:has-text("Settings")')
        self.page.hover('.lm-Menu-item:has-text("Theme")')
        self.page.click(f'.lm-Menu-item:has-text("JupyterLab {name}")')
        self.page.wait_for_selector(f'body[data-jp-theme-name="JupyterLab {name}"]', state="attached")
        self.page.wait_for_timeout(500)

    def screenshot(self, path: Path) -> None:
        """The window as it is."""
        self.page.screenshot(path=str(path))
