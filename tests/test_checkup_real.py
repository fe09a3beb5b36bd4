"""The checkup on real files that come inside packages, against references; its page and card as published."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mllayers.checkup import checkup

ROOT = Path(__file__).resolve().parent.parent


def loaded(path):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REAL = loaded(ROOT / "benchmarks" / "checkup_real.py")


@pytest.mark.parametrize("name", REAL.SETS)
def test_numbers_agree_with_independent_references(name):
    try:
        frame, roles, checks = REAL.SETS[name]()
    except ModuleNotFoundError as error:
        assert name not in ("affairs", "tumours"), "these come with what the suite needs"
        pytest.skip(f"{error.name or error} is not installed")
    report = checkup(frame, **roles)
    compared = checks(report)
    assert compared
    assert REAL.differing(report, compared) == []
    assert [str(gap) for gap in report.gaps if "half-way" in gap.why or re.search(r"[A-Z]\w+Error:", gap.why)] == []


def test_a_reference_that_differs_is_told():
    assert REAL.differing(None, [("a", 1.0, 1.0 + 1e-12), ("b", 1.0, 1.1)]) == ["b: 1.0 and 1.1"]


def test_the_worked_example_prints_what_its_page_says(tmp_path):
    pytest.importorskip("empulse")
    page = (ROOT / "docs" / "own_data.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    said = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert len(code) == len(said) == 2
    (tmp_path / "example.py").write_text("\n".join(code), encoding="utf-8")
    words = [sys.executable, "-W", "error", "-X", "utf8", str(tmp_path / "example.py")]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120, check=True)
    assert ran.stdout == "".join(said)


def test_every_role_stands_on_the_page():
    page = (ROOT / "docs" / "own_data.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(\w+)`", page))
    reading = {
        "data",
        "only",
        "level",
        "max_rows",
        "seed",
        "separator",
        "encoding",
        "decimal",
        "progress",
        "currency",
        "capacity",
    }
    assert set(checkup.__kwdefaults__) - reading <= told


def test_the_filled_card_holds_the_numbers_of_today():
    assert (ROOT / "docs" / "sample_card.md").read_text(encoding="utf-8") == loaded(
        ROOT / "docs" / "sample_card.py"
    ).page()
