"""Links in the Markdown of a notebook, when the notebook moves to another folder."""

from __future__ import annotations

import os.path
import re
from pathlib import Path

_LINK = re.compile(r"""(\]\(|\b(?:src|href)=")([^)"\s]+)""")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#|/", re.IGNORECASE)
_SIBLING = re.compile(r"[^/]+\.ipynb(#.*)?")


def moved(markdown: str, old: Path, new: Path) -> str:
    """The text with its links as seen from the folder ``new``; links to notebooks of the same folder stay.

    Examples
    --------
    >>> moved("[card](../../datasets/README.md), [next](02.ipynb)", Path("notebooks/solved"), Path("notebooks"))
    '[card](../datasets/README.md), [next](02.ipynb)'
    """
    return _LINK.sub(lambda link: link[1] + _seen_from(link[2], old, new), markdown)


def _seen_from(link: str, old: Path, new: Path) -> str:
    if _ELSEWHERE.match(link) or _SIBLING.fullmatch(link):
        return link
    target = os.path.normpath(old / link)
    try:
        return Path(os.path.relpath(target, new)).as_posix()
    except ValueError:  # another drive
        return Path(target).absolute().as_posix()
