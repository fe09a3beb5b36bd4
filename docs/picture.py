"""Draws the picture of the README, the money of the five layers: ``python docs/picture.py``.

The numbers are those that notebook 5 arrives at (seed 2026), read from the outputs that are stored with its solved
copy; the suite holds the README, the picture's words and these outputs to each other.
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
TITLE = "The money comes after the prediction"
NAMED = {
    "2 a score nobody uses": "Prediction: unused",
    "3 act above one half": "Decision: above 1/2",
    "3 expected value": "Decision: if it pays",
    "4 what acting changes": "Action: if it helps",
    "5 closing the loop": "Feedback: loop closed",
    "1 labels from an audit": "Data: a random audit",
}
_STEP = re.compile(r"^(\d [a-z ]+?) +(-?[\d.,]+)$", re.MULTILINE)


def steps() -> pd.Series[float]:
    """Dollars a quarter that each step adds, in the order of notebook 5."""
    for cell in nbformat.read(SOURCE, as_version=4).cells:
        for output in cell.get("outputs", []):
            told = "".join(output.get("data", {}).get("text/plain", ""))
            found = {name: float(value.replace(",", "")) for name, value in _STEP.findall(told)}
            if set(found) == set(NAMED):
                return pd.Series({name: found[name] for name in NAMED})
    raise ValueError(f"{SOURCE} must hold the dollars of the steps {', '.join(NAMED)}; run its cells again")


def alt() -> str:
    """The picture in words."""
    told = ", ".join(f"{name} {figures.money(dollars)}" for name, dollars in steps().rename(NAMED).items())
    return f"Dollars a quarter, step by step. {told}. Together {figures.money(steps().sum())}."


def draw() -> bytes:
    """The picture, as PNG."""
    figure, [ax] = figures.canvas(TITLE, size=(5.4, 2.7))
    figures.waterfall(ax, steps().rename(NAMED), total="Together, a quarter")
    return png(figure)


if __name__ == "__main__":
    PICTURE.write_bytes(draw())
    print(alt())
