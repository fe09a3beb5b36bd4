"""A campaign's file, and what its labels are worth: effects, looks, delays, promises, a challenger.

Customers got one of two letters or none by chance; the money of the next weeks came back with a delay. Each of the five
questions below is one call on plain columns, so each can be lifted into a pipeline of its own.
"""

import numpy as np
import pandas as pd

from mllayers.action import hold_out_always_valid, uplift_table
from mllayers.feedback import delay_law, matured, policy_value, promise_kept

# Your file: one row per customer. These are drawn; read yours.
rng = np.random.default_rng(11)
n = 24_000
file = pd.DataFrame(
    {"case": np.arange(n), "sent": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(n) // 120, "D")}
)
file["month"] = file["sent"].dt.strftime("%Y-%m")
file["letter"] = rng.choice(["none", "plain", "voucher"], n, p=[0.2, 0.4, 0.4])
file["propensity"] = file["letter"].map({"none": 0.2, "plain": 0.4, "voucher": 0.4})
file["segment"] = rng.choice(["new", "regular"], n)
habit = rng.standard_normal(n)
file["spend_before"] = np.exp(2 + habit).round(2)
file["p_buys"] = (0.2 * np.exp(0.4 * habit)).clip(0.02, 0.9).round(3)
lift = np.where((file["letter"] == "voucher") & (file["segment"] == "new"), 1.6, 1.0)
file["bought"] = rng.random(n) < (file["p_buys"] * lift * np.where(file["segment"] == "new", 0.8, 1.2)).clip(0, 1)
file["spend"] = np.where(file["bought"], np.exp(2 + habit + 0.5 * rng.standard_normal(n)), 0.0).round(2)
file["paid"] = file["sent"] + pd.to_timedelta(rng.gamma(2, 12, n), "D")
file["paid"] = file["paid"].where(file["bought"] & (file["paid"] <= "2026-07-20"))

print("1 Which letter changed what, for whom, by at least 50 cents a customer?")
effects = uplift_table(file["spend"], file["letter"], by=file["segment"], before=file["spend_before"],
                       propensity=file["propensity"], least=0.5)  # fmt: skip
print(effects)
columns = ["segment", "action", "effect", "low", "high", "p_holm", "sure", "size", "claimed", "incremental", "spared"]
print(effects.frame()[columns].round(2).to_string(index=False))

print("\n2 May we look every month, and stop when something shows?")
some = file[file["letter"] != "plain"]
print(hold_out_always_valid(some["bought"], some["letter"] == "voucher", some["month"]))

print("\n3 How long does the money take, and how many will have bought?")
law = delay_law(file["paid"], file["sent"], as_of="2026-07-20", by=file["segment"])
print(law)
young = file[file["sent"] >= pd.Timestamp("2026-07-21") - pd.Timedelta(days=law.oldest)]
decisions = young[["case", "sent"]].rename(columns={"sent": "time"})
paid = decisions.assign(kind="paid", arrival=young["paid"])[young["paid"].notna()]
print(matured(decisions, paid, as_of="2026-07-20", delay=law))

print("\n4 Is the score's promise kept in each segment, by two points?")
alone = file[file["letter"] == "none"]
print(promise_kept(alone["p_buys"], alone["bought"], by=alone["segment"], least=0.02))

print("\n5 What would it bring to send the voucher, which costs $1.50, to the new ones only, and nothing to others?")
reward = file["spend"] - 1.5 * (file["letter"] == "voucher") - 0.5 * (file["letter"] == "plain")
wants = np.where(file["segment"] == "new", "voucher", "none")
print(policy_value(reward, file["propensity"], file["letter"] == wants, by=file["segment"]))
