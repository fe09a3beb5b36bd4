"""Every public function says what its users need, and names a section of a notebook that exists."""

import importlib
import inspect
import re
from pathlib import Path

import nbformat
import pytest

from mllayers.course.snippet import STAYS, public_names

SOLVED = Path(__file__).parent.parent / "notebooks" / "solved"
PUBLIC = [*public_names(), *STAYS, "ledger.Ledger", "ledger.LedgerError"]


def documented(name):
    module, function = name.split(".")
    thing = getattr(importlib.import_module(f"mllayers.{module}"), function)
    return thing, inspect.getdoc(thing) or ""


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_has_what_its_readers_need(name):
    thing, text = documented(name)
    wanted = (
        ["Notes"] if inspect.isclass(thing) and issubclass(thing, Exception) else ["Parameters", "Notes", "Examples"]
    )
    wanted += ["Returns", "Raises"] if inspect.isfunction(thing) else []
    assert [part for part in wanted if f"\n{part}\n---" not in text] == []
    assert text.split("\n")[0].strip()
    assert not inspect.isfunction(thing) or ">>> " in text


@pytest.mark.parametrize("name", PUBLIC)
def test_section_where_it_is_taught_exists(name):
    """Where the notebook itself exists, the heading must."""
    _, text = documented(name)
    taught = re.findall(r"notebook (0\d),\s+\*([^*]+)\*", text)
    assert taught, f"{name}: say in Notes where it is taught"
    for number, section in taught:
        for path in SOLVED.glob(f"{number}_*.ipynb"):
            cells = nbformat.read(path, as_version=4).cells
            headings = re.findall(r"(?m)^#+ (.+)$", "\n".join(c.source for c in cells if c.cell_type == "markdown"))
            assert any(heading.startswith(section) for heading in headings), f"{name}: {path.name} has no {section!r}"


def test_the_shelf_stays_small():
    assert len(public_names()) <= 28
