"""Layer 3: where each action starts to pay."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mllayers import shop
from mllayers.decision import Action, Menu, Policy, Tier, Tiers, best_tiers, cost_threshold

quick = settings(max_examples=60, deadline=None)
shares = st.floats(0, 1, allow_nan=False)
lines = st.lists(st.tuples(st.floats(-100, 100), st.floats(-50, 50)), min_size=1, max_size=8)
small_lines = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=1, max_size=8)


def best_by_brute_force(actions, p, value=1.0):
    """The action with the highest gain · p − cost in exact arithmetic; ties go to the larger gain, then the later."""

    def worth(i):
        gain = Fraction(actions[i].gain) * Fraction(value)
        return gain * Fraction(p) - Fraction(actions[i].cost), gain, i

    return actions[max(range(len(actions)), key=worth)].name


def covering(tiers, p):
    return [tier for tier in tiers if (tier.low <= p < tier.high) or (p == tier.high and tier.closed == "both")]


class TestBestTiers:
    @quick
    @given(lines | small_lines, st.lists(shares, max_size=5), st.sampled_from([1.0, 0.0, 0.37, 48_000.0]))
    def test_is_the_best_action_at_every_score_by_brute_force(self, lines, scores, value):
        actions = [Action(f"a{i}", gain, cost) for i, (gain, cost) in enumerate(lines)]
        tiers = best_tiers(actions, value=value)
        edges = [x for tier in tiers for x in (tier.low, tier.high)]
        beside = [math.nextafter(x, way) for x in edges for way in (0, 1)]
        for p in [0.0, 1.0, *scores, *edges, *beside]:
            [tier] = covering(tiers, p)
            assert tier.action.name == best_by_brute_force(actions, p, value)

    @quick
    @given(lines)
    def test_leaves_no_gap(self, lines):
        actions = [Action(f"a{i}", gain, cost, "desk") for i, (gain, cost) in enumerate(lines)]
        assert Policy(best_tiers(actions), missing=actions[0], holdout=0).gaps() == []

    @quick
    @given(small_lines)
    def test_order_of_listing_matters_only_for_equal_lines(self, lines):
        actions = [Action(f"{gain} {cost}", gain, cost) for gain, cost in lines]
        assert best_tiers(actions) == best_tiers(actions[::-1])

    def test_hand_worked(self):
        nothing, call, never = Action("nothing", 0, 0), Action("call", 40, 15), Action("gift", 40, 16)
        assert best_tiers([call, never, nothing]) == Tiers(Tier(0, 0.375, nothing), Tier(0.375, 1, call))
        assert best_tiers([nothing, call], value=0.375) == Tiers(Tier(0, 1, nothing, closed="left"), Tier(1, 1, call))
        assert best_tiers([never]) == Tiers(Tier(0, 1, never))
        assert best_tiers(Menu(nothing, call)) == best_tiers([nothing, call])

    def test_many_actions_are_quick_and_right(self):
        ps = np.linspace(0, 1, 2_001)
        actions = [Action(f"a{i}", 2.0 * i, float(i * i) / 2_000) for i in range(2_000)]  # tangents of a parabola
        tiers = best_tiers(actions)
        cuts = [tier.low for tier in tiers]
        best = np.argmax([a.gain * ps - a.cost for a in actions], axis=0)
        found = [int(tiers[i].action.name[1:]) for i in np.searchsorted(cuts, ps, side="right") - 1]
        worth = [actions[i].gain * p - actions[i].cost for i, p in zip(found, ps, strict=True)]
        np.testing.assert_allclose(
            worth, [actions[i].gain * p - actions[i].cost for i, p in zip(best, ps, strict=True)]
        )

    @pytest.mark.parametrize(
        ("actions", "error", "told"),
        [
            ("call", TypeError, "actions must hold actions; got 'call'"),
            (["call"], TypeError, "actions must hold only Action; got 'call'"),
            ([], ValueError, "actions must hold at least one action; got none"),
            (
                [Action("x")],
                TypeError,
                "'x' needs a gain and a cost in dollars; its gain is not known and its cost not kn",
            ),
            ([Action("x", "v", 3)], TypeError, "its gain is column 'v' and its cost \\$3.00"),
        ],
    )
    def test_bad_menus_are_refused(self, actions, error, told):
        with pytest.raises(error, match=told):
            best_tiers(actions)
        with pytest.raises(ValueError, match="value must be ≥ 0"):
            best_tiers([Action("x", 1, 1)], value=-1)


class TestRules:
    def test_a_boundary_of_minus_zero_is_zero(self):
        assert str(Tier(-0.0, -0.0, "x", closed="both")) == str(Tier(0, 0, "x", closed="both"))
        assert [math.copysign(1, x) for x in (Tier(-0.0, 0.5, "x").low, Tier(-0.0, -0.0, "x").high)] == [1, 1]

    def test_tiers_read_like_a_tuple(self):
        first, second = Tier(0, 0.5, "ship"), Tier(0.5, 1, "review")
        rule = Tiers(first, second)
        assert list(rule) == [first, second]
        assert (rule[0], rule[-1], len(rule)) == (first, second, 2)
        assert [x.name for x in rule.actions] == ["ship", "review"]
        assert rule == Tiers(first, second) != Tiers(second, first)
        assert len({rule, Tiers(first, second)}) == 1

    @pytest.mark.parametrize(
        ("make", "error", "told"),
        [
            (
                lambda: Tiers([Tier(0, 1, "x")]),
                TypeError,
                r"tiers must each be a Tier.*; got a list: write Tiers\(\*…\)",
            ),
            (lambda: Tiers("ship"), TypeError, "got 'ship'$"),
            (lambda: Tiers(Action("ship")), TypeError, "got an Action"),
            (lambda: Menu([Action("x")]), TypeError, r"got a list: write Menu\(\*…\)"),
            (lambda: Menu(3), TypeError, "action must be an Action or its name; got 3"),
            (lambda: Menu("x", Action("x", 3)), ValueError, "a menu must list each action once; got 'x' twice"),
            (lambda: Tier(0.5, 0.4, "x"), ValueError, "low must not be above high; got 0.5 and 0.4"),
            (lambda: Tier(-0.1, 0.4, "x"), ValueError, "low must be ≥ 0 and ≤ 1; got -0.1"),
            (lambda: Tier(0, 50, "x"), ValueError, "high must be ≥ 0 and ≤ 1; got 50"),
            (lambda: Tier(True, 1, "x"), TypeError, "low must be a number; got True"),
            (lambda: Tier(0, 1, 3), TypeError, "action must be an Action or its name; got 3"),
            (lambda: Tier(0, 1, "x", closed="open"), ValueError, "closed must be one of left, right, both, neither"),
            (lambda: Tier(0, 1, "x", closed=[]), ValueError, "closed must be one of left, right, both, neither"),
            (lambda: Action(""), TypeError, "name must be the action in a word, such as 'call'; got ''"),
            (lambda: Action(" call"), TypeError, "name must be the action in a word"),
            (lambda: Action("call\ud800"), ValueError, "name must be text that can be stored"),
            (lambda: Action(3), TypeError, "name must be the action in a word, such as 'call'; got 3"),
            (lambda: Action("x", cost=float("nan")), ValueError, "cost must be finite; got nan"),
            (lambda: Action("x", gain=[1]), TypeError, "gain must be a number; got a list"),
            (lambda: Action("x", gain=" "), TypeError, "gain must be dollars, or the name of a column"),
            (lambda: Action("x", cost=True), TypeError, "cost must be a number; got True"),
            (lambda: Action("x", owner=[]), TypeError, "owner must be who carries the action out, as text; got a list"),
            (lambda: Action("x", owner=3), TypeError, "owner must be who carries the action out, as text; got 3"),
            (lambda: Action("x", capacity=-1), ValueError, "capacity must be ≥ 0; got -1"),
            (lambda: Action("x", capacity=float("nan")), ValueError, "capacity must be ≥ 0; got nan"),
            (lambda: Action("x", capacity="many"), TypeError, "capacity must be a number; got 'many'"),
        ],
    )
    def test_what_is_not_even_a_draft(self, make, error, told):
        with pytest.raises(error, match=told):
            make()


@pytest.mark.parametrize("amount", [3.0, 80.0, 5_000.0])
def test_an_action_from_its_outcomes_pays_from_the_threshold_of_the_costs_on(amount):
    stakes = shop.order_stakes(amount)
    block = Action.from_outcomes("block", **stakes, owner="the desk")
    ship, stop = best_tiers([Action("ship", 0, 0), block])
    assert stop.low == pytest.approx(cost_threshold(**stakes))
    assert ship.action.name == "ship"
    with pytest.raises(TypeError, match="cost_fn must be a number; got a list"):
        Action.from_outcomes("block", cost_fp=1.0, cost_fn=[1.0, 2.0])


def test_an_outcome_without_a_price_costs_and_brings_nothing():
    priced = {"cost_fn": 40, "gain_tp": 30, "gain_tn": 2}
    for left_out in priced:
        given = {name: price for name, price in priced.items() if name != left_out}
        assert Action.from_outcomes("call", cost_fp=5, **given) == Action.from_outcomes(
            "call", cost_fp=5, **given | {left_out: 0}
        )
