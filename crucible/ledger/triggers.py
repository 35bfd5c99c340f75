"""Make a table append-only in the database itself, on SQLite and on PostgreSQL.

Triggers refuse every UPDATE, DELETE, TRUNCATE and replacing INSERT with an IntegrityError, whoever
sends it: the ORM, the admin, raw SQL or a database shell. What they cannot stop is the owner of the
database: whoever may change the schema (DROP TRIGGER, DROP TABLE, ALTER TABLE … DISABLE TRIGGER) or
write the SQLite file can remove them first. `missing` finds a removed trigger; an altered row shows
in `Entry.intact`.
"""

from collections.abc import Iterable, Iterator

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# 23000 is integrity_constraint_violation, so that Django raises IntegrityError as on SQLite.
_POSTGRES_FUNCTIONS = """
CREATE OR REPLACE FUNCTION crucible_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23000';
END $$;
CREATE OR REPLACE FUNCTION crucible_gap_free() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wanted bigint;
BEGIN
  EXECUTE format('SELECT COALESCE(MAX(%I), 0) + 1 FROM %s', TG_ARGV[0], TG_RELID::regclass)
    INTO wanted;
  IF (to_jsonb(NEW) ->> TG_ARGV[0])::bigint IS DISTINCT FROM wanted THEN
    RAISE EXCEPTION '% has no gaps: the next % is %', TG_TABLE_NAME, TG_ARGV[0], wanted
      USING ERRCODE = '23000';
  END IF;
  RETURN NEW;
END $$;
"""


def triggers(
    table: str, *, frozen_when: str | None = None, gap_free: str | None = None
) -> list[Operation]:
    """Return the migration operations that make `table` append-only.

    No row is ever deleted. No row is ever updated, or with `frozen_when` (a condition in SQL on
    OLD and NEW that both databases understand, such as "OLD.state IN ('PASSED', 'FAILED')") none
    for which it holds. With `gap_free` the named column must grow by one with each row,
    from 1.

    On SQLite an insert that hits an existing unique key is refused even as INSERT OR IGNORE, so
    `bulk_create(ignore_conflicts=True)` raises there: use `get_or_create`.
    """
    return [AppendOnly(table, frozen_when=frozen_when, gap_free=gap_free)]


class AppendOnly(Operation):
    """The migration operation behind `triggers`."""

    reversible = True

    def __init__(
        self, table: str, *, frozen_when: str | None = None, gap_free: str | None = None
    ) -> None:
        self.table, self.frozen_when, self.gap_free = table, frozen_when, gap_free

    def describe(self) -> str:
        """Say what `migrate --plan` shows."""
        return f"Make {self.table} append-only"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: models know no triggers."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Create the triggers."""
        self.install(schema_editor.connection)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Drop the triggers."""
        on_table = f' ON "{self.table}"' if schema_editor.connection.vendor != "sqlite" else ""
        for name in self.names(schema_editor.connection):
            schema_editor.execute(f'DROP TRIGGER IF EXISTS "{name}"{on_table}', params=None)

    def install(self, connection: BaseDatabaseWrapper) -> None:
        """Create the triggers anew; those that exist are replaced."""
        sqlite = connection.vendor == "sqlite"
        with connection.cursor() as cursor:
            for statement in self._sqlite(connection) if sqlite else self._postgres():
                cursor.execute(statement)

    def names(self, connection: BaseDatabaseWrapper) -> set[str]:
        """Return the names of the triggers that guard the table."""
        kinds = {"no_update", "no_delete"}
        kinds |= {"no_replace", "no_displace"} if connection.vendor == "sqlite" else {"no_truncate"}
        return {
            f"{self.table}_{kind}" for kind in kinds | ({"gap_free"} if self.gap_free else set())
        }

    def _postgres(self) -> Iterator[str]:
        condition = f"WHEN ({self.frozen_when})" if self.frozen_when else ""
        yield _POSTGRES_FUNCTIONS
        yield self._postgres_trigger("no_update", "UPDATE", f"EACH ROW {condition}")
        yield self._postgres_trigger("no_delete", "DELETE", "EACH ROW")
        yield self._postgres_trigger("no_truncate", "TRUNCATE", "EACH STATEMENT")
        if self.gap_free:
            call = f"crucible_gap_free('{self.gap_free}')"
            yield self._postgres_trigger("gap_free", "INSERT", "EACH ROW", call)

    def _postgres_trigger(
        self, kind: str, event: str, per: str, call: str = "crucible_refuse()"
    ) -> str:
        # ALWAYS: also for a session that calls itself a replica.
        name = f'"{self.table}_{kind}"'
        return (
            f'CREATE OR REPLACE TRIGGER {name} BEFORE {event} ON "{self.table}" '
            f"FOR {per} EXECUTE FUNCTION {call}; "
            f'ALTER TABLE "{self.table}" ENABLE ALWAYS TRIGGER {name}'
        )

    def _sqlite(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        # REPLACE deletes the row in its way without a DELETE trigger, unless the connection has set
        # recursive_triggers; so the inserts and updates that would displace a row are refused too.
        taken = " OR ".join(
            "(" + " AND ".join(f'"{column}" = NEW."{column}"' for column in columns) + ")"
            for columns in _unique_keys(connection, self.table)
        )
        table = f'"{self.table}"'
        existing = f"EXISTS (SELECT 1 FROM {table} WHERE ({taken})"  # noqa: S608 - names of ours
        yield from self._sqlite_trigger("no_update", "UPDATE", self.frozen_when)
        yield from self._sqlite_trigger("no_delete", "DELETE")
        yield from self._sqlite_trigger("no_replace", "INSERT", f"{existing})")
        yield from self._sqlite_trigger(
            "no_displace", "UPDATE", f"{existing} AND rowid <> OLD.rowid)"
        )
        if column := self.gap_free:
            following = f'(SELECT COALESCE(MAX("{column}"), 0) + 1 FROM {table})'  # noqa: S608
            yield from self._sqlite_trigger(
                "gap_free", "INSERT", f'NEW."{column}" IS NOT {following}'
            )

    def _sqlite_trigger(self, kind: str, event: str, when: str | None = None) -> Iterator[str]:
        name, condition = f'"{self.table}_{kind}"', f"WHEN {when}" if when else ""
        yield f"DROP TRIGGER IF EXISTS {name}"
        refusal = f"{self.table} is append-only: {event} refused ({kind})"
        yield (
            f'CREATE TRIGGER {name} BEFORE {event} ON "{self.table}" {condition} '
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )


def _unique_keys(connection: BaseDatabaseWrapper, table: str) -> Iterable[tuple[str, ...]]:
    """Return the column groups by which SQLite could replace a row; rowid stands for the id.

    Raises ImproperlyConfigured for a partial or computed unique index, which the triggers could not
    follow.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, partial FROM pragma_index_list(%s) WHERE [unique]", [table])
        indexes = cursor.fetchall()
        keys = {("rowid",)}
        for name, partial in indexes:
            cursor.execute("SELECT name FROM pragma_index_info(%s) ORDER BY seqno", [name])
            columns = tuple(row[0] for row in cursor.fetchall())
            if partial or None in columns:
                raise ImproperlyConfigured(f"{table}: append-only tables take no index like {name}")
            keys.add(columns)
    return sorted(keys)


def declared(connection: BaseDatabaseWrapper) -> list[AppendOnly]:
    """Return the append-only tables that the applied migrations declare, the last word for each."""
    loader = MigrationLoader(connection)
    applied = sorted(loader.applied_migrations.keys() & loader.disk_migrations.keys())
    operations = [
        operation
        for key in applied
        for operation in loader.disk_migrations[key].operations
        if isinstance(operation, AppendOnly)
    ]
    return list({operation.table: operation for operation in operations}.values())


def restore(connection: BaseDatabaseWrapper) -> None:
    """Create every declared trigger anew: on SQLite a later change of a table drops them."""
    tables = set(connection.introspection.table_names())
    with transaction.atomic(using=connection.alias):
        for operation in declared(connection):
            if operation.table in tables:
                operation.install(connection)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of declared triggers that the database lacks or has switched off."""
    expected = {name for operation in declared(connection) for name in operation.names(connection)}
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return sorted(expected - {name for (name,) in cursor.fetchall()})
