"""Numbers as words: one home, one minus sign, no sign before nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mllayers import _words as words


@pytest.mark.parametrize(
    ("x", "told"),
    list(
        {
            0: "$0",
            4: "$4",
            4.5: "$4.50",
            -0.001: "$0",
            1234.5: "$1,234",
            -8_433: "−$8,433",
            9_999.6: "$10.0k",
            27_700: "$27.7k",
            220_000: "$220k",
            999_600: "$1.0M",
            2_260_000: "$2.3M",
            -65.9e6: "−$65.9M",
        }.items()
    ),
)
def test_money(x, told):
    assert words.money(x) == told


def test_money_in_a_unit():
    assert words.money(-9_900, "k") == "−$9.9k"
    assert words.money(14_400, "") == "$14,400"
    with pytest.raises(ValueError, match="unit must be one of auto, k, M"):
        words.money(1, "bn")


def test_percent():
    assert [words.percent(x) for x in (0.0123, 1, -0.0001, -0.25)] == ["1.2 %", "100.0 %", "0.0 %", "−25.0 %"]
    assert words.percent(0.69, 0) == "69 %"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_a_minus_stands_first_and_only_before_something(x):
    for tell in (words.dollars, words.money, words.percent, words.plain):
        told = tell(x)
        assert "-" not in told.replace("e-", "")
        assert "−" not in told[1:]
        assert told.startswith("−") == (x < 0 and any(digit in "123456789" for digit in told.partition("e")[0]))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_exact_loses_nothing(x):
    assert float(words.exact(x)) == x


@pytest.mark.parametrize("tell", [words.dollars, words.money, words.percent, words.plain, words.points])
def test_what_is_not_known_is_told(tell):
    assert tell(math.nan) == "unknown"
