"""The exercises of the capstone: one for the fault of each layer.

What the checks take: ``pilot``, the experiment as it was exported; ``renewals``, the subscribers to decide about;
``cost`` and ``room``, what a box costs in all, and how many can be packed in a month.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from mllayers._check import as_frame, as_number
from mllayers.course.answers import Unreadable, what_came
from mllayers.course.exercises import Exercise, Judged, Names, Number, Wrong
from mllayers.decision import Action, Brief, Menu, Policy, Tier, Tiers

OLD_ENOUGH = 90  # days: the pilot was exported on day 180, and all news is in after 90
GOODS, MOST_HELD_OUT = 5.0, 0.25
NEEDED = ("paid_by", "day", "action", "left", "margin_usd")

OPEN = "A gap is still open. `gaps()` of your policy lists what is missing, a line each."
NO_SENTENCE = "No gap is left, but nobody can tell what the policy is for: give it your sentence, `brief=sentence`."
BY_TIERS = "No gap is left, but it does not ask what each subscriber is worth. Hand in a Menu of none and box."
CHEAP = "No gap is left, but in your policy a box costs less than it does: what is paid for each one that is sent?"
COSTLY = "No gap is left, but a box costs more in your policy than it does."
NO_ROOM = "No gap is left, but more boxes may be sent than can be packed in a month. Who chooses among too many?"
NOT_ALONE = "No gap is left, but a subscriber without a score is not left alone. What is known about them?"
HELD_BACK = "No gap is left, but most are held out. One in ten or twenty is enough to see what the boxes change."
OTHER_GAIN = (
    "No gap is left, but the gain is not 1: score × value is already what a box keeps, in dollars. "
    "A gain multiplies it once more."
)


def _parts(pilot: Any) -> tuple[pd.DataFrame, pd.Series[bool], pd.Series[bool], pd.Series[bool]]:
    """The pilot; who pays through the store, whose quarter is over, who got a box."""
    frame = as_frame(pilot, "pilot", NEEDED)
    paid, action = frame["paid_by"].astype(str), frame["action"].astype(str)
    return frame, paid == "store", frame["day"] <= OLD_ENOUGH, action == "box"


def _store_rate(pilot: Any) -> float:
    frame, store, _, box = _parts(pilot)
    return float(frame["left"][store & ~box].mean())


def _box_rate(pilot: Any, *, young: bool = False) -> float:
    frame, store, old, box = _parts(pilot)
    return float(frame["left"][~store & box & (old | young)].mean())


def _reported_or_old(pilot: Any) -> float:
    frame, store, old, box = _parts(pilot)
    return float(frame["left"][~store & box & (old | (frame["left"] == 1))].mean())


def _knowing(pilot: Any) -> pd.Series[float]:
    """How well each column alone tells who has left: 0.5 is a guess, 1 is perfect (the AUC, either way round)."""
    frame = as_frame(pilot, "pilot", NEEDED)
    seen = frame[frame["left"].notna()]
    after = {"left", "news_after", "asked", "propensity", "day", "subscriber"}
    columns = [x for x in seen.select_dtypes("number").columns if not str(x).startswith("_") and x not in after]
    gone = (seen["left"] == 1).to_numpy()
    n, m = int(gone.sum()), int((~gone).sum())
    ranks = seen[columns].rank()
    area = (ranks[gone].sum() - n * (n + 1) / 2) / (n * m)
    return area.where(area >= 0.5, 1 - area).sort_values(ascending=False)


def _moved(pilot: Any, renewals: Any) -> set[str]:
    """The column whose middle has moved most, of those that do not know too much."""
    before, now = as_frame(pilot, "pilot", NEEDED), as_frame(renewals, "renewals")
    columns = [x for x in _knowing(pilot).index[1:] if x in now.columns and before[x].median() > 0]
    return {str((now[columns].median() / before[columns].median() - 1).abs().idxmax())}


def _per_head(pilot: Any, cost: float, *, value: str = "margin_usd", young: bool = False) -> float:
    frame, store, old, box = _parts(pilot)
    lost = (frame["left"] * frame[value])[~store & (old | young)]
    return float(lost[~box].mean() - lost[box].mean() - as_number(cost, "cost", ge=0))


def _half_a_standard_error(pilot: Any, cost: float) -> float:
    frame, store, old, box = _parts(pilot)
    lost = (frame["left"] * frame["margin_usd"])[~store & old]
    arms = (lost[box], lost[~box])
    return math.sqrt(sum(x.var(ddof=1) / len(x) for x in arms)) / 2


def _risk(pilot: Any, cost: float) -> float:
    frame, store, old, box = _parts(pilot)
    return float((frame["left"] * frame["margin_usd"])[~store & old & ~box].mean() - cost)


def _claimed(pilot: Any, cost: float) -> float:
    frame, store, old, box = _parts(pilot)
    return float(((1 - frame["left"]) * frame["margin_usd"])[~store & old & box].mean() - cost)


def _policy(cost: float, room: float | None, gain: float = 1.0, **changed: Any) -> Policy:
    """The desk's draft, mended; or with one thing still wrong."""
    sentence = Brief("The retention desk", "who gets a free box", "subscribers stay who are worth more than the boxes")
    box = Action("box", gain=gain, cost=cost, owner="the retention desk", capacity=room)
    rules: dict[str, Any] = {"missing": "none", "idle": "none", "holdout": 0.05, "brief": sentence}
    return Policy(Menu(Action("none", gain=0), box), **(rules | changed))


def _tiers(cost: float, room: float) -> Policy:
    """A box from a probability on, whatever a subscriber is worth."""
    box = Action("box", cost=cost, owner="the retention desk", capacity=room)
    return Policy(Tiers(Tier(0, 0.5, "none"), Tier(0.5, 1, box)), missing="none", idle="none", holdout=0.05)


def _judge(answer: Any, cost: float, room: float) -> str:
    if not isinstance(answer, Policy):
        raise Unreadable(f"{what_came(answer)}; hand in a Policy")
    cost, room = as_number(cost, "cost", ge=0), as_number(room, "room", ge=0)
    if answer.gaps():
        return OPEN
    box = next((x for x in answer.actions if x.name == "box"), None)
    if not isinstance(answer.rule, Menu) or box is None:
        return BY_TIERS
    if not isinstance(box.cost, float | int) or box.cost < cost:
        return CHEAP
    if box.capacity is None or box.capacity > room:
        return NO_ROOM
    if answer.missing is not None and answer.missing.name != "none":
        return NOT_ALONE
    if answer.holdout is not None and answer.holdout > MOST_HELD_OUT:
        return HELD_BACK
    if box.gain != 1:
        return OTHER_GAIN
    if answer.brief is None or answer.brief.missing():
        return NO_SENTENCE
    return "" if box.cost == cost else COSTLY


EXERCISES = (
    Exercise(
        id="C-1",
        ask="Which share of the store payers leaves, when they are left alone?",
        kind=Number("share", absolute=0.004),
        reference=_store_rate,
        also=(lambda pilot: float(as_frame(pilot, "pilot", ["left", "asked"])["left"][pilot["asked"]].mean()),),
        wrong=(
            Wrong(
                "silence is staying",
                lambda pilot: float(_parts(pilot)[0]["left"].fillna(0)[_parts(pilot)[1] & ~_parts(pilot)[3]].mean()),
                "That takes everyone of whom nothing is known for somebody who stayed. Only who was asked has a label.",
            ),
            Wrong(
                "of those who pay in other ways",
                lambda pilot: float(_parts(pilot)[0]["left"][~_parts(pilot)[1] & ~_parts(pilot)[3]].mean()),
                "That is the rate of card and bank payers. The question is about those of whom the desk hears nothing.",
            ),
            Wrong(
                "of all who have a label",
                lambda pilot: float(_parts(pilot)[0]["left"][~_parts(pilot)[3]].mean()),
                "That is the rate of all who have a label, whoever they are: most of them pay by card or bank.",
            ),
        ),
        hints=(
            "In which rows is `left` missing? Count them for each way to pay.",
            "Of the store payers, chance chose some who were asked by telephone: `asked` says who.",
            "The mean of `left` of the store payers with the action none; pandas leaves out what is missing.",
        ),
        solution=(
            'store = pilot[(pilot["paid_by"] == "store") & (pilot["action"] == "none")]\nanswer = store["left"].mean()'
        ),
        reasoning=(
            "Nobody hears when a store payer leaves, and a table without news looks like a table of people who stay. "
            "Chance chose whom the telephone asked, so those who were asked speak for the others."
        ),
    ),
    Exercise(
        id="C-2",
        ask="Which share of the card and bank payers with a box leaves within 90 days?",
        kind=Number("share", absolute=0.003),
        reference=_box_rate,
        wrong=(
            Wrong(
                "all silence is staying",
                lambda pilot: _box_rate(pilot, young=True),
                "That counts all who were silent on the day of the export as people who stayed, also those whose 90 "
                "days have hardly begun.",
            ),
            Wrong(
                "the young ones only with news",
                _reported_or_old,
                "That leaves out the young ones who are silent and keeps those with news: it selects by the answer. "
                "Leave out all who are too young.",
            ),
            Wrong(
                "without a box",
                lambda pilot: float(
                    _parts(pilot)[0]["left"][~_parts(pilot)[1] & _parts(pilot)[2] & ~_parts(pilot)[3]].mean()
                ),
                "That is the rate of those who were left alone.",
            ),
        ),
        hints=(
            "How long does the news take? Look at `news_after`, for each action.",
            "The table was exported on day 180. Of whom can all news be in?",
            "Keep the rows with `day` at most 180 − 90, whatever they say, and take the mean of `left`.",
        ),
        solution=(
            'old = pilot[(pilot["day"] <= 180 - 90) & (pilot["paid_by"] != "store")]\n'
            'answer = old.loc[old["action"] == "box", "left"].mean()'
        ),
        reasoning=(
            "A free box is eaten before anybody cancels, so its news comes later. In a table of young cases it seems "
            "to keep nearly everybody; wait, and the effect shrinks. Whoever is too young is left out, with or without "
            "news."
        ),
    ),
    Exercise(
        id="C-3",
        ask="Which of the columns in FEATURES knows more than it can on the day of the decision?",
        kind=Names("column name", 1),
        reference=lambda pilot, renewals: set(_knowing(pilot).index[:1]),
        wrong=(
            Wrong(
                "the prices rose",
                _moved,
                "That column has moved since the pilot, for everybody alike: prices have risen. It does not know who "
                "leaves, though the model will have to get used to it.",
            ),
            Wrong(
                "an honest warning",
                lambda pilot, renewals: set(_knowing(pilot).index[1:2]),
                "That is an honest warning: it was there on the day of the decision, in both tables. Which column is "
                "too good?",
            ),
            Wrong(
                "what comes afterwards",
                lambda pilot, renewals: {"news_after"},
                "That comes after the decision too, but no rule can read it: `renewals` do not have it. Look among "
                "FEATURES.",
            ),
        ),
        hints=(
            "Which column alone sorts those who leave best? Is it too good to be true?",
            'Compare it in both tables: `pilot.groupby("left")[FEATURES].mean()` and `renewals[FEATURES].mean()`.',
            "When was it counted? Who has left by the day of the export does one thing no more.",
        ),
        solution='answer = {"visits_30d"}',
        reasoning=(
            "The visits of the pilot were counted on the day of the export. Who had left by then visited no more: the "
            "column tells the outcome, and a model that leans on it has nothing to lean on when it has to decide."
        ),
    ),
    Exercise(
        id="C-4",
        ask="What did a box bring a head, after its cost in all, to card and bank payers?",
        kind=Number("dollars", within=_half_a_standard_error, within_says="half a standard error"),
        reference=_per_head,
        wrong=(
            Wrong(
                "the probability of leaving",
                _risk,
                "That is what all who leave take along: as if a box kept every one of them. What do they do with a "
                "box?",
            ),
            Wrong(
                "all who stayed",
                _claimed,
                "That counts the margin of all who got a box and stayed. Most of them would have stayed anyway.",
            ),
            Wrong(
                "the list price",
                lambda pilot, cost: _per_head(pilot, cost, value="list_usd"),
                "That counts what subscribers pay. The desk keeps the margin.",
            ),
            Wrong(
                "no cost",
                lambda pilot, cost: _per_head(pilot, 0),
                "That is before the cost. Every box is paid for.",
            ),
            Wrong(
                "too young",
                lambda pilot, cost: _per_head(pilot, cost, young=True),
                "That takes young cases along, whose silence says nothing yet, and most of all after a box.",
            ),
        ),
        hints=(
            "Which dollars does a subscriber who leaves take along? `left` × `margin_usd`.",
            "Its mean without a box, minus its mean with one, is what a box keeps.",
            "Take the rows of C-2 (`old`), and subtract the cost in all at the end.",
        ),
        solution=(
            'lost = (old["left"] * old["margin_usd"]).groupby(old["action"], observed=True).mean()\n'
            'answer = lost["none"] - lost["box"] - BOX'
        ),
        reasoning=(
            "Sent to all of them, a box loses. But it keeps some and drives others away: the rule has to "
            "ask what a box changes for whom, and no model of who leaves can say that."
        ),
    ),
    Exercise(
        id="C-5",
        ask="Mend the policy: what a box costs, the room there is, what follows no score, and your sentence.",
        kind=Judged("a Policy without gaps, with the desk's real costs and limits", _judge),
        reference=lambda cost, room: _policy(cost, room),
        wrong=(
            Wrong("as it was", lambda cost, room: _policy(GOODS, None, missing="box", brief=None), CHEAP),
            Wrong("nobody left alone", lambda cost, room: Policy(_policy(cost, room).rule, missing="none"), OPEN),
            Wrong("tiers of scores", _tiers, BY_TIERS),
            Wrong("no room named", lambda cost, room: _policy(cost, None), NO_ROOM),
            Wrong("a box for no score", lambda cost, room: _policy(cost, room, missing="box"), NOT_ALONE),
            Wrong("nearly all held out", lambda cost, room: _policy(cost, room, holdout=0.9), HELD_BACK),
            Wrong("half of the gain", lambda cost, room: _policy(cost, room, gain=0.5), OTHER_GAIN),
            Wrong("no sentence", lambda cost, room: _policy(cost, room, brief=None), NO_SENTENCE),
            Wrong("a box too expensive", lambda cost, room: _policy(cost + 1, room), COSTLY),
        ),
        hints=(
            "What does a box cost in all, and how many can be packed in a month?",
            "`policy.gaps()` finds nothing, because it cannot know prices and limits. Read it as one who pays.",
            "The cost and the capacity belong to the action; `missing`, `holdout` and `brief` to the policy.",
        ),
        solution=(
            'box = Action("box", gain=1, cost=BOX, owner="the retention desk", capacity=ROOM)\n'
            'rules = {"missing": "none", "idle": "none", "holdout": 0.05, "brief": sentence}\n'
            'answer = Policy(Menu(Action("none", gain=0), box), **rules)'
        ),
        reasoning=(
            "Now the page can be signed: it says what is done, by whom, at what cost, how often at most, and who is "
            "left alone so that the next pilot costs nothing extra."
        ),
    ),
)
