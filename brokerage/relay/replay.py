"""Serves a recorded session again to a client that sends the same requests.

Clients get the recorded connections in their order. Every recorded frame goes out in the recorded
order, after the requests that preceded it have come, and as long after the last of them as it did
then (divided by the speed); so a frame that nobody asked for keeps its distance too. A request that
was not recorded is answered with error 322 and reported; one that does not come within `patience`
is reported, its own answers are left out, and the rest goes on. Whose gateway was recorded is not
told: the question for the brand gets the simulated gateway's mark, up to version 178.
"""

import asyncio
import contextlib
import logging
from itertools import groupby
from typing import Self

from brokerage.relay.part import Mismatch, Part, Step, describe
from brokerage.relay.recording import Recording
from brokerage.relay.sockets import reset
from brokerage.relay.wire import see
from brokerage.tws.codec import MAX_VERSION, encode
from brokerage.tws.connection import OFFER, PREAMBLE
from brokerage.tws.framing import Frames, FramingError, frame
from brokerage.tws.messages import SIMULATED_BRAND, Error, ReqUserInfo, UserInfo

log = logging.getLogger(__name__)

NOT_RECORDED = 322
CHUNK = 64 * 1024
CLOSED = ("closed by the gateway", "cut")  # how a recorded connection ended in good order,
BROKEN = ("broken by the gateway", "reset by")  # and how with a reset


class Replay:
    """A gateway made of a recording; `mismatches` grows as clients deviate from it."""

    def __init__(
        self,
        recording: Recording,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float = 1.0,
        patience: float = 5.0,
    ) -> None:
        """`patience` in wall seconds; raises ValueError for a speed that is not positive."""
        if speed <= 0:
            raise ValueError("speed must be positive")
        self.host, self.port, self.speed, self.patience = host, port, speed, patience
        self.mismatches: list[Mismatch] = []
        self._waiting = list(recording.connections().values())
        self._clients: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen; raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Stop and end every connection."""
        assert self._server is not None
        self._server.close()
        for writer in self._clients:
            writer.transport.abort()
        await asyncio.gather(*self._clients.values())

    def report(self, mismatch: Mismatch) -> None:
        """Keep and log a deviation."""
        self.mismatches.append(mismatch)
        log.warning("The client deviates from the recording: %s", mismatch)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients[writer] = task
        try:
            part = self._next_part()
            if part:
                await Performance(self, part, reader, writer).run()
        except* (OSError, FramingError) as group:
            log.info("The client has gone: %s", group.exceptions[0])
        finally:
            del self._clients[writer]
            writer.close()

    def _next_part(self) -> Part | None:
        while self._waiting:
            with contextlib.suppress(ValueError):
                return Part(self._waiting.pop(0))
        self.report(Mismatch("no further connection", "one"))
        return None


class Performance:
    """One part, played to one client."""

    def __init__(
        self,
        replay: Replay,
        part: Part,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._replay, self._part = replay, part
        self._reader, self._writer = reader, writer
        self._frames = Frames()
        self._heard = asyncio.Event()  # a request has come
        self._last = (0.0, part.started)  # the latest request: when it came, when it was recorded

    async def run(self) -> None:
        """Greet the client, then listen and play until one of them has ended."""
        if not await self._greet():
            return
        self._last = (self._now(), self._part.started)
        async with asyncio.TaskGroup() as group:
            playing = group.create_task(self._play())
            await self._listen()
            playing.cancel()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _payload(self) -> bytes | None:
        """The client's next frame; None at the end."""
        while (payload := self._frames.take()) is None:
            data = await self._reader.read(CHUNK)
            if not data:
                return None
            self._frames.feed(data)
        return payload

    async def _greet(self) -> bool:
        while not self._frames.take_prefix(PREAMBLE):
            data = await self._reader.read(CHUNK)
            if not data:
                return False
            self._frames.feed(data)
        offer = OFFER.fullmatch((await self._payload() or b"").decode("utf-8", "replace"))
        version = self._part.version
        if not offer or not int(offer[1]) <= version <= int(offer[2] or offer[1]):
            came = f"an offer of {offer[0] if offer else 'none'}"
            self._replay.report(Mismatch(f"a client that speaks version {version}", came))
            return False
        self._writer.write(frame(self._part.welcome))
        return True

    async def _listen(self) -> None:
        while (payload := await self._payload()) is not None:
            if self._tell_brand(payload):
                continue
            found = self._part.take(payload)
            if isinstance(found, Mismatch):
                self._replay.report(found)
                self._refuse(payload, found)
            else:
                self._last = (self._now(), max(found.at, self._last[1]))
                self._heard.set()

    def _tell_brand(self, payload: bytes) -> bool:
        """Answer the question whose gateway this is: nobody may take it for a broker's."""
        version = self._part.version
        asked = see(payload, True, version).message
        if not isinstance(asked, ReqUserInfo):
            return False
        self._writer.write(frame(encode(UserInfo(asked.req_id, SIMULATED_BRAND), version)))
        return True

    def _refuse(self, payload: bytes, mismatch: Mismatch) -> None:
        if self._part.version <= MAX_VERSION:
            error = Error(self._part.id_of(payload), NOT_RECORDED, f"Not recorded: {mismatch}")
            self._writer.write(frame(encode(error, self._part.version)))

    async def _play(self) -> None:
        for at, steps in groupby(self._part.answers, key=lambda step: step.at):
            # Frames that came in one piece leave in one: clients group ticks by that.
            together = list(steps)
            await self._requests_before(together[0])
            await self._until(at)
            payloads = [self._part.answer(step) for step in together]
            self._writer.write(b"".join(frame(one) for one in payloads if one is not None))
            await self._writer.drain()
        await self._end()

    async def _requests_before(self, step: Step) -> None:
        """Wait for what the recorded client had sent by then."""
        for request in self._part.requests:
            if request.index > step.index:
                return
            while not (request.arrived or request.given_up):
                await self._await_request(request)

    async def _await_request(self, request: Step) -> None:
        due = self._due(request.at) + self._replay.patience
        self._heard.clear()
        try:
            async with asyncio.timeout_at(due):
                await self._heard.wait()
        except TimeoutError:
            request.given_up = True
            self._replay.report(Mismatch(describe(request.seen), "nothing in time"))

    def _due(self, at: float) -> float:
        """When, on the loop's clock, something recorded at this time should happen."""
        came, recorded = self._last
        return came + max(at - recorded, 0.0) / self._replay.speed

    async def _until(self, at: float) -> None:
        """Wait until something recorded at this time is due; a request may hasten it."""
        while (wait := self._due(at) - self._now()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(wait)

    async def _end(self) -> None:
        """End the connection as the gateway or the line did; otherwise leave that to the client."""
        ending = self._part.ending
        how = ending.details["how"] if ending else ""
        if ending is None or not how.startswith((*CLOSED, *BROKEN)):
            return
        await self._until(ending.at)
        if how.startswith(CLOSED):
            self._writer.close()
        else:
            reset(self._writer.transport)
