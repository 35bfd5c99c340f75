"""The simulated IB Gateway on a TCP port: its clients, its faults, its transcript and its state.

The sockets are here and in `peer`; all the rest is pure. What it models of a real gateway's
outside: the handshake, up to 32 clients with ids of their own, the message rate with both
settings, ids and orders that outlive a restart. What it does not: encryption, the login, the
limit to trusted addresses, the read-only setting.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Self

from brokerage.simulator.clock import Clock
from brokerage.simulator.driver import Driver
from brokerage.simulator.faults.box import FaultBox, Switch
from brokerage.simulator.levers import Levers
from brokerage.simulator.peer import Peer
from brokerage.simulator.settings import Settings
from brokerage.simulator.state import StateError, StateFile, unusable
from brokerage.simulator.transcript import FAULT, IN, OUT, Frame, Transcript
from brokerage.simulator.venue import Venue
from brokerage.simulator.venue_floor import Floor, Session
from brokerage.tws.messages import PlaceOrder
from brokerage.tws.table import Message

__all__ = ["FAULT", "IN", "OUT", "Frame", "Gateway", "Peer", "Settings"]

TURNS = 3  # of the loop after each instant of a skip: a client in it reads, answers, is read
MOST_BEHIND = 2**20  # bytes that a client may leave behind before a skip waits for it …
WAITS, WAIT = 200, 0.005  # … so often, for so many wall seconds


class Gateway:
    """A simulated gateway; listens once `start` has returned."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        levers: Levers | None = None,
        clock: Clock | None = None,
        **changes: Any,
    ) -> None:
        """`changes` are fields of `Settings`. A given clock replaces their speed and start.

        Raises TypeError for a field that does not exist, FileExistsError for the transcript's file.
        """
        self.settings = replace(settings or Settings(), **changes)
        self.clock = clock or Clock(self.settings.speed, self.settings.start)
        self.levers = levers or Levers()
        self.venue = Venue(_floor(self.settings, self.clock, self.levers))
        self.transcript = Transcript(self._head(), self.settings.transcript_path)
        self.watchers: list[Callable[[Frame], None]] = []  # called with each frame
        self.faults = FaultBox(self)
        self.levers.watch(self._lever)
        self.port = 0
        self.admitted = 0
        self._driver = Driver(self.venue, self.clock, self.flush)
        self._state: StateFile | None = None
        self._kept: tuple[int, ...] = ()  # how far the state had come when it was saved
        self._peers: dict[Peer, None] = {}
        self.unsent: dict[Peer, None] = {}  # peers with something to send, in order
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None  # the port while it is shut
        self._opening: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def serve(
        cls,
        settings: Settings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        levers: Levers | None = None,
        clock: Clock | None = None,
        **changes: Any,
    ) -> AsyncIterator[Self]:
        """A running gateway for the length of a block."""
        gateway = cls(settings, levers=levers, clock=clock, **changes)
        await gateway.start(host, port)
        try:
            yield gateway
        finally:
            await gateway.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Take up the state and listen; port 0 takes a free one.

        Raises OSError when the port is taken, StateError when the state is of no use.
        """
        self._restore()
        try:
            await self._listen(host, port)
        except OSError:
            self._close_files()
            raise
        self._driver.start()

    async def stop(self) -> None:
        """Close every connection, the port and the files; raises StateError: the disk refuses."""
        self._driver.stop()
        if self._server:
            self._server.close()
            self._server = None
        if self._reserved:
            self._reserved.close()
            self._reserved = None
        await self.drop_all()
        try:
            if self._state:
                self._save(self._state)
        finally:
            self._close_files()

    async def _listen(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Peer(self), host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    def shut_port(self) -> None:
        """Refuse connections from now on; the port stays reserved, open connections live on."""
        if self._server is None or self._reserved is not None:
            return
        listening = self._server.sockets[0]
        family, address = listening.family, listening.getsockname()
        self._server.close()
        # With the protocol named, asyncio lets its connections send without waiting for more.
        self._reserved = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
        """Cut every connection and let that be heard."""
        self.cut_all()
        await asyncio.sleep(0)

    def cut_all(self) -> None:
        """Cut every connection, as a restart or a lost network would."""
        for peer in self.peers():
            peer.cut()

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
        self._driver.arm()

    async def skip(self, seconds: float, pause: float = 0.0) -> None:
        """Move simulated time on by so many seconds, whatever happens in them in its order.

        Clients are served on the way. One in this event loop gets to answer at the same simulated
        time; one in another thread or process needs a `pause` (wall seconds after each instant at
        which something was sent). Raises ValueError backwards.
        """
        sent = self.transcript.count

        async def settle() -> None:
            nonlocal sent
            quiet, sent = sent == self.transcript.count, self.transcript.count
            await self._settle(0.0 if quiet else pause, 1 if quiet else TURNS)

        await self._driver.skip(seconds, settle)

    @property
    def skipped(self) -> int:
        """How many instants all skips so far have gone through: moves while one gets on."""
        return self._driver.skipped

    async def _settle(self, pause: float, turns: int) -> None:
        """Let the clients read and answer; wait a while for one that is far behind."""
        for _ in range(turns):
            await asyncio.sleep(pause)
        for _ in range(WAITS):
            if all(peer.behind < MOST_BEHIND for peer in self._peers):
                return
            await asyncio.sleep(WAIT)

    def catch_up(self) -> float:
        """Do what has become due by now; the time now."""
        return self._driver.catch_up()

    def orders_received(self) -> list[PlaceOrder]:
        """Every order message that crossed the wire."""
        return [frame.message for frame in self.transcript if isinstance(frame.message, PlaceOrder)]

    def transcript_bytes(self) -> bytes:
        """The transcript as canonical JSON lines: see `transcript`."""
        return self.transcript.encoded()

    def admit(self, peer: Peer) -> bool:
        """Count a connection in; False when a fault refuses it."""
        limit = self.levers.refuse_reconnect
        self.admitted += 1
        if (limit is not None and self.admitted > limit) or not self.faults.admits(peer):
            return False
        self._peers[peer] = None
        strangers = [one for one in self._peers if one.session is None]
        if len(strangers) > self.settings.most_strangers:
            strangers[0].cut()
        return True

    def forget(self, peer: Peer) -> None:
        """A connection has gone."""
        self._peers.pop(peer, None)
        self.unsent.pop(peer, None)
        if peer.session:
            self.faults.leaves(peer.session)
            self.venue.leave(peer.session)

    def record(
        self,
        peer: Peer,
        direction: str,
        name: str,
        message: Message,
        received: bytes | None = None,
    ) -> None:
        """Write a message into the transcript; `received` is its payload if a client sent it."""
        client_id = peer.session.client_id if peer.session else None
        at, version = self.clock.time(), peer.connection.version
        frame = (at, client_id, direction, name, message, version, received)
        self.transcript.add(frame)
        if self.watchers:
            self._show(Frame._make(frame))

    def halt(self, con_id: int) -> None:
        """Stop trading in a contract; raises KeyError for an unknown one."""
        self.catch_up()
        self.venue.floor.market.halt(con_id)
        self.note(Switch("halt", True, {"con_id": con_id}))

    def resume(self, con_id: int) -> None:
        """Trade in it again; raises KeyError for an unknown one."""
        self.catch_up()
        self.venue.floor.market.resume(con_id)
        self.note(Switch("halt", False, {"con_id": con_id}))

    def move(self, con_id: int, ratio: float) -> None:
        """From now on all prices of a share and its options are `ratio` times what they were.

        Raises KeyError for an unknown contract, ValueError for a ratio that makes no price.
        """
        self.catch_up()
        self.venue.floor.market.move(con_id, ratio)
        self.note(Switch("move", True, {"con_id": con_id, "ratio": ratio}))

    def note(self, switch: Switch) -> None:
        """Write into the transcript that a fault or lever was set."""
        self.catch_up()
        name = "On" if switch.on else "Off"
        frame = Frame(self.clock.time(), None, FAULT, name, switch)
        self.transcript.add(frame)
        self._show(frame)

    def _lever(self, name: str, value: object) -> None:
        self.note(Switch(name, bool(value), {"lever": value}))

    def _show(self, frame: Frame) -> None:
        for watcher in list(self.watchers):
            watcher(frame)

    def _head(self) -> dict[str, Any]:
        settings, start = self.settings, self.clock.start
        told = {"seed": settings.seed, "start": start.isoformat(), "accounts": settings.accounts}
        return {"transcript": 1, "simulated": True, **told}

    def flush(self) -> None:
        """Send what is queued, and see when something is due next."""
        self.send()
        self.rearm()

    def send(self) -> None:
        """Keep the state, then send what is queued."""
        if self._state:
            self._save(self._state)
        unsent, self.unsent = self.unsent, {}
        for peer in unsent:
            peer.flush()
        self.transcript.flush()

    def rearm(self) -> None:
        """See when something is due next."""
        self._driver.arm()

    def _save(self, state: StateFile) -> None:
        """Keep the state if anything may have changed: somebody spoke, or something happened."""
        stamp = self.transcript.heard, *self.venue.keeping.stamp()
        if stamp != self._kept:
            keeping = self.venue.keeping
            state.save(keeping.kept(), keeping.day, keeping.news())
            keeping.told()
            self._kept = stamp

    def _restore(self) -> None:
        """Go on where the state was kept; raises StateError."""
        if self.settings.state_dir is None:
            return
        self._state = StateFile(self.settings.state_dir)
        try:
            kept = self._state.load()
            if kept is not None:
                self.venue.keeping.restore(kept, self._state.journal.entries)
        except (KeyError, TypeError, ValueError) as error:
            text = unusable(self._state.path, f"its content makes no sense ({error!r})")
            self._close_files()
            raise StateError(text) from error
        except StateError:
            self._close_files()
            raise

    def _close_files(self) -> None:
        self.transcript.close()
        if self._state:
            self._state.close()
            self._state = None


def _floor(settings: Settings, clock: Clock, levers: Levers) -> Floor:
    return Floor(
        clock,
        seed=settings.seed,
        name=settings.name,
        levers=levers,
        accounts=settings.accounts,
        cash=settings.cash,
        always_open=settings.always_open,
        lines=settings.lines,
        reject_over_rate=settings.reject_over_rate,
        rules=settings.rules,
        data=settings.data,
    )
