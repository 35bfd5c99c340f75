"""A gateway whose time is skipped, and plain ib_async against it."""

from collections.abc import AsyncIterator

import pytest

from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import ib

__all__ = ["gateway", "ib"]


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """A sound gateway at the speed of the wall clock; tests switch its faults."""
    async with Gateway.serve(seed=7) as gateway:
        yield gateway
