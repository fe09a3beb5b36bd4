"""Commit to a number before the result is on the screen, then see the two side by side.

Until its reveal a prediction may be changed; after it, the number that stood counts. While there is no guess, `reveal`
shows nothing and keeps nothing: whoever runs all cells by accident has spent no question, writes a guess and runs the
two cells again. Who does not want to guess writes ``"skip"`` for the guess. Notebook 5 reads all guesses back and shows
how well calibrated the learner was.
"""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Any

from mllayers.course import learner
from mllayers.course.answers import Unreadable, in_words, is_blank, not_attempted, one_number, what_came
from mllayers.course.notes import Note
from mllayers.course.words import tr

if TYPE_CHECKING:
    import pandas as pd

RANGES = {"%": (0.0, 100.0), "share": (0.0, 1.0), "days": (0.0, math.inf), "customers": (0.0, math.inf)}
"""What can be asked for in a unit, where the question does not say otherwise."""

_CLOSE = 0.02  # within 2 % of the result is "right on it"


# What each question of the course asked, in a few words, for the table at its end.
_ASKED = {
    "P1-1": "share of the fakes that the reviewers stop",
    "P1-2": "share of pattern B stopped after an audit of one in a hundred",
    "P2-1": "dollars of the 92 % model for each hundred of the 74 % model",
    "P2-2": "threshold at which boosting earns most",
    "P3-1": "what the slide's policy earns",
    "P3-2": "probability from which the best such policy sends vouchers",
    "P4-1": "what vouchers by P(leaves) × value earn",
    "P4-2": "share from which a voucher paid when used loses",
    "P4-3": "customers that a pilot must have",
    "P5-1": "share of the shipped fraud that the closed loop promises",
    "P5-2": "share of orders to audit",
    "PC-1": "what the Larder's desk earns a month",
    "PC-2": "what the mended desk earns a month",
}


def predict(id: str, guess: Any, *, unit: str = "", low: float | None = None, high: float | None = None) -> Note:
    """Note a guess in the learner's folder.

    Parameters
    ----------
    id : str
        The question, for example ``"P1-1"``.
    guess : number
        The learner's guess, as people type it: ``95``, ``"95 %"``, ``"50,000"``. The blank ``____`` records nothing;
        ``"skip"`` says that no guess will come.
    unit : str
        ``"%"``, ``"$"``, ``"days"``, …
    low, high : float, optional
        The ends of what is asked for, by default those of the unit (`RANGES`); a guess outside is asked back.

    Returns
    -------
    Note
        What was recorded, in one sentence; it shows itself. Nothing a learner writes raises an error.
    """
    return _predict(id, guess, unit, low, high).show()  # type: ignore[no-any-return]


def _predict(id: Any, guess: Any, unit: str, low: float | None, high: float | None) -> Note:
    if trouble := _no_id(id):
        return trouble
    if is_blank(guess):
        return not_attempted(tr("Replace `____` by your guess, a number, and run the cell again before you go on."))
    if isinstance(guess, str) and guess.strip().lower() == "skip":
        return _skip(id, unit)
    try:
        number = _finite(guess, unit)
    except Unreadable as came:
        return _ask_back(tr("A prediction is one number; this is {came}.", came=came))
    ends = RANGES.get(unit, (-math.inf, math.inf))
    bottom, top = (end if given is None else float(given) for end, given in zip(ends, (low, high), strict=True))
    if not bottom <= number <= top:
        asked = _asked(bottom, top, unit)
        said = tr("{id} asks for a number {asked}; {came} is outside.", id=id, asked=asked, came=in_words(number, unit))
        return _ask_back(said)
    before = _stored(id)

    def note(records: dict[str, dict[str, Any]]) -> None:
        record = records.setdefault(id, {})
        if _number(record, "guess") is None or _number(record, "actual") is None:
            in_time = _number(record, "actual") is None
            record |= {"guess": number, "unit": unit, "in_time": in_time, "when": _now(), "skipped": False}

    notice = learner.update_records(learner.PREDICTIONS, note)
    kept, actual = _number(before, "guess"), _number(before, "actual")
    guessed = in_words(number, unit)
    if actual is not None and kept is None:
        said = tr("{id}: {guess}, after the result was shown; it will not count in notebook 5.", id=id, guess=guessed)
    elif actual is not None and kept is not None and kept != number:
        kept_words = in_words(kept, unit)
        said = tr("{id}: the result has been shown, so your earlier guess, {guess}, stays.", id=id, guess=kept_words)
    else:
        said = tr("{id}: {guess}. It can be changed until the result is shown.", id=id, guess=guessed)
    if unit == "%" and 0 < abs(number) < 1:
        meant = in_words(100 * number, unit)
        less = tr("That is less than one percent; if you meant {meant}, write {x}.", meant=meant, x=f"{100 * number:g}")
        said = f"{said} {less}"
    return Note(tr("Noted"), (said, *_told(notice)), "plain")


def reveal(id: str, actual: Any, *, unit: str = "") -> Note:
    """Show a result beside the guess that was made, and keep both; without a guess, ask for it first.

    Parameters
    ----------
    id : str
        The question that `predict` was given.
    actual : number
        The result, in the unit of the guess.
    unit : str
        ``"%"``, ``"$"``, ``"days"``, …; by default that of the guess.

    Returns
    -------
    Note
        Guess, result and the distance between them, in words; it shows itself.
    """
    return _reveal(id, actual, unit).show()  # type: ignore[no-any-return]


def _reveal(id: Any, actual: Any, unit: str) -> Note:
    if trouble := _no_id(id):
        return trouble
    if is_blank(actual):
        return not_attempted(tr("The result still hangs on a blank `____` above."))
    try:
        result = _finite(actual, unit)
    except Unreadable as came:
        return _ask_back(tr("A result is one number; this is {came}.", came=came))
    record = _stored(id)
    guess = _number(record, "guess")
    unit = unit or str(record.get("unit", ""))
    if guess is None and not record.get("skipped") and _number(record, "actual") is None:
        first = tr("The result of {id} waits for your guess: write it above, and run that cell and this one.", id=id)
        other = tr('To see it without one, write `"skip"` for the guess.')
        return Note(tr("Your guess first"), (f"{first} {other}",), "wait")

    def note(records: dict[str, dict[str, Any]]) -> None:
        records.setdefault(id, {}).update(actual=result, unit=unit)

    notice = learner.update_records(learner.PREDICTIONS, note)
    shown = in_words(result, unit)
    if guess is None:
        said = tr("{id}: it came out at {came}. You had not committed to a number.", id=id, came=shown)
    else:
        said = tr("{id}: you said {guess}, it came out at {came}: ", id=id, guess=in_words(guess, unit), came=shown)
        said += f"{_miss(guess, result, unit)}."
    return Note(tr("Result"), (said, *_told(notice)), "plain")


def predictions() -> pd.DataFrame:
    """Every prediction so far beside its result.

    Returns
    -------
    DataFrame
        One row per question, in the order of the ids: ``id``, ``question``, ``you said`` and ``it came out at`` in
        words; ``guess`` and ``actual`` as numbers (NaN while not revealed or not guessed), ``unit``, ``in_time`` (the
        guess came before the result) and ``when`` (UTC, as text).
    """
    import pandas as pd

    rows = [
        {
            "id": id,
            "question": tr(_ASKED.get(id, id)),
            "you said": _said(record, "guess"),
            "it came out at": _said(record, "actual"),
            "guess": _or_nan(_number(record, "guess")),
            "actual": _or_nan(_number(record, "actual")),
            "unit": str(record.get("unit", "")),
            "in_time": bool(record.get("in_time", False)),
            "when": str(record.get("when", "")),
        }
        for id, record in sorted(learner.read_records(learner.PREDICTIONS).items())
        if not record.get("skipped")
    ]
    words = ["id", "question", "you said", "it came out at"]
    return pd.DataFrame(rows, columns=[*words, "guess", "actual", "unit", "in_time", "when"])


def _said(record: dict[str, Any], part: str) -> str:
    """A number of a record in words; a dash where there is none."""
    number = _number(record, part)
    return "–" if number is None else in_words(number, str(record.get("unit", "")))


def _skip(id: str, unit: str) -> Note:
    def note(records: dict[str, dict[str, Any]]) -> None:
        record = records.setdefault(id, {})
        if _number(record, "guess") is None:
            record |= {"skipped": True, "unit": unit, "when": _now()}

    if _number(_stored(id), "guess") is not None:
        return _ask_back(tr("{id} has a guess already; it stays.", id=id))
    notice = learner.update_records(learner.PREDICTIONS, note)
    return Note(tr("Noted"), (tr("{id}: no guess; its result will be shown.", id=id), *_told(notice)), "plain")


def _no_id(id: Any) -> Note | None:
    if isinstance(id, str) and id.strip() and len(id) < 40:
        return None
    return _ask_back(tr('A question has an id such as `"P1-1"`; this is {came}.', came=what_came(id)))


def _ask_back(said: str) -> Note:
    return Note(tr("Not yet"), (said,), "problem")


def _asked(low: float, high: float, unit: str) -> str:
    if math.isinf(high):
        return tr("from {low} up", low=in_words(low, unit))
    if math.isinf(low):
        return tr("up to {high}", high=in_words(high, unit))
    return tr("from {low} to {high}", low=in_words(low, unit), high=in_words(high, unit))


def _stored(id: str) -> dict[str, Any]:
    return learner.read_records(learner.PREDICTIONS).get(id, {})


def _finite(x: Any, unit: str = "") -> float:
    number = one_number(x, unit)
    if math.isinf(number):
        raise Unreadable(tr("infinite"))
    return number


def _number(record: dict[str, Any], field: str) -> float | None:
    x = record.get(field)
    return float(x) if isinstance(x, (int, float)) and not isinstance(x, bool) and abs(x) < math.inf else None


def _or_nan(x: float | None) -> float:
    return math.nan if x is None else x


def _miss(guess: float, result: float, unit: str) -> str:
    if guess == result or abs(guess - result) <= _CLOSE * abs(result):
        return tr("right on it")
    apart = in_words(abs(guess - result), tr("percentage points") if unit == "%" else unit)
    return tr("{apart} too high", apart=apart) if guess > result else tr("{apart} too low", apart=apart)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _told(notice: str) -> tuple[str, ...]:
    return (notice,) if notice else ()
