"""Where does the population have cases and the labels have next to none?"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from mllayers._check import as_flag, as_integer, as_number
from mllayers._results import Result
from mllayers._words import count
from mllayers.data._columns import AnyArray, ColumnPair, compare_column, edges_of, left_out_why, open_pair


@dataclass(frozen=True, eq=False, repr=False)
class LabelCoverage(Result):
    """Where labels are missing: ``frame()`` has a row for each cell of the population, blind spots first.

    ``alpha`` holds for all ``tests`` cells tested together. ``n_labelled`` and ``n_population`` are the rows; ``unmet``
    counts, for each column or pair, the labels that meet no cell of the population (values that it does not have);
    ``left_out`` says of columns that are not cut into cells (ids, times in text) what to do with them.
    """

    table: pd.DataFrame
    alpha: float
    tests: int
    n_labelled: int
    n_population: int
    unmet: dict[str, int]
    left_out: dict[str, str]

    def _line(self) -> str:
        blind = self.table[self.table["blind"]].head(3)
        told = [
            f"{row.column} = {row.cell} ({row.labels:,} of {row.expected:,.0f} expected labels)"
            for row in blind.itertuples()
        ]
        spots = int(self.table["blind"].sum())
        line = f"{count(spots, 'blind spot')} in {count(len(self.table), 'cell')}"
        line += f": {', '.join(told)}" + (f" and {spots - 3} more" if spots > 3 else "") if told else ""
        strangers = [f"{n:,} of {name}" for name, n in self.unmet.items() if n and " & " not in name]
        line += f"; labels that meet no cell of the population: {', '.join(strangers)}" if strangers else ""
        return line + (f"; not cut into cells: {', '.join(self.left_out)}" if self.left_out else "")

    def frame(self) -> pd.DataFrame:
        """A row for each cell, blind spots first, emptiest and then largest on top."""
        return self.table.copy()


def label_coverage(
    labelled: Any,
    population: Any,
    *,
    columns: Iterable[Hashable],
    bins: int = 10,
    pairs: bool = False,
    min_share: float = 0.005,
    max_ratio: float = 0.5,
    alpha: float = 0.05,
) -> LabelCoverage:
    """Where does the population have cases and the labels have next to none: what are the blind spots?

    Cuts the population into cells, column by column, and compares the labels in each cell with the number that as many
    labels would bring if labelling took no notice of the column. A model trained on the labels knows nothing of a blind
    spot, and no score on those labels can show it.

    Parameters
    ----------
    labelled : DataFrame (pandas, Polars or Arrow)
        The rows that have a label.
    population : DataFrame (pandas, Polars or Arrow)
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
    LabelCoverage
        ``frame()`` has one row per cell that is not empty, blind spots first, emptiest and then largest on top:
        ``column``, ``cell`` (exact values; text that could be misread in quotes), ``population`` and
        ``share_population``, ``labels`` and ``share_labels``, ``expected`` labels if labelling were blind to the
        column, ``ratio`` = labels / expected, ``p_family`` (chance of so few, times the cells tested; NaN where not
        tested) and ``blind``. Attributes: ``alpha``, ``tests``, ``n_labelled``, ``n_population``, ``unmet`` (for each
        column or pair, the labels whose value the population does not have: they are in no cell) and ``left_out``
        (ids and times in text, and what to do with them).

    Raises
    ------
    TypeError
        When an input is not a frame, or a column holds dates, durations, complex numbers or a mixture, or numbers here
        and text there.
    ValueError
        When a column is absent or named twice, a frame is empty, an option is out of range, no label has a value that
        the population has (another unit, keys written in another way), or all columns are ids or times in text.

    Notes
    -----
    A cell with share s of the population is blind when P(Binomial(labels in all, s) ≤ labels in the cell), times the
    number of cells tested, is at most ``alpha``, and ``ratio`` at most ``max_ratio``. For one cell without a label that
    is the rule of three: expected > −ln 0.05 ≈ 3. The share s counts as known, so the population should be the larger
    sample; with the labelled rows inside it the test is on the cautious side.

    Numbers are cut at quantiles of the population, (e, e'], as in :func:`drift_report`, and named by the first and last
    value there is; numbers of two types are compared in the coarser one. A label outside the range of the population,
    or of a value where each value has its own cell, is in no cell: it is counted in ``unmet``, and where that holds for
    all labels it is an error. With ``pairs=True`` memory goes by the cells that exist, not by all that could.

    Taught in notebook 01, *Optional: who is inspected?*.

    References
    ----------
    Hanley and Lippman-Hand (1983), If nothing goes wrong, is everything all right?, JAMA 249(13): the rule of three.

    Examples
    --------
    >>> orders = pd.DataFrame({"digital": [True] * 100 + [False] * 900, "amount": list(range(1000))})
    >>> inspected = orders[~orders["digital"]].iloc[::3]
    >>> coverage = label_coverage(inspected, orders, columns=["digital"])
    >>> coverage
    1 blind spot in 2 cells: digital = True (0 of 30 expected labels)
    >>> coverage.frame()[["cell", "population", "labels", "expected", "blind"]]
        cell  population  labels  expected  blind
    0   True         100       0      30.0   True
    1  False         900     300     270.0  False
    """
    seen, everyone, names = open_pair(labelled, population, columns, ("labelled", "population"))
    bins = as_integer(bins, "bins", ge=2)
    pairs = as_flag(pairs, "pairs")
    min_share, max_ratio = as_number(min_share, "min_share", ge=0, lt=1), as_number(max_ratio, "max_ratio", gt=0, le=1)
    alpha = as_number(alpha, "alpha", gt=0, lt=1)
    compared = {name: compare_column(seen[name], everyone[name], name) for name in names}
    left_out = {str(name): left_out_why(pair.kind) for name, pair in compared.items() if left_out_why(pair.kind)}
    cells = {name: _cells_of(pair, bins, name) for name, pair in compared.items() if str(name) not in left_out}
    if not cells:
        told = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise ValueError(f"columns must hold one that can be cut into cells; {told}")
    tables, unmet = [], {}
    for name, one in cells.items():
        table, unmet[str(name)] = _cell_table(str(name), one.labelled, one.population, one.names)
        tables.append(table)
    for one_name, two_name in combinations(cells if pairs else [], 2):
        title = f"{one_name} & {two_name}"
        table, unmet[title] = _cell_table(title, *_crossed(cells[one_name], cells[two_name]))
        tables.append(table)
    limits = {"alpha": alpha, "min_share": min_share, "max_ratio": max_ratio}
    return _coverage_of(tables, len(seen), len(everyone), unmet, left_out, **limits)


def _coverage_of(
    tables: list[pd.DataFrame],
    n_labelled: int,
    n_population: int,
    unmet: dict[str, int],
    left_out: dict[str, str],
    *,
    alpha: float,
    min_share: float,
    max_ratio: float,
) -> LabelCoverage:
    """Which cells are blind spots, from the cases and labels in each: the columns column, cell, population, labels."""
    table = pd.concat(tables, ignore_index=True)
    share = table["population"] / n_population
    table.insert(3, "share_population", share)
    table["share_labels"] = table["labels"] / n_labelled
    table["expected"] = share * n_labelled
    table["ratio"] = table["labels"] / table["expected"]
    tested = share >= min_share
    chance = stats.binom.cdf(table["labels"], n_labelled, share)
    table["p_family"] = np.where(tested, np.minimum(1, chance * tested.sum()), np.nan)
    table["blind"] = (table["p_family"] <= alpha) & (table["ratio"] <= max_ratio)
    worst = ["blind", "ratio", "share_population"]
    table = table.sort_values(worst, ascending=[False, True, False], kind="stable", ignore_index=True)
    return LabelCoverage(table, alpha, int(tested.sum()), n_labelled, n_population, unmet, left_out)


@dataclass(frozen=True)
class _Cells:
    """The cell of every labelled row (−1: none) and of every row of the population, and the cells' names."""

    labelled: AnyArray
    population: AnyArray
    names: list[str]


def _cells_of(pair: ColumnPair, bins: int, name: Hashable) -> _Cells:
    """One column cut into cells; missing values come last."""
    labels, cases = pair.values
    if pair.kind == "category":
        codes = [labels.copy(), cases]
        names = [_cell_name(value) for value in pair.names]
        there = np.bincount(cases.astype(np.intp), minlength=len(names)) > 0
        codes[0][~there[labels]] = -1
    elif pair.flags:
        codes, names = [labels.astype(np.int64), cases.astype(np.int64)], ["False", "True"]
        codes[0][~np.isin(labels, cases)] = -1
    else:
        ordered = np.sort(cases)
        edges = edges_of(ordered, bins)
        codes = [np.searchsorted(edges, side, side="left") for side in (labels, cases)]
        starts = np.concatenate([[0], np.searchsorted(ordered, edges, side="right")]).astype(np.int64)
        ends = np.append(starts[1:], len(ordered))
        filled = starts < ends
        names = [_span(ordered[i], ordered[j - 1]) if i < j else "" for i, j in zip(starts, ends, strict=True)]
        if len(ordered):
            first, last = ordered[np.minimum(starts, len(ordered) - 1)][codes[0]], ordered[ends - 1][codes[0]]
            outside = (labels < ordered[0]) | (labels > ordered[-1]) | ((first == last) & (labels != first))
            codes[0] = np.where(outside | ~filled[codes[0]], -1, codes[0])
    if len(labels) and len(cases) and (codes[0] < 0).all():
        some = pair.names[labels[0]] if pair.names else labels[0]
        raise ValueError(
            f"column {name!r} must hold values that labelled and population share; no label has a value of the "
            f"population, the first is {_cell_name(some)}: another unit, or keys written in another way?"
        )
    both = []
    for code, gap in zip(codes, pair.gaps, strict=True):
        full = code
        if gap is not None:
            full = np.full(len(gap), len(names))
            full[~gap] = code
        both.append(full.astype(np.intp))  # as `bincount` wants it, also where a word has 32 bits
    return _Cells(both[0], both[1], [*names, "missing"])


def _span(low: Any, high: Any) -> str:
    """A cell in words: its one value, or the first and the last."""
    return _cell_name(low) if low == high else f"{_cell_name(low)} to {_cell_name(high)}"


def _cell_name(value: Any) -> str:
    """A value so that no other has the same name: numbers exact, text in quotes where it could be misread."""
    if isinstance(value, str):
        text = value.encode(errors="backslashreplace").decode()  # half a character cannot be shown
        return repr(text) if text in ("missing", "") or " & " in text or text[0] in "'\"" else text
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and abs(float(value)) < 1e15:
        return str(int(value))
    return str(value)


def _crossed(one: _Cells, two: _Cells) -> tuple[AnyArray, AnyArray, list[str]]:
    """The cells where two columns meet, of those that the population has: memory goes by rows, not by all pairs."""
    k = len(two.names)
    cases = one.population.astype(np.int64) * k + two.population
    wanted = np.where((one.labelled < 0) | (two.labelled < 0), -1, one.labelled.astype(np.int64) * k + two.labelled)
    if len(one.names) * k <= 4 * len(cases):
        there = np.flatnonzero(np.bincount(cases.astype(np.intp), minlength=len(one.names) * k))
        place = np.full(len(one.names) * k, -1)
        place[there] = np.arange(len(there))
        labelled, population = np.where(wanted < 0, -1, place[wanted]), place[cases]
    else:
        there, population = np.unique(cases, return_inverse=True)
        at = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
        labelled = np.where(there[at] == wanted, at, -1)
    names = [f"{one.names[code // k]} & {two.names[code % k]}" for code in there.tolist()]
    return labelled, population, names


def _cell_table(column: str, labelled: AnyArray, population: AnyArray, names: list[str]) -> tuple[pd.DataFrame, int]:
    """Cases and labels in every cell that has a case, and how many labels are in none."""
    cases = np.bincount(population, minlength=len(names))
    labels = np.bincount(labelled[labelled >= 0], minlength=len(names))
    there = np.flatnonzero(cases)
    table = {"column": column, "cell": [names[i] for i in there], "population": cases[there], "labels": labels[there]}
    return pd.DataFrame(table), len(labelled) - int(labels[there].sum())
