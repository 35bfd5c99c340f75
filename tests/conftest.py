"""Fixtures for every test: real databases, a real broker, one person per role.

An ordinary test says `@pytest.mark.django_db` and gets the default test database (SQLite in memory,
or what DATABASE_URL names). A test about locks, triggers, leases, threads or processes asks instead
for one of these, which point the connection `default` to a fresh, migrated database of its own, in
every thread, with no transaction around the test. It takes no `django_db` mark:

- `database`: runs twice, on a SQLite file (WAL, the product's options) and on PostgreSQL;
- `sqlite_file`, `postgres_db`: one of the two.

Each yields a `tests.databases.Database`: `vendor` ("sqlite" | "postgresql"), `url`, and `env` for a
child process that works on the same database. `postgres_url` and `redis_url` are the servers alone.
`people` works with either kind of test: `people.cro` is the user "cro" with password "secret-cro".
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connections
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from brokerage import patience
from crucible.roles import Role
from tests import databases, servers
from tests.databases import Database
from tests.haste import HastyLoop
from tests.replay import Recordings
from validation import build

OWN_DATABASE = {"database", "postgres_db", "sqlite_file"}
STAFF = {Role.CO, Role.AD, Role.CRO, Role.QA}


def pytest_configure() -> None:
    """Hash passwords fast and time no stall: no test is about how busy the machine is."""
    patience.PatientLoop = HastyLoop  # type: ignore[misc]
    asyncio.set_event_loop_policy(patience.PatientPolicy())
    # A process that a test starts takes a third less when an earlier one has compiled the product.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    _pin_version()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    hypothesis.settings.register_profile(
        "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("untimed")


def _pin_version() -> None:
    """Let all processes of a run be of one version, whatever is committed meanwhile."""
    found = build.code_version()
    settings.CODE_VERSION = "0" * 40 if found == build.UNKNOWN else found
    os.environ["CRUCIBLE_CODE_VERSION"] = settings.CODE_VERSION
    build.code_version.cache_clear()


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark the tests that need a server; begin with those that may take long.

    What has a limit of its own takes long: at the end the other workers would wait for it.
    """
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
    for item in items:
        if {"postgres_url", "postgres_db"} & set(item.fixturenames):
            item.add_marker(pytest.mark.postgres)
        if "redis_url" in item.fixturenames:
            item.add_marker(pytest.mark.broker)


@pytest.fixture
def haste(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the waits in which nothing can happen; for gateway and clients in one loop alone.

    A test marked `unhurried` holds times of day against each other, which go on as they do.
    """
    unhurried = request.node.get_closest_marker("unhurried") is not None
    monkeypatch.setattr(HastyLoop, "hasty", not unhurried)


@pytest.fixture(scope="session")
def _tables_in_memory(django_db_modify_db_settings: None, sqlite_template: Path) -> Iterator[None]:
    """Put the tables where the default test database will be, if that is in memory."""
    connection = connections["default"]
    name = connection.creation._get_test_db_name()
    if connection.vendor != "sqlite" or not connection.creation.is_in_memory_db(name):
        yield
        return
    with (
        closing(sqlite3.connect(sqlite_template)) as template,
        closing(sqlite3.connect(name, uri=True)) as memory,
    ):
        template.backup(memory)
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    _tables_in_memory: None, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """End a test that commits with the tables as they stood at the beginning.

    In memory they are copied, which takes a fortieth of the time of a flush. That comes elsewhere,
    and finds the append-only tables disarmed.
    """
    with django_db_blocker.unblock():
        kept = {one.alias: databases.snapshot(one) for one in connections.all()}
    flush = TransactionTestCase._fixture_teardown

    def restore(case: TransactionTestCase) -> None:
        names = case._databases_names(include_mirrors=False)
        copies = [(kept[name], connections[name]) for name in names]
        for copy, connection in copies:
            if copy is None:
                databases.disarm(connection)
            else:
                copy.backup(connection.connection)
        if not all(copy for copy, _ in copies):
            flush(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", restore)
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL on which databases may be created."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield given
    else:
        with servers.postgresql() as url:
            yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a real Redis-protocol server, in the form of settings.REDIS_URL."""
    if given := os.environ.get("REDIS_URL"):
        yield given
    else:
        with servers.valkey() as url:
            yield url


@pytest.fixture(scope="session")
def sqlite_template(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Path:
    """A SQLite file in which every table stands; the first worker makes it for all."""
    run = tmp_path_factory.getbasetemp()
    path = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "template.sqlite3"
    with path.with_suffix(".lock").open("w") as lock, django_db_blocker.unblock():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            made = path.with_suffix(".new")
            databases.migrate(f"sqlite:///{made}")
            made.rename(path)
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The URL of a PostgreSQL database in which every table stands."""
    with databases.postgres_copy(postgres_url) as url:
        with django_db_blocker.unblock():
            databases.migrate(url)
        yield url


@pytest.fixture
def sqlite_file(
    sqlite_template: Path, tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[Database]:
    """A fresh SQLite file as `default`."""
    with (
        django_db_blocker.unblock(),
        databases.sqlite_copy(sqlite_template, tmp_path / "crucible.sqlite3") as copy,
    ):
        yield copy


@pytest.fixture
def postgres_db(
    postgres_url: str, postgres_template: str, django_db_blocker: DjangoDbBlocker
) -> Iterator[Database]:
    """A fresh PostgreSQL database as `default`."""
    with (
        django_db_blocker.unblock(),
        databases.postgres_copy(postgres_url, postgres_template) as url,
        databases.default(url),
    ):
        yield Database("postgresql", url)


@pytest.fixture(
    params=["sqlite_file", pytest.param("postgres_db", marks=pytest.mark.postgres)],
    ids=["sqlite", "postgres"],
)
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh database as `default`: the test runs once on SQLite and once on PostgreSQL."""
    found: Database = request.getfixturevalue(request.param)
    return found


class People(dict[str, User]):
    """One person per role: `people.cro` or `people[Role.CRO.lower()]`."""

    def __getattr__(self, code: str) -> User:
        return self[code]

    @staticmethod
    def password(user: User) -> str:
        """The person's password."""
        return f"secret-{user.username}"


@pytest.fixture(scope="session")
def recordings() -> Recordings:
    """What fixtures have written in this process."""
    return Recordings()


@pytest.fixture
def people(request: pytest.FixtureRequest, recordings: Recordings) -> People:
    """One person per role, by the role's lower-case code; the auditors may enter the admin."""
    own = OWN_DATABASE & set(request.fixturenames)
    request.getfixturevalue(own.pop() if own else "db")
    recordings.write("people", _everybody)
    found = {user.username: user for user in User.objects.all()}
    return People({role.lower(): found[role.lower()] for role in Role})


def _everybody() -> None:
    for role in Role:
        code = role.lower()
        user = User.objects.create_user(code, f"{code}@example.com", f"secret-{code}")
        user.first_name, user.is_staff = role.label, role in STAFF
        user.save()
        user.groups.add(Group.objects.get_or_create(name=role.value)[0])
