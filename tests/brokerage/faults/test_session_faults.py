"""Faults of a connected session: ib_async sees each, and none of it from a sound gateway."""

import asyncio

from ib_async import IB, LimitOrder

from brokerage.simulator.faults import session
from brokerage.tws import messages as tws
from tests.brokerage.faults.clients import (
    alive,
    attempt,
    patience,
    told,
    updates,
    updates_from_now_on,
)
from tests.brokerage.faults.scenes import FAR, Scene, resting, spy, until
from tests.brokerage.faults.scenes import TestScenes as TestScenes
from tests.brokerage.wire.conftest import client
from tests.brokerage.wire.raw import SHARE, Raw


async def connect_and_ask(gateway, ib, switch):
    """How connecting ends, and whether the gateway then answers."""
    switch()
    async with client(gateway, client_id=2, timeout=patience(gateway)) as other:
        return other.isConnected(), await alive(gateway, other)


async def what_is_missing(gateway, ib, switch):
    """What ib_async complains of when it is told to complain."""
    switch()
    try:
        await IB().connectAsync(
            "127.0.0.1",
            gateway.port,
            clientId=2,
            timeout=patience(gateway),
            raiseSyncErrors=True,
        )
    except ConnectionError as error:
        return error.args[0]
    return []


async def ask_three_times(gateway, ib, switch):
    """Codes, and whether the socket stands and the gateway listens."""
    codes = told(ib)
    switch()
    for _ in range(3):
        ib.client.reqCurrentTime()
    await asyncio.sleep(0.1)
    return codes, ib.isConnected(), ib.isConnected() and await alive(gateway, ib)


async def codes_and_ticks(gateway, ib, switch):
    """Codes of twenty seconds, and whether the stream flowed in them."""
    ticker = ib.reqMktData(await spy(ib))
    await until(lambda: ticker.bid > 0)
    codes = told(ib)
    switch()
    bids = await updates_from_now_on(ib, ticker)
    await gateway.skip(20)
    return codes, len(bids) > 0


async def next_id(gateway, ib, switch):
    """Whether the next id is above that of an order which has ended; what an order with it gets."""
    trade = await resting(ib)
    ib.cancelOrder(trade.order)
    await until(trade.isDone)
    switch()
    ib.disconnect()
    async with client(gateway) as again:
        offered, codes = again.client.getReqId(), told(again)
        again.placeOrder(await spy(again), LimitOrder("BUY", 1, FAR, orderId=offered))
        await alive(gateway, again)
        return offered > trade.order.orderId, 103 in codes


async def ticks_in_each_second(gateway, ib, switch):
    """In how many of ten seconds ticks came."""
    ticker = ib.reqMktData(await spy(ib))
    await until(lambda: ticker.bid > 0)
    bids, seconds = updates(ib, ticker), 0
    switch()
    for _ in range(10):
        before = len(bids)
        await gateway.skip(1.2)
        seconds += len(bids) > before
    return seconds > 3


FAULTS = (session,)
SCENES = (
    Scene("mute_after_handshake", connect_and_ask, (True, False), (True, True)),
    Scene("positions_never_end", what_is_missing, ["positions request timed out"], []),
    Scene("account_never_ends", what_is_missing, ["account updates request timed out"], []),
    Scene("open_orders_never_end", what_is_missing, ["open orders request timed out"], []),
    Scene("executions_never_end", what_is_missing, ["executions request timed out"], []),
    Scene(
        "completed_orders_never_end", what_is_missing, ["completed orders request timed out"], []
    ),
    Scene("pacing_kick", ask_three_times, ([100, 100, 100], False, False), ([], True, True)),
    Scene(
        "pacing_kick",
        ask_three_times,
        ([100, 100, 100], True, False),
        ([], True, True),
        {"silent": True},
    ),
    Scene("competing_session", codes_and_ticks, ([10197], False), ([], True)),
    Scene("next_id_goes_back", next_id, (False, True), (True, False), {"by": 50}),
    Scene("bursts_of_ticks", ticks_in_each_second, False, True, {"every": 5.0}),
)


async def test_connecting_to_a_mute_gateway_takes_two_time_limits_and_succeeds(gateway):
    gateway.faults.on("mute_after_handshake")
    assert await attempt(gateway) == ("connected", [2104, 2106, 2158])


async def test_data_flow_again_when_the_competing_session_ends(gateway, ib):
    ticker = ib.reqMktData(await spy(ib))
    await until(lambda: ticker.bid > 0)
    with gateway.faults.using("competing_session"):
        await gateway.skip(5)
    bids = updates(ib, ticker)
    await gateway.skip(5)
    assert bids


async def test_no_tick_of_a_burst_is_lost(gateway, ib):
    contract = await spy(ib)
    async with client(gateway, client_id=2) as other:
        with gateway.faults.using("bursts_of_ticks", every=30.0):
            tickers = [one.reqMktData(contract) for one in (ib, other)]
            await gateway.skip(31)
            assert all(ticker.bid > 0 for ticker in tickers)
            gateway.faults.off("bursts_of_ticks")
            await until(lambda: tickers[0].bid == tickers[1].bid)


async def test_who_asks_again_beside_a_competing_session_is_told_again(gateway):
    gateway.faults.on("competing_session")
    async with Raw(gateway, 71) as raw:
        for _ in range(2):
            await raw.say(tws.ReqMktData(9, SHARE))
            await gateway.skip(2)
            await raw.say(tws.CancelMktData(9))
    assert [one.code for one in raw.told(tws.Error) if one.req_id == 9] == [10197, 10197]
