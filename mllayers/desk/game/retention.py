"""The retention desk, played: vouchers and calls for a fresh cohort each month, and what a team would see of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mllayers._words import count, dollars, percent
from mllayers.action import uplift_effect
from mllayers.data import drift_report
from mllayers.desk.game.choices import Choices, asked
from mllayers.desk.game.cohorts import CONTACTS, OLD_RULE_DAYS, QUARTER, SELLER, Cohorts, got, known_on, leavers
from mllayers.desk.game.year import ALPHA, BEFORE, DAYS, FREE, Year, drawn_events, hidden, unusual
from mllayers.shop import CUSTOMER_FEATURES, PRICES, Prices, customer_money

CALLS = 0.01  # of the month's customers, called by one caller
STANDARD_CALLERS = 4
PATIENCE = QUARTER // DAYS  # months until a cohort's 90 days are over
_DONE = ("none", *CONTACTS)
ALARMS = {
    "columns": "columns of the customers moved (drift)",
    "contacts": "more or fewer contacts than before",
    "redeemed": "more or fewer of the vouchers used than before",
    "left": "more or fewer left in their first 30 days than before",
    "promised": "of those left alone, more or fewer left than the model promised",
    "hold-out": "by the hold-out, contacts surely cost more than they keep",
}
EVENTS = {
    "chat": "a chat widget ships, and every chat is counted as a ticket; the customers are the same",
    "newcomers": "three times as many newcomers come",
    "worn": "another shop sends vouchers too: yours lose most of their effect",
    "bargain": "two months of bargain hunters",
}
WORDS = {
    "clairvoyant": "knows each customer's chance of leaving, left alone and with each contact, and does what pays best",
    "gone already": "customers who have left in fact; no contact brings them back",
    "contacted in vain": "a contact that is expected to keep less than it costs",
    "the wrong contact": "a voucher where a call pays more, or the reverse",
    "held out": "left alone by chance, of those who were to be contacted",
    "tried at random": "contacted by chance, of those who were to be left alone",
    "nobody, everyone, two tiers, seller's word": "teams that do this every month",
    "random tries": "a team that holds out 10 %, tries 5 % and goes by what that tells, customer by customer",
}
LOST = [
    "contacted, gone already",
    "contacted in vain",
    "the wrong contact",
    "left alone, worth a voucher",
    "left alone, worth a call",
    "held out",
    "tried at random",
    "idle callers",
]


@dataclass(frozen=True)
class RetentionChoices(Choices):
    """What the retention desk does in a month.

    Parameters
    ----------
    decide_by : {'nobody', 'everyone', 'tiers', 'seller', 'average', 'effect'}
        Nobody is contacted; a voucher for everyone; two tiers of the probability of leaving; or money: probability ×
        value × the share that a contact keeps, less its price, by the seller's word or by the average of random tries;
        or what random tries showed customer by customer.
    voucher_from, call_from : float in [0, 1]
        The tiers. Where callers have no time left, a voucher is sent.
    callers : int, 0 to 8
        Each calls 1 % of the month's customers and is paid for that, busy or not.
    holdout : float, up to 0.3
        Share of those who would be contacted, drawn at random and left alone.
    tries : float, up to 0.2
        Share of those who would be left alone, drawn at random and contacted: half of them by call, as long as that
        takes no more than half of the calls.
    retrain : bool
        Whether new models are learned on the first day; otherwise the last ones stay.
    treated : {'count', 'leave out'}
        Customers who were contacted count in learning who leaves, or those left alone speak for them (1 / propensity).
    young : {'stays', 'unknown'}
        What a customer who is still there counts as before 90 days are over.
    tickets : bool
        Whether the models look at the number of tickets.
    watch : list of str
        Which alarms are switched on.

    Raises
    ------
    TypeError, ValueError
        For another word, a number out of range, and choices that contradict each other.

    Examples
    --------
    >>> RetentionChoices(holdout=0.1).told("callers", "holdout")
    'Callers: 4; Left alone at random, of those to be contacted: 10.0 %'
    """

    decide_by: str = asked(
        "tiers",
        "Contact",
        "word",
        words={
            "nobody": "nobody",
            "everyone": "everyone, by voucher",
            "tiers": "by two tiers of the probability of leaving",
            "seller": "where it pays, if the seller's word is true",
            "average": "where it pays, by the average effect in random tries",
            "effect": "where it pays, by each customer's effect in random tries",
        },
    )
    voucher_from: float = asked(0.20, "Tiers: voucher from a probability of", "share", low=0.01, high=1.0, step=0.01)
    call_from: float = asked(0.50, "Tiers: call from a probability of", "share", low=0.01, high=1.0, step=0.01)
    callers: int = asked(STANDARD_CALLERS, "Callers", "whole", low=0, high=8, step=1)
    holdout: float = asked(0.0, "Left alone at random, of those to be contacted", "share", low=0.0, high=0.3, step=0.01)
    tries: float = asked(0.0, "Contacted at random, of those to be left alone", "share", low=0.0, high=0.2, step=0.01)
    retrain: bool = asked(True, "Learn new models this month", "flag")
    treated: str = asked(
        "count",
        "In learning who leaves, contacted customers",
        "word",
        words={"count": "count like all others", "leave out": "are left out; those left alone speak for them"},
    )
    young: str = asked(
        "stays",
        "In learning, whoever is still there before 90 days",
        "word",
        words={"stays": "counts as staying", "unknown": "is unknown"},
    )
    tickets: bool = asked(True, "The models look at the number of tickets", "flag")
    watch: tuple[str, ...] = asked(("left",), "Alarms switched on", "several", words=ALARMS)

    def unused(self) -> frozenset[str]:
        """The tiers, where something else decides."""
        return frozenset(() if self.decide_by == "tiers" else {"voucher_from", "call_from"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.voucher_from > self.call_from:
            raise ValueError(
                f"voucher_from must not lie above call_from; got {self.voucher_from:g} and {self.call_from:g}"
            )


STANDARD = {
    "nobody": RetentionChoices(decide_by="nobody", callers=0),
    "everyone": RetentionChoices(decide_by="everyone", callers=0),
    "two tiers": RetentionChoices(),
    "seller's word": RetentionChoices(decide_by="seller"),
    "random tries": RetentionChoices(decide_by="effect", holdout=0.1, tries=0.05, treated="leave out", young="unknown"),
}
"""The teams that play the same year, each with the same choices in every month."""


class RetentionYear(Year):
    """Twelve months at the retention desk.

    Parameters
    ----------
    seed : int
        Which year: its customers, and what happens when.
    size : int, default 10,000
        Customers a month.

    Raises
    ------
    TypeError, ValueError
        If a number is none, or out of range.

    Notes
    -----
    ``seen`` has, for each month: ``vouchers`` and ``calls``, ``held out`` and ``tried`` at random; ``vouchers used``;
    ``left in 30 days`` of the month's cohort and ``left in 90 days`` of the one whose 90 days are over; what ``a
    contact brings`` after its price by the hold-out of the last six such cohorts of the year, low and high
    (95 %); dollars ``spent``, and ``booked``, which the dashboard claims: the value of those who used a voucher,
    or were called and are still there, less what was spent.

    Examples
    --------
    >>> year = RetentionYear(seed=7, size=2_000)
    >>> month = year.next_month(RetentionChoices(decide_by="everyone"))
    >>> int(month["vouchers"]), year.left, year.replay(1).left
    (2000, 11, 12)
    """

    desk = "retention"
    kind = RetentionChoices
    alarm_words = ALARMS
    event_words = EVENTS
    rule_alarms = frozenset({"contacts", "redeemed", "left"})
    words = WORDS
    books = "claimed"
    in_dollars = ("a contact brings", "low (95 %)", "high (95 %)", "spent", "booked")

    def __init__(self, *, seed: int, size: int = 10_000) -> None:
        super().__init__(seed=seed, size=size)

    def _events_of(self, seed: int) -> dict[str, Any]:
        months = {"chat": (8, 14), "newcomers": (7, 13), "worn": (8, 14), "bargain": (7, 15)}
        return drawn_events("retention events", seed, months, twice=["bargain"])

    def _start(self, seed: int) -> Cohorts:
        return Cohorts.begin(seed=hidden("retention", seed), size=self.size, events=self._events)

    def opening(self) -> str:
        """What a team is told on its first day."""
        keeps = " and ".join(f"a {name} keeps {percent(share, 0)}" for name, share in SELLER.items())
        return (
            f"You run the desk for twelve months, {self.size:,} new customers each. Some leave within {QUARTER} days, "
            f"and some have left already; whoever leaves takes their value with them, {dollars(self._value(), 0)} on "
            "average. A voucher costs "
            f"{dollars(PRICES.voucher)} when it is sent, a call {dollars(PRICES.call)}; each caller makes "
            f"{self.size * CALLS:,.0f} calls a month and is paid for that, busy or not. Whoever sells contacts says "
            f"that of those who would leave, {keeps}. For six months an old rule sent a voucher to whoever had not "
            f"bought for {OLD_RULE_DAYS} days, and held nobody out: your first model learns from those. Your dashboard "
            "claims the value of everybody who uses a voucher, or is called and still there; who would have stayed in "
            f"any case it cannot know. {FREE}"
        )

    def _value(self) -> float:
        """What a customer of the months before was worth on average."""
        return float(np.mean([people["clv_usd"].mean() for people in self._runs[0].past]))

    def told(self, month: int) -> list[str]:
        """What a team would see of a month (1 to 12), in sentences."""
        x, choices = self._seen[month - 1], self.choices[month - 1]
        began = month - PATIENCE + 1
        older = f"the customers of month {began}" if began > 0 else "a cohort from before your year"
        by_chance = ""
        if choices.holdout or choices.tries:
            by_chance = (
                f" By chance, {x['held out']:,} were left alone who would have been contacted, and {x['tried']:,} "
                "contacted who would not."
            )
        lines = [
            f"Of {x['customers']:,} customers, {x['vouchers']:,} were sent a voucher and {x['calls']:,} called."
            f"{by_chance} {count(x['vouchers used'], 'voucher was', 'vouchers were')} used.",
            f"{x['left in 30 days']:,} of them left in their first {DAYS} days. Of {older}, whose {QUARTER} days are "
            f"over now, {x['left in 90 days']:,} left.",
        ]
        if not np.isnan(x["a contact brings"]):
            sure = (
                f"{dollars(x['low (95 %)'])} to {dollars(x['high (95 %)'])}"
                if np.isfinite(x["low (95 %)"])
                else "too few left to say how sure that is"
            )
            lines.append(
                f"By the hold-out, a contact brings {dollars(x['a contact brings'])} after its price ({sure}), over "
                f"your cohorts whose {QUARTER} days are over."
            )
        lines.append(f"Spent: {dollars(x['spent'], 0)}. The dashboard claims {dollars(x['booked'], 0)}.")
        lines.append(self.alarms_told(month))
        missing = self._runs[month].learned.source
        if choices.decide_by in ("average", "effect") and missing != choices.decide_by:
            instead = "the seller's word" if missing == "seller" else "the average effect"
            lines.append(
                f"Random tries told too little: {instead} was used. They need a hold-out or contacts at random, and "
                f"{PATIENCE} months."
            )
        return lines

    def rows(self) -> pd.DataFrame:
        """What was decided about each customer so far: rows of a ledger, without outcomes."""
        if not self.done:
            raise ValueError("no month has been decided yet")
        found: pd.DataFrame = pd.concat(self._runs[-1].decided)
        return found

    def _act(self, run: Cohorts, choices: RetentionChoices) -> Cohorts:
        return run.step(choices, calls=round(choices.callers * CALLS * self.size))

    def _look(self) -> tuple[dict[str, Any], Mapping[str, str]]:
        run = self._runs[-1]
        held = HeldOut.of(run)
        seen = _seen_by_the_desk(run, self.choices[-1], held)
        return seen, _rang(run, seen, self._seen, held)

    # --- what nobody at the desk can see: for the debrief

    def lost(self) -> pd.DataFrame:
        """Dollars by month, as the mean over luck: what whoever knows every chance makes, and what each cause lost."""
        months = zip(self._runs[-1].year, self.choices, strict=True)
        rows = [lost_by_cause(people, choices.callers * CALLS * self.size) for people, choices in months]
        return pd.DataFrame(rows, index=self._months(self.done))

    def truth(self) -> pd.DataFrame:
        """What was true, month by month: who would have left, who was kept, and the money claimed beside it."""
        rows = []
        for people in self._runs[-1].year:
            alone = people["_p_none"].to_numpy(float)
            rows.append(
                {
                    "would leave if left alone": alone.sum(),
                    "kept by you": (alone - _under(people, "_p_")).sum(),
                    "left": int(leavers(people).sum()),
                    "gone already, and contacted": int((people["_gone"] & (people["action"] != "none")).sum()),
                }
            )
        return self._with_money(pd.DataFrame(rows, index=self._months(self.done))).assign(spent=self.seen["spent"])

    def others(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """The same year as five standard teams play it: what each lost by month and cause."""
        for name, choices in STANDARD.items():
            yield name, self.replay(1).unseen([choices] * self.done).lost()

    def changes(self) -> list[tuple[str, dict[str, Any]]]:
        """Single changes that are worth trying: in words, and as choices."""
        tries = {"holdout": 0.10, "tries": 0.05, "treated": "leave out", "young": "unknown"}
        tried: list[tuple[str, dict[str, Any]]] = [
            ("contact nobody, and have no callers", {"decide_by": "nobody", "callers": 0, "tries": 0.0}),
            ("weigh probability × value, by the seller's word", {"decide_by": "seller"}),
            ("try at random and go by the average effect", {"decide_by": "average", **tries}),
            ("try at random and go by each customer's effect", {"decide_by": "effect", **tries}),
            ("let those left alone speak for the contacted", {"treated": "leave out"}),
            ("wait for the 90 days in learning", {"young": "unknown"}),
            ("learn new models each month", {"retrain": True}),
            ("have 2 callers", {"callers": 2}),
            ("have 8 callers", {"callers": 8}),
        ]
        if "chat" in self._events:
            tried.append(("leave the tickets out of the models", {"tickets": False}))
        if any(choices.holdout for choices in self.choices):
            tried.append(("hold nobody out", {"holdout": 0.0}))
        return tried


def _under(people: pd.DataFrame, prefix: str) -> Any:
    """The truth under what was done, such as ``_p_``."""
    out = people[f"{prefix}none"].to_numpy(float)
    for name in CONTACTS:
        out = np.where(got(people, name), people[f"{prefix}{name}"], out)
    return out


def _seen_by_the_desk(run: Cohorts, choices: RetentionChoices, held: HeldOut) -> dict[str, Any]:
    """What a team would see at the end of a month."""
    today, day = run.past[-1], run.day
    sent, called = got(today, "voucher"), got(today, "call")
    alone, to_be = got(today, "none"), ~got(today, "none", planned=True)
    gone = known_on(today, day) == 1
    over = run.past[-PATIENCE]
    used = sent & today["_redeem"].to_numpy(bool)
    calls = max(choices.callers * CALLS * len(today), int(called.sum()))
    spent = sent.sum() * PRICES.voucher + calls * PRICES.call
    brings, low, high = held.brings()
    return {
        "customers": len(today),
        "vouchers": int(sent.sum()),
        "calls": int(called.sum()),
        "held out": int((alone & to_be).sum()),
        "tried": int((~alone & ~to_be).sum()),
        "vouchers used": int(used.sum()),
        "left in 30 days": int(gone.sum()),
        "left in 90 days": int((known_on(over, day) == 1).sum()),
        "a contact brings": brings,
        "low (95 %)": low,
        "high (95 %)": high,
        "spent": float(spent),
        "booked": float(today.loc[used | (called & ~gone), "clv_usd"].sum() - spent),
    }


def _ended(run: Cohorts) -> list[pd.DataFrame]:
    """The last six cohorts of the year whose 90 days are over."""
    return list(run.year[: len(run.year) - PATIENCE + 1][-BEFORE:])


@dataclass(frozen=True)
class HeldOut:
    """What the hold-out tells of the cohorts of the year whose 90 days are over.

    Parameters
    ----------
    left, treated : array of bool
        For each customer who was to be contacted and could have been held out.
    value, propensity, price : array of float
        ``price``: of the contact that was planned.
    """

    left: NDArray[np.bool_]
    treated: NDArray[np.bool_]
    value: NDArray[np.float64]
    propensity: NDArray[np.float64]
    price: NDArray[np.float64]

    @classmethod
    def of(cls, run: Cohorts, prices: Prices = PRICES) -> HeldOut:
        """Of the desk as it stands at the end of a month."""
        columns = ["day", "_day", "clv_usd", "planned", "action", "propensity", *(f"_churn_{x}" for x in _DONE)]
        ended = pd.concat([people[columns] for people in [*_ended(run), run.past[-1].iloc[:0]]])
        people = ended[~got(ended, "none", planned=True) & (ended["propensity"] < 1).to_numpy()]
        return cls(
            known_on(people, run.day) == 1,
            ~got(people, "none"),
            people["clv_usd"].to_numpy(float),
            people["propensity"].to_numpy(float),
            np.where(got(people, "voucher", planned=True), prices.voucher, prices.call),
        )

    def brings(self, level: float = 0.95) -> tuple[float, float, float]:
        """Dollars that a contact brings after its price, low and high; NaN where there was no hold-out."""
        if min(self.treated.sum(), (~self.treated).sum()) < 2:
            return (np.nan,) * 3
        found = uplift_effect(self.left, self.treated, value=self.value, propensity=self.propensity, level=level)
        price = float(self.price.mean())
        return -found.money - price, -found.money_high - price, -found.money_low - price


def _rang(run: Cohorts, seen: dict[str, Any], before: Sequence[dict[str, Any]], held: HeldOut) -> dict[str, str]:
    """Which alarms sound, or would if they were switched on, and what each saw; it looks at what the desk knows."""
    today, last, found = run.past[-1], run.past[-2], dict[str, str]()
    drift = drift_report(last[CUSTOMER_FEATURES], today[CUSTOMER_FEATURES], alpha=ALPHA)
    if drift.flagged:
        found["columns"] = ", ".join(map(str, drift.flagged))
    if months := list(before[-3:]):  # to compare with
        n = len(months)
        keys = ("vouchers", "calls", "vouchers used", "left in 30 days")
        sums = {name: sum(x[name] for x in months) for name in keys}
        for name, now, earlier in (
            ("contacts", seen["vouchers"] + seen["calls"], sums["vouchers"] + sums["calls"]),
            ("left", seen["left in 30 days"], sums["left in 30 days"]),
        ):
            if unusual(now, earlier, 1, n, "two-sided"):
                found[name] = f"{now:,}, after {earlier / n:,.0f} a month"
        sent, used = sums["vouchers"], sums["vouchers used"]
        both = seen["vouchers"] and sent
        if both and unusual(seen["vouchers used"], used, seen["vouchers"], sent, "two-sided"):
            found["redeemed"] = f"{percent(seen['vouchers used'] / seen['vouchers'])}, after {percent(used / sent)}"
    if ended := _ended(run):
        alone = ended[-1][got(ended[-1], "none")]
        promised, left = float(alone["score"].sum()), int((known_on(alone, run.day) == 1).sum())
        if 2 * min(stats.poisson.cdf(left, promised), stats.poisson.sf(left - 1, promised)) < ALPHA:
            found["promised"] = f"{left:,}, where {promised:,.0f} were promised"
    _, low, high = held.brings(level=1 - 2 * ALPHA)
    if high < 0:
        found["hold-out"] = f"a contact brings {dollars(low)} to {dollars(high)}"
    return found


def lost_by_cause(people: pd.DataFrame, room: float, prices: Prices = PRICES) -> pd.Series:
    """What a cohort lost against whoever knows every customer's chances, in dollars, by cause.

    Parameters
    ----------
    people : DataFrame
        With their truth, ``planned`` and ``action``.
    room : float
        How many calls were paid for.
    prices : Prices
        The price list.

    Returns
    -------
    Series
        Indexed by `LOST`, and ``clairvoyant``: what whoever does for each customer what pays best makes. All are means
        over luck, so nobody is blamed for it.
    """
    worth = {name: customer_money(people, name, prices=prices, expected=True) for name in _DONE}
    table = np.column_stack(list(worth.values()))
    best, which = table.max(axis=1), np.array(list(worth))[table.argmax(axis=1)]
    done = np.select([got(people, name) for name in CONTACTS], [worth[name] for name in CONTACTS], 0.0)
    lost, alone, idle = best - done, got(people, "none"), got(people, "none", planned=True)
    gone = people["_gone"].to_numpy(bool)
    causes = {
        "held out": alone & ~idle,
        "tried at random": ~alone & idle,
        "contacted, gone already": ~alone & gone,
        "contacted in vain": ~alone & (which == "none"),
        "the wrong contact": ~alone,
        "left alone, worth a voucher": which == "voucher",
        "left alone, worth a call": which == "call",
    }
    out, left = {"clairvoyant": float(best.sum())}, np.ones(len(people), dtype=bool)
    for cause, mask in causes.items():
        out[cause] = float(lost[left & mask].sum())
        left &= ~mask
    out["idle callers"] = max(0.0, room - int(got(people, "call").sum())) * prices.call
    return pd.Series(out)[["clairvoyant", *LOST]]
