"""Market data: sound gateways pass, and each fault turns the check that guards against it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.validation.scenarios.conftest import Run
from validation.scenarios.market_data import (
    expected_bars,
    longest_gap,
    nearest_rank,
    newest_ages,
)


def limits(**thresholds: float) -> dict[str, Any]:
    return {"thresholds": thresholds}


HALF_A_MINUTE = limits(stream_quality_seconds=30)


@pytest.mark.parametrize("scenario", ["MD-01", "MD-02", "MD-03", "MD-04"])
async def test_passes_on_a_sound_gateway(sound: Run, scenario: str) -> None:
    outcome = await sound(scenario)
    assert (outcome.failed, outcome.ending.reason) == (set(), "")
    assert outcome.state == "PASSED"


@pytest.mark.parametrize(
    ("scenario", "levers", "checks"),
    [
        ("MD-01", {"delayed_data": True}, {"data type", "quote is fresh"}),
        ("MD-01", {"market_data_type": 2}, {"data type"}),
        ("MD-01", {"frozen_quotes": True}, {"quote is fresh"}),
        ("MD-01", {"no_bid": True}, {"bid price"}),
        ("MD-01", {"no_ask": True}, {"ask price"}),
        ("MD-01", {"crossed_quotes": True}, {"bid and ask"}),
        (
            "MD-01",
            {"snapshot_never_ends": True, "config": limits(snapshot_timeout_seconds=0.9)},
            {"snapshot ends"},
        ),
        ("MD-02", {"history_unsorted": True}, {"order", "spacing"}),
        ("MD-02", {"history_bad_close": True}, {"closes"}),
        (
            "MD-02",
            {"history_mute": True, "config": limits(historical_timeout_seconds=0.9)},
            {"answer"},
        ),
        ("MD-03", {"swap_symbols": True}, {"SPY price is its own", "QQQ price is its own"}),
        (
            "MD-03",
            {"mute_symbol": "IWM"},
            {"IWM quote is fresh", "IWM last price", "IWM price is its own"},
        ),
        (
            "MD-03",
            {"frozen_quotes": True},
            {"SPY quote is fresh", "QQQ quote is fresh", "IWM quote is fresh"},
        ),
        (
            "MD-04",
            {"stream_stops_after_s": 8, "config": HALF_A_MINUTE},
            {"longest gap", "seconds with a fresh update"},
        ),
        (
            "MD-04",
            {"stream_slow_s": 22, "config": HALF_A_MINUTE},
            {"longest gap", "seconds with a fresh update", "distinct updates"},
        ),
        (
            "MD-04",
            {"frozen_quotes": True, "config": HALF_A_MINUTE},
            {"longest gap", "seconds with a fresh update", "distinct updates"},
        ),
    ],
)
async def test_fails_because_of(
    run_scenario: Run, scenario: str, levers: dict[str, Any], checks: set[str]
) -> None:
    outcome = await run_scenario(scenario, **levers)
    assert outcome.state == "FAILED"
    assert checks <= outcome.failed <= checks | {"distinct updates"}


async def test_missing_bars_fail_the_count_and_the_spacing(run_scenario: Run) -> None:
    outcome = await run_scenario("MD-02", history_missing_bars=3)
    counted = next(row for row in outcome.trial.checks if row.name.startswith("bars of "))
    assert (outcome.state, outcome.failed) == ("FAILED", {counted.name, "spacing"})
    assert int(counted.actual) == int(counted.expected) - 3


async def test_a_session_that_closed_early_has_fewer_bars(run_scenario: Run) -> None:
    evening = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)
    outcome = await run_scenario("MD-02", start=evening)
    assert (outcome.state, outcome.measured["bars"]) == ("PASSED", 42)


async def test_data_that_are_not_live_hint_at_subscriptions(run_scenario: Run) -> None:
    outcome = await run_scenario("MD-01", delayed_data=True)
    assert "check the account's market data subscriptions" in outcome.said


async def test_the_age_limit_of_a_quote_is_the_configured_one(run_scenario: Run) -> None:
    config = limits(quote_freshness_seconds=60)
    outcome = await run_scenario("MD-01", frozen_quotes=True, config=config)
    assert (outcome.state, outcome.failed) == ("PASSED", set())


async def test_the_number_of_updates_is_the_configured_one(run_scenario: Run) -> None:
    config = limits(stream_quality_min_quotes=10_000, stream_quality_seconds=10)
    outcome = await run_scenario("MD-04", config=config)
    assert outcome.failed == {"distinct updates"}


async def test_a_stream_that_overflows_its_buffer_fails(run_scenario: Run) -> None:
    config = limits(stream_buffer_bound=10, stream_quality_seconds=10)
    outcome = await run_scenario("MD-04", config=config)
    buffer = next(row for row in outcome.trial.checks if row.name == "buffer")
    assert buffer.expected == "at most 10, none dropped"
    assert outcome.measured["buffer_peak"] <= 10


class TestBars:
    """How many bars a day must have."""

    @pytest.mark.parametrize(
        ("day", "now", "counts"),
        [
            (date(2026, 2, 9), datetime(2026, 2, 9, 21, 0, tzinfo=UTC), (78, 78)),
            (date(2026, 11, 27), datetime(2026, 11, 28, 0, 0, tzinfo=UTC), (42, 42)),
            (date(2026, 2, 9), datetime(2026, 2, 9, 15, 2, tzinfo=UTC), (6, 7)),
            (date(2026, 2, 8), datetime(2026, 2, 9, 15, 2, tzinfo=UTC), (0, 0)),
        ],
        ids=["full session", "closed at 13:00", "32 minutes old", "Sunday"],
    )
    def test_by_the_exchange_s_calendar(
        self, day: date, now: datetime, counts: tuple[int, int]
    ) -> None:
        assert expected_bars(day, now) == counts


class TestStreamFigures:
    """Ages and gaps of updates, in seconds since the stream began."""

    def test_the_age_at_each_second_is_that_of_the_newest_update(self) -> None:
        assert newest_ages([0.5, 1.0, 2.25], 4) == [0.0, 1.0, 0.75, 1.75]

    def test_before_the_first_update_there_is_no_age(self) -> None:
        assert newest_ages([2.0], 2) == [float("inf"), 0.0]

    def test_a_gap_counts_from_the_beginning_and_to_the_end(self) -> None:
        assert longest_gap([4.0, 5.0], 6) == 4.0
        assert longest_gap([0.5, 1.0], 9) == 8.0

    def test_updates_older_than_the_stream_close_no_gap(self) -> None:
        assert longest_gap([-60.0, -59.0], 30) == 30.0

    @pytest.mark.parametrize(("percent", "value"), [(50, 2.0), (95, 4.0), (1, 1.0)])
    def test_percentiles_are_by_nearest_rank(self, percent: float, value: float) -> None:
        assert nearest_rank([4.0, 1.0, 3.0, 2.0], percent) == value
