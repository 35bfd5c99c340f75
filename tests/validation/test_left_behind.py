"""Nothing that is left behind stays unseen: sessions nobody takes, and steps that fail."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from brokerage.models import Endpoint
from crucible.alerts.models import Alert
from tests.conftest import People
from tests.validation.conftest import taken
from validation import outbox, sessions, sweeper
from validation.models import Outbox, Session, SessionState

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
