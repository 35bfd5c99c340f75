"""Say a message of the wire in one readable line, for whoever looks into what happened."""

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from brokerage.tws.fields import UNSET_DOUBLE, UNSET_INTEGER
from brokerage.tws.messages_common import Contract
from brokerage.tws.table import Message

UNSET = (UNSET_INTEGER, UNSET_DOUBLE)
ALWAYS = {"side", "status", "filled", "remaining", "position", "code"}  # even when nought
MOST = 300  # characters that a line usually has; history and long texts are cut


def words(message: Message, most: int = MOST) -> str:
    """`CancelOrder order_id=3`: the kind and what differs from the defaults."""
    told = " ".join([type(message).__name__, *_told(message)])
    return told if len(told) <= most else f"{told[: most - 1]}…"


def _told(value: Any) -> Iterator[str]:
    for field in fields(value):
        one = getattr(value, field.name)
        if field.name in ALWAYS or (one != _default(field) and one not in UNSET):
            yield f"{field.name}={_word(one)}"


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _word(value: Any) -> str:
    match value:
        case Contract():
            return _contract(value)
        case float():
            return f"{value:g}" if value == round(value, 4) and abs(value) < 1e5 else repr(value)
        case tuple() | list():
            return f"[{', '.join(map(_word, value[:3]))}{', …' if value[3:] else ''}]"
        case _ if is_dataclass(value):
            return f"({' '.join(_told(value))})"
    return str(value) if isinstance(value, (bool, int)) else repr(value)


def _contract(contract: Contract) -> str:
    """`<SPY OPT 20260306 500 C>`; a contract id where there is no symbol."""
    parts = [contract.symbol or str(contract.con_id), contract.sec_type]
    if contract.sec_type in {"OPT", "FOP"}:
        parts += [contract.expiry, f"{contract.strike:g}", contract.right]
    return f"<{' '.join(part for part in parts if part)}>"
