"""Session time: durations shrink with a gateway's speed, latencies do not."""

import asyncio
from datetime import UTC, datetime, timedelta

from brokerage.patience import steady

# A guard must not trip because the machine is busy, however fast the simulated clock runs.
FLOOR_SECONDS = 1.5


class SessionClock:
    """The client's clock for one gateway, whose own clock runs `speed` times faster than ours."""

    def __init__(self, speed: float = 1.0, *, floor: float = FLOOR_SECONDS) -> None:
        """Raises ValueError for a speed below 1.

        `floor` is the least number of real seconds that a limit allows; 0 where the limit itself
        is what one wants to see.
        """
        if not speed >= 1:
            raise ValueError("speed must be at least 1")
        self.speed, self.floor = speed, floor
        self._steady = steady()
        self._origin = self._steady()
        self._low: float | None = None
        self._high = 0.0

    def elapsed(self) -> float:
        """Session seconds since this clock was made; never goes back."""
        return (self._steady() - self._origin) * self.speed

    def wall_ms(self) -> float:
        """Real milliseconds of an arbitrary origin, to measure latencies with.

        On a patient loop they are the loop's: what the machine withheld is nobody's latency.
        """
        return self._steady() * 1000

    def wall(self, seconds: float) -> float:
        """Real seconds that a limit of so many session seconds allows.

        Limits under one second are latencies on purpose and get no floor.
        """
        real = seconds / self.speed
        return real if self.speed == 1 or seconds < 1 else max(real, self.floor)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """Bound a block to so many session seconds; raises TimeoutError on leaving it."""
        return asyncio.timeout(self.wall(seconds))

    async def sleep(self, seconds: float) -> None:
        """Wait for so many session seconds."""
        await asyncio.sleep(max(seconds, 0.0) / self.speed)

    def anchor(self, reported: datetime, sent: float, received: float) -> None:
        """Learn the gateway's time from an answer in whole seconds to a request.

        `sent` and `received` are `elapsed()` at the request and at the answer. The true offset
        lies in [reported - received, reported + 1 s - sent]; intervals that agree narrow it,
        one that does not replaces what was known (the gateway's clock was set).
        """
        low, high = reported.timestamp() - received, reported.timestamp() + 1 - sent
        if self._low is not None and low <= self._high and high >= self._low:
            low, high = max(low, self._low), min(high, self._high)
        self._low, self._high = low, high

    @property
    def doubt(self) -> float:
        """How many seconds the estimate of the gateway's time may be off, either way."""
        return 0.0 if self._low is None else (self._high - self._low) / 2

    def at(self, elapsed: float) -> datetime:
        """Return the gateway's time, estimated, at a reading of `elapsed()`."""
        if self._low is None:
            return datetime.now(UTC) + timedelta(seconds=elapsed - self.elapsed())
        return datetime.fromtimestamp(elapsed + (self._low + self._high) / 2, UTC)

    def now(self) -> datetime:
        """Return the gateway's time, estimated; our own until it has told us."""
        return self.at(self.elapsed())
