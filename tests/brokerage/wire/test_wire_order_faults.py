"""Each fault of orders bites where ib_async can see it."""

import asyncio

import pytest
from ib_async import LimitOrder, MarketOrder

from tests.brokerage.wire.conftest import SPEED, call, client, codes, snapshot, spy, until


async def bought(ib, quantity: float = 1):
    """A SPY share bought at the market, done."""
    trade = ib.placeOrder(await spy(ib), MarketOrder("BUY", quantity))
    await until(trade.isDone)
    return trade


async def resting(ib):
    """An order that waits far from the market."""
    trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 1, 1.0))
    await until(lambda: trade.orderStatus.status == "Submitted")
    return trade


async def test_an_order_is_swallowed(gateway, ib):
    gateway.levers.no_ack = True
    trade = ib.placeOrder(await spy(ib), MarketOrder("BUY", 1))
    await until(gateway.orders_received)
    assert await ib.reqAllOpenOrdersAsync() == []
    assert trade.orderStatus.status == "PendingSubmit"


async def test_an_acknowledgement_is_late(gateway, ib):
    gateway.levers.ack_delay_s = 10.0
    trade = ib.placeOrder(await spy(ib), MarketOrder("BUY", 1))
    began = asyncio.get_running_loop().time()
    await until(trade.isDone)
    assert asyncio.get_running_loop().time() - began >= 9.0 / SPEED


async def test_an_order_never_fills(gateway, ib):
    gateway.levers.no_fill = True
    trade = ib.placeOrder(await spy(ib), MarketOrder("BUY", 1))
    await asyncio.sleep(0.1)
    assert trade.orderStatus.status == "Submitted"


async def test_only_buys_fill(gateway, ib):
    gateway.levers.sell_never_fills = True
    await bought(ib)
    trade = ib.placeOrder(await spy(ib), MarketOrder("SELL", 1))
    await asyncio.sleep(0.1)
    assert trade.orderStatus.status == "Submitted"


@pytest.mark.parametrize(("side", "better"), [("BUY", -1), ("SELL", 1)])
async def test_a_fill_is_worse_than_its_limit(gateway, ib, side, better):
    contract = await spy(ib)
    quote = await snapshot(ib, contract)
    gateway.levers.fill_above_limit = True
    limit = round(quote.ask + 1.0 if side == "BUY" else quote.bid - 1.0, 2)
    trade = ib.placeOrder(contract, LimitOrder(side, 1, limit))
    await until(lambda: trade.fills)
    assert (limit - trade.fills[0].execution.price) * better > 0


async def test_an_order_fills_twice(gateway, ib):
    gateway.levers.double_fill = True
    trade = await bought(ib)
    await until(lambda: ib.positions() and ib.positions()[0].position == 2)
    assert trade.filled() == 2


async def test_a_commission_never_comes(gateway, ib):
    gateway.levers.no_commission = True
    trade = await bought(ib)
    await until(ib.positions)
    assert trade.fills[0].commissionReport.execId == ""
    (fill,) = await ib.reqExecutionsAsync()
    assert fill.commissionReport.execId == ""


async def test_filled_is_told_without_an_execution(gateway, ib):
    gateway.levers.no_execution = True
    trade = await bought(ib)
    assert trade.orderStatus.filled == 1
    assert trade.fills == await ib.reqExecutionsAsync() == []


async def test_the_position_comes_late(gateway, ib):
    gateway.levers.position_lag_s = 20.0
    await bought(ib)
    assert ib.positions() == await ib.reqPositionsAsync() == []
    await until(ib.positions)


async def test_the_position_is_wrong(gateway, ib):
    gateway.levers.position_wrong_qty = 3.0
    await bought(ib)
    await until(ib.positions)
    assert (await ib.reqPositionsAsync())[0].position == 4


async def test_a_cancel_is_ignored(gateway, ib):
    gateway.levers.cancel_ignored = True
    trade = await resting(ib)
    ib.cancelOrder(trade.order)
    await asyncio.sleep(0.05)
    assert len(await ib.reqAllOpenOrdersAsync()) == 1
    assert codes(ib) == []


async def test_a_fill_follows_the_cancel(gateway, ib):
    gateway.levers.fill_after_cancel = True
    trade = await resting(ib)
    ib.cancelOrder(trade.order)
    await until(lambda: trade.orderStatus.status == "Cancelled")
    await until(lambda: trade.fills)
    assert trade.orderStatus.status == "Filled"


async def test_a_sale_fills_after_its_cancel_at_the_bid(gateway, ib):
    gateway.levers.fill_after_cancel = True
    await bought(ib)
    trade = ib.placeOrder(await spy(ib), LimitOrder("SELL", 1, 9999.0))
    await until(lambda: trade.orderStatus.status == "Submitted")
    ib.cancelOrder(trade.order)
    await until(lambda: trade.fills and not ib.positions())


async def test_a_cancelled_order_stays_listed(gateway, ib):
    gateway.levers.cancelled_stays_open = True
    trade = await resting(ib)
    ib.cancelOrder(trade.order)
    await until(lambda: trade.orderStatus.status == "Cancelled")
    assert len(await ib.reqAllOpenOrdersAsync()) == 1


async def test_the_line_is_cut_when_an_order_arrives_and_the_order_lives(gateway):
    async with client(gateway) as ib:
        contract, _ = await call(ib)
        gateway.levers.disconnect_on_order = True
        ib.placeOrder(contract, MarketOrder("BUY", 1))
        await until(lambda: not ib.isConnected())
    async with client(gateway) as ib:
        await until(ib.positions)
