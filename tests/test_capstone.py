"""The capstone's world and its grade: a right submission, and five with one fault left in, in dollars."""

from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mllayers.decision import Action, Brief, Menu, Policy
from mllayers.teach.capstone import BOX, FAULTS, FEATURES, ROOM, brings, desk_today, larder, mended, task
from mllayers.teach.grade import grade, seeds

WORLDS = 6
SENTENCE = Brief("The desk", "who gets a free box", "subscribers stay who are worth more than the boxes")


def policy(**changed):
    box = Action("box", **({"gain": 1, "cost": BOX, "owner": "the desk", "capacity": ROOM} | changed))
    return Policy(Menu(Action("none", gain=0), box), missing="none", idle="none", holdout=0.05, brief=SENTENCE)


@cache
def right():
    """What the right submission brings in each of the worlds, and what stands beside it."""
    found = grade(policy(), task(mended), passphrase="fresh from the oven", worlds=WORLDS)
    return found.runs.pivot_table(index="world", columns="decision", values="dollars")


@cache
def with_faults():
    """What each world brings by the rule, mended or with one fault left in: a row a world."""
    rows = []
    for seed in seeds("fresh from the oven", WORLDS):
        world = larder(seed)
        gained = brings(world.renewals)
        row = {}
        for but in ("", *FAULTS):
            rule = mended(world.pilot, world.renewals, but=but)
            plan = policy().plan(
                world.renewals.assign(**rule),
                case="subscriber",
                time="2026-07-01",
                score="score",
                value="value",
                seed=seed,
            )
            row[but] = gained[plan["action"] == "box"].sum()
        rows.append(row)
    return pd.DataFrame(rows)


def test_the_right_submission_earns_more_than_anything_that_a_desk_can_do():
    found = right().mean()
    assert list(found.sort_values().index) == [
        "boxes for everyone",
        "the desk today",
        "cells, no model",
        "your policy",
        "true probabilities",
    ]
    assert found["the desk today"] < 0 < found["cells, no model"]
    assert (right()["your policy"] > right()["the desk today"]).all()
    assert np.allclose(right()["your policy"], with_faults()[""]), "the grade counts nothing else"


@pytest.mark.parametrize("but", FAULTS)
def test_each_fault_left_in_costs(but):
    """In the mean of the worlds by more than three standard errors of the difference, or in every one."""
    lost = with_faults()[""] - with_faults()[but]
    sure = lost.mean() > 3 * lost.std(ddof=1) / np.sqrt(WORLDS)
    assert sure or (lost > 0).all(), f"{but}: {lost.round().tolist()}"


def test_the_riskiest_first_loses_and_no_fault_is_free():
    earned = with_faults().mean()
    assert earned["risk"] < 0
    assert earned.drop("").max() < 0.95 * earned[""]


def test_a_policy_with_the_wrong_cost_and_no_limit_meets_the_real_ones():
    found = grade(policy(cost=1, capacity=None), task(mended), passphrase="fresh from the oven", worlds=2)
    assert found.earned < right()["your policy"].iloc[:2].mean()
    assert (found.facts["no_room"] > 0).all()


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (3, "rule must be a function"),
        (lambda past, people: people["margin_usd"], "what the rule returns"),
        (lambda past, people: pd.DataFrame({"score": [0.1], "value": [1.0]}), "a row for each of 10,000"),
        (lambda past, people: pd.DataFrame({"score": people["box_usd"] * np.nan, "value": 1.0}), "score of the rule"),
    ],
)
def test_a_rule_that_is_none_is_told(rule, told):
    with pytest.raises((TypeError, ValueError), match=told):
        grade(policy(), task(rule), passphrase="a", worlds=2)


def test_a_rule_sees_nothing_that_a_desk_would_not():
    seen = []

    def rule(past, people):
        seen.extend([*past, *people])
        raise RuntimeError("seen")

    with pytest.raises(RuntimeError, match="seen"):
        grade(policy(), task(rule), passphrase="a", worlds=2)
    assert not [name for name in seen if name.startswith("_")]
    assert not {"left", "action", "day"} & set(larder(1, pilot=100, renewals=50).renewals)


def test_the_faults_are_in_the_world():
    world = larder(5)
    past, now = world.pilot, world.renewals
    store = past["paid_by"] == "store"
    assert past["left"].notna()[~store].all()
    assert past["left"].notna()[store].equals(past["asked"][store]), "silent where nobody asked"
    answered = past[past["asked"]]
    assert (answered["left"] == answered["_leaves"]).all()
    assert brings(past[store]).max() <= -BOX, "a box keeps no store payer"
    young = ~store & (past["day"] > 90)
    assert past.loc[young, "left"].sum() < past.loc[young, "_leaves"].sum(), "late news is missing"
    old = ~store & (past["day"] <= 90)
    assert (past.loc[old, "left"] == past.loc[old, "_leaves"]).all(), "after 90 days all news is in"
    late = past[old & (past["left"] == 1)].groupby("action", observed=True)["news_after"].mean()
    assert late["box"] > late["none"] + 20
    assert past.loc[old & past["_leaves"], "visits_30d"].eq(0).all()
    assert now["visits_30d"].corr(now["_p_none"]) > -0.5, "on the day of the decision nobody is gone"
    assert (past["list_usd"] / past["margin_usd"]).median() > 2


def test_the_same_seed_is_the_same_world():
    assert larder(3, pilot=200, renewals=100).pilot.equals(larder(3, pilot=200, renewals=100).pilot)
    assert not larder(3, pilot=200, renewals=100).pilot.equals(larder(4, pilot=200, renewals=100).pilot)
    with pytest.raises(ValueError, match="seed"):
        larder(-1)
    with pytest.raises(ValueError, match="but"):
        mended(larder(3).pilot, larder(3).renewals, but="sloth")


def test_the_notebook_shows_the_desks_own_rule():
    """What the notebook calls the desk's rule is what the grade compares with."""
    path = Path(__file__).parents[1] / "notebooks" / "teach" / "capstone.ipynb"
    [shown] = [cell for cell in nbformat.read(path, as_version=4).cells if "def desk_rule" in cell.source]
    space = {"np": np, "pd": pd, "FEATURES": FEATURES, "FunctionTransformer": FunctionTransformer}
    space |= {f.__name__: f for f in (LogisticRegression, StandardScaler, make_pipeline)}
    exec(shown.source, space)
    world = larder(6, pilot=2_000, renewals=500)
    pd.testing.assert_frame_equal(
        space["desk_rule"](world.pilot, world.renewals), desk_today(world.pilot, world.renewals)
    )
