"""Quotes as ticks: the first image of a line, what changed since, and the delayed kinds."""

from collections.abc import Iterator
from math import isnan
from typing import NamedTuple

from brokerage.simulator.listings import PROFILES
from brokerage.simulator.market import Quote
from brokerage.simulator.venue_lines import Line
from brokerage.simulator.venue_terms import price_text
from brokerage.tws.messages import TickGeneric, TickPrice, TickSize, TickString

Tick = TickPrice | TickSize | TickString | TickGeneric

HALTED, RT_VOLUME = 49, 48
HIST_VOLATILITY, IMPLIED_VOLATILITY, MARK, SHORTABLE, SHORTABLE_SHARES = 23, 24, 37, 46, 89
NO_PRICE = -1.0
EASY_TO_BORROW, LENDABLE = 3.0, 10_000_000.0


class Kinds(NamedTuple):
    """The numbers of the ticks of one kind of data."""

    bid: int
    ask: int
    last: int
    bid_size: int
    ask_size: int
    last_size: int
    volume: int
    high: int
    low: int
    close: int
    open: int
    last_time: int
    halted: int


LIVE_KINDS = Kinds(1, 2, 4, 0, 3, 5, 8, 6, 7, 9, 14, 45, HALTED)
DELAYED_KINDS = Kinds(66, 67, 68, 69, 70, 71, 74, 72, 73, 75, 76, 88, 90)


def image(line: Line, quote: Quote, halted: bool) -> list[Tick]:
    """Everything that is known, as the first ticks of a line."""
    req_id, kinds = line.req_id, _kinds(line)
    if line.index:
        return [*_last(line, quote), *_range(line, quote)]
    return [
        *_side(req_id, kinds.bid, kinds.bid_size, quote.bid, quote.bid_size),
        *_side(req_id, kinds.ask, kinds.ask_size, quote.ask, quote.ask_size),
        *_last(line, quote),
        TickSize(req_id, kinds.volume, quote.volume),
        *_range(line, quote),
        *_extras(line, quote),
        halt(line, halted),
        *_trade(line, quote),
    ]


def _last(line: Line, quote: Quote) -> list[Tick]:
    kinds = _kinds(line)
    return _side(line.req_id, kinds.last, kinds.last_size, quote.last, quote.last_size)


def _range(line: Line, quote: Quote) -> Iterator[Tick]:
    """High, low, close and open, as far as there are any."""
    kinds = _kinds(line)
    for kind, price in (
        (kinds.high, quote.high),
        (kinds.low, quote.low),
        (kinds.close, quote.close),
        (kinds.open, quote.open),
    ):
        if not isnan(price):
            yield TickPrice(line.req_id, kind, price)


def halt(line: Line, halted: bool) -> TickGeneric:
    """Whether trading is halted: 1, or not: 0."""
    return TickGeneric(line.req_id, _kinds(line).halted, float(halted))


def changes(line: Line, before: Quote, quote: Quote) -> list[Tick]:
    """What differs from the quote that the client has."""
    req_id, kinds = line.req_id, _kinds(line)
    ticks: list[Tick] = []
    if _differs(before.bid, quote.bid):
        ticks += _side(req_id, kinds.bid, kinds.bid_size, quote.bid, quote.bid_size)
    elif quote.bid_size != before.bid_size:
        ticks.append(TickSize(req_id, kinds.bid_size, quote.bid_size))
    if _differs(before.ask, quote.ask):
        ticks += _side(req_id, kinds.ask, kinds.ask_size, quote.ask, quote.ask_size)
    elif quote.ask_size != before.ask_size:
        ticks.append(TickSize(req_id, kinds.ask_size, quote.ask_size))
    if quote.last_time != before.last_time:
        ticks += _traded(line, kinds, before, quote)
    return ticks


def _differs(before: float, price: float) -> bool:
    """Whether a price has changed, come or gone; a missing one is nan."""
    return before != price and (before == before or price == price)


def _traded(line: Line, kinds: Kinds, before: Quote, quote: Quote) -> Iterator[Tick]:
    """What a trade changes."""
    req_id = line.req_id
    if quote.last != before.last:
        yield from _last(line, quote)
    elif quote.last_size != before.last_size:
        yield TickSize(req_id, kinds.last_size, quote.last_size)
    if _differs(before.high, quote.high):
        yield TickPrice(req_id, kinds.high, quote.high)
    if _differs(before.low, quote.low):
        yield TickPrice(req_id, kinds.low, quote.low)
    if _differs(before.open, quote.open):
        yield TickPrice(req_id, kinds.open, quote.open)
    if quote.close != before.close:
        yield TickPrice(req_id, kinds.close, quote.close)
    if line.index:
        return
    yield TickSize(req_id, kinds.volume, quote.volume)
    yield from _trade(line, quote)


def _side(req_id: int, price_kind: int, size_kind: int, price: float, size: float) -> list[Tick]:
    return [
        TickPrice(req_id, price_kind, price if price == price else NO_PRICE, size),
        TickSize(req_id, size_kind, size),
    ]


def _trade(line: Line, quote: Quote) -> Iterator[Tick]:
    """When the last trade was, and the trade itself for those who asked for it."""
    yield TickString(line.req_id, _kinds(line).last_time, str(int(quote.last_time)))
    if 233 in line.generic and not line.delayed and not isnan(quote.last):
        milliseconds = int(quote.last_time * 1000)
        parts = (quote.last, f"{quote.last_size:.0f}", milliseconds)
        text = ";".join(map(str, (*parts, f"{quote.volume:.0f}", price_text(quote.mid), "true")))
        yield TickString(line.req_id, RT_VOLUME, text)


def _extras(line: Line, quote: Quote) -> Iterator[Tick]:
    """The figures of the generic ticks that are served besides: 104, 106, 221, 232 and 236."""
    req_id, profile = line.req_id, PROFILES[line.listing.symbol]
    if 104 in line.generic:
        yield TickGeneric(req_id, HIST_VOLATILITY, profile.realized)
    if 106 in line.generic:
        yield TickGeneric(req_id, IMPLIED_VOLATILITY, profile.implied)
    if line.generic & {221, 232}:
        yield TickPrice(req_id, MARK, price_text(quote.mid))
    if 236 in line.generic and line.listing.sec_type == "STK":
        yield TickGeneric(req_id, SHORTABLE, EASY_TO_BORROW)
        yield TickSize(req_id, SHORTABLE_SHARES, LENDABLE)


def _kinds(line: Line) -> Kinds:
    return DELAYED_KINDS if line.delayed else LIVE_KINDS
