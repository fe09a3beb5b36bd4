"""What benchmarks/coverage.py draws for layers 4 and 5: tables of effects, groups, laws of delay, repeated looks."""

import numpy as np
import pandas as pd
from scipy import stats

from mllayers.action import hold_out_always_valid, uplift_table
from mllayers.feedback import delay_law, policy_value, promise_kept
from mllayers.shop import make_customers

CLV = make_customers(200_000)["clv_usd"].to_numpy()
TODAY = np.datetime64("2026-07-01T00:00:00", "us")
LOOKS = 12


def together(low, high, truth):
    """All intervals as one: it holds where each of them holds (those that were refused say nothing)."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    given = ~np.isnan(low)
    if not given.any():
        return np.nan, np.nan, 0.5
    right = ((low <= truth + 1e-12) & (truth <= high + 1e-12))[given].all()
    return (0.0, 1.0, 0.5) if right else (1.0, 1.0, 0.5)


# several actions and segments ---------------------------------------------------------------------------------------


def outcomes(kind, rng, treated, share):
    """Outcome, a number known before, and the true effect; what is known before explains part of the outcome."""
    n, z = treated.size, rng.standard_normal(treated.size)
    more = rng.standard_normal(n)
    if kind == "spend, log-normal":
        return np.exp(0.8 * z + 0.6 * more) * (1 + 0.2 * treated), np.exp(z), 0.2 * np.exp(0.5)
    if kind == "spend, mostly zero, long tail":
        bought, tail = rng.random(n) < share * (1 + 0.3 * treated), np.exp(1.1 * (0.8 * z + 0.6 * more))
        return bought * tail, (rng.random(n) < 0.3) * np.exp(1.1 * z), 0.3 * share * np.exp(1.1**2 / 2)
    if kind == "clv_usd lost":
        gone, clv = rng.random(n) < share * (1 - 0.3 * treated), rng.choice(CLV, n)
        return gone * -clv, clv, 0.3 * share * CLV.mean()
    chance = share * (1 - 0.3 * treated) * np.where(z > 0, 1.5, 0.5)
    return (rng.random(n) < chance) * 1.0, z, -0.3 * share


def table_cells(cell):
    cells = []
    for kind, shares in (
        ("an outcome of 0 or 1", (0.01, 0.05, 0.25)),
        ("clv_usd lost", (0.025, 0.1)),
        ("spend, mostly zero, long tail", (0.025, 0.1)),
        ("spend, log-normal", (1.0,)),
    ):
        for share in shares:
            for treated, held in ((2_000, 200), (500, 500))[: 2 if share == shares[0] else 1]:
                what = f"{treated:,} treated, {held:,} held out, {kind}"
                cells.append(cell(what, share * held, one_table(kind, share, treated, held)))
    return [*cells, cell("two arms in two segments, 4,000 cases, 5 % outcomes", 50, six_effects)]


def one_table(kind, share, treated, held):
    group = np.repeat([1, 0], [treated, held])

    def draw(rng):
        y, before, truth = outcomes(kind, rng, group, share)
        ends = {}
        for name, known in (("as it is", None), ("with before", before)):
            row = uplift_table(y, group, before=known).table.iloc[0]
            ends[name] = (row["low"], row["high"], truth)
        return ends

    return draw


def six_effects(rng):
    action, segment = rng.choice(["none", "mail", "call"], 4_000), rng.choice(["a", "b"], 4_000)
    y = rng.random(4_000) < np.where(action == "call", 0.03, 0.05)
    rows = uplift_table(y, action, by=segment).table
    truth = np.where(rows["action"] == "call", -0.02, 0.0)
    nothing = (rows["action"] == "mail").to_numpy()
    alarm = bool((rows["sure"].to_numpy(bool) & nothing).any())
    return {
        "all six at once": together(rows["low_all"], rows["high_all"], truth),
        "each for itself": together(rows["low"], rows["high"], truth),
        "nothing wrongly sure": (1.0 if alarm else 0.0, 1.0, 0.5),
    }


# groups -------------------------------------------------------------------------------------------------------------


def band_cells(cell):
    return [
        cell(
            f"{bands} bands of a score, {n:,} cases, {share:.0%} of them audited".replace("%", " %"),
            n * share / 11,
            one_banded(n, share, bands),
        )
        for bands in (5, 10)
        for n, share in ((2_000, 1.0), (20_000, 0.05))
    ]


def one_banded(n, share, bands):
    def draw(rng):
        p = rng.beta(1, 10, n)
        y = np.where(rng.random(n) < share, rng.random(n) < p, np.nan)
        if np.isnan(y).all():
            return {}
        found = promise_kept(p, y, by=pd.qcut(p, bands), propensity=share if share < 1 else None)
        rows, promised = found.table, found.table["promised"].to_numpy()
        first = rows.iloc[0]  # the band with the fewest events
        return {
            "all bands at once": together(rows["low_all"], rows["high_all"], promised),
            "each for itself": together(rows["low"], rows["high"], promised),
            "lowest band alone": (first["low"], first["high"], promised[0]),
            "kept, although true": (0.0 if found.kept else 1.0, 1.0, 0.5),
        }

    return draw


def group_cells(cell):
    return [
        cell(
            f"{n:,} decisions in 5 groups, half like the challenger, {kind}",
            n / 10 * share,
            one_grouped(n, kind, share),
        )
        for n in (2_000, 10_000)
        for kind, share in (("normal", 1.0), ("clv_usd", 1.0), ("clv_usd in one of ten", 0.1))
    ]


def one_grouped(n, kind, share):
    def draw(rng):
        group, same = np.arange(n) % 5, rng.random(n) < 0.5
        reward = rng.normal(10, 10, n) if kind == "normal" else rng.choice(CLV, n)
        reward = reward * (rng.random(n) < share)
        rows = policy_value(reward, 0.5, same * 1.0, by=group).frame()
        return {
            "all groups at once": together(rows["gain_low_all"], rows["gain_high_all"], 0.0),
            "each for itself": together(rows["gain_low"], rows["gain_high"], 0.0),
            "first group alone": (rows["gain_low"].iloc[0], rows["gain_high"].iloc[0], 0.0),
        }

    return draw


# delays -------------------------------------------------------------------------------------------------------------

LAWS = {
    "exponential, mean 60": stats.expon(scale=60),
    "gamma, mean 44": stats.gamma(2, scale=22),
    "log-normal, median 20": stats.lognorm(1.2, scale=20),
}


def delay_cells(cell):
    return [
        cell(f"cases of 200 days, {growth}, {name}", n, one_delay(law, n, power), 0.5 if n > 1_000 else 1)
        for name, law in LAWS.items()
        for n in (60, 300, 3_000)
        for growth, power in (("as many each day", 1.0), ("growing", 0.5))
    ]


def one_delay(law, n, power):
    """`n` cases that will all have an outcome; some of it has come."""

    def draw(rng):
        age = 200 * (1 - rng.random(n) ** power)  # a power below 1: most are young
        delay = law.rvs(n, random_state=rng)
        began = TODAY - (age * 86_400e6).astype("timedelta64[us]")
        came = began + (delay * 86_400e6).astype("timedelta64[us]")
        try:
            found = delay_law(np.where(came <= TODAY, came, np.datetime64("NaT")), began, as_of=TODAY)
        except ValueError as error:
            if "too few" not in str(error) and "oldest must be" not in str(error):
                raise
            return {}
        ends = {}
        for days in (7, 30, 60):
            if days < found.oldest:
                (row,) = found.at([days]).itertuples(index=False)
                ends[f"share by day {days}"] = (row.low, row.high, float(law.cdf(days) / law.cdf(found.oldest)))
        return ends | {"half": (found.half_low, found.half_high, float(law.ppf(law.cdf(found.oldest) / 2)))}

    return draw


# looks --------------------------------------------------------------------------------------------------------------


def look_cells(cell):
    cells = []
    for treated, held, share in (
        (1_990, 10, 0.002),
        (900, 100, 0.002),
        (900, 100, 0.01),
        (900, 100, 0.1),
        (500, 500, 0.01),
    ):
        what = f"a month: {treated:,} treated, {held} held out, outcomes"
        cells.append(cell(what, share * held, one_year(treated, held, share, None)))
    for treated, held, share, kind in (
        (900, 100, 0.05, "clv_usd lost"),
        (250, 250, 0.1, "clv_usd lost"),
        (900, 100, 0.1, "spend, long tail"),
        (900, 100, 1.0, "spend, long tail"),
    ):
        what = f"a month: {treated:,} treated, {held} held out, {kind}"
        cells.append(cell(what, share * held, one_year(treated, held, share, kind)))
    return cells


def one_year(treated, held, share, kind):
    month, group = np.repeat(np.arange(LOOKS), treated + held), np.tile(np.repeat([1, 0], [treated, held]), LOOKS)

    def draw(rng):
        n = month.size
        y = (rng.random(n) < share) * 1.0
        if kind == "clv_usd lost":
            y *= -rng.choice(CLV, n)
        elif kind is not None:
            y *= rng.lognormal(0, 1.1, n)
        rows = hold_out_always_valid(y, group, month).table
        return {
            "always valid, all twelve looks": together(rows["low"], rows["high"], 0.0),
            "fixed, all twelve looks": together(rows["fixed_low"], rows["fixed_high"], 0.0),
            "fixed, the last look": (rows["fixed_low"].iloc[-1], rows["fixed_high"].iloc[-1], 0.0),
        }

    return draw


def sections(cell, section):
    """The sections of these functions, as coverage.py makes them from its own `Cell` and `Section`."""
    return {
        "uplift_table": lambda: section(
            "`action.uplift_table`",
            "Events are those of the held-out group. *With before*: what a number known before explains is taken out. "
            "*Each for itself* counts draws in which all intervals hold at once, though made one by one: it is not "
            "expected to reach 95 %; those *at once* are.",
            table_cells(cell),
        ),
        "promise_kept_by": lambda: section(
            "Bands of `feedback.promise_kept`",
            "A score that is right; events are those of all bands. *Each for itself* as above.",
            band_cells(cell),
        ),
        "policy_value_by": lambda: section(
            "Groups of `feedback.policy_value`",
            "The gain of a challenger that earns what the logged policy does; events are the paying ones under the "
            "challenger in a group. *Each for itself* as above.",
            group_cells(cell),
        ),
        "delay_law": lambda: section(
            "`feedback.delay_law`",
            "Events are the cases that will have an outcome, of which part has come. The truth is that of the law up "
            "to the oldest age known.",
            delay_cells(cell),
        ),
        "hold_out_always_valid": lambda: section(
            "`action.hold_out_always_valid`",
            "Nothing works; events are those of the held-out group in a month. *Wrong* is the share of years in which "
            "somebody who looks every month finds an effect at some look: what a fixed interval is not made for, and "
            "an always-valid one is.",
            look_cells(cell),
        ),
    }
