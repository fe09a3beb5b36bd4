"""A page to print: one HTML file that asks nothing of other machines, and Chromium's PDF of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from mllayers._files import write_text

__all__ = ["BROWSERS", "browser", "page", "printed", "write"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_SECONDS = 120
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 10pt/1.35 "DejaVu Sans", Arial, sans-serif; margin: 1rem auto; max-width: 74rem; padding: 0 1rem; }}
h1 {{ font-size: 1.3em; margin: 0 0 .4em; }} h2 {{ font-size: 1.05em; margin: 0 0 .15em; }}
p, math, pre {{ margin: .15em 0; }} small {{ opacity: .85; }} pre {{ white-space: pre-wrap; }}
code, td {{ overflow-wrap: anywhere; }} a {{ color: inherit; }}
{style}
</style></head><body><main>
<h1>{title}</h1>
{body}
</main></body></html>
"""


def page(title: str, body: str, style: str = "") -> str:
    """The whole page: its title, the HTML below it, and what the common style lacks."""
    return _PAGE.format(title=title, body=body, style=style)


def write(folder: Path, name: str, text: str) -> Path:
    """Write a page as ``name.html`` into a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"{name}.html", text)
    return folder / f"{name}.html"


def browser() -> str | None:
    """The Chromium of this machine, under any of its names."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def printed(pages: Iterable[Path]) -> list[Path]:
    """Print pages as PDF beside them, on the paper that their style names; without Chromium nothing.

    Raises
    ------
    RuntimeError
        If Chromium is there and does not print; with its last words.
    """
    found, made = browser(), []
    if found is None:
        return []
    flags = ["--headless", "--disable-gpu", "--no-pdf-header-footer"]
    flags += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # containers
    with tempfile.TemporaryDirectory(prefix="mllayers-print-") as profile:
        for source in pages:
            target = source.with_suffix(".pdf")
            target.unlink(missing_ok=True)
            words = [found, *flags, f"--user-data-dir={profile}", f"--print-to-pdf={target.absolute()}"]
            said = subprocess.run(
                [*words, source.absolute().as_uri()], capture_output=True, text=True, timeout=_SECONDS, check=False
            )
            if not target.exists():
                raise RuntimeError(f"{found} did not print {source}: {said.stderr.strip()[-300:]}")
            made.append(target)
    return made
