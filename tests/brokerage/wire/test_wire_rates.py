"""The message rate over a socket: those above it wait, or are refused until the third time."""

import asyncio
from datetime import UTC, datetime

import pytest

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.peer import MOST_WAITING
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from tests.brokerage.wire.conftest import client, until
from tests.brokerage.wire.raw import Raw

MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)
ASK = tws.ReqIds(1)


async def answered(gateway: Gateway) -> int:
    """How many `ASK` have been answered, besides the greeting, once the loop has gone quiet."""
    seen = -1
    while seen != gateway.transcript.count:
        seen = gateway.transcript.count
        await asyncio.sleep(0.02)
    return [frame.name for frame in gateway.transcript].count("NextValidId") - 1


async def flood(gateway: Gateway, raw: Raw, count: int) -> int:
    """Send so many messages at one instant; how many are answered at once."""
    before = await answered(gateway)
    raw.post(*[ASK] * count)
    return await answered(gateway) - before


def refusals(gateway: Gateway) -> list[tuple[int, str]]:
    """Request id and text of each error 100."""
    told = [frame.message for frame in gateway.transcript if frame.name == "Error"]
    return [(error.req_id, error.text) for error in told if error.code == 100]


async def test_messages_above_the_rate_wait_for_the_next_second():
    async with Gateway.serve(clock=ManualClock(MONDAY)) as gateway, Raw(gateway, 1) as raw:
        assert await flood(gateway, raw, 119) == 49  # the greeting asked for the time
        await gateway.skip(0.9)
        assert await answered(gateway) == 49
        await gateway.skip(0.2)
        assert await answered(gateway) == 99
        await gateway.skip(1.0)
        assert await answered(gateway) == 119


async def test_the_rate_follows_the_market_data_lines():
    clock = ManualClock(MONDAY)
    async with Gateway.serve(clock=clock, lines=400) as gateway, Raw(gateway, 1) as raw:
        assert await flood(gateway, raw, 300) == 199


async def test_each_client_has_a_rate_of_its_own():
    async with (
        Gateway.serve(clock=ManualClock(MONDAY)) as gateway,
        Raw(gateway, 1) as one,
        Raw(gateway, 2) as two,
    ):
        assert await flood(gateway, one, 100) == 49
        assert await flood(gateway, two, 40) == 40


async def test_refused_messages_are_lost_and_told_when_the_second_is_over():
    clock = ManualClock(MONDAY)
    settings = {"clock": clock, "reject_over_rate": True}
    async with Gateway.serve(**settings) as gateway, Raw(gateway, 1) as raw:
        assert await flood(gateway, raw, 137) == 49
        assert refusals(gateway) == []
        await gateway.skip(1.0)
        text = "Max rate of messages per second has been exceeded:max=50 rec=138 (1)"
        assert refusals(gateway) == [(1, text)]
        await gateway.skip(5.0)
        assert await answered(gateway) == 49


async def test_the_third_violation_ends_the_session():
    clock = ManualClock(MONDAY)
    settings = {"clock": clock, "reject_over_rate": True}
    async with Gateway.serve(**settings) as gateway, Raw(gateway, 1) as raw, Raw(gateway, 2):
        for number in (1, 2, 3):
            await flood(gateway, raw, 60)
            assert [one.client_id for one in gateway.sessions()] == [1, 2]
            await gateway.skip(1.5)
            assert len(refusals(gateway)) == number
        await until(lambda: [one.client_id for one in gateway.sessions()] == [2])


async def test_ib_async_is_told_and_then_loses_its_connection():
    settings = {"speed": 20, "reject_over_rate": True}
    async with Gateway.serve(**settings) as gateway, client(gateway) as ib:
        ib.client.MaxRequests = 0
        for _ in range(3):
            before = len(refusals(gateway))
            for _ in range(120):
                ib.client.reqCurrentTime()
            await until(lambda before=before: len(refusals(gateway)) > before, limit=20)
        await until(lambda: not ib.isConnected(), limit=20)
        told = [(req_id, text[-3:]) for code, req_id, text in ib.errors if code == 100]
        assert told == [(1, "(1)"), (2, "(2)"), (3, "(3)")]


@pytest.mark.parametrize("count", [40, 60])
async def test_a_client_near_the_rate_is_warned_once(count):
    clock = ManualClock(MONDAY)
    settings = {"clock": clock, "reject_over_rate": True}
    async with Gateway.serve(**settings) as gateway, Raw(gateway, 1) as raw:
        await flood(gateway, raw, count)
        told = [frame.message for frame in gateway.transcript if frame.name == "Error"]
        warnings = [error.text for error in told if error.code == 0]
        wanted = "Warning: Approaching max rate of 50 messages per second (44)"
        assert warnings == ([wanted] if count > 44 else [])


async def test_a_flood_stays_in_the_socket_and_is_answered_in_the_end():
    async with Gateway.serve(clock=ManualClock(MONDAY)) as gateway, Raw(gateway, 1) as raw:
        assert await flood(gateway, raw, 5000) == 49
        assert len(gateway.sessions()[0].backlog) == MOST_WAITING
        await gateway.skip(110)
        assert await answered(gateway) == 5000
