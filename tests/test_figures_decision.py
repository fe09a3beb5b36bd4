"""The findings of layer 3: sentence, table, other worlds, wrong frames."""

import itertools

import numpy as np
import pandas as pd
import pytest
from figure_rules import problems
from numpy.testing import assert_allclose

from mllayers import figures as fg
from mllayers.decision import Action, best_tiers

D = fg.decision
DESK = {"ours": "expected value", "against": "the slide", "bound": "true probabilities"}
WAYS = ["voucher for everyone", "the slide", "30 cells, no model", "expected value", "true probabilities"]
TIERS = ["below 0.2", "0.2 to 0.5", "0.5 to 0.8", "0.8 and above"]
USUAL = {"review": 4, "goodwill": 12, "fee": 20}


def gained(means=(-1.3, -0.05, 2.4, 1.3, 5.4), n=400, spread=3.0):
    """Dollars of each case by five ways to decide."""
    luck = spread * np.random.default_rng(0).standard_normal((n, len(means)))
    return pd.DataFrame(np.asarray(means) + luck - luck.mean(axis=0), columns=WAYS)


def worlds(means=(-314e3, -12.6e3, 501e3, 209e3, 1.0e6), n=10):
    return pd.DataFrame(np.outer(np.linspace(0.8, 1.2, n), means), columns=WAYS)


def assumptions(gone=6_651.0, used=548e3, n=10):
    """Worlds under three assumptions, without the bound."""
    usual = worlds(n=n).drop(columns="true probabilities")
    turned = usual.assign(**{"the slide": np.linspace(0.5, 1.5, n) * gone})
    paid = usual.assign(**{"voucher for everyone": np.linspace(0.9, 1.1, n) * used})
    return pd.concat({"as it is": usual, "nobody had already left": turned, "vouchers paid when used": paid}, axis=1)


def per_head(means=((-2.1, -11.4), (5.0, 6.0), (1.4, 1.1), (-3.3, -12.0)), each=50):
    rng = np.random.default_rng(1)
    brings = np.repeat(np.asarray(means, float), each, axis=0) + rng.standard_normal((4 * each, 2))
    return pd.DataFrame(brings, columns=["voucher", "call"]), pd.Categorical(
        np.repeat(TIERS, each), TIERS, ordered=True
    )


def steps(best=(0.1, 0.34)):
    """Dollars in fifty steps of the probability: vouchers pay from the first threshold on, calls from the second."""
    low = np.round(np.arange(0, 1, 0.02), 2)
    voucher = np.where(low < best[0], -900.0, np.where(low < best[1], 700.0, 100.0))
    call = np.where(low < best[1], -2_000.0, 400.0)
    return pd.DataFrame({"voucher": voucher, "call": call, "customers": 200}, index=low)


def no_gaps(low, high, call_from):
    return ["a hole"] if high < call_from else []


def leads(n=60):
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"probability": rng.random(n), "value": np.exp(rng.normal(8, 1.5, n))})
    table["worth"] = table["probability"] * table["value"]
    table["by probability"] = table["probability"].rank(ascending=False) <= 20
    return table.assign(**{"by expected value": table["worth"].rank(ascending=False) <= 20})


def borders(review, goodwill, fee):
    amounts = np.geomspace(10, 1_280, 85)
    a, b = 0.3 * amounts + goodwill, 0.7 * amounts + fee
    t = a / (a + b)
    low, high = np.minimum(review / b, t), np.maximum(1 - review / a, t)
    return pd.DataFrame({"review from": low, "block from": high}, index=amounts)


OUTCOMES = pd.DataFrame({"good": [24, 20, -12], "fake": [-76, -4, 0]}, index=["ship", "review", "block"])
NUMBER = pd.Index(range(0, 1001, 50), name="reviews")
BY_NUMBER = pd.DataFrame(
    {"by p": 135e3 - 3.0 * NUMBER, "by p × loss": 135e3 + 0.0 * NUMBER, "by gain": 135e3 + 220 * NUMBER**0.5}, NUMBER
)
ONE_MORE = pd.Series(110.0 / (1 + NUMBER) ** 0.5, NUMBER)
TEAMS = pd.DataFrame(
    {"promised": np.linspace(216e3, 457e3, 30), "delivered": np.linspace(158e3, 358e3, 30), "by probability": 26e3}
)
STANDING = {
    "lines": lambda: D.best_of_lines(OUTCOMES),
    "one line on top": lambda: D.best_of_lines(OUTCOMES + np.array([[100], [0], [0]])),
    "two equal lines": lambda: D.best_of_lines(pd.DataFrame({"good": [0, 0], "fake": [0, 0]}, index=["a", "b"])),
    "earned": lambda: D.earned_by(gained(), **DESK),
    "nobody earns": lambda: D.earned_by(gained((-5, -4, -3, -2, -1)), **DESK),
    "all equal": lambda: D.earned_by(gained((1, 1, 1, 1, 1), spread=0), **DESK),
    "all zero": lambda: D.earned_by(gained((0, 0, 0, 0, 0), spread=0), **DESK),
    "worlds": lambda: D.in_other_worlds(worlds(), **DESK),
    "one world": lambda: D.in_other_worlds(worlds(n=1), **DESK),
    "losing worlds": lambda: D.in_other_worlds(worlds((-5e3, -4e3, -3e3, -2e3, -1e3)), **DESK),
    "turns": lambda: D.what_turns(assumptions(), ours="expected value", against="the slide"),
    "nothing turns": lambda: D.what_turns(assumptions(-500, -300e3), ours="expected value", against="the slide"),
    "tiers": lambda: D.surest_tier(*per_head()),
    "the surest earns": lambda: D.surest_tier(*per_head(((-2, -11), (-5, -6), (1, 1), (13, 22)))),
    "thresholds": lambda: D.best_two_thresholds(steps(), slide=(0.5, 0.8), best=(0.1, 0.34), gaps=no_gaps),
    "lists": lambda: D.two_lists(leads()),
    "teams": lambda: D.chosen_disappoint(TEAMS),
    "one team": lambda: D.chosen_disappoint(TEAMS.head(1)),
    "expensive": lambda: D.expensive_reviews(borders, usual=USUAL, never_from=24.43),
}
MOVING = {
    "tiers": (
        lambda: D.tiers(steps(), gaps=no_gaps),
        [dict(zip(("low", "high", "call_from"), x, strict=True)) for x in itertools.product((0.0, 0.5, 1.0), repeat=3)],
    ),
    "map": (
        lambda: D.cost_map(borders, usual=USUAL),
        [dict(zip(USUAL, x, strict=True)) for x in itertools.product((1, 4, 40), (0, 12, 60), (0, 20, 100))],
    ),
    "reviews": (
        lambda: D.reviews(BY_NUMBER, ONE_MORE, ours="by gain", bound=151e3),
        [{"reviews": x} for x in (0, 50, 425, 1_000)],
    ),
}


@pytest.mark.parametrize("name", STANDING)
def test_findings_keep_the_rules(name):
    found = STANDING[name]()
    assert problems(found.figure) == []
    assert found.says[:1].isupper()
    assert found.says.endswith(".")
    assert max(found.figure.get_size_inches()[1], 0) <= 3.7


@pytest.mark.parametrize(("name", "values"), [(name, x) for name, (_, settings) in MOVING.items() for x in settings])
def test_moving_figures_keep_the_rules_at_all_corners(name, values):
    figure = MOVING[name][0]()
    stage = figure.stage()
    stage.png(**values)
    assert problems(stage.figure) == []
    assert figure.says(**values).endswith(".")


# Thresholds


def test_the_thick_line_is_the_best_of_the_lines():
    found = D.best_of_lines(OUTCOMES)
    assert found.says == "Ship below 5.3 %, review from 5.3 % on, block from 88.9 % on."
    tiers = best_tiers([Action(x, gain=fake - good, cost=-good) for x, good, fake in OUTCOMES.itertuples()])
    assert_allclose(found.table["from"], [tier.low for tier in tiers], atol=1e-12)
    assert_allclose(found.table["to"], [tier.high for tier in tiers], atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_best_parts_of_random_lines_are_those_of_a_fine_grid(seed):
    outcomes = pd.DataFrame(np.random.default_rng(seed).normal(size=(5, 2)), list("abcde"), ["good", "fake"])
    table = D.best_of_lines(outcomes).table
    for q in np.linspace(0.0005, 0.9995, 500):
        best = ((1 - q) * outcomes["good"] + q * outcomes["fake"]).idxmax()
        assert table.loc[best, "from"] - 1e-9 <= q <= table.loc[best, "to"] + 1e-9


def test_an_action_that_is_always_best_stands_alone():
    found = STANDING["one line on top"]()
    assert found.says == "Ship at every probability."
    assert found.table.index.tolist() == ["ship"]


def test_the_map_says_what_holds_at_eighty_dollars():
    figure = D.cost_map(borders, usual=USUAL)
    assert figure.says(**USUAL) == "An order of $80: review from 5.3 %, block from 88.9 %."
    assert figure.says(review=25, goodwill=12, fee=20) == "An order of $80: no review pays, block from 32.1 %."
    told = STANDING["expensive"]().says
    assert told.endswith("above $24.43. At $25: an order of $80: no review pays, block from 32.1 %.")


@pytest.mark.parametrize("prices", [(4, 12, 20), (24, 12, 20), (40, 60, 0), (1, 0, 0), (15, 12, 20)])
def test_the_words_of_the_map_stand_within_their_parts(prices):
    values = dict(zip(("review", "goodwill", "fee"), prices, strict=True))
    stage = D.cost_map(borders, usual=USUAL).stage()
    stage.png(**values)
    table = borders(**values)
    edges = {"ship": (0 * table["review from"], table["review from"]), "block": (table["block from"], 1.0)}
    edges["review"] = (table["review from"], table["block from"])
    shown = {text.get_text(): text for text in stage.figure.axes[0].texts if text.get_visible()}
    assert {"ship", "block"} <= set(shown) or prices == (1, 0, 0)
    for word, text in shown.items():
        x, y = text.get_position()
        bottom, top = (np.broadcast_to(edge, len(table))[table.index.get_loc(x)] for edge in edges[word])
        assert bottom < y < top
    widest = (table["block from"] - table["review from"]).max()
    assert ("review" in shown) == (widest > 0.07) or widest < 0.15  # wide anywhere: the word is there


def test_the_plan_draws_what_there_is_and_begins_with_a_capital():
    rows = pd.DataFrame({"planned": ["call"] * 9 + ["none"], "action": ["call"] * 8 + ["none"] * 2, "drawn": ""})
    rows.loc[8, "drawn"] = "holdout"
    found = D.planned(rows)
    assert found.figure.get_suptitle() == "Call is planned for 9 of 10 cases"
    [legend] = [ax.get_legend() for ax in found.figure.axes]
    assert [text.get_text() for text in legend.texts] == ["as planned", "held out"]
    assert problems(found.figure) == []


# Ways to decide


def test_earned_counts_dollars_case_by_case():
    table = gained()
    found = D.earned_by(table, **DESK)
    assert_allclose(found.table["earned"], table.sum())
    ahead = table["expected value"] - table["the slide"]
    assert f"± {fg.money(1.96 * ahead.std() * 20)}, case by case" in found.says
    assert found.says.endswith("30 cells, no model earns most: $960.")
    assert found.figure.get_suptitle() == "Expected value: $540 more than the slide, in this world"


def test_earned_follows_a_world_in_which_ours_is_behind():
    found = D.earned_by(gained((-1, 5, 0, 2, 6)), **DESK)
    assert found.figure.get_suptitle() == "Expected value: $1,200 less than the slide, in this world"
    assert "that is $1,200 less than the slide" in found.says


def test_intervals_hold_the_true_sum_as_often_as_they_say():
    """Four hundred samples of 300 skewed cases each, drawn with a mean of 2."""
    rng, held = np.random.default_rng(7), 0
    for _ in range(400):
        cases = rng.exponential(2.0, 300)
        table = pd.DataFrame({"ours": cases, "other": 0.0 * cases, "bound": cases + 1})
        row = D.earned_by(table, ours="ours", against="other", bound="bound").table.loc["ours"]
        held += abs(row["earned"] - 600) <= row["± (95 %)"]
    assert 0.91 < held / 400 < 0.985


def test_worlds_are_counted():
    assert D.in_other_worlds(worlds(), **DESK).says == (
        "Expected value earns $209k in the mean of 10 worlds (lowest $167k, highest $251k); "
        "the slide loses money in 10 of them."
    )
    assert D.in_other_worlds(worlds((-1, 2, 3, 4, 9)), **DESK).says.endswith("the slide loses money in none of them.")
    assert D.in_other_worlds(worlds(n=1), **DESK).says == (
        "Expected value earns $167k in this one world; the slide loses money there."
    )


def test_an_assumption_turns_what_changes_its_sign():
    told = STANDING["turns"]()
    assert told.figure.get_suptitle().replace("\n", " ") == (
        "What turns a loss or a gain round: nobody had already left; vouchers paid when used"
    )
    assert "Nobody had already left: the slide −$12.6k → $6,651 (above zero in 10 of 10 worlds)" in told.says
    assert "expected value earns $209k, voucher for everyone most, $548k." in told.says
    calm = STANDING["nothing turns"]()
    assert calm.figure.get_suptitle() == "No assumption turns a loss round"
    assert calm.says.count("nothing turns") == 2


# Tiers


def test_the_surest_tier_is_told_with_its_luck():
    brings, tier = per_head()
    found = D.surest_tier(brings, tier)
    mean = brings.groupby(tier, observed=True).mean()
    assert found.figure.get_suptitle() == "In the surest tier (0.8 and above) voucher and call lose"
    assert found.says.startswith("In the tier 0.8 and above (50 customers) a voucher brings −$3.")
    assert_allclose(found.table["call"], mean["call"])
    luck = 1.96 * brings["voucher"][-50:].std() / 50**0.5
    assert_allclose(found.table["voucher ± (95 %)"].iloc[-1], luck)


def test_the_surest_tier_that_earns_says_so():
    title = STANDING["the surest earns"]().figure.get_suptitle()
    assert title.startswith("In the surest tier (0.8 and above) a call brings $2")


def test_a_surest_tier_in_which_one_action_earns_is_no_loss():
    found = D.surest_tier(*per_head(((-2, -11), (5, 6), (1, 1), (8, -12))))
    assert found.figure.get_suptitle().startswith("In the surest tier (0.8 and above) a voucher brings $")


def test_tiers_say_money_or_gaps():
    figure = D.tiers(steps(), gaps=no_gaps)
    expected = 12 * 700 + 33 * 400
    assert figure.says(low=0.1, high=0.34, call_from=0.34) == (
        f"No gap. It earns {fg.money(expected)}; doing nothing $0."
    )
    assert figure.says(low=0.1, high=0.3, call_from=0.34) == "Refused: a hole."
    assert figure.says(low=1.0, high=1.0, call_from=1.0) == "No gap. It earns $0; doing nothing $0."


def test_the_best_thresholds_stand_beside_the_slide():
    found = STANDING["thresholds"]()
    assert found.figure.get_suptitle() == "The best vouchers begin earlier: at 10 %, not 50 %"
    assert "10 % and 34 %, $21.6k. Within 5 % of it: vouchers from 8 % to 12 %." in found.says
    same = D.best_two_thresholds(steps(), slide=(0.1, 0.34), best=(0.1, 0.34), gaps=no_gaps)
    assert same.figure.get_suptitle() == "The best vouchers begin where the slide's do: at 10 %"


# Lists


def test_two_lists_count_their_dollars():
    table = leads()
    found = D.two_lists(table)
    brings = [fg.money(table.loc[table[x], "worth"].sum()) for x in ("by probability", "by expected value")]
    assert f"by probability {brings[0]}; by expected value {brings[1]}; without the model" in found.says
    alone, best = table.nlargest(20, "value")["worth"].sum(), np.sort(table["worth"])[-20:].sum()
    assert f"by value alone, {fg.money(alone)}. All 60 called: {fg.money(table['worth'].sum())}" in found.says
    assert found.says.endswith(f"the best 20 in truth: {fg.money(best)}.")


def test_one_more_review_is_read_between_the_numbers():
    figure = D.reviews(BY_NUMBER, ONE_MORE, ours="by gain", bound=151e3)
    assert figure.says(reviews=0) == (
        "With 0 reviews, ranked by gain, the month earns $135k; one more review brings $110 beyond its price. Doing "
        "nothing: $0; a clairvoyant: $151k."
    )
    stage = figure.stage()
    stage.png(reviews=400)
    ticks = next(ax.yaxis.get_major_locator() for ax in stage.figure.axes).tick_values(131.9e3, 142.4e3)
    assert all(tick % 1_000 == 0 for tick in ticks)  # "$138k" is not 137,500


# Wrong frames


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: D.best_of_lines(OUTCOMES.head(1)), "at least two actions; got 1"),
        (lambda: D.best_of_lines(OUTCOMES[["good"]]), "outcomes must have the columns fake"),
        (lambda: D.earned_by(gained(n=1, spread=0), **DESK), "at least two cases"),
        (lambda: D.earned_by(gained(), **DESK | {"ours": "luck"}), "gained must have the columns luck"),
        (lambda: D.in_other_worlds(worlds().head(0), **DESK), "worlds must hold at least one row"),
        (lambda: D.what_turns(worlds(), ours="expected value", against="the slide"), "columns on two levels"),
        (lambda: D.what_turns(assumptions(), ours="luck", against="the slide"), "ours must be one of"),
        (
            lambda: D.what_turns(assumptions()[["as it is"]], ours="expected value", against="the slide"),
            "at least two assumptions",
        ),
        (lambda: D.surest_tier(per_head()[0], list("abc")), "tier must be a category"),
        (lambda: D.surest_tier(per_head()[0], per_head()[1][:9]), "one tier per customer, 200; got 9"),
        (lambda: D.tiers(steps().drop(columns="customers"), gaps=no_gaps), "steps must have the columns customers"),
        (lambda: D.tiers(steps().iloc[1:], gaps=no_gaps), "at least two rows, from 0 up"),
        (lambda: D.two_lists(leads().assign(value=0.0)), "values above 0; got 0"),
        (lambda: D.chosen_disappoint(TEAMS.head(0)), "teams must hold at least one row"),
        (lambda: D.reviews(BY_NUMBER, ONE_MORE[:3], ours="by gain", bound=1), "same numbers of reviews"),
        (lambda: D.reviews(BY_NUMBER, ONE_MORE, ours="by luck", bound=1), "ours must be one of"),
        (lambda: D.expensive_reviews(borders, usual=USUAL, never_from="dear"), "never_from"),
    ],
)
def test_wrong_frames_are_refused(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        wrong()
