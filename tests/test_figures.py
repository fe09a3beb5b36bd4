import base64
import io
import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from figure_cases import MOVING, STANDING, TWINS
from figure_rules import BLINDNESS, contrast, difference, problems
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from PIL import Image

from mllayers import figures as fg
from mllayers.figures import strokes

MOVES = [(name, values) for name, (_, settings) in MOVING.items() for values in settings]


def pixels(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)))


# The palette


@pytest.mark.parametrize("kind", fg.LOOKS)
def test_marks_stand_out_from_the_sheet(kind):
    assert contrast(fg.LOOKS[kind].colour, fg.FACE) >= 3


def test_text_is_readable():
    assert contrast(fg.INK, fg.FACE) >= 4.5
    assert {fg.RC[key] for key in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color")} == {fg.INK}


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(fg.LOOKS, 2)))
def test_meanings_differ_in_colour_to_all_eyes_and_in_form(one, other, blindness):
    a, b = fg.look(one), fg.look(other)
    assert difference(a.colour, b.colour, blindness) >= 10
    assert a.marker != b.marker


def test_bars_that_stand_beside_each_other_have_hatches_or_lightness():
    for one, other in itertools.combinations(fg.LOOKS.values(), 2):
        lighter = abs(difference(one.colour, "#000000", "none") - difference(other.colour, "#000000", "none"))
        assert one.hatch != other.hatch or lighter >= 5


def test_unknown_meaning_is_refused():
    with pytest.raises(ValueError, match=r"kind must be one of truth, sees, .*, boosting; got 'red'"):
        fg.look("red")


# Every figure of the notebook


@pytest.mark.parametrize("name", STANDING)
def test_standing_figures_keep_the_rules(name):
    assert problems(STANDING[name]()) == []


@pytest.mark.parametrize(("name", "values"), MOVES)
def test_moving_figures_keep_the_rules_at_every_setting(name, values):
    stage = fg.Stage(MOVING[name][0], title="What the control does")
    stage.png(**values)
    assert problems(stage.figure) == []


@pytest.mark.parametrize("name", TWINS)
def test_static_twins_keep_the_rules(name):
    twin = fg.small_multiples(MOVING[name][0], TWINS[name], title="The same figure, setting by setting")
    assert problems(twin) == []
    headings = [place.get_suptitle() for place in twin.subfigs if place.get_suptitle()]
    assert sorted(headings) == sorted(TWINS[name])


@pytest.mark.parametrize("name", MOVING)
def test_blitted_picture_equals_a_full_redraw(name):
    draw, settings = MOVING[name]
    stage = fg.Stage(draw, title="What the control does")
    for values in [*settings, settings[0]]:
        whole = fg.Stage(draw, title="What the control does")
        whole._move(**values)
        np.testing.assert_array_equal(pixels(stage.png(**values)), pixels(fg.png(whole.figure)))


@pytest.mark.parametrize("name", MOVING)
def test_settings_look_different(name):
    draw, settings = MOVING[name]
    stage = fg.Stage(draw, title="What the control does")
    assert len({stage.png(**values) for values in settings}) > len(settings) // 2


def test_drawing_leaves_matplotlib_as_it_was():
    before = dict(mpl.rcParams)
    for make in STANDING.values():
        fg.png(make())
    fg.Stage(MOVING["audit"][0], title="Audits").png(share=0.01)
    assert dict(mpl.rcParams) == before


def test_pictures_do_not_depend_on_the_readers_settings():
    usual = fg.png(STANDING["grades"]())
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "figure.dpi": 50}):
        assert fg.png(STANDING["grades"]()) == usual


def test_the_sheet_is_opaque_and_off_white():
    image = pixels(fg.png(STANDING["seeds"]()))
    assert image.shape[2] == 3
    assert tuple(image[0, 0]) == tuple(int(fg.FACE[i : i + 2], 16) for i in (1, 3, 5))


# What single functions promise


def test_long_titles_are_wrapped_and_empty_ones_refused():
    figure, _ = fg.canvas("A finding that needs rather many words to be told " * 3)
    assert problems(figure) == []
    with pytest.raises(ValueError, match="title must state the finding"):
        fg.canvas(" ")


def test_bars_are_as_long_as_their_numbers():
    _, [ax] = fg.canvas("Bars")
    table = pd.DataFrame({"a": [0.2, 0.5], "b": [0.1, -0.3]}, index=["x", "y"])
    fg.grouped_bars(ax, table, kinds={"a": "policy", "b": "truth"})
    assert sorted(bar.get_width() for bar in ax.patches) == [-0.3, 0.1, 0.2, 0.5]
    assert [t.get_text() for t in ax.texts] == ["20.0 %  a", "50.0 %", "10.0 %  b", "−30.0 %"]


def test_stacked_parts_add_up():
    _, [ax] = fg.canvas("Parts")
    fg.stacked_bars(ax, pd.DataFrame({"a": [0.25], "b": [0.7], "c": [0.05]}, index=["x"]))
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    assert ends == pytest.approx([0.25, 0.95, 1.0])
    assert [t.get_text() for t in ax.texts] == ["25.0 %", "70.0 %"]


def test_slopes_cross_when_rankings_disagree():
    _, [ax] = fg.canvas("Slopes")
    fg.slopes(ax, pd.DataFrame({"l": [1.0, 2.0], "r": [9.0, 3.0]}, index=["x", "y"]), kinds={"x": "sees", "y": "bound"})
    x, y = (line.get_ydata() for line in ax.lines)
    assert x[0] > y[0]
    assert x[1] < y[1]


def test_waterfall_ends_at_the_sum():
    _, [ax] = fg.canvas("Steps")
    fg.waterfall(ax, pd.Series({"start": 10.0, "up": 5.0, "down": -8.0}), total="end")
    assert [bar.get_width() for bar in ax.patches] == [10, 5, -8, 7]
    assert [bar.get_x() for bar in ax.patches] == [0, 10, 15, 0]
    assert [t.get_text() for t in ax.texts] == ["$10", "▲ $5", "▼ $8", "$7"]


def test_waterfall_below_zero_stays_on_the_sheet():
    figure, [ax] = fg.canvas("A loss")
    fg.waterfall(ax, pd.Series({"gain": 20_000.0, "cost": -90_000.0}), total="what is left")
    assert problems(figure) == []


def test_spread_names_mean_extremes_and_do_nothing():
    _, [ax] = fg.canvas("Seeds")
    fg.spread(ax, pd.DataFrame({"a": [1.0, 2.0, 6.0]}), kinds={"a": "policy"})
    assert [t.get_text() for t in ax.texts] == ["do nothing: $0", "mean $3\n$1 to $6"]


def test_the_number_of_an_interval_stands_apart_from_its_ends():
    _, [ax] = fg.canvas("Rates")
    rates = pd.DataFrame({"value": [0.02, 0.03], "low": [0.01, np.nan], "high": [0.05, np.nan]}, ["audit", "silence"])
    fg.intervals(ax, rates, truth=0.029, kinds={"audit": "policy", "silence": "sees"})
    said = {text.get_text(): text.xy[0] for text in ax.texts[1:]}
    assert said == {"2.0 %  (1.0 % to 5.0 %)": 0.05, "3.0 %": 0.05}


def test_labels_stay_in_order_and_apart():
    y = np.array([0.5, 0.0, 0.01, 0.02, 1.0])
    moved = strokes._apart(y, 0.1)
    assert np.array_equal(np.argsort(moved), np.argsort(y))
    assert np.diff(np.sort(moved)).min() >= 0.1 - 1e-12
    assert moved[4] == 1.0


def test_curve_is_read_between_its_points():
    curve = pd.DataFrame({"mean": [0.0, 1.0], "low": [0.0, 0.8], "high": [0.2, 1.2]}, index=pd.Index([0, 2], name="n"))
    _, [ax] = fg.canvas("Curve")
    move = fg.band_curve(ax, curve, xlabel="n", ylabel="y", words=(fg.plain, fg.plain))
    assert move(n=1)[2].get_text() == "1: 0.5\n(0.4 to 0.7)"
    with pytest.raises(ValueError, match=r"n must be ≥ 0 and ≤ 2; got 3"):
        move(n=3)


def test_the_key_of_curves_stands_beside_its_words_on_narrow_and_wide_axes():
    curves = pd.DataFrame({"by value": [0.0, 1.0]}, index=pd.Index([0.0, 1.0], name="reviews"))
    gaps = []
    for columns in (1, 3):
        figure, axes = fg.canvas("Wide or narrow", columns=columns)
        fg.curves_at(axes[0], curves, xlabel="reviews", ylabel="gained", kinds={"by value": "sees"})(reviews=0.5)
        fg.png(figure)
        [words] = [text for text in axes[0].texts if text.get_text() == "by value"]
        [mark] = [line for line in axes[0].lines if list(line.get_xdata()) == [0] and line.get_marker() == "o"]
        gaps.append(words.get_window_extent().x0 - mark.get_window_extent().x1)
    assert gaps == pytest.approx([gaps[0]] * 2)
    assert 5 < gaps[0] < 20


def test_axes_without_a_scale_write_their_numbers():
    _, [ax] = fg.canvas("Bars")
    fg.grouped_bars(ax, pd.DataFrame({"a": [0.2]}), kinds={"a": "policy"})
    assert isinstance(ax.xaxis.get_major_locator(), NullLocator)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ax: fg.grouped_bars(ax, [1], kinds={}), "table must be a DataFrame"),
        (lambda ax: fg.grouped_bars(ax, pd.DataFrame({"a": [1.0]}), kinds={"b": "truth"}), "must have the columns b"),
        (lambda ax: fg.slopes(ax, pd.DataFrame({"a": [1.0]}), kinds={}), "two columns, one for each ranking; got 1"),
        (lambda ax: fg.paired_dots(ax, pd.DataFrame({"a": [1.0]}), kinds={}), "two columns, one for each reading"),
        (lambda ax: fg.waterfall(ax, pd.Series(dtype=float), total="t"), "steps must hold at least one step"),
        (
            lambda ax: fg.bars_by_setting(ax, pd.DataFrame({"a": [-1.0]}), kinds={"a": "truth"}, heading="h"),
            "grid must hold no value below zero",
        ),
    ],
)
def test_bad_input_is_told(call, message):
    _, [ax] = fg.canvas("Bad")
    with pytest.raises((TypeError, ValueError), match=message):
        call(ax)


def test_small_multiples_need_settings():
    with pytest.raises(ValueError, match="settings must hold at least one panel"):
        fg.small_multiples(MOVING["audit"][0], {}, title="Nothing")


# The picture as an output


def test_picture_carries_its_alt_text_twice():
    figure = Figure(figsize=(1, 1), facecolor="white")
    data, metadata = fg.picture(fg.png(figure), 'Bars: "A" < "B" & more')
    assert metadata["image/png"]["alt"] == data["text/plain"] == 'Bars: "A" < "B" & more'
    assert 'alt="Bars: &quot;A&quot; &lt; &quot;B&quot; &amp; more"' in data["text/html"]
    assert data["image/png"] in data["text/html"]


def test_a_compact_picture_keeps_the_colours_that_carry_meaning():
    """Few marks of a colour are enough: none of them is merged into another."""
    figure, [ax] = fg.canvas("Marks")
    ax.imshow(np.linspace(0, 1, 4_000).reshape(40, 100), extent=(-1, 8, 1, 3), aspect="auto", cmap="viridis")
    for x, style in enumerate(fg.LOOKS.values()):
        ax.plot([x], [0], "s", color=style.colour)
    ax.set(xlim=(-1, 8), ylim=(-1, 3))
    png = fg.png(figure)
    data, _ = fg.picture(png, "Eight marks, one of each colour")
    before, after = (Image.open(io.BytesIO(x)).convert("RGB") for x in (png, base64.b64decode(data["image/png"])))
    before, after = (np.asarray(image).astype(int) for image in (before, after))
    for style in fg.LOOKS.values():
        colour = [int(style.colour[i : i + 2], 16) for i in (1, 3, 5)]
        mark = (before == colour).all(axis=2)
        assert mark.sum() > 20
        assert abs(after[mark] - colour).max() <= 20


# Findings: one line in a notebook

DRIFTED = pd.DataFrame({"tv": [0.3, 0.02, 0.11], "flagged": [True, False, True]}, index=["device_new", "amount", "age"])
SWEEP = pd.DataFrame(
    {"threshold": np.r_[np.inf, np.linspace(1, 0, 500)], "profit": -((np.arange(501) - 120.0) ** 2) + 14_400.0}
).assign(acted=np.arange(501))
PLAN = pd.DataFrame({"planned": ["call"] * 30 + ["none"] * 70, "action": ["call"] * 27 + ["none"] * 73}).assign(
    drawn=[""] * 27 + ["holdout"] * 3 + [""] * 70
)
EFFECTS = pd.DataFrame(
    {"net": [3.1, -2.0, np.nan], "net_low": [1.2, -4.0, np.nan], "net_high": [5.0, -0.5, np.nan]},
    index=["call", "gift", "letter"],
)
KEPT = pd.DataFrame(
    {
        "promised": [0.02, 0.01],
        "delivered": [0.02, 0.05],
        "low": [0.01, 0.03],
        "high": [0.03, 0.08],
        "kept": [True, False],
    },
    index=["May", "June"],
)
FINDINGS = {
    "drift": lambda: fg.data.drift(DRIFTED),
    "money": lambda: fg.prediction.money_at_each_threshold(SWEEP),
    "planned": lambda: fg.decision.planned(PLAN),
    "net": lambda: fg.action.net_by_action(EFFECTS),
    "promise": lambda: fg.feedback.promise(KEPT),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_findings_keep_the_rules(name):
    found = FINDINGS[name]()
    assert problems(found.figure) == []
    assert len(found.alt.split()) >= 5
    assert found.says != found.alt
    assert not found.table.empty


@pytest.mark.parametrize("name", FINDINGS)
def test_findings_are_the_same_bytes_each_time(name):
    assert FINDINGS[name]().png() == FINDINGS[name]().png()


def test_findings_change_no_setting():
    before = dict(mpl.rcParams)
    for make in FINDINGS.values():
        make().png()
    assert dict(mpl.rcParams) == before


def test_findings_read_their_own_numbers():
    assert FINDINGS["promise"]().says.startswith("The promise was broken in 1 of 2 periods; in June 1.0 % was promised")
    assert "the 120 cases with p" in FINDINGS["money"]().says
    assert "(3 held out, 0 tried at random)" in FINDINGS["planned"]().says


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"figure": "a picture"}, "figure must be a matplotlib Figure"),
        ({"alt": "a bar"}, "alt must say in words"),
        ({"says": "look"}, "says must be the sentence"),
        ({"says": "Bars of the money that each action earns"}, "says must add to the alt text"),
        ({"table": [1]}, "table must be a DataFrame"),
        ({"table": pd.DataFrame()}, "table must hold the numbers"),
    ],
)
def test_a_finding_without_a_part_is_refused(change, message):
    parts = {
        "figure": Figure(),
        "alt": "Bars of the money that each action earns",
        "says": "Calls earn most of all.",
        "table": KEPT,
    }
    with pytest.raises((TypeError, ValueError), match=message):
        fg.Finding(**parts | change)


def test_effects_without_a_number_are_refused():
    with pytest.raises(ValueError, match="effects must hold at least one net effect"):
        fg.action.net_by_action(EFFECTS.loc[["letter"]])
