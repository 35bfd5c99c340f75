"""The desk that fills orders as the market moves, and reports executions and commissions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import nan
from typing import Any

from brokerage.simulator.account import Booking
from brokerage.simulator.market import Quote
from brokerage.simulator.matching import Fill, Key
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_positions import PositionsDesk
from brokerage.simulator.venue_records import Record, Records, echoed, open_order, order_status
from brokerage.simulator.venue_terms import stamp
from brokerage.tws.messages import (
    CommissionReport,
    Error,
    ExecDetails,
    ExecDetailsEnd,
    ReqExecutions,
)

SIDES = {"BUY": "BOT", "SELL": "SLD"}
ABOVE_LIMIT = 5  # ticks by which a fill is worse than its limit when the fault says so


@dataclass(frozen=True)
class Execution:
    """A fill in the gateway's records."""

    record: Record
    fill: Fill
    booking: Booking

    def details(self, req_id: int) -> ExecDetails:
        """The execution as a message."""
        fill = self.fill
        return ExecDetails(
            req_id=req_id,
            order_id=fill.key[1],
            contract=echoed(self.record),
            exec_id=fill.exec_id,
            time=stamp(fill.time),
            account=fill.account,
            exchange="SMART",
            side=SIDES[fill.side],
            shares=fill.quantity,
            price=fill.price,
            perm_id=self.record.perm_id,
            client_id=fill.key[0],
            cumulative=fill.cumulative,
            avg_price=round(fill.average_price, 8),
            ref=fill.ref,
        )

    def commission(self) -> CommissionReport:
        """Its commission as a message; no realized profit when it opened a position."""
        booking = self.booking
        return CommissionReport(self.fill.exec_id, booking.commission, "USD", booking.realized)


class FillsDesk:
    """Matches the book against quotes and tells owners, accounts and positions."""

    def __init__(self, floor: Floor, records: Records, positions: PositionsDesk) -> None:
        self.floor, self.records, self._positions = floor, records, positions
        self.executions: list[Execution] = []
        self.held: list[Record] = []  # until the exchange opens
        self._seen_until: dict[int, float] = {}
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqExecutions: self.list_executions,
        }

    def record(self, key: Key) -> Record:
        """The order with this key; raises KeyError."""
        record = self.records.get(key)
        if record is None:
            raise KeyError(key)
        return record

    def catch_up(self, con_id: int) -> None:
        """Fill what the quotes of a contract have allowed since the last time."""
        now = self.floor.clock.time()
        after = self._seen_until.get(con_id, now)
        self._seen_until[con_id] = now
        for quote in self.floor.market.updates(con_id, after, now):
            self.match(con_id, quote)

    def catch_up_all(self) -> None:
        """The same for every contract with working orders; at the opening, release held ones."""
        if self.held and self.floor.market.is_open():
            self._release()
        for con_id in sorted(self.floor.book.contracts()):
            self.catch_up(con_id)

    def _release(self) -> None:
        """The exchange has opened: orders that waited for it are working now."""
        released, self.held = self.held, []
        for record in released:
            record.held = False
            if record.sim.working:
                self.tell(record, open_order(record))
                self.tell(record, order_status(record))

    def match_now(self, con_id: int) -> None:
        """Fill what the current quote of a contract allows."""
        self.catch_up(con_id)
        self.match(con_id, self.floor.market.quote(con_id))

    def match(self, con_id: int, quote: Quote) -> None:
        """Fill what a quote allows; nothing while the exchange is closed."""
        levers = self.floor.levers
        if levers.no_fill or not self.floor.market.is_open():
            return
        if levers.sell_never_fills:
            quote = replace(quote, bid=nan, bid_size=0.0)
        if (most := levers.fill_at_most) is not None:
            sizes = {"bid_size": min(quote.bid_size, most), "ask_size": min(quote.ask_size, most)}
            quote = replace(quote, **sizes)
        for fill in self.floor.book.match(con_id, quote):
            self._filled(fill)
        for sim in self.floor.book.take_cancelled():
            self.tell_cancelled(self.record(sim.key))

    def _filled(self, fill: Fill) -> None:
        record = self.record(fill.key)
        fill = replace(fill, time=max(fill.time, record.sim.submitted_at))
        if self.floor.levers.fill_above_limit:
            fill = self._worsened(record, fill)
        self._book(record, fill)
        if self.floor.levers.double_fill:
            again = replace(
                fill,
                exec_id=fill.exec_id.replace(".01.01", ".01.02"),
                cumulative=fill.cumulative + fill.quantity,
            )
            record.sim.filled += fill.quantity
            self._book(record, again)

    def _worsened(self, record: Record, fill: Fill) -> Fill:
        """The same fill at a price that its limit forbids."""
        sim, tick = record.sim, record.listing.min_tick
        off = ABOVE_LIMIT * tick * (1 if fill.side == "BUY" else -1)
        price = round((sim.limit_price or fill.price) + off, 4)
        sim.average_price = sim.last_price = price
        return replace(fill, price=price, average_price=price)

    def _book(self, record: Record, fill: Fill) -> None:
        """Account, owner, positions: in the order in which a real gateway reports a fill."""
        account = self.floor.account(fill.account)
        execution = Execution(record, fill, account.apply(fill))
        self.executions.append(execution)
        levers, done = self.floor.levers, not record.sim.working
        record.done_at = fill.time if done else 0.0
        if not levers.no_execution:
            self.tell(record, execution.details(-1))
        self.tell(record, open_order(record))
        self.tell(record, order_status(record))
        if not (levers.no_commission or levers.no_execution):
            self.tell(record, execution.commission())
        self._positions.booked(account.name, execution.booking.position)

    def tell(self, record: Record, message: object) -> None:
        """Send to the order's owner, if connected."""
        session = self.floor.session(record.key[0])
        if session:
            session.send(message)

    def tell_cancelled(self, record: Record) -> None:
        """The order is cancelled: its status, then code 202."""
        record.done_at = self.floor.clock.time()
        self.tell(record, order_status(record))
        self.tell(record, Error(record.key[1], 202, "Order Canceled - reason:"))

    def fill_before_cancel(self, key: Key) -> None:
        """A fault: fill a working order just before the cancel that is on its way."""
        record = self.records.get(key)
        if record is not None and record.sim.working and record.acknowledged:
            self.floor.book.cancel(key)
            self.fill_late(record)

    def fill_late(self, record: Record) -> None:
        """A fault: fill what was cancelled, at the market or its limit, whichever is better."""
        sim, quote = record.sim, self.floor.market.quote(record.sim.con_id)
        price = quote.ask if sim.side == "BUY" else quote.bid
        price = price if sim.takes(price) else sim.limit
        left = sim.remaining
        sim.filled, sim.status = sim.quantity, "Filled"
        sim.average_price = sim.last_price = price
        fill = Fill(
            exec_id=f"0000late.{record.perm_id:08x}.01.01",
            key=record.key,
            con_id=sim.con_id,
            side=sim.side,
            quantity=left,
            price=price,
            time=self.floor.clock.time(),
            cumulative=sim.quantity,
            average_price=price,
            remaining=0.0,
            account=sim.account,
            perm_id=record.perm_id,
            ref=sim.ref,
        )
        self._book(record, fill)

    def list_executions(self, session: Session, message: ReqExecutions) -> None:
        """Executions that pass the filter, each with its commission, then the end."""
        levers = self.floor.levers
        for execution in self.executions:
            if levers.no_execution or not _passes(execution, message):
                continue
            session.send(execution.details(message.req_id))
            if not levers.no_commission:
                session.send(execution.commission())
        session.send(ExecDetailsEnd(message.req_id))


def _passes(execution: Execution, wanted: ReqExecutions) -> bool:
    fill, listing = execution.fill, execution.record.listing
    actual = {
        "client_id": fill.key[0],
        "account": fill.account,
        "symbol": listing.symbol,
        "sec_type": listing.sec_type,
        "side": fill.side,
    }
    return all(getattr(wanted, name) in ("", 0, value) for name, value in actual.items())
