"""Gathers the pages of the site in a folder, for Sphinx to read: ``python docs/pages.py FOLDER``.

The home page is README.md; the notebooks are the solved ones with their stored outputs; the data card is that of
``datasets``. The recipes and the function reference are made from the notebooks and the package as they are.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parent.parent
SHELVES = ("data", "prediction", "decision", "action", "feedback", "ledger", "loop", "shop", "datasets")

_DIAGRAM = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
_BOX = re.compile(r'\["([^"]+?)<br>([^"]+)"\]')
_COPIES = re.compile(r"\[([^]]+)\]\(notebooks/(\w+\.ipynb)\) \(\[solved\]\(notebooks/solved/\2\)\)")
_CONTENTS = "\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"
_TABLE = "```{{eval-rst}}\n.. currentmodule:: {module}\n.. autosummary::\n   :nosignatures:\n\n   {names}\n```"
_MODULE = "# {name}\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```\n"


def gather(folder: Path) -> None:
    """Write every page of the site into a folder, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    solved = sorted((ROOT / "notebooks" / "solved").glob("*.ipynb"))
    learner = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in (*solved, *learner, ROOT / "datasets" / "README.md"):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    notebooks = {path.relative_to(ROOT).as_posix(): nbformat.read(path, as_version=4) for path in solved}
    shelves = {name: importlib.import_module(f"mllayers.{name}") for name in SHELVES if _exists(name)}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = {"index": home(readme, notebooks, shelves), "recipes": recipes(notebooks)}
    pages |= {"reference/index": overview(shelves)}
    pages |= {f"reference/{name}": _MODULE.format(name=name, module=it.__name__) for name, it in shelves.items()}
    (folder / "reference").mkdir()
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def home(readme: str, notebooks: dict[str, Any], shelves: dict[str, ModuleType]) -> str:
    """The README as the first page: its diagram as a list that needs no script, and the contents of the site.

    The title of a notebook leads to the solved copy, to be read here; the learner copy is there to be downloaded.
    """
    page = _DIAGRAM.sub(lambda diagram: _strip(diagram.group(1)), readme)
    page = _COPIES.sub(r"[\1](notebooks/solved/\2) ([learner copy](path:notebooks/\2))", page)
    contents = {
        "The notebooks": [
            f"{_short(notebook)} <{path.removesuffix('.ipynb')}>" for path, notebook in notebooks.items()
        ],
        "To look up": ["Recipes <recipes>", "Data card <datasets/README>"],
        "Functions": ["All functions <reference/index>", *(f"reference/{name}" for name in shelves)],
    }
    return page + "".join(_CONTENTS.format(caption=name, pages="\n".join(pages)) for name, pages in contents.items())


def recipes(notebooks: dict[str, Any]) -> str:
    """A page with the cell of each notebook that pastes into any project, and where it is explained."""
    page = ["# Recipes", "Cells of the notebooks that paste into any project, without `mllayers`. Licence: MIT."]
    for path, notebook in notebooks.items():
        title, above = _heading(notebook.cells[0].source), ""
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                above = cell.source
            elif "lift-out" in cell.metadata.get("tags", []):
                section = re.sub(r"[^\w\- ]", "", _heading(above).lower()).replace(" ", "-")
                page += [f"## `{_defined(cell.source)}`", above.partition("\n")[2].strip()]
                page += [f"From [{title}]({path}#{section})", f"```python\n{cell.source}\n```"]
    return "\n\n".join(page) + "\n"


def overview(shelves: dict[str, ModuleType]) -> str:
    """The first page of the function reference: every public name with its one sentence."""
    page = ["# Functions", "What the package holds, room by room."]
    for name, shelf in shelves.items():
        table = _TABLE.format(module=shelf.__name__, names="\n   ".join(public(shelf)))
        page += [f"## {name}", (shelf.__doc__ or "").splitlines()[0], table]
    return "\n\n".join(page) + "\n"


def public(shelf: ModuleType) -> list[str]:
    """The functions and classes that a module offers, in alphabetical order."""
    named = getattr(shelf, "__all__", None) or [name for name in vars(shelf) if not name.startswith("_")]
    return sorted(name for name in named if _lives_in(getattr(shelf, name), shelf))


def _lives_in(thing: object, shelf: ModuleType) -> bool:
    return callable(thing) and getattr(thing, "__module__", "").startswith(shelf.__name__)


def _exists(name: str) -> bool:
    return importlib.util.find_spec(f"mllayers.{name}") is not None


def _strip(diagram: str) -> str:
    boxes = _BOX.findall(diagram)
    if not boxes:
        raise ValueError(f'the README\'s diagram must hold boxes such as ["1 Data<br>a question?"]; got {diagram!r}')
    layers = "\n".join(f"<li><strong>{name}</strong> {question}</li>" for name, question in boxes)
    return f'<ol class="layers">\n{layers}\n</ol>\n'


def _heading(text: str) -> str:
    return text.splitlines()[0].lstrip("# ")


def _short(notebook: Any) -> str:
    """Number and name of a notebook's layer, such as *3 Decision*."""
    return re.sub(r"Layer (\d+) — (\w+).*", r"\1 \2", _heading(notebook.cells[0].source))


def _defined(source: str) -> str:
    """The first function or class that some code defines."""
    return next(node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef))


if __name__ == "__main__":
    gather(Path(sys.argv[1]))
