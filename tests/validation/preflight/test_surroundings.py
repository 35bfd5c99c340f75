"""What the preflight tries on the product itself."""

import pytest
from django.db import DatabaseError

from crucible.ledger.models import Entry
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
