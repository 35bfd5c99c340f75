"""The desk that fills orders as the market moves, and reports executions and commissions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

from brokerage.simulator.account import Booking
from brokerage.simulator.market import Phase, Quote
from brokerage.simulator.order_terms import BAD_DATE
from brokerage.simulator.orders import Change, Fill, Key, SimOrder
from brokerage.simulator.refusals import RequestError, refusing
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_positions import PositionsDesk
from brokerage.simulator.venue_records import (
    BY_SYSTEM,
    CANCELLED,
    Record,
    Records,
    echoed,
    open_order,
    order_status,
)
from brokerage.simulator.venue_terms import parse_stamp, stamp
from brokerage.tws.messages import (
    CommissionReport,
    Error,
    ExecDetails,
    ExecDetailsEnd,
    ReqExecutions,
)
from brokerage.tws.objects import changed
from brokerage.tws.table import Message

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
            order_id=self.record.order_id,
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
        self.held: dict[Key, Record] = {}  # until the exchange opens
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
        """Do what the quotes of a contract have allowed since the last time."""
        now = self.floor.clock.time()
        after = self._seen_until.get(con_id, now)
        self._seen_until[con_id] = now
        if after < now and self.floor.book.works(con_id):
            for quote in self.floor.market.updates(con_id, after, now):
                self.match(con_id, quote)

    def catch_up_all(self) -> None:
        """The same for every contract with working orders; end what is over, release what opens."""
        for sim in self.floor.book.expire(self.floor.clock.time()):
            self.tell_cancelled(self.record(sim.key), BY_SYSTEM)
        if self.held:
            self._release()
        for con_id in self.floor.book.contracts():
            self.catch_up(con_id)

    def trades(self, record: Record) -> bool:
        """Whether the exchange is open for this order."""
        phase = self.floor.market.phase(record.sim.con_id)
        return phase is Phase.REGULAR or (phase is Phase.EXTENDED and record.sim.outside_rth)

    def _release(self) -> None:
        """The exchange has opened: orders that waited for it are working now."""
        for key, record in list(self.held.items()):
            if not record.sim.working:
                del self.held[key]
            elif self.trades(record):
                del self.held[key]
                record.held = False
                self.tell_order(record)

    def match_now(self, con_id: int) -> None:
        """Do what the current quote of a contract allows."""
        self.catch_up(con_id)
        if self.floor.book.works(con_id):
            self.match(con_id, self.floor.market.quote(con_id))

    def match(self, con_id: int, quote: Quote) -> None:
        """Do what a quote allows; nothing while the exchange is closed, no fill in a halt."""
        market, phase = self.floor.market, self.floor.market.phase(con_id)
        if self.floor.levers.no_fill or phase is Phase.CLOSED:
            return
        does = self.floor.book.lapse if market.halted(con_id) else self.floor.book.match
        extended = phase is Phase.EXTENDED
        for event in does(con_id, self._distorted(quote), extended=extended):
            if isinstance(event, Fill):
                self._filled(event)
            else:
                self._changed(event)

    def _distorted(self, quote: Quote) -> Quote:
        """The quote as faults let orders see it."""
        levers = self.floor.levers
        if levers.sell_never_fills:
            quote = changed(quote, bid=nan, bid_size=0.0)
        if (most := levers.fill_at_most) is not None:
            bid_size, ask_size = min(quote.bid_size, most), min(quote.ask_size, most)
            quote = changed(quote, bid_size=bid_size, ask_size=ask_size)
        return quote

    def _changed(self, change: Change) -> None:
        """Tell what matching did to an order besides filling it."""
        record = self.record(change.key)
        match change.what:
            case "cancelled":
                self.tell_cancelled(record, BY_SYSTEM)
            case "killed":
                self._killed(record)
            case _:
                self.reserve(record)
                self.tell_order(record)

    def _killed(self, record: Record) -> None:
        """An immediate order that did not fill: no code comes with that."""
        self._close(record, BY_SYSTEM)
        if record.sim.status == "Cancelled":
            self.tell(record, order_status(record, "PendingCancel"))
        self.tell(record, order_status(record))

    def _filled(self, fill: Fill) -> None:
        record = self.record(fill.key)
        if fill.time < record.sim.submitted_at:
            fill = changed(fill, time=record.sim.submitted_at)
        if self.floor.levers.fill_above_limit:
            fill = self._worsened(record, fill)
        self._book(record, fill)
        if self.floor.levers.double_fill:
            again = changed(
                fill,
                exec_id=self.floor.ids.execution_id(),  # another number at the end would correct it
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
        return changed(fill, price=price, average_price=price)

    def _book(self, record: Record, fill: Fill) -> None:
        """Account, owner, positions: in the order in which a real gateway reports a fill."""
        account = self.floor.books(fill.account)
        execution = Execution(record, fill, account.apply(fill))
        self.executions.append(execution)
        levers = self.floor.levers
        if not record.sim.working:
            self._close(record)
        if not levers.no_execution:
            self.tell(record, execution.details(-1))
        self.tell_order(record)
        if not (levers.no_commission or levers.no_execution):
            self.tell(record, execution.commission())
        self._positions.booked(account.name, execution.booking.position)
        self.reserve_anew(account.name, fill.con_id)

    def _close(self, record: Record, reason: str = "") -> None:
        """The order is over."""
        record.done_at = self.floor.clock.time()
        record.ended = reason or record.ended
        self.reserve(record)
        self.records.ended(record)

    def reserve_soon(self, record: Record) -> None:
        """Keep the margin that a new order needs, once its owner has heard of it."""
        self.floor.books(record.account).reserve_soon(record.sim, self._price(record.sim))

    def reserve_now(self, record: Record) -> None:
        """Do so, for all the orders of its account."""
        self.floor.books(record.account).reserve_now()

    def reserve(self, record: Record) -> None:
        """Keep the margin that what is left of an order needs."""
        self.floor.books(record.account).reserve(record.sim, self._price(record.sim))

    def reserve_anew(self, account: str, con_id: int) -> None:
        """A position has changed, and with it what orders of that contract would open or close."""
        if orders := self.floor.book.beside(con_id, account):
            priced = [(sim, self._price(sim)) for sim in orders]
            self.floor.books(account).reserve_anew(priced)

    def _price(self, sim: SimOrder) -> float | None:
        """At what price an order needs margin; None: not now.

        A child that takes off what its parent opens needs none before the parent has filled.
        """
        if not sim.working or (sim.attached and self.records.closes_parent(sim)):
            return None
        return self.floor.unit_price(sim)

    def tell(self, record: Record, message: Message) -> None:
        """Send to the order's owner, and to the client that watches everybody's, if connected."""
        if record.account not in self.floor.names():
            return
        owner, master = record.key[0], self.floor.rules.master_client
        sessions = self.floor.sessions
        if record.bound and owner in sessions:
            sessions[owner].send(message)
        if master in sessions and master != owner:
            sessions[master].send(message)

    def tell_order(self, record: Record, status: str = "") -> None:
        """Tell the order and where it stands, in this sequence."""
        self.tell(record, open_order(record, status))
        self.tell(record, order_status(record, status))

    def tell_cancelled(self, record: Record, reason: str = "", text: str = "") -> None:
        """The order is cancelled: its status, then code 202."""
        self._close(record, reason)
        self.tell(record, order_status(record))
        code, bare = CANCELLED
        self.tell(record, Error(record.order_id, code, text or bare))

    def fill_before_cancel(self, key: Key) -> None:
        """A fault: fill a working order just before the cancel that is on its way."""
        record = self.records.get(key)
        if record is None or not (record.sim.working and record.acknowledged):
            return
        if self._late_price(record) is not None:
            _, *others = self.floor.book.cancel(key)
            self.fill_late(record)
            for other in others:
                self.tell_cancelled(self.record(other.key), BY_SYSTEM)

    def fill_late(self, record: Record) -> None:
        """A fault: fill what was cancelled, if it could have filled."""
        sim, price = record.sim, self._late_price(record)
        if price is None:
            return
        left = sim.remaining
        sim.average_price = (sim.average_price * sim.filled + price * left) / sim.quantity
        sim.last_price, sim.filled, sim.status = price, sim.quantity, "Filled"
        exec_id = f"0000late.{record.perm_id:08x}.01.01"
        self._book(record, sim.execution(exec_id, left, price, self.floor.clock.time()))

    def _late_price(self, record: Record) -> float | None:
        """The market's price or its limit, whichever is better; None if it can't fill at all."""
        sim, quote = record.sim, self.floor.market.quote(record.sim.con_id)
        price = quote.opposite(sim.side)
        price = price if sim.takes(price) else sim.limit
        waits = sim.attached or sim.waits_for_price or not self.trades(record)
        return None if waits or not isfinite(price) else price

    @refusing
    def list_executions(self, session: Session, message: ReqExecutions) -> None:
        """Executions that pass the filter, each with its commission, then the end; or 10314."""
        levers = self.floor.levers
        try:
            since = parse_stamp(message.time).timestamp() if message.time else 0.0
        except (ValueError, OverflowError):
            raise RequestError(10314, BAD_DATE) from None
        for execution in self.executions:
            reported = execution.fill.account in self.floor.names()
            if levers.no_execution or not reported or not _passes(execution, message, since):
                continue
            session.send(execution.details(message.req_id))
            if not levers.no_commission:
                session.send(execution.commission())
        session.send(ExecDetailsEnd(message.req_id))


def _passes(execution: Execution, wanted: ReqExecutions, since: float) -> bool:
    fill, listing = execution.fill, execution.record.listing
    actual = {
        "client_id": fill.key[0],
        "account": fill.account,
        "symbol": listing.symbol,
        "sec_type": listing.sec_type,
        "exchange": "SMART",
        "side": fill.side,
    }
    fits = all(getattr(wanted, name) in ("", 0, value) for name, value in actual.items())
    return fits and fill.time >= since
