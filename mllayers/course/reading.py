"""The layers, read and not run: which module binds which name, and which names a statement uses."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LAYERS = ("data", "prediction", "decision", "action", "feedback")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Key = tuple[str, str]  # the module that defines something, below mllayers, and its name there


class SnippetError(LookupError):
    """A name that cannot be lifted out, and why."""


@dataclass(frozen=True)
class Import:
    """``from module import name as bound``, or ``import module as bound`` where ``name`` is empty."""

    module: str
    name: str
    bound: str

    def __str__(self) -> str:
        if not self.name:
            return f"import {self.module}" + f" as {self.bound}" * (self.bound != self.module.partition(".")[0])
        return f"from {self.module} import {self.name}" + f" as {self.bound}" * (self.bound != self.name)

    @property
    def inside(self) -> str:
        """The module below mllayers that it takes from; empty for other packages."""
        return self.module.removeprefix("mllayers.") if self.module.startswith("mllayers.") else ""


@dataclass(frozen=True)
class Module:
    """The top level of one module: what binds which name."""

    name: str
    source: str
    is_package: bool = False

    @cached_property
    def body(self) -> list[ast.stmt]:
        """The top-level statements."""
        return ast.parse(self.source).body

    @cached_property
    def for_types(self) -> list[ast.stmt]:
        """The statements that only type checkers run."""
        guarded = [node for node in self.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
        return [inner for node in guarded for inner in node.body]

    @cached_property
    def definitions(self) -> dict[str, ast.stmt]:
        """The statement that binds each name of the module's own."""
        found: dict[str, ast.stmt] = {}
        for node in [*self.body, *self.for_types]:
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                found[node.name] = node
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                bound = (leaf for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name))
                found.update((leaf.id, node) for leaf in bound)
        return found

    @cached_property
    def imports(self) -> dict[str, Import]:
        """What each imported name stands for when the code runs."""
        return {one.bound: one for one in self._imported(self.body)}

    @cached_property
    def type_imports(self) -> dict[str, Import]:
        """What each name stands for that is imported for type checkers only."""
        return {one.bound: one for one in self._imported(self.for_types)}

    def _imported(self, body: list[ast.stmt]) -> Iterator[Import]:
        for node in body:
            if isinstance(node, ast.Import):
                yield from (Import(a.name, "", a.asname or a.name.partition(".")[0]) for a in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (Import(self.full(node), a.name, a.asname or a.name) for a in node.names)

    def full(self, node: ast.ImportFrom) -> str:
        """The module an import takes from, with its full name."""
        if not node.level:
            return node.module or ""
        parts = ["mllayers", *self.name.split(".")]
        above = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*above, *([node.module] if node.module else [])])

    @cached_property
    def listed(self) -> list[str] | None:
        """What ``__all__`` lists; None without it."""
        node = self.definitions.get("__all__")
        return list(ast.literal_eval(node.value)) if isinstance(node, ast.Assign) else None

    @cached_property
    def loose(self) -> set[str]:
        """Names that statements change which define nothing: what they do cannot be lifted out."""
        plain = (*FUNCTIONS, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom)
        other = [node for node in self.body if not isinstance(node, plain) and not _is_text(node)]
        other = [node for node in other if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")]
        return {leaf.id for node in other for leaf in ast.walk(node) if isinstance(leaf, ast.Name)}

    def text(self, node: ast.stmt) -> str:
        """The lines of a statement, with its decorators and the comment that stands directly above it."""
        lines = self.source.splitlines()
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        while first and lines[first - 1].startswith("#"):
            first -= 1
        return "\n".join(lines[first : node.end_lineno])


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


class House:
    """All modules that can leave the package: the layers, and the rooms whose names begin with an underscore."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._modules: dict[str, Module] = {}

    def module(self, name: str) -> Module:
        """A module, read once."""
        if name not in self._modules:
            path = self.path(name)
            if path is None:
                raise SnippetError(f"there is no module mllayers.{name}")
            source = path.read_text(encoding="utf-8")
            self._modules[name] = Module(name, source, path.name == "__init__.py")
        return self._modules[name]

    def path(self, name: str) -> Path | None:
        """The file of a module."""
        below = self.folder.joinpath(*name.split("."))
        for path in (below / "__init__.py", below.with_name(f"{below.name}.py")):
            if path.is_file():
                return path
        return None

    @cached_property
    def modules(self) -> list[str]:
        """The names of all modules that may be needed: rooms first."""
        rooms = [path.stem for path in self.folder.glob("_[!_]*.py")]
        layers = [layer for layer in LAYERS if self.path(layer)]
        parts = [
            f"{layer}.{p.stem}" for layer in layers for p in self.folder.glob(f"{layer}/*.py") if p.stem[:2] != "__"
        ]
        return [*sorted(rooms), *sorted(parts), *layers]

    def resolve(self, module: str, name: str) -> Key | Import | None:
        """What a name of a module stands for: a definition, something imported from elsewhere, or nothing known."""
        home = self.module(module)
        if name in home.definitions:
            return self.same.get((module, name), (module, name))
        one = home.imports.get(name) or home.type_imports.get(name)
        if one is None or one.module.partition(".")[0] != "mllayers":
            return one
        if not one.inside or not one.name or self.path(f"{one.inside}.{one.name}"):
            raise SnippetError(f"mllayers.{module}: import {name} by name (from mllayers._check import …)")
        return self.resolve(one.inside, one.name)

    @cached_property
    def same(self) -> dict[Key, Key]:
        """Plain assignments that say the same in several modules (types, mostly), and the one that stands for all."""
        first: dict[str, Key] = {}
        found: dict[Key, Key] = {}
        for module in self.modules:
            for name, node in self.module(module).definitions.items():
                if isinstance(node, (ast.Assign, ast.AnnAssign)) and not name.startswith("__"):
                    used = {leaf.id for leaf in ast.walk(node) if isinstance(leaf, ast.Name)} - {name}
                    if not used & set(self.module(module).definitions):
                        known = {word: self.module(module).imports.get(word) for word in used}
                        said = f"{ast.unparse(node)} {sorted(known.items(), key=str)}"
                        found[module, name] = first.setdefault(said, (module, name))
        return found

    @cached_property
    def public(self) -> dict[str, Key]:
        """Every function and class that the layers offer, as ``layer.name``, and where it is defined."""
        found = {}
        for layer in LAYERS:
            if self.path(layer) is None:
                continue
            home = self.module(layer)
            own = [name for name in home.definitions if not name.startswith("_")]
            for name in own if home.listed is None else home.listed:
                key = self.resolve(layer, name)
                if isinstance(key, tuple) and isinstance(self.definition(key), (*FUNCTIONS, ast.ClassDef)):
                    found[f"{layer}.{name}"] = key
        return found

    def definition(self, key: Key) -> ast.stmt:
        """The statement that defines it."""
        return self.module(key[0]).definitions[key[1]]

    @cached_property
    def printed(self) -> dict[Key, str]:
        """The name under which each definition is printed: public ones as they are, all others with an underscore.

        The name is the same in every snippet, and no two definitions share one: so snippets may stand in one file.
        """
        public = set(self.public.values())
        wanted: dict[str, list[Key]] = defaultdict(list)
        for module in self.modules:
            for name in self.module(module).definitions:
                key = self.same.get((module, name), (module, name))
                text = name if key in public or name.startswith("_") else f"_{name}"
                if not name.startswith("__") and key not in wanted[text]:
                    wanted[text].append(key)
        found = {}
        for text, keys in wanted.items():
            for key in keys:
                alone = len(keys) == 1 or key in public
                found[key] = text if alone else f"_{key[0].rpartition('.')[2].strip('_')}_{key[1].strip('_')}"
        twice = [
            text for text, often in Counter(t for key, t in found.items() if key not in public).items() if often > 1
        ]
        if twice:
            raise SnippetError(f"two definitions would be printed as {twice[0]}; rename one of them")
        return found


@dataclass(frozen=True)
class Use:
    """A name of the top level that a statement uses."""

    node: ast.Name
    is_type: bool  # in an annotation
    at_once: bool  # when the statement runs, not when a function in it is called
    text: ast.JoinedStr | None  # the f-string it stands in


def uses(tree: ast.stmt) -> list[Use]:
    """The names that a top-level statement takes from the top level of its module, and from Python itself."""
    finder = _Finder()
    finder.visit(tree)
    return finder.found


class _Finder(ast.NodeVisitor):
    """Follows the scopes of Python: functions, lambdas, comprehensions, class bodies."""

    def __init__(self) -> None:
        self.found: list[Use] = []
        self._scopes: list[tuple[set[str], bool]] = []  # the names of a scope, and whether it is a class body
        self._is_type = False
        self._text: ast.JoinedStr | None = None

    def visit_Name(self, node: ast.Name) -> None:
        inner = len(self._scopes) - 1
        if not any(
            node.id in names and (not of_class or n == inner) for n, (names, of_class) in enumerate(self._scopes)
        ):
            at_once = all(of_class for _, of_class in self._scopes)
            self.found.append(Use(node, self._is_type, at_once, self._text))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        outer, self._text = self._text, self._text or node
        self.generic_visit(node)
        self._text = outer

    def _types(self, *annotations: ast.expr | None) -> None:
        outer, self._is_type = self._is_type, True
        for annotation in annotations:
            if annotation is not None:
                self.visit(annotation)
        self._is_type = outer

    def _within(self, names: set[str], nodes: list[ast.AST], *, of_class: bool = False) -> None:
        self._scopes.append((names, of_class))
        for node in nodes:
            self.visit(node)
        self._scopes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        a = node.args
        args = [
            *a.posonlyargs,
            *a.args,
            *a.kwonlyargs,
            *([a.vararg] if a.vararg else []),
            *([a.kwarg] if a.kwarg else []),
        ]
        for expression in [*node.decorator_list, *a.defaults, *(d for d in a.kw_defaults if d is not None)]:
            self.visit(expression)
        self._types(node.returns, *(arg.annotation for arg in args))
        self._within({arg.arg for arg in args} | stored(node.body), list(node.body))

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for expression in [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]:
            self.visit(expression)
        self._within({leaf.arg for leaf in ast.walk(node.args) if isinstance(leaf, ast.arg)}, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for expression in [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]:
            self.visit(expression)
        self._within(stored(node.body), list(node.body), of_class=True)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._types(node.annotation)
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self.visit(node.generators[0].iter)
        targets = [leaf.id for one in node.generators for leaf in ast.walk(one.target) if isinstance(leaf, ast.Name)]
        rest: list[ast.AST] = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        rest += [part for n, one in enumerate(node.generators) for part in ([one.iter] if n else []) + one.ifs]
        self._within(set(targets), rest)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension


def stored(body: list[ast.stmt]) -> set[str]:
    """The names that a scope binds itself; what it imports from this package does not count."""
    names: set[str] = set()
    elsewhere: set[str] = set()
    queue: list[ast.AST] = list(body)
    while queue:
        node = queue.pop()
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            names.add(node.name)
            queue += node.decorator_list
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            walrus = (leaf.target.id for leaf in ast.walk(node) if isinstance(leaf, ast.NamedExpr))
            names.update(walrus)
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not from_here(node)):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            elsewhere |= set(node.names)
        queue += ast.iter_child_nodes(node)
    return names - elsewhere


def from_here(node: ast.ImportFrom) -> bool:
    """Whether it imports from this package."""
    return node.level > 0 or (node.module or "").partition(".")[0] == "mllayers"


def is_builtin(name: str) -> bool:
    """Whether Python itself knows the name."""
    return hasattr(builtins, name) or (name.startswith("__") and name.endswith("__"))


class Edits:
    """Replacements in a text, made from its end to its beginning."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = [0]
        for line in text.encode().split(b"\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._edits: dict[tuple[int, int], str] = {}

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node of the text's tree stands, in bytes."""
        start = self._lines[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return start, self._lines[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def segment(self, node: ast.AST) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text.encode()[start:end].decode()

    def replace(self, span: tuple[int, int], new: str) -> None:
        """Put something else there; a larger replacement wins over those inside it."""
        self._edits[span] = new

    def line_start(self, line: int) -> int:
        """Where a line begins, counted from 1."""
        return self._lines[line - 1]

    def whole_lines(self, node: ast.stmt) -> tuple[int, int]:
        """Where the lines of a statement stand, with the comments directly above it."""
        lines = self.text.split("\n")
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        while first and lines[first - 1].strip().startswith("#"):
            first -= 1
        return self._lines[first], self._lines[last]

    def done(self) -> str:
        """The text with everything replaced."""
        raw = self.text.encode() + b"\n"
        spans = sorted(self._edits, key=lambda span: (span[0], -span[1]))
        outer: list[tuple[int, int]] = []
        for span in spans:
            if not outer or span[0] >= outer[-1][1]:
                outer.append(span)
        for start, end in reversed(outer):
            raw = raw[:start] + self._edits[start, end].encode() + raw[end:]
        return raw.decode().rstrip("\n")


def in_braces(text: str, names: dict[str, str]) -> str:
    """An f-string with names replaced where they are used, not where they are text."""
    pattern = re.compile(r"(?<![\w.])(" + "|".join(map(re.escape, names)) + r")\b(?!\s*=[^=])")
    out, depth, last = "", 0, 0
    for brace in re.finditer(r"\{\{|\}\}|\{|\}", text):
        if depth == 0 and len(brace.group()) == 2:
            continue
        part = text[last : brace.start()]
        out += (pattern.sub(lambda m: names[m.group(1)], part) if depth else part) + brace.group()
        last = brace.end()
        depth += brace.group().count("{") - brace.group().count("}")
    return out + text[last:]
