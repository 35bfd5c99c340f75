"""A hasty loop skips what nobody needs, and waits for a thread; its clock counts both."""

import asyncio
import socket
import time

import pytest

from brokerage.patience import steady

LONG_S = 300.0

pytestmark = pytest.mark.usefixtures("haste")


async def test_a_wait_for_a_timer_alone_is_skipped_and_counts() -> None:
    clock, began = steady(), time.monotonic()
    before = clock()
    await asyncio.sleep(LONG_S)
    assert LONG_S <= clock() - before < LONG_S + 60
    assert time.monotonic() - began < LONG_S / 2


async def test_no_time_limit_passes_while_a_thread_works() -> None:
    async with asyncio.timeout(LONG_S):
        await asyncio.to_thread(time.sleep, 0.2)


async def test_a_wait_for_a_thread_counts_as_long_as_it_takes() -> None:
    clock = steady()
    before = clock()
    waiting = asyncio.create_task(asyncio.sleep(LONG_S))
    await asyncio.to_thread(time.sleep, 0.1)
    assert clock() - before < LONG_S
    waiting.cancel()


async def test_what_a_socket_brings_comes_before_a_later_timer() -> None:
    near, far = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=near)
    asyncio.get_running_loop().call_later(1.0, far.send, b"x")
    async with asyncio.timeout(LONG_S):
        assert await reader.read(1) == b"x"
    writer.close()
    far.close()


@pytest.mark.unhurried
async def test_an_unhurried_test_waits() -> None:
    began = time.monotonic()
    await asyncio.sleep(0.05)
    assert time.monotonic() - began >= 0.05
