"""Faults of a session that is connected: it goes mute, leaves answers unfinished, kicks out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from brokerage.simulator.faults import kinds
from brokerage.simulator.faults.fault import Fault, Incident
from brokerage.simulator.faults.projects import ASYNC, INSYNC, LEAN_IB, NAUTILUS
from brokerage.simulator.venue import OVER_RATE
from brokerage.simulator.venue_floor import Session
from brokerage.tws import messages as tws
from brokerage.tws.table import Message

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway

COMPETING = (10197, "No market data during competing live session")


@dataclass
class MuteAfterHandshake(Fault):
    """The gateway shakes hands, names accounts and the next id, and answers nothing more.

    In the incident a process waited 75 minutes for positions on such a connection. `ib_async`
    takes it for connected once its time limits have run out.
    """

    incidents: ClassVar = (
        Incident("ml4t/live", 87, "75 minutes inside connect; the handshake was complete"),
        Incident(INSYNC, 172, "stuck at qualifyContracts after the gateway's re-login"),
        Incident(ASYNC, 101, "connected, and every request hangs"),
    )
    signal: ClassVar = "No End to positions, orders and account within the limit: not connected."

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Everything is ignored."""
        return ()


@dataclass
class NeverEnds(Fault):
    """An answer comes in full, and the message that ends it does not."""

    end: ClassVar[type[Any]]

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """All but the end."""
        return () if isinstance(message, self.end) else (message,)


@dataclass
class PositionsNeverEnd(NeverEnds):
    """positionEnd does not come: the client cannot tell "flat" from "not told yet"."""

    incidents: ClassVar = (
        Incident(ASYNC, 84, "positions request timed out, connect succeeded nevertheless"),
        Incident(NAUTILUS, 4230, "empty positions taken for flat"),
    )
    signal: ClassVar = "No positionEnd within the limit: the positions are unknown, not empty."
    end: ClassVar = tws.PositionEnd


@dataclass
class AccountNeverEnds(NeverEnds):
    """accountDownloadEnd does not come, so the connecting client waits for its account."""

    incidents: ClassVar = (
        Incident(INSYNC, 303, "accountDownloadEnd not sent any more"),
        Incident(INSYNC, 584, "stuck in the download of the portfolio"),
    )
    signal: ClassVar = "No accountDownloadEnd within the limit: account values are incomplete."
    end: ClassVar = tws.AccountDownloadEnd


@dataclass
class OpenOrdersNeverEnd(NeverEnds):
    """openOrderEnd does not come: whether an order is open remains unknown."""

    incidents: ClassVar = (
        Incident(ASYNC, 101, "requests at connect hang"),
        Incident(NAUTILUS, 4230, "an empty answer taken as proof"),
    )
    signal: ClassVar = "No openOrderEnd within the limit: send nothing that may be open already."
    end: ClassVar = tws.OpenOrderEnd


@dataclass
class ExecutionsNeverEnd(NeverEnds):
    """execDetailsEnd does not come, on connecting and on later requests."""

    incidents: ClassVar = (
        Incident(ASYNC, 54, "executions request timed out, TWS 10.30"),
        Incident(ASYNC, 82, "execDetailsEnd is not fired, with the vendor's client neither"),
    )
    signal: ClassVar = "No execDetailsEnd within the limit: fills of before are unknown."
    end: ClassVar = tws.ExecDetailsEnd


@dataclass
class CompletedOrdersNeverEnd(NeverEnds):
    """completedOrdersEnd does not come; the gateway's log spoke of another pending request."""

    incidents: ClassVar = (
        Incident(INSYNC, 224, "connect fails over it"),
        Incident(INSYNC, 355, "timed out on every connect, without any completed order"),
    )
    signal: ClassVar = "No completedOrdersEnd within the limit; trading can go on without."
    end: ClassVar = tws.CompletedOrdersEnd


@dataclass
class PacingKick(Fault):
    """Error 100 to each message, and after `refusals` of them the connection is closed.

    As the gateway does with the setting that rejects messages above the rate; in the incident a
    chain of options was qualified in one go. `silent`: the socket stays and nobody listens, so
    that no disconnection is ever noticed.
    """

    refusals: int = 3
    silent: bool = False
    incidents: ClassVar = (
        Incident(INSYNC, 35, "error 100 several times, then the connection is dropped"),
        Incident(INSYNC, 201, "kicked out after 100 without a disconnect event"),
        Incident("stoqey/ib", 68, "too many requests at once hang the gateway"),
    )
    signal: ClassVar = "Code 100: stop sending, reconnect, and pace what follows."

    _refused: dict[Session, int] = field(init=False, repr=False, default_factory=dict)

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Refused, until it is too much."""
        count = self._refused[session] = self._refused.get(session, 0) + 1
        if count <= self.refusals:
            self.deliver(session, tws.Error(-1, *OVER_RATE))
        if count >= self.refusals and not self.silent:
            session.hang_up()
        return ()

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Nothing more to who was kicked out silently."""
        return () if self._refused.get(session, 0) >= self.refusals else (message,)


@dataclass
class CompetingSession(Fault):
    """Somebody logs in elsewhere with the same user: 10197 for every stream, and no data.

    A phone or a second TWS is enough. The login that came last gets the data; orders and the
    account go on here. Switched off, data flow again on the streams that are open.
    """

    incidents: ClassVar = (
        Incident(LEAN_IB, 140, "users did not know why they got no data"),
        Incident(LEAN_IB, 219, "though only one session was known to be open"),
        Incident("quantverse/ptltrader", 1, "10197 while TWS was open beside it"),
    )
    signal: ClassVar = "Code 10197 with a request's id: no prices until the other session ends."

    def on(self, gateway: "Gateway") -> None:
        """Tell every open stream of quotes."""
        self._told: set[tuple[Session, int]] = set()

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """Who asks again is told again."""
        if isinstance(message, kinds.STREAM_REQUESTS):
            self._told.discard((session, message.req_id))
        return (message,)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """10197 once instead of data."""
        if not isinstance(message, kinds.STREAM):
            return (message,)
        key = (session, message.req_id)
        if key in self._told:
            return ()
        self._told.add(key)
        return (tws.Error(message.req_id, *COMPETING),)


@dataclass
class NextIdGoesBack(Fault):
    """nextValidId is lower than ids that were used: the gateway forgot the last orders.

    In the incident it fell from 38103 to 38099 over the nightly restart; the ids were given to
    other orders and every report was counted for two. Here such an order is refused with 103
    unless the gateway has forgotten its predecessor. `by`: how many ids are forgotten.
    """

    by: int = 4
    incidents: ClassVar = (
        Incident(LEAN_IB, 242, "38103 to 38099 after the restart, ids issued twice"),
        Incident("ib-ruby/ib-ruby", 139, "back to 1 in each session"),
    )
    signal: ClassVar = "nextValidId below an id that was used: go on from the highest ever used."

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """A lower id."""
        if isinstance(message, tws.NextValidId):
            return (tws.NextValidId(max(message.order_id - self.by, 1)),)
        return (message,)


@dataclass
class BurstsOfTicks(Fault):
    """Ticks are held back and come all at once, again and again.

    The feed bundles and then catches up on its backlog; a slow consumer falls further behind
    with each burst. `every`: seconds between bursts.
    """

    every: float = 10.0
    incidents: ClassVar = (
        Incident(INSYNC, 452, "feeds are delayed or bundled and burst to catch up"),
        Incident("vnpy/vnpy", 2597, "dozens of ticks in a second jam the strategy"),
        Incident("softwarespartan/IB4m", 92, "prices minutes late in the client's queue"),
    )
    signal: ClassVar = "Many ticks of one stream in one read: the last counts, its age is doubtful."

    _held: list[tuple[Session, Message]] = field(init=False, repr=False, default_factory=list)

    def on(self, gateway: "Gateway") -> None:
        """Hold back the first ones."""
        self.later(self.every, self._burst)

    def off(self, gateway: "Gateway") -> None:
        """Let go what is held."""
        self._release()

    def _burst(self) -> None:
        if self in self.gateway.faults:
            self._release()
            self.later(self.every, self._burst)

    def _release(self) -> None:
        held, self._held = self._held, []
        for session, message in held:
            self.deliver(session, message)

    def outgoing(self, session: Session, message: Message) -> Iterable[Message]:
        """Ticks wait."""
        if not isinstance(message, kinds.STREAM):
            return (message,)
        self._held.append((session, message))
        return ()
