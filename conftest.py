"""For every test, example and notebook kernel started from here: one thread each, and a learner's folder of nobody.

The suite runs in as many processes as there are cores (``-n logical --dist loadfile``: the tests of a file stay
together, and so do the cells of a notebook). Files that take long begin first, so that no core waits for the last one.
``--measure`` shows at the end which lines and branches of the package were reached, in all these processes.
"""

import atexit
import io
import os
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"


def _folder(prefix):
    """A folder that is gone when this process is (processes of the suite are ended, so nothing less will do)."""
    name = tempfile.mkdtemp(prefix=prefix)
    atexit.register(shutil.rmtree, name, ignore_errors=True)
    return name


HOME = _folder("mllayers-home-")
os.environ["MLLAYERS_HOME"] = HOME

ROOT = Path(__file__).parent
# The longest first, as the end of a run lists them ("slowest files"); the rest follows in its own order.
SLOWEST = (
    "tests/test_claims.py",
    "notebooks/solved/02_prediction.ipynb",
    "notebooks/solved/05_feedback.ipynb",
    "notebooks/solved/01_data.ipynb",
    "notebooks/solved/04_action.ipynb",
    "notebooks/solved/03_decision.ipynb",
    "tests/test_notebooks.py",
    "tests/test_loop.py",
    "tests/test_exercises.py",
    "tests/test_snippets.py",
    "tests/test_act.py",
    "tests/test_stats.py",
    "tests/test_ledger.py",
    "tests/test_ledger_place.py",
    "tests/test_shop.py",
    "tests/test_engines.py",
    "tests/test_wheel.py",
    "tests/test_doors.py",
    "notebooks/02_prediction.ipynb",
    "notebooks/05_feedback.ipynb",
    "notebooks/01_data.ipynb",
    "notebooks/04_action.ipynb",
    "notebooks/03_decision.ipynb",
)
# Why some tests are not among those that `make test` runs.
NEEDS = {
    "browser": "make test-browser, test-site and test-lite run them (Chromium)",
    "cluster": "make test-all runs them (Dask; Java for PySpark)",
    "postgres": "make test-all runs them (PostgreSQL)",
}
_LEFT_OUT = pytest.StashKey[dict]()
_FOLDERS = pytest.StashKey[dict]()
_COVERAGE = pytest.StashKey[object]()
_SECONDS = defaultdict(float)


def _somebody_worked_in(path):
    """Whether a learner copy in `notebooks` holds somebody's work: then it is theirs, and the suite leaves it alone."""
    if path.suffix != ".ipynb" or not path.is_relative_to(ROOT / "notebooks"):
        return False
    if not (ROOT / "notebooks" / "solved" / path.relative_to(ROOT / "notebooks")).is_file():  # none is made from it
        return False
    from mllayers.course.build import worked_on

    return worked_on(path)


def pytest_ignore_collect(collection_path):
    """A notebook that somebody has worked in is not executed (test_notebooks looks at the committed one)."""
    return True if _somebody_worked_in(collection_path) else None


def pytest_addoption(parser):
    """The option of `make test` that measures coverage."""
    parser.addoption("--measure", action="store_true", help="show which lines and branches of mllayers are reached")


def _is_worker(config):
    return hasattr(config, "workerinput")


def _is_boss(config):
    """Whether other processes run the tests."""
    return not _is_worker(config) and bool(getattr(config.option, "numprocesses", None))


def pytest_configure(config):
    """Begin to measure, before the package is loaded."""
    if config.getoption("--measure") and not _is_boss(config):
        import coverage

        folder = config.workerinput["measured"] if _is_worker(config) else _measured(config)
        data = Path(folder, "worker")
        config.stash[_COVERAGE] = coverage.Coverage(
            data_file=str(data), data_suffix=True, config_file=str(ROOT / "pyproject.toml")
        )
        config.stash[_COVERAGE].start()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Tell each process where to leave what it measured."""
    node.workerinput["measured"] = _measured(node.config)


def _measured(config):
    folders = config.stash.setdefault(_FOLDERS, {})
    if "measured" not in folders:
        folders["measured"] = _folder("coverage-")
    return folders["measured"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The longest files first."""
    place = {name: n for n, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Each notebook gets a learner's folder of its own, so that it runs as it does for a new learner."""
    os.environ["MLLAYERS_HOME"] = HOME
    if item.path.suffix == ".ipynb":
        folders = item.config.stash.setdefault(_FOLDERS, {})
        if item.path not in folders:
            folders[item.path] = _folder("learner-")
        os.environ["MLLAYERS_HOME"] = folders[item.path]


def pytest_runtest_logreport(report):
    """Remember how long each file took."""
    _SECONDS[report.nodeid.partition("::")[0]] += report.duration


def pytest_deselected(items):
    """Count what needs a service that `make test` does without."""
    for item in items:
        for mark in NEEDS:
            if item.get_closest_marker(mark):
                left_out = item.config.stash.setdefault(_LEFT_OUT, {})
                left_out[mark] = left_out.get(mark, 0) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """What one of several processes left out: all collect the same tests."""
    node.config.stash.setdefault(_LEFT_OUT, {}).update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_sessionfinish(session):
    """Keep what was measured."""
    if _is_worker(session.config):
        session.config.workeroutput["left_out"] = session.config.stash.get(_LEFT_OUT, {})
    measured = session.config.stash.get(_COVERAGE, None)
    if measured is not None:
        measured.stop()
        measured.save()


def pytest_terminal_summary(terminalreporter, config):
    """Show what is not reached, the slowest files, and what was left out because a service is absent."""
    if config.getoption("--measure"):
        import coverage

        whole = coverage.Coverage(data_file=None, config_file=str(ROOT / "pyproject.toml"))
        parts = [str(path) for path in Path(_measured(config)).glob("worker*")]
        terminalreporter.section("coverage of lines and branches")
        if parts:
            text = io.StringIO()
            whole.combine(parts, keep=True)
            if whole.get_data().measured_files():
                whole.report(file=text, skip_covered=True, show_missing=False)
            terminalreporter.write(
                text.getvalue() or "no code of the package ran in the processes that were measured\n"
            )
    if len(_SECONDS) > 10:
        terminalreporter.section("slowest files")
        for name, seconds in sorted(_SECONDS.items(), key=lambda pair: -pair[1])[:25]:
            terminalreporter.write_line(f"{seconds:7.1f} s  {name}")
    left_out = config.stash.get(_LEFT_OUT, {})
    theirs = [path for path in sorted(ROOT.glob("notebooks/**/*.ipynb")) if _somebody_worked_in(path)]
    if left_out or theirs:
        terminalreporter.section("not run here")
        for path in theirs:
            name = path.relative_to(ROOT).as_posix()
            mend = "python -m mllayers build keeps that and makes it anew"
            terminalreporter.write_line(f"{name}: somebody has worked in it; {mend}")
        for mark, number in left_out.items():
            terminalreporter.write_line(f"{number:4} tests marked {mark}: {NEEDS[mark]}")
