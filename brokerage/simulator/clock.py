"""Simulated time: a clock `speed` times faster than the machine's, and one moved by hand."""

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime


class Clock:
    """Simulated time that starts at `start` (aware; default: now) and runs `speed` times faster."""

    def __init__(self, speed: float = 1.0, start: datetime | None = None) -> None:
        """Raises ValueError for a speed that is not positive or a naive start."""
        if speed <= 0:
            raise ValueError("speed must be positive")
        if start is not None and start.tzinfo is None:
            raise ValueError("start must carry a time zone")
        self.speed = speed
        self.start = (start or datetime.now(UTC)).astimezone(UTC)
        self._epoch = self.start.timestamp()
        self._origin = time.monotonic()

    def time(self) -> float:
        """Simulated seconds since the epoch."""
        return self._epoch + (time.monotonic() - self._origin) * self.speed

    def now(self) -> datetime:
        """Simulated time, aware, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait for so many simulated seconds."""
        await asyncio.sleep(max(seconds, 0.0) / self.speed)


class ManualClock(Clock):
    """A clock that stands still until `advance`; sleepers wake in the order they are due."""

    def __init__(self, start: datetime | None = None) -> None:
        super().__init__(1.0, start)
        self._elapsed = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def time(self) -> float:
        """Simulated seconds since the epoch."""
        return self._epoch + self._elapsed

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds and wake the sleepers due; raises ValueError backwards."""
        if seconds < 0:
            raise ValueError("a clock does not go backwards")
        self._elapsed += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            sleeper = heapq.heappop(self._sleepers)[2]
            if not sleeper.done():
                sleeper.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has moved the clock by so many seconds."""
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(
            self._sleepers, (self._elapsed + max(seconds, 0.0), next(self._order), sleeper)
        )
        self.advance(0.0)
        await sleeper
