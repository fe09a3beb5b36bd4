"""The built wheel, installed far from the checkout: tables, notebooks and doors come along; what is absent is told."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without asking any other machine, from a copy of what a clone would hold."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("mllayers", "datasets", "notebooks"):
        ignored = shutil.ignore_patterns("__pycache__", ".*", "solved")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for path in (*ROOT.glob("LICENSE*"), ROOT / "README.md", ROOT / "pyproject.toml"):
        shutil.copy(path, source)
    command = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "--wheel-dir", folder, source], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("mllayers-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with the wheel in it and everything but the package of the environment that tests run in."""
    folder = tmp_path_factory.mktemp("elsewhere") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # Paths of a .pth file come after the environment's own, and .pth files there (the editable install) are not read.
    (site / "others.pth").write_text("".join(f"{path}\n" for path in sorted(here)), encoding="utf-8")
    return python, site


@pytest.fixture
def run(installed, tmp_path):
    """Run words with the Python of that environment, in a folder of nobody's."""
    python, _ = installed
    kept = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG", "HOME", "OMP_NUM_THREADS")
    clean = {name: os.environ[name] for name in kept if name in os.environ}

    def say(*words, without=(), cwd=tmp_path, **environment):
        if without:
            blocked = f"import sys\nfor name in {list(without)!r}: sys.modules[name] = None\n"
            start = (
                f"import runpy; sys.argv = {['mllayers', *words]!r}; runpy.run_module('mllayers', run_name='__main__')"
            )
            words = ("-c", blocked + start)
        elif words[0] != "-c":
            words = ("-m", "mllayers", *words)
        command = [python, "-P", "-W", "error", *words]
        settings = {**clean, "MLLAYERS_HOME": str(tmp_path / "home"), **environment}
        return subprocess.run(
            command, cwd=cwd, env=settings, capture_output=True, text=True, encoding="utf-8", timeout=120
        )

    return say


def test_the_wheel_holds_one_package_and_no_tests(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == {
        "mllayers",
        next(n for n in names if "dist-info" in n).split("/")[0],
    }
    assert {f"mllayers/tables/{path.name}" for path in (ROOT / "datasets").iterdir()} <= set(names)
    assert {f"mllayers/notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")} <= set(names)
    sources = {p.relative_to(ROOT).as_posix() for p in (ROOT / "mllayers").rglob("*.py")}
    assert sources <= set(names)
    assert "mllayers/py.typed" in names
    assert not [name for name in names if "solved" in name or "test" in name]
    assert wheel.stat().st_size < 4e6


def test_tables_load_where_the_checkout_cannot_be_seen(run, installed):
    code = (
        "import mllayers, sys; from mllayers import datasets; from importlib.resources import files\n"
        "print(mllayers.__file__); print(len(datasets.load_orders(truth=True)), len(datasets.load_leads()))\n"
        "print(datasets.verify(), files('mllayers.tables').joinpath('README.md').is_file())\n"
        "from mllayers.decision import expected_value; print(float(expected_value([0.5], 10.0, 1.0)[0]))\n"
    )
    said = run("-c", code)
    assert said.returncode == 0, said.stderr
    where, sizes, sound, value = said.stdout.splitlines()
    assert Path(where).is_relative_to(installed[1])
    assert (sizes, sound, value) == ("24000 303", "[] True", "4.0")


def test_every_module_loads_there(run):
    code = (
        "import importlib, pkgutil, mllayers\n"
        "for found in pkgutil.walk_packages(mllayers.__path__, 'mllayers.'):\n"
        "    if not found.name.endswith('__main__'): importlib.import_module(found.name)\n"
    )
    said = run("-c", code)
    assert said.returncode == 0, said.stderr


def test_data_is_never_written_into_the_installation(run, installed, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in (installed[1] / "mllayers" / "tables").iterdir()}
    said = run("data")
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert "name a folder (--out FOLDER)" in said.stderr
    assert before == {path: path.stat().st_mtime_ns for path in (installed[1] / "mllayers" / "tables").iterdir()}
    said = run("data", "--out", "mine")
    assert said.returncode == 0, said.stderr
    for path in (installed[1] / "mllayers" / "tables").glob("*.csv"):
        assert (tmp_path / "mine" / path.name).read_bytes() == path.read_bytes()


def test_lab_says_where_the_notebooks_are_to_go(run):
    said = run("lab")
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert "`python -m mllayers lab --to FOLDER`" in said.stderr


def test_lab_copies_the_notebooks_and_keeps_what_is_the_learners(run, tmp_path):
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "02_prediction.ipynb").write_text("mine")
    said = run("lab", "--to", "course", without=["jupyterlab"])
    assert said.returncode == 1
    assert "JupyterLab needs jupyterlab: run `" in said.stderr
    assert 'pip install "mllayers[course]"`' in said.stderr
    wanted = {path.name: path.read_bytes() for path in (ROOT / "notebooks").glob("*.ipynb")}
    found = {path.name: path.read_bytes() for path in (tmp_path / "course").iterdir()}
    assert found == wanted | {"02_prediction.ipynb": b"mine"}
    assert "which is yours" in said.stdout


def test_snippets_come_out_of_the_wheel(run, tmp_path):
    said = run("snippet", "expected_value", "cost_threshold", PYTHONIOENCODING="cp1252")
    assert said.returncode == 0, said.stderr
    compile(said.stdout, "snippet", "exec")


def test_the_doctor_knows_the_wheel(run):
    said = run("doctor", without=["seaborn"])
    assert "the tables in tables/ are as published" in said.stdout or "MEND" in said.stdout, said.stdout + said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize(
    ("module", "missing", "extra"),
    [
        ("mllayers.ledger", "sqlalchemy", "ledger"),
        ("mllayers.loop", "sqlalchemy", "ledger"),
        ("mllayers.figures", "matplotlib", "figures"),
        ("mllayers.widgets", "ipywidgets", "course"),
    ],
)
def test_an_absent_extra_is_answered_by_the_line_that_installs_it(run, module, missing, extra):
    code = f"import sys; sys.modules[{missing!r}] = None\nimport {module}"
    said = run("-c", code)
    last = said.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: ")
    assert f"needs {missing}: run `" in last
    assert f'pip install "mllayers[{extra}]"`' in last


def test_doors_and_notebooks_that_need_the_course_say_how_to_install_it(run):
    said = run("build", without=["nbformat"])
    assert said.returncode == 1
    assert said.stderr.startswith("mllayers build: it needs nbformat: run `")
    assert said.stderr.endswith('pip install "mllayers[course]"`\n')
    said = run(
        "-c", "import sys; sys.modules['packaging'] = None\nfrom mllayers.course import start; print(start('01'))"
    )
    assert "The course needs packaging: run `" in said.stdout


def test_the_layers_do_without_any_extra(run):
    absent = ["sqlalchemy", "matplotlib", "seaborn", "PIL", "tqdm", "packaging", "IPython", "ipywidgets", "nbformat"]
    code = (
        f"import sys\nfor name in {absent}: sys.modules[name] = None\n"
        "from mllayers import action, data, datasets, decision, feedback, prediction, shop\n"
        "from mllayers.__main__ import main\n"
        "assert main(['snippet', 'expected_value']) == 0\n"
        "assert main(['data', 'leads', '--rows', '5', '--out', 'leads.csv']) == 0\n"
    )
    said = run("-c", code)
    assert said.returncode == 0, said.stderr
