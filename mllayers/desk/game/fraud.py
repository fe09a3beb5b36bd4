"""The fraud desk, played: a player's choices as a team of the loop, and what such a team would see of each month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from threadpoolctl import threadpool_limits

from mllayers._words import count, dollars, percent
from mllayers.data import drift_report
from mllayers.decision import Action, Menu, Policy
from mllayers.desk.game.choices import Choices, asked
from mllayers.desk.game.year import ALPHA, BEFORE, DAYS, FREE, MONTHS, Year, drawn_events, hidden, unusual
from mllayers.loop import ARMS, Arm, Run, desk_policy, fit, learnable
from mllayers.loop.desk import blocks, review_action
from mllayers.shop import ORDER_FEATURES, PRICES, Prices, make_orders, observe, order_money, order_stakes

ROOM = 0.01  # of the month's orders, looked at by one reviewer
STANDARD_REVIEWERS = 4
ALARMS = {
    "columns": "columns of the orders moved (drift)",
    "blocks": "more or fewer blocks than before",
    "chargebacks": "more chargebacks than before",
    "reviews": "more or fewer frauds among reviews than before",
    "audits": "audits find more fraud than the model promised",
    "blocks reviewed": "more honest orders in reviewed blocks than the model promised",
}
TYPES = {
    "A": "loud fraud",
    "A'": "new-form fraud",
    "B": "quiet fraud",
    "C": "ring fraud",
    "L": "usual buyers",
    "G": "gift buyers",
}
EVENTS = {
    "gift": "a new market opens: honest people who order gifts",
    "ringC": "a ring arrives that reships goods",
    "peak": "two months of high season: everything swells",
    "mutateA": "the loud fraudsters change their form (stolen cards, slower and less odd)",
}
WORDS = {
    "clairvoyant": "ships every honest order and blocks every fraud",
    "loud fraud": "odd orders, reported by the owner of the card",
    "new-form fraud": "the loud fraudsters with another form",
    "quiet fraud": "fraud that nobody reports: no chargeback comes",
    "ring fraud": "a group that reships goods; it comes in some years",
    "gift buyers": "honest people who send to another address; they come with a new market",
    "chargeback": "the bank takes the money back, weeks after the order",
    "open": "a team that keeps its first model",
    "self": "a team that takes its own blocks for fraud",
    "closed": "a team that leaves blocks out and takes silence for legitimate",
    "explore": "a team that audits 1 % and reviews 10 % of its blocks at random",
    "every label": "learns from the truth about every order; no team can",
}
LOST = [
    *(f"shipped: {TYPES[kind]}" for kind in ("A", "A'", "B", "C")),
    *(f"blocked: {TYPES[kind]}" for kind in ("L", "G")),
    "reviews",
    "audits",
    "idle reviewers",
]


@dataclass(frozen=True)
class FraudChoices(Choices):
    """What the fraud desk does in a month.

    Parameters
    ----------
    decide_by : {'thresholds', 'money'}
        Two thresholds on the probability of fraud, the same for all orders; or what each action is expected to bring
        for this order.
    review_from, block_from : float in [0, 1]
        The thresholds; where reviewers have no time left, an order below `block_from` ships.
    reviewers : int, 0 to 8
        Each looks at 1 % of the month's orders and is paid for that, busy or not.
    audit_share : float, up to 0.05
        Share of the orders that would ship, drawn at random and reviewed.
    review_blocked_share : float, up to 0.3
        Share of the orders that would be blocked, drawn at random and reviewed.
    retrain : bool
        Whether a new model is learned on the first day; otherwise the last one stays.
    blocked : {'leave out', 'fraud'}
        What a blocked order that nobody reviewed counts as in learning.
    silence : {'legitimate', 'unknown'}
        What a shipped order counts as if nobody complains for 60 days. Unknown: audited orders speak for them.
    watch : list of str
        Which alarms are switched on.

    Raises
    ------
    TypeError, ValueError
        For another word, a number out of range, and choices that contradict each other.

    Examples
    --------
    >>> FraudChoices(audit_share=0.02).told("reviewers", "audit_share")
    'Reviewers: 4; Shipped orders audited at random: 2.0 %'
    """

    decide_by: str = asked(
        "thresholds",
        "Decide by",
        "word",
        words={"thresholds": "the two thresholds", "money": "expected money, order by order"},
    )
    review_from: float = asked(0.05, "Review from a fraud probability of", "share", low=0.01, high=1.0, step=0.01)
    block_from: float = asked(0.50, "Block from a fraud probability of", "share", low=0.01, high=1.0, step=0.01)
    reviewers: int = asked(STANDARD_REVIEWERS, "Reviewers", "whole", low=0, high=8, step=1)
    audit_share: float = asked(0.0, "Shipped orders audited at random", "share", low=0.0, high=0.05, step=0.005)
    review_blocked_share: float = asked(0.0, "Blocks reviewed at random", "share", low=0.0, high=0.3, step=0.01)
    retrain: bool = asked(True, "Learn a new model this month", "flag")
    blocked: str = asked(
        "leave out",
        "In learning, a block counts as",
        "word",
        words={"leave out": "nothing (left out)", "fraud": "fraud"},
    )
    silence: str = asked(
        "legitimate",
        "In learning, 60 silent days count as",
        "word",
        words={"legitimate": "legitimate", "unknown": "unknown; audits speak for them"},
    )
    watch: tuple[str, ...] = asked(("chargebacks",), "Alarms switched on", "several", words=ALARMS)

    def unused(self) -> frozenset[str]:
        """The thresholds, where money decides."""
        return frozenset({"review_from", "block_from"} if self.decide_by == "money" else ())

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.review_from > self.block_from:
            raise ValueError(
                f"review_from must not lie above block_from; got {self.review_from:g} and {self.block_from:g}"
            )
        if self.audit_share > self.reviewers * ROOM:
            raise ValueError(
                f"audit_share must leave reviewers time: {self.reviewers} of them look at {self.reviewers * ROOM:.0%} "
                f"of the orders; got {self.audit_share:.1%}"
            )


@dataclass(frozen=True)
class Player:
    """A month's choices as a team of the loop.

    Parameters
    ----------
    choices : FraudChoices
    last : object, optional
        The model of the month before: it stays where there is nothing to learn from.
    """

    choices: FraudChoices
    last: Any = None

    @property
    def retrain(self) -> bool:
        """Whether a new model is learned."""
        return self.choices.retrain

    def learn(self, past: pd.DataFrame, day: float, *, seed: Any = 0) -> Any:
        """A regression on the labels that the choices believe in."""
        arm = Arm(
            blocks="fraud" if self.choices.blocked == "fraud" else "drop",
            silence="legit" if self.choices.silence == "legitimate" else "ignore",
        )
        label, weight = learnable(past, arm, day=day)
        both = {0.0, 1.0} <= set(label[weight > 0])
        return fit(past, label, weight, seed=seed) if both or self.last is None else self.last

    def stops(self, orders: pd.DataFrame, prices: Prices) -> NDArray[np.bool_]:
        """Which orders would be blocked if nobody could review."""
        p = orders["score"].to_numpy(float)
        return blocks(orders, p, prices=prices) if self.choices.decide_by == "money" else p >= self.choices.block_from

    def decide(self, orders: pd.DataFrame, reviews: float, *, prices: Prices = PRICES) -> Policy:
        """The menu of the desk, or the two thresholds; the reviews that chance will need are kept free."""
        stopped = self.stops(orders, prices)
        drawn = float(np.where(stopped, self.choices.review_blocked_share, self.choices.audit_share).sum())
        if drawn > reviews * (1 + 1e-9):
            raise ValueError(
                f"reviewers must have time for what is drawn at random: about {drawn:,.0f} orders would be, and there "
                f"is time for {reviews:,.0f}. Have more reviewers, or draw fewer"
            )
        room = max(0.0, reviews - drawn)
        return desk_policy(room, prices=prices) if self.choices.decide_by == "money" else self._thresholds(room)

    def try_at_random(self, orders: pd.DataFrame, *, prices: Prices = PRICES) -> Mapping[str, Mapping[Action, Any]]:
        """A review in the place of shipping and of blocking, each for its share."""
        shares = {"ship": self.choices.audit_share, "block": self.choices.review_blocked_share}
        return {planned: {review_action(prices): share} for planned, share in shares.items() if share > 0}

    def _thresholds(self, room: float) -> Policy:
        """Two thresholds as a menu: reviewing is worth p less its threshold, blocking is steeper and wins from its own.

        The unit is no dollar, so nobody is shown the expected values of these plans.
        """
        steep, low, high = 1_000.0, self.choices.review_from, self.choices.block_from
        return Policy(
            Menu(
                Action("ship", gain=0, cost=0, owner="the shop"),
                Action("review", gain=1.0, cost=low, owner="the fraud desk", capacity=room),
                Action("block", gain=steep, cost=(steep - 1) * high + low, owner="the fraud desk"),
            ),
            missing="review",
            holdout=0,
        )


class FraudYear(Year):
    """Twelve months at the fraud desk.

    Parameters
    ----------
    seed : int
        Which year: its orders, and what happens when.
    size : int, default 10,000
        Orders a month.

    Raises
    ------
    TypeError, ValueError
        If a number is none, or out of range.

    Examples
    --------
    >>> year = FraudYear(seed=7, size=2_000)
    >>> month = year.next_month(FraudChoices(audit_share=0.01))
    >>> int(month["orders"]), year.left, year.replay(1).left
    (2000, 11, 12)

    Notes
    -----
    ``seen`` has, for each month: ``orders``, ``shipped``, ``blocked``; ``reviewed`` and the ``frauds found``;
    ``audited`` and ``frauds in audits``; ``blocks reviewed`` and ``honest in them``; ``chargebacks`` that arrived in
    the month, of whatever age, and those ``of them own``, on orders of this year; ``booked``, in dollars: margins of
    what shipped, less chargebacks on own orders (the amount and the fee) and the pay of the reviewers.
    """

    desk = "fraud"
    kind = FraudChoices
    alarm_words = ALARMS
    event_words = EVENTS
    rule_alarms = frozenset({"blocks", "reviews"})
    words = WORDS
    in_dollars = ("margins", "taken back", "paid to reviewers", "booked")

    def __init__(self, *, seed: int, size: int = 10_000) -> None:
        super().__init__(seed=seed, size=size)

    def _events_of(self, seed: int) -> dict[str, Any]:
        return events_of(seed)

    def _start(self, seed: int) -> Run:
        months = range(BEFORE + MONTHS)
        orders = make_orders(months, seed=hidden("fraud", seed), per_month=self.size, events=self._events)
        return Run(orders, months=months[BEFORE:], seed=hidden("draws", seed))

    def opening(self) -> str:
        """What a team is told on its first day."""
        return (
            f"You run the desk for twelve months, {self.size:,} orders each. An order that ships earns its margin "
            f"({percent(PRICES.margin, 0)}); a fraud that ships costs the goods and {dollars(PRICES.chargeback_fee)}; "
            f"an honest order that is blocked costs the margin and {dollars(PRICES.goodwill)} of goodwill, which no "
            f"book shows. A review costs {dollars(PRICES.review)} and is always right; each reviewer looks at "
            f"{self.size * ROOM:,.0f} orders a month and is paid for that, busy or not; what is drawn at random comes "
            "first, and where it is more than expected, it is paid for on top. For six months old rules sent odd "
            "orders to review and shipped the rest: your first model learns from those. Chargebacks take weeks, "
            f"and not every fraud is reported. {FREE}"
        )

    def told(self, month: int) -> list[str]:
        """What a team would see of a month (1 to 12), in sentences."""
        x = self._seen[month - 1]
        drawn = {"audited": "audited at random", "blocks reviewed": "drawn out of the blocks and reviewed"}
        by_chance = "".join(f", {x[name]:,} {what}" for name, what in drawn.items() if x[name])
        lines = [
            f"Of {x['orders']:,} orders, {x['shipped']:,} shipped, {x['blocked']:,} were blocked, {x['reviewed']:,} "
            f"reviewed{by_chance}. Frauds among the reviewed: {x['frauds found']:,}."
        ]
        if x["audited"]:
            lines.append(f"Frauds among the audited, which would have shipped: {x['frauds in audits']:,}.")
        if x["blocks reviewed"]:
            lines.append(f"Honest among those out of the blocks: {x['honest in them']:,}.")
        before = x["chargebacks"] - x["of them own"]
        old = f" (on orders from before your year: {before:,})" if before else ""
        lines.append(f"{count(x['chargebacks'], 'chargeback')} arrived{old}.")
        lines.append(
            f"Booked: {dollars(x['booked'], 0)} (margins {dollars(x['margins'], 0)}, taken back by banks "
            f"{dollars(x['taken back'], 0)}, reviewers {dollars(x['paid to reviewers'], 0)})."
        )
        lines.append(self.alarms_told(month))
        if month == self.done and self.choices[-1].retrain and self.model_stayed():
            lines.append("There was nothing to learn from: the model of the month before stayed.")
        return lines

    def rows(self) -> pd.DataFrame:
        """What was decided about each order so far: rows of a ledger, without outcomes.

        ``expected_value`` is not among them: by thresholds, none is reckoned.
        """
        if not self.done:
            raise ValueError("no month has been decided yet")
        found: pd.DataFrame = pd.concat(self._runs[-1].decided).drop(columns="expected_value")
        return found

    def model_stayed(self) -> bool:
        """Whether the last month's model is that of the month before."""
        return self.done > 1 and self._runs[-1].model is self._runs[-2].model

    def _act(self, run: Run, choices: FraudChoices) -> Run:
        after = run.copy()
        after.capacity = choices.reviewers * ROOM
        after.step(Player(choices, run.model))
        return after

    def _look(self) -> tuple[dict[str, Any], Mapping[str, str]]:
        seen = _seen_by_the_desk(self._runs[-1], self.choices[-1])
        return seen, _rang(self._runs[-1], seen, self._seen)

    # --- what nobody at the desk can see: for the debrief

    def lost(self) -> pd.DataFrame:
        """Dollars by month: what the clairvoyant makes, and what was lost to each cause."""
        return _lost_by_month(self._runs[-1], [choices.reviewers * ROOM for choices in self.choices])

    def truth(self) -> pd.DataFrame:
        """What was true, month by month: frauds and what became of them, and the money that was booked beside it."""
        run, end = self._runs[-1], float((BEFORE + self.done) * DAYS)
        rows = []
        for orders in run.past[-run.done :]:
            acts, fraud = orders["action"].to_numpy(str), orders["_is_fraud"].to_numpy(bool)
            shipped = fraud & (acts == "ship")
            rows.append(
                {
                    "frauds": int(fraud.sum()),
                    "frauds shipped": int(shipped.sum()),
                    "of them reported": int((shipped & (orders["_report_day"] <= end)).sum()),
                    "honest blocked": int((~fraud & (acts == "block")).sum()),
                }
            )
        return self._with_money(pd.DataFrame(rows, index=self._months(self.done)))

    def others(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """The same year as the standard arms play it, with four reviewers: what each lost by month and cause."""
        for name in ARMS:
            run = self._runs[0].copy()
            run.capacity = STANDARD_REVIEWERS * ROOM
            with threadpool_limits(1):
                while run.left:
                    run.step(name)
            yield name, _lost_by_month(run, [run.capacity] * run.done)

    def changes(self) -> list[tuple[str, dict[str, Any]]]:
        """Single changes that are worth trying: in words, and as choices."""
        audits = any(choices.audit_share for choices in self.choices)
        thresholds = any(choices.decide_by == "thresholds" for choices in self.choices)
        tried: list[tuple[str, dict[str, Any]]] = [
            ("audit 1 % at random and let it speak for silent orders", {"audit_share": 0.01, "silence": "unknown"}),
            ("review 10 % of the blocks at random", {"review_blocked_share": 0.10}),
            ("decide by expected money, order by order", {"decide_by": "money"}),
            ("leave blocks out in learning", {"blocked": "leave out"}),
            ("learn a new model each month", {"retrain": True}),
            ("have 2 reviewers", {"reviewers": 2}),
            ("have 8 reviewers", {"reviewers": 8}),
        ]
        if audits:
            tried.append(("audit nothing at random", {"audit_share": 0.0, "silence": "legitimate"}))
        if thresholds:
            tried += [(f"block from {percent(share, 0)}", {"block_from": share}) for share in (0.4, 0.8)]
        return tried


def events_of(seed: int) -> dict[str, Any]:
    """What happens in a year, and from which month on (counted from the first of the six before it)."""
    months = {"gift": (6, 11), "ringC": (7, 13), "peak": (8, 15), "mutateA": (9, 15)}
    return drawn_events("events", seed, months, twice=["peak"])


def _seen_by_the_desk(run: Run, choices: FraudChoices) -> dict[str, Any]:
    """What a team would see at the end of a month."""
    day = float((run.months[run.done - 1] + 1) * DAYS)
    today = run.past[-1]
    acts, planned = today["action"].to_numpy(str), today["planned"].to_numpy(str)
    known = observe(today, today["action"], day)["label"].to_numpy(float)
    audited, refused = (acts == "audit") & (planned == "ship"), (acts == "audit") & (planned == "block")
    margin = np.asarray(order_stakes(today)["gain_tn"])
    sold = (acts == "ship") | (np.isin(acts, ["review", "audit"]) & (known == 0))
    looked = int(np.isin(acts, ["review", "audit"]).sum())
    paid = max(choices.reviewers * ROOM * len(today), looked) * PRICES.review
    came = [_arrived(part, day) for part in run.past]
    own = pd.concat(came[-run.done :])
    returned = own["amount_usd"].sum() + PRICES.chargeback_fee * len(own)
    return {
        "orders": len(today),
        "shipped": int((acts == "ship").sum()),
        "blocked": int((acts == "block").sum()),
        "reviewed": int((acts == "review").sum()),
        "frauds found": int(known[acts == "review"].sum()),
        "audited": int(audited.sum()),
        "frauds in audits": int(known[audited].sum()),
        "blocks reviewed": int(refused.sum()),
        "honest in them": int((1 - known[refused]).sum()),
        "chargebacks": sum(map(len, came)),
        "of them own": len(own),
        "margins": float(margin[sold].sum()),
        "taken back": float(-returned),
        "paid to reviewers": float(-paid),
        "booked": float(margin[sold].sum() - returned - paid),
    }


def _arrived(orders: pd.DataFrame, day: float) -> pd.DataFrame:
    """The chargebacks of the month that ends on a day."""
    due = orders["_report_day"].between(day - DAYS, day, inclusive="right") & orders["_is_fraud"]
    return orders[due & (orders["action"] == "ship")]


def _rang(run: Run, seen: dict[str, Any], before: list[dict[str, Any]]) -> dict[str, str]:
    """Which alarms sound, or would if they were switched on, and what each saw; it looks at what the desk knows."""
    today, last, found = run.past[-1], run.past[-2], dict[str, str]()
    drift = drift_report(last[ORDER_FEATURES], today[ORDER_FEATURES], alpha=ALPHA)
    if drift.flagged:
        found["columns"] = ", ".join(map(str, drift.flagged))
    spoken = before[-3:]  # the months to compare with
    if spoken:
        for name, key, side in (("blocks", "blocked", "two-sided"), ("chargebacks", "chargebacks", "greater")):
            earlier = sum(x[key] for x in spoken)
            if unusual(seen[key], earlier, 1, len(spoken), side):
                found[name] = f"{seen[key]:,}, after {earlier / len(spoken):,.0f} a month"
        hits, looked = (sum(x[name] for x in spoken) for name in ("frauds found", "reviewed"))
        both = seen["reviewed"] and looked
        if both and unusual(seen["frauds found"], hits, seen["reviewed"], looked, "two-sided"):
            now = percent(seen["frauds found"] / seen["reviewed"], 0)
            found["reviews"] = f"{now}, after {percent(hits / looked, 0)}"
    planned, acts, p = today["planned"].to_numpy(str), today["action"].to_numpy(str), today["score"].to_numpy(float)
    audited, refused = (acts == "audit") & (planned == "ship"), (acts == "audit") & (planned == "block")
    promised = {"audits": p[audited].sum(), "blocks reviewed": (1 - p[refused]).sum()}
    for name, key in (("audits", "frauds in audits"), ("blocks reviewed", "honest in them")):
        if seen[key] and stats.poisson.sf(seen[key] - 1, promised[name]) < ALPHA:
            found[name] = f"{seen[key]:,}, where {promised[name]:,.1f} were promised"
    return found


def lost_by_cause(orders: pd.DataFrame, room: float, prices: Prices = PRICES) -> pd.Series:
    """What a month's orders lost against the clairvoyant, in dollars, by cause; the causes add up to the gap.

    Parameters
    ----------
    orders : DataFrame
        With their truth and ``action``.
    room : float
        How many reviews were paid for.
    prices : Prices
        The price list.

    Returns
    -------
    Series
        Indexed by `LOST`, and ``clairvoyant``: what whoever ships every honest order and blocks every fraud makes.
    """
    acts, fraud = orders["action"].to_numpy(str), orders["_is_fraud"].to_numpy(bool)
    kind = orders["_kind"].astype(str).to_numpy()
    best = order_money(orders, np.where(fraud, "block", "ship"), prices=prices)
    lost = best - order_money(orders, acts, prices=prices)
    out = {"clairvoyant": float(best.sum())}
    for name, what in TYPES.items():
        word, action = ("blocked", "block") if name in ("L", "G") else ("shipped", "ship")
        out[f"{word}: {what}"] = float(lost[(kind == name) & (acts == action)].sum())
    out["reviews"], out["audits"] = float(lost[acts == "review"].sum()), float(lost[acts == "audit"].sum())
    looked = int(np.isin(acts, ["review", "audit"]).sum())
    out["idle reviewers"] = max(0.0, room - looked) * prices.review
    return pd.Series(out)[["clairvoyant", *LOST]]


def _lost_by_month(run: Run, room: Sequence[float]) -> pd.DataFrame:
    """`lost_by_cause` for each month of a run, with the share of the orders that reviewers were paid for."""
    months = zip(run.past[-run.done :], room, strict=True)
    rows = [lost_by_cause(orders, share * len(orders)) for orders, share in months]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, run.done + 1, name="month"))
