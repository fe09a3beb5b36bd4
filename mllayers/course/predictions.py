"""Commit to a number before the result is on the screen, then see the two side by side.

Until its reveal a prediction may be changed; after it, the number that stood counts. Notebook 5 reads them all back
and shows how well calibrated the learner was.
"""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Any

from mllayers.course import learner
from mllayers.course.answers import Unreadable, in_words, is_blank, not_attempted, one_number
from mllayers.course.notes import Note

if TYPE_CHECKING:
    import pandas as pd

FILE = "predictions.json"
_CLOSE = 0.02  # within 2 % of the result is "right on it"


def predict(id: str, guess: Any, *, unit: str = "") -> Note:
    """Note a guess in the learner's folder.

    Parameters
    ----------
    id : str
        The question, for example ``"P1-1"``.
    guess : number
        The learner's guess; the blank ``____`` records nothing.
    unit : str
        ``"%"``, ``"$"``, ``"days"``, …: only shown.

    Returns
    -------
    Note
        What was recorded, in one sentence. Nothing a learner writes raises an error.
    """
    if is_blank(guess):
        return not_attempted("Replace `____` by your guess, a number, and run the cell again before you go on.")
    try:
        number = _finite(guess)
    except Unreadable as came:
        return Note("Not yet", (f"A prediction is one number; this is {came}.",), "problem")
    before = _stored(id)

    def note(records: dict[str, dict[str, Any]]) -> None:
        record = records.setdefault(id, {})
        if _number(record, "guess") is None or _number(record, "actual") is None:
            in_time = _number(record, "actual") is None
            record |= {"guess": number, "unit": unit, "in_time": in_time, "when": _now()}

    notice = learner.update_records(FILE, note)
    kept, actual = _number(before, "guess"), _number(before, "actual")
    if actual is not None and kept is None:
        said = f"{id}: {in_words(number, unit)}, after the result was shown; it will not count in notebook 5."
    elif actual is not None and kept is not None and kept != number:
        said = f"{id}: the result has been shown, so your earlier guess, {in_words(kept, unit)}, stays."
    else:
        said = f"{id}: {in_words(number, unit)}. It can be changed until the result is shown."
    if unit == "%" and 0 < abs(number) < 1:
        said += f" That is less than one percent; if you meant {in_words(100 * number, unit)}, write {100 * number:g}."
    return Note("Noted", (said, *_told(notice)), "plain")


def reveal(id: str, actual: Any, *, unit: str = "") -> Note:
    """Show a result beside the guess that was made, and keep both.

    Parameters
    ----------
    id : str
        The question that `predict` was given.
    actual : number
        The result, in the unit of the guess.
    unit : str
        ``"%"``, ``"$"``, ``"days"``, …: only shown.

    Returns
    -------
    Note
        Guess, result and the distance between them, in words.
    """
    if is_blank(actual):
        return not_attempted("The result still hangs on a blank `____` above.")
    try:
        result = _finite(actual)
    except Unreadable as came:
        return Note("Not yet", (f"A result is one number; this is {came}.",), "problem")
    guess = _number(_stored(id), "guess")

    def note(records: dict[str, dict[str, Any]]) -> None:
        records.setdefault(id, {}).update(actual=result, unit=unit)

    notice = learner.update_records(FILE, note)
    if guess is None:
        said = f"It came out at {in_words(result, unit)}. You had not committed to a number for {id}."
    else:
        said = (
            f"You said {in_words(guess, unit)}, it came out at {in_words(result, unit)}: {_miss(guess, result, unit)}."
        )
    return Note("Result", (said, *_told(notice)), "plain")


def predictions() -> pd.DataFrame:
    """Every prediction so far beside its result.

    Returns
    -------
    DataFrame
        One row per question, in the order of the ids: ``id``, ``guess``, ``actual`` (NaN while not revealed or not
        guessed), ``unit``, ``in_time`` (the guess came before the result) and ``when`` (UTC, as text).
    """
    import pandas as pd

    rows = [
        {
            "id": id,
            "guess": _or_nan(_number(record, "guess")),
            "actual": _or_nan(_number(record, "actual")),
            "unit": str(record.get("unit", "")),
            "in_time": bool(record.get("in_time", False)),
            "when": str(record.get("when", "")),
        }
        for id, record in sorted(learner.read_records(FILE).items())
    ]
    return pd.DataFrame(rows, columns=["id", "guess", "actual", "unit", "in_time", "when"])


def _stored(id: str) -> dict[str, Any]:
    return learner.read_records(FILE).get(id, {})


def _finite(x: Any) -> float:
    number = one_number(x)
    if math.isinf(number):
        raise Unreadable("infinite")
    return number


def _number(record: dict[str, Any], field: str) -> float | None:
    try:
        return _finite(record.get(field))
    except Unreadable:
        return None


def _or_nan(x: float | None) -> float:
    return math.nan if x is None else x


def _miss(guess: float, result: float, unit: str) -> str:
    if guess == result or abs(guess - result) <= _CLOSE * abs(result):
        return "right on it"
    apart = in_words(abs(guess - result), "percentage points" if unit == "%" else unit)
    return f"{apart} too {'high' if guess > result else 'low'}"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _told(notice: str) -> tuple[str, ...]:
    return (notice,) if notice else ()
