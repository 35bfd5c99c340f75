"""A client made of nothing but the codec, which knows when the gateway has handled all it sent."""

import asyncio
from types import TracebackType
from typing import Any, Self

from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from brokerage.tws.codec import decode_server, encode
from brokerage.tws.framing import Frames, frame

SHARE = tws.Contract(symbol="SPY", sec_type="STK", exchange="SMART", currency="USD")


class Raw:
    """One connection that speaks `version`; `heard` are the messages it was sent."""

    def __init__(self, gateway: Gateway, client_id: int, version: int = 178) -> None:
        self.gateway, self.client_id, self.version = gateway, client_id, version
        self.heard: list[Any] = []
        self._frames = Frames()

    async def __aenter__(self) -> Self:
        port = self.gateway.port
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        self._writer.write(b"API\0" + frame(f"v{self.version}..{self.version}".encode()))
        await self._payload()
        await self.say(tws.StartApi(self.client_id, ""))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()
        while any(  # noqa: ASYNC110
            one.client_id == self.client_id for one in self.gateway.sessions()
        ):
            await asyncio.sleep(0)

    async def say(self, *messages: Any) -> None:
        """Send these in one piece and wait until each has been handled."""
        wanted = self._times() + 1
        self.post(*messages, tws.ReqCurrentTime())
        async with asyncio.timeout(20):
            while self._times() < wanted:
                await self._hear()

    def post(self, *messages: Any) -> None:
        """Send these and wait for nothing."""
        self._writer.write(b"".join(frame(encode(one, self.version)) for one in messages))

    async def catch_up(self) -> None:
        """Read what was sent so far."""
        await self.say()

    def told(self, kind: type) -> list[Any]:
        """What was heard of one kind."""
        return [message for message in self.heard if isinstance(message, kind)]

    def _times(self) -> int:
        return len(self.told(tws.CurrentTime))

    async def _hear(self) -> None:
        self.heard.append(decode_server(await self._payload(), self.version))

    async def _payload(self) -> bytes:
        while (payload := self._frames.take()) is None:
            data = await self._reader.read(2**16)
            if not data:
                raise ConnectionError("the gateway has closed")
            self._frames.feed(data)
        return payload
