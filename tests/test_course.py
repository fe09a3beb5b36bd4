"""What a learner touches beside the exercises: their folder, predictions, beliefs, the system card, the start."""

import importlib
import importlib.metadata
import json
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mllayers.course import ____, believe, card, learner, predict, predictions, reveal, start
from mllayers.course.beliefs import BELIEFS

cards = importlib.import_module("mllayers.course.card")
starting = importlib.import_module("mllayers.course.start")


@pytest.fixture(autouse=True)
def nothing_pending(monkeypatch):
    monkeypatch.setattr(learner, "_pending", {})


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
    for folder in (notebooks, notebooks / "solved", tmp_path / "course"):
        monkeypatch.chdir(folder)
        assert learner.home() == notebooks / ".my"
    monkeypatch.chdir(tmp_path)
    assert learner.home() == tmp_path / ".my"
    assert not (tmp_path / ".my").exists()


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
    assert reveal("P1-1", 58.7, unit="%").lines[0].startswith("You said 5 %")
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
        "Result. You said 8 %, it came out at 58.7 %: 50.7 percentage points too low."
    )
    assert repr(predict("P1-1", 60, unit="%")) == (
        "Noted. P1-1: the result has been shown, so your earlier guess, 8 %, stays."
    )
    reveal("P1-1", 58.7, unit="%")
    predict("P1-2", 1_000, unit="$")
    assert repr(reveal("P1-2", 995, unit="$")) == "Result. You said $1,000, it came out at $995: right on it."
    assert repr(reveal("P1-3", 7)) == "Result. It came out at 7. You had not committed to a number for P1-3."
    assert "after the result was shown" in repr(predict("P1-3", 7))
    frame = predictions()
    assert list(frame.columns) == ["id", "guess", "actual", "unit", "in_time", "when"]
    assert frame["id"].tolist() == ["P1-1", "P1-2", "P1-3"]
    assert frame["guess"].tolist() == [8, 1_000, 7]
    assert frame["in_time"].tolist() == [True, True, False]
    assert pd.to_datetime(frame["when"]).notna().all()


def test_a_notebook_run_again_prints_the_same():
    def run():
        return [repr(predict("P1-1", 5)), repr(reveal("P1-1", 6)), repr(card("01", audit="Ten.")), repr(believe())]

    assert run() == run()


@pytest.mark.parametrize("nonsense", [None, "5", np.nan, np.inf, pd.DataFrame({"a": [1]}), np.mean, True, [1, 2]])
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
    assert "had not committed" in repr(reveal("P1-1", 4))


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
    assert "1 of 5 questions answered, 4 open" in page._repr_markdown_()
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
texts = st.lists(lines | special, min_size=1, max_size=5).map("\n".join).map(cards._as_text).filter(bool)


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
    assert "<span>&#36;</span>4 each, `$x` and <span>&#36;</span>800 a month" in page._repr_markdown_()
    assert "$4 each, `$x` and $800" in learner.read("system_card.md")


# --- beliefs


def test_beliefs_are_tied_to_the_claims():
    assert 6 <= len(BELIEFS) <= 8
    assert [belief.id for belief in BELIEFS] == [f"B{n}" for n in range(1, len(BELIEFS) + 1)]
    assert {belief.claim[1] for belief in BELIEFS} == set("12345")
    assert {belief.notebook for belief in BELIEFS} == {"01", "02", "03", "04", "05"}
    assert any(belief.finding.startswith("Holds") for belief in BELIEFS)


def test_beliefs_before_and_after():
    first = repr(believe("before", {"B1": True, "B2": "Unsure"}, B3=____))
    assert first.startswith("2 of 8 statements marked.")
    assert "Does not hold" not in first
    believe("before", B3="disagree")
    second = repr(believe("after", B1="disagree", B2="unsure", B4="agree"))
    assert second.startswith("2 of 8 statements marked both times; you changed your mind on B1.")
    assert "| agree | disagree | Does not hold" in second
    assert second.count("puts it to the test") == 4
    assert "puts it to the test" not in repr(believe("after", notebook="05"))
    assert "3 of 8" in repr(believe())


@pytest.mark.parametrize("mark", [3, "perhaps", np.nan, pd.DataFrame({"a": [1]}), np.mean])
def test_a_mark_that_is_none_is_told(mark):
    assert "Not kept: B1=" in repr(believe("before", B1=mark))
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
    assert "There is no notebook 06" in repr(start("06"))
    assert "There is no notebook" in repr(start(None))


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
