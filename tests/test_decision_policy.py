"""Layer 3: policies, their gaps, their page, their text."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mllayers.decision import Action, Brief, Menu, Policy, Segments, Tier, Tiers

NAN = float("nan")
quick = settings(max_examples=60, deadline=None)
shares = st.floats(0, 1, allow_nan=False)
WHO, WHAT, SO_THAT = "The fraud desk", "which orders to open before they ship", "fewer fake orders leave the warehouse"

SHIP, REVIEW, BLOCK = (
    Action(n, cost=c, owner=o) for n, c, o in [("ship", 0, "shop"), ("review", 4, "desk"), ("block", 12, "desk")]
)
NOTHING = Action("nothing")
CALL = Action("call", gain=40, cost=15, owner="sales")
GOOD = [Tier(0, 0.05, SHIP), Tier(0.05, 0.8, REVIEW), Tier(0.8, 1, BLOCK)]


def policy(tiers=GOOD, missing="review", idle=NOTHING, holdout=0.01, **options):
    return Policy(Tiers(*tiers), missing=missing, idle=idle, holdout=holdout, **options)


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
        assert policy([Tier(0, 1, replace(REVIEW, cost=5))], missing=REVIEW).gaps() == [
            "action 'review' is described in two ways"
        ]
        assert policy(brief=Brief(WHO)).gaps() == ["the brief is incomplete: decision, outcome"]
        menu = Menu(SHIP, Action("call", 3, 1, ""))
        assert Policy(menu, missing="ship", holdout=0).gaps() == [
            "action 'ship' has no gain",
            "action 'call' has no owner",
        ]
        assert Policy(Menu(), missing=SHIP, holdout=0).gaps() == ["the menu lists no action"]

    def test_the_idle_action_needs_no_owner_and_costs_nothing(self):
        for rule in (Tiers(Tier(0, 1, "none")), Menu("none"), Segments({0: "none"})):
            assert Policy(rule, missing="none", idle="none", holdout=0.1).gaps() == []
        dear = Action("wait", cost=3, capacity=5)
        assert policy([Tier(0, 1, dear)], missing="wait", idle="wait").gaps() == [
            "the idle action 'wait' has a cost: leaving a case alone costs nothing",
            "the idle action 'wait' has a capacity: leaving a case alone needs no room",
        ]
        twice = policy([Tier(0, 1, SHIP)], missing="ship", idle=Action("ship", gain=3))
        assert twice.gaps()[0] == "action 'ship' is described in two ways"
        with pytest.raises(ValueError, match=r"idle must be the name of an action of the rule \(ship.*got 'shp'"):
            policy(idle="shp")

    def test_a_hold_out_and_an_idle_action_belong_together(self):
        for none in (None, 0.0):
            assert policy(holdout=none).gaps() == [
                "no hold-out: say which share of cases stays without action, such as holdout=0.05"
            ]
        assert policy(idle=None, holdout=None).gaps()[0].startswith("no hold-out: name the action that leaves a case")
        assert policy(idle=None).gaps() == ["a hold-out needs an action that leaves a case alone: say which, idle='…'"]
        assert policy(idle=None, holdout=0).gaps() == []

    def test_volumes_against_room(self):
        tight = policy([Tier(0, 0.5, SHIP), Tier(0.5, 1, replace(REVIEW, capacity=1_200))])
        assert tight.gaps(volumes={"ship": 1e9, "review": 1_200}) == []
        assert tight.gaps(volumes=pd.Series({"review": 1_201})) == [
            "action 'review' is expected 1,201 times and has room for 1,200"
        ]
        with pytest.raises(ValueError, match="volumes must be given for 'ship', 'review', 'nothing'; got 'reviews'"):
            tight.gaps(volumes={"reviews": 3})
        with pytest.raises(ValueError, match=r"volumes\['review'\] must be ≥ 0; got -1"):
            tight.gaps(volumes={"review": -1})

    def test_effects_that_do_not_pay(self):
        assert policy().gaps(effects={"review": 1.5}) == [
            "[0.05, 0.8) review loses $2.50 a case: it brings $1.50 and costs $4.00"
        ]
        assert policy().gaps(effects=[0, 4.0, -1]) == [
            "[0.8, 1] block loses $13.00 a case: it brings −$1.00 and costs $12.00"
        ]
        with pytest.raises(ValueError, match="effects must hold one number per tier, 3; got 2"):
            policy().gaps(effects=[1, 2])
        with pytest.raises(ValueError, match=r"effects must be given for .*; got 'call'"):
            policy().gaps(effects={"call": 2})
        with pytest.raises(ValueError, match=r"effects\['ship'\] must be finite; got nan"):
            policy().gaps(effects={"ship": NAN})
        menu = Policy(Menu(Action("ship", 0, "v", "shop")), missing="ship", holdout=0)
        with pytest.raises(ValueError, match="action 'ship' takes it from column 'v'"):
            menu.gaps(effects={"ship": 2})

    def test_while_there_is_one_nothing_is_decided_or_saved(self):
        draft = policy([Tier(0, 0.5, SHIP)], idle=None, holdout=None)
        told = r"(?s)the policy is not ready:\n  - no tier takes scores in \[0.5, 1\]\n  - .*no hold-out"
        with pytest.raises(ValueError, match=told):
            draft.decide(pd.DataFrame({"p": [0.1]}), score="p")
        with pytest.raises(ValueError, match=told):
            draft.to_json()
        with pytest.raises(ValueError, match="not ready"):
            Policy(Segments({0: "ship"})).to_json()


class TestPolicy:
    def test_describe_tells_which_hold_out_there_is(self):
        assert "Hold-out: none, and no action leaves a case alone" in policy(idle=None, holdout=0).describe()
        for open_question in (policy(idle=None, holdout=None), policy(holdout=0), policy(idle=None)):
            assert "Hold-out: ?" in open_question.describe()

    def test_a_hold_out_of_minus_zero_is_zero(self):
        assert policy(idle=None, holdout=-0.0).to_json() == policy(idle=None, holdout=0).to_json()

    def test_a_menu_takes_the_scores_at_both_ends(self):
        menu = Policy(Menu(Action("ship", 0, 0, "shop"), Action("call", 10, 1, "desk")), missing="ship", holdout=0)
        decided = menu.decide(pd.DataFrame({"p": [0.0, 1.0]}), score="p")
        assert decided["action"].to_list() == ["ship", "call"]

    def test_each_of_five_actions_has_the_scores_at_which_it_is_best(self):
        prices = {"none": (0, 0), "mail": (8, 1), "text": (16, 3), "call": (40, 15), "visit": (90, 50)}
        menu = Policy(
            Menu(*(Action(name, gain, cost, "x") for name, (gain, cost) in prices.items())), missing="none", holdout=0
        )
        scores = np.arange(101) / 100
        best = [max(prices, key=lambda name: p * prices[name][0] - prices[name][1]) for p in scores - 1e-6]
        decided = menu.decide(pd.DataFrame({"p": np.maximum(scores - 1e-6, 0)}), score="p")["action"]
        assert decided.to_list() == best
        assert set(best) == set(prices)

    def test_values_outside_are_refused_by_row_in_a_frame(self):
        frame = pd.DataFrame({"p": [0.1, 1.5], "s": ["a", "c"], "v": [1.0, math.inf]})
        menu = Policy(Menu(Action("ship", 0, 0, "shop"), Action("call", "v", 1, "desk")), missing="ship", holdout=0)
        cards = Policy(Segments({"a": SHIP, "b": REVIEW}), missing=SHIP, holdout=0)
        with pytest.raises(ValueError, match=r"p must lie in \[0, 1\].*1.5"):
            policy().decide(frame, score="p")
        with pytest.raises(ValueError, match=r"p must lie in \[0, 1\] and v be finite"):
            menu.decide(frame.assign(p=0.5), score="p")
        with pytest.raises(ValueError, match=r"s must be a segment with an action \(a, b\).*c"):
            cards.decide(frame, segment="s")

    def test_reads_as_one_line(self):
        assert str(policy()) == "[0, 0.05) ship; [0.05, 0.8) review; [0.8, 1] block; no score: review"
        assert repr(policy([], missing=None)) == "Policy(no tiers; no score: ?)"
        assert str(Policy(Menu(SHIP, REVIEW))) == "highest expected value of ship; review; no score: ?"

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
            "Hold-out: 1 % of the cases, drawn at random, get 'nothing' and nothing else",
            "Still open: nothing",
            "",
            "Signed: ____________  Date: ____________",
        ]
        menu = Policy(
            Menu(Action("mail", 0.02, 0.1, "CRM"), Action("call", 0.3, 15, "sales", 500)), missing="mail", holdout=0
        )
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
        draft = Policy(Menu(Action("call", "v", "c"))).describe()
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
            Policy(Menu(Action("ship", "v", "c", "ü"), Action("block", 1.5, 2, "desk", 3)), missing="block", holdout=0),
            Policy(Menu(Action("no"), CALL), missing="no", idle="no", holdout=0.05, name="retention v3"),
            Policy(Segments({0: SHIP, 1: REVIEW, 2: SHIP}), missing=BLOCK, idle="ship", holdout=0.1),
            Policy(Segments({"a": SHIP, "b": REVIEW}), missing="ship", holdout=0, brief=Brief(WHO, WHAT, SO_THAT)),
            Policy(Segments({2**70: SHIP, -1: "ship"}), missing="ship", holdout=0),
        ],
    )
    def test_plain_json_and_back(self, saved):
        text = saved.to_json()
        assert json.loads(text)["version"] == 2
        assert type(saved).from_json(text) == saved
        assert type(saved).from_json(text).to_json() == text
        assert type(saved).from_json(text).fingerprint == saved.fingerprint

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
        menu = Menu(Action("nothing"), Action("mail", 10, 5, "x"), Action("call", 20, 10, "x"))
        decided = Policy(menu, missing="nothing", idle="nothing", holdout=0.1).decide(
            pd.DataFrame({"p": [0.5]}), score="p"
        )
        assert decided["action"].to_list() == ["call"]

    def test_an_empty_frame_stays_empty(self):
        assert policy().decide(pd.DataFrame({"p": pd.Series([], dtype=float)}), score="p")["action"].to_list() == []

    @pytest.mark.parametrize(
        ("make", "error", "told"),
        [
            (lambda: Policy([*GOOD]), TypeError, r"rule must be Tiers\(…\), Menu\(…\) or Segments\({…}\); got a list"),
            (lambda: Policy("ship"), TypeError, "rule must be Tiers.*; got 'ship'"),
            (lambda: policy(missing=3), TypeError, "missing must be an Action or its name; got 3"),
            (lambda: policy(idle=3), TypeError, "idle must be an Action or its name; got 3"),
            (lambda: policy(holdout=1), ValueError, "holdout must be ≥ 0 and < 1; got 1"),
            (lambda: policy(holdout=True), TypeError, "holdout must be a number; got True"),
            (lambda: policy(brief="we"), TypeError, "brief must be a Brief; got 'we'"),
            (lambda: policy(name=3), TypeError, "name must be text; got 3"),
            (lambda: policy(name="\x00"), ValueError, "name must be text that can be stored"),
            (lambda: Segments({}), TypeError, "all whole numbers or all text; got none"),
            (
                lambda: Segments([SHIP]),
                TypeError,
                "actions must be given by segment, {0: 'mail', 1: 'call'}; got a list",
            ),
            (lambda: Segments({0: SHIP, "a": SHIP}), TypeError, "all whole numbers or all text; got 0, 'a'"),
            (lambda: Segments({True: SHIP}), TypeError, "all whole numbers or all text; got True"),
            (lambda: Segments({0.5: SHIP}), TypeError, "all whole numbers or all text; got 0.5"),
            (lambda: Segments({"": SHIP}), TypeError, "segment must be text; got ''"),
            (lambda: Segments({0: 3}), TypeError, "the action of segment 0 must be an Action or its name; got 3"),
        ],
    )
    def test_what_is_not_even_a_draft(self, make, error, told):
        with pytest.raises(error, match=told):
            make()

    def test_an_argument_that_the_rule_has_no_use_for_is_refused_in_words(self):
        frame = pd.DataFrame({"p": [0.1], "k": [0], "id": [7]})
        cards = Policy(Segments({0: SHIP}), missing="ship", holdout=0)
        menu = Policy(Menu(Action("no"), CALL), missing="no", idle="no", holdout=0.1)
        for make, told in [
            (lambda: policy().decide(frame), "say score='…', a column: the rule is tiers"),
            (lambda: policy().decide(frame, segment="k"), "say score='…', a column, not segment: .* rule is tiers"),
            (lambda: policy().decide(frame, score="p", value="p"), "no use for value: the rule is tiers"),
            (lambda: cards.decide(frame, score="p"), "say segment='…', a column, not score: .* rule is segments"),
            (lambda: cards.decide(frame, segment="k", score="p"), "no use for score: the rule is segments"),
            (lambda: menu.decide(frame, score="p", segment="k"), "no use for segment: the rule is a menu"),
            (lambda: menu.decide(frame, value="p"), "say score='…', a column: the rule is a menu"),
            (lambda: policy().decide(frame, score=0), "score must be the name of a column, as text; got 0: name the"),
            (lambda: policy().decide(frame, score="p", into=3), "into must be the name of a column"),
            (lambda: cards.plan(frame, case="id", time="2026-01-01", score="p", seed=1), "say segment='…'"),
            (lambda: policy().plan(frame, case="id", time="2026-01-01", segment="k", seed=1), "say score='…'"),
        ]:
            with pytest.raises(TypeError, match=told):
                make()

    def test_a_fingerprint_tells_policies_apart(self):
        same = [policy(), policy(GOOD), Policy.from_json(policy().to_json())]
        others = [
            policy(holdout=0.02),
            policy(name="x"),
            policy(missing="ship"),
            policy(idle="ship"),
            policy([*GOOD[:2], Tier(0.8, 1, replace(BLOCK, cost=12.5))]),
            policy([Tier(0, 0.06, SHIP), Tier(0.06, 0.8, REVIEW), GOOD[2]]),
            policy(brief=Brief(WHO, WHAT, SO_THAT)),
            Policy(Tiers(), brief=Brief(object(), "…", 3)),
        ]
        assert {x.fingerprint for x in same} == {policy().fingerprint}
        assert len({x.fingerprint for x in [*others, policy()]}) == len(others) + 1
        assert len(policy().fingerprint) == 12


class TestSegments:
    def test_gaps(self):
        rule = Segments({0: SHIP, 1: replace(REVIEW, capacity=100), 2: "review"})
        cards = Policy(rule, missing="ship", idle="ship", holdout=0.1)
        assert cards.gaps() == []
        assert cards.gaps(volumes={0: 5, 1: 60, 2: 50, 3: 7}) == [
            "segment 3 has 7 cases and no action",
            "action 'review' is expected 110 times and has room for 100",
        ]
        assert cards.gaps(effects={1: 1.0, 2: 9.0}) == [
            "segment 1, review loses $3.00 a case: it brings $1.00 and costs $4.00"
        ]
        assert Policy(Segments({np.int64(0): "ship"})).gaps()[:2] == [
            "no rule for a missing segment: say which action follows, missing='…'",
            "action 'ship' is only a name: if it leaves a case alone, say idle='ship'; else describe it with "
            "Action('ship', …)",
        ]
        for odd in ([1, 2], "many", 3):
            with pytest.raises(TypeError, match="effects must be given by name"):
                cards.gaps(effects=odd)

    def test_reads_and_describes(self):
        cards = Policy(Segments({"new": SHIP, "old": REVIEW}), missing="ship", idle="ship", holdout=0.1, name="cards")
        assert repr(cards) == "Policy(cards: new: ship; old: review; no segment: ship)"
        assert cards.describe().startswith("cards\n\nWhen")
        assert "segment new  ship" in cards.describe()
        assert "no segment   ship" in cards.describe()
        rule = cards.rule
        assert (list(rule), len(rule), rule["old"]) == (["new", "old"], 2, REVIEW)
        assert hash(cards) == hash(Policy.from_json(cards.to_json()))

    def test_a_segment_without_action_is_an_error(self):
        cards = Policy(Segments({0: SHIP, 1: REVIEW}), missing="ship", holdout=0)
        with pytest.raises(ValueError, match=r"k must be a segment with an action \(0, 1\); got k = 2 at row 1"):
            cards.decide(pd.DataFrame({"k": [0, 2]}), segment="k")


SAVED = [
    policy(brief=Brief(WHO, WHAT, SO_THAT), name="desk").to_json(),
    Policy(Menu(Action("no"), CALL), missing="no", idle="no", holdout=0.05).to_json(),
    Policy(Segments({0: SHIP, 7: REVIEW}), missing=BLOCK, holdout=0).to_json(),
    Policy(Segments({"a": SHIP, "b": REVIEW}), missing="ship", holdout=0).to_json(),
]


def changed(text, *path, **new):
    """The text with fields set (None drops one) in the object at a path."""
    saved = json.loads(text)
    at = saved
    for step in path:
        at = at[step]
    for name, x in new.items():
        if x is ...:
            at.pop(name)
        else:
            at[name] = x
    return json.dumps(saved)


class TestText:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("{", "text is not a policy: "),
            ("", "text is not a policy: "),
            ("[]", "it has no kind 'policy'"),
            ("[" * 100_000, "it is nested too deeply"),
            (changed(SAVED[0], kind="segment policy"), "its kind must be 'policy'"),
            (changed(SAVED[0], version=3), "its version must be 2; got 3"),
            (changed(SAVED[0], version=2.0), "its version must be 2; got 2.0"),
            (changed(SAVED[0], version=1), "a policy of version 1, which did not say which action leaves a case alone"),
            (changed(SAVED[0], version=1, kind="segment policy"), "a policy of version 1"),
            (changed(SAVED[0], rule=...), "it lacks the field 'rule'"),
            (changed(SAVED[0], note="x"), "it has a field 'note' that is unknown"),
            (changed(SAVED[0], missing="ask"), r"missing must be one of its actions \(ship.*\); got 'ask'"),
            (changed(SAVED[0], holdout="1 %"), "holdout must be a number; got '1 %'"),
            (changed(SAVED[0], holdout=True), "holdout must be a number; got True"),
            (changed(SAVED[0], name=[]), "name must be text; got a list"),
            (changed(SAVED[0], actions={}), "actions must be a list; got a dict"),
            (changed(SAVED[0], "actions", 1, price=3), r"actions\[1\] has a field 'price' that is unknown"),
            (changed(SAVED[0], "actions", 1, name="ship"), r"actions\[1\] describes 'ship' a second time"),
            (changed(SAVED[0], "actions", 1, owner=[]), r"actions\[1\]: owner must be who carries"),
            (changed(SAVED[0], "actions", 1, capacity=-1), r"actions\[1\]: capacity must be ≥ 0; got -1"),
            (
                changed(SAVED[0], "rule", "tiers", 1, low=..., Low=0.05),
                r"tiers\[1\] lacks the field 'low' and has 'Low'",
            ),
            (changed(SAVED[0], "rule", "tiers", 1, low=None), r"rule.tiers\[1\]: low must be a number; got None"),
            (changed(SAVED[0], "rule", "tiers", 1, high=2), r"rule.tiers\[1\]: high must be ≥ 0 and ≤ 1; got 2"),
            (changed(SAVED[0], "rule", "tiers", 1, closed=None), r"rule.tiers\[1\].closed must be a word; got None"),
            (changed(SAVED[0], "rule", "tiers", 1, action="ask"), r"rule.tiers\[1\].action must be one of its actions"),
            (changed(SAVED[0], "brief", who=3), "brief.who must be text or null; got 3"),
            (changed(SAVED[0], brief=[]), "brief must have the fields who, decision, outcome; got a list"),
            (changed(SAVED[0], rule={}), "rule must have one field, tiers, menu or segments; got a dict"),
            (changed(SAVED[0], "rule", menu=["ship"]), "rule must have one field.*got 'tiers', 'menu'"),
            (changed(SAVED[1], rule={"menu": ["no", "call", "no"]}), "rule.menu: a menu must list each action once"),
            (changed(SAVED[1], rule={"menu": ["no"]}), "action 'call' is used nowhere"),
            (changed(SAVED[1], idle="call2"), "idle must be one of its actions"),
            (changed(SAVED[2], "rule", "segments", 1, segment=0), r"segments\[1\] gives segment 0 an action a second"),
            (
                changed(SAVED[2], "rule", "segments", 1, segment="0"),
                "rule.segments: actions must be given by segment, all",
            ),
            (
                changed(SAVED[2], "rule", "segments", 1, segment=1.5),
                r"segments\[1\].segment must be a whole number or text",
            ),
            (SAVED[2].replace('"holdout": 0.0', '"holdout": 0.0, "holdout": 0.5'), "the field 'holdout' comes twice"),
            (SAVED[2].replace('"holdout": 0.0', '"holdout": NaN'), "NaN is no number"),
            (SAVED[2].replace('"holdout": 0.0', '"holdout": 1e999'), "holdout must be ≥ 0 and < 1; got inf"),
            (SAVED[2].replace('"holdout": 0.0', '"holdout": ' + "9" * 5_000), "text is not a policy: "),
            (
                SAVED[2].replace('"segment": 7', '"segment": 7, "segment": 8'),
                "the field 'segment' comes twice in one place",
            ),
        ],
    )
    def test_text_that_is_no_policy(self, text, told):
        with pytest.raises(ValueError, match=told):
            Policy.from_json(text)

    def test_what_is_no_text(self):
        for thing in (None, b"{}", {}, 3):
            with pytest.raises(TypeError, match="text must be what to_json wrote, as text; got"):
                Policy.from_json(thing)

    values = (
        st.none()
        | st.booleans()
        | st.integers(-3, 3)
        | st.floats()
        | st.sampled_from(
            ["", "ship", "no", "both", "policy", "\ud800", "\x00", [], {}, [[]], 10**400, "0.5", [None], {"": 1}]
        )
    )

    @settings(max_examples=1_500, deadline=None)
    @given(st.data())
    def test_a_text_is_read_as_it_stands_or_refused(self, data):
        """Characters lost, doubled and changed, fields dropped, renamed and swapped: never another exception."""
        text = data.draw(st.sampled_from(SAVED))
        if data.draw(st.booleans()):
            for _ in range(data.draw(st.integers(1, 3))):
                at, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
                end = data.draw(st.sampled_from([at, min(at + 1, len(text)), end]))
                piece = data.draw(
                    st.sampled_from(["", text[at:end] * 2, '"', "{", "]", ",", "0", "-", "null", "ü", "\\"])
                )
                text = text[:at] + piece + text[end:]
        else:
            saved = json.loads(text)
            at, places = saved, []
            while isinstance(at, (dict, list)) and at and (not places or data.draw(st.integers(0, 3))):
                step = data.draw(st.sampled_from(list(at) if isinstance(at, dict) else list(range(len(at)))))
                places.append((at, step))
                at = at[step]
            holder, step = places[-1]
            kind = data.draw(st.sampled_from(["set", "drop", "rename", "double"]))
            if kind == "set":
                holder[step] = data.draw(self.values)
            elif kind == "drop":
                del holder[step]
            elif isinstance(holder, dict):
                holder[data.draw(st.sampled_from(["Low", "price", "", "name", "segment"]))] = holder[step]
            else:
                holder.append(holder[step])
            text = json.dumps(saved)
        read, told = None, ""
        try:
            read = Policy.from_json(text)
        except ValueError as error:
            told = str(error)
        if read is None:
            assert told.startswith("text is ")
            return
        if not read.gaps():
            again = Policy.from_json(read.to_json())
            assert again == read
            kept, given = (json.loads(x) for x in (again.to_json(), text))
            for saved in (kept, given):  # their order says nothing
                saved["actions"].sort(key=lambda action: action["name"])
            assert kept == given
