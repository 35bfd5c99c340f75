"""Faults of what quotes say: ib_async sees each, and none of it from a sound gateway."""

from itertools import pairwise
from math import isnan

from ib_async import Stock

from brokerage.simulator.faults import quotes
from tests.brokerage.faults.scenes import Scene, codes, passed, spy, until
from tests.brokerage.faults.scenes import TestScenes as TestScenes
from tests.brokerage.wire.conftest import client


async def line(ib):
    """A line for SPY with its first image."""
    ticker = ib.reqMktData(await spy(ib), "233")
    await until(lambda: ticker.time)
    return ticker


async def prices_over_a_minute(gateway, ib, switch):
    """Whether the bid moved, and whether the volume did."""
    switch()
    ticker = await line(ib)
    await passed(gateway, 5)
    bids, volumes = {ticker.bid}, {ticker.volume}
    ticker.updateEvent += lambda ticker: (bids.add(ticker.bid), volumes.add(ticker.volume))
    await passed(gateway, 60)
    return len(bids) > 1, len(volumes) > 1


async def kind_of_data(gateway, ib, switch):
    """Type of the data, and errors."""
    switch()
    ticker = await line(ib)
    return ticker.marketDataType, codes(ib)


async def bids_after_a_reconnect(gateway, ib, switch):
    """Whether the first bid after a minute's absence is the last before it."""
    ticker = await line(ib)
    switch()
    await passed(gateway, 10)
    ib.disconnect()
    last = ticker.bid
    await until(lambda: not gateway.sessions())
    await passed(gateway, 120)
    async with client(gateway) as again:
        return (await line(again)).bid == last


async def sides(gateway, ib, switch):
    """Which of bid and ask are prices."""
    switch()
    ticker = await line(ib)
    await passed(gateway, 5)
    return ticker.bid > 0, ticker.ask > 0


async def spread(gateway, ib, switch):
    """Ask less bid in cents, negative or zero at most; 1 for any sound spread."""
    switch()
    ticker = await line(ib)
    await passed(gateway, 5)
    return min(round((ticker.ask - ticker.bid) * 100), 1)


async def trades(gateway, ib, switch):
    """Whether the last price and the volume are known."""
    switch()
    ticker = await line(ib)
    await passed(gateway, 30)
    return not isnan(ticker.last), not isnan(ticker.volume)


async def whole_sizes(gateway, ib, switch):
    """Whether the last size is a whole number."""
    switch()
    ticker = await line(ib)
    await passed(gateway, 10)
    return ticker.lastSize == int(ticker.lastSize)


async def times_in_order(gateway, ib, switch):
    """Whether the times of trades never decrease."""
    switch()
    ticker = await line(ib)
    times = []
    ticker.updateEvent += lambda ticker: times.append(ticker.lastTimestamp)
    await passed(gateway, 120)
    known = [time for time in times if time]
    assert len(known) > 5
    return all(earlier <= later for earlier, later in pairwise(known))


async def ticks_after_a_farm_switch(gateway, ib, switch):
    """Whether the old line lives on, and a new one beside it; the notices."""
    old = await line(ib)
    switch()
    await passed(gateway, 10)
    before = old.time
    told = [code for code, _, text in ib.errors if text.endswith((":usfarm.nj", "broken:usfarm"))]
    (other,) = await ib.qualifyContractsAsync(Stock("AAPL", "SMART", "USD"))
    new = ib.reqMktData(other)
    await passed(gateway, 60)
    return old.time > before, new.time is not None, told


FAULTS = (quotes,)
SCENES = (
    Scene("frozen_prices", prices_over_a_minute, seen=(False, True), sound=(True, True)),
    Scene("delayed_instead_of_live", kind_of_data, seen=(3, [10167]), sound=(1, [])),
    Scene(
        "stale_after_reconnect",
        bids_after_a_reconnect,
        seen=True,
        sound=False,
        params={"seconds": 600.0},
    ),
    Scene("no_quote", sides, seen=(False, True), sound=(True, True), params={"side": "bid"}),
    Scene("crossed_quotes", spread, seen=-5, sound=1),
    Scene("no_trades", trades, seen=(False, False), sound=(True, True)),
    Scene("fractional_sizes", whole_sizes, seen=False, sound=True),
    Scene(
        "ticks_out_of_order",
        times_in_order,
        seen=False,
        sound=True,
        params={"share": 0.5, "seconds": 8.0},
    ),
    Scene(
        "farm_switch",
        ticks_after_a_farm_switch,
        seen=(False, True, [2103, 2104]),
        sound=(True, True, []),
    ),
)


async def test_a_locked_market_has_one_price_on_both_sides(gateway, ib):
    gateway.faults.on("crossed_quotes", by=0.0)
    assert await spread(gateway, ib, lambda: None) == 0


async def test_other_symbols_keep_their_quotes(gateway, ib):
    gateway.faults.on("no_quote", symbol="AAPL")
    assert await sides(gateway, ib, lambda: None) == (True, True)


async def test_quotes_come_back_when_the_fault_is_off(gateway, ib):
    gateway.faults.on("no_quote")
    ticker = await line(ib)
    gateway.faults.off("no_quote")
    await passed(gateway, 60)
    assert ticker.bid < ticker.ask
