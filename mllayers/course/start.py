"""The first line of every notebook: one thread, the right versions, sound data. One line if all is well."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import mllayers
from mllayers._extras import absent
from mllayers.course import learner, words
from mllayers.course.card import LAYERS
from mllayers.course.notes import Note
from mllayers.course.words import tr

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
RESTART = "restart the kernel (menu Kernel, Restart)"


def start(notebook: str, *, solved: bool = False, lang: str = "en") -> Note:
    """Get ready for a notebook: pin the numerical libraries to one thread, then check what it needs.

    It stands before the imports that can fail, shows itself at once, and says which line mends them.

    Parameters
    ----------
    notebook : str
        ``"01"`` to ``"05"``, or ``"capstone"``.
    solved : bool
        This is a solved copy: what is predicted and answered in it is kept in memory, never in the learner's folder.
    lang : str
        The language in which the course answers (see `mllayers.course.words`).

    Returns
    -------
    Note
        One line that all is well, or a line for each problem that says how to mend it; it shows itself. Never an error.
    """
    if not solved:
        say_if_slow()
    return _start(notebook, solved, lang).show()  # type: ignore[no-any-return]


def _start(notebook: Any, solved: bool, lang: Any) -> Note:
    pin_threads()
    words.speak(lang if words.exists(lang) else "en")
    key = learner.as_key(notebook)
    if not key:
        return Note(tr("Not ready"), (tr("There is no such notebook; the course has 01 to 05."),), "problem")
    learner.begin(key, solved=bool(solved))
    found = problems()
    if found:
        return Note(tr("Not ready"), tuple(found), "problem")
    if key == learner.CAPSTONE:
        fine = tr("The capstone, all five layers. Versions, kernel and data are fine.")
    else:
        fine = tr("Notebook {key}, layer {n}: {name}. Versions, kernel and data are fine.", key=key, n=int(key),
                  name=tr(LAYERS[key]))  # fmt: skip
    return Note(tr("Ready"), (fine, *_news(key)), "good")


def say_if_slow(seconds: float = 8.0) -> None:
    """Say what takes so long, should the cell that runs now take longer than that."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return
    slow = Note(
        tr("One moment"), (tr("Libraries and tables are being loaded; the first time takes a minute."),), "wait"
    )
    timer = threading.Timer(seconds, slow.show)
    timer.daemon = True

    def done(_result: object) -> None:
        timer.cancel()
        shell.events.unregister("post_run_cell", done)

    with contextlib.suppress(RuntimeError):  # where there are no threads
        timer.start()
        shell.events.register("post_run_cell", done)


def _news(key: str) -> list[str]:
    """What a learner should know about their folder."""
    if learner.in_memory():
        return [tr("A solved copy: what is predicted and answered here is not kept.")]
    told = []
    with contextlib.suppress(OSError, ValueError):
        if taken := learner.take_over():
            told.append(tr("Taken over from notebooks/.my: {names}.", names=", ".join(taken)))
    if learner.outdated(key):
        mend = f"`python -m mllayers reset {key} --notebook`"
        told.append(tr("The course has a newer version of this notebook; yours stays as it is."))
        told.append(tr("{mend} sets yours aside and makes a new one.", mend=mend))
    return told


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
    try:
        from packaging.requirements import Requirement
        from packaging.specifiers import SpecifierSet
    except ModuleNotFoundError as error:
        return [f"{absent('The course', 'course', error)}, then {RESTART}."]

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
        wanted = need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", "course"))
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
