"""The same session gives the same bytes: in any process, time zone, locale, and database."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from tests import databases
from tests.databases import Database
from tests.validation.recorded import record_session
from validation import archiving
from validation.models import Session

WORLDS = (
    {"TZ": "Asia/Kolkata", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "1"},
    {"TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONHASHSEED": "2"},
)


def digests(session: Session) -> dict[str, str]:
    found = {one.name: one.sha256 for one in archiving.archive_files(session)}
    return found | {"zip": hashlib.sha256(archiving.archive(session)).hexdigest()}


@pytest.fixture
def recorded_twice(
    sqlite_template: Path, postgres_url: str, postgres_template: str, tmp_path: Path,
    django_db_blocker: DjangoDbBlocker,
) -> list[dict[str, str]]:  # fmt: skip
    """The digests of one session, written to SQLite and to PostgreSQL."""
    found = []
    with django_db_blocker.unblock():
        with databases.sqlite_copy(sqlite_template, tmp_path / "one.sqlite3"):
            found.append(digests(record_session()))
        with (
            databases.postgres_copy(postgres_url, postgres_template) as url,
            databases.default(url),
        ):
            record_session("VS-OTHER", lines=3)  # so that no primary key is the same
            found.append(digests(record_session()))
    return found


@pytest.mark.postgres
def test_both_databases_give_the_same_bytes(recorded_twice: list[dict[str, str]]) -> None:
    on_sqlite, on_postgres = recorded_twice
    assert on_sqlite == on_postgres


@pytest.mark.parametrize("world", WORLDS, ids=["kolkata", "st-johns"])
def test_another_process_elsewhere_gives_the_same_bytes(
    sqlite_file: Database, tmp_path: Path, world: dict[str, str]
) -> None:
    session = record_session()
    command = [sys.executable, "manage.py", "export_session", session.number, "--out", tmp_path]
    env = os.environ | sqlite_file.env | world
    subprocess.run(command, cwd=settings.BASE_DIR, env=env, check=True, capture_output=True)
    written = tmp_path / "20260302" / session.number
    here = digests(session)
    assert {path.name for path in written.iterdir()} == here.keys() - {"zip"}
    for path in [*written.iterdir(), tmp_path / "20260302" / archiving.archive_name(session)]:
        known = here["zip" if path.suffix == ".zip" else path.name]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == known, path.name
