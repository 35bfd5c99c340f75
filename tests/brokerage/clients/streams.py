"""Single ticks, real-time bars and directories, as every one of the vendor's clients sees them."""

from itertools import pairwise

import pytest

from tests.brokerage.clients.quotes import nothing_more
from tests.brokerage.clients.terms import spy


async def test_bars_of_five_seconds_come_in_real_time(bot):
    bot.call("reqRealTimeBars", 940, spy(), 5, "TRADES", 0, [])
    await bot.until(lambda: len(bot.all("realtimeBar")) >= 3, "the third bar")
    bars = bot.all("realtimeBar")
    assert {later[1] - earlier[1] for earlier, later in pairwise(bars)} == {5}
    for _, epoch, first, high, low, last, volume, average, _ in bars:
        assert epoch % 5 == 0
        assert low <= min(first, last, average) <= max(first, last, average) <= high
        assert volume >= 0
    bot.call("cancelRealTimeBars", 940)
    await nothing_more(bot, "realtimeBar", 940)


@pytest.mark.parametrize("kind", ["Last", "AllLast"])
async def test_every_trade_comes(bot, kind):
    bot.call("reqTickByTickData", 941, spy(), kind, 0, False)
    told = await bot.told("tickByTickAllLast", 941)
    assert told[1] == (1 if kind == "Last" else 2)
    assert told[3] > 0
    assert told[4] > 0
    bot.call("cancelTickByTickData", 941)
    await nothing_more(bot, "tickByTickAllLast", 941)


async def test_every_quote_comes(bot):
    bot.call("reqTickByTickData", 942, spy(), "BidAsk", 0, False)
    _, _, bid, ask, bid_size, ask_size, _ = await bot.told("tickByTickBidAsk", 942)
    assert 0 < bid < ask
    assert min(bid_size, ask_size) > 0
    bot.call("cancelTickByTickData", 942)


async def test_every_midpoint_comes(bot):
    bot.call("reqTickByTickData", 943, spy(), "MidPoint", 0, False)
    assert (await bot.told("tickByTickMidPoint", 943))[2] > 0
    bot.call("cancelTickByTickData", 943)


PAST = [("TRADES", "historicalTicksLast"), ("BID_ASK", "historicalTicksBidAsk"),
        ("MIDPOINT", "historicalTicks")]  # fmt: skip


@pytest.mark.parametrize(("what", "callback"), PAST, ids=[what for what, _ in PAST])
async def test_ticks_of_the_past_end_with_a_mark(bot, gateway, what, callback):
    end = f"{gateway.clock.now():%Y%m%d-%H:%M:%S}"
    bot.call("reqHistoricalTicks", 944, spy(), "", end, 20, what, 0, False, [])
    await bot.told(callback, 944, where=lambda _, ticks, done: done)
    ticks = [tick for _, ticks, _ in bot.all(callback) for tick in ticks]
    assert len(ticks) >= 20
    assert all(tick.get("price", tick.get("priceBid")) > 0 for tick in ticks)
    times = [tick["time"] for tick in ticks]
    assert times == sorted(times)
    assert times[-1] <= gateway.clock.time()


async def test_directories_may_be_empty_but_they_answer(bot):
    bot.call("reqFamilyCodes")
    await bot.told("familyCodes")
    bot.call("reqMktDepthExchanges")
    await bot.told("mktDepthExchanges")
    bot.call("reqNewsProviders")
    await bot.told("newsProviders")
