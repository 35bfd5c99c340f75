"""The runner: every scenario to one of its honest ends, under the lease."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone

from brokerage import kill
from brokerage.calendar import ET
from brokerage.errors import GatewayConnectionError, SafetyViolation
from brokerage.models import AccountProof, Endpoint, OrderGrant
from crucible.alerts.models import Alert
from crucible.ledger.models import Entry
from tests.validation.conftest import Toys, fails, passes, run, states, taken
from validation import recorder, runner, sessions
from validation.cleanup import Cleaned
from validation.lease import Lease, take_over
from validation.models import AttemptState, Check, LogLine, Metric, Session, SessionState
from validation.preflight import gateway_rules
from validation.scenarios.catalogue import MARKET_HOURS, ORDERS
from validation.scenarios.trial import Trial

pytestmark = pytest.mark.django_db
A = AttemptState


@pytest.fixture(autouse=True)
def _fast_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "PULSE_S", 0.02)


def session_of(toys: Toys, operator: User, fill: int = 0, **bodies: Any) -> Session:
    """Start a session of these scenarios and so many more that pass."""
    for name, body in bodies.items():
        toys.add(name.replace("_", "-"), body)
    for number in range(fill):
        toys.add(f"RS-{number + 50}", passes)
    return sessions.start(operator)


async def hangs(trial: Trial) -> None:
    trial.check("began", 1, 1)
    await asyncio.sleep(60)


def _run(lease: Lease) -> None:
    async_to_sync(runner.run)(lease)


def raises(error: Exception) -> Any:
    def body(trial: Trial) -> None:
        raise error

    return body


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


def test_a_partial_session_ends_in_reporting(toys: Toys, seeded: Endpoint, operator: User) -> None:
    toys.add("BC-01", passes)
    session = run(sessions.start(operator, scenarios=["BC-01"]))
    assert session.state == SessionState.REPORTING


def test_too_many_failures_block_the_session(toys: Toys, seeded: Endpoint, operator: User) -> None:
    session = run(session_of(toys, operator, fill=2, BC_01=passes, BC_02=fails))
    assert session.state == SessionState.BLOCKED
    assert "1 of 4 planned scenarios went wrong" in session.outcome_reason
    assert states(session)["RS-50"] == A.ABORTED
    assert session.task is not None
    session.task.refresh_from_db()
    assert session.task.column == "BLOCKED"
    follow_up = session.follow_up
    assert follow_up is not None
    assert (follow_up.code, follow_up.column) == ("F-001", "READY")
    assert session.number in follow_up.title
    assert session.ended_at is not None
    due = (session.ended_at + timedelta(days=7)).astimezone(ET).date()
    assert follow_up.due_on == due


def test_fail_fast_blocks_at_the_first_failure(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.add("BC-01", fails)
    for number in range(9):
        toys.add(f"RS-{number + 50}", passes)
    session = run(sessions.start(operator, fail_fast=True))
    assert (session.state, states(session)["RS-50"]) == (SessionState.BLOCKED, A.ABORTED)


@pytest.mark.parametrize("kind", [None, "DRY_RUN", "DRILL"])
def test_a_critical_scenario_that_failed_stops_the_session(
    toys: Toys, seeded: Endpoint, operator: User, kind: str | None
) -> None:
    toys.add("BC-01", fails, severity="S-CRIT")
    for number in range(20):
        toys.add(f"RS-{number + 50}", passes)
    wanted = kind and ["BC-01", "RS-50"]
    session = run(sessions.start(operator, kind=kind, scenarios=wanted))
    assert (session.state, states(session)["RS-50"]) == (SessionState.BLOCKED, A.ABORTED)
    assert "BC-01 went wrong" in session.outcome_reason
    assert "Failed: two is three." in session.outcome_reason


@pytest.mark.parametrize(
    ("body", "kind"), [("raises", A.ERROR), ("hangs", A.TIMED_OUT), ("skips", A.SKIPPED)]
)
def test_only_a_skip_of_a_critical_scenario_lets_the_session_go_on(
    toys: Toys, seeded: Endpoint, operator: User, body: str, kind: A
) -> None:
    bodies = {
        "raises": raises(ValueError("broken")), "hangs": hangs,
        "skips": lambda trial: trial.skip("no data"),
    }  # fmt: skip
    toys.add("BC-01", bodies[body], severity="S-CRIT", timeout=0.05)
    ended = states(run(session_of(toys, operator, fill=20)))
    expected = A.PASSED if kind == A.SKIPPED else A.ABORTED
    assert (ended["BC-01"], ended["RS-50"]) == (kind, expected)


@pytest.mark.parametrize("then", [passes, raises(ValueError("broken"))])
def test_a_critical_check_that_failed_stops_a_session_whatever_came_after_it(
    toys: Toys, seeded: Endpoint, operator: User, then: Any
) -> None:
    def not_flat(trial: Trial) -> None:
        trial.check("flat", 0, 1, critical=True)
        then(trial)

    toys.add("OE-04", not_flat, severity="S-HIGH")
    session = run(session_of(toys, operator, fill=20))
    assert (session.state, states(session)["RS-50"]) == (SessionState.BLOCKED, A.ABORTED)


def test_a_critical_check_that_holds_stops_nothing(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    def flat(trial: Trial) -> None:
        trial.check("flat", 0, 0, critical=True)
        trial.check("two is three", 3, 2)

    toys.add("OE-04", flat, severity="S-HIGH")
    assert states(run(session_of(toys, operator, fill=20)))["RS-50"] == A.PASSED


@pytest.mark.parametrize("again", [passes, fails])
def test_a_critical_scenario_that_is_run_again_stops_the_session_if_it_fails_then(
    toys: Toys, seeded: Endpoint, operator: User, again: Any
) -> None:
    bodies = [again, passes]

    def body(trial: Trial) -> None:
        bodies.pop()(trial)

    toys.add("BC-01", body, severity="S-CRIT")
    session = run(session_of(toys, operator, fill=20))
    sessions.rerun(session, ["BC-01"], operator)
    ended = run(session).state
    assert ended == (SessionState.BLOCKED if again is fails else SessionState.MANUAL_CHECKS)


@pytest.mark.parametrize("own_connection", [True, False])
def test_a_safety_violation_halts_at_once(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch,
    own_connection: bool,
) -> None:  # fmt: skip
    violation = SafetyViolation("Account U1 is live.")
    toys.add("BC-01", raises(violation), own_connection=own_connection)
    toys.add("RS-01", passes)
    session = run(sessions.start(operator))
    assert session.state == SessionState.HALTED
    assert "Account U1 is live." in session.outcome_reason
    assert states(session) == {"BC-01": A.ERROR, "RS-01": A.ABORTED}


def test_a_live_account_halts_even_if_the_scenario_caught_it(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    proof = {"endpoint": seeded, "target": "x", "accounts": ["U1"], "ok": False}
    session = session_of(toys, operator, fill=8, BC_01=fails)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            runner.bookkeeping, "start_attempt", _also(AccountProof.objects.create, proof)
        )
        run(session)
    assert session.state == SessionState.HALTED


def _also(create: Any, row: dict[str, Any]) -> Any:
    real = runner.bookkeeping.start_attempt

    def start_attempt(lease: Any, attempt: Any) -> None:
        real(lease, attempt)
        create(**row)

    return start_attempt


def test_an_abort_interrupts_the_running_scenario(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    session = session_of(toys, operator, fill=1, BC_01=hangs)
    lease = taken(session)
    sessions.abort(session, operator, "wrong day")
    _run(lease)
    session.refresh_from_db()
    assert session.state == SessionState.ABORTED
    assert set(states(session).values()) == {A.ABORTED}
    assert "wrong day" in session.outcome_reason
    assert Check.objects.get().name == "began"


def test_the_kill_switch_halts_a_running_session(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    session = session_of(toys, operator, BC_01=hangs)
    lease = taken(session)
    kill.trigger("test", "a rogue order")
    _run(lease)
    session.refresh_from_db()
    assert session.state == SessionState.HALTED
    assert "a rogue order" in session.outcome_reason


def test_a_worker_that_lost_its_lease_stops_writing(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    session = session_of(toys, operator, BC_01=hangs)
    lease = taken(session)
    Session.objects.update(lease_until=timezone.now())
    session.refresh_from_db()
    assert take_over(session, "sweeper") is not None
    _run(lease)
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
    _run(lease)
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
