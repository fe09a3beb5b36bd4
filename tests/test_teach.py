"""What a teacher prints: sheets that fit their slot, cards and polls that hold, replies made from the checkers."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from mllayers.__main__ import main
from mllayers.course.exercises import check, find
from mllayers.course.learner import CAPSTONE
from mllayers.course.minutes import estimated
from mllayers.decision import Action, Menu, Policy, Segments, Tier, Tiers
from mllayers.teach import card_sheets, paper, polls, replies, role, role_sheets, sheets, text
from mllayers.teach.cards import CARDS
from mllayers.teach.grade import Task, World, grade, read, seeds
from mllayers.teach.make import PARTS, Part, make
from mllayers.teach.places import numbers_in, place, shown

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def in_the_projects_folder(monkeypatch):
    monkeypatch.chdir(ROOT)


# --- run sheets


@pytest.mark.parametrize("name", sheets.NAMES)
def test_a_sheet_fits_its_slot(name):
    sheet = sheets.read(name)
    assert 0.75 * sheet.slot <= sheet.minutes <= sheet.slot
    assert sheet.clock()[0] == f"{sheet.start // 60}:00"
    assert sheet.slot == {"day": 510}.get(name) or sheet.slot == int(name)


@pytest.mark.parametrize("name", sheets.NAMES)
def test_what_a_sheet_expects_is_what_the_notebook_shows(name):
    for row in sheets.read(name).rows:
        if row.at is not None:
            absent = numbers_in(row.expect) - numbers_in(shown(row.at.cells))
            assert not absent, (row.part, absent)


@pytest.mark.parametrize("name", sheets.NAMES)
def test_a_sheet_names_exercises_cards_and_polls_that_exist(name):
    sheet = sheets.read(name)
    for row in sheet.rows:
        kind, _, rest = row.part.partition(" ")
        if kind in ("card", "poll"):
            assert rest in (CARDS if kind == "card" else polls.polls())
        for id in re.findall(r"N\d-\d", f"{row.part} {row.say} {row.drop}"):
            assert find(id) is not None
    for starred in re.findall(r"\*([^*]+)\*", sheet.about):
        if "cards" in sheet.about and starred in CARDS:
            assert f"card {starred}" in [row.part for row in sheet.rows]


def test_what_each_slot_is_for():
    parts = {name: [row.part for row in sheets.read(name).rows] for name in sheets.NAMES}
    assert "04 worked" in parts["60"]
    assert {"03 worked", "04 worked"} <= set(parts["90"])
    assert {"01 worked", "03 worked", "04 worked", "role"} <= set(parts["180"])
    assert parts["day"].index("lunch") < parts["day"].index("role")
    assert parts["day"][-2] == "capstone"
    assert {part[:2] for part in parts["day"] if part[0].isdigit()} == set(replies.NOTEBOOKS)


def written_sheet(tmp_path, row, slot="60 minutes"):
    folder = tmp_path / "sheets"
    folder.mkdir(exist_ok=True)
    head = f"| {' | '.join(sheets.HEAD)} |\n|{' --- |' * 6}\n"
    (folder / "x.md").write_text(f"# A sheet\n\nSlot: {slot}\n\nWords.\n\n{head}{row}\n", encoding="utf-8")
    return lambda: sheets.read("x", tmp_path)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("| 04 breakfast | | | | | |", "no section 'breakfast'"),
        ("| 04 happened: seven meanings | | | | | |", "names no heading; there are"),
        ("| 04 worked…case | | | | | |", "stands before"),
        ("| 09 worked | | | | | |", "no notebook 09"),
        ("| whatever | | | | | |", "must read like"),
        ("| talk Welcome | | | | | |", "needs its minutes"),
        ("| 04 worked | 5 | | | | |", "they are computed"),
        ("| 04 worked | | |", "another number of cells"),
    ],
)
def test_a_sheet_with_a_wrong_row_is_refused(row, says, tmp_path):
    with pytest.raises(ValueError, match=re.escape(says)):
        written_sheet(tmp_path, row)()


def test_minutes_are_those_of_the_notebook(tmp_path):
    sheet = written_sheet(tmp_path, "| talk A | 7 | | | | |\n| 04 worked | | | | | |", "60 minutes, from 9:30")()
    solved = nbformat.read(next((ROOT / "notebooks" / "solved").glob("04_*.ipynb")), as_version=4)
    stated = {section.name: section.minutes for section in estimated(solved)}
    assert [row.minutes for row in sheet.rows] == [7, stated["worked"]]
    assert sheet.clock() == ["9:30", "9:37"]
    assert f"{sheet.minutes} of 60 minutes" in sheets.page("x", sheet)


# --- cards


@pytest.fixture
def deck():
    return {card.name: card for card in card_sheets.cards()}  # computed once


def test_there_are_ten_cards_two_for_each_layer(deck):
    assert len(deck) == 10
    assert sorted(card.layer for card in deck.values()) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    for card in deck.values():
        assert card.at.notebook == f"0{card.layer}"
        assert "**Which layer?**" in card.back
        assert f"{card.layer}, " in card.back
        assert "{" not in card.front + card.back


@pytest.mark.parametrize("name", CARDS)
def test_a_card_says_what_its_world_shows(name, deck):
    numbers = deck[name].numbers
    assert CARDS[name].holds(numbers)
    told = text.parts(text.written("cards"))[name]
    used = set(re.findall(r"{(\w+)[:}]", told))
    assert used == set(numbers)
    typed = numbers_in(re.sub(r"{[^}]*}|`[^`]*`|(?m:^Layer: .*|^Settles: .*)", "", told))
    assert typed <= {"0.5", "0.8", "0.80", "0.50", "1.5", "1", "2", "3", "4", "5", "6", "0.800"}, typed


def test_no_front_gives_its_numbers_away_in_the_title(deck):
    """96 % is the answer of a card: its front has another title; each front has one of its own."""
    card = deck["96 % would have stayed"]
    assert card.title == "The best campaign"
    assert "96 %" not in card.title + card.front
    assert "96 %" in card.back
    assert len({card.title for card in deck.values()}) == len(deck)


def test_a_card_does_not_hold_in_a_world_without_its_cause(deck):
    orders = {f"now_{n}": 0.017 for n in range(6)} | {f"later_{n}": 0.017 for n in range(6)}
    assert not CARDS["Fraud halves every month"].holds({**orders, "true_low": 0.028, "true_high": 0.03})
    for name, change in {
        "Perfect score": {"auc_true": 0.99},
        "AUC up, profit down": {"earned_new": deck["AUC up, profit down"].numbers["earned_old"]},
        "Busy reviewers": {"saved_dollars": deck["Busy reviewers"].numbers["saved"]},
        "96 % would have stayed": {"kept": 1.0},
        "Twice in one night": {"with_book": deck["Twice in one night"].numbers["naive"]},
        "The plan doubles": {"true_after": 1.0},
    }.items():
        assert not CARDS[name].holds({**deck[name].numbers, **change}), name


def test_the_reports_of_a_card_by_brute_force(deck):
    from mllayers.shop import make_orders

    orders = make_orders(range(6), events={})
    for month in (0, 5):
        its = orders[orders["month"] == month]
        reported = sum(day <= 180 for day in its["_report_day"])
        assert deck["Fraud halves every month"].numbers[f"now_{month}"] == pytest.approx(reported / len(its))


def test_backs_lie_behind_their_fronts(deck, tmp_path):
    page = card_sheets.write(tmp_path)[0].read_text(encoding="utf-8")
    pages = [re.findall(r"<div(?: class=\"front\")?>(.*?)</div>", one, re.DOTALL) for one in
             re.findall(r'<div class="sheet">(.*?</div>)</div>', page, re.DOTALL)]  # fmt: skip
    assert [len(one) for one in pages] == [4] * 6
    for fronts, backs in zip(pages[::2], pages[1::2], strict=True):
        for at, behind in zip(range(4), (1, 0, 3, 2), strict=True):
            names = [name for name, card in deck.items() if f"<h2>{text.inline(card.title)}</h2>" in fronts[at]]
            assert all(f'<p class="foot">{text.inline(name)} ·' in backs[behind] for name in names)
            assert bool(names) == bool(backs[behind])


# --- polls and replies


def test_five_polls_one_for_each_layer():
    found = polls.polls()
    assert [poll.at.notebook for poll in found.values()] == list(replies.NOTEBOOKS)
    for poll in found.values():
        assert len(poll.options) == 4
        assert poll.usual != poll.right


@pytest.mark.parametrize("name", polls.polls(ROOT / text.FOLDER) if (ROOT / text.FOLDER).is_dir() else [])
def test_a_poll_is_settled_by_its_cells(name):
    poll = polls.polls()[name]
    told = numbers_in(poll.settles)
    assert len(told) >= 2
    assert told <= numbers_in(shown(poll.at.cells)), told - numbers_in(shown(poll.at.cells))


def test_a_poll_without_a_part_is_refused(tmp_path):
    (tmp_path / "polls.md").write_text("# P\n\n## One\n\nPlace: 04 case\nUsual: A\n", encoding="utf-8")
    with pytest.raises(ValueError, match="poll 'One' lacks"):
        polls.polls(tmp_path)


def test_the_page_for_the_wall_has_every_question_and_no_answer(tmp_path):
    teacher, wall = (path.read_text(encoding="utf-8") for path in polls.write(tmp_path))
    screens = re.findall(r'<section id="poll-\d">(.*?)</section>', wall, re.DOTALL)
    assert len(screens) == len(polls.polls())
    for n, (screen, poll) in enumerate(zip(screens, polls.polls().values(), strict=True), start=1):
        told = re.findall(r"<dt>(.)</dt><dd>(.*?)</dd>", screen)
        assert told == [(letter, text.inline(option)) for letter, option in poll.options.items()]
        assert text.inline(poll.question) in screen
        assert f'href="questions.html#poll-{n}"' in teacher
        assert poll.settles not in wall
        assert text.inline(poll.settles) in teacher
    assert "polls.html" not in wall, "no way leads from the wall to the answers"


def test_the_page_for_the_wall_does_not_hang_on_the_answers(monkeypatch):
    wall, found = polls.questions(), polls.polls()
    other = {"usual": "D", "right": "A", "reveals": "Something.", "settles": "Else.", "at": place("01 case")}
    monkeypatch.setattr(polls, "polls", lambda: {name: replace(poll, **other) for name, poll in found.items()})
    assert polls.questions() == wall
    monkeypatch.setattr(polls, "polls", lambda: {name: replace(poll, question="?") for name, poll in found.items()})
    assert polls.questions() != wall


def test_every_exercise_has_its_replies():
    found = [one for notebook in (*replies.NOTEBOOKS, CAPSTONE) for one in replies.expected(notebook)]
    assert len(found) == 25 + 5
    assert all(len(one.wrong) >= 2 for one in found)
    for one in found:
        assert [reply for _, _, reply in one.wrong] == [wrong.message for wrong in one.exercise.wrong]


def test_a_number_beside_a_reply_is_what_the_check_answers_so():
    told = 0
    for notebook in replies.NOTEBOOKS:
        for one in replies.expected(notebook):
            for wrong, (_, value, reply) in zip(one.exercise.wrong, one.wrong, strict=True):
                if one.given is not None:
                    answer = wrong.value(**one.given)
                    assert check(one.exercise.id, answer, **one.given).lines[0] == reply
                    assert value
                    told += 1
    assert told >= 15


def test_the_capstones_answers_are_those_of_the_notebooks_own_world(tmp_path):
    found = {one.exercise.id: one for one in replies.expected(CAPSTONE)}
    solved = json.loads(Path("notebooks/solved/teach/capstone.ipynb").read_text(encoding="utf-8"))
    assert "SEED = 2026" in str(solved)
    assert list(found) == ["C-1", "C-2", "C-3", "C-4", "C-5"]
    assert [bool(one.right) for one in found.values()] == [True] * 4 + [False], "a policy is no number"
    assert found["C-3"].right == "visits_30d"
    assert replies._seed([nbformat.v4.new_code_cell("SEED = 7")]) == 7
    with pytest.raises(ValueError, match="must have a line such as SEED = 2026"):
        replies._seed([nbformat.v4.new_markdown_cell("SEED = 7")])
    for one in found.values():
        for wrong, (_, value, reply) in zip(one.exercise.wrong, one.wrong, strict=True):
            assert bool(value) == (one.given is not None)
            if one.given is not None:
                assert check(one.exercise.id, wrong.value(**one.given), **one.given).lines[0] == reply
                read = {value} if one.exercise.id == "C-3" else value
                again = check(one.exercise.id, read, **one.given).lines[0]
                assert again == reply, "the answer as it is printed gets the same reply"


def test_ten_things_to_say():
    assert len(re.findall(r"(?m)^\d+\. \*\*", text.written("stuck"))) == 10


# --- the role task and its grade


def signed(low=0.1, high=0.5, missing="ship", holdout=0.02, room=150.0):
    review = Action("review", cost=4, owner="fraud desk", capacity=room)
    block = Action("block", cost=12, owner="CRM")
    return Policy(
        Tiers(Tier(0, low, "ship"), Tier(low, high, review), Tier(high, 1, block)),
        missing=missing,
        idle="ship",
        holdout=holdout,
    )


def test_seeds_come_from_the_passphrase_alone():
    assert seeds("blue kettle", 3) == seeds("blue kettle", 5)[:3]
    assert not set(seeds("blue kettle", 5)) & set(seeds("blue kettl", 5))
    for passphrase in ("", "   ", None, 3):
        with pytest.raises((TypeError, ValueError), match="passphrase"):
            seeds(passphrase, 3)
    with pytest.raises(ValueError, match="n must"):
        seeds("a", 0)


def small_world(seed):
    """Four cases: two fakes, one of them without a score."""
    rng = np.random.default_rng(seed)
    cases = pd.DataFrame({"case": range(4), "score": [0.9, 0.8, 0.1, np.nan], "stake": rng.random(4)})
    dollars = pd.DataFrame({"leave": [-10.0, 5.0, 5.0, -10.0], "act": [0.0, -1.0, -1.0, 0.0]})
    return World(cases, {"prices": dollars}, {"knows": np.array(["act", "leave", "leave", "act"], dtype=object)})


SMALL = Task("four cases", small_world, idle="leave", bound="knows", room={"act": 1})


def small_policy(missing="leave", **more):
    act = Action("act", cost=1, owner="me")
    return Policy(Tiers(Tier(0, 0.5, "leave"), Tier(0.5, 1, act)), missing=missing, idle="leave", holdout=1e-9, **more)


def test_a_grade_by_hand():
    found = grade(small_policy(), SMALL, passphrase="x", worlds=3)
    table = found.table.set_index("decision")["dollars"]
    assert table["your policy"] == found.earned == 10.0  # room for one: the first of two; the second is left alone
    assert table["knows"] == 20.0
    assert found.facts["no_room"].tolist() == [1, 1, 1]
    assert found.facts["no_score"].tolist() == [1, 1, 1]
    without_limit = grade(small_policy(), Task("", small_world, "leave", "knows"), passphrase="x", worlds=2)
    assert without_limit.earned == 10.0 - 6.0
    assert grade(small_policy(missing="act"), SMALL, passphrase="x", worlds=2).earned == 10.0


def test_more_or_better_decisions_earn_more():
    greedy = signed(0.02, 0.5, missing="review", room=None)
    wrong = {"a threshold of one half": signed(0.5, 0.9), "no room said": greedy}
    good = grade(signed(), role.DESK, passphrase="blue kettle", worlds=4)
    assert good == grade(signed(), role.DESK, passphrase="blue kettle", worlds=4)
    for name, policy in wrong.items():
        assert grade(policy, role.DESK, passphrase="blue kettle", worlds=4).earned < good.earned - 1_000, name
    rows = good.table[good.table["prices"] == "At finance's prices"].set_index("decision")["dollars"]
    assert rows.index[0] == role.DESK.bound
    assert rows["do nothing: ship every order"] == 0.0
    assert rows["block every order"] < 0 < rows["without the model: review the largest"] < good.earned
    assert good.facts["holdout_cost"].mean() > 0
    assert "too small to learn" in " ".join(good.told())
    larger = grade(signed(holdout=0.2), role.DESK, passphrase="blue kettle", worlds=3)
    assert "give or take $" in " ".join(larger.told())
    assert larger.earned < good.earned


def test_a_menu_with_columns_is_graded():
    review = Action("review", "gain_review", 4, "desk", 150)
    menu = Menu(Action("ship", 0, 0), review, Action("block", "gain_block", "cost_block", "CRM"))
    found = grade(Policy(menu, missing="ship", idle="ship", holdout=0.01), role.DESK, passphrase="a b", worlds=2)
    assert found.earned > 50_000


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: "{" + x, "text is not a policy"),
        (lambda x: "", "text is not a policy"),
        (lambda x: x.replace('"holdout": 0.02', '"holdout": null'), "has 1 gap: no hold-out"),
        (lambda x: x.replace('"missing": "ship"', '"missing": null'), "has 1 gap: no rule for a missing score"),
        (lambda x: x.replace('"owner": "CRM"', '"owner": null'), "action 'block' has no owner"),
        (lambda x: x.replace("review", "inspect"), "must be among ship, review, block; got 'inspect'"),
        (lambda x: x.replace('"version": 2', '"version": 3'), "version must be 2"),
        (lambda x: "\udcff" + x, "no text in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_graded_gets_one_sentence(change, says, tmp_path, capsys):
    path = tmp_path / "policy.json"
    path.write_bytes(change(signed().to_json()).encode("utf-8", "surrogateescape"))
    with pytest.raises(SystemExit) as stopped:
        main(["grade", str(path), "--passphrase", "x", "--worlds", "2"])
    told = capsys.readouterr().err
    assert stopped.value.code == 1
    assert says in told
    assert told.count("\n") == 1


def test_other_files_get_one_sentence_too(tmp_path, capsys):
    call = Action("review", gain="stake", cost=4, owner="desk")
    menu = Policy(Menu(Action("ship", 0, 0), call), missing="ship", idle="ship", holdout=0.1)
    cards = Policy(
        Segments({0: "ship", 1: Action("review", cost=4, owner="desk")}), missing="ship", idle="ship", holdout=0.1
    )
    for policy, says in ((menu, "got 'stake'"), (cards, "it is one of segments")):
        (tmp_path / "p.json").write_text(policy.to_json(), encoding="utf-8")
        with pytest.raises(SystemExit):
            main(["grade", str(tmp_path / "p.json"), "--passphrase", "x", "--worlds", "2"])
        assert says in capsys.readouterr().err
    for words, says in (([str(tmp_path / "no.json")], "cannot be read"), ([str(tmp_path)], "cannot be read")):
        with pytest.raises(SystemExit):
            main(["grade", *words, "--passphrase", "x"])
        assert says in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"7 gaps.*the brief is incomplete: who, decision, outcome"):
        read(role_sheets.write(tmp_path)[1])
    with pytest.raises(TypeError, match="policy must be a Policy"):
        grade({}, role.DESK, passphrase="x")


def test_a_graded_file_prints_its_debrief(tmp_path, capsys):
    (tmp_path / "policy.json").write_text(signed().to_json(), encoding="utf-8")
    assert main(["grade", str(tmp_path / "policy.json")]) == 0
    assert "Ready to be graded" in capsys.readouterr().out
    words = ["grade", str(tmp_path / "policy.json"), "--passphrase", "x", "--worlds", "2"]
    assert main([*words, "--out", str(tmp_path / "grade.json")]) == 0
    told = capsys.readouterr().out
    for line in ("At the contested prices:", "clairvoyant", "do nothing", "The hold-out cost", "Signed was:"):
        assert line in told
    assert json.loads((tmp_path / "grade.json").read_text(encoding="utf-8"))["worlds"] == 2


def test_the_sheets_of_the_roles_hold_the_tasks_numbers(tmp_path):
    told = text.filled(text.written("role"), role_sheets.figures())
    assert "room for **300** reviews" in told
    assert "Room for 150 reviews" in told
    bands = role.bands()
    assert bands["orders"].sum() == role.ORDERS
    assert f"| {bands['orders'].iloc[-1]:,.0f} |" in told
    form = text.parts(told)["The form"]
    file = json.loads(role_sheets.write(tmp_path)[1].read_text(encoding="utf-8"))
    fields = {*file, *file["actions"][0], *file["brief"]}
    named = set(re.findall(r"\(`(\w+)`\)", form))  # the form's words for what is open in the file
    assert named == {"missing", "holdout", "cost", "capacity", "owner", "brief", "who", "decision", "outcome"} <= fields
    unused = [name for name in role_sheets.figures() if f"{{{name}" not in text.written("role")]
    assert unused == []


# --- pages


class Asks(HTMLParser):
    """What a page asks of other files, and its headings."""

    def __init__(self):
        super().__init__()
        self.asked, self.levels = [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.asked += [given[name] for name in ("src", "href") if name in given and (tag, name) != ("a", "href")]
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))


def test_everything_is_written_and_asks_nothing_of_others(tmp_path, monkeypatch):
    monkeypatch.setattr(paper, "browser", lambda: None)
    names = ("Facilitator", "Run sheets", "Cards", "Polls", "Replies", "Role task")
    own = [part for part in PARTS if part.name in names]
    assert [part.name for part in own] == list(names)
    said = []
    made = make(tmp_path, own, say=said.append)
    assert "no Chromium here: print the pages from any browser" in said
    index = made[0].read_text(encoding="utf-8")
    for path in made[1:]:
        assert f'href="{path.relative_to(tmp_path).as_posix()}"' in index
        if path.suffix == ".html":
            page = Asks()
            page.feed(path.read_text(encoding="utf-8"))
            assert page.asked == []
            assert page.levels[0] == 1
            assert all(b <= a + 1 for a, b in zip(page.levels, page.levels[1:], strict=False)), path
            assert "url(" not in path.read_text(encoding="utf-8")


def test_what_is_no_longer_written_is_not_handed_out(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old.html").write_text("old")
    make(
        tmp_path,
        [Part("A", "", lambda folder: [paper.write(folder, "new", paper.page("New", ""))], printed=False)],
        say=str,
    )
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["new.html"]


@pytest.mark.skipif(paper.browser() is None, reason="no Chromium")
@pytest.mark.parametrize("name", ["60", "90"])
def test_a_short_sheet_is_one_printed_page(name, tmp_path):
    page = paper.write(tmp_path, name, sheets.page(name, sheets.read(name)))
    [pdf] = paper.printed([page])
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf.read_bytes())) == 1


def test_markdown_of_the_teachers_pages():
    assert text.inline("−$3 is 5 %") == "−\u2060<span>&#36;</span>3 is 5\u00a0%"
    told = text.html_of("# A\n\nOne **two** *three*\nfour `$x` [in](a.md) [out](https://a.b).\n\n- a\n  b\n- c\n\n1. d")
    assert told == (
        "<h1>A</h1>\n<p>One <strong>two</strong> <em>three</em> four <code><span>&#36;</span>x</code> in "
        '<a href="https://a.b">out</a>.</p>\n<ul><li>a b</li><li>c</li></ul>\n<ol><li>d</li></ol>'
    )
    assert text.filled("{a:money} {b:percent} {b:percent0} {c:,}", {"a": -9.5e4, "b": 0.123, "c": 1000}) == (
        "−$95.0k 12.3 % 12 % 1,000"
    )
    with pytest.raises(ValueError, match="stands there twice"):
        text.parts("## A\n\n## A\n")
    with pytest.raises(ValueError, match="run this from the project's folder"):
        text.written("nothing")
