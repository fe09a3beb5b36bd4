"""What `show`, `say` and `explore` put on the page, in a real JupyterLab. Run on request."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
from lab import Notebook, jupyterlab, write
from looks import hard_to_read, pictures, words

TESTS = Path(__file__).parent.parent
ALT = "A curve of recall over the share of orders audited, rising steeply at first"
CELLS = [
    f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
    "from figure_cases import AUDIT, GRADES, MOVING, grades\nfrom mllayers import widgets\n"
    "from mllayers.course.showing import say, show",
    "say('From $5 to **$7** a month.')",
    "show(grades(), alt='Bars of three grades, seen and true', says='From $5 to $7, cheap.', table=GRADES)",
    "explorer = widgets.explore(MOVING['audit'][0], "
    "{'share': widgets.slider('Share audited', 0.0, 0.04, step=0.001, value=0.01, form='.1%')}, "
    f"title='What an audit finds', alt={ALT!r}, "
    "says=lambda share: f'At {share:.1%} an audit costs ${160000 * share:,.0f}, not $0.')",
    "from mllayers.course.notes import Note\nfor tone in ('good', 'wait', 'problem', 'plain'):\n"
    "    display(Note(tone, ('From $5 to `best_tiers`.',), tone))",
]


@pytest.fixture
def shown(tmp_path, page):
    write(tmp_path / "shown.ipynb", CELLS)
    with jupyterlab(tmp_path) as lab:
        notebook = Notebook.open(page, lab, "shown.ipynb")
        notebook.run_all()
        assert notebook.errors() == []
        yield notebook
    assert page.abroad == []


@pytest.mark.browser
def test_a_figure_follows_its_slider(shown, note):
    [explorer] = shown.explorers()
    drag = explorer.drag()
    assert drag.moved()
    assert len(drag.redraws) >= 20
    assert explorer.alt() == ALT
    handle = explorer.box.locator(".noUi-handle")
    handle.focus()
    shown.page.keyboard.press("ArrowLeft")
    shown.page.get_by_text("At 0.9% an audit costs $1,440, not $0.").wait_for()
    median = statistics.median(drag.redraws)
    usual = shown.plain_interact()
    note(f"one figure with one slider: {median:.0f} ms from move to picture; plain interact: {usual:.0f} ms")
    assert median < usual / 2


@pytest.mark.browser
def test_what_is_shown_is_said_and_can_be_read(shown):
    page = shown.page
    assert [picture["alt"] for picture in pictures(page)] == ["Bars of three grades, seen and true", ALT]
    assert "From $5 to $7, cheap." in page.text_content(".jp-Notebook")
    assert page.query_selector_all("mjx-container") == []
    for theme in ("Dark", "Light"):
        shown.theme(theme)
        found = words(page)
        assert {"sentence", "numbers", "table", "control", "note", "text"} == {word["kind"] for word in found}
        assert hard_to_read(found) == [], theme
