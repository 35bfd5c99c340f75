"""Find calls in source text that would begin to stream data."""

import ast
from collections.abc import Iterator

STREAMS = frozenset(
    {"reqMktData", "reqTickByTickData", "reqRealTimeBars", "reqMktDepth", "reqHistoricalData"}
)
KEEPS_UP = "keepUpToDate"


def streaming_calls(source: str) -> list[tuple[str, int, str]]:
    """Return (function, line, call) of each call that streams; snapshots and plain bars do not.

    The function is named with its class; a call at module level has an empty name. Raises
    SyntaxError for a text that names such a call and can't be read.
    """
    if not any(name in source for name in STREAMS):
        return []  # parsing the whole product would hold everything else up for a second
    return [
        (scope, call.lineno, _name(call))
        for scope, call in _calls(ast.parse(source), "")
        if _streams(call)
    ]


def _calls(node: ast.AST, scope: str) -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield scope, child
        inner = scope
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{scope}.{child.name}".lstrip(".")
        yield from _calls(child, inner)


def _name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _streams(call: ast.Call) -> bool:
    name = _name(call).removesuffix("Async")
    if name not in STREAMS:
        return False
    if name == "reqMktData":
        return not any(_is_true(value) for value in _values(call))
    if name == "reqHistoricalData":
        kept = [word.value for word in call.keywords if word.arg == KEEPS_UP]
        return any(not _is_false(value) for value in kept)
    return True


def _values(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (word.value for word in call.keywords if word.arg == "snapshot")


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
