"""The two tables of messages: number to class and layout, class to number."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from brokerage.tws.fields import WireError
from brokerage.tws.framing import split
from brokerage.tws.layout import Item, Layout
from brokerage.tws.parts import Literal, Path, at_version, grouped
from brokerage.tws.reading import get_hints
from brokerage.tws.remembering import Remembering
from brokerage.tws.writing import Write, writer

Message = Any  # an instance of any class that has a row
T = TypeVar("T")


class Row(NamedTuple):
    """One kind of message."""

    number: int
    name: str
    layout: Layout
    repetitive: bool = False


class Writers(dict[type[Any], Write]):
    """For each class the function that writes its messages at one version, number first."""

    def __init__(self, rows: dict[type[Any], Row], version: int) -> None:
        super().__init__()
        self._rows, self._version = rows, version

    def __missing__(self, cls: type[Any]) -> Write:
        """Make the function; raises KeyError for a class without a row."""
        row = self._rows[cls]
        parts = at_version(row.layout.parts, self._version)
        if row.repetitive:
            parts = grouped(parts, _terms(cls))
        self[cls] = writer((Literal(str(row.number)), *parts), self._version, row.name)
        return self[cls]


class UnknownMessageError(WireError):
    """A message number that the table does not have."""

    def __init__(self, number: int) -> None:
        super().__init__(f"message {number} is not known")
        self.number = number


class Table:
    """The messages of one direction."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.by_number: dict[int, Row] = {}
        self.by_class: dict[type[Any], Row] = {}
        self._writers: dict[int, Writers] = {}
        self._rows: dict[bytes, Row] = {}  # by number, as it is written
        self._readers: dict[tuple[int, int], Remembering] = {}  # by number and version

    def row(
        self, number: int, *items: Item, repetitive: bool = False
    ) -> Callable[[type[T]], type[T]]:
        """Decorator: this class is message `number` with this layout; a number stands once.

        A `repetitive` one is long, and mostly what it was before: it is written from memory, see
        `Remembered`, and if it comes from a client also read from there, see `Remembering`.
        """

        def add(cls: type[T]) -> type[T]:
            if number in self.by_number:
                raise ValueError(f"{self.name} message {number} stands in the table already")
            row = Row(number, cls.__name__, Layout(cls, *items), repetitive)
            self.by_number[number] = self.by_class[cls] = row
            self._rows[str(number).encode()] = row
            return cls

        return add

    def text(self, message: Message, version: int) -> str:
        """The message's fields, number first, each with its NUL; raises KeyError without a row."""
        return self.writers(version)[type(message)](message)

    def writers(self, version: int) -> Writers:
        """What writes messages at one version."""
        if version not in self._writers:
            self._writers[version] = Writers(self.by_class, version)
        return self._writers[version]

    def fields(self, message: Message, version: int) -> list[str]:
        """The same one by one."""
        return self.text(message, version).split("\0")[:-1]

    def read(self, payload: bytes, version: int) -> Message:
        """The message of a payload, repetitive ones from memory; raises WireError.

        For clients' messages: raises ValueError for a layout that cannot be read so.
        """
        row = self._rows.get(payload[: payload.find(b"\0")])
        if row is None or not row.repetitive:
            return self.parse(split(payload), version)
        reader = self._readers.get((row.number, version))
        if reader is None:
            reader = self._readers[row.number, version] = Remembering(row.layout, version)
        return reader.read(payload)

    def parse(self, fields: list[str], version: int) -> Message:
        """The message that these fields make; raises WireError."""
        number = fields[0] if fields else ""
        if not (number.isascii() and number.isdigit() and len(number) < 6):
            raise WireError(f"{number[:40]!r} is not a message number")
        row = self.by_number.get(int(number))
        if row is None:
            raise UnknownMessageError(int(number))
        return row.layout.reader(version)(fields, 1)[0]


def _terms(cls: type[Any]) -> dict[Path, frozenset[str]]:
    """The terms of the nested objects that have some."""
    hints = get_hints(cls).items()
    return {(name,): hint.TERMS for name, hint in hints if hasattr(hint, "TERMS")}
