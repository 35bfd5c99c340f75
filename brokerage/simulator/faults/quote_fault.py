"""What faults of quotes share: which lines they strike, and what kinds of ticks there are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from brokerage.simulator.faults.fault import Fault
from brokerage.simulator.faults.kinds import STREAM, STREAM_REQUESTS
from brokerage.simulator.venue_floor import Session
from brokerage.tws.messages import Contract
from brokerage.tws.table import Message

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway

BIDS, ASKS, LASTS = {1, 66}, {2, 67}, {4, 68}  # kinds of TickPrice, live and delayed
BID_SIZES, ASK_SIZES, LAST_SIZES, VOLUMES = {0, 69}, {3, 70}, {5, 71}, {8, 74}  # of TickSize
RT_VOLUMES = {48, 77}  # of TickString: price;size;time;volume;average;single
TRADE_TIMES = {45, 88}  # of TickString: when the last trade was, in epoch seconds
Line = tuple[Session, int]  # client and request id


def past(gateway: "Gateway") -> Iterator[tuple[Session, Message]]:
    """What those who are connected now have sent and received, as far as the transcript goes."""
    sessions: dict[int | None, Session] = {one.client_id: one for one in gateway.sessions()}
    for frame in gateway.transcript:
        session = sessions.get(frame.client_id)
        if session is not None:
            yield session, frame.message


@dataclass
class QuoteFault(Fault):
    """Strikes the lines of one symbol (empty: all)."""

    symbol: str = ""
    _contracts: dict[Line, Contract] = field(init=False, repr=False, default_factory=dict)

    def on(self, gateway: "Gateway") -> None:
        """Learns from the transcript what the open lines are for."""
        for session, message in past(gateway):
            if isinstance(message, STREAM_REQUESTS):
                self._contracts[session, message.req_id] = message.contract

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Remembers what each line is for."""
        if isinstance(message, STREAM_REQUESTS):
            self._contracts[session, message.req_id] = message.contract
        return (message,)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Hands what flows on struck lines to `streamed`."""
        if isinstance(message, STREAM) and self.strikes((session, message.req_id)):
            return self.streamed(session, message)
        return (message,)

    def streamed(self, session: Session, message: Message) -> Iterable[Message]:
        """What the client gets of a tick or a bar."""
        return (message,)

    def strikes(self, line: Line) -> bool:
        """Whether a line is for the symbol."""
        contract = self._contracts.get(line)
        return not self.symbol or (contract is not None and self._named(contract) == self.symbol)

    def _named(self, contract: Contract) -> str:
        listing = self.gateway.venue.floor.listings.by_id(contract.con_id)
        return contract.symbol or (listing.symbol if listing else "")

    def line_of(self, session: Session, req_id: int) -> str:
        """What tells a line's instrument apart from others, over connections."""
        contract = self._contracts.get((session, req_id))
        if contract is None:
            return ""
        return f"{contract.con_id or contract.local_symbol or contract.symbol}"
