"""SQLite's write-ahead log on the disk: what of it can no longer be read.

SQLite itself leaves out in silence whatever follows the first page that does not fit its checksum. A ledger whose last
attempts are gone in silence would let them be done again.
"""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["beside", "wal_damage"]

_HEAD, _FRAME = 32, 24
_MAGIC = {0x377F0682: "<u4", 0x377F0683: ">u4"}  # in which order of bytes the checksums were made


class _Log(NamedTuple):
    """What stands in a log: its salts, pages that fit, pages of this round, and commits after the first misfit."""

    salts: bytes
    good: int
    pages: int
    later: int


class _Index(NamedTuple):
    """What the log's index says: the salts, the pages that were committed, and those that are in the file since."""

    salts: bytes
    committed: int
    moved: int


def beside(file: Path, ending: str) -> Path:
    """The file with that ending that SQLite keeps beside it."""
    return file.with_name(file.name + ending)


def wal_damage(file: Path) -> tuple[str, bool]:
    """What is known to be gone from the log, in words ('' for nothing), and whether that is sure.

    A log that another program writes at this moment is never taken for a damaged one: what it has reported as
    committed stands in the log before, and what looks damaged is looked at again.
    """
    if _open_here(file):
        return "", False
    index = _read_index(beside(file, "-shm"))
    first = _read_log(beside(file, "-wal"))
    suspicious = _gone(index, first)[0]
    if not suspicious:
        return "", False
    time.sleep(0.02)
    again, now = _read_index(beside(file, "-shm")), _read_log(beside(file, "-wal"))
    return _gone(index, now) if again == index and now == first else ("", False)


def _gone(index: _Index | None, log: _Log | None) -> tuple[str, bool]:
    if index is not None and (log is None or log.salts == index.salts or not log.salts):
        readable = 0 if log is None else log.good
        missing = index.committed - max(readable, index.moved)
        what = "is missing" if log is None else "is damaged"
        return (
            (f"its write-ahead log {what}: the last {missing} pages written are gone", True)
            if missing > 0
            else ("", False)
        )
    if log is None:
        return "", False
    if not log.salts:
        return ("its write-ahead log is damaged from the first byte: all that stood in it is gone", True)
    if log.later:
        told = f"of the {log.pages} pages in its write-ahead log {log.good} can be read, and at least {log.later} "
        return told + ("transaction" if log.later == 1 else "transactions") + " after them are gone", log.later > 1
    return "", False


def _open_here(file: Path) -> bool:
    """Whether this process has the file open: then another connection has looked already, and its locks stay alone.

    (Closing any handle of a file gives up all locks that the process has on it.)
    """
    try:
        handles = os.listdir("/proc/self/fd")
        real = os.path.realpath(file)
    except OSError:
        return True
    for handle in handles:
        try:
            if os.readlink(f"/proc/self/fd/{handle}") in (real, f"{real}-shm"):
                return True
        except OSError:
            continue
    return False


def _read_index(path: Path) -> _Index | None:
    try:
        head = path.read_bytes()[:136]
    except OSError:
        return None
    if len(head) < 136 or head[:48] != head[48:96] or not head[12]:
        return None
    (committed,), (moved,) = struct.unpack_from("=I", head, 16), struct.unpack_from("=I", head, 96)
    return _Index(head[32:40], committed, moved)


def _read_log(path: Path) -> _Log | None:
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    if len(raw) <= _HEAD:
        return None
    magic, _, size = struct.unpack_from(">III", raw)
    order = _MAGIC.get(magic)
    if order is None or not 512 <= size <= 65_536 or size & (size - 1):
        return _Log(b"", 0, 0, 0)
    words = np.frombuffer(raw[:24], order).astype(np.uint32)
    start, step = _checksums(words[None], _powers(3))
    state = start[0]
    if state.tolist() != list(struct.unpack_from(">II", raw, 24)):
        return _Log(b"", 0, 0, 0)
    count = (len(raw) - _HEAD) // (_FRAME + size)
    frames = np.frombuffer(raw, np.uint8, count * (_FRAME + size), _HEAD).reshape(count, _FRAME + size)
    salted = (frames[:, 8:16] == np.frombuffer(raw, np.uint8, 8, 16)).all(axis=1)
    pages = count if salted.all() else int(np.argmin(salted))
    frames = frames[:pages]
    covered = np.ascontiguousarray(np.concatenate([frames[:, :8], frames[:, _FRAME:]], axis=1)).view(order)
    parts, step = _checksums(covered.astype(np.uint32), _powers((8 + size) // 8))
    told = np.ascontiguousarray(frames[:, 16:24]).view(">u4")
    good = 0
    for part, said in zip(parts, told, strict=True):
        state = step @ state + part
        if (state != said).any():
            break
        good += 1
    commits = np.ascontiguousarray(frames[good:, 4:8]).view(">u4")
    return _Log(raw[16:24], good, pages, int((commits > 0).sum()))


def _powers(n: int) -> NDArray[np.uint32]:
    """The checksum's step to the powers 0 … n, modulo 2³².

    The sums go a₁ ← a₁ + x + a₂, a₂ ← a₂ + y + a₁ over pairs of words (x, y): linear, so a page is one product.
    """
    step = np.array([[1, 1], [1, 2]], dtype=np.uint32)
    out = np.empty((n + 1, 2, 2), dtype=np.uint32)
    out[0] = np.eye(2, dtype=np.uint32)
    for i in range(n):
        out[i + 1] = step @ out[i]
    return out


def _checksums(words: NDArray[np.uint32], powers: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """What each row adds to the sums, and what happens to the sums before it."""
    n = len(powers) - 1
    enters = np.array([[1, 0], [1, 1]], dtype=np.uint32)  # how (x, y) enter (a₁, a₂)
    weights = (powers[n - 1 :: -1] if n > 1 else powers[:1]) @ enters  # (n, 2, 2), the last pair unmoved
    added = np.einsum("fnk,njk->fj", words.reshape(len(words), n, 2), weights, dtype=np.uint32, casting="unsafe")
    return added, powers[n]
