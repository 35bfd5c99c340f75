"""Layouts: the order of a message's fields on the wire, written as words and compiled once.

A word is `name` (dotted into a nested object), `name*` (a count and so many), digits (a constant,
usually the message's own version) or `-` (a field nobody uses any more). A value that is not set is
the figure that stands for none, or nothing at all if the word is `name?`. `name>=164`, `name<177`
and `name=163` stand on the wire at those server versions only.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_args

from brokerage.tws.fields import (
    FRACTIONS_SINCE,
    Size,
    converter,
    or_nothing,
    read_whole_size,
    write_whole_size,
)
from brokerage.tws.parts import Conditional, Gated, Literal, Part, Path, Repeat, Scalar, at_version
from brokerage.tws.reading import Read, get_hints, reader, too_short
from brokerage.tws.writing import Write, clean, writer

WORD = re.compile(r"(?P<body>[^<>=*?]+)(?P<mark>[*?]?)(?:(?P<op>>=|<|=)(?P<version>\d+))?")


@dataclass(frozen=True)
class When:
    """Source form of a Conditional: `words` follow if `test` holds for the value at `name`."""

    name: str
    items: tuple["Item", ...]
    test: Callable[[Any], bool] = bool


Item = str | When


def when(name: str, *items: Item, test: Callable[[Any], bool] = bool) -> When:
    """`items` stand on the wire only if the value of `name`, which comes earlier, passes `test`."""
    return When(name, items, test)


def scope(prefix: str, *items: Item) -> tuple[Item, ...]:
    """The same items as fields of the nested object `prefix`."""
    return tuple(_prefixed(prefix, item) for item in items)


def _prefixed(prefix: str, item: Item) -> Item:
    if isinstance(item, When):
        return When(f"{prefix}.{item.name}", scope(prefix, *item.items), item.test)
    return " ".join(
        word if word[0] in "-0123456789" else f"{prefix}.{word}" for word in item.split()
    )


class Layout:
    """The layout of one class, with a writer and a reader for each version that was asked for."""

    def __init__(self, cls: Any, *items: Item) -> None:
        """Raises KeyError or AttributeError for words that the class does not have."""
        self.cls = cls
        self.parts = tuple(part for item in items for part in _compile(cls, item))
        self._writers: dict[int, Write] = {}
        self._readers: dict[int, Read] = {}

    def writer(self, version: int) -> Write:
        """The function that writes an object's fields, each with its NUL, as one text."""
        if version not in self._writers:
            parts = at_version(self.parts, version)
            self._writers[version] = writer(parts, version, self.cls.__name__)
        return self._writers[version]

    def reader(self, version: int) -> Read:
        """The function that reads an object: from the fields and where to begin to the object and
        where it ends. It raises WireError."""
        if version not in self._readers:
            self._readers[version] = reader(self.cls, at_version(self.parts, version), version)
        return self._readers[version]


class Plain(Layout):
    """The layout of an element that is a bare value."""

    def __init__(self, cls: Any) -> None:
        super().__init__(cls)
        self._write, self._read = converter(cls)

    def writer(self, version: int) -> Write:
        """The value's text."""
        write = self._write
        return lambda value: clean(write(value, version)) + "\0"

    def reader(self, version: int) -> Read:
        """The value."""
        read = self._read

        def plain(texts: list[str], at: int) -> tuple[Any, int]:
            if at >= len(texts):
                raise too_short()
            return read(texts[at]), at + 1

        return plain


def _compile(cls: Any, item: Item) -> list[Part]:
    if isinstance(item, When):
        parts = tuple(part for inner in item.items for part in _compile(cls, inner))
        return [Conditional(item.test, tuple(item.name.split(".")), parts)]
    return [part for word in item.split() for part in _word(cls, word)]


def _word(cls: Any, word: str) -> list[Part]:
    match = WORD.fullmatch(word)
    if match is None:
        raise ValueError(f"{word!r} is not a word of a layout")
    parts = _ungated(cls, match["body"], match["mark"])
    if not match["op"]:
        return parts
    applies = _gate(match["op"], int(match["version"]))
    return [Gated(part, applies) for part in parts]


def _gate(operator: str, bound: int) -> Callable[[int], bool]:
    tests: dict[str, Callable[[int], bool]] = {
        ">=": lambda version: version >= bound,
        "<": lambda version: version < bound,
        "=": lambda version: version == bound,
    }
    return tests[operator]


def _ungated(cls: Any, body: str, mark: str) -> list[Part]:
    if body.isdigit() or body == "-":
        return [Literal(body.strip("-"))]
    names = tuple(body.split("."))
    hint = cls
    for name in names:
        hint = get_hints(hint)[name]
    if mark == "*":
        return [Repeat(names, element(get_args(hint)[0]))]
    if hint == Size:
        return _size(names)
    writer, reader = converter(hint)
    return [Scalar(names, or_nothing(writer) if mark else writer, reader)]


def _size(names: Path) -> list[Part]:
    """A size of the market, which clients of old read as a whole number."""
    whole = Scalar(names, write_whole_size, read_whole_size)
    return [
        Gated(whole, _gate("<", FRACTIONS_SINCE)),
        Gated(Scalar(names, *converter(Size)), _gate(">=", FRACTIONS_SINCE)),
    ]


def element(cls: Any) -> Layout:
    """The layout of a repeated element: its attribute `wire`, or all its fields as they stand."""
    if not is_dataclass(cls):
        return Plain(cls)
    return Layout(cls, *getattr(cls, "wire", [field.name for field in fields(cls)]))
