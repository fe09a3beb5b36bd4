"""Has a column moved between two samples by more than chance alone would move it?"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit, gammaln

from mllayers._check import as_flag, as_integer, as_number
from mllayers._results import Result
from mllayers._words import count
from mllayers.data._columns import (
    AnyArray,
    ColumnPair,
    compare_column,
    edges_of,
    edges_of_unsorted,
    left_out_why,
    open_pair,
)


@dataclass(frozen=True, eq=False, repr=False)
class DriftReport(Result):
    """Which columns have moved between two samples: ``frame()`` has a row for each.

    ``alpha`` holds for the whole report and is shared by ``tests`` tests, ``alpha_per_test`` each. ``n_reference`` and
    ``n_current`` are the rows; ``flagged`` lists the columns that have moved, the worst first; ``left_out`` says of
    columns whose values are not compared (ids, times in text) what to do with them.
    """

    table: pd.DataFrame
    alpha: float
    tests: int
    alpha_per_test: float
    n_reference: int
    n_current: int
    flagged: list[Hashable]
    left_out: dict[str, str]

    def _line(self) -> str:
        moved = self.table[self.table["flagged"]].head(5)
        told = ", ".join(f"{name} ({why})" for name, why in moved["because"].items())
        more = f" and {len(self.flagged) - 5} more" if len(self.flagged) > 5 else ""
        out = f"; values not compared: {', '.join(self.left_out)}" if self.left_out else ""
        at = f"at a level of {self.alpha:g} for all of them together"
        told = f": {told}{more}" if told else ""
        return f"{len(self.flagged)} of {count(len(self.table), 'column')} moved, {at}{told}{out}"

    def frame(self) -> pd.DataFrame:
        """A row for each column, flagged ones first and then by the share of rows that moved."""
        return self.table.copy()


def drift_report(
    reference: Any,
    current: Any,
    *,
    columns: Iterable[Hashable] | None = None,
    bins: int = 10,
    alpha: float = 0.05,
    ks: bool = False,
) -> DriftReport:
    """Which columns have moved between two samples by more than chance alone would move them?

    Every column gets its population stability index (PSI) beside the PSI that chance explains *at these sample
    sizes*. A fixed limit cannot do that: two samples of 100 rows from one source, cut into ten raw cells, exceed 0.1 in
    85 % of draws. The cells compared here are larger for that reason, and even they exceed it in 12 % (number columns,
    three cells; 12 % of draws of 200 rows, too), and in 2 % of draws of 400 rows.

    Parameters
    ----------
    reference, current : DataFrame (pandas, Polars or Arrow)
        The two samples, one row per case. Columns hold numbers (``Decimal`` too), booleans or categories (text); NaN
        means missing. Dates and durations are refused: compare a number, such as days since a date.
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
    DriftReport
        ``frame()`` has one row per column, indexed by ``column``, flagged ones first and then by the share of rows that
        moved: ``kind`` (number, category, id or time), ``cells`` compared, ``psi``, ``psi_limit`` (flagged from here
        on), ``tv`` (total variation: the share of rows that would have to change cell), if asked for ``ks``,
        ``ks_limit`` and ``wasserstein`` (how far a row has moved in the mean, in the column's own unit), for text
        ``unseen`` (share of the current rows whose value the reference lacks) and ``unseen_by_chance`` (the share to be
        expected when nothing moved), ``missing_reference`` and ``missing_current`` (shares), ``p_family`` (smallest
        p-value times the number of tests in the report; NaN where nothing is tested), ``flagged`` (``p_family <=
        alpha``) and ``because`` (psi, ks, unseen, missing). Attributes: ``alpha``, ``tests``, ``alpha_per_test``,
        ``n_reference``, ``n_current``, ``flagged`` (the columns that moved) and ``left_out`` (ids and times in text,
        and what to do with them).

    Raises
    ------
    TypeError
        When an input is not a frame, or a column holds dates, durations, complex numbers or a mixture, or numbers here
        and text there.
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
    asked – psi, unseen for categories, missing where anything is, ks if wanted – is one test at alpha / tests
    (Bonferroni: holds however the columns hang together). KS uses Kolmogorov's limit law, which is cautious in small
    samples and where values repeat.

    Unseen values: when nothing moved, a value with c copies in both samples is unseen with chance at most (m/(n+m))^c,
    and the p-value is Chernoff's bound on the number of rows so found, which holds for samples drawn without
    replacement, too (Hoeffding). So a long tail of rare values, of which some are always new, raises no alarm.

    Numbers of two types are compared in the coarser one (float16, float32, float64, whole numbers): what a change of
    the column's type rounds away has not moved. Text of which nearly every value is distinct in both samples (an id),
    or which is a time throughout, is named as such; only its missing values are compared.

    Taught in notebook 01, *Optional: old or new? Adversarial validation*.

    References
    ----------
    Yurdakul (2018), Statistical Properties of Population Stability Index, dissertation, Western Michigan University.
    Hoeffding (1963), Probability inequalities for sums of bounded random variables, JASA 58(301), section 6.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> spring = pd.DataFrame({"amount": rng.lognormal(4, 1, 2_000), "promo": rng.random(2_000) < 0.15})
    >>> summer = pd.DataFrame({"amount": rng.lognormal(4, 1, 2_000), "promo": rng.random(2_000) < 0.25})
    >>> report = drift_report(spring, summer)
    >>> report
    1 of 2 columns moved, at a level of 0.05 for all of them together: promo (psi)
    >>> print(report.frame()[["psi", "psi_limit", "flagged"]].round(3).to_string(index_names=False))
              psi  psi_limit  flagged
    promo   0.069      0.005     True
    amount  0.005      0.019    False
    """
    one, two, names = open_pair(reference, current, columns, ("reference", "current"))
    bins = as_integer(bins, "bins", ge=2)
    alpha = as_number(alpha, "alpha", gt=0, lt=1)
    ks = as_flag(ks, "ks")
    found = {name: _compared_column(compare_column(one[name], two[name], name), bins, ks) for name in names}
    return _report_of(found, len(one), len(two), alpha=alpha, ks=ks)


def _report_of(
    found: Mapping[Hashable, _Column], n_reference: int, n_current: int, *, alpha: float, ks: bool
) -> DriftReport:
    """The report on columns that were compared."""
    tests = sum(len(column.p_values) for column in found.values())
    level = alpha / max(tests, 1)
    rows = []
    for name, column in found.items():
        counts, missing, p_values = column.counts, column.missing, column.p_values
        row = {"column": name, "kind": column.kind, "cells": counts.shape[1], "psi": np.nan, "psi_limit": np.nan}
        row |= {"tv": np.nan}
        if "psi" in p_values:
            row |= {"psi": _psi(counts), "psi_limit": _psi_limit(counts, level), "tv": _tv(counts)}
        if ks:
            spread = np.sqrt((1 / missing[:, 0]).sum()) if "ks" in p_values else np.nan
            row |= {"ks": column.ks, "ks_limit": stats.kstwobign.isf(level) * spread, "wasserstein": column.wasserstein}
        row |= {"unseen": column.unseen, "unseen_by_chance": column.by_chance}
        row |= {"missing_reference": missing[0, 1] / n_reference, "missing_current": missing[1, 1] / n_current}
        because = [question for question, p in p_values.items() if p <= level]
        p_family = float(np.minimum(1.0, tests * min(p_values.values(), default=np.nan)))  # nothing tested: NaN
        row |= {"p_family": p_family, "flagged": bool(because)}
        moved = np.nanmax([row["tv"], _tv(missing), column.unseen - column.by_chance if "unseen" in p_values else 0.0])
        rows.append(row | {"because": ", ".join(because), "moved": moved})
    table = pd.DataFrame(rows).sort_values(["flagged", "moved"], ascending=False, kind="stable")
    table = table.drop(columns="moved").set_index("column")
    kinds = {str(name): column.kind for name, column in found.items()}
    return DriftReport(
        table=table,
        alpha=alpha,
        tests=tests,
        alpha_per_test=level,
        n_reference=n_reference,
        n_current=n_current,
        flagged=list(table.index[table["flagged"]]),
        left_out={name: left_out_why(kind) for name, kind in kinds.items() if left_out_why(kind)},
    )


@dataclass(frozen=True)
class _Column:
    """What the comparison of one column found: cases per cell, missing or there, distances, a p-value per question."""

    kind: str
    counts: AnyArray
    missing: AnyArray
    p_values: dict[str, float]
    ks: float = np.nan
    wasserstein: float = np.nan
    unseen: float = np.nan
    by_chance: float = np.nan


def _compared_column(pair: ColumnPair, bins: int, ks: bool) -> _Column:
    """Every question that is asked of one column, with its answer."""
    a, b = pair.values
    hidden = [0 if gap is None else int(gap.sum()) for gap in pair.gaps]
    if pair.kind != "number":
        table = np.array([np.bincount(side.astype(np.intp), minlength=len(pair.names)) for side in (a, b)])
        return _column_of(pair.kind, table, pair.names, hidden)
    if ks:
        a, b = np.sort(a), np.sort(b)
    edges = edges_of(a, bins) if ks else edges_of_unsorted(a, bins)
    found = _column_of("number", _count_numbers(a, b, edges, ks), [], hidden)
    if not (ks and len(a) and len(b)):
        return found
    apart, moved = _ks(a, b), _wasserstein(a, b)
    p = float(stats.kstwobign.sf(apart / np.sqrt(1 / len(a) + 1 / len(b))))
    questions = {"psi": found.p_values["psi"], "ks": p, **found.p_values}
    return replace(found, p_values=questions, ks=apart, wasserstein=moved)


def _column_of(kind: str, table: AnyArray, names: list[Any], hidden: Sequence[int]) -> _Column:
    """What two rows of counts say of a column: by cell of the numbers, or by value (with their names).

    ``hidden`` are the rows of both samples that have no value.
    """
    missing = np.array([[int(there), gone] for there, gone in zip(table.sum(axis=1), hidden, strict=True)])
    p_values: dict[str, float] = {}
    unseen = by_chance = np.nan
    counts = np.zeros((2, 0), dtype=np.int64)
    if kind == "number":
        counts = _merge_rare(table)
        p_values["psi"] = _psi_p(counts)
    else:
        unseen, by_chance, p = _unseen(table)
        if kind == "category":
            counts = _count_categories(table, names)
            p_values |= {"psi": _psi_p(counts), "unseen": p}
    if missing[:, 1].any():
        p_values["missing"] = _psi_p(missing)
    return _Column(kind, counts, missing, p_values, unseen=unseen, by_chance=by_chance)


def _count_numbers(a: AnyArray, b: AnyArray, edges: AnyArray, ordered: bool) -> AnyArray:
    """Cases per cell of both samples; unless they are sorted, a compare per edge beats a histogram."""
    below = []
    for side in (a, b):
        if ordered:
            below.append(np.searchsorted(side, edges, side="right"))
        else:
            below.append(np.array([np.count_nonzero(side <= edge) for edge in edges], dtype=np.int64))
    return np.array([np.diff(cut, prepend=0, append=len(side)) for cut, side in zip(below, (a, b), strict=True)])


def _count_categories(table: AnyArray, names: list[Any]) -> AnyArray:
    """Cases per category, frequent ones first, those with fewer than 20 expected in the smaller sample as one."""
    keep = _expected(table).min(axis=0) >= 20
    frequent = np.flatnonzero(keep)
    order = sorted(frequent, key=lambda i: (-int(table[:, i].sum()), str(names[i])))
    return _merge_rare(np.c_[table[:, order], table[:, ~keep].sum(axis=1)])


def _unseen(table: AnyArray) -> tuple[float, float, float]:
    """Share of the current rows whose value the reference lacks, the share that chance explains, and a p-value."""
    n, m = (int(side) for side in table.sum(axis=1))
    if n == 0 or m == 0:
        return np.nan, np.nan, 1.0
    rows = int(table[1, table[0] == 0].sum())
    total = table.sum(axis=0)
    copies, values = np.unique(total[total > 0], return_counts=True)
    fit = copies <= m
    chance = gammaln(m + 1) - gammaln(m - copies[fit] + 1) - gammaln(n + m + 1) + gammaln(n + m - copies[fit] + 1)
    by_chance = float((values[fit] * copies[fit] * np.exp(chance)).sum()) / m
    return rows / m, by_chance, _unseen_p(rows, copies, values, m / (n + m))


def _unseen_p(rows: int, copies: AnyArray, values: AnyArray, share: float) -> float:
    """A bound on the chance of so many rows with unseen values (Chernoff; Hoeffding 1963, section 6).

    ``values[i]`` different values occur ``copies[i]`` times in both samples together. When nothing moved, each row is
    a current one with chance ``share``, and a value is unseen when all its copies are.
    """
    if rows == 0:
        return 1.0
    log_p = copies * np.log(share)
    small = log_p > -60  # the others: one of them unseen by chance is as good as impossible, and counted as it is
    c, f, log_p, rare = copies[small], values[small], log_p[small], float((values * np.exp(log_p))[~small].sum())
    most = int((f * c).sum())
    if rows > most:
        return min(1.0, rare)
    if rows == most:
        return min(1.0, rare + float(np.exp((f * log_p).sum())))
    log_not = np.log1p(-np.exp(log_p))
    if rows <= (f * c * np.exp(log_p)).sum():
        return 1.0
    low, high = 0.0, 1.0
    while (f * c * expit(log_p - log_not + c * high)).sum() < rows and high < 1e4:
        low, high = high, 2 * high
    for _ in range(60):
        t = (low + high) / 2
        low, high = (t, high) if (f * c * expit(log_p - log_not + c * t)).sum() < rows else (low, t)
    bound = (f * np.logaddexp(log_not, log_p + c * high)).sum() - high * rows
    return min(1.0, rare + float(np.exp(min(0.0, bound))))


def _expected(counts: AnyArray) -> AnyArray:
    """Cases per cell that each side would have if both came from the same source."""
    expected: AnyArray = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(1, counts.sum())
    return expected


def _merge_rare(counts: AnyArray) -> AnyArray:
    """Cells without empty ones; those expecting fewer than 20 cases join a neighbour, while more than two are left."""
    counts = counts[:, counts.any(axis=0)]
    while counts.shape[1] > 2 and _expected(counts).min() < 20:
        total = counts.sum(axis=0)
        i = int(np.argmin(total))
        j = i - 1 if i == len(total) - 1 or (i > 0 and total[i - 1] <= total[i + 1]) else i
        counts = np.c_[counts[:, :j], counts[:, j : j + 2].sum(axis=1), counts[:, j + 2 :]]
    return counts


def _psi(counts: AnyArray) -> Any:
    """Population stability index of counts shaped (…, 2, cells), half a case added to each cell."""
    share = (counts + 0.5) / (counts + 0.5).sum(axis=-1, keepdims=True)
    p, q = share[..., 0, :], share[..., 1, :]
    return ((q - p) * np.log(q / p)).sum(axis=-1)


def _tv(counts: AnyArray) -> float:
    """Total variation distance: the share of rows that would have to change cell."""
    n, m = counts.sum(axis=1)
    return float(np.abs(counts[0] / n - counts[1] / m).sum() / 2) if n and m else np.nan


def _psi_exact(counts: AnyArray) -> tuple[AnyArray, AnyArray] | None:
    """Every PSI that two small cells can give, with its chance given the totals; None where χ² serves."""
    if counts.shape[1] != 2 or _expected(counts).min() >= 100:
        return None
    n, m = counts.sum(axis=1)
    total = counts.sum(axis=0)
    k = np.arange(max(0, total[1] - n), min(total[1], m) + 1)
    tables = np.stack([np.c_[n - total[1] + k, total[1] - k], np.c_[m - k, k]], axis=1)
    return _psi(tables), stats.hypergeom.pmf(k, n + m, total[1], m)


def _psi_p(counts: AnyArray) -> float:
    """Chance of a PSI at least this large when both sides come from the same source."""
    n, m = counts.sum(axis=1)
    if counts.shape[1] < 2 or n == 0 or m == 0:
        return 1.0
    exact = _psi_exact(counts)
    if exact is not None:
        return float(min(1.0, exact[1][exact[0] >= _psi(counts) * (1 - 1e-9)].sum()))
    return float(stats.chi2.sf(_psi(counts) / (1 / n + 1 / m), counts.shape[1] - 1))


def _psi_limit(counts: AnyArray, level: float) -> float:
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


def _ks(a: AnyArray, b: AnyArray) -> float:
    """Largest distance between two distribution functions, from sorted values: it lies at a value of the shorter."""
    a, b = (a, b) if len(a) <= len(b) else (b, a)
    i = np.arange(len(a))
    above = (i + 1) / len(a) - np.searchsorted(b, a, side="right") / len(b)
    below = np.searchsorted(b, a, side="left") / len(b) - i / len(a)
    return float(max(above.max(), below.max()))


def _wasserstein(a: AnyArray, b: AnyArray) -> float:
    """Area between two distribution functions, from sorted values: the mean distance of rows of one rank."""
    try:
        a, b = a.astype(np.float64, copy=False), b.astype(np.float64, copy=False)
    except OverflowError:
        return np.nan  # whole numbers too large for a mean
    if np.isinf([a[0], a[-1], b[0], b[-1]]).any():
        return np.nan  # no mean
    if len(a) == len(b):
        return float(np.abs(a - b).mean())
    both = np.sort(np.concatenate([a, b]), kind="stable")
    apart = [np.searchsorted(side, both[:-1], side="right") / len(side) for side in (a, b)]
    return float((np.abs(apart[0] - apart[1]) * np.diff(both)).sum())
