"""What every notebook of the course has to look like: one function per rule, each telling what is wrong and what to do.

How a notebook is written stands in ``mllayers/course/build.py``. `RULES` are those of the five notebooks, `BESIDE`
those of what is taught beside them (``notebooks/solved/teach``): without the parts that the five have in common.
"""

import ast
import builtins
import re
import symtable
import sys
from functools import cached_property
from pathlib import Path
from statistics import median

import nbformat

import mllayers.course
from mllayers.course import minutes as minutes_of_course
from mllayers.course import words
from mllayers.course.exercises import find
from mllayers.course.notes import CODE, MEANT

SECTIONS = words.SECTIONS
MINUTES = {"core": 62, "all": 100}
CELLS = {"core": 50, "all": 76}
LINES = {"code": 13, "lift-out": 15, "median": 6, "core": 175}
WORDS = 1_750
IN_A_ROW = 4
TAGS = {
    "core",
    "optional",
    "exercise",
    "lift-out",
    "ground-truth",
    "experiment",
    "setup-experiment",
    "nbval-ignore-output",
}
TOLD = {"section", "minutes", "work", "claims", "blanks", "learner", "try", "typed"}
CLAIMS = {
    *("C0.1", "C0.2", "C1.1", "C1.2", "C1.3", "C1.4", "C1.5", "C2.1", "C2.2", "C2.3", "C2.4", "C2.5"),
    *("C3.1", "C3.2", "C3.3", "C4.1", "C4.2", "C4.3", "C5.1", "C5.2", "C5.3", "C6"),
}
CLAIMS_OF = {
    "01_data": {"C0.1", "C0.2", "C1.1", "C1.2", "C1.3", "C1.4", "C1.5", "C2.5"},
    "02_prediction": {"C2.1", "C2.2", "C2.3", "C2.4", "C2.5"},
    "03_decision": {"C0.2", "C3.1", "C3.2", "C3.3"},
    "04_action": {"C4.1", "C4.2", "C4.3"},
    "05_feedback": {"C5.1", "C5.2", "C5.3", "C6"},
}
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")


class Notebook:
    """A notebook and what the rules ask of it."""

    def __init__(self, nb, path):
        self.nb, self.path = nb, Path(path)
        self.solved = "solved" in self.path.parts[-3:-1]
        folder = self.path.parent.name
        self.language = folder if words.exists(folder) else "en"
        self.cells = list(nb.cells)
        self.markdown = [(n, cell) for n, cell in enumerate(self.cells) if cell.cell_type == "markdown"]
        self.code = [(n, cell) for n, cell in enumerate(self.cells) if cell.cell_type == "code"]

    @classmethod
    def read(cls, path):
        return cls(nbformat.read(path, as_version=4), path)

    @cached_property
    def headings(self):
        """Every heading outside code blocks: cell number, level, text."""
        found = []
        for n, cell in self.markdown:
            for line in without_code_blocks(cell.source).splitlines():
                if match := re.match(r"(#{1,6}) +(.+)", line):
                    found.append((n, len(match[1]), match[2].strip()))
        return found

    @cached_property
    def sections(self):
        """The cells that open a section: cell number, its name, minutes, tags."""
        return [
            (n, told(cell).get("section"), told(cell).get("minutes"), tags(cell))
            for n, cell in enumerate(self.cells)
            if "section" in told(cell)
        ]

    def kind(self, n):
        """Whether a cell belongs to a core or an optional section."""
        opened = [tagged for start, _, _, tagged in self.sections if start <= n]
        return "optional" if opened and "optional" in opened[-1] else "core"

    @cached_property
    def trees(self):
        """The code cells that are plain Python, as syntax trees."""
        found = []
        for n, cell in self.code:
            try:
                found.append((n, cell, ast.parse(cell.source)))
            except SyntaxError:
                continue  # reported by the rule `plain`
        return found


def tags(cell):
    return set(cell.metadata.get("tags", ()))


def told(cell):
    return cell.metadata.get("mllayers", {})


def outputs(cell):
    return cell.get("outputs", [])


def without_code_blocks(markdown):
    return re.sub(r"^(```|~~~).*?^\1", "", markdown, flags=re.DOTALL | re.MULTILINE)


def text_of(output):
    """The words of an output, whatever their form; not the repr of a figure."""
    data = output.get("data", {})
    shown = (
        data.get("text/markdown") or re.sub(r"<[^>]+>", " ", data.get("text/html", "")) or data.get("text/plain", "")
    )
    said = output.get("text", "") or shown
    return re.sub(r"<Figure[^>]*>|<IPython[^>]*>", "", said)


def constants(tree):
    """The text constants of code."""
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


# --- the file -------------------------------------------------------------------------------------------------------


def valid(nb):
    """The file is a notebook of format 4.5, its metadata is what a build leaves, and every cell has its own id."""
    ids = [cell.get("id") for cell in nb.cells]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        yield f"two cells have the id {', '.join(map(str, twice))}; give one another"
        return
    try:
        nbformat.validate(nb.nb)
    except nbformat.ValidationError as error:
        yield str(error).splitlines()[0]
    if (nb.nb.nbformat, nb.nb.nbformat_minor) != (4, 5):
        yield "save it in notebook format 4.5"
    if extra := set(nb.nb.metadata) - {"kernelspec", "language_info", *(() if nb.solved else ("mllayers",))}:
        yield f"the notebook's metadata holds {', '.join(sorted(extra))}; run python -m mllayers build --execute"
    if set(nb.nb.metadata.get("language_info", {})) - {"name"}:
        yield "the notebook's metadata names a Python version; run python -m mllayers build --execute"


def known_metadata(nb):
    """Tags and metadata are spelled as build.py says."""
    for n, cell in enumerate(nb.cells):
        yield from (
            f"cell {n}: no tag is called {tag}; there are {', '.join(sorted(TAGS))}" for tag in tags(cell) - TAGS
        )
        yield from (f"cell {n}: mllayers.{key} means nothing; see build.py" for key in set(told(cell)) - TOLD)


# --- structure ------------------------------------------------------------------------------------------------------


def title(nb):
    """One H1, in the first cell: Layer N — Name: the one question."""
    titles = [(n, text) for n, level, text in nb.headings if level == 1]
    if len(titles) != 1:
        yield f"there are {len(titles)} H1 headings {[text for _, text in titles]}; keep one, the title"
    elif titles[0][0] != 0:
        yield f"the title stands in cell {titles[0][0]}; put it first"
    elif not words.title(nb.language).fullmatch(titles[0][1]):
        yield f"the title is {titles[0][1]!r}; write {words.TITLE!r}"


def heading_levels(nb):
    """No heading level is skipped."""
    before = 0
    for n, level, text in nb.headings:
        if level > before + 1:
            yield f"cell {n}: {text!r} is an H{level} after an H{before}; make it an H{before + 1}"
        before = level


def sections(nb):
    """All sections of the core path, in order, with their headings; optional ones behind them."""
    names = [name for _, name, _, _ in nb.sections]
    twice = sorted({name for name in names if names.count(name) > 1})
    core = [name for name in names if name in SECTIONS]
    yield from (f"the section {name!r} ({text}) is missing" for name, text in SECTIONS.items() if name not in names)
    yield from (f"the section {name!r} comes twice" for name in twice)
    if sorted(core, key=list(SECTIONS).index) != core:
        yield f"the sections stand in the order {', '.join(core)}; put them in the order {', '.join(SECTIONS)}"
    opened = {n: name for n, name, _, _ in nb.sections}
    for n, name in opened.items():
        first = (nb.cells[n].source.splitlines() or [""])[0]
        heading = words.sections(nb.language).get(name, "")
        hashes = "#" if name == "question" else "##"
        if nb.cells[n].cell_type != "markdown" or not first.startswith(f"{hashes} {heading}"):
            yield f"cell {n}: the section {name!r} must begin with the heading '{hashes} {heading or 'Its name'}'"
    for n, level, text in nb.headings:
        if level <= 2 and n not in opened:
            yield f"cell {n}: {text!r} opens a section; say so in its metadata (mllayers: section, minutes)"
    kinds = [name in SECTIONS for name in names]
    if kinds != sorted(kinds, reverse=True):
        name = names[kinds.index(False)]
        yield f"the section {name!r} stands within the core path; optional sections come behind {list(SECTIONS)[-1]!r}"


def minutes(nb):
    """Every section says its minutes and whether it is core or optional, and the sums fit into a lesson."""
    total = {"core": 0, "all": 0}
    for n, name, length, tagged in nb.sections:
        if not isinstance(length, int) or length < 1:
            yield f"cell {n}: the section {name!r} has no minutes; run python -m mllayers build --execute"
            continue
        kind = "core" if name in SECTIONS else "optional"
        if tagged & {"core", "optional"} != {kind}:
            yield f"cell {n}: tag the section {name!r} {kind}, and only so"
        total["all"] += length
        total["core"] += length * (kind == "core")
    for part, limit in MINUTES.items():
        if total[part] > limit:
            yield f"{part} sections take {total[part]} minutes; shorten them, or move something behind, to {limit}"


def estimated(nb):
    """The minutes are those of words, code lines and stated work, and stand where they are read."""
    if not nb.solved:
        return
    again = nbformat.from_dict(nb.nb)
    minutes_of_course.write(again, nb.language)
    for n, (there, here) in enumerate(zip(nb.cells, again.cells, strict=True)):
        if (there.source, told(there).get("minutes")) != (here.source, told(here).get("minutes")):
            yield f"cell {n}: the minutes are not those of its words and lines; run python -m mllayers build --execute"
    if minutes_of_course.said(again, nb.language) not in again.cells[0].source:
        yield f"cell 0 must say {minutes_of_course.said(again, nb.language)!r}; build --execute keeps the numbers right"
    for n, cell in nb.code:
        if "exercise" in tags(cell) and not told(cell).get("work"):
            yield f"cell {n}: an exercise states the minutes it asks for (mllayers.work)"


def cell_count(nb):
    """The notebook is not too long."""
    count = {"core": sum(nb.kind(n) == "core" for n in range(len(nb.cells))), "all": len(nb.cells)}
    for part, limit in CELLS.items():
        if count[part] > limit:
            yield f"{part} sections have {count[part]} cells; keep to {limit}"


def word_count(nb):
    """The text of the core path can be read in the time there is."""
    count = sum(len(without_code_blocks(cell.source).split()) for n, cell in nb.markdown if nb.kind(n) == "core")
    if count > WORDS:
        yield f"the core path has {count:,} words; about 1,600 is right, {WORDS:,} the limit"


def code_lines(source):
    """How many lines there are to read: neither blank ones nor those of an import."""
    lines = source.splitlines()
    try:
        tree = ast.parse(source)
    except SyntaxError:  # reported by the rule `plain`
        tree = ast.Module([], [])
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return sum(bool(line.strip()) for line in lines)


def code_length(nb):
    """Code cells are short (blank lines and imports do not count)."""
    lengths = []
    for n, cell in nb.code:
        lines = code_lines(cell.source)
        lengths.append(lines)
        limit = LINES["lift-out" if "lift-out" in tags(cell) else "code"]
        if lines > limit:
            yield f"cell {n} has {lines} lines of code; split it, or leave it at {limit}"
    core = sum(length for (n, _), length in zip(nb.code, lengths, strict=True) if nb.kind(n) == "core")
    if core > LINES["core"]:
        yield f"the core path has {core} lines of code; about 150 is right, {LINES['core']} the limit"
    if lengths and median(lengths) > LINES["median"]:
        yield f"the median code cell has {median(lengths):g} lines; {LINES['median']} at most"


def prose_between(nb):
    """Never more than four code cells in a row without a word to the learner."""
    row = 0
    for n, cell in enumerate(nb.cells):
        row = row + 1 if cell.cell_type == "code" else 0
        if row == IN_A_ROW + 1:
            yield f"cell {n} is the code cell number {row} in a row; put a question to the learner before it"


def lift_out(nb):
    """There is a cell to take along, and it does not need mllayers."""
    if not nb.solved:
        return
    found = [(n, cell) for n, cell in nb.code if "lift-out" in tags(cell)]
    if not found:
        yield "no cell is tagged lift-out; give the learner one to take along"
    for n, cell in found:
        if "mllayers" in cell.source or re.search(r"\bml\.", cell.source):
            yield f"cell {n} is to be lifted out, but uses mllayers"
        if "try" not in told(cell):
            yield f"cell {n} is to be lifted out: say in mllayers.try how to try it on another table"


def exercises(nb):
    """Every exercise has something to do, and its stored answer is correct."""
    if not nb.solved:
        return
    for n, cell in enumerate(nb.cells):
        if "exercise" not in tags(cell):
            if "blanks" in told(cell) and "check(" in cell.source:
                yield f"cell {n} is an exercise; tag it so"
            continue
        if "blanks" not in told(cell) and "learner" not in told(cell) and "# solution" not in cell.source:
            yield f"cell {n}: the learner finds the exercise solved; name its blanks, or give it mllayers.learner"
        said = " ".join(text_of(output) for output in outputs(cell))
        correct = words.told("Correct", nb.language)
        if "check(" in cell.source and not re.search(rf"\b{re.escape(correct)}\b", said):
            yield f"cell {n}: its check does not say {correct}; mend the solution and execute the notebook"
    if any("blanks" in told(cell) for cell in nb.cells) and not any(imports_blank(tree) for _, _, tree in nb.trees):
        yield "import ____ from mllayers.course in the set-up cell"


def imports_blank(tree):
    return any(
        isinstance(node, ast.ImportFrom) and any(a.name == "____" for a in node.names) for node in ast.walk(tree)
    )


# --- execution ------------------------------------------------------------------------------------------------------


def executed(nb):
    """Solved copies were run from top to bottom; learner copies show nothing yet."""
    counts = [cell.get("execution_count") for _, cell in nb.code if cell.source.strip()]
    if nb.solved and counts != list(range(1, len(counts) + 1)):
        pairs = enumerate(counts, 1)
        first = next((f"code cell number {n} ran as number {count}" for n, count in pairs if n != count), "")
        yield f"{first}; run python -m mllayers build --execute"
    if not nb.solved and (any(counts) or any(outputs(cell) for _, cell in nb.code)):
        yield "a learner copy shows outputs; run python -m mllayers build"


def clean_outputs(nb):
    """No error, no warning, no folder of this machine in the outputs."""
    for n, cell in nb.code:
        for output in outputs(cell):
            if output.output_type == "error":
                yield f"cell {n} ends with {output.ename}: {output.evalue}"
            elif output.get("name") == "stderr":
                yield f"cell {n} writes to stderr: {output.text.strip()[:80]!r}; mend what it complains about"
            elif match := ABSOLUTE.search(text_of(output)):
                yield f"cell {n} shows a folder of the machine it ran on: {match[0]!r}"


# --- code -----------------------------------------------------------------------------------------------------------

_ROOTS = "|".join(("home", "Users", "tmp", "root", "var", "usr", "opt", "mnt", "content", "work", "private"))
ABSOLUTE = re.compile(rf"(?<![\w./:~-])/(?:{_ROOTS})/\w|\b[A-Z]:\\\w|(?<!\w)~/\w")


def plain(nb):
    """Code is plain Python: no magics, no shell."""
    parsed = {n for n, _, _ in nb.trees}
    for n, cell in nb.code:
        if n not in parsed:
            yield f"cell {n} is not plain Python; leave out magics (%) and shell commands (!)"
        elif "get_ipython" in cell.source:
            yield f"cell {n} calls get_ipython; leave it out"


def absolute_paths(nb):
    """No path that exists on one machine only."""
    for n, cell in enumerate(nb.cells):
        if match := ABSOLUTE.search(cell.source):
            yield f"cell {n} holds the absolute path {match[0]!r}…; use one relative to the notebook"


def network(nb):
    """No cell needs a connection."""
    wide = {"urllib", "requests", "http", "httpx", "socket", "aiohttp", "ftplib", "urllib3"}
    for n, cell, tree in nb.trees:
        for module in imported(tree):
            if module.partition(".")[0] in wide:
                yield f"cell {n} imports {module}; a notebook needs no network"
        if re.search(r"\bfetch_\w+", cell.source):
            yield f"cell {n} fetches a data set; a notebook needs no network"
        if any(re.match(r"(https?|ftp|s3)://", text) for text in constants(tree)):
            yield f"cell {n} holds a network address; a notebook needs no network"


def imported(tree):
    """The modules that code imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def silenced(nb):
    """No warning is silenced."""
    quiet = r"filterwarnings|catch_warnings|simplefilter|2>\s*/dev/null|logging\.disable|capture_output\(|errstate"
    for n, cell in nb.code:
        if match := re.search(quiet, cell.source):
            yield f"cell {n} silences warnings ({match[0]}); mend what they complain about"


def installs(nb):
    """Nothing is installed from a notebook."""
    for n, cell in nb.code:
        if re.search(r"^\s*[%!]\s*(pip|conda|mamba|uv)\b|-m\W+pip\b", cell.source, re.MULTILINE):
            yield f"cell {n} installs something; make course has done that"


def star_imports(nb):
    """Names are imported by name."""
    for n, _, tree in nb.trees:
        if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree)):
            yield f"cell {n} imports *; import by name"


def semicolons(nb):
    """No cell ends in a semicolon."""
    for n, cell in nb.code:
        if re.search(r";\s*(#.*)?$", cell.source.rstrip()):
            yield f"cell {n} ends with a semicolon, which hides a value only in some programs; write _ = … instead"


def experiments(nb):
    """Experiments need no cell that is not one: tests run them alone."""
    others, own = {}, set()
    for n, cell, _ in nb.trees:
        table = symtable.symtable(cell.source, "cell", "exec")
        bound = {x.get_name() for x in table.get_symbols() if x.is_assigned() or x.is_imported() or x.is_namespace()}
        if not tags(cell) & {"experiment", "setup-experiment"}:
            others |= dict.fromkeys(bound, n)
            continue
        for name in sorted(global_names(table) & set(others) - own - bound):
            yield f"cell {n} is an experiment and needs {name} of cell {others[name]}; tag that one experiment too"
        own |= bound


def global_names(table):
    """The names that code takes from the notebook."""
    found = {x.get_name() for x in table.get_symbols() if x.is_referenced() and x.is_global()}
    if table.get_type() == "module":
        found = {x.get_name() for x in table.get_symbols() if x.is_referenced()}
    return found.union(*map(global_names, table.get_children()))


# --- figures and text -----------------------------------------------------------------------------------------------


def pictures(cell):
    return [output for output in outputs(cell) if set(output.get("data", {})) & set(PICTURES)]


def alt_text(nb):
    """Every picture has alt text."""
    for n, cell in nb.code:
        for output in pictures(cell):
            kinds = [output.metadata, *(output.metadata.get(kind, {}) for kind in PICTURES)]
            if not any(str(kind.get("alt", "")).strip() for kind in kinds):
                yield f"cell {n} shows a figure without alt text; show it with show(figure, alt=…, says=…, table=…)"
    for n, cell in nb.markdown:
        if re.search(r"!\[\s*\]\(", cell.source):
            yield f"cell {n}: the image needs alt text: ![what it shows](…)"
        for image in re.findall(r"<img\b[^>]*>", cell.source):
            if not re.search(r"""\balt=["'][^"']*\w""", image):
                yield f"cell {n}: {image} needs alt text"


def reading_sentence(nb):
    """Beside every figure stands one sentence that reads it."""
    for n, cell in nb.code:
        if pictures(cell):
            said = [text_of(output) for output in outputs(cell)]
            if not any(re.search(r"(\S+\s+){4,}\S*[.!?][\"'*_)]*(\s|$)", text) for text in said):
                yield f"cell {n} shows a figure that nobody reads; give show(…, says='one sentence that reads it.')"


def links(nb):
    """Links between files lead somewhere."""
    for n, cell in nb.markdown:
        for link in re.findall(r"""\]\(([^)\s]+)|\b(?:src|href)="([^"]+)""", without_code_blocks(cell.source)):
            target = (link[0] or link[1]).partition("#")[0]
            if target and not re.match(r"[a-z][a-z0-9+.-]*:", target) and not (nb.path.parent / target).exists():
                yield f"cell {n}: the link {target} leads nowhere"


_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_TYPED = re.compile(
    rf"\\?\$ ?{_NUMBER}(?:[kKM]\b)?|{_NUMBER}\s?(?:%|percent\b|per cent\b)|\d+\.\d+|\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?"
)
_LEVEL = re.compile(r"[\s-]*(confidence|interval|credible)")  # the level of an interval is no result
_NOT_PROSE = re.compile(  # links, code, comments, HTML, addresses, formulas
    r"\[[^\]]*\]\([^)]*\)|``.*?``|`[^`]*`|<!--.*?-->|</?[a-zA-Z][^>]*>|https?://\S+"
    r"|\$\$.*?\$\$|(?<!\\)\$(?![\d\s])[^$\n]*\$|\\\(.*?\\\)",
    re.DOTALL,
)


def typed_numbers(nb):
    """Numbers in prose come from code; prices and the essay's worked figures are listed, and asserted in a cell."""
    asserted = set()
    for _, _, tree in nb.trees:
        if any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
            numbers = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
            asserted |= {float(x) for x in numbers if isinstance(x, (int, float))}
    for n, cell in nb.markdown:
        allowed = {re.sub(r"[\\\s±]", "", number) for number in told(cell).get("typed", ())}
        prose = re.sub(r"^#+ .*$", "", without_code_blocks(cell.source), flags=re.MULTILINE)
        prose = prose.replace("<span>&#36;</span>", r"\$")
        for match in _TYPED.finditer(_NOT_PROSE.sub(" ", prose)):
            number = re.sub(r"[\\\s]", "", match[0])
            value = value_of(number)
            if _LEVEL.match(match.string, match.end()):
                continue
            if number not in allowed:
                yield f"cell {n}: {number} is typed by hand; let a cell say it, or list it in mllayers.typed"
            elif nb.solved and not {value, value / 100} & asserted:
                yield f"cell {n}: {number} is listed as typed, but no cell with an assert holds it"


def value_of(number):
    """What a typed number means: 12000 for $12k."""
    digits = re.search(_NUMBER, number)[0].replace(",", "")
    return float(digits) * {"k": 1e3, "K": 1e3, "M": 1e6}.get(number[-1], 1)


def claim_ids(nb):
    """Cells name claims that exist."""
    for n, cell in enumerate(nb.cells):
        yield from (
            f"cell {n}: there is no claim {claim}" for claim in told(cell).get("claims", ()) if claim not in CLAIMS
        )


def required_claims(nb):
    """Each notebook shows the claims that are its own."""
    shown = {claim for cell in nb.cells for claim in told(cell).get("claims", ())}
    for claim in sorted(CLAIMS_OF.get(nb.path.stem, set()) - shown):
        yield f"no cell shows {claim}; name it in the metadata (mllayers: claims) of the cell that does"


# --- truth ----------------------------------------------------------------------------------------------------------

_TRUTH = re.compile(r"_[A-Za-z]\w*")
_FITS = re.compile(r"fit|partial_fit|fit_\w+|cross_val\w*|cross_validate")


class _Truth(ast.NodeVisitor):
    """Follows what comes from truth columns (``_kind``) through assignments, cell by cell, and finds fits on it."""

    def __init__(self):
        self.names, self.columns, self.fitters, self.found = set(), set(), set(), []

    def is_tainted(self, node):
        """Whether an expression holds truth."""
        if isinstance(node, ast.Constant):
            return isinstance(node.value, str) and (bool(_TRUTH.fullmatch(node.value)) or node.value in self.columns)
        if isinstance(node, ast.Name):
            return node.id in self.names
        if isinstance(node, ast.Attribute) and _TRUTH.fullmatch(node.attr):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "drop":  # what is dropped is not used
                return self.is_tainted(node.func.value)
            if node.func.attr == "assign":  # a new column is truth, the frame is not
                return any(self.is_tainted(part) for part in [node.func.value, *node.args])
        return any(self.is_tainted(child) for child in ast.iter_child_nodes(node))

    def mark(self, target, tainted):
        """Remember whether what is assigned to holds truth."""
        if isinstance(target, ast.Name):
            (self.names.add if tainted else self.names.discard)(target.id)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                self.mark(part, tainted)
        elif isinstance(target, ast.Starred):
            self.mark(target.value, tainted)
        elif isinstance(target, ast.Subscript) and tainted:
            self.columns.update(text for text in constants(target.slice) if not _TRUTH.fullmatch(text))

    def visit_Assign(self, node):
        self.generic_visit(node)
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=False)
            for part, value in pairs:
                self.mark(part, self.is_tainted(value))

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        if node.value is not None:
            self.mark(node.target, self.is_tainted(node.value))

    def visit_NamedExpr(self, node):
        self.generic_visit(node)
        self.mark(node.target, self.is_tainted(node.value))

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        if self.is_tainted(node.value):
            self.mark(node.target, True)

    def visit_For(self, node):
        self.mark(node.target, self.is_tainted(node.iter))
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        if any(isinstance(inner, ast.Call) and self.fits(inner) for inner in ast.walk(node)):
            self.fitters.add(node.name)
        results = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value]
        self.mark(ast.Name(node.name), any(self.is_tainted(result) for result in results))

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "assign":
            self.columns.update(word.arg for word in node.keywords if word.arg and self.is_tainted(word.value))
        if self.fits(node) and any(self.is_tainted(part) for part in [*node.args, *(w.value for w in node.keywords)]):
            self.found.append(ast.unparse(node))

    def fits(self, call):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        return bool(_FITS.fullmatch(name)) or name in self.fitters


def truth(nb):
    """No model is fitted on what the retailer never sees, except in cells tagged oracle."""
    follow = _Truth()
    for n, cell, tree in nb.trees:
        follow.found = []
        follow.visit(tree)
        if "ground-truth" not in tags(cell):
            for code in follow.found:
                yield f"cell {n} fits on a truth column: {code[:80]}; use what the team knows, or tag the cell oracle"


# --- what a learner is promised -------------------------------------------------------------------------------------


def loose_dollars(markdown):
    """The paragraphs of Markdown in which dollars could become a formula that nobody meant."""
    for block in re.split(r"\n\s*\n", CODE.sub(lambda code: code[0].replace("$", ""), markdown)):
        parts = MEANT.split(block)
        count = sum(part.count("$") for part in parts[::2])
        if count > 1 or (count and any("$" in part for part in parts[1::2])):
            yield " ".join(block.split())


def formulas(nb):
    """No two dollars of a paragraph can become a formula."""
    for n, cell in nb.markdown:
        for block in loose_dollars(cell.source):
            yield f"cell {n}: {block[:50]!r}… has dollars that become a formula; write <span>&#36;</span>"


def formulas_shown(nb):
    """No two dollars of an output can become a formula."""
    for n, cell in nb.code:
        for data in (output.get("data", {}) for output in outputs(cell)):
            page = re.sub(r"<(script|style|pre|code)\b.*?</\1>", "", data.get("text/html", ""), flags=re.DOTALL)
            texts = [chunk for chunk in re.split(r"<[^>]*>", page) if chunk.count("$") > 1]
            texts += [] if page else loose_dollars(data.get("text/markdown", ""))
            yield from (
                f"cell {n} shows {text.strip()[:50]!r}…, whose dollars become a formula; use say or show"
                for text in texts
            )


def calls(tree, *names):
    """The calls of functions of these names (methods of that name are something else)."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in found if ast.unparse(node.func).removeprefix("widgets.") in names]


def first_text(call):
    """The text that a call is given first, if any."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def bound_names(source):
    """The names that a cell gives to the notebook."""
    table = symtable.symtable(source, "cell", "exec")
    return {x.get_name() for x in table.get_symbols() if x.is_assigned() or x.is_imported() or x.is_namespace()}


def asked_names(code):
    """The names that somebody needs who types this code: what is called, and names of the course."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return set()
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    own |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & set(mllayers.course.__all__)
    for node in ast.walk(tree):
        root = node.func if isinstance(node, ast.Call) else None
        while isinstance(root, (ast.Attribute, ast.Subscript)):
            root = root.value
        if isinstance(root, ast.Name):
            found.add(root.id)
    return found - own - set(dir(builtins))


def names_exist(nb):
    """Every name that the prose or an exercise tells to use exists there."""
    bound, methods = {}, set()
    for n, cell, tree in nb.trees:
        methods |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for name in bound_names(cell.source):
            bound.setdefault(name, n)
    for n, cell in nb.markdown:
        ahead = min((m for m, _, _ in nb.trees if m > n), default=n)
        for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", without_code_blocks(cell.source)):
            for name in sorted(asked_names(code)):
                if code == f"{name}()" and name in methods:
                    continue
                if name not in bound:
                    yield f"cell {n}: {name} of `{code[:40]}` is nowhere in this notebook; import it in the set-up cell"
                elif bound[name] > ahead:
                    yield f"cell {n}: {name} of `{code[:40]}` comes only in cell {bound[name]}"
    for n, _, tree in nb.trees:
        for call in calls(tree, "check"):
            exercise = find(first_text(call))
            if exercise is None:
                yield f"cell {n}: there is no exercise {first_text(call)!r}"
                continue
            known = {name for name, m in bound.items() if m <= n}
            texts = (*exercise.hints, exercise.reasoning)
            told_code = [code for text in texts for code in re.findall(r"`([^`]+)`", text)]
            for name in sorted(set().union(*map(asked_names, told_code)) - known):
                yield f"cell {n}: the hints of {exercise.id} use {name}, which is not there"
        for name in sorted({"hint", "solution"} - set(bound)) if calls(tree, "check") else ():
            yield f"cell {n} is an exercise, and its answers send the learner to {name}; import it in the set-up cell"


def exercises_in_order(nb):
    """Exercises and predictions stand in the order of their numbers."""
    for function in ("check", "predict", "reveal"):
        ids = [first_text(call) for _, _, tree in nb.trees for call in calls(tree, function)]
        if ids != sorted(ids):
            yield f"{function} comes in the order {', '.join(ids)}; renumber or move them"


def start_first(nb):
    """`start` comes before the imports that can fail, and a solved copy says that it is one."""
    for n, _, tree in nb.trees:
        for statement in tree.body:
            started = calls(statement, "start") if isinstance(statement, ast.Expr) else []
            if started:
                given = {word.arg: getattr(word.value, "value", None) for word in started[0].keywords}
                if bool(given.get("solved")) != nb.solved:
                    yield f'cell {n}: write start("0N"{", solved=True" if nb.solved else ""})'
                if given.get("lang", "en") != nb.language:
                    yield f"cell {n}: write start(…, lang={nb.language!r})"
                return
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                strange = [name for name in imported(statement) if not name.startswith("mllayers.course")]
                if any(name.partition(".")[0] not in sys.stdlib_module_names for name in strange):
                    yield f"cell {n} imports {', '.join(strange)} before start; begin with mllayers.course and start"
                    return
    yield "no cell calls start"


def promised(nb):
    """What predict, reveal, believe and card answer stands in the stored outputs of a solved copy."""
    if not nb.solved:
        return
    waits = words.told("Your guess first", nb.language)
    for n, cell, tree in nb.trees:
        said = [text_of(output) for output in outputs(cell)]
        for call in calls(tree, "predict", "reveal"):
            id = first_text(call)
            if not any(id in text for text in said):
                yield f"cell {n}: what {call.func.id}({id!r}) answers is in no output; execute the notebook"
            elif any(waits in text for text in said):
                yield f"cell {n}: the result of {id} still waits for a guess; fill the prediction in"
        if calls(tree, "believe", "card") and not said:
            yield f"cell {n}: what it answers is in no output; execute the notebook"


def filled(nb):
    """A solved copy has no blanks: predictions, beliefs and card are filled in, and named as blanks."""
    if not nb.solved:
        return
    for n, _, tree in nb.trees:
        if any(isinstance(node, ast.Name) and node.id == "____" for node in ast.walk(tree)):
            yield f"cell {n} still has a blank ____; fill it in, and name it in mllayers.blanks"


def apart(nb):
    """A widget and an answer figure never share an output."""
    for n, _, tree in nb.trees:
        if calls(tree, "explore") and calls(tree, "show"):
            yield f"cell {n} shows a widget and a figure; put the figure in a cell of its own, or leave it out"


def one_title(nb):
    """A notebook beside the five has one H1, in the first cell."""
    titles = [(n, text) for n, level, text in nb.headings if level == 1]
    if [n for n, _ in titles] != [0]:
        yield f"the H1 headings are {titles}; keep one, the title, in the first cell"


BOTH = [valid, executed, links, plain, formulas, names_exist, exercises_in_order, start_first, apart]
RULES = [
    *BOTH,
    *(formulas_shown, promised, filled),
    *(
        known_metadata,
        title,
        heading_levels,
        sections,
        minutes,
        estimated,
        cell_count,
        word_count,
        code_length,
        prose_between,
    ),
    *(lift_out, exercises, clean_outputs, absolute_paths, network, silenced, installs, star_imports, semicolons),
    *(alt_text, reading_sentence, typed_numbers, claim_ids, required_claims, experiments, truth),
]
OF_THE_FIVE = [title, sections, minutes, lift_out, required_claims]
"""What the five notebooks share, and those beside them do not have."""
BESIDE = [one_title, *(rule for rule in RULES if rule not in OF_THE_FIVE)]
