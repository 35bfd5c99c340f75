"""Let `default` point to another database for a while, and begin each test with the same tables."""

import itertools
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit, urlunsplit

import environ
import psycopg
from asgiref.local import Local
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """A migrated database that `default` points to; `url` is what DATABASE_URL would say."""

    vendor: str
    url: str

    @property
    def env(self) -> dict[str, str]:
        """The environment in which a child process works on this database."""
        return os.environ | {"DATABASE_URL": self.url}


@contextmanager
def default(url: str) -> Iterator[None]:
    """Let `default` mean this database in every thread; its connections are closed at the end."""
    config: dict[str, Any] = environ.Env.db_url_config(url)
    if "sqlite" in config["ENGINE"]:
        config["OPTIONS"] = settings.SQLITE_OPTIONS
    opened: list[BaseDatabaseWrapper] = []
    create = connections.create_connection

    def track(alias: str) -> BaseDatabaseWrapper:
        opened.append(create(alias))
        opened[-1].inc_thread_sharing()
        return opened[-1]

    complete = connections.configure_settings({"default": config})
    with (
        mock.patch.dict(connections.settings, complete),
        mock.patch.object(connections, "_connections", Local(connections.thread_critical)),
        mock.patch.object(connections, "create_connection", track),
    ):
        try:
            yield
        finally:
            for connection in opened:
                connection.close()


def migrate(url: str) -> None:
    """Create every table in the database."""
    with default(url):
        call_command("migrate", verbosity=0)


@contextmanager
def sqlite_copy(template: Path, target: Path) -> Iterator[Database]:
    """Point `default` to a copy of a migrated SQLite file, with the options of the product."""
    shutil.copy(template, target)
    url = f"sqlite:///{target}"
    with default(url):
        yield Database("sqlite", url)


@contextmanager
def postgres_copy(server: str, template: str | None = None) -> Iterator[str]:
    """Create a database, empty or like the template, and drop it at the end; yield its URL."""
    name = f"crucible_{os.getpid()}_{next(_numbers)}"
    create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template:
        create += sql.SQL(" TEMPLATE {}").format(sql.Identifier(urlsplit(template).path[1:]))
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(create)
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            admin.execute(drop)


def snapshot(connection: BaseDatabaseWrapper) -> sqlite3.Connection | None:
    """Copy a SQLite database in memory as it stands now; None for any other."""
    if connection.vendor != "sqlite" or not connection.is_in_memory_db():  # type: ignore[attr-defined]
        return None
    copy = sqlite3.connect(":memory:")
    connection.ensure_connection()
    connection.connection.backup(copy)
    return copy


def disarm(connection: BaseDatabaseWrapper) -> None:
    """Drop the append-only triggers, so that a test's flush may empty the tables.

    The product has no code for this; its `post_migrate`, which a flush emits, puts them back.
    """
    listing, drop = {
        "sqlite": (
            "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
            'DROP TRIGGER "{0}"',
        ),
        "postgresql": (
            "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal",
            'DROP TRIGGER "{0}" ON {1}',
        ),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(listing)
        for trigger in cursor.fetchall():
            cursor.execute(drop.format(*trigger))
