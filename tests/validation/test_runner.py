"""The runner: every scenario to one of its honest ends, under the lease."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone

from brokerage.errors import GatewayConnectionError, SafetyViolation
from brokerage.models import Endpoint, OrderGrant
from crucible.alerts.models import Alert
from crucible.ledger.models import Entry
from tests.validation.conftest import (
    Toys,
    carry_out,
    fails,
    hangs,
    passes,
    raises,
    run,
    session_of,
    states,
    taken,
)
from validation import recorder, runner, sessions
from validation.cleanup import Cleaned
from validation.lease import take_over
from validation.models import AttemptState, Check, LogLine, Metric, Session, SessionState
from validation.preflight import gateway_rules
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS
from validation.scenarios.trial import Trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_pulse")]
A = AttemptState


def test_each_scenario_has_its_honest_end(toys: Toys, seeded: Endpoint, operator: User) -> None:
    toys.add("BC-07", hangs, timeout=0.05)
    session = session_of(
        toys, operator, fill=20, BC_01=passes, BC_02=fails, BC_03=raises(ValueError("broken")),
        BC_04=lambda trial: trial.skip("no data"), BC_05=lambda trial: None,
    )  # fmt: skip
    ended = states(run(session))
    assert [ended[f"BC-0{number}"] for number in (1, 2, 3, 4, 5, 7)] == [
        A.PASSED, A.FAILED, A.ERROR, A.SKIPPED, A.ERROR, A.TIMED_OUT,
    ]  # fmt: skip
    reasons = dict(session.attempts.values_list("scenario", "reason"))
    assert reasons["BC-02"] == "Failed: two is three."
    assert reasons["BC-03"].startswith("ValueError: broken (body, line")
    assert (reasons["BC-04"], reasons["BC-05"]) == ("no data", "The scenario checked nothing.")
    assert "longer than 0.05 s" in reasons["BC-07"]
    traces = dict(session.attempts.values_list("scenario", "trace"))
    assert traces["BC-03"].startswith("Traceback (most recent call last):")
    assert traces["BC-03"].rstrip().endswith("ValueError: broken")
    assert "hangs" in traces["BC-07"]
    assert [traces[f"BC-0{number}"] for number in (1, 2, 4, 5)] == [""] * 4


def test_a_time_out_inside_a_scenario_is_an_error_of_its_own(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    session = session_of(toys, operator, fill=5, BC_01=raises(TimeoutError("no answer")))
    assert states(run(session))["BC-01"] == A.ERROR


def test_checks_metrics_and_lines_are_stored(toys: Toys, seeded: Endpoint, operator: User) -> None:
    async def talks(trial: Trial) -> None:
        trial.check("a", 1.5, 1.5)
        trial.check("b", "x", "y", required=False)
        trial.measure("rtt_ms", 3, "ms")
        trial.measure("broken", float("nan"))
        with trial.planned_fault("drill"):
            trial.note("provoked", "ERROR")
        await trial.alert("Look", "here")

    session = run(session_of(toys, operator, BC_01=talks))
    assert list(Check.objects.values_list("name", "passed")) == [("a", True), ("b", False)]
    assert Metric.objects.get().value == 3
    assert LogLine.objects.get(message="provoked").planned
    assert LogLine.objects.filter(level="WARNING", message__contains="nan").exists()
    assert Alert.objects.get(kind="scenario-BC-01").ref == session.number


def test_rows_are_visible_while_the_scenario_still_runs(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    async def watches(trial: Trial) -> None:
        trial.check("early", 1, 1)
        for _ in range(100):
            await asyncio.sleep(0.02)
            if seen:
                return

    real = recorder.write

    def write(lease: Any, rows: Any, **how: Any) -> None:
        real(lease, rows, **how)
        if any(isinstance(row, Check) for row in rows):
            seen.append(sum(one.state == A.RUNNING for one in session.attempts.all()))

    monkeypatch.setattr(recorder, "write", write)
    session = session_of(toys, operator, BC_01=watches)
    run(session)
    assert seen == [1]


def test_a_full_session_goes_on_to_the_manual_checks(sound: Session, toys: Toys) -> None:
    session = run(sound)
    assert session.state == SessionState.MANUAL_CHECKS
    assert session.facts["opening_balance"] == session.facts["closing_balance"] == 100_000.0
    assert session.facts["connections_opened"] == session.facts["connections_released"]
    assert toys.cleaned == [f"{session.number}/OE-01", session.number]
    assert OrderGrant.objects.get(scope=session.number).revoked_at is not None
    kinds = set(Entry.objects.filter(object_id=session.number).values_list("kind", flat=True))
    assert {"session.started", "session.running", "session.completed"} <= kinds


def test_the_grant_carries_the_test_contract_and_what_chosen_scenarios_declare(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.add("OE-01", passes, needs=["ORDERS"])
    toys.add("OE-02", passes, needs=["ORDERS"], trades=["QQQ"])
    toys.add("OE-03", passes, needs=["ORDERS"], trades=["TSLA"])
    session = run(sessions.start(operator, scenarios=["OE-01", "OE-02"]))
    assert OrderGrant.objects.get(scope=session.number).symbols == ["QQQ", "SPY"]


def test_a_partial_session_ends_in_reporting(toys: Toys, seeded: Endpoint, operator: User) -> None:
    toys.add("BC-01", passes)
    session = run(sessions.start(operator, scenarios=["BC-01"]))
    assert session.state == SessionState.REPORTING


def test_a_worker_that_lost_its_lease_stops_writing(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    session = session_of(toys, operator, BC_01=hangs)
    lease = taken(session)
    Session.objects.update(lease_until=timezone.now())
    session.refresh_from_db()
    assert take_over(session, "sweeper") is not None
    carry_out(lease)
    assert states(session) == {"BC-01": A.PENDING}


def test_losing_the_lease_in_the_middle_leaves_everything_to_the_sweeper(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RENEW_EVERY_S", 0.0)
    session = session_of(toys, operator, BC_01=hangs)
    lease = taken(session)
    real = runner.bookkeeping.start_attempt

    def start_attempt(lease: Any, attempt: Any) -> None:
        real(lease, attempt)
        Session.objects.update(token=99)

    monkeypatch.setattr(runner.bookkeeping, "start_attempt", start_attempt)
    carry_out(lease)
    assert states(session) == {"BC-01": A.RUNNING}
    assert not Check.objects.exists()


def test_a_failed_clean_up_makes_the_scenario_an_error_and_halts(
    sound: Session, toys: Toys
) -> None:
    toys.cleanup = Cleaned(False, "SPY +1 is still open.")
    session = run(sound)
    assert states(session)["OE-01"] == A.ERROR
    assert session.state in {SessionState.HALTED, SessionState.BLOCKED}
    assert session.cleanup == "FAILED"
    assert "SPY +1 is still open." in session.outcome_reason
    assert Alert.objects.filter(kind="cleanup-failed", severity="CRITICAL").exists()


def test_a_gateway_that_does_not_answer_is_an_error_of_the_scenario(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*args: Any, **options: Any) -> Any:
        raise GatewayConnectionError("Nothing listens at 127.0.0.1:4002.")

    monkeypatch.setattr(runner.gateway, "connect", connect)
    toys.add("BC-01", passes, own_connection=False)
    session = run(sessions.start(operator))
    attempt = session.attempts.get()
    assert attempt.state == A.ERROR
    assert attempt.reason == "No connection: Nothing listens at 127.0.0.1:4002."


@pytest.mark.parametrize(("good", "ran"), [(0, 0), (1, 1)], ids=["opening", "closing"])
def test_a_violation_while_a_balance_is_read_halts_the_session(
    toys: Toys,
    seeded: Endpoint,
    operator: User,
    monkeypatch: pytest.MonkeyPatch,
    good: int,
    ran: int,
) -> None:
    connect, calls = runner.gateway.connect, iter(range(9))

    def connects(*args: Any, **options: Any) -> Any:
        if next(calls) >= good:
            raise SafetyViolation("127.0.0.1:4002 was disconnected at once.", "U1 is not paper.")
        return connect(*args, **options)

    monkeypatch.setattr(runner.gateway, "connect", connects)
    toys.add("BC-01", passes)
    session = run(sessions.start(operator))
    assert session.state == SessionState.HALTED
    assert "U1 is not paper." in session.outcome_reason
    assert session.attempts.filter(state=A.PASSED).count() == ran


@pytest.mark.parametrize("need", [MARKET_HOURS, ORDERS])
def test_outside_of_trading_hours_a_scenario_is_skipped(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch, need: Any
) -> None:
    Endpoint.objects.update(always_open=False)
    monkeypatch.setattr(runner, "is_regular_hours", lambda at: False)
    monkeypatch.setattr(runner, "order_window_open", lambda at: False)
    toys.add("BC-01", passes, needs=[need])
    session = run(sessions.start(operator, scenarios=["BC-01"]))
    attempt = session.attempts.get()
    assert attempt.state == A.SKIPPED
    assert "trading hours" in attempt.reason


def test_within_trading_hours_it_runs(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Endpoint.objects.update(always_open=False)
    monkeypatch.setattr(runner, "is_regular_hours", lambda at: True)
    monkeypatch.setattr(gateway_rules, "is_regular_hours", lambda at: True)
    toys.add("BC-01", passes, needs=[MARKET_HOURS])
    assert states(run(sessions.start(operator))) == {"BC-01": A.PASSED}


def test_rows_wait_for_a_database_that_is_away(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = recorder.write, [DatabaseError("locked")]

    def write(lease: Any, rows: Any, **how: Any) -> None:
        if failures:
            raise failures.pop()
        real(lease, rows, **how)

    async def waits(trial: Trial) -> None:
        trial.check("kept", 1, 1)
        await asyncio.sleep(0.2)

    monkeypatch.setattr(recorder, "write", write)
    run(session_of(toys, operator, BC_01=waits))
    assert Check.objects.get().name == "kept"


def test_a_trial_without_desk_or_door_says_so(toys: Toys, seeded: Endpoint, operator: User) -> None:
    def wants_desk(trial: Trial) -> None:
        assert trial.desk

    def wants_door(trial: Trial) -> None:
        assert trial.door

    session = run(session_of(toys, operator, BC_01=wants_desk, BC_02=wants_door))
    first = session.attempts.get(scenario="BC-01")
    assert "opens its own connections" in first.reason
