"""Contracts, quotes and history, as ib_async sees them."""

import asyncio
from datetime import UTC, datetime

import pytest
from ib_async import Contract, Option, Stock

from brokerage.simulator.rates import LINES as MOST_LINES
from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import call, client, codes, snapshot, spy, until

SYMBOLS = ["SPY", "QQQ", "IWM", "AAPL", "MSFT", "TSLA", "GOOGL", "AMZN"]


@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_each_share_is_qualified_and_quoted(ib, symbol):
    (contract,) = await ib.qualifyContractsAsync(Stock(symbol, "SMART", "USD"))
    quote = await snapshot(ib, contract)
    assert contract.conId > 0
    assert 0 < quote.bid <= quote.ask
    assert quote.low <= quote.last <= quote.high
    assert quote.marketDataType == 1


async def test_a_quote_carries_the_exchanges_time(gateway, ib):
    quote = await snapshot(ib, await spy(ib))
    assert abs((gateway.clock.now() - quote.lastTimestamp).total_seconds()) < 6


async def test_details_name_tick_and_hours_of_the_contract(ib):
    (details,) = await ib.reqContractDetailsAsync(Stock("AAPL", "SMART", "USD"))
    assert (details.longName, details.minTick) == ("APPLE INC", 0.01)
    assert details.contract.primaryExchange == "NASDAQ"


async def test_a_weekly_call_is_found_in_the_chain_and_quoted_with_greeks(ib):
    contract, quote = await call(ib)
    assert contract.localSymbol.startswith("SPY ")
    assert quote.ask - quote.bid >= 0.01
    assert 0 < quote.modelGreeks.delta < 1


async def test_what_is_not_listed_has_no_chain(ib):
    assert await ib.reqSecDefOptParamsAsync("NOPE", "", "STK", 1) == []


async def test_an_unknown_symbol_gives_200(ib):
    assert await ib.qualifyContractsAsync(Stock("INVALID_SYMBOL_XYZ", "SMART", "USD")) == [None]
    assert codes(ib) == [200]


async def test_a_vague_contract_is_not_quoted(ib):
    ib.client.reqMktData(900, Option("SPY", "", 0.0, "C", "SMART"), "", True, False, [])
    await until(lambda: codes(ib) == [200])
    assert "ambiguous" in ib.errors[-1][2]


async def test_symbols_are_found_by_name(ib):
    (found,) = await ib.reqMatchingSymbolsAsync("APPLE")
    assert found.contract.symbol == "AAPL"


async def test_a_price_rule_is_told(ib):
    assert (await ib.reqMarketRuleAsync(26))[0].increment == 0.01


async def test_a_stream_moves_and_stops_when_cancelled(gateway, ib):
    contract = await spy(ib)
    ticker = ib.reqMktData(contract, "233")
    prices: set[float] = set()
    ticker.updateEvent += lambda one: prices.add(one.last)
    await until(lambda: len(prices) > 5)
    assert ticker.rtTime.tzinfo is UTC
    ib.cancelMktData(contract)
    await until(lambda: gateway.transcript[-1].name == "CancelMktData")
    seen = len(gateway.transcript)
    await asyncio.sleep(0.1)
    assert len(gateway.transcript) == seen


async def test_cancelling_a_stream_twice_gives_300(ib):
    ib.client.cancelMktData(4711)
    await until(lambda: codes(ib) == [300])


async def test_a_request_id_serves_one_stream(ib):
    for _ in range(2):
        ib.client.reqMktData(900, await spy(ib), "", False, False, [])
    await until(lambda: codes(ib) == [102])


async def test_lines_are_limited():
    async with Gateway.serve(speed=5) as gateway, client(gateway) as ib:
        ib.client.MaxRequests = 0
        contract = await spy(ib)
        for number in range(MOST_LINES + 1):
            ib.client.reqMktData(1000 + number, contract, "", False, False, [])
        await until(lambda: codes(ib) == [101])


async def test_a_full_day_has_78_five_minute_bars(ib):
    bars = await ib.reqHistoricalDataAsync(await spy(ib), "", "1 D", "5 mins", "TRADES", True)
    assert len(bars) == 78
    assert [bar.date for bar in bars] == sorted(bar.date for bar in bars)
    assert all(bar.close > 0 for bar in bars)


async def test_bars_come_as_epoch_seconds_when_asked(ib):
    contract = await spy(ib)
    plain = await ib.reqHistoricalDataAsync(contract, "", "1 D", "1 hour", "TRADES", True)
    epoch = await ib.reqHistoricalDataAsync(
        contract, "", "1 D", "1 hour", "TRADES", True, formatDate=2
    )
    assert [bar.date for bar in epoch] == [bar.date for bar in plain]


async def test_daily_bars_end_where_asked(ib):
    end = datetime(2026, 6, 30, 23, tzinfo=UTC)
    bars = await ib.reqHistoricalDataAsync(await spy(ib), end, "5 D", "1 day", "TRADES", True)
    assert len(bars) == 5
    assert str(bars[-1].date) == "2026-06-30"


@pytest.mark.parametrize(
    ("end", "duration", "code"),
    [("yesterday", "1 D", 10314), ("20260630 10:00:00 Mars/Base", "1 D", 10314), ("", "1 X", 321)],
)
async def test_a_bad_history_request_is_refused(ib, end, duration, code):
    contract = await spy(ib)
    ib.client.reqHistoricalData(950, contract, end, duration, "5 mins", "TRADES", 1, 1, False, [])
    await until(lambda: codes(ib) == [code])


async def test_history_of_nothing_gives_200(ib):
    bars = await ib.reqHistoricalDataAsync(Stock("NOPE"), "", "1 D", "1 hour", "TRADES", True)
    assert list(bars) == []
    assert codes(ib) == [200]


async def test_a_history_request_can_be_cancelled_once(ib):
    contract = await spy(ib)
    ib.client.reqHistoricalData(951, contract, "", "1 D", "5 mins", "TRADES", 1, 1, False, [])
    ib.client.cancelHistoricalData(951)
    ib.client.cancelHistoricalData(951)
    await until(lambda: codes(ib) == [162, 366])


async def test_the_first_bar_is_known(ib):
    stamp = await ib.reqHeadTimeStampAsync(await spy(ib), "TRADES", True, 1)
    assert stamp.year == 1993
    await ib.reqHeadTimeStampAsync(Contract(symbol="NOPE"), "TRADES", True, 1)
    assert codes(ib) == [200]
