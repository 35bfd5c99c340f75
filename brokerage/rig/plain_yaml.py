"""Read YAML as its plain values, and know the line of each: for files that people write by hand.

Only `true` and `false` are booleans (a key `on` stays a text), numbers are decimal, and a key
that stands twice is an error.
"""

import re
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any, NamedTuple

import yaml

from brokerage.rig.errors import RefusedError

Path = tuple[str | int, ...]  # keys and indices from the top of the document
MOST_BYTES = 1_000_000
KINDS = {
    "null": r"(?:~|null)?",
    "bool": r"true|false",
    "int": r"[-+]?(?:0|[1-9][0-9_]*)",
    "float": r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?",
}


class Document(NamedTuple):
    """The values of a file, and the line (from 1) at which each begins."""

    values: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of a value, or of the innermost one around it that is known."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            alias: yaml.AliasEvent = self.peek_event()  # type: ignore[no-untyped-call]
            raise _problem("an alias has no place here; write the value out", alias)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _problem("a key must be a word", key)
            if key.value in keys:
                raise _problem(f"{key.value} stands here twice", key)
            keys.add(key.value)
        return super().construct_mapping(node, deep)


def _problem(what: str, where: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=what, problem_mark=where.start_mark)


for _name, _pattern in KINDS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(f"(?:{_pattern})$"), None
    )


def read(file: File) -> Document:
    """The one document of a file; raises RefusedError with the line of what is wrong."""
    try:
        return _document(_text(file))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or error
        at = f"{file}:{mark.line + 1}" if mark else f"{file}"
        raise RefusedError(f"{at}: {what}.") from None


def value(text: str) -> Any:
    """What a text would be as a value in a file; raises RefusedError."""
    try:
        return _document(text).values
    except (yaml.YAMLError, ValueError, RecursionError):
        raise RefusedError(f"{text!r} is no value; put it in quotes.") from None


def _document(text: str) -> Document:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(None, {})
        return Document(loader.construct_document(node), dict(_lines(node, ())))
    finally:
        loader.dispose()


def _text(file: File) -> str:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise RefusedError(f"{file} is larger than a megabyte; that is no script.")
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RefusedError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise RefusedError(f"{file} is not text in UTF-8; save it as that.") from None


def _lines(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, (*path, index))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*path, key.value))
            yield (*path, key.value), key.start_mark.line + 1
