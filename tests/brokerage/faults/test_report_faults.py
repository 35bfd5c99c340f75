"""Faults of what is said about orders: ib_async sees each, none of it from a sound gateway."""

from brokerage.simulator.faults import order_reports
from tests.brokerage.faults.scenes import Scene, bid, buy, heard, listed, passed, resting
from tests.brokerage.faults.scenes import TestScenes as TestScenes
from tests.brokerage.wire.conftest import client


async def told_and_asked(gateway, ib, switch):
    """Status and fills that callbacks told of; then the executions that a request finds."""
    switch()
    trade = await buy(ib)
    await passed(gateway, 3)
    told = trade.orderStatus.status, len(trade.fills)
    return *told, len(await ib.reqExecutionsAsync())


async def many_reports(gateway, ib, switch):
    """Whether one resting order was reported five times or more."""
    switch()
    told = heard(ib)
    await bid(ib)
    await passed(gateway, 3)
    return told.count("open") >= 5


async def filled_in_the_end(gateway, ib, switch):
    """Whether the status says Filled some time after the fill, and the number of fills."""
    switch()
    trade = await buy(ib)
    await passed(gateway, 5)
    return trade.orderStatus.status == "Filled", len(trade.fills)


async def rows_of_one_order(gateway, ib, switch):
    """How often a list of open orders names the only one."""
    await resting(ib)
    switch()
    return await listed(ib)


FAULTS = (order_reports,)
SCENES = (
    Scene(
        "callbacks_lost",
        told_and_asked,
        seen=("PendingSubmit", 0, 1),
        sound=("Filled", 1, 1),
    ),
    Scene("status_flood", many_reports, seen=True, sound=False, params={"copies": 5}),
    Scene("status_goes_back", filled_in_the_end, seen=(False, 1), sound=(True, 1)),
    Scene("open_orders_repeated", rows_of_one_order, seen=2, sound=1),
    Scene("orders_not_listed", rows_of_one_order, seen=0, sound=1),
)


async def test_lost_callbacks_are_found_by_the_list_of_open_orders(gateway, ib):
    gateway.faults.on("callbacks_lost")
    trade = await bid(ib)
    await passed(gateway, 2)
    assert trade.orderStatus.permId == 0
    assert await listed(ib) == 1
    assert trade.orderStatus.status == "Submitted"


async def test_lost_callbacks_are_found_by_a_new_connection(gateway, ib):
    gateway.faults.on("callbacks_lost")
    trade = await bid(ib)
    await passed(gateway, 1)
    ib.disconnect()
    await passed(gateway, 1)
    async with client(gateway) as again:
        assert [one.order.orderId for one in again.openTrades()] == [trade.order.orderId]


async def test_a_new_connection_is_greeted_with_the_orders_whose_callbacks_were_lost(gateway, ib):
    gateway.faults.on("callbacks_lost")
    await bid(ib)
    await passed(gateway, 1)
    ib.disconnect()
    await passed(gateway, 1)
    async with client(gateway):
        told = [frame.name for frame in gateway.transcript if frame.client_id == 1]
    greeting = told[: told.index("NextValidId", told.index("NextValidId") + 1)]
    assert greeting[-4:] == ["OpenOrder", "OrderStatus", "OpenOrderEnd", "ManagedAccts"]


async def test_executions_whose_callbacks_were_lost_are_found_with_their_commission(gateway, ib):
    gateway.faults.on("callbacks_lost")
    await buy(ib)
    await passed(gateway, 3)
    (fill,) = await ib.reqExecutionsAsync()
    assert fill.commissionReport.commission > 0
