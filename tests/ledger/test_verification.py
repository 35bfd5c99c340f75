"""The whole audit log is read: what is missing or was changed is told."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from crucible.alerts.models import Alert
from crucible.ledger.models import Entry
from crucible.ledger.record import record
from crucible.ledger.verification import MOST_TOLD, verify
from tests.databases import Database
from validation import tasks


def write(count: int) -> None:
    with transaction.atomic():
        for number in range(count):
            record("test.said", "test", number, actor="test", word="true")


def rewrite(sql: str, *values: int) -> None:
    """Change the log as somebody who owns the database can: without its guards."""
    on_table = " ON ledger_entry" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for what in ("update", "delete"):
            cursor.execute(f"DROP TRIGGER ledger_entry_no_{what}{on_table}")
        cursor.execute(sql, values)


def test_an_untouched_log_is_intact(database: Database) -> None:
    before = Entry.objects.count()
    write(3)
    assert (verify().intact, verify().entries) == (True, before + 3)


def test_a_changed_entry_is_told_by_its_number(database: Database) -> None:
    write(3)
    last = Entry.objects.order_by("sequence").last()
    assert last
    rewrite("UPDATE ledger_entry SET actor_name = 'nobody' WHERE sequence = %s", last.sequence)
    assert verify().problems == (f"#{last.sequence} is not what was written.",)


def test_missing_entries_are_told_by_their_numbers(database: Database) -> None:
    write(4)
    end = Entry.objects.count()
    rewrite("DELETE FROM ledger_entry WHERE sequence IN (%s, %s)", end - 2, end - 1)
    assert verify().problems == (f"#{end - 2} to #{end - 1} are missing.",)
    with pytest.raises(CommandError, match="are missing"):
        call_command("verify_audit")


def test_the_night_raises_an_alert_and_takes_it_back(sqlite_file: Database) -> None:
    write(MOST_TOLD + 5)
    rewrite("UPDATE ledger_entry SET kind = kind || '!'")
    tasks.verify_audit()
    alert = Alert.objects.get(kind="audit")
    assert (alert.severity, alert.state) == ("CRITICAL", Alert.State.OPEN)
    assert "And " in alert.text
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_entry SET kind = replace(kind, '!', '')")
    tasks.verify_audit()
    alert.refresh_from_db()
    assert alert.state == Alert.State.RESOLVED
