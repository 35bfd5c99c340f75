"""Stability: sound gateways pass, and each fault turns the check that guards against it."""

from typing import Any

import pytest

from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Run
from validation.scenarios import stability

LOST, CODES, ANSWERS = "unplanned disconnects", "codes of a lost link", "answers"
ROUND_TRIPS = ("average round trip", "95 % of the round trips")
FARMS = "links and data farms that did not recover"
GAPS = ("longest gap", "longest silence")
QUOTE = ("SPY quote arrives", "quote agrees with the newest bar", "gateway answers")
CONTENT = (
    "distinct prices of one side", "longest standstill of the quote", "bid, ask and last are told",
)  # fmt: skip
SILENT = (*CONTENT, *QUOTE)
GONE = (*SILENT, *GAPS, "answers with ", "stream stays open", "connection holds")


def minute(fault: str, *checks: str, **more: Any) -> Catch:
    """A catch by BC-06, five seconds after its start."""
    return catch("BC-06", fault, *checks, after=5.0, **more)


def long(fault: str, *checks: str, after: float = 10.0, **more: Any) -> Catch:
    """A catch by RS-05."""
    return catch("RS-05", fault, *checks, after=after, **more)


MINUTES = (
    minute("link_lost", LOST, CODES, also=(ANSWERS,)),
    minute("server_link_broken", LOST, CODES, also=(ANSWERS,)),
    minute("silent_after_1102", LOST, CODES, also=(ANSWERS, *ROUND_TRIPS)),
    minute("half_open_socket", ANSWERS, also=ROUND_TRIPS),
    minute("mute_after_handshake", ANSWERS, also=ROUND_TRIPS),
    minute("gateway_freezes", *ROUND_TRIPS, also=(ANSWERS,)),
    minute("pacing_kick", LOST, ANSWERS, also=ROUND_TRIPS),
    minute("truncated_frame", LOST, ANSWERS),
    minute("nightly_restart", LOST, ANSWERS, also=ROUND_TRIPS),
    minute("nightly_restart", LOST, ANSWERS, CODES, params={"announced": True}, also=ROUND_TRIPS),
)
HOURS = (
    long("market_farm_broken", *GAPS, FARMS, also=SILENT),
    long("history_farm_broken", FARMS, "quote agrees with the newest bar"),
    long("definition_farm_broken", FARMS),
    long("farm_flapping", "breaks of the market data farm", after=2.0, also=(*SILENT, FARMS)),
    long("farm_switch", *GAPS, also=SILENT),
    long("link_lost", LOST, CODES, FARMS, also=GONE),
    long("server_link_broken", LOST, CODES, FARMS, also=GONE),
    long("silent_after_1102", LOST, CODES, *GAPS, params={"seconds": 5.0}, also=GONE),
    long("competing_session", "stream stays open", *GAPS, also=SILENT),
    long("half_open_socket", "answers with times", *GAPS, also=GONE),
    long("gateway_freezes", *GAPS, params={"seconds": 40.0}, also=(*GONE, *CONTENT)),
    long("positions_never_end", "answers with positions", after=10.0),
    long("position_changed_elsewhere", "positions", after=30.0),
    long("frozen_prices", "longest standstill of the quote", also=(*SILENT, "bid above ask")),
    long("bursts_of_ticks", "longest silence", params={"every": 30.0}, also=(*SILENT, *GAPS)),
    # A third of the prices come late, those of the last snapshot too: it may end without a last.
    long(
        "ticks_out_of_order",
        "trades in the order of their times",
        also=("bid above ask", "quote agrees with the newest bar"),
    ),
)
CATCHES = MINUTES + HOURS


@pytest.fixture
def shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bit more than one minute in place of five: what happens in it is the same."""
    monkeypatch.setattr(stability, "LONG_S", 75.0)
    monkeypatch.setattr(stability, "WARM_S", 15.0)
    monkeypatch.setattr(stability, "POSITIONS_EVERY_S", 20.0)


@pytest.mark.parametrize("scenario", ["BC-06", "RS-05"])
async def test_passes_on_a_sound_gateway(sound: Run, scenario: str) -> None:
    outcome = await sound(scenario)
    assert (outcome.failed, outcome.warned, outcome.ending.reason) == (set(), set(), "")
    assert outcome.state == "PASSED"


@pytest.mark.parametrize("catch", MINUTES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


@pytest.mark.usefixtures("shorter")
@pytest.mark.parametrize("catch", HOURS, ids=str)
async def test_each_fault_of_a_long_session_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


@pytest.mark.parametrize("fault", ["split_frames", "market_farm_broken", "status_flood"])
async def test_what_does_not_concern_the_connection_passes(run_scenario: Run, fault: str) -> None:
    outcome = await run_scenario("BC-06", catch=minute(fault))
    assert (outcome.state, outcome.failed) == ("PASSED", set())


async def test_slow_answers_fail_both_limits(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stability, "SCHEDULING_WALL_S", -0.5)
    outcome = await run_scenario("BC-06")
    assert outcome.failed == set(ROUND_TRIPS)


async def test_all_answers_of_the_minute_are_measured(sound: Run) -> None:
    outcome = await sound("BC-06")
    measured, samples = outcome.measured, outcome.trial.samples
    assert measured["answers"] == len(samples) == stability.TIMES
    assert max(sample.ms for sample in samples) == measured["rtt_max"]
    assert {(sample.kind, sample.censored) for sample in samples} == {("CONNECTION", False)}
    assert measured["rtt_p50"] <= measured["rtt_p95"] <= measured["rtt_max"]
    assert measured["disconnects"] == 0


@pytest.mark.usefixtures("shorter")
@pytest.mark.parametrize(
    ("leak", "checks"),
    [
        (0.0, set()),
        (0.2, {"growth of memory after the first minute", "slope of memory"}),
        (10.0, {
            "growth of memory after the first minute", "slope of memory", "resident memory",
        }),
    ],
)  # fmt: skip
async def test_a_leak_is_told_by_growth_and_slope(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch, leak: float, checks: set[str]
) -> None:
    clock: dict[str, Any] = {}

    async def remember(trial: Any) -> None:
        clock["trial"] = trial.clock

    monkeypatch.setattr(stability, "resident_mb", lambda: 100.0 + leak * clock["trial"].elapsed())
    outcome = await run_scenario("RS-05", prepare=remember)
    assert {name for name in outcome.failed if "memory" in name} == checks


@pytest.mark.usefixtures("shorter")
async def test_the_limit_of_the_memory_is_the_configured_one(run_scenario: Run) -> None:
    outcome = await run_scenario("RS-05", config={"thresholds": {"max_memory_mb": 1}})
    assert outcome.failed == {"resident memory"}


@pytest.mark.parametrize(
    ("scenario", "limits", "check", "asked"),
    [
        ("BC-06", {"connection_p95_ms": 300.0}, ROUND_TRIPS[1], "below 300 ms"),
        ("RS-05", {"session_max_gap_seconds": 4.0}, GAPS[0], "at most 4 s"),
    ],
)
@pytest.mark.usefixtures("shorter")
async def test_what_is_configured_is_what_is_asked(
    run_scenario: Run, scenario: str, limits: dict[str, float], check: str, asked: str
) -> None:
    outcome = await run_scenario(scenario, config={"thresholds": limits})
    assert {row.name: row.expected for row in outcome.trial.checks}[check] == asked
