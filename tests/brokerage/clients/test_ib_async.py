"""The client ib_async, unmodified and as its users call it, at server version 178."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from ib_async import IB, LimitOrder, MarketOrder, Option, Order, Stock, StopLimitOrder, StopOrder

from brokerage.simulator.holidays import ET
from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import client, codes, snapshot, spy, until

TOLD = re.compile(
    r"(Error|Warning) \d+, reqId"
)  # what the gateway said, not what ib_async choked on
ALIVE = ("Submitted", "PreSubmitted")


@pytest.fixture
async def ib(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> AsyncIterator[IB]:
    """A connected ib_async; must have understood everything in the end."""
    async with client(gateway, raiseSyncErrors=True) as ib:
        yield ib
    assert [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("ib_async") and record.levelno >= logging.WARNING
        and not TOLD.match(record.getMessage())
    ] == []  # fmt: skip


async def reaches(trade, *statuses):
    await until(lambda: trade.orderStatus.status in statuses, limit=20)


def test_it_offers_and_gets_178(ib):
    assert ib.client.serverVersion() == 178
    assert ib.managedAccounts() == ["DU1234567"]


async def test_quotes_stream_until_they_are_cancelled(ib):
    ticker = ib.reqMktData(await spy(ib), "233")
    await until(lambda: ticker.bid > 0 and ticker.ask > 0 and ticker.last > 0 and ticker.volume > 0)
    ib.cancelMktData(ticker.contract)
    await ib.reqCurrentTimeAsync()
    seen = ticker.time
    (other,) = await ib.qualifyContractsAsync(Stock("QQQ", "SMART", "USD"))
    await snapshot(ib, other)
    assert ticker.time == seen


async def test_delayed_quotes_say_so(ib):
    ib.reqMarketDataType(3)
    ticker = ib.reqMktData(await spy(ib))
    await until(lambda: ticker.marketDataType in {1, 3} and ticker.bid > 0)


async def test_an_option_chain_leads_to_greeks(ib):
    share = await spy(ib)
    last = (await snapshot(ib, share)).last
    (chain, *_) = await ib.reqSecDefOptParamsAsync("SPY", "", "STK", share.conId)
    strike = min(chain.strikes, key=lambda strike: abs(strike - last))
    wanted = Option("SPY", chain.expirations[2], strike, "C", "SMART")
    (call,) = await ib.qualifyContractsAsync(wanted)
    ticker = ib.reqMktData(call)
    await until(lambda: ticker.modelGreeks)
    assert 0 < ticker.modelGreeks.delta < 1


async def test_history_is_kept_up_to_date(ib):
    share = await spy(ib)
    bars = await ib.reqHistoricalDataAsync(
        share, "", "1800 S", "5 mins", "TRADES", False, keepUpToDate=True
    )
    updates = []
    bars.updateEvent += lambda bars, new: updates.append((bars[-1], new))
    await until(lambda: updates)
    assert updates[0][0].low <= updates[0][0].close <= updates[0][0].high
    ib.cancelHistoricalData(bars)


async def test_ticks_and_real_time_bars_stream(ib):
    share = await spy(ib)
    bars = ib.reqRealTimeBars(share, 5, "TRADES", False)
    for kind in ("Last", "BidAsk", "MidPoint"):
        ticker = ib.reqTickByTickData(share, kind)
        await until(lambda ticker=ticker: ticker.tickByTicks)
        ib.cancelTickByTickData(share, kind)
    await until(lambda: len(bars) >= 2)
    assert bars[1].time - bars[0].time == timedelta(seconds=5)
    ib.cancelRealTimeBars(bars)


@pytest.mark.parametrize("what", ["TRADES", "BID_ASK", "MIDPOINT"])
async def test_ticks_of_the_past_are_told(ib, gateway, what):
    ticks = await ib.reqHistoricalTicksAsync(
        await spy(ib), "", gateway.clock.now(), 20, what, False
    )
    assert len(ticks) >= 20
    assert [tick.time for tick in ticks] == sorted(tick.time for tick in ticks)


async def test_a_market_order_is_filled_and_paid_for(ib):
    trade = ib.placeOrder(await spy(ib), MarketOrder("BUY", 10))
    await until(lambda: trade.fills and trade.fills[0].commissionReport.commission)
    assert (trade.orderStatus.status, trade.filled()) == ("Filled", 10)
    assert (await ib.reqExecutionsAsync())[0].execution.orderId == trade.order.orderId
    assert len(await ib.reqCompletedOrdersAsync(False)) == 1


WAITING = [
    LimitOrder("BUY", 5, 100), StopOrder("BUY", 5, 1000), StopLimitOrder("BUY", 5, 1001, 1000),
    Order(action="BUY", totalQuantity=5, orderType="TRAIL", auxPrice=50),
    Order(action="BUY", totalQuantity=5, orderType="MIT", auxPrice=100),
]  # fmt: skip


@pytest.mark.parametrize("order", WAITING, ids=lambda order: order.orderType)
async def test_an_order_waits_until_it_is_cancelled(ib, order):
    trade = ib.placeOrder(await spy(ib), order)
    await reaches(trade, *ALIVE)
    ib.cancelOrder(order)
    await reaches(trade, "Cancelled")


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
async def test_an_order_that_cannot_wait_is_gone_at_once(ib, tif):
    trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 5, 100, tif=tif))
    await reaches(trade, "Cancelled", "Inactive")
    assert trade.fills == []


async def test_an_order_good_till_a_date_expires(ib, gateway):
    soon = gateway.clock.now().astimezone(ET) + timedelta(seconds=30)
    date = f"{soon:%Y%m%d %H:%M:%S} US/Eastern"
    trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 5, 100, tif="GTD", goodTillDate=date))
    await reaches(trade, *ALIVE)
    await reaches(trade, "Cancelled")


async def test_an_order_is_changed_in_place(ib):
    trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 5, 100))
    await reaches(trade, "Submitted")
    trade.order.lmtPrice, trade.order.totalQuantity = 101, 7
    ib.placeOrder(trade.contract, trade.order)
    async with client_of(ib) as other:
        (seen,) = await other.reqAllOpenOrdersAsync()
    assert (seen.order.lmtPrice, seen.order.totalQuantity) == (101, 7)


def client_of(ib: IB):
    """A second client of the same gateway."""
    return client(type("Port", (), {"port": ib.client.port}), 2)


async def test_a_bracket_lives_and_dies_together(ib):
    share = await spy(ib)
    trades = [ib.placeOrder(share, order) for order in ib.bracketOrder("BUY", 5, 100, 2000, 50)]
    for trade in trades:
        await reaches(trade, *ALIVE)
    ib.cancelOrder(trades[0].order)
    for trade in trades:
        await reaches(trade, "Cancelled")


async def test_one_fill_cancels_its_group(ib):
    share = await spy(ib)
    orders = ib.oneCancelsAll([LimitOrder("BUY", 5, 100), MarketOrder("BUY", 5)], "either", 1)
    resting, taken = (ib.placeOrder(share, order) for order in orders)
    await reaches(taken, "Filled")
    await reaches(resting, "Cancelled")


async def test_a_what_if_order_costs_nothing(ib):
    async with asyncio.timeout(20):
        state = await ib.whatIfOrderAsync(await spy(ib), MarketOrder("BUY", 10))
    assert float(state.initMarginChange) > 0
    assert 0 < state.commission < 10
    assert ib.trades() == []


async def test_refusals_name_their_code(ib):
    share = await spy(ib)
    assert await ib.reqContractDetailsAsync(Stock("NOSUCH", "SMART", "USD")) == []
    ib.client.cancelOrder(99999)
    ib.placeOrder(share, LimitOrder("BUY", 1, 99.001))
    ib.placeOrder(share, MarketOrder("BUY", 1_000_000))
    await until(lambda: {200, 10147, 110, 201} <= set(codes(ib)))


async def test_positions_and_the_account_follow_a_fill(ib):
    trade = ib.placeOrder(await spy(ib), MarketOrder("BUY", 10))
    await reaches(trade, "Filled")
    await until(lambda: [held.position for held in ib.positions()] == [10])
    await until(lambda: [held.position for held in ib.portfolio()] == [10])
    pnl = ib.reqPnL("DU1234567")
    single = ib.reqPnLSingle("DU1234567", "", trade.contract.conId)
    await until(lambda: pnl.dailyPnL == pnl.dailyPnL and single.position == 10)
    summary = {value.tag: value.value for value in await ib.accountSummaryAsync()}
    assert float(summary["NetLiquidation"]) > 0


async def test_a_global_cancel_reaches_every_clients_orders(ib):
    trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 5, 100))
    await reaches(trade, "Submitted")
    async with client_of(ib) as other:
        assert [seen.order.clientId for seen in await other.reqAllOpenOrdersAsync()] == [1]
        other.reqGlobalCancel()
        await reaches(trade, "Cancelled")


async def test_a_client_id_in_use_is_refused(ib, gateway):
    twin, told = IB(), []
    twin.errorEvent += lambda req_id, code, text, contract: told.append(code)
    with pytest.raises(TimeoutError):
        await twin.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=0.5)
    assert 326 in told
    await ib.reqCurrentTimeAsync()


async def test_messages_above_the_rate_are_refused_and_end_the_session():
    async with Gateway.serve(speed=2, reject_over_rate=True) as gateway, client(gateway) as ib:
        ib.client.MaxRequests = 0
        for violation in (1, 2, 3):
            for _ in range(100):
                ib.client.reqCurrentTime()
            await until(lambda count=violation: codes(ib).count(100) == count)
        await until(lambda: not ib.isConnected())


async def test_directories_answer(ib):
    async with asyncio.timeout(20):
        await ib.reqMktDepthExchangesAsync()
        await ib.reqNewsProvidersAsync()
