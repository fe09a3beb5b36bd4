"""What a learner believes before and after: plain statements to agree or disagree with, each tested by a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mllayers.course import learner
from mllayers.course.answers import is_blank, what_came
from mllayers.course.notes import Note, Page

FILE = "beliefs.json"
MARKS = ("agree", "unsure", "disagree")
MOMENTS = ("before", "after")


@dataclass(frozen=True)
class Belief:
    """A statement that a practitioner might hold, the claim it touches, and what its notebook finds."""

    id: str
    statement: str
    claim: str
    notebook: str
    finding: str


BELIEFS = (
    Belief(
        "B1",
        "Once the data are clean, a model can be trained on them.",
        "C1.1",
        "01",
        "Does not hold: a clean sample can still leave out whole kinds of cases, and the cleaning itself can do it.",
    ),
    Belief(
        "B2",
        "A model that finds 99 % of the fraud in the hold-out data finds about 99 % of the fraud.",
        "C1.2",
        "01",
        "Does not hold: the hold-out data know only the fraud that somebody caught.",
    ),
    Belief(
        "B3",
        "Of two models for the same task, the one with the lower loss lets fewer fake orders through.",
        "C2.5",
        "01",
        "Does not hold: on labels that follow from old decisions the best loss can go with the most fake orders.",
    ),
    Belief(
        "B4",
        "Checking a small random sample by hand can be worth more than a better algorithm.",
        "C1.2",
        "01",
        "Holds here: no algorithm learns what has no label, and a few random checks give it one.",
    ),
    Belief(
        "B5",
        "A model that is 91 % accurate is worth more than one that is 74 % accurate.",
        "C2.3",
        "02",
        "Does not hold: what a model is worth depends on what is done with it.",
    ),
    Belief(
        "B6",
        "The most probable case deserves the attention first.",
        "C3.2",
        "03",
        "Does not hold: what is at stake and what the action changes count as much as the probability.",
    ),
    Belief(
        "B7",
        "A voucher that many customers redeem has paid off.",
        "C4.1",
        "04",
        "Does not hold: it pays only through customers who would not have bought without it.",
    ),
    Belief(
        "B8",
        "A model that was right at its launch stays right until somebody changes it.",
        "C5.1",
        "05",
        "Does not hold: the world moves, and the model's own decisions choose what it gets to see.",
    ),
)


def believe(
    moment: str = "before", marks: Mapping[str, Any] | None = None, /, *, notebook: str = "01", **more: Any
) -> Page | Note:
    """Mark the course's statements before and after the experiments, and see what changed.

    Parameters
    ----------
    moment : {"before", "after"}
        When the marks are made; each is kept on its own and may be changed.
    marks : mapping, optional
        ``{"B1": "agree", "B2": "unsure", "B3": "disagree"}``; ``True`` and ``False`` stand for agree and disagree, and
        a blank (``____``) leaves a statement unmarked.
    notebook : str
        Findings are shown, after, for the statements that the notebooks up to this one have tested.
    **more : Any
        The same as keywords: ``believe("before", B1="agree", B2=____)``.

    Returns
    -------
    Page
        The statements with their marks; after, also what changed and what the notebooks found.
    """
    if not isinstance(moment, str) or moment not in MOMENTS:
        return Note(
            "Not yet", (f'Write `believe("before", …)` or `believe("after", …)`; got {what_came(moment)}.',), "problem"
        )
    if is_blank(marks) and not isinstance(marks, Mapping):
        marks = {}
    if marks is not None and not isinstance(marks, Mapping):
        return Note("Not yet", (f'Marks look like `B1="agree", B2="unsure"`; got {what_came(marks)}.',), "problem")
    given = {str(id): mark for id, mark in {**(marks or {}), **more}.items() if not is_blank(mark) and mark is not None}
    read = {id: _as_mark(mark) for id, mark in given.items()}
    ids = [belief.id for belief in BELIEFS]
    kept = {id: mark for id, mark in read.items() if id in ids and mark}
    notice = learner.update_records(FILE, lambda records: records.setdefault(moment, {}).update(kept)) if kept else ""
    records = learner.read_records(FILE)
    before, after = ({id: _as_mark(records.get(m, {}).get(id)) for id in ids} for m in MOMENTS)
    parts = [_table_before(before) if moment == "before" else _table_after(before, after, str(notebook))]
    if odd := [f"{id}={given[id]!r}"[:60] for id in given if id not in kept]:
        parts.append(
            f"Not kept: {', '.join(odd)}. The statements are {ids[0]} to {ids[-1]}, the marks {', '.join(MARKS)}."
        )
    return Page("\n\n".join([*parts, notice] if notice else parts))


def _as_mark(mark: Any) -> str:
    """One of the three marks, or nothing if it is none of them."""
    if isinstance(mark, bool):
        return "agree" if mark else "disagree"
    word = mark.strip().lower() if isinstance(mark, str) else ""
    return word if word in MARKS else ""


def _table_before(before: Mapping[str, str]) -> str:
    marked = sum(bool(mark) for mark in before.values())
    rows = [f"| {b.id} | {b.statement} | {before[b.id] or 'not marked yet'} |" for b in BELIEFS]
    head = ["| | statement | you |", "| --- | --- | --- |"]
    return "\n".join([f"{marked} of {len(BELIEFS)} statements marked.", "", *head, *rows])


def _table_after(before: Mapping[str, str], after: Mapping[str, str], notebook: str) -> str:
    both = [b for b in BELIEFS if before[b.id] and after[b.id]]
    changed = [b.id for b in both if before[b.id] != after[b.id]]
    told = f"{len(both)} of {len(BELIEFS)} statements marked both times"
    told += f"; you changed your mind on {', '.join(changed)}." if changed else "; no mark changed." if both else "."
    rows = [
        f"| {b.id} | {b.statement} | {before[b.id] or 'not marked'} | {after[b.id] or 'not marked yet'} "
        f"| {b.finding if b.notebook <= notebook else f'Notebook {int(b.notebook)} puts it to the test.'} |"
        for b in BELIEFS
    ]
    head = ["| | statement | before | after | what the course finds |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([told, "", *head, *rows])
