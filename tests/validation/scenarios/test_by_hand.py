"""Procedures with a person: they pass when the person does what is asked, and tell what is not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from brokerage.errors import AuthenticationError, GatewayConnectionError, GatewayError
from brokerage.gateway import Desk
from brokerage.simulator.server import Gateway
from tests.validation.scenarios.conftest import Run
from validation.scenarios import by_hand
from validation.scenarios.disconnects import LossListener
from validation.scenarios.trial import Trial, TrialListener

ONE_TRY: dict[str, Any] = {"validation": {"max_retry_attempts": 1}}
Deed = Callable[[Gateway], object]
Prepare = Callable[[Trial], Awaitable[None]]


def person(*deeds: Deed) -> Prepare:
    """Somebody who does one thing after the other, each when asked."""
    todo = list(deeds)

    async def prepare(trial: Trial) -> None:
        async def asked(title: str, text: str, severity: str) -> None:
            if title == by_hand.YOUR_TURN and todo:
                todo.pop(0)(trial.shared["gateway"])

        trial.raise_alert = asked

    return prepare


def on(fault: str, **params: Any) -> Deed:
    return lambda gateway: gateway.faults.on(fault, **params)


def off(fault: str) -> Deed:
    return lambda gateway: gateway.faults.off(fault)


def nothing(gateway: Gateway) -> None:
    """Somebody who is not there."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_hand, "PATIENCE_S", 40.0)


STOP, START = on("sunday_token_loss"), off("sunday_token_loss")
LOCK, UNLOCK = on("port_open_api_mute"), off("port_open_api_mute")
BUY = on("position_changed_elsewhere", quantity=1.0)
SELL = on("position_changed_elsewhere", quantity=-1.0)


@pytest.mark.parametrize(
    ("scenario", "deeds"),
    [("X-03", (STOP, START)), ("X-04", (LOCK, UNLOCK)), ("X-06", (BUY, SELL))],
)
async def test_passes_when_the_person_does_what_is_asked(
    run_scenario: Run, scenario: str, deeds: tuple[Deed, ...]
) -> None:
    outcome = await run_scenario(scenario, prepare=person(*deeds), config=ONE_TRY)
    assert (outcome.failed, outcome.ending.reason, outcome.state) == (set(), "", "PASSED")
    assert outcome.trial.alerts.count(by_hand.YOUR_TURN) == 2


@pytest.mark.parametrize(
    ("scenario", "deeds", "failed"),
    [
        ("X-03", (nothing,), {"gateway is stopped"}),
        ("X-03", (STOP, nothing), {"gateway is back"}),
        ("X-04", (nothing,), {"gateway is not logged in"}),
        ("X-04", (LOCK, nothing), {"right password"}),
        ("X-06", (nothing,), {"position that is not ours"}),
        ("X-06", (BUY, nothing), {"reconciliation after the sale"}),
    ],
)
async def test_what_is_not_observed_fails(
    run_scenario: Run, scenario: str, deeds: tuple[Deed, ...], failed: set[str]
) -> None:
    outcome = await run_scenario(scenario, prepare=person(*deeds), config=ONE_TRY)
    assert (outcome.state, outcome.failed) == ("FAILED", failed)


async def test_a_port_that_shuts_until_the_wrong_password_is_given_is_waited_for(
    run_scenario: Run,
) -> None:
    def log_out(gateway: Gateway) -> None:
        gateway.faults.on("port_closed")
        asyncio.get_running_loop().call_later(0.5, log_in, gateway)

    def log_in(gateway: Gateway) -> None:
        gateway.faults.off("port_closed")
        LOCK(gateway)

    outcome = await run_scenario("X-04", prepare=person(log_out, UNLOCK), config=ONE_TRY)
    assert (outcome.state, outcome.failed) == ("PASSED", set())


async def test_a_port_that_stays_shut_is_told_to_a_person(run_scenario: Run) -> None:
    deeds = on("port_closed"), off("port_closed")
    outcome = await run_scenario("X-04", prepare=person(*deeds), config=ONE_TRY)
    (warned,) = [row for row in outcome.trial.checks if not row.passed]
    assert (warned.name, warned.required) == ("class of the error", False)
    assert warned.actual == "GatewayConnectionError"
    seen = {row.name: row.actual for row in outcome.trial.checks}
    assert seen["gateway is not logged in"] == "the port is shut"


async def test_a_login_without_a_class_of_its_own_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def always(trial: Trial, attempts: int) -> GatewayError:
        kind = AuthenticationError if attempts == 1 else GatewayConnectionError
        error = kind(f"{trial.target.host}:{trial.target.port}")
        error.attempts = attempts
        return error

    monkeypatch.setattr(by_hand, "_refusal", always)
    outcome = await run_scenario("X-04", prepare=person(LOCK, UNLOCK))
    assert outcome.failed == {"class of the error", "right password"}


async def test_the_drill_leaves_an_order_behind_and_finds_it_again(
    run_scenario: Run,
) -> None:
    outcome = await run_scenario("X-03", prepare=person(STOP, START), config=ONE_TRY)
    passed = {row.name for row in outcome.trial.checks if row.passed}
    assert passed >= {
        "own order during the loss", "new order during the loss", "alert",
        "own order after the reconnect", "reconciliation after the reconnect",
        "own order at the end", "orders after it",
    }  # fmt: skip
    (order,) = outcome.gateway.orders_received()
    assert order.contract.symbol == "SPY"


async def test_an_order_that_is_lost_with_the_gateway_is_found_out(run_scenario: Run) -> None:
    def forget(gateway: Gateway) -> None:
        gateway.faults.on("open_orders_never_end")
        gateway.faults.off("sunday_token_loss")

    outcome = await run_scenario("X-03", prepare=person(STOP, forget), config=ONE_TRY)
    assert outcome.state == "FAILED"


async def test_a_loss_that_nobody_is_told_of_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LossListener, "lost", TrialListener.lost)
    outcome = await run_scenario("X-03", prepare=person(STOP, START), config=ONE_TRY)
    assert outcome.failed == {"alert"}


async def test_an_order_that_leaves_during_the_loss_is_found_out(
    run_scenario: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Desk.place

    async def careless(desk: Desk, intent: Any, door: Any) -> Any:
        return await place(desk, intent, door) if desk.connected else None

    monkeypatch.setattr(Desk, "place", careless)
    outcome = await run_scenario("X-03", prepare=person(STOP, START), config=ONE_TRY)
    assert outcome.failed == {"new order during the loss"}


async def test_a_gateway_that_comes_back_with_a_live_account_halts(run_scenario: Run) -> None:
    def come_back_live(gateway: Gateway) -> None:
        gateway.faults.on("wrong_account")
        gateway.faults.off("sunday_token_loss")

    outcome = await run_scenario("X-03", prepare=person(STOP, come_back_live), config=ONE_TRY)
    assert outcome.ending.halted


async def test_the_log_says_of_each_step_that_it_is_asked_for_and_seen(run_scenario: Run) -> None:
    outcome = await run_scenario("X-04", prepare=person(LOCK, UNLOCK), config=ONE_TRY)
    told = [row.text for row in outcome.trial.notes if row.source in {"alert", by_hand.SEEN}]
    assert [text.startswith(by_hand.YOUR_TURN) for text in told] == [True, False, True, False]
    assert told[1] == told[3] == "What was asked for is seen."


async def test_the_log_says_of_a_step_that_it_did_not_come(run_scenario: Run) -> None:
    outcome = await run_scenario("X-06", prepare=person(nothing))
    assert [row.text for row in outcome.trial.notes if row.source == by_hand.SEEN] == [
        "What was asked for did not come in time."
    ]
