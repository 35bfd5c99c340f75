"""A watch beside a simulated gateway, and a trader whose orders it watches."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.utils import timezone

from brokerage import gateway
from brokerage.clock import SessionClock
from brokerage.gateway import Desk, Ticket
from brokerage.models import Endpoint, OrderGrant
from brokerage.safety import Door
from brokerage.simulator.server import Gateway
from brokerage.terms import Contract, ContractSpec, Intent
from validation.models import ConnectionEvent, Finding
from validation.watch import Assignment, Watch, books
from validation.watch.conditions import Condition
from validation.watch.notebook import Kept, Notebook

SPEED = 50.0
# Real seconds that a loaded machine may need for what takes one.
PATIENCE = 20.0
numbers = count(1)


@dataclass
class Stage:
    """The gateway, what watches it, and what was seen; `planned` says that faults are provoked."""

    gateway: Gateway
    endpoint: Endpoint
    scope: str
    rows: list[Kept] = field(default_factory=list)
    unsafe: list[str] = field(default_factory=list)
    planned: bool = False
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        notebook = Notebook(0, self.rows.append, lambda: None)
        self.watch = Watch(
            Assignment(
                self.endpoint.target(), self.scope, notebook,
                provoked=lambda: self.planned, unsafe=self.unsafe.append,
            )
        )  # fmt: skip

    @property
    def findings(self) -> list[Finding]:
        """All sightings so far."""
        return [row for row in self.rows if isinstance(row, Finding)]

    @property
    def kinds(self) -> set[str]:
        """The kinds of what began."""
        return {row.kind for row in self.findings}

    @property
    def lanes(self) -> list[tuple[str, str]]:
        """The changes of the lanes in their order."""
        return [(row.lane, row.state) for row in self.rows if isinstance(row, ConnectionEvent)]

    async def sees(self, kind: str, phase: str = "BEGAN") -> Finding:
        """Wait for a finding."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for row in self.findings:
                    if (row.kind, row.phase) == (kind, phase):
                        return row
                await asyncio.sleep(0.02)

    async def passes(self, seconds: float) -> None:
        """Let simulated seconds pass."""
        await asyncio.sleep(seconds / SPEED)

    def cut(self) -> None:
        """End all connections."""
        for peer in list(self.gateway.peers()):
            peer.cut()

    async def ends(self) -> list[Condition]:
        """Let the watch compare for the last time."""
        return await self.watch.conclude(30.0)


@dataclass
class Trader:
    """A desk of the session that trades SPY."""

    desk: Desk
    door: Door
    scope: str
    spy: Contract

    async def buy(self, far: bool = False, side: Any = "BUY") -> Ticket:
        """Send an order for one share, which fills at once or rests."""
        quote = await self.desk.quote(self.spy)
        through = 0.50 if side == "BUY" else -0.50
        limit = round(quote.bid * 0.98 if far else quote.mid + through, 2)
        key = f"{self.scope}-{next(numbers)}"
        ref = f"{self.scope}/OE-01"
        intent = Intent(key, self.spy, side, 1, "LMT", limit, ref=ref)
        return await self.desk.place(intent, self.door)


Open = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture(autouse=True)
def _in_haste(haste: None) -> None:
    """Gateway and clients share a loop."""


@pytest.fixture
def watched(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a stage: `before` names a fault that is on from the beginning."""
    monkeypatch.setattr(books, "LOOK", 0.2)

    @asynccontextmanager
    async def opened(before: str = "", seed: int = 7, **settings: Any) -> AsyncIterator[Stage]:
        async with Gateway.serve(seed=seed, speed=SPEED, **settings) as simulated:
            if before:
                simulated.faults.on(before)
            number = next(numbers)
            endpoint = await Endpoint.objects.acreate(
                name=f"watched {number}", port=simulated.port, kind=Endpoint.Kind.SIMULATED,
                speed=SPEED, always_open=settings.get("always_open", True),
            )  # fmt: skip
            stage = Stage(simulated, endpoint, f"watch_{number:03}")
            await stage.watch.begin()
            try:
                yield stage
            finally:
                await stage.watch.stop()

    return opened


@asynccontextmanager
async def trading(stage: Stage) -> AsyncIterator[Trader]:
    """A trader on the stage, whose desk is looked at before it is closed."""
    grant = await OrderGrant.objects.acreate(
        scope=stage.scope, endpoint=stage.endpoint, max_notional=50_000.0, symbols=["SPY"],
        expires_at=timezone.now() + timedelta(minutes=5),
    )  # fmt: skip
    clock = SessionClock(SPEED)
    async with AsyncExitStack() as stack:
        serving = gateway.connect(stage.endpoint.target(), readonly=False, clock=clock)
        desk = await stack.enter_async_context(serving)
        await stack.enter_async_context(stage.watch.over(desk))
        spy = await desk.qualify(ContractSpec("SPY"))
        yield Trader(desk, Door(grant.pk, clock), stage.scope, spy)
