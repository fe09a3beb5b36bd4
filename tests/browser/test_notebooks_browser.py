"""Every notebook, in both copies, in a real JupyterLab: run, move whatever can be moved, look. Run on request."""

from __future__ import annotations

import statistics

import nbformat
import pytest
from lab import NOTEBOOKS, Notebook, Row, copy_of_the_course, jupyterlab, stored_alts
from looks import hard_to_read, pictures, poorly_shown, words

COPIES = [path.relative_to(NOTEBOOKS.parent).as_posix() for path in sorted(NOTEBOOKS.rglob("0*.ipynb"))]


@pytest.mark.browser
@pytest.mark.parametrize("path", COPIES)
def test_a_notebook_in_jupyterlab(path, tmp_path, page, rows, screenshots):
    copy_of_the_course(tmp_path)
    solved = tmp_path / "notebooks" / "solved" / (tmp_path / path).name
    cells = nbformat.read(tmp_path / path, as_version=4).cells
    name = path.removeprefix("notebooks/").removesuffix(".ipynb").replace("/", "_")
    with jupyterlab(tmp_path) as lab:
        notebook = Notebook.open(page, lab, path)
        ran = notebook.run_all()
        found = pictures(page, wait_for=len(stored_alts(solved)))
        row = Row(path, ran, len(found), len(notebook.errors()))
        rows.append(row)
        assert notebook.errors() == []
        assert ran == sum(cell.cell_type == "code" for cell in cells)
        assert len(found) == len(stored_alts(solved))
        faults = poorly_shown(found)
        for theme in ("Dark", "Light") if "solved" in path else ("Light",):
            notebook.theme(theme)
            faults += hard_to_read(words(page))
            notebook.photograph(screenshots, f"{name}_{theme.lower()}")
        for explorer in notebook.explorers():
            alt = explorer.alt()
            counts = {kind: explorer.count(kind) for kind in ("slider", "checkbox", "dropdown")}
            moved = [explorer.drag(number) for number in range(counts["slider"])]
            moved += [explorer.toggle(number) for number in range(counts["checkbox"])]
            moved += [explorer.walk(number) for number in range(counts["dropdown"])]
            row.sliders += counts["slider"]
            row.others += counts["checkbox"] + counts["dropdown"]
            row.errors = len(notebook.errors())
            assert notebook.errors() == []
            assert [drag.control for drag in moved if not drag.moved()] == []
            row.redraws[alt] = statistics.median(ms for drag in moved for ms in drag.redraws)
            assert explorer.alt() == alt
        row.interact = notebook.plain_interact()
        assert page.abroad == []
    assert faults == []
    assert statistics.median(row.redraws.values()) < row.interact / 2
    assert max(row.redraws.values()) < row.interact
