"""The latency benchmark: fifty acknowledgements, held against those of an earlier session."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from brokerage.models import OrderGrant, OrderRecord
from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Run
from validation.configuration import Config
from validation.scenarios import latency
from validation.scenarios.trial import Trial
from validation.statistics import Timed

ALLOWED: dict[str, Any] = {"limits": {"max_orders": 60}}
FEW: dict[str, Any] = {"config": ALLOWED, "speed": 100.0}
CATCHES = (
    catch("X-12", "order_without_callback", "orders acknowledged", also=("orders ",), **FEW),
    catch("X-12", "pending_submit_forever", "orders acknowledged", "orders cancelled", **FEW),
)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five orders in place of fifty."""
    monkeypatch.setattr(latency, "ORDERS_PLACED", 5)


def allow_no_more_than(orders: int) -> Callable[[Trial], Awaitable[None]]:
    """A session with so many orders left."""

    async def prepare(trial: Trial) -> None:
        scope = trial.ref.partition("/")[0]
        await OrderGrant.objects.filter(scope=scope).aupdate(max_orders=orders)

    return prepare


def earlier(monkeypatch: pytest.MonkeyPatch, ms: float) -> None:
    """Let a baseline stand whose orders were all acknowledged after so many milliseconds."""
    monkeypatch.setattr(latency, "baseline", lambda _: ("VS-1", [Timed(ms)] * 50))


async def test_times_fifty_orders_and_takes_each_back(run_scenario: Run) -> None:
    outcome = await run_scenario("X-12", config=ALLOWED, prepare=allow_no_more_than(60), speed=10.0)
    assert (outcome.state, outcome.failed) == ("PASSED", set())
    assert outcome.measured["samples"] == 50
    measured = [outcome.measured[f"place_to_ack_p{rank}_ms"] for rank in (50, 95, 99)]
    assert 0 < measured[0] <= measured[1] <= measured[2]
    assert outcome.cleaned is not None
    assert outcome.cleaned.ok


async def test_times_as_many_orders_as_are_allowed_and_says_that_they_are_too_few(
    run_scenario: Run,
) -> None:
    outcome = await run_scenario("X-12", prepare=allow_no_more_than(4))
    assert (outcome.state, outcome.failed) == ("PASSED", set())
    assert outcome.measured["samples"] == len(outcome.gateway.orders_received()) == 4
    assert "samples" in outcome.warned
    (told,) = [row.actual for row in outcome.trial.checks if row.name == "samples"]
    assert told.startswith(
        "INSUFFICIENT: 4. Put a configuration with limits.max_orders of at least"
    )
    assert any("insufficient for p95" in row.text for row in outcome.trial.notes)
    assert outcome.measured["place_to_ack_max_ms"] >= outcome.measured["place_to_ack_p95_ms"]


async def test_fits_the_orders_that_a_configuration_allows_as_it_comes(run_scenario: Run) -> None:
    outcome = await run_scenario("X-12", speed=10.0)
    assert (outcome.state, outcome.failed) == ("PASSED", set())
    assert outcome.measured["samples"] == Config().limits.max_orders == 30


async def test_is_skipped_where_no_order_is_left(run_scenario: Run) -> None:
    outcome = await run_scenario("X-12", prepare=allow_no_more_than(0))
    assert outcome.state == "SKIPPED"
    assert "no orders left" in outcome.ending.reason
    assert not outcome.gateway.orders_received()


async def test_the_raw_times_are_kept_with_the_orders(run_scenario: Run) -> None:
    outcome = await run_scenario("X-12", prepare=allow_no_more_than(3))
    scope = outcome.trial.ref.partition("/")[0]
    kept = [one.acked_ms async for one in OrderRecord.objects.filter(scope=scope)]
    assert len(kept) == 3
    assert max(one for one in kept if one is not None) == pytest.approx(
        outcome.measured["place_to_ack_max_ms"]
    )


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("ms", "failed"), [(10_000.0, set()), (0.01, {"slower than VS-1"})], ids=["slow", "fast"]
)
async def test_the_baseline_is_what_counts(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch, ms: float, failed: set[str]
) -> None:
    earlier(monkeypatch, ms)
    outcome = await run_scenario("X-12", config=ALLOWED)
    assert outcome.failed == failed
    assert ("slower than VS-1, by its interval" in outcome.warned) is bool(failed)


def test_a_session_without_a_baseline_has_nothing_to_compare_with(db: None) -> None:
    assert latency.baseline("VS-0") == ("", [])
