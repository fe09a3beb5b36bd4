"""The one sentence before any model."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mllayers._check import is_said
from mllayers._results import DOLLAR
from mllayers.decision.tiers import Action, as_action

if TYPE_CHECKING:
    from mllayers.decision.policy import Policy

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
        return [part for part in _QUESTIONS if not is_said(getattr(self, part))]

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

    def policy_draft(
        self, actions: Sequence[Action | str], *, missing: Action | str | None = None, idle: str | None = None
    ) -> Policy:
        """Start the policy that the sentence asks for: a menu of actions, owned by `who`.

        Parameters
        ----------
        actions : sequence of Action or str
            What can be done; the mildest first. Actions without an owner get `who`.
        missing : Action or str, optional
            What follows a case without a score.
        idle : str, optional
            Which of the actions leaves a case alone.

        Returns
        -------
        Policy
            A draft; its `gaps` are the questions to answer next.

        Raises
        ------
        NotReadyToModel
            While the brief is incomplete.
        """
        from mllayers.decision.policy import Policy
        from mllayers.decision.rules import Menu

        self.require()
        owned = [_owned(as_action(action, "action"), self.who) for action in actions]
        known = {action.name: action for action in owned}
        if missing is not None:
            beside = _owned(as_action(missing, "missing"), self.who)
            missing = known.get(beside.name, beside)
        return Policy(Menu(*owned), missing=missing, idle=idle, brief=self)

    def __str__(self) -> str:
        who, decision, outcome = (
            getattr(self, part).strip().rstrip(".") if is_said(getattr(self, part)) else f"[{part}?]"
            for part in _QUESTIONS
        )
        return f"{who} decides {decision}, so that {outcome}."

    def _repr_markdown_(self) -> str:
        missing = self.missing()
        state = f"*still open: {', '.join(missing)}*" if missing else "*complete*"
        return f"> **Brief** – {_as_written(str(self))} ({state})"

    def _repr_html_(self) -> str:
        missing = self.missing()
        state = f"Still open: {', '.join(missing)}" if missing else "Complete"
        return (
            '<div style="border:1px solid currentColor; border-radius:6px; padding:0.6em 1em; max-width:44em">'
            f"<strong>Brief</strong><p>{html.escape(str(self))}</p><small>{state}</small></div>"
        ).replace("$", DOLLAR)


def _owned(action: Action, who: str) -> Action:
    return action if is_said(action.owner) else replace(action, owner=who)


def _as_written(text: str) -> str:
    """Text that Markdown shows letter by letter: no link, picture, formula or tag comes out of it."""
    plain = " ".join(text.split())
    coded = "".join(x if x.isalnum() or not x.isascii() or x in " .,;?'" else f"&#{ord(x)};" for x in plain)
    return coded.replace("&#36;", DOLLAR)
