"""The room: its folder served at an address of the network, where a browser gives no service worker; the wheelhouse."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from alone import FINE, page_for, run
from browser.lab import chromium

ROOT = Path(__file__).resolve().parents[2]
ROOM = ROOT / "build" / "classroom"

pytestmark = pytest.mark.browser


@contextlib.contextmanager
def in_the_network():
    """`serve.py` as a teacher starts it; the address that it prints first, which is no localhost."""
    assert (ROOM / "lite" / "static" / "pyodide").is_dir(), "make classroom PYODIDE=folder builds the room"
    words = [sys.executable, "-I", str(ROOM / "serve.py"), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            told = server.stdout.readline()
            assert told.startswith("everybody in this network: http://"), "this machine is in no network"
            yield told.split(": ")[1].strip().rstrip("/")
        finally:
            server.terminate()


@pytest.mark.parametrize("name", ["03_decision", "04_action"])
def test_a_notebook_runs_where_no_service_worker_can(name, runs):
    with in_the_network() as address, chromium() as browser, page_for(browser, address) as page:
        assert not address.startswith(("http://127.", "http://localhost"))
        page.goto(f"{address}/")
        page.click(f"text={name}")
        page.wait_for_selector(".jp-Notebook")
        assert page.evaluate("[isSecureContext, 'serviceWorker' in navigator]") == [False, False]
        found = run(page, f"{address}/lite", f"notebooks/{name}.ipynb", ROOM / "lite")
        runs.append(found)
        assert (found.errors, page.abroad) == ([], [])
        assert FINE in found.text
        assert found.answered.startswith("Correct.")
        assert found.moved
        assert not found.worker


def test_every_page_of_the_room_is_there():
    with in_the_network() as address, chromium() as browser, page_for(browser, address) as page:
        page.goto(f"{address}/")
        links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        assert len(links) >= 7
        for link in links:
            assert page.request.get(link).ok, link
        page.goto(f"{address}/slides/03_decision.html#2")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.querySelector('.slide.now').id") == "3"
        assert page.abroad == []


@pytest.mark.parametrize("over_the_network", [False, True], ids=["copied", "over the network"])
def test_the_course_is_installed_without_an_index(tmp_path, over_the_network):
    from mllayers.teach.classroom import INSTALL

    env = {name: it for name, it in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "MLLAYERS"))}
    env |= {"PIP_CONFIG_FILE": os.devnull, "MLLAYERS_HOME": str(tmp_path / "home")}
    made, installed = INSTALL
    with contextlib.ExitStack() as stack:
        if over_the_network:
            address = stack.enter_context(in_the_network())
            host = address.removeprefix("http://").partition(":")[0]
            installed = installed.replace("wheels", f"{address}/wheels/ --trusted-host {host}")
        else:
            (tmp_path / "wheels").symlink_to(ROOM / "wheels")
        for line in (made.replace("python3", sys.executable), f"{installed} --no-compile --quiet"):
            subprocess.run(line, shell=True, check=True, cwd=tmp_path, env=env)
    said = subprocess.run(
        ["course/bin/python", "-I", "-m", "mllayers", "doctor"],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr
    assert "All is well." in said.stdout
