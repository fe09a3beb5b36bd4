"""The learner's own folder: the only place the course writes to.

It is ``my`` beside ``notebooks``, or wherever ``MLLAYERS_HOME`` points: the learner's copies of the notebooks, their
predictions, beliefs and system card. Three promises hold for every file in it. A write happens whole or not at all. A
file that cannot be read as what it should be is set aside, never overwritten. A folder that cannot be written never
stops a lesson: what was to be written is kept until it can be, or until the kernel stops, and the learner is told in
one line. A solved copy keeps everything in memory (`begin`) and writes nowhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mllayers._files import write_whole
from mllayers.course.answers import what_came
from mllayers.course.links import moved
from mllayers.course.words import tr

Change = Callable[[str], str]

NOTEBOOKS = ("01", "02", "03", "04", "05")
CAPSTONE = "capstone"
PREDICTIONS = "predictions.json"
CHECKS = "checks.json"
RECORDS = (PREDICTIONS, "beliefs.json", "system_card.md")
_MADE = ".made.json"  # what the copies of the notebooks were when they were made
_NOTEBOOK = re.compile(r"(?:[0-9][0-9]_\w+|capstone)\.ipynb")
_PATIENCE = 5.0  # seconds: a write takes milliseconds, so an older lock was left behind by a process that died
_pending: dict[Path, list[Change]] = {}  # what could not be written yet
_memory: dict[str, str] | None = None  # the files of a solved copy
_lesson = ""  # the notebook that runs in this kernel


def home(near: Path | None = None) -> Path:
    """The learner's folder (not created by asking for it).

    Parameters
    ----------
    near : path of a folder, optional
        The folder it belongs to: that of the notebooks, or one beside or above; by default the current one.

    Raises
    ------
    ValueError
        When ``MLLAYERS_HOME`` names no folder, or the current folder is gone.
    """
    chosen = os.environ.get("MLLAYERS_HOME", "").strip()
    try:
        if chosen:
            return Path(chosen).expanduser().absolute()
        here = Path.cwd() if near is None else near.absolute()
    except RuntimeError:
        raise ValueError(f"MLLAYERS_HOME must name a folder; got {chosen!r}") from None
    except OSError:
        raise ValueError("the current folder is gone; go to one that exists") from None
    for folder in (here, *list(here.parents)[:3]):
        if (folder / "notebooks" / "solved").is_dir():
            return folder / "my"
    return here / "my"


def as_key(notebook: Any) -> str:
    """The key of a notebook, ``"01"`` to ``"05"`` or ``"capstone"``, from ``"3"``, ``"03"`` or 3; else nothing."""
    if isinstance(notebook, str):
        key = notebook.strip()[:9].zfill(2)
    else:
        key = f"0{notebook}" if type(notebook) is int and 0 < notebook < 10 else ""
    return key if key in (*NOTEBOOKS, CAPSTONE) else ""


def begin(notebook: str, *, solved: bool) -> None:
    """Say which notebook runs now; what is predicted and answered in a solved copy is kept in memory alone."""
    global _lesson, _memory
    _lesson = notebook
    _memory = {} if solved else None


def lesson() -> str:
    """The notebook that runs now (``"03"``); nothing before `start`."""
    return _lesson


def in_memory() -> bool:
    """Whether this is a solved copy, which writes nowhere."""
    return _memory is not None


def read(name: str) -> str:
    """The text of a file, with what still waits to be written; empty if there is no such file."""
    if _memory is not None:
        return _memory.get(name, "")
    path = _path(name)
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
    if _memory is not None:
        _memory[name] = change(_memory.get(name, ""))
        return ""
    path = _path(name)
    changes = [*_pending.get(path, []), change]
    try:
        folder = home()
        with _only_writer(path):
            text, notice = _load(path, sound)
            for step in changes:
                text = step(text)
            _write(path, text.encode(errors="replace"))
    except (OSError, ValueError) as error:
        _pending[path] = changes
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        where = tr("Your folder {folder}", folder=folder) if isinstance(error, OSError) else tr("Your folder")
        return tr("{where} cannot be written ({why}): this is kept only until the kernel stops.", where=where, why=why)
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


def where(name: str) -> str:
    """Where a file of the learner's is kept, in words."""
    if _memory is not None:
        return tr("Nothing is kept here: this is a solved copy. What you answer in your own copy is kept.")
    return tr("Kept in {path}", path=_path(name))


# --- a learner's copies of the notebooks


def own_copy(notebook: str | os.PathLike[str]) -> Path:
    """The learner's own copy of a notebook, which `lab` opens, so that the one of the course stays as it is.

    The first call copies it and its neighbours (links between them work, links to anything else are rewritten) into the
    learner's folder. A copy that was worked on is never touched again; one that nobody touched follows the course.

    Parameters
    ----------
    notebook : path
        A notebook of the course, such as ``notebooks/03_decision.ipynb``, or any other.

    Returns
    -------
    Path
        The copy; the notebook itself where it is a solved copy, none of the course, or the learner's already.

    Raises
    ------
    ValueError
        When there is no such notebook, it cannot be read as one, or the learner's folder cannot be written.
    """
    notebook = Path(notebook).absolute()
    if not notebook.is_file():
        raise ValueError(f"notebook must be a notebook that exists; got {notebook}")
    target = _own(notebook)
    if target is None:
        return notebook
    try:
        take_over(home(notebook.parent))
        for each in sorted(notebook.parent.glob("*.ipynb")):
            if _NOTEBOOK.fullmatch(each.name):
                _follow(each, target.with_name(each.name))
    except OSError as error:
        why = error.strerror or str(error)
        raise ValueError(f"the learner's folder {target.parent} cannot be written ({why})") from None
    return target


def fresh_copy(notebook: str | os.PathLike[str]) -> tuple[Path, Path | None]:
    """Start a notebook afresh: set the learner's copy aside, under another name, and make a new one.

    Returns
    -------
    (Path, Path or None)
        The new copy, and the old one where there was any.
    """
    notebook = Path(notebook).absolute()
    target = _own(notebook)
    if target is None:
        raise ValueError(f"notebook must be one of the course's, such as notebooks/03_decision.ipynb; got {notebook}")
    old = None
    if target.exists():
        old = _free(target, "before-{n}")
        target.rename(old)
    return own_copy(notebook), old


def set_aside(path: Path, *, near: Path | None = None) -> Path:
    """Keep a copy of a file in the learner's folder, under a name that is free; returns where."""
    folder = home(near)
    kept = _free(folder / path.name, "kept-{n}")
    _write(kept, path.read_bytes())
    return kept


def outdated(notebook: str) -> bool:
    """Whether the learner's copy of a notebook (``"03"``) was made from an earlier one than the course has now."""
    try:
        folder = home()
        made = _records_of(folder / _MADE)
    except (OSError, ValueError):
        return False
    for name, record in made.items():
        if Path(name).name.startswith((f"{notebook}_", f"{notebook}.")):
            source = folder.parent / "notebooks" / name
            if source.is_file() and _sum(source.read_bytes()) != record.get("from"):
                return True
    return False


def take_over(folder: Path | None = None) -> list[str]:
    """Copy what the first build kept in ``notebooks/.my`` to the learner's folder, where nothing stands in its place.

    Returns
    -------
    list of str
        The names of the files that were taken over; the old ones stay where they are.
    """
    folder = home() if folder is None else folder
    old = folder.parent / "notebooks" / ".my"
    taken = []
    for name in RECORDS:
        with contextlib.suppress(OSError):
            if (old / name).is_file() and not (folder / name).exists():
                _write(folder / name, (old / name).read_bytes())
                taken.append(name)
    return taken


def reset(notebook: str) -> int:
    """Forget the predictions of one notebook, so that they can be made again.

    Parameters
    ----------
    notebook : str
        ``"01"`` to ``"05"`` (or ``"3"``), or ``"capstone"``.

    Returns
    -------
    int
        How many were forgotten. The file as it was is kept beside it, as ``predictions.json.before-1``.

    Raises
    ------
    ValueError
        When there is no such notebook, or the file cannot be read or written.
    """
    key = as_key(notebook)
    if not key:
        raise ValueError(f"notebook must be one of 01 to 05; got {what_came(notebook)}")
    path = _path(PREDICTIONS)
    begins = "PC-" if key == CAPSTONE else f"P{int(key)}-"
    ids = [id for id in read_records(PREDICTIONS) if id.startswith(begins)]
    if not ids:
        return 0
    if path.exists():
        path.with_name(_free(path, "before-{n}", last=True).name).write_bytes(path.read_bytes())

    def forget(records: dict[str, dict[str, Any]]) -> None:
        for id in [id for id in records if id.startswith(begins)]:
            del records[id]

    if notice := update_records(PREDICTIONS, forget):
        raise ValueError(notice)
    return len(ids)


def _own(notebook: Path) -> Path | None:
    """Where the learner's copy of a notebook of the course belongs; None for any other notebook."""
    folder = home(notebook.parent)
    if not _NOTEBOOK.fullmatch(notebook.name) or "solved" in notebook.parts[-3:] or folder in notebook.parents:
        return None
    course = next((above for above in list(notebook.parents)[:2] if above.name == "notebooks"), None)
    if course is None or not (course / "solved").is_dir():
        return None
    return folder / notebook.relative_to(course)  # such as de/01_data.ipynb


def _follow(source: Path, target: Path) -> None:
    """Make a copy that is not there, or that nobody has touched since it was made."""
    folder = home(source.parent)
    name = target.relative_to(folder).as_posix()
    made = _records_of(folder / _MADE)
    if target.exists() and _sum(target.read_bytes()) != made.get(name, {}).get("as"):
        return
    new = _copied(source, target)
    if not target.exists() or target.read_bytes() != new:
        _write(target, new)
    made[name] = {"as": _sum(new), "from": _sum(source.read_bytes())}
    _write(folder / _MADE, (json.dumps(made, indent=1) + "\n").encode())


def _copied(source: Path, target: Path) -> bytes:
    """The notebook with its links as seen from the other folder."""
    try:
        notebook = json.loads(source.read_bytes())
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                text = "".join(cell["source"])
                cell["source"] = moved(text, source.parent, target.parent).splitlines(keepends=True)
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{source} cannot be read as a notebook") from None
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _sum(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _free(path: Path, form: str, *, last: bool = False) -> Path:
    """The first name beside a path that is free: ``03_decision.before-1.ipynb``."""
    for n in range(1, 10_000):
        mark = form.format(n=n)
        name = f"{path.name}.{mark}" if last else f"{path.stem}.{mark}{path.suffix}"
        if not (free := path.with_name(name)).exists():
            return free
    raise OSError(f"too many copies beside {path}")


# --- files


def _path(name: str) -> Path:
    """The path of a file; only its name where there is no folder to be had."""
    try:
        return home() / name
    except ValueError:
        return Path(name)


def _records_of(path: Path) -> dict[str, dict[str, Any]]:
    try:
        return _records(path.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError):
        return {}


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
    aside = _free(path, "damaged-{n}", last=True)
    _write(aside, raw)
    told = tr("{name} was damaged; it is kept beside it as {aside}.", name=path.name, aside=aside.name)
    return text if sound(text) else "", told


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda draft: draft.write_bytes(raw))


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
