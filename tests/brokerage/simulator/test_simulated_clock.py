"""Simulated time runs faster than the machine's, or stands still until moved."""

import asyncio
from datetime import UTC, datetime

import pytest

from brokerage.simulator import clock as module
from brokerage.simulator.clock import Clock, ManualClock

START = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


def test_time_runs_at_the_given_speed(monkeypatch):
    seconds = iter([100.0, 102.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(seconds))
    assert Clock(speed=25.0, start=START).time() == START.timestamp() + 50.0


def test_a_clock_starts_now_unless_told_otherwise():
    assert abs(Clock().time() - datetime.now(UTC).timestamp()) < 5.0


def test_now_is_aware_and_in_utc():
    assert ManualClock(START).now() == START
    assert ManualClock(START).now().tzinfo is UTC


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_a_speed_that_is_not_positive_is_refused(speed):
    with pytest.raises(ValueError, match="speed"):
        Clock(speed=speed)


def test_a_start_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        Clock(start=START.replace(tzinfo=None))


async def test_sleep_shrinks_with_speed(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    await Clock(speed=20.0).sleep(10.0)
    await Clock(speed=20.0).sleep(-1.0)
    assert slept == [0.5, 0.0]


async def test_sleepers_of_a_manual_clock_wake_when_it_passes_their_time():
    clock, woken = ManualClock(START), []

    async def sleeper(seconds):
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3.0, 1.0, 2.0)]
    await asyncio.sleep(0)
    clock.advance(2.5)
    await asyncio.sleep(0)
    assert woken == [1.0, 2.0]
    clock.advance(0.5)
    await asyncio.gather(*tasks)
    assert woken == [1.0, 2.0, 3.0]


async def test_a_manual_sleep_of_nothing_returns_at_once():
    await asyncio.wait_for(ManualClock(START).sleep(0.0), timeout=5)


async def test_advance_skips_a_cancelled_sleeper():
    clock = ManualClock(START)
    task = asyncio.create_task(clock.sleep(1.0))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    clock.advance(5.0)
    assert clock.time() == START.timestamp() + 5.0


def test_a_manual_clock_does_not_go_backwards():
    with pytest.raises(ValueError, match="backwards"):
        ManualClock(START).advance(-1.0)
