"""The relay passes every byte on, and keeps order, backpressure and half-closed connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokerage.relay.line import MOST_HELD
from brokerage.relay.relay import Relay
from tests.brokerage.wire.conftest import client, spy, until

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def in_front_of(serve: Serve, **options: object) -> AsyncIterator[tuple[Relay, Streams]]:
    """A relay in front of a server made of one function, and a client's streams."""
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Relay("127.0.0.1", port, **options) as relay:
            streams = await asyncio.open_connection("127.0.0.1", relay.port)
            try:
                yield relay, streams
            finally:
                streams[1].close()


async def through(up: list[bytes], down: list[bytes], **spoilt: float) -> tuple[bytes, bytes]:
    """Send pieces both ways at once; what arrived at the gateway, and at the client."""
    got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in down:
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
        got.set_result(await reader.read())
        writer.close()

    async with asyncio.timeout(20), in_front_of(serve) as (relay, (reader, writer)):
        relay.delay(spoilt.get("delay", 0.0), spoilt.get("jitter", 0.0))
        for piece in up:
            writer.write(piece)
            await asyncio.sleep(0)
        writer.write_eof()
        return await got, await reader.read()


PIECES = st.lists(st.binary(min_size=1, max_size=2000), max_size=12)


@given(up=PIECES, down=PIECES, jitter=st.sampled_from([0.0, 0.003]))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_arrives_unchanged_both_ways(up, down, jitter):
    assert asyncio.run(through(up, down, jitter=jitter)) == (b"".join(up), b"".join(down))


async def test_megabytes_pass_both_ways():
    up, down = [bytes([n]) * 100_000 for n in range(30)], [bytes([n]) * 100_000 for n in range(40)]
    assert await through(up, down, delay=0.001) == (b"".join(up), b"".join(down))


async def flood(writer: asyncio.StreamWriter) -> None:
    """Write for ever."""
    while True:
        writer.write(b"x" * 2**20)
        await writer.drain()


async def test_a_reader_that_stops_makes_the_sender_wait():
    stop = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stop.wait()
        writer.close()

    async with in_front_of(serve) as (relay, (_, writer)):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(flood(writer), 1)
        (pair,) = relay.pairs
        assert pair.gateway.transport.get_write_buffer_size() <= 2 * MOST_HELD
        stop.set()


async def test_a_half_closed_connection_still_hears_the_answer():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    async with in_front_of(serve) as (_, (reader, writer)):
        writer.write(b"question")
        writer.write_eof()
        async with asyncio.timeout(5):
            assert await reader.read() == b"question"


async def test_an_unreachable_gateway_costs_the_client_its_connection():
    async with Relay("127.0.0.1", 1) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_eight_clients_trade_through_one_relay(gateway, relay):
    async with client(relay, 1) as first:
        contract = await spy(first)
        others = [client(relay, number) for number in range(2, 9)]
        for other in others:
            ib = await other.__aenter__()
            assert await spy(ib) == contract
        assert len(relay.pairs) == 8
        for other in others:
            await other.__aexit__(None, None, None)
        await until(lambda: len(relay.pairs) == 1)
        assert await first.reqCurrentTimeAsync()
