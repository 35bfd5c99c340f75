"""Evidence whose commit nobody heard of is there once: neither lost nor doubled."""

from collections.abc import Sequence

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, OperationalError
from django.utils import timezone

from brokerage.models import Endpoint
from tests.databases import Database
from tests.doubt import break_next_commit
from tests.validation.conftest import Toys, passes, taken
from validation import recorder, sessions
from validation.lease import Lease
from validation.models import Check, LogLine
from validation.recorder import Stored


@pytest.fixture
def held(database: Database, toys: Toys, seeded: Endpoint, operator: User) -> Lease:
    """The lease of a running session."""
    toys.add("BC-01", passes)
    return taken(sessions.start(operator, queue=False))


def rows(held: Lease) -> list[Stored]:
    attempt = sessions.Session.objects.get(pk=held.session_id).attempts.get()
    line = LogLine(session_id=held.session_id, source="worker", message="seen", at=timezone.now())
    return [
        Check(attempt=attempt, position=1, name="price", expected="1", actual="1", passed=True),
        line,
    ]


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "rolled back"])
def test_rows_are_written_once_whatever_became_of_the_first_try(
    held: Lease, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    batch = rows(held)
    break_next_commit(monkeypatch, committed=committed)
    with pytest.raises(OperationalError):
        recorder.write(held, batch)
    later = LogLine(session_id=held.session_id, source="worker", message="later")
    recorder.write(held, [*batch, later], again=True)
    assert list(LogLine.objects.values_list("message", flat=True)) == ["seen", "later"]
    assert Check.objects.count() == 1


def test_a_row_of_another_under_the_same_key_is_not_taken_for_ours(held: Lease) -> None:
    """A key of a transaction that was rolled back may have gone to somebody else."""
    other = LogLine.objects.create(session_id=held.session_id, source="web", message="other")
    _, ours = rows(held)
    ours.pk = other.pk
    recorder.write(held, [ours], again=True)
    assert LogLine.objects.count() == 2


async def test_what_comes_while_evidence_is_written_is_no_failure(
    held: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, real = recorder.Recorder(held), recorder.write

    def write(lease: Lease, batch: Sequence[Stored], *, again: bool) -> None:
        real(lease, batch, again=again)
        if len(batch) == 1 and isinstance(batch[0], LogLine) and batch[0].message == "first":
            kept.line("of the watch, meanwhile")

    monkeypatch.setattr(recorder, "write", write)
    kept.line("first")
    await kept.settle()
    await kept.settle()
    written = [one async for one in LogLine.objects.values_list("message", flat=True)]
    assert written == ["first", "of the watch, meanwhile"]


async def test_a_verdict_does_not_rest_on_evidence_that_was_not_written(
    held: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*args: object, **options: object) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr(recorder, "write", write)
    kept = recorder.Recorder(held)
    kept.line("lost?")
    with pytest.raises(DatabaseError, match="1 rows of evidence"):
        await kept.settle()
