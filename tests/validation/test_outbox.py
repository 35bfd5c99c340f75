"""The outbox: a broker that is away delays a session and never loses it."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import DjangoCaptureOnCommitCallbacks

from brokerage.models import Endpoint
from crucible.correlation import correlated
from tests.validation.conftest import Toys, passes, taken
from validation import outbox, sessions
from validation.models import Outbox, Session

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What went to the broker; an exception put first is raised instead."""
    messages: list[Any] = []

    def send_task(name: str, kwargs: dict[str, Any], retry: bool, headers: dict[str, str]) -> None:
        if messages and isinstance(messages[0], Exception):
            raise messages[0]
        messages.append({name: kwargs, "retry": retry, **headers})

    monkeypatch.setattr(outbox.current_app, "send_task", send_task)
    return messages


def begin(toys: Toys, operator: User, commits: DjangoCaptureOnCommitCallbacks) -> Session:
    toys.add("BC-01", passes)
    with commits(execute=True):
        return sessions.start(operator)


def test_the_workers_are_told_after_the_commit(
    toys: Toys, seeded: Endpoint, operator: User, sent: list[Any],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    with correlated("req-1"):
        session = begin(toys, operator, django_capture_on_commit_callbacks)
    task = "validation.tasks.execute_session"
    assert sent == [{task: {"number": session.number}, "retry": False, "correlation": "req-1"}]
    assert Outbox.objects.get().delivered_at is not None


def test_a_broker_that_is_away_is_told_later(
    toys: Toys, seeded: Endpoint, operator: User, sent: list[Any],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    sent.append(OperationalError("connection refused"))
    begin(toys, operator, django_capture_on_commit_callbacks)
    message = Outbox.objects.get()
    assert (message.delivered_at, message.tries) == (None, 1)
    assert outbox.deliver_again() == 0
    sent.clear()
    assert outbox.deliver_again() == 1
    assert len(sent) == 1


def test_a_message_that_got_lost_is_sent_again_until_somebody_claims(
    toys: Toys, seeded: Endpoint, operator: User, sent: list[Any],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    with correlated("req-1"):
        session = begin(toys, operator, django_capture_on_commit_callbacks)
    assert outbox.deliver_again() == 0
    Outbox.objects.update(delivered_at=timezone.now() - timedelta(seconds=31))
    with correlated("task-of-the-sweeper"):
        assert outbox.deliver_again() == 1
    assert [message["correlation"] for message in sent] == ["req-1", "req-1"]
    Outbox.objects.update(delivered_at=timezone.now() - timedelta(seconds=31))
    taken(session)
    assert outbox.deliver_again() == 0


def test_a_foreground_session_is_nobody_elses(
    toys: Toys, seeded: Endpoint, operator: User, sent: list[Any]
) -> None:
    toys.add("BC-01", passes)
    sessions.start(operator, queue=False)
    assert outbox.deliver_again() == 0
    assert sent == []


def test_nobody_waits_for_a_broker_that_is_away(
    toys: Toys, seeded: Endpoint, operator: User, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, tmp_path: Path,
) -> None:  # fmt: skip
    app = Celery("away", broker=f"redis+socket://{tmp_path}/none.sock", set_as_current=False)
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    monkeypatch.setattr(outbox, "current_app", app)
    started = time.monotonic()
    begin(toys, operator, django_capture_on_commit_callbacks)
    assert time.monotonic() - started < 2
    assert Outbox.objects.get().delivered_at is None
