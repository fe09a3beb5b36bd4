"""What would each threshold earn?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_binary, as_number, as_probabilities, as_weights, same_cases
from mllayers._results import Result
from mllayers._words import count, dollars
from mllayers.prediction._sums import cuts, running, stakes, threshold_words

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class ThresholdMoney(Result):
    """What every threshold earns, from "act on nobody" (threshold ``inf``) down to "act on everyone".

    Attributes
    ----------
    threshold : array
        Infinity, then every distinct score, falling.
    profit : array
        Dollars over all cases when p ≥ threshold is acted on.
    acted : array
        Cases with p ≥ threshold (of the population, where there are weights).
    capacity : float or None
        How many cases can be acted on, where that is limited.
    """

    threshold: NDArray[np.float64]
    profit: NDArray[np.float64]
    acted: NDArray[Any]
    capacity: float | None = None

    @property
    def best(self) -> int:
        """Position of the most profitable threshold within the capacity; among equals the one that acts on fewest."""
        fits = self.profit.size
        if self.capacity is not None:
            fits = int(np.searchsorted(self.acted, self.capacity * (1 + 1e-9), side="right"))
        return int(np.argmax(self.profit[:fits]))

    def frame(self) -> pd.DataFrame:
        """The same as a frame with the columns threshold, profit and acted."""
        import pandas as pd

        return pd.DataFrame({"threshold": self.threshold, "profit": self.profit, "acted": self.acted})

    def _line(self) -> str:
        best = self.best
        room = "" if self.capacity is None else f" within {count(self.capacity, 'case')}"
        return (
            f"best of {count(len(self.profit), 'threshold')}{room}: {threshold_words(self.threshold[best])} "
            f"({self.acted[best]:,.0f} of {count(self.acted[-1], 'case')}) earns {dollars(self.profit[best])}; "
            f"acting on nobody {dollars(self.profit[0])}, on everyone {dollars(self.profit[-1])}"
        )


def money_by_threshold(
    y: ArrayLike,
    p: ArrayLike,
    *,
    gain_tp: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike = 0.0,
    gain_tn: ArrayLike = 0.0,
    weights: ArrayLike | None = None,
    capacity: float | None = None,
) -> ThresholdMoney:
    """What would acting on ``p >= t`` earn, at every threshold t that makes a difference?

    Parameters
    ----------
    y : array of shape (n,)
        What happened: 0 or 1.
    p : array of shape (n,)
        The scores, in [0, 1]. Equal scores are one threshold: they are acted on together. Columns are matched by
        position, so Series must have the same labels in the same order.
    gain_tp : float or array of shape (n,)
        Dollars earned by acting where y = 1.
    cost_fp : float or array of shape (n,)
        Dollars paid for acting where y = 0 (a positive number is a cost).
    cost_fn : float or array of shape (n,), default 0
        Dollars lost by not acting where y = 1 (a positive number is a cost).
    gain_tn : float or array of shape (n,), default 0
        Dollars earned by not acting where y = 0.
    weights : array of shape (n,), optional
        How many cases of the population each row stands for, > 0, where the sample is not the population: 1 / the share
        that was kept of its kind. Dollars and cases are then those of the population.
    capacity : float, optional
        How many cases (of the population) can be acted on: `best` is looked for among the thresholds that act on no
        more. All thresholds are listed all the same.

    Returns
    -------
    ThresholdMoney
        Arrays ``threshold`` (``inf`` first: nobody; then every distinct score, falling), ``profit`` in dollars over all
        cases and ``acted``; the position ``best``; ``capacity``;
        ``frame()``.

    Raises
    ------
    ValueError
        If y is not 0/1, p not in [0, 1], something is missing, lengths differ, or the amounts leave nothing to decide:
        one action is at least as good as the other in every case, whatever y is. Often that is a cost with a minus.
        If the amounts are too large to be added up.
    TypeError
        If an amount is misspelt or not a number.

    Notes
    -----
    Acting changes the money of a case by ``gain_tp + cost_fn`` where y = 1 and by ``-(cost_fp + gain_tn)`` where y = 0;
    profit is the money of "nobody acts" plus the running sum of these changes from the highest score down. One sort,
    no grid. Only the two sums decide: moving a constant from ``gain_tp`` to ``cost_fn`` shifts no decision.
    The best threshold is found on the cases that grade it; :func:`value_of_model` corrects for that and gives the
    interval, with a `capacity`, too. Cases of one score are acted on together, so a capacity may leave a rest unused.
    Taught in notebook 02, *Worked example*.

    References
    ----------
    Elkan, C. (2001). The foundations of cost-sensitive learning. IJCAI, section 1.

    Examples
    --------
    Four customers, two of whom leave. A saved one is worth $100, a call costs $15:

    >>> money = money_by_threshold([0, 1, 0, 1], [0.1, 0.3, 0.4, 0.9], gain_tp=85, cost_fp=15)
    >>> money.frame()
       threshold  profit  acted
    0        inf     0.0      0
    1        0.9    85.0      1
    2        0.4    70.0      2
    3        0.3   155.0      3
    4        0.1   140.0      4
    >>> money
    best of 5 thresholds: p ≥ 0.3 (3 of 4 cases) earns $155; acting on nobody $0, on everyone $140
    """
    one, score = as_binary(y, "y") == 1, as_probabilities(p, "p")
    n = same_cases(y=y, p=p, gain_tp=gain_tp, cost_fp=cost_fp, cost_fn=cost_fn, gain_tn=gain_tn, weights=weights)
    weight = None if weights is None else as_weights(weights, n)
    room = None if capacity is None else as_number(capacity, "capacity", ge=0)
    if_one, if_zero, nobody = stakes(one, n, gain_tp, cost_fp, cost_fn, gain_tn, weight)
    order, acted, threshold = cuts(score)
    if weight is not None:
        profit = running(weight * np.where(one, if_one, if_zero), order, acted)
        profit += nobody
        return ThresholdMoney(threshold, profit, running(weight, order, acted), room)
    if if_one.ndim == if_zero.ndim == 0:  # counts are exact where a long sum of dollars and cents is not
        hits = running(one.astype(np.int64), order, acted)
        profit = if_one * hits + if_zero * (acted - hits)
    else:
        profit = running(np.where(one, if_one, if_zero), order, acted)
    profit += nobody
    return ThresholdMoney(threshold, profit, acted, room)
