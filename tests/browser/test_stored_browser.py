"""What a reader sees of a solved notebook where nothing runs: in JupyterLab, and as a web page. Run on request."""

from __future__ import annotations

import nbformat
import pytest
from lab import NOTEBOOKS, Notebook, copy_of_the_course, jupyterlab, stored_alts
from looks import hard_to_read, pictures, poorly_shown, words
from nbconvert import HTMLExporter

SOLVED = [path.relative_to(NOTEBOOKS.parent).as_posix() for path in sorted(NOTEBOOKS.glob("solved/0*.ipynb"))]


@pytest.mark.browser
def test_every_figure_shows_without_a_kernel_and_without_trust(tmp_path, page):
    copy_of_the_course(tmp_path)
    with jupyterlab(tmp_path, kernels=False) as lab:
        for path in SOLVED:
            notebook = Notebook.open(page, lab, path, kernel=False)
            stored = stored_alts(tmp_path / path)
            found = pictures(page, wait_for=len(stored))
            assert page.query_selector(".jp-OutputArea-output.jp-mod-trusted") is None
            assert [picture["alt"] for picture in found] == stored
            assert poorly_shown(found) == [], path
            assert hard_to_read(words(page)) == [], path
            assert notebook.errors() == []
            kernels = page.request.get(f"{lab}/api/kernels", params={"token": "learner"}).json()
            assert kernels == []
    assert page.abroad == []


@pytest.mark.browser
def test_every_figure_shows_as_a_web_page_with_the_network_cut(tmp_path, page, note):
    (tmp_path / "empty.html").write_text(HTMLExporter().from_notebook_node(nbformat.v4.new_notebook())[0])
    page.goto((tmp_path / "empty.html").as_uri())
    page.wait_for_load_state()
    asked_by_the_template = set(page.abroad)
    note(f"an empty notebook as HTML asks for {', '.join(sorted(asked_by_the_template)) or 'nothing'}")
    for path in SOLVED:
        page.abroad.clear()
        made = tmp_path / "made.html"
        made.write_text(HTMLExporter().from_filename(NOTEBOOKS.parent / path)[0])
        page.goto(made.as_uri())
        page.wait_for_load_state()
        found = pictures(page)
        assert [picture["alt"] for picture in found] == stored_alts(NOTEBOOKS.parent / path)
        assert poorly_shown(found) == [], path
        assert hard_to_read(words(page)) == [], path
        assert set(page.abroad) <= asked_by_the_template
