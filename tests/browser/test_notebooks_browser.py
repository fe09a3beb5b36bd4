"""Every notebook, in both copies, in a real JupyterLab: run, move whatever can be moved, look. Run on request."""

from __future__ import annotations

import statistics

import nbformat
import pytest
from lab import NOTEBOOKS, Notebook, Row, copy_of_the_course, jupyterlab
from looks import hard_to_read, pictures, poorly_shown, words

COPIES = [path.relative_to(NOTEBOOKS.parent).as_posix() for path in sorted(NOTEBOOKS.rglob("0*.ipynb"))]


@pytest.mark.browser
@pytest.mark.parametrize("path", COPIES)
def test_a_notebook_in_jupyterlab(path, tmp_path, page, rows, screenshots, interact_ms):
    copy_of_the_course(tmp_path)
    cells = nbformat.read(tmp_path / path, as_version=4).cells
    name = path.removeprefix("notebooks/").removesuffix(".ipynb").replace("/", "_")
    with jupyterlab(tmp_path) as lab:
        notebook = Notebook.open(page, lab, path)
        ran = notebook.run_all()
        row = Row(path, ran, len(pictures(page)), len(notebook.errors()))
        rows.append(row)
        assert notebook.errors() == []
        assert ran == sum(cell.cell_type == "code" for cell in cells)
        assert poorly_shown(pictures(page)) == []
        for theme in ("Dark", "Light") if "solved" in path else ("Light",):
            notebook.theme(theme)
            assert hard_to_read(words(page)) == [], theme
            notebook.photograph(screenshots, f"{name}_{theme.lower()}")
        for explorer in notebook.explorers():
            alt = explorer.alt()
            moved = [explorer.drag(number) for number in range(explorer.count("slider"))]
            row.sliders += len(moved)
            row.redraws[alt] = statistics.median([ms for drag in moved for ms in drag.redraws] or [0])
            moved += [explorer.toggle(number) for number in range(explorer.count("checkbox"))]
            moved += [explorer.walk(number) for number in range(explorer.count("dropdown"))]
            row.others += explorer.count("checkbox") + explorer.count("dropdown")
            row.errors = len(notebook.errors())
            assert notebook.errors() == []
            assert [drag.control for drag in moved if not drag.moved()] == []
            assert explorer.alt() == alt
        assert page.abroad == []
    assert statistics.median(row.redraws.values()) < interact_ms / 2
    assert max(row.redraws.values()) < interact_ms
