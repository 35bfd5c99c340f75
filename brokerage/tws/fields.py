"""How values stand on the wire: texts, numbers, and the two figures that mean "not set"."""

import math
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin

UNSET_DOUBLE = 1.7976931348623157e308
UNSET_INTEGER = 2**31 - 1
UNSET_DOUBLE_TEXT = "1.7976931348623157E308"
FRACTIONS_SINCE = 163  # below, sizes of the market are whole or the vendor's 9.81 client dies

INFINITIES = frozenset({"Infinity", "Infinite"})  # as the vendor's clients write it, and ib_async

Offset = Annotated[float | None, "offset"]  # the one price that may be infinite
Quantity = Annotated[float, "quantity"]  # of orders, fills and positions: written without ".0"
Size = Annotated[float, "size"]  # of ticks, bars and the P&L of a position: whole below 163

Writer = Callable[[Any, int], str]
Reader = Callable[[str], Any]


class WireError(ValueError):
    """Fields that do not make the message they claim to be."""


def write_float(value: float, version: int) -> str:
    """A price or ratio; a zero has no sign."""
    return repr(float(value) + 0.0)


def write_size(value: float, version: int) -> str:
    """A quantity or size; whole ones without decimals."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def write_whole_size(value: float, version: int) -> str:
    """A size for a client that reads a whole number there, and dies of any other."""
    return str(round(value))


def write_bool(value: bool, version: int) -> str:
    """A switch."""
    return "1" if value else "0"


def write_text(value: object, version: int) -> str:
    """Anything that already is what it looks like."""
    return str(value)


def read_float(text: str) -> float:
    """A finite number; empty is zero. Raises WireError for anything else."""
    try:
        value = float(text or 0)
    except ValueError:
        raise WireError(f"{text[:40]!r} is not a number") from None
    if not math.isfinite(value):
        raise WireError(f"{text[:40]!r} is not a finite number")
    return value


def read_int(text: str) -> int:
    """A whole number of at most 64 bits; empty is zero. Raises WireError for anything else."""
    try:
        value = int(text or 0)
    except ValueError:  # also for more digits than Python converts
        raise WireError(f"{text[:40]!r} is not a whole number") from None
    if not -(2**63) <= value < 2**63:
        raise WireError(f"{text[:40]!r} is out of range")
    return value


def read_whole_size(text: str) -> float:
    """A size below version 163, in any spelling of a whole number; raises WireError for others."""
    value = read_float(text)
    if not value.is_integer():
        raise WireError(f"{text[:40]!r} is no whole size")
    return value


def read_bool(text: str) -> bool:
    """A switch: 1/0, true/false or nothing. Raises WireError for anything else."""
    if text in {"1", "true"}:
        return True
    if text in {"0", "false", ""}:
        return False
    return read_int(text) != 0


def optional_float(text: str) -> float | None:
    """A number that may be unset."""
    value = read_float(text) if text else None
    return None if value == UNSET_DOUBLE else value


def optional_int(text: str) -> int | None:
    """A whole number that may be unset."""
    value = read_int(text) if text else None
    return None if value == UNSET_INTEGER else value


def write_optional_float(value: float | None, version: int) -> str:
    """A number, or the figure that stands for none: an empty field makes some clients stumble."""
    return UNSET_DOUBLE_TEXT if value is None else write_float(value, version)


def write_optional_int(value: int | None, version: int) -> str:
    """A whole number, or the figure that stands for none."""
    return str(UNSET_INTEGER if value is None else value)


def write_offset(value: float | None, version: int) -> str:
    """A number, infinity, or the figure that stands for none."""
    return "Infinity" if value == math.inf else write_optional_float(value, version)


def read_offset(text: str) -> float | None:
    """A number that may be infinite or unset."""
    return math.inf if text in INFINITIES else optional_float(text)


def or_nothing(writer: Writer) -> Writer:
    """A writer that leaves the field empty when there is no value."""
    return lambda value, version: "" if value is None else writer(value, version)


CONVERTERS: dict[Any, tuple[Writer, Reader]] = {
    str: (write_text, str),
    int: (write_text, read_int),
    bool: (write_bool, read_bool),
    float: (write_float, read_float),
    Quantity: (write_size, read_float),
    Size: (write_size, read_float),
    Offset: (write_offset, read_offset),
    (float, NoneType): (write_optional_float, optional_float),
    (int, NoneType): (write_optional_int, optional_int),
}


def converter(hint: Any) -> tuple[Writer, Reader]:
    """The writer and reader for a field's type; raises KeyError for one the wire cannot carry."""
    return CONVERTERS[get_args(hint) if get_origin(hint) in {UnionType} else hint]
