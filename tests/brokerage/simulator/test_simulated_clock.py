"""Simulated time runs faster than the machine's, or stands still until moved."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from brokerage.simulator import clock as module
from brokerage.simulator.clock import Clock, ManualClock

START = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


def test_time_runs_at_the_given_speed(monkeypatch):
    seconds = iter([100.0, 102.0])
    monkeypatch.setattr(module, "steady", lambda: lambda: next(seconds))
    assert Clock(speed=25.0, start=START).time() == START.timestamp() + 50.0


def test_a_clock_starts_now_unless_told_otherwise():
    assert abs(Clock().time() - datetime.now(UTC).timestamp()) < 5.0


def test_now_is_aware_and_in_utc():
    assert ManualClock(START).now() == START
    assert ManualClock(START).now().tzinfo is UTC


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_a_speed_that_is_not_positive_is_refused(speed):
    with pytest.raises(ValueError, match="speed"):
        Clock(speed=speed)


def test_a_start_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        Clock(start=START.replace(tzinfo=None))


async def test_sleep_shrinks_with_speed():
    clock, began = Clock(speed=1000.0, start=START), time.monotonic()
    await clock.sleep(20.0)
    assert clock.time() >= START.timestamp() + 20.0
    assert time.monotonic() - began < 10.0


async def test_sleep_of_no_or_negative_length_returns_at_once():
    await asyncio.wait_for(Clock(speed=20.0).sleep(-1.0), timeout=5)


async def test_a_jump_wakes_those_whose_time_has_come():
    clock = Clock(start=START)
    task = asyncio.create_task(clock.sleep(3600.0))
    await asyncio.sleep(0)
    clock.jump(clock.time() + 3600.0)
    await asyncio.wait_for(task, timeout=5)
    assert clock.changed == []


@pytest.mark.parametrize("clock", [Clock(start=START), ManualClock(START)])
def test_a_jump_back_changes_nothing(clock):
    before = clock.time()
    clock.jump(before - 60.0)
    assert clock.time() >= before


def test_a_jump_goes_exactly_there():
    clock = ManualClock(START)
    clock.jump(START.timestamp() + 7200.25)
    assert clock.time() == START.timestamp() + 7200.25


def test_another_speed_starts_without_a_jump(monkeypatch):
    seconds = [100.0]
    monkeypatch.setattr(module, "steady", lambda: lambda: seconds[0])
    clock = Clock(speed=25.0, start=START)
    seconds[0] += 2
    clock.set_speed(2.0)
    assert clock.time() == START.timestamp() + 50.0
    seconds[0] += 3
    assert clock.time() == START.timestamp() + 56.0


def test_time_stands_while_it_is_held():
    clock = ManualClock(START)
    clock.hold(START.timestamp() - 1.0)
    assert clock.now() == START - timedelta(seconds=1)
    assert clock.running() == START.timestamp()
    clock.release()
    assert clock.now() == START


def test_listeners_hear_of_a_jump_and_of_another_speed():
    clock, heard = Clock(start=START), []
    clock.changed.append(lambda: heard.append(clock.speed))
    clock.jump(clock.time() + 1.0)
    clock.set_speed(3.0)
    assert heard == [1.0, 3.0]


def test_wall_seconds_follow_the_speed(monkeypatch):
    monkeypatch.setattr(module, "steady", lambda: lambda: 100.0)
    clock = Clock(speed=20.0, start=START)
    assert [clock.wall(clock.time() + gap) for gap in (10.0, -5.0)] == [0.5, 0.0]


def test_a_clock_moved_by_hand_comes_to_no_time_by_itself():
    clock = ManualClock(START)
    assert clock.wall(clock.time() + 1.0) is None
    assert clock.wall(clock.time()) == 0.0
    with pytest.raises(ValueError, match="by hand"):
        clock.set_speed(2.0)


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
