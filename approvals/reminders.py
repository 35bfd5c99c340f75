"""Remind of requests that will be due, and say once when one is overdue."""

from django.db import transaction
from django.utils import timezone

from approvals.deadlines import REMINDER_BEFORE
from approvals.models import Request
from approvals.requests import topics
from approvals.rules import UNDECIDED
from crucible.alerts.models import Alert
from crucible.alerts.raising import raise_alert
from crucible.ledger.record import record
from crucible.live.publish import publish

SYSTEM = "scheduler"


def remind() -> int:
    """Alert for every request that needs it now, each only once; return how many did.

    Two hours before a request is due: a reminder. From when it is due: OVERDUE, for the Project
    Manager and the Compliance Officer. Nothing ever expires into an approval.
    """
    due = Request.objects.filter(
        state__in=[state.value for state in UNDECIDED],
        overdue_at=None,
        due_at__lte=timezone.now() + REMINDER_BEFORE,
    )
    return sum(_look_at(pk) for pk in due.values_list("pk", flat=True))


def _look_at(pk: int) -> bool:
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=pk)
        if request.overdue and request.overdue_at is None:
            request.overdue_at = timezone.now()
            _tell(request, "overdue", Alert.Severity.CRITICAL)
            return True
        if request.undecided and not request.overdue and request.reminded_at is None:
            request.reminded_at = timezone.now()
            _tell(request, "reminder", Alert.Severity.WARNING)
            return True
    return False


def _tell(request: Request, event: str, severity: Alert.Severity) -> None:
    request.save()
    missing = ", ".join(role.label for role in request.outstanding_roles)
    overdue = event == "overdue"
    heading = "is OVERDUE" if overdue else f"is {request.countdown}"
    for_whom = " For the Project Manager and the Compliance Officer." if overdue else ""
    publish(*topics(request))
    raise_alert(
        f"signoff.{event}",
        f"{request} {heading}",
        f"Not signed by: {missing}.{for_whom}",
        severity=severity,
        ref=f"signoff:{request.pk}",
    )
    record(f"signoff.{event}", "signoff", request.pk, actor=SYSTEM, subject=request.subject)
