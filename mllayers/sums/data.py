"""Layer 1 by sums: what is the rate, which columns have moved, where are cases but no labels?"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from mllayers._check import as_columns, as_integer, as_number
from mllayers._frames import column_name
from mllayers.data._columns import _edges_at, _kind_of_text, _places, edges_of, edges_of_unsorted, left_out_why
from mllayers.data.audit import WeightedRate, _AuditSums, _weighted_rate_of
from mllayers.data.bounds import Bounds, _as_rates, _bounds_from
from mllayers.data.coverage import LabelCoverage, _cell_name, _coverage_of, _span
from mllayers.data.drift import DriftReport, _Column, _column_of, _report_of
from mllayers.sums._labels import counts_of
from mllayers.sums._order import values_at
from mllayers.sums._query import (
    Rule,
    _collected,
    as_data,
    binary,
    chance_as_told,
    known,
    label_key,
    label_of,
    numbers_of,
    totals,
    where,
)
from mllayers.sums._table import Sums, added, as_table

__all__ = [
    "BoundsSums",
    "CoverageSums",
    "ProfileSums",
    "RateSums",
    "bounds_sums",
    "coverage_sums",
    "profile_sums",
    "rate_sums",
]

_STATES = ("never", "certain", "drawn")  # to be labelled by design
_MOST_VALUES = 100_000  # a column of text with more values names cases and is no category


class RateSums(Sums):
    """What `rate_sums` returns; ``result()`` says what `data.weighted_rate` says."""

    kind: ClassVar[str] = "rate"
    keys: ClassVar[tuple[str, ...]] = ("state", "y", "at")

    def result(self, *, population: int | None = None, level: float = 0.95) -> WeightedRate:
        """The rate among all cases: what `weighted_rate` answers for the rows that were summed up.

        Parameters
        ----------
        population : int, optional
            Number of cases that could have been labelled, where only the labelled ones were summed up.
        level : float, default 0.95
            Probability with which the interval is to hold the rate.
        """
        level, table = as_number(level, "level", gt=0, lt=1), self.table[self.table["state"] != "heavier"]
        rows = {state: table[table["state"] == state] for state in ("never", "certain", "drawn")}
        certain, drawn = counts_of(rows["certain"]), counts_of(rows["drawn"])
        if not certain.zeros + certain.ones + drawn.zeros + drawn.ones:
            raise ValueError("y must hold at least one label; got only missing ones")
        if population is not None and (table["y"] < 0).any():
            raise ValueError("y must hold only 0 and 1 where population says how many cases there are")
        several = self.table[self.table["state"] == "heavier"]
        several = several[several["at"] > drawn.heaviest * (1 + 1e-12)]
        left = int(rows["drawn"]["rows"].sum())
        sums = _AuditSums(
            never=int(rows["never"]["rows"].sum()),
            certain=certain.zeros + certain.ones,
            known=certain.ones,
            drawn=drawn,
            heavier=(int(several["n_cases"].sum()), float(several["at"].max()) if len(several) else 0.0),
            left=left,
            left_weight=float(rows["drawn"]["weight"].sum()),
            left_heaviest=float(rows["drawn"]["max_weight"].max()) if left else 0.0,
        )
        n = left + sums.certain if population is None else as_integer(population, "population", ge=self.n)
        one_share = not isinstance(self.settings["propensity"], str)
        return _weighted_rate_of(sums, n, whole=population is None, one_share=one_share, level=level)


def rate_sums(frame: Any, *, y: str, propensity: str | float) -> RateSums:
    """What is left of an audit for the question what the rate is among all cases.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query sums up where the rows are; none of them is fetched.
    y : str
        The column with the outcome, 0 or 1; missing where there is no label.
    propensity : str or float
        Chance in [0, 1] that the case got its label by design: a column, or one number for all.

    Returns
    -------
    RateSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``.

    Raises
    ------
    TypeError, ValueError
        As `data.weighted_rate`; rows that break a rule are counted.

    Notes
    -----
    Kept are Σ w and Σ w² of the labels, apart for 0 and 1, certain and drawn. Where cases without a label weigh more
    than any label, one more query counts these by their weight.

    Examples
    --------
    >>> rows = {"y": [1] * 7 + [0] * 3 + ([1] + [None] * 9) + ([0] + [None] * 9) * 8, "pi": [1.0] * 10 + [0.1] * 90}
    >>> rate_sums(rows, y="y", propensity="pi").result()
    rate 0.1700 (95 % interval 0.0800 to 0.5042, 1 event) of 100 cases from 19 labels worth 11; Horvitz–Thompson 0.1700
    """
    data, x = numbers_of(as_data(frame), gaps=("y",), y=y, propensity=propensity)
    label, chance = x["y"], x["propensity"]
    seen = known(label)
    never = _STATES.index("never")

    def told(state: str, *, labelled: bool) -> Callable[[pd.DataFrame], Any]:
        return lambda table: ((table["state"] == _STATES.index(state)) & ((table["y"] >= 0) == labelled)).any()

    must = {
        f"propensity ({propensity}) must lie in [0, 1] and be there": chance_as_told(
            chance, "weight", never=lambda table: table["state"] == never
        ),
        "propensity must be above 0 where y has a label": Rule(
            ~seen | (chance > 0), doubt=told("never", labelled=True), told=True
        ),
        "propensity must be below 1 where y has no label, since 1 means it is certain": Rule(
            seen | (chance < 1), doubt=told("certain", labelled=False), told=True
        ),
    }
    state = nw.when(chance == 0).then(nw.lit(never)).when(chance == 1).then(nw.lit(1)).otherwise(nw.lit(2))
    data = data.with_columns(state__=state, w__=where(chance > 0, 1 / chance))
    w = nw.col("w__")
    came, must[f"y ({y}) must hold only 0 and 1, or nothing"] = label_key(data, y, label, "y", missing=True)
    keys, ends = {"state": nw.col("state__"), "y": came}, {"weight": w}
    table = totals(data, keys, {"weight": w, "weight2": w * w}, least=ends, most=ends, must=must, labels=("y",))
    table = table.drop(columns="min_weight")
    table["state"] = pd.Series([_STATES[int(state)] for state in table["state"]], dtype=object)
    table = table.assign(at=0.0, n_cases=table["rows"])
    drawn = table[table["state"] == "drawn"]
    heaviest = float(drawn.loc[drawn["y"] >= 0, "max_weight"].max()) if (drawn["y"] >= 0).any() else 0.0
    silent = drawn.loc[drawn["y"] < 0, "max_weight"]
    if len(silent) and float(silent.max()) > heaviest * (1 + 1e-12):
        some = data.filter((nw.col("state__") == _STATES.index("drawn")) & label.is_null() & (w > heaviest))
        heavier = totals(some, {"at": w}, {}, must={})
        heavier = heavier.assign(state="heavier", y=-1, n_cases=heavier["rows"], rows=0)
        table = added([table, heavier.assign(weight=0.0, weight2=0.0, max_weight=0.0)[table.columns]], RateSums.keys)
    return RateSums(table, {"propensity": propensity})


class BoundsSums(Sums):
    """What `bounds_sums` returns; ``result()`` says what `data.bounds_without_audit` says."""

    kind: ClassVar[str] = "bounds"
    keys: ClassVar[tuple[str, ...]] = ("inspected", "y")

    def result(self, *, report_rate: float | tuple[float, float] | None = None, level: float = 0.95) -> Bounds:
        """How many events could there be: what `bounds_without_audit` answers for the rows that were summed up.

        Parameters
        ----------
        report_rate : float or (float, float), optional
            Which share of the events in cases that were not inspected is reported, or from which to which.
        level : float in (0, 1), default 0.95
            Probability with which the interval is to hold the rate, if the assumed rates hold.
        """
        rates, level = None if report_rate is None else _as_rates(report_rate), as_number(level, "level", gt=0, lt=1)
        if not self.n:
            raise ValueError("y must hold at least one case; got none")
        seen, event = self.table["inspected"] == 1, self.table["y"] == 1
        inspected, found, reported = (
            int(self.table.loc[some, "rows"].sum()) for some in (seen, seen & event, ~seen & event)
        )
        whole = _bounds_from(self.n, inspected, found, reported, rates, level)
        return Bounds(**whole, report_rate=rates, level=level, events=whole["found"] + whole["reported"], table=None)


def bounds_sums(frame: Any, *, y: str, inspected: str) -> BoundsSums:
    """What is left of the rows for the question how many events there could be at worst.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query counts where the rows are; none of them is fetched.
    y : str
        The column with 1 where an event is known, 0 where an inspection found none; elsewhere 0 and missing both mean
        that nothing was heard.
    inspected : str
        The column that says where somebody looked: true or false, or 1 and 0.

    Returns
    -------
    BoundsSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``.

    Raises
    ------
    TypeError, ValueError
        As `data.bounds_without_audit`; rows that break a rule are counted.

    Examples
    --------
    >>> rows = {"y": [1] * 20 + [0] * 80 + [1] * 3 + [None] * 897, "seen": [True] * 100 + [False] * 900}
    >>> found = bounds_sums(rows, y="y", inspected="seen").result(report_rate=(0.1, 0.5))
    >>> found.low, found.high, found.reported_low, found.reported_high
    (0.023, 0.92, 0.026, 0.05)
    """
    data, x = numbers_of(as_data(frame), gaps=("y",), y=y, inspected=inspected)
    came, rule = label_key(data, y, x["y"], "y", missing=True)
    looked, other = label_key(data, inspected, x["inspected"], "inspected")
    must = {
        f"y ({y}) must hold only 0 and 1, or nothing": rule,
        f"inspected ({inspected}) must be true or false": other,
        "y must be known where inspected is true": Rule(
            known(x["y"]) | (x["inspected"] == 0), (), lambda rows: ((rows["inspected"] == 1) & (rows["y"] < 0)).any()
        ),
    }
    table = totals(data, {"inspected": looked, "y": came}, {}, must=must, labels=("inspected", "y"))
    return BoundsSums(table, {})


class ProfileSums(Sums):
    """What `profile_sums` returns; ``result(reference)`` says what `data.drift_report` says."""

    kind: ClassVar[str] = "profile"
    keys: ClassVar[tuple[str, ...]] = ("column", "cell")

    @property
    def n(self) -> int:
        """How many rows were summed up."""
        return int(self.table.loc[self.table["column"] == "", "rows"].sum())

    @property
    def edges(self) -> dict[str, list[float] | None]:
        """The upper ends of the cells of each column of numbers but the last; None for categories."""
        return dict(self.settings["edges"])

    def result(self, reference: ProfileSums, *, alpha: float = 0.05) -> DriftReport:
        """Which columns have moved since the reference: what `drift_report` answers for the rows that were summed up.

        Parameters
        ----------
        reference : ProfileSums
            The profile of an earlier sample, cut at the same edges.
        alpha : float, default 0.05
            The chance that a report on two samples from one source flags anything at all.
        """
        alpha = as_number(alpha, "alpha", gt=0, lt=1)
        if not isinstance(reference, ProfileSums):
            raise TypeError(f"reference must be profile sums; got {reference!r}")
        reference + self  # refuses profiles that were not made alike
        for name, one in (("reference", reference), ("current", self)):
            if not one.n:
                raise ValueError(f"{name} must hold at least one row; got none")
        found: dict[Hashable, _Column] = {}
        for column, edges in self.edges.items():
            sides = [_cells(one.table, column) for one in (reference, self)]
            hidden = [cells.pop(None, 0) for cells in sides]
            names: list[Any] = list(dict.fromkeys([*sides[0], *sides[1]]))
            names = names if edges is None else list(range(len(edges) + 1))
            table = np.array([[cells.get(name, 0) for name in names] for cells in sides], dtype=np.int64)
            table = table.reshape(2, len(names))
            kind = "number"
            if edges is None:
                there = [range(int(total)) for total in table.sum(axis=1)]
                kind = _kind_of_text(names, there, [len(cells) for cells in sides])  # type: ignore[arg-type]
            found[column] = _column_of(kind, table, names, hidden)
        return _report_of(found, reference.n, self.n, alpha=alpha, ks=False)


def _cells(table: pd.DataFrame, column: str) -> dict[Any, int]:
    """The rows in each cell of a column."""
    mine = table[table["column"] == column]
    return dict(zip(mine["cell"].tolist(), mine["rows"].tolist(), strict=True))


def profile_sums(
    frame: Any,
    *,
    columns: Iterable[str],
    like: ProfileSums | None = None,
    edges: Mapping[str, Sequence[float]] | None = None,
    bins: int = 10,
) -> ProfileSums:
    """A profile of some columns: how many rows are in each cell. It can be kept instead of the rows.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query counts all numbers, one more each column of text; no row is fetched.
    columns : list of str
        What to profile: numbers, truth values, or text.
    like : ProfileSums, optional
        The profile that this one is to be compared with or added to: its edges are taken.
    edges : mapping from column to rising numbers, optional
        Upper ends of all cells but the last of the columns of numbers.
    bins : int, default 10
        Cells of each column of numbers without edges: cut at the exact quantiles where the rows are in memory, at those
        that the engine gives where they are not.

    Returns
    -------
    ProfileSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result(reference)``.

    Raises
    ------
    TypeError, ValueError
        For columns that are absent or hold other things (for dates: days since …), and text with more than 100,000
        values, which names cases and is no category.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> spring = {"amount": rng.lognormal(4, 1, 2_000), "promo": rng.random(2_000) < 0.15}
    >>> summer = {"amount": rng.lognormal(4, 1, 2_000), "promo": rng.random(2_000) < 0.25}
    >>> kept = profile_sums(spring, columns=["amount", "promo"])
    >>> profile_sums(summer, columns=["amount", "promo"], like=kept).result(kept)
    1 of 2 columns moved, at a level of 0.05 for all of them together: promo (psi)
    """
    names = [column_name(name, "columns") for name in as_columns(columns, "columns")]
    bins = as_integer(bins, "bins", ge=2)
    data = as_data(frame)
    schema = data.collect_schema()
    given: dict[str, Any] = dict(like.settings["edges"] if like is not None else edges or {})
    _known_edges(edges, names)
    text = [name for name in names if _is_text(schema, name, given)]
    data, x = _numbers(data, [name for name in names if name not in text])
    bare = [name for name in x if given.get(name) is None]
    if like is not None and set(given) != set(names):
        raise ValueError(f"columns must be those of the profile, {', '.join(given)}; got {', '.join(names)}")
    given |= _found_edges(data, x, bare, schema, bins)
    cut = {name: None if name in text else [float(edge) for edge in given[name]] for name in names}
    sums = {}
    for number, (name, value) in enumerate(x.items()):  # by number: a column may be called like another and its cell
        sums[f"n_{number}_there"] = known(value)
        for place, edge in enumerate(cut[name] or []):
            sums[f"n_{number}_{place}"] = value <= edge
    one = totals(data, {}, sums, must={})
    rows = int(one["rows"].sum())
    out: dict[str, list[Any]] = {"column": [""], "cell": [None], "rows": [rows]}

    def put(column: str, cell: Any, count: int) -> None:
        if count:
            for key, entry in zip(out, (column, cell, count), strict=True):
                out[key].append(entry)

    for number, name in enumerate(x):
        there = int(one[f"n_{number}_there"].sum())
        below = [int(one[f"n_{number}_{place}"].sum()) for place in range(len(cut[name] or []))]
        for place, count in enumerate(np.diff([0, *below, there]).tolist()):
            put(name, place, count)
        put(name, None, rows - there)
    for name in text:
        counted = _values_of(data, name, {})
        for cell, count in zip(counted["cell"].tolist(), counted["rows"].tolist(), strict=True):
            put(name, cell, count)
    return ProfileSums(as_table(out, ProfileSums.keys), {"edges": [[name, cut[name]] for name in names]})


def _values_of(data: Any, name: str, sums: dict[str, nw.Expr]) -> pd.DataFrame:
    """The rows and sums of each value of a column of text."""
    counted = totals(data, {"cell": label_of(data, name)}, sums, must={}, limit=_MOST_VALUES)
    if len(counted) > _MOST_VALUES:
        raise ValueError(f"column {name!r} has more than {_MOST_VALUES:,} values: {left_out_why('id')}")
    return counted


def _numbers(data: Any, names: list[str]) -> tuple[Any, dict[str, nw.Expr]]:
    """Columns of numbers, whatever their names, that may be missing."""
    staged = {f"column {place}": name for place, name in enumerate(names)}
    data, x = numbers_of(data, gaps=tuple(staged), **staged)
    return data, {name: x[place] for place, name in staged.items()}


def _known_edges(edges: Mapping[str, Any] | None, names: list[str]) -> None:
    """Refuse edges of columns that are not asked for."""
    for name in edges or {}:
        if name not in names:
            raise ValueError(f"edges must be those of the columns {', '.join(names)}; got some of {name!r}")


def _is_text(schema: Any, name: str, edges: Mapping[str, Any]) -> bool:
    """Whether a column holds text; one with edges holds numbers."""
    if name not in schema:
        raise ValueError(f"frame must have the column {name!r}; it has {', '.join(map(str, schema)) or 'none'}")
    return schema[name] in (nw.String, nw.Categorical, nw.Enum) and edges.get(name) is None


def _found_edges(data: Any, x: Mapping[str, nw.Expr], names: list[str], schema: Any, bins: int) -> dict[str, Any]:
    """Edges at the quantiles: exact where the rows are in memory, else the engine's own."""
    out: dict[str, Any] = {name: [0.0] for name in names if schema[name] == nw.Boolean}
    rest = [name for name in names if name not in out]
    if not rest:
        return out
    if not isinstance(data, nw.LazyFrame):
        for name in rest:
            values = np.asarray(data.select(x=x[name])["x"].drop_nulls().to_numpy(), dtype=np.float64)
            out[name] = edges_of_unsorted(values[~np.isnan(values)], bins)
        return out
    return out | _edges_in_engine(data, {name: x[name] for name in rest}, bins)


def _edges_in_engine(data: Any, x: Mapping[str, nw.Expr], bins: int) -> dict[str, Any]:
    """The edges that `edges_of` gives, from counts alone."""
    counted = _collected(data.select(**{f"n {name}": x[name].count() for name in x}))
    out: dict[str, Any] = {}
    for name in x:
        n = int(counted[f"n {name}"].to_list()[0])
        few = _few_values(data, x[name], bins) if n else []
        if len(few) < bins:
            out[name] = edges_of(np.sort(np.array(few, dtype=np.float64)), bins)
        else:
            out[name] = _edges_at(values_at(data, x[name], _places(n, bins)))
    return out


def _few_values(data: Any, x: nw.Expr, most: int) -> list[float]:
    """Different values of a column, `most` of them at most; an engine need not hold more than these."""
    rows = data.select(x__=x).filter(known(nw.col("x__")))
    first: list[float] = _collected(rows.head(1_000).unique("x__").head(most))["x__"].to_list()
    if len(first) == most:
        return first
    out: list[float] = []
    while len(out) < most:  # nothing but the next larger one is asked for
        found = _collected(rows.select(low=nw.col("x__").min()))["low"].to_list()[0]
        if found is None:
            break
        out.append(float(found))
        rows = rows.filter(nw.col("x__") > found)
    return out


class CoverageSums(Sums):
    """What `coverage_sums` returns; ``result()`` says what `data.label_coverage` says."""

    kind: ClassVar[str] = "coverage"
    keys: ClassVar[tuple[str, ...]] = ("column", "cell")

    @property
    def n(self) -> int:
        """How many rows were summed up."""
        return int(self.table.loc[self.table["column"] == "", "rows"].sum())

    def result(self, *, min_share: float = 0.005, max_ratio: float = 0.5, alpha: float = 0.05) -> LabelCoverage:
        """Where the population has cases and next to no labels: what `label_coverage` answers for what was summed up.

        Parameters
        ----------
        min_share, max_ratio, alpha : float
            As in `data.label_coverage`.
        """
        min_share, alpha = as_number(min_share, "min_share", ge=0, lt=1), as_number(alpha, "alpha", gt=0, lt=1)
        max_ratio, whole = as_number(max_ratio, "max_ratio", gt=0, le=1), self.table[self.table["column"] == ""]
        labels = int(whole["n_labels"].sum())
        if not labels:
            raise ValueError("labelled must be true in at least one row")
        tables, left_out = [], {}
        for column, edges in self.settings["edges"]:
            mine = self.table[self.table["column"] == column]
            there = mine[[cell is not None for cell in mine["cell"]]].sort_values("cell")
            if edges is None:
                some = [range(int(there[name].sum())) for name in ("n_labels", "rows")]
                distinct = [int((there[name] > 0).sum()) for name in ("n_labels", "rows")]
                why = left_out_why(_kind_of_text(there["cell"].tolist(), some, distinct))  # type: ignore[arg-type]
                if why:
                    left_out[column] = why
                    continue
                names = [_cell_name(cell) for cell in there["cell"]]
            elif edges == "flags":
                names = [str(bool(cell)) for cell in there["cell"]]
            else:
                names = [_span(low, high) for low, high in zip(there["min_x"], there["max_x"], strict=True)]
            gone = mine[[cell is None for cell in mine["cell"]]]
            rows, cells = pd.concat([there, gone]), [*names, *["missing"] * len(gone)]
            table = {"column": column, "cell": cells, "population": rows["rows"], "labels": rows["n_labels"]}
            tables.append(pd.DataFrame(table))
        if not tables:
            told = "; ".join(f"{name}: {why}" for name, why in left_out.items())
            raise ValueError(f"columns must hold one that can be cut into cells; {told}")
        unmet = {column: 0 for column, _ in self.settings["edges"] if column not in left_out}
        limits = {"alpha": alpha, "min_share": min_share, "max_ratio": max_ratio}
        return _coverage_of(tables, labels, self.n, unmet, left_out, **limits)


def coverage_sums(
    frame: Any,
    *,
    labelled: str,
    columns: Iterable[str],
    edges: Mapping[str, Sequence[float]] | None = None,
    bins: int = 10,
) -> CoverageSums:
    """What is left of a population, part of which has labels, for the question where there are next to none.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        All rows the labels should speak for. One query for each column counts where the rows are.
    labelled : str
        The column that says which of them have a label: true or false, or 1 and 0.
    columns : list of str
        What was known of a case before it was labelled: numbers, truth values or text.
    edges : mapping from column to rising numbers, optional
        Upper ends of all cells but the last of the columns of numbers; say them where sums are to be added up.
    bins : int, default 10
        Cells of each column of numbers without edges, as in `profile_sums`.

    Returns
    -------
    CoverageSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``.

    Raises
    ------
    TypeError, ValueError
        As `data.label_coverage`, whose two frames are here the labelled rows and all rows; rows that break a rule are
        counted.

    Examples
    --------
    >>> orders = {"digital": [True] * 100 + [False] * 900, "seen": [False] * 100 + [True, False, False] * 300}
    >>> coverage_sums(orders, labelled="seen", columns=["digital"]).result()
    1 blind spot in 2 cells: digital = True (0 of 30 expected labels)
    """
    names = [column_name(name, "columns") for name in as_columns(columns, "columns")]
    bins, data = as_integer(bins, "bins", ge=2), as_data(frame)
    schema, given = data.collect_schema(), dict(edges or {})
    text = [name for name in names if _is_text(schema, name, given)]
    data, x = _numbers(data, [name for name in names if name not in text])
    data, known_of = numbers_of(data, labelled=labelled)
    label = known_of["labelled"]
    flags = [name for name in x if schema[name] == nw.Boolean]
    given |= _found_edges(data, x, [name for name in x if name not in given], schema, bins)
    cut: list[list[Any]] = []
    must = {f"labelled ({labelled}) must be true or false": binary(label)}
    whole = totals(data, {}, {"n_labels": label == 1}, must=must).assign(
        column="", cell=None, min_x=np.nan, max_x=np.nan
    )
    tables = [whole.astype({"cell": object})]
    for name in names:
        if name in text:
            cut.append([name, None])
            counted = _values_of(data, name, {"n_labels": label == 1})
            counted = counted.assign(min_x=np.nan, max_x=np.nan)
        else:
            rising = [float(edge) for edge in given[name]]
            cut.append([name, "flags" if name in flags else rising])
            cell: nw.Expr = nw.lit(0)
            for edge in rising:
                cell = cell + where(x[name] > edge, 1, 0)
            keys = {"cell": where(known(x[name]), cell, -1).cast(nw.Int64)}
            value = where(known(x[name]), x[name])
            counted = totals(data, keys, {"n_labels": label == 1}, least={"x": value}, most={"x": value}, must={})
            counted["cell"] = pd.Series([None if one < 0 else one for one in counted["cell"].tolist()], dtype=object)
        tables.append(counted.assign(column=name).astype({"cell": object}))
    order = ["column", "cell", "rows", "n_labels", "min_x", "max_x"]
    table = pd.concat([one[order].dropna(axis=1, how="all") for one in tables], ignore_index=True).reindex(
        columns=order
    )
    table["cell"] = pd.Series([None if pd.isna(one) else one for one in table["cell"].tolist()], dtype=object)
    return CoverageSums(table, {"edges": cut})
