"""Run sheets: what to say, ask and expect, minute by minute, and what to drop when it is late.

Written in ``notebooks/teach/sheets`` as tables; the minutes of a notebook's part are those that the notebook states.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mllayers.teach import paper, text
from mllayers.teach.places import Place, place

__all__ = ["HEAD", "MINUTES", "Row", "Sheet", "read", "write"]

HEAD = ("part", "min", "say", "ask", "expect", "if late, drop")
MINUTES = {"poll": 5, "card": 5, "role": 35, "capstone": 60}
"""What takes as long wherever it stands."""
FREE = ("talk", "break", "lunch")
NAMES = ("60", "90", "180", "day")

_HEAD = ("Clock", "Min", "Part", "Say", "Ask", "Expect", "If late, drop")
_STYLE = """table { border-collapse: collapse; width: 100%; margin: .4em 0; }
th, td { border: 1px solid #8888; padding: .2em .4em; text-align: left; vertical-align: top; }
td:first-child { white-space: nowrap; font-variant-numeric: tabular-nums; } td:nth-child(3) { width: 17%; }
@media screen and (max-width: 44rem) { thead { display: none; } tr, td { display: block; }
  td:nth-child(3) { width: auto; }
  td:not(:empty)::before { content: attr(data-of) ": "; font-weight: bold; } td:empty { display: none; }
  tr { margin-bottom: 1em; } }
@media print { @page { size: A4 landscape; margin: 8mm; } body { margin: 0; max-width: none; padding: 0; }
  tr { break-inside: avoid; } thead { display: table-header-group; }
  body.one { font-size: 8pt; line-height: 1.22; } body { font-size: 8.5pt; } }"""


@dataclass(frozen=True)
class Row:
    """One line of a sheet: a part of the day, its minutes, and what happens in it."""

    part: str
    minutes: int
    told: str
    say: str
    ask: str
    expect: str
    drop: str
    at: Place | None = None


@dataclass(frozen=True)
class Sheet:
    """A run sheet.

    Attributes
    ----------
    title : str
    slot : int
        Minutes that there are.
    start : int
        Minutes after midnight; 0 where only the time that has passed is told.
    about : str
        Markdown above the table.
    rows : tuple of Row
    """

    title: str
    slot: int
    start: int
    about: str
    rows: tuple[Row, ...]

    @property
    def minutes(self) -> int:
        """The sum of the rows."""
        return sum(row.minutes for row in self.rows)

    def clock(self) -> list[str]:
        """When each row begins."""
        begins = [self.start + sum(row.minutes for row in self.rows[:n]) for n in range(len(self.rows))]
        return [f"{minute // 60}:{minute % 60:02d}" for minute in begins]


def read(name: str, folder: Path = text.FOLDER) -> Sheet:
    """A sheet as it was written, its minutes filled in.

    Raises
    ------
    ValueError
        For a part that is none, a section that does not exist, and minutes where they are computed or absent where not.
    """
    markdown = text.written(f"sheets/{name}", folder)
    title = re.search(r"(?m)^# (.+)$", markdown)
    slot = re.search(r"(?m)^Slot: (\d+) minutes(?:, from (\d+):(\d\d))?", markdown)
    if title is None or slot is None:
        raise ValueError(f"sheet {name} must begin with a title and a line such as 'Slot: 90 minutes'")
    about = markdown[slot.end() : markdown.index("\n|")].strip()
    start = 60 * int(slot[2]) + int(slot[3]) if slot[2] else 0
    return Sheet(title[1], int(slot[1]), start, about, tuple(_row(row) for row in text.rows(markdown)))


def _row(row: dict[str, str]) -> Row:
    part, stated = row["part"], row["min"]
    kind, _, rest = part.partition(" ")
    rest = rest.strip()
    if kind in FREE:
        if not stated.isdigit():
            raise ValueError(f"{part!r} needs its minutes")
        minutes, told, at = int(stated), rest or kind.capitalize(), None
    elif stated:
        raise ValueError(f"{part!r} must state no minutes: they are computed")
    elif kind in MINUTES:
        told = {"poll": f"Poll: {rest}", "card": f"Card: {rest}", "role": "Role task"}.get(kind, kind.capitalize())
        minutes, at = MINUTES[kind], None
    else:
        at = place(part)
        minutes, told = at.minutes, f"{at.notebook} {at.told}"
    return Row(part, minutes, told, row["say"], row["ask"], row["expect"], row["if late, drop"], at)


def page(name: str, sheet: Sheet) -> str:
    """The sheet as a page to print."""
    head = "".join(f'<th scope="col">{word}</th>' for word in _HEAD)
    lines = []
    for clock, row in zip(sheet.clock(), sheet.rows, strict=True):
        cells = (clock, str(row.minutes), row.told, row.say, row.ask, row.expect, row.drop)
        told = (f'<td data-of="{of}">{text.inline(x)}</td>' for of, x in zip(_HEAD, cells, strict=True))
        lines.append(f"<tr>{''.join(told)}</tr>")
    spare = f"{sheet.slot - sheet.minutes} to spare for questions and laptops"
    total = (
        f"<p><strong>{sheet.minutes} of {sheet.slot} minutes</strong>, {spare}. "
        "The minutes of the notebooks are <em>estimated</em>.</p>"
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    whole = paper.page(sheet.title, f"{text.html_of(sheet.about)}\n{total}\n{table}", _STYLE)
    return whole.replace("<body>", '<body class="one">') if name in ("60", "90") else whole


def write(folder: Path) -> list[Path]:
    """Write a page for each sheet."""
    return [paper.write(folder, f"run-{name}", page(name, read(name))) for name in NAMES]
