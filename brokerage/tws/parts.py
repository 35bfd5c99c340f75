"""What layouts are made of: the kinds of pieces, in the order in which they stand on the wire."""

from collections.abc import Callable
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


Part = Literal | Scalar | Repeat | Gated | Conditional


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
