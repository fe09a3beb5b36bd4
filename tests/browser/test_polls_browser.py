"""The polls for the wall in a browser, from a file: a question to a screen, large, and the keys go on."""

import pytest

from mllayers.teach import polls

pytestmark = pytest.mark.browser

HIGHEST = "() => Math.max(...[...document.querySelectorAll('section')].map(s => s.scrollHeight - innerHeight))"
SMALLEST = """() => Math.min(...[...document.querySelectorAll('h1, h2, p, dt, dd, a')]
  .map(e => parseFloat(getComputedStyle(e).fontSize)))"""
WIDER = "() => document.documentElement.scrollWidth - innerWidth"
ON_TOP = "n => Math.abs(document.querySelector(`#poll-${n}`).getBoundingClientRect().top) < 3"


@pytest.fixture(scope="module")
def wall(tmp_path_factory):
    """Where the page is."""
    return polls.write(tmp_path_factory.mktemp("polls"))[1].as_uri()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1024, 768), (1920, 1080)])
def test_every_question_fits_its_screen_and_the_keys_go_on(page, wall, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.goto(wall)
    assert page.evaluate(HIGHEST) <= 0, "a question is higher than the screen"
    assert page.evaluate(SMALLEST) >= 24
    for n, key in enumerate(("ArrowRight", "PageDown", "ArrowRight", "PageDown", "ArrowRight"), start=1):
        page.keyboard.press(key)
        page.wait_for_function(ON_TOP, arg=n)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(ON_TOP, arg=4)
    page.get_by_role("link", name="All polls").nth(3).click()
    page.get_by_role("link", name="The surest leavers").click()
    page.wait_for_function(ON_TOP, arg=3)
    assert page.abroad == []
    assert page.faults == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_can_be_read_by_everybody(page, wall, width, theme):
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=theme)
    page.goto(wall)
    assert page.evaluate(WIDER) == 0
    assert Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"] == []
