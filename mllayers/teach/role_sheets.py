"""The sheets of the role task, with the numbers of its worlds, and the draft that a group completes."""

from __future__ import annotations

from pathlib import Path

from mllayers._files import write_text
from mllayers._words import money
from mllayers.decision import Action, Brief, Policy, Tier, Tiers, cost_threshold, review_band
from mllayers.decision.saved import policy_text
from mllayers.shop import PRICES, order_stakes
from mllayers.teach import paper, role, text

__all__ = ["AMOUNT", "draft", "figures", "write"]

AMOUNT = 80.0
_STYLE = """table { border-collapse: collapse; margin: .5em 0; width: 100%; }
th, td { border: 1px solid #8888; padding: .3em .6em; }
th, td { text-align: left; vertical-align: top; } section { border-top: 1px solid #8888; padding: .6em 0; }
.form td { width: 24%; } .form td:first-child { width: 52%; line-height: 2; }
.card { border: 2px dashed #8888; padding: 1em; margin: 1em 0; font-size: 1.15em; }
@media print { @page { size: A4; margin: 15mm; }
  body { margin: 0; max-width: none; padding: 0; font-size: 12.5pt; line-height: 1.5; }
  section:first-of-type { font-size: 10.5pt; line-height: 1.45; }
  h1, .about { display: none; } section { break-after: page; border: none; padding: 0; }
  section:last-of-type { break-after: auto; } .card { height: 78mm; break-inside: avoid; box-sizing: border-box; } }"""


def figures() -> dict[str, float | str]:
    """The numbers on the sheets, by the names that stand in ``role.md``."""
    stakes = order_stakes(AMOUNT, prices=PRICES)
    rows = [
        f"| {band} | {row['orders']:,.0f} | {row['fakes']:,.0f} | {money(row['amount'])} |"
        for band, row in role.bands().iterrows()
    ]
    return {
        "orders": role.ORDERS,
        "reviews": role.REVIEWS,
        "reviews_left": role.REVIEWS_LEFT,
        "no_score_one_in": 1 / role.NO_SCORE,
        "no_score_orders": round(role.ORDERS * role.NO_SCORE),
        "fee": role.FEE,
        "fee_before": PRICES.chargeback_fee,
        "margin": PRICES.margin,
        "goods": PRICES.cost_of_goods,
        "review": PRICES.review,
        "review_contested": role.CONTESTED.review,
        "goodwill": PRICES.goodwill,
        "goodwill_contested": role.CONTESTED.goodwill,
        "amount": AMOUNT,
        "loss": stakes["cost_fn"],
        "wrong_block": stakes["gain_tn"] + stakes["cost_fp"],
        "review_from": next(iter(review_band(**stakes, cost_review=PRICES.review))),
        "block_from": cost_threshold(**stakes),
        "bands": "\n".join(["| score | orders | fakes | mean amount |", "| --- | --- | --- | --- |", *rows]),
    }


def draft() -> Policy:
    """What lies on the laptops when the task begins: three tiers that somebody guessed, and gaps."""
    guessed = (Tier(0, 0.3, "ship"), Tier(0.3, 0.7, "review"), Tier(0.7, 1, Action("block")))
    return Policy(Tiers(*guessed), idle="ship", brief=Brief(), name="our policy")


def write(folder: Path) -> list[Path]:
    """Write the sheets on one page, a sheet of paper each, and the draft as ``policy.json``."""
    found = text.parts(text.filled(text.written("role"), figures()))
    cards = [name for name in found if name.startswith("Card ")]
    body = [f'<div class="about">{text.html_of(found[""].partition(chr(10))[2])}</div>']
    for name in ("For the teacher", "Fraud desk", "Finance", "CRM", cards, "The form", "Debrief"):
        if isinstance(name, str):
            kind = ' class="form"' if name == "The form" else ""
            body.append(f"<section{kind}><h2>{name}</h2>{text.html_of(found[name])}</section>")
        else:
            dealt = "".join(f'<div class="card"><h2>{card}</h2>{text.html_of(found[card])}</div>' for card in name)
            body.append(f"<section>{dealt}</section>")
    page = paper.write(folder, "role", paper.page("The role task", "\n".join(body), _STYLE))
    write_text(folder / "policy.json", policy_text(draft()) + "\n")
    return [page, folder / "policy.json"]
