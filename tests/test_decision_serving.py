"""One case at serving time: the same answer as `decide`, for every rule, missing values, ties and ends."""

import math
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mllayers.decision import Action, Menu, Policy, Segments, Tier, Tiers

OWNED = {"owner": "us"}
NAMES = ["none", "mail", "call", "gift"]
EIGHTHS = st.integers(0, 8).map(lambda k: k / 8)
SCORES = st.one_of(st.none(), st.just(math.nan), EIGHTHS, st.floats(0, 1))
DOLLARS = st.one_of(st.integers(-40, 80).map(lambda k: k / 8), st.floats(-1e6, 1e6))


def policy_of(rule):
    return Policy(rule, missing="mail", idle="none", holdout=0.1)


@st.composite
def tiers(draw):
    cuts = sorted(draw(st.sets(EIGHTHS.filter(lambda x: 0 < x < 1), max_size=4)))
    ends = [0.0, *cuts, 1.0]
    takes_right = draw(st.booleans())
    made, count = [], len(ends) - 1
    for i in range(count):
        name = draw(st.sampled_from(NAMES))
        closed = "right" if takes_right else "left"
        closed = "both" if (i == 0 and takes_right) or (i == count - 1 and not takes_right) else closed
        made.append(Tier(ends[i], ends[i + 1], Action(name, cost=0 if name == "none" else 1, **OWNED), closed=closed))
    used = {tier.action.name for tier in made}
    extra = [Tier(0, 0, Action(x, cost=0 if x == "none" else 1, **OWNED), closed="neither")
             for x in NAMES[:2] if x not in used]  # fmt: skip
    return [*made, *extra]


@given(tiers(), st.lists(SCORES, min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_a_tier_of_one_score_is_that_of_the_frame(made, scores):
    idle = next((t.action for t in made if t.action.name == "none"), Action("none"))
    rule = Tiers(*[tier for tier in made if tier.closed != "neither"])
    policy = Policy(rule, missing=Action("mail", cost=1, **OWNED), idle=idle, holdout=0.1)
    frame = pd.DataFrame({"p": pd.Series(scores, dtype="float64")})
    assert policy.decide(frame, score="p")["action"].tolist() == [policy.action(p) for p in scores]


@given(
    st.lists(st.tuples(DOLLARS, st.integers(0, 40).map(lambda k: k / 8)), min_size=2, max_size=4),
    st.lists(st.tuples(SCORES, st.one_of(st.none(), DOLLARS)), min_size=1, max_size=20),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_a_menu_for_one_case_is_that_of_the_frame(amounts, cases, staked):
    menu = [
        Action(name, gain, cost * (name != "none"), **OWNED) for name, (gain, cost) in zip(NAMES, amounts, strict=False)
    ]
    policy = policy_of(Menu(*menu))
    frame = pd.DataFrame(cases, columns=["p", "stake"], dtype="float64")
    decided = policy.decide(frame, score="p", value="stake" if staked else None)["action"].tolist()
    assert decided == [policy.action(p, value=stake) if staked else policy.action(p) for p, stake in cases]


@given(st.lists(st.tuples(SCORES, st.one_of(st.none(), DOLLARS), DOLLARS), min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_a_menu_may_read_gains_and_costs_of_the_case(cases):
    policy = policy_of(Menu("none", Action("mail", "saved", 0.5, "us"), Action("call", 40, "wage", "us")))
    frame = pd.DataFrame(cases, columns=["p", "saved", "wage"], dtype="float64")
    decided = policy.decide(frame, score="p")["action"].tolist()
    assert decided == [policy.action(p, columns={"saved": saved, "wage": wage}) for p, saved, wage in cases]


@pytest.mark.parametrize("labels", [[0, 1, 2], [2**60, 2**60 + 1, -5], ["a", "b", "é"]])
def test_a_segment_of_one_case_is_that_of_the_frame(labels):
    rule = Segments(dict(zip(labels, ["none", Action("mail", cost=1, **OWNED), "mail"], strict=True)))
    policy = policy_of(rule)
    kind = "string" if isinstance(labels[0], str) else "Int64"
    frame = pd.DataFrame({"s": pd.Series([*labels, None], dtype=kind)})
    assert policy.decide(frame, segment="s")["action"].tolist() == [policy.action(segment=x) for x in [*labels, None]]
    assert policy.action(segment=math.nan) == policy.action(segment=pd.NA) == "mail"


def test_segments_come_in_other_types():
    policy = policy_of(Segments({0: "none", 1: Action("mail", cost=1, **OWNED)}))
    assert [policy.action(segment=x) for x in (np.int8(1), 1.0, np.float32(0))] == ["mail", "mail", "none"]
    wide = policy_of(Segments({2**60: "none", 1: Action("mail", cost=1, **OWNED)}))
    with pytest.raises(TypeError, match="neighbours"):
        wide.action(segment=1.0)
    for bad, error in ((7, ValueError), (1.5, ValueError), (math.inf, ValueError), ("1", TypeError), (True, TypeError)):
        with pytest.raises(error, match="segment"):
            policy.action(segment=bad)
    words = policy_of(Segments({"a": "none", "b": Action("mail", cost=1, **OWNED)}))
    for bad, error in (("c", ValueError), (1, TypeError)):
        with pytest.raises(error, match="segment"):
            words.action(segment=bad)


def test_scores_are_compared_as_64_bit_floats():
    rule = Tiers(Tier(0, 0.7, "none"), Tier(0.7, 1, Action("mail", cost=1, **OWNED)))
    policy = policy_of(rule)
    assert policy.action(0.7) == policy.action(np.float64(0.7)) == policy.action(Decimal("0.7")) == "mail"
    assert policy.action(np.float32(0.7)) == "none"
    assert policy.action(1) == "mail"
    assert policy.action(pd.NA) == "mail"


MAIL = Action("mail", 10, 1, **OWNED)


@pytest.mark.parametrize(
    ("rule", "arguments", "error", "told"),
    [
        (Tiers(Tier(0, 1, MAIL)), {"score": 1.0000001}, ValueError, r"score must lie in \[0, 1\]"),
        (Tiers(Tier(0, 1, MAIL)), {"score": -math.inf}, ValueError, "score"),
        (Tiers(Tier(0, 1, MAIL)), {"score": "0.5"}, TypeError, "score"),
        (Tiers(Tier(0, 1, MAIL)), {"score": True}, TypeError, "score"),
        (Tiers(Tier(0, 1, MAIL)), {}, TypeError, "say score"),
        (Tiers(Tier(0, 1, MAIL)), {"score": 0.5, "value": 3.0}, TypeError, "no use for value"),
        (Menu("none", MAIL), {"score": 2.0}, ValueError, "score"),
        (Menu("none", MAIL), {"score": 0.5, "value": math.inf}, ValueError, "value must be finite"),
        (Menu("none", MAIL), {"score": 0.5, "segment": 1}, TypeError, "no use for segment"),
        (Menu("none", Action("mail", "saved", 1, "us")), {"score": 0.5}, TypeError, "columns must hold 'saved'"),
        (Menu("none", Action("mail", "saved", 1, "us")), {"score": 0.5, "columns": {"saved": math.inf}}, ValueError,
         "saved must be finite"),
        (Segments({1: MAIL}), {"score": 0.5}, TypeError, "say segment"),
        (Segments({1: MAIL}), {"segment": 1, "score": 0.5}, TypeError, "no use for score"),
    ],
)  # fmt: skip
def test_what_is_refused(rule, arguments, error, told):
    policy = Policy(rule, missing="mail", idle=Action("none"), holdout=0.1)
    with pytest.raises(error, match=told):
        policy.action(**arguments)


def test_a_policy_with_gaps_decides_nothing_and_one_that_decided_can_be_sent():
    with pytest.raises(ValueError, match="no tier takes"):
        Policy(Tiers(Tier(0, 0.5, MAIL)), missing=MAIL, idle=Action("none"), holdout=0.1).action(0.3)
    policy = Policy(Tiers(Tier(0, 1, MAIL)), missing=MAIL, idle=Action("none"), holdout=0.1)
    assert policy.action(0.3) == "mail"
    sent = pickle.loads(pickle.dumps(policy))
    assert sent == policy
    assert sent.action(None) == "mail"
