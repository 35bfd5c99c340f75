"""Hostile clients in numbers: each is bounded, and a client beside them is served all the while."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from ib_async import IB

from brokerage.simulator import peer
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from brokerage.tws.connection import REQUEST_LIMIT
from brokerage.tws.framing import frame, join
from tests.brokerage.wire.conftest import client, until
from tests.brokerage.wire.raw import Raw
from tests.brokerage.wire.test_wire_hostile import HELLO, NOW, START

PATIENCE = 5.0  # wall seconds; what an answer may take on a busy machine


@asynccontextmanager
async def served(gateway: Gateway) -> AsyncIterator[list[float]]:
    """Ask for the time throughout the block; how long each answer took, in wall seconds."""
    took: list[float] = []

    async def ask(ib: IB) -> None:
        while True:
            began = time.monotonic()
            await ib.reqCurrentTimeAsync()
            took.append(time.monotonic() - began)

    async with client(gateway, 90) as ib:
        asking = asyncio.create_task(ask(ib))
        yield took
        asking.cancel()


async def connected(gateway: Gateway, *pieces: bytes) -> asyncio.StreamWriter:
    """A connection that has sent this and reads nothing."""
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1024)
    writer.write(b"".join(pieces))
    return writer


async def gone(reader: asyncio.StreamReader) -> bool:
    """Whether the gateway closes the connection before long."""
    try:
        async with asyncio.timeout(10):
            while await reader.read(2**16):
                pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("sent", [b"", b"API", HELLO[:9], HELLO, HELLO + START[:7]])
async def test_who_does_not_finish_the_handshake_is_dropped(sent):
    async with Gateway.serve(handshake_limit=0.2) as gateway, client(gateway) as ib:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(sent)
        assert await gone(reader)
        assert ib.isConnected()


async def test_a_gateway_that_does_not_listen_keeps_its_clients_waiting():
    async with Gateway.serve(handshake_limit=0.1) as gateway:
        gateway.levers.refuse_api = True
        writer = await connected(gateway, HELLO)
        await asyncio.sleep(0.3)
        assert len(gateway.peers()) == 1
        writer.close()


async def test_strangers_are_bounded_and_the_newest_is_served():
    async with Gateway.serve(most_strangers=5) as gateway, served(gateway) as took:
        writers = [await connected(gateway) for _ in range(40)]
        await until(lambda: gateway.admitted == 41)
        assert len(gateway.peers()) <= 6
        async with Raw(gateway, 1) as raw:
            await raw.say(tws.ReqIds(1))
        for writer in writers:
            writer.close()
    assert max(took) < PATIENCE


@pytest.mark.parametrize("length", [0, REQUEST_LIMIT + 1, 2**31, 2**32 - 1])
async def test_a_length_that_no_message_has_costs_the_socket(gateway, ib, length):
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(HELLO + START + length.to_bytes(4, "big"))
    assert await gone(reader)
    assert ib.isConnected()


async def test_a_frame_that_never_ends_costs_nobody_anything():
    async with Gateway.serve(speed=25) as gateway, served(gateway) as took:
        writers = []
        for number in range(20):
            start = frame(join(["71", "2", str(number), ""]))
            endless = REQUEST_LIMIT.to_bytes(4, "big") + b"1\0" * 1000
            writers.append(await connected(gateway, HELLO, start, endless))
        await until(lambda: len(gateway.sessions()) == 21)
        done = len(took)
        await until(lambda: len(took) > done + 5, limit=30)
        for writer in writers:
            writer.close()
    assert max(took) < PATIENCE


async def test_floods_of_messages_wait_while_others_are_served():
    async with Gateway.serve(speed=25) as gateway, served(gateway) as took:
        writers = []
        for number in range(4):
            start = frame(join(["71", "2", str(number), ""]))
            garbage = frame(join(["3", "x"])) * 10_000
            writers.append(await connected(gateway, HELLO, start, NOW * 20_000, garbage))
        await until(lambda: len(gateway.sessions()) == 5)
        done = len(took)
        await until(lambda: len(took) > done + 20, limit=30)
        assert max(len(one.backlog) for one in gateway.sessions()) <= peer.MOST_WAITING
        for writer in writers:
            writer.close()
    assert max(took) < PATIENCE


async def test_slow_readers_are_dropped_while_others_are_served():
    async with Gateway.serve(speed=25, most_unsent=100_000) as gateway, served(gateway) as took:
        chain = frame(join(["78", "1", "SPY", "", "STK", "756733"]))
        writers = []
        for number in range(3):
            start = frame(join(["71", "2", str(number), ""]))
            writers.append(await connected(gateway, HELLO, start, chain * 3000))
        await until(lambda: gateway.admitted == 4 and len(gateway.sessions()) == 1, limit=60)
        for writer in writers:
            writer.close()
    assert max(took) < PATIENCE


async def test_who_is_hung_up_on_and_does_not_read_is_cut_off(monkeypatch):
    monkeypatch.setattr(peer, "LINGER", 0.1)
    async with Gateway.serve(speed=25, most_unsent=2**30) as gateway:
        chain = frame(join(["78", "1", "SPY", "", "STK", "756733"]))
        writer = await connected(gateway, HELLO, START, chain * 3000)
        await until(lambda: any(one.behind > 200_000 for one in gateway.peers()), limit=60)
        gateway.sessions()[0].hang_up()
        await until(lambda: not gateway.peers())
        writer.close()


async def test_a_crowd_of_clients_that_come_and_go_leaves_nothing_behind():
    async with Gateway.serve(speed=25) as gateway, served(gateway) as took:
        for _ in range(5):
            writers = [
                await connected(gateway, HELLO, frame(join(["71", "2", str(number), ""])), NOW)
                for number in range(40)
            ]
            await until(lambda: len(gateway.sessions()) == 32)
            for writer in writers:
                writer.close()
            await until(lambda: len(gateway.peers()) == 1)
    assert max(took) < PATIENCE
