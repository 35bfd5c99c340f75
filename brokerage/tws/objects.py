"""Makes messages the short way: a frozen dataclass of a hundred fields is slow to construct.

For plain dataclasses only: no slots, nothing to do after construction.
"""

from dataclasses import fields
from typing import Any, ClassVar, TypeVar

T = TypeVar("T")
F = TypeVar("F", bound="Formed")


class Formed:
    """Base of a dataclass (without `eq`) whose objects mostly differ in a few fields, its TERMS.

    What they share is their `form`, made from one of them: a class that holds the other fields
    once for all its objects. That saves each a copy of a hundred fields, and tells without a look
    at them what was read or written before.
    """

    TERMS: ClassVar[frozenset[str]]
    form: ClassVar[Any] = None  # the class, if it is one: its objects differ in their TERMS alone

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Formed) or _plain(type(self)) is not _plain(type(other)):
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash(tuple(_values(self).values()))


def form(instance: F) -> type[F]:
    """A new form, of what is not TERMS in this object; `assembled` alone makes objects of it."""
    cls = _plain(type(instance))

    def whole(_: type[F], *values: Any, **named: Any) -> F:
        """The constructor, and with it `replace`, makes objects that have no form."""
        return cls(*values, **named)

    rest = {name: value for name, value in _values(instance).items() if name not in cls.TERMS}
    made: type[F] = type(cls.__name__, (cls,), {**rest, "__new__": whole, "_plain": cls})
    made.form = made
    return made


def _plain(cls: type[T]) -> type[T]:
    """The class that a form stands for, or itself."""
    plain: type[T] = getattr(cls, "_plain", cls)
    return plain


def _values(instance: Any) -> dict[str, Any]:
    return {one.name: getattr(instance, one.name) for one in fields(instance)}


def assembled(cls: type[T], values: dict[str, Any]) -> T:
    """An object with these values, which must be all of its fields (of a form: its TERMS)."""
    made = object.__new__(cls)
    object.__setattr__(made, "__dict__", values)
    return made


def changed(instance: T, **changes: Any) -> T:
    """A copy with some fields changed; raises TypeError for a field that does not exist.

    It keeps its form if that still says the truth.
    """
    cls, before = type(instance), vars(instance)
    values = before | changes
    if len(values) != len(before):
        cls, before = _plain(cls), _values(instance)
        values = before | changes
    if len(values) != len(before):
        unknown = ", ".join(sorted(changes.keys() - before.keys()))
        raise TypeError(f"{cls.__name__} has no {unknown}")
    return assembled(cls, values)
