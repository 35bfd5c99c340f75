"""Back the database up by its engine's own means, and keep in the audit log that it was done.

A copied database file may be torn (C-184). The names are RP-31's: audit_YYYYMMDD_HHMMSS, in UTC.
"""

import os
import sqlite3
import subprocess
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from crucible.ledger.models import Entry
from crucible.ledger.record import record

MADE = "backup.made"
LIMIT_S = 3600


class BackupError(Exception):
    """There is no backup; the text says why."""


@dataclass(frozen=True)
class Backup:
    """A backup that was made and read back; `size` in bytes."""

    path: Path
    sha256: str
    size: int
    at: datetime

    @property
    def there(self) -> bool:
        """Whether its file still is where it was written, as long as it was."""
        return self.path.is_file() and self.path.stat().st_size == self.size


def make(folder: Path, *, actor: User | str) -> Backup:
    """Write a backup into the folder, look whether it can be read, and record it.

    Raises BackupError; what is not whole never gets the name of a backup.
    """
    at = timezone.now().astimezone(UTC)
    dump, ending = {"sqlite": (_sqlite, "db"), "postgresql": (_postgres, "dump")}[connection.vendor]
    path = folder / f"audit_{at:%Y%m%d_%H%M%S}.{ending}"
    unfinished = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        dump(unfinished)
        with unfinished.open("rb") as file:
            sha256 = file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except (OSError, sqlite3.Error, subprocess.SubprocessError) as error:
        with suppress(OSError):
            unfinished.unlink()
        raise BackupError(f"{path.name} could not be written: {_why(error)}") from error
    with transaction.atomic():
        entry = record(
            MADE, "backup", path.name, actor=actor,
            path=path.resolve(), sha256=sha256, size=path.stat().st_size,
        )  # fmt: skip
    return _told(entry)


def newest() -> Backup | None:
    """Return the last backup that is on record, whether its file is still there or not."""
    entry = Entry.objects.filter(kind=MADE).order_by("-sequence").first()
    return None if entry is None else _told(entry)


def _told(entry: Entry) -> Backup:
    details = entry.details
    return Backup(Path(details["path"]), details["sha256"], details["size"], entry.at)


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return str(error.stderr).strip()[:500]
    if isinstance(error, FileNotFoundError) and error.filename in {"pg_dump", "pg_restore"}:
        return f"{error.filename} is not installed."
    return str(error)


def _sqlite(path: Path) -> None:
    """Copy page by page while others go on writing, and check the copy."""
    source = f"{Path(connection.settings_dict['NAME']).resolve().as_uri()}?mode=rw"
    with closing(sqlite3.connect(source, uri=True)) as live, closing(sqlite3.connect(path)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        told = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if told != "ok":
            raise sqlite3.DatabaseError(f"the copy is not whole: {told}")


def _postgres(path: Path) -> None:
    """Dump one moment of the database, and read the dump's table of contents."""
    place = connection.settings_dict
    secret = {"PGPASSWORD": str(place["PASSWORD"])} if place["PASSWORD"] else {}
    options = {"host": place["HOST"], "port": place["PORT"], "username": place["USER"]}
    given = [f"--{name}={value}" for name, value in options.items() if value]
    dump = ["pg_dump", "--format=custom", "--no-password", f"--file={path}", *given]
    _run([*dump, str(place["NAME"])], env=os.environ | secret)
    _run(["pg_restore", "--list", str(path)])


def _run(command: list[str], **options: Any) -> None:
    subprocess.run(  # noqa: S603 - the database's own commands
        command, check=True, capture_output=True, text=True, timeout=LIMIT_S, **options
    )
