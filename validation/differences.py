"""What reconciliations of a session found, and who settled it: part of what is signed."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from brokerage.models import Correction, ReconciliationDiff
from validation.models import Session

DEED = "settled a difference to the broker"


def number_of(scope: str) -> str:
    """Return the number of the session to which a scope ("number" or "number/…") belongs."""
    return scope.partition("/")[0]


def of(session: Session) -> QuerySet[ReconciliationDiff]:
    """Return what reconciliations of the session found, the oldest first."""
    found = ReconciliationDiff.objects.filter(within(session))
    return found.select_related("proposed_by").order_by("pk")


def content(session: Session) -> list[dict[str, Any]]:
    """Return the differences and the correcting rows as plain values, for a manifest."""
    return [*_found(session), *_corrected(session)]


def settlers(session: Session) -> dict[int, str]:
    """Return who proposed or settled a difference of the session: the person's id → the deed."""
    found = ReconciliationDiff.objects.filter(within(session))
    names = found.values_list("settled_by", flat=True)
    people = set(User.objects.filter(username__in=list(names)).values_list("pk", flat=True))
    proposed = found.exclude(proposed_by=None).values_list("proposed_by", flat=True)
    people.update(pk for pk in proposed if pk is not None)
    corrected = Correction.objects.filter(within(session)).exclude(by=None)
    people.update(pk for pk in corrected.values_list("by", flat=True) if pk is not None)
    return dict.fromkeys(sorted(people), DEED)


def within(session: Session) -> Q:
    """Return what narrows rows with a scope to a session's.

    Scenarios reconcile under the session's number, a slash and their own id.
    """
    return Q(scope=session.number) | Q(scope__startswith=f"{session.number}/")


def _found(session: Session) -> Iterator[dict[str, Any]]:
    names = (
        "scope", "kind", "subject", "own", "wire", "broker", "state", "explanation", "settled_by",
        "proposer", "drill",
    )  # fmt: skip
    for diff in of(session):
        yield {"id": f"difference {diff.pk}", **{name: getattr(diff, name) for name in names}}


def _corrected(session: Session) -> Iterator[dict[str, Any]]:
    names = ("scope", "con_id", "quantity", "exec_id", "text", "by_name", "at")
    for row in Correction.objects.filter(within(session)).order_by("pk"):
        yield {"id": f"correction {row.pk}", **{name: getattr(row, name) for name in names}}
