"""Layer 5, Feedback: was the promise kept?"""

import datetime
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from mllayers._stats import delivered_rate
from mllayers.data import weighted_rate
from mllayers.feedback import LedgerPromise, PromiseKept, ledger_promise, matured, promise_kept
from mllayers.feedback.promise import (
    _delivered_dollars,
    _names_or_none,
    _unchecked,
    _weighted_money,
)

# the promise of a model ---------------------------------------------------------------------------------------------


@given(st.integers(0, 40), st.integers(1, 60), st.sampled_from([0.9, 0.95]))
def test_a_plain_audit_is_exact(hits, others, level):
    y = np.arange(hits + others) < hits
    found = promise_kept(np.full(len(y), 0.2), y, level=level)
    assert (found.low, found.high) == pytest.approx(
        proportion_confint(hits, hits + others, 1 - level, method="beta"), abs=1e-12
    )
    peer = stats.binomtest(hits, hits + others, 0.2)
    assert (found.low, found.high) == pytest.approx(tuple(peer.proportion_ci(level)), abs=1e-12)
    tails = (stats.binomtest(hits, hits + others, 0.2, side).pvalue for side in ("greater", "less"))
    assert found.by_chance == pytest.approx(min(1, 2 * min(tails)))
    assert found.kept == (found.low <= 0.2 <= found.high)
    assert found.events == hits


def audited(seed, rate=0.01, n=20_000, share=0.03):
    """Orders, some of them reviewed with certainty, the rest with the audit's chance."""
    rng = np.random.default_rng([seed, 4])
    risky = rng.random(n) < 0.02
    fraud = rng.random(n) < np.where(risky, 0.3, rate)
    chance = np.where(risky, 0.5, share)
    y = np.where(rng.random(n) < chance, fraud, np.nan)
    return np.where(risky, 0.3, rate), y, chance, 0.02 * 0.3 + 0.98 * rate


def test_delivered_is_the_weighted_rate():
    """By hand, and as statsmodels weighs."""
    p, y, chance, _ = audited(1)
    found = promise_kept(p, y, propensity=chance)
    seen = ~np.isnan(y)
    w = 1 / chance[seen]
    assert found.delivered == pytest.approx(sum(w * y[seen]) / sum(w))
    assert found.delivered == pytest.approx(DescrStatsW(y[seen], weights=w).mean)
    assert found.table.loc["all", "n_eff"] == pytest.approx(sum(w) ** 2 / sum(w**2))
    assert (found.n, found.labels) == (len(y), seen.sum())
    assert found.promised == pytest.approx(p.mean())


def test_layer_1_weighs_the_same():
    _, y, chance, _ = audited(1)
    assert promise_kept(np.zeros(len(y)), y, propensity=chance).delivered == pytest.approx(
        weighted_rate(y, chance).hajek
    )


@pytest.mark.parametrize(("rate", "share"), [(0.01, 0.03), (0.002, 0.03), (0.01, 0.3)])
def test_intervals_of_an_audit_cover(rate, share):
    within = []
    for seed in range(400):
        p, y, chance, truth = audited(seed, rate=rate, share=share, n=10_000)
        found = promise_kept(p, y, propensity=chance)
        within.append(found.low <= truth <= found.high)
    assert np.mean(within) >= 0.93


@pytest.mark.parametrize("expected", [0.5, 1, 3])
def test_few_expected_events_are_covered(expected):
    """Exactly, from the binomial distribution of the events."""
    n = 400
    chances = stats.binom(n, expected / n).pmf(np.arange(40))
    ends = [promise_kept(np.zeros(n), np.arange(n) < k) for k in range(40)]
    covered = sum(c for c, one in zip(chances, ends, strict=True) if one.low <= expected / n <= one.high)
    assert covered >= 0.95


def test_periods_stand_in_their_order_and_each_for_itself():
    p, y, chance, _ = audited(2)
    month = np.repeat([11, 2, 7, 3], len(y) // 4)
    found = promise_kept(p, y, propensity=chance, when=month)
    assert found.table.index.tolist() == [2, 3, 7, 11]
    one = promise_kept(p[month == 7], y[month == 7], propensity=chance[month == 7]).table.loc["all"]
    pd.testing.assert_series_equal(found.table.loc[7], one, check_names=False)
    whole = promise_kept(p, y, propensity=chance)
    alike = [(one.delivered, one.low, one.events) for one in (found, whole)]
    assert alike[0] == pytest.approx(alike[1], rel=1e-12)


@pytest.mark.parametrize(
    "when",
    [
        ["2026-02", "2026-01"],
        [datetime.date(2026, 2, 1), datetime.date(2026, 1, 1)],
        pd.to_datetime(["2026-02-01", "2026-01-01"]),
        pl.Series([2, 1]),
    ],
)
def test_periods_may_be_text_dates_or_numbers(when):
    assert promise_kept([0.1, 0.2], [0, 1], when=when).table["promised"].tolist() == [0.2, 0.1]


def test_a_period_without_a_label_is_told():
    found = promise_kept([0.1] * 4, [0, 1, np.nan, np.nan], propensity=0.5, when=[1, 1, 2, 3])
    assert found.table["labels"].tolist() == [2, 0, 0]
    assert found.table.loc[2, ["delivered", "low", "high", "ratio", "by_chance"]].isna().all()
    assert found.table["kept"].isna().tolist() == [False, True, True]
    assert "no label in 2 of 3 periods" in str(found)
    assert found.kept


def test_a_promise_of_a_tenth_is_found_out_and_a_true_one_is_not():
    broken = [promise_kept(p / 10, y, propensity=c).kept for p, y, c, _ in map(audited, range(50))]
    kept = [promise_kept(p, y, propensity=c).kept for p, y, c, _ in map(audited, range(200))]
    assert not any(broken)
    assert np.mean(kept) >= 0.95


def test_a_year_of_true_promises_is_hardly_ever_called_broken():
    """Twelve looks at 95 %: in more than a quarter of the years some month's interval misses; the year's word holds."""
    month = np.repeat(np.arange(12), 500)
    words = []
    for seed in range(150):
        y = np.random.default_rng([seed, 8]).random(6_000) < 0.1
        found = promise_kept(np.full(6_000, 0.1), y, when=month)
        words.append((found.kept, bool(found.table["kept"].all())))
    whole, each = np.mean(words, axis=0)
    assert whole >= 0.94
    assert each < 0.75


def test_no_event_has_an_upper_limit_and_an_infinite_ratio():
    found = promise_kept([0.01] * 100, [0] * 100)
    assert (found.delivered, found.low, found.events) == (0, 0, 0)
    assert found.high == pytest.approx(1 - 0.025**0.01)
    assert found.ratio == math.inf
    assert found.kept


def test_the_result_of_a_model():
    found = promise_kept([0.2] * 10, [1, 0] * 5)
    assert isinstance(found, PromiseKept)
    assert (
        str(found) == "promised 20.00 %, delivered 50.00 % (18.71 % to 81.29 %) by 5 events in 10 labels: not refuted"
    )
    assert found == promise_kept([0.2] * 10, [1, 0] * 5)
    assert found.to_dict()["table"][0]["labels"] == 10


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"p": [0.1, 1.1]}, ValueError, r"p must lie in \[0, 1\]; got 1.1 at row 1"),
        ({"p": ["0.1", "0.2"]}, TypeError, "p must be a column of numbers; got '0.1' at row 0"),
        ({"y": [0, 2]}, ValueError, "y must hold only 0 and 1; got 2"),
        ({"y": ["yes", "no"]}, TypeError, "y must be a column of numbers; got 'yes'"),
        ({"y": [0]}, ValueError, "must have the same length"),
        ({"y": pd.Series([0, 1], [1, 0]), "p": pd.Series([0.1, 0.2])}, ValueError, "same labels in the same order"),
        ({"propensity": [0.5, 0.0]}, ValueError, r"propensity must lie in \(0, 1\]; got 0 at row 1"),
        ({"propensity": 1.0000001}, ValueError, r"propensity must lie in \(0, 1\]; got 1.0000001"),
        ({"y": [0, np.nan]}, ValueError, "y must be known where propensity is 1"),
        ({"y": [np.nan, np.nan], "propensity": 0.5}, ValueError, "y must hold at least one label; got none"),
        ({"when": [1]}, ValueError, "p and y and when must have the same length"),
        ({"when": [1, np.nan]}, ValueError, "when must be known for each case; got none at row 1"),
        (
            {"when": [1, "2026-01"]},
            TypeError,
            "when must hold values of one kind, to be put in order; got int and str",
        ),
        ({"level": 0}, ValueError, "level must be > 0 and < 1; got 0"),
    ],
)
def test_promise_kept_refuses_in_words(wrong, error, says):
    with pytest.raises(error, match=says):
        promise_kept(**{"p": [0.1, 0.2], "y": [0, 1]} | wrong)


# group by group ------------------------------------------------------------------------------------------------------


def banded(seed, n=8_000):
    """A score that is right on average: too high in one segment, too low in the other."""
    rng = np.random.default_rng([seed, 15])
    p = rng.beta(2, 8, n)
    segment = np.where(np.arange(n) % 2, "new", "old")
    return p, (rng.random(n) < p * np.where(segment == "new", 1.4, 0.6)).astype(float), segment


def test_a_mean_that_is_kept_does_not_hide_groups_that_are_not():
    p, y, segment = banded(1)
    whole, groups = promise_kept(p, y), promise_kept(p, y, by=segment)
    assert whole.kept
    assert not groups.kept
    assert (groups.broken, groups.of) == (2, "group")
    assert (groups.delivered, groups.low, groups.high) == (whole.delivered, whole.low, whole.high)
    assert "not refuted as a whole, but broken in 2 of 2 groups, most clearly " in str(groups)
    periods = promise_kept(p, y, when=pd.Categorical(segment, ["new", "old"], ordered=True))
    assert "not refuted as a whole, but broken in 2 of 2 periods, most clearly " in str(periods)
    pd.testing.assert_frame_equal(groups.table[periods.table.columns], periods.table)


def test_the_whole_may_be_broken_where_no_group_alone_shows_it():
    y = np.arange(400) % 100 < 17
    found = promise_kept(np.full(400, 0.11), y, by=np.arange(400) // 100)
    assert (found.kept, found.broken) == (False, 0)
    assert str(found).endswith(": broken as a whole, although broken in none of 4 groups")
    kept = promise_kept(np.full(400, 0.17), y, by=np.arange(400) // 100)
    assert str(kept).endswith(": not refuted as a whole, and broken in none of 4 groups")
    both = promise_kept(np.full(400, 0.04), y, by=np.arange(400) // 100)
    assert "broken as a whole, and broken in 4 of 4 groups" in str(both)


def test_a_group_is_as_if_it_stood_alone():
    p, y, chance, _ = audited(3)
    segment = np.arange(len(p)) % 3
    found = promise_kept(p, y, propensity=chance, by=segment)
    here = segment == 2
    alone = promise_kept(p[here], y[here], propensity=chance[here]).table.loc["all"]
    pd.testing.assert_series_equal(found.table.loc[2, alone.index], alone, check_names=False)


def test_the_intervals_for_all_at_once_are_wider_and_say_what_is_broken():
    p, y, segment = banded(2)
    found = promise_kept(p, y, by=segment)
    wide = promise_kept(p, y, by=segment, level=1 - 0.05 / 3).table  # two groups and the whole
    assert found.table[["low_all", "high_all"]].to_numpy() == pytest.approx(wide[["low", "high"]].to_numpy())
    outside = (found.table["promised"] < found.table["low_all"]) | (found.table["promised"] > found.table["high_all"])
    assert found.table["broken"].tolist() == outside.tolist() == [True, True]


def test_true_promises_in_ten_bands_are_hardly_ever_called_broken():
    words = []
    for seed in range(150):
        rng = np.random.default_rng([seed, 16])
        p = rng.beta(1, 8, 3_000)
        found = promise_kept(p, rng.random(3_000) < p, by=pd.qcut(p, 10))
        words.append((found.kept, bool(found.table["kept"].all())))
    together, single = np.mean(words, axis=0)
    assert together >= 0.94
    assert single < 0.85


def test_bands_stand_in_their_order_under_their_names():
    p = np.linspace(0, 1, 101)
    found = promise_kept(p, p > 0.5, by=pd.cut(p, [-1, 0.09, 0.5, 1]))
    assert found.table.index.tolist() == ["(-1.0, 0.09]", "(0.09, 0.5]", "(0.5, 1.0]"]
    assert found.table["n"].tolist() == [10, 41, 50]
    assert found.to_dict()["table"][0]["index"] == "(-1.0, 0.09]"


def test_size_is_told_apart_from_being_broken():
    """A million cases, off by half a point: surely broken, and too small to matter."""
    n = 500_000
    y = np.arange(2 * n) % n < np.repeat([0.105, 0.13], n) * n
    found = promise_kept(np.full(2 * n, 0.1), y, by=np.repeat(["a", "b"], n), least=0.01)
    assert found.table["broken"].tolist() == [True, True]
    assert found.table["size"].tolist() == ["alike", "more"]
    assert str(found).endswith("; off by more than 1 point in 1, within it in 1, open in 0")
    small = promise_kept([0.1] * 40, [1] * 2 + [0] * 38, least=0.01)
    assert small.table["size"].tolist() == ["open"]
    assert str(small).endswith("in 0, within it in 0, open in 1")


def test_kept_is_said_only_within_a_stated_difference():
    words = {}
    for n in (400, 40_000):
        for least in (None, 0.02):
            found = promise_kept([0.1] * n, np.arange(n) % 10 == 0, least=least)
            words[n, least] = (found.kept, found.size, str(found).split(": ")[1].split(";")[0])
    assert words == {
        (400, None): (True, "", "not refuted"),
        (400, 0.02): (True, "open", "not refuted"),
        (40_000, None): (True, "", "not refuted"),
        (40_000, 0.02): (True, "alike", "kept within 2 points"),
    }
    assert (
        str(promise_kept([0.1] * 40_000, np.arange(40_000) % 4 == 0, least=0.02))
        .split(": ")[1]
        .startswith("broken by more than 2 points")
    )
    assert "broken, by less than 2 points" in str(
        promise_kept([0.11] * 40_000, np.arange(40_000) % 10 == 0, least=0.02)
    )


@pytest.mark.parametrize("names", [["jan", "feb"], ["2026-9", "2026-10"], ["W1", "Q1"]])
def test_periods_that_text_does_not_put_in_order_are_refused(names):
    with pytest.raises(ValueError, match=r"when holds .*such as 2026-03"):
        promise_kept([0.1] * 4, [0, 1, 0, 1], when=names * 2)
    with pytest.raises(ValueError, match="when holds "):
        ledger_promise(ledger_rows(7, n=50).assign(month=names * 25), when="month")
    ordered = pd.Categorical(names * 2, names, ordered=True)
    assert promise_kept([0.1] * 4, [0, 1, 0, 1], when=ordered).table.index.tolist() == names


def test_a_group_without_a_label_is_told():
    found = promise_kept([0.1] * 4, [0, 1, np.nan, np.nan], propensity=0.5, by=[*"aabc"], least=0.1)
    assert found.table["broken"].isna().tolist() == [False, True, True]
    assert found.table["size"].tolist() == ["open"] * 3
    assert str(found).endswith("no label in 2 of 3 groups")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"by": [*"abab"], "when": [1, 1, 2, 2]}, "when and by are two ways to part the cases"),
        ({"by": [*"aba"]}, "must have the same length"),
        ({"by": ["a", None, "b", "b"]}, "by must be known for each case; got none at row 1"),
        ({"least": 0}, "least must be > 0"),
    ],
)
def test_groups_are_refused_in_words(wrong, says):
    with pytest.raises(ValueError, match=says):
        promise_kept([0.1] * 4, [0, 0, 1, 0], **wrong)


# the promises of a policy -------------------------------------------------------------------------------------------


def ledger_rows(seed, n=20_000, effect=0.10, said=0.10, holdout=0.2, explore=0.02, worth=50.0, cost=2.0):
    """Customers with a known chance to buy; a call adds `effect`, the policy has promised `said`."""
    rng = np.random.default_rng([seed, 9])
    score = rng.uniform(0.05, 0.6, n)
    planned = np.where(score > 0.2, "call", "none")
    lot = rng.random(n)
    drawn = np.where((lot < holdout) & (planned == "call"), "holdout", "")
    drawn = np.where(lot > 1 - explore, "explore", drawn)
    action = np.select(
        [drawn == "holdout", drawn == "explore"], ["none", np.where(planned == "call", "none", "call")], planned
    )
    propensity = np.select(
        [action == planned, planned == "call"],
        [1 - explore - holdout * (planned == "call"), holdout + explore],
        explore,
    )
    bought = rng.random(n) < score + effect * (action == "call")
    return pd.DataFrame(
        {
            "score": score, "planned": planned, "action": action, "idle": "none", "drawn": drawn,
            "propensity": propensity, "cost": cost * (action == "call"),
            "expected_value": np.where(action == "call", said * worth - cost, 0.0),
            "mature": True, "y": bought.astype(float), "value": worth * bought,
        }
    )  # fmt: skip


def test_both_promises_by_hand():
    rows = ledger_rows(1)
    table = ledger_promise(rows).frame()
    alone = rows[rows["action"] == "none"]
    w = 1 / alone["propensity"]
    left = table.loc[("probability", "all")]
    assert left["promised"] == pytest.approx((w * alone["score"]).sum() / w.sum())
    assert left["delivered"] == pytest.approx((w * alone["y"]).sum() / w.sum())
    planned = rows[rows["planned"] == "call"]
    acted, held = planned[planned["drawn"] == ""], planned[planned["drawn"] == "holdout"]
    call = table.loc[("dollars", "call")]
    assert call["delivered"] == pytest.approx(acted["value"].mean() - held["value"].mean() - 2.0)
    assert (call["n"], call["held_out"]) == (len(acted), len(held))
    assert call["promised"] == pytest.approx(0.1 * 50 - 2)
    assert table.index.tolist() == [("probability", "all"), ("dollars", "call")], "leaving alone promises no dollars"


def test_kept_promises_are_kept_and_broken_ones_found():
    kept = [ledger_promise(ledger_rows(seed, n=8_000)).table["kept"].tolist() for seed in range(60)]
    assert (np.mean(kept, axis=0) >= 0.88).all()
    broken = [ledger_promise(ledger_rows(seed, n=8_000, said=0.3)).kept for seed in range(20)]
    assert not any(broken)
    rows = ledger_rows(3)
    wrong = ledger_promise(rows.assign(score=rows["score"] / 2)).table["kept"]
    assert wrong.tolist() == [False, True]


def test_the_words_of_a_ledgers_promises_follow_their_intervals():
    rows = ledger_rows(3)
    found = ledger_promise(rows)
    assert found.table["size"].tolist() == ["", ""]
    assert [part.split(", ")[-1] for part in str(found).split("; ")[:2]] == ["not refuted", "not refuted"]
    wide, narrow = ledger_promise(rows, least_rate=0.5, least_dollars=500), ledger_promise(rows, least_dollars=1e-9)
    assert wide.table["size"].tolist() == ["alike", "alike"]
    assert [part.split(", ")[-1] for part in str(wide).split("; ")[:2]] == ["kept within 50 points", "kept within $500"]
    assert narrow.table["size"].tolist() == ["", "open"]
    assert "broken by more than 0.1 points" in str(
        ledger_promise(rows.assign(score=rows["score"] / 2), least_rate=1e-3)
    )
    with pytest.raises(ValueError, match="least_dollars must be > 0"):
        ledger_promise(rows, least_dollars=0)


def test_what_was_left_out_is_counted():
    rows = ledger_rows(4, n=4_000)
    young = np.arange(len(rows)) < 500
    rows["mature"] = ~young
    rows["score"] = rows["score"].where(np.arange(len(rows)) % 10 != 9)
    rows["expected_value"] = rows["expected_value"].where(np.arange(len(rows)) % 20 != 19)
    rows.loc[young, ["y", "value"]] = np.nan
    found, old = ledger_promise(rows), rows[~young]
    assert found.immature == 500
    assert found.explored == (old["drawn"] == "explore").sum()
    assert found.without_score == (old["score"].isna() & (old["action"] == "none")).sum()
    acted = (old["action"] != "none") & (old["drawn"] != "explore")
    assert found.without_expected == (old["expected_value"].isna() & acted).sum()
    assert found == ledger_promise(rows.assign(drawn=rows["drawn"].replace("", None))), "no lot may be null"
    assert found == ledger_promise(old).__class__(**{**vars(ledger_promise(old)), "immature": 500})


def test_why_a_promise_cannot_be_checked():
    rows = ledger_rows(5, n=3_000)
    why = {
        "nobody was held out": rows[rows["drawn"] != "holdout"],
        "outcomes without a value": rows.assign(value=rows["value"].where(rows["y"] == 0)),
        "no expected value was written down": rows.assign(expected_value=np.nan),
        "too few events": rows.assign(value=0.0),
    }
    for words, changed in why.items():
        row = ledger_promise(changed).frame().loc[("dollars", "call")]
        assert words in row["why"], words
        assert row["kept"] is pd.NA
        assert math.isnan(row["low"]) or words.startswith("no expected")
        assert words in str(ledger_promise(changed))
    alone = ledger_promise(rows.assign(score=np.nan))
    assert alone.frame().loc[("probability", "all"), "why"] == "no case with a score was left alone"
    nothing = ledger_promise(rows.assign(score=np.nan, expected_value=np.nan))
    assert nothing.kept is None


def test_periods_and_the_passage_from_matured():
    rows = ledger_rows(6, n=2_000).drop(columns=["mature", "y", "value"])
    rows = rows.assign(case=np.arange(2_000).astype(str), time=pd.Timestamp("2026-01-05"), month=np.arange(2_000) % 2)
    came = rows[::3].assign(kind="bought", value=50.0, arrival=pd.Timestamp("2026-01-09"))
    found = matured(
        rows, came[["case", "time", "kind", "value", "arrival"]], as_of="2026-02-01", delay=lambda a: a >= 20
    )
    checked = ledger_promise(found, when="month")
    assert isinstance(checked, LedgerPromise)
    assert checked == ledger_promise(found.labels, when="month")
    assert checked.frame().index.tolist() == [("probability", 0), ("probability", 1), ("dollars", "call")]
    assert "left alone (0): promised" in str(checked)
    assert checked.to_dict()["table"][2]["of"] == "call"


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"mature": False}, ValueError, "at least one mature row"),
        ({"propensity": 0.0}, ValueError, r"propensity must lie in \(0, 1\]"),
        ({"score": 2.0}, ValueError, r"score must lie in \[0, 1\]"),
        ({"planned": 3}, TypeError, "planned must hold text; got 3 at row 0"),
        ({"y": np.nan}, ValueError, "y must hold finite numbers"),
    ],
)
def test_ledger_promise_refuses_in_words(change, error, says):
    with pytest.raises(error, match=says):
        ledger_promise(ledger_rows(7, n=50).assign(**change))
    with pytest.raises(ValueError, match="found must have the columns drawn"):
        ledger_promise(ledger_rows(7, n=50).drop(columns="drawn"))
    with pytest.raises(TypeError, match="found must be a DataFrame"):
        ledger_promise(None)


def test_series_with_other_labels_are_refused_whichever_it_is():
    names = [f"c{i}" for i in range(20)]
    p, y = pd.Series(0.5, index=names), pd.Series([0.0, 1.0] * 10, index=names)
    for name in ("propensity", "when"):
        with pytest.raises(ValueError, match=f"p and {name} must be Series with the same labels in the same order"):
            promise_kept(p, y, **{name: pd.Series(1.0, index=names[::-1])})


def test_each_period_has_its_own_verdict():
    """Half of all 40 come in both months; 0.5 was promised for the first and 0.05 for the second."""
    found = promise_kept(np.repeat([0.5, 0.05], 40), [0, 1] * 40, when=np.repeat([1, 2], 40))
    assert found.table["kept"].to_list() == [True, False]
    assert found.table.loc[1, "by_chance"] == 1.0
    assert found.table.loc[2, "by_chance"] == pytest.approx(2 * stats.binom.sf(19, 40, 0.05))
    assert not found.kept


def test_events_in_money_are_amounts_beyond_the_usual_one_that_weigh_something():
    mean, low, high, events = _weighted_money(np.array([0.0, 0, 0, 5, 7, 0]), np.array([1.0, 1, 1, 1, 0, 2]), 0.9)
    assert (mean, events) == (pytest.approx(5 / 6), 1)
    assert np.isnan([low, high]).all()


def test_the_cost_of_an_action_is_weighed_as_its_value_is():
    """Eight acted on: four of weight 1 that cost $1, four of weight 3 that cost $2; nothing came of the eight left."""
    acted = np.arange(16) < 8
    w, cost = np.tile([1.0, 3.0], 8), np.where(acted, np.tile([1.0, 2.0], 8), 0.0)
    value = np.where(acted, np.arange(16.0), 0.0)
    row = _delivered_dollars(acted, ~acted, value, w, cost, np.full(16, 2.0), 0.95)
    assert row["promised"] == 2
    assert row["delivered"] == pytest.approx((0 + 2 + 4 + 6 + 3 * (1 + 3 + 5 + 7)) / 16 - (4 * 1 + 12 * 2) / 16)


@pytest.mark.parametrize("entry", [1.5, 3, True])
def test_names_are_text_or_absent(entry):
    assert _names_or_none(pd.Series(["mail", None, math.nan, pd.NA], dtype=object), "planned").tolist() == [
        "mail", None, None, None,
    ]  # fmt: skip
    with pytest.raises(TypeError, match=r"planned must hold text; got .* at row 1"):
        _names_or_none(pd.Series(["mail", entry], dtype=object), "planned")


def test_what_was_not_checked_has_no_cases_and_no_events():
    nothing = _unchecked("nobody") | delivered_rate(np.empty(0), np.empty(0), 0.5, 0.95)
    assert (_unchecked("nobody")["n"], _unchecked("nobody")["events"], nothing["events"]) == (0, 0, 0)
    assert (nothing["promised"], nothing["n_eff"], nothing["kept"]) == (0.5, 0.0, None)


def test_a_decision_that_comes_twice_is_refused():
    rows = ledger_rows(7, n=50).assign(case=np.arange(50), time=pd.Timestamp("2026-03-01"))
    with pytest.raises(ValueError, match=r"found must have each case and time once; got '3' at 2026-03-01.* twice"):
        ledger_promise(pd.concat([rows, rows[3:5]]))


@pytest.mark.parametrize(("promised", "kept"), [(4.5, True), (-2.0, False), (12.0, False)])
def test_a_promise_in_dollars_is_kept_inside_the_interval_and_broken_on_either_side(promised, kept):
    """200 acted on bring $1 to $11 each, $6 on average, and cost $1; each second one left alone brings $1."""
    acted = np.arange(400) < 200
    value, cost = np.where(acted, 1.0 + np.arange(400) % 11, np.arange(400) % 2), np.where(acted, 1.0, 0.0)
    row = _delivered_dollars(acted, ~acted, value, np.ones(400), cost, np.full(400, promised), 0.95)
    assert row["low"] < 4.5 < row["high"]
    assert row["kept"] is kept
