"""The exercises of notebook 3, Decision.

What the checks take: ``p``, ``value``, ``other``, two leads; ``margin``, ``loss``, ``goodwill``, ``fee``, what an order
earns, what it costs if it is a fake and ships, what a wrong block costs besides, and the fee within the loss;
``amount`` and ``review``, an order and the price of a review; ``gain``, ``now``, ``more``, the expected gain of
reviewing each order and how many reviews there are and could be, and ``came``, what so many reviews brought in one
month; for the policy ``customers`` (columns ``p`` and
``clv_usd``), ``gain`` with the true dollars of each action for each of them, and the ``broken`` draft.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllayers._check import as_integer, as_number, as_numbers
from mllayers.course.answers import Unreadable, what_came
from mllayers.course.exercises import Exercise, Judged, Number, Wrong
from mllayers.decision import Action, Menu, Policy, Tier, Tiers

ENOUGH = 0.98  # N3-3: the share of the dollars that a repair must earn
OPEN = "A gap is still open. `gaps()` of your policy lists what is missing, a line each."
FREE_CALLS = "No gap is left, but it calls too often: in your policy a call costs less than it does."
NOT_ALONE = "No gap is left, but customers without a score are not left alone. What is known about them?"
NOBODY_HELD_OUT = (
    "No gap is left, because nobody is ever left alone: then what the actions change can never be measured. Name the "
    "idle action and a hold-out."
)
HELD_BACK = (
    "No gap is left, but most customers are held out, and whoever is held out gets nothing. One in ten or twenty is "
    "enough to see what the actions change."
)
BY_TIERS = (
    "No gap is left, and it earns less than these actions can: tiers of P give a customer worth little and one worth "
    "much the same action. Hand in a Menu of the actions."
)
OTHER_ACTIONS = (
    "No gap is left, but this is not the draft repaired: it has other actions. Hand in a Policy of the draft's three: "
    "none, voucher and call."
)
A_POLICY = "a Policy without gaps that earns within 2 % of what these actions can"
PRICE_OF_A_CALL = 15.0
MOST_HELD_OUT = 0.25


def _positive(**numbers: float) -> list[float]:
    return [as_number(x, name, ge=0) for name, x in numbers.items()]


def _block_from(margin: float, loss: float, goodwill: float) -> float:
    margin, loss, goodwill = _positive(margin=margin, loss=loss, goodwill=goodwill)
    return (margin + goodwill) / (margin + goodwill + loss)


def _review_from(amount: float, review: float, margin: float, fee: float) -> float:
    amount, review, margin, fee = _positive(amount=amount, review=review, margin=margin, fee=fee)
    return review / ((1 - margin) * amount + fee)


def _ranked(gain: ArrayLike) -> NDArray[np.float64]:
    return np.maximum(np.sort(as_numbers(gain, "gain"))[::-1], 0.0)


def _between(gain: ArrayLike, start: int, end: int) -> float:
    start, end = as_integer(start, "start", ge=0), as_integer(end, "end", ge=0)
    return float(_ranked(gain)[start:end].sum())


def _earned(policy: Policy, customers: pd.DataFrame, gain: pd.DataFrame) -> float:
    """True dollars of what the policy decides for these customers."""
    frame = customers[["p", "clv_usd"]]
    value = "clv_usd" if isinstance(policy.rule, Menu) else None
    decided = policy.decide(frame, score="p", value=value)["action"].to_numpy()
    unknown = sorted(set(decided) - set(gain.columns))
    if unknown:
        raise Unreadable(f"a policy with the action {unknown[0]!r}; the desk has {', '.join(gain.columns)}")
    column = gain.columns.get_indexer(pd.Index(decided))
    return float(gain.to_numpy()[np.arange(len(gain)), column].sum())


def _repaired(broken: Policy, call: float = PRICE_OF_A_CALL, missing: str = "none", holdout: float = 0.1) -> Policy:
    """The draft with what it lacks: owners, the price of a call, a rule for no score, a hold-out."""
    actions = [replace(x, owner=x.owner or "CRM") for x in broken.rule.actions]
    actions = [replace(x, cost=call) if x.cost is None else x for x in actions]
    return Policy(Menu(*actions), missing=missing, idle="none", holdout=holdout)


def _everyone(broken: Policy) -> Policy:
    """No gap, because everybody is called."""
    call = next(x for x in _repaired(broken).actions if x.name == "call")
    return Policy(Tiers(Tier(0, 1, call)), missing="none", idle=Action("none"), holdout=0.1)


def _with_email(broken: Policy) -> Policy:
    """The menu of the notebook: one action more than the draft has."""
    menu = _repaired(broken)
    return Policy(Menu(*menu.rule, Action("email", 0.1, 0.1, "CRM")), missing="none", idle="none", holdout=0.1)


def _came_between(came: Any, now: int, more: int) -> float:
    """What the additional reviews brought in the one month that is drawn."""
    if not isinstance(came, pd.Series) or not {now, now + more} <= set(came.index):
        raise ValueError(f"came must be a Series with the rows {now} and {now + more}")
    return float(came.loc[now + more] - came.loc[now])


def _judge(answer: Any, customers: pd.DataFrame, gain: pd.DataFrame, broken: Policy) -> str:
    if not isinstance(answer, Policy):
        raise Unreadable(f"{what_came(answer)}; hand in a Policy")
    if answer.gaps():
        return OPEN
    if not {x.name for x in answer.actions} <= {x.name for x in broken.actions}:
        return OTHER_ACTIONS
    if answer.missing is not None and answer.missing.name != "none":
        return NOT_ALONE
    if answer.idle is None or not answer.holdout:
        return NOBODY_HELD_OUT
    if answer.holdout > MOST_HELD_OUT:
        return HELD_BACK
    best, came = (_earned(policy, customers, gain) for policy in (_repaired(broken), answer))
    if came >= best - (1 - ENOUGH) * abs(best):
        return ""
    if any(x.name == "call" and isinstance(x.cost, float) and x.cost < PRICE_OF_A_CALL for x in answer.actions):
        return FREE_CALLS
    if not isinstance(answer.rule, Menu):
        return BY_TIERS
    return "No gap is left, but it earns clearly less than these actions can. Did a gain or a cost change?"


EXERCISES = (
    Exercise(
        id="N3-1",
        ask="At which reply rate do both leads have the same expected value?",
        kind=Number("share", relative=0.01),
        reference=lambda p, value, other: p * value / other,
        wrong=(
            Wrong(
                "forgot the first lead's probability",
                lambda p, value, other: value / other,
                "That divides the two values. The smaller lead does not always reply either: use its expected value.",
            ),
            Wrong(
                "the wrong way round",
                lambda p, value, other: other / (p * value),
                "That is the ratio the other way round; a rate lies between 0 and 1.",
            ),
            Wrong(
                "the rate as it is",
                lambda p, value, other: 0.3,
                "That is the large lead's rate as it is. How low could it fall before the small one catches up?",
            ),
        ),
        hints=(
            "What is the expected value of the smaller lead?",
            "Rate × the larger value has to be the same.",
            "p × value / other.",
        ),
        solution="answer = 0.90 * 500 / 48_000",
        reasoning=(
            "Less than one reply in a hundred is enough. The large lead's probability could be wrong by a factor of "
            "thirty and it would still be the better bet, if there are many such bets."
        ),
    ),
    Exercise(
        id="N3-2",
        ask="From which fraud probability on is an order blocked, when nobody can review it?",
        kind=Number("share", relative=0.01),
        reference=lambda margin, loss, goodwill, fee: _block_from(margin, loss, goodwill),
        wrong=(
            Wrong(
                "forgot the goodwill",
                lambda margin, loss, goodwill, fee: _block_from(margin, loss, 0),
                "That leaves the goodwill out: a good customer who is blocked takes more along than the margin.",
            ),
            Wrong(
                "forgot the fee",
                lambda margin, loss, goodwill, fee: _block_from(margin, loss - fee, goodwill),
                "That leaves the chargeback fee out: a fake that ships costs its goods *and* the fee.",
            ),
            Wrong(
                "forgot both",
                lambda margin, loss, goodwill, fee: _block_from(margin, loss - fee, 0),
                "Two things are missing: the goodwill of a good customer, and the fee of a fake.",
            ),
            Wrong(
                "the wrong way round",
                lambda margin, loss, goodwill, fee: 1 - _block_from(margin, loss, goodwill),
                "That is one minus the threshold. On top stands what a *wrong block* costs: the more expensive "
                "that is, the surer one has to be.",
            ),
            Wrong(
                "one half",
                lambda margin, loss, goodwill, fee: 0.5,
                "One half would be right if both mistakes cost the same.",
            ),
        ),
        hints=(
            "What does a wrong block cost? Is all of it in the line?",
            "A wrong block: margin and goodwill. A wrong shipment: `loss`.",
            "wrong block / (wrong block + wrong shipment).",
        ),
        solution="answer = (margin + PRICES.goodwill) / (margin + PRICES.goodwill + loss)",
        reasoning=(
            "Blocking pays when p × what a wrong shipment costs exceeds (1 − p) × what a wrong block costs. Forgetting "
            "a cost moves the threshold for every order, in silence."
        ),
    ),
    Exercise(
        id="N3-3",
        ask="Repair the policy: no gaps, and what these actions can earn.",
        kind=Judged(A_POLICY, _judge),
        reference=lambda customers, gain, broken: _repaired(broken),
        wrong=(
            Wrong("as it was", lambda customers, gain, broken: broken, OPEN),
            Wrong("another policy, with e-mails", lambda customers, gain, broken: _with_email(broken), OTHER_ACTIONS),
            Wrong("calls for nothing", lambda customers, gain, broken: _repaired(broken, call=0.0), FREE_CALLS),
            Wrong(
                "a call for everyone without a score",
                lambda customers, gain, broken: _repaired(broken, missing="call"),
                NOT_ALONE,
            ),
            Wrong(
                "nearly all held out",
                lambda customers, gain, broken: _repaired(broken, holdout=0.9),
                HELD_BACK,
            ),
            Wrong(
                "nobody left alone",
                lambda customers, gain, broken: Policy(_repaired(broken).rule, missing="none", holdout=0),
                NOBODY_HELD_OUT,
            ),
            Wrong("a call for every score", lambda customers, gain, broken: _everyone(broken), BY_TIERS),
        ),
        hints=(
            "`broken.gaps()` lists what is missing, one line each.",
            "Build the actions again: with an owner, and the price of a call.",
            'Then `Policy(Menu(*actions), missing="none", idle="none", holdout=0.1)`.',
        ),
        solution=(
            "from dataclasses import replace\n"
            "from mllayers.decision import Menu, Policy\n"
            'actions = [replace(x, owner=x.owner or "CRM") for x in broken.rule]\n'
            "actions = [replace(x, cost=15) if x.cost is None else x for x in actions]\n"
            'answer = Policy(Menu(*actions), missing="none", idle="none", holdout=0.1)'
        ),
        reasoning=(
            "Every gap is a question that somebody has to answer before the policy can run: who, at what price, and "
            "what if there is no score. With the answers the expected values choose the action."
        ),
    ),
    Exercise(
        id="N3-4",
        ask="What would the additional reviews bring together?",
        kind=Number("dollars", relative=0.02),
        reference=lambda gain, now, more, came: _between(gain, now, now + more),
        wrong=(
            Wrong(
                "what happened in one month",
                lambda gain, now, more, came: _came_between(came, now, more),
                "That is what these reviews brought in the one month of the figure, luck included. Nobody knows it "
                "beforehand: use the expected gains, `review_gain`.",
            ),
            Wrong(
                "at the average",
                lambda gain, now, more, came: more * _between(gain, 0, now) / now,
                "That values the new reviews at the average of the old ones. The best orders are taken already: what "
                "counts is the margin.",
            ),
            Wrong(
                "at the shadow price",
                lambda gain, now, more, came: more * float(_ranked(gain)[now]),
                "That values each new review like the first one. They get worse one by one.",
            ),
            Wrong(
                "all of them",
                lambda gain, now, more, came: _between(gain, 0, now + more),
                "That is what all reviews bring, old and new. What do the *additional* ones bring?",
            ),
            Wrong(
                "the ones there are",
                lambda gain, now, more, came: _between(gain, 0, now),
                "That is what the reviews that there are already bring.",
            ),
        ),
        hints=(
            "Sort the gains from the largest down. Which of them would the new reviewer take?",
            "Those from place `now` to place `now + more`.",
            "`np.sort(gain)[::-1][now:now + more]`; none below zero is reviewed.",
        ),
        solution="answer = np.maximum(np.sort(review_gain)[::-1][400:600], 0).sum()",
        reasoning=(
            "The marginal reviews bring far less than the average one, and less than a reviewer costs: do not hire. "
            "The average makes every team look understaffed."
        ),
    ),
    Exercise(
        id="N3-5",
        ask="From which fraud probability on does a review pay, if the alternative is to ship?",
        kind=Number("share", relative=0.01),
        reference=lambda amount, review, margin, fee, goodwill: _review_from(amount, review, margin, fee),
        wrong=(
            Wrong(
                "used the revenue",
                lambda amount, review, margin, fee, goodwill: review / amount,
                "That divides by the revenue. A fake that ships costs its goods and the fee, not its price.",
            ),
            Wrong(
                "forgot the fee",
                lambda amount, review, margin, fee, goodwill: review / ((1 - margin) * amount),
                "That leaves the chargeback fee out of what a shipped fake costs.",
            ),
            Wrong(
                "used the margin",
                lambda amount, review, margin, fee, goodwill: review / (margin * amount),
                "That divides by the margin. What is saved by finding a fake is what shipping it would cost.",
            ),
            Wrong(
                "where to block",
                lambda amount, review, margin, fee, goodwill: _block_from(
                    margin * amount, (1 - margin) * amount + fee, goodwill
                ),
                "That is where blocking beats shipping. From where on does a *review* beat shipping?",
            ),
        ),
        hints=(
            "The review costs its price always. What does it save, and how often?",
            "With probability p it saves goods and fee: p × (0.70 × amount + fee).",
            "review / (0.70 × amount + fee).",
        ),
        solution="answer = 4 / ((1 - 0.30) * 1_000 + 20)",
        reasoning=(
            "One fake in nearly two hundred such orders pays for all the reviews. For a small order the same review "
            "needs a probability ten times as high: one threshold for all orders wastes reviews on small ones."
        ),
    ),
)
