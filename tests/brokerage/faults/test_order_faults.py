"""Faults of orders on their way in: ib_async sees each, and none of it from a sound gateway."""

from ib_async import LimitOrder, Stock

from brokerage.simulator.faults import orders
from brokerage.simulator.faults.orders import SlowAcknowledgements
from tests.brokerage.faults.scenes import (
    FAR,
    Scene,
    bid,
    buy,
    codes,
    heard,
    listed,
    passed,
    resting,
    until,
)
from tests.brokerage.faults.scenes import TestScenes as TestScenes
from tests.brokerage.wire.conftest import client


async def after_a_while(gateway, ib, switch):
    """Status, whether the order got a permanent id, and the errors."""
    switch()
    trade = await buy(ib)
    await passed(gateway, 4)
    return trade.orderStatus.status, trade.orderStatus.permId > 0, codes(ib)


async def wait_for_the_first_report(gateway, ib, switch):
    """Whether it took longer than ten seconds, and whether the order lives."""
    switch()
    trade, told = await bid(ib), heard(ib)
    sent = gateway.clock.time()
    while not told:
        await passed(gateway, 1)
    return gateway.clock.time() - sent > 10.0, trade.isActive()


async def some_time_after_the_acknowledgement(gateway, ib, switch):
    """Status, errors, and the rows of the list of open orders."""
    switch()
    trade = await bid(ib)
    await passed(gateway, 4)
    return trade.orderStatus.status, codes(ib), await listed(ib)


async def cancelled_and_listed(gateway, ib, switch):
    """Whether ib_async ever called the order cancelled; the rows of the list of open orders."""
    switch()
    trade, ends = await bid(ib), []
    trade.cancelledEvent += ends.append
    await passed(gateway, 3)
    return len(ends), await listed(ib)


async def held_then_filled(gateway, ib, switch):
    """Why the order is held at first, and its status later."""
    switch()
    trade = await buy(ib)
    await passed(gateway, 2)
    why = trade.orderStatus.whyHeld
    await passed(gateway, 5)
    return why, trade.orderStatus.status


FAULTS = (orders,)
SCENES = (
    Scene(
        "order_without_callback",
        after_a_while,
        seen=("PendingSubmit", False, []),
        sound=("Filled", True, []),
    ),
    Scene(
        "pending_submit_forever",
        after_a_while,
        seen=("PendingSubmit", True, []),
        sound=("Filled", True, []),
    ),
    Scene(
        "inactive_without_error",
        after_a_while,
        seen=("Inactive", True, []),
        sound=("Filled", True, []),
    ),
    Scene(
        "slow_acknowledgements",
        wait_for_the_first_report,
        seen=(True, True),
        sound=(False, True),
        params={"median": 30.0, "sigma": 0.2},
    ),
    Scene(
        "rejected_silently",
        some_time_after_the_acknowledgement,
        seen=("Submitted", [], 0),
        sound=("Submitted", [], 1),
    ),
    Scene(
        "rejected_after_acknowledgement",
        some_time_after_the_acknowledgement,
        seen=("Inactive", [201], 0),
        sound=("Submitted", [], 1),
    ),
    Scene("preset_notice", cancelled_and_listed, seen=(1, 1), sound=(0, 1)),
    Scene(
        "held_for_locate",
        held_then_filled,
        seen=("locate", "Filled"),
        sound=("", "Filled"),
        params={"seconds": 4.0},
    ),
)


async def test_a_vanished_order_is_on_no_list(gateway, ib):
    gateway.faults.on("order_without_callback")
    await buy(ib)
    await passed(gateway, 2)
    assert await listed(ib) == 0
    assert await ib.reqExecutionsAsync() == []


async def test_only_so_many_orders_of_the_symbol_are_struck(gateway, ib):
    gateway.faults.on("order_without_callback", symbol="SPY", times=1)
    lost, found = await buy(ib), await buy(ib)
    await passed(gateway, 3)
    assert (lost.orderStatus.status, found.orderStatus.status) == ("PendingSubmit", "Filled")


async def test_other_symbols_are_not_struck(gateway, ib):
    gateway.faults.on("order_without_callback", symbol="AAPL")
    trade = await buy(ib)
    await passed(gateway, 3)
    assert trade.orderStatus.status == "Filled"


async def test_a_held_order_can_be_cancelled(gateway, ib):
    gateway.faults.on("held_for_locate", seconds=4)
    trade = await buy(ib)
    await passed(gateway, 1)
    ib.cancelOrder(trade.order)
    await passed(gateway, 6)
    assert (trade.orderStatus.status, trade.fills) == ("Cancelled", [])


async def test_an_inactive_order_does_not_answer_a_cancel(gateway, ib):
    gateway.faults.on("inactive_without_error")
    trade = await buy(ib)
    await passed(gateway, 2)
    ib.cancelOrder(trade.order)
    await passed(gateway, 2)
    assert codes(ib) == []


def test_delays_follow_the_distribution_that_was_given():
    fault = SlowAcknowledgements(median=2.0, sigma=0.5, most=6.0, seed=3)
    delays = sorted(fault.delay((1, number)) for number in range(999))
    assert 1.8 < delays[499] < 2.2
    assert 2.0 * 0.5 < delays[159] < 2.0 * 0.75  # one sigma below: e^-0.5
    assert delays[-1] == 6.0


def test_delays_are_the_same_for_the_same_seed():
    first, second = SlowAcknowledgements(seed=5), SlowAcknowledgements(seed=5)
    assert first.delay((1, 101)) == second.delay((1, 101))
    assert first.delay((1, 101)) == first.delay((1, 101)) != first.delay((1, 102))


async def test_a_silently_rejected_order_works_no_more(gateway, ib):
    gateway.faults.on("rejected_silently")
    trade = await bid(ib)
    await passed(gateway, 3)
    gateway.faults.off("rejected_silently")
    assert await listed(ib) == 0
    assert trade.orderStatus.status == "Submitted"


async def test_another_client_that_lists_all_orders_loses_none_of_its_own(gateway, ib):
    gateway.faults.on("rejected_silently", symbol="SPY", seconds=3600.0)
    struck = await resting(ib)
    async with client(gateway, 2) as other:
        contract = Stock("QQQ", "SMART", "USD")
        order = LimitOrder("BUY", 1, FAR, orderId=struck.order.orderId)
        own = other.placeOrder((await other.qualifyContractsAsync(contract))[0], order)
        await until(lambda: own.orderStatus.status == "Submitted")
        gateway.faults.on("rejected_silently", symbol="SPY", seconds=1.0)
        await other.reqAllOpenOrdersAsync()
        await passed(gateway, 3)
        assert await listed(other) == 2
