"""The dashboard and the help page."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Case, Q, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from brokerage.calendar import ET, is_regular_hours, next_trading_day, session_hours
from brokerage.models import AccountProof, Endpoint
from crucible.alerts.models import Alert
from crucible.alerts.raising import MAY_ACKNOWLEDGE, AlertError, acknowledge
from crucible.ledger.models import Entry
from crucible.roles import has_role
from validation import sessions, streak
from validation.models import ConfigRevision, RevisionState, Session, SessionState, Upload
from validation.models.session import IN_FLIGHT
from validation.scenarios import catalogue
from validation.views.answers import carry_out, person_of, show
from validation.views.story import tally

MOST_ALERTS = 6
GRAVEST_FIRST = Case(When(severity="CRITICAL", then=0), When(severity="WARNING", then=1), default=2)
# What a machine writes by the dozen says little at a glance.
NOISE = Q(kind="checklist.ticked") | Q(object_type__in=["attempt", "order", "grant"])


def dashboard(request: HttpRequest) -> HttpResponse:
    """The state of the desk at a glance."""
    may_start = has_role(request.user, *sessions.MAY_TRY)
    may_acknowledge = has_role(request.user, *MAY_ACKNOWLEDGE)
    may = {"may_start": may_start, "may_acknowledge": may_acknowledge}
    return show(request, "dashboard", _desk(timezone.now()) | may)


def _desk(now: datetime) -> dict[str, Any]:
    running = Session.objects.filter(state__in=IN_FLIGHT).prefetch_related("attempts")
    revision = ConfigRevision.objects.filter(state=RevisionState.ACTIVE).first()
    alerts = Alert.objects.filter(state=Alert.State.OPEN).order_by(GRAVEST_FIRST, "-raised_at")
    return {
        "running": [(one, tally(one.attempts.all(), one.planned)) for one in running],
        "waiting": Session.objects.filter(state=SessionState.AWAITING_APPROVAL)[:5],
        "at_work": Session.objects.filter(
            state__in=[SessionState.MANUAL_CHECKS, SessionState.REPORTING]
        )[:5],
        "recent": Session.objects.select_related("created_by")[:6],
        "alerts": alerts[:MOST_ALERTS],
        "open_alerts": alerts.count(),
        "proof": AccountProof.objects.filter(endpoint__is_default=True).first(),
        "endpoints": Endpoint.objects.order_by("-is_default", "name"),
        "revision": revision,
        "expiry": revision and expiry_of(revision),
        "upload": Upload.objects.first(),
        "entries": Entry.objects.exclude(NOISE)[:10],
        "market": market(now),
        "streak": streak.current([one.id for one in catalogue.load().core()]),
    }


def expiry_of(revision: ConfigRevision) -> str:
    """The weekly expiry that a revision names (YYYYMMDD), or nothing."""
    contracts = revision.content.get("test_contracts", {})
    return str(contracts.get("spy_weekly_call", {}).get("expiry", ""))


def market(now: datetime) -> dict[str, Any]:
    """Whether the exchange trades, and when that changes."""
    today = now.astimezone(ET).date()
    hours = session_hours(today)
    if is_regular_hours(now) and hours:
        return {"open": True, "until": hours[1]}
    if hours is None or now >= hours[1]:
        hours = session_hours(next_trading_day(today))
    return {"open": False, "until": hours and hours[0]}


@require_POST
def alert_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that the person has seen the alert."""
    alert = get_object_or_404(Alert, pk=pk)
    return carry_out(
        request, "dashboard", lambda: acknowledge(alert, person_of(request)), AlertError
    )


def help_page(request: HttpRequest) -> HttpResponse:
    """How the product is used, role by role."""
    return render(request, "validation/help.html", {"references": settings.REFERENCE_LINKS})
