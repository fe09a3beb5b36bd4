"""Layer 3: briefs, thresholds, tiers, policies and capacity."""

import json
import math
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, milp

from mllayers.decision import (
    Action,
    Brief,
    NotReadyToModel,
    Policy,
    SegmentPolicy,
    Tier,
    best_tiers,
    cost_threshold,
    expected_value,
    within_capacity,
)

NAN = float("nan")
quick = settings(max_examples=60, deadline=None)

WHO, WHAT, SO_THAT = "The fraud desk", "which orders to open before they ship", "fewer fake orders leave the warehouse"


class TestBrief:
    def test_complete_brief_is_one_sentence(self):
        brief = Brief(WHO, WHAT, SO_THAT)
        assert brief.missing() == []
        assert brief.require() is brief
        assert str(brief) == f"{WHO} decides {WHAT}, so that {SO_THAT}."

    def test_full_stops_and_spaces_are_not_doubled(self):
        assert str(Brief(" We ", "x", "y happens. ")) == "We decides x, so that y happens."

    @pytest.mark.parametrize("blank", [None, "", "  ", "____", "…", "...", ..., 0, float("nan"), object(), [], ["we"]])
    def test_anything_but_words_is_missing_and_never_raises_before_require(self, blank):
        draft = Brief(blank, WHAT, blank)
        assert draft.missing() == ["who", "outcome"]
        assert str(draft) == f"[who?] decides {WHAT}, so that [outcome?]."
        assert "who, outcome" in draft._repr_html_()
        assert "who, outcome" in draft._repr_markdown_()
        with pytest.raises(NotReadyToModel, match=r"(?s)who and outcome are missing.*who: who takes.*outcome: the"):
            draft.require()

    def test_one_missing_part_is_named_with_the_way_to_fill_it(self):
        with pytest.raises(NotReadyToModel, match=r"(?s)decision is missing.*decision: what they decide"):
            Brief(WHO, "", SO_THAT).require()

    def test_is_a_value_error_and_a_value_object(self):
        assert issubclass(NotReadyToModel, ValueError)
        assert Brief(WHO, WHAT, SO_THAT) == Brief(WHO, WHAT, SO_THAT)

    def test_card_is_escaped(self):
        card = Brief("R&D <team>", "x", "y")._repr_html_()
        assert "R&amp;D &lt;team&gt;" in card
        assert "Complete" in card

    def test_compiles_to_a_draft_whose_gaps_are_the_next_questions(self):
        draft = Brief(WHO, WHAT, SO_THAT).policy_draft(["ship", Action("review", cost=4)], default="ship")
        assert [action.owner for action in draft.actions] == [WHO, WHO]
        assert draft.missing == Action("ship", owner=WHO)
        assert draft.gaps() == [
            "action 'ship' has no gain",
            "action 'review' has no gain",
            "action 'ship' has no cost",
            "no hold-out: say which share of cases stays without action, such as holdout=0.05",
        ]
        assert SO_THAT in draft.describe()
        with pytest.raises(NotReadyToModel):
            Brief(WHO).policy_draft(["ship"])


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
            ([0.1, 0.2], [1, 2, 3], 0, "value must be one number or 2 numbers, one per case; got 3"),
            (0.1, 5, NAN, "cost must hold finite numbers; got nan"),
            (0.1, [1.0, 2.0], [1.0], "cost must be one number or 2"),
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
        review_from, act_from = cost_threshold(**order_money(80.0), cost_review=4.0)
        assert (review_from, act_from) == pytest.approx((4 / 76, 1 - 4 / 36))
        assert cost_threshold(**order_money(1_000.0), cost_review=4.0)[0] == pytest.approx(4 / 720)

    def test_one_threshold_per_case(self):
        amounts = np.array([80.0, 1_000.0])
        each = [cost_threshold(**order_money(a), cost_review=4.0) for a in amounts]
        np.testing.assert_allclose(np.transpose(cost_threshold(**order_money(amounts), cost_review=4.0)), each)
        np.testing.assert_allclose(cost_threshold(cost_fp=[1.0, 2.0], cost_fn=2.0), [1 / 3, 1 / 2])

    def test_a_dear_review_closes_the_band_at_the_threshold(self):
        dear = 1 / (1 / 76 + 1 / 36)  # 24.43
        t = cost_threshold(**order_money(80.0))
        low, high = cost_threshold(**order_money(80.0), cost_review=dear * 0.999)
        assert low < t < high
        assert cost_threshold(**order_money(80.0), cost_review=dear * 1.001) == (t, t)
        assert cost_threshold(**order_money(80.0), cost_review=0.0) == (0.0, 1.0)

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
        low, high = cost_threshold(cost_fp=fp, cost_fn=fn, gain_tp=tp, gain_tn=tn, cost_review=review)
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
            ValueError, match=r"gain_tp \+ cost_fn must be > 0, or never acting is best .* got 0 at row 1"
        ):
            cost_threshold(cost_fp=1.0, cost_fn=[5.0, 0.0])
        with pytest.raises(ValueError, match="cost_review must be ≥ 0; got -1"):
            cost_threshold(cost_fp=1.0, cost_fn=5.0, cost_review=-1.0)
        with pytest.raises(TypeError, match="cost_fn_"):
            cost_threshold(cost_fp=1.0, cost_fn_=5.0)
        with pytest.raises(ValueError, match="cost_fn must be one number or 2 numbers"):
            cost_threshold(cost_fp=[1.0, 2.0], cost_fn=[1.0, 2.0, 3.0])


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
        assert Policy(best_tiers(actions), missing=actions[0], holdout=0.1).gaps() == []

    @quick
    @given(small_lines)
    def test_order_of_listing_matters_only_for_equal_lines(self, lines):
        actions = [Action(f"{gain} {cost}", gain, cost) for gain, cost in lines]
        assert best_tiers(actions) == best_tiers(actions[::-1])

    def test_hand_worked(self):
        nothing, call, never = Action("nothing", 0, 0), Action("call", 40, 15), Action("gift", 40, 16)
        assert best_tiers([call, never, nothing]) == [Tier(0, 0.375, nothing), Tier(0.375, 1, call)]
        assert best_tiers([nothing, call], value=0.375) == [Tier(0, 1, nothing, closed="left"), Tier(1, 1, call)]
        assert best_tiers([never]) == [Tier(0, 1, never)]

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


SHIP, REVIEW, BLOCK = (
    Action(n, cost=c, owner=o) for n, c, o in [("ship", 0, "shop"), ("review", 4, "desk"), ("block", 12, "desk")]
)
GOOD = [Tier(0, 0.05, SHIP), Tier(0.05, 0.8, REVIEW), Tier(0.8, 1, BLOCK)]


def policy(tiers=GOOD, missing="review", holdout=0.01, **options):
    return Policy(tiers, missing, holdout=holdout, **options)


class TestGaps:
    def test_a_complete_policy_has_none(self):
        assert policy().gaps() == []
        assert policy().gaps(volumes={"review": 10}, effects={"review": 5.0, "block": 12.0}) == []

    @pytest.mark.parametrize(
        ("tiers", "told"),
        [
            ([Tier(0, 0.5, SHIP), Tier(0.6, 1, BLOCK)], ["no tier takes scores in [0.5, 0.6)"]),
            ([Tier(0, 0.8, SHIP), Tier(0.8, 1, BLOCK, closed="right")], ["no tier takes a score of exactly 0.8"]),
            ([Tier(0, 0.8, SHIP, closed="both"), Tier(0.8, 1, BLOCK)],
             ["a score of exactly 0.8 belongs to 'ship' and 'block'"]),
            ([Tier(0, 0.8, SHIP), Tier(0.7, 1, BLOCK)], ["scores in [0.7, 0.8) belong to 'ship' and 'block'"]),
            ([Tier(0, 1, SHIP), Tier(0.8, 1, BLOCK)], ["scores in [0.8, 1] belong to 'ship' and 'block'"]),
            ([Tier(0, 1, SHIP, closed="neither")],
             ["no tier takes a score of exactly 0", "no tier takes a score of exactly 1"]),
            ([Tier(0.1, 0.9, SHIP)], ["no tier takes scores in [0, 0.1)", "no tier takes scores in [0.9, 1]"]),
            ([Tier(0, 0.5, SHIP), Tier(0.5, 0.5, BLOCK), Tier(0.5, 1, SHIP)],
             ["tier [0.5, 0.5) block takes no score at all"]),
            ([], ["no tier takes scores in [0, 1]"]),
            ([Tier(0, 0.1 + 0.2, SHIP), Tier(math.nextafter(0.1 + 0.2, 1), 1, BLOCK)],
             ["no tier takes scores in [0.30000000000000004, 0.3000000000000001)"]),
        ],
    )  # fmt: skip
    def test_holes_overlaps_and_boundaries(self, tiers, told):
        assert policy(tiers, missing=REVIEW).gaps() == told

    eighths, ends = st.integers(0, 8), st.sampled_from(["left", "right", "both", "neither"])

    @quick
    @given(st.lists(st.tuples(eighths, eighths, ends), max_size=5))
    def test_a_policy_without_gaps_takes_every_score_exactly_once_and_only_that(self, drawn):
        tiers = [Tier(min(a, b) / 8, max(a, b) / 8, REVIEW, closed=c) for a, b, c in drawn]

        def taken(p):
            return sum(
                (t.low < p or (t.low == p and t.closed in ("left", "both")))
                and (p < t.high or (t.high == p and t.closed in ("right", "both")))
                for t in tiers
            )

        empty = [t for t in tiers if t.low == t.high and t.closed != "both"]
        sound = not empty and all(taken(i / 16) == 1 for i in range(17))
        assert (policy(tiers, missing=REVIEW).gaps() == []) == sound
        if sound:
            frame = pd.DataFrame({"p": np.arange(17) / 16})
            assert policy(tiers).decide(frame, score="p")["action"].notna().all()

    def test_what_a_plan_must_say(self):
        assert policy(missing=None).gaps() == ["no rule for a missing score: say which action follows, missing='…'"]
        assert policy(missing="ask").gaps() == ["action 'ask' has no owner", "action 'ask' has no cost"]
        for none in (None, 0.0):
            assert policy(holdout=none).gaps() == [
                "no hold-out: say which share of cases stays without action, such as holdout=0.05"
            ]
        assert policy([Tier(0, 1, replace(REVIEW, cost=5))], missing=REVIEW).gaps() == [
            "action 'review' is described in two ways"
        ]
        assert policy(brief=Brief(WHO)).gaps() == ["the brief is incomplete: decision, outcome"]
        assert policy([SHIP, Action("call", 3, 1, "")], missing="ship").gaps() == [
            "action 'ship' has no gain",
            "action 'call' has no owner",
        ]

    def test_volumes_against_room(self):
        tight = policy([Tier(0, 0.5, SHIP), Tier(0.5, 1, replace(REVIEW, capacity=1_200))])
        assert tight.gaps(volumes={"ship": 1e9, "review": 1_200}) == []
        assert tight.gaps(volumes=pd.Series({"review": 1_201})) == [
            "action 'review' is expected 1,201 times and has room for 1,200"
        ]
        with pytest.raises(ValueError, match="volumes must be given for 'ship', 'review'; got 'reviews'"):
            tight.gaps(volumes={"reviews": 3})
        with pytest.raises(ValueError, match=r"volumes\['review'\] must be ≥ 0; got -1"):
            tight.gaps(volumes={"review": -1})

    def test_effects_that_do_not_pay(self):
        assert policy().gaps(effects={"review": 1.5}) == [
            "[0.05, 0.8) review loses $2.50 a case: it brings $1.50 and costs $4.00"
        ]
        assert policy().gaps(effects=[0, 4.0, -1]) == [
            "[0.8, 1] block loses $13.00 a case: it brings -$1.00 and costs $12.00"
        ]
        with pytest.raises(ValueError, match="effects must hold one number per tier, 3; got 2"):
            policy().gaps(effects=[1, 2])
        with pytest.raises(ValueError, match=r"effects must be given for .*; got 'call'"):
            policy().gaps(effects={"call": 2})
        with pytest.raises(ValueError, match=r"effects\['ship'\] must be finite; got nan"):
            policy().gaps(effects={"ship": NAN})
        menu = Policy([Action("ship", 0, "v", "shop")], missing="ship", holdout=0.1)
        with pytest.raises(ValueError, match="action 'ship' takes it from column 'v'"):
            menu.gaps(effects={"ship": 2})

    def test_while_there_is_one_nothing_is_decided_or_saved(self):
        draft = policy([Tier(0, 0.5, SHIP)], holdout=None)
        told = r"(?s)the policy is not ready:\n  - no tier takes scores in \[0.5, 1\]\n  - .*no hold-out"
        with pytest.raises(ValueError, match=told):
            draft.decide(pd.DataFrame({"p": [0.1]}), score="p")
        with pytest.raises(ValueError, match=told):
            draft.to_json()
        with pytest.raises(ValueError, match="not ready"):
            SegmentPolicy({0: "ship"}).to_json()


class TestPolicy:
    def test_reads_as_one_line(self):
        assert str(policy()) == "[0, 0.05) ship; [0.05, 0.8) review; [0.8, 1] block; no score: review"
        assert repr(policy([], missing=None)) == "Policy(no tiers; no score: ?)"
        assert str(Policy([SHIP, REVIEW])) == "highest expected value of ship; review; no score: ?"

    def test_describe_is_the_page_to_sign(self):
        page = policy(
            brief=Brief(WHO, WHAT, SO_THAT), tiers=[*GOOD[:2], Tier(0.8, 1, replace(BLOCK, capacity=900))]
        ).describe()
        assert page.splitlines() == [
            f"{WHO} decides {WHAT}, so that {SO_THAT}.",
            "",
            "When                Action  Owner  Cost a case  Room",
            "0 ≤ score < 0.05    ship    shop   $0.00        no limit",
            "0.05 ≤ score < 0.8  review  desk   $4.00        no limit",
            "0.8 ≤ score ≤ 1     block   desk   $12.00       900",
            "no score            review  desk   $4.00        no limit",
            "",
            "Hold-out: 1 % of the cases, drawn at random, stay without action",
            "Still open: nothing",
            "",
            "Signed: ____________  Date: ____________",
        ]
        menu = Policy([Action("mail", 0.02, 0.1, "CRM"), Action("call", 0.3, 15, "sales", 500)], "mail", holdout=0.1)
        assert menu.describe().splitlines()[:8] == [
            "When           Action  Owner  Cost a case  Room      Gain",
            "highest value  mail    CRM    $0.10        no limit  0.02",
            "highest value  call    sales  $15.00       500       0.3",
            "no score       mail    CRM    $0.10        no limit  0.02",
            "",
            "Each case gets the action with the highest expected value: its score times the gain, less the cost.",
            "A gain counts per dollar where the cases come with a value. Equal ones: the action further down.",
            "",
        ]
        draft = Policy([Action("call", "v", "c")]).describe()
        assert "highest value  call    ?      column 'c'   no limit  column 'v'" in draft
        assert "no score       ?" in draft
        assert "- no hold-out" in draft
        assert "score 1" in policy([Tier(0, 1, SHIP, closed="left"), Tier(1, 1, BLOCK)]).describe()

    @pytest.mark.parametrize(
        "saved",
        [
            policy(),
            policy(brief=Brief(WHO, WHAT, SO_THAT), tiers=[*GOOD[:2], Tier(0.8, 1, replace(BLOCK, capacity=900))]),
            policy([Tier(0, 0.1 + 0.2, SHIP, closed="both"), Tier(0.1 + 0.2, 1, REVIEW, closed="right")]),
            Policy([Action("ship", "v", "c", "ü"), Action("block", 1.5, 2, "desk", 3)], missing="block", holdout=0.05),
            SegmentPolicy({0: SHIP, 1: REVIEW, 2: SHIP}, missing=BLOCK, holdout=0.1),
            SegmentPolicy({"a": SHIP, "b": REVIEW}, missing="ship", holdout=0.1, brief=Brief(WHO, WHAT, SO_THAT)),
        ],
    )
    def test_plain_json_and_back(self, saved):
        text = saved.to_json()
        assert json.loads(text)["version"] == 1
        assert type(saved).from_json(text) == saved
        assert type(saved).from_json(text).to_json() == text

    @pytest.mark.parametrize(
        ("spoil", "told"),
        [
            (lambda d: "{", "text is not a policy: "),
            (lambda d: [], "of version 1, as to_json writes it"),
            (lambda d: d | {"kind": "segment policy"}, "of version 1, as to_json writes it"),
            (lambda d: d | {"version": 2}, "of version 1"),
            (lambda d: {k: v for k, v in d.items() if k != "tiers"}, "'tiers' is absent"),
            (lambda d: d | {"missing": "ask"}, "'ask' is absent"),
            (lambda d: d | {"actions": [{"name": "ship", "price": 3}]}, "price"),
            (lambda d: d | {"tiers": [{"low": 0, "high": 1, "closed": "both", "action": "ask"}]}, "'ask' is absent"),
            (
                lambda d: d | {"tiers": [{"low": 0, "high": 2, "closed": "both", "action": "ship"}]},
                "high must be ≥ 0 and ≤ 1",
            ),
        ],
    )
    def test_text_that_is_no_policy(self, spoil, told):
        spoiled = spoil(json.loads(policy().to_json()))
        with pytest.raises(ValueError, match=told):
            Policy.from_json(spoiled if isinstance(spoiled, str) else json.dumps(spoiled))

    def test_a_file_edited_into_a_hole_loads_and_then_refuses(self):
        text = policy().to_json().replace("0.05,", "0.04,", 1)
        assert Policy.from_json(text).gaps() == ["no tier takes scores in [0.04, 0.05)"]

    @quick
    @given(st.lists(shares | st.none(), min_size=1, max_size=20))
    def test_decides_like_a_chain_of_ifs(self, scores):
        frame = pd.DataFrame({"p": pd.Series(scores, dtype="float64")})
        by_hand = ["review" if p is None else "ship" if p < 0.05 else "review" if p < 0.8 else "block" for p in scores]
        assert policy().decide(frame, score="p")["action"].to_list() == by_hand

    @quick
    @given(
        st.lists(st.integers(1, 15), max_size=4, unique=True),
        st.lists(st.booleans(), min_size=4, max_size=4),
        st.randoms(use_true_random=False),
    )
    def test_without_gaps_each_score_is_decided_by_the_one_tier_that_takes_it(self, cuts, upper_takes, random):
        ends = [0, *sorted(cuts), 16]
        takes_low = [True, *upper_takes[: len(cuts)], False]  # whether a boundary belongs to the tier above it
        words = {(True, True): "left", (True, False): "both", (False, True): "neither", (False, False): "right"}
        tiers = [
            Tier(
                low / 16, high / 16, Action(f"a{i}", cost=0, owner="desk"), closed=words[takes_low[i], takes_low[i + 1]]
            )
            for i, (low, high) in enumerate(pairwise(ends))
        ]
        random.shuffle(tiers)
        drafted = policy(tiers, missing=tiers[0].action)
        assert drafted.gaps() == []
        by_hand = [
            sum(k > 2 * x or (k == 2 * x and low) for x, low in zip(ends, takes_low, strict=True)) for k in range(33)
        ]
        decided = drafted.decide(pd.DataFrame({"p": np.arange(33) / 32}), score="p")["action"]
        assert decided.to_list() == [f"a{i - 1}" for i in by_hand]

    def test_order_of_the_tiers_does_not_matter(self):
        frame = pd.DataFrame({"p": np.linspace(0, 1, 101)})
        assert policy(GOOD[::-1]).decide(frame, score="p").equals(policy().decide(frame, score="p"))

    def test_ties_in_expected_value_go_to_the_later_action(self):
        menu = [Action("nothing", 0, 0, "x"), Action("mail", 10, 5, "x"), Action("call", 20, 10, "x")]
        decided = Policy(menu, missing="nothing", holdout=0.1).decide(pd.DataFrame({"p": [0.5]}), score="p")
        assert decided["action"].to_list() == ["call"]

    def test_an_empty_frame_stays_empty(self):
        assert policy().decide(pd.DataFrame({"p": pd.Series([], dtype=float)}), score="p")["action"].to_list() == []

    @pytest.mark.parametrize(
        ("make", "error", "told"),
        [
            (
                lambda: Policy([GOOD[0], SHIP]),
                TypeError,
                "tiers must hold only Tier or only Action; got a Tier, a Action",
            ),
            (lambda: Policy(["ship"]), TypeError, "tiers must hold only Tier or only Action; got 'ship'"),
            (lambda: Policy(GOOD, 3), TypeError, "action must be an Action or its name; got 3"),
            (lambda: Policy(GOOD, holdout=1), ValueError, "holdout must be ≥ 0 and < 1; got 1"),
            (lambda: Policy(GOOD, brief="we"), TypeError, "brief must be a Brief; got 'we'"),
            (lambda: Tier(0.5, 0.4, SHIP), ValueError, "low must not be above high; got 0.5 and 0.4"),
            (lambda: Tier(-0.1, 0.4, SHIP), ValueError, "low must be ≥ 0 and ≤ 1; got -0.1"),
            (lambda: Tier(0, 50, SHIP), ValueError, "high must be ≥ 0 and ≤ 1; got 50"),
            (lambda: Tier(0, 1, SHIP, closed="open"), ValueError, "closed must be one of left, right, both, neither"),
            (lambda: Action(""), TypeError, "name must be the action in a word, such as 'call'; got ''"),
            (lambda: Action("x", cost=NAN), ValueError, "cost must be finite; got nan"),
            (lambda: Action("x", gain=[1]), TypeError, "gain must be a number; got a list"),
            (lambda: Action("x", capacity=-1), ValueError, "capacity must be ≥ 0; got -1"),
            (
                lambda: policy().decide(pd.DataFrame({"p": [0.1]}), score="p", value="p"),
                ValueError,
                "value is for a policy of",
            ),
            (lambda: SegmentPolicy({}), TypeError, "all whole numbers or all text; got none"),
            (lambda: SegmentPolicy({0: SHIP, "a": SHIP}), TypeError, "all whole numbers or all text; got 0, 'a'"),
            (lambda: SegmentPolicy({True: SHIP}), TypeError, "all whole numbers or all text; got True"),
            (lambda: SegmentPolicy({0.5: SHIP}), TypeError, "all whole numbers or all text; got 0.5"),
        ],
    )
    def test_what_is_not_even_a_draft(self, make, error, told):
        with pytest.raises(error, match=told):
            make()


class TestSegmentPolicy:
    def test_gaps(self):
        cards = SegmentPolicy({0: SHIP, 1: replace(REVIEW, capacity=100), 2: "review"}, missing="ship", holdout=0.1)
        assert cards.gaps() == []
        assert cards.gaps(volumes={0: 5, 1: 60, 2: 50, 3: 7}) == [
            "segment 3 has 7 cases and no action",
            "action 'review' is expected 110 times and has room for 100",
        ]
        assert cards.gaps(effects={1: 1.0, 2: 9.0}) == [
            "segment 1, review loses $3.00 a case: it brings $1.00 and costs $4.00"
        ]
        assert SegmentPolicy({np.int64(0): "ship"}).gaps()[:2] == [
            "no rule for a missing segment: say which action follows, missing='…'",
            "action 'ship' has no owner",
        ]

    def test_reads_and_describes(self):
        cards = SegmentPolicy({"new": SHIP, "old": REVIEW}, missing="ship", holdout=0.1)
        assert repr(cards) == "SegmentPolicy(new: ship; old: review; no segment: ship)"
        assert "segment new  ship" in cards.describe()
        assert "no segment   ship" in cards.describe()

    def test_a_cluster_without_action_is_an_error(self):
        cards = SegmentPolicy({0: SHIP, 1: REVIEW}, missing="ship", holdout=0.1)
        with pytest.raises(ValueError, match=r"k must be a segment with an action \(0, 1\); got k = 2 at row 1"):
            cards.decide(pd.DataFrame({"k": [0, 2]}), segment="k")

    def test_from_json_refuses_other_text(self):
        with pytest.raises(ValueError, match="text is not a segment policy of version 1"):
            SegmentPolicy.from_json(policy().to_json())
        text = SegmentPolicy({0: SHIP}, missing=SHIP, holdout=0.1).to_json()
        with pytest.raises(ValueError, match="text is not a segment policy: 'segment' is absent"):
            SegmentPolicy.from_json(text.replace('"segment":', '"cluster":'))


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
        assert str(fit) == "2 of 3 cases bring $120.00 with 10 units; one more unit is worth $10.00"

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
            (([1.0, 2.0], 1), {"units": [1.0]}, ValueError, "units must be one number or 2 numbers"),
            (("gain", 1), {}, TypeError, "belong to a frame: say frame="),
            (([1.0], 1), {"ties": "id"}, TypeError, "belong to a frame: say frame="),
            (
                ("gain", 1),
                {"frame": pd.DataFrame({"gain": [1.0]})},
                TypeError,
                "ties must name the column that settles",
            ),
        ],
    )
    def test_bad_input_is_named(self, arguments, options, error, told):
        with pytest.raises(error, match=told):
            within_capacity(*arguments, **options)
