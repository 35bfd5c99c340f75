"""Broker connectivity: sound gateways pass, and each fault turns the check that guards."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from brokerage.gateway import connecting
from tests.validation.scenarios.catches import Catch, catch
from tests.validation.scenarios.conftest import Caught, Run
from validation.scenarios.connectivity import UNREACHED, reference_time

ONE_TRY = {"validation": {"max_retry_attempts": 1}}
BOTH = ("DU1234567", "DU7654321")
CONFIGURED = ONE_TRY | {"paper_trading": {"expected_account": "DU1234567"}}


@pytest.mark.parametrize("scenario", ["BC-01", "BC-05"])
async def test_passes_on_a_sound_gateway(sound: Run, scenario: str) -> None:
    outcome = await sound(scenario)
    assert (outcome.failed, outcome.warned, outcome.ending.reason) == (set(), set(), "")
    assert outcome.state == "PASSED"


@pytest.mark.parametrize(
    ("scenario", "levers", "check"),
    [
        ("BC-01", {"server_time_offset_s": 60, "config": ONE_TRY}, "server time"),
        ("BC-01", {"server_time_offset_s": -60, "config": ONE_TRY}, "server time"),
        ("BC-01", {"mute_after_handshake": True, "config": ONE_TRY}, "gateway accepts the client"),
        ("BC-01", {"refuse_api": True, "config": ONE_TRY}, "gateway accepts the client"),
        ("BC-03", {"net_liquidation": 94_999.0}, "net liquidation value"),
        ("BC-03", {"buying_power": 0.0}, "buying power"),
        ("BC-04", {"foreign_position": ("AAPL", 10)}, "undocumented positions"),
        ("BC-04", {"later": {"no_positions_end": True}}, "request completes"),
        ("BC-05", {"refuse_reconnect": 0}, "first connection"),
        ("BC-05", {"refuse_reconnect": 1}, "reconnected"),
        ("BC-05", {"next_id_goes_back": True}, "order ids do not go back"),
    ],
)
async def test_fails_because_of(
    run_scenario: Run, scenario: str, levers: dict[str, Any], check: str
) -> None:
    outcome = await run_scenario(scenario, **levers)
    assert (outcome.state, outcome.failed) == ("FAILED", {check})


CATCHES = (catch("BC-05", "stale_after_reconnect", "prices after the reconnect"),)


@pytest.mark.parametrize("catch", CATCHES, ids=str)
async def test_each_fault_is_caught(caught: Caught, catch: Catch) -> None:
    await caught(catch)


async def test_a_live_account_halts_before_any_order(run_scenario: Run) -> None:
    outcome = await run_scenario("BC-01", accounts=("U1234567",))
    assert outcome.ending.halted
    assert outcome.failed == {"every account is a paper account"}
    assert not outcome.gateway.orders_received()


@pytest.mark.parametrize("base", [3, 4])
async def test_the_waits_between_attempts_are_the_configured_ones(
    run_scenario: Run, base: int
) -> None:
    config = {"validation": {"exponential_backoff_base": base}}
    outcome = await run_scenario("BC-05", config=config)
    assert (outcome.state, outcome.failed) == ("PASSED", set())


async def test_another_account_than_the_configured_one_halts(run_scenario: Run) -> None:
    outcome = await run_scenario("BC-01", config=CONFIGURED, accounts=("DU7654321",))
    assert outcome.ending.halted
    assert "DU1234567 is not among DU7654321" in outcome.ending.reason


async def test_a_further_account_beside_the_configured_one_halts(run_scenario: Run) -> None:
    outcome = await run_scenario("BC-01", config=CONFIGURED, accounts=BOTH)
    assert outcome.ending.halted
    assert "DU7654321" in outcome.ending.reason
    assert not outcome.gateway.orders_received()


async def test_the_configured_account_passes(run_scenario: Run) -> None:
    outcome = await run_scenario("BC-01", config=CONFIGURED)
    assert (outcome.state, outcome.failed) == ("PASSED", set())
    assert "account is the configured one" in {row.name for row in outcome.trial.checks}


async def test_one_live_account_among_paper_ones_halts(run_scenario: Run) -> None:
    outcome = await run_scenario("BC-01", accounts=("DU1234567", "U7654321"))
    assert outcome.ending.halted


async def test_the_classification_is_the_port_s_own(sound: Run) -> None:
    outcome = await sound("BC-01")
    seen = {row.name: row.actual for row in outcome.trial.checks}
    assert seen["closed port: class of the error"] == "GatewayConnectionError"
    assert seen["silent listener: class of the error"] == "AuthenticationError"
    assert all(row.planned for row in outcome.trial.notes if "Attempt 3" in row.text)


async def test_more_capital_than_configured_only_warns(run_scenario: Run) -> None:
    outcome = await run_scenario("BC-03", net_liquidation=120_001.0)
    assert (outcome.state, outcome.warned) == ("PASSED", {"capital as configured"})


async def test_capital_is_measured_against_the_configuration(run_scenario: Run) -> None:
    config = {"paper_trading": {"initial_capital": 1_000_000}}
    outcome = await run_scenario("BC-03", config=config)
    assert outcome.failed == {"net liquidation value"}
    assert outcome.measured["net_liquidation"] == 100_000


async def test_a_documented_position_passes(run_scenario: Run) -> None:
    config = {"paper_trading": {"documented_positions": ["AAPL"]}}
    outcome = await run_scenario("BC-04", foreign_position=("AAPL", 10), config=config)
    assert (outcome.state, outcome.failed) == ("PASSED", set())
    assert "Opening position: 10 AAPL" in outcome.said


async def test_as_many_attempts_are_made_as_configured(run_scenario: Run) -> None:
    config = {"validation": {"max_retry_attempts": 2}}
    outcome = await run_scenario("BC-05", config=config)
    waits = next(row for row in outcome.trial.checks if row.name == "start without gateway: waits")
    assert (outcome.state, waits.expected) == ("PASSED", "1 / 2 s")


async def test_a_return_without_its_wait_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(opening: Any, failures: int) -> float:
        opening.gaps.append(0.0)
        return 0.0

    monkeypatch.setattr(connecting._Opening, "_wait", at_once)
    outcome = await run_scenario("BC-05")
    assert outcome.failed == {"start without gateway: waits", "waits before the return"}


async def test_a_start_without_gateway_leaves_a_log_line_for_each_attempt(
    sound: Run,
) -> None:
    outcome = await sound("BC-05")
    lines = [row.text for row in outcome.trial.notes if "Nothing listens at localhost" in row.text]
    assert [line.split(":")[0] for line in lines] == ["Attempt 1", "Attempt 2", "Attempt 3"]


def test_every_way_not_to_reach_a_gateway_is_a_failed_check_not_an_error() -> None:
    assert {error.__name__ for error in UNREACHED} == {
        "GatewayConnectionError",
        "AuthenticationError",
        "ClientIdInUseError",
        "GatewayTimeout",
    }


async def test_at_real_speed_the_server_s_time_is_held_against_our_own_clock() -> None:
    trial: Any = SimpleNamespace(target=SimpleNamespace(speed=1))
    desk: Any = None
    reference = await reference_time(trial, desk)
    assert abs(datetime.now(UTC) - reference) < timedelta(seconds=5)


async def test_a_fast_clock_of_a_closed_exchange_is_its_own_measure() -> None:
    sunday = datetime(2026, 2, 8, 15, tzinfo=UTC)
    trial: Any = SimpleNamespace(target=SimpleNamespace(speed=25, always_open=False))
    desk: Any = SimpleNamespace(now=lambda: sunday)
    assert await reference_time(trial, desk) == sunday
