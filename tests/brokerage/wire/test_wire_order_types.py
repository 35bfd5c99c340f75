"""Order types, times in force and the messages that a recorded gateway sent for them."""

import pytest
from ib_async import IB, LimitOrder, MarketOrder, Order, StopOrder

from brokerage.simulator.rules import Rules
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from tests.brokerage.wire.conftest import SPEED, client, codes, snapshot, spy, until

TOLD = (tws.OpenOrder, tws.OrderStatus, tws.ExecDetails, tws.CommissionReport, tws.Error)


def story(gateway: Gateway, order_id: int) -> list[str]:
    """What was told of an order, in sequence: message and state, or code."""
    words = []
    for frame in gateway.transcript:
        match frame.message:
            case tws.OpenOrder(order_id=of) as told if of == order_id:
                words.append(f"open {told.state.status}")
            case tws.OrderStatus(order_id=of) as told if of == order_id:
                words.append(f"{told.status} {told.why_held}".strip())
            case tws.ExecDetails(order_id=of) if of == order_id:
                words.append("execution")
            case tws.CommissionReport():
                words.append("commission")
            case tws.Error(req_id=of) as told if of == order_id:
                words.append(str(told.code))
    return words


async def told(gateway: Gateway, ib: IB, order: Order, words: list[str]) -> None:
    """Place an order and wait until exactly this was told of it."""
    trade = ib.placeOrder(await spy(ib), order)
    await until(lambda: len(story(gateway, trade.order.orderId)) >= len(words))
    await ib.reqCurrentTimeAsync()
    assert story(gateway, trade.order.orderId) == words


ONCE = ["open PreSubmitted", "PreSubmitted"]
HELD = ["open PreSubmitted", "PreSubmitted trigger"]
SEQUENCES = {
    "marketable": (
        MarketOrder("BUY", 1),
        [*ONCE, "execution", "open Filled", "Filled", "commission"],
    ),
    "resting": (LimitOrder("BUY", 1, 600.0), [*ONCE, "open Submitted", "Submitted"]),
    "stop": (StopOrder("BUY", 1, 900.0), HELD * 2),
    "touched": (Order(action="BUY", totalQuantity=1, orderType="MIT", auxPrice=500.0), HELD * 2),
    "auction": (Order(action="BUY", totalQuantity=1, orderType="MOC"), ONCE * 2),
    "immediate": (
        LimitOrder("BUY", 1, 600.0, tif="IOC"),
        ["open PreSubmitted", "PendingCancel", "Cancelled"],
    ),
    "all or nothing": (
        LimitOrder("BUY", 1, 600.0, tif="FOK"),
        ["open PreSubmitted", "Inactive"],
    ),
    "far through": (LimitOrder("BUY", 1, 900.0), [*ONCE, "Cancelled", "202"]),
}


@pytest.mark.parametrize("case", SEQUENCES)
async def test_messages_come_in_the_recorded_sequence(gateway, ib, case):
    await told(gateway, ib, *SEQUENCES[case])


async def test_a_cancel_comes_in_the_recorded_sequence(gateway, ib):
    trade = ib.placeOrder(await spy(ib), LimitOrder("BUY", 1, 600.0))
    await until(lambda: trade.orderStatus.status == "Submitted")
    ib.cancelOrder(trade.order)
    await until(lambda: codes(ib) == [202])
    assert story(gateway, trade.order.orderId)[4:] == ["PendingCancel", "Cancelled", "202"]


async def test_a_house_may_tell_everything_once():
    rules = Rules(duplicates=False)
    async with Gateway.serve(seed=7, speed=SPEED, rules=rules) as gateway, client(gateway) as ib:
        await told(gateway, ib, LimitOrder("BUY", 1, 600.0), ["open Submitted", "Submitted"])
        await told(gateway, ib, StopOrder("BUY", 1, 900.0), HELD)


async def test_a_limit_far_through_the_quote_is_told_its_cap(gateway, ib):
    contract = await spy(ib)
    ask = (await snapshot(ib, contract)).ask
    trade = ib.placeOrder(contract, LimitOrder("BUY", 1, 900.0))
    await until(lambda: codes(ib) == [202])
    assert trade.orderStatus.mktCapPrice == pytest.approx(ask * 1.03, rel=0.005)
    assert "closer to the current market price" in ib.errors[-1][2]


async def test_a_trailing_stop_tells_where_it_stands(gateway, ib):
    contract = await spy(ib)
    trail = Order(action="SELL", totalQuantity=1, orderType="TRAIL", trailingPercent=5.0)
    last = (await snapshot(ib, contract)).last
    ib.placeOrder(contract, trail)
    await until(gateway.venue.floor.book.working)
    async with client(gateway, 2) as other:
        (seen,) = await other.reqAllOpenOrdersAsync()
    assert seen.order.trailStopPrice == pytest.approx(last * 0.95, rel=0.01)


async def test_a_trailing_stop_moves_with_the_market(gateway, ib):
    contract = await spy(ib)
    trail = Order(action="SELL", totalQuantity=1, orderType="TRAIL", auxPrice=5.0)
    ib.placeOrder(contract, trail)
    await until(gateway.venue.floor.book.working)
    (sim,) = gateway.venue.floor.book.working()
    await until(lambda: sim.stop_price)
    before = sim.stop_price
    gateway.move(contract.conId, 1.1)
    await until(lambda: sim.stop_price > before * 1.09)
    gateway.move(contract.conId, 0.95)
    await until(lambda: sim.status == "Filled")


async def test_a_halted_share_does_not_fill_until_it_is_resumed(gateway, ib):
    contract = await spy(ib)
    gateway.halt(contract.conId)
    await gateway.skip(1.0)
    trade = ib.placeOrder(contract, MarketOrder("BUY", 1))
    await until(lambda: trade.orderStatus.status == "Submitted")
    gateway.resume(contract.conId)
    await until(lambda: trade.orderStatus.status == "Filled")


REFUSED = {
    "opening auction": (Order(action="BUY", totalQuantity=1, orderType="MKT", tif="OPG"), 387),
    "order type": (Order(action="BUY", totalQuantity=1, orderType="FEELINGS"), 321),
    "date": (LimitOrder("BUY", 1, 600.0, tif="GTD", goodTillDate="soon"), 10314),
    "no date": (LimitOrder("BUY", 1, 600.0, tif="GTD"), 334),
    "fraction": (LimitOrder("BUY", 1.5, 600.0), 10243),
    "what-if held back": (LimitOrder("BUY", 1, 600.0, whatIf=True, transmit=False), 413),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refusal_carries_its_code(ib, case):
    order, code = REFUSED[case]
    ib.placeOrder(await spy(ib), order)
    await until(lambda: codes(ib) == [code])
    assert await ib.reqAllOpenOrdersAsync() == []


async def test_a_market_order_hears_that_its_hours_are_ignored(ib):
    ib.placeOrder(await spy(ib), MarketOrder("BUY", 1, outsideRth=True))
    await until(lambda: 2109 in [code for code, _, _ in ib.errors])


async def test_hidden_and_iceberg_orders_are_taken(ib):
    order = LimitOrder("BUY", 10, 600.0, hidden=True, displaySize=2)
    trade = ib.placeOrder(await spy(ib), order)
    await until(lambda: trade.orderStatus.status == "Submitted")
    assert codes(ib) == []


async def test_margin_of_working_orders_is_not_given_twice(ib):
    contract = await spy(ib)
    price = (await snapshot(ib, contract)).last
    most = int(100_000 * 4 / price * 0.9)
    first = ib.placeOrder(contract, LimitOrder("BUY", most, round(price * 0.98, 2)))
    await until(lambda: first.orderStatus.status == "Submitted")
    ib.placeOrder(contract, LimitOrder("BUY", most, round(price * 0.98, 2)))
    await until(lambda: codes(ib) == [201])
    ib.cancelOrder(first.order)
    await until(lambda: first.orderStatus.status == "Cancelled")
    third = ib.placeOrder(contract, LimitOrder("BUY", most, round(price * 0.98, 2)))
    await until(lambda: third.orderStatus.status == "Submitted")
