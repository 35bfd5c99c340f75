"""Messages to payloads and back, both directions, at every supported server version."""

from brokerage.tws.framing import split
from brokerage.tws.messages import CLIENT, SERVER
from brokerage.tws.table import Message

MIN_VERSION, MAX_VERSION = 157, 178


def negotiate(low: int, high: int) -> int | None:
    """The version to speak with a client that offers low..high, or None if there is none.

    Never 158: the vendor's client sends `duration` from 158 on, ib_async expects it from 159.
    """
    version = min(MAX_VERSION, high)
    if version == 158:
        version = 157
    return version if version >= max(MIN_VERSION, low) else None


def encode(message: Message, version: int) -> bytes:
    """A message of either direction as a payload; raises KeyError for anything else."""
    table = SERVER if type(message) in SERVER.by_class else CLIENT
    return table.text(message, version).encode("utf-8", "replace")


def decode_client(payload: bytes, version: int) -> Message:
    """What a client sent; raises WireError."""
    return CLIENT.read(payload, version)


def decode_server(payload: bytes, version: int) -> Message:
    """What a gateway sent; raises WireError."""
    return SERVER.parse(split(payload), version)
