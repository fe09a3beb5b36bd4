"""Any public function of the layers, ready to paste: with its imports, its private helpers and a licence line.

The modules are read, not run. What a function needs follows from the names it uses, so two things are asked of a
layer: helpers are imported by name (``from mllayers._check import as_number``), and constants are plain assignments.
"""

from __future__ import annotations

import ast
import builtins
import symtable
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from mllayers import __version__

LAYERS = ("data", "prediction", "decision", "action", "feedback")
STAYS = {"action.act": "it writes to the ledger, so it only makes sense inside the package"}
PACKAGE = Path(__file__).parents[1]
_WIDTH = 120


class SnippetError(LookupError):
    """A name that cannot be lifted out, and why."""


def snippet(*names: str, folder: Path = PACKAGE) -> str:
    """The source of public functions or classes of the layers, complete and ready to paste.

    Parameters
    ----------
    *names : str
        ``"decision.best_tiers"``, or ``"best_tiers"`` where only one layer has it; several come out as one piece.
    folder : Path
        The package that holds the layers.

    Returns
    -------
    str
        One licence line, the imports that are used, the helpers, the functions.

    Raises
    ------
    SnippetError
        For an unknown name (near ones are listed), and for code that cannot leave the package.

    Examples
    --------
    >>> print(snippet("NotReadyToModel").splitlines()[0])
    # decision.NotReadyToModel from mllayers 0.1.0, MIT licence, Copyright (c) 2026 the mllayers authors
    """
    found = [_found(name, folder) for name in names]
    parts = _Parts(folder)
    for layer, name in found:
        parts.add(layer, name)
    told = ", ".join(f"{layer}.{name}" for layer, name in found)
    licence = f"# {told} from mllayers {__version__}, MIT licence, Copyright (c) 2026 the mllayers authors"
    text = "\n".join([licence, *parts.import_lines()])
    previous = None
    for node, source in parts.statements():
        plain = isinstance(node, (ast.Assign, ast.AnnAssign))
        after_plain = isinstance(previous, (ast.Assign, ast.AnnAssign))
        text += "\n" * (3 if not plain else 2 if previous is None else 1 if after_plain else 3) + source
        previous = node
    return text + "\n"


def public_names(folder: Path = PACKAGE) -> list[str]:
    """Every function and class that can be lifted out, as ``layer.name``."""
    layers = [layer for layer in LAYERS if (folder / f"{layer}.py").exists()]
    names = [f"{layer}.{name}" for layer in layers for name in _Module.read(folder, layer).public]
    return [name for name in names if name not in STAYS]


def _found(name: str, folder: Path) -> tuple[str, str]:
    known = public_names(folder)
    wanted = name.removeprefix("mllayers.")
    if wanted in STAYS or f"action.{wanted}" in STAYS:
        raise SnippetError(f"{name} stays in the package: {STAYS.get(wanted) or STAYS[f'action.{wanted}']}")
    fits = [full for full in known if wanted in (full, full.partition(".")[2])]
    if len(fits) > 1:
        raise SnippetError(f"{name} is in more than one layer; ask for {' or '.join(fits)}")
    if not fits:
        near = get_close_matches(wanted, [*known, *(full.partition(".")[2] for full in known)], n=3)
        told = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
        raise SnippetError(f"no layer has a public function or class {name!r}; {told}")
    layer, _, found = fits[0].partition(".")
    return layer, found


@dataclass(frozen=True)
class _Import:
    """``from module import name as bound``, or ``import module as bound`` where ``name`` is empty."""

    module: str
    name: str
    bound: str

    def __str__(self) -> str:
        if not self.name:
            return f"import {self.module}" + f" as {self.bound}" * (self.bound != self.module.partition(".")[0])
        return f"from {self.module} import {self.name}" + f" as {self.bound}" * (self.bound != self.name)


@dataclass(frozen=True)
class _Module:
    """The top level of one module: what binds which name."""

    name: str
    source: str

    @classmethod
    def read(cls, folder: Path, name: str) -> _Module:
        return cls(name, (folder / f"{name}.py").read_text(encoding="utf-8"))

    @cached_property
    def body(self) -> list[ast.stmt]:
        top = ast.parse(self.source).body
        guarded = [node for node in top if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
        return [*top, *(inner for node in guarded for inner in node.body)]

    @cached_property
    def definitions(self) -> dict[str, ast.stmt]:
        found: dict[str, ast.stmt] = {}
        for node in self.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found[node.name] = node
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                bound = (leaf for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name))
                found.update((leaf.id, node) for leaf in bound)
        return found

    @cached_property
    def imports(self) -> list[_Import]:
        found = []
        for node in self.body:
            if isinstance(node, ast.Import):
                found += [_Import(a.name, "", a.asname or a.name.partition(".")[0]) for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                if node.level:
                    module = f"mllayers.{module}".rstrip(".")
                found += [_Import(module, a.name, a.asname or a.name) for a in node.names]
        return found

    @cached_property
    def public(self) -> list[str]:
        """What ``__all__`` lists; without it, every function and class without a leading underscore."""
        kinds = (ast.FunctionDef, ast.ClassDef)
        names = [name for name, node in self.definitions.items() if isinstance(node, kinds)]
        listed = self.definitions.get("__all__")
        if isinstance(listed, ast.Assign):
            return [name for name in names if name in ast.literal_eval(listed.value)]
        return [name for name in names if not name.startswith("_")]

    def text(self, node: ast.stmt) -> str:
        """The lines of a statement, with its decorators and the comment that stands directly above it."""
        lines = self.source.splitlines()
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        while first and lines[first - 1].startswith("#"):
            first -= 1
        return "\n".join(lines[first : node.end_lineno])


@dataclass
class _Parts:
    """What a snippet is put together from."""

    folder: Path
    modules: dict[str, _Module] = field(default_factory=dict)
    needed: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: set[_Import] = field(default_factory=set)
    owner: dict[str, object] = field(default_factory=dict)

    def add(self, module_name: str, name: str) -> None:
        """Take what binds the name in the module, and all that this needs."""
        if module_name not in self.modules:
            self.modules[module_name] = _Module.read(self.folder, module_name)
        module = self.modules[module_name]
        if name in module.definitions:
            node = module.definitions[name]
            self._claim(name, (module_name, node.lineno))
            taken = self.needed.setdefault(module_name, [])
            if node not in taken:
                taken.append(node)
                self._may_leave(node, name)
                for used in sorted(_used_names(node)):
                    self.add(module_name, used)
            return
        bindings = [one for one in module.imports if one.bound == name]
        if not bindings and not hasattr(builtins, name) and not (name.startswith("__") and name.endswith("__")):
            raise SnippetError(f"mllayers.{module_name} uses {name}, which nothing at its top level defines")
        for one in bindings:
            house, _, inner = one.module.partition(".")
            if house != "mllayers":
                self._claim(name, one if one.name else one.bound)
                self.imports.add(one)
            elif inner and one.name == one.bound:
                self.add(inner, name)
            else:
                raise SnippetError(f"mllayers.{module_name}: import {name} by name (from mllayers._check import …)")

    def _claim(self, name: str, owner: object) -> None:
        if self.owner.setdefault(name, owner) != owner:
            raise SnippetError(f"two modules mean different things by {name}; rename one of them")

    def _may_leave(self, node: ast.stmt, name: str) -> None:
        for inner in ast.walk(node):
            modules = [inner.module or ""] if isinstance(inner, ast.ImportFrom) else []
            modules += [alias.name for alias in inner.names] if isinstance(inner, ast.Import) else []
            if any(module.partition(".")[0] == "mllayers" for module in modules):
                raise SnippetError(f"{name} imports mllayers inside its body; import what it needs by name at the top")

    def statements(self) -> Iterator[tuple[ast.stmt, str]]:
        """The statements in an order that runs: imported modules first, each in its own order."""
        for module_name in sorted(self.needed, key=lambda name: (name in LAYERS, name)):
            module = self.modules[module_name]
            for node in sorted(self.needed[module_name], key=lambda node: node.lineno):
                yield node, module.text(node)

    def import_lines(self) -> list[str]:
        """The imports, sorted and wrapped as a linter would."""
        future = any(one.module == "__future__" for module in self.modules.values() for one in module.imports)
        lines = ["from __future__ import annotations", ""] if future else []
        for standard in (True, False):
            group = [
                one for one in self.imports if (one.module.partition(".")[0] in sys.stdlib_module_names) == standard
            ]
            plain = sorted((one for one in group if not one.name), key=str)
            block = [str(one) for one in plain]
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


def _used_names(node: ast.stmt) -> set[str]:
    """The names of the module's top level, and the built-in ones, that a statement uses."""
    bare = _Annotations()
    code = ast.unparse(bare.visit(ast.parse(ast.unparse(node))))
    annotated = {leaf.id for note in bare.found for leaf in ast.walk(note) if isinstance(leaf, ast.Name)}
    return annotated | set(_global_names(symtable.symtable(code, "snippet", "exec")))


class _Annotations(ast.NodeTransformer):
    """Takes the annotations out of code and keeps them."""

    def __init__(self) -> None:
        self.found: list[ast.expr] = []

    def _keep(self, annotation: ast.expr | None) -> None:
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        if annotation is not None:
            self.found.append(annotation)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        self._keep(node.annotation)
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self._keep(node.returns)
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self._keep(node.annotation)
        node.annotation = ast.Constant(0)
        return self.generic_visit(node)


def _global_names(table: symtable.SymbolTable) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (symbol.is_global() or table.get_type() == "module"):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _global_names(inner)
