"""Day trades: what was opened and closed on one day, and how many an account may still do.

FINRA rule 4210 as it stood until 4 June 2026: an account below 25,000 dollars may day-trade three
times in five sessions.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from brokerage.simulator.holidays import is_session, previous_session
from brokerage.simulator.orders import Fill, Key

MOST, SESSIONS = 3, 5
THRESHOLD = 25_000.0  # dollars of net liquidation value from which nobody counts
UNLIMITED = -1


class DayTrades:
    """The day trades of one account."""

    def __init__(self) -> None:
        self._opened: dict[int, float] = {}  # signed, by contract, today
        self._closers: dict[Key, None] = {}  # orders that made a day trade today
        self._days: list[date] = []

    def booked(self, fill: Fill, closed: float, today: date) -> None:
        """A fill, of which so much closed a position; one order makes one day trade at most."""
        signed = fill.signed
        opened = self._opened.get(fill.con_id, 0.0)
        if closed and opened * signed < 0 and fill.key not in self._closers:
            self._closers[fill.key] = None
            self._days.append(today)
        direction = 1.0 if signed > 0 else -1.0
        if closed and opened * signed < 0:
            opened += direction * min(closed, abs(opened))
        self._opened[fill.con_id] = opened + direction * (fill.quantity - closed)

    @property
    def many(self) -> bool:
        """Whether there are so many, however old, that none may be left."""
        return len(self._days) >= MOST

    def remaining(self, today: date) -> int:
        """How many more are allowed in the last five sessions, today's included."""
        first = _sessions_ago(today)
        return max(MOST - sum(1 for day in self._days if day >= first), 0)

    def kept(self) -> dict[str, Any]:
        """The state as JSON values."""
        return {
            "opened": [[con_id, signed] for con_id, signed in self._opened.items()],
            "closers": [list(key) for key in self._closers],
            "days": [day.isoformat() for day in self._days],
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on where `kept` was taken; raises KeyError, TypeError or ValueError for nonsense."""
        opened = {int(con_id): float(signed) for con_id, signed in kept["opened"]}
        closers = {(int(client), int(order)): None for client, order in kept["closers"]}
        self._days = [date.fromisoformat(day) for day in kept["days"]]
        self._opened, self._closers = opened, closers

    def begin(self) -> None:
        """A new day: nothing has been opened on it yet."""
        self._opened.clear()
        self._closers.clear()
        del self._days[: -MOST * SESSIONS]


def _sessions_ago(today: date) -> date:
    """The first of the last five sessions."""
    day = today if is_session(today) else previous_session(today)
    for _ in range(SESSIONS - 1):
        day = previous_session(day)
    return day
