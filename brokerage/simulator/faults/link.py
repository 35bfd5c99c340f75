"""Faults of the gateway's link to the broker's servers and data farms; the socket stays up."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from brokerage.simulator.faults import kinds
from brokerage.simulator.faults.fault import Fault, Incident
from brokerage.simulator.faults.projects import INSYNC, LEAN, LEAN_IB, NAUTILUS
from brokerage.simulator.venue import FARMS
from brokerage.simulator.venue_floor import Session
from brokerage.simulator.venue_terms import NO_DEFINITION
from brokerage.tws import messages as tws
from brokerage.tws.table import Message

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway

FARM_NOTICES = tuple(code for code, _ in FARMS)
ANSWERED_LOCALLY = (
    tws.ReqCurrentTime,
    tws.ReqIds,
    tws.ReqManagedAccts,
    tws.ReqOpenOrders,
    tws.ReqAllOpenOrders,
    tws.ReqAutoOpenOrders,
    tws.ReqCompletedOrders,
    tws.ReqExecutions,
    tws.ReqPositions,
    tws.ReqAccountUpdates,
    tws.ReqAccountUpdatesMulti,
    tws.ReqAccountSummary,
    tws.ReqMarketDataType,
)


@dataclass
class DeadStreams(Fault):
    """Every stream that was open stays silent; one that is requested afresh flows."""

    _fresh: set[tuple[Session, int]] = field(init=False, repr=False, default_factory=set)
    _broken: bool = field(init=False, repr=False, default=False)

    def break_streams(self) -> None:
        """From now on only streams requested from now on flow."""
        self._broken = True
        self._fresh.clear()

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Note what is requested afresh."""
        if isinstance(message, kinds.STREAM_REQUESTS):
            self._fresh.add((session, message.req_id))
        return (message,)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Nothing of the old streams."""
        old = self._broken and isinstance(message, kinds.STREAM)
        return () if old and (session, message.req_id) not in self._fresh else (message,)


@dataclass
class LinkLost(Fault):
    """1100 again and again, for hours, and the socket stands: the bot runs blind.

    In the incident 833 of them came in 15 hours until the market was closed; the bot had taken
    the loss for the nightly reset. No ticks come, requests and orders wait; what happened to
    orders meanwhile is reported after the restoration: 1102, or 1101 if `data_lost`, after which
    streams must be requested again. Zero seconds: until switched off.
    """

    seconds: float = 54_000.0
    data_lost: bool = False
    repeat: float = 65.0
    incidents: ClassVar = (
        Incident(LEAN_IB, 258, "833 times 1100 in 15 hours, noticed three days later"),
        Incident(LEAN_IB, 249, "fills during 1100 never recovered"),
        Incident(INSYNC, 256, "what 1101 asks for is left to the client"),
    )
    signal: ClassVar = (
        "1100 without 1101 or 1102; afterwards executions and open orders are asked for, and "
        "after 1101 every stream is requested again."
    )

    _held: list[Callable[[], None]] = field(init=False, repr=False, default_factory=list)
    _down: bool = field(init=False, repr=False, default=False)

    def on(self, gateway: "Gateway") -> None:
        """The link is lost."""
        self._down = True
        self._complain()
        if self.seconds:
            self.later(self.seconds, self._restore)

    def off(self, gateway: "Gateway") -> None:
        """Restored, if it was not yet."""
        self._restore()

    def _complain(self) -> None:
        if self._down:
            self.tell(*kinds.LINK_LOST)
            self.later(self.repeat, self._complain)

    def _restore(self) -> None:
        if not self._down:
            return
        self._down = False
        if self.data_lost:
            self.gateway.venue.lose_streams()
        self.tell(*(kinds.DATA_LOST if self.data_lost else kinds.DATA_KEPT))
        held, self._held = self._held, []
        for action in held:
            action()
        self.done()

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Held while the link is down, but for what the gateway itself knows."""
        if not self._down or isinstance(message, ANSWERED_LOCALLY):
            return (message,)
        self._held.append(lambda: self.receive(session, message))
        return ()

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """No ticks while the link is down, orders later, and no farm is well."""
        match message:
            case _ if not self._down:
                return (message,)
            case tws.Error(-1, code) if code in FARM_NOTICES:
                lost = tws.Error(-1, *kinds.LINK_LOST)
                return (lost,) if code == FARM_NOTICES[0] else ()
            case tws.OrderStatus() | tws.ExecDetails(req_id=-1) | tws.CommissionReport():
                self._held.append(lambda: self.deliver(session, message))
                return ()
        return () if isinstance(message, kinds.STREAM) else (message,)


@dataclass
class SilentAfter1102(DeadStreams):
    """1100, then 1102 "data maintained", and no tick ever comes again on the open streams.

    In the incident that followed the nightly reset of the servers; a restart of the gateway's
    controller, which requested everything again, brought the data back at once.
    """

    seconds: float = 30.0
    incidents: ClassVar = (
        Incident("IbcAlpha/IBC", 143, "noticed hours after the nightly reset"),
        Incident(LEAN_IB, 169, "data maintained, all farms connected, and then nothing"),
    )
    signal: ClassVar = "No tick on any stream although the market is open: request them again."

    def on(self, gateway: "Gateway") -> None:
        """1100 now, 1102 after so many seconds."""
        self.break_streams()
        self.tell(*kinds.LINK_LOST)
        self.later(self.seconds, self._restored)

    def _restored(self) -> None:
        if self in self.gateway.faults:
            self.tell(*kinds.DATA_KEPT)


@dataclass
class FarmBroken(Fault):
    """A data farm is broken until the fault is switched off; who connects is told so."""

    broken: ClassVar[tuple[int, str]]
    well: ClassVar[tuple[int, str]]

    def on(self, gateway: "Gateway") -> None:
        """It breaks."""
        self.tell(*self.broken)

    def off(self, gateway: "Gateway") -> None:
        """It is well again."""
        self.tell(*self.well)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """No word of a farm that is well."""
        if isinstance(message, tws.Error) and message.code == self.well[0]:
            return (tws.Error(-1, *self.broken),)
        return (message,)


@dataclass
class MarketFarmBroken(FarmBroken):
    """2103 and never 2104: no market data at all, while orders and the account work."""

    incidents: ClassVar = (
        Incident("vnpy/vnpy", 3006, "connected, but the market data farm is not"),
        Incident(INSYNC, 306, "after 2103 everything stopped"),
    )
    signal: ClassVar = "2103 that no 2104 follows: prices are stale and must not be traded on."
    broken: ClassVar = kinds.MARKET_BROKEN
    well: ClassVar = kinds.MARKET_OK

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """No ticks either."""
        passed = super().outgoing(session, message)
        return () if isinstance(message, kinds.STREAM) else passed


@dataclass
class FarmFlapping(Fault):
    """The market data farm breaks and recovers for minutes, as on a nightly maintenance.

    In the incident a client tore its whole connection down at each 2103, ran into code 326 when
    it came back, and lost its orders' channel for what concerned prices alone.
    """

    seconds: float = 300.0
    broken: float = 4.0
    healthy: float = 8.0
    incidents: ClassVar = (
        Incident(NAUTILUS, 4412, "over-reaction to data-farm flaps"),
        Incident(LEAN, 3297, "2103 and 2104 within seconds, then 1100"),
    )
    signal: ClassVar = "2103 and 2104 in turn: keep the connection, and mistrust prices meanwhile."

    _down: bool = field(init=False, repr=False, default=False)

    def on(self, gateway: "Gateway") -> None:
        """Begin to flap."""
        self._break()
        self.later(self.seconds, self.done)

    def off(self, gateway: "Gateway") -> None:
        """Well again."""
        if self._down:
            self._heal()

    def _break(self) -> None:
        if self in self.gateway.faults:
            self._down = True
            self.tell(*kinds.MARKET_BROKEN)
            self.later(self.broken, self._heal)

    def _heal(self) -> None:
        if self._down:
            self._down = False
            self.tell(*kinds.MARKET_OK)
            self.later(self.healthy, self._break)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """No ticks while it is broken."""
        return () if self._down and isinstance(message, kinds.STREAM) else (message,)


@dataclass
class HistoryFarmBroken(FarmBroken):
    """2105: requests for historical data are taken and never answered, nor refused."""

    incidents: ClassVar = (
        Incident(NAUTILUS, 4412, "2105 unhandled, 2106 missing among the restorations"),
    )
    signal: ClassVar = "2105, and no answer to historical requests: they need a time limit."
    broken: ClassVar = kinds.HISTORY_BROKEN
    well: ClassVar = kinds.HISTORY_OK

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Historical requests vanish."""
        return () if isinstance(message, kinds.HISTORY_REQUESTS) else (message,)


@dataclass
class DefinitionFarmBroken(FarmBroken):
    """2157: requests for contracts, option chains and symbols are taken and never answered.

    In the incident, during the nightly maintenance, contracts that exist were refused with code
    200 instead (`refused`): a client that takes the code at its word drops a good symbol.
    """

    refused: bool = False
    incidents: ClassVar = (
        Incident(INSYNC, 330, "code 200 for a ticker that exists, while the link was lost"),
    )
    signal: ClassVar = "2157: look no contracts up, and believe no code 200 until 2158 has come."
    broken: ClassVar = kinds.DEFINITIONS_BROKEN
    well: ClassVar = kinds.DEFINITIONS_OK

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Requests vanish, or are refused."""
        if not isinstance(message, kinds.DEFINITION_REQUESTS):
            return (message,)
        if self.refused:
            self.deliver(session, tws.Error(message.req_id, *NO_DEFINITION))
        return ()


@dataclass
class ServerLinkBroken(Fault):
    """2110: the gateway lost its server and says so itself; no ticks, orders are not worked.

    No 1101 or 1102 need follow: the farms report that they are well when it is over.
    """

    incidents: ClassVar = (
        Incident("stoqey/ib", 234, "1100 and 2110 come long before any socket event"),
    )
    signal: ClassVar = "2110: treat it like 1100; what is sent meanwhile may reach nobody."

    _held: list[Callable[[], None]] = field(init=False, repr=False, default_factory=list)

    def on(self, gateway: "Gateway") -> None:
        """It breaks."""
        self.tell(*kinds.SERVER_BROKEN)

    def off(self, gateway: "Gateway") -> None:
        """Restored automatically, as the text says."""
        self.tell(*kinds.MARKET_OK)
        self.tell(*kinds.HISTORY_OK)
        for action in self._held:
            action()

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Held, but for what the gateway itself knows."""
        if isinstance(message, ANSWERED_LOCALLY):
            return (message,)
        self._held.append(lambda: self.receive(session, message))
        return ()

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """No ticks."""
        return () if isinstance(message, kinds.STREAM) else (message,)
