"""Simulated time: a clock `speed` times faster than the machine's, and one moved by hand.

Time can be held at one instant while something is handled, so that everything that has the same
cause happens at the same time; and it can jump forward. It never goes back.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from brokerage.patience import steady


class Clock:
    """Simulated time that starts at `start` (aware; default: now) and runs `speed` times faster."""

    def __init__(self, speed: float = 1.0, start: datetime | None = None) -> None:
        """Raises ValueError for a speed that is not positive or a naive start."""
        if start is not None and start.tzinfo is None:
            raise ValueError("start must carry a time zone")
        self.speed = _checked(speed)
        self.start = (start or datetime.now(UTC)).astimezone(UTC)
        self.changed: list[Callable[[], None]] = []  # called after a jump or a change of speed
        self._held: float | None = None
        self._epoch = self.start.timestamp()
        self._steady = steady()
        self._origin = self._steady()

    def time(self) -> float:
        """Simulated seconds since the epoch."""
        return self.running() if self._held is None else self._held

    def running(self) -> float:
        """The same, whether or not it is being held."""
        return self._epoch + (self._steady() - self._origin) * self.speed

    def now(self) -> datetime:
        """Simulated time, aware, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    @property
    def held(self) -> bool:
        """Whether time is being held."""
        return self._held is not None

    def hold(self, instant: float) -> None:
        """Let `time` stand at this instant until `release`; inside, real time goes on."""
        self._held = instant

    def release(self) -> None:
        """Let time run again."""
        self._held = None

    def wall(self, until: float) -> float | None:
        """Wall seconds until that simulated time; None when it does not come by itself."""
        return max(until - self.running(), 0.0) / self.speed

    def jump(self, to: float) -> None:
        """Move on to this simulated time; one that has passed changes nothing."""
        now = self.running()
        if to > now:
            self._epoch += to - now
            self._tell()

    def set_speed(self, speed: float) -> None:
        """Run at another speed from now on, without a jump; raises ValueError unless positive."""
        checked, self._epoch, self._origin = _checked(speed), self.running(), self._steady()
        self.speed = checked
        self._tell()

    async def sleep(self, seconds: float) -> None:
        """Wait for so many simulated seconds, whatever jumps and changes of speed come between."""
        until, moved = self.time() + seconds, asyncio.Event()
        self.changed.append(moved.set)
        try:
            while wall := self.wall(until):
                moved.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(moved.wait(), wall)
        finally:
            self.changed.remove(moved.set)

    def _tell(self) -> None:
        for listener in list(self.changed):
            listener()


class ManualClock(Clock):
    """A clock that stands still until `advance`; sleepers wake in the order they are due."""

    def __init__(self, start: datetime | None = None) -> None:
        super().__init__(1.0, start)
        self._elapsed = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def running(self) -> float:
        """Simulated seconds since the epoch."""
        return self._epoch + self._elapsed

    def wall(self, until: float) -> float | None:
        """0 when that time has come; otherwise None, since it is moved by hand."""
        return 0.0 if until <= self.running() else None

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds and wake the sleepers due; raises ValueError backwards."""
        if seconds < 0:
            raise ValueError("a clock does not go backwards")
        self._elapsed += seconds
        self._wake()

    def jump(self, to: float) -> None:
        """Move on to this simulated time; one that has passed changes nothing."""
        if to > self.running():
            self._elapsed = to - self._epoch
            self._wake()

    def set_speed(self, speed: float) -> None:
        """Raises ValueError: it does not run."""
        raise ValueError("a clock that is moved by hand has no speed")

    def _wake(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            sleeper = heapq.heappop(self._sleepers)[2]
            if not sleeper.done():
                sleeper.set_result(None)
        self._tell()

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has moved the clock by so many seconds."""
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(
            self._sleepers, (self._elapsed + max(seconds, 0.0), next(self._order), sleeper)
        )
        self.advance(0.0)
        await sleeper


def _checked(speed: float) -> float:
    if not 0 < speed < float("inf"):
        raise ValueError("speed must be positive")
    return speed
