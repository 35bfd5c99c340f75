"""Layouts: the order of a message's fields on the wire, written as words and compiled once.

A word is `name` (dotted into a nested object), `name*` (a count and so many), digits (a constant,
usually the message's own version) or `-` (a field nobody uses any more). A value that is not set is
the figure that stands for none, or nothing at all if the word is `name?`. `name>=164`, `name<177`
and `name=163` stand on the wire at those server versions only.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, NamedTuple, Protocol, get_args, get_type_hints

from brokerage.tws.fields import Reader, WireError, Writer, converter, or_nothing, read_int

MAX_REPEAT = 100_000  # a count above it is a lie
WORD = re.compile(r"(?P<body>[^<>=*?]+)(?P<mark>[*?]?)(?:(?P<op>>=|<|=)(?P<version>\d+))?")
Values = dict[str, Any]


class Cursor:
    """Walks through the fields of one received message."""

    def __init__(self, texts: list[str]) -> None:
        self._texts, self._at = texts, 0

    def take(self) -> str:
        """The next field; raises WireError at the end."""
        if self._at >= len(self._texts):
            raise WireError("the message ends too early")
        self._at += 1
        return self._texts[self._at - 1]

    @property
    def rest(self) -> int:
        """How many fields are left."""
        return len(self._texts) - self._at


class Part(Protocol):
    """A piece of a layout."""

    def write(self, source: Any, version: int, out: list[str]) -> None:
        """Append this piece's fields of `source`."""

    def read(self, cursor: Cursor, version: int, values: Values) -> None:
        """Take this piece's fields into `values`; raises WireError."""


class Path(NamedTuple):
    """Where a value lives: attribute names from the message down."""

    names: tuple[str, ...]

    def get(self, source: Any) -> Any:
        """The value in an object, or what has been read of it so far; None if it was absent."""
        for name in self.names:
            source = source.get(name) if isinstance(source, Mapping) else getattr(source, name)
        return source

    def set(self, values: Values, value: Any) -> None:
        """Keep the value in nested dictionaries."""
        for name in self.names[:-1]:
            values = values.setdefault(name, {})
        values[self.names[-1]] = value


class Literal(NamedTuple):
    """A constant field."""

    text: str

    def write(self, source: Any, version: int, out: list[str]) -> None:
        """Append the constant."""
        out.append(self.text)

    def read(self, cursor: Cursor, version: int, values: Values) -> None:
        """Skip whatever stands there."""
        cursor.take()


class Scalar(NamedTuple):
    """One value in one field."""

    path: Path
    writer: Writer
    reader: Reader

    def write(self, source: Any, version: int, out: list[str]) -> None:
        """Append the value's text."""
        out.append(self.writer(self.path.get(source), version))

    def read(self, cursor: Cursor, version: int, values: Values) -> None:
        """Take the value."""
        self.path.set(values, self.reader(cursor.take()))


class Repeat(NamedTuple):
    """A count and so many values or objects."""

    path: Path
    element: "Layout"

    def write(self, source: Any, version: int, out: list[str]) -> None:
        """Append the count and the elements."""
        items = self.path.get(source)
        out.append(str(len(items)))
        for item in items:
            self.element.write(item, version, out)

    def read(self, cursor: Cursor, version: int, values: Values) -> None:
        """Take the count and the elements."""
        count = read_int(cursor.take())
        if not 0 <= count <= MAX_REPEAT:
            raise WireError(f"{count} repetitions are not acceptable")
        items = tuple(self.element.read(cursor, version) for _ in range(count))
        self.path.set(values, items)


class Gated(NamedTuple):
    """A piece that exists at some server versions only."""

    part: Part
    applies: Callable[[int], bool]

    def write(self, source: Any, version: int, out: list[str]) -> None:
        """Append the piece if this version has it."""
        if self.applies(version):
            self.part.write(source, version, out)

    def read(self, cursor: Cursor, version: int, values: Values) -> None:
        """Take the piece if this version has it."""
        if self.applies(version):
            self.part.read(cursor, version, values)


class Conditional(NamedTuple):
    """Pieces that follow only when an earlier value says so."""

    test: Callable[[Any], bool]
    path: Path
    parts: tuple[Part, ...]

    def write(self, source: Any, version: int, out: list[str]) -> None:
        """Append the pieces if the value asks for them."""
        if self.test(self.path.get(source)):
            write_all(self.parts, source, version, out)

    def read(self, cursor: Cursor, version: int, values: Values) -> None:
        """Take the pieces if the value asked for them."""
        if self.test(self.path.get(values)):
            read_all(self.parts, cursor, version, values)


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


def write_all(parts: Iterable[Part], source: Any, version: int, out: list[str]) -> None:
    """Append every part's fields."""
    for part in parts:
        part.write(source, version, out)


def read_all(parts: Iterable[Part], cursor: Cursor, version: int, values: Values) -> None:
    """Take every part's fields."""
    for part in parts:
        part.read(cursor, version, values)


class Layout:
    """The compiled layout of one class."""

    def __init__(self, cls: Any, *items: Item) -> None:
        """Raises KeyError or AttributeError for words that the class does not have."""
        self.cls = cls
        self.parts = tuple(part for item in items for part in _compile(cls, item))

    def write(self, source: Any, version: int, out: list[str]) -> None:
        """Append the object's fields."""
        write_all(self.parts, source, version, out)

    def read(self, cursor: Cursor, version: int) -> Any:
        """Build the object from the next fields; raises WireError."""
        values: Values = {}
        read_all(self.parts, cursor, version, values)
        return build(self.cls, values)


class Plain(Layout):
    """The layout of an element that is a bare value."""

    def __init__(self, cls: Any) -> None:
        self.cls, self.parts = cls, ()
        self.writer, self.reader = converter(cls)

    def write(self, source: Any, version: int, out: list[str]) -> None:
        """Append the value's text."""
        out.append(self.writer(source, version))

    def read(self, cursor: Cursor, version: int) -> Any:
        """Take the value."""
        return self.reader(cursor.take())


def build(cls: Any, values: Values) -> Any:
    """An object of the class; nested dictionaries become its nested objects."""
    hints = get_hints(cls)
    return cls(
        **{
            name: build(hints[name], value) if isinstance(value, dict) else value
            for name, value in values.items()
        }
    )


_hints: dict[Any, dict[str, Any]] = {}


def get_hints(cls: Any) -> dict[str, Any]:
    """A class's field types, looked up once."""
    if cls not in _hints:
        _hints[cls] = get_type_hints(cls, include_extras=True)
    return _hints[cls]


def _compile(cls: Any, item: Item) -> list[Part]:
    if isinstance(item, When):
        parts = tuple(part for inner in item.items for part in _compile(cls, inner))
        return [Conditional(item.test, Path(tuple(item.name.split("."))), parts)]
    return [_word(cls, word) for word in item.split()]


def _word(cls: Any, word: str) -> Part:
    match = WORD.fullmatch(word)
    if match is None:
        raise ValueError(f"{word!r} is not a word of a layout")
    part = _ungated(cls, match["body"], match["mark"])
    return Gated(part, _gate(match["op"], int(match["version"]))) if match["op"] else part


def _gate(operator: str, bound: int) -> Callable[[int], bool]:
    tests: dict[str, Callable[[int], bool]] = {
        ">=": lambda version: version >= bound,
        "<": lambda version: version < bound,
        "=": lambda version: version == bound,
    }
    return tests[operator]


def _ungated(cls: Any, body: str, mark: str) -> Part:
    if body.isdigit() or body == "-":
        return Literal(body.strip("-"))
    names = tuple(body.split("."))
    hint = cls
    for name in names:
        hint = get_hints(hint)[name]
    if mark == "*":
        return Repeat(Path(names), element(get_args(hint)[0]))
    writer, reader = converter(hint)
    return Scalar(Path(names), or_nothing(writer) if mark else writer, reader)


def element(cls: Any) -> Layout:
    """The layout of a repeated element: its attribute `wire`, or all its fields as they stand."""
    if not is_dataclass(cls):
        return Plain(cls)
    return Layout(cls, *getattr(cls, "wire", [field.name for field in fields(cls)]))
