"""From cases with scores to the rows of a ledger: capacity first, then lots, each with its exact probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from mllayers._check import (
    Floats,
    as_columns,
    as_integer,
    as_keys,
    as_number,
    as_numbers,
    as_probabilities,
    as_text,
    as_times,
    describe,
    is_said,
)
from mllayers._frames import EXACT_FLOATS, check_columns, column_name, opened
from mllayers._stats import keyed_uniform
from mllayers._words import count, exact
from mllayers.decision.deciding import decide_segments, money_columns
from mllayers.decision.rules import Menu, Segments
from mllayers.decision.tiers import Action, Tiers

if TYPE_CHECKING:
    import pandas as pd

    from mllayers.decision.policy import Policy

Codes = NDArray[np.intp]  # actions by their place in a list; places of rows
PLANNED_COLUMNS = ("case", "time", "segment", "score", "planned", "action", "idle", "drawn", "propensity", "cost",
                   "expected_value", "model", "policy")  # fmt: skip
_SURE = 0.999  # how likely the room that is set aside is enough for exploration


@dataclass(frozen=True)
class _Shares:
    """How often each action (columns) is tried at random where another one (rows) is planned.

    Most shares are one number for all cases; some are a column, with a share for each case.
    """

    fixed: Floats
    named: dict[tuple[int, int], str]
    by_case: dict[tuple[int, int], Floats]

    def of(self, planned: int, action: int, rows: Any = slice(None)) -> Any:
        """The share of one pair, a number or one for each row."""
        return self.by_case[planned, action][rows] if (planned, action) in self.by_case else self.fixed[planned, action]

    def matrix(self, planned: int, rows: Codes) -> Floats:
        """The shares of all actions for rows with one planned action."""
        out = np.repeat(self.fixed[planned][None, :], rows.size, axis=0)
        for (i, action), share in self.by_case.items():
            if i == planned:
                out[:, action] = share[rows]
        return out

    def any(self, planned: int) -> bool:
        """Whether anything is tried where this is planned."""
        return bool(self.fixed[planned].any()) or any(i == planned for i, _ in self.by_case)

    def read(self, data: Any, policy: Policy, actions: list[Action]) -> _Shares:
        """With the columns that hold shares, each in [0, 1], and no more than 1 in sum with the hold-out."""
        found = {}
        for pair, name in self.named.items():
            found[pair] = as_probabilities(data[name].to_native(), name)
        read, held = _Shares(self.fixed, self.named, found), policy.holdout or 0.0
        for i in {i for i, _ in found}:
            total = read.matrix(i, np.arange(len(data))).sum(axis=1)
            if (held + total > 1 + 1e-12).any():
                row = int(np.argmax(held + total > 1 + 1e-12))
                raise ValueError(
                    f"hold-out and exploration must add up to at most 1; got {exact(held)} and "
                    f"{exact(float(total[row]))} at row {row} where {actions[i].name!r} is planned"
                )
        return read


@dataclass(frozen=True)
class _Cases:
    """The columns of the cases: their keys, scores, values and money, and the seed that settles what is equal."""

    keys: list[str]
    seed: int
    p: Floats | None
    value: Floats | None
    money: dict[str, Floats]

    def amount(self, x: float | str, rows: Any = slice(None)) -> Any:
        """A number, or what its column holds."""
        return self.money[x][rows] if isinstance(x, str) else x

    def worth(self, action: Action, rows: Any = slice(None)) -> Floats | None:
        """The expected dollars of an action, missing where they are not known; `None` where they are for no case."""
        if self.p is None or action.gain is None or action.cost is None:
            return None
        gain = self.amount(action.gain, rows)
        stake = gain if self.value is None else self.value[rows] * gain
        out: Floats = self.p[rows] * stake - self.amount(action.cost, rows)
        return out

    def first(self, rows: Codes, rank: Floats | None, room: int) -> tuple[Codes, Codes]:
        """The rows with the highest rank, as many as there is room for, and the others; equal ones by keyed hash."""
        if rows.size <= room:
            return rows, rows[:0]
        rank = np.zeros(rows.size) if rank is None else np.where(np.isnan(rank), -np.inf, rank)
        edge = np.partition(rank, rows.size - room)[rows.size - room] if room else np.inf
        taken = rank > edge
        equal = np.flatnonzero(rank == edge)
        wanted = room - int(taken.sum())
        if 0 < wanted < equal.size:
            lot = keyed_uniform([self.keys[i] for i in rows[equal]], seed=self.seed, lot="ties")
            equal = equal[np.argsort(lot, kind="stable")[:wanted]]
        taken[equal[:wanted]] = True
        return rows[taken], rows[~taken]


def planned_rows(
    policy: Policy,
    frame: Any,
    *,
    case: str,
    time: Any,
    score: str | None,
    value: str | None,
    segment: str | None,
    explore: float | Mapping[Any, Mapping[Any, float | str]],
    seed: int,
    model: str,
    keep: Sequence[str],
) -> pd.DataFrame:
    """The rows of `Policy.plan`, for a policy without gaps."""
    import pandas as pd

    seed = as_integer(seed, "seed")
    model = "" if isinstance(model, str) and not model else as_text(model, "model")
    actions, asked = _exploration(policy, explore)
    priced = [policy._priced(action) for action in actions]
    carried = [
        column_name(x, "keep")
        for x in ([] if isinstance(keep, (list, tuple)) and not keep else as_columns(keep, "keep"))
    ]
    taken = [x for x in carried if x in PLANNED_COLUMNS]
    if taken:
        raise ValueError(f"keep must name other columns than the plan's own; got {taken[0]!r}")

    data = opened(frame)
    column_name(case, "case")
    dated = isinstance(time, str) and time in data.collect_schema()
    money = money_columns([x for x in priced if x.gain is not None], None)
    money += [x.cost for x in priced if isinstance(x.cost, str) and x.cost not in money]
    numeric = [x for x in (score, value, *money, *asked.named.values()) if x is not None]
    others = [x for x in (case, time if dated else None, segment, *carried) if x is not None]
    check_columns(data, numeric, [])
    check_columns(data, others, [], numbers=None)
    data = data.select(*dict.fromkeys([*numeric, *others]))
    data = data.collect() if isinstance(data, nw.LazyFrame) else data

    keys, n = as_keys(data[case].to_native(), case), len(data)
    times = _times_of(data[time] if dated else time, "time" if not dated else time, n)
    _refuse_twice(keys, times)
    cases = _Cases(
        keys,
        seed,
        None if score is None else as_probabilities(data[score].to_native(), score, missing=True),
        None if value is None else as_numbers(data[value].to_native(), value, missing=True),
        {x: as_numbers(data[x].to_native(), x, missing=True) for x in money},
    )
    shares = asked.read(data, policy, actions)
    if value is not None and not any(x.gain for x in priced):
        raise ValueError("value multiplies the gains of the actions; none of them has one")

    planned = _within_room(policy, actions, cases, _first_choice(policy, actions, cases, data, segment), shares)
    action, drawn = _drawn(policy, actions, cases, planned, shares)
    names = np.array([x.name for x in actions], dtype=object)
    idle = None if policy.idle is None else actions.index(policy.idle)
    cost, expected = _cost_and_worth(priced, cases, action, idle)
    text = pd.Series([""]).dtype
    lots = np.array(["", "holdout", "explore"], dtype=object)
    columns: dict[str, Any] = {
        "case": pd.Series(keys, dtype=text),
        "time": times,
        "segment": pd.Series([None] * n if segment is None else _segment_texts(data[segment], segment), dtype=text),
        "score": np.full(n, np.nan) if cases.p is None else cases.p,
        "planned": pd.Series(names[planned], dtype=text),
        "action": pd.Series(names[action], dtype=text),
        "idle": pd.Series([policy.idle and policy.idle.name] * n, dtype=text),
        "drawn": pd.Series(lots[drawn], dtype=text),
        "propensity": _probabilities(policy, actions, planned, action, shares),
        "cost": cost,
        "expected_value": expected,
        "model": pd.Series([model] * n, dtype=text),
        "policy": pd.Series([f"{policy.name} {policy.fingerprint}".strip()] * n, dtype=text),
    }
    rows = pd.DataFrame(columns)
    if carried:
        beside = data.select(*carried).to_pandas().reset_index(drop=True)
        rows = pd.concat([rows, beside], axis=1)
    native = data.to_native()
    return rows.set_axis(native.index) if isinstance(native, pd.DataFrame) else rows


# what comes in ------------------------------------------------------------------------------------------------------


def _times_of(x: Any, name: str, n: int) -> NDArray[np.datetime64]:
    """The time of each of n cases, from a column or one point in time."""
    if not isinstance(x, nw.Series):
        try:
            return np.repeat(as_times([x], "time"), n)
        except (TypeError, ValueError):
            told = "a column of the frame, or one date or time for all cases (ISO text, a date, a datetime)"
            raise TypeError(f"time must be {told}; got {describe(x)}") from None
    native = x.to_native()
    if isinstance(x.dtype, nw.Datetime) and type(native).__module__.partition(".")[0] != "pandas":
        native = np.asarray(native.to_numpy()).astype("datetime64[us]")  # those with a zone come out in UTC
    return as_times(native, name)


def _refuse_twice(keys: list[str], times: NDArray[np.datetime64]) -> None:
    """One case has one decision at a time."""
    if len(set(keys)) == len(keys):
        return
    known: dict[tuple[str, Any], int] = {}
    for row, pair in enumerate(zip(keys, times.tolist(), strict=True)):
        before = known.setdefault(pair, row)
        if before != row:
            raise ValueError(
                f"case must come once at a time; got {pair[0]!r} twice at {times[row]}, rows {before}, {row}"
            )


def _segment_texts(column: Any, name: str) -> list[str | None]:
    """The segments as the ledger keeps them: text, whole numbers too; a missing one stays missing."""
    out: list[str | None] = []
    known: dict[Any, str] = {}  # by kind, too: True equals 1
    missing = column.is_null().to_list()
    for row, (x, absent) in enumerate(zip(column.to_list(), missing, strict=True)):
        if absent or x is None or x != x:
            out.append(None)
            continue
        if (type(x), x) not in known:
            whole = isinstance(x, (float, np.floating)) and float(x).is_integer() and abs(float(x)) <= EXACT_FLOATS
            try:
                [known[type(x), x]] = as_keys([int(x) if whole else x], name)
            except TypeError:
                raise TypeError(f"{name} must be text or whole numbers; got {describe(x)} at row {row}") from None
        out.append(known[type(x), x])
    return out


def _exploration(policy: Policy, explore: Any) -> tuple[list[Action], _Shares]:
    """All actions that may be done, the policy's own first, and the share of each that is tried given the planned."""
    actions = policy.actions
    own = len(actions)
    named: dict[tuple[int, int], str] = {}
    if not isinstance(explore, Mapping):
        total = as_number(explore, "explore", ge=0, le=1)
        shares = np.full((own, own), total / own)
    else:
        tried: dict[tuple[int, int], float] = {}
        for planned, targets in explore.items():
            at = _place_of(planned, actions, own, "explore")
            if not isinstance(targets, Mapping):
                raise TypeError(
                    f"explore[{actions[at].name!r}] must be a mapping from action to share, such as "
                    f"{{{actions[0].name!r}: 0.01}}; got {describe(targets)}"
                )
            for target, share in targets.items():
                if isinstance(target, Action) and target.name not in {x.name for x in actions}:
                    _refuse_unready(target)
                    actions.append(target)
                to, told = _place_of(target, actions, len(actions), f"explore[{actions[at].name!r}]"), repr(target)
                if (at, to) in {*tried, *named}:
                    raise ValueError(f"explore[{actions[at].name!r}] must name each action once; got {told} twice")
                if isinstance(share, str):
                    named[at, to] = column_name(share, f"explore[{actions[at].name!r}][{actions[to].name!r}]")
                    continue
                tried[at, to] = as_number(share, f"explore[{actions[at].name!r}][{actions[to].name!r}]", ge=0, le=1)
        shares = np.zeros((own, len(actions)))
        for place, share in tried.items():
            shares[place] = share
    held = policy.holdout or 0.0
    for row, planned_action in zip(shares, actions, strict=False):
        if held + row.sum() > 1 + 1e-12:
            raise ValueError(
                f"hold-out and exploration must add up to at most 1; got {exact(held)} and {exact(float(row.sum()))} "
                f"where {planned_action.name!r} is planned"
            )
    return actions, _Shares(shares, named, {})


def _place_of(x: Any, actions: list[Action], own: int, name: str) -> int:
    """The place of an action that is given by name or as it is."""
    for place, action in enumerate(actions[:own]):
        if x == action or (isinstance(x, str) and x == action.name):
            return place
    if isinstance(x, Action) and x.name in [action.name for action in actions]:
        raise ValueError(f"{name} describes action {x.name!r} in another way than the policy")
    known = ", ".join(repr(action.name) for action in actions[:own])
    raise ValueError(f"{name} must name actions of the policy ({known}); got {describe(x)}")


def _refuse_unready(action: Action) -> None:
    """An action that only exploration tries needs what the policy's own need."""
    lacking = [what for what, x in (("owner", is_said(action.owner)), ("cost", action.cost is not None)) if not x]
    if lacking:
        raise ValueError(f"explore: action {action.name!r} has no {' and no '.join(lacking)}")


# the planned action -------------------------------------------------------------------------------------------------


def _first_choice(policy: Policy, actions: list[Action], cases: _Cases, data: Any, segment: str | None) -> Codes:
    """What the rule says for each case, as `Policy.decide` does."""
    rule, fallback, n = policy.rule, policy.missing, len(cases.keys)
    assert fallback is not None
    if isinstance(rule, Segments):
        place = {action.name: i for i, action in enumerate(actions)}
        decided = decide_segments(data.select(str(segment)), rule, fallback, str(segment), f"{segment} action")
        return np.array([place[name] for name in decided[f"{segment} action"].to_list()], dtype=np.intp)
    out = np.full(n, actions.index(fallback), dtype=np.intp)
    p = cases.p
    assert p is not None
    if isinstance(rule, Tiers):
        for tier in rule:
            above = p >= tier.low if tier.takes_low else p > tier.low
            out[above & (p <= tier.high if tier.takes_high else p < tier.high)] = actions.index(tier.action)
        return out
    worth = _menu_worth(policy, rule, cases)
    known = ~np.isnan(worth).any(axis=0)
    last = len(rule) - 1 - np.argmax(worth[::-1, known], axis=0)  # equal ones: the later listed
    out[known] = np.array([actions.index(action) for action in rule])[last]
    return out


def _menu_worth(policy: Policy, rule: Menu, cases: _Cases) -> Floats:
    """The expected value of each action (rows) for each case."""
    worth = [cases.worth(policy._priced(action)) for action in rule]
    return np.vstack([x for x in worth if x is not None])


def _within_room(policy: Policy, actions: list[Action], cases: _Cases, first: Codes, shares: _Shares) -> Codes:
    """The planned actions: the first choice where it fits, else the next best; exploration has its room already.

    How much room it needs depends on what is planned, so it is found by repetition: what was set aside only grows.
    """
    limited = {i: int(x.capacity) for i, x in enumerate(actions) if x.capacity is not None}
    reserved, planned = dict.fromkeys(limited, 0), first
    while limited:
        sizes = np.bincount(planned, minlength=len(actions))
        needed = {i: max(_explored_at_most(planned, shares, i), reserved[i]) for i in limited}
        for i, size in needed.items():
            if size > limited[i]:
                raise ValueError(
                    f"exploration alone would need room for up to {size:,} cases of {actions[i].name!r}, which has "
                    f"room for {limited[i]:,}: explore less, or make room"
                )
        fits = all(sizes[i] + needed[i] <= limited[i] for i in limited)
        if fits:
            break
        reserved = needed
        room = {i: limited[i] - reserved[i] for i in limited}
        planned = _second_choice(policy, actions, cases, first, room)
    return planned


def _explored_at_most(planned: Codes, shares: _Shares, action: int) -> int:
    """How often an action is tried at random among cases planned for another one, hardly ever exceeded.

    The sum of several binomial counts varies less than one binomial count with the same mean (Hoeffding 1956).
    """
    from scipy.special import bdtr

    n, mean = 0, 0.0
    for i in range(len(shares.fixed)):
        rows = np.flatnonzero(planned == i)
        share = np.broadcast_to(shares.of(i, action, rows), rows.size)
        if i != action and (share > 0).any():
            n, mean = n + int((share > 0).sum()), mean + float(share.sum())
    if n == 0:
        return 0
    low, high = -1, n  # the smallest k with P(X ≤ k) ≥ 0.999 lies in (low, high]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if bdtr(middle, n, mean / n) >= _SURE else (middle, high)
    return high


def _second_choice(policy: Policy, actions: list[Action], cases: _Cases, first: Codes, room: dict[int, int]) -> Codes:
    """The actions after capacity, where `room` says how many cases each limited one may have."""
    rule, out, left = policy.rule, first.copy(), dict(room)
    fallback = actions.index(policy.missing) if policy.missing is not None else -1
    if isinstance(rule, Segments):
        over = []
        for i in left:
            rows = np.flatnonzero(first == i)
            worth = cases.worth(policy._priced(actions[i]), rows)
            rank = worth if worth is not None else None if cases.p is None else cases.p[rows]
            over.append(cases.first(rows, rank, left[i])[1])
        return _left_alone(policy, actions, out, np.concatenate(over), room)
    p = cases.p
    assert p is not None
    if isinstance(rule, Tiers):
        waiting = np.empty(0, dtype=np.intp)
        for tier in sorted(rule, key=lambda tier: (tier.low, tier.high), reverse=True):
            i, above = actions.index(tier.action), p >= tier.low if tier.takes_low else p > tier.low
            own = np.flatnonzero(above & (p <= tier.high if tier.takes_high else p < tier.high))
            rows = np.concatenate([waiting, own])
            kept, waiting = cases.first(rows, p[rows], left.get(i, rows.size))
            out[kept] = i
            if i in left:
                left[i] -= kept.size
        unknown = np.flatnonzero(np.isnan(p))
    else:
        worth = _menu_worth(policy, rule, cases)
        known = ~np.isnan(worth).any(axis=0)
        places = [actions.index(action) for action in rule]
        if policy.idle is not None and policy.idle not in rule.actions:  # only for those who do not fit
            places, worth = [*places, actions.index(policy.idle)], np.vstack([worth, np.zeros(worth.shape[1])])
        chosen, waiting = _who_loses_most(
            cases, worth, np.flatnonzero(known & np.isin(first, list(left))), first, places, left
        )
        out[chosen >= 0] = chosen[chosen >= 0]
        for i in left:
            left[i] -= int((chosen == i).sum())
        unknown = np.flatnonzero(~known)
    if fallback in left:
        waiting = np.concatenate([waiting, cases.first(unknown, None, left[fallback])[1]])
    return _left_alone(policy, actions, out, waiting, room)


def _who_loses_most(
    cases: _Cases, worth: Floats, rows: Codes, first: Codes, places: list[int], room: dict[int, int]
) -> tuple[Codes, Codes]:
    """Actions (−1: none) such that a full one keeps the rows that would lose most by their next best; who fits nowhere.

    A row that a full action does not keep takes its next best, which may be full in its turn; then that one keeps those
    who would lose most, and so on. With several full actions, the loss counts what a place in them is worth.
    """
    out = np.full(first.size, -1, dtype=np.intp)
    rank = {place: k for k, place in enumerate(places)}
    limited = {rank[i]: space for i, space in room.items() if i in rank}
    net = worth[:, rows]
    for k, space in limited.items():
        if space == 0:
            net[k] = -np.inf
    if sum(space > 0 for space in limited.values()) > 1:
        net = net - _prices(net, limited)[:, None]
    chosen = np.array([rank[i] for i in first[rows]], dtype=np.intp)
    while full := [k for k, space in limited.items() if int((chosen == k).sum()) > space]:
        for k in full:
            pool = np.flatnonzero(chosen == k)
            rivals = net[:, pool].copy()
            rivals[k] = -np.inf
            with np.errstate(invalid="ignore"):  # neither this action nor another one has room: no loss, the last
                loss = net[k, pool] - rivals.max(axis=0)
            kept, _ = cases.first(rows[pool], loss, limited[k])
            out_of = pool[~np.isin(rows[pool], kept)]
            net[k, out_of] = -np.inf
            chosen[out_of] = np.where(np.isfinite(net[:, out_of]).any(axis=0), _later_best(net[:, out_of]), -1)
    fits = chosen >= 0
    out[rows[fits]] = np.array(places)[chosen[fits]]
    return out, rows[~fits]


def _later_best(worth: Floats) -> Codes:
    """The action with the highest worth for each case; equal ones: the later listed."""
    out: Codes = len(worth) - 1 - np.argmax(worth[::-1], axis=0)
    return out


def _prices(worth: Floats, room: dict[int, int]) -> Floats:
    """What a place in each full action is worth.

    Each action's price rises to what the first row without a place would lose, until none rises any more, as in the
    ascending auction of Demange, Gale and Sotomayor (1986). It ends a hair below, so that those at the edge compete.
    """
    prices, net = np.zeros(len(worth)), worth.copy()
    scale = float(np.abs(worth[np.isfinite(worth)]).max(initial=1.0))
    for _ in range(40):
        before = prices.copy()
        for k, space in room.items():
            others = [x for i, x in enumerate(net) if i != k]
            with np.errstate(invalid="ignore"):
                loss = worth[k] - np.maximum.reduce(others, initial=-np.inf)
            loss = loss[loss > prices[k]]
            if space < loss.size:
                prices[k] = np.partition(loss, loss.size - space - 1)[loss.size - space - 1]
                net[k] = worth[k] - prices[k]
        if (prices - before).max() <= 1e-4 * prices.max():
            break
    return np.maximum(prices - 1e-9 * scale, 0.0)


def _left_alone(policy: Policy, actions: list[Action], out: Codes, waiting: Codes, room: dict[int, int]) -> Codes:
    """Those who fit nowhere get the idle action."""
    if waiting.size and policy.idle is None:
        full = ", ".join(f"{actions[i].name!r} has room for {space:,}" for i, space in room.items())
        raise ValueError(
            f"{count(waiting.size, 'case')} would fit nowhere: {full}, and the policy has no idle action: idle='…'"
        )
    if waiting.size and policy.idle is not None:
        out[waiting] = actions.index(policy.idle)
    return out


# lots and money -----------------------------------------------------------------------------------------------------


def _probabilities(policy: Policy, actions: list[Action], planned: Codes, action: Codes, shares: _Shares) -> Floats:
    """The probability of each case's action given its planned one."""
    held = policy.holdout or 0.0
    idle = -1 if policy.idle is None else actions.index(policy.idle)
    out = np.ones(planned.size)
    for i in np.unique(planned):
        rows = np.flatnonzero(planned == i)
        chance = shares.matrix(i, rows)
        stays = np.maximum(1.0 - held - chance.sum(axis=1), 0.0)
        chance[:, i] += stays
        if idle >= 0:
            chance[:, idle] += held
        own = chance[np.arange(rows.size), action[rows]]
        out[rows] = np.where((action[rows] == i) & (own > 1 - 1e-12), 1.0, own)
    return out


def _drawn(
    policy: Policy, actions: list[Action], cases: _Cases, planned: Codes, shares: _Shares
) -> tuple[Codes, Codes]:
    """The action after lots, and the lot that changed it (0 none, 1 hold-out, 2 exploration)."""
    action, drawn = planned.copy(), np.zeros(planned.size, dtype=np.intp)
    held = policy.holdout or 0.0
    idle = -1 if policy.idle is None else actions.index(policy.idle)
    for i in np.unique(planned):
        if not shares.any(i) and (not held or i == idle):
            continue
        rows = np.flatnonzero(planned == i)
        lot = keyed_uniform([cases.keys[row] for row in rows], seed=cases.seed, lot="plan")
        edges = held + np.cumsum(np.insert(shares.matrix(i, rows), 0, 0.0, axis=1), axis=1)
        place = (lot[:, None] >= edges).sum(axis=1)  # 0: held out; k: tries action k − 1; beyond: as planned
        action[rows[place == 0]] = idle if idle >= 0 else i
        tried = (place > 0) & (place < edges.shape[1])
        action[rows[tried]] = place[tried] - 1
        drawn[rows] = np.where(action[rows] == i, 0, np.where(place == 0, 1, 2))
    return action, drawn


def _cost_and_worth(priced: list[Action], cases: _Cases, action: Codes, idle: int | None) -> tuple[Floats, Floats]:
    """What each case's action costs, and what it is expected to bring beyond the idle one."""
    cost, expected = np.zeros(action.size), np.full(action.size, np.nan)
    for i in np.unique(action):
        rows, it = np.flatnonzero(action == i), priced[i]
        assert it.cost is not None
        cost[rows] = cases.amount(it.cost, rows)
        bad = rows[~(cost[rows] >= 0)]
        if bad.size:
            where = f"column {it.cost!r}" if isinstance(it.cost, str) else "its cost"
            raise ValueError(
                f"action {it.name!r} must cost a known amount ≥ 0 where it is done, since that is written down; "
                f"{where} is {exact(cost[bad[0]])} at row {bad[0]}: what an action saves belongs into its gain"
            )
        worth, alone = cases.worth(it, rows), None if idle is None else cases.worth(priced[idle], rows)
        if i == idle:
            expected[rows] = 0.0
        elif worth is not None:
            expected[rows] = worth - (0.0 if alone is None else alone)
    return cost, expected
