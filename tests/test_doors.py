"""The doors: what they print, what they write, and the exit codes that scripts rely on."""

import json
import os
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


@pytest.mark.parametrize(
    "words", [[], ["lab"], ["doctor"], ["data"], ["data", "orders"], ["build"], ["snippet"], ["teach"], ["grade"]]
)
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
        (["data", "leads", "--rows", "5", "--out", "a.xlsx"], "end in .csv or .parquet; got 'a.xlsx'"),
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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["data", "customers", "--rows", "1000000000000", "--out", "a.csv"], "GB of memory and"),
        (["data", "orders", "--per-month", "1000000000000", "--out", "a.csv"], "ask for fewer"),
        (["data", "leads", "--rows", "9" * 30, "--out", "a.csv"], "ask for fewer"),
        (["data", "orders", "--months", "0-1000000000", "--out", "a.csv"], "months must be"),
        (["data", "orders", "--months", "1000000000", "--out", "a.csv"], "months must be"),
        (["data", "--out", "x" * 300], "folder must be one that can be written"),
    ],
)
def test_what_cannot_be_had_is_one_line(words, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call(*words) == 1
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_months_of_any_length_are_read(capsys, tmp_path):
    assert call("data", "orders", "--months", "0-" + "9" * 5_000, "--out", str(tmp_path / "a.csv")) == 2
    assert "such as 0-5; got '0-99" in capsys.readouterr().err


def test_running_out_of_memory_is_one_line(tmp_path, monkeypatch, capsys):
    def greedy(*args, **options):
        raise MemoryError

    monkeypatch.setattr(shop, "make_leads", greedy)
    assert call("data", "leads", "--rows", "9", "--out", str(tmp_path / "a.csv")) == 1
    assert capsys.readouterr().err == "mllayers data: this needs more memory than there is: ask for fewer rows\n"


def test_free_memory_is_known_where_the_system_tells():
    free = doors._free_memory()
    assert (free is not None and free > 1e6) or not Path("/proc/meminfo").exists()


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "pipe.csv", "folder.csv"])
def test_names_that_cannot_be_files_are_told_before_the_work(name, tmp_path, monkeypatch, capsys):
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.csv")
    elif name == "pipe.csv":
        pytest.skip("there are no named pipes here")
    (tmp_path / "folder.csv").mkdir()
    monkeypatch.setattr(shop, "make_leads", lambda *args, **options: pytest.fail("the work began"))
    before = sorted(tmp_path.iterdir())
    assert call("data", "leads", "--rows", "5", "--out", str(tmp_path / name)) == 2
    said = capsys.readouterr().err
    assert "argument --out: FILE must be a file" in said
    assert "Traceback" not in said
    assert sorted(tmp_path.iterdir()) == before


def door(*words, **settings):
    """A door in a process of its own."""
    command = [sys.executable, "-m", "mllayers", *words]
    options = {"capture_output": True, "timeout": 120, "cwd": settings.pop("cwd", None)}
    return subprocess.run(command, env=os.environ | settings, **options)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the folder that one stands in")
def test_a_working_folder_that_is_gone_is_one_line(tmp_path):
    (tmp_path / "gone").mkdir()
    script = (
        f"import os, sys; os.rmdir({str(tmp_path / 'gone')!r}); from mllayers.__main__ import main; main(['doctor'])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path / "gone", capture_output=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == b"mllayers doctor: the folder you are in is no longer there: cd to one that is\n"


def test_a_snippet_is_what_python_reads_whatever_the_code_page(tmp_path):
    with (tmp_path / "f.py").open("wb") as file:
        command = [sys.executable, "-m", "mllayers", "snippet", "worth_acting"]
        done = subprocess.run(command, stdout=file, env=os.environ | {"PYTHONIOENCODING": "cp1252"}, timeout=60)
    assert done.returncode == 0
    text = (tmp_path / "f.py").read_text(encoding="utf-8")
    assert "def worth_acting" in text
    assert not text.isascii()  # otherwise this test shows nothing
    compile(text, "f.py", "exec")


@pytest.mark.parametrize("page", ["ascii", "cp1252", "cp437"])
def test_other_doors_speak_in_any_code_page(page, tmp_path):
    done = door("data", "leads", "--rows", "50", "--out", str(tmp_path / "a.csv"), PYTHONIOENCODING=page)
    assert done.returncode == 0, done.stderr
    done = door("data", "orders", "--months", "99", "--out", str(tmp_path / "a.csv"), PYTHONIOENCODING=page)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"months must be" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_output_that_cannot_be_written_is_one_line():
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "mllayers", "snippet", "worth_acting"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(b"mllayers snippet: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end in another way")
def test_whoever_reads_may_stop_reading():
    command = [sys.executable, "-m", "mllayers", "snippet", "value_of_model"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


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


def test_lab_asks_no_question_about_news(monkeypatch, tmp_path):
    (tmp_path / "a.ipynb").touch()
    found = []

    def main(words):
        own, theirs = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
        found.append((json.loads(Path(own, "labconfig", "page_config.json").read_text()), theirs, own))

    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", SimpleNamespace(main=main))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "theirs")
    assert call("lab", str(tmp_path / "a.ipynb")) == 0
    [(config, theirs, own)] = found
    assert config == {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    assert (theirs, os.environ["JUPYTER_CONFIG_PATH"], Path(own).exists()) == ("theirs", "theirs", False)


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


def test_lab_copies_the_notebooks_and_opens_the_first(opened, tmp_path, capsys):
    assert call("lab", "--to", str(tmp_path / "mine"), "--no-browser") == 0
    copies = {path.name for path in (tmp_path / "mine").iterdir()}
    assert copies == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert f"--ServerApp.root_dir={tmp_path / 'mine'}" in opened
    assert "--LabApp.default_url=/lab/tree/01_data.ipynb" in opened
    assert opened[-1] == "--no-browser"
    (tmp_path / "mine" / "01_data.ipynb").write_text("mine")
    assert call("lab", f"--to={tmp_path / 'mine'}", "03_decision.ipynb") == 0
    assert "--LabApp.default_url=/lab/tree/03_decision.ipynb" in opened
    assert (tmp_path / "mine" / "01_data.ipynb").read_text() == "mine"
    assert capsys.readouterr().out.count("which is yours") == 1


def test_lab_without_notebooks_says_how_to_get_them(opened, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(doors, "ROOT", tmp_path)
    assert call("lab") == 1
    assert "`python -m mllayers lab --to FOLDER` copies them there" in capsys.readouterr().err
    assert call("lab", "--to", str(tmp_path / "x")) == 1
    assert "no notebooks to copy" in capsys.readouterr().err


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


@pytest.mark.skipif(sys.platform == "win32", reason="~name is another folder on Windows")
@pytest.mark.parametrize("home", ["~no-such-person/x", "/proc/x", "/dev/null/x", "x" * 5_000])
def test_doctor_answers_any_learner_folder(home, monkeypatch, capsys):
    monkeypatch.setenv("MLLAYERS_HOME", home)
    monkeypatch.setattr(doctor, "kernel", lambda: doctor.Finding("the kernel is fine"))
    assert call("doctor") == 1
    said = capsys.readouterr()
    assert "MLLAYERS_HOME" in said.out
    assert said.out.splitlines()[-1].startswith("1 to mend")
    assert said.err == ""


def test_doctor_looks_at_the_extras_that_the_course_names(monkeypatch):
    named = [finding.what.split()[0] for finding in doctor.packages()]
    assert {"sqlalchemy", "matplotlib", "seaborn", "pillow", "jupyterlab", "numpy"} <= set(named)
    assert "mllayers" not in named
    assert "pytest" not in named


def test_doctor_mends_the_tables_of_an_installed_package_with_pip(monkeypatch):
    line = "tables/a.csv is missing: run `/env/bin/python -m pip install --force-reinstall --no-deps mllayers==1`"
    monkeypatch.setattr(datasets, "verify", lambda: [line])
    (problem,) = doctor.tables()
    assert problem.what == "tables/a.csv is missing"
    assert problem.mend == "/env/bin/python -m pip install --force-reinstall --no-deps mllayers==1"


def test_doctor_notices_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    problem = doctor.writable(tmp_path / "file" / "inside")
    assert "cannot be written" in problem.what
    assert "MLLAYERS_HOME" in problem.mend


def test_doctor_leaves_nothing_behind(tmp_path):
    assert doctor.writable(tmp_path / "not" / "there").fine
    assert not list(tmp_path.iterdir())
