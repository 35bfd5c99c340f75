"""The desk that quotes: snapshots and streams of what the market shows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Any

from brokerage.simulator.listings import SYMBOLS, Listing
from brokerage.simulator.market import Quote
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_terms import ContractError, resolve
from brokerage.simulator.venue_ticks import LIVE, changes, image, option_model
from brokerage.tws.messages import (
    CancelMktData,
    MarketDataType,
    ReqMarketDataType,
    ReqMktData,
    SnapshotEnd,
    TickReqParams,
)

MOST_LINES = 100
SNAPSHOT_LIMIT = 11.0  # simulated seconds after which a snapshot ends without data
DELAY = 900.0  # seconds by which delayed data lag
FROZEN_AGE = 60.0  # seconds by which frozen quotes are old at the start of a line
DELAYED_NOTICE = (
    10167,
    "Requested market data is not subscribed. Displaying delayed market data.",
)
NOT_SUBSCRIBED = (354, "Requested market data is not subscribed.")


@dataclass(eq=False)
class Line:
    """One request for quotes; `shown` is the quote that the client has, None before the first."""

    session: Session
    req_id: int
    listing: Listing
    rt_volume: bool
    opened_at: float
    seen_until: float
    data_type: int = LIVE
    shown: Quote | None = None
    sent_at: float = 0.0


class QuotesDesk:
    """Serves quotes to any number of clients."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self._lines: dict[tuple[Session, int], Line] = {}
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqMktData: self.request,
            CancelMktData: self.cancel,
            ReqMarketDataType: self.data_type,
        }

    def data_type(self, session: Session, message: ReqMarketDataType) -> None:
        """Which kind of data later requests may be served with."""
        session.data_type = message.kind

    def request(self, session: Session, message: ReqMktData) -> None:
        """A snapshot, or a line that stays open; 101, 102, 200 or 354 if there is none."""
        refusal = self._refusal(session, message)
        if refusal:
            session.error(*refusal, message.req_id)
            return
        try:
            listing = self._listing(message)
        except ContractError as error:
            session.error(error.code, error.text, message.req_id)
            return
        self._open(session, message, listing)

    def _refusal(self, session: Session, message: ReqMktData) -> tuple[int, str] | None:
        if message.snapshot and self.floor.levers.snapshots_always_fail:
            return NOT_SUBSCRIBED
        if (session, message.req_id) in self._lines:
            return 102, "Duplicate ticker id"
        if not message.snapshot and len(self._lines) >= MOST_LINES:
            return 101, "Max number of tickers has been reached"
        return None

    def _listing(self, message: ReqMktData) -> Listing:
        """What is quoted; raises ContractError."""
        listing = resolve(self.floor.listings, message.contract)
        if not self.floor.levers.swap_symbols:
            return listing
        other = SYMBOLS[(SYMBOLS.index(listing.symbol) + 1) % len(SYMBOLS)]
        return self.floor.listings.find(symbol=other, sec_type="STK")[0]

    def _open(self, session: Session, message: ReqMktData, listing: Listing) -> None:
        now, levers = self.floor.clock.time(), self.floor.levers
        line = Line(session, message.req_id, listing, "233" in message.generic_ticks, now, now)
        if levers.delayed_data:
            session.error(*DELAYED_NOTICE, message.req_id)
            line.data_type = 3
        session.send(TickReqParams(line.req_id, listing.min_tick, "9c0001", 3))
        session.send(MarketDataType(line.req_id, levers.market_data_type or line.data_type))
        silent = levers.mute_symbol == listing.symbol
        if not silent:
            self._show(line, self._quote(line))
        if not message.snapshot:
            self._lines[session, message.req_id] = line
        elif not levers.snapshot_never_ends:
            wait = SNAPSHOT_LIMIT if silent else 0.0
            self.floor.agenda.later(wait, lambda: session.send(SnapshotEnd(line.req_id)))

    def cancel(self, session: Session, message: CancelMktData) -> None:
        """Close a line; error 300 for one that is not open."""
        if self._lines.pop((session, message.req_id), None) is None:
            session.error(300, f"Can't find EId with tickerId:{message.req_id}", message.req_id)

    def contracts(self) -> set[int]:
        """What is being watched."""
        return {line.listing.con_id for line in self._lines.values()}

    def push(self) -> None:
        """Send each line what has changed since it was last served."""
        now = self.floor.clock.time()
        for line in list(self._lines.values()):
            if self._flows(line, now):
                for quote in self._updates(line, now):
                    self._show(line, quote)
                line.sent_at = now
            line.seen_until = now

    def _flows(self, line: Line, now: float) -> bool:
        """Whether a fault lets this line be served now."""
        levers = self.floor.levers
        if levers.mute_symbol == line.listing.symbol:
            return False
        limit = levers.stream_stops_after_s
        if limit is not None and now - line.opened_at > limit:
            return False
        return levers.stream_slow_s is None or now - line.sent_at >= levers.stream_slow_s

    def _updates(self, line: Line, now: float) -> Iterator[Quote]:
        if self.floor.levers.frozen_quotes:
            line.shown = None
            yield self._quote(line)
            return
        lag = DELAY if line.data_type == 3 else 0.0
        market, con_id = self.floor.market, line.listing.con_id
        yield from market.updates(con_id, line.seen_until - lag, now - lag)

    def _quote(self, line: Line) -> Quote:
        at = self.floor.clock.time()
        if self.floor.levers.frozen_quotes:
            at = line.opened_at - FROZEN_AGE
        elif line.data_type == 3:
            at -= DELAY
        return self.floor.market.quote(line.listing.con_id, at)

    def _show(self, line: Line, quote: Quote) -> None:
        quote = self._spoil(quote)
        first = line.shown is None
        ticks = image(line, quote) if first else changes(line, line.shown or quote, quote)
        sent = False
        for tick in ticks:
            line.session.send(tick)
            sent = True
        if sent and line.listing.sec_type == "OPT" and line.data_type == LIVE:
            greeks = self.floor.market.greeks(line.listing.con_id)
            line.session.send(option_model(line.req_id, greeks))
        line.shown = quote

    def _spoil(self, quote: Quote) -> Quote:
        levers = self.floor.levers
        if levers.no_bid:
            quote = replace(quote, bid=nan, bid_size=0.0)
        if levers.no_ask:
            quote = replace(quote, ask=nan, ask_size=0.0)
        if levers.crossed_quotes and not isnan(quote.bid + quote.ask):
            quote = replace(quote, bid=quote.ask + 0.05, ask=quote.bid)
        return quote

    def leave(self, session: Session) -> None:
        """Close a client's lines."""
        for key in [key for key in self._lines if key[0] is session]:
            del self._lines[key]
