"""What leaves the house runs outside it: snippets with their own examples, lift-out cells on another table."""

import ast
import builtins
import doctest
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import nbformat
import pytest
from bare import run_bare

from mllayers.course.snippet import PACKAGE, SnippetError, public_names, snippet

NOTEBOOKS = sorted(Path(__file__).parents[1].glob("notebooks/solved/*.ipynb"))

_RUN_EXAMPLES = """
import doctest
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pandas as pd

alone, together = import_module("alone"), import_module("together")
source = alone if all(hasattr(alone, name) for name in {wanted!r}) else together
names = {{name: getattr(source, name) for name in {wanted!r}}}
house = SimpleNamespace({layer}=SimpleNamespace(**names))
known = {{"np": np, "pd": pd, **names, "ml": house, {layer!r}: house.{layer}}}
failed, tried = doctest.DocTestRunner().run(doctest.DocTestParser().get_doctest({text!r}, known, "examples", None, 0))
raise SystemExit(bool(failed))
"""


def docstrings(code, name):
    """The docstrings of a function, or of a class and its methods."""
    (node,) = (node for node in ast.parse(code).body if getattr(node, "name", None) == name)
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [ast.get_docstring(inner) or "" for inner in ast.walk(node) if isinstance(inner, kinds)]


def examples_outside(full, folder, package=PACKAGE):
    """Run the examples of a public name against its snippet, in a bare process that also has np and pd; what failed."""
    layer, _, name = full.partition(".")
    parser = doctest.DocTestParser()
    examples = [
        example for text in docstrings(snippet(full, folder=package), name) for example in parser.get_examples(text)
    ]
    kept = [example for example in examples if "import" not in example.source or "mllayers" not in example.source]
    if not kept and not is_exception(snippet(full, folder=package), name):
        return f"{full} has no examples"
    said = {
        word
        for example in examples
        for node in ast.walk(ast.parse(example.source))
        for word in (getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "name", None))
    }
    public = [other.removeprefix(f"{layer}.") for other in public_names(package) if other.startswith(f"{layer}.")]
    wanted = [other for other in public if other in said | {name}]
    (folder / "alone.py").write_text(snippet(full, folder=package), encoding="utf-8")
    together = snippet(*(f"{layer}.{other}" for other in wanted), folder=package)
    (folder / "together.py").write_text(together, encoding="utf-8")
    text = "".join(doctest_source(example) for example in kept)
    return run_bare(_RUN_EXAMPLES.format(wanted=wanted, layer=layer, text=text), folder)


def doctest_source(example):
    """An example as it stood in its docstring."""
    first, *more = example.source.rstrip("\n").split("\n")
    want = (
        example.want
        if example.exc_msg is None or example.want
        else f"Traceback (most recent call last):\n{example.exc_msg}"
    )
    return "\n".join([f">>> {first}", *(f"... {line}" for line in more)]) + "\n" + want


def is_exception(code, name):
    """Whether a snippet is a kind of error: its use is shown where it is raised."""
    (node,) = (node for node in ast.parse(code).body if getattr(node, "name", None) == name)
    bases = [getattr(builtins, getattr(base, "id", ""), object) for base in getattr(node, "bases", [])]
    return any(issubclass(base, Exception) for base in bases)


def test_there_is_something_to_lift_out():
    assert public_names()
    assert NOTEBOOKS


@pytest.mark.parametrize("full", public_names())
def test_examples_run_on_the_snippet_alone(full, tmp_path):
    assert examples_outside(full, tmp_path) == ""


def test_every_snippet_is_formatted_and_uses_all_it_imports(tmp_path):
    for full in public_names():
        (tmp_path / f"{full.replace('.', '_')}.py").write_text(snippet(full), encoding="utf-8")
    for command in (["check", "--select", "F,I"], ["format", "--diff"]):
        options = ["--isolated", "--no-cache", "--line-length", "120", "--target-version", "py311"]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *options, "."], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


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
        "from __future__ import annotations",
        "from dataclasses import dataclass",
        "import numpy as np",
        "from numpy.typing import ArrayLike",
        "_LIMIT = 10 ** 9",
        "as_number",
        "describe",
        "HALF = 0.5",
        "Result",
        "half",
        "_scaled",
    ]
    assert "# what is asked of every number\n_LIMIT" in code
    assert "--- results" not in code
    assert snippet("half", folder=house()) == code


def test_imports_of_another_function_are_left_out(house):
    code = snippet("most_common", folder=house())
    assert "import math\nfrom collections import Counter\n" in code
    assert "numpy" not in code


def test_examples_are_run_and_a_wrong_one_is_caught(house, tmp_path):
    assert examples_outside("data.half", tmp_path, house()) == ""
    assert examples_outside("data.Result", tmp_path, house()) == ""
    assert "Expected:\n    7\nGot:\n    6" in examples_outside("data.doubled", tmp_path, house())
    assert "no examples" in examples_outside("data.most_common", tmp_path, house())


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
        ("def f():\n    from mllayers._check import describe\n    return describe(1)", "inside its body"),
        (
            "from mllayers._check import as_number as n\nfrom mllayers._check import as_number\n"
            "def describe():\n    return 1\ndef f():\n    return as_number(describe())",
            "different things by describe",
        ),
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
