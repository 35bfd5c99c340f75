"""Faults of bars that stream: ib_async sees each, and none of it from a sound gateway."""

from datetime import timedelta
from itertools import pairwise

from brokerage.simulator.faults import streams
from tests.brokerage.faults.scenes import Scene, codes, passed, spy
from tests.brokerage.faults.scenes import TestScenes as TestScenes

FIVE = timedelta(seconds=5)


async def bars_of_a_minute(gateway, ib):
    """Real-time bars of SPY as they came."""
    bars = ib.reqRealTimeBars(await spy(ib), 5, "TRADES", useRTH=False)
    await passed(gateway, 61)
    return bars


async def steps(gateway, ib, switch):
    """Whether the bars leave gaps, go back in time, or repeat a time."""
    switch()
    times = [bar.time for bar in await bars_of_a_minute(gateway, ib)]
    gone = [later - earlier for earlier, later in pairwise(times)]
    return any(step > FIVE for step in gone), min(gone) < 0 * FIVE, 0 * FIVE in gone


async def subscriptions(gateway, ib, switch):
    """Errors, and how often real-time bars were asked for: ib_async asks again by itself."""
    switch()
    await bars_of_a_minute(gateway, ib)
    asked = [frame for frame in gateway.transcript if frame.name == "ReqRealTimeBars"]
    return 10225 in codes(ib), len(asked) > 1


FAULTS = (streams,)
SCENES = (
    Scene("bars_missing", steps, seen=(True, False, False), sound=(False, False, False)),
    Scene("bars_late", steps, seen=(True, True, False), sound=(False, False, False)),
    Scene("bars_duplicated", steps, seen=(False, False, True), sound=(False, False, False)),
    Scene("bars_busted", subscriptions, seen=(True, True), sound=(False, False)),
)


async def test_a_farm_switch_ends_the_bars_that_came_before_it(gateway, ib):
    bars = await bars_of_a_minute(gateway, ib)
    gateway.faults.on("farm_switch")
    before = len(bars)
    await passed(gateway, 61)
    assert before > 5
    assert len(bars) == before


async def test_busted_bars_flow_again_under_the_id_that_they_had(gateway, ib):
    gateway.faults.on("bars_busted", after=4)
    bars = await bars_of_a_minute(gateway, ib)
    gateway.faults.off("bars_busted")
    assert codes(ib).count(10225) >= 2
    assert len(bars) >= 4
    before = len(bars)
    await passed(gateway, 31)
    assert len(bars) > before
