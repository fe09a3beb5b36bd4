"""The sheet, the palette, and what every figure carries: picture, alternative text, sentence and table."""

from __future__ import annotations

import base64
import html
import io
import textwrap
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from mllayers._check import describe, one_of
from mllayers._results import DOLLAR

FACE = "#FEFDFB"
_CARD = 'style="border-radius: 6px"'  # a sheet of its own, on a light and on a dark page
INK = "#1F1F1F"
GREYS = ("#4D4D4D", "#8C8C8C", "#CFCFCF", "#FFFFFF")
HATCHES = ("", "//", "..", "")
WIDTH = 7.2
RC: Any = {
    "figure.facecolor": FACE,
    "figure.dpi": 120,
    "axes.facecolor": FACE,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.titlesize": 11,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titleweight": "normal",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "legend.fontsize": 10.5,
    "legend.frameon": False,
    "hatch.linewidth": 1.0,
    "lines.linewidth": 2.0,
    "lines.markersize": 7,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10.5,
    "text.parse_math": False,
    "text.usetex": False,
}


@dataclass(frozen=True)
class Look:
    """How one meaning looks everywhere: colour, line style, marker and hatch."""

    colour: str
    line: str
    marker: str
    hatch: str


LOOKS: dict[str, Look] = {
    "truth": Look("#000000", "-", "D", ""),
    "sees": Look("#D55E00", "--", "o", "//"),
    "nothing": Look("#CC79A7", ":", "s", ".."),
    "policy": Look("#0072B2", "-", "^", ""),
    "bound": Look("#009E73", "-.", "P", "xx"),
    "neutral": Look("#767676", "-", "v", ""),
    "regression": Look("#5B2BA8", "-", "h", "\\\\"),
    "boosting": Look("#7A4A0A", "--", "X", "--"),
}


def look(kind: str) -> Look:
    """The look of a meaning.

    ``truth``; ``sees``: what the team sees; ``nothing``: do nothing; ``policy``; ``bound``: who knows more than a team
    can; ``neutral``; and the two models that are compared, ``regression`` and ``boosting``.
    """
    return LOOKS[one_of(kind, "kind", LOOKS)]


@dataclass(frozen=True, eq=False)
class Finding:
    """A figure with all that belongs to it; `course.show` puts it on the page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The picture, titled by the finding.
    alt : str
        The picture in words, for who cannot see it: what is drawn and what stands out. At least five words.
    says : str
        The one sentence that reads the figure; its numbers come from code.
    table : DataFrame
        The numbers that are drawn.

    Raises
    ------
    TypeError, ValueError
        When the figure is none, or the alternative text, the sentence or the numbers are missing or say nothing.
    """

    figure: Figure
    alt: str
    says: str
    table: pd.DataFrame

    def __post_init__(self) -> None:
        if not isinstance(self.figure, Figure):
            raise TypeError(f"figure must be a matplotlib Figure; got {describe(self.figure)}")
        object.__setattr__(self, "alt", alt_text(self.alt))
        if not isinstance(self.says, str) or len(self.says.split()) < 3:
            raise ValueError(f"says must be the sentence that reads the figure; got {describe(self.says)}")
        if self.says.strip() == self.alt:
            raise ValueError("says must add to the alt text, not repeat it: alt describes the picture, says reads it")
        if not isinstance(self.table, pd.DataFrame):
            raise TypeError(f"table must be a DataFrame with the numbers of the figure; got {describe(self.table)}")
        if self.table.empty:
            raise ValueError("table must hold the numbers of the figure; got an empty one")

    def png(self) -> bytes:
        """The picture, the same bytes for the same figure."""
        return png(self.figure)

    def __repr__(self) -> str:
        return self.says


@mpl.rc_context(RC)
def canvas(title: str, *, columns: int = 1, size: tuple[float, float] = (WIDTH, 3.6)) -> tuple[Figure, list[Axes]]:
    """An empty sheet in the house style, titled by the finding, with axes side by side.

    Parameters
    ----------
    title : str
        The finding, as a sentence; its numbers come from code.
    columns : int
        How many axes stand side by side.
    size : (float, float)
        Width and height in inches.

    Returns
    -------
    (Figure, list of Axes)

    Examples
    --------
    >>> figure, [ax] = canvas("Every second case has no label")
    """
    figure = _sheet(title, size)
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def _sheet(title: str, size: tuple[float, float]) -> Figure:
    if not isinstance(title, str) or not title.strip():
        raise ValueError("title must state the finding in words; got nothing")
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)  # type: ignore[union-attr, call-arg]
    wrapped = textwrap.fill(title, int(size[0] * 9.2))
    figure.suptitle(wrapped, x=0.012, ha="left", fontsize=12.5, fontweight="bold", color=INK)
    return figure


@mpl.rc_context(RC)
def png(figure: Figure) -> bytes:
    """The figure as a PNG picture, the same bytes for the same figure."""
    agg = _agg(figure)
    agg.draw()
    return _encode(agg, 9)


def picture(png: bytes, alt: str, *, compact: bool = True) -> tuple[dict[str, str], dict[str, Any]]:
    """What a notebook stores for a picture: data and metadata of one output.

    A compact picture has a palette of 256 colours and a third of the size; a moving one is not worth the time.

    The PNG with its alt text as metadata is what the format asks for. JupyterLab 4 and nbconvert's default template
    show that picture without its alt text, so the same picture stands beside it as HTML, where they read it.
    """
    image = Image.open(io.BytesIO(png))
    width, height = image.size
    if compact:
        small = io.BytesIO()
        # The usual method, median cut, would merge rare colours: a few green marks turn teal.
        few = image.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.save(small, "PNG", optimize=True)
        png = small.getvalue()
    code = base64.b64encode(png).decode("ascii")
    sized = f'alt="{html.escape(alt)}" width="{width}" height="{height}" {_CARD}'
    shown = f'<img {sized} src="data:image/png;base64,{code}">'
    return (
        {"image/png": code, "text/html": shown, "text/plain": alt},
        {"image/png": {"alt": alt, "width": width, "height": height}},
    )


def alt_text(alt: str) -> str:
    """The alt text, or an error when it says nothing about the picture."""
    words = alt.split() if isinstance(alt, str) else []
    if len(words) < 5:
        raise ValueError(
            "alt must say in words what the figure shows, for who cannot see it (at least five words, such as "
            f"'Bars of recall by pattern: A near 100 %, B near 0 %'); got {describe(alt)}"
        )
    return " ".join(words)


def sentence(text: str) -> str:
    """A sentence as HTML, in which a dollar sign is a dollar sign and not the start of a formula."""
    return html.escape(text, quote=False).replace("$", DOLLAR)


def _agg(figure: Figure) -> FigureCanvasAgg:
    if not isinstance(figure.canvas, FigureCanvasAgg):
        FigureCanvasAgg(figure)
    agg = figure.canvas
    assert isinstance(agg, FigureCanvasAgg)
    return agg


def _encode(agg: FigureCanvasAgg, compress_level: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.asarray(agg.buffer_rgba())[:, :, :3]).save(out, "PNG", compress_level=compress_level)
    return out.getvalue()
