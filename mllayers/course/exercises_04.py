"""The exercises of notebook 4, Action.

What the checks take: ``customers``, ``p``, ``value``, ``cost``, the terms of a campaign; ``expected``, an expected
value that contains its probability already; ``clv``, what a customer is worth; ``rate``, the share who leave without
the action; ``action`` (with "none" for those left alone) and ``churned``, a randomised pilot; ``effect``, the change
to be found; ``ratio``, treated customers for each one held out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_binary, as_number, as_numbers, same_cases
from mllayers.course.exercises import Exercise, Number, Wrong

Z_TWO_SIDED, Z_POWER = 1.959964, 0.841621  # 5 % two-sided, power 80 %


def _campaign(customers: float, p: float, value: float, cost: float) -> tuple[float, float, float, float]:
    return (
        as_number(customers, "customers"),
        as_number(p, "p", ge=0, le=1),
        as_number(value, "value"),
        as_number(cost, "cost"),
    )


def _if_redeemed(customers: float, p: float, value: float, cost: float) -> float:
    n, p, value, cost = _campaign(customers, p, value, cost)
    return n * p * (value - cost)


def _if_sent(customers: float, p: float, value: float, cost: float) -> float:
    n, p, value, cost = _campaign(customers, p, value, cost)
    return n * (p * value - cost)


def _groups(action: Any, churned: ArrayLike, clv: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64], Any]:
    """Who was treated, the dollars lost with each customer, and the value of each customer."""
    treated = np.asarray(action).astype(str) != "none"
    gone, worth = as_binary(churned, "churned"), as_numbers(clv, "clv")
    same_cases(action=action, churned=churned, clv=clv)
    if treated.all() or not treated.any():
        raise ValueError('action must hold both customers with "none" and customers with an action')
    return treated, gone * worth, worth


def _kept_per_head(action: Any, churned: ArrayLike, clv: ArrayLike) -> float:
    treated, lost, _ = _groups(action, churned, clv)
    return float(lost[~treated].mean() - lost[treated].mean())


def _kept_per_head_of_stayers(action: Any, churned: ArrayLike, clv: ArrayLike) -> float:
    treated, lost, worth = _groups(action, churned, clv)
    stays = worth - lost
    return float(stays[treated].mean() - stays[~treated].mean())


def _two_standard_errors(action: Any, churned: ArrayLike, clv: ArrayLike) -> float:
    treated, lost, _ = _groups(action, churned, clv)
    return 2 * math.sqrt(lost[treated].var(ddof=1) / treated.sum() + lost[~treated].var(ddof=1) / (~treated).sum())


def _claimed(action: Any, churned: ArrayLike, clv: ArrayLike) -> float:
    treated, lost, worth = _groups(action, churned, clv)
    return float((worth - lost)[treated].mean())


def _on_averages(action: Any, churned: ArrayLike, clv: ArrayLike) -> float:
    treated, _, worth = _groups(action, churned, clv)
    gone = as_binary(churned, "churned")
    return float((gone[~treated].mean() - gone[treated].mean()) * worth.mean())


def _held_out(rate: float, effect: float, ratio: float, z: float = Z_TWO_SIDED + Z_POWER) -> float:
    rate, effect = as_number(rate, "rate", ge=0, le=1), as_number(effect, "effect")
    ratio = as_number(ratio, "ratio")
    return z**2 * rate * (1 - rate) * (1 + 1 / ratio) / effect**2


def _held_out_exactly(rate: float, effect: float, ratio: float) -> float:
    """The same with each group's own variance."""
    rate, effect = as_number(rate, "rate", ge=0, le=1), as_number(effect, "effect")
    treated = rate - effect
    spread = rate * (1 - rate) + treated * (1 - treated) / as_number(ratio, "ratio")
    return (Z_TWO_SIDED + Z_POWER) ** 2 * spread / effect**2


EXERCISES = (
    Exercise(
        id="N4-1",
        ask="What does a campaign earn whose voucher costs something only when it is redeemed?",
        kind=Number("dollars", relative=0.01),
        reference=_if_redeemed,
        wrong=(
            Wrong(
                "paid when sent",
                _if_sent,
                "That charges the cost for every code that is sent. Here only those who use one cost something.",
            ),
            Wrong(
                "no cost at all",
                lambda customers, p, value, cost: _if_redeemed(customers, p, value, 0),
                "That is the value alone. Each customer who comes also uses the code: subtract what that costs.",
            ),
            Wrong(
                "for one customer",
                lambda customers, p, value, cost: _if_redeemed(1, p, value, cost),
                "That is for one customer. The question is about the whole campaign.",
            ),
            Wrong(
                "everybody comes",
                lambda customers, p, value, cost: _if_redeemed(customers, 1, value, cost),
                "That lets everybody come. Only a share of the customers uses the code.",
            ),
        ),
        hints=(
            "How many customers use the code?",
            "Each of them brings the value and costs the price of the voucher.",
            "Customers × p × (value − cost).",
        ),
        solution="answer = 8_000 * 0.1 * (25 - 3)",
        reasoning=(
            "Only a customer who comes brings something and costs something, so both are multiplied by the same "
            "probability, and the campaign earns whenever a customer is worth more than the voucher. Paid when sent, "
            "it can lose."
        ),
    ),
    Exercise(
        id="N4-2",
        ask="What does sending the voucher earn per customer, if the value is an expected value already?",
        kind=Number("dollars", relative=0.01),
        reference=lambda expected, p, cost: as_number(expected, "expected") - as_number(cost, "cost"),
        wrong=(
            Wrong(
                "the double discount",
                lambda expected, p, cost: p * expected - cost,
                "That multiplies by the probability a second time. An *expected* value contains it already.",
            ),
            Wrong(
                "the discount taken out",
                lambda expected, p, cost: expected / p - cost,
                "That is what a customer is worth once here. Not everybody comes: keep the expected value as it is.",
            ),
            Wrong(
                "paid when redeemed",
                lambda expected, p, cost: expected - p * cost,
                "That charges only for redeemed vouchers. This one costs its price when it is sent.",
            ),
        ),
        hints=(
            "What does the word *expected* say about the chance that the customer comes?",
            "It is in the number already: chance × worth = expected value.",
            "So only the price is left to subtract.",
        ),
        solution="answer = expected - cost",
        reasoning=(
            "The chance is in the expected value already. Multiplied once more, it looks too small, and customers who "
            "are worth a voucher get none."
        ),
    ),
    Exercise(
        id="N4-3",
        ask="What did one call earn on average, after its price, by the randomised pilot?",
        kind=Number(
            "dollars",
            within=lambda action, churned, clv, cost: _two_standard_errors(action, churned, clv) / 4,
            within_says="half a standard error",
        ),
        reference=lambda action, churned, clv, cost: _kept_per_head(action, churned, clv) - as_number(cost, "cost"),
        also=(
            lambda action, churned, clv, cost: (
                _kept_per_head_of_stayers(action, churned, clv) - as_number(cost, "cost")
            ),
        ),
        wrong=(
            Wrong(
                "the dashboard's figure",
                lambda action, churned, clv, cost: _claimed(action, churned, clv) - cost,
                "That counts the whole value of everybody who was treated and stayed. What did the hold-out do "
                "without you?",
            ),
            Wrong(
                "averages multiplied",
                lambda action, churned, clv, cost: _on_averages(action, churned, clv) - cost,
                "That multiplies two averages: mean effect × mean value. Effect and value hang together, so "
                "average the product, not the factors.",
            ),
            Wrong(
                "forgot the price",
                lambda action, churned, clv, cost: _kept_per_head(action, churned, clv),
                "That is what an action keeps. Everybody in its half got it: subtract its price.",
            ),
            Wrong(
                "the wrong way round",
                lambda action, churned, clv, cost: -_kept_per_head(action, churned, clv) - cost,
                "The two groups are swapped: what was lost *without* the action minus what was lost *with* it.",
            ),
        ),
        hints=(
            "How many dollars were lost per customer in each half? A customer who leaves takes `clv_usd` along.",
            "Multiply `churned` by `clv_usd`, group the product by `action`, take the means: two numbers.",
            "Lost without − lost with a call is what it keeps; then subtract its price.",
        ),
        solution=(
            'lost = (calls["churned"] * calls["clv_usd"]).groupby(calls["action"], observed=True).mean()\n'
            'answer = lost["none"] - lost["call"] - PRICES.call'
        ),
        reasoning=(
            "Chance made the two halves alike, so the half without a call says what would have happened. Count the "
            "dollars lost: those of all who stay are far noisier."
        ),
    ),
    Exercise(
        id="N4-4",
        ask="By how many points must the voucher lower the probability of leaving to be worth its price?",
        kind=Number("share", relative=0.01),
        reference=lambda clv, cost, rate: as_number(cost, "cost") / as_number(clv, "clv"),
        wrong=(
            Wrong(
                "the wrong way round",
                lambda clv, cost, rate: clv / cost,
                "That is how many vouchers one customer's value pays for. Which share of one customer pays for one?",
            ),
            Wrong(
                "ten times too much",
                lambda clv, cost, rate: 10 * cost / clv,
                "A decimal point has moved: one point is 0.01.",
            ),
            Wrong(
                "relative to the rate",
                lambda clv, cost, rate: cost / clv / rate,
                "That is the *relative* effect, the share of those who leave. The question asks for points: "
                "probability without the voucher minus probability with it.",
            ),
            Wrong(
                "points of the rate that is left",
                lambda clv, cost, rate: rate - cost / clv,
                "That is the rate of leaving that remains. By how much did it have to fall?",
            ),
        ),
        hints=(
            "At break-even the EV is zero: uplift × value = cost.",
            "Solve it for the uplift.",
            "Cost / value.",
        ),
        solution="answer = 5 / 150",
        reasoning=(
            "Uplift × value = cost gives uplift = cost / value. A customer worth ten times as much needs a tenth of "
            "the effect: that is why one threshold for all customers cannot be right."
        ),
    ),
    Exercise(
        id="N4-5",
        ask="How many customers must be held out to find the effect?",
        kind=Number("customers", relative=0.1),
        reference=_held_out,
        also=(_held_out_exactly,),
        wrong=(
            Wrong(
                "all customers of the test",
                lambda rate, effect, ratio: _held_out(rate, effect, ratio) * (1 + ratio),
                "That is the whole test, both groups. How many of them are held out?",
            ),
            Wrong(
                "forgot the power",
                lambda rate, effect, ratio: _held_out(rate, effect, ratio, Z_TWO_SIDED),
                "That finds the effect only every second time: add the z of the power to that of the test.",
            ),
            Wrong(
                "two groups of the same size",
                lambda rate, effect, ratio: _held_out(rate, effect, 1),
                "That is for two groups of the same size. Here the treated group is larger and adds less variance.",
            ),
            Wrong(
                "a relative effect",
                lambda rate, effect, ratio: _held_out(rate, effect * rate, ratio),
                "That reads the effect as a share of the rate. It is meant in points: 0.02 of 0.09.",
            ),
            Wrong(
                "one sample only, forgot the square",
                lambda rate, effect, ratio: (
                    (Z_TWO_SIDED + Z_POWER) * math.sqrt(rate * (1 - rate) * (1 + 1 / ratio)) / effect
                ),
                "The square is missing: half the effect needs four times the customers.",
            ),
        ),
        hints=(
            "The variance of the difference is p(1 − p) × (1 / held out + 1 / treated).",
            "With nine treated for each one held out that is p(1 − p) × (1 + 1/9) / held out.",
            "Set effect = (1.96 + 0.84) × its square root and solve for the number held out.",
        ),
        solution="answer = (1.96 + 0.8416) ** 2 * 0.09 * (1 - 0.09) * (1 + 1 / 9) / 0.02**2",
        reasoning=(
            "Nearly two thousand customers, to see an effect that is a fifth of the rate. The larger group adds little "
            "variance; the hold-out decides. Half the effect needs four times as many."
        ),
    ),
)
