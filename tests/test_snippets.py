"""What leaves the house runs outside it: snippets with their own examples, lift-out cells on another table."""

import ast
import doctest
import inspect
import json
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import nbformat
import pytest
from bare import run_bare

from mllayers.course.snippet import PACKAGE, STAYS, SnippetError, files, public_names, snippet, too_large

NOTEBOOKS = sorted(Path(__file__).parents[1].glob("notebooks/solved/*.ipynb"))
FUNCTIONS = (ast.FunctionDef, ast.ClassDef)
PASTED = [name for name in public_names() if not too_large(name)]
LARGE = [name for name in public_names() if too_large(name)]
LAYERS = sorted({name.partition(".")[0] for name in PASTED})

# Run the examples of every snippet against the text that stands beside them, without mllayers.
_RUN_EXAMPLES = """
import doctest, json, sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd

failed = 0
for n, (text, wanted, layer, examples) in enumerate(json.loads(Path("examples.json").read_text(encoding="utf-8"))):
    if n == 0 or text:
        module = ModuleType(f"pasted_{n}")
        sys.modules[module.__name__] = module
        exec(compile(text, module.__name__, "exec"), module.__dict__)
    house = SimpleNamespace(**{name: getattr(module, name) for name in wanted})
    known = {"np": np, "pd": pd, **vars(house), "ml": SimpleNamespace(**{layer: house}), layer: house}
    test = doctest.DocTestParser().get_doctest(examples, known, f"{layer}.{wanted}", None, 0)
    failed += doctest.DocTestRunner().run(test)[0]
raise SystemExit(bool(failed))
"""


def docstrings(code, name):
    """The docstrings of a function, or of a class and its methods."""
    (node,) = (node for node in ast.parse(code).body if getattr(node, "name", None) == name)
    return [ast.get_docstring(inner) or "" for inner in ast.walk(node) if isinstance(inner, FUNCTIONS)]


@cache
def examples_of(full, package=PACKAGE):
    """The examples of a public name that need nothing but its layer, and the names of its layer that they use."""
    layer, _, name = full.partition(".")
    found = [
        example
        for text in docstrings(snippet(full, folder=package), name)
        for example in doctest.DocTestParser().get_examples(text)
    ]
    said = {
        word
        for example in found
        for node in ast.walk(ast.parse(example.source))
        for word in (getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "name", None))
    }
    kept = [example for example in found if "import" not in example.source or "mllayers" not in example.source]
    mine = [
        other
        for other in public_names(package)
        if other.startswith(f"{layer}.") and not too_large(other, folder=package)
    ]
    wanted = [other.removeprefix(f"{layer}.") for other in mine]
    return "".join(map(doctest_source, kept)), [other for other in wanted if other in said | {name}]


def run_examples(parts, folder):
    """Run (text, wanted names, layer, examples) in a bare process; what failed."""
    (folder / "examples.json").write_text(json.dumps(parts), encoding="utf-8")
    return run_bare(_RUN_EXAMPLES, folder)


def alone(full, package=PACKAGE):
    """A snippet with its examples, and with whatever else of its layer these use."""
    layer = full.partition(".")[0]
    examples, wanted = examples_of(full, package)
    return snippet(*(f"{layer}.{other}" for other in wanted), folder=package), wanted, layer, examples


def doctest_source(example):
    """An example as it stood in its docstring."""
    first, *more = example.source.rstrip("\n").split("\n")
    want = (
        example.want
        if example.exc_msg is None or example.want
        else f"Traceback (most recent call last):\n{example.exc_msg}"
    )
    return "\n".join([f">>> {first}", *(f"... {line}" for line in more)]) + "\n" + want


def test_there_is_something_to_lift_out():
    assert len(PASTED) > 20
    assert NOTEBOOKS


@pytest.mark.parametrize("layer", LAYERS)
def test_examples_run_on_the_snippet_alone(layer, tmp_path):
    parts = [alone(full) for full in PASTED if full.startswith(f"{layer}.")]
    assert any(examples for *_, examples in parts)
    assert run_examples(parts, tmp_path) == ""


def statements(code):
    """What a snippet binds, name by name; types, which are quoted where they come too early, do not count."""
    found = {}
    for node in ast.parse(code).body:
        for inner in ast.walk(node):
            if isinstance(inner, (ast.arg, ast.AnnAssign)):
                inner.annotation = ast.Constant(0)
            elif isinstance(inner, ast.FunctionDef):
                inner.returns = None
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            origin = getattr(node, "module", "")
            found |= {a.asname or a.name.partition(".")[0]: f"{origin} {a.name}" for a in node.names}
        elif isinstance(node, FUNCTIONS):
            found[node.name] = ast.dump(node)
        elif isinstance(node, ast.Assign):
            found |= {leaf.id: ast.dump(node) for leaf in ast.walk(node.targets[0]) if isinstance(leaf, ast.Name)}
        else:
            raise AssertionError(f"a snippet has a statement of another kind: {ast.unparse(node)[:80]}")
    return found


@pytest.mark.parametrize("bare", [False, True], ids=["plain", "bare"])
def test_any_two_snippets_fit_in_one_file(bare):
    """In both, every name means the same: so the second changes nothing that the first has defined."""
    bound = {full: statements(snippet(full, bare=bare)) for full in PASTED}
    pairs = [(one, two) for one in PASTED for two in PASTED if one < two]
    clashes = [
        (one, two, name)
        for one, two in pairs
        for name, what in bound[one].items()
        if bound[two].get(name, what) != what
    ]
    assert clashes == []
    assert len(pairs) > 300


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_all_snippets_work_in_one_file(backwards, tmp_path):
    order = PASTED[::-1] if backwards else PASTED
    parts = [("", *alone(full)[1:]) for full in order]
    text = "\n\n".join(snippet(full) for full in order)
    assert run_examples([(text, *parts[0][1:]), *parts[1:]], tmp_path) == ""


def test_helpers_do_not_litter_a_namespace():
    public = {name.partition(".")[2] for name in public_names()}
    for full in PASTED:
        loose = {getattr(node, "name", "_") for node in ast.parse(snippet(full)).body if isinstance(node, FUNCTIONS)}
        assert {name for name in loose if not name.startswith("_")} <= public, full


def test_every_snippet_uses_all_it_imports_and_fits_the_page(tmp_path):
    for full in PASTED:
        for bare in (False, True):
            (tmp_path / f"{full.replace('.', '_')}_{bare}.py").write_text(snippet(full, bare=bare), encoding="utf-8")
    options = ["--isolated", "--no-cache", "--line-length", "150", "--target-version", "py311"]  # underscores take room
    command = [sys.executable, "-m", "ruff", "check", "--select", "F,I,E501", *options, "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# bare


def calls(full):
    """The examples of a function, as statements to run and expressions to compare; refusals are left out."""
    layer, _, name = full.partition(".")
    thing = getattr(import_module(f"mllayers.{layer}"), name)
    found = doctest.DocTestParser().get_examples(inspect.getdoc(thing) or "")
    return [example for example in found if example.exc_msg is None]


def same(one, two):
    """Whether two results hold the same: numbers to the last digit, tables and arrays entry by entry."""
    import numpy as np
    import pandas as pd

    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, field), getattr(two, field)) for field in one.__dataclass_fields__)
    if isinstance(one, (pd.DataFrame, pd.Series, pd.Index)):
        return one.equals(two)
    if isinstance(one, np.random.Generator):
        return True
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, (tuple, list)):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, np.ndarray) and one.dtype.kind not in "biuf":
        return np.array_equal(one, two)
    if isinstance(one, (float, int, np.ndarray, np.generic)):
        return np.array_equal(np.asarray(one, dtype=float), np.asarray(two, dtype=float), equal_nan=True)
    return one == two or repr(one) == repr(two)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("full", [name for name in PASTED if name.partition(".")[2].islower()])
def test_bare_formulas_give_the_same_numbers(full):
    """Every example is run twice: with the function of the package, and with the bare one in its place."""
    import numpy as np
    import pandas as pd

    layer, _, name = full.partition(".")
    home = import_module(f"mllayers.{layer}")
    worlds = []
    for text in ("", snippet(full, bare=True)):
        names = {"np": np, "pd": pd, **{other: getattr(home, other) for other in home.__all__}}
        pasted = type(sys)(f"bare_{name}")
        sys.modules[pasted.__name__] = pasted
        exec(compile(text, pasted.__name__, "exec"), pasted.__dict__)
        for other, thing in vars(pasted).items():
            if hasattr(thing, "__dataclass_fields__") and hasattr(getattr(home, other, None), "frame"):
                thing.frame, thing.to_dict = getattr(home, other).frame, getattr(home, other).to_dict
        worlds.append(names | ({name: getattr(pasted, name)} if text else {}))
    compared = 0
    for example in calls(full):
        nodes = ast.parse(example.source).body
        shown = nodes.pop() if isinstance(nodes[-1], ast.Expr) and "print" not in example.source else None
        values = []
        for world in worlds:
            exec(compile(ast.Module(nodes, []), full, "exec"), world)
            if shown is not None:
                values.append(eval(compile(ast.Expression(shown.value), full, "eval"), world))
        if shown is not None and not (isinstance(values[0], str) or hasattr(values[0], "to_html")):
            compared += 1
            assert same(*values), f"{example.source}{values[0]!r}\n{values[1]!r}"
    stored = [
        key
        for key, value in worlds[0].items()
        if key in worlds[1] and not callable(value) and not key.startswith("__") and key not in ("np", "pd")
    ]
    for key in stored:
        if not hasattr(worlds[0][key], "__spec__") and key not in vars(home):
            compared += 1
            assert same(worlds[0][key], worlds[1][key]), key
    assert compared, f"{full} has no example to compare"


def test_bare_formulas_are_short():
    lines = {full: len(snippet(full, bare=True).splitlines()) for full in PASTED}
    assert lines["decision.expected_value"] <= 20
    assert lines["action.worth_acting"] <= 16
    assert all(lines[full] < len(snippet(full).splitlines()) for full in PASTED)
    assert not any("raise " in snippet(full, bare=True) for full in ("action.worth_acting", "data.audit_sample"))


# whole files


@pytest.mark.parametrize("full", LARGE)
def test_a_large_class_is_taken_as_files(full, tmp_path):
    name = full.partition(".")[2]
    with pytest.raises(SnippetError, match=rf"Take these files: mllayers/.*snippet {full} --to FOLDER"):
        snippet(full)
    written = files(full, to=tmp_path / "taken")
    assert all(path.is_file() for path in written)
    assert run_bare(f"from taken import {name}\nassert {name}.__module__.startswith('taken.')", tmp_path) == ""
    assert all(" from mllayers " in path.read_text(encoding="utf-8").partition("\n")[0] for path in written)
    assert files(full, to=tmp_path / "taken") == written  # again, for a newer version


def test_files_of_others_are_not_written_over(tmp_path):
    (tmp_path / "_check.py").write_text("mine = 1\n")
    with pytest.raises(SnippetError, match="is there already and did not come from mllayers"):
        files("expected_value", to=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["_check.py"]


def test_what_stays_says_why():
    assert STAYS
    for full, why in STAYS.items():
        with pytest.raises(SnippetError, match=why):
            snippet(full)


def lift_outs():
    for path in NOTEBOOKS:
        for n, cell in enumerate(nbformat.read(path, as_version=4).cells):
            if "lift-out" in cell.metadata.get("tags", ()):
                yield pytest.param(cell, id=f"{path.stem}-cell{n}")


def run_lift_out(cell, folder):
    code = cell.metadata.get("mllayers", {}).get("try", "")
    tree = ast.parse(code)
    if not tree.body or not isinstance(tree.body[-1], ast.Assert):
        return "the lift-out cell needs mllayers.try: code that makes another table, calls it, and ends with an assert"
    return run_bare(f"{cell.source}\n\n{code}", folder)


@pytest.mark.parametrize("cell", list(lift_outs()))
def test_lift_out_cells_run_elsewhere(cell, tmp_path):
    assert run_lift_out(cell, tmp_path) == ""


# --- the tools themselves, on a small house -------------------------------------------------------------------------

CHECK = '''
    """Checks."""

    import numpy as np
    import pandas as pd

    # what is asked of every number
    _LIMIT = 10**9


    def as_number(x: object, name: str) -> float:
        if abs(float(x)) > _LIMIT:
            raise ValueError(f"{name} is too large; got {describe(x)}")
        return float(np.float64(x))


    def as_frame(x: object) -> pd.DataFrame:
        return pd.DataFrame(x)


    def describe(x):
        return repr(x)
'''

DATA = '''
    """Layer."""

    from __future__ import annotations

    import math
    from collections import Counter, OrderedDict
    from dataclasses import dataclass
    from typing import TYPE_CHECKING

    import numpy as np

    from mllayers._check import as_frame, as_number

    if TYPE_CHECKING:
        from numpy.typing import ArrayLike

    __all__ = ["Result", "half", "doubled", "most_common"]

    HALF = 0.5
    THIRD = 1 / 3


    # --- results -----


    @dataclass(frozen=True)
    class Result:
        """What came out.

        Examples
        --------
        >>> from mllayers.data import half
        >>> half(4)
        Result(value=2.0)
        """

        value: float


    def half(x: ArrayLike) -> Result:
        """Half of it.

        Examples
        --------
        >>> half(3).value
        1.5
        >>> half(10**10)
        Traceback (most recent call last):
        ValueError: x is too large; got 10000000000
        """
        as_frame = as_number(x, "x")  # a local name that a helper has too
        return Result(_scaled(as_frame, HALF))


    def doubled(x):
        """Twice.

        Examples
        --------
        >>> doubled(3)
        7
        """
        return 2 * x


    def most_common(x):
        """Names it."""
        return Counter(x).most_common(1)[0][0], math.pi


    def _scaled(x: float, by: float) -> float:
        return float(np.multiply(x, by))
'''


@pytest.fixture
def house(tmp_path):
    folder = tmp_path / "house"
    folder.mkdir()

    def make(**modules):
        for name, code in modules.items():
            (folder / f"{name}.py").write_text(dedent(code).lstrip(), encoding="utf-8")
        return folder

    make(_check=CHECK, data=DATA)
    return make


def test_a_snippet_holds_what_is_used_and_nothing_else(house):
    code = snippet("data.half", folder=house())
    assert code.startswith("# data.half from mllayers ")
    names = [getattr(node, "name", None) or ast.unparse(node) for node in ast.parse(code).body]
    assert names == [
        "from dataclasses import dataclass",
        "import numpy as np",
        "from numpy.typing import ArrayLike",
        "_LIMIT = 10 ** 9",
        "_as_number",
        "_describe",
        "_HALF = 0.5",
        "Result",
        "half",
        "_scaled",
    ]
    assert "# what is asked of every number\n_LIMIT" in code
    assert "got {_describe(x)}" in code
    assert 'as_frame = _as_number(x, "x")  # a local name' in code
    assert "return Result(_scaled(as_frame, _HALF))" in code
    assert "--- results" not in code
    assert snippet("half", folder=house()) == code


def test_imports_of_another_function_are_left_out(house):
    code = snippet("most_common", folder=house())
    assert "import math\nfrom collections import Counter\n" in code
    assert "numpy" not in code


def test_examples_are_run_and_a_wrong_one_is_caught(house, tmp_path):
    assert run_examples([alone("data.half", house()), alone("data.Result", house())], tmp_path) == ""
    assert "Expected:\n    7\nGot:\n    6" in run_examples([alone("data.doubled", house())], tmp_path)


def test_a_bare_process_has_no_mllayers(tmp_path):
    assert "mllayers is not installed here" in run_bare("import mllayers", tmp_path)
    assert run_bare("import json", tmp_path) == ""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("halve", "did you mean .*half"),
        ("data.doubledd", "did you mean data.doubled"),
        ("_scaled", "no layer has a public"),
        ("act", "stays in the package: it writes to the ledger"),
        ("action.act", "stays in the package"),
        ("", "there are data.Result, data.half"),
    ],
)
def test_an_unknown_name_is_answered_in_words(house, name, told):
    with pytest.raises(SnippetError, match=told):
        snippet(name, folder=house())


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def f():\n    return undefined_thing", "uses undefined_thing, which nothing"),
        ("from mllayers import _check\ndef f():\n    return _check.describe(1)", "import _check by name"),
        ("import mllayers._check as c\ndef f():\n    return c.describe(1)", "import c by name"),
        ("def f():\n    import mllayers._check\n    return mllayers._check.describe(1)", "inside its body"),
        ("def f():\n    from mllayers import _check\n    return _check.describe(1)", "import _check by name"),
        ("TABLE = {}\nfor n in range(3):\n    TABLE[n] = n\ndef f():\n    return TABLE", "changes TABLE after"),
    ],
)
def test_code_that_cannot_leave_is_refused(house, code, told):
    with pytest.raises(SnippetError, match=told):
        snippet("prediction.f", folder=house(prediction=code))


def test_a_name_in_two_layers_needs_its_layer(house):
    folder = house(action="def half():\n    return 1")
    with pytest.raises(SnippetError, match=r"ask for data\.half or action\.half"):
        snippet("half", folder=folder)
    assert "return 1" in snippet("action.half", folder=folder)


def test_lift_out_cells_are_really_run(tmp_path):
    def cell(source, code):
        return nbformat.v4.new_code_cell(source, metadata={"tags": ["lift-out"], "mllayers": {"try": code}})

    assert run_lift_out(cell("def f(x):\n    return x + 1", "assert f(1) == 2"), tmp_path) == ""
    assert "AssertionError" in run_lift_out(cell("def f(x):\n    return x", "assert f(1) == 2"), tmp_path)
    assert "mllayers is not installed" in run_lift_out(cell("import mllayers", "assert True"), tmp_path)
    assert "ends with an assert" in run_lift_out(cell("x = 1", "print(x)"), tmp_path)
