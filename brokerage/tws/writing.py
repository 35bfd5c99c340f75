"""Makes the function that writes one class at one version, from the parts of its layout."""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from brokerage.tws.fields import (
    UNSET_DOUBLE_TEXT,
    UNSET_INTEGER,
    Writer,
    write_bool,
    write_float,
    write_optional_float,
    write_optional_int,
    write_size,
    write_text,
)
from brokerage.tws.generated import Source
from brokerage.tws.parts import Conditional, Group, Literal, Part, Path, Repeat, Scalar

Write = Callable[[Any], str]
END = "\\x00"  # of a field, inside the source of a string

MOST_TEXTS = 256  # that are remembered of one row of pieces; one more, and all are forgotten

NUMBER = "repr({v} + 0.0) if {v}.__class__ is float else {w}({v}, version)"

# What a writer does, as an expression; `{v}` is the value. It must give the writer's very text.
INLINE: dict[Writer, str] = {
    write_bool: "'1' if {v} else '0'",
    write_float: NUMBER,
    write_optional_float: f"'{UNSET_DOUBLE_TEXT}' if {{v}} is None else {NUMBER}",
    write_optional_int: f"{UNSET_INTEGER} if {{v}} is None else {{v}}",
    write_size: "int({v}) if {v} % 1 == 0 else repr(float({v}))",
}


def clean(value: object) -> str:
    """A text without NUL: inside a field it would forge another one."""
    return str(value).replace("\0", "")


def writer(parts: tuple[Part, ...], version: int, title: str) -> Write:
    """A function from an object to its fields, each with its NUL."""
    careful: list[Write] = []

    def again(source: Any) -> str:
        """The same for an object with a NUL in one of its texts."""
        if not careful:
            careful.append(_Writer(parts, version, careful=True).compiled(title))
        return careful[0](source)

    return _Writer(parts, version, again=again).compiled(title)


class Remembered:
    """Writes pieces of an object, or takes the text of one that is alike: see `Formed`.

    Terms that are equal are written alike: `write_float` sees to that.
    """

    def __init__(self, group: Group, version: int) -> None:
        names = dict.fromkeys(_names(group.parts))
        self._key = attrgetter("form", *(name for name in names if name in group.terms))
        self._write = writer(group.parts, version, ".".join(group.path))
        self._texts: dict[object, str] = {}

    def __call__(self, owner: Any) -> str:
        """Their text, each field with its NUL."""
        if owner.form is None:
            return self._write(owner)
        key = self._key(owner)
        text = self._texts.get(key)
        if text is None:
            if len(self._texts) >= MOST_TEXTS:
                self._texts.clear()
            text = self._texts[key] = self._write(owner)
        return text


def _names(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Scalar | Repeat | Conditional):
            yield part.path[0]
        if isinstance(part, Conditional):
            yield from _names(part.parts)


class _Writer:
    """Collects fields in `pending` until something interrupts the straight row of them."""

    def __init__(
        self,
        parts: tuple[Part, ...],
        version: int,
        *,
        careful: bool = False,
        again: Write | None = None,
    ) -> None:
        self._version, self._careful = version, careful
        self._source = Source("def made(source):")
        self._pending: list[str] = []
        self._free = False  # whether there is a text, which may hold anything
        self._source.line(f"version = {version}")
        self._source.line("text = ''")
        self._source.line("count = 0")
        self._owners: dict[Path, str] = {(): "source"}
        self._reach(parts)
        self._parts(parts)
        if again and self._free:
            self._source.line("if text.count('\\x00') != count:")
            self._source.line(f"    return {self._source.name(again)}(source)")
        self._source.line("return text")

    def compiled(self, title: str) -> Write:
        """The function."""
        return self._source.compiled(f"write {title} at {self._version}")

    def _reach(self, parts: tuple[Part, ...]) -> None:
        """Look every nested object up once."""
        for part in parts:
            if isinstance(part, Scalar | Repeat | Conditional):
                self._owner(part.path[:-1])
            if isinstance(part, Group):
                self._owner(part.path)
            if isinstance(part, Conditional):
                self._reach(part.parts)

    def _owner(self, path: Path) -> str:
        if path not in self._owners:
            name = "_".join(("o", *path))
            self._source.line(f"{name} = {self._owner(path[:-1])}.{path[-1]}")
            self._owners[path] = name
        return self._owners[path]

    def _value(self, path: Path) -> str:
        return f"{self._owners[path[:-1]]}.{path[-1]}"

    def _parts(self, parts: tuple[Part, ...]) -> None:
        for part in parts:
            if isinstance(part, Literal):
                self._pending.append(part.text)
            elif isinstance(part, Scalar):
                self._free = self._free or part.reader is str
                self._pending.append(f"{{{self._text(part.writer, self._value(part.path))}}}")
            elif isinstance(part, Repeat):
                self._repeat(part)
            elif isinstance(part, Conditional):
                self._flush()
                test, value = self._source.name(part.test), self._value(part.path)
                self._block(f"if {test}({value}):", part.parts)
            elif isinstance(part, Group):
                self._group(part)
        self._flush()

    def _block(self, head: str, parts: tuple[Part, ...]) -> None:
        self._source.line(head)
        self._source.deeper(1)
        self._source.line("pass")
        self._parts(parts)
        self._source.deeper(-1)

    def _group(self, part: Group) -> None:
        self._flush()
        write = self._source.name(Remembered(part, self._version))
        self._add(f"{write}({self._owner(part.path)})")

    def _add(self, piece: str) -> None:
        """Take over a text that is made elsewhere."""
        self._source.line(f"piece = {piece}")
        self._source.line("text += piece")
        self._source.line("count += piece.count('\\x00')")

    def _text(self, write: Writer, value: str) -> str:
        """The expression of a value's text."""
        if write is write_text:
            return f"{self._source.name(clean)}({value})" if self._careful else value
        call = write_float if write is write_optional_float else write
        inline = INLINE.get(write, "{w}({v}, version)")
        return inline.format(v=value, w=self._source.name(call))

    def _flush(self) -> None:
        if self._pending:
            self._source.line(f'text += f"{END.join(self._pending)}{END}"')
            self._source.line(f"count += {len(self._pending)}")
            self._pending.clear()

    def _repeat(self, part: Repeat) -> None:
        value = self._value(part.path)
        self._pending.append(f"{{len({value})}}")
        self._flush()
        element = self._source.name(part.element.writer(self._version))
        self._source.line(f"for item in {value}:")
        self._source.deeper(1)
        self._add(f"{element}(item)")
        self._source.deeper(-1)
