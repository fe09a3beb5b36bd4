"""Is it worth doing: what an action is expected to earn, and where that turns."""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_number, as_probabilities, per_case, same_cases

__all__ = ["break_even", "worth_acting"]


@overload
def worth_acting(
    p: float, value: float, *, contact_cost: float, redeemed_cost: float = 0.0, p_without: float = 0.0
) -> float: ...
@overload
def worth_acting(
    p: ArrayLike,
    value: ArrayLike,
    *,
    contact_cost: ArrayLike,
    redeemed_cost: ArrayLike = 0.0,
    p_without: ArrayLike = 0.0,
) -> NDArray[np.float64]: ...
def worth_acting(
    p: ArrayLike,
    value: ArrayLike,
    *,
    contact_cost: ArrayLike,
    redeemed_cost: ArrayLike = 0.0,
    p_without: ArrayLike = 0.0,
) -> Any:
    """What an action is expected to earn for each case, beyond leaving the case alone; act where it is above zero.

    Parameters
    ----------
    p : number or array of shape (n,), in [0, 1]
        Probability of the good outcome (a customer comes, or stays) **with** the action.
    value : number or array of shape (n,)
        Dollars the good outcome is worth.
    contact_cost : number or array of shape (n,)
        Dollars the action costs whenever it is taken, such as a voucher that is paid when it is sent.
    redeemed_cost : number or array of shape (n,), default 0
        Dollars it costs only with the good outcome, such as a voucher that is paid when it is used.
    p_without : number or array of shape (n,), in [0, 1], default 0
        Probability of the good outcome **without** the action. Zero says that nobody would have come by themselves.

    Returns
    -------
    float or array of shape (n,)
        Expected dollars per case; a float when all inputs are single numbers.

    Raises
    ------
    TypeError, ValueError
        For probabilities outside [0, 1], missing numbers, columns of different length, Series whose labels differ, and
        money that is too large to be reckoned with.

    Notes
    -----
    EV = (p − p_without) · value − p · redeemed_cost − contact_cost. With ``p_without=0`` and ``redeemed_cost=0`` this
    is the familiar P × Value − Cost, which is right only if the action brings about the whole outcome. At exactly zero
    both choices earn the same; thresholds and policies act there (p ≥ t). Taught in notebook 04, *Worked example*.

    References
    ----------
    Radcliffe and Surry (2011), "Real-World Uplift Modelling with Significance-Based Uplift Trees"; Gutierrez and
    Gérardy (2017), "Causal Inference and Uplift Modelling: A Review of the Literature", PMLR 67.

    Examples
    --------
    A $5 voucher that brings one customer in five, each worth $20; and the same if they would have come anyway:

    >>> worth_acting(0.2, 20, contact_cost=5)
    -1.0
    >>> worth_acting(0.2, 20, contact_cost=5, p_without=0.2)
    -5.0
    >>> worth_acting([0.2, 0.2], [20, 60], contact_cost=0, redeemed_cost=5, p_without=[0, 0.1]).round(2)
    array([3., 5.])
    """
    given = {"p": p, "p_without": p_without, "value": value, "redeemed_cost": redeemed_cost}
    given["contact_cost"] = contact_cost
    n = same_cases(**given)
    columns = [per_case(x, n, name) for name, x in given.items()]
    chance, without, worth, redeemed, contact = columns
    for name, x in (("p", chance), ("p_without", without)):
        as_probabilities(np.atleast_1d(x), name)
    with np.errstate(over="ignore", invalid="ignore"):
        ev = (chance - without) * worth - chance * redeemed - contact
    if not np.isfinite(ev).all():
        raise ValueError("value, redeemed_cost and contact_cost must be small enough to be added up")
    return ev if any(x.ndim for x in columns) else float(ev)


def break_even(
    *,
    p: float | None = None,
    value: float | None = None,
    contact_cost: float | None = None,
    redeemed_cost: float = 0.0,
    p_without: float = 0.0,
) -> float:
    """The probability, the value or the cost at which an action neither earns nor loses: leave out the one you ask for.

    Parameters
    ----------
    p, value, contact_cost : float, two of the three
        As in `worth_acting`; no money may be negative.
    redeemed_cost, p_without : float, default 0
        As in `worth_acting`.

    Returns
    -------
    float
        The missing one. Asked for `p` or `value`, the action pays above it, and infinity means that it never pays;
        asked for `contact_cost`, it pays below it, and a negative cost means that it does not pay even for nothing.

    Raises
    ------
    TypeError, ValueError
        Unless exactly one of the three is left out; for probabilities outside [0, 1], for negative money, with which
        the action could pay *below* the break-even, and where the answer is too large for a number.

    Notes
    -----
    Solves (p − p_without) · value − p · redeemed_cost − contact_cost = 0. With ``p_without=0`` and costs per contact,
    the break-even probability is the break-even *uplift*, cost / value.
    Taught in notebook 04, *Optional: value and uplift*.

    Examples
    --------
    >>> round(break_even(value=150, contact_cost=5), 4)
    0.0333
    >>> break_even(p=0.2, contact_cost=5), break_even(p=0.2, value=20)
    (25.0, 4.0)
    >>> break_even(value=4, contact_cost=5)
    inf
    """
    asked = [name for name, x in (("p", p), ("value", value), ("contact_cost", contact_cost)) if x is None]
    if len(asked) != 1:
        raise ValueError(
            "leave out exactly one of p, value and contact_cost, the one you ask for; "
            f"left out: {', '.join(asked) or 'none'}"
        )
    redeemed, without = as_number(redeemed_cost, "redeemed_cost", ge=0), as_number(p_without, "p_without", ge=0, le=1)
    if contact_cost is None:
        chance = as_number(p, "p", ge=0, le=1)
        return _reckoned((chance - without) * as_number(value, "value", ge=0) - chance * redeemed)
    cost = as_number(contact_cost, "contact_cost", ge=0)
    if value is None:
        chance = as_number(p, "p", ge=0, le=1)
        return _reckoned((chance * redeemed + cost) / (chance - without)) if chance > without else math.inf
    worth = as_number(value, "value", ge=0)
    needed = (without * worth + cost) / (worth - redeemed) if worth > redeemed else math.inf
    return needed if needed <= 1 else math.inf


def _reckoned(x: float) -> float:
    """An amount that came out as a number; infinity would say *never*."""
    if not math.isfinite(x):
        raise ValueError("the answer is too large for a number: state value, contact_cost and redeemed_cost in dollars")
    return x
