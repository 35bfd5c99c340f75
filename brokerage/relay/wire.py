"""What a frame says, as far as any version lets one read it.

Up to the version that `brokerage.tws` speaks, a frame is a message of its tables. Above, the number
and the fields remain; from version 201 on the number is binary, and a number above 200 announces
protobuf, which is not taken apart here.
"""

from dataclasses import dataclass
from typing import Any

from brokerage.tws.codec import MAX_VERSION
from brokerage.tws.fields import WireError
from brokerage.tws.framing import split
from brokerage.tws.messages import CLIENT, SERVER
from brokerage.tws.table import Message, Table

BINARY_NUMBERS = 201  # server version from which the number is four bytes
PROTOBUF = 200  # added to the number of a message whose body is protobuf


@dataclass(frozen=True)
class Seen:
    """A frame as far as it could be read."""

    number: int  # −1: it has none
    name: str  # empty: not known
    fields: tuple[str, ...]  # number included; empty for protobuf
    message: Message | None  # None: no layout for this version, or malformed
    protobuf: bool = False


def table(to_gateway: bool) -> Table:
    """The messages of one direction."""
    return CLIENT if to_gateway else SERVER


def number_of(payload: bytes, version: int) -> int:
    """The message number, without the mark of protobuf; −1 if there is none."""
    if version >= BINARY_NUMBERS:
        number = int.from_bytes(payload[:4], "big")
        return number - PROTOBUF if number > PROTOBUF else number
    head = payload[:8].split(b"\0", 1)[0]
    return int(head) if head.isdigit() else -1


def body(payload: bytes, version: int) -> tuple[bytes, bytes]:
    """A binary number (or nothing), and the rest."""
    return (payload[:4], payload[4:]) if version >= BINARY_NUMBERS else (b"", payload)


def is_protobuf(payload: bytes, version: int) -> bool:
    """Whether the body is protobuf."""
    return version >= BINARY_NUMBERS and int.from_bytes(payload[:4], "big") > PROTOBUF


def see(payload: bytes, to_gateway: bool, version: int) -> Seen:
    """Read a frame."""
    number = number_of(payload, version)
    row = table(to_gateway).by_number.get(number)
    name = row.name if row else ""
    if is_protobuf(payload, version):
        return Seen(number, name, (), None, protobuf=True)
    texts = split(body(payload, version)[1])
    fields = (str(number), *texts) if version >= BINARY_NUMBERS else tuple(texts)
    return Seen(number, name, fields, _message(fields, to_gateway, version))


def _message(fields: tuple[str, ...], to_gateway: bool, version: int) -> Message | None:
    if version > MAX_VERSION:
        return None
    try:
        return table(to_gateway).parse(list(fields), version)
    except WireError:
        return None


def welcome(payload: bytes) -> int:
    """The version that a gateway's first frame settles; 0 if it does not."""
    head = payload.split(b"\0", 1)[0]
    return int(head) if head.isdigit() and len(head) < 6 else 0


def values(message: Any) -> dict[str, Any]:
    """A message's fields by name; an empty dictionary for None."""
    return dict(vars(message)) if message is not None else {}
