"""Makes messages the short way: a frozen dataclass of a hundred fields is slow to construct.

For plain dataclasses only: no slots, nothing to do after construction.
"""

from typing import Any, TypeVar

T = TypeVar("T")


def assembled(cls: type[T], values: dict[str, Any]) -> T:
    """An object with these values, which must be all of its fields."""
    made = object.__new__(cls)
    object.__setattr__(made, "__dict__", values)
    return made


def changed(instance: T, **changes: Any) -> T:
    """A copy with some fields changed; raises TypeError for a field that does not exist."""
    before = vars(instance)
    values = before | changes
    if len(values) != len(before):
        unknown = ", ".join(sorted(changes.keys() - before.keys()))
        raise TypeError(f"{type(instance).__name__} has no {unknown}")
    return assembled(type(instance), values)
