"""Notebook 5 in other worlds, small ones: its cells run, and its sentences follow the numbers."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from notebook_cells import _nothing_shown

from mllayers import shop

SOLVED = Path(__file__).parent.parent / "notebooks" / "solved" / "05_feedback.ipynb"


def reported_like_A():
    types = shop.ORDER_TYPES.copy()
    types.loc["reported", "B"] = types.loc["reported", "A"]
    return types


def played(monkeypatch, sections, *, smaller=(), given=(), **world):
    """The code cells of the set-up and of these sections, run with smaller tables, and what their figures say."""
    shown, space, section = [], {"__name__": "__notebook__", **dict(given)}, ""
    make_orders = shop.make_orders
    monkeypatch.setattr(shop, "make_orders", lambda *args, **kwargs: make_orders(*args, **(world | kwargs)))
    with _nothing_shown():
        for cell in nbformat.read(SOLVED, as_version=4).cells:
            section = cell.metadata.get("mllayers", {}).get("section", section)
            if cell.cell_type != "code" or section not in ("setup", *sections):
                continue
            source = cell.source
            for old, new in (("=20_000", "=4_000"), *smaller):
                source = source.replace(old, new)
            exec(compile(source, cell.id, "exec"), space)
            space["show"] = lambda figure: shown.append(figure.says)
    return space, shown


WORLDS = {"ours": {}, "no events": {"events": {}}, "B is reported": {"types": reported_like_A()}}


@pytest.mark.parametrize("name", WORLDS)
def test_the_loop_in_other_worlds(monkeypatch, name):
    space, shown = played(monkeypatch, ["case", "worked", "happened"], **WORLDS[name])
    assert len(shown) == 5
    assert not any("nan" in says for says in shown)
    assert ("There is no order of C" in shown[2]) == (name == "no events")
    ships = space["ships"].xs("B", level="kind").loc[13:].mean()
    assert (ships["closed"] > 0.7) == (name != "B is reported")
    assert shown[3].startswith(f"In month 17 the closed loop promises {space['ratios'].iloc[-1, 1]:.2f}")


def test_vouchers_that_cost_next_to_nothing_earn_by_themselves(monkeypatch):
    """The verdict is computed, not written."""
    free = replace(shop.PRICES, voucher=0.01)
    money = shop.customer_money
    monkeypatch.setattr(shop, "PRICES", free)
    monkeypatch.setattr(shop, "customer_money", lambda people, actions: money(people, actions, prices=free))
    smaller = [("200_000", "30_000"), ("SEED + 10", "SEED + 2")]
    runs = dict.fromkeys(["open", "closed", "explore"], SimpleNamespace(gap=0.0))
    space, shown = played(monkeypatch, ["layers"], smaller=smaller, given={"runs": runs})
    assert (space["earned"]["vouchers for everyone"] > 0).all()
    assert "vouchers for everyone and a decision without the score earn by themselves." in shown[0]
