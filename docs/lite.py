"""Gathers what JupyterLite serves: ``python docs/lite.py FOLDER [PYODIDE]``.

The learner notebooks with a first cell that installs what they need in the browser, and the package as a wheel, which
brings the tables. Pyodide comes from its usual address, or from a folder with a distribution of it: of this what the
notebooks need is served along, each file as the lock file of the distribution states it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
# What Pyodide has not, or has in a version that is too old: wheels that run anywhere, served along.
WHEELS = (
    "comm",
    "ipywidgets",
    "jupyterlab-widgets",
    "mistune",
    "narwhals",
    "seaborn",
    "sqlalchemy",
    "tqdm",
    "typing-extensions",
    "tzdata",
)
# What Pyodide has: its runtime, and these packages with all that they need.
RUNTIME = ("pyodide.js", "pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "pyodide-lock.json", "python_stdlib.zip")
PACKAGES = ("ipython", "jedi", "matplotlib", "micropip", "packaging", "pandas", "pillow", "scikit-learn", "sqlite3",
            "ssl", "threadpoolctl")  # fmt: skip
KERNEL = {"display_name": "Python (Pyodide)", "language": "python", "name": "python"}
SETTINGS = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}  # every cell stays on the page
PLUGIN = "@jupyterlite/pyodide-kernel-extension:kernel"
FIRST = """\
# In the browser: run this cell first and give it a minute or two. Nothing is installed on your computer.
# {kept}
# {absent}
%pip install -q mllayers {packages} tzdata
import sqlite3, matplotlib.font_manager, mllayers"""
# What the notebooks need beside the package itself; each as the project states it: a Pyodide may bring an older one.
INSTALLED = ("ipywidgets", "mistune", "seaborn", "sqlalchemy", "threadpoolctl", "tqdm")
KEPT = (
    "Your notebook stays in this browser. What you predict stays, too, if the address begins with https or localhost;\n"
    "# else it is forgotten when the kernel restarts."
)
# What a notebook cannot do in the browser, beside what all of them say.
ABSENT = {
    "": "Everything runs, more slowly than on your computer: some cells take a minute or more.",
}


def notebooks() -> list[Path]:
    """Everything that a learner opens: the five notebooks, and what stands beside them for a workshop."""
    return sorted((ROOT / "notebooks").glob("*.ipynb")) + sorted((ROOT / "notebooks" / "teach").glob("*.ipynb"))


def in_the_browser(path: Path) -> nbformat.NotebookNode:
    """The notebook for a browser: without outputs, and with its first cell."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["kernelspec"] = KERNEL
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    first = FIRST.format(kept=KEPT, absent=ABSENT.get(path.stem, ABSENT[""]), packages=" ".join(bounds(INSTALLED)))
    notebook.cells.insert(0, nbformat.v4.new_code_cell(first, id="in-the-browser"))
    return notebook


def bounds(names: Iterable[str]) -> list[str]:
    """These packages as the project's extras state them, such as ``tqdm>=4.66.3``."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    stated = {re.split(r"[<>=!~\[]", line)[0]: line for lines in extras.values() for line in lines}
    return [stated[name] for name in names]


def needed(lock: dict[str, dict[str, dict[str, object]]], packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """The files of these packages and of all that they need, each with its checksum, by the lock file."""
    known = {_plain(name): about for name, about in lock["packages"].items()}
    found: dict[str, str] = {}
    wanted = [_plain(name) for name in packages]
    while wanted:
        about = known[wanted.pop()]
        if about["file_name"] not in found:
            found[str(about["file_name"])] = str(about["sha256"])
            wanted += [_plain(name) for name in about["depends"]]  # type: ignore[attr-defined]
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def serve_along(pyodide: Path, folder: Path) -> None:
    """Copy of a Pyodide distribution what the notebooks need, if it is whole and as its lock file states it."""
    files = {path.name: path for path in pyodide.rglob("*") if path.is_file()}
    lost = [name for name in RUNTIME if name not in files]
    lock = {} if lost else json.loads(files["pyodide-lock.json"].read_text(encoding="utf-8"))
    sums = needed(lock) if lock else {}
    lost += [name for name in sums if name not in files]
    if lost:
        raise SystemExit(f"{pyodide} is no whole Pyodide: {', '.join(sorted(lost))} missing")
    changed = [name for name, it in sums.items() if hashlib.sha256(files[name].read_bytes()).hexdigest() != it]
    if changed:
        raise SystemExit(f"{pyodide}: not what its lock file states: {', '.join(sorted(changed))}")
    folder.mkdir(parents=True)
    for name in (*RUNTIME, *sums):
        shutil.copyfile(files[name], folder / name)
    # What is not served must not be found either: it would be asked for, in vain, before the wheels of this site.
    lock["packages"] = {name: about for name, about in lock["packages"].items() if about["file_name"] in sums}
    (folder / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")


def gather(folder: Path, pyodide: Path | None) -> None:
    """Write everything into a folder, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    files = folder / "files"
    for path in notebooks():
        target = files / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(in_the_browser(path), target)
    pinned = [line.split(" ;")[0] for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()]
    wanted = [line for line in pinned if line.split("==")[0] in WHEELS]
    pip, to = [sys.executable, "-m", "pip", "--quiet"], str(folder / "pypi")
    anywhere = ["--only-binary", ":all:", "--platform", "any", "--abi", "none", "--implementation", "py"]
    subprocess.run([*pip, "download", "--no-deps", *anywhere, "--dest", to, *wanted], check=True)
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # what setuptools left there would go into the wheel
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", to, str(ROOT)], check=True)
    settings = {}
    if pyodide is not None:
        serve_along(pyodide, folder / "static" / "pyodide")
        settings = {PLUGIN: {"pyodideUrl": "./static/pyodide/pyodide.js", "disablePyPIFallback": True}}
    config = {"jupyter-lite-schema-version": 0, "jupyter-config-data": {"litePluginSettings": settings}}
    (folder / "jupyter-lite.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")


if __name__ == "__main__":
    gather(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
