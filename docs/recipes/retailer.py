"""From scores to money that was measured: the simulated retailer.

Customers may leave within a quarter, and a voucher of $5 keeps some of them. A model says how likely each is to leave.
A policy says who gets the voucher, and a quarter of those are left alone at random. Three months later the ledger says
what the vouchers changed and whether the promises were kept. The retailer is simulated, so what came back is known.
"""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mllayers import shop
from mllayers.action import act, ledger_effect
from mllayers.decision import Action, Menu, Policy
from mllayers.feedback import ledger_promise, matured
from mllayers.ledger import Ledger

# A frame with scores: what a model says about leaving, learned from customers who were left alone.
before = shop.make_pilot(20_000, actions=("none",))
model = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression(solver="newton-cholesky"))
model.fit(before[shop.CUSTOMER_FEATURES], before["churned"])
customers = shop.make_customers(16_000)
customers["p_leave"] = model.predict_proba(customers[shop.CUSTOMER_FEATURES])[:, 1].round(3)

# What follows: the voucher is taken to keep a quarter of those who would leave, and costs $5 whenever it is sent.
policy = Policy(
    Menu("none", Action("voucher", gain=0.25, cost=shop.PRICES.voucher, owner="CRM desk")),
    missing="none",
    idle="none",
    holdout=0.25,
    name="spring vouchers",
)


def send(one):
    """Send the voucher; here the shop's printer would be called."""


# The passage.
ledger = Ledger()
plan = policy.plan(customers, case="customer_id", time="2026-03-01", score="p_leave", value="clv_usd", seed=7)
report = act(plan, ledger, do=send, dry_run=False)

# Three months go by: who left, and what was lost with them. At work this is an export of the shop.
left = customers.set_index(customers["customer_id"].astype(str)).loc[plan["case"]]
gone = np.where(plan["action"] == "voucher", left["_churn_voucher"], left["_churn_none"])
lost = pd.DataFrame({"case": plan["case"], "time": plan["time"], "kind": "left", "value": -left["clv_usd"].to_numpy()})
ledger.record_outcomes(lost[gone].assign(arrival=pd.Timestamp("2026-05-30")))

found = matured(ledger.decisions(), ledger.outcomes(), as_of="2026-06-01", delay=lambda age: age >= 90)
effect = ledger_effect(found)
kept = ledger_promise(found)

print(report)
print(effect)
print(kept)
