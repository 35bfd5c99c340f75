"""Faults of changes and cancels: ib_async sees each, and none of it from a sound gateway."""

import pytest
from ib_async import StopOrder

from brokerage.simulator.faults import order_changes
from tests.brokerage.faults.clients import alive
from tests.brokerage.faults.scenes import Scene, codes, listed, passed, resting, spy, until
from tests.brokerage.faults.scenes import TestScenes as TestScenes


async def change(ib, trade, price: float = 2.0):
    """Ask for another limit."""
    trade.order.lmtPrice = price
    ib.placeOrder(trade.contract, trade.order)


async def changed_then_cancelled(gateway, ib, switch):
    """Rows of the list of open orders after a change, and after the cancel."""
    switch()
    trade = await resting(ib)
    await change(ib, trade)
    await passed(gateway, 2)
    before = await listed(ib)
    ib.cancelOrder(trade.order)
    await passed(gateway, 2)
    return before, await listed(ib)


async def changed(gateway, ib, switch):
    """Status after a change, errors, rows of the list of open orders."""
    switch()
    trade = await resting(ib)
    await change(ib, trade)
    await passed(gateway, 2)
    return trade.orderStatus.status, codes(ib), await listed(ib)


async def cancelled(gateway, ib, switch):
    """Status soon after a cancel and later."""
    switch()
    trade = await resting(ib)
    ib.cancelOrder(trade.order)
    await passed(gateway, 2)
    soon = trade.orderStatus.status
    await passed(gateway, 4)
    return soon, trade.orderStatus.status


async def cancel_answer(gateway, ib, switch):
    """Errors, fills and rows of the list of open orders after a cancel."""
    switch()
    trade = await resting(ib)
    ib.cancelOrder(trade.order)
    await passed(gateway, 3)
    return codes(ib), len(trade.fills), await listed(ib)


FAULTS = (order_changes,)
SCENES = (
    Scene("duplicate_after_modification", changed_then_cancelled, seen=(2, 1), sound=(1, 0)),
    Scene(
        "modification_refused",
        changed,
        seen=("Cancelled", [201], 1),
        sound=("Submitted", [], 1),
    ),
    Scene(
        "cancel_answered_late",
        cancelled,
        seen=("PendingCancel", "Cancelled"),
        sound=("Cancelled", "Cancelled"),
        params={"seconds": 4.0},
    ),
    Scene("cancel_not_found", cancel_answer, seen=([10147], 0, 1), sound=([202], 0, 0)),
    Scene("cancel_fill_race", cancel_answer, seen=([10148], 1, 0), sound=([202], 0, 0)),
    Scene("late_fill_after_cancelled", cancel_answer, seen=([202], 1, 0), sound=([202], 0, 0)),
)


async def test_a_doubled_order_has_two_permanent_ids_and_one_order_id(gateway, ib):
    gateway.faults.on("duplicate_after_modification")
    trade = await resting(ib)
    first = trade.orderStatus.permId
    await change(ib, trade)
    await passed(gateway, 2)
    assert trade.orderStatus.permId not in {0, first}
    assert [other.order.orderId for other in ib.openTrades()] == [trade.order.orderId]


async def test_the_survivor_of_a_doubled_order_fills_after_the_cancel(gateway, ib):
    gateway.faults.on("duplicate_after_modification")
    trade = await resting(ib)
    await change(ib, trade)
    await passed(gateway, 1)
    ib.cancelOrder(trade.order)
    await passed(gateway, 1)
    (listing,) = gateway.venue.floor.listings.find(symbol="SPY", sec_type="STK")
    ghost = gateway.venue.orders.records.get((1, -trade.order.orderId))
    ghost.sim.limit_price = gateway.venue.floor.market.price(listing.con_id) * 2
    await passed(gateway, 3)
    assert sum(fill.execution.shares for fill in ib.fills()) == 1


async def test_a_refused_change_leaves_the_order_as_it_was(gateway, ib):
    gateway.faults.on("modification_refused")
    trade = await resting(ib)
    await change(ib, trade, price=2.0)
    await passed(gateway, 2)
    assert gateway.venue.orders.records.get((1, trade.order.orderId)).sim.limit_price == 1.0


async def test_a_late_fill_respects_the_limit(gateway, ib):
    gateway.faults.on("late_fill_after_cancelled")
    trade = await resting(ib)
    ib.cancelOrder(trade.order)
    await passed(gateway, 3)
    assert trade.fills[0].execution.price == trade.order.lmtPrice


async def test_each_change_becomes_another_order_or_is_refused(gateway, ib):
    gateway.faults.on("duplicate_after_modification")
    trade = await resting(ib)
    for price in (2.0, 3.0, 3.001):
        await change(ib, trade, price)
        await passed(gateway, 2)
    assert await alive(gateway, ib)
    assert (await listed(ib), codes(ib)) == (3, [110])


@pytest.mark.parametrize("fault", ["cancel_fill_race", "late_fill_after_cancelled"])
async def test_what_could_not_fill_is_cancelled(gateway, ib, fault):
    gateway.faults.on(fault)
    contract = await spy(ib)
    stop = ib.placeOrder(contract, StopOrder("BUY", 1, 9999))
    await until(lambda: stop.orderStatus.status == "PreSubmitted")
    ib.cancelOrder(stop.order)
    await passed(gateway, 3)
    assert (stop.orderStatus.status, stop.fills) == ("Cancelled", [])
