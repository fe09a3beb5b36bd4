"""One case at a time: `Policy.action` beside the same rule written by hand, in microseconds a case.

Run ``python benchmarks/serving.py``. Each figure is the least of seven runs of 100,000 calls, loop included; the
answers are compared with those of `Policy.decide` on a frame of the same cases.
"""

import timeit

import numpy as np
import pandas as pd

from mllayers.decision import Action, Menu, Policy, Segments, Tier, Tiers

NOTHING, EMAIL, CALL = Action("nothing", 0, 0), Action("email", 0.02, 0.1, "CRM"), Action("call", 0.3, 15, "sales")
SAID = {"missing": "nothing", "idle": "nothing", "holdout": 0.1}
TIERS = Policy(Tiers(Tier(0, 0.05, NOTHING), Tier(0.05, 0.8, EMAIL), Tier(0.8, 1, CALL)), **SAID)
MENU = Policy(Menu(NOTHING, EMAIL, CALL), **SAID)
SEGMENTS = Policy(Segments({0: NOTHING, 1: EMAIL, 2: CALL}), **SAID)


def tiers_by_hand(p):
    return "call" if p >= 0.8 else "email" if p >= 0.05 else "nothing"


def menu_by_hand(p, value):
    worth = {"nothing": 0.0, "email": p * value * 0.02 - 0.1, "call": p * value * 0.3 - 15}
    return max(worth, key=worth.get)


def segment_by_hand(segment):
    return {0: "nothing", 1: "email", 2: "call"}[segment]


def microseconds(task, calls=100_000):
    return min(timeit.repeat(task, number=calls, repeat=7)) / calls * 1e6


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"p": rng.random(20_000), "value": rng.lognormal(4, 1, 20_000), "s": rng.integers(0, 3, 20_000)}
    )
    rows = frame.to_dict("records")
    same = {
        "tiers": [TIERS.action(row["p"]) for row in rows] == TIERS.decide(frame, score="p")["action"].tolist(),
        "menu": [MENU.action(row["p"], value=row["value"]) for row in rows]
        == MENU.decide(frame, score="p", value="value")["action"].tolist(),
        "segments": [SEGMENTS.action(segment=row["s"]) for row in rows]
        == SEGMENTS.decide(frame, segment="s")["action"].tolist(),
    }
    tasks = {
        "tiers": (lambda: TIERS.action(0.3), lambda: tiers_by_hand(0.3)),
        "menu": (lambda: MENU.action(0.3, value=120.0), lambda: menu_by_hand(0.3, 120.0)),
        "segments": (lambda: SEGMENTS.action(segment=1), lambda: segment_by_hand(1)),
    }
    frame_of_one = frame.head(1)
    print(f"{'microseconds a case':<22}{'action':>8}{'by hand':>9}{'decide, frame of one row':>26}{'same answer':>13}")
    for name, (task, hand) in tasks.items():
        columns = {"tiers": {"score": "p"}, "menu": {"score": "p", "value": "value"}, "segments": {"segment": "s"}}[
            name
        ]
        policy = {"tiers": TIERS, "menu": MENU, "segments": SEGMENTS}[name]
        slow = microseconds(lambda policy=policy, columns=columns: policy.decide(frame_of_one, **columns), 100)
        print(f"{name:<22}{microseconds(task):>8.2f}{microseconds(hand):>9.2f}{slow:>26,.0f}{same[name]!s:>13}")
