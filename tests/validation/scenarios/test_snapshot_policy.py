"""The snapshot policy: its guard holds, and the scenario finds out each way in which it may not."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from ib_async.client import Client

from brokerage.broker import library, market
from brokerage.gateway import Stream, Tick
from tests.validation.scenarios.conftest import Run
from validation.scenarios import snapshot_policy
from validation.scenarios.source_scan import streaming_calls


async def test_passes_without_the_gateway_that_is_validated(sound: Run) -> None:
    outcome = await sound("MD-06")
    assert (outcome.state, outcome.failed) == ("PASSED", set())
    assert len(outcome.gateway.transcript) == 0
    assert outcome.measured["violations"] == 0
    assert outcome.measured["dropped_ticks"] == 9_000


def no_guard(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(library, "ManagedClient", lambda wrapper, _: Client(wrapper))


def no_limit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(market, "MOST_LINES", 1000)


def no_bound(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Stream, "push", lambda stream, tick: stream._buffer.append(tick))


def drops_the_newest(patch: pytest.MonkeyPatch) -> None:
    def push(stream: Any, tick: Any) -> None:
        stream._buffer = stream._buffer if isinstance(stream._buffer, deque) else deque()
        if len(stream._buffer) < stream.bound:
            stream._buffer.append(tick)
        else:
            stream.dropped += 1

    patch.setattr(Stream, "push", push)


def stalling(patch: pytest.MonkeyPatch, slow: Callable[[float], bool], seconds: float) -> None:
    """Keep the thread for so long at every tick that is slow, by its number."""
    push = Stream.push

    def stall(stream: Stream, tick: Tick) -> None:
        if slow(tick.at_session_s):
            time.sleep(seconds)
        push(stream, tick)

    patch.setattr(Stream, "push", stall)


def blocks(patch: pytest.MonkeyPatch) -> None:
    stalling(patch, lambda number: number >= 1000 and number % 250 == 0, 0.05)


def leaks(patch: pytest.MonkeyPatch) -> None:
    readings = iter((100.0, 111.0))
    patch.setattr(snapshot_policy, "resident_mb", lambda: next(readings))


def unlisted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(snapshot_policy, "MANAGED", snapshot_policy.MANAGED - {"market.py unmanaged"})


@pytest.mark.parametrize(
    ("broken", "checks"),
    [
        (no_guard, {"stream that nobody manages", "stream that nobody manages: requests sent"}),
        (no_limit, {"one stream too many", "one stream too many: requests sent"}),
        (no_bound, {"ticks dropped and counted", "ticks kept"}),
        (drops_the_newest, {"ticks kept"}),
        (blocks, {"feeding"}),
        (leaks, {"memory"}),
        (unlisted, {"streams beside the managed subscription"}),
    ],
)
async def test_fails_when(
    run_scenario: Run,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[pytest.MonkeyPatch], None],
    checks: set[str],
) -> None:
    broken(monkeypatch)
    outcome = await run_scenario("MD-06")
    assert (outcome.state, outcome.failed) == ("FAILED", checks)


async def test_a_machine_that_stalls_does_not_fail_it(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalling(monkeypatch, lambda number: number in {500, 4500, 8500}, 0.5)
    outcome = await run_scenario("MD-06")
    assert (outcome.state, outcome.failed) == ("PASSED", set())


class TestScan:
    """Which calls of a source text stream."""

    @pytest.mark.parametrize(
        "call",
        [
            'ib.reqMktData(contract, "233", False, False)',
            "ib.reqMktData(contract)",
            'client.reqMktData(7, contract, "", False, True == flag, [])',
            "ib.reqTickByTickData(contract, 'Last')",
            "ib.reqRealTimeBars(contract, 5, 'TRADES', True)",
            "ib.reqMktDepth(contract)",
            "ib.reqHistoricalData(contract, keepUpToDate=True)",
            "await ib.reqHistoricalDataAsync(contract, keepUpToDate=flag)",
        ],
    )
    def test_finds(self, call: str) -> None:
        source = f"class Feed:\n    async def open(self):\n        {call}\n"
        (found,) = streaming_calls(source)
        assert found[:2] == ("Feed.open", 3)

    @pytest.mark.parametrize(
        "call",
        [
            'ib.reqMktData(contract, "", True, False)',
            "ib.reqMktData(contract, snapshot=True)",
            "ib.reqHistoricalData(contract, '', '1 D')",
            "ib.reqHistoricalDataAsync(contract, keepUpToDate=False)",
            "ib.cancelMktData(7)",
            "reqMktData",
        ],
    )
    def test_passes(self, call: str) -> None:
        assert streaming_calls(call) == []
