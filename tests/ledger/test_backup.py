"""Backups by the engine's own means, on record, and their age as the preflight asks for it."""

import io
import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from crucible.alerts.models import Alert
from crucible.ledger import backup
from crucible.ledger.backup import BackupError
from crucible.ledger.models import Entry
from crucible.ledger.record import record
from tests import servers
from tests.databases import Database
from validation import tasks
from validation.preflight import surroundings


@pytest.fixture(autouse=True)
def _tools_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dump with the tools of the server's own version: older ones refuse."""
    monkeypatch.setenv("PATH", f"{servers._postgres_binaries()}{os.pathsep}{os.environ['PATH']}")


def say(kind: str) -> None:
    with transaction.atomic():
        record(kind, "test", 1, actor="test")


def test_a_backup_holds_the_log_up_to_it_and_is_on_record(
    database: Database, tmp_path: Path
) -> None:
    say("before.backup")
    made = backup.make(tmp_path / "here", actor="test")
    assert (made.there, made.path.stat().st_size) == (True, made.size)
    assert kinds_in(made.path, database)[-1] == "before.backup"
    assert backup.newest() == made
    assert Entry.objects.get(kind="backup.made").actor_name == "test"


def kinds_in(path: Path, database: Database) -> list[str]:
    if database.vendor == "sqlite":
        with closing(sqlite3.connect(path)) as copy:
            rows = copy.execute("SELECT kind FROM ledger_entry ORDER BY sequence").fetchall()
        return [kind for (kind,) in rows]
    dump = subprocess.run(
        ["pg_restore", "--data-only", "--table=ledger_entry", "--file=-", path],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return ["before.backup"] if "before.backup" in dump.stdout else []


def test_a_copy_is_whole_while_somebody_writes(sqlite_file: Database, tmp_path: Path) -> None:
    with transaction.atomic():
        record("half.done", "test", 1, actor="test")
        backup._sqlite(tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT count(*) FROM ledger_entry").fetchone()[0] == 0


def test_a_folder_that_can_t_be_written_leaves_nothing_behind(
    sqlite_file: Database, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BackupError, match=r"audit_\d{8}_\d{6}\.db could not be written"):
        backup.make(tmp_path / "file", actor="test")
    assert backup.newest() is None


def test_a_dump_that_fails_midway_never_has_a_backup_s_name(
    sqlite_file: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(path: Path) -> None:
        path.write_text("half")
        raise sqlite3.DatabaseError("disk is full")

    monkeypatch.setattr(backup, "_sqlite", breaks)
    with pytest.raises(BackupError, match="disk is full"):
        backup.make(tmp_path / "here", actor="test")
    assert list((tmp_path / "here").iterdir()) == []


def test_a_missing_pg_dump_is_named(
    postgres_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="pg_dump is not installed"):
        backup.make(tmp_path, actor="test")


def test_the_command_prints_file_and_digest(sqlite_file: Database, tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("backup_audit", "--output", str(tmp_path), stdout=out)
    made = backup.newest()
    assert made is not None
    assert out.getvalue() == f"{made.sha256}  {made.path}\n"
    with pytest.raises(CommandError) as caught:
        call_command("backup_audit", "--output", str(made.path))
    assert caught.value.returncode == 1


def spoil(made: backup.Backup) -> None:
    made.path.write_bytes(b"")


@pytest.mark.parametrize("lost", [lambda made: made.path.unlink(), spoil])
def test_the_preflight_knows_the_age_of_a_backup_that_is_still_there(
    sqlite_file: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lost: Callable[[backup.Backup], None],
) -> None:
    assert surroundings.backup_age() is None
    made = backup.make(tmp_path, actor="test")
    later = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert surroundings.backup_age() == pytest.approx(25.0, abs=0.01)
    assert surroundings.look_around().backup_h == pytest.approx(25.0, abs=0.01)
    lost(made)
    assert surroundings.backup_age() is None


def test_an_evening_without_a_backup_is_an_alert_until_there_is_one(
    sqlite_file: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(settings, "BACKUP_DIR", tmp_path / "file")
    tasks.back_up()
    assert Alert.objects.get(kind="backup").state == "OPEN"
    monkeypatch.setattr(settings, "BACKUP_DIR", tmp_path)
    tasks.back_up()
    assert Alert.objects.get(kind="backup").state == "RESOLVED"


def test_the_evening_s_backup_is_on_the_schedule() -> None:
    planned = settings.CELERY_BEAT_SCHEDULE["backup each evening"]
    assert planned["task"] == tasks.back_up.name
