"""A year at each desk where nothing is installed: every month and the debrief, with the seconds that a person waits."""

from __future__ import annotations

import statistics
import time

import nbformat
import pytest
from alone import LITE, errors_of, page_for
from browser.lab import READY, Notebook, chromium, served

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("name", "title"),
    [("desk", "The fraud desk"), ("desk_retention", "The retention desk")],
    ids=["fraud", "retention"],
)
def test_a_year_is_played_in_the_browser_alone(name, title, runs):
    path = f"notebooks/teach/{name}.ipynb"
    cells = nbformat.read(LITE / "files" / path, as_version=4).cells
    play = next(place for place, cell in enumerate(cells) if "import play" in cell.source)
    code = [place for place, cell in enumerate(cells[: play + 1]) if cell.cell_type == "code"]
    with served(LITE) as address, chromium() as browser, page_for(browser, address) as page:
        page.goto(f"{address}/lab/index.html?path={path}")
        page.wait_for_function(READY, polling=250)
        notebook = Notebook(page)
        for place in code:
            notebook.execute(place)

        def press(label: str, then: str, seconds: float = 120) -> float:
            began = time.monotonic()
            page.get_by_role("button", name=label, exact=True).click()
            page.get_by_text(then).first.wait_for(timeout=seconds * 1000)
            waited = time.monotonic() - began
            page.wait_for_timeout(500)  # nobody presses sooner
            return waited

        page.get_by_text(f"{title}, month 1 of 12").wait_for()
        months = [press("Next month", f"{title}, month {month} of 12") for month in range(2, 13)]
        months.append(press("Next month", f"{title}, the year is over"))
        first = press("Turn the lights on", "The lights are on", 600)
        began = time.monotonic()
        page.get_by_text("The table of teams (it stays on this machine)").wait_for(timeout=1_800_000)
        whole = first + time.monotonic() - began
        assert errors_of(notebook) == []
        assert page.get_by_text("Traceback").count() == 0
        assert page.abroad == []
    runs.append(
        f"{title}: a month {statistics.median(months):.1f} s (slowest {max(months):.1f} s), "
        f"lights on after {first:.0f} s, the whole debrief after {whole:.0f} s"
    )
