"""The findings of layer 5: their sentences follow the numbers, in our world and in others."""

import numpy as np
import pandas as pd
import pytest
from figure_rules import problems

from mllayers.figures import feedback as fb

MONTHS = pd.RangeIndex(6, 18, name="month")


def rates(young=0.0002, corrected=0.003, end=0.002):
    table = {"rate so far": [0.002, young], "corrected": [0.002, corrected], "in the end": [0.002, end]}
    return pd.DataFrame(table, pd.Index([0, 5], name="month"))


def gaps(**ends):
    ends = ends or {"open": -9e5, "self": -5e5, "closed": -4e5, "explore": -3e5, "every label": -2e5, "old rules": -6e5}
    return pd.DataFrame({name: np.linspace(0, end, 12) for name, end in ends.items()}, MONTHS)


def shares(closed=0.9, explore=0.2):
    index = pd.MultiIndex.from_product([MONTHS, ["B", "C"]], names=["month", "kind"])
    return pd.DataFrame({"open": 1.0, "closed": closed, "explore": explore}, index)


def ratios(own=1.1, true=0.3, explore=0.8):
    columns = {"closed, by its labels": own, "closed, in truth": true, "explore, in truth": explore}
    return pd.DataFrame({name: [0.1] * 11 + [x] for name, x in columns.items()}, MONTHS)


def kept(**changed):
    table = {"promised": [0.01, 0.01], "delivered": [0.01, 0.03], "low": [0.0, 0.02], "high": [0.02, 0.05]}
    return pd.DataFrame(table | {"kept": [True, False]} | changed, index=["spring", "summer"])


def year(after=-8e4, growth=2.9):
    before = {
        "promised": [5e4] * 6 + [1.2e5] * 6,
        "true": [4.5e4] * 6 + [after] * 6,
        "growth": [1.0] * 6 + [growth] * 6,
    }
    return pd.DataFrame(before, pd.RangeIndex(12, name="month"))


def lists(**changed):
    row = {"a score": 0.0, "everyone": -3e5, "both": 1e5, "clairvoyant": 1e6} | changed
    return pd.DataFrame({name: [x, x * 1.1] for name, x in row.items()})


def alarms(calm=np.nan):
    table = {"calm": [np.nan, calm], "ring C": [1.0, 0.0], "peak": [np.nan, 2.0]}
    return pd.DataFrame(table, ["chargebacks", "audit against promise"])


def gains(few=(4e2, -5e3, 6e3)):
    return pd.DataFrame(
        {"20,000 orders": [9e4, 8e4, 1e5], "2,000 orders": few, "all is reported": [-1e4, -1.1e4, -9e3]}
    )


def blocked(**changed):
    return pd.DataFrame({"open": [0.26, 0.27], "closed": [0.013, 0.014], "explore": [0.024, 0.025]} | changed)


DRAWN = {
    "labels_ripen": lambda: fb.labels_ripen(rates()),
    "labels_ripen, nothing came": lambda: fb.labels_ripen(rates(0, np.nan, 0)),
    "labels_ripen, one month": lambda: fb.labels_ripen(rates().iloc[:1]),
    "what_a_team_learns_from": lambda: fb.what_a_team_learns_from(gaps()),
    "what_a_team_learns_from, all equal": lambda: fb.what_a_team_learns_from(
        gaps(open=-1e5, closed=-1e5, explore=-1e5)
    ),
    "what_a_team_learns_from, nobody loses": lambda: fb.what_a_team_learns_from(gaps(open=0.0, closed=0.0)),
    "what_still_ships": lambda: fb.what_still_ships(shares(), ["C", "B"]),
    "what_still_ships, one pattern": lambda: fb.what_still_ships(shares(0.0, 0.0), ["B"]),
    "what_still_ships, one is absent": lambda: fb.what_still_ships(shares(), ["D", "B"]),
    "confidently_wrong": lambda: fb.confidently_wrong(ratios()),
    "confidently_wrong, nothing reported": lambda: fb.confidently_wrong(ratios(np.inf, 1.4, 1.0)),
    "confidently_wrong, nothing came": lambda: fb.confidently_wrong(
        ratios().assign(**{"closed, by its labels": np.inf})
    ),
    "promise": lambda: fb.promise(kept()),
    "promise, one period": lambda: fb.promise(kept().iloc[:1]),
    "wrong_segments": lambda: fb.wrong_segments(year(), event=6),
    "wrong_segments, all is well": lambda: fb.wrong_segments(year(5e4, 1.1), event=6),
    "no_layer_earns_alone": lambda: fb.no_layer_earns_alone(
        lists(), alone=["a score", "everyone"], bound="clairvoyant"
    ),
    "no_layer_earns_alone, one does": lambda: fb.no_layer_earns_alone(
        lists(everyone=2e5), alone=["a score", "everyone"]
    ),
    "no_layer_earns_alone, nobody earns": lambda: fb.no_layer_earns_alone(
        lists(everyone=0.0, both=0.0, clairvoyant=0.0), alone=["a score", "everyone"], bound="clairvoyant"
    ),
    "which_alarm_sees_what": lambda: fb.which_alarm_sees_what(alarms()),
    "which_alarm_sees_what, all sound": lambda: fb.which_alarm_sees_what(alarms(1.0).fillna(1.0)),
    "when_an_audit_pays": lambda: fb.when_an_audit_pays(gains()),
    "when_an_audit_pays, a world missing": lambda: fb.when_an_audit_pays(gains((4e2, -5e3, np.nan))),
    "when_an_audit_pays, all equal": lambda: fb.when_an_audit_pays(pd.DataFrame({"one": [0.0, 0.0]})),
    "who_pays": lambda: fb.who_pays(blocked(), blocked() / 100),
    "who_pays, nobody": lambda: fb.who_pays(blocked() * 0, blocked() * 0),
    "frozen_plan": lambda: fb.frozen_plan(
        pd.DataFrame({"six months before": [3e5, 2e5], "six months after": [-4e5, -5e5]})
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_finding_is_readable_and_says_something(name):
    found = DRAWN[name]()
    assert problems(found.figure) == []
    assert found.figure.get_size_inches()[1] <= 3.7
    assert len(found.alt.split()) >= 5
    assert "nan" not in found.says
    assert "inf " not in found.says
    assert not found.table.empty
    assert DRAWN[name]().png() == DRAWN[name]().png()


SAYS = {
    "labels_ripen": "Month 5: 0.02 % reported so far, corrected 0.30 %, in the end 0.20 %",
    "labels_ripen, nothing came": "corrected not yet possible, in the end 0.00 %",
    "what_a_team_learns_from": "To learn again each month (closed, not open) saves $500k; explore saves another $100k",
    "what_a_team_learns_from, all equal": "(closed, not open) changes nothing; explore changes nothing, its",
    "what_still_ships": "closed still ships 90 % of C and 90 % of B; explore ships 20 % of C and 20 % of B",
    "what_still_ships, one is absent": "There is no order of D.",
    "confidently_wrong": "In month 17 the closed loop promises 0.30 frauds for each that ships, explore 0.80",
    "confidently_wrong, nothing reported": "In month 17 the closed loop promises 1.40 frauds for each that ships",
    "confidently_wrong, nothing came": "By the closed loop's own labels this number can never be counted.",
    "promise": "The promise was broken in 1 of 2 periods; in summer",
    "promise, one period": "Nothing shows a broken promise in 1 period; in spring",
    "wrong_segments": "From then on: −$480k of $720k. The size guard first sounds in month 6.",
    "wrong_segments, all is well": "The size guard never sounds.",
    "no_layer_earns_alone": "everyone −$315k, both $105k, clairvoyant $1.1M. No layer earns by itself.",
    "no_layer_earns_alone, one does": "everyone earns by itself.",
    "which_alarm_sees_what": "Where nothing happens: no monitor. ring C: chargebacks (+1 month), audit against promise",
    "which_alarm_sees_what, all sound": "Where nothing happens: chargebacks, audit against promise.",
    "when_an_audit_pays": "20,000 orders $90.0k ($65.2k to $115k)",
    "who_pays": "mean of 2 worlds: open 26.5 % (26.0 % to 27.0 %), closed 1.4 % (1.3 % to 1.4 %)",
    "frozen_plan": "loses in 2 of 2 worlds: $250k before, −$450k after",
}


@pytest.mark.parametrize("name", SAYS)
def test_the_sentence_follows_the_numbers(name):
    assert SAYS[name] in DRAWN[name]().says


TITLES = {
    "what_a_team_learns_from": "In this world explore loses $300k, open $900k",
    "what_a_team_learns_from, all equal": "Every team loses $100k",
    "confidently_wrong": "The closed loop promises 30 % of the fraud that it ships",
    "confidently_wrong, nothing reported": "The closed loop promises 1.4 times the fraud that it ships",
    "no_layer_earns_alone": "No layer earns alone; together the best earns $105k",
    "when_an_audit_pays": "The audit surely pays in 1 of 3 settings, surely loses in 1",
    "who_pays, nobody": "Open blocks 0.0 % of the new market's honest orders",
    "which_alarm_sees_what": "Where nothing happens, no monitor sounds",
}


@pytest.mark.parametrize("name", TITLES)
def test_the_title_follows_the_numbers(name):
    assert " ".join(DRAWN[name]().figure.get_suptitle().split()) == TITLES[name]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fb.labels_ripen(rates().drop(columns="corrected")), "corrected"),
        (lambda: fb.what_still_ships(shares().drop(columns="explore"), ["B"]), "explore"),
        (lambda: fb.what_still_ships(shares().reset_index(drop=True), ["B"]), "indexed by month and kind"),
        (lambda: fb.what_still_ships(shares(), []), "one to three patterns; got 0"),
        (lambda: fb.what_still_ships(shares(), ["D"]), "got none for D"),
        (lambda: fb.confidently_wrong(gaps()), "closed, by its labels"),
        (lambda: fb.wrong_segments(year(), event=0), "before and after event=0"),
        (lambda: fb.wrong_segments(year(), event=12), "before and after event=12"),
        (lambda: fb.no_layer_earns_alone(lists(), alone=["nobody"]), "nobody"),
        (lambda: fb.which_alarm_sees_what(alarms(), calm="quiet"), "quiet"),
        (lambda: fb.when_an_audit_pays(gains().iloc[:1]), "at least two worlds for each setting; got 1"),
        (lambda: fb.who_pays(blocked(), blocked().drop(columns="open")), "open"),
        (lambda: fb.frozen_plan(year()), "six months before"),
        (lambda: fb.audit_share(pd.DataFrame({1: [0.0, 1.0]}, [0.02, 0.01])), "an increasing index"),
        (lambda: fb.audit_share(pd.DataFrame({1: [0.0]}, [0.01])), "at least two shares"),
    ],
)
def test_wrong_frames_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


SHARES = pd.Index([0, 0.0025, 0.01, 0.02, 0.03], name="share")
MOVED = {
    "ours": pd.DataFrame({1: [0, 1e4, 1.5e4, 1e4, -5e3], 2: [0, -8e3, 9e3, 8e3, -4e3]}, SHARES),
    "never pays": pd.DataFrame({1: [0, -1e3, -2e3, -3e3, -4e3]}, SHARES),
    "all equal": pd.DataFrame({1: [0.0] * 5, 2: [0.0] * 5}, SHARES),
}


@pytest.mark.parametrize("name", MOVED)
@pytest.mark.parametrize("share", [0.0, 0.0025, 0.015, 0.03])
def test_the_audit_can_be_moved_everywhere(name, share):
    figure = fb.audit_share(MOVED[name])
    stage = figure.stage()
    assert stage.png(share=share) == stage.png(share=share)
    assert problems(stage.figure) == []
    assert f"in the mean of {'2 worlds' if MOVED[name].shape[1] == 2 else '1 world'}" in figure.says(share=share)


def test_the_audit_says_what_stands_between_the_shares_that_were_tried():
    figure = fb.audit_share(MOVED["ours"])
    assert figure.title == "What a random audit brings, share by share, in 2 worlds"
    assert (
        figure.says(share=0.015) == "1.50 % audited: $10.5k beyond no audit in the mean of 2 worlds ($8,500 to $12.5k)."
    )
    with pytest.raises(ValueError, match="share must be"):
        figure.says(share=0.05)
