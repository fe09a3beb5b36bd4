"""Gathers what JupyterLite serves: ``python docs/lite.py FOLDER [PYODIDE]``.

The learner notebooks with a first cell that installs what they need in the browser, the tables, and the package as a
wheel. Pyodide comes from its usual address, or from a folder with a distribution of it, which is then served along.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
# What Pyodide has not, or has in a version that is too old: wheels that run anywhere, served along.
WHEELS = (
    "comm",
    "ipywidgets",
    "jupyterlab-widgets",
    "narwhals",
    "seaborn",
    "sqlalchemy",
    "tqdm",
    "typing-extensions",
)
KERNEL = {"display_name": "Python (Pyodide)", "language": "python", "name": "python"}
SETTINGS = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}  # every cell stays on the page
PLUGIN = "@jupyterlite/pyodide-kernel-extension:kernel"
FIRST = """\
# In the browser: run this cell first and give it a minute or two. Nothing is installed on your computer;
# your answers stay in this browser.
%pip install -q mllayers ipywidgets seaborn tqdm
import shutil, matplotlib.font_manager, mllayers

_ = shutil.copytree("../datasets", f"{mllayers.__path__[0]}/../datasets", dirs_exist_ok=True)"""


def gather(folder: Path, pyodide: Path | None) -> None:
    """Write everything into a folder, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    files = folder / "files"
    shutil.copytree(ROOT / "datasets", files / "datasets")
    (files / "notebooks").mkdir()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata["kernelspec"] = KERNEL
        notebook.cells.insert(0, nbformat.v4.new_code_cell(FIRST, id="in-the-browser"))
        nbformat.write(notebook, files / "notebooks" / path.name)
    pinned = [line.split(" ;")[0] for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()]
    wanted = [line for line in pinned if line.split("==")[0] in WHEELS]
    pip, to = [sys.executable, "-m", "pip", "--quiet"], str(folder / "pypi")
    anywhere = ["--only-binary", ":all:", "--platform", "any", "--abi", "none", "--implementation", "py"]
    subprocess.run([*pip, "download", "--no-deps", *anywhere, "--dest", to, *wanted], check=True)
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # what setuptools left there would go into the wheel
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", to, str(ROOT)], check=True)
    settings = {}
    if pyodide is not None:
        shutil.copytree(pyodide, folder / "static" / "pyodide")
        settings = {PLUGIN: {"pyodideUrl": "./static/pyodide/pyodide.js", "disablePyPIFallback": True}}
    config = {"jupyter-lite-schema-version": 0, "jupyter-config-data": {"litePluginSettings": settings}}
    (folder / "jupyter-lite.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")


if __name__ == "__main__":
    gather(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
