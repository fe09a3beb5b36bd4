"""Everything for the teacher, written into one folder: ``python -m mllayers teach``."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mllayers.teach import card_sheets, paper, polls, replies, role_sheets, rubric, sheets, text

__all__ = ["PARTS", "Part", "make"]


_STYLE = """table { border-collapse: collapse; margin: .5em 0; } th, td { border: 1px solid #8888; padding: .2em .5em; }
th, td { text-align: left; vertical-align: top; } h2 { margin-top: 1em; } body { max-width: 52rem; }
@media print { @page { size: A4; margin: 14mm; } body { margin: 0; max-width: none; padding: 0; font-size: 9.5pt; }
  h2 { break-after: avoid; } tr { break-inside: avoid; } }"""


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


def _facilitator(folder: Path) -> list[Path]:
    """The page that is read before the day."""
    title, _, rest = text.written("README").partition("\n")
    page = paper.page(title.lstrip("# "), text.html_of(rest), _STYLE)
    return [paper.write(folder, "facilitator", page)]


PARTS: tuple[Part, ...] = (
    Part("Facilitator", "Before the day, where a room goes quiet, what to skip, how to adapt the case.", _facilitator),
    Part("Run sheets", "60, 90, 180 minutes and a day: what to say, ask and expect; what to drop.", sheets.write),
    Part("Cards", "Ten incidents to cut out: a symptom, and behind it the evidence and the layer.", card_sheets.write),
    Part("Polls", "Five questions to answer alone, discuss, answer again: with answers, and to project.", polls.write),
    Part("Replies", "What learners get wrong in each exercise, what to reply, and ten things to say.", replies.write),
    Part("Role task", "Three roles, three cards, one policy to sign; graded by one command.", role_sheets.write),
    Part("Capstone", "How it is marked, in dollars and by four criteria; a task without code.", rubric.write),
)


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
