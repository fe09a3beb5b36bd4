"""No odd input passes in silence, ends in a traceback, or is refused without saying which argument it was.

Hypothesis draws from all functions × arguments × odd inputs of `fuzz.py`, with the spoilt entry anywhere. A few hundred
draws belong to every run; FUZZ_EXAMPLES asks for more.
"""

import functools
import os

import pytest
from fuzz import CASES_TO_TRY, N, outcome, trials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mllayers import action, data, decision, feedback, prediction

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "600"))
EXPECTED = {}


def expected(case):
    """The answer of the sound input, computed once."""
    key = case.name, tuple(case.arguments)
    if key not in EXPECTED:
        EXPECTED[key] = case.call()
    return EXPECTED[key]


@pytest.mark.parametrize("case", CASES_TO_TRY, ids=lambda case: f"{case.name}-{len(case.arguments)}")
def test_sound_inputs_have_an_answer(case):
    assert expected(case) is not None


@functools.cache
def trials_at(row):
    return list(trials(row))


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(place=st.integers(0, 10**6), row=st.integers(0, N - 1))
def test_every_odd_input_is_answered_or_told(place, row):
    every = trials_at(row)
    case, argument, kind, told, odd, sound = every[place % len(every)]
    result, said = outcome(case, argument, odd, expected(case) if sound else None)
    assert result in ("right", "told"), f"{case.name}({argument}={told}, a {kind}) at row {row}: {result}: {said}"


def test_every_public_function_of_the_layers_is_tried():
    """Types, and what needs more than columns and numbers, have tests of their own."""
    elsewhere = {"act", "ledger_effect", "ledger_promise", "fits_capacity", "review_band"}
    functions = {
        name
        for room in (action, data, decision, feedback, prediction)
        for name in room.__all__
        if callable(getattr(room, name)) and not isinstance(getattr(room, name), type)
    }
    assert functions - elsewhere <= {case.name.rpartition(".")[2] for case in CASES_TO_TRY}
