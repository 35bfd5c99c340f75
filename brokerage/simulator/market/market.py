"""The market seen through the clock: what each instrument is quoted at, and what changed since."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from brokerage.simulator.clock import Clock
from brokerage.simulator.holidays import midnight, session
from brokerage.simulator.listings import Listing, Listings
from brokerage.simulator.market import history
from brokerage.simulator.market.hours import AlwaysOpen, ByCalendar, regular, tick_at
from brokerage.simulator.market.noise import TICK, Floats, Ints
from brokerage.simulator.market.pricing import greeks
from brokerage.simulator.market.shapes import Bar, Greeks, Quote
from brokerage.simulator.market.tape import BLOCK, OptionTape, ShareTape, Tape, Top, Trades

AFTERNOON = 16 * 3600  # options expire at the close; on a day without one, at 16:00 all the same
HALF_A_DAY = 12 * 3600
MOST_UPDATES = 400
KEPT_DAYS = 4096


@dataclass(frozen=True)
class Day:
    """What happened in a day before one of its blocks, and the close before that day."""

    open: float
    high: float
    low: float
    volume: float
    close: float


class Market:
    """Quotes that depend on nothing but seed and simulated time, in whatever order one asks.

    `always_open` trades around the clock; otherwise the exchange calendar rules and quotes
    freeze at the last close.
    """

    def __init__(
        self, listings: Listings, clock: Clock, seed: int = 7, *, always_open: bool = True
    ) -> None:
        self.listings, self.clock, self.seed, self.always_open = listings, clock, seed, always_open
        self._hours = AlwaysOpen() if always_open else ByCalendar()
        self._tapes: dict[int, Tape] = {}
        self._shares: dict[int, ShareTape] = {}
        self._watched: Counter[int] = Counter()
        self._stepped = clock.time()
        self._day = lru_cache(KEPT_DAYS)(self._day_before)

    def watch(self, con_id: int) -> None:
        """Include an instrument in `step`; counted, so that each watch needs its `unwatch`."""
        self._tape(con_id)
        self._watched[con_id] += 1

    def unwatch(self, con_id: int) -> None:
        """Take back one `watch`; one that was never made is ignored."""
        self._watched[con_id] -= 1
        self._watched = +self._watched

    def step(self) -> list[int]:
        """Advance to the clock's time; the watched contracts whose quote changed since."""
        after, self._stepped = self._stepped, self.clock.time()
        return [con_id for con_id in self._watched if self.updates(con_id, after, self._stepped, 1)]

    def updates(
        self, con_id: int, after: float, until: float, limit: int = MOST_UPDATES
    ) -> list[Quote]:
        """Each change of the quote at times in (after, until], ascending; the newest `limit`.

        No more than one block of ticks (half an hour) before `until` is looked at.
        """
        tape = self._tape(con_id)
        found: list[Quote] = []
        for first, last in self._hours.ranges(after, until):
            for index in _by_block(max(first, last - BLOCK + 1), last):
                found += self._changes(con_id, tape, index)
        return found[-limit:]

    def _changes(self, con_id: int, tape: Tape, index: Ints) -> list[Quote]:
        """Quotes at those of the ticks, all in one block, that differ from the tick before."""
        block = int(index[0]) // BLOCK
        lead = 1 if index[0] % BLOCK else 0  # each block begins with a trade, hence a change
        with_lead = np.concatenate([index[:1] - 1, index]) if lead else index
        top, trades = tape.quotes(with_lead), tape.trades(block)
        changed = np.isin(with_lead, trades.index)
        for values in (top.bid, top.ask, top.bid_size, top.ask_size):
            changed[1:] |= np.diff(np.nan_to_num(values)) != 0
        changed[:lead] = False
        return self._quotes(con_id, tape, with_lead, top, changed)

    def quote(self, con_id: int, at: float | None = None) -> Quote:
        """The quote now (or `at` epoch seconds); raises KeyError for an unknown contract."""
        tape = self._tape(con_id)
        index = np.array([self._tick(at)], dtype=np.int64)
        return self._quotes(con_id, tape, index, tape.quotes(index), np.array([True]))[0]

    def _quotes(
        self, con_id: int, tape: Tape, index: Ints, top: Top, chosen: NDArray[np.bool_]
    ) -> list[Quote]:
        block = int(index[0]) // BLOCK
        trades = tape.trades(block)
        first = int(self._hours.day_start(block * BLOCK * TICK) / TICK) // BLOCK
        day = self._day(con_id, first, block)
        ticks = index[chosen]
        last = np.searchsorted(trades.index, ticks, side="right") - 1
        columns = _columns(top, trades, chosen, ticks, last, day)
        opening = day.open if day.volume else float(trades.price[0])
        return [
            Quote(con_id, open=opening, close=day.close, **dict(zip(columns, row, strict=True)))
            for row in zip(*columns.values(), strict=True)
        ]

    def _day_before(self, con_id: int, first: int, block: int) -> Day:
        """The day that began with block `first`, up to and without `block`."""
        tape = self._tapes[con_id]
        close = self._close(tape, self._hours.close_day(block * BLOCK * TICK))
        parts = [tape.summary(earlier) for earlier in range(first, block)]
        if not parts:
            return Day(np.nan, -np.inf, np.inf, 0.0, close)
        return Day(
            open=parts[0].open,
            high=max(part.high for part in parts),
            low=min(part.low for part in parts),
            volume=sum(part.volume for part in parts),
            close=close,
        )

    def _close(self, tape: Tape, day: date) -> float:
        return tape.summary(tick_at(regular(day)[1]) // BLOCK - 1).close

    def price(self, con_id: int) -> float:
        """What a position is valued at: the mid of the quote."""
        return self.quote(con_id).mid

    def greeks(self, con_id: int) -> Greeks:
        """Model figures of an option now; raises KeyError for anything else."""
        tape = self._tape(con_id)
        if not isinstance(tape, OptionTape):
            raise KeyError(con_id)
        index = np.array([self._tick()], dtype=np.int64)
        terms, left = self._listing(con_id), float(tape.seconds_left(index)[0])
        return greeks(float(tape.levels(index)[0]), terms.strike, terms.right, tape.vol, left)

    def is_open(self) -> bool:
        """Whether orders fill now."""
        return self._hours.is_open(self.clock.time())

    def bars(
        self,
        con_id: int,
        end: datetime | None,
        duration: str,
        bar_size: str,
        what: str = "TRADES",
        rth: bool = True,
    ) -> list[Bar]:
        """Bars up to `end` (None: now), ascending.

        Durations in S, D, W, M, Y; bar sizes from `1 secs` to `1 day`; TRADES, MIDPOINT, BID,
        ASK or BID_ASK. Days are sessions: when always open, whole ones that are over, so that
        `1 D` ends at the close of the quote; by the calendar, the one under way counts.
        Raises BarRequestError for a bad request, KeyError for an unknown contract.
        """
        now = self.clock.time()
        until = min(end.timestamp(), now) if end else now
        request = history.Request.parse(until, duration, bar_size, what, rth)
        return history.bars(self._tape(con_id), self._hours, request)

    def _tick(self, at: float | None = None) -> int:
        return self._hours.tick(self.clock.time() if at is None else at)

    def _listing(self, con_id: int) -> Listing:
        listing = self.listings.by_id(con_id)
        if listing is None:
            raise KeyError(con_id)
        return listing

    def _tape(self, con_id: int) -> Tape:
        if con_id not in self._tapes:
            listing = self._listing(con_id)
            option = listing.sec_type == "OPT"
            self._tapes[con_id] = self._option(listing) if option else self._share(con_id)
        return self._tapes[con_id]

    def _share(self, con_id: int) -> ShareTape:
        if con_id not in self._shares:
            self._shares[con_id] = ShareTape(self.seed, self._listing(con_id))
        return self._shares[con_id]

    def _option(self, listing: Listing) -> OptionTape:
        day = date.fromisoformat(listing.expiry)
        hours = session(day)
        expires = hours[1] if hours else midnight(day) + AFTERNOON
        least = HALF_A_DAY if self.always_open else 60.0
        share = self._share(listing.under_con_id)
        return OptionTape(self.seed, listing, share, expires, least)


def _by_block(first: int, last: int) -> Iterator[Ints]:
    """The ticks first … last, one block after the other."""
    for block in range(first // BLOCK, last // BLOCK + 1):
        low, high = max(first, block * BLOCK), min(last, (block + 1) * BLOCK - 1)
        if low <= high:
            yield np.arange(low, high + 1, dtype=np.int64)


def _columns(
    top: Top, trades: Trades, chosen: NDArray[np.bool_], ticks: Ints, last: Ints, day: Day
) -> dict[str, list[float]]:
    """The figures of a quote that change from tick to tick, by their names in it."""
    columns: dict[str, Floats] = {
        "bid": top.bid[chosen],
        "ask": top.ask[chosen],
        "bid_size": top.bid_size[chosen],
        "ask_size": top.ask_size[chosen],
        "last": trades.price[last],
        "last_size": trades.size[last],
        "volume": trades.volume[last] + day.volume,
        "high": np.maximum(trades.high[last], day.high),
        "low": np.minimum(trades.low[last], day.low),
        "time": ticks * TICK,
        "last_time": trades.index[last] * TICK,
    }
    return {name: values.tolist() for name, values in columns.items()}
