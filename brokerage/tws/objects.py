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
    """A copy with some fields changed; raises TypeError for a field that does not exist.

    It is not known any more what else it is like: see `mark`.
    """
    before = vars(instance)
    values = before | changes
    if "alike" in before:
        values["alike"] = None
    if len(values) != len(before):
        unknown = ", ".join(sorted(changes.keys() - before.keys()))
        raise TypeError(f"{type(instance).__name__} has no {unknown}")
    return assembled(type(instance), values)


def mark(instance: Any, alike: object = None) -> None:
    """Set the field `alike` to a mark, a new one unless it is given.

    Objects with one mark differ in their class's TERMS alone; whoever gives the mark of one object
    to another sees to that. It tells, without a look at a hundred fields, what was made before.
    """
    vars(instance)["alike"] = alike or object()


def markable(instance: Any) -> bool:
    """Whether it can be marked."""
    return hasattr(type(instance), "TERMS")
