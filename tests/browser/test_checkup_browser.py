"""The page of a checkup in Chromium: from the disk, in both themes, on a narrow screen, by axe-core."""

import pytest
from lab import chromium, new_page

from mllayers import datasets
from mllayers.checkup import PRACTICE_ROLES, checkup

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    report = checkup(datasets.load_practice(), **PRACTICE_ROLES)
    return report.to_html(tmp_path_factory.mktemp("checkup") / "page.html")


@pytest.fixture(scope="module")
def running():
    with chromium() as one:
        yield one


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
def test_the_page_can_be_read(running, page_file, theme, width):
    from axe_playwright_python.sync_playwright import Axe

    with new_page(running) as page:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=theme)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(page_file.as_uri())
        page.evaluate("() => document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
        assert page.evaluate("[...document.images].filter(img => !img.alt || !img.naturalWidth).length") == 0
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(254, 253, 251)"
        assert dark == (theme == "dark")
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert {it["id"]: it["impact"] for it in found if it["impact"] in ("serious", "critical")} == {}
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
