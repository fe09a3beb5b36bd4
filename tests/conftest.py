"""Shared by all tests: one thread per numerical library, and a learner's folder that is nobody's own."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a busy machine is no reason to fail
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def learner_home(tmp_path, monkeypatch):
    """Every test writes to its own learner's folder."""
    monkeypatch.setenv("MLLAYERS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
