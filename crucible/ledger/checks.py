"""A system check that the append-only tables are still guarded."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's name
from django.db import connections

from crucible.ledger.triggers import missing


def guarded(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Warn of each trigger that somebody removed or switched off; `migrate` puts it back."""
    return [
        Warning(
            f"The trigger {name} is missing in the database {alias!r}: its table can be changed.",
            hint="Find out who removed it, then run `manage.py migrate` to put it back.",
            id="ledger.W001",
        )
        for alias in databases or ()
        for name in missing(connections[alias])
    ]
