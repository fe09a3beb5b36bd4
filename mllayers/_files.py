"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["write_text", "write_whole"]


def write_whole(target: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a new file beside the target, put it on the disk, then give it the target's name.

    A program that stops half-way leaves the target as it was.

    Raises
    ------
    OSError
        If the folder is not there, cannot be written, or the disk is full; the target is as it was.
    """
    # JupyterLite reads a .json file whenever it is closed, and stops at one that is still empty.
    suffix = ".txt" if target.suffix == ".json" else target.suffix
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem[:40]}-", suffix=suffix)
    except OSError as error:
        raise type(error)(f"path must lie in a folder that can be written; got {target} ({error.strerror})") from None
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write text as UTF-8 with plain line ends, whole or not at all."""
    write_whole(target, lambda path: path.write_bytes(text.encode()))
