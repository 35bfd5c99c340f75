"""What stops a session: failures, a critical scenario, a violation, people, the kill switch."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User

from brokerage import kill
from brokerage.calendar import ET
from brokerage.errors import SafetyViolation
from brokerage.models import AccountProof, Endpoint
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
from validation import bookkeeping, runner, sessions
from validation.configuration import parse_yaml
from validation.models import AttemptState, Check, SessionState, Task
from validation.scenarios.trial import Trial
from validation.watching import reset_window

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_pulse")]
A = AttemptState


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


def test_the_cause_is_looked_for_once_the_board_has_no_task_for_sessions_left(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    Task.objects.filter(code=sessions.VALIDATION_TASK).update(column="DONE")
    session = run(session_of(toys, operator, BC_01=fails))
    assert (session.state, session.task) == (SessionState.BLOCKED, None)
    assert session.follow_up is not None


def test_no_scenario_begins_in_a_reset_window(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "reset_window", lambda job: "nightly" if job.states else "")
    session = run(session_of(toys, operator, BC_01=passes, BC_02=passes))
    assert session.state == SessionState.ABORTED
    assert "reset window has begun: nightly" in session.outcome_reason
    assert states(session) == {"BC-01": A.PASSED, "BC-02": A.ABORTED}


@pytest.mark.parametrize(("kind", "named"), [("PAPER", "always"), ("SIMULATED", "")])
def test_the_simulated_gateway_knows_no_reset_window(kind: str, named: str) -> None:
    days = "[Mon, Tue, Wed, Thu, Fri, Sat, Sun]"
    windows = f"[{{name: always, days: {days}, starts: '00:00', minutes: 1440}}]"
    job: Any = SimpleNamespace(
        target=SimpleNamespace(kind=kind), config=parse_yaml(f"reset_windows: {windows}")
    )
    assert reset_window(job).partition(" ")[0] == named


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
        patch.setattr(bookkeeping, "start_attempt", _also(AccountProof.objects.create, proof))
        run(session)
    assert session.state == SessionState.HALTED


def _also(create: Any, row: dict[str, Any]) -> Any:
    real = bookkeeping.start_attempt

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
    carry_out(lease)
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
    carry_out(lease)
    session.refresh_from_db()
    assert session.state == SessionState.HALTED
    assert "a rogue order" in session.outcome_reason
