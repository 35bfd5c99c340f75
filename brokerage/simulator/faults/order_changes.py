"""Faults of changes and cancels: refused, doubled, unanswered, or overtaken by a fill."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from brokerage.simulator.faults.fault import Incident
from brokerage.simulator.faults.order_fault import OrderFault, key_of
from brokerage.simulator.faults.projects import INSYNC, LEAN_IB, NAUTILUS
from brokerage.simulator.orders import Key
from brokerage.simulator.venue_floor import Session
from brokerage.tws.messages import (
    CancelOrder,
    Error,
    ExecDetails,
    OpenOrder,
    OrderStatus,
    PlaceOrder,
)
from brokerage.tws.table import Message

NEVER = 0.0


@dataclass
class DuplicateAfterModification(OrderFault):
    """A change becomes a second order beside the first: one order id, two permanent ids.

    Both work and both may fill. A cancel by the order id ends the first one only; the other
    went on unseen and filled six hours later.
    """

    incidents: ClassVar = (
        Incident(NAUTILUS, 4564, "modify while connectivity was lost: two live orders"),
    )
    signal: ClassVar = "Two permanent ids for one order id in reqAllOpenOrders or the executions."

    def changed(self, session: Session, message: PlaceOrder) -> Iterable[Message]:
        """The venue takes the change for another order; its id is negative inside."""
        self.gateway.venue.orders.place_beside(session, message)
        return ()

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Gives the second order the id of the first."""
        match message:
            case OpenOrder(order_id) | OrderStatus(order_id) if order_id < 0:
                return (replace(message, order_id=-order_id),)
            case ExecDetails(_, order_id) if order_id < 0:
                return (replace(message, order_id=-order_id),)
            case Error(req_id) if req_id < -1:
                return (replace(message, req_id=-req_id),)
        return super().outgoing(session, message)


@dataclass
class ModificationRefused(OrderFault):
    """A change is refused with an error that carries the order's id; the order lives on as it was.

    Clients that take the error for the order's end lose sight of a working order.
    """

    code: int = 201
    text: str = "Order rejected - reason:Cannot modify this order."

    incidents: ClassVar = (
        Incident(INSYNC, 502, "a refused change: the library dropped an order that was open"),
    )
    signal: ClassVar = "An error that answers a change says nothing of the order: list open orders."

    def changed(self, session: Session, message: PlaceOrder) -> Iterable[Message]:
        """The venue never sees it."""
        self.deliver(session, Error(message.order_id, self.code, self.text))
        return ()


@dataclass
class CancelAnsweredLate(OrderFault):
    """A cancel is answered with PendingCancel, and carried out `seconds` later (0: never).

    The order may fill meanwhile. Cancels outside trading hours were answered at the next opening.
    """

    seconds: float = 30.0

    incidents: ClassVar = (
        Incident(LEAN_IB, 256, "cancels answered after the timeout had stopped the algorithm"),
        Incident(INSYNC, 491, "PendingCancel: the order can still fill"),
    )
    signal: ClassVar = "PendingCancel beyond a limit; the order counts as alive until Cancelled."

    def cancelled(self, session: Session, message: CancelOrder) -> Iterable[Message]:
        """Answers at once that it is pending."""
        record = self.record(key_of(session, message))
        if record is None or not record.open:
            return (message,)
        self.announce(session, record.key, "PendingCancel")
        if self.seconds > NEVER:
            self.later(self.seconds, lambda: self.receive(session, message))
        return ()


@dataclass
class CancelNotFound(OrderFault):
    """A cancel is answered with 10147, "not found", although the order works on."""

    incidents: ClassVar = (
        Incident(INSYNC, 690, "10147 for an order placed four seconds before"),
        Incident(LEAN_IB, 248, "10147 answered 25 of 27 cancels that timed out"),
    )
    signal: ClassVar = "10147 for an order that reqAllOpenOrders lists, or that fills afterwards."

    def cancelled(self, session: Session, message: CancelOrder) -> Iterable[Message]:
        """The venue never sees it."""
        text = f"OrderId {message.order_id} that needs to be cancelled is not found."
        self.deliver(session, Error(message.order_id, 10147, text))
        return ()


@dataclass
class CancelFillRace(OrderFault):
    """The order fills while the cancel is on its way, and the cancel is answered with 10148."""

    incidents: ClassVar = (
        Incident(INSYNC, 656, "10148: cannot be cancelled, state: Filled"),
        Incident(LEAN_IB, 248, "10148 answers a cancel of an order that has ended"),
    )
    signal: ClassVar = "Execution and 10148 where a cancellation was expected: count the position."

    def cancelled(self, session: Session, message: CancelOrder) -> Iterable[Message]:
        """Fills the order before the venue sees the cancel."""
        self.gateway.venue.fills.fill_before_cancel(key_of(session, message))
        return (message,)


@dataclass
class LateFillAfterCancelled(OrderFault):
    """The gateway says Cancelled, and `seconds` later the order fills all the same."""

    seconds: float = 0.5
    _filled: set[Key] = field(init=False, repr=False, default_factory=set)

    incidents: ClassVar = (
        Incident("pst-group/pysystemtrade", 1580, "execDetails after the cancel message"),
        Incident(INSYNC, 363, "called cancelled while the servers could still fill it"),
    )
    signal: ClassVar = "An execution of a cancelled order: Cancelled is final only after a while."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Waits for Cancelled."""
        ended = isinstance(message, OrderStatus) and message.status == "Cancelled"
        if ended and key not in self._filled:
            self._filled.add(key)
            self.later(self.seconds, lambda: self._fill(key))
        return (message,)

    def _fill(self, key: Key) -> None:
        record = self.record(key)
        if record is not None and record.status == "Cancelled":
            self.gateway.venue.fills.fill_late(record)
