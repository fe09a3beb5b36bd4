"""What a learner of the capstone would hand to the checks, and other honest answers."""

from functools import cache

import numpy as np
from exercise_harness import Case

from mllayers.decision import Action, Brief, Menu, Policy
from mllayers.teach.capstone import BOX, ROOM, larder

SENTENCE = Brief("CRM", "who gets a box", "subscribers stay")


@cache
def world(seed=2026):
    return larder(seed, pilot=12_000, renewals=2_000)


def pilot():
    return {"pilot": world().pilot}


def old(given):
    table = given["pilot"]
    return table[(table["day"] <= 90) & (table["paid_by"] != "store")]


def by_regression(pilot, cost):
    """The slope of dollars lost on treatment."""
    rows = old({"pilot": pilot})
    treated = (rows["action"] == "box").astype(float)
    return -np.polyfit(treated, rows["left"] * rows["margin_usd"], 1)[0] - cost


def by_counting(pilot):
    """Those who said on the telephone that they had left, of those who were asked."""
    asked = pilot["asked"] & (pilot["action"] == "none")
    return pilot.loc[asked, "left"].sum() / asked.sum()


def a_smaller_one(cost, room):
    box = Action("box", gain=1, cost=cost, owner="me", capacity=room - 500)
    return Policy(Menu(Action("none", gain=0), box), missing="none", idle="none", holdout=0.1, brief=SENTENCE)


NAMES = {"Action": Action, "Menu": Menu, "Policy": Policy, "BOX": BOX, "ROOM": ROOM, "sentence": SENTENCE}
CASES = (
    Case("C-1", pilot, (by_counting,)),
    Case("C-2", pilot, (lambda pilot: old({"pilot": pilot}).query("action == 'box' and day < 90")["left"].mean(),)),
    Case(
        "C-3",
        lambda: {"pilot": world().pilot, "renewals": world().renewals},
        (lambda pilot, renewals: "visits_30d", lambda pilot, renewals: ["visits_30d"]),
    ),
    Case(
        "C-4",
        lambda: {"pilot": world().pilot, "cost": BOX},
        (by_regression,),
        called=lambda given: {"old": old(given), "BOX": BOX},
    ),
    Case("C-5", lambda: {"cost": BOX, "room": ROOM}, (a_smaller_one,), called=lambda given: NAMES),
)
