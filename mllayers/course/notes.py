"""How the course answers a learner: notes and pages that show themselves once, and read the same in every form.

Whatever a learner wrote is shown as text, exactly as written: no mark-up, no link, no picture, no formula.
"""

from __future__ import annotations

import html
import re
import sys
from dataclasses import dataclass
from typing import Any, Literal

Tone = Literal["good", "wait", "problem", "plain"]

# Line colours that read on a light and on a dark page. The first word of a note carries the meaning, never the colour.
_LINES: dict[Tone, str] = {
    "good": "var(--jp-success-color1, #2e9d4f)",
    "wait": "var(--jp-info-color1, #3d8fd1)",
    "problem": "var(--jp-warn-color1, #d9822b)",
    "plain": "var(--jp-border-color1, #8a8a8a)",
}
# Alone in an element of its own, neither sign can begin or end a formula: MathJax looks within one text at a time.
_DOLLAR, _BACKSLASH = "<span>&#36;</span>", "<span>&#92;</span>"
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Shown:
    """An answer that is on the page as soon as it is given, wherever in a cell, and never twice in one cell.

    In a notebook (or IPython) `show` puts it there at once; as the last expression of that cell, or given to
    ``display`` there, it adds nothing; in a later cell it shows itself again. Plain Python only returns it.
    """

    _cell: Any = None

    def show(self) -> Any:
        """Put it on the page, if there is one; returns it."""
        cell = _running_cell()
        if cell is not None:
            from IPython.display import display

            object.__setattr__(self, "_cell", cell)
            display({"text/html": self._repr_html_(), "text/plain": repr(self)}, raw=True)
        return self

    def _repr_html_(self) -> str:
        raise TypeError(f"{type(self).__name__} must say itself as HTML")

    def _ipython_display_(self) -> None:
        if self._cell is None or self._cell != _running_cell():
            self.show()


def _running_cell() -> Any:
    """The cell that runs now; nothing in plain Python."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return None if shell is None else (id(shell), shell.execution_count)


@dataclass(frozen=True, repr=False)
class Note(Shown):
    """A word that says how it stands (*Correct*, *Not yet*, *Ready*) and the lines that explain it."""

    word: str
    lines: tuple[str, ...]
    tone: Tone = "plain"

    def __repr__(self) -> str:
        return f"{self.word}. " + "\n".join(self.lines)

    def _repr_html_(self) -> str:
        body = "<br>".join(line_html(line) for line in self.lines)
        style = f"border-left: 4px solid {_LINES[self.tone]}; padding: 0.3em 0.8em; margin: 0.3em 0"
        return f'<div style="{style}"><strong>{text_html(self.word)}.</strong> {body}</div>'


@dataclass(frozen=True)
class Quote:
    """What a learner wrote: a part of a `Page`, shown as it is."""

    text: str

    def plain(self) -> str:
        """Set in by two blanks."""
        return "\n".join(f"  {line}".rstrip() for line in self.text.split("\n"))

    def html(self) -> str:
        """A block of its own, in whatever direction its script runs."""
        style = "white-space: pre-wrap; margin: 0.1em 0 0.8em 1.2em"
        return f'<div dir="auto" style="{style}">{text_html(self.text)}</div>'


@dataclass(frozen=True)
class Code:
    """Python code: a part of a `Page`."""

    text: str

    def plain(self) -> str:
        """Fenced."""
        return f"```python\n{self.text}\n```"

    def html(self) -> str:
        """In the typeface of code, where no formula is set."""
        return f"<pre><code>{html.escape(self.text)}</code></pre>"


@dataclass(frozen=True)
class Table:
    """A small table of words: a part of a `Page`. The first entry of a row names it."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def plain(self) -> str:
        """A line a row."""
        lines = [self.head, tuple("---" for _ in self.head), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def html(self) -> str:
        """With a caption and headers that a screen reader can follow."""
        head = "".join(f'<th scope="col">{line_html(x)}</th>' if x else "<td></td>" for x in self.head)
        rows = "".join(
            f'<tr><th scope="row">{line_html(name)}</th>{"".join(f"<td>{line_html(x)}</td>" for x in rest)}</tr>'
            for name, *rest in self.rows
        )
        caption = f"<caption>{line_html(self.caption)}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


@dataclass(frozen=True, repr=False)
class Page(Shown):
    """Several parts below each other: sentences of the course, and quotes, code and tables."""

    parts: tuple[str | Quote | Code | Table, ...]

    def __repr__(self) -> str:
        return "\n\n".join(part if isinstance(part, str) else part.plain() for part in self.parts)

    def _repr_html_(self) -> str:
        return "\n".join(f"<p>{line_html(part)}</p>" if isinstance(part, str) else part.html() for part in self.parts)


def text_html(text: str) -> str:
    """A text exactly as it was written: no mark-up, no link, no formula."""
    text = html.escape(_UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n")))
    return text.replace("$", _DOLLAR).replace("\\", _BACKSLASH).replace("\n", "<br>")


def line_html(line: str) -> str:
    """A sentence of the course: as `text_html`, with `code`, **bold** and *italics*."""
    parts = re.split(r"`([^`]+)`", text_html(line))
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = f"<code>{part}</code>"
        else:
            bold = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", part)
            parts[i] = re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"<em>\1</em>", bold)
    return "".join(parts)


def safe_dollars(markdown: str, *, formulas: bool = True) -> str:
    """Markdown whose dollars, escaped or not, are dollars; code, and formulas that were meant, stay as they are.

    Examples
    --------
    >>> safe_dollars("From \\\\$5 to $7; $p V$ and `$x`.")
    'From <span>&#36;</span>5 to <span>&#36;</span>7; $p V$ and `$x`.'
    """
    parts = (MEANT if formulas else CODE).split(markdown)
    return "".join(part if i % 2 else re.sub(r"\\?\$", _DOLLAR, part) for i, part in enumerate(parts))


_CODE = r"^```.*?^```|^~~~.*?^~~~|``.*?``|`[^`\n]*`"
_FORMULA = r"\$\$.*?\$\$|(?<![\\$])\$(?![\d\s$])[^$\n]*?(?<![\\\s])\$(?!\d)|\\\(.*?\\\)"
CODE = re.compile(f"({_CODE})", re.DOTALL | re.MULTILINE)
"""Code in Markdown."""
MEANT = re.compile(f"({_CODE}|{_FORMULA})", re.DOTALL | re.MULTILINE)
"""Code and formulas in Markdown: what stands between dollars on purpose begins with neither a digit nor a blank."""
