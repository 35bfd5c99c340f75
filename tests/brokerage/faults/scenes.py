"""Scenes: what plain ib_async sees of a gateway with a fault, and of a sound one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from ib_async import IB, LimitOrder, MarketOrder, Trade

from brokerage.simulator.faults.fault import Fault
from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import codes, spy, until

SETTLED = 0.02  # wall seconds for what is on the wire
FAR = 1.0  # a price at which nobody sells SPY
Switch = Callable[[], None]
Look = Callable[[Gateway, IB, Switch], Awaitable[Any]]


@dataclass(frozen=True)
class Scene:
    """Look at a gateway; `look` is to call `switch` when the fault is due."""

    fault: str
    look: Look
    seen: Any
    sound: Any
    params: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.fault

    async def with_fault(self, gateway: Gateway, ib: IB) -> Any:
        """What is seen when the fault is switched on."""
        return await self.look(gateway, ib, lambda: gateway.faults.on(self.fault, **self.params))

    async def without(self, gateway: Gateway, ib: IB) -> Any:
        """What is seen of the sound gateway."""
        return await self.look(gateway, ib, lambda: None)


class TestScenes:
    """The tests of every module that has SCENES, and FAULTS: the modules that they are about."""

    async def test_ib_async_sees_the_fault(self, gateway: Gateway, ib: IB, scene: Scene) -> None:
        assert await scene.with_fault(gateway, ib) == scene.seen

    async def test_ib_async_sees_nothing_of_it_without_the_fault(
        self, gateway: Gateway, ib: IB, scene: Scene
    ) -> None:
        assert await scene.without(gateway, ib) == scene.sound

    def test_every_fault_has_a_scene(self, request: pytest.FixtureRequest) -> None:
        faults = set().union(*map(names, request.module.FAULTS))
        assert {scene.fault for scene in request.module.SCENES} == faults


def names(module: ModuleType) -> set[str]:
    """The faults that a module adds to the catalogue."""
    faults = [one for one in vars(module).values() if isinstance(one, type)]
    mine = [one for one in faults if one.__module__ == module.__name__ and issubclass(one, Fault)]
    return {one.name for one in mine if one.incidents}


async def buy(ib: IB, quantity: float = 1) -> Trade:
    """A market order for SPY, as it is right after it was sent."""
    return ib.placeOrder(await spy(ib), MarketOrder("BUY", quantity))


async def bid(ib: IB, price: float = FAR) -> Trade:
    """A limit order far from the market, as it is right after it was sent."""
    return ib.placeOrder(await spy(ib), LimitOrder("BUY", 1, price))


async def resting(ib: IB) -> Trade:
    """Such an order once it is working."""
    trade = await bid(ib)
    await until(lambda: trade.orderStatus.status == "Submitted")
    return trade


async def passed(gateway: Gateway, seconds: float) -> None:
    """Let so many simulated seconds go by, and what happened in them arrive."""
    await gateway.skip(seconds)
    await asyncio.sleep(SETTLED)


async def listed(ib: IB) -> int:
    """How many rows the list of all open orders has."""
    return len(await ib.reqAllOpenOrdersAsync())


def heard(ib: IB) -> list[str]:
    """What ib_async tells from now on, by the names of its events."""
    told: list[str] = []
    ib.openOrderEvent += lambda trade: told.append("open")
    ib.orderStatusEvent += lambda trade: told.append(trade.orderStatus.status)
    ib.execDetailsEvent += lambda trade, fill: told.append("execution")
    ib.commissionReportEvent += lambda trade, fill, report: told.append("commission")
    return told


__all__ = ["bid", "buy", "codes", "heard", "listed", "passed", "resting", "spy", "until"]
