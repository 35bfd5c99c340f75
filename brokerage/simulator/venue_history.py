"""The desk that knows the past: historical bars and how far they reach back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from brokerage.simulator.market import Bar, BarRequestError
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_terms import ContractError, parse_stamp, resolve, stamp
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
BLOCKED = 60.0  # simulated seconds for which a blocking request blocks, if 3 on the wall pass
FIRST_BAR = "19930129  14:30:00"
BAD_DATE = (
    "Invalid date, time, or time-zone entered. The correct format is yyyymmdd hh:mm:ss xx/xxxx."
)


class HistoryDesk:
    """Answers with bars."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self._pending: set[tuple[Session, int]] = set()
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqHistoricalData: self.request,
            CancelHistoricalData: self.cancel,
            ReqHeadTimestamp: self.head,
            CancelHeadTimestamp: lambda session, message: None,
        }

    def request(self, session: Session, message: ReqHistoricalData) -> None:
        """Bars after a moment; 200, 321 or 10314 for what cannot be served."""
        try:
            answer = self._answer(message)
        except ContractError as error:
            session.error(error.code, error.text, message.req_id)
            return
        except BarRequestError as error:
            session.error(321, f"Error validating request.-'bN' : {error}", message.req_id)
            return
        except ValueError:
            session.error(10314, BAD_DATE, message.req_id)
            return
        self._schedule(session, message.req_id, answer)

    def _schedule(self, session: Session, req_id: int, answer: HistoricalData) -> None:
        levers, agenda = self.floor.levers, self.floor.agenda
        if levers.history_mute:
            return
        self._pending.add((session, req_id))
        delay = LATENCY * agenda.clock.speed
        if levers.history_blocks_connection:
            delay = max(BLOCKED, 3.0 * agenda.clock.speed)
            session.blocked_until = agenda.clock.time() + delay
        agenda.later(delay, lambda: self._deliver(session, req_id, answer))

    def _deliver(self, session: Session, req_id: int, answer: HistoricalData) -> None:
        if (session, req_id) in self._pending:
            self._pending.discard((session, req_id))
            session.send(answer)

    def _answer(self, message: ReqHistoricalData) -> HistoricalData:
        listing = resolve(self.floor.listings, message.contract)
        end = parse_stamp(message.end) if message.end else None
        found = self.floor.market.bars(
            listing.con_id, end, message.duration, message.bar_size, message.what, message.use_rth
        )
        bars = self._spoil([wire_bar(bar, message.format_date) for bar in found])
        return HistoricalData(message.req_id, self._start(found), self._end(end), tuple(bars))

    def _start(self, bars: list[Bar]) -> str:
        return stamp(bars[0].time) if bars else ""

    def _end(self, end: datetime | None) -> str:
        return stamp(end.timestamp() if end else self.floor.clock.time())

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
        """Forget a request; error 366 when there is none."""
        if (session, message.req_id) in self._pending:
            self._pending.discard((session, message.req_id))
            text = "API historical data query cancelled: "
            session.error(
                162,
                f"Historical Market Data Service error message:{text}{message.req_id}",
                message.req_id,
            )
        else:
            text = f"No historical data query found for ticker id:{message.req_id}"
            session.error(366, text, message.req_id)

    def head(self, session: Session, message: ReqHeadTimestamp) -> None:
        """The first bar there is."""
        try:
            resolve(self.floor.listings, message.contract)
        except ContractError as error:
            session.error(error.code, error.text, message.req_id)
            return
        session.send(HeadTimestamp(message.req_id, FIRST_BAR))

    def leave(self, session: Session) -> None:
        """Forget a client."""
        self._pending = {key for key in self._pending if key[0] is not session}


def wire_bar(bar: Bar, format_date: int) -> WireBar:
    """A bar as text: days as dates, others in New York time or (format 2) as epoch seconds."""
    date = bar.date or (str(int(bar.time)) if format_date == 2 else stamp(bar.time))
    return WireBar(date, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count)
