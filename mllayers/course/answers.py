"""What a learner hands over: a blank, a number as people type it, or something else told apart in words.

Whatever comes (a list that holds itself, an object that cannot print itself) gets a sentence, never an error.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

from mllayers._words import typed_number
from mllayers.course.notes import Note
from mllayers.course.words import tr


class Blank:
    """A place to fill in. Whatever is computed with it stays blank, so a forgotten one never ends in a traceback."""

    __pandas_priority__ = 10_000  # pandas then lets this class answer `column * ____`

    def __repr__(self) -> str:
        return "____ (replace this blank by your answer)"

    def __format__(self, spec: str) -> str:
        return "____"

    def __hash__(self) -> int:
        return id(Blank)

    def __bool__(self) -> bool:
        return False

    def __float__(self) -> float:
        return math.nan

    def __iter__(self) -> Any:
        return iter(())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def _stay_blank(self, *args: Any, **kwargs: Any) -> Any:
        return self

    __call__ = __getitem__ = __round__ = __array_ufunc__ = __array_function__ = _stay_blank
    __neg__ = __pos__ = __abs__ = __invert__ = _stay_blank
    __lt__ = __le__ = __gt__ = __ge__ = _stay_blank
    __eq__ = __ne__ = _stay_blank
    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = _stay_blank
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rmatmul__ = _stay_blank
    __and__ = __or__ = __xor__ = __rand__ = __ror__ = __rxor__ = _stay_blank


____: Any = Blank()

_MOST = 10_000  # entries of a container that are looked through for a blank
_UNITS = {
    "%": ("%", "percent", "per cent", "pct"),
    "$": ("$", "usd", "dollar", "dollars"),
    "share": (),
    "days": ("d", "day", "days"),
}
_TIMES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6}
_TYPED = re.compile(
    r"(?P<minus>[-+−–]?)\s*(?P<dollar>\$?)\s*(?P<more>[-+−–]?)"
    r"(?P<digits>(?:\d[\d.,_'’ \u00a0\u202f]*)?[.,]?\d+(?:[eE][-+]?\d+)?[.,]?)\s*(?P<times>[kKM]?)\s*(?P<unit>[^\d]*)"
)


class Unreadable(Exception):
    """An answer of another kind than was asked; its text tells the learner what came."""


def is_blank(x: Any) -> bool:
    """Whether an answer is still blank, or holds a blank somewhere inside."""
    waiting: list[Any] = [x]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST:
        part = waiting.pop()
        kind = type(part)
        if issubclass(kind, Blank):
            return True
        if issubclass(kind, (dict, list, tuple, set, frozenset)) and id(part) not in seen:
            seen.add(id(part))
            try:
                waiting += itertools.islice(part, _MOST)
                waiting += itertools.islice(part.values(), _MOST) if issubclass(kind, dict) else ()
            except Exception:  # a stranger's container may do anything; then it holds no blank that can be seen
                continue
    return False


def not_attempted(what: str) -> Note:
    """The note for a blank that is still blank."""
    return Note(tr("Not attempted yet"), (what,), "wait")


def what_came(x: Any) -> str:
    """What came, in a few words, with the likely slip where there is one."""
    try:
        return _what_came(x)
    except Exception:  # an object that cannot be looked at
        return tr("an object that cannot be looked at")


def _what_came(x: Any) -> str:
    kind = type(x).__name__[:40]
    if x is None:
        return tr("None, which is what a name or a function gives that was never assigned or returns nothing")
    if isinstance(x, bool):
        return tr("{x}, a yes or no", x=x)
    if isinstance(x, str):
        return tr("the text {x}", x=repr(str(x[:40])))
    if callable(x) and not isinstance(x, type):
        name = getattr(x, "__name__", "")
        name = name if isinstance(name, str) and name else tr("you defined")
        return tr("the function {name} itself; were the brackets () forgotten?", name=name[:40])
    if type(x) is tuple and 1 < len(x) < 5 and all(type(part) is int for part in x):
        return _with_commas(x)
    shape = getattr(x, "shape", None)
    if isinstance(shape, tuple) and shape:
        return tr("a {kind} of shape {shape}", kind=kind, shape=str(shape)[:40])
    return tr("a {kind}", kind=kind)


def _with_commas(x: tuple[int, ...]) -> str:
    """``50,000`` is two numbers for Python."""
    said = tr("{n} numbers, because Python separates numbers by commas", n=len(x))
    ways = []
    if all(0 <= part < 1000 for part in x[1:]) and x[0] != 0 and abs(x[0]) < 1000:
        ways.append(f"`{x[0]}" + "".join(f"_{part:03d}" for part in x[1:]) + "`")
    if len(x) == 2 and x[1] > 0:
        ways.append(f"`{x[0]}.{x[1]}`")
    return said + (tr("; write {ways}", ways=f" {tr('or')} ".join(ways)) if ways else "")


def said_by(error: BaseException) -> str:
    """The kind and the words of an error, as far as it can say any."""
    try:
        words = str(error)
    except Exception:
        words = ""
    kind = type(error).__name__
    return f"{kind}: {words[:300]}" if words else kind


def one_number(x: Any, unit: str = "") -> float:
    """The number that was meant: a number, the one entry of an array or column, or a number as people type it.

    Parameters
    ----------
    x : Any
        ``95``, ``"95 %"``, ``"$1,200"``, ``"0,5"``, ``"12k"``, an array of one.
    unit : str
        What is asked for; typed units must agree. A share may be typed in percent.

    Raises
    ------
    Unreadable
        Where it is none.
    """
    try:
        number = _one_number(x, unit)
    except Unreadable:
        raise
    except Exception:  # whatever a stranger's __float__ does, the learner gets a sentence
        raise Unreadable(what_came(x)) from None
    if math.isnan(number):
        raise Unreadable(tr("NaN, so something on the way was missing or divided by zero"))
    return number


def _one_number(x: Any, unit: str) -> float:
    if isinstance(x, str):
        return _typed(str(x), unit)
    if type(x) is tuple and len(x) == 1:  # a comma behind the number
        x = x[0]
    elif getattr(x, "size", None) == 1 and hasattr(x, "item"):
        x = x.item()
    if x is None or isinstance(x, (bool, str, bytes, bytearray, complex)) or callable(x):
        raise Unreadable(what_came(x))
    return float(x)


def _typed(text: str, unit: str) -> float:
    came = Unreadable(tr("{came}; write a number", came=what_came(text)))
    found = _TYPED.fullmatch(text.strip()) if len(text) < 60 else None
    if found is None or (found["minus"] and found["more"]):
        raise came
    named = found["unit"].strip().strip(".").lower()
    if found["dollar"] and (named or unit != "$"):
        raise came if unit == "$" else _other_unit(text, unit)
    per_cent = unit == "share" and named in _UNITS["%"]
    if named and not per_cent and named not in _UNITS.get(unit, (unit.lower(), unit.lower().removesuffix("s"))):
        raise _other_unit(text, unit) if any(named in words for words in _UNITS.values()) else came
    digits = typed_number(found["digits"])
    if digits is None:
        raise came
    size = digits * _TIMES[found["times"]] / (100 if per_cent else 1)
    return -size if (found["minus"] or found["more"]) in ("-", "−", "–") else size


def _other_unit(text: str, unit: str) -> Unreadable:
    asked = {"%": tr("percent"), "$": tr("dollars"), "": tr("a plain number")}.get(unit, unit)
    return Unreadable(tr("{came}; {asked} is asked for", came=what_came(text), asked=asked))


def in_words(x: float, unit: str = "") -> str:
    """A number as one reads it aloud: three significant digits, whole above 100, with its unit.

    Examples
    --------
    >>> in_words(58.7342, "%"), in_words(-15634.2, "$"), in_words(0.0293), in_words(1, "days")
    ('58.7 %', '−$15,634', '0.0293', '1 day')
    """
    size = abs(x)
    if not math.isfinite(size):
        text = "infinitely many" if not unit else "infinite"
    elif 0 < size < 1e-6:
        text = f"{size:.3g}"
    else:
        digits = 0 if size == 0 or size >= 100 else 2 - math.floor(math.log10(size))
        text = f"{size:,.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    sign = "−" if x < 0 else ""
    if unit == "$":
        return f"{sign}${text}"
    return f"{sign}{text} {unit.removesuffix('s') if text == '1' else unit}".rstrip()
