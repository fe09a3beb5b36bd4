"""What a learner touches beside the exercises: their folder, predictions, beliefs, the system card, the start."""

import html.parser
import importlib
import importlib.machinery
import importlib.metadata
import json
import math
import multiprocessing
import os
import re
import sys
import time
import types
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient

from mllayers.course import (
    ____,
    believe,
    card,
    check,
    hint,
    learner,
    minutes,
    predict,
    predictions,
    reveal,
    start,
    words,
)
from mllayers.course.beliefs import BELIEFS
from mllayers.course.exercises import find

cards = importlib.import_module("mllayers.course.card")
starting = importlib.import_module("mllayers.course.start")


@pytest.fixture(autouse=True)
def nothing_pending(monkeypatch):
    monkeypatch.setattr(learner, "_pending", {})
    monkeypatch.setattr(learner, "_memory", None)
    monkeypatch.setattr(learner, "_lesson", "")
    monkeypatch.setattr(words, "_speaking", "en")


class Hidden:
    """Nothing about it can be looked at."""

    def __repr__(self):
        raise RuntimeError("no")

    __str__ = __float__ = __len__ = __iter__ = __bool__ = __hash__ = __repr__

    def __getattr__(self, name):
        raise RuntimeError(name)


itself: list = []
itself.append(itself)
STRANGE = {
    "itself": itself,
    "hidden": Hidden(),
    "huge text": "x" * 1_000_000,
    "huge number": 10**5_000,
    "bytes": b"x" * 1_000_000,
}


def append(word):
    return lambda text: text + word


def refuse(*args, **kwargs):
    raise PermissionError(13, "Permission denied")


def files():
    return sorted(path.name for path in learner.home().iterdir())


# --- the learner's folder


def test_home_is_beside_the_notebooks_or_where_it_was_chosen(tmp_path, monkeypatch):
    assert learner.home() == tmp_path / "home"
    monkeypatch.delenv("MLLAYERS_HOME")
    notebooks = tmp_path / "course" / "notebooks"
    (notebooks / "solved").mkdir(parents=True)
    (tmp_path / "course" / "my" / "de").mkdir(parents=True)
    for place in ("notebooks", "notebooks/solved", ".", "my", "my/de"):
        monkeypatch.chdir(tmp_path / "course" / place)
        assert learner.home() == tmp_path / "course" / "my"
    (tmp_path / "notebooks").mkdir()  # somebody's own, not the course's
    monkeypatch.chdir(tmp_path)
    assert learner.home() == tmp_path / "my"
    assert learner.home(notebooks) == tmp_path / "course" / "my"
    assert not (tmp_path / "my").exists()


def test_a_home_that_is_none_stops_no_lesson(monkeypatch, tmp_path):
    monkeypatch.setenv("MLLAYERS_HOME", "~nobody-of-this-name/x")
    with pytest.raises(ValueError, match="MLLAYERS_HOME must name a folder; got '~nobody-of-this-name/x'"):
        learner.home()
    assert "kept only until the kernel stops" in repr(predict("P1-1", 5))
    assert "MLLAYERS_HOME must name a folder" in repr(card("01", audit="Ten."))
    assert predictions()["guess"].tolist() == [5]
    monkeypatch.delenv("MLLAYERS_HOME")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ValueError, match="the current folder is gone"):
        learner.home()
    assert "kept only until the kernel stops" in repr(predict("P1-2", 5))


def test_a_write_that_fails_half_way_leaves_the_old_file(monkeypatch):
    learner.update("a.txt", append("one "))
    with monkeypatch.context() as broken:
        broken.setattr(os, "replace", refuse)
        notice = learner.update("a.txt", append("two "))
    assert "cannot be written (Permission denied)" in notice
    assert "\n" not in notice
    assert (learner.home() / "a.txt").read_text() == "one "
    assert files() == ["a.txt"]
    assert learner.read("a.txt") == "one two "


def test_an_interrupted_write_leaves_the_old_file(monkeypatch):
    learner.update("a.txt", append("one "))
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            learner.update("a.txt", append("two "))
    assert learner.read("a.txt") == "one "
    assert files() == ["a.txt"]


def test_what_could_not_be_written_is_written_later_beside_what_others_wrote(monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(os, "replace", refuse)
        learner.update("a.txt", append("mine "))
        learner.update("a.txt", append("mine too "))
    (learner.home() / "a.txt").write_text("theirs ")
    assert learner.update("a.txt", append("last ")) == ""
    assert (learner.home() / "a.txt").read_text() == "theirs mine mine too last "


def test_a_file_that_cannot_be_read_is_never_overwritten(monkeypatch):
    learner.update("a.txt", append("precious"))
    with monkeypatch.context() as broken:
        broken.setattr(Path, "read_bytes", refuse)
        assert "cannot be written" in learner.update("a.txt", append("new"))
        assert learner.read("a.txt") == "new"
    assert (learner.home() / "a.txt").read_text() == "precious"


@pytest.mark.parametrize("damage", [b"{not json", b"[1, 2]", b'{"P1-1": 5}', b"\xff\xfe\x00", b'{"a": {}} trailing'])
def test_damaged_records_are_set_aside_not_lost(damage):
    learner.home().mkdir()
    path = learner.home() / "predictions.json"
    for number in (1, 2):
        path.write_bytes(damage)
        assert predictions().empty
        note = predict("P1-1", 3)
        assert note.lines[-1] == (
            f"predictions.json was damaged; it is kept beside it as predictions.json.damaged-{number}."
        )
        assert (learner.home() / f"predictions.json.damaged-{number}").read_bytes() == damage
    assert json.loads(path.read_text())["P1-1"]["guess"] == 3


def write_many(home, word, count):
    os.environ["MLLAYERS_HOME"] = home
    for number in range(count):
        learner.update("shared.txt", append(f"{word}{number} "))
        predict(f"P-{word}{number}", number)


def test_two_writers_lose_nothing(learner_home):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(str(learner_home), word, 25)) for word in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    words = learner.read("shared.txt").split()
    assert sorted(words) == sorted(f"{word}{number}" for word in "ab" for number in range(25))
    assert len(predictions()) == 50
    assert files() == ["predictions.json", "shared.txt"]


def test_a_lock_left_by_a_dead_process_is_broken_and_a_lasting_one_is_not_waited_for_forever(monkeypatch):
    learner.home().mkdir()
    lock = learner.home() / ".a.txt.lock"
    lock.touch()
    os.utime(lock, (time.time() - 60,) * 2)
    assert learner.update("a.txt", append("one ")) == ""
    assert not lock.exists()
    monkeypatch.setattr(learner, "_PATIENCE", 0.02)
    lock.touch()
    os.utime(lock, (time.time() + 3600,) * 2)
    learner.update("a.txt", append("two "))
    assert learner.read("a.txt") == "one two "
    assert lock.exists()


@pytest.fixture
def no_folder(tmp_path, monkeypatch):
    """A learner's folder that can never be made, because a file is in its place."""
    (tmp_path / "file").write_text("a file")
    monkeypatch.setenv("MLLAYERS_HOME", str(tmp_path / "file" / "home"))


def test_a_lesson_goes_on_without_a_folder(no_folder):
    note = predict("P1-1", 5, unit="%")
    assert len(note.lines) == 2
    assert "kept only until the kernel stops" in note.lines[1]
    assert reveal("P1-1", 58.7, unit="%").lines[0].startswith("P1-1: you said 5 %")
    assert predictions().loc[0, ["guess", "actual"]].tolist() == [5, 58.7]
    shown = repr(card("01", sentence="The desk decides."))
    assert "The desk decides." in shown
    assert "kept only until the kernel stops" in shown
    assert "| agree |" in repr(believe("before", B1="agree"))


# --- predictions


def test_a_prediction_beside_its_result():
    assert repr(predict("P1-1", 5, unit="%")) == "Noted. P1-1: 5 %. It can be changed until the result is shown."
    predict("P1-1", np.int64(8), unit="%")
    assert repr(reveal("P1-1", np.float32(58.7), unit="%")) == (
        "Result. P1-1: you said 8 %, it came out at 58.7 %: 50.7 percentage points too low."
    )
    assert repr(predict("P1-1", 60, unit="%")) == (
        "Noted. P1-1: the result has been shown, so your earlier guess, 8 %, stays."
    )
    reveal("P1-1", 58.7, unit="%")
    predict("P1-2", 1_000, unit="$")
    assert repr(reveal("P1-2", 995)) == "Result. P1-2: you said $1,000, it came out at $995: right on it."
    assert repr(predict("P1-3", " Skip ")) == "Noted. P1-3: no guess; its result will be shown."
    assert predictions()["id"].tolist() == ["P1-1", "P1-2"]
    assert repr(reveal("P1-3", 7)) == "Result. P1-3: it came out at 7. You had not committed to a number."
    assert "after the result was shown" in repr(predict("P1-3", 7))
    assert "has a guess already" in repr(predict("P1-2", "skip"))
    frame = predictions()
    said = ["id", "question", "you said", "it came out at"]
    assert list(frame.columns) == [*said, "guess", "actual", "unit", "in_time", "when"]
    assert frame["id"].tolist() == ["P1-1", "P1-2", "P1-3"]
    assert frame["guess"].tolist() == [8, 1_000, 7]
    assert frame["in_time"].tolist() == [True, True, False]
    assert pd.to_datetime(frame["when"]).notna().all()


def test_running_all_cells_by_accident_spends_no_prediction():
    """Blank guesses and reveals, once and again: no result is shown, nothing is kept, the guess still counts."""
    for _ in range(2):
        for number in (1, 2, 3):
            assert predict(f"P1-{number}", ____, unit="%").word == "Not attempted yet"
            waits = reveal(f"P1-{number}", 58.7, unit="%")
            assert waits.word == "Your guess first"
            assert "58.7" not in repr(waits)
    assert not learner.home().exists()
    predict("P1-2", 40, unit="%")
    assert "you said 40 %, it came out at 58.7 %" in repr(reveal("P1-2", 58.7, unit="%"))
    assert predictions()[["guess", "actual", "in_time"]].values.tolist() == [[40, 58.7, True]]


@pytest.mark.parametrize(
    ("guess", "unit", "ends", "says"),
    [
        (150, "%", {}, "P1-1 asks for a number from 0 % to 100 %; 150 % is outside."),
        (-3, "%", {}, "−3 % is outside"),
        ("1,5", "share", {}, "1.5 share is outside"),
        (-1, "days", {}, "from 0 days up"),
        (7, "$", {"low": -5, "high": 5}, "from −$5 to $5; $7 is outside"),
        (7, "", {"high": 5}, "up to 5"),
    ],
)
def test_a_guess_outside_what_is_asked_for_is_asked_back(guess, unit, ends, says):
    note = predict("P1-1", guess, unit=unit, **ends)
    assert note.word == "Not yet"
    assert says in note.lines[0]
    assert predictions().empty
    assert predict("P1-1", guess, unit=unit, low=-1e9, high=1e9).word == "Noted"


@pytest.mark.parametrize(("typed", "unit", "read"), [("95", "%", 95), ("95 %", "%", 95), ("50,000", "$", 50_000)])
def test_guesses_are_read_as_people_type_them(typed, unit, read):
    assert predict("P1-1", typed, unit=unit).word == "Noted"
    assert predictions()["guess"].tolist() == [read]


def test_a_comma_in_a_number_is_told_apart():
    assert "write `50_000`" in predict("P1-1", (50, 0), unit="$").lines[0]
    assert "less than one percent; if you meant 95 %, write 95." in predict("P1-1", 0.95, unit="%").lines[0]


def test_predictions_of_one_notebook_are_forgotten_and_kept_aside():
    for id in ("P1-1", "P3-1", "P3-2"):
        predict(id, 5)
        reveal(id, 6)
    assert learner.reset("3") == 2
    assert predictions()["id"].tolist() == ["P1-1"]
    assert predict("P3-1", 7).lines[0].endswith("It can be changed until the result is shown.")
    assert set(json.loads((learner.home() / "predictions.json.before-1").read_text())) == {"P1-1", "P3-1", "P3-2"}
    assert learner.reset("03") == 1
    assert learner.reset("03") == 0
    assert files() == ["predictions.json", "predictions.json.before-1", "predictions.json.before-2"]
    with pytest.raises(ValueError, match="must be one of 01 to 05; got the text '9'"):
        learner.reset("9")


def test_a_notebook_run_again_prints_the_same():
    def run():
        return [repr(predict("P1-1", 5)), repr(reveal("P1-1", 6)), repr(card("01", audit="Ten.")), repr(believe())]

    assert run() == run()


@pytest.mark.parametrize("nonsense", [None, "five", np.nan, np.inf, pd.DataFrame({"a": [1]}), np.mean, True, [1, 2]])
def test_nonsense_is_no_prediction(nonsense):
    for note in (predict("P1-1", nonsense), reveal("P1-1", nonsense)):
        assert note.word == "Not yet"
        assert "is one number; this is" in note.lines[0]
    assert predictions().empty


def test_a_blank_is_no_prediction():
    assert predict("P1-1", ____).word == "Not attempted yet"
    assert reveal("P1-1", ____ * 2).word == "Not attempted yet"
    assert not learner.home().exists()


def test_a_prediction_edited_by_hand_is_read_with_care():
    learner.update("predictions.json", lambda text: '{"P1-1": {"guess": "many", "when": 3}, "P1-2": {}}')
    assert predictions()["guess"].isna().all()
    assert reveal("P1-1", 4).word == "Your guess first"


# --- the system card


def test_every_question_has_its_own_name():
    names = [name for questions in cards.QUESTIONS.values() for name in questions]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert all("?" in question for questions in cards.QUESTIONS.values() for question in questions.values())
    assert {number: len(questions) for number, questions in cards.QUESTIONS.items()} == {
        "01": 5, "02": 4, "03": 4, "04": 4, "05": 4,
    }  # fmt: skip


def test_the_card_counts_what_is_open():
    page = card("01", sentence="The desk.", sample=____, audit="", shift=None)
    assert "1 of 5 questions answered, 4 open" in page._repr_html_()
    assert f"Kept in {learner.home() / 'system_card.md'}" in repr(page)
    assert "2 of 5" in repr(card("01", {"audit": 20}))
    assert "2 of 5" in repr(card("1"))
    assert "2 of 5" in repr(card("01", ____))
    assert "0 of 4" in repr(card("05"))
    assert repr(card()).count("**System card, layer ") == 5


def test_blanks_write_nothing():
    card("01", sentence=____, sample=____)
    assert not learner.home().exists()


def test_an_overwritten_answer_stays_as_an_earlier_one():
    for text in ("First.", "Second,\n\nin two parts.", "Third.", "First.", "Third.", "Third."):
        card("01", sentence=text)
    card("02", baseline="Nothing.")
    kept = cards.parse(learner.read("system_card.md")).answers["sentence"]
    assert kept == cards.Answer("Third.", ("Second,\n\nin two parts.", "First."))
    assert "First." not in repr(card("01"))
    assert "> *Earlier:* First." in learner.read("system_card.md")


def test_an_answer_and_notes_written_by_hand_are_kept():
    card("01", sentence="By notebook.")
    path = learner.home() / "system_card.md"
    text = path.read_text()
    text = text.replace("By notebook.", "By hand.\n\n## My heading\n\n> quoted", 1)
    text = text.replace(cards._UNANSWERED, "Typed below.\n\n" + cards._UNANSWERED, 1)
    text = "Before everything.\n\n" + text.replace("## Layer 2: Prediction", "## Layer 2: Prediction\n\nA stray line.")
    path.write_bytes(text.replace("\n", "\r\n").encode())
    card("02", unused="Nobody.")
    card("01", shift="Prices.")
    read = cards.parse(path.read_text())
    assert read.answers["sentence"].text == "By hand.\n\n## My heading\n\n> quoted"
    assert read.answers["sample"].text == "Typed below."
    assert read.answers["unused"].text == "Nobody."
    assert read.answers["shift"].text == "Prices."
    assert read.notes.split() == ["Before", "everything.", "A", "stray", "line."]
    assert "A stray line." in repr(card())


def test_a_damaged_card_is_set_aside_and_salvaged():
    card("01", sentence="The desk.", audit="Ten.")
    path = learner.home() / "system_card.md"
    damaged = path.read_bytes().replace(b"The desk.", b"The \xff desk.")
    path.write_bytes(damaged)
    page = card("01", shift="Prices.")
    assert "system_card.md was damaged; it is kept beside it as system_card.md.damaged-1." in repr(page)
    assert (learner.home() / "system_card.md.damaged-1").read_bytes() == damaged
    read = cards.parse(learner.read("system_card.md")).answers
    assert (read["audit"].text, read["shift"].text) == ("Ten.", "Prices.")
    assert "desk." in read["sentence"].text


def test_wrong_names_and_kinds_are_told():
    page = card("01", sentense="x", audit="Ten.")
    assert "Not kept, because no question has that name: sentense." in repr(page)
    assert "1 of 5" in repr(page)
    assert "There is no notebook 09" in repr(card("09"))
    assert "There is no notebook" in repr(card(____))
    assert "got the text 'x'" in repr(card("01", "x"))
    assert "a DataFrame of shape" in repr(card("01", pd.DataFrame({"a": [1]})))
    assert "Not kept: `audit` (a list). An answer is a text in quotes." in repr(card("01", audit=["x"]))
    assert "Not kept: `audit` (25,000 characters; keep what is longer than 20,000" in repr(
        card("01", audit="x" * 25_000)
    )


lines = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
special = st.sampled_from(
    [
        "# Title",
        "## Notes",
        "### `audit` x",
        "\\# a",
        "> *Earlier:* b",
        cards._UNANSWERED,
        cards._ABOUT + "!",
        "> c",
        "",
    ]
)
texts = (
    st.lists(lines | special, min_size=1, max_size=5).map("\n".join).map(lambda x: cards._as_text(x)[0]).filter(bool)
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=texts, second=texts, name=st.sampled_from(["sentence", "audit", "stop"]))
def test_whatever_is_answered_is_read_back(first, second, name):
    before = cards._revise(cards.Card(), {name: first, "tiers": second})
    after = cards.parse(cards.write(before))
    assert after.answers[name].text == first
    assert after.answers["tiers"].text == second
    assert after.notes == ""
    assert cards.write(cards.parse(cards.write(after))) == cards.write(after)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(lines | special | st.sampled_from(["### `stop` y", "> d", "# System card"]), max_size=12))
def test_no_word_of_a_card_edited_by_hand_is_lost(text):
    by_hand = "\n".join(text)
    once = cards.write(cards.parse(by_hand))
    for line in text:
        if line.rstrip() in cards._OURS or cards._HEADING.match(line) or cards._UNANSWERED in line:
            continue
        words = line.replace("\r", " ").removeprefix("> *Earlier:* ").split()
        assert all(word in once for word in words), (line, once)


def test_dollars_are_money_not_formulas():
    note = predict("P1-1", 10, unit="$")
    assert "$10" in repr(note)
    assert "<span>&#36;</span>10" in note._repr_html_()
    page = card("01", audit="$4 each, `$x` and $800 a month")
    assert "$4 each" in repr(page)
    assert "$" not in page._repr_html_()
    assert "<span>&#36;</span>4 each, `<span>&#36;</span>x` and <span>&#36;</span>800 a month" in page._repr_html_()
    assert "$4 each, `$x` and $800" in learner.read("system_card.md")


# --- beliefs


def test_beliefs_are_tied_to_the_claims():
    assert 6 <= len(BELIEFS) <= 8
    assert [belief.id for belief in BELIEFS] == [f"B{n}" for n in range(1, len(BELIEFS) + 1)]
    assert {belief.claim[1] for belief in BELIEFS} == set("12345")
    assert {belief.notebook for belief in BELIEFS} == {"01", "02", "03", "04", "05"}
    assert any(belief.finding.startswith("Holds") for belief in BELIEFS)


def test_beliefs_before_and_after(monkeypatch):
    monkeypatch.setattr(learner, "_lesson", "")
    first = repr(believe("before", {"B1": True, "B2": "Unsure"}, B3=____))
    assert first.startswith("2 of 8 statements marked.")
    assert "Does not hold" not in first
    believe("before", B3="disagree")
    second = repr(believe("after", B1="disagree", B2="unsure", B4="agree"))
    assert second.startswith("2 of 8 statements marked both times; you changed your mind on B1.")
    assert "| agree | disagree | Does not hold" in second
    assert second.count("Does not hold") + second.count("| Holds") == 3
    assert second.count("Mark it, and this cell says it.") == 5
    assert "3 of 8" in repr(believe())


@pytest.mark.parametrize("notebook", ["01", "02", "03", "04", "05"])
def test_a_finding_is_shown_once_its_statement_is_marked_and_tested(notebook, monkeypatch):
    """Every notebook ends with the findings of its own statements, and gives none of the others away."""
    monkeypatch.setattr(learner, "_lesson", notebook)
    own = [belief for belief in BELIEFS if belief.notebook == notebook]
    assert own
    for belief in BELIEFS:
        assert belief.finding not in repr(believe("after"))
    shown = repr(believe("after", {belief.id: "unsure" for belief in own}))
    for belief in BELIEFS:
        assert (belief.finding in shown) == (belief in own)
        assert (f"{belief.id} | {belief.statement} | not marked | not marked yet | Notebook" in shown) == (
            belief.notebook > notebook
        )
    everything = repr(believe("after", {belief.id: "unsure" for belief in BELIEFS}))
    assert everything.count("puts it to the test") == sum(belief.notebook > notebook for belief in BELIEFS)


@pytest.mark.parametrize("mark", [3, "perhaps", np.nan, pd.DataFrame({"a": [1]}), np.mean])
def test_a_mark_that_is_none_is_told(mark):
    assert "Not kept: B1" in repr(believe("before", B1=mark))
    assert "0 of 8" in repr(believe())


def test_unknown_statements_and_moments_are_told():
    assert "Not kept: B99='agree'" in repr(believe("before", B99="agree"))
    for moment in ("now", 3, None, ____, {"B1": True}):
        assert 'believe("before", …)' in repr(believe(moment))
    assert "got the text" in repr(believe("before", "agree"))
    assert "0 of 8" in repr(believe("before", ____))


# --- start


def test_start_is_one_line_when_all_is_well(monkeypatch):
    monkeypatch.setattr(starting, "problems", list)
    assert repr(start("01")) == "Ready. Notebook 01, layer 1: Data. Versions, kernel and data are fine."
    assert start(5).tone == "good"
    for strange in ("06", None, STRANGE["itself"], STRANGE["hidden"]):
        assert "There is no such notebook; the course has 01 to 05." in repr(start(strange))


def test_start_tells_each_problem_and_never_raises(monkeypatch):
    monkeypatch.setattr(starting, "version_problems", lambda: ["numpy is old: mend it."])
    monkeypatch.setattr(starting, "kernel_problems", refuse)
    monkeypatch.setattr(starting, "data_problems", lambda: ["orders.csv is damaged: mend it."])
    note = start("01")
    assert note.word == "Not ready"
    assert note.lines == (
        "numpy is old: mend it.",
        "The kernel could not be checked (PermissionError: [Errno 13] Permission denied).",
        "orders.csv is damaged: mend it.",
    )


def test_start_pins_the_threads(monkeypatch):
    from threadpoolctl import threadpool_info, threadpool_limits

    with threadpool_limits(limits=2):
        for name in starting.THREAD_SETTINGS:
            monkeypatch.setenv(name, "4")
        starting.pin_threads()
        assert {os.environ[name] for name in starting.THREAD_SETTINGS} == {"1"}
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}


def test_versions_are_held_against_the_stated_bounds():
    def installed(name):
        if name == "absent":
            raise importlib.metadata.PackageNotFoundError(name)
        return "2.1"

    lines = starting.version_problems(
        [
            "fine>=2.0",
            "old>=2.2",
            "absent>=1",
            "absent>=1; extra == 'test'",
            "old>=3; extra == 'course'",
            "jupyterlab>=9",
        ],
        installed,
    )
    assert lines == [
        'old is 2.1; the course needs >=2.2: run `%pip install "old>=2.2"`, then restart the kernel (menu Kernel, '
        "Restart).",
        'absent is not installed: run `%pip install "absent>=1"`, then restart the kernel (menu Kernel, Restart).',
        'old is 2.1; the course needs >=3: run `%pip install "old>=3"`, then restart the kernel (menu Kernel, '
        "Restart).",
    ]


def test_what_is_installed_here_is_in_bounds():
    assert starting.version_problems() == []
    assert starting.kernel_problems() == []
    assert starting.data_problems() == []


def test_an_old_python_and_a_missing_or_stale_install_are_told(monkeypatch):
    monkeypatch.setattr(starting.platform, "python_version", lambda: "3.10.1")
    monkeypatch.setattr(starting.mllayers, "__version__", "9.9")
    lines = starting.version_problems(installed=lambda name: "99")
    assert lines[0].startswith("Python is 3.10.1; the course needs >=3.11")
    assert lines[1].startswith("mllayers was updated")

    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(starting.importlib.metadata, "metadata", absent)
    assert starting.version_problems()[0].startswith("mllayers is not installed")


def test_a_package_updated_under_a_running_kernel_is_told():
    class Stale:
        __version__ = "0.1"

    assert starting.kernel_problems({"sklearn": Stale}) == [
        "scikit-learn was updated after this kernel loaded version 0.1: restart the kernel (menu Kernel, Restart)."
    ]


# --- whatever is handed in


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_whatever_a_learner_hands_in_gets_a_sentence(strange):
    answers = [
        predict("P1-1", strange), predict(strange, 5), reveal("P1-1", strange), reveal(strange, 5),
        card("01", sentence=strange), card("01", strange), card(strange), card("01", {1: strange}),
        believe("before", B1=strange), believe(strange), believe("after", strange), believe("after", notebook=strange),
    ]  # fmt: skip
    for answered in answers:
        assert len(repr(answered)) < 30_000
        assert "Traceback" not in repr(answered) + answered._repr_html_()
    assert predictions().empty


HTML = (
    "<img src=x onerror=alert(1)> ![p](http://x.org/p.png) [l](javascript:alert(1)) <!-- c --> </div> "
    "\\(x\\) $a$ $$b$$ &lt;"
)
TAGS = {"p", "strong", "div", "br", "code", "span", "table", "caption", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("text", [HTML, "`<b>`", "**<i>**", "| a | b |\n| --- |", "\x1b[31m\x00", "x\n\n    y"])
def test_what_a_learner_wrote_is_text_and_nothing_else(text):
    """No tag, picture, link, comment or formula comes of it, in whatever it is shown."""
    shown = [
        card("01", sentence=text), card("01", {text[:30]: "x"}), card(text), card(), believe("before", B1=text),
        believe("before", {text[:15]: "agree"}), believe(text), predict("P1-1", text), predict(text[:30], 5),
        reveal(text[:30], text),
    ]  # fmt: skip
    for answered in shown:
        seen = Seen(answered._repr_html_())
        assert seen.tags <= {
            "p",
            "strong",
            "div",
            "br",
            "code",
            "span",
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        }
        assert seen.attributes <= {"dir", "style", "scope"}
        assert seen.comments == 0
        assert not any(mark in chunk and chunk != mark for chunk in seen.chunks for mark in ("$", "\\"))
    wanted = " ".join(text.replace("\x1b", "\ufffd").replace("\x00", "\ufffd").split())
    assert wanted in " ".join("".join(Seen(shown[0]._repr_html_()).chunks).split())


class Seen(html.parser.HTMLParser):
    """What a browser would make of HTML."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.attributes, self.comments, self.chunks = set(), set(), 0, []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "br":
            self.chunks.append("\n")

    def handle_comment(self, data):
        self.comments += 1

    def handle_data(self, data):
        self.chunks.append(data)


# --- on the page


def run(*sources, folder=None, **environment):
    """The outputs of each cell, run in a kernel of its own: kind of output and text."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nb = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    resources = {"metadata": {"path": str(folder)}} if folder else {}
    NotebookClient(nb, timeout=120, resources=resources).execute(env={**os.environ, **environment})
    return [
        [(out.output_type, out.data["text/plain"] if "data" in out else out.text) for out in cell.outputs]
        for cell in nb.cells
    ]


def test_every_answer_shows_itself_wherever_it_stands_and_once():
    outputs = run(
        "from mllayers.course import *\nfrom IPython.display import display",
        "predict('P1-1', 5)",
        "kept = reveal('P1-1', 6)\nx = 1",
        "check('N1-4', 1, cost=3, gain_per_month=3)\nhint('N1-4')\nsolution('N1-4')\ncard('01', audit='Ten.')\n"
        "believe('before', B1='agree')\nstart('09')\nNone",
        "kept",
        "again = hint('N1-4')\ndisplay(again)\nagain",
        "kept\n1 + 1",
        "for n in (2, 3):\n    predict(f'P1-{n}', n)",
        "print(str(predict('P1-4', 4)))",
    )
    shown = [[text.partition(".")[0].partition("\n")[0] for _, text in cell] for cell in outputs]
    assert shown == [
        [], ["Noted"], ["Result"],
        ["Not yet", "Hint 1 of 3", "**Solution of N1-4**", "**System card, layer 1: Data", "1 of 8 statements marked",
         "Not ready"],
        ["Result"], ["Hint 2 of 3"], ["2"], ["Noted", "Noted"], ["Noted", "Noted"],
    ]  # fmt: skip
    kinds = {kind for cell in outputs[1:6] for kind, _ in cell}
    assert kinds == {"display_data"}


def test_plain_python_only_returns(capsys):
    note = predict("P1-1", 5)
    assert capsys.readouterr().out == ""
    assert note.word == "Noted"


def test_start_speaks_before_an_import_that_fails():
    (said,) = run("from mllayers.course import ____, predict, say, show, start\nstart('03')\n1")
    assert said[0][1].startswith("Ready. Notebook 03")
    broken = "import sys\nsys.modules['numpy'] = None\nfrom mllayers.course import say, show, start\nstart('01')\n"
    (said,) = run(broken + "try:\n    import numpy\nexcept ImportError as error:\n    print(error)")
    assert said[0][1].startswith("Not ready. The data files could not be checked")


def test_a_set_up_cell_that_takes_long_says_so():
    quick = "import importlib\nstarting = importlib.import_module('mllayers.course.start')\nimport time\n"
    outputs = run(
        quick + "starting.say_if_slow(0.2)\ntime.sleep(1)",
        "starting.say_if_slow(0.3)",
        "time.sleep(1)",
    )
    said = [[text for _, text in cell] for cell in outputs]
    assert said == [["One moment. Libraries and tables are being loaded; the first time takes a minute."], [], []]


# --- where a learner works


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of two notebooks, with solved ones, and no learner's folder."""
    monkeypatch.delenv("MLLAYERS_HOME")
    root = tmp_path / "course"
    (root / "notebooks" / "solved").mkdir(parents=True)
    for name in ("01_data", "02_prediction"):
        text = "[data](../datasets/README.md) [next](02_prediction.ipynb) [solved](solved/01_data.ipynb) [w](https://x.org)"
        nb = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell("x = ____")]
        )
        for folder in (root / "notebooks", root / "notebooks" / "solved"):
            nbformat.write(nb, folder / f"{name}.ipynb")
    monkeypatch.chdir(root)
    return root


def test_a_learner_works_in_a_copy_of_their_own(course):
    tracked = course / "notebooks" / "01_data.ipynb"
    before = tracked.read_bytes()
    own = learner.own_copy("notebooks/01_data.ipynb")
    assert own == course / "my" / "01_data.ipynb"
    assert sorted(path.name for path in (course / "my").glob("*.ipynb")) == ["01_data.ipynb", "02_prediction.ipynb"]
    assert nbformat.read(own, as_version=4).cells[0].source == (
        "[data](../datasets/README.md) [next](02_prediction.ipynb) [solved](../notebooks/solved/01_data.ipynb) "
        "[w](https://x.org)"
    )
    answered = own.read_text().replace("____", "42")
    own.write_text(answered)
    tracked.write_text(tracked.read_text().replace("x = ", "y = "))
    (course / "notebooks" / "02_prediction.ipynb").write_text(tracked.read_text())
    assert learner.own_copy(tracked).read_text() == answered
    assert "y = ____" in (course / "my" / "02_prediction.ipynb").read_text(), "nobody touched it: it follows the course"
    assert learner.outdated("01")
    assert not learner.outdated("02")
    assert learner.own_copy(own) == own
    assert tracked.read_bytes() == before.replace(b"x = ", b"y = ")


def test_a_fresh_copy_sets_the_old_one_aside(course):
    own = learner.own_copy("notebooks/01_data.ipynb")
    for n in (1, 2):
        own.write_text("mine " + own.read_text())
        fresh, old = learner.fresh_copy("notebooks/01_data.ipynb")
        assert fresh == own
        assert old.name == f"01_data.before-{n}.ipynb"
        assert old.read_text().startswith("mine ")
        assert own.read_text().startswith("{")
    assert not learner.outdated("01")
    with pytest.raises(ValueError, match="must be one of the course's"):
        learner.fresh_copy("notebooks/solved/01_data.ipynb")


def test_only_a_notebook_of_the_course_is_copied(course, tmp_path):
    elsewhere = tmp_path / "01_mine.ipynb"
    elsewhere.write_text("{}")
    solved = course / "notebooks" / "solved" / "01_data.ipynb"
    for notebook in (elsewhere, solved):
        assert learner.own_copy(notebook) == notebook
    assert not (course / "my").exists()
    with pytest.raises(ValueError, match="must be a notebook that exists"):
        learner.own_copy(course / "notebooks" / "09_none.ipynb")
    (course / "notebooks" / "02_prediction.ipynb").write_text("not json")
    with pytest.raises(ValueError, match="cannot be read as a notebook"):
        learner.own_copy(course / "notebooks" / "01_data.ipynb")


def test_a_copy_elsewhere_keeps_its_links(course, tmp_path, monkeypatch):
    monkeypatch.setenv("MLLAYERS_HOME", str(tmp_path / "far" / "away"))
    own = learner.own_copy("notebooks/01_data.ipynb")
    assert own == tmp_path / "far" / "away" / "01_data.ipynb"
    assert "[data](../../course/datasets/README.md)" in own.read_text()


def test_what_the_first_build_kept_is_taken_over_once(course, monkeypatch):
    monkeypatch.setattr(starting, "problems", list)
    old = course / "notebooks" / ".my"
    old.mkdir()
    (old / "predictions.json").write_text('{"P1-1": {"guess": 5, "unit": "%", "in_time": true, "when": "2026-01-01"}}')
    (old / "system_card.md").write_bytes(b"### `audit` ?\n\nTen \xff")
    assert start("01").lines[1] == "Taken over from notebooks/.my: predictions.json, system_card.md."
    assert len(start("01").lines) == 1
    assert predictions()["guess"].tolist() == [5]
    assert "damaged; it is kept beside it" in repr(card("01", shift="Prices."))
    assert "Ten" in repr(card("01"))
    assert (old / "system_card.md").read_bytes().endswith(b"\xff")


def test_a_solved_copy_writes_nowhere(course, monkeypatch):
    monkeypatch.setattr(starting, "problems", list)
    assert "what is predicted and answered here is not kept" in repr(start("01", solved=True))
    predict("P1-1", 5)
    reveal("P1-1", 6)
    believe("after", B1="agree")
    assert "Nothing is kept here: this is a solved copy" in repr(card("01", audit="Ten."))
    assert "Ten." in repr(card())
    assert len(predictions()) == 1
    assert sorted(path.name for path in course.rglob("*") if path.is_file()) == [
        "01_data.ipynb", "01_data.ipynb", "02_prediction.ipynb", "02_prediction.ipynb"
    ]  # fmt: skip
    start("01")
    assert predictions().empty


# --- another language


@pytest.fixture
def dutch(monkeypatch):
    """The beginning of a translation."""
    module = types.ModuleType("mllayers.course.words_nl")
    module.WORDS = {
        "Not yet": "Nog niet", "Correct": "Goed", "Ready": "Klaar", "Data": "Gegevens", "agree": "eens",
        "Layer": "Laag", "Set up": "Voorbereiding", "Hint {n} of {all}": "Hint {n} van {all}",
        "{n} of {all} statements marked.": "{n} oops",
        "Replace `____` by your guess, a number, and run the cell again before you go on.": "Vul `____` in.",
    }  # fmt: skip
    module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(starting, "problems", list)


def test_the_course_speaks_another_language(dutch):
    assert repr(start("01", lang="nl")).startswith("Klaar. Notebook 01, layer 1: Gegevens.")
    assert predict("P1-1", ____).lines == ("Vul `____` in.",)
    assert check("N1-4", 30, cost=3, gain_per_month=3).word == "Goed"
    assert check("N1-4", 30, cost=3, gain_per_month=3).correct
    assert hint("N1-4").word == "Hint 1 van 3"
    assert "| eens |" in repr(believe("before", B1="Eens"))
    assert json.loads((learner.home() / "beliefs.json").read_text()) == {"before": {"B1": "agree"}}
    assert repr(start("01", lang="xx")).startswith("Ready.")
    assert words.sections("nl")["setup"] == "Voorbereiding"
    assert words.title("nl").fullmatch("Laag 1 — Gegevens: lijkt de steekproef op de wereld?")


def test_what_is_left_to_translate_is_listed(dutch):
    left = words.missing("nl")
    texts = words.every_text()
    assert "Correct" not in left
    assert "{n} of {all} statements marked." in left, "its names in braces are others"
    assert {"Not yet", "Warm-up", "unsure", BELIEFS[0].finding, cards.QUESTIONS["05"]["stop"]} <= set(texts)
    assert find("N3-5").hints[0] in texts
    assert find("N3-5").wrong[1].message in texts
    assert len(texts) > 400
    with pytest.raises(ValueError, match="lang must be a language that the course has; got 'xx'"):
        words.speak("xx")


# --- the doors to a learner's folder


def door(*words):
    return importlib.import_module("mllayers.__main__").main(words)


def test_reset_asks_before_it_forgets(monkeypatch, capsys):
    predict("P3-1", 5)
    for said, code, left in (("n", 1, 1), ("", 1, 1), ("y", 0, 0)):
        monkeypatch.setattr("builtins.input", lambda question, said=said: print(question) or said)
        assert door("reset", "03") == code
        assert len(predictions()) == left
        assert "Forget the predictions of notebook 03? [y/N]" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        door("reset", "7")
    assert stopped.value.code == 2
    assert "must be one of 01 to 05; got 7" in capsys.readouterr().err


def test_reset_starts_a_notebook_afresh(course, monkeypatch, capsys):
    monkeypatch.setattr("mllayers.__main__.ROOT", course)
    own = learner.own_copy("notebooks/01_data.ipynb")
    own.write_text("mine")
    assert door("reset", "1", "--notebook", "--yes") == 0
    assert (course / "my" / "01_data.before-1.ipynb").read_text() == "mine"
    assert own.read_text().startswith("{")
    assert "yours is kept as 01_data.before-1.ipynb" in capsys.readouterr().out


def test_lab_opens_a_copy_of_the_learners_own(course, monkeypatch):
    opened = []
    monkeypatch.setattr("mllayers.__main__.ROOT", course)
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", types.SimpleNamespace(main=opened.extend))
    before = {path: path.read_bytes() for path in (course / "notebooks").rglob("*.ipynb")}
    assert door("lab", "notebooks/02_prediction.ipynb") == 0
    assert "--LabApp.default_url=/lab/tree/my/02_prediction.ipynb" in opened
    assert {path: path.read_bytes() for path in before} == before
    assert door("lab", "notebooks/solved/01_data.ipynb") == 0
    assert "--LabApp.default_url=/lab/tree/notebooks/solved/01_data.ipynb" in opened


def test_the_table_of_predictions_names_questions_and_says_numbers():
    """Notebook 5 ends with it."""
    predict("P5-1", 90, unit="%")
    reveal("P5-1", 28.728805, unit="%")
    predict("P3-1", -9_400, unit="$")
    table = predictions().set_index("id")
    assert table.loc["P5-1", "question"] == "share of the shipped fraud that the closed loop promises"
    assert table.loc["P5-1", ["you said", "it came out at"]].tolist() == ["90 %", "28.7 %"]
    assert table.loc["P3-1", ["you said", "it came out at"]].tolist() == ["−$9,400", "–"]


def test_every_prediction_of_the_course_has_a_name():
    asked = {
        guess
        for path in (Path(__file__).parent.parent / "notebooks" / "solved").glob("**/*.ipynb")
        for guess in re.findall(r'predict\(\\"(P[\dC]-\d)\\"', path.read_text(encoding="utf-8"))
    }
    assert asked == set(importlib.import_module("mllayers.course.predictions")._ASKED)


# --- how long a notebook takes ----------------------------------------------------------------------------------------


def _timed_notebook():
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    says = new_output("display_data", {"text/markdown": "five words said by code", "text/plain": "x"})
    table = new_output("display_data", {"text/html": "<p>two words</p><details><p>a table of numbers</p></details>"})
    opening = {"tags": ["core"], "mllayers": {"section": "question"}}
    optional = {"tags": ["optional"], "mllayers": {"section": "more"}}
    return new_notebook(
        cells=[
            new_markdown_cell(f"# Layer 1\n\n{minutes.SUM.format(core=9, optional=9)}", metadata=opening),
            new_markdown_cell("## Set up\n\nwords", metadata={"tags": ["core"], "mllayers": {"section": "setup"}}),
            new_code_cell("import numpy\n\na = 1\nb = 2", outputs=[says, table], metadata={"mllayers": {"work": 4}}),
            new_markdown_cell("## More\n\n" + "word " * 180, metadata=optional),
        ]
    )


def test_minutes_count_words_lines_and_stated_work():
    question, setup, more = minutes.estimated(_timed_notebook())
    assert (setup.words, setup.lines) == (4 + 5 + 2, 2)  # "## Set up words", what code says; no import, no table
    assert setup.minutes == math.ceil(11 / 180 + 2 * 8 / 60 + 4) == 5
    assert (more.minutes, more.optional, question.optional) == (2, True, False)


def test_minutes_of_a_table_are_those_of_somebody_who_scans_it():
    """Half its words; neither bars nor the line below the heading are words."""
    notebook = _timed_notebook()
    before = minutes.estimated(notebook)[1].words
    opened = 1  # the set-up
    notebook.cells[opened].source += "\n\n| team | learns again |\n| --- | :-: |\n| *self* | every month |\n"
    assert minutes.estimated(notebook)[1].words == before + 3


def test_minutes_are_written_where_they_are_read_and_only_once():
    notebook = _timed_notebook()
    minutes.write(notebook)
    first = [cell.source for cell in notebook.cells]
    assert "**6 minutes** for the core path, 2 more" in first[0]
    assert first[1].splitlines()[:3] == ["## Set up", "", "*About 5 min (estimated).*"]
    minutes.write(notebook)
    assert [cell.source for cell in notebook.cells] == first
    assert minutes.said(notebook) in first[0]
