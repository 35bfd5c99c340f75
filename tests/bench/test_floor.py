"""The floor sends what our server sent, frame for frame, and nothing else."""

import asyncio
from pathlib import Path

from bench.gateway import client, floor, tape
from brokerage.relay.recorder import Recorder
from brokerage.relay.relay import Relay
from brokerage.simulator.server import Gateway


async def recorded(path: Path) -> tape.Tape:
    """The tape of two orders on our server."""
    async with Gateway.serve(lines=10_000) as gateway:
        with Recorder(path, redact=False) as recorder:
            async with Relay("127.0.0.1", gateway.port, witness=recorder) as relay:
                assert len(await session(relay.port)) == 2
    return tape.tapes(path)[0]


async def session(port: int) -> list[float]:
    """One order acknowledged and one filled."""
    async with client.connected(port) as ib:
        (share,) = await client.qualified(ib, "SPY")
        times = await client.acknowledgements(ib, share, 1)
        return times + await client.fills(ib, share, 1)


async def test_a_client_cannot_tell_the_floor_from_our_server(tmp_path):
    tape.save(tmp_path / "tape", [await recorded(tmp_path / "recording")])
    (kept,) = tape.load(tmp_path / "tape")
    server = await floor.serve([kept], b"")
    times = await session(server.sockets[0].getsockname()[1])
    assert [time > 0 for time in times] == [True, True]
    server.close()


async def test_the_floor_sends_each_answer_once_its_frame_is_whole():
    server = await floor.serve([tape.Tape((b"", b"one", b"two"))], b"")
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"API\0\0\0\0\1v\0\0\0\1x\0\0\0")
    assert await reader.readexactly(3) == b"one"
    writer.write(b"\1y")
    assert await reader.readexactly(3) == b"two"
    writer.close()
    server.close()
