"""Marking the capstone and the transfer task: numbers are computed, marks add up, each criterion is marked."""

import re

import pytest

from mllayers.teach import rubric, text

NAMES = [
    "The sentence and its prices",
    "The right comparison",
    "What acting changes",
    "What never comes back",
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Both pages, from two worlds and two submissions."""
    whole = rubric.submissions()
    few = {name: whole[name] for name in ("all five mended", "late labels left in")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rubric, "submissions", lambda: few)
        patch.setattr(rubric, "figures", lambda count=rubric.figures: count(worlds=2))
        made = rubric.write(tmp_path_factory.mktemp("rubric"))
    return {path.stem: path.read_text(encoding="utf-8") for path in made}


def test_every_number_is_filled_in_and_none_is_asked_for_in_vain(pages):
    assert list(pages) == ["rubric", "transfer"]
    for page in pages.values():
        assert not re.search(r"\{\w+(:\w+)?\}", page.partition("</style>")[2])
    for name, figures in (("transfer", rubric.transfer_figures()),):
        assert set(figures) >= set(re.findall(r"\{(\w+)", text.written(name)))
    for what in ("all five mended", "late labels left in", "the desk today", "true probabilities"):
        assert what in pages["rubric"]


def test_the_marks_of_the_samples_add_up():
    told = []
    for name in ("rubric", "transfer"):
        parts = re.split(r"(?m)^## ", text.written(name))
        for part in parts:
            if "| criterion | mark |" in part:
                rows = text.rows(part[part.index("| criterion | mark |") :])
                assert [row["criterion"] for row in rows] == NAMES
                assert all(row["why"] for row in rows)
                marks = [int(row["mark"]) for row in rows]
                assert all(0 <= mark <= 3 for mark in marks)
                total = re.search(r"\*\*(\d+) of 12", part)
                assert sum(marks) == int(total[1]), part[:40]
                told.append(sum(marks))
    assert len(told) == 3


def test_the_four_criteria_have_four_steps_and_the_notebook_names_them():
    [table] = [part for part in re.split(r"(?m)^## ", text.written("rubric")) if part.startswith("Four criteria")]
    rows = text.rows(table)
    assert [row["criterion"] for row in rows] == NAMES
    assert all(row[str(step)] for row in rows for step in range(4))


def test_the_first_answer_is_the_riskiest_first():
    """Its rule knows nothing of the box: who got one changes nothing for it."""
    world = rubric.larder(3, pilot=3_000, renewals=200)
    past = world.pilot
    other = past.assign(left=past["left"].where(past["action"] == "none", 1.0))
    assert rubric.answer_a(past, world.renewals).equals(rubric.answer_a(other, world.renewals))


def test_the_first_answer_loses_more_than_the_desk_because_more_boxes_go_out_and_many_to_store_payers():
    found = rubric._why_a(rubric.larder(3, pilot=10_000, renewals=10_000))
    assert 2 * found["desk_boxes"] < found["a_boxes"] == rubric.ROOM
    assert found["a_store"] > 0.3  # of all subscribers three in ten pay through the store
    assert found["a_store_dollars"] < -5_000 < found["a_other_dollars"]


def test_the_transfer_task_needs_no_more_than_its_prices():
    found = rubric.transfer_figures()
    assert found["break_even"] == pytest.approx(2.5)
    assert found["held_out"] == pytest.approx(60 * 20 / 3)
    assert 2 < found["seen"] < 10
