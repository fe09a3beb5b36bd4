"""Layer 3: what a bet is worth, and from which score acting pays."""

import math
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mllayers.decision import CostWarning, cost_threshold, expected_value, review_band

NAN = float("nan")
quick = settings(max_examples=60, deadline=None)
numbers = st.floats(-1e6, 1e6, allow_nan=False)
shares = st.floats(0, 1, allow_nan=False)


class TestExpectedValue:
    def test_the_two_leads(self):
        assert expected_value(0.90, 500) == 450
        assert expected_value(0.30, 48_000) == 14_400
        assert 10_000 * expected_value(0.2, 20, 5) == -10_000
        assert expected_value(450 / 48_000, 48_000) == pytest.approx(450)

    def test_one_number_or_one_per_case(self):
        both = expected_value(pd.Series([0.1, 0.2]), 10, np.array([1.0, 0.5]))
        np.testing.assert_allclose(both, [0.0, 1.5])
        np.testing.assert_allclose(expected_value(0.5, [10, 20]), [5, 10])
        assert isinstance(expected_value(0.5, 10), float)

    @quick
    @given(shares, numbers, numbers, st.sampled_from([0.25, 2.0, 1024.0]))
    def test_a_change_of_currency_changes_the_currency_only(self, p, value, cost, rate):
        assert expected_value(p, value * rate, cost * rate) == pytest.approx(rate * expected_value(p, value, cost))

    @pytest.mark.parametrize(
        ("p", "value", "cost", "told"),
        [
            (1.2, 5, 0, r"p must lie in \[0, 1\]; got 1.2"),
            ([0.1, -0.1], 5, 0, r"p must lie in \[0, 1\]; got -0.1 at row 1"),
            ([0.1, NAN], 5, 0, "p must hold finite numbers; got nan at row 1"),
            ([0.1, 0.2], [1, 2, 3], 0, "p and value must have the same length; p has 2, value has 3"),
            (0.1, 5, NAN, "cost must be finite; got nan"),
            (0.1, [1.0, 2.0], [1.0], "value and cost must have the same length"),
        ],
    )
    def test_bad_input_is_named(self, p, value, cost, told):
        with pytest.raises(ValueError, match=told):
            expected_value(p, value, cost)


def order_money(a):
    """A fake-order desk: what blocking and shipping an order of a dollars bring."""
    return {"gain_tn": 0.30 * a, "cost_fp": 12.0, "cost_fn": 0.70 * a + 20.0, "gain_tp": 0.0}


class TestCostThreshold:
    def test_the_80_dollar_order(self):
        assert cost_threshold(**order_money(80.0)) == pytest.approx(36 / 112)
        review_from, act_from = review_band(**order_money(80.0), cost_review=4.0)
        assert (review_from, act_from) == pytest.approx((4 / 76, 1 - 4 / 36))
        assert review_band(**order_money(1_000.0), cost_review=4.0).review_from == pytest.approx(4 / 720)

    def test_one_threshold_per_case(self):
        amounts = np.array([80.0, 1_000.0])
        each = [tuple(review_band(**order_money(a), cost_review=4.0)) for a in amounts]
        np.testing.assert_allclose(np.transpose(list(review_band(**order_money(amounts), cost_review=4.0))), each)
        np.testing.assert_allclose(cost_threshold(cost_fp=[1.0, 2.0], cost_fn=2.0), [1 / 3, 1 / 2])

    def test_an_expensive_review_closes_the_band_at_the_threshold(self):
        limit = 1 / (1 / 76 + 1 / 36)  # 24.43
        t = cost_threshold(**order_money(80.0))
        low, high = review_band(**order_money(80.0), cost_review=limit * 0.999)
        assert low < t < high
        closed = review_band(**order_money(80.0), cost_review=limit * 1.001)
        assert tuple(closed) == (t, t)
        assert repr(closed) == "never review, act from a score of 0.321"
        assert tuple(review_band(**order_money(80.0), cost_review=0.0)) == (0.0, 1.0)

    money = st.floats(0, 1e4)

    @quick
    @given(p=shares, fp=money, fn=money, tp=money, tn=money, review=money)
    def test_says_what_comparing_expected_values_says(self, p, fp, fn, tp, tn, review):
        assume(fp + tn > 1e-3)
        assume(fn + tp > 1e-3)
        act, leave = p * tp - (1 - p) * fp, (1 - p) * tn - p * fn
        look = p * tp + (1 - p) * tn - review
        t = cost_threshold(cost_fp=fp, cost_fn=fn, gain_tp=tp, gain_tn=tn)
        if abs(act - leave) > 1e-6:
            assert (p >= t) == (act > leave)
        low, high = review_band(cost_fp=fp, cost_fn=fn, gain_tp=tp, gain_tn=tn, cost_review=review)
        assert 0 <= low <= t <= high <= 1
        worth = {"leave": leave, "look": look, "act": act}
        best = max(worth, key=worth.get)
        if sorted(worth.values())[-2] < worth[best] - 1e-6:
            assert best == ("leave" if p < low else "look" if p < high else "act")

    @quick
    @given(fp=money, fn=money, tp=money, tn=money, shift=money)
    def test_a_constant_on_a_column_of_the_cost_matrix_changes_nothing(self, fp, fn, tp, tn, shift):
        assume(fp + tn > 1)
        assume(fn + tp > 1)
        before = cost_threshold(cost_fp=fp, cost_fn=fn, gain_tp=tp, gain_tn=tn)
        assert cost_threshold(cost_fp=fp, cost_fn=fn - shift, gain_tp=tp + shift, gain_tn=tn) == pytest.approx(before)
        assert cost_threshold(cost_fp=fp - shift, cost_fn=fn, gain_tp=tp, gain_tn=tn + shift) == pytest.approx(before)

    def test_unreasonable_costs_are_refused(self):
        with pytest.raises(ValueError, match=r"gain_tn \+ cost_fp must be > 0, or acting is best .* got -1"):
            cost_threshold(cost_fp=-1.0, cost_fn=5.0)
        with pytest.raises(
            ValueError, match=r"gain_tp \+ cost_fn must be > 0, or never acting is best .* got 0 at row 0"
        ):
            cost_threshold(cost_fp=1.0, cost_fn=[0.0, -1.0])
        with pytest.raises(ValueError, match="as if the two were swapped at row 1"):
            cost_threshold(cost_fp=[1.0, -1.0], cost_fn=[5.0, -2.0])
        with pytest.raises(ValueError, match="cost_review must be ≥ 0; got -1"):
            review_band(cost_fp=1.0, cost_fn=5.0, cost_review=-1.0)
        with pytest.raises(TypeError, match="cost_fn_"):
            cost_threshold(cost_fp=1.0, cost_fn_=5.0)
        with pytest.raises(
            ValueError, match="cost_fp and cost_fn must have the same length; cost_fp has 2, cost_fn has 3"
        ):
            cost_threshold(cost_fp=[1.0, 2.0], cost_fn=[1.0, 2.0, 3.0])

    def test_single_cases_without_a_threshold_are_told_and_never_clipped(self):
        """One customer too small to call: an ordinary book."""
        value = np.array([100.0, 0.0, 20.0, 5.0, -3.0])
        with pytest.warns(CostWarning, match=r"2 of 5 cases have no threshold: leaving alone for 2 \(threshold inf\)"):
            t = cost_threshold(cost_fp=15.0, gain_tp=value)
        assert t.tolist() == [15 / 115, np.inf, 15 / 35, 0.75, np.inf]
        with pytest.warns(CostWarning, match=r"2 of 3 .*: acting is best .* 1 \(threshold −inf\), leaving alone for 1"):
            t = cost_threshold(cost_fp=[-1.0, 2.0, 1.0], cost_fn=[2.0, 2.0, 0.0])
        assert t.tolist() == [-np.inf, 0.5, np.inf]
        with pytest.warns(CostWarning):
            band = review_band(cost_review=0.25, cost_fp=[-1.0, 2.0, 1.0], cost_fn=[2.0, 2.0, 0.0])
        assert band.review_from.tolist() == [-np.inf, 0.125, np.inf]
        assert band.act_from.tolist() == [-np.inf, 0.875, np.inf]
        assert repr(band) == "review 1 of 3 cases at some score, each in its own band"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cost_threshold(cost_fp=15.0, gain_tp=[100.0, 0.01])

    @quick
    @given(st.lists(st.tuples(*[st.integers(-3, 3)] * 4), min_size=1, max_size=6))
    def test_whatever_the_books_each_case_is_decided_by_its_money(self, rows):
        fp, fn, tp, tn = np.array(rows, dtype=float).T
        a, b = tn + fp, tp + fn
        swapped, none = (a < 0) & (b < 0), (a <= 0) | (b <= 0)
        money = {"cost_fp": fp, "cost_fn": fn, "gain_tp": tp, "gain_tn": tn}
        if swapped.any() or none.all():
            with pytest.raises(ValueError, match=r"must be > 0|swapped"):
                cost_threshold(**money)
            return
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            t = cost_threshold(**money)
        assert len(told) == none.any()
        for p in (0.125, 0.5, 0.875):
            gain = p * b - (1 - p) * a  # of acting, over leaving alone
            clear = gain != 0
            assert ((p >= t) == (gain > 0))[clear].all()

    def test_a_band_is_a_result(self):
        band = review_band(**order_money(80.0), cost_review=4.0)
        assert repr(band) == "review from a score of 0.0526, act from 0.889"
        assert band == review_band(**order_money(80.0), cost_review=4.0)
        assert band != review_band(**order_money(81.0), cost_review=4.0)
        assert band.to_dict() == {"review_from": 4 / 76, "act_from": 1 - 4 / 36}
        assert band.frame().shape == (1, 2)
        assert review_band(**order_money(np.array([80.0, 90.0])), cost_review=4.0).frame().shape == (2, 2)
        assert review_band(**order_money(80.0), cost_review=[4.0, 5.0]).act_from.shape == (2,)
        with pytest.raises(ValueError, match="cost_review must be ≥ 0; got -1 at row 1"):
            review_band(**order_money(80.0), cost_review=[4.0, -1.0])

    def test_series_of_other_cases_are_refused_and_decimals_are_numbers(self):
        margin = pd.Series([1.0, 2.0], index=[1, 0])
        with pytest.raises(ValueError, match="same labels in the same order"):
            cost_threshold(cost_fp=pd.Series([1.0, 2.0]), cost_fn=margin)
        with pytest.raises(ValueError, match="same labels in the same order"):
            expected_value(pd.Series([0.1, 0.2]), margin)
        assert cost_threshold(cost_fp=Decimal("1"), cost_fn=Decimal("3")) == 0.25
        assert cost_threshold(cost_fp=np.array([], dtype=float)).size == 0
        assert expected_value([], []).size == 0
        for odd in (
            "3",
            b"3",
            3j,
            None,
            [None],
            np.array(["2026-03-01"], dtype="M8[ns]"),
            np.ma.array([1.0], mask=[1]),
        ):
            with pytest.raises((TypeError, ValueError), match="cost_fp must"):
                cost_threshold(cost_fp=odd, cost_fn=1.0)


def test_acting_that_is_paid_on_negatives_and_free_on_positives_is_always_best():
    with pytest.warns(CostWarning, match=r"1 of 2 cases have no threshold: acting is best at every probability for 1"):
        assert cost_threshold(cost_fp=[-5, 5], cost_fn=[0, 5]).tolist() == [-math.inf, 0.5]


def test_an_empty_column_beside_a_full_one_is_refused():
    with pytest.raises(ValueError, match="cost_fp and cost_fn must have the same length; cost_fp has 0, cost_fn has 2"):
        cost_threshold(cost_fp=[], cost_fn=[1, 2])


def test_an_array_without_a_dimension_is_one_number():
    assert cost_threshold(cost_fp=np.array(5.0), cost_fn=15) == 0.25
