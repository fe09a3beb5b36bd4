"""A folder for a room without internet: ``make classroom``.

It holds what a workshop needs and the one file that serves it: the notebooks that run in a browser alone (with their
Pyodide), the slides, the pages for the teacher, the notebooks themselves, and a wheelhouse from which the course is
installed on a laptop of the same kind as the one that made it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from mllayers.teach import make as teach
from mllayers.teach import paper, slides

__all__ = ["FETCH", "INSTALL", "gather", "packed", "wheelhouse"]

ROOT = Path(__file__).resolve().parents[2]
FETCH = (
    "without Pyodide no notebook runs in a browser here: while there is internet, fetch pyodide-0.27.7.tar.bz2 from "
    "https://github.com/pyodide/pyodide/releases/tag/0.27.7, unpack it, and run make classroom PYODIDE=pyodide"
)
INSTALL = (
    "python3 -m venv course",
    'course/bin/python -m pip install --no-index --find-links wheels "mllayers[course]"',
)
_PRESSED = {".whl", ".zip", ".png", ".pdf", ".gz", ".bz2"}  # cannot be made smaller


def gather(
    folder: Path, site: Path | None = None, *, wheels: bool = True, say: Callable[[str], object] = print
) -> list[Path]:
    """Write everything into a folder, in place of what was there.

    Parameters
    ----------
    folder : path
    site : path of a folder, optional
        What ``make lite`` built, with a Pyodide of its own. Without it the folder has no notebooks for browsers.
    wheels : bool
        Whether to gather the packages, too; this asks the package index.
    say : callable
        Takes the lines of the report.

    Returns
    -------
    list of Path
        Its parts.

    Raises
    ------
    ValueError
        If the site fetches Pyodide from the internet, which the room does not have.
    """
    if site is not None and not (site / "static" / "pyodide").is_dir():
        raise ValueError(f"site must bring its own Pyodide, as make lite PYODIDE=folder builds it; got {site}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    steps: dict[str, Callable[[Path], object]] = {}
    if site is None:
        say(FETCH)
    else:
        steps["lite"] = lambda to: shutil.copytree(site, to)
    steps |= {"slides": slides.write, "teach": _for_the_teacher, "notebooks": _notebooks}
    if wheels:
        steps["wheels"] = wheelhouse
    for name, write in steps.items():
        begun = time.monotonic()
        write(folder / name)
        say(f"{name}: {_size(folder / name):,.1f} MB, {time.monotonic() - begun:.0f} s")
    shutil.copyfile(Path(__file__).with_name("serve.py"), folder / "serve.py")
    paper.write(folder, "index", paper.page("After the prediction: five layers", _index(folder), _STYLE))
    return [folder / name for name in (*steps, "serve.py", "index.html")]


def wheelhouse(folder: Path) -> None:
    """The project as a wheel, and every package of the course in the version that is tested, for this platform."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], check=True)
    [own] = folder.glob("mllayers-*.whl")
    pinned = ["--only-binary", ":all:", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, "download", *pinned, "--dest", str(folder), f"{own}[course]"], check=True)


def packed(folder: Path) -> Path:
    """The folder as one zip file beside it."""
    target = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as together:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                kind = zipfile.ZIP_STORED if path.suffix in _PRESSED else zipfile.ZIP_DEFLATED
                together.write(path, path.relative_to(folder.parent), kind)
    return target


def _for_the_teacher(folder: Path) -> None:
    """What ``make teach`` writes."""
    folder.mkdir()
    teach.make(folder, say=lambda line: None)


def _notebooks(folder: Path) -> None:
    """The learner's copies, the solved ones, and those for a workshop."""
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns(".*", "__pycache__", "my"))


def _size(path: Path) -> float:
    """Megabytes of a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6


def _index(folder: Path) -> str:
    """The first page of the room: what there is, and how to install it."""
    parts = []
    if (folder / "lite").is_dir():
        links = "".join(
            f'<li><a href="lite/lab/index.html?path=notebooks/{path.name}">{path.stem}</a></li>'
            for path in sorted((folder / "lite" / "files" / "notebooks").glob("*.ipynb"))
        )
        parts.append(
            f"<h2>Notebooks, in your browser</h2><p>Nothing is installed. The first cell takes a minute or two. Your "
            "notebook stays in this browser; what you predict is forgotten when the kernel restarts, so keep the page "
            f"open.</p><ol>{links}</ol>"
        )
    parts.append('<h2>Slides and pages</h2><ul><li><a href="slides/index.html">Slides</a></li>')
    parts.append(
        '<li><a href="teach/index.html">For teachers</a>, with the answers: only on '
        "the machine that serves this page</li></ul>"
    )
    if (folder / "wheels").is_dir():
        kind = f"{sys.platform}, Python {sys.version_info.major}.{sys.version_info.minor}"
        parts.append(_INSTALL.format(kind=kind, lines="\n".join(INSTALL)))
    return "\n".join(parts)


_INSTALL = """<h2>On a laptop of your own ({kind})</h2>
<p>Copy this folder, open a terminal in it, and type</p>
<pre>{lines}</pre>
<p>then <code>course/bin/python -m mllayers lab --to my-course</code>. Without copying, over the network:
write <code>--find-links http://ADDRESS:PORT/wheels/ --trusted-host ADDRESS</code> in place of
<code>--find-links wheels</code>, with the address that this page has.</p>"""
_STYLE = "body { font-size: 14pt; } h2 { margin-top: 1.2em; } pre { font-size: .85em; }"


def main(words: Sequence[str] | None = None) -> int:
    """``python -m mllayers.teach.classroom FOLDER [--site FOLDER]``."""
    parser = argparse.ArgumentParser(prog="python -m mllayers.teach.classroom", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--site", type=Path, help="what make lite PYODIDE=folder built")
    options = parser.parse_args(words)
    begun = time.monotonic()
    gather(options.folder, options.site)
    zipped = packed(options.folder)
    told = f"{options.folder}: {_size(options.folder):,.0f} MB; {zipped}: {zipped.stat().st_size / 1e6:,.0f} MB"
    print(f"{told}; {time.monotonic() - begun:.0f} s")
    print(f"to serve it: python {options.folder / 'serve.py'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
