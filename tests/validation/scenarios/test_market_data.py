"""Market data: sound gateways pass, and each fault turns the check that guards against it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Run, unpaced
from validation.scenarios.market_data import expected_bars


def limits(**thresholds: float) -> dict[str, Any]:
    return {"thresholds": thresholds}


@pytest.mark.parametrize("scenario", ["MD-01", "MD-02", "MD-03"])
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
    ],
)
async def test_fails_because_of(
    run_scenario: Run, scenario: str, levers: dict[str, Any], checks: set[str]
) -> None:
    outcome = await run_scenario(scenario, **levers)
    assert outcome.state == "FAILED"
    assert checks <= outcome.failed <= checks | {"distinct updates"}


IMPATIENT = limits(historical_timeout_seconds=0.9)


async def test_the_symbols_that_are_quoted_together_are_configured(run_scenario: Run) -> None:
    outcome = await run_scenario("MD-03", config={"test_contracts": {"companions": ["AAPL"]}})
    asked = {name.removesuffix("_snapshot_ms") for name in outcome.measured if "_snapshot" in name}
    assert (outcome.state, asked) == ("PASSED", {"SPY", "AAPL"})


async def test_the_message_rate_of_several_symbols_is_measured(run_scenario: Run) -> None:
    config = limits(max_messages_per_second=1)
    outcome = await run_scenario("MD-03", config=config, prepare=unpaced)
    assert outcome.failed == {"messages in the fullest second"}


CATCHES = (
    catch("MD-01", "delayed_instead_of_live", "data type", also=("quote is fresh",)),
    catch("MD-01", "no_quote", "bid price", "ask price"),
    catch("MD-01", "crossed_quotes", "bid and ask"),
    catch("MD-01", "no_trades", "last price"),
    catch("MD-01", "wrong_multiplier", "multiplier of the options"),
    catch("MD-01", "contract_details_never_end", "gateway answers"),
    catch("MD-03", "no_quote", *(f"{symbol} quote is fresh" for symbol in ("SPY", "QQQ", "IWM"))),
    catch("MD-02", "history_never_answered", "answer", config=IMPATIENT),
    catch("MD-02", "history_farm_broken", "answer", config=IMPATIENT),
    catch("MD-02", "history_no_data", "answer"),
    catch("MD-02", "history_pacing", "answer"),
    catch("MD-02", "history_unknown_symbol", "answer"),
    catch("MD-02", "history_bars_missing", "bars of …", "spacing"),
    catch("MD-02", "history_bars_late", "bars of …"),
    catch("MD-02", "history_bars_duplicated", "order", "spacing", also=("bars of ",)),
    catch("MD-02", "history_last_bar_wrong", "last close agrees with the quote"),
)  # fmt: skip


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


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
