"""A venue without a socket and one client of it, both moved by hand."""

from datetime import UTC, datetime
from typing import Any

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.listings import Listings
from brokerage.simulator.market import Market
from brokerage.simulator.venue import Venue
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.tws import messages as tws

MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)  # half an hour after the opening
SPY = tws.Contract(symbol="SPY", sec_type="STK", exchange="SMART", currency="USD")


def market_at(at: datetime | float, seed: int = 7, *, always_open: bool = True) -> Market:
    """A market at a moment, aware or in epoch seconds, whose clock stands."""
    when = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    clock = ManualClock(when)
    return Market(Listings(clock), clock, seed, always_open=always_open)


def market_on(*when: int, always_open: bool = True) -> Market:
    """The same at year, month, day, hour … in UTC."""
    return market_at(datetime(*when, tzinfo=UTC), always_open=always_open)  # type: ignore[arg-type, misc]


class Table:
    """A venue and one client; `sent` is what the client has been sent."""

    def __init__(
        self, start: datetime = MONDAY, *, seed: int = 7, always_open: bool = True, **floor: Any
    ) -> None:
        self.clock = ManualClock(start)
        self.venue = Venue(Floor(self.clock, seed=seed, always_open=always_open, **floor))
        self.market = self.venue.floor.market
        self.sent: list[Any] = []
        self.session = Session(1, self.sent.append, self.sent.clear)
        self.venue.enter(self.session)

    def say(self, message: object) -> None:
        """The client sends a message."""
        self.venue.receive(self.session, message)

    def wait(self, seconds: float) -> None:
        """Simulated time passes, a market step at a time."""
        for _ in range(round(seconds / 0.25)):
            self.clock.advance(0.25)
            self.venue.catch_up(self.clock.time())

    def told(self, kind: type) -> list[Any]:
        """What the client has been sent of one kind."""
        return [message for message in self.sent if isinstance(message, kind)]

    def codes(self) -> list[int]:
        """The errors it has been sent, without the notices of the farms."""
        return [one.code for one in self.told(tws.Error) if not 2100 <= one.code < 2200]
