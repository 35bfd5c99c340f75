"""Canonical JSON (RFC 8785) of Python values, and its digest."""

import hashlib
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import rfc8785

LARGEST_EXACT = 2**53 - 1


def canonical(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return the value as canonical JSON text (RFC 8785), after `plain`."""
    return rfc8785.dumps(plain(value)).decode()


def digest(text: str) -> str:
    """Return the SHA-256 of the text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: Any) -> Any:
    """Return the value in JSON's own types, the same for equal values; raise TypeError if it can't.

    Numbers that JSON cannot carry exactly (NaN, infinities, all beyond 2**53) become text.
    """
    if isinstance(value, Mapping):
        return {_text(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    match value:
        case Enum():
            return _plain_scalar(value.value)
        case None | bool():
            return value
        case str():
            return _text(value)
        case int():
            return int(value) if abs(value) <= LARGEST_EXACT else str(value)
        case float():
            # Larger ones print like integers, and would be read back as such.
            return float(value) if abs(value) <= LARGEST_EXACT else str(value)
        case datetime():
            return _instant(value)
        case date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal() | UUID() | Path():
            return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _text(value: str) -> str:
    # A lone surrogate, which JSON from outside may hold, has no UTF-8 form.
    return str(value).encode("utf-8", "replace").decode()


def _instant(value: datetime) -> str:
    aware = value.astimezone(UTC) if value.tzinfo else value
    return aware.isoformat(timespec="microseconds")
