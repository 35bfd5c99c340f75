"""Async stories against a simulated gateway, told from ordinary database tests."""

import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from asgiref.sync import async_to_sync

from brokerage import gateway
from brokerage.gateway import Contract, ContractSpec, Desk, Door, Intent, Simulated, Target, Ticket
from brokerage.models import Endpoint, OrderGrant

SPY = ContractSpec("SPY")


def story(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test so that its database work happens on the test's own connection."""

    @functools.wraps(test)
    def told(*args: Any, **kwargs: Any) -> None:
        async_to_sync(test)(*args, **kwargs)

    return told


@asynccontextmanager
async def open_desk(
    readonly: bool = False, speed: float = 25.0, **levers: Any
) -> AsyncIterator[tuple[Simulated, Desk]]:
    """A desk on a simulated gateway whose faults begin after the connection stands."""
    async with (
        gateway.simulation(speed=speed) as simulated,
        gateway.connect(await granted(simulated.target), readonly=readonly) as desk,
    ):
        set_levers(simulated, **levers)
        yield simulated, desk


async def granted(target: Target) -> Target:
    """The same gateway as the first endpoint, which grants are for, if there is one."""
    endpoint = await Endpoint.objects.order_by("pk").afirst()
    return replace(target, endpoint_id=endpoint.pk if endpoint else None)


def set_levers(simulated: Simulated, **levers: Any) -> None:
    """Switch faults on, or off again."""
    for name, value in levers.items():
        assert hasattr(simulated.levers, name)
        setattr(simulated.levers, name, value)


async def buy(
    desk: Desk, grant: OrderGrant | None, key: str = "k1", *, far: bool = False, **more: Any
) -> Ticket:
    """Buy one share of SPY: at once, or far below the market."""
    contract = await desk.qualify(SPY)
    intent = await buying(desk, contract, key, far=far)
    return await desk.place(replace(intent, **more), door(desk, grant))


async def buying(desk: Desk, contract: Contract, key: str = "k1", *, far: bool = False) -> Intent:
    """The order of `buy`."""
    quote = await desk.quote(contract)
    price = round(quote.bid / 2, 2) if far else round(quote.ask + 0.5, 2)
    return Intent(key, contract, "BUY", 1, limit_price=price, ref="s1/OE-01")


def door(desk: Desk, grant: OrderGrant | None) -> Door:
    """The door of a grant."""
    return Door(grant.pk if grant else None, desk.clock)


def orders_on_the_wire(simulated: Simulated) -> int:
    """How many order messages crossed the wire."""
    return len(simulated.gateway.orders_received())
