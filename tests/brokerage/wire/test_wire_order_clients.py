"""Several clients and one account: whose orders are whose, and what client 0 may do."""

from ib_async import ExecutionFilter, LimitOrder, MarketOrder

from brokerage.simulator.rules import Rules
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from tests.brokerage.wire.conftest import SPEED, client, codes, spy, until

SHARE = tws.Contract(symbol="SPY", sec_type="STK", exchange="SMART", currency="USD")
TYPED = tws.Order("BUY", 3.0, "LMT", 600.0)


async def test_an_order_typed_into_tws_belongs_to_nobody(gateway, ib):
    gateway.venue.orders.by_hand(SHARE, TYPED)
    assert await ib.reqOpenOrdersAsync() == []
    (seen,) = await ib.reqAllOpenOrdersAsync()
    assert (seen.order.orderId, seen.order.clientId) == (0, 0)
    ib.client.cancelOrder(0)
    await until(lambda: codes(ib) == [10147])


async def test_client_0_takes_over_what_was_typed_before_it_asked(gateway):
    gateway.venue.orders.by_hand(SHARE, TYPED)
    async with client(gateway, 0) as ib:
        (mine,) = await ib.reqOpenOrdersAsync()
        assert mine.order.orderId < 0
        ib.client.cancelOrder(mine.order.orderId)
        await until(lambda: codes(ib) == [202])


async def test_client_0_hears_of_what_is_typed_after_it_asked_to_bind(gateway):
    async with client(gateway, 0) as ib:
        ib.reqAutoOpenOrders(True)
        await ib.reqCurrentTimeAsync()
        record = gateway.venue.orders.by_hand(SHARE, TYPED)
        gateway.flush()
        await until(lambda: [one.order.orderId for one in ib.openTrades()] == [record.order_id])
    assert record.order_id < 0


async def test_only_client_0_may_bind(ib):
    ib.reqAutoOpenOrders(True)
    await until(lambda: codes(ib) == [327])


async def test_a_global_cancel_ends_everybodys_orders(gateway, ib):
    trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 1, 600.0))
    await until(lambda: trade.orderStatus.status == "Submitted")
    gateway.venue.orders.by_hand(SHARE, TYPED)
    async with client(gateway, 2) as other:
        other.reqGlobalCancel()
        await until(lambda: trade.orderStatus.status == "Cancelled")
        assert await other.reqAllOpenOrdersAsync() == []


async def test_a_house_may_let_clients_cancel_each_others_orders():
    house = Gateway.serve(seed=7, speed=SPEED, rules=Rules(foreign_cancels=True))
    async with house as gateway, client(gateway, 1) as ib, client(gateway, 2) as other:
        trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 1, 600.0))
        await until(lambda: trade.orderStatus.status == "Submitted")
        other.client.cancelOrder(trade.order.orderId)
        await until(lambda: codes(other) == [202])
        await until(lambda: trade.orderStatus.status == "Cancelled")


async def test_the_master_client_hears_of_everybodys_orders():
    house = Gateway.serve(seed=7, speed=SPEED, rules=Rules(master_client=9))
    async with house as gateway, client(gateway, 1) as ib, client(gateway, 9) as master:
        ib.placeOrder(await spy(ib), MarketOrder("BUY", 1))
        await until(lambda: [one.execution.clientId for one in master.fills()] == [1])


async def test_executions_are_filtered(gateway, ib):
    ib.placeOrder(await spy(ib), MarketOrder("BUY", 1))
    await until(lambda: ib.fills() and ib.fills()[0].commissionReport.execId)
    async with client(gateway, 2) as other:
        for wanted, count in (
            ({"side": "BUY"}, 1),
            ({"side": "SELL"}, 0),
            ({"clientId": 1}, 1),
            ({"clientId": 7}, 0),
            ({"symbol": "QQQ"}, 0),
            ({"time": "20200101 00:00:00 US/Eastern"}, 1),
            ({"time": "20990101 00:00:00 US/Eastern"}, 0),
        ):
            found = await other.reqExecutionsAsync(ExecutionFilter(**wanted))
            assert len(found) == count, wanted


async def test_two_gateways_of_one_start_give_different_execution_ids():
    start = None
    ids = []
    for name in ("one", "two"):
        async with Gateway.serve(seed=7, speed=SPEED, name=name, start=start) as gateway:
            start = gateway.clock.start
            async with client(gateway) as ib:
                ib.placeOrder(await spy(ib), MarketOrder("BUY", 1))
                await until(ib.fills)
                ids.append(ib.fills()[0].execution.execId)
    assert ids[0] != ids[1]
