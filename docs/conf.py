"""How Sphinx makes the site from the pages that ``docs/pages.py`` gathers. Nothing is executed, nothing is fetched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from docutils.nodes import make_id
from sphinx.application import Sphinx

project = "mllayers"
project_copyright = "the authors of mllayers. Text, figures and tables: CC BY 4.0. Code: MIT"

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary"]
exclude_patterns = ["notebooks/*.ipynb", "notebooks/teach/*.ipynb"]  # the learner copies are there to be downloaded
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, Any] = {}  # the figures are stored pictures; nothing has to come from elsewhere

default_role = "py:obj"
autodoc_typehints = "none"  # the docstrings say them, with units
autosummary_generate = False
numpydoc_show_class_members = False

html_theme = "sphinx_book_theme"
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navbar_persistent": [],  # the search stands in the side bar
    "footer_content_items": ["copyright.html"],
}
html_title = "mllayers"
html_static_path = ["site.css", "site.js"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_extra_path = ["../build/printed"]  # pages to print: docs/handouts.py in handouts, mllayers.teach in teach
html_copy_source = False
html_use_index = False
html_domain_indices = False

_TAUGHT = re.compile(r"notebook (0\d),\s+\*([^*]+)\*")


def link_notebooks(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Lead from "notebook 03, *Worked example*" in a docstring to that section, where the notebook is there."""

    def link(said: re.Match[str]) -> str:
        number, section = said.groups()
        for path in Path(app.srcdir).glob(f"notebooks/solved/{number}_*.ipynb"):
            words = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
            for heading in re.findall(rf"(?m)^#+ ({re.escape(section)}.*)$", words):
                return f"`notebook {number}, {section} <../notebooks/solved/{path.stem}.html#{make_id(heading)}>`__"
        return said.group()

    lines[:] = _TAUGHT.sub(link, "\n".join(lines)).split("\n")


def setup(app: Sphinx) -> None:
    """Register what is done to docstrings; before numpydoc, which gives their sections another form."""
    app.connect("autodoc-process-docstring", link_notebooks, priority=400)
