"""Pause and resume between scenarios: nothing works, nothing is held meanwhile."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from brokerage import kill
from brokerage.models import Endpoint, OrderGrant, OrderRecord
from crucible.ledger.models import Entry
from tests.conftest import People
from tests.databases import Database
from tests.validation.conftest import Toys, claimed, passes, run, states, well_gateway, well_host
from validation import lease, outbox, pausing, runner, sessions, sweeper
from validation.cleanup import Cleaned
from validation.models import AttemptState, CleanupState, Outbox, Session, SessionState
from validation.scenarios.catalogue import ORDERS
from validation.scenarios.trial import Trial
from validation.sessions import SessionRefused

A, S = AttemptState, SessionState


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "PULSE_S", 0.02)
    monkeypatch.setattr(outbox, "deliver_again", lambda: 0)


@pytest.fixture
def paused(toys: Toys, seeded: Endpoint, operator: User) -> Session:
    """A session that was paused while its first order scenario ran; one more is to come."""

    def asks(trial: Trial) -> Any:
        trial.check("seen", 1, 1)
        return sync_to_async(lambda: pausing.pause(Session.objects.get(), operator, "lunch"))()

    toys.add("OE-01", asks, needs=[ORDERS])
    toys.add("OE-02", passes, needs=[ORDERS])
    toys.add("RS-01", passes)
    return run(sessions.start(operator))


def late(session: Session, minutes: float = 31) -> Session:
    """Let time pass since the session was paused."""
    Session.objects.update(paused_at=timezone.now() - timedelta(minutes=minutes))
    session.refresh_from_db()
    return session


@pytest.mark.django_db
def test_a_product_that_has_changed_meanwhile_does_not_go_on(
    paused: Session, toys: Toys, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as deployed:
        deployed.setattr(sessions, "code_version", lambda: "deployed")
        with pytest.raises(SessionRefused, match="Start a new session"):
            pausing.resume(paused, operator)
    toys.host = well_host(code_version="a worker's")
    pausing.resume(paused, operator)
    assert run(paused).state == S.PAUSED
    assert states(paused)["OE-02"] == A.PENDING


@pytest.mark.django_db
def test_a_pause_that_ends_the_session_is_compared_once(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[float] = []

    async def conclude(limit: float) -> list[Any]:
        compared.append(limit)
        return []

    def asks(trial: Trial) -> Any:
        trial.check("seen", 1, 1)
        return sync_to_async(lambda: pausing.pause(Session.objects.get(), operator, "lunch"))()

    monkeypatch.setattr(toys.watch, "conclude", conclude)
    toys.cleanup = Cleaned(False, "SPY 1 is left.")
    toys.add("RS-01", asks)
    toys.add("RS-02", passes)
    assert run(sessions.start(operator)).state == S.HALTED
    assert len(compared) == 1


@pytest.mark.django_db
def test_a_pause_waits_for_the_running_scenario_and_leaves_nothing(
    paused: Session, toys: Toys
) -> None:
    assert paused.state == S.PAUSED
    assert states(paused) == {"OE-01": A.PASSED, "OE-02": A.PENDING, "RS-01": A.PENDING}
    assert (paused.lease_owner, paused.lease_until, paused.wanted) == ("", None, False)
    assert OrderGrant.objects.get().revoked_at is not None
    assert toys.cleaned == [f"{paused.number}/OE-01", paused.number]
    entry = Entry.objects.get(kind="session.paused")
    assert (entry.actor_name, entry.details["note"]) == ("op", "lunch")


@pytest.mark.django_db
def test_a_resumption_checks_again_and_runs_the_rest_under_a_new_grant(
    paused: Session, operator: User
) -> None:
    session = run(pausing.resume(paused, operator))
    assert session.state == S.MANUAL_CHECKS
    assert set(states(session).values()) == {A.PASSED}
    assert session.attempts.count() == 3
    assert [one.passed for one in session.preflights.all()] == [True, True]
    assert OrderGrant.objects.count() == 2
    assert all(grant.revoked_at for grant in OrderGrant.objects.all())
    assert session.facts["opening_balance"] == session.facts["closing_balance"]
    assert session.cleanup == CleanupState.DONE


@pytest.mark.django_db
def test_pauses_and_resumptions_do_not_renew_the_number_of_orders(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    def sends(trial: Trial) -> Any:
        trial.check("seen", 1, 1)
        return sync_to_async(send)(trial)

    def send(trial: Trial) -> None:
        grant = OrderGrant.objects.latest("pk")
        left.append(grant.max_orders)
        for number in range(8):
            OrderRecord.objects.create(
                grant=grant, scope=grant.scope, key=f"{trial.ref} {number}", con_id=1,
                side="BUY", quantity=1, state="CANCELLED" if number else "REFUSED",
            )  # fmt: skip
        if trial.ref.endswith(("1", "2", "3")):
            pausing.pause(Session.objects.get(), operator, "lunch")

    left: list[int] = []
    for number in range(1, 5):
        toys.add(f"OE-0{number}", sends, needs=[ORDERS])
    session = run(sessions.start(operator))
    for _ in range(3):
        session = run(pausing.resume(session, operator))
    assert session.state == S.MANUAL_CHECKS
    assert left == [30, 23, 16, 9]


@pytest.mark.django_db
def test_a_resumption_whose_orders_are_all_used_up_grants_none(
    paused: Session, operator: User
) -> None:
    grant = OrderGrant.objects.get()
    for number in range(31):
        OrderRecord.objects.create(
            grant=grant, scope=grant.scope, key=f"{number}", con_id=1, side="BUY", quantity=1,
            state="FILLED",
        )  # fmt: skip
    run(pausing.resume(paused, operator))
    fresh = OrderGrant.objects.latest("pk")
    assert (fresh == grant, fresh.max_orders) == (False, 0)


@pytest.mark.django_db
def test_a_resumption_that_is_blocked_stays_paused(
    paused: Session, operator: User, toys: Toys
) -> None:
    toys.gateway = well_gateway(net_liquidation=1.0)
    session = run(pausing.resume(paused, operator))
    assert (session.state, session.wanted, session.lease_until) == (S.PAUSED, False, None)
    assert states(session)["OE-02"] == A.PENDING
    assert Entry.objects.filter(kind="session.resumption_refused").exists()
    toys.gateway = well_gateway()
    assert run(pausing.resume(session, operator)).state == S.MANUAL_CHECKS


@pytest.mark.django_db
def test_a_worker_takes_a_paused_session_only_when_somebody_resumes_it(
    paused: Session, operator: User
) -> None:
    assert lease.claim(paused.number, "eager") is None
    assert sweeper.unclaimed() == []
    pausing.resume(paused, operator)
    assert Outbox.objects.latest("pk").payload == {"number": paused.number}
    assert lease.claim(paused.number, "asked") is not None


@pytest.mark.django_db
def test_a_pause_that_lasts_too_long_is_aborted_and_cleaned_up(
    paused: Session, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def clean_up(target: Any, scope: str) -> Cleaned:
        return Cleaned(True, "Verified.")

    monkeypatch.setattr(sweeper, "clean_up", clean_up)
    late(paused, 29.9)
    sweeper.sweep()
    paused.refresh_from_db()
    assert paused.state == S.PAUSED
    late(paused)
    with pytest.raises(SessionRefused, match="too long"):
        pausing.resume(paused, operator)
    sweeper.sweep()
    paused.refresh_from_db()
    assert (paused.state, paused.cleanup) == (S.ABORTED, CleanupState.DONE)
    assert "more than 30 minutes" in paused.outcome_reason
    assert states(paused)["OE-02"] == A.ABORTED


@pytest.mark.django_db
def test_a_resumption_that_a_worker_has_begun_is_not_swept(paused: Session, operator: User) -> None:
    pausing.resume(paused, operator)
    claimed(paused)
    late(paused)
    assert pausing.forgotten() == []
    Session.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    (lost,) = lease.expired()
    assert sweeper.interrupt(lost)
    paused.refresh_from_db()
    assert paused.state == S.INTERRUPTED


@pytest.mark.django_db
def test_two_sweepers_abort_it_once(paused: Session) -> None:
    late(paused)
    (found,) = pausing.forgotten()
    assert pausing.end_forgotten(found)
    assert not pausing.end_forgotten(found)


@pytest.mark.django_db
def test_a_paused_session_is_aborted_at_once(paused: Session, people: People) -> None:
    ended = sessions.abort(paused, people.cro, "wrong account")
    assert (ended.state, ended.cleanup) == (S.ABORTED, CleanupState.PENDING)
    assert sweeper.waiting_for_cleanup() == [ended]


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["PREFLIGHT", "READY", "PAUSED"])
def test_the_kill_switch_halts_what_waits(paused: Session, state: str) -> None:
    Session.objects.update(state=state)
    kill.trigger("test", "a rogue order")
    (found,) = sweeper.halted()
    assert sweeper.halt(found)
    paused.refresh_from_db()
    assert paused.state == S.HALTED
    assert "a rogue order" in paused.outcome_reason


@pytest.mark.django_db
def test_nothing_is_resumed_while_the_kill_switch_is_not_armed(
    paused: Session, operator: User
) -> None:
    kill.trigger("test", "a rogue order")
    with pytest.raises(SessionRefused, match="not armed"):
        pausing.resume(paused, operator)


@pytest.mark.django_db
def test_what_is_not_flat_before_a_pause_halts_instead(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    def asks(trial: Trial) -> Any:
        toys.cleanup = Cleaned(False, "SPY +1 is still open.")
        return sync_to_async(lambda: pausing.pause(Session.objects.get(), operator, "lunch"))()

    toys.add("BC-01", asks)
    toys.add("OE-01", passes, needs=[ORDERS])
    session = run(sessions.start(operator))
    assert session.state == S.HALTED
    assert "SPY +1 is still open." in session.outcome_reason
    assert states(session)["OE-01"] == A.ABORTED


@pytest.mark.django_db
def test_a_pause_during_the_last_scenario_comes_too_late(
    toys: Toys, seeded: Endpoint, operator: User
) -> None:
    def asks(trial: Trial) -> Any:
        trial.check("seen", 1, 1)
        return sync_to_async(lambda: pausing.pause(Session.objects.get(), operator, "late"))()

    toys.add("BC-01", asks)
    assert run(sessions.start(operator)).state == S.MANUAL_CHECKS


@pytest.mark.django_db
def test_who_may_pause_what(sound: Session, operator: User, people: People) -> None:
    with pytest.raises(SessionRefused, match="only a running"):
        pausing.pause(sound, operator, "lunch")
    Session.objects.update(state=S.RUNNING)
    with pytest.raises(PermissionDenied):
        pausing.pause(sound, people.cro, "lunch")
    with pytest.raises(SessionRefused, match="why"):
        pausing.pause(sound, operator, " ")
    pausing.pause(sound, operator, "lunch")
    with pytest.raises(SessionRefused, match="pauses after"):
        pausing.pause(sound, operator, "again")
    assert sound.involvements.filter(person=operator, what="paused the session").exists()


@pytest.mark.django_db
def test_a_shell_does_not_lose_its_session_to_a_pause(sound: Session, operator: User) -> None:
    Session.objects.update(state=S.RUNNING, lease_owner="foreground@host")
    with pytest.raises(SessionRefused, match="shell"):
        pausing.pause(sound, operator, "lunch")


def test_of_two_people_who_resume_one_wins(
    database: Database, paused: Session, operator: User
) -> None:
    told: list[str] = []

    def resume() -> None:
        try:
            pausing.resume(paused, operator)
            told.append("resumed")
        except SessionRefused as refused:
            told.append(str(refused))
        finally:
            connection.close()

    threads = [threading.Thread(target=resume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert told.count("resumed") == 1
    assert any("already" in one for one in told)
    assert Outbox.objects.count() == 2
