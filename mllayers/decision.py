"""Layer 3, Decision: what follows each output?

A score decides nothing. This module turns scores into decisions that can be written down, checked and signed.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

__all__ = ["Brief", "NotReadyToModel"]


class NotReadyToModel(ValueError):
    """Raised by `Brief.require` while nobody has said who decides what, and so that which outcome happens.

    Notes
    -----
    Taught in notebook 03, *Your own system*.
    """


_QUESTIONS = {
    "who": "who takes the decision, a person or a team: 'the fraud desk'",
    "decision": "what they decide, and for what: 'which orders to open before they ship'",
    "outcome": "the result for the business that should follow: 'fewer fake orders leave the warehouse'",
}


@dataclass(frozen=True)
class Brief:
    """The one sentence before any model: who decides what, so that which outcome happens.

    A brief may be built while parts are still open; `require` is the one line to put before a ``fit``.

    Parameters
    ----------
    who : str
        Who takes the decision. Anything but text with a letter or a digit in it counts as still open.
    decision : str
        What they decide; it is read after the word *decides*.
    outcome : str
        What should happen because of it; it is read after the words *so that*.

    Notes
    -----
    Taught in notebook 03, *Your own system*.

    Examples
    --------
    >>> brief = Brief("The fraud desk", "which orders to open before they ship", "fewer fakes leave the warehouse")
    >>> print(brief.require())
    The fraud desk decides which orders to open before they ship, so that fewer fakes leave the warehouse.
    >>> Brief("The fraud desk").missing()
    ['decision', 'outcome']
    """

    who: Any = None
    decision: Any = None
    outcome: Any = None

    def missing(self) -> list[str]:
        """List the parts that nobody has filled in yet, in the order of the sentence."""
        return [part for part in _QUESTIONS if not _is_said(getattr(self, part))]

    def require(self) -> Brief:
        """Return the brief when it is complete, and stop everything else.

        Raises
        ------
        NotReadyToModel
            While a part is missing; the message names each one and says how to fill it.
        """
        missing = self.missing()
        if missing:
            told = "".join(f"\n  {part}: {_QUESTIONS[part]}" for part in missing)
            verb = "is" if len(missing) == 1 else "are"
            raise NotReadyToModel(
                f"not ready to model: {' and '.join(missing)} {verb} missing. Before any model, say in one sentence "
                f"who decides what, so that which outcome happens; fill in{told}"
            )
        return self

    def __str__(self) -> str:
        who, decision, outcome = (
            getattr(self, part).strip().rstrip(".") if _is_said(getattr(self, part)) else f"[{part}?]"
            for part in _QUESTIONS
        )
        return f"{who} decides {decision}, so that {outcome}."

    def _repr_markdown_(self) -> str:
        missing = self.missing()
        state = f"*still open: {', '.join(missing)}*" if missing else "*complete*"
        return f"> **Brief** – {self} ({state})"

    def _repr_html_(self) -> str:
        missing = self.missing()
        state = f"Still open: {', '.join(missing)}" if missing else "Complete"
        return (
            '<div style="border:1px solid currentColor; border-radius:6px; padding:0.6em 1em; max-width:44em">'
            f"<strong>Brief</strong><p>{html.escape(str(self))}</p><small>{state}</small></div>"
        )


def _is_said(part: Any) -> bool:
    """Whether a part of a brief holds words; ``None``, a blank of an exercise, ``''`` and ``'____'`` do not."""
    return isinstance(part, str) and any(letter.isalnum() for letter in part)
