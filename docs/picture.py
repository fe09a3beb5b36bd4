"""Draws the picture of the README, what the layers earn alone and together: ``python docs/picture.py``.

The numbers are those that notebook 5 arrives at (ten worlds from seed 2026 on), read from the outputs that are stored
with its solved copy; the suite holds the README, the picture's words and these outputs to each other.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pandas as pd

from mllayers import figures
from mllayers.figures.base import png

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "layers.png"
SOURCE = ROOT / "notebooks" / "solved" / "05_feedback.ipynb"
TITLE = "No layer earns alone"
NAMED = {
    "a score, nobody acts": "A score, nobody acts",
    "vouchers for everyone": "Vouchers for everyone",
    "a decision without the score": "A decision, no score",
    "score × average effect × value": "Score and decision",
    "a table, no model": "Pilot and decision",
    "what acting changes": "All together",
}
_ROW = re.compile(r"^(\w.*?)  +(-?[\d.]+) +-?[\d.]+ +-?[\d.]+$", re.MULTILINE)


def steps() -> pd.Series[float]:
    """Dollars a quarter that each list of customers earns, mean of ten worlds, in the order of notebook 5."""
    for cell in nbformat.read(SOURCE, as_version=4).cells:
        for output in cell.get("outputs", []):
            told = "".join(output.get("data", {}).get("text/plain", ""))
            found = {name: float(value) for name, value in _ROW.findall(told)}
            if set(found) >= set(NAMED):
                return pd.Series({name: found[name] for name in NAMED})
    raise ValueError(f"{SOURCE} must hold the dollars of {', '.join(NAMED)}; run its cells again")


def alt() -> str:
    """The picture in words."""
    told = ", ".join(f"{name} {figures.money(dollars)}" for name, dollars in steps().rename(NAMED).items())
    return f"Dollars a quarter, mean of ten worlds. {told}."


def draw() -> bytes:
    """The picture, as PNG."""
    figure, [ax] = figures.canvas(TITLE, size=(5.4, 2.7))
    figures.grouped_bars(ax, steps().rename(NAMED).to_frame("earned"), kinds={"earned": "policy"}, words=figures.money)
    return png(figure)


if __name__ == "__main__":
    PICTURE.write_bytes(draw())
    print(alt())
