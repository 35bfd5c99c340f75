"""The tests' own servers and databases are what they claim to be, and leave nothing behind."""

import os
import pwd
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection, connections, transaction

from crucible.ledger.models import Entry, Head
from crucible.ledger.record import record
from crucible.ledger.triggers import missing
from tests import servers
from tests.conftest import People
from tests.databases import Database

ROOT = Path(__file__).resolve().parents[2]


def test_default_points_to_the_fresh_database_in_every_thread(database: Database) -> None:
    seen: list[str] = []

    def look() -> None:
        seen.append(f"{connection.vendor} {Group.objects.count()}")

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [f"{database.vendor} {Group.objects.count()}"]
    assert not connection.in_atomic_block


def test_a_child_process_works_on_the_same_database(database: Database) -> None:
    Group.objects.create(name="visible")
    code = (
        "import django; django.setup();"
        "from django.contrib.auth.models import Group; print(Group.objects.get(name='visible'))"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.check_output(command, env=database.env, cwd=ROOT, text=True)
    assert said.strip() == "visible"


def test_no_migration_is_ended_because_it_thinks(postgres_db: Database) -> None:
    code = """
import django; django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import pre_migrate

def show(**signal):
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        print(cursor.fetchone()[0])

show()
pre_migrate.connect(show)
call_command("migrate", verbosity=0)
show()
"""
    command = [sys.executable, "-c", code]
    said = subprocess.check_output(command, env=postgres_db.env, cwd=ROOT, text=True).split()
    assert (said[0], set(said[1:-1]), said[-1]) == ("10s", {"0"}, "10s")


def test_the_sqlite_file_has_the_options_of_the_product(sqlite_file: Database) -> None:
    with connection.cursor() as cursor:
        pragmas = {}
        for name in ("journal_mode", "synchronous", "recursive_triggers"):
            cursor.execute(f"PRAGMA {name}")
            pragmas[name] = cursor.fetchone()[0]
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "recursive_triggers": 1}
    assert connection.settings_dict["OPTIONS"] == settings.SQLITE_OPTIONS


def test_our_postgresql_does_not_run_as_root() -> None:
    with servers.postgresql() as url, psycopg.connect(url) as session:
        (directory,) = session.execute("SHOW data_directory").fetchone() or ("",)
        owner = Path(directory).stat().st_uid
    assert owner == (pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid())
    assert not Path(directory).parent.exists()


def test_binaries_that_the_user_cannot_run_are_copied(tmp_path: Path) -> None:
    hidden, home = tmp_path / "hidden", tmp_path / "home"
    (hidden / "bin").mkdir(parents=True)
    (hidden / "bin" / "postgres").write_text("#!/bin/sh\nexit 1\n")
    home.mkdir()
    assert servers._readable(hidden / "bin", home, {}) == home / "postgresql" / "bin"
    assert (home / "postgresql" / "bin" / "postgres").exists()


def test_a_server_that_does_not_start_says_why() -> None:
    command = [sys.executable, "-c", "raise SystemExit('no room')"]
    starting = servers._running(command, lambda: False, servers.signal.SIGTERM)
    with pytest.raises(RuntimeError, match="no room"), starting:
        pass


def test_the_broker_speaks_redis_without_a_tcp_port(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url.replace("redis+socket://", "unix://"))
    assert client.ping()
    if redis_url.startswith("redis+socket://"):
        assert client.config_get("port") == {"port": "0"}


def test_a_stopped_server_leaves_no_directory_behind() -> None:
    with servers.valkey() as url:
        socket = Path(url.removeprefix("redis+socket://"))
        assert socket.exists()
    assert not socket.parent.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_flush_after_a_transactional_test_leaves_an_empty_armed_ledger(turn: int) -> None:
    assert not Entry.objects.exists()
    assert Head.objects.count() == 1
    assert missing(connections["default"]) == []
    with transaction.atomic():
        record("test.written", "turn", turn, actor="system")


@pytest.mark.django_db
def test_there_is_one_person_per_role(people: People) -> None:
    assert people.cro.check_password(people.password(people.cro))
    assert {group.name for group in people.cro.groups.all()} == {"CRO"}
    assert len(people) == 14
