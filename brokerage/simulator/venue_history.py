"""The desk that knows the past: historical bars and how far they reach back."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from typing import Any

from brokerage.simulator.data_rules import no_permission
from brokerage.simulator.history_pacing import (
    MOST_OPEN,
    TOO_MANY_OPEN,
    VIOLATION,
    HistoryPacing,
    weight_of,
)
from brokerage.simulator.listings import Listing
from brokerage.simulator.market import Bar, BarRequestError, Request
from brokerage.simulator.market.requests import DAILY
from brokerage.simulator.refusals import HOSTILE, RequestError, refusing
from brokerage.simulator.turns import Turns
from brokerage.simulator.venue_bars import BarsDesk
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_terms import parse_stamp, resolve, stamp, wire_bar
from brokerage.tws.messages import (
    CancelHeadTimestamp,
    CancelHistoricalData,
    HeadTimestamp,
    HistoricalData,
    ReqHeadTimestamp,
    ReqHistoricalData,
    WireBar,
)

LATENCY = 0.25  # wall seconds; a real gateway fetches bars from a farm
BLOCKED, BLOCKED_WALL = 60.0, 6.0  # seconds, simulated or on the wall, whichever is longer
PARTS = 8  # half-hours of trading cut in one go: some 5 ms, in which nobody else is served
SMALL = 30  # seconds; the pacing rules are hard for bars up to this size
FIRST_TRADE, AS_TEXT = time(14, 30, tzinfo=UTC), "%Y%m%d  %H:%M:%S"
BAD_DATE = (
    "Invalid date, time, or time-zone entered. The correct format is yyyymmdd hh:mm:ss xx/xxxx."
)
SERVICE = "Historical Market Data Service error message:"
ADJUSTED = "ADJUSTED_LAST"  # the same as the trades: nothing here splits or pays a dividend
# Refused as a gateway without the service does: 321 would leave ib_async waiting for ever.
VOLATILITY = {
    "HISTORICAL_VOLATILITY": "HistoricalVol",
    "OPTION_IMPLIED_VOLATILITY": "OptionImpliedVol",
}
NAMES = {"TRADES": "Trades", "MIDPOINT": "Midpoint", "BID": "Bid", "ASK": "Ask"}


@dataclass(eq=False)
class Query:
    """One request under way: its bars come a few half-hours of trading at a time."""

    session: Session
    message: ReqHistoricalData
    listing: Listing
    request: Request
    parts: Iterator[list[Bar]]
    due: float
    bars: list[Bar] = field(default_factory=list)
    cut: bool = False  # whether the bars are all there

    @property
    def key(self) -> tuple[Session, int]:
        """Who asked, and under which id."""
        return self.session, self.message.req_id


class HistoryDesk:
    """Answers with bars."""

    def __init__(self, floor: Floor, bars: BarsDesk, turns: Turns) -> None:
        self.floor, self._live, self._turns = floor, bars, turns
        self.pacing = HistoryPacing()
        self.pending: dict[tuple[Session, int], Query] = {}  # not answered yet
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqHistoricalData: self.request,
            CancelHistoricalData: self.cancel,
            ReqHeadTimestamp: self.head,
            CancelHeadTimestamp: lambda session, message: None,
        }

    @refusing
    def request(self, session: Session, message: ReqHistoricalData) -> None:
        """Bars after a moment; 162, 200, 321, 322 or 10314 for what cannot be served."""
        try:
            query = self._query(session, message)
        except BarRequestError as error:
            raise RequestError(error.code, _refusal(error)) from None
        except ValueError:
            raise RequestError(10314, BAD_DATE) from None
        if not self.floor.levers.history_mute:
            self.pending[query.key] = query
            self._turns.take(session, message, self._cut(query))
            # Booked now, so that answers due together come in the order of their requests.
            self.floor.agenda.at(query.due, lambda: self._deliver(query))

    def _query(self, session: Session, message: ReqHistoricalData) -> Query:
        """Raises RequestError, BarRequestError, or ValueError for a bad date."""
        listing = resolve(self.floor.listings, message.contract)
        end = parse_stamp(message.end) if message.end else None
        now, market = self.floor.clock.time(), self.floor.market
        until = min(end.timestamp(), now) if end else now
        what = "TRADES" if message.what in {ADJUSTED, *VOLATILITY} else message.what
        request = Request.parse(until, message.duration, message.bar_size, what, message.use_rth)
        _check_kind(message, request, listing)
        if message.keep_up_to_date:
            _check_live(message, request)
            request = replace(request, live=True)
        self._check_open(session, message.req_id)
        if not self.floor.data.subscribed:
            raise RequestError(162, f"{SERVICE}{no_permission(self.floor.listings, listing)}")
        due = now + self._delay(session, message, request, listing)
        parts = market.bars_in_parts(listing.con_id, request)
        return Query(session, message, listing, request, parts, due)

    def _check_open(self, session: Session, req_id: int) -> None:
        """Raises RequestError for an id in use, and for more than fifty requests at a time."""
        if (session, req_id) in self.pending or self._live.has(session, req_id):
            cause = "Duplicate ticker ID for API historical data query"
        elif len(self.pending) + self._live.kept_bars >= MOST_OPEN:
            cause = TOO_MANY_OPEN
        else:
            return
        raise RequestError(322, f"Error processing request.-'bS' : cause - {cause}")

    def _delay(
        self, session: Session, message: ReqHistoricalData, request: Request, listing: Listing
    ) -> float:
        """Simulated seconds until the answer; raises RequestError for a pacing violation."""
        clock, levers = self.floor.clock, self.floor.levers
        delay = LATENCY * clock.speed
        if levers.history_blocks_connection:
            delay = max(BLOCKED, BLOCKED_WALL * clock.speed)
            session.blocked_until = clock.time() + delay
        if not self.floor.data.history_pacing:
            return delay
        weight = weight_of(message.what)
        if request.size > SMALL:
            return delay + self.pacing.delay(clock.time(), weight)
        same = replace(message, req_id=0)
        series = (listing.con_id, message.contract.exchange, message.what)
        if self.pacing.violates(clock.time(), same, series, weight):
            raise RequestError(162, f"{SERVICE}{VIOLATION}")
        return delay

    def _cut(self, query: Query) -> Iterator[int]:
        """Cut some of the bars at each step, as long as they are wanted."""
        try:
            for number, part in enumerate(query.parts, 1):
                query.bars += part
                if number % PARTS == 0:
                    yield number
                if not self._waits(query):
                    return
        except HOSTILE:
            self.pending.pop(query.key, None)
            raise
        query.cut = True
        self._deliver(query)

    def _waits(self, query: Query) -> bool:
        return self.pending.get(query.key) is query

    def _deliver(self, query: Query) -> None:
        """Answer, if it is time to and the bars are there."""
        if not (self._waits(query) and query.cut and query.due <= self.floor.clock.time()):
            return
        del self.pending[query.key]
        message, session = query.message, query.session
        if not query.bars and not message.keep_up_to_date:
            listing, kind = query.listing, NAMES.get(message.what, message.what)
            text = f"HMDS query returned no data: {listing.symbol}@{listing.exchange} {kind}"
            session.error(162, f"{SERVICE}{text}", message.req_id)
            return
        session.send(self._answer(query))
        if message.keep_up_to_date:
            self._live.keep(session, message, query.listing, query.request)

    def _answer(self, query: Query) -> HistoricalData:
        message, found = query.message, query.bars
        bars = self._spoil([wire_bar(bar, message.format_date) for bar in found])
        start = stamp(found[0].time) if found else ""
        end = parse_stamp(message.end).timestamp() if message.end else query.request.end
        return HistoricalData(message.req_id, start, stamp(end), tuple(bars))

    def _spoil(self, bars: list[WireBar]) -> list[WireBar]:
        levers = self.floor.levers
        middle = len(bars) // 2
        if levers.history_missing_bars:
            del bars[middle : middle + levers.history_missing_bars]
        if levers.history_unsorted:
            bars.reverse()
        if levers.history_bad_close and bars:
            bars[middle] = replace(bars[middle], close=0.0)
        return bars

    def cancel(self, session: Session, message: CancelHistoricalData) -> None:
        """Forget a request, or end a live one; error 366 when there is none."""
        key = (session, message.req_id)
        if self.pending.pop(key, None) or self._live.end(session, message.req_id):
            text = f"{SERVICE}API historical data query cancelled: {message.req_id}"
            session.error(162, text, message.req_id)
        else:
            text = f"No historical data query found for ticker id:{message.req_id}"
            session.error(366, text, message.req_id)

    @refusing
    def head(self, session: Session, message: ReqHeadTimestamp) -> None:
        """The first bar there is."""
        listing = resolve(self.floor.listings, message.contract)
        first = datetime.combine(listing.first_day, FIRST_TRADE)
        text = str(int(first.timestamp())) if message.format_date == 2 else f"{first:{AS_TEXT}}"
        session.send(HeadTimestamp(message.req_id, text))

    def leave(self, session: Session) -> None:
        """Forget a client."""
        self.pending = {key: one for key, one in self.pending.items() if key[0] is not session}


def _check_kind(message: ReqHistoricalData, request: Request, listing: Listing) -> None:
    """Raises BarRequestError for adjusted prices in the past, 162 for what nobody keeps here."""
    if message.what in VOLATILITY:
        series = f"{listing.symbol}/{listing.sec_type}@IBVOL {VOLATILITY[message.what]}"
        raise BarRequestError(f"No historical market data for {series} {request.size}", 162)
    if message.what == ADJUSTED and message.end:
        raise BarRequestError("End date not supported with adjusted last")
    if message.what == ADJUSTED and request.size > DAILY:
        raise BarRequestError("Multi day bar size not supported with adjusted last")


def _check_live(message: ReqHistoricalData, request: Request) -> None:
    """Raises BarRequestError for what cannot be kept up to date."""
    if message.end:
        raise BarRequestError("End date/time is not supported with live updates")
    if not 5 <= request.size <= DAILY or message.what in {"BID_ASK", ADJUSTED}:
        raise BarRequestError("Bar size or source price is not supported with live updates")


def _refusal(error: BarRequestError) -> str:
    if error.code == 162:
        return f"{SERVICE}{error}"
    return f"Error validating request.-'bN' : cause - {error}"
