"""Write an entry of the audit log, in the transaction of the change that it tells of."""

from datetime import UTC
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db import models, transaction
from django.utils import timezone

from crucible.correlation import correlation
from crucible.ledger.models import Entry, Head


def record(
    kind: str, object_type: str, object_id: object, *, actor: User | str, **details: Any
) -> Entry:
    """Append an entry and return it; `actor` is a person, or the name of a part of the system.

    Call it inside the transaction that makes the change, as its last statement where you can: until
    that transaction ends, every other writer of the ledger waits. Details are JSON values, dates,
    decimals, enums, UUIDs and paths, nested as you like. Raises TransactionManagementError outside
    of a transaction, TypeError for a detail that is none of these, ValueError for no actor.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            f"{kind}: an entry belongs into the transaction of the change it tells of"
        )
    person, name = _identity(actor)
    Head.objects.select_for_update().get(pk=1)
    entry = Entry(
        sequence=_last_sequence() + 1,
        at=timezone.now().astimezone(UTC),
        actor=person,
        actor_name=name,
        kind=kind,
        object_type=object_type,
        object_id=str(object_id),
        correlation=correlation(),
    )
    entry.seal(details)
    entry.save()
    return entry


def _identity(actor: User | AnonymousUser | str) -> tuple[User | None, str]:
    if isinstance(actor, str):
        if not actor:
            raise ValueError("an entry names its actor")
        return None, actor
    if isinstance(actor, AnonymousUser) or actor.pk is None:
        raise ValueError("nobody is signed in, so nobody can be the actor")
    return actor, actor.get_username()


def _last_sequence() -> int:
    found = Entry.objects.aggregate(last=models.Max("sequence"))["last"]
    return int(found or 0)
