"""Pages to print: the cheat sheet and the glossary, as ``python docs/handouts.py FOLDER`` writes them.

Each is one HTML file that asks nothing of other machines. The questions are the titles of the notebooks, the code their
cells to take along; nothing of that is written here a second time. With ``--pdf`` Chromium prints both.
"""

from __future__ import annotations

import ast
import html
import re
import sys
from pathlib import Path
from typing import Any

import nbformat

from mllayers.teach import paper

ROOT = Path(__file__).resolve().parent.parent
# The one formula of each layer: what it says, and how it is written (MathML, which a browser sets by itself).
FORMULAS = {
    "1": (
        "A rate from unequal chances of being looked at",
        "<mover><mi>y</mi><mo>¯</mo></mover><mo>=</mo><mfrac><mrow><mo>∑</mo><msub><mi>y</mi><mi>i</mi></msub><mo>/</mo>"
        "<msub><mi>π</mi><mi>i</mi></msub></mrow><mrow><mo>∑</mo><mn>1</mn><mo>/</mo><msub><mi>π</mi><mi>i</mi></msub>"
        "</mrow></mfrac>",
        "y: what the check found; π: the chance that this case was checked",
    ),
    "2": (
        "What a model is worth",
        "<mtext>worth</mtext><mo>=</mo><msub><mtext>$</mtext><mtext>with</mtext></msub><mo>−</mo><msub><mtext>$</mtext>"
        "<mtext>without</mtext></msub>",
        "dollars of the best decision with the scores, and without them: nobody, everybody, or the base rate at each "
        "case's own prices",
    ),
    "3": (
        "Act from this probability on",
        "<mi>t</mi><mo>=</mo><mfrac><mi>a</mi><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow></mfrac>",
        "a: what acting on a good case costs, all told; b: what leaving a bad one alone costs",
    ),
    "4": (
        "Before every action",
        "<mtext>EV</mtext><mo>=</mo><mo>(</mo><msub><mi>P</mi><mtext>with</mtext></msub><mo>−</mo><msub><mi>P</mi>"
        "<mtext>without</mtext></msub><mo>)</mo><mo>×</mo><mtext>value</mtext><mo>−</mo><mtext>cost</mtext>",
        "P: of the good outcome, with the action and without it",
    ),
    "5": (
        "What another policy would have earned",
        "<mi>V</mi><mo>=</mo><mfrac><mrow><mo>∑</mo><msub><mi>w</mi><mi>i</mi></msub><msub><mi>r</mi><mi>i</mi></msub>"
        "</mrow><mrow><mo>∑</mo><msub><mi>w</mi><mi>i</mi></msub></mrow></mfrac><mo>,</mo><mspace width='0.6em'/>"
        "<msub><mi>w</mi><mi>i</mi></msub><mo>=</mo><mfrac><mrow><mo>[</mo><mtext>same action</mtext>"
        "<mo>]</mo></mrow><msub><mi>p</mi><mi>i</mi></msub></mfrac>",
        "same action: 1 where it would have done what was done; p: the chance of that; r: dollars that came of it",
    ),
}
SENTENCE = "Before any code, one sentence: <em>who decides what, so that which outcome happens.</em>"
_CHEAT = """article { border-top: 1px solid; padding: .35em 0; display: grid; gap: .2em 1.2em; }
article > * { min-width: 0; } math { font-size: 1.15em; } pre { font-size: .8em; line-height: 1.25; }
@media (min-width: 60rem) { article { grid-template-columns: 2fr 3fr; } }
@media print { @page { size: A4; margin: 8mm 9mm; }
  body { font-size: 8.6pt; margin: 0; max-width: none; padding: 0; } pre { font-size: 7pt; }
  article { grid-template-columns: 34% 1fr; break-inside: avoid; padding: .25em 0; } }"""
_GLOSSARY = """dl { columns: 2; column-gap: 2rem; } dt { font-weight: bold; break-after: avoid; }
dd { margin: 0 0 .5em; break-inside: avoid; }
@media (max-width: 44rem) { dl { columns: 1; } }
@media print { @page { size: A4; margin: 12mm; }
  body { font-size: 8.4pt; margin: 0; max-width: none; padding: 0; } }"""


def layers() -> list[tuple[str, str, str, str, str]]:
    """For each layer its title with the question, what its formula says, the formula, its letters, and the code."""
    found = []
    for path in sorted((ROOT / "notebooks" / "solved").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        number, name, question = re.findall(r"^# Layer (\d) — (\w+): (.+)$", notebook.cells[0].source, re.MULTILINE)[0]
        says, formula, letters = FORMULAS[number]
        written = f'<math display="block">{formula}</math>'
        found.append((f"{number} {name}: {question}", says, written, letters, lift_out(notebook)))
    return found


def cheat_sheet() -> str:
    """One page to print: for each layer its question, its formula, and the function to take along."""
    parts = [
        f"<article><div><h2>{html.escape(title)}</h2><p>{says}:</p>{formula}<p><small>{letters}</small></p></div>"
        f"<pre><code>{html.escape(in_short(code))}</code></pre></article>"
        for title, says, formula, letters, code in layers()
    ]
    return paper.page(
        "After the prediction: five layers on one page", "\n".join([f"<p>{SENTENCE}</p>", *parts]), _CHEAT
    )


def glossary() -> str:
    """The words of the course; the number is the notebook that teaches them."""
    said = [f"<dt>{html.escape(word)} ({n})</dt><dd>{html.escape(means)}</dd>" for word, n, means in terms()]
    return paper.page("Glossary", f"<p>The number is the notebook.</p>\n<dl>{''.join(said)}</dl>", _GLOSSARY)


def terms() -> list[tuple[str, int, str]]:
    """Word, notebook and meaning, from ``docs/glossary.md``."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    found = re.findall(r"^\*\*(.+?)\*\* \((\d)\)\n: (.+)$", text, flags=re.MULTILINE)
    return [(word, int(n), means.replace("*", "")) for word, n, means in found]


def lift_out(notebook: Any) -> str:
    """The cell of a notebook that pastes into any project."""
    return next(str(cell.source) for cell in notebook.cells if "lift-out" in cell.metadata.get("tags", []))


def defined(source: str) -> str:
    """The function that a cell to take along defines."""
    return next(node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))


def in_short(source: str) -> str:
    """Code without empty lines and with the first line of its docstrings, for a page that has to fit."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and (said := ast.get_docstring(node)):
            told = node.body[0]
            lines[told.lineno - 1] = f'{" " * told.col_offset}"""{said.splitlines()[0]}"""'
            for n in range(told.lineno, told.end_lineno or told.lineno):
                lines[n] = ""
    return "\n".join(line for line in lines if line.strip())


def write(folder: Path, *, pdf: bool = False) -> list[Path]:
    """Write both pages, and print them if asked to; what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, text in (("cheatsheet", cheat_sheet()), ("glossary", glossary())):
        made.append(folder / f"{name}.html")
        made[-1].write_text(text, encoding="utf-8")
    return made + (paper.printed(made) if pdf else [])


if __name__ == "__main__":
    for written in write(Path(sys.argv[1]), pdf="--pdf" in sys.argv):
        print(f"wrote {written} ({written.stat().st_size / 1000:.0f} kB)")
