"""The doors: what they print, what they write, and the exit codes that scripts rely on."""

import json
import subprocess
import sys
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from mllayers import __main__ as doors
from mllayers import datasets, doctor, shop

ROOT = Path(__file__).resolve().parent.parent


def call(*words):
    """The exit code of a door."""
    try:
        return doors.main(words)
    except SystemExit as end:
        return end.code


@pytest.mark.parametrize("words", [[], ["lab"], ["doctor"], ["data"], ["data", "orders"], ["build"], ["snippet"]])
def test_help_reads_well(words, capsys):
    assert call(*words, "--help") == 0
    said = capsys.readouterr().out
    assert said.startswith("usage: python -m mllayers")
    assert "SUPPRESS" not in said
    assert "None" not in said


def test_no_command_shows_the_commands(capsys):
    assert call() == 2
    said = capsys.readouterr().out
    assert all(door in said for door in ("lab", "doctor", "data", "build", "snippet"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["doktor"], "invalid choice: 'doktor'"),
        (["doctor", "--fast"], "unknown: --fast"),
        (["data", "books"], "invalid choice: 'books'"),
        (["data", "orders"], "--out"),
        (["data", "orders", "--months", "five", "--out", "a.csv"], "such as 0-5; got 'five'"),
        (["data", "orders", "--months", "5-0", "--out", "a.csv"], "such as 0-5; got '5-0'"),
        (["data", "customers", "--out", "a.csv"], "--rows"),
        (["data", "customers", "--rows", "4.5", "--out", "a.csv"], "argument --rows: invalid int value: '4.5'"),
        (["data", "leads", "--rows", "5", "--out", "a.xlsx"], "ends in .csv or .parquet; got 'a.xlsx'"),
        (["data", "leads", "--rows", "5", "--out", "nowhere/a.csv"], "folder that exists and can be written; got"),
        (["data", "leads", "--rows", "5", "--seed", "x", "--out", "a.csv"], "argument --seed"),
        (["build", "--check", "--execute"], "not allowed with"),
        (["snippet", "decision.nothing"], "decision.nothing"),
        (["snippet"], "NAME"),
        (["lab", "a.ipynb", "b.ipynb"], "got a.ipynb b.ipynb"),
    ],
)
def test_wrong_usage_is_told(words, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call(*words) == 2
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["data", "orders", "--months", "3-99", "--out", "a.csv"], "months must be ≥ 0 and ≤ 17; got 18"),
        (["data", "orders", "--per-month", "-5", "--out", "a.csv"], "per_month must be"),
        (["data", "customers", "--rows", "-4", "--out", "a.csv"], "got -4"),
        (["data", "pilot", "--rows", "9", "--month", "-1", "--out", "a.csv"], "month must be"),
        (["data", "--out", "file/inside"], "file"),
        (["lab", "missing.ipynb"], "missing.ipynb"),
    ],
)
def test_bad_values_are_one_line(words, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert call(*words) == 1
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_codes_reach_the_shell():
    command = [sys.executable, "-m", "mllayers", "data", "leads", "--rows", "0", "--out", "a.csv"]
    said = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert said.returncode == 1
    assert said.stderr.startswith("mllayers data: ")
    assert said.stderr.count("\n") == 1


# data


def test_data_writes_the_published_tables(tmp_path, capsys):
    assert call("data", "--out", str(tmp_path / "new")) == 0
    assert datasets.verify(tmp_path / "new") == []
    assert "orders_truth.csv" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_data_makes_a_table_of_any_size(ending, tmp_path, capsys):
    path = tmp_path / f"orders.{ending}"
    assert call("data", "orders", "--per-month", "300", "--months", "2-4", "--seed", "7", "--out", str(path)) == 0
    made = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    wanted = shop.make_orders([2, 3, 4], per_month=300, seed=7)
    assert list(made) == list(wanted)
    assert len(made) == 900
    assert (made["amount_usd"].to_numpy() == wanted["amount_usd"].to_numpy()).all()
    assert "900 rows" in capsys.readouterr().out


@pytest.mark.parametrize("table", ["customers", "pilot", "leads"])
def test_data_makes_the_other_tables(table, tmp_path):
    assert call("data", table, "--rows", "50", "--out", str(tmp_path / "t.csv")) == 0
    assert len(pd.read_csv(tmp_path / "t.csv")) == 50


def test_an_interrupted_run_leaves_no_file(tmp_path, monkeypatch, capsys):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", interrupted)
    assert call("data", "leads", "--rows", "50", "--out", str(tmp_path / "t.csv")) == 130
    assert "stopped" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_progress_counts_rows(tmp_path, monkeypatch):
    told = []

    @contextmanager
    def bar(what):
        yield lambda done, total: told.append((what, done, total))

    monkeypatch.setattr(doors, "_bar", bar)
    assert call("data", "orders", "--per-month", "30", "--months", "0-1", "--out", str(tmp_path / "t.csv")) == 0
    assert told == [("orders", 30, 60), ("orders", 60, 60), ("writing", 60, 60)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without telling it")
def test_a_run_that_is_ended_leaves_no_file(tmp_path):
    script = (
        "import os, signal, pandas as pd; pd.DataFrame.to_csv = lambda *a, **k: os.kill(os.getpid(), signal.SIGTERM)"
    )
    words = ["mllayers", "data", "leads", "--rows", "5", "--out", str(tmp_path / "t.csv")]
    script += f"; import runpy, sys; sys.argv = {words}; runpy.run_module('mllayers', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 130, done.stderr
    assert "stopped" in done.stderr
    assert not list(tmp_path.iterdir())


# lab


@pytest.fixture
def opened(monkeypatch):
    """What JupyterLab would have been started with."""
    words = []
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", SimpleNamespace(main=words.extend))
    return words


def test_lab_opens_a_notebook_and_passes_flags_on(opened, tmp_path):
    notebook = tmp_path / "my own.ipynb"
    notebook.touch()
    assert call("lab", "--no-browser", "--port", "8899", str(notebook)) == 0
    assert opened[-3:] == ["--no-browser", "--port", "8899"]
    assert "--LabApp.default_url=/lab/tree/my%20own.ipynb" in opened
    assert f"--ServerApp.root_dir={tmp_path}" in opened


def test_lab_opens_the_first_notebook_of_the_project(opened, monkeypatch, tmp_path):
    (tmp_path / "notebooks").mkdir()
    first = tmp_path / "notebooks" / "01_data.ipynb"
    first.touch()
    monkeypatch.setattr(doors, "ROOT", tmp_path)
    assert call("lab") == 0
    assert "--LabApp.default_url=/lab/tree/notebooks/01_data.ipynb" in opened
    assert f"--ServerApp.root_dir={tmp_path}" in opened


def test_lab_without_jupyterlab_says_what_to_do(monkeypatch, tmp_path, capsys):
    (tmp_path / "a.ipynb").touch()
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    assert call("lab", str(tmp_path / "a.ipynb")) == 1
    assert "jupyterlab" in capsys.readouterr().err


# doctor


def test_doctor_finds_this_machine_sound(capsys):
    assert call("doctor") == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "All is well."
    for thing in ("Python", "pandas", "jupyterlab", "kernel", "widgets", "datasets", "folder"):
        assert thing in said


def test_doctor_counts_problems_and_prints_the_line_that_mends(monkeypatch, capsys):
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: {"pandas": "1.5.3"}.get(name) or real(name))
    assert call("doctor") == 1
    said = capsys.readouterr().out
    assert "pandas is 1.5.3; the course needs pandas>=2.2.2" in said
    assert f'-m pip install -c "{ROOT / "constraints.txt"}" -e "{ROOT}[course]"' in said
    assert said.splitlines()[-1].startswith("1 to mend")
    assert "the kernel" not in said  # looked at when the packages are there


def test_doctor_names_a_missing_package(monkeypatch):
    real = metadata.version

    def version(name):
        if name == "seaborn":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    (problem,) = [finding for finding in doctor.packages() if not finding.fine]
    assert problem.what.startswith("seaborn is missing")
    assert "pip install" in problem.mend


def test_doctor_works_where_packaging_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    (problem,) = doctor.packages()
    assert "packaging is missing" in problem.what


def test_doctor_refuses_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    (problem,) = doctor.python()
    assert "needs 3.11 or newer" in problem.what
    assert "install Python" in problem.mend


def test_doctor_knows_a_package_that_is_not_installed(monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", nothing)
    monkeypatch.setattr(metadata, "requires", nothing)
    (problem,) = doctor.python()
    assert "not installed" in problem.what
    assert "pip install" in problem.mend
    assert not list(doctor.packages())


START = "from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"


@pytest.fixture
def kernel_of(tmp_path, monkeypatch):
    """Make the notebooks' kernel one that starts the given command."""

    def make(*command):
        folder = tmp_path / "share" / "kernels" / "python3"
        folder.mkdir(parents=True)
        spec = {"argv": [*command, "-f", "{connection_file}"], "display_name": "x", "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec))
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))

    return make


def test_doctor_notices_a_kernel_of_another_python(kernel_of):
    kernel_of(sys.executable, "-c", f"import sys; sys.prefix = '/elsewhere'; {START}")
    problem = doctor.kernel()
    assert problem.what == "the kernel python3 runs another Python, at /elsewhere"
    assert "ipykernel install --sys-prefix" in problem.mend


def test_doctor_notices_a_kernel_that_cannot_start(kernel_of):
    kernel_of(sys.executable, "-c", "raise SystemExit(3)")
    assert "does not start" in doctor.kernel().what


def test_doctor_notices_a_kernel_without_the_package(kernel_of):
    bare = (
        "import sys; sys.modules['mllayers'] = None; from ipykernel.kernelapp import launch_new_instance as run; run()"
    )
    kernel_of(sys.executable, "-c", bare)
    assert doctor.kernel().what == "the kernel python3 cannot import mllayers"


def test_doctor_notices_a_missing_widget_front_end(monkeypatch):
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: ["/nowhere"])
    problem = doctor.widgets()
    assert "cannot show widgets" in problem.what
    assert "jupyterlab_widgets" in problem.mend


def test_doctor_notices_an_altered_table(monkeypatch):
    monkeypatch.setattr(datasets, "verify", lambda: ["datasets/orders.csv is not as published"])
    (problem,) = doctor.tables()
    assert problem.mend.endswith("-m mllayers data")


def test_doctor_notices_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    problem = doctor.writable(tmp_path / "file" / "inside")
    assert "cannot be written" in problem.what
    assert "MLLAYERS_HOME" in problem.mend


def test_doctor_leaves_nothing_behind(tmp_path):
    assert doctor.writable(tmp_path / "not" / "there").fine
    assert not list(tmp_path.iterdir())
