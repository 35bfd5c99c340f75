"""A session's life: start, abort, run again."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction

from brokerage import kill
from brokerage.models import Endpoint
from crucible.ledger.models import Entry
from tests.conftest import People
from tests.validation.conftest import Toys, fails, passes, run, states, taken, well_gateway
from validation import sessions
from validation.models import (
    Attempt,
    AttemptState,
    Column,
    ConfigRevision,
    Outbox,
    Session,
    SessionState,
    Task,
)
from validation.models.session import IN_FLIGHT
from validation.scenarios.catalogue import UnknownScenarioError
from validation.scenarios.trial import Trial
from validation.sessions import SessionRefused

pytestmark = pytest.mark.django_db


def test_a_start_pins_the_configuration_and_plans_every_scenario(
    sound: Session, seeded: Endpoint
) -> None:
    assert (sound.kind, sound.state, sound.planned) == ("FULL", "PREFLIGHT", 3)
    assert sound.config.number == 1
    assert sound.simulated
    assert states(sound) == dict.fromkeys(["BC-01", "OE-01", "RS-01"], "PENDING")
    assert Outbox.objects.get().payload == {"number": sound.number}
    assert Entry.objects.filter(kind="session.started", object_id=sound.number).exists()
    assert Task.objects.get(code="1.1.8").column == Column.VALIDATION


def test_numbers_count_through_the_day(toys: Toys, seeded: Endpoint, operator: User) -> None:
    toys.add("BC-01", passes)
    first = sessions.start(operator)
    sessions.abort(first, operator, "make room")
    second = sessions.start(operator)
    assert first.number.endswith("_001")
    assert second.number == first.number.replace("_001", "_002")


def test_a_choice_of_scenarios_makes_a_partial_session(
    toys: Toys, seeded: Endpoint, people: People
) -> None:
    toys.add("BC-01", passes)
    toys.add("RS-01", passes)
    session = sessions.start(people.ld, scenarios=["RS-01"])
    assert (session.kind, session.planned, session.task) == ("PARTIAL", 1, None)
    assert not hasattr(session, "checklist")


@pytest.mark.parametrize("role", ["vw", "pm", "cro", "ld", "ci", "ad"])
def test_who_may_not_start_a_full_session(
    toys: Toys, seeded: Endpoint, people: People, role: str
) -> None:
    toys.add("BC-01", passes)
    with pytest.raises(PermissionDenied):
        sessions.start(people[role])


def test_a_trusted_shell_gets_nothing_that_can_be_signed(
    toys: Toys, seeded: Endpoint, people: People
) -> None:
    toys.add("BC-01", passes)
    with pytest.raises(PermissionDenied):
        sessions.start(people.vw, trusted=True)
    assert sessions.start(people.vw, trusted=True, kind="DRY_RUN").approvable is False


PAPER = {"kind": "PAPER", "port": 4002, "speed": 1, "always_open": False}


def test_a_dry_run_is_for_simulated_gateways(toys: Toys, seeded: Endpoint, people: People) -> None:
    toys.add("BC-01", passes)
    paper = Endpoint.objects.create(name="paper", kind="PAPER", port=7497)
    with pytest.raises(SessionRefused, match="dry run"):
        sessions.start(people.ld, paper, kind="DRY_RUN")
    draft = sessions.start(people.ld, seeded, kind="DRY_RUN", run=False)
    toys.gateway = well_gateway(net_liquidation=1.0)
    assert run(draft).state == SessionState.DRAFT
    Endpoint.objects.filter(pk=seeded.pk).update(**PAPER)
    draft.refresh_from_db()
    with pytest.raises(SessionRefused, match="dry run"):
        sessions.preflight(draft, people.op)


def test_one_session_at_a_time_runs_on_a_gateway(sound: Session, operator: User) -> None:
    with pytest.raises(SessionRefused, match=sound.number):
        sessions.start(operator)


@pytest.mark.parametrize("state", IN_FLIGHT)
def test_the_database_refuses_a_second_session_on_the_gateway(
    sound: Session, state: SessionState
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Session.objects.create(
            number="other", endpoint=sound.endpoint, config=sound.config,
            created_by=sound.created_by, state=state,
        )  # fmt: skip


def test_a_start_that_loses_the_race_is_refused(
    sound: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_refuse_start", lambda *args: None)
    with pytest.raises(SessionRefused, match="is taken by"):
        sessions.start(operator)
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda: kill.trigger("test", "drill"), "kill switch"),
        (lambda: Endpoint.objects.update(is_default=False), "No gateway"),
        (lambda: ConfigRevision.objects.update(state="SUPERSEDED"), "No configuration"),
    ],
)
def test_what_keeps_a_session_from_starting(
    toys: Toys, seeded: Endpoint, operator: User, spoil: object, told: str
) -> None:
    toys.add("BC-01", passes)
    spoil()  # type: ignore[operator]
    with pytest.raises(SessionRefused, match=told):
        sessions.start(operator)
    assert not Session.objects.exists()


def test_nothing_to_run_is_refused(toys: Toys, seeded: Endpoint, operator: User) -> None:
    with pytest.raises(SessionRefused, match="no scenarios"):
        sessions.start(operator)
    toys.add("BC-01", passes)
    toys.add("RS-01", passes)
    with pytest.raises(SessionRefused, match="every scenario"):
        sessions.start(operator, scenarios=["BC-01"], kind="FULL")
    with pytest.raises(UnknownScenarioError):
        sessions.start(operator, scenarios=["XX-01"])


def test_a_waiting_session_is_aborted_at_once(sound: Session, people: People) -> None:
    ended = sessions.abort(sound, people.cro, "wrong gateway")
    assert ended.state == SessionState.ABORTED
    assert "cro aborted it: wrong gateway" in ended.outcome_reason
    assert set(states(ended).values()) == {AttemptState.ABORTED}
    assert Task.objects.get(code="1.1.8").column == Column.IN_PROGRESS


def test_a_running_session_is_asked_to_stop(sound: Session, operator: User) -> None:
    taken(sound)
    asked = sessions.abort(sound, operator, "enough")
    assert asked.state == SessionState.RUNNING
    assert asked.abort_requested_by == operator


def test_an_abort_needs_role_reason_and_a_session_under_way(
    reviewed: Session, operator: User, people: People
) -> None:
    with pytest.raises(PermissionDenied):
        sessions.abort(reviewed, people.vw, "no")
    with pytest.raises(SessionRefused, match="why"):
        sessions.abort(reviewed, operator, " ")
    with pytest.raises(SessionRefused, match="Manual checks already"):
        sessions.abort(reviewed, operator, "late")


def test_a_rerun_adds_an_attempt_and_keeps_the_first(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    outcomes = iter([fails, passes])

    def second_time_lucky(trial: Trial) -> None:
        next(outcomes)(trial)

    toys.add("BC-01", second_time_lucky)
    for number in range(1, 6):
        toys.add(f"RS-{number:02d}", passes)
    session = run(sessions.start(operator))
    assert session.state == SessionState.MANUAL_CHECKS
    session = run(sessions.rerun(session, ["BC-01"], operator))
    attempts = session.attempts.filter(scenario="BC-01").order_by("number")
    assert [attempt.state for attempt in attempts] == ["FAILED", "PASSED"]
    assert session.checklist.items.get(code="1.2.1").state == "AUTO_PASS"


def test_a_rerun_is_refused_to_others_and_elsewhere(
    reviewed: Session, operator: User, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PermissionDenied):
        sessions.rerun(reviewed, ["RS-01"], people.cro)
    monkeypatch.setattr(sessions, "code_version", lambda: "another")
    with pytest.raises(SessionRefused, match="changed since"):
        sessions.rerun(reviewed, ["RS-01"], operator)
    Session.objects.update(state=SessionState.APPROVED)
    with pytest.raises(SessionRefused, match="Approved"):
        sessions.rerun(reviewed, ["RS-01"], operator)


def test_nothing_is_run_again_that_a_chosen_session_never_planned(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.add("BC-01", passes)
    toys.add("RS-01", passes)
    session = run(sessions.start(operator, scenarios=["BC-01"]))
    with pytest.raises(SessionRefused, match="did not plan RS-01"):
        sessions.rerun(session, ["BC-01", "RS-01"], operator)
    assert session.attempts.count() == 1


def test_a_full_session_is_not_made_up_of_other_scenarios(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.add("BC-01", passes)
    toys.add("RS-01", passes)
    toys.registry.scenario(
        id="ACME-01", slug="acme", title="Guest", category="ACME bot", timeout=1, severity="S-MED"
    )(toys.registry.get("BC-01").function)
    with pytest.raises(SessionRefused, match="no other"):
        sessions.start(operator, scenarios=["BC-01", "ACME-01"], kind="FULL")
    session = run(sessions.start(operator))
    with pytest.raises(SessionRefused, match="did not plan ACME-01"):
        sessions.rerun(session, ["ACME-01"], operator)


def test_an_illegal_move_is_refused(sound: Session) -> None:
    with pytest.raises(SessionRefused, match="can't go from PREFLIGHT to APPROVED"):
        sessions.move(sound, SessionState.APPROVED, actor="test")


def test_the_database_never_changes_an_ended_attempt(sound: Session) -> None:
    attempt = sound.attempts.first()
    assert attempt is not None
    Attempt.objects.filter(pk=attempt.pk).update(state=AttemptState.PASSED)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.filter(pk=attempt.pk).update(state=AttemptState.FAILED)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM validation_attempt WHERE id = %s", [attempt.pk])
