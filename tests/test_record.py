"""The learner's record: an empty folder, a course half done, a whole one; whatever somebody wrote is shown as text."""

import datetime
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mllayers.course import card, check, learner, predict, record, reveal
from mllayers.course.card import CAPSTONE, QUESTIONS
from mllayers.course.exercises import of_notebook
from mllayers.course.predictions import _ASKED
from mllayers.course.record import page
from mllayers.decision import Action, Brief, Menu, Policy

DAY = datetime.date(2026, 3, 1)
SENTENCE = Brief("The desk", "who gets a box", "subscribers stay")
BOX = Action("box", gain=1, cost=8, owner="the desk", capacity=2_000)
POLICY = Policy(Menu(Action("none", gain=0), BOX), missing="none", idle="none", holdout=0.05, brief=SENTENCE)


@pytest.fixture(autouse=True)
def lesson(monkeypatch):
    """A notebook of the learner's own has begun, in a folder that nothing was written to."""
    monkeypatch.setattr(learner, "_memory", None)
    monkeypatch.setattr(learner, "_lesson", "")
    learner.begin("01", solved=False)


class Text(HTMLParser):
    """The words of a page, and whether anything in it asks another machine."""

    def __init__(self, text):
        super().__init__()
        self.words, self.asks, self.levels = [], [], []
        self.feed(text)

    def handle_data(self, data):
        self.words.append(data)

    def handle_starttag(self, tag, attributes):
        self.asks += [(tag, name) for name, value in attributes if name in ("src", "href", "action")]
        self.words += [] if tag == "span" else [" "]
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))


def words(text):
    return " ".join("".join(Text(text).words).split())


def half_done():
    predict("P1-1", 95, unit="%")
    reveal("P1-1", 69, unit="%")
    predict("P2-1", 40, unit="$")
    check("N1-4", 3.0, cost=10, gain_per_month=5)
    check("N1-4", 60, cost=10, gain_per_month=5)
    check("N1-5", "nonsense", importance=None)
    card("01", sentence="The <b>desk</b> decides; $5 & $6")


def test_an_empty_folder_has_an_honest_page(learner_home):
    text = page(DAY)
    assert not learner_home.exists(), "looking at the record writes nothing"
    said = words(text)
    assert "No prediction yet." in said
    assert "Data 0 of 5" in said
    assert "Capstone 0 of 5" in said
    assert "0 of 21 questions answered, 21 open." in said
    assert "The policy" not in said
    assert "The card of the capstone" not in said


def test_a_course_half_done(learner_home):
    half_done()
    text = page(DAY)
    said = words(text)
    assert "2 predictions, 2 of them made before the result was shown." in said
    assert "P1-1: share of the fakes that the reviewers stop 95 % 69 %" in said
    assert "P2-1" in said and "–" in said  # noqa: PT018
    assert "right, 2 tries" in said
    assert "tried once, open" in said
    assert "Data 1 of 5, Prediction 0 of 5" in said
    assert "1 of 21 questions answered, 20 open." in said
    assert "The <b>desk</b> decides; $5 & $6" in said, "what was written is text, not mark-up"
    assert "2026-03-01" in said
    made = record()
    assert made.tone == "good"
    assert (learner_home / "record.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def whole():
    """Everything that can be answered: predictions with results, exercises, both cards, a policy."""
    predictions = {
        id: {"guess": 40.0, "actual": 38.5, "unit": "%", "in_time": n != 0, "when": "2026-02-01T10:00:00+00:00"}
        for n, id in enumerate(_ASKED)
    }
    learner.update_records(learner.PREDICTIONS, lambda records: records.update(predictions))
    done = {
        exercise.id: {"tries": 1 + n % 3, "correct": True}
        for notebook in (*learner.NOTEBOOKS, learner.CAPSTONE)
        for n, exercise in enumerate(of_notebook(notebook))
    }
    learner.update_records(learner.CHECKS, lambda records: records.update(done))
    for notebook, questions in QUESTIONS.items():
        card(notebook, {name: f"What we say about {name}: two sentences. They are short." for name in questions})
    card("capstone", {name: f"At the Larder, {name} is this." for name in CAPSTONE})
    record(POLICY)


def test_a_whole_course(learner_home):
    whole()
    text = (learner_home / "record.html").read_text(encoding="utf-8")
    said = words(text)
    assert f"{len(_ASKED)} predictions, {len(_ASKED) - 1} of them made before the result was shown." in said
    assert all(question in said for question in _ASKED.values())
    assert all(f"{name} 5 of 5" in said for name in ("Data", "Prediction", "Decision", "Action", "Feedback"))
    assert "Capstone 5 of 5" in said
    assert "21 of 21 questions answered, 0 open." in said
    assert "6 of 6 questions answered, 0 open." in said
    assert "At the Larder, prices is this." in said
    assert "The desk decides who gets a box, so that subscribers stay." in said
    assert "box 8 2,000 the desk" in said
    assert f"Left alone at random: 5 %. Fingerprint: {POLICY.fingerprint}." in said
    assert record().tone == "good", "a policy that was handed over once stays"
    assert POLICY.fingerprint in (learner_home / "record.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("done", [lambda: None, half_done, whole])
def test_it_asks_nothing_of_other_machines_and_its_headings_never_skip(done):
    done()
    found = Text(page(DAY))
    assert found.asks == []
    assert "://" not in page(DAY)
    assert found.levels[0] == 1
    assert found.levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(found.levels, found.levels[1:], strict=False))


def test_a_capstone_card_is_kept_apart_from_the_learners_own(learner_home):
    card("01", sentence="Mine.")
    card("capstone", sentence="The Larder's.")
    assert "Mine." in (learner_home / "system_card.md").read_text(encoding="utf-8")
    text = (learner_home / "capstone_card.md").read_text(encoding="utf-8")
    assert "The Larder's." in text
    assert "`audit`" not in text, "what the capstone does not ask is not on its card"
    shown = card("capstone", audit="x")
    assert "no question has that name: audit" in repr(shown)
    assert "System card of the capstone." in repr(shown)


def test_checks_are_kept_once_a_notebook_of_the_learners_has_begun(learner_home, monkeypatch):
    def kept():
        path = learner_home / "checks.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    terms = {"cost": 10, "gain_per_month": 5}
    monkeypatch.setattr(learner, "_lesson", "")
    check("N1-4", 60, **terms)
    assert kept() == {}
    learner.begin("01", solved=False)
    for answer in (9.0, 60, 9.0):
        check("N1-4", answer, **terms)
    assert kept() == {"N1-4": {"tries": 2, "correct": True}}, "right once is right"
    check("N9-9", 1)
    assert list(kept()) == ["N1-4"]
    learner.begin("01", solved=True)
    check("N1-4", 9.0, **terms)
    assert kept()["N1-4"]["tries"] == 2


def test_what_is_damaged_or_no_policy_is_told(learner_home):
    half_done()
    assert "takes a Policy; got the text 'mine'" in record("mine").lines[0]
    assert "has a gap: no rule for a missing score" in record(Policy(POLICY.rule, idle="none", holdout=0.1)).lines[0]
    assert not (learner_home / "policy.json").exists()
    (learner_home / "policy.json").write_text('{"actions": 3}', encoding="utf-8")
    (learner_home / "checks.json").write_text("[1, 2", encoding="utf-8")
    (learner_home / "predictions.json").write_text('{"P1-1": {"guess": "many"}}', encoding="utf-8")
    said = words(page(DAY))
    assert "policy.json cannot be read as a policy." in said
    assert "Data 0 of 5" in said


def test_an_earlier_policy_is_kept_beside_the_new_one(learner_home):
    """The role task is signed in the same file that the capstone writes at its end."""
    signed = '{"signed": "by three"}\n'
    learner_home.mkdir()
    (learner_home / "policy.json").write_text(signed, encoding="utf-8")
    told = record(POLICY)
    assert "Your earlier policy.json is kept beside it as policy.kept-1.json." in told.lines
    assert (learner_home / "policy.kept-1.json").read_text(encoding="utf-8") == signed
    assert Policy.from_json((learner_home / "policy.json").read_text(encoding="utf-8")) == POLICY
    assert len(record(POLICY).lines) == 2, "the same policy once more is no other"
    other = Policy(POLICY.rule, missing="none", idle="none", holdout=0.1)
    assert "policy.kept-2.json" in record(other).lines[-1]
    (learner_home / "policy.json").write_bytes(b"owner: J\xf6rg")
    assert [name for line in record(POLICY).lines for name in re.findall(r"as (policy\S+)\.$", line)] == [
        "policy.json.damaged-1"
    ]
    assert (learner_home / "policy.json.damaged-1").read_bytes() == b"owner: J\xf6rg"


def test_a_policy_that_cannot_be_kept_is_not_overwritten(learner_home, monkeypatch):
    def no_room(path):
        raise OSError(28, "No space left on device")

    learner_home.mkdir()
    (learner_home / "policy.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(learner, "set_aside", no_room)
    assert "No space left on device" in repr(record(POLICY))
    assert (learner_home / "policy.json").read_text(encoding="utf-8") == "{}"


def test_one_prediction_is_told_in_the_singular():
    predict("P1-1", 1, unit="%")
    reveal("P1-1", 2, unit="%")
    assert "One prediction, made before the result was shown." in words(page(DAY))
    assert "1 percentage point too low" in repr(reveal("P1-1", 2, unit="%"))


def test_a_solved_copy_writes_nothing(learner_home):
    learner.begin("capstone", solved=True)
    assert "A solved copy keeps nothing" in repr(record(POLICY))
    assert not learner_home.exists()


def test_a_folder_that_cannot_be_written_is_told(learner_home):
    learner_home.write_text("in the way")
    assert "Your folder cannot be written" in repr(record())


def test_the_command_writes_it(tmp_path, learner_home):
    half_done()
    for words_, place in (([], learner_home / "record.html"), (["--to", str(tmp_path / "o" / "mine.html")], None)):
        command = [sys.executable, "-m", "mllayers", "record", *words_]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=os.environ, timeout=100)
        assert done.returncode == 0, done.stderr
        path = place or Path(words_[1])
        assert f"wrote {path}" in done.stdout
        assert "right, 2 tries" in path.read_text(encoding="utf-8")


def test_the_capstone_can_be_started_afresh():
    predict("PC-1", 5, unit="$")
    predict("P1-1", 5, unit="%")
    assert learner.reset("capstone") == 1
    assert list(learner.read_records(learner.PREDICTIONS)) == ["P1-1"]
    assert learner.as_key("capstone") == "capstone"
    assert learner.as_key("keystone") == ""
