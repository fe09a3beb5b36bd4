"""A lesson as a learner lives it: guess, be surprised, answer wrongly, take a hint, answer rightly. Run on request."""

from __future__ import annotations

import nbformat
import pytest
from lab import Notebook, copy_of_the_course, jupyterlab

from mllayers.course.exercises import find

LESSON = "notebooks/01_data.ipynb"


@pytest.fixture
def lesson(tmp_path, page):
    """Notebook 1 as a learner gets it, and the places of its cells by their ids."""
    copy_of_the_course(tmp_path)
    cells = nbformat.read(tmp_path / LESSON, as_version=4).cells
    with jupyterlab(tmp_path) as lab:
        yield Notebook.open(page, lab, LESSON), {cell.id: place for place, cell in enumerate(cells)}
    assert page.abroad == []


@pytest.mark.browser
def test_a_lesson_from_guess_to_correct(lesson, screenshots):
    notebook, places = lesson
    exercise = find("N1-1")
    [labelled_only] = [wrong for wrong in exercise.wrong if wrong.name == "recall on the labelled frauds"]
    prediction, turn = places["prediction-2"], places["turn-2"]

    notebook.walk_to(prediction)
    notebook.fill_in(prediction, "90")
    assert notebook.run(prediction) == "Noted. P1-1: 90 %. It can be changed until the result is shown."
    notebook.walk_to(places["worked-10"])
    told = notebook.run(places["worked-10"])
    assert told.startswith("Result. You said 90 %, it came out at ")
    assert told.endswith(" percentage points too high.")

    notebook.walk_to(turn)
    assert notebook.run(turn).startswith("Not attempted yet.")
    notebook.fill_in(turn, "1.0")
    assert notebook.run(turn).startswith(f"Not yet. {labelled_only.message}")
    notebook.rewrite(turn, 2, 'answer = "most of them"')
    assert notebook.run(turn).startswith("Not yet. ")
    hint = notebook.new_cell_below(turn, 'hint("N1-1")')
    first, second = (text.replace("`", "") for text in exercise.hints[:2])
    assert notebook.run(hint).startswith(f"Hint 1 of {len(exercise.hints)}. {first}")
    assert second in notebook.run(hint)
    notebook.rewrite(turn, 2, "answer = labelled_fraud[true_fraud].mean()")
    assert notebook.run(turn).startswith("Correct.")
    assert notebook.errors() == []
    notebook.photograph(screenshots, "lesson")
