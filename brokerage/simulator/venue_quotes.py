"""The desk that quotes: snapshots and streams of what the market shows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import isnan, nan
from typing import Any

from brokerage.simulator.data_rules import no_live_data
from brokerage.simulator.listings import SYMBOLS, Listing
from brokerage.simulator.market import Phase, Quote
from brokerage.simulator.refusals import RequestError, refusing
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_greeks import computations
from brokerage.simulator.venue_lines import Allowance, Kind, Line, generic_ticks, objection
from brokerage.simulator.venue_terms import resolve
from brokerage.simulator.venue_ticks import changes, halt, image
from brokerage.tws.messages import (
    CancelMktData,
    MarketDataType,
    ReqMarketDataType,
    ReqMktData,
    SnapshotEnd,
    TickReqParams,
)

SNAPSHOT_LIMIT = 11.0  # simulated seconds after which a snapshot ends without data
FROZEN_AGE = 60.0  # seconds by which frozen quotes are old at the start of a line
DELAYED_NOTICE = (
    10167,
    "Requested market data is not subscribed. Displaying delayed market data.",
)
NOT_SUBSCRIBED = (354, "Requested market data is not subscribed.")


class QuotesDesk:
    """Serves quotes to any number of clients, which share the login's lines."""

    def __init__(self, floor: Floor, allowance: Allowance) -> None:
        self.floor, self._allowance = floor, allowance
        self._lines: dict[tuple[Session, int], Line] = {}
        allowance.count(lambda: len(self._lines))
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqMktData: self.request,
            CancelMktData: self.cancel,
            ReqMarketDataType: self.data_type,
        }

    def data_type(self, session: Session, message: ReqMarketDataType) -> None:
        """Which kind of data later requests may be served with."""
        session.data_type = message.kind

    @refusing
    def request(self, session: Session, message: ReqMktData) -> None:
        """A snapshot, or a line that stays open; 101, 102, 200, 321, 354 or 10089 if not."""
        listing = self._listing(message)
        self._check(session, message, listing)
        self._open(session, message, listing)

    def _check(self, session: Session, message: ReqMktData, listing: Listing) -> None:
        """Raises RequestError for what is not served."""
        cause = objection(message, listing)
        if cause:
            raise RequestError(321, f"Error validating request.-'bW' : cause - {cause}")
        once = message.snapshot or message.regulatory
        if once and self.floor.levers.snapshots_always_fail:
            raise RequestError(*NOT_SUBSCRIBED)
        if (session, message.req_id) in self._lines:
            raise RequestError(102, "Duplicate ticker id")
        if not once and self._allowance.used_up:
            raise RequestError(101, "Max number of tickers has been reached")
        if not self._permitted(message) and session.data_type < Kind.DELAYED:
            raise RequestError(10089, no_live_data(self.floor.listings, listing))

    def _permitted(self, message: ReqMktData) -> bool:
        """Whether live data are subscribed; a regulatory snapshot is paid for one by one."""
        return self.floor.data.subscribed or message.regulatory

    def _listing(self, message: ReqMktData) -> Listing:
        """What is quoted; raises ContractError."""
        listing = resolve(self.floor.listings, message.contract)
        if not self.floor.levers.swap_symbols or listing.symbol not in SYMBOLS:
            return listing
        other = SYMBOLS[(SYMBOLS.index(listing.symbol) + 1) % len(SYMBOLS)]
        return self.floor.listings.find(symbol=other, sec_type="STK")[0]

    def _open(self, session: Session, message: ReqMktData, listing: Listing) -> None:
        line, levers = self._line(session, message, listing), self.floor.levers
        if line.delayed:
            session.error(*DELAYED_NOTICE, line.req_id)
        session.send(_params(line))
        session.send(MarketDataType(line.req_id, levers.market_data_type or line.kind))
        silent = levers.mute_symbol == listing.symbol
        if not silent:
            self._show(line, self._quote(line))
        if not (message.snapshot or message.regulatory):
            self._lines[session, message.req_id] = line
        elif not levers.snapshot_never_ends:
            wait = SNAPSHOT_LIMIT if silent else 0.0
            self.floor.agenda.later(wait, lambda: session.send(SnapshotEnd(line.req_id)))

    def _line(self, session: Session, message: ReqMktData, listing: Listing) -> Line:
        """The request with what it begins with."""
        now, market = self.floor.clock.time(), self.floor.market
        delayed = self.floor.levers.delayed_data or not self._permitted(message)
        generic = generic_ticks(message.generic_ticks)
        wanted = session.data_type
        line = Line(session, message.req_id, listing, generic, wanted, delayed, now, now)
        line.phase = market.hours(listing.con_id).phase(now - line.lag)
        line.kind, line.halted = line.kind_in(line.phase), market.halted(listing.con_id)
        return line

    def cancel(self, session: Session, message: CancelMktData) -> None:
        """Close a line; error 300 for one that is not open."""
        if self._lines.pop((session, message.req_id), None) is None:
            session.error(300, f"Can't find EId with tickerId:{message.req_id}", message.req_id)

    def push(self) -> None:
        """Send each line what has changed since it was last served."""
        now = self.floor.clock.time()
        for line in list(self._lines.values()):
            if self._flows(line, now):
                self._turn(line, now)
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

    def _turn(self, line: Line, now: float) -> None:
        """Tell of a halt, of the exchange's opening and of its close."""
        market, con_id = self.floor.market, line.listing.con_id
        halted = market.halted(con_id)
        if halted is not line.halted and not line.index:
            line.halted = halted
            line.session.send(halt(line, halted))
        phase = market.hours(con_id).phase(now - line.lag)
        if phase is line.phase:
            return
        closed = Phase.CLOSED in (phase, line.phase)
        line.phase = phase
        kind = line.kind_in(phase)
        if kind is not line.kind:
            line.kind = kind
            line.session.send(MarketDataType(line.req_id, kind))
        if closed:
            self._show(line, self._quote(line))

    def _updates(self, line: Line, now: float) -> Iterator[Quote]:
        if self.floor.levers.frozen_quotes:
            line.shown = None
            yield self._quote(line)
            return
        market, con_id = self.floor.market, line.listing.con_id
        yield from market.updates(con_id, line.seen_until - line.lag, now - line.lag)

    def _quote(self, line: Line) -> Quote:
        at = self.floor.clock.time() - line.lag
        if self.floor.levers.frozen_quotes:
            at = line.opened_at - FROZEN_AGE
        return self.floor.market.quote(line.listing.con_id, at)

    def _show(self, line: Line, quote: Quote) -> None:
        before, quote = line.shown, self._spoil(line, quote)
        ticks = image(line, quote, line.halted) if before is None else changes(line, before, quote)
        for tick in ticks:
            line.session.send(tick)
        if ticks and line.option:
            for one in computations(
                self.floor.market, line.req_id, before, quote, delayed=line.delayed
            ):
                line.session.send(one)
        line.shown = quote

    def _spoil(self, line: Line, quote: Quote) -> Quote:
        levers, blank = self.floor.levers, line.blank
        if levers.no_bid or blank:
            quote = replace(quote, bid=nan, bid_size=0.0)
        if levers.no_ask or blank:
            quote = replace(quote, ask=nan, ask_size=0.0)
        if levers.crossed_quotes and not isnan(quote.bid + quote.ask):
            quote = replace(quote, bid=quote.ask + 0.05, ask=quote.bid)
        return quote

    def lose(self) -> None:
        """Close every line, and tell nobody."""
        self._lines.clear()

    def leave(self, session: Session) -> None:
        """Close a client's lines."""
        for key in [key for key in self._lines if key[0] is session]:
            del self._lines[key]


def _params(line: Line) -> TickReqParams:
    """What a line is quoted in; an index has no book whose exchanges could be mapped."""
    exchanges, snapshots = ("", 0) if line.index else ("9c0001", 3)
    return TickReqParams(line.req_id, line.listing.min_tick, exchanges, snapshots)
