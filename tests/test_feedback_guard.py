"""Layer 5, Feedback: has a paid segment outgrown its card?"""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import binom_test

from mllayers.feedback import SizeGuard, size_guard


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=80), st.floats(1.01, 4))
def test_guard_counts_as_a_loop_would(segments, ratio):
    card = {"a": 0.2, "c": 0.05, "z": 0.5}
    if not set(segments) & set(card):
        with pytest.raises(ValueError, match="no segment of the card occurs among segments: the card has a, c, z"):
            size_guard(segments, card, ratio=ratio)
        return
    found = size_guard(segments, card, ratio=ratio)
    table = found.frame()
    assert table.index.tolist() == list(card)
    for name, share in card.items():
        now = sum(segment == name for segment in segments) / len(segments)
        assert table.loc[name, "now"] == now
        assert table.loc[name, "outgrown"] == (name in found.outgrown) == (now / share > ratio)
        assert (name in found.absent) == (now == 0)
    assert found.off_card == sum(segment in "bd" for segment in segments)


def test_by_chance_is_the_binomial_tail():
    table = size_guard(np.repeat(["a", "b"], [12, 88]), {"a": 0.07}).frame()
    assert table.loc["a", "by_chance"] == pytest.approx(stats.binomtest(12, 100, 0.07, "greater").pvalue)
    assert table.loc["a", "by_chance"] == pytest.approx(binom_test(12, 100, 0.07, alternative="larger"))


@pytest.mark.parametrize("segments", [[1, 2, 2], ["1", "2", "2"], np.array([1, 2, 2]), pl.Series([1, 2, 2])])
def test_a_card_from_json_meets_whole_numbers(segments):
    card = json.loads(json.dumps({1: 0.15, 2: 0.5}))
    found = size_guard(segments, card)
    assert found.frame()["growth"].tolist() == pytest.approx([1 / 3 / 0.15, 2 / 3 / 0.5])
    assert found.outgrown == ["1"]
    assert size_guard(segments, {1: 0.15, 2: 0.5}).outgrown == [1], "names are those of the card"


def test_whole_numbers_beyond_floats_are_not_their_neighbours():
    big = 2**53
    found = size_guard([big, big + 1, big + 1], {big + 1: 0.5})
    assert found.frame()["now"].tolist() == pytest.approx([2 / 3])
    assert found.off_card == 1


def test_the_result_says_who_is_missing():
    found = size_guard(["a"] * 9 + ["x"], {"a": 0.5, "b": 0.2})
    assert isinstance(found, SizeGuard)
    assert str(found) == (
        "outgrown: a (1.80 times its card); 10.0 % of 10 cases are in segments that are not on the card; nobody is in b"
    )
    assert str(size_guard(["a", "x"], {"a": 0.5})).startswith("no segment has outgrown its card by more than 1.5 times")
    assert found == size_guard(["a"] * 9 + ["x"], {"a": 0.5, "b": 0.2})
    assert (found.n, found.to_dict()["outgrown"], found.to_dict()["absent"]) == (10, ["a"], ["b"])


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"segments": []}, ValueError, "segments must hold at least one case"),
        ({"segments": ["a", None]}, ValueError, "segments is missing at row 1"),
        ({"segments": pd.Series([1.0, 2.0])}, TypeError, "segments must be text or whole numbers; got 1.0 at row 0"),
        ({"segments": "a"}, TypeError, "segments must be a column"),
        ({"card": {}}, TypeError, "card must give the share of each paid segment"),
        ({"card": ["a"]}, TypeError, "card must give the share of each paid segment.*got a list"),
        ({"card": {"a": 0}}, ValueError, r"card\['a'\] must be > 0 and ≤ 1; got 0"),
        ({"card": {"a": 15}}, ValueError, r"card\['a'\] must be > 0 and ≤ 1; got 15"),
        ({"card": {"a": 0.7, "b": 0.7}}, ValueError, "the shares on the card must add up to at most 1; got 1.4"),
        ({"card": {1: 0.1, "1": 0.1}}, ValueError, "card must name each segment once; got '1' twice"),
        ({"card": {1.5: 0.1}}, TypeError, "segments on the card must be text or whole numbers; got 1.5"),
        ({"card": {"A": 0.1}}, ValueError, "no segment of the card occurs .* the card has A, segments has a"),
        ({"ratio": 1}, ValueError, "ratio must be > 1; got 1"),
    ],
)
def test_size_guard_refuses_in_words(wrong, error, says):
    given = {"segments": ["a"], "card": {"a": 0.5}} | wrong
    with pytest.raises(error, match=says):
        size_guard(given.pop("segments"), given.pop("card"), **given)
