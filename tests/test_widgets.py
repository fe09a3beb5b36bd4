import re
import subprocess
import sys

import IPython
import ipywidgets
import nbformat
import pandas as pd
import pytest
from figure_cases import MOVING, grades
from IPython.utils.capture import capture_output
from nbclient import NotebookClient

from mllayers import widgets
from mllayers.course.showing import numbers, say, show
from mllayers.figures import Moving

ALT = "A curve of recall over the share audited, rising steeply at first"
TABLE = pd.DataFrame({"recall": [0.999, 0.69]}, index=["team", "truth"])


def says(share):
    return f"With {share:.1%} audited, recall is worth $5 and $7."


@pytest.fixture
def outputs():
    """What a cell would put on the page, as a list of outputs."""
    IPython.core.interactiveshell.InteractiveShell.clear_instance()
    IPython.core.interactiveshell.InteractiveShell.instance()
    with capture_output() as got:
        yield got
    IPython.core.interactiveshell.InteractiveShell.clear_instance()


def explore(**changed):
    wanted = {
        "draw": MOVING["audit"][0],
        "controls": {"share": widgets.slider("Share audited", 0.0, 0.04, step=0.001, value=0.01, form=".1%")},
        "title": "What an audit finds",
        "alt": ALT,
        "says": says,
        **changed,
    }
    controls = wanted.pop("controls")
    return widgets.explore(Moving(**wanted), **controls)


def test_explore_shows_a_picture_then_controls_then_a_sentence(outputs):
    explore()
    figure, controls, read = outputs.outputs
    assert figure.metadata["image/png"]["alt"] == ALT
    assert set(figure.data) == {"image/png", "text/html", "text/plain"}
    assert controls.data["text/plain"] == "Run this cell to move the controls: Share audited (%)."
    assert "application/vnd.jupyter.widget-view+json" in controls.data
    assert read.data["text/plain"] == "With 1.0% audited, recall is worth $5 and $7."
    assert "<span>&#36;</span>5" in read.data["text/html"]
    assert not outputs.stdout + outputs.stderr


def test_moving_a_control_changes_picture_and_sentence(outputs):
    explorer = explore()
    before = explorer.png()
    explorer.set(share=0.04)
    assert explorer.values == {"share": 0.04}
    assert explorer.png() != before
    assert explorer.sentence == says(0.04)
    with pytest.raises(ValueError, match="no control is called 'size'; there are share"):
        explorer.set(size=1)


def test_errors_are_told_to_the_learner_and_pass(outputs):
    def moody(share):
        if share > 0.03:
            raise RuntimeError("the grid ends at 3 %")
        return says(share)

    explorer = explore(says=moody)
    explorer.set(share=0.04)
    assert "cannot be drawn (RuntimeError: the grid ends at 3 %)" in explorer.sentence
    explorer.set(share=0.02)
    assert explorer.sentence == says(0.02)
    assert not outputs.stdout + outputs.stderr


def test_every_setting_of_every_control(outputs):
    controls = {
        "month": widgets.slider("Months since training", 0, 7, step=1, value=0),
        "gift": widgets.switch("A gift market opens"),
    }
    draw, settings = MOVING["months"]
    explorer = explore(draw=draw, controls=controls, says=lambda month, gift: f"Month {month}, {gift}.")
    for values in settings:
        explorer.set(**values)
        assert explorer.sentence == f"Month {values['month']}, {values['gift']}."


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"controls": {}}, ValueError, "there must be one to 3 controls; got 0"),
        ({"controls": {n: widgets.switch(n) for n in "abcd"}}, ValueError, "one to 3 controls; got 4"),
        ({"controls": {"a": ipywidgets.IntSlider()}}, ValueError, "'a' must have a visible label"),
        ({"alt": "figure"}, ValueError, "alt must say in words what the figure shows"),
        ({"says": "a sentence"}, TypeError, "says must be a function that returns the sentence"),
        ({"title": ""}, TypeError, "title must"),
    ],
)
def test_what_explore_refuses(outputs, changed, error, message):
    with pytest.raises(error, match=message):
        explore(**changed)
    assert outputs.outputs == []


def test_controls_are_labelled_and_follow_at_once():
    whole = widgets.slider("Month", 0, 7, step=1, value=2)
    part = widgets.slider("Share", 0.0, 1.0, step=0.1, value=0.5)
    assert isinstance(whole.track, ipywidgets.IntSlider)
    assert isinstance(part.track, ipywidgets.FloatSlider)
    assert whole.track.continuous_update
    assert part.track.continuous_update
    assert (whole.track.description, part.field.tooltip) == ("Month", "Share, as a number")
    assert widgets.choice("Model", ["a", "b"], value="b").value == "b"
    assert widgets.switch("On").value is False


@pytest.mark.parametrize(
    ("typed", "means"),
    [("2", 0.02), ("2 %", 0.02), ("2,5", 0.025), ("2.5%", 0.025), ("0,3", 0.003), ("3.04", 0.03), (" 4 ", 0.04)],
)
def test_a_typed_number_means_what_the_field_says(outputs, typed, means):
    explorer = explore()
    share = explorer.controls["share"]
    assert (share.description, share.field.value) == ("Share audited (%)", "1.0")
    share.field.value = typed
    assert explorer.values == {"share": means}
    assert explorer.sentence == says(means)
    assert share.track.value == pytest.approx(100 * means)
    assert share.field.value == f"{100 * means:.1f}"
    assert ("was taken as" in share.told.value) == (typed == "3.04")  # between two steps


@pytest.mark.parametrize("typed", ["5", "-1", "a lot", "", "0.02.1", "<img src=x onerror=alert(1)>"])
def test_a_typed_number_that_is_none_or_outside_is_asked_back(outputs, typed):
    explorer = explore()
    share = explorer.controls["share"]
    share.field.value = typed
    assert explorer.values == {"share": 0.01}
    assert share.field.value == "1.0"
    assert 'role="alert"' in share.told.value
    assert "Share audited (%) goes from 0.0 to 4.0; got" in share.told.value
    assert "<img" not in share.told.value
    share.track.value = 3.0
    assert share.told.value == ""
    assert explorer.values == {"share": 0.03}


def test_a_question_goes_when_it_is_answered(outputs):
    """Also by the number that stands there already, written in another way."""
    share = explore().controls["share"]
    share.field.value = "a lot"
    assert share.told.value
    share.field.value = "1,0"
    assert (share.value, share.field.value, share.told.value) == (0.01, "1.0", "")


def test_dollars_and_thousands_may_be_typed_and_whole_numbers_stay_whole():
    pilot = widgets.slider("Customers in the pilot", 250, 80_000, step=250, value=5_000)
    for typed, means in (("10,000", 10_000), ("12 000", 12_000), ("1_100", 1_000)):
        pilot.field.value = typed
        assert pilot.value == means
        assert isinstance(pilot.value, int)
    price = widgets.slider("Price of the voucher ($)", 0, 10, step=0.5, value=5, form=".2f")
    price.field.value = "$7,5"
    assert (price.value, price.field.value) == (7.5, "7.50")


@pytest.mark.parametrize(
    ("typed", "taken", "says"),
    [("7", 0.05, "goes in steps of 5.0: '7' was taken as 5.0."), ("1", 0.0, "'1' was taken as 0.0."), ("10", 0.1, "")],
)
def test_a_number_between_two_steps_is_said_to_be_taken_as_one(typed, taken, says):
    blocks = widgets.slider("Blocks reviewed (%)", 0.0, 0.3, step=0.05, value=0.15, form=".1%")
    blocks.field.value = typed
    assert blocks.value == taken
    assert (says in blocks.told.value) if says else blocks.told.value == ""
    blocks.track.value = 20.0
    assert blocks.told.value == ""


@pytest.mark.parametrize("steps", [range(41)])
def test_every_step_of_a_slider_is_a_value_of_its_grid(steps):
    share = widgets.slider("Share", 0.0, 0.04, step=0.001, value=0.01, form=".1%")
    for k in steps:
        share.track.value = 100 * 0.001 * k
        assert share.value == round(0.001 * k, 9)


def test_what_cannot_be_seen_is_said(outputs):
    """The field is named for screen readers, what changes is announced, a lost kernel is told."""
    explorer = explore()
    share = explorer.controls["share"]
    assert share.field.tooltip == "Share audited (%), as a number"
    assert 'role="status"' in outputs.outputs[2].data["text/html"]
    assert ".jupyter-widgets-disconnected .mllayers-lost {display: block}" in widgets._WHEN_LOST
    assert "run the set-up cell again" in widgets._WHEN_LOST


# show and say


def test_show_puts_picture_sentence_and_folded_numbers(outputs):
    show(
        grades(),
        alt="Bars of three grades, as the team sees them and in truth",
        says="It costs $5 & more.",
        table=TABLE,
    )
    figure, read = outputs.outputs
    assert figure.metadata["image/png"]["alt"].startswith("Bars of three grades")
    html = read.data["text/html"]
    assert html.startswith("<p>It costs <span>&#36;</span>5 &amp; more.</p>")
    assert "<details><summary>The numbers</summary>" in html
    assert read.data["text/plain"].startswith("It costs $5 & more.\n\n")


def test_the_same_figure_gives_the_same_output(outputs):
    for _ in range(2):
        show(grades(), alt="Bars of three grades, seen and true", says="It costs $5.", table=TABLE)
    assert [o.data for o in outputs.outputs[:2]] == [o.data for o in outputs.outputs[2:]]


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"alt": ""}, ValueError, "alt must say in words what the figure shows.*got ''"),
        ({"alt": "figure"}, ValueError, "alt must say in words.*got 'figure'"),
        ({"alt": None}, ValueError, "alt must say in words.*got None"),
        ({"says": ""}, ValueError, "says must be the sentence that reads the figure; got ''"),
        ({"says": ALT}, ValueError, "says must add to the alt text"),
        ({"table": None}, TypeError, "table must be a DataFrame with the numbers of the figure; got None"),
        ({"table": pd.DataFrame()}, ValueError, "table must hold the numbers of the figure; got an empty one"),
        ({"figure": 3}, TypeError, "figure must be a matplotlib Figure; got 3"),
    ],
)
def test_what_show_refuses(outputs, changed, error, message):
    wanted = {"figure": grades(), "alt": ALT, "says": "It costs $5.", "table": TABLE, **changed}
    with pytest.raises(error, match=message):
        show(wanted.pop("figure"), **wanted)
    assert outputs.outputs == []


def test_the_table_has_a_caption_and_headers_with_scope():
    html = numbers(pd.DataFrame({"cost $": [1234.5, None]}, index=["a<b", "c"]))
    assert re.search(r"<caption style=.*clip-path.*>The numbers</caption>", html)  # heard; seen it would stand twice
    assert '<th scope="col">cost <span>&#36;</span></th>' in html
    assert '<th scope="row">a&lt;b</th>' in html
    assert "<td>1,234</td>" in html
    assert "<th>" not in html


def test_say_keeps_dollars_from_becoming_formulas(outputs):
    say("From $5 to **$7**, and \\$9.")
    markdown = outputs.outputs[0].data["text/markdown"]
    assert markdown == "From <span>&#36;</span>5 to **<span>&#36;</span>7**, and <span>&#36;</span>9."
    with pytest.raises(ValueError, match="text must be a sentence; got ''"):
        say("")


# In a kernel, as strict comparison sees it

CELLS = [
    "import sys; sys.path.insert(0, TESTS)\nfrom figure_cases import MOVING, grades, GRADES\n"
    "from mllayers import widgets\nfrom mllayers.figures import Moving\nfrom mllayers.course.showing import say, show",
    "show(grades(), alt='Bars of three grades, seen and true', says='It is $5.', table=GRADES)",
    "figure = Moving(MOVING['audit'][0], title='Audits', alt='A curve of recall over the share audited', "
    "says=lambda share: f'Share {share}: $5.')\n"
    "explorer = widgets.explore(figure, share=widgets.slider('Share', 0.0, 0.04, step=0.001, value=0.01))\nexplorer",
    "say('From $5 to $7.')",
]


def test_strict_comparison_of_outputs(tmp_path, request):
    tests = str(request.path.parent)
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(c.replace("TESTS", repr(tests))) for c in CELLS]
    )
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    NotebookClient(notebook, timeout=120, record_timing=False).execute()
    assert notebook.cells[2].outputs[-1].data["text/plain"] == "Share 0.01: $5."
    nbformat.write(notebook, tmp_path / "shown.ipynb")
    args = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env", "shown.ipynb"]
    args += ["--nbval-sanitize-with", f"{tests}/nbval_sanitize.cfg"]
    ran = subprocess.run([sys.executable, *args], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout
