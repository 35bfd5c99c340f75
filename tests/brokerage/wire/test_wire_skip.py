"""Skipping time: everything due happens at its own time and in order, and clients are served."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from tests.brokerage.wire.conftest import client, spy, until
from tests.brokerage.wire.raw import Raw

MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)
BEFORE_OPENING = datetime(2026, 11, 23, 14, 29, tzinfo=UTC)
SPY = tws.Contract(symbol="SPY", sec_type="STK", exchange="SMART", currency="USD")
BUY = tws.Order(action="BUY", quantity=1, order_type="MKT", tif="DAY")


async def test_actions_run_in_order_each_at_its_own_time():
    async with Gateway.serve(clock=ManualClock(MONDAY)) as gateway:
        ran = []
        for seconds in (30.0, 10.0, 20.0, 60.0):
            gateway.later(seconds, lambda: ran.append(gateway.clock.now() - MONDAY))
        await gateway.skip(45)
        assert ran == [timedelta(seconds=seconds) for seconds in (10, 20, 30)]
        assert gateway.clock.now() == MONDAY + timedelta(seconds=45)


async def test_what_an_action_adds_runs_in_the_same_skip():
    async with Gateway.serve(clock=ManualClock(MONDAY)) as gateway:
        ran = []
        gateway.later(1.0, lambda: gateway.later(1.0, lambda: ran.append(gateway.clock.now())))
        await gateway.skip(2.0)
        assert ran == [MONDAY + timedelta(seconds=2)]


async def test_two_hours_pass_in_seconds_with_a_line_open():
    async with Gateway.serve(speed=1, start=MONDAY) as gateway, client(gateway) as ib:
        ticker = ib.reqMktData(await spy(ib))
        await gateway.skip(7200)
        assert gateway.clock.now() - MONDAY >= timedelta(hours=2)
        await until(lambda: ticker.time and ticker.last > 0)
        at = [frame.at for frame in gateway.transcript if frame.name == "TickPrice"]
        assert at[-1] - MONDAY.timestamp() > 7190
        assert gateway.transcript.count > 20_000
        assert all(before <= after for before, after in pairwise(at))


async def test_a_bot_in_the_same_loop_answers_at_the_time_of_the_tick():
    async with Gateway.serve(clock=ManualClock(MONDAY)) as gateway, client(gateway) as ib:
        contract, asked = await spy(ib), []
        ib.pendingTickersEvent += lambda _: asked or asked.append(ib.client.reqCurrentTime())
        ib.reqMktData(contract)
        await gateway.skip(60)
        names = [frame.name for frame in gateway.transcript]
        first, answer = names.index("TickPrice"), names.index("CurrentTime")
        assert gateway.transcript[answer].at - gateway.transcript[first].at < 1.0


async def test_an_order_held_until_the_opening_fills_on_the_way():
    clock = ManualClock(BEFORE_OPENING)
    async with Gateway.serve(clock=clock, always_open=False) as gateway, Raw(gateway, 1) as raw:
        await raw.say(tws.PlaceOrder(200, SPY, BUY))
        await gateway.skip(120)
        await raw.catch_up()
        (fill,) = raw.told(tws.ExecDetails)
        assert fill.time.startswith("20261123 09:30:0")


async def test_two_skips_at_once_follow_one_another():
    async with Gateway.serve(clock=ManualClock(MONDAY)) as gateway:
        await asyncio.gather(gateway.skip(30), gateway.skip(12))
        assert gateway.clock.now() == MONDAY + timedelta(seconds=42)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
async def test_time_is_not_skipped_backwards_or_for_ever(seconds):
    async with Gateway.serve(clock=ManualClock(MONDAY)) as gateway:
        with pytest.raises(ValueError, match="forward"):
            await gateway.skip(seconds)


async def test_moving_the_clock_by_hand_does_what_has_become_due():
    clock, ran = ManualClock(MONDAY), asyncio.Event()
    async with Gateway.serve(clock=clock) as gateway:
        gateway.later(10.0, ran.set)
        clock.advance(9.0)
        await asyncio.sleep(0.01)
        assert not ran.is_set()
        clock.advance(1.0)
        await asyncio.wait_for(ran.wait(), 5)


async def test_another_speed_while_running_brings_forward_what_is_due():
    ran = asyncio.Event()
    async with Gateway.serve(speed=1) as gateway:
        gateway.later(100.0, ran.set)
        gateway.clock.set_speed(1000.0)
        await asyncio.wait_for(ran.wait(), 20)


async def test_steps_of_the_market_that_were_missed_become_one():
    clock = ManualClock(MONDAY)
    async with Gateway.serve(clock=clock) as gateway:
        steps = []
        gateway.venue.quotes.push = lambda: steps.append(clock.time())
        clock.advance(3600.0)
        gateway.catch_up()
        assert len(steps) <= 2
        await gateway.skip(1.0)
        assert 3 <= len(steps) <= 6
