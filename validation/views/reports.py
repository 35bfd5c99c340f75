"""A session's report: reading it, writing the narrative, taking it away."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from crucible.roles import has_role
from validation import archiving, gateway_logs, reports
from validation.artefacts.markup import html
from validation.comparing import baseline
from validation.downloads import attached
from validation.forms import NarrativeForm
from validation.models import Session, SessionState
from validation.reports import ReportError
from validation.views.answers import carry_out, person_of
from validation.views.artefacts import session_of

WRITABLE = {SessionState.MANUAL_CHECKS, SessionState.REPORTING}


@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    """The report as it was frozen, or as it stands now, and the form for people's words."""
    session = session_of(number)
    return render(request, "validation/report.html", _report(request, session))


def _report(
    request: HttpRequest, session: Session, form: NarrativeForm | None = None
) -> dict[str, Any]:
    frozen = archiving.frozen(session)
    body = frozen.html if frozen else html(reports.markdown(session))
    words = {name: getattr(session, name) for name in reports.FIELDS}
    allowed = has_role(request.user, *reports.MAY_WRITE)
    return {
        "session": session,
        "simulated": session.simulated,
        "frozen": frozen,
        "files": archiving.listed(session),
        "before": baseline(session),
        "logs": session.gateway_logs.defer("content").select_related("uploaded_by"),
        "may_add_log": has_role(request.user, *gateway_logs.MAY_UPLOAD)
        and session.state in gateway_logs.OPEN,
        "report_html": mark_safe(body),  # noqa: S308 - cleaned by nh3
        "form": form or NarrativeForm(initial=words),
        "may_write": allowed and session.state in WRITABLE,
        "no_writing_because": _why_not(session, allowed=allowed),
    }


def _why_not(session: Session, *, allowed: bool) -> str:
    if session.state not in WRITABLE:
        return f"The session is {session.get_state_display().lower()}: its report can’t be edited."
    return "" if allowed else "Operators, QA Specialists and the QA Lead write the report."


@require_POST
def write(request: HttpRequest, number: str) -> HttpResponse:
    """Keep what people wrote into the report."""
    session, by = session_of(number), person_of(request)
    form = NarrativeForm(request.POST)
    if not form.is_valid():
        context = _report(request, session, form)
        return render(request, "validation/report.html", context, status=422)
    return carry_out(
        request,
        request.path.removesuffix("write/"),
        lambda: reports.write(session, by, **form.cleaned_data),
        ReportError,
        done="The report is saved.",
    )


@require_safe
def download(request: HttpRequest, number: str, form: str) -> HttpResponse:
    """The report as a file: the frozen one when there is one."""
    if form not in archiving.FORMS:
        raise Http404(f"There is no report in the form {form}.")
    return attached(archiving.report_file(session_of(number), form))
