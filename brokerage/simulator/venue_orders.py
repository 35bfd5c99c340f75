"""The desk that takes orders: places, changes, cancels them, and sends families together."""

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from brokerage.simulator.order_terms import next_opening
from brokerage.simulator.orders import IMMEDIATE, TRAILING, Key, OrderError
from brokerage.simulator.price_caps import refusal
from brokerage.simulator.refusals import RequestError
from brokerage.simulator.triggers import trail
from brokerage.simulator.venue_answers import what_if_answer
from brokerage.simulator.venue_checks import Checks
from brokerage.simulator.venue_fills import FillsDesk
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_lists import BINDER, ListsDesk
from brokerage.simulator.venue_records import (
    BY_SYSTEM,
    CANCELLED,
    Record,
    Records,
    open_order,
    order_status,
)
from brokerage.simulator.venue_terms import stamp
from brokerage.tws.messages import (
    CancelOrder,
    Contract,
    Error,
    Order,
    PlaceOrder,
    ReqGlobalCancel,
)
from brokerage.tws.objects import changed

FIRST_ID, LAST_ID = -(2**31), 2**31 - 1  # what a real gateway can read as an order id
BAD_ID = "Error reading request. Unable to parse data. The order id is out of range."
LATE_FILL = 0.5  # simulated seconds between Cancelled and the fill of the fault
IGNORED_HOURS = (
    "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored based on the order "
    "type and destination. PlaceOrder is now being processed."
)


class OrdersDesk:
    """Takes orders from clients to the book and reports what became of them."""

    def __init__(self, floor: Floor, records: Records, fills: FillsDesk, lists: ListsDesk) -> None:
        self.floor, self.records, self.fills, self._lists = floor, records, fills, lists
        self.checks = Checks(floor, records)
        self._staged: dict[Key, Record] = {}  # not transmitted yet
        self._by_hand = itertools.count(1)
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            PlaceOrder: self.place,
            CancelOrder: self.cancel,
            ReqGlobalCancel: self.cancel_all,
        }

    def next_id(self, client_id: int) -> int:
        """The first order id that a client may use; persists over its connections."""
        return self.floor.ids.next_order_id(client_id)

    def place(self, session: Session, message: PlaceOrder) -> None:
        """A new order, a change of a working one, or a what-if; refusals carry its id."""
        if self.floor.levers.no_ack:
            return
        key = (session.client_id, message.order_id)
        try:
            if not FIRST_ID <= message.order_id <= LAST_ID:
                raise OrderError(320, BAD_ID)
            if message.order.what_if:
                self._what_if(session, key, message)
            elif (record := self.records.get(key)) is not None and record.bound:
                self._change(record, message)
            else:
                self._new(session, key, message)
        except RequestError as error:
            session.error(error.code, error.text, message.order_id)

    def _what_if(self, session: Session, key: Key, message: PlaceOrder) -> None:
        if not message.order.transmit:
            raise OrderError(413, "What-if order should have the transmit flag set to true.")
        sim, listing = self.checks.new(key, message)
        result = self.floor.account(sim.account).what_if(sim, self.floor.unit_price(sim))
        session.send(what_if_answer(message, listing, key, result))

    def _new(self, session: Session, key: Key, message: PlaceOrder) -> None:
        if key[1] < self.next_id(key[0]):
            raise OrderError(103, "Duplicate order id")
        self.floor.ids.used(*key)
        sim, listing = self.checks.new(key, message)
        record = self.records.add(message, listing, sim)
        if self.floor.levers.disconnect_on_order:
            session.hang_up()
        self._staged[key] = record
        if message.order.transmit:
            self._transmit(record)

    def _transmit(self, record: Record) -> None:
        """Send an order, before it a parent that waits, and that parent's other children."""
        parent = self._staged.get(record.sim.parent) if record.sim.parent else None
        family = [record]
        if parent is not None:
            family = [one for one in self._staged.values() if one.sim.parent == parent.key]
            family.insert(0, parent)
        for one in family:
            del self._staged[one.key]
            self._soon(partial(self._acknowledge, one))

    def _soon(self, action: Callable[[], None]) -> None:
        """At once, or late if the fault says so."""
        delay = self.floor.levers.ack_delay_s
        if delay:
            self.floor.agenda.later(delay, action)
        else:
            action()

    def _acknowledge(self, record: Record) -> None:
        """The order reaches the book; its owner hears of it; it may fill from the next moment."""
        self.fills.catch_up(record.sim.con_id)
        self._set_stop(record)
        self.floor.book.accept(record.sim, record.listing)
        record.acknowledged = True
        record.held = not self.fills.trades(record)
        self.fills.reserve_soon(record)
        if record.sim.outside_rth and record.sim.order_type == "MKT":
            self.fills.tell(record, Error(record.order_id, 2109, IGNORED_HOURS))
        self._announce(record)
        self.floor.agenda.later(0.0, partial(self._live, record))

    def _set_stop(self, record: Record) -> None:
        """Let a stop trail from now on; a child's begins when its parent fills, others' in time."""
        sim = record.sim
        waits = sim.parent is not None or sim.good_after > self.floor.clock.time()
        if sim.order_type in TRAILING and not waits:
            trail(sim, self.floor.market.quote(sim.con_id).last, record.listing.min_tick)

    def _announce(self, record: Record) -> None:
        """Tell the owner of a new order; one that waits for the opening comes with 399."""
        immediate = record.sim.tif in IMMEDIATE and not record.held
        status = "PreSubmitted" if self.floor.rules.duplicates else record.status
        self.fills.tell(record, open_order(record, status))
        if record.held:
            self.fills.held[record.key] = record
            self.fills.tell(record, self._held_warning(record))
        if not immediate:
            self.fills.tell(record, order_status(record, status))

    def _held_warning(self, record: Record) -> Error:
        sim = record.sim
        extended = sim.outside_rth and record.listing.extended
        opens = next_opening(self.floor.clock.time(), extended=extended)
        what = f"{sim.side} {sim.quantity:g} {record.listing.local_symbol}"
        text = f"Your order will not be placed at the exchange until {stamp(opens)}"
        return Error(record.order_id, 399, f"Order Message:\n{what}\nWarning: {text}.")

    def _capped(self, record: Record) -> bool:
        """Cancel an order whose limit is too far through the quote; whether it was."""
        if not self.floor.rules.price_caps or record.held or record.sim.attached:
            return False
        if not record.sim.working:  # cancelled in the same breath
            return False
        quote = self.floor.market.quote(record.sim.con_id)
        refused = refusal(record.sim, record.listing, quote)
        if refused is None:
            return False
        record.cap_price, text = refused
        ended = self.floor.book.cancel(record.key)
        self.fills.tell_cancelled(record, BY_SYSTEM, text)
        for other in ended[1:]:
            self.fills.tell_cancelled(self.fills.record(other.key), BY_SYSTEM)
        return True

    def _live(self, record: Record) -> None:
        """The order has reached the exchange: it fills, or its owner hears that it works.

        What the owner need not wait for is done here, after the acknowledgement has left.
        """
        if self._capped(record):
            return
        self.fills.match_now(record.sim.con_id)
        self.fills.reserve_now(record)
        quiet = record.held or record.reported or not record.sim.working or record.sim.filled
        if self.floor.rules.duplicates and not quiet:
            record.reported = True
            self.fills.tell_order(record)

    def _change(self, record: Record, message: PlaceOrder) -> None:
        """Change a working order, or one that was held back, which this may transmit."""
        if record.key in self._staged:
            self._restage(record, message)
            return
        order, book = message.order, self.floor.book
        parent = (record.key[0], order.parent_id) if order.parent_id else None
        # Its own parent may have filled on another day and be forgotten.
        if parent and parent != record.sim.parent and self.records.get(parent) is None:
            raise OrderError(135, f"Can't find order with id ={order.parent_id}")
        wanted, listing = self.checks.terms(record.key, message)
        if record.sim.working and wanted.quantity > record.sim.filled:
            self.checks.funds(wanted, listing, record.sim.filled)
        book.modify(wanted, listing)
        record.message = changed(record.message, order=order)
        self.fills.reserve(record)
        self._soon(lambda: self._tell_changed(record))

    def _restage(self, record: Record, message: PlaceOrder) -> None:
        """Take another version of an order that has not been transmitted."""
        sim, record.listing = self.checks.new(record.key, message)
        sim.perm_id, record.sim, record.message = record.perm_id, sim, message
        if message.order.transmit:
            self._transmit(record)

    def _tell_changed(self, record: Record) -> None:
        self.fills.tell_order(record)
        record.reported = not record.sim.waits_for_price  # what waits for a price is told twice
        self.floor.agenda.later(0.0, lambda: self._live(record))

    def place_beside(self, session: Session, message: PlaceOrder) -> None:
        """A fault: take a change for another order; its id is negative, the first free one."""
        keys = ((session.client_id, number) for number in itertools.count(-message.order_id, -1))
        key = next(key for key in keys if self.records.get(key) is None)
        try:
            sim, listing = self.checks.new(key, message)
        except RequestError as error:
            session.error(error.code, error.text, message.order_id)
            return
        self._acknowledge(self.records.add(message, listing, sim))

    def by_hand(self, contract: Contract, order: Order) -> Record:
        """An order typed into TWS; raises ContractError or OrderError when it is refused."""
        number = next(-n for n in self._by_hand if self.records.get((BINDER, -n)) is None)
        message = PlaceOrder(number, contract, changed(order, transmit=True))
        sim, listing = self.checks.new((BINDER, number), message)
        record = self.records.add(message, listing, sim)
        record.bound = self._lists.binds()
        self._acknowledge(record)
        return record

    def cancel(self, session: Session, message: CancelOrder) -> None:
        """Cancel an own working order; 10147, 10148 or 161 if that cannot be."""
        if self.floor.levers.cancel_ignored:
            return
        record = self._own(session, message.order_id)
        if record is not None and record.key in self._staged:
            self._withdraw(record)
            return
        try:
            ended = self.floor.book.cancel(record.key if record else (-1, message.order_id))
        except OrderError as error:
            session.error(error.code, error.text, message.order_id)
            return
        self._cancelled(*map(self.fills.record, (sim.key for sim in ended)), by=session)

    def _own(self, session: Session, order_id: int) -> Record | None:
        """The order that a client may cancel under this id."""
        record = self.records.get((session.client_id, order_id))
        if record is not None and record.bound:
            return record
        if not self.floor.rules.foreign_cancels:
            return None
        return next((one for one in self.records.live() if one.order_id == order_id), None)

    def _withdraw(self, record: Record) -> None:
        """Cancel what was never transmitted, children included; the ids stay used."""
        for one in list(self._staged.values()):
            if one is record or one.sim.parent == record.key:
                del self._staged[one.key]
                self.records.drop(one)
                self.fills.tell(one, order_status(one, "ApiCancelled"))
                self.fills.tell(one, Error(one.order_id, *CANCELLED))

    def cancel_all(self, session: Session, message: ReqGlobalCancel) -> None:
        """Cancel everybody's orders."""
        for sim in self.floor.book.working():
            if sim.working:
                ended = self.floor.book.cancel(sim.key)
                self._cancelled(*map(self.fills.record, (one.key for one in ended)))

    def _cancelled(self, first: Record, *others: Record, by: Session | None = None) -> None:
        """Tell that an order was cancelled, and with it its children and its group."""
        levers = self.floor.levers
        self.fills.tell(first, order_status(first, "PendingCancel"))
        self.fills.tell_cancelled(first)
        if by is not None and by.client_id != first.key[0]:
            by.send(changed(order_status(first), client_id=by.client_id))
            by.error(*CANCELLED, first.order_id)
        for other in others:
            self.fills.tell_cancelled(other, BY_SYSTEM)
        if levers.cancelled_stays_open:
            self.records.revive(first)
        if levers.fill_after_cancel:
            self.floor.agenda.later(LATE_FILL, lambda: self.fills.fill_late(first))
