"""Faults of the connection: ib_async sees each, and none of it from a sound gateway."""

import asyncio

import pytest
from ib_async import IB, LimitOrder, MarketOrder

from brokerage.simulator.faults import connection
from tests.brokerage.faults.clients import PATIENCE, alive, attempt
from tests.brokerage.faults.scenes import FAR, Scene, bid, listed, spy, until
from tests.brokerage.faults.scenes import TestScenes as TestScenes
from tests.brokerage.wire.conftest import client


async def somebody_connects(gateway, ib, switch):
    """How another client fares, and whether the one that was there still gets answers."""
    switch()
    outcome, _ = await attempt(gateway)
    return outcome, await alive(gateway, ib)


async def is_it_alive(gateway, ib, switch):
    """Whether the socket stands, and whether there is anybody behind it."""
    switch()
    return ib.isConnected(), await alive(gateway, ib)


async def is_it_alive_after_a_minute(gateway, ib, switch):
    """Whether an answer comes within 50 seconds, and whether it comes within 70."""
    switch()
    asked = asyncio.ensure_future(ib.reqCurrentTimeAsync())
    await asyncio.sleep(PATIENCE)
    await gateway.skip(30)
    early = asked.done()
    await gateway.skip(40)
    await asyncio.wait_for(asked, 5)
    return early, asked.done()


async def how_it_is_read(gateway, ib, switch):
    """Whether a whole answer ever came in one read, and whether it was understood."""
    reads = []
    switch()
    ib.client.conn.hasData += lambda data: reads.append(len(data))
    contract = await spy(ib)
    return max(reads) > 200, contract.conId > 0


async def what_is_left_over(gateway, ib, switch):
    """Whether the connection lives, and whether it ended inside a message."""
    received = bytearray()
    ib.client.conn.hasData += received.extend
    switch()
    await asyncio.wait({asyncio.ensure_future(alive(gateway, ib))})
    while len(received) >= 4 and len(received) >= (end := 4 + int.from_bytes(received[:4])):
        del received[:end]
    return ib.isConnected(), len(received) > 0


async def order_then_look(gateway, ib, switch):
    """Whether the connection outlived the order, and how many orders are there afterwards."""
    switch()
    await bid(ib)
    with_answer = await alive(gateway, ib) if ib.isConnected() else False
    ib.disconnect()
    async with client(gateway, client_id=3) as other:
        return with_answer, await listed(other)


async def come_back(gateway, ib, switch):
    """How the same client id fares at once, another one, and the same a minute later."""
    switch()
    ib.disconnect()
    await asyncio.sleep(0.05)
    at_once, other = await attempt(gateway, 1), await attempt(gateway, 2)
    await gateway.skip(61)
    return at_once[0], 326 in at_once[1], other[0], (await attempt(gateway, 1))[0]


FAULTS = (connection,)
SCENES = (
    Scene("port_open_api_mute", somebody_connects, ("TimeoutError", True), ("connected", True)),
    Scene("port_closed", somebody_connects, ("ConnectionRefusedError", True), ("connected", True)),
    Scene("reset_on_connect", somebody_connects, ("TimeoutError", True), ("connected", True)),
    Scene("closes_after_handshake", somebody_connects, ("TimeoutError", True), ("connected", True)),
    Scene("half_open_socket", is_it_alive, (True, False), (True, True)),
    Scene("gateway_freezes", is_it_alive_after_a_minute, (False, True), (True, True)),
    Scene("split_frames", how_it_is_read, (False, True), (True, True)),
    Scene("truncated_frame", what_is_left_over, (False, True), (True, False)),
    Scene("disconnect_mid_order", order_then_look, (False, 1), (True, 1)),
    Scene("disconnect_mid_order", order_then_look, (False, 0), (True, 1), {"lost": True}),
    Scene(
        "client_id_stuck",
        come_back,
        ("TimeoutError", True, "connected", "connected"),
        ("connected", False, "connected", "connected"),
    ),
)


async def test_a_half_open_socket_is_reset_when_the_network_is_back(gateway, ib):
    with gateway.faults.using("half_open_socket"):
        assert not await alive(gateway, ib)
    await until(lambda: not ib.isConnected())


async def test_only_the_nth_order_costs_the_connection(gateway, ib):
    gateway.faults.on("disconnect_mid_order", nth=2)
    contract = await spy(ib)
    ib.placeOrder(contract, LimitOrder("BUY", 1, FAR))
    assert await alive(gateway, ib)
    ib.placeOrder(contract, MarketOrder("BUY", 1))
    await until(lambda: not ib.isConnected())


async def test_what_a_frozen_gateway_was_sent_is_dealt_with_afterwards(gateway, ib):
    contract = await spy(ib)
    with gateway.faults.using("gateway_freezes", seconds=0):
        trade = ib.placeOrder(contract, MarketOrder("BUY", 1))
        await asyncio.sleep(0.05)
        assert trade.orderStatus.status == "PendingSubmit"
    await until(trade.isDone)
    assert trade.orderStatus.status == "Filled"


async def test_ib_async_suspects_the_client_id_when_a_dialog_is_open(gateway):
    gateway.faults.on("closes_after_handshake")
    ib, complaints = IB(), []
    ib.client.apiError += complaints.append
    with pytest.raises(TimeoutError):
        await ib.connectAsync("127.0.0.1", gateway.port, timeout=PATIENCE)
    assert "already in use?" in complaints[0]
