"""Faults of the login, and restarts: ib_async sees each, and none of it from a sound gateway."""

import asyncio

import pytest
from ib_async import LimitOrder

from brokerage.simulator.faults import account, restart
from brokerage.simulator.faults.fault import FaultError
from tests.brokerage.faults.clients import alive, attempt, told
from tests.brokerage.faults.scenes import Scene, resting, spy, until
from tests.brokerage.faults.scenes import TestScenes as TestScenes
from tests.brokerage.wire.conftest import client


async def account_after_reconnecting(gateway, ib, switch):
    """Whether the connection stands, and the account that a new one finds."""
    switch()
    still = await alive(gateway, ib)
    ib.disconnect()
    async with client(gateway) as again:
        return still, again.managedAccounts()


async def positions(gateway, ib, switch):
    """Positions that were pushed, and what of it was filled here."""
    pushed = []
    ib.positionEvent += lambda one: pushed.append((one.contract.symbol, one.position))
    switch()
    assert await alive(gateway, ib)
    return pushed, ib.fills()


async def clock(gateway, ib, switch):
    """How many tens of seconds the gateway is ahead, now and an hour later."""
    switch()
    ahead = []
    for wait in (0, 3600):
        await gateway.skip(wait)
        told_time = (await ib.reqCurrentTimeAsync()).timestamp()
        ahead.append(round((told_time - gateway.clock.time()) / 10))
    return ahead


async def the_night(gateway, ib, switch):
    """Whether the connection survives; how others fare at once, when the port is back, later."""
    switch()
    await asyncio.sleep(0.05)
    still = ib.isConnected()
    ib.disconnect()
    await asyncio.sleep(0.05)
    at_once = await attempt(gateway, 1)
    await gateway.skip(78)
    back = await attempt(gateway, 1)
    await gateway.skip(20)
    half_ready = await attempt(gateway, 1)
    await gateway.skip(60)
    return still, at_once, back, half_ready, await attempt(gateway, 1)


async def the_weekend(gateway, ib, switch):
    """Whether the connection survives, and how it is to connect much later."""
    switch()
    await asyncio.sleep(0.05)
    still = ib.isConnected()
    ib.disconnect()
    await gateway.skip(600)
    return still, (await attempt(gateway))[0]


WELL = ("connected", [2104, 2106, 2158])
FAULTS = (account, restart)
SCENES = (
    Scene(
        "wrong_account",
        account_after_reconnecting,
        (False, ["U1234567"]),
        (True, ["DU1234567"]),
    ),
    Scene("position_changed_elsewhere", positions, ([("SPY", 100.0)], []), ([], [])),
    Scene("clock_drift", clock, [10, 16], [0, 0], {"seconds": 100.0, "per_hour": 60.0}),
    Scene(
        "nightly_restart",
        the_night,
        (
            False,
            ("ConnectionRefusedError", []),
            ("TimeoutError", [326]),
            ("connected", [2103, 2105, 2158]),
            WELL,
        ),
        (True, WELL, WELL, WELL, WELL),
    ),
    Scene("sunday_token_loss", the_weekend, (False, "ConnectionRefusedError"), (True, "connected")),
)


async def test_a_share_that_is_not_listed_cannot_change_hands(gateway):
    with pytest.raises(FaultError, match="NOPE"):
        gateway.faults.on("position_changed_elsewhere", symbol="NOPE")
    assert not gateway.faults.active()


async def test_the_farms_are_well_again_some_time_after_the_restart(gateway):
    gateway.faults.on("nightly_restart", down=5.0, half_ready=30.0)
    await gateway.skip(6)
    async with client(gateway) as early:
        codes = told(early)
        await gateway.skip(31)
        await until(lambda: codes == [2104, 2106])
    assert not gateway.faults.active()


async def test_a_restart_that_is_announced_tells_of_the_port_first(gateway, ib):
    codes = told(ib)
    gateway.faults.on("nightly_restart", announced=True)
    await until(lambda: not ib.isConnected())
    assert codes == [1300]


async def test_orders_outlive_the_restart(gateway, ib):
    await resting(ib)
    gateway.faults.on("nightly_restart", down=5.0, id_stuck=0.0)
    await asyncio.sleep(0.05)
    ib.disconnect()
    await gateway.skip(6)
    async with client(gateway) as again:
        assert len(again.openTrades()) == 1


async def test_the_account_is_as_it_should_be_when_the_login_is_right_again(gateway, ib):
    with gateway.faults.using("wrong_account"):
        await until(lambda: not ib.isConnected())
    async with client(gateway) as again:
        assert again.managedAccounts() == ["DU1234567"]
        assert (await spy(again)).conId


async def test_an_order_of_the_right_account_goes_on_while_the_login_is_another(gateway, ib):
    contract = await spy(ib)
    below = round(gateway.venue.floor.market.price(contract.conId) * 0.99, 2)
    order = ib.placeOrder(contract, LimitOrder("BUY", 1, below, tif="GTC"))
    await until(lambda: order.orderStatus.status == "Submitted")
    with gateway.faults.using("wrong_account"):
        await until(lambda: not ib.isConnected())
        async with client(gateway) as other:
            gateway.move(contract.conId, 0.9)
            await gateway.skip(5)
            assert await alive(gateway, other)
            assert (other.openTrades(), other.positions(), other.fills()) == ([], [], [])
    async with client(gateway) as again:
        assert [fill.execution.shares for fill in again.fills()] == [1]
        assert [held.position for held in again.positions()] == [1]
