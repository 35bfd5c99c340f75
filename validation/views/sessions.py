"""Sessions: the list, the start, the live page, its log, the abort."""

from collections.abc import Sequence
from math import ceil
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from brokerage.models import Execution, ObservedExecution, OrderRecord
from crucible.ledger.models import Entry
from crucible.roles import has_role
from validation import (
    acknowledging,
    differences,
    drills,
    hanging,
    market_hours,
    observed,
    sessions,
    tags,
)
from validation.evidence import SessionEvidence
from validation.facts import Facts
from validation.forms import LogQuery, ReasonForm, SessionQuery, StartForm, TimelineQuery
from validation.milestones import transition_code
from validation.models import (
    Attempt,
    AttemptState,
    LogLevel,
    LogLine,
    Session,
    SessionKind,
    SessionState,
)
from validation.models.session import IN_FLIGHT, STOPPED
from validation.observation import asked
from validation.preflight.report import told
from validation.views import timeline
from validation.views.answers import carry_out, first_error, paged, person_of, refusal, show
from validation.views.story import advice, hung, not_passed, steps, tally

# The preflight's findings stand first as long as they are what the session waits for.
BEFORE_RUN = {SessionState.DRAFT, SessionState.PREFLIGHT, SessionState.READY, SessionState.PAUSED}
WORSE = {
    "INFO": ["INFO", "WARNING", "ERROR", "CRITICAL"],
    "WARNING": ["WARNING", "ERROR", "CRITICAL"],
    "ERROR": ["ERROR", "CRITICAL"],
}


def listing(request: HttpRequest) -> HttpResponse:
    """All sessions, the newest first, and the form that starts one."""
    query = SessionQuery(request.GET)
    if not query.is_valid():
        return refusal(request, first_error(query))
    start_form = StartForm(initial={"restart_of": request.GET.get("restart_of", "")[:40]})
    return show(request, "sessions", _listing(request, query, start_form))


def _listing(request: HttpRequest, query: SessionQuery, start_form: StartForm) -> dict[str, Any]:
    wanted = {name: value for name in ("state", "kind") if (value := query.cleaned_data.get(name))}
    rows = (
        Session.objects.filter(**wanted).select_related("created_by").order_by("-created_at", "-pk")
    )
    passed = Count("attempts", filter=Q(attempts__state=AttemptState.PASSED))
    return {
        "sessions": paged(rows.annotate(passed=passed), query, 25),
        "query": query,
        "start": start_form,
        "may_start": has_role(request.user, *sessions.MAY_TRY),
        "chosen_only": not has_role(request.user, *sessions.MAY_START),
    }


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Start a session and go to its page; what is wrong is shown beside the form."""
    form = StartForm(request.POST)
    if form.is_valid() and not _chooses_too_little(request, form):
        try:
            return redirect(_start(person_of(request), form.cleaned_data))
        except PermissionDenied as error:
            return refusal(request, str(error), 403)
        except sessions.SessionRefused as error:
            form.add_error(None, str(error))
    query = SessionQuery({})
    query.is_valid()
    context = _listing(request, query, form)
    return render(request, "validation/sessions.html", context, status=422)


def _chooses_too_little(request: HttpRequest, form: StartForm) -> bool:
    """Whether a role that may run chosen scenarios chose none; the form then says so."""
    wanted = form.cleaned_data
    none = not wanted["scenarios"] and wanted["kind"] != SessionKind.OBSERVE
    none = none and has_role(request.user, *sessions.MAY_TRY)
    if none and not has_role(request.user, *sessions.MAY_START):
        form.add_error("scenarios", "Choose at least one: your role runs no full session.")
        return True
    return False


def _start(by: User, wanted: dict[str, Any]) -> Session:
    return sessions.start(
        by,
        wanted["endpoint"],
        wanted["scenarios"] or None,
        kind=wanted["kind"] or None,
        run=not wanted["preflight_only"],
        fail_fast=wanted["fail_fast"],
        log_level=wanted["log_level"] or LogLevel.INFO,
        two_hours=wanted["two_hours"],
        restart_of=wanted["restart_of"],
        term=asked(wanted["kind"], wanted["observe_s"], wanted["observed_client"]),
    )


@require_POST
def abort(request: HttpRequest, number: str) -> HttpResponse:
    """Stop a session."""
    session = get_object_or_404(Session, number=number)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect(session)
    by, reason = person_of(request), form.cleaned_data["reason"]
    return carry_out(
        request,
        session.get_absolute_url(),
        lambda: sessions.abort(session, by, reason),
        sessions.SessionRefused,
        done="The abort is requested.",
    )


@require_POST
def rerun(request: HttpRequest, number: str) -> HttpResponse:
    """Run the scenarios that did not pass once more; the first attempts stay."""
    session = get_object_or_404(Session, number=number)
    return carry_out(
        request,
        session.get_absolute_url(),
        lambda: sessions.rerun(session, not_passed(session.attempts.all()), person_of(request)),
        sessions.SessionRefused,
        done="The scenarios that did not pass run once more.",
    )


def detail(request: HttpRequest, number: str) -> HttpResponse:
    """One session as it happens."""
    session = get_object_or_404(
        Session.objects.select_related(
            "config",
            "created_by",
            "endpoint",
            "restart_of",
            "task",
            "abort_requested_by",
            "hours_waived_by",
            "follow_up",
            "checklist",
            "metric_plan",
        ).prefetch_related("checklist__items"),
        number=number,
    )
    facts = Facts(session)
    context = {**_story(facts), **_may(request, facts)}
    if "HX-Request" in request.headers:
        return show(request, "session", context)
    query = TimelineQuery(request.GET)
    if not query.is_valid():
        return refusal(request, first_error(query))
    return show(request, "session", {**timeline.context(facts, query), **context})


def _may(request: HttpRequest, facts: Facts) -> dict[str, Any]:
    session = facts.session
    undecided = session.state in acknowledging.UNDECIDED
    again = undecided and has_role(request.user, *sessions.MAY_START)
    stoppable = session.in_flight or session.state == SessionState.DRAFT
    return {
        "reason_form": ReasonForm(),
        "may_abort": stoppable and has_role(request.user, *sessions.MAY_ABORT),
        "may_steer": has_role(
            request.user, *(sessions.MAY_START if session.approvable else sessions.MAY_TRY)
        ),
        "may_waive_hours": market_hours.waivable(session)
        and has_role(request.user, *market_hours.MAY_WAIVE),
        "may_drill": has_role(request.user, *sessions.MAY_TRY),
        "may_acknowledge": undecided and has_role(request.user, *acknowledging.MAY_ACKNOWLEDGE),
        "may_attest": has_role(request.user, *acknowledging.MAY_ACKNOWLEDGE)
        and session.ended_at is None
        and not session.terminal,
        "may_rerun": again and bool(not_passed(facts.all_attempts)),
    }


def _story(facts: Facts) -> dict[str, Any]:
    session = facts.session
    attempts = sorted(facts.all_attempts, key=attrgetter("position", "number"))
    items = list(session.checklist.items.all()) if hasattr(session, "checklist") else []
    counted = tally(attempts, session.planned)
    findings, running = told(facts.preflight), _running(attempts, session.speed)
    warnings = facts.warnings if session.ended_at else []
    found = sorted(differences.of(session), key=attrgetter("settled"))
    return {
        "differences": found,
        "open_differences": sum(not one.settled for one in found),
        "findings": findings,
        "status_page": settings.BROKER_STATUS_URL,
        "turn": drills.turn(session) if session.in_flight else None,
        "windows": facts.windows,
        "watch_rows": facts.seen,
        "watch_figures": session.facts.get("watch"),
        "by_person": acknowledging.BY_PERSON,
        "before_run": session.state in BEFORE_RUN,
        "warnings": warnings,
        "open_warnings": sum(one.open for one in warnings),
        "open_metrics": any(one.open and one.expires for one in warnings),
        "last_days": acknowledging.last_days(),
        "session": session,
        "evidence": SessionEvidence(facts),
        "tag": tags.earned(session),
        "transition": transition_code(session),
        "simulated": session.simulated,
        "attempts": attempts,
        **running,
        "tally": counted,
        "steps": steps(session, counted, items),
        "advice": hung(running["now_running"])
        if running["overdue"] and not session.abort_requested_at
        else advice(session, items, findings),
        "items": items,
        "signable": session.approvable
        and session.state not in {SessionState.DRAFT, *IN_FLIGHT, *STOPPED},
        **_counts(session),
        "events": Entry.objects.filter(object_type="session", object_id=session.number)[:12],
    }


def _running(attempts: Sequence[Attempt], speed: float) -> dict[str, Any]:
    """What runs now, since when it is overdue, or in how many seconds the page should ask."""
    running = next((one for one in attempts if one.state == AttemptState.RUNNING), None)
    overdue = hanging.overdue_since(running, speed) if running else None
    due = hanging.due_at(running, speed) if running and not overdue else None
    left = due - timezone.now() if due else None
    return {
        "now_running": running,
        "overdue": overdue,
        "ask_in": ceil(left.total_seconds()) + 1 if left else None,
    }


def _counts(session: Session) -> dict[str, int]:
    """Count the session's own orders and fills, or those of others that it has seen."""
    if not session.observes:
        counts = _how_many(OrderRecord, session), _how_many(Execution, session)
        ((own, fills),) = Session.objects.filter(pk=session.pk).values_list(*counts)
        return {"order_count": own or 0, "fill_count": fills or 0}
    orders = observed.concerning(session)
    fill_count = ObservedExecution.objects.filter(order__in=orders).count()
    return {"order_count": orders.count(), "fill_count": fill_count}


def _how_many(model: type[OrderRecord] | type[Execution], session: Session) -> Subquery:
    """Count the rows of the session's scope, as a part of another query."""
    rows = model._default_manager.filter(scope=session.number).order_by().values("scope")
    return Subquery(rows.annotate(count=Count("pk")).values("count"))


def log(request: HttpRequest, number: str) -> HttpResponse:
    """All log lines of a session, filtered and paged by the server."""
    session = get_object_or_404(Session, number=number)
    query = LogQuery(request.GET)
    if not query.is_valid():
        return refusal(request, first_error(query))
    lines = paged(_lines(session, query.cleaned_data), query, 200)
    return show(
        request,
        "log",
        {"session": session, "simulated": session.simulated, "query": query, "lines": lines},
    )


def _lines(session: Session, wanted: dict[str, Any]) -> QuerySet[LogLine]:
    lines = session.log_lines.select_related("attempt").order_by("pk")
    if wanted["level"]:
        lines = lines.filter(level__in=WORSE[wanted["level"]])
    if wanted["scenario"]:
        lines = lines.filter(attempt__scenario=wanted["scenario"])
    if wanted["event"]:
        lines = lines.filter(event_type__startswith=wanted["event"])
    if wanted["correlation"]:
        lines = lines.filter(correlation=wanted["correlation"])
    if wanted["text"]:
        lines = lines.filter(message__icontains=wanted["text"])
    return lines.filter(planned=False) if wanted["planned"] else lines
