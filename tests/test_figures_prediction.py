"""The findings of layer 2: sentence, table, other worlds, wrong frames."""

import itertools

import numpy as np
import pandas as pd
import pytest
from figure_rules import problems

from mllayers import figures as fg

P = fg.prediction
MODELS = {"boosting": 0.23, "regression": 0.24, "balanced": 0.52}


def contest(half=(-20e3, 90e3, 1.2e6), value=(1.3e6, 1.0e6, 1.2e6), worlds=10, spread=0.1):
    """Three models in some worlds, with this money in the mean."""
    rng = np.random.default_rng(0)
    rows = []
    for world, (k, (name, loss)) in itertools.product(range(worlds), enumerate(MODELS.items())):
        luck = 1 + spread * rng.standard_normal()
        rows.append([world, name, loss, half[k] * luck, value[k] * luck])
    return pd.DataFrame(rows, columns=["world", "model", "log loss", "one half", "expected value"])


def decisions(model=1.7e6, cells=4.7e6, deciles=-1e5, worlds=10):
    luck = np.linspace(0.9, 1.1, worlds)
    means = {"base rate for all": -1e6, "tenths of value": deciles, "the balanced model": model, "30 cells": cells}
    return pd.DataFrame({name: mean * luck for name, mean in means.items()})


THRESHOLDS = np.round(np.arange(0.02, 0.981, 0.02), 2)


def cases(earns=60.0, n=4_000):
    """Cases with three models' scores; acting on somebody who leaves brings this, and costs 5."""
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 4, n)
    y = rng.random(n) < p
    frame = pd.DataFrame({"y": y, "dollars": 1e4 * (earns * y - 5)})
    return frame.assign(boosting=p, regression=np.clip(p + rng.normal(0, 0.05, n), 0, 1), balanced=np.sqrt(p))


def queues(loss=(0.028, 0.058), fakes=(212, 101), earned=(124e3, 136e3)):
    return pd.DataFrame({"log loss": loss, "fakes shipped": fakes, "earned": earned}, index=["regression", "forest"])


WAYS = ["sort by p", "dollars in the loss", "sort by p × loss"]
WHERE = pd.DataFrame({"regression": [57.6e3, 60.1e3, 79.2e3], "boosting": [53.9e3, 58.8e3, 84.3e3]}, index=WAYS)
POWERS = pd.DataFrame(
    {"AUC": [0.825] * 5, "earned": [-3e6, -8e5, 1.5e6, 6e5, 1e5]},
    index=pd.Index([0.3, 0.5, 1.0, 2.0, 3.0], name="power"),
)
RATES = pd.Index(range(2, 41), name="base_rate")
RIGHT = pd.DataFrame({"nobody leaves": 1 - RATES / 100, "the model": 0.75 - 0.05 * RATES / 100}, index=RATES)
BOTH = pd.MultiIndex.from_product([RATES, range(50, 401, 50)], names=["base_rate", "stake"])
WORTH = pd.Series([2e6 * (r / 100 * 0.15 * s - 1.5) for r, s in BOTH], BOTH)

LOW_CELLS = {"cells": -1e5, "deciles": -2e5}
FINDINGS = {
    "contest": lambda: P.better_loss_less_money(contest(), beside={"a voucher for everyone": -3.1e6}),
    "contest, all equal": lambda: P.better_loss_less_money(contest((0, 0, 0), (0, 0, 0))),
    "contest, nobody earns": lambda: P.better_loss_less_money(contest((-2e5, -5e4, -1.1e6), (-1e6, -1.2e6, -1.1e6))),
    "contest, one world": lambda: P.better_loss_less_money(contest(worlds=1)),
    "decisions": lambda: P.with_and_without_model(decisions(), model="the balanced model", beside={"everyone": -3e6}),
    "decisions, nobody earns": lambda: P.with_and_without_model(
        decisions(model=-1e6, **LOW_CELLS), model="the balanced model"
    ),
    "decisions, one world": lambda: P.with_and_without_model(decisions(worlds=1), model="the balanced model"),
    "queues": lambda: P.better_loss_more_fakes(queues(), gap=GAP, beside={"reviewing everything": -9_174}),
    "queues, no fakes": lambda: P.better_loss_more_fakes(queues(fakes=(0, 0)), gap=(0, 0, 0), beside={}),
    "where": lambda: P.dollars_in_the_decision(WHERE, beside={"a perfect queue": 87.8e3}),
    "where, negative": lambda: P.dollars_in_the_decision(-WHERE, beside={"a perfect queue": 0.0}),
    "powers": lambda: P.same_order_other_dollars(POWERS, beside={"a voucher for everyone": -3e6}),
    "powers, one": lambda: P.same_order_other_dollars(POWERS.loc[[1.0]], beside={}),
}
GAP = (12e3, 9.2e3, 14.8e3)


@pytest.mark.parametrize("name", FINDINGS)
def test_every_finding_keeps_the_rules_in_every_world(name):
    found = FINDINGS[name]()
    assert problems(found.figure) == []
    assert "nan" not in found.says
    assert found.figure.get_size_inches()[1] <= 3.65
    assert FINDINGS[name]().png() == FINDINGS[name]().png()


def test_the_contest_counts_its_worlds_and_says_its_means():
    found = FINDINGS["contest"]()
    means = contest().groupby("model")["one half"].mean()
    assert fg.money(means["boosting"]) in found.figure.get_suptitle()
    assert fg.money(means["balanced"]) in found.figure.get_suptitle()
    assert "with the best loss earns least in 10 of 10 worlds" in found.says
    assert "a voucher for everyone −$3.1M" in found.says
    assert list(found.table.index) == ["boosting", "regression", "balanced"]
    assert (
        found.table["one half, lowest"]["balanced"] < means["balanced"] < found.table["one half, highest"]["balanced"]
    )


def test_the_contest_follows_the_numbers_where_the_better_loss_earns_more():
    turned = P.better_loss_less_money(contest(half=(1.2e6, 90e3, -20e3)))
    assert "with the best loss earns least in 0 of 10 worlds" in turned.says
    mixed = contest()
    mixed.loc[mixed["model"] == "balanced", "log loss"] = 0.1  # now this is the best loss
    assert list(P.better_loss_less_money(mixed).table.index) == ["balanced", "boosting", "regression"]


def test_the_model_is_held_against_the_best_decision_without_it():
    found = FINDINGS["decisions"]()
    assert "30 cells, the best decision without it, is ahead of the model in 10" in found.says
    assert "in 10 of 10 worlds" in found.says
    assert "−$3.0M a year on average (−$3.3M to −$2.7M)" in found.says
    ahead = P.with_and_without_model(decisions(cells=1e6), model="the balanced model")
    assert "is ahead of the model in 0" in ahead.says


def test_the_colours_of_decisions_are_named():
    [legend] = FINDINGS["decisions"]().figure.legends
    assert [text.get_text() for text in legend.texts] == ["without a model, a dot per world", "with the model"]


def test_doing_nothing_is_a_decision_without_a_model_too():
    found = FINDINGS["decisions, nobody earns"]()
    assert "doing nothing, the best decision without it, is ahead of the model in 10" in found.says
    assert "ahead of doing nothing in 0 of 10" in found.says


def test_fakes_and_dollars_are_told_by_their_sign():
    assert FINDINGS["queues"]().says.startswith(
        "The regression has the better loss and ships 111 fakes more. The queue of the forest earns $12.0k more than "
        "that of the regression ($9,200 to $14.8k)."
    )
    other = P.better_loss_more_fakes(queues(loss=(0.06, 0.02)), gap=GAP, beside={})
    assert other.says.startswith("The forest has the better loss and ships 111 fakes fewer.")
    assert other.figure.get_suptitle() == "The better loss ships fewer fakes"


def test_the_way_that_earns_most_is_named():
    assert FINDINGS["where"]().figure.get_suptitle() == "Most money with every model: sort by p × loss"
    assert FINDINGS["where"]().says.startswith("Regression earns $57.6k (sort by p)")
    mixed = WHERE.copy()
    mixed.loc["sort by p", "boosting"] = 1e6
    found = P.dollars_in_the_decision(mixed, beside={})
    assert found.figure.get_suptitle() == "Which way earns most depends on the model"


def test_auc_that_moves_is_not_called_flat():
    moved = POWERS.assign(AUC=[0.8, 0.81, 0.82, 0.83, 0.84])
    assert "AUC moves" in P.same_order_other_dollars(moved, beside={}).says
    assert FINDINGS["powers"]().says.startswith("AUC stays at 0.825; the dollars go from −$3.0M (power 0.3) to $1.5M")


@pytest.mark.parametrize("threshold", [0.02, 0.1, 0.5, 0.98])
@pytest.mark.parametrize("earns", [60.0, 0.0])
def test_one_threshold_at_every_corner(threshold, earns):
    moving, frame = P.one_threshold(cases(earns)), cases(earns)
    stage = moving.stage()
    stage.png(threshold=threshold)
    assert problems(stage.figure) == []
    told = moving.says(threshold=threshold)
    for name in MODELS:
        acted = frame[name] >= threshold
        right, dollars = (acted == frame["y"]).mean(), (frame["dollars"] * acted).mean()
        assert f"{name} acts on {fg.percent(acted.mean(), 0)} and earns {fg.money(dollars)}" in told
        assert f", {fg.percent(right, 0)} right" in told


def test_one_threshold_does_not_give_away_where_money_and_accuracy_peak():
    accurate = cases().assign(dollars=lambda x: 2.0 * x["y"] - 1)  # a dollar for every right answer
    assert P.one_threshold(cases()).title == P.one_threshold(accurate).title


def test_the_name_of_doing_nothing_stands_where_no_slider_comes():
    for moving, values in (
        (P.one_threshold(cases()), {"threshold": 0.9}),
        (P.base_rate_and_stakes(RIGHT, WORTH), {"base_rate": 40, "stake": 200}),
    ):
        stage = moving.stage()
        stage.png(**values)
        inside = [text.get_text() for ax in stage.figure.axes for text in ax.texts]
        beside = [text.get_text() for ax in stage.figure.axes for text in ax.get_yticklabels()]
        assert "do nothing\n$0" in beside
        assert not [text for text in inside if "nothing" in text and text != "nobody leaves"]


@pytest.mark.parametrize(("rate", "stake"), list(itertools.product((2, 9, 40), (50, 200, 400))))
def test_base_rate_and_stakes_at_every_corner(rate, stake):
    moving = P.base_rate_and_stakes(RIGHT, WORTH)
    stage = moving.stage()
    stage.png(base_rate=rate, stake=stake)
    assert problems(stage.figure) == []
    told = moving.says(base_rate=rate, stake=stake)
    assert told.startswith(f"{rate} % leave, ${stake} at stake")
    assert fg.money(WORTH[rate, stake]) in told


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: P.better_loss_less_money(contest().drop(columns="one half")), "must have the columns one half"),
        (lambda: P.better_loss_less_money(contest().iloc[1:]), "one row for each of at least two models in every"),
        (lambda: P.better_loss_less_money(contest()[lambda x: x["model"] == "boosting"]), "at least two models"),
        (lambda: P.with_and_without_model(decisions(), model="the model"), "model must be one of"),
        (
            lambda: P.with_and_without_model(decisions()[["30 cells"]], model="30 cells"),
            "must hold a decision without the model",
        ),
        (lambda: P.better_loss_more_fakes(queues().iloc[:1], gap=GAP, beside={}), "two models, one per row; got 1"),
        (lambda: P.better_loss_more_fakes(queues(), gap=(1, np.nan, 2), beside={}), "gap must be"),
        (lambda: P.dollars_in_the_decision(WHERE * np.nan, beside={}), "some are missing"),
        (lambda: P.same_order_other_dollars(POWERS.drop(index=1.0), beside={}), "must hold the power 1"),
        (lambda: P.one_threshold(cases().drop(columns="dollars")), "must have the columns dollars"),
        (lambda: P.one_threshold(cases()[["y", "dollars"]]), "scores for at least one model"),
        (lambda: P.one_threshold(cases().assign(boosting=2.0)), "boosting must lie in"),
        (lambda: P.one_threshold(cases().assign(y=3)), "y must hold only 0 and 1"),
        (lambda: P.base_rate_and_stakes(RIGHT, WORTH.loc[2]), "index of two levels"),
        (lambda: P.base_rate_and_stakes(RIGHT.iloc[1:], WORTH), "the same base rates"),
    ],
)
def test_wrong_frames_are_refused_by_name(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
