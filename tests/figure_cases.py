"""The figures of notebooks 1 and 2 on numbers of the size they have there: drawn, moved and looked at."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from mllayers import figures as fg

SOURCES = pd.DataFrame(
    {
        "reviewed": [0.62, 0.0, 0.021],
        "chargeback": [0.33, 0.0, 0.0],
        "no label: silence": [0.05, 1.0, 0.979],
    },
    index=["A  stolen cards", "B  hijacked store credit", "honest orders"],
)
GRADES = pd.DataFrame(
    {"as the team sees it": [0.999, 0.9999, 0.997], "in truth": [0.690, 0.839, 0.707]},
    index=["recall", "AUC", "average precision"],
)
LOSSES = pd.DataFrame(
    {"log loss on the team's hold-out": [0.0029, 0.0189, 0.0197], "fake orders shipped": [360.0, 124.0, 94.0]},
    index=["observed labels", "with 2 % audit", "every label"],
)
RATES = pd.DataFrame(
    {
        "value": [0.019, 0.42, 0.0293, 0.029],
        "low": [0.0185, 0.40, 0.0255, np.nan],
        "high": [0.0195, 0.44, 0.0331, np.nan],
    },
    index=["silence counts as honest", "mean of labelled rows", "Horvitz–Thompson", "truth"],
)
RECALL = pd.DataFrame(
    {"before the audit": [0.999, 0.008, 0.010], "after": [0.998, 0.67, 0.018]},
    index=["A  stolen cards", "B  hijacked store credit", "C  new ring"],
)
SPLITS = pd.DataFrame({"random split": [0.0228, 0.93], "time split": [0.1253, 0.734]}, index=["log loss", "AP"])
DROPPED = pd.Series(
    {"all fraud": 1.0, "e-mail risk missing": -0.21, "amount beyond 3 sigma": -0.06}, name="share of frauds"
)
LAYERS = pd.Series(
    {"prediction alone": 0.0, "best threshold": 142_000.0, "customer value": -4_000.0, "causal action": 411_000.0}
)
SEEDS = pd.DataFrame(
    {
        "rules": 96_000 + 9_000 * np.sin(np.arange(12.0) * 2.1),
        "act above 0.5": -9_900 + 14_000 * np.sin(np.arange(12.0) * 1.3),
        "clairvoyant": 145_000 + 6_000 * np.cos(np.arange(12.0) * 1.7),
    }
)
AUDIT = pd.DataFrame(
    {
        "mean": [0.01, 0.05, 0.19, 0.38, 0.59, 0.67, 0.71],
        "low": [0.0, 0.0, 0.05, 0.2, 0.45, 0.58, 0.65],
        "high": [0.02, 0.2, 0.4, 0.55, 0.7, 0.75, 0.77],
    },
    index=pd.Index([0, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.04], name="share"),
)
MONTHS = pd.MultiIndex.from_product([range(8), [False, True]], names=["month", "gift"])
_m, _g = (MONTHS.get_level_values(i).to_numpy(float) for i in (0, 1))
DRIFT = pd.DataFrame({"auc": 0.9966 - 0.0024 * _m * _g, "ratio": 1 + 0.23 * _m * _g}, index=MONTHS)
QUEUE = pd.DataFrame(
    {"fraud": 0.9 - 0.08 * _m * _g, "gift orders": 0.08 * _m * _g, "other honest": 0.1 + 0 * _m}, index=MONTHS
)
RULES = pd.MultiIndex.from_product([[False, True]] * 3, names=["mismatch", "large", "balance"])
_r = [RULES.get_level_values(i).to_numpy(float) for i in range(3)]
INSPECTED = pd.DataFrame(
    {
        "orders inspected": 0.012 + 0.01 * _r[0] + 0.011 * _r[1] + 0.012 * _r[2],
        "fraud of kind B found": 0.01 + 0.02 * _r[1] + 0.77 * _r[2],
    },
    index=RULES,
)


def sources():
    figure, [ax] = fg.canvas("Not one case of pattern B ever gets a label", size=(fg.WIDTH, 3.0))
    fg.stacked_bars(ax, SOURCES, kinds={"no label: silence": "sees"})
    return figure


def grades():
    figure, [ax] = fg.canvas("The team measures a recall of 99.9 %; in truth it is 69.0 %")
    fg.grouped_bars(ax, GRADES, kinds={"as the team sees it": "sees", "in truth": "truth"})
    return figure


def losses():
    figure, [ax] = fg.canvas("The model with the lowest log loss ships 3.8 times the fakes")
    kinds = {"observed labels": "sees", "with 2 % audit": "policy", "every label": "bound"}
    fg.slopes(ax, LOSSES, kinds=kinds)
    return figure


def rates():
    figure, [ax] = fg.canvas("Weighted by what was audited, the rate is right: 2.9 %")
    kinds = dict(zip(RATES.index, ["sees", "sees", "policy", "truth"], strict=True))
    fg.intervals(ax, RATES, truth=0.029, kinds=kinds)
    return figure


def recall():
    figure, [ax] = fg.canvas("2 % of random audits find pattern B; the new ring stays unseen")
    fg.grouped_bars(ax, RECALL, kinds={"before the audit": "sees", "after": "policy"})
    return figure


def splits():
    figure, axes = fg.canvas("A random split promises 5.5 times less log loss", columns=2, size=(fg.WIDTH, 1.8))
    for ax, row in zip(axes, SPLITS.index, strict=True):
        fg.paired_dots(ax, SPLITS.loc[[row]], kinds={"random split": "sees", "time split": "truth"})
    return figure


def dropped():
    figure, [ax] = fg.canvas("Cleaning throws away 27 % of the fraud")
    fg.waterfall(ax, DROPPED, total="fraud that is left", kind="truth", words=fg.percent)
    return figure


def layers():
    figure, [ax] = fg.canvas("Three quarters of the money come from asking what changes if we act")
    fg.waterfall(ax, LAYERS, total="all five layers")
    return figure


def seeds():
    figure, [ax] = fg.canvas("Acting above 0.5 loses money in most of 12 worlds")
    fg.spread(ax, SEEDS, kinds={"rules": "neutral", "act above 0.5": "policy", "clairvoyant": "bound"})
    return figure


STANDING = {f.__name__: f for f in (sources, grades, losses, rates, recall, splits, dropped, layers, seeds)}


def audit(place):
    return fg.band_curve(
        place.subplots(),
        AUDIT,
        xlabel="orders audited at random",
        ylabel="recall of pattern B",
        words=(lambda v: fg.percent(v), lambda v: fg.percent(v, 0)),
        top=("cost of the audit a month", 40_000 * 4.0, fg.money),
    )


def months(place):
    ratio, auc, queue = place.subplots(1, 3, width_ratios=[1, 1, 1.1])
    return fg.together(
        fg.lines_by_setting(ratio, DRIFT["ratio"], x="month", ylabel="promised / actual", level=("kept", 1.0)),
        fg.lines_by_setting(auc, DRIFT["auc"], x="month", ylabel="AUC", words="{:.3f}".format, ylim=(0.5, 1.05)),
        fg.bars_by_setting(
            queue,
            QUEUE,
            kinds={"fraud": "truth", "gift orders": "neutral", "other honest": "neutral"},
            heading="orders in the queue",
            words=lambda v: fg.percent(v, 0),
        ),
    )


def inspected(place):
    return fg.bars_by_setting(
        place.subplots(),
        INSPECTED,
        kinds={"orders inspected": "policy", "fraud of kind B found": "truth"},
        heading="share of all",
    )


THRESHOLDS = pd.Index(np.linspace(0.02, 0.98, 25), name="threshold")
EARNED = pd.DataFrame(
    {
        name: 150_000 * np.exp(-(((THRESHOLDS - peak) / 0.2) ** 2)) - 260_000 * (THRESHOLDS < 0.04)
        for name, peak in {"boosting": 0.08, "regression": 0.1, "balanced": 0.5}.items()
    },
    index=THRESHOLDS,
)


def threshold(place):
    left, right = place.subplots(1, 2)
    kinds = {"boosting": "sees", "regression": "neutral", "balanced": "policy"}
    earned = fg.curves_at(left, EARNED, xlabel="threshold", ylabel="earned", kinds=kinds, level=("do nothing", 0.0))
    words = (fg.plain, fg.percent)
    level = ("nobody leaves", 0.91)
    accuracy = (EARNED + 400_000) / 700_000
    return fg.together(
        earned,
        fg.curves_at(right, accuracy, xlabel="threshold", ylabel="accuracy", kinds=kinds, words=words, level=level),
    )


_grid = [{"mismatch": a, "large": b, "balance": c} for a, b, c in itertools.product([False, True], repeat=3)]
MOVING = {
    "audit": (audit, [{"share": s} for s in (0.0, 0.001, 0.01, 0.0199, 0.021, 0.04)]),
    "months": (months, [{"month": m, "gift": g} for m, g in itertools.product((0, 3, 4, 7), (False, True))]),
    "inspected": (inspected, _grid),
    "threshold": (threshold, [{"threshold": t} for t in (0.02, 0.1, 0.5, 0.977, 0.98)]),
}
TWINS = {
    "audit": {"no audit": {"share": 0.0}, "1 % audited": {"share": 0.01}},
    "inspected": {
        "velocity only": _grid[0],
        "+ address mismatch": _grid[4],
        "+ above $400": _grid[6],
        "+ stored balance": _grid[7],
    },
}
