"""What is a model worth beside the best decision without it?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import (
    Floats,
    as_binary,
    as_groups,
    as_integer,
    as_number,
    as_probabilities,
    as_thresholds,
    as_weights,
    same_cases,
)
from mllayers._results import Result
from mllayers._words import count, dollars
from mllayers.prediction._sums import (
    RowsT,
    best_cut,
    money_by_group,
    paired_difference,
    stakes,
    sure_words,
    threshold_words,
)

if TYPE_CHECKING:
    import pandas as pd

_WITHOUT = ("nobody", "everyone", "the base rate")


@dataclass(frozen=True, eq=False, repr=False)
class ModelValue(Result):
    """What a model is worth over ``n`` cases, in dollars; ``value = with_model - without_model``.

    Attributes
    ----------
    value, low, high : float
        Dollars over all cases, with interval. NaN ends: too few events. ``high`` is infinite where the interval is a
        lower bound only.
    level : float
        Probability with which the interval is to hold the true value.
    events : int
        What the interval rests on: among the cases that are decided differently with and without the model, those with
        the rarer of the two outcomes.
    kind : {"interval", "lower bound", "exact"}
        "exact" where nobody is acted on because of the scores, all scores are equal, or every case is decided as
        without them: then the value is 0.
    with_model, without_model : float
        Dollars over all cases.
    without : str
        The decision without the model that came closest: "nobody", "everyone", "the base rate", or what was given.
    in_sample : float
        The flattering number: the value when the cases that chose the threshold also grade it. It equals ``value``
        when the threshold came from elsewhere.
    threshold : float or None
        ``None`` when every case has its own.
    acted, n : int
        Cases acted on because of the model, and all cases.
    capacity : float or None
        How many cases can be acted on, where that is limited.
    stands_for : float
        Cases of the population: n, or the sum of the weights.
    table : DataFrame or None
        With ``by``, a row for each group in its order: ``n``, ``value`` with ``low``, ``high`` and ``events``,
        ``per_case``, ``low_all`` and ``high_all`` (an interval that holds for all groups together, by Bonferroni) and
        ``sure``: *more* or *less* (by more than ``least`` dollars a case), *alike* (within it), or *open*.
    """

    value: float
    low: float
    high: float
    level: float
    events: int
    kind: str
    with_model: float
    without_model: float
    without: str
    in_sample: float
    threshold: float | None
    acted: int
    n: int
    capacity: float | None
    stands_for: float
    table: pd.DataFrame | None

    def frame(self) -> pd.DataFrame:
        """A row for each group, where there are groups; else one row with the numbers."""
        return Result.frame(self) if self.table is None else self.table.copy()

    def _line(self) -> str:
        told = self._whole()
        return told if self.table is None else f"{told}; {sure_words(self.table, self.level)}"

    def _whole(self) -> str:
        cases = count(self.stands_for, "case")
        cases += f" that {count(self.n, 'row')} stand for" if self.stands_for != self.n else ""
        if self.kind == "exact":
            same = f"every case is decided as without it ({self.without})"
            return f"value of the model: $0 over {cases}, {same if self.acted else 'nobody is acted on because of it'}"
        if self.kind == "lower bound" and self.events == self.acted == 0:
            return f"value of the model: $0 over {cases}; no threshold earned more than deciding without it"
        told, level = f"value of the model: {dollars(self.value)} over {cases}", f"{100 * self.level:g} %"
        if math.isnan(self.low):
            told += f" (too few events ({self.events:,}) for an interval)"
        elif self.kind == "lower bound":
            told += f" ({level} interval: {dollars(self.low)} or more; only a lower bound, since the threshold was "
            told += "looked for in these cases)"
        else:
            told += f" ({level} interval {dollars(self.low)} to {dollars(self.high)})"
        room = "" if self.capacity is None else f", room for {self.capacity:,.0f}"
        rule = "thresholds per case" if self.threshold is None else threshold_words(self.threshold)
        return (
            f"{told}; {dollars(self.with_model)} with it ({rule}, {self.acted:,} acted on{room}), "
            f"{dollars(self.without_model)} without ({self.without})"
        )


def value_of_model(
    y: ArrayLike,
    p: ArrayLike,
    *,
    gain_tp: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike = 0.0,
    gain_tn: ArrayLike = 0.0,
    threshold: ArrayLike | None = None,
    without: ArrayLike | str | None = None,
    weights: ArrayLike | None = None,
    capacity: float | None = None,
    by: ArrayLike | None = None,
    least: float = 0.0,
    cv: int = 5,
    seed: int = 0,
    level: float = 0.95,
) -> ModelValue:
    """What is the model worth: the best decision with its scores minus the best decision without them?

    Without scores one can act on nobody, on everyone, or, where every case has its own amounts, on those whose amounts
    are worth it at the base rate. A model that changes no decision is worth exactly 0.0.

    Parameters
    ----------
    y : array of shape (n,)
        What happened: 0 or 1, on cases the model was not fitted on.
    p : array of shape (n,)
        The scores, in [0, 1].
    gain_tp, cost_fp, cost_fn, gain_tn : float or array of shape (n,)
        Dollars of the four outcomes, as in :func:`money_by_threshold`.
    threshold : float or array of shape (n,), optional
        Act where ``p >= threshold``: a threshold from elsewhere, one from the costs of each case
        (`decision.cost_threshold`), or ``np.inf`` when no decision is connected to the scores. Left out, the best
        single threshold is looked for in these very cases; where amounts differ, give one per case instead.
    without : {"nobody", "everyone", "the base rate"} or array of shape (n,), optional
        What would be done without the model; left out, the best of the three. A column of 0 and 1 says on whom one
        would act. Any other column in [0, 1] is another score, which gets its threshold in the same way as `p`: the
        value is then that of the one model over the other.
    weights : array of shape (n,), optional
        How many cases of the population each row stands for, > 0, where the sample is not the population (a sample of
        the negatives, say): 1 / the share that was kept of its kind. The scores must be those of the population, too:
        :func:`prior_corrected`.
    capacity : float, optional
        How many cases (of the population) can be acted on. The threshold is looked for among those that act on no more;
        "everyone" without the model is then a random draw of so many, and "the base rate" those with the best amounts.
    by : array of shape (n,), optional
        The segment or band of each case: the value of each, and for which it is sure. A mean can hide them.
    least : float, default 0
        With ``by``: the difference that matters, in dollars a case. Size and significance are two questions.
    cv : int, default 5
        Without ``threshold``: parts into which the cases are divided, at least 2.
    seed : int, default 0
        Without ``threshold``: seed of that division.
    level : float in (0, 1), default 0.95
        Probability with which the interval is to hold the true value.

    Returns
    -------
    ModelValue
        ``value``, its interval ``low`` and ``high`` with ``events`` and ``kind``, ``with_model``, ``without_model``,
        ``without``, ``in_sample``, ``threshold``, ``acted`` and, with ``by``, ``table``. All money is dollars over the
        ``n`` cases given, or over those that they stand for.

    Raises
    ------
    ValueError
        As :func:`money_by_threshold`; if ``threshold`` is missing somewhere, or given beside a ``capacity`` (which is
        there to find it); with fewer cases than 2 or than ``cv``.
    TypeError
        If an amount or option is misspelt or of the wrong kind.

    Notes
    -----
    *Without the model.* Acting changes the money of a case by a where y = 1 and by -b where y = 0. At the base rate r,
    one acts where r a ≥ (1 - r) b, that is, where r reaches the case's own threshold. With the same amounts for all
    this is nobody or everyone; with amounts per case it is what a constant score would do, so that a model is not
    credited with what the amounts alone bring.

    *Threshold given.* The value is the smallest of ``with - alternative`` over the decisions without the model; r is
    the rate of these cases. The interval runs from the smallest lower end to the smallest upper end. The best
    alternative is picked with the outcomes in hand, which flatters it, so the value is too low where two of them earn
    about the same: by 35 % at 100 cases, 15 % at 500, 8 % at 2,000 and 4 % at 8,000 (10 % positives, nobody and
    everyone alike). Where one is clearly better, by less than 2 % from 500 cases on with one price for all; with
    long-tailed prices per case by up to 14 % at 500 cases and less than 2 % from 2,000.

    *Threshold looked for here.* Cases that choose a threshold flatter it. So each part of the cases is decided with the
    threshold that was best on the other parts (which also give r), or as without a model where that threshold earned
    nothing extra there. The value is that of a threshold found in about this many cases: a useless model can come out
    below 0, a constant score is worth exactly 0. The interval over such parts (Bayle et al. 2020) is only a **lower
    bound** (``kind``) of what the model earns at the best threshold, and ``high`` is infinite: what the search adds to
    the spread is not in it (two-sided, it held the truth in 80 to 91 % of draws).
    ``threshold`` is the best one on all cases (``-inf``: everyone), ``in_sample`` what it would seem to be worth.

    *Nobody acts.* When no case reaches its threshold, nothing follows from the scores. What would be done without them
    is still done, even if that is acting on everyone, and the value is exactly 0.0 (``kind`` is "exact").

    *By group.* Every group is decided as the whole is, and compared with the one decision without the model that came
    closest for the whole: so the values of the groups add up to the value. ``sure`` asks the interval at the level
    1 − (1 − level) / groups, which holds for all groups together.

    *Capacity.* Where the best threshold would act on more than there is room for, it becomes the score of the last case
    that fits. The outcomes did not choose that one, so the interval has two ends; else it is a lower bound, as above.
    With amounts per case, the best within a capacity are not those of the highest scores: rank them by
    p · gain − (1 − p) · cost (`decision.within_capacity`) and hand the choice to :func:`compare_money`.

    *Weights* multiply the money of a row. The interval takes the rows for independent draws with their weights.

    *Interval.* Over the cases decided differently, each difference is what would be earned if the rarer outcome never
    came (a normal interval) plus what the rarer outcome adds (an interval for rare, skewed money); the two are combined
    by square-and-add with their correlation (Zou and Donner 2008). It covers which cases happened to be drawn; not how
    the model was trained, nor whether the amounts are right. Measured with a threshold given, 100 to 8,000 cases, 1 or
    10 % positives, amounts equal or with a long tail: 91 to 99 % of 95 %, with 5 events and more; below, the ends are
    NaN. The lower bound of a threshold looked for here was above the truth in at most 4 % of draws.
    Taught in notebook 02, *What happened*.

    References
    ----------
    Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures. Statistics in Medicine
    27(10).
    Bayle, P., Bayle, A., Janson, L. and Mackey, L. (2020). Cross-validation confidence intervals for test error.
    NeurIPS 33.
    Vickers, A. J. and Elkin, E. B. (2006). Decision curve analysis. Medical Decision Making 26(6): the same comparison
    with acting on nobody and on everyone.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(1, 9, 10_000)
    >>> y = rng.random(10_000) < p
    >>> value_of_model(y, p, gain_tp=45, cost_fp=5, threshold=0.1).value > 0
    True

    The same scores, and nobody acts on them:

    >>> value_of_model(y, p, gain_tp=45, cost_fp=5, threshold=np.inf)
    value of the model: $0 over 10,000 cases, nobody is acted on because of it

    Amounts per case: a constant score that knows the base rate is worth nothing, whatever the amounts bring.

    >>> gain = rng.lognormal(3, 1, 10_000)
    >>> value_of_model(y, np.full(10_000, y.mean()), gain_tp=gain, cost_fp=5, threshold=5 / (5 + gain)).value
    0.0
    """
    one, score = as_binary(y, "y") == 1, as_probabilities(p, "p")
    instead = without if without is None or isinstance(without, str) else as_probabilities(without, "without")
    amounts = {"gain_tp": gain_tp, "cost_fp": cost_fp, "cost_fn": cost_fn, "gain_tn": gain_tn}
    n = same_cases(y=y, p=p, **amounts, threshold=threshold, without=without, weights=weights, by=by)
    if isinstance(instead, str) and instead not in _WITHOUT:
        raise ValueError(f"without must be one of {', '.join(_WITHOUT)}, decisions or scores; got {instead!r}")
    cv, seed = as_integer(cv, "cv", ge=2), as_integer(seed, "seed", ge=0)
    level, least = as_number(level, "level", gt=0, lt=1), as_number(least, "least", ge=0)
    groups = None if by is None else as_groups(by, n, "by")
    weight = None if weights is None else as_weights(weights, n)
    if capacity is not None:
        capacity = as_number(capacity, "capacity", ge=0)
        if threshold is not None:
            raise ValueError("capacity must be None where a threshold is given: it is there to find the threshold")
    if_one, if_zero, nobody = stakes(one, n, **amounts, weight=weight)
    if n < (needed := cv if threshold is None else 2):
        raise ValueError(f"y and p must hold at least {needed} cases to tell a value with its interval; got {n}")
    book = _Book(one, np.broadcast_to(if_one, n), np.broadcast_to(if_zero, n), instead, weight, capacity)
    everybody, cut = np.ones(n, dtype=bool), None
    if threshold is None:
        cut, best, full = best_cut(score, book.change, weight, capacity)
        in_sample = max(0.0, best - max(book.earned(rule) for rule in book.alternatives(everybody, None).values()))
        kind = "lower bound" if score.min() < score.max() else "exact"
        if full and kind == "lower bound" and best > 0:  # the room chose the threshold, not the outcomes
            acts, kind = score >= cut, "interval"
            used, others = np.ones(n, dtype=bool), book.alternatives(everybody, None)
        else:
            acts, used, others = _cross_fitted(score, book, cv, seed)
    else:
        limit = as_thresholds(threshold, n, "threshold")
        cut = float(limit[0]) if limit.size == 1 else None
        acts = score >= limit
        used, others = np.full(n, acts.any()), book.alternatives(everybody, limit)
        in_sample, kind = 0.0, "interval" if acts.any() else "exact"
    turns = {name: used * (acts * 1.0 - rule) for name, rule in others.items()}

    def part(name: str, where: NDArray[np.intp], at: float) -> tuple[float, float, float, int]:
        return paired_difference(turns[name][where], one[where], book.if_one[where], book.if_zero[where], at)

    return _model_value(
        part,
        np.arange(n),
        {name: book.earned(rule) for name, rule in others.items()},
        groups,
        book.cases,
        nobody=nobody,
        kind=kind,
        in_sample=in_sample if threshold is None and kind != "interval" else None,
        threshold=cut,
        acted=int((used & acts).sum()),
        n=n,
        capacity=capacity,
        level=level,
        least=least,
    )


def _model_value(
    part: Callable[[str, RowsT, float], tuple[float, float, float, int]],
    everybody: RowsT,
    earned: Mapping[str, float],
    groups: Mapping[Any, RowsT] | None,
    cases: Callable[[RowsT], float],
    *,
    nobody: float,
    kind: str,
    in_sample: float | None,
    threshold: float | None,
    acted: int,
    n: int,
    capacity: float | None,
    level: float,
    least: float,
    rows_in: Callable[[RowsT], int] = len,  # type: ignore[assignment]
) -> ModelValue:
    """What `value_of_model` says, from rows or sums.

    `part` gives what the model earns beyond a decision without it on some rows (dollars, low, high, events at a level),
    `earned` what each of these decisions earns beyond acting on nobody, `cases` how many cases some rows stand for.
    """
    sums = {name: part(name, everybody, level) for name in earned}
    closest = min(sums, key=lambda name: sums[name][0])
    value, low, high = (float(np.min([sums[name][k] for name in sums])) for k in range(3))
    if kind == "interval" and value == low == high == 0.0:
        kind = "exact"  # the same decision in each case, and no other comes close
    without_model = nobody + max(earned.values())
    table = None
    if groups is not None:

        def of_group(where: RowsT, at: float) -> tuple[float, float, float, int]:
            total, down, up, events = part(closest, where, at)
            return total, down, math.inf if kind == "lower bound" else up, events

        table = money_by_group(groups, cases, of_group, level=level, least=least, rows_in=rows_in)
    return ModelValue(
        value=value,
        low=low,
        high=math.inf if kind == "lower bound" else high,
        level=level,
        events=int(sums[closest][3]),
        kind=kind,
        with_model=without_model + value,
        without_model=without_model,
        without=closest,
        in_sample=value if in_sample is None else in_sample,
        threshold=threshold,
        acted=acted,
        n=n,
        capacity=capacity,
        stands_for=cases(everybody),
        table=table,
    )


class _Book:
    """The cases of `value_of_model`: what acting changes where y = 1 and where y = 0, and what is done without it."""

    def __init__(
        self,
        one: NDArray[np.bool_],
        if_one: Floats,
        if_zero: Floats,
        without: Floats | str | None,
        weight: Floats | None,
        room: float | None,
    ) -> None:
        self.one, self.without, self.weight, self.room = one, without, weight, room
        self.each_one, self.each_zero = if_one, if_zero  # dollars of one case
        self.if_one = if_one if weight is None else weight * if_one  # of all that the row stands for
        self.if_zero = if_zero if weight is None else weight * if_zero
        if room is not None and room >= self.cases(np.arange(one.size)):
            self.room = None

    def cases(self, rows: NDArray[Any]) -> float:
        """How many cases some rows stand for."""
        return float(rows.size if self.weight is None else self.weight[rows].sum())

    @property
    def change(self) -> Floats:
        """What acting changes, as things came."""
        return np.where(self.one, self.if_one, self.if_zero)

    def earned(self, acts: NDArray[Any]) -> float:
        """What acting on these changes in all."""
        return float((acts * self.change).sum())

    def room_in(self, rows: NDArray[Any]) -> float | None:
        """The part of the room that belongs to some rows, by the cases they stand for."""
        return None if self.room is None else self.room * self.cases(rows) / self.cases(np.arange(self.one.size))

    def alternatives(self, known: NDArray[np.bool_], limit: Floats | None) -> dict[str, NDArray[Any]]:
        """Whom one would act on without the model, by the cases whose outcome is known; another score by its limit."""
        n, given = self.one.size, self.without
        if given is not None and not isinstance(given, str):
            if np.isin(given, (0, 1)).all():
                return {"the decisions given": given}
            cut = limit
            if cut is None:
                weight, room = (
                    (None if self.weight is None else self.weight[known]),
                    self.room_in(np.flatnonzero(known)),
                )
                cut = np.asarray(best_cut(given[known], self.change[known], weight, room)[0])
            return {"the other score": (given >= cut) * 1.0}
        seen = self.one[known]
        rate = float(seen.mean() if self.weight is None else np.average(seen, weights=self.weight[known]))
        worth = rate * self.each_one + (1 - rate) * self.each_zero
        share = 1.0 if self.room is None else self.room / self.cases(np.arange(n))
        rules: dict[str, NDArray[Any]] = {
            "nobody": np.zeros(n),
            "everyone": np.full(n, share),
            "the base rate": self._within_room(worth),
        }
        return rules if given is None else {given: rules[given]}

    def _within_room(self, worth: Floats) -> Floats:
        """Who is worth it, the best first, as far as there is room; equal ones share what is left."""
        takes = (worth >= 0).astype(np.float64)
        if self.room is None:
            return takes
        each = np.ones(worth.size) if self.weight is None else self.weight
        levels, place = np.unique(-worth, return_inverse=True)
        cases = np.bincount(place, weights=each * takes, minlength=levels.size)
        left = self.room - np.concatenate([[0.0], np.cumsum(cases)[:-1]])
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(cases > 0, np.clip(left / cases, 0.0, 1.0), 0.0)
        out: Floats = takes * share[place]
        return out


def _cross_fitted(
    p: Floats, book: _Book, cv: int, seed: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], dict[str, NDArray[Any]]]:
    """Each part of the cases by the others: who is acted on, where that beats using no scores, and what they do."""
    n, change = p.size, book.change
    part = np.random.default_rng(seed).permutation(n) % cv
    acts, used = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    rules: dict[str, NDArray[Any]] = {}
    for k in range(cv):
        here, known = part == k, part != k
        weight = None if book.weight is None else book.weight[known]
        threshold, best, _ = best_cut(p[known], change[known], weight, book.room_in(np.flatnonzero(known)))
        acts[here] = p[here] >= threshold
        there = book.alternatives(known, None)
        used[here] = best > max(float((change * rule)[known].sum()) for rule in there.values())
        for name, rule in there.items():
            rules.setdefault(name, np.zeros(n))[here] = rule[here]
    return acts, used, rules
