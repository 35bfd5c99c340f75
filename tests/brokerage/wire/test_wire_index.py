"""The VIX through ib_async: a level without bid and ask, its history, and no orders."""

import math
from datetime import datetime

import pytest
from ib_async import Index, LimitOrder, MarketOrder

from brokerage.simulator.data_rules import DataRules
from brokerage.simulator.holidays import ET
from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import client, codes, snapshot, until

VIX = Index("VIX", "CBOE", "USD")
EVENING = datetime(2026, 3, 3, 18, 30, tzinfo=ET)  # shares are still quoted then


async def vix(ib):
    """The index, qualified."""
    (contract,) = await ib.qualifyContractsAsync(VIX)
    return contract


async def test_the_index_is_found_at_its_exchange_alone(ib):
    contract = await vix(ib)
    assert (contract.conId, contract.localSymbol, contract.exchange) == (13455763, "VIX", "CBOE")
    assert await ib.qualifyContractsAsync(Index("VIX", "SMART", "USD")) == [None]


async def test_its_details_name_no_order_types_and_regular_hours(ib):
    (details,) = await ib.reqContractDetailsAsync(VIX)
    assert (details.longName, details.orderTypes) == ("CBOE Volatility Index", "")
    assert details.tradingHours == details.liquidHours


async def test_it_is_found_by_name_and_has_no_chain(ib):
    (found,) = await ib.reqMatchingSymbolsAsync("volatility")
    assert (found.contract.secType, found.derivativeSecTypes) == ("IND", [])
    assert await ib.reqSecDefOptParamsAsync("VIX", "", "IND", 13455763) == []


async def test_it_has_last_and_range_and_neither_bid_nor_ask_nor_volume(ib):
    quote = await snapshot(ib, await vix(ib))
    assert 14 < quote.low <= quote.last <= quote.high < 23
    assert quote.low <= quote.open <= quote.high
    assert abs(quote.close / quote.last - 1) < 0.2
    assert quote.lastSize == 0
    missing = (quote.bid, quote.ask, quote.bidSize, quote.askSize, quote.volume, quote.halted)
    assert all(math.isnan(value) for value in missing)


async def test_its_stream_carries_the_ticks_of_an_index_alone(gateway, ib):
    ib.reqMktData(await vix(ib), "233")
    kinds = {"TickPrice": set(), "TickSize": set(), "TickString": set(), "TickGeneric": set()}
    await until(lambda: any(frame.name == "TickPrice" for frame in gateway.transcript))
    await gateway.skip(300)
    for frame in gateway.transcript:
        if frame.name in kinds:
            kinds[frame.name].add(frame.message.kind)
    assert kinds["TickPrice"] <= {4, 6, 7, 9, 14}
    assert kinds["TickSize"] == {5}
    assert kinds["TickString"] | kinds["TickGeneric"] == set()


@pytest.mark.parametrize("kind", [3, 4])
async def test_delayed_data_of_the_index_have_delayed_kinds(kind):
    async with (
        Gateway.serve(speed=25, data=DataRules(subscribed=False)) as gateway,
        client(gateway) as ib,
    ):
        ib.reqMarketDataType(kind)
        quote = await snapshot(ib, await vix(ib))
        assert quote.last > 10
        told = {one.message.kind for one in gateway.transcript if one.name == "TickPrice"}
        assert told == {68, 72, 73, 75, 76}


async def test_without_a_subscription_the_refusal_names_the_index():
    async with (
        Gateway.serve(speed=25, data=DataRules(subscribed=False)) as gateway,
        client(gateway) as ib,
    ):
        ib.reqMktData(await vix(ib))
        await until(lambda: codes(ib) == [10089])
        assert ib.errors[-1][2].endswith("VIX CBOE Volatility Index/TOP/ALL")
        await ib.reqHistoricalDataAsync(await vix(ib), "", "1 D", "1 hour", "TRADES", True)
        assert "No market data permissions for CBOE IND" in ib.errors[-1][2]


@pytest.mark.parametrize(("size", "bars"), [("1 day", 1), ("5 mins", 78), ("1W", None)])
async def test_its_history_has_levels_and_no_volume(ib, size, bars):
    length = "1 D" if bars else "1 M"
    found = await ib.reqHistoricalDataAsync(await vix(ib), "", length, size, "TRADES", True)
    assert bars is None or len(found) == bars
    assert all(13 < bar.low <= bar.open <= bar.high < 24 for bar in found)
    assert {(bar.volume, bar.average) for bar in found} == {(0, 0)}


@pytest.mark.parametrize("what", ["MIDPOINT", "BID", "ASK", "BID_ASK"])
async def test_nobody_has_quoted_it_in_the_past(ib, what):
    assert list(await ib.reqHistoricalDataAsync(await vix(ib), "", "1 D", "1 hour", what, 1)) == []
    assert codes(ib) == [162]
    assert "no data: VIX@CBOE" in ib.errors[-1][2]


async def test_its_past_ticks_are_levels_of_its_exchange(ib):
    contract = await vix(ib)
    ticks = await ib.reqHistoricalTicksAsync(contract, "", "20260303 12:00:00", 20, "TRADES", True)
    assert len(ticks) >= 20
    assert {(tick.size, tick.exchange, tick.specialConditions) for tick in ticks} == {
        (0, "CBOE", "")
    }
    quotes = await ib.reqHistoricalTicksAsync(
        contract, "", "20260303 12:00:00", 20, "BID_ASK", True
    )
    assert list(quotes) == []


@pytest.mark.parametrize("order", [MarketOrder("BUY", 1), LimitOrder("SELL", 1, 18.0)])
async def test_an_order_for_the_index_is_refused(ib, order):
    trade = ib.placeOrder(await vix(ib), order)
    await until(lambda: codes(ib) == [412])
    assert trade.orderStatus.status == "Cancelled"
    assert ib.openTrades() == []


async def test_a_what_if_of_the_index_is_refused(ib):
    assert await ib.whatIfOrderAsync(await vix(ib), MarketOrder("BUY", 1)) == []
    assert codes(ib) == [412]


async def test_its_level_can_be_moved(gateway, ib):
    contract = await vix(ib)
    before = (await snapshot(ib, contract)).last
    gateway.move(contract.conId, 2.0)
    await gateway.skip(60)
    ticker = await snapshot(ib, contract)
    assert ticker.last > 1.8 * before


async def test_by_the_calendar_it_stands_still_outside_regular_hours():
    async with (
        Gateway.serve(speed=25, start=EVENING, always_open=False) as gateway,
        client(gateway) as ib,
    ):
        ticker = ib.reqMktData(await vix(ib))
        await until(lambda: ticker.last > 0)
        told = len(ticker.ticks)
        await gateway.skip(120)
        assert len(ticker.ticks) <= told
