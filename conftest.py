"""For every test, example and notebook kernel started from here: one thread each, and a learner's folder of nobody."""

import os
import tempfile

import pytest

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

_home = tempfile.TemporaryDirectory(prefix="mllayers-home-")
os.environ["MLLAYERS_HOME"] = _home.name

_FOLDERS = pytest.StashKey[dict]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Each notebook gets a learner's folder of its own, so that it runs as it does for a new learner."""
    if item.path.suffix == ".ipynb":
        folders = item.config.stash.setdefault(_FOLDERS, {})
        if item.path not in folders:
            folders[item.path] = tempfile.TemporaryDirectory(prefix="learner-")
            item.config.add_cleanup(folders[item.path].cleanup)
        os.environ["MLLAYERS_HOME"] = folders[item.path].name


def pytest_unconfigure():
    """Leave nothing behind."""
    _home.cleanup()
