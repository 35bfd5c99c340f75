"""Makes the function that reads one class at one version, from the parts of its layout."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, get_type_hints

from brokerage.tws.fields import (
    UNSET_DOUBLE,
    UNSET_DOUBLE_TEXT,
    UNSET_INTEGER,
    Reader,
    WireError,
    optional_float,
    optional_int,
    read_bool,
    read_float,
    read_int,
)
from brokerage.tws.generated import Source
from brokerage.tws.objects import assembled
from brokerage.tws.parts import Conditional, Literal, Part, Path, Repeat, Scalar

Read = Callable[[list[str], int], tuple[Any, int]]
ReadHead = Callable[[list[str], Any], Any]
MAX_REPEAT = 100_000  # a count above it is a lie

# What most fields hold, and what it means: a look-up is cheaper than a call.
COMMON: dict[Reader, tuple[tuple[str, ...], str]] = {
    read_bool: (("0", "", "false"), "False"),
    read_int: (("0", ""), "0"),
    read_float: (("0", "", "0.0"), "0.0"),
    optional_float: (("", UNSET_DOUBLE_TEXT, repr(UNSET_DOUBLE)), "None"),
    optional_int: (("", str(UNSET_INTEGER)), "None"),
}

_hints: dict[Any, dict[str, Any]] = {}


def get_hints(cls: Any) -> dict[str, Any]:
    """A class's field types, looked up once."""
    if cls not in _hints:
        _hints[cls] = get_type_hints(cls, include_extras=True)
    return _hints[cls]


def too_short() -> WireError:
    """The message has fewer fields than it must."""
    return WireError("the message ends too early")


def count_of(text: str) -> int:
    """How many repetitions follow; raises WireError."""
    count = read_int(text)
    if not 0 <= count <= MAX_REPEAT:
        raise WireError(f"{count} repetitions are not acceptable")
    return count


def reader(cls: Any, parts: tuple[Part, ...], version: int) -> Read:
    """A function from (fields, where to begin) to an object and where it ended."""
    return _Reader(cls, parts).compiled(f"read {cls.__name__} at {version}", version)


def head_reader(cls: Any, parts: tuple[Part, ...], version: int) -> ReadHead:
    """A function from fields, number first, and an object to one like it but for these parts.

    They must be literals and scalars.
    """
    return _HeadReader(cls, parts).compiled(f"read the head of {cls.__name__}", version)


class _Reader:
    """Keeps each value in a variable of its own; builds the objects at the end."""

    def __init__(self, cls: Any, parts: tuple[Part, ...]) -> None:
        self._cls, self._parts_of_all = cls, parts
        self._source = Source("def made(texts, at):")
        self._read: set[Path] = set()  # so far
        self._sometimes: set[Path] = set()  # only if an earlier value says so

    def compiled(self, title: str, version: int) -> Read:
        """The function."""
        self._version = version
        for path in _conditional(self._parts_of_all):
            self._sometimes.add(path)
            self._source.line(f"{_variable(path)} = {self._source.name(self._default(path))}")
        self._parts(self._parts_of_all)
        self._source.line(f"return {self._object((), self._cls)}, at")
        return self._source.compiled(title)

    def _default(self, path: Path) -> Any:
        owner = self._cls
        for name in path[:-1]:
            owner = get_hints(owner)[name]
        field = next(field for field in fields(owner) if field.name == path[-1])
        if field.default_factory is not MISSING:
            return field.default_factory()
        return field.default

    def _parts(self, parts: tuple[Part, ...]) -> None:
        """Straight rows of fields are taken together; everything else by itself."""
        row: list[Literal | Scalar] = []
        for part in parts:
            if isinstance(part, Literal | Scalar):
                row.append(part)
                continue
            self._row(row)
            row = []
            if isinstance(part, Repeat):
                self._repeat(part)
            elif isinstance(part, Conditional):
                self._conditional(part)
        self._row(row)

    def _row(self, row: list[Literal | Scalar]) -> None:
        if not row:
            return
        short = self._source.name(too_short)
        self._source.line(f"if len(texts) < at + {len(row)}: raise {short}()")
        for offset, part in enumerate(row):
            if isinstance(part, Scalar):
                value = self._value(part.reader, f"texts[at + {offset}]")
                self._source.line(f"{_variable(part.path)} = {value}")
                self._read.add(part.path)
        self._source.line(f"at += {len(row)}")

    def _value(self, read: Reader, text: str) -> str:
        if read is str:
            return text
        call = f"{self._source.name(read)}(text)"
        common = COMMON.get(read)
        if common is None:
            return f"{self._source.name(read)}({text})"
        spelled, value = common
        return f"{value} if (text := {text}) in {spelled} else {call}"

    def _repeat(self, part: Repeat) -> None:
        line, name = self._source.line, self._source.name
        line(f"if len(texts) <= at: raise {name(too_short)}()")
        line("items = []")
        line(f"count = {name(count_of)}(texts[at])")
        line("at += 1")
        line("for _ in range(count):")
        line(f"    item, at = {name(part.element.reader(self._version))}(texts, at)")
        line("    items.append(item)")
        line(f"{_variable(part.path)} = tuple(items)")
        self._read.add(part.path)

    def _conditional(self, part: Conditional) -> None:
        """What was not read counts as None; the default must not tell the test otherwise."""
        value = _variable(part.path) if part.path in self._read else "None"
        if part.path in self._sometimes:
            default = self._default(part.path)
            if bool(part.test(default)) is not bool(part.test(None)):
                raise ValueError(f"{'.'.join(part.path)} decides though it may not be there")
        self._source.line(f"if {self._source.name(part.test)}({value}):")
        self._source.deeper(1)
        self._source.line("pass")
        self._parts(part.parts)
        self._source.deeper(-1)

    def _object(self, prefix: Path, cls: Any) -> str:
        """The expression that builds an object: what has been read, and the rest."""
        start, arguments = self._rest(prefix, cls)
        nested: set[str] = set()
        for path in sorted(self._read):
            if path[: len(prefix)] != prefix:
                continue
            name, inner = path[len(prefix)], len(path) > len(prefix) + 1
            if not inner:
                arguments[name] = _variable(path)
            elif name not in nested:
                nested.add(name)
                arguments[name] = self._object((*prefix, name), get_hints(cls)[name])
        listed = ", ".join(f"{name!r}: {value}" for name, value in arguments.items())
        return f"{self._source.name(assembled)}({self._class(prefix, cls)}, {{{start}{listed}}})"

    def _class(self, prefix: Path, cls: Any) -> str:
        return self._source.name(cls)

    def _rest(self, prefix: Path, cls: Any) -> tuple[str, dict[str, str]]:
        """How the object's dictionary begins, and the default of each of its fields."""
        defaults = {one.name: self._default((*prefix, one.name)) for one in fields(cls)}
        return "", {name: self._source.name(value) for name, value in defaults.items()}


class _HeadReader(_Reader):
    """Takes the values that it does not read from another object."""

    def compiled(self, title: str, version: int) -> ReadHead:
        """The function."""
        self._source = Source("def made(texts, like):")
        self._source.line("at = 1")
        self._parts(self._parts_of_all)
        self._source.line(f"return {self._object((), self._cls)}")
        return self._source.compiled(title)

    def _class(self, prefix: Path, cls: Any) -> str:
        return f"{'.'.join(('like', *prefix))}.__class__"

    def _rest(self, prefix: Path, cls: Any) -> tuple[str, dict[str, str]]:
        return f"**vars({'.'.join(('like', *prefix))}), ", {}


def _variable(path: Path) -> str:
    return "_".join(("v", *path))


def _conditional(parts: tuple[Part, ...], *, inside: bool = False) -> list[Path]:
    """Paths that are read only if an earlier value says so, and nowhere else before."""
    found: list[Path] = []
    for part in parts:
        if isinstance(part, Conditional):
            found += _conditional(part.parts, inside=True)
        elif inside and isinstance(part, Scalar | Repeat):
            found.append(part.path)
    return found
