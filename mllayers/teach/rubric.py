"""How the capstone is marked, and the transfer task without code: what was written by hand, with its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mllayers._words import money
from mllayers.decision import Action, Menu, Policy
from mllayers.teach import paper, text
from mllayers.teach.capstone import BOX, FAULTS, GOODS, ROOM, Larder, Rule, brings, desk_today, larder, mended, task
from mllayers.teach.grade import YOURS, grade, seeds

__all__ = ["answer_a", "figures", "policy", "submissions", "transfer_figures", "write"]

WORLDS, PASSPHRASE = 8, "what the marking page was computed with"
_STYLE = """table { border-collapse: collapse; margin: .5em 0; } th, td { border: 1px solid #8888; padding: .3em .6em; }
th, td { text-align: left; vertical-align: top; } td:has(> span) { white-space: nowrap; } h2 { margin-top: 1em; }
td:first-child { font-weight: 600; }
@media screen and (max-width: 700px) { table { display: block; overflow-x: auto; } }
@media print { @page { size: A4; margin: 11mm; } body { margin: 0; max-width: none; padding: 0; font-size: 8.6pt;
  line-height: 1.28; } th, td { padding: .18em .45em; } table, tr { break-inside: avoid; }
  h2 { break-after: avoid; } h2.answer { break-before: page; } }"""


def policy() -> Policy:
    """The policy that goes with each of the rules here: that of the solved notebook."""
    box = Action("box", gain=1, cost=BOX, owner="the retention desk", capacity=ROOM)
    return Policy(Menu(Action("none", gain=0), box), missing="none", idle="none", holdout=0.05)


def answer_a(past: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The rule of the first sample answer: the leak is gone and the value is the margin; the rest is the desk's."""
    known = past[past["action"] == "none"].fillna({"left": 0}).assign(visits_30d=0)
    now = desk_today(known, people.assign(visits_30d=0))
    return pd.DataFrame({"score": now["score"], "value": people["margin_usd"]})


def submissions() -> dict[str, tuple[Rule, str]]:
    """What may be handed in, by name: the rule, and why it earns what it earns."""
    left_in: dict[str, tuple[Rule, str]] = {
        f"{fault} left in": (partial(mended, but=fault), why) for fault, why in FAULTS.items()
    }
    return {"all five mended": (mended, "asks what a box changes, of those who can know it"), **left_in}


def figures(worlds: int = WORLDS) -> dict[str, Any]:
    """The numbers of ``rubric.md``, by the names that stand there; a few seconds for each world."""
    earned: dict[str, float] = {}
    beside: pd.DataFrame = pd.DataFrame()
    rows = []
    for name, (rule, why) in {**submissions(), "answer A": (answer_a, "")}.items():
        found = grade(policy(), task(rule), passphrase=PASSPHRASE, worlds=worlds)
        earned[name], beside = found.earned, found.table
        if why:
            own = found.table[found.table["decision"] == YOURS].iloc[0]
            boxes = found.facts["planned"].mean()
            rows.append((name, own["dollars"], f"{money(own['low'])} to {money(own['high'])}", f"{boxes:,.0f}", why))
    for row in beside[beside["decision"] != YOURS].to_dict("records"):
        rows.append((row["decision"], row["dollars"], f"{money(row['low'])} to {money(row['high'])}", "", ""))
    rows.sort(key=lambda row: -row[1])
    lines = [f"| {name} | {money(x)} | {span} | {boxes} | {why} |" for name, x, span, boxes, why in rows]
    head = ["| handed in | dollars | interval (95 %, over worlds) | boxes planned | what it does |", "|" + " --- |" * 5]
    return {
        "worlds": worlds,
        "dollars": "\n".join([*head, *lines]),
        "answer_a": earned["answer A"],
        "answer_b": earned["late labels left in"],
        "mended": earned["all five mended"],
        **_why_a(larder(seeds(PASSPHRASE, 1)[0])),
    }


def _why_a(world: Larder) -> dict[str, float]:
    """Why answer A loses more than the desk: what it expects to lose without a box, and where its boxes go."""
    people, bring = world.renewals, brings(world.renewals)
    worth = answer_a(world.pilot, people).prod(axis=1).to_numpy()
    first = np.argsort(-worth, kind="stable")[:ROOM]
    boxes = first[worth[first] > BOX]
    store = people["paid_by"].eq("store").to_numpy()[boxes]
    today = desk_today(world.pilot, people).prod(axis=1) > GOODS
    return {
        "riskiest": float(worth[first].mean()),
        "desk_boxes": min(int(today.sum()), ROOM),
        "a_boxes": len(boxes),
        "a_store": float(store.mean()),
        "a_store_dollars": float(bring[boxes[store]].sum()),
        "a_other_dollars": float(bring[boxes[~store]].sum()),
    }


def transfer_figures() -> dict[str, float]:
    """The numbers of ``transfer.md``: the prices of its two desks, and what follows from them."""
    call, slot, drawn, days, share = 3.0, 120.0, 60, 20, 1 / 3
    held = round(drawn * days * share)
    spread = math.sqrt(0.25 * (1 / held + 1 / (drawn * days - held)))  # of a difference, where half come
    return {
        "call": call,
        "slot": slot,
        "break_even": 100 * call / slot,
        "held_out": held,
        "seen": 100 * (1.96 + 0.8416) * spread,
        "loan": 5_000.0,
        "loan_gain": 400.0,
        "loan_loss": 3_000.0,
        "call_loan": 6.0,
    }


def write(folder: Path) -> list[Path]:
    """Write both pages: marking the capstone, and the transfer task with its worked sample."""
    numbers: dict[str, Callable[[], dict[str, Any]]] = {"rubric": figures, "transfer": transfer_figures}
    made = []
    for name, count in numbers.items():
        title, _, rest = text.filled(text.written(name), count()).partition("\n")
        body = text.html_of(rest).replace("<h2>One answer", '<h2 class="answer">One answer')  # not to be handed out
        made.append(paper.write(folder, name, paper.page(title.lstrip("# "), body, _STYLE)))
    return made
