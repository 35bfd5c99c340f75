"""The ledger as a Django app: its triggers stand after every migration."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db import connections
from django.db.models.signals import post_migrate

from crucible.ledger import checks, triggers


class LedgerConfig(AppConfig):
    """The append-only audit log."""

    name = "crucible.ledger"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Restore triggers and the head after a migration, which on SQLite may drop them."""
        register(checks.guarded, Tags.database)
        post_migrate.connect(_restore, sender=self)

    def restore(self, using: str) -> None:
        """Create the triggers of every append-only table anew, and the head if it is not there."""
        connection = connections[using]
        triggers.restore(connection)
        head = self.get_model("Head")
        if head._meta.db_table in connection.introspection.table_names():
            head._default_manager.using(using).get_or_create(pk=1)


def _restore(sender: LedgerConfig, using: str, **kwargs: Any) -> None:
    sender.restore(using)
