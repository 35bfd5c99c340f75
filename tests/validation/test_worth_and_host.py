"""Drawdown, high-water mark and the host's load, from what a session's facts keep."""

import asyncio
from typing import Any

import pytest

from validation import host_watch
from validation.host_load import HostSample
from validation.host_watch import HostFigures, host_watched
from validation.worth_and_host import counts, limits

BALANCES = {"opening_balance": 100_000.0, "closing_balance": 99_000.0}
WATCHED = {"worth_high": 101_000.0, "worth_readings": 7, "drawdown": 0.04}


def values(facts: dict[str, Any]) -> dict[str, float | None]:
    return {code: value for code, (value, _, _) in counts(facts).items()}


def test_both_balances_alone_give_a_drawdown() -> None:
    found = values(BALANCES)
    assert found["ME-22"] == pytest.approx(1.0)
    assert (found["ME-22b"], found["ME-23"]) == (100_000.0, -1_000.0)


def test_what_the_watch_has_seen_between_them_counts() -> None:
    found = counts(BALANCES | {"watch": WATCHED})
    assert found["ME-22"][:2] == (pytest.approx(4.0), 9)
    assert found["ME-22b"][0] == 101_000.0


def test_a_gain_is_no_drawdown() -> None:
    assert values({"opening_balance": 100.0, "closing_balance": 110.0})["ME-22"] == 0.0


def test_what_nobody_read_has_no_data() -> None:
    assert counts({"watch": None}) == {}


def test_a_drawdown_of_a_tenth_fails_and_the_host_has_no_limit() -> None:
    planned = {one.code: (one.comparator, one.threshold) for one in limits()}
    assert planned["ME-22"] == ("<", 10.0)
    assert {planned[code] for code in ("ME-28", "ME-28b", "ME-28c")} == {("", None)}


async def test_a_session_keeps_what_its_host_was_like(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [HostSample(n, 25.0 * n, 100.0 * n, 0.2 * (n + 1)) for n in range(3)]
    enough = asyncio.Event()

    def sample() -> HostSample | None:
        if taken:
            return taken.pop(0)
        enough.set()
        return None

    monkeypatch.setattr(host_watch, "sample", sample)
    monkeypatch.setattr(host_watch, "_free_gb", lambda: 40.0 + len(taken))
    facts: dict[str, Any] = {}
    async with host_watched(facts, every=0.001):
        await enough.wait()
    found = values(facts)
    assert found["ME-28"] == pytest.approx(25.0)
    assert found["ME-28b"] == pytest.approx(40.0)
    assert found["ME-28c"] == 40.0
    assert "60%" in counts(facts)["ME-28b"][2]


async def test_a_system_that_tells_nothing_adds_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_watch, "sample", lambda: None)
    facts: dict[str, Any] = {}
    async with host_watched(facts):
        await asyncio.sleep(0)
    assert facts == {}


def test_a_session_that_goes_on_adds_to_its_figures() -> None:
    before = HostFigures()
    before.add(HostSample(0, 0, 0, 0.4), None, 9.0)
    later = HostFigures.resumed({"samples": 1, "memory_sum": 0.4, "memory_peak": 0.4})
    later.add(HostSample(9, 50, 100, 0.6), HostSample(5, 0, 0, 0.6), 8.0)
    assert (later.samples, later.memory, later.processors) == (2, pytest.approx(0.5), 0.5)
