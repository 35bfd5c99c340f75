"""A simulated gateway, and one of the vendor's clients in a process of its own against it.

A module of tests says which one: `NAME`, a directory of `.venv/clients`, and the `VERSION` that it
must negotiate.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

REWRITTEN = ("layouts", "quotes", "sessions", "streams", "terms", "trades", "vendor")
pytest.register_assert_rewrite(*(f"tests.brokerage.clients.{name}" for name in REWRITTEN))

from brokerage.simulator.server import Gateway  # noqa: E402
from tests.brokerage.clients.vendor import SPEED, Bot, Driver  # noqa: E402


@pytest.fixture(scope="module")
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """The module's client; a process serves all its tests."""
    with Driver.of(request.module.NAME) as driver:
        yield driver


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """A sound gateway."""
    async with Gateway.serve(seed=7, speed=SPEED) as gateway:
        yield gateway


@pytest.fixture
async def bot(
    driver: Driver, gateway: Gateway, request: pytest.FixtureRequest
) -> AsyncIterator[Bot]:
    """A connected client; must not have complained of anything in the end."""
    bot = driver.bot()
    assert await bot.connect(gateway.port) == request.module.VERSION
    yield bot
    await bot.disconnect()
    assert bot.complaints == []


@pytest.fixture
async def other(driver: Driver, gateway: Gateway) -> AsyncIterator[Bot]:
    """A second one, with client id 2."""
    bot = driver.bot()
    await bot.connect(gateway.port, 2)
    yield bot
    await bot.disconnect()
    assert bot.complaints == []
