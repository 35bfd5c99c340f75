"""One client's connection as a state machine: bytes in, events out; messages in, bytes out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from brokerage.tws.codec import MAX_VERSION, negotiate
from brokerage.tws.fields import WireError
from brokerage.tws.framing import Frames, FramingError, frame, join, split
from brokerage.tws.messages import CLIENT, SERVER, StartApi
from brokerage.tws.table import Message, UnknownMessageError

PREAMBLE = b"API\0"
OFFER = re.compile(r"v(\d{1,5})(?:\.\.(\d{1,5}))?(?: .*)?", re.DOTALL)
OFFER_LIMIT = 1024  # bytes; a longer greeting is garbage
REQUEST_LIMIT = 2**18  # bytes; no request of any client comes near it


class State(Enum):
    """How far the connection has come."""

    PREAMBLE = auto()
    OFFER = auto()
    GREETED = auto()  # the client has offered versions; our answer is due
    STARTING = auto()  # answered; startApi is due
    READY = auto()
    CLOSED = auto()


@dataclass(frozen=True)
class Offered:
    """The client offered versions; `version` is the one to speak, None if there is none."""

    low: int
    high: int
    version: int | None


@dataclass(frozen=True)
class Started:
    """The client named itself; `payload` as received."""

    client_id: int
    message: StartApi
    payload: bytes = field(default=b"", compare=False)


@dataclass(frozen=True)
class Received:
    """A whole message; `payload` as received."""

    message: Message
    payload: bytes = field(default=b"", compare=False)


@dataclass(frozen=True)
class Malformed:
    """A frame that is no message; `fields` as received. The connection lives on."""

    fields: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Unsupported:
    """A message of a kind that this gateway does not know."""

    number: int
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Broken:
    """The stream makes no sense any more; close the socket."""

    reason: str


Event = Offered | Started | Received | Malformed | Unsupported | Broken


class Connection:
    """The gateway's end of one connection."""

    def __init__(self) -> None:
        self.state = State.PREAMBLE
        self.version = 0
        self._frames = Frames()
        self._out = bytearray()
        self._writers = SERVER.writers(MAX_VERSION)

    def receive(self, data: bytes) -> Iterator[Event]:
        """Events in these bytes, in order; take them all before the next call."""
        if self.state is State.CLOSED:
            return
        self._frames.feed(data)
        try:
            yield from self._events()
        except FramingError as error:
            self.close()
            yield Broken(str(error))

    def accept(self, time_text: str) -> None:
        """Answer the offer: the version and the server's time, e.g. `20250425 15:23:54 EST`."""
        self._out += frame(join([str(self.version), time_text]))
        self.state = State.STARTING

    def send(self, message: Message) -> bool:
        """Queue a message, unless it is closed; raises KeyError for one that has no row."""
        if self.state is State.CLOSED:
            return False
        self._out += frame(self._writers[type(message)](message).encode("utf-8", "replace"))
        return True

    def data_to_send(self) -> bytes:
        """Queued bytes, which count as sent from now on."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def close(self) -> None:
        """Neither receive nor send from now on; what is queued may still leave."""
        self.state = State.CLOSED

    def _events(self) -> Iterator[Event]:
        if self.state is State.PREAMBLE:
            if not self._frames.take_prefix(PREAMBLE):
                return
            self.state, self._frames.limit = State.OFFER, OFFER_LIMIT
        while self.state is not State.CLOSED and (payload := self._frames.take()) is not None:
            yield self._event(payload)

    def _event(self, payload: bytes) -> Event:
        if self.state is State.OFFER:
            return self._offer(payload)
        try:
            message = CLIENT.read(payload, self.version)
        except UnknownMessageError as error:
            return Unsupported(error.number, tuple(split(payload)))
        except WireError as error:
            return Malformed(tuple(split(payload)), str(error))
        return self._message(message, payload)

    def _offer(self, payload: bytes) -> Event:
        match = OFFER.fullmatch(payload.decode("utf-8", "replace").rstrip("\0"))
        if match is None:
            raise FramingError("the greeting names no versions")
        low, high = int(match[1]), int(match[2] or match[1])
        version = negotiate(low, high)
        self.version, self.state = version or 0, State.GREETED
        self._writers = SERVER.writers(version or MAX_VERSION)
        self._frames.limit = REQUEST_LIMIT
        return Offered(low, high, version)

    def _message(self, message: Message, payload: bytes) -> Event:
        if self.state is State.READY:
            return Received(message, payload)
        if self.state is State.STARTING and isinstance(message, StartApi):
            self.state = State.READY
            return Started(message.client_id, message, payload)
        raise FramingError("startApi must come first")
