"""The market seen through the clock: what each instrument is quoted at, and what changed since."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from math import inf, nan

import numpy as np

from brokerage.simulator.clock import Clock
from brokerage.simulator.holidays import midnight
from brokerage.simulator.listings import Listing, Listings, expires
from brokerage.simulator.market import history
from brokerage.simulator.market.events import Events
from brokerage.simulator.market.hours import (
    BLOCK,
    AlwaysOpen,
    ByCalendar,
    Phase,
    Span,
    block_at,
    regular,
    tick_at,
)
from brokerage.simulator.market.index_tape import IndexTape
from brokerage.simulator.market.noise import TICK
from brokerage.simulator.market.pricing import greeks, implied
from brokerage.simulator.market.reels import REEL, Day, Reels
from brokerage.simulator.market.requests import Request
from brokerage.simulator.market.shapes import Bar, Greeks, Quote
from brokerage.simulator.market.tape import OptionTape, ShareTape, Tape

HALF_A_DAY = 12 * 3600
MOST_UPDATES = 400
PART = 5 * REEL  # ticks that are looked through in one go: some 4 ms
KEPT_DAYS = 4096

Mark = tuple[float, Quote, float]  # a moment, the quote then, and its mid


class Market:
    """Quotes that depend on nothing but seed and simulated time, in whatever order one asks.

    `always_open` trades around the clock; otherwise the exchange calendar rules, shares trade
    outside regular hours too, and between the sessions the last quote stands. Halts and moves,
    which somebody has to order, change what comes after them and nothing before.
    """

    def __init__(
        self, listings: Listings, clock: Clock, seed: int = 7, *, always_open: bool = True
    ) -> None:
        self.listings, self.clock, self.seed, self.always_open = listings, clock, seed, always_open
        self._listing = listings.listed
        kind = AlwaysOpen if always_open else ByCalendar
        self._regular, self._extended = kind(extended=False), kind(extended=True)
        self._events: dict[int, Events] = {}
        self._tapes: dict[int, Tape] = {}
        self._shares: dict[int, ShareTape] = {}
        self._reels: dict[int, Reels] = {}
        self._marks: dict[int, Mark] = {}
        self._day = lru_cache(KEPT_DAYS)(self._day_before)

    def updates(
        self, con_id: int, after: float, until: float, limit: int = MOST_UPDATES
    ) -> list[Quote]:
        """Each change of the quote at times in (after, until], ascending; the newest `limit`.

        No more than one block of ticks (half an hour) before `until` is looked at.
        """
        reels = self.reels(con_id)
        found: list[Quote] = []
        for first, last in self.hours(con_id).ranges(after, until):
            found += reels.changes(max(first, last - BLOCK + 1), last)
        return found[-limit:]

    def forward(self, con_id: int, start: float, *, rth: bool = False) -> Iterator[Quote]:
        """Every change of the quote from a time on until now, in the first session that has any."""
        return chain.from_iterable(self.forward_in_parts(con_id, start, rth=rth))

    def forward_in_parts(
        self, con_id: int, start: float, *, rth: bool = False
    ) -> Iterator[Iterator[Quote]]:
        """The same a few minutes at a time: what is hardly traded takes long to look through."""
        reels, hours = self.reels(con_id), self._history_hours(con_id, rth=rth)
        now = self.clock.time()
        if start > now:
            return
        for first, last in hours.ahead(max(start, self._since(con_id)), now):
            for number in range(first // PART, last // PART + 1):
                yield reels.changes(max(first, number * PART), min(last, (number + 1) * PART - 1))

    def backward(
        self, con_id: int, end: float | None = None, *, rth: bool = False
    ) -> Iterator[Quote]:
        """Every change before a time (None: up to now), newest first, in the last such session."""
        return chain.from_iterable(self.backward_in_parts(con_id, end, rth=rth))

    def backward_in_parts(
        self, con_id: int, end: float | None = None, *, rth: bool = False
    ) -> Iterator[Iterator[Quote]]:
        """The same a few minutes at a time."""
        reels, hours = self.reels(con_id), self._history_hours(con_id, rth=rth)
        latest = self._next_tick() * TICK
        until = latest if end is None else min(end, latest)
        if until <= self._since(con_id):
            return
        first, last = hours.behind(until)
        for number in range(last // PART, first // PART - 1, -1):
            yield reels.changes_back(max(first, number * PART), min(last, (number + 1) * PART - 1))

    def quote(self, con_id: int, at: float | None = None) -> Quote:
        """The quote now (or `at` epoch seconds); raises KeyError for an unknown contract."""
        if at is None:
            return self._mark(con_id)[1]
        return self.reels(con_id).at(self._tick(con_id, at))

    def _mark(self, con_id: int) -> Mark:
        """This moment, its quote and the mid: kept, since an order asks several times."""
        now = self.clock.time()
        known = self._marks.get(con_id)
        if known is None or known[0] != now:
            quote = self.reels(con_id).at(self.hours(con_id).tick(now))
            mid = known[2] if known is not None and known[1] is quote else quote.mid
            known = self._marks[con_id] = now, quote, mid
        return known

    def quote_before(self, con_id: int, change: Quote) -> Quote:
        """The quote that a change replaced; raises KeyError for an unknown contract."""
        return self.quote(con_id, change.time - TICK)

    def _day_before(self, con_id: int, span: Span, block: int) -> Day:
        """The day that began with `span.first`, up to and without `block`."""
        tape = self._tape(con_id)
        close = self._close(con_id, self.hours(con_id).close_day(block * BLOCK * TICK))
        volume = sum(tape.summary(earlier).volume for earlier in range(span.first, block))
        parts = [
            tape.summary(earlier) for earlier in range(span.opening, int(min(block, span.close)))
        ]
        parts = [part for part in parts if part.count]
        if not parts:
            return Day(nan, -inf, inf, volume, close)
        return Day(
            open=parts[0].open,
            high=max(part.high for part in parts),
            low=min(part.low for part in parts),
            volume=volume,
            close=close,
        )

    def _close(self, con_id: int, day: date) -> float:
        """The last trade of a session; of one before it, if a halt took up its last half-hour."""
        tape, block = self._tape(con_id), block_at(regular(day)[1]) - 1
        closing = tape.summary(block)
        return closing.close if closing.count else tape.last_before(block)[1]

    def price(self, con_id: int) -> float:
        """What a position is valued at: the mid of the quote."""
        return self._mark(con_id)[2]

    def greeks(self, con_id: int, at: float | None = None) -> Greeks:
        """The model's figures of an option now (or `at`); raises KeyError for anything else."""
        terms, vol, spot, left = self._model(con_id, at)
        return greeks(spot, terms.strike, terms.right, vol, left)

    def implied(self, con_id: int, price: float, at: float | None = None) -> Greeks | None:
        """The figures that a price implies; None where no volatility explains it."""
        terms, _, spot, left = self._model(con_id, at)
        vol = implied(price, spot, terms.strike, terms.right, left)
        return None if vol is None else greeks(spot, terms.strike, terms.right, vol, left)

    def _model(self, con_id: int, at: float | None) -> tuple[Listing, float, float, float]:
        """Terms, volatility, price of the underlying and seconds to expiry."""
        tape = self._tape(con_id)
        if not isinstance(tape, OptionTape):
            raise KeyError(con_id)
        index = np.array([self._tick(con_id, at)], dtype=np.int64)
        left = float(tape.seconds_left(index)[0])
        return self._listing(con_id), tape.vol, float(tape.levels(index)[0]), left

    def phase(self, con_id: int | None = None) -> Phase:
        """Whether the exchange is open now, for this contract (None: for shares)."""
        if self.always_open:
            return Phase.REGULAR
        hours = self._extended if con_id is None else self.hours(con_id)
        return hours.phase(self.clock.time())

    def halt(self, con_id: int) -> None:
        """Stop trading in a contract, and in the options on it, from the next tick on."""
        self._event(con_id).halt(self._next_tick())
        self._forget()

    def resume(self, con_id: int) -> None:
        """Lift the halt of a contract; nothing happens if there is none."""
        self._event(con_id).resume(self._next_tick())
        self._forget()

    def halted(self, con_id: int) -> bool:
        """Whether a contract, or what it is an option on, is halted."""
        listing = self._listing(con_id)
        ids = (con_id, listing.under_con_id)
        return any(self._events[one].halted for one in ids if one in self._events)

    def move(self, con_id: int, ratio: float) -> None:
        """Multiply the price of a share or an index from the next tick on; options follow.

        Raises ValueError for an option or a ratio that is not positive.
        """
        if self._listing(con_id).under_con_id or not 0 < ratio < inf:
            raise ValueError("no option's price is moved, and a ratio is positive")
        self._event(con_id).move(self._next_tick(), ratio)
        self._forget()

    def _event(self, con_id: int) -> Events:
        self._listing(con_id)
        return self._events.setdefault(con_id, Events())

    def _next_tick(self) -> int:
        return tick_at(self.clock.time()) + 1

    def _forget(self) -> None:
        """Make everything anew from now on; what lies before comes out the same."""
        for kept in (self._tapes, self._shares, self._reels, self._marks):
            kept.clear()
        self._day.cache_clear()

    def bars(
        self,
        con_id: int,
        end: datetime | None,
        duration: str,
        bar_size: str,
        what: str = "TRADES",
        rth: bool = True,
    ) -> list[Bar]:
        """Bars up to `end` (None: now), ascending; see `Request` for the words.

        Days are sessions: when always open, whole ones that are over, so that `1 D` ends at the
        close of the quote; by the calendar, the one under way counts. Raises BarRequestError
        for a bad request, KeyError for an unknown contract.
        """
        request = Request.parse(self._until(end), duration, bar_size, what, rth)
        return [bar for part in self.bars_in_parts(con_id, request) for bar in part]

    def bars_in_parts(self, con_id: int, request: Request) -> Iterator[list[Bar]]:
        """The same a stretch at a time, so that a long request need not stop everything else."""
        tape, hours = self._tape(con_id), self._history_hours(con_id, rth=request.rth)
        since = self._since(con_id)
        return history.parts(tape, hours, request, since) if request.end > since else iter(())

    def _since(self, con_id: int) -> float:
        """Where the past of a contract begins, in epoch seconds."""
        return midnight(self._listing(con_id).first_day)

    def bar(
        self, con_id: int, what: str, size: int, until: float, *, rth: bool = False
    ) -> Bar | None:
        """The bar of so many seconds under way just before `until`, as far as it had come then.

        One without a trade stands at the last; None outside the hours asked for, and for bids
        and asks of an index.
        """
        hours, tape = self._history_hours(con_id, rth=rth), self._tape(con_id)
        start = history.bar_start(hours, size, until - TICK)
        if start is None or (what != "TRADES" and not tape.quoted):
            return None
        found = history.running(tape, what, size, start, until)
        return found or history.quiet(self.quote(con_id, start).last, start, size)

    def _until(self, end: datetime | None) -> float:
        now = self.clock.time()
        return min(end.timestamp(), now) if end else now

    def hours(self, con_id: int) -> AlwaysOpen:
        """When a contract is quoted: shares outside regular hours too, others only in them."""
        return self._extended if self._listing(con_id).extended else self._regular

    def _history_hours(self, con_id: int, *, rth: bool) -> AlwaysOpen:
        return self._regular if rth else self.hours(con_id)

    def _tick(self, con_id: int, at: float | None = None) -> int:
        return self.hours(con_id).tick(self.clock.time() if at is None else at)

    def reels(self, con_id: int) -> Reels:
        """An instrument's quotes by minute; raises KeyError for an unknown contract."""
        if con_id not in self._reels:
            tape, hours = self._tape(con_id), self.hours(con_id)
            self._reels[con_id] = Reels(
                con_id,
                tape,
                lambda block: hours.span(block * BLOCK * TICK),
                lambda span, block: self._day(con_id, span, block),
            )
        return self._reels[con_id]

    def _tape(self, con_id: int) -> Tape:
        if con_id not in self._tapes:
            self._tapes[con_id] = self._new_tape(self._listing(con_id))
        return self._tapes[con_id]

    def _new_tape(self, listing: Listing) -> Tape:
        if listing.sec_type == "IND":
            return IndexTape(self.seed, listing.con_id, self._event(listing.con_id))
        if listing.sec_type == "OPT":
            return self._option(listing)
        return self._share(listing.con_id)

    def _share(self, con_id: int) -> ShareTape:
        if con_id not in self._shares:
            listing = self._listing(con_id)
            self._shares[con_id] = ShareTape(self.seed, listing, self._event(con_id))
        return self._shares[con_id]

    def _option(self, listing: Listing) -> OptionTape:
        least = HALF_A_DAY if self.always_open else 60.0
        share = self._share(listing.under_con_id)
        events = (self._event(listing.under_con_id), self._event(listing.con_id))
        return OptionTape(self.seed, listing, share, expires(listing), least, *events)
