"""Hold requests back so that the gateway never has to: message rate, historical data, back-off."""

from collections import deque
from collections.abc import Hashable

from brokerage.clock import SessionClock

MESSAGES_PER_SECOND = 45.0
# IBKR allows 50 in any second: rate and burst together stay below it.
BURST = 3
BACKOFF_SECONDS = (2.0, 4.0, 8.0)

IDENTICAL_SECONDS = 15.0
SAME_CONTRACT_SECONDS, SAME_CONTRACT_MOST = 2.0, 5
ALL_SECONDS, ALL_MOST = 600.0, 60


class Bucket:
    """Tokens for messages: at most `burst` at once, and `rate` a session second."""

    def __init__(
        self, clock: SessionClock, rate: float = MESSAGES_PER_SECOND, burst: int = BURST
    ) -> None:
        self._clock, self._step, self._burst = clock, 1 / rate, burst
        self._full_at = 0.0
        self.sent_at: deque[float] = deque(maxlen=1000)

    @classmethod
    def keeping(cls, clock: SessionClock, most: int) -> "Bucket":
        """Return one that lets at most `most` messages go in any second, and is never wider."""
        burst = min(BURST, most)
        return cls(clock, max(1.0, min(MESSAGES_PER_SECOND, most - burst)), burst)

    def delay(self) -> float:
        """Session seconds until the next message may go."""
        return max(0.0, self._full_at - (self._burst - 1) * self._step - self._clock.elapsed())

    def spend(self, messages: int = 1) -> None:
        """Count messages that go now, whether or not there are tokens for them."""
        now = self._clock.elapsed()
        self._full_at = max(self._full_at, now) + messages * self._step
        self.sent_at.extend([now] * messages)

    async def take(self) -> None:
        """Wait for a token and spend it."""
        while (wait := self.delay()) > 0:
            await self._clock.sleep(wait)
        self.spend()


class HistoryBuckets:
    """IBKR's three limits on historical requests; a request that would break one is held back.

    Identical requests: one in 15 s. One contract and kind of data: five in 2 s. All: sixty in ten
    minutes, where BID_ASK counts double.
    """

    def __init__(self, clock: SessionClock) -> None:
        self._clock = clock
        self._identical: dict[Hashable, float] = {}
        self._same: dict[Hashable, deque[float]] = {}
        self._all: deque[float] = deque()
        self.held: list[float] = []

    def delay(self, request: Hashable, contract: Hashable, cost: int = 1) -> float:
        """Session seconds until this request may go."""
        now = self._clock.elapsed()
        waits = [0.0]
        if request in self._identical:
            waits.append(self._identical[request] + IDENTICAL_SECONDS - now)
        same = self._same.get(contract, deque())
        if len(same) >= SAME_CONTRACT_MOST:
            waits.append(same[-SAME_CONTRACT_MOST] + SAME_CONTRACT_SECONDS - now)
        recent = [at for at in self._all if at > now - ALL_SECONDS]
        if len(recent) + cost > ALL_MOST:
            waits.append(recent[len(recent) + cost - ALL_MOST - 1] + ALL_SECONDS - now)
        return max(waits)

    def spend(self, request: Hashable, contract: Hashable, cost: int = 1) -> None:
        """Count a request that goes now."""
        now = self._clock.elapsed()
        self._identical = {
            key: at for key, at in self._identical.items() if at > now - IDENTICAL_SECONDS
        }
        self._identical[request] = now
        self._same.setdefault(contract, deque(maxlen=SAME_CONTRACT_MOST)).append(now)
        while self._all and self._all[0] <= now - ALL_SECONDS:
            self._all.popleft()
        self._all.extend([now] * cost)

    async def admit(self, request: Hashable, contract: Hashable, cost: int = 1) -> float:
        """Wait until the request may go, count it, and return how long it was held back."""
        began = self._clock.elapsed()
        while (wait := self.delay(request, contract, cost)) > 0:
            await self._clock.sleep(wait)
        self.spend(request, contract, cost)
        held = self._clock.elapsed() - began
        self.held.append(held)
        return held


def most_in_a_second(times: list[float]) -> int:
    """Return the largest number of these ascending moments that lie within one second."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most
