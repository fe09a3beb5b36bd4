"""The loop: same seed, same bits; labels on their day; what nobody knows changes nothing; going on after a stop."""

import dataclasses
import signal
import subprocess
import sys
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from mllayers import loop, shop
from mllayers.decision import cost_threshold
from mllayers.ledger import Ledger, LedgerError
from mllayers.loop import ARMS, Arm, decide, features, fit, learnable, reacting_orders, run_loop
from mllayers.shop import ORDER_FEATURES, PRICES

MONTHS = range(6, 10)
TEAMS = ["open", "self", "closed", "explore"]  # all but the oracle


@pytest.fixture(scope="module")
def orders():
    return shop.make_orders(range(10), seed=1, per_month=2_000)


@pytest.fixture(scope="module")
def results(orders):
    return {name: run_loop(orders, labels=name, months=MONTHS, seed=1) for name in ARMS}


def run(orders, labels="explore", **options):
    return run_loop(orders, **{"labels": labels, "months": MONTHS, "seed": 1} | options)


def assert_same(one, two):
    """Two runs agree to the last bit."""
    for name in ("months", "kinds", "decisions"):
        assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)


# the same orders, the same bits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", ARMS)
def test_same_seed_same_bits(orders, results, labels):
    assert_same(run(orders, labels), results[labels])


def test_another_seed_draws_another_audit(orders, results):
    one, two = (result.decisions["action"] == "audit" for result in (results["explore"], run(orders, seed=2)))
    assert one.any()
    assert two.any()
    assert not one.equals(two)


@pytest.mark.parametrize("labels", ["closed", "explore"])
def test_a_month_does_not_know_the_later_ones(orders, results, labels):
    shorter = run(orders[orders["month"] <= 7], labels, months=range(6, 8))
    assert_frame_equal(shorter.months, results[labels].months.loc[6:7], check_exact=True)
    assert_frame_equal(shorter.decisions, results[labels].decisions.query("month <= 7"), check_exact=True)


def test_all_arms_meet_the_same_orders(orders, results):
    world = ["orders", "frauds", "perfect"]
    for result in results.values():
        assert_frame_equal(result.months[world], results["closed"].months[world])
        assert result.decisions["order_id"].equals(orders.loc[orders["month"] >= 6, "order_id"])


def test_the_arms_part_after_the_first_month(results):
    """On the first day nobody has blocked or audited anything, so all teams have the same model."""
    for month, same in ((6, True), (9, False)):
        p = [results[name].decisions.query(f"month == {month}")["p"] for name in TEAMS]
        assert all(other.equals(p[0]) for other in p[1:]) is same


def test_the_open_arm_keeps_its_first_model(orders, results, monkeypatch):
    fitted = []
    monkeypatch.setattr(loop, "fit", lambda *args, **options: fitted.append(1) or fit(*args, **options))
    assert_same(run(orders, "open"), results["open"])
    assert len(fitted) == 1
    run(orders, "closed")
    assert len(fitted) == 1 + len(MONTHS)


def test_the_index_of_the_orders_does_not_matter(orders, results):
    moved = run(orders.set_index(orders.index + 7), "explore").decisions
    assert_frame_equal(moved.set_index(moved.index - 7), results["explore"].decisions)


# what the numbers say -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", ARMS)
def test_the_months_add_up(orders, results, labels):
    result = results[labels]
    both = orders.join(result.decisions[["p", "action"]], how="inner")
    both["money"] = shop.order_money(both, both["action"])
    for month, row in result.months.iterrows():
        these = both[both["month"] == month]
        shipped, blocked, fraud = these["action"] == "ship", these["action"] == "block", these["_is_fraud"]
        assert row["money"] == pytest.approx(these["money"].sum())
        assert row["perfect"] == pytest.approx(PRICES.margin * these.loc[~fraud, "amount_usd"].sum())
        assert row["gap"] == pytest.approx(row["money"] - row["perfect"])
        assert row["gap"] < 0
        assert row["fakes_shipped"] == (shipped & fraud).sum()
        assert row["good_blocked"] == (blocked & ~fraud).sum()
        assert row["blocks"] == blocked.sum()
        assert row["precision_true"] == pytest.approx(fraud[blocked].mean(), nan_ok=True)
        assert row["promised"] == pytest.approx(these.loc[shipped, "p"].sum())
        assert row["calibration_true"] == pytest.approx(row["promised"] / row["fakes_shipped"])
        returned = these["_report_day"] <= 30 * (month + 1) + 60
        assert row["reported"] == (shipped & fraud & returned).sum()
    assert result.gap == pytest.approx(result.months["gap"].sum())
    assert result.money == pytest.approx(both["money"].sum())


def test_the_kinds_add_up(orders, results):
    for result in results.values():
        assert (result.kinds.drop(columns="orders").sum(axis=1) == result.kinds["orders"]).all()
        frauds = result.kinds.drop(index=["L", "G"], level="kind").groupby("month")["ship"].sum()
        assert frauds.tolist() == result.months["fakes_shipped"].tolist()
        assert result.kinds.groupby("month")["review"].sum().tolist() == result.months["reviews"].tolist()
        counted = orders.query("month >= 6").groupby(["month", "_kind"], observed=False).size()
        assert result.kinds["orders"].tolist() == counted.tolist()


def test_what_the_team_believes_about_its_blocks(results):
    precision = {name: result.months["precision_seen"] for name, result in results.items()}
    assert (precision["self"] == 1).all()
    assert precision["open"].isna().all()
    assert precision["closed"].isna().all()
    assert precision["oracle"].equals(results["oracle"].months["precision_true"])
    assert precision["explore"].notna().any()


def test_it_prints_as_one_line(results):
    told = repr(results["closed"])
    assert "\n" not in told
    for part in ("closed: $", "short of perfect decisions in 4 months", "fakes shipped", "good orders blocked"):
        assert part in told


# nothing is known before its day, and the truth never -----------------------------------------------------------------


@pytest.mark.parametrize("labels", TEAMS)
def test_no_label_is_used_before_its_day(orders, monkeypatch, labels):
    """A spy looks at what every fit learns from."""
    days = []

    def spy(known, y, weight, **options):
        day = 30 * options["seed"][2]
        used = weight > 0
        looked = known["action"].isin(["review", "audit"]).to_numpy()
        waited = used & ~looked & (known["action"] == "ship").to_numpy()
        frauds, good = known[waited & (y == 1)], known[waited & (y == 0)]
        assert known["day"].max() < day
        assert known["month"].min() == max(0, options["seed"][2] - 6)
        assert (frauds["_report_day"] <= day).all()
        assert len(frauds) > 0
        assert (good["day"] <= day - 60).all()
        assert (y[used & looked] == known["_is_fraud"][used & looked]).all()
        blocked = (known["action"] == "block").to_numpy()
        assert (used & blocked).any() == (labels == "self" and day > 180)
        days.append(day)
        return fit(known, y, weight, **options)

    monkeypatch.setattr(loop, "fit", spy)
    run(orders, labels)
    assert days == ([180] if labels == "open" else [180, 210, 240, 270])


@pytest.mark.parametrize("labels", TEAMS)
def test_what_nobody_saw_changes_nothing(orders, results, labels):
    """Turn good and bad around where nobody looked and nobody complained: the same decisions, only other money."""
    both = orders.join(results[labels].decisions["action"])
    both["action"] = both["action"].fillna(pd.Series(np.where(shop.legacy_rule(orders), "review", "ship")))
    unseen = ~both["action"].isin(["review", "audit"]) & both["_report_day"].isna()
    blocked = (both["action"] == "block").to_numpy()
    assert blocked.any()
    other = orders.assign(_is_fraud=orders["_is_fraud"] ^ (unseen | blocked))
    again = run(other, labels)
    assert_frame_equal(again.decisions, results[labels].decisions, check_exact=True)
    assert again.money != results[labels].money


def test_only_the_oracle_learns_from_the_truth(orders, results):
    unreported = orders["_is_fraud"] & orders["_report_day"].isna() & (orders["month"] < 6) & ~shop.legacy_rule(orders)
    other = orders.assign(_is_fraud=orders["_is_fraud"] & ~unreported)
    for labels in ARMS:
        same = run(other, labels).decisions.equals(results[labels].decisions)
        assert same == (labels != "oracle")


@pytest.mark.parametrize("labels", ARMS)
def test_models_see_visible_columns_alone(orders, monkeypatch, labels):
    seen, plain = [], Pipeline.fit

    def spy(self, x, *args, **options):
        seen.append(list(x.columns))
        return plain(self, x, *args, **options)

    monkeypatch.setattr(Pipeline, "fit", spy)
    run(orders, labels, months=range(6, 8))
    assert seen
    assert all(columns == ORDER_FEATURES for columns in seen)


# the steps ------------------------------------------------------------------------------------------------------------


def test_features_are_the_columns_and_pairs_of_flags(orders):
    some = orders.head(300)
    x = features(some)
    assert x.shape == (300, 33)
    assert np.isfinite(x).all()
    flags = some.select_dtypes(bool).drop(columns="_is_fraud").to_numpy(float)
    assert np.array_equal(x[:, 4:11], flags)
    assert np.array_equal(x[:, 11], some["email_risk"].isna())
    assert np.array_equal(x[:, 12:], np.column_stack([a * b for a, b in combinations(flags.T, 2)]))
    assert np.allclose(np.expm1(x[:, 0]), some["amount_usd"])


SEEN = pd.DataFrame({"label": [1.0, 0.0, 1.0, 0.0, np.nan, np.nan, 0.0, 1.0]})
DONE = ["review", "audit", "ship", "ship", "ship", "block", "ship", "audit"]
CHANCE = [1.0, 0.01, 0.99, 0.99, 0.99, 0.9, 1.0, 0.1]


@pytest.mark.parametrize(
    ("arm", "weights"),
    [
        (ARMS["open"], [1, 1, 1, 1, 0, 0, 1, 1]),
        (ARMS["closed"], [1, 1, 1, 1, 0, 0, 1, 1]),
        (ARMS["self"], [1, 1, 1, 1, 0, 1, 1, 1]),
        (ARMS["explore"], [1, 100, 1, 0, 0, 0, 1, 10]),
        (dataclasses.replace(ARMS["explore"], chargebacks=False), [1, 100, 0, 0, 0, 0, 1, 10]),
    ],
)
def test_what_each_arm_learns(arm, weights):
    y, w = learnable(SEEN, DONE, CHANCE, arm)
    assert w == pytest.approx(weights)
    expected = SEEN["label"].to_numpy().copy()
    if arm.blocks == "fraud":
        expected[5] = 1.0
    assert np.array_equal(y, expected, equal_nan=True)


def test_weights_of_the_audit_are_unbiased():
    """Learning from the design alone, the weighted frauds are right in the mean of many draws."""
    world = shop.make_orders(9, seed=3, per_month=5_000)
    p = np.random.default_rng(0).random(5_000) ** 8
    arm = dataclasses.replace(ARMS["explore"], audit_share=0.1, review_blocked_share=0.2, chargebacks=False)
    frauds, all_orders = [], []
    for seed in range(200):
        done = decide(world, p, arm, seed=seed)
        seen = shop.observe(world, done["action"], 400)
        y, w = learnable(seen, done["action"], done["propensity"], arm)
        frauds.append((y * w)[w > 0].sum())
        all_orders.append(w.sum())
    truth = world["_is_fraud"].sum()
    assert np.mean(frauds) == pytest.approx(truth, abs=4 * np.std(frauds) / 200**0.5)
    assert np.mean(all_orders) == pytest.approx(5_000, abs=4 * np.std(all_orders) / 200**0.5)


def test_fit_is_the_plain_regression(orders):
    looked = shop.legacy_rule(orders)
    y = np.where(looked, orders["_is_fraud"], np.nan)
    weight = np.where(looked, np.where(orders["express"], 2.0, 1.0), 0.0)
    model = fit(orders, y, weight)
    plain = LogisticRegression(C=0.3, solver="newton-cholesky")
    plain.fit(features(orders[looked]), y[looked], sample_weight=weight[looked])
    assert np.allclose(model.predict_proba(orders), plain.predict_proba(features(orders)))


def test_fewer_negatives_weigh_as_much(orders, monkeypatch):
    weights = []
    plain = LogisticRegression.fit

    def spy(self, x, y, sample_weight):
        weights.append((y, sample_weight))
        return plain(self, x, y, sample_weight)

    monkeypatch.setattr(LogisticRegression, "fit", spy)
    y = orders["_is_fraud"].to_numpy(float)
    weight = np.where(orders["day"] < 30, 50.0, 1.0)  # those that stand for many are all kept
    thin, full = (fit(orders, y, weight, negatives=n, seed=1).predict_proba(orders)[:, 1] for n in (3_000, 10**6))
    (few, few_weights), (every, every_weights) = weights
    assert (few == 0).sum() == 3_000 + ((y == 0) & (weight == 50)).sum()
    assert (few == 1).sum() == (every == 1).sum() == y.sum()
    assert few_weights.sum() == pytest.approx(every_weights.sum())
    assert thin.sum() == pytest.approx(full.sum(), rel=0.1)


def outcomes(orders, p):
    """Expected dollars of shipping, looking and blocking."""
    a = orders["amount_usd"].to_numpy()
    good, bad = PRICES.margin * a, PRICES.cost_of_goods * a + PRICES.chargeback_fee
    return np.column_stack([(1 - p) * good - p * bad, (1 - p) * good - PRICES.review, -(1 - p) * PRICES.goodwill])


def test_decide_takes_the_best_of_three_where_there_is_room(orders):
    some = orders.head(2_000)
    p = np.random.default_rng(1).random(2_000) ** 3
    value = outcomes(some, p)
    done = decide(some, p, ARMS["closed"], capacity=1)
    assert (done["propensity"] == 1).all()
    names = np.array(["ship", "review", "block"])
    taken = np.take_along_axis(value, (names == done["action"].to_numpy()[:, None]).argmax(1)[:, None], 1)[:, 0]
    assert taken == pytest.approx(value.max(axis=1))
    none = decide(some, p, ARMS["closed"], capacity=0)["action"]
    assert set(none) == {"ship", "block"}
    assert np.array_equal(none == "block", value[:, 2] >= value[:, 0])


def test_decide_looks_where_a_look_changes_most(orders):
    some = orders.head(2_000)
    p = np.random.default_rng(2).random(2_000) ** 3
    value = outcomes(some, p)
    gain = value[:, 1] - value[:, [0, 2]].max(axis=1)
    done = decide(some, p, ARMS["closed"], capacity=0.04)["action"] == "review"
    assert done.sum() == 80
    assert gain[done].min() >= gain[~done].max()


def test_decide_draws_with_the_propensities_it_states(orders):
    some = orders.head(2_000)
    p = np.random.default_rng(3).random(2_000) ** 3
    arm = dataclasses.replace(ARMS["explore"], audit_share=0.02)
    good = PRICES.margin * some["amount_usd"].to_numpy()
    block = p >= cost_threshold(
        gain_tn=good, cost_fp=PRICES.goodwill, cost_fn=some["amount_usd"].to_numpy() - good + PRICES.chargeback_fee
    )
    draws = [decide(some, p, arm, capacity=0.1, seed=seed) for seed in range(400)]
    reviewed = draws[0]["action"] == "review"
    assert reviewed.sum() == pytest.approx(200 - 0.02 * (~block).sum() - 0.1 * block.sum(), abs=1)
    for done in draws:
        assert (done["action"] == "review").equals(reviewed)
        assert done["action"].isin(["ship", "audit", "review"])[~block].all()
        assert done["action"].isin(["block", "audit", "review"])[block].all()
    audited = np.mean([done["action"] == "audit" for done in draws], axis=0)
    stated = np.where(block, 0.1, 0.02) * ~reviewed
    last = draws[-1]
    drawn = (last["action"] == "audit").to_numpy()
    assert last["propensity"].to_numpy() == pytest.approx(np.where(drawn, stated, 1 - stated))
    for group in (block & ~reviewed, ~block & ~reviewed):
        assert audited[group].mean() == pytest.approx(stated[group].mean(), rel=0.05)


def test_one_month_by_hand(orders, results):
    arm, past, today = ARMS["explore"], orders[orders["month"] < 6], orders[orders["month"] == 6]
    done = np.where(shop.legacy_rule(past), "review", "ship")
    y, w = learnable(shop.observe(past, done, day=180), done, np.ones(len(past)), arm)
    model = fit(past, y, w, seed=[1, 52, 6])
    decided = decide(today, model.predict_proba(today[ORDER_FEATURES])[:, 1], arm, seed=[1, 51, 6])
    assert_frame_equal(decided, results["explore"].decisions.query("month == 6")[["p", "action", "propensity"]])


def test_the_switches_make_the_arms(orders, results):
    assert_same(run(orders, "closed", blocks="fraud"), results["self"])
    built = run(orders, "closed", blocks="review", silence="ignore", audit_share=0.01)
    assert_same(built, results["explore"])
    assert_same(run(orders, Arm(blocks="fraud")), results["self"])
    assert built.labels == "explore"
    assert run(orders, "closed", months=range(6, 7), blocks="review").labels == "closed, blocks=review"
    assert run(orders, Arm(audit_share=0.1), months=range(6, 7)).labels == "own arm"


def test_impatient_silence_takes_young_frauds_for_legitimate(orders, monkeypatch):
    mislabelled = {}

    def spy(known, y, weight, **options):
        wrong = (weight > 0) & (y == 0) & known["_is_fraud"] & known["_report_day"].notna()
        mislabelled[days] = mislabelled.get(days, 0) + wrong.sum()
        return fit(known, y, weight, **options)

    monkeypatch.setattr(loop, "fit", spy)
    for days in (10, 60, 120):
        run(orders, "closed", silence_days=days, months=range(6, 8))
    assert mislabelled[10] > mislabelled[60] > mislabelled[120]


def test_progress_is_told_month_by_month(orders):
    told = []
    run(orders, "open", progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


# a ledger, and going on after a stop ----------------------------------------------------------------------------------


class Stop(Exception):
    """Stands for whatever ends a run."""


def stop_after(months):
    def progress(done, total):
        if done == months:
            raise Stop

    return progress


def contents(ledger):
    return ledger.decisions(), ledger.outcomes()


@pytest.fixture(scope="module")
def written(orders, results):
    """What a run that nobody interrupted writes."""
    with Ledger() as ledger:
        assert_same(run(orders, ledger=ledger), results["explore"])
        return contents(ledger)


def assert_as_written(ledger, written):
    for there, expected in zip(contents(ledger), written, strict=True):
        assert_frame_equal(there, expected, check_exact=True)


def test_the_ledger_holds_every_decision_and_what_came_back(orders, results, written):
    decisions, outcomes = written
    mine = results["explore"].decisions
    assert len(decisions) == len(mine)
    by_case = decisions.set_index("case").loc[mine["order_id"].astype(str).tolist()]
    assert by_case["score"].tolist() == mine["p"].tolist()
    assert by_case["action"].tolist() == mine["action"].tolist()
    assert by_case["propensity"].tolist() == mine["propensity"].tolist()
    looked = by_case["action"].isin(["review", "audit"])
    assert (by_case["cost"] == np.where(looked, PRICES.review, 0)).all()
    assert by_case["model"].unique().tolist() == [f"fitted for month {month}" for month in MONTHS]
    assert outcomes["kind"].isin(["review", "audit"]).sum() == looked.sum()
    truth = orders.set_index(orders["order_id"].astype(str))
    back = outcomes[outcomes["kind"] == "chargeback"].set_index("case")
    shipped = truth.loc[by_case.index[by_case["action"] == "ship"]]
    assert set(back.index) == set(shipped.index[shipped["_report_day"] <= 300])
    assert (outcomes["value"] == truth.loc[outcomes["case"], "_is_fraud"].to_numpy()).all()
    day = (outcomes["arrival"] - pd.Timestamp("2026-01-01")) / pd.Timedelta(days=1)
    assert day.max() <= 300
    assert day[outcomes["kind"] == "chargeback"].to_numpy() == pytest.approx(
        truth.loc[back.index, "_report_day"].to_numpy(), abs=1e-6
    )


@pytest.mark.parametrize("months", [1, 2, 4])
@pytest.mark.parametrize("labels", ["open", "explore"])
def test_a_stopped_run_goes_on_with_the_same_bits(orders, results, written, labels, months):
    with Ledger() as ledger:
        with pytest.raises(Stop):
            run(orders, labels, ledger=ledger, progress=stop_after(months))
        assert len(ledger.decisions()) == 2_000 * months
        again = run(orders, labels, ledger=ledger)
        assert_same(again, results[labels])
        assert again.model is not None
        if labels == "explore":
            assert_as_written(ledger, written)


@pytest.mark.parametrize("where", ["record_decisions", "record_outcomes"])
def test_a_run_stopped_in_the_middle_of_a_month_goes_on(orders, results, written, monkeypatch, where):
    calls = []
    plain = getattr(Ledger, where)

    def stops(self, frame):
        calls.append(1)
        if len(calls) == 3:
            raise Stop
        return plain(self, frame)

    with Ledger() as ledger:
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, where, stops)
            with pytest.raises(Stop):
                run(orders, ledger=ledger)
        assert len(ledger.decisions()) == 2_000 * (2 if where == "record_decisions" else 3)
        assert_same(run(orders, ledger=ledger), results["explore"])
        assert_as_written(ledger, written)


RUNS_UNTIL_KILLED = """
import sys
from mllayers import shop
from mllayers.ledger import Ledger
from mllayers.loop import run_loop
orders = shop.make_orders(range(10), seed=1, per_month=2_000)
with Ledger(sys.argv[1]) as ledger:
    run_loop(orders, labels="explore", months=range(6, 10), seed=1, ledger=ledger,
             progress=lambda done, total: print(done, flush=True))
"""


@pytest.mark.parametrize("months", [1, 3])
def test_a_killed_run_goes_on_with_the_same_bits(orders, results, written, tmp_path, months):
    """Killed while it is busy with the month after."""
    file = tmp_path / "ledger.db"
    with subprocess.Popen([sys.executable, "-c", RUNS_UNTIL_KILLED, str(file)], stdout=subprocess.PIPE) as program:
        for _ in range(months):
            program.stdout.readline()
        program.send_signal(signal.SIGKILL)
    with Ledger(file) as ledger:
        assert len(ledger.decisions()) in (2_000 * months, 2_000 * (months + 1))
        assert_same(run(orders, ledger=ledger), results["explore"])
        assert_as_written(ledger, written)


def test_a_finished_run_may_be_made_longer(orders, results):
    with Ledger() as ledger:
        run(orders, ledger=ledger, months=range(6, 8))
        assert_same(run(orders, ledger=ledger), results["explore"])
        shorter = run(orders, ledger=ledger, months=range(6, 8))
        assert_frame_equal(shorter.months, results["explore"].months.loc[6:7])


@pytest.mark.parametrize("other", [{"labels": "closed"}, {"seed": 2}, {"capacity": 0.05}, {"audit_share": 0.02}])
def test_a_ledger_of_another_run_is_refused(orders, other):
    with Ledger() as ledger:
        run(orders, ledger=ledger, months=range(6, 7))
        with pytest.raises(ValueError, match="ledger must hold nothing but this run"):
            run(orders, ledger=ledger, **other)


def test_a_ledger_about_other_orders_is_refused(orders):
    with Ledger() as ledger:
        run(orders, ledger=ledger, months=range(6, 8))
        fewer = orders.drop(orders.index[(orders["month"] == 6).argmax()])
        with pytest.raises(ValueError, match="ledger holds decisions about other orders than those of month 6"):
            run(fewer, ledger=ledger)
        dearer = orders.assign(amount_usd=orders["amount_usd"] * 2)
        with pytest.raises(ValueError, match="is written already with another score"):
            run(dearer, ledger=ledger)


def test_a_ledger_that_cannot_be_written_is_told(orders, tmp_path):
    with Ledger(tmp_path / "ledger.db", timeout=0) as ledger, Ledger(tmp_path / "ledger.db") as other:
        with other._work(writing=True), pytest.raises(LedgerError, match="another program is writing"):
            run(orders, ledger=ledger)
        assert len(ledger.decisions()) == 0


# a world that reacts --------------------------------------------------------------------------------------------------


def test_nobody_reacts_to_nothing_learned():
    calm = {event: when for event, when in shop.EVENTS.items() if event != "mutateA"}
    orders = shop.make_orders(range(8), seed=4, per_month=1_000, events=calm)
    still = run_loop(reacting_orders(seed=4, per_month=1_000, learning=0), months=range(6, 8))
    assert_frame_equal(still.months, run_loop(orders, months=range(6, 8)).months)


def test_the_more_is_stopped_the_more_change():
    world = reacting_orders(seed=4, per_month=4_000, learning=0.3)
    strict, lax = (run_loop(world, labels="closed", months=range(6, 12), capacity=c).kinds for c in (0.04, 0))
    for kinds in (strict, lax):
        a, changed = (kinds["orders"].xs(kind, level="kind") for kind in ("A", "A'"))
        assert changed[6] == 0 < changed[11]
        assert (a + changed).between(40, 170).all()
    history = world(6, pd.DataFrame(columns=["month", "p"]))
    assert (history["_kind"] != "A'").all()
    last = history.assign(p=0.1, propensity=1.0)
    shares = [
        (world(7, last.assign(action=np.where(last["_kind"] == "A", stopped, "ship")))["_kind"] == "A'").sum()
        for stopped in ("ship", "block")
    ]
    assert shares[0] == 0 < shares[1]


def test_a_reacting_world_goes_on_after_a_stop():
    world = reacting_orders(seed=4, per_month=1_000, learning=0.5)
    whole = run_loop(world, months=range(6, 10))
    with Ledger() as ledger:
        with pytest.raises(Stop):
            run_loop(world, months=range(6, 10), ledger=ledger, progress=stop_after(2))
        assert_same(run_loop(world, months=range(6, 10), ledger=ledger), whole)


# bad input, in words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"labels": "opened"}, ValueError, "labels must be one of open, self, closed, explore, oracle; got 'opened'"),
        ({"labels": None}, ValueError, "labels must be one of"),
        ({"blocks": "keep"}, ValueError, "blocks must be one of drop, fraud, review; got 'keep'"),
        ({"silence": "golden"}, ValueError, "silence must be one of legit, ignore; got 'golden'"),
        ({"silence_days": -1}, ValueError, "silence_days must be ≥ 0; got -1"),
        ({"audit_share": 1}, ValueError, "audit_share must be ≥ 0 and < 1; got 1"),
        ({"review_blocked_share": 0}, ValueError, "review_blocked_share must be > 0 and < 1; got 0"),
        ({"chargebacks": 1}, TypeError, "chargebacks must be True or False; got 1"),
        ({"capacity": 4}, ValueError, "capacity must be ≥ 0 and ≤ 1; got 4"),
        ({"window": 0}, ValueError, "window must be ≥ 1; got 0"),
        ({"window": 2.0}, TypeError, "window must be a whole number; got 2.0"),
        ({"months": 6}, TypeError, "months must be whole numbers that follow each other; got 6"),
        ({"months": [6, 8]}, ValueError, r"each the one after the last; got \[6, 8\]"),
        ({"months": []}, ValueError, "months must name at least one month"),
        ({"months": range(0, 3)}, ValueError, "months must be ≥ 1; got 0"),
        (
            {"months": range(6, 12)},
            ValueError,
            "orders must hold the months to run and the window before them; got 0, 1",
        ),
        ({"prices": {"review": 4}}, TypeError, "prices must be shop.Prices; got a dict"),
        ({"seed": -1}, ValueError, "seed must be ≥ 0; got -1"),
        ({"ledger": "file.db"}, TypeError, "ledger must be a Ledger; got 'file.db'"),
        ({"orders": [1, 2]}, TypeError, "orders must be a pandas DataFrame; got a list"),
        ({"orders": pd.DataFrame({"month": [6]})}, ValueError, "orders must have the columns order_id"),
        (
            {"orders": lambda month, so_far: shop.make_orders(3, per_month=50)},
            ValueError,
            "must return orders of month 0",
        ),
        (
            {"orders": lambda month, so_far: None},
            TypeError,
            r"orders\(0, so_far\) must be a pandas DataFrame; got None",
        ),
    ],
)
def test_run_loop_refuses_in_words(orders, wrong, error, says):
    with pytest.raises(error, match=says):
        run(**{"orders": orders} | wrong)


def test_the_steps_refuse_in_words(orders):
    some = orders.head(5)
    with pytest.raises(TypeError, match=r"arm must be an Arm, such as ARMS\['closed'\]; got 'closed'"):
        decide(some, [0.1] * 5, "closed")
    with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]; got 2"):
        decide(some, [0.1, 2, 0, 0, 0], ARMS["closed"])
    with pytest.raises(ValueError, match="orders has 5, p has 4"):
        decide(some, [0.1] * 4, ARMS["closed"])
    with pytest.raises(ValueError, match="propensity must be > 0; got 0 at row 2"):
        learnable(SEEN.head(3), DONE[:3], [1, 1, 0], ARMS["closed"])
    with pytest.raises(ValueError, match="must have the same length"):
        learnable(SEEN, DONE[:3], [1, 1, 1], ARMS["closed"])
    with pytest.raises(ValueError, match="weight must be ≥ 0, and 0 where y is unknown"):
        fit(some, [np.nan, 1, 0, 0, 0], np.ones(5))
    with pytest.raises(ValueError, match=r"y must hold both frauds .* got 0 and 5 among 5"):
        fit(some, np.zeros(5), np.ones(5))
    with pytest.raises(ValueError, match="events must not hold mutateA"):
        reacting_orders(events=shop.EVENTS)
    with pytest.raises(ValueError, match="learning must be ≥ 0 and ≤ 1; got 2"):
        reacting_orders(learning=2)
