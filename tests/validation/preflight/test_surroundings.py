"""What the preflight tries on the product itself."""

import time

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from crucible.ledger.models import Entry
from validation.host_load import HostSample
from validation.preflight import surroundings

pytestmark = pytest.mark.django_db


def test_an_entry_of_the_audit_log_is_written_on_trial_and_taken_back() -> None:
    before = Entry.objects.count()
    assert surroundings.audit_error() == ""
    assert Entry.objects.count() == before


def test_an_audit_log_that_takes_no_entry_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DatabaseError("attempt to write a readonly database")

    monkeypatch.setattr(surroundings, "record", refuse)
    assert "readonly" in surroundings.audit_error()


def test_what_the_heartbeats_of_a_minute_carried_is_the_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end = time.time()
    for age in range(60, -1, -10):
        taken = HostSample(end - age, 20.0 * (60 - age), 100.0 * (60 - age), 0.4)
        monkeypatch.setattr(surroundings, "sample", lambda taken=taken: taken)
        surroundings.beat()
    assert surroundings.host_now().processors == pytest.approx(0.2)
    assert surroundings.look_around().load.memory == pytest.approx(0.4)


def test_a_first_heartbeat_says_nothing_of_the_load() -> None:
    surroundings.beat()
    assert surroundings.host_now().processors is None


def test_a_heartbeat_with_its_samples_is_one_write() -> None:
    surroundings.beat()
    with CaptureQueriesContext(connection) as made:
        surroundings.beat()
    assert sum(one["sql"].startswith(("UPDATE", "INSERT")) for one in made) == 1
