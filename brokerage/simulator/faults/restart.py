"""Restarts of the gateway: every night, and on Sundays without anybody to log in again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from brokerage.simulator.faults import kinds
from brokerage.simulator.faults.connection import refused_id
from brokerage.simulator.faults.fault import Fault, Incident
from brokerage.simulator.faults.projects import LEAN_IB, NAUTILUS
from brokerage.simulator.venue_floor import Session
from brokerage.tws import messages as tws
from brokerage.tws.table import Message

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway

BROKEN_FOR = {
    kinds.MARKET_OK[0]: kinds.MARKET_BROKEN,
    kinds.HISTORY_OK[0]: kinds.HISTORY_BROKEN,
}


@dataclass
class NightlyRestart(Fault):
    """The gateway restarts: all sockets close, nothing listens, then it is back half-ready.

    `down` seconds nobody can connect; for `id_stuck` seconds after that, who was connected gets
    326; for `half_ready` seconds the farms are broken (2103, 2105) and data requests remain
    unanswered; then 2104 and 2106 come. Orders live on. With `announced` the clients are told
    1300 before their sockets close: the port was reset.
    """

    down: float = 75.0
    id_stuck: float = 15.0
    half_ready: float = 60.0
    announced: bool = False
    incidents: ClassVar = (
        Incident(LEAN_IB, 242, "cut at 23:45:00, back at 23:46:19"),
        Incident(LEAN_IB, 227, "terminated at the nightly reset"),
        Incident(NAUTILUS, 3796, "326 during the restart, gave up"),
        Incident("gnzsnz/ib-gateway-docker", 15, "clients get no results after the restart"),
    )
    signal: ClassVar = (
        "The socket ends, then refusals, 326, 2103 and 2105: retry patiently, and trade when "
        "2104 and 2106 are there and open orders and executions have been read again."
    )

    _up_at: float = field(init=False, repr=False, default=0.0)
    _before: set[int] = field(init=False, repr=False, default_factory=set)

    def on(self, gateway: "Gateway") -> None:
        """Go down."""
        self._before = {session.client_id for session in gateway.sessions()}
        self._up_at = gateway.clock.time() + self.down
        if self.announced:
            code, text = kinds.PORT_RESET
            self.tell(code, f"{text}{gateway.port}")
        _go_down(gateway)
        self.later(self.down, self._up)

    def off(self, gateway: "Gateway") -> None:
        """Ready, and the farms are well."""
        gateway.open_port()
        self.tell(*kinds.MARKET_OK)
        self.tell(*kinds.HISTORY_OK)

    def _up(self) -> None:
        if self in self.gateway.faults:
            self.gateway.open_port()
            self.later(self.half_ready, self.done)

    def starts(self, session: Session) -> bool:
        """Not with an id that the gateway believes in use."""
        stuck = self.gateway.clock.time() < self._up_at + self.id_stuck
        return not (stuck and session.client_id in self._before) or refused_id(session)

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Data requests vanish."""
        asks = (*kinds.STREAM_REQUESTS, *kinds.HISTORY_REQUESTS)
        return () if isinstance(message, asks) else (message,)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """The farms are not well yet."""
        if isinstance(message, tws.Error) and message.code in BROKEN_FOR:
            return (tws.Error(-1, *BROKEN_FOR[message.code]),)
        return (message,)


@dataclass
class SundayTokenLoss(Fault):
    """On Sunday the login expires: the gateway closes and does not come back by itself.

    Nothing listens until somebody logs in with the second factor (until it is switched off). In
    the incident every order was refused for three days while the bot ran on.
    """

    incidents: ClassVar = (
        Incident(LEAN_IB, 246, "auto-restart token expired; three days without a connection"),
        Incident("IbcAlpha/IBC", 246, "a full login is due every Sunday"),
        Incident("gnzsnz/ib-gateway-docker", 119, "connection refused on Monday mornings"),
    )
    signal: ClassVar = "Refused for longer than any nightly restart lasts: call a person."

    def on(self, gateway: "Gateway") -> None:
        """Close everything."""
        _go_down(gateway)

    def off(self, gateway: "Gateway") -> None:
        """Somebody has logged in."""
        gateway.open_port()


def _go_down(gateway: "Gateway") -> None:
    gateway.shut_port()
    for peer in gateway.peers():
        peer.hang_up()
