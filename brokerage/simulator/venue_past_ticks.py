"""The desk that knows every single tick of the past: trades, quotes and midpoints."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any

from brokerage.simulator.data_rules import no_permission
from brokerage.simulator.history_pacing import VIOLATION, HistoryPacing, weight_of
from brokerage.simulator.listings import INDICES
from brokerage.simulator.market import Quote
from brokerage.simulator.market.requests import BAD_KIND
from brokerage.simulator.refusals import HOSTILE, RequestError, refusing
from brokerage.simulator.turns import Turns
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_history import BAD_DATE, LATENCY
from brokerage.simulator.venue_terms import parse_stamp, price_text, resolve
from brokerage.tws.messages import (
    HistoricalTicks,
    HistoricalTicksBidAsk,
    HistoricalTicksLast,
    PastMidpoint,
    PastQuote,
    PastTrade,
    ReqHistoricalTicks,
)

MOST = 1000
VENUES = ("ARCA", "NASDAQ", "NYSE", "BATS", "IEX", "EDGX", "DRCTEDGE")
LOT, ODD_LOT = 100.0, "I"
FAILED = "Failed to request historical ticks:"

Answer = HistoricalTicks | HistoricalTicksBidAsk | HistoricalTicksLast


@dataclass(eq=False)
class Search:
    """One request under way: the ticks of the parts of a session that were looked through."""

    session: Session
    message: ReqHistoricalTicks
    parts: Iterator[list[Quote]]
    due: float  # epoch seconds of simulated time
    found: list[Quote] = field(default_factory=list)
    done: bool = False  # whether there is nothing more to look through


class PastTicksDesk:
    """Answers with ticks, a page at a time."""

    def __init__(self, floor: Floor, pacing: HistoryPacing, turns: Turns) -> None:
        """`pacing` knows what else of history was asked for."""
        self.floor, self._pacing, self._turns = floor, pacing, turns
        self.pending: set[Search] = set()
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqHistoricalTicks: self.request
        }

    @refusing
    def request(self, session: Session, message: ReqHistoricalTicks) -> None:
        """Up to `count` ticks from a start on or before an end, of one session, in one message.

        More come when it takes more to complete a second. Errors 200, 321, 10187 and 10314.
        """
        listing = resolve(self.floor.listings, message.contract)
        start, end = _epoch(message.start), _epoch(message.end)
        _check(message)
        if not self.floor.data.subscribed:
            words = no_permission(self.floor.listings, listing)
            raise RequestError(10187, f"{FAILED}{words}")
        self._pace(message, listing.con_id)
        parts = self._parts(listing.con_id, message, start, end)
        due = self.floor.clock.time() + LATENCY * self.floor.clock.speed
        search = Search(session, message, parts, due)
        self.pending.add(search)
        self._turns.take(session, message, self._look(search))
        self.floor.agenda.at(due, lambda: self._deliver(search))

    def _pace(self, message: ReqHistoricalTicks, con_id: int) -> None:
        """Raises RequestError for a pacing violation, where past ticks are paced."""
        series = (con_id, message.contract.exchange, message.what)
        same, weight = replace(message, req_id=0), weight_of(message.what)
        now, paced = self.floor.clock.time(), self.floor.data.tick_pacing
        if paced and self._pacing.violates(now, same, series, weight):
            raise RequestError(10187, f"{FAILED}{VIOLATION}")

    def _parts(
        self, con_id: int, message: ReqHistoricalTicks, start: float | None, end: float | None
    ) -> Iterator[list[Quote]]:
        market, what, bare = self.floor.market, message.what, message.ignore_size
        if start is None:
            before = partial(market.quote_before, con_id)
            for part in market.backward_in_parts(con_id, end, rth=message.use_rth):
                yield list(ticks_back(part, what, before, ignore_size=bare))
            return
        shown: Quote | None = None
        for part in market.forward_in_parts(con_id, start, rth=message.use_rth):
            told = list(part)
            if told:
                shown = shown or market.quote_before(con_id, told[0])
                yield list(ticks(told, what, shown, ignore_size=bare))
                shown = told[-1]
            else:
                yield []

    def _look(self, search: Search) -> Iterator[int]:
        """Look through some of the session at each step, until enough is found."""
        try:
            for number, part in enumerate(search.parts, 1):
                search.found += part
                if len(search.found) >= search.message.count:
                    break
                yield number
        except HOSTILE:
            self.pending.discard(search)
            raise
        search.done = True
        self._deliver(search)

    def _deliver(self, search: Search) -> None:
        """Answer, if it is time to and everything was looked through."""
        if search in self.pending and search.done and search.due <= self.floor.clock.time():
            self.pending.remove(search)
            message = search.message
            found = page(search.found, message.count)
            ascending = found if message.start else found[::-1]
            search.session.send(answer(message.req_id, message.what, ascending))

    def leave(self, session: Session) -> None:
        """Forget a client."""
        self.pending = {search for search in self.pending if search.session is not session}


def _epoch(text: str) -> float | None:
    try:
        return parse_stamp(text).timestamp() if text else None
    except ValueError:
        raise RequestError(10314, BAD_DATE) from None


def _check(message: ReqHistoricalTicks) -> None:
    if not 1 <= message.count <= MOST:
        cause = f"Number of ticks must be between 1 and {MOST}"
    elif message.what not in {"TRADES", "BID_ASK", "MIDPOINT"}:
        cause = BAD_KIND
    elif bool(message.start) == bool(message.end):
        cause = "Either start or end date/time must be given"
    else:
        return
    raise RequestError(321, f"Error validating request.-'bT' : cause - {cause}")


def ticks(
    told: Iterable[Quote], what: str, before: Quote, *, ignore_size: bool = False
) -> Iterator[Quote]:
    """Those changes of the quote that are ticks of a kind; `before` is the quote before them."""
    for quote in told:
        if is_tick(before, quote, what, ignore_size=ignore_size):
            yield quote
        before = quote


def is_tick(before: Quote, quote: Quote, what: str, *, ignore_size: bool) -> bool:
    """Whether a change of the quote is a tick of this kind."""
    if what == "TRADES":
        return quote.last_time == quote.time
    if math.isnan(quote.ask):
        return False  # an index: nobody quotes it
    if what == "MIDPOINT":
        return quote.mid != before.mid
    prices = (quote.bid, quote.ask) != (before.bid, before.ask) and not (
        math.isnan(quote.bid) and math.isnan(before.bid) and quote.ask == before.ask
    )
    sizes = (quote.bid_size, quote.ask_size) != (before.bid_size, before.ask_size)
    return prices or (sizes and not ignore_size)


def ticks_back(
    told: Iterable[Quote],
    what: str,
    before: Callable[[Quote], Quote],
    *,
    ignore_size: bool = False,
) -> Iterator[Quote]:
    """The same of changes that come newest first; `before` tells what the oldest one replaced."""
    after: Quote | None = None
    for quote in told:
        if after and is_tick(quote, after, what, ignore_size=ignore_size):
            yield after
        after = quote
    if after and is_tick(before(after), after, what, ignore_size=ignore_size):
        yield after


def page(found: Iterable[Quote], count: int) -> list[Quote]:
    """The first so many ticks, in either order, and what it takes to complete the last second."""
    taken: list[Quote] = []
    for _, second in groupby(found, lambda quote: int(quote.time)):
        if len(taken) >= count:
            break
        taken += second
    return taken


def answer(req_id: int, what: str, found: list[Quote]) -> Answer:
    """The ticks as the message of their kind; it is always the last one of its request."""
    if what == "TRADES":
        return HistoricalTicksLast(req_id, tuple(map(past_trade, found)))
    if what == "BID_ASK":
        return HistoricalTicksBidAsk(req_id, tuple(map(past_quote, found)))
    mids = tuple(PastMidpoint(int(quote.time), price_text(quote.mid)) for quote in found)
    return HistoricalTicks(req_id, mids)


def past_trade(quote: Quote) -> PastTrade:
    """The trade of a quote."""
    return PastTrade(
        int(quote.last_time), 0, price_text(quote.last), quote.last_size, venue(quote),
        conditions(quote),
    )  # fmt: skip


def past_quote(quote: Quote) -> PastQuote:
    """Both sides of a quote."""
    mask = int(quote.ask > quote.high) + 2 * int(quote.bid < quote.low)
    return PastQuote(
        int(quote.time), mask, price_text(quote.bid), price_text(quote.ask),
        quote.bid_size, quote.ask_size,
    )  # fmt: skip


def venue(quote: Quote) -> str:
    """Where a trade was made; by its time, so that everybody is told the same."""
    if quote.con_id in INDICES:
        return INDICES[quote.con_id].exchange
    return VENUES[int(quote.last_time * 4) * 2654435761 % 2**32 % len(VENUES)]


def conditions(quote: Quote) -> str:
    """The sale conditions of a trade: odd lots of shares are marked."""
    return ODD_LOT if 0 < quote.last_size < LOT else ""
