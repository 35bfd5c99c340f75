"""Quotes as ticks: the first image of a line, what changed since, and the delayed kinds."""

from collections.abc import Iterator
from math import isnan
from typing import Protocol

from brokerage.simulator.listings import Listing
from brokerage.simulator.market import Greeks, Quote
from brokerage.simulator.venue_terms import price_text
from brokerage.tws.messages import (
    TickGeneric,
    TickOptionComputation,
    TickPrice,
    TickSize,
    TickString,
)

LIVE = 1
BID, ASK, LAST, HIGH, LOW, CLOSE, OPEN = 1, 2, 4, 6, 7, 9, 14
BID_SIZE, ASK_SIZE, LAST_SIZE, VOLUME = 0, 3, 5, 8
LAST_TIME, RT_VOLUME, HALTED, MODEL = 45, 48, 49, 13
DELAYED = {
    BID: 66, ASK: 67, LAST: 68, BID_SIZE: 69, ASK_SIZE: 70, LAST_SIZE: 71, HIGH: 72, LOW: 73,
    VOLUME: 74, CLOSE: 75, OPEN: 76, LAST_TIME: 88, RT_VOLUME: 77, HALTED: 90,
}  # fmt: skip
BOTH = ((BID, BID_SIZE, "bid"), (ASK, ASK_SIZE, "ask"), (LAST, LAST_SIZE, "last"))
DAY = ((HIGH, "high"), (LOW, "low"), (CLOSE, "close"), (OPEN, "open"))

Tick = TickPrice | TickSize | TickString | TickGeneric


class Line(Protocol):
    """What the ticks need to know of a request."""

    req_id: int
    listing: Listing
    rt_volume: bool
    data_type: int


def image(line: Line, quote: Quote) -> Iterator[Tick]:
    """Everything that is known, as the first ticks of a line."""
    for price, size, name in BOTH:
        yield from _side(line, quote, price, size, name)
    yield TickSize(line.req_id, _kind(line, VOLUME), quote.volume)
    for price, name in DAY:
        if not isnan(getattr(quote, name)):
            yield TickPrice(line.req_id, _kind(line, price), price_text(getattr(quote, name)))
    yield TickGeneric(line.req_id, _kind(line, HALTED), 0.0)
    yield from _trade(line, quote)


def changes(line: Line, before: Quote, quote: Quote) -> Iterator[Tick]:
    """What differs from the quote that the client has."""
    for price, size, name in BOTH:
        if _differs(before, quote, name):
            yield from _side(line, quote, price, size, name)
        elif _differs(before, quote, f"{name}_size"):
            yield TickSize(line.req_id, _kind(line, size), getattr(quote, f"{name}_size"))
    for price, name in DAY:
        if _differs(before, quote, name):
            yield TickPrice(line.req_id, _kind(line, price), price_text(getattr(quote, name)))
    if quote.last_time != before.last_time:
        yield TickSize(line.req_id, _kind(line, VOLUME), quote.volume)
        yield from _trade(line, quote)


def _side(line: Line, quote: Quote, price: int, size: int, name: str) -> Iterator[Tick]:
    amount = getattr(quote, f"{name}_size")
    yield TickPrice(line.req_id, _kind(line, price), price_text(getattr(quote, name)), amount)
    yield TickSize(line.req_id, _kind(line, size), amount)


def _trade(line: Line, quote: Quote) -> Iterator[Tick]:
    """When the last trade was, and the trade itself for those who asked for it."""
    yield TickString(line.req_id, _kind(line, LAST_TIME), str(int(quote.last_time)))
    if line.rt_volume and not isnan(quote.last):
        milliseconds = int(quote.last_time * 1000)
        parts = (price_text(quote.last), f"{quote.last_size:.0f}", milliseconds)
        text = ";".join(map(str, (*parts, f"{quote.volume:.0f}", price_text(quote.mid), "true")))
        yield TickString(line.req_id, _kind(line, RT_VOLUME), text)


def _kind(line: Line, kind: int) -> int:
    return kind if line.data_type == LIVE else DELAYED[kind]


def _differs(before: Quote, quote: Quote, name: str) -> bool:
    old, new = getattr(before, name), getattr(quote, name)
    return bool(old != new) and not (isnan(old) and isnan(new))


def option_model(req_id: int, greeks: Greeks) -> TickOptionComputation:
    """The model's figures."""
    return TickOptionComputation(
        req_id=req_id,
        kind=MODEL,
        iv=greeks.iv,
        delta=greeks.delta,
        price=greeks.price,
        pv_dividend=greeks.pv_dividend,
        gamma=greeks.gamma,
        vega=greeks.vega,
        theta=greeks.theta,
        under_price=greeks.und_price,
    )
