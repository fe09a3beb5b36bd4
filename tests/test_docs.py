"""What the pages say is what the code is: tables, rooms, files, recipes, links."""

import ast
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from types import FunctionType

import nbformat
import pandas as pd
import pytest

import mllayers
from mllayers import shop
from mllayers.course.words import SECTIONS
from mllayers.decision.plan import PLANNED_COLUMNS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("decisions/*.md")), *sorted(ROOT.glob("*.md"))]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CODE = (type, FunctionType)
RECIPES = sorted(DOCS.glob("recipes/*.py"))


def read(path):
    return path.read_text(encoding="utf-8")


def rows_after(text, words):
    """The cells of the table that follows some words, without its head."""
    lines = text[text.index(words) + len(words) :].lstrip("\n").splitlines()
    table = lines[: next((n for n, line in enumerate(lines) if not line.startswith("|")), len(lines))]
    assert len(table) > 2, f"no table follows {words!r}"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in [table[0], *table[2:]]]


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


# --- the world


@pytest.mark.parametrize("name", ["ORDER_TYPES", "SEGMENTS", "RESPONSE"])
def test_a_table_of_the_world_is_the_codes(name):
    head, *rows = rows_after(read(DOCS / "world.md"), f"Table `{name}`:")
    numbers = [[float("nan") if cell == "rest" else float(cell) for cell in row[1:]] for row in rows]
    said = pd.DataFrame(
        numbers, index=[names(row[0])[0] for row in rows], columns=[names(cell)[0] for cell in head[1:]]
    )
    table = getattr(shop, name)
    pd.testing.assert_frame_equal(said, table.astype(float), check_names=False)


def test_the_price_list_of_the_world_is_the_codes():
    _, *rows = rows_after(read(DOCS / "world.md"), "Table `PRICES`:")
    priced = {field.name: getattr(shop.PRICES, field.name) for field in fields(shop.PRICES) if field.name != "more"}
    assert {names(row[0])[0]: float(row[1]) for row in rows} == priced


def test_the_events_of_the_world_are_the_codes():
    _, *rows = rows_after(read(DOCS / "world.md"), "By default:")
    began = {names(row[0])[0]: [int(month) for month in re.findall(r"\d+", row[1])] for row in rows}
    shares = shop.order_shares()
    assert list(began) == list(shop.EVENTS)
    assert tuple(began["peak"]) == shop.EVENTS["peak"]
    for event, kind in (("gift", "G"), ("ringC", "C"), ("mutateA", "A'")):
        assert began[event][0] == shop.EVENTS[event] == shares.index[shares[kind] > 0][0], event


# --- the house


def contract():
    """The rooms of the first contract, row by row, that exist."""
    layers = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    rows = [re.findall(r"\w+", row) for row in layers]
    return [[room for room in row if importlib.util.find_spec(f"mllayers.{room}")] for row in rows]


def test_the_page_names_the_rooms_of_the_contract():
    _, *rows = rows_after(read(DOCS / "architecture.md"), "Lowest row: known to all.")
    assert [sorted(names(row[1])) for row in rows] == [sorted(row) for row in contract()]
    assert [row[0] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]


def test_rooms_that_may_know_each_other_are_named():
    layers = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    _, *rows = rows_after(read(DOCS / "architecture.md"), "Lowest row: known to all.")
    assert ["may know each other" in row[2] for row in rows] == [":" in row for row in layers]


def test_every_contract_is_told():
    told = re.search(r"(\w+) more contracts say[^:]*:\n\n((?:- .*\n(?:  .*\n)*)+)", read(DOCS / "architecture.md"))
    number = len(re.findall(r"(?m)^- ", told[2]))
    assert number == len(PYPROJECT["tool"]["importlinter"]["contracts"]) - 1
    assert told[1] == ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"][number]


def test_the_row_of_the_passage_is_told_whole():
    _, *rows = rows_after(read(DOCS / "architecture.md"), "of a ledger keeps:")
    assert [name for row in rows for name in names(row[0])] == list(PLANNED_COLUMNS)


def test_sections_of_a_notebook_stand_in_their_order():
    _, *rows = rows_after(read(DOCS / "course.md"), "## The parts, in order")
    assert [row[0] for row in rows] == ["title", *list(SECTIONS.values())[1:]]


# --- files, links, code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_files_of_a_page_are_there(page):
    text = read(page)
    links = [link for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
    files = re.findall(r"`((?:mllayers|tests|docs|benchmarks|\.github)/[\w./-]+)`", text)
    assert [file for file in files if not ("0N" in file or (ROOT / file).exists())] == []


def test_every_decision_is_in_the_list():
    listed = re.findall(r"\[([^]]+)\]\(([\w-]+\.md)\)", read(DOCS / "decisions" / "index.md"))
    titles = {path.name: read(path).splitlines()[0] for path in DOCS.glob("decisions/*.md") if path.name != "index.md"}
    assert {file: f"# {title}" for title, file in listed} == titles


def test_code_on_the_pages_runs(tmp_path):
    pages = ["\n".join(re.findall(r"```python\n(.*?)```", read(page), re.DOTALL)) for page in PAGES]
    assert sum(map(bool, pages)) >= 2
    for number, code in enumerate(filter(None, pages)):  # a block may use what an earlier one of its page made
        script = tmp_path / f"page_{number}.py"
        script.write_text(code, encoding="utf-8")
        assert run(script, tmp_path).strip(), code


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_prints_what_its_page_says(path, tmp_path):
    assert run(path, tmp_path) == read(path.with_suffix(".txt"))
    assert list(tmp_path.iterdir()) == []


def run(script, folder):
    """What a program prints, where warnings are errors."""
    words = [sys.executable, "-W", "error", "-X", "utf8", str(script)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_the_passage_in_a_recipe_is_five_calls():
    """From plan to promise: nothing but the outcomes is made by hand between them."""
    for path in [path for path in RECIPES if ".plan(" in read(path)]:
        called = [
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for node in sorted(
                (node for node in ast.walk(ast.parse(read(path))) if isinstance(node, ast.Call)),
                key=lambda node: node.lineno,
            )
        ]
        passage = ["plan", "act", "record_outcomes", "matured", "ledger_effect", "ledger_promise"]
        assert list(dict.fromkeys(name for name in called if name in passage)) == passage, path


# --- what belongs to a release


def test_one_version_everywhere():
    cited = re.search(r"(?m)^version: (\S+)$", read(ROOT / "CITATION.cff"))[1]
    assert mllayers.__version__ == PYPROJECT["project"]["version"] == cited
    assert re.search(rf"(?m)^## {re.escape(cited)}\b", read(ROOT / "CHANGELOG.md"))


def test_hooks_run_what_make_check_runs():
    recipe = re.search(r"(?m)^check:.*\n((?:\t.*\n)+)", read(ROOT / "Makefile"))[1]
    made = re.findall(r"\$\(BIN\)/([\w-]+(?: [\w-]+)*)", recipe)
    hooked = re.findall(r"entry: \.venv/bin/([^,}]+)", read(ROOT / ".pre-commit-config.yaml"))
    assert [words.strip() for words in hooked] == made


def test_new_names_of_the_changelog_exist():
    _, *rows = rows_after(read(ROOT / "CHANGELOG.md"), "### Renamed, old → new")
    for row in rows:
        for name in re.findall(r"\b([A-Za-z_]+)\(", " ".join(names(row[1]))):
            rooms = [importlib.import_module(f"mllayers.{room}") for room in ("decision", "action", "loop", "course")]
            known = [*rooms, *(thing for room in rooms for thing in vars(room).values() if isinstance(thing, type))]
            assert name == "replace" or any(hasattr(thing, name) for thing in known), name


# --- the site


@pytest.fixture(scope="module")
def scripts():
    """The folder of the site's scripts, where they find each other as they do when they are run."""
    sys.path.insert(0, str(DOCS))
    yield
    sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def pages(scripts):
    return importlib.import_module("pages")


@pytest.fixture(scope="module")
def gathered(pages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    pages.gather(folder)
    return folder


def test_every_public_name_is_on_the_site(pages, gathered):
    listed = set(re.findall(r"(?m)^   (?:~[\w.]+\.)?(\w+)$", read(gathered / "reference" / "index.md")))
    for shelf in pages.SHELVES:
        module = importlib.import_module(f"mllayers.{shelf}")
        told = [name for name in getattr(module, "__all__", []) if isinstance(getattr(module, name), CODE)]
        assert set(told) <= listed, shelf
        assert f"automodule:: mllayers.{shelf}\n" in read(gathered / "reference" / f"{shelf}.md")
    assert {"load_orders", "ledger_effect", "LedgerEffect", "OverlapCollapsed", "promise"} <= listed


def test_every_layer_with_a_public_name_is_a_shelf(pages):
    rooms = next(row for row in contract() if "data" in row)
    assert set(rooms) <= set(pages.SHELVES)


def test_the_sites_pages_lead_to_each_other(gathered):
    home = read(gathered / "index.md")
    for page in gathered.rglob("*.md"):
        name = page.relative_to(gathered).with_suffix("").as_posix()
        inside = re.search(rf"(?m)(<{re.escape(name)}>|^{re.escape(name)})$", home)
        decision = name.startswith("docs/decisions/") and page.stem in read(gathered / "docs/decisions/index.md")
        assert name == "index" or inside or decision, name
    assert re.findall(r'<li><a href="notebooks/solved/(\d\d)_\w+\.html"><strong>(\d)', home) == [
        (f"0{n}", str(n)) for n in range(1, 6)
    ]


def test_a_still_page_does_not_ask_to_run_a_cell(pages, gathered):
    assert f'"{pages.RUN_IT} ' in read(ROOT / "mllayers" / "widgets.py"), "as the widgets say it"
    for path in sorted((gathered / "notebooks" / "solved").glob("*.ipynb")):
        nbformat.validate(nbformat.read(path, as_version=4))
        assert pages.RUN_IT not in read(path)
        assert pages.STILL in read(path)


# --- glossary and cheat sheet


@pytest.fixture(scope="module")
def handouts(scripts):
    return importlib.import_module("handouts")


def solved(number):
    return nbformat.read(next((ROOT / "notebooks" / "solved").glob(f"0{number}_*.ipynb")), as_version=4)


def test_the_glossary_is_in_order_and_says_each_word_once(handouts):
    words = [word for word, _, _ in handouts.terms()]
    assert words == sorted(words, key=str.casefold)
    assert len(words) == len(set(words)) == read(DOCS / "glossary.md").count("\n: ")


def test_each_word_of_the_glossary_is_used_in_its_notebook(handouts):
    texts = {n: " ".join(cell.source for cell in solved(n).cells).casefold() for n in range(1, 6)}
    missing = []
    for word, n, _ in handouts.terms():
        stems = [part.strip().casefold().rstrip("es") for part in re.split(r", | or ", word)]
        if not any(stem in texts[n] for stem in stems):
            missing.append((word, n))
    assert missing == []


def test_the_cheat_sheet_holds_five_questions_formulas_and_functions(handouts):
    sheet, found = handouts.cheat_sheet(), handouts.layers()
    assert len(found) == len(handouts.FORMULAS) == 5
    assert sheet.count("<math") == sheet.count("<pre>") == 5
    for n, (title, _, _, _, code) in enumerate(found, 1):
        assert title.split(": ", 1)[1] in solved(n).cells[0].source
        ran = {}
        exec(compile(handouts.in_short(code), "cheat sheet", "exec"), ran)
        assert [name for name, it in ran.items() if isinstance(it, FunctionType)] == [handouts.defined(code)]
    assert "http" not in sheet.replace("http-equiv", "")
