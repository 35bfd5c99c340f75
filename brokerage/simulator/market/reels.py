"""The tape of one instrument cut into minutes of quotes, which every reader of it shares."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf, nan

import numpy as np
from numpy.typing import NDArray

from brokerage.simulator.market.hours import BLOCK, Span
from brokerage.simulator.market.noise import TICK, Floats, Ints
from brokerage.simulator.market.shapes import Quote
from brokerage.simulator.market.tape import Tape, Top, Trades
from brokerage.tws.objects import assembled

REEL = 240  # ticks: a minute, and a block is a whole number of them
KEPT_REELS = 6  # per instrument; live and delayed readers are a quarter of an hour apart


@dataclass(frozen=True)
class Day:
    """What happened in a day before one of its blocks, and the close before that day."""

    open: float
    high: float
    low: float
    volume: float
    close: float


@dataclass(frozen=True)
class Reel:
    """One minute: the ticks of its changes, the quotes then, and the quote that it begins with."""

    ticks: list[int]
    quotes: list[Quote]
    first: Quote

    def at(self, tick: int) -> Quote:
        """The quote of a tick of this minute."""
        place = bisect_right(self.ticks, tick) - 1
        quote = self.quotes[place] if place >= 0 else self.first
        return quote if quote.time == tick * TICK else replace(quote, time=tick * TICK)

    def between(self, first: int, last: int) -> list[Quote]:
        """The changes at the ticks first … last."""
        return self.quotes[bisect_left(self.ticks, first) : bisect_right(self.ticks, last)]


class Reels:
    """One instrument's quotes by minute, made when they are asked for and kept for a while."""

    def __init__(
        self,
        con_id: int,
        tape: Tape,
        span: Callable[[int], Span],
        day: Callable[[Span, int], Day],
    ) -> None:
        """`span` gives the day of a block, `day` what happened in it before a block."""
        self.con_id, self.tape = con_id, tape
        self._span, self._day = span, day
        self._reel = lru_cache(KEPT_REELS)(self._made)

    def at(self, tick: int) -> Quote:
        """The quote of a tick."""
        return self._reel(tick // REEL).at(tick)

    def changes(self, first: int, last: int) -> Iterator[Quote]:
        """Each change at the ticks first … last, ascending."""
        for number in range(first // REEL, last // REEL + 1):
            yield from self._reel(number).between(first, last)

    def changes_back(self, first: int, last: int) -> Iterator[Quote]:
        """The same, newest first."""
        for number in range(last // REEL, first // REEL - 1, -1):
            yield from reversed(self._reel(number).between(first, last))

    def _made(self, number: int) -> Reel:
        start = number * REEL
        lead = 1 if start % BLOCK else 0  # a block begins with a change: its first trade
        index = np.arange(start - lead, start + REEL, dtype=np.int64)
        top, trades = self.tape.quotes(index), self.tape.trades(start // BLOCK)
        changed = _changed(index, top, trades)
        chosen = changed.copy()
        chosen[:lead], chosen[lead] = False, True
        quotes = self._quotes(index, top, trades, chosen)
        skip = 0 if changed[lead] else 1
        return Reel(index[chosen].tolist()[skip:], quotes[skip:], quotes[0])

    def _quotes(
        self, index: Ints, top: Top, trades: Trades, chosen: NDArray[np.bool_]
    ) -> list[Quote]:
        """The quotes at the chosen ones of the ticks, which lie in one block."""
        block = int(index[-1]) // BLOCK
        span = self._span(block)
        day = self._day(span, block)
        columns = {
            "bid": top.bid[chosen],
            "ask": top.ask[chosen],
            "bid_size": top.bid_size[chosen],
            "ask_size": top.ask_size[chosen],
            "time": index[chosen] * TICK,
            **self._traded(index[chosen], trades, day, block),
        }
        if not span.opening <= block < span.close:
            columns |= {name: np.full(len(columns["time"]), value) for name, value in _range(day)}
        rows = zip(*(values.tolist() for values in columns.values()), strict=True)
        whole = vars(Quote(self.con_id, close=day.close))
        return [assembled(Quote, whole | dict(zip(columns, row, strict=True))) for row in rows]

    def _traded(self, ticks: Ints, trades: Trades, day: Day, block: int) -> dict[str, Floats]:
        """What the trades up to each tick make of the figures that depend on them."""
        place = np.searchsorted(trades.index, ticks, side="right")
        # A halt can leave a block without its first trade.
        before = (0, nan, nan) if place[0] else self.tape.last_before(block)
        started = day.high > -inf or not len(trades.price)
        opening = day.open if started else float(trades.price[0])
        return {
            "last": _headed(before[1], trades.price)[place],
            "last_size": _headed(before[2], trades.size)[place],
            "last_time": _headed(before[0], trades.index)[place] * TICK,
            "volume": _headed(0.0, trades.volume)[place] + day.volume,
            "open": np.where(place > 0, opening, day.open),
            "high": _finite(np.maximum(_headed(-inf, trades.high)[place], day.high)),
            "low": _finite(np.minimum(_headed(inf, trades.low)[place], day.low)),
        }


def _changed(index: Ints, top: Top, trades: Trades) -> NDArray[np.bool_]:
    """At which ticks there is a trade or the top of the book differs from the tick before."""
    changed = np.zeros(len(index), dtype=np.bool_)
    low, high = np.searchsorted(trades.index, (index[0], index[-1] + 1))
    changed[trades.index[low:high] - index[0]] = True
    for values in (top.bid, top.ask, top.bid_size, top.ask_size):
        changed[1:] |= np.diff(np.nan_to_num(values)) != 0
    if not index[0] % BLOCK:
        changed[0] = True
    return changed


def _headed(first: float, values: Floats | Ints) -> Floats:
    return np.concatenate([[first], values])


def _finite(values: Floats) -> Floats:
    return np.where(np.isinf(values), nan, values)


def _range(day: Day) -> list[tuple[str, float]]:
    """Open, high and low as the regular session has left them: none before it."""
    known = day.high > -inf
    return [
        ("open", day.open),
        ("high", day.high if known else nan),
        ("low", day.low if known else nan),
    ]
