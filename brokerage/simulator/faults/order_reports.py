"""Faults of what is said about orders: lost, repeated, out of date, or left out of a list."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from brokerage.simulator.faults.fault import Incident
from brokerage.simulator.faults.order_fault import OrderFault
from brokerage.simulator.faults.projects import INSYNC, LEAN, LEAN_IB, NAUTILUS
from brokerage.simulator.orders import Key
from brokerage.simulator.venue_floor import Session
from brokerage.tws.messages import Error, OpenOrder, OrderStatus
from brokerage.tws.table import Message


@dataclass
class CallbacksLost(OrderFault):
    """The order works and fills, and not one callback tells of it; requests find everything.

    Some clients dropped what came while 1100 stood, others never got it; either way
    reqOpenOrders and reqExecutions alone still knew.
    """

    incidents: ClassVar = (
        Incident(LEAN_IB, 249, "callbacks of a 1100 window lost for good without reqExecutions"),
        Incident(LEAN, 851, "fill events that occasionally went missing"),
        Incident("pst-group/pysystemtrade", 188, "orders whose status and fills never changed"),
    )
    signal: ClassVar = "ReqExecutions and reqOpenOrders know what no callback told."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Nothing but what was asked for."""
        return (message,) if self.asked(session, message) else ()


@dataclass
class StatusFlood(OrderFault):
    """Each openOrder, orderStatus and error of an order comes `copies` times."""

    copies: int = 3

    incidents: ClassVar = (
        Incident("stoqey/ib", 239, "openOrder and orderStatus three times with the same data"),
    )
    signal: ClassVar = "Identical reports: a counter of events counts an order more than once."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Repeats what is not an execution."""
        if isinstance(message, (OpenOrder, OrderStatus, Error)):
            return (message,) * self.copies
        return (message,)


@dataclass
class StatusGoesBack(OrderFault):
    """`seconds` after a fill the report from before it comes again: Submitted, nothing filled.

    Lists of open orders and callbacks overtake each other.
    """

    seconds: float = 1.0
    _before: dict[Key, dict[type, Message]] = field(init=False, repr=False, default_factory=dict)

    incidents: ClassVar = (
        Incident(NAUTILUS, 3471, "openOrder after a partial fill: accepted, filled 0"),
        Incident(NAUTILUS, 4564, "the stale state of an order arrived last and won"),
    )
    signal: ClassVar = "A filled quantity that shrinks: executions count, not the last status."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Keeps the report from before the fill and sends it behind the fill's."""
        if isinstance(message, OrderStatus) and message.filled and key in self._before:
            old = self._before.pop(key)
            self.later(self.seconds, lambda: self._again(session, old))
        elif isinstance(message, (OpenOrder, OrderStatus)) and not _filled(message):
            self._before.setdefault(key, {})[type(message)] = message
        return (message,)

    def _again(self, session: Session, old: dict[type, Message]) -> None:
        for message in old.values():
            self.deliver(session, message)


def _filled(message: OpenOrder | OrderStatus) -> bool:
    if isinstance(message, OrderStatus):
        return message.filled > 0 or message.status in {"Filled", "Cancelled"}
    return message.state.status in {"Filled", "Cancelled"}


@dataclass
class OpenOrdersRepeated(OrderFault):
    """A list of open orders names each order `copies` times."""

    copies: int = 2

    incidents: ClassVar = (
        Incident(NAUTILUS, 4564, "the list of open orders replayed an order twice"),
        Incident("stoqey/ib", 239, "openOrder several times with the same data"),
    )
    signal: ClassVar = "More rows than permanent ids in the answer to reqAllOpenOrders."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Repeats what answers a request."""
        listed = isinstance(message, (OpenOrder, OrderStatus)) and self.asked(session, message)
        return (message,) * self.copies if listed else (message,)


@dataclass
class OrdersNotListed(OrderFault):
    """A list of open orders ends properly and leaves out orders that work."""

    incidents: ClassVar = (
        Incident(INSYNC, 416, "reqOpenOrders and reqAllOpenOrders empty while orders were open"),
        Incident(NAUTILUS, 4230, "an empty answer taken for proof that there are no orders"),
    )
    signal: ClassVar = "A live order missing from one list: an empty list is no proof."

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """Drops what answers a request."""
        listed = isinstance(message, (OpenOrder, OrderStatus)) and self.asked(session, message)
        return () if listed else (message,)
