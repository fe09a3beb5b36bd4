"""Each rule of the notebook lint lets a good notebook pass and catches a small bad one."""

import importlib.machinery
import sys
import types

import nbformat
import notebook_lint as lint
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mllayers.course import minutes as course_minutes
from mllayers.course.words import SECTIONS

FIGURE = [
    new_output("display_data", {"image/png": "aGk="}, metadata={"image/png": {"alt": "bars that fall"}}),
    new_output("display_data", {"text/html": "<p>The rate falls by half in March.</p><table>3</table>"}),
]
CORRECT = new_output("display_data", {"text/html": "<strong>Correct.</strong> Well seen.", "text/plain": "Correct. "})


WAITS = new_output("display_data", {"text/plain": "Your guess first. The result of P1-1 waits"})


def shown(text, kind="text/html"):
    return new_output("display_data", {kind: text})


def code(source="x = 1", *tags, outputs=(), count=None, **told):
    return new_code_cell(
        source, metadata={"tags": list(tags), "mllayers": told}, outputs=list(outputs), execution_count=count
    )


def prose(source="Why?", *tags, **told):
    return new_markdown_cell(source, metadata={"tags": list(tags), "mllayers": told})


def heading(name, minutes=3):
    title = "# Layer 1 — Data: is the sample like the world?\n\nIt takes " + course_minutes.SUM.format(
        core=0, optional=0
    )
    text = title if name == "question" else f"## {SECTIONS[name]}"
    return prose(text, "core", section=name, minutes=minutes)


def good():
    """The smallest notebook that every rule lets pass."""
    cells = {name: [heading(name)] for name in SECTIONS}
    cells["question"][0].metadata.mllayers.claims = sorted(lint.CLAIMS_OF["01_data"])
    cells["setup"] += [
        code('from mllayers.course import ____, check, hint, show, solution, start\nstart("01", solved=True)'),
        code("assert cost == 5\nassert rate == 0.9"),
    ]
    cells["case"] += [
        prose("A voucher costs <span>&#36;</span>5, see [30 %](https://x.org), `1.5`, $p = 0.5$.", typed=["$5"])
    ]
    cells["happened"] += [code("show(figure)", outputs=FIGURE), prose("### More\n![a bar chart](alt.png)")]
    cells["turn"] += [
        code('answer = 3\ncheck("N1-1", answer)', "exercise", blanks=["answer"], work=4, outputs=[CORRECT])
    ]
    cells["take"] += [code("def f(x):\n    return x", "lift-out", **{"try": "assert f(1) == 1"})]
    more = [prose("## Optional: more", "optional", section="more", minutes=4)]
    found = numbered([cell for section in cells.values() for cell in section] + more)
    course_minutes.write(new_notebook(cells=found))
    return found


def numbered(cells):
    for n, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), 1):
        cell.execution_count = n
    return cells


@pytest.fixture
def notebook(tmp_path):
    """Makes a solved notebook of the cells, or a learner copy."""
    (tmp_path / "solved").mkdir()
    (tmp_path / "solved" / "alt.png").touch()

    def make(cells, solved=True, **metadata):
        name = "solved/01_data.ipynb" if solved else "01_data.ipynb"
        return lint.Notebook(
            nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}),
            tmp_path / name,
        )

    return make


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_passes(notebook, rule):
    assert list(rule(notebook(good()))) == []


def test_a_good_learner_copy_passes(notebook):
    copy = notebook(
        [prose("# T"), code('from mllayers.course import start\nstart("01")'), code("x = ____")], solved=False
    )
    assert [list(rule(copy)) for rule in lint.BOTH] == [[]] * len(lint.BOTH)


def replace(name, *cells):
    """The good notebook with a section's cells replaced."""
    found = good()
    sections = [cell.metadata.mllayers.get("section") for cell in found]
    start = sections.index(name)
    stop = next(n for n in range(start + 1, len(found) + 1) if n == len(found) or sections[n])
    return numbered([*found[:start], *cells, *found[stop:]])


def with_cells(*cells):
    """The good notebook with cells at the end of its play section."""
    return replace("play", heading("play"), *cells)


def picture(**metadata):
    return new_output("display_data", {"image/png": "aGk="}, metadata=metadata)


LONG = "\n".join(f"x{n} = {n}" for n in range(15))

BAD = [
    (lint.title, with_cells(prose("# Another")), "there are 2 H1"),
    (lint.title, replace("question", prose("# Data", "core", section="question", minutes=1)), "write 'Layer N"),
    (lint.title, [prose("Hello"), *good()], "stands in cell 1"),
    (lint.heading_levels, with_cells(prose("#### Deep")), "'Deep' is an H4 after an H2"),
    (lint.sections, replace("flip"), "'flip' .* is missing"),
    (lint.sections, replace("flip", heading("flip"), heading("case")), "'case' comes twice"),
    (lint.sections, replace("case", heading("flip")), "stand in the order"),
    (lint.sections, replace("case", prose("## A case", "core", section="case", minutes=1)), "'## The case'"),
    (lint.sections, with_cells(prose("## Surprise")), "'Surprise' opens a section"),
    (lint.sections, with_cells(prose("## Extra", "optional", section="x", minutes=1)), "'x' stands within the core"),
    (lint.minutes, replace("flip", prose("## When", "core", section="flip")), "has no minutes"),
    (lint.estimated, replace("flip", heading("flip", 9)), "the minutes are not those of its words and lines"),
    (lint.estimated, replace("case", heading("case"), prose("word " * 900)), "the minutes are not those"),
    (lint.estimated, replace("question", prose("# Layer 1", section="question", minutes=1)), "cell 0 must say"),
    (lint.estimated, with_cells(code("answer = 3", "exercise")), "states the minutes it asks for"),
    (lint.minutes, replace("flip", prose("## When", section="flip", minutes=1)), "tag the section 'flip' core"),
    (lint.minutes, replace("flip", heading("flip", 60)), "core sections take 76 minutes"),
    (lint.minutes, replace("more", prose("## M", "optional", section="m", minutes=100)), "all sections take 117"),
    (lint.cell_count, with_cells(*(prose() for _ in range(60))), "core sections have 80 cells"),
    (lint.cell_count, [*good(), *(prose() for _ in range(90))], "all sections have 111 cells"),
    (lint.word_count, with_cells(prose("word " * 2_201)), "the core path has 2,3"),
    (lint.code_length, with_cells(code(LONG)), "has 15 lines of code"),
    (lint.code_length, with_cells(code(LONG + "\nx = 16", "lift-out")), "leave it at 15"),
    (
        lint.code_length,
        with_cells(*(code("\n".join("abcdefghijkl")) for _ in range(9))),
        "the median code cell has 12 lines",
    ),
    (lint.prose_between, with_cells(*(code() for _ in range(5))), "number 5 in a row"),
    (lint.lift_out, replace("take", heading("take")), "no cell is tagged lift-out"),
    (lint.lift_out, with_cells(code("import mllayers as ml", "lift-out")), "but uses mllayers"),
    (lint.lift_out, with_cells(code("x = 1", "lift-out")), "how to try it"),
    (lint.exercises, with_cells(code("check(x)", blanks=["x"])), "tag it so"),
    (lint.exercises, with_cells(code("check(x)", "exercise", outputs=[CORRECT])), "finds the exercise solved"),
    (lint.exercises, with_cells(code("x = 1\ncheck(x)", "exercise", blanks=["x"])), "does not say Correct"),
    (lint.exercises, replace("setup", heading("setup")), "import ____"),
    (lint.executed, [*good(), code("y = 1")], "ran as number None"),
    (lint.executed, [code(count=2), code(count=1)], "code cell number 1 ran as number 2"),
    (lint.clean_outputs, [code(outputs=[new_output("error", ename="KeyError", evalue="x")])], "ends with KeyError: x"),
    (lint.clean_outputs, [code(outputs=[new_output("stream", name="stderr", text="Careful")])], "stderr: 'Careful'"),
    (lint.clean_outputs, [code(outputs=[new_output("stream", text="in /" + "home/me/x")])], "a folder of the machine"),
    (lint.plain, [code("%matplotlib inline")], "not plain Python"),
    (lint.plain, [code("get_ipython()")], "calls get_ipython"),
    (lint.absolute_paths, [code("open('/" + "home/me/x.csv')")], "holds the absolute path"),
    (lint.absolute_paths, [prose("Look in C:\\Users\\me")], "holds the absolute path"),
    (lint.network, [code("import urllib.request")], "imports urllib.request"),
    (lint.network, [code("pd.read_csv('https://x.org/a.csv')")], "holds a network address"),
    (lint.network, [code("from sklearn.datasets import fetch_openml")], "fetches a data set"),
    (lint.silenced, [code("warnings." + "filter" + "warnings('ignore')")], "silences warnings"),
    (lint.silenced, [code("!ls 2>/dev/null")], "silences warnings"),
    (lint.installs, [code("!pip install x")], "installs something"),
    (lint.installs, [code("%pip install x")], "installs something"),
    (lint.star_imports, [code("from numpy import *")], r"imports \*"),
    (lint.semicolons, [code("plot();  # hide")], "ends with a semicolon"),
    (lint.alt_text, [code(outputs=[picture()])], "figure without alt text"),
    (lint.alt_text, [code(outputs=[picture(alt=" ")])], "figure without alt text"),
    (lint.alt_text, [prose("![](a.png)")], "needs alt text"),
    (lint.alt_text, [prose('<img src="a.png" alt="">')], "needs alt text"),
    (lint.reading_sentence, [code(outputs=[FIGURE[0]])], "that nobody reads"),
    (lint.links, [prose("[x](nowhere.md#top)")], "nowhere.md leads nowhere"),
    (lint.typed_numbers, [prose("It costs \\$1,234 a month.")], r"\$1,234 is typed by hand"),
    (lint.typed_numbers, [prose("Only 12.3 % came.")], "12.3% is typed by hand"),
    (lint.typed_numbers, [prose("The AUC is 0.91.")], "0.91 is typed by hand"),
    (lint.typed_numbers, [prose("A \\$5 voucher.", typed=["$5"]), code("x = 5")], "no cell with an assert holds it"),
    (lint.experiments, [code("y = 1"), code("def f():\n    return y", "experiment")], "needs y of cell 0; tag"),
    (lint.claim_ids, [prose(claims=["C9.9"])], "no claim C9.9"),
    (lint.required_claims, [prose(claims=["C1.1"])], "no cell shows C1.2"),
    (lint.formulas, [prose("From \\$5 to \\$7.")], "'From .* has dollars that become a formula"),
    (lint.formulas, [prose("- It is $5\n- or $7")], "has dollars that become a formula"),
    (lint.formulas, [prose("<details><summary>\\$5</summary>or \\$7</details>")], "has dollars that become"),
    (lint.formulas, [prose("A \\$5 voucher earns $p V$.")], "has dollars that become a formula"),
    (lint.formulas_shown, [code(outputs=[shown("<td>from $5 to $7</td>")])], "'from .* become a formula; use say"),
    (lint.formulas_shown, [code(outputs=[shown("From $5 to $7.", "text/markdown")])], "become a formula"),
    (lint.names_exist, [prose('`hint("N1-1")`'), code("from mllayers.course import check")], "hint of .* is nowhere"),
    (lint.names_exist, [code("x = 1"), prose("Try `queue(x)`."), code("x"), code("queue = 1")], "comes only in cell 3"),
    (lint.names_exist, [code('check("N2-3", 1)')], "the hints of N2-3 use fraud|use log_loss"),
    (lint.names_exist, [code('check("N1-4", 1)')], "send the learner to solution"),
    (lint.names_exist, [code('check("N1-9", 1)')], "there is no exercise 'N1-9'"),
    (lint.exercises_in_order, [code('check("N1-2", 1)'), code('check("N1-1", 1)')], "the order N1-2, N1-1; renumber"),
    (lint.exercises_in_order, [code('reveal("P1-2", 1)\nreveal("P1-1", 1)')], "reveal comes in the order P1-2"),
    (lint.start_first, [code("import numpy as np"), code('start("01", solved=True)')], "imports numpy before start"),
    (lint.start_first, [code("from mllayers import shop\nstart('01')")], "imports mllayers before start"),
    (lint.start_first, [code('start("01")')], 'write start."0N", solved=True'),
    (lint.start_first, [code('start("01", solved=True, lang="de")')], "write start.…, lang='en'"),
    (lint.start_first, [code()], "no cell calls start"),
    (lint.promised, [code('reveal("P1-1", 5)', outputs=[CORRECT])], "what reveal.'P1-1'. answers is in no output"),
    (lint.promised, [code('reveal("P1-1", 5)', outputs=[WAITS])], "the result of P1-1 still waits for a guess"),
    (lint.promised, [code('card("01", audit="x")')], "what it answers is in no output"),
    (lint.filled, [code('card("01", audit=____)')], "still has a blank"),
    (lint.apart, [code("widgets.explore(draw)\nshow(figure)")], "shows a widget and a figure"),
    (lint.known_metadata, [code("x", "exercize")], "no tag is called exercize"),
    (lint.known_metadata, [code("x", blank=["x"])], "mllayers.blank means nothing"),
    (lint.valid, [prose("a")] * 2, "two cells have the id"),
]


@pytest.mark.parametrize(("rule", "cells", "told"), BAD, ids=[f"{rule.__name__}-{told}" for rule, _, told in BAD])
def test_a_bad_notebook_is_caught(notebook, rule, cells, told):
    with pytest.raises(AssertionError, match=told):
        raise AssertionError("\n".join(rule(notebook(cells))))


def test_every_rule_has_a_bad_notebook():
    caught = {rule for rule, _, _ in BAD} | {lint.truth}  # truth: below
    assert caught == set(lint.RULES)


def test_what_is_taught_beside_the_five_has_one_title_and_none_of_their_parts(notebook):
    beside = [prose("# Capstone: mend it", "core", section="question", minutes=1), prose("## Any part", "core")]
    assert list(lint.one_title(notebook(beside))) == []
    assert "keep one" in next(iter(lint.one_title(notebook([*beside, prose("# Another")]))))
    assert "keep one" in next(iter(lint.one_title(notebook([prose("## None")]))))
    assert lint.sections not in lint.BESIDE
    assert {lint.typed_numbers, lint.truth, lint.exercises} < set(lint.BESIDE)
    assert set(lint.RULES) - set(lint.BESIDE) == set(lint.OF_THE_FIVE)


def test_a_learner_copy_with_outputs_is_caught(notebook):
    assert "shows outputs" in "".join(lint.executed(notebook([code(outputs=[CORRECT])], solved=False)))


def test_metadata_of_widgets_and_versions_is_caught(notebook):
    assert "holds widgets" in "".join(lint.valid(notebook([], widgets={"state": 1})))
    assert "Python version" in "".join(lint.valid(notebook([], language_info={"name": "python", "version": "3"})))


@pytest.mark.parametrize(
    "text",
    [
        "## 30 % of nothing",
        "In month 4, 3 exercises and 40 minutes.",
        "A 95 % interval, at the 95 % confidence level.",
        "```\nrate = 0.93\n```",
        "The formula $p V - 0.5 c$ and $$0.7 a + 20$$ and `0.3`.",
        "<!-- 12 % --> <td width='10%'>",
    ],
)
def test_numbers_that_nobody_computes_are_let_through(notebook, text):
    assert list(lint.typed_numbers(notebook([prose(text)]))) == []


@pytest.mark.parametrize(
    "text",
    [
        "From <span>&#36;</span>5 to <span>&#36;</span>7.",
        "One \\$5 voucher.\n\nAnother \\$7.",
        "$p V - c$ and $$\\frac{a}{b}$$, `f($x, $y)`.",
        "```\n$5 and $7\n```",
    ],
)
def test_dollars_that_are_safe_or_meant_are_let_through(notebook, text):
    assert list(lint.formulas(notebook([prose(text)]))) == []


def test_names_of_the_prose_are_found_where_they_are(notebook):
    cells = [
        code("import numpy as np\nfrom mllayers.course import check, hint, solution\ntable = {}"),
        prose(
            "`np.sort(table)[0]`, `lambda x: x(1)`, `table.describe()`, `describe()`, `len(table)`, `p >= t`, `audit`."
        ),
        code("table.describe()"),
    ]
    assert list(lint.names_exist(notebook(cells))) == []


def test_what_a_learner_copy_may_do(notebook):
    cells = [code('from mllayers.course import start\nstart("01")'), code('reveal("P1-1", x)\ny = ____')]
    copy = notebook(cells, solved=False, mllayers={"made": "x"})
    assert [list(rule(copy)) for rule in (*lint.BOTH, lint.promised, lint.filled)] == [[]] * (len(lint.BOTH) + 2)
    assert 'write start("0N")' in "".join(lint.start_first(notebook([code('start("01", solved=True)')], solved=False)))


def test_a_translation_is_held_against_its_own_words(tmp_path, monkeypatch):
    module = types.ModuleType("mllayers.course.words_nl")
    module.WORDS = {"Layer": "Laag", "The case": "De zaak", "Correct": "Goed"}
    module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    found = good()
    found[0].source = "# Laag 1 — Gegevens: lijkt de steekproef op de wereld?"
    case = next(cell for cell in found if cell.metadata.mllayers.get("section") == "case")
    case.source = case.source.replace("The case", "De zaak")
    for cell in found:
        cell.source = cell.source.replace("solved=True", 'solved=True, lang="nl"')
        for output in cell.get("outputs", []):
            output.get("data", {}).update({"text/html": "Goed."} if "Correct" in str(output) else {})
    nb = nbformat.from_dict({"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    dutch = lint.Notebook(nb, tmp_path / "solved" / "nl" / "01_data.ipynb")
    assert dutch.language == "nl"
    for rule in (lint.title, lint.sections, lint.exercises, lint.start_first):
        assert list(rule(dutch)) == []
    english = lint.Notebook(nb, tmp_path / "solved" / "01_data.ipynb")
    for rule in (lint.title, lint.sections, lint.exercises, lint.start_first):
        assert list(rule(english)) != []


def test_experiments_may_use_each_other_and_what_they_make(notebook):
    cells = [
        code("import numpy as np\nSEED = 1", "setup-experiment"),
        code("x = 2\nw = 1"),
        code("x = np.sqrt(SEED)\ny = [w for w in range(3)]", "experiment"),
        code("def f(w):\n    x = w\n    return x + y[0]\nf(x)", "experiment"),
    ]
    assert list(lint.experiments(notebook(cells))) == []


FITS = [
    "model.fit(X, orders['_is_fraud'])",
    "y = orders['_kind'] == 'B'\nmodel.fit(X, y)",
    "y = orders.loc[train, '_is_fraud']\nz = y.astype(int)\nmodel.fit(X, z)",
    "orders['y'] = orders['_is_fraud']\nmodel.fit(X, orders['y'])",
    "orders = orders.assign(y=orders['_is_fraud'])\nmodel.fit(X, orders['y'])",
    "y = orders._is_fraud\nmodel.fit(X, y)",
    "target = '_is_fraud'\nmodel.fit(X, orders[target])",
    "known = orders[orders['_kind'] != 'B']\nmodel.fit(known[FEATURES], known['label'])",
    "X, y = orders[FEATURES], orders['_is_fraud']\nmake_pipeline(a, b).fit(X, y)",
    "for y in (orders['_is_fraud'], 1):\n    model.fit(X, y)",
    "def truth(orders):\n    return orders['_is_fraud']\nmodel.fit(X, truth(orders))",
    "def train(X, y):\n    return Model().fit(X, y)\ntrain(X, y=orders['_is_fraud'])",
    "cross_val_predict(model, X, orders['_is_fraud'])",
    "scaler.fit_transform(orders[['amount', '_kind']])",
    "if (y := orders['_is_fraud']).any():\n    model.fit(X, y)",
    "y = labels\ny |= orders['_is_fraud']\nmodel.fit(X, y)",
]


@pytest.mark.parametrize("source", FITS)
def test_a_fit_on_truth_is_found(notebook, source):
    assert len(list(lint.truth(notebook([code(source)])))) == 1
    first, *rest = source.rpartition("\n")[::2]
    if first and not first.endswith(":"):  # over two cells as well
        assert len(list(lint.truth(notebook([code(first, "ground-truth"), code(rest[0])])))) == 1
    assert list(lint.truth(notebook([code(source, "ground-truth")]))) == []


@pytest.mark.parametrize(
    "source",
    [
        "model.fit(orders[FEATURES], orders['label'])",
        "y = orders['_is_fraud']\nroc_auc_score(y, model.fit(X, labels).predict(X))",
        "y = orders['_is_fraud']\ny = orders['label']\nmodel.fit(X, y)",
        "X = orders.drop(columns=['_kind', '_is_fraud'])\nmodel.fit(X, y)",
        "X = orders[[c for c in orders if not c.startswith('_')]]\nmodel.fit(X, y)",
        "orders = orders.assign(truth=orders['_is_fraud'])\nmodel.fit(orders[FEATURES], orders['label'])",
        "orders['truth'] = orders['_is_fraud']\nmodel.fit(orders[FEATURES], orders['label'])",
        "share = orders['_is_fraud'].mean()\nmodel.fit(X, y)",
        "ax.plot(x, label='_nolegend_')",
    ],
)
def test_grading_with_truth_is_let_through(notebook, source):
    assert list(lint.truth(notebook([code(source)]))) == []
