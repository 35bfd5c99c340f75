"""The simulated IB Gateway on a TCP port: the only place here that reads and writes sockets."""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from brokerage.simulator.clock import Clock
from brokerage.simulator.faults.box import FaultBox, Switch
from brokerage.simulator.levers import Levers
from brokerage.simulator.venue import Venue
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.simulator.venue_terms import NEW_YORK
from brokerage.tws.connection import (
    Connection,
    Event,
    Malformed,
    Offered,
    Received,
    Started,
    State,
    Unsupported,
)
from brokerage.tws.messages import PlaceOrder
from brokerage.tws.table import Message

LATENCY = 0.002  # wall seconds between a message and its answer
MOST_UNSENT = 16 * 2**20  # bytes that a slow reader may leave behind before it is dropped
MOST_FRAMES = 200_000  # kept in the transcript; the oldest go first
IN, OUT, FAULT = "in", "out", "fault"


@dataclass(frozen=True)
class Frame:
    """One message that crossed the wire; `at` in epoch seconds of simulated time."""

    at: float
    client_id: int | None  # None before the client has named itself
    direction: str  # "in": from the client, "out": to it, "fault": a switch was turned
    name: str
    message: Message


class Peer(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self, gateway: "Gateway") -> None:
        self.gateway = gateway
        self.connection = Connection()
        self.session: Session | None = None
        self.transport: asyncio.Transport | None = None
        self._inbox: deque[Event] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected; the fault may refuse it."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if not self.gateway.admit(self):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take the bytes apart; what they ask for is done after the latency."""
        data = self.gateway.faults.bytes_in(self, data)
        if self.gateway.levers.refuse_api:
            return
        for event in self.connection.receive(data):
            if isinstance(event, Offered):
                self._greet(event)
            else:
                self._inbox.append(event)
        if self._inbox and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LATENCY, self._work)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone; what it had sent still counts."""
        if self._timer:
            self._timer.cancel()
        self._work()
        self.connection.close()
        self.gateway.forget(self)

    def _greet(self, offer: Offered) -> None:
        self.gateway.record(self, IN, "Hello", offer)
        if offer.version is None:
            self.hang_up()
            return
        now = self.gateway.clock.now().astimezone(NEW_YORK)
        self.connection.accept(f"{now:%Y%m%d %H:%M:%S} {now.tzname()}")
        self.gateway.record(self, OUT, "Welcome", offer.version)
        self.flush()

    def _work(self) -> None:
        """Handle everything that has arrived; then send all that it has caused."""
        self._timer = None
        while self._inbox:
            self._handle(self._inbox.popleft())
        self.gateway.flush()

    def _handle(self, event: Event) -> None:
        match event:
            case Started(client_id, message):
                self.session = Session(client_id, self.deliver, self.hang_up)
                self.gateway.record(self, IN, "StartApi", message)
                faults, venue = self.gateway.faults, self.gateway.venue
                if not (faults.starts(self.session) and venue.enter(self.session)):
                    self.session = None
            case Received(message) if self.session:
                self.gateway.record(self, IN, type(message).__name__, message)
                for passed in self.gateway.faults.incoming(self.session, message):
                    self.gateway.venue.receive(self.session, passed)
            case Malformed(fields, reason) if self.session:
                self.gateway.record(self, IN, "Malformed", fields)
                self.gateway.venue.malformed(self.session, fields, reason)
            case Unsupported(number, fields) if self.session:
                self.gateway.record(self, IN, f"Unsupported{number}", fields)
                self.gateway.venue.malformed(self.session, fields, "It is not supported.")
            case _:
                self.hang_up()

    def deliver(self, message: Message) -> None:
        """Queue what the faults leave of a message for the client."""
        if not self.session or not self.gateway.faults:
            self.queue(message)
            return
        for passed in self.gateway.faults.outgoing(self.session, message):
            self.queue(passed)

    def queue(self, message: Message) -> None:
        """Queue a message for the client."""
        if self.connection.state is not State.CLOSED:
            self.connection.send(message)
            self.gateway.record(self, OUT, type(message).__name__, message)

    def flush(self) -> None:
        """Send what is queued in one write."""
        data = self.connection.data_to_send()
        if data:
            for piece in self.gateway.faults.bytes_out(self, data):
                self.write(piece)

    def write(self, data: bytes) -> None:
        """Write bytes, if the client is there; a reader too slow for them is dropped."""
        if self.transport is None or self.transport.is_closing():
            return
        self.transport.write(data)
        if self.transport.get_write_buffer_size() > MOST_UNSENT:
            self.transport.abort()

    def hang_up(self) -> None:
        """Send what is queued and close; what the client still wanted is lost."""
        self._inbox.clear()
        self.connection.close()
        self.flush()
        if self.transport:
            self.transport.close()

    def cut(self) -> None:
        """Reset the connection, whatever was queued."""
        if self.transport:
            self.transport.abort()


class Gateway:
    """A simulated gateway; listens once `start` has returned."""

    def __init__(
        self,
        *,
        seed: int = 7,
        speed: float = 1.0,
        levers: Levers | None = None,
        accounts: tuple[str, ...] = ("DU1234567",),
        cash: float = 100_000.0,
        always_open: bool = True,
        start: datetime | None = None,
    ) -> None:
        self.clock = Clock(speed, start)
        self.levers = levers or Levers()
        floor = Floor(
            self.clock,
            seed=seed,
            levers=self.levers,
            accounts=accounts,
            cash=cash,
            always_open=always_open,
        )
        self.venue = Venue(floor)
        self.transcript: deque[Frame] = deque(maxlen=MOST_FRAMES)
        self.watchers: list[Callable[[Frame], None]] = []  # called with each frame
        self.faults = FaultBox(self)
        self.levers.watch(self._lever)
        self.port = 0
        self.admitted = 0
        self._peers: dict[Peer, None] = {}
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None  # the port while it is shut
        self._opening: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    @asynccontextmanager
    async def serve(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 7,
        speed: float = 1.0,
        levers: Levers | None = None,
        accounts: tuple[str, ...] = ("DU1234567",),
        cash: float = 100_000.0,
        always_open: bool = True,
        start: datetime | None = None,
    ) -> AsyncIterator[Self]:
        """A running gateway for the length of a block."""
        gateway = cls(
            seed=seed,
            speed=speed,
            levers=levers,
            accounts=accounts,
            cash=cash,
            always_open=always_open,
            start=start,
        )
        await gateway.start(host, port)
        try:
            yield gateway
        finally:
            await gateway.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; raises OSError when the port is taken. Port 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Peer(self), host, port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._arm()

    async def stop(self) -> None:
        """Close every connection and the port."""
        if self._timer:
            self._timer.cancel()
        if self._server:
            self._server.close()
            self._server = None
        if self._reserved:
            self._reserved.close()
            self._reserved = None
        await self.drop_all()

    def shut_port(self) -> None:
        """Refuse connections from now on; the port stays reserved, open connections live on."""
        if self._server is None or self._reserved is not None:
            return
        listening = self._server.sockets[0]
        family, address = listening.family, listening.getsockname()
        self._server.close()
        self._reserved = socket.socket(family)
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(address)

    def open_port(self) -> None:
        """Listen again on the same port."""
        if self._reserved is not None and self._server is not None:
            self._opening = asyncio.get_running_loop().create_task(self._listen_again())

    async def _listen_again(self) -> None:
        loop, reserved = asyncio.get_running_loop(), self._reserved
        self._reserved = None
        if reserved is not None:
            self._server = await loop.create_server(lambda: Peer(self), sock=reserved)

    async def drop_all(self) -> None:
        """Cut every connection, as a restart or a lost network would."""
        for peer in self.peers():
            peer.cut()
        await asyncio.sleep(0)

    def peers(self) -> list[Peer]:
        """Every connection, those that have not named themselves included."""
        return list(self._peers)

    def peer(self, session: Session) -> Peer | None:
        """The connection of a client, None when it has gone."""
        return next((peer for peer in self._peers if peer.session is session), None)

    def sessions(self) -> list[Session]:
        """Every client that has started its API."""
        return list(self.venue.floor.sessions.values())

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something so many simulated seconds from now."""
        self.venue.floor.agenda.later(seconds, action)
        self._arm()

    def orders_received(self) -> list[PlaceOrder]:
        """Every order message that crossed the wire."""
        return [frame.message for frame in self.transcript if isinstance(frame.message, PlaceOrder)]

    def admit(self, peer: Peer) -> bool:
        """Count a connection in; False when a fault refuses it."""
        limit = self.levers.refuse_reconnect
        self.admitted += 1
        if (limit is not None and self.admitted > limit) or not self.faults.admits(peer):
            return False
        self._peers[peer] = None
        return True

    def forget(self, peer: Peer) -> None:
        """A connection has gone."""
        self._peers.pop(peer, None)
        if peer.session:
            self.faults.leaves(peer.session)
            self.venue.leave(peer.session)

    def record(self, peer: Peer, direction: str, name: str, message: Message) -> None:
        """Write a message into the transcript."""
        client_id = peer.session.client_id if peer.session else None
        self._write(Frame(self.clock.time(), client_id, direction, name, message))

    def note(self, switch: Switch) -> None:
        """Write into the transcript that a fault or lever was set."""
        name = "On" if switch.on else "Off"
        self._write(Frame(self.clock.time(), None, FAULT, name, switch))

    def _lever(self, name: str, value: object) -> None:
        self.note(Switch(name, bool(value), {"lever": value}))

    def _write(self, frame: Frame) -> None:
        self.transcript.append(frame)
        for watcher in list(self.watchers):
            watcher(frame)

    def flush(self) -> None:
        """Send what is queued for every client and see when something is due next."""
        for peer in self.peers():
            peer.flush()
        self._arm()

    def _arm(self) -> None:
        """Wake up when the next action is due; not before the gateway listens, nor after."""
        if self._server is None:
            return
        if self._timer:
            self._timer.cancel()
        wait = max(self.venue.next_due() - self.clock.time(), 0.0) / self.clock.speed
        self._timer = asyncio.get_running_loop().call_later(wait, self._advance)

    def _advance(self) -> None:
        try:
            self.venue.advance()
        finally:
            self.flush()
