"""Accounts and positions, told to every client that asked."""

import asyncio

from ib_async import LimitOrder, MarketOrder

from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import client, codes, spy, until

TAGS = {"NetLiquidation", "TotalCashValue", "BuyingPower", "InitMarginReq", "AvailableFunds"}


async def test_the_summary_has_the_usual_tags(ib):
    summary = {value.tag: value for value in await ib.accountSummaryAsync()}
    assert set(summary) >= TAGS
    assert float(summary["NetLiquidation"].value) == 100_000
    assert summary["NetLiquidation"].account == "DU1234567"


async def test_a_third_summary_is_refused(ib):
    for req_id in (901, 902, 903):
        ib.client.reqAccountSummary(req_id, "All", "NetLiquidation")
    await until(lambda: codes(ib) == [322])
    ib.client.cancelAccountSummary(901)
    ib.client.reqAccountSummary(904, "All", "$LEDGER:USD")
    await until(lambda: ("DU1234567", "CashBalance", "USD") in ib.wrapper.acctSummary)


async def test_values_of_an_unknown_account_are_refused(ib):
    ib.client.reqAccountUpdates(True, "DU0")
    ib.client.reqAccountUpdatesMulti(905, "DU0", "", False)
    await until(lambda: codes(ib) == [321, 321])


async def test_two_clients_see_each_others_positions(gateway, ib):
    async with client(gateway, 2) as other:
        ib.placeOrder(await spy(ib), MarketOrder("BUY", 2))
        await until(other.positions)
        assert other.positions()[0].position == 2
        other.placeOrder(await spy(other), MarketOrder("SELL", 2))
        await until(lambda: not ib.positions())


async def test_clients_see_each_others_orders_and_cannot_cancel_them(gateway, ib):
    ib.placeOrder(await spy(ib), LimitOrder("BUY", 1, 1.0))
    async with client(gateway, 2) as other:
        assert await other.reqOpenOrdersAsync() == []
        (seen,) = await other.reqAllOpenOrdersAsync()
        other.client.cancelOrder(seen.order.orderId)
        await until(lambda: codes(other) == [10147])
        other.reqGlobalCancel()
        await until(lambda: codes(ib) == [202])


async def test_each_client_has_its_own_order_ids_which_outlast_a_connection(gateway):
    async with client(gateway, 5) as ib:
        first = ib.client.getReqId()
        trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 1, 1.0))
        await until(lambda: trade.orderStatus.status == "Submitted")
    async with client(gateway, 5) as ib:
        assert ib.client.getReqId() > trade.order.orderId
        assert [one.order.orderId for one in ib.openTrades()] == [trade.order.orderId]
    async with client(gateway, 6, readonly=True) as ib:
        assert ib.client.getReqId() == first


async def test_an_order_fills_while_its_client_is_away(gateway):
    async with client(gateway, 5) as ib:
        ib.placeOrder(await spy(ib), MarketOrder("BUY", 1))
        await until(gateway.orders_received)
    await until(lambda: gateway.venue.fills.executions)
    async with client(gateway, 5) as ib:
        assert len(ib.fills()) == len(ib.positions()) == 1


async def test_profit_is_told_while_subscribed(ib):
    contract = await spy(ib)
    ib.placeOrder(contract, MarketOrder("BUY", 1))
    await until(ib.positions)
    total, single = ib.reqPnL("DU1234567"), ib.reqPnLSingle("DU1234567", "", contract.conId)
    await until(lambda: single.position == 1 and total.unrealizedPnL == single.unrealizedPnL)
    assert single.value > 100
    before = total.unrealizedPnL
    await until(lambda: before != total.unrealizedPnL == single.unrealizedPnL)
    ib.cancelPnL("DU1234567")
    ib.cancelPnLSingle("DU1234567", "", contract.conId)


async def test_profit_of_what_is_not_held_is_zero(ib):
    single = ib.reqPnLSingle("DU1234567", "", (await spy(ib)).conId)
    await until(lambda: single.value == 0)
    assert single.unrealizedPnL == 0


async def test_updates_end_when_unsubscribed(gateway, ib):
    ib.client.reqAccountUpdates(False, "DU1234567")
    ib.client.cancelPositions()
    ib.placeOrder(await spy(ib), MarketOrder("BUY", 1))
    await until(lambda: ib.fills() and ib.fills()[0].commissionReport.execId)
    await asyncio.sleep(0.02)
    assert ib.positions() == ib.portfolio() == []


async def test_values_that_moved_come_every_three_minutes():
    async with Gateway.serve(speed=900) as gateway, client(gateway) as ib:
        ib.placeOrder(await spy(ib), MarketOrder("BUY", 1))
        await until(ib.portfolio)
        told = []
        ib.accountValueEvent += told.append
        await until(lambda: told)


async def test_the_ids_of_more_orders_and_accounts_can_be_asked_for(gateway, ib):
    ib.client.reqIds(1)
    ib.client.reqManagedAccts()
    await until(lambda: [frame.name for frame in gateway.transcript].count("NextValidId") == 2)
    assert [frame.name for frame in gateway.transcript].count("ManagedAccts") == 2


async def test_multi_updates_can_be_cancelled(gateway, ib):
    ib.client.reqAccountUpdatesMulti(907, "DU1234567", "", False)
    ib.client.cancelAccountUpdatesMulti(907)
    ib.placeOrder(await spy(ib), MarketOrder("BUY", 1))
    await until(ib.portfolio)
    told = [frame.message for frame in gateway.transcript if frame.name == "AccountUpdateMultiEnd"]
    assert [message.req_id for message in told][-1] == 907
    last = [frame.message for frame in gateway.transcript if frame.name == "AccountUpdateMulti"][-1]
    assert last.req_id != 907
