"""What a bet is worth, and the score from which acting pays."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike

from mllayers._check import Floats, as_probabilities, per_case, same_cases
from mllayers._results import Result
from mllayers._words import count, exact, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CostWarning", "ReviewBand", "cost_threshold", "expected_value", "review_band"]


class CostWarning(UserWarning):
    """Some cases have costs for which one action wins at every probability; their thresholds are infinite.

    Notes
    -----
    Taught in notebook 03, *The thresholds follow from the costs*.
    """


@dataclass(frozen=True, eq=False, repr=False)
class ReviewBand(Result):
    """The scores for which a review pays: what `review_band` returns.

    Parameters
    ----------
    review_from, act_from : float or array of shape (n,)
        Leave alone below the first, review from the first, act from the second. Equal where a review never pays.

    Notes
    -----
    Unpacks like a pair. Taught in notebook 03, *The thresholds follow from the costs*.

    Examples
    --------
    >>> review_from, act_from = review_band(cost_review=1.0, cost_fp=10.0, cost_fn=10.0)
    >>> review_from, act_from
    (0.1, 0.9)
    """

    review_from: float | Floats
    act_from: float | Floats

    def __iter__(self) -> Iterator[float | Floats]:
        return iter((self.review_from, self.act_from))

    def frame(self) -> pd.DataFrame:
        """The two thresholds, a row per case."""
        import pandas as pd

        return pd.DataFrame({name: np.atleast_1d(getattr(self, name)) for name in ("review_from", "act_from")})

    def _line(self) -> str:
        low, high = np.atleast_1d(self.review_from), np.atleast_1d(self.act_from)
        if np.ndim(self.review_from):
            return (
                f"review {int((low < high).sum()):,} of {count(low.size, 'case')} at some score, each in its own band"
            )
        if low[0] == high[0]:
            return f"never review, act from a score of {plain(high[0])}"
        return f"review from a score of {plain(low[0])}, act from {plain(high[0])}"


@overload
def expected_value(p: float, value: float, cost: float = 0.0) -> float: ...
@overload
def expected_value(p: ArrayLike, value: ArrayLike, cost: ArrayLike = 0.0) -> Floats: ...
def expected_value(p: ArrayLike, value: ArrayLike, cost: ArrayLike = 0.0) -> Any:
    """What a bet brings on average: the probability of success times its value, minus what it costs to try.

    Parameters
    ----------
    p : number or array of shape (n,)
        Probability that the action creates the value, in [0, 1].
    value : number or array of shape (n,)
        Dollars gained when it does.
    cost : number or array of shape (n,), default 0
        Dollars spent whether it does or not.

    Returns
    -------
    float or array of shape (n,)
        Dollars per case; a float when all three inputs are single numbers.

    Raises
    ------
    TypeError, ValueError
        For a probability outside [0, 1], a number that is missing or infinite, columns of different lengths, and Series
        whose labels differ.

    Notes
    -----
    EV = p · value − cost. The formula counts what the action creates only if `p` is the probability that the action
    *changes* the outcome: for a customer who would have come anyway, the value is not created. And a value that is
    already an expectation (a "$4 expected lifetime value") has its probability inside; multiplying again discounts
    it twice. Taught in notebook 03, *Worked example*.

    Examples
    --------
    Lead C answers nine times in ten and is worth $500; lead B three times in ten and $48,000.

    >>> expected_value(0.90, 500), expected_value(0.30, 48_000)
    (450.0, 14400.0)
    >>> expected_value([0.9, 0.3], [500, 48_000], cost=25)
    array([  425., 14375.])
    """
    n = _case_number(p=p, value=value, cost=cost)
    size = 1 if n is None else n
    chance = per_case(p, size, "p")
    as_probabilities(np.atleast_1d(chance), "p")
    out = chance * per_case(value, size, "value") - per_case(cost, size, "cost")
    return float(out) if n is None else out


@overload
def cost_threshold(*, cost_fp: float, cost_fn: float = 0.0, gain_tp: float = 0.0, gain_tn: float = 0.0) -> float: ...
@overload
def cost_threshold(
    *, cost_fp: ArrayLike, cost_fn: ArrayLike = 0.0, gain_tp: ArrayLike = 0.0, gain_tn: ArrayLike = 0.0
) -> Floats: ...
def cost_threshold(
    *, cost_fp: ArrayLike, cost_fn: ArrayLike = 0.0, gain_tp: ArrayLike = 0.0, gain_tn: ArrayLike = 0.0
) -> Any:
    """The probability from which acting pays, computed from what the four outcomes are worth.

    Parameters
    ----------
    cost_fp : number or array of shape (n,)
        Dollars lost by acting on a negative case (a good order is blocked).
    cost_fn : number or array of shape (n,), default 0
        Dollars lost by not acting on a positive case (a fake is shipped).
    gain_tp, gain_tn : number or array of shape (n,), default 0
        Dollars earned by acting on a positive case, and by leaving a negative case alone (the margin of a good order).

    Returns
    -------
    float or array of shape (n,)
        The threshold t: act if and only if p ≥ t. For single cases whose costs make one action the best at every
        probability (a customer too small to call) it is ``inf``, never act, or ``-inf``, always act.

    Raises
    ------
    ValueError
        When one action wins at every probability (Elkan's "reasonableness") and the costs are single numbers, or it is
        so for all cases: then the costs are more likely wrong than right. When acting costs on positives and pays on
        negatives, for any case: the two classes are swapped.

    Warns
    -----
    CostWarning
        With the number of single cases that have no threshold.

    Notes
    -----
    With a = gain_tn + cost_fp, what a wrong action costs, and b = gain_tp + cost_fn, what a wrong inaction costs:
    t = a / (a + b). Only the sums a and b matter, so adding a constant to both outcomes of a truth changes nothing. `p`
    must be calibrated; no rebalancing is needed. `review_band` adds a review before the decision.
    Taught in notebook 03, *The thresholds follow from the costs*.

    References
    ----------
    Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI, sections 1.1 and 2.

    Examples
    --------
    An $80 order at 30 % margin: a blocked good order costs its margin and $12 of goodwill, a shipped fake its goods and
    a $20 fee.

    >>> round(cost_threshold(gain_tn=24.0, cost_fp=12.0, cost_fn=76.0), 4)
    0.3214
    >>> cost_threshold(cost_fp=[1.0, 2.0], cost_fn=[3.0, 2.0])
    array([0.25, 0.5 ])
    """
    _, _, t, n = _thresholds(cost_fp=cost_fp, cost_fn=cost_fn, gain_tp=gain_tp, gain_tn=gain_tn)
    return float(t) if n is None else t


def review_band(
    *,
    cost_review: ArrayLike,
    cost_fp: ArrayLike,
    cost_fn: ArrayLike = 0.0,
    gain_tp: ArrayLike = 0.0,
    gain_tn: ArrayLike = 0.0,
) -> ReviewBand:
    """The scores between which a review pays, one that reveals the truth before the decision.

    Parameters
    ----------
    cost_review : number or array of shape (n,)
        Dollars for the review of a case, ≥ 0.
    cost_fp, cost_fn, gain_tp, gain_tn : number or array of shape (n,)
        As in `cost_threshold`.

    Returns
    -------
    ReviewBand
        ``review_from`` and ``act_from``: leave alone below the first, review from the first, act from the second; both
        are the threshold without a review where it never pays. Unpacks like a pair.

    Raises
    ------
    ValueError
        As in `cost_threshold`, and for a review that costs less than nothing.

    Warns
    -----
    CostWarning
        As in `cost_threshold`; nobody is reviewed where one action wins at every probability.

    Notes
    -----
    With a = gain_tn + cost_fp and b = gain_tp + cost_fn, a review at price r pays from p > r / b and until
    p < 1 − r / a, never where r ≥ a·b / (a + b).
    Taught in notebook 03, *The thresholds follow from the costs*.

    References
    ----------
    Elkan (2001), "The Foundations of Cost-Sensitive Learning", IJCAI, sections 1.1 and 2, with a third action.

    Examples
    --------
    The $80 order of `cost_threshold`, and a review for $4:

    >>> band = review_band(cost_review=4.0, gain_tn=24.0, cost_fp=12.0, cost_fn=76.0)
    >>> band
    review from a score of 0.0526, act from 0.889
    >>> low, high = band
    """
    money = {"cost_fp": cost_fp, "cost_fn": cost_fn, "gain_tp": gain_tp, "gain_tn": gain_tn}
    size = _case_number(cost_review=cost_review, **money)
    price = per_case(cost_review, 1 if size is None else size, "cost_review")
    if (price < 0).any():
        row = f" at row {int(np.argmax(price < 0))}" if price.ndim else ""
        raise ValueError(f"cost_review must be ≥ 0; got {exact(price.min())}{row}")
    a, b, t, n = _thresholds(**money)
    usual = np.isfinite(t)
    with np.errstate(divide="ignore", invalid="ignore"):
        review_from = np.where(usual, np.minimum(price / b, t), t)
        act_from = np.where(usual, np.maximum(1 - price / a, t), t)
    if n is None and price.ndim == 0:
        return ReviewBand(float(review_from), float(act_from))
    return ReviewBand(review_from, act_from)


def _case_number(**columns: Any) -> int | None:
    """How many cases the columns hold, `None` for single numbers; Series must have the same labels."""
    sizes = [
        len(x)
        for x in columns.values()
        if hasattr(x, "__len__") and not isinstance(x, (str, bytes)) and getattr(x, "ndim", 1) > 0
    ]
    if sizes and (all(sizes) or len(set(sizes)) > 1):
        same_cases(**columns)
    return sizes[0] if sizes else None


def _thresholds(**given: ArrayLike) -> tuple[Floats, Floats, Floats, int | None]:
    """What a wrong action and a wrong inaction cost, the threshold between them, and the number of cases."""
    n = _case_number(**given)
    money = {name: per_case(x, 1 if n is None else n, name) for name, x in given.items()}
    a, b = money["gain_tn"] + money["cost_fp"], money["gain_tp"] + money["cost_fn"]
    a, b = np.broadcast_arrays(a, b)
    always, never = (a <= 0) & (b > 0), b <= 0
    swapped = (a < 0) & (b < 0)
    always |= (a < 0) & (b == 0)
    never &= ~always
    if swapped.any():
        row = f" at row {int(np.argmax(swapped))}" if swapped.ndim else ""
        raise ValueError(
            "gain_tn + cost_fp and gain_tp + cost_fn are both below 0: acting pays on negatives and not on positives, "
            f"as if the two were swapped{row}"
        )
    if (always | never).all() and a.size:
        which, wrong, name, winner = (
            (always, a, "gain_tn + cost_fp", "acting")
            if always.ravel()[0]
            else (never, b, "gain_tp + cost_fn", "never acting")
        )
        where = " at row 0, and no case has a threshold" if a.ndim else ""
        raise ValueError(
            f"{name} must be > 0, or {winner} is best at every probability and there is no threshold; "
            f"got {exact(float(wrong[which].ravel()[0]) + 0.0)}{where}"
        )
    if (always | never).any():
        told = [
            f"acting is best at every probability for {int(always.sum()):,} (threshold −inf)" * bool(always.any()),
            f"leaving alone for {int(never.sum()):,} (threshold inf)" * bool(never.any()),
        ]
        warnings.warn(
            f"{int((always | never).sum()):,} of {a.size:,} cases have no threshold: {', '.join(filter(None, told))}",
            CostWarning,
            stacklevel=3,
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(always, -np.inf, np.where(never, np.inf, a / (a + b)))
    return a, b, t, n
