"""A year at each desk, played to its end in a real JupyterLab: by keyboard, across a restart, to the table of teams."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from lab import READY, Notebook, jupyterlab, write

# A year at the size that everybody plays first; the debrief of a small one says the same sooner.
CELLS = ["from mllayers.course.year import play", "board = play('{desk}', seed=7, size={size})"]


@dataclass(frozen=True)
class Desk:
    """The words of a desk: its title, a share with a value too high and a good one, and a pair that cannot be."""

    name: str
    title: str
    share: str
    too_high: tuple[str, str]
    good: str
    lower: tuple[str, str, str]  # a threshold, a value above the upper one, a good value
    upper: str


DESKS = [
    Desk(
        "fraud",
        "The fraud desk",
        "Shipped orders audited at random (%), as a number",
        ("9", "goes from 0.0 to 5.0; got '9'"),
        "1",
        ("Review from a fraud probability of (%), as a number", "90", "5"),
        "must not lie above “Block from a fraud probability of”",
    ),
    Desk(
        "retention",
        "The retention desk",
        "Left alone at random, of those to be contacted (%), as a number",
        ("90", "goes from 0.0 to 30.0; got '90'"),
        "10",
        ("Tiers: voucher from a probability of (%), as a number", "90", "20"),
        "must not lie above “Tiers: call from a probability of”",
    ),
]
both = pytest.mark.parametrize("desk", DESKS, ids=lambda desk: desk.name)


def opened(tmp_path, page, lab, desk, size):
    write(tmp_path / "desk.ipynb", [cell.format(desk=desk.name, size=size) for cell in CELLS])
    notebook = Notebook.open(page, lab, "desk.ipynb")
    notebook.run_all()
    assert notebook.errors() == []
    page.get_by_text(f"{desk.title}, month 1 of 12").wait_for()
    return notebook


def head(page, desk, words):
    page.get_by_text(f"{desk.title}, {words}").wait_for(timeout=30_000)
    page.wait_for_timeout(300)  # nobody presses sooner; a press that comes with the answer counts as a double click


def cut(page):
    """Text of the board that lies outside the page's right edge."""
    return page.evaluate(
        "() => [...document.querySelectorAll('.jp-OutputArea .widget-html p')].filter(p => p.offsetParent !== null "
        "&& p.getBoundingClientRect().right > p.closest('.jp-OutputArea').getBoundingClientRect().right + 1)"
        ".map(p => p.textContent)"
    )


@pytest.mark.browser
@both
def test_a_year_is_played_by_keyboard_alone(desk, tmp_path, page, screenshots, note):
    with jupyterlab(tmp_path) as lab:
        opened(tmp_path, page, lab, desk, 10_000)
        seconds, keys = [], 0
        page.get_by_title(desk.share).focus()
        page.keyboard.press("Control+A")
        page.keyboard.type(desk.too_high[0])
        page.keyboard.press("Enter")
        page.get_by_text(desk.too_high[1]).wait_for()
        page.keyboard.press("Control+A")
        page.keyboard.type(desk.good)
        page.keyboard.press("Enter")
        for _ in range(60):  # to the button, as a person would get there
            page.keyboard.press("Tab")
            keys += 1
            if page.evaluate("document.activeElement.textContent") == "Next month":
                break
        else:
            pytest.fail("Tab does not reach the button")
        for month in range(2, 13):
            began = time.monotonic()
            page.keyboard.press("Space")
            head(page, desk, f"month {month} of 12")
            seconds.append(time.monotonic() - began - 0.3)
            assert page.evaluate("document.activeElement.textContent") == "Next month", "the focus went away"
            if month == 6:
                page.get_by_text(f"{desk.title}, month 6").scroll_into_view_if_needed()
                page.screenshot(path=str(screenshots / f"desk_{desk.name}_month.png"))
        page.keyboard.press("Space")
        head(page, desk, "the year is over")
        page.wait_for_function("document.activeElement.textContent === 'Turn the lights on'")
        typical = sorted(seconds)[len(seconds) // 2]
        note(
            f"{desk.title}: {keys} tabs to the button, {typical:.2f} s a month (slowest {max(seconds):.2f} s) at 10,000"
        )
        assert page.get_by_text("Traceback").count() == 0
    assert page.abroad == []


@pytest.mark.browser
@both
def test_a_year_to_its_debrief_across_a_restart(desk, tmp_path, page, screenshots, note):
    with jupyterlab(tmp_path) as lab:
        notebook = opened(tmp_path, page, lab, desk, 1_000)
        clicks = 0

        def press(label):
            page.get_by_role("button", name=label, exact=True).click()

        threshold, too_high, good = desk.lower
        page.get_by_title(threshold).fill(too_high)
        page.keyboard.press("Enter")
        press("Next month")
        page.get_by_text(desk.upper).wait_for()
        page.get_by_title(threshold).fill(good)
        page.keyboard.press("Enter")
        for month in range(2, 8):
            press("Next month")
            clicks += 1
            head(page, desk, f"month {month} of 12")
        notebook.choose("Kernel", "kernelmenu:restart")
        page.locator('.jp-Dialog button:has-text("Restart")').click()
        page.wait_for_selector(".jp-Dialog", state="detached")
        page.wait_for_function(READY, polling=250)
        notebook.run_all()
        head(page, desk, "month 7 of 12")
        page.get_by_text("Your year goes on: 6 of 12 months are decided.").wait_for()
        page.get_by_label("Replay from month").select_option("5")
        press("Replay")
        head(page, desk, "month 5 of 12")
        for month in range(6, 13):
            press("Next month")
            clicks += 1
            head(page, desk, f"month {month} of 12")
        press("Next month")
        head(page, desk, "the year is over")
        began = time.monotonic()
        press("Turn the lights on")
        page.get_by_text("The lights are on").wait_for()
        first = time.monotonic() - began
        page.get_by_text("The table of teams (it stays on this machine)").wait_for(timeout=240_000)
        whole = time.monotonic() - began
        note(f"{desk.title}: lights on after {first:.1f} s, the whole debrief after {whole:.0f} s; {clicks + 2} clicks")
        page.get_by_text("Enter the table of teams").wait_for()
        press("Enter the table of teams")
        page.get_by_text("Type your team's name first.").wait_for()
        page.get_by_label("Your team's name").fill("The Blues <b>")
        press("Enter the table of teams")
        page.get_by_text("The Blues <b> (replay 1 from month 5)").wait_for()
        assert cut(page) == []
        alts = page.locator(".widget-html img").evaluate_all("all => all.map(img => img.alt)")
        assert len(alts) == 6
        assert all(len(alt.split()) > 5 for alt in alts)
        page.set_viewport_size({"width": 1280, "height": 3000})
        page.get_by_text("The lights are on").scroll_into_view_if_needed()
        page.wait_for_timeout(1000)
        page.screenshot(path=str(screenshots / f"desk_{desk.name}_debrief.png"))
        page.get_by_label("Plays that are kept").select_option("year 7")
        press("Go on with it")
        head(page, desk, "month 7 of 12")
        assert page.get_by_text("Traceback").count() == 0
    assert page.abroad == []
