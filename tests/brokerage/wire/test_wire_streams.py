"""Single ticks, five-second bars, live histories and hours, as ib_async sees them."""

import asyncio
from datetime import UTC, datetime

import pytest
from ib_async import Option, Stock

from brokerage.simulator.data_rules import DataRules
from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import call, client, codes, spy, until

UNPACED = DataRules(history_pacing=False)


async def test_single_trades_stream(ib):
    ticker = ib.reqTickByTickData(await spy(ib), "AllLast")
    ticks = []
    ticker.updateEvent += lambda one: ticks.extend(one.tickByTicks)
    await until(lambda: len(ticks) > 10)
    assert {tick.tickType for tick in ticks} == {2}
    assert all(tick.price > 0 and tick.size > 0 and tick.exchange for tick in ticks)
    ib.cancelTickByTickData(ticker.contract, "AllLast")


@pytest.mark.parametrize(("kind", "name"), [("BidAsk", "bidPrice"), ("MidPoint", "midPoint")])
async def test_quotes_stream_tick_by_tick(ib, kind, name):
    ticker = ib.reqTickByTickData(await spy(ib), kind)
    prices = []
    ticker.updateEvent += lambda one: prices.extend(getattr(t, name) for t in one.tickByTicks)
    await until(lambda: len(prices) > 5)
    assert all(600 < price < 800 for price in prices)


async def test_options_have_no_tick_by_tick_data(ib):
    contract, _ = await call(ib)
    ib.reqTickByTickData(contract, "Last")
    await until(lambda: codes(ib) == [10189])
    assert "tick-by-tick requests are not supported for SPY" in ib.errors[-1][2]


async def test_bars_of_five_seconds_are_those_of_the_history():
    async with Gateway.serve(seed=7, speed=25, data=UNPACED) as gateway, client(gateway) as ib:
        contract = await spy(ib)
        bars = ib.reqRealTimeBars(contract, 5, "TRADES", useRTH=False)
        await until(lambda: len(bars) >= 6)
        ib.cancelRealTimeBars(bars)
        past = await ib.reqHistoricalDataAsync(contract, "", "60 S", "5 secs", "TRADES", True, 2)
        known = {one.date: (one.open, one.high, one.low, one.close, one.volume) for one in past}
        shared = [bar for bar in bars if bar.time in known]
        assert len(shared) >= 4
        assert all(
            (bar.open_, bar.high, bar.low, bar.close, bar.volume) == known[bar.time]
            for bar in shared
        )


async def test_a_history_kept_up_to_date_gets_new_bars():
    async with Gateway.serve(seed=7, speed=100, data=UNPACED) as gateway, client(gateway) as ib:
        contract = await spy(ib)
        bars = await ib.reqHistoricalDataAsync(
            contract, "", "600 S", "1 min", "TRADES", False, 2, keepUpToDate=True
        )
        count, new = len(bars), []
        bars.updateEvent += lambda bars, has_new: new.append(has_new)
        await until(lambda: len(bars) >= count + 3, 20)
        assert new.count(False) >= 10 > new.count(True) >= 3
        times = [bar.date for bar in bars]
        assert times == sorted(times)
        whole = await ib.reqHistoricalDataAsync(contract, "", "600 S", "1 min", "TRADES", False, 2)
        known = {bar.date: bar for bar in whole}
        ended = [bar for bar in bars[:-1] if bar.date in known][1:]
        assert len(ended) >= 3
        assert all(known[bar.date] == bar for bar in ended)


async def test_past_ticks_come_in_pages(gateway, ib):
    contract, end = await spy(ib), gateway.clock.now()
    last = await ib.reqHistoricalTicksAsync(contract, "", end, 100, "TRADES", False)
    quotes = await ib.reqHistoricalTicksAsync(contract, last[0].time, "", 50, "BID_ASK", False)
    mids = await ib.reqHistoricalTicksAsync(contract, last[0].time, "", 50, "MIDPOINT", False)
    assert len(last) >= 100
    assert len(quotes) >= 50
    assert quotes[0].time >= last[0].time
    assert [tick.time for tick in last] == sorted(tick.time for tick in last)
    assert all(one.priceBid < one.priceAsk for one in quotes)
    assert len(mids) >= 50
    assert last[-1].time <= end


async def test_past_ticks_of_an_option(gateway, ib):
    contract, _ = await call(ib)
    ticks = await ib.reqHistoricalTicksAsync(contract, "", gateway.clock.now(), 10, "TRADES", False)
    assert len(ticks) >= 10


async def test_hours_increments_and_business_are_told():
    monday = datetime(2026, 11, 23, 15, tzinfo=UTC)
    async with (
        Gateway.serve(speed=25, always_open=False, start=monday) as gateway,
        client(gateway) as ib,
    ):
        (apple,) = await ib.reqContractDetailsAsync(Stock("AAPL", "SMART", "USD"))
        wanted = Option("AAPL", "20261127", 270.0, "C", "SMART")
        (option,) = await ib.reqContractDetailsAsync(wanted)
        assert apple.tradingHours.startswith("20261123:0400-20261123:2000;20261124:0400")
        assert "20261126:CLOSED;20261127:0930-20261127:1300" in apple.liquidHours
        assert apple.tradingSessions()[0].start.hour == 4
        assert (apple.industry, apple.stockType) == ("Technology", "COMMON")
        assert apple.secIdList[0].value == "US0378331005"
        assert option.tradingHours == option.liquidHours
        rule = await ib.reqMarketRuleAsync(int(option.marketRuleIds.split(",")[0]))
        assert [(one.lowEdge, one.increment) for one in rule] == [(0.0, 0.01), (3.0, 0.05)]


async def test_a_share_is_found_by_its_isin(ib):
    (details,) = await ib.reqContractDetailsAsync(Stock(secIdType="ISIN", secId="US88160R1014"))
    assert details.contract.symbol == "TSLA"


async def test_without_a_subscription_delayed_data_come_on_request():
    rules = DataRules(subscribed=False)
    async with Gateway.serve(seed=7, speed=25, data=rules) as gateway, client(gateway) as ib:
        (other,) = await ib.qualifyContractsAsync(Stock("QQQ", "SMART", "USD"))
        ib.reqMktData(await spy(ib))
        await until(lambda: codes(ib) == [10089])
        ib.reqMarketDataType(3)
        ticker = ib.reqMktData(other)
        await until(lambda: ticker.marketDataType == 3 and ticker.bid > 0)
        assert codes(ib) == [10089, 10167]


async def test_a_halt_reaches_the_ticker(gateway, ib):
    contract = await spy(ib)
    ticker = ib.reqMktData(contract)
    await until(lambda: ticker.halted == 0)
    gateway.venue.floor.market.halt(contract.conId)
    await until(lambda: ticker.halted == 1)
    gateway.venue.floor.market.resume(contract.conId)
    await until(lambda: ticker.halted == 0)


async def test_a_year_of_days_stops_nobody():
    async with (
        Gateway.serve(seed=11, speed=1) as gateway,
        client(gateway) as ib,
        client(gateway, client_id=2) as other,
    ):
        contract = await spy(ib)
        asked = asyncio.ensure_future(
            ib.reqHistoricalDataAsync(contract, "", "1 Y", "1 day", "TRADES", True)
        )
        answers = 0
        while not asked.done():
            await asyncio.wait_for(other.reqCurrentTimeAsync(), 5.0)
            answers += 1
        assert len(await asked) > 245
        assert answers > 3


async def ask_for_past_ticks(ib, *kinds: str):
    """One request after the other for what was before noon."""
    contract = await spy(ib)
    for kind in kinds:
        await ib.reqHistoricalTicksAsync(contract, "", "20260303 12:00:00", 5, kind, True)


async def test_past_ticks_are_paged_without_a_pause(ib):
    await ask_for_past_ticks(ib, *["TRADES"] * 8)
    assert codes(ib) == []


async def test_past_ticks_are_paced_like_small_bars_where_that_is_wanted():
    rules = DataRules(tick_pacing=True)
    async with Gateway.serve(seed=7, speed=25, data=rules) as gateway, client(gateway) as ib:
        await ask_for_past_ticks(ib, "TRADES", "BID_ASK", "TRADES")
        assert codes(ib) == [10187]
        text = "Failed to request historical ticks:Historical data request pacing violation"
        assert ib.errors[-1][2] == text
        await gateway.skip(15)
        await ask_for_past_ticks(ib, "TRADES")
        assert codes(ib) == [10187]
