"""What faults of orders share: which orders they strike, and the messages about those."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from brokerage.simulator.faults.fault import Fault
from brokerage.simulator.orders import Key
from brokerage.simulator.venue_floor import Session
from brokerage.simulator.venue_records import Record, open_order, order_status
from brokerage.tws.messages import (
    CancelOrder,
    CommissionReport,
    Contract,
    Error,
    ExecDetails,
    OpenOrder,
    OpenOrderEnd,
    OrderState,
    OrderStatus,
    PlaceOrder,
    ReqAllOpenOrders,
    ReqOpenOrders,
)
from brokerage.tws.table import Message

LISTING = (ReqOpenOrders, ReqAllOpenOrders)


@dataclass
class OrderFault(Fault):
    """Strikes orders of one symbol (empty: all), so many of them (0: all)."""

    symbol: str = ""
    times: int = 0
    _struck: dict[Key, bool] = field(init=False, repr=False, default_factory=dict)
    _placed: set[Key] = field(init=False, repr=False, default_factory=set)
    _executions: dict[str, Key] = field(init=False, repr=False, default_factory=dict)
    _asking: dict[Session, int] = field(init=False, repr=False, default_factory=dict)
    _answered: str = field(init=False, repr=False, default="")

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Hands orders, changes and cancels of struck orders to the hooks below."""
        if isinstance(message, LISTING):
            self._asking[session] = self._asking.get(session, 0) + 1
        if isinstance(message, PlaceOrder) and not message.order.what_if:
            return self._order(session, message)
        if isinstance(message, CancelOrder) and self.strikes(key_of(session, message)):
            return self.cancelled(session, message)
        return (message,)

    def _order(self, session: Session, message: PlaceOrder) -> Iterable[Message]:
        key = key_of(session, message)
        again = key in self._placed or self.record(key) is not None
        self._placed.add(key)
        if not self.strikes(key, message.contract):
            return (message,)
        return self.changed(session, message) if again else self.placed(session, message)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Hands what is said about struck orders to `reported`."""
        if isinstance(message, OpenOrderEnd):
            self._asking[session] = max(self._asking.get(session, 0) - 1, 0)
        key = self._about(session, message)
        return (message,) if key is None else self.reported(session, key, message)

    def placed(self, session: Session, message: PlaceOrder) -> Iterable[Message]:
        """What the venue gets for a new order."""
        return (message,)

    def changed(self, session: Session, message: PlaceOrder) -> Iterable[Message]:
        """What the venue gets for a change of an order."""
        return (message,)

    def cancelled(self, session: Session, message: CancelOrder) -> Iterable[Message]:
        """What the venue gets for a cancel."""
        return (message,)

    def reported(self, session: Session, key: Key, message: Message) -> Iterable[Message]:
        """What a client gets of a message about an order."""
        return (message,)

    def strikes(self, key: Key, contract: Contract | None = None) -> bool:
        """Whether this order is one that the fault strikes; decided when first seen."""
        if key not in self._struck:
            symbol = self._symbol(key, contract)
            if symbol is None:
                return False
            free = not self.times or sum(self._struck.values()) < self.times
            self._struck[key] = free and self.symbol in {"", symbol}
        return self._struck[key]

    def _symbol(self, key: Key, contract: Contract | None) -> str | None:
        if contract is not None and contract.symbol:
            return contract.symbol
        record = self.record(key)
        if record is not None:
            return record.listing.symbol
        listing = self.gateway.venue.floor.listings.by_id(contract.con_id) if contract else None
        return listing.symbol if listing else None

    def _about(self, session: Session, message: Message) -> Key | None:
        """The struck order that a message is about, or None."""
        key: Key | None = None
        match message:
            case OpenOrder() if message.order.what_if:
                return None
            case OpenOrder() | OrderStatus():
                key = (message.client_id, message.order_id)
            case ExecDetails():
                key = self._executions[message.exec_id] = (message.client_id, message.order_id)
                self._answered = message.exec_id if message.req_id != -1 else ""
            case CommissionReport():
                key = self._executions.get(message.exec_id)
            case Error(req_id) if (session.client_id, req_id) in self._struck:
                key = (session.client_id, req_id)
        return key if key is not None and self.strikes(key) else None

    def record(self, key: Key) -> Record | None:
        """The order as the venue keeps it, or None."""
        return self.gateway.venue.orders.records.get(key)

    def asked(self, session: Session, message: Message) -> bool:
        """Whether the client gets this because it asked, or because it has just connected."""
        match message:
            case OpenOrder() | OrderStatus():
                return session.received == 0 or self._asking.get(session, 0) > 0
            case ExecDetails():
                return message.req_id != -1
            case CommissionReport():
                return message.exec_id == self._answered
        return False

    def announce(self, session: Session, key: Key, status: str, why_held: str = "") -> None:
        """Tell the owner of an order that it stands so, whatever the venue thinks."""
        record = self.record(key)
        if record is not None:
            self.deliver(session, replace(open_order(record), state=OrderState(status=status)))
            self.deliver(session, replace(order_status(record, status), why_held=why_held))


def key_of(session: Session, message: PlaceOrder | CancelOrder) -> Key:
    """The order that a client places, changes or cancels."""
    return session.client_id, message.order_id


def held_back(message: PlaceOrder) -> PlaceOrder:
    """The same order, so that the venue keeps it and does not work it."""
    return replace(message, order=replace(message.order, transmit=False))
