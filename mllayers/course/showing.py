"""How a notebook shows a figure and says a sentence whose numbers come from code.

Nothing heavy is loaded before something is shown: a notebook can import these names first and be told by `start` what
is missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mllayers._words import money, percent, plain
from mllayers.course.notes import safe_dollars

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from mllayers.figures import Finding

__all__ = ["money", "percent", "plain", "say", "show"]

# For a screen reader; for the eye the line that unfolds the table says the same.
_HEARD = 'style="position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)"'


def show(
    figure: Finding | Figure, *, alt: str | None = None, says: str | None = None, table: pd.DataFrame | None = None
) -> None:
    """Show a figure with its alternative text, the sentence that reads it, and its numbers, folded.

    Parameters
    ----------
    figure : Finding or matplotlib.figure.Figure
        A finding of `mllayers.figures` carries all the rest; a figure of your own needs it here.
    alt : str
        The figure in words, for who cannot see it: what is drawn and what stands out. At least five words.
    says : str
        The one sentence that reads the figure; its numbers come from code.
    table : DataFrame
        The numbers that are drawn.

    Raises
    ------
    TypeError, ValueError
        As `mllayers.figures.Finding`.
    """
    from IPython.display import display

    from mllayers.figures.base import Finding, picture, sentence

    found = figure if isinstance(figure, Finding) else Finding(figure, alt, says, table)  # type: ignore[arg-type]
    data, metadata = picture(found.png(), found.alt)
    display(data, metadata=metadata, raw=True)
    read = f"<p>{sentence(found.says)}</p>\n<details><summary>The numbers</summary>\n{numbers(found.table)}\n</details>"
    display({"text/html": read, "text/plain": f"{found.says}\n\n{found.table.to_string()}"}, raw=True)


def numbers(table: pd.DataFrame) -> str:
    """A frame as an HTML table that a screen reader can walk through: caption, and headers with their scope."""
    return for_readers(table.to_html(border=0, float_format=plain, na_rep="–"), "The numbers")


def for_readers(table: str, caption: str = "") -> str:
    """A frame's own HTML table, for a screen reader too: a caption that is heard, and headers with their scope."""
    from mllayers._results import DOLLAR

    head, body = table.split("<tbody>")
    head = re.sub(r"<th></th>", "<td></td>", head)
    head = re.sub(r"<th(?=[ >])", '<th scope="col"', head)
    body = re.sub(r"<th(?=[ >])", '<th scope="row"', body)
    if caption:
        head = re.sub(r"(<table[^>]*>)", rf"\1<caption {_HEARD}>{caption}</caption>", head, count=1)
    return (head + "<tbody>" + body).replace("$", DOLLAR)


def say(text: str) -> None:
    """Show a sentence, as Markdown; its numbers come from code, and a dollar sign is a dollar sign.

    Parameters
    ----------
    text : str
        The sentence or paragraph. Words of a learner's do not belong in it: they would be read as Markdown.

    Raises
    ------
    ValueError
        When there is nothing to say.
    """
    from IPython.display import display

    if not isinstance(text, str) or not text.strip():
        from mllayers._check import describe

        raise ValueError(f"text must be a sentence; got {describe(text)}")
    display({"text/markdown": safe_dollars(text, formulas=False), "text/plain": text}, raw=True)
