"""A learner's record in Chromium: from the disk, in both themes, on a narrow screen, by axe-core."""

import pytest
from lab import chromium, new_page

from mllayers.course import learner
from mllayers.course.record import written

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def running():
    with chromium() as one:
        yield one


@pytest.mark.parametrize("done", ["nothing", "half", "whole"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 360])
def test_the_record_can_be_read(running, monkeypatch, done, theme, width):
    import test_record
    from axe_playwright_python.sync_playwright import Axe

    monkeypatch.setattr(learner, "_memory", None)
    monkeypatch.setattr(learner, "_lesson", "01")
    {"nothing": lambda: None, "half": test_record.half_done, "whole": test_record.whole}[done]()
    place = written()
    with new_page(running) as page:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=theme)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(place.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
        assert Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"] == []
        assert asked == [place.as_uri()]
