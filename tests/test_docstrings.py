"""Every public function says what its users need, and names a section of a notebook that exists."""

import importlib
import inspect
import re
from dataclasses import fields
from pathlib import Path

import nbformat
import pytest

from mllayers import ledger
from mllayers._results import Result
from mllayers.course.snippet import STAYS, public_names

SOLVED = Path(__file__).parent.parent / "notebooks" / "solved"
PUBLIC = [*public_names(), *STAYS, *(f"ledger.{name}" for name in ledger.__all__)]


def documented(name):
    module, function = name.split(".")
    thing = getattr(importlib.import_module(f"mllayers.{module}"), function)
    return thing, inspect.getdoc(thing) or ""


def is_result(thing):
    return inspect.isclass(thing) and issubclass(thing, Result)


def wanted(thing):
    """The sections that a docstring must have."""
    if inspect.isfunction(thing):
        return ["Parameters", "Returns", "Raises", "Notes", "Examples"]
    if is_result(thing):
        return []  # its fields are named, and the function that returns it says the rest
    made_by_hand = not (issubclass(thing, Exception) or getattr(thing, "_is_protocol", False))
    return ["Notes", *["Parameters", "Examples"] * (made_by_hand and "Attributes" not in (thing.__doc__ or ""))]


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_has_what_its_readers_need(name):
    thing, text = documented(name)
    assert [part for part in wanted(thing) if f"\n{part}\n---" not in text] == []
    assert text.split("\n")[0].strip()
    assert not inspect.isfunction(thing) or ">>> " in text


@pytest.mark.parametrize("name", [name for name in PUBLIC if is_result(documented(name)[0])])
def test_a_result_says_what_each_of_its_fields_holds(name):
    thing, text = documented(name)
    assert [field.name for field in fields(thing) if field.name != "table" and field.name not in text] == []


@pytest.mark.parametrize("name", PUBLIC)
def test_section_where_it_is_taught_exists(name):
    """Where the notebook itself exists, the heading must."""
    thing, text = documented(name)
    taught = re.findall(r"notebook (0\d),\s+\*([^*]+)\*", text)
    assert taught or is_result(thing), f"{name}: say in Notes where it is taught"
    for number, section in taught:
        for path in SOLVED.glob(f"{number}_*.ipynb"):
            cells = nbformat.read(path, as_version=4).cells
            headings = re.findall(r"(?m)^#+ (.+)$", "\n".join(c.source for c in cells if c.cell_type == "markdown"))
            assert any(heading.startswith(section) for heading in headings), f"{name}: {path.name} has no {section!r}"
