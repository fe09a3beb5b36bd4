"""What every figure of the course must keep to, as a list of what is wrong with it."""

from __future__ import annotations

import itertools
from typing import Any
from unittest import mock

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

SMALLEST = 10.0


def texts(figure: Figure) -> list[Text]:
    """The words that a reader sees: every text that was drawn, moving ones too."""
    for artist in figure.findobj(lambda artist: artist.get_animated()):
        artist.set_animated(False)
    drawn: list[Text] = []
    draw = Text.draw

    def noted(self: Text, *args: Any, **kwargs: Any) -> None:
        drawn.append(self)
        draw(self, *args, **kwargs)

    with mock.patch.object(Text, "draw", noted):
        figure.canvas.draw()
    return [text for text in dict.fromkeys(drawn) if text.get_visible() and text.get_text().strip()]


def problems(figure: Figure) -> list[str]:
    """Words that are too small, cut off by the edge, or written over each other; a figure without a title."""
    wrong = [] if figure.get_suptitle() else ["the figure has no title"]
    boxes = []
    for text in texts(figure):
        said, box = repr(text.get_text()), text.get_window_extent()
        boxes.append((said, box))
        if text.get_fontsize() < SMALLEST:
            wrong.append(f"{said} is written in {text.get_fontsize():g} pt")
        if box.x0 < -1 or box.y0 < -1 or box.x1 > figure.bbox.x1 + 1 or box.y1 > figure.bbox.y1 + 1:
            wrong.append(f"{said} is cut off by the edge")
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        if wide > 1.5 and high > 2.5:
            wrong.append(f"{one} and {other} are written over each other")
    return wrong


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 defines it, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def linear(colour: str) -> np.ndarray:
    """A colour such as #0072B2 in linear light."""
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def _luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


# Machado, Oliveira and Fernandes (2009), severity 1, in linear light
BLINDNESS = {
    "none": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}


def difference(one: str, other: str, blindness: str) -> float:
    """How far apart two colours look (CIE 1976 ΔE) to eyes of this kind."""
    return float(np.linalg.norm(_lab(one, blindness) - _lab(other, blindness)))


def _lab(colour: str, blindness: str) -> np.ndarray:
    rgb = np.clip(BLINDNESS[blindness] @ linear(colour), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    t = to_xyz @ rgb / [0.9505, 1.0, 1.089]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
