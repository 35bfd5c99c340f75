"""Leases and fencing tokens: the database decides who runs a session."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from brokerage.models import Endpoint
from tests.databases import Database
from tests.validation.conftest import Toys, passes, taken
from validation import lease, recorder, sessions
from validation.lease import Lease, StaleToken, claim, guarded, renew, take_over
from validation.models import LogLine, Session, SessionState


@pytest.fixture
def waiting(toys: Toys, seeded: Endpoint, operator: User) -> Session:
    """A session that nobody has claimed."""
    toys.add("BC-01", passes)
    return sessions.start(operator, queue=False)


def lapse(session: Session) -> Session:
    """Let the session's lease run out."""
    past = timezone.now() - timedelta(seconds=1)
    Session.objects.filter(pk=session.pk).update(lease_until=past)
    session.refresh_from_db()
    return session


def in_thread(work: object) -> None:
    """Run in a thread of its own, with a connection of its own."""

    def body() -> None:
        try:
            work()  # type: ignore[operator]
        finally:
            connection.close()

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(60)


def test_of_two_workers_at_once_one_gets_the_session(database: Database, waiting: Session) -> None:
    found: list[Lease | None] = []
    threads = [
        threading.Thread(
            target=lambda name=name: (found.append(claim(waiting.number, name)), connection.close())
        )
        for name in ("a", "b", "c")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 3
    assert len([one for one in found if one is not None]) == 1
    waiting.refresh_from_db()
    assert (waiting.state, waiting.token) == (SessionState.PREFLIGHT, 1)


def test_a_worker_that_was_overtaken_can_write_nothing_more(
    database: Database, waiting: Session
) -> None:
    old = taken(waiting)
    assert take_over(lapse(waiting), "sweeper") is not None
    refused: list[str] = []

    def write_late() -> None:
        row = LogLine(session_id=old.session_id, source="worker", message="too late")
        for attempt in (lambda: recorder.write(old, [row]), lambda: renew(old)):
            try:
                attempt()
            except StaleToken as error:
                refused.append(str(error))

    in_thread(write_late)
    assert len(refused) == 2
    assert not LogLine.objects.exists()


def test_a_take_over_waits_for_a_write_under_way(postgres_db: Database, waiting: Session) -> None:
    old, order = taken(waiting), []
    lapse(waiting)
    with guarded(old):
        thread = threading.Thread(
            target=lambda: (
                take_over(waiting, "sweeper"),
                order.append("taken"),
                connection.close(),
            )
        )
        thread.start()
        thread.join(0.3)
        order.append("written")
    thread.join(60)
    assert order == ["written", "taken"]


@pytest.mark.django_db
def test_a_session_is_claimed_once_and_never_again(waiting: Session) -> None:
    taken(waiting)
    assert claim(waiting.number, "other") is None
    lapse(waiting)
    assert claim(waiting.number, "other") is None
    assert claim("prelive_19990101_001", "other") is None


@pytest.mark.django_db
def test_renewing_keeps_the_sweeper_away(waiting: Session) -> None:
    mine = taken(waiting)
    assert lease.expired() == []
    lapse(waiting)
    assert lease.expired() == [waiting]
    renew(mine)
    assert lease.expired() == []
    assert take_over(waiting, "sweeper") is None
    left = lease.next_expiry()
    assert left is not None
    assert 14 < left <= 15


@pytest.mark.django_db
def test_nothing_expires_while_nothing_runs(waiting: Session) -> None:
    assert lease.next_expiry() is None


@pytest.mark.django_db
def test_an_ended_session_can_not_be_renewed(waiting: Session) -> None:
    mine = taken(waiting)
    Session.objects.update(state=SessionState.ABORTED)
    with pytest.raises(StaleToken):
        renew(mine)


@pytest.mark.django_db
def test_the_token_of_a_session_that_is_gone_is_stale(waiting: Session) -> None:
    ghost = Lease(waiting.pk + 1, "gone", 1, "me")
    with pytest.raises(StaleToken, match="gone"), guarded(ghost):
        pass


@pytest.mark.parametrize("hours", [-1, 1])
def test_no_clock_but_the_databases_decides_about_a_lease(
    database: Database, waiting: Session, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    now = timezone.now()
    with monkeypatch.context() as wrong:
        wrong.setattr(timezone, "now", lambda: now + timedelta(hours=hours))
        held = claim(waiting.number, "worker")
        assert held is not None
        renew(held)
        assert lease.expired() == []
    waiting.refresh_from_db()
    assert waiting.lease_until is not None
    assert abs((waiting.lease_until - now - lease.LEASE).total_seconds()) < 60
    left = lease.next_expiry()
    assert left is not None
    assert left <= lease.LEASE.total_seconds()
