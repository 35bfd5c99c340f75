"""A session beside an earlier one: what changed, and what that did to the results."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from validation.comparing import baseline, compared
from validation.comparison import Measured, MetricChange, ScenarioChange, Standing
from validation.forms import CompareQuery
from validation.models import Session
from validation.views.answers import first_error, refusal
from validation.views.artefacts import session_of

CHOICES = 50
# The tone and the icon of each standing.
LOOKS = {
    Standing.FLAKY: ("warn", "alert-triangle"),
    Standing.NEW: ("bad", "circle-x"),
    Standing.STILL_FAILING: ("bad", "circle-x"),
    Standing.NOT_RUN: ("warn", "circle-dashed"),
    Standing.REMOVED: ("idle", "circle-minus"),
    Standing.ADDED: ("info", "info-circle"),
    Standing.FIXED: ("ok", "circle-check"),
    Standing.SAME: ("idle", "circle-check"),
}


@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    """Compare with the session that `against` names, else with the baseline."""
    session = session_of(number)
    others = _others(session)
    query = CompareQuery(request.GET)
    if not query.is_valid():
        return refusal(request, first_error(query))
    wanted = query.cleaned_data["against"]
    other = session_of(wanted) if wanted else None
    if other == session:
        return refusal(request, "A session is compared with another one.")
    context = _context(session, other)
    return render(request, "validation/compare.html", {**context, "others": others})


def _others(session: Session) -> list[Session]:
    earlier = Session.objects.exclude(pk=session.pk).exclude(started_at=None)
    return list(earlier.order_by("-started_at", "-pk")[:CHOICES])


def _context(session: Session, other: Session | None) -> dict[str, Any]:
    found = compared(session, other)
    rows = found.scenarios if found else ()
    return {
        "session": session,
        "simulated": session.simulated,
        "found": found,
        "before": other or baseline(session),
        "chosen": other,
        "counts": [_look(standing, count) for standing, count in found.counts()] if found else [],
        "moved": [_row(row) for row in rows if _tells(row)],
        "steady": [row for row in rows if not _tells(row)],
        **_metrics(found.metrics if found else ()),
    }


def _metrics(changes: Sequence[MetricChange]) -> dict[str, Any]:
    """Sort metrics into judged ones, figures of scenarios, and those without any value."""
    told = [one for one in changes if _mean(one.before) is not None or _mean(one.after) is not None]
    judged = [one for one in told if one.name.startswith("ME-")]
    return {
        "judged": judged,
        "figures": [one for one in told if one not in judged],
        "silent": len(changes) - len(told),
    }


def _mean(found: Measured | None) -> float | None:
    return found.mean if found else None


def _tells(change: ScenarioChange) -> bool:
    return change.standing != Standing.SAME or bool(change.checks) or change.version_changed


def _look(standing: Standing, count: int) -> dict[str, Any]:
    tone, icon = LOOKS[standing]
    return {"name": standing.value, "count": count, "tone": tone, "icon": icon}


def _row(change: ScenarioChange) -> dict[str, Any]:
    return {"change": change, **_look(change.standing, 1)}
