"""Layer 4, Action: the effect of each planned action from the rows of a ledger alone."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mllayers.action import LedgerEffect, ledger_effect, uplift_effect
from mllayers.decision import Action, Policy, Tier, Tiers
from mllayers.feedback import matured
from mllayers.ledger import Ledger

ACTIONS = ("voucher", "call", "nothing")
LIFT = {"voucher": 0.08, "call": 0.15, "nothing": 0.0}
COST = {"voucher": 5.0, "call": 9.0, "nothing": 0.0}
WORTH = 100.0


def campaign(seed, n=3_000, explore=0.05, months=2):
    """Rows as a plan and its outcomes leave them; the hold-out changes from month to month, with the kind of customer.

    The planned action depends on the customer's score, so that only rows planned for the same action can be compared.
    """
    rng = np.random.default_rng([seed, 4])
    month, score = rng.integers(months, size=n), rng.random(n)
    planned = np.where(score > 0.7, "call", np.where(score > 0.2, "voucher", "nothing"))
    held, each = np.where(month == 0, 0.1, 0.4), explore / len(ACTIONS)
    lot, third = rng.random(n), np.array(ACTIONS)[rng.integers(len(ACTIONS), size=n)]
    idle = planned == "nothing"
    held = np.where(idle, 0, held)
    out = lot < held
    tried = ~out & (lot < held + explore)
    action = np.where(out, "nothing", np.where(tried, third, planned))
    drawn = np.where(out, "holdout", np.where(tried & (third != planned), "explore", ""))
    chance = (1 - held - explore) * (action == planned) + held * (action == "nothing") + each
    base = 0.05 + 0.2 * score + 0.2 * month  # later customers stay more often, and are held out more often
    y = (rng.random(n) < base + np.array([LIFT[a] for a in action])).astype(float)
    value = y * WORTH * rng.lognormal(-0.18, 0.6, n)
    return pd.DataFrame(
        {
            "case": np.arange(n).astype(str),
            "time": pd.Timestamp("2026-03-01"),
            "segment": np.where(score > 0.5, "loyal", "new"),
            "planned": planned,
            "action": action,
            "idle": "nothing",
            "drawn": drawn,
            "propensity": np.where(idle & (action == planned), 1 - explore + each, chance),
            "cost": [COST[a] for a in action],
            "y": y,
            "value": value,
            "mature": rng.random(n) < 0.9,
        }
    )


def test_the_effect_of_one_action_is_that_of_uplift_effect():
    rows = campaign(1)
    found = ledger_effect(SimpleNamespace(labels=rows)).frame().set_index("planned")
    assert list(found.index) == ["call", "voucher"]
    for name in found.index:
        here = rows[(rows["planned"] == name) & rows["mature"] & rows["action"].isin([name, "nothing"])]
        alone = uplift_effect(
            here["y"], here["action"] == name, value=here["value"], propensity=here["propensity"] / here_share(here)
        )
        row = found.loc[name]
        assert (row["rate"], row["low"], row["high"]) == pytest.approx((alone.rate, alone.low, alone.high))
        dollars = (alone.money, alone.money_low, alone.money_high)
        assert (row["dollars"], row["dollars_low"], row["dollars_high"]) == pytest.approx(dollars)
        assert (row["treated"], row["held_out"], row["events"]) == (alone.treated, alone.held_out, alone.events)
        assert row["cost"] == pytest.approx(COST[name])
        assert row["net"] == pytest.approx(alone.money - COST[name])
        assert row["net_high"] - row["net"] == pytest.approx(alone.money_high - alone.money)


def here_share(rows):
    """Explored rows are gone: the others had the chance they had, given that they are not among them."""
    return 1 - 0.05 / len(ACTIONS)


def test_by_hand_with_weights():
    rows = campaign(2)
    ripe = rows[rows["mature"] & (rows["planned"] == "call")]
    rates = []
    for action in ("call", "nothing"):
        arm = ripe[ripe["action"] == action]
        rates.append(sum(arm["y"] / arm["propensity"]) / sum(1 / arm["propensity"]))
    found = ledger_effect(rows).frame()
    assert found.loc[0, "rate"] == pytest.approx(rates[0] - rates[1])


def test_what_is_left_out_is_counted():
    rows = campaign(3)
    rows["override"] = np.where(np.arange(len(rows)) % 50 == 0, "call", None)
    found = ledger_effect(rows)
    ripe = rows[rows["mature"]]
    third = (ripe["planned"] != "nothing") & ~ripe["action"].isin(["nothing"]) & (ripe["action"] != ripe["planned"])
    assert found.waiting == (~rows["mature"]).sum()
    assert found.explored == third.sum() > 0
    assert found.overridden == ripe["override"].notna().sum() > 0
    assert found.frame().equals(ledger_effect(rows.drop(columns="override")).frame())
    assert f"{found.waiting:,} not mature; {found.explored:,} explored; {found.overridden:,} overridden" in str(found)


def test_the_interval_covers_the_truth_at_its_rate_over_600_campaigns():
    """Rate, dollars and net, for both actions; without the weights the changing hold-out would bias all of them."""
    truth = {name: (LIFT[name], LIFT[name] * WORTH, LIFT[name] * WORTH - COST[name]) for name in ("call", "voucher")}
    held, counted, found = np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((600, 2, 3))
    for seed in range(600):
        table = ledger_effect(campaign(seed, n=1_500)).frame().set_index("planned")
        for k, name in enumerate(truth):
            row = table.loc[name]
            low = np.array([row["low"], row["dollars_low"], row["net_low"]])
            held[k] += (low <= truth[name]) & (
                truth[name] <= np.array([row["high"], row["dollars_high"], row["net_high"]])
            )
            counted[k] += ~np.isnan(low)
            found[seed, k] = [row["rate"], row["dollars"], row["net"]]
    assert (counted >= 590).all()
    assert (held / counted >= 0.93).all()
    assert (held / counted <= 0.985).all()
    away = found.mean(axis=0) - list(truth.values())
    assert (np.abs(away) < 3 * found.std(axis=0) / math.sqrt(600)).all()


def test_by_segment_and_in_any_order_of_rows():
    rows = campaign(5)
    found = ledger_effect(rows, by=("planned", "segment"))
    assert found.frame()[["planned", "segment"]].to_numpy().tolist() == [
        ["call", "loyal"],
        ["voucher", "loyal"],
        ["voucher", "new"],
    ]
    again = ledger_effect(rows.sample(frac=1, random_state=1), by=("planned", "segment"))
    pd.testing.assert_frame_equal(found.frame(), again.frame())
    one = ledger_effect(rows[rows["segment"] == "loyal"]).frame().set_index("planned")
    assert found.frame().loc[1, "rate"] == pytest.approx(one.loc["voucher", "rate"])
    without = ledger_effect(rows.assign(segment=None), by=("planned", "segment")).frame()
    assert without["segment"].tolist() == ["", ""]


def test_a_group_without_a_hold_out_gets_a_reason_and_no_number():
    rows = campaign(6, explore=0.0)
    rows = rows[(rows["planned"] != "call") | (rows["drawn"] == "")]
    found = ledger_effect(rows)
    call, voucher = found.frame().to_dict("records")
    assert call["reason"] == "only 0 cases held out"
    assert math.isnan(call["rate"])
    assert math.isnan(call["net_low"])
    assert call["treated"] > 100
    assert voucher["reason"] == ""
    assert not math.isnan(voucher["rate"])
    assert str(found).startswith("call: only 0 cases held out; voucher: +")


def test_without_an_idle_action_there_is_nobody_to_compare_with():
    rows = campaign(7, explore=0.0)
    rows = rows[rows["drawn"] == ""].assign(idle=None)
    assert set(ledger_effect(rows).frame()["reason"]) == {"only 0 cases held out"}


def test_propensities_that_do_not_fit_the_lots_get_a_reason():
    rows = campaign(8)
    reasons = ledger_effect(rows.assign(propensity=0.9)).frame()["reason"]
    assert reasons.str.contains(r"1 / propensity of those .* average 0\.\d\d where 1 is expected").all()
    assert ledger_effect(rows.assign(propensity=0.05)).frame()["reason"].str.contains("must average 1").all()


def test_a_value_that_nobody_stated_leaves_the_dollars_unknown():
    rows = campaign(9)
    first = rows.index[(rows["planned"] == "call") & (rows["action"] == "call") & rows["mature"] & (rows["y"] == 1)][0]
    rows.loc[first, "value"] = np.nan
    call, voucher = ledger_effect(rows).frame().to_dict("records")
    assert call["reason"] == "the value of 1 outcome was not stated"
    assert not math.isnan(call["rate"])
    assert math.isnan(call["dollars"])
    assert math.isnan(call["net"])
    assert not math.isnan(voucher["net_low"])
    assert "net unknown per case (the value of 1 outcome was not stated)" in str(ledger_effect(rows))


def test_outcomes_that_cost_come_with_their_sign():
    rows = campaign(10)
    good, bad = ledger_effect(rows).frame(), ledger_effect(rows.assign(value=-rows["value"])).frame()
    assert bad["dollars"].tolist() == pytest.approx((-good["dollars"]).tolist())
    assert bad["dollars_low"].tolist() == pytest.approx((-good["dollars_high"]).tolist())
    assert (bad["net"] < bad["dollars"]).all()


def test_few_events_leave_the_interval_of_the_dollars_open():
    rows = campaign(11, n=400)
    rows["y"], rows["value"] = 0.0, 0.0
    found = ledger_effect(rows).frame()
    assert (found["high"] - found["low"] > 0.02).all()
    assert found["net_low"].isna().all()
    assert found["reason"].str.startswith("too few events (0)").all()


def test_costs_that_differ_widen_the_net():
    rows = campaign(12)
    rows.loc[rows["action"] == "voucher", "cost"] = np.random.default_rng(1).lognormal(
        1, 1, (rows["action"] == "voucher").sum()
    )
    row = ledger_effect(rows).frame().set_index("planned").loc["voucher"]
    assert row["net"] == pytest.approx(row["dollars"] - row["cost"])
    assert row["net_high"] - row["net_low"] > row["dollars_high"] - row["dollars_low"]


def test_nothing_planned_or_nothing_mature_is_an_empty_table():
    rows = campaign(13)
    for left in (rows[rows["planned"] == "nothing"], rows.assign(mature=False)):
        found = ledger_effect(left)
        assert len(found.frame()) == found.events == 0
        assert str(found).startswith("no mature row is planned for an action")


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"propensity": 0.0}, ValueError, r"propensity must lie in \(0, 1\]; got 0"),
        ({"y": 0.5}, ValueError, "y must hold only 0 and 1; got 0.5"),
        ({"y": np.nan, "mature": True}, ValueError, "y must be known where mature is true; got .* y nan"),
        ({"y": "1"}, TypeError, "y must be a column of numbers"),
        ({"y": 0.0, "value": 5.0}, ValueError, "value must be 0 or absent where y is 0; got .* value 5 at row"),
        ({"cost": 1e160}, ValueError, "cost must be small enough to be added up"),
        ({"cost": np.nan}, ValueError, "cost must hold finite numbers"),
        ({"drawn": "lottery"}, ValueError, "drawn must be '', 'holdout' or 'explore'; got .*drawn 'lottery'"),
        ({"planned": None}, ValueError, "planned is missing at row 0"),
        ({"action": "email", "drawn": ""}, ValueError, "acted on as planned, held out or explored; got planned"),
        ({"mature": "yes"}, TypeError, "mature must be a column of numbers"),
    ],
)
def test_rows_that_contradict_themselves_are_refused(change, error, says):
    with pytest.raises(error, match=says):
        ledger_effect(campaign(14, n=200).assign(**change))


def test_it_refuses_in_words():
    rows = campaign(15, n=200)
    with pytest.raises(ValueError, match="found must have the columns propensity, mature; it has"):
        ledger_effect(rows.drop(columns=["propensity", "mature"]))
    with pytest.raises(TypeError, match="found must be a DataFrame"):
        ledger_effect([1, 2])
    with pytest.raises(ValueError, match="by must be"):
        ledger_effect(rows, by=("segment",))
    with pytest.raises(ValueError, match="level must be > 0 and < 1"):
        ledger_effect(rows, level=95)


def test_the_result_keeps_its_table_to_itself():
    found = ledger_effect(campaign(16))
    assert isinstance(found, LedgerEffect)
    table = found.frame()
    table.loc[0, "rate"] = 9
    assert found == ledger_effect(campaign(16))
    assert found.to_dict()["table"][0]["planned"] == "call"
    assert found.level == 0.95
    assert "net $" in str(found)


def test_from_a_plan_to_the_effect_with_a_real_ledger():
    """Policy, plan, ledger, outcomes, matured: the effect that was put in, within its interval."""
    rng = np.random.default_rng([17, 1])
    n = 20_000
    people = pd.DataFrame({"id": np.arange(n), "p": rng.random(n)})
    tiers = Tiers(Tier(0, 0.3, Action("nothing")), Tier(0.3, 1, Action("voucher", cost=5, owner="crm")))
    policy = Policy(tiers, missing="nothing", idle="nothing", holdout=0.2, name="vouchers")
    plan = policy.plan(people, case="id", time="2026-03-01", score="p", explore=0.02, seed=3)
    stays = rng.random(n) < 0.1 + 0.1 * (plan["action"] == "voucher").to_numpy()
    came = plan.loc[stays, ["case", "time"]].assign(kind="stayed", arrival=pd.Timestamp("2026-03-05"), value=80.0)
    with Ledger() as ledger:
        ledger.record_decisions(plan)
        ledger.record_outcomes(came)
        found = matured(
            ledger.decisions(),
            ledger.outcomes(),
            as_of="2026-04-01",
            delay=lambda age: np.minimum(age / 10, 1),
        )
    effect = ledger_effect(found)
    row = effect.frame().set_index("planned").loc["voucher"]
    assert row["low"] <= 0.1 <= row["high"]
    assert row["dollars_low"] <= 8 <= row["dollars_high"]
    assert row["net_low"] <= 3 <= row["net_high"]
    assert (row["cost"], row["reason"], effect.waiting, effect.explored) == (5, "", 0, 0)
    assert row["treated"] + row["held_out"] == (plan["planned"] == "voucher").sum()


def test_rows_without_a_column_of_overrides_have_none():
    assert ledger_effect(campaign(1)).overridden == 0


@pytest.mark.parametrize("level", [0, 1])
def test_a_level_at_either_end_is_refused(level):
    with pytest.raises(ValueError, match=f"level must be > 0 and < 1; got {level}"):
        ledger_effect(campaign(1), level=level)


def test_the_side_that_is_too_small_is_the_one_that_is_named():
    rows = campaign(1)
    rows = rows[(rows["planned"] == "call") & rows["mature"]]
    acted, held = rows[(rows["action"] == "call") & (rows["drawn"] == "")], rows[rows["drawn"] == "holdout"]
    for a, h, told in ((1, 2, "only 1 case acted on"), (2, 1, "only 1 case held out"), (9, 0, "only 0 cases held out")):
        assert ledger_effect(pd.concat([acted[:a], held[:h]])).table["reason"].to_list() == [told]


def test_a_decision_that_comes_twice_is_refused():
    rows = campaign(1).assign(time=pd.Timestamp("2026-03-01"))
    rows["case"] = np.arange(len(rows))
    assert ledger_effect(rows) == ledger_effect(campaign(1))
    with pytest.raises(ValueError, match=r"found must have each case and time once; got '0' at 2026-03-01.* twice"):
        ledger_effect(pd.concat([rows, rows[:5]]))
