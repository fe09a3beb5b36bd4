"""Layer 1, data: is the sample like the world, and what was never labelled?

Clean is not representative. Five functions for the questions that come before any model: which columns have moved
(:func:`drift_report`), can a model tell old rows from new ones (:func:`adversarial_validation`), where are there
cases but no labels (:func:`label_coverage`), which cases to label at random (:func:`audit_sample`), and what such an
audit says about all of them (:func:`weighted_rate`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

from mllayers._check import (
    as_binary,
    as_columns,
    as_frame,
    as_integer,
    as_number,
    as_probabilities,
    per_case,
    same_length,
)

__all__ = ["adversarial_validation", "audit_sample", "drift_report", "label_coverage", "weighted_rate"]


Floats = NDArray[Any]


# --- has a column moved? --------------------------------------------------------------------------------------------


def drift_report(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    *,
    columns: Iterable[Hashable] | None = None,
    bins: int = 10,
    alpha: float = 0.05,
    ks: bool = False,
) -> pd.DataFrame:
    """Which columns have moved between two samples by more than chance alone would move them?

    Every column gets its population stability index (PSI) beside the PSI that chance explains *at these sample
    sizes*. A fixed limit cannot do that: two samples of 100 rows from one source exceed 0.1 in 85 % of draws.

    Parameters
    ----------
    reference, current : DataFrame
        The two samples, one row per case. Columns hold numbers, booleans or categories (text); NaN means missing.
    columns : list of column names, optional
        What to compare; by default every column of ``reference``.
    bins : int, default 10
        Cells per numeric column, cut at the quantiles of the reference.
    alpha : float, default 0.05
        The chance that a report on two samples from one source flags *anything at all* (family-wise level).
    ks : bool, default False
        Test numeric columns by the Kolmogorov–Smirnov distance as well, and say how far they have moved (the
        Wasserstein distance); this sorts both samples and takes longer.

    Returns
    -------
    DataFrame
        One row per column, indexed by ``column``, flagged ones first and then by the share of rows that moved:
        ``kind`` (number or category), ``cells`` compared, ``psi``, ``psi_limit`` (flagged from here on), ``tv`` (total
        variation: the share of rows that would have to change cell), if asked for ``ks``, ``ks_limit`` and
        ``wasserstein`` (how far a row has moved in the mean, in the column's own unit), ``missing_reference`` and
        ``missing_current`` (shares), ``p_family`` (smallest p-value times the number of tests in the report),
        ``flagged`` (``p_family <= alpha``) and ``because`` (psi, ks, missing).
        ``attrs`` holds alpha, tests, alpha_per_test, n_reference and n_current.

    Raises
    ------
    TypeError
        When an input is not a frame, or a column holds dates or complex numbers, or numbers here and text there.
    ValueError
        When a column is absent or named twice, a frame is empty, or ``bins`` or ``alpha`` is out of range.

    Notes
    -----
    With shares p_b and q_b of the n and m rows *that are not missing* in cell b of B,
    PSI = Σ (q_b − p_b) ln(q_b / p_b), where p_b = (count_b + ½) / (n + B/2): half a case in every cell keeps the value
    finite when a cell is empty. ``TV = ½ Σ |q_b − p_b|`` takes the plain shares. When nothing moved,
    PSI ~ (1/n + 1/m) · χ² with B − 1 degrees of freedom; with two cells, one expecting fewer than 100 cases on a side,
    the limit is exact instead (hypergeometric).

    Numeric cells lie between exact quantiles of the reference, (e, e'], the outer two open-ended. A value so common
    that two quantiles fall on it has a cell of its own, and so has each value where there are at most ``bins``.
    Cells empty on both sides are dropped; cells that expect fewer than 20 cases in the smaller sample join a neighbour
    (rare categories join each other) until two are left: with less, χ² no longer holds.

    Missing values are a question of their own: the same index on the two cells *missing* and *there*. Each question
    asked – psi, missing where anything is, ks if wanted – is one test at alpha / tests (Bonferroni: holds however the
    columns hang together). KS uses Kolmogorov's limit law, which is cautious in small samples and where values repeat.
    Where one side is float32, both are compared as float32.

    Taught in notebook 01, *Optional: old or new? Adversarial validation*.

    References
    ----------
    Yurdakul (2018), Statistical Properties of Population Stability Index, dissertation, Western Michigan University.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> spring = pd.DataFrame({"amount": rng.lognormal(4, 1, 2_000), "promo": rng.random(2_000) < 0.15})
    >>> summer = pd.DataFrame({"amount": rng.lognormal(4, 1, 2_000), "promo": rng.random(2_000) < 0.25})
    >>> print(drift_report(spring, summer)[["psi", "psi_limit", "flagged"]].round(3).to_string(index_names=False))
              psi  psi_limit  flagged
    promo   0.069      0.005     True
    amount  0.005      0.019    False
    """
    names = _shared_columns(reference, current, columns, ("reference", "current"))
    bins = as_integer(bins, "bins", ge=2)
    alpha = as_number(alpha, "alpha", gt=0, lt=1)
    found = [_compare(reference[name], current[name], name, bins, ks) for name in names]
    tests = sum(len(p_values) for *_, p_values in found)
    level = alpha / tests
    rows = []
    for name, kind, counts, missing, distances, p_values in found:
        row = {"column": name, "kind": kind, "cells": counts.shape[1], "psi": _psi(counts)}
        row |= {"psi_limit": _psi_limit(counts, level), "tv": _tv(counts)}
        if ks:
            spread = np.sqrt((1 / missing[:, 0]).sum()) if "ks" in p_values else np.nan
            row |= {"ks": distances[0], "ks_limit": stats.kstwobign.isf(level) * spread, "wasserstein": distances[1]}
        row |= {"missing_reference": missing[0, 1] / len(reference), "missing_current": missing[1, 1] / len(current)}
        because = [question for question, p in p_values.items() if p <= level]
        row |= {"p_family": min(1.0, tests * min(p_values.values())), "flagged": bool(because)}
        rows.append(row | {"because": ", ".join(because), "moved": np.fmax(_tv(counts), _tv(missing))})
    report = pd.DataFrame(rows).sort_values(["flagged", "moved"], ascending=False, kind="stable")
    report = report.drop(columns="moved").set_index("column")
    report.attrs = {"alpha": alpha, "tests": tests, "alpha_per_test": level}
    report.attrs |= {"n_reference": len(reference), "n_current": len(current)}
    return report


def _shared_columns(first: Any, second: Any, columns: Any, sides: tuple[str, str]) -> list[Hashable]:
    """The columns to compare, each there exactly once in both frames."""
    names = as_columns(as_frame(first, sides[0]).columns if columns is None else columns, "columns")
    for frame, side in zip((first, second), sides, strict=True):
        as_columns(as_frame(frame, side, names).columns, f"{side}.columns")
    return names


def _compare(
    old: pd.Series[Any], new: pd.Series[Any], name: Hashable, bins: int, ks: bool
) -> tuple[Hashable, str, Floats, Floats, tuple[float, float], dict[str, float]]:
    """One column: its kind, cases per cell, missing or not, KS and Wasserstein distance, a p-value per question."""
    kind = _kind((old, new), name)
    a, b = _present(old, new, kind)
    missing = np.array([[len(a), len(old) - len(a)], [len(b), len(new) - len(b)]])
    p_values = {"psi": 1.0}
    distances = np.nan, np.nan
    if kind == "category":
        counts = _count_categories(a, b)
    else:
        a, b = np.sort(a), np.sort(b) if ks else b
        counts = _merge_rare(_count_numbers(a, b, _edges(a, bins), ks))
        if ks and len(a) and len(b):
            distances = _ks(a, b), _wasserstein(a, b)
            p_values["ks"] = float(stats.kstwobign.sf(distances[0] / np.sqrt(1 / len(a) + 1 / len(b))))
    p_values["psi"] = _psi_p(counts)
    if missing[:, 1].any():
        p_values["missing"] = _psi_p(missing)
    return name, kind, counts, missing, distances, p_values


def _kind(sides: tuple[pd.Series[Any], ...], name: Hashable) -> str:
    """Whether a column holds numbers (booleans are 0 and 1) or categories; both sides must agree."""
    kinds = set()
    for column in sides:
        inside = pd.api.types.infer_dtype(column, skipna=True) if column.dtype == object else ""
        if column.isna().all():
            continue
        if column.dtype.kind in "biuf" or inside in ("boolean", "integer", "floating", "mixed-integer-float"):
            kinds.add("number")
        elif isinstance(column.dtype, (pd.CategoricalDtype, pd.StringDtype)) or inside in ("string", "mixed"):
            kinds.add("category")
        else:
            got = inside or column.dtype
            raise TypeError(f"column {name!r} must hold numbers, booleans or text; got {got} (for dates: days since …)")
    if len(kinds) > 1:
        raise TypeError(f"column {name!r} must hold one kind in both frames; got numbers in one and text in the other")
    return kinds.pop() if kinds else "number"


def _numbers(column: pd.Series[Any], dtype: type = np.float64) -> Floats:
    """A numeric column as floats in one piece of memory, missing values as NaN."""
    if column.dtype.kind == "f" and isinstance(column.dtype, np.dtype):
        return np.ascontiguousarray(column.to_numpy(), dtype=dtype)
    values: Floats = column.to_numpy(dtype=dtype, na_value=np.nan)
    return values


def _present(old: pd.Series[Any], new: pd.Series[Any], kind: str) -> tuple[Floats, Floats]:
    """The values of both sides that are not missing."""
    if kind == "category":
        return old.dropna().to_numpy(dtype=object), new.dropna().to_numpy(dtype=object)
    single = np.dtype(np.float32) in (old.dtype, new.dtype)
    a, b = (_numbers(side, np.float32 if single else np.float64) for side in (old, new))
    gaps = (np.isnan(side) for side in (a, b))
    a, b = (side[~gap] if gap.any() else side for side, gap in zip((a, b), gaps, strict=True))
    return a, b


def _edges(ordered: Floats, bins: int) -> Floats:
    """Upper ends of all cells but the last, (e, e'], from sorted values; frequent values get a cell of their own."""
    if len(ordered) == 0:
        return ordered
    first = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    if len(first) < bins:
        cuts = alone = ordered[np.concatenate([[0], first])]
    else:
        cuts = ordered[-(-np.arange(1, bins) * len(ordered) // bins) - 1]
        alone = cuts[1:][cuts[1:] == cuts[:-1]]
    return np.unique(np.concatenate([cuts, np.nextafter(alone, -np.inf)]))


def _count_numbers(a: Floats, b: Floats, edges: Floats, ordered: bool) -> Floats:
    """Cases per cell of the sorted reference and of the current sample: a compare per edge beats a histogram."""
    left = np.searchsorted(a, edges, side="right")
    if ordered:
        right = np.searchsorted(b, edges, side="right")
    else:
        right = np.array([np.count_nonzero(b <= edge) for edge in edges], dtype=np.int64)
    return np.array([np.diff(left, prepend=0, append=len(a)), np.diff(right, prepend=0, append=len(b))])


def _count_categories(a: Floats, b: Floats) -> Floats:
    """Cases per category, frequent ones first, those with fewer than 20 expected in the smaller sample as one."""
    table = pd.concat([pd.Series(side, dtype=object).value_counts() for side in (a, b)], axis=1).fillna(0)
    counts = table.sort_index(key=lambda index: index.map(str)).to_numpy(dtype=np.int64).T
    counts = counts[:, np.argsort(-counts.sum(axis=0), kind="stable")]
    keep = _expected(counts).min(axis=0) >= 20
    return _merge_rare(np.c_[counts[:, keep], counts[:, ~keep].sum(axis=1)])


def _expected(counts: Floats) -> Floats:
    """Cases per cell that each side would have if both came from the same source."""
    expected: Floats = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(1, counts.sum())
    return expected


def _merge_rare(counts: Floats) -> Floats:
    """Cells without empty ones; those expecting fewer than 20 cases join a neighbour, while more than two are left."""
    counts = counts[:, counts.any(axis=0)]
    while counts.shape[1] > 2 and _expected(counts).min() < 20:
        total = counts.sum(axis=0)
        i = int(np.argmin(total))
        j = i - 1 if i == len(total) - 1 or (i > 0 and total[i - 1] <= total[i + 1]) else i
        counts = np.c_[counts[:, :j], counts[:, j : j + 2].sum(axis=1), counts[:, j + 2 :]]
    return counts


def _psi(counts: Floats) -> Any:
    """Population stability index of counts shaped (…, 2, cells), half a case added to each cell."""
    share = (counts + 0.5) / (counts + 0.5).sum(axis=-1, keepdims=True)
    p, q = share[..., 0, :], share[..., 1, :]
    return ((q - p) * np.log(q / p)).sum(axis=-1)


def _tv(counts: Floats) -> float:
    """Total variation distance: the share of rows that would have to change cell."""
    n, m = counts.sum(axis=1)
    return float(np.abs(counts[0] / n - counts[1] / m).sum() / 2) if n and m else np.nan


def _psi_exact(counts: Floats) -> tuple[Floats, Floats] | None:
    """Every PSI that two small cells can give, with its chance given the totals; None where χ² serves."""
    if counts.shape[1] != 2 or _expected(counts).min() >= 100:
        return None
    n, m = counts.sum(axis=1)
    total = counts.sum(axis=0)
    k = np.arange(max(0, total[1] - n), min(total[1], m) + 1)
    tables = np.stack([np.c_[n - total[1] + k, total[1] - k], np.c_[m - k, k]], axis=1)
    return _psi(tables), stats.hypergeom.pmf(k, n + m, total[1], m)


def _psi_p(counts: Floats) -> float:
    """Chance of a PSI at least this large when both sides come from the same source."""
    n, m = counts.sum(axis=1)
    if counts.shape[1] < 2 or n == 0 or m == 0:
        return 1.0
    exact = _psi_exact(counts)
    if exact is not None:
        return float(min(1.0, exact[1][exact[0] >= _psi(counts) * (1 - 1e-9)].sum()))
    return float(stats.chi2.sf(_psi(counts) / (1 / n + 1 / m), counts.shape[1] - 1))


def _psi_limit(counts: Floats, level: float) -> float:
    """The PSI that chance reaches with probability ``level``; infinite where the cases are too few for any evidence."""
    n, m = counts.sum(axis=1)
    if counts.shape[1] < 2 or n == 0 or m == 0:
        return np.nan
    exact = _psi_exact(counts)
    if exact is None:
        return float(stats.chi2.isf(level, counts.shape[1] - 1) * (1 / n + 1 / m))
    values, chances = exact
    tail = np.array([chances[values >= value * (1 - 1e-9)].sum() for value in values])
    return float(values[tail <= level].min(initial=np.inf))


def _ks(a: Floats, b: Floats) -> float:
    """Largest distance between two distribution functions, from sorted values: it lies at a value of the shorter."""
    a, b = (a, b) if len(a) <= len(b) else (b, a)
    i = np.arange(len(a))
    above = (i + 1) / len(a) - np.searchsorted(b, a, side="right") / len(b)
    below = np.searchsorted(b, a, side="left") / len(b) - i / len(a)
    return float(max(above.max(), below.max()))


def _wasserstein(a: Floats, b: Floats) -> float:
    """Area between two distribution functions, from sorted values: the mean distance of rows of one rank."""
    if np.isinf([a[0], a[-1], b[0], b[-1]]).any():
        return np.nan  # no mean
    if len(a) == len(b):
        return float(np.abs(np.subtract(a, b, dtype=np.float64)).mean())
    both = np.sort(np.concatenate([a, b]), kind="stable")
    apart = [np.searchsorted(side, both[:-1], side="right") / len(side) for side in (a, b)]
    return float((np.abs(apart[0] - apart[1]) * np.diff(both)).sum())


# --- can a model tell old from new? ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class AdversarialValidation:
    """How well a model tells old rows from new ones (0.5: not at all), and which columns give it away."""

    auc: float
    se: float
    low: float
    high: float
    n_reference: int
    n_current: int
    drivers: pd.DataFrame

    def __repr__(self) -> str:
        told = "can be told apart" if self.low > 0.5 else "cannot be told apart"
        best = ", ".join(map(str, self.drivers.index[:3]))
        interval = f"95 % interval {self.low:.3f} to {self.high:.3f}"
        return f"AUC {self.auc:.3f} ({interval}): old and new {told}; first columns: {best}"


def adversarial_validation(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    *,
    columns: Iterable[Hashable] | None = None,
    cv: int = 5,
    seed: int = 0,
) -> AdversarialValidation:
    """Can a model tell old rows from new ones, and which columns give them away?

    A small gradient-boosting model learns "old or new?" and is graded on rows it has not seen. An AUC of 0.5 means that
    nothing it can see has moved, alone or in combination; well above, the columns that do the telling come first.

    Parameters
    ----------
    reference, current : DataFrame
        The two samples, at least ``10 * cv`` rows each. Numbers, booleans or categories (text); NaN means missing.
    columns : list of column names, optional
        What the model may see; by default every column of ``reference``. Leave out what moves by nature, as dates do.
    cv : int, default 5
        Number of folds.
    seed : int, default 0
        Decides the folds and the shuffling.

    Returns
    -------
    AdversarialValidation
        ``auc`` (mean over the held-out folds), ``se``, 95 % interval ``low`` and ``high``, ``n_reference``,
        ``n_current``, and ``drivers``: a frame indexed by ``column`` with ``auc_drop``, the fall of the held-out AUC
        when that column is shuffled, and its ``sd`` over the folds, largest drop first.

    Raises
    ------
    TypeError
        When an input is not a frame, or a column holds dates or complex numbers, or numbers here and text there.
    ValueError
        When a column is absent, named twice or infinite, a frame is too short, or ``cv`` or ``seed`` is out of range.

    Notes
    -----
    20 trees of 8 leaves, each split choosing among half of the columns; the 60 most common categories of a column are
    kept apart, the others are one. The drop is measured on up to 10,000 held-out rows per fold. A column loses little
    when others tell the same story, and its drop then varies by draw: read it beside ``tv`` of :func:`drift_report`.

    The standard error takes DeLong's variance v in each fold and Nadeau and Bengio's correction for folds that share
    training rows: se² = (1/cv + 1/(cv − 1)) · mean v. Between samples of 100 or 1,000 rows from one source the interval
    missed 0.5 in 2–5 % of 200 draws each; without the correction in 12–19 %.

    Taught in notebook 01, *Optional: old or new? Adversarial validation*.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44(3). Nadeau and Bengio (2003), Inference for the
    generalization error, Machine Learning 52. Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests, ICLR.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> old = pd.DataFrame({"amount": rng.lognormal(4, 1, 1_000), "new_device": rng.random(1_000) < 0.1})
    >>> new = pd.DataFrame({"amount": rng.lognormal(4, 1, 1_000), "new_device": rng.random(1_000) < 0.3})
    >>> result = adversarial_validation(old, new)
    >>> bool(result.low > 0.5), result.drivers.index[0]
    (True, 'new_device')
    """
    names = _shared_columns(reference, current, columns, ("reference", "current"))
    cv = as_integer(cv, "cv", ge=2)
    seed = as_integer(seed, "seed", ge=0)
    for frame, side in ((reference, "reference"), (current, "current")):
        if len(frame) < 10 * cv:
            raise ValueError(f"{side} must hold at least 10 rows for each of {cv} folds; got {len(frame)}")
    x, categorical = _matrix(reference, current, names)
    y = np.repeat([0, 1], [len(reference), len(current)])
    rng = np.random.default_rng(seed)
    folds = []
    for train, test in StratifiedKFold(cv, shuffle=True, random_state=seed).split(x, y):
        model = _small_model(categorical, seed).fit(x[train], y[train])
        few = rng.permutation(test)[:10_000]
        folds.append((*_auc(model.decision_function(x[test]), y[test]), _importance(model, x[few], y[few], rng)))
    aucs, variances, drops = zip(*folds, strict=True)
    auc = float(np.mean(aucs))
    se = float(np.sqrt(np.mean(variances) * (1 / cv + 1 / (cv - 1))))
    drivers = pd.DataFrame({"auc_drop": np.mean(drops, axis=0), "sd": np.std(drops, axis=0, ddof=1)})
    drivers.index = pd.Index(names, name="column")
    drivers = drivers.sort_values("auc_drop", ascending=False, kind="stable")
    low, high = max(0.0, auc - 1.96 * se), min(1.0, auc + 1.96 * se)
    return AdversarialValidation(auc, se, low, high, len(reference), len(current), drivers)


def _small_model(categorical: list[bool], seed: int) -> Any:
    """Enough trees to see a shift in one column or between a few, few enough to be quick."""
    return HistGradientBoostingClassifier(
        max_iter=20,
        learning_rate=0.2,
        max_leaf_nodes=8,
        max_bins=63,
        max_features=0.5,
        early_stopping=False,
        categorical_features=categorical,
        random_state=seed,
    )


def _matrix(reference: pd.DataFrame, current: pd.DataFrame, names: list[Hashable]) -> tuple[Floats, list[bool]]:
    """Both samples as one table of floats; categories by frequency, those beyond the 60 most common as one."""
    parts, categorical = [], []
    for name in names:
        sides = (reference[name], current[name])
        categorical.append(_kind(sides, name) == "category")
        if categorical[-1]:
            both = pd.concat([side.astype(object) for side in sides])
            rank = both.map({value: i for i, value in enumerate(both.value_counts().index)})
            parts.append(rank.clip(upper=60).to_numpy(np.float64, na_value=np.nan))
        else:
            parts.append(np.concatenate([_numbers(side) for side in sides]))
            if np.isinf(parts[-1]).any():
                raise ValueError(f"column {name!r} must hold finite numbers; got an infinite one")
    return np.column_stack(parts), categorical


def _auc(score: Floats, y: Floats) -> tuple[float, float]:
    """Area under the ROC curve and its variance (DeLong, by ranks)."""
    ranks = stats.rankdata(score)
    n = np.bincount(y)
    over_old = (ranks[y == 1] - stats.rankdata(score[y == 1])) / n[0]
    under_new = 1 - (ranks[y == 0] - stats.rankdata(score[y == 0])) / n[1]
    return float(over_old.mean()), float(over_old.var(ddof=1) / n[1] + under_new.var(ddof=1) / n[0])


def _importance(model: Any, x: Floats, y: Floats, rng: np.random.Generator) -> list[float]:
    """Drop in AUC when one column after the other is shuffled."""
    whole = _auc(model.decision_function(x), y)[0]
    drops = []
    for j in range(x.shape[1]):
        shuffled = x.copy()
        shuffled[:, j] = rng.permutation(x[:, j])
        drops.append(whole - _auc(model.decision_function(shuffled), y)[0])
    return drops


# --- what was never labelled? ---------------------------------------------------------------------------------------


def label_coverage(
    labelled: pd.DataFrame,
    population: pd.DataFrame,
    *,
    columns: Iterable[Hashable],
    bins: int = 10,
    pairs: bool = False,
    min_share: float = 0.005,
    max_ratio: float = 0.5,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Where does the population have cases and the labels have next to none: what are the blind spots?

    Cuts the population into cells, column by column, and compares the labels in each cell with the number that as many
    labels would bring if labelling took no notice of the column. A model trained on the labels knows nothing of a blind
    spot, and no score on those labels can show it.

    Parameters
    ----------
    labelled : DataFrame
        The rows that have a label.
    population : DataFrame
        All rows the labels should speak for, usually with the labelled ones among them.
    columns : list of column names
        What was known of a case before it was labelled: numbers, booleans or categories.
    bins : int, default 10
        Cells per numeric column, cut at the quantiles of the population; missing values are a cell of their own.
    pairs : bool, default False
        Look into every pair of columns as well: a blind spot may show only where two conditions meet.
    min_share : float, default 0.005
        Cells with a smaller share of the population are listed but never called blind.
    max_ratio : float, default 0.5
        A blind spot has at most this part of the labels expected.
    alpha : float, default 0.05
        The chance that labels drawn blindly show any blind spot at all (family-wise level).

    Returns
    -------
    DataFrame
        One row per cell that is not empty, blind spots first, emptiest and then largest on top: ``column``, ``cell``,
        ``population`` and ``share_population``, ``labels`` and ``share_labels``, ``expected`` labels if labelling were
        blind to the column, ``ratio`` = labels / expected, ``p_family`` (chance of so few, times the cells tested;
        NaN where not tested) and ``blind``. ``attrs`` holds alpha and tests.

    Raises
    ------
    TypeError
        When an input is not a frame, or a column holds dates or complex numbers, or numbers here and text there.
    ValueError
        When a column is absent or named twice, a frame is empty, or an option is out of range.

    Notes
    -----
    A cell with share s of the population is blind when P(Binomial(labels in all, s) ≤ labels in the cell), times the
    number of cells tested, is at most ``alpha``, and ``ratio`` at most ``max_ratio``. For one cell without a label that
    is the rule of three: expected > −ln 0.05 ≈ 3. The share s counts as known, so the population should be the larger
    sample; with the labelled rows inside it the test is on the cautious side.

    Taught in notebook 01, *Optional: who is inspected?*.

    References
    ----------
    Hanley and Lippman-Hand (1983), If nothing goes wrong, is everything all right?, JAMA 249(13): the rule of three.

    Examples
    --------
    >>> orders = pd.DataFrame({"digital": [True] * 100 + [False] * 900, "amount": list(range(1000))})
    >>> inspected = orders[~orders["digital"]].iloc[::3]
    >>> label_coverage(inspected, orders, columns=["digital"])[["cell", "population", "labels", "expected", "blind"]]
        cell  population  labels  expected  blind
    0   True         100       0      30.0   True
    1  False         900     300     270.0  False
    """
    names = _shared_columns(labelled, population, columns, ("labelled", "population"))
    bins = as_integer(bins, "bins", ge=2)
    min_share, max_ratio = as_number(min_share, "min_share", ge=0, lt=1), as_number(max_ratio, "max_ratio", gt=0, le=1)
    alpha = as_number(alpha, "alpha", gt=0, lt=1)
    cells = {name: _cells(labelled[name], population[name], name, bins) for name in names}
    tables = [_cell_table(str(name), *cells[name]) for name in names]
    for one, two in combinations(names if pairs else [], 2):
        tables.append(_cell_table(f"{one} & {two}", *_cross(cells[one], cells[two])))
    table = pd.concat(tables, ignore_index=True)
    share = table["population"] / len(population)
    table.insert(3, "share_population", share)
    table["share_labels"] = table["labels"] / len(labelled)
    table["expected"] = share * len(labelled)
    table["ratio"] = table["labels"] / table["expected"]
    tested = share >= min_share
    chance = stats.binom.cdf(table["labels"], len(labelled), share)
    table["p_family"] = np.where(tested, np.minimum(1, chance * tested.sum()), np.nan)
    table["blind"] = (table["p_family"] <= alpha) & (table["ratio"] <= max_ratio)
    worst = ["blind", "ratio", "share_population"]
    table = table.sort_values(worst, ascending=[False, True, False], kind="stable", ignore_index=True)
    table.attrs = {"alpha": alpha, "tests": int(tested.sum())}
    return table


def _cells(
    labelled: pd.Series[Any], population: pd.Series[Any], name: Hashable, bins: int
) -> tuple[Floats, Floats, list[str]]:
    """The cell of every labelled row and of every row of the population, and the cells' names; missing comes last."""
    if _kind((labelled, population), name) == "category" or population.dtype == bool:
        every = population.dropna().astype(object).value_counts().index
        codes = [every.get_indexer(pd.Index(side, dtype=object)) for side in (labelled, population)]
        names = [str(value) for value in every]
        gaps = [side.isna().to_numpy() for side in (labelled, population)]
    else:
        old, new = _numbers(labelled), _numbers(population)
        gaps = [np.isnan(side) for side in (old, new)]
        ordered = np.sort(new[~gaps[1]])
        edges = _edges(ordered, bins)
        codes = [np.searchsorted(edges, side, side="left") for side in (old, new)]
        ends = np.searchsorted(ordered, edges, side="right")
        parts = np.split(ordered, ends)
        names = ["" if len(part) == 0 else _span(part[0], part[-1]) for part in parts]
    inside, everywhere = (np.where(gap, len(names), code) for gap, code in zip(gaps, codes, strict=True))
    return inside, everywhere, [*names, "missing"]


def _span(low: float, high: float) -> str:
    """A cell in words: its one value, or the first and the last."""
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _cross(
    one: tuple[Floats, Floats, list[str]], two: tuple[Floats, Floats, list[str]]
) -> tuple[Floats, Floats, list[str]]:
    """The cells where two columns meet; a label in no cell of the population (code −1) stays in none."""
    k = len(two[2])
    labelled, population = (np.where((a < 0) | (b < 0), -1, a * k + b) for a, b in zip(one[:2], two[:2], strict=True))
    return labelled, population, [f"{a} & {b}" for a in one[2] for b in two[2]]


def _cell_table(column: str, labelled: Floats, population: Floats, names: list[str]) -> pd.DataFrame:
    """Cases and labels in every cell that has a case."""
    cases = np.bincount(population, minlength=len(names))
    labels = np.bincount(labelled[labelled >= 0], minlength=len(names))
    there = np.flatnonzero(cases)
    cell = [names[i] for i in there]
    return pd.DataFrame({"column": column, "cell": cell, "population": cases[there], "labels": labels[there]})


# --- the random audit -----------------------------------------------------------------------------------------------


def audit_sample(
    n: int,
    share: ArrayLike,
    *,
    eligible: ArrayLike | None = None,
    seed: int | np.random.Generator,
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which cases to label at random, so that what was never caught gets a chance to be seen?

    Every eligible case is drawn by its own toss of a coin, so the propensity is exact and known beforehand.

    Parameters
    ----------
    n : int
        Number of cases.
    share : float or array of shape (n,)
        Chance of each eligible case to be drawn, in (0, 1]; one per case to look harder where a miss is dear.
    eligible : array of bool, shape (n,), optional
        Cases that may be drawn, for example those that no rule inspects anyway; by default all.
    seed : int or numpy Generator
        Source of the draw: keep it with the audit, so that the draw can be repeated.

    Returns
    -------
    mask : array of bool, shape (n,)
        True where the case is drawn.
    propensity : array of float, shape (n,)
        The chance it had: ``share`` where eligible, 0 elsewhere.

    Raises
    ------
    TypeError, ValueError
        When ``n`` is not a whole number ≥ 1, ``share`` lies outside (0, 1], or ``eligible`` is not n booleans.

    Notes
    -----
    A Bernoulli design (Poisson, with one share per case): the number drawn varies by about √(n · share), in exchange
    for a variance formula without joint propensities, which :func:`weighted_rate` uses. The draw of a case does not
    depend on who else is eligible. Cases that a rule labels for certain enter ``weighted_rate`` with propensity 1.

    Taught in notebook 01, *What happened*.

    References
    ----------
    Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, section 3.5: Poisson sampling.

    Examples
    --------
    >>> mask, propensity = audit_sample(6, 0.5, eligible=[True, True, True, True, False, False], seed=1)
    >>> mask
    array([False, False,  True, False, False, False])
    >>> propensity
    array([0.5, 0.5, 0.5, 0.5, 0. , 0. ])
    """
    n = as_integer(n, "n", ge=1)
    chance = np.broadcast_to(per_case(share, n, "share"), n)
    outside = (chance <= 0) | (chance > 1)
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(f"share must lie in (0, 1]; got {chance[row]:g} at row {row}")
    may = np.ones(n) if eligible is None else as_binary(eligible, "eligible")
    if len(may) != n:
        raise ValueError(f"eligible must hold {n} booleans, one per case; got {len(may)}")
    propensity = chance * may
    if not isinstance(seed, np.random.Generator):
        seed = np.random.default_rng(as_integer(seed, "seed", ge=0))
    return seed.random(n) < propensity, propensity


@dataclass(frozen=True, repr=False)
class WeightedRate:
    """A rate in a population, estimated from labels with known propensities."""

    hajek: float
    se: float
    low: float
    high: float
    ht: float
    se_ht: float
    n: int
    n_labels: int
    n_eff: float
    n_never: int

    def __repr__(self) -> str:
        never = f"; {self.n_never:,} cases that could not be labelled are left out" if self.n_never else ""
        return (
            f"rate {self.hajek:.4f} (95 % interval {self.low:.4f} to {self.high:.4f}; Horvitz–Thompson {self.ht:.4f}) "
            f"of {self.n:,} cases from {self.n_labels:,} labels worth {self.n_eff:,.0f}{never}"
        )


def weighted_rate(y: ArrayLike, propensity: ArrayLike, *, population: int | None = None) -> WeightedRate:
    """What is the rate among all cases, when only some have a label and each had a known chance of getting one?

    The plain mean of the labels answers for the labelled. Weighting every label by 1 / propensity answers for everyone
    who could have been labelled.

    Parameters
    ----------
    y : array of shape (n,)
        The outcome, 0 or 1; NaN where there is no label.
    propensity : float or array of shape (n,)
        Chance in [0, 1] that the case got its label *by design*: the audit share, 1 where a rule inspects for certain,
        0 where a label was impossible.
    population : int, optional
        Number of cases that could have been labelled. By default ``y`` has one entry for every case; with
        ``population`` it holds the labelled ones alone.

    Returns
    -------
    WeightedRate
        ``hajek`` estimate with ``se`` and 95 % interval ``low``, ``high``; ``ht`` (Horvitz–Thompson) with ``se_ht``;
        ``n`` cases with a chance of a label, ``n_labels``, ``n_eff`` (effective sample size), and ``n_never``: cases
        with propensity 0, of which no sample can say anything and which the rate leaves out.

    Raises
    ------
    TypeError
        When an input is not numeric.
    ValueError
        When ``y`` is not 0, 1 or NaN or has no label; ``propensity`` is outside [0, 1]; a label has propensity 0, or a
        case with propensity 1 has none; lengths differ; or ``population`` is below the number of labels.

    Notes
    -----
    With weights w = 1/π over the labelled cases: HT = (1/n) Σ w y with variance (1/n²) Σ (1 − π) w² y²; Hájek
    R = Σ w y / Σ w with variance Σ (1 − π) w² (y − R)² / (Σ w)²; n_eff = (Σ w)² / Σ w². The variances are those of
    independent draws (:func:`audit_sample`). Hájek is the steadier one when the rate is high or the sample size varies.

    The interval is Korn and Graubard's, applied to the cases left to chance (π < 1): Clopper–Pearson limits for rate r
    in n* = r (1 − r) / se² labels; without any event (or with nothing else) n* is their effective sample size, which
    gives the rule of three. The normal interval reaches too low when events are few. In simulations with one audit
    share it covered 95–97 % with 4 to 46 audited events and 98–99 % with 1 to 2 (normal: 91–95 % and 68–89 %); with
    propensities from 0.005 to 0.8, 93–94 % (normal: 88–92 %). No interval sees the one event of large weight that was
    not drawn: do not give a part of the cases a far smaller propensity than the rest.

    Taught in notebook 01, *Optional: estimate what you cannot see*.

    References
    ----------
    Horvitz and Thompson (1952), JASA 47(260). Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling,
    sections 3.5 and 5.7. Korn and Graubard (1998), Survey Methodology 24(2), 193–201: intervals for small counts.

    Examples
    --------
    Ten orders were inspected for certain, 90 more had a chance of 0.1 each; nine of those were drawn.

    >>> y = np.full(100, np.nan)
    >>> y[:10] = [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]
    >>> y[10:100:10] = [1, 0, 0, 0, 0, 0, 0, 0, 0]
    >>> weighted_rate(y, np.r_[np.ones(10), np.full(90, 0.1)])
    rate 0.1700 (95 % interval 0.0731 to 0.4895; Horvitz–Thompson 0.1700) of 100 cases from 19 labels worth 11
    """
    outcome = as_binary(y, "y", missing=population is None)
    chance = np.broadcast_to(per_case(propensity, len(outcome), "propensity"), len(outcome))
    chance = as_probabilities(chance, "propensity")
    same_length(y=outcome, propensity=chance)
    known = ~np.isnan(outcome)
    for wrong, says in (
        (known & (chance == 0), "be above 0 where y has a label; got 0"),
        (~known & (chance == 1), "be below 1 where y has no label, since 1 means it is certain; got 1"),
    ):
        if wrong.any():
            raise ValueError(f"propensity must {says} at row {int(np.argmax(wrong))}")
    if not known.any():
        raise ValueError("y must hold at least one label; got only NaN")
    n = int((chance > 0).sum()) if population is None else as_integer(population, "population", ge=len(outcome))
    label, pi = outcome[known], chance[known]
    w = 1 / pi
    rate = float((w * label).sum() / w.sum())
    se = float(np.sqrt(((1 - pi) * (w * (label - rate)) ** 2).sum()) / w.sum())
    se_ht = float(np.sqrt(((1 - pi) * (w * label) ** 2).sum()) / n)
    low, high = _rate_interval(label, w, se)
    return WeightedRate(
        hajek=rate, se=se, low=low, high=high, ht=float((w * label).sum() / n), se_ht=se_ht,
        n=n, n_labels=len(label), n_eff=float(w.sum() ** 2 / (w**2).sum()), n_never=int((chance == 0).sum()),
    )  # fmt: skip


def _rate_interval(y: Floats, w: Floats, se: float) -> tuple[float, float]:
    """Korn–Graubard limits (95 %) for the weighted rate: chance enters only through the labels with weight above 1."""
    drawn = w > 1
    certain = float(y[~drawn].sum() / w.sum())
    if not drawn.any():
        return certain, certain
    share = float(w[drawn].sum() / w.sum())
    rate = float((w * y)[drawn].sum() / w[drawn].sum())
    size = float(w[drawn].sum() ** 2 / (w[drawn] ** 2).sum())
    if 0 < rate < 1:
        size = rate * (1 - rate) / (se / share) ** 2
    low = float(stats.beta.ppf(0.025, rate * size, size - rate * size + 1)) if rate > 0 else 0.0
    high = float(stats.beta.ppf(0.975, rate * size + 1, size - rate * size)) if rate < 1 else 1.0
    return certain + share * low, certain + share * high
