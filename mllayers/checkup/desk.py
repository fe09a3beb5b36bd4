"""What the caller said about the columns, held against what is in them; and the lines that sections run.

Nothing is guessed. A column that cannot play its role becomes one sentence in ``problems``, and only the questions that
need it stay open.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mllayers._check import SORTS_BY_TIME, as_moment, as_times, describe, out_of_order
from mllayers._stats import what_is_sure
from mllayers._words import count, dollars, exact, plain, points_told, span_told, typed_number
from mllayers.checkup.answers import Answer, Gap, Section
from mllayers.checkup.reading import Source

__all__ = [
    "ASK_A_SAMPLE",
    "COLUMN_ROLES",
    "MOST_ACTIONS",
    "MOST_PERIODS",
    "MOST_SEGMENTS",
    "PRICES",
    "Desk",
    "Roles",
    "beyond_told",
    "check_as_of",
    "check_named",
    "check_single",
    "hint_of",
    "judge_segments",
    "keep_apart",
    "no_chance_told",
    "not_looked_told",
    "note_constant",
    "note_copied",
    "note_one_class",
    "note_silence",
    "open_desk",
    "take_actions",
    "take_periods",
    "weightless_told",
    "which_is_yes",
]

PRICES = ("gain_tp", "cost_fp", "cost_fn", "gain_tn")
COLUMN_ROLES = (
    "score",
    "rival",
    "outcome",
    "amount",
    "time",
    "arrival",
    "period",
    "segment",
    "case",
    "action",
    "propensity",
    "reward",
    "challenger",
    "audit",
    "before",
    "weights",
    "inspected",
)
# pairs of roles that no column can play both, the second of which is put in question
_APART = (
    ("outcome", "score"),
    ("score", "rival"),
    ("outcome", "rival"),
    ("time", "arrival"),
    ("outcome", "action"),
    ("outcome", "inspected"),
    ("outcome", "weights"),
    ("action", "challenger"),
    ("score", "propensity"),
    ("case", "period"),
)
ASK_A_SAMPLE = "Ask a sample of the rows, without in_engine=True"
_AFTERWARDS = ("outcome", "reward", "arrival")
MOST_PERIODS, MOST_SEGMENTS, MOST_ACTIONS = 120, 50, 20


@dataclass(frozen=True)
class Roles:
    """What the caller said: role to column, prices, and how the file is to be read."""

    score: str | None = None
    rival: str | None = None
    outcome: str | None = None
    positive: Any = None
    amount: str | None = None
    time: str | None = None
    arrival: str | None = None
    as_of: Any = None
    period: str | None = None
    segment: str | None = None
    case: str | None = None
    action: str | None = None
    control: Any = None
    propensity: str | Mapping[Any, float] | None = None
    reward: str | None = None
    challenger: str | None = None
    audit: str | None = None
    before: str | None = None
    weights: str | None = None
    inspected: str | None = None
    report_rate: float | tuple[float, float] | None = None
    columns: tuple[str, ...] | None = None
    gain_tp: float | str | None = None
    cost_fp: float | str | None = None
    cost_fn: float | str | None = None
    gain_tn: float | str | None = None
    outcome_is: str | None = None
    capacity: float | None = None
    least: float | None = None
    least_money: float | None = None

    def of_columns(self) -> dict[str, str]:
        """Role to column, for every role that a column plays."""
        given = {role: getattr(self, role) for role in (*COLUMN_ROLES, *PRICES)}
        return {role: column for role, column in given.items() if isinstance(column, str)}


@dataclass
class Desk:
    """A file with its roles, ready to be asked; sections put their answers and gaps here."""

    source: Source
    roles: Roles
    frame: pd.DataFrame
    level: float
    max_rows: int
    seed: int
    currency: str
    opening: tuple[str, ...]
    progress: Callable[[str], object]
    problems: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)  # of answers that read this column; "": with an interval
    silence: str = ""
    periodless: str = ""
    one_class: str = ""
    miscalibrated: str = ""
    y: str = ""
    label: str = ""
    arms: tuple[Any, ...] = ()
    periods: tuple[Any, ...] = ()
    _answers: list[Answer] = field(default_factory=list)
    _gaps: list[Gap] = field(default_factory=list)
    _heard: list[str] = field(default_factory=list)
    _names: dict[str, Any] = field(default_factory=dict)
    _dropped_by: list[str] = field(default_factory=list)
    _missing: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    in_engine: ClassVar[bool] = False
    brought: ClassVar[dict[str, Any]] = {"pd": pd}  # what the lines of an answer find beside the frame

    # what can be asked

    def column(self, role: str) -> str:
        """The column that plays a role."""
        return str(getattr(self.roles, role))

    def has(self, *roles: str) -> bool:
        """Whether all these roles are played by columns that can play them."""
        return all(getattr(self.roles, role) is not None and role not in self.problems for role in roles)

    def why_not(self, *roles: str) -> str:
        """Why a question that needs these roles stays open."""
        told = [self.problems[role] for role in roles if role in self.problems]
        absent = [role for role in roles if getattr(self.roles, role) is None]
        if "period" in absent and "time" in self.problems:
            told.append(self.problems["time"])
            absent.remove("period")
        if absent:
            told.append(f"no column was named for {' and '.join(absent)}")
        return "; ".join(dict.fromkeys(told))

    def at(self, role: str, rows: str = "known") -> str:
        """A role's column in the code of an answer."""
        column = f"{rows}[{self.column(role)!r}]"
        if role == "outcome":
            return self.y.format(column)
        return column

    def known(self, *roles: str, rows: str = "known") -> str:
        """The line that keeps the rows on which these roles are all known; with the weights, if there are any."""
        roles = (*roles, "weights")
        names = list(dict.fromkeys(self.column(role) for role in roles if isinstance(getattr(self.roles, role), str)))
        self._dropped_by = names
        return f"{rows} = frame[{names!r}].dropna()"

    def moments(self, role: str, rows: str = "known") -> str:
        """A column of times in the code of an answer; numbers are days."""
        column = f"{rows}[{self.column(role)!r}]"
        if self.frame[self.column(role)].dtype.kind in "iuf":
            return f"pd.Timestamp('2000-01-01') + pd.to_timedelta({column}, unit='D')"
        return f"pd.to_datetime({column}, utc=True)"

    def as_of(self) -> str:
        """The moment to look back from: as said, or the last that the file shows."""
        told = self.roles.as_of
        numbers = self.frame[self.column("time")].dtype.kind in "iuf"
        if told is None:
            last = max(self.frame[self.column(role)].max() for role in ("time", "arrival") if self.has(role))
            told = float(last) if numbers else str(pd.Timestamp(last))
        if isinstance(told, (int, float)):
            return str(pd.Timestamp("2000-01-01") + pd.to_timedelta(float(told), unit="D"))
        return str(told)

    def missing(self, role: str) -> int:
        """How many rows have nothing in the column of a role."""
        return int(self.frame[self.column(role)].isna().sum())

    def labelled_share(self, by: str) -> pd.Series[Any]:
        """The share of cases with a label, in each period or segment."""
        there = self.frame[self.column("outcome")].notna()
        return there.groupby(self.frame[self.column(by)], observed=True).mean()

    def named_actions(self, role: str) -> bool:
        """Whether a column holds names of actions, not chances."""
        return self.frame[self.column(role)].dtype.kind not in "biuf"

    def grid(self) -> str:
        """The argument with the cells of a grid of scores, where the engine holds too many scores to list them."""
        return ""

    def grid_told(self, what: str) -> str:
        """What the grid means for an answer, in words."""
        return ""

    def merged_told(self, bands: int, found: int) -> str:
        """What to say where a cell of the grid is as large as several of so many bands; "" without a grid."""
        return ""

    def in_order(self, names: Iterable[Any]) -> list[Any]:
        """These periods in their order; what is no period of the file comes last."""
        place = {period: at for at, period in enumerate(self.periods)}
        return sorted(names, key=lambda name: place.get(name, len(place)))

    def money_grid(self) -> str:
        """The arguments with the cells of a grid of gains, where the engine holds too many to list them."""
        return ""

    def threshold_lines(self) -> tuple[str, ...]:
        """The lines with the prices and the threshold that follows from them, ``t``, in the engine."""
        return ()

    def edges(self, rows: str) -> str:
        """The argument with the edges of cells, where they are not found in all rows; those in memory always are."""
        return ""

    def edges_told(self, rows: str) -> str:
        """Where the edges of cells come from, in words."""
        return f"Numbers are cut at the tenths of {rows}"

    def chances(self, arm: Any) -> list[tuple[float, float]]:
        """The smallest and the largest chance of those who were left alone, and of those who got this action."""
        action, chance = self.column("action"), self.column("propensity")
        two = self.frame.loc[self.frame[action].isin([self.arms[0], arm]), [action, chance]]
        ends = two.groupby(action, observed=True)[chance].agg(["min", "max"])
        return [(float(ends.loc[one, "min"]), float(ends.loc[one, "max"])) for one in (self.arms[0], arm)]

    def decided_later(self) -> str:
        """How many rows were decided after the moment that is looked back from; "" if none."""
        name, as_of = self.column("time"), self.as_of()
        column = self.frame[name]
        if column.dtype.kind in "iuf":
            column = pd.Timestamp("2000-01-01") + pd.to_timedelta(column, unit="D")
        later = int((column > pd.to_datetime(as_of, utc=True).tz_localize(None)).sum())
        return f"{count(later, 'row')} decided after {as_of} left out" if later else ""

    def free(self, name: str) -> str:
        """A name for a new column: the one given, or the next like it that no column bears."""
        while name in self.source.columns:
            name += "_"
        return name

    def priced(self) -> list[str]:
        """The prices that the caller gave."""
        return [name for name in PRICES if getattr(self.roles, name) is not None]

    def has_prices(self) -> bool:
        """Whether the prices settle a decision: one for acting rightly or missing, one for acting in vain."""
        given = self.priced()
        broken = any(name in self.problems for name in PRICES)
        return not broken and bool({"gain_tp", "cost_fn"} & set(given)) and bool({"cost_fp", "gain_tn"} & set(given))

    def prices(self, rows: str = "known") -> str:
        """The line with the prices."""
        told = []
        for name in self.priced():
            x = getattr(self.roles, name)
            told.append(f"{name}={f'{rows}[{x!r}]' if isinstance(x, str) else repr(float(x))}")
        if "cost_fp" not in self.priced():
            told.append("cost_fp=0.0")
        if "gain_tp" not in self.priced():
            told.append("gain_tp=0.0")
        return f"prices = dict({', '.join(told)})"

    def price_columns(self) -> list[str]:
        """The roles of the prices that differ from case to case."""
        return [name for name in self.priced() if isinstance(getattr(self.roles, name), str)]

    def weights(self, rows: str = "known") -> str:
        """The argument with the observation weights, where a column holds them."""
        return "" if self.roles.weights is None else f"weights={rows}[{self.roles.weights!r}], "

    def least(self, name: str = "least") -> str:
        """The argument with the least difference that matters, of rates (``least``) or of money (``least_money``)."""
        x = getattr(self.roles, name)
        return "" if x is None else f"least={x!r}, "

    # words

    def cases(self, n: int, stands_for: float) -> str:
        """Rows, and the cases of the population that they stand for."""
        told = count(stands_for, "case")
        return told if self.roles.weights is None else f"{told} that {count(n, 'row')} stand for"

    def matters(self, low: float, high: float, name: str = "least_money") -> str:
        """Whether an interval says that a difference is larger than the least that matters; "" if none was stated."""
        least = getattr(self.roles, name)
        if least is None or math.isnan(low) or math.isnan(high):
            return ""
        told = f"{self.cash(least)} a case" if name == "least_money" else points_told(least)
        words = {
            "more": f"surely more than {told}",
            "less": f"surely worse by more than {told}",
            "alike": f"too small to matter, surely within {told}",
            "open": f"whether it is more than {told} is open",
        }
        return f"; {words[what_is_sure(low, high, least)]}"

    def matters_rate(self, found: Any) -> str:
        """What a promise's interval says as a whole, where a least difference was stated."""
        if self.roles.least is None:
            return ""
        least = points_told(self.roles.least)
        if found.size == "alike":
            return f"; as a whole within {least} of the promise, surely"
        if found.size in ("more", "less"):
            return f"; as a whole surely {found.size} than promised, by more than {least}"
        return f"; whether the whole is off by more than {least} is open"

    def cash(self, x: float, digits: int | None = None) -> str:
        """Money in the caller's currency."""
        return dollars(x, digits).replace("$", self.currency)

    def ends(self, low: float, high: float) -> str:
        """The two ends of an interval of money."""
        if math.isnan(low) or math.isnan(high):
            return "too few events for an interval"
        return span_told(low, high, self.cash)

    def if_probability(self) -> str:
        """The condition of every number that takes the score for a probability, and what section 2 found of it."""
        if self.miscalibrated:
            return f"the score is a probability, which it is not {self.miscalibrated} (section 2)"
        return "the score is a probability (section 2)"

    @property
    def sure(self) -> str:
        """The level, as it is said."""
        return f"{plain(100 * self.level)} %"

    # asking

    def run(self, code: Sequence[str], frame: pd.DataFrame | None = None) -> Any:
        """Carry out the lines of an answer, exactly as they are shown, and return what they call ``found``."""
        names: dict[str, Any] = {"frame": self.frame if frame is None else frame, **self.brought}
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            self._names = names
            exec("\n".join(code), names)
        self._heard = [" ".join(str(one.message).split()) for one in heard if issubclass(one.category, UserWarning)]
        return names["found"]

    def number(self, expression: str) -> float:
        """The number of an answer, taken out of what the lines made."""
        return float(eval(expression, self._names))

    def made(self, name: str) -> Any:
        """What the lines made beside ``found``."""
        return self._names[name]

    def ask(self, question: str, build: Callable[[], Answer | None], *, weights: str = "taken", rows: str = "") -> None:
        """Put an answer on the page; where it cannot be had, the reason.

        `weights` says that the estimator takes observation weights ("taken"), that they change nothing ("") or which
        function it is that takes none: where the file has weights, its number is refused. `rows` is the function that
        needs the rows themselves, if one does: where they stay in the engine, it is not asked.
        """
        self.progress(question)
        self._heard, self._dropped_by = [], []
        if rows and self.in_engine:
            self.gap(question, f"`{rows}` needs the rows themselves, and none is fetched", ASK_A_SAMPLE)
            return
        if self.roles.weights is not None and weights:
            if weights != "taken":
                why = (
                    f"`{weights}` takes no weights, and without those of {self.roles.weights!r} its number would speak "
                )
                self.gap(question, f"{why}of the rows, not of the population", "Ask without weights if rows are meant")
                return
            if "weights" in self.problems:
                self.gap(question, self.problems["weights"])
                return
        try:
            answer = build()
        except (ValueError, TypeError) as error:
            self.gap(question, " ".join(str(error).split()))
        except Exception as error:  # one question that breaks must not take the others with it
            self.gap(question, f"{type(error).__name__}: {' '.join(str(error).split()) or 'no more is known'}")
        else:
            if answer is not None:
                read, told = "\n".join(answer.code), self._left_rows_out()
                notes = [note for column, note in self.notes if repr(column) in read]
                outcome = repr(self.label if self.in_engine else self.roles.outcome)
                if self.silence and outcome in read and repr(self.roles.inspected) not in read:
                    notes.append(self.silence)
                notes += [note for column, note in self.notes if not column and not math.isnan(answer.low)]
                trust = ". ".join([answer.trust.rstrip("."), *self._heard, *told, *notes])
                self._answers.append(replace(answer, trust=f"{trust}.", currency=self.currency))
        self._names = {}  # what the lines made is large

    def _left_rows_out(self) -> list[str]:
        """How many rows an answer could not use, and for want of what; that rows have no label is said elsewhere."""
        outcome, told = self.roles.outcome, []
        labelled = outcome is not None and outcome in self._dropped_by
        for name in self._dropped_by:
            n = self._without(name, labelled=labelled) if name != outcome else 0
            if n:
                told.append(f"{count(n, 'labelled row' if labelled else 'row')} without {name!r} left out")
        return told

    def _without(self, name: str, *, labelled: bool) -> int:
        """How many rows, or labelled rows, have nothing in a column."""
        gone = self._gone(name)
        return int(np.count_nonzero(gone & ~self._gone(str(self.roles.outcome)) if labelled else gone))

    def _gone(self, name: str) -> NDArray[np.bool_]:
        if name not in self._missing:
            self._missing[name] = self.frame[name].isna().to_numpy(dtype=bool)
        return self._missing[name]

    def open(self, question: str, needs: str, *roles: str) -> None:
        """Leave a question open for want of these roles; what would answer it is said where one was not named."""
        absent = any(getattr(self.roles, role) is None for role in roles)
        self.gap(question, self.why_not(*roles), needs if absent else "")

    def gap(self, question: str, why: str, needs: str = "") -> None:
        """Say what the file cannot answer."""
        self._gaps.append(Gap(question, why.rstrip("."), needs.rstrip(".")))

    def section(self, name: str, title: str) -> Section:
        """What was asked since the last section."""
        done = Section(name, title, tuple(self._answers), tuple(self._gaps))
        self._answers, self._gaps = [], []
        return done

    # rows and columns to compare

    def comparable(self) -> list[str]:
        """The columns that may be compared between rows: those named, or all that play no role and can be compared."""
        roles = set(self.roles.of_columns().values())
        named = self.roles.columns
        wanted = list(named) if named is not None else [c for c in self.source.columns if c not in roles]
        kept = []
        for name in wanted:
            if name not in self.left_out:
                try:
                    column = self.source.take([name])[name]
                except ValueError as error:  # a query may fail for this column alone
                    self.left_out[name] = str(error)
                    continue
                why = _not_comparable(column, named is not None)
                if not why and named is None and self.has("period") and self._tells_the_period(column):
                    why = "one value in all rows of each period: it tells the time, not the case"
                if why:
                    self.left_out[name] = why
            if name not in self.left_out:
                kept.append(name)
        return kept

    def _tells_the_period(self, column: pd.Series[Any]) -> bool:
        """Whether a column changes with the period and with nothing else, as a month's name does."""
        period = self.frame[self.column("period")]
        values = column.reset_index(drop=True)
        most = period.value_counts()
        if len(values) < 10 * len(most) or len(values[period == most.index[0]].iloc[:1_000].dropna().unique()) > 1:
            return False
        return len(values.dropna().unique()) > 1 and bool(values.groupby(period, observed=True).nunique().max() <= 1)

    def sample(self) -> tuple[NDArray[np.intp] | None, str]:
        """Places of a stated sample and the line that draws it; none where all rows are few enough."""
        if self.source.rows <= self.max_rows:
            return None, ""
        places = pd.Series(np.arange(self.source.rows)).sample(self.max_rows, random_state=self.seed).to_numpy()
        return places, f".sample({self.max_rows}, random_state={self.seed})"


def open_desk(
    source: Source,
    roles: Roles,
    *,
    level: float,
    max_rows: int,
    seed: int,
    currency: str,
    progress: Callable[[str], object],
) -> Desk:
    """Read the columns with a role and look whether each can play it."""
    check_named(source, roles)
    played = list(dict.fromkeys(roles.of_columns().values()))
    frame = source.take(played).reset_index(drop=True)
    check_as_of(roles)
    for role, column in roles.of_columns().items():
        check_single(role, column, next(iter(frame[column].dropna().head(1)), None))
    _as_categories(frame, roles)
    desk = Desk(source, roles, frame, level, max_rows, seed, currency, source.opening, progress)
    keep_apart(desk)
    _look_at_numbers(desk)
    _look_at_outcome(desk)
    _look_at_times(desk)
    _look_at_groups(desk)
    _look_at_actions(desk)
    return desk


def check_named(source: Source, roles: Roles) -> None:
    """Refuse roles of columns that are not there, and what came later as known before."""
    for role, column in roles.of_columns().items():
        _there(column, role, source.columns)
    for column in roles.columns or ():
        _there(column, "columns", source.columns)
        later = [role for role in _AFTERWARDS if getattr(roles, role) == column]
        if later:
            raise ValueError(
                f"columns must hold what was known before the decision; {column!r} plays the role {later[0]}, which "
                "came after it"
            )


def check_as_of(roles: Roles) -> None:
    """Refuse what is no moment to look back from."""
    if roles.as_of is not None and not isinstance(roles.as_of, (int, float)):
        as_moment(roles.as_of, "as_of")


def check_single(role: str, column: str, entry: Any) -> None:
    """Refuse a column for a role whose entries are several values each."""
    if isinstance(entry, (list, tuple, dict, set, np.ndarray)):
        told = f"{role} must be a column with one value a row; {column!r} holds {describe(entry)}"
        raise TypeError(f"{told}: take one value out of each first")


def keep_apart(desk: Desk) -> None:
    """Put roles in question that one column cannot play both."""
    for first, second in _APART:
        mine, other = getattr(desk.roles, first), getattr(desk.roles, second)
        if mine is not None and mine == other:
            desk.problems[second] = f"{first} and {second} are said to be one column, {mine!r}"


def _as_categories(frame: pd.DataFrame, roles: Roles) -> None:
    """Words that come again and again as categories: the same values, compared in a tenth of the time."""
    names = roles.challenger is not None and _is_text(frame[roles.challenger])  # two columns that are compared
    for column in (roles.outcome, roles.segment, None if names else roles.action):
        if column is not None and column != roles.challenger and _is_text(frame[column]):
            frame[column] = frame[column].astype("category")


def _there(column: str, role: str, columns: Sequence[str]) -> None:
    if column not in columns:
        near = get_close_matches(column, columns, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        shown = ", ".join(columns[:12]) + (f" and {len(columns) - 12} more" if len(columns) > 12 else "")
        raise ValueError(f"{role} must be a column of the file; there is no {column!r}{hint} (it has {shown})")


# one look for each kind of role ------------------------------------------------------------------------------------


def _numbers(desk: Desk, role: str) -> pd.Series[Any] | None:
    """The known numbers of a role, or a problem."""
    column = desk.frame[desk.column(role)].dropna()
    name = f"{role} {desk.column(role)!r}"
    if not len(column):
        desk.problems[role] = f"{name} is missing in every row"
        return None
    if column.dtype.kind not in "biuf":
        first = next((x for x in column.head(1_000) if not isinstance(x, (int, float, np.number))), column.iloc[0])
        hint = hint_of(first, desk.column(role))
        if isinstance(first, str) and not hint:
            typed = [typed_number(x) is not None for x in column.head(1_000) if isinstance(x, str)]
            mostly = (
                f"leave it empty where no number is known ({typed.count(False):,} of the first {len(typed):,} rows)"
            )
            hint = (
                ": it is text, make it numbers" if all(typed) else f": {mostly}" if sum(typed) > len(typed) / 2 else ""
            )
            first = next((x for x in column.head(1_000) if isinstance(x, str) and typed_number(x) is None), first)
        desk.problems[role] = f"{name} must hold numbers; it holds {describe(first)}{hint}"
        return None
    values = column.astype("float64")
    if not np.isfinite(values).all():
        row = int(np.argmax(~np.isfinite(values.to_numpy())))
        desk.problems[role] = f"{name} must hold finite numbers; it holds {values.iloc[row]} in row {values.index[row]}"
        return None
    return values


def hint_of(first: Any, column: str) -> str:
    """What to do about an entry that is no number, where its look says so."""
    if isinstance(first, Decimal):
        return f": make it floats, frame[{column!r}].astype(float)"
    if not isinstance(first, str):
        return ""
    if re.search(r"\d", first) and re.search(r"[$€£¥%]", first):
        return ": take the signs off, and make it numbers"
    if "," in first and typed_number(first) is not None:
        return ": with a decimal comma? Say decimal=',' (a CSV file)"
    return ""


def _look_at_numbers(desk: Desk) -> None:
    """Scores, amounts, prices and probabilities."""
    played = desk.roles.of_columns()
    for role in ("amount", "reward", "before", *PRICES):
        if role in played:
            _numbers(desk, role)
    if "weights" in played:
        _look_at_weights(desk)
    if "inspected" in played:
        _look_at_inspected(desk)
    for role in ("score", "rival", "propensity", "challenger", "audit"):
        if role not in played:
            continue
        if role == "challenger" and _is_text(desk.frame[played[role]]):
            continue  # names of actions
        values = _numbers(desk, role)
        if values is None:
            continue
        low, high, name = float(values.min()), float(values.max()), f"{role} {played[role]!r}"
        if role in ("propensity", "audit") and low <= 0:
            row = int(values.index[int(np.argmin(values.to_numpy()))])
            desk.problems[role] = no_chance_told(name, low, f" in row {row}")
        elif low < 0 or high > 1:
            last = _last_row_alone(desk.frame[played[role]], (values < 0) | (values > 1))
            desk.problems[role] = beyond_told(role, name, low, high, last)
    if desk.has("score"):
        column = desk.frame[desk.column("score")]
        note_constant(desk, float(column.min()), float(column.max()))


def no_chance_told(name: str, low: float, where: str = "") -> str:
    """What is wrong with a chance that is not above 0."""
    return (
        f"{name} must be the chance of what was done, above 0; it is {exact(low)}{where}: what was done cannot have "
        "had no chance"
    )


def beyond_told(role: str, name: str, low: float, high: float, last: str = "") -> str:
    """What is wrong with a probability that leaves [0, 1], and what to do."""
    percent = low >= 0 and high <= 100
    mend = "divide it by 100" if percent else "turn it into a probability first (calibrate it)"
    if not percent and role in ("propensity", "audit"):
        mend = "write down the chance of what was done"
    return f"{name} must lie in [0, 1]; it runs from {plain(low)} to {plain(high)}: {last or mend}"


def note_constant(desk: Desk, low: float, high: float) -> None:
    """Say of a score that is the same for everyone that it is."""
    if low == high:
        told = f"the score is {plain(low)} for everyone: it tells no cases apart"
        desk.notes.append((desk.column("score"), told))


def _last_row_alone(column: pd.Series[Any], wrong: pd.Series[Any]) -> str:
    """What to do where nothing but the last row is wrong; `wrong` has an entry for each row that is there."""
    alone = len(column) > 2 and int(wrong.sum()) == 1 and bool(wrong.iloc[-1]) and wrong.index[-1] == column.index[-1]
    return f"only the last row, {column.index[-1]}, is beyond: is it a row of totals? Take it off" if alone else ""


def _look_at_weights(desk: Desk) -> None:
    """How many cases of the population each row stands for: known for each row, above 0."""
    column, name = desk.frame[desk.column("weights")], f"weights {desk.column('weights')!r}"
    values = _numbers(desk, "weights")
    gone = int(column.isna().sum())
    if values is not None and gone:
        desk.problems["weights"] = f"{name} is missing in {count(gone, 'row')}: say how many cases each stands for"
    elif values is not None and values.min() <= 0:
        row = int(values.index[int(np.argmin(values.to_numpy()))])
        desk.problems["weights"] = f"{weightless_told(name, float(values.min()))} in row {row}"


def weightless_told(name: str, low: float) -> str:
    """What is wrong with weights that are not above 0."""
    return f"{name} must be above 0, how many cases each row stands for; it is {exact(low)}"


def _look_at_inspected(desk: Desk) -> None:
    """Whether somebody looked, said with True and False or 1 and 0 for each row."""
    column, name = desk.frame[desk.column("inspected")], f"inspected {desk.column('inspected')!r}"
    gone, there = int(column.isna().sum()), column.dropna()
    if gone:
        desk.problems["inspected"] = f"{name} is missing in {count(gone, 'row')}: say of each whether somebody looked"
    elif not set(there.unique()[:1_000]) <= {0, 1}:
        desk.problems["inspected"] = not_looked_told(name, list(there.unique()[:1_000]))
    elif desk.roles.outcome is not None:
        note_silence(desk, int((desk.frame[desk.roles.outcome].notna() & (column == 0)).sum()))


def not_looked_told(name: str, values: Sequence[Any]) -> str:
    """What is wrong with a column that does not say whether somebody looked."""
    return f"{name} must say True or False, or 1 or 0, of each row; it holds {listed(values)}"


def note_silence(desk: Desk, silent: int) -> None:
    """Say of outcomes in rows that nobody inspected how they are taken."""
    if silent:
        desk.silence = f"{count(silent, 'row')} that nobody inspected count here as if somebody had looked"


def _is_text(column: pd.Series[Any]) -> bool:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return kind.categories.dtype.kind not in "biuf"
    return kind.kind not in "biuf" if hasattr(kind, "kind") else True


def _look_at_outcome(desk: Desk) -> None:
    """Yes or no, said in 0 and 1 or with the word for yes."""
    if desk.roles.outcome is None:
        return
    name = desk.roles.outcome
    there = desk.frame[name].dropna()
    values = list(there.unique()[:1_000])
    numbers = there.dtype.kind in "biuf" or all(isinstance(value, (bool, np.bool_)) for value in values)
    last = ""
    if len(there) and numbers:
        last = _last_row_alone(desk.frame[name], ~there.astype("float64").isin([0, 1]))
    wanted = which_is_yes(desk, values, last, numbers=numbers)
    if wanted is None:
        return
    positive = desk.roles.positive
    hits = int((there == wanted).sum()) if positive is not None else int(there.astype("float64").sum())
    if desk.has("score") and hits not in (0, len(there)):
        score = desk.frame.loc[there.index, desk.column("score")]
        yes = (there == wanted) if positive is not None else there.astype("float64") == 1
        if bool((score.astype("float64") == yes.astype("float64")).all()):
            note_copied(desk)
    note_one_class(desk, hits, len(there))


def which_is_yes(desk: Desk, values: Sequence[Any], last: str = "", *, numbers: bool) -> Any:
    """The value that is the outcome, by what the column holds; None where that is a problem."""
    name, positive = str(desk.roles.outcome), desk.roles.positive
    if not len(values):
        desk.problems["outcome"] = f"outcome {name!r} is missing in every row: there is no label"
        return None
    if positive is not None:
        typed = typed_number(positive) if isinstance(positive, str) and numbers else None
        wanted = positive if typed is None else typed
        if not any(_equal(value, wanted) for value in values):
            desk.problems["outcome"] = f"outcome {name!r} never holds positive={positive!r}; it holds {listed(values)}"
            return None
        desk.y = f"({{}} == {wanted!r})"
        return wanted
    if numbers and all(value in (0, 1) for value in values):
        desk.y = "{}"
        return 1
    if len(values) == 2:
        said = " or ".join(f"positive={_plain_value(value)!r}" for value in sorted(values, key=str))
        told = f"outcome {name!r} holds {listed(values)}: say which of them is the outcome, {said}"
    elif numbers:
        odd = next(value for value in values if value not in (0, 1))
        told = f"outcome {name!r} must be yes or no; it holds numbers such as {plain(float(odd))}: "
        told += last or f"if these are amounts that came back, say reward={name!r}"
    else:
        told = f"outcome {name!r} holds {listed(values)}: say which of them is the outcome, positive=…"
    desk.problems["outcome"] = told
    return None


def note_copied(desk: Desk) -> None:
    """Say of a score that is the outcome that it is."""
    told = f"the score {desk.column('score')!r} says of each labelled row what happened: was it made from that?"
    desk.notes.append((desk.column("score"), told))


def note_one_class(desk: Desk, hits: int, labels: int) -> None:
    """Say of labels that are all alike that they are."""
    if hits in (0, labels):
        desk.one_class = f"{'yes' if hits else 'no'} is what every one of {count(labels, 'label')} says"


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except (TypeError, ValueError):
        return False


def _plain_value(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def listed(values: Sequence[Any], most: int = 4) -> str:
    told = [repr(_plain_value(value)) for value in values[:most]]
    more = len(values) - len(told)
    return ", ".join(told) + (f" and {more}{' or more' if len(values) == 1_000 else ''} others" if more > 0 else "")


def _look_at_times(desk: Desk) -> None:
    """Times are brought to UTC; where no period was named, the months are made from them."""
    roles = desk.roles
    for role in ("time", "arrival"):
        if getattr(roles, role) is None:
            continue
        column = desk.frame[desk.column(role)]
        if column.dtype.kind in "iuf" and not isinstance(column.dtype, pd.CategoricalDtype):
            _numbers(desk, role)
            continue
        told, moments = _moments(column)
        if told:
            desk.problems[role] = f"{role} {desk.column(role)!r} {told}"
        else:
            desk.frame[desk.column(role)] = moments
    if roles.period is None and desk.has("time") and desk.frame[roles.time].dtype.kind == "M":
        name = desk.free(f"{roles.time}_month")
        moments = desk.frame[roles.time]
        desk.frame[name] = (moments.dt.year * 100 + moments.dt.month).astype("Int64")
        when = f"pd.to_datetime(frame[{roles.time!r}], utc=True).dt"
        desk.opening = (*desk.opening, f"frame[{name!r}] = ({when}.year * 100 + {when}.month).astype('Int64')")
        desk.roles = replace(roles, period=name)


def _moments(column: pd.Series[Any]) -> tuple[str, Any]:
    """The times of a column in UTC without a zone, or what is wrong with them."""
    if column.isna().all():
        return "is missing in every row", None
    try:
        if not _is_text(column) or column.dtype.kind == "M":
            return "", pd.to_datetime(column, utc=True).dt.tz_localize(None)
        codes, entries = pd.factorize(column)
        zoned = [bool(re.search(r"\d(Z|[+-]\d\d:?\d\d)$", str(entry).strip())) for entry in entries]
        if any(zoned) and not all(zoned):
            without = entries[zoned.index(False)]
            return f"holds times with a zone and times without one, such as {without!r}: write the zone of each", None
        known = as_times(list(entries), "time")
    except (TypeError, ValueError, AttributeError):
        first = next((x for x in column.dropna().head(1_000) if not _reads_as_time(x)), column.dropna().iloc[0])
        return f"must hold dates as 2026-03-01 or 2026-03-01 12:00; it holds {describe(first)}", None
    out = np.full(len(column), np.datetime64("NaT", "us"), dtype="datetime64[us]")
    out[codes >= 0] = known[codes[codes >= 0]]
    return "", pd.Series(out, index=column.index)


def _reads_as_time(x: Any) -> bool:
    try:
        as_times([x], "time")
    except (TypeError, ValueError):
        return False
    return True


def _look_at_groups(desk: Desk) -> None:
    """Periods, segments and cases."""
    roles = desk.roles
    if roles.period is not None and "time" not in desk.problems:
        column = desk.frame[roles.period]
        values = list(column.dropna().unique())
        ordered = isinstance(column.dtype, pd.CategoricalDtype) and bool(column.dtype.ordered)
        if ordered:
            values = [value for value in column.cat.categories if (column == value).any()]
        take_periods(desk, values, f"{len(values):,}", int(column.isna().sum()), ordered=ordered)
    elif roles.period is not None:
        desk.problems["period"] = desk.problems["time"]
    if roles.segment is not None:
        n = desk.frame[roles.segment].nunique()
        judge_segments(desk, n, f"{n:,}")
    if roles.case is not None:
        again = int(desk.frame[roles.case].duplicated().sum())
        if again:
            desk.problems["case"] = f"{count(again, 'row')} repeat{'s' * (again == 1)} a case of {roles.case!r}"
            told = f"{desk.problems['case']}: rows of one case go together, so the interval is too narrow"
            desk.notes.append(("", told))


def _look_at_actions(desk: Desk) -> None:
    """The actions, and the one that leaves a case alone."""
    roles = desk.roles
    if roles.action is None:
        return
    column = desk.frame[roles.action].dropna()
    values = list(column.unique()[:1_000])
    told = f"{len(values):,}{' or more' * (len(values) == 1_000)}"
    said = take_actions(desk, values, told, numbers=column.dtype.kind in "biuf")
    if said:
        column_name = desk.free("chance_of_action")
        desk.frame[column_name] = desk.frame[roles.action].map(said).astype("float64")
        desk.opening = (*desk.opening, f"frame[{column_name!r}] = frame[{roles.action!r}].map({said!r})")
        desk.roles = replace(desk.roles, propensity=column_name)


def take_periods(desk: Desk, values: list[Any], told: str, gone: int, *, ordered: bool = False) -> None:
    """The periods, in their order, if these different values (so many, as told) are any; `gone` rows have none."""
    name = f"period {desk.roles.period!r}"
    unordered = "" if ordered else out_of_order(values)
    if unordered:
        desk.problems["period"] = f"{name} {unordered}: {SORTS_BY_TIME}, or name time="
    elif not values:
        desk.problems["period"] = f"{name} is missing in every row"
    elif len(values) > MOST_PERIODS:
        desk.problems["period"] = (
            f"{name} holds {told} different values: name a column of weeks or months (or time=, from which months are "
            "made)"
        )
    else:
        desk.periods = tuple(values if ordered else sorted(values))
        if gone:
            desk.periodless = f"{count(gone, 'row')} without a period left out"


def judge_segments(desk: Desk, n: int, told: str) -> None:
    """Refuse segments that are none, or too many for a table."""
    name = f"segment {desk.roles.segment!r}"
    if n == 0:
        desk.problems["segment"] = f"{name} is missing in every row"
    elif n > MOST_SEGMENTS:
        desk.problems["segment"] = (
            f"{name} holds {told} different values; a table of segments has at most {MOST_SEGMENTS}: group them first"
        )


def take_actions(desk: Desk, values: list[Any], told: str, *, numbers: bool) -> dict[Any, float]:
    """The actions, of these different values (so many, as told); and the chance of each, where the caller said it."""
    roles, name = desk.roles, f"action {desk.roles.action!r}"
    if not values:
        desk.problems["action"] = f"{name} is missing in every row"
        return {}
    if len(values) > MOST_ACTIONS:
        desk.problems["action"] = f"{name} holds {told} different values: that is no list of actions"
        return {}
    if len(values) == 1:
        desk.problems["action"] = f"{name} holds {values[0]!r} alone: nobody was treated differently"
        return {}
    control = roles.control
    if control is None and numbers and set(values) == {0, 1}:
        control = 0
    if isinstance(control, str) and numbers and typed_number(control) is not None:
        control = typed_number(control)
    if control is None:
        desk.problems["action"] = f"{name} holds {listed(values)}: say which of them leaves a case alone, control=…"
        return {}
    found = [value for value in values if _equal(value, control)]
    if not found:
        desk.problems["action"] = f"{name} never holds control={control!r}; it holds {listed(values)}"
        return {}
    others = sorted((_plain_value(value) for value in values if not _equal(value, control)), key=str)
    desk.arms = (_plain_value(found[0]), *others)
    if not isinstance(roles.propensity, Mapping):
        return {}
    lacks = [arm for arm in desk.arms if arm not in roles.propensity]
    bad = [x for x in roles.propensity.values() if not (isinstance(x, (int, float)) and 0 < x <= 1)]
    if lacks:
        desk.problems["propensity"] = f"propensity must give a chance for each action; it lacks {lacks[0]!r}"
    elif bad:
        desk.problems["propensity"] = f"propensity must give chances in (0, 1]; got {describe(bad[0])}"
    else:
        return {_plain_value(arm): float(roles.propensity[arm]) for arm in desk.arms}
    return {}


def _not_comparable(column: pd.Series[Any], named: bool) -> str:
    """Why a column is left out of comparisons: dates, ids, free text, mixtures; "" where it is compared."""
    kind = column.dtype
    there = column.dropna()
    if not len(there):
        return "missing in every row"
    code = getattr(kind, "kind", "O")
    if code in "mM" or isinstance(kind, pd.PeriodDtype):
        return "dates: turn them into a number, such as days since a date"
    if code in "biuf":
        whole = code in "iu" and len(there) >= 100 and there.iloc[:1_000].is_unique
        if whole and not named and there.is_unique:
            return "a whole number that names cases: each value comes once"
        if code == "f" and np.isinf(there.to_numpy(dtype="float64")).any():
            return "holds infinite numbers"
        return ""
    if code == "c":
        return "complex numbers"
    if isinstance(kind, pd.CategoricalDtype):
        return ""
    few = there.iloc[:2_000].tolist()
    if all(isinstance(x, str) for x in few):
        distinct = len(set(few))
        if sum(map(len, few)) > 40 * len(few) and distinct > 0.5 * len(few):
            return "free text"
        if all(_reads_as_time(x) for x in few[:50]):
            return "dates as text: turn them into a number, such as days since a date"
        if len(few) >= 30 and distinct > 0.95 * len(few):
            return "text that names cases: nearly every value comes once"
    if isinstance(kind, np.dtype) and kind.kind == "O":
        kinds = {("number" if isinstance(x, (int, float, np.number)) else type(x).__name__) for x in there}
        kinds = {"number" if name in ("bool", "bool_", "Decimal") else name for name in kinds}
        if len(kinds) > 1:
            return f"values of several kinds: {' and '.join(sorted(kinds))}"
        if not kinds <= {"number", "str"}:
            return f"values of the kind {kinds.pop()}"
    return ""
