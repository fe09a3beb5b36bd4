"""The first line of every notebook: one thread, the right versions, sound data. One line if all is well."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Iterable
from typing import Any

import mllayers
from mllayers.course.card import LAYERS
from mllayers.course.notes import Note

THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
NOT_HERE = {"jupyterlab"}  # shows the notebook, but need not be installed where the notebook runs
if sys.platform == "emscripten":  # in a browser without an installation: its kernel is of another kind
    NOT_HERE |= {"ipykernel", "nbclient"}
EXTRAS = ("course", "figures", "ledger")  # what the course asks for, in pyproject.toml
RESTART = "restart the kernel (menu Kernel, Restart)"


def start(notebook: str) -> Note:
    """Get ready for a notebook: pin the numerical libraries to one thread, then check what it needs.

    Parameters
    ----------
    notebook : str
        ``"01"`` to ``"05"``.

    Returns
    -------
    Note
        One line that all is well, or a line for each problem that says how to mend it. Never an error.
    """
    pin_threads()
    key = str(notebook).strip().zfill(2)
    if key not in LAYERS:
        return Note("Not ready", (f"There is no notebook {notebook}; the course has 01 to 05.",), "problem")
    found = problems()
    if found:
        return Note("Not ready", tuple(found), "problem")
    return Note(
        "Ready", (f"Notebook {key}, layer {int(key)}: {LAYERS[key]}. Versions, kernel and data are fine.",), "good"
    )


def pin_threads() -> None:
    """One thread for BLAS and OpenMP: libraries loaded later read the environment, loaded ones are told."""
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, "1"))
    with contextlib.suppress(Exception):  # absent or unable, it is no reason to stop; `problems` names it if absent
        from threadpoolctl import threadpool_limits

        threadpool_limits(limits=1)


def problems() -> list[str]:
    """Everything that stands in the way of the course, one line each, saying how to mend it.

    Returns
    -------
    list of str
        Empty if all is well.
    """
    checks: list[tuple[str, Callable[[], list[str]]]] = [
        ("versions", version_problems),
        ("kernel", kernel_problems),
        ("data files", data_problems),
    ]
    found = []
    for name, look in checks:
        try:
            found += look()
        except Exception as error:  # a broken installation may fail anywhere; the learner gets a line
            found.append(f"The {name} could not be checked ({type(error).__name__}: {error}).")
    return found


def version_problems(
    requirements: Iterable[str] | None = None, installed: Callable[[str], str] = importlib.metadata.version
) -> list[str]:
    """Packages that are absent or outside the bounds that mllayers states in its own metadata."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    found = []
    if requirements is None:
        try:
            about = importlib.metadata.metadata("mllayers")
        except importlib.metadata.PackageNotFoundError:
            return ["mllayers is not installed: run `%pip install -e .[course]` in the folder of the course."]
        python = about["Requires-Python"]
        if python and not SpecifierSet(python).contains(platform.python_version(), prereleases=True):
            found.append(f"Python is {platform.python_version()}; the course needs {python}: pick another kernel.")
        if about["Version"] != mllayers.__version__:
            found.append(f"mllayers was updated: run `%pip install -e .[course]` in its folder, then {RESTART}.")
        requirements = importlib.metadata.requires("mllayers") or []
    for line in requirements:
        need = Requirement(line)
        wanted = need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *EXTRAS))
        if not wanted or need.name in NOT_HERE:
            continue
        mend = f'run `%pip install "{need.name}{need.specifier}"`, then {RESTART}.'
        try:
            version = installed(need.name)
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{need.name} is not installed: {mend}")
            continue
        if not need.specifier.contains(version, prereleases=True):
            found.append(f"{need.name} is {version}; the course needs {need.specifier}: {mend}")
    return found


def kernel_problems(modules: dict[str, Any] | None = None) -> list[str]:
    """Packages that were updated while this kernel ran, so that it still holds the old ones."""
    loaded = sys.modules if modules is None else modules
    found = []
    for name in ("numpy", "pandas", "scipy", "sklearn", "matplotlib"):
        running = getattr(loaded.get(name), "__version__", None)
        distribution = "scikit-learn" if name == "sklearn" else name
        if running is not None and running != importlib.metadata.version(distribution):
            found.append(f"{distribution} was updated after this kernel loaded version {running}: {RESTART}.")
    return found


def data_problems() -> list[str]:
    """What is wrong with the committed tables."""
    from mllayers import datasets

    return datasets.verify()
