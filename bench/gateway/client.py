"""What ib_async does in the measurements, and how long it takes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any

from ib_async import IB, Contract, LimitOrder, MarketOrder, Stock, Trade

SHARES = ("SPY", "QQQ", "IWM", "AAPL", "MSFT", "NVDA", "AMZN")
ACKNOWLEDGED = ("PreSubmitted", "Submitted")  # what a gateway says first
LIMIT = 30.0  # seconds
RESTING = 1.0  # dollars: a price at which nothing is ever sold


@asynccontextmanager
async def connected(port: int, client_id: int = 1) -> AsyncIterator[IB]:
    """A client without a message rate of its own."""
    ib = IB()
    ib.client.MaxRequests = 0
    await ib.connectAsync("127.0.0.1", port, clientId=client_id, timeout=LIMIT)
    try:
        yield ib
    finally:
        ib.disconnect()
        await asyncio.sleep(0)


class Waiting:
    """Waits for a trade to get somewhere, without polling."""

    def __init__(self, ib: IB) -> None:
        self._done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._reached: Callable[[Trade], bool] = bool
        ib.orderStatusEvent += self._look
        ib.execDetailsEvent += lambda trade, fill: self._look(trade)

    def _look(self, trade: Trade) -> None:
        if not self._done.done() and self._reached(trade):
            self._done.set_result(perf_counter())

    async def until(self, reached: Callable[[Trade], bool], act: Callable[[], Any]) -> float:
        """Seconds from the act until the trade is there."""
        self._reached = reached
        self._done = asyncio.get_running_loop().create_future()
        began = perf_counter()
        act()
        async with asyncio.timeout(LIMIT):
            return await self._done - began


async def qualified(ib: IB, *symbols: str) -> list[Contract]:
    """Contracts with their ids."""
    shares = [Stock(symbol, "SMART", "USD") for symbol in symbols]
    return [one for one in await ib.qualifyContractsAsync(*shares) if isinstance(one, Contract)]


async def acknowledgements(ib: IB, contract: Contract, rounds: int) -> list[float]:
    """Seconds from placing a limit order until the gateway's first status; each is cancelled."""
    waiting, seconds = Waiting(ib), []
    for _ in range(rounds):
        order = LimitOrder("BUY", 1, RESTING)
        seconds.append(
            await waiting.until(
                lambda trade: trade.orderStatus.status in ACKNOWLEDGED,
                lambda: ib.placeOrder(contract, order),  # noqa: B023
            )
        )
        await settled(ib)
        await waiting.until(
            lambda trade: trade.orderStatus.status == "Cancelled",
            lambda: ib.cancelOrder(order),  # noqa: B023
        )
        await settled(ib)
    return seconds


async def fills(ib: IB, contract: Contract, rounds: int) -> list[float]:
    """Seconds from placing a market order until its execution is known."""
    waiting, seconds = Waiting(ib), []
    for number in range(rounds):
        order = MarketOrder("SELL" if number % 2 else "BUY", 1)
        seconds.append(
            await waiting.until(
                lambda trade: bool(trade.fills),
                lambda: ib.placeOrder(contract, order),  # noqa: B023
            )
        )
        await settled(ib)
    return seconds


async def settled(ib: IB) -> None:
    """Wait until all that an order has caused has been received."""
    await ib.reqCurrentTimeAsync()


async def connecting(port: int, clients: int) -> list[float]:
    """Connect so many clients one after the other, keep them, ask each; seconds to connect."""
    ibs, seconds = [], []
    for number in range(1, clients + 1):
        ib = IB()
        began = perf_counter()
        await ib.connectAsync("127.0.0.1", port, clientId=number, timeout=LIMIT)
        seconds.append(perf_counter() - began)
        ibs.append(ib)
    async with asyncio.timeout(LIMIT):
        await asyncio.gather(*(settled(ib) for ib in ibs))
    for ib in ibs:
        ib.disconnect()
    await asyncio.sleep(0)
    return seconds


def received(ib: IB) -> int:
    """Messages that the client has decoded so far."""
    count: int = ib.client.connectionStats().numMsgRecv
    return count


async def watch(ib: IB) -> None:
    """Open a line for each share."""
    for contract in await qualified(ib, *SHARES):
        ib.reqMktData(contract)


async def rate(ib: IB, seconds: float) -> float:
    """Messages received a second, over about so many seconds."""
    before, began = received(ib), perf_counter()
    await asyncio.sleep(seconds)
    return (received(ib) - before) / (perf_counter() - began)
