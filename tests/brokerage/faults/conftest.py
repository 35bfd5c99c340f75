"""A gateway whose time is skipped, and plain ib_async against it."""

from collections.abc import AsyncIterator

import pytest

from brokerage.simulator.server import Gateway
from tests.brokerage.wire.conftest import ib

__all__ = ["gateway", "ib"]


pytest.register_assert_rewrite("tests.brokerage.faults.scenes")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each scene of a module is a test of its own."""
    if "scene" in metafunc.fixturenames:
        metafunc.parametrize("scene", metafunc.module.SCENES, ids=str)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """A sound gateway at the speed of the wall clock; tests switch its faults."""
    async with Gateway.serve(seed=7) as gateway:
        yield gateway
