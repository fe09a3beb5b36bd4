"""JupyterLab in a headless Chromium, driven as a learner would: open, run, type, drag, look."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nbformat
import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking",
    "--disable-component-update --disable-sync",
]
TOKEN = "learner"
ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
STEPS = 25
# The usual way, for comparison: `interact` draws a figure of two panels anew.
PLAIN = f"""import sys
sys.path.append({str(Path(__file__).parent.parent)!r})
from figure_cases import MOVING
import matplotlib.pyplot as plt
import ipywidgets
def draw(threshold):
    MOVING['threshold'][0](plt.figure(figsize=(7.2, 3.6)))(threshold=threshold)
    plt.show()
_ = ipywidgets.interact(draw, threshold=(0.02, 0.98, 0.02))"""

# Notes when a control moves (a slider's handle has another value, a box or a list reports a change), and when the next
# new picture has been decoded and shown.
WATCH = """
() => {
  window.moves = []; window.since = null;
  const seen = img => img.decode().catch(() => {}).then(() => requestAnimationFrame(() => {
    if (window.since !== null) { window.moves.push(performance.now() - window.since); window.since = null; }
  }));
  const moved = () => { if (window.since === null) window.since = performance.now(); };
  document.addEventListener('change', moved, true);
  new MutationObserver(records => { for (const r of records) {
    if (r.type === 'attributes') { moved(); continue; }
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

# After a move: the next picture is there, or none will come, because the kernel is done and the picture is the same.
DRAWN = """
() => {
  const done = document.querySelector('.jp-Notebook-ExecutionIndicator').dataset.status === 'idle';
  if (window.since !== null && done && performance.now() - window.since > 500) window.since = null;
  return window.since === null;
}
"""

PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')].map(e => e.textContent)"
BLANK = """
cell => {
  const walk = document.createTreeWalker(cell.querySelector('.cm-content'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const at = walk.currentNode.textContent.indexOf('____');
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(walk.currentNode, at); range.setEnd(walk.currentNode, at + 4);
    const box = range.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  }
}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def copy_of_the_course(folder: Path) -> Path:
    """The notebooks, without anybody's answers, in a folder of their own."""
    shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=shutil.ignore_patterns(".*", "__pycache__", "conftest.py"))
    return folder


def course_in_git(folder: Path) -> Path:
    """The whole course as a learner clones it, as it stands on disk, with everything committed."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    who = ["-c", "user.name=learner", "-c", "user.email=learner@localhost", "-c", "core.autocrlf=false"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "The course"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def changed(folder: Path) -> str:
    """What git says that changed there."""
    said = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    return said.stdout


@contextlib.contextmanager
def door(course: Path, notebook: str) -> Iterator[str]:
    """``python -m mllayers lab NOTEBOOK`` in a course of one's own, nothing set but what every learner has."""
    port = free_port()
    with tempfile.TemporaryDirectory() as own:
        kinds = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        env = {**os.environ, **{kind: os.path.join(own, kind) for kind in kinds}, "PYTHONPATH": str(course)}
        env.pop("MLLAYERS_HOME", None)
        args = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
        args += [f"--IdentityProvider.token={TOKEN}"]
        with open(os.path.join(own, "log"), "w") as log:
            words = [sys.executable, "-m", "mllayers", "lab", notebook, *args]
            server = subprocess.Popen(words, env=env, cwd=course, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/api/status?token={TOKEN}", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


@contextlib.contextmanager
def jupyterlab(folder: Path, *, kernels: bool = True) -> Iterator[str]:
    """JupyterLab on ``folder`` with settings and a learner's folder of its own; gives its address."""
    port = free_port()
    with tempfile.TemporaryDirectory() as own:
        kinds = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MLLAYERS_HOME")
        env = {**os.environ, **{kind: os.path.join(own, kind) for kind in kinds}, "OMP_NUM_THREADS": "1"}
        args = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
        args += [f"--IdentityProvider.token={TOKEN}", "--LabApp.news_url=None", f"--ServerApp.root_dir={folder}"]
        if not kernels:
            args += ["--KernelSpecManager.ensure_native_kernel=False", "--KernelSpecManager.allowed_kernelspecs=none"]
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


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Not a word."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder as a web site on this machine; gives its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium; fails with what to install when there is none."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: apt-get update && apt-get install -y chromium", pytrace=False)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("Playwright is missing: .venv/bin/python -m pip install playwright", pytrace=False)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=" ".join(FLAGS).split())
        yield browser
        browser.close()


@contextlib.contextmanager
def new_page(browser: Any) -> Iterator[Any]:
    """A page without a past that reaches this machine alone.

    ``page.abroad`` lists what it asked of other machines and did not get, ``page.faults`` the scripts that failed.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.abroad, page.faults = [], []

    def stop(route: Any) -> None:
        page.abroad.append(route.request.url)
        route.abort()

    page.route(lambda url: _is_abroad(url), stop)
    page.on("websocket", lambda socket: page.abroad.append(socket.url) if _is_abroad(socket.url) else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    yield page
    context.close()


def _is_abroad(url: str) -> bool:
    return url.startswith(("http:", "https:", "ws:", "wss:")) and "//127.0.0.1" not in url


@dataclass
class Row:
    """What one notebook showed: a row of the table at the end of the run."""

    notebook: str
    cells: int
    figures: int
    errors: int
    sliders: int = 0
    others: int = 0
    interact: float = math.nan  # milliseconds from slider to picture with plain `interact`, in the same kernel
    redraws: dict[str, float] = field(default_factory=dict)  # of every figure that moves: the median, in milliseconds


@dataclass
class Notebook:
    """One notebook, open in JupyterLab."""

    page: Any

    @classmethod
    def open(cls, page: Any, lab: str, path: str, *, kernel: bool = True) -> Notebook:
        """Open it and wait for its kernel, or go on without one where the server has none."""
        page.goto(f"{lab}/lab/tree/{path}?reset&token={TOKEN}")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        if kernel:
            page.wait_for_function(READY, polling=250)
        else:
            page.click('.jp-Dialog button:has-text("No Kernel")')
            page.wait_for_selector(".jp-Dialog", state="detached")
        return cls(page)

    @classmethod
    def ready(cls, page: Any) -> Notebook:
        """The notebook of a page that was gone to, once its kernel is there."""
        page.set_default_timeout(120_000)
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_function(READY, polling=250)
        page.wait_for_selector(".jp-Notebook .jp-RenderedMarkdown h1")
        return cls(page)

    @classmethod
    def first_view(cls, page: Any, lab: str) -> Notebook:
        """What the door opens by itself."""
        page.goto(f"{lab}/?token={TOKEN}")
        return cls.ready(page)

    def open_file(self) -> str:
        """The path of the notebook in front, from the address of the page."""
        return str(self.page.url).partition("/lab/tree/")[2].partition("?")[0]

    def pop_ups(self) -> list[str]:
        """What lies over the first view a few seconds after it is there."""
        self.page.wait_for_timeout(6000)
        found = self.page.locator(".Toastify__toast, .jp-Dialog, .jp-toastContainer > *")
        return list(found.all_inner_texts())

    def run_all(self, seconds: float = 300) -> int:
        """Clear what is stored, run every cell, both from the menu, and wait for the last one; how many ran."""
        none_ran = f"() => {PROMPTS}.every(text => text.trim() === '[ ]:')"
        self.choose("Edit", "editmenu:clear-all")
        self.page.wait_for_function(none_ran)
        for _ in range(3):  # JupyterLab may not hear the menu while it puts up the page
            self.choose("Run", "runmenu:run-all")
            self.page.wait_for_timeout(3000)
            if not self.page.evaluate(none_ran):
                break
        self.wait(seconds)
        return sum(text.strip("[]: *").isdigit() for text in self.page.evaluate(PROMPTS))

    def choose(self, menu: str, command: str) -> None:
        """Choose from a menu."""
        self.page.click(f'.lm-MenuBar-item:has-text("{menu}")')
        self.page.click(f'li[data-command="{command}"]')

    def wait(self, seconds: float = 300) -> None:
        """Until every cell of code has run, or one has failed."""
        done = f"() => {{ const all = {PROMPTS}; return all.length && all.every(text => /\\[\\d+\\]/.test(text)); }}"
        done = f"() => document.querySelector('.jp-RenderedError') || ({done})()"
        self.page.wait_for_function(done, timeout=seconds * 1000, polling=500)

    def errors(self) -> list[str]:
        """What cells said when they failed, what figures could not draw, and what the page itself stumbled over."""
        failed = '[data-mime-type="application/vnd.jupyter.stderr"], .jp-RenderedError, [role=status]'
        found = [(e.get_attribute("role"), e.text_content()) for e in self.page.query_selector_all(failed)]
        return [text for role, text in found if role is None or "cannot be drawn" in text] + self.page.faults

    def cell(self, number: int) -> Any:
        """A cell by its place, from 0."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def outputs(self) -> Any:
        """The outputs of every cell that shows a figure."""
        return self.page.locator(".jp-Cell-outputArea:has(.jp-OutputArea-output img)")

    def explorers(self) -> list[Explorer]:
        """Every figure that has controls."""
        self.page.evaluate(WATCH)
        boxes = self.page.locator(".jp-OutputArea-output > .widget-vbox")
        return [Explorer(self.page, boxes.nth(number)) for number in range(boxes.count())]

    def fill_in(self, number: int, text: str) -> None:
        """Put the text where the blank of a cell is: double click, type."""
        cell = self.cell(number)
        cell.scroll_into_view_if_needed()
        self.page.mouse.dblclick(*cell.evaluate(BLANK))
        self.page.keyboard.type(text)

    def walk_to(self, number: int) -> None:
        """Run cell after cell from the top, with Shift and Enter, until this one is next."""
        self.cell(0).locator(".jp-InputPrompt, .jp-InputArea").first.click()
        self.page.keyboard.press("Escape")
        for _ in range(number):
            self.page.keyboard.press("Shift+Enter")
        self.cell(number).scroll_into_view_if_needed()

    def run(self, number: int) -> str:
        """Run one cell and wait for what it says last."""
        self.execute(number)
        return str(self.cell(number).locator(".jp-OutputArea-output").last.inner_text()).strip()

    def execute(self, number: int) -> None:
        """Run one cell and wait until it is done."""
        before = self.prompt(number)
        self.cell(number).locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Control+Enter")
        done = "([cell, before]) => /\\[\\d+\\]/.test(cell.textContent) && cell.textContent !== before"
        prompt = self.cell(number).locator(".jp-InputArea-prompt").element_handle()
        self.page.wait_for_function(done, arg=[prompt, before], polling=100)

    def prompt(self, number: int) -> str:
        """How often, and whether, a cell has run."""
        return str(self.cell(number).locator(".jp-InputArea-prompt").text_content())

    def new_cell_below(self, number: int, text: str) -> int:
        """Write a new cell; its place."""
        self.cell(number).locator(".jp-InputPrompt").click()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(text)
        return number + 1

    def retype(self, number: int, text: str) -> None:
        """Put the text in place of all that stands in a cell."""
        self.cell(number).locator(".jp-InputArea-editor .cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def delete(self, number: int) -> None:
        """Take a cell away, with the keyboard."""
        self.cell(number).locator(".jp-InputPrompt").click()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("d")
        self.page.keyboard.press("d")

    def restart(self) -> None:
        """Restart the kernel from the menu; the outputs stay."""
        self.choose("Kernel", "kernelmenu:restart")
        self.page.click('.jp-Dialog button:has-text("Restart")')
        self.page.wait_for_selector(".jp-Dialog", state="detached")
        self.page.evaluate("window.idle = 0")
        self.page.wait_for_function(READY, polling=250)

    def save(self) -> None:
        """Save with the keyboard, and wait until it says so."""
        self.page.keyboard.press("Control+S")
        self.page.wait_for_selector(".jp-mod-dirty", state="detached")
        self.page.wait_for_timeout(1000)

    def plain_interact(self) -> float:
        """Milliseconds from slider to picture with `interact`, in a new last cell: the median of a drag."""
        last = self.page.locator(".jp-Notebook .jp-Cell").count() - 1
        self.run(self.new_cell_below(last, PLAIN))
        slider = self.page.locator(".widget-interact .widget-slider")
        self.page.wait_for_selector(".widget-interact img")
        return statistics.median(drag(self.page, slider, lambda: "").redraws)

    def rewrite(self, number: int, line: int, text: str) -> None:
        """Put the text in place of a line of a cell."""
        self.cell(number).locator(".cm-line").nth(line).click()
        self.page.keyboard.press("Home")
        self.page.keyboard.press("Shift+End")
        self.page.keyboard.type(text)

    def theme(self, name: str) -> None:
        """Light or Dark."""
        self.page.click('.lm-MenuBar-item:has-text("Settings")')
        self.page.hover('.lm-Menu-item:has-text("Theme")')
        self.page.click(f'.lm-Menu-item:has-text("JupyterLab {name}")')
        self.page.wait_for_selector(f'body[data-jp-theme-name="JupyterLab {name}"]', state="attached")
        self.page.wait_for_timeout(500)

    def photograph_page(self, folder: Path, name: str, places: Sequence[int] = ()) -> None:
        """A screenshot of the page as it is, or as it is around each of these cells."""
        folder.mkdir(parents=True, exist_ok=True)
        if not places:
            self.page.screenshot(path=str(folder / f"{name}.png"))
        for place in places:
            self.cell(place).scroll_into_view_if_needed()
            self.page.wait_for_timeout(300)
            self.page.screenshot(path=str(folder / f"{name}_{place:02d}.png"))

    def photograph(self, folder: Path, name: str) -> int:
        """A screenshot of every figure with what stands under it, cell by cell; how many."""
        folder.mkdir(parents=True, exist_ok=True)
        size = self.page.viewport_size
        self.page.set_viewport_size({"width": size["width"], "height": 3600})
        shown = self.outputs()
        for number in range(shown.count()):
            shown.nth(number).scroll_into_view_if_needed()
            self.page.wait_for_timeout(200)  # cells above it have found their height only now
            shown.nth(number).screenshot(path=str(folder / f"{name}_{number + 1:02d}.png"))
        self.page.set_viewport_size(size)
        return int(shown.count())


@dataclass
class Explorer:
    """A figure that follows its controls, on the page."""

    page: Any
    box: Any

    def figure(self) -> str:
        """The picture, as it is now."""
        return str(self._beside("preceding", "img").get_attribute("src"))

    def alt(self) -> str:
        """The picture in words."""
        return str(self._beside("preceding", "img").get_attribute("alt"))

    def sentence(self) -> str:
        """What stands under the controls."""
        return str(self._beside("following", "*[@role='status']").text_content())

    def _beside(self, side: str, what: str) -> Any:
        child = "ancestor::div[contains(@class, 'jp-OutputArea-child')][1]"
        return self.box.locator(f"xpath={child}/{side}-sibling::div[1]//{what}")

    def drag(self, number: int = 0) -> Drag:
        """Drag one of its sliders to both ends and back."""
        return drag(self.page, self.box.locator(".widget-slider").nth(number), self.figure)

    def toggle(self, number: int) -> Drag:
        """Tick a box, or take its tick away, and back."""
        box = self.box.locator("input[type=checkbox]").nth(number)
        pictures = []
        self.page.evaluate("window.moves = []")
        for _ in range(2):
            box.click()
            drawn(self.page)
            pictures.append(self.figure())
        label = self.box.locator(".widget-checkbox").nth(number).text_content()
        return Drag(label.strip(), list(self.page.evaluate("window.moves")), pictures[1], pictures[:1])

    def walk(self, number: int) -> Drag:
        """Choose every word of a list, and the first one again."""
        words = self.box.locator("select").nth(number)
        before = words.input_value()
        pictures = []
        self.page.evaluate("window.moves = []")
        for word in [w for w in words.locator("option").all_text_contents() if w != before] + [before]:
            words.select_option(word)
            drawn(self.page)
            pictures.append(self.figure())
        label = self.box.locator(".widget-dropdown .widget-label").nth(number).text_content()
        return Drag(label, list(self.page.evaluate("window.moves")), pictures[-1], pictures[:-1])

    def count(self, kind: str) -> int:
        """How many sliders, boxes or lists it has."""
        return int(self.box.locator(f".widget-{kind}").count())


@dataclass
class Drag:
    """What came of moving one control: milliseconds of each redraw, the picture where it was, those elsewhere."""

    control: str
    redraws: list[float]
    there: str
    elsewhere: list[str]

    def moved(self) -> bool:
        """Whether the picture followed."""
        return any(picture != self.there for picture in self.elsewhere)


def drag(page: Any, slider: Any, look: Callable[[], str], steps: int = STEPS) -> Drag:
    """Drag a slider with the mouse to its low end, step by step to the high end, and back to where it was."""
    slider.scroll_into_view_if_needed()
    handle, mouse = slider.locator(".noUi-handle"), page.mouse
    track, here = slider.locator(".noUi-target").bounding_box(), handle.bounding_box()
    x, y = here["x"] + here["width"] / 2, here["y"] + here["height"] / 2
    value = handle.get_attribute("aria-valuetext")

    def go(to: float) -> str:
        mouse.move(to, y)
        drawn(page)
        return look()

    mouse.move(x, y)
    mouse.down()
    lowest = go(track["x"])
    page.evaluate("window.moves = []")
    for step in range(1, steps + 1):
        highest = go(track["x"] + track["width"] * step / steps)
    redraws = list(page.evaluate("window.moves"))
    there = go(x)
    mouse.up()
    assert handle.get_attribute("aria-valuetext") == value
    return Drag(slider.locator(".widget-label").text_content(), redraws, there, [lowest, highest])


def drawn(page: Any) -> None:
    """Wait for what follows the last move."""
    page.wait_for_function(DRAWN, timeout=20_000)


def stored_alts(path: Path) -> list[str]:
    """The alt text of every picture that is stored in a notebook, in order."""
    outputs = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", [])]
    return [output.metadata["image/png"]["alt"] for output in outputs if "image/png" in output.get("data", {})]


def write(path: Path, cells: list[str]) -> None:
    """A notebook of these cells of code."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)
