"""A watch that is told to stop ends, also when a cancellation is swallowed on its way."""

import asyncio
from contextlib import suppress

import pytest

from tests.validation.watch.conftest import Open

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_swallowed_cancellation_does_not_keep_the_watch_alive(watched: Open) -> None:
    swallowed = []

    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        swallowed.append(True)
        await asyncio.sleep(60)

    async with watched() as stage:
        stage.watch.books._look = stubborn  # type: ignore[method-assign]
        await stage.passes(50)
        async with asyncio.timeout(15):
            await stage.watch.stop()
    assert swallowed
