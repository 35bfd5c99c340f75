"""One direction of one relayed connection: bytes go in, and come out late, slowly or never."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

SLICE = 0.02  # seconds' worth of bytes that a throttled line lets through at once
MOST_HELD = 256 * 1024  # bytes a line holds before it stops taking more


@dataclass
class Conditions:
    """What the line does to bytes now; shared by all connections of a relay."""

    delay: float = 0.0  # seconds
    jitter: float = 0.0  # seconds, at most, on top of the delay
    bytes_per_second: float | None = None  # per connection and direction; None: no limit
    swallow: bool = False  # half-open: nothing arrives and nobody is told
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311

    @property
    def clear(self) -> bool:
        """Whether bytes pass at once."""
        return not (self.delay or self.jitter or self.bytes_per_second or self.swallow)

    def lateness(self) -> float:
        """Seconds that the next piece takes."""
        return self.delay + (self.chance.random() * self.jitter if self.jitter else 0.0)


class Line:
    """Keeps what is not due yet, in order; the end of the stream (None) waits its turn too."""

    def __init__(
        self,
        conditions: Conditions,
        deliver: Callable[[bytes | None], None],
        choke: Callable[[bool], None],
    ) -> None:
        """`choke(True)` asks the source to wait because too much is held, `choke(False)` to go."""
        self._conditions, self._deliver, self._choke = conditions, deliver, choke
        self._held: deque[tuple[float, bytes | None]] = deque()
        self._bytes, self._free_at, self._choked = 0, 0.0, False
        self._timer: asyncio.TimerHandle | None = None
        self.lost = False  # a hole has been torn into the stream

    def push(self, data: bytes | None) -> None:
        """Take what the source has sent."""
        if self.lost or self._conditions.swallow:
            self.lost = True
        elif self._conditions.clear and not self._held:
            self._deliver(data)
        else:
            self._hold(data)

    def _hold(self, data: bytes | None) -> None:
        due = asyncio.get_running_loop().time() + self._conditions.lateness()
        self._held.append((max(due, self._held[-1][0]) if self._held else due, data))
        self._bytes += len(data or b"")
        self._squeeze()
        if self._timer is None:
            self._pump()

    def hurry(self) -> None:
        """The conditions have changed: see what may go now."""
        if self._conditions.swallow:
            self.lost = self.lost or bool(self._held)
            self.clear()
        if self._conditions.clear:
            self._held = deque((0.0, data) for _, data in self._held)
            self._free_at = 0.0
        self._stop()
        self._pump()

    def clear(self) -> None:
        """Forget what is held."""
        self._held.clear()
        self._bytes = 0
        self._stop()
        self._squeeze()

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None

    def _pump(self) -> None:
        """Deliver what is due, then sleep until more is."""
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._held:
            wait = max(self._held[0][0], self._free_at) - loop.time()
            if wait > 0:
                self._timer = loop.call_later(wait, self._pump)
                break
            self._deliver(self._piece(loop.time()))
        self._squeeze()

    def _piece(self, now: float) -> bytes | None:
        """The next piece, no longer than the throttle allows."""
        due, data = self._held.popleft()
        rate = self._conditions.bytes_per_second
        if data is None:
            return None
        if rate:
            size = max(int(rate * SLICE), 1)
            if data[size:]:
                self._held.appendleft((due, data[size:]))
            data = data[:size]
            self._free_at = now + len(data) / rate
        self._bytes -= len(data)
        return data

    def _squeeze(self) -> None:
        too_full = self._bytes > (MOST_HELD // 2 if self._choked else MOST_HELD)
        if too_full is not self._choked:
            self._choked = too_full
            self._choke(too_full)
