"""The doors of the package: ``python -m mllayers COMMAND``; without a command it lists them.

Exit codes: 0 all is well, 1 something is wrong and was said, 2 the command was not understood.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

from mllayers._extras import absent, install_line
from mllayers._files import write_text, write_whole

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = Path(__file__).resolve().parent / "notebooks"  # where a wheel brings them
FIRST = "01_data.ipynb"
_MANY_MONTHS = 10_000
_WORKSPACE = 3.0  # how many times the size of a table is needed while it is made and written


def main(argv: Sequence[str] | None = None) -> int:
    """Open the door that the command line names; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a code page without a letter is no reason to stop
    parser = _parser()
    words = sys.argv[1:] if argv is None else list(argv)
    if not words:
        parser.print_help()
        return 2
    options, flags = parser.parse_known_args(words)
    if words[0] == "lab":
        options.words = _without(words[1:], "--to")
    elif flags:
        parser.error(f"unknown: {' '.join(flags)}; `python -m mllayers {words[0]} --help` lists what there is")
    try:
        os.getcwd()
    except OSError:
        _stop(f"{words[0]}: the folder you are in is no longer there: cd to one that is")
    try:
        open_door: Callable[[argparse.Namespace], int] = options.door
        code = open_door(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read has read enough
        _no_more_output()
        return 0
    except MemoryError:
        _stop(f"{words[0]}: this needs more memory than there is: ask for fewer rows")
    except ModuleNotFoundError as error:
        told = error if "run `" in str(error) else absent("it", "course", error)
        _stop(f"{words[0]}: {told}")
    except (ValueError, OSError, OverflowError) as error:
        if isinstance(error, OSError):
            with contextlib.suppress(OSError):
                sys.stdout.flush()  # raises again when it was the output that could not be written
                _stop(f"{words[0]}: {error}")
            _no_more_output()
        _stop(f"{words[0]}: {error}")
    except KeyboardInterrupt:
        _stop(f"{words[0]}: stopped; no file was left half written", code=130)


def _no_more_output() -> None:
    """Let Python end without a word about output that nobody takes."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on a notebook; every other word is JupyterLab's."""
    words: list[str] = options.words
    named = [word for word in words if word.endswith(".ipynb")]
    if len(named) > 1:
        _stop(f"lab: notebook must be one notebook; got {' '.join(named)}", code=2)
    shelf = ROOT / "notebooks"
    if options.to is not None:
        shelf = _copied(Path(options.to).expanduser().absolute())
    notebook = Path(named[0]).resolve() if named else shelf / FIRST
    if named and options.to is not None and not notebook.is_file():
        notebook = shelf / named[0]
    if not named and not notebook.is_file():
        _stop("lab: there are no notebooks beside the package: `python -m mllayers lab --to FOLDER` copies them there")
    if not notebook.is_file():
        _stop(f"lab: notebook must be a notebook that exists; got {notebook}")
    if options.to is None:
        from mllayers.course.learner import own_copy

        notebook = own_copy(notebook)  # the course's notebooks stay as they are; a learner works in a copy
    root = ROOT if ROOT in notebook.parents else notebook.parent
    place = quote(notebook.relative_to(root).as_posix())
    flags = [f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{place}", "--LabApp.news_url=None"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--allow-root")  # containers
    try:
        from jupyterlab.labapp import main as jupyterlab
    except ModuleNotFoundError as error:
        raise absent("JupyterLab", "course", error) from None
    with _without_news():
        jupyterlab([*flags, *(word for word in words if word not in named)])
    return 0


@contextmanager
def _without_news() -> Iterator[None]:
    """JupyterLab asks no question about its own news over the first view; the learner's settings stay as they are."""
    before = os.environ.get("JUPYTER_CONFIG_PATH")
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # no room for it: then it asks
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mllayers-lab-"))
            config = Path(folder, "labconfig", "page_config.json")
            config.parent.mkdir()
            config.write_text('{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}')
            os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, (folder, before)))
        try:
            yield
        finally:
            os.environ.pop("JUPYTER_CONFIG_PATH", None)
            if before is not None:
                os.environ["JUPYTER_CONFIG_PATH"] = before


def reset(options: argparse.Namespace) -> int:
    """Forget the predictions of one notebook, or start it afresh, after asking."""
    from mllayers.course import learner

    key = learner.as_key(options.number)
    if not key:
        _stop(f"reset: notebook must be one of 01 to 05; got {options.number}", code=2)
    what = f"forget the predictions of notebook {key}"
    if options.notebook:
        what += ", set your copy of it aside and make a new one"
    if not options.yes:
        try:
            said = input(f"{what[0].upper()}{what[1:]}? [y/N] ")
        except EOFError:
            said = ""
        if said.strip().lower() not in ("y", "yes"):
            print("nothing was changed")
            return 1
    print(f"{learner.reset(key)} predictions forgotten, in {learner.home()}")
    if options.notebook:
        where = "teach/capstone.ipynb" if key == learner.CAPSTONE else f"{key}_*.ipynb"
        for notebook in sorted((ROOT / "notebooks").glob(where)):
            fresh, old = learner.fresh_copy(notebook)
            print(f"wrote {fresh}" + (f"; yours is kept as {old.name}" if old else ""))
    return 0


def _without(words: Sequence[str], flag: str) -> list[str]:
    """The words as they were typed, without a flag and what it was given."""
    kept: list[str] = []
    skip = False
    for word in words:
        if not skip and word != flag and not word.startswith(f"{flag}="):
            kept.append(word)
        skip = word == flag and not skip
    return kept


def _copied(folder: Path) -> Path:
    """The folder, with the learner's notebooks in it; what is there already stays as it is."""
    source = SHIPPED if SHIPPED.is_dir() else ROOT / "notebooks"
    notebooks = sorted(source.glob("[0-9]*.ipynb"))
    if not notebooks:
        raise ValueError(f"there are no notebooks to copy in {source}")
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in notebooks:
        target = folder / notebook.name
        if not target.exists():
            write_whole(target, partial(shutil.copyfile, notebook))
            print(f"copied {target}", flush=True)
        elif target.read_bytes() != notebook.read_bytes():
            print(f"kept   {target}, which is yours", flush=True)
    return folder


def doctor(options: argparse.Namespace) -> int:
    """Say what is fine, and how to mend what is not."""
    from mllayers.doctor import examine

    try:
        from mllayers.course.learner import home

        findings = examine(home())
    except ModuleNotFoundError:  # a package is missing, which is the first thing the doctor finds
        findings = examine(None)
    except (ValueError, RuntimeError, OSError) as error:  # ~somebody without a home
        findings = examine(error)
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
    _enough_memory(options)
    with _bar(options.table) as progress:
        table: pd.DataFrame = options.make(options, progress)
    print(f"{len(table):,} rows; writing {options.out} …", flush=True)
    with _bar("writing") as progress:
        datasets.write_table(table, options.out, progress=progress)
    return 0


def _enough_memory(options: argparse.Namespace) -> None:
    """Refuse a table that cannot be made here, before the machine stands still."""
    size = "per_month" if options.table == "orders" else "rows"
    asked, few = getattr(options, size), 1_000
    rows = asked * (min(len(options.months), 18) if options.table == "orders" else 1)
    free = _free_memory()
    if free is None or rows < 1_000_000:
        return
    small = {**vars(options), size: few} | ({"months": options.months[:1]} if options.table == "orders" else {})
    sample = options.make(argparse.Namespace(**small), lambda done, total: None)
    needed = _WORKSPACE * rows * sample.memory_usage(deep=True).sum() / few
    if needed > free:
        raise ValueError(
            f"{rows:,} rows need about {needed / 1e9:,.0f} GB of memory and {free / 1e9:,.1f} GB are free: "
            "ask for fewer, with another --seed for each part"
        )


def _free_memory() -> float | None:
    """Bytes that this process may still take, where the system says so."""
    limits = []
    with contextlib.suppress(OSError, ValueError, StopIteration, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        limits.append(1024.0 * int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]))
    with contextlib.suppress(ImportError, OSError, ValueError, IndexError):
        import resource  # not on Windows

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            limits.append(max(float(most - pages * resource.getpagesize()), 0.0))
    return min(limits, default=None)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], object]]:
    """A progress bar that appears when the work has taken two seconds, and what moves it; nothing without tqdm."""
    try:
        from tqdm.auto import tqdm
    except ModuleNotFoundError:
        yield lambda done, total: None
        return

    with tqdm(desc=what, unit=" rows", unit_scale=True, delay=2, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def build(options: argparse.Namespace) -> int:
    """Make the learner copies of the notebooks."""
    from mllayers.course.build import build

    return build(options.notebooks, check=options.check, execute=options.execute)


def record(options: argparse.Namespace) -> int:
    """Write a learner's page of their own."""
    from mllayers.course.record import written

    print(f"wrote {written(options.to)}: open it in a browser. It goes nowhere unless you hand it over.")
    return 0


def teach(options: argparse.Namespace) -> int:
    """Write what a teacher prints."""
    from mllayers.teach.make import make

    made = make(Path(options.to))
    print(f"wrote {len(made)} files, {sum(path.stat().st_size for path in made) / 1e6:.1f} MB: open {made[0]}")
    return 0


def grade(options: argparse.Namespace) -> int:
    """Grade a policy in dollars, and print its debrief; without a passphrase say whether it can be graded."""
    from mllayers.teach.grade import grade, read, try_on
    from mllayers.teach.tasks import TASKS

    if options.task not in TASKS:
        _stop(f"grade: task must be one of {', '.join(TASKS)}; got {options.task}", code=2)
    if options.passphrase is None:
        policy = read(options.policy)
        try_on(policy, TASKS[options.task])
        print(f"{policy.describe()}\n\nReady to be graded: --passphrase WORDS says what it earns.")
        return 0
    found = grade(read(options.policy), TASKS[options.task], passphrase=options.passphrase, worlds=options.worlds)
    print(found, *found.told(), sep="\n")
    if options.out is not None:
        target = Path(options.out)
        write_text(target, json.dumps(found.to_dict(), indent=1, ensure_ascii=False) + "\n")
        print(f"wrote {target}")
    return 0


def slides(options: argparse.Namespace) -> int:
    """Write the slides of each layer, one file each."""
    from mllayers.teach.slides import write

    for path in write(Path(options.to)):
        print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)")
    return 0


def snippet(options: argparse.Namespace) -> int:
    """Print functions of the package, ready to paste, or write the files of a large class to a folder."""
    from mllayers.course.snippet import SnippetError, files, snippet

    try:
        if options.to is not None:
            for path in files(*options.names, to=options.to):
                print(path)
            return 0
        text = snippet(*options.names, bare=options.bare)
    except SnippetError as error:
        _stop(f"snippet: {error}", code=2)
    if not sys.stdout.isatty() and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # what Python reads, whatever the terminal's code page
    print(text, end="")
    return 0


def checkup(options: argparse.Namespace) -> int:
    """Ask the five questions of a file, and print or write the page."""
    from mllayers.checkup import PRACTICE_ROLES, checkup

    named = {name: getattr(options, name) for name in _CHECKUP_OPTIONS if getattr(options, name) is not None}
    if (options.file is None) == (not options.practice):
        _stop("checkup: say which file, or --practice for the file that comes with the package", code=2)
    source = options.file
    if options.practice:
        from mllayers import datasets

        source, named = datasets.FOLDER / "practice.csv", PRACTICE_ROLES | named
        if options.in_engine:
            source = datasets.load_practice()
    named |= {"progress": lambda question: print(f"… {question}", file=sys.stderr, flush=True)}
    try:
        report = checkup(source, **named, in_engine=options.in_engine)
    except ValueError as error:  # what Python writes as separator=';' is --separator ';' here
        told = re.sub(r"\b([a-z_]+)=('[^']*')", lambda said: f"--{said[1].replace('_', '-')} {said[2]}", str(error))
        raise ValueError(told.replace("in_engine=True", "--in-engine")) from None
    print(report)
    if report.gaps:
        print("\nWhere the page asks for role='x', add --role x to the line.")
    if options.html is not None:
        print(f"wrote {report.to_html(options.html)}")
    if options.json is not None:
        report.to_json(options.json)
        print(f"wrote {options.json}")
    return 0


def _number_or_name(text: str) -> float | str:
    """A price: a number, or the name of a column."""
    try:
        return float(text)
    except ValueError:
        return text


def _shares(text: str) -> float | tuple[float, ...]:
    """One share, or two with a comma between them."""
    parts = [float(part) for part in text.split(",")]
    return parts[0] if len(parts) == 1 else tuple(parts)


def _chances(text: str) -> dict[str, float] | str:
    """A propensity: the name of a column, or NAME=CHANCE,NAME=CHANCE."""
    if "=" not in text:
        return text
    try:
        pairs = [part.rsplit("=", 1) for part in text.split(",")]
        return {name.strip(): float(chance) for name, chance in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(f"chances are written call=0.5,none=0.5; got {text!r}") from None


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
        start, end = int(first), int(last or first)
    except ValueError:
        start, end = 0, -1
    if end < start:
        raise argparse.ArgumentTypeError(f"must be a month or a range of months such as 0-5; got {text[:40]!r}")
    return list(range(start, min(end, start + _MANY_MONTHS) + 1))  # the shop refuses more than it has


def _file(text: str) -> Path:
    """A table's file, looked at before the work begins."""
    from mllayers.datasets import as_target

    path = Path(text)
    try:
        if path.suffix == ".parquet" and find_spec("pyarrow") is None:
            raise ValueError(f"needs pyarrow for .parquet: run `{install_line('engines')}`, or write .csv")
        return as_target(path, "FILE")
    except (ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def score(options: argparse.Namespace) -> int:
    """Let a team from a file run the desk for some years, beside the standard ones."""
    from mllayers.desk import score as scored
    from mllayers.desk.scoring import shown

    def told(done: int, of: int) -> None:
        print(f"\r… {done} of {of} years", end="\n" if done == of else "", file=sys.stderr, flush=True)

    found = scored(
        options.team,
        against=options.against.split(","),
        seeds=options.seeds,
        passphrase=options.passphrase,
        world=options.world,
        per_month=options.per_month,
        seconds=options.seconds,
        progress=told if sys.stderr.isatty() else None,
    )
    print(
        f"{found}\n\nDollars a year, means over {options.seeds} seeds; regret is against every label, with its 95 %\n"
    )
    print(shown(found.table))
    for row in found.told.to_dict("records"):
        print(f"{row['team']} lost month {row['month'] + 1} of the year with seed {row['seed']}: {row['what']}")
    versions = ", ".join(f"{name} {number}" for name, number in found.versions.items())
    print(f"\n{versions}\ndigest {found.digest}")
    if options.out is not None:
        target = Path(options.out)
        write_text(target, json.dumps(found.to_dict(), indent=1, ensure_ascii=False) + "\n")
        print(f"wrote {target}")
    return 0


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
        usage="python -m mllayers lab [NOTEBOOK] [--to FOLDER] [JUPYTERLAB FLAGS]",
        description="Open JupyterLab on the first notebook, or on the one that is named.",
        epilog="Flags such as --no-browser or --port=8899 go to JupyterLab as they are.",
    )
    door.add_argument("--to", metavar="FOLDER", help="copy the notebooks there first; those that are there stay yours")
    door.set_defaults(door=lab)

    door = doors.add_parser(
        "doctor",
        help="see whether everything the course needs is there",
        description="See whether everything the course needs is there: Python, packages, the notebooks' kernel, the "
        "widgets' front end, the tables, your folder. Under each thing that is wrong stands the line that mends it.",
    )
    door.set_defaults(door=doctor)

    door = doors.add_parser(
        "reset",
        help="forget the predictions of one notebook, or start it afresh",
        description="Forget what you predicted in one notebook, so that you can predict again; it asks first. Nothing "
        "is thrown away: the file as it was is kept beside the new one.",
        epilog="For example: python -m mllayers reset 03 --notebook",
    )
    door.add_argument("number", metavar="NOTEBOOK", help="01 to 05, or capstone")
    door.add_argument("--notebook", action="store_true", help="also set your copy of it aside and make a new one")
    door.add_argument("--yes", action="store_true", help="do not ask")
    door.set_defaults(door=reset)

    door = doors.add_parser(
        "record",
        help="write what you have done in the course on one page of your own",
        description="Write your predictions beside their results, the exercises you solved, your system card and your "
        "policy on one page, record.html in your own folder. Nothing leaves this machine.",
        epilog="For example: python -m mllayers record --to my-record.html",
    )
    door.add_argument("--to", metavar="FILE", help="write it there instead")
    door.set_defaults(door=record)

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
        "slides",
        help="write slides for each layer: one file each, which needs no network",
        description="Write slides for each layer from the solved notebooks: one HTML file each, with its figures, the "
        "presenter's notes and a style for print. Each opens in any browser, without a server and without a network.",
    )
    door.add_argument("--to", default="build/slides", metavar="FOLDER", help="where to (default: build/slides)")
    door.set_defaults(door=slides)

    _add_checkup(doors)
    _add_score(doors)
    _add_teach(doors)

    door = doors.add_parser(
        "snippet",
        help="print functions of the package with all they need, ready to paste",
        description="Print functions of the package with all they need, ready to paste in a project of your own. "
        "Several share their helpers, and what was printed before may stand in the same file.",
        epilog="For example: python -m mllayers snippet decision.Brief expected_value",
    )
    door.add_argument("names", nargs="+", metavar="NAME", help="such as decision.Brief")
    what = door.add_mutually_exclusive_group()
    what.add_argument("--bare", action="store_true", help="the formulas alone: no checks, one line of docstring each")
    what.add_argument("--to", metavar="FOLDER", help="write modules instead, for classes too large to paste")
    door.set_defaults(door=snippet)
    return parser


def _add_score(doors: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The door to the desk as a benchmark."""
    door = doors.add_parser(
        "score",
        help="let a team of your own run the fraud desk for some years, beside the standard ones",
        description="Let a team run the fraud desk for a year, many times, beside the standard ones. The file defines "
        "`team`: an object with learn, decide and try_at_random, or its class (see mllayers.loop.Team). It runs in a "
        "process of its own and sees what a desk would see; what goes wrong in it costs the month.",
        epilog="For example: python -m mllayers score mine.py --seeds 20",
    )
    door.add_argument("team", metavar="FILE", nargs="?", help="a Python file; without it the others are compared")
    standard = "open,self,closed,explore,every label"
    told = f"arms and baselines, with commas between them ({standard})"
    door.add_argument("--against", default=standard, metavar="NAMES", help=told)
    door.add_argument("--seeds", type=int, default=20, help="how many years (20)")
    door.add_argument("--passphrase", help="the seeds come from it: nobody without it can have tried them")
    door.add_argument("--world", default="drifting", help="standing, drifting or reacting (drifting)")
    door.add_argument("--per-month", type=int, default=10_000, metavar="N", help="orders a month (10000)")
    door.add_argument("--seconds", type=float, default=60.0, help="how long the team may take over one question (60)")
    door.add_argument("--out", metavar="FILE", help="write all numbers there, as JSON")
    door.set_defaults(door=score)


def _add_teach(doors: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The door to what a teacher needs."""
    door = doors.add_parser(
        "teach",
        help="write what a teacher prints: run sheets, cards, polls, expected answers",
        description="Write what a teacher prints, with an index. Run it from the project's folder. Where Chromium is "
        "installed every page comes as PDF too.",
    )
    door.add_argument("--to", metavar="FOLDER", default="build/teach", help="where to write (build/teach)")
    door.set_defaults(door=teach)

    door = doors.add_parser(
        "grade",
        help="grade a signed policy in dollars, on worlds drawn from a passphrase",
        description="Grade a policy (a file that Policy.to_json wrote) in dollars, beside doing nothing, the best "
        "decision without the model and an upper bound, on worlds that are drawn from the teacher's passphrase.",
        epilog="For example: python -m mllayers grade policy.json --passphrase 'blue kettle'",
    )
    door.add_argument("policy", metavar="FILE", help="the signed policy, as JSON")
    door.add_argument("--passphrase", metavar="WORDS", help="the worlds come from it; without it the file is only read")
    door.add_argument("--worlds", type=int, default=12, metavar="N", help="how many (12)")
    door.add_argument("--task", default="desk", metavar="NAME", help="what is asked: desk is the role task (desk)")
    door.add_argument("--out", metavar="FILE", help="write all numbers there, as JSON")
    door.set_defaults(door=grade)


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


# What the door says of each option of `mllayers.checkup.checkup`, part by part.
_CHECKUP_PARTS: dict[str, dict[str, str]] = {
    "what the score says and is worth": {
        "score": "column with the probability of the outcome",
        "rival": "column with a second score",
        "outcome": "column with what happened",
        "positive": "the value of it that is the outcome, where it is not 0 and 1",
        "outcome_is": "gain or loss: whether the outcome is wanted",
        "gain_tp": "what acting rightly earns: a number or a column",
        "cost_fp": "what acting in vain costs",
        "cost_fn": "what a missed case costs",
        "gain_tn": "what leaving alone rightly earns",
        "capacity": "how many cases can be acted on",
        "weights": "column with how many cases of the population each row stands for",
    },
    "when, and which case": {
        "period": "column that orders the cases in time, such as a month",
        "time": "column with the moment of the decision",
        "arrival": "column with the moment at which the outcome came",
        "as_of": "the moment to look back from (default: the last in the file)",
        "segment": "column with a group of each case",
        "case": "column with the id of each case",
        "columns": "columns known before the decision, with commas between them",
    },
    "what was done, and what came of it": {
        "action": "column with what was done",
        "control": "the action that leaves a case alone",
        "propensity": "column with the chance of the action taken, or call=0.5,none=0.5",
        "amount": "column with the money that hangs on the outcome",
        "reward": "column with the money that came back, the action's cost taken off",
        "before": "column with a number known before the decision that goes with the outcome",
        "challenger": "column with another policy's action, or its chance of the logged one",
    },
    "what nobody looked at": {
        "audit": "column with the chance of being drawn to be labelled",
        "inspected": "column that says of each row whether somebody looked: 1 or 0",
        "report_rate": "share of the events that are reported where nobody looked, or two: 0.1,0.5",
    },
    "what matters, and how it is asked": {
        "least": "the smallest difference of a rate that matters (0.01 is one point)",
        "least_money": "the smallest difference in money a case that matters",
        "currency": "the sign before amounts (default $)",
        "only": "layers to ask, with commas: data,prediction,decision,action,feedback",
        "level": "of the intervals (default 0.95)",
        "max_rows": "most rows for questions that fit a model (default 200,000)",
        "seed": "of the draws (default 0)",
    },
    "how a CSV file is read": {
        "separator": "between the columns of a CSV file (default: a comma)",
        "encoding": "of a CSV file (default: utf-8)",
        "decimal": "between a number and its decimals in a CSV file (default: .)",
    },
}
_CHECKUP_OPTIONS = [name for part in _CHECKUP_PARTS.values() for name in part]


def _add_checkup(doors: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The door to the five questions."""
    door = doors.add_parser(
        "checkup",
        usage="python -m mllayers checkup FILE --score COLUMN --outcome COLUMN [what else is known, below]",
        help="ask the five questions of your own file",
        description="Ask the five questions of a file: what it can answer, how far to trust that, and what it cannot "
        "answer. Say which column plays which role; none is guessed.",
        epilog="For example: python -m mllayers checkup orders.csv --score p --outcome fraud --gain-tp value --cost-fp "
        "4 --period month --html report.html",
    )
    door.add_argument("file", nargs="?", metavar="FILE", help="a .csv or .parquet file with one row per case")
    door.add_argument("--practice", action="store_true", help="take the file that comes with the package")
    listed = {"columns", "only"}
    prices = ("gain_tp", "cost_fp", "cost_fn", "gain_tn")
    kinds: dict[str, Callable[[str], object]] = dict.fromkeys(prices, _number_or_name)
    kinds |= {"propensity": _chances, "capacity": float, "level": float, "max_rows": int, "seed": int}
    kinds |= {"least": float, "least_money": float, "report_rate": _shares}
    for title, part in _CHECKUP_PARTS.items():
        group = door.add_argument_group(title)
        for name, told in part.items():
            kind = (lambda text: text.split(",")) if name in listed else kinds.get(name, str)
            metavar = "COLUMN" if told.startswith("column ") and name != "propensity" else "VALUE"
            metavar = "COLUMN,…" if name == "columns" else metavar
            group.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar=metavar, help=told.replace("%", "%%"))
    large = door.add_argument_group("where the file is large")
    told = "leave the rows on the disk: sums of a .parquet file, by Polars or DuckDB; what needs rows stays open"
    large.add_argument("--in-engine", action="store_true", help=told)
    written = door.add_argument_group("where the page is written")
    written.add_argument("--html", metavar="FILE", help="write the page, one file that asks nothing of other machines")
    written.add_argument("--json", metavar="FILE", help="write all numbers")
    door.set_defaults(door=checkup)


def _stop(message: str, code: int = 1) -> NoReturn:
    """One line for the person at the keyboard, and an exit code for scripts."""
    print(f"mllayers {message}", file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to stop: as Ctrl-C, with the same tidying up
    raise SystemExit(main())
