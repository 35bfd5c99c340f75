"""Reads a long message quickly: what follows its first fields is nearly always what it was before.

A client writes some eighty fields behind the terms of an order, and the same for each order. They
are read twice; of the next message with the same text there, the first fields alone are read.
"""

from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any

from brokerage.tws.framing import split
from brokerage.tws.layout import Layout
from brokerage.tws.objects import Formed, assembled, changed, form
from brokerage.tws.parts import Conditional, Literal, Part, Path, Repeat, Scalar, at_version
from brokerage.tws.reading import get_hints, head_reader

MOST_KNOWN = 64  # texts; one more, and all are forgotten
LONGEST = 4096  # bytes of a message that is remembered


class Remembering:
    """Reads one class at one version; its straight first fields must not come again behind."""

    def __init__(self, layout: Layout, version: int) -> None:
        """Raises ValueError for a layout that it cannot read."""
        parts = at_version(layout.parts, version)
        head = tuple(takewhile(lambda part: isinstance(part, Literal | Scalar), parts))
        paths = {part.path: at for at, part in enumerate(head, 1) if isinstance(part, Scalar)}
        if not paths.keys().isdisjoint(_values(parts[len(head) :])):
            raise ValueError(f"{layout.cls.__name__} has a field twice")
        for path in paths:
            owner = get_hints(layout.cls)[path[0]]
            if len(path) > 1 and path[1] not in getattr(owner, "TERMS", path):
                raise ValueError(f"{'.'.join(path)} is read as a term, and is none")
        self._size = 1 + len(head)  # the message's number comes first
        self._deciding = [paths[path] for path in _tested(parts) if path in paths]
        self._whole, self._head = layout.reader(version), head_reader(layout.cls, head, version)
        self._known: dict[tuple[str, ...], Any] = {}

    def read(self, payload: bytes) -> Any:
        """The message; raises WireError."""
        texts = payload.decode("utf-8", "replace").split("\0", self._size)
        key = texts[-1], *[texts[at] for at in self._deciding if at < len(texts)]
        like = self._known.get(key)
        if like is not None and len(texts) > self._size:
            return self._head(texts, like)
        message = self._whole(split(payload), 1)[0]
        if len(payload) <= LONGEST:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            # A form is dear to make: there is none for what may never come again.
            self._known[key] = _formed(message) if key in self._known else None
        return message


def _formed(message: Any) -> Any:
    """The same with a form for each object in it that may have one."""
    found = {name: one for name, one in vars(message).items() if isinstance(one, Formed)}
    return changed(message, **{name: _of_form(one) for name, one in found.items()})


def _of_form(instance: Formed) -> Formed:
    terms = {name: getattr(instance, name) for name in instance.TERMS}
    return assembled(form(instance), terms)


def _tested(parts: Iterable[Part]) -> Iterator[Path]:
    """The values that decide which fields follow."""
    for part in parts:
        if isinstance(part, Conditional):
            yield part.path
            yield from _tested(part.parts)


def _values(parts: Iterable[Part]) -> Iterator[Path]:
    """The values that the parts hold."""
    for part in parts:
        if isinstance(part, Scalar | Repeat):
            yield part.path
        elif isinstance(part, Conditional):
            yield from _values(part.parts)
