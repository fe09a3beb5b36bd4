"""The learner's own folder: the only place the course writes to.

It is ``notebooks/.my`` beside the notebooks, or wherever ``MLLAYERS_HOME`` points. Three promises hold for every file
in it. A write happens whole or not at all. A file that cannot be read as what it should be is set aside, never
overwritten. A folder that cannot be written never stops a lesson: what was to be written is kept until it can be, or
until the kernel stops, and the learner is told in one line.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Change = Callable[[str], str]

_PATIENCE = 5.0  # seconds: a write takes milliseconds, so an older lock was left behind by a process that died
_pending: dict[Path, list[Change]] = {}  # what could not be written yet


def home() -> Path:
    """The learner's folder (not created by asking for it)."""
    chosen = os.environ.get("MLLAYERS_HOME", "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    here = Path.cwd()
    for folder in (here, here.parent, here / "notebooks"):
        if folder.name == "notebooks" and folder.is_dir():
            return folder / ".my"
    return here / ".my"


def read(name: str) -> str:
    """The text of a file, with what still waits to be written; empty if there is no such file."""
    path = home() / name
    try:
        text = path.read_bytes().decode(errors="replace")
    except OSError:
        text = ""
    for change in _pending.get(path, []):
        text = change(text)
    return text


def update(name: str, change: Change, *, sound: Callable[[str], bool] = bool) -> str:
    """Replace a file's text by ``change(text)``, one writer at a time.

    Returns what the learner should be told: nothing, or one line. A file whose text is not ``sound``, or not text at
    all, is copied aside first. ``change`` must be pure: it is applied again, to the text of the day, if writing fails.
    """
    path = home() / name
    changes = [*_pending.get(path, []), change]
    with _only_writer(path):
        try:
            text, notice = _load(path, sound)
            for step in changes:
                text = step(text)
            _write(path, text.encode(errors="replace"))
        except OSError as error:
            _pending[path] = changes
            why = error.strerror or type(error).__name__
            return f"Your folder {path.parent} cannot be written ({why}): this is kept only until the kernel stops."
    _pending.pop(path, None)
    return notice


def read_records(name: str) -> dict[str, dict[str, Any]]:
    """The records of a JSON file; none if it is absent or damaged."""
    return _records(read(name)) or {}


def update_records(name: str, change: Callable[[dict[str, dict[str, Any]]], None]) -> str:
    """Change the records of a JSON file in place; returns what the learner should be told, as `update` does."""

    def rewrite(text: str) -> str:
        records = _records(text) or {}
        change(records)
        return json.dumps(records, indent=1, ensure_ascii=False) + "\n"

    return update(name, rewrite, sound=lambda text: _records(text) is not None)


def _records(text: str) -> dict[str, dict[str, Any]] | None:
    try:
        records = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(records, dict) and all(isinstance(record, dict) for record in records.values()):
        return records
    return None


def _load(path: Path, sound: Callable[[str], bool]) -> tuple[str, str]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return "", ""
    text = raw.decode(errors="replace")
    is_text = text.encode(errors="replace") == raw
    if not raw or (is_text and sound(text)):
        return text, ""
    aside = next(p for n in range(1, 10_000) if not (p := path.with_name(f"{path.name}.damaged-{n}")).exists())
    _write(aside, raw)
    return text if sound(text) else "", f"{path.name} was damaged; it is kept beside it as {aside.name}."


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


@contextlib.contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    """Hold the lock of a file; where no lock can be had (a read-only folder) go on without."""
    lock = path.with_name(f".{path.name}.lock")
    held = False
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        held = _take(lock)
    try:
        yield
    finally:
        if held:
            with contextlib.suppress(OSError):
                lock.unlink()


def _take(lock: Path) -> bool:
    give_up = time.monotonic() + 2 * _PATIENCE
    while time.monotonic() < give_up:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            return True
        except FileExistsError:
            with contextlib.suppress(FileNotFoundError):
                if time.time() - lock.stat().st_mtime > _PATIENCE:
                    lock.unlink()
            time.sleep(0.005)
    return False
