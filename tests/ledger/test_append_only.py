"""Nobody changes or removes what an append-only table holds, by whatever statement they try."""

import sqlite3

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import ProtectedError

from crucible.ledger import triggers
from crucible.ledger.append_only import AppendOnlyError, AppendOnlyModel
from crucible.ledger.models import Entry, Head
from crucible.ledger.record import record
from tests.databases import Database

COLUMNS = "at, actor_name, kind, object_type, object_id, body, body_sha256, correlation"
UPDATES_AND_DELETES = [
    "UPDATE ledger_entry SET kind = 'forged'",
    "UPDATE ledger_entry SET sequence = sequence + 10",
    "UPDATE ledger_entry SET id = id + 10 WHERE sequence = 1",
    "DELETE FROM ledger_entry",
    "DELETE FROM ledger_entry WHERE sequence = 2",
    "DELETE FROM ledger_head",
    "UPDATE ledger_head SET id = 2",
]
SQLITE_ONLY = [
    "INSERT OR REPLACE INTO ledger_entry SELECT * FROM ledger_entry WHERE sequence = 1",
    "REPLACE INTO ledger_entry SELECT * FROM ledger_entry WHERE sequence = 1",
    f"REPLACE INTO ledger_entry (sequence, {COLUMNS}) "
    f"SELECT sequence, {COLUMNS} FROM ledger_entry WHERE sequence = 1",
    f"REPLACE INTO ledger_entry (rowid, sequence, {COLUMNS}) "
    f"SELECT 1, 3, {COLUMNS} FROM ledger_entry WHERE sequence = 1",
    f"INSERT INTO ledger_entry (id, sequence, {COLUMNS}) SELECT 1, 3, {COLUMNS} "
    "FROM ledger_entry WHERE sequence = 1 ON CONFLICT (id) DO UPDATE SET kind = 'forged'",
    "UPDATE OR REPLACE ledger_entry SET sequence = 1 WHERE sequence = 2",
    "UPDATE OR IGNORE ledger_entry SET kind = 'forged'",
]
POSTGRES_ONLY = [
    "TRUNCATE ledger_entry",
    "TRUNCATE ledger_head, ledger_entry RESTART IDENTITY CASCADE",
    "TRUNCATE auth_user CASCADE",
    "SET LOCAL session_replication_role = replica; UPDATE ledger_entry SET kind = 'forged'",
    "WITH gone AS (DELETE FROM ledger_entry RETURNING *) SELECT count(*) FROM gone",
    "MERGE INTO ledger_entry USING ledger_head ON true WHEN MATCHED THEN DELETE",
    f"INSERT INTO ledger_entry (id, sequence, {COLUMNS}) SELECT id, 3, {COLUMNS} "
    "FROM ledger_entry WHERE sequence = 1 ON CONFLICT (id) DO UPDATE SET kind = 'forged'",
]


def write(number: int = 2) -> None:
    with transaction.atomic():
        for _ in range(number):
            record("session.started", "session", "s1", actor="system")


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def stored() -> list[tuple[object, ...]]:
    return list(Entry.objects.order_by("sequence").values_list())


def assert_refused(statement: str) -> None:
    write()
    before = stored()
    with pytest.raises(IntegrityError, match=r"append-only|no gaps"):
        execute(statement)
    assert stored() == before
    assert Head.objects.count() == 1


@pytest.mark.parametrize("statement", UPDATES_AND_DELETES)
def test_plain_sql_neither_changes_nor_deletes_an_entry(database: Database, statement: str) -> None:
    assert_refused(statement)


@pytest.mark.parametrize("statement", SQLITE_ONLY)
def test_sqlite_replaces_no_entry(sqlite_file: Database, statement: str) -> None:
    assert_refused(statement)


@pytest.mark.parametrize("statement", SQLITE_ONLY + UPDATES_AND_DELETES)
def test_a_foreign_sqlite_connection_without_our_pragmas_replaces_nothing(
    sqlite_file: Database, statement: str
) -> None:
    write()
    before = stored()
    foreign = sqlite3.connect(sqlite_file.url.removeprefix("sqlite:///"))
    foreign.execute("PRAGMA recursive_triggers = OFF")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        foreign.execute(statement)
    foreign.close()
    assert stored() == before


@pytest.mark.parametrize("statement", POSTGRES_ONLY)
def test_postgresql_neither_truncates_nor_upserts_an_entry(
    postgres_db: Database, statement: str
) -> None:
    assert_refused(statement)


@pytest.mark.parametrize("sequence", [1, 2, 4, 0, -1])
def test_an_entry_with_any_but_the_next_number_is_refused(
    database: Database, sequence: int
) -> None:
    write()
    with pytest.raises(IntegrityError):
        execute(
            f"INSERT INTO ledger_entry (sequence, {COLUMNS}) "
            f"SELECT {sequence}, {COLUMNS} FROM ledger_entry WHERE sequence = 1"
        )


def test_the_flush_command_cannot_empty_the_ledger(database: Database) -> None:
    write()
    with pytest.raises(CommandError):
        call_command("flush", interactive=False, verbosity=0)
    assert Entry.objects.count() == 2


def test_the_orm_refuses_before_the_database_does(database: Database) -> None:
    write(1)
    entry = Entry.objects.get()
    entry.kind = "forged"
    attempts = [
        entry.save,
        entry.delete,
        lambda: entry.save(update_fields=["kind"]),
        Entry.objects.all().delete,
        lambda: Entry.objects.update(kind="forged"),
        lambda: Entry.objects.bulk_update([entry], ["kind"]),
        lambda: Entry.objects.update_or_create(sequence=1, defaults={"kind": "forged"}),
    ]
    for attempt in attempts:
        with pytest.raises(AppendOnlyError):
            attempt()
    assert Entry.objects.get().kind == "session.started"


def test_the_orms_back_doors_end_at_the_triggers(database: Database) -> None:
    write(1)
    entry = Entry.objects.get()
    entry.kind = "forged"
    attempts = [
        lambda: Entry.objects.all()._raw_delete("default"),
        lambda: Entry._base_manager.bulk_create([entry], update_conflicts=True,
                unique_fields=["sequence"], update_fields=["kind"]),
        lambda: Head.objects.all().delete(),
    ]  # fmt: skip
    for attempt in attempts:
        with pytest.raises(IntegrityError), transaction.atomic():
            attempt()
    assert Entry.objects.get().kind == "session.started"


def test_a_person_in_the_ledger_cannot_be_deleted(database: Database) -> None:
    person = User.objects.create_user("olivia")
    with transaction.atomic():
        record("session.started", "session", "s1", actor=person)
    with pytest.raises(ProtectedError):
        person.delete()


def test_no_declared_trigger_is_missing_after_migrate(database: Database) -> None:
    assert triggers.missing(connection) == []
    assert run_checks(databases=["default"], tags=["database"]) == []


def test_every_append_only_model_of_every_app_is_guarded_in_the_database(
    database: Database,
) -> None:
    models = [model for model in apps.get_models() if issubclass(model, AppendOnlyModel)]
    guarded = {operation.table for operation in triggers.declared(connection)}
    assert "ledger_entry" in guarded
    assert {model._meta.db_table for model in models} - guarded == set()


def test_a_removed_trigger_is_noticed_and_restored(database: Database) -> None:
    on_table = " ON ledger_entry" if database.vendor == "postgresql" else ""
    execute(f"DROP TRIGGER ledger_entry_no_update{on_table}")
    (warning,) = run_checks(databases=["default"], tags=["database"])
    assert (warning.id, "ledger_entry_no_update" in warning.msg) == ("ledger.W001", True)
    call_command("migrate", verbosity=0)
    assert triggers.missing(connection) == []


def test_a_disabled_trigger_is_noticed(postgres_db: Database) -> None:
    execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
    assert "ledger_entry_no_delete" in triggers.missing(connections["default"])


@pytest.fixture
def notes(database: Database) -> triggers.AppendOnly:
    """A table whose rows freeze once they are done, and a connection without our pragma."""
    if database.vendor == "sqlite":
        connection.cursor().execute("PRAGMA recursive_triggers = OFF")
    execute(
        "CREATE TABLE note (id integer PRIMARY KEY, code varchar(9) UNIQUE, state varchar(9), "
        "side integer, page integer, UNIQUE (side, page))"
    )
    (operation,) = triggers.triggers("note", frozen_when="OLD.state = 'DONE'")
    assert isinstance(operation, triggers.AppendOnly)
    operation.install(connection)
    execute("INSERT INTO note VALUES (1, 'a', 'OPEN', 1, 1), (2, 'b', 'DONE', 1, 2)")
    return operation


def test_a_row_may_change_until_it_is_frozen(notes: triggers.AppendOnly) -> None:
    execute("UPDATE note SET state = 'DONE' WHERE id = 1")
    with pytest.raises(IntegrityError, match="append-only"):
        execute("UPDATE note SET state = 'OPEN' WHERE id = 1")


def test_an_unfrozen_row_cannot_be_deleted_either(notes: triggers.AppendOnly) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        execute("DELETE FROM note WHERE id = 1")


@pytest.mark.parametrize("change", ["id = 2", "code = 'b'", "page = 2"])
def test_an_unfrozen_row_cannot_displace_a_frozen_one(
    notes: triggers.AppendOnly, change: str
) -> None:
    verb = "UPDATE OR REPLACE" if connection.vendor == "sqlite" else "UPDATE"
    with pytest.raises(IntegrityError):
        execute(f"{verb} note SET {change} WHERE id = 1")


@pytest.mark.parametrize("row", ["3, 'b', 'x', 9, 9", "3, 'z', 'x', 1, 2", "2, 'z', 'x', 9, 9"])
def test_an_insert_cannot_displace_a_row(notes: triggers.AppendOnly, row: str) -> None:
    verb = "INSERT OR REPLACE" if connection.vendor == "sqlite" else "INSERT"
    with pytest.raises(IntegrityError):
        execute(f"{verb} INTO note VALUES ({row})")


def test_taking_the_operation_back_drops_its_triggers(notes: triggers.AppendOnly) -> None:
    with connection.schema_editor() as editor:
        notes.database_backwards("notes", editor, None, None)  # type: ignore[arg-type]
    execute("DELETE FROM note")
    assert notes.describe() == "Make note append-only"


@pytest.mark.parametrize("index", ["(code) WHERE state = 'OPEN'", "(lower(code))"])
def test_a_unique_index_that_the_triggers_cannot_follow_is_refused(
    sqlite_file: Database, index: str
) -> None:
    execute("CREATE TABLE note (id integer PRIMARY KEY, code varchar(9), state varchar(9))")
    execute(f"CREATE UNIQUE INDEX odd ON note {index}")
    with pytest.raises(ImproperlyConfigured, match="odd"):
        triggers.AppendOnly("note").install(connection)
