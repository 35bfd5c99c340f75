"""The sweeper: what a dead worker left behind is found, ended, cleaned up, and told."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from crucible.alerts.models import Alert
from crucible.ledger.models import Entry
from tests.validation.conftest import states, taken
from validation import bookkeeping, lease, sweeper, tasks
from validation.cleanup import Cleaned
from validation.models import AttemptState, CleanupState, LogLine, Session, SessionState

pytestmark = pytest.mark.django_db


@pytest.fixture
def cleaner(monkeypatch: pytest.MonkeyPatch) -> list[Cleaned]:
    """What the next clean-ups find; empty when all were asked for."""
    results: list[Cleaned] = []

    async def clean_up(target: Any, scope: str) -> Cleaned:
        return results.pop(0)

    monkeypatch.setattr(sweeper, "clean_up", clean_up)
    return results


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper.outbox, "deliver_again", lambda: 0)


@pytest.fixture
def orphan(sound: Session) -> Session:
    """A session whose worker died in the middle of an order scenario."""
    mine = taken(sound)
    bookkeeping.open_run(mine)
    attempt = sound.attempts.get(scenario="OE-01")
    bookkeeping.start_attempt(mine, attempt)
    Session.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    return sound


def test_an_orphan_is_ended_cleaned_up_and_told(orphan: Session, cleaner: list[Cleaned]) -> None:
    cleaner.append(Cleaned(True, "1 orders cancelled, closed: SPY -1."))
    sweeper.sweep()
    orphan.refresh_from_db()
    assert orphan.state == SessionState.INTERRUPTED
    assert (orphan.cleanup, orphan.cleanup_note) == (
        CleanupState.DONE, "1 orders cancelled, closed: SPY -1.",
    )  # fmt: skip
    assert states(orphan) == dict.fromkeys(["BC-01", "OE-01", "RS-01"], AttemptState.ABORTED)
    assert Alert.objects.get(kind="session-interrupted").severity == "CRITICAL"
    assert Entry.objects.filter(kind="session.interrupted").exists()
    assert Entry.objects.filter(kind="session.cleaned").exists()


def test_the_session_says_what_happened_why_and_what_to_do(
    orphan: Session, cleaner: list[Cleaned]
) -> None:
    cleaner.append(Cleaned(True, "Nothing to do."))
    sweeper.sweep()
    orphan.refresh_from_db()
    for words in ("INTERRUPTED", "stopped answering", "OE-01 was running", "start a new session"):
        assert words in orphan.outcome_reason


def test_a_living_session_is_left_alone(sound: Session, cleaner: list[Cleaned]) -> None:
    taken(sound)
    assert sweeper.sweep() is None
    sound.refresh_from_db()
    assert sound.state == SessionState.RUNNING


def test_the_next_round_comes_the_moment_that_a_lease_ends(sound: Session) -> None:
    taken(sound)
    Session.objects.update(lease_until=timezone.now() + timedelta(seconds=2))
    again = sweeper.sweep()
    assert again is not None
    assert 1.5 < again < 2.2


def test_a_clean_up_that_failed_is_tried_again_after_a_minute(
    orphan: Session, cleaner: list[Cleaned]
) -> None:
    cleaner.append(Cleaned(False, "The gateway could not be used."))
    sweeper.sweep()
    sweeper.sweep()
    orphan.refresh_from_db()
    assert orphan.cleanup == CleanupState.PENDING
    assert Alert.objects.filter(kind="cleanup-failed").exists()
    Session.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    cleaner.append(Cleaned(True, "Verified."))
    sweeper.sweep()
    orphan.refresh_from_db()
    assert (orphan.cleanup, cleaner) == (CleanupState.DONE, [])
    assert LogLine.objects.filter(source="clean-up").count() == 2


def test_a_clean_up_that_failed_at_the_end_of_a_run_is_made_again(
    orphan: Session, cleaner: list[Cleaned]
) -> None:
    Session.objects.update(state=SessionState.HALTED, cleanup=CleanupState.FAILED, lease_until=None)
    cleaner.append(Cleaned(True, "Verified."))
    sweeper.sweep()
    orphan.refresh_from_db()
    assert (orphan.state, orphan.cleanup) == (SessionState.HALTED, CleanupState.DONE)
    assert Entry.objects.filter(kind="session.cleaned", object_id=orphan.number).count() == 1


def test_a_long_clean_up_holds_up_no_round(orphan: Session, cleaner: list[Cleaned]) -> None:
    put_off: list[Callable[[], object]] = []
    sweeper.sweep(apart=put_off.append)
    orphan.refresh_from_db()
    assert (orphan.state, orphan.cleanup) == (SessionState.INTERRUPTED, CleanupState.PENDING)
    cleaner.append(Cleaned(True, "Verified."))
    for work in put_off:
        work()
    orphan.refresh_from_db()
    assert orphan.cleanup == CleanupState.DONE


def test_the_task_does_not_wait_for_a_clean_up(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, done = threading.Event(), threading.Event()

    def long() -> None:
        goes_on.wait(60)
        done.set()

    monkeypatch.setattr(sweeper, "sweep", lambda apart: (apart(long), None)[1])
    tasks.sweep()
    assert not done.is_set()
    goes_on.set()
    assert done.wait(60)


def test_two_sweepers_share_the_work(orphan: Session, cleaner: list[Cleaned]) -> None:
    (seen,) = lease.expired()
    assert sweeper.interrupt(seen)
    assert not sweeper.interrupt(seen)
    cleaner.append(Cleaned(True, "Verified."))
    orphan.refresh_from_db()
    assert sweeper.finish_cleanup(orphan)
    assert not sweeper.finish_cleanup(orphan)


def test_a_session_without_order_scenarios_needs_no_clean_up(
    orphan: Session, cleaner: list[Cleaned]
) -> None:
    Session.objects.update(cleanup=CleanupState.NOT_NEEDED)
    sweeper.sweep()
    orphan.refresh_from_db()
    assert (orphan.state, orphan.cleanup) == (SessionState.INTERRUPTED, CleanupState.NOT_NEEDED)


def test_the_task_looks_again_when_the_sweeper_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.sweep, "apply_async", lambda **options: asked.append(options))
    monkeypatch.setattr(sweeper, "sweep", lambda **how: None)
    tasks.sweep()
    monkeypatch.setattr(sweeper, "sweep", lambda **how: 2.0)
    tasks.sweep()
    # Without an expiry: a worker whose clock is ahead would throw the round away.
    assert asked == [{"countdown": 2.0, "retry": False}]


def test_a_doubled_message_runs_nothing_twice(sound: Session) -> None:
    tasks.execute_session(sound.number)
    tasks.execute_session(sound.number)
    sound.refresh_from_db()
    assert (sound.state, sound.token) == (SessionState.MANUAL_CHECKS, 1)


def test_the_expiry_task_makes_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    answer = tasks.rolling.Rolled("done", True)
    monkeypatch.setattr(tasks.rolling, "roll", lambda: asked.append(1) or answer)
    tasks.roll_weekly_expiry()
    assert asked == [1]
