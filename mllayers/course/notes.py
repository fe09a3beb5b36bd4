"""How the course answers a learner: short notes that read the same as HTML, as Markdown and as plain text."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "wait", "problem", "plain"]

# Line colours that read on a light and on a dark page. The first word of a note carries the meaning, never the colour.
_LINES: dict[Tone, str] = {
    "good": "var(--jp-success-color1, #2e9d4f)",
    "wait": "var(--jp-info-color1, #3d8fd1)",
    "problem": "var(--jp-warn-color1, #d9822b)",
    "plain": "var(--jp-border-color1, #8a8a8a)",
}


@dataclass(frozen=True, repr=False)
class Note:
    """A word that says how it stands (*Correct*, *Not yet*, *Ready*) and the lines that explain it."""

    word: str
    lines: tuple[str, ...]
    tone: Tone = "plain"

    def __repr__(self) -> str:
        return f"{self.word}. " + "\n".join(self.lines)

    def _repr_html_(self) -> str:
        body = "<br>".join(_inline_html(line) for line in self.lines)
        style = f"border-left: 4px solid {_LINES[self.tone]}; padding: 0.3em 0.8em; margin: 0.3em 0"
        return f'<div style="{style}"><strong>{html.escape(self.word)}.</strong> {body}</div>'


@dataclass(frozen=True, repr=False)
class Page:
    """A piece of Markdown: shown formatted in a notebook, as it is written elsewhere."""

    markdown: str

    def __repr__(self) -> str:
        return self.markdown

    def _repr_markdown_(self) -> str:
        return _dollars_are_money(self.markdown)


def _inline_html(line: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _dollars_are_money(html.escape(line, quote=False)))


def _dollars_are_money(text: str) -> str:
    """Keep notebooks from setting what stands between two dollar signs as a formula; code stays as it is."""
    parts = re.split(r"(```.*?```|`[^`\n]*`)", text, flags=re.DOTALL)
    return "".join(part if i % 2 else part.replace("$", "<span>&#36;</span>") for i, part in enumerate(parts))
