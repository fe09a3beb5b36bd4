"""Everything for the teacher, written into one folder: ``python -m mllayers teach``."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mllayers.teach import paper

__all__ = ["PARTS", "Part", "make"]


@dataclass(frozen=True)
class Part:
    """One part of what a teacher gets.

    Attributes
    ----------
    name : str
        Its heading in the index, and its folder.
    about : str
        One sentence for the index.
    write : callable
        Writes its files into a folder that it makes, and returns them in the order of the index.
    printed : bool
        Whether its pages are printed as PDF.
    """

    name: str
    about: str
    write: Callable[[Path], list[Path]]
    printed: bool = True


PARTS: tuple[Part, ...] = ()


def make(folder: Path, parts: Iterable[Part] = PARTS, *, say: Callable[[str], object] = print) -> list[Path]:
    """Write all parts into a folder, each into one of its own, and an index; what was written."""
    made: list[Path] = []
    rows: list[str] = []
    for part in parts:
        own = folder / part.name.lower().replace(" ", "-")
        shutil.rmtree(own, ignore_errors=True)  # what is no longer written must not be handed out
        files = part.write(own)
        pdfs = paper.printed(file for file in files if file.suffix == ".html") if part.printed else []
        links = "".join(f"<li>{_link(file, folder, pdfs)}</li>" for file in files)
        rows.append(
            f"<section><h2>{html.escape(part.name)}</h2><p>{html.escape(part.about)}</p><ul>{links}</ul></section>"
        )
        made += [*files, *pdfs]
        say(f"{part.name}: {len(files)} files, {len(pdfs)} as PDF")
    if paper.browser() is None:
        say("no Chromium here: print the pages from any browser")
    index = paper.write(folder, "index", paper.page("For teachers", "\n".join(rows)))
    return [index, *made]


def _link(file: Path, folder: Path, pdfs: list[Path]) -> str:
    """The file by its title, and its PDF."""
    title = file.name
    if file.suffix == ".html":
        found = re.search(r"<title>(.*?)</title>", file.read_text(encoding="utf-8"))
        title = found[1] if found else title
    told = f'<a href="{file.relative_to(folder).as_posix()}">{title}</a>'
    pdf = file.with_suffix(".pdf")
    return f'{told} (<a href="{pdf.relative_to(folder).as_posix()}">PDF</a>)' if pdf in pdfs else told
