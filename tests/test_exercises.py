"""Every exercise of every notebook, tried as learners try them; and the framework they stand on."""

import html
import importlib
import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from exercise_cases_01 import world
from exercise_harness import (
    accepts_right_answers,
    answers_nonsense_in_words,
    knows_untouched,
    outcome,
    recognises_wrong_answers,
)

from mllayers.course import ____, check, exercises, hint, solution
from mllayers.course.answers import Blank, Unreadable, in_words, one_number
from mllayers.course.exercises import Choice, Exercise, Judged, Names, Number, Wrong, find, of_notebook
from mllayers.course.learner import CAPSTONE, NOTEBOOKS
from mllayers.data import weighted_rate

CASES = {
    case.id: case
    for path in sorted(Path(__file__).parent.glob("exercise_cases_*.py"))
    for case in importlib.import_module(path.stem).CASES
}
EXERCISES = [exercise for notebook in (*NOTEBOOKS, CAPSTONE) for exercise in of_notebook(notebook)]
each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)


@pytest.fixture(autouse=True)
def fresh_hints(monkeypatch):
    monkeypatch.setattr(exercises, "_hints_given", {})


@each
def test_right_answers_and_other_honest_routes_pass(exercise):
    assert len(CASES[exercise.id].also) >= 1
    assert accepts_right_answers(exercise, CASES[exercise.id]) >= 2


@each
def test_each_named_wrong_answer_is_told_by_its_own_message(exercise):
    assert recognises_wrong_answers(exercise, CASES[exercise.id]) >= 2
    assert len({wrong.message for wrong in exercise.wrong}) == len(exercise.wrong)


@each
def test_nonsense_is_answered_in_words(exercise):
    assert answers_nonsense_in_words(CASES[exercise.id]) >= 5


@each
def test_untouched_is_not_attempted(exercise):
    assert knows_untouched(CASES[exercise.id]) >= 1


@each
def test_hints_come_one_more_at_each_call(exercise):
    assert len(exercise.hints) >= 2
    for number in range(1, len(exercise.hints) + 1):
        given = hint(exercise.id)
        assert given.word == f"Hint {number} of {len(exercise.hints)}"
        assert given.lines[:-1] == exercise.hints[:number]
    assert hint(exercise.id) == given
    assert f'solution("{exercise.id}")' in given.lines[-1]


@each
def test_solution_shows_code_and_reasoning(exercise):
    page = solution(exercise.id)
    assert f"```python\n{exercise.solution}\n```" in repr(page)
    assert f"<pre><code>{html.escape(exercise.solution)}</code></pre>" in page._repr_html_()
    assert exercise.reasoning in repr(page)


def test_ids_are_unique_and_every_exercise_has_a_case():
    assert len({exercise.id for exercise in EXERCISES}) == len(EXERCISES)
    assert {exercise.id for exercise in EXERCISES} == set(CASES)
    assert [exercise.id for exercise in of_notebook("01")] == [f"N1-{n}" for n in range(1, 6)]
    assert of_notebook("07") == ()


@pytest.mark.parametrize("seed", [100, 101, 102])
def test_notebook_1_distinguishes_its_answers_on_other_seeds(seed):
    orders, seen, audit = world(seed)
    by_id = {"N1-1": {"orders": orders, "seen": seen}, "N1-2": {"audit": audit}, "N1-3": {"audit": audit}}
    for id, given in by_id.items():
        exercise = find(id)
        assert check(id, exercise.reference(**given), **given).correct
        for wrong in exercise.wrong:
            assert check(id, wrong.value(**given), **given).lines[0] == wrong.message, (id, wrong.name, seed)


def test_notebook_1_finds_what_the_world_was_made_to_hold():
    orders, seen, audit = world()
    assert find("N1-1").reference(orders, seen) == pytest.approx(0.656, abs=0.02)
    assert find("N1-2").reference(audit) == pytest.approx(orders["_is_fraud"].mean(), rel=0.2)
    assert find("N1-3").reference(audit) == pytest.approx(4_900, rel=0.4)
    assert find("N1-4").reference(15_600, 27_700) == pytest.approx(16.9, abs=0.05)


def test_three_standard_errors_agree_with_repeated_audits():
    """The tolerance of N1-2 is three times the spread that repeated audits of the same orders show."""
    orders, _, audit = world()
    fraud = orders["_is_fraud"].to_numpy()
    inspected = audit["propensity"].to_numpy() == 1
    missed = fraud & ~inspected
    rng = np.random.default_rng(0)
    found = rng.binomial(missed.sum(), 0.02, size=20_000)
    spread = (found / 0.02).std() / len(orders)
    within = find("N1-2").kind.within(audit)
    assert within == pytest.approx(3 * spread, rel=0.3)


@pytest.mark.parametrize("seed", [2026, 100, 101])
def test_the_true_rate_and_a_result_are_judged_fairly(seed):
    orders, _, audit = world(seed)
    assert check("N1-2", orders["_is_fraud"].mean(), audit=audit).correct
    assert check("N1-2", float(orders["_is_fraud"].mean()), audit=audit, orders=orders).correct
    looked = audit["source"].isin(["review", "audit"])
    assert check("N1-2", weighted_rate(audit["label"].where(looked), audit["propensity"]), audit=audit).correct
    found = SimpleNamespace(hajek=find("N1-2").reference(audit), ht=0.5)
    assert check("N1-2", found, audit=audit).correct
    assert "Too high" in check("N1-2", SimpleNamespace(hajek=0.1), audit=audit).lines[0]
    assert "got a SimpleNamespace" in check("N1-2", SimpleNamespace(mean=0.03), audit=audit).lines[0]


def test_the_true_rate_passes_even_where_the_audit_was_unlucky():
    orders, _, audit = world()
    lucky = audit.copy()
    frauds = lucky.index[(lucky["source"] == "audit") & (lucky["label"] == 1)]
    lucky.loc[frauds, "label"] = 0.0
    assert not check("N1-2", orders["_is_fraud"].mean(), audit=lucky).correct
    assert check("N1-2", orders["_is_fraud"].mean(), audit=lucky, orders=orders).correct


# --- on the learner's own data


def test_data_that_do_not_fit_together_are_told():
    orders, seen, audit = world()
    result = check("N1-1", 0.66, orders=orders, seen=seen.sort_values("label"))
    assert "same row order" in result.lines[0]
    visible = orders.drop(columns="_is_fraud")
    assert "_is_fraud" in check("N1-1", 0.66, orders=visible, seen=seen).lines[0]
    honest = orders[~orders["_is_fraud"]]
    assert "no fraud" in check("N1-1", 0.66, orders=honest, seen=seen.loc[honest.index]).lines[0]
    unaudited = audit[audit["source"] != "audit"]
    assert "no audited order" in check("N1-2", 0.03, audit=unaudited).lines[0]
    assert "propensity" in check("N1-2", 0.03, audit=audit.assign(propensity=0.0)).lines[0]
    few = pd.DataFrame({"column": ["a", "b"], "importance": [1, 2]})
    assert "five columns" in check("N1-5", {"a", "b"}, importance=few).lines[0]


def test_data_are_not_changed_by_a_check():
    orders, seen, _ = world()
    before = seen.copy()
    check("N1-1", 0.5, orders=orders, seen=seen)
    assert seen.equals(before)


def test_an_audit_that_never_pays_back():
    assert check("N1-4", math.inf, cost=100, gain_per_month=-5).correct
    assert "not a finite number" in check("N1-4", 12, cost=100, gain_per_month=0).lines[0]


def test_importances_may_be_a_series_and_clocks_do_not_count():
    table = pd.Series({"day": 9.0, "device_new": 3.0, "addr_mismatch": 2.0, "express": 0.1, "night": 0.0, "digital": 0})
    assert check("N1-5", {"device_new", "addr_mismatch"}, importance=table).correct
    assert "by definition" in check("N1-5", {"day", "device_new"}, importance=table).lines[0]
    assert "you named one, and it is right." in check("N1-5", {"device_new"}, importance=table).lines[0]
    assert "Of your 2 column names one is right." in check("N1-5", {"device_new", "colour"}, importance=table).lines[0]


@pytest.mark.parametrize(
    ("asked", "named", "says"),
    [
        (1, "x", "It is another one."),
        (1, "a x", "One column is asked for; of the 2 that you named one is right."),
        (1, "a b x", "One column is asked for; of the 3 that you named 2 are right."),
        (1, "", "One column is asked for; you named none."),
        (2, "x y", "Of your 2 columns none is right."),
        (2, "a x", "Of your 2 columns one is right."),
        (3, "a b x", "Of your 3 columns 2 are right."),
        (2, "a", "2 columns are asked for; you named one, and it is right."),
        (2, "x", "2 columns are asked for; you named one, and it is not right."),
    ],
)
def test_names_are_counted_as_a_person_would(asked, named, says):
    kind = Names("column" if asked == 1 else "columns", asked)
    assert kind.miss(kind.read(named.split()), {"a", "b", "c"}, 0.0) == says


def test_an_honest_column_that_is_not_the_leak_gets_one_sentence():
    """The amount of days since an order neither moved most nor warns best: the reply counts no names."""
    given = CASES["C-3"].given()
    told = check("C-3", "days_since_order", **given).lines[0]
    assert told == "It is another one. Expected: one column name, such as `'a'`."


# --- the framework


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (0.66 * 100, "in percent"),
        (-0.66, "sign"),
        (0.60, "little too low"),
        (0.45, "Too low, by less than a factor of 2"),
        (0.2, "Too low, by a factor between 2 and 10"),
        (7.5, "Too high, by more than a factor of 10"),
        ("66 percents", "the text '66 percents'"),
        (math.nan, "NaN"),
        (np.mean, "were the brackets () forgotten?"),
        (None, "None"),
        (pd.Series([1.0, 2.0]), "a Series of shape (2,)"),
    ],
)
def test_a_miss_says_which_way_and_how_far(answer, says):
    orders, seen, _ = world()
    result = check("N1-1", answer, orders=orders, seen=seen)
    assert outcome(result) == "Not yet"
    assert says in result.lines[0]
    assert "0.65" not in repr(result)


@pytest.mark.parametrize(
    "answer",
    [np.float32(0.656), np.array(0.656), np.array([0.656]), pd.Series([0.656]), "0.656", "0,656", "65.6 %", (0.656,)],
)
def test_a_number_may_come_as_an_array_of_one_or_as_people_type_it(answer):
    orders, seen, _ = world()
    assert check(" n1-1 ", answer, orders=orders, seen=seen).correct


@pytest.mark.parametrize("id", ["N9-1", "N1-77", "", "P1-1", None, 3, ____, np.mean])
def test_an_unknown_id_is_answered_in_words(id):
    for answered in (check(id, 1), hint(id), solution(id)):
        assert "There is no exercise" in answered.lines[0]
        assert "N1-1" in answered.lines[0]


def test_more_data_than_needed_do_no_harm():
    orders, seen, audit = world()
    assert check("N1-1", 0.656, orders=orders, seen=seen, audit=audit, extra=3).correct


def made_up(monkeypatch, **changes):
    """Put an exercise N5-99 in the place of notebook 5's."""
    base = Exercise("N5-99", "What?", Choice(("yes", "no")), lambda: "yes", (), ("a", "b"), "answer = 'yes'", "So.")
    exercise = replace(base, **changes)
    monkeypatch.setattr(exercises, "of_notebook", lambda notebook: (exercise,) if notebook == "05" else ())


def test_a_choice(monkeypatch):
    wrong = Wrong("average", lambda: "no", "That is the average; ask for the margin.")
    made_up(monkeypatch, wrong=(wrong,))
    for right in ("yes", " YES", True, np.True_):
        assert check("N5-99", right).correct
    for no in ("no", False, np.bool_(0)):
        assert check("N5-99", no).lines[0] == wrong.message
    assert "one of `'yes'`, `'no'`; got the text 'maybe'" in check("N5-99", "maybe").lines[0]
    made_up(monkeypatch, kind=Choice(("A", "B", "C")), reference=lambda: "B")
    assert check("N5-99", "b").correct
    assert check("N5-99", "c").lines[0].startswith("It is another one.")
    assert "got True" in check("N5-99", True).lines[0]


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def speechless(x):
    raise Speechless


def deep(x):
    return deep(x)


def test_a_judge_decides_on_anything(monkeypatch):
    def judge(answer, *, factor):
        if not callable(answer):
            raise Unreadable(f"a {type(answer).__name__}")
        return "" if answer(2) == 2 * factor else "Try it on 2."

    made_up(monkeypatch, kind=Judged("a function", judge), reference=lambda factor: lambda x: factor * x)
    assert check("N5-99", lambda x: 3 * x, factor=3).correct
    assert check("N5-99", lambda x: x, factor=3).lines[0] == "Try it on 2."
    assert check("N5-99", 3, factor=3).lines[0] == "Expected a function; got a int."
    assert "ZeroDivisionError" in check("N5-99", lambda x: 1 / 0, factor=3).lines[0]
    assert "SystemExit" in check("N5-99", lambda x: sys.exit(), factor=3).lines[0]
    assert "RecursionError" in check("N5-99", deep, factor=3).lines[0]
    assert "ended in Speechless" in check("N5-99", speechless, factor=3).lines[0]
    assert "factor=factor" in check("N5-99", lambda x: x).lines[0]


def test_a_wrong_answer_near_the_right_one_never_shadows_it(monkeypatch):
    near = Wrong("near", lambda: 10.4, "Near, but wrong.")
    far = Wrong("far", lambda: 11.5, "Far.")
    made_up(monkeypatch, kind=Number("days", absolute=1), reference=lambda: 10.0, wrong=(near, far))
    assert check("N5-99", 10.9).correct
    assert check("N5-99", 11.5).lines[0] == "Far."
    for nearby in (11.4, 11.6, 11.1):
        assert check("N5-99", nearby).lines[0].startswith("Too high")


@pytest.mark.parametrize("answer", [0.3271, 0.327, 0.33, "33 %", 1 / 3.057])
def test_a_wrong_answer_is_known_however_it_was_rounded(monkeypatch, answer):
    made_up(
        monkeypatch,
        kind=Number("share", absolute=0.01),
        reference=lambda: 0.8,
        wrong=(Wrong("w", lambda: 1 / 3.057, "Known."),),
    )
    assert check("N5-99", answer).lines[0] == "Known."


@pytest.mark.parametrize("answer", [0.3, 0.32, 0.331, 0.3272, 0.34])
def test_an_answer_is_not_taken_for_a_wrong_one_by_being_near(monkeypatch, answer):
    made_up(
        monkeypatch,
        kind=Number("share", absolute=0.01),
        reference=lambda: 0.8,
        wrong=(Wrong("w", lambda: 1 / 3.057, "Known."),),
    )
    assert check("N5-99", answer).lines[0].startswith("Too low")


def test_a_wrong_answer_that_stands_for_many_says_how_near(monkeypatch):
    wrong = (Wrong("nearly all", lambda: 1.0, "Of the labelled.", near=0.02),)
    made_up(monkeypatch, kind=Number("share", absolute=0.01), reference=lambda: 0.66, wrong=wrong)
    assert check("N5-99", 0.9871).lines[0] == "Of the labelled."
    assert check("N5-99", 0.97).lines[0].startswith("Too high")


def test_what_a_policy_must_not_do_is_refused_whatever_it_earns():
    """N3-3: a call for whoever has no score, and a hold-out of nearly everybody, close all gaps too."""
    given = CASES["N3-3"].given()
    customers = given["customers"].assign(p=given["customers"]["p"].fillna(0.1))
    some = {**given, "customers": customers, "gain": given["gain"]}
    repaired = importlib.import_module("mllayers.course.exercises_03")._repaired
    assert check("N3-3", repaired(given["broken"]), **some).correct
    assert "not left alone" in check("N3-3", repaired(given["broken"], missing="call"), **some).lines[0]
    for share, right in ((0.9, False), (0.3, False), (0.2, True), (0.05, True)):
        assert check("N3-3", repaired(given["broken"], holdout=share), **some).correct == right


def test_another_route_is_used_only_with_its_data(monkeypatch):
    made_up(monkeypatch, kind=Number("days", relative=0.01), reference=lambda a: a, also=(lambda b: b,))
    assert not check("N5-99", 7.0, a=3.0).correct
    assert check("N5-99", 7.0, a=3.0, b=7.0).correct
    assert check("N5-99", 3.0, a=3.0, b=7.0).correct


def test_kinds_state_what_they_expect():
    assert Number("share", absolute=0.05).expects == "a share between 0 and 1, right within 0.05"
    assert Number("days", relative=0.25).expects == "a number of days, right within 25 %"
    assert Names("column", 1).expects == "one column, such as `'a'`"
    assert Names("columns", 2).expects == "a set of 2 columns, such as `{'a', 'b'}`"


# --- blanks and numbers


def test_whatever_is_computed_with_a_blank_stays_blank():
    column = pd.Series([1.0, 2.0])
    results = [
        ____ + 1, 2 - ____, -____, ____ ** 2, ____ / 3, abs(____), round(____, 2), ____[0], ____.mean(), ____(3),
        ____ > 1, ____ == 1, ____ != 1, column * ____, column > ____, column == ____, np.arange(3) + ____,
        np.sqrt(____), np.mean(____), np.float64(1) / ____, (column == ____).mean(),
    ]  # fmt: skip
    assert all(isinstance(result, Blank) for result in results)
    assert not ____
    assert list(____) == []
    assert math.isnan(float(____))
    assert f"{____:.2f}" == "____"
    assert "replace this blank" in repr(____)
    assert not hasattr(____, "_repr_html_")


def test_one_number_reads_no_more_than_a_number():
    class Strange:
        def __float__(self):
            raise RuntimeError("no")

    assert one_number(np.int8(3)) == 3
    for strange in (Strange(), True, np.True_, "three", [3], 10**400, b"3", 3j, "3" * 100):
        with pytest.raises(Unreadable):
            one_number(strange)


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (0, "", "0"),
        (999.6, "days", "1,000 days"),
        (0.000123456, "", "0.000123"),
        (1e-9, "", "1e-09"),
        (5.0, "$", "$5"),
        (-0.5, "%", "−0.5 %"),
        (math.inf, "days", "infinite days"),
    ],
)
def test_numbers_in_words(number, unit, text):
    assert in_words(number, unit) == text


TYPED = {
    ("95", ""): 95, ("95 %", "%"): 95, ("95percent", "%"): 95, ("50,000", "$"): 50_000, ("$50,000", "$"): 50_000,
    ("50_000", "$"): 50_000, ("1,234.5", ""): 1234.5, ("1.234,5", ""): 1234.5, ("0,95", ""): 0.95,
    ("1 234 567", ""): 1_234_567, ("1\u202f234", ""): 1234, ("12k", "$"): 12_000, ("$1.2M", "$"): 1_200_000,
    ("−5", "$"): -5, ("-$5", "$"): -5, ("$-5", "$"): -5, ("66 %", "share"): 0.66, ("5 days", "days"): 5,
    (" .5 ", ""): 0.5, ("5.", ""): 5, ("1e5", ""): 1e5, ("12,5 %", "%"): 12.5, ("0,950", ""): 0.95, ("1.000", ""): 1,
}  # fmt: skip


@pytest.mark.parametrize(("typed", "unit"), TYPED)
def test_numbers_are_read_as_people_type_them(typed, unit):
    assert one_number(typed, unit) == pytest.approx(TYPED[typed, unit])


@pytest.mark.parametrize(
    ("typed", "unit", "says"),
    [
        ("95 %", "$", "dollars is asked for"),
        ("$5", "%", "percent is asked for"),
        ("5 days", "$", "dollars is asked for"),
        ("about 5", "", "write a number"),
        ("1.5.2", "", "write a number"),
        ("--5", "", "write a number"),
        ("", "", "write a number"),
        ("nan", "", "write a number"),
        ((50, 0), "$", "write `50_000`"),
        ((1, 234, 567), "$", "write `1_234_567`"),
        ((0, 95), "%", "write `0.95`"),
        ((12, 5), "%", "write `12_005` or `12.5`"),
    ],
)
def test_what_is_no_number_is_asked_back(typed, unit, says):
    with pytest.raises(Unreadable, match=re.escape(says)):
        one_number(typed, unit)


class Hidden:
    """Nothing about it can be looked at."""

    def __repr__(self):
        raise RuntimeError("no")

    __str__ = __float__ = __len__ = __iter__ = __bool__ = __hash__ = __repr__

    def __getattr__(self, name):
        raise RuntimeError(name)


own: list = []
own.append(own)
circle: dict = {}
circle["me"] = circle
deep_list: list = []
for _ in range(5_000):
    deep_list = [deep_list]
STRANGE = {
    "a list that holds itself": own,
    "a mapping that holds itself": circle,
    "a deep list": deep_list,
    "an object that hides": Hidden(),
    "a class": Hidden,
    "an error without words": Speechless(),
    "a huge text": "x" * 1_000_000,
    "a huge number": 10**5_000,
    "a huge list": [0] * 1_000_000,
    "mark-up": "<img src=x onerror=alert(1)>",
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_whatever_is_handed_in_gets_a_sentence(strange):
    orders, seen, _ = world()
    for answered in (
        check("N1-1", strange, orders=orders, seen=seen),
        check("N1-1", 0.5, orders=strange, seen=seen),
        check(strange, 1),
        hint(strange),
        solution(strange),
    ):
        said = repr(answered) + answered._repr_html_()
        assert len(said) < 5_000
        assert "Traceback" not in said
        assert "<img" not in answered._repr_html_()


def test_html_is_escaped_and_needs_no_colour():
    result = check("<b>", 1)
    assert "<b>" not in result._repr_html_()
    assert "&lt;b&gt;" in result._repr_html_()
    assert "background" not in result._repr_html_()


def test_importing_the_course_loads_no_heavy_library():
    heavy = ("numpy", "pandas", "sklearn", "matplotlib", "IPython", "packaging")
    code = f"import sys, mllayers.course; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
