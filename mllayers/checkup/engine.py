"""The same desk where the rows stay in their engine: columns are judged by their types and by a few sums.

Each question is asked by its function of `mllayers.sums`; what these cannot answer stays open. No row is fetched: of a
column at most some dozens of different values are, where they are groups, actions or words for yes and no.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from mllayers._check import as_moment, as_path, describe
from mllayers._extras import install_line
from mllayers._frames import number, opened
from mllayers._words import count, percent, typed_number
from mllayers.checkup.desk import (
    MOST_ACTIONS,
    MOST_PERIODS,
    MOST_SEGMENTS,
    PRICES,
    Desk,
    Roles,
    beyond_told,
    check_as_of,
    check_named,
    check_single,
    hint_of,
    judge_segments,
    keep_apart,
    no_chance_told,
    not_looked_told,
    note_constant,
    note_copied,
    note_one_class,
    note_silence,
    take_actions,
    take_periods,
    weightless_told,
    which_is_yes,
)
from mllayers.checkup.reading import by_engine, checked, engine_of, kind_of, open_frame
from mllayers.sums._query import _collected, known, label_of, totals
from mllayers.sums._table import as_key

__all__ = ["EngineDesk", "open_engine"]

_EXACT_ROWS = 100_000  # up to so many rows each score has a group of its own; beyond, a grid has cells
_GRID = 65_536
_EDGE_ROWS = 1_000_000  # from so many rows at most the edges of cells are found
_HEAD, _FEW = 100_000, 2_000  # first rows that are asked before all are: of how many values, and of what kind
_MOST_VALUES = 100_000  # of a column of text, as in `profile_sums`
# a day of the calendar: casts of what is none stop some engines, and make another day of it in others
_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DAY = (
    "^(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)$"
)
_TIME = r"^\d{4}-\d{2}-\d{2}(?:[ T].*)?$"
_NUMBERS = ("score", "rival", "amount", "reward", "before", "propensity", "audit", "weights", "inspected", *PRICES)


@dataclass
class _Facts:
    """What is known of the columns with a role: rows without an entry, of all and of those with a label; ends."""

    gone: dict[str, int] = field(default_factory=dict)
    unlabelled: dict[str, int] = field(default_factory=dict)
    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)


@dataclass
class EngineDesk(Desk):
    """A frame of any engine with its roles; ``frame`` is that of narwhals, and none of its rows is fetched."""

    frame: Any
    facts: _Facts = field(default_factory=_Facts)
    period_order: list[str] | None = None  # where the type of the periods says it
    _kept: list[str] | None = None

    in_engine: ClassVar[bool] = True
    brought: ClassVar[dict[str, Any]] = {"pd": pd, "nw": nw}

    def at(self, role: str, rows: str = "known") -> str:
        """A role's column, by name."""
        return repr(self._name(role))

    def _name(self, role: str) -> str:
        return self.label if role == "outcome" else self.column(role)

    def known(self, *roles: str, rows: str = "known") -> str:
        """The line that keeps the rows on which these roles are all known; with the weights, if there are any."""
        played = [role for role in (*roles, "weights") if isinstance(getattr(self.roles, role), str)]
        self._dropped_by = list(dict.fromkeys(map(self.column, played)))
        return f"{rows} = frame.select({list(dict.fromkeys(map(self._name, played)))!r}).drop_nulls()"

    def prices(self, rows: str = "known") -> str:
        """The line with the prices: numbers, or names of columns."""
        told = {name: getattr(self.roles, name) for name in self.priced()}
        told = {name: x if isinstance(x, str) else float(x) for name, x in told.items()}
        told |= {name: 0.0 for name in ("cost_fp", "gain_tp") if name not in told}
        return f"prices = dict({', '.join(f'{name}={x!r}' for name, x in told.items())})"

    def threshold_lines(self) -> tuple[str, ...]:
        """The lines with the prices and the threshold that follows from them, ``t``: a number, or a column."""
        if not self.price_columns():
            return ("from mllayers.decision import cost_threshold", self.prices(), "t = cost_threshold(**prices)")
        t = self.free("threshold")
        made = f"known = with_cost_threshold(known, into={t!r}, **prices)"
        return ("from mllayers.sums import with_cost_threshold", self.prices(), made, f"t = {t!r}")

    def weights(self, rows: str = "known") -> str:
        """The argument with the observation weights, where a column holds them."""
        return "" if self.roles.weights is None else f"weights={self.roles.weights!r}, "

    def grid(self) -> str:
        """The argument with the cells of a grid of scores, where there are too many scores to list them."""
        return f", grid={_GRID}" if self.source.rows > _EXACT_ROWS else ""

    def grid_told(self, what: str) -> str:
        """What the grid means for an answer, in words."""
        return f"{what[0].upper()}{what[1:]} on a grid of {_GRID:,} cells"

    def merged_told(self, bands: int, found: int) -> str:
        """What to say where a cell of the grid is as large as several of so many bands; "" if none is."""
        cells = self.made("spread").table.sort_values("cell")
        upto = np.cumsum(cells["weight"].to_numpy()) / float(cells["weight"].sum())
        cell_of = np.searchsorted(upto, np.arange(bands) / bands, side="right")
        starts = np.bincount(np.minimum(cell_of, len(cells) - 1), minlength=len(cells))
        mixed = (starts > 1) & (cells["min_p"] < cells["max_p"]).to_numpy()
        if found >= bands or not mixed.any():
            return ""
        share = float(np.diff(upto, prepend=0.0)[mixed].sum())
        return (
            f"{count(found, 'band')} instead of {bands}: {percent(share)} of the cases have scores so close together "
            "that the grid does not tell them apart"
        )

    def money_grid(self) -> str:
        """The arguments with the cells of a grid of gains, up to the largest there can be."""
        if self.source.rows <= _EXACT_ROWS:
            return ""
        prices = [getattr(self.roles, name) for name in ("gain_tp", "cost_fn")]
        most = sum(self.facts.high[x] if isinstance(x, str) else float(x or 0.0) for x in prices)
        return f", grid={_GRID}, most={most if most > 0 else 1.0!r}"

    def edges(self, rows: str) -> str:
        """The argument with the edges of cells, where they are found in the first rows alone."""
        if self.source.rows <= _EDGE_ROWS:
            return ""
        return f", edges=profile_sums({rows}.head({_EDGE_ROWS}), columns=columns).edges"

    def edges_told(self, rows: str) -> str:
        """Where the edges of cells come from, in words."""
        first = f"the first {_EDGE_ROWS:,} of " if self.source.rows > _EDGE_ROWS else ""
        return f"Numbers are cut at the tenths of {first}{rows}"

    def as_of(self) -> str:
        """The moment to look back from: as said, or the last that the frame shows."""
        if self.roles.as_of is not None:
            return str(self.roles.as_of)
        ends = {role: nw.col(self.column(role)).max() for role in ("time", "arrival") if self.has(role)}
        found = _collected(self.frame.select(**ends))
        return str(max(pd.Timestamp(as_key(found[role].to_list()[0])) for role in ends))

    def decided_later(self) -> str:
        """How many rows were decided after the moment that is looked back from; "" if none."""
        sums, as_of = self._names.get("sums"), self.as_of()
        if sums is None:
            return ""
        late = sums.table["day"].to_numpy().astype("datetime64[us]") > as_moment(as_of, "as_of")
        later = int(sums.table.loc[late, "rows"].sum())
        return f"{count(later, 'row')} decided after {as_of} left out" if later else ""

    def missing(self, role: str) -> int:
        """How many rows have nothing in the column of a role."""
        return self.facts.gone[self.column(role)]

    def _without(self, name: str, *, labelled: bool) -> int:
        return (self.facts.unlabelled if labelled else self.facts.gone)[name]

    def labelled_share(self, by: str) -> pd.Series[Any]:
        """The share of cases with a label, in each period or segment."""
        there = {"n_labels": ~nw.col(self.label).is_null()}
        table = totals(self.frame, {"by": label_of(self.frame, self.column(by))}, there, must={}).dropna(subset="by")
        shares = (table["n_labels"] / table["rows"]).set_axis(table["by"].tolist()).sort_index()
        return shares.loc[self.in_order(shares.index)] if by == "period" else shares

    def named_actions(self, role: str) -> bool:
        """Whether a column holds names of actions, not chances."""
        schema = self.frame.collect_schema()
        names = not _is_number(schema[self.column(role)])
        if names and self.roles.action is not None and _is_number(schema[self.roles.action]):
            told = f"{role} {self.column(role)!r} holds text and action {self.roles.action!r} numbers"
            raise ValueError(f"{told}: write both alike")
        return names

    def chances(self, arm: Any) -> list[tuple[float, float]]:
        """The smallest and the largest chance of those who were left alone, and of those who got this action."""
        chance = {"chance": number(self.column("propensity"))}
        action = {"action": label_of(self.frame, self.column("action"))}
        table = totals(self.frame, action, {}, least=chance, most=chance, must={}).dropna(subset="action")
        ends = table.set_index("action")[["min_chance", "max_chance"]]
        return [(float(ends.loc[one, "min_chance"]), float(ends.loc[one, "max_chance"])) for one in (self.arms[0], arm)]

    def sample(self) -> tuple[None, str]:
        """All rows: the engine counts them."""
        return None, ""

    def comparable(self) -> list[str]:
        """The columns that may be compared, by their types and by what a few sums say of them."""
        if self._kept is None:
            roles, named = set(self.roles.of_columns().values()), self.roles.columns
            wanted = list(named) if named is not None else [c for c in self.source.columns if c not in roles]
            for name in wanted:
                why = self._not_comparable(name, named=named is not None)
                if why:
                    self.left_out[name] = why
            self._kept = [name for name in wanted if name not in self.left_out]
        return [name for name in self._kept if name not in self.left_out]

    def _not_comparable(self, name: str, *, named: bool) -> str:
        kind = self.frame.collect_schema()[name]
        try:
            if _is_number(kind):
                return self._odd_numbers(name, kind, named=named)
            if kind in (nw.String, nw.Categorical, nw.Enum):
                return self._odd_text(name, named=named)
        except Exception as error:  # a query may fail for this column alone
            return " ".join(str(error).split())[:240] or type(error).__name__
        if kind in (nw.Date, nw.Datetime, nw.Duration, nw.Time):
            return "dates: turn them into a number, such as days since a date"
        return "missing in every row" if kind == nw.Unknown else f"values of the kind {kind}"

    def _odd_numbers(self, name: str, kind: Any, *, named: bool) -> str:
        """Why a column of numbers is left out."""
        x = _clean(self.frame, name)
        ends = totals(self.frame, {}, {"n_there": known(x)}, least={"x": x}, most={"x": x}, must={})
        if not int(ends["n_there"].sum()):
            return "missing in every row"
        low, high = float(ends["min_x"].min()), float(ends["max_x"].max())
        if np.isinf([low, high]).any():
            return "holds infinite numbers"
        if kind.is_integer() and not named:
            first = self.frame.select(x=nw.col(name)).head(_HEAD).drop_nulls("x")
            rows, distinct = (_rows_of(part) for part in (first, first.unique("x")))
            if rows >= 100 and rows == distinct:
                return "a whole number that names cases: each value comes once"
        if not named and self.has("period") and low < high and self._one_in_each_period({"x": x}):
            return "one value in all rows of each period: it tells the time, not the case"
        return ""

    def _one_in_each_period(self, ends: dict[str, nw.Expr]) -> bool:
        """Whether a number is the same in all rows of each period."""
        period = {"period": label_of(self.frame, self.column("period"))}
        table = totals(self.frame, period, {}, least=ends, most=ends, must={}).dropna(subset="period")
        return bool(self.source.rows >= 10 * len(table) and not (table["min_x"] < table["max_x"]).any())

    def _odd_text(self, name: str, *, named: bool) -> str:
        """Why a column of text is left out, by its first rows and by how many values there are."""
        text = self.frame.select(x=nw.col(name).cast(nw.String)).drop_nulls("x")
        few = text.head(_FEW)
        made = few.with_columns(long=nw.col("x").str.len_chars(), dated=_if(nw.col("x").str.contains(_TIME)))
        table = _collected(made.select(nw.len().alias("n"), nw.col("long").sum(), nw.col("dated").sum()))
        n, long, dated = (int(table[one].to_list()[0] or 0) for one in ("n", "long", "dated"))
        if not n:
            return "missing in every row"
        distinct = _rows_of(few.unique("x"))
        if long > 40 * n and distinct > 0.5 * n:
            return "free text"
        if dated == n:
            return "dates as text: turn them into a number, such as days since a date"
        if n >= 30 and distinct > 0.95 * n:
            return "text that names cases: nearly every value comes once"
        if _rows_of(text.unique("x").head(_MOST_VALUES + 1)) > _MOST_VALUES:
            return f"text with more than {_MOST_VALUES:,} values"
        if not named and self.has("period") and distinct <= len(self.periods):
            keys = {"period": label_of(self.frame, self.column("period")), "x": label_of(self.frame, name)}
            found = totals(self.frame, keys, {}, must={}, limit=3 * MOST_PERIODS).dropna()
            each = found.groupby("period")["x"].nunique()
            if self.source.rows >= 10 * len(each) and len(set(found["x"])) > 1 and each.max() <= 1:
                return "one value in all rows of each period: it tells the time, not the case"
        return ""


# opening ------------------------------------------------------------------------------------------------------------


def open_engine(
    data: Any,
    roles: Roles,
    *,
    level: float,
    max_rows: int,
    seed: int,
    currency: str,
    progress: Callable[[str], object],
) -> EngineDesk:
    """Look at the types of the columns with a role and at a few sums of them, whether each can play it."""
    lines: list[str] = []
    called = ""
    if isinstance(data, (str, os.PathLike)):
        called = as_path(data, "data").name
        data, lines = _lazily(data)
    who, home = engine_of(data)
    if isinstance(data, pd.DataFrame):
        checked("a pandas frame", list(data.columns), len(data), (), _no_rows)
    frame = open_frame(data)
    name = called or kind_of(data, lazy=isinstance(frame, nw.LazyFrame))
    schema = by_engine(who, frame.collect_schema)
    rows = by_engine(who, lambda: _rows_of(frame)) if len(schema) else 0
    lines = ["import narwhals.stable.v2 as nw", "import pandas as pd", *lines, "frame = nw.from_native(data)"]
    source = checked(name, list(schema), rows, tuple(lines), _no_rows)
    check_named(source, roles)
    desk = EngineDesk(source, roles, frame, level, max_rows, seed, currency, (), progress)
    played = list(dict.fromkeys(roles.of_columns().values()))
    if home == "pandas" and any(schema[column] == nw.Object for column in played):
        lines[-1] = "frame = nw.from_native(data.convert_dtypes())"  # columns of objects as what they hold
        desk.frame = opened(data.convert_dtypes())
        _date_objects(desk, lines)
    kind = schema.get(roles.period)
    desk.period_order = [str(category) for category in kind.categories] if isinstance(kind, nw.Enum) else None
    coded = [column for column in played if desk.frame.collect_schema()[column] in (nw.Categorical, nw.Enum)]
    if coded:
        _add(desk, lines, f"frame = frame.with_columns(nw.col({coded!r}).cast(nw.String))")
    truths = [column for role, column in roles.of_columns().items() if role in (*_NUMBERS, "challenger")]
    truths = [column for column in dict.fromkeys(truths) if schema[column] == nw.Boolean]
    if truths and _is_sql(frame):  # which does not multiply with True
        _add(desk, lines, f"frame = frame.with_columns(nw.col({truths!r}).cast(nw.Float64))")
    desk.opening = tuple(lines)
    keep_apart(desk)
    check_as_of(roles)
    for role, column in roles.of_columns().items():
        if schema[column].is_nested() or schema[column] == nw.Object:
            check_single(role, column, by_engine(who, partial(_first_of, desk.frame, column)))
    by_engine(who, lambda: _look(desk, lines))
    return desk


def _date_objects(desk: EngineDesk, lines: list[str]) -> None:
    """Dates of Python, which pandas keeps as objects, as moments where a role asks for those."""
    native, schema = desk.frame.to_native(), desk.frame.collect_schema()
    for column in dict.fromkeys(filter(None, (desk.roles.time, desk.roles.arrival))):
        known_entries = native[column].dropna() if schema[column] == nw.Object else ()
        if len(known_entries) and all(isinstance(x, datetime.date) for x in known_entries):
            moments = f"pd.to_datetime(frame.to_native()[{column!r}], utc=True).dt.tz_localize(None)"
            try:
                _add(desk, lines, f"frame = nw.from_native(frame.to_native().assign(**{{{column!r}: {moments}}}))")
            except (ValueError, TypeError):  # such as a year that does not fit: the page says what the column holds
                continue


def _no_rows(columns: list[str]) -> pd.DataFrame:
    raise ValueError(f"the rows of {', '.join(columns)} stay in the engine")


def _lazily(data: str | os.PathLike[str]) -> tuple[Any, list[str]]:
    """A Parquet file as a lazy frame, and the lines that open it."""
    told, path = os.fspath(data), as_path(data, "data")
    if "://" in told or any(sign in told for sign in "*?[") or (path.is_dir() and path.suffix != ".parquet"):
        many = told if "://" in told or not path.is_dir() else str(path / "**" / "*.parquet")
        raise ValueError(
            f"{told!r} is not one file on this machine: hand in a frame, pl.scan_parquet({many!r}) of Polars or "
            f"duckdb.read_parquet({many!r})"
        )
    if not path.exists():
        raise FileNotFoundError(f"there is no file {str(path)!r}: data must be a frame, or the path of a .parquet file")
    if path.suffix != ".parquet":
        raise ValueError(
            f"{path.name!r} is no .parquet file: in_engine=True reads files of that kind, and frames of any engine; "
            "leave it out, or write the file as Parquet"
        )
    if find_spec("polars") is not None:
        import polars as pl

        return pl.scan_parquet(path), ["import polars as pl", f"data = pl.scan_parquet({str(path)!r})"]
    if find_spec("duckdb") is not None:
        import duckdb

        many = str(path / "**" / "*.parquet") if path.is_dir() else str(path)
        data = by_engine("DuckDB", lambda: duckdb.read_parquet(many))
        return data, ["import duckdb", f"data = duckdb.read_parquet({many!r})"]
    raise ValueError(f"{path.name} stays on the disk only with Polars or DuckDB: run `{install_line('engines')}`")


def _add(desk: EngineDesk, lines: list[str], *more: str) -> None:
    """Carry out lines of the opening, and keep them."""
    names: dict[str, Any] = {"frame": desk.frame, **desk.brought}
    exec("\n".join(more), names)
    desk.frame = names["frame"]
    lines += more


def _is_number(kind: Any) -> bool:
    return bool(kind == nw.Boolean or kind.is_numeric())


def _if(condition: nw.Expr) -> nw.Expr:
    """1 where it holds, else 0: every engine adds these up."""
    return nw.when(condition).then(1).otherwise(0)


def _clean(frame: Any, name: str) -> nw.Expr:
    """A column of numbers, in which what is no number is missing."""
    x = number(name)
    return nw.when(~x.is_nan()).then(x) if frame.collect_schema()[name].is_float() else x


def _rows_of(frame: Any) -> int:
    return int(_collected(frame.select(nw.len().alias("n")))["n"].to_list()[0])


def _values(frame: Any, name: str, most: int) -> list[Any]:
    """The different values of a column, in some order; one more than so many at most."""
    first = frame.select(x=label_of(frame, name)).head(_HEAD).drop_nulls("x").unique("x").head(most + 1)
    found = _collected(first)["x"].to_list()
    if len(found) <= most:
        table = totals(frame, {"x": label_of(frame, name)}, {}, must={}, limit=most + 1)
        found = table["x"].dropna().tolist()
    return sorted(found, key=lambda x: (type(x).__name__, x))[: most + 1]


def _first_of(frame: Any, name: str) -> Any:
    """One value of a column, to be shown."""
    return next(iter(_collected(frame.select(x=nw.col(name)).drop_nulls("x").head(1))["x"].to_list()), None)


def _look(desk: EngineDesk, lines: list[str]) -> None:
    """All that has to be known of the columns, by a handful of queries."""
    _look_at_columns(desk, lines)
    _look_at_outcome(desk, lines)
    _look_at_times(desk, lines)
    _look_at_groups(desk, lines)
    _look_at_actions(desk, lines)
    desk.opening = tuple(lines)


def _look_at_columns(desk: EngineDesk, lines: list[str]) -> None:
    """One query: what is missing, and from where to where numbers run."""
    played, schema = desk.roles.of_columns(), desk.frame.collect_schema()
    names = list(dict.fromkeys(played.values()))
    if not names:
        return
    numbers = {name: _clean(desk.frame, name) for name in names if _is_number(schema[name])}
    place = {name: f"c{i}" for i, name in enumerate(names)}
    sums: dict[str, nw.Expr] = {}
    labelled = None
    if desk.roles.outcome is not None:
        labelled = ~numbers.get(desk.roles.outcome, nw.col(desk.roles.outcome)).is_null()
    for name in names:
        gone = numbers.get(name, nw.col(name)).is_null()
        sums[f"n_gone_{place[name]}"] = gone
        if labelled is not None:
            sums[f"n_here_{place[name]}"] = gone & labelled
        if schema[name].is_float():
            sums[f"n_nan_{place[name]}"] = number(name).is_nan()
    ends = {place[name]: x for name, x in numbers.items()}
    found = totals(desk.frame, {}, sums, least=ends, most=ends, must={})
    facts = desk.facts
    for name in names:
        facts.gone[name] = int(found[f"n_gone_{place[name]}"].sum())
        facts.unlabelled[name] = int(found[f"n_here_{place[name]}"].sum()) if labelled is not None else 0
    for name in numbers:
        facts.low[name], facts.high[name] = (
            float(found[f"min_{place[name]}"].min()),
            float(found[f"max_{place[name]}"].max()),
        )
    nans = [name for name in numbers if schema[name].is_float() and int(found[f"n_nan_{place[name]}"].sum())]
    if nans:
        told = f"there = {{name: nw.when(~nw.col(name).is_nan()).then(nw.col(name)) for name in {nans!r}}}"
        _add(desk, lines, f"{told}  # what is no number is missing", "frame = frame.with_columns(**there)")
    for role, column in played.items():
        names_actions = role == "challenger" and schema[column] == nw.String
        if (role in _NUMBERS or role == "challenger") and not names_actions and role not in desk.problems:
            _judge_numbers(desk, role, column)
    if desk.has("score"):
        note_constant(desk, facts.low[desk.column("score")], facts.high[desk.column("score")])


def _judge_numbers(desk: EngineDesk, role: str, column: str) -> None:
    """Put a role in question that takes other numbers than its column holds."""
    name, facts = f"{role} {column!r}", desk.facts
    if facts.gone[column] == desk.source.rows:
        desk.problems[role] = f"{name} is missing in every row"
        return
    if column not in facts.low:
        first = _first_of(desk.frame, column)
        typed = isinstance(first, str) and typed_number(first) is not None
        hint = hint_of(first, column) or ": it is text, make it numbers" * typed
        desk.problems[role] = f"{name} must hold numbers; it holds {describe(first)}{hint}"
        return
    low, high = facts.low[column], facts.high[column]
    if not np.isfinite([low, high]).all():
        odd = high if np.isinf(high) else low
        desk.problems[role] = f"{name} must hold finite numbers; it holds {odd}"
    elif role in ("propensity", "audit") and low <= 0:
        desk.problems[role] = no_chance_told(name, low)
    elif role in ("score", "rival", "propensity", "challenger", "audit") and (low < 0 or high > 1):
        desk.problems[role] = beyond_told(role, name, low, high)
    elif role == "weights" and facts.gone[column]:
        gone = count(facts.gone[column], "row")
        desk.problems[role] = f"{name} is missing in {gone}: say how many cases each stands for"
    elif role == "weights" and low <= 0:
        desk.problems[role] = weightless_told(name, low)
    elif role == "inspected" and facts.gone[column]:
        gone = count(facts.gone[column], "row")
        desk.problems[role] = f"{name} is missing in {gone}: say of each whether somebody looked"
    elif role == "inspected" and (values := _values(desk.frame, column, 4)) and not set(values) <= {0, 1}:
        desk.problems[role] = not_looked_told(name, values)


def _look_at_outcome(desk: EngineDesk, lines: list[str]) -> None:
    """Yes or no, as 0 and 1; where it is said with a word, one more column says it in numbers."""
    if desk.roles.outcome is None:
        return
    name = desk.label = desk.roles.outcome
    kind, rows = desk.frame.collect_schema()[name], desk.source.rows
    labels = rows - desk.facts.gone[name]
    values = [int(x) if isinstance(x, bool) else x for x in _values(desk.frame, name, 50)] if labels else []
    wanted = which_is_yes(desk, values, numbers=_is_number(kind))
    if wanted is None:
        return
    if desk.roles.positive is not None:
        wanted = bool(wanted) if kind == nw.Boolean else wanted
        desk.label = desk.free(f"{name}_is")
        yes = f"(nw.col({name!r}) == {wanted!r}).cast(nw.Float64)"
        made = f"nw.when(~nw.col({name!r}).is_null()).then({yes})"
        _add(desk, lines, f"frame = frame.with_columns({made}.alias({desk.label!r}))")
    label = number(desk.label)
    sums = {"n_yes": label == 1}
    if desk.has("score"):
        sums["n_same"] = label == number(desk.column("score"))
    if desk.has("inspected"):
        sums["n_quiet"] = ~label.is_null() & (number(desk.column("inspected")) == 0)
    found = totals(desk.frame, {}, sums, must={})
    hits = int(found["n_yes"].sum())
    note_one_class(desk, hits, labels)
    if desk.has("score") and not desk.one_class and int(found["n_same"].sum()) == labels:
        note_copied(desk)
    if desk.has("inspected"):
        note_silence(desk, int(found["n_quiet"].sum()))


def _look_at_times(desk: EngineDesk, lines: list[str]) -> None:
    """Moments, as they are or written as days; where no period was named, the months are made from them."""
    for role in ("time", "arrival"):
        if getattr(desk.roles, role) is not None:
            _judge_times(desk, role, lines)
    if desk.roles.period is not None or not desk.has("time"):
        return
    column = desk.column("time")
    kind = desk.frame.collect_schema()[column]
    if kind not in (nw.Date, nw.Datetime):
        return
    name = desk.free(f"{column}_month")
    zone = getattr(kind, "time_zone", None)
    in_utc = '.dt.convert_time_zone("UTC")' if zone is not None and not desk.frame.implementation.is_duckdb() else ""
    when = f"nw.col({column!r}){in_utc}.dt"
    month = f"({when}.year().cast(nw.Int64) * 100 + {when}.month().cast(nw.Int64))"
    made = f"frame = frame.with_columns({month}.alias({name!r}))"
    if desk.frame.implementation.is_pandas():  # whose plain whole numbers cannot be missing
        when = f"pd.to_datetime(frame.to_native()[{column!r}], utc=True).dt"
        month = f"({when}.year * 100 + {when}.month).astype('Int64')"
        made = f"frame = nw.from_native(frame.to_native().assign(**{{{name!r}: {month}}}))"
    _add(desk, lines, made)
    desk.roles = replace(desk.roles, period=name)
    desk.facts.gone[name], desk.facts.unlabelled[name] = desk.facts.gone[column], desk.facts.unlabelled[column]


def _judge_times(desk: EngineDesk, role: str, lines: list[str]) -> None:
    column = desk.column(role)
    name, kind = f"{role} {column!r}", desk.frame.collect_schema()[column]
    if desk.facts.gone[column] == desk.source.rows:
        desk.problems[role] = f"{name} is missing in every row"
    elif kind == nw.String:
        text = nw.col(column).str
        dated = text.contains(_DAY) & (text.len_chars() == 10) & ~text.starts_with("0000")
        odd = ~nw.col(column).is_null() & ~dated
        if int(totals(desk.frame, {}, {"n_odd": odd}, must={})["n_odd"].sum()):
            other = desk.frame.filter(odd)
            desk.problems[role] = f"{name} must hold dates as 2026-03-01; it holds {describe(_first_of(other, column))}"
        else:
            day = f"nw.col({column!r}).str.to_datetime(format='%Y-%m-%d')"
            _add(desk, lines, f"frame = frame.with_columns({day})")
    elif _is_number(kind):
        _judge_numbers(desk, role, column)
    elif kind not in (nw.Date, nw.Datetime):
        told = f"{name} must hold dates; it holds {describe(_first_of(desk.frame, column))}"
        desk.problems[role] = f"{told}, of the type {kind}: make them dates of the engine first"
    elif getattr(kind, "time_zone", None) not in (None, "UTC", "Etc/UTC") and desk.frame.implementation.is_duckdb():
        desk.problems[role] = f"{name} has times in the zone of the connection, {kind.time_zone}: SET TimeZone = 'UTC'"


def _zone_of(desk: EngineDesk, column: str) -> str | None:
    zone: str | None = getattr(desk.frame.collect_schema()[column], "time_zone", None)
    return zone


def _is_sql(frame: Any) -> bool:
    """Whether it is an engine whose connection says in which zone times are."""
    return bool(frame.implementation.is_duckdb() or frame.implementation.is_spark_like())


def _look_at_groups(desk: EngineDesk, lines: list[str]) -> None:
    """Periods and segments; whether ids come twice is not asked."""
    roles = desk.roles
    if roles.period is not None and "time" in desk.problems:
        desk.problems["period"] = desk.problems["time"]
    elif roles.period is not None and (zone := _zone_of(desk, roles.period)) is not None and _is_sql(desk.frame):
        desk.problems["period"] = f"period {roles.period!r} has times in a zone, {zone}: make days or months of them"
    elif roles.period is not None:
        if zone is not None:
            moment = f"nw.col({roles.period!r}).dt.convert_time_zone('UTC').dt.replace_time_zone(None)"
            _add(desk, lines, f"frame = frame.with_columns({moment})")
        values, order = _values(desk.frame, roles.period, MOST_PERIODS), desk.period_order
        ordered = order is not None and set(values) <= set(order)
        if order is not None and ordered:
            values.sort(key=order.index)
        told = f"more than {MOST_PERIODS}"
        take_periods(desk, values, told, desk.facts.gone[roles.period], ordered=ordered)
    if roles.segment is not None:
        judge_segments(desk, len(_values(desk.frame, roles.segment, MOST_SEGMENTS)), f"more than {MOST_SEGMENTS}")


def _look_at_actions(desk: EngineDesk, lines: list[str]) -> None:
    """The actions, and the one that leaves a case alone."""
    action = desk.roles.action
    if action is None:
        return
    numbers = _is_number(desk.frame.collect_schema()[action])
    values = _values(desk.frame, action, MOST_ACTIONS)
    chances = take_actions(desk, values, f"more than {MOST_ACTIONS}", numbers=numbers)
    if chances:
        name, chain = desk.free("chance_of_action"), "nw"
        for arm, chance in chances.items():
            chain += f".when(nw.col({action!r}) == {arm!r}).then({chance!r})"
        _add(desk, lines, f"frame = frame.with_columns({chain}.alias({name!r}))")
        desk.roles = replace(desk.roles, propensity=name)
        for known_of in (desk.facts.gone, desk.facts.unlabelled):
            known_of[name] = known_of[action]
