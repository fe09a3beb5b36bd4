"""Functions without their checks: the formula, for whoever wants the twelve lines.

What goes: calls of the checks in ``_check``, ``if …: raise`` and what was computed for it, types, docstrings after
their first line, and how a result prints itself. What stays: everything that changes a number. Conversions (times,
keys, whole frames of another library) are no checks: they stay as they are.
"""

from __future__ import annotations

import ast
import copy
import textwrap

from mllayers.course.reading import FUNCTIONS, Edits, House, Key, from_here

_ARRAY = "np.asarray({0}, dtype=float)"
# What a check hands on where its input is sound: {0} is the first argument, {1} the second.
PLAIN = {
    "as_numbers": _ARRAY,
    "as_probabilities": _ARRAY,
    "as_binary": _ARRAY,
    "per_case": _ARRAY,
    "as_propensities": "np.broadcast_to(np.asarray({0}, dtype=float), {1})",
    "as_thresholds": "np.atleast_1d(np.asarray({0}, dtype=float))",
    "as_number": "{0}",
    "as_integer": "{0}",
    "as_flag": "{0}",
    "as_text": "{0}",
    "one_of": "{0}",
    "as_frame": "{0}",
}
_SIZE = "same_cases"
_WIDTH = 120
_PRINTS = {"_line", "frame", "to_dict", "_repr_html_", "__repr__", "__str__", "__eq__", "__hash__"}


class Bare:
    """The definitions of a house without their checks."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._texts: dict[Key, str] = {}
        self._asked: set[Key] = set()

    def text(self, key: Key) -> str:
        """The statement that defines something, without checks."""
        if key not in self._texts:
            module = self.house.module(key[0])
            text = module.text(self.house.definition(key))
            text = self._without_checks(key[0], self._without_words(key[0], text))
            while (less := self._without_leftovers(self._without_refusals(key[0], text))) != text:
                text = less
            self._texts[key] = text
        return self._texts[key]

    def _target(self, module: str, node: ast.expr) -> Key | None:
        """The definition that a called name stands for."""
        if not isinstance(node, ast.Name):
            return None
        found = self.house.resolve(module, node.id)
        return found if isinstance(found, tuple) else None

    def _is_check(self, module: str, node: ast.AST) -> str:
        """The name of the check that is called, or nothing."""
        key = self._target(module, node.func) if isinstance(node, ast.Call) else None
        return key[1] if key is not None and key[0] == "_check" and key[1] in (*PLAIN, _SIZE) else ""

    def _only_checks(self, module: str, node: ast.Expr) -> bool:
        """Whether a statement only calls a helper that hands nothing on and changes nothing: it can but refuse."""
        key = self._target(module, node.value.func) if isinstance(node.value, ast.Call) else None
        tree = self.house.definition(key) if key is not None else None
        if not isinstance(tree, FUNCTIONS):
            return False
        inside = list(ast.walk(tree))
        hands_on = any(
            isinstance(n, ast.Return) and n.value is not None and ast.unparse(n.value) != "None" for n in inside
        )
        stores = any(isinstance(n, (ast.Attribute, ast.Subscript)) and not isinstance(n.ctx, ast.Load) for n in inside)
        calls = any(
            isinstance(n, ast.Expr) and isinstance(n.value, ast.Call) and isinstance(n.value.func, ast.Attribute)
            for n in inside
        )
        yields = any(isinstance(n, (ast.Yield, ast.YieldFrom, ast.Await, ast.Global, ast.Nonlocal)) for n in inside)
        return not (hands_on or stores or calls or yields)

    def _without_words(self, module: str, text: str) -> str:
        """One line of docstring, no types on functions, results that only hold what they hold."""
        tree = ast.parse(text).body[0]
        edits = Edits(text)
        for node in ast.walk(tree):
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and ast.get_docstring(node):
                line = (ast.get_docstring(node) or "").strip().split("\n")[0].replace("\\", "\\\\")
                edits.replace(edits.span(node.body[0]), f'"""{line}"""')
            if isinstance(node, ast.ClassDef) and any(self._is_result(module, base) for base in node.bases):
                self._plain_result(node, edits)
            if isinstance(node, FUNCTIONS):
                _without_types(node, edits)
                for inner in ast.walk(node):
                    if isinstance(inner, ast.AnnAssign) and inner.value is not None and inner.simple:
                        edits.replace(
                            (edits.span(inner)[0], edits.span(inner.annotation)[1]), ast.unparse(inner.target)
                        )
        return edits.done()

    def _is_result(self, module: str, base: ast.expr) -> bool:
        return self._target(module, base) == ("_results", "Result")

    def _plain_result(self, node: ast.ClassDef, edits: Edits) -> None:
        raw = edits.text.encode()
        start = edits.span(node)[0]
        edits.replace((start, raw.index(b":", edits.span(node.bases[-1])[1]) + 1), f"class {node.name}:")
        for inner in node.body:
            if isinstance(inner, FUNCTIONS) and inner.name in _PRINTS:
                _cut(inner, edits)
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call):
                edits.replace(edits.span(decorator), "dataclass(frozen=True, eq=False)")

    def _without_checks(self, module: str, text: str) -> str:
        """Checks become what they hand on; from the innermost outwards, one round each."""
        while True:
            tree = ast.parse(text).body[0]
            edits = Edits(text)
            calls = [node for node in ast.walk(tree) if self._is_check(module, node)]
            calls = [node for node in calls if not any(self._is_check(module, n) for n in _inside(node))]
            for node in calls:
                assert isinstance(node, ast.Call)
                edits.replace(edits.span(node), self._handed_on(module, node, edits))
            if not calls:
                return text
            text = edits.done()

    def _handed_on(self, module: str, node: ast.Call, edits: Edits) -> str:
        name = self._is_check(module, node)
        if name == _SIZE:
            columns = [(word.arg, edits.segment(word.value)) for word in node.keywords]
            return f"max(map(np.size, [{', '.join(x if arg else f'*{x}.values()' for arg, x in columns)}]))"
        return PLAIN[name].format(*(edits.segment(argument) for argument in node.args))

    def _without_refusals(self, module: str, text: str) -> str:
        """Without what only raises, and without statements that do nothing any more."""
        while True:
            tree = ast.parse(text).body[0]
            edits = Edits(text)
            gone = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and self._goes(module, node)]
            if not gone:
                return text
            for body in _bodies(tree):
                left = [node for node in body if node not in gone]
                for n, node in enumerate(body):
                    if node in gone:
                        _cut(node, edits, "" if left or n else "pass")
            text = edits.done()

    def _goes(self, module: str, node: ast.stmt) -> bool:
        if isinstance(node, ast.If):
            leaves = any(isinstance(inner, (ast.Return, ast.Yield)) for inner in ast.walk(node))
            idle = all(isinstance(inner, ast.Pass) for inner in node.body)
            return not node.orelse and (idle or (isinstance(node.body[-1], ast.Raise) and not leaves))
        if isinstance(node, (ast.For, ast.With)):
            return all(isinstance(inner, ast.Pass) for inner in node.body) and not getattr(node, "orelse", [])
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            return ast.unparse(target) == ast.unparse(node.value)
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
            said = ast.unparse(node.value)
            return said.startswith(("np.asarray(", "max(map(np.size", "np.broadcast_to(", "warnings.warn(")) or (
                isinstance(node.value, ast.Name) or self._only_checks(module, node)
            )
        return isinstance(node, ast.Assert)

    def _without_leftovers(self, text: str) -> str:
        """Without names that nobody reads any more."""
        while True:
            tree = ast.parse(text).body[0]
            edits = Edits(text)
            functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
            gone = []
            for function in functions:
                read = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
                for body in _bodies(function):
                    for node in body:
                        if _binds_unread(node, read):
                            gone.append((node, "pass" * (len(body) == 1)))
                        elif isinstance(node, ast.Assign) and (less := _read_parts(node, read)):
                            gone.append((node, less))
            for node, instead in gone:
                _cut(node, edits, instead)
            if not gone:
                return text
            text = edits.done()


def _binds_unread(node: ast.stmt, read: set[str]) -> bool:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        here = isinstance(node, ast.ImportFrom) and from_here(node)
        return not here and not any((a.asname or a.name.partition(".")[0]) in read for a in node.names)
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    leaves = [leaf for target in targets for leaf in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return all(isinstance(leaf, ast.Name) and leaf.id not in read for leaf in leaves)


def _read_parts(node: ast.Assign, read: set[str]) -> str:
    """``a, b = 1, 2`` without the part that nobody reads; nothing where both are read."""
    target, value = node.targets[0], node.value
    if not (isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts)):
        return ""
    pairs = list(zip(target.elts, value.elts, strict=True))
    kept = [(one, two) for one, two in pairs if not (isinstance(one, ast.Name) and one.id not in read)]
    if len(kept) == len(pairs) or any(isinstance(part, ast.Starred) for part in (*target.elts, *value.elts)):
        return ""
    return f"{', '.join(ast.unparse(one) for one, _ in kept)} = {', '.join(ast.unparse(two) for _, two in kept)}"


def _without_types(node: ast.FunctionDef | ast.AsyncFunctionDef, edits: Edits) -> None:
    """The arguments alone, on one line where they fit, else on lines of their own."""
    start, raw = edits.span(node)[0], edits.text.encode()
    begin = raw.index(b"(", start) + 1
    end = raw.rindex(b":", 0, edits.span(node.body[0])[0])
    arguments = copy.deepcopy(node.args)
    for leaf in ast.walk(arguments):
        if isinstance(leaf, ast.arg):
            leaf.annotation = None
    said = ast.unparse(arguments)
    indent = " " * node.col_offset
    if len(indent) + begin - start + len(said) + 2 > _WIDTH:
        inner = f"{indent}    "
        lines = textwrap.wrap(said, _WIDTH, initial_indent=inner, subsequent_indent=inner, break_long_words=False)
        said = "\n".join(["", *lines, indent])
    edits.replace((begin, end), f"{said})")


def _inside(node: ast.AST) -> list[ast.AST]:
    return [inner for inner in ast.walk(node) if inner is not node]


def _bodies(tree: ast.AST) -> list[list[ast.stmt]]:
    """Every list of statements in a statement."""
    found = []
    for node in ast.walk(tree):
        for part in ("body", "orelse", "finalbody"):
            body = getattr(node, part, None)
            if isinstance(body, list) and body:
                found.append(body)
    return found


def _cut(node: ast.stmt, edits: Edits, instead: str = "") -> None:
    start, end = edits.whole_lines(node)
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    start = min(start, start if first == node.lineno else edits.line_start(first))
    edits.replace((start, end), f"{' ' * node.col_offset}{instead}\n" if instead else "")
