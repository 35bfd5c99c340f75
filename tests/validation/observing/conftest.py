"""An observing session at a simulated gateway, and a bot that trades there under its own id."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from ib_async import IB, LimitOrder, MarketOrder, Order, Stock, Trade

from brokerage import gateway
from brokerage.gateway import SCENARIO_IDS, WATCH_IDS, Simulated, Target
from brokerage.models import Endpoint, ObservedExecution, ObservedOrder
from brokerage.tws.messages import CancelOrder, PlaceOrder, ReqGlobalCancel
from validation import finishing, foreground, runner, sessions
from validation.lease import Lease, claim
from validation.models import Finding, LogLine, Session
from validation.observation import Term
from validation.watch import books

SPEED, BOT = 50.0, 17
# Real seconds that a loaded machine may need for what takes one.
PATIENCE = 45.0
ACTS = (PlaceOrder, CancelOrder, ReqGlobalCancel)
OURS = {*SCENARIO_IDS, *WATCH_IDS}
AN_HOUR = Term(3600.0)


class Bot:
    """Plain ib_async under a client id of its own, as any bot would use it."""

    def __init__(self, ib: IB) -> None:
        self.ib, self.spy = ib, Stock("SPY", "SMART", "USD")

    async def price(self) -> float:
        """The middle of the market."""
        (quote,) = await self.ib.reqTickersAsync(self.spy)
        return float(quote.bid + quote.ask) / 2

    def market(self, side: str, quantity: float) -> Order:
        """An order at the market."""
        return MarketOrder(side, quantity)

    async def buy(self, quantity: float = 1) -> Trade:
        """Buy at the market, and wait for the fill."""
        return await self.filled(self.ib.placeOrder(self.spy, self.market("BUY", quantity)))

    async def sell(self, quantity: float = 1) -> Trade:
        """Sell at the market, and wait for the fill."""
        return await self.filled(self.ib.placeOrder(self.spy, self.market("SELL", quantity)))

    async def rest(self) -> Trade:
        """Place an order that does not fill."""
        limit = round(await self.price() * 0.9, 2)
        trade = self.ib.placeOrder(self.spy, LimitOrder("BUY", 1, limit))
        return await became(trade, "Submitted")

    async def filled(self, trade: Trade) -> Trade:
        """Wait for the fill."""
        return await became(trade, "Filled")

    async def cancel(self, trade: Trade) -> None:
        """Cancel, and wait for the end."""
        self.ib.cancelOrder(trade.order)
        await became(trade, "Cancelled")


@dataclass
class Stage:
    """The gateway, the session that observes it, and who started that."""

    simulated: Simulated
    session: Session
    by: User
    lease: Lease
    run: "asyncio.Task[None]"

    @property
    def target(self) -> Target:
        """Where the gateway listens."""
        return self.session.endpoint.target()

    @property
    def senders(self) -> set[int | None]:
        """Who sent an order or a cancel, as the gateway heard it."""
        frames = self.simulated.transcript
        return {one.client_id for one in frames if isinstance(one.message, ACTS)}

    @property
    def held(self) -> float:
        """What executions of SPY at the gateway add up to."""
        fills = [one.fill for one in self.simulated.gateway.venue.fills.executions]
        return sum(fill.quantity if fill.side == "BUY" else -fill.quantity for fill in fills)

    def fault(self, name: str, **params: Any) -> None:
        """Switch a fault of the catalogue on."""
        self.simulated.gateway.faults.on(name, **params)

    def cut_ours(self) -> None:
        """End the connections of the session, and leave the bot's alone."""
        for peer in list(self.simulated.gateway.peers()):
            if peer.session is not None and peer.session.client_id in OURS:
                peer.cut()

    async def sees(self, seen: Callable[[], bool]) -> None:
        """Wait until the record shows something."""
        async with asyncio.timeout(PATIENCE):
            while not await sync_to_async(seen)():
                if self.run.done():
                    self.run.result()
                    raise AssertionError("the session ended before it saw that")
                await asyncio.sleep(0.05)

    async def sees_executions(self, count: int) -> None:
        """Wait until so many executions are on record."""
        await self.sees(lambda: ObservedExecution.objects.count() >= count)

    async def sees_orders(self, count: int) -> None:
        """Wait until so many orders are on record."""
        await self.sees(lambda: ObservedOrder.objects.count() >= count)

    async def sees_finding(self, kind: str) -> None:
        """Wait until the watch has told something."""
        await self.sees(lambda: Finding.objects.filter(kind=kind).exists())

    async def finish(self) -> Session:
        """End the observation and wait for the session's end."""
        await sync_to_async(finishing.finish)(self.session, self.by)
        return await self.ended()

    async def ended(self) -> Session:
        """Wait for the session's end."""
        async with asyncio.timeout(PATIENCE):
            await self.run
        await self.session.arefresh_from_db()
        return self.session

    def abort(self) -> None:
        """Abort the session."""
        sessions.abort(self.session, self.by, "The test wants it.")

    def bot(self, client_id: int = BOT) -> AbstractAsyncContextManager[Bot]:
        """Connect a bot."""
        return self.visit(self.simulated, client_id)

    @staticmethod
    @asynccontextmanager
    async def visit(simulated: Simulated, client_id: int = BOT) -> AsyncIterator[Bot]:
        """Connect a bot to a gateway, whether a session observes it or not."""
        ib = IB()
        await ib.connectAsync("127.0.0.1", simulated.gateway.port, clientId=client_id)
        bot = Bot(ib)
        await ib.qualifyContractsAsync(bot.spy)
        try:
            yield bot
        finally:
            ib.disconnect()


Observe = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture(autouse=True)
def _in_haste(haste: None) -> None:
    """Gateway and clients share a loop."""


@pytest.fixture
def observe(
    transactional_db: None, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> Observe:
    """Open a stage whose session looks on already; `before` acts before it begins."""
    monkeypatch.setattr(books, "LOOK", 0.2)

    @asynccontextmanager
    async def opened(
        term: Term = AN_HOUR, before: Callable[[Simulated], Awaitable[None]] | None = None
    ) -> AsyncIterator[Stage]:
        async with gateway.simulation(speed=SPEED, control=True) as simulated:
            if before is not None:
                await before(simulated)
            stage = await _begin(simulated, operator, term)
            try:
                await stage.sees(lambda: _looks_on(stage.session))
                yield stage
            finally:
                stage.run.cancel()
                await asyncio.gather(stage.run, return_exceptions=True)

    return opened


async def _begin(simulated: Simulated, by: User, term: Term) -> Stage:
    endpoint = await sync_to_async(foreground.private_endpoint)(simulated.target)
    start: Any = sync_to_async(sessions.start)
    session = await start(by, endpoint, term=term, queue=False)
    lease = await sync_to_async(claim)(session.number, "foreground@test")
    assert lease is not None
    return Stage(simulated, session, by, lease, asyncio.create_task(runner.run(lease)))


def _looks_on(session: Session) -> bool:
    lines = LogLine.objects.filter(session=session, source="gateway")
    return lines.filter(message__startswith="Connected", attempt__scenario="X-15").exists()


async def became(trade: Trade, status: str) -> Trade:
    """Wait until the bot was told of this status of its order."""
    told = asyncio.Event()
    trade.statusEvent += lambda _: told.set()
    async with asyncio.timeout(PATIENCE):
        while trade.orderStatus.status != status:
            told.clear()
            await told.wait()
    return trade
