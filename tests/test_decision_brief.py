"""Layer 3: the one sentence before any model."""

import html
import re

import pytest

from mllayers.decision import Action, Brief, NotReadyToModel

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

    def test_compiles_to_a_draft_whose_gaps_are_the_next_questions(self):
        draft = Brief(WHO, WHAT, SO_THAT).policy_draft(["ship", Action("review", cost=4)], missing="ship", idle="ship")
        assert [action.owner for action in draft.actions] == [WHO, WHO]
        assert draft.missing == Action("ship", owner=WHO)
        assert draft.gaps() == [
            "action 'review' has no gain",
            "no hold-out: say which share of cases stays without action, such as holdout=0.05",
        ]
        assert SO_THAT in draft.describe()
        with pytest.raises(NotReadyToModel):
            Brief(WHO).policy_draft(["ship"])

    def test_what_a_learner_writes_is_shown_and_never_run(self):
        nasty = "<img src=x onerror=alert(1)> ![x](http://x/y.png) [a](javascript:b) `c` **d** _e_\n# f $1 or $2"
        brief = Brief(nasty, "whom to pay $5 or $10 for", "it pays")
        for shown in (brief._repr_html_(), brief._repr_markdown_()):
            assert "<img" not in shown
            assert "$" not in shown
            assert "&#36;" in shown
        written = brief._repr_markdown_().replace("**Brief**", "").replace("*complete*", "").replace("<span>", "")
        assert not re.search(r"[<\[\]`*_\n#](?!\d+;)", written.replace("</span>", ""))
        assert html.unescape(written).count("![x]") == 1

    def test_a_draft_keeps_what_is_said_beside_the_menu(self):
        draft = Brief(WHO, WHAT, SO_THAT).policy_draft(["ship"], missing=Action("ask", cost=1, owner="desk"))
        assert draft.missing == Action("ask", cost=1, owner="desk")
        with pytest.raises(TypeError, match="action must be an Action or its name; got 3"):
            Brief(WHO, WHAT, SO_THAT).policy_draft([3])
