"""Teams that differ in what they learn from, or in the model that learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from mllayers.data import drift_report
from mllayers.decision import Policy
from mllayers.loop import ARMS, Arm, features, fit, learnable
from mllayers.shop import ORDER_FEATURES, PRICES, Prices

_EXPLORES: dict[str, Any] = {"blocks": "review", "silence": "ignore", "audit_share": 0.01}


@dataclass(frozen=True)
class Weighted(Arm):
    """Learns from nothing but what somebody looked at, each order with weight 1 / π.

    The estimator that needs no assumption about silence or chargebacks; it throws the chargebacks away, and a fraud
    that was drawn with 1 % weighs a hundred orders. Months before the first audit have only their silence, and keep it.

    References
    ----------
    Horvitz and Thompson (1952), "A Generalization of Sampling Without Replacement From a Finite Universe", JASA
    47(260), section 3.
    """

    blocks: str = "review"
    silence: str = "ignore"
    audit_share: float = 0.01

    def learn(self, past: pd.DataFrame, day: float, *, seed: Any = 0) -> Any:
        """A regression on the looked-at orders."""
        label, chance = past["label"].to_numpy(float), past["propensity"].to_numpy(float)
        looked = past["action"].isin(["review", "audit"]).to_numpy()
        never = ~looked & (chance == 1) & ~np.isnan(label)  # nobody could have looked
        weight = np.where(looked, 1 / chance, never)
        return fit(past, label, np.where(np.isnan(label), 0.0, weight), seed=seed)


@dataclass(frozen=True)
class Delayed(Arm):
    """Takes silence for what it is: good, or a fraud that has not been reported yet.

    Expectation and maximisation in turn: a silent order of age e is a fraud with probability p S(e) / (1 − p + p S(e)),
    where S(e) = exp(−e / mean_days) of all reports are still to come; a regression learns from these soft labels. It
    knows nothing of frauds that are never reported: for them S is 1 for ever.

    References
    ----------
    Chapelle (2014), "Modeling Delayed Feedback in Display Advertising", KDD, section 3 (there the delay depends on the
    case, too; here its mean is given).
    """

    mean_days: float = 40.0
    rounds: int = 3

    def learn(self, past: pd.DataFrame, day: float, *, seed: Any = 0) -> Any:
        """The regression of the last round."""
        model = super().learn(past, day, seed=seed)
        label, weight = learnable(past, Arm(silence_days=0), day=day)
        silent = (past["source"] == "silence").to_numpy() & (weight > 0)
        orders = past[ORDER_FEATURES]
        still = np.exp(-(day - past["day"].to_numpy(float)[silent]) / self.mean_days)
        twice = pd.concat([orders, orders[silent]])  # once as good, once as a fraud
        y = np.concatenate([label, np.ones(silent.sum())])
        for _ in range(self.rounds):
            p = np.asarray(model.predict_proba(orders[silent]))[:, 1]
            late = p * still / (1 - p + p * still)
            good = weight.copy()
            good[silent] = 1 - late
            model = fit(twice, y, _thinned(good, label, late, seed))
        return model


def _thinned(good: Any, label: Any, late: Any, seed: Any, negatives: int = 15_000) -> Any:
    """Weights of all rows: a sample of the good ones stands for all of them, a late fraud for its own probability."""
    plain = np.flatnonzero((label == 0) & (good > 0))
    kept = plain
    if len(plain) > negatives:
        kept = np.random.default_rng(seed).choice(plain, negatives, replace=False)
    total, out = good[plain].sum(), good.copy()
    out[plain] = 0.0
    out[kept] = good[kept] * (total / good[kept].sum())
    return np.concatenate([out, np.where(late > 1e-6, late, 0.0)])


@dataclass(frozen=True)
class Window(Arm):
    """Learns from the last three months alone: newer, and fewer.

    References
    ----------
    Widmer and Kubat (1996), "Learning in the Presence of Concept Drift and Hidden Contexts", Machine Learning 23(1).
    """

    blocks: str = "review"
    silence: str = "ignore"
    audit_share: float = 0.01
    months: int = 3

    def learn(self, past: pd.DataFrame, day: float, *, seed: Any = 0) -> Any:
        """A regression on the last months."""
        return super().learn(past[past["month"] > past["month"].max() - self.months], day, seed=seed)


@dataclass(frozen=True)
class Boosting(Arm):
    """The labels of *explore*, learned by gradient-boosted trees in the place of a regression.

    References
    ----------
    Friedman (2001), "Greedy Function Approximation: A Gradient Boosting Machine", Annals of Statistics 29(5).
    """

    blocks: str = "review"
    silence: str = "ignore"
    audit_share: float = 0.01

    def learn(self, past: pd.DataFrame, day: float, *, seed: Any = 0) -> Any:
        """Boosted trees on the labels and weights of `learnable`."""
        trees = HistGradientBoostingClassifier(
            max_iter=60, max_leaf_nodes=15, l2_regularization=1.0, early_stopping=False, random_state=0
        )
        return fit(past, *learnable(past, self, day=day), seed=seed, model=trees)


@dataclass(frozen=True)
class Thompson(Arm):
    """Acts on a model drawn from its posterior: where it is unsure, the draw differs, and so it tries.

    The posterior of the regression's coefficients is taken to be normal, with the inverse of the Hessian as covariance
    (Laplace). One draw a month decides for all orders of the month. What shipped by such a draw brings chargebacks; no
    order is audited, and the draw has no propensity that could be written down.

    References
    ----------
    Chapelle and Li (2011), "An Empirical Evaluation of Thompson Sampling", NIPS, algorithm 3.
    """

    def learn(self, past: pd.DataFrame, day: float, *, seed: Any = 0) -> Any:
        """A regression with coefficients drawn from their posterior."""
        model = super().learn(past, day, seed=seed)
        regression = model[-1]
        label, weight = learnable(past, self, day=day)
        used = (weight > 0) & ~np.isnan(label)
        x = features(past.loc[used, ORDER_FEATURES])
        x = np.column_stack([x, np.ones(len(x))])
        p = np.asarray(model.predict_proba(past.loc[used, ORDER_FEATURES]))[:, 1]
        prior = np.diag(np.append(np.full(x.shape[1] - 1, 1 / regression.C), 1e-6))
        hessian = (x * (weight[used] * p * (1 - p))[:, None]).T @ x + prior
        centre = np.append(regression.coef_[0], regression.intercept_)
        z = np.random.default_rng([*np.atleast_1d(seed), 7]).standard_normal(len(centre))
        drawn = centre + np.linalg.solve(np.linalg.cholesky(hessian).T, z)
        model[-1].coef_, model[-1].intercept_ = drawn[None, :-1], drawn[-1:]
        return model


class OnDrift:
    """Fits a new model only when the orders of the last month have moved against those it was fitted to.

    References
    ----------
    Gama et al. (2014), "A Survey on Concept Drift Adaptation", ACM Computing Surveys 46(4), section 3.2 (informed
    adaptation).
    """

    name = "on drift"
    rows = 5_000  # of each side, for the comparison

    def __init__(self) -> None:
        self.arm = ARMS["explore"]
        self.model: Any = None
        self.reference: pd.DataFrame | None = None

    def learn(self, past: pd.DataFrame, day: float, *, seed: Any = 0) -> Any:
        """The model there is, or a new one where the last month has moved."""
        last = past[past["month"] == past["month"].max()].tail(self.rows)[ORDER_FEATURES]
        if self.reference is None or drift_report(self.reference, last).flagged:
            self.model, self.reference = self.arm.learn(past, day, seed=seed), last
        return self.model

    def decide(self, orders: pd.DataFrame, reviews: float, *, prices: Prices = PRICES) -> Policy:
        """As *explore*."""
        return self.arm.decide(orders, reviews, prices=prices)

    def try_at_random(self, orders: pd.DataFrame, *, prices: Prices = PRICES) -> Any:
        """As *explore*."""
        return self.arm.try_at_random(orders, prices=prices)
