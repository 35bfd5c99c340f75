"""Evidence whose commit nobody heard of is there once: neither lost nor doubled."""

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
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
