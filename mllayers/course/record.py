"""What a learner has done, on one page of their own: predictions, checks, system card, policy.

One HTML file in the learner's folder that asks nothing of other machines and can be printed. It is no certificate:
nobody else gets it unless the learner hands it over.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mllayers._files import write_text
from mllayers.course import learner
from mllayers.course.answers import what_came
from mllayers.course.card import CAPSTONE, CAPSTONE_FILE, FILE, LAYERS, QUESTIONS, Answer, parse
from mllayers.course.exercises import of_notebook
from mllayers.course.notes import Note, line_html, text_html
from mllayers.course.predictions import predictions
from mllayers.course.words import tr

if TYPE_CHECKING:
    from mllayers.decision import Policy

__all__ = ["page", "record", "written"]

POLICY, PAGE = "policy.json", "record.html"
_STYLE = """
:root { color-scheme: light dark; --face: #fefdfb; --ink: #1f1f1f; --soft: #54504a; --line: #b9b3a8; }
@media (prefers-color-scheme: dark) { :root { --face: #16181b; --ink: #ecebe7; --soft: #b9b5ad; --line: #4b5057; } }
body { margin: 0 auto; max-width: 52rem; padding: 1rem; background: var(--face); color: var(--ink);
  font: 16px/1.45 system-ui, "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 1.8rem 0 .4rem; }
h3 { font-size: 1rem; margin: 1rem 0 .2rem; } p { margin: .3rem 0; }
.soft, caption { color: var(--soft); font-size: .92rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; font-size: .92rem; }
caption { text-align: left; padding: .2rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } th[scope="row"] { font-weight: 400; } .short td { white-space: nowrap; }
.answer { white-space: pre-wrap; margin: .1rem 0 .6rem; }
.name { border-bottom: 1px solid var(--ink); display: inline-block; min-width: 16rem; }
@media print { @page { size: A4; margin: 15mm; } :root { color-scheme: light; --face: #fff; --ink: #000; --soft: #333;
  --line: #999; } body { font-size: 10pt; max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; } tr, .answer { break-inside: avoid; } }
"""


def record(policy: Policy | None = None) -> Note:
    """Write what you have done on one page in your own folder: predictions, checks, card and policy.

    Parameters
    ----------
    policy : Policy, optional
        The policy that goes on the page. It is kept in your folder as ``policy.json`` and stays there until you hand
        over another. What stood there before (such as the policy of the role task) is kept beside it, as
        ``policy.kept-1.json``.

    Returns
    -------
    Note
        Where the page is; it shows itself. In a solved copy nothing is written. Nothing raises an error.
    """
    return _record(policy).show()  # type: ignore[no-any-return]


def _record(policy: Any) -> Note:
    if policy is not None:
        from mllayers.decision import Policy

        if not isinstance(policy, Policy):
            return Note(tr("Not yet"), (tr("A record takes a Policy; got {came}.", came=what_came(policy)),), "problem")
        if policy.gaps():
            said = tr("The policy still has a gap: {gap}.", gap=policy.gaps()[0])
            return Note(tr("Not yet"), (said,), "problem")
    if learner.in_memory():
        told = tr("A solved copy keeps nothing, so there is no record of it. Your own copy writes one.")
        return Note(tr("Noted"), (told,), "plain")
    notices = []
    try:
        if policy is not None:
            kept = policy.to_json() + "\n"
            notices = [_earlier_kept(kept), learner.update(POLICY, lambda before: kept)]
        place = learner.home() / PAGE
        place.parent.mkdir(parents=True, exist_ok=True)
        write_text(place, page())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return Note(tr("Not yet"), (tr("Your folder cannot be written ({why}).", why=why),), "problem")
    told = tr("{path} is your record: open it in a browser, and print it from there.", path=place)
    nowhere = tr("It goes nowhere unless you hand it over.")
    return Note(tr("Noted"), (told, nowhere, *filter(None, notices)), "good")


def _earlier_kept(text: str) -> str:
    """Keep a copy of another policy that stands where this text will stand; what the learner is told about it."""
    place = learner.home() / POLICY
    try:
        before = place.read_bytes().decode()
    except (FileNotFoundError, UnicodeDecodeError):  # what is no text is kept aside when the new one is written
        return ""
    if before.split() in ([], text.split()):
        return ""
    aside = learner.set_aside(place)
    return tr("Your earlier {name} is kept beside it as {aside}.", name=POLICY, aside=aside.name)


def page(when: datetime.date | None = None) -> str:
    """The page as HTML.

    Parameters
    ----------
    when : date, optional
        The day that is written on it; by default today (UTC).
    """
    when = datetime.datetime.now(datetime.UTC).date() if when is None else when
    parts = [
        _predictions(),
        _checks(),
        _card(tr("The system card of your own system"), FILE, LAYERS),
        _card(tr("The card of the capstone"), CAPSTONE_FILE, LAYERS, CAPSTONE),
        _policy(),
    ]
    title = tr("What happens after the prediction: a record")
    about = tr("Written on {day} from your own folder, by you and for you. It is no certificate.", day=when.isoformat())
    name = tr("Name, if you hand it over:")
    body = "\n".join(part for part in parts if part)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text_html(title)}</title><style>{_STYLE}</style></head>
<body><main>
<h1>{text_html(title)}</h1>
<p class="soft">{text_html(about)}</p>
<p>{text_html(name)} <span class="name">&nbsp;</span></p>
{body}
</main></body></html>
"""


def _predictions() -> str:
    """Every guess beside what came out."""
    head = f"<h2>{text_html(tr('Predictions and results'))}</h2>"
    table = predictions()
    if table.empty:
        return f"{head}<p>{text_html(tr('No prediction yet.'))}</p>"
    early = int(table["in_time"].sum())
    if len(table) > 1:
        told = tr("{n} predictions, {early} of them made before the result was shown.", n=len(table), early=early)
    elif early:
        told = tr("One prediction, made before the result was shown.")
    else:
        told = tr("One prediction, made after the result was shown.")
    names = [tr("question"), tr("you said"), tr("it came out at")]
    rows = [
        (
            f"{row['id']}: {row['question']}" if row["question"] != row["id"] else row["id"],
            row["you said"],
            row["it came out at"],
        )
        for row in table.to_dict("records")
    ]
    return head + _table(told, names, rows)


def _checks() -> str:
    """Which exercises were answered rightly, and after how many tries."""
    kept = learner.read_records(learner.CHECKS)
    head = f"<h2>{text_html(tr('Exercises'))}</h2>"
    rows, counts = [], []
    for notebook in (*learner.NOTEBOOKS, learner.CAPSTONE):
        exercises = of_notebook(notebook)
        right = sum(kept.get(exercise.id, {}).get("correct") is True for exercise in exercises)
        name = tr("Capstone") if notebook == learner.CAPSTONE else tr(LAYERS[notebook])
        counts.append(tr("{name} {right} of {all}", name=name, right=right, all=len(exercises)))
        for exercise in exercises:
            if exercise.id in kept:
                rows.append((f"{exercise.id}: {tr(exercise.ask)}", _outcome(kept[exercise.id])))
    told = f"<p>{text_html(tr('Answered rightly: {counts}.', counts=', '.join(counts)))}</p>"
    if not rows:
        return head + told
    return head + told + _table(tr("What was tried"), [tr("exercise"), tr("outcome")], rows)


def _outcome(kept: dict[str, Any]) -> str:
    tries = kept.get("tries")
    tries = tries if isinstance(tries, int) and tries > 0 else 1
    if kept.get("correct") is True:
        return tr("right at the first try") if tries == 1 else tr("right, {n} tries", n=tries)
    return tr("tried once, open") if tries == 1 else tr("tried {n} times, open", n=tries)


def _card(title: str, file: str, layers: dict[str, str], only: tuple[str, ...] = ()) -> str:
    """The questions that were answered, by layer; of a card that was not begun nothing, or one line."""
    text = learner.read(file)
    card = parse(text)
    parts, done, asked = [], 0, 0
    for number, layer in layers.items():
        here = {name: question for name, question in QUESTIONS[number].items() if not only or name in only}
        answers = [(question, card.answers.get(name, Answer()).text) for name, question in here.items()]
        said = [(question, answer) for question, answer in answers if answer]
        done, asked = done + len(said), asked + len(here)
        if said:
            parts.append(f"<h3>{text_html(tr('Layer {n}: {name}', n=int(number), name=tr(layer)))}</h3>")
            parts += [
                f'<p class="soft">{text_html(tr(question))}</p><p class="answer" dir="auto">{text_html(answer)}</p>'
                for question, answer in said
            ]
    if only and not done:
        return ""
    told = tr("{done} of {all} questions answered, {left} open.", done=done, all=asked, left=asked - done)
    notes = (
        f'<h3>{text_html(tr("Notes"))}</h3><p class="answer" dir="auto">{text_html(card.notes)}</p>'
        if card.notes
        else ""
    )
    return f"<h2>{text_html(title)}</h2><p>{text_html(told)}</p>{''.join(parts)}{notes}"


def _policy() -> str:
    """The policy as a page that can be signed, where one was handed over."""
    text = learner.read(POLICY)
    if not text.strip():
        return ""
    head = f"<h2>{text_html(tr('The policy'))}</h2>"
    policy = None
    with contextlib.suppress(ValueError, TypeError):  # edited by hand, or damaged
        from mllayers.decision import Policy

        policy = Policy.from_json(text)
    if policy is None:
        return f"{head}<p>{text_html(tr('{file} cannot be read as a policy.', file=POLICY))}</p>"
    sentence = "" if policy.brief is None else f"<p>{text_html(str(policy.brief))}</p>"
    rows = [
        (
            action.name,
            _said(action.cost),
            _said(action.capacity),
            _said(action.owner),
        )
        for action in policy.actions
    ]
    told = tr(
        "Without a score: {missing}. Left alone at random: {share} %. Fingerprint: {mark}.",
        missing=policy.missing.name if policy.missing else "–",
        share=f"{100 * (policy.holdout or 0):g}",
        mark=policy.fingerprint,
    )
    names = [tr("action"), tr("cost ($)"), tr("at most"), tr("owner")]
    rule = f"<p>{text_html(str(policy))}</p>"
    return head + sentence + rule + _table(tr("What can be done"), names, rows, "long") + f"<p>{text_html(told)}</p>"


def _said(x: Any) -> str:
    return "–" if x is None or x == "" else f"{x:,g}" if isinstance(x, (int, float)) else str(x)


def _table(caption: str, head: Sequence[str], rows: Sequence[tuple[str, ...]], kind: str = "short") -> str:
    """A table of words; the first of each row names it and may hold code."""
    names = "".join(f'<th scope="col">{text_html(name)}</th>' for name in head)
    lines = "".join(
        f'<tr><th scope="row">{line_html(first)}</th>{"".join(f"<td>{text_html(x)}</td>" for x in rest)}</tr>'
        for first, *rest in rows
    )
    top = f"<caption>{text_html(caption)}</caption><thead><tr>{names}</tr></thead>"
    return f'<table class="{kind}">{top}<tbody>{lines}</tbody></table>'


def written(to: str | None = None) -> Path:
    """Write the page for the command line; where it is.

    Raises
    ------
    ValueError, OSError
        When there is no folder, or it cannot be written.
    """
    place = learner.home() / PAGE if to is None else Path(to).expanduser()
    place.parent.mkdir(parents=True, exist_ok=True)
    write_text(place, page())
    return place
