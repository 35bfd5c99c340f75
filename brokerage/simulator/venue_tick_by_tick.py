"""The desk that streams every single tick: trades, quotes or midpoints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from brokerage.simulator.data_rules import no_permission
from brokerage.simulator.listings import Listing
from brokerage.simulator.market import Quote
from brokerage.simulator.refusals import RequestError, refusing
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_past_ticks import (
    answer,
    conditions,
    ticks,
    ticks_back,
    venue,
)
from brokerage.simulator.venue_terms import price_text, resolve
from brokerage.tws.messages import CancelTickByTick, ReqTickByTick, TickByTick

KINDS = {
    "Last": (1, "TRADES"),
    "AllLast": (2, "TRADES"),
    "BidAsk": (3, "BID_ASK"),
    "MidPoint": (4, "MIDPOINT"),
}
MOST_PAST = 1000
FAILED = "Failed to request tick-by-tick data."
EVERYTHING = 1_000_000  # updates; a line is never so far behind


@dataclass(eq=False)
class Stream:
    """One request; `shown` is the last change of the quote that it has looked at."""

    session: Session
    req_id: int
    listing: Listing
    number: int
    what: str
    ignore_size: bool
    seen_until: float
    shown: Quote

    def message(self, quote: Quote) -> TickByTick:
        """A tick of this kind."""
        if self.what == "TRADES":
            return TickByTick(
                self.req_id, self.number, int(quote.last_time), price_text(quote.last),
                quote.last_size, 0, venue(quote), conditions(quote),
            )  # fmt: skip
        if self.what == "MIDPOINT":
            return TickByTick(self.req_id, self.number, int(quote.time), price_text(quote.mid))
        return TickByTick(
            self.req_id,
            self.number,
            int(quote.time),
            mask=int(quote.bid < quote.low) + 2 * int(quote.ask > quote.high),
            bid=price_text(quote.bid),
            ask=price_text(quote.ask),
            bid_size=quote.bid_size,
            ask_size=quote.ask_size,
        )


class TickByTickDesk:
    """Streams ticks to any number of clients; the login has few such streams."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self._streams: dict[tuple[Session, int], Stream] = {}
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqTickByTick: self.request,
            CancelTickByTick: self.cancel,
        }

    @refusing
    def request(self, session: Session, message: ReqTickByTick) -> None:
        """`count` past ticks, then each one as it comes; 102, 200, 321, 10189 or 10190 if not."""
        listing = resolve(self.floor.listings, message.contract)
        self._check(session, message, listing)
        number, what = KINDS[message.tick_type]
        market, now = self.floor.market, self.floor.clock.time()
        if message.count > 0:
            told = market.backward(listing.con_id)
            before = partial(market.quote_before, listing.con_id)
            found = ticks_back(told, what, before, ignore_size=message.ignore_size)
            past = list(islice(found, min(message.count, MOST_PAST)))
            session.send(answer(message.req_id, what, past[::-1]))
        self._streams[session, message.req_id] = Stream(
            session, message.req_id, listing, number, what, message.ignore_size, now,
            market.quote(listing.con_id),
        )  # fmt: skip

    def _check(self, session: Session, message: ReqTickByTick, listing: Listing) -> None:
        """Raises RequestError for what is not served."""
        rules, kind = self.floor.data, message.tick_type
        if kind not in KINDS:
            cause = f"There is no tick-by-tick data of type '{kind[:20]}'."
            raise RequestError(321, f"Error validating request.-'bT' : cause - {cause}")
        if (session, message.req_id) in self._streams:
            raise RequestError(102, "Duplicate ticker id")
        if listing.sec_type == "OPT":
            words = f"{kind} tick-by-tick requests are not supported for {listing.local_symbol}."
            raise RequestError(10189, FAILED + words)
        if not rules.subscribed:
            raise RequestError(10189, f"{FAILED}{no_permission(self.floor.listings, listing)}.")
        if len(self._streams) >= rules.tick_lines:
            raise RequestError(10190, "Max number of tick-by-tick requests has been reached.")

    def cancel(self, session: Session, message: CancelTickByTick) -> None:
        """End a stream; error 300 if there is none."""
        if self._streams.pop((session, message.req_id), None) is None:
            session.error(300, f"Can't find EId with tickerId:{message.req_id}", message.req_id)

    def push(self) -> None:
        """Send each stream the ticks since it was last served."""
        now, market = self.floor.clock.time(), self.floor.market
        for stream in list(self._streams.values()):
            told = market.updates(stream.listing.con_id, stream.seen_until, now, EVERYTHING)
            found = ticks(told, stream.what, stream.shown, ignore_size=stream.ignore_size)
            for quote in found:
                stream.session.send(stream.message(quote))
            stream.seen_until = now
            stream.shown = told[-1] if told else stream.shown

    def lose(self) -> None:
        """End every stream, and tell nobody."""
        self._streams.clear()

    def leave(self, session: Session) -> None:
        """End a client's streams."""
        for key in [key for key in self._streams if key[0] is session]:
            del self._streams[key]
