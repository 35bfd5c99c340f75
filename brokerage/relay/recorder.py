"""The flight recorder: takes copies of what a relay passes on and writes them in a thread.

The relay's event loop only puts references into a queue. Framing, redaction, compression and the
disk happen in the recorder's thread, in small doses, because Python threads share one interpreter.
When it fails (a full disk) or falls behind by MOST_WAITING bytes, it says so loudly, ends the
recording there, and the relay goes on.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, Self

from brokerage.relay.recording import Kind, Record, Writer
from brokerage.relay.redaction import Redactor
from brokerage.relay.track import Track

log = logging.getLogger(__name__)

MOST_WAITING = 64 * 2**20  # bytes
REST = 0.1  # seconds: nothing is handled at the moment at which it matters to a client
FLUSH_EVERY = 0.5  # seconds after which the file is made safe even if there is no end of events
BREATH = 0.0001  # seconds in which the relay's thread may take over
Failed = Callable[[Exception], None]


class TooSlowError(Exception):
    """The disk does not keep up with the wire."""


class Event(NamedTuple):
    """Something that the relay told; `at` in monotonic seconds."""

    at: float
    kind: str
    connection: int
    details: Any


class Recorder:
    """Records into a new file for the length of a `with` block; a relay's witness.

    Redacts unless told otherwise; `accounts` are ids to redact that may occur before the gateway
    announces them. `on_failure` is called once, from the recorder's thread.
    """

    def __init__(
        self,
        path: Path,
        *,
        gateway: str = "",
        redact: bool = True,
        accounts: Iterable[str] = (),
        on_failure: Failed | None = None,
    ) -> None:
        self.path = path
        self.failure: Exception | None = None
        self._gateway, self._on_failure = gateway, on_failure
        self._redactor = Redactor(accounts) if redact else None
        self._queue: SimpleQueue[Event | None] = SimpleQueue()
        self._taken = self._done = 0  # bytes
        self._unsafe = False  # something has been written since the last flush
        self._ending = threading.Event()
        self._tracks: dict[int, Track] = {}
        self._thread = threading.Thread(target=self._run, name="flight recorder", daemon=True)

    def __enter__(self) -> Self:
        """Create the file; raises OSError."""
        self._writer = Writer(self.path)
        self._start = time.monotonic()
        header = {
            "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "gateway": self._place(self._gateway),
            "redacted": self._redactor is not None,
        }
        self._writer.write(Record(Kind.HEADER, 0, 0.0, json.dumps(header).encode()))
        self._writer.flush()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Write what is left and end the file."""
        self._queue.put(None)
        self._ending.set()
        self._thread.join()

    def opened(self, connection: int, client: str, gateway: str) -> None:
        """A client has connected."""
        self._put("opened", connection, {"client": client, "gateway": gateway})

    def passed(self, connection: int, to_gateway: bool, data: bytes) -> None:
        """Bytes have been passed on."""
        self._taken += len(data)
        if self._taken - self._done > MOST_WAITING:
            raise TooSlowError("the recorder has fallen too far behind")
        self._put("passed", connection, (to_gateway, data))

    def closed(self, connection: int, how: str) -> None:
        """A connection has ended."""
        self._put("closed", connection, {"how": how})

    def noted(self, text: str) -> None:
        """The line has been spoilt or restored."""
        self._put("noted", 0, {"text": text})

    def _put(self, kind: str, connection: int, details: Any) -> None:
        if self.failure is None:
            self._queue.put(Event(time.monotonic(), kind, connection, details))

    def _run(self) -> None:
        try:
            while self._work():
                if self._unsafe:
                    self._unsafe = False
                    self._writer.flush()
            for number in list(self._tracks):
                self._end(number)
            self._writer.close()
        except Exception as error:
            log.critical("The recording %s has failed and ends here", self.path, exc_info=True)
            self.failure = error
            if self._on_failure:
                self._on_failure(error)

    def _work(self) -> bool:
        """Write what has come in since the last time; False at the end."""
        self._ending.wait(REST)
        until = time.monotonic() + FLUSH_EVERY
        while time.monotonic() < until:
            try:
                event = self._queue.get_nowait()
            except Empty:
                break
            if event is None:
                return False
            self._handle(event)
            time.sleep(BREATH)
        return True

    def _handle(self, event: Event) -> None:
        self._unsafe, at = True, event.at - self._start
        if event.kind == "passed":
            to_gateway, data = event.details
            self._track(event.connection).feed(at, to_gateway, data)
            self._done += len(data)
        elif event.kind == "opened":
            places = {key: self._place(place) for key, place in event.details.items()}
            self._json(Kind.OPENED, event.connection, at, places)
        elif event.kind == "closed":
            self._end(event.connection)
            self._json(Kind.CLOSED, event.connection, at, event.details)
        else:
            self._json(Kind.NOTE, event.connection, at, event.details)

    def _track(self, connection: int) -> Track:
        if connection not in self._tracks:
            self._tracks[connection] = Track(connection, self._writer.write, self._redactor)
        return self._tracks[connection]

    def _end(self, connection: int) -> None:
        if track := self._tracks.pop(connection, None):
            track.end()

    def _json(self, kind: Kind, connection: int, at: float, details: dict[str, Any]) -> None:
        self._writer.write(Record(kind, connection, at, json.dumps(details).encode()))

    def _place(self, place: str) -> str:
        """An address, unless it is somebody's and names are to be kept out."""
        local = place.startswith(("127.", "localhost:")) or not place
        return place if local or self._redactor is None else "(withheld)"
