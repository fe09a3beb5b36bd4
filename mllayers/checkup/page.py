"""A checkup as a page: of text, in a notebook, and as one HTML file that asks nothing of other machines."""

from __future__ import annotations

import html
import math
import textwrap
from typing import TYPE_CHECKING, Any

import pandas as pd

from mllayers._extras import absent
from mllayers._results import DOLLAR
from mllayers._words import count, dollars, percent, plain, points, span_told

if TYPE_CHECKING:
    from mllayers.checkup.answers import Answer, Checkup, Section

__all__ = ["as_page", "as_text", "for_notebook"]

_WIDE, _ROWS = 110, 40


# text ---------------------------------------------------------------------------------------------------------------


def as_text(report: Checkup) -> str:
    """The page for a terminal."""
    told = [f"Checkup of {report.source}: {count(report.rows, 'row')}"]
    told += _wrapped(_roles(report), "  ")
    for section in report.sections:
        told += ["", section.title]
        for answer in section.answers:
            told += ["", *_wrapped(answer.question, "  ● ", "    "), *_wrapped(answer.says, "    ")]
            told += _wrapped(f"Trust: {answer.trust}", "    ")
        if section.gaps:
            told += ["", "  What this file cannot answer"]
        for gap in section.gaps:
            told += _wrapped(f"{gap.question} {_sentence(gap.why)} {_sentence(gap.needs)}", "  ○ ", "    ")
    if report.left_out:
        told += ["", *_wrapped(_left_out(report), "  ")]
    return "\n".join(told)


def _wrapped(text: str, first: str, rest: str = "") -> list[str]:
    rest = rest or first
    return textwrap.wrap(text, _WIDE, initial_indent=first, subsequent_indent=rest, break_long_words=False)


def _roles(report: Checkup) -> str:
    return "; ".join(f"{role}: {_role(x)}" for role, x in report.roles.items()) or "no role was named"


def _role(x: Any) -> str:
    if isinstance(x, dict):
        return ", ".join(f"{name} {plain(float(chance))}" for name, chance in x.items())
    if isinstance(x, tuple):
        return " to ".join(map(_role, x))
    return plain(float(x)) if isinstance(x, (int, float)) and not isinstance(x, bool) else str(x)


def _left_out(report: Checkup) -> str:
    return "Not compared: " + "; ".join(f"{name} ({why})" for name, why in report.left_out.items()) + "."


def _sentence(text: str) -> str:
    """A sentence that begins large and ends with a full stop."""
    text = text.strip().rstrip(".")
    return f"{text[0].upper()}{text[1:]}." if text else ""


# HTML ---------------------------------------------------------------------------------------------------------------

_STYLE = """
:root { color-scheme: light dark; --face: #fefdfb; --ink: #1f1f1f; --soft: #54504a; --line: #d8d3ca; --card: #f4f1ea;
  --link: #0a5c94; --mark: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --face: #16181b; --ink: #ecebe7; --soft: #b9b5ad; --line: #3b3f45;
  --card: #202327; --link: #8cc6ef; --mark: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--face); color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 60rem; margin: 0 auto; padding: 0 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 1.5rem 0 .5rem; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 3rem 0 .5rem; padding-top: .8rem; border-top: 3px solid var(--mark); }
h3 { font-size: 1.05rem; margin: 0 0 .4rem; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--mark);
  outline-offset: 2px; }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; list-style: none; padding: 0; }
article { margin: 1.2rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: 8px; }
.number { font-size: 1.5rem; font-weight: 650; margin: .2rem 0; }
.number small { font-size: .95rem; font-weight: 400; color: var(--soft); }
.trust, .facts { color: var(--soft); font-size: .93rem; }
.table, pre { overflow-x: auto; max-width: 100%; }
.figure { background: #fefdfb; border-radius: 6px; margin: .8rem 0; overflow: hidden; }
.figure img { display: block; width: 100%; height: auto; }
@media (max-width: 38rem) { article { padding: .8rem .6rem; } }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--link); padding: .2rem 0; }
table { border-collapse: collapse; font-size: .88rem; }
caption { text-align: left; color: var(--soft); padding: .2rem 0; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th[scope="row"], thead th:first-child { text-align: left; }
pre { background: var(--card); padding: .7rem; border-radius: 6px;
  font: .85rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
.open li { margin: .5rem 0; }
footer { color: var(--soft); font-size: .9rem; padding-bottom: 3rem; margin-top: 3rem; }
"""


def as_page(report: Checkup) -> str:
    """The whole page as one file."""
    title = f"Checkup of {report.source}"
    links = "".join(f'<li><a href="#{s.name}">{_text(s.title.partition(":")[0])}</a></li>' for s in report.sections)
    body = "\n".join(_section(section) for section in report.sections)
    left = f"<p>{_text(_left_out(report))}</p>" if report.left_out else ""
    where = "the frame of the engine" if report.in_engine else "the file in pandas"
    opening = _code(report.opening, f"How every answer begins: {where}")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{_text(title)}</h1>
<p>{_text(_summary(report))}</p>
<p class="facts">{_text(_roles(report))}</p>
<nav aria-label="Layers"><ul>{links}</ul></nav>
</header>
<main>
{opening}
{body}
</main>
<footer>
{left}
<p>{_text(_FOOT)}</p>
</footer>
</body>
</html>
"""


_FOOT = (
    "No role of a column was guessed. Each answer shows the lines that produced it. A number with an interval says how "
    "far chance alone can have moved it, and nothing about what the file does not hold."
)


def _summary(report: Checkup) -> str:
    answers, gaps = len(report.answers), len(report.gaps)
    return (
        f"{count(report.rows, 'row')}; {count(answers, 'question')} answered, {count(gaps, 'question')} that this file "
        "cannot answer."
    )


def for_notebook(report: Checkup) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """What a notebook shows, output by output, each with its metadata: figures as pictures, all else as HTML."""
    head = f"<p><strong>{_text(f'Checkup of {report.source}')}</strong>: {_text(_summary(report))}</p>"
    shown: list[tuple[dict[str, str], dict[str, Any]]] = [_as_output(head, f"Checkup of {report.source}")]
    for section in report.sections:
        shown.append(_as_output(f"<p><strong>{_text(section.title)}</strong></p>", section.title))
        for answer in section.answers:
            shown.append(_drawn(answer))
            told = f"<p><strong>{_text(answer.question)}</strong> {_text(answer.says)}</p>\n"
            told += f"<p><em>{_text(answer.trust)}</em></p>\n{_folded_table(answer)}{_code(answer.code, 'The lines')}"
            shown.append(_as_output(told, f"{answer.question} {answer.says} {answer.trust}"))
        if section.gaps:
            plain_gaps = "\n".join(str(gap) for gap in section.gaps)
            shown.append(_as_output(_open_questions(section), plain_gaps))
    if report.left_out:
        shown.append(_as_output(f"<p>{_text(_left_out(report))}</p>", _left_out(report)))
    return shown


def _as_output(page: str, text: str) -> tuple[dict[str, str], dict[str, Any]]:
    return {"text/html": page, "text/plain": text}, {}


def _section(section: Section) -> str:
    articles = "\n".join(_article(answer) for answer in section.answers)
    return f'<section id="{section.name}" aria-labelledby="h-{section.name}">\n' \
           f'<h2 id="h-{section.name}">{_text(section.title)}</h2>\n{articles}\n{_open_questions(section, "h3")}\n' \
           "</section>"  # fmt: skip


def _article(answer: Answer) -> str:
    return f"""<article id="{answer.key}">
<h3>{_text(answer.question)}</h3>
<p class="number">{_text(number_told(answer))}</p>
<p>{_text(answer.says)}</p>
<div class="figure">{_both_widths(answer)}</div>
<p class="trust">{_text(answer.trust)}</p>
{_folded_table(answer)}
{_code(answer.code, "The lines that produce it")}
</article>"""


def number_told(answer: Answer) -> str:
    """The number with its interval, in its unit."""

    def told(x: float) -> str:
        if answer.unit == "money":
            return dollars(x).replace("$", answer.currency)
        return percent(x, 2) if answer.unit == "share" else points(x) if answer.unit == "points" else plain(x)

    unit = "" if answer.unit in ("share", "money", "number", "AUC") else f" {answer.unit}"
    unit = unit.removesuffix("s") if answer.value == 1 else unit
    said = f"{'AUC ' * (answer.unit == 'AUC')}{told(answer.value)}{unit}"
    if math.isnan(answer.low) or math.isnan(answer.high):
        return said
    if answer.level == 1:  # bounds: no chance is in them
        return f"{said} ({span_told(answer.low, answer.high, told)} at worst)"
    return f"{said} ({span_told(answer.low, answer.high, told)}, {plain(100 * answer.level)} %)"


def _drawn(answer: Answer) -> tuple[dict[str, str], dict[str, Any]]:
    """The figure, as a notebook stores it, with its metadata."""
    try:
        from mllayers.figures import picture
    except ModuleNotFoundError as error:
        raise absent("the figures of a checkup", "figures", error) from None
    found = answer.figure()
    return picture(found.png(), found.alt)


def _both_widths(answer: Answer) -> str:
    """The figure twice: as wide as the page, and drawn anew for a narrow screen; a browser shows one of them."""
    from mllayers.checkup.drawing import draw_narrow
    from mllayers.figures import picture

    wide = _drawn(answer)[0]["text/html"]
    found = draw_narrow(answer)
    (data, size) = picture(found.png(), found.alt)
    width, height = (size["image/png"][name] for name in ("width", "height"))
    source = f'media="(max-width: 38rem)" width="{width}" height="{height}"'
    return f'<picture><source {source} srcset="data:image/png;base64,{data["image/png"]}">{wide}</picture>'


def _open_questions(section: Section, heading: str = "p") -> str:
    if not section.gaps:
        return ""
    items = "".join(
        f"<li><strong>{_text(gap.question)}</strong> {_text(_sentence(gap.why))} {_text(_sentence(gap.needs))}</li>"
        for gap in section.gaps
    )
    title = "What this file cannot answer"
    head = f"<{heading}>{title}</{heading}>" if heading != "p" else f"<p><strong>{title}</strong></p>"
    return f'{head}<ul class="open">{items}</ul>'


def _folded_table(answer: Answer) -> str:
    return (
        f'<details><summary>The numbers</summary><div class="table" tabindex="0" role="group" '
        f'aria-label="Numbers: {html.escape(answer.question, quote=True)}">{table_told(answer.table)}</div></details>'
    )


def _code(lines: tuple[str, ...], title: str) -> str:
    body = html.escape("\n".join(lines), quote=False).replace("$", DOLLAR)
    return f'<details><summary>{_text(title)}</summary><pre tabindex="0">{body}</pre></details>'


def table_told(table: pd.DataFrame) -> str:
    """A frame as a table with headers that a screen reader follows."""
    drawn = table.head(_ROWS)
    names = [" · ".join(map(str, x)) if isinstance(x, tuple) else str(x) for x in drawn.index]
    first = " · ".join(str(x) for x in table.index.names if x is not None)
    head = "".join(f'<th scope="col">{_text(str(column))}</th>' for column in drawn.columns)
    corner = f'<th scope="col">{_text(first)}</th>' if first else "<td></td>"
    rows = "".join(
        f'<tr><th scope="row">{_text(name)}</th>{"".join(f"<td>{_text(_cell(x))}</td>" for x in row)}</tr>'
        for name, row in zip(names, drawn.astype(object).to_numpy().tolist(), strict=True)
    )
    more = f"<caption>The first {_ROWS} of {len(table):,} rows</caption>" if len(table) > _ROWS else ""
    return f"<table>{more}<thead><tr>{corner}{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(x: Any) -> str:
    if x is None or x is pd.NA or (isinstance(x, float) and math.isnan(x)):
        return "–"
    if isinstance(x, bool):
        return "yes" if x else "no"
    if isinstance(x, int):
        return f"{x:,}"
    if isinstance(x, float):
        return ("∞" if x > 0 else "−∞") if math.isinf(x) else plain(x)
    return str(x)


def _text(text: str) -> str:
    """Text as HTML; a dollar sign is no formula's."""
    return html.escape(text, quote=False).replace("$", DOLLAR)
