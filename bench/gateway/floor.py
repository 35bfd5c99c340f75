"""The floor: the thinnest asyncio server that answers with prepared bytes, understanding none.

It counts a client's frames by their lengths and writes, in one write, what the tape holds for each.
Once a tape is used up it may flood the client with one chunk again and again.
"""

import asyncio

from bench.gateway.tape import Tape

ENOUGH = 256 * 1024  # bytes that the flood keeps waiting in the socket's buffer


class Prepared(asyncio.Protocol):
    """One connection that plays one tape."""

    def __init__(self, tape: Tape, flood: bytes) -> None:
        self._answers, self._flood = tape.answers, flood
        self._buffer, self._at = bytearray(), 0
        self._full = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=ENOUGH)

    def data_received(self, data: bytes) -> None:
        """Answer each whole frame."""
        assert self._transport is not None
        buffer, out = self._buffer, []
        buffer += data
        if self._at == 0 and buffer.startswith(b"API\0"):
            del buffer[:4]
        while len(buffer) >= 4 and len(buffer) >= 4 + (length := int.from_bytes(buffer[:4])):
            del buffer[: 4 + length]
            if self._at < len(self._answers):
                out.append(self._answers[self._at])
            self._at += 1
        if answer := b"".join(out):
            self._transport.write(answer)
        if self._flood and self._at >= len(self._answers):
            self._pour()

    def pause_writing(self) -> None:
        """The client is slower than the flood."""
        self._full = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._full = False
        self._pour()

    def _pour(self) -> None:
        while self._transport and not self._full and not self._transport.is_closing():
            self._transport.write(self._flood)


async def serve(tapes: list[Tape], flood: bytes) -> asyncio.Server:
    """Serve each connection the next tape; the last one is played again and again."""
    waiting = list(tapes)

    def accept() -> Prepared:
        return Prepared(waiting.pop(0) if len(waiting) > 1 else waiting[0], flood)

    return await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
