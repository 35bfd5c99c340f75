"""The two tables of messages: number to class and layout, class to number."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from brokerage.tws.fields import WireError
from brokerage.tws.layout import Cursor, Item, Layout

Message = Any  # an instance of any class that has a row
T = TypeVar("T")


class Row(NamedTuple):
    """One kind of message."""

    number: int
    name: str
    layout: Layout


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

    def row(self, number: int, *items: Item) -> Callable[[type[T]], type[T]]:
        """Decorator: this class is message `number` with this layout; a number stands once."""

        def add(cls: type[T]) -> type[T]:
            if number in self.by_number:
                raise ValueError(f"{self.name} message {number} stands in the table already")
            row = Row(number, cls.__name__, Layout(cls, *items))
            self.by_number[number] = self.by_class[cls] = row
            return cls

        return add

    def fields(self, message: Message, version: int) -> list[str]:
        """The message's fields, number first; raises KeyError for a class without a row."""
        row = self.by_class[type(message)]
        out = [str(row.number)]
        row.layout.write(message, version, out)
        return out

    def parse(self, fields: list[str], version: int) -> Message:
        """The message that these fields make; raises WireError."""
        number = fields[0] if fields else ""
        if not (number.isascii() and number.isdigit() and len(number) < 6):
            raise WireError(f"{number[:40]!r} is not a message number")
        row = self.by_number.get(int(number))
        if row is None:
            raise UnknownMessageError(int(number))
        return row.layout.read(Cursor(fields[1:]), version)
