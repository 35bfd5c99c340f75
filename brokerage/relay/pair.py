"""One relayed connection: the client's socket, the gateway's socket and a line each way."""

import asyncio
import contextlib
import errno
import logging
import os
from collections.abc import Callable
from typing import Any

from brokerage.relay.line import Conditions, Line
from brokerage.relay.sockets import reset

log = logging.getLogger(__name__)

MOST_UNSENT = 64 * 1024  # bytes written to a side before the other side has to wait
Tell = Callable[..., None]


class End(asyncio.Protocol):
    """One of the two sockets; `other` gets what this one receives."""

    def __init__(self, pair: "Pair", *, to_gateway: bool) -> None:
        self.pair, self.to_gateway = pair, to_gateway
        self.transport: asyncio.Transport | None = None
        self.line = Line(pair.conditions, self._deliver, self._choke)
        self._full = self._choked = False
        self.finished = False  # we have sent ours to it

    @property
    def side(self) -> str:
        """Whose socket this is."""
        return "client" if self.to_gateway else "gateway"

    @property
    def other(self) -> "End":
        """The opposite side."""
        return self.pair.gateway if self.to_gateway else self.pair.client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is up."""
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=MOST_UNSENT)
        self.transport = transport
        self.pair.ready(self)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self.line.push(data)

    def eof_received(self) -> bool:
        """Pass that on as well; the other direction stays open."""
        self.pair.ended_by = self.pair.ended_by or self.side
        self.line.push(None)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket has gone, in good order or not."""
        self.pair.lost(self, exc)

    def pause_writing(self) -> None:
        """This socket takes no more for now: its source has to wait."""
        self.other._full = True
        self.other._pace()

    def resume_writing(self) -> None:
        """It takes more."""
        self.other._full = False
        self.other._pace()

    def _choke(self, choked: bool) -> None:
        self._choked = choked
        self._pace()

    def _pace(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if self._full or self._choked:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _deliver(self, data: bytes | None) -> None:
        sink = self.other
        if sink.transport is None or sink.transport.is_closing():
            return
        if data is None:
            sink.finish()
            self.pair.settle()
        else:
            sink.transport.write(data)
            self.pair.tell("passed", self.pair.number, self.to_gateway, data)

    def finish(self) -> None:
        """Send no more to this side; it may still send to us."""
        self.finished = True
        if self.transport and self.transport.can_write_eof():
            with contextlib.suppress(OSError):
                self.transport.write_eof()

    def close(self) -> None:
        """Flush and close."""
        self.line.clear()
        if self.transport:
            self.transport.close()

    def abort(self) -> None:
        """Close with a reset."""
        self.line.clear()
        if self.transport and not self.transport.is_closing():
            reset(self.transport)


class Pair:
    """Both ends of one connection, and its end."""

    def __init__(
        self,
        number: int,
        upstream: tuple[str, int],
        conditions: Conditions,
        tell: Tell,
        forget: Callable[["Pair"], None],
    ) -> None:
        self.number, self.upstream, self.conditions = number, upstream, conditions
        self.tell, self._forget = tell, forget
        self.client = End(self, to_gateway=True)
        self.gateway = End(self, to_gateway=False)
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._dialling: asyncio.Task[None] | None = None
        self.ended_by = ""  # the side that stopped sending first

    @property
    def torn(self) -> bool:
        """Whether bytes or the end of a stream were swallowed."""
        return self.client.line.lost or self.gateway.line.lost

    def ready(self, end: End) -> None:
        """A socket is up: the client's makes us dial, the gateway's lets the bytes flow."""
        if end is self.client:
            assert end.transport is not None
            end.transport.pause_reading()
            self._dialling = asyncio.ensure_future(self._dial())

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self.gateway, *self.upstream)
        except OSError as error:
            self.tell("opened", self.number, address(self.client.transport), "")
            log.warning("The gateway %s:%s cannot be reached: %s", *self.upstream, why(error))
            self.reset(f"the gateway cannot be reached: {why(error)}")
            return
        if self.gone.done():
            self.gateway.abort()
            return
        ends = address(self.client.transport), address(self.gateway.transport)
        self.tell("opened", self.number, *ends)
        self.client._pace()

    def hurry(self) -> None:
        """The conditions have changed."""
        self.client.line.hurry()
        self.gateway.line.hurry()

    def settle(self) -> None:
        """Close once both directions have ended."""
        if self.client.finished and self.gateway.finished:
            self._finish(f"closed by the {self.ended_by}")
            self.client.close()
            self.gateway.close()

    def lost(self, end: End, exc: Exception | None) -> None:
        """A socket has gone: so must the other, unless the line keeps that to itself."""
        if self.gone.done():
            return
        if self.conditions.swallow:
            end.line.push(None)
            return
        if exc:
            self.reset(f"broken by the {end.side}: {exc}")
        else:
            self.cut(f"closed by the {end.side}")

    def cut(self, how: str) -> None:
        """Close both sockets in good order."""
        self._finish(how)
        self.client.close()
        self.gateway.close()

    def reset(self, how: str) -> None:
        """Close both sockets with a reset."""
        self._finish(how)
        self.client.abort()
        self.gateway.abort()

    def _finish(self, how: str) -> None:
        if self.gone.done():
            return
        self.gone.set_result(None)
        self.tell("closed", self.number, how)
        self._forget(self)


def why(error: OSError) -> str:
    """What went wrong in the system's words; asyncio puts its own in their place."""
    number = error.errno or 0
    if number in errno.errorcode:
        return os.strerror(number)
    return error.strerror or str(error)


def address(transport: asyncio.Transport | None) -> str:
    """The other end of a socket as host:port."""
    peer: Any = transport.get_extra_info("peername") if transport else None
    return f"{peer[0]}:{peer[1]}" if peer else ""
