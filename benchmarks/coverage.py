"""How often the intervals of the layers hold the truth, by expected events and skew: writes docs/coverage.md.

    python benchmarks/coverage.py [--draws 4000] [--only NAME ...]

Every cell draws the data again and again (seeds fixed), calls the public function as its docstring recommends, and
counts how often the interval holds the value that the drawing was made with. ``--only`` computes some sections anew
and keeps the others as they stand in docs/coverage.md. One process, one thread, about a quarter of an hour of CPU.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pandas as pd
from coverage_action import sections as sections_of_action

from mllayers._stats import FEWEST_CASES, FEWEST_EVENTS, OverlapCollapsed, mean_interval
from mllayers.action import uplift_effect, uplift_policy_value
from mllayers.data import bounds_without_audit, weighted_rate
from mllayers.decision import decision_curve
from mllayers.feedback import matured, policy_value, promise_kept
from mllayers.prediction import (
    calibration_by_band,
    compare_models,
    compare_money,
    expected_performance,
    value_of_model,
)
from mllayers.shop import make_customers

PAGE = Path(__file__).resolve().parent.parent / "docs" / "coverage.md"
EVENTS = (0.5, 1, 2, 5, 10, 20, 50)
CLV = make_customers(200_000)["clv_usd"].to_numpy()


@dataclass(frozen=True)
class Cell:
    """One line of the table: what is drawn (a call gives the intervals of one draw: name, low, high, truth)."""

    what: str
    events: float | str
    draw: Callable[[np.random.Generator], dict[str, tuple[float, float, float]]]
    part: float = 1.0  # of the draws, for what takes long


@dataclass(frozen=True)
class Section:
    """The cells of one function, and what a reader should know about them."""

    title: str
    words: str
    cells: list[Cell]


# what is drawn -----------------------------------------------------------------------------------------------------

AMOUNTS = {
    "all alike": (lambda rng, size: np.ones(size), 1.0),
    "exponential": (lambda rng, size: rng.standard_exponential(size), 1.0),
    "clv_usd": (lambda rng, size: rng.choice(CLV, size), float(CLV.mean())),
}


def money(kind, chance, n):
    """Dollars of n cases: zero but for a few."""
    amounts, mean = AMOUNTS[kind]

    def draw(rng):
        x, hit = np.zeros(n), rng.random(n) < chance
        x[hit] = amounts(rng, int(hit.sum()))
        return x

    return draw, chance * mean


def mean_cells():
    cells = []
    for kind in AMOUNTS:
        for events in (*EVENTS, 100, 400):
            draw, truth = money(kind, events / 5_000, 5_000)
            cells.append(Cell(f"5,000 cases, amounts {kind}", events, one_mean(draw, truth)))
    for events in (2, 5, 10, 20, 50):
        draw, _ = money("clv_usd", events / 5_000, 5_000)
        cells.append(Cell("the same, gain or loss", events, one_mean(with_sign(draw), 0.0)))
    for size in (10, 20, 50, 200):
        cells.append(Cell("clv_usd, no zeros", size, one_mean(lambda rng, n=size: rng.choice(CLV, n), CLV.mean())))
        cells.append(Cell("normal, no zeros", size, one_mean(lambda rng, n=size: rng.standard_normal(n), 0.0)))
    return cells


def one_mean(draw, truth):
    return lambda rng: {"mean": (*mean_interval(draw(rng), level=0.95)[:2], truth)}


def with_sign(draw):
    def signed(rng):
        x = draw(rng)
        return x * np.where(rng.random(x.size) < 0.5, 1, -1)

    return signed


def rate_cells():
    n = 5_000
    spread = np.exp(np.linspace(np.log(0.005), np.log(0.8), n))
    two, risky = np.where(np.arange(n) < n // 10, 0.5, 0.02), np.where(np.arange(n) < n // 10, 9.0, 1.0)
    alike = np.ones(n)
    designs = {
        "audit share 5 %": (np.full(n, 0.05), alike),
        "a tenth for certain, 5 % of the rest": (np.where(np.arange(n) < n // 10, 1.0, 0.05), risky),
        "shares 50 % and 2 %, same risk": (two, alike),
        "shares 50 % and 2 %, nine times the risk in the first": (two, risky),
        "shares from 0.5 % to 80 %, same risk": (spread, alike),
        "shares from 0.5 % to 80 %, risk where they are small": (spread, 1 / spread),
    }
    return [
        Cell(what, events, one_rate(pi, risk * events / (pi * risk)[pi < 1].sum()))
        for what, (pi, risk) in designs.items()
        for events in EVENTS
    ]


def one_rate(pi, chance):
    chance = np.minimum(chance, 0.95)

    def draw(rng):
        happened, labelled = rng.random(pi.size) < chance, rng.random(pi.size) < pi
        found = weighted_rate(np.where(labelled, happened, np.nan), pi)
        return {"rate": (found.low, found.high, float(happened.mean()))}

    return draw


def effect_cells():
    cells = []
    for treated, held in ((9_000, 1_000), (2_000, 200)):
        for kind in AMOUNTS:
            for events in (*EVENTS, 100) if kind == "all alike" else (5, 10, 20, 100):
                what = f"{treated:,} treated, {held:,} held out, {kind}"
                cells.append(Cell(what, events, one_effect(treated, held, kind, events / held)))
    return cells


def one_effect(treated, held, kind, chance):
    amounts, mean = AMOUNTS[kind]
    group = np.repeat([1, 0], [treated, held])
    each = np.where(group == 1, 0.7 * chance, chance)

    def draw(rng):
        y = rng.random(group.size) < each
        found = uplift_effect(y, group, value=amounts(rng, group.size))
        lost = -0.3 * chance
        rate = {"rate": (found.low, found.high, lost)} if kind == "all alike" else {}
        return rate | {"dollars": (found.money_low, found.money_high, lost * mean)}

    return draw


def rule_cells():
    cells = []
    for kind in AMOUNTS:
        for n, lost in ((2_000, 0.002), (2_000, 0.01), (2_000, 0.05), (2_000, 0.2), (10_000, 0.05)):
            for skewed in (False, True):
                what = f"{n:,} cases, lots {'by logit' if skewed else '50 : 50'}, {kind}"
                cells.append(Cell(what, lost * n / 2 * 0.6, one_rule(n, kind, lost, skewed)))
    return cells


def one_rule(n, kind, lost, skewed):
    amounts, mean = AMOUNTS[kind]

    def draw(rng):
        z = rng.standard_normal(n)
        chance = 1 / (1 + np.exp(-z)) if skewed else np.full(n, 0.5)
        action = rng.random(n) < chance
        gone = rng.random(n) < np.where(action, 0.7 * lost, lost)
        reward = -1.0 * gone * amounts(rng, n) - action * 0.02 * mean
        target = rng.random(n) < 0.6
        found = uplift_policy_value(reward, action, np.where(action, chance, 1 - chance), target=target)
        return {"value": (found.low, found.high, 0.6 * mean * (0.3 * lost - 0.02))}

    return draw


def log_cells():
    cells = []
    for size in (125, 500, 2_500):
        for kind in ("normal", "clv_usd", "clicks of 2 %", "clicks of 2 % less a cost"):
            events = size * 0.02 if kind.startswith("clicks") else size
            for one_in, share in ((16, "one in 16"), (2, "half")):
                what = f"worth {size:,}, {share} like the challenger, {kind}"
                cells.append(
                    Cell(what, events, one_log(one_in * size, kind, one_in), 0.25 if one_in * size > 10_000 else 1)
                )
    return cells


def one_log(n, kind, one_in):
    def draw(rng):
        same = rng.random(n) < 1 / one_in
        if kind == "normal":
            reward, mean = rng.normal(10, 10, n), 10.0
        elif kind == "clv_usd":
            reward, mean = rng.choice(CLV, n), float(CLV.mean())
        else:
            cost = 0.01 if kind.endswith("cost") else 0.0
            reward, mean = (rng.random(n) < 0.02) - cost, 0.02 - cost
        found = policy_value(reward, np.where(same, 1 / one_in, 1 - 1 / one_in), same * 1.0, min_n_eff=50).frame()
        ends = {row: (found.loc[row, "low"], found.loc[row, "high"], mean) for row in ("IPS", "SNIPS")}
        return ends | {"gain, IPS": (found.loc["IPS", "gain_low"], found.loc["IPS", "gain_high"], 0.0)}

    return draw


def model_cells():
    cells = []
    for kind in ("all alike", "clv_usd"):
        for n, beta in ((2_000, 400), (2_000, 100), (2_000, 19), (10_000, 19)):
            chances = np.random.default_rng(9).beta(1, beta, 400_000)
            for searched in (False, True):
                what = f"{n:,} cases, {'threshold searched' if searched else 'threshold given'}, {kind}"
                if searched and kind != "all alike":
                    continue  # amounts that differ by case want a threshold per case
                cells.append(
                    Cell(what, n / (1 + beta), one_model(n, beta, kind, searched, chances), 0.25 if searched else 1)
                )
    return cells


def one_model(n, beta, kind, searched, chances):
    amounts, mean = AMOUNTS[kind]
    worth = amounts(np.random.default_rng(8), chances.size) / mean
    cost = 1.5 / (1 + beta)  # acting on everyone would lose money

    def earned(p, gain):
        limit = cost / (cost + gain)
        return np.where(p >= limit, p * gain - (1 - p) * cost, 0.0).mean()

    blind = np.where(1 / (1 + beta) >= cost / (cost + worth), chances * worth - (1 - chances) * cost, 0.0).mean()
    truth = n * (earned(chances, worth) - max(blind, 0.0, (chances * worth - (1 - chances) * cost).mean()))

    def draw(rng):
        p = rng.beta(1, beta, n)
        gain = amounts(rng, n) / mean
        limit = None if searched else cost / (cost + gain)
        found = value_of_model(rng.random(n) < p, p, gain_tp=gain, cost_fp=cost, threshold=limit)
        return {"value": (found.low, found.high, truth)}

    return draw


def weighted_model_cells():
    """A sample that keeps a tenth of the negatives, and a capacity for a twentieth of the cases."""
    cells = []
    for n, beta in ((20_000, 400), (20_000, 100), (20_000, 19)):
        chances = np.random.default_rng(9).beta(1, beta, 400_000)
        for kind in ("all alike", "clv_usd"):
            what = f"{n:,} cases of which a tenth of the negatives is kept, {kind}"
            cells.append(Cell(what, n / (1 + beta), one_sampled_model(n, beta, kind, chances), 0.25))
        for size in (2_000, 10_000):
            what = f"{size:,} cases, room for 5 % of them"
            cells.append(Cell(what, size / (1 + beta), one_full_model(size, beta, chances), 0.25))
    return cells


def one_sampled_model(n, beta, kind, chances):
    amounts, mean = AMOUNTS[kind]
    worth = amounts(np.random.default_rng(8), chances.size) / mean
    cost = 1.5 / (1 + beta)

    def earned(p, gain, acts):
        return n * np.where(acts, p * gain - (1 - p) * cost, 0.0).mean()

    with_model = earned(chances, worth, chances >= cost / (cost + worth))
    blind = earned(chances, worth, 1 / (1 + beta) >= cost / (cost + worth))
    truth = with_model - max(blind, 0.0, earned(chances, worth, True))

    def draw(rng):
        p = rng.beta(1, beta, n)
        y = rng.random(n) < p
        kept = y | (rng.random(n) < 0.1)
        y, p = y[kept], p[kept]
        gain = amounts(rng, p.size) / mean
        found = value_of_model(
            y, p, gain_tp=gain, cost_fp=cost, threshold=cost / (cost + gain), weights=np.where(y, 1.0, 10.0)
        )
        return {"value": (found.low, found.high, truth)}

    return draw


def one_full_model(n, beta, chances):
    cost = 1 / (1 + beta)
    chosen = chances >= np.quantile(chances, 0.95)
    truth = n * np.where(chosen, chances - (1 - chances) * cost, 0.0).mean()
    truth -= 0.05 * n * max(0.0, (chances - (1 - chances) * cost).mean())

    def draw(rng):
        p = rng.beta(1, beta, n)
        found = value_of_model(rng.random(n) < p, p, gain_tp=1.0, cost_fp=cost, capacity=0.05 * n)
        return {"value": (found.low, found.high, truth)}

    return draw


def pair_cells():
    cells = []
    for n in (500, 5_000):
        for kind in AMOUNTS:
            for events in (2, 5, 10, 50):
                what = f"{n:,} cases, the first earns more on 7 of 10 that differ, {kind}"
                cells.append(Cell(what, events, one_pair(n, kind, events / n), 0.5))
    for kind in AMOUNTS:
        for events in (5, 20, 100):
            what = f"5,000 cases drawn with chances from 5 % to 100 %, {kind}"
            cells.append(Cell(what, events, one_drawn_pair(kind, events), 0.5))
    for beta in (400, 100, 19):
        for kind in ("all alike", "clv_usd"):
            what = f"two models, 5,000 cases, prices {kind}"
            cells.append(Cell(what, 5_000 / (1 + beta), one_pair_of_models(5_000, beta, kind), 0.25))
    return cells


def one_pair(n, kind, chance):
    amounts, mean = AMOUNTS[kind]

    def draw(rng):
        base, hit = amounts(rng, n), rng.random(n) < chance
        better = np.where(rng.random(n) < 0.7, 1.0, -1.0) * hit * amounts(rng, n)
        found = compare_money(base + better, base)
        return {"mean": (found.mean_low, found.mean_high, 0.4 * chance * mean)}

    return draw


def one_drawn_pair(kind, events, n=20_000):
    """Cases with much at stake are drawn more often; those are the ones that gain."""
    amounts, mean = AMOUNTS[kind]
    pi = np.exp(np.linspace(np.log(0.05), 0.0, n))
    share = events / (pi @ pi)  # of the cases that differ, rising with pi

    def draw(rng):
        drawn = rng.random(n) < pi
        hit = rng.random(n) < np.minimum(share * pi, 1.0)
        difference = hit * amounts(rng, n)
        found = compare_money(difference[drawn], np.zeros(int(drawn.sum())), propensity=pi[drawn])
        return {"mean": (found.mean_low, found.mean_high, float(np.minimum(share * pi, 1.0).mean() * mean))}

    return draw


def one_pair_of_models(n, beta, kind):
    amounts, mean = AMOUNTS[kind]
    cost = 1.5 / (1 + beta)

    def world(rng, size):
        p = rng.beta(1, beta, size)
        return p, np.clip(p * rng.lognormal(-0.1, 0.5, size), 0, 1), amounts(rng, size) / mean

    p, other, worth = world(np.random.default_rng(9), 2_000_000)
    limit = cost / (cost + worth)
    truth = n * float(((p >= limit) * 1.0 - (other >= limit)) @ (p * worth - (1 - p) * cost)) / p.size

    def draw(rng):
        p, other, gain = world(rng, n)
        found = compare_models(rng.random(n) < p, p, other, gain_tp=gain, cost_fp=cost)
        return {"total": (found.low, found.high, truth)}

    return draw


def band_cells():
    return [
        Cell(f"5,000 cases, ten bands, {design}", events, one_calibration(events, design), 0.25)
        for design in ("all alike", "a tenth of the negatives kept", "weights of 1 to 20, whatever y is")
        for events in (5, 20, 50, 200)
    ]


def one_calibration(events, design, n=5_000):
    def draw(rng):
        p = rng.beta(0.5, 0.5 * (n / events - 1), n)
        y, kept, weights = rng.random(n) < p, np.ones(n, dtype=bool), np.ones(n)
        if design.startswith("a tenth"):
            kept, weights = y | (rng.random(n) < 0.1), np.where(y, 1.0, 10.0)
        elif design.startswith("weights"):
            weights = np.exp(rng.uniform(0, np.log(20), n))
            kept = rng.random(n) < 1 / weights
        found = calibration_by_band(y[kept], p[kept], weights=weights[kept])
        table = found.frame()
        ends = {"as a whole": (found.low, found.high, float(p.mean()))}
        for name, row in (("lowest band", table.iloc[0]), ("highest band", table.iloc[-1])):
            inside = (p >= row["score_from"]) & (p <= row["score_to"])
            ends[name] = (row["low"], row["high"], float(p[inside].mean()))
        return ends

    return draw


def expected_cells():
    return [
        Cell(f"{n:,} cases, prices {kind}", n / (1 + beta), one_expectation(n, beta, kind), 0.25)
        for n, beta in ((500, 99), (2_000, 999), (1_000, 99), (1_200, 79), (2_000, 99), (2_000, 19), (10_000, 99))
        for kind in ("all alike", "clv_usd")
    ]


def one_expectation(n, beta, kind):
    amounts, mean = AMOUNTS[kind]
    cost = 1.5 / (1 + beta)

    def draw(rng):
        p, gain = rng.beta(1, beta, n), amounts(rng, n) / mean
        found = expected_performance(p, gain_tp=gain, cost_fp=cost)
        y = rng.random(n) < p
        acts = p >= cost / (cost + gain)
        ends = {"money": (found.low, found.high, float(np.where(acts, np.where(y, gain, -cost), 0.0).sum()))}
        if 0 < y.sum() < n:
            ranks = np.argsort(np.argsort(p)) + 1  # no two scores are equal
            shown = (ranks[y].sum() - y.sum() * (y.sum() + 1) / 2) / (y.sum() * (n - y.sum()))
            ends["AUC"] = (found.auc_low, found.auc_high, float(shown))
        return ends

    return draw


def curve_cells():
    return [
        Cell(f"{n:,} cases, a wrong action costs {odds:g} base rates", n / (1 + beta), one_curve(n, beta, odds), 0.25)
        for n, beta in ((1_000, 999), (2_000, 399), (2_000, 99), (2_000, 19), (10_000, 19))
        for odds in (0.3, 1.5, 5.0)
    ]


def one_curve(n, beta, odds):
    cost = odds / (1 + beta)
    chances = np.random.default_rng(9).beta(1, beta, 1_000_000)
    worth = chances - (1 - chances) * cost
    truth = n * (np.maximum(worth, 0.0).mean() - max(worth.mean(), 0.0))

    def draw(rng):
        p = rng.beta(1, beta, n)
        row = decision_curve(rng.random(n) < p, p, cost=[cost]).frame().iloc[0]
        return {"value": (row["low"], row["high"], truth)}

    return draw


def bounds_cells():
    return [
        Cell(f"1,000 cases, {rate:.0%} of the events are reported", events * rate, one_silence(events, rate), 0.25)
        for events in (1, 10, 100)
        for rate in (0.05, 0.2, 0.6)
    ]


def one_silence(events, rate, n=1_000):
    def draw(rng):
        y = np.where((np.arange(n) < events) & (rng.random(n) < rate), 1.0, np.nan)
        found = bounds_without_audit(y, np.zeros(n, dtype=bool), report_rate=rate)
        return {"rate": (found.chance_low, found.chance_high, events / n)}

    return draw


def promise_cells():
    n = 5_000
    first = np.arange(n) < n // 10
    two, risky = np.where(first, 0.5, 0.02), np.where(first, 9.0, 1.0)
    designs = {
        "audit share 5 %": (np.full(n, 0.05), np.ones(n)),
        "shares 50 % and 2 %, same risk": (two, np.ones(n)),
        "shares 50 % and 2 %, nine times the risk in the first": (two, risky),
        "shares 50 % and 2 %, nine times the risk in the second": (two, 1 / risky),
    }
    return [
        Cell(what, events, one_promise(pi, np.minimum(risk * events / (pi @ risk), 0.95)))
        for what, (pi, risk) in designs.items()
        for events in EVENTS
    ]


def one_promise(pi, chance):
    def draw(rng):
        y = np.where(rng.random(pi.size) < pi, rng.random(pi.size) < chance, np.nan)
        found = promise_kept(chance, y, propensity=pi).frame()
        return {"rate": (found["low"].iloc[0], found["high"].iloc[0], float(chance.mean()))}

    return draw


def matured_cells():
    return [
        Cell("1,000 decisions up to 200 days old, outcomes after 60", events, one_matured(events), 0.25)
        for events in EVENTS
    ]


def one_matured(events, n=1_000, mean=60.0):
    age = np.linspace(1, 200, n)
    rate = events / (1 - np.exp(-age / mean)).sum()
    today = np.datetime64("2026-07-01T00:00:00", "us")
    decisions = pd.DataFrame({"case": [f"case {i}" for i in range(n)]})
    decisions["time"] = today - (age * 86_400e6).astype("timedelta64[us]")

    def draw(rng):
        lag = rng.exponential(mean, n)
        came = (rng.random(n) < rate) & (lag < age)
        outcomes = decisions[came].assign(kind="fraud")
        outcomes["arrival"] = outcomes["time"] + (lag[came] * 86_400e6).astype("timedelta64[us]")
        found = matured(decisions, outcomes, as_of=today, delay=lambda days: 1 - np.exp(-days / mean))
        return {"rate": (found.low, found.high, rate)}

    return draw


SECTIONS = {
    "mean_interval": lambda: Section(
        "Means of money, the common base of what follows",
        f"Refused below {FEWEST_EVENTS} events; where there are no zeros, below {FEWEST_CASES} cases.",
        mean_cells(),
    ),
    "weighted_rate": lambda: Section(
        "`data.weighted_rate`", "Events are the labelled ones that chance decided about.", rate_cells()
    ),
    "value_of_model": lambda: Section(
        "`prediction.value_of_model`", "Events are the cases with y = 1. Searched thresholds: a lower bound.",
        model_cells(),
    ),
    "value_of_model, weights and capacity": lambda: Section(
        "`value_of_model` with weights, and with a capacity",
        "Events are the cases with y = 1. Where the room does not stop the threshold: a lower bound.",
        weighted_model_cells(),
    ),
    "compare": lambda: Section(
        "`prediction.compare_money` and `compare_models`",
        "Events are the cases that differ and, for two models, the cases with y = 1.", pair_cells()
    ),
    "calibration_by_band": lambda: Section(
        "`prediction.calibration_by_band`", "Events are the cases with y = 1 in all bands together.", band_cells()
    ),
    "expected_performance": lambda: Section(
        "`prediction.expected_performance`",
        "Before labels come: the truth is what the labels of the same cases then show. Events are those with y = 1.",
        expected_cells(),
    ),
    "decision_curve": lambda: Section(
        "`decision.decision_curve`", "Events are the cases with y = 1.", curve_cells()
    ),
    "bounds_without_audit": lambda: Section(
        "`data.bounds_without_audit`", "Events are the reports; the assumed report rate is right.", bounds_cells()
    ),
    "uplift_effect": lambda: Section(
        "`action.uplift_effect`", "Events are those of the held-out group; the treated have 30 % fewer.", effect_cells()
    ),
    "uplift_policy_value": lambda: Section(
        "`action.uplift_policy_value`", "A rule for 60 % of the cases that keeps 30 % of those who would leave.",
        rule_cells(),
    ),
    "policy_value": lambda: Section(
        "`feedback.policy_value`", "Events are the paying ones under the challenger.", log_cells()
    ),
    "promise_kept": lambda: Section("`feedback.promise_kept`", "Events are the labelled ones.", promise_cells()),
    "matured": lambda: Section("`feedback.matured`", "Events are the outcomes that have arrived.", matured_cells()),
}  # fmt: skip

SECTIONS |= sections_of_action(Cell, Section)


# counting ----------------------------------------------------------------------------------------------------------


def measure(cell, draws, seed):
    """How each interval of the cell did: covered, wrong, refused, lower bound only; shares of all draws."""
    rng = np.random.default_rng(seed)
    ends = defaultdict(list)
    for _ in range(draws):
        try:
            found = cell.draw(rng)
        except ValueError as error:  # the guard of weights: too little overlap, or an average that is 1 by design only
            if not isinstance(error, OverlapCollapsed) and "must average 1" not in str(error):
                raise
            found = {}
        for name, (low, high, truth) in found.items():
            ends[name].append((low, high, truth))
    rows = []
    for name, found in ends.items():
        low, high, truth = np.array(found).T
        given = ~np.isnan(low)
        right = given & (low <= truth + 1e-12) & (~np.isfinite(high) | (truth <= high + 1e-12))
        rows.append((name, given.sum() / draws, right.sum() / draws, (given & ~np.isfinite(high)).sum() / draws))
    return rows


def too_few(share, aim, draws):
    """Whether a share lies further below the aim than these many draws leave open."""
    return share < aim - 2 * np.sqrt(aim * (1 - aim) / draws)


def as_markdown(section, draws, seed):
    """One section as Markdown."""
    lines = [f"## {section.title}", "", section.words, ""]
    lines += ["| what is drawn | interval | events expected | covered | wrong | refused | lower bound only | draws |"]
    lines += ["| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for number, cell in enumerate(section.cells):
        some = max(1, round(draws * cell.part))
        for name, given, right, bound in measure(cell, some, [seed, number]):
            covered = f"{right / given:.3f}" if given >= 0.02 else "–"
            mark = " ⚠" if given >= 0.5 and too_few(right / given, 0.93, given * some) else ""
            mark = " ⚠" if too_few(1 - given + right, 0.93, some) else mark
            row = (
                cell.what,
                name,
                f"{float(f'{cell.events:.3g}'):,g}",
                covered + mark,
                f"{given - right:.3f}",
                f"{1 - given:.2f}",
            )
            lines.append(f"| {' | '.join(row)} | {bound:.2f} | {some:,} |")
    return "\n".join(lines)


WORDS = """# How often the intervals hold the truth

Made by `python benchmarks/coverage.py`; nominal level 95 %, seeds fixed. **Covered** is the share of the intervals that
were given and hold the truth; **wrong** is the share of *all* draws with an interval that does not hold it; **refused**
is the share without one, because too few events were seen. The aim is to cover 93 % and more wherever at least half of
the draws are given an interval, and to be wrong in no more than 7 % of all draws anywhere; ⚠ marks what lies below by
more than chance in the draws allows: ± 0.8 points with 4,000 of them, ± 1.6 with 1,000, ± 3 with 250. Where nearly all
draws are refused, those few that are not have seen more events than expected, and no interval can be right about them
as often as it says; *wrong* counts them all the same.

**What no sample shows, no interval allows for.** Where half of the cases cost a little and a rare, large gain is still
to come, the costs alone look certain: with one gain expected in 2,000 cases the interval of the mean covers 62 %, with
two 76 %, with five 96 %. `uplift_effect`, `value_of_model` and `uplift_policy_value` know outcome or action, count the
events behind the money and refuse below five. `policy_value` sees rewards alone and counts those that are unusual:
where the challenger acts on only some of the cases, count the gains yourself before you believe a narrow interval.
"""


def main():
    """Compute the sections asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=4_000)
    parser.add_argument("--only", nargs="*", choices=list(SECTIONS), default=list(SECTIONS))
    arguments = parser.parse_args()
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    kept = {re.search(r"`?([\w.]+)`?", part).group(0): f"## {part.strip()}" for part in old.split("\n## ")[1:]}
    parts = []
    for number, (name, make) in enumerate(SECTIONS.items()):
        start, section = time.process_time(), make()
        if name in arguments.only:
            parts.append(as_markdown(section, arguments.draws, number))
            print(f"{parts[-1]}\n\n{name}: {time.process_time() - start:.0f} s", flush=True)
        else:
            parts += [text for text in kept.values() if text.startswith(f"## {section.title}\n")]
    PAGE.write_text("\n\n".join([WORDS.strip(), *parts]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
