"""The teacher's Markdown: read by headings, filled with numbers, turned into HTML. Only what these pages use."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mllayers._words import money, percent
from mllayers.course.notes import line_html

__all__ = ["filled", "html_of", "parts", "rows", "written"]

FOLDER = Path("notebooks/teach")
_LINK = re.compile(r"\[([^]]+)\]\(([^)\s]+)\)")
_EM = re.compile(r"(?<![\w*])\*([^*\s](?:[^*]*[^*\s])?)\*(?![\w*])")


def written(name: str, folder: Path = FOLDER) -> str:
    """What was written by hand under this name, from the project's folder."""
    path = folder / f"{name}.md"
    if not path.is_file():
        raise ValueError(f"{path} is not here: run this from the project's folder")
    return path.read_text(encoding="utf-8")


def parts(markdown: str, level: int = 2) -> dict[str, str]:
    """The text under each heading of a level, by the heading; what stands above the first is under the empty one."""
    pieces = re.split(rf"(?m)^{'#' * level} (.+)$\n?", markdown)
    found = {"": pieces[0].strip()}
    for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
        if name.strip() in found:
            raise ValueError(f"the heading {name.strip()!r} stands there twice")
        found[name.strip()] = text.strip()
    return found


def rows(markdown: str) -> list[dict[str, str]]:
    """The rows of the first table, by the words of its head."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    if len(cells) < 2:
        return []
    odd = [line for line, row in zip(lines, cells, strict=True) if len(row) != len(cells[0])]
    if odd:
        raise ValueError(f"a row of the table has another number of cells than its head: {odd[0][:80]}")
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


class _Words(string.Formatter):
    """Numbers in words: ``{lost:money}``, ``{share:percent}``, ``{share:percent0}``, or any format of Python."""

    def format_field(self, value: Any, spec: str) -> str:
        if spec == "money":
            return money(value)
        if spec.startswith("percent"):
            return percent(value, int(spec.removeprefix("percent") or 1))
        return str(format(value, spec))


def filled(markdown: str, numbers: Mapping[str, Any]) -> str:
    """The text with its numbers in the place of their names in braces."""
    return _Words().vformat(markdown, (), numbers)


def html_of(markdown: str) -> str:
    """Headings, paragraphs, lists, tables, **bold**, *stressed*, `code`; a link within the project is its words."""
    return "\n".join(_blocks(markdown))


def _blocks(markdown: str) -> Iterator[str]:
    for block in re.split(r"\n\s*\n", markdown.strip()):
        lines = block.strip().splitlines()
        if not lines:
            continue
        heading = re.match(r"(#+) (.+)", lines[0])
        if heading:
            size = len(heading[1])
            yield f"<h{size}>{inline(heading[2])}</h{size}>"
            yield from _blocks("\n".join(lines[1:]))
        elif lines[0].startswith("|"):
            table = rows(block)
            head = "".join(f'<th scope="col">{inline(name)}</th>' for name in (table[0] if table else ()))
            body = "".join(f"<tr>{''.join(f'<td>{inline(x)}</td>' for x in row.values())}</tr>" for row in table)
            yield f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        elif marker := re.match(r"(- |\d+\. )", lines[0]):
            kind = "ul" if marker[1] == "- " else "ol"
            items = re.split(r"(?m)^(?:- |\d+\. )", block.strip())[1:]
            yield f"<{kind}>{''.join(f'<li>{inline(_one_line(item))}</li>' for item in items)}</{kind}>"
        else:
            yield f"<p>{inline(_one_line(block))}</p>"


def _one_line(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text.strip())


def inline(text: str) -> str:
    """One line with its stresses and links."""
    text = re.sub(r"(?<=\d) %", "\u00a0%", text).replace("−$", "−\u2060$")  # no line ends within a number
    text = line_html(_LINK.sub(lambda found: found[0] if "://" in found[2] else found[1], text))
    text = _LINK.sub(r'<a href="\2">\1</a>', text)
    return _EM.sub(r"<em>\1</em>", text)
