"""How much history a user may ask for: the documented pacing rules.

For bars of 30 seconds and less and for real-time bars the rules are hard, and a request that
breaks one is refused: the same request within 15 seconds, a sixth one for the same contract,
exchange and kind of data within two seconds, more than 60 in ten minutes (bid-and-ask counts
twice). For longer bars the vendor has lifted them and speaks of a soft limit that slows the
answers down; how, is not documented. Here each such request beyond 60 in ten minutes waits two
seconds longer than the one before, a minute at most. A request that is refused does not count.
"""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field

SAME, BURST, WINDOW = 15.0, 2.0, 600.0  # simulated seconds
MOST_IN_BURST, MOST_IN_WINDOW = 5, 60
SLOWER, SLOWEST = 2.0, 60.0  # simulated seconds
VIOLATION = "Historical data request pacing violation"
MOST_OPEN = 50
TOO_MANY_OPEN = "Only 50 simultaneous API historical data requests allowed."


def weight_of(what: str) -> int:
    """How many requests one counts for: bids and asks are two."""
    return 2 if what == "BID_ASK" else 1


@dataclass
class _Counted:
    """Requests of the last ten minutes: when, and how much each counts."""

    taken: deque[tuple[float, int]] = field(default_factory=deque)

    def weight(self, now: float) -> int:
        """How much has been asked for in the window that ends now."""
        while self.taken and now - self.taken[0][0] >= WINDOW:
            self.taken.popleft()
        return sum(weight for _, weight in self.taken)


class HistoryPacing:
    """The requests of one login, whichever client made them."""

    def __init__(self) -> None:
        self._hard, self._soft = _Counted(), _Counted()
        self._same: dict[Hashable, float] = {}
        self._series: dict[Hashable, deque[float]] = {}

    def violates(self, now: float, request: Hashable, series: Hashable, weight: int = 1) -> bool:
        """Whether a request under the hard rules is too much; one that is not is counted."""
        self._forget(now)
        burst = self._series.setdefault(series, deque())
        if (
            request in self._same
            or len(burst) >= MOST_IN_BURST
            or self._hard.weight(now) + weight > MOST_IN_WINDOW
        ):
            return True
        self._same[request] = now
        burst.append(now)
        self._hard.taken.append((now, weight))
        return False

    def delay(self, now: float, weight: int = 1) -> float:
        """By how many seconds the answer under the soft rules is late; the request is counted."""
        excess = self._soft.weight(now) + weight - MOST_IN_WINDOW
        self._soft.taken.append((now, weight))
        return min(max(excess, 0) * SLOWER, SLOWEST)

    def _forget(self, now: float) -> None:
        self._same = {key: at for key, at in self._same.items() if now - at < SAME}
        for burst in self._series.values():
            while burst and now - burst[0] >= BURST:
                burst.popleft()
        self._series = {key: burst for key, burst in self._series.items() if burst}
