"""A migration may think between two statements for as long as it takes."""

from typing import Any

from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate

TIMEOUT = "idle_in_transaction_session_timeout"


def connect() -> None:
    """Connect the signals; called once, when every app is loaded."""
    pre_migrate.connect(_be_patient, dispatch_uid="be patient with a migration")
    post_migrate.connect(_be_strict, dispatch_uid="be strict again after a migration")


def _be_patient(using: str, **signal: Any) -> None:
    """Lift the settings' limit on a standstill: a worker's, who holds locks that others wait for.

    Django computes the state of all models in the transaction of a migration, and on a busy host
    that takes longer than any worker may stand still.
    """
    _tell(using, f"SET {TIMEOUT} = 0")


def _be_strict(using: str, **signal: Any) -> None:
    """Put the limit back, for what else this connection is used for."""
    _tell(using, f"RESET {TIMEOUT}")


def _tell(using: str, sql: str) -> None:
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(sql)
