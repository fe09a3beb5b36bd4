"""The retention desk's months: who has left by when, what may be learned from it, and who is contacted.

A fresh cohort of customers comes each month; whoever leaves does so within 90 days. Whoever was contacted and stayed
may have stayed in any case: only those whom chance left alone, or contacted, can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression

from mllayers.decision import Action, Menu, Policy
from mllayers.desk.game.year import BEFORE, DAYS
from mllayers.loop.book import day_of_ledger
from mllayers.shop import CUSTOMER_FEATURES, PRICES, RESPONSE, SEGMENTS, Prices, make_customers

QUARTER = 90  # days in which whoever leaves does so
CONTACTS = ("voucher", "call")
SELLER = {"voucher": 0.50, "call": 2 / 3}  # of those who would leave: what whoever sells contacts says that each keeps
OLD_RULE_DAYS = 45  # the old rule: a voucher for whoever has not bought for so long
WINDOW = 6  # months that are learned from
LEAST = {"average": 5, "effect": 20}  # customers who left, in each group, below which random tries tell nothing

_DONE = pd.CategoricalDtype(["none", *CONTACTS])  # text is slow to compare
_LEAVES = 61  # stream of chance: on which of the 90 days somebody leaves


def cohort(month: int, *, seed: int, size: int, events: Mapping[str, Any]) -> pd.DataFrame:
    """The customers of a month, with their truth, and the day on which each would leave (``_day``).

    Parameters
    ----------
    month : int
        Counted from the first of the months before the year.
    seed, size : int
        Which customers, and how many.
    events : mapping
        What happens, by its month: ``chat`` (chats count as tickets), ``newcomers`` (three times as many), ``worn``
        (vouchers lose most of their effect), ``bargain`` (two months; bargain hunters come).

    Returns
    -------
    DataFrame
        As `shop.make_customers`, with ``month``, ``day`` and ``_day``.
    """
    share, response = SEGMENTS.loc["share"].copy(), RESPONSE.copy()
    if month >= events.get("newcomers", np.inf):
        share["newcomer"] *= 3
    if month in events.get("bargain", ()):
        share["bargain"] *= 3
    if month >= events.get("worn", np.inf):
        response.loc[["base", "voucher_share"], "voucher"] *= 0.4
    segments = SEGMENTS.copy()
    segments.loc["share"] = share / share.sum()
    chat = events.get("chat")
    people = make_customers(size, seed=seed, month=month, chat=chat, segments=segments, response=response)
    day = np.random.default_rng([seed, _LEAVES, month]).uniform(0, QUARTER, size)
    return people.assign(month=month, day=float(month * DAYS), _day=np.round(day, 2))


def got(people: pd.DataFrame, action: str, *, planned: bool = False) -> NDArray[np.bool_]:
    """Which customers got an action, or were to get it."""
    return (people["planned" if planned else "action"] == action).to_numpy(bool)


def leavers(people: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether each customer leaves within 90 days, with what was done."""
    out = people["_churn_none"].to_numpy(bool)
    for name in CONTACTS:
        out = np.where(got(people, name), people[f"_churn_{name}"].to_numpy(bool), out)
    return np.asarray(out, dtype=bool)


def known_on(past: pd.DataFrame, day: float) -> NDArray[np.float64]:
    """What is known of each customer on a day: 1 has left, 0 stayed for 90 days, NaN is still there."""
    age = day - past["day"].to_numpy(float)
    gone = leavers(past) & (past["_day"].to_numpy(float) <= age)
    return np.where(gone, 1.0, np.where(age >= QUARTER, 0.0, np.nan))


@dataclass(frozen=True)
class Learned:
    """What a desk has learned.

    Parameters
    ----------
    leaves : object
        A model of the probability of leaving when left alone.
    keeps : mapping of str to float
        For each contact, the share of those who would leave that it keeps; the seller's word where nothing else is
        known.
    models : mapping of str to object
        A model of the probability of leaving for each action; empty where random tries tell too little.
    source : {'seller', 'average', 'effect'}
        Where the effect of contacts comes from.
    columns : list of str
        What the models look at.
    """

    leaves: Any
    keeps: Mapping[str, float] = field(default_factory=lambda: SELLER)
    models: Mapping[str, Any] = field(default_factory=dict)
    source: str = "seller"
    columns: tuple[str, ...] = tuple(CUSTOMER_FEATURES)

    def chance(self, people: pd.DataFrame) -> NDArray[np.float64]:
        """The probability that each customer leaves when left alone."""
        return np.asarray(self.leaves.predict_proba(_logs(people, self.columns))[:, 1])

    def fewer(self, people: pd.DataFrame, p: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """By how much each contact lowers that probability."""
        if self.models:
            x = _logs(people, self.columns)
            under = {name: model.predict_proba(x)[:, 1] for name, model in self.models.items()}
            return {name: under["none"] - under[name] for name in CONTACTS}
        return {name: p * self.keeps[name] for name in CONTACTS}


def learn(past: pd.DataFrame, day: float, choices: Any, last: Learned | None) -> Learned:
    """What a desk learns from the months before, on a day, with the labels that its choices believe in.

    Parameters
    ----------
    past : DataFrame
        Cohorts with ``planned``, ``action`` and ``propensity``.
    day : float
        Days since the start.
    choices : RetentionChoices
        ``treated``, ``young`` and ``tickets`` say which labels and columns; ``decide_by`` whether effects are asked
        for.
    last : Learned, optional
        Stays where there is nothing to learn from.

    Notes
    -----
    Random tries are the customers for whom chance decided: those who were to be contacted and could have been held out,
    and those who were not and could have been tried. Weighted by 1 / propensity, each action stands for all of them
    (Horvitz and Thompson 1952); a model for each action is a T-learner (Künzel et al. 2019, PNAS 116(10)).
    """
    label, chance = known_on(past, day), past["propensity"].to_numpy(float)
    over = day - past["day"].to_numpy(float) >= QUARTER
    known = over | (
        choices.young == "stays"
    )  # of a young cohort only leavers are known: all of it is left out, or none
    label = np.where(np.isnan(label), 0.0, label)
    columns = tuple(name for name in CUSTOMER_FEATURES if choices.tickets or name != "tickets_90d")
    alone = choices.treated == "leave out"
    used = known & got(past, "none") if alone else known
    if len(np.unique(label[used])) < 2:
        if last is None:
            raise ValueError("there is nothing to learn from: no customer has left yet, or all have")
        return last
    x = _logs(past, columns)
    leaves = _fit(x, label, used, 1 / chance if alone else np.ones(len(past)))
    told = Learned(leaves, columns=columns)
    if choices.decide_by not in LEAST:
        return told
    tries = known & (chance < 1)
    keeps = {name: _kept(past, label, tries, name) for name in CONTACTS}
    sure = {name: share for name, share in keeps.items() if share is not None}
    if not sure:
        return told
    groups = {name: tries & got(past, name) for name in ("none", *CONTACTS)}
    enough = all(label[group].sum() >= LEAST["effect"] for group in groups.values())
    if choices.decide_by == "effect" and enough:
        models = {name: _fit(x, label, group, 1 / chance) for name, group in groups.items()}
        return Learned(leaves, {**SELLER, **sure}, models, "effect", columns)
    return Learned(leaves, {**SELLER, **sure}, {}, "average", columns)


def _kept(past: pd.DataFrame, label: NDArray[Any], tries: NDArray[np.bool_], contact: str) -> float | None:
    """The share of those who would leave that a contact keeps, on the average of the random tries; or nothing."""
    both = tries & (got(past, contact, planned=True) | got(past, "none", planned=True))
    weight, rates = 1 / past["propensity"].to_numpy(float), {}
    for action in ("none", contact):
        group = both & got(past, action)
        if label[group].sum() < LEAST["average"]:
            return None
        rates[action] = np.average(label[group], weights=weight[group])
    return float(1 - rates[contact] / rates["none"])


def _fit(
    x: NDArray[np.float64], label: NDArray[Any], used: NDArray[np.bool_], weight: NDArray[Any]
) -> LogisticRegression:
    """A logistic regression; weights average 1, since they are no evidence."""
    model = LogisticRegression(solver="newton-cholesky")
    return model.fit(x[used], label[used], weight[used] / weight[used].mean())


def _logs(people: pd.DataFrame, columns: tuple[str, ...]) -> NDArray[np.float64]:
    """The columns as logarithms."""
    return np.asarray(np.log1p(people[[*columns]].to_numpy(float)))


def contacted(
    people: pd.DataFrame, learned: Learned, choices: Any, *, calls: int, seed: int, prices: Prices = PRICES
) -> pd.DataFrame:
    """Who gets a voucher or a call: rows of a ledger, planned and drawn.

    Parameters
    ----------
    people : DataFrame
        The visible columns of a cohort.
    learned : Learned
    choices : RetentionChoices
        ``decide_by`` with its tiers, ``holdout`` and ``tries``.
    calls : int
        How many there is time for.
    seed : int
        Key of the draws.
    prices : Prices

    Returns
    -------
    DataFrame with the index of `people`
        As `decision.Policy.plan` returns them; ``score`` is the probability of leaving. What the actions are expected
        to bring is in no unit where tiers decide, so it is not told.
    """
    p = learned.chance(people)
    worth = {name: np.full(len(people), -1.0) for name in CONTACTS}  # what each is expected to bring after its price
    if choices.decide_by == "everyone":
        worth["voucher"] = np.ones(len(people))
    elif choices.decide_by == "tiers":
        worth["voucher"] = np.where(p >= min(choices.voucher_from, choices.call_from), 1.0, -1.0)
        worth["call"] = np.where(p >= choices.call_from, 1.0 + p, -1.0)
    elif choices.decide_by != "nobody":
        value = people["clv_usd"].to_numpy(float)
        worth = {name: fewer * value - prices.contact(name) for name, fewer in learned.fewer(people, p).items()}
    policy = Policy(
        Menu(
            Action("none", gain=0.0, cost=0.0, owner="the retention desk"),
            Action("voucher", gain="worth_voucher", cost=0.0, owner="the retention desk"),
            Action("call", gain="worth_call", cost=0.0, owner="the callers", capacity=calls),
        ),
        missing="none",
        holdout=0,
    )
    frame = people[["customer_id", "month", "day"]].assign(
        sure=1.0, time=day_of_ledger(people["day"]), **{f"worth_{name}": dollars for name, dollars in worth.items()}
    )
    rows = policy.plan(
        frame,
        case="customer_id",
        time="time",
        score="sure",
        explore=_tries(choices, calls, len(people)),
        seed=seed,
        keep=["customer_id", "month", "day"],
    )
    paid = rows["action"].map({name: prices.contact(name) for name in ("none", *CONTACTS)}).astype(float)
    return rows.assign(score=p, cost=paid).drop(columns="expected_value")


def _tries(choices: Any, calls: int, n: int) -> dict[str, dict[str, float]]:
    """What chance does with n customers: leaves some of the planned alone, contacts some of the others.

    Half of those are called; at most half of the calls go to them, and hardly ever more than there are (a Poisson count
    with this mean exceeds the calls once in a thousand).
    """
    shares = {name: {"none": choices.holdout} for name in CONTACTS if choices.holdout}
    by_call = min(choices.tries / 2, min(calls / 2, stats.gamma.ppf(0.001, calls + 1)) / n)
    tried = {"voucher": choices.tries - by_call, "call": by_call}
    return {**shares, "none": {name: share for name, share in tried.items() if share > 0}} if choices.tries else shares


@dataclass(frozen=True)
class Cohorts:
    """The retention desk after some months; it is never changed, so a replay begins from any of them.

    Parameters
    ----------
    seed, size : int
    events : mapping
    past : tuple of DataFrame
        Each cohort with its truth and what was done.
    decided : tuple of DataFrame
        Rows of a ledger, one frame for each month of the year.
    learned : Learned, optional
        What the desk knew in the last month.
    """

    seed: int
    size: int
    events: Mapping[str, Any]
    past: tuple[pd.DataFrame, ...]
    decided: tuple[pd.DataFrame, ...] = ()
    learned: Learned | None = None

    @classmethod
    def begin(cls, *, seed: int, size: int, events: Mapping[str, Any]) -> Cohorts:
        """After six months in which the old rule sent a voucher to whoever had not bought for 45 days."""
        past = []
        for month in range(BEFORE):
            people = cohort(month, seed=seed, size=size, events=events)
            acts = np.where(people["recency_days"] > OLD_RULE_DAYS, "voucher", "none")
            past.append(_with_decisions(people, score=np.nan, planned=acts, action=acts, propensity=1.0))
        return cls(seed, size, events, tuple(past))

    @property
    def day(self) -> float:
        """The first day of the month that is next: days since the start."""
        return float(len(self.past) * DAYS)

    @property
    def year(self) -> tuple[pd.DataFrame, ...]:
        """The cohorts that were decided in the year."""
        return self.past[BEFORE:]

    def step(self, choices: Any, *, calls: int) -> Cohorts:
        """Learn, decide, contact: one month."""
        learned = self.learned
        if learned is None or choices.retrain:
            learned = learn(pd.concat(self.past[-WINDOW:]), self.day, choices, learned)
        people = cohort(len(self.past), seed=self.seed, size=self.size, events=self.events)
        rows = contacted(people, learned, choices, calls=calls, seed=self.seed)
        decided = {name: rows[name] for name in ("score", "planned", "action", "propensity")}
        done = _with_decisions(people, **decided)
        return Cohorts(self.seed, self.size, self.events, (*self.past, done), (*self.decided, rows), learned)


def _with_decisions(people: pd.DataFrame, **decided: Any) -> pd.DataFrame:
    return people.assign(**decided).astype({"planned": _DONE, "action": _DONE})
