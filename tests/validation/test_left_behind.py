"""Nothing that is left behind stays unseen: sessions nobody takes, and steps that fail."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from brokerage.models import Endpoint
from brokerage.terms import Target
from crucible.alerts.models import Alert
from tests.conftest import People
from tests.validation.conftest import taken
from validation import bookkeeping, foreground, lease, outbox, sessions, sweeper
from validation.cleanup import Cleaned
from validation.models import CleanupState, Outbox, Session, SessionState
from validation.sessions import SessionRefused

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "deliver_again", lambda: 0)


def age(minutes: int) -> None:
    """Let time pass since every session was started."""
    then = timezone.now() - timedelta(minutes=minutes)
    Session.objects.update(created_at=then)
    Outbox.objects.update(created_at=then)


def test_a_session_that_no_worker_takes_is_told(sound: Session) -> None:
    sweeper.sweep()
    assert not Alert.objects.filter(kind="session-unclaimed").exists()
    age(2)
    sweeper.sweep()
    assert Alert.objects.get(kind="session-unclaimed").ref == sound.number


def test_a_session_that_waits_again_has_its_minute(sound: Session) -> None:
    age(2)
    outbox.post("session.execute", number=sound.number)
    sweeper.sweep()
    assert not Alert.objects.filter(kind="session-unclaimed").exists()


def test_one_session_that_fails_keeps_no_other_waiting(
    sound: Session, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sessions.start(people.op, Endpoint.objects.create(name="b", kind="SIMULATED", port=5))
    end = sessions.end

    def fails_once(session: Session, *args: Any, **more: Any) -> None:
        if session.pk == sound.pk:
            raise RuntimeError("a fault that nobody thought of")
        end(session, *args, **more)

    monkeypatch.setattr(sessions, "end", fails_once)
    taken(sound), taken(other)
    Session.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sweeper.sweep()
    other.refresh_from_db()
    assert other.state == SessionState.INTERRUPTED


@pytest.mark.parametrize("cleanup", [CleanupState.PENDING, CleanupState.FAILED])
def test_nothing_starts_where_an_interrupted_session_is_not_cleaned_up(
    sound: Session, people: People, cleanup: CleanupState
) -> None:
    Session.objects.update(state=SessionState.INTERRUPTED, cleanup=cleanup)
    with pytest.raises(SessionRefused, match=f"nothing of {sound.number} is left.*by hand"):
        sessions.start(people.op, restart_of=Session.objects.get())
    other = Endpoint.objects.create(name="b", kind="SIMULATED", port=5)
    assert sessions.start(people.op, other).state == SessionState.PREFLIGHT


def test_the_next_session_starts_once_the_sweeper_has_verified(
    sound: Session, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def clean_up(target: Any, scope: str) -> Cleaned:
        return Cleaned(True, "Verified.")

    monkeypatch.setattr(sweeper, "clean_up", clean_up)
    bookkeeping.open_run(taken(sound))
    Session.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    (lost,) = lease.expired()
    assert sweeper.interrupt(lost)
    with pytest.raises(SessionRefused, match="not clean"):
        sessions.start(people.op)
    sweeper.sweep()
    assert sessions.start(people.op).state == SessionState.PREFLIGHT


def test_an_earlier_sessions_rerun_waits_for_the_clean_up_too(
    sound: Session, people: People
) -> None:
    Session.objects.update(state=SessionState.MANUAL_CHECKS)
    other = sessions.start(people.op)
    Session.objects.filter(pk=other.pk).update(
        state=SessionState.ABORTED, cleanup=CleanupState.PENDING
    )
    with pytest.raises(SessionRefused, match=other.number):
        sessions.rerun(Session.objects.get(pk=sound.pk), ["BC-01"], people.op)


def test_a_private_simulation_leaves_an_unclean_endpoint_alone(sound: Session) -> None:
    target = Target("x", "127.0.0.1", 5000, "SIMULATED", speed=25.0)
    first = foreground.private_endpoint(target)
    Session.objects.update(
        endpoint=first, state=SessionState.INTERRUPTED, cleanup=CleanupState.FAILED
    )
    assert foreground.private_endpoint(target) != first
