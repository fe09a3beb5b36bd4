"""Writes ``docs/sample_card.md``: the system card of the practice file, with the numbers of its checkup.

Run it where the numbers change: ``python docs/sample_card.py``. A test compares the page with what this writes.
"""

from __future__ import annotations

from pathlib import Path

from mllayers import datasets
from mllayers.checkup import PRACTICE_ROLES, Checkup, checkup
from mllayers.course.card import Answer, Card, write

PAGE = Path(__file__).resolve().parent / "sample_card.md"
_ABOUT = """# A filled system card

What a retention desk writes about itself after a checkup of its file: the practice file that comes with the package.
Sentences with numbers are those of the checkup, word for word; what no file can say, people said. The questions are
those of the course, layer by layer.

"""


def answers(report: Checkup) -> dict[str, str]:
    """An answer to each question that the desk can answer; the others stay open, and that is on the card, too."""
    says = {answer.key: answer.says for answer in report.answers}
    open_now = {gap.question: gap for gap in report.gaps}
    challenger = open_now["What would the challenger have earned?"]
    audit = open_now["How often does it happen, by a random audit?"]
    return {
        "sentence": "The CRM desk decides once for each customer whether a $5 voucher is sent, so that fewer of them "
        "leave within 90 days.",
        "sample": f"{says['blind_spots']} Nobody follows up the newest customers; that was decided to save calls.",
        "unlabelled": "Customers of less than three months, and all decisions of the last 90 days. "
        f"{says['worst_case']}",
        "audit": f"None so far: {audit.why}. Asked for: 50 of the newest customers a month, by telephone.",
        "shift": f"{says['moved']} {says['old_or_new']}",
        "baseline": f"Nothing is sent by the simplest rule. {says['value_of_score']}",
        "unused": "Vouchers are drawn at random, so nobody does anything differently because of the score. Not yet.",
        "probability": f"It is used as a probability. {says['calibration']}",
        "alignment": f"{says['prices']} {says['before_labels']}",
        "tiers": f"{says['threshold']} {says['policy_gaps']}",
        "prices": "A customer who would leave and gets a voucher: $40 on average, says finance; a voucher in vain: $5.",
        "capacity": "No limit: the printer sends as many as it is told.",
        "change": f"{says['by_chance_voucher']} {says['effect']}",
        "break_even": says["earned"],
        "fires": "The CRM desk prints the voucher; the ledger keeps case and day, so that nobody gets it twice.",
        "hold_out": f"Half, at random, for six months. {says['looks']}",
        "outcomes": f"{says['delay']} {says['never']}",
        "exploration": f"Half of the decisions, with the chance written down. {challenger.question} "
        f"Open: {challenger.why}.",
        "alarm": f"The head of CRM is told when the promise of a month is broken. {says['promise_by_period']}",
    }


def page() -> str:
    """The card as it stands on the page; `stop` is left open on purpose."""
    report = checkup(datasets.load_practice(), **PRACTICE_ROLES)
    card = write(Card({name: Answer(text) for name, text in answers(report).items()}))
    return _ABOUT + card.partition("\n\n")[2].partition("\n\n")[2]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
