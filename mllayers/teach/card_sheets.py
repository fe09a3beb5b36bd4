"""The incident cards as sheets to cut: four a page, each back behind its front when both sides are printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mllayers.teach import paper, text
from mllayers.teach.cards import CARDS, SEED
from mllayers.teach.places import Place, place

__all__ = ["Card", "cards", "write"]

A_PAGE = 4
_STYLE = """.sheet { display: grid; grid-template-columns: 1fr 1fr; grid-template-rows: 1fr 1fr; gap: 0; }
.sheet { margin: 0 0 1rem; }
.sheet > div { border: 1px dashed #8888; padding: 5mm; min-height: 90mm; overflow: hidden; }
.sheet h2 { margin: 0 0 .5em; } .front { font-size: 1.2em; line-height: 1.45; } .front h2 { font-size: 1.4em; }
.sheet p { margin: .6em 0; } .sheet p.foot { opacity: .8; font-size: .85em; margin-top: 1.2em; }
@media print { @page { size: A4; margin: 8mm; } h1, .about { display: none; }
  body { margin: 0; max-width: none; padding: 0; font-size: 10.5pt; }
  .sheet { break-after: page; margin: 0; } .sheet:last-child { break-after: auto; }
  .sheet > div { height: 137mm; min-height: 0; box-sizing: border-box; } }"""


@dataclass(frozen=True)
class Card:
    """A card with its numbers filled in, as Markdown.

    Attributes
    ----------
    name : str
    title : str
        What stands in front: the name, or the words after *In front* where the name would give the answer away.
    layer : int
    at : Place
        Where the notebooks show it.
    front, back : str
    numbers : dict of str to float
        What its world shows.
    """

    name: str
    title: str
    layer: int
    at: Place
    front: str
    back: str
    numbers: dict[str, float]


@cache
def cards(seed: int = SEED) -> tuple[Card, ...]:
    """All cards, in the order in which they are written.

    Raises
    ------
    ValueError
        If a card has no numbers, or numbers have no card; for a side or a place that is not there.
    """
    found = text.parts(text.written("cards"))
    if set(found) - {""} != set(CARDS):
        raise ValueError(
            f"cards.md and cards.py must hold the same cards; they differ in {set(found) - {''} ^ set(CARDS)}"
        )
    made = []
    for name, told in found.items():
        if not name:
            continue
        sides = text.parts(told, level=3)
        head = dict(re.findall(r"(?m)^(In front|Layer|Settles): (.+)$", sides[""]))
        numbers = CARDS[name].numbers(seed)
        front, back = (text.filled(sides[side], numbers) for side in ("Front", "Back"))
        title = head.get("In front", name)
        made.append(Card(name, title, int(head["Layer"]), place(head["Settles"]), front, back, numbers))
    return tuple(made)


def write(folder: Path) -> list[Path]:
    """Write the sheets: fronts and backs by turns, for printing on both sides, turned at the long edge."""
    deck, sheets = cards(), []
    for first in range(0, len(deck), A_PAGE):
        four = [*deck[first : first + A_PAGE], *[None] * A_PAGE][:A_PAGE]
        sheets.append("".join(_front(card) for card in four))
        sheets.append("".join(_back(card) for card in (four[1], four[0], four[3], four[2])))
    about = text.parts(text.written("cards"))[""].partition("\n")[2]
    how = "<p>Print on both sides, turned at the long edge, at 100 %; cut along the lines.</p>"
    body = "\n".join(f'<div class="sheet">{sheet}</div>' for sheet in sheets)
    page = paper.page("Ten incident cards", f'<div class="about">{text.html_of(about)}{how}</div>\n{body}', _STYLE)
    return [paper.write(folder, "cards", page)]


def _front(card: Card | None) -> str:
    if card is None:
        return "<div></div>"
    asked = '<p class="foot">Which layer, and why?<br><br><br>Which one number would you ask for?</p>'
    return f'<div class="front"><h2>{text.inline(card.title)}</h2>{text.html_of(card.front)}{asked}</div>'


def _back(card: Card | None) -> str:
    if card is None:
        return "<div></div>"
    where = f"{text.inline(card.name)} · shown in notebook {card.at.notebook}, {text.inline(card.at.told)}"
    shows = f'<p class="foot">{where}</p>'
    return f"<div>{text.html_of(card.back)}{shows}</div>"
