"""The transcript: every message that crossed the wire, and every switch of a fault, in order.

It is canonical: the same seed, start and client messages at the same simulated times make the
same bytes, in any process. It says nothing that would differ: no port, no wall time, no object id.
A message of a client stands there as its fields were received, one to a client as they were
written at the version it speaks. Faults that act on bytes (cuts, delays) come after the transcript.
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

from brokerage.tws.connection import Offered
from brokerage.tws.framing import split
from brokerage.tws.messages import SERVER
from brokerage.tws.table import Message

IN, OUT, FAULT = "in", "out", "fault"
MOST_FRAMES = 100_000  # kept in memory; the oldest go first
PRECISION = 6  # decimals of a second


class Frame(NamedTuple):
    """One message that crossed the wire; `at` in epoch seconds of simulated time."""

    at: float
    client_id: int | None  # None before the client has named itself, and for faults
    direction: str  # "in": from the client, "out": to it, "fault": a switch
    name: str
    message: Message
    version: int = 0  # that the connection speaks; 0 before it is agreed
    received: bytes | None = None  # a client's payload, as it came

    @property
    def fields(self) -> list[Any]:
        """What stood on the wire, number first; for a switch of a fault, its values."""
        if self.received is not None:
            return split(self.received)
        if self.direction == OUT and type(self.message) in SERVER.by_class:
            return SERVER.fields(self.message, self.version)
        return _plain(self.message)

    def line(self) -> bytes:
        """The frame as a line of canonical JSON."""
        return _line(
            {
                "at": round(self.at, PRECISION),
                "client": self.client_id,
                "direction": self.direction,
                "name": self.name,
                "fields": self.fields,
            }
        )


# The same as a bare tuple, which is made in a third of the time.
Values = tuple[float, int | None, str, str, Message, int, bytes | None]


class Transcript:
    """The last frames, in order, and all of them in a file if there is one; an index counts
    from the oldest that is kept."""

    def __init__(self, head: Mapping[str, Any], path: Path | None = None) -> None:
        """`head` stands in the first line. The file must not exist: raises FileExistsError."""
        self._head = _line(head)
        self._frames: deque[Values] = deque(maxlen=MOST_FRAMES)
        self._file = path.open("xb") if path else None
        self.count = 0  # of all frames, kept or not
        self.heard = 0  # of those that a client sent
        if self._file:
            self._file.write(self._head)

    def add(self, frame: Values) -> None:
        """Append a frame, or the values of one: most of them nobody ever looks at."""
        self.count += 1
        if frame[-1] is not None:
            self.heard += 1
        self._frames.append(frame)
        if self._file:
            self._file.write(Frame._make(frame).line())

    def __iter__(self) -> Iterator[Frame]:
        return map(Frame._make, self._frames)

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> Frame:
        return Frame._make(self._frames[index])

    def encoded(self) -> bytes:
        """The kept frames as they stand in a file; for more than are kept, take the file."""
        return b"".join((self._head, *(frame.line() for frame in self)))

    def flush(self) -> None:
        """Let the file be read by others up to here."""
        if self._file:
            self._file.flush()

    def close(self) -> None:
        """Finish the file; what follows is kept in memory alone."""
        if self._file:
            self._file.close()
            self._file = None


def _line(values: Mapping[str, Any]) -> bytes:
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", "replace") + b"\n"


def _plain(message: Message) -> list[Any]:
    """Anything that is no message of the tables as JSON values."""
    if isinstance(message, Offered):
        return [f"v{message.low}..{message.high}"]
    if is_dataclass(message) and not isinstance(message, type):
        return [asdict(message)]
    return list(message) if isinstance(message, (list, tuple)) else [message]
