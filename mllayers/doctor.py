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

_ROOT = Path(__file__).resolve().parent.parent
_KERNEL = "python3"
_PATIENCE = 60.0  # seconds a kernel may take to start


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


def examine(home: Path | None) -> Iterator[Finding]:
    """Look at everything the course needs, one finding at a time.

    Parameters
    ----------
    home : Path or None
        The learner's folder; None when it cannot be known yet.

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
        yield Finding("mllayers is not installed, only lying here", _install())
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
        yield Finding("the package packaging is missing, so that versions cannot be compared", _install())
        return
    for need in stated:
        if need.marker is not None and not need.marker.evaluate({"extra": "course"}):
            continue
        try:
            version = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            yield Finding(f"{need.name} is missing; the course needs {need.name}{need.specifier}", _install())
            continue
        if need.specifier.contains(version, prereleases=True):
            yield Finding(f"{need.name} {version}")
        else:
            yield Finding(f"{need.name} is {version}; the course needs {need.name}{need.specifier}", _install())


def kernel() -> Finding:
    """Does the notebooks' kernel start, with this Python and this package?"""
    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import run_kernel

    mend = f"{_this_python()} -m ipykernel install --sys-prefix"
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
        return Finding(f"the kernel {_KERNEL} cannot import mllayers", _install())
    return Finding(f"the kernel {_KERNEL} starts and imports mllayers")


def widgets() -> Finding:
    """Will JupyterLab show the sliders?"""
    from jupyter_core.paths import jupyter_path

    folders = jupyter_path("labextensions", "@jupyter-widgets", "jupyterlab-manager")
    if any((Path(folder) / "package.json").is_file() for folder in folders):
        return Finding("JupyterLab can show widgets")
    mend = f"{_this_python()} -m pip install --force-reinstall --no-deps jupyterlab_widgets"
    return Finding("JupyterLab cannot show widgets: the front end of ipywidgets is missing", mend)


def tables() -> Iterator[Finding]:
    """Are the course's tables there as published?"""
    from mllayers import datasets

    problems = datasets.verify()
    yield from (Finding(problem, f"{_this_python()} -m mllayers data") for problem in problems)
    if not problems:
        yield Finding("the tables in datasets/ are as published")


def writable(home: Path) -> Finding:
    """Can the learner's folder be written? Leaves nothing behind."""
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return Finding(f"your folder {home} can be written")
    except OSError as error:
        windows = sys.platform == "win32"
        mend = "set MLLAYERS_HOME=%USERPROFILE%\\mllayers" if windows else "export MLLAYERS_HOME=~/mllayers"
        return Finding(f"your folder {home} cannot be written ({error.strerror})", mend)


def _install() -> str:
    """The line that installs the course for this Python."""
    if not (_ROOT / "constraints.txt").is_file():
        return f'{_this_python()} -m pip install "mllayers[course]"'
    return f'{_this_python()} -m pip install -c "{_ROOT / "constraints.txt"}" -e "{_ROOT}[course]"'


def _this_python() -> str:
    return f'"{sys.executable}"' if " " in sys.executable else sys.executable
