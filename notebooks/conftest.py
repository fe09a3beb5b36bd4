"""Each notebook under test gets a learner's folder of its own, so that it runs as it does for a new learner."""

import os
import tempfile

import pytest

_FOLDERS = pytest.StashKey[dict]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Point the kernel that is about to start at an empty folder."""
    folders = item.config.stash.setdefault(_FOLDERS, {})
    if item.path not in folders:
        folders[item.path] = tempfile.TemporaryDirectory(prefix="learner-")
        item.config.add_cleanup(folders[item.path].cleanup)
    os.environ["MLLAYERS_HOME"] = folders[item.path].name
