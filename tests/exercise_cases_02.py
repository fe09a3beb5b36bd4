"""What a learner of notebook 2 would hand to the checks, and other honest answers."""

from functools import cache

import numpy as np
from exercise_harness import Case
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss


@cache
def customers(seed=2026):
    """Whether each of some customers leaves."""
    return np.random.default_rng([seed, 1]).random(40_000) < 0.09


@cache
def orders(seed=2026, n=20_000):
    """Fakes, what each would cost, and three models: calibrated, trained at 1:1, and sharp only at the top."""
    rng = np.random.default_rng([seed, 2])
    risk = rng.normal(-6.5, 2.6, n)
    fraud = rng.random(n) < expit(risk)
    loss = 20 + 0.7 * rng.lognormal(4, 0.9, n)
    rate = fraud.mean()
    seen = risk + rng.normal(0, 1.3, n)
    regression = expit(0.8 * seen - 1)
    balanced = expit(logit(regression) - logit(rate))
    blind = rng.random(n) < 0.15
    forest = np.where(blind, 0.0, expit(risk))
    return {"y": fraud, "loss": loss, "rate": rate, "balanced": balanced, "regression": regression, "forest": forest}


def scored():
    return {"y": orders()["y"], "p": orders()["regression"]}


def to_repair():
    return {"p": orders()["balanced"], "y": orders()["y"], "loss": orders()["loss"], "rate": orders()["rate"]}


def two_models():
    return {name: orders()[name] for name in ("y", "regression", "forest")}


def skill_by_hand(y, p):
    model = -np.mean(np.where(y, np.log(p), np.log(1 - p)))
    constant = log_loss(y, np.full(len(y), y.mean()))
    return 1 - model / constant


def by_shifting_the_logit(p, rate):
    return expit(logit(p) + logit(rate))


def by_isotonic_regression(p, y):
    return IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(p)


def by_elkans_formula(p, rate):
    """Theorem 2 of Elkan (2001), from a base rate of one half to ``rate``."""
    return rate * (p - p / 2) / (1 / 2 - p / 2 + rate * p - rate / 2)


CASES = (
    Case(
        "N2-1",
        lambda: {"left": customers()},
        (lambda left: 1 - np.mean(left), lambda left: round(np.mean(~left), 4)),
        called=lambda given: {"leaves": given["left"]},
    ),
    Case(
        "N2-2",
        lambda: {"churned": customers()},
        (lambda churned: np.mean(churned), lambda churned: expit(logit(0.5) + logit(np.mean(churned)))),
        called=lambda given: {"past": given},
    ),
    Case(
        "N2-3",
        scored,
        (skill_by_hand,),
        called=lambda given: {"fraud": given["y"], "fraud_scores": {"regression": given["p"]}},
    ),
    Case(
        "N2-4",
        to_repair,
        (by_shifting_the_logit, by_isotonic_regression, by_elkans_formula),
        called=lambda given: {"fraud_scores": {"balanced": given["p"]}, "r": given["rate"]},
    ),
    Case(
        "N2-5",
        two_models,
        (lambda y, regression, forest: "Forest", lambda y, regression, forest: " forest "),
        called=lambda given: {"fraud": given["y"], "fraud_scores": given},
    ),
)
