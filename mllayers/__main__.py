"""The doors of the package: ``python -m mllayers lab | doctor | data | build | snippet``.

Exit codes: 0 all is well, 1 something is wrong and was said, 2 the command was not understood.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
FIRST = Path("notebooks", "01_data.ipynb")


def main(argv: Sequence[str] | None = None) -> int:
    """Open the door that the command line names; the exit code."""
    parser = _parser()
    words = sys.argv[1:] if argv is None else list(argv)
    if not words:
        parser.print_help()
        return 2
    options, flags = parser.parse_known_args(words)
    if words[0] == "lab":
        return lab(words[1:])
    if flags:
        parser.error(f"unknown: {' '.join(flags)}; `python -m mllayers {words[0]} --help` lists what there is")
    try:
        open_door: Callable[[argparse.Namespace], int] = options.door
        return open_door(options)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        _stop(f"{words[0]}: {error}")
    except KeyboardInterrupt:
        _stop(f"{words[0]}: stopped; no file was left half written", code=130)


def lab(words: Sequence[str]) -> int:
    """Open JupyterLab on a notebook; every other word is JupyterLab's."""
    named = [word for word in words if word.endswith(".ipynb")]
    if len(named) > 1:
        _stop(f"lab: notebook must be one notebook; got {' '.join(named)}", code=2)
    notebook = Path(named[0]).resolve() if named else ROOT / FIRST
    if not notebook.is_file():
        _stop(f"lab: notebook must be a notebook that exists; got {notebook}")
    root = ROOT if ROOT in notebook.parents else notebook.parent
    place = quote(notebook.relative_to(root).as_posix())
    flags = [f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{place}", "--LabApp.news_url=None"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--allow-root")  # containers
    try:
        from jupyterlab.labapp import main as jupyterlab
    except ModuleNotFoundError as error:
        _stop(f"lab: {error.name} is missing; `python -m mllayers doctor` says how to install it")
    jupyterlab([*flags, *(word for word in words if word not in named)])
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Say what is fine, and how to mend what is not."""
    from mllayers.doctor import examine

    try:
        from mllayers.course.learner import home
    except ModuleNotFoundError:  # a package is missing, which is the first thing the doctor finds
        findings = examine(None)
    else:
        findings = examine(home())
    problems = 0
    for finding in findings:
        problems += not finding.fine
        print(finding, flush=True)
    print(f"{problems} to mend: run the line under each, then ask the doctor again." if problems else "All is well.")
    return 1 if problems else 0


def data(options: argparse.Namespace) -> int:
    """Write the course's tables again, or a table of any size."""
    from mllayers import datasets

    if options.table is None:
        for path in datasets.rebuild(options.out):
            print(path)
        return 0
    with _bar(options.table) as progress:
        table: pd.DataFrame = options.make(options, progress)
    print(f"{len(table):,} rows; writing {options.out} …", flush=True)
    with _bar("writing") as progress:
        datasets.write_table(table, options.out, progress=progress)
    return 0


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], object]]:
    """A progress bar that appears when the work has taken two seconds, and what moves it."""
    from tqdm.auto import tqdm

    with tqdm(desc=what, unit=" rows", unit_scale=True, delay=2, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def build(options: argparse.Namespace) -> int:
    """Make the learner copies of the notebooks."""
    from mllayers.course.build import build

    return build(options.notebooks, check=options.check, execute=options.execute)


def snippet(options: argparse.Namespace) -> int:
    """Print a function of the package, ready to paste."""
    from mllayers.course.snippet import SnippetError, snippet

    try:
        print(snippet(options.name))
    except SnippetError as error:
        _stop(f"snippet: {error}", code=2)
    return 0


def _orders(options: argparse.Namespace, progress: Callable[[int, int], object]) -> pd.DataFrame:
    from mllayers import shop

    def months(done: int, total: int) -> None:
        progress(done * options.per_month, total * options.per_month)

    return shop.make_orders(options.months, per_month=options.per_month, seed=options.seed, progress=months)


def _customers(options: argparse.Namespace, progress: Callable[[int, int], object]) -> pd.DataFrame:
    from mllayers import shop

    return shop.make_customers(options.rows, seed=options.seed, month=options.month, progress=progress)


def _pilot(options: argparse.Namespace, progress: Callable[[int, int], object]) -> pd.DataFrame:
    from mllayers import shop

    return shop.make_pilot(options.rows, seed=options.seed, month=options.month, progress=progress)


def _leads(options: argparse.Namespace, progress: Callable[[int, int], object]) -> pd.DataFrame:
    from mllayers import shop

    return shop.make_leads(options.rows, seed=options.seed)


def _months(text: str) -> list[int]:
    """``3`` is month 3, ``0-5`` are months 0 to 5."""
    first, _, last = text.partition("-")
    try:
        months = list(range(int(first), int(last or first) + 1))
    except ValueError:
        months = []
    if not months:
        raise argparse.ArgumentTypeError(f"must be a month or a range of months such as 0-5; got {text!r}")
    return months


def _file(text: str) -> Path:
    """A table's file, looked at before the work begins."""
    path = Path(text)
    if path.suffix not in (".csv", ".parquet") or path.is_dir():
        raise argparse.ArgumentTypeError(f"must be a file that ends in .csv or .parquet; got {text!r}")
    if not os.access(path.absolute().parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"must lie in a folder that exists and can be written; got {text!r}")
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        install = f"{sys.executable} -m pip install pyarrow"
        raise argparse.ArgumentTypeError(f"needs pyarrow for .parquet: run `{install}`, or write .csv")
    return path


def _parser() -> argparse.ArgumentParser:
    """All doors and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m mllayers",
        description="What happens after the prediction: a course in five notebooks, and its tools.",
        epilog="Exit codes: 0 all is well, 1 something is wrong and was said, 2 the command was not understood.",
    )
    doors = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    door = doors.add_parser(
        "lab",
        help="open JupyterLab on the first notebook",
        usage="python -m mllayers lab [NOTEBOOK] [JUPYTERLAB FLAGS]",
        description="Open JupyterLab on the first notebook, or on the one that is named.",
        epilog="Flags such as --no-browser or --port=8899 go to JupyterLab as they are.",
    )
    door.set_defaults(door=lab)

    door = doors.add_parser(
        "doctor",
        help="see whether everything the course needs is there",
        description="See whether everything the course needs is there: Python, packages, the notebooks' kernel, the "
        "widgets' front end, the tables, your folder. Under each thing that is wrong stands the line that mends it.",
    )
    door.set_defaults(door=doctor)

    _add_data(doors)

    door = doors.add_parser(
        "build",
        help="make the learner copies of the notebooks from the solved ones",
        description="Make the learner copies of the notebooks from the solved ones. Run it from the project's folder.",
    )
    door.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="solved notebooks; without any: all of them")
    what = door.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="write nothing; report copies that have drifted")
    what.add_argument("--execute", action="store_true", help="run each solved notebook first and store its outputs")
    door.set_defaults(door=build)

    door = doors.add_parser(
        "snippet",
        help="print a function of the package with all it needs, ready to paste",
        description="Print a function of the package with all it needs, ready to paste in a project of your own.",
        epilog="For example: python -m mllayers snippet decision.Brief",
    )
    door.add_argument("name", metavar="NAME", help="such as decision.Brief")
    door.set_defaults(door=snippet)
    return parser


def _add_data(doors: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The door to the tables, with one door behind it for each table."""
    door = doors.add_parser(
        "data",
        help="write the course's tables again, or bigger ones",
        description="Write the course's tables in datasets/ again, with their checksums; or, with the name of a table, "
        "make that table in any size. Columns that begin with _ hold what the retailer never sees.",
        epilog="For example: python -m mllayers data orders --per-month 1000000 --months 0-5 --out orders.csv",
    )
    door.add_argument("--out", metavar="FOLDER", help="write the tables there instead of in datasets/")
    door.set_defaults(door=data, table=None)
    tables = door.add_subparsers(title="tables", metavar="TABLE")
    for table, make, what in (
        ("orders", _orders, "orders of the fraud desk"),
        ("customers", _customers, "customers of the retention desk"),
        ("pilot", _pilot, "a randomised pilot"),
        ("leads", _leads, "sales leads"),
    ):
        part = tables.add_parser(table, help=what, description=f"Make {what} in any size.")
        if table == "orders":
            part.add_argument(
                "--per-month", type=int, default=40_000, metavar="N", help="orders a month (default 40,000)"
            )
            part.add_argument("--months", type=_months, default="0-5", help="0 to 17, one or a range (default 0-5)")
        else:
            part.add_argument("--rows", type=int, required=True, metavar="N", help="how many")
        if table in ("customers", "pilot"):
            part.add_argument("--month", type=int, default=0, help="month of the shop (default 0)")
        part.add_argument("--seed", type=int, default=2026, help="same seed, same table (default 2026)")
        part.add_argument(
            "--out",
            type=_file,
            required=True,
            metavar="FILE",
            help="where to write, ending in .csv or .parquet (which needs pyarrow)",
        )
        part.set_defaults(table=table, make=make)


def _stop(message: str, code: int = 1) -> NoReturn:
    """One line for the person at the keyboard, and an exit code for scripts."""
    print(f"mllayers {message}", file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to stop: as Ctrl-C, with the same tidying up
    raise SystemExit(main())
