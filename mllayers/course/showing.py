"""How a notebook shows a figure and says a sentence whose numbers come from code."""

from __future__ import annotations

import re

import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from mllayers._check import describe
from mllayers.figures import DOLLAR, alt_text, money, percent, picture, plain, png, sentence

__all__ = ["money", "percent", "plain", "say", "show"]


def show(figure: Figure, *, alt: str = "", says: str = "", table: pd.DataFrame | None = None) -> None:
    """Show a figure with its alt text, the sentence that reads it, and its numbers, folded.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        From the drawing functions of `mllayers.figures`.
    alt : str
        The figure in words, for who cannot see it: what is drawn and what stands out. At least five words.
    says : str
        The one sentence that reads the figure; its numbers come from code.
    table : DataFrame
        The numbers that are drawn.

    Raises
    ------
    TypeError
        When ``figure`` is no figure or ``table`` no frame.
    ValueError
        When the alt text, the sentence or the numbers are missing or say nothing.
    """
    if not isinstance(figure, Figure):
        raise TypeError(f"figure must be a matplotlib Figure; got {describe(figure)}")
    alt = alt_text(alt)
    if not isinstance(says, str) or len(says.split()) < 3:
        raise ValueError(f"says must be the sentence that reads the figure; got {describe(says)}")
    if says.strip() == alt:
        raise ValueError("says must add to the alt text, not repeat it: alt describes the picture, says reads it")
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"table must be a DataFrame with the numbers of the figure; got {describe(table)}")
    if table.empty:
        raise ValueError("table must hold the numbers of the figure; got an empty one")
    data, metadata = picture(png(figure), alt)
    display(data, metadata=metadata, raw=True)
    read = f"<p>{sentence(says)}</p>\n<details><summary>The numbers</summary>\n{numbers(table)}\n</details>"
    display({"text/html": read, "text/plain": f"{says}\n\n{table.to_string()}"}, raw=True)


def numbers(table: pd.DataFrame) -> str:
    """A frame as an HTML table that a screen reader can walk through: caption, and headers with their scope."""
    drawn = table.to_html(border=0, float_format=plain, na_rep="–")
    head, body = drawn.split("<tbody>")
    head = re.sub(r"<th></th>", "<td></td>", head)
    head = re.sub(r"<th(?=[ >])", '<th scope="col"', head)
    body = re.sub(r"<th(?=[ >])", '<th scope="row"', body)
    head = re.sub(r"(<table[^>]*>)", r"\1<caption>The numbers</caption>", head, count=1)
    return (head + "<tbody>" + body).replace("$", DOLLAR)


def say(text: str) -> None:
    """Show a sentence, as Markdown; its numbers come from code, and a dollar sign is a dollar sign.

    Parameters
    ----------
    text : str
        The sentence or paragraph.

    Raises
    ------
    ValueError
        When there is nothing to say.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"text must be a sentence; got {describe(text)}")
    display({"text/markdown": re.sub(r"\\?\$", DOLLAR, text), "text/plain": text}, raw=True)
