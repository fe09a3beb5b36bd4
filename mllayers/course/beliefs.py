"""What a learner believes before and after: plain statements to agree or disagree with, each tested by a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mllayers.course import learner
from mllayers.course.answers import is_blank, what_came
from mllayers.course.notes import Note, Page, Table
from mllayers.course.words import tr

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
        "A model that is 92 % accurate is worth more than one that is 74 % accurate.",
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
    moment: str = "before", marks: Mapping[str, Any] | None = None, /, *, notebook: str | None = None, **more: Any
) -> Page | Note:
    """Mark the course's statements before and after the experiments, and see what changed.

    Parameters
    ----------
    moment : {"before", "after"}
        When the marks are made; each is kept on its own and may be changed.
    marks : mapping, optional
        ``{"B1": "agree", "B2": "unsure", "B3": "disagree"}``; ``True`` and ``False`` stand for agree and disagree, and
        a blank (``____``) leaves a statement unmarked.
    notebook : str, optional
        The notebook that has been worked through; by default the one that `start` named. What the course found is shown
        for statements that were marked after, and that this notebook or an earlier one has tested.
    **more : Any
        The same as keywords: ``believe("before", B1="agree", B2=____)``.

    Returns
    -------
    Page
        The statements with their marks; after, also what changed and what the notebooks found. It shows itself.
    """
    return _believe(moment, marks, notebook, more).show()  # type: ignore[no-any-return]


def _believe(moment: Any, marks: Any, notebook: Any, more: Mapping[str, Any]) -> Page | Note:
    if not isinstance(moment, str) or moment not in MOMENTS:
        said = tr('Write `believe("before", …)` or `believe("after", …)`; got {came}.', came=what_came(moment))
        return Note(tr("Not yet"), (said,), "problem")
    if is_blank(marks) and not isinstance(marks, Mapping):
        marks = {}
    if marks is not None and not isinstance(marks, Mapping):
        said = tr('Marks look like `B1="agree", B2="unsure"`; got {came}.', came=what_came(marks))
        return Note(tr("Not yet"), (said,), "problem")
    given = {id: mark for id, mark in {**(marks or {}), **more}.items() if not is_blank(mark) and mark is not None}
    read = {id: as_mark(mark) for id, mark in given.items()}
    ids = [belief.id for belief in BELIEFS]
    kept = {id: mark for id, mark in read.items() if id in ids and mark}
    notice = learner.update_records(FILE, lambda records: records.setdefault(moment, {}).update(kept)) if kept else ""
    records = learner.read_records(FILE)
    before, after = ({id: as_mark(records.get(m, {}).get(id)) for id in ids} for m in MOMENTS)
    done = learner.lesson() if notebook is None else learner.as_key(notebook)
    parts: list[str | Table] = [*(_before(before) if moment == "before" else _after(before, after, done))]
    if odd := [_as_given(id, given[id]) for id in given if id not in kept]:
        choices = ", ".join(tr(mark) for mark in MARKS)
        said = tr("Not kept: {odd}. The statements are {first} to {last}, the marks {choices}.", odd=", ".join(odd),
                  first=ids[0], last=ids[-1], choices=choices)  # fmt: skip
        parts.append(said)
    return Page((*parts, notice) if notice else tuple(parts))


def as_mark(mark: Any) -> str:
    """One of the three marks, also in the language that is spoken; nothing if it is none of them."""
    if isinstance(mark, bool):
        return "agree" if mark else "disagree"
    word = str(mark).strip().lower() if isinstance(mark, str) and len(mark) < 40 else ""
    return next((known for known in MARKS if word in (known, tr(known).lower())), "")


def _as_given(id: Any, mark: Any) -> str:
    name = id[:20] if isinstance(id, str) else what_came(id)
    return f"{name}={mark[:40]!r}" if isinstance(mark, str) else f"{name} ({what_came(mark)})"


def _before(before: Mapping[str, str]) -> tuple[str, Table]:
    marked = sum(bool(mark) for mark in before.values())
    told = tr("{n} of {all} statements marked.", n=marked, all=len(BELIEFS))
    rows = tuple((b.id, tr(b.statement), _mark(before[b.id], tr("not marked yet"))) for b in BELIEFS)
    return told, Table(tr("What you believe"), ("", tr("statement"), tr("you")), rows)


def _after(before: Mapping[str, str], after: Mapping[str, str], done: str) -> tuple[str, Table]:
    both = [b for b in BELIEFS if before[b.id] and after[b.id]]
    changed = [b.id for b in both if before[b.id] != after[b.id]]
    told = tr("{n} of {all} statements marked both times", n=len(both), all=len(BELIEFS))
    if changed:
        told += tr("; you changed your mind on {which}.", which=", ".join(changed))
    else:
        told += tr("; no mark changed.") if both else "."
    rows = tuple(
        (
            b.id,
            tr(b.statement),
            _mark(before[b.id], tr("not marked")),
            _mark(after[b.id], tr("not marked yet")),
            _found(b, bool(after[b.id]), done),
        )
        for b in BELIEFS
    )
    head = ("", tr("statement"), tr("before"), tr("after"), tr("what the course finds"))
    return told, Table(tr("What you believed, and believe"), head, rows)


def _mark(mark: str, none: str) -> str:
    return tr(mark) if mark else none


def _found(belief: Belief, marked: bool, done: str) -> str:
    if done and belief.notebook > done:
        return tr("Notebook {n} puts it to the test.", n=int(belief.notebook))
    return tr(belief.finding) if marked else tr("Mark it, and this cell says it.")
