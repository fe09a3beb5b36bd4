"""What loading the package costs, and that whatever it loads is declared."""

import ast
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def loaded_by(code):
    """The modules that some code loads, beyond those of a Python that has only just started."""
    script = f"import sys; bare = set(sys.modules)\n{code}\nprint('\\n', *sorted(set(sys.modules) - bare))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(said.stdout.splitlines()[-1].split())


def test_the_package_itself_loads_nothing():
    loaded = loaded_by("import mllayers")
    assert {name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names} == {"mllayers"}
    assert len(loaded) <= 10


def test_the_package_itself_loads_at_once():
    script = "import time; begun = time.perf_counter(); import mllayers; print(time.perf_counter() - begun)"
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in range(5)
    ]
    assert min(float(run.stdout) for run in runs) < 0.05


def test_decisions_need_no_pandas_until_there_is_a_frame():
    loaded = loaded_by("import mllayers.decision")
    assert "mllayers.decision" in loaded
    assert {name.partition(".")[0] for name in loaded} & {"pandas", "scipy", "sklearn", "polars", "pyarrow"} == set()


def test_modules_load_on_first_use():
    loaded = loaded_by("import mllayers as ml; ml.shop")
    assert {"mllayers.shop", "numpy", "pandas"} <= loaded
    assert not loaded & {"sklearn", "matplotlib", "IPython", "ipywidgets", "tqdm"}


def test_decisions_need_no_pandas_until_a_frame_is_made():
    code = (
        "from mllayers.decision import Action, Policy, Tier, Tiers, cost_threshold, within_capacity\n"
        "rule = Tiers(Tier(0, 0.5, 'ship'), Tier(0.5, 1, Action('review', cost=4, owner='desk')))\n"
        "policy = Policy(rule, missing='ship', idle='ship', holdout=0.01)\n"
        "Policy.from_json(policy.to_json()).describe()\n"
        "cost_threshold(cost_fp=[1, 2], cost_fn=3), within_capacity([1, 2], 1)"
    )
    loaded = loaded_by(code)
    assert "mllayers.decision.policy" in loaded
    assert not loaded & {"pandas", "scipy", "sklearn", "polars", "pyarrow", "matplotlib", "mllayers.decision.plan"}


@pytest.mark.parametrize("words", [[], ["doctor", "--help"], ["data", "orders", "--help"]])
def test_the_doors_say_what_they_do_without_loading_anything(words):
    loaded = loaded_by(f"from mllayers.__main__ import main\ntry: main({words})\nexcept SystemExit: pass")
    assert {name.partition(".")[0] for name in loaded} <= {"mllayers", *sys.stdlib_module_names}


def imported(folder):
    """The packages outside the standard library that the modules of a folder import."""
    files = list((ROOT / folder).rglob("*.py"))
    own = {"mllayers", *(path.stem for path in files), *(path.parent.name for path in files)}
    names = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.partition(".")[0])
    return {plain(name) for name in names - own - set(sys.stdlib_module_names)}


def named(*extras):
    """The packages that the core, some extras and the extras named by these declare."""
    needs = [Requirement(line) for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    own = {need.name for need in map(Requirement, PROJECT["dependencies"])}
    inner = {name for need in needs if need.name == "mllayers" for name in named(*need.extras)}
    return own | inner | {need.name for need in needs if need.name != "mllayers"}


def brought(*extras):
    """The packages that are declared, and those that a declared one requires in turn, as they are imported."""
    declared = {plain(name) for name in named(*extras)}
    homes = metadata.packages_distributions()
    installed = {plain(name) for names in homes.values() for name in names}
    further = {plain(name) for home in declared & installed for name in required_by(home)} | declared
    return declared | {plain(module) for module, names in homes.items() if further & set(map(plain, names))}


def required_by(name):
    needs = map(Requirement, metadata.requires(name) or ())
    return [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


def plain(name):
    return name.lower().replace("_", "-")


def test_what_the_package_imports_is_declared():
    assert imported("mllayers") <= brought("course", "engines")


def test_what_the_tests_import_is_declared():
    assert imported("tests") <= brought(*PROJECT["optional-dependencies"])
