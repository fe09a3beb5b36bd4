"""Odd inputs for every public function: each call must give the right answer or say in words what is wrong.

A case is a function with sound arguments. One argument after the other is replaced by an odd one of two families:
*the same* in another dress (a list, a nullable column, decimals, Polars), which must give the same answer, and *wrong*
(text, dates, complex numbers, hidden entries, gaps, other lengths, …), which must be refused with a TypeError or
ValueError that names the argument. Run as a script, it tries all of them and counts:

    python tests/fuzz.py

``right`` the same answer, ``told`` refused in words, ``silent`` a wrong input that passed, ``other`` an equal input
with another answer or refused, ``unclear`` an error that does not name the argument, ``traceback`` any other error.
"""

from __future__ import annotations

import dataclasses
import datetime
import importlib
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

N = 60
OTHER_LABELS = "labels in another order"  # the other columns are Series, too
RNG = np.random.default_rng(7)
Y = (RNG.random(N) < 0.4).astype(float)
Y[:8] = [0, 1, 0, 1, 0, 1, 0, 1]
P = np.round(RNG.random(N), 3)
MONEY = np.round(RNG.lognormal(3, 0.5, N) * 4) / 4 + 8  # quarters: the same in 32 bits
COST = np.round(RNG.random(N) * 8) / 4 + 0.25
TREATED = np.tile([1.0, 0.0], N // 2)
CASES = np.arange(N)
TIMES = pd.date_range("2026-01-01", periods=N, freq="D")
FRAME = pd.DataFrame({"amount": MONEY, "promo": P < 0.4, "shop": np.where(P < 0.3, "a", "b")})
OTHER = FRAME.iloc[::-1].reset_index(drop=True)
DECISIONS = pd.DataFrame({"case": CASES, "time": TIMES})
OUTCOMES = DECISIONS.iloc[::3].assign(kind="churned", arrival=lambda rows: rows["time"] + pd.Timedelta(days=3))


def actions() -> Any:
    decision = importlib.import_module("mllayers.decision")
    return [decision.Action("none", 0, 0, owner="us"), decision.Action("call", 40, 15, owner="sales")]


@dataclasses.dataclass(frozen=True)
class Case:
    """A function, its sound arguments, and what kind each of those is that may be replaced."""

    name: str
    arguments: dict[str, Any]
    kinds: dict[str, str]

    @property
    def function(self) -> Callable[..., Any] | None:
        module, _, name = self.name.rpartition(".")
        return getattr(importlib.import_module(f"mllayers.{module}"), name, None)

    def call(self, **changed: Any) -> Any:
        assert self.function is not None
        return self.function(**{**self.arguments, **changed})


MONEY_OF_FOUR = {"gain_tp": MONEY, "cost_fp": COST, "cost_fn": 2.0, "gain_tn": 1.0}
KINDS_OF_FOUR = {"gain_tp": "numbers or one", "cost_fp": "numbers or one", "cost_fn": "number", "gain_tn": "number"}
CASES_TO_TRY = [
    Case("data.drift_report", {"reference": FRAME, "current": OTHER}, {"reference": "frame", "current": "frame"}),
    Case(
        "data.drift_report",
        {"reference": FRAME, "current": OTHER, "bins": 5, "alpha": 0.1},
        {"bins": "whole", "alpha": "level"},
    ),
    Case(
        "data.label_coverage",
        {"labelled": FRAME.iloc[::2], "population": FRAME, "columns": ["amount", "shop"]},
        {"labelled": "frame", "population": "frame", "columns": "names"},
    ),
    Case(
        "data.adversarial_validation",
        {"reference": FRAME, "current": OTHER, "cv": 2},
        {"reference": "frame", "cv": "whole", "seed": "seed"},
    ),
    Case(
        "data.audit_sample",
        {"n": N, "share": np.full(N, 0.25), "eligible": Y == 1, "seed": 1},
        {"n": "whole", "share": "probabilities or one", "eligible": "flags", "seed": "seed"},
    ),
    Case(
        "data.weighted_rate",
        {"y": Y, "propensity": np.full(N, 1.0)},
        {"y": "binary or gaps", "propensity": "probabilities or one"},
    ),
    Case(
        "data.bounds_without_audit",
        {"y": Y, "inspected": P < 0.5, "report_rate": 0.25, "value": MONEY, "level": 0.9},
        {
            "y": "binary or gaps",
            "inspected": "flags",
            "report_rate": "level",
            "value": "numbers or one",
            "level": "level",
        },
    ),
    Case(
        "prediction.money_by_threshold",
        {"y": Y, "p": P, **MONEY_OF_FOUR},
        {"y": "binary", "p": "probabilities", **KINDS_OF_FOUR},
    ),
    Case(
        "prediction.value_of_model",
        {"y": Y, "p": P, **MONEY_OF_FOUR, "threshold": 0.5},
        {"y": "binary", "p": "probabilities", **KINDS_OF_FOUR, "threshold": "number"},
    ),
    Case(
        "prediction.compare_money",
        {"a": MONEY, "b": COST, "propensity": 0.5, "least": 0.5, "level": 0.9},
        {"a": "numbers", "b": "numbers", "propensity": "level", "level": "level"},
    ),
    Case(
        "prediction.compare_models",
        {"y": Y, "p_a": P, "p_b": P[::-1], **MONEY_OF_FOUR, "weights": COST},
        {"y": "binary", "p_a": "probabilities", "p_b": "probabilities", **KINDS_OF_FOUR, "weights": "numbers"},
    ),
    Case(
        "prediction.calibration_by_band",
        {"y": Y, "p": P, "bands": 3, "weights": COST, "level": 0.9},
        {"y": "binary", "p": "probabilities", "weights": "numbers", "level": "level"},
    ),
    Case(
        "prediction.prior_corrected",
        {"p": 0.25, "train_rate": 0.5, "true_rate": 0.125},
        {"p": "share", "train_rate": "level", "true_rate": "level"},
    ),
    Case(
        "prediction.expected_performance",
        {"p": P, **MONEY_OF_FOUR, "threshold": 0.5},
        {"p": "probabilities", **KINDS_OF_FOUR, "threshold": "number"},
    ),
    Case(
        "decision.expected_value",
        {"p": P, "value": MONEY, "cost": COST},
        {"p": "probabilities or one", "value": "numbers or one", "cost": "numbers or one"},
    ),
    Case(
        "decision.decision_curve",
        {"y": Y, "p": P, "gain": 40.0, "cost": COST, "level": 0.9},
        {"y": "binary", "p": "probabilities", "gain": "number", "level": "level"},
    ),
    Case("decision.cost_threshold", dict(MONEY_OF_FOUR), dict(KINDS_OF_FOUR)),
    Case(
        "decision.within_capacity",
        {"gain": MONEY, "capacity": 10.0, "units": COST},
        {"gain": "numbers", "capacity": "number", "units": "numbers or one"},
    ),
    Case(
        "decision.Action",
        {"name": "call", "gain": 40.0, "cost": 15.0, "owner": "sales", "capacity": 5.0},
        {"name": "word", "gain": "number or column", "cost": "number or column", "owner": "word", "capacity": "number"},
    ),
    Case("decision.best_tiers", {"actions": actions(), "value": 2.0}, {"value": "number"}),
    Case(
        "action.worth_acting",
        {"p": P, "value": MONEY, "contact_cost": COST, "redeemed_cost": 1.0, "p_without": P / 2},
        {
            "p": "probabilities or one",
            "value": "numbers or one",
            "contact_cost": "numbers or one",
            "redeemed_cost": "number",
            "p_without": "probabilities or one",
        },
    ),
    Case(
        "action.break_even",
        {"value": 150.0, "contact_cost": 5.0, "redeemed_cost": 1.0, "p_without": 0.1},
        {"value": "number", "contact_cost": "number", "redeemed_cost": "number", "p_without": "share"},
    ),
    Case(
        "action.uplift_effect",
        {"y": Y, "treated": TREATED, "value": MONEY, "level": 0.9},
        {"y": "binary", "treated": "binary", "value": "numbers or one", "level": "level"},
    ),
    Case(
        "action.uplift_table",
        {"y": MONEY, "action": TREATED, "before": COST, "least": 2.0, "level": 0.9},
        {"y": "numbers", "action": "binary", "before": "numbers", "least": "number", "level": "level"},
    ),
    Case(
        "action.uplift_table",
        {"y": Y, "action": TREATED, "value": MONEY, "by": ["a"] * 30 + ["b"] * 30, "propensity": 0.5},
        {"value": "numbers or one", "propensity": "level"},
    ),
    Case(
        "action.hold_out_always_valid",
        {"y": MONEY, "treated": TREATED, "when": CASES // 20, "planned": 100.0, "level": 0.9},
        {"y": "numbers", "treated": "binary", "planned": "number", "level": "level"},
    ),
    Case(
        "action.uplift_policy_value",
        {"reward": MONEY, "action": TREATED, "propensity": 0.5, "target": Y, "min_n_eff": 2.0},
        {"reward": "numbers", "action": "binary", "propensity": "level", "target": "binary"},
    ),
    Case(
        "action.check_randomised",
        {"treated": TREATED, "covariates": FRAME, "share": 0.5},
        {"treated": "binary", "covariates": "frame", "share": "level"},
    ),
    Case(
        "feedback.policy_value",
        {"reward": MONEY, "propensity": 0.5, "target": TREATED, "min_n_eff": 5.0},
        {"reward": "numbers", "propensity": "level", "target": "probabilities", "min_n_eff": "number"},
    ),
    Case(
        "feedback.promise_kept", {"p": P, "y": Y, "level": 0.9}, {"p": "probabilities", "y": "binary", "level": "level"}
    ),
    Case(
        "feedback.promise_kept",
        {"p": P, "y": Y, "by": ["a"] * 30 + ["b"] * 30, "least": 0.125},
        {"p": "probabilities", "y": "binary", "least": "number"},
    ),
    Case(
        "feedback.delay_law",
        {"event_time": TIMES + pd.Timedelta(days=3), "case_time": TIMES, "as_of": "2026-05-01", "oldest": 30.0},
        {"as_of": "time", "oldest": "number"},
    ),
    Case(
        "feedback.size_guard",
        {"segments": ["a"] * 40 + ["b"] * 20, "card": {"a": 0.3}, "ratio": 1.5},
        {"segments": "keys", "ratio": "number"},
    ),
    Case(
        "feedback.matured",
        {"decisions": DECISIONS, "outcomes": OUTCOMES, "as_of": "2026-05-01", "delay": lambda age: age >= 3},
        {"decisions": "frame", "outcomes": "frame", "as_of": "time", "delay": "callable"},
    ),
    Case(
        "feedback.Monitor",
        {"usual": 0.05, "moved": 0.08, "run_length": 500.0},
        {"usual": "level", "moved": "level", "run_length": "number"},
    ),
    Case(
        "shop.order_money",
        {
            "orders": pd.DataFrame({"amount_usd": MONEY, "_is_fraud": Y == 1, "_reviewer_draw": P}),
            "actions": "review",
            "sensitivity": 0.9,
        },
        {"orders": "frame", "actions": "word", "sensitivity": "share"},
    ),
]


def dressed(kind: str, x: Any) -> Iterator[tuple[str, Any]]:
    """The same input in other dresses."""
    if kind.startswith(("numbers", "probabilities", "binary", "flags")) and np.ndim(x) == 1:
        plain = np.asarray(x, dtype=float)
        yield "list", np.asarray(x).tolist()
        yield "Series", pd.Series(x)
        if not kind.startswith("flags"):
            yield "tuple", tuple(plain.tolist())
            yield "objects", np.array(plain.tolist(), dtype=object)
            yield "decimals", [Decimal(repr(v)) for v in plain.tolist()]
            yield "Float64", pd.Series(plain).astype("Float64")
            yield "Arrow double", pd.Series(plain).astype("double[pyarrow]")
            yield "Polars", pl.Series(plain)
            yield "category of numbers", pd.Series(plain).astype("category")
        if kind.startswith("binary"):
            yield "booleans", plain == 1
            yield "nullable booleans", pd.Series(plain == 1).astype("boolean")
            yield "int8", plain.astype(np.int8)
    if kind in ("number", "share", "level", "number or column"):
        for told, dress in (
            ("NumPy number", np.float64),
            ("0-d array", np.array),
            ("decimal", lambda v: Decimal(repr(v))),
        ):
            yield told, dress(x)
        yield "fraction", Fraction(x)
    if kind in ("whole", "seed") and x is not None:
        yield "NumPy whole number", np.int64(x)
    if kind == "frame":
        yield "Polars frame", pl.from_pandas(x)
        yield "Arrow table", pl.from_pandas(x).to_arrow()
        yield "other labels", x.set_axis(range(100, 100 + len(x)))
    if kind == "keys":
        yield "Series", pd.Series(x)
        yield "array", np.array(x)
        yield "Arrow text", pd.Series(x).astype("string[pyarrow]")
        yield "category", pd.Series(x).astype("category")
        yield "Polars", pl.Series(x)
    if kind == "time":
        yield "date", datetime.date.fromisoformat(x)


def wrong(kind: str, x: Any, row: int) -> Iterator[tuple[str, Any]]:
    """What must be refused."""
    itself: list[Any] = []
    itself.append(itself)
    if kind.startswith(("numbers", "probabilities", "binary", "flags", "keys")) and np.ndim(x) == 1:
        values = list(np.asarray(x).tolist())

        def spoilt(entry: Any) -> list[Any]:
            return [*values[:row], entry, *values[row + 1 :]]

        yield "a text", "many"
        yield "nothing", None
        yield "a mapping", {"a": 1}
        yield "a list that holds itself", itself
        yield "two dimensions", [values, values]
        if kind != "keys":
            yield "one more", [*values, values[0]]
        yield "empty", []
        yield "an entry that is a list", spoilt([1, 2])
        yield "an entry that is no number", spoilt(object())
        if not kind.endswith("gaps"):
            yield "a missing entry", spoilt(None)
            yield "NaN", spoilt(float("nan"))
        if kind != "keys":
            yield "text of numbers", [str(v) for v in values]
            yield "one text", spoilt("0.5")
            yield "bytes", [b"1"] * len(values)
            yield "complex", np.asarray(values, dtype=complex) + 1j
            yield "dates", np.array(["2026-03-01"] * len(values), dtype="M8[ns]")
            yield "durations", np.array([3] * len(values), dtype="m8[D]")
            yield "a date", spoilt(datetime.date(2026, 1, 1))
            yield "NaT", spoilt(pd.NaT)
            yield "hidden entries", np.ma.array(np.asarray(values, dtype=float), mask=np.arange(len(values)) == row)
            yield "infinite", spoilt(float("inf"))
            yield "too large", spoilt(10**400)
            yield OTHER_LABELS, pd.Series(values, index=range(len(values))[::-1])
        else:
            yield "a float", spoilt(1.5)
            yield "half a character", spoilt("\udc80")
        if kind.startswith("probabilities"):
            yield "above 1", spoilt(1.0000001)
            yield "below 0", spoilt(-1e-9)
        if kind.startswith("binary"):
            yield "two", spoilt(2)
            yield "a half", spoilt(0.5)
    elif kind in ("number", "share", "level", "number or column", "numbers or one", "probabilities or one"):
        yield "complex", np.complex128(3 + 4j)
        yield "a truth value", True
        yield "not a number", float("nan")
        yield (
            "infinite" if kind != "number" or x != 0.5 else "not a number again",
            float("nan") if x == 0.5 else float("inf"),
        )
        yield "bytes", b"1"
        yield "a date", datetime.date(2026, 1, 1)
        yield "a duration", np.timedelta64(3, "D")
        yield "NaT", pd.NaT
        yield "masked", np.ma.masked
        yield "too large", 10**400
        yield "a list of two", [1.0, 2.0]
        yield "a 0-d text", np.array("3")
        yield "a mapping", {"a": 1}
        if kind != "number or column":
            yield "a text", "0.5"
        if kind in ("share", "level"):
            yield "above 1", 1.0000001
            yield "below 0", -1e-9
    if kind in ("whole", "seed"):
        for told, bad in (
            ("a float", 2.0),
            ("a text", "3"),
            ("a truth value", True),
            ("negative", -1),
            ("nothing", None),
        ):
            if not (told == "nothing" and kind == "seed"):
                yield told, bad
    if kind == "frame":
        yield "a list", [1, 2]
        yield "a text", "frame"
        yield "nothing", None
        if "arrival" not in x:  # nothing has come back yet: that is an answer
            yield "no rows", x.iloc[:0]
        yield "lazy", pl.from_pandas(x).lazy()
        yield "no columns", x[[]]
    if kind == "names":
        yield "a text", "amount"
        yield "none", []
        yield "a stranger", ["nowhere"]
        yield "twice", ["amount", "amount"]
        yield "a number", 3
    if kind == "word":
        yield "a number", 3
        yield "a list", []
    if kind == "time":
        for bad in ("10/04/2026", "12:00", "now", 20260410, True, "2026-13-01", b"2026-04-10", float("nan")):
            yield repr(bad), bad
    if kind == "callable":
        yield "a number", 3
        yield "a text", "law"
        yield "rising and falling", lambda age: (age % 2) / 2
        yield "above 1", lambda age: age * 0 + 2


def agree(one: Any, two: Any) -> bool:
    """Whether two answers are the same."""
    if dataclasses.is_dataclass(one) and not isinstance(one, type):
        names = [field.name for field in dataclasses.fields(one)]
        return type(one) is type(two) and all(agree(getattr(one, x), getattr(two, x)) for x in names)
    if isinstance(one, (pd.DataFrame, pd.Series)):
        try:
            kind = pd.testing.assert_frame_equal if isinstance(one, pd.DataFrame) else pd.testing.assert_series_equal
            kind(one.reset_index(drop=True), two.reset_index(drop=True), check_dtype=False, rtol=1e-9)
        except AssertionError:
            return False
        return True
    if isinstance(one, (tuple, list)):
        return len(one) == len(two) and all(map(agree, one, two))
    if isinstance(one, (np.ndarray, float)):
        left, right = np.asarray(one), np.asarray(two)
        return left.shape == right.shape and bool(
            np.allclose(left.astype(float), right.astype(float), rtol=1e-9, equal_nan=True)
        )
    if hasattr(one, "run_length"):  # a monitor
        return bool(np.isclose(one.limit, two.limit))
    return bool(one == two)


def outcome(case: Case, argument: str, odd: Any, expected: Any | None) -> tuple[str, str]:
    """What came of one call, and what it said; `expected` is the answer of the sound input, or None for a wrong one."""
    changed = {argument: odd}
    if isinstance(odd, pd.Series) and expected is None:
        columns = {x: y for x, y in case.arguments.items() if isinstance(y, np.ndarray) and x != argument}
        changed |= {x: pd.Series(y) for x, y in columns.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            found = case.call(**changed)
    except (TypeError, ValueError) as error:
        said = str(error)
        if expected is not None:
            return "other", f"refused: {said[:90]}"
        names = argument in said or any(word in said for word in NAMES_OF.get((case.name, argument), ()))
        return ("told" if names else "unclear"), said[:120]
    except Exception as error:
        return "traceback", f"{type(error).__name__}: {error}"[:120]
    if expected is None:
        return "silent", repr(found)[:90]
    return ("right" if agree(expected, found) else "other"), repr(found)[:90]


# Where a message rightly names a part of the argument: a column of the frame, or both amounts that decide together.
NAMES_OF = {
    ("data.drift_report", "reference"): ("columns",),
    ("data.adversarial_validation", "reference"): ("columns",),
    ("data.label_coverage", "columns"): ("nowhere",),
    ("feedback.matured", "delay"): ("delay",),
    ("shop.order_money", "orders"): ("amount_usd",),
}


MAY_BE_LEFT_OUT = {
    ("data.bounds_without_audit", "value"),
    ("prediction.compare_models", "weights"),
    ("prediction.calibration_by_band", "weights"),
    ("data.audit_sample", "eligible"),
    ("action.uplift_effect", "value"),
    ("action.uplift_table", "value"),
    ("action.uplift_table", "before"),
    ("action.check_randomised", "covariates"),
}


def trials(row: int = 5) -> Iterator[tuple[Case, str, str, str, Any, bool]]:
    """Every case × argument × odd input: case, argument, family, name of the input, the input, whether it is sound."""
    for case in CASES_TO_TRY:
        for argument, kind in case.kinds.items():
            sound = case.arguments.get(argument)
            if sound is None:
                sound = 0
            for told, odd in dressed(kind, sound):
                yield case, argument, kind, told, odd, True
            for told, odd in wrong(kind, sound, row):
                if odd is None and (case.name, argument) in MAY_BE_LEFT_OUT:
                    continue
                yield case, argument, kind, told, odd, False


def main() -> None:
    counts: Counter[str] = Counter()
    for case, argument, _, told, odd, sound in trials():
        if case.function is None:
            continue
        try:
            expected = case.call() if sound else None
        except Exception as error:
            counts["case not callable"] += 1
            print(f"{case.name}: {type(error).__name__} {error}"[:150])
            continue
        if sound and expected is None:
            continue
        result, said = outcome(case, argument, odd, expected)
        counts[result] += 1
        if result not in ("right", "told"):
            print(f"{result:10} {case.name}({argument}={told}): {said}")
    print(f"{sum(counts.values()):,} calls:", ", ".join(f"{count:,} {what}" for what, count in counts.most_common()))


if __name__ == "__main__":
    sys.exit(main())
