"""One client's TCP connection: its bytes to the venue, the venue's messages to its socket.

A client is never allowed to cost the others more than a moment: no more than `MOST_AT_ONCE` of its
messages are handled in one turn of the loop, its socket is not read while `MOST_WAITING` of them
wait for its message rate (a real gateway waits in the same place), and what it does not read is
bounded. What one received chunk has caused leaves in one write.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from brokerage.simulator.holidays import ET
from brokerage.simulator.refusals import HOSTILE, choked
from brokerage.simulator.transcript import IN, OUT
from brokerage.simulator.venue_floor import Session
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
from brokerage.tws.framing import join
from brokerage.tws.messages import SIMULATED_BRAND, ReqUserInfo, UserInfo
from brokerage.tws.table import Message

if TYPE_CHECKING:
    from brokerage.simulator.server import Gateway

MOST_AT_ONCE = 10  # messages handled in one turn of the loop: an option's first quote takes 3 ms
MOST_WAITING = 200  # messages above the rate that are kept; the rest stays in the socket
READ_SIZE = 4096  # bytes that the vendor's clients read at a time
MOST_READ = 2**16  # bytes that are taken from the socket at a time
REST_PAUSE = 0.01  # wall seconds after which the last byte follows the others
LINGER = 5.0  # wall seconds in which a client may still fetch what it was sent before the end


class Peer(asyncio.BufferedProtocol):
    """One TCP connection; it reads into one buffer, since a new one for each chunk takes time."""

    def __init__(self, gateway: "Gateway") -> None:
        self.gateway = gateway
        self.connection = Connection()
        self.session: Session | None = None
        self.transport: asyncio.Transport | None = None
        self._buffer = bytearray(MOST_READ)
        self._rest = b""  # the last byte of a full buffer, which follows
        self._late: deque[bytes] = deque()  # chunks that the latency holds back
        self._patience: asyncio.TimerHandle | None = None  # ends with the handshake
        self._again: asyncio.Handle | None = None  # the rest of a chunk, in the next turn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected; a fault may refuse it."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if not self.gateway.admit(self):
            transport.abort()
            return
        limit = self.gateway.settings.handshake_limit
        self._patience = asyncio.get_running_loop().call_later(limit, self.cut)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next chunk goes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """A chunk has arrived."""
        self.data_received(bytes(self._buffer[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Handle what has arrived, after the latency if there is one."""
        gateway = self.gateway
        heard = gateway.faults.bytes_in(self, data) if gateway.faults else data
        if gateway.levers.refuse_api or heard != data:
            self._be_patient()  # it is not the client's fault
        if gateway.levers.refuse_api:
            return
        if gateway.settings.latency:
            self._late.append(heard)
            asyncio.get_running_loop().call_later(gateway.settings.latency, self._arrived)
        else:
            self._work(heard)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone; what it had sent still counts."""
        self._be_patient()
        while self._late:
            self._arrived()
        if self._again:
            self._work()
        self._stop_working()
        self.connection.close()
        self.gateway.forget(self)

    def _arrived(self) -> None:
        if self._late:
            self._work(self._late.popleft())

    def _be_patient(self) -> None:
        """Stop waiting for the handshake."""
        if self._patience:
            self._patience.cancel()
            self._patience = None

    def _work(self, data: bytes = b"") -> None:
        """Handle what has arrived, at one instant, and send all that it has caused at once.

        What was put off to the same instant, such as the fill of an order, follows directly.
        """
        if self._again:
            self._stop_working()
        gateway, handled = self.gateway, 0
        gateway.clock.hold(gateway.catch_up())
        try:
            for event in self.connection.receive(data):
                self._handle(event)
                handled += 1
                if handled >= MOST_AT_ONCE or self._waits():
                    self._pause()
                    break
        finally:
            gateway.clock.release()
        gateway.send()
        gateway.catch_up()
        gateway.rearm()

    def _waits(self) -> bool:
        return self.session is not None and len(self.session.backlog) >= MOST_WAITING

    def _pause(self) -> None:
        """Read no further until the next turn, or until what waits has been handled."""
        if self.transport and not self.transport.is_closing():
            self.transport.pause_reading()
            if not self._waits():
                self._again = asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Read again, beginning with what has been read but not handled."""
        if self.transport and not self.transport.is_closing():
            self.transport.resume_reading()
            self._work()

    def _drained(self) -> None:
        """The venue has caught up with what had to wait."""
        if self.transport and not self.transport.is_reading() and self._again is None:
            self._again = asyncio.get_running_loop().call_soon(self._go_on)

    def _stop_working(self) -> None:
        if self._again:
            self._again.cancel()
            self._again = None

    def _handle(self, event: Event) -> None:
        gateway, session = self.gateway, self.session
        match event:
            case Received(ReqUserInfo(req_id) as message, payload) if session:
                gateway.record(self, IN, type(message).__name__, message, payload)
                # At once and past all faults: nobody may take it for a broker's gateway.
                self.queue(UserInfo(req_id, SIMULATED_BRAND))
            case Received(message, payload) if session:
                gateway.record(self, IN, type(message).__name__, message, payload)
                self._pass_on(session, message)
            case Offered():
                self._greet(event)
            case Started():
                self._enter(event)
            case Malformed(fields) if session:
                gateway.record(self, IN, "Malformed", fields, join(fields))
                gateway.venue.receive(session, event)
            case Unsupported(number, fields) if session:
                gateway.record(self, IN, f"Unsupported{number}", fields, join(fields))
                gateway.venue.receive(session, Malformed(fields, "It is not supported."))
            case _:
                self.hang_up()

    def _pass_on(self, session: Session, message: Message) -> None:
        """Through the faults to the venue; what a fault chokes on is nobody else's trouble."""
        try:
            for passed in self.gateway.faults.incoming(session, message):
                self.gateway.venue.receive(session, passed)
        except HOSTILE:
            choked(session, message)

    def _greet(self, offer: Offered) -> None:
        self.gateway.record(self, IN, "Hello", offer)
        if offer.version is None:
            self.hang_up()
            return
        now = self.gateway.clock.now().astimezone(ET)
        text = f"{now:%Y%m%d %H:%M:%S} {now.tzname()}"
        self.connection.accept(text)
        self.gateway.record(self, OUT, "Welcome", (str(offer.version), text))
        self.gateway.unsent[self] = None

    def _enter(self, started: Started) -> None:
        """The client has named itself; it may be refused."""
        gateway = self.gateway
        self.session = Session(started.client_id, self.deliver, self.hang_up, self._drained)
        gateway.record(self, IN, "StartApi", started.message, started.payload)
        if gateway.faults.starts(self.session) and gateway.venue.enter(self.session):
            self._be_patient()
        else:
            self.session = None

    def deliver(self, message: Message) -> None:
        """Queue what the faults leave of a message for the client."""
        if self.gateway.faults and self.session:
            for passed in self.gateway.faults.outgoing(self.session, message):
                self.queue(passed)
        else:
            self.queue(message)

    def queue(self, message: Message) -> None:
        """Queue a message for the client."""
        if self.connection.send(message):
            self.gateway.record(self, OUT, type(message).__name__, message)
            self.gateway.unsent[self] = None

    def flush(self) -> None:
        """Send what is queued in one write; what would fill a reader's buffer exactly, in two.

        The vendor's clients read by `READ_SIZE`, go on reading after a full buffer, and forget all
        of it if nothing follows within a second.
        """
        data = self.connection.data_to_send()
        if self._rest:
            data, self._rest = self._rest + data, b""
        if not data:
            return
        if len(data) % READ_SIZE == 0 and self.connection.state is not State.CLOSED:
            data, self._rest = data[:-1], data[-1:]
            asyncio.get_running_loop().call_later(REST_PAUSE, self.flush)
        if not self.gateway.faults:
            self.write(data)
            return
        for piece in self.gateway.faults.bytes_out(self, data):
            self.write(piece)

    def write(self, data: bytes) -> None:
        """Write bytes, if the client is there; a reader too slow for them is dropped."""
        if self.transport is None or self.transport.is_closing():
            return
        self.transport.write(data)
        if self.transport.get_write_buffer_size() > self.gateway.settings.most_unsent:
            self.transport.abort()

    @property
    def behind(self) -> int:
        """Bytes written that the client has not taken yet."""
        gone = self.transport is None or self.transport.is_closing()
        return 0 if gone or self.transport is None else self.transport.get_write_buffer_size()

    def hang_up(self) -> None:
        """Send what is queued and close; what the client still wanted is lost."""
        self._late.clear()
        self.connection.close()
        self.flush()
        if self.transport and not self.transport.is_closing():
            self.transport.close()
            asyncio.get_running_loop().call_later(LINGER, self.cut)

    def cut(self) -> None:
        """Reset the connection, whatever was queued."""
        if self.transport:
            self.transport.abort()
