"""Faults of historical bars: ib_async sees each, and none of it from a sound gateway."""

from datetime import timedelta
from itertools import pairwise

from brokerage.simulator.faults import history
from brokerage.tws import messages as tws
from tests.brokerage.faults.scenes import Scene, codes, passed, spy
from tests.brokerage.faults.scenes import TestScenes as TestScenes
from tests.brokerage.wire.raw import SHARE, Raw

MINUTE = timedelta(minutes=1)


async def minutes(ib):
    """Half an hour of one-minute bars; waits two wall seconds for them at most."""
    return await ib.reqHistoricalDataAsync(
        await spy(ib), "", "1800 S", "1 min", "TRADES", useRTH=False, timeout=2.0
    )


async def answer(gateway, ib, switch):
    """Whether there are bars, and errors."""
    switch()
    bars = await minutes(ib)
    await passed(gateway, 1)
    return bool(bars), codes(ib)


async def reason(gateway, ib, switch):
    """What the error says, without its preface."""
    switch()
    await minutes(ib)
    return [text.partition("message:")[2] for code, _, text in ib.errors if code == 162]


async def gaps(gateway, ib, switch):
    """How many bars are missing inside, and how many come twice."""
    switch()
    times = [bar.date for bar in await minutes(ib)]
    steps = [later - earlier for earlier, later in pairwise(times)]
    return sum(step > MINUTE for step in steps), sum(not step for step in steps)


async def age_of_the_last_bar(gateway, ib, switch):
    """Whether the last bar began more than three minutes ago."""
    switch()
    bars = await minutes(ib)
    return gateway.clock.now() - bars[-1].date > 3 * MINUTE


async def jump_at_the_end(gateway, ib, switch):
    """Whether the last bar opens more than half a percent off the close before it."""
    switch()
    bars = await minutes(ib)
    return abs(bars[-1].open / bars[-2].close - 1) > 0.005


async def updates(gateway, ib, switch):
    """Whether bars that are kept up to date go on after the error, and errors."""
    bars = await ib.reqHistoricalDataAsync(
        await spy(ib), "", "1800 S", "1 min", "TRADES", useRTH=False, keepUpToDate=True
    )
    switch()
    await passed(gateway, 90)
    told, before = codes(ib), bars[-1].date
    await passed(gateway, 90)
    return bars[-1].date > before, told


FAULTS = (history,)
SCENES = (
    Scene("history_never_answered", answer, seen=(False, [366]), sound=(True, [])),
    Scene(
        "history_no_data",
        reason,
        seen=["HMDS query returned no data: SPY@SMART Trades"],
        sound=[],
    ),
    Scene("history_pacing", reason, seen=["Historical data request pacing violation"], sound=[]),
    Scene("history_unknown_symbol", answer, seen=(False, [200]), sound=(True, [])),
    Scene("history_bars_missing", gaps, seen=(1, 0), sound=(0, 0)),
    Scene("history_bars_duplicated", gaps, seen=(0, 2), sound=(0, 0), params={"count": 2}),
    Scene("history_bars_late", age_of_the_last_bar, seen=True, sound=False, params={"count": 4}),
    Scene("history_last_bar_wrong", jump_at_the_end, seen=True, sound=False),
    Scene("history_updates_stop", updates, seen=(False, [10182]), sound=(True, [])),
)


async def test_updates_that_stopped_begin_again_under_the_id_that_they_had(gateway):
    live = {"what": "TRADES", "bar_size": "1 min", "duration": "600 S", "keep_up_to_date": True}
    gateway.faults.on("history_updates_stop", after=2)
    async with Raw(gateway, 71) as raw:
        for _ in range(2):
            await raw.say(tws.ReqHistoricalData(9, SHARE, **live))
            await gateway.skip(60)
            await raw.catch_up()
        assert [one.code for one in raw.told(tws.Error) if one.req_id == 9] == [10182, 10182]
        assert len(raw.told(tws.HistoricalData)) == 2
        assert len(raw.told(tws.HistoricalDataUpdate)) == 4
