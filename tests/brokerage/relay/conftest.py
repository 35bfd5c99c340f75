"""A simulated gateway behind a relay, and ib_async in front of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ib_async import IB

from brokerage.relay.recorder import Recorder
from brokerage.relay.relay import Relay
from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import SPEED


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """A sound gateway."""
    async with Gateway.serve(seed=7, speed=SPEED) as gateway:
        yield gateway


@pytest.fixture
async def relay(gateway: Gateway) -> AsyncIterator[Relay]:
    """A relay in front of it that records nothing."""
    async with Relay("127.0.0.1", gateway.port) as relay:
        yield relay


@asynccontextmanager
async def recorded(gateway: Gateway, path: Path, **options: object) -> AsyncIterator[Relay]:
    """A relay that records into a file."""
    with Recorder(path, **options) as recorder:
        async with Relay("127.0.0.1", gateway.port, witness=recorder) as relay:
            yield relay


async def ended(ib: IB, limit: float = 5.0) -> None:
    """Wait until a client has noticed that its connection has gone."""
    async with asyncio.timeout(limit):
        while ib.isConnected():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
