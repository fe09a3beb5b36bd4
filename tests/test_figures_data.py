"""The findings of layer 1: drawn, read, and true to whatever numbers they get."""

import numpy as np
import pandas as pd
import pytest
from figure_rules import problems

from mllayers import figures as fg

SHARES = (0.0025, 0.01, 0.04)
RUNS = pd.DataFrame(
    {
        "share": np.repeat(SHARES, 2),
        "B stopped": [0.2, 0.3, 0.55, 0.65, 0.7, 0.72],
        "B found": [4, 6, 14, 16, 60, 72],
        "brings": [12_000, 14_000, 27_000, 28_000, 31_000, 32_000],
        "costs": [2_000, 2_100, 7_800, 7_900, 31_400, 31_500],
    }
)
WORLDS = pd.DataFrame(
    {
        "review everything": [-10e3, -24e3, 1e3],
        "old rule": [94e3, 87e3, 102e3],
        "naive model": [105e3, 94e3, 115e3],
        "rule learned from the audit": [110e3, 102e3, 120e3],
        "audited model": [118e3, 107e3, 127e3],
        "clairvoyant": [145e3, 132e3, 157e3],
    }
)
CHANGES = pd.DataFrame(
    {
        "assumption": np.repeat(["as it is", "room for two in a hundred", "5 % of B is reported"], 3),
        "naive model": np.tile([105e3, 94e3, 115e3], 3),
        "audited model": [118e3, 107e3, 128e3, 92e3, 81e3, 103e3, 90e3, 79e3, 100e3],
        "audit costs": 15.6e3,
    }
)
CONTEST = pd.DataFrame(
    {"log loss": [0.0027, 0.0157, 0.0209], "fakes shipped": [370, 128, 91]}, index=["naive", "audited", "every label"]
)
AUDITS = pd.DataFrame({"value": [0.026, 0.0275, 0.0285, 0.0305]})
AUDITS = AUDITS.assign(low=AUDITS["value"] - 0.003, high=[0.0285, 0.0316, 0.0331, 0.0353])
MONTHS = pd.DataFrame(
    {
        "pattern B stopped": [0.78, 0.005, 0.006],
        "pattern C stopped": [np.nan, np.nan, 0.02],
        "honest G in the queue": [0.0, 0.369, 0.372],
        "AUC": [0.998, 0.980, 0.929],
        "predicted / actual": [1.0, 2.6, 2.1],
    },
    index=pd.Index([5, 8, 12], name="month"),
)
LOSS = pd.DataFrame(
    {"random": [0.028, 0.022], "in time": [0.159, 0.020]}, index=["the market opens", "nothing happens"]
)
DROPPED = pd.Series({"orders": 0.044, "frauds": 0.27, "dollars of fraud": 0.415})
STOPPED, PARTS = pd.Series({"team": 1.0, "truth": 0.685}), pd.Series({"A": 1.0, "B": 0.011})


def title_of(found):
    """The title, on one line."""
    return found.figure.get_suptitle().replace("\n", " ")


def table(**changed):
    return WORLDS.assign(**{name.replace("_", " "): values for name, values in changed.items()})


FINDINGS = {
    "blind spot": lambda: fg.data.blind_spot(STOPPED, PARTS),
    "lowest loss": lambda: fg.data.lowest_loss(CONTEST),
    "cleaned away": lambda: fg.data.cleaned_away(DROPPED),
    "audit pays": lambda: fg.data.audit_pays(WORLDS),
    "what turns": lambda: fg.data.what_turns(CHANGES),
    "audits hold": lambda: fg.data.audits_hold(AUDITS, truth=0.029, others=pd.Series({"silence is honest": 0.019})),
    "three months later": lambda: fg.data.three_months_later(MONTHS),
    "split lies": lambda: fg.data.split_lies(LOSS),
}
OTHER_WORLDS = {
    "nobody is missed": lambda: fg.data.blind_spot(pd.Series({"team": 0.9, "truth": 0.9}), pd.Series({"A": 0.9})),
    "nothing is stopped": lambda: fg.data.blind_spot(STOPPED * 0, PARTS * 0),
    "no pattern B": lambda: fg.data.blind_spot(STOPPED, pd.Series({"A": 1.0, "B": np.nan})),
    "no parts": lambda: fg.data.blind_spot(STOPPED, PARTS[:0]),
    "all models alike": lambda: fg.data.lowest_loss(CONTEST * 0 + 1),
    "two models": lambda: fg.data.lowest_loss(CONTEST.iloc[:2]),
    "nothing is dropped": lambda: fg.data.cleaned_away(DROPPED * 0),
    "one world": lambda: fg.data.audit_pays(WORLDS.head(1)),
    "all alike": lambda: fg.data.audit_pays(WORLDS * 0),
    "all lose": lambda: fg.data.audit_pays(-WORLDS),
    "one assumption": lambda: fg.data.what_turns(CHANGES.head(3)),
    "one world of changes": lambda: fg.data.what_turns(CHANGES.iloc[::3]),
    "one audit": lambda: fg.data.audits_hold(AUDITS.head(1), truth=0.029),
    "no fraud": lambda: fg.data.audits_hold(AUDITS * 0, truth=0),
    "calm months": lambda: fg.data.three_months_later(MONTHS.iloc[[0, 0, 0]].set_axis([5, 8, 12])),
    "calm splits": lambda: fg.data.split_lies(LOSS.iloc[[1]]),
}


@pytest.mark.parametrize("name", FINDINGS | OTHER_WORLDS)
def test_findings_keep_the_rules_in_every_world(name):
    make = (FINDINGS | OTHER_WORLDS)[name]
    assert make().png() == make().png()
    found = make()
    assert problems(found.figure) == []
    assert found.figure.get_figwidth() == fg.WIDTH
    assert found.figure.get_figheight() <= 3.6
    assert "nan" not in f"{found.alt} {found.says}"


@pytest.mark.parametrize("share", [0.0025, 0.006, 0.01, 0.0399, 0.04])
@pytest.mark.parametrize("runs", [RUNS, RUNS.assign(**{"B stopped": np.nan, "B found": 0, "brings": 0})])
def test_the_size_of_an_audit_at_the_corners_of_its_slider(runs, share):
    moving = fg.data.audit_size(runs)
    stage = moving.stage()
    stage.png(share=share)
    assert problems(stage.figure) == []
    assert "nan" not in moving.says(share=share)


def test_a_blind_spot_is_named_and_none_is_not():
    said = FINDINGS["blind spot"]().says
    assert said == "By its labels the team stops 100.0 % of all fakes; in truth it is 68.5 %, and of pattern B 1.1 %."
    assert "so does the truth" in title_of(OTHER_WORLDS["nobody is missed"]())
    assert "pattern B" not in OTHER_WORLDS["no pattern B"]().alt


@pytest.mark.parametrize(
    ("fakes", "title"),
    [
        ([370, 128, 91], "ships the most fakes"),
        ([91, 128, 370], "also ships the fewest fakes"),
        ([128, 370, 91], "is not the one that ships the fewest fakes"),
        ([91, 91, 91], "also ships the fewest fakes"),
    ],
)
def test_the_title_of_the_contest_follows_its_ranking(fakes, title):
    found = fg.data.lowest_loss(CONTEST.assign(**{"fakes shipped": fakes}))
    assert title in title_of(found)
    assert ("no other model ships fewer" in found.says) == (fakes[0] == 91)


def test_an_audit_that_does_not_pay_loses():
    found = fg.data.audit_pays(table(audited_model=[100e3, 90e3, 110e3]))
    assert title_of(found) == "The audit is paid, and loses $4,667 in its first month"
    assert "earns $16.3k more than the old rule; the model takes $10.7k" in found.says
    assert "brings $12.7k in its first month (mean of 3 worlds; $12.0k to $13.0k)" in FINDINGS["audit pays"]().says


def test_what_turns_counts_and_says_when_it_is_paid_back():
    found = FINDINGS["what turns"]()
    assert title_of(found) == "Paid back within a month as it is; 2 of 2 changes turn that round in each world"
    assert found.says == (
        "Paid back (mean of 3 worlds): as it is, after 0.5 months; room for two in a hundred, after 5.3 months; "
        "5 % of B is reported, after 26.0 months."
    )
    worse = fg.data.what_turns(CHANGES.assign(**{"audited model": 0.0}))
    assert title_of(worse) == "Not paid back within a month as it is; 0 of 2 changes turn that round in each world"
    assert worse.says.count("never") == 3


def test_intervals_are_counted():
    assert FINDINGS["audits hold"]().says.startswith("3 of 4 intervals hold the truth, 2.9 %; with intervals of 95 %")
    assert "silence is honest 1.9 %" in FINDINGS["audits hold"]().says


def test_the_size_of_an_audit_says_what_is_left():
    moving = fg.data.audit_size(RUNS)
    assert moving.title == "15 examples of pattern B buy 85 % of what 66 examples buy"
    assert moving.says(share=0.01).endswith("after the audit is paid, $19.6k are left of the first month.")
    expensive = fg.data.audit_size(RUNS.assign(costs=RUNS["costs"] * 10))
    assert "are missing after the first month" in expensive.says(share=0.01)
    assert fg.data.audit_size(RUNS.assign(**{"B stopped": 0.0})).title.startswith("No audit of these sizes")


@pytest.mark.parametrize(
    ("ratio", "title"), [(5.0, "5.0 times as high"), (1.0, "about the same"), (0.5, "the loss is lower")]
)
def test_a_split_in_time_may_be_kind(ratio, title):
    found = fg.data.split_lies(LOSS.assign(**{"in time": ratio * LOSS["random"]}))
    assert title in title_of(found)


def test_months_later_says_what_fell():
    assert title_of(FINDINGS["three months later"]()) == (
        "Of pattern B 1 % is still stopped, not 78 %; of the new ring 2 %"
    )
    assert title_of(OTHER_WORLDS["calm months"]()) == "Of pattern B 78 % is still stopped"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: fg.data.blind_spot([1.0, 0.7], PARTS), "stopped must be a Series"),
        (lambda: fg.data.blind_spot(STOPPED[:1], PARTS), "stopped must have a number for team and for truth"),
        (lambda: fg.data.blind_spot(STOPPED, {"A": 1.0}), "parts must be a Series"),
        (lambda: fg.data.lowest_loss(CONTEST[["log loss"]]), "contest must have the columns fakes shipped"),
        (lambda: fg.data.lowest_loss(CONTEST.head(1)), "contest must have at least two models"),
        (lambda: fg.data.cleaned_away(DROPPED[:1]), "dropped must hold at least two shares"),
        (lambda: fg.data.audit_size(RUNS.drop(columns="costs")), "runs must have the columns costs"),
        (lambda: fg.data.audit_size(RUNS.head(2)), "runs must hold audits of at least two shares"),
        (lambda: fg.data.audit_pays(WORLDS.drop(columns="old rule")), "worlds must have the columns old rule"),
        (lambda: fg.data.what_turns(CHANGES.head(4)), "the same number of worlds for each assumption"),
        (lambda: fg.data.what_turns(CHANGES.drop(columns="audit costs")), "changes must have the columns audit costs"),
        (lambda: fg.data.audits_hold(AUDITS, truth=2.9), "truth must be"),
        (lambda: fg.data.audits_hold(AUDITS[["value"]], truth=0.029), "audits must have the columns low, high"),
        (lambda: fg.data.three_months_later(MONTHS.head(1)), "months must have at least two rows"),
        (lambda: fg.data.three_months_later(MONTHS.drop(columns="AUC")), "months must have the columns AUC"),
        (lambda: fg.data.split_lies(LOSS * 0), "loss must be above 0"),
    ],
)
def test_wrong_frames_are_refused(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        wrong()
