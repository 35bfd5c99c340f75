"""A session's preflight: what it stores, and where it lets the session go."""

import copy
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from brokerage import kill
from brokerage.models import Endpoint, OrderGrant
from crucible.ledger.models import Entry
from tests.conftest import People
from tests.validation.conftest import (
    Toys,
    claimed,
    passes,
    run,
    states,
    taken,
    well_gateway,
    well_host,
)
from validation import acknowledging, bookkeeping, lease, runner, sessions, sweeper
from validation.configuration import digest
from validation.models import (
    AttemptState,
    ConfigRevision,
    HealthCheck,
    PreflightRun,
    Session,
    SessionState,
    Verdict,
)
from validation.preflight import process
from validation.preflight.judging import TABLE
from validation.preflight.report import blockers, newest
from validation.sessions import SessionRefused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast_pulse")]
S = SessionState


def moves_of(session: Session) -> list[str]:
    """The states through which a session went, by its ledger."""
    entries = Entry.objects.filter(object_type="session", object_id=session.number)
    after = [entry.details.get("after") for entry in entries.order_by("sequence")]
    return [state for state in after if state]


def test_a_start_goes_through_preflight_and_ready_by_itself(sound: Session) -> None:
    run(sound)
    assert moves_of(sound)[:4] == ["PREFLIGHT", "READY", "RUNNING", "CLEANUP"]
    found = PreflightRun.objects.get()
    assert (found.session, found.number, found.passed) == (sound, 1, True)
    assert found.checks.count() == len(TABLE)
    entry = Entry.objects.get(kind="session.checked")
    assert entry.details["verdicts"]["HP-01"] == "PASS"


def test_a_blocking_finding_makes_it_a_draft_with_all_findings(sound: Session, toys: Toys) -> None:
    toys.gateway = well_gateway(port_ms=None, port_error="Refused.", connected=False)
    session = run(sound)
    assert (session.state, session.lease_until, session.started_at) == (S.DRAFT, None, None)
    assert set(states(session).values()) == {AttemptState.PENDING}
    assert not OrderGrant.objects.exists()
    told = blockers(session)
    for words in ("HP-01", "Refused.", "HP-02", "Start the gateway", "HP-25"):
        assert words in told
    assert Entry.objects.get(kind="session.draft").details["note"].startswith("HP-01")


def test_a_draft_lets_another_session_use_the_gateway(
    sound: Session, toys: Toys, operator: User
) -> None:
    toys.gateway = well_gateway(data_type=None, net_liquidation=1.0)
    assert run(sound).state == S.DRAFT
    assert sessions.start(operator).state == S.PREFLIGHT
    with pytest.raises(SessionRefused, match="is taken by"):
        sessions.preflight(sound, operator)


def test_a_draft_is_checked_again_with_the_configuration_of_then(
    sound: Session, toys: Toys, operator: User
) -> None:
    toys.gateway = well_gateway(net_liquidation=1.0)
    run(sound)
    ConfigRevision.objects.update(state="SUPERSEDED")
    content = copy.deepcopy(sound.config.content)
    content["limits"]["max_orders"] = 31
    newer = ConfigRevision.objects.create(
        number=2, state="ACTIVE", content=content, digest=digest(content), origin="seed"
    )
    toys.gateway = well_gateway()
    session = run(sessions.preflight(sound, operator))
    assert (session.state, session.config) == (S.MANUAL_CHECKS, newer)
    assert [one.passed for one in session.preflights.all()] == [False, True]


def test_preflight_only_waits_for_a_person(toys: Toys, seeded: Endpoint, operator: User) -> None:
    toys.add("BC-01", passes)
    session = run(sessions.start(operator, run=False))
    assert (session.state, session.lease_until, session.wanted) == (S.READY, None, False)
    assert lease.claim(session.number, "early") is None
    assert run(sessions.run_now(session, operator)).state == S.MANUAL_CHECKS
    assert session.preflights.count() == 1


def test_a_worker_of_another_version_runs_nothing(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.add("BC-01", passes)
    session = run(sessions.start(operator, run=False))
    sessions.run_now(session, operator)
    monkeypatch.setattr(lease, "code_version", lambda: "deployed")
    toys.host = well_host(code_version="deployed")
    session = run(session)
    assert (session.state, session.started_at) == (S.DRAFT, None)
    assert "HP-22V" in blockers(session)
    assert moves_of(session) == ["PREFLIGHT", "READY", "PREFLIGHT", "DRAFT"]


def test_a_session_that_is_ready_is_not_run_by_another_version_of_the_product(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.add("BC-01", passes)
    session = run(sessions.start(operator, run=False))
    monkeypatch.setattr(sessions, "code_version", lambda: "deployed")
    with pytest.raises(SessionRefused, match="Make the preflight again"):
        sessions.run_now(session, operator)
    assert sessions.preflight(session, operator).code_version == "deployed"


def test_old_findings_are_made_anew_before_it_runs(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.add("BC-01", passes)
    session = run(sessions.start(operator, run=False))
    Session.objects.update(checked_at=timezone.now() - timedelta(minutes=30, seconds=1))
    again = sessions.run_now(session, operator)
    assert (again.state, again.wanted) == (S.PREFLIGHT, True)
    assert run(again).state == S.MANUAL_CHECKS
    assert session.preflights.count() == 2


def test_findings_that_grow_old_between_click_and_claim_start_nothing(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    toys.add("BC-01", passes)
    session = run(sessions.start(operator, run=False))
    session = sessions.run_now(session, operator)
    Session.objects.update(checked_at=timezone.now() - timedelta(minutes=31))
    assert lease.claim(session.number, "late") is None
    (old,) = sweeper.grown_old()
    assert sweeper.check_again(old)
    session.refresh_from_db()
    assert (session.state, session.wanted) == (S.PREFLIGHT, True)


def test_a_live_account_halts_before_anything_runs(sound: Session, toys: Toys) -> None:
    toys.gateway = well_gateway(connected=False, unsafe="Account U1 is live.")
    session = run(sound)
    assert session.state == S.HALTED
    assert "Account U1 is live." in session.outcome_reason
    assert HealthCheck.objects.get(code="HP-02").verdict == Verdict.BLOCK


@pytest.mark.parametrize("what", ["abort", "kill"])
def test_an_abort_or_the_kill_switch_ends_a_preflight_under_way(
    sound: Session, operator: User, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def happens() -> None:
        if what == "kill":
            kill.trigger("test", "a rogue order")
        else:
            assert sessions.abort(sound, operator, "wrong gateway").state == S.PREFLIGHT

    async def look(target: Any) -> Any:
        await sync_to_async(happens)()
        return well_gateway()

    monkeypatch.setattr(process, "look", look)
    assert run(sound).state == (S.HALTED if what == "kill" else S.ABORTED)
    assert not OrderGrant.objects.exists()


def test_a_stop_that_the_preflight_heard_of_itself_is_no_second_end(sound: Session) -> None:
    held = taken(sound)
    stop = sessions.abort_stop("op", "wrong gateway")
    bookkeeping.give_up(held, stop)
    bookkeeping.give_up(held, stop)
    assert Entry.objects.filter(kind="session.aborted").count() == 1


def test_a_waiting_preflight_is_aborted_at_once(sound: Session, operator: User) -> None:
    assert sessions.abort(sound, operator, "wrong gateway").state == S.ABORTED


def test_a_draft_may_be_given_up(sound: Session, toys: Toys, operator: User) -> None:
    toys.gateway = well_gateway(net_liquidation=1.0)
    assert sessions.abort(run(sound), operator, "no longer needed").state == S.ABORTED


def test_a_worker_lost_in_its_preflight_interrupts_the_session(sound: Session) -> None:
    claimed(sound)
    Session.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    (lost,) = lease.expired()
    assert sweeper.interrupt(lost)
    sound.refresh_from_db()
    assert sound.state == S.INTERRUPTED


def test_what_a_person_attests_is_taken_over_by_the_next_preflight(
    toys: Toys, seeded: Endpoint, people: People
) -> None:
    Endpoint.objects.update(kind="PAPER", port=4002, speed=1, always_open=False)
    toys.add("BC-01", passes)
    session = run(sessions.start(people.op, scenarios=["BC-01"], run=False))
    assert HealthCheck.objects.get(code="HP-14").verdict == Verdict.ATTEST
    acknowledging.attest(session, people.op, "HP-14", "VIX at 17")
    run(sessions.preflight(session, people.op, run=False))
    last = HealthCheck.objects.filter(code="HP-14").latest("pk")
    assert (last.verdict, last.finding) == (Verdict.PASS, "op: VIX at 17")
    assert session.involvements.filter(what="attested HP-14").exists()
    with pytest.raises(SessionRefused, match="measured"):
        acknowledging.attest(session, people.op, "HP-01", "it is fine")


def test_a_second_runner_makes_no_second_preflight(sound: Session) -> None:
    mine = claimed(sound)
    assert lease.claim(sound.number, "other") is None
    async_to_sync(runner.run)(mine)
    assert sound.preflights.count() == 1


def test_findings_are_written_once(sound: Session) -> None:
    run(sound)
    found = HealthCheck.objects.first()
    assert found is not None
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE validation_healthcheck SET code = '' WHERE id = %s", [found.pk])
    with pytest.raises(TypeError):
        found.delete()


def test_what_blocks_comes_first_among_the_findings(sound: Session, toys: Toys) -> None:
    toys.gateway = well_gateway(client_id=211, net_liquidation=1.0)
    findings = newest(run(sound))
    assert findings is not None
    assert [one.code for one in findings.open][:2] == ["HP-16", "HP-25"]
    assert findings.total == len(TABLE)


def test_a_rerun_is_checked_again_and_keeps_its_results_when_it_is_blocked(
    reviewed: Session, toys: Toys, operator: User
) -> None:
    toys.gateway = well_gateway(net_liquidation=1.0)
    session = run(sessions.rerun(reviewed, ["RS-01"], operator))
    assert (session.state, session.started_at is None) == (S.DRAFT, False)
    toys.gateway = well_gateway()
    session = run(sessions.preflight(session, operator))
    assert session.state == S.MANUAL_CHECKS
    assert session.attempts.filter(scenario="RS-01").count() == 2


def test_only_who_may_start_may_check_and_run(sound: Session, people: People) -> None:
    for step in (sessions.preflight, sessions.run_now):
        with pytest.raises(PermissionDenied, match="role"):
            step(sound, people.vw)


def test_a_session_that_runs_already_needs_no_preflight(sound: Session) -> None:
    mine = taken(sound)
    assert async_to_sync(process.prepare)(mine)
    assert sound.preflights.count() == 0
