"""The wrong things that somebody does in the first hour, and what the package says: each message names the way out."""

import io

import numpy as np
import pandas as pd
import pytest

from mllayers.action import act, ledger_effect
from mllayers.decision import Action, CostWarning, Menu, Policy, Segments, Tier, Tiers, best_tiers
from mllayers.feedback import matured
from mllayers.ledger import Ledger, LedgerError

SMS, CALL = Action("sms", gain=0.1, cost=0.5, owner="CRM"), Action("call", gain=0.3, cost=12, owner="sales")
POLICY = Policy(Menu("nothing", SMS, CALL), missing="nothing", idle="nothing", holdout=0.25, name="retention")
CUSTOMERS = pd.DataFrame({"id": [f"S{i:03}" for i in range(400)], "p": np.arange(400) / 400, "margin": 200.0})


def planned(policy=POLICY, frame=CUSTOMERS, **options):
    return policy.plan(
        frame, **({"case": "id", "time": "2026-03-01", "score": "p", "value": "margin", "seed": 7} | options)
    )


def test_a_bare_name_without_idle_is_told_once_and_with_the_way_out():
    said = [
        "no rule for a missing score: say which action follows, missing='…'",
        "action 'nothing' is only a name: if it leaves a case alone, say idle='nothing'; else describe it with "
        "Action('nothing', …)",
        "no hold-out: name the action that leaves a case alone, idle='…', and the share of cases that get it at "
        "random, such as holdout=0.05; or say that there is none, holdout=0",
    ]
    assert Policy(Menu("nothing", CALL)).gaps() == said
    tiers = Tiers(Tier(0, 0.5, "nothing"), Tier(0.5, 1, CALL))
    assert Policy(tiers).gaps() == said
    assert Policy(Segments({0: "nothing", 1: CALL})).gaps() == [said[0].replace("score", "segment"), *said[1:]]
    # with an idle action, another bare name lacks what every action needs
    assert Policy(Menu("nothing", "call"), missing="nothing", idle="nothing", holdout=0.1).gaps() == [
        "action 'call' has no gain", "action 'call' has no owner", "action 'call' has no cost",
    ]  # fmt: skip


def test_percent_is_told_as_such():
    with pytest.raises(
        ValueError, match=r"p must lie in \[0, 1\]; got 50 at row 0: if these are percent, divide by 100$"
    ):
        planned(frame=CUSTOMERS.assign(p=50.0))
    for p, row in ((np.where(np.arange(400) == 9, 50.0, 0.5), 9), (np.full(400, -50.0), 0), (np.full(400, 101.0), 0)):
        with pytest.raises(ValueError, match=rf"p must lie in \[0, 1\]; got -?[\d.]+ at row {row}$"):
            planned(frame=CUSTOMERS.assign(p=p))


def test_gains_per_dollar_without_the_dollars_are_warned_of():
    told = r"pays at no score: 'sms' brings at most \$0\.10 and costs \$0\.50; 'call' brings at most \$0\.30 and costs"
    with pytest.warns(CostWarning, match=told):
        plan = planned(value=None)
    assert set(plan["planned"]) == {"nothing"}
    tiers = Policy(
        best_tiers([Action("nothing", 0, 0), CALL], value=200), missing="nothing", idle="nothing", holdout=0.1
    )
    with pytest.warns(CostWarning, match=r"'call' brings at most .*; say value='…' if gains are per dollar at stake"):
        planned(tiers, value=None)
    assert planned(tiers).loc[399, "expected_value"] == pytest.approx(200 * 0.3 * 399 / 400 - 12)


def test_what_pays_somewhere_or_cannot_be_said_is_not_warned_of():
    for actions in (
        ["nothing", Action("call", gain=40, cost=15, owner="sales")],
        [Action("nothing", gain=-40), Action("call", gain=0, cost=15, owner="sales")],  # leaving alone loses 40
        ["nothing", Action("call", gain="margin", cost=15, owner="sales")],
        ["nothing", Action("call", gain=0.3, cost="margin", owner="sales")],
    ):
        rule = Menu(*actions)
        planned(Policy(rule, missing="nothing", idle="nothing", holdout=0.1), value=None)
    review = Tiers(Tier(0, 0.5, "ship"), Tier(0.5, 1, Action("review", cost=4, owner="desk")))  # nobody says its gain
    planned(Policy(review, missing="ship", idle="ship", holdout=0.1), value=None)


def test_a_menu_asks_for_the_score_it_lacks_and_blames_nothing_else():
    with pytest.raises(
        TypeError, match=r"^say score='…', a column: the rule is a menu: the action follows from the score"
    ):
        planned(score=None)


def test_ids_in_the_index_are_found():
    with pytest.raises(ValueError, match=r"column 'id'; it has p, margin: it is the index, and frame\.reset_index"):
        planned(frame=CUSTOMERS.set_index("id"))
    with pytest.raises(ValueError, match=r"column 'customer'; it has p, margin$"):
        planned(frame=CUSTOMERS.set_index("id"), case="customer")


def test_the_name_of_a_file_is_no_policy():
    for text in ("policy.json", "/tmp/here/policy.json"):
        with pytest.raises(ValueError, match=r"not the name of a file: Path\(…\)\.read_text\(\); got '"):
            Policy.from_json(text)
    with pytest.raises(ValueError, match="text is not a policy: Extra data"):
        Policy.from_json(POLICY.to_json().replace("{", "", 1))


def test_a_plan_comes_back_from_a_csv_file():
    """A file does not tell an empty text from none."""
    plan = planned()
    again = pd.read_csv(io.StringIO(plan.to_csv(index=False)))
    assert again["drawn"].isna().any()
    with Ledger() as first, Ledger() as second:
        for ledger, frame in ((first, plan), (second, again)):
            act(frame, ledger, do=lambda one: None, dry_run=False)
        pd.testing.assert_frame_equal(first.decisions(), second.decisions())
        assert set(second.decisions()["drawn"]) == {"", "holdout"}


def test_an_outcome_without_its_decision_is_named():
    plan = planned()
    came = plan[["case", "time"]].head(3).assign(kind="left", arrival="2026-05-01")
    nobody = r"it has no such decision; .* The first is case "
    with Ledger() as ledger:
        with pytest.raises(LedgerError, match=nobody + r"S000 at 2026-03-01 .* \(row 0\), which was never decided\."):
            ledger.record_outcomes(came)
        ledger.record_decisions(pd.concat([plan, planned(time="2026-01-01")]))
        late = came.assign(time=["2026-03-01", "2026-03-02", "2026-03-02"])
        told = nobody + r"S001 at 2026-03-02 .* \(row 1\), which was decided last at 2026-03-01 "
        with pytest.raises(LedgerError, match=told):
            ledger.record_outcomes(late)
        assert len(ledger.outcomes()) == 0
        assert ledger.record_outcomes(came) == 3


def test_a_changed_outcome_is_not_told_to_decide_again():
    plan = planned()
    came = plan[["case", "time"]].head(1).assign(kind="left", arrival="2026-05-01", value=-5.0)
    with Ledger() as ledger:
        ledger.record_decisions(plan)
        ledger.record_outcomes(came)
        with pytest.raises(
            ValueError, match="another value; the ledger is append-only, so what was written first stays"
        ):
            ledger.record_outcomes(came.assign(value=-6.0))
        with pytest.raises(ValueError, match="the ledger is append-only, so decide again with a new time"):
            ledger.record_decisions(plan.assign(model="another"))


def test_a_delay_for_one_age_alone_and_decisions_too_young():
    plan, nothing = planned(), pd.DataFrame()
    with pytest.raises(TypeError, match="delay must take an array of ages and return as many shares"):
        matured(plan, nothing, as_of="2026-06-15", delay=lambda age: 1.0 if age >= 90 else 0.0)
    with pytest.raises(ValueError, match=r"by delay, none is: the oldest is 46\.0 days old at as_of"):
        matured(plan, nothing, as_of="2026-04-15", delay=lambda age: age >= 90)

    def broken(age):
        raise ValueError("another reason")

    with pytest.raises(ValueError, match=r"^another reason$"):
        matured(plan, nothing, as_of="2026-04-15", delay=broken)


def test_a_frame_that_needs_what_is_not_installed(monkeypatch):
    class Frame:
        def to_pandas(self):
            raise ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow")

    monkeypatch.setattr(Frame, "__module__", "polars.dataframe.frame")
    with Ledger() as ledger, pytest.raises(TypeError, match=r"outcomes is a polars frame, .* pip install pyarrow$"):
        ledger.record_outcomes(Frame())


def test_an_effect_by_a_segment_that_nobody_wrote_down():
    found = matured(planned(), pd.DataFrame(), as_of="2026-06-15", delay=lambda age: age >= 90)
    assert str(ledger_effect(found, by=("planned", "segment"))).startswith("call in no segment: ")
