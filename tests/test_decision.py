"""Layer 3: briefs, thresholds, tiers, policies and capacity."""

import pytest

from mllayers.decision import Brief, NotReadyToModel

WHO, WHAT, SO_THAT = "The fraud desk", "which orders to open before they ship", "fewer fake orders leave the warehouse"


class TestBrief:
    def test_complete_brief_is_one_sentence(self):
        brief = Brief(WHO, WHAT, SO_THAT)
        assert brief.missing() == []
        assert brief.require() is brief
        assert str(brief) == f"{WHO} decides {WHAT}, so that {SO_THAT}."

    def test_full_stops_and_spaces_are_not_doubled(self):
        assert str(Brief(" We ", "x", "y happens. ")) == "We decides x, so that y happens."

    @pytest.mark.parametrize("blank", [None, "", "  ", "____", "…", "...", ..., 0, float("nan"), object(), [], ["we"]])
    def test_anything_but_words_is_missing_and_never_raises_before_require(self, blank):
        draft = Brief(blank, WHAT, blank)
        assert draft.missing() == ["who", "outcome"]
        assert str(draft) == f"[who?] decides {WHAT}, so that [outcome?]."
        assert "who, outcome" in draft._repr_html_()
        assert "who, outcome" in draft._repr_markdown_()
        with pytest.raises(NotReadyToModel, match=r"(?s)who and outcome are missing.*who: who takes.*outcome: the"):
            draft.require()

    def test_one_missing_part_is_named_with_the_way_to_fill_it(self):
        with pytest.raises(NotReadyToModel, match=r"(?s)decision is missing.*decision: what they decide"):
            Brief(WHO, "", SO_THAT).require()

    def test_is_a_value_error_and_a_value_object(self):
        assert issubclass(NotReadyToModel, ValueError)
        assert Brief(WHO, WHAT, SO_THAT) == Brief(WHO, WHAT, SO_THAT)

    def test_card_is_escaped(self):
        card = Brief("R&D <team>", "x", "y")._repr_html_()
        assert "R&amp;D &lt;team&gt;" in card
        assert "Complete" in card
