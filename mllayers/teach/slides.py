"""Slides, one file for each layer, made from the solved notebooks: ``python -m mllayers slides``.

Nothing is marked for it in the notebooks: what becomes a slide follows from their sections. The title with what the
learner can do after it; the case; each prediction, and on the next slide what came out; the first table of the worked
example, and its last figure; the figures of the lessons, of the widget (as it stands at first) and of *When does it
flip?*, each with the sentence that reads it; the lines about money; the take-aways. What does not fit on a slide stands
in the notes, where the teacher also finds what to ask.

A file asks nothing of other machines and needs no server: pictures, style and script are in it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat

from mllayers._extras import absent
from mllayers._files import write_text
from mllayers.course.card import QUESTIONS
from mllayers.course.showing import for_readers

__all__ = ["Slide", "page", "slides", "write"]

ROOT = Path(__file__).resolve().parents[2]
_ROOM = {"case": 640, "figure": 230, "worked": 270, "money": 560, "notes": 1_150}  # characters that fit
_SHOWN = ("worked", "happened", "play", "flip")  # sections whose figures are shown
_CAME = re.compile(r"^Result\. (P\d-\d): you said (.+?), it came out at (.+?): (.+)\.$", re.MULTILINE)
_QUESTION = re.compile(r"""predict\(["'](P\d-\d)["']""")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ABOUT = re.compile(r"^\*About \d+ min.*\*$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_FOLD = re.compile(r"<details><summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
_TABLE = re.compile(r"<table.*?</table>", re.DOTALL)

# What to ask, by the kind of slide; the rest of the notes comes from the notebook.
_ASK = {
    "question": "Ask: everybody writes one number, alone, then shows it to a neighbour. Who is lowest, who highest?",
    "answer": "Ask: whose number was on the other side? What did you take for granted?",
    "worked": "Ask, before anybody computes: who said that price?",
    "happened": "Ask, before you read the sentence: what do you see first? Would a report at your work show it?",
    "play": "Ask: what will happen if we move it? Then move it in the notebook, in this section.",
    "flip": "Ask: which of these holds at your work? What would it do to the advice?",
    "money": "Ask: compared with what?",
    "case": "Ask: who decides what, when, and what does each outcome cost?",
}


@dataclass(frozen=True)
class Slide:
    """One slide.

    Attributes
    ----------
    title : str
        Its heading, as plain text.
    body : str
        What is shown, as HTML.
    notes : str
        What the presenter says and asks, as HTML.
    kind : str
        ``title``, ``text``, ``question``, ``answer``, ``table``, ``figure``, ``money`` or ``list``: how it is set.
    """

    title: str
    body: str
    notes: str
    kind: str


def slides(notebook: Any) -> list[Slide]:
    """The slides of one solved notebook, in the order of its sections.

    Parameters
    ----------
    notebook : notebook node
        A solved one, with its outputs.

    Returns
    -------
    list of Slide

    Raises
    ------
    ValueError
        If it holds no title, or a prediction whose result is not stored: then it has to be executed first.

    Examples
    --------
    >>> import nbformat
    >>> from mllayers.teach.slides import ROOT, slides
    >>> shown = slides(nbformat.read(ROOT / "notebooks" / "solved" / "01_data.ipynb", as_version=4))
    >>> shown[0].title
    'Layer 1 — Data: is the sample like the world?'
    """
    parts = dict(_sections(notebook))
    if "question" not in parts:
        raise ValueError("the notebook must have a section 'question' that opens with its title; got none")
    came = {id: told for cell in notebook.cells for id, *told in _CAME.findall(_text_of(cell))}
    found = [_first(parts)]
    found += _case(parts.get("case", []))
    found += _prediction(parts.get("prediction", []), came)
    found += _worked(parts.get("worked", []))
    found += _lessons(parts.get("happened", []), "happened")
    found += _play(parts.get("play", []), came)
    found += _lessons(parts.get("flip", []), "flip")
    found += _last(parts.get("take-aways", []), found[0].title)
    return found


def page(notebook: Any) -> str:
    """The slides of one notebook as one HTML file that asks nothing of other machines."""
    shown = slides(notebook)
    here = Path(__file__)
    parts = [_section(n, len(shown), slide) for n, slide in enumerate(shown, 1)]
    return _PAGE.format(
        title=html.escape(shown[0].title),
        style=here.with_name("slides.css").read_text(encoding="utf-8"),
        script=here.with_name("slides.js").read_text(encoding="utf-8"),
        slides="\n".join(parts),
    )


def write(folder: Path, notebooks: Path | None = None) -> list[Path]:
    """Write the slides of every layer into a folder, and a page that leads to them.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    notebooks : path of a folder, optional
        Where the solved notebooks are; by default those of the course.

    Returns
    -------
    list of Path
        The index first, then one file for each layer.
    """
    source = ROOT / "notebooks" / "solved" if notebooks is None else notebooks
    paths = sorted(source.glob("[0-9]*.ipynb"))
    if not paths:
        raise ValueError(f"there are no solved notebooks in {source}: slides are made in a copy of the whole project")
    folder.mkdir(parents=True, exist_ok=True)
    made, links = [], []
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        made.append(folder / f"{path.stem}.html")
        write_text(made[-1], page(notebook))
        links.append(f'<li><a href="{path.stem}.html">{html.escape(_title(notebook.cells[0].source))}</a></li>')
    index = folder / "index.html"
    write_text(index, _INDEX.format(links="\n".join(links)))
    return [index, *made]


def _sections(notebook: Any) -> Iterator[tuple[str, list[Any]]]:
    """The sections of the core path and their cells."""
    cells: list[Any] = []
    for cell in notebook.cells:
        name = cell.metadata.get("mllayers", {}).get("section")
        if name:
            cells = []
            if "optional" not in cell.metadata.get("tags", ()):
                yield name, cells
        cells.append(cell)


def _first(parts: dict[str, list[Any]]) -> Slide:
    """The question of the layer, where it stands among the five, and what can be done after it."""
    source = parts["question"][0].source
    blocks = _blocks(source)
    goals = next((block for block in blocks if block.startswith("- ")), "")
    strip = next((block for block in blocks if "→" in block), "")
    before = [block for block in blocks if block not in (goals, strip)]
    warm = [f"<b>{_inline(q)}</b> {_inline(a)}" for q, a in _FOLD.findall(_joined(parts.get("warm-up", [])))]
    notes = [_markdown(block.removesuffix("After this notebook you can")) for block in before[:1]]
    notes += [f"<p>To warm up, ask:</p><ul>{''.join(f'<li>{line}</li>' for line in warm)}</ul>"] if warm else []
    return Slide(_title(source), _markdown(f"{strip}\n\nAfter this you can\n\n{goals}"), _notes("", notes), "title")


def _case(cells: list[Any]) -> Iterator[Slide]:
    """Who decides what, at which prices; a table of the text gets a slide of its own."""
    for cell in (cell for cell in cells if cell.cell_type == "markdown"):
        blocks = _blocks(cell.source)
        tables = [block for block in blocks if block.startswith("|")]
        shown, rest = _fitting([block for block in blocks if block not in tables], _ROOM["case"])
        if tables and shown:  # the sentence before the table belongs to it
            before = blocks[blocks.index(tables[0]) - 1]
            shown = [block for block in shown if block != before]
            rest = [block for block in rest if block != before]
        title = _title(cell.source)
        yield Slide(title, _markdown("\n\n".join(shown)), _notes("case", map(_markdown, rest)), "text")
        for table in tables:
            yield Slide(title, _markdown(f"{before}\n\n{table}"), _notes("case", []), "table")


def _prediction(cells: list[Any], came: dict[str, list[str]]) -> Iterator[Slide]:
    """The question of a section, and on the next slide what came out."""
    asked = [block for cell in cells if cell.cell_type == "markdown" for block in _blocks(cell.source)]
    for id in _QUESTION.findall(_joined(cells)):
        yield from _asked(id, _title(cells[0].source), asked, [], came)


def _asked(
    id: str, title: str, asked: list[str], tasks: list[str], came: dict[str, list[str]], picture: str = ""
) -> Iterator[Slide]:
    if id not in came:
        raise ValueError(f"the result of {id} is not stored: run `python -m mllayers build --execute` first")
    guess, result, miss = came[id]
    yield Slide(f"{title} ({id})", _markdown("\n\n".join(asked)), _notes("question", map(_markdown, tasks)), "question")
    body = f"<p class=result>{html.escape(result)}</p>"
    said = f"<p>The solved notebook guesses {html.escape(guess)}: {html.escape(miss)}.</p>"
    if picture:
        body = f"<p>It came out at <b>{html.escape(result)}</b>.</p>{picture}"
        yield Slide(f"{title} ({id})", body, _notes("play", [said, *map(_markdown, tasks)]), "figure")
    else:
        before = "<p>It may come later in the notebook: the worked example stands between question and result.</p>"
        yield Slide(f"{id}: it came out at", body, _notes("answer", [said, before]), "answer")


def _worked(cells: list[Any]) -> Iterator[Slide]:
    """The first table of the worked example once the outcomes are priced, and its last figure."""
    priced = next((n for n, cell in enumerate(cells) if "### 2. " in cell.source), 0)
    title = _title(cells[0].source) if cells else ""
    for n, cell in enumerate(cells[priced:], priced):
        if table := _table(cell):
            steps = "\n\n".join(_blocks("\n\n".join(c.source for c in cells[:n] if c.cell_type == "markdown"), True))
            asked = (_blocks(cells[n - 1].source) or [""])[-1] if n else ""
            above = _fitting(_sentences(asked), _ROOM["worked"])[0]
            notes = [_markdown(steps), *_after(cells, n)]
            yield Slide(title, _markdown(" ".join(above)) + table, _notes("worked", notes), "table")
            break
    yield from list(_figures(cells, "worked"))[-1:]


def _lessons(cells: list[Any], section: str) -> Iterator[Slide]:
    """The figures of a section, or its table where it has none; then its lines about money."""
    shown = list(_figures(cells, section))
    if not shown:
        tables = [(n, table) for n, cell in enumerate(cells) if (table := _table(cell))]
        for n, table in tables[:1]:
            before = [block for cell in cells[:n] for block in _blocks(cell.source) if cell.cell_type == "markdown"]
            above = "".join(map(_markdown, _fitting(before[-1:], _ROOM["figure"])[0]))
            shown = [Slide(_title(cells[0].source), above + table, _notes(section, _after(cells, n)), "table")]
    yield from shown
    lines = [text for cell in cells for text in _said(cell) if _is_headline(text)]
    if lines:
        told, rest = _fitting([block for text in lines for block in _blocks(text)], _ROOM["money"])
        title = _title(cells[0].source) if section == "flip" else "The money of this layer"
        yield Slide(title, _markdown("\n\n".join(told)), _notes("money", map(_markdown, rest)), "money")


def _play(cells: list[Any], came: dict[str, list[str]]) -> Iterator[Slide]:
    """The question before the widget; then its still picture with what came out."""
    pictures = list(_figures(cells, "play"))[:1]
    asked, tasks, title = [], [], _title(cells[0].source) if cells else ""
    blocks = [block for cell in cells if cell.cell_type == "markdown" for block in _blocks(cell.source)]
    for n, block in enumerate(blocks):
        if block.startswith("**Predict"):
            sentences = _sentences(block)
            last = max(k for k, sentence in enumerate(sentences) if "?" in sentence)
            asked = [*blocks[max(n - 1, 0) : n], " ".join(sentences[: last + 1])]
            tasks = [" ".join(sentences[last + 1 :]), *blocks[n + 1 : n + 2]]
            break
    asked = _fitting(asked[:-1], _ROOM["figure"])[0] + asked[-1:]
    for id in _QUESTION.findall(_joined(cells))[:1]:
        yield from _asked(id, title, asked, [task for task in tasks if task], came, "".join(p.body for p in pictures))


def _last(cells: list[Any], title: str) -> Iterator[Slide]:
    """The sentences to take away; in the notes the questions to test oneself, the card's, and the next layer."""
    blocks = _blocks(_joined(cells[:1]))
    tests = [f"<b>{_inline(q)}</b> {_inline(a)}" for q, a in _FOLD.findall(_joined(cells))]
    following = [block for block in blocks if block.startswith("**Next")]
    card = QUESTIONS.get(f"0{title.split()[1]}", {}) if title.split()[1:] else {}
    notes = [f"<p>Ask:</p><ul>{''.join(f'<li>{line}</li>' for line in tests)}</ul>"] if tests else []
    notes += [f"<p>Of a system of your own: {html.escape(question)}</p>" for question in list(card.values())[:1]]
    notes += map(_markdown, following)
    for block in blocks:
        if block.startswith("1. "):
            yield Slide("Take-aways", _markdown(block), _notes("", notes), "list")
            break


def _figures(cells: list[Any], section: str) -> Iterator[Slide]:
    """A slide for each figure that a section shows: the picture, the sentence that reads it, what it means."""
    title = ""
    for n, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            title = (_HEADING.findall(cell.source) or [title])[-1]
            continue
        outputs = cell.get("outputs", [])
        for k, output in enumerate(outputs):
            picture = output.get("data", {}).get("image/png")
            if not picture:
                continue
            about = output.metadata["image/png"]
            read = [text for later in outputs[k + 1 : k + 3] if (text := _reading(later))][:1]
            more = [text for text in _said(cell) if not _is_headline(text)] if output is _last_picture(outputs) else []
            told, rest = _fitting([s for text in [*read, *more] for s in _sentences(text)], _ROOM["figure"])
            code = "".join(picture.split())
            drawn = f'<img alt="{html.escape(about["alt"])}" src="data:image/png;base64,{code}"'
            drawn += f' width="{about["width"]}" height="{about["height"]}">'
            notes = [_markdown(" ".join(rest))] * bool(rest) + _after(cells, n)
            body = f"{drawn}{_markdown(' '.join(told))}"
            yield Slide(_short(title), body, _notes(section, notes), "figure")


def _last_picture(outputs: list[Any]) -> Any:
    return [output for output in outputs if "image/png" in output.get("data", {})][-1]


def _reading(output: Any) -> str:
    """The sentence that stands under a figure, as Markdown; nothing for other outputs."""
    data = output.get("data", {})
    if "image/png" in data or "text/html" not in data:
        return ""
    found = re.search(r"<(?:p|div)[^>]*>(.*?)</(?:p|div)>", data["text/html"], re.DOTALL)
    return _plain_text(found[1]) if found else ""


def _said(cell: Any) -> list[str]:
    """What a cell says in words: its outputs that are Markdown."""
    return [
        output["data"]["text/markdown"]
        for output in cell.get("outputs", [])
        if "text/markdown" in output.get("data", {}) and "text/html" not in output["data"]
    ]


def _is_headline(text: str) -> bool:
    """Whether a sentence stands for itself: it opens with what it is about, in bold."""
    return text.lstrip("- ").startswith("**")


def _after(cells: list[Any], n: int) -> list[str]:
    """What the notebook says right after a cell, up to its next heading, for the notes."""
    if n + 1 >= len(cells) or cells[n + 1].cell_type != "markdown":
        return []
    before = re.split(r"^#", cells[n + 1].source, maxsplit=1, flags=re.MULTILINE)[0]
    return [_markdown(block) for block in _blocks(before)]


def _table(cell: Any) -> str:
    """The first table that a cell shows, for readers of every kind; nothing where there is none."""
    for output in cell.get("outputs", []):
        if found := _TABLE.search(output.get("data", {}).get("text/html", "") if "metadata" in output else ""):
            bare = re.sub(r' (?:border|style)="[^"]*"', "", found[0])
            head, body = bare.split("<tbody>")
            head = re.sub(r"_(?=\w)", "_<wbr>", head)  # a long name of a column may be broken here
            return for_readers(f"{head}<tbody>{re.sub(r'>-(?=[0-9])', '>−', body)}")
    return ""


def _text_of(cell: Any) -> str:
    return "\n".join(output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", []))


def _title(source: str) -> str:
    return _plain((_HEADING.findall(source) or [""])[0])


def _short(heading: str) -> str:
    """A heading without what counts it: *Lesson 1: …*, *5. …*."""
    told = _plain(re.sub(r"^(Lesson \d+: |\d+\. )", "", heading))
    return told[:1].upper() + told[1:]


def _plain(markdown: str) -> str:
    """Words alone."""
    return re.sub(r"[*`]", "", _LINK.sub(r"\1", markdown)).strip()


def _plain_text(code: str) -> str:
    """The words of a piece of HTML, in which a star is no mark-up."""
    return html.unescape(re.sub(r"<[^>]+>", "", code)).replace("*", r"\*")


def _joined(cells: list[Any]) -> str:
    return "\n\n".join(cell.source for cell in cells)


def _blocks(markdown: str, headings: bool = False) -> list[str]:
    """The paragraphs, lists and tables of a text; the headings within it only when asked for, as bold lines."""
    text = _FOLD.sub("", _ABOUT.sub("", _LINK.sub(r"\1", markdown)))
    text = re.sub(r"^### (.+)$", r"\n\n**\1**\n\n", text, flags=re.MULTILINE) if headings else text
    text = _HEADING.sub("", text)
    return [block.strip() for block in re.split(r"\n\s*\n", text) if block.strip()]


def _sentences(text: str) -> list[str]:
    """The sentences of a paragraph; a full stop within brackets or a number ends none."""
    return [
        part for part in re.split(r"(?<=[.?!])(?:(?<=\w\w[.?!])|(?<=[)%\d*][.?!]))\s+(?=[A-Z0-9\"“*])", text) if part
    ]


def _fitting(parts: list[str], room: int) -> tuple[list[str], list[str]]:
    """The first parts that fit into so many characters (always one of them), and the rest."""
    used = 0
    for n, part in enumerate(parts):
        used += len(_plain_text(part))
        if n and used > room:
            return parts[:n], parts[n:]
    return parts, []


def _notes(kind: str, blocks: Any) -> str:
    """What the presenter says and asks: as much as fits on half a printed page."""
    told = [f"<p>{html.escape(_ASK[kind])}</p>"] if kind in _ASK else []
    return "\n".join(_fitting([*told, *blocks], _ROOM["notes"])[0])


def _inline(text: str) -> str:
    return _markdown(text).removeprefix("<p>").removesuffix("</p>")


def _markdown(text: str) -> str:
    told = str(_renderer()(text)).strip()
    return re.sub(r"−(?=\$|<span>\$)", "−\u2060", told)  # a minus is not parted from its dollars


@cache
def _renderer() -> Any:
    try:
        import mistune  # comes with JupyterLab, which renders exported notebooks with it
    except ModuleNotFoundError as error:
        raise absent("a page of slides", "course", error) from None
    return mistune.create_markdown(escape=False, plugins=["table"])


def _section(n: int, of: int, slide: Slide) -> str:
    tag = "h1" if slide.kind == "title" else "h2"
    return (
        f'<section class="slide {slide.kind}" id="{n}" aria-labelledby="t{n}" aria-roledescription="slide">\n'
        f'<div class="face"><{tag} id="t{n}" tabindex="-1">{html.escape(slide.title)}</{tag}>\n'
        f'<div class="body">{slide.body}</div></div>\n'
        f'<aside class="notes" aria-label="Notes to slide {n}" tabindex="0">{slide.notes}</aside>\n'
        f'<p class="number">{n} / {of}</p></section>'
    )


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style></head>
<body>
<main>
{slides}
</main>
<nav aria-label="Slides">
<button id="back" aria-label="Previous slide">←</button>
<button id="next" aria-label="Next slide">→</button>
<button id="all" aria-expanded="false">Overview</button>
<button id="note" aria-pressed="false">Notes</button>
<button id="second">Second window</button>
<button id="dark">Dark or light</button>
</nav>
<p id="said" role="status"></p>
<ol id="overview" hidden></ol>
<script>
{script}</script>
</body></html>
"""
_INDEX = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slides</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.5rem/1.5 "DejaVu Sans", Arial, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }}
</style></head><body><main><h1>Slides</h1>
<ol>
{links}
</ol>
<p>Arrow keys, Page Up and Page Down, Home and End; O for all slides, N for the notes, P for a second window with the
notes, D for dark or light. To print them: two on a page, with their notes.</p>
</main></body></html>
"""
