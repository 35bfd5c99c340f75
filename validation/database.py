"""Say whether the database can be used at all, before a command asks it for anything."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor


def unready() -> str:
    """Return why the database can't be used and what to do about it; empty when it can."""
    try:
        executor = MigrationExecutor(connection)
        behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return f"The database can't be reached: {str(error).strip()} Check DATABASE_URL."
    if not behind:
        return ""
    return (
        f"The database is not set up: {len(behind)} migrations are not applied. Run "
        "`manage.py migrate`, and for a new database `manage.py seed_crucible`."
    )
