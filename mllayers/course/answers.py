"""What a learner hands over: a blank, a number, or something else told apart in words."""

from __future__ import annotations

import math
from typing import Any

from mllayers.course.notes import Note


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


class Unreadable(Exception):
    """An answer of another kind than was asked; its text tells the learner what came."""


def is_blank(x: Any) -> bool:
    """Whether an answer is still blank, or holds a blank somewhere inside."""
    if isinstance(x, dict):
        return any(is_blank(part) for pair in x.items() for part in pair)
    if isinstance(x, (list, tuple, set, frozenset)):
        return any(is_blank(part) for part in x)
    return isinstance(x, Blank)


def not_attempted(what: str) -> Note:
    """The note for a blank that is still blank."""
    return Note("Not attempted yet", (what,), "wait")


def what_came(x: Any) -> str:
    """What came, in a few words, with the likely slip where there is one."""
    if x is None:
        return "None, which is what a name or a function gives that was never assigned or returns nothing"
    if isinstance(x, bool):
        return f"{x}, a yes or no"
    if isinstance(x, str):
        return f"the text {x[:40]!r}"
    if callable(x):
        return f"the function {getattr(x, '__name__', 'you defined')} itself; were the brackets () forgotten?"
    shape = getattr(x, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"a {type(x).__name__} of shape {shape}"
    return f"a {type(x).__name__}"


def one_number(x: Any) -> float:
    """The number that was meant: a Python or NumPy number, or the single entry of an array or column."""
    if isinstance(x, str):
        raise Unreadable(f"{what_came(x)}; write it as a number, without quotes")
    if getattr(x, "size", None) == 1 and hasattr(x, "item"):
        x = x.item()
    if x is None or isinstance(x, (bool, str, bytes, bytearray, complex)) or callable(x):
        raise Unreadable(what_came(x))
    try:
        number = float(x)
    except Exception:  # whatever a stranger's __float__ does, the learner gets a sentence
        raise Unreadable(what_came(x)) from None
    if math.isnan(number):
        raise Unreadable("NaN, so something on the way was missing or divided by zero")
    return number


def in_words(x: float, unit: str = "") -> str:
    """A number as one reads it aloud: three significant digits, whole above 100, with its unit.

    Examples
    --------
    >>> in_words(58.7342, "%"), in_words(-15634.2, "$"), in_words(0.0293)
    ('58.7 %', '−$15,634', '0.0293')
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
    return f"{sign}{text} {unit}".rstrip()
