"""What is installed only on request: the line that installs it."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["absent", "install_line", "this_python"]

_ROOT = Path(__file__).resolve().parent.parent


def install_line(extra: str) -> str:
    """The line that installs an extra of this package for this Python."""
    if not (_ROOT / "constraints.txt").is_file():
        return f'{this_python()} -m pip install "mllayers[{extra}]"'
    return f'{this_python()} -m pip install -c "{_ROOT / "constraints.txt"}" -e "{_ROOT}[{extra}]"'


def this_python() -> str:
    """The Python that runs, as it is typed in a shell."""
    return f'"{sys.executable}"' if " " in sys.executable else sys.executable


def absent(what: str, extra: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    """The error to raise where a module of the package cannot be loaded: with the line that mends it.

    Parameters
    ----------
    what : str
        Who needs it, such as ``"mllayers.ledger"``.
    extra : str
        The extra in ``pyproject.toml`` that brings it.
    error : ModuleNotFoundError
        What the import said. An error about a module of this package is returned as it is.

    Examples
    --------
    >>> str(absent("mllayers.ledger", "ledger", ModuleNotFoundError(name="sqlalchemy"))).partition(": run `")[0]
    'mllayers.ledger needs sqlalchemy'
    """
    missing = (error.name or "").partition(".")[0]
    if missing in ("", "mllayers"):
        return error
    return ModuleNotFoundError(f"{what} needs {missing}: run `{install_line(extra)}`", name=error.name)
