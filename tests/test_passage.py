"""From a frame with scores to money that was measured, in five lines: plan, act, matured, effect, promise.

The customers' potential outcomes are known here, so that the effect measured from the ledger alone can be held against
the truth, over many campaigns. PASSAGE_CAMPAIGNS asks for more of them.
"""

import os

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from mllayers import shop
from mllayers.action import act, ledger_effect
from mllayers.decision import Action, Menu, Policy, Segments, Tier, Tiers
from mllayers.feedback import ledger_promise, matured
from mllayers.ledger import Ledger

CAMPAIGNS = int(os.environ.get("PASSAGE_CAMPAIGNS", "40"))
WEEK = pd.Timestamp("2026-03-01")


def send(row):
    """What a campaign does with one decision."""


def menu(idle="none"):
    return Policy(
        Menu(
            Action(idle, 0, 0),
            Action("voucher", gain=0.25, cost=5, owner="CRM"),
            Action("call", gain=0.30, cost=15, owner="sales", capacity=60),
        ),
        missing=idle,
        idle=idle,
        holdout=0.3,
        name="retention",
    )


def what_came(decisions, customers):
    """The outcomes of what was done: who left, and what was lost with them."""
    there = customers.set_index(customers["customer_id"].astype(str)).loc[decisions["case"]]
    names = ["none", "voucher", "call"]
    churn = there[[f"_churn_{name}" for name in names]].to_numpy()
    done = decisions["action"].map({name: place for place, name in enumerate(names)}).to_numpy()
    left = churn[np.arange(len(there)), done]
    gone = decisions.loc[left, ["case", "time"]]
    return gone.assign(
        kind="left", value=-there["clv_usd"].to_numpy()[left], arrival=gone["time"] + pd.Timedelta("30D")
    )


def campaign(customers, policy, seed, **options):
    """The five lines, and what they stand on: a frame with scores, a ledger, and outcomes that come back."""
    with Ledger() as ledger:
        plan = policy.plan(customers, case="customer_id", time=WEEK, score="p", value="clv_usd", seed=seed, **options)
        report = act(plan, ledger, do=send, dry_run=False)
        ledger.record_outcomes(what_came(ledger.decisions(), customers))
        found = matured(ledger.decisions(), ledger.outcomes(), as_of="2026-06-30", delay=lambda age: age >= 90)
        effect = ledger_effect(found)
        promised = ledger_promise(found)
        return plan, report, found, effect, promised


def scored(n, seed):
    customers = shop.make_customers(n, seed=seed)
    return customers.assign(p=customers["_p_none"])


def test_five_lines_go_from_scores_to_money_that_was_measured():
    customers = scored(3_000, 1)
    plan, report, found, effect, promised = campaign(customers, menu(), 7, explore=0.02)
    assert report.done == (plan["action"] != "none").sum()
    assert report.idle == (plan["action"] == "none").sum()
    assert (plan["planned"] == "call").sum() <= 60
    assert found.n == 3_000
    table = effect.frame().reset_index()
    assert set(table["planned"]) == {"voucher", "call"}
    row = table[table["planned"] == "voucher"].iloc[0]
    rows = found.labels[(found.labels["planned"] == "voucher") & found.labels["drawn"].isin(["", "holdout"])]
    acted, alone = (rows[rows["drawn"] == lot]["y"] for lot in ("", "holdout"))
    assert row["treated"] == len(acted)
    assert row["rate"] == pytest.approx(acted.mean() - alone.mean(), abs=0.01)  # exploration is weighed, too
    assert effect.explored > 0
    assert "promise" in repr(promised) or "promised" in repr(promised)
    assert {"probability", "dollars"} <= set(promised.frame().reset_index().iloc[:, 0])


def test_the_effect_from_the_ledger_holds_the_truth_as_often_as_it_says():
    """Rate and dollars of the voucher, each campaign with its own customers and its own lot."""
    held = {"rate": 0, "money": 0}
    told = 0
    for seed in range(CAMPAIGNS):
        customers = scored(1_500, 1_000 + seed)
        plan, _, _, effect, _ = campaign(customers, menu(), seed)
        row = effect.frame().reset_index().set_index("planned").loc["voucher"]
        reached = plan["planned"].to_numpy() == "voucher"
        changed = customers["_p_voucher"] - customers["_p_none"]
        rate = float(changed[reached].mean())
        dollars = float((-changed * customers["clv_usd"])[reached].mean())
        held["rate"] += row["low"] <= rate <= row["high"]
        if np.isfinite(row["dollars_low"]):
            told += 1
            held["money"] += row["dollars_low"] <= dollars <= row["dollars_high"]
    for name, tried in (("rate", CAMPAIGNS), ("money", told)):
        assert tried > CAMPAIGNS / 2
        assert held[name] >= binom.ppf(0.001, tried, 0.93), f"{name}: {held[name]} of {tried}"
    print(f"{CAMPAIGNS} campaigns: rate held in {held['rate']}, dollars in {held['money']} of {told}")


@pytest.mark.parametrize("idle", ["nothing", "none", "leave alone"])
def test_the_idle_action_is_whatever_it_is_called_and_never_carried_out(idle):
    customers = scored(400, 2)
    done = []
    with Ledger() as ledger:
        plan = menu(idle).plan(customers, case="customer_id", time=WEEK, score="p", value="clv_usd", seed=1)
        report = act(plan, ledger, do=lambda row: done.append(row["action"]), dry_run=False)
    assert idle not in done
    assert len(done) == report.done == (plan["action"] != idle).sum()
    assert (plan.loc[plan["drawn"] == "holdout", "action"] == idle).all()
    assert (plan.loc[plan["drawn"] == "holdout", "planned"] != idle).all()


def test_a_policy_without_an_idle_action_carries_everything_out():
    policy = Policy(
        Tiers(Tier(0, 0.5, Action("mail", cost=0, owner="CRM")), Tier(0.5, 1, Action("call", cost=15, owner="sales"))),
        missing="mail",
        holdout=0,
    )
    frame = pd.DataFrame({"id": ["a", "b", "c"], "p": [0.1, 0.7, None]})
    with Ledger() as ledger:
        plan = policy.plan(frame, case="id", time="2026-03-01", score="p", seed=1)
        assert act(plan, ledger, do=send, dry_run=False).done == 3
        assert ledger.decisions()["idle"].isna().all()


def test_segments_travel_the_same_way():
    frame = pd.DataFrame({"id": range(300), "cluster": [1, 2, 3] * 100})
    call, nothing = Action("call", cost=15, owner="sales"), Action("nothing", cost=0)
    policy = Policy(Segments({1: call, 2: nothing, 3: nothing}), missing="nothing", idle="nothing", holdout=0.2)
    with Ledger() as ledger:
        plan = policy.plan(frame, case="id", time="2026-03-01", segment="cluster", seed=3)
        act(plan, ledger, do=send, dry_run=False)
        written = ledger.decisions()
    assert set(written.loc[written["planned"] == "call", "segment"]) == {"1"}
    assert written.loc[written["drawn"] == "holdout", "planned"].eq("call").all()  # what they would have got
    held = written.loc[written["planned"] == "call", "drawn"].eq("holdout")
    assert 8 <= held.sum() <= 34
    assert (written.loc[written["planned"] == "call", "propensity"] == np.where(held, 0.2, 0.8)).all()
