"""What this machine still lacks for the course, and the line that mends it.

Nothing here needs a package beyond the standard library until that package itself is examined, so that the doctor can
still be asked when an installation is half done.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from mllayers._extras import install_line, this_python

_KERNEL = "python3"
_PATIENCE = 60.0  # seconds a kernel may take to start
_ANOTHER_HOME = (
    "set MLLAYERS_HOME=%USERPROFILE%\\mllayers" if sys.platform == "win32" else "export MLLAYERS_HOME=~/mllayers"
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what it is, and the line that mends it (empty when it is fine)."""

    what: str
    mend: str = ""

    @property
    def fine(self) -> bool:
        """Whether there is nothing to mend."""
        return not self.mend

    def __str__(self) -> str:
        """One line, and a second one when there is something to mend."""
        return f"  ok    {self.what}" if self.fine else f"  MEND  {self.what}\n        {self.mend}"


def examine(home: Path | Exception | None) -> Iterator[Finding]:
    """Look at everything the course needs, one finding at a time.

    Parameters
    ----------
    home : Path, Exception or None
        The learner's folder; None when it cannot be known yet, an error where it was looked for and not found.

    Yields
    ------
    Finding
        In the order in which problems are best mended.
    """
    found = [*python(), *packages()]
    yield from found
    if all(finding.fine for finding in found):  # otherwise these would only repeat what is missing
        yield kernel()
        yield widgets()
        yield from tables()
    if home is not None:
        yield writable(home)


def python() -> Iterator[Finding]:
    """Is this Python one that the package supports?"""
    try:
        wanted = metadata.metadata("mllayers")["Requires-Python"].removeprefix(">=")
    except metadata.PackageNotFoundError:
        yield Finding("mllayers is not installed, only lying here", install_line("course"))
        return
    this = f"Python {platform.python_version()} at {sys.executable}"
    if sys.version_info < tuple(map(int, wanted.split("."))):
        yield Finding(f"{this}; the course needs {wanted} or newer", f"install Python {wanted}, then: make course")
    else:
        yield Finding(this)


def packages() -> Iterator[Finding]:
    """Is every package that the course needs there, in a version that fits?"""
    try:
        from packaging.requirements import Requirement

        stated = [Requirement(line) for line in metadata.requires("mllayers") or ()]
    except metadata.PackageNotFoundError:  # `python` says so
        return
    except ImportError:
        yield Finding("the package packaging is missing, so that versions cannot be compared", install_line("course"))
        return
    for need in stated:
        if need.marker is not None and not need.marker.evaluate({"extra": "course"}):
            continue
        try:
            version = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            yield Finding(
                f"{need.name} is missing; the course needs {need.name}{need.specifier}", install_line("course")
            )
            continue
        if need.specifier.contains(version, prereleases=True):
            yield Finding(f"{need.name} {version}")
        else:
            yield Finding(
                f"{need.name} is {version}; the course needs {need.name}{need.specifier}", install_line("course")
            )


def kernel() -> Finding:
    """Does the notebooks' kernel start, with this Python and this package?"""
    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import run_kernel

    mend = f"{this_python()} -m ipykernel install --sys-prefix"
    asked = {"prefix": "__import__('sys').prefix", "package": "__import__('mllayers').__file__"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        with run_kernel(kernel_name=_KERNEL, startup_timeout=_PATIENCE, **quiet) as client:
            assert isinstance(client, BlockingKernelClient)
            message = client.execute_interactive("", user_expressions=asked, timeout=_PATIENCE)
    except Exception as error:  # whatever a broken kernel does is the finding
        return Finding(f"the kernel {_KERNEL} does not start ({type(error).__name__}: {error})", mend)
    answers = message["content"].get("user_expressions", {})
    told = {name: answer.get("data", {}).get("text/plain", "")[1:-1] for name, answer in answers.items()}
    if Path(told.get("prefix", "")) != Path(sys.prefix):
        return Finding(f"the kernel {_KERNEL} runs another Python, at {told.get('prefix') or 'an unknown place'}", mend)
    if not told["package"]:
        return Finding(f"the kernel {_KERNEL} cannot import mllayers", install_line("course"))
    return Finding(f"the kernel {_KERNEL} starts and imports mllayers")


def widgets() -> Finding:
    """Will JupyterLab show the sliders?"""
    from jupyter_core.paths import jupyter_path

    folders = jupyter_path("labextensions", "@jupyter-widgets", "jupyterlab-manager")
    if any((Path(folder) / "package.json").is_file() for folder in folders):
        return Finding("JupyterLab can show widgets")
    mend = f"{this_python()} -m pip install --force-reinstall --no-deps jupyterlab_widgets"
    return Finding("JupyterLab cannot show widgets: the front end of ipywidgets is missing", mend)


def tables() -> Iterator[Finding]:
    """Are the course's tables there as published?"""
    from mllayers import datasets

    problems = datasets.verify()
    for problem in problems:
        what, _, mend = problem.partition(": run `")
        line = mend.partition("`")[0] or "python -m mllayers data"
        yield Finding(what, line.replace("python ", f"{this_python()} ", 1) if line.startswith("python ") else line)
    if not problems:
        yield Finding(f"the tables in {datasets.FOLDER.name}/ are as published")


def writable(home: Path | Exception) -> Finding:
    """Can the learner's folder be written? Leaves nothing behind."""
    if isinstance(home, Exception):
        return Finding(f"MLLAYERS_HOME names no folder that can be found ({home})", _ANOTHER_HOME)
    try:
        existing = next(folder for folder in (home, *home.parents) if folder.exists())
        with tempfile.TemporaryFile(dir=existing):
            return Finding(f"your folder {home} can be written")
    except OSError as error:
        return Finding(f"your folder {home} cannot be written ({error.strerror})", _ANOTHER_HOME)
