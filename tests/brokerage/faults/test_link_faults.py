"""Faults of the link to the broker: ib_async sees each, and none of it from a sound gateway."""

import asyncio

import pytest
from ib_async import MarketOrder, Stock

from brokerage.simulator.faults import link
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from tests.brokerage.faults.clients import (
    alive,
    attempt,
    patience,
    told,
    updates,
    updates_from_now_on,
)
from tests.brokerage.faults.scenes import Scene, spy, until
from tests.brokerage.faults.scenes import TestScenes as TestScenes
from tests.brokerage.wire.raw import SHARE, Raw


async def stream(ib):
    """A stream of SPY that has begun."""
    ticker = ib.reqMktData(await spy(ib))
    await until(lambda: ticker.bid > 0)
    return ticker


async def codes_and_ticks(gateway, ib, switch):
    """Codes within 200 seconds, whether ticks came meanwhile, and whether they did afterwards."""
    ticker = await stream(ib)
    codes = told(ib)
    switch()
    bids = await updates_from_now_on(ib, ticker)
    await gateway.skip(199)
    meanwhile = len(bids)
    await gateway.skip(21)
    return codes, meanwhile > 0, len(bids) > meanwhile


async def codes_and_an_order(gateway, ib, switch):
    """Codes of ten seconds, whether ticks came in them, and what became of an order."""
    contract, ticker = await spy(ib), await stream(ib)
    codes = told(ib)
    switch()
    bids = await updates_from_now_on(ib, ticker)
    trade = ib.placeOrder(contract, MarketOrder("BUY", 1))
    await gateway.skip(10)
    await asyncio.sleep(0.05)
    return codes, len(bids) > 0, trade.orderStatus.status


async def codes_and_history(gateway, ib, switch):
    """Codes, and how many bars there are."""
    contract, codes = await spy(ib), told(ib)
    switch()
    asked = ib.reqHistoricalDataAsync(
        contract, "", "1 D", "1 hour", "TRADES", True, timeout=patience(gateway)
    )
    return codes, len(await asked) > 0


async def codes_and_a_contract(gateway, ib, switch):
    """Codes, and how many contracts are found; None where nothing is answered."""
    codes = told(ib)
    switch()
    asked = ib.reqContractDetailsAsync(Stock("QQQ", "SMART", "USD"))
    try:
        return codes, len(await asyncio.wait_for(asked, patience(gateway)))
    except TimeoutError:
        return codes, None


FAULTS = (link,)
SCENES = (
    Scene(
        "link_lost",
        codes_and_ticks,
        ([1100, 1100, 1100, 1100, 1102], False, True),
        ([], True, True),
        {"seconds": 200.0},
    ),
    Scene(
        "link_lost",
        codes_and_ticks,
        ([1100, 1100, 1100, 1100, 1101], False, False),
        ([], True, True),
        {"seconds": 200.0, "data_lost": True},
    ),
    Scene("silent_after_1102", codes_and_ticks, ([1100, 1102], False, False), ([], True, True)),
    Scene(
        "market_farm_broken", codes_and_an_order, ([2103], False, "Filled"), ([], True, "Filled")
    ),
    Scene(
        "farm_flapping",
        codes_and_ticks,
        ([2103, 2104, 2103, 2104], True, True),
        ([], True, True),
        {"seconds": 23.0},
    ),
    Scene("history_farm_broken", codes_and_history, ([2105], False), ([], True)),
    Scene("definition_farm_broken", codes_and_a_contract, ([2157], None), ([], 1)),
    Scene(
        "definition_farm_broken",
        codes_and_a_contract,
        ([2157, 200], 0),
        ([], 1),
        {"refused": True},
    ),
    Scene(
        "server_link_broken",
        codes_and_an_order,
        ([2110], False, "PendingSubmit"),
        ([], True, "Filled"),
    ),
)


async def test_the_socket_stands_and_the_gateway_answers_while_the_link_is_lost(gateway, ib):
    gateway.faults.on("link_lost")
    assert ib.isConnected()
    assert await alive(gateway, ib)


async def test_who_connects_while_the_link_is_lost_is_told_so(gateway):
    gateway.faults.on("link_lost")
    outcome, codes = await attempt(gateway)
    assert (outcome, codes) == ("connected", [1100])


async def test_who_connects_while_the_definition_farm_is_broken_is_told_so(gateway):
    gateway.faults.on("definition_farm_broken")
    outcome, codes = await attempt(gateway)
    assert (outcome, codes) == ("connected", [2104, 2106, 2157])


async def test_contracts_are_found_when_the_definition_farm_is_well_again(gateway, ib):
    codes = told(ib)
    with gateway.faults.using("definition_farm_broken"):
        await until(lambda: codes == [2157])
    assert await spy(ib)
    assert codes == [2157, 2158]


async def test_what_became_of_an_order_is_told_when_the_link_is_back(gateway, ib):
    contract = await spy(ib)
    with gateway.faults.using("link_lost"):
        trade = ib.placeOrder(contract, MarketOrder("BUY", 1))
        assert await alive(gateway, ib)
        assert trade.orderStatus.status == "PendingSubmit"
    await until(trade.isDone)


@pytest.mark.parametrize(
    ("fault", "params"),
    [("link_lost", {"seconds": 5.0, "data_lost": True}), ("silent_after_1102", {"seconds": 5.0})],
)
async def test_a_stream_that_is_requested_again_flows(gateway, ib, fault, params):
    ticker = await stream(ib)
    gateway.faults.on(fault, **params)
    await gateway.skip(6)
    ib.cancelMktData(ticker.contract)
    bids = updates(ib, ib.reqMktData(ticker.contract))
    await gateway.skip(5)
    await until(lambda: len(bids) > 1)


async def test_the_farms_report_that_they_are_well_when_the_server_is_back(gateway, ib):
    contract, codes = await spy(ib), told(ib)
    with gateway.faults.using("server_link_broken"):
        trade = ib.placeOrder(contract, MarketOrder("BUY", 1))
        assert await alive(gateway, ib)
    await until(trade.isDone)
    assert codes == [2110, 2104, 2106]


async def test_lost_streams_take_up_neither_lines_nor_ids():
    requests = [tws.ReqMktData(number, SHARE) for number in range(3)]
    requests += [tws.ReqTickByTick(number, SHARE, tick_type="Last") for number in (3, 4, 5)]
    requests += [tws.ReqRealTimeBars(number, SHARE, what=what) for number, what in ((6, "TRADES"),)]
    async with Gateway.serve(lines=4, speed=25) as gateway, Raw(gateway, 71) as raw:
        await raw.say(*requests)
        gateway.faults.on("link_lost", seconds=30.0, data_lost=True)
        await gateway.skip(31)
        await raw.say(*requests)
        await gateway.skip(6)
        await raw.catch_up()
    assert [one.code for one in raw.told(tws.Error) if one.req_id >= 0] == []
    assert raw.told(tws.RealTimeBar)
