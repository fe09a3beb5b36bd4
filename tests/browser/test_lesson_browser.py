"""Every notebook as a learner lives it, from the door to the saved copy: guesses as people type them, each exercise
wrong in every way and then right, hints, solutions, controls by keyboard, a kernel that was restarted, two notebooks
at once, both themes. It reads what a person would see. Run on request.
"""

from __future__ import annotations

import json
import time

import pytest
from lab import TOKEN, Notebook, changed, course_in_git, door
from lessons import LESSONS, Played, Player
from looks import hard_to_read, words

OTHER = {"01_data": "02_prediction"}  # beside every other notebook stands the first


@pytest.fixture
def course(tmp_path):
    """The course as somebody cloned it."""
    return course_in_git(tmp_path)


@pytest.mark.browser
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.notebook)
def test_a_played_lesson(lesson, course, page, lessons, screenshots):
    row = Played(lesson.notebook)
    lessons.append(row)
    name = f"{lesson.notebook}.ipynb"
    with door(course, f"notebooks/{name}") as lab:
        notebook = Notebook.first_view(page, lab)
        assert notebook.open_file() == f"my/{name}"
        assert notebook.pop_ups() == []
        notebook.photograph_page(screenshots, f"lesson_{lesson.notebook}_first_view")
        player = Player(notebook, course / "my" / name, row)
        player.play(lesson)
        assert row.asked == []
        player.look()
        assert (row.errors, row.formulas) == (0, 0), notebook.errors()
        assert row.reveals == len(lesson.guesses)
        faults = []
        for theme in ("Dark", "Light"):
            notebook.theme(theme)
            faults += hard_to_read(words(page))
            notebook.photograph_page(screenshots, f"lesson_{lesson.notebook}_{theme.lower()}", places=player.code[3::9])
        notebook.save()
        assert changed(course) == ""
        answers = json.loads((course / "my" / "predictions.json").read_text())
        assert set(answers) == set(lesson.guesses)
        assert all("actual" in answer for answer in answers.values())
        kept = (course / "my" / name).read_text()

        # the kernel is restarted: the controls say so, and whoever skips the set-up cell reads which name is missing
        notebook.restart()
        lost = page.locator(".mllayers-lost:visible")
        assert lost.count() == page.locator(".jp-OutputArea-output > .widget-vbox").count() > 0
        lost.first.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        assert "The kernel was restarted" in lost.first.inner_text()
        notebook.photograph_page(screenshots, f"lesson_{lesson.notebook}_restarted")
        predict = next(place for place in player.code if "predict(" in player.cells[place].source)
        player.run(predict)
        assert "NameError: name 'predict' is not defined" in player.told(predict)
        begun = time.monotonic()
        player.run(player.setup[0])
        row.setup = min(row.setup, time.monotonic() - begun)  # warm: everything has been read from disk once
        for place in player.setup[1:]:
            player.run(place)
        assert "the result has been shown, so your earlier guess" in player.run(
            predict, player.cells[predict].source.replace("____", "2")
        )

        # another notebook beside it, with a kernel of its own: the guesses of both are kept
        other = OTHER.get(lesson.notebook, "01_data")
        second = page.context.new_page()
        second.faults = []
        second.goto(f"{lab}/lab/workspaces/second/tree/my/{other}.ipynb?token={TOKEN}")
        beside = Player(Notebook.ready(second), course / "my" / f"{other}.ipynb", Played(other))
        for place in beside.setup:
            beside.run(place)
        predict = next(place for place in beside.code if "predict(" in beside.cells[place].source)
        assert "Noted." in beside.run(predict, beside.cells[predict].source.replace("____", "12"))
        kept_now = json.loads((course / "my" / "predictions.json").read_text())
        assert {**answers, **kept_now} == kept_now
        assert len(kept_now) == len(answers) + 1
        assert changed(course) == ""
    assert (course / "my" / name).read_text() == kept
    assert page.abroad == []
    assert faults == []
    assert row.setup <= 8
