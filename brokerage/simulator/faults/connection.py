"""Faults of the TCP connection: the port, the handshake, the bytes."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from brokerage.simulator.faults.fault import Fault, Incident
from brokerage.simulator.faults.projects import ASYNC, INSYNC, LEAN_IB, NAUTILUS
from brokerage.simulator.venue import IN_USE
from brokerage.simulator.venue_floor import Session
from brokerage.tws.messages import PlaceOrder
from brokerage.tws.table import Message

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway, Peer


@dataclass
class PortOpenApiMute(Fault):
    """The port accepts connections and the API behind it never answers a handshake.

    In the incident the gateway's sockets piled up in CLOSE_WAIT; clients that were connected
    before went on. Only a restart of the container helped.
    """

    incidents: ClassVar = (
        Incident("gnzsnz/ib-gateway-docker", 336, "port 4001 accepts, no nextValidId"),
        Incident(INSYNC, 386, "TimeoutError although the port is open"),
    )
    signal: ClassVar = "No answer to the handshake: an open port proves nothing, a handshake does."

    def bytes_in(self, peer: "Peer", data: bytes) -> bytes:
        """Whoever has not started its API is not read."""
        return data if peer.session else b""


@dataclass
class PortClosed(Fault):
    """Nothing listens any more: connections are refused; those that stand live on."""

    incidents: ClassVar = (
        Incident("gnzsnz/ib-gateway-docker", 119, "connection refused every Monday"),
        Incident("manhinhang/ib-gateway-docker", 60, "ConnectionRefusedError from the client"),
    )
    signal: ClassVar = "ConnectionRefusedError at once; it is retried with growing pauses."

    def on(self, gateway: "Gateway") -> None:
        """Stop listening."""
        gateway.shut_port()

    def off(self, gateway: "Gateway") -> None:
        """Listen again."""
        gateway.open_port()


@dataclass
class ResetOnConnect(Fault):
    """A gateway that is not ready yet accepts a connection and resets it at once."""

    incidents: ClassVar = (
        Incident(LEAN_IB, 151, "not fully initialized: reset"),
        Incident(ASYNC, 169, "drops right after it connected"),
    )
    signal: ClassVar = "The socket ends before the handshake does; later it works."

    def admits(self, peer: "Peer") -> bool:
        """Nobody."""
        return False


@dataclass
class ClosesAfterHandshake(Fault):
    """The gateway shakes hands and hangs up when the client names itself, without a word.

    In the incident a dialog (the paper-trading warning) was open in the gateway; the client's
    library suspected a client id in use, which it was not.
    """

    incidents: ClassVar = (
        Incident("extrange/ibkr-docker", 70, "until somebody closed the dialog by hand"),
    )
    signal: ClassVar = "The peer closes after startApi and no code 326 says why."

    def starts(self, session: Session) -> bool:
        """Nobody gets past naming itself."""
        session.hang_up()
        return False


@dataclass
class HalfOpenSocket(Fault):
    """The network is cut and nobody says so: the socket stands, nothing comes or goes.

    Strikes the connections that stand when it is switched on. Switched off, these are reset.
    """

    incidents: ClassVar = (
        Incident(INSYNC, 419, "isConnected() stays true, no callback comes"),
        Incident("ml4t/live", 87, "75 minutes in an established socket without an answer"),
    )
    signal: ClassVar = "No answer to reqCurrentTime within a few seconds: ask it as a heartbeat."

    _dead: "list[Peer]" = field(init=False, repr=False, default_factory=list)

    def on(self, gateway: "Gateway") -> None:
        """These connections are dead from now on."""
        self._dead = gateway.peers()

    def off(self, gateway: "Gateway") -> None:
        """What has been cut cannot be continued."""
        for peer in self._dead:
            peer.cut()

    def bytes_in(self, peer: "Peer", data: bytes) -> bytes:
        """Nothing arrives."""
        return b"" if peer in self._dead else data

    def bytes_out(self, peer: "Peer", data: bytes) -> Iterable[bytes]:
        """Nothing leaves."""
        return () if peer in self._dead else (data,)


@dataclass
class GatewayFreezes(Fault):
    """The gateway stops altogether, for clients old and new, and later goes on as if nothing was.

    In the incident the user interface and the socket server froze together. Here everything
    that arrived or was due meanwhile is dealt with afterwards. Zero seconds: until switched off.
    """

    seconds: float = 60.0
    incidents: ClassVar = (
        Incident("heshiming/ibga", 4, "interface and API stop responding"),
        Incident("QuantConnect/IBAutomater", 62, "process alive, not responding"),
    )
    signal: ClassVar = "No answer to anything for longer than any request may take."

    _held_in: "deque[tuple[Peer, bytes]]" = field(init=False, repr=False, default_factory=deque)
    _held_out: "deque[tuple[Peer, bytes]]" = field(init=False, repr=False, default_factory=deque)

    def on(self, gateway: "Gateway") -> None:
        """Freeze."""
        if self.seconds:
            self.later(self.seconds, self.done)

    def off(self, gateway: "Gateway") -> None:
        """Write what was due, then read what has arrived."""
        for peer, data in self._held_out:
            peer.write(data)
        for peer, data in self._held_in:
            peer.data_received(data)

    def bytes_in(self, peer: "Peer", data: bytes) -> bytes:
        """Kept for later."""
        self._held_in.append((peer, data))
        return b""

    def bytes_out(self, peer: "Peer", data: bytes) -> Iterable[bytes]:
        """Kept for later."""
        self._held_out.append((peer, data))
        return ()


@dataclass
class SplitFrames(Fault):
    """Messages arrive in pieces: no read ends where a message ends.

    That is how TCP may deliver at any time; clients that parse each read as whole messages
    break. `size` is the length of a piece in bytes, `gap` the seconds to the next one.
    """

    size: int = 64
    gap: float = 0.02
    incidents: ClassVar = (
        Incident("stoqey/ib", 42, "partial data read as whole messages"),
        Incident("ib-ruby/ib-api", 25, "crashes unless one message is read at a time"),
        Incident("pilwon/node-ib", 8, "incoming buffer underrun"),
    )
    signal: ClassVar = "None: a good client puts the pieces together and notices nothing."

    _waiting: "deque[tuple[Peer, bytes]]" = field(init=False, repr=False, default_factory=deque)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError("size must be at least 1 byte")

    def off(self, gateway: "Gateway") -> None:
        """Write what is left."""
        while self._waiting:
            peer, piece = self._waiting.popleft()
            peer.write(piece)

    def bytes_out(self, peer: "Peer", data: bytes) -> Iterable[bytes]:
        """One piece after the other."""
        idle = not self._waiting
        for start in range(0, len(data), self.size):
            self._waiting.append((peer, data[start : start + self.size]))
        if idle:
            self._write()
        return ()

    def _write(self) -> None:
        if self._waiting:
            peer, piece = self._waiting.popleft()
            peer.write(piece)
            self.later(self.gap, self._write)


@dataclass
class TruncatedFrame(Fault):
    """The gateway dies in the middle of a message: a part arrives, then the socket closes.

    Strikes the first connection that is sent something.
    """

    incidents: ClassVar = (
        Incident("lbilli/rib", 23, "the read of a length fails when TWS closes suddenly"),
        Incident("blampe/IbPy", 34, "end of stream inside a field: the reader spins for ever"),
    )
    signal: ClassVar = "The connection ends with bytes that make no whole message."

    _struck: bool = field(init=False, repr=False, default=False)

    def bytes_out(self, peer: "Peer", data: bytes) -> Iterable[bytes]:
        """Not all of it, then the end."""
        if self._struck:
            return (data,)
        self._struck = True
        peer.write(data[:-2])  # so that the last frame is cut, wherever it begins
        peer.connection.close()
        if peer.transport:
            peer.transport.close()
        self.later(0.0, self.done)
        return ()


@dataclass
class DisconnectMidOrder(Fault):
    """The connection is reset when an order arrives, so that its fate is unknown.

    In the incident the scheduled restart cut the socket 32 ms after four orders were written to
    it, and the gateway had never seen them (`lost`). Otherwise the order works, unattended.
    `nth` counts the orders from when the fault was switched on.
    """

    nth: int = 1
    lost: bool = False
    incidents: ClassVar = (
        Incident(LEAN_IB, 242, "four orders lost"),
        Incident(INSYNC, 130, "no trades after reconnecting, yet an execution"),
    )
    signal: ClassVar = (
        "After reconnecting, open orders and executions tell whether the order lives; "
        "without asking them it must not be sent again."
    )

    _seen: int = field(init=False, repr=False, default=0)

    def incoming(self, session: Session, message: Message) -> Iterable[Message]:
        """The nth order: in or not, then the cut."""
        if not isinstance(message, PlaceOrder):
            return (message,)
        self._seen += 1
        if self._seen != self.nth:
            return (message,)
        if not self.lost:
            self.receive(session, message)
        peer = self.gateway.peer(session)
        if peer:
            peer.cut()
        return ()


@dataclass
class ClientIdStuck(Fault):
    """A client id stays in use after its client has gone: 326, and the door is closed.

    The gateway has not noticed yet that the connection ended; after a restart it may take
    minutes, and sometimes only another restart frees the id.
    """

    seconds: float = 60.0
    incidents: ClassVar = (
        Incident(ASYNC, 152, "the id is occupied until a restart"),
        Incident(NAUTILUS, 3796, "326 after the nightly restart"),
        Incident("stoqey/ib", 43, "TWS does not notice the lost connection at once"),
    )
    signal: ClassVar = "Code 326 and the end of the connection; another id works at once."

    _gone: dict[int, float] = field(init=False, repr=False, default_factory=dict)

    def leaves(self, session: Session) -> None:
        """Remember when the id becomes free."""
        self._gone[session.client_id] = self.gateway.clock.time() + self.seconds

    def starts(self, session: Session) -> bool:
        """Refuse an id that has not become free yet."""
        free = self.gateway.clock.time() >= self._gone.get(session.client_id, 0.0)
        return free or refused_id(session)


def refused_id(session: Session) -> bool:
    """Refuse a client because its id is in use; False, for `starts` to return."""
    session.error(*IN_USE)
    session.hang_up()
    return False
