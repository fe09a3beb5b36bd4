"""Any public function of the layers, ready to paste: with its imports, its private helpers and a licence line.

The modules are read, not run. What a function needs follows from the names it uses, so two things are asked of a
layer: helpers are imported by name (``from mllayers._check import as_number``), and constants are plain assignments.
Helpers are printed with an underscore, each under one name in all snippets, so any two snippets fit in one file.
"""

from __future__ import annotations

import ast
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from mllayers import __version__
from mllayers._files import write_text
from mllayers.course.baring import Bare
from mllayers.course.reading import (
    FUNCTIONS,
    Edits,
    House,
    Import,
    Key,
    Module,
    SnippetError,
    Use,
    from_here,
    in_braces,
    is_builtin,
    uses,
)

__all__ = ["STAYS", "SnippetError", "files", "public_names", "snippet", "too_large"]

STAYS = {"action.act": "it writes to the ledger, so it only makes sense inside the package"}
PACKAGE = Path(__file__).parents[1]
_WIDTH = 120
_LARGE = 500  # lines: longer ones are taken as files
_TYPING = ("typing", "collections.abc", "numpy.typing")


def snippet(*names: str, bare: bool = False, folder: Path = PACKAGE) -> str:
    """The source of public functions or classes of the layers, complete and ready to paste.

    Parameters
    ----------
    *names : str
        ``"decision.best_tiers"``, or ``"best_tiers"`` where only one layer has it; several share their helpers.
    bare : bool
        The formulas alone: input checks and refusals are left out, results are plain, docstrings are one line, types
        are gone. What converts (times, keys) stays.
    folder : Path
        The package that holds the layers.

    Returns
    -------
    str
        One licence line, the imports that are used, the helpers, the functions.

    Raises
    ------
    SnippetError
        For an unknown name (near ones are listed), for code that cannot leave the package, and for what is too long
        to paste: then the files to take are named.

    Examples
    --------
    >>> print(snippet("NotReadyToModel").splitlines()[0])
    # decision.NotReadyToModel from mllayers 0.1.0, MIT licence, Copyright (c) 2026 the mllayers authors
    """
    house = _house(folder)
    full = [_full_name(name, house) for name in names]
    for name in full:
        if too_large(name, bare=bare, folder=folder):
            lines = _length(name, bare, folder)
            taken = ", ".join(f"mllayers/{path.as_posix()}" for path in _modules_of([name], house).values())
            raise SnippetError(
                f"{name} is {lines} lines with all it needs, too many to paste. Take these files: {taken}; "
                f"`python -m mllayers snippet {name} --to FOLDER` writes them, importing each other"
            )
    return _put_together(tuple(full), folder, bare)


def too_large(name: str, *, bare: bool = False, folder: Path = PACKAGE) -> bool:
    """Whether a public class is taken as files, because it is too long to paste; functions never are."""
    house = _house(folder)
    full = _full_name(name, house)
    return isinstance(house.definition(house.public[full]), ast.ClassDef) and _length(full, bare, folder) > _LARGE


def public_names(folder: Path = PACKAGE) -> list[str]:
    """Every function and class that can leave the package, as ``layer.name``."""
    return [name for name in _house(folder).public if name not in STAYS]


def files(*names: str, to: str | os.PathLike[str], folder: Path = PACKAGE) -> list[Path]:
    """Write the modules that public names live in to a folder, importing each other from there.

    Parameters
    ----------
    *names : str
        As for `snippet`.
    to : path
        The folder, which becomes a small package: ``from my_folder import Policy``. Made if it is not there.
    folder : Path
        The package that holds the layers.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    SnippetError
        As `snippet`; and where a file of that name is there that did not come from here.
    """
    house = _house(folder)
    full = [_full_name(name, house) for name in names]
    modules = _modules_of(full, house)
    target = Path(to)
    told = _licence(full)
    texts = {f"{_flat(module)}.py": f"{told}\n{_relative(house.module(module), house, modules)}" for module in modules}
    offered = [house.public[name] for name in full]
    lines = [f"from .{_flat(module)} import {name}" for module, name in sorted(set(offered))]
    shown = ", ".join(f'"{name}"' for _, name in sorted(set(offered), key=lambda key: key[1]))
    texts["__init__.py"] = "\n".join([told, *lines, "", f"__all__ = [{shown}]", ""])
    for name in texts:
        there = target / name
        if there.exists() and " from mllayers " not in there.read_text(encoding="utf-8").partition("\n")[0]:
            raise SnippetError(f"{there} is there already and did not come from mllayers: choose another folder")
    target.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_text(target / name, text)
    return [target / name for name in texts]


@lru_cache(maxsize=1)
def _house(folder: Path) -> House:
    return House(folder)


@lru_cache(maxsize=1)
def _baring(folder: Path) -> Bare:
    return Bare(_house(folder))


def _length(name: str, bare: bool, folder: Path) -> int:
    return len(_put_together((name,), folder, bare).splitlines())


def _licence(names: Iterable[str]) -> str:
    return f"# {', '.join(names)} from mllayers {__version__}, MIT licence, Copyright (c) 2026 the mllayers authors"


def _full_name(name: str, house: House) -> str:
    known = [full for full in house.public if full not in STAYS]
    wanted = name.removeprefix("mllayers.")
    fits = [full for full in known if wanted in (full, full.partition(".")[2])]
    stays = [full for full in STAYS if wanted in (full, full.partition(".")[2])]
    if stays and not fits:
        raise SnippetError(f"{name} stays in the package: {STAYS[stays[0]]}")
    if len({house.public[full] for full in fits}) > 1:
        raise SnippetError(f"{name} is in more than one layer; ask for {' or '.join(fits)}")
    if not fits:
        near = get_close_matches(wanted, [*known, *(full.partition(".")[2] for full in known)], n=3)
        told = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
        raise SnippetError(f"no layer has a public function or class {name!r}; {told}")
    return fits[0]


# a snippet ----------------------------------------------------------------------------------------------------------


@dataclass
class _Piece:
    """A statement that goes into a snippet."""

    module: Module
    text: str
    order: tuple[int, int]
    names: dict[str, Key | Import | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text).body[0]
        self.uses = uses(self.tree)

    def keys(self, wanted: Callable[[Use], bool] = lambda use: True) -> list[Key]:
        """The definitions it uses."""
        found = (self.names.get(use.node.id) for use in self.uses if wanted(use))
        return list(dict.fromkeys(key for key in found if isinstance(key, tuple)))


@lru_cache(maxsize=1024)
def _put_together(names: tuple[str, ...], folder: Path, bare: bool) -> str:
    house = _house(folder)
    pieces: dict[Key, _Piece] = {}
    baring = _baring(folder) if bare else None
    for name in names:
        _add(house.public[name], pieces, house, baring)
    told = Counter(house.printed[key] for key in pieces)
    if told and max(told.values()) > 1:
        raise SnippetError(f"two layers mean different things by {max(told, key=lambda name: told[name])}: ask for one")
    ordered = _in_order(pieces)
    place = {id(piece): n for n, piece in enumerate(ordered)}
    places = {key: place[id(piece)] for key, piece in pieces.items()}
    imports: dict[str, Import] = {}
    texts = [_rendered(piece, n, places, house, imports) for n, piece in enumerate(ordered)]
    text = "\n".join([_licence(names), *_import_lines(imports.values())])
    previous = None
    for piece, source in zip(ordered, texts, strict=True):
        plain = isinstance(piece.tree, (ast.Assign, ast.AnnAssign))
        after_plain = isinstance(previous, (ast.Assign, ast.AnnAssign))
        text += "\n" * (3 if not plain else 2 if previous is None else 1 if after_plain else 3) + source
        previous = piece.tree
    return text + "\n"


def _add(key: Key, pieces: dict[Key, _Piece], house: House, baring: Bare | None) -> None:
    """Take what defines something, and all that this needs when it runs."""
    if key in pieces:
        return
    module, node = house.module(key[0]), house.definition(key)
    for other, piece in pieces.items():
        if other[0] == key[0] and house.definition(other) is node:
            pieces[key] = piece
            return
    if key[1] in module.loose:
        raise SnippetError(f"mllayers.{key[0]} changes {key[1]} after it is defined; define it in one statement")
    piece = pieces[key] = _piece(key, house, baring)
    for used in piece.keys(lambda use: not use.is_type):
        _add(used, pieces, house, baring)
    for used in piece.keys(lambda use: use.is_type):
        if not isinstance(house.definition(used), ast.ClassDef):
            _add(used, pieces, house, baring)


@lru_cache(maxsize=4096)
def _piece(key: Key, house: House, baring: Bare | None) -> _Piece:
    """A statement with what its names stand for."""
    module, node = house.module(key[0]), house.definition(key)
    text = module.text(node) if baring is None else baring.text(key)
    piece = _Piece(module, text, (house.modules.index(key[0]), node.lineno))
    _resolve_names(piece, key, house)
    return piece


def _resolve_names(piece: _Piece, key: Key, house: House) -> None:
    inner: dict[str, Key | Import | None] = {}
    for node in ast.walk(piece.tree):
        if isinstance(node, ast.ImportFrom) and from_here(node):
            for alias in node.names:
                source = piece.module.full(node).removeprefix("mllayers").lstrip(".")
                if not source or house.path(f"{source}.{alias.name}"):
                    raise SnippetError(
                        f"mllayers.{key[0]}: import {alias.name} by name (from mllayers._check import …)"
                    )
                bound = alias.asname or alias.name
                inner[bound] = house.resolve(source, alias.name)
        elif isinstance(node, ast.Import) and any(a.name.partition(".")[0] == "mllayers" for a in node.names):
            raise SnippetError(f"{key[1]} imports mllayers inside its body; import what it needs by name")
    for use in piece.uses:
        name = use.node.id
        found = inner[name] if name in inner else house.resolve(piece.module.name, name)
        if found is None and name == "np":
            found = Import("numpy", "", "np")  # which a bare formula may need where the checks were imported
        if found is None and not is_builtin(name):
            raise SnippetError(f"mllayers.{key[0]} uses {name}, which nothing at its top level defines")
        piece.names[name] = found


def _in_order(pieces: dict[Key, _Piece]) -> list[_Piece]:
    """The pieces in an order that runs: rooms first, as they stand, but nothing before what it needs at once."""
    ordered: list[_Piece] = []
    begun: set[int] = set()

    def put(piece: _Piece) -> None:
        if id(piece) in begun:
            return
        begun.add(id(piece))
        at_once = piece.keys(lambda use: use.at_once or use.is_type)
        for key in at_once:
            if key in pieces:
                put(pieces[key])
        for key in piece.keys(lambda use: use.at_once and not use.is_type):
            if isinstance(pieces[key].tree, FUNCTIONS):  # it may be called at once, with all that it calls
                for later in pieces[key].keys(lambda use: not use.is_type):
                    put(pieces[later])
        ordered.append(piece)

    for piece in sorted({id(piece): piece for piece in pieces.values()}.values(), key=lambda piece: piece.order):
        put(piece)
    return ordered


def _rendered(piece: _Piece, n: int, places: dict[Key, int], house: House, imports: dict[str, Import]) -> str:
    """The text of a piece, with the names under which things are printed."""
    edits = Edits(piece.text)
    renamed: dict[str, str] = {}
    for use in piece.uses:
        target = piece.names[use.node.id]
        if isinstance(target, tuple) and house.printed[target] != use.node.id:
            renamed[use.node.id] = house.printed[target]
    for annotation in _annotations(piece.tree):
        _annotate(annotation, piece, n, places, house, renamed, edits)
    for string in {use.text for use in piece.uses if use.text is not None and use.node.id in renamed}:
        names = {use.node.id for use in piece.uses if use.text is string} & set(renamed)
        edits.replace(edits.span(string), in_braces(edits.segment(string), {name: renamed[name] for name in names}))
    for use in piece.uses:
        if use.node.id in renamed and use.text is None:
            edits.replace(edits.span(use.node), renamed[use.node.id])
    if isinstance(piece.tree, (*FUNCTIONS, ast.ClassDef)):
        word = "class " if isinstance(piece.tree, ast.ClassDef) else "def "
        start = edits.span(piece.tree)[0] + len(word)
        printed = house.printed[piece.module.name, piece.tree.name]
        edits.replace((start, start + len(piece.tree.name.encode())), printed)
    for node in ast.walk(piece.tree):
        if isinstance(node, ast.ImportFrom) and from_here(node):
            edits.replace(edits.whole_lines(node), "")
    text = edits.done()
    _check_names(piece, renamed, text)
    for use in uses(ast.parse(text).body[0]):
        one = piece.names.get(use.node.id)
        if isinstance(one, Import) and imports.setdefault(use.node.id, one) != one:
            raise SnippetError(f"two modules mean different things by {use.node.id}; rename one of them")
    for quoted in _quoted_names(text):
        one = piece.names.get(quoted)
        if isinstance(one, Import):
            imports.setdefault(quoted, one)
    return text


def _check_names(piece: _Piece, renamed: dict[str, str], text: str) -> None:
    """What came out uses what went in, name by name."""
    before = [renamed.get(use.node.id, use.node.id) for use in piece.uses if not use.is_type]
    after = [use.node.id for use in uses(ast.parse(text).body[0]) if not use.is_type]
    if before != after:
        odd = next((pair for pair in zip(before, after, strict=False) if pair[0] != pair[1]), (before[-1:], after[-1:]))
        raise SnippetError(
            f"mllayers.{piece.module.name}: {odd[0]} cannot be renamed here ({odd[1]}); say it more plainly"
        )


def _annotations(tree: ast.stmt) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, FUNCTIONS) and node.returns is not None:
            yield node.returns


def _annotate(
    annotation: ast.expr,
    piece: _Piece,
    n: int,
    places: dict[Key, int],
    house: House,
    renamed: dict[str, str],
    edits: Edits,
) -> None:
    """Types are read when a function is defined: those that cannot be are put in quotes, those left out are objects."""
    used = {leaf.id: piece.names.get(leaf.id) for leaf in ast.walk(annotation) if isinstance(leaf, ast.Name)}
    if any(isinstance(target, tuple) and target not in places for target in used.values()):
        edits.replace(edits.span(annotation), "object")
    elif not _runs(annotation, used) or any(isinstance(t, tuple) and places[t] >= n for t in used.values()):
        copy = ast.parse(ast.unparse(annotation), mode="eval").body
        for leaf in ast.walk(copy):
            if isinstance(leaf, ast.Name):
                leaf.id = renamed.get(leaf.id, leaf.id)
        said = ast.unparse(copy)
        edits.replace(edits.span(annotation), said if isinstance(copy, ast.Constant) else f'"{said}"')


def _runs(node: ast.expr, names: dict[str, Key | Import | None]) -> bool:
    """Whether a type surely means something when it is read as code."""
    if isinstance(node, ast.Subscript):
        home = names.get(node.value.id) if isinstance(node.value, ast.Name) else ()
        known = home is None or (isinstance(home, Import) and home.module in _TYPING)
        return known and (_is_literal(node.value, home) or _runs(node.slice, names))
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(_runs(part, names) for part in node.elts)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.BitOr) and _runs(node.left, names) and _runs(node.right, names)
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, (ast.Name, ast.Attribute)) and _runs(node.value, names)
    if isinstance(node, ast.Constant):
        return node.value is None or node.value is ...
    return isinstance(node, ast.Name)


def _is_literal(node: ast.expr, home: object) -> bool:
    return isinstance(home, Import) and home.name == "Literal"


def _quoted_names(text: str) -> Iterator[str]:
    """The names in types that stand in quotes."""
    for annotation in _annotations(ast.parse(text).body[0]):
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            inner = ast.parse(annotation.value, mode="eval")
            yield from (leaf.id for leaf in ast.walk(inner) if isinstance(leaf, ast.Name))


def _import_lines(imports: Iterable[Import]) -> list[str]:
    """The imports, sorted and wrapped as a linter would."""
    lines: list[str] = []
    every = set(imports)
    for standard in (True, False):
        group = [one for one in every if (one.module.partition(".")[0] in sys.stdlib_module_names) == standard]
        block = [str(one) for one in sorted((one for one in group if not one.name), key=str)]
        for module in sorted({one.module for one in group if one.name}, key=str.lower):
            members = [one for one in group if one.module == module and one.name]
            block += sorted(str(one) for one in members if one.bound != one.name)
            names = sorted((one.name for one in members if one.bound == one.name), key=_by_kind)
            block += [_wrapped(module, names)] if names else []
        lines += [*block, ""] if block else []
    return lines[:-1]


def _by_kind(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions: the order linters put imported names in."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name)


def _wrapped(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])


# whole files --------------------------------------------------------------------------------------------------------


def _modules_of(names: list[str], house: House) -> dict[str, Path]:
    """The modules that public names live in, with all that these import from the package, and where they are."""
    queue = [house.public[name][0] for name in names]
    found: dict[str, Path] = {}
    while queue:
        name = queue.pop()
        path = house.path(name)
        if name in found or path is None:
            continue
        found[name] = path.relative_to(house.folder)
        module = house.module(name)
        for node in _imports_from_here(module):
            if node not in module.for_types:
                queue += [_home(module, node, alias, house) for alias in node.names]
    return dict(sorted(found.items(), key=lambda item: (item[0] not in {house.public[n][0] for n in names}, item[0])))


def _imports_from_here(module: Module) -> list[ast.ImportFrom]:
    nodes = (node for top in module.body for node in ast.walk(top))
    return [node for node in nodes if isinstance(node, ast.ImportFrom) and from_here(node)]


def _home(module: Module, node: ast.ImportFrom, alias: ast.alias, house: House) -> str:
    """The module that defines what is imported."""
    source = module.full(node).removeprefix("mllayers").lstrip(".")
    key = house.resolve(source, alias.name) if source and house.path(source) else None
    if not isinstance(key, tuple):
        raise SnippetError(f"mllayers.{module.name} imports {alias.name} from {module.full(node)}, which stays here")
    return source if alias.name in house.module(source).definitions else key[0]


def _flat(module: str) -> str:
    """The name of a module's file outside the package."""
    return module.replace(".", "_") if module.count(".") > 1 else module.rpartition(".")[2]


def _relative(module: Module, house: House, taken: dict[str, Path]) -> str:
    """A module that imports its neighbours from the folder it stands in."""
    edits = Edits(module.source)
    for node in _imports_from_here(module):
        homes: dict[str, list[str]] = {}
        for alias in node.names:
            said = alias.name + (f" as {alias.asname}" if alias.asname else "")
            homes.setdefault(_home(module, node, alias, house), []).append(said)
        if all(home in taken for home in homes):
            indent = " " * node.col_offset
            lines = [f"from .{_flat(home)} import {', '.join(said)}" for home, said in sorted(homes.items())]
            edits.replace(edits.span(node), f"\n{indent}".join(lines))
    return edits.done() + "\n"
