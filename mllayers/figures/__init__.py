"""Pure drawing: one idea, one figure.

**A finding is one line.** ``show(figures.feedback.promise(table))``: a function of a layer's module here takes the
plain frame that the layer returns and gives a `Finding`, which carries the picture, its alternative text, the sentence
that reads it, and its numbers as a table. There is one function for each finding; it fits nothing and reads nothing.

**A figure with controls** is one line, too: ``widgets.explore(figures.feedback.audit_share(curve), share=slider)``. Its
function gives a `Moving`: what draws, the title, the alternative text, and the sentence for each setting.

**A drawing** (`standing`, `moving`) takes axes and plain numbers; titles and sentences come from the caller, because
the numbers in them do. Interactive ones draw what never changes and return ``move``; ``move(**values)`` with the value
of each control sets what does change and returns those artists. The same function serves the slider (`Stage`) and the
page without a kernel (`small_multiples`)::

    def draw(place):
        return band_curve(place.subplots(), curve, label="Quiet fraud found")

    Stage(draw, title="…").png(share=0.01)
    small_multiples(draw, {"no audit": {"share": 0.0}, "1 % audited": {"share": 0.01}}, title="…")

Colours are those of Okabe and Ito and mean the same in the whole course (`LOOKS`). Each comes with a line style, a
marker and a hatch, so that colour is never the only carrier of a meaning. No setting of Matplotlib is changed.
"""

from importlib import import_module
from types import ModuleType

from mllayers._extras import absent

try:
    import matplotlib as _matplotlib  # noqa: F401
except ModuleNotFoundError as _error:
    raise absent("mllayers.figures", "figures", _error) from None

from mllayers._words import money, percent, plain
from mllayers.figures.base import (
    FACE,
    GREYS,
    HATCHES,
    INK,
    LOOKS,
    RC,
    WIDTH,
    Finding,
    Look,
    alt_text,
    canvas,
    look,
    picture,
    png,
    sentence,
)
from mllayers.figures.moving import (
    Draw,
    Move,
    Moving,
    Stage,
    band_curve,
    bars_by_setting,
    curves_at,
    lines_by_setting,
    small_multiples,
    together,
)
from mllayers.figures.standing import (
    grouped_bars,
    intervals,
    paired_dots,
    slopes,
    spread,
    stacked_bars,
    waterfall,
)

_LAYERS = ("action", "data", "decision", "desk", "feedback", "prediction")

__all__ = [
    "FACE",
    "GREYS",
    "HATCHES",
    "INK",
    "LOOKS",
    "RC",
    "WIDTH",
    "Draw",
    "Finding",
    "Look",
    "Move",
    "Moving",
    "Stage",
    "action",
    "alt_text",
    "band_curve",
    "bars_by_setting",
    "canvas",
    "curves_at",
    "data",
    "decision",
    "desk",
    "feedback",
    "grouped_bars",
    "intervals",
    "lines_by_setting",
    "look",
    "money",
    "paired_dots",
    "percent",
    "picture",
    "plain",
    "png",
    "prediction",
    "sentence",
    "slopes",
    "small_multiples",
    "spread",
    "stacked_bars",
    "together",
    "waterfall",
]


def __getattr__(name: str) -> ModuleType:
    """The findings of a layer load on first use, and seaborn with them."""
    if name in _LAYERS:
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            raise absent("mllayers.figures", "figures", error) from None
    raise AttributeError(f"mllayers.figures has no {name!r}; it has {', '.join(__all__)}")
