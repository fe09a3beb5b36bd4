"""The notebooks: made as course.md asks, learner copies made from solved ones, and the tools that see to it.

That they run, and that stored outputs are what comes out today, is nbval's part (tests/suite.args).
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import notebook_lint as lint
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from notebook_cells import run_cells

from mllayers.course import learner
from mllayers.course.build import BuildError, build, drift, executed, learner_copy, with_blanks, worked_on
from mllayers.course.exercises import find

ROOT = Path(__file__).parents[1]
SOLVED = sorted(ROOT.glob("notebooks/solved/*.ipynb"))
LEARNER = sorted(ROOT.glob("notebooks/*.ipynb"))
BESIDE = sorted(ROOT.glob("notebooks/solved/teach/*.ipynb"))  # beside the five: rules of their own, two copies as well
COPIES = [*LEARNER, *(ROOT / "notebooks" / "teach" / path.name for path in BESIDE)]


def name(path):
    return path.relative_to(ROOT / "notebooks").with_suffix("").as_posix()


def test_there_are_notebooks_and_each_has_two_copies():
    assert SOLVED
    assert [path.name for path in SOLVED] == [path.name for path in LEARNER]


@pytest.mark.parametrize("rule", lint.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", SOLVED, ids=name)
def test_solved_copy(path, rule):
    assert list(rule(lint.Notebook.read(path))) == [], rule.__doc__


@pytest.mark.parametrize("rule", lint.BESIDE, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", BESIDE, ids=name)
def test_solved_copy_of_what_is_taught_beside_the_five(path, rule):
    assert list(rule(lint.Notebook.read(path))) == [], rule.__doc__


def tracked(path):
    """The text of a learner copy as the course has it, though somebody may have worked in the file."""
    if not worked_on(path):
        return path.read_text(encoding="utf-8")
    asked = ["git", "show", f"HEAD:./{path.name}"]
    done = subprocess.run(asked, cwd=path.parent, capture_output=True, text=True, encoding="utf-8")
    return done.stdout if done.returncode == 0 else path.read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", lint.BOTH, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", COPIES, ids=name)
def test_learner_copy(path, rule):
    assert list(rule(lint.Notebook(nbformat.reads(tracked(path), as_version=4), path))) == [], rule.__doc__


@pytest.mark.parametrize("path", [*SOLVED, *BESIDE], ids=name)
def test_learner_copy_is_what_the_solved_one_makes(path):
    assert drift(path, tracked(ROOT / "notebooks" / path.relative_to(ROOT / "notebooks" / "solved"))) == ""


@pytest.mark.parametrize("path", COPIES, ids=name)
def test_the_solutions_shown_fit_into_the_learner_copy(path):
    """Pasted where the learner works, each makes its check say Correct, and nothing behind it breaks."""
    nb = nbformat.reads(tracked(path), as_version=4)
    solved = {}
    for cell in nb.cells:
        call = re.search(r'^check\("(\S+)", (\w+)', cell.source, re.MULTILINE)
        if call and "exercise" in cell.metadata.tags:
            pasted = f"{find(call[1]).solution}\n{call[2]} = answer\n"
            cell.source = cell.source[: call.start()] + pasted + cell.source[call.start() :]
            solved[call[1]] = cell
    NotebookClient(nb, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    said = {id: cell.outputs[-1].data["text/plain"].partition(".")[0] for id, cell in solved.items()}
    assert said == dict.fromkeys(solved, "Correct")
    assert len(solved) == 5


# --- building -------------------------------------------------------------------------------------------------------


def code(source, *tags, outputs=(), count=None, **told):
    metadata = {"tags": list(tags)} if tags else {}
    if told:
        metadata["mllayers"] = told
    return new_code_cell(source, metadata=metadata, outputs=list(outputs), execution_count=count)


def prose(source, *tags, **told):
    return new_markdown_cell(source, metadata={"tags": list(tags), "mllayers": told})


@pytest.fixture
def solved(tmp_path, monkeypatch):
    """Writes a solved notebook of the given cells below the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "notebooks" / "solved"
    folder.mkdir(parents=True)

    def write(*cells, **metadata):
        nbformat.write(new_notebook(cells=list(cells), metadata=metadata), folder / "01_small.ipynb")
        return Path("notebooks/solved/01_small.ipynb")

    return write


@pytest.mark.parametrize(
    ("source", "names", "expected"),
    [
        ("answer = 1", ["answer"], "answer = ____"),
        ("answer = (\n    1\n    + 2\n)\nx = 3", ["answer"], "answer = ____\nx = 3"),
        ("é = 'ü'; answer = f(a=1)  # why", ["answer"], "é = 'ü'; answer = ____  # why"),
        ("a = b = 2\nb = a == 2", ["b"], "a = b = ____\nb = ____"),
        ("n: int = 3", ["n"], "n: int = ____"),
        ("def f(x):\n    y = x['='] + 1\n    return y", ["y"], "def f(x):\n    y = ____\n    return y"),
        ('answer = """one\ntwo"""\nanswer', ["answer"], "answer = ____\nanswer"),
        ('believe("after", B1="agree", B2=True)', ["B1", "B2"], 'believe("after", B1=____, B2=____)'),
        ('card(\n    "01",\n    audit="é: "\n    "ten",\n)', ["audit"], 'card(\n    "01",\n    audit=____,\n)'),
        ("guess = 40\npredict('P1-1', guess, unit='%')", ["guess"], "guess = ____\npredict('P1-1', guess, unit='%')"),
    ],
)
def test_a_blank_takes_the_whole_right_hand_side(source, names, expected):
    assert with_blanks(source, names) == expected


def test_a_learner_copy_shows_no_answers(solved):
    picture = nbformat.v4.new_output("stream", name="stdout", text="42")
    path = solved(
        prose(
            "# T\n[d](../../datasets/README.md) [next](02_x.ipynb) [me](../01_small.ipynb) [w](https://x.org) [a](#b)"
        ),
        code(
            "answer = 6 * 7\nextra = 1  # solution\ncheck(answer)",
            "exercise",
            outputs=[picture],
            count=1,
            blanks=["answer"],
        ),
        code("good = 1", learner="good = 0  # mend this", claims=["C1.1"]),
        prose("Solved.", learner="Try it."),
        code('start("01", solved=True)\nstart("01", solved=True, lang="de")\nwork(solved=True)'),
        widgets={"state": 1},
        language_info={"name": "python", "version": "3.11.7"},
    )
    before = path.read_bytes()
    made = learner_copy(nbformat.read(path, as_version=4))
    assert [cell.source for cell in made.cells] == [
        "# T\n[d](../datasets/README.md) [next](02_x.ipynb) [me](01_small.ipynb) [w](https://x.org) [a](#b)",
        "answer = ____\ncheck(answer)",
        "good = 0  # mend this",
        "Try it.",
        'start("01")\nstart("01", lang="de")\nwork(solved=True)',
    ]
    assert made.cells[1].outputs == []
    assert made.cells[1].execution_count is None
    assert made.cells[1].metadata == {"tags": ["exercise"]}
    assert made.cells[2].metadata == {"mllayers": {"claims": ["C1.1"]}}
    assert set(made.metadata) == {"kernelspec", "language_info", "mllayers"}
    assert made.metadata.language_info == {"name": "python"}
    assert [cell.id for cell in made.cells] == [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert path.read_bytes() == before


def test_building_twice_changes_nothing_and_drift_is_told(solved, capsys):
    path = solved(code("answer = 1", blanks=["answer"]), prose("Text."))
    copy = Path("notebooks/01_small.ipynb")
    assert build(check=True) == 1
    assert "is missing; run: python -m mllayers build notebooks/solved/01_small.ipynb" in capsys.readouterr().out
    assert build() == 0
    first = copy.read_bytes(), copy.stat().st_mtime_ns
    assert build([path]) == 0
    assert (copy.read_bytes(), copy.stat().st_mtime_ns) == first
    assert build(check=True) == 0
    capsys.readouterr()
    copy.write_text(copy.read_text().replace("Text.", "Edited."))
    edited = copy.read_bytes()
    assert build(check=True) == 1
    assert "differs from its solved copy at cell 1" in (said := capsys.readouterr().out)
    assert "'Edited.' should be 'Text.'" in said
    assert copy.read_bytes() == edited
    assert list(Path("notebooks").glob(".*")) == []


def test_drift_is_found_wherever_it_is(solved):
    path = solved(code("x = 1", "exercise", learner="x = 2"), prose("Text."))
    copy = Path("notebooks/01_small.ipynb")
    build(say=lambda line: None)
    stored = json.loads(copy.read_text())

    def found(change):
        changed = json.loads(json.dumps(stored))
        change(changed)
        copy.write_text(json.dumps(changed))
        return drift(path)

    assert "cell 0" in found(lambda nb: nb["cells"][0].update(execution_count=3))
    assert "tags, metadata or outputs" in found(lambda nb: nb["cells"][0]["metadata"].clear())
    assert "it has 1 cells instead of 2" in found(lambda nb: nb["cells"].pop())
    assert "there it has the id other" in found(lambda nb: nb["cells"][1].update(id="other"))
    assert "layout" in found(lambda nb: None)  # the same notebook, written in another way
    assert drift(path, json.dumps(stored, indent=1, ensure_ascii=False, sort_keys=False) + "\n") == ""
    assert "cell 1, line 1" in re.sub(r" .id \w+.", "", drift(path, json.dumps(stored).replace("Text.", "Texts.")))


def test_a_notebook_that_was_worked_on_is_kept_before_it_is_made_anew(solved, capsys):
    path = solved(code("answer = 1", blanks=["answer"]), prose("Text."))
    copy = Path("notebooks/01_small.ipynb")
    build([path])
    assert not worked_on(copy)
    stored = json.loads(copy.read_text())
    copy.write_text(json.dumps(stored))
    assert not worked_on(copy), "another program stores it in another way"
    build([path])
    assert not learner.home().exists()
    works = [
        lambda nb: nb["cells"][0].update(source="answer = 42"),
        lambda nb: nb["cells"][0].update(execution_count=3),
        lambda nb: nb["cells"].append({**nb["cells"][1], "id": "mine", "source": ["My", " notes."]}),
        lambda nb: nb["metadata"].pop("mllayers"),
    ]
    for n, work in enumerate(works, 1):
        mine = json.loads(json.dumps(stored))
        work(mine)
        copy.write_text(json.dumps(mine))
        assert worked_on(copy)
        assert build([path]) == 0
        kept = learner.home() / f"01_small.kept-{n}.ipynb"
        assert json.loads(kept.read_text()) == mine
        assert f"was worked on; it is kept as {kept}" in capsys.readouterr().out
        assert not worked_on(copy)
        assert drift(path) == ""


def test_the_suite_leaves_a_notebook_alone_that_somebody_works_in(solved, tmp_path):
    """An answered notebook, with an error stored in it, fails nothing and is as it was; the solved one is compared."""
    path = solved(code("from mllayers.course import ____\n1 + 1"), code("answer = 1", blanks=["answer"]))
    build(execute=True, say=lambda line: None)
    copy = tmp_path / "notebooks" / "01_small.ipynb"
    mine = json.loads(copy.read_text())
    wrong = nbformat.v4.new_output("stream", name="stdout", text="oops")
    mine["cells"][0].update(execution_count=7, outputs=[wrong])
    copy.write_text(json.dumps(mine))
    before = copy.read_bytes()
    shutil.copy(ROOT / "conftest.py", tmp_path)
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env", "notebooks"]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert "notebooks/01_small.ipynb: somebody has worked in it; python -m mllayers build keeps" in done.stdout
    assert copy.read_bytes() == before
    assert build([path], say=lambda line: None) == 0
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert "4 passed" in done.stdout


def test_a_notebook_that_cannot_be_kept_is_not_replaced(solved, monkeypatch, tmp_path, capsys):
    path = solved(prose("Text."))
    copy = Path("notebooks/01_small.ipynb")
    copy.write_text("mine")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MLLAYERS_HOME", str(tmp_path / "file" / "home"))
    assert build([path]) == 1
    assert "was worked on and cannot be kept elsewhere" in capsys.readouterr().out
    assert copy.read_text() == "mine"


def test_a_translation_is_built_beside_the_course(solved, tmp_path):
    """A few cells in another language: its own folder, its own words, the same seam."""
    folder = tmp_path / "notebooks" / "solved" / "nl"
    folder.mkdir()
    cells = [
        prose("# Laag 1 — Gegevens: past de steekproef?\n[data](../../../datasets/README.md) [meer](02_x.ipynb)"),
        code('start("01", solved=True, lang="nl")'),
        code("answer = 1", "exercise", blanks=["answer"]),
    ]
    nbformat.write(new_notebook(cells=cells), folder / "01_small.ipynb")
    solved(prose("Text."))
    assert build(say=lambda line: None) == 0
    made = nbformat.read(tmp_path / "notebooks" / "nl" / "01_small.ipynb", as_version=4)
    assert [cell.source for cell in made.cells] == [
        "# Laag 1 — Gegevens: past de steekproef?\n[data](../../datasets/README.md) [meer](02_x.ipynb)",
        'start("01", lang="nl")',
        "answer = ____",
    ]
    assert build(check=True, say=lambda line: None) == 0
    own = learner.own_copy("notebooks/nl/01_small.ipynb")
    assert own == learner.home() / "nl" / "01_small.ipynb"


def test_what_is_taught_beside_the_five_is_built_and_a_played_game_is_left_alone(solved, tmp_path):
    """The capstone has two copies; what has no solved one is neither made, nor missed, nor somebody's work."""
    folder, beside = tmp_path / "notebooks" / "solved" / "teach", tmp_path / "notebooks" / "teach"
    folder.mkdir()
    beside.mkdir()
    played = new_notebook(cells=[code("1 + 1", outputs=[nbformat.v4.new_output("stream", text="2")], count=1)])
    nbformat.write(played, beside / "desk.ipynb")
    before = (beside / "desk.ipynb").read_bytes()
    opening = prose("# Capstone\n\nIt takes **0 minutes** (estimated).", "core", section="question")
    cells = [opening, code('start("capstone", solved=True)'), code("answer = 1", "exercise", blanks=["answer"], work=2)]
    nbformat.write(new_notebook(cells=cells[:1] + cells[2:]), folder / "capstone.ipynb")
    assert build(execute=True, say=lambda line: None) == 0
    written = nbformat.read(folder / "capstone.ipynb", as_version=4)
    assert "**3 minutes** (estimated)" in written.cells[0].source
    assert nbformat.read(beside / "capstone.ipynb", as_version=4).cells[1].source == "answer = ____"
    assert build(check=True, say=lambda line: None) == 0
    assert (beside / "desk.ipynb").read_bytes() == before
    nbformat.write(new_notebook(cells=cells), folder / "capstone.ipynb")
    assert build([folder / "capstone.ipynb"], say=lambda line: None) == 0
    assert nbformat.read(beside / "capstone.ipynb", as_version=4).cells[1].source == 'start("capstone")'
    own = learner.own_copy("notebooks/teach/capstone.ipynb")
    assert own == learner.home() / "teach" / "capstone.ipynb"
    assert learner.own_copy("notebooks/teach/desk.ipynb") == beside / "desk.ipynb"
    assert not (own.parent / "desk.ipynb").exists()


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (code("x = 1", blanks=["answer"]), "blanks names answer, but nothing is assigned to it"),
        (code("%time x", blanks=["x"]), "cell 0 .* invalid syntax"),
        (code("x = 1  # solution"), "all lines are solutions"),
        (code("y = 1\nx = 1  # solution", blanks=["x"]), "both a blank and a # solution"),
    ],
)
def test_a_cell_that_cannot_be_built_is_named(solved, cell, told):
    path = solved(cell)
    with pytest.raises(BuildError, match=told):
        learner_copy(nbformat.read(path, as_version=4))
    assert build(say=lambda line: None) == 1


def test_paths_that_are_no_solved_notebooks_are_refused(solved, tmp_path, capsys):
    assert build() == 2
    assert build(["notebooks/01_small.ipynb"]) == 1
    assert build(["notebooks/solved/01_small.ipynb"]) == 1
    Path("notebooks/solved/02_text.ipynb").write_text("not a notebook")
    assert build(["notebooks/solved/02_text.ipynb"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert "no notebooks in" in said[0]
    assert "give a notebook in a folder named solved" in said[1]
    assert "cannot be read as a notebook" in said[2]
    assert "cannot be read as a notebook" in said[3]
    with pytest.raises(ValueError, match="ask for one"):
        build(check=True, execute=True)


def test_executing_stores_outputs_that_do_not_change_from_run_to_run(solved):
    path = solved(
        code("import os\nfrom pathlib import Path\nPath(os.environ['MLLAYERS_HOME']).is_dir(), Path.cwd().name"),
        code("import ipywidgets\nprint('a', flush=True)\nprint('b')\nipywidgets.IntSlider()"),
        widgets={"state": 1},
    )
    assert build(execute=True, say=lambda line: None) == 0
    nb = nbformat.read(path, as_version=4)
    assert nb.cells[0].outputs[0].data == {"text/plain": "(True, 'solved')"}
    assert [output.output_type for output in nb.cells[1].outputs] == ["stream", "execute_result"]
    assert set(nb.cells[1].outputs[1].data) == {"text/plain"}
    assert [cell.execution_count for cell in nb.cells] == [1, 2]
    assert set(nb.metadata) == {"kernelspec", "language_info"}
    assert executed(path) == path.read_text(encoding="utf-8")


def test_a_notebook_that_stops_stays_as_it_was(solved, capsys):
    path = solved(code("x = 1"), code("x / 0"))
    before = path.read_bytes()
    assert build(execute=True) == 1
    assert "cell 1 (id " in (said := capsys.readouterr().out)
    assert "stopped with ZeroDivisionError: division by zero; the file was left as it was" in said
    assert path.read_bytes() == before
    assert not Path("notebooks/01_small.ipynb").exists()


# --- running --------------------------------------------------------------------------------------------------------


def nbval(folder):
    """Run nbval as the suite does, on the notebooks of a folder."""
    config = str(ROOT / "tests/nbval_sanitize.cfg")
    command = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--nbval",
        "--nbval-current-env",
        "--nbval-sanitize-with",
        config,
    ]
    command += ["."]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=folder, timeout=300)
    return done.stdout


def test_stored_outputs_are_compared_and_only_what_differs_honestly_is_let_through(solved):
    honest = ["object()", "import platform\n'Python ' + platform.python_version() + ' here'", "1 + 1"]
    path = solved(*map(code, honest), code("2 + 2"))
    build(execute=True, say=lambda line: None)
    stored = path.read_text(encoding="utf-8").replace('"4"', '"5"')
    path.write_text(stored.replace("Python 3.", "Python 3.2"), encoding="utf-8")
    assert "1 failed, 3 passed" in nbval(path.parent)


def test_the_suite_compares_strictly():
    """A word of lax anywhere would win over strict, without a sound."""
    told = (ROOT / "tests/suite.args").read_text().split()
    assert {"--nbval", "tests/nbval_sanitize.cfg", "notebooks"} <= set(told)
    assert "--nbval-lax" not in told
    assert "nbval" not in (ROOT / "pyproject.toml").read_text().partition("[tool.pytest")[2].partition("\n[")[0]


def test_experiment_cells_run_alone_under_another_seed(solved, capsys):
    path = solved(
        code("import numpy as np\nfrom IPython.display import display\nSEED = 1", "setup-experiment"),
        code("raise RuntimeError('not an experiment')"),
        code(
            "x = np.random.default_rng(SEED).normal()\nprint(x)\nh = display(x, display_id=True)\nh.update(x)",
            "experiment",
        ),
        code("import matplotlib.pyplot as plt\nplt.plot([x])\nplt.show()", "experiment"),
        code("y = x + 1", "experiment", "oracle"),
        code("z = 1", "oracle"),
    )
    first, again, other = (run_cells(path, seed=seed) for seed in (7, 7, 8))
    assert first["SEED"] == 7
    assert first["x"] == again["x"] != other["x"]
    assert first["y"] == first["x"] + 1
    assert "z" not in first
    assert "z" in run_cells(path, seed=7, tags={"experiment", "oracle"})
    assert capsys.readouterr().out == ""


def test_warnings_of_experiments_are_not_hidden(solved):
    path = solved(code("SEED = 1\nimport warnings\nwarnings.warn('careful', stacklevel=1)", "experiment"))
    with pytest.warns(UserWarning, match="careful"):
        run_cells(path, seed=2)


def test_an_experiment_without_a_seed_is_refused(solved):
    with pytest.raises(ValueError, match="assigns SEED"):
        run_cells(solved(code("x = 1", "experiment")), seed=2)
