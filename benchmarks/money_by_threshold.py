"""The exact best threshold of a million scores, beside what people would use instead.

Run ``OMP_NUM_THREADS=1 python benchmarks/money_by_threshold.py``. Times are CPU seconds, the least of several runs;
ratios to one ``np.argsort`` of the same scores. The second table is what a grid of 100 thresholds costs in money.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import time
from importlib import metadata, util

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

from mllayers.prediction import money_by_threshold, value_of_model

N = 1_000_000


class Given(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose score is its input: nothing but the search for the threshold is timed."""

    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, x):
        return np.column_stack([1 - x[:, 0], x[:, 0]])

    def predict(self, x):
        return (x[:, 0] >= 0.5).astype(int)


class Profit:
    """Dollars of a set of decisions in plain NumPy, as the scorer a user would write for speed."""

    def __init__(self, gain_tp, cost_fp):
        self.gain_tp, self.cost_fp = gain_tp, cost_fp

    def __call__(self, y, acts):
        hits = np.count_nonzero(y & acts)
        return self.gain_tp * hits - self.cost_fp * (np.count_nonzero(acts) - hits)


def tuned(y, p, gain_tp, cost_fp):
    """The threshold that scikit-learn's tuner finds with its default 100 candidates."""
    scorer = make_scorer(Profit(gain_tp, cost_fp))
    search = TunedThresholdClassifierCV(Given().fit(None, None), scoring=scorer, cv="prefit", refit=False)
    return search.fit(p[:, None], y).best_threshold_


def cpu(task, repeats):
    """The least CPU seconds of several runs."""
    least = np.inf
    for _ in range(repeats):
        start = time.process_time()
        task()
        least = min(least, time.process_time() - start)
    return least


def world(seed=0, n=N):
    """Calibrated scores: about 2.4 % of the cases are positive."""
    rng = np.random.default_rng(seed)
    p = rng.beta(0.3, 12, n)
    return (rng.random(n) < p).astype(np.int64), p


def loss(y, p, threshold, gain_tp, cost_fp):
    """What the decisions cost in all: missed gains and wasted actions."""
    acts = p >= threshold
    return gain_tp * np.count_nonzero(y & ~acts) + cost_fp * np.count_nonzero(acts & (y == 0))


def speed(y, p):
    amounts = np.random.default_rng(1).lognormal(4, 1, p.size)
    tasks = {
        "np.argsort (the floor)": (lambda: np.argsort(p), 9),
        "money_by_threshold, one price": (lambda: money_by_threshold(y, p, gain_tp=20, cost_fp=1), 9),
        "money_by_threshold, price per case": (lambda: money_by_threshold(y, p, gain_tp=amounts, cost_fp=5), 9),
        "value_of_model, threshold given": (lambda: value_of_model(y, p, gain_tp=20, cost_fp=1, threshold=1 / 21), 5),
        "value_of_model, price per case": (
            lambda: value_of_model(y, p, gain_tp=amounts, cost_fp=5, threshold=5 / (5 + amounts)),
            5,
        ),
        "value_of_model, threshold looked for": (lambda: value_of_model(y, p, gain_tp=20, cost_fp=1), 3),
        "scikit-learn tuner, 100 thresholds": (lambda: tuned(y, p, 20, 1), 3),
    }
    if util.find_spec("empulse"):
        from empulse.metrics import max_profit_score

        tasks[f"empulse {metadata.version('empulse')} max_profit_score"] = (
            lambda: max_profit_score(y, p, tp_cost=-20, fp_cost=1),
            3,
        )
    print(f"{'CPU seconds, ' + format(p.size, ',') + ' scores':<42}{'seconds':>9}{'x argsort':>11}")
    floor = None
    for name, (task, repeats) in tasks.items():
        seconds = cpu(task, repeats)
        floor = floor or seconds
        print(f"{name:<42}{seconds:>9.3f}{seconds / floor:>11.2f}")
    if not util.find_spec("empulse"):
        print("empulse is not installed: its line is left out (pip install empulse)")


def regret(y, p):
    print(f"\n{'gain : cost':<14}{'exact threshold':>17}{'tuner':>10}{'tuner loses more':>19}")
    for gain in (20, 100, 1000):
        money = money_by_threshold(y, p, gain_tp=gain, cost_fp=1)
        exact, grid = money.threshold[money.best], tuned(y, p, gain, 1)
        more = loss(y, p, grid, gain, 1) / loss(y, p, exact, gain, 1) - 1
        print(f"{gain:>5,} : 1{'':<5}{exact:>17.5f}{grid:>10.5f}{more:>18.2%}")


if __name__ == "__main__":
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, scikit-learn {sklearn.__version__}\n")
    y, p = world()
    speed(y, p)
    regret(y, p)
