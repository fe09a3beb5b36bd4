"""From scores to money that was measured: a frame of your own.

Open invoices with the probability that they are never paid. A reminder costs $1, a call $12, and there is time for 400
calls. Nothing here knows the simulated retailer: put your frame, your prices and your export in the places of these.
"""

import numpy as np
import pandas as pd

from mllayers.action import Limits, act, ledger_effect
from mllayers.decision import Action, Menu, Policy
from mllayers.feedback import ledger_promise, matured
from mllayers.ledger import Ledger

# Your frame: one row per case, with an id, a score and what is at stake. These are drawn; read yours from its file.
rng = np.random.default_rng(7)
invoices = pd.DataFrame({"invoice": np.arange(1, 5_001), "amount": rng.lognormal(5, 1, 5_000).round(2)})
invoices["p_unpaid"] = rng.beta(2, 6, 5_000).round(3)
invoices["region"] = rng.choice(["north", "south"], 5_000)

# Your prices: `gain` is the share of the loss that the action is taken to prevent.
policy = Policy(
    Menu("wait", Action("remind", gain=0.1, cost=1, owner="billing"),
         Action("call", gain=0.4, cost=12, owner="billing", capacity=400)),
    missing="remind",
    idle="wait",
    holdout=0.2,
    name="dunning",
)  # fmt: skip
letters = []  # your printer, your telephone list: whatever `do` is given has happened when it returns

ledger = Ledger()  # Ledger("dunning.sqlite") keeps it in a file
plan = policy.plan(invoices, case="invoice", time="2026-03-01", score="p_unpaid", value="amount", segment="region",
                   seed=7)  # fmt: skip
print(act(plan, ledger, do=letters.append, limits=Limits(budget=20_000)))  # a dry run first
report = act(plan, ledger, do=letters.append, limits=Limits(budget=20_000), dry_run=False)

# Your export, two months later: which invoices were written off, and what they were worth (negative: it is lost).
# `case` and `time` are the decision's; for an export that lacks the time, `help(Ledger.record_outcomes)` finds them.
works = {"wait": 1.0, "remind": 0.9, "call": 0.6}
unpaid = rng.random(5_000) < invoices["p_unpaid"] * plan["action"].map(works)
written_off = pd.DataFrame({"case": plan["case"], "time": plan["time"], "kind": "written off"})[unpaid]
written_off = written_off.assign(value=-invoices["amount"][unpaid], arrival=pd.Timestamp("2026-04-30"))
ledger.record_outcomes(written_off)

found = matured(ledger.decisions(), ledger.outcomes(), as_of="2026-05-01", delay=lambda age: age >= 60)
effect = ledger_effect(found, by=("planned", "segment"))
kept = ledger_promise(found)

print(report)
print(effect.frame()[["planned", "segment", "treated", "held_out", "net", "net_low", "net_high"]].round(2).to_string())
print(kept)
