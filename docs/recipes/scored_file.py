"""What a file with scores and outcomes can say, and where it is silent.

Card payments with two fraud scores, an amount, and labels that came from inspections and complaints. A stopped fraud
saves 80 % of its amount, a stopped customer costs $6. In place of the drawn payments, put your file.
"""

import numpy as np
import pandas as pd

from mllayers.data import adversarial_validation, bounds_without_audit
from mllayers.decision import Action, Menu, Policy, decision_curve
from mllayers.prediction import (
    calibration_by_band,
    compare_models,
    compare_money,
    expected_performance,
    money_by_threshold,
    prior_corrected,
    value_of_model,
)

# Your file: one row per case. These are drawn; read yours with pd.read_csv or pd.read_parquet.
rng = np.random.default_rng(11)
n = 40_000
truth = rng.beta(0.2, 5.8, n)
payments = pd.DataFrame({"amount": rng.lognormal(4, 1, n).round(2), "channel": rng.choice(["shop", "web", "phone"], n)})
payments["fraud"] = rng.random(n) < truth
payments["new_score"] = truth
payments["old_score"] = np.clip(truth * rng.lognormal(0, 0.7, n), 0, 1)
y, amounts = payments["fraud"], {"gain_tp": 0.8 * payments["amount"], "cost_fp": 6.0}

print("--- data: can last month be told from this one, and what could silence hold?")
half = n // 2
print(adversarial_validation(payments[["amount", "channel"]][:half], payments[["amount", "channel"]][half:],
                             max_rows=5_000))  # fmt: skip
inspected = payments["old_score"] > 0.3
reported = y & ~inspected & (rng.random(n) < 0.3)
print(bounds_without_audit((y & inspected) | reported, inspected, report_rate=(0.2, 0.5)))

print("--- prediction: are the scores probabilities, which one earns more, and where?")
print(calibration_by_band(y, payments["old_score"]))
print(compare_models(y, payments["new_score"], payments["old_score"], **amounts, by=payments["channel"], least=0.05))
limit = 6 / (6 + 0.8 * payments["amount"])
print(value_of_model(y, payments["new_score"], **amounts, threshold=limit))

print("--- a desk for 400 cases: the highest scores, or the highest expected money?")
print(money_by_threshold(y, payments["new_score"], **amounts, capacity=400))
print(value_of_model(y, payments["new_score"], **amounts, capacity=400))
worth = payments["new_score"] * 0.8 * payments["amount"] - (1 - payments["new_score"]) * 6
came = np.where(y, 0.8 * payments["amount"], -6.0)
by_money, by_score = (x.rank(ascending=False) <= 400 for x in (worth, payments["new_score"]))
print(compare_money(by_money * came, by_score * came))

print("--- a model that was fitted on all frauds and a tenth of the others")
kept = y | (rng.random(n) < 0.1)
shifted = truth / (truth + 0.1 * (1 - truth))  # what such a model says
mended = prior_corrected(shifted, beta=0.1)
weights = np.where(y[kept], 1.0, 10.0)
print(calibration_by_band(y[kept], mended[kept], weights=weights))
print(value_of_model(y[kept], mended[kept], gain_tp=60, cost_fp=6, threshold=6 / 66, weights=weights))

print("--- prices that nobody knows, labels that have not come, one case at a time")
print(decision_curve(y, payments["new_score"]))
print(expected_performance(payments["new_score"], **amounts))
menu = Menu("accept", Action("stop", gain="saved", cost=6, owner="fraud desk"))
policy = Policy(menu, missing="accept", idle="accept", holdout=0.01, name="payments")
print(policy.action(0.3, columns={"saved": 0.8 * 120 + 6}), policy.action(0.01, columns={"saved": 0.8 * 120 + 6}))
