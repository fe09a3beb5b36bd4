"""The folder for a room without internet, and the browser-only build that lies in it: what can be said cheaply."""

import hashlib
import http.client
import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import nbformat
import pytest

from mllayers.teach import classroom, serve

ROOT = Path(__file__).resolve().parents[1]


def load_lite():
    spec = importlib.util.spec_from_file_location("docs_lite", ROOT / "docs" / "lite.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


lite = load_lite()


@pytest.fixture
def room(tmp_path):
    """A folder with some files in it, and the one that serves it."""
    for name in ("a.wasm", "b.mjs", "c.whl", "d.ipynb", "index.html"):
        (tmp_path / name).write_bytes(name.encode())
    shutil.copyfile(Path(serve.__file__), tmp_path / "serve.py")
    return tmp_path


def test_a_browser_is_told_what_each_file_is(room):
    files = serve.functools.partial(serve.Files, directory=str(room))
    with serve.Room(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked = http.client.HTTPConnection(*server.server_address, timeout=10)
        for name, kind in [
            ("a.wasm", "application/wasm"),
            ("b.mjs", "text/javascript"),
            ("c.whl", "application/octet-stream"),
            ("d.ipynb", "application/json"),
        ]:
            asked.request("GET", f"/{name}")  # over the same connection, which stays open
            answer = asked.getresponse()
            assert (answer.status, answer.version, answer.read()) == (200, 11, name.encode())
            assert answer.headers["Content-Type"] == kind
        asked.request("GET", "/../../etc/passwd")
        answer = asked.getresponse()
        assert answer.status == 404
        answer.read()
        asked.close()
        server.shutdown()


def test_answers_stay_with_the_teacher(room, monkeypatch):
    assert serve.is_here("127.0.0.1")
    assert all(map(serve.is_here, serve.addresses()))
    assert not serve.is_here("203.0.113.7")
    (room / "teach").mkdir()
    (room / "teach" / "index.html").write_text("answers")
    with serve.Room(("127.0.0.1", 0), serve.functools.partial(serve.Files, directory=str(room))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for here, status in [(True, 200), (False, 403)]:
            monkeypatch.setattr(serve, "is_here", lambda address, here=here: here)
            for path in ("/teach/index.html", "/x/../teach/", "/teach//index.html", "/%74each/index.html"):
                with closing(http.client.HTTPConnection(*server.server_address, timeout=10)) as asked:
                    asked.request("GET", path)
                    answer = asked.getresponse()
                    assert (answer.status, b"answers" in answer.read()) == (status, here)
        server.shutdown()


def test_the_file_serves_its_own_folder_and_says_where(room):
    words = [sys.executable, "-I", "-S", str(room / "serve.py"), "--port", "0"]  # nothing but the standard library
    with subprocess.Popen(words, cwd="/", stdout=subprocess.PIPE, text=True) as server:
        try:
            lines = [server.stdout.readline() for _ in range(len(serve.addresses()) + 1)]
            where = [line.split("http://")[1].strip().rstrip("/") for line in lines]
            assert [it.rpartition(":")[0] for it in where] == [*serve.addresses(), "localhost"]
            for address in where:
                with closing(http.client.HTTPConnection(address, timeout=10)) as asked:
                    asked.request("GET", "/")
                    assert asked.getresponse().read() == b"index.html"
        finally:
            server.kill()


def test_a_port_in_use_is_said(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert serve.main(["--here", "--port", str(taken.getsockname()[1])]) == 1
    assert "python serve.py --port 8001" in capsys.readouterr().err


def test_the_folder_and_its_zip(tmp_path, monkeypatch):
    monkeypatch.setattr(classroom.teach, "PARTS", ())
    monkeypatch.setattr(classroom.teach, "make", lambda folder, say: (folder / "index.html").write_text("sheets"))
    site = tmp_path / "site"
    for name in ("static/pyodide/pyodide.asm.wasm", "files/notebooks/03_decision.ipynb", "lab/index.html"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("it")
    said, folder = [], tmp_path / "classroom"
    parts = classroom.gather(folder, site, wheels=False, say=said.append)
    assert [part.name for part in parts] == ["lite", "slides", "teach", "notebooks", "serve.py", "index.html"]
    assert all(part.exists() for part in parts)
    assert [line.split(":")[0] for line in said] == ["lite", "slides", "teach", "notebooks"]
    first = (folder / "index.html").read_text(encoding="utf-8")
    assert 'href="lite/lab/index.html?path=notebooks/03_decision.ipynb"' in first
    assert "--no-index" not in first, "there are no wheels"
    for name in ("slides/03_decision.html", "notebooks/03_decision.ipynb", "notebooks/solved/03_decision.ipynb"):
        assert (folder / name).is_file()
    zipped = classroom.packed(folder)
    assert zipped.name == "classroom.zip"
    with zipfile.ZipFile(zipped) as together:
        assert together.testzip() is None
        files = {path.relative_to(tmp_path).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert set(together.namelist()) == files


def test_without_pyodide_it_says_what_to_fetch(tmp_path, monkeypatch):
    monkeypatch.setattr(classroom, "_for_the_teacher", lambda folder: folder.mkdir())
    (tmp_path / "site").mkdir()
    with pytest.raises(ValueError, match="site must bring its own Pyodide, as make lite PYODIDE=folder builds it"):
        classroom.gather(tmp_path / "classroom", tmp_path / "site", say=str)
    said = []
    classroom.gather(tmp_path / "classroom", wheels=False, say=said.append)
    assert said[0] == classroom.FETCH
    assert "lite/" not in (tmp_path / "classroom" / "index.html").read_text(encoding="utf-8")


def test_the_first_page_says_how_to_install(tmp_path):
    (tmp_path / "wheels").mkdir()
    page = classroom._index(tmp_path)
    assert all(line in page for line in classroom.INSTALL)


# --- the browser-only build -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", lite.notebooks(), ids=lambda path: path.stem)
def test_every_notebook_has_its_first_cell_in_the_browser(path):
    notebook = lite.in_the_browser(path)
    first = notebook.cells[0].source
    assert first.startswith("# In the browser: run this cell first")
    [line] = [line for line in first.splitlines() if line.startswith("%pip")]
    assert line.startswith("%pip install -q mllayers ipywidgets>=8")
    assert all(">=" in word for word in line.split()[4:-1]), "a Pyodide may bring an older one"
    assert line.endswith(" tzdata"), "a browser's Python knows no time zones by itself"
    assert all(len(line) < 130 for line in first.splitlines())
    assert not any(cell.get("outputs") for cell in notebook.cells)
    assert [cell.source for cell in notebook.cells[1:]] == [
        cell.source for cell in nbformat.read(path, as_version=4).cells
    ]


def test_all_five_and_the_desk_are_built():
    names = [path.stem for path in lite.notebooks()]
    assert names[:5] == ["01_data", "02_prediction", "03_decision", "04_action", "05_feedback"]
    assert "desk" in names


def a_pyodide(folder):
    """A distribution that is small: each package is a file with its name in it, and needs the next one."""
    folder.mkdir()
    names = [*lite.PACKAGES, "numpy_core", "not-needed"]
    packages = {}
    for name, following in zip(names, [*names[1:-1], None, None], strict=True):
        file = f"{name}-1.whl"
        (folder / file).write_text(name)
        packages[name.replace("_", "-")] = {
            "file_name": file,
            "sha256": hashlib.sha256(name.encode()).hexdigest(),
            "depends": [following] if following else [],
        }
    for name in lite.RUNTIME:
        (folder / name).write_text(name)
    (folder / "pyodide-lock.json").write_text(json.dumps({"packages": packages}))
    return folder


def test_of_pyodide_only_what_is_needed_is_served(tmp_path):
    there = a_pyodide(tmp_path / "pyodide")
    lite.serve_along(there, tmp_path / "site" / "pyodide")
    served = {path.name for path in (tmp_path / "site" / "pyodide").iterdir()}
    assert served == {*lite.RUNTIME, *(f"{name}-1.whl" for name in lite.PACKAGES), "numpy_core-1.whl"}
    lock = json.loads((tmp_path / "site" / "pyodide" / "pyodide-lock.json").read_text())
    assert {about["file_name"] for about in lock["packages"].values()} == served - set(lite.RUNTIME)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "pandas-1.whl").unlink(), "is no whole Pyodide: pandas-1.whl missing"),
        (lambda folder: (folder / "pyodide.asm.wasm").unlink(), "is no whole Pyodide: pyodide.asm.wasm missing"),
        (lambda folder: (folder / "pandas-1.whl").write_text("x"), "not what its lock file states: pandas-1.whl"),
    ],
)
def test_a_pyodide_that_is_not_whole_is_refused(tmp_path, spoil, told):
    there = a_pyodide(tmp_path / "pyodide")
    spoil(there)
    with pytest.raises(SystemExit, match=told):
        lite.serve_along(there, tmp_path / "site")
    assert not (tmp_path / "site").exists()
