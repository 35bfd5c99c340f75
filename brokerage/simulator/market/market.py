"""The market seen through the clock: what each instrument is quoted at, and what changed since."""

from datetime import datetime

from brokerage.simulator.clock import Clock
from brokerage.simulator.listings import Listings
from brokerage.simulator.market.shapes import Bar, Greeks, Quote


class Market:
    """Quotes that depend on nothing but the seed and simulated time, in whatever order they are asked.

    `always_open` trades around the clock; otherwise the exchange calendar rules and quotes
    freeze at the last close.
    """

    def __init__(
        self, listings: Listings, clock: Clock, seed: int = 7, *, always_open: bool = True
    ) -> None:
        self.listings, self.clock, self.seed, self.always_open = listings, clock, seed, always_open

    def watch(self, con_id: int) -> None:
        """Include an instrument in `step`; counted, so that each watch needs its `unwatch`."""
        raise NotImplementedError

    def unwatch(self, con_id: int) -> None:
        """Take back one `watch`; one that was never made is ignored."""
        raise NotImplementedError

    def step(self) -> list[int]:
        """Advance to the clock's time; the watched contracts whose quote changed since."""
        raise NotImplementedError

    def updates(self, con_id: int, after: float, until: float, limit: int = 400) -> list[Quote]:
        """Each change of the quote at times in (after, until], ascending; the newest `limit` of them."""
        raise NotImplementedError

    def quote(self, con_id: int, at: float | None = None) -> Quote:
        """The quote now (or `at` epoch seconds); raises KeyError for an unknown contract."""
        raise NotImplementedError

    def price(self, con_id: int) -> float:
        """What a position is valued at: the mid of the quote."""
        raise NotImplementedError

    def greeks(self, con_id: int) -> Greeks:
        """Model figures of an option now; raises KeyError for anything else."""
        raise NotImplementedError

    def is_open(self) -> bool:
        """Whether orders fill now."""
        raise NotImplementedError

    def bars(
        self,
        con_id: int,
        end: datetime | None,
        duration: str,
        bar_size: str,
        what: str = "TRADES",
        rth: bool = True,
    ) -> list[Bar]:
        """Bars up to `end` (None: now), ascending; raises BarRequestError for a bad request."""
        raise NotImplementedError
