"""The slides of each layer: what stands on them, in which order, and that they need nobody."""

import re
from copy import deepcopy

import nbformat
import pytest

from mllayers import __main__ as doors
from mllayers.teach import slides as made

SOLVED = sorted((made.ROOT / "notebooks" / "solved").glob("[0-9]*.ipynb"))
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in SOLVED}
SLIDES = {name: made.slides(notebook) for name, notebook in NOTEBOOKS.items()}

each = pytest.mark.parametrize("name", NOTEBOOKS)


def words(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\u2060", "").split())


def outputs(name):
    return [output for cell in NOTEBOOKS[name].cells for output in cell.get("outputs", [])]


@each
def test_a_layer_fits_into_a_lesson(name):
    shown = SLIDES[name]
    assert 10 <= len(shown) <= 17
    assert shown[0].kind == "title"
    assert shown[0].title in NOTEBOOKS[name].cells[0].source
    assert shown[-1].title == "Take-aways"
    assert all(words(slide.body) or "<img" in slide.body for slide in shown)
    assert all(words(slide.notes) for slide in shown)
    told = "".join(slide.title + slide.body + slide.notes for slide in shown)
    assert not re.search(r"\*\*|^#|\]\(|<details|About \d+ min", told, re.MULTILINE)


@each
def test_the_question_comes_before_what_came_out(name):
    shown = SLIDES[name]
    asked = [n for n, slide in enumerate(shown) if slide.kind == "question"]
    assert len(asked) >= 2
    results = dict(re.findall(r"Result\. (P\d-\d): .*?it came out at (.+?): ", str(outputs(name))))
    for n in asked:
        id = re.search(r"P\d-\d", shown[n].title)[0]
        assert "?" in shown[n].body
        assert results[id] not in words(shown[n].body)
        assert results[id] in words(shown[n + 1].body)


@each
def test_a_figure_has_its_words(name):
    shown = [slide for slide in SLIDES[name] if slide.kind == "figure"]
    stored = {output.metadata["image/png"]["alt"] for output in outputs(name) if "image/png" in output.get("data", {})}
    assert len(shown) >= 3
    for slide in shown:
        [alt] = re.findall(r'<img alt="([^"]+)"', slide.body)
        assert made.html.unescape(alt) in stored
        assert len(words(slide.body).split()) >= 4, "a figure is read by a sentence"


@each
def test_every_line_about_money_is_shown(name):
    at = {cell.id: section for section, cells in made._sections(NOTEBOOKS[name]) for cell in cells}
    told = words("".join(slide.body + slide.notes for slide in SLIDES[name] if slide.kind == "money"))
    for cell in NOTEBOOKS[name].cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/plain", "")
            headline = "text/markdown" in output.get("data", {}) and text.lstrip("- ").startswith("**")
            if headline and at.get(cell.id) in ("happened", "flip"):
                assert re.sub(r"\*|^- ", "", text.splitlines()[0])[:60].strip() in told


@each
def test_a_page_asks_nothing_of_other_machines(name):
    page = made.page(NOTEBOOKS[name])
    assert not re.search(r"""(?:src|href)=["'](?!data:)|url\(|@import|https?://""", page)
    assert "default-src 'none'" in page
    assert page.count('<section class="slide') == len(SLIDES[name])
    assert len(page) < 400_000


def test_what_was_never_run_has_no_slides():
    blank = deepcopy(NOTEBOOKS["01_data"])
    for cell in blank.cells:
        cell.pop("outputs", None)
    with pytest.raises(ValueError, match=r"result of P\d-1 is not stored: run `python -m mllayers build --execute`"):
        made.slides(blank)
    with pytest.raises(ValueError, match="must have a section 'question'"):
        made.slides(nbformat.v4.new_notebook())


def test_the_door_writes_them_all(tmp_path, capsys):
    to = tmp_path / "new" / "slides"
    assert doors.main(["slides", "--to", str(to)]) == 0
    said, index = capsys.readouterr().out, (to / "index.html").read_text(encoding="utf-8")
    for name, notebook in NOTEBOOKS.items():
        assert f"{name}.html" in said
        assert f'<a href="{name}.html">{made.html.escape(SLIDES[name][0].title)}</a>' in index
        assert (to / f"{name}.html").read_text(encoding="utf-8") == made.page(notebook)


def test_a_folder_without_notebooks_is_said(tmp_path):
    with pytest.raises(ValueError, match="there are no solved notebooks in"):
        made.write(tmp_path / "slides", tmp_path)


def test_sentences_end_where_they_end():
    assert made._sentences("It costs $4.50 a head. By 5 % more (or so). What then? Nothing.") == [
        "It costs $4.50 a head.",
        "By 5 % more (or so).",
        "What then?",
        "Nothing.",
    ]
    assert made._fitting(["a" * 9, "b" * 9, "c"], 18) == (["a" * 9, "b" * 9], ["c"])
    assert made._fitting(["a" * 99, "b"], 18) == (["a" * 99], ["b"])
