"""An entry stands in the transaction of its change, numbered without a gap, in canonical form."""

import hashlib
import json
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from crucible.correlation import correlated
from crucible.ledger.canonical import canonical, digest, plain
from crucible.ledger.models import Entry
from crucible.ledger.record import record
from crucible.roles import Role
from tests.conftest import People
from tests.databases import Database
from tests.ledger.writer import write

WRITERS, ENTRIES = 4, 100
EDT = timezone(timedelta(hours=-4))
ROOT = Path(__file__).resolve().parents[2]


def assert_gap_free(total: int) -> None:
    sequences = list(Entry.objects.order_by("sequence").values_list("sequence", flat=True))
    assert sequences == list(range(1, total + 1))
    written = Entry.objects.values_list("actor_name", "object_id").distinct().count()
    assert written == total
    assert not Entry.objects.exclude(kind="test.written").exists()
    assert all(entry.intact for entry in Entry.objects.all())


def test_four_processes_leave_no_gap_and_no_duplicate(database: Database) -> None:
    names = [f"w{n}" for n in range(WRITERS)]
    command = [sys.executable, "-m", "tests.ledger.writer", str(ENTRIES), *names]
    done = subprocess.run(
        command, env=database.env, cwd=ROOT, capture_output=True, check=False, timeout=150
    )
    assert done.returncode == 0, done.stderr.decode()
    assert_gap_free(WRITERS * ENTRIES)


def test_four_threads_leave_no_gap_and_no_duplicate(database: Database) -> None:
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            write(name, 25)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert_gap_free(WRITERS * 25)


def test_a_rolled_back_entry_gives_its_number_to_the_next(database: Database) -> None:
    write("one", 1)
    with transaction.atomic():
        assert record("test.written", "number", 1, actor="one").sequence == 2


def test_an_entry_outside_of_a_transaction_is_refused(database: Database) -> None:
    with pytest.raises(transaction.TransactionManagementError, match="transaction"):
        record("session.started", "session", "s1", actor="system")
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_the_body_holds_every_field_in_canonical_json(people: People) -> None:
    with correlated("req-7"):
        entry = record("session.started", "session", "s1", actor=people.op, planned=16)
    assert json.loads(entry.body) == {
        "format": 1,
        "sequence": 1,
        "at": entry.at.isoformat(timespec="microseconds"),
        "actor": people.op.pk,
        "actor_name": "op",
        "kind": "session.started",
        "object_type": "session",
        "object_id": "s1",
        "correlation": "req-7",
        "details": {"planned": 16},
    }
    assert entry.body.encode() == rfc8785.dumps(json.loads(entry.body))
    assert entry.body_sha256 == hashlib.sha256(entry.body.encode()).hexdigest()


def test_an_entry_reads_back_as_it_was_written(database: Database) -> None:
    with transaction.atomic():
        record("config.activated", "config", 3, actor="scheduler", price=1.25, note="ä\x00\ud800")
    entry = Entry.objects.get()
    assert entry.intact
    assert entry.details == {"price": 1.25, "note": "ä\x00?"}
    assert str(entry) == "#1 config.activated 3"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "forged"),
        ("actor_name", "somebody"),
        ("object_id", "s2"),
        ("at", datetime(2020, 1, 1, tzinfo=UTC)),
        ("sequence", 9),
        ("body_sha256", "0" * 64),
        ("correlation", "x"),
    ],
)
def test_a_tampered_column_shows(field: str, value: object) -> None:
    entry = record("session.started", "session", "s1", actor="system")
    assert entry.intact
    setattr(entry, field, value)
    assert not entry.intact


@pytest.mark.django_db
def test_a_body_tampered_with_its_digest_shows() -> None:
    entry = record("session.started", "session", "s1", actor="system")
    entry.body = entry.body.replace("session.started", "session.aborted")
    entry.body_sha256 = digest(entry.body)
    assert not entry.intact


@pytest.mark.django_db
@pytest.mark.parametrize("actor", ["", AnonymousUser(), User(username="unsaved")])
def test_an_entry_needs_an_actor(actor: Any) -> None:
    with pytest.raises(ValueError, match="actor"):
        record("session.started", "session", "s1", actor=actor)


@pytest.mark.django_db
def test_a_detail_without_a_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no canonical form"):
        record("session.started", "session", "s1", actor="system", odd=object())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Role.CRO, "CRO"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (date(2026, 4, 2), "2026-04-02"),
        (datetime(2026, 4, 2, 9, tzinfo=EDT), "2026-04-02T13:00:00.000000+00:00"),
        (datetime(2026, 4, 2, 9), "2026-04-02T09:00:00.000000"),  # noqa: DTZ001
        (timedelta(seconds=90), 90.0),
        (Path("a/b"), "a/b"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (2**60, str(2**60)),
        (1e16, "1e+16"),
        (True, True),
        (None, None),
        ({3, 1, 2}, [1, 2, 3]),
        ((1, [2.5]), [1, [2.5]]),
        ({1: {"a": ()}}, {"1": {"a": []}}),
    ],
)  # fmt: skip
def test_python_values_have_one_json_form(value: object, expected: object) -> None:
    assert plain(value) == expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), VALUES))
def test_canonical_text_is_a_fixed_point_whatever_the_order_of_keys(value: dict[str, Any]) -> None:
    text = canonical(value)
    assert canonical(json.loads(text)) == text
    assert canonical(dict(reversed(value.items()))) == text
