"""The desk that takes orders: places, changes and cancels them, and lists them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from brokerage.simulator.matching import Key, OrderError, SimOrder, validate
from brokerage.simulator.venue_fills import FillsDesk
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_records import (
    Record,
    Records,
    completed_order,
    open_order,
    order_status,
    sim_order,
    what_if_answer,
)
from brokerage.simulator.venue_terms import ContractError, resolve
from brokerage.tws.messages import (
    CancelOrder,
    CompletedOrdersEnd,
    Error,
    OpenOrderEnd,
    PlaceOrder,
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqCompletedOrders,
    ReqGlobalCancel,
    ReqOpenOrders,
)

FIRST_ORDER_ID = 101
LATE_FILL = 0.5  # simulated seconds between Cancelled and the fill of the fault
MOST_ACTIVE = 20  # working orders per contract, side and account


class OrdersDesk:
    """Takes orders from clients to the book and reports what became of them."""

    def __init__(self, floor: Floor, records: Records, fills: FillsDesk) -> None:
        self.floor, self.records, self.fills = floor, records, fills
        self._next_ids: dict[int, int] = {}
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            PlaceOrder: self.place,
            CancelOrder: self.cancel,
            ReqGlobalCancel: self.cancel_all,
            ReqOpenOrders: self.own_orders,
            ReqAutoOpenOrders: lambda session, message: None,
            ReqAllOpenOrders: self.all_orders,
            ReqCompletedOrders: self.completed,
        }

    def next_id(self, client_id: int) -> int:
        """The first order id that a client may use; persists over its connections."""
        return self._next_ids.get(client_id, FIRST_ORDER_ID)

    def place(self, session: Session, message: PlaceOrder) -> None:
        """A new order, a change of a working one, or a what-if; refusals carry its id."""
        if self.floor.levers.no_ack:
            return
        key = (session.client_id, message.order_id)
        try:
            if message.order.what_if:
                self._what_if(session, key, message)
            elif (record := self.records.get(key)) is not None:
                self._change(session, record, message)
            else:
                self._new(session, key, message)
        except (ContractError, OrderError) as error:
            session.error(error.code, error.text, message.order_id)

    def _what_if(self, session: Session, key: Key, message: PlaceOrder) -> None:
        sim, listing = self._checked(key, message)
        result = self.floor.account(sim.account).what_if(sim, self._price(sim))
        session.send(what_if_answer(message, listing, key, result))

    def _checked(self, key: Key, message: PlaceOrder) -> tuple[SimOrder, Any]:
        """The order as the exchange would take it; raises ContractError or OrderError."""
        listing = resolve(self.floor.listings, message.contract)
        account = self._account(message.order.account)
        sim = sim_order(key, message, listing, account, self.floor.clock.time())
        _refuse_attributes(message)
        validate(sim, listing)
        self._check_funds(sim, listing.units)
        return sim, listing

    def _account(self, name: str) -> str:
        try:
            return self.floor.account(name).name
        except KeyError:
            text = f"Error validating request.-'bF' : cause - Invalid account code '{name}'"
            raise OrderError(321, text) from None

    def _check_funds(self, sim: SimOrder, units: float) -> None:
        price, power = self._price(sim), self.floor.levers.buying_power
        if power is not None and sim.side == "BUY" and price * sim.quantity * units > power:
            text = f"YOUR BUYING POWER IS [{power:.2f} USD]"
            raise OrderError(201, f"Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. {text}")
        self.floor.account(sim.account).check(sim, price)

    def _price(self, sim: SimOrder) -> float:
        """What the order would cost per unit: its limit, or where the market is."""
        return sim.limit_price or sim.stop_price or self.floor.market.price(sim.con_id)

    def _new(self, session: Session, key: Key, message: PlaceOrder) -> None:
        if key[1] < self.next_id(key[0]):
            raise OrderError(103, "Duplicate order id")
        self._next_ids[key[0]] = key[1] + 1
        sim, listing = self._checked(key, message)
        self._check_crowd(sim)
        record = self.records.add(message, listing, sim)
        if self.floor.levers.disconnect_on_order:
            session.hang_up()
        if message.order.transmit:
            self._soon(lambda: self._acknowledge(record))

    def _check_crowd(self, sim: SimOrder) -> None:
        same = [
            order
            for order in self.floor.book.working(sim.con_id)
            if (order.side, order.account) == (sim.side, sim.account)
        ]
        if len(same) >= MOST_ACTIVE:
            text = "Maximum number of orders working on the same side of a contract is exceeded"
            raise OrderError(201, f"Order rejected - reason:{text}")

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
        self.floor.book.submit(record.sim, record.listing)
        record.acknowledged = True
        record.held = not self.floor.market.is_open()
        self.fills.tell(record, open_order(record))
        if record.held:
            self.fills.held.append(record)
            self.fills.tell(record, _held_warning(record))
        self.fills.tell(record, order_status(record))
        self.floor.agenda.later(0.0, lambda: self.fills.match_now(record.sim.con_id))

    def _change(self, session: Session, record: Record, message: PlaceOrder) -> None:
        """Change quantity and limit of a working order, or transmit one that was held back."""
        if not record.acknowledged and not record.message.order.transmit:
            record.message = message
            if message.order.transmit:
                self._soon(lambda: self._acknowledge(record))
            return
        self.floor.book.modify(
            record.key,
            record.listing,
            quantity=message.order.quantity,
            limit_price=message.order.limit_price or 0.0,
        )
        record.message = replace(record.message, order=message.order)
        self._soon(lambda: self._tell_changed(record))

    def _tell_changed(self, record: Record) -> None:
        self.fills.tell(record, open_order(record))
        self.fills.tell(record, order_status(record))
        self.floor.agenda.later(0.0, lambda: self.fills.match_now(record.sim.con_id))

    def place_beside(self, session: Session, message: PlaceOrder) -> None:
        """A fault: take a change for another order; its id is the negative of the first's."""
        key = (session.client_id, -message.order_id)
        sim, listing = self._checked(key, message)
        self._acknowledge(self.records.add(message, listing, sim))

    def cancel(self, session: Session, message: CancelOrder) -> None:
        """Cancel an own working order; 10147, 10148 or 161 if that cannot be."""
        if self.floor.levers.cancel_ignored:
            return
        try:
            self.floor.book.cancel((session.client_id, message.order_id))
        except OrderError as error:
            session.error(error.code, error.text, message.order_id)
            return
        self._cancelled(self.fills.record((session.client_id, message.order_id)))

    def cancel_all(self, session: Session, message: ReqGlobalCancel) -> None:
        """Cancel everybody's orders."""
        for sim in self.floor.book.working():
            self.floor.book.cancel(sim.key)
            self._cancelled(self.fills.record(sim.key))

    def _cancelled(self, record: Record) -> None:
        levers = self.floor.levers
        self.fills.tell(record, order_status(record, "PendingCancel"))
        self.fills.tell_cancelled(record)
        record.resurrected = levers.cancelled_stays_open
        if levers.fill_after_cancel:
            self.floor.agenda.later(LATE_FILL, lambda: self.fills.fill_late(record))

    def own_orders(self, session: Session, message: ReqOpenOrders | None = None) -> None:
        """The client's open orders, then the end."""
        self._list(session, self.own_records(session))

    def own_records(self, session: Session) -> list[Record]:
        """All orders that the client ever placed."""
        return [record for record in self.records if record.key[0] == session.client_id]

    def all_orders(self, session: Session, message: ReqAllOpenOrders) -> None:
        """Everybody's open orders, then the end."""
        self._list(session, list(self.records))

    def _list(self, session: Session, records: list[Record]) -> None:
        for record in records:
            if record.open:
                session.send(open_order(record))
                session.send(order_status(record))
        session.send(OpenOrderEnd())

    def completed(self, session: Session, message: ReqCompletedOrders) -> None:
        """Everybody's finished orders, then the end."""
        for record in self.records:
            if record.done:
                session.send(completed_order(record))
        session.send(CompletedOrdersEnd())


def _refuse_attributes(message: PlaceOrder) -> None:
    """The vendor's client 9.81 sets two attributes that gateways have long ceased to take."""
    for name, given in (
        ("EtradeOnly", message.order.e_trade_only),
        ("FirmQuoteOnly", message.order.firm_quote_only),
    ):
        if given:
            raise OrderError(10268, f"The '{name}' order attribute is not supported.")


def _held_warning(record: Record) -> Error:
    sim = record.sim
    what = f"{sim.side} {sim.quantity:g} {record.listing.local_symbol}"
    text = "Your order will not be placed at the exchange until the next opening"
    return Error(record.key[1], 399, f"Order Message:\n{what}\nWarning: {text}")
