"""Layer 3: from scores to the rows of a ledger. Capacity, lots at their stated rates, exact propensities."""

import datetime
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_matrix
from scipy.stats import binom, binomtest

from mllayers.decision import Action, Menu, Policy, Segments, Tier, Tiers
from mllayers.decision.plan import _explored_at_most, _Shares

quick = settings(max_examples=60, deadline=None)
DAY = "2026-03-01"
LEDGER = ["case", "time", "segment", "score", "planned", "action", "idle", "drawn", "propensity", "cost",
          "expected_value", "model", "policy"]  # fmt: skip
NOTHING = Action("nothing")
MAIL, CALL = Action("mail", gain=8, cost=1, owner="CRM"), Action("call", gain=40, cost=15, owner="sales")


def tiers(holdout=0.1, idle="nothing", mail=None, call=None, **options):
    mail = Action("mail", gain=8, cost=1, owner="CRM", capacity=mail)
    call = Action("call", gain=40, cost=15, owner="sales", capacity=call)
    rule = Tiers(Tier(0, 0.25, "nothing"), Tier(0.25, 0.5, mail), Tier(0.5, 1, call))
    return Policy(rule, missing=options.pop("missing", "nothing"), idle=idle, holdout=holdout, **options)


def frame_of(n, seed=0, **columns):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"id": np.arange(n), "p": rng.random(n)} | columns)


def plan(policy, frame, seed=7, **options):
    if "segment" not in options or not isinstance(policy.rule, Segments):
        options.setdefault("score", "p")
    return policy.plan(frame, case="id", time=options.pop("time", DAY), seed=seed, **options)


class TestRows:
    def test_a_plan_is_the_rows_of_a_ledger(self):
        frame = pd.DataFrame(
            {"id": [9, 8, 7], "p": [0.6, 0.3, None], "k": [1.0, None, 2.0], "mail_to": ["a", "b", "c"]}
        )
        policy = tiers(holdout=0.5, name="v1")
        rows = plan(policy, frame, segment="k", model="m", keep=["mail_to"])
        assert list(rows) == [*LEDGER, "mail_to"]
        assert rows["case"].to_list() == ["9", "8", "7"]
        assert rows["time"].dtype == "datetime64[us]"
        assert rows["time"].unique().tolist() == [pd.Timestamp(DAY)]
        assert rows["segment"].fillna("–").to_list() == ["1", "–", "2"]
        assert rows["planned"].to_list() == ["call", "mail", "nothing"]
        assert set(rows["idle"]) == {"nothing"}
        assert set(rows["policy"]) == {f"v1 {policy.fingerprint}"}
        assert set(rows["model"]) == {"m"}
        assert rows["mail_to"].to_list() == ["a", "b", "c"]
        assert np.isnan(rows["score"][2])

    def test_money_is_that_of_the_action_that_is_done(self):
        frame = frame_of(500, v=2.0, margin=3.0)
        call = Action("call", gain=20, cost="margin", owner="sales")
        policy = Policy(Menu(Action("nothing", gain=1), MAIL, call), missing="nothing", idle="nothing", holdout=0.3)
        rows = plan(policy, frame, value="v", explore=0.3)
        p, cost = rows["score"], rows["action"].map({"nothing": 0.0, "mail": 1.0, "call": 3.0})
        brings = p * 2 * rows["action"].map({"nothing": 1, "mail": 8, "call": 20}) - cost - p * 2
        np.testing.assert_allclose(rows["cost"], cost)
        np.testing.assert_allclose(rows["expected_value"], brings.where(rows["action"] != "nothing", 0.0), atol=1e-12)
        assert set(rows["action"]) == {"nothing", "mail", "call"}

    def test_what_the_policy_cannot_know_stays_unknown(self):
        plain = Action("mail", cost=1, owner="CRM")
        policy = Policy(Tiers(Tier(0, 1, plain)), missing=CALL, idle=NOTHING, holdout=0.5)
        rows = plan(policy, pd.DataFrame({"id": range(200), "p": [0.5] * 100 + [None] * 100}))
        assert (rows["expected_value"].isna() == (rows["action"] != "nothing")).all()
        assert (rows["expected_value"].dropna() == 0).all()
        alone = Policy(Tiers(Tier(0, 1, CALL)), missing="call", holdout=0)
        rows = plan(alone, frame_of(3))
        np.testing.assert_allclose(rows["expected_value"], 40 * rows["score"] - 15)
        assert rows["idle"].isna().all()
        assert (rows["propensity"] == 1).all()

    @quick
    @given(
        st.lists(st.none() | st.floats(0, 1), max_size=20),
        st.sampled_from(["tiers", "menu", "segments"]),
        st.booleans(),
    )
    def test_planned_is_what_decide_says(self, scores, kind, stakes):
        n = len(scores)
        frame = pd.DataFrame({"id": range(n), "p": pd.Series(scores, dtype="float64"), "k": np.arange(n) % 3.0})
        frame["v"] = np.where(np.arange(n) % 5 == 4, np.nan, np.arange(n) * 0.7)
        rule = {
            "tiers": Tiers(Tier(0, 0.1 + 0.2, NOTHING, closed="both"), Tier(0.1 + 0.2, 1, CALL, closed="right")),
            "menu": Menu(NOTHING, Action("mail", gain=4, cost=1, owner="x"), Action("call", gain=8, cost=2, owner="x")),
            "segments": Segments({0: NOTHING, 1: CALL, 2: MAIL}),
        }[kind]
        policy = Policy(rule, missing="nothing", idle="nothing", holdout=0.1)
        columns = {"segment": "k"} if kind == "segments" else {"score": "p"}
        columns |= {"value": "v"} if kind == "menu" and stakes else {}
        decided = policy.decide(frame, **columns)["action"].to_list()
        assert policy.plan(frame, case="id", time=DAY, seed=1, **columns)["planned"].to_list() == decided

    def test_times(self):
        frame = frame_of(
            2, at=[pd.Timestamp("2026-03-01"), pd.Timestamp("2026-04-02 12:00")], day=["2026-03-01", "2026-03-02"]
        )
        zoned = frame["at"].dt.tz_localize("Europe/Berlin")
        for time, first in {
            "at": "2026-03-01",
            "day": "2026-03-01",
            "2026-05-06": "2026-05-06",
            datetime.date(2026, 5, 6): "2026-05-06",
            datetime.datetime(2026, 5, 6, 7, tzinfo=datetime.UTC): "2026-05-06 07:00",
        }.items():
            assert plan(tiers(), frame, time=time)["time"][0] == pd.Timestamp(first)
        assert plan(tiers(), frame.assign(z=zoned), time="z")["time"][0] == pd.Timestamp("2026-02-28 23:00")
        for odd in ("april", 3, None, "10/04/2026"):
            with pytest.raises(TypeError, match="time must be a column of the frame, or one date or time for all"):
                plan(tiers(), frame, time=odd)
        with pytest.raises(TypeError, match="p must hold dates or times"):
            plan(tiers(), frame, time="p")

    def test_an_empty_frame_and_the_index(self):
        empty = plan(tiers(call=1), frame_of(0))
        assert list(empty) == LEDGER
        assert len(empty) == 0
        rows = plan(tiers(), frame_of(3).set_axis(["a", "b", "c"]), keep=["p"])
        assert rows.index.to_list() == ["a", "b", "c"]
        assert (rows["p"] == rows["score"]).all()

    @pytest.mark.parametrize(
        ("change", "error", "told"),
        [
            ({"case": "who"}, ValueError, "frame must have the column 'who'; it has id, p, v, twice, gone, text"),
            ({"case": "twice"}, ValueError, "case must come once at a time; got '1' twice at 2026-03-01.*, rows 0, 1"),
            ({"case": "gone"}, ValueError, "gone is missing at row 1"),
            ({"case": "v"}, TypeError, "v must be text or whole numbers; got 5.5 at row 0"),
            ({"case": 3}, TypeError, "case must be the name of a column, as text; got 3"),
            ({"score": "v"}, ValueError, r"v must lie in \[0, 1\]; got 5.5 at row 0"),
            ({"score": "text"}, TypeError, "column 'text' must hold numbers; it holds String, such as 'a'"),
            ({"seed": 1.5}, TypeError, "seed must be a whole number; got 1.5"),
            ({"model": None}, TypeError, "model must be text; got None"),
            ({"keep": "v"}, TypeError, "keep must be a list of column names; got 'v'"),
            ({"keep": ["score"]}, ValueError, "keep must name other columns than the plan's own; got 'score'"),
            ({"keep": [3]}, TypeError, "keep must be the name of a column, as text; got 3"),
            ({"segment": "v"}, TypeError, "v must be text or whole numbers; got 5.5 at row 0"),
            ({"explore": 1.5}, ValueError, "explore must be ≥ 0 and ≤ 1; got 1.5"),
            ({"explore": "all"}, TypeError, "explore must be a number; got 'all'"),
            ({"explore": 0.95}, ValueError, "must add up to at most 1; got 0.1 and 0.95 where 'nothing' is planned"),
            ({"explore": {"cal": {}}}, ValueError, "explore must name actions of the policy .*; got 'cal'"),
            ({"explore": {"call": 0.1}}, TypeError, r"explore\['call'\] must be a mapping from action to share"),
            ({"explore": {"call": {"ring": 0.1}}}, ValueError, r"explore\['call'\] must name actions of the policy"),
            ({"explore": {"call": {"mail": -0.1}}}, ValueError, r"explore\['call'\]\['mail'\] must be ≥ 0 and ≤ 1"),
            ({"explore": {"call": {Action("x", cost=1): 0.1}}}, ValueError, "action 'x' has no owner"),
            ({"explore": {"call": {Action("x", owner="y"): 0.1}}}, ValueError, "action 'x' has no cost"),
            (
                {"explore": {"call": {Action("mail", cost=9): 0.1}}},
                ValueError,
                "describes action 'mail' in another way",
            ),
        ],
    )
    def test_bad_input_is_named(self, change, error, told):
        frame = pd.DataFrame(
            {"id": [1, 2], "p": [0.1, 0.6], "v": [5.5, 1.0], "twice": [1, 1], "gone": ["a", None], "text": ["a", "b"]}
        )
        arguments = {"case": "id", "time": DAY, "score": "p", "seed": 1} | change
        with pytest.raises(error, match=told):
            tiers().plan(frame, **arguments)

    def test_costs_that_no_ledger_takes(self):
        frame = frame_of(3, c=[1.0, -2.0, None])
        for cost, told in [("c", "column 'c' is -2 at row 1"), (-3, "its cost is -3 at row 0")]:
            policy = Policy(Tiers(Tier(0, 1, Action("call", cost=cost, owner="x"))), missing="call", holdout=0)
            with pytest.raises(ValueError, match=rf"action 'call' must cost a known amount ≥ 0 .*{told}"):
                plan(policy, frame)
        with pytest.raises(ValueError, match="value multiplies the gains of the actions; none of them has one"):
            plan(Policy(Tiers(Tier(0, 1, NOTHING)), missing=NOTHING, idle="nothing", holdout=0.1), frame, value="c")

    def test_with_gaps_nothing_is_planned(self):
        with pytest.raises(ValueError, match=r"(?s)not ready.*no hold-out"):
            plan(tiers(holdout=None), frame_of(2))

    def test_a_boundary_belongs_to_the_tier_that_takes_it(self):
        rule = Tiers(Tier(0, 0.25, "nothing", closed="both"), Tier(0.25, 0.5, MAIL, closed="right"),
                     Tier(0.5, 1, CALL, closed="right"))  # fmt: skip
        policy = Policy(rule, missing="nothing", idle="nothing", holdout=0.1)
        rows = plan(policy, pd.DataFrame({"id": range(6), "p": [0, 0.25, 0.3, 0.5, 0.6, 1]}))
        assert rows["planned"].to_list() == ["nothing", "nothing", "mail", "mail", "call", "call"]

    def test_a_menu_needs_the_money_of_every_action(self):
        """Of two amounts one is unknown: the rule for a missing score decides."""
        menu = Menu("nothing", Action("mail", gain="m", cost=1, owner="CRM"), Action("call", "c", 15, "sales"))
        frame = pd.DataFrame({"id": range(4), "p": 0.5, "m": [8, None, 8, None], "c": [90, 90, None, None]})
        policy = Policy(menu, missing="nothing", idle="nothing", holdout=0.1)
        assert plan(policy, frame)["planned"].to_list() == ["call", "nothing", "nothing", "nothing"]

    def test_hold_out_and_exploration_may_leave_nobody_as_planned(self):
        rows = plan(tiers(holdout=0.3), frame_of(500), explore={"mail": {"call": 0.7}})
        mail = rows[rows["planned"] == "mail"]
        assert set(mail["action"]) == {"nothing", "call"}
        assert set(mail["propensity"].round(12)) == {0.3, 0.7}

    def test_what_is_certain_has_a_propensity_of_exactly_1(self):
        """0.1 + 0.2 + 0.7 is a little below 1, and other sums are a little above it."""
        for held, tried in product((0.1, 0.15, 0.3, 0.7), (0.05, 0.1, 0.2, 0.3)):
            rows = plan(tiers(holdout=held), frame_of(40), explore={"nothing": {"nothing": tried}})
            assert set(rows.loc[rows["planned"] == "nothing", "propensity"]) == {1.0}


class TestIdle:
    @pytest.mark.parametrize("name", ["nothing", "none", "leave alone", "Nichts"])
    @pytest.mark.parametrize("beside", [False, True])
    def test_whatever_it_is_called(self, name, beside):
        rule = Tiers(Tier(0, 1, CALL)) if beside else Tiers(Tier(0, 0.5, name), Tier(0.5, 1, CALL))
        policy = Policy(rule, missing="call", idle=Action(name) if beside else name, holdout=0.5)
        rows = plan(policy, frame_of(400))
        held = rows["drawn"] == "holdout"
        assert (rows.loc[held, "action"] == name).all()
        assert (rows.loc[held, "planned"] == "call").all()
        assert (rows.loc[rows["planned"] == name, "drawn"] == "").all()
        assert (rows["idle"] == name).all()
        assert (rows.loc[rows["action"] == name, ["cost", "expected_value"]] == 0).all().all()

    def test_without_one_there_is_no_hold_out(self):
        rows = plan(_without_idle(), frame_of(100))
        assert set(rows["action"]) == {"mail", "call"}
        assert rows["idle"].isna().all()


def _without_idle(mail=None, call=None):
    one, two = (Action(x.name, x.gain, x.cost, x.owner, room) for x, room in [(MAIL, mail), (CALL, call)])
    return Policy(Tiers(Tier(0, 0.5, one), Tier(0.5, 1, two)), missing="mail", holdout=0)


def transport(worth, room):
    """The most that can be brought: a linear programme over who gets which action."""
    k, n = worth.shape
    each = csr_matrix((np.ones(k * n), (np.tile(np.arange(n), k), np.arange(k * n))), shape=(n, k * n))
    some = np.repeat(np.eye(k), n, axis=1)[list(room)]
    best = linprog(-worth.ravel(), A_eq=each, b_eq=np.ones(n), A_ub=some, b_ub=list(room.values()), bounds=(0, 1))
    return -best.fun


class TestSharesByCase:
    """A stratified audit: the share that is tried at random is a column."""

    def test_a_column_of_equal_shares_is_the_number(self):
        frame = frame_of(400).assign(share=0.3)
        pd.testing.assert_frame_equal(
            plan(tiers(), frame, explore={"nothing": {"mail": "share"}}),
            plan(tiers(), frame, explore={"nothing": {"mail": 0.3}}),
        )

    def test_the_propensity_is_the_share_of_the_case(self):
        frame = frame_of(2_000)
        frame["share"] = np.where(frame["id"] % 2, 0.4, 0.05)
        rows = plan(tiers(holdout=0.1), frame, explore={"call": {"mail": "share", "nothing": 0.2}})
        call = rows[rows["planned"] == "call"]
        share = frame.loc[call.index, "share"]
        want = (
            call["action"]
            .map({"call": np.nan, "mail": np.nan, "nothing": 0.3})
            .fillna(share.where(call["action"] == "mail", 0.7 - share))
        )
        assert np.allclose(call["propensity"], want)
        assert (rows.loc[rows["planned"] == "mail", "propensity"].isin([0.9, 0.1])).all()

    @pytest.mark.parametrize("share", [0.05, 0.4])
    def test_draws_come_at_the_share_of_their_case(self, share):
        frame = frame_of(40_000).assign(p=0.1)
        frame["share"] = np.where(frame["id"] % 2, 0.4, 0.05)
        rows = plan(tiers(holdout=0.1), frame, explore={"nothing": {"mail": "share"}})
        tried = rows.loc[frame["share"] == share, "drawn"] == "explore"
        assert binomtest(int(tried.sum()), len(tried), share).pvalue > 1e-4

    def test_room_is_set_aside_for_the_mean_of_the_shares(self):
        frame = frame_of(5_000).assign(p=lambda x: np.where(x["id"] < 1_000, 0.3, 0.1))
        frame["share"] = np.where(frame["id"] % 4, 0.0, 0.2)
        rows = plan(tiers(mail=600), frame, explore={"nothing": {"mail": "share"}})
        assert (rows["action"] == "mail").sum() <= 600
        aside = binom.ppf(0.999, 1_000 + 250, 0.2)  # a quarter of those planned for nothing, at most
        assert 600 - aside - 1 <= (rows["planned"] == "mail").sum() <= 600 - binom.ppf(0.5, 1_000, 0.2)

    @pytest.mark.parametrize(
        ("share", "told"),
        [
            (1.5, "share must lie in \\[0, 1\\]; got 1.5 at row 2"),
            (np.nan, "share must hold finite numbers; got nan at row 2"),
            (0.95, "hold-out and exploration must add up to at most 1; got 0.1 and 0.95 at row 2 where 'nothing'"),
        ],
    )
    def test_what_is_no_share_is_refused(self, share, told):
        frame = frame_of(3).assign(share=[0.1, 0.1, share])
        with pytest.raises(ValueError, match=told):
            plan(tiers(), frame, explore={"nothing": {"mail": "share"}})

    def test_a_column_that_is_not_there_is_named(self):
        with pytest.raises(ValueError, match="nowhere"):
            plan(tiers(), frame_of(3), explore={"nothing": {"mail": "nowhere"}})


class TestCapacity:
    def menu(self, worth, room):
        actions = [Action(f"a{k}", f"g{k}", 0, "x", room.get(k)) for k in range(len(worth))]
        frame = pd.DataFrame({f"g{k}": x for k, x in enumerate(worth)} | {"id": range(worth.shape[1]), "p": 1.0})
        return Policy(Menu(*actions), missing="a0", holdout=0), frame

    @quick
    @given(st.integers(0, 10**6), st.integers(1, 40), st.integers(2, 5), st.booleans())
    def test_one_limited_action_is_filled_in_the_best_way(self, seed, n, k, whole):
        rng = np.random.default_rng(seed)
        worth = rng.integers(0, 6, (k, n)).astype(float) if whole else rng.lognormal(0, 1, (k, n))
        room = {int(rng.integers(k)): int(rng.integers(0, n + 1))}
        policy, frame = self.menu(worth, room)
        planned = plan(policy, frame)["planned"].str[1:].astype(int).to_numpy()
        assert worth[planned, np.arange(n)].sum() == pytest.approx(transport(worth, room))
        assert all((planned == i).sum() <= space for i, space in room.items())

    def test_several_limited_actions_come_close_to_the_best(self):
        lost = []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            n, k = int(rng.integers(10, 60)), int(rng.integers(3, 6))
            worth = np.vstack([np.zeros(n), 10 * rng.lognormal(0, 1, (k - 1, n))])
            room = {i: int(rng.integers(0, n // 2)) for i in range(1, k)}
            policy, frame = self.menu(worth, room)
            planned = plan(policy, frame)["planned"].str[1:].astype(int).to_numpy()
            assert all((planned == i).sum() <= space for i, space in room.items())
            best = transport(worth, room)
            lost.append((best - worth[planned, np.arange(n)].sum()) / best)
        assert np.mean(lost) < 0.001
        assert max(lost) < 0.02

    @quick
    @given(st.integers(0, 10**6), st.integers(0, 15), st.integers(0, 15))
    def test_tiers_keep_the_highest_scores_and_pass_the_others_down(self, seed, mail, call):
        frame = frame_of(30, seed)
        frame.loc[:4, "p"] = np.nan
        planned = plan(tiers(mail=mail, call=call), frame).set_index("score").sort_index(ascending=False)["planned"]
        by_hand, left = [], {"call": call, "mail": mail}
        for p in planned.index.dropna():
            wanted = ["call", "mail"] if p >= 0.5 else ["mail"] if p >= 0.25 else []
            got = next((x for x in wanted if left[x] > 0), "nothing")
            by_hand.append(got)
            if got in left:
                left[got] -= 1
        assert planned[planned.index.notna()].to_list() == by_hand
        assert set(planned[planned.index.isna()]) == {"nothing"}

    def test_an_action_without_any_room_is_nobodys_next_best(self):
        """Without a call the first case loses $100 and the second $50, since no letter can be sent instead."""
        menu = Menu("nothing", Action("mail", "m", 0, "CRM", capacity=0), Action("call", "c", 0, "sales", capacity=1))
        frame = pd.DataFrame({"id": [1, 2], "p": 1.0, "m": [95, 0], "c": [100, 50]})
        rows = plan(Policy(menu, missing="nothing", idle="nothing", holdout=0.1), frame)
        assert rows["planned"].to_list() == ["call", "nothing"]

    def test_the_room_set_aside_is_a_quantile_of_the_binomial(self):
        shares = _Shares(np.array([[0.0, 0.0, 0.02], [0.0, 0.5, 0.1], [0.0, 0.3, 0.3]]), {}, {})
        planned = np.repeat([0, 1, 2], [900, 60, 40])
        assert _explored_at_most(planned, shares, 0) == 0
        assert _explored_at_most(planned, shares, 1) == binom.ppf(0.999, 40, 0.3)
        assert _explored_at_most(planned, shares, 2) == binom.ppf(0.999, 960, (18 + 6) / 960)

    def test_two_full_actions_are_filled(self):
        menu = Menu("nothing", replace(MAIL, capacity=20), replace(CALL, capacity=10))
        policy = Policy(menu, missing="nothing", idle="nothing", holdout=0.1)
        for p in (frame_of(200)["p"] * 0.5 + 0.5, 0.9):
            planned = plan(policy, frame_of(200).assign(p=p))["planned"].value_counts()
            assert planned.to_dict() == {"nothing": 170, "mail": 20, "call": 10}

    def test_an_action_of_two_tiers_has_one_room(self):
        review = Action("review", cost=4, owner="desk", capacity=3)
        rule = Tiers(Tier(0, 0.2, review), Tier(0.2, 0.8, "ship"), Tier(0.8, 1, review))
        frame = pd.DataFrame({"id": range(6), "p": [0.1, 0.9, 0.15, 0.85, 0.5, 0.05]})
        planned = plan(Policy(rule, missing="ship", idle="ship", holdout=0.1), frame)["planned"]
        assert planned.to_list() == ["ship", "review", "review", "review", "ship", "ship"]

    def test_cases_without_a_score_come_last(self):
        frame = pd.DataFrame({"id": range(6), "p": [0.9, 0.8, None, None, 0.7, 0.1]})
        for policy in (
            tiers(missing="call", call=4),
            Policy(
                Menu("nothing", Action("call", gain=40, cost=15, owner="x", capacity=4)),
                missing="call", idle="nothing", holdout=0.1,
            ),
        ):  # fmt: skip
            planned = plan(policy, frame)["planned"]
            assert planned[[0, 1, 4]].to_list() == ["call"] * 3
            assert sorted(planned[[2, 3]]) == ["call", "nothing"]

    def test_segments_keep_the_highest_value_then_score_then_lot(self):
        frame = pd.DataFrame({"id": range(6), "p": [0.9, 0.1, 0.5, 0.6, 0.7, 0.2], "v": [1, 5, 9, 1, 2, 1.0]})
        frame["k"] = [1, 1, 1, 1, 0, 0]
        call = Action("call", gain=10, cost=1, owner="x", capacity=2)
        policy = Policy(Segments({0: "nothing", 1: call}), missing="nothing", idle="nothing", holdout=0.1)
        by_value = plan(policy, frame, segment="k", score="p", value="v")["planned"]
        assert by_value.to_list() == ["call", "nothing", "call", "nothing", "nothing", "nothing"]
        by_score = plan(policy, frame, segment="k", score="p")["planned"]
        assert by_score.to_list() == ["call", "nothing", "nothing", "call", "nothing", "nothing"]
        by_lot = [
            tuple(policy.plan(frame, case="id", time=DAY, segment="k", seed=seed)["planned"] == "call")
            for seed in range(60)
        ]
        assert {sum(x) for x in by_lot} == {2}
        assert len(set(by_lot)) == 6  # each of the six pairs

    def test_an_idle_action_beside_the_menu_is_for_those_who_do_not_fit(self):
        rule = Menu(Action("mail", 8, 3, "x", capacity=1), Action("call", 40, 30, "x"))
        policy = Policy(rule, missing="mail", idle=NOTHING, holdout=0.1)
        frame = pd.DataFrame({"id": range(3), "p": [0.1, 0.9, 0.2]})
        assert plan(policy, frame)["planned"].to_list() == ["nothing", "call", "mail"]

    def test_room_that_is_not_whole_is_rounded_down(self):
        assert (plan(tiers(call=2.9), frame_of(20))["planned"] == "call").sum() == 2

    def test_cases_that_fit_nowhere(self):
        with pytest.raises(
            ValueError, match=r"\d+ cases would fit nowhere: 'mail' has room for 1, 'call' has room for 2"
        ):
            plan(_without_idle(1, 2), frame_of(20))
        assert (plan(_without_idle(None, 2), frame_of(20))["planned"] == "call").sum() == 2
        for rule in (
            Menu(Action("call", 40, 15, "x", 2)),
            Segments({0: Action("call", cost=15, owner="x", capacity=2)}),
        ):
            policy = Policy(rule, missing="call", holdout=0)
            with pytest.raises(ValueError, match="1 case would fit nowhere: 'call' has room for 2"):
                plan(policy, frame_of(3, k=0), **({"segment": "k"} if isinstance(rule, Segments) else {}))

    def test_exploration_has_its_room_set_aside(self):
        frame = frame_of(4_000)
        policy = tiers(call=500, holdout=0.1)
        done = [(plan(policy, frame, seed=seed, explore=0.06)["action"] == "call").sum() for seed in range(40)]
        planned = {(plan(policy, frame, seed=seed, explore=0.06)["planned"] == "call").sum() for seed in range(5)}
        assert max(done) <= 500
        assert len(planned) == 1
        assert 400 < planned.pop() < 500 - 0.02 * 3_500
        with pytest.raises(ValueError, match=r"exploration alone would need room for up to \d+ cases of 'call'"):
            plan(tiers(call=50), frame, explore=0.06)
        audit = Action("audit", cost=4, owner="desk", capacity=30)
        with pytest.raises(ValueError, match=r"up to \d+ cases of 'audit', which has room for 30: explore less"):
            plan(policy, frame, explore={"nothing": {audit: 0.05}})
        rows = plan(policy, frame, explore={"nothing": {audit: 0.005}})
        assert 0 < (rows["action"] == "audit").sum() <= 30
        assert rows.loc[rows["action"] == "audit", "cost"].unique().tolist() == [4.0]


POLICIES = {
    "tiers": (tiers(holdout=0.2), {}, 0.3),
    "tiers with room": (tiers(holdout=0.2, mail=1_500, call=1_200), {}, {"call": {"nothing": 0.1, "mail": 0.1}}),
    "menu": (Policy(Menu(NOTHING, MAIL, CALL), missing=MAIL, idle="nothing", holdout=0.1), {}, 0.5),
    "menu with room": (
        Policy(
            Menu(NOTHING, Action("mail", 8, 1, "x", 1_800), Action("call", 40, 15, "x", 2_000)),
            missing="nothing",
            idle="nothing",
            holdout=0.25,
        ),
        {},
        {"nothing": {Action("audit", cost=4, owner="desk"): 0.2}, "mail": {"mail": 0.1, "call": 0.2}},
    ),
    "segments": (
        Policy(Segments({0: CALL, 1: MAIL, 2: "nothing"}), missing=MAIL, idle="nothing", holdout=0.15),
        {"segment": "k"},
        {"call": {"mail": 0.4}, "nothing": {"call": 0.3}},
    ),
    "no idle action": (_without_idle(), {}, 0.4),
}


class TestLots:
    @pytest.mark.parametrize("name", POLICIES)
    def test_propensities_are_the_rates_of_a_hundred_thousand_draws(self, name):
        """5,000 cases, 20 seeds: for each planned and done action, the share of draws against the stated number."""
        policy, columns, explore = POLICIES[name]
        frame = frame_of(5_000, k=np.arange(5_000) % 3)
        draws = [plan(policy, frame, seed=seed, explore=explore, **columns) for seed in range(20)]
        assert all(draw["planned"].equals(draws[0]["planned"]) for draw in draws)
        rows = pd.concat(draws)
        stated = rows.groupby(["planned", "action"])["propensity"].agg(["min", "max", "size"])
        assert (stated["min"] == stated["max"]).all()
        tries = rows["planned"].value_counts()
        for (planned, action), (share, _, size) in stated.iterrows():
            assert binomtest(int(size), int(tries[planned]), share).pvalue > 1e-4, (planned, action)
        np.testing.assert_allclose(stated.groupby("planned")["min"].sum(), 1)
        mine = (draws[0]["planned"] == "call").to_numpy()
        changed = np.mean([(draw["action"] != draw["planned"])[mine] for draw in draws], axis=0)
        assert changed.std() < 1.2 * np.sqrt(changed.mean() * (1 - changed.mean()) / 20)  # seeds draw each case anew

    def test_lots_are_drawn_at_their_stated_rates_and_say_which_they_are(self):
        rows = plan(tiers(holdout=0.2), frame_of(60_000), explore=0.3)
        acted = rows["planned"] != "nothing"
        assert binomtest(int((rows["drawn"] == "holdout").sum()), int(acted.sum()), 0.2).pvalue > 1e-4
        assert binomtest(int((rows["drawn"] == "explore").sum()), len(rows), 0.2).pvalue > 1e-4  # 0.1 tries the same
        assert ((rows["drawn"] == "") == (rows["action"] == rows["planned"])).all()
        assert (rows.loc[rows["drawn"] == "holdout", "action"] == "nothing").all()
        left_alone = acted & (rows["action"] == "nothing")
        np.testing.assert_allclose(rows.loc[left_alone, "propensity"].unique(), [0.3])  # held out, or tried

    def test_the_same_case_has_the_same_lot_in_any_order_and_part(self):
        frame = frame_of(3_000).assign(t=pd.Timestamp(DAY))
        policy = tiers(holdout=0.3)
        whole = plan(policy, frame, explore=0.1).set_index("case")
        turned = plan(policy, frame.sample(frac=1, random_state=1), explore=0.1).set_index("case")
        parts = pd.concat([plan(policy, part, explore=0.1) for _, part in frame.groupby(frame["id"] % 7)]).set_index(
            "case"
        )
        for other in (turned, parts):
            pd.testing.assert_frame_equal(whole, other.loc[whole.index])
        later = plan(policy, frame, explore=0.1, time="2026-09-01").set_index("case")
        assert (later["action"] == whole["action"]).all()
        again = plan(policy, frame, explore=0.1, seed=8).set_index("case")
        assert (again["drawn"] != whole["drawn"]).mean() > 0.2
        text = plan(policy, frame.assign(id=frame["id"].astype(str)), explore=0.1).set_index("case")
        pd.testing.assert_frame_equal(whole, text)

    @pytest.mark.parametrize("kind", ["tiers", "menu", "two full", "segments"])
    def test_order_never_matters_where_room_is_short_and_scores_are_equal(self, kind):
        frame = frame_of(200, k=np.arange(200) % 2)
        frame["p"] = np.round(frame["p"], 1)
        mail, call = Action("mail", 8, 1, "x", 30 if kind == "two full" else None), Action("call", 40, 15, "x", 25)
        rule = {
            "tiers": Tiers(Tier(0, 0.5, "nothing"), Tier(0.5, 1, call)),
            "segments": Segments({0: "nothing", 1: call}),
        }.get(kind, Menu("nothing", mail, call))
        policy = Policy(rule, missing="nothing", idle="nothing", holdout=0.1)
        columns = {"segment": "k", "score": "p"} if kind == "segments" else {}
        one, other = (
            plan(policy, frame.sample(frac=1, random_state=seed), explore=0.02, **columns)
            .set_index("case")
            .sort_index()
            for seed in (1, 2)
        )
        assert (one["planned"] == "call").sum() < 25
        pd.testing.assert_frame_equal(one, other)
        another = plan(policy, frame, seed=9, explore=0.02, **columns).set_index("case").sort_index()
        assert not another["planned"].equals(one["planned"])  # equal scores: by lot, not by name or place

    def test_without_lots_nothing_is_hashed(self, monkeypatch):
        asked = []
        monkeypatch.setattr(
            "mllayers.decision.plan.keyed_uniform", lambda keys, **_: asked.append(len(keys)) or np.ones(len(keys))
        )
        plan(_without_idle(), frame_of(50))
        plan(_without_idle(None, 5), frame_of(50))
        assert asked == []
        plan(tiers(), pd.DataFrame({"id": range(9), "p": [0.1] * 5 + [0.6] * 4}))
        assert asked == [4]  # nothing is drawn for those who are left alone anyway

    @pytest.mark.parametrize("name", ["tiers", "tiers with room", "menu with room", "segments"])
    def test_the_effect_estimated_from_the_rows_is_right_on_average(self, name):
        """What acting changed among rows planned for an action: done against left alone, weights 1/propensity."""
        policy, columns, explore = POLICIES[name]
        n, errors = 5_000, []
        frame = frame_of(n, k=np.arange(n) % 3)
        for seed in range(30):
            rng = np.random.default_rng([seed, 1])
            rows = plan(policy, frame, seed=seed, explore=explore, score="p", **columns)
            alone = rng.normal(5 * rows["score"], 1)
            effect = rows["planned"].map({"call": 3.0, "mail": 1.0, "nothing": 0.0}) * rows["score"] ** 2
            y = alone + np.where(rows["action"] == rows["planned"], effect, 0.0)
            for action in {"call", "mail"} & set(rows["planned"]):
                mine = rows["planned"] == action
                done, left = mine & (rows["action"] == action), mine & (rows["action"] == "nothing")
                estimate = sum(
                    sign * (y[x] / rows.loc[x, "propensity"]).sum() / (1 / rows.loc[x, "propensity"]).sum()
                    for sign, x in ((1, done), (-1, left))
                )
                errors.append((action, estimate - effect[mine].mean()))
        for _, found in pd.DataFrame(errors, columns=["action", "error"]).groupby("action")["error"]:
            assert abs(found.mean()) < 4 * found.std() / np.sqrt(len(found))
            assert found.std() < 0.3
