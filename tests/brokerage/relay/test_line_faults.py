"""Each way of spoiling the line, as ib_async sees it."""

import asyncio
import time

import pytest
from ib_async import IB

from brokerage.relay.line import Conditions, Line
from brokerage.relay.sockets import reset
from tests.brokerage.relay.conftest import ended
from tests.brokerage.relay.test_relay import in_front_of
from tests.brokerage.wire.conftest import client, until


async def round_trip(ib: IB) -> float:
    """Wall seconds for one question."""
    started = time.monotonic()
    await ib.reqCurrentTimeAsync()
    return time.monotonic() - started


async def test_a_delay_makes_every_answer_late(relay):
    async with client(relay) as ib:
        relay.delay(0.2)
        assert await round_trip(ib) >= 0.4
        await relay.restore()
        assert min([await round_trip(ib) for _ in range(5)]) < 0.2


async def test_a_throttle_lets_bytes_trickle(relay):
    async with client(relay) as ib:
        relay.throttle(100)
        assert await round_trip(ib) >= 0.1


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_a_broken_line_is_noticed_and_a_new_one_works(relay, gateway, how):
    async with client(relay) as ib:
        getattr(relay, how)()
        await ended(ib)
        assert not relay.pairs
        await until(lambda: not gateway.venue.floor.sessions)
        await ib.connectAsync("127.0.0.1", relay.port, clientId=1)
        assert await ib.reqCurrentTimeAsync()


async def test_a_half_open_line_stays_connected_and_answers_nothing(relay):
    async with client(relay) as ib:
        relay.half_open()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ib.reqCurrentTimeAsync(), 0.3)
        assert ib.isConnected()
        await relay.restore()
        await ended(ib)  # a stream with a hole must not go on


async def test_a_half_open_line_hides_that_the_client_has_left(relay, gateway):
    async with client(relay) as ib:
        relay.half_open()
        ib.disconnect()
        await asyncio.sleep(0.1)
        assert list(gateway.venue.floor.sessions) == [1]
        await relay.restore()
        await until(lambda: not gateway.venue.floor.sessions)


async def test_a_line_that_lost_nothing_goes_on_after_half_open():
    """Needs a gateway that is silent meanwhile, so not the simulated one."""

    async def echo(reader, writer):
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async with in_front_of(echo) as (relay, (reader, writer)):
        await until(lambda: relay.pairs and next(iter(relay.pairs)).gateway.transport)
        relay.half_open()
        await relay.restore()
        writer.write(b"still here")
        assert await asyncio.wait_for(reader.read(100), 5) == b"still here"


async def test_refusal_turns_new_clients_away_and_keeps_the_old(relay):
    async with client(relay) as ib:
        relay.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", relay.port)
        assert await ib.reqCurrentTimeAsync()
        await relay.restore()
        async with client(relay, 2) as other:
            assert await other.reqCurrentTimeAsync()


async def test_refusal_ends_by_itself(relay):
    relay.refuse(0.1)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", relay.port)
    await until(lambda: relay.listening)
    async with client(relay) as ib:
        assert await ib.reqCurrentTimeAsync()


@pytest.mark.parametrize(("method", "value"), [("delay", -1.0), ("throttle", 0.0)])
def test_nonsense_is_refused(relay, method, value):
    with pytest.raises(ValueError, match=f"a {method}"):
        getattr(relay, method)(value)


async def test_a_half_open_line_hides_even_a_reset():
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(reader, writer):
        try:
            heard.set_result(await reader.read())
        except ConnectionError as error:
            heard.set_exception(error)
        writer.close()

    async with in_front_of(listen) as (relay, (_, writer)):
        await until(lambda: relay.pairs and next(iter(relay.pairs)).gateway.transport)
        relay.half_open()
        reset(writer.transport)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(heard), 0.2)
        await relay.restore()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(heard, 5)


async def test_bytes_never_overtake_those_that_are_held():
    got: list[bytes | None] = []
    conditions = Conditions(delay=0.05)
    line = Line(conditions, got.append, lambda choked: None)
    line.push(b"first")
    conditions.delay = 0.0
    line.push(b"second")
    await until(lambda: len(got) == 2)
    assert got == [b"first", b"second"]
