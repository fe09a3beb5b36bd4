"""What silence could hold at worst, and a stated sample for a model on millions of rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mllayers.data import adversarial_validation, bounds_without_audit


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0, None]), st.booleans(), st.integers(0, 9)), min_size=1, max_size=40)
)
@settings(max_examples=200, deadline=None)
def test_the_worst_cases_are_the_ends_of_all_that_agrees_with_the_file(rows):
    y, inspected, value = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    inspected = (inspected == 1) & ~np.isnan(y)
    found = bounds_without_audit(y, inspected, value=value)
    silent = ~inspected & (y != 1)
    for filled, rate, dollars in ((0.0, found.low, found.money_low), (1.0, found.high, found.money_high)):
        truth = np.where(silent, filled, np.nan_to_num(y))
        assert rate == pytest.approx(truth.mean())
        assert dollars == pytest.approx(truth @ value)
    assert (found.found + found.reported, found.silent) == (found.events, silent.sum())
    assert found.n == len(rows)
    assert np.isnan(found.reported_low)
    assert np.isnan(found.chance_high)


@pytest.mark.parametrize(
    ("reports", "most", "rates"), [(0, 300, (0.05, 0.2)), (3, 400, (0.1, 0.5)), (7, 9, (0.2, 0.9))]
)
def test_the_chance_of_a_report_is_that_of_the_binomial_law(reports, most, rates):
    y = np.r_[np.ones(reports), np.full(most - reports, np.nan)]
    found = bounds_without_audit(y, np.zeros(most, dtype=bool), report_rate=rates)
    possible = np.arange(reports, most + 1)
    few = possible[stats.binom.sf(reports - 1, possible, rates[1]) > 0.025]
    many = possible[stats.binom.cdf(reports, possible, rates[0]) > 0.025]
    assert (found.chance_low * most, found.chance_high * most) == pytest.approx((few.min(), many.max()))
    assert found.reported_low * most == pytest.approx(min(reports / rates[1], most))
    assert found.reported_high * most == pytest.approx(min(reports / rates[0], most))


@pytest.mark.parametrize(("events", "rate"), [(1, 0.3), (8, 0.1), (60, 0.2), (400, 0.05)])
def test_the_interval_holds_the_number_of_events_as_often_as_it_says(events, rate):
    rng, n = np.random.default_rng(events), 1_000
    truth = np.arange(n) < events
    held = 0
    for _ in range(1_000):
        y = np.where(truth & (rng.random(n) < rate), 1.0, np.nan)
        found = bounds_without_audit(y, np.zeros(n, dtype=bool), report_rate=rate)
        held += found.chance_low <= events / n + 1e-12 and events / n <= found.chance_high + 1e-12
    assert held >= 1_000 * 0.95 - 2 * np.sqrt(1_000 * 0.95 * 0.05)


def test_everybody_who_reports_leaves_no_doubt():
    y = np.array([1.0, np.nan, np.nan, 0.0])
    found = bounds_without_audit(y, [False, False, False, True], report_rate=1.0)
    assert (found.reported_low, found.reported_high, found.chance_low, found.chance_high) == (0.25,) * 4
    assert "100 %" in repr(found)


def test_a_group_has_the_bounds_of_its_own_cases():
    rng = np.random.default_rng(5)
    inspected, kind = rng.random(500) < 0.3, rng.choice(["digital", "goods"], 500)
    inspected &= kind == "goods"
    y = np.where(inspected, rng.random(500) < 0.2, np.where(rng.random(500) < 0.01, 1.0, np.nan))
    found = bounds_without_audit(y, inspected, report_rate=(0.1, 0.3), by=kind)
    table = found.frame()
    assert table["n"].sum() == 500
    alone = bounds_without_audit(y[kind == "digital"], inspected[kind == "digital"], report_rate=(0.1, 0.3))
    row = table.loc["digital"]
    assert row["inspected"] == 0
    assert (row["low"], row["high"], row["chance_low"], row["chance_high"]) == (
        alone.low, alone.high, alone.chance_low, alone.chance_high,
    )  # fmt: skip
    assert "only an audit or an assumption can" in repr(bounds_without_audit(y, inspected))


@pytest.mark.parametrize(
    ("changed", "error", "told"),
    [
        ({"y": [1, np.nan]}, ValueError, "y must be known where inspected is True; got nan at row 1"),
        ({"report_rate": 0.0}, ValueError, "report_rate"),
        ({"report_rate": (0.5, 0.1)}, ValueError, "report_rate must go from the smaller"),
        ({"report_rate": (0.1, 0.2, 0.3)}, ValueError, "report_rate must be one share or two"),
        ({"report_rate": "half"}, TypeError, "report_rate"),
        ({"value": -1.0}, ValueError, "value must be ≥ 0"),
        ({"inspected": [1, 0]}, TypeError, "inspected"),
    ],
)
def test_what_is_refused(changed, error, told):
    with pytest.raises(error, match=told):
        bounds_without_audit(**({"y": [1, 0], "inspected": [False, True]} | changed))


# --- a sample for a model


def two_samples(n):
    rng = np.random.default_rng(0)
    old = pd.DataFrame({"amount": rng.lognormal(4, 1, n), "device": rng.choice(["a", "b"], n)})
    new = pd.DataFrame({"amount": rng.lognormal(4.4, 1, n), "device": rng.choice(["a", "b"], n)})
    return old, new


def test_a_sample_is_drawn_by_the_seed_and_said():
    old, new = two_samples(6_000)
    found = adversarial_validation(old, new.head(900), max_rows=1_000, seed=3)
    assert (found.n_reference, found.n_current, found.of_reference, found.of_current) == (1_000, 900, 6_000, 900)
    assert "on 1,000 of 6,000 and 900 of 900 rows, drawn at random" in repr(found)
    assert found == adversarial_validation(old, new.head(900), max_rows=1_000, seed=3)
    assert found != adversarial_validation(old, new.head(900), max_rows=1_000, seed=4)
    whole = adversarial_validation(old, new)
    some = adversarial_validation(old, new, max_rows=2_000)
    assert some.low < whole.auc < some.high
    assert some.se > whole.se


def test_where_there_are_no_more_rows_all_are_looked_at():
    old, new = two_samples(300)
    assert adversarial_validation(old, new, max_rows=300) == adversarial_validation(old, new)
    assert "drawn at random" not in repr(adversarial_validation(old, new, max_rows=300))
    with pytest.raises(ValueError, match="max_rows must be ≥ 50"):
        adversarial_validation(old, new, max_rows=49)
