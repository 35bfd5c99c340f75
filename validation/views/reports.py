"""A session's report: reading it, writing the narrative, taking it away."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from crucible.roles import has_role
from validation import reports
from validation.forms import NarrativeForm
from validation.models import Session, SessionState
from validation.reports import ReportError
from validation.views.answers import carry_out, person_of

# The file stands alone: it is read and printed where the product's sheets are not.
STYLE = mark_safe(
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{border:1px solid #bbb;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top}th{background:#f2f4f6}"
)
WRITABLE = {SessionState.MANUAL_CHECKS, SessionState.REPORTING}
TYPES = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "xml": "application/xml",
    "checklist.md": "text/markdown; charset=utf-8",
}


@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    """The report as it was frozen, or as it stands now, and the form for people's words."""
    session = _found(number)
    return render(request, "validation/report.html", _report(request, session))


def _found(number: str) -> Session:
    return get_object_or_404(Session.objects.select_related("config", "created_by"), number=number)


def _report(
    request: HttpRequest, session: Session, form: NarrativeForm | None = None
) -> dict[str, Any]:
    frozen = reports.frozen(session)
    body = frozen.html if frozen else reports.html(reports.markdown(session))
    words = {name: getattr(session, name) for name in reports.FIELDS}
    allowed = has_role(request.user, *reports.MAY_WRITE)
    return {
        "session": session,
        "simulated": session.simulated,
        "frozen": frozen,
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
    session, by = _found(number), person_of(request)
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
    if form not in TYPES:
        raise Http404(f"There is no report in the form {form}.")
    response = HttpResponse(_file(_found(number), form), content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{number}-report.{form}"'
    return response


def _file(session: Session, form: str) -> str:
    frozen = reports.frozen(session)
    if form == "xml":
        return frozen.junit if frozen else reports.junit(session)
    if form == "checklist.md":
        return frozen.checklist if frozen else reports.checklist_markdown(session)
    text = frozen.markdown if frozen else reports.markdown(session)
    return text if form == "md" else _document(session, reports.html(text))


def _document(session: Session, body: str) -> str:
    return format_html(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        "<title>{}</title><style>{}</style></head>"
        "<body>\n{}</body></html>\n",
        f"Validation report {session.number}",
        STYLE,
        mark_safe(body),  # noqa: S308 - cleaned by nh3
    )
