"""What a checkup found: an answer with its number, a section of one layer, the whole page."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mllayers._check import as_path
from mllayers._files import write_text
from mllayers._results import Result
from mllayers._words import count

if TYPE_CHECKING:
    from mllayers.figures import Finding

__all__ = ["Answer", "Checkup", "Gap", "Section"]


@dataclass(frozen=True, eq=False, repr=False)
class Answer(Result):
    """One finding: a number with its interval, a sentence, how far to trust it, and the code that produces it.

    Attributes
    ----------
    key : str
        Its name, unique in a checkup.
    question : str
        What was asked.
    value, low, high : float
        The number and its interval. Ends are NaN where there is none: ``trust`` says why.
    unit : str
        What the number counts: ``share``, ``money``, ``cases``, ``columns``, …
    level : float
        Probability with which the interval is to hold the truth.
    says : str
        The finding in one sentence.
    trust : str
        How far to trust it.
    code : tuple of str
        The lines that produce it from ``frame``, into ``found``.
    number : str
        The expression that takes the number out of ``found``.
    table : DataFrame
        The numbers behind the figure.
    drawing : str
        The figure's name in `mllayers.checkup.drawing`.
    currency : str
        The sign before amounts of money.
    """

    key: str
    question: str
    value: float
    low: float
    high: float
    unit: str
    level: float
    says: str
    trust: str
    code: tuple[str, ...]
    number: str
    table: pd.DataFrame = field(hash=False)
    drawing: str
    currency: str = "$"

    def _line(self) -> str:
        return self.says

    def frame(self) -> pd.DataFrame:
        """The numbers behind the figure."""
        return self.table.copy()

    def figure(self) -> Finding:
        """The figure of this finding, with its alternative text and its numbers."""
        from mllayers.checkup.drawing import draw

        return draw(self)


@dataclass(frozen=True, eq=False, repr=False)
class Gap(Result):
    """What this file cannot answer, and what would answer it."""

    question: str
    why: str
    needs: str

    def _line(self) -> str:
        return f"{self.question} Cannot be answered: {self.why}." + (f" {self.needs}." if self.needs else "")


@dataclass(frozen=True, eq=False, repr=False)
class Section(Result):
    """What a checkup says about one layer: ``answers``, and ``gaps`` that the file leaves."""

    name: str
    title: str
    answers: tuple[Answer, ...]
    gaps: tuple[Gap, ...]

    def _line(self) -> str:
        return f"{self.title}: {count(len(self.answers), 'finding')}, {count(len(self.gaps), 'open question')}"

    def frame(self) -> pd.DataFrame:
        """A row for each finding."""
        return _answers_frame(self.answers)


@dataclass(frozen=True, eq=False, repr=False)
class Checkup(Result):
    """The five questions, asked of a file: what `checkup` returns.

    Prints as a page of text, shows itself in a notebook, and is written by `to_html` and `to_json`.

    Attributes
    ----------
    source : str
        What was read.
    rows : int
        Its rows.
    roles : dict
        Role to column, as the caller said.
    left_out : dict
        Columns that were not compared, and why.
    opening : tuple of str
        The lines that bring ``data`` into pandas as ``frame``, or open it where it is; the code of each answer follows
        them.
    sections : tuple of Section
        One for each layer that was asked.
    in_engine : bool
        Whether the rows stayed in their engine.
    """

    source: str
    rows: int
    roles: dict[str, Any]
    left_out: dict[str, str]
    opening: tuple[str, ...]
    sections: tuple[Section, ...]
    in_engine: bool = False

    def __getitem__(self, name: str) -> Section | Answer:
        """The section of a layer, or the answer of that key."""
        for section in self.sections:
            if section.name == name:
                return section
            for answer in section.answers:
                if answer.key == name:
                    return answer
        known = [section.name for section in self.sections]
        known += [answer.key for section in self.sections for answer in section.answers]
        raise KeyError(f"{name!r}; there is {', '.join(known)}")

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All findings, in the order of the layers."""
        return tuple(answer for section in self.sections for answer in section.answers)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """All that the file cannot answer."""
        return tuple(gap for section in self.sections for gap in section.gaps)

    def frame(self) -> pd.DataFrame:
        """A row for each finding."""
        return _answers_frame(self.answers)

    def _line(self) -> str:
        from mllayers.checkup.page import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from mllayers.checkup.page import for_notebook

        return "\n".join(shown["text/html"] for shown, _ in for_notebook(self))

    def _ipython_display_(self) -> None:
        from IPython.display import display

        from mllayers.checkup.page import for_notebook

        for shown, metadata in for_notebook(self):
            display(shown, metadata=metadata, raw=True)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the whole page as one file that asks nothing of other machines; the figures need matplotlib.

        Raises
        ------
        ModuleNotFoundError
            Without the extra ``figures``; the message says how to install it.
        OSError
            If the folder cannot be written.
        """
        from mllayers.checkup.page import as_page

        target = as_path(path, "path")
        write_text(target, as_page(self))
        return target

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """All numbers as JSON, also written to `path` if it is given; what has no number is null."""
        text = json.dumps(_for_json(self.to_dict()), ensure_ascii=False, indent=1, allow_nan=False)
        if path is not None:
            write_text(as_path(path, "path"), text + "\n")
        return text


def _answers_frame(answers: tuple[Answer, ...]) -> pd.DataFrame:
    kept = ["key", "value", "low", "high", "unit", "says"]
    return pd.DataFrame([{name: getattr(answer, name) for name in kept} for answer in answers], columns=kept)


def _for_json(x: Any) -> Any:
    """Numbers that JSON can hold: NaN becomes null, infinity a word."""
    if isinstance(x, dict):
        return {key: _for_json(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [_for_json(value) for value in x]
    if isinstance(x, float) and not math.isfinite(x):
        return None if math.isnan(x) else "infinity" if x > 0 else "-infinity"
    return x if isinstance(x, (str, int, float, bool, type(None))) else str(x)
