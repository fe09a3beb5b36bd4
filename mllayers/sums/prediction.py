"""Layer 2 by sums: does the promise of a score happen, what does each threshold earn, what is a model worth?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mllayers._check import as_integer, as_number, as_numbers
from mllayers._stats import moments_of_powers
from mllayers.prediction._sums import refuse_settled, refuse_too_large, square_and_add
from mllayers.prediction.calibration import CalibrationBands, _Band, _calibration_of
from mllayers.prediction.money import ThresholdMoney
from mllayers.prediction.value import _WITHOUT, ModelValue, _model_value
from mllayers.sums._labels import counts_of, in_order
from mllayers.sums._query import (
    Rule,
    as_data,
    binary,
    finite,
    in_bounds,
    label_key,
    label_of,
    numbers_of,
    positive,
    probability,
    there,
    totals,
    where,
)
from mllayers.sums._table import Sums

__all__ = [
    "CalibrationSums",
    "ScoreSums",
    "ThresholdSums",
    "ValueSums",
    "best_threshold",
    "calibration_sums",
    "score_sums",
    "threshold_sums",
    "value_sums",
]

_FINEST = 2**30  # cells of a grid
_FINER = 4096  # times finer is the grid in cells that are asked again
_ALL_AT_ONCE = 1_000_000  # rows of which every score may be asked for
_AMOUNTS = ("gain_tp", "cost_fp", "cost_fn", "gain_tn")
_NOT_ASKED = 2  # of marks that are 0 or 1


class CalibrationSums(Sums):
    """What `calibration_sums` returns; ``result()`` says what `prediction.calibration_by_band` says."""

    kind: ClassVar[str] = "calibration"
    keys: ClassVar[tuple[str, ...]] = ("band", "y")

    def result(self, *, least: float | None = None, level: float = 0.95) -> CalibrationBands:
        """Does the promise happen, band by band: what `calibration_by_band` answers for the rows that were summed up.

        Parameters
        ----------
        least : float, optional
            The smallest difference between promised and happened that matters, above 0.
        level : float in (0, 1), default 0.95
            Probability with which each interval is to hold the true rate.
        """
        level = as_number(level, "level", gt=0, lt=1)
        least = None if least is None else as_number(least, "least", gt=0)
        if not len(self.table):
            raise ValueError("y and p must hold at least one case; got none")
        bands = [
            _Band(
                float(rows["min_p"].min()), float(rows["max_p"].max()), float(rows["promised"].sum()), counts_of(rows)
            )
            for _, rows in self.table.groupby("band", sort=True)
        ]
        return _calibration_of(bands, least=least, level=level)


def calibration_sums(
    frame: Any, *, y: str, p: str, bands: Sequence[float], weights: str | float | None = None
) -> CalibrationSums:
    """What is left of the rows for the question whether what a score promises happens: sums for each band.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query sums up where the rows are; none of them is fetched.
    y, p : str
        The columns with what happened, 0 or 1, and with the scores, in [0, 1].
    bands : list of float
        The rising scores at which a new band begins, such as ``[0, 0.1, 0.2, …]``: the same for all rows that are to be
        added up.
    weights : str, optional
        How many cases of the population each row stands for, > 0.

    Returns
    -------
    CalibrationSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``.

    Raises
    ------
    TypeError, ValueError
        As `prediction.calibration_by_band`; rows that break a rule are counted.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(1, 4, 20_000)
    >>> sums = calibration_sums({"p": p, "y": rng.random(p.size) < p**1.3}, y="y", p="p", bands=[0, 0.1, 0.3])
    >>> table = sums.result().frame()[["n", "promised", "happened", "kept"]]
    >>> print(table.round(3).to_string(index_names=False))
          n  promised  happened   kept
    1  6944     0.047     0.019  False
    2  8216     0.187     0.116  False
    3  4840     0.444     0.353  False
    """
    edges = as_numbers(bands, "bands")
    if edges.size == 0 or (np.diff(edges) <= 0).any():
        raise ValueError(f"bands must be rising scores; got {', '.join(map(str, edges)) or 'none'}")
    given: dict[str, Any] = {} if weights is None else {"weights": weights}
    data, x = numbers_of(as_data(frame), y=y, p=p, **given)
    label, score = x["y"], x["p"]
    came, rule = label_key(data, y, label, "y")
    band: nw.Expr = nw.lit(0)
    for edge in edges.tolist():
        band = band + where(score >= edge, 1, 0)
    must = {
        f"y ({y}) must hold only 0 and 1": rule,
        f"p ({p}) must lie in [0, 1] and be there": _score(score, "promised"),
    }
    keys = {"band": band.cast(nw.Int64), "y": came}
    if weights is None:
        table = totals(data, keys, {"promised": score}, least={"p": score}, most={"p": score}, must=must, labels=("y",))
        table = table.assign(weight=table["rows"] * 1.0, weight2=table["rows"] * 1.0, max_weight=1.0)
    else:
        w = x["weights"]
        must[f"weights ({weights}) must be > 0"] = positive(w)
        sums = {"promised": w * score, "weight": w, "weight2": w * w}
        table = totals(data, keys, sums, least={"p": score}, most={"p": score, "weight": w}, must=must, labels=("y",))
    return CalibrationSums(table, {"bands": edges.tolist(), "weights": weights})


class ScoreSums(Sums):
    """What `score_sums` returns: how the scores are spread; ``result()`` cuts them into bands."""

    kind: ClassVar[str] = "score"
    keys: ClassVar[tuple[str, ...]] = ("cell",)

    def result(self, bands: int = 10) -> list[float]:
        """The scores at which bands of equally many cases begin, as `calibration_by_band` cuts them.

        Parameters
        ----------
        bands : int, default 10
            How many. Scores that many cases have make them fewer.

        Returns
        -------
        list of float
            Ready to be the ``bands`` of `calibration_sums`. With a grid they are lowest scores of its cells.
        """
        parts, table = as_integer(bands, "bands", ge=1), self._in_order()
        weight = table["weight"].to_numpy()
        last = np.cumsum(weight) - weight / table["rows"].to_numpy()  # what lies before the last case of each score
        wanted = np.searchsorted(last, weight.sum() * np.arange(parts) / parts * (1 - 1e-12), side="left")
        starts: list[float] = np.unique(table["min_p"].to_numpy()[np.minimum(wanted, len(table) - 1)]).tolist()
        return starts

    def quantile(self, mark: float) -> float:
        """The score below which this share of the rows lies, as NumPy tells it; with a grid, to one of its cells."""
        mark, table = as_number(mark, "mark", ge=0, le=1), self._in_order()
        place = mark * (self.n - 1)
        ends = np.searchsorted(np.cumsum(table["rows"].to_numpy()), [math.floor(place), math.ceil(place)], side="right")
        low, high = (float(table["min_p"].iloc[int(end)]) for end in ends)
        return float(np.quantile([low, high], place - math.floor(place)))

    def _in_order(self) -> pd.DataFrame:
        if not len(self.table):
            raise ValueError("p must hold at least one case; got none")
        return self.table.sort_values("cell")


def score_sums(frame: Any, *, p: str, weights: str | None = None, grid: int | None = None) -> ScoreSums:
    """What is left of the rows for the question how scores are spread: the cases of each score, or cell of a grid.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query counts where the rows are; none of them is fetched.
    p : str
        The column with the scores, in [0, 1].
    weights : str, optional
        How many cases of the population each row stands for, > 0.
    grid : int, optional
        Cells into which [0, 1] is cut, a power of two. Left out, every distinct score is kept.

    Returns
    -------
    ScoreSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result(bands)`` and ``quantile(mark)``.

    Raises
    ------
    TypeError, ValueError
        For scores outside [0, 1] and weights that are not above 0; rows that break a rule are counted.

    Examples
    --------
    >>> sums = score_sums({"p": [0.1, 0.1, 0.2, 0.3, 0.4, 0.9]}, p="p")
    >>> sums.result(3), sums.quantile(0.5)
    ([0.1, 0.2, 0.4], 0.25)
    """
    _power_of_two(grid)
    given: dict[str, Any] = {} if weights is None else {"weights": weights}
    data, x = numbers_of(as_data(frame), p=p, **given)
    must = {f"p ({p}) must lie in [0, 1] and be there": probability(x["p"])}
    if weights is not None:
        must[f"weights ({weights}) must be > 0"] = positive(x["weights"])
    sums = {} if weights is None else {"weight": x["weights"]}
    table = totals(data, {"cell": _cell(x["p"], grid)}, sums, least={"p": x["p"]}, most={"p": x["p"]}, must=must)
    if weights is None:
        table = table.assign(weight=table["rows"] * 1.0)
    return ScoreSums(_positive_zeros(table), {"grid": grid, "weights": weights})


def _power_of_two(grid: int | None) -> None:
    if grid is not None and (as_integer(grid, "grid", ge=1, le=_FINEST) & (grid - 1)):
        raise ValueError(f"grid must be a power of two, such as 4096; got {grid}")


def _neither(table: pd.DataFrame) -> Any:
    """Whether some label is neither 0 nor 1."""
    return (table["n_ones"] + table["n_zeros"] < table["rows"]).any()


def _cell(p: nw.Expr, grid: int | None) -> nw.Expr:
    """What scores are grouped by: each distinct one (−0 is 0), or its place on the grid."""
    return p + 0.0 if grid is None else (p * float(grid)).floor().cast(nw.Int64)


def _positive_zeros(table: pd.DataFrame) -> pd.DataFrame:
    """The smallest and the largest score of each cell, −0 as 0."""
    return table.assign(min_p=table["min_p"] + 0.0, max_p=table["max_p"] + 0.0)


def _no_score(table: pd.DataFrame) -> Any:
    """Whether some distinct score is no probability."""
    return not table["cell"].between(0, 1).all()


def _odd(rule: Rule, table: pd.DataFrame) -> Any:
    return rule.doubt is not None and rule.doubt(table)


def _score(p: nw.Expr, total: str) -> Rule:
    """A score in [0, 1]: doubted by its smallest and largest, and where NaN is in a sum of it."""
    ends = in_bounds(probability(p), "p", 0, 1)

    def odd(table: pd.DataFrame) -> Any:
        return _odd(ends, table) or table[total].isna().any()

    return Rule(ends.holds, ends.needs, odd)


def _stakes(x: dict[str, nw.Expr]) -> tuple[nw.Expr, nw.Expr, nw.Expr]:
    """What acting changes where y = 1 and where y = 0, and the money of a case on which nobody acts."""
    one = x["y"] == 1
    left = where(one, nw.lit(0.0) - x["cost_fn"], x["gain_tn"])
    return x["gain_tp"] + x["cost_fn"], nw.lit(0.0) - (x["cost_fp"] + x["gain_tn"]), left


def _rules(x: dict[str, nw.Expr], names: dict[str, Any]) -> dict[str, Rule]:
    """What must hold of labels, scores, amounts and weights."""
    out = {
        f"y ({names['y']}) must hold only 0 and 1": binary(x["y"]),
        f"p ({names['p']}) must lie in [0, 1] and be there": probability(x["p"]),
    }
    for name in _AMOUNTS:
        if isinstance(names[name], str):
            out[f"{name} ({names[name]}) must be a finite number"] = finite(x[name])
    if names["weights"] is not None:
        out[f"weights ({names['weights']}) must be > 0"] = positive(x["weights"])
    return out


def _settled(table: pd.DataFrame) -> None:
    """Refuse amounts that leave nothing to decide, or cannot be added up."""
    ends = [(float(table[f"min_{x}"].min()), float(table[f"max_{x}"].max())) for x in ("a", "b")]
    refuse_settled(*ends)
    heavy = float(table["weight" if "weight" in table else "rows"].sum())
    left = float(np.abs(table["left"]).sum()) if "left" in table else 0.0
    refuse_too_large(max(heavy * max(abs(end) for pair in ends for end in pair), left))


class ThresholdSums(Sums):
    """What `threshold_sums` returns; ``result()`` says what `prediction.money_by_threshold` says."""

    kind: ClassVar[str] = "threshold"
    keys: ClassVar[tuple[str, ...]] = ("cell",)

    def result(self, *, capacity: float | None = None) -> ThresholdMoney:
        """What each threshold earns: what `money_by_threshold` answers for the rows that were summed up.

        Parameters
        ----------
        capacity : float, optional
            How many cases (of the population) can be acted on.

        Returns
        -------
        ThresholdMoney
            With a grid its thresholds are the lowest scores of the cells, and `missed` says what a finer one could add.
        """
        room = None if capacity is None else as_number(capacity, "capacity", ge=0)
        if not len(self.table):
            raise ValueError("y and p must hold at least one case; got none")
        _settled(self.table)
        return _money(_falling(self.table), self.settings, room)

    def missed(self, *, capacity: float | None = None) -> float:
        """Dollars that a threshold within a cell of the grid can earn beyond the best one found, at most.

        Within a cell every cut acts on a part of it, which can bring no more than all in it that gains by acting.
        `best_threshold` looks there.

        Parameters
        ----------
        capacity : float, optional
            How many cases (of the population) can be acted on, as in `result`.
        """
        found, table = self.result(capacity=capacity), _falling(self.table)
        look = _wide(table) & _before(found)
        most = (found.profit[:-1] + _gains(table))[look].max(initial=-np.inf)
        return max(0.0, float(most - found.profit[found.best]))


def _falling(table: pd.DataFrame) -> pd.DataFrame:
    """The cells from the highest score down."""
    return table.sort_values("min_p", ascending=False, ignore_index=True)


def _wide(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which cells hold more than one score."""
    return (table["min_p"] < table["max_p"]).to_numpy()


def _before(money: ThresholdMoney) -> NDArray[np.bool_]:
    """Which cells begin before the capacity is used up."""
    return np.asarray(money.acted[:-1] < (math.inf if money.capacity is None else money.capacity), dtype=bool)


def _gains(table: pd.DataFrame) -> NDArray[np.float64]:
    """Dollars that acting brings in each cell where it brings any: no part of the cell brings more."""
    if "change" in table:
        return np.asarray(table["gains"], dtype=float)
    if_one, if_zero = float(table["min_a"].iloc[0]), float(table["min_b"].iloc[0])
    ones = table["n_ones"].to_numpy()
    return np.asarray(max(if_one, 0.0) * ones + max(if_zero, 0.0) * (table["rows"].to_numpy() - ones), dtype=float)


def _money(table: pd.DataFrame, settings: Mapping[str, Any], room: float | None) -> ThresholdMoney:
    """What acting on the first cells earns, for each number of them; the cells stand from the highest score down."""
    threshold = np.concatenate([[np.inf], table["min_p"].to_numpy()])
    weighted = settings["weights"] is not None
    acted = np.concatenate([[0], np.cumsum(table["weight" if weighted else "rows"].to_numpy())])
    if "change" in table:
        profit = np.concatenate([[0.0], np.cumsum(table["change"].to_numpy())]) + float(table["left"].sum())
    else:
        hits = np.concatenate([[0], np.cumsum(table["n_ones"].to_numpy())])
        if_one, if_zero = float(table["min_a"].iloc[0]), float(table["min_b"].iloc[0])
        left = float(settings["gain_tn"]) * (acted[-1] - hits[-1])
        profit = if_one * hits + if_zero * (acted - hits) + (left - float(settings["cost_fn"]) * hits[-1])
    return ThresholdMoney(threshold, profit, acted, room)


def threshold_sums(
    frame: Any,
    *,
    y: str,
    p: str,
    gain_tp: str | float,
    cost_fp: str | float,
    cost_fn: str | float = 0.0,
    gain_tn: str | float = 0.0,
    weights: str | None = None,
    grid: int | None = None,
) -> ThresholdSums:
    """What is left of the rows for the question what each threshold earns: sums for each distinct score, or cell.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query sums up where the rows are; none of them is fetched.
    y, p : str
        The columns with what happened, 0 or 1, and with the scores, in [0, 1].
    gain_tp, cost_fp, cost_fn, gain_tn : str or float
        Dollars of the four outcomes, as in `prediction.money_by_threshold`: columns, or numbers for all.
    weights : str, optional
        How many cases of the population each row stands for, > 0.
    grid : int, optional
        Cells into which [0, 1] is cut: a power of two, so that scores fall into cells without rounding. Left out,
        every distinct score is kept, which is exact and as large as there are scores.

    Returns
    -------
    ThresholdSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``; ``missed()`` bounds what the grid
        hides.

    Raises
    ------
    TypeError, ValueError
        As `prediction.money_by_threshold`; rows that break a rule are counted.

    Examples
    --------
    >>> rows = {"left": [0, 1, 0, 1], "score": [0.1, 0.3, 0.4, 0.9]}
    >>> sums = threshold_sums(rows, y="left", p="score", gain_tp=85, cost_fp=15)
    >>> sums.result()
    best of 5 thresholds: p ≥ 0.3 (3 of 4 cases) earns $155; acting on nobody $0, on everyone $140
    """
    _power_of_two(grid)
    amounts: dict[str, Any] = {"gain_tp": gain_tp, "cost_fp": cost_fp, "cost_fn": cost_fn, "gain_tn": gain_tn}
    given: dict[str, Any] = {} if weights is None else {"weights": weights}
    data, x = numbers_of(as_data(frame), y=y, p=p, **amounts, **given)
    keys = {"cell": _cell(x["p"], grid)}
    if_one, if_zero, left = _stakes(x)
    per_case = weights is not None or any(isinstance(amount, str) for amount in amounts.values())
    numbers = {name: as_number(amount, name) for name, amount in amounts.items() if not isinstance(amount, str)}
    sums: dict[str, nw.Expr] = {}
    ends = {} if grid is None else {"p": x["p"]}
    if per_case:
        w: Any = 1.0 if weights is None else x["weights"]
        data = data.with_columns(change__=w * where(x["y"] == 1, if_one, if_zero), left__=w * left)
        change = nw.col("change__")
        sums = {"change": change, "gains": where(change > 0, change)}
        sums |= {} if weights is None else {"weight": x["weights"]}
        if weights is not None or not {"cost_fn", "gain_tn"} <= set(numbers):
            sums["left"] = nw.col("left__")
        ends |= {} if {"gain_tp", "cost_fn"} <= set(numbers) else {"a": if_one}
        ends |= {} if {"cost_fp", "gain_tn"} <= set(numbers) else {"b": if_zero}
    must = _rules(x, {"y": y, "p": p, "weights": weights, **amounts})
    whole = data.collect_schema()[y].is_integer()
    came = nw.col(y) if whole else x["y"]
    sums |= {"n_ones": came == 1, "n_zeros": came == 0}
    label, score_rule = binary(x["y"]), in_bounds(probability(x["p"]), "p", 0, 1)
    must[f"y ({y}) must hold only 0 and 1"] = Rule(label.holds, label.needs, _neither, told=True)
    must[f"p ({p}) must lie in [0, 1] and be there"] = Rule(
        score_rule.holds,
        score_rule.needs,
        lambda table: table["cell"].isna().any() or (_odd(score_rule, table) if "p" in ends else _no_score(table)),
        told=True,
    )
    table = totals(data, keys, sums, least=ends, most=ends, must=must)
    if "p" not in ends:
        table = table.assign(min_p=table["cell"], max_p=table["cell"])
    if "a" not in ends:
        table = table.assign(**dict.fromkeys(("min_a", "max_a"), numbers["gain_tp"] + numbers["cost_fn"]))
    if "b" not in ends:
        table = table.assign(**dict.fromkeys(("min_b", "max_b"), -(numbers["cost_fp"] + numbers["gain_tn"])))
    if per_case and "left" not in table:
        table["left"] = numbers["gain_tn"] * table["n_zeros"] - numbers["cost_fn"] * table["n_ones"]
    table = _positive_zeros(table.drop(columns=["n_zeros"]))
    return ThresholdSums(table, {"grid": grid, "weights": weights, **amounts})


def best_threshold(
    frame: Any,
    *,
    y: str,
    p: str,
    gain_tp: str | float,
    cost_fp: str | float,
    cost_fn: str | float = 0.0,
    gain_tn: str | float = 0.0,
    weights: str | None = None,
    capacity: float | None = None,
    grid: int = 4096,
) -> ThresholdMoney:
    """The threshold that earns most among all scores there are, without holding every score.

    Parameters
    ----------
    frame, y, p, gain_tp, cost_fp, cost_fn, gain_tn, weights
        As in `threshold_sums`.
    capacity : float, optional
        How many cases (of the population) can be acted on.
    grid : int, default 4096
        Cells into which [0, 1] is cut at first, a power of two.

    Returns
    -------
    ThresholdMoney
        Its best threshold is the one that `prediction.money_by_threshold` finds, with its money; the others are lowest
        scores of cells, and the scores near the best.

    Raises
    ------
    TypeError, ValueError
        As `prediction.money_by_threshold`; rows that break a rule are counted.

    Notes
    -----
    The first query sums up cells of the grid. A cut within a cell earns at most what all cases above the cell earn, and
    those in it that gain by acting; where that is less than the best cut between cells earns, nobody need look. The
    other cells are asked again: by every score, or, while they hold more than a million rows, by a grid up to 4,096
    times finer, of about a million groups at most (branch and bound; Land and Doig 1960, "An Automatic Method of
    Solving Discrete Programming Problems", Econometrica 28(3)). Two or three queries are usual. A score that tells
    nothing, at prices at which acting is worth nothing, leaves most cells open and takes more. The frame must give the
    same rows each time.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(1, 4, 200_000)
    >>> rows = {"p": p, "left": rng.random(p.size) < p}
    >>> found = best_threshold(rows, y="left", p="p", gain_tp=85, cost_fp=15)
    >>> print(f"p ≥ {found.threshold[found.best]:.4f} earns ${found.profit[found.best]:,.0f}")
    p ≥ 0.1505 earns $1,745,555
    """
    room = None if capacity is None else as_number(capacity, "capacity", ge=0)
    asked: dict[str, Any] = {"y": y, "p": p, "gain_tp": gain_tp, "cost_fp": cost_fp, "cost_fn": cost_fn}
    asked |= {"gain_tn": gain_tn, "weights": weights}
    cells = as_integer(grid, "grid", ge=1, le=_FINEST)
    sums = threshold_sums(frame, **asked, grid=cells)
    sums.result()  # refuses what leaves nothing to decide
    data, x = numbers_of(as_data(frame), p=p)
    table = sums.table.assign(open=True)
    while True:
        table = _falling(table)
        money, gains = _money(table, sums.settings, room), _gains(table)
        rounding = 1e-12 * (float(np.abs(money.profit).max()) + float(gains.sum()))
        best = money.profit[money.best] - rounding
        look = table["open"].to_numpy() & _wide(table) & _before(money) & (money.profit[:-1] + gains >= best)
        if not look.any():
            return money
        there = table[look]
        rows = int(there["rows"].sum())
        inside = (x["p"] >= float(there["min_p"].min())) & (x["p"] <= float(there["max_p"].max()))
        inside = inside & _cell(x["p"], cells).is_in(there["cell"].astype(int).tolist())
        by_score = rows <= _ALL_AT_ONCE or cells >= _FINEST
        room_for = max(_ALL_AT_ONCE // len(there), 2)  # groups of each cell
        cells = min(cells * min(_FINER, 2 ** int(math.log2(room_for))), _FINEST)
        finer = threshold_sums(data.filter(inside), **asked, grid=None if by_score else cells).table
        if int(finer["rows"].sum()) != rows:
            raise ValueError(
                f"frame must give the same rows each time it is read; {rows:,} scores near the best threshold became "
                f"{int(finer['rows'].sum()):,}: write the sample or the table down first"
            )
        table = pd.concat([table[~look].assign(open=False), finer.assign(open=not by_score)])


class ValueSums(Sums):
    """What `value_sums` returns; ``result()`` says what `prediction.value_of_model` says at the given threshold."""

    kind: ClassVar[str] = "value"
    keys: ClassVar[tuple[str, ...]] = ("part", "acts", "y", "base", "chosen", "above")

    def result(self, *, least: float = 0.0, level: float = 0.95) -> ModelValue:
        """What the model is worth: what `value_of_model` answers for the rows that were summed up.

        Parameters
        ----------
        least : float, default 0
            With ``by``: the difference that matters, in dollars a case.
        level : float in (0, 1), default 0.95
            Probability with which the interval is to hold the true value.
        """
        level, least, n = as_number(level, "level", gt=0, lt=1), as_number(least, "least", ge=0), self.n
        if n < 2:
            raise ValueError(f"y and p must hold at least 2 cases to tell a value with its interval; got {n}")
        _settled(self.table)
        rows, without = self.table, self.settings["without"]
        acted = int(rows.loc[rows["acts"] == 1, "rows"].sum())
        rules = {"nobody": 0 * rows["y"], "everyone": 0 * rows["y"] + 1, "the base rate": self._base()}
        if without in _WITHOUT:
            rules = {without: rules[without]}
        elif without is not None:
            scores = bool((rows["n_scores"] > 0).any())
            rules = {"the other score": rows["above"]} if scores else {"the decisions given": rows["chosen"]}
        turns = {name: (rows["acts"] - rule) * (acted > 0) for name, rule in rules.items()}

        def part(name: str, some: pd.DataFrame, at: float) -> tuple[float, float, float, int]:
            return _paired(some.assign(turn=turns[name][some.index]), at)

        change = np.where(rows["y"] == 1, rows["a"], rows["b"])
        threshold = self.settings["threshold"]
        groups = None
        if self.settings["by"] is not None:
            parts = dict(iter(rows.groupby("part", sort=False)))
            groups = {label: parts[label] for label in in_order(list(parts), "by")}
        return _model_value(
            part,
            rows,
            {name: float((rule * change).sum()) for name, rule in rules.items()},
            groups,
            lambda some: float(some["weight"].sum()),
            nobody=float(rows["left"].sum()),
            kind="interval" if acted else "exact",
            in_sample=None,
            threshold=None if isinstance(threshold, str) else float(threshold),
            acted=acted,
            n=n,
            capacity=None,
            level=level,
            least=least,
            rows_in=lambda some: int(some["rows"].sum()),
        )

    def _base(self) -> Any:
        """On whom one would act at the base rate: by case, or where all have the same amounts, on all or nobody."""
        rows = self.table
        if (rows["base"] != _NOT_ASKED).all():
            return rows["base"]
        rate = float(rows.loc[rows["y"] == 1, "weight"].sum() / rows["weight"].sum())
        worth = rate * float(rows["min_a"].iloc[0]) + (1 - rate) * float(rows["min_b"].iloc[0])
        return 0 * rows["y"] + int(worth >= 0)


def _paired(rows: pd.DataFrame, level: float) -> tuple[float, float, float, int]:
    """What `paired_difference` says, from sums: turn is 1 to act, −1 not to, or 0."""
    n, turn, one = int(rows["rows"].sum()), rows["turn"], rows["y"] == 1
    total = float((turn * np.where(one, rows["a"], rows["b"])).sum()) + 0.0
    differs = turn != 0
    if not differs.any():
        return 0.0, 0.0, 0.0, 0
    if n < 2:
        return total, math.nan, math.nan, 0
    there = int(rows.loc[differs, "rows"].sum())
    rare_is_one = 2 * int(rows.loc[differs & one, "rows"].sum()) <= there
    rare, usual, sign = (one, "b", 1) if rare_is_one else (~one, "a", -1)
    sure = float((turn * rows[usual]).sum()) / n, float((turn**2 * rows[f"{usual}2"]).sum()) / n
    some = rows[differs & rare]
    powers = [float(((sign * some["turn"]) ** k * some[f"e{k}"]).sum()) for k in range(1, 5)]
    cross = sign * float((some["turn"] ** 2 * (some["ab"] - some[f"{usual}2"])).sum()) / n - sure[0] * powers[0] / n
    zeros = n - int(some["n_moved"].sum())
    shared = zeros if 2 * zeros >= n else 0
    if not shared:  # one amount may be common to all that was decided differently
        alike = some[some["min_e"] == some["max_e"]]
        each = alike["rows"].groupby(alike["turn"] * alike["min_e"]).sum()
        shared = int(each.max()) if len(each) and 2 * each.max() >= n else 0
    moments = moments_of_powers(n, powers, shared)
    variances = sure[1] - sure[0] ** 2, powers[1] / n - (powers[0] / n) ** 2
    spread = [
        math.sqrt(v) if v > 1e-12 * size else 0.0 for v, size in zip(variances, (sure[1], powers[1] / n), strict=True)
    ]
    low, high = square_and_add(total, n, moments, (spread[0], spread[1]), cross, level)
    return total, low, high, int(some["rows"].sum())


def value_sums(
    frame: Any,
    *,
    y: str,
    p: str,
    gain_tp: str | float,
    cost_fp: str | float,
    cost_fn: str | float = 0.0,
    gain_tn: str | float = 0.0,
    threshold: str | float,
    without: str | None = None,
    weights: str | None = None,
    by: str | None = None,
    rate: float | None = None,
) -> ValueSums:
    """What is left of the rows for the question what a model is worth at a given threshold.

    Parameters
    ----------
    frame : pandas, Polars (eager or lazy), PyArrow, DuckDB or PySpark frame, or a dictionary of columns
        One row per case. One query sums up where the rows are; none of them is fetched.
    y, p : str
        The columns with what happened, 0 or 1, and with the scores, in [0, 1].
    gain_tp, cost_fp, cost_fn, gain_tn : str or float
        Dollars of the four outcomes, as in `prediction.value_of_model`: columns, or numbers for all.
    threshold : str or float
        Act where ``p >= threshold``: a number from elsewhere, or the column with that of each case.
    without : {"nobody", "everyone", "the base rate"} or a column, optional
        What would be done without the model; left out, the best of the three. A column of 0 and 1 says on whom one
        would act, any other column in [0, 1] is another score.
    weights, by : str, optional
        The columns with how many cases each row stands for, and with the group of each case.
    rate : float, optional
        The base rate by which one would decide without the model, where amounts differ by case. Left out, one more
        query finds it; say it where sums are to be added up.

    Returns
    -------
    ValueSums
        It adds up, is kept as JSON by ``to_dict()``, and answers by ``result()``.

    Raises
    ------
    TypeError, ValueError
        As `prediction.value_of_model`; rows that break a rule are counted.

    Notes
    -----
    A threshold is not looked for here: it would have to be graded on other rows than it was found on, and then it can
    just as well be given. Find it with `threshold_sums` on the rows of an earlier period.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(1, 9, 10_000)
    >>> rows = {"p": p, "y": rng.random(10_000) < p}
    >>> value_sums(rows, y="y", p="p", gain_tp=45, cost_fp=5, threshold=0.1).result().value > 0
    True
    """
    amounts: dict[str, Any] = {"gain_tp": gain_tp, "cost_fp": cost_fp, "cost_fn": cost_fn, "gain_tn": gain_tn}
    data = as_data(frame)
    column = without if without is not None and without not in _WITHOUT else None
    given: dict[str, Any] = {name: x for name, x in (("weights", weights), ("other", column)) if x is not None}
    endless = isinstance(threshold, float) and math.isinf(threshold)
    limit: dict[str, Any] = {} if endless else {"threshold": threshold}
    data, x = numbers_of(data, y=y, p=p, **amounts, **given, **limit)
    must = _rules(x, {"y": y, "p": p, "weights": weights, **amounts})
    if isinstance(threshold, str):
        must[f"threshold ({threshold}) must not be missing"] = there(x["threshold"])
    if_one, if_zero, left = _stakes(x)
    per_case = any(isinstance(amount, str) for amount in amounts.values())
    base: Any = _NOT_ASKED
    if per_case:
        if rate is None:
            rate = _rate(data, x, weights is not None, must)
        rate = as_number(rate, "rate", ge=0, le=1)
        base = where(if_one * rate + if_zero * (1 - rate) >= 0, 1, 0)
    cut: Any = x["threshold"] if limit else nw.lit(float(threshold))
    part: Any = "all" if by is None else label_of(data, by)
    if by is not None:
        must[f"{by} must be known for each case"] = there(part, key="part")
    came, must[f"y ({y}) must hold only 0 and 1"] = label_key(data, y, x["y"], "y")
    keys = {"part": part, "acts": where(x["p"] >= cut, 1, 0), "y": came, "base": base}
    sums: dict[str, nw.Expr] = {}
    keys |= {"chosen": _NOT_ASKED, "above": _NOT_ASKED}
    if column is not None:
        other = x["other"]
        must[f"without ({column}) must lie in [0, 1] and be there"] = probability(other)
        keys |= {"chosen": where(other == 1, 1, 0), "above": where(other >= cut, 1, 0)}
        sums["n_scores"] = (other != 0) & (other != 1)
    marks = ("acts", "y", "base", "chosen", "above")
    settings = {**amounts, "threshold": threshold, "without": without, "weights": weights, "by": by}
    settings["rate"] = rate if per_case else None
    if not per_case and weights is None:
        numbers = {name: as_number(amount, name) for name, amount in amounts.items()}
        return ValueSums(_with_amounts(totals(data, keys, sums, must=must, labels=marks), numbers), settings)
    w: Any = nw.lit(1.0) if weights is None else x["weights"]
    data = data.with_columns(a__=w * if_one, b__=w * if_zero, w__=w, a1__=if_one, b1__=if_zero, left__=w * left)
    a, b = nw.col("a__"), nw.col("b__")
    data = data.with_columns(e__=a - b)
    e = nw.col("e__")
    square = e * e
    sums |= {"a": a, "b": b, "a2": a * a, "b2": b * b, "ab": a * b, "e1": e, "e2": square}
    sums |= {"e3": square * e, "e4": square * square, "weight": nw.col("w__"), "left": nw.col("left__")}
    sums |= {"n_moved": e != 0}
    ends = {"a": nw.col("a1__"), "b": nw.col("b1__"), "e": e}
    return ValueSums(totals(data, keys, sums, least=ends, most=ends, must=must, labels=marks), settings)


def _rate(data: Any, x: dict[str, nw.Expr], weighted: bool, must: dict[str, Rule]) -> float:
    """The rate of y = 1, of the population where there are weights."""
    w = x["weights"] if weighted else nw.lit(1.0)
    found = totals(data, {}, {"ones": w * x["y"], "all": where(x["y"] <= 1, w)}, must=must)
    return float(found["ones"].sum() / found["all"].sum()) if len(found) and found["all"].sum() else 0.0


def _with_amounts(table: pd.DataFrame, amounts: dict[str, float]) -> pd.DataFrame:
    """The sums of amounts that are the same for all, from the numbers of rows."""
    a, b = amounts["gain_tp"] + amounts["cost_fn"], -(amounts["cost_fp"] + amounts["gain_tn"])
    n, one = table["rows"] * 1.0, table["y"] == 1
    e = a - b
    return table.assign(
        a=a * n, b=b * n, a2=a * a * n, b2=b * b * n, ab=a * b * n, e1=e * n, e2=e**2 * n, e3=e**3 * n, e4=e**4 * n,
        weight=n, left=np.where(one, -amounts["cost_fn"], amounts["gain_tn"]) * n, n_moved=table["rows"] * (e != 0),
        min_a=a, max_a=a, min_b=b, max_b=b, min_e=e, max_e=e,
    )  # fmt: skip
