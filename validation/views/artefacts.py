"""A session's files to take away, the archive of them all, and the gateway's own log."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from validation import archiving, gateway_logs
from validation.artefacts.file import File
from validation.downloads import attached
from validation.forms import GatewayLogForm
from validation.models import Session
from validation.views.answers import carry_out, first_error, person_of


def session_of(number: str) -> Session:
    """Return a session, or end the request with 404."""
    return get_object_or_404(Session.objects.select_related("config", "created_by"), number=number)


@require_safe
def download(request: HttpRequest, number: str, name: str) -> HttpResponse:
    """One file: as it was submitted, else as it is now."""
    found = archiving.file_of(session_of(number), name)
    if found is None:
        raise Http404(f"{number} has no file {name}.")
    return attached(found)


@require_safe
def archive(request: HttpRequest, number: str) -> HttpResponse:
    """Every file in one zip, with the manifest of their digests."""
    session = session_of(number)
    name = archiving.archive_name(session)
    return attached(File(name, "application/zip", archiving.archive(session)))


@require_POST
def upload_log(request: HttpRequest, number: str) -> HttpResponse:
    """Keep the gateway's raw log beside the session."""
    session, by = session_of(number), person_of(request)
    back = reverse("report", args=[number])
    form = GatewayLogForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect(back)
    file = form.cleaned_data["file"]
    return carry_out(
        request,
        back,
        lambda: gateway_logs.receive(session, by, file.read(), file.name or ""),
        gateway_logs.LogRefused,
        done="The gateway's log is kept.",
    )
