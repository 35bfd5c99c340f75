"""The desk that lists orders: a client's own, everybody's, completed ones; client 0 binds others.

An order typed into TWS belongs to no client: it is listed with order id 0 until client 0 takes it
over, by asking for its open orders or by having asked to bind automatically. It then has a
negative id, TWS's default for bound orders, and can be changed and cancelled by client 0.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from brokerage.simulator.venue_answers import completed_order
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_records import Record, Records, open_order, order_status
from brokerage.tws.messages import (
    CompletedOrdersEnd,
    OpenOrderEnd,
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqCompletedOrders,
    ReqOpenOrders,
)

BINDER = 0  # the one client that may take over orders entered by hand
NOT_BINDER = (
    "Only API connections with clientId set to 0 can set the auto bind TWS orders property."
)


class ListsDesk:
    """Answers which orders there are."""

    def __init__(self, floor: Floor, records: Records) -> None:
        self.floor, self.records = floor, records
        self._binding: Session | None = None
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqOpenOrders: self.own_orders,
            ReqAutoOpenOrders: self.auto_bind,
            ReqAllOpenOrders: self.all_orders,
            ReqCompletedOrders: self.completed,
        }

    def greet(self, session: Session) -> None:
        """The open orders of a client that has just connected; nothing if it has none."""
        if any(record.open for record in self.own_records(session)):
            self._list(session, self.own_records(session))

    def own_orders(self, session: Session, message: ReqOpenOrders | None = None) -> None:
        """The client's open orders, then the end; client 0 binds what was entered by hand."""
        if session.client_id == BINDER:
            for record in self._live():
                record.bound = True
        self._list(session, self.own_records(session))

    def own_records(self, session: Session) -> list[Record]:
        """The client's orders that have not ended."""
        mine = session.client_id
        return [one for one in self._live() if one.key[0] == mine and one.bound]

    def auto_bind(self, session: Session, message: ReqAutoOpenOrders) -> None:
        """Bind orders entered by hand from now on; 327 for any client but 0."""
        if session.client_id != BINDER:
            session.error(327, NOT_BINDER)
            return
        self._binding = session if message.bind else None

    def binds(self) -> bool:
        """Whether client 0 takes over new orders entered by hand."""
        return self._binding is not None and self.floor.session(BINDER) is self._binding

    def all_orders(self, session: Session, message: ReqAllOpenOrders) -> None:
        """Everybody's open orders, then the end."""
        self._list(session, self._live())

    def _live(self) -> list[Record]:
        """What has not ended, of the accounts that this login reports."""
        return [one for one in self.records.live() if one.account in self.floor.names()]

    def _list(self, session: Session, records: Iterable[Record]) -> None:
        for record in records:
            if record.open:
                session.send(open_order(record))
                session.send(order_status(record))
        session.send(OpenOrderEnd())

    def completed(self, session: Session, message: ReqCompletedOrders) -> None:
        """Everybody's orders that ended today, then the end; on request those of clients only."""
        for record in self.records:
            ours = record.done and record.account in self.floor.names()
            if ours and (record.key[1] > 0 or not message.api_only):
                session.send(completed_order(record))
        session.send(CompletedOrdersEnd())
