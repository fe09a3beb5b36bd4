"""Layer 4, Action: the gate, and where it turns."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mllayers.action import break_even, worth_acting

chances = st.floats(0, 1)
dollars = st.floats(-1e4, 1e4)


@given(chances, chances, dollars, dollars, dollars)
def test_worth_acting_is_the_difference_of_two_expected_values(p, without, value, sent, used):
    """With: p (value − used) − sent. Without: p_without · value."""
    ev = worth_acting(p, value, contact_cost=sent, redeemed_cost=used, p_without=without)
    assert ev == pytest.approx(p * (value - used) - sent - without * value, abs=1e-6)


def test_the_worked_figures():
    assert 10_000 * worth_acting(0.2, 20, contact_cost=5) == -10_000
    assert 10_000 * worth_acting(0.2, 20, contact_cost=5, p_without=0.2) == -50_000
    assert worth_acting(0.2, 20, contact_cost=0, redeemed_cost=5) == pytest.approx(3)


def test_worth_acting_takes_columns_of_any_kind():
    frame = pd.DataFrame({"p": [0.2, 0.5], "v": [20.0, 10.0]})
    assert worth_acting(frame["p"], frame["v"], contact_cost=[5, 1]).tolist() == [-1.0, 4.0]
    assert isinstance(worth_acting(0.2, 20, contact_cost=5), float)


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"p": 1.2}, ValueError, r"p must lie in \[0, 1\]; got 1.2"),
        ({"p": [0.1, np.nan]}, ValueError, "p must hold finite numbers"),
        ({"p_without": -0.1}, ValueError, r"p_without must lie in \[0, 1\]"),
        (
            {"value": [1, 2, 3], "p": [0.1, 0.2]},
            ValueError,
            "p and value must have the same length; p has 2, value has 3",
        ),
        ({"p": ["0.1", "0.2"]}, TypeError, "p must be a column of numbers; got '0.1' at row 0"),
        ({"value": np.array(["2026-01-01"], "M8[D]")}, TypeError, "value must be a column of numbers"),
        ({"value": 2 + 1j}, TypeError, "value must be a number|value must be a column of numbers"),
        ({"p": np.ma.masked_array([0.1, 0.2], [0, 1])}, TypeError, "p must be .* masked"),
        ({"value": [[1, 2], [3]]}, TypeError, "value must be a column of numbers"),
        ({"value": 10**400}, ValueError, "value must be finite; got one that is too large"),
        (
            {"value": 1e308, "redeemed_cost": -1e308, "p": 1, "contact_cost": -1e308},
            ValueError,
            "small enough to be added",
        ),
        ({"contact_cost": "free"}, TypeError, "contact_cost must be a number"),
    ],
)
def test_worth_acting_refuses_in_words(wrong, error, says):
    with pytest.raises(error, match=says):
        worth_acting(**({"p": 0.2, "value": 20, "contact_cost": 5} | wrong))


def test_labels_in_another_order_are_refused():
    """The same two customers, sorted by value: each would get the other's chance."""
    p, value = pd.Series([0.1, 0.5], index=["a", "b"]), pd.Series([10.0, 90.0], index=["b", "a"])
    with pytest.raises(ValueError, match="same labels in the same order"):
        worth_acting(p, value, contact_cost=5)
    with pytest.raises(ValueError, match="same labels in the same order"):
        worth_acting(p, 10, contact_cost=value)
    assert worth_acting(p, value.loc[p.index], contact_cost=5).tolist() == [4.0, 0.0]


@pytest.mark.parametrize("n", [1, 3])
def test_a_column_gives_a_column_and_decimals_are_numbers(n):
    found = worth_acting(0.5, [Decimal("20.50")] * n, contact_cost=Decimal(5))
    assert found.tolist() == [5.25] * n
    assert break_even(value=Decimal(150), contact_cost=Decimal(5)) == pytest.approx(1 / 30)


def test_an_answer_too_large_for_a_number_is_told_and_not_never():
    assert break_even(p=1, value=0, redeemed_cost=1e308) == -1e308
    with pytest.raises(ValueError, match="too large for a number"):
        break_even(p=1e-10, contact_cost=1e300)


def test_a_misspelt_cost_is_an_error():
    with pytest.raises(TypeError, match="contact_costs"):
        worth_acting(0.2, 20, contact_cost=5, contact_costs=6)


@given(st.floats(0, 0.5), st.floats(0.01, 0.4), st.floats(1, 1e4), st.floats(0, 0.5), st.floats(0.01, 100))
def test_at_the_break_even_nothing_is_earned(without, lift, value, used_share, sent):
    used = used_share * value
    rest = {"redeemed_cost": used, "p_without": without}
    p = break_even(value=value, contact_cost=sent, **rest)
    if p <= 1:
        assert worth_acting(p, value, contact_cost=sent, **rest) == pytest.approx(0, abs=1e-6 * (1 + value))
    worth = break_even(p=without + lift, contact_cost=sent, **rest)
    assert worth_acting(without + lift, worth, contact_cost=sent, **rest) == pytest.approx(0, abs=1e-6 * (1 + worth))
    cost = break_even(p=without + lift, value=value, **rest)
    assert worth_acting(without + lift, value, contact_cost=cost, **rest) == pytest.approx(0, abs=1e-6 * (1 + value))


def test_break_even_that_is_never_reached_is_infinite():
    assert break_even(value=4, contact_cost=5) == math.inf
    assert break_even(value=4, contact_cost=0, redeemed_cost=4) == math.inf
    assert break_even(p=0.2, p_without=0.2, contact_cost=5) == math.inf


@given(st.floats(0, 1), st.floats(0, 1e3), st.floats(0, 1e3), st.floats(0, 1e3))
def test_the_action_pays_above_the_break_even_probability_and_never_below(without, value, used, sent):
    needed = break_even(value=value, contact_cost=sent, redeemed_cost=used, p_without=without)
    p = np.linspace(0, 1, 41)
    ev = worth_acting(p, value, contact_cost=sent, redeemed_cost=used, p_without=without)
    assert (ev[p < needed] < 1e-6).all()
    assert (ev[p > needed] > -1e-6).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"value": -4, "contact_cost": 5}, "value must be ≥ 0; got -4"),
        ({"value": 4, "contact_cost": -5}, "contact_cost must be ≥ 0"),
        ({"p": 0.2, "value": 20, "redeemed_cost": -1}, "redeemed_cost must be ≥ 0"),
        ({"p": 1.2, "value": 20}, "p must be ≥ 0 and ≤ 1; got 1.2"),
    ],
)
def test_break_even_refuses_what_would_turn_it_around(wrong, says):
    with pytest.raises(ValueError, match=says):
        break_even(**wrong)


@pytest.mark.parametrize("given", [{}, {"p": 0.2}, {"p": 0.2, "value": 20, "contact_cost": 5}])
def test_break_even_wants_exactly_one_unknown(given):
    with pytest.raises(ValueError, match="leave out exactly one of p, value and contact_cost"):
        break_even(**given)


@pytest.mark.parametrize("name", ["p", "value", "contact_cost", "redeemed_cost", "p_without"])
def test_a_little_below_zero_is_refused(name):
    for asked in {"p", "value", "contact_cost"} - {name}:
        given = {"p": 0.5, "value": 10, "contact_cost": 1, "redeemed_cost": 2, "p_without": 0.1, name: -0.25}
        with pytest.raises(ValueError, match=f"{name} must be ≥ 0"):
            break_even(**{key: x for key, x in given.items() if key != asked})
