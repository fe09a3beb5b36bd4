"""The findings of layer 4: each reads its own numbers, in other worlds too, and refuses what it cannot draw."""

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from figure_rules import problems

from mllayers import figures

LISTS = [
    "everyone",
    "P = leaves",
    "P = leaves × average effect",
    "P = uplift, twelve cells",
    "P = uplift, two regressions",
]
OURS = LISTS[-1]
EARNED = pd.DataFrame(
    {
        "vouchers": [200_000, 130_844, 50_581, 91_565, 60_065, 40_450, 52_963],
        "earned": [-302_529.0, -38_872.0, 115_467.0, 439_072.0, 534_920.0, 259_151.0, 700_950.0],
    },
    index=[*LISTS, "true P(leaves) × average effect", "clairvoyant"],
)
STEPS = pd.Series(
    {
        "claimed: used it and stayed": 6_979_903.0,
        "would have stayed anyway": -6_800_900.0,
        "changed, but not used": 484_486.0,
        "price of all vouchers": -899_950.0,
    }
)
WORLDS = pd.DataFrame(
    {
        name: x + 9_000 * np.sin(np.arange(12.0) + i)
        for i, (name, x) in enumerate(EARNED["earned"].drop(EARNED.index[5]).items())
    }
)
TURNED = pd.DataFrame(
    {
        "everyone": [-298_000.0, 564_000, -649_000, -298_000, 41_000],
        LISTS[2]: [103_000.0, 619_000, -105_000, 91_000, 377_000],
        LISTS[3]: [443_000.0, 1_056_000, -19_000, 443_000, 262_000],
        OURS: [532_000.0, 1_039_000, 91_000, 364_000, 386_000],
    },
    index=["as it is", "paid only when used", "half as much is kept", "boosting instead", "works on all alike"],
)
SIZES = [500, 1_000, 2_500, 5_000, 10_000, 20_000, 40_000]
RUNS = pd.DataFrame(
    {n: 560_000 - 6.0e6 / n**0.5 * (1 + np.sin(np.arange(40.0))) for n in SIZES},
)
PRICE = {n: 0.74 * n for n in SIZES}
JUDGED = pd.DataFrame(
    {
        "value": [-2.01, -0.62, -0.45, 2.05, 2.07],
        "low": [-4.06, -2.61, -2.22, 0.34, 0.64],
        "high": [-0.01, 1.34, 1.25, 3.70, 3.44],
        "truth": [-1.54, -0.22, 0.63, 2.30, 2.81],
    },
    index=LISTS,
)
KINDS = pd.DataFrame(
    {
        "persuadable": [0.030, 0.035, 0.044, 0.040, 0.058, 0.07, 0.080],
        "sure thing": [0.903, 0.873, 0.795, 0.930, 0.870, 0.70, 0.860],
        "lost cause": [0.060, 0.084, 0.150, 0.030, 0.072, 0.215, 0.060],
        "sleeping dog": [0.007, 0.008, 0.011, 0.0, 0.0, 0.015, 0.0],
    },
    index=EARNED.index,
)


def pilot_size(runs=RUNS, beside=103_000.0):
    return figures.action.pilot_size(runs, beside=beside, beside_name="one average effect for all", price=PRICE)


FOUND = {
    "four_meanings": lambda: figures.action.four_meanings(EARNED),
    "claimed_and_kept": lambda: figures.action.claimed_and_kept(STEPS),
    "other_worlds": lambda: figures.action.other_worlds(WORLDS, ours=OURS),
    "what_turns_it": lambda: figures.action.what_turns_it(TURNED, ours=OURS),
    "pilot_size": pilot_size,
    "judged_lists": lambda: figures.action.judged_lists(JUDGED),
    "four_kinds": lambda: figures.action.four_kinds(KINDS, bound="clairvoyant"),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_finding_keeps_the_rules_and_fits_a_screen(name):
    found = FOUND[name]()
    assert problems(found.figure) == []
    assert found.figure.get_size_inches()[0] == pytest.approx(7.2)
    assert found.figure.get_size_inches()[1] <= 4.0
    assert FOUND[name]().png() == FOUND[name]().png()


def test_drawing_changes_no_setting():
    before = dict(mpl.rcParams)
    for make in FOUND.values():
        make().png()
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("four_meanings", [f"{OURS} is best: $535k from 60,065 vouchers, 76 %", "2 lists lose: everyone −$303k"]),
        ("claimed_and_kept", ["Of $7.0M claimed, −$236k is left", "−$6.8M, 97 % of the claim"]),
        ("other_worlds", ["in 12 of 12 worlds", "everyone in 12, P = leaves in 12"]),
        (
            "what_turns_it",
            ["paid only when used (everyone −$298k → $564k)", "best in 3 of 5 rows; elsewhere P = uplift, tw"],
        ),
        ("pilot_size", ["Of 40 pilots of 500", "from 1,000 on all do", "a pilot of 20,000 leaves most"]),
        ("judged_lists", ["2 of 5 lists surely earn", "($0.64 to $3.44 a customer)", "inside 5 of 5"]),
        ("four_kinds", ["86 % sure things and 8.0 % persuadables"]),
    ],
)
def test_a_sentence_reads_its_own_numbers(name, parts):
    says = FOUND[name]().says
    for part in parts:
        assert part in says


# --- other worlds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says", "title"),
    [
        (
            lambda x: -abs(x),
            "No list that a team can have earns more. 5 lists lose",
            "No list that a team can have earns",
        ),
        (abs, "None loses.", "Every list earns"),
        (lambda x: 0 * x, "No list that a team can have earns more. None loses.", "No list that"),
        (lambda x: 0 * x + 7, "100 % of what", "Every list earns"),
    ],
    ids=["all lose", "all earn", "nothing happens", "all equal"],
)
def test_meanings_in_other_worlds(change, says, title):
    found = figures.action.four_meanings(EARNED.assign(earned=change(EARNED["earned"])))
    assert says in found.says
    assert found.figure.get_suptitle().startswith(title)
    assert problems(found.figure) == []


def test_one_list_alone_and_no_bound():
    found = figures.action.four_meanings(EARNED.loc[["everyone"]])
    assert "One list loses: everyone −$303k." in found.says
    assert "of what" not in figures.action.four_meanings(EARNED.loc[LISTS]).says


def test_a_claim_that_is_kept_and_one_of_nothing():
    kept = figures.action.claimed_and_kept(pd.Series({"claimed": 900.0, "price": -100.0}))
    assert "in truth it is $800" in kept.figure.get_suptitle()
    nothing = figures.action.claimed_and_kept(pd.Series({"claimed": 0.0, "price": -100.0}))
    assert nothing.says == "Of $0 claimed, −$100 is left; the largest correction is price: −$100."
    assert problems(nothing.figure) == []


@pytest.mark.parametrize("rows", [WORLDS, WORLDS[:1], 0 * WORLDS, -WORLDS], ids=["ours", "one", "nothing", "turned"])
def test_worlds_of_every_kind(rows):
    found = figures.action.other_worlds(rows, ours=OURS)
    assert problems(found.figure) == []
    ahead = (rows[OURS] > rows[LISTS[:-1]].max(axis=1)).sum()
    assert f"is ahead of every other list that a team can have in {ahead} of {len(rows)} worlds" in found.says


def test_worlds_in_which_no_list_loses():
    assert "No list loses in any of them." in figures.action.other_worlds(WORLDS + 1e6, ours=OURS).says


def test_assumptions_that_turn_nothing():
    calm = pd.DataFrame([TURNED.iloc[0]] * 3, index=["as it is", "cheaper", "dearer"])
    found = figures.action.what_turns_it(calm, ours=OURS)
    assert found.says == f"No sign changes. {OURS} is best in 3 of 3 rows."
    assert "No assumption turns" in found.figure.get_suptitle()
    assert problems(figures.action.what_turns_it(TURNED[:1], ours=OURS).figure) == []


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        (0 * RUNS, "40 do not beat one average effect for all ($103k) and 0 lose money; no size is enough"),
        (-RUNS.abs(), "and 40 lose money; no size is enough"),
        (0 * RUNS + 2e5, "From 500 on all do."),
        (RUNS[:1], "from 500 on all do"),
    ],
    ids=["nothing", "all lose", "all enough", "one pilot"],
)
def test_pilots_of_every_kind(runs, says):
    found = pilot_size(runs)
    assert says.lower() in found.says.lower()
    assert problems(found.figure) == []


def test_lists_without_an_interval_or_an_effect():
    unknown = figures.action.judged_lists(JUDGED.assign(low=np.nan, high=np.nan))
    assert "0 of 5 lists surely earn more than sending none. The truth lies inside 0 of 5" in unknown.says
    nothing = figures.action.judged_lists(0 * JUDGED)
    assert problems(nothing.figure) == problems(unknown.figure) == []
    one = figures.action.judged_lists(JUDGED.loc[[OURS]])
    assert "1 of 1 lists surely earns more than sending none: P = uplift, two regressions" in one.says


def test_meanings_are_read_from_the_names():
    found = figures.action.lists.meanings_of([*EARNED.index, "whoever calls"])
    assert list(found.values()) == ["neutral", "sees", "sees", "policy", "policy", "bound", "bound", "sees"]


# --- with controls ----------------------------------------------------------------------------------------------------


def total(share, voucher, when_used):
    return 10_000 * (0.2 * (1 - share) * 20 - voucher * (0.2 if when_used else 1))


CORNERS = [
    dict(zip(("share", "voucher", "when_used"), x, strict=True))
    for x in itertools.product((0, 1), (0, 10), (False, True))
]


def test_who_would_have_come_anyway_at_every_corner():
    figure = figures.action.would_come_anyway(total)
    stage = figure.stage()
    seen = {stage.png(**values) for values in CORNERS}
    assert len(seen) == len(CORNERS) - 2  # a free voucher costs the same, sent or used
    assert problems(stage.figure) == []


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"share": 0, "voucher": 5, "when_used": False}, "−$10.0k. It never earns, whatever the share."),
        ({"share": 0, "voucher": 5, "when_used": True}, "$30.0k. It loses above 75 %."),
        ({"share": 1, "voucher": 0, "when_used": False}, "$0. It never loses, whatever the share."),
        ({"share": 1, "voucher": 10, "when_used": True}, "−$20.0k. It loses above 50 %."),
    ],
)
def test_the_sentence_says_where_it_turns(values, says):
    assert figures.action.would_come_anyway(total).says(**values).endswith(says)


def test_value_and_uplift_at_every_price():
    rng = np.random.default_rng(1)
    values, uplift = rng.lognormal(5, 1, 2_000), rng.normal(0.02, 0.03, 2_000)
    figure = figures.action.value_and_uplift(values, uplift, values * uplift)
    stage = figure.stage()
    assert len({stage.png(voucher=price) for price in (0.5, 5, 20)}) == 3
    assert problems(stage.figure) == []
    above = values * uplift > 5
    assert f"At $5, {above.sum():,} of 2,000 customers" in figure.says(voucher=5)


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: figures.action.four_meanings(EARNED[["earned"]]), "earned must have the columns vouchers"),
        (lambda: figures.action.four_meanings(EARNED[:0]), "earned must hold at least one row"),
        (lambda: figures.action.four_meanings(EARNED[-1:]), "at least one list that a team can have; got bounds only"),
        (
            lambda: figures.action.four_meanings(EARNED, kinds=dict.fromkeys(EARNED.index, "red")),
            "kinds must be one of",
        ),
        (lambda: figures.action.claimed_and_kept(STEPS[:1]), "a claim and at least one correction; got 1 numbers"),
        (lambda: figures.action.claimed_and_kept([1.0, 2.0]), "steps must be a Series"),
        (lambda: figures.action.other_worlds(WORLDS, ours="nobody"), "ours must be one of everyone"),
        (lambda: figures.action.what_turns_it(TURNED, ours="nobody"), "ours must be one of everyone"),
        (lambda: pilot_size(RUNS[SIZES[::-1]]), "a column for each size, increasing"),
        (lambda: figures.action.judged_lists(JUDGED.drop(columns="truth")), "judged must have the columns truth"),
        (lambda: figures.action.four_kinds(KINDS, bound="nobody"), "bound must be one of everyone"),
        (lambda: figures.action.would_come_anyway(3), "total must be a function"),
        (lambda: figures.action.value_and_uplift([1.0], [1.0, 2.0], [1.0]), "values"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
