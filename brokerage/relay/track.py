"""One connection as the flight recorder sees it: pieces of bytes in, records of frames out."""

import json
from collections.abc import Callable

from brokerage.relay.recording import Kind, Record
from brokerage.relay.redaction import Redactor
from brokerage.relay.wire import welcome
from brokerage.tws.connection import PREAMBLE
from brokerage.tws.framing import Frames, FramingError

Write = Callable[[Record], None]


class Track:
    """Frames of both directions; bytes that make no frame are recorded as such.

    When redacting, such bytes are counted, not kept: an id may stand in them in halves.
    """

    def __init__(self, connection: int, write: Write, redactor: Redactor | None) -> None:
        self._connection, self._write, self._redactor = connection, write, redactor
        self._frames = {True: Frames(), False: Frames()}
        self._lost = {True: False, False: False}  # framing is beyond repair
        self._greeted = False
        self._version = 0
        self._at = 0.0

    def feed(self, at: float, to_gateway: bool, data: bytes) -> None:
        """Take the next piece of one direction, passed on at this time."""
        self._at = at
        if self._lost[to_gateway]:
            self._opaque(to_gateway, data, "no frames any more")
            return
        frames = self._frames[to_gateway]
        frames.feed(data)
        try:
            if to_gateway and not self._greet():
                return
            for payload in frames:
                self._frame(to_gateway, payload)
        except FramingError as error:
            self._lost[to_gateway] = True
            self._opaque(to_gateway, frames.drain(), str(error))

    def _greet(self) -> bool:
        """Take the bytes before the client's first frame; False while they are incomplete."""
        if not self._greeted:
            self._greeted = self._frames[True].take_prefix(PREAMBLE)
            if self._greeted:
                self._write(Record(Kind.GREETING, self._connection, self._at, PREAMBLE))
        return self._greeted

    def _frame(self, to_gateway: bool, payload: bytes) -> None:
        version = self._version
        if not to_gateway and not version:
            self._version = welcome(payload)
        if self._redactor:
            payload = self._redactor.payload(payload, to_gateway, version)
        kind = Kind.TO_GATEWAY if to_gateway else Kind.TO_CLIENT
        self._write(Record(kind, self._connection, self._at, payload))

    def end(self) -> None:
        """The connection has ended: tell of frames that never became whole."""
        for to_gateway, frames in self._frames.items():
            if frames.pending and not self._lost[to_gateway]:
                self._opaque(to_gateway, frames.drain(), "the frame was cut off")

    def _opaque(self, to_gateway: bool, data: bytes, why: str) -> None:
        details = {"to_gateway": to_gateway, "bytes": len(data), "why": why}
        if self._redactor is None:
            details["hex"] = data.hex()
        payload = json.dumps(details).encode()
        self._write(Record(Kind.OPAQUE, self._connection, self._at, payload))
