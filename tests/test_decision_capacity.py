"""Layer 3: the best cases that fit, and what more room can bring."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, milp

from mllayers.decision import fits_capacity, within_capacity

NAN = float("nan")
quick = settings(max_examples=60, deadline=None)


def best_fit_by_brute_force(gain, units, capacity):
    return max(
        (sum(gain[i] for i in some) for k in range(len(gain) + 1) for some in combinations(range(len(gain)), k)
         if sum(units[i] for i in some) <= capacity * (1 + 1e-9)),
    )  # fmt: skip


cases = st.lists(st.tuples(st.integers(-20, 100), st.integers(1, 20)), max_size=10)


class TestWithinCapacity:
    @quick
    @given(cases, st.integers(0, 60))
    def test_is_the_best_choice_by_brute_force(self, cases, capacity):
        gain, units = [float(g) for g, _ in cases], [u / 4 for _, u in cases]
        fit = within_capacity(gain, capacity / 4, units=np.array(units))
        assert fit.gain == best_fit_by_brute_force(gain, units, capacity / 4)
        assert fit.used == sum(np.array(units)[fit.chosen]) <= capacity / 4
        assert fit.gain <= fit.bound + 1e-6

    @quick
    @given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.integers(0, 45), st.sampled_from([1.0, 0.5, 3]))
    def test_with_slots_it_is_the_top_of_the_list(self, gain, slots, size):
        fit = within_capacity(gain, slots * size, units=size)
        ranked = sorted((g for g in gain if g > 0), reverse=True)
        assert sorted(np.array(gain)[fit.chosen], reverse=True) == ranked[:slots]
        one_more = ranked[slots] if len(ranked) > slots else 0.0
        assert fit.shadow_price * size == pytest.approx(one_more)
        assert size != 1 or fit.one_more == pytest.approx(one_more, abs=1e-6)
        more = within_capacity(gain, (slots + 1) * size, units=size)
        assert more.gain - fit.gain == pytest.approx(one_more, abs=1e-9)

    def test_large_choices_touch_the_bound_of_linear_programming(self):
        rng = np.random.default_rng(0)
        gain, hours = rng.lognormal(3, 1.5, 20_000), rng.lognormal(0, 0.7, 20_000)
        fit = within_capacity(gain, 2_000, units=hours)
        lp = linprog(-gain, A_ub=hours[None], b_ub=[2_000], bounds=(0, 1))
        assert fit.bound == pytest.approx(-lp.fun, rel=1e-8)
        assert fit.shadow_price == pytest.approx(-lp.ineqlin.marginals[0], rel=1e-6)
        order = np.argsort(-gain / hours)
        assert gain[order][np.cumsum(hours[order]) <= 2_000].sum() <= fit.gain <= fit.bound
        assert fit.bound - fit.gain < 1e-4 * fit.gain
        assert fit.used <= 2_000 * (1 + 1e-9)

    def test_matches_a_solver_of_integer_programs(self):
        for seed in range(5):
            rng = np.random.default_rng(seed)
            gain, hours = rng.lognormal(3, 1, 60), rng.integers(1, 30, 60) / 4.0
            fit = within_capacity(gain, 40.0, units=hours)
            best = milp(
                -gain, integrality=1, bounds=(0, 1), constraints=[(hours[None], 0, 40.0)], options={"mip_rel_gap": 0}
            )
            assert fit.gain == pytest.approx(-best.fun)

    @pytest.mark.parametrize("seed", range(40))
    def test_is_the_best_of_forty_cases_by_dynamic_programming(self, seed):
        """Units below 1, many of them alike, and a table of the best gain for every whole number of 64ths."""
        rng = np.random.default_rng(seed)
        gain, size = rng.integers(1, 60, 40), rng.integers(1, 60, 40)
        room = int(rng.integers(1, size.sum()))
        best = np.zeros(room + 1, dtype=np.int64)
        for g, u in zip(gain, size, strict=True):
            if u <= room:
                best[u:] = np.maximum(best[u:], best[: room + 1 - u] + g)
        fit = within_capacity(gain, room / 64, units=size / 64)
        assert fit.gain == best[room]
        assert fit.used == size[fit.chosen].sum() / 64 <= room / 64

    def test_a_search_that_outgrows_its_list_returns_the_ranking_and_its_bound(self):
        rng = np.random.default_rng(1)
        hours = rng.random(60) + 1  # every hour earns the same: nothing tells the cases apart
        fit = within_capacity(hours * 10, 30.5, units=hours)
        assert fit.used <= 30.5 * (1 + 1e-9)
        assert 0 < fit.bound - fit.gain < 20

    def test_ties_keep_their_order(self):
        assert within_capacity([5.0, 5.0, 5.0], 2).chosen.tolist() == [True, True, False]

    def test_by_value_per_hour_beats_by_value(self):
        fit = within_capacity([100.0, 60.0, 60.0], 10, units=[10.0, 5.0, 5.0])
        assert fit.chosen.tolist() == [False, True, True]
        assert str(fit) == "2 of 3 cases bring $120.00 with 10 units; one more unit is worth at most $10.00"

    def test_nothing_to_do(self):
        for fit in (within_capacity([], 3), within_capacity([-1.0, 0.0], 3), within_capacity([5.0], 0)):
            assert not fit.chosen.any()
            assert fit.gain == fit.used == 0
        assert within_capacity([5.0], 0).shadow_price == 5.0
        assert within_capacity([5.0], 1).shadow_price == 0.0
        assert within_capacity([5.0, 1.0], 2, units=[3.0, 1.0]).chosen.tolist() == [False, True]

    @pytest.mark.parametrize(
        ("arguments", "options", "error", "told"),
        [
            (([1.0, NAN], 1), {}, ValueError, "gain must hold finite numbers; got nan at row 1"),
            (([1.0], -1), {}, ValueError, "capacity must be ≥ 0; got -1"),
            (([1.0, 2.0], 1), {"units": [1.0, 0.0]}, ValueError, "units must be > 0; got 0 at row 1"),
            (
                ([1.0, 2.0], 1),
                {"units": [1.0]},
                ValueError,
                "gain and units must have the same length; gain has 2, units has 1",
            ),
            (("gain", 1), {}, TypeError, "for a frame: fits_capacity"),
            (([1.0], 1), {"units": "1"}, TypeError, "units must be a number; got '1'"),
            (
                (pd.Series([1.0, 2.0]), 1),
                {"units": pd.Series([1.0, 2.0], index=[1, 0])},
                ValueError,
                "same labels in the same order",
            ),
        ],
    )
    def test_bad_input_is_named(self, arguments, options, error, told):
        with pytest.raises(error, match=told):
            within_capacity(*arguments, **options)

    @quick
    @given(cases, st.integers(0, 60))
    def test_one_more_unit_never_brings_more_than_is_told(self, cases, capacity):
        gain, units = [float(g) for g, _ in cases], np.array([float(u) for _, u in cases])
        now, then = (within_capacity(gain, room, units=units) for room in (capacity, capacity + 1))
        assert then.gain - now.gain <= now.one_more + 1e-6 * (1 + now.bound)

    def test_on_a_knapsack_that_does_not_fit_one_more_unit_may_bring_nothing(self):
        fit = within_capacity([40.0, 40.0], 15, units=[10.0, 10.0])
        assert within_capacity([40.0, 40.0], 16, units=[10.0, 10.0]).gain == fit.gain == 40
        assert (fit.shadow_price, fit.one_more) == (pytest.approx(4.0), pytest.approx(24.0))
        assert repr(fit) == "1 of 2 cases bring $40.00 with 10 units; one more unit is worth at most $24.00"

    def test_a_selection_is_a_result(self):
        fit = within_capacity([5.0, 30.0], 1)
        assert fit == within_capacity([5.0, 30.0], 1) != within_capacity([5.0, 30.0], 2)
        assert fit.to_dict()["chosen"] == [False, True]
        assert "at most <span>&#36;</span>5.00" in fit._repr_html_()
        assert fit.frame()["gain"].to_list() == [30.0]


class TestFitsCapacity:
    @pytest.mark.parametrize(
        ("arguments", "options", "error", "told"),
        [
            (("gain", 1), {"ties": None}, TypeError, "ties must name the columns that settle equal gains"),
            (("gain", 1), {"ties": 3}, TypeError, "ties must be a list of column names; got 3"),
            ((3, 1), {"ties": "id"}, TypeError, "gain must be the name of a column, as text; got 3"),
            (("gain", -1), {"ties": "id"}, ValueError, "capacity must be ≥ 0; got -1"),
            (("gain", 1), {"ties": "id", "units": 0}, ValueError, "units must be > 0; got 0"),
            (("gain", 1), {"ties": "who"}, ValueError, "frame must have the column 'who'; it has id, gain"),
            (("gain", 1), {"ties": "id", "into": "gain"}, ValueError, "frame already has the column 'gain'"),
        ],
    )
    def test_bad_input_is_named(self, arguments, options, error, told):
        with pytest.raises(error, match=told):
            fits_capacity(pd.DataFrame({"id": [1], "gain": [1.0]}), *arguments, **options)
