"""Layer 4, Action: did chance make the groups?"""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, binom, binomtest, chi2, f_oneway
from statsmodels.api import GLM, OLS, add_constant, families

from mllayers import shop
from mllayers.action import RandomisationCheck, check_randomised


@pytest.fixture(scope="module")
def people():
    customers = shop.make_customers(20_000, seed=7)
    known = [name for name in customers if not name.startswith("_") and name != "customer_id"]
    return customers[known]


def draw(people, seed, n):
    rng = np.random.default_rng([seed, n])
    return rng, people.iloc[rng.integers(len(people), size=n)].reset_index(drop=True)


@pytest.mark.parametrize(("treated", "n", "share"), [(480, 1_000, 0.5), (130, 1_000, 0.1), (3, 20, 0.3)])
def test_the_sample_ratio_is_the_exact_binomial_test(treated, n, share):
    found = check_randomised(np.arange(n) < treated, share=share)
    assert found.ratio_p == binomtest(treated, n, share).pvalue
    law = binom.pmf(np.arange(n + 1), n, share)
    assert found.ratio_p == pytest.approx(law[law <= law[treated] * (1 + 1e-7)].sum())
    assert math.isnan(found.balance_p)


def test_one_share_per_case_has_its_exact_law():
    """Two shares: the sum of two binomials; and beyond 2,000 cases the normal law agrees with it."""
    for n in (400, 2_400):
        share = np.where(np.arange(n) % 4 == 0, 0.7, 0.2)
        law = np.convolve(
            binom.pmf(np.arange(n // 4 + 1), n // 4, 0.7), binom.pmf(np.arange(3 * n // 4 + 1), 3 * n // 4, 0.2)
        )
        treated = int(share.sum()) + 22
        tail = 2 * min(law[: treated + 1].sum(), law[treated:].sum())
        assert check_randomised(np.arange(n) < treated, share=share).ratio_p == pytest.approx(tail, rel=0.03)
        if n <= 2_000:
            assert check_randomised(np.arange(n) < treated, share=share).ratio_p == pytest.approx(tail)


def test_balance_is_the_f_test_of_a_regression_on_the_ranks(people):
    """With one share for all, Hansen and Bowers' statistic is n R²; statsmodels has the same F test."""
    rng, x = draw(people, 1, 600)
    treated = rng.random(600) < 0.4
    found = check_randomised(treated, x, share=0.4)
    fit = OLS(treated.astype(float), add_constant(x.rank())).fit()
    assert found.balance_p == pytest.approx(fit.f_pvalue)
    assert found.columns == x.shape[1]
    assert found.balance_p == pytest.approx(chi2.sf(600 * fit.rsquared, x.shape[1]), abs=0.03)


def test_one_category_column_is_an_analysis_of_variance():
    rng = np.random.default_rng(2)
    plan, treated = rng.choice(list("SML"), 300), rng.random(300) < 0.5
    found = check_randomised(treated, pd.DataFrame({"plan": plan}), share=0.5)
    assert found.balance_p == pytest.approx(f_oneway(*[treated[plan == one].astype(float) for one in "SML"]).pvalue)
    assert (found.columns, found.frame()["value"].tolist()) == (2, ["L", "M", "S"])


def test_the_table_by_hand():
    x = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0, 5.0, 9.0], "same": 1.0})
    treated = np.array([1, 0, 1, 0, 1, 0])
    found = check_randomised(treated, x, share=0.5)
    row, same = found.frame().to_dict("records")
    assert (row["treated"], row["held_out"]) == (3, 5)
    assert row["difference"] == pytest.approx(-2 / math.sqrt((np.var([1, 3, 5]) + np.var([2, 4, 9])) / 2))
    assert (same["difference"], same["note"]) == (0, "the same for all")
    assert found.columns == 1


@pytest.mark.parametrize("share", [0.5, 0.2, None])
def test_false_alarms_come_as_often_as_stated(people, share):
    """Skewed and missing numbers, common and rare categories; at 10 %, where 250 draws can tell."""
    alarms = 0
    for seed in range(250):
        rng, x = draw(people, seed, 300)
        x["plan"] = rng.choice(list("abcdef"), 300, p=[0.5, 0.2, 0.2, 0.06, 0.02, 0.02])
        x.loc[rng.random(300) < 0.1, "clv_usd"] = np.nan
        chance = np.full(300, share) if share else np.where(x["tenure_months"] > 12, 0.7, 0.3)
        alarms += not check_randomised(rng.random(300) < chance, x, share=chance, alpha=0.1).passed
    assert 0.045 <= alarms / 250 <= 0.15


@pytest.mark.parametrize(("n", "lean", "least"), [(1_000, 0.1, 0.8), (2_000, 0.1, 0.98), (500, 0.2, 0.98)])
def test_a_pilot_that_leans_to_high_values_is_found(people, n, lean, least):
    found = 0
    for seed in range(60):
        rng, x = draw(people, seed, n)
        chance = 0.5 + np.where(x["clv_usd"] > people["clv_usd"].median(), lean, -lean)
        found += not check_randomised(rng.random(n) < chance, x, share=0.5).passed
    assert found / 60 >= least
    rng, x = draw(people, 99, n)
    chance = 0.5 + np.where(x["clv_usd"] > people["clv_usd"].median(), lean, -lean)
    told = check_randomised(rng.random(n) < chance, x, share=chance)
    assert told.balance_p > 0.005  # with the true share of each case there is nothing to find


def test_a_wrong_share_is_found_by_the_ratio():
    treated = np.random.default_rng(3).random(4_000) < 0.46
    found = check_randomised(treated, share=0.5)
    assert found.ratio_p < 0.005
    assert str(found).endswith(
        "chance did not make these groups as stated (at 1 % false alarms): do not read an effect"
    )
    assert check_randomised(treated, share=0.46).passed


def test_missing_more_often_in_one_group_is_found():
    rng = np.random.default_rng(4)
    treated, x = rng.random(2_000) < 0.5, pd.Series(rng.normal(size=2_000))
    x[treated & (rng.random(2_000) < 0.2)] = np.nan
    found = check_randomised(treated, pd.DataFrame({"x": x}), share=0.5)
    assert not found.passed
    assert found.frame()["value"].tolist() == ["", "(missing)"]
    assert check_randomised(treated, pd.DataFrame({"x": pd.Series([np.nan] * 2_000)}), share=0.5).columns == 0


def test_every_kind_of_column_is_compared():
    rng = np.random.default_rng(5)
    n = 500
    x = pd.DataFrame(
        {
            "flag": rng.random(n) < 0.3,
            "whole": pd.array(rng.integers(9, size=n), dtype="Int64"),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(90, size=n), "D"),
            "zone": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.integers(90, size=n), "D"),
            "plan": pd.Categorical(rng.choice(list("SML"), n)),
            "id": [f"c{i}" for i in range(n)],
            0: rng.normal(size=n),
        }
    )
    x.loc[3, "whole"], x.loc[4, "day"], x.loc[5, "plan"] = pd.NA, pd.NaT, None
    found = check_randomised(rng.random(n) < 0.5, x, share=0.5)
    names = found.frame().assign(which=lambda t: t["column"] + t["value"])["which"].tolist()
    assert names == [
        *("flag", "whole", "whole(missing)", "day", "day(missing)", "zone"),
        *("planL", "planM", "planS", "plan(missing)", "id(rare)", "0"),
    ]
    assert found.frame().set_index("column").loc["id", "note"] == "the same for all"
    assert 0 < found.balance_p <= 1


def test_a_column_twice_or_in_other_units_changes_nothing(people):
    rng, x = draw(people, 6, 400)
    treated = rng.random(400) < 0.5
    once = check_randomised(treated, x, share=0.5)
    twice = check_randomised(treated, x.assign(again=x["clv_usd"], cents=100 * x["clv_usd"]), share=0.5)
    assert (twice.columns, twice.balance_p) == (once.columns, pytest.approx(once.balance_p))


def test_two_tests_share_one_alarm_rate(people):
    """A ratio between alpha / 2 and alpha raises the alarm alone, and not beside a second test."""
    rng, x = draw(people, 7, 1_000)
    treated = np.zeros(1_000)
    treated[rng.permutation(1_000)[:458]] = 1
    alone, both = check_randomised(treated, share=0.5), check_randomised(treated, x[["recency_days"]], share=0.5)
    assert 0.005 < alone.ratio_p < 0.01
    assert not alone.passed
    assert both.passed


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"share": 1.0}, ValueError, r"share must lie in \(0, 1\); got 1 at row 0"),
        ({"share": [0.5] * 9}, ValueError, "treated and share must have the same length"),
        ({"share": None}, TypeError, "share must be a number"),
        ({"treated": [0] * 9 + [1]}, ValueError, "at least two cases in each group; got 1 treated of 10"),
        ({"treated": ["yes"] * 10}, TypeError, "treated must be a column of numbers"),
        ({"covariates": [1] * 10}, TypeError, "covariates must be a DataFrame"),
        ({"covariates": pd.DataFrame({"x": range(9)})}, ValueError, "treated has 10, covariates has 9"),
        ({"covariates": pd.DataFrame(np.random.default_rng(1).normal(size=(10, 9)))}, ValueError, "far fewer columns"),
        ({"covariates": pd.DataFrame({"x": [np.inf] * 10})}, ValueError, "x must hold finite numbers"),
        ({"alpha": 5}, ValueError, "alpha must be > 0 and < 1"),
    ],
)
def test_it_refuses_in_words(wrong, error, says):
    given = {"treated": [0, 1] * 5, "share": 0.5} | wrong
    with pytest.raises(error, match=says):
        check_randomised(given.pop("treated"), given.pop("covariates", None), **given)


def test_labels_in_another_order_are_refused(people):
    x = people.head(100)
    treated = pd.Series(np.arange(100) % 2, index=x.index)
    assert check_randomised(treated, x, share=0.5).passed
    with pytest.raises(ValueError, match="same labels in the same order"):
        check_randomised(treated.iloc[::-1], x, share=0.5)


def test_the_result_reads_as_one_line(people):
    rng, x = draw(people, 8, 1_000)
    treated = rng.random(1_000) < 0.5
    found = check_randomised(treated, x, share=0.5)
    assert isinstance(found, RandomisationCheck)
    assert str(found).startswith(f"{treated.sum()} of 1,000 cases treated ({treated.mean():.1%}".replace("%", " %"))
    assert "groups alike in 9 columns: p = " in str(found)
    assert str(found).endswith("nothing speaks against chance (at 1 % false alarms)")
    assert found == check_randomised(treated, x, share=0.5)


def test_balance_with_a_share_per_case_is_the_score_test_of_a_logistic_regression(people):
    """Offsets logit(share) and an intercept that fits the number treated; its score over its information."""
    rng, x = draw(people, 2, 500)
    share = np.where(rng.random(500) < 0.3, 0.8, 0.15)
    share[x.iloc[:, 0] > x.iloc[:, 0].median()] *= 0.9
    treated = (rng.random(500) < share).astype(float)
    offset = np.log(share / (1 - share))
    f = GLM(treated, np.ones(500), family=families.Binomial(), offset=offset).fit(tol=1e-12).fittedvalues
    design = add_constant(x.rank().to_numpy())
    score = design.T @ (treated - f)
    away = score @ np.linalg.solve(design.T @ (design * (f * (1 - f))[:, None]), score)
    k = x.shape[1]
    found = check_randomised(treated, x, share=share)
    assert found.balance_p == pytest.approx(beta.sf(away / 500, k / 2, (499 - k) / 2), rel=1e-6)


def test_columns_in_another_order_than_the_treated_are_refused(people):
    rng, x = draw(people, 1, 100)
    treated = pd.Series(rng.random(100) < 0.5, index=x.index)
    with pytest.raises(ValueError, match="treated and covariates must be Series with the same labels"):
        check_randomised(treated, x[::-1], share=0.5)


def test_a_value_of_ten_cases_is_compared_and_one_of_nine_is_rare():
    plans = pd.DataFrame({"plan": ["S"] * 10 + ["M"] * 9 + ["L"] * 30 + ["XL"] * 9})
    table = check_randomised(np.arange(58) % 2, plans, share=0.5).table
    assert table["value"].to_list() == ["L", "S", "(rare)"]
    assert table["note"].to_list() == ["", "", "2 values that fewer than 10 cases have"]


def test_as_many_treated_as_expected_has_a_chance_of_1():
    assert check_randomised([1, 0, 1, 0, 1, 0], share=[0.6, 0.4, 0.5, 0.5, 0.5, 0.5]).ratio_p == 1.0


def test_a_frame_of_another_length_is_refused():
    with pytest.raises(ValueError, match="treated and covariates must have the same length; treated has 40"):
        check_randomised(np.arange(40) % 2, pd.DataFrame({"x": range(41)}), share=0.5)


def test_columns_of_one_name_are_refused():
    double = pd.DataFrame(np.arange(40.0).reshape(20, 2), columns=["a", "a"])
    with pytest.raises(ValueError, match="covariates must have each column once; got 'a' twice"):
        check_randomised([0, 1] * 10, double, share=0.5)
