"""After hours: old prices are recognised, and the procedure is not run while anything trades."""

import math
from datetime import UTC, datetime

import pytest

from brokerage import safety
from brokerage.errors import OrderRefused
from brokerage.gateway import Quote
from brokerage.safety import quote_problem
from tests.validation.scenarios.conftest import Run
from validation.scenarios import after_hours, steps

SUNDAY = datetime(2026, 2, 8, 15, tzinfo=UTC)
NIGHT = datetime(2026, 2, 10, 2, 30, tzinfo=UTC)
EVENING = datetime(2026, 2, 9, 22, tzinfo=UTC)
NOON = datetime(2026, 2, 9, 17, tzinfo=UTC)


@pytest.mark.parametrize("start", [SUNDAY, NIGHT], ids=["Sunday", "after 20:00"])
async def test_passes_when_the_exchange_is_closed(run_scenario: Run, start: datetime) -> None:
    outcome = await run_scenario("X-05", start=start, always_open=False)
    assert (outcome.state, outcome.failed) == ("PASSED", set())
    assert not outcome.gateway.orders_received()


@pytest.mark.parametrize(
    ("start", "reason"), [(NOON, "is open"), (EVENING, "still traded")], ids=["noon", "evening"]
)
async def test_says_nothing_while_something_trades(
    run_scenario: Run, start: datetime, reason: str
) -> None:
    outcome = await run_scenario("X-05", start=start, always_open=False)
    assert outcome.state == "SKIPPED"
    assert reason in outcome.ending.reason


async def test_a_decision_on_old_prices_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after_hours, "objection", lambda *_: None)
    outcome = await run_scenario("X-05", start=SUNDAY, always_open=False)
    assert outcome.failed == {"decision", "class by its age"}


async def test_a_decision_that_does_not_ask_for_the_age_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ageless(quote: Quote | None, now: datetime, *limits: float) -> OrderRefused | None:
        return quote_problem(quote, now, math.inf, math.inf)

    monkeypatch.setattr(steps, "quote_problem", ageless)
    outcome = await run_scenario("X-05", start=SUNDAY, always_open=False)
    assert outcome.failed == {"class by its age"}


async def test_a_rule_of_hours_that_knows_none_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after_hours, "hours_problem", lambda *_: None)
    outcome = await run_scenario("X-05", start=SUNDAY, always_open=False)
    assert outcome.failed == {"hours"}


async def test_a_door_that_does_not_ask_for_the_hours_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "hours_problem", lambda *_: None)
    outcome = await run_scenario("X-05", start=SUNDAY, always_open=False)
    assert outcome.failed == {"order"}
    assert not outcome.gateway.orders_received()
