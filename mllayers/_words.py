"""Numbers as a reader says them: money, shares, points, plain numbers; and as people type them. One home for all.

Every minus is the sign −, before the dollar sign, and a value that rounds to zero has none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

__all__ = [
    "count",
    "dollars",
    "exact",
    "money",
    "percent",
    "plain",
    "points",
    "points_told",
    "promise_verdict",
    "span_told",
    "typed_number",
]


def dollars(x: float, digits: int | None = None) -> str:
    """Dollars to the cent; whole dollars where the amount is whole or at least 100.

    Examples
    --------
    >>> dollars(1234.5), dollars(4.25), dollars(-9), dollars(-0.001), dollars(float("nan"))
    ('$1,234', '$4.25', '−$9', '$0.00', 'unknown')
    >>> dollars(1234.5, 2)
    '$1,234.50'
    """
    if math.isnan(x):
        return "unknown"
    if digits is None:
        digits = 0 if abs(x) >= 100 or x == round(x) else 2
    return _signed(x, f"{abs(x):,.{digits}f}", "$")


def money(x: float, unit: str = "auto") -> str:
    """Dollars as they are said: plain below 10,000, then thousands, then millions.

    Parameters
    ----------
    x : float
        US dollars.
    unit : {"auto", "", "k", "M"}
        Thousands, millions or plain dollars.

    Examples
    --------
    >>> money(1234.5), money(-9_900, "k"), money(2_260_000), money(0.1)
    ('$1,234', '−$9.9k', '$2.3M', '$0.10')
    """
    if unit not in ("auto", "", "k", "M"):
        raise ValueError(f"unit must be one of auto, k, M or nothing; got {unit!r}")
    if math.isnan(x):
        return "unknown"
    size = abs(x)
    if unit == "auto":
        unit = "" if size < 9_999.5 else "k" if size < 999_500 else "M"
    scaled = size / {"": 1.0, "k": 1e3, "M": 1e6}[unit]
    cents = unit == "" and size < 100 and not float(f"{size:.2f}").is_integer()
    digits = 2 if cents else 0 if unit == "" or scaled >= 99.95 else 1
    return _signed(x, f"{scaled:,.{digits}f}", "$") + unit


def percent(x: float, digits: int = 1) -> str:
    """A share as a percentage.

    Examples
    --------
    >>> percent(0.0123), percent(0.69, 0), percent(-0.017)
    ('1.2 %', '69 %', '−1.7 %')
    """
    return "unknown" if math.isnan(x) else f"{_signed(x, f'{abs(x) * 100:,.{digits}f}')} %"


def points(x: float, digits: int = 2) -> str:
    """A change of a rate in percentage points, always with its sign.

    Examples
    --------
    >>> points(0.0229), points(-0.25), points(0.0)
    ('+2.29', '−25.00', '+0.00')
    """
    if math.isnan(x):
        return "unknown"
    told = _signed(100 * x, f"{abs(100 * x):,.{digits}f}")
    return told if told.startswith("−") else f"+{told}"


def plain(x: float) -> str:
    """A number with three significant digits, thousands separated.

    Examples
    --------
    >>> plain(0.0028999), plain(360.0), plain(12_345.0), plain(-2.5)
    ('0.0029', '360', '12,345', '−2.5')
    """
    if math.isnan(x):
        return "unknown"
    size = abs(x)
    return _signed(x, f"{size:,.0f}" if size >= 100 else f"{size:.3g}")


def count(n: float, what: str, many: str = "") -> str:
    """How many of something, in the right number.

    Examples
    --------
    >>> count(1, "case"), count(2_000, "case"), count(0, "copy", "copies")
    ('1 case', '2,000 cases', '0 copies')
    """
    return f"{n:,.0f} {what if n == 1 else many or what + 's'}"


def points_told(x: float) -> str:
    """A size in percentage points, as it is said.

    Examples
    --------
    >>> points_told(0.01), points_told(0.005)
    ('1 point', '0.5 points')
    """
    told = plain(100 * x)
    return f"{told} point{'' if told == '1' else 's'}"


def span_told(low: float, high: float, words: Callable[[float], str]) -> str:
    """The two ends of an interval; one that has a single end says so.

    Examples
    --------
    >>> span_told(1, 2.5, plain), span_told(3, float("inf"), dollars), span_told(float("-inf"), 1, plain)
    ('1 to 2.5', 'at least $3', 'at most 1')
    """
    if math.isinf(low) or math.isinf(high):
        return "no limit" if math.isinf(low) and math.isinf(high) else (
            f"at least {words(low)}" if math.isinf(high) else f"at most {words(high)}"
        )  # fmt: skip
    return f"{words(low)} to {words(high)}"


def promise_verdict(possible: bool, size: str = "", least: str = "") -> str:
    """What an interval says of a promise: broken, kept within the least difference that matters, or not refuted.

    Parameters
    ----------
    possible : bool
        Whether the interval allows for the promise.
    size : str
        What it says of the difference: *more* or *less* than promised by more than `least`, *alike*, or *open*.
    least : str
        The least difference that matters, in words.

    Examples
    --------
    >>> promise_verdict(True), promise_verdict(True, "alike", "1 point"), promise_verdict(False, "less", "$2")
    ('not refuted', 'kept within 1 point', 'broken by more than $2')
    """
    if possible:
        return f"kept within {least}" if size == "alike" else "not refuted"
    by = {"more": f" by more than {least}", "less": f" by more than {least}", "alike": f", by less than {least}"}
    return f"broken{by.get(size, '')}"


def exact(x: float) -> str:
    """A number as short as it can be without rounding.

    Examples
    --------
    >>> exact(0.5), exact(1.0000001), exact(1 / 3)
    ('0.5', '1.0000001', '0.3333333333333333')
    """
    return f"{x:g}" if float(f"{x:g}") == x else repr(float(x))


def typed_number(text: str) -> float | None:
    """The number that somebody typed, without its unit: with a decimal point or comma, with signs between thousands.

    None where it is none, or where it is unclear which sign means what. A single comma before exactly three digits
    stands between thousands, unless the number begins with 0.

    Examples
    --------
    >>> typed_number("1,234.5"), typed_number("0,95"), typed_number("12 000"), typed_number("−1e3")
    (1234.5, 0.95, 12000.0, -1000.0)
    >>> typed_number("1.234,5"), typed_number("1.5.2"), typed_number("many")
    (1234.5, None, None)
    """
    bare = text.strip().replace("−", "-").replace("–", "-")
    sign, bare = (-1.0, bare[1:].strip()) if bare.startswith("-") else (1.0, bare.removeprefix("+").strip())
    if not re.match(r"[.,]?\d", bare) or len(bare) > 60:
        return None
    for between, point in ((r"_ '’\u00a0\u202f", r".,"), (",", r"."), (".", ",")):
        match = re.fullmatch(rf"(\d{{1,3}}(?:[{between}]\d{{3}})+)(?:[{point}](\d*))?", bare)
        decimal = bare.startswith("0") or (between == "." and bare.count(".") == 1 and "," not in bare)
        if match and not decimal:
            return sign * float(f"{re.sub('[^0-9]', '', match[1])}.{match[2] or '0'}")
    match = re.fullmatch(r"(\d*)[.,]?(\d*)((?:[eE][-+]?\d{1,3})?)", bare)
    return sign * float(f"{match[1] or '0'}.{match[2] or '0'}{match[3]}") if match else None


def _signed(x: float, size: str, before: str = "") -> str:
    """The minus in front, unless nothing but zeros is left after rounding."""
    return f"{'−' if x < 0 and size.strip('0.,') else ''}{before}{size}"
