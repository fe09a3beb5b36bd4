"""The tasks that can be graded, by the name that ``python -m mllayers grade --task`` takes."""

from __future__ import annotations

from mllayers.teach.grade import Task
from mllayers.teach.role import DESK

__all__ = ["TASKS"]

TASKS: dict[str, Task] = {"desk": DESK}
"""The first is what is meant where nothing is said."""
