"""Garbage, floods and slow readers: the offender pays, everybody else keeps working."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ib_async import Stock

from brokerage.simulator.peer import MOST_AT_ONCE
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from brokerage.tws.framing import Frames, frame, join, split
from tests.brokerage.wire.conftest import client, codes, spy, until
from tests.brokerage.wire.raw import SHARE, Raw

HELLO = b"API\0" + frame(b"v157..178")
START = frame(join(["71", "2", "77", ""]))
NOW = frame(join(["49", "1"]))
SLICES = 12  # of heavy requests, of some 5 ms each, that an order waits for at most


async def exchange(port: int, *pieces: bytes, wait: float = 0.05) -> tuple[list[list[str]], bool]:
    """Send raw bytes; the messages that came back, and whether the socket was closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    frames, closed = Frames(), False
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(wait):
            while data := await reader.read(2**16):
                frames.feed(data)
            closed = True
    except TimeoutError:
        pass
    except ConnectionError:
        closed = True
    finally:
        writer.close()
    return [split(payload) for payload in frames], closed


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, b"API\0\xff\xff\xff\xff", HELLO + NOW]
)
async def test_garbage_costs_the_socket_and_nobody_else(gateway, ib, garbage):
    _, closed = await exchange(gateway.port, garbage, wait=1.0)
    assert closed
    await ib.reqCurrentTimeAsync()


@pytest.mark.parametrize(
    "fields",
    [["3", "x"], ["1"], ["20", "5", "abc"], ["777", "1"], ["", ""], ["9", "8", "1.5"]],
)
async def test_a_malformed_message_is_answered_with_320(gateway, fields):
    answers, closed = await exchange(gateway.port, HELLO, START, frame(join(fields)), NOW)
    assert ["4", "2", "-1", "320"] in [answer[:4] for answer in answers]
    assert answers[-1][0] == "49"
    assert not closed


async def test_a_request_that_breaks_a_desk_is_answered_with_322(gateway, ib):
    ib.client.reqPnL(930, "DU-UNKNOWN", "")
    await until(lambda: codes(ib) == [322])
    assert (await spy(ib)).conId > 0


async def test_half_a_frame_is_waited_for(gateway, ib):
    answers, closed = await exchange(gateway.port, HELLO, START, NOW[:5], NOW[5:])
    assert answers[-1][0] == "49"
    assert not closed


async def test_a_frame_too_long_costs_the_socket(gateway):
    _, closed = await exchange(gateway.port, HELLO, START, b"\x7f\xff\xff\xff", wait=1.0)
    assert closed


async def test_a_second_start_changes_nothing(gateway):
    answers, closed = await exchange(gateway.port, HELLO, START, START, NOW)
    assert answers[-1][0] == "49"
    assert not closed


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(noise=st.lists(st.binary(max_size=60), max_size=4), framed=st.booleans())
def test_noise_never_takes_the_server_down(noise, framed):
    async def attack() -> None:
        async with Gateway.serve(speed=25) as gateway:
            pieces = [frame(piece) if framed and piece else piece for piece in noise]
            await exchange(gateway.port, HELLO, START, *pieces, wait=0.01)
            async with client(gateway, 78) as ib:
                await ib.reqCurrentTimeAsync()

    asyncio.run(attack())


async def test_a_reader_too_slow_is_dropped():
    async with Gateway.serve(speed=25, most_unsent=200_000) as gateway, client(gateway) as ib:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1024)
        chain = frame(join(["78", "1", "SPY", "", "STK", "756733"]))
        writer.write(HELLO + START + chain * 3000)
        await until(lambda: any(one.client_id == 77 for one in gateway.transcript), limit=60)
        await until(lambda: 77 not in gateway.venue.floor.sessions, limit=60)
        assert (await ib.qualifyContractsAsync(Stock("SPY", "SMART", "USD")))[0]
        writer.close()


async def test_more_than_50_messages_a_second_are_queued():
    async with Gateway.serve(speed=1) as gateway, client(gateway) as ib:
        ib.client.MaxRequests = 0
        for _ in range(60):
            ib.client.reqCurrentTime()
        await asyncio.sleep(0.3)
        told = [frame.name for frame in gateway.transcript].count("CurrentTime")
        assert 40 <= told <= 50
        await until(lambda: [frame.name for frame in gateway.transcript].count("CurrentTime") == 60)


async def test_more_than_50_messages_a_second_cost_the_socket():
    async with Gateway.serve(speed=1) as gateway, client(gateway) as ib:
        gateway.levers.drop_over_rate = True
        ib.client.MaxRequests = 0
        for _ in range(60):
            ib.client.reqCurrentTime()
        await until(lambda: not ib.isConnected())


async def test_profit_of_an_unknown_account_silences_nobody_elses(gateway, ib):
    ib.client.reqPnL(930, "DU-UNKNOWN", "")
    ib.reqPnL("DU1234567")
    names = [frame.name for frame in gateway.transcript]
    await until(lambda: [frame.name for frame in gateway.transcript].count("Pnl") >= 3)
    assert "Pnl" not in names


@pytest.mark.parametrize("number", ["-1", "2147483648", "99999999999"])
async def test_a_client_id_that_is_none_is_refused_with_320(gateway, number):
    start = frame(join(["71", "2", number, ""]))
    answers, closed = await exchange(gateway.port, HELLO, start, wait=1.0)
    assert ["4", "2", "-1", "320"] in [answer[:4] for answer in answers]
    assert closed
    assert not gateway.sessions()


async def test_whoever_asks_for_all_options_keeps_nobody_waiting(gateway):
    options = tws.Contract(symbol="SPY", sec_type="OPT", exchange="SMART", currency="USD")
    async with Raw(gateway, 71) as greedy, Raw(gateway, 72) as other:
        greedy.post(*(tws.ReqContractDetails(number, options) for number in range(10)))
        for _ in range(20):
            await other.say()
        await greedy.catch_up()
        assert greedy.told(tws.ContractData)
        assert not greedy.told(tws.ContractDetailsEnd)


async def test_an_order_is_acknowledged_between_the_slices_of_heavy_requests(gateway):
    bid = tws.PlaceOrder(0, SHARE, tws.Order("BUY", 1.0, "LMT", 10.0, tif="DAY"))
    year = tws.ReqHistoricalData(
        0, SHARE, what="TRADES", bar_size="1 day", duration="1 Y", use_rth=True
    )
    turns = gateway.venue.turns
    async with Raw(gateway, 71) as greedy, Raw(gateway, 72) as other:
        greedy.post(*(replace(year, req_id=number) for number in range(50)))
        await until(lambda: turns.taken > 1)
        (first,) = other.told(tws.NextValidId)
        for number in range(5):
            begun = turns.taken
            await other.say(replace(bid, order_id=first.order_id + number))
            assert turns.taken - begun <= SLICES
        assert len(other.told(tws.OpenOrder)) >= 5
        assert gateway.venue.history.pending
        assert not greedy.told(tws.HistoricalData)


async def test_others_are_heard_between_the_messages_of_a_burst(gateway):
    async with Raw(gateway, 71) as greedy, Raw(gateway, 72) as other:
        before = len(list(gateway.transcript))
        greedy.post(*(tws.ReqIds(1) for _ in range(40)))
        other.post(tws.ReqIds(1))
        await greedy.catch_up()
    frames = list(gateway.transcript)[before:]
    asked = [frame.client_id for frame in frames if frame.name == "ReqIds"]
    assert len(asked) == 41
    assert asked.index(72) <= 2 * MOST_AT_ONCE
