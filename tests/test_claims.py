"""The claims of the course hold in other worlds: the experiments that the notebooks show, run on seeds 100 to 129.

Three seeds by default, all thirty with ``CLAIM_SEEDS=30``. A claim may miss in one seed of thirty, an identity in none.

Directions and orders are those of the claims. Many of the margins around them (such as "at least 45 % of B found") were
set after results of some of these seeds had been seen: they guard against regressions, and fresh evidence needs fresh
seeds.
"""

import math
import os
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from notebook_cells import run_cells
from scipy import stats
from sklearn.metrics import roc_auc_score

from mllayers import shop
from mllayers.decision import NotReadyToModel, expected_value
from mllayers.loop import ARMS, run_loop

SEEDS = range(100, 100 + int(os.environ.get("CLAIM_SEEDS", "3")))
NOTEBOOKS = Path(__file__).parent.parent / "notebooks" / "solved"


@pytest.fixture(scope="module")
def data():
    """What notebook 1 finds in each world."""
    return [run_cells(NOTEBOOKS / "01_data.ipynb", seed=seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def prediction():
    """What notebook 2 finds in each world."""
    return [run_cells(NOTEBOOKS / "02_prediction.ipynb", seed=seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def decision():
    """What notebook 3 finds in each world."""
    return [run_cells(NOTEBOOKS / "03_decision.ipynb", seed=seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def action():
    """What notebook 4 finds in each world."""
    return [run_cells(NOTEBOOKS / "04_action.ipynb", seed=seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def feedback():
    """What notebook 5 finds in each world; only what the claims need is kept, the orders of a world are many."""
    kept = [
        "runs",
        "found",
        "in_the_end",
        "audit",
        "gaps",
        "year",
        "sounded",
        "estimates",
        "truth",
        "refused",
        "earned",
    ]
    worlds = []
    for seed in SEEDS:
        world = run_cells(NOTEBOOKS / "05_feedback.ipynb", seed=seed)
        world["year"] = world["year_of"](seed)
        world["runs"] = {
            name: replace(run, decisions=run.decisions[:0], outcomes=run.outcomes[:0])
            for name, run in world["runs"].items()
        }
        worlds.append({name: world[name] for name in kept})
        world.clear()  # its functions hold it, and with it a million orders, until somebody collects
    return worlds


@pytest.fixture(scope="module")
def loops(feedback):
    """The five arms in each world, all on the same 20,000 orders a month: what each month brought."""
    return [world["runs"] for world in feedback]


def holds(worlds, claim):
    """The claim is true in all worlds but one in thirty."""
    missed = [seed for seed, world in zip(SEEDS, worlds, strict=True) if not claim(world)]
    assert len(missed) <= len(SEEDS) // 30, f"missed in seeds {missed}"


def labelled(world):
    """The share of each pattern that carries a fraud label at the end of month 4."""
    return (world["seen"]["label"] == 1).groupby(world["past"]["_kind"], observed=True).mean()


def test_C1_2_pattern_B_never_gets_a_fraud_label(data):
    assert all(labelled(world)["B"] == 0 for world in data)


def test_C1_2_what_is_not_caught_is_not_labelled(data):
    holds(data, lambda world: 0.93 < labelled(world)["A"] < 0.97)


def test_C1_2_the_team_sees_a_perfect_model_and_the_truth_is_blind(data):
    aucs = [
        [roc_auc_score(labels, world["score"](world["naive"], world["month5"]))
         for labels in (world["team_labels"], world["truth"])] for world in data]  # fmt: skip
    holds(aucs, lambda auc: auc[0] > 0.998 and auc[1] < 0.88)
    holds(data, lambda world: world["stopped"]["team"] > 0.99 and world["stopped"]["truth"] < 0.78)


def test_C2_5_the_lowest_loss_ships_the_most_fakes(data):
    contests = [world["contest"] for world in data]
    holds(contests, lambda contest: contest["log loss"].idxmin() == "naive")
    holds(
        contests, lambda contest: contest.loc["naive", "fakes shipped"] >= 2 * contest.loc["audited", "fakes shipped"]
    )


def test_C1_2_a_random_audit_repairs_it_and_is_paid_back_within_a_month(data):
    stopped = [world["contest"]["B stopped"] for world in data]
    holds(stopped, lambda share: share["naive"] < 0.10 and share["audited"] > 0.45)
    holds(data, lambda world: world["more"] > world["audit_cost"] == 4 * (world["audit"]["source"] == "audit").sum())


def test_C1_2_most_of_the_gain_needs_the_labels_and_no_model(data):
    months = [
        world["one_month"](seed, world["naive"], world["audited"], world["audit_cost"])
        for seed, world in zip(SEEDS, data, strict=True)
    ]
    order = ["review everything", "old rule", "rule learned from the audit", "audited model", "clairvoyant"]
    holds(months, lambda month: sorted(order, key=month.get) == order)
    holds(months, lambda month: month["naive model"] < month["audited model"])
    gained = np.array([[month["rule learned from the audit"], month["audited model"]] for month in months])
    rule, model = (gained - [[month["old rule"]] for month in months]).mean(axis=0)
    assert rule > 0.5 * model


@pytest.fixture(scope="module")
def what_if(data):
    """What is left of the first month after the audit is paid: a row for each world, a column for each assumption."""
    reported = shop.ORDER_TYPES.copy()
    reported.loc["reported", "B"] = 0.05
    rows = []
    for seed, world in zip(SEEDS, data, strict=True):
        both = world["naive"], world["audited"], world["audit_cost"]
        months = {
            "as it is": world["one_month"](seed, *both),
            "fewer": world["one_month"](seed, *both, capacity=0.02),
            "market": world["one_month"](seed, *both, month=7),
        }
        others = {"small": {"per_month": 8_000}, "reported": {"types": reported}, "half seen": {"recognised": 0.5}}
        for name, change in others.items():
            months[name] = world["one_month"](seed, *world["train_both"](seed, **change), **change)
        rows.append({name: month["audited model"] - month["naive model"] for name, month in months.items()})
    return pd.DataFrame(rows)


def test_C1_2_what_turns_the_advice_round(what_if):
    """A small shop is a close call, so it is judged by its mean; the others in each world."""
    rows = what_if.to_dict("records")
    for name in ("fewer", "market", "reported", "half seen"):
        holds(rows, lambda left, name=name: left[name] < 0 < left["as it is"])
    assert abs(what_if["small"].mean()) < what_if["as it is"].mean() / 4


def test_C1_2_weights_grade_a_blind_model_without_the_truth(data):
    graded = [world["graded"] for world in data]
    holds(graded, lambda share: abs(share["audit, weighted"] - share["truth"]) < 0.25)
    holds(graded, lambda share: share["audit, no weights"] - share["truth"] > 0.25)


def test_C1_3_a_new_ring_is_invisible_even_to_the_model_with_every_label(data):
    holds(data, lambda world: world["months"].loc[12, "pattern C stopped"] < 0.10)


def test_C1_4_three_months_later(data):
    months = [world["months"] for world in data]
    holds(months, lambda month: month.loc[8, "predicted / actual"] > 1.8)
    holds(months, lambda month: month["AUC"].min() > 0.9)
    holds(months, lambda month: month.loc[8, "pattern B stopped"] < month.loc[5, "pattern B stopped"] / 4)


def test_C1_1_old_or_new(data):
    holds(data, lambda world: world["old_or_new"]["months 3–5 against 6–8"].auc > 0.54)
    holds(data, lambda world: world["old_or_new"]["months 0–2 against 3–5"].auc < 0.515)


def test_C1_4_a_random_split_lies(data):
    ratios = [world["loss"]["in time"] / world["loss"]["random"] for world in data]
    holds(ratios, lambda ratio: ratio["the market opens"] > 3 > 1.5 > ratio["nothing happens"])


def test_C1_5_cleaning_takes_the_frauds_out(data):
    holds(data, lambda world: world["dropped"]["orders"] < 0.05 and world["dropped"]["frauds"] > 0.22)
    holds(data, lambda world: world["dropped"]["dollars of fraud"] > 0.35)


def test_C2_1_accurate_and_worth_exactly_nothing(prediction):
    holds(prediction, lambda world: 0.906 < world["table"].loc["nobody leaves", "accuracy"] < 0.914)
    holds(prediction, lambda world: world["table"].loc["boosting", "accuracy"] > 0.915)
    assert all(
        (world["table"]["nobody acts"] == 0.0).all() and "knows who leaves" in world["table"].index
        for world in prediction
    )


@pytest.fixture(scope="module")
def decided(prediction):
    """Four decisions in each world, in expectation, the pilot paid."""
    rows = [
        pd.Series(world["decisions_in"](seed))
        + world["shop"].customer_money(world["pilot"], world["pilot"]["action"], expected=True).sum()
        for seed, world in zip(SEEDS, prediction, strict=True)
    ]
    return rows


@pytest.fixture(scope="module")
def contests(prediction):
    """Three models under two rules in each world, in expectation; a row a model."""
    return [world["contest_in"](seed).set_index("model") for seed, world in zip(SEEDS, prediction, strict=True)]


def test_C2_2_connected_the_74_percent_model_earns(prediction, decided):
    """In expectation, the pilot paid: about $1.7M a year on average, more than half a million in all worlds but few."""
    holds(prediction, lambda world: 0.735 < world["table"].loc["balanced", "accuracy"] < 0.750)
    holds(decided, lambda dollars: dollars["the balanced model"] > 0)
    assert 1_200_000 < np.mean([dollars["the balanced model"] for dollars in decided]) < 2_500_000


def test_C2_2_but_the_best_decision_without_it_earns_more(decided):
    holds(decided, lambda dollars: dollars["30 groups"] > dollars["the balanced model"] + 500_000)
    holds(decided, lambda dollars: dollars["base rate for all"] < 0 < dollars["30 groups"])
    holds(decided, lambda dollars: dollars["tenths of value"] < dollars["the balanced model"])


def test_C2_2_the_same_customers_four_times_halve_it(prediction):
    """What the model's list and the cells' list keep, before the pilot is paid."""
    pairs = [
        (pd.Series(world["decisions_in"](seed)), pd.Series(world["decisions_in"](seed, world["four_quarters"])))
        for seed, world in zip(SEEDS, prediction, strict=True)
    ]
    shares = [same[["the balanced model", "30 groups"]] / fresh[["the balanced model", "30 groups"]]
              for fresh, same in pairs]  # fmt: skip
    holds(shares, lambda share: (share > 0.3).all() and (share < 0.7).all())


def test_C2_3_the_threshold_that_the_pilot_chooses_is_neither_one_half_nor_the_most_accurate(prediction):
    """What the pilot promises there is more than can be expected: the best of many."""
    holds(prediction, lambda world: 0.05 < world["chosen"] < 0.2)
    for world in prediction:
        world["right"] = ((world["scores"]["boosting"] >= world["chosen"]) == world["leaves"]).mean()
    holds(prediction, lambda world: world["right"] < 0.9 < world["table"].loc["nobody leaves", "accuracy"])
    holds(prediction, lambda world: world["promised"] > world["delivered"] > 500_000)


def test_C2_4_log_loss_ranks_the_models_in_the_opposite_order(contests):
    order = ["boosting", "regression", "balanced"]
    holds(contests, lambda contest: contest.loc[order, "log loss"].is_monotonic_increasing)
    holds(contests, lambda contest: contest.loc[order, "one half"].is_monotonic_increasing)


def test_C2_4_expected_value_undoes_it(contests):
    """How much it earns depends on the pilot's luck; the better loss earns most in most worlds, not in all."""
    value = [contest["expected value"] for contest in contests]
    half = [contest["one half"] for contest in contests]
    pairs = list(zip(value, half, strict=True))
    holds(pairs, lambda pair: pair[0].min() > pair[1][["boosting", "regression"]].max())
    holds(pairs, lambda pair: np.ptp(pair[0]) < 0.7 * np.ptp(pair[1]))
    assert np.mean([dollars.idxmax() == "boosting" for dollars in value]) >= 0.6


def test_C2_4_with_weaker_vouchers_expected_value_loses_with_every_model(prediction):
    """The limit of the lesson: one average effect for all, where vouchers keep fewer."""
    weaker = prediction[0]["shop"].RESPONSE.copy()
    weaker.loc["base", "voucher"] -= 0.3
    weak = [world["contest_in"](seed, weaker) for seed, world in zip(SEEDS, prediction, strict=True)]
    holds(weak, lambda contest: (contest["expected value"] < 0).all())


def test_C2_5_the_better_loss_ships_more_fakes(prediction):
    holds(prediction, lambda world: world["pair"]["log loss"].is_monotonic_increasing)
    holds(prediction, lambda world: world["pair"]["fakes shipped"].is_monotonic_decreasing)


def test_C2_4_dollars_belong_in_the_decision(prediction):
    for name in ("regression", "boosting"):
        holds(prediction, lambda world, name=name: world["where"][name].idxmax() == "sort by p × loss")
        holds(
            prediction,
            lambda world, name=name: (
                world["where"].loc["sort by p × loss", name] > 1.15 * world["where"].loc["sort by p", name]
            ),
        )


def test_C2_4_expected_value_needs_calibration(prediction):
    ranked = [world["ranked"] for world in prediction]
    holds(ranked, lambda table: abs(table.loc["AUC", "balanced"] - table.loc["AUC", "regression"]) < 0.002)
    earned = [table.loc["earned by p × loss"] for table in ranked]
    holds(earned, lambda dollars: dollars["balanced"] < 0.95 * dollars["regression"])


def test_C2_3_auc_is_blind_to_the_size_of_the_scores(prediction):
    assert all(np.ptp(world["by_power"]["AUC"]) < 1e-9 for world in prediction)
    powers = [world["by_power"]["earned"] for world in prediction]
    holds(powers, lambda dollars: dollars[0.5] < 0 < dollars[1.0])
    assert np.mean([dollars[1.0] > dollars[2.0] for dollars in powers]) >= 0.8  # most worlds, not all


def test_C0_2_without_the_sentence_nothing_is_fitted(decision):
    for world in decision:
        assert world["brief"].require() is world["brief"]
        with pytest.raises(NotReadyToModel, match="decision and outcome"):
            world["Brief"](who="Marketing").require()


def test_C3_1_computed_thresholds_beat_round_ones(decision):
    desks = [world["desk"].sum() for world in decision]
    for name in ("old rules: review", "review 0.5, block 0.8"):
        holds(desks, lambda gained, name=name: gained["computed thresholds"] > gained[name] > 0)
    holds(desks, lambda gained: gained["clairvoyant"] == gained.max())
    for world in decision:
        low, high = world["by_formula"]
        assert (round(low, 4), round(world["t"], 4), round(high, 4)) == (0.0526, 0.3214, 0.8889)


def test_C3_1_above_four_fifths_every_action_loses_and_below_one_half_both_earn(decision):
    heads = [world["brings"][["voucher", "call"]].groupby(world["tier"], observed=True).mean() for world in decision]
    holds(heads, lambda head: (head.loc["0.8 and above"] < 0).all())
    holds(heads, lambda head: (head.loc["0.2 to 0.5"] > 0).all())
    holds(decision, lambda world: world["surest"]["_gone"].mean() > 0.8)


def test_C3_1_the_slide_against_expected_value(decision):
    earned = [world["earned"].sum() for world in decision]
    holds(earned, lambda dollars: dollars["the slide"] < dollars["expected value"] / 4)
    holds(earned, lambda dollars: dollars["true probabilities"] > dollars["expected value"] > 0)
    assert np.mean([dollars["the slide"] < 0 for dollars in earned]) >= 0.8  # most worlds, not all


def test_C3_1_the_best_decision_without_the_model_earns_more_than_the_menu(decision):
    earned = [world["earned"].sum() for world in decision]
    holds(earned, lambda dollars: dollars["30 groups, no model"] > 0)
    assert np.mean([dollars["30 groups, no model"] > dollars["expected value"] for dollars in earned]) >= 0.8


def test_C3_1_what_turns_the_slide_and_a_voucher_for_everyone(decision):
    """Where nobody had already left the slide earns, a little; paid when used, a voucher for everyone does."""
    turned = {"nobody had already left": "the slide", "vouchers paid when used": "voucher for everyone"}
    for assumption, way in turned.items():
        worlds = [world["one_world"](seed, assumption) for seed, world in zip(SEEDS, decision, strict=True)]
        assert np.mean([dollars[way] > 0 for dollars in worlds]) >= 0.8  # most worlds, not all
        assert np.mean([dollars[way] for dollars in worlds]) > 0
        holds(worlds, lambda dollars: dollars["expected value"] > dollars["the slide"])


def test_C3_1_calls_are_ranked_by_neither_probability_nor_value_alone(decision):
    calls = [world["calls"].drop(columns="true probabilities").sum() for world in decision]
    holds(calls, lambda dollars: dollars["by p"] < 0 < dollars["by expected value"])
    holds(calls, lambda dollars: dollars.idxmax() == "by expected value")


def test_C3_1_the_best_tiers_begin_far_below_one_half(decision):
    holds(decision, lambda world: world["top"][1] < 0.3)

    def above_half(world):
        grid = world["grid"][world["grid"] >= 0.5]
        return max(world["earns"](low, high) for low in grid for high in grid if low <= high)

    holds(decision, lambda world: above_half(world) < world["top"][0] / 4)


def test_C3_1_the_policy_that_is_signed_has_no_gap(decision):
    for world in decision:
        assert world["policy"].gaps() == []
        assert len(world["slide"].gaps()) == 4
        assert world["Policy"].from_json(world["policy"].to_json()) == world["policy"]
        held = (world["plan"]["drawn"] == "holdout")[world["plan"]["planned"] != "none"].mean()
        assert 0.09 < held < 0.11


def test_C3_2_lead_B_is_worth_more_and_probability_picks_the_wrong_leads(decision):
    for world in decision:
        assert world["expected_value"](0.90, 500) == 450
        assert world["expected_value"](0.30, 48_000) == 14_400
    lists = ["by probability", "by expected value"]
    leads = [world["leads"] for world in decision]
    dollars = [table[lists].mul(table["worth"], axis=0).sum() for table in leads]
    holds(dollars, lambda sums: sums["by expected value"] > 2 * sums["by probability"])
    replies = [table[lists].mul(table["_p_reply"], axis=0).sum() for table in leads]
    holds(replies, lambda sums: sums["by probability"] > sums["by expected value"])


def test_C3_2_what_is_chosen_promises_too_much(decision):
    holds(decision, lambda world: world["teams"]["promised"].mean() > 1.15 * world["teams"]["delivered"].mean())
    holds(decision, lambda world: world["promised"] > world["came"])


def test_C3_3_clusters_are_worth_their_policy_and_not_their_looks(decision):
    holds(decision, lambda world: world["buyers"][2] > world["reacting"][2])
    earned = [world["segments"].sum() for world in decision]
    holds(earned, lambda dollars: dollars["how they react"] > dollars["what they buy"])
    holds(earned, lambda dollars: dollars["how they react"] > dollars["five random groups"])
    assert abs(np.mean([dollars["five random groups"] for dollars in earned])) < 60_000  # of $35k each: luck alone


def test_C4_1_the_meanings_of_P_in_order_of_money(action):
    """The mean over luck, the pilot paid for: everyone, P = leaves, average effect, uplift, clairvoyant."""
    order = ["everyone", "P = leaves", "P = leaves × average effect", "P = uplift, two regressions", "clairvoyant"]
    for rows in ([world["earned"]["earned"] for world in action], [world["worlds"].mean() for world in action]):
        holds(rows, lambda dollars: dollars[order].is_monotonic_increasing)
        holds(rows, lambda dollars: dollars["P = leaves"] < 0 < dollars["P = leaves × average effect"])
        holds(rows, lambda dollars: dollars["P = uplift, twelve cells"] > 2 * dollars["P = leaves × average effect"])


def test_C4_1_a_table_that_asks_what_changes_beats_the_true_probability_of_leaving(action):
    earned = [world["earned"]["earned"] for world in action]
    holds(earned, lambda dollars: dollars["P = uplift, twelve cells"] > dollars["true P(leaves) × average effect"] > 0)


def test_C4_1_averages_promise_what_the_customers_do_not_keep(action):
    holds(action, lambda world: world["promised"] > 0 > world["true_head"])


def test_C4_1_a_pilot_that_chance_did_not_make_is_noticed_before_it_is_read(action):
    """Vouchers for 60 % of those who like them and 40 % of the others; one false alarm in a thousand pilots."""
    for seed, world in zip(SEEDS, action, strict=True):
        pilot, likes = world["pilot"][world["FEATURES"]], world["pilot"]["voucher_share"]
        chosen = np.random.default_rng(seed).random(len(pilot)) < np.where(likes > likes.median(), 0.6, 0.4)
        found = world["check_randomised"](chosen, pilot, share=0.5, alpha=0.001)
        assert not found.passed
        assert "do not read an effect" in str(found)


def test_C4_1_a_second_pilot_knows_it_without_the_truth(action):
    """Intervals of 95 % over the five lists (which share their customers), and two lists compared directly."""
    judged = [world["judged"].T for world in action]
    inside = [(table["low"] < table["truth"]) & (table["truth"] < table["high"]) for table in judged]
    assert np.mean(inside) > 0.95 - 3 * math.sqrt(0.05 * 0.95 / len(action))
    holds(action, lambda world: world["better"].value > 0)


def test_C4_1_paid_only_when_used_a_voucher_for_everyone_earns(action):
    """In every one of the twelve worlds of each seed; paid when sent, in none."""
    by_row = [world["different"].groupby("what") for world in action]
    holds(by_row, lambda rows: rows["everyone"].min()["paid only when used"] > 400_000)
    holds(by_row, lambda rows: rows["everyone"].max()["as it is"] < -200_000)


def test_C4_1_uplift_is_ahead_of_one_average_effect_whatever_is_different(action):
    turned = [world["turned"] for world in action]
    holds(turned, lambda rows: (rows["P = uplift, two regressions"] > rows["P = leaves × average effect"]).all())
    holds(turned, lambda rows: rows.loc["half as much is kept", "P = leaves × average effect"] < 0)
    holds(turned, lambda rows: rows.loc["half as much is kept", "P = uplift, two regressions"] > 0)


def test_C4_1_where_a_voucher_works_on_everybody_alike_the_average_nearly_does(action):
    """What our world puts in decides it: there the two lists are close, here they are not."""
    turned = [world["turned"] for world in action]
    share = [rows["P = leaves × average effect"] / rows["P = uplift, two regressions"] for rows in turned]
    holds(share, lambda part: part["works on all alike"] > 0.75 > 0.5 > part["as it is"])


def test_C4_1_regressions_are_ahead_of_boosting_because_the_world_is_a_logit(action):
    turned = [world["turned"]["P = uplift, two regressions"] for world in action]
    holds(turned, lambda dollars: dollars["boosting instead"] < dollars["as it is"])


def test_C4_1_a_pilot_of_five_thousand_is_enough_and_one_of_a_thousand_is_not_always(action):
    """Forty pilots in each world; of a thousand customers, some do not beat one average effect for all."""
    holds(action, lambda world: (world["runs"][5_000] > world["average"]).all())
    behind = [(world["runs"][1_000] <= world["average"]).mean() for world in action]
    assert 0 < np.mean(behind) < 0.4
    holds(action, lambda world: world["runs"].mean()[[1_000, 5_000, 20_000]].is_monotonic_increasing)


def test_C4_1_even_a_perfect_list_is_mostly_sure_things(action):
    kinds = [world["kinds_on"] for world in action]
    ours = "P = uplift, two regressions"
    holds(kinds, lambda share: share.loc["clairvoyant", "sure thing"] > 0.8)
    holds(kinds, lambda share: share.loc["clairvoyant", "persuadable"] > share.loc[ours, "persuadable"])
    holds(kinds, lambda share: share.loc[ours, "sleeping dog"] < share.loc["everyone", "sleeping dog"] / 4)


def test_C4_2_ten_thousand_vouchers(action):
    for world in action:
        assert np.isclose(world["total"](0, 5, False), -10_000)
        assert np.isclose(world["total"](1, 5, False), -50_000)
        assert np.isclose(world["total"](0.75, 5, True), 0)
        assert np.isclose(10_000 * expected_value(0.2, 20, 5), -10_000)


def test_C4_3_the_dashboard_claims_millions_where_the_truth_is_a_loss(action):
    """Those who used their voucher and stayed: nearly all of them would have stayed anyway."""
    steps = [world["steps"] for world in action]
    holds(steps, lambda step: step.iloc[0] > 5_000_000 and step.sum() < 0)
    holds(steps, lambda step: 0 < step.iloc[:2].sum() < 0.06 * step.iloc[0])


def test_C4_3_what_fires_fires_once_and_is_written_down(action):
    for world in action:
        printed, drawn = world["printed"], world["decisions"]["drawn"].value_counts()
        assert len(printed) == len(set(printed)) == drawn[""]
        assert world["report"].idle == drawn["holdout"]
        assert world["found"].n == len(world["decisions"]) == 900


def test_C4_3_the_hold_out_sees_what_the_vouchers_changed(action):
    rows = [world["first"].frame().loc[0] for world in action]
    holds(rows, lambda row: row["high"] < 0)
    true = [world["lives"]["_churn_voucher"].mean() - world["lives"]["_churn_none"].mean() for world in action]
    inside = [row["low"] < change < row["high"] for row, change in zip(rows, true, strict=True)]
    assert np.mean(inside) > 0.95 - 3 * math.sqrt(0.05 * 0.95 / len(action))
    people = [world["customers"] for world in action]
    true = [one["_churn_voucher"].mean() - one["_churn_none"].mean() for one in people]
    inside = [world["effect"].low < change < world["effect"].high for world, change in zip(action, true, strict=True)]
    assert np.mean(inside) > 0.95 - 3 * math.sqrt(0.05 * 0.95 / len(action))


def test_C4_3_dollars_of_who_stayed_cannot_see_it(action):
    """The same hold-out, read from the dollars of those who stayed: an interval several times as wide."""

    def noisier(world):
        stayed = world["uplift_effect"](1 - world["left_us"], world["treated"], value=world["customers"]["clv_usd"])
        lost = world["effect"]
        return stayed.money_high - stayed.money_low > 2 * (lost.money_high - lost.money_low)

    holds(action, noisier)


def test_C5_1_each_step_towards_the_truth_earns_more(loops):
    """Frozen, own blocks as labels, blocks left out, a random audit, every label at once."""
    holds(loops, lambda world: list(ARMS) == sorted(ARMS, key=lambda labels: world[labels].money))


def test_C5_1_a_model_that_nobody_touches_ends_behind_the_old_rules(feedback):
    """Dollars behind a clairvoyant, over the twelve months; to ship everything is worse than all."""
    year = [world["gaps"].sum() for world in feedback]
    holds(year, lambda gap: gap["ship everything"] < gap["open"] < gap["old rules"] < gap["self"])


@pytest.fixture(scope="module")
def small_desks():
    """Eight worlds of 5,000 orders a month: every team's gap beyond closed, and what the new market's honest lose."""
    reported = shop.ORDER_TYPES.copy()
    reported.loc["reported", "B"] = reported.loc["reported", "A"]
    teams = {
        "open": "open",
        "closed": "closed",
        "explore": "explore",
        "3 %": replace(ARMS["explore"], audit_share=0.03),
    }
    rows = []
    for seed in range(2027, 2035):
        orders = shop.make_orders(range(18), seed=seed, per_month=5_000)
        other = shop.make_orders(range(18), seed=seed, per_month=5_000, types=reported)
        runs = {name: run_loop(orders, team=team, seed=seed) for name, team in teams.items()}
        done = {name: run.kinds.groupby("kind").sum() for name, run in runs.items()}
        row = {name: run.gap - runs["closed"].gap for name, run in runs.items()}
        row |= {f"{name} blocks": kinds.loc["G", "block"] / kinds.loc["G", "orders"] for name, kinds in done.items()}
        told = {name: run_loop(other, team=name, seed=seed).gap for name in ("closed", "explore")}
        rows.append(row | {"B is reported": told["explore"] - told["closed"]})
    return pd.DataFrame(rows)


def _sure(values):
    """The 95 % interval of a mean over worlds."""
    return stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))


def test_C5_1_when_a_random_audit_pays(small_desks):
    """It pays with 5,000 orders a month; not where B is reported like A, and not where it takes most of the reviews."""
    assert _sure(small_desks["explore"])[0] > 0
    assert _sure(small_desks["B is reported"])[1] < 0
    assert _sure(small_desks["3 %"])[1] < _sure(small_desks["explore"])[0]


def test_C5_1_who_pays(small_desks):
    """Honest orders of the new market that are blocked: many by open, more by explore than by closed."""
    assert (small_desks["open blocks"] > 8 * small_desks["explore blocks"]).all()
    assert _sure(small_desks["explore blocks"] - small_desks["closed blocks"])[0] > 0


def test_C5_2_the_audit_comes_nearest_to_keeping_its_promise(loops):
    """Fraud promised over fraud shipped in the last month. The audit's is about 0.7, the blind loop's below a half."""
    said = [{labels: math.log(world[labels].months["calibration_true"][17]) for labels in ARMS} for world in loops]
    holds(said, lambda log: abs(log["explore"]) < 0.6)
    holds(said, lambda log: abs(log["explore"]) < abs(log["closed"]) - 0.5)
    holds(said, lambda log: abs(log["closed"]) > 0.8)
    own = [world["closed"].months["calibration_seen"][17] for world in loops]
    holds(own, lambda ratio: 0.7 < ratio < 1.4)  # by its own labels the blind loop looks right


def test_C5_3_what_never_comes_back_is_found_by_the_audit_alone(loops):
    """The share of a pattern that ships in the last five months."""

    def shipped(world, labels, kind):
        table = world[labels].kinds.xs(kind, level="kind").loc[13:].sum()
        return table["ship"] / table["orders"]

    holds(loops, lambda world: shipped(world, "closed", "B") > 0.7)
    holds(loops, lambda world: shipped(world, "explore", "B") < 0.5 * shipped(world, "closed", "B"))
    assert np.mean([shipped(world, "explore", "B") for world in loops]) < 0.35
    holds(loops, lambda world: shipped(world, "closed", "C") < 0.5 < shipped(world, "open", "C"))


def test_C5_2_the_promise_of_the_closed_loop_is_broken_and_a_small_audit_knows(feedback):
    """Quarters of the year; the first may be too early for two hundred frauds a year among eleven hundred looks."""
    holds(feedback, lambda world: (~world["audit"]["kept"]).sum() >= 3)
    holds(feedback, lambda world: (world["audit"]["delivered"] / world["audit"]["promised"]).iloc[1:].min() > 1.5)


def test_C5_2_six_months_of_wrong_segments(feedback):
    """Per 40,000 customers a month. The guard sounds in the first month and in none before."""
    years = [world["year"] for world in feedback]
    halves = [2 * year[["promised", "true"]].groupby(year.index >= 6).sum() for year in years]
    holds(halves, lambda half: half["true"][False] > 0 and half["true"][True] < -300_000)
    holds(halves, lambda half: half["promised"][True] > half["promised"][False])
    holds(years, lambda year: year["outgrown"].idxmax() == 6 and year["outgrown"].any())


def test_C5_3_a_rate_corrected_for_what_has_not_arrived(feedback):
    """Intervals of 95 % that take the delays as known, which come from some eighty chargebacks."""
    found = [(world["found"], world["in_the_end"]) for world in feedback]
    holds(found, lambda pair: pair[0].naive < 0.85 * pair[1])
    held = [one.low <= rate <= one.high for one, rate in found]
    assert np.mean(held) > 0.95 - 3 * math.sqrt(0.05 * 0.95 / len(found))


def test_C5_3_which_alarm_sees_what(feedback):
    """What every world shows, and how often the alarms of a ring of one order in a hundred come within months."""
    calm, gift, ring, changed = ([world["sounded"][k] for world in feedback]
                                 for k in ("calm", "new market", "ring C", "A changes"))  # fmt: skip
    holds(gift, lambda x: x.loc[6, ["PSI of the score", "PSI of any column", "blocks"]].all())
    holds(ring, lambda x: x["chargebacks"].any() and x["audit against promise"].any())
    assert np.mean([x["fraud in reviews"].any() for x in ring]) >= 0.8  # 11 of 12 worlds: not in 103
    holds(calm, lambda x: x["audit against promise"].any())  # it finds B
    assert np.mean([x.loc[:9, "chargebacks"].any() for x in ring]) >= 0.9  # most worlds, not all
    assert np.mean([x.loc[6, "PSI of any column"] for x in changed]) >= 0.9
    assert np.mean([x.loc[:8, "fraud in reviews"].any() for x in changed]) >= 0.9


def test_C5_3_false_alarms_are_as_rare_as_stated(feedback):
    """One in a hundred months and monitor; in the calm world nothing but the blind spot is there to be found."""
    calm = np.array([world["sounded"]["calm"].drop(columns="audit against promise").to_numpy() for world in feedback])
    assert calm.mean() < 0.01 + 3 * math.sqrt(0.01 * 0.99 / calm.size)


def test_C5_3_a_challenger_judged_on_the_log(feedback):
    told = [(world["estimates"].drop(index="logged"), world["truth"]) for world in feedback]
    held = [[row["low"] <= truth <= row["high"] for _, row in table.iterrows()] for table, truth in told]
    assert np.mean(held) > 0.95 - 3 * math.sqrt(0.05 * 0.95 / len(told))
    less_noisy = [table.loc["SNIPS", "se"] < table.loc["IPS", "se"] for table, _ in told]
    assert np.mean(less_noisy) > 0.6  # usually: in 27 of the 30 worlds from seed 100 on
    assert all("log is silent about that" in world["refused"] for world in feedback)


def test_C6_no_layer_earns_alone(feedback):
    """Ten worlds from each seed on, the pilot paid for where a list uses it."""
    worlds = [world["earned"] for world in feedback]
    assert all((earned["a score, nobody acts"] == 0).all() for earned in worlds)
    holds(worlds, lambda earned: earned["vouchers for everyone"].max() < 0)
    holds(worlds, lambda earned: earned["a decision without the score"].mean() < 0)
    holds(worlds, lambda earned: earned["score × average effect × value"].mean() > 0)
    holds(worlds, lambda earned: earned["a table, no model"].mean() > earned["score × average effect × value"].mean())
    holds(worlds, lambda earned: earned["what acting changes"].mean() > earned["a table, no model"].mean())


def test_C5_3_the_lift_out_holds_its_promise():
    """Redrawn audits within one world: equal chances from one event in 300 on, unequal ones by a factor of three."""
    cells = nbformat.read(NOTEBOOKS / "05_feedback.ipynb", as_version=4).cells
    lifted = {}
    exec(next(cell.source for cell in cells if "lift-out" in cell.metadata.get("tags", ())), lifted)
    dice = np.random.default_rng(5)
    for rate, chances in ((0.003, (0.1, 0.1)), (0.02, (0.1, 0.1)), (0.03, (0.05, 0.15))):
        held = 0
        for _ in range(400):
            chance = np.where(np.arange(3_000) % 2, *chances)
            y = np.where(dice.random(3_000) < chance, dice.random(3_000) < rate, np.nan)
            _, _, low, high = lifted["promise"](rate, y, chance)
            held += low <= rate <= high
        assert held / 400 > 0.95 - 3 * math.sqrt(0.05 * 0.95 / 400), (rate, chances)
