"""Gathers the pages of the site in a folder, for Sphinx to read: ``python docs/pages.py FOLDER``.

The home page is README.md; the notebooks are the solved ones with their stored outputs; the data card is that of
``datasets``; the pages for whoever carries on are those of ``docs``. The recipes and the function reference are made
from ``docs/recipes``, the notebooks and the package as they are.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import handouts
import nbformat

ROOT = Path(__file__).resolve().parent.parent
SHELVES = (
    "data", "prediction", "decision", "action", "feedback", "sums", "checkup", "ledger", "loop", "desk", "shop",
    "datasets", "figures",
)  # fmt: skip
PEOPLE = {  # pages for whoever carries on
    "docs/architecture.md": "Architecture",
    "docs/adding.md": "Adding things",
    "docs/decisions/index.md": "Decisions",
    "docs/world.md": "The world",
    "docs/course.md": "How a notebook is made",
    "docs/coverage.md": "Coverage of the intervals",
    "docs/desk.md": "The desk",
    "docs/desk-scores.md": "Scores at the desk",
    "CONTRIBUTING.md": "Contributing",
    "CHANGELOG.md": "Changelog",
    "SECURITY.md": "Security",
}
LOOK_UP = ("docs/glossary.md", "docs/own_data.md", "docs/any_size.md", "docs/browser.md", "docs/sample_card.md")
TEACH = "notebooks/teach/README.md"
PRINTED = '<a href="handouts/cheatsheet.html">one page</a>'
TO_PRINT = '## To print\n\n<a href="../../teach/index.html">Run sheets, cards, polls, replies, the role task</a>'
RECIPES = ("retailer", "own_frame", "scored_file", "what_came_back", "monthly")
RUN_IT = "Run this cell to move the controls:"  # as `mllayers.widgets` stores it, beside a picture that is still
STILL = "In a running notebook, these controls move it:"

_DIAGRAM = re.compile(r"```mermaid\n.*?```\n", re.DOTALL)
_PICTURE = re.compile(r"!\[[^]]*\]\(([\w./-]+)\)")
_PROGRAM = re.compile(r"\(docs/recipes/\w+\.py\)")
_BESIDE = re.compile(r"\(recipes/\w+\.\w+\)")
_COPIES = re.compile(r"\[([^]]+)\]\(notebooks/(\w+\.ipynb)\) \(\[solved\]\(notebooks/solved/\2\)\)")
_CONTENTS = "\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"
_TABLE = "```{{eval-rst}}\n.. currentmodule:: {module}\n.. autosummary::\n   :nosignatures:\n\n   {names}\n```"
_PART = "## {name}\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```\n"
_MODULE = "# {name}\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```\n"


def gather(folder: Path) -> None:
    """Write every page of the site into a folder, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    solved = sorted((ROOT / "notebooks" / "solved").glob("*.ipynb"))
    learner = sorted((ROOT / "notebooks").glob("*.ipynb")) + sorted((ROOT / "notebooks" / "teach").glob("*.ipynb"))
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    own = [ROOT / path for path in (*PEOPLE, *LOOK_UP, TEACH)]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = [ROOT / path for path in _PICTURE.findall(readme)]
    for path in (*solved, *learner, *own, *decisions, *shown, ROOT / "datasets" / "README.md"):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    sizes = folder / "docs" / "any_size.md"
    sizes.write_text(_BESIDE.sub("(../recipes.md)", sizes.read_text(encoding="utf-8")), encoding="utf-8")
    teach = folder / TEACH
    teach.write_text(f"{teach.read_text(encoding='utf-8')}\n{TO_PRINT}\n", encoding="utf-8")
    for path in solved:
        copy = folder / path.relative_to(ROOT)
        told = copy.read_text(encoding="utf-8").replace(RUN_IT, STILL)
        copy.write_text(told.replace("](../teach/", "](path:../teach/"), encoding="utf-8")  # a file to be downloaded
    for path in decisions:  # their list leads to them; in the side bar they would be a list without a name
        if path.stem != "index":
            copy = folder / path.relative_to(ROOT)
            copy.write_text(f"---\norphan: true\n---\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    notebooks = {path.relative_to(ROOT).as_posix(): nbformat.read(path, as_version=4) for path in solved}
    shelves = {name: importlib.import_module(f"mllayers.{name}") for name in SHELVES}
    pages = {"index": home(readme, notebooks, shelves), "recipes": recipes(notebooks)}
    pages |= {"cheatsheet": cheat_sheet(), "reference/index": overview(shelves)}
    pages |= {f"reference/{name}": reference(name, it) for name, it in shelves.items()}
    (folder / "reference").mkdir()
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def home(readme: str, notebooks: dict[str, Any], shelves: dict[str, ModuleType]) -> str:
    """The README as the first page: its diagram as a strip of links that needs no script, and the contents of the site.

    The title of a notebook leads to the solved copy, to be read here; the learner copy is there to be downloaded.
    """
    strip = _strip(notebooks)
    page, drawn = _DIAGRAM.subn(lambda diagram: strip, readme)
    page = page if drawn else page.replace("\n## ", f"\n{strip}\n## ", 1)
    page = _PROGRAM.sub("(recipes.md)", page)
    page = _COPIES.sub(r"[\1](notebooks/solved/\2) ([learner copy](path:notebooks/\2))", page)
    contents = {
        "The notebooks": [
            f"{_short(notebook)} <{path.removesuffix('.ipynb')}>" for path, notebook in notebooks.items()
        ],
        "To look up": [
            "Your own data <docs/own_data>",
            "When it outgrows your laptop <docs/any_size>",
            "In the browser alone <docs/browser>",
            f"Teach a workshop <{TEACH.removesuffix('.md')}>",
            "A filled system card <docs/sample_card>",
            "Cheat sheet <cheatsheet>",
            "Glossary <docs/glossary>",
            "Recipes <recipes>",
            "Data card <datasets/README>",
        ],
        "Functions": ["All functions <reference/index>", *(f"reference/{name}" for name in shelves)],
        "For whoever carries on": [f"{name} <{path.removesuffix('.md')}>" for path, name in PEOPLE.items()],
    }
    return page + "".join(_CONTENTS.format(caption=name, pages="\n".join(pages)) for name, pages in contents.items())


def recipes(notebooks: dict[str, Any]) -> str:
    """A page with what can be taken away: whole programs, and the cell of each notebook that needs no mllayers."""
    page = ["# Recipes", "To copy into a project of your own. Licence: MIT."]
    for name in RECIPES:
        path = ROOT / "docs" / "recipes" / f"{name}.py"
        source = path.read_text(encoding="utf-8")
        title, _, words = (ast.get_docstring(ast.parse(source)) or "").partition("\n")
        page += [f"## {title.rstrip('.')}", words.strip(), f"```python\n{_without_docstring(source)}\n```"]
        page += ["It prints", f"```text\n{path.with_suffix('.txt').read_text(encoding='utf-8').rstrip()}\n```"]
    for path, notebook in notebooks.items():
        title, above = _heading(notebook.cells[0].source), ""
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                above = cell.source
            elif "lift-out" in cell.metadata.get("tags", []):
                section = re.sub(r"[^\w\- ]", "", _heading(above).lower()).replace(" ", "-")
                page += [f"## `{handouts.defined(cell.source)}`, without mllayers", above.partition("\n")[2].strip()]
                page += [f"From [{title}]({path}#{section})", f"```python\n{cell.source}\n```"]
    return "\n\n".join(page) + "\n"


def cheat_sheet() -> str:
    """The five layers on one page: question, formula, code."""
    page = ["# Cheat sheet", f"{handouts.SENTENCE} To print: {PRINTED}."]
    for title, says, formula, letters, code in handouts.layers():
        page += [f"## {title}", f"{says}:", formula, letters.capitalize() + ".", f"```python\n{code}\n```"]
    return "\n\n".join(page) + "\n"


def overview(shelves: dict[str, ModuleType]) -> str:
    """The first page of the function reference: every public name with its one sentence."""
    page = ["# Functions", "What the package holds, room by room."]
    for name, shelf in shelves.items():
        page += [f"## {name}", (shelf.__doc__ or "").splitlines()[0]]
        page += [_table(module) for module in (shelf, *_findings(name))]
    return "\n\n".join(page) + "\n"


def reference(name: str, shelf: ModuleType) -> str:
    """The page of one room: everything public in it, and for figures the findings of each layer."""
    page = [_MODULE.format(name=name, module=shelf.__name__)]
    if told := _told_before(shelf):
        page[0] = page[0].replace("   :members:", f"   :members:\n   :exclude-members: {', '.join(told)}")
        page += [f"Also here: {', '.join(f'{{py:obj}}`{home}.{it}`' for it, home in told.items())}."]
    page += [_PART.format(name=it.__name__.rpartition(".")[2], module=it.__name__) for it in _findings(name)]
    return "\n".join(page)


def public(shelf: ModuleType) -> list[str]:
    """The functions and classes that a module offers, in alphabetical order."""
    told = getattr(shelf, "__all__", None)
    if told is None:
        told = [name for name, it in vars(shelf).items() if getattr(it, "__module__", "") == shelf.__name__]
    return sorted(name for name in told if not name.startswith("_") and _is_code(getattr(shelf, name)))


def _is_code(thing: object) -> bool:
    return inspect.isclass(thing) or inspect.isroutine(thing)


def _findings(name: str) -> list[ModuleType]:
    """The modules of `mllayers.figures` that hold the findings of a layer."""
    layers = ("data", "prediction", "decision", "action", "feedback") if name == "figures" else ()
    return [importlib.import_module(f"mllayers.figures.{layer}") for layer in layers]


def _table(module: ModuleType) -> str:
    told = _told_before(module)
    names = [f"~{told[name]}.{name}" if name in told else name for name in public(module)]
    return _TABLE.format(module=module.__name__, names="\n   ".join(names))


def _told_before(module: ModuleType) -> dict[str, str]:
    """The classes of a module that an earlier one of `SHELVES` tells about already, and which."""
    room = module.__name__.partition(".")[2]
    earlier = SHELVES[: SHELVES.index(room)] if room in SHELVES else ()
    before = [importlib.import_module(f"mllayers.{name}") for name in earlier]
    classes = {name: getattr(module, name) for name in public(module) if isinstance(getattr(module, name), type)}
    return {name: it.__name__ for name, one in classes.items() for it in before if getattr(it, name, None) is one}


def _strip(notebooks: dict[str, Any]) -> str:
    """The layers as a list of links, each with its name and question, from the titles of the notebooks."""
    links = []
    for path, notebook in notebooks.items():
        _, _, question = _heading(notebook.cells[0].source).partition(": ")
        where = f"{path.removesuffix('.ipynb')}.html"
        links.append(f'<li><a href="{where}"><strong>{_short(notebook)}</strong> {question}</a></li>')
    return '<ol class="layers">\n' + "\n".join(links) + "\n</ol>\n"


def _without_docstring(source: str) -> str:
    first = ast.parse(source).body[0]
    return "\n".join(source.splitlines()[first.end_lineno or 0 :]).strip("\n")


def _heading(text: str) -> str:
    return text.splitlines()[0].lstrip("# ")


def _short(notebook: Any) -> str:
    """Number and name of a notebook's layer, such as *3 Decision*."""
    return re.sub(r"Layer (\d+) — (\w+).*", r"\1 \2", _heading(notebook.cells[0].source))


if __name__ == "__main__":
    gather(Path(sys.argv[1]))
