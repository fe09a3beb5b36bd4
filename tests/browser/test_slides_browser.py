"""The slides in a browser, from a file, with nothing but this machine: every slide is whole, and the keys work."""

import re

import pytest

from mllayers.teach.slides import write

pytestmark = pytest.mark.browser

LAYERS = ["01_data", "02_prediction", "03_decision", "04_action", "05_feedback"]
NUMBER = "() => document.querySelector('.slide.now').id"
# What does not fit on the slide that is shown, by how many pixels; and the smallest letters on it.
CUT = """() => { const slide = document.querySelector('.slide.now');
  return [...slide.querySelectorAll('.face, .body')].flatMap(e =>
    [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth]).filter(over => over > 1); }"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll('.slide.now .face *, nav *')]
  .filter(e => e.textContent.trim() && !e.querySelector('*')).map(e => parseFloat(getComputedStyle(e).fontSize)))"""
PICTURE = """() => { const img = document.querySelector('.slide.now .body img'); if (!img) return 1;
  const box = img.getBoundingClientRect();
  return Math.min(box.width / img.naturalWidth, box.height / img.naturalHeight); }"""
PRINTED = """() => [...document.querySelectorAll('.slide')].filter(slide =>
  [...slide.querySelectorAll('.face, .body, .notes')].some(e => e.scrollHeight > e.clientHeight + 1
    || e.scrollWidth > e.clientWidth + 1)).map(slide => slide.id)"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All slides."""
    to = tmp_path_factory.mktemp("slides")
    write(to)
    return to


@pytest.fixture
def deck(page, folder):
    """Opens a layer; afterwards nothing was asked of other machines, and no script failed."""

    def opened(name, hash="", size=(1280, 720)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.goto((folder / f"{name}.html").as_uri() + hash)
        return page

    yield opened
    assert page.abroad == []
    assert page.faults == []


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", LAYERS)
def test_every_slide_is_whole_and_large_enough(deck, name, size):
    page = deck(name, size=size)
    of = page.locator(".slide").count()
    for n in range(1, of + 1):
        assert page.evaluate(NUMBER) == str(n)
        assert page.evaluate(CUT) == [], f"slide {n} is cut off"
        assert page.evaluate(SMALLEST) >= 24
        assert page.evaluate(PICTURE) >= 0.85
        page.keyboard.press("ArrowRight")
    assert page.evaluate(NUMBER) == str(of), "the last slide stays"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", LAYERS)
def test_nobody_is_shut_out(deck, name, scheme):
    page = deck(name)
    page.emulate_media(color_scheme=scheme)
    found = []
    for n in range(page.locator(".slide").count()):
        if n == 2:
            page.keyboard.press("n")  # from here on with the notes
        found += [(n, fault) for fault in serious(page)]
        page.keyboard.press("PageDown")
    page.keyboard.press("o")
    found += [("all", fault) for fault in serious(page)]
    assert found == []


def serious(page):
    """What the accessibility checker finds that is serious or worse."""
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(page).response["violations"]
    return [it["id"] for it in violations if it["impact"] in ("serious", "critical")]


def test_keys_buttons_and_addresses_lead_to_a_slide(deck):
    page = deck("03_decision", "#4")
    of = page.locator(".slide").count()
    assert page.evaluate(NUMBER) == "4"
    for key, there in [("ArrowLeft", 3), ("PageUp", 2), (" ", 3), ("Home", 1), ("ArrowLeft", 1), ("End", of)]:
        page.keyboard.press(key)
        assert page.evaluate(NUMBER) == str(there)
        assert page.url.endswith(f"#{there}")
        assert page.inner_text("#said") == f"Slide {there} of {of}"
    page.click("#back")
    assert page.evaluate(NUMBER) == str(of - 1)
    page.keyboard.press("o")
    assert page.locator("#overview li").count() == of
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert page.is_hidden("#overview")
    page.click("#all")
    page.locator("#overview button").nth(6).click()
    assert page.evaluate(NUMBER) == "7"
    page.evaluate("location.hash = '#2'")
    page.wait_for_function("document.querySelector('.slide.now').id === '2'")


def test_notes_are_the_presenters(deck):
    page = deck("01_data", "#3")
    notes = page.locator(".slide.now .notes")
    assert not notes.is_visible()
    page.keyboard.press("n")
    assert notes.is_visible()
    assert "Ask" in notes.inner_text()
    assert page.evaluate(CUT) == []
    with page.expect_popup() as opened:
        page.click("#second")
    second = opened.value
    second.wait_for_selector(".notes >> visible=true")
    assert second.evaluate(NUMBER) == "3"
    second.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.slide.now').id === '4'")
    page.keyboard.press("Home")
    second.wait_for_function("document.querySelector('.slide.now').id === '1'")


def test_a_finger_turns_the_page(deck):
    page = deck("04_action")
    swipe = """far => { const at = x => new Touch({identifier: 1, target: document.body, clientX: x, clientY: 300});
      dispatchEvent(new TouchEvent('touchstart', {touches: [at(600)], changedTouches: [at(600)]}));
      dispatchEvent(new TouchEvent('touchend', {touches: [], changedTouches: [at(600 + far)]})); }"""
    for far, there in [(-200, "2"), (-20, "2"), (-200, "3"), (200, "2")]:
        page.evaluate(swipe, far)
        assert page.evaluate(NUMBER) == there


@pytest.mark.parametrize("name", LAYERS)
def test_two_are_printed_on_a_page_with_their_notes(deck, name):
    page = deck(name)
    of = page.locator(".slide").count()
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1046})  # A4 without its margins, at 96 dots an inch
    assert page.evaluate(PRINTED) == []
    pages = len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True)))
    assert pages == -(-of // 2)


def test_without_the_script_all_slides_are_there(browser, folder):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "02_prediction.html").as_uri())
    assert page.locator(".slide h2 >> visible=true").count() == page.locator(".slide").count() - 1
    context.close()


def test_a_narrow_screen_can_read_them(deck):
    page = deck("05_feedback", size=(390, 800))
    for _ in range(page.locator(".slide").count()):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.keyboard.press("ArrowRight")
