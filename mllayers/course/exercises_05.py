"""The exercises of notebook 5, Feedback.

What the checks take: ``delays``, the days that chargebacks took; ``blocks``, ``good_blocked`` and ``orders``, what a
team blocked in a month; ``sizes``, the share of customers in a paid segment month by month, ``on_card``, the share that
its card was written for, and ``event``, the month in which a column changed its meaning; ``closed`` and ``explore``,
the gaps of two loops in dollars, and ``spent``, what the reviews of its random audit cost within the second; ``curve``,
the gap for each share audited.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_integer, as_number, as_numbers, as_probabilities
from mllayers.course.answers import Unreadable, what_came
from mllayers.course.exercises import Exercise, Judged, Number, Wrong

TOO_QUIET = (
    "It is silent in the month of the event, when the group has doubled, and the calls go on. Compare `now` with "
    "`on_card`, and let a clear growth be enough."
)
TOO_LOUD = (
    "It sounds in a calm month, in which the size moved by chance alone. A guard that sounds too often is switched off."
)
BACKWARDS = "It sounds where the group is as it was, and is silent where it has grown: the comparison is turned around."
DIFFERENCE = (
    "A fixed difference suits a group of this size only: if one customer in fifty is called and this doubles, the "
    "guard stays silent. Compare by a ratio."
)
A_GUARD = "a function of two numbers, `now` and `on_card`, that returns True where the calls must stop"


def _delays(delays: ArrayLike) -> NDArray[np.float64]:
    days = as_numbers(delays, "delays")
    if not len(days) or (days < 0).any():
        raise ValueError("delays must hold days from 0 on")
    return days


def _precision(blocks: float, good_blocked: float, orders: float) -> float:
    blocks = as_number(blocks, "blocks", gt=0)
    return 1 - as_number(good_blocked, "good_blocked", ge=0, le=blocks) / blocks


def _curve(curve: Any) -> pd.Series[float]:
    if not isinstance(curve, pd.Series) or curve.empty:
        raise ValueError("curve must be a Series: the gap for each share audited")
    as_probabilities(curve.index.to_numpy(float), "the shares of curve")
    as_numbers(curve, "curve")
    return curve


def _guarded(guard: Callable[..., Any], now: float, on_card: float) -> bool:
    said = guard(now, on_card)
    if type(said).__name__ not in ("bool", "bool_"):
        raise Unreadable(f"a function that returns {what_came(said)}; it must return True or False")
    return bool(said)


def _judge(answer: Any, sizes: ArrayLike, on_card: float, event: int) -> str:
    share, card = as_probabilities(sizes, "sizes"), as_number(on_card, "on_card", gt=0, le=1)
    start = as_integer(event, "event", ge=1, le=len(share) - 1)
    if not callable(answer):
        raise Unreadable(f"{what_came(answer)}; hand in a function")
    sounds = [_guarded(answer, float(now), card) for now in share]
    calm, changed = sounds[:start], sounds[start:]
    if any(calm) and not any(changed):
        return BACKWARDS
    if any(calm):
        return TOO_LOUD
    if not changed[0]:
        return TOO_QUIET
    small = [_guarded(answer, 0.1 * float(now), 0.1 * card) for now in share]
    return "" if small == sounds else DIFFERENCE


EXERCISES = (
    Exercise(
        id="N5-1",
        ask="After how many days are nine in ten of the chargebacks in?",
        kind=Number("days", relative=0.03),
        reference=lambda delays: float(np.quantile(_delays(delays), 0.9)),
        wrong=(
            Wrong(
                "the mean",
                lambda delays: float(_delays(delays).mean()),
                "That is the mean delay. After that time hardly more than half of them have arrived.",
            ),
            Wrong(
                "the median",
                lambda delays: float(np.median(_delays(delays))),
                "That is the time after which *half* of them are in.",
            ),
            Wrong(
                "nine tenths of the longest",
                lambda delays: 0.9 * float(_delays(delays).max()),
                "That is nine tenths of the longest delay. Count chargebacks, not days.",
            ),
            Wrong(
                "the first tenth",
                lambda delays: float(np.quantile(_delays(delays), 0.1)),
                "That is when the *first* tenth is in.",
            ),
        ),
        hints=(
            "Sort the delays. Which one has nine tenths of them before it?",
            "NumPy calls this a quantile; it takes the delays and a share.",
            "`np.quantile(delays, 0.9)`",
        ),
        solution="answer = np.quantile(delays, 0.9)",
        reasoning=(
            "About three months: whoever trains on last month's orders calls most of its frauds honest, because their "
            "reports are not in yet. Even a wait of the mean delay misses nearly half of them."
        ),
    ),
    Exercise(
        id="N5-2",
        ask="Which share of the orders that the team blocked was fraud?",
        kind=Number("share", absolute=0.01),
        reference=_precision,
        wrong=(
            Wrong(
                "by its own labels",
                lambda blocks, good_blocked, orders: 1.0,
                "That is what the team sees, because it calls every block fraud. What were they in truth?",
            ),
            Wrong(
                "the wrong blocks",
                lambda blocks, good_blocked, orders: 1 - _precision(blocks, good_blocked, orders),
                "That is the share of *honest* orders among the blocks.",
            ),
            Wrong(
                "of all orders",
                lambda blocks, good_blocked, orders: (blocks - good_blocked) / orders,
                "That divides by all orders. Of those that were *blocked*, which share was fraud?",
            ),
        ),
        hints=(
            "Each blocked order was either a fraud or honest.",
            "`good_blocked` of the `blocks` were honest. What share is this, and what share is left?",
            'One minus `month8["good_blocked"] / month8["blocks"]`.',
        ),
        solution='answer = 1 - month8["good_blocked"] / month8["blocks"]',
        reasoning=(
            "A label that the decision made itself always agrees with the decision. The blocked customers of the new "
            "market become the proof that blocking them was right."
        ),
    ),
    Exercise(
        id="N5-3",
        ask="Write the guard: a function of `now` and `on_card`, True where the calls must stop.",
        kind=Judged(A_GUARD, _judge),
        reference=lambda sizes, on_card, event: lambda now, card: now > 1.5 * card,
        wrong=(
            Wrong("never", lambda sizes, on_card, event: lambda now, card: False, TOO_QUIET),
            Wrong("always", lambda sizes, on_card, event: lambda now, card: True, TOO_LOUD),
            Wrong("turned around", lambda sizes, on_card, event: lambda now, card: card > 0.67 * now, BACKWARDS),
            Wrong("in points", lambda sizes, on_card, event: lambda now, card: now - card > 0.5 * on_card, DIFFERENCE),
        ),
        hints=(
            "No label is needed: compare the two shares.",
            "Divide each of `sizes` by `on_card`. How large is the ratio before month 6, how large from then on?",
            "`lambda now, on_card: now > 1.5 * on_card`",
        ),
        solution="answer = lambda now, on_card: now > 1.5 * on_card",
        reasoning=(
            "It sounds in the month of the event, without a label. A hold-out would have to wait until enough "
            "customers have left."
        ),
    ),
    Exercise(
        id="N5-4",
        ask="What is exploring worth beyond the closed loop, after its reviews are paid?",
        kind=Number("dollars", relative=0.02),
        reference=lambda closed, explore, spent: as_number(explore, "explore") - as_number(closed, "closed"),
        wrong=(
            Wrong(
                "paid twice",
                lambda closed, explore, spent: explore - closed - as_number(spent, "spent", ge=0),
                "That takes the reviews off a second time: the gap has them in it already.",
            ),
            Wrong(
                "not paid",
                lambda closed, explore, spent: explore - closed + as_number(spent, "spent", ge=0),
                "That adds the price of the reviews back, as if they had been free.",
            ),
            Wrong(
                "the other way round",
                lambda closed, explore, spent: closed - explore,
                "The sign is turned around: a gap is negative, and the smaller loss is the better one.",
            ),
        ),
        hints=(
            "Both gaps are measured from the same clairvoyant.",
            "So their difference is the difference in money. A gap is negative: the larger one is nearer to zero.",
            "`explore - closed`; every review is paid in it.",
        ),
        solution="answer = explore - closed",
        reasoning=("The reviews are in the gap already, because each was counted at its price when it was made."),
    ),
    Exercise(
        id="N5-5",
        ask="Which of the shares loses least?",
        kind=Number("share", absolute=1e-4),
        reference=lambda curve: float(_curve(curve).sort_values().index.to_numpy(float)[-1]),
        wrong=(
            Wrong(
                "more is better",
                lambda curve: float(_curve(curve).index.max()),
                "That is the largest share. Each audited order takes the place of one that the model would review.",
            ),
            Wrong(
                "none",
                lambda curve: 0.0,
                "Without an audit nothing is learned about what never comes back. Compare its gap with the others.",
            ),
            Wrong(
                "the gap itself",
                lambda curve: float(_curve(curve).max()),
                "That is the gap there. At which *share* is it?",
            ),
        ),
        hints=("The gap is negative; which is nearest to zero?", "`idxmax` names where.", "`curve.idxmax()`"),
        solution="answer = curve.idxmax()",
        reasoning=(
            "Between too few frauds to learn from and too many reviews to pay lies a wide range. In another world "
            "another share of this range is best."
        ),
    ),
)
