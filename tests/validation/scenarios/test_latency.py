"""The latency benchmark: fifty acknowledgements, held against those of an earlier session."""

from typing import Any

import pytest

from brokerage.models import OrderGrant
from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Run
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


async def allow(trial: Trial) -> None:
    scope = trial.ref.partition("/")[0]
    await OrderGrant.objects.filter(scope=scope).aupdate(max_orders=60)


def earlier(monkeypatch: pytest.MonkeyPatch, ms: float) -> None:
    """Let a baseline stand whose orders were all acknowledged after so many milliseconds."""
    monkeypatch.setattr(latency, "baseline", lambda _: ("VS-1", [Timed(ms)] * 50))


async def test_times_fifty_orders_and_takes_each_back(run_scenario: Run) -> None:
    outcome = await run_scenario("X-12", config=ALLOWED, prepare=allow, speed=10.0)
    assert (outcome.state, outcome.failed) == ("PASSED", set())
    assert outcome.measured["samples"] == 50
    measured = [outcome.measured[f"place_to_ack_p{rank}_ms"] for rank in (50, 95, 99)]
    assert 0 < measured[0] <= measured[1] <= measured[2]
    assert outcome.cleaned is not None
    assert outcome.cleaned.ok


async def test_is_skipped_where_so_many_orders_are_not_allowed(run_scenario: Run) -> None:
    outcome = await run_scenario("X-12")
    assert outcome.state == "SKIPPED"
    assert "30 orders a session" in outcome.ending.reason
    assert not outcome.gateway.orders_received()


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
