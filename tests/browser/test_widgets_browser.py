"""In a real JupyterLab: figures have their alt text, sliders redraw fast, nothing goes abroad. Run on request."""

from __future__ import annotations

import statistics
from pathlib import Path

import nbformat
import pytest
from lab import Notebook, chromium, jupyterlab

TESTS = Path(__file__).parent.parent
ALT = "A curve of recall over the share of orders audited, rising steeply at first"
PLAIN = (
    "import matplotlib.pyplot as plt\nimport ipywidgets\n"
    "def draw(share):\n    plt.plot(AUDIT.index, AUDIT['mean']); plt.axvline(share); plt.show()\n"
    "_ = ipywidgets.interact(draw, share=(0.0, 0.04, 0.001))"
)
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
]


def write(folder: Path, name: str, cells: list[str]) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, folder / name)


@pytest.mark.browser
def test_a_slider_redraws_in_a_tenth_of_a_second(tmp_path, record_property, capsys):
    write(tmp_path, "shown.ipynb", CELLS)
    write(tmp_path, "plain.ipynb", [CELLS[0], PLAIN])
    with jupyterlab(tmp_path) as lab, chromium() as page:
        notebook = Notebook.open(page, lab, "shown.ipynb")
        notebook.run_all()
        assert notebook.errors() == []
        assert notebook.alts() == ["Bars of three grades, seen and true", ALT]
        assert "From $5 to $7, cheap." in page.inner_text(".jp-Notebook")
        assert page.query_selector_all("mjx-container") == []
        before = page.locator(".jp-OutputArea-output img").nth(1).get_attribute("src")
        ours = notebook.drag(30)
        assert page.locator(".jp-OutputArea-output img").nth(1).get_attribute("src") != before
        assert notebook.alts()[1] == ALT
        assert "At 4.0% an audit costs $6,400, not $0." in page.inner_text(".jp-Notebook")
        page.locator(".noUi-handle").focus()
        page.keyboard.press("ArrowLeft")
        page.get_by_text("At 3.9% an audit costs $6,240, not $0.").wait_for()
        notebook.screenshot(tmp_path / "light.png")
        notebook.theme("Dark")
        notebook.screenshot(tmp_path / "dark.png")
        usual = Notebook.open(page, lab, "plain.ipynb")
        usual.run_all()
        theirs = usual.drag(30)
        assert page.abroad == []
    median, other = statistics.median(ours), statistics.median(theirs)
    record_property("redraw_ms", median)
    told = f"{median:.0f} ms of {len(ours)} moves; plain interact {other:.0f} ms of {len(theirs)}"
    with capsys.disabled():
        print(f"\nslider to picture, median {told}")
    assert len(ours) >= 20
    assert median < 100
