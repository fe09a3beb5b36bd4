"""What a player decides for a month: plain fields, each with its label, its limits and its check in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from mllayers._check import as_flag, as_integer, as_number, describe, one_of
from mllayers._words import percent


@dataclass(frozen=True)
class Control:
    """How a choice is asked for.

    Parameters
    ----------
    label : str
        What it sets, in words.
    kind : {'whole', 'share', 'word', 'flag', 'several'}
        A whole number, a share (0.02 is 2 %), one of several words, yes or no, any of several words.
    low, high, step : float
        Of a number.
    words : mapping of str to str
        What each word means, as it is read.
    """

    label: str
    kind: str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    words: Mapping[str, str] = field(default_factory=dict)

    def checked(self, x: Any, name: str) -> Any:
        """The value, or an error that says what was expected."""
        if self.kind == "whole":
            return as_integer(x, name, ge=int(self.low), le=int(self.high))
        if self.kind == "share":
            return as_number(x, name, ge=self.low, le=self.high)
        if self.kind == "word":
            return one_of(x, name, self.words)
        if self.kind == "flag":
            return as_flag(x, name)
        if isinstance(x, (str, bytes)) or not isinstance(x, (Sequence, set, frozenset)):
            raise TypeError(f"{name} must be a list of words, such as {list(self.words)[:2]}; got {describe(x)}")
        asked = [one_of(each, name, self.words) for each in x]
        return tuple(word for word in self.words if word in asked)

    def told(self, x: Any) -> str:
        """A value as it is read."""
        if self.kind == "share":
            return percent(x)
        if self.kind == "word":
            return self.words[x]
        if self.kind == "flag":
            return "yes" if x else "no"
        if self.kind == "several":
            return ", ".join(self.words[word] for word in x) or "none"
        return str(x)


def asked(default: Any, label: str, kind: str, **told: Any) -> Any:
    """A field of a month's choices."""
    return field(default=default, metadata={"control": Control(label, kind, **told)})


@dataclass(frozen=True)
class Choices:
    """The choices of a month; each desk has its own."""

    def __post_init__(self) -> None:
        for name, control in self.controls().items():
            object.__setattr__(self, name, control.checked(getattr(self, name), name))

    @classmethod
    def controls(cls) -> dict[str, Control]:
        """How each choice is asked for, in the order of the page."""
        return {part.name: part.metadata["control"] for part in fields(cls)}

    def unused(self) -> frozenset[str]:
        """Which choices change nothing, given the others."""
        return frozenset()

    @classmethod
    def from_dict(cls, told: Any) -> Self:
        """The choices out of a file."""
        if not isinstance(told, Mapping):
            raise TypeError(f"choices must be names and values; got {describe(told)}")
        known = cls.controls()
        for name in told:
            if name not in known:
                raise ValueError(f"choices must be among {', '.join(known)}; got {describe(name)}")
        return cls(**told)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return {name: list(x) if isinstance(x, tuple) else x for name, x in asdict(self).items()}

    def told(self, *names: str) -> str:
        """Some of the choices in words."""
        known = self.controls()
        return "; ".join(f"{known[name].label}: {known[name].told(getattr(self, name))}" for name in names)
