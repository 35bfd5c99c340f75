"""At each layout that a client may negotiate, ib_async decodes all without a complaint."""

import logging

import pytest
from ib_async import IB, Client, LimitOrder, MarketOrder, Order

from tests.brokerage.wire.conftest import call, client, snapshot, spy, until

VERSIONS = [157, 159, 160, 161, 162, 163, 164, 166, 169, 170, 176, 177, 178]
ECHOED = {
    "action": "BUY",
    "totalQuantity": 2.0,
    "orderType": "LMT",
    "lmtPrice": 1.25,
    "tif": "GTC",
    "orderRef": "prelive_1/OE-01",
    "outsideRth": True,
    "ocaGroup": "group",
    "account": "DU1234567",
    "displaySize": 1,
    "goodAfterTime": "20261123 10:00:00 US/Eastern",
    "hidden": True,
    "triggerMethod": 2,
    "minQty": 1,
    "cashQty": 5.0,
}


@pytest.fixture(params=VERSIONS)
def version(request, monkeypatch) -> int:
    monkeypatch.setattr(Client, "MaxClientVersion", request.param)
    return request.param


def complaints(caplog) -> list[str]:
    """What ib_async could not decode."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.ERROR and record.name.startswith("ib_async")
    ]


async def test_everything_of_a_trading_day_is_decoded(gateway, version, caplog):
    async with client(gateway, raiseSyncErrors=True) as ib:
        contract, quote = await call(ib)
        trade = ib.placeOrder(contract, LimitOrder("BUY", 1, quote.ask + 0.05, orderRef="x"))
        await until(lambda: trade.fills and trade.fills[0].commissionReport.execId)
        assert trade.fills[0].execution.orderRef == "x"
        await ib.whatIfOrderAsync(contract, MarketOrder("SELL", 1))
        await until(ib.portfolio)
        assert await ib.reqMatchingSymbolsAsync("SP")
        bars = await ib.reqHistoricalDataAsync(await spy(ib), "", "1 D", "1 hour", "TRADES", True)
        assert len(bars) == 7
        assert (await snapshot(ib, await spy(ib))).bid > 0
        assert len(await ib.reqCompletedOrdersAsync(False)) == 1
        assert len(await ib.reqExecutionsAsync()) == 1
    assert complaints(caplog) == []


async def test_an_order_is_echoed_as_it_was_placed(gateway, version, caplog):
    async with client(gateway) as ib:
        trade = ib.placeOrder(await spy(ib), Order(**ECHOED))
        await until(lambda: trade.orderStatus.status == "Submitted")
    async with client(gateway, 2) as other:
        (seen,) = await other.reqAllOpenOrdersAsync()
    assert {name: getattr(seen.order, name) for name in ECHOED} == ECHOED
    assert (seen.order.clientId, seen.order.permId > 0) == (1, True)
    assert seen.contract.symbol == "SPY"
    assert complaints(caplog) == []


async def test_a_cancelled_order_comes_back_as_completed(gateway, version, caplog):
    async with client(gateway) as ib:
        trade = ib.placeOrder(await spy(ib), Order(**ECHOED))
        await until(lambda: trade.orderStatus.status == "Submitted")
        ib.client.cancelOrder(trade.order.orderId)
        await until(lambda: trade.orderStatus.status == "Cancelled")
    fresh = IB()
    await fresh.connectAsync("127.0.0.1", gateway.port, clientId=3)
    (done,) = fresh.trades()
    fresh.disconnect()
    assert (done.orderStatus.status, done.order.orderRef) == ("Cancelled", ECHOED["orderRef"])
    assert done.order.lmtPrice == ECHOED["lmtPrice"]
    assert [line for line in complaints(caplog) if "Error 202" not in line] == []
