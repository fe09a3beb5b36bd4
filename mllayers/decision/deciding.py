"""The three kinds of rule as expressions that every engine runs: what `Policy.decide` is made of."""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from functools import reduce
from typing import Any

import narwhals.stable.v2 as nw

from mllayers._frames import EXACT_FLOATS, check_columns, fails, number, refuse_rows
from mllayers.decision.rules import Segments
from mllayers.decision.tiers import Action, Tier, Tiers


def money_columns(actions: Sequence[Action], value: str | None) -> list[str]:
    """The columns that the gains and costs of some actions are read from, each once."""
    columns = [value, *(x for action in actions for x in (action.gain, action.cost))]
    return list(dict.fromkeys(x for x in columns if isinstance(x, str)))


def decide_tiers(data: Any, rule: Tiers, missing: Action, score: str, into: str) -> Any:
    """A column with the action of the tier that takes the score."""
    check_columns(data, [score], [into])
    p = number(score)
    usable, unknown = (p >= 0) & (p <= 1), p.is_null() | p.is_nan()
    told = f"{score} must lie in [0, 1]"
    refuse_rows(data, usable, unknown, told, [score])
    cases = [(_within_tier(tier, p), tier.action) for tier in rule]
    return data.with_columns(**{into: _chosen(data, cases, missing, usable, unknown, told)})


def decide_menu(data: Any, menu: Sequence[Action], missing: Action, score: str, value: str | None, into: str) -> Any:
    """A column with the action of the highest expected value, and a column with that value."""
    columns, best = money_columns(menu, value), f"{into}_value"
    check_columns(data, [score, *columns], [into, best])
    p, *others = numbers = [number(column) for column in (score, *columns)]
    usable = (p >= 0) & (p <= 1)
    for x in others:
        usable = usable & (x.abs() <= sys.float_info.max)
    unknown = reduce(operator.or_, (x.is_null() | x.is_nan() for x in numbers))
    told = f"{score} must lie in [0, 1]" + (f" and {', '.join(columns)} be finite" if columns else "")
    refuse_rows(data, usable, unknown, told, [score, *columns])
    # the value first, so that an engine without common subexpressions computes it once
    worth = _worth(p, menu, None if value is None else number(value))
    known = list(data.collect_schema())
    cases = [(x >= nw.col(best), action) for x, action in zip(worth[1:], menu[1:], strict=True)]
    cases = [*cases[::-1], (~nw.col(best).is_null(), menu[0])]
    chosen = _chosen(data, cases, missing, usable, unknown, told)
    decided = data.with_columns(**{best: nw.when(usable).then(nw.max_horizontal(*worth))})
    return decided.with_columns(**{into: chosen}).select(*known, into, best)


def decide_segments(data: Any, rule: Segments, missing: Action, segment: str, into: str) -> Any:
    """A column with the action of the segment; whole numbers are compared as whole numbers."""
    whole = isinstance(rule.pairs[0][0], int)
    check_columns(data, [segment], [into], numbers=whole)
    labels: dict[Action, list[Any]] = {
        action: [x for x, other in rule.pairs if other == action] for action in rule.actions
    }
    label, unknown = nw.col(segment), nw.col(segment).is_null()
    kind = data.collect_schema()[segment]
    if whole:
        if not kind.is_integer():
            wide = next((x for x, _ in rule.pairs if abs(int(x)) > EXACT_FLOATS), None)
            if wide is not None and kind.is_numeric():
                raise TypeError(
                    f"column {segment!r} must hold whole numbers, since segment {wide} has neighbours that floats do "
                    f"not tell apart; it holds {kind}"
                )
            label = number(segment)
            unknown = label.is_null() | label.is_nan()
            labels = {action: [float(x) for x in found] for action, found in labels.items()}
        else:
            low, high = _range_of(kind)
            labels = {action: [x for x in found if low <= int(x) <= high] for action, found in labels.items()}
    elif kind == nw.Unknown:  # a column of nothing but NULL
        label = label.cast(nw.String)
    cases = [(label.is_in(found), action) for action, found in labels.items() if found]
    usable = reduce(operator.or_, (case for case, _ in cases)) if cases else nw.lit(value=False)
    told = f"{segment} must be a segment with an action ({', '.join(map(str, rule))})"
    refuse_rows(data, usable, unknown, told, [segment])
    return data.with_columns(**{into: _chosen(data, cases, missing, usable, unknown, told)})


def _range_of(kind: Any) -> tuple[int, int]:
    """The whole numbers that a kind of column can hold."""
    bits = int("".join(filter(str.isdigit, str(kind))))
    return (0, 2**bits - 1) if kind.is_unsigned_integer() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _within_tier(tier: Tier, p: nw.Expr) -> nw.Expr:
    above = p >= tier.low if tier.takes_low else p > tier.low
    return above & (p <= tier.high if tier.takes_high else p < tier.high)


def _worth(p: nw.Expr, actions: Sequence[Action], stake: nw.Expr | None) -> list[nw.Expr]:
    """The expected value of each action."""
    worth = []
    for i, action in enumerate(actions):
        gain, cost = (number(x) if isinstance(x, str) else x for x in (action.gain, action.cost))
        worth.append((p * (gain if stake is None else stake * gain) - cost).alias(f"worth_{i}"))
    return worth


def _chosen(
    data: Any,
    cases: list[tuple[nw.Expr, Action]],
    missing: Action,
    usable: nw.Expr,
    unknown: nw.Expr,
    told: str,
) -> nw.Expr:
    """The action of the first case that holds, that for missing ones and, on lazy frames, else an error.

    One flat chain, whose parts are cheap: nesting and the error cost the engines more than the comparisons do.
    """
    chain: Any = nw
    for condition, action in cases:
        chain = chain.when(condition).then(nw.lit(action.name))
    otherwise = nw.lit(missing.name)
    if isinstance(data, nw.LazyFrame):
        chosen: nw.Expr = chain.when(fails(~usable & ~unknown, told).is_null()).then(otherwise)
    elif cases:  # what is neither usable nor missing was refused already
        chosen = chain.otherwise(otherwise)
    else:
        chosen = otherwise
    return chosen
