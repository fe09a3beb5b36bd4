"""For every test, example and notebook kernel started from here: one thread each, and a learner's folder of nobody."""

import os
import tempfile

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

_home = tempfile.TemporaryDirectory(prefix="mllayers-home-")
os.environ["MLLAYERS_HOME"] = _home.name


def pytest_unconfigure():
    """Leave nothing behind."""
    _home.cleanup()
