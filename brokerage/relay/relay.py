"""A transparent TCP relay in front of a gateway that can spoil the line while it runs.

It copies bytes and understands none of them. A recorder is told of every piece after it has been
passed on; whatever happens to the recorder, the connection goes on.
"""

import asyncio
import logging
import random
import socket
from typing import Any, Protocol, Self

from brokerage.relay.line import Conditions
from brokerage.relay.pair import Pair

log = logging.getLogger(__name__)


class Witness(Protocol):
    """What a relay tells about what it passes on, in the order in which it happens."""

    def opened(self, connection: int, client: str, gateway: str) -> None:
        """A client has connected, and the relay to the gateway."""

    def passed(self, connection: int, to_gateway: bool, data: bytes) -> None:
        """Bytes have been passed on."""

    def closed(self, connection: int, how: str) -> None:
        """The connection has ended."""

    def noted(self, text: str) -> None:
        """The line has been spoilt or restored."""


class Relay:
    """Listens on `host:port` (0: any free one) and connects each client to the gateway upstream.

    `async with Relay("127.0.0.1", 4002) as relay:` serves for the length of the block. All methods
    that spoil the line act at once on every connection, and until `restore` on those that follow;
    `cut` and `reset` end the connections of now and leave the door open.
    """

    def __init__(
        self,
        upstream_host: str,
        upstream_port: int,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        witness: Witness | None = None,
        seed: int = 7,
    ) -> None:
        self.upstream = (upstream_host, upstream_port)
        self.host, self.port = host, port
        self.faults = Conditions(chance=random.Random(seed))  # noqa: S311
        self.pairs: set[Pair] = set()
        self.accepted = 0
        self._witness = witness
        self._place: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._refusal: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Listen; raises OSError when the port is taken."""
        self._place = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # Bound all the time but never listening: it keeps the port ours while we refuse.
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._place.bind((self.host, self.port))
            self.port = self._place.getsockname()[1]
            await self._listen()
        except OSError:
            self._place.close()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Stop listening and end every connection."""
        self._unrefuse()
        self._close_door()
        if self._place:
            self._place.close()
        for pair in list(self.pairs):
            pair.reset("relay stopped")
        # The event loop needs a turn to close sockets that were aborted.
        await asyncio.sleep(0)

    @property
    def listening(self) -> bool:
        """Whether new clients are let in."""
        return self._server is not None

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: self._accept().client, self.host, self.port, family=socket.AF_INET
        )

    def _close_door(self) -> None:
        if self._server:
            self._server.close()
        self._server = None

    def _accept(self) -> Pair:
        self.accepted += 1
        pair = Pair(self.accepted, self.upstream, self.faults, self._tell, self.pairs.discard)
        self.pairs.add(pair)
        return pair

    def _tell(self, event: str, *details: Any) -> None:
        """Tell the witness; its failure is the witness's own, the connection must not notice."""
        if self._witness is None:
            return
        try:
            getattr(self._witness, event)(*details)
        except Exception:
            log.critical("The recording has failed and ends here; the relay goes on", exc_info=True)
            self._witness = None

    def delay(self, seconds: float, jitter: float = 0.0) -> None:
        """Deliver everything so many seconds later, give or take up to `jitter` more, in order."""
        if seconds < 0 or jitter < 0:
            raise ValueError("a delay cannot be negative")
        self.faults.delay, self.faults.jitter = seconds, jitter
        self._changed(f"delay {seconds:g} s, jitter {jitter:g} s")

    def throttle(self, bytes_per_second: float) -> None:
        """Let so many bytes a second pass, for each connection and direction."""
        if bytes_per_second <= 0:
            raise ValueError("a throttle must let something pass")
        self.faults.bytes_per_second = bytes_per_second
        self._changed(f"throttle {bytes_per_second:g} bytes/s")

    def half_open(self) -> None:
        """Swallow everything from now on and tell neither side, not even that the other left."""
        self.faults.swallow = True
        self._changed("half-open")

    def cut(self) -> None:
        """End every connection of now in good order (FIN to both sides)."""
        self._tell("noted", "cut")
        for pair in list(self.pairs):
            pair.cut("cut by the relay")

    def reset(self) -> None:
        """Break every connection of now (RST to both sides)."""
        self._tell("noted", "reset")
        for pair in list(self.pairs):
            pair.reset("reset by the relay")

    def refuse(self, seconds: float | None = None) -> None:
        """Refuse new connections, for so many seconds or until `restore`."""
        self._tell("noted", "refuse" if seconds is None else f"refuse for {seconds:g} s")
        self._unrefuse()
        self._close_door()
        if seconds is not None:
            loop = asyncio.get_running_loop()
            self._refusal = loop.call_later(seconds, self._open_soon)

    def _unrefuse(self) -> None:
        if self._refusal:
            self._refusal.cancel()
        self._refusal = None

    def _open_soon(self) -> None:
        self._opening = asyncio.ensure_future(self._open_door())

    async def _open_door(self) -> None:
        if self._server is None and self._place is not None and self._place.fileno() >= 0:
            await self._listen()

    async def restore(self) -> None:
        """A sound line again; a connection whose stream has a hole by now is reset."""
        self.faults.delay = self.faults.jitter = 0.0
        self.faults.bytes_per_second, self.faults.swallow = None, False
        for pair in list(self.pairs):
            if pair.torn:
                pair.reset("bytes were lost while the line was half-open")
        self._changed("restore")
        self._unrefuse()
        await self._open_door()

    def _changed(self, note: str) -> None:
        self._tell("noted", note)
        for pair in list(self.pairs):
            pair.hurry()
