"""A desk with a gateway, a configuration in force and sessions in the states that pages show."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from brokerage.models import Endpoint
from tests.conftest import People
from validation import sessions
from validation.configuration import Config, digest
from validation.models import AttemptState, ConfigRevision, Session, SessionState


@pytest.fixture
def endpoint(people: People) -> Endpoint:
    """The default gateway, simulated."""
    return Endpoint.objects.create(name="simulated", kind="SIMULATED", is_default=True, speed=25)


@pytest.fixture
def revision(people: People) -> ConfigRevision:
    """The configuration in force."""
    content = Config().with_expiry("20261127").content()
    return ConfigRevision.objects.create(
        number=1, state="ACTIVE", content=content, digest=digest(content), origin="seed"
    )


@pytest.fixture
def session(people: People, endpoint: Endpoint, revision: ConfigRevision) -> Session:
    """A full session that waits for a worker."""
    return sessions.start(people.op, endpoint)


@pytest.fixture
def ended(session: Session) -> Session:
    """A full session whose scenarios have all passed, with its checklist still open."""
    return finish(session)


def finish(session: Session, failed: tuple[str, ...] = ()) -> Session:
    """Write the results of every scenario, as the worker does, and end the session's run."""
    now = timezone.now()
    for attempt in session.attempts.all():
        attempt.checks.create(position=0, name="Seen", expected="yes", actual="yes", passed=True)
        attempt.metrics.create(name="connect", value=12.5, unit="ms")
        attempt.log_lines.create(session=session, source="runner", message=f"{attempt} ended")
        bad = attempt.scenario in failed
        attempt.state = AttemptState.FAILED if bad else AttemptState.PASSED
        attempt.started_at, attempt.ended_at = now, now
        attempt.duration_ms = 1200
        attempt.save()
    session.started_at, session.ended_at = now - timedelta(minutes=3), now
    session.state = SessionState.MANUAL_CHECKS
    session.save()
    return session


@pytest.fixture
def operator(client: Client, people: People) -> Client:
    """The System Operator's browser."""
    client.force_login(people.op)
    return client


@pytest.fixture
def viewer(people: People) -> Client:
    """The browser of a person who may only read."""
    browser = Client()
    browser.force_login(people.vw)
    return browser
