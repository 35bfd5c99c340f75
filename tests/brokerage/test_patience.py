"""On a patient loop's clock waiting and working count, the machine's own delays do not."""

import asyncio
import time

import pytest

from brokerage.clock import SessionClock
from brokerage.patience import PatientLoop, patient_loops, steady
from brokerage.simulator.clock import Clock

STALL_S = 0.2


def stall() -> None:
    """Keep the loop's thread from the processor, as a busy machine does."""
    time.sleep(STALL_S)


async def test_the_tests_run_on_it() -> None:
    assert isinstance(asyncio.get_running_loop(), PatientLoop)


async def test_a_stall_costs_no_time() -> None:
    clock = steady()
    before = clock()
    stall()
    await asyncio.sleep(0)
    assert clock() - before < STALL_S / 2


async def test_no_time_limit_passes_by_a_stall() -> None:
    async with asyncio.timeout(STALL_S / 2):
        stall()
        await asyncio.sleep(0.01)


async def test_a_wait_counts() -> None:
    clock = steady()
    before = clock()
    await asyncio.sleep(0.02)
    assert clock() - before >= 0.02


async def test_work_counts() -> None:
    clock, used = steady(), time.thread_time()
    before = clock()
    while time.thread_time() - used < 0.02:
        pass
    assert clock() - before >= 0.02


async def test_a_wait_for_another_thread_counts() -> None:
    clock = steady()
    before = clock()
    await asyncio.to_thread(stall)
    assert clock() - before >= STALL_S / 2


async def test_another_thread_reads_the_loops_newest_time() -> None:
    clock = steady()
    await asyncio.sleep(0)
    before = clock()
    assert before <= await asyncio.to_thread(clock) <= clock()


async def test_gateway_and_client_agree_after_a_stall() -> None:
    gateway, client = Clock(speed=1000), SessionClock(1000)
    began, seconds = gateway.time(), client.elapsed()
    stall()
    assert gateway.time() - began == pytest.approx(client.elapsed() - seconds, abs=50)
    assert gateway.time() - began < STALL_S * 1000 / 2


def test_time_goes_on_where_it_stood_when_the_loop_runs_again() -> None:
    loop = PatientLoop()
    try:
        loop.run_until_complete(asyncio.sleep(0.01))
        before = loop.time()
        stall()
        assert loop.time() == before
        loop.run_until_complete(asyncio.sleep(0))
        assert before <= loop.time() < before + STALL_S / 2
    finally:
        loop.close()


def test_loops_are_patient_inside_the_block_alone() -> None:
    outside = asyncio.get_event_loop_policy()
    with patient_loops():
        loop = asyncio.new_event_loop()
        loop.close()
        assert isinstance(loop, PatientLoop)
    assert asyncio.get_event_loop_policy() is outside


def test_without_a_loop_the_machines_clock_counts() -> None:
    assert steady() is time.monotonic
