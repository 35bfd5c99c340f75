"""Each fault of connection, quotes and history bites where ib_async can see it."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from ib_async import IB, LimitOrder, Stock

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import client, codes, snapshot, spy, until

MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)
FIVE_MINUTES = ("", "1 D", "5 mins", "TRADES", True)


async def history(ib):
    return await ib.reqHistoricalDataAsync(await spy(ib), *FIVE_MINUTES)


async def test_a_live_account_is_reported(gateway):
    gateway.levers.accounts = ("U1234567",)
    async with client(gateway) as ib:
        assert ib.managedAccounts() == ["U1234567"]
        assert {value.account for value in await ib.accountSummaryAsync()} == {"U1234567"}
    assert gateway.orders_received() == []


async def test_mute_after_the_handshake(gateway):
    gateway.levers.mute_after_handshake = True
    async with client(gateway, timeout=0.2) as ib:
        assert ib.managedAccounts() == ["DU1234567"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ib.reqCurrentTimeAsync(), 0.2)


async def test_the_port_is_open_and_the_api_never_answers(gateway):
    gateway.levers.refuse_api = True
    with pytest.raises(TimeoutError):
        await IB().connectAsync("127.0.0.1", gateway.port, timeout=0.2)
    assert [frame.direction for frame in gateway.transcript] == ["fault"]


async def test_the_servers_clock_is_off(gateway, ib):
    gateway.levers.server_time_offset_s = 3600
    told = await ib.reqCurrentTimeAsync()
    assert 3590 < (told - gateway.clock.now()).total_seconds() < 3610


async def test_values_of_the_account_are_wrong(gateway, ib):
    gateway.levers.net_liquidation, gateway.levers.buying_power = 10.0, 20.0
    summary = {value.tag: value.value for value in await ib.accountSummaryAsync()}
    assert (summary["NetLiquidation"], summary["BuyingPower"]) == ("10.00", "20.00")
    ib.placeOrder(await spy(ib), LimitOrder("BUY", 1, 21.0))
    await until(lambda: codes(ib) == [201])


async def test_a_position_nobody_here_bought(gateway):
    gateway.levers.foreign_position = ("QQQ", 7)
    async with client(gateway) as ib:
        assert [(one.contract.symbol, one.position) for one in ib.positions()] == [("QQQ", 7)]
        assert ib.portfolio()[0].position == 7


async def test_positions_never_end(gateway, ib):
    gateway.levers.no_positions_end = True
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ib.reqPositionsAsync(), 0.1)


async def test_the_next_id_goes_back_after_a_reconnect(gateway):
    gateway.levers.next_id_goes_back = True
    async with client(gateway) as ib:
        first = ib.client.getReqId()
    async with client(gateway) as ib:
        assert ib.client.getReqId() < first


async def test_reconnecting_is_refused(gateway, ib):
    gateway.levers.refuse_reconnect = 1
    with pytest.raises((TimeoutError, ConnectionError)):
        await IB().connectAsync("127.0.0.1", gateway.port, clientId=2, timeout=0.2)


async def test_delayed_ticks_instead_of_live_ones(gateway, ib):
    gateway.levers.delayed_data = True
    quote = await snapshot(ib, await spy(ib))
    assert (quote.marketDataType, codes(ib)) == (3, [10167])
    assert quote.bid > 0
    lag = (gateway.clock.now() - quote.delayedLastTimestamp).total_seconds()
    assert 899 < lag < 960


async def test_a_delayed_stream_keeps_its_distance(gateway, ib):
    gateway.levers.delayed_data = True
    ticker = ib.reqMktData(await spy(ib))
    await until(lambda: ticker.delayedLastTimestamp)
    first = ticker.delayedLastTimestamp
    await until(lambda: ticker.delayedLastTimestamp > first)
    assert (gateway.clock.now() - ticker.delayedLastTimestamp).total_seconds() > 895


async def test_another_data_type_is_announced(gateway, ib):
    gateway.levers.market_data_type = 2
    ib.reqMarketDataType(1)
    assert (await snapshot(ib, await spy(ib))).marketDataType == 2


async def test_quotes_freeze_at_an_old_time(gateway, ib):
    gateway.levers.frozen_quotes = True
    updates = []
    ticker = ib.reqMktData(await spy(ib))
    ticker.updateEvent += lambda one: updates.append((one.bid, one.lastTimestamp))
    await until(lambda: len(updates) > 3)
    assert len(set(updates)) == 1
    assert (gateway.clock.now() - ticker.lastTimestamp).total_seconds() > 60


@pytest.mark.parametrize(("fault", "missing"), [("no_bid", "bid"), ("no_ask", "ask")])
async def test_one_side_is_missing(gateway, ib, fault, missing):
    setattr(gateway.levers, fault, True)
    quote = await snapshot(ib, await spy(ib))
    assert getattr(quote, missing) == -1
    assert quote.last > 0


async def test_quotes_are_crossed(gateway, ib):
    gateway.levers.crossed_quotes = True
    quote = await snapshot(ib, await spy(ib))
    assert quote.bid > quote.ask


async def test_a_snapshot_never_ends(gateway, ib):
    gateway.levers.snapshot_never_ends = True
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(snapshot(ib, await spy(ib)), 0.2)


async def test_snapshots_always_fail(gateway, ib):
    gateway.levers.snapshots_always_fail = True
    await snapshot(ib, await spy(ib))
    assert codes(ib) == [354]


async def test_the_quote_is_another_symbols(gateway, ib):
    right = await snapshot(ib, await spy(ib))
    price = right.last
    gateway.levers.swap_symbols = True
    assert abs((await snapshot(ib, await spy(ib))).last - price) > 20


async def test_a_symbol_is_mute(gateway, ib):
    gateway.levers.mute_symbol = "QQQ"
    (qqq,) = await ib.qualifyContractsAsync(Stock("QQQ", "SMART", "USD"))
    assert (await snapshot(ib, qqq)).last != (await snapshot(ib, await spy(ib))).last
    ticker = ib.reqMktData(qqq)
    await asyncio.sleep(0.1)
    assert ticker.ticks == []


@asynccontextmanager
async def by_hand():
    """A gateway whose time is skipped, a client, and when its stream was updated."""
    async with Gateway.serve(clock=ManualClock(MONDAY)) as gateway, client(gateway) as ib:
        times = []
        ticker = ib.reqMktData(await spy(ib))
        ticker.updateEvent += lambda one: times.append(gateway.clock.time())
        yield gateway, ib, times


async def test_a_stream_falls_silent():
    async with by_hand() as (gateway, ib, times):
        gateway.levers.stream_stops_after_s = 2.0
        await gateway.skip(13)
        await ib.reqCurrentTimeAsync()
        assert 1.0 < times[-1] - MONDAY.timestamp() < 3.0


async def test_a_stream_has_gaps():
    async with by_hand() as (gateway, ib, times):
        gateway.levers.stream_slow_s = 10.0
        await gateway.skip(45)
        await ib.reqCurrentTimeAsync()
        told = sorted(set(times))
        assert len(told) >= 4
        assert min(later - earlier for earlier, later in pairwise(told[1:])) > 8


async def test_bars_are_missing(gateway, ib):
    gateway.levers.history_missing_bars = 3
    assert len(await history(ib)) == 75


async def test_bars_are_out_of_order(gateway, ib):
    gateway.levers.history_unsorted = True
    dates = [bar.date for bar in await history(ib)]
    assert dates != sorted(dates)


async def test_a_bar_closes_at_zero(gateway, ib):
    gateway.levers.history_bad_close = True
    assert [bar.close for bar in await history(ib)].count(0.0) == 1


async def test_history_is_never_answered(gateway, ib):
    gateway.levers.history_mute = True
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(history(ib), 0.5)


async def test_history_blocks_everything_else(gateway, ib):
    gateway.levers.history_blocks_connection = True
    pending = asyncio.ensure_future(history(ib))
    await until(lambda: gateway.transcript[-1].name == "ReqHistoricalData")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ib.reqCurrentTimeAsync(), 0.5)
    pending.cancel()


async def test_an_unknown_symbol_resolves(gateway, ib):
    gateway.levers.unknown_symbol_resolves = True
    (contract,) = await ib.qualifyContractsAsync(Stock("INVALID", "SMART", "USD"))
    assert contract.conId > 0


async def test_an_unknown_symbol_costs_the_connection(gateway, ib):
    gateway.levers.unknown_symbol_kills = True
    await ib.qualifyContractsAsync(Stock("INVALID", "SMART", "USD"))
    await until(lambda: not ib.isConnected())


async def test_nothing_is_defined_after_an_error(gateway, ib):
    gateway.levers.no_definition_after_error = True
    for symbol in ("SPY", "INVALID", "SPY"):
        (contract,) = await ib.qualifyContractsAsync(Stock(symbol, "SMART", "USD"))
    assert contract is None
    assert codes(ib) == [200, 200]


async def test_rates_are_refused_with_100(gateway, ib):
    gateway.levers.max_rate_error = True
    for _ in range(30):
        ib.client.reqCurrentTime()
    await until(lambda: codes(ib))
    assert codes(ib) == [100]


async def test_the_next_messages_are_refused_with_100(gateway, ib):
    gateway.levers.rate_refusals = 2
    ib.client.reqCurrentTime()
    ib.client.reqCurrentTime()
    await ib.reqCurrentTimeAsync()
    assert codes(ib) == [100, 100]
