"""Orders through acknowledgement, fill, change and cancel, as ib_async sees them."""

import asyncio

import pytest
from ib_async import IB, LimitOrder, MarketOrder, Order, StopOrder

from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import call, client, codes, snapshot, spy, until


def far(quantity: float = 1) -> LimitOrder:
    """A buy that will never fill."""
    return LimitOrder("BUY", quantity, 1.00, tif="DAY")


def statuses(trade) -> list[str]:
    return [entry.status for entry in trade.log]


async def placed(ib: IB, order: Order, status: str = "Submitted"):
    """A SPY order in the given state."""
    trade = ib.placeOrder(await spy(ib), order)
    await until(lambda: trade.orderStatus.status == status)
    return trade


async def test_a_marketable_limit_fills_at_the_ask(ib):
    contract, quote = await call(ib)
    trade = ib.placeOrder(contract, LimitOrder("BUY", 1, quote.ask + 0.05, orderRef="mine"))
    await until(lambda: trade.fills and trade.fills[0].commissionReport.execId)
    (fill,) = trade.fills
    assert fill.execution.price <= quote.ask + 0.05
    assert fill.execution.orderRef == "mine"
    assert fill.commissionReport.commission > 0
    assert statuses(trade)[1:] == ["PreSubmitted", "PreSubmitted", "Filled"]


async def test_the_account_follows_the_fill(ib):
    contract, _ = await call(ib)
    trade = ib.placeOrder(contract, MarketOrder("BUY", 1))
    await until(lambda: ib.portfolio() and trade.isDone())
    (position,), (item,) = ib.positions(), ib.portfolio()
    assert position.position == item.position == 1
    assert position.avgCost == pytest.approx(trade.fills[0].execution.price * 100 + 1, abs=0.5)


async def test_selling_reports_the_realized_profit_and_leaves_nothing(ib):
    contract, _ = await call(ib)
    ib.placeOrder(contract, MarketOrder("BUY", 1))
    await until(ib.positions)
    sale = ib.placeOrder(contract, MarketOrder("SELL", 1))
    await until(lambda: sale.fills and sale.fills[0].commissionReport.execId)
    assert sale.fills[0].commissionReport.realizedPNL < 0
    assert ib.positions() == []


async def test_a_buy_at_the_bid_rests(ib):
    contract, quote = await call(ib)
    trade = ib.placeOrder(contract, LimitOrder("BUY", 1, quote.bid))
    await until(lambda: trade.orderStatus.status == "Submitted")
    await asyncio.sleep(0.02)
    assert trade.orderStatus.filled == 0


async def test_a_large_order_fills_in_parts():
    rich = Gateway.serve(speed=25, cash=1e9)
    async with rich as gateway, client(gateway) as ib:
        contract, _ = await call(ib)
        trade = ib.placeOrder(contract, MarketOrder("BUY", 1000))
        await until(lambda: len(trade.fills) >= 2)
        first, second = (fill.execution for fill in trade.fills[:2])
        assert first.cumQty == first.shares < 1000
        assert second.cumQty == first.shares + second.shares
        assert trade.orderStatus.remaining == 1000 - trade.orderStatus.filled


async def test_an_acknowledgement_takes_milliseconds(gateway, ib):
    trade = ib.placeOrder(await spy(ib), far())
    began = asyncio.get_running_loop().time()
    await until(lambda: trade.orderStatus.status == "Submitted")
    assert 0.001 < asyncio.get_running_loop().time() - began < 0.5


async def test_a_cancel_is_confirmed_with_202(ib):
    trade = await placed(ib, far())
    ib.cancelOrder(trade.order)
    await until(lambda: trade.orderStatus.status == "Cancelled" and codes(ib))
    assert statuses(trade)[-2:] == ["PendingCancel", "Cancelled"]
    assert codes(ib) == [202]
    assert await ib.reqAllOpenOrdersAsync() == []


async def test_cancelling_what_is_not_there_gives_10147(ib):
    ib.client.cancelOrder(99999)
    await until(lambda: codes(ib) == [10147])


async def test_cancelling_twice_gives_161(ib):
    trade = await placed(ib, far())
    for _ in range(2):
        ib.client.cancelOrder(trade.order.orderId)
    await until(lambda: codes(ib) == [202, 161])


async def test_cancelling_what_is_filled_gives_10148(ib):
    trade = await placed(ib, MarketOrder("BUY", 1), "Filled")
    ib.client.cancelOrder(trade.order.orderId)
    await until(lambda: codes(ib) == [10148])
    assert trade.orderStatus.status == "Filled"


async def test_a_working_order_can_be_changed(ib):
    trade = await placed(ib, far())
    trade.order.lmtPrice, trade.order.totalQuantity = 2.0, 3
    ib.placeOrder(trade.contract, trade.order)
    await until(lambda: trade.orderStatus.remaining == 3)
    (again,) = await ib.reqAllOpenOrdersAsync()
    assert (again.order.lmtPrice, again.order.totalQuantity) == (2.0, 3)


async def test_changing_a_filled_order_gives_104(ib):
    trade = await placed(ib, MarketOrder("BUY", 1), "Filled")
    ib.client.placeOrder(trade.order.orderId, trade.contract, LimitOrder("BUY", 2, 5.0))
    await until(lambda: codes(ib) == [104])


async def test_an_order_held_back_is_silent_until_it_is_transmitted(gateway, ib):
    order = LimitOrder("BUY", 1, 1.0, transmit=False)
    trade = ib.placeOrder(await spy(ib), order)
    await until(gateway.orders_received)
    await asyncio.sleep(0.03)
    assert trade.orderStatus.status == "PendingSubmit"
    order.transmit = True
    ib.placeOrder(trade.contract, order)
    await until(lambda: trade.orderStatus.status == "Submitted")


async def test_an_old_order_id_gives_103(ib):
    contract = await spy(ib)
    ib.client.placeOrder(500, contract, far())
    ib.client.placeOrder(499, contract, far())
    await until(lambda: codes(ib) == [103])


REFUSED = {
    "no money": (MarketOrder("BUY", 100_000), 201),
    "off tick": (LimitOrder("BUY", 1, 1.005), 110),
    "no size": (LimitOrder("BUY", 0, 1.0), 434),
    "side": (LimitOrder("HOLD", 1, 1.0), 321),
    "account": (LimitOrder("BUY", 1, 1.0, account="DU9"), 321),
    "attribute": (LimitOrder("BUY", 1, 1.0, eTradeOnly=True), 10268),
    "quote": (LimitOrder("BUY", 1, 1.0, firmQuoteOnly=True), 10268),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refusal_carries_its_code_and_places_nothing(ib, case):
    order, code = REFUSED[case]
    trade = ib.placeOrder(await spy(ib), order)
    await until(lambda: codes(ib) == [code])
    assert ib.errors[-1][1] == trade.order.orderId
    assert await ib.reqAllOpenOrdersAsync() == []


async def test_an_unknown_contract_is_not_traded(ib):
    ib.client.placeOrder(600, (await spy(ib)).__class__("NOPE", "SMART", "USD"), far())
    await until(lambda: codes(ib) == [200])


async def test_no_more_than_20_orders_work_on_one_side(ib):
    ib.client.MaxRequests = 0
    contract = await spy(ib)
    for _ in range(21):
        ib.placeOrder(contract, far())
    await until(lambda: codes(ib) == [201])


async def test_a_what_if_tells_margin_and_commission_and_places_nothing(gateway, ib):
    contract, quote = await call(ib)
    state = await asyncio.wait_for(
        ib.whatIfOrderAsync(contract, LimitOrder("BUY", 1, quote.ask)), 2.0
    )
    assert float(state.equityWithLoanChange) == pytest.approx(-quote.ask * 100, abs=10)
    assert state.commission == pytest.approx(1.0, abs=0.5)
    assert await ib.reqAllOpenOrdersAsync() == []
    assert [frame.name for frame in gateway.transcript].count("OpenOrder") == 1


async def test_a_what_if_beyond_the_means_gives_201(ib):
    state = await asyncio.wait_for(
        ib.whatIfOrderAsync(await spy(ib), MarketOrder("BUY", 10**6)), 2.0
    )
    assert state == []
    assert codes(ib) == [201]


async def test_a_stop_waits_for_its_trigger(ib):
    contract = await spy(ib)
    quote = await snapshot(ib, contract)
    trade = ib.placeOrder(contract, StopOrder("BUY", 1, round(quote.ask * 1.1, 2)))
    await until(lambda: trade.orderStatus.status == "PreSubmitted")
    assert trade.orderStatus.whyHeld == "trigger"


async def test_an_immediate_order_is_cancelled_when_nothing_fills(ib):
    order = LimitOrder("BUY", 1, 1.0, tif="IOC")
    trade = await placed(ib, order, "Cancelled")
    assert trade.orderStatus.filled == 0
    assert codes(ib) == []


async def test_done_orders_are_listed_as_completed(gateway, ib):
    trade = await placed(ib, MarketOrder("BUY", 1), "Filled")
    ib.cancelOrder((await placed(ib, far())).order)
    await until(lambda: codes(ib) == [202])
    async with client(gateway, 2) as other:
        done = await other.reqCompletedOrdersAsync(False)
    assert [one.orderStatus.status for one in done] == ["Filled", "Cancelled"]
    assert done[0].order.permId == trade.order.permId


async def test_executions_are_told_again_with_their_commissions(gateway, ib):
    await placed(ib, MarketOrder("BUY", 1), "Filled")
    async with client(gateway, 2) as other:
        (fill,) = other.fills()
        assert fill.commissionReport.execId == fill.execution.execId
        assert fill.execution.clientId == 1
