"""The desk as a benchmark: money adds up, mistakes cost the month and are told, and nobody sees what no desk sees."""

import json
import subprocess
import sys
import time
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest

from mllayers.decision import Action, Menu, Policy
from mllayers.desk import BASELINES, WORLDS, Guarded, Isolated, Scoreboard, orders_of, score
from mllayers.desk.parcels import columns_of, frame_of, shares_read, shares_told
from mllayers.desk.seat import team_in
from mllayers.loop import ARMS, Arm, Team, desk_policy, run_loop

SMALL = {"per_month": 1_200, "seeds": [11, 12]}


@pytest.fixture(scope="module")
def board():
    """All baselines and three arms, two small years."""
    return score(against=["open", "closed", "explore", *BASELINES], **SMALL)


class Mine:
    """Does what *explore* does, unless told otherwise."""

    name = "mine"

    def learn(self, past, day, *, seed):
        return ARMS["explore"].learn(past, day, seed=seed)

    def decide(self, orders, reviews, *, prices):
        return ARMS["explore"].decide(orders, reviews, prices=prices)

    def try_at_random(self, orders, *, prices):
        return ARMS["explore"].try_at_random(orders, prices=prices)


def written(folder, body, name="mine.py"):
    """A file with a team that is *explore* with some methods replaced."""
    lines = [
        "from mllayers.loop import ARMS, Arm, desk_policy",
        "from mllayers.decision import Action, Menu, Policy",
        "import numpy as np, pandas as pd, os, sys, time, gc, inspect",
        "class team(Arm):",
        "    name = 'from a file'",
        "    def __init__(self):",
        "        super().__init__(blocks='review', silence='ignore', audit_share=0.01)",
    ]
    path = folder / name
    path.write_text("\n".join(lines) + "\n" + "".join(f"    {line}\n" for line in dedent(body).strip().splitlines()))
    return path


# --- the scoreboard ---------------------------------------------------------------------------------------------------


def test_money_adds_up(board):
    spent = board.runs[["fraud shipped", "honest blocked", "reviews", "audits"]]
    assert np.allclose(spent.sum(axis=1), board.runs["lost"])
    assert (spent >= -1e-9).all().all()
    by_kind = board.kinds[["fraud shipped", "honest blocked"]].groupby("team").sum()
    assert np.allclose(by_kind, board.table.loc[by_kind.index, ["fraud shipped", "honest blocked"]])


def test_what_is_lost_is_the_gap_of_the_loop(board):
    for seed in SMALL["seeds"]:
        orders = orders_of("drifting", seed=seed, per_month=SMALL["per_month"])
        for name in ("open", "every label"):  # they draw nothing and so do not depend on the seed of the draws
            found = board.runs[(board.runs["seed"] == seed) & (board.runs["team"] == name)]["lost"].item()
            drawn = -run_loop(orders, team=name, seed=0).gap
            assert found == pytest.approx(drawn, rel=0.05)


def test_regret_is_paired_with_every_label(board):
    wide = board.runs.pivot_table("lost", "seed", "team")
    for name, row in board.table.iterrows():
        assert row["regret"] == pytest.approx((wide[name] - wide["every label"]).mean())
        assert row["regret_low"] <= row["regret"] <= row["regret_high"]
    assert board.table.loc["every label", ["regret", "regret_low", "regret_high"]].tolist() == [0, 0, 0]
    better = board.difference("explore", "open")
    assert better["better"] == pytest.approx((wide["open"] - wide["explore"]).mean())
    with pytest.raises(ValueError, match="team must be one of"):
        board.difference("explore", "nobody")


def test_arms_and_baselines_that_are_the_same_score_the_same(board):
    for arm, baseline in (("closed", "greedy"), ("explore", "two frames")):
        assert board.table.loc[arm, "lost"] == board.table.loc[baseline, "lost"]


def test_no_baseline_makes_a_mistake_or_is_beaten_by_doing_nothing(board):
    assert board.told.empty
    for seed in SMALL["seeds"]:
        orders = orders_of("drifting", seed=seed, per_month=SMALL["per_month"])
        year = orders[orders["month"] >= 6]
        lost = year.loc[year["_is_fraud"], "amount_usd"] * 0.7 + 20
        assert (board.runs.loc[board.runs["seed"] == seed, "lost"] < lost.sum()).all()


def test_a_scoreboard_goes_into_json_and_says_itself(board):
    told = json.loads(json.dumps(board.to_dict()))
    assert told["digest"] == board.digest
    assert told["seeds"] == SMALL["seeds"]
    assert len(told["runs"]) == len(board.runs)
    assert "every label loses least" in repr(board)
    assert "numpy" in board.versions
    assert isinstance(board, Scoreboard)
    assert board.frame().equals(board.table)


def test_same_seeds_same_bits_in_another_process():
    code = "from mllayers.desk import score\nprint(score(against=['explore'], seeds=[3, 4], per_month=1_000).digest)"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert there.stdout.strip() == score(against=["explore"], seeds=[3, 4], per_month=1_000).digest


@pytest.mark.parametrize("world", WORLDS)
def test_every_world_can_be_scored(world):
    found = score(Mine(), against=[], world=world, seeds=[1, 2], per_month=1_000)
    assert set(found.table.index) == {"mine", "every label"}
    spent = found.runs[["fraud shipped", "honest blocked", "reviews", "audits"]].sum(axis=1)
    assert np.allclose(spent, found.runs["lost"])
    assert found.told.empty


def test_where_fraudsters_react_teams_meet_other_orders():
    source = orders_of("reacting", seed=1, per_month=2_000)
    assert callable(source)
    first, again = (orders_of("drifting", seed=1, per_month=2_000) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_a_passphrase_hides_the_seeds_and_progress_is_told():
    seen = []
    found = score(
        against=[],
        seeds=2,
        passphrase="one two three",
        per_month=1_000,
        progress=lambda done, of: seen.append((done, of)),
    )
    assert seen == [(1, 2), (2, 2)]
    assert found.seeds == ()
    assert found.runs["seed"].unique().tolist() == [0, 1]
    assert found.digest != score(against=[], seeds=2, passphrase="another", per_month=1_000).digest


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"seeds": 1}, ValueError, "seeds must be at least 2|seeds must be ≥ 2"),
        ({"seeds": [1, 1]}, ValueError, "at least two different ones"),
        ({"seeds": "ab"}, TypeError, "seeds must be a number of years"),
        ({"seeds": [1, 2], "passphrase": "x"}, ValueError, "must be a number where they come from a passphrase"),
        ({"world": "calm"}, ValueError, "world must be one of standing, drifting, reacting"),
        ({"against": ["nobody"]}, ValueError, "against must be one of open"),
        ({"team": 3}, TypeError, "team must be a Python file, an object with learn"),
        ({"team": "nowhere.py"}, ValueError, "must be a Python file that exists"),
        ({"team": Arm(sees_truth=True)}, ValueError, "team must not see the truth"),
    ],
)
def test_what_score_refuses(options, error, told):
    with pytest.raises(error, match=told):
        score(**{"per_month": 1_000, "seeds": 2, "against": ["closed"], **options})


@pytest.mark.parametrize("name", BASELINES)
def test_each_baseline_is_a_team_with_a_source(name):
    team = BASELINES[name]()
    assert isinstance(team, Team)
    if type(team) is not Arm:
        assert "References" in type(team).__doc__


@pytest.mark.parametrize("name", ["uncertainty audit", "Neyman audit"])
def test_an_audit_by_order_makes_as_many_audits_as_an_equal_share(name):
    orders = orders_of("drifting", seed=5, per_month=4_000)
    months = run_loop(orders, team=BASELINES[name](), months=range(6, 9)).months
    equal = run_loop(orders, team="explore", months=range(6, 9)).months
    assert months["audits"].sum() == pytest.approx(equal["audits"].sum(), rel=0.35)


def test_thompson_draws_another_model_than_the_regression_and_the_same_again():
    orders = orders_of("drifting", seed=5, per_month=2_000)
    first, again, other = (
        run_loop(orders, team=BASELINES["Thompson"](), months=range(6, 8), seed=seed).model[-1].coef_
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


# --- mistakes ---------------------------------------------------------------------------------------------------------


class Stops(Mine):
    def learn(self, past, day, *, seed):
        if day == 8 * 30:
            raise KeyError("no such column")
        return super().learn(past, day, seed=seed)


class Shapeless(Mine):
    def learn(self, past, day, *, seed):
        class Model:
            def predict_proba(self, orders):
                return np.ones(3)

        return Model()


class Greedy(Mine):
    def decide(self, orders, reviews, *, prices):
        return desk_policy(reviews * 2, prices=prices)


class NoPolicy(Mine):
    def decide(self, orders, reviews, *, prices):
        return "ship"


class Refunds(Mine):
    def decide(self, orders, reviews, *, prices):
        return Policy(Menu(Action("refund", gain=0, cost=0, owner="desk")), missing="refund", holdout=0)

    def try_at_random(self, orders, *, prices):
        return {}


@pytest.mark.parametrize(
    ("team", "months", "told"),
    [
        (Stops(), [2], "learn stopped: KeyError: 'no such column'"),
        (Shapeless(), list(range(12)), "predict_proba must give 2,000 rows of 2; got shape (3,)"),
        (Greedy(), list(range(12)), "there is room for 80"),
        (NoPolicy(), list(range(12)), "decide must return a Policy"),
        (Refunds(), list(range(12)), "may only use the actions ship, review, audit, block; got 'refund'"),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, Mine) else "",
)
def test_a_mistake_costs_the_month_and_is_told(team, months, told):
    guarded = Guarded(team)
    orders = orders_of("drifting", seed=11, per_month=2_000)
    result = run_loop(orders, team=guarded)
    assert [month for month, _ in guarded.told] == months
    assert all(told in what for _, what in guarded.told)
    lost = result.decisions["month"] - 6
    assert (result.decisions.loc[lost.isin(months), "action"] == "ship").all()
    if len(months) == 1:
        assert (result.decisions.loc[~lost.isin(months), "action"] != "ship").any()


def test_mistakes_stand_on_the_scoreboard():
    found = score(Stops(), against=[], **SMALL)
    assert found.table.loc["mine", "months lost"] == 2
    assert found.told["month"].tolist() == [2, 2]
    assert found.told["seed"].tolist() == SMALL["seeds"]


def test_a_guarded_team_without_mistakes_decides_as_it_would(board):
    orders = orders_of("drifting", seed=11, per_month=2_000)
    plain, guarded = (run_loop(orders, team=team) for team in (Mine(), Guarded(Mine())))
    pd.testing.assert_frame_equal(plain.months, guarded.months)


# --- in a process of its own ------------------------------------------------------------------------------------------


def test_a_team_from_a_file_decides_as_the_same_team_here(tmp_path):
    orders = orders_of("drifting", seed=11, per_month=2_000)
    with Isolated(written(tmp_path, "pass")) as there:
        months = run_loop(orders, team=there, months=range(6, 9)).months
    assert months.equals(run_loop(orders, team="explore", months=range(6, 9)).months)


def test_tables_and_shares_survive_the_way():
    orders = orders_of("drifting", seed=1, per_month=200).head(50)
    pd.testing.assert_frame_equal(
        frame_of(columns_of(orders)).drop(columns="_kind"),
        orders.reset_index(drop=True).drop(columns="_kind"),
        check_dtype=False,
    )
    shares = {"ship": {Action("audit", gain="g", cost=4, owner="desk"): np.array([0.1, 0.2]), "block": 0.01}}
    told, arrays = shares_told(shares)
    read = shares_read(json.loads(json.dumps(told)), arrays)
    assert list(read) == ["ship"]
    assert read["ship"]["block"] == 0.01
    assert read["ship"][Action("audit", gain="g", cost=4, owner="desk")].tolist() == [0.1, 0.2]


def test_a_crash_of_the_process_costs_the_month_alone(tmp_path):
    body = """
    def learn(self, past, day, *, seed):
        if day == 7 * 30:
            os._exit(3)
        return super().learn(past, day, seed=seed)
    """
    with Isolated(written(tmp_path, body)) as there:
        guarded = Guarded(there)
        run_loop(orders_of("drifting", seed=11, per_month=2_000), team=guarded, months=range(6, 9))
    [(month, what)] = guarded.told
    assert month == 1
    assert "its process ended" in what


def test_who_takes_too_long_loses_the_month(tmp_path):
    body = """
    def learn(self, past, day, *, seed):
        if day == 6 * 30:
            time.sleep(60)
        return super().learn(past, day, seed=seed)
    """
    with Isolated(written(tmp_path, body), seconds=8) as there:
        guarded, began = Guarded(there), time.monotonic()
        run_loop(orders_of("drifting", seed=11, per_month=2_000), team=guarded, months=range(6, 8))
    assert guarded.told == [(0, "learn stopped: TimeoutError: no answer within 8 seconds")]
    assert time.monotonic() - began < 50


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("x = 1", ValueError, "must define team"),
        ("team = 3", TypeError, "must have the methods learn, decide and try_at_random"),
        ("import nowhere", ModuleNotFoundError, "nowhere"),
        ("def", SyntaxError, "invalid syntax"),
    ],
)
def test_a_file_without_a_team_is_told(tmp_path, text, error, told):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(error, match=told):
        team_in(tmp_path / "mine.py")


def test_a_file_that_ends_its_process_is_told(tmp_path):
    (tmp_path / "mine.py").write_text("import sys; sys.exit(2)")
    with pytest.raises(ValueError, match="SystemExit: 2"):
        Isolated(tmp_path / "mine.py")


def test_what_a_team_prints_is_no_answer(tmp_path):
    body = """
    def learn(self, past, day, *, seed):
        print("hello"); sys.stdout.flush()
        os.write(1, b"noise")
        return super().learn(past, day, seed=seed)
    """
    with Isolated(written(tmp_path, body)) as there:
        guarded = Guarded(there)
        run_loop(orders_of("drifting", seed=11, per_month=2_000), team=guarded, months=range(6, 7))
    assert guarded.told == []


# --- ten ways to cheat ------------------------------------------------------------------------------------------------

CHEATS = {  # what a team looks for, in learn or in decide; it should find nothing
    "truth columns in what it learns from": "[c for c in past.columns if c.startswith('_')]",
    "truth columns in the orders": "[c for c in orders.columns if c.startswith('_')]",
    "attributes of the frame": "list(past.attrs)",
    "orders of a later day": "[float(x) for x in past['day'][past['day'] >= day]]",
    "a label before it is known": "[1 for l, k in zip(past['label'], past['known']) if l == l and not k]",
    "any frame with the truth in memory": (
        "[1 for o in gc.get_objects() if isinstance(o, pd.DataFrame) and '_is_fraud' in o.columns]"
    ),
    "who called": (
        "[f.function for f in inspect.stack() if 'truth' in f.function or f.function in ('run_loop', 'score')]"
    ),
    "the seed on the command line or in the environment": (
        "[x for x in [*sys.argv, *os.environ.values()] if x in ('1011', '1012')]"
    ),
    "the seed that it is given": "[x for x in seed if x in (1011, 1012)]",
    "files of the run": "[n for n in os.listdir('.')]",
    "what another year left in global state": "[1 for _ in '1' if day == 180 and hasattr(np, 'left_behind')]",
}
MAY_SEE = {"what a desk may see": "[c for c in past.columns if c == 'amount_usd']"}  # so looking works


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """What a team from a file finds, in two years: every way, every month."""
    folder = tmp_path_factory.mktemp("cheat")
    lines = {True: [], False: []}
    for way, expression in {**CHEATS, **MAY_SEE}.items():
        lines["orders" in expression].append(f"note({way!r}, {expression})")
    in_decide, in_learn = ("\n        ".join(lines[key]) for key in (True, False))
    body = f"""
    def learn(self, past, day, *, seed):
        def note(way, found):
            with open({str(folder / "found.txt")!r}, "a") as book:
                print(way, found, sep=": ", file=book)
        self.note = note
        {in_learn}
        np.left_behind = True
        return super().learn(past, day, seed=seed)
    def decide(self, orders, reviews, *, prices):
        note = self.note
        {in_decide}
        return super().decide(orders, reviews, prices=prices)
    """
    found = score(written(folder, body), against=[], seeds=[1011, 1012], per_month=1_000)
    assert found.told.empty
    assert found.table.loc["from a file", "seconds"] > 0.1
    return (folder / "found.txt").read_text().splitlines()


@pytest.mark.parametrize("way", CHEATS)
def test_a_team_from_a_file_does_not_get_at(way, looked):
    found = [line for line in looked if line.startswith(f"{way}: ")]
    assert len(found) == 24
    assert set(found) == {f"{way}: []"}


def test_what_a_desk_may_see_is_seen(looked):
    assert looked.count("what a desk may see: ['amount_usd']") == 24


def test_an_order_that_a_team_changes_is_changed_for_it_alone():
    class Forger(Mine):
        def decide(self, orders, reviews, *, prices):
            orders["order_id"] = 0
            orders["amount_usd"] = 0.0
            return super().decide(orders, reviews, prices=prices)

    orders = orders_of("drifting", seed=11, per_month=2_000)
    before = orders.copy()
    guarded = Guarded(Forger())
    forged = run_loop(orders, team=guarded, months=range(6, 7))
    pd.testing.assert_frame_equal(orders, before)
    assert guarded.told == []
    assert forged.months.equals(run_loop(orders, team=Mine(), months=range(6, 7)).months)
