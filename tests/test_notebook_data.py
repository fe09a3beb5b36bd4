"""Notebook 1 where it could go wrong: intervals, weights, the cell to take along, worlds that were made otherwise."""

import math
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from notebook_cells import run_cells

from mllayers import figures, shop
from mllayers.data import weighted_rate

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "solved" / "01_data.ipynb"
SEEDS = (100, 101)


@pytest.fixture(scope="module")
def data():
    """What notebook 1 finds in two worlds."""
    return [run_cells(NOTEBOOK, seed=seed) for seed in SEEDS]


AUDITS = 300


def redrawn(world, seed):
    """Estimate, low and high of several hundred audits of the same past; their propensities differ."""
    found = [world["repeat_audit"](np.random.default_rng([seed, 1, n])) for n in range(AUDITS)]
    return np.array([[one.hajek, one.low, one.high] for one in found])


def covers(audits, world):
    """Whether the intervals hold the truth about as often as they say: 95 %, three standard errors allowed."""
    truth = world["past"]["_is_fraud"].mean()
    held = (audits[:, 1] <= truth) & (truth <= audits[:, 2])
    return held.mean() > 0.95 - 3 * math.sqrt(0.05 * 0.95 / len(held))


def test_intervals_of_the_audit_hold_the_truth_in_hundreds_of_audits_of_one_world(data):
    for seed, world in zip(SEEDS, data, strict=True):
        audits = redrawn(world, seed)
        assert covers(audits, world)
        halved = audits[:, :1] + (audits - audits[:, :1]) / 2
        assert not covers(halved, world)  # half the standard error is noticed


def test_an_audit_without_its_weights_is_noticed(data, monkeypatch):
    """Every drawn order counted alike, as if all had had the same chance."""

    def unweighted(y, chance):
        drawn = ~np.isnan(y) & (chance < 1)
        alike = drawn.sum() / (chance < 1).sum()
        return weighted_rate(y, np.where(chance < 1, alike, chance))

    world = data[0]
    monkeypatch.setitem(world["repeat_audit"].__globals__, "weighted_rate", unweighted)
    assert not covers(redrawn(world, SEEDS[0]), world)


def lift_out():
    """What the cell that pastes into any project defines."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    (cell,) = [cell for cell in cells if "lift-out" in cell.metadata.get("tags", ())]
    space = {}
    exec(cell.source, space)
    return space["rate_from_audit"]


rate_from_audit = lift_out()


def certain_and_rare(n):
    """As on the desk: a few cases inspected for certain, most of them frauds; the others rarely, and few are."""
    inspected = np.arange(n) < 0.022 * n
    return np.where(inspected, 0.79, 0.012), np.where(inspected, 1.0, 0.02)


def larger_and_riskier(n):
    """A quarter of the cases is drawn four times as often, and is fraud three times as often."""
    large = np.arange(n) < n / 4
    return np.where(large, 0.06, 0.02), np.where(large, 0.08, 0.02)


RATES = {
    "one event expected": lambda n: (np.full(n, 0.0025), np.full(n, 0.04)),
    "five events expected": lambda n: (np.full(n, 0.0125), np.full(n, 0.04)),
    "inspected and audited": certain_and_rare,
    "larger orders more often": larger_and_riskier,
    "safe and risky": lambda n: (
        np.where(np.arange(n) % 2, 0.10, 0.01),
        np.where(np.arange(n) % 2, 0.50, 0.05),
    ),
}


def rates_drawn(design, draws=500, n=10_000, weights=True):
    """How often the interval of the lift-out holds the rate of one population, and its halved interval."""
    rate, chance = RATES[design](n)
    rng = np.random.default_rng([n, list(RATES).index(design)])
    y = (rng.random(n) < rate).astype(float)
    held, halved = 0, 0
    for _ in range(draws):
        drawn = rng.random(n) < chance
        told = chance if weights else drawn.mean()
        value, low, high = rate_from_audit(np.where(drawn, y, np.nan), told)
        held += low <= y.mean() <= high
        halved += abs(y.mean() - value) <= ((high - value) if y.mean() > value else (value - low)) / 2
    return held / draws, halved / draws


BAR = 0.95 - 3 * math.sqrt(0.05 * 0.95 / 500)


@pytest.mark.parametrize("design", RATES)
def test_the_lift_out_covers_what_it_says(design):
    held, _ = rates_drawn(design)
    assert held > BAR


def test_the_lift_out_without_weights_or_with_half_the_width_is_noticed():
    for design in ("inspected and audited", "larger orders more often", "safe and risky"):
        assert rates_drawn(design, weights=False)[0] < BAR
    assert rates_drawn("larger orders more often")[1] < BAR


def test_the_lift_out_fails_where_its_sentence_says():
    """One case in twenty has a chance forty times smaller than the rest, and the frauds are there."""
    rng = np.random.default_rng(1)
    chance = np.where(np.arange(2_000) < 100, 0.005, 0.2)
    y = np.where(np.arange(2_000) < 100, 1.0, 0.0)
    draws = [rate_from_audit(np.where(rng.random(2_000) < chance, y, np.nan), chance) for _ in range(200)]
    assert np.mean([low <= 0.05 <= high for _, low, high in draws]) < 0.7


def test_the_lift_out_takes_numbers_columns_and_lists():
    column = pd.DataFrame({"y": [1.0, np.nan, 0.0, 0.0]})
    same = [
        rate_from_audit([1, np.nan, 0, 0], 0.5),
        rate_from_audit(column["y"], [0.5] * 4),
        rate_from_audit(column, 0.5),
        rate_from_audit(column.to_numpy(), np.full((4, 1), 0.5)),
    ]
    assert len(set(same)) == 1
    assert rate_from_audit(0, 0.1)[:2] == (0.0, 0.0)
    assert 0 < rate_from_audit(0, 0.1)[2] <= 1
    assert rate_from_audit(np.ones(50), 0.5)[::2] == (1.0, 1.0)
    assert rate_from_audit(np.ones(50), 0.5)[1] < 1
    assert rate_from_audit(np.zeros(800), 0.02)[2] > 3 / 800
    for y, chance in (([np.nan], 0.5), ([1.0], 0.0), ([1.0], 1.5), ([1.0], np.nan), ([1.0, 0.0], [0.5] * 3)):
        with pytest.raises(ValueError, match=r"somebody must have checked|could not be broadcast"):
            rate_from_audit(y, chance)


MUTATED = {
    "B is reported": {"types": {("reported", "B"): 0.85}},
    "no pattern B": {"types": {("share", "B"): 0.0}},
    "no events": {"events": {}},
    "a review costs forty dollars": {"review": 40.0},
    "nobody reports anything": {"types": {("reported", "A"): 0.0}},
}


@pytest.fixture(scope="module", params=MUTATED)
def mutated(request):
    """Notebook 1 in a world that was made otherwise, a fifth as large."""
    change, types, make_orders = MUTATED[request.param], shop.ORDER_TYPES.copy(), shop.make_orders
    small = {"per_month": 8_000, "events": change.get("events", shop.EVENTS)}
    patch = pytest.MonkeyPatch()
    for (row, kind), value in change.get("types", {}).items():
        shop.ORDER_TYPES.loc[row, kind] = value
    object.__setattr__(shop.PRICES, "review", change.get("review", 4.0))
    patch.setattr(shop, "make_orders", lambda months, **more: make_orders(months, **small | more))
    try:
        world = run_cells(NOTEBOOK, seed=100)
        trained = {seed: world["train_both"](seed) for seed in (101, 102)}
        months = [world["one_month"](seed, *both) for seed, both in trained.items()]
        later = [world["one_month"](seed, *both, month=7) for seed, both in trained.items()]
        world["worlds"] = pd.DataFrame(months)
        world["changes"] = pd.DataFrame(
            [{"assumption": "as it is", **month} for month in months]
            + [{"assumption": "a new market", **month} for month in later]
        )
        yield request.param, world
    finally:
        patch.undo()
        shop.ORDER_TYPES.loc[:, :] = types
        object.__setattr__(shop.PRICES, "review", 4.0)


def test_the_sentences_follow_a_world_that_was_made_otherwise(mutated):
    name, world = mutated
    stopped = world["stopped"]
    blind = figures.data.blind_spot(stopped, world["by_pattern"][["A", "B"]])
    loss = figures.data.lowest_loss(world["contest"])
    size = figures.data.audit_size(world["runs"])
    pays = figures.data.audit_pays(world["worlds"].drop(columns="audit costs"))
    turns = figures.data.what_turns(world["changes"])
    later = figures.data.three_months_later(world["months"])
    for found in (blind, loss, pays, turns, later):
        assert "nan" not in f"{found.says} {found.alt}"
        assert found.png()
    assert size.at(share=0.01)
    assert figures.percent(stopped["truth"]) in blind.says
    more = (world["worlds"]["audited model"] - world["worlds"]["naive model"]).mean()
    assert f"{'brings' if more >= 0 else 'loses'} {figures.money(abs(more))} in its first month" in pays.says
    if name == "B is reported":
        assert stopped["team"] - stopped["truth"] < 0.1
        assert "audit" in size.says(share=0.01)
        assert more < 0
    if name == "no pattern B":
        assert "pattern B" not in blind.alt
        assert size.title == "No audit of these sizes makes pattern B visible"
        assert more < 0
    if name == "no events":
        assert world["months"].loc[8, "pattern B stopped"] > 0.3
        assert world["months"].loc[8, "honest G in the queue"] == 0
    if name == "a review costs forty dollars":
        assert more < 0
        assert turns.figure.get_suptitle().startswith("Not paid back")
