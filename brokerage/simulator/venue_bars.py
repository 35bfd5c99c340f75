"""The desk that sends bars as they come: of five seconds, and the newest one of a history."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from brokerage.simulator.data_rules import DELAYED_THERE, MORE, no_permission
from brokerage.simulator.history_pacing import VIOLATION, HistoryPacing
from brokerage.simulator.listings import Listing
from brokerage.simulator.market import Bar, Request
from brokerage.simulator.market.requests import BAD_KIND
from brokerage.simulator.refusals import RequestError, refusing
from brokerage.simulator.turns import Turns
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_lines import Allowance
from brokerage.simulator.venue_terms import resolve, wire_bar
from brokerage.tws.messages import (
    CancelRealTimeBars,
    HistoricalDataUpdate,
    RealTimeBar,
    ReqHistoricalData,
    ReqRealTimeBars,
)

PACE = 5  # seconds; a bar, and how often the newest bar of a history is sent
KINDS = ("TRADES", "MIDPOINT", "BID", "ASK")
LOST = "Failed to request live updates (disconnected)."


@dataclass(eq=False)
class Stream:
    """One request that goes on; `sent` is the end of the last five seconds that were served."""

    session: Session
    req_id: int
    listing: Listing
    what: str
    rth: bool
    sent: float
    size: int = PACE
    format_date: int = 1

    def message(self, bar: Bar) -> RealTimeBar | HistoricalDataUpdate:
        """A bar of five seconds."""
        return RealTimeBar(
            self.req_id, int(bar.time), bar.open, bar.high, bar.low, bar.close,
            bar.volume, bar.wap, bar.count,
        )  # fmt: skip


class Kept(Stream):
    """The newest bar of a history."""

    def message(self, bar: Bar) -> RealTimeBar | HistoricalDataUpdate:
        """The bar so far; the message has its own order of fields."""
        wire = wire_bar(bar, self.format_date)
        return HistoricalDataUpdate(
            self.req_id, wire.count, wire.date, wire.open, wire.close, wire.high, wire.low,
            wire.wap, wire.volume,
        )  # fmt: skip


class BarsDesk:
    """Sends bars to any number of clients, every five simulated seconds."""

    def __init__(self, floor: Floor, allowance: Allowance, turns: Turns) -> None:
        self.floor, self._allowance, self._turns = floor, allowance, turns
        self.pacing = HistoryPacing()
        allowance.count(lambda: self.lines)
        self._streams: dict[tuple[Session, int, type[Stream]], Stream] = {}
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqRealTimeBars: self.request,
            CancelRealTimeBars: self.cancel,
        }

    @refusing
    def request(self, session: Session, message: ReqRealTimeBars) -> None:
        """Bars of five seconds from now on; 101, 102, 200, 321 or 420 if there are none.

        Other bar sizes are served with five seconds, the only one there is.
        """
        listing = resolve(self.floor.listings, message.contract)
        self._check(session, message, listing)
        now = self.floor.clock.time()
        self._add(Stream(session, message.req_id, listing, message.what, message.use_rth, now))

    def _check(self, session: Session, message: ReqRealTimeBars, listing: Listing) -> None:
        """Raises RequestError for what is not served."""
        rules, now = self.floor.data, self.floor.clock.time()
        if message.what not in KINDS:
            raise RequestError(321, f"Error validating request.-'bY' : cause - {BAD_KIND}")
        if (session, message.req_id, Stream) in self._streams:
            raise RequestError(102, "Duplicate ticker id")
        if self._allowance.used_up:
            raise RequestError(101, "Max number of tickers has been reached")
        if not rules.subscribed:
            words = no_permission(self.floor.listings, listing)
            raise RequestError(420, f"Invalid Real-time Query:{words}. {MORE}{DELAYED_THERE}")
        series = (listing.con_id, message.contract.exchange, message.what)
        if rules.history_pacing and self.pacing.violates(now, replace(message, req_id=0), series):
            raise RequestError(420, f"Invalid Real-time Query:{VIOLATION}")

    def _add(self, stream: Stream) -> None:
        stream.sent = stream.sent // PACE * PACE
        self._streams[stream.session, stream.req_id, type(stream)] = stream

    @property
    def lines(self) -> int:
        """Market-data lines that bars of five seconds take up."""
        return sum(type(stream) is Stream for stream in self._streams.values())

    @property
    def kept_bars(self) -> int:
        """Histories that are kept up to date."""
        return len(self._streams) - self.lines

    def has(self, session: Session, req_id: int) -> bool:
        """Whether a history is kept up to date under this id."""
        return (session, req_id, Kept) in self._streams

    def keep(
        self, session: Session, message: ReqHistoricalData, listing: Listing, request: Request
    ) -> None:
        """Keep a history up to date that has just been sent, as it was when it was asked for."""
        self._add(
            Kept(
                session, message.req_id, listing, request.what, request.rth, request.end,
                request.size, message.format_date,
            )
        )  # fmt: skip

    def end(self, session: Session, req_id: int) -> bool:
        """Keep a history up to date no longer; False if it was not."""
        return self._streams.pop((session, req_id, Kept), None) is not None

    def lose(self) -> None:
        """The farm is gone: every stream ends, a history that was kept with error 10182."""
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            if isinstance(stream, Kept):
                stream.session.error(10182, LOST, stream.req_id)

    def bust(self, session: Session, req_id: int) -> bool:
        """Send no more bars of five seconds; False if none were sent."""
        return self._streams.pop((session, req_id, Stream), None) is not None

    def cancel(self, session: Session, message: CancelRealTimeBars) -> None:
        """No more bars; error 300 if there were none."""
        if not self.bust(session, message.req_id):
            session.error(300, f"Can't find EId with tickerId:{message.req_id}", message.req_id)

    def push(self) -> None:
        """Send every bar that has become complete since the last time, a stream at each step."""
        now, due = self.floor.clock.time() // PACE * PACE, dict[Session, list[Stream]]()
        for stream in self._streams.values():
            if stream.sent < now:
                due.setdefault(stream.session, []).append(stream)
        for session, streams in due.items():
            self._turns.take(session, None, self._tell(streams, now), lane=self)

    def _tell(self, streams: list[Stream], now: float) -> Iterator[int]:
        for number, stream in enumerate(streams):
            if number:
                yield number
            key = stream.session, stream.req_id, type(stream)
            while stream.sent < now and self._streams.get(key) is stream:
                stream.sent += PACE
                self._send(stream)

    def _send(self, stream: Stream) -> None:
        bar = self.floor.market.bar(
            stream.listing.con_id, stream.what, stream.size, stream.sent, rth=stream.rth
        )
        if bar:
            stream.session.send(stream.message(bar))

    def leave(self, session: Session) -> None:
        """Forget a client."""
        for key in [key for key in self._streams if key[0] is session]:
            del self._streams[key]
