"""The first page says what is so: its picture, its number, its commands, the length of the course."""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest
from PIL import Image

from mllayers import __main__ as doors
from mllayers.figures import money

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST_SCREEN = README[: README.index("| layer |")]


@pytest.fixture(scope="module")
def picture():
    spec = importlib.util.spec_from_file_location("picture", ROOT / "docs" / "picture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_and_the_number_are_those_of_notebook_5(picture, tmp_path):
    assert f"![{picture.alt()}](docs/layers.png)" in FIRST_SCREEN, "run docs/picture.py and copy what it prints"
    assert f"**{money(picture.steps().iloc[-1])}** a quarter" in FIRST_SCREEN
    assert picture.steps().iloc[0] == 0 > picture.steps().iloc[1:3].max()
    made = tmp_path / "layers.png"
    made.write_bytes(picture.draw())
    with Image.open(made) as now, Image.open(picture.PICTURE) as kept:
        assert now.size == kept.size
        assert list(now.convert("L").resize((60, 20)).tobytes()) == pytest.approx(
            list(kept.convert("L").resize((60, 20)).tobytes()), abs=12
        ), "run docs/picture.py"


def test_the_minutes_are_those_of_the_sections():
    core, more = [], []
    for path in sorted((ROOT / "notebooks").glob("0*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        minutes = [(c.metadata.get("tags", []), c.metadata.get("mllayers", {}).get("minutes", 0)) for c in cells]
        core.append(sum(length for tags, length in minutes if "core" in tags))
        more.append(sum(length for tags, length in minutes if "optional" in tags))
    told = " ".join(FIRST_SCREEN.split())
    assert "Each notebook takes about an hour, and half an hour more with its optional sections" in told
    assert 50 <= min(core) <= max(core) <= 70
    assert 20 <= min(more) <= max(more) <= 40


def test_the_first_screen_is_one():
    text = re.sub(r"```mermaid.*?```|!\[.*?\)", "", FIRST_SCREEN, flags=re.DOTALL)
    assert len(text.split()) <= 300
    commands = re.findall(r"^make (\w+)", FIRST_SCREEN, re.MULTILINE)
    assert commands == ["course", "test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in re.findall(r"`make ([a-z-]+)`", README))


def test_what_it_says_of_starting_afresh_is_so(monkeypatch, capsys, tmp_path):
    assert "`python -m mllayers reset 03`" in FIRST_SCREEN
    monkeypatch.setenv("MLLAYERS_HOME", str(tmp_path))
    monkeypatch.setattr("builtins.input", lambda question: print(question) or "n")
    assert doors.main(["reset", "03", "--notebook"]) == 1
    said = capsys.readouterr().out
    assert "Forget the predictions of notebook 03" in said
    assert "make a new one" in said
    assert list(tmp_path.iterdir()) == []
    assert "/my/" in (ROOT / ".gitignore").read_text().split()


def test_the_passage_is_that_of_the_recipe():
    passage = re.search(r"```py\n(.*?)```", README, re.DOTALL)[1].splitlines()
    assert len(passage) == 5
    recipe = (ROOT / "docs" / "recipes" / "retailer.py").read_text(encoding="utf-8")
    for line in (passage[0], passage[1], passage[3]):
        assert line in recipe
