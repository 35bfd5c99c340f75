"""What layouts are made of: the kinds of pieces, in the order in which they stand on the wire."""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from brokerage.tws.fields import Reader, Writer

if TYPE_CHECKING:
    from brokerage.tws.layout import Layout

Path = tuple[str, ...]  # attribute names from the message down to a value


class Literal(NamedTuple):
    """A constant field; whatever stands there is skipped when reading."""

    text: str


class Scalar(NamedTuple):
    """One value in one field."""

    path: Path
    writer: Writer
    reader: Reader


class Repeat(NamedTuple):
    """A count and so many values or objects."""

    path: Path
    element: "Layout"


class Gated(NamedTuple):
    """A piece that exists at some server versions only."""

    part: "Part"
    applies: Callable[[int], bool]


class Conditional(NamedTuple):
    """Pieces that follow only when an earlier value says so."""

    test: Callable[[Any], bool]
    path: Path
    parts: "tuple[Part, ...]"


class Group(NamedTuple):
    """Pieces of one nested object, whose text is remembered: see `Remembered`."""

    path: Path  # of the object; those of the pieces begin there
    parts: "tuple[Part, ...]"
    terms: frozenset[str]  # in which objects may differ that are alike


Part = Literal | Scalar | Repeat | Gated | Conditional | Group


TELLING = frozenset({"quantity", "limit_price"})
LONG = 10  # pieces; a shorter row is as quickly written as looked up


def grouped(parts: tuple[Part, ...], terms: Mapping[Path, frozenset[str]]) -> tuple[Part, ...]:
    """The same with each long row of pieces of an object with terms (by its path) as a group.

    A row that holds what every order is told by, such as its price, is left as it is.
    """
    found: list[Part] = []
    for owner, row in groupby(parts, _owner):
        members = tuple(row)
        if owner in terms and len(members) >= LONG and not _telling(members):
            found.append(Group(owner, tuple(map(_below, members)), terms[owner]))
        else:
            found += members
    return tuple(found)


def _telling(parts: Iterable[Part]) -> bool:
    return any(isinstance(part, Scalar) and part.path[-1] in TELLING for part in parts)


def _owner(part: Part) -> Path:
    return part.path[:-1] if isinstance(part, Scalar | Repeat | Conditional) else ()


def _below(part: Part) -> Part:
    """The piece as its owner sees it."""
    if isinstance(part, Conditional):
        return part._replace(path=part.path[1:], parts=tuple(map(_below, part.parts)))
    return part._replace(path=part.path[1:]) if isinstance(part, Scalar | Repeat) else part


def at_version(parts: tuple[Part, ...], version: int) -> tuple[Part, ...]:
    """The pieces of one server version, none of them gated any more."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, Gated):
            found += at_version((part.part,), version) if part.applies(version) else ()
        elif isinstance(part, Conditional):
            found.append(part._replace(parts=at_version(part.parts, version)))
        else:
            found.append(part)
    return tuple(found)
