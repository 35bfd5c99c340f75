"""The desk that knows the positions and their profit, and pushes both when they change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from brokerage.simulator.account import Position
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_terms import wire_contract
from brokerage.tws.messages import (
    CancelPnl,
    CancelPnlSingle,
    CancelPositions,
    Pnl,
    PnlSingle,
    PositionData,
    PositionEnd,
    ReqPnl,
    ReqPnlSingle,
    ReqPositions,
)

FOREIGN_COST = 100.0  # dollars; what nobody here paid
PNL_EVERY = 1.0  # simulated seconds, as a real gateway updates it


@dataclass(frozen=True)
class Shown:
    """A position as clients are told it is, which may lag behind the account's books."""

    con_id: int
    quantity: float = 0.0
    avg_cost: float = 0.0


class PositionsDesk:
    """Answers what is held; `changed` is called with an account's name after each push."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.changed: Callable[[str], None] = lambda account: None
        self._shown: dict[tuple[str, int], Shown] = {}
        self._foreign: tuple[str, float] | None = None
        self._subscribers: dict[Session, None] = {}  # in the order of subscription
        self._pnl: dict[tuple[Session, int], ReqPnl | ReqPnlSingle] = {}
        self._beating = False
        self.handlers: Mapping[type[Any], Callable[[Session, Any], None]] = {
            ReqPositions: self.positions,
            CancelPositions: self.cancel,
            ReqPnl: self.pnl,
            ReqPnlSingle: self.pnl,
            CancelPnl: self.cancel_pnl,
            CancelPnlSingle: self.cancel_pnl,
        }

    def positions(self, session: Session, message: ReqPositions) -> None:
        """All positions of all accounts, then the end; changes follow."""
        self._subscribers[session] = None
        for account in self.floor.names():
            for shown in self.held(account):
                session.send(self._message(account, shown))
        if not self.floor.levers.no_positions_end:
            session.send(PositionEnd())

    def cancel(self, session: Session, message: CancelPositions) -> None:
        """No more pushes."""
        self._subscribers.pop(session, None)

    def held(self, account: str) -> list[Shown]:
        """What clients are told that an account holds."""
        self._adopt_foreign()
        return [shown for (name, _), shown in self._shown.items() if name == account]

    def booked(self, account: str, position: Position) -> None:
        """A fill moved this position: tell the clients, late if the fault says so."""
        lag = self.floor.levers.position_lag_s
        if lag:
            self.floor.agenda.later(lag, lambda: self._publish(account, position))
        else:
            self._publish(account, position)

    def _publish(self, account: str, position: Position) -> None:
        quantity = position.quantity + self.floor.levers.position_wrong_qty
        key, shown = (account, position.con_id), Shown(position.con_id, quantity, position.avg_cost)
        if quantity:
            self._shown[key] = shown
        else:
            self._shown.pop(key, None)
        for session in self._subscribers if account in self.floor.names() else ():
            session.send(self._message(account, shown))
        self.changed(account)

    def _adopt_foreign(self) -> None:
        """Take up the position of the fault, once."""
        foreign = self.floor.levers.foreign_position
        if foreign is None or foreign == self._foreign:
            return
        self._foreign = foreign
        listing = self.floor.listings.find(symbol=foreign[0], sec_type="STK")[0]
        account = self.floor.account()
        self._publish(account.name, account.adopt(listing.con_id, foreign[1], FOREIGN_COST))

    def _message(self, account: str, shown: Shown) -> PositionData:
        listing = self.floor.listing(shown.con_id)
        contract = wire_contract(listing, exchange="")
        return PositionData(account, contract, shown.quantity, round(shown.avg_cost, 6))

    def pnl(self, session: Session, message: ReqPnl | ReqPnlSingle) -> None:
        """Profit now and every second from now on; raises KeyError for an unknown account."""
        self._send_pnl(session, message)
        self._pnl[session, message.req_id] = message
        if not self._beating:
            self._beating = True
            self.floor.agenda.later(PNL_EVERY, self._beat)

    def cancel_pnl(self, session: Session, message: CancelPnl | CancelPnlSingle) -> None:
        """No more of it."""
        self._pnl.pop((session, message.req_id), None)

    def _beat(self) -> None:
        names = ("", *self.floor.names())  # may have changed: a fault logs in as somebody else
        for (session, _), message in self._pnl.items():
            if message.account in names:
                self._send_pnl(session, message)
        self._beating = bool(self._pnl)
        if self._beating:
            self.floor.agenda.later(PNL_EVERY, self._beat)

    def _send_pnl(self, session: Session, message: ReqPnl | ReqPnlSingle) -> None:
        account = self.floor.account(message.account)
        if isinstance(message, ReqPnl):
            open_profit = sum(account.unrealized(held.con_id) for held in account.held())
            daily = sum(account.daily(con_id) for con_id in account.positions)
            session.send(Pnl(message.req_id, daily, open_profit, account.realized()))
            return
        held = account.positions.get(message.con_id, Position(message.con_id))
        open_profit = account.unrealized(message.con_id) if held.quantity else 0.0
        session.send(
            PnlSingle(
                req_id=message.req_id,
                position=held.quantity,
                daily=account.daily(message.con_id),
                unrealized=open_profit,
                realized=held.realized,
                value=account.market_value(message.con_id),
            )
        )

    def leave(self, session: Session) -> None:
        """Forget a client."""
        self._subscribers.pop(session, None)
        self._pnl = {key: message for key, message in self._pnl.items() if key[0] is not session}
