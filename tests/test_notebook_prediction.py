"""Notebook 2 in worlds that are otherwise made: it follows the numbers; and what it gives away holds what it says."""

import itertools
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from figure_rules import problems
from notebook_cells import run_cells

from mllayers import figures, shop

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "solved" / "02_prediction.ipynb"
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def dollars_by_threshold():
    [cell] = [x for x in nbformat.read(NOTEBOOK, 4).cells if "lift-out" in x.metadata.get("tags", [])]
    space = {}
    exec(cell.source, space)
    return space["dollars_by_threshold"]


# The lift-out


def test_amounts_may_be_one_for_all_or_one_per_case(dollars_by_threshold):
    y, p = [0, 1, 0, 1], [0.1, 0.3, 0.3, 0.9]
    scalar = dollars_by_threshold(y, p, 85, 15)
    for gain, cost in itertools.product(
        ([85] * 4, np.full(4, 85.0), pd.Series(85, index=list("dcba"))),
        (15, [15.0] * 4, pd.Series(15, index=[9, 8, 7, 6])),
    ):
        pd.testing.assert_frame_equal(dollars_by_threshold(y, p, gain, cost), scalar)
    pd.testing.assert_frame_equal(dollars_by_threshold(np.array(y, bool), pd.Series(p), 85, 15), scalar)
    assert scalar[["threshold", "acted", "dollars"]].to_numpy().tolist() == [[0.9, 1, 85], [0.3, 3, 155], [0.1, 4, 140]]


@pytest.mark.parametrize("y", [0, 1])
def test_where_one_outcome_never_came_there_is_no_interval(dollars_by_threshold, y):
    """Eight hundred cases of one kind say nothing about the other: no interval, least of all one of no width."""
    table = dollars_by_threshold(np.full(800, y), np.linspace(0, 1, 800), 85, 15)
    assert table[["low", "high"]].isna().all(axis=None)
    assert np.isfinite(table["dollars"]).all()


def test_five_of_each_outcome_give_an_interval_of_some_width(dollars_by_threshold):
    table = dollars_by_threshold([1, 0] * 5, np.full(10, 0.5), 85, 15)
    assert table["low"].item() < table["dollars"].item() < table["high"].item()
    assert dollars_by_threshold([1, 0] * 4, np.full(8, 0.5), 85, 15)["low"].isna().all()


@pytest.mark.parametrize(
    ("y", "p"), [([0, 2], [0.1, 0.2]), ([0, 1], [0.1]), ([0, 1], [0.1, np.nan]), ([[0, 1]], [[0.1, 0.2]])]
)
def test_what_is_no_outcome_or_no_score_is_refused(dollars_by_threshold, y, p):
    with pytest.raises(ValueError, match="y must hold 0 and 1, one for each score in p"):
        dollars_by_threshold(y, p, 1, 1)


@pytest.mark.parametrize(
    ("n", "spread", "least", "most"),
    [(4_000, 0.0, 0.93, 0.97), (4_000, 1.0, 0.91, 0.97), (500, 0.0, 0.91, 0.97), (500, 1.5, 0.70, 0.85)],
)
def test_the_interval_holds_the_truth(dollars_by_threshold, n, spread, least, most):
    """At a threshold that was set beforehand; with few cases and long tails it is too narrow, as the notebook says."""
    rng, held, threshold = np.random.default_rng([n, int(10 * spread)]), [], 0.2
    everyone = rng.beta(1, 9, 2_000_000)
    truth = (np.where(everyone >= threshold, everyone * 100 - 15, 0)).mean() * n
    for _ in range(600):
        p = rng.beta(1, 9, n)
        gain = 100 * rng.lognormal(-(spread**2) / 2, spread, n) - 15
        table = dollars_by_threshold(rng.random(n) < p, p, gain, 15)
        row = table[table["threshold"] >= threshold].iloc[-1]
        held.append(row["low"] <= truth <= row["high"])
    assert least < np.mean(held) < most


def test_the_best_of_many_thresholds_is_promised_too_much(dollars_by_threshold):
    """Where the notebook says that it fails: picked and graded on the same cases."""
    rng = np.random.default_rng(3)
    best = []
    for _ in range(200):
        p = rng.random(400)
        table = dollars_by_threshold(rng.random(400) < 0.15, p, 85, 15)  # a useless score: acting is worth nothing
        best.append(table["low"].max() > 0)
    assert np.mean(best) > 0.1


# Worlds otherwise made


def again(frame):
    """A pilot's outcomes after its customers have changed."""
    if "action" not in frame:
        return frame
    lives = np.column_stack([frame[f"_churn_{name}"] for name in frame["action"].cat.categories])
    return frame.assign(churned=lives[np.arange(len(frame)), frame["action"].cat.codes])


def nobody_gone(people):
    return people[~people["_gone"]].reset_index(drop=True)


def few_leave(people):
    rare = np.random.default_rng(len(people)).random(len(people)) < 0.2
    lives = {name: people[name] & rare for name in people if name.startswith("_churn_")}
    return people.assign(**lives, **{name: 0.2 * people[name] for name in people if name.startswith("_p_")})


def all_worth_the_same(people):
    return people.assign(clv_usd=250.0)


def vouchers_drive_away(people):
    swapped = {f"{x}none": people[f"{x}voucher"] for x in ("_p_", "_churn_")}
    return people.assign(**swapped, **{f"{x}voucher": people[f"{x}none"] for x in ("_p_", "_churn_")})


def vouchers_keep_hardly_anybody(people):
    vain = np.random.default_rng(len(people)).random(len(people)) < 0.95
    return people.assign(
        _churn_voucher=people["_churn_voucher"].where(~vain, people["_churn_none"]),
        _p_voucher=0.95 * people["_p_none"] + 0.05 * people["_p_voucher"],
    )


@pytest.fixture(params=[nobody_gone, few_leave, all_worth_the_same, vouchers_keep_hardly_anybody, "equal prices"])
def otherwise(request, monkeypatch):
    """The experiments of the notebook in a world that is otherwise made."""
    how = request.param
    if how == "equal prices":
        before = {name: getattr(shop.PRICES, name) for name in ("email", "call")}
        for name in before:
            object.__setattr__(shop.PRICES, name, shop.PRICES.voucher)
    else:
        before = {}
        for name in ("make_customers", "make_pilot"):
            make = getattr(shop, name)
            monkeypatch.setattr(shop, name, lambda *args, make=make, **given: again(how(make(*args, **given))))
    try:
        yield getattr(how, "__name__", how), _run(how)
    finally:
        for name, price in before.items():
            object.__setattr__(shop.PRICES, name, price)


def _run(how):
    if how != "equal prices":
        return run_cells(NOTEBOOK, seed=5)
    nb = nbformat.read(NOTEBOOK, 4)
    line = "assert price.tolist() == [0, 0.10, 5, 15]\n"
    assert sum(line in cell.source for cell in nb.cells) == 1
    for cell in nb.cells:
        cell.source = cell.source.replace(line, "")
    return nb


def test_every_figure_follows_the_numbers(otherwise, tmp_path):
    name, world = otherwise
    if name == "equal prices":
        nbformat.write(world, tmp_path / "02_prediction.ipynb")
        world = run_cells(tmp_path / "02_prediction.ipynb", seed=5)
    assert (world["table"]["nobody acts"] == 0).all()
    contest = pd.concat([world["contest_in"](seed) for seed in SEEDS])
    earned = pd.DataFrame([world["decisions_in"](seed) for seed in SEEDS])
    found = [
        figures.prediction.better_loss_less_money(contest),
        figures.prediction.with_and_without_model(earned, model="the balanced model"),
        figures.prediction.dollars_in_the_decision(world["where"], beside={}),
        figures.prediction.same_order_other_dollars(world["by_power"], beside={}),
    ]
    for finding in found:
        assert problems(finding.figure) == []
        assert "nan" not in finding.says
        assert "unknown" not in finding.says
    means = contest.groupby("model")["one half"].mean()
    assert figures.money(means[contest.groupby("model")["log loss"].mean().idxmin()]) in found[0].figure.get_suptitle()
    rivals = earned.drop(columns="the balanced model").assign(**{"doing nothing": 0.0}).mean()
    assert f"{rivals.idxmax()}, the best decision without it" in found[1].says
    if name == "vouchers_keep_hardly_anybody":
        assert (means < 0).all()


def test_where_vouchers_drive_everybody_away_the_notebook_stops_and_says_why(monkeypatch):
    for name in ("make_customers", "make_pilot"):
        make = getattr(shop, name)
        swapped = lambda *args, make=make, **given: again(vouchers_drive_away(make(*args, **given)))  # noqa: E731
        monkeypatch.setattr(shop, name, swapped)
    with pytest.raises(ValueError, match="nothing to decide: not acting is never worse"):
        run_cells(NOTEBOOK, seed=5)
