"""Brackets, groups and held-back orders, as ib_async sees them."""

import pytest
from ib_async import IB, Contract, LimitOrder, MarketOrder, Order, StopOrder, Trade

from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from tests.brokerage.wire.conftest import codes, snapshot, spy, until


async def bracket(ib: IB, entry: float, profit: float, loss: float, quantity: float = 10):
    """The three trades of a purchase with its exits."""
    contract = await spy(ib)
    orders = ib.bracketOrder("BUY", quantity, entry, profit, loss, tif="DAY")
    return [ib.placeOrder(contract, order) for order in orders]


async def around(ib: IB) -> tuple[Contract, float]:
    """SPY and its present price."""
    contract = await spy(ib)
    return contract, (await snapshot(ib, contract)).last


def states(trades: list[Trade]) -> list[str]:
    return [trade.orderStatus.status for trade in trades]


async def test_the_last_child_sends_the_family_and_the_children_wait(ib):
    trades = await bracket(ib, 600.0, 800.0, 500.0)
    await until(lambda: states(trades) == ["Submitted", "PreSubmitted", "PreSubmitted"])
    assert [trade.orderStatus.whyHeld for trade in trades] == ["", "child", "child,trigger"]
    assert {trade.orderStatus.parentId for trade in trades[1:]} == {trades[0].order.orderId}


async def test_children_share_a_group_named_after_their_parent(gateway, ib):
    trades = await bracket(ib, 600.0, 800.0, 500.0)
    await until(lambda: states(trades)[2] == "PreSubmitted")
    group = str(trades[0].order.permId)
    children = [one.order for one in told(gateway) if one.order.parent_id]
    assert {(one.oca_group, one.oca_type) for one in children} == {(group, 3)}


async def test_the_exits_work_once_the_entry_has_filled(ib):
    contract, price = await around(ib)
    orders = ib.bracketOrder("BUY", 10, round(price * 1.01, 2), 900.0, 300.0)
    trades = [ib.placeOrder(contract, order) for order in orders]
    await until(lambda: states(trades) == ["Filled", "Submitted", "PreSubmitted"])
    assert trades[2].orderStatus.whyHeld == "trigger"


async def test_the_profit_taker_that_fills_cancels_the_stop(ib):
    contract, price = await around(ib)
    limit = round(price * 0.99, 2)
    orders = ib.bracketOrder("BUY", 10, round(price * 1.01, 2), limit, 300.0)
    trades = [ib.placeOrder(contract, order) for order in orders]
    await until(lambda: states(trades) == ["Filled", "Filled", "Cancelled"])
    await until(lambda: codes(ib) == [202])
    assert ib.errors[-1][1] == trades[2].order.orderId


async def test_cancelling_the_entry_cancels_its_exits(ib):
    trades = await bracket(ib, 600.0, 800.0, 500.0)
    await until(lambda: states(trades)[2] == "PreSubmitted")
    ib.cancelOrder(trades[0].order)
    await until(lambda: states(trades) == ["Cancelled"] * 3)
    await until(lambda: codes(ib) == [202] * 3)


async def test_a_child_of_nobody_is_refused(ib):
    child = LimitOrder("SELL", 1, 800.0, parentId=77)
    ib.placeOrder(await spy(ib), child)
    await until(lambda: codes(ib) == [10006])


async def test_one_of_a_group_fills_and_the_others_are_cancelled(ib):
    contract, price = await around(ib)
    orders = [LimitOrder("BUY", 5, 600.0), LimitOrder("BUY", 5, round(price * 1.01, 2))]
    trades = [ib.placeOrder(contract, order) for order in ib.oneCancelsAll(orders, "pick", 1)]
    await until(lambda: states(trades) == ["Cancelled", "Filled"])


async def test_the_group_of_a_working_order_cannot_be_named_again(ib):
    trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 5, 600.0, ocaGroup="g", ocaType=1))
    await until(lambda: trade.orderStatus.status == "Submitted")
    trade.order.lmtPrice = 601.0
    ib.placeOrder(trade.contract, trade.order)
    await until(lambda: codes(ib) == [10326])
    (kept,) = await ib.reqAllOpenOrdersAsync()
    assert kept.order.lmtPrice == 600.0


def told(gateway: Gateway) -> list[tws.OpenOrder]:
    """Every openOrder that was sent."""
    return [one.message for one in gateway.transcript if isinstance(one.message, tws.OpenOrder)]


async def test_a_change_that_leaves_the_group_out_is_taken(gateway, ib):
    trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 5, 600.0, ocaGroup="g", ocaType=1))
    await until(lambda: trade.orderStatus.status == "Submitted")
    trade.order.lmtPrice, trade.order.ocaGroup = 601.0, ""
    ib.placeOrder(trade.contract, trade.order)
    await until(lambda: told(gateway)[-1].order.limit_price == 601.0)
    assert codes(ib) == []


async def test_what_was_never_transmitted_can_be_withdrawn(gateway, ib):
    orders = ib.bracketOrder("BUY", 1, 600.0, 800.0, 500.0)[:2]
    trades = [ib.placeOrder(await spy(ib), order) for order in orders]
    await until(lambda: len(gateway.orders_received()) == 2)
    ib.client.cancelOrder(trades[0].order.orderId)
    await until(lambda: states(trades) == ["ApiCancelled", "ApiCancelled"])
    assert await ib.reqAllOpenOrdersAsync() == []


async def test_a_group_is_reduced_as_one_of_it_fills_in_part(gateway, ib):
    gateway.levers.fill_at_most = 4.0
    contract, price = await around(ib)
    orders = [LimitOrder("BUY", 10, 600.0), LimitOrder("BUY", 10, round(price * 1.01, 2))]
    trades = [ib.placeOrder(contract, order) for order in ib.oneCancelsAll(orders, "pick", 2)]
    await until(lambda: trades[0].orderStatus.remaining == 6)
    await until(lambda: states(trades) == ["Cancelled", "Filled"])


@pytest.mark.parametrize("order", [MarketOrder("BUY", 5), StopOrder("BUY", 5, 900.0)])
async def test_an_order_in_a_group_is_told_to_be(gateway, ib, order):
    order.ocaGroup, order.ocaType = "mine", 2
    ib.placeOrder(await spy(ib), order)
    await until(lambda: told(gateway))
    echo = told(gateway)[0].order
    assert (echo.oca_group, echo.oca_type) == ("mine", 2)


async def test_cancelling_one_of_a_group_cancels_the_others(ib):
    contract = await spy(ib)
    orders: list[Order] = [LimitOrder("BUY", 5, 600.0), LimitOrder("BUY", 5, 601.0)]
    trades = [ib.placeOrder(contract, order) for order in ib.oneCancelsAll(orders, "pick", 1)]
    await until(lambda: states(trades) == ["Submitted", "Submitted"])
    ib.cancelOrder(trades[1].order)
    await until(lambda: states(trades) == ["Cancelled", "Cancelled"])


async def test_a_child_that_asks_for_it_cancels_its_parent(ib):
    contract = await spy(ib)
    orders = ib.bracketOrder("BUY", 10, 600.0, 800.0, 500.0)
    orders.takeProfit.autoCancelParent = True
    trades = [ib.placeOrder(contract, order) for order in orders]
    await until(lambda: states(trades) == ["Submitted", "PreSubmitted", "PreSubmitted"])
    ib.cancelOrder(orders.takeProfit)
    await until(lambda: states(trades) == ["Cancelled"] * 3)


async def test_a_minimum_quantity_is_waited_for(gateway, ib):
    contract, price = await around(ib)
    gateway.levers.fill_at_most = 40
    order = LimitOrder("BUY", 100, round(price * 1.01, 2), minQty=50)
    trade = ib.placeOrder(contract, order)
    await until(lambda: trade.orderStatus.status == "Submitted")
    await gateway.skip(60)
    assert trade.orderStatus.filled == 0
    gateway.levers.fill_at_most = 50
    await until(trade.isDone)
    assert trade.fills[0].execution.shares == 50
