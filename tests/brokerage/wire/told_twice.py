"""A whole story on a clock moved by hand; as a program it prints the transcript."""

import asyncio
import sys
from datetime import UTC, datetime

from brokerage.simulator.clock import ManualClock
from brokerage.simulator.server import Gateway
from brokerage.tws import messages as tws
from tests.brokerage.wire.raw import Raw

MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)
SPY = tws.Contract(symbol="SPY", sec_type="STK", exchange="SMART", currency="USD")
QQQ = tws.Contract(symbol="QQQ", sec_type="STK", exchange="SMART", currency="USD")
BUY = tws.Order(action="BUY", quantity=3, order_type="MKT", tif="DAY")
LOW = tws.Order(action="BUY", quantity=2, order_type="LMT", limit_price=9.5, tif="GTC")


async def told(seed: int = 7) -> bytes:
    """The story's transcript."""
    clock = ManualClock(MONDAY)
    accounts = ("DU1000001", "DU1000002")
    async with Gateway.serve(seed=seed, clock=clock, accounts=accounts) as gateway:
        async with Raw(gateway, 0) as first, Raw(gateway, 5, version=157) as second:
            await _watch(gateway, first, second)
            await _trade(gateway, first, second)
            await _suffer(gateway, first, second)
        return gateway.transcript_bytes()


async def _watch(gateway: Gateway, first: Raw, second: Raw) -> None:
    """Quotes, history, accounts and positions for both."""
    subscribed = tws.ReqAccountUpdates(True, "DU1000001")
    await first.say(tws.ReqAutoOpenOrders(True), tws.ReqPositions(), subscribed)
    await first.say(tws.ReqMktData(9, SPY, generic_ticks="233"), tws.ReqPnl(11, "DU1000001", ""))
    await second.say(tws.ReqMktData(9, QQQ), tws.ReqMktData(10, SPY, snapshot=True))
    await second.say(tws.ReqHistoricalData(12, SPY, False, "", "5 mins", "1 D", True, "TRADES"))
    await _pass(gateway, 12.5, first, second)


async def _trade(gateway: Gateway, first: Raw, second: Raw) -> None:
    """An order that fills, one that rests and is cancelled, and what each sees of the other."""
    await first.say(tws.PlaceOrder(200, SPY, BUY))
    await second.say(tws.PlaceOrder(300, QQQ, LOW), tws.ReqAllOpenOrders())
    await _pass(gateway, 3.25, first, second)
    await second.say(tws.CancelOrder(300))
    await first.say(tws.ReqExecutions(13), tws.ReqCompletedOrders(False))


async def _suffer(gateway: Gateway, first: Raw, second: Raw) -> None:
    """Levers, faults, a halt and a move while both listen."""
    gateway.levers.no_commission = True
    await first.say(tws.PlaceOrder(201, SPY, BUY))
    with gateway.faults.using("late_commission", seconds=20.0):
        gateway.levers.no_commission = False
        await first.say(tws.PlaceOrder(202, QQQ, BUY))
        await _pass(gateway, 30.0, first, second)
    gateway.move(756733, 0.97)
    gateway.halt(756733)
    await _pass(gateway, 5.0, first, second)
    await second.say(tws.ReqGlobalCancel(), tws.ReqIds(1))


async def _pass(gateway: Gateway, seconds: float, *clients: Raw) -> None:
    await gateway.skip(seconds)
    for client in clients:
        await client.catch_up()


if __name__ == "__main__":
    sys.stdout.buffer.write(asyncio.run(told()))
