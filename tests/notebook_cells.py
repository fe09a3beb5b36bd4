"""Runs the experiments that a notebook shows, on other seeds: claims are tested on exactly the code a learner reads."""

import ast
import contextlib
import io
from pathlib import Path

import IPython.display
import matplotlib
import matplotlib.pyplot as plt
import nbformat

SETUP = "setup-experiment"


class _Shown:
    """Stands for the handle of something displayed."""

    def update(self, *args, **kwargs):
        """Show nothing."""

    display = update


def run_cells(path, *, seed, tags=frozenset({"experiment"})):
    """Run the cells of a solved notebook that are tagged so, in order, in a fresh namespace and with another seed.

    Parameters
    ----------
    path : path of a notebook
    seed : int
        What the name ``SEED`` is assigned wherever one of the cells assigns it.
    tags : set of str
        Which cells, besides those tagged ``setup-experiment``.

    Returns
    -------
    dict
        The names that the cells have left behind.
    """
    wanted = {SETUP, *tags}
    space = {"__name__": "__notebook__"}
    changed = 0
    backend = matplotlib.get_backend()
    plt.switch_backend("agg")
    try:
        with _nothing_shown():
            for n, cell in enumerate(nbformat.read(path, as_version=4).cells):
                if cell.cell_type == "code" and wanted & set(cell.metadata.get("tags", ())):
                    tree = ast.parse(cell.source)
                    changed += _reseed(tree, seed)
                    exec(compile(tree, f"{Path(path).name}, cell {n}", "exec", dont_inherit=True), space)
    finally:
        plt.close("all")
        plt.switch_backend(backend)
    if not changed:
        raise ValueError(f"{path}: no cell tagged {' or '.join(sorted(wanted))} assigns SEED")
    return space


def _reseed(tree, seed):
    """Assign the seed wherever SEED is assigned; how often that was."""
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "SEED" for t in node.targets)
    ]
    for node in found:
        node.value = ast.copy_location(ast.Constant(seed), node.value)
    return len(found)


@contextlib.contextmanager
def _nothing_shown():
    """Let nothing reach the screen; warnings stay as they are."""
    shown, drawn = IPython.display.display, plt.show
    IPython.display.display = lambda *args, **kwargs: _Shown()
    plt.show = lambda *args, **kwargs: None
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        IPython.display.display, plt.show = shown, drawn
